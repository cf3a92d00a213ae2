//! Controller groups as rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::journal::Recorded;
use crate::types::{ControllerGroupId, ItemId, Name, PartyId, ZoneId};

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

/// Whom caps of groups and single undertakings count together: the parties of one controller group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undertaking {
    /// The group, as an item of accounts.
    pub id: ItemId,
    /// The other parties in it, in the order of their ids.
    pub others: Vec<PartyId>,
}

/// The groups that parties are in now; those without one are left out.
pub async fn undertakings(
    conn: &mut PgConnection,
    zone: ZoneId,
    parties: &[PartyId],
) -> Result<HashMap<PartyId, Undertaking>, sqlx::Error> {
    let ids: Vec<Uuid> = parties.iter().map(|party| party.0).collect();
    let rows = sqlx::query!(
        r#"SELECT p.party_id, p.controller_group_id AS "group_id!",
             ARRAY(SELECT m.party_id FROM ledger.party m
                   WHERE m.zone_id = $1 AND m.controller_group_id = p.controller_group_id
                       AND m.party_id <> p.party_id ORDER BY m.party_id) AS "others!"
           FROM ledger.party p
           WHERE p.zone_id = $1 AND p.party_id = ANY($2) AND p.controller_group_id IS NOT NULL"#,
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let undertaking = |group, others: Vec<Uuid>| Undertaking {
        id: ItemId(group),
        others: others.into_iter().map(PartyId).collect(),
    };
    Ok(rows
        .into_iter()
        .map(|row| (PartyId(row.party_id), undertaking(row.group_id, row.others)))
        .collect())
}
