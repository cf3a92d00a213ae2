//! The range of a fine, as information for the authority that decides on it. Never posted: a fine is no income of the fund.

use rust_decimal::Decimal;
use serde::Serialize;

use super::model::Cause;
use crate::types::{Currency, Money};

/// Where the range comes from.
pub const SOURCE: &str =
    "财政违法行为处罚处分条例（国务院令第427号）第十四条 / State Council Order 427, article 14";

/// Fines on persons who are directly responsible, yuan: least and most (Order 427, article 14).
const PERSONS: (i64, i64) = (3_000, 50_000);

/// A least and a most, minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub least: Money,
    /// At most.
    pub most: Money,
}

/// What the order provides for what was defrauded or misused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fines {
    /// On the enterprise or individual that got the money.
    pub party: Range,
    /// On each person in charge, or otherwise directly responsible.
    pub persons: Range,
    /// The percentages that the first follows from.
    pub percent: Percent,
}

/// A range of percentages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percent {
    /// At least.
    pub least: u8,
    /// At most.
    pub most: u8,
}

/// The range of fines by State Council Order 427, article 14: 10 to 50 % of what was defrauded, 10 to 30 % of what was
/// misused, and 3,000 to 50,000 yuan on persons. `None` where the order provides none: another cause, another country.
pub fn fines(cause: Cause, amount: Money, currency: Currency) -> Option<Fines> {
    let percent = match cause {
        Cause::Defrauded => Percent {
            least: 10,
            most: 50,
        },
        Cause::Misused => Percent {
            least: 10,
            most: 30,
        },
        Cause::Overpaid | Cause::Ineligible | Cause::Other => return None,
    };
    if currency != Currency::Cny {
        return None;
    }
    let part = |percent: u8| {
        let share = amount
            .to_decimal(currency)
            .checked_mul(Decimal::new(i64::from(percent), 2))?;
        Money::from_decimal_half_up(share, currency)
    };
    let yuan = |yuan: i64| Money::from_decimal_half_up(Decimal::from(yuan), currency);
    Some(Fines {
        party: Range {
            least: part(percent.least)?,
            most: part(percent.most)?,
        },
        persons: Range {
            least: yuan(PERSONS.0)?,
            most: yuan(PERSONS.1)?,
        },
        percent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_names_shares_of_what_was_defrauded_or_misused() {
        let range = |cause, minor| {
            let fines = fines(cause, Money::from_minor(minor), Currency::Cny)?;
            let of = |range: Range| (range.least.minor(), range.most.minor());
            Some((of(fines.party), of(fines.persons)))
        };
        let persons = (3_000_00, 50_000_00);
        for (cause, minor, expected) in [
            (Cause::Defrauded, 100_000_00, Some((10_000_00, 50_000_00))),
            (Cause::Misused, 100_000_00, Some((10_000_00, 30_000_00))),
            // Rounded half up to the fen.
            (Cause::Defrauded, 5, Some((1, 3))),
            (Cause::Misused, 4, Some((0, 1))),
            (Cause::Overpaid, 100_000_00, None),
            (Cause::Ineligible, 100_000_00, None),
            (Cause::Other, 100_000_00, None),
        ] {
            let expected = expected.map(|party| (party, persons));
            assert_eq!(range(cause, minor), expected, "{cause:?} {minor}");
        }
        let euros = fines(Cause::Defrauded, Money::from_minor(100), Currency::Eur);
        assert_eq!(euros, None);
    }
}
