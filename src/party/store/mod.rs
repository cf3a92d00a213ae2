//! Parties as rows, read; groups, overrides and what is new in the files beside.

mod group;
mod new;
mod scan;
mod uscc_override;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) use group::{NewGroup, groups_by_name, insert_groups, lock_group_of, set_group};
pub use group::{Undertaking, undertakings};
pub(super) use new::{NewRow, insert_parties};
pub use scan::{Scan, Scanned};
pub(super) use uscc_override::{
    confirm_override, confirmed_overrides, insert_override, lock_override,
};

use super::identity::{Identity, PartyRole, Roles};
use super::register::Registered;
use crate::types::{ControllerGroupId, LogIndex, Name, PartyId, ZoneId};

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
        "SELECT party_id FROM ledger.party WHERE zone_id = $1 ORDER BY log_index",
        zone.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<PartyId> = ids.into_iter().map(PartyId).collect();
    parties(conn, zone, &ids).await
}

/// How many parties the zone has, or how many of a role.
pub async fn count(
    conn: &mut PgConnection,
    zone: ZoneId,
    role: Option<PartyRole>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM ledger.party p
           WHERE zone_id = $1 AND ($2::text IS NULL OR EXISTS (SELECT FROM ledger.party_role r
               WHERE r.zone_id = p.zone_id AND r.party_id = p.party_id AND r.role = $2))"#,
        zone.0,
        role.map(PartyRole::as_str)
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
           CROSS JOIN LATERAL (SELECT party_id FROM ledger.party WHERE zone_id = $1 AND scheme = asked.scheme
             AND identifier = asked.identifier OFFSET 0) AS p"#,
        zone.0,
        &ordinals,
        &schemes as _,
        &identifiers as _,
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
    // Each is looked up in the index by itself: `= ANY` may compare every party with every name.
    let taken = sqlx::query_scalar!(
        r#"SELECT asked.name AS "name!" FROM unnest($2::text[]) AS asked (name)
           CROSS JOIN LATERAL (SELECT FROM ledger.party p WHERE p.zone_id = $1 AND p.name = asked.name
             LIMIT 1 OFFSET 0) AS found"#,
        zone.0,
        &names as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(taken.into_iter().collect())
}

/// A row whose identity has no valid form: it was written past the service.
#[derive(Debug, thiserror::Error)]
#[error("the identity of party {0} is not valid")]
struct UnreadableIdentity(Uuid);

/// A stored text that its own type does not accept: the row was written past the service.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
