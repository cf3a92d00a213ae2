//! What had been used before a decision: from the quota accounts and the whole of the claims, never declared.

use serde::{Deserialize, Serialize};

use super::Sum;
use super::award::Scope;
use crate::types::{Currency, Money};

/// What counts against the caps of a decision, and where the case stands among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The value of the vouchers it holds now: at a grant what counts against the holding limit, at
    /// a redemption what there is to redeem from.
    pub held_now: Money,
    /// What counts against the limit per applicant and year, in the year of the decision.
    pub used_this_year: Money,
    /// The same, of all firms under one actual controller.
    pub used_by_group: Money,
    /// The same, of a provider.
    pub used_by_provider: Money,
    /// What the applicant got in all years.
    pub used_in_life: Money,
    /// What the programme gave this year.
    pub used_by_programme: Money,
    /// Aid to the single undertaking in three rolling years.
    pub de_minimis: Money,
    /// Awards of the applicant this year.
    pub awards_this_year: u32,
    /// Awards of the applicant in all years.
    pub awards_in_life: u32,
    /// The place among all cases, from 1, where the programme ranks them.
    pub rank: Option<u32>,
    /// What there is to give, where all cases share it in proportion.
    pub budget: Option<Money>,
    /// What all cases together come to, where they share the budget in proportion.
    pub demand: Option<Money>,
}

impl Usage {
    /// The members of a usage that are amounts, as files name them.
    pub(super) const AMOUNTS: [&str; 9] = [
        "held_now",
        "used_this_year",
        "used_by_group",
        "used_by_provider",
        "used_in_life",
        "used_by_programme",
        "de_minimis",
        "budget",
        "demand",
    ];
    /// The members that are whole numbers.
    pub(super) const NUMBERS: [&str; 3] = ["awards_this_year", "awards_in_life", "rank"];

    /// What counts against a cap on amounts.
    pub(super) const fn used(&self, scope: Scope) -> Money {
        match scope {
            Scope::Holding => self.held_now,
            Scope::FirmYear => self.used_this_year,
            Scope::GroupYear => self.used_by_group,
            Scope::ProviderYear => self.used_by_provider,
            Scope::Lifetime => self.used_in_life,
            Scope::Programme => self.used_by_programme,
            Scope::DeMinimis => self.de_minimis,
            Scope::Application | Scope::Unit | Scope::YearCount | Scope::LifetimeCount => {
                Money::ZERO
            }
        }
    }

    /// What counts against a cap on the number of awards.
    pub(super) const fn counted(&self, scope: Scope) -> u32 {
        match scope {
            Scope::YearCount => self.awards_this_year,
            Scope::LifetimeCount => self.awards_in_life,
            Scope::Holding
            | Scope::FirmYear
            | Scope::GroupYear
            | Scope::ProviderYear
            | Scope::Lifetime
            | Scope::Programme
            | Scope::DeMinimis
            | Scope::Application
            | Scope::Unit => 0,
        }
    }
}

/// The usage that a decision saw: what is held and used this year always, the rest where its caps count it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageSeen {
    /// Awards in all years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awards_in_life: Option<u32>,
    /// Awards this year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awards_this_year: Option<u32>,
    /// What there is to share in proportion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Sum>,
    /// Aid in three rolling years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub de_minimis: Option<Sum>,
    /// What shares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<Sum>,
    /// Held when it was decided.
    pub held_now: Sum,
    /// Place among all cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Used by the controller's group this year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by_group: Option<Sum>,
    /// Given by the programme this year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by_programme: Option<Sum>,
    /// Used with the provider this year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by_provider: Option<Sum>,
    /// Used in all years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_in_life: Option<Sum>,
    /// Used in the year before it was decided.
    pub used_this_year: Sum,
}

impl UsageSeen {
    pub(super) fn new(usage: &Usage, counts: impl Fn(Scope) -> bool, currency: Currency) -> Self {
        let sum = |money| Sum::new(money, currency);
        let of = |scope| counts(scope).then(|| sum(usage.used(scope)));
        let number = |scope| counts(scope).then(|| usage.counted(scope));
        Self {
            awards_in_life: number(Scope::LifetimeCount),
            awards_this_year: number(Scope::YearCount),
            budget: usage.budget.map(sum),
            de_minimis: of(Scope::DeMinimis),
            demand: usage.demand.map(sum),
            held_now: sum(usage.held_now),
            rank: usage.rank,
            used_by_group: of(Scope::GroupYear),
            used_by_programme: of(Scope::Programme),
            used_by_provider: of(Scope::ProviderYear),
            used_in_life: of(Scope::Lifetime),
            used_this_year: sum(usage.used_this_year),
        }
    }
}

impl From<&UsageSeen> for Usage {
    /// The usage as it was given, but for what the policy does not count.
    fn from(seen: &UsageSeen) -> Self {
        let money = |sum: Option<Sum>| sum.map_or(Money::ZERO, Sum::money);
        Self {
            held_now: seen.held_now.money(),
            used_this_year: seen.used_this_year.money(),
            used_by_group: money(seen.used_by_group),
            used_by_provider: money(seen.used_by_provider),
            used_in_life: money(seen.used_in_life),
            used_by_programme: money(seen.used_by_programme),
            de_minimis: money(seen.de_minimis),
            awards_this_year: seen.awards_this_year.unwrap_or(0),
            awards_in_life: seen.awards_in_life.unwrap_or(0),
            rank: seen.rank,
            budget: seen.budget.map(Sum::money),
            demand: seen.demand.map(Sum::money),
        }
    }
}
