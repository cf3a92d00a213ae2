//! Parties, groups and overrides as rows.
#![expect(
    clippy::as_conversions,
    reason = "sqlx's macros are told the type of an array parameter by `as`"
)]

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::identity::{ContestedUscc, Identity, PartyRole, Roles};
use super::register::{NewParty, Registered};
use super::uscc_override::ProposedOverride;
use crate::journal::Recorded;
use crate::types::{ControllerGroupId, LogIndex, Name, PartyId, PersonId, ZoneId};

/// A registered party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Named by entries and accounts.
    pub id: PartyId,
    /// What tells it from others.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its name.
    pub name: Name,
    /// Whether a person should look at the name: mixed scripts, or another party's name.
    pub name_needs_review: bool,
    /// What it is.
    pub roles: Roles,
    /// The group under one actual controller, if known.
    pub group: Option<ControllerGroup>,
    /// Region of registration, six digits (GB/T 2260): characters 3 to 8 of its code.
    pub region: Option<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// The entry that registered it.
    pub log_index: LogIndex,
}

/// The parties under one actual controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControllerGroup {
    /// Named by entries.
    pub id: ControllerGroupId,
    /// For pages.
    pub name: Name,
}

/// Which parties to list, in the order in which they were registered.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the name, in any case, or the whole of the code or number. Every character stands
    /// for itself, `%` and `_` too.
    pub search: Option<String>,
    /// Only those with this role.
    pub role: Option<PartyRole>,
    /// Only those after this one: the last of the page before.
    pub after: Option<PartyId>,
    /// At most so many.
    pub limit: u16,
}

/// The parties with these ids, in the order in which they were registered; unknown ids are left out.
pub async fn parties(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[PartyId],
) -> Result<Vec<Party>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT p.party_id, p.scheme, p.identifier, p.name, p.name_needs_review, p.region,
             p.created_at, p.log_index,
             ARRAY(SELECT r.role FROM ledger.party_role r
                   WHERE r.zone_id = p.zone_id AND r.party_id = p.party_id) AS "roles!",
             g.group_id AS "group_id?", g.name AS "group_name?"
           FROM ledger.party p
           LEFT JOIN ledger.controller_group g
             ON g.zone_id = p.zone_id AND g.group_id = p.controller_group_id
           WHERE p.zone_id = $1 AND p.party_id = ANY($2) ORDER BY p.log_index"#,
        zone.0,
        &ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let group = match (row.group_id, row.group_name) {
                (Some(id), Some(name)) => Some(ControllerGroup {
                    id: ControllerGroupId(id),
                    name: name.parse().map_err(decode)?,
                }),
                (_, _) => None,
            };
            Ok(Party {
                id: PartyId(row.party_id),
                identity: Identity::from_row(&row.scheme, &row.identifier)
                    .ok_or_else(|| decode(UnreadableIdentity(row.party_id)))?,
                name: row.name.parse().map_err(decode)?,
                name_needs_review: row.name_needs_review,
                roles: row.roles.join(";").parse().map_err(decode)?,
                group,
                region: row.region,
                created_at: row.created_at,
                log_index: LogIndex(row.log_index),
            })
        })
        .collect()
}

/// The party with this id.
pub async fn party(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: PartyId,
) -> Result<Option<Party>, sqlx::Error> {
    Ok(parties(conn, zone, &[id]).await?.pop())
}

/// The party with this unified social credit code, whether it passes its check or was accepted.
pub async fn party_by_uscc(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &str,
) -> Result<Option<Party>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT party_id FROM ledger.party WHERE zone_id = $1 AND uscc = $2",
        zone.0,
        code
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => party(conn, zone, PartyId(id)).await,
        None => Ok(None),
    }
}

/// One page of parties.
pub async fn list(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &Filter,
) -> Result<Vec<Party>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT p.party_id FROM ledger.party p
         WHERE p.zone_id = $1
           AND ($2::text IS NULL OR p.identifier = $2
                OR strpos(lower(p.name), lower(normalize($2, NFC))) > 0)
           AND ($3::text IS NULL OR EXISTS (SELECT FROM ledger.party_role r
                WHERE r.zone_id = p.zone_id AND r.party_id = p.party_id AND r.role = $3))
           AND p.log_index > coalesce((SELECT a.log_index FROM ledger.party a
                WHERE a.zone_id = $1 AND a.party_id = $4), -1)
         ORDER BY p.log_index LIMIT $5",
        zone.0,
        filter.search,
        filter.role.map(PartyRole::as_str),
        filter.after.map(|id| id.0),
        i64::from(filter.limit),
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<PartyId> = ids.into_iter().map(PartyId).collect();
    parties(conn, zone, &ids).await
}

/// Every party of a zone, in the order in which they were registered: for whole-zone runs.
pub async fn all(conn: &mut PgConnection, zone: ZoneId) -> Result<Vec<Party>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT party_id FROM ledger.party WHERE zone_id = $1",
        zone.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<PartyId> = ids.into_iter().map(PartyId).collect();
    parties(conn, zone, &ids).await
}

/// How many parties the zone has.
pub async fn count(conn: &mut PgConnection, zone: ZoneId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM ledger.party WHERE zone_id = $1"#,
        zone.0
    )
    .fetch_one(conn)
    .await
}

/// The parties with these identities, in the order of the questions.
pub async fn known(
    conn: &mut PgConnection,
    zone: ZoneId,
    identities: &[&Identity],
) -> Result<Vec<Option<PartyId>>, sqlx::Error> {
    let ordinals: Vec<i64> = (0_i64..).take(identities.len()).collect();
    let schemes: Vec<&str> = identities
        .iter()
        .map(|identity| identity.scheme())
        .collect();
    let identifiers: Vec<&str> = identities
        .iter()
        .map(|identity| identity.identifier())
        .collect();
    let rows = sqlx::query!(
        r#"SELECT asked.ordinal AS "ordinal!", p.party_id
           FROM unnest($2::bigint[], $3::text[], $4::text[]) AS asked (ordinal, scheme, identifier)
           JOIN ledger.party p ON p.zone_id = $1 AND p.scheme = asked.scheme
             AND p.identifier = asked.identifier"#,
        zone.0,
        &ordinals,
        &schemes as &[&str],
        &identifiers as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let mut found = vec![None; identities.len()];
    for row in rows {
        let place = usize::try_from(row.ordinal).ok();
        if let Some(place) = place.and_then(|place| found.get_mut(place)) {
            *place = Some(PartyId(row.party_id));
        }
    }
    Ok(found)
}

/// The parties that one command registered, whose entries begin at `first`.
pub(super) async fn registered_from(
    conn: &mut PgConnection,
    zone: ZoneId,
    first: LogIndex,
    count: usize,
) -> Result<Vec<Registered>, sqlx::Error> {
    let end = first.0 + i64::try_from(count).unwrap_or(0);
    let rows = sqlx::query!(
        "SELECT party_id, log_index FROM ledger.party
         WHERE zone_id = $1 AND log_index >= $2 AND log_index < $3 ORDER BY log_index",
        zone.0,
        first.0,
        end
    )
    .fetch_all(conn)
    .await?;
    let registered = rows.into_iter().map(|row| Registered {
        party: PartyId(row.party_id),
        index: LogIndex(row.log_index),
    });
    Ok(registered.collect())
}

/// Those of these names that a party of the zone has.
pub(super) async fn names_taken(
    conn: &mut PgConnection,
    zone: ZoneId,
    names: &[&Name],
) -> Result<HashSet<String>, sqlx::Error> {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let taken = sqlx::query_scalar!(
        "SELECT DISTINCT name FROM ledger.party WHERE zone_id = $1 AND name = ANY($2)",
        zone.0,
        &names as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(taken.into_iter().collect())
}

/// Groups by name; unknown names are left out.
pub(super) async fn groups_by_name(
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
        &names as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let groups = rows
        .into_iter()
        .map(|row| (row.name, ControllerGroupId(row.group_id)));
    Ok(groups.collect())
}

/// A group that is made by the entry that names it first.
pub(super) struct NewGroup<'a> {
    pub(super) id: ControllerGroupId,
    pub(super) name: &'a Name,
    pub(super) recorded: Recorded,
}

pub(super) async fn insert_groups(
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
        &names as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A party with all that its row needs but the entry.
pub(super) struct NewRow<'a> {
    pub(super) id: PartyId,
    pub(super) party: &'a NewParty,
    pub(super) group: Option<ControllerGroupId>,
    pub(super) name_needs_review: bool,
    pub(super) name_salt: Option<[u8; 32]>,
}

pub(super) async fn insert_parties(
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
        &groups as &[Option<Uuid>],
        &reviews,
        &text(|party| party.identity.scheme()) as &[&str],
        &text(|party| party.identity.identifier()) as &[&str],
        &text(|party| party.name.as_str()) as &[&str],
        &salts as &[Option<&[u8]>],
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
        &roles as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a party and says which group it is in; `None` if there is no such party.
pub(super) async fn lock_group_of(
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

pub(super) async fn set_group(
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

/// Those of these codes whose overrides are in force.
pub(super) async fn confirmed_overrides(
    conn: &mut PgConnection,
    zone: ZoneId,
    codes: &[&ContestedUscc],
) -> Result<HashSet<String>, sqlx::Error> {
    if codes.is_empty() {
        return Ok(HashSet::new());
    }
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let confirmed = sqlx::query_scalar!(
        "SELECT code FROM ledger.uscc_override WHERE zone_id = $1 AND confirmed AND code = ANY($2)",
        zone.0,
        &codes as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(confirmed.into_iter().collect())
}

/// A proposal as it stands.
pub(super) struct Override {
    pub(super) proposed_by: PersonId,
    pub(super) proposed_index: LogIndex,
    pub(super) confirmed: bool,
}

/// Locks the override of a code, if there is one.
pub(super) async fn lock_override(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &ContestedUscc,
) -> Result<Option<Override>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT proposed_by, proposed_index, confirmed AS "confirmed!" FROM ledger.uscc_override
           WHERE zone_id = $1 AND code = $2 FOR UPDATE"#,
        zone.0,
        code.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Override {
        proposed_by: PersonId(row.proposed_by),
        proposed_index: LogIndex(row.proposed_index),
        confirmed: row.confirmed,
    }))
}

pub(super) async fn insert_override(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: &ProposedOverride,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.uscc_override
             (zone_id, code, evidence_sha256, reason, proposed_by, proposed_index)
         VALUES ($1, $2, $3, $4, $5, $6)",
        zone.0,
        proposed.code.as_str(),
        proposed.evidence_sha256.as_slice(),
        proposed.reason.as_str(),
        by.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn confirm_override(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &ContestedUscc,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let confirmed = sqlx::query!(
        "UPDATE ledger.uscc_override SET confirmed_by = $3, confirmed_index = $4
         WHERE zone_id = $1 AND code = $2 AND NOT confirmed",
        zone.0,
        code.as_str(),
        by.0,
        index.0,
    )
    .execute(conn)
    .await?;
    if confirmed.rows_affected() == 1 {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// A row whose identity has no valid form: it was written past the service.
#[derive(Debug, thiserror::Error)]
#[error("the identity of party {0} is not valid")]
struct UnreadableIdentity(Uuid);

/// A stored text that its own type does not accept: the row was written past the service.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
