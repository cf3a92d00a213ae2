//! Finds conditions that no facts can meet.

use std::ops::Range;

use crate::policy::predicate::{Bound, Predicate};
use crate::policy::problem::Problems;

/// Notes two bounds on one fact, of parts that must all hold, that no value can keep.
pub(super) fn refuse(
    parts: &[Predicate],
    span: Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<()> {
    let bounds: Vec<_> = parts
        .iter()
        .filter_map(|part| match part {
            Predicate::Compare(fact, bound) => Some((*fact, bound)),
            Predicate::All(_)
            | Predicate::Any(_)
            | Predicate::Not(_)
            | Predicate::Against(..)
            | Predicate::Months { .. }
            | Predicate::Ratio { .. }
            | Predicate::Score { .. }
            | Predicate::Class { .. }
            | Predicate::ValidUscc => None,
        })
        .collect();
    let pairs = bounds.iter().enumerate().flat_map(|(index, first)| {
        bounds
            .iter()
            .skip(index + 1)
            .map(move |second| (first, second))
    });
    for ((fact, first), (other, second)) in pairs {
        if fact == other && contradict(first, second) {
            return problems.note(
                &span,
                format!("no {fact} can keep both of these bounds: this can never hold"),
                "correct a bound, or use any = [ … ]",
            );
        }
    }
    let opposite = |part: &Predicate| {
        let Predicate::Not(negated) = part else {
            return false;
        };
        parts.contains(negated)
    };
    if parts.iter().any(opposite) {
        return problems.note(
            &span,
            "a condition and its opposite stand side by side: this can never hold",
            "remove one, or use any = [ … ]",
        );
    }
    Some(())
}

fn contradict(first: &Bound, second: &Bound) -> bool {
    let excludes = |bound: &Bound, other: &Bound| match bound {
        Bound::Is(value) => !other.admits(value),
        Bound::OneOf(values) => !values.iter().any(|value| other.admits(value)),
        Bound::AtLeast(low) => {
            matches!(other, Bound::AtMost(_) | Bound::LessThan(_)) && !other.admits(low)
        }
        Bound::MoreThan(low) => match other {
            Bound::AtMost(high) | Bound::LessThan(high) => high <= low,
            Bound::AtLeast(_)
            | Bound::MoreThan(_)
            | Bound::Is(_)
            | Bound::OneOf(_)
            | Bound::Within(_) => false,
        },
        Bound::Within(period) => {
            matches!(other, Bound::Within(window) if !window.overlaps(period))
        }
        Bound::AtMost(_) | Bound::LessThan(_) => false,
    };
    excludes(first, second) || excludes(second, first)
}
