//! Corrections: an entry that undoes another, once, leaving both to be read.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sqlx::PgConnection;

use super::body::{Body, BodyError, Details};
use super::entry::{Effect, Entry, EntryKind, Idempotency, Transfer};
use super::idempotency::{RecallError, first_answer};
use super::read::entry_body;
use super::record::{RecordError, Recorded, record_one};
use crate::types::{Amount, LogIndex, Money, PersonId, Reason, Zone};

/// Why an entry was not reversed.
#[derive(Debug, thiserror::Error)]
pub enum ReverseError {
    /// There is no such entry.
    #[error("there is no entry {0} in this zone")]
    Unknown(LogIndex),
    /// Nothing to undo.
    #[error("entry {0} moves nothing: there is nothing to reverse")]
    NoTransfers(LogIndex),
    /// The stored entry can't be read.
    #[error("entry {index} can't be read: {reason}; run `subsidy-ledger verify`")]
    Unreadable {
        /// The entry.
        index: LogIndex,
        /// What is wrong with it.
        reason: String,
    },
    /// The first answer of the command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The reversing entry was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Records an entry with every transfer of entry `index` the other way.
///
/// Only accounts are put back. A feature whose rows follow the entry has its own command for undoing it. A
/// repeat under the actor's `key` has the first answer.
pub async fn reverse(
    conn: &mut PgConnection,
    zone: &Zone,
    now: DateTime<Utc>,
    actor: PersonId,
    index: LogIndex,
    reason: &Reason,
    key: Option<&str>,
) -> Result<Recorded, ReverseError> {
    #[derive(Serialize)]
    struct Reversed<'a> {
        reason: &'a Reason,
    }
    const KIND: &str = "entry.reversed";
    let command = key.map(|key| Idempotency::new(key, KIND, &(index, reason)));
    let first = first_answer::<IgnoredAny>(conn, zone.id, actor, command.as_ref()).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    let bytes = entry_body(conn, zone.id, index)
        .await?
        .ok_or(ReverseError::Unknown(index))?;
    let unreadable = |reason: String| ReverseError::Unreadable { index, reason };
    let body: Body<'_, &RawValue> =
        serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let posted = read_transfers(&body).map_err(unreadable)?;
    let transfers: Vec<Transfer> = posted.into_iter().map(Transfer::reversed).collect();
    if transfers.is_empty() {
        return Err(ReverseError::NoTransfers(index));
    }
    let effective: NaiveDate = zone.time.day(now);
    let entry = Entry {
        actor,
        kind: EntryKind(KIND),
        effective,
        subject: body.subject,
        details: Details::new(&Reversed { reason })?,
        transfers,
        effect: Effect::Reversing(index),
        idempotency: command,
    };
    Ok(record_one(conn, zone, now, entry).await?)
}

/// What an entry moved, by its body; or why that can't be read.
pub fn posted(body: &[u8]) -> Result<Vec<Transfer>, String> {
    let body: Body<'_, &RawValue> =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    read_transfers(&body)
}

fn read_transfers(body: &Body<'_, &RawValue>) -> Result<Vec<Transfer>, String> {
    body.transfers.iter().map(read_transfer).collect()
}

fn read_transfer(posted: &super::body::BodyTransfer<'_>) -> Result<Transfer, String> {
    let debit: super::Address = posted.debit.parse().map_err(|error| format!("{error}"))?;
    let credit = posted.credit.parse().map_err(|error| format!("{error}"))?;
    let money = Money::parse(&posted.amount, debit.currency).map_err(|error| error.to_string())?;
    let amount = Amount::new(money).map_err(|error| error.to_string())?;
    Transfer::new(debit, credit, amount).map_err(|error| error.to_string())
}
