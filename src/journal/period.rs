//! Closing periods: after that only adjusting entries fall into them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::body::{BodyError, Details};
use super::entry::{Effect, Entry, EntryKind, Idempotency};
use super::idempotency::{RecallError, first_answer};
use super::record::{RecordError, Recorded, record_one};
use crate::log;
use crate::types::{FiscalYear, LogIndex, Period, PersonId, Reason, Zone, ZoneId};

/// Why a period was not closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosePeriodError {
    /// A period without an end can't be closed.
    #[error("only a period with an end can be closed")]
    Endless,
    /// The period has not ended.
    #[error("the period can be closed from {0} on: it has not ended")]
    NotOver(NaiveDate),
    /// Every day of it was closed before.
    #[error(
        "the days from {from} to {last} are closed already, by {}: nothing is left to close",
        entries_text(entries)
    )]
    AlreadyClosed {
        /// The first day of the period.
        from: NaiveDate,
        /// Its last day.
        last: NaiveDate,
        /// The entries that closed days of it, in the order of the log.
        entries: Vec<LogIndex>,
    },
    /// The first answer of the command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entry could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn entries_text(entries: &[LogIndex]) -> String {
    let numbers: Vec<String> = entries.iter().map(ToString::to_string).collect();
    let word = if numbers.len() == 1 {
        "entry"
    } else {
        "entries"
    };
    format!("{word} {}", numbers.join(", "))
}

/// Closes the days of `period`, as an entry. A repeat under the actor's `key` has the first answer; a period with
/// no open day left is refused, since another entry would say that something happened.
pub async fn close_period(
    conn: &mut PgConnection,
    zone: &Zone,
    now: DateTime<Utc>,
    actor: PersonId,
    period: Period,
    reason: &Reason,
    key: Option<&str>,
) -> Result<Recorded, ClosePeriodError> {
    #[derive(Serialize)]
    struct Closed<'a> {
        from: NaiveDate,
        reason: &'a Reason,
        until: NaiveDate,
    }
    const KIND: &str = "period.closed";
    let until = period.until().ok_or(ClosePeriodError::Endless)?;
    let closed = Closed {
        from: period.from(),
        reason,
        until,
    };
    let command = key.map(|key| Idempotency::new(key, KIND, &closed));
    // Before anything is looked up: of two that close the same days at once, one sees the other.
    log::lock_head(conn, zone.id)
        .await
        .map_err(RecordError::from)?;
    let first = first_answer::<IgnoredAny>(conn, zone.id, actor, command.as_ref()).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    let today = zone.time.day(now);
    if today < until {
        return Err(ClosePeriodError::NotOver(until));
    }
    let closings = closings(conn, zone.id).await?;
    if let Some(entries) = closed_by(&closings, period.from(), until) {
        return Err(ClosePeriodError::AlreadyClosed {
            from: period.from(),
            last: until.pred_opt().unwrap_or(until),
            entries,
        });
    }
    let entry = Entry {
        actor,
        kind: EntryKind(KIND),
        effective: today,
        subject: None,
        details: Details::new(&closed)?,
        transfers: Vec::new(),
        effect: Effect::Adjusting,
        idempotency: command,
    };
    let recorded = record_one(conn, zone, now, entry).await?;
    note_closing(conn, zone.id, period.from(), until, recorded.index).await?;
    Ok(recorded)
}

/// Writes down that an entry, which is in the log, closed these days.
pub async fn note_closing(
    conn: &mut PgConnection,
    zone: ZoneId,
    from: NaiveDate,
    until: NaiveDate,
    closing: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.closed_period (zone_id, from_day, until_day, log_index) VALUES ($1, $2, $3, $4)",
        zone.0,
        from,
        until,
        closing.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Days that take adjusting entries only: the first, and the first that is open again.
pub(super) type ClosedPeriod = (NaiveDate, NaiveDate);

/// The closed periods of a zone and the entries that closed them, in the order of the log; without those that were opened
/// again.
async fn closings(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<(ClosedPeriod, LogIndex)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT from_day AS "from_day!", until_day AS "until_day!", log_index AS "log_index!"
           FROM ledger.standing_closing WHERE zone_id = $1 ORDER BY log_index"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.from_day, row.until_day), LogIndex(row.log_index)))
        .collect())
}

/// Pure: the entries that closed days of these, if together they closed all of them.
fn closed_by(
    closings: &[(ClosedPeriod, LogIndex)],
    from: NaiveDate,
    until: NaiveDate,
) -> Option<Vec<LogIndex>> {
    let sharing = || {
        closings
            .iter()
            .filter(|((first, open_again), _)| *first < until && from < *open_again)
    };
    let mut days: Vec<ClosedPeriod> = sharing().map(|(days, _)| *days).collect();
    days.sort_unstable();
    let covered = days.into_iter().fold(from, |covered, (first, open_again)| {
        if first <= covered {
            covered.max(open_again)
        } else {
            covered
        }
    });
    (covered >= until).then(|| sharing().map(|(_, entry)| *entry).collect())
}

/// The first day from this one on from which no day before `until` is in a closed period; the day itself, if none is.
pub async fn open_throughout(
    conn: &mut PgConnection,
    zone: ZoneId,
    from: NaiveDate,
    until: Option<NaiveDate>,
) -> Result<NaiveDate, sqlx::Error> {
    let closings = closings(conn, zone).await?;
    let met = closings.iter().filter(|((first, open_again), _)| {
        from < *open_again && until.is_none_or(|until| *first < until)
    });
    let open_again = met.map(|((_, open_again), _)| *open_again).max();
    Ok(open_again.unwrap_or(from))
}

/// Whether a day is in a closed period.
pub async fn is_closed(
    conn: &mut PgConnection,
    zone: ZoneId,
    day: NaiveDate,
) -> Result<bool, sqlx::Error> {
    let closings = closings(conn, zone).await?;
    Ok(closings.iter().any(|(days, _)| contains(*days, day)))
}

fn contains((first, open_again): ClosedPeriod, day: NaiveDate) -> bool {
    first <= day && day < open_again
}

/// The entry that closed a budget year: the first that closed its last day (docs/adr/0014). None while the year is
/// open. Whoever decides on it locks the log's head before, so that the year is not closed meanwhile.
pub async fn year_closed_by(
    conn: &mut PgConnection,
    zone: ZoneId,
    year: FiscalYear,
) -> Result<Option<LogIndex>, sqlx::Error> {
    let last_day = year.period().until().and_then(|next| next.pred_opt());
    let Some(last_day) = last_day else {
        return Ok(None);
    };
    let closings = closings(conn, zone).await?;
    let closing = closings
        .into_iter()
        .find(|(days, _)| contains(*days, last_day));
    Ok(closing.map(|(_, entry)| entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_closed_by_one_entry_or_by_several_without_a_gap() {
        let closing = |from, until, entry| ((day(from), day(until)), LogIndex(entry));
        let closings = [
            closing("2020-02-01", "2020-03-01", 7),
            closing("2020-01-01", "2020-02-01", 9),
            closing("2020-02-15", "2020-04-01", 12),
            closing("2020-06-01", "2020-07-01", 15),
        ];
        for (from, until, expected) in [
            ("2020-01-01", "2020-02-01", Some(&[9][..])),
            ("2020-01-10", "2020-01-11", Some(&[9])),
            ("2020-01-01", "2020-04-01", Some(&[7, 9, 12])),
            ("2020-03-01", "2020-04-01", Some(&[12])),
            ("2020-03-31", "2020-04-02", None),
            ("2020-01-01", "2020-07-01", None),
            ("2019-12-31", "2020-02-01", None),
            ("2020-04-01", "2020-06-01", None),
        ] {
            let entries = closed_by(&closings, day(from), day(until));
            let expected = expected.map(|found| found.iter().copied().map(LogIndex).collect());
            assert_eq!(entries, expected, "{from} to {until}");
        }
        assert_eq!(closed_by(&[], day("2020-01-01"), day("2020-01-02")), None);
    }
}
