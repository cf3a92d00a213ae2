//! What each step of a voucher's life moves in the books.

use super::model::{Ended, Voucher};
use super::years::OpenYears;
use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::programme::BudgetLine;
use crate::types::{Amount, FiscalYear, Money, PartyId, VoucherId};

/// A voucher's own account: B40 is free, B50 is held.
pub(super) fn own(line: &BudgetLine, code: AccountCode, voucher: VoucherId) -> Address {
    line.account(code).item(voucher)
}

/// The quota accounts of a holder under one cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quota {
    /// What a firm may be granted in a year.
    FirmYear(FiscalYear),
    /// What a firm may hold at a time.
    Holding,
}

impl Quota {
    fn codes(self) -> (AccountCode, AccountCode) {
        match self {
            Self::FirmYear(_) => (AccountCode::Q20, AccountCode::Q30),
            Self::Holding => (AccountCode::Q21, AccountCode::Q31),
        }
    }

    fn account(self, code: AccountCode, line: &BudgetLine, holder: PartyId) -> Address {
        let address = Address::new(code, line.currency)
            .programme(&line.programme)
            .party(holder);
        match self {
            Self::FirmYear(year) => address.year(year),
            Self::Holding => address,
        }
    }

    /// Limit that is left.
    pub(super) fn left(self, line: &BudgetLine, holder: PartyId) -> Address {
        self.account(self.codes().0, line, holder)
    }

    /// Limit that is used.
    pub(super) fn used(self, line: &BudgetLine, holder: PartyId) -> Address {
        self.account(self.codes().1, line, holder)
    }

    /// Makes the limit what the policy says today: one more transfer where it has changed.
    pub(super) fn adjust(
        self,
        line: &BudgetLine,
        holder: PartyId,
        cap: Money,
        left: Money,
        used: Money,
    ) -> Result<Option<Transfer>, TransferError> {
        let limits = Address::new(AccountCode::Q10, line.currency).programme(&line.programme);
        let limit: Money = [left, used].into_iter().sum();
        if let Ok(raise) = Amount::new(cap.saturating_sub(limit)) {
            return Transfer::new(limits, self.left(line, holder), raise).map(Some);
        }
        // What was granted under the old limit stays; only what is left can be taken back.
        let lower = limit.saturating_sub(cap).min(left);
        match Amount::new(lower) {
            Ok(lower) => Transfer::new(self.left(line, holder), limits, lower).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Uses some of the limit.
    pub(super) fn take(
        self,
        line: &BudgetLine,
        holder: PartyId,
        amount: Amount,
    ) -> Result<Transfer, TransferError> {
        Transfer::new(self.left(line, holder), self.used(line, holder), amount)
    }

    /// Gives some of the limit back.
    pub(super) fn give_back(
        self,
        line: &BudgetLine,
        holder: PartyId,
        amount: Amount,
    ) -> Result<Transfer, TransferError> {
        Ok(self.take(line, holder, amount)?.reversed())
    }
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
    if voucher.quotas.holding {
        transfers.push(Quota::Holding.give_back(line, voucher.holder, used)?);
    }
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
    let to = line.account(if years.is_open(line.year) {
        AccountCode::B30
    } else {
        AccountCode::B80
    });
    let free = own(line, AccountCode::B40, voucher.id);
    let mut transfers = vec![Transfer::new(free, to, amount)?];
    if voucher.quotas.firm_year {
        transfers.push(Quota::FirmYear(line.year).give_back(line, voucher.holder, amount)?);
    }
    if voucher.quotas.holding {
        transfers.push(Quota::Holding.give_back(line, voucher.holder, amount)?);
    }
    Ok(transfers)
}
