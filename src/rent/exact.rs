//! Parts of rent, to the fen.

use crate::types::Money;

/// `part / of` of a sum that is not negative, rounded once, half up to the minor unit (invariant 1): the rent of a part
/// of a month by its days, and a share of a month's rent.
pub(super) fn portion(sum: Money, part: i64, of: i64) -> Money {
    let (part, of) = (i128::from(part.max(0)), i128::from(of.max(1)));
    let halves = i128::from(sum.minor()) * part * 2 + of;
    Money::from_minor(i64::try_from(halves / (of * 2)).unwrap_or(i64::MAX))
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

    proptest! {
        /// A month that is cut in two by its days is at most one fen off, and a whole one is whole.
        #[test]
        fn portions_stay_within_a_fen(minor in 0_i64..100_000_000_000_000, part in 0_i64..=31) {
            let two = portion(money(minor), part, 31).minor() + portion(money(minor), 31 - part, 31).minor();
            prop_assert!((two - minor).abs() <= 1);
            prop_assert_eq!(portion(money(minor), 31, 31).minor(), minor);
        }
    }
}
