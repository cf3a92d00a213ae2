//! What each cap is counted in: accounts of the quota book (docs/adr/0016).

use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::policy::Scope;
use crate::programme::BudgetLine;
use crate::types::{Amount, ItemId, Money, PartyId};

/// The scopes that outlast one award, in the order of their transfers.
pub(crate) const COUNTED: [Scope; 9] = [
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
pub(crate) struct CountedFor<'a> {
    /// The programme, and the budget year that it is counted in.
    pub(crate) line: &'a BudgetLine,
    /// Who is given it.
    pub(crate) holder: PartyId,
    /// The holder's controller group, or the holder itself.
    pub(crate) undertaking: ItemId,
    /// Whose service is paid.
    pub(crate) provider: Option<PartyId>,
    /// The voucher or claim.
    pub(crate) item: ItemId,
}

/// The accounts of one cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    limits: Address,
    /// Limit that is left.
    pub(crate) left: Address,
    /// Limit that is used.
    pub(crate) used: Address,
}

impl CountedFor<'_> {
    /// The accounts that an award of a scope moves; none for scopes that end with the award.
    pub(crate) fn quota(&self, scope: Scope) -> Option<Quota> {
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
                zone(Q35).party(holder).item(self.item),
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
    pub(crate) fn of(self, holder: PartyId) -> Self {
        Self { holder, ..self }
    }
}

impl Quota {
    /// Makes what is left what the policy says today: one more transfer where it has changed.
    pub(crate) fn adjust(
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
    pub(crate) fn take(&self, amount: Amount) -> Result<Transfer, TransferError> {
        Transfer::new(self.left.clone(), self.used.clone(), amount)
    }
}

/// What one award is in accounts that count awards.
pub(crate) fn one() -> Amount {
    Amount::new(Money::from_minor(1)).expect("BUG: one is positive")
}
