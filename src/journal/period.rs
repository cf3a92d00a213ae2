//! Closing periods: after that only adjusting entries fall into them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::body::{BodyError, Details};
use super::entry::{Effect, Entry, EntryKind, Idempotency};
use super::idempotency::{RecallError, first_answer};
use super::record::{RecordError, Recorded, record_one};
use crate::types::{Period, PersonId, Reason, Zone, ZoneId};

/// Why a period was not closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosePeriodError {
    /// A period without an end can't be closed.
    #[error("only a period with an end can be closed")]
    Endless,
    /// The period has not ended.
    #[error("the period can be closed from {0} on: it has not ended")]
    NotOver(NaiveDate),
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

/// Closes the days of `period`, as an entry. A repeat under the actor's `key` has the first answer.
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
    let first = first_answer::<IgnoredAny>(conn, zone.id, actor, command.as_ref()).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    let today = zone.time.day(now);
    if today < until {
        return Err(ClosePeriodError::NotOver(until));
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
    sqlx::query!(
        "INSERT INTO ledger.closed_period (zone_id, from_day, until_day, log_index)
         VALUES ($1, $2, $3, $4) ON CONFLICT ON CONSTRAINT closed_period_pkey DO NOTHING",
        zone.id.0,
        period.from(),
        until,
        recorded.index.0,
    )
    .execute(conn)
    .await?;
    Ok(recorded)
}

/// Days that take adjusting entries only: the first, and the first that is open again.
pub(super) type ClosedPeriod = (NaiveDate, NaiveDate);

/// The closed periods of a zone.
async fn closed_periods(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<ClosedPeriod>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT from_day, until_day FROM ledger.closed_period WHERE zone_id = $1",
        zone.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.from_day, row.until_day))
        .collect())
}

/// Whether a day is in a closed period.
pub async fn is_closed(
    conn: &mut PgConnection,
    zone: ZoneId,
    day: NaiveDate,
) -> Result<bool, sqlx::Error> {
    let closed = closed_periods(conn, zone).await?;
    Ok(closed
        .iter()
        .any(|(from, until)| *from <= day && day < *until))
}
