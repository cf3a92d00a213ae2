//! Of the criteria that a party misses, the one that it is nearest to meeting.

use super::explain::criterion_sentence;
use super::facts::Value;
use super::measure::{Proportion, proportion};
use super::predicate::{Bound, Comparison, Predicate, Sight};
use super::{Criterion, CriterionKind, Decision, Locale, Outcome, Policy, Ratio};

/// How far off something is, in millionths of what is asked. What has no measure is a whole off.
type Gap = i128;
const WHOLE: Gap = 1_000_000;

/// In a sentence, the criterion that a failing decision is nearest to meeting: with its clause, what was seen and what
/// is asked. `None` if the decision does not fail, or fails for what no criterion says.
pub fn nearest(decision: &Decision, policy: &Policy, locale: Locale) -> Option<String> {
    if decision.outcome != Outcome::Fail {
        return None;
    }
    let measures = policy.measures(&decision.facts);
    let sight = Sight {
        seen: &decision.facts,
        measures: &measures,
    };
    let failing = decision.criteria.iter().filter_map(|seen| {
        let mut criteria = policy.criteria.iter();
        let criterion = criteria.find(|criterion| criterion.code == seen.code)?;
        (seen.outcome == Outcome::Fail).then_some((criterion, seen))
    });
    let (_, seen) = failing.min_by_key(|(criterion, _)| gap_of(criterion, sight))?;
    Some(criterion_sentence(decision, policy, seen, locale))
}

fn gap_of(criterion: &Criterion, sight: Sight<'_>) -> Gap {
    match criterion.kind {
        CriterionKind::Requirement => gap(&criterion.test, sight),
        CriterionKind::Exclusion => WHOLE,
    }
}

fn gap(predicate: &Predicate, sight: Sight<'_>) -> Gap {
    match predicate.evaluate(sight) {
        Outcome::Pass => return 0,
        Outcome::NeedsReview => return 1, // a fact to bring is nearer than anything that would have to change
        Outcome::Fail => {}
    }
    match predicate {
        Predicate::All(parts) => parts.iter().map(|part| gap(part, sight)).sum(),
        Predicate::Any(parts) => {
            let gaps = parts.iter().map(|part| gap(part, sight));
            gaps.min().unwrap_or(WHOLE)
        }
        Predicate::Compare(fact, bound) => {
            let scalar = |value: &Value| value.scalar(fact.kind());
            let found = sight.seen.get(*fact).and_then(scalar);
            let asked = match bound {
                Bound::AtLeast(value)
                | Bound::MoreThan(value)
                | Bound::AtMost(value)
                | Bound::LessThan(value) => scalar(value),
                Bound::Is(_) | Bound::OneOf(_) | Bound::Within(_) => None,
            };
            found
                .zip(asked)
                .map_or(WHOLE, |(found, asked)| off(found, asked))
        }
        Predicate::Ratio {
            of,
            to,
            comparison: Comparison::AtLeast | Comparison::MoreThan,
            ratio,
        } => match proportion(*of, *to, sight.seen) {
            Proportion::Of(part, whole) => off_ratio(part, whole, *ratio),
            Proportion::Unknown | Proportion::OfNothing => WHOLE,
        },
        Predicate::Score { score, points, .. } => {
            let most = sight.measures.most(*score);
            off(i64::from(most), i64::from(*points))
        }
        Predicate::Not(_)
        | Predicate::Against(..)
        | Predicate::Months { .. }
        | Predicate::Ratio { .. }
        | Predicate::Class { .. }
        | Predicate::ValidUscc => WHOLE,
    }
}

fn off(found: i64, asked: i64) -> Gap {
    let (found, asked) = (Gap::from(found), Gap::from(asked));
    ((found - asked).abs() * WHOLE / asked.abs().max(1)).clamp(2, WHOLE)
}

fn off_ratio(part: i64, whole: i64, ratio: Ratio) -> Gap {
    let found = Gap::from(part) * Gap::from(ratio.denom());
    let asked = Gap::from(whole) * Gap::from(ratio.numer());
    let share = (asked - found).abs().checked_mul(WHOLE);
    share.map_or(WHOLE, |share| (share / asked.max(1)).clamp(2, WHOLE))
}
