//! Parts of rent, to the fen.

use crate::types::{Amount, Money};

/// `part / of` of a sum that is not negative, rounded once, half up to the minor unit (invariant 1): the rent of a part
/// of a month by its days, and a share of a month's rent.
pub(super) fn portion(sum: Money, part: i64, of: i64) -> Money {
    let (part, of) = (i128::from(part.max(0)), i128::from(of.max(1)));
    let halves = i128::from(sum.minor()) * part * 2 + of;
    Money::from_minor(i64::try_from(halves / (of * 2)).unwrap_or(i64::MAX))
}

/// An amount in `count` parts that differ by one minor unit at most and add up to it: what does not divide goes to the
/// first parts, one minor unit each. `None` if a part would be nothing.
pub(super) fn split(amount: Amount, count: u8) -> Option<Vec<Amount>> {
    let count = i64::from(count);
    let base = amount.minor().checked_div(count)?;
    let left = amount.minor() - base * count;
    (0..count)
        .map(|place| Amount::new(Money::from_minor(base + i64::from(place < left))).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(minor: i64) -> Money {
        Money::from_minor(minor)
    }

    #[test]
    fn portions_are_rounded_half_up_once() {
        for (sum, part, of, expected) in [
            (100_000_00, 29, 29, 100_000_00),
            (100_000_00, 1, 2, 50_000_00),
            (33_333_33, 1, 2, 16_666_67),
            (1, 1, 2, 1),
            (1, 1, 3, 0),
            (38_000_00, 15, 31, 18_387_10),
            (5, 0, 31, 0),
        ] {
            assert_eq!(
                portion(money(sum), part, of),
                money(expected),
                "{sum} {part}/{of}"
            );
        }
    }

    #[test]
    fn what_does_not_divide_goes_to_the_first() {
        let parts = |minor, count| {
            let parts = split(Amount::new(money(minor)).unwrap(), count)?;
            Some(parts.into_iter().map(Amount::minor).collect::<Vec<_>>())
        };
        assert_eq!(parts(100, 3), Some(vec![34, 33, 33]));
        assert_eq!(parts(101, 3), Some(vec![34, 34, 33]));
        assert_eq!(parts(2, 2), Some(vec![1, 1]));
        assert_eq!(parts(2, 3), None);
        assert_eq!(parts(2, 0), None);
    }

    proptest! {
        #[test]
        fn splits_never_lose_a_fen(minor in 1_i64..100_000_000_000_000, count in 1_u8..=120) {
            let amount = Amount::new(money(minor)).unwrap();
            match split(amount, count) {
                None => prop_assert!(minor < i64::from(count)),
                Some(parts) => {
                    let minors = || parts.iter().map(|part| part.minor());
                    prop_assert_eq!(parts.len(), usize::from(count));
                    prop_assert_eq!(minors().sum::<i64>(), minor);
                    prop_assert!(minors().max().unwrap() - minors().min().unwrap() <= 1);
                    prop_assert!(minors().is_sorted_by(|one, next| one >= next));
                }
            }
        }

        /// A month that is cut in two by its days is at most one fen off, and a whole one is whole.
        #[test]
        fn portions_stay_within_a_fen(minor in 0_i64..100_000_000_000_000, part in 0_i64..=31) {
            let two = portion(money(minor), part, 31).minor() + portion(money(minor), 31 - part, 31).minor();
            prop_assert!((two - minor).abs() <= 1);
            prop_assert_eq!(portion(money(minor), 31, 31).minor(), minor);
        }
    }
}
