//! Duties that a person has another do for some days (授权).

use chrono::{Days, NaiveDate};
use serde::Serialize;
use sqlx::PgConnection;

use super::{ApprovalError, first, record, store};
use crate::identity::{Actor, Command, Role};
use crate::journal::Recorded;
use crate::types::{LogIndex, PersonId};

/// The most days after the first that a delegation lasts.
const LONGEST: Days = Days::new(366);

/// Duties that can be delegated: those of approvers.
const DELEGABLE: [Role; 2] = [Role::Manager, Role::Finance];

/// Another does one's duty for some days.
#[derive(Clone, Debug, Serialize)]
pub struct Delegate {
    /// Who does it meanwhile.
    pub delegate: PersonId,
    /// First day, in the zone's time.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
    /// The duty.
    pub role: Role,
}

/// Delegates a duty of one's own. What was delegated can't be delegated on.
pub async fn delegate(
    conn: &mut PgConnection,
    command: &Command<'_>,
    to: &Actor,
    input: &Delegate,
) -> Result<Recorded, ApprovalError> {
    const KIND: &str = "delegation.given";
    command.actor.require(&[input.role])?;
    if let Some(recorded) = first(conn, command, KIND, input).await? {
        return Ok(recorded);
    }
    let refused = |why: &str| Err(ApprovalError::Wrong(why.to_owned()));
    if !DELEGABLE.contains(&input.role) {
        return refused("only the duties of approvers, manager and finance, can be delegated");
    }
    if to.person == command.actor.person {
        return refused("a duty is delegated to another person");
    }
    if to.party.is_some() {
        return refused("a duty of the office is not delegated to somebody who acts for a party");
    }
    if input.last_day < input.first_day || input.last_day < command.today() {
        return refused("the last day is not before the first, nor before today: give later days");
    }
    let latest = input.first_day.checked_add_days(LONGEST);
    if latest.is_none_or(|latest| input.last_day > latest) {
        return refused("a delegation lasts a year at most: give an earlier last day");
    }
    let recorded = record(conn, command, KIND, input).await?;
    let (zone, principal) = (command.zone.id, command.actor.person);
    store::insert_delegation(conn, zone, principal, input, recorded.index).await?;
    Ok(recorded)
}

/// Ends a delegation early: its principal can, or a manager.
pub async fn revoke(
    conn: &mut PgConnection,
    command: &Command<'_>,
    given: LogIndex,
) -> Result<Recorded, ApprovalError> {
    #[derive(Serialize)]
    struct Revoked {
        given: LogIndex,
    }
    const KIND: &str = "delegation.revoked";
    let zone = command.zone.id;
    let input = Revoked { given };
    let principal = store::lock_delegation(conn, zone, given).await?;
    if let Some(recorded) = first(conn, command, KIND, &input).await? {
        return Ok(recorded);
    }
    let holds = "gave no delegation that can be revoked: see `approval delegations`";
    let principal = principal.ok_or(ApprovalError::NotFound(given, holds))?;
    if principal != command.actor.person {
        command.actor.require(&[Role::Manager])?;
    }
    let recorded = record(conn, command, KIND, &input).await?;
    store::revoke_delegation(conn, zone, given, recorded.index).await?;
    Ok(recorded)
}
