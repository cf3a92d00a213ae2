//! Sets of levels, recusals and delegations as rows.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::delegate::Delegate;
use super::levels::Levels;
use super::recuse::Recuse;
use crate::identity::{Login, Role};
use crate::types::{Currency, LogIndex, PartyId, PersonId, ZoneId};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A set of levels, proposed and perhaps in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelsRow {
    /// The entry that proposed it.
    pub proposed_index: LogIndex,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// What it says.
    pub levels: Levels,
    /// The entry that put it in force.
    pub confirmed_index: Option<LogIndex>,
}

/// The levels in force: those confirmed last, or one manager.
pub async fn in_force(
    conn: &mut PgConnection,
    zone: ZoneId,
    currency: Currency,
) -> Result<Levels, sqlx::Error> {
    let text = sqlx::query_scalar!(
        "SELECT levels FROM ledger.approval_levels WHERE zone_id = $1 AND confirmed_index IS NOT NULL
         ORDER BY confirmed_index DESC LIMIT 1",
        zone.0,
    )
    .fetch_optional(conn)
    .await?;
    match text {
        None => Ok(Levels::one_manager(currency)),
        Some(text) => Levels::from_json(&text, currency).map_err(decode),
    }
}

/// Every set, the newest first.
pub async fn levels_sets(
    conn: &mut PgConnection,
    zone: ZoneId,
    currency: Currency,
) -> Result<Vec<LevelsRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT proposed_index, proposed_by, levels, confirmed_index FROM ledger.approval_levels
         WHERE zone_id = $1 ORDER BY proposed_index DESC",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(LevelsRow {
                proposed_index: LogIndex(row.proposed_index),
                proposed_by: PersonId(row.proposed_by),
                levels: Levels::from_json(&row.levels, currency).map_err(decode)?,
                confirmed_index: row.confirmed_index.map(LogIndex),
            })
        })
        .collect()
}

/// The person who proposed a set that waits, locked until commit.
pub(super) async fn lock_waiting(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: LogIndex,
) -> Result<Option<PersonId>, sqlx::Error> {
    let person = sqlx::query_scalar!(
        "SELECT proposed_by FROM ledger.approval_levels
         WHERE zone_id = $1 AND proposed_index = $2 AND confirmed_index IS NULL FOR UPDATE",
        zone.0,
        proposed.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(person.map(PersonId))
}

pub(super) async fn insert_levels(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposer: PersonId,
    levels: &Levels,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.approval_levels (zone_id, proposed_index, levels, proposed_by) VALUES ($1, $2, $3, $4)",
        zone.0,
        index.0,
        levels.to_json(),
        proposer.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn confirm_levels(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: LogIndex,
    confirmer: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.approval_levels SET confirmed_by = $3, confirmed_index = $4
         WHERE zone_id = $1 AND proposed_index = $2",
        zone.0,
        proposed.0,
        confirmer.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A recusal that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recused {
    /// The entry that declared it.
    pub index: LogIndex,
    /// Whose cases.
    pub party: PartyId,
    /// The party's name.
    pub party_name: String,
    /// Who stays out.
    pub person: Login,
}

/// The recusals that hold, the newest first.
pub async fn recusals(conn: &mut PgConnection, zone: ZoneId) -> Result<Vec<Recused>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT r.declared_index, r.party_id, y.name, p.login FROM ledger.recusal r
         JOIN ledger.person p ON p.zone_id = r.zone_id AND p.person_id = r.person_id
         JOIN ledger.party y ON y.zone_id = r.zone_id AND y.party_id = r.party_id
         WHERE r.zone_id = $1 AND r.lifted_index IS NULL ORDER BY r.declared_index DESC",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Recused {
                index: LogIndex(row.declared_index),
                party: PartyId(row.party_id),
                party_name: row.name,
                person: row.login.parse().map_err(decode)?,
            })
        })
        .collect()
}

/// Which of these persons stay out of whose cases.
pub(super) async fn recused(
    conn: &mut PgConnection,
    zone: ZoneId,
    persons: &[PersonId],
) -> Result<HashSet<(PersonId, PartyId)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT person_id, party_id FROM ledger.recusal
         WHERE zone_id = $1 AND person_id = ANY($2) AND lifted_index IS NULL",
        zone.0,
        &ids(persons),
    )
    .fetch_all(conn)
    .await?;
    let pair = |person, party| (PersonId(person), PartyId(party));
    Ok(rows
        .into_iter()
        .map(|row| pair(row.person_id, row.party_id))
        .collect())
}

/// Inserts a recusal whose entry is in the log.
pub(super) async fn insert_recusal(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &Recuse,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.recusal (zone_id, person_id, party_id, declared_index) VALUES ($1, $2, $3, $4)",
        zone.0,
        new.person.0,
        new.party.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The person of a recusal that holds, locked until commit.
pub(super) async fn lock_recusal(
    conn: &mut PgConnection,
    zone: ZoneId,
    declared: LogIndex,
) -> Result<Option<PersonId>, sqlx::Error> {
    let person = sqlx::query_scalar!(
        "SELECT person_id FROM ledger.recusal
         WHERE zone_id = $1 AND declared_index = $2 AND lifted_index IS NULL FOR UPDATE",
        zone.0,
        declared.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(person.map(PersonId))
}

pub(super) async fn lift_recusal(
    conn: &mut PgConnection,
    zone: ZoneId,
    declared: LogIndex,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.recusal SET lifted_index = $3 WHERE zone_id = $1 AND declared_index = $2",
        zone.0,
        declared.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a person is recused from a party's cases.
pub(super) async fn is_recused(
    conn: &mut PgConnection,
    zone: ZoneId,
    person: PersonId,
    party: PartyId,
) -> Result<bool, sqlx::Error> {
    let found = recused(conn, zone, &[person]).await?;
    Ok(found.contains(&(person, party)))
}

/// A delegation that has not ended before a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delegated {
    /// Who acts.
    pub delegate: Login,
    /// First day.
    pub first_day: NaiveDate,
    /// The entry that gave it.
    pub index: LogIndex,
    /// Last day.
    pub last_day: NaiveDate,
    /// For whom.
    pub principal: Login,
    /// In which duty.
    pub role: Role,
}

/// The delegations that end on a day or later and were not revoked, the newest first.
pub async fn delegations(
    conn: &mut PgConnection,
    zone: ZoneId,
    today: NaiveDate,
) -> Result<Vec<Delegated>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT d.given_index, d.role, d.first_day, d.last_day, a.login AS principal, b.login AS delegate
         FROM ledger.delegation d
         JOIN ledger.person a ON a.zone_id = d.zone_id AND a.person_id = d.principal_id
         JOIN ledger.person b ON b.zone_id = d.zone_id AND b.person_id = d.delegate_id
         WHERE d.zone_id = $1 AND d.revoked_index IS NULL AND d.last_day >= $2
         ORDER BY d.given_index DESC",
        zone.0,
        today,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Delegated {
                delegate: row.delegate.parse().map_err(decode)?,
                first_day: row.first_day,
                index: LogIndex(row.given_index),
                last_day: row.last_day,
                principal: row.principal.parse().map_err(decode)?,
                role: row.role.parse().map_err(decode)?,
            })
        })
        .collect()
}

/// Delegations to these persons on a day, in the order in which they were given: delegate, duty, principal.
pub(super) async fn delegated_to(
    conn: &mut PgConnection,
    zone: ZoneId,
    today: NaiveDate,
    persons: &[PersonId],
) -> Result<Vec<(PersonId, Role, PersonId)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT d.delegate_id, d.role, d.principal_id FROM ledger.delegation d
         JOIN ledger.person_role r ON r.zone_id = d.zone_id AND r.person_id = d.principal_id AND r.role = d.role
         WHERE d.zone_id = $1 AND d.delegate_id = ANY($2) AND d.revoked_index IS NULL
             AND $3 BETWEEN d.first_day AND d.last_day
         ORDER BY d.given_index",
        zone.0,
        &ids(persons),
        today,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let role = row.role.parse().map_err(decode)?;
            Ok((PersonId(row.delegate_id), role, PersonId(row.principal_id)))
        })
        .collect()
}

pub(super) async fn insert_delegation(
    conn: &mut PgConnection,
    zone: ZoneId,
    principal: PersonId,
    new: &Delegate,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.delegation (zone_id, principal_id, delegate_id, role, first_day, last_day, given_index)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        zone.0,
        principal.0,
        new.delegate.0,
        new.role.as_str(),
        new.first_day,
        new.last_day,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The principal of a delegation that was not revoked, locked until commit.
pub(super) async fn lock_delegation(
    conn: &mut PgConnection,
    zone: ZoneId,
    given: LogIndex,
) -> Result<Option<PersonId>, sqlx::Error> {
    let person = sqlx::query_scalar!(
        "SELECT principal_id FROM ledger.delegation
         WHERE zone_id = $1 AND given_index = $2 AND revoked_index IS NULL FOR UPDATE",
        zone.0,
        given.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(person.map(PersonId))
}

pub(super) async fn revoke_delegation(
    conn: &mut PgConnection,
    zone: ZoneId,
    given: LogIndex,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.delegation SET revoked_index = $3 WHERE zone_id = $1 AND given_index = $2",
        zone.0,
        given.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn ids(persons: &[PersonId]) -> Vec<Uuid> {
    persons.iter().map(|person| person.0).collect()
}
