//! A document that is in the object store becomes known to the ledger.

use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::kind::Document;
use super::store;
use crate::identity::{Command, Forbidden, Role};
use crate::journal::{self, BodyError, Entry, RecallError, RecordError};
use crate::log;
use crate::types::LogIndex;

/// Who brings documents: everybody who has a part in cases.
pub const ADDED_BY: &[Role] = &[
    Role::Sme,
    Role::Provider,
    Role::Incubator,
    Role::Reviewer,
    Role::Manager,
    Role::Finance,
    Role::Cashier,
];

/// A document that the ledger knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// The document.
    #[serde(flatten)]
    pub document: Document,
    /// The entry by which it was first added.
    pub entry: LogIndex,
    /// Whether that is the entry of this command: else somebody has added it before.
    pub is_new: bool,
}

/// Why a document did not become known.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
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

/// Enters a document whose bytes are in the object store: a row, and an entry `evidence.added` with its digest, length and
/// kind. One that is known already stays as it is, and makes no entry.
pub async fn add(
    conn: &mut PgConnection,
    command: &Command<'_>,
    document: &Document,
) -> Result<Added, EvidenceError> {
    const KIND: &str = "evidence.added";
    command.actor.require(ADDED_BY)?;
    let zone = command.zone;
    let key = command.idempotency(KIND, document);
    let actor = command.actor.person;
    let first = journal::first_answer::<IgnoredAny>(conn, zone.id, actor, key.as_ref()).await?;
    let added = |entry, is_new| Added {
        document: *document,
        entry,
        is_new,
    };
    if let Some((recorded, _)) = first {
        return Ok(added(recorded.index, true));
    }
    // Whoever adds the same document at the same moment waits here, and finds it.
    log::lock_head(conn, zone.id)
        .await
        .map_err(RecordError::from)?;
    if let Some(kept) = store::kept(conn, zone.id, document.sha256).await? {
        return Ok(added(kept.added_index, false));
    }
    let entry = Entry {
        idempotency: key,
        ..command.entry(KIND, document)?
    };
    let recorded = journal::record_one(conn, zone, command.now, entry).await?;
    store::insert(conn, zone.id, document, recorded.index).await?;
    Ok(added(recorded.index, true))
}
