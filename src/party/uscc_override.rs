//! Accepting a code that fails its check: two persons and the licence (worked case E11).

use serde::Serialize;
use sqlx::PgConnection;

use super::identity::ContestedUscc;
use super::register::{KEEPERS, PartyError, first_answer};
use super::store;
use crate::identity::{Command, Role};
use crate::journal::{self, Entry};
use crate::types::hex;
use crate::types::{LogIndex, Reason};

/// A code that somebody believes against its check character.
#[derive(Clone, Debug, Serialize)]
pub struct ProposedOverride {
    /// The code as the licence has it.
    pub code: ContestedUscc,
    /// SHA-256 of the licence that shows it, which the office keeps.
    pub evidence_sha256: [u8; 32],
    /// Why it is believed.
    pub reason: Reason,
}

/// Proposes an override; the entry is `party.uscc_override_proposed`. Nothing follows from it until
/// another person confirms it.
pub async fn propose_override(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: &ProposedOverride,
) -> Result<LogIndex, PartyError> {
    #[derive(Serialize)]
    struct Proposed<'a> {
        code: &'a ContestedUscc,
        evidence_sha256: String,
        reason: &'a Reason,
    }
    command.actor.require(KEEPERS)?;
    let idempotency = command.idempotency("party.propose_override", proposed);
    if let Some(index) = first_answer(conn, command, idempotency.as_ref()).await? {
        return Ok(index);
    }
    let zone = command.zone.id;
    let ProposedOverride {
        code,
        evidence_sha256,
        reason,
    } = proposed;
    if store::lock_override(conn, zone, code).await?.is_some() {
        return Err(PartyError::OverrideExists(code.clone()));
    }
    let details = Proposed {
        code,
        evidence_sha256: hex(evidence_sha256),
        reason,
    };
    let entry = Entry {
        idempotency,
        ..command.entry("party.uscc_override_proposed", &details)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    store::insert_override(conn, zone, proposed, command.actor.person, recorded.index).await?;
    Ok(recorded.index)
}

/// Confirms what another person has proposed; the entry is `party.uscc_override_confirmed`. From then
/// on a party can be registered with the code.
pub async fn confirm_override(
    conn: &mut PgConnection,
    command: &Command<'_>,
    code: &ContestedUscc,
) -> Result<LogIndex, PartyError> {
    #[derive(Serialize)]
    struct Confirmed<'a> {
        code: &'a ContestedUscc,
        proposed_index: LogIndex,
    }
    command.actor.require(&[Role::Manager])?;
    let idempotency = command.idempotency("party.confirm_override", code);
    if let Some(index) = first_answer(conn, command, idempotency.as_ref()).await? {
        return Ok(index);
    }
    let zone = command.zone.id;
    let proposal = store::lock_override(conn, zone, code)
        .await?
        .ok_or_else(|| PartyError::NoOverride(code.clone()))?;
    if proposal.confirmed {
        return Err(PartyError::OverrideConfirmed(code.clone()));
    }
    let person = command.actor.person;
    if proposal.proposed_by == person {
        return Err(PartyError::SamePerson(code.clone()));
    }
    let details = Confirmed {
        code,
        proposed_index: proposal.proposed_index,
    };
    let entry = Entry {
        idempotency,
        ..command.entry("party.uscc_override_confirmed", &details)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    store::confirm_override(conn, zone, code, person, recorded.index).await?;
    Ok(recorded.index)
}
