//! Finds conditions that no facts can meet, or that are met only where an earlier one is.

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

/// Whether the first condition holds wherever the second does, as far as this can be told: they are the same, the
/// first is one of several that the second joins, or the second bounds the same fact more narrowly.
pub(super) fn covers(wide: &Predicate, narrow: &Predicate) -> bool {
    if wide == narrow {
        return true;
    }
    match (wide, narrow) {
        (Predicate::Any(parts), _) => parts.iter().any(|part| covers(part, narrow)),
        (_, Predicate::All(parts)) => parts.iter().any(|part| covers(wide, part)),
        (Predicate::Compare(fact, wide), Predicate::Compare(other, narrow)) => {
            fact == other && admits_all(wide, narrow)
        }
        (
            Predicate::Class { class, one_of },
            Predicate::Class {
                class: other,
                one_of: fewer,
            },
        ) => class == other && fewer.iter().all(|one| one_of.contains(one)),
        (_, _) => false,
    }
}

/// Whether every value within `narrow` is within `wide`.
fn admits_all(wide: &Bound, narrow: &Bound) -> bool {
    match (wide, narrow) {
        (_, Bound::Is(value)) => wide.admits(value),
        (_, Bound::OneOf(values)) => values.iter().all(|value| wide.admits(value)),
        (Bound::AtLeast(low), Bound::AtLeast(bound) | Bound::MoreThan(bound))
        | (Bound::MoreThan(low), Bound::MoreThan(bound)) => bound >= low,
        (Bound::MoreThan(low), Bound::AtLeast(bound)) => bound > low,
        (Bound::AtMost(high), Bound::AtMost(bound) | Bound::LessThan(bound))
        | (Bound::LessThan(high), Bound::LessThan(bound)) => bound <= high,
        (Bound::LessThan(high), Bound::AtMost(bound)) => bound < high,
        (_, _) => false,
    }
}
