//! Payment of an amount in parts: as many as there are months, or days and amounts as agreed. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Amount, Currency, Money, add_months_clamped};

/// Instalments at most in one schedule: ten years of months.
pub const MOST_INSTALMENTS: u8 = 120;

/// When an amount is paid in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Schedule {
    /// Equal instalments, month by month; what does not divide goes to the first ones, a fen each.
    Months {
        /// How many.
        count: u8,
        /// The day of the first; the others fall on the same day of later months, or the last of a shorter one.
        first: NaiveDate,
    },
    /// Days and amounts as agreed, which have to add up.
    Days {
        /// In the order of their days.
        instalments: Vec<DueOn>,
    },
}

/// One instalment as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueOn {
    /// Decimal text.
    pub amount: String,
    /// The last day on which it is paid in time.
    pub due: NaiveDate,
}

/// A part of an amount, and the last day on which it is paid in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The day.
    pub due: NaiveDate,
    /// How much.
    pub amount: Amount,
}

impl Schedule {
    /// The parts of an amount in the order of their days, which add up to it; otherwise what is wrong, and the remedy, of
    /// parts that are called so, such as instalments.
    pub fn parts(
        &self,
        amount: Amount,
        currency: Currency,
        called: &str,
    ) -> Result<Vec<Due>, String> {
        match self {
            Self::Months { count, first } => {
                let parts = split(amount, *count).filter(|_| *count <= MOST_INSTALMENTS);
                let parts = parts.ok_or_else(|| {
                    format!(
                        "{called}: {} can't be paid in {count} {called}: name 1 to {MOST_INSTALMENTS}, each of something",
                        amount.money().to_text(currency)
                    )
                })?;
                let due = |months| add_months_clamped(*first, months);
                let part = |(due, amount)| Due { due, amount };
                Ok((0..).map(due).zip(parts).map(part).collect())
            }
            Self::Days { instalments } => listed(instalments, amount, currency, called),
        }
    }
}

fn listed(
    instalments: &[DueOn],
    amount: Amount,
    currency: Currency,
    called: &str,
) -> Result<Vec<Due>, String> {
    if instalments.is_empty() || instalments.len() > usize::from(MOST_INSTALMENTS) {
        return Err(format!("due: name 1 to {MOST_INSTALMENTS} {called}"));
    }
    let mut parts = Vec::with_capacity(instalments.len());
    for DueOn { amount, due } in instalments {
        let money =
            Money::parse(amount, currency).map_err(|error| format!("due {due}: {error}"))?;
        let part = Amount::new(money).map_err(|error| format!("due {due}: {error}"))?;
        parts.push(Due {
            due: *due,
            amount: part,
        });
    }
    if !parts.is_sorted_by(|one, next| one.due < next.due) {
        return Err(format!(
            "due: the days of {called} come one after another: put them in order"
        ));
    }
    let sum: Money = parts.iter().map(|part| part.amount.money()).sum();
    if sum != amount.money() {
        return Err(format!(
            "due: the {called} add up to {}, but {} is to be paid: correct an amount",
            sum.to_text(currency),
            amount.money().to_text(currency)
        ));
    }
    Ok(parts)
}

/// An amount in `count` parts that differ by one minor unit at most and add up to it: what does not divide goes to the
/// first parts, one minor unit each. `None` if a part would be nothing.
fn split(amount: Amount, count: u8) -> Option<Vec<Amount>> {
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

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn amount(minor: i64) -> Amount {
        Amount::new(Money::from_minor(minor)).unwrap()
    }

    fn schedule(count: u8) -> Schedule {
        let first = day("2020-08-31");
        Schedule::Months { count, first }
    }

    #[test]
    fn schedules_add_up() {
        let parts = schedule(3)
            .parts(amount(100), Currency::Cny, "instalments")
            .unwrap();
        let read: Vec<_> = parts
            .iter()
            .map(|part| (part.due.to_string(), part.amount.minor()))
            .collect();
        let expected = [("2020-08-31", 34), ("2020-09-30", 33), ("2020-10-31", 33)];
        assert_eq!(read, expected.map(|(due, minor)| (due.to_owned(), minor)));
        let due = |due: &str, amount: &str| DueOn {
            amount: amount.to_owned(),
            due: day(due),
        };
        for (instalments, why) in [
            (vec![], "name 1 to 120"),
            (
                vec![due("2020-09-01", "0.99")],
                "add up to 0.99, but 1.00 is to be paid",
            ),
            (
                vec![due("2020-09-01", "0.50"), due("2020-09-01", "0.50")],
                "put them in order",
            ),
            (
                vec![due("2020-09-01", "0.00"), due("2020-10-01", "1.00")],
                "due 2020-09-01: the amount must",
            ),
        ] {
            let refusal =
                Schedule::Days { instalments }.parts(amount(100), Currency::Cny, "instalments");
            assert!(refusal.clone().unwrap_err().contains(why), "{refusal:?}");
        }
        assert!(
            schedule(0)
                .parts(amount(100), Currency::Cny, "instalments")
                .is_err()
        );
        assert!(
            schedule(121)
                .parts(amount(1_000), Currency::Cny, "instalments")
                .is_err()
        );
    }

    #[test]
    fn what_does_not_divide_goes_to_the_first() {
        let parts = |minor, count| {
            let parts = split(amount(minor), count)?;
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
            let amount = amount(minor);
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
    }
}
