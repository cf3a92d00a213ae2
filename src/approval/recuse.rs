//! Persons who take no part in the cases of a party (回避).

use serde::Serialize;
use sqlx::PgConnection;

use super::{ApprovalError, first, record, store};
use crate::identity::{Command, Role};
use crate::journal::Recorded;
use crate::party;
use crate::types::{LogIndex, PartyId, PersonId, Reason};

/// Somebody is to stay out of a party's cases.
#[derive(Clone, Debug, Serialize)]
pub struct Recuse {
    /// Of whose cases.
    pub party: PartyId,
    /// Who.
    pub person: PersonId,
    /// Why.
    pub reason: Reason,
}

/// Declares a recusal: of oneself, or, by a manager, of another. From then on the person reviews, approves and pays
/// nothing of the party.
pub async fn recuse(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Recuse,
) -> Result<Recorded, ApprovalError> {
    const KIND: &str = "recusal.declared";
    if input.person != command.actor.person {
        command.actor.require(&[Role::Manager])?;
    }
    if let Some(recorded) = first(conn, command, KIND, input).await? {
        return Ok(recorded);
    }
    let zone = command.zone.id;
    let known = party::store::parties(conn, zone, &[input.party]).await?;
    if known.is_empty() {
        let unknown = format!("no party {} in this zone", input.party);
        return Err(ApprovalError::Wrong(unknown));
    }
    let recorded = record(conn, command, KIND, input).await?;
    // Under the lock of the log's head, so that two can't declare the same at once.
    if store::is_recused(conn, zone, input.person, input.party).await? {
        let holds =
            "that person is recused from the party's cases already: see `approval recusals`";
        return Err(ApprovalError::Wrong(holds.to_owned()));
    }
    store::insert_recusal(conn, zone, input, recorded.index).await?;
    Ok(recorded)
}

/// Lifts a recusal. Only another person can, and a manager.
pub async fn lift(
    conn: &mut PgConnection,
    command: &Command<'_>,
    declared: LogIndex,
    reason: &Reason,
) -> Result<Recorded, ApprovalError> {
    #[derive(Serialize)]
    struct Lifted<'a> {
        declared: LogIndex,
        reason: &'a Reason,
    }
    const KIND: &str = "recusal.lifted";
    command.actor.require(&[Role::Manager])?;
    let zone = command.zone.id;
    let input = Lifted { declared, reason };
    let person = store::lock_recusal(conn, zone, declared).await?;
    if let Some(recorded) = first(conn, command, KIND, &input).await? {
        return Ok(recorded);
    }
    let holds = "declared no recusal that holds: see `approval recusals`";
    let person = person.ok_or(ApprovalError::NotFound(declared, holds))?;
    if person == command.actor.person {
        let own = "nobody lifts a recusal of their own: another manager has to";
        return Err(ApprovalError::Wrong(own.to_owned()));
    }
    let recorded = record(conn, command, KIND, &input).await?;
    store::lift_recusal(conn, zone, declared, recorded.index).await?;
    Ok(recorded)
}
