//! A public notice (公示) of so many working days: from when to when it runs, and why each day counts or does not.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

use super::{Calendar, Working};

/// A day of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counted<'a> {
    /// The day.
    pub day: NaiveDate,
    /// The how manyth working day of the notice it is, from 1 on; `None` if it does not count.
    pub number: Option<u16>,
    /// Why it counts or not.
    #[serde(flatten)]
    pub working: Working<'a>,
}

/// The days of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoticePeriod<'a> {
    /// The day of publication, which is not counted.
    pub published_on: NaiveDate,
    /// How many working days it runs.
    pub working_days: u16,
    /// The first day on which it is over: the day after the last one that counts; without notice, the day of publication.
    pub over_from: NaiveDate,
    /// Calendar years that it reaches into and whose holidays are not known here: of them Monday to Friday counts.
    pub unknown_years: BTreeSet<i32>,
    /// Every day from the one after publication to the last that counts.
    pub days: Vec<Counted<'a>>,
}

impl Calendar {
    /// A notice that is published on a day and runs for so many working days, counted from the day after (Civil Code of the
    /// PRC, article 201: the day on which a period begins is not counted).
    pub fn notice(&self, published_on: NaiveDate, working_days: u16) -> NoticePeriod<'_> {
        let mut counted = 0;
        let mut days = Vec::with_capacity(usize::from(working_days).saturating_mul(2));
        for day in published_on.iter_days().skip(1) {
            if counted == working_days {
                break;
            }
            let working = self.is_working(day);
            let number = working.counts().then(|| {
                counted += 1;
                counted
            });
            days.push(Counted {
                day,
                number,
                working,
            });
        }
        let last = days.last().map(|last| last.day);
        let known = self.years();
        let unknown_years = days.iter().map(|day| day.day.year());
        NoticePeriod {
            published_on,
            working_days,
            over_from: last.map_or(published_on, |last| {
                last.succ_opt().unwrap_or(NaiveDate::MAX)
            }),
            unknown_years: unknown_years.filter(|year| !known.contains(year)).collect(),
            days,
        }
    }
}

impl NoticePeriod<'_> {
    /// The first day that counts.
    pub fn first(&self) -> Option<NaiveDate> {
        let first = self.days.iter().find(|day| day.number.is_some());
        first.map(|first| first.day)
    }

    /// The last day that counts.
    pub fn last(&self) -> Option<NaiveDate> {
        self.days.last().map(|last| last.day)
    }

    /// The holidays in it, whose days don't count, each once.
    fn holidays(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .days
            .iter()
            .filter_map(|day| match day.working {
                Working::Holiday(occasion) => Some(occasion.to_string()),
                Working::Weekday | Working::MakeUp(_) | Working::Weekend => None,
            })
            .collect();
        names.dedup();
        names
    }

    /// The weekend days in it that are worked.
    fn made_up(&self) -> Vec<String> {
        let made_up = self
            .days
            .iter()
            .filter(|day| matches!(day.working, Working::MakeUp(_)));
        made_up.map(|day| day.day.to_string()).collect()
    }
}

/// In one line: when it runs, and what is not as in other weeks.
impl fmt::Display for NoticePeriod<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(first), Some(last)) = (self.first(), self.last()) else {
            return f.write_str("no working days");
        };
        let days = if self.working_days == 1 {
            "working day"
        } else {
            "working days"
        };
        write!(f, "{} {days}, {first} to {last}", self.working_days)?;
        let holidays = self.holidays();
        if !holidays.is_empty() {
            write!(f, "; not counted: {}", holidays.join(", "))?;
        }
        let made_up = self.made_up();
        if !made_up.is_empty() {
            write!(f, "; worked on a weekend: {}", made_up.join(", "))?;
        }
        for year in &self.unknown_years {
            write!(f, "; the holidays of {year} are not known here")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_notice_is_over_after_its_last_working_day() {
        for (published_on, days, expected) in [
            ("2020-06-01", 0, "2020-06-01"), // a Monday
            ("2020-06-01", 1, "2020-06-03"),
            ("2020-06-01", 5, "2020-06-09"),
            ("2020-06-01", 10, "2020-06-16"),
            ("2020-06-05", 1, "2020-06-09"), // a Friday
            ("2020-06-05", 5, "2020-06-13"),
            ("2020-06-06", 1, "2020-06-09"), // a Saturday
            ("2020-01-20", 5, "2020-02-05"), // over the longer Spring Festival
            ("2020-01-23", 1, "2020-02-04"),
            ("2020-06-24", 1, "2020-06-29"), // the Sunday is worked
            ("2020-06-24", 2, "2020-06-30"),
            ("2022-09-30", 3, "2022-10-11"), // so are the Saturday and the Sunday
            ("2026-12-30", 2, "2027-01-02"), // as far as is known
        ] {
            let found = Calendar::china().notice(day(published_on), days).over_from;
            assert_eq!(found, day(expected), "{published_on} {days}");
        }
    }

    /// Each day stands in it once and in order; what counts is numbered, and what does not has a reason.
    #[test]
    fn every_day_says_why_it_counts_or_not() {
        let notice = Calendar::china().notice(day("2020-01-20"), 5);
        let counted: Vec<(String, Option<u16>, String)> = notice
            .days
            .iter()
            .map(|day| (day.day.to_string(), day.number, day.working.to_string()))
            .collect();
        let first = "春节 Spring Festival, 国办发明电〔2019〕16号";
        let longer = "春节 Spring Festival, 国办发明电〔2020〕1号";
        let mut expected = Vec::new();
        for (at, number) in [(21, 1), (22, 2), (23, 3)] {
            expected.push((format!("2020-01-{at}"), Some(number), "working day"));
        }
        expected.extend((24..=30).map(|at| (format!("2020-01-{at}"), None, first)));
        for on in ["2020-01-31", "2020-02-01", "2020-02-02"] {
            expected.push((on.to_owned(), None, longer));
        }
        for (on, number) in [("2020-02-03", 4), ("2020-02-04", 5)] {
            expected.push((on.to_owned(), Some(number), "working day"));
        }
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(day, number, why)| (day, number, why.to_owned()))
            .collect();
        assert_eq!(counted, expected);
        assert_eq!(notice.first(), Some(day("2020-01-21")));
        assert_eq!(notice.last(), Some(day("2020-02-04")));
    }

    #[test]
    fn a_notice_is_told_in_one_line() {
        for (published_on, days, expected) in [
            ("2020-06-01", 0, "no working days"),
            ("2020-06-01", 1, "1 working day, 2020-06-02 to 2020-06-02"),
            (
                "2020-06-23",
                5,
                "5 working days, 2020-06-24 to 2020-07-01; not counted: 端午节 Dragon Boat Festival; \
                 worked on a weekend: 2020-06-28",
            ),
            (
                "2026-12-30",
                2,
                "2 working days, 2026-12-31 to 2027-01-01; the holidays of 2027 are not known here",
            ),
        ] {
            let found = Calendar::china().notice(day(published_on), days);
            assert_eq!(found.to_string(), expected);
        }
    }
}
