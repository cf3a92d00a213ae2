//! What each cap is counted in: accounts of the quota book (docs/adr/0016).

use super::model::Voucher;
use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::policy::Scope;
use crate::programme::BudgetLine;
use crate::types::{Amount, ItemId, Money, PartyId, VoucherId};

/// The scopes that outlast one award, in the order of their transfers.
pub(super) const COUNTED: [Scope; 9] = [
    Scope::FirmYear,
    Scope::Holding,
    Scope::GroupYear,
    Scope::ProviderYear,
    Scope::Lifetime,
    Scope::Programme,
    Scope::DeMinimis,
    Scope::YearCount,
    Scope::LifetimeCount,
];

/// Whom and what an award is counted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountedFor<'a> {
    /// The programme, and the budget year that it is counted in.
    pub(super) line: &'a BudgetLine,
    /// Who holds the voucher.
    pub(super) holder: PartyId,
    /// The holder's controller group, or the holder itself.
    pub(super) undertaking: ItemId,
    /// Whose service is paid.
    pub(super) provider: Option<PartyId>,
    /// The voucher.
    pub(super) voucher: VoucherId,
}

/// The accounts of one cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    limits: Address,
    /// Limit that is left.
    pub(super) left: Address,
    /// Limit that is used.
    pub(super) used: Address,
}

impl CountedFor<'_> {
    /// The accounts that an award of a scope moves; none for scopes that end with the award.
    pub(super) fn quota(&self, scope: Scope) -> Option<Quota> {
        use AccountCode::{
            Q10, Q11, Q20, Q21, Q22, Q23, Q24, Q25, Q26, Q27, Q28, Q30, Q31, Q32, Q33, Q34, Q35,
            Q36, Q37, Q38,
        };
        let line = self.line;
        let zone = |code| Address::new(code, line.currency);
        let always = |code| zone(code).programme(&line.programme);
        let year = |code| always(code).year(line.year);
        let holder = self.holder;
        let (left, used) = match scope {
            Scope::FirmYear => (year(Q20).party(holder), year(Q30).party(holder)),
            Scope::Holding => (always(Q21).party(holder), always(Q31).party(holder)),
            Scope::GroupYear => (year(Q22).item(self.undertaking), year(Q32).party(holder)),
            Scope::ProviderYear => {
                let provider = self.provider?;
                (year(Q23).party(provider), year(Q33).party(provider))
            }
            Scope::Lifetime => (always(Q24).party(holder), always(Q34).party(holder)),
            Scope::DeMinimis => (
                zone(Q25).item(self.undertaking),
                zone(Q35).party(holder).item(self.voucher),
            ),
            Scope::Programme => (year(Q26), year(Q36)),
            Scope::YearCount => (year(Q27).party(holder), year(Q37).party(holder)),
            Scope::LifetimeCount => (always(Q28).party(holder), always(Q38).party(holder)),
            Scope::Application | Scope::Unit => return None,
        };
        let limits = match scope {
            Scope::DeMinimis => zone(Q10),
            Scope::YearCount | Scope::LifetimeCount => always(Q11),
            Scope::FirmYear
            | Scope::Holding
            | Scope::GroupYear
            | Scope::ProviderYear
            | Scope::Lifetime
            | Scope::Programme
            | Scope::Application
            | Scope::Unit => always(Q10),
        };
        Some(Quota { limits, left, used })
    }

    /// The same of another holder: what it has used counts for its group.
    pub(super) fn of(self, holder: PartyId) -> Self {
        Self { holder, ..self }
    }
}

impl Quota {
    /// Makes what is left what the policy says today: one more transfer where it has changed.
    pub(super) fn adjust(
        &self,
        left: Money,
        now: Money,
    ) -> Result<Option<Transfer>, TransferError> {
        let raise = Amount::new(now.saturating_sub(left)).ok();
        let lower = Amount::new(left.saturating_sub(now)).ok();
        match (raise, lower) {
            (Some(raise), _) => {
                Transfer::new(self.limits.clone(), self.left.clone(), raise).map(Some)
            }
            (None, Some(lower)) => {
                Transfer::new(self.left.clone(), self.limits.clone(), lower).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// Uses some of the limit.
    pub(super) fn take(&self, amount: Amount) -> Result<Transfer, TransferError> {
        Transfer::new(self.left.clone(), self.used.clone(), amount)
    }
}

/// What one award is in accounts that count awards.
pub(super) fn one() -> Amount {
    Amount::new(Money::from_minor(1)).expect("BUG: one is positive")
}

/// Gives back what a voucher used of the limits that it was counted against, when so much of it leaves unused. It counts
/// as an award as long as something of it was used, or may be.
pub(super) fn give_back(voucher: &Voucher, amount: Amount) -> Result<Vec<Transfer>, TransferError> {
    let parts = voucher.parts;
    let is_over = [parts.free, parts.held, parts.redeemed]
        .iter()
        .all(|part| *part == Money::ZERO);
    let mut transfers = Vec::new();
    for scope in counted(voucher) {
        let amount = if scope.counts() { one() } else { amount };
        if !scope.counts() || is_over {
            transfers.extend(return_one(voucher, scope, amount)?);
        }
    }
    Ok(transfers)
}

/// Gives back what is no longer held.
pub(super) fn no_longer_held(
    voucher: &Voucher,
    used: Amount,
) -> Result<Option<Transfer>, TransferError> {
    if voucher.quotas.counts(Scope::Holding) {
        return_one(voucher, Scope::Holding, used)
    } else {
        Ok(None)
    }
}

fn counted(voucher: &Voucher) -> impl Iterator<Item = Scope> + '_ {
    let counts = |scope: &Scope| voucher.quotas.counts(*scope);
    COUNTED.into_iter().filter(counts)
}

fn return_one(
    voucher: &Voucher,
    scope: Scope,
    amount: Amount,
) -> Result<Option<Transfer>, TransferError> {
    let counted = CountedFor {
        line: &voucher.line,
        holder: voucher.holder,
        undertaking: voucher
            .quotas
            .undertaking
            .unwrap_or(ItemId(voucher.holder.0)),
        provider: None,
        voucher: voucher.id,
    };
    let quota = counted.quota(scope);
    quota
        .map(|quota| Ok(quota.take(amount)?.reversed()))
        .transpose()
}
