//! Which parties have one actual controller: some caps hold for all of them together.

use serde::Serialize;
use sqlx::PgConnection;

use super::register::{KEEPERS, PartyError, first_answer};
use super::store;
use crate::identity::Command;
use crate::journal::{self, Entry};
use crate::types::{ControllerGroupId, LogIndex, Name, PartyId};

/// Puts a party into the group with this name, made if it is new; `None` takes it out of its group.
/// The entry `party.group_assigned` names the group by its id only.
pub async fn assign_group(
    conn: &mut PgConnection,
    command: &Command<'_>,
    party: PartyId,
    group: Option<&Name>,
) -> Result<LogIndex, PartyError> {
    #[derive(Serialize)]
    struct GroupAssigned {
        from: Option<ControllerGroupId>,
        party: PartyId,
        to: Option<ControllerGroupId>,
    }
    command.actor.require(KEEPERS)?;
    let idempotency = command.idempotency("party.assign_group", &(party, group));
    if let Some(index) = first_answer(conn, command, idempotency.as_ref()).await? {
        return Ok(index);
    }
    let zone = command.zone.id;
    let from = store::lock_group_of(conn, zone, party)
        .await?
        .ok_or(PartyError::UnknownParty(party))?;
    let found = match group {
        Some(name) => store::groups_by_name(conn, zone, &[name])
            .await?
            .into_values()
            .next(),
        None => None,
    };
    let new = group
        .filter(|_| found.is_none())
        .map(|name| (name, ControllerGroupId::generate()));
    let to = found.or(new.map(|(_, id)| id));
    let entry = Entry {
        subject: Some(party.0),
        idempotency,
        ..command.entry("party.group_assigned", &GroupAssigned { from, party, to })?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    if let Some((name, id)) = new {
        store::insert_groups(conn, zone, &[store::NewGroup { id, name, recorded }]).await?;
    }
    store::set_group(conn, zone, party, to).await?;
    Ok(recorded.index)
}
