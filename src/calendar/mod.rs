//! Working days in China: public holidays, and the weekend days that are worked instead, by the circulars of the State
//! Council; and notices counted by them, day by day. Pure.

mod notice;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::types::Day;

pub use notice::{Counted, NoticePeriod};

/// The public holidays of some years, as they were announced.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    #[serde(rename = "circular")]
    circulars: Vec<Circular>,
}

/// A circular (通知) that announces the holidays of a year, or changes them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Circular {
    /// The calendar year that it is about.
    pub year: i32,
    /// Its number (发文字号).
    pub number: String,
    /// Its title, in Chinese.
    pub title: String,
    /// Its date.
    pub issued: Day,
    /// Where the State Council keeps it.
    pub url: String,
    /// What it announces.
    pub holidays: Vec<Holiday>,
}

/// Days off, one after another, and the weekend days that are worked instead.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// 中文名称.
    pub zh: String,
    /// Its name in English.
    pub en: String,
    /// The first day off.
    pub from: Day,
    /// The last day off.
    pub to: Day,
    /// Weekend days that are worked for it (调休上班).
    pub worked: Vec<Day>,
}

/// Why a day is off, or worked although it is one of a weekend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Occasion<'a> {
    /// 节日.
    pub zh: &'a str,
    /// The holiday.
    pub en: &'a str,
    /// The number of the circular that says so.
    pub circular: &'a str,
}

/// Whether a day is a working day, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Working<'a> {
    /// It is: Monday to Friday, and no holiday.
    Weekday,
    /// It is, although it is a Saturday or Sunday: worked in place of a day off.
    MakeUp(Occasion<'a>),
    /// It is not: Saturday or Sunday.
    Weekend,
    /// It is not: a day off of a public holiday.
    Holiday(Occasion<'a>),
}

impl Working<'_> {
    /// Whether it counts as a working day.
    pub const fn counts(&self) -> bool {
        matches!(self, Self::Weekday | Self::MakeUp(_))
    }
}

impl fmt::Display for Occasion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.zh, self.en)
    }
}

impl fmt::Display for Working<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekday => f.write_str("working day"),
            Self::MakeUp(why) => write!(f, "worked for {why}, {}", why.circular),
            Self::Weekend => f.write_str("weekend"),
            Self::Holiday(why) => write!(f, "{why}, {}", why.circular),
        }
    }
}

static CHINA: LazyLock<Calendar> = LazyLock::new(|| {
    toml::from_str(include_str!("../../assets/calendars/cn.toml"))
        .expect("BUG: assets/calendars/cn.toml is read by a test")
});

impl Calendar {
    /// The mainland's, by the circulars of the General Office of the State Council (国务院办公厅).
    pub fn china() -> &'static Self {
        &CHINA
    }

    /// The circulars, oldest first.
    pub fn circulars(&self) -> &[Circular] {
        &self.circulars
    }

    /// The calendar years whose holidays are known. The last days of December are sometimes part of a holiday of the year
    /// after, whose circular comes in autumn.
    pub fn years(&self) -> RangeInclusive<i32> {
        let mut years = self.circulars.iter().map(|circular| circular.year);
        let first = years.next().unwrap_or_default();
        first..=years.next_back().unwrap_or(first)
    }

    /// Whether people work on a day. In a year that is not known, from Monday to Friday.
    pub fn is_working(&self, day: NaiveDate) -> Working<'_> {
        // A later circular goes before an earlier one.
        for circular in self.circulars.iter().rev() {
            for holiday in &circular.holidays {
                let occasion = Occasion {
                    zh: &holiday.zh,
                    en: &holiday.en,
                    circular: &circular.number,
                };
                if (holiday.from.date()..=holiday.to.date()).contains(&day) {
                    return Working::Holiday(occasion);
                }
                if holiday.worked.iter().any(|worked| worked.date() == day) {
                    return Working::MakeUp(occasion);
                }
            }
        }
        match day.weekday() {
            Weekday::Sat | Weekday::Sun => Working::Weekend,
            Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => {
                Working::Weekday
            }
        }
    }

    /// How many days of a calendar year are worked.
    pub fn working_days(&self, year: i32) -> usize {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(NaiveDate::MAX);
        let days = first.iter_days().take_while(|day| day.year() == year);
        days.filter(|day| self.is_working(*day).counts()).count()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// What a year of the circulars comes to: working days, days off, weekend days that are worked. Counted beside the lists
    /// of holiday-cn and chinese-calendar, which agree on every day of these years.
    #[test]
    fn years_have_their_known_counts() {
        let china = Calendar::china();
        for (year, working, off, made_up) in [
            (2020, 249, 30, 6),
            (2021, 250, 31, 7),
            (2022, 249, 32, 7),
            (2023, 249, 26, 7),
            (2024, 251, 28, 8),
            (2025, 248, 28, 5),
            (2026, 248, 33, 6),
        ] {
            let days = day(&format!("{year}-01-01")).iter_days();
            let mut found: HashMap<&str, i32> = HashMap::new();
            for day in days.take_while(|day| day.year() == year) {
                let kind = match china.is_working(day) {
                    Working::Weekday => "weekday",
                    Working::MakeUp(_) => "made up",
                    Working::Weekend => "weekend",
                    Working::Holiday(_) => "off",
                };
                *found.entry(kind).or_default() += 1;
            }
            assert_eq!((found["off"], found["made up"]), (off, made_up), "{year}");
            assert_eq!(found["weekday"] + found["made up"], working, "{year}");
            assert_eq!(china.working_days(year), usize::try_from(working).unwrap());
        }
        assert_eq!(china.years(), 2020..=2026);
    }

    #[test]
    fn tricky_days_are_what_the_circulars_say() {
        for (text, expected) in [
            // Longer by the circular of 26 January 2020: the Saturday was to be worked.
            ("2020-01-30", "春节 Spring Festival, 国办发明电〔2019〕16号"),
            ("2020-01-31", "春节 Spring Festival, 国办发明电〔2020〕1号"),
            ("2020-02-01", "春节 Spring Festival, 国办发明电〔2020〕1号"),
            ("2020-02-02", "春节 Spring Festival, 国办发明电〔2020〕1号"),
            ("2020-02-03", "working day"),
            (
                "2020-01-19",
                "worked for 春节 Spring Festival, 国办发明电〔2019〕16号",
            ),
            (
                "2020-06-28",
                "worked for 端午节 Dragon Boat Festival, 国办发明电〔2019〕16号",
            ),
            // Two holidays at once.
            (
                "2020-10-08",
                "国庆节、中秋节 National Day and Mid-Autumn Festival, 国办发明电〔2019〕16号",
            ),
            // Both days of one weekend.
            (
                "2022-10-08",
                "worked for 国庆节 National Day, 国办发明电〔2021〕11号",
            ),
            (
                "2022-10-09",
                "worked for 国庆节 National Day, 国办发明电〔2021〕11号",
            ),
            // By the circular of the next year.
            ("2022-12-31", "元旦 New Year's Day, 国办发明电〔2022〕16号"),
            // New Year's Eve by the lunar calendar, which employers were asked to give, and which is a holiday since 2025.
            ("2024-02-09", "working day"),
            ("2025-01-28", "春节 Spring Festival, 国办发明电〔2024〕12号"),
            // A Wednesday, for which nothing is moved.
            ("2025-01-01", "元旦 New Year's Day, 国办发明电〔2024〕12号"),
            ("2025-01-02", "working day"),
            (
                "2026-01-04",
                "worked for 元旦 New Year's Day, 国办发明电〔2025〕7号",
            ),
            ("2026-02-23", "春节 Spring Festival, 国办发明电〔2025〕7号"),
            (
                "2026-09-20",
                "worked for 国庆节 National Day, 国办发明电〔2025〕7号",
            ),
            // Not known: a weekday that will be a holiday, and a weekend.
            ("2027-10-01", "working day"),
            ("2027-10-02", "weekend"),
        ] {
            let found = Calendar::china().is_working(day(text)).to_string();
            assert_eq!(found, expected, "{text}");
        }
    }

    /// What is written twice must agree: the year with title, number and days; and only days of weekends are worked for others.
    #[test]
    fn the_circulars_are_consistent() {
        let mut last: Option<&Circular> = None;
        for circular in Calendar::china().circulars() {
            let year = circular.year;
            let issued = circular.issued.date();
            assert!(circular.title.contains(&format!("{year}年")), "{year}");
            let number = format!("〔{}〕", issued.year());
            assert!(circular.number.contains(&number), "{}", circular.number);
            assert!(last.is_none_or(|last| last.year <= year && last.issued < circular.issued));
            for holiday in &circular.holidays {
                assert!(holiday.from <= holiday.to, "{year} {}", holiday.en);
                assert_eq!(holiday.to.date().year(), year, "{}", holiday.en);
                for worked in &holiday.worked {
                    let weekday = worked.date().weekday();
                    assert!(matches!(weekday, Weekday::Sat | Weekday::Sun), "{worked:?}");
                }
            }
            last = Some(circular);
        }
    }
}
