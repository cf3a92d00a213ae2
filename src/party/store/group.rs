//! Controller groups as rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::journal::Recorded;
use crate::types::{ControllerGroupId, Name, PartyId, ZoneId};

/// Groups by name; unknown names are left out.
pub(in crate::party) async fn groups_by_name(
    conn: &mut PgConnection,
    zone: ZoneId,
    names: &[&Name],
) -> Result<HashMap<String, ControllerGroupId>, sqlx::Error> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let rows = sqlx::query!(
        "SELECT group_id, name FROM ledger.controller_group WHERE zone_id = $1 AND name = ANY($2)",
        zone.0,
        &names as _,
    )
    .fetch_all(conn)
    .await?;
    let groups = rows
        .into_iter()
        .map(|row| (row.name, ControllerGroupId(row.group_id)));
    Ok(groups.collect())
}

/// A group that is made by the entry that names it first.
pub(in crate::party) struct NewGroup<'a> {
    pub(in crate::party) id: ControllerGroupId,
    pub(in crate::party) name: &'a Name,
    pub(in crate::party) recorded: Recorded,
}

pub(in crate::party) async fn insert_groups(
    conn: &mut PgConnection,
    zone: ZoneId,
    groups: &[NewGroup<'_>],
) -> Result<(), sqlx::Error> {
    if groups.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = groups.iter().map(|group| group.id.0).collect();
    let indices: Vec<i64> = groups.iter().map(|group| group.recorded.index.0).collect();
    let times: Vec<DateTime<Utc>> = groups.iter().map(|group| group.recorded.at).collect();
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.controller_group (zone_id, group_id, log_index, created_at, name)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[]) AS new",
        zone.0,
        &ids,
        &indices,
        &times,
        &names as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a party and says which group it is in; `None` if there is no such party.
pub(in crate::party) async fn lock_group_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    party: PartyId,
) -> Result<Option<Option<ControllerGroupId>>, sqlx::Error> {
    let group = sqlx::query_scalar!(
        "SELECT controller_group_id FROM ledger.party WHERE zone_id = $1 AND party_id = $2 FOR UPDATE",
        zone.0,
        party.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(group.map(|group| group.map(ControllerGroupId)))
}

pub(in crate::party) async fn set_group(
    conn: &mut PgConnection,
    zone: ZoneId,
    party: PartyId,
    group: Option<ControllerGroupId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.party SET controller_group_id = $3 WHERE zone_id = $1 AND party_id = $2",
        zone.0,
        party.0,
        group.map(|group| group.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}
