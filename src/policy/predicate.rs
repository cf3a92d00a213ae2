//! The tree of conditions in a pack, and what it says of the facts that were seen.

use serde::{Deserialize, Serialize};

use super::facts::Value;
use super::registry::Fact;
use super::{ReasonCode, Seen};
use crate::types::{Period, Uscc, UsccError};

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

    fn of(met: bool) -> Self {
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
    /// The unified social credit code stands the check of GB 32100-2015, or two persons have
    /// determined that it is accepted all the same (worked case E11).
    ValidUscc,
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

impl Predicate {
    /// What it says of the facts seen.
    pub fn evaluate(&self, seen: &Seen) -> Outcome {
        match self {
            Self::All(parts) => parts
                .iter()
                .fold(Outcome::Pass, |all, part| all.and(part.evaluate(seen))),
            Self::Any(parts) => parts
                .iter()
                .fold(Outcome::Fail, |any, part| any.or(part.evaluate(seen))),
            Self::Not(part) => part.evaluate(seen).negate(),
            Self::Compare(fact, bound) => match seen.get(*fact) {
                Some(value) => Outcome::of(bound.admits(value)),
                None => Outcome::NeedsReview,
            },
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
            Self::Compare(..) | Self::ValidUscc => visit(self),
        }
    }

    /// The facts that it may look at.
    pub(super) fn facts(&self, into: &mut Vec<Fact>) {
        self.leaves(&mut |leaf| match leaf {
            Self::Compare(fact, _) => into.push(*fact),
            Self::ValidUscc => into.extend([Fact::Uscc, Fact::UsccOverride]),
            Self::All(_) | Self::Any(_) | Self::Not(_) => {}
        });
    }

    /// The facts that would settle what can't be said yet. Parts that are settled ask for nothing.
    pub(super) fn missing(&self, seen: &Seen, into: &mut Vec<Fact>) {
        if self.evaluate(seen) != Outcome::NeedsReview {
            return;
        }
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.missing(seen, into);
                }
            }
            Self::Not(part) => part.missing(seen, into),
            Self::Compare(fact, _) => into.push(*fact),
            Self::ValidUscc if seen.text(Fact::Uscc).is_none() => into.push(Fact::Uscc),
            Self::ValidUscc => into.push(Fact::UsccOverride),
        }
    }

    /// What is wrong with the code, where that is why the whole does not pass.
    pub(super) fn uscc_reason(&self, seen: &Seen) -> Option<ReasonCode> {
        let mut checked = false;
        self.leaves(&mut |leaf| checked |= matches!(leaf, Self::ValidUscc));
        let code = seen.text(Fact::Uscc).filter(|_| checked)?;
        check_uscc(code, seen).1
    }
}
