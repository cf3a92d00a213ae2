//! Zones, persons and roles as rows.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::actor::{Actor, Login, Role};
use crate::types::{Code, Name, PartyId, PersonId, Zone, ZoneId, ZoneTime};

/// A zone before it has a number.
#[derive(Clone, Debug)]
pub struct NewZone {
    /// What people type.
    pub code: Code,
    /// Name in Chinese.
    pub name_zh: Name,
    /// Name in English.
    pub name_en: Name,
    /// The currency of its budget.
    pub currency: crate::types::Currency,
    /// Its time zone.
    pub time: ZoneTime,
    /// Origin line of its checkpoints.
    pub origin: String,
}

/// Inserts a zone, or answers `None` if the code or the origin is taken.
pub async fn insert_zone(
    conn: &mut PgConnection,
    new: NewZone,
    now: DateTime<Utc>,
) -> Result<Option<Zone>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO ledger.zone (code, name_zh, name_en, currency, time_zone, origin, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING zone_id",
        new.code.as_str(),
        new.name_zh.as_str(),
        new.name_en.as_str(),
        new.currency.code(),
        new.time.0.name(),
        new.origin,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(|id| Zone {
        id: ZoneId(id),
        code: new.code,
        name_zh: new.name_zh,
        name_en: new.name_en,
        currency: new.currency,
        time: new.time,
        origin: new.origin,
    }))
}

/// Every zone, in the order of their numbers.
pub async fn zones(conn: &mut PgConnection) -> Result<Vec<Zone>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT zone_id, code, name_zh, name_en, currency AS "currency!", time_zone, origin
           FROM ledger.zone ORDER BY zone_id"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Zone {
                id: ZoneId(row.zone_id),
                code: row.code.parse().map_err(decode)?,
                name_zh: row.name_zh.parse().map_err(decode)?,
                name_en: row.name_en.parse().map_err(decode)?,
                currency: row.currency.parse().map_err(decode)?,
                time: ZoneTime(row.time_zone.parse().map_err(decode)?),
                origin: row.origin,
            })
        })
        .collect()
}

/// The zone with this code.
pub async fn zone_by_code(
    conn: &mut PgConnection,
    code: &str,
) -> Result<Option<Zone>, sqlx::Error> {
    Ok(zones(conn)
        .await?
        .into_iter()
        .find(|zone| zone.code.as_str() == code))
}

/// Inserts a person with roles; `false` if the login is taken.
pub async fn insert_person(
    conn: &mut PgConnection,
    zone: ZoneId,
    actor: &Actor,
    name: &Name,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO ledger.person (zone_id, person_id, login, name, party_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        zone.0,
        actor.person.0,
        actor.login.as_str(),
        name.as_str(),
        actor.party.map(|party| party.0),
        now,
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    let roles: Vec<&str> = actor.roles.iter().map(|role| role.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.person_role (zone_id, person_id, role, granted_at)
         SELECT $1, $2, role, $4 FROM unnest($3::text[]) AS role",
        zone.0,
        actor.person.0,
        &roles as _,
        now,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// The persons of a zone with their names, in the order of their logins.
pub async fn persons(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<(Actor, Name)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.person_id, p.login, p.name, p.party_id,
             ARRAY(SELECT r.role FROM ledger.person_role r
                   WHERE r.zone_id = p.zone_id AND r.person_id = p.person_id) AS "roles!"
           FROM ledger.person p WHERE p.zone_id = $1 ORDER BY p.login"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let actor = actor(row.person_id, &row.login, row.party_id, &row.roles)?;
            Ok((actor, row.name.parse().map_err(decode)?))
        })
        .collect()
}

/// The persons with these logins; unknown ones are left out.
pub async fn actors_by_logins(
    conn: &mut PgConnection,
    zone: ZoneId,
    logins: &[&Login],
) -> Result<Vec<Actor>, sqlx::Error> {
    let logins: Vec<String> = logins.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"SELECT p.person_id, p.login, p.party_id,
             ARRAY(SELECT r.role FROM ledger.person_role r
                   WHERE r.zone_id = p.zone_id AND r.person_id = p.person_id) AS "roles!"
           FROM ledger.person p WHERE p.zone_id = $1 AND p.login = ANY($2)"#,
        zone.0,
        &logins,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| actor(row.person_id, &row.login, row.party_id, &row.roles))
        .collect()
}

/// The person with this login.
pub async fn actor_by_login(
    conn: &mut PgConnection,
    zone: ZoneId,
    login: &Login,
) -> Result<Option<Actor>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT p.person_id, p.login, p.party_id,
             ARRAY(SELECT r.role FROM ledger.person_role r
                   WHERE r.zone_id = p.zone_id AND r.person_id = p.person_id) AS "roles!"
           FROM ledger.person p WHERE p.zone_id = $1 AND p.login = $2"#,
        zone.0,
        login.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| actor(row.person_id, &row.login, row.party_id, &row.roles))
        .transpose()
}

fn actor(
    person: uuid::Uuid,
    login: &str,
    party: Option<uuid::Uuid>,
    roles: &[String],
) -> Result<Actor, sqlx::Error> {
    let roles: Result<BTreeSet<Role>, _> = roles.iter().map(|role| role.parse()).collect();
    Ok(Actor {
        person: PersonId(person),
        login: login.parse().map_err(decode)?,
        party: party.map(PartyId),
        roles: roles.map_err(decode)?,
    })
}

/// A stored text that its own type does not accept: the row was written past the service.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
