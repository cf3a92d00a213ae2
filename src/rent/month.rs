//! Calendar months, in which rent is billed.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::types::{Day, excerpt};

/// A calendar month, written `2020-03`, of the years 1900 to 9998.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(NaiveDate);

/// A text that is no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a month: write it as 2020-03, between the years 1900 and 9998")]
pub struct MonthError(pub String);

impl Month {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        let next = self.next().0;
        next.checked_sub_days(Days::new(1)).unwrap_or(next)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        days_between(self.first_day(), self.last_day())
    }

    /// This month and those after it, up to `last`.
    pub fn until(self, last: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |month| Some(month.next()))
            .take_while(move |month| *month <= last)
    }
}

/// The days from `first` to `last`, both counted; none if `last` is earlier.
pub(super) fn days_between(first: NaiveDate, last: NaiveDate) -> i64 {
    (last.signed_duration_since(first).num_days() + 1).max(0)
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let first = format!("{text}-01").parse::<Day>();
        first
            .map(|day| Self(day.date()))
            .map_err(|_| MonthError(excerpt(text)))
    }
}

impl TryFrom<String> for Month {
    type Error = MonthError;

    fn try_from(text: String) -> Result<Self, MonthError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_one_form_and_their_days() {
        for (text, days) in [("2020-02", 29), ("2021-02", 28), ("2020-12", 31)] {
            let month: Month = text.parse().unwrap();
            assert_eq!((month.to_string().as_str(), month.days()), (text, days));
        }
        for bad in [
            "",
            "2020",
            "2020-13",
            "2020-2",
            "2020-02-01",
            " 2020-02",
            "1899-12",
        ] {
            assert!(bad.parse::<Month>().is_err(), "{bad:?} was not refused");
        }
    }

    #[test]
    fn months_follow_one_another() {
        let month = |text: &str| text.parse::<Month>().unwrap();
        let run: Vec<_> = month("2019-12").until(month("2020-02")).collect();
        assert_eq!(run, [month("2019-12"), month("2020-01"), month("2020-02")]);
        assert_eq!(month("2020-02").until(month("2020-01")).count(), 0);
    }
}
