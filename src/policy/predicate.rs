//! The tree of conditions in a pack, and what it says of the facts that were seen.

use std::cmp::Ordering;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::facts::{Kind, Value};
use super::measure::{Measures, Proportion, proportion};
use super::registry::Fact;
use super::{Ratio, ReasonCode, Seen};
use crate::types::{Period, Uscc, UsccError, add_months_clamped};

/// How a criterion or a whole decision came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Met.
    Pass,
    /// Not met.
    Fail,
    /// Can't be said: a fact is missing, or people must determine something. Never a guess.
    NeedsReview,
}

impl Outcome {
    /// In Chinese, of a whole decision.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Pass => "通过",
            Self::Fail => "不通过",
            Self::NeedsReview => "需复核",
        }
    }

    /// Met only if both are; not met as soon as one is not.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::NeedsReview, _) | (_, Self::NeedsReview) => Self::NeedsReview,
            (Self::Pass, Self::Pass) => Self::Pass,
        }
    }

    /// Met as soon as one is; not met only if neither is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.negate().and(other.negate()).negate()
    }

    /// Met if it is not, and the other way round; what can't be said stays so.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::Pass => Self::Fail,
            Self::Fail => Self::Pass,
            Self::NeedsReview => Self::NeedsReview,
        }
    }

    pub(super) fn of(met: bool) -> Self {
        if met { Self::Pass } else { Self::Fail }
    }
}

/// A condition on facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// Every one holds.
    All(Vec<Predicate>),
    /// At least one holds.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// A fact keeps within a bound.
    Compare(Fact, Bound),
    /// A fact or its year, against another.
    Against(Operand, Comparison, Operand),
    /// The time from one day to another.
    Months {
        /// The earlier day.
        from: Fact,
        /// The later day.
        to: Fact,
        /// How they are compared.
        comparison: Comparison,
        /// With so many calendar months after the earlier one.
        months: u16,
    },
    /// A part of a whole, or so many for each of something else, by cross-multiplication.
    Ratio {
        /// The part, or what is counted.
        of: Fact,
        /// The whole, or for each of what.
        to: Fact,
        /// How they are compared.
        comparison: Comparison,
        /// With this.
        ratio: Ratio,
    },
    /// Points of a score of the pack, by its place.
    Score {
        /// Which.
        score: usize,
        /// How they are compared.
        comparison: Comparison,
        /// With so many points.
        points: u32,
    },
    /// A class of the pack, by its place.
    Class {
        /// Which classification.
        class: usize,
        /// One of these of its classes.
        one_of: Vec<usize>,
    },
    /// The unified social credit code stands the check of GB 32100-2015, or two persons have
    /// determined that it is accepted all the same (worked case E11).
    ValidUscc,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// ≥, 不少于
    AtLeast,
    /// >, 超过
    MoreThan,
    /// ≤, 不超过
    AtMost,
    /// <, 不足
    LessThan,
    /// =
    Is,
}

impl Comparison {
    /// Whether it holds for two values that stand so to each other.
    pub const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::AtLeast => ordering.is_ge(),
            Self::MoreThan => ordering.is_gt(),
            Self::AtMost => ordering.is_le(),
            Self::LessThan => ordering.is_lt(),
            Self::Is => ordering.is_eq(),
        }
    }
}

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The value of a fact.
    Fact(Fact),
    /// The calendar year of a day.
    YearOf(Fact),
    /// A calendar year.
    Year(u16),
}

impl Operand {
    pub(super) const fn fact(self) -> Option<Fact> {
        match self {
            Self::Fact(fact) | Self::YearOf(fact) => Some(fact),
            Self::Year(_) => None,
        }
    }

    /// As a number of the smallest unit, if it is known.
    pub(super) fn scalar(self, seen: &Seen) -> Option<i64> {
        match self {
            Self::Fact(fact) => seen.get(fact)?.scalar(fact.kind()),
            Self::YearOf(fact) => seen.date(fact).map(|day| i64::from(day.year())),
            Self::Year(year) => Some(i64::from(year)),
        }
    }
}

/// What a fact is compared with; values are of the fact's own type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// ≥, 不少于
    AtLeast(Value),
    /// >, 超过
    MoreThan(Value),
    /// ≤, 不超过
    AtMost(Value),
    /// <, 不足
    LessThan(Value),
    /// =
    Is(Value),
    /// One of these
    OneOf(Vec<Value>),
    /// A day in the period
    Within(Period),
}

impl Bound {
    /// Whether the value, which has the type of the bound, keeps within it.
    pub fn admits(&self, value: &Value) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::MoreThan(bound) => value > bound,
            Self::AtMost(bound) => value <= bound,
            Self::LessThan(bound) => value < bound,
            Self::Is(bound) => value == bound,
            Self::OneOf(bounds) => bounds.contains(value),
            Self::Within(period) => match value {
                Value::Date(day) => period.contains(*day),
                Value::Money(_)
                | Value::Count(_)
                | Value::Quantity(_)
                | Value::Bool(_)
                | Value::Text(_)
                | Value::Choice(_) => false,
            },
        }
    }
}

/// Whether the code is accepted, and the reason why not.
pub(super) fn check_uscc(code: &str, seen: &Seen) -> (Outcome, Option<ReasonCode>) {
    match code.parse::<Uscc>() {
        Ok(_) => (Outcome::Pass, None),
        Err(UsccError::Check { .. }) => {
            if seen.get(Fact::UsccOverride) == Some(&Value::Bool(true)) {
                (Outcome::Pass, None)
            } else {
                (Outcome::NeedsReview, Some(ReasonCode::USCC_BAD_CHECK))
            }
        }
        Err(UsccError::Alphabet { .. }) => (Outcome::Fail, Some(ReasonCode::USCC_BAD_ALPHABET)),
        Err(UsccError::Length(_)) => (Outcome::Fail, Some(ReasonCode::USCC_BAD_LENGTH)),
        Err(UsccError::LowerCase(_)) => (Outcome::Fail, Some(ReasonCode::USCC_LOWER_CASE)),
    }
}

/// What a condition looks at: the facts seen, and the scores and classes that follow from them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'s> {
    pub(super) seen: &'s Seen,
    pub(super) measures: &'s Measures,
}

/// The time from one day to another against calendar months. A later day before the earlier one never holds.
pub(super) fn within_months(
    from: NaiveDate,
    to: NaiveDate,
    comparison: Comparison,
    months: u16,
) -> bool {
    let mark = add_months_clamped(from, u32::from(months));
    from <= to && comparison.holds(to.cmp(&mark))
}

impl Predicate {
    /// What it says of the facts seen.
    pub(super) fn evaluate(&self, sight: Sight<'_>) -> Outcome {
        let seen = sight.seen;
        match self {
            Self::All(parts) => parts
                .iter()
                .fold(Outcome::Pass, |all, part| all.and(part.evaluate(sight))),
            Self::Any(parts) => parts
                .iter()
                .fold(Outcome::Fail, |any, part| any.or(part.evaluate(sight))),
            Self::Not(part) => part.evaluate(sight).negate(),
            Self::Compare(fact, bound) => known(seen.get(*fact), |value| bound.admits(value)),
            Self::Against(left, comparison, right) => known(
                left.scalar(seen).zip(right.scalar(seen)),
                |(left, right)| comparison.holds(left.cmp(&right)),
            ),
            Self::Months {
                from,
                to,
                comparison,
                months,
            } => known(seen.date(*from).zip(seen.date(*to)), |(from, to)| {
                within_months(from, to, *comparison, *months)
            }),
            Self::Ratio {
                of,
                to,
                comparison,
                ratio,
            } => match proportion(*of, *to, seen) {
                Proportion::Of(part, whole) => {
                    Outcome::of(comparison.holds(ratio.compare(part, whole)))
                }
                Proportion::Unknown | Proportion::OfNothing => Outcome::NeedsReview,
            },
            Self::Score {
                score,
                comparison,
                points,
            } => sight.measures.score_holds(*score, *comparison, *points),
            Self::Class { class, one_of } => known(sight.measures.class(*class), |found| {
                one_of.contains(&found)
            }),
            Self::ValidUscc => match seen.text(Fact::Uscc) {
                Some(code) => check_uscc(code, seen).0,
                None => Outcome::NeedsReview,
            },
        }
    }

    /// Calls `visit` with each part that compares something: the leaves of the tree, in order.
    pub(super) fn leaves<'p>(&'p self, visit: &mut impl FnMut(&'p Self)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.leaves(visit);
                }
            }
            Self::Not(part) => part.leaves(visit),
            Self::Compare(..)
            | Self::Against(..)
            | Self::Months { .. }
            | Self::Ratio { .. }
            | Self::Score { .. }
            | Self::Class { .. }
            | Self::ValidUscc => visit(self),
        }
    }

    /// The facts that a leaf looks at itself; those of scores and classes belong to these.
    fn leaf_facts(&self) -> Vec<Fact> {
        match self {
            Self::Compare(fact, _) => vec![*fact],
            Self::Against(left, _, right) => left.fact().into_iter().chain(right.fact()).collect(),
            Self::Months { from, to, .. } => vec![*from, *to],
            Self::Ratio { of, to, .. } => vec![*of, *to],
            Self::ValidUscc => vec![Fact::Uscc, Fact::UsccOverride],
            Self::All(_)
            | Self::Any(_)
            | Self::Not(_)
            | Self::Score { .. }
            | Self::Class { .. } => Vec::new(),
        }
    }

    /// The facts that it may look at.
    pub(super) fn facts(&self, into: &mut Vec<Fact>) {
        self.leaves(&mut |leaf| into.extend(leaf.leaf_facts()));
    }

    /// The leaves that are open and matter: parts that are settled ask for nothing.
    pub(super) fn open<'p>(&'p self, sight: Sight<'_>, visit: &mut impl FnMut(&'p Self)) {
        if self.evaluate(sight) != Outcome::NeedsReview {
            return;
        }
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.open(sight, visit);
                }
            }
            Self::Not(part) => part.open(sight, visit),
            Self::Compare(..)
            | Self::Against(..)
            | Self::Months { .. }
            | Self::Ratio { .. }
            | Self::Score { .. }
            | Self::Class { .. }
            | Self::ValidUscc => visit(self),
        }
    }

    /// The facts that would settle what can't be said yet.
    pub(super) fn missing(&self, sight: Sight<'_>, into: &mut Vec<Fact>) {
        let seen = sight.seen;
        self.open(sight, &mut |leaf| match leaf {
            Self::Score { score, .. } => into.extend(sight.measures.score_missing(*score)),
            Self::Class { class, .. } => into.extend(sight.measures.class_missing(*class)),
            Self::ValidUscc if seen.text(Fact::Uscc).is_some() => into.push(Fact::UsccOverride),
            Self::ValidUscc => into.push(Fact::Uscc),
            Self::All(_)
            | Self::Any(_)
            | Self::Not(_)
            | Self::Compare(..)
            | Self::Against(..)
            | Self::Months { .. }
            | Self::Ratio { .. } => into.extend(
                leaf.leaf_facts()
                    .into_iter()
                    .filter(|fact| seen.get(*fact).is_none()),
            ),
        });
    }

    /// Whether it is open because a ratio has nothing below the line.
    pub(super) fn divides_by_zero(&self, sight: Sight<'_>) -> bool {
        let mut found = false;
        self.open(sight, &mut |leaf| {
            found |= match leaf {
                Self::Ratio { of, to, .. } => {
                    matches!(proportion(*of, *to, sight.seen), Proportion::OfNothing)
                }
                Self::Score { score, .. } => sight.measures.score_divides_by_zero(*score),
                Self::All(_)
                | Self::Any(_)
                | Self::Not(_)
                | Self::Compare(..)
                | Self::Against(..)
                | Self::Months { .. }
                | Self::Class { .. }
                | Self::ValidUscc => false,
            }
        });
        found
    }

    /// What is wrong with the code, where that is why the whole does not pass.
    pub(super) fn uscc_reason(&self, seen: &Seen) -> Option<ReasonCode> {
        let mut checked = false;
        self.leaves(&mut |leaf| checked |= matches!(leaf, Self::ValidUscc));
        let code = seen.text(Fact::Uscc).filter(|_| checked)?;
        check_uscc(code, seen).1
    }
}

/// What can be said only of what is known.
fn known<T>(value: Option<T>, holds: impl FnOnce(T) -> bool) -> Outcome {
    value.map_or(Outcome::NeedsReview, |value| Outcome::of(holds(value)))
}

/// Whether values of these types can be compared: one type and one unit.
pub(super) fn comparable(left: Kind, right: Kind) -> bool {
    left == right
}
