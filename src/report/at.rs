//! A point in the history of the books, as people write it.

use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};

use crate::journal::AsOf;
use crate::types::{Day, LogIndex, Zone, excerpt};

/// A point in the history of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// With this entry and all before.
    Entry(LogIndex),
    /// With all that was recorded by the end of a day, in the zone's time.
    Day(NaiveDate),
    /// With all that was recorded by an instant.
    Instant(DateTime<Utc>),
}

/// A text that names no point in the history of the books.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} {NO_POINT}")]
pub struct AtError(String);

/// What is wrong with such a text, and the remedy.
pub const NO_POINT: &str =
    "is no entry, day or instant: write 1234, 2020-12-31 or 2020-12-31T16:00:00Z (with offset)";

impl FromStr for At {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let entry = text.parse().ok().filter(|_| digits);
        let entry = entry.map(|index| Self::Entry(LogIndex(index)));
        let day = || text.parse().ok().map(|day: Day| Self::Day(day.date()));
        let at = entry
            .or_else(day)
            .or_else(|| instant(text).map(Self::Instant));
        at.ok_or_else(|| AtError(excerpt(text)))
    }
}

/// An instant with its offset, RFC 3339, of a year that the books can have.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    // chrono keeps a leap second as more than 10^9 ns.
    let is_plain = instant.nanosecond() < 1_000_000_000;
    let is_of_the_books = is_plain && (1900..=9999).contains(&instant.year());
    is_of_the_books.then(|| instant.to_utc())
}

impl At {
    /// The state of the books then.
    pub fn as_of(self, zone: &Zone) -> AsOf {
        match self {
            Self::Entry(index) => AsOf::Size(index.0.saturating_add(1)),
            Self::Day(day) => AsOf::Recorded(zone.time.end_of(day)),
            Self::Instant(instant) => AsOf::Recorded(instant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_history_is_an_entry_a_day_or_an_instant() {
        assert_eq!("41".parse(), Ok(At::Entry(LogIndex(41))));
        assert_eq!(
            "2020-12-31".parse(),
            Ok(At::Day("2020-12-31".parse().unwrap()))
        );
        assert_eq!(
            "2020-12-31T24:00:00Z".parse::<At>(),
            Err(AtError("2020-12-31T24:00:00Z".into()))
        );
        assert_eq!(
            "2021-01-01T00:00:00+08:00".parse(),
            Ok(At::Instant("2020-12-31T16:00:00Z".parse().unwrap()))
        );
        for bad in [
            "",
            "-1",
            "+1",
            "today",
            "2020-02-30",
            "2020-2-3",
            "+12020-02-03",
            "2020-12-31T16:00:00",
            "2016-12-31T23:59:60Z",
            "1200-12-31T16:00:00Z",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<At>().is_err(), "{bad:?} was not refused");
        }
    }
}
