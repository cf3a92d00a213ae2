//! Repeats of a command: one effect, and the first answer.

use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::body::Body;
use super::entry::Idempotency;
use super::read::entry_body;
use super::record::Recorded;
use crate::types::{LogIndex, PersonId, ZoneId};

/// What is known of a command's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The key is new.
    Never,
    /// The command was recorded: its answer is in that entry.
    Recorded(LogIndex),
    /// The key names another command.
    Conflict(LogIndex),
}

impl Earlier {
    fn of(index: i64, recorded: &[u8], request: &[u8; 32]) -> Self {
        if recorded == request {
            Self::Recorded(LogIndex(index))
        } else {
            Self::Conflict(LogIndex(index))
        }
    }
}

/// Why a command's first answer can't be given.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// The key names another command.
    #[error("the idempotency key was used for another command, entry {0}: take a new key")]
    KeyConflict(LogIndex),
    /// The stored entry can't be read.
    #[error("entry {index} can't be read: {reason}; run `subsidy-ledger verify`")]
    Unreadable {
        /// The entry.
        index: LogIndex,
        /// What is wrong with it.
        reason: String,
    },
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The entry that recorded the same command before, with its details, if there is one.
pub async fn first_answer<D: DeserializeOwned>(
    conn: &mut PgConnection,
    zone: ZoneId,
    actor: PersonId,
    command: Option<&Idempotency>,
) -> Result<Option<(Recorded, D)>, RecallError> {
    wait_for_turn(conn, zone, actor, command).await?;
    let index = match earlier(conn, zone, &[(actor, command)]).await?.pop() {
        Some(Earlier::Recorded(index)) => index,
        Some(Earlier::Conflict(index)) => return Err(RecallError::KeyConflict(index)),
        Some(Earlier::Never) | None => return Ok(None),
    };
    let bytes = entry_body(conn, zone, index).await?.unwrap_or_default();
    let unreadable = |reason: String| RecallError::Unreadable { index, reason };
    let body: Body<'_, D> =
        serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let at = body
        .at
        .parse()
        .map_err(|error| unreadable(format!("{error}: {}", body.at)))?;
    Ok(Some((Recorded { index, at }, body.details)))
}

/// Of two repeats at the same moment the second waits until the first is over, and then finds its answer. Otherwise it would
/// be told that what it asks for was done before, by the first.
async fn wait_for_turn(
    conn: &mut PgConnection,
    zone: ZoneId,
    actor: PersonId,
    command: Option<&Idempotency>,
) -> Result<(), sqlx::Error> {
    if let Some(command) = command.filter(|command| command.has_well_formed_key()) {
        sqlx::query(
            "SELECT pg_advisory_xact_lock(hashtextextended('key ' || $1 || ' ' || $2, $3))",
        )
        .bind(actor.0.to_string())
        .bind(&command.key)
        .bind(i64::from(zone.0))
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Looks up commands by their actor and key, in one statement. The answers are in the order of the
/// questions; without a key, or with one that can't be kept, a command is always new.
pub async fn earlier(
    conn: &mut PgConnection,
    zone: ZoneId,
    commands: &[(PersonId, Option<&Idempotency>)],
) -> Result<Vec<Earlier>, sqlx::Error> {
    let mut answers = vec![Earlier::Never; commands.len()];
    let mut ordinals = Vec::new();
    let mut actors = Vec::new();
    let mut keys = Vec::new();
    for (ordinal, (actor, idempotency)) in (0_i64..).zip(commands) {
        if let Some(idempotency) = idempotency.filter(|command| command.has_well_formed_key()) {
            ordinals.push(ordinal);
            actors.push(actor.0);
            keys.push(idempotency.key.clone());
        }
    }
    if ordinals.is_empty() {
        return Ok(answers);
    }
    let rows = sqlx::query!(
        r#"SELECT asked.ordinal AS "ordinal!", e.log_index, e.request_sha256 AS "request_sha256!"
           FROM unnest($2::bigint[], $3::uuid[], $4::text[]) AS asked (ordinal, actor_id, key)
           JOIN ledger.entry e ON e.zone_id = $1 AND e.actor_id = asked.actor_id
               AND e.idempotency_key = asked.key"#,
        zone.0,
        &ordinals,
        &actors,
        &keys,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let ordinal = usize::try_from(row.ordinal).unwrap_or(usize::MAX);
        if let (Some(answer), Some((_, Some(idempotency)))) =
            (answers.get_mut(ordinal), commands.get(ordinal))
        {
            *answer = Earlier::of(row.log_index, &row.request_sha256, &idempotency.request);
        }
    }
    Ok(answers)
}
