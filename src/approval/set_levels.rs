//! The levels of a zone: one person proposes them, another puts them in force.

use serde::Serialize;
use sqlx::PgConnection;

use super::levels::Levels;
use super::{ApprovalError, first, record, store};
use crate::identity::{Command, Role};
use crate::journal::Recorded;
use crate::types::LogIndex;

/// Proposes a set of levels. Nothing changes before another person confirms it.
pub async fn propose_levels(
    conn: &mut PgConnection,
    command: &Command<'_>,
    levels: &Levels,
) -> Result<Recorded, ApprovalError> {
    #[derive(Serialize)]
    struct Proposed {
        levels: String,
    }
    const KIND: &str = "approval_levels.proposed";
    command.actor.require(&[Role::RuleAdmin, Role::Manager])?;
    let input = Proposed {
        levels: levels.to_json(),
    };
    if let Some(recorded) = first(conn, command, KIND, &input).await? {
        return Ok(recorded);
    }
    let recorded = record(conn, command, KIND, &input).await?;
    let (zone, proposer) = (command.zone.id, command.actor.person);
    store::insert_levels(conn, zone, proposer, levels, recorded.index).await?;
    Ok(recorded)
}

/// Puts a proposed set in force: every approval from now on follows it.
pub async fn confirm_levels(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<Recorded, ApprovalError> {
    #[derive(Serialize)]
    struct Confirmed {
        proposed: LogIndex,
    }
    const KIND: &str = "approval_levels.confirmed";
    command.actor.require(&[Role::Manager])?;
    let (zone, person) = (command.zone.id, command.actor.person);
    let input = Confirmed { proposed };
    let by = store::lock_waiting(conn, zone, proposed).await?;
    // After locking: whoever gave the same command at the same moment has let go of the row by now.
    if let Some(recorded) = first(conn, command, KIND, &input).await? {
        return Ok(recorded);
    }
    let waits = "proposed no levels that wait: see `approval levels`";
    let by = by.ok_or(ApprovalError::NotFound(proposed, waits))?;
    if by == person {
        return Err(ApprovalError::SamePerson);
    }
    let recorded = record(conn, command, KIND, &input).await?;
    store::confirm_levels(conn, zone, proposed, person, recorded.index).await?;
    Ok(recorded)
}
