//! What each step of a recovery moves in the books.

use chrono::NaiveDate;

use super::model::Recovery;
use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::payment::Payable;
use crate::types::{Amount, FiscalYear};

type Transfers = Result<Vec<Transfer>, TransferError>;

/// What a recovery has open, as an account.
fn receivable(recovery: &Recovery) -> Address {
    let account = recovery.line.account(AccountCode::F1210);
    account.party(recovery.party).item(recovery.id)
}

/// The order: receivable from the party, and income of the line that paid.
pub(super) fn order(recovery: &Recovery) -> Transfers {
    let income = recovery.line.account(AccountCode::F5090);
    let ordered = Transfer::new(receivable(recovery), income, recovery.amount)?;
    Ok(vec![ordered])
}

/// What is not asked for any more: a void order, or what is written off. The budget gets nothing back.
pub(super) fn give_up(recovery: &Recovery, amount: Amount) -> Transfers {
    let income = recovery.line.account(AccountCode::F5090);
    let given_up = Transfer::new(income, receivable(recovery), amount)?;
    Ok(vec![given_up])
}

/// Where the spent authority of what comes back on a day goes: in the year that paid it is free again (B30), later it is
/// returned (B80). See docs/adr/0021.
pub(super) fn returned_to(year: FiscalYear, on: NaiveDate) -> AccountCode {
    if FiscalYear::of(on) == year {
        AccountCode::B30
    } else {
        AccountCode::B80
    }
}

/// Money that a line of the bank brought.
pub(super) fn cash(recovery: &Recovery, amount: Amount, returned: AccountCode) -> Transfers {
    let bank = Address::new(AccountCode::F1010, recovery.line.currency);
    Ok(vec![
        Transfer::new(bank, receivable(recovery), amount)?,
        recovery.line.transfer(AccountCode::B70, returned, amount)?,
    ])
}

/// An offset: less is owed to the party and less is asked of it. The payable's own authority is spent by that, and what the
/// recovery's line spent comes back.
pub(super) fn offset(
    recovery: &Recovery,
    payable: &Payable,
    amount: Amount,
    returned: AccountCode,
) -> Transfers {
    let owed = payable.line.payable(payable.payee);
    Ok(vec![
        Transfer::new(owed, receivable(recovery), amount)?,
        payable
            .line
            .transfer(AccountCode::B60, AccountCode::B70, amount)?,
        recovery.line.transfer(AccountCode::B70, returned, amount)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_in_the_year_that_paid_is_free_again() {
        for (year, on, expected) in [
            (2020, "2020-01-01", AccountCode::B30),
            (2020, "2020-12-31", AccountCode::B30),
            (2020, "2021-01-01", AccountCode::B80),
            (2020, "2023-06-30", AccountCode::B80),
        ] {
            let returned = returned_to(FiscalYear(year), on.parse().unwrap());
            assert_eq!(returned, expected, "{year} {on}");
        }
    }
}
