//! New parties as rows.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::journal::Recorded;
use crate::party::NewParty;
use crate::types::{ControllerGroupId, PartyId, ZoneId};

/// A party with all that its row needs but the entry.
pub(in crate::party) struct NewRow<'a> {
    pub(in crate::party) id: PartyId,
    pub(in crate::party) party: &'a NewParty,
    pub(in crate::party) group: Option<ControllerGroupId>,
    pub(in crate::party) name_needs_review: bool,
    pub(in crate::party) name_salt: Option<[u8; 32]>,
}

pub(in crate::party) async fn insert_parties(
    conn: &mut PgConnection,
    zone: ZoneId,
    rows: &[NewRow<'_>],
    recorded: &[Recorded],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let indices: Vec<i64> = recorded.iter().map(|recorded| recorded.index.0).collect();
    let times: Vec<DateTime<Utc>> = recorded.iter().map(|recorded| recorded.at).collect();
    let groups: Vec<Option<Uuid>> = rows
        .iter()
        .map(|row| row.group.map(|group| group.0))
        .collect();
    let reviews: Vec<bool> = rows.iter().map(|row| row.name_needs_review).collect();
    let text =
        |part: fn(&NewParty) -> &str| rows.iter().map(|row| part(row.party)).collect::<Vec<_>>();
    let salts: Vec<Option<&[u8]>> = rows
        .iter()
        .map(|row| row.name_salt.as_ref().map(<[u8; 32]>::as_slice))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.party (zone_id, party_id, log_index, created_at, controller_group_id,
             name_needs_review, scheme, identifier, name, name_salt)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::uuid[],
             $6::bool[], $7::text[], $8::text[], $9::text[], $10::bytea[]) AS new",
        zone.0,
        &ids,
        &indices,
        &times,
        &groups as _,
        &reviews,
        &text(|party| party.identity.scheme()) as _,
        &text(|party| party.identity.identifier()) as _,
        &text(|party| party.name.as_str()) as _,
        &salts as _,
    )
    .execute(&mut *conn)
    .await?;
    let (owners, roles): (Vec<Uuid>, Vec<&str>) = rows
        .iter()
        .flat_map(|row| row.party.roles.iter().map(|role| (row.id.0, role.as_str())))
        .unzip();
    sqlx::query!(
        "INSERT INTO ledger.party_role (zone_id, party_id, role)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::text[]) AS new",
        zone.0,
        &owners,
        &roles as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
