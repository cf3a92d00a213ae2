//! Days, half-open periods, fiscal years, and the time of a zone.

use std::fmt;

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::excerpt;

/// A day as people and files write it: `YYYY-MM-DD`, from 1900 to 9998.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "NaiveDate", try_from = "String")]
pub struct Day(NaiveDate);

/// A text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a day: write it as 2023-03-31, between the years 1900 and 9998")]
pub struct DayError(pub String);

impl Day {
    /// As a date.
    pub const fn date(self) -> NaiveDate {
        self.0
    }
}

impl std::str::FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // chrono alone would also take signs, spaces and years of other lengths.
        let day = text
            .parse::<NaiveDate>()
            .ok()
            .filter(|day| day.to_string() == text && (1900..=9998).contains(&day.year()));
        day.map(Self).ok_or_else(|| DayError(excerpt(text)))
    }
}

impl From<Day> for NaiveDate {
    fn from(day: Day) -> Self {
        day.0
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

/// A half-open run of days: `from` is in it, `until` is not. `until = None` never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    from: NaiveDate,
    until: Option<NaiveDate>,
}

/// A period that would end before it begins, or hold no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the period from {from} has no day before {until}: the end must come after the start")]
pub struct EmptyPeriod {
    from: NaiveDate,
    until: NaiveDate,
}

impl Period {
    /// From the first day, to the first day that is no longer in it.
    pub fn new(from: NaiveDate, until: Option<NaiveDate>) -> Result<Self, EmptyPeriod> {
        match until {
            Some(until) if until <= from => Err(EmptyPeriod { from, until }),
            Some(_) | None => Ok(Self { from, until }),
        }
    }

    /// The first day.
    pub const fn from(&self) -> NaiveDate {
        self.from
    }

    /// The first day after it, if it ends.
    pub const fn until(&self) -> Option<NaiveDate> {
        self.until
    }

    /// Whether the day is in it.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    /// Whether the two share a day.
    pub fn overlaps(&self, other: &Self) -> bool {
        other.until.is_none_or(|until| self.from < until)
            && self.until.is_none_or(|until| other.from < until)
    }
}

/// A budget year. In China it is the calendar year (Budget Law of the PRC, article 18).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct FiscalYear(pub i16);

impl FiscalYear {
    /// The budget year of a day. Days outside years 1900 to 9999 are refused where they are parsed.
    pub fn of(day: NaiveDate) -> Self {
        Self(i16::try_from(day.year()).unwrap_or(i16::MAX))
    }

    /// Its days.
    pub fn period(self) -> Period {
        let first = |year: i16| NaiveDate::from_ymd_opt(i32::from(year), 1, 1);
        let from = first(self.0).unwrap_or(NaiveDate::MIN);
        Period {
            from,
            until: first(self.0.saturating_add(1)),
        }
    }

    /// The next budget year.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for FiscalYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Adds calendar months; where the month is shorter, the last day of it (worked case V7).
pub fn add_months_clamped(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months))
        .unwrap_or(NaiveDate::MAX)
}

/// The time zone in which a zone's days begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ZoneTime(pub Tz);

impl Default for ZoneTime {
    fn default() -> Self {
        Self(Tz::Asia__Shanghai)
    }
}

impl ZoneTime {
    /// The calendar day of an instant, there.
    pub fn day(self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }

    /// An instant as clocks show it there, with the offset from UTC.
    pub fn local(self, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
        instant.with_timezone(&self.0).fixed_offset()
    }

    /// The first instant of a day, there.
    pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_hms_opt(0, 0, 0).unwrap_or_default();
        self.0
            .from_local_datetime(&midnight)
            .earliest()
            .map_or_else(
                || Utc.from_utc_datetime(&midnight),
                |start| start.with_timezone(&Utc),
            )
    }

    /// The last instant of a day, there, to the microsecond that Postgres keeps.
    pub fn end_of(self, day: NaiveDate) -> DateTime<Utc> {
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        self.start_of(next) - chrono::TimeDelta::microseconds(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_half_open() {
        let year = FiscalYear(2020).period();
        assert!(year.contains(day("2020-01-01")) && year.contains(day("2020-12-31")));
        assert!(!year.contains(day("2021-01-01")) && !year.contains(day("2019-12-31")));
        assert!(!year.overlaps(&FiscalYear(2021).period()));
        assert!(year.overlaps(&Period::new(day("2020-12-31"), None).unwrap()));
        assert!(Period::new(day("2020-01-01"), Some(day("2020-01-01"))).is_err());
    }

    #[test]
    fn months_end_with_the_month() {
        assert_eq!(add_months_clamped(day("2024-11-30"), 3), day("2025-02-28"));
        assert_eq!(add_months_clamped(day("2023-11-30"), 3), day("2024-02-29"));
        assert_eq!(add_months_clamped(day("2024-01-15"), 3), day("2024-04-15"));
    }

    #[test]
    fn days_have_one_form() {
        assert_eq!(
            "2024-02-29".parse::<Day>().unwrap().date(),
            day("2024-02-29")
        );
        let bad = [
            "2020-02-30",
            "2026-13-01",
            "infinity",
            "today",
            "0000-01-01",
            "10000-01-01",
            "2020-2-3",
            " 2020-02-03",
            "+2020-02-03",
            "2020/02/03",
            "２０２０-02-03",
            "1899-12-31",
            "",
        ];
        for text in bad {
            assert!(text.parse::<Day>().is_err(), "{text:?} was not refused");
        }
    }

    #[test]
    fn the_zone_decides_what_day_it_is() {
        let shanghai = ZoneTime::default();
        let instant: DateTime<Utc> = "2026-12-31T16:30:00Z".parse().unwrap();
        assert_eq!(shanghai.day(instant), day("2027-01-01"));
        assert_eq!(FiscalYear::of(shanghai.day(instant)), FiscalYear(2027));
        assert_eq!(
            shanghai.start_of(day("2027-01-01")).to_rfc3339(),
            "2026-12-31T16:00:00+00:00"
        );
        assert_eq!(
            shanghai.day(shanghai.end_of(day("2026-12-31"))),
            day("2026-12-31")
        );
    }
}
