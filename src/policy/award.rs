//! How much: base, rate, caps, one rounding, each a step that the trace shows.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::exact::{Exact, Sum};
use super::pack::{Moment, Words};
use super::predicate::{Outcome, Predicate};
use super::registry::Fact;
use super::{Bilingual, Ratio, ReasonCode, Seen, Usage};
use crate::types::{Currency, Money, Period};

/// What is given at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// The amount that the rate applies to.
    pub base: Base,
    /// The part of the base that is given.
    pub rate: Rate,
    /// The limits, in the order in which they apply.
    pub caps: Vec<Cap>,
}

/// The amount that a rate applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The price of the service: what is not given, the firm pays.
    ServicePrice,
    /// The voucher value applied for.
    RequestedAmount,
}

impl Words for Base {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Fact::ServicePrice.name(), Self::ServicePrice),
        (Fact::RequestedAmount.name(), Self::RequestedAmount),
    ];
}

impl Base {
    /// The fact that states it.
    pub const fn fact(self) -> Fact {
        match self {
            Self::ServicePrice => Fact::ServicePrice,
            Self::RequestedAmount => Fact::RequestedAmount,
        }
    }
}

/// The part of a base that is given: marginal tiers without gap from zero up. A flat rate is one
/// tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In ascending order; the last has no end.
    tiers: Vec<Tier>,
    /// A common denominator of the ratios.
    denom: i64,
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

impl Rate {
    /// Products of amounts and numerators stay far within 128 bits below this.
    const MAX_DENOMINATOR: i64 = 1_000_000_000_000;

    /// From tiers without gap; `None` if their ratios have no common denominator of reasonable size.
    pub(super) fn new(tiers: Vec<Tier>) -> Option<Self> {
        let denom = tiers.iter().try_fold(1_i64, |common, tier| {
            let divisor = super::exact::gcd(common, tier.ratio.denom());
            (common / divisor)
                .checked_mul(tier.ratio.denom())
                .filter(|common| *common <= Self::MAX_DENOMINATOR)
        })?;
        Some(Self { tiers, denom })
    }

    /// The tiers.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }
}

/// A limit on an award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// What it limits.
    pub scope: Scope,
    /// How much, by the day of the decision.
    pub amounts: Vec<(Period, Money)>,
    /// Whom it concerns; everybody, if there is no condition.
    pub when: Option<Predicate>,
    /// What happens to an award that is over it.
    pub over: Over,
    /// Where the source says so.
    pub clause: Bilingual,
}

/// What a cap limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One application or order.
    Application,
    /// What one applicant holds at a time.
    Holding,
    /// What one applicant gets in a budget year.
    FirmYear,
}

impl Words for Scope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("application", Self::Application),
        ("holding", Self::Holding),
        ("firm_year", Self::FirmYear),
    ];
}

impl Scope {
    /// The reason code when it binds.
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Application => ReasonCode::CAP_APPLICATION,
            Self::Holding => ReasonCode::CAP_HOLDING,
            Self::FirmYear => ReasonCode::CAP_FIRM_YEAR,
        }
    }

    /// What counts against it already.
    const fn used(self, usage: &Usage) -> Money {
        match self {
            Self::Application => Money::ZERO,
            Self::Holding => usage.held_now,
            Self::FirmYear => usage.used_this_year,
        }
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

impl Cap {
    /// The limit on that day.
    pub fn amount_on(&self, day: NaiveDate) -> Option<Money> {
        let dated = self.amounts.iter().find(|(period, _)| period.contains(day));
        dated.map(|(_, amount)| *amount)
    }
}

/// One step from the base to the amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Where it begins.
    Base {
        /// The fact that states it.
        fact: Fact,
        /// How much.
        value: Sum,
    },
    /// What a tier gives for the part of the base in it.
    Rate {
        /// What it gives.
        gives: Exact,
        /// The part of the base.
        of: Sum,
        /// The ratio.
        ratio: Ratio,
    },
    /// A limit, whether it binds or not.
    Cap {
        /// The value after it.
        after: Exact,
        /// The value before it.
        before: Exact,
        /// Which, and the reason code if it binds.
        code: ReasonCode,
        /// How much of it was left.
        left: Sum,
        /// The limit.
        limit: Sum,
    },
    /// The one rounding, half up to the minor unit.
    Rounding {
        /// The amount.
        after: Sum,
        /// The exact value.
        before: Exact,
    },
}

/// What an award comes to.
#[derive(Debug)]
pub(super) struct Assessment {
    pub(super) outcome: Outcome,
    pub(super) amount: Money,
    /// What the applicant pays of the price, where the base is a price.
    pub(super) own_share: Option<Money>,
    pub(super) reasons: Vec<ReasonCode>,
    pub(super) missing: Vec<Fact>,
    pub(super) steps: Vec<Step>,
}

impl Assessment {
    fn refused(reason: ReasonCode, steps: Vec<Step>) -> Self {
        Self {
            outcome: Outcome::Fail,
            amount: Money::ZERO,
            own_share: None,
            reasons: vec![reason],
            missing: Vec::new(),
            steps,
        }
    }

    fn incomplete(missing: Vec<Fact>) -> Self {
        Self {
            outcome: Outcome::NeedsReview,
            amount: Money::ZERO,
            own_share: None,
            reasons: vec![ReasonCode::MISSING_FACT],
            missing,
            steps: Vec::new(),
        }
    }
}

impl Award {
    /// The facts that it may look at.
    pub(super) fn facts(&self, into: &mut Vec<Fact>) {
        into.push(self.base.fact());
        for condition in self.caps.iter().filter_map(|cap| cap.when.as_ref()) {
            condition.facts(into);
        }
    }

    /// From the base to the amount: rate first, caps after, one rounding.
    pub(super) fn assess(
        &self,
        moment: Moment,
        seen: &Seen,
        usage: &Usage,
        on: NaiveDate,
        currency: Currency,
    ) -> Assessment {
        let mut missing = Vec::new();
        let base = seen.money(self.base.fact());
        if base.is_none() {
            missing.push(self.base.fact());
        }
        for condition in self.caps.iter().filter_map(|cap| cap.when.as_ref()) {
            condition.missing(seen, &mut missing);
        }
        let Some(base) = base.filter(|_| missing.is_empty()) else {
            return Assessment::incomplete(missing);
        };
        let mut run = Run::new(base, self, currency);
        for cap in &self.caps {
            let concerned = cap
                .when
                .as_ref()
                .is_none_or(|when| when.evaluate(seen) == Outcome::Pass);
            let Some(limit) = cap.amount_on(on).filter(|_| concerned) else {
                continue;
            };
            let left = limit.saturating_sub(cap.scope.used(usage));
            let binds = run.cap(cap.scope.code(), limit, left);
            if binds && cap.over == Over::Refuse {
                return Assessment::refused(cap.scope.code(), run.steps);
            }
        }
        if moment == Moment::Redemption {
            run.cap(
                ReasonCode::CAP_HOLDING_BALANCE,
                usage.held_now,
                usage.held_now,
            );
        }
        run.finish(self.base, base)
    }
}

/// The value on its way through the steps: `numer / denom` minor units, never negative.
struct Run {
    numer: i128,
    denom: i64,
    currency: Currency,
    steps: Vec<Step>,
    reasons: Vec<ReasonCode>,
}

impl Run {
    fn new(base: Money, award: &Award, currency: Currency) -> Self {
        let rate = &award.rate;
        let value = Sum::new(base, currency);
        let mut steps = Vec::with_capacity(rate.tiers.len() + award.caps.len() + 3);
        steps.push(Step::Base {
            fact: award.base.fact(),
            value,
        });
        let mut run = Self {
            numer: 0,
            denom: rate.denom,
            currency,
            steps,
            reasons: Vec::new(),
        };
        for tier in rate.tiers.iter().filter(|tier| base > tier.over) {
            let top = tier.up_to.map_or(base, |up_to| up_to.min(base));
            let of = top.saturating_sub(tier.over);
            let numer =
                i128::from(tier.ratio.numer()) * i128::from(rate.denom / tier.ratio.denom());
            let gives = i128::from(of.minor()) * numer;
            run.numer += gives;
            let (gives, of) = (run.exact(gives), Sum::new(of, currency));
            run.steps.push(Step::Rate {
                gives,
                of,
                ratio: tier.ratio,
            });
        }
        run
    }

    fn exact(&self, numer: i128) -> Exact {
        Exact::new(numer, self.denom, self.currency)
            .expect("BUG: a ratio of at most one gives no more than the base, which is an amount")
    }

    /// Applies a limit; whether it binds.
    fn cap(&mut self, code: ReasonCode, limit: Money, left: Money) -> bool {
        let before = self.exact(self.numer);
        let most = i128::from(left.minor().max(0)) * i128::from(self.denom);
        let binds = self.numer > most;
        if binds {
            self.numer = most;
            self.reasons.push(code.clone());
        }
        self.steps.push(Step::Cap {
            after: self.exact(self.numer),
            before,
            code,
            left: Sum::new(left, self.currency),
            limit: Sum::new(limit, self.currency),
        });
        binds
    }

    /// Rounds, and says what it has come to.
    fn finish(mut self, base_kind: Base, base: Money) -> Assessment {
        let before = self.exact(self.numer);
        let denom = i128::from(self.denom);
        let rounded = (2 * self.numer + denom) / (2 * denom);
        let amount = i64::try_from(rounded)
            .map(Money::from_minor)
            .expect("BUG: a rounded part of an amount is an amount");
        self.steps.push(Step::Rounding {
            after: Sum::new(amount, self.currency),
            before,
        });
        if amount == Money::ZERO {
            let last = self.reasons.pop();
            return Assessment::refused(last.unwrap_or(ReasonCode::NOTHING_TO_FUND), self.steps);
        }
        let own_share = match base_kind {
            Base::ServicePrice => Some(base.saturating_sub(amount)),
            Base::RequestedAmount => None,
        };
        Assessment {
            outcome: Outcome::Pass,
            amount,
            own_share,
            reasons: self.reasons,
            missing: Vec::new(),
            steps: self.steps,
        }
    }
}
