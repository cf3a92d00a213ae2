//! Who approves: levels by amount, persons who stay out, duties that are delegated.
//!
//! The set of [`Levels`] in force says which duties approve a case of an amount, one after the other. Each level is
//! another person, none of whom submitted or reviewed the case (invariant 9). Whoever is recused from a party's cases, or
//! acts for it, takes no part in them; whoever acts for another counts as both.

mod delegate;
mod hands;
mod levels;
mod recuse;
mod set_levels;
mod store;

use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

pub use delegate::{Delegate, delegate, revoke};
pub use hands::{Acting, Hands};
pub use levels::{Levels, LevelsError, MOST_LEVELS};
pub use recuse::{Recuse, lift, recuse};
pub use set_levels::{confirm_levels, propose_levels};
pub use store::{Delegated, LevelsRow, Recused, delegations, in_force, levels_sets, recusals};

use crate::identity::{Command, Forbidden};
use crate::journal::{self, BodyError, Entry, RecallError, RecordError, Recorded};
use crate::types::LogIndex;

/// Why a command of this room changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The entry is none of these.
    #[error("entry {0} {1}")]
    NotFound(LogIndex, &'static str),
    /// The levels are no levels.
    #[error(transparent)]
    Levels(#[from] LevelsError),
    /// One person proposed and would confirm.
    #[error("whoever proposed the levels can't confirm them: a second person has to")]
    SamePerson,
    /// It can't be given or said so: why, and what to do.
    #[error("{0}")]
    Wrong(String),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entry was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The entry of a command that was given before under the same key.
async fn first<I: Serialize + Sync>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    kind: &'static str,
    input: &I,
) -> Result<Option<Recorded>, ApprovalError> {
    let key = command.idempotency(kind, input);
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<IgnoredAny>(conn, zone, actor, key.as_ref()).await?;
    Ok(first.map(|(recorded, _)| recorded))
}

/// Records what a command did: its input is what the entry says.
async fn record<I: Serialize + Sync>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    kind: &'static str,
    input: &I,
) -> Result<Recorded, ApprovalError> {
    let entry = Entry {
        idempotency: command.idempotency(kind, input),
        ..command.entry(kind, input)?
    };
    Ok(journal::record_one(conn, command.zone, command.now, entry).await?)
}
