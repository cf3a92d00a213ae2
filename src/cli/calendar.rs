//! `calendar …`: working days, without a database.

use std::process::ExitCode;

use anyhow::bail;
use chrono::{Datelike, NaiveDate};
use clap::{Subcommand, value_parser};
use serde::Serialize;

use super::{Global, output};
use crate::calendar::{Calendar, Circular, Holiday, NoticePeriod, Working};
use crate::report::{Align, Table};
use crate::types::Day;

/// Working days in China.
#[derive(Debug, Subcommand)]
pub(super) enum CalendarCommand {
    /// Show a year's public holidays, the weekend days worked instead, and the circulars that say so
    #[command(after_help = "Example:\n  subsidy-ledger calendar show 2020")]
    Show {
        /// The calendar year
        #[arg(value_parser = value_parser!(i32).range(1900..=9998))]
        year: i32,
    },
    /// Count the working days of a public notice, and say of each day why it counts or not
    #[command(
        after_help = "Example:\n  subsidy-ledger calendar count 2020-01-20 5\n\nThe day of publication is not counted \
        (Civil Code, article 201). Of a year whose holidays are not known here, Monday to Friday counts."
    )]
    Count {
        /// The day on which the notice is published
        #[arg(value_name = "DAY")]
        published_on: Day,
        /// How many working days it runs
        #[arg(value_name = "WORKING-DAYS", value_parser = value_parser!(u16).range(1..=1_000))]
        working_days: u16,
    },
}

pub(super) fn run(global: &Global, command: &CalendarCommand) -> anyhow::Result<ExitCode> {
    match command {
        CalendarCommand::Show { year } => show(global, *year)?,
        CalendarCommand::Count {
            published_on,
            working_days,
        } => count(global, published_on.date(), *working_days)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A year, as JSON.
#[derive(Serialize)]
struct Shown {
    year: i32,
    working_days: usize,
    circulars: Vec<&'static Circular>,
}

fn show(global: &Global, year: i32) -> anyhow::Result<()> {
    let china = Calendar::china();
    let circulars = china.circulars().iter();
    let circulars: Vec<_> = circulars.filter(|circular| circular.year == year).collect();
    if circulars.is_empty() {
        let (first, last) = china.years().into_inner();
        bail!(
            "the holidays of {year} are not known here, only those of {first} to {last}: working days of other years are \
             counted Monday to Friday"
        );
    }
    let working_days = china.working_days(year);
    if global.json {
        return output::json(&Shown {
            year,
            working_days,
            circulars,
        });
    }
    let mut table = Table::new([
        ("holiday", Align::Left),
        ("from", Align::Left),
        ("to", Align::Left),
        ("worked instead", Align::Left),
    ]);
    for holiday in circulars.iter().flat_map(|circular| &circular.holidays) {
        table.row([
            format!("{} {}", holiday.zh, holiday.en),
            holiday.from.date().to_string(),
            holiday.to.date().to_string(),
            worked(china, holiday),
        ]);
    }
    output::line(table.to_string().trim_end())?;
    output::line(&format!("{working_days} working days in {year}. By:"))?;
    for circular in circulars {
        output::line(&format!(
            "  {} {}, {}, {}",
            circular.number,
            circular.title,
            circular.issued.date(),
            circular.url
        ))?;
    }
    Ok(())
}

/// The days that are worked for a holiday, less those that a later circular gave.
fn worked(calendar: &Calendar, holiday: &Holiday) -> String {
    let days = holiday.worked.iter().map(|day| day.date());
    let days = days.filter(|day| calendar.is_working(*day).counts());
    let days: Vec<String> = days.map(|day| day.to_string()).collect();
    days.join(", ")
}

/// A notice, as JSON.
#[derive(Serialize)]
struct Count<'a> {
    #[serde(flatten)]
    notice: &'a NoticePeriod<'a>,
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

fn count(global: &Global, published_on: NaiveDate, working_days: u16) -> anyhow::Result<()> {
    let notice = Calendar::china().notice(published_on, working_days);
    if global.json {
        return output::json(&Count {
            first: notice.first(),
            last: notice.last(),
            notice: &notice,
        });
    }
    let mut table = Table::new([
        ("day", Align::Left),
        ("", Align::Left),
        ("number", Align::Right),
        ("why", Align::Left),
    ]);
    for day in &notice.days {
        let is_known = !notice.unknown_years.contains(&day.day.year());
        let why = if is_known || day.working != Working::Weekday {
            day.working.to_string()
        } else {
            "weekday; the year's holidays are not known here".to_owned()
        };
        table.row([
            day.day.to_string(),
            day.day.weekday().to_string(),
            day.number
                .map_or_else(String::new, |number| number.to_string()),
            why,
        ]);
    }
    output::line(table.to_string().trim_end())?;
    output::line(&format!("{notice}."))?;
    output::line(&format!(
        "Published on {published_on}, which does not count; over from {} on.",
        notice.over_from
    ))?;
    Ok(())
}
