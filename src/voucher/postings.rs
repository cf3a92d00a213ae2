//! What each step of a voucher's life moves in the books.

use super::model::{Ended, Voucher};
use super::quota;
use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::programme::{BudgetLine, OpenYears};
use crate::types::{Amount, PartyId, VoucherId};

/// A voucher's own account: B40 is free, B50 is held.
pub(super) fn own(line: &BudgetLine, code: AccountCode, voucher: VoucherId) -> Address {
    line.account(code).item(voucher)
}

type Transfers = Result<Vec<Transfer>, TransferError>;

/// Issue: from the programme's free authority to the voucher.
pub(super) fn issue(
    line: &BudgetLine,
    voucher: VoucherId,
    face: Amount,
) -> Result<Transfer, TransferError> {
    Transfer::new(
        line.account(AccountCode::B30),
        own(line, AccountCode::B40, voucher),
        face,
    )
}

/// Hold for an order.
pub(super) fn hold(voucher: &Voucher, amount: Amount) -> Result<Transfer, TransferError> {
    let own = |code| own(&voucher.line, code, voucher.id);
    Transfer::new(own(AccountCode::B40), own(AccountCode::B50), amount)
}

/// Redemption: what is used becomes an obligation and is owed to the payee; the rest of the hold goes
/// back.
pub(super) fn redeem(
    voucher: &Voucher,
    used: Amount,
    ended: Ended,
    payee: PartyId,
    years: &OpenYears,
) -> Transfers {
    let line = &voucher.line;
    let held = own(line, AccountCode::B50, voucher.id);
    let mut transfers = vec![
        Transfer::new(held, line.account(AccountCode::B60), used)?,
        Transfer::new(line.account(AccountCode::F5010), line.payable(payee), used)?,
    ];
    transfers.extend(quota::no_longer_held(voucher, used)?);
    transfers.extend(release(voucher, ended, years)?);
    Ok(transfers)
}

/// The unused part of a hold: free again, or lapsed.
pub(super) fn release(voucher: &Voucher, ended: Ended, years: &OpenYears) -> Transfers {
    let own = |code| own(&voucher.line, code, voucher.id);
    let mut transfers = Vec::new();
    let (Ended::Free(rest) | Ended::Lapsed(rest)) = ended;
    if let Ok(rest) = Amount::new(rest) {
        transfers.push(Transfer::new(
            own(AccountCode::B50),
            own(AccountCode::B40),
            rest,
        )?);
        if matches!(ended, Ended::Lapsed(_)) {
            transfers.extend(take_back(voucher, rest, years)?);
        }
    }
    Ok(transfers)
}

/// Expiry or cancellation of the free part: back to the programme while the budget year that funds it
/// is open, lapsed once it is closed (worked case V7); the limits are given back with it.
pub(super) fn take_back(voucher: &Voucher, amount: Amount, years: &OpenYears) -> Transfers {
    let line = &voucher.line;
    let to = line.account(years.returns_to(line));
    let free = own(line, AccountCode::B40, voucher.id);
    let mut transfers = vec![Transfer::new(free, to, amount)?];
    transfers.extend(quota::give_back(voucher, amount)?);
    Ok(transfers)
}
