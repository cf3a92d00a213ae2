//! What has been used of caps, as the quota accounts say, and as earlier awards of a batch have left it.

use std::collections::{HashMap, HashSet};

use chrono::{Months, NaiveDate};
use sqlx::PgConnection;

use super::Quotas;
use super::quota::{self, COUNTED, CountedFor};
use crate::journal::{self, AccountCode, Address, Transfer, TransferError};
use crate::party::{self, Undertaking};
use crate::policy::{Decision, Moment, Policy, Scope, Usage};
use crate::programme::BudgetLine;
use crate::types::{Amount, Currency, FiscalYear, ItemId, Money, PartyId, Zone};

/// De minimis aid counts for three years, day by day.
const DE_MINIMIS: Months = Months::new(36);

/// One decision that is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) moment: Moment,
    pub(crate) holder: PartyId,
    /// Whose service is paid, at a redemption.
    pub(crate) provider: Option<PartyId>,
}

impl<'a> Asked<'a> {
    /// For what was done.
    pub(crate) const fn claim(policy: &'a Policy, holder: PartyId) -> Self {
        Self {
            policy,
            moment: Moment::Claim,
            holder,
            provider: None,
        }
    }

    /// For a voucher.
    pub(crate) const fn grant(policy: &'a Policy, holder: PartyId) -> Self {
        Self {
            policy,
            moment: Moment::Grant,
            holder,
            provider: None,
        }
    }

    /// For the service of a provider, by a voucher.
    pub(crate) const fn redemption(policy: &'a Policy, holder: PartyId, provider: PartyId) -> Self {
        Self {
            policy,
            moment: Moment::Redemption,
            holder,
            provider: Some(provider),
        }
    }

    fn counts(&self, scope: Scope) -> bool {
        counts(self.policy, self.moment, scope)
    }

    /// What a decision of it shows: at a grant the year and what is held always, the rest where it is capped.
    fn shows(&self, scope: Scope) -> bool {
        let always = matches!(scope, Scope::FirmYear | Scope::Holding);
        (always && self.moment == Moment::Grant) || self.counts(scope)
    }
}

fn counts(policy: &Policy, moment: Moment, scope: Scope) -> bool {
    let award = policy.award(moment);
    award.is_some_and(|award| award.caps.iter().any(|cap| cap.scope == scope))
}

/// Whether a decision of that moment rests on what others were given before.
pub(crate) fn rests_on_usage(policy: &Policy, moment: Moment) -> bool {
    let counts = |scope: &Scope| counts(policy, moment, *scope);
    COUNTED.iter().any(counts)
}

/// Whether a decision of that moment rests on what a group, or the whole programme, was given before.
pub(crate) fn rests_on_others(policy: &Policy, moment: Moment) -> bool {
    let shared = [Scope::GroupYear, Scope::DeMinimis, Scope::Programme];
    shared.iter().any(|scope| counts(policy, moment, *scope))
}

/// What has been used, of everything that a batch asks.
#[derive(Debug)]
pub(crate) struct Usages {
    currency: Currency,
    year: FiscalYear,
    balances: HashMap<Address, Money>,
    undertakings: HashMap<PartyId, Undertaking>,
    /// De minimis aid by who got it.
    aid: HashMap<PartyId, Money>,
}

impl Usages {
    /// Reads the quota accounts that decisions of that day rest on, in one statement; where groups count, their members
    /// before, and where de minimis aid counts, its days after.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        asked: &[Asked<'_>],
    ) -> Result<Self, sqlx::Error> {
        let mut usages = Self {
            currency: zone.currency,
            year: FiscalYear::of(today),
            balances: HashMap::new(),
            undertakings: HashMap::new(),
            aid: HashMap::new(),
        };
        if asked.is_empty() {
            return Ok(usages);
        }
        let by_group =
            |one: &&Asked<'_>| one.counts(Scope::GroupYear) || one.counts(Scope::DeMinimis);
        let of_groups: Vec<PartyId> = asked
            .iter()
            .filter(by_group)
            .map(|one| one.holder)
            .collect();
        if !of_groups.is_empty() {
            usages.undertakings = party::store::undertakings(conn, zone.id, &of_groups).await?;
        }
        let mut addresses = HashSet::new();
        for one in asked {
            usages.name(one, &mut addresses);
        }
        let addresses: Vec<Address> = addresses.into_iter().collect();
        let balances = journal::balances(conn, zone.id, &addresses).await?;
        usages.balances = addresses.into_iter().zip(balances).collect();

        let of_aid = asked.iter().filter(|one| one.counts(Scope::DeMinimis));
        let mut aided: Vec<PartyId> = of_aid.flat_map(|one| usages.members(one.holder)).collect();
        if !aided.is_empty() {
            aided.sort_unstable();
            aided.dedup();
            let since = today
                .checked_sub_months(DE_MINIMIS)
                .unwrap_or(NaiveDate::MIN);
            let code = Address::new(AccountCode::Q35, zone.currency);
            usages.aid = journal::opened_after(conn, zone.id, &code, &aided, since).await?;
        }
        Ok(usages)
    }

    /// The accounts that a decision rests on, and those that it will move.
    fn name(&self, one: &Asked<'_>, into: &mut HashSet<Address>) {
        let line = self.line(one.policy);
        let case = self.case(&line, one.holder, one.provider, ItemId(uuid::Uuid::nil()));
        for scope in COUNTED.into_iter().filter(|scope| one.shows(*scope)) {
            let Some(quota) = case.quota(scope) else {
                continue;
            };
            if one.counts(scope) {
                into.insert(quota.left);
            }
            match scope {
                Scope::DeMinimis => {}
                Scope::GroupYear => {
                    let members = self.members(one.holder);
                    let quotas = members.filter_map(|member| case.of(member).quota(scope));
                    into.extend(quotas.map(|quota| quota.used));
                }
                Scope::FirmYear
                | Scope::Holding
                | Scope::ProviderYear
                | Scope::Lifetime
                | Scope::Programme
                | Scope::YearCount
                | Scope::LifetimeCount
                | Scope::Application
                | Scope::Unit => {
                    into.insert(quota.used);
                }
            }
        }
    }

    /// The programme in the budget year that is counted in.
    pub(crate) fn line(&self, policy: &Policy) -> BudgetLine {
        BudgetLine {
            programme: policy.code().clone(),
            year: self.year,
            currency: self.currency,
        }
    }

    /// Whom an award is counted for.
    pub(crate) fn case<'a>(
        &self,
        line: &'a BudgetLine,
        holder: PartyId,
        provider: Option<PartyId>,
        item: impl Into<ItemId>,
    ) -> CountedFor<'a> {
        CountedFor {
            line,
            holder,
            undertaking: self.undertaking(holder),
            provider,
            item: item.into(),
        }
    }

    /// The party's controller group, or the party itself.
    fn undertaking(&self, party: PartyId) -> ItemId {
        let known = self.undertakings.get(&party);
        known.map_or(ItemId(party.0), |undertaking| undertaking.id)
    }

    /// The parties of its group, or the party alone.
    fn members(&self, party: PartyId) -> impl Iterator<Item = PartyId> + '_ {
        let known = self.undertakings.get(&party);
        let others = known.map_or(&[][..], |undertaking| &undertaking.others);
        std::iter::once(party).chain(others.iter().copied())
    }

    fn balance(&self, address: &Address) -> Money {
        self.balances.get(address).copied().unwrap_or_default()
    }

    fn used(&self, scope: Scope, case: &CountedFor<'_>) -> Money {
        match scope {
            Scope::DeMinimis => {
                let aid = |party: PartyId| self.aid.get(&party).copied().unwrap_or_default();
                self.members(case.holder).map(aid).sum()
            }
            Scope::GroupYear => {
                let quotas = self.members(case.holder);
                let quotas = quotas.filter_map(|member| case.of(member).quota(scope));
                quotas.map(|quota| self.balance(&quota.used)).sum()
            }
            Scope::FirmYear
            | Scope::Holding
            | Scope::ProviderYear
            | Scope::Lifetime
            | Scope::Programme
            | Scope::YearCount
            | Scope::LifetimeCount
            | Scope::Application
            | Scope::Unit => {
                let quota = case.quota(scope);
                quota.map_or(Money::ZERO, |quota| self.balance(&quota.used))
            }
        }
    }

    /// As the policy asks it.
    pub(crate) fn of(&self, one: Asked<'_>) -> Usage {
        let line = self.line(one.policy);
        let case = self.case(&line, one.holder, one.provider, ItemId(uuid::Uuid::nil()));
        let used = |scope| {
            if one.shows(scope) {
                self.used(scope, &case)
            } else {
                Money::ZERO
            }
        };
        let number = |scope| u32::try_from(used(scope).minor()).unwrap_or(u32::MAX);
        Usage {
            held_now: used(Scope::Holding),
            used_this_year: used(Scope::FirmYear),
            used_by_group: used(Scope::GroupYear),
            used_by_provider: used(Scope::ProviderYear),
            used_in_life: used(Scope::Lifetime),
            used_by_programme: used(Scope::Programme),
            de_minimis: used(Scope::DeMinimis),
            awards_this_year: number(Scope::YearCount),
            awards_in_life: number(Scope::LifetimeCount),
            ..Usage::default()
        }
    }

    /// The quota transfers of an award: each limit made what the policy says today, then used.
    pub(crate) fn take(
        &mut self,
        case: &CountedFor<'_>,
        decision: &Decision,
        amount: Amount,
    ) -> Result<Vec<Transfer>, TransferError> {
        let mut transfers = Vec::new();
        for scope in COUNTED {
            let (Some(limit), Some(quota)) = (limit(decision, scope), case.quota(scope)) else {
                continue;
            };
            let taken = if scope.counts() { quota::one() } else { amount };
            let left = limit.saturating_sub(self.used(scope, case));
            transfers.extend(quota.adjust(self.balance(&quota.left), left)?);
            transfers.push(quota.take(taken)?);
            let taken = taken.money();
            self.balances.insert(quota.left, left.saturating_sub(taken));
            if scope == Scope::DeMinimis {
                add(self.aid.entry(case.holder).or_default(), taken);
            } else {
                add(self.balances.entry(quota.used).or_default(), taken);
            }
        }
        Ok(transfers)
    }

    /// What a case that was granted by this decision is counted against.
    pub(crate) fn quotas(&self, decision: &Decision, holder: PartyId) -> Quotas {
        let scopes: Vec<Scope> = COUNTED
            .into_iter()
            .filter(|scope| limit(decision, *scope).is_some())
            .collect();
        let by_group = |scope: &Scope| matches!(scope, Scope::GroupYear | Scope::DeMinimis);
        let undertaking = scopes.iter().any(by_group);
        Quotas {
            undertaking: undertaking.then(|| self.undertaking(holder)),
            scopes,
        }
    }
}

fn add(total: &mut Money, more: Money) {
    *total = [*total, more].into_iter().sum();
}

/// The lowest limit of a scope that a decision has applied; a number of awards as so many minor units.
fn limit(decision: &Decision, scope: Scope) -> Option<Money> {
    if scope.counts() {
        let number = decision.number(&scope.code());
        number.map(|number| Money::from_minor(number.into()))
    } else {
        decision.limit(&scope.code())
    }
}
