//! How much, as a pack says it: bases, rates, caps. `assess.rs` works it out.

use chrono::NaiveDate;

use super::facts::Value;
use super::pack::Words;
use super::predicate::Predicate;
use super::registry::Fact;
use super::{Bilingual, Ratio, ReasonCode};
use crate::types::{Money, Period};

/// What is given at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// The amount that the rate applies to: the first whose condition holds. None where every rate is a fixed
    /// amount.
    pub bases: Vec<Base>,
    /// The part of the base that is given: the first whose condition holds.
    pub rates: Vec<ConditionalRate>,
    /// The limits, in the order in which they apply.
    pub caps: Vec<Cap>,
}

/// An amount made of facts: the sum of terms, less what is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// For whom; for everybody, if there is no condition.
    pub when: Option<Predicate>,
    /// What is added up. The first names the base.
    pub terms: Vec<Term>,
    /// Amounts that are taken away, to zero at least.
    pub less: Vec<Fact>,
}

/// An amount, limited and then multiplied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// A fact that is money.
    pub fact: Fact,
    /// No more than this counts.
    pub at_most: Option<Limit>,
    /// What it is multiplied by.
    pub times: Vec<Factor>,
}

/// The most that counts of an amount or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A value of the same type.
    Value(Value),
    /// What another fact states.
    Fact(Fact),
}

/// What a term is multiplied by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// A number.
    pub number: FactorOf,
    /// One in how many.
    pub per: u32,
}

/// The number in a factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorOf {
    /// This number.
    Number(u32),
    /// A fact that is a count or a quantity, and the most that counts of it.
    Fact(Fact, Option<Value>),
}

/// A rate and for whom it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionalRate {
    /// For whom; for everybody, if there is no condition.
    pub when: Option<Predicate>,
    /// The rate.
    pub rate: Rate,
}

/// What is given of a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Marginal tiers without gap from zero up, in ascending order; the last has no end. A flat rate is one.
    Tiers(Vec<Tier>),
    /// A fixed amount.
    Flat(Money),
}

/// A ratio for the part of the base above `over`, to `up_to` inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Where it begins, exclusive.
    pub over: Money,
    /// Where it ends, inclusive; the last tier has no end.
    pub up_to: Option<Money>,
    /// What is given of the part between.
    pub ratio: Ratio,
}

impl Base {
    /// Whether it is one fact as it stands.
    pub(super) fn plain(&self) -> Option<Fact> {
        match self.terms.as_slice() {
            [term] if term.at_most.is_none() && term.times.is_empty() && self.less.is_empty() => {
                Some(term.fact)
            }
            _ => None,
        }
    }

    pub(super) fn facts(&self, into: &mut Vec<Fact>) {
        for term in &self.terms {
            into.push(term.fact);
            if let Some(Limit::Fact(fact)) = term.at_most {
                into.push(fact);
            }
            into.extend(term.times.iter().filter_map(|factor| match factor.number {
                FactorOf::Fact(fact, _) => Some(fact),
                FactorOf::Number(_) => None,
            }));
        }
        into.extend(&self.less);
    }
}

/// A limit on an award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// What it limits.
    pub scope: Scope,
    /// How much.
    pub most: Most,
    /// Whom it concerns; everybody, if there is no condition.
    pub when: Option<Predicate>,
    /// What happens to an award that is over it.
    pub over: Over,
    /// Where the source says so.
    pub clause: Bilingual,
}

/// The most that a cap allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Most {
    /// An amount, by the day of the decision.
    Amount(Vec<(Period, Money)>),
    /// An amount, by the day of the decision, for each of a number.
    PerUnit(Vec<(Period, Money)>, Fact),
    /// A number of awards.
    Count(u32),
}

/// What a cap limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One application, order or claim.
    Application,
    /// Each of a number of heads or things.
    Unit,
    /// What one applicant holds at a time.
    Holding,
    /// What one applicant gets in a budget year.
    FirmYear,
    /// What all firms under one actual controller get in a budget year.
    GroupYear,
    /// What is given for services of one provider in a budget year.
    ProviderYear,
    /// What one applicant gets in all years.
    Lifetime,
    /// How often one applicant is given something in a budget year.
    YearCount,
    /// How often one applicant is given something at all.
    LifetimeCount,
    /// Aid to a single undertaking in three rolling years (Regulation (EU) 2023/2831, article 3).
    DeMinimis,
    /// What the programme gives in a budget year.
    Programme,
}

impl Words for Scope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("application", Self::Application),
        ("unit", Self::Unit),
        ("holding", Self::Holding),
        ("firm_year", Self::FirmYear),
        ("group_year", Self::GroupYear),
        ("provider_year", Self::ProviderYear),
        ("lifetime", Self::Lifetime),
        ("year_count", Self::YearCount),
        ("lifetime_count", Self::LifetimeCount),
        ("de_minimis", Self::DeMinimis),
        ("programme", Self::Programme),
    ];
}

impl Scope {
    /// The reason code when it binds.
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Application => ReasonCode::CAP_APPLICATION,
            Self::Unit => ReasonCode::CAP_UNIT,
            Self::Holding => ReasonCode::CAP_HOLDING,
            Self::FirmYear => ReasonCode::CAP_FIRM_YEAR,
            Self::GroupYear => ReasonCode::CAP_GROUP_YEAR,
            Self::ProviderYear => ReasonCode::CAP_PROVIDER_YEAR,
            Self::Lifetime => ReasonCode::CAP_LIFETIME,
            Self::YearCount => ReasonCode::CAP_YEAR_COUNT,
            Self::LifetimeCount => ReasonCode::CAP_LIFETIME_COUNT,
            Self::DeMinimis => ReasonCode::CAP_DE_MINIMIS,
            Self::Programme => ReasonCode::CAP_PROGRAMME,
        }
    }

    /// As packs write it.
    pub fn word(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, scope)| *scope == self);
        word.map_or("", |(word, _)| word)
    }

    /// The scope that packs write so.
    pub fn named(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, scope)| *scope)
    }

    /// Whether it limits how often, not how much.
    pub const fn counts(self) -> bool {
        matches!(self, Self::YearCount | Self::LifetimeCount)
    }
}

/// What happens to an award that is over a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It is reduced to what the cap leaves.
    Reduce,
    /// It is refused as a whole.
    Refuse,
}

impl Words for Over {
    const WORDS: &'static [(&'static str, Self)] =
        &[("reduce", Self::Reduce), ("refuse", Self::Refuse)];
}

/// The dated amount of that day.
pub(super) fn amount_on(amounts: &[(Period, Money)], day: NaiveDate) -> Option<Money> {
    let dated = amounts.iter().find(|(period, _)| period.contains(day));
    dated.map(|(_, amount)| *amount)
}

impl Award {
    /// The facts that it may look at.
    pub(super) fn facts(&self, into: &mut Vec<Fact>) {
        for base in &self.bases {
            base.facts(into);
        }
        for cap in &self.caps {
            if let Most::PerUnit(_, fact) = cap.most {
                into.push(fact);
            }
        }
        for condition in self.conditions() {
            condition.facts(into);
        }
    }

    /// Every condition on a part of it.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Predicate> {
        let bases = self.bases.iter().filter_map(|base| base.when.as_ref());
        let rates = self.rates.iter().filter_map(|rate| rate.when.as_ref());
        let caps = self.caps.iter().filter_map(|cap| cap.when.as_ref());
        bases.chain(rates).chain(caps)
    }
}
