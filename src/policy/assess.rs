//! From the base to the amount: rate first, caps after, one rounding, each a step that the trace shows.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::award::{
    Award, Base, Cap, Factor, FactorOf, Limit, Most, Over, Rate, Scope, Term, Tier, amount_on,
};
use super::exact::{Exact, Fraction, Sum};
use super::facts::Value;
use super::pack::{Exhaustion, Moment, Rounding, RoundingMode};
use super::predicate::{Outcome, Predicate, Sight};
use super::registry::Fact;
use super::usage::Usage;
use super::{Ratio, ReasonCode};
use crate::types::{Currency, Money};

/// One step from the base to the amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Where it begins: one fact as it stands.
    Base {
        /// The fact that states it.
        fact: Fact,
        /// How much.
        value: Sum,
    },
    /// Where it begins: what the pack's base makes of these facts.
    Basis {
        /// The facts, as the pack names them.
        of: Vec<Fact>,
        /// How much.
        value: Exact,
    },
    /// A fixed amount.
    Flat {
        /// How much.
        amount: Sum,
    },
    /// What a tier gives for the part of the base in it.
    Rate {
        /// What it gives.
        gives: Exact,
        /// The part of the base.
        of: Exact,
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
    /// A limit on the number of awards.
    Count {
        /// Which, and the reason code if it binds.
        code: ReasonCode,
        /// So many are allowed.
        limit: u32,
        /// So many were given before.
        used: u32,
    },
    /// What a budget leaves when all cases share it in proportion.
    Proportion {
        /// The value after it.
        after: Exact,
        /// The value before it.
        before: Exact,
        /// What there is.
        budget: Sum,
        /// What all cases come to.
        demand: Sum,
    },
    /// The one rounding.
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

    fn open(reason: ReasonCode, missing: Vec<Fact>) -> Self {
        Self {
            outcome: Outcome::NeedsReview,
            amount: Money::ZERO,
            own_share: None,
            reasons: vec![reason],
            missing,
            steps: Vec::new(),
        }
    }
}

/// What an award is assessed for.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) moment: Moment,
    pub(super) sight: Sight<'a>,
    pub(super) usage: &'a Usage,
    pub(super) on: NaiveDate,
    pub(super) currency: Currency,
    pub(super) rounding: Rounding,
    pub(super) exhaustion: &'a Exhaustion,
}

impl Award {
    /// From the base to the amount.
    pub(super) fn assess(&self, terms: Terms<'_>) -> Assessment {
        let mut missing = Vec::new();
        let base = chosen(
            &self.bases,
            |base| base.when.as_ref(),
            terms.sight,
            &mut missing,
        );
        let rate = chosen(
            &self.rates,
            |rate| rate.when.as_ref(),
            terms.sight,
            &mut missing,
        );
        if let Some(base) = base {
            base.missing(terms.sight, &mut missing);
        }
        for cap in &self.caps {
            cap.missing(terms.sight, &mut missing);
        }
        if !missing.is_empty() {
            return Assessment::open(ReasonCode::MISSING_FACT, missing);
        }
        let Some(rate) = rate else {
            return Assessment::refused(ReasonCode::NO_RATE, Vec::new());
        };
        let value = base.map_or(Some(Fraction::ZERO), |base| base.value(terms.sight));
        let Some(value) = value else {
            return Assessment::open(ReasonCode::OUT_OF_RANGE, Vec::new());
        };
        let mut run = Run {
            value: Fraction::ZERO,
            most: i64::MAX,
            currency: terms.currency,
            steps: Vec::with_capacity(self.caps.len() + 4),
            reasons: Vec::new(),
        };
        let given = match &rate.rate {
            Rate::Flat(amount) => {
                run.flat(*amount);
                Some(())
            }
            Rate::Tiers(tiers) => {
                run.begin(base, value);
                run.tiers(value, tiers)
                    .and_then(|()| run.lowered_rate(value, terms))
            }
        };
        if given.is_none() {
            return Assessment::open(ReasonCode::OUT_OF_RANGE, Vec::new());
        }
        match run.caps(&self.caps, terms) {
            Ok(()) => run.finish(base, terms),
            Err(Stop::Refused(reason)) => Assessment::refused(reason, run.steps),
            Err(Stop::OutOfRange) => Assessment::open(ReasonCode::OUT_OF_RANGE, Vec::new()),
        }
    }
}

/// The first item whose condition holds. Where an earlier one is open, the facts that would settle it are missing.
pub(super) fn chosen<'i, T>(
    items: &'i [T],
    when: impl Fn(&T) -> Option<&Predicate>,
    sight: Sight<'_>,
    missing: &mut Vec<Fact>,
) -> Option<&'i T> {
    for item in items {
        match when(item).map_or(Outcome::Pass, |when| when.evaluate(sight)) {
            Outcome::Pass => return Some(item),
            Outcome::Fail => {}
            Outcome::NeedsReview => {
                if let Some(when) = when(item) {
                    when.missing(sight, missing);
                }
                return None;
            }
        }
    }
    None
}

impl Base {
    fn missing(&self, sight: Sight<'_>, into: &mut Vec<Fact>) {
        let mut facts = Vec::new();
        self.facts(&mut facts);
        into.extend(
            facts
                .into_iter()
                .filter(|fact| sight.seen.get(*fact).is_none()),
        );
    }

    /// `None` beyond the largest amount.
    fn value(&self, sight: Sight<'_>) -> Option<Fraction> {
        let mut sum = Fraction::ZERO;
        for term in &self.terms {
            sum = sum.plus(term.value(sight)?)?;
        }
        for fact in &self.less {
            let less = sight.seen.money(*fact)?;
            sum = sum.minus(Fraction::whole(less.minor()))?;
        }
        Some(sum)
    }
}

impl Term {
    pub(super) fn value(&self, sight: Sight<'_>) -> Option<Fraction> {
        let money = sight.seen.money(self.fact)?;
        let most = match &self.at_most {
            None => None,
            Some(Limit::Fact(fact)) => sight.seen.money(*fact),
            Some(Limit::Value(value)) => value.scalar(self.fact.kind()).map(Money::from_minor),
        };
        let counted = most.map_or(money, |most| most.min(money));
        let mut value = Fraction::whole(counted.minor());
        for factor in &self.times {
            value = factor.apply(value, sight)?;
        }
        Some(value)
    }
}

impl Factor {
    fn apply(&self, value: Fraction, sight: Sight<'_>) -> Option<Fraction> {
        let per = i64::from(self.per);
        match &self.number {
            FactorOf::Number(number) => value.times(i64::from(*number), per),
            FactorOf::Fact(fact, at_most) => {
                let kind = fact.kind();
                let found = sight.seen.get(*fact)?;
                let most = at_most.as_ref().filter(|most| *most < found);
                let number = most.unwrap_or(found).scalar(kind)?;
                let hundredths = matches!(found, Value::Quantity(_));
                let unit: i64 = if hundredths { 100 } else { 1 };
                value.times(number, per.checked_mul(unit)?)
            }
        }
    }
}

impl Cap {
    fn missing(&self, sight: Sight<'_>, into: &mut Vec<Fact>) {
        let concerned = self.concerned(sight);
        if let (Outcome::NeedsReview, Some(when)) = (concerned, &self.when) {
            when.missing(sight, into);
        }
        if let (Outcome::Pass, Most::PerUnit(_, fact)) = (concerned, &self.most)
            && sight.seen.get(*fact).is_none()
        {
            into.push(*fact);
        }
    }

    pub(super) fn concerned(&self, sight: Sight<'_>) -> Outcome {
        let when = self.when.as_ref();
        when.map_or(Outcome::Pass, |when| when.evaluate(sight))
    }

    /// The limit on an amount that day; `None` if there is none.
    pub(super) fn limit(&self, sight: Sight<'_>, on: NaiveDate) -> Option<Money> {
        match &self.most {
            Most::Amount(amounts) => amount_on(amounts, on),
            Most::PerUnit(amounts, fact) => {
                let units = sight.seen.get(*fact)?.scalar(fact.kind())?;
                let each = amount_on(amounts, on)?.minor();
                let most = Fraction::whole(each).times(units, 1);
                let limit = most.and_then(|most| most.round(RoundingMode::Down, 1));
                // More than the largest amount is no limit.
                limit.map(Money::from_minor)
            }
            Most::Count(_) => None,
        }
    }
}

/// Why caps end an award.
enum Stop {
    /// One of them refuses it as a whole.
    Refused(ReasonCode),
    /// Its share of a budget can't be told exactly.
    OutOfRange,
}

/// The value on its way through the steps.
struct Run {
    value: Fraction,
    /// What no rounding may go beyond, in minor units: what the caps leave, and the base itself.
    most: i64,
    currency: Currency,
    steps: Vec<Step>,
    reasons: Vec<ReasonCode>,
}

impl Run {
    fn sum(&self, money: Money) -> Sum {
        Sum::new(money, self.currency)
    }

    fn flat(&mut self, amount: Money) {
        self.value = Fraction::whole(amount.minor());
        self.steps.push(Step::Flat {
            amount: self.sum(amount),
        });
    }

    fn begin(&mut self, base: Option<&Base>, value: Fraction) {
        let Some(base) = base else { return };
        let shown = value.shown(self.currency);
        if let Some(fact) = base.plain() {
            let value = shown.whole();
            self.steps.push(Step::Base { fact, value });
            return;
        }
        let mut of = Vec::new();
        base.facts(&mut of);
        self.steps.push(Step::Basis { of, value: shown });
    }

    fn tiers(&mut self, base: Fraction, tiers: &[Tier]) -> Option<()> {
        self.most = base.ceiling()?;
        for tier in tiers.iter().filter(|tier| base.exceeds(tier.over.minor())) {
            let top = tier.up_to.map_or(base, |up_to| base.min(up_to.minor()));
            let of = top.minus(Fraction::whole(tier.over.minor()))?;
            let gives = of.times(tier.ratio.numer(), tier.ratio.denom())?;
            self.value = self.value.plus(gives)?;
            self.steps.push(Step::Rate {
                gives: gives.shown(self.currency),
                of: of.shown(self.currency),
                ratio: tier.ratio,
            });
        }
        Some(())
    }

    /// Where the rate itself follows from what there is and what all cases ask for.
    fn lowered_rate(&mut self, base: Fraction, terms: Terms<'_>) -> Option<()> {
        if *terms.exhaustion == Exhaustion::RatioFromDemand {
            let shared = shared(base, terms.usage)?;
            self.proportion(shared, terms.usage);
        }
        Some(())
    }

    /// Lowers the value to a share of the budget, if that is less.
    fn proportion(&mut self, shared: Option<Fraction>, usage: &Usage) {
        let (Some(shared), Some(budget), Some(demand)) = (shared, usage.budget, usage.demand)
        else {
            return;
        };
        let before = self.value;
        if before.is_more_than(shared) {
            self.value = shared;
            self.most = self.most.min(shared.ceiling().unwrap_or(self.most));
            self.reasons.push(ReasonCode::BUDGET_SHARE);
        }
        self.steps.push(Step::Proportion {
            after: self.value.shown(self.currency),
            before: before.shown(self.currency),
            budget: self.sum(budget),
            demand: self.sum(demand),
        });
    }

    /// Applies the caps; the reason if one refuses the award as a whole.
    fn caps(&mut self, caps: &[Cap], terms: Terms<'_>) -> Result<(), Stop> {
        let (sight, usage) = (terms.sight, terms.usage);
        for cap in caps {
            if cap.concerned(sight) != Outcome::Pass {
                continue;
            }
            if let Most::Count(limit) = cap.most {
                let (code, used) = (cap.scope.code(), usage.counted(cap.scope));
                let step = Step::Count { code, limit, used };
                self.steps.push(step);
                if used >= limit {
                    return Err(Stop::Refused(cap.scope.code()));
                }
            }
            let Some(limit) = cap.limit(sight, terms.on) else {
                continue;
            };
            let left = limit.saturating_sub(usage.used(cap.scope));
            let binds = self.cap(cap.scope.code(), limit, left);
            if binds && cap.over == Over::Refuse {
                return Err(Stop::Refused(cap.scope.code()));
            }
        }
        if terms.moment == Moment::Redemption {
            let held = usage.held_now;
            self.cap(ReasonCode::CAP_HOLDING_BALANCE, held, held);
        }
        if *terms.exhaustion == Exhaustion::ProRata {
            let shared = shared(self.value, usage).ok_or(Stop::OutOfRange)?;
            self.proportion(shared, usage);
        }
        Ok(())
    }

    /// Applies a limit; whether it binds.
    fn cap(&mut self, code: ReasonCode, limit: Money, left: Money) -> bool {
        let before = self.value;
        self.most = self.most.min(left.minor());
        let binds = before.exceeds(left.minor());
        if binds {
            self.value = Fraction::whole(left.minor());
            self.reasons.push(code.clone());
        }
        self.steps.push(Step::Cap {
            after: self.value.shown(self.currency),
            before: before.shown(self.currency),
            code,
            left: self.sum(left),
            limit: self.sum(limit),
        });
        binds
    }

    /// Rounds, and says what it has come to.
    fn finish(mut self, base: Option<&Base>, terms: Terms<'_>) -> Assessment {
        let before = self.value.shown(self.currency);
        let Rounding { mode, unit } = terms.rounding;
        let rounded = self.value.round(mode, unit.minor());
        // Rounded up beyond a cap it would be more than is allowed.
        let within = rounded.filter(|rounded| *rounded <= self.most);
        let down = || self.value.round(RoundingMode::Down, unit.minor());
        let Some(amount) = within.or_else(down).map(Money::from_minor) else {
            return Assessment::open(ReasonCode::OUT_OF_RANGE, Vec::new());
        };
        self.steps.push(Step::Rounding {
            after: self.sum(amount),
            before,
        });
        if amount == Money::ZERO {
            let last = self.reasons.pop();
            return Assessment::refused(last.unwrap_or(ReasonCode::NOTHING_TO_FUND), self.steps);
        }
        let price = base
            .and_then(|base| base.terms.first())
            .filter(|term| term.fact == Fact::ServicePrice)
            .and_then(|term| terms.sight.seen.money(term.fact));
        Assessment {
            outcome: Outcome::Pass,
            amount,
            own_share: price.map(|price| price.saturating_sub(amount)),
            reasons: self.reasons,
            missing: Vec::new(),
            steps: self.steps,
        }
    }
}

/// `value` times budget over demand, and no more than the budget, should the demand leave this very case out. The inner
/// `None`: the budget is not shared, or enough for all.
#[expect(
    clippy::option_option,
    reason = "out of range and not shared are two answers"
)]
fn shared(value: Fraction, usage: &Usage) -> Option<Option<Fraction>> {
    match (usage.budget, usage.demand) {
        (Some(budget), Some(demand)) if budget < demand => {
            let shared = value.times(budget.minor(), demand.minor())?;
            Some(Some(shared.min(budget.minor())))
        }
        (_, _) => Some(None),
    }
}

/// Whether a scope's usage is counted by one of these caps.
pub(super) fn counts(award: Option<&Award>, scope: Scope) -> bool {
    award.is_some_and(|award| award.caps.iter().any(|cap| cap.scope == scope))
}
