//! Who comes before whom in a round, and how rounded shares keep within a budget. Without IO.

use std::cmp::{Ordering, Reverse};

use crate::policy::{Exhaustion, Fact, Facts, Value};
use crate::types::{LogIndex, Money};

/// What a claim has to show for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merit {
    class: String,
    by: Option<Value>,
    ties: Vec<Option<Value>>,
    drafted: LogIndex,
}

impl Merit {
    /// By the facts that the policy ranks by. Where it ranks by none, and where equals remain, the claim that was begun
    /// earlier comes first.
    pub(super) fn of(exhaustion: &Exhaustion, facts: &Facts, drafted: LogIndex) -> Self {
        let value = |fact: &Fact| facts.get(*fact).map(|stated| stated.value.clone());
        let (class, by, ties) = match exhaustion {
            Exhaustion::Top {
                by, within, ties, ..
            } => {
                let class = within.as_ref().and_then(value);
                (class, value(by), ties.iter().map(value).collect())
            }
            Exhaustion::FirstCome | Exhaustion::ProRata | Exhaustion::RatioFromDemand => {
                (None, None, Vec::new())
            }
        };
        Self {
            class: class.map(word).unwrap_or_default(),
            by,
            ties,
            drafted,
        }
    }

    /// The highest first, among equals the lowest of what breaks ties.
    fn before(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.class.clone(), Reverse(one.by.clone()));
        let by = key(self).cmp(&key(other));
        by.then_with(|| (&self.ties, self.drafted).cmp(&(&other.ties, other.drafted)))
    }
}

/// The value as packs write it, which never changes.
fn word(value: Value) -> String {
    match value {
        Value::Choice(word) => word.name.to_owned(),
        Value::Text(text) => text,
        other @ (Value::Money(_)
        | Value::Count(_)
        | Value::Quantity(_)
        | Value::Date(_)
        | Value::Bool(_)) => other.to_string(),
    }
}

/// A place in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Among which claims; empty where all are ranked together.
    pub(super) class: String,
    /// From 1.
    pub(super) number: u32,
}

/// The places of claims, each among those of its class; none for a claim that has no merit, since it does not qualify.
pub(super) fn places(merits: &[Option<Merit>]) -> Vec<Option<Place>> {
    let mut order: Vec<(usize, &Merit)> = merits
        .iter()
        .enumerate()
        .filter_map(|(at, merit)| Some((at, merit.as_ref()?)))
        .collect();
    order.sort_by(|(_, one), (_, other)| one.before(other));
    let mut slots = vec![None; merits.len()];
    let mut before: Option<Place> = None;
    for (at, merit) in order {
        let same_class = before.filter(|place| place.class == merit.class);
        let place = Place {
            class: merit.class.clone(),
            number: same_class.map_or(1, |place| place.number.saturating_add(1)),
        };
        before = Some(place.clone());
        if let Some(slot) = slots.get_mut(at) {
            *slot = Some(place);
        }
    }
    slots
}

/// Takes whole units of rounding off shares until they are no more than the budget together, from the last on: each was
/// rounded by itself, and the odd fen may be too many. What is left over stays in the budget.
pub(super) fn keep_within(shares: &mut [Money], budget: Money, unit: Money) {
    let total: Money = shares.iter().copied().sum();
    let mut over = total.saturating_sub(budget);
    if unit <= Money::ZERO {
        return;
    }
    while over > Money::ZERO && shares.iter().any(|share| *share > Money::ZERO) {
        for share in shares.iter_mut().rev() {
            if over > Money::ZERO {
                let taken = unit.min(*share);
                *share = share.saturating_sub(taken);
                over = over.saturating_sub(taken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::{Raw, Source};
    use crate::types::Currency;

    fn top() -> Exhaustion {
        Exhaustion::Top {
            number: 2,
            by: Fact::WaivedAmount,
            within: Some(Fact::CarrierClass),
            ties: vec![Fact::ClaimedOn],
        }
    }

    fn merit(class: &str, amount: &str, day: &str, drafted: i64) -> Merit {
        let on = "2020-09-01".parse().unwrap();
        let mut facts = Facts::new(Currency::Cny);
        for (fact, text) in [
            (Fact::CarrierClass, class),
            (Fact::WaivedAmount, amount),
            (Fact::ClaimedOn, day),
        ] {
            let raw = Raw::Text(text);
            facts.state(fact, raw, Source::Verified, on).unwrap();
        }
        Merit::of(&top(), &facts, LogIndex(drafted))
    }

    #[test]
    fn the_highest_of_each_class_comes_first_and_ties_are_broken() {
        let merits = [
            Some(merit("makerspace", "319999.99", "2020-09-01", 1)),
            Some(merit("incubator", "5.00", "2020-09-01", 2)),
            None,
            Some(merit("makerspace", "320000.00", "2020-09-03", 4)),
            Some(merit("makerspace", "320000.00", "2020-09-02", 5)),
            Some(merit("makerspace", "320000.00", "2020-09-03", 3)),
        ];
        let numbers: Vec<Option<(String, u32)>> = places(&merits)
            .into_iter()
            .map(|place| place.map(|place| (place.class, place.number)))
            .collect();
        let makerspace = |number| Some(("makerspace".to_owned(), number));
        assert_eq!(
            numbers,
            [
                makerspace(4),
                Some(("incubator".to_owned(), 1)),
                None,
                makerspace(3),
                makerspace(1),
                makerspace(2),
            ]
        );
    }

    #[test]
    fn the_odd_fen_is_taken_from_the_last() {
        // 1.00 among six: each has 0.166…, rounded up to 0.17.
        let mut shares = [Money::from_minor(17); 6];
        keep_within(&mut shares, Money::from_minor(100), Money::from_minor(1));
        assert_eq!(shares.map(Money::minor), [17, 17, 17, 17, 16, 16]);
    }

    proptest! {
        #[test]
        fn shares_never_exceed_the_budget(
            shares in prop::collection::vec(0_i64..1_000_000, 0..40),
            budget in 0_i64..10_000_000,
            unit in 1_i64..10_000,
        ) {
            let before: Vec<Money> = shares.into_iter().map(Money::from_minor).collect();
            let mut after = before.clone();
            keep_within(&mut after, Money::from_minor(budget), Money::from_minor(unit));
            let total = |shares: &[Money]| shares.iter().copied().sum::<Money>().minor();
            prop_assert!(total(&after) <= budget);
            prop_assert!(after.iter().zip(&before).all(|(after, before)| after <= before));
            if total(&before) <= budget {
                prop_assert_eq!(after, before);
            }
        }
    }
}
