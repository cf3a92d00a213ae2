//! Funded lines of a zone: their policy in force, and their budget authority.

mod accounts;
mod budget;
mod create;
mod publish;
pub mod store;

pub use accounts::BudgetLine;
pub use budget::{Allocate, Appropriate, allocate, appropriate};
pub use create::{NewProgramme, ProgrammeKind, create};
pub use publish::{Published, propose, publish};

use std::fmt::Display;

use chrono::ParseError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::db::Overtaken;
use crate::identity::{Command, Forbidden};
use crate::journal::{
    self, Body, BodyError, Details, Earlier, Effect, Entry, EntryKind, RecordError, Recorded,
    Refusal, Transfer, TransferError,
};
use crate::policy;
use crate::types::{Code, LogIndex, NotPositive};

/// Why a programme command changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProgrammeError {
    /// There is no such programme.
    #[error(
        "no programme {0} in this zone: `programme list` shows them, `programme create` makes one"
    )]
    Unknown(Code),
    /// The code is taken.
    #[error("programme {0} exists already")]
    Exists(Code),
    /// The pack is for another programme.
    #[error("the pack is for programme {pack}, not for {programme}")]
    OtherProgramme {
        /// As the pack says.
        pack: String,
        /// As was asked.
        programme: Code,
    },
    /// The pack counts in another currency.
    #[error("the pack counts in {pack}, the zone in {zone}")]
    OtherCurrency {
        /// The pack's.
        pack: crate::types::Currency,
        /// The zone's.
        zone: crate::types::Currency,
    },
    /// The pack has problems.
    #[error("the pack has problems; `policy check` shows them:\n{0}")]
    Pack(String),
    /// Nobody proposed these bytes.
    #[error(
        "this pack was not proposed for the programme, byte for byte: a rule administrator proposes it \
         first with `programme propose`"
    )]
    NotProposed,
    /// Proposer and publisher are one person.
    #[error("whoever proposed a policy can't publish it: a second person has to (DOMAIN §6)")]
    SamePerson,
    /// An amount of zero.
    #[error(transparent)]
    NotPositive(#[from] NotPositive),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Two accounts can't be joined.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// Another transaction recorded the same command at the same moment. Begun again, this one finds
    /// its answer in the log.
    #[error(
        "entry {index} has the same idempotency key and was recorded at the same moment: repeat"
    )]
    Overtaken {
        /// The entry.
        index: LogIndex,
        /// So that [`crate::db::Database::write`] begins again.
        #[source]
        cause: Overtaken,
    },
    /// A stored entry can't be read.
    #[error("entry {0} can't be read: {1}; run `subsidy-ledger verify`")]
    Unreadable(LogIndex, String),
    /// The entry was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The version could not be stored: it exists, or another one begins on its day.
    #[error(transparent)]
    Policy(#[from] policy::store::StoreError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The entry of a command that was given before under the same key, with its details.
async fn first_answer<I: Serialize + Sync, D: DeserializeOwned>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    name: &str,
    input: &I,
) -> Result<Option<(Recorded, D)>, ProgrammeError> {
    let zone = command.zone.id;
    let key = command.idempotency(name, input);
    let asked = [(command.actor.person, key.as_ref())];
    let index = match journal::earlier(conn, zone, &asked).await?.pop() {
        Some(Earlier::Recorded(index)) => index,
        Some(Earlier::Conflict(index)) => {
            return Err(RecordError::Refused(Refusal::KeyConflict(index)).into());
        }
        Some(Earlier::Never) | None => return Ok(None),
    };
    let unreadable = |error: &dyn Display| ProgrammeError::Unreadable(index, error.to_string());
    let bytes = journal::entry_body(conn, zone, index)
        .await?
        .unwrap_or_default();
    let body: Body<'_, D> = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
    let at = body
        .at
        .parse()
        .map_err(|error: ParseError| unreadable(&error))?;
    Ok(Some((Recorded { index, at }, body.details)))
}

/// Records what a command of this room did. `input` is what its key stands for.
async fn record<I: Serialize + Sync>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (kind, input): (&'static str, &I),
    details: &(impl Serialize + Sync),
    transfers: Vec<Transfer>,
) -> Result<Recorded, ProgrammeError> {
    let entry = Entry {
        actor: command.actor.person,
        kind: EntryKind(kind),
        effective: command.today(),
        subject: None,
        details: Details::new(details)?,
        transfers,
        effect: Effect::Ordinary,
        idempotency: command.idempotency(kind, input),
    };
    match journal::record_one(conn, command.zone, command.now, entry).await {
        Err(RecordError::Refused(Refusal::Repeated(index))) => Err(ProgrammeError::Overtaken {
            index,
            cause: Overtaken,
        }),
        recorded => Ok(recorded?),
    }
}
