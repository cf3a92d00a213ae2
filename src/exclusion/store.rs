//! Exclusions as rows.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::exclude::Exclude;
use super::model::{Exclusion, Outcome};
use crate::types::{LogIndex, PartyId, PersonId, ZoneId};

/// Locks exclusions by the entries of their proposals, in this order; unknown ones are missing.
pub(super) async fn lock(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: &[LogIndex],
) -> Result<HashMap<LogIndex, Exclusion>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT proposed_index, party_id, first_day, last_day, proposed_by, outcome, decided_by, decided_index,
             lifted_by, lifted_index
         FROM ledger.exclusion WHERE zone_id = $1 AND proposed_index = ANY($2) ORDER BY proposed_index FOR UPDATE",
        zone.0,
        &proposed.iter().map(|index| index.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let exclusion = rows.into_iter().map(|row| {
        let outcome = row.outcome.map(|outcome| match outcome.as_str() {
            "confirmed" => Outcome::Confirmed,
            _ => Outcome::Rejected,
        });
        let decided = outcome.zip(row.decided_by).zip(row.decided_index);
        let lifted = row.lifted_by.zip(row.lifted_index);
        let proposed_index = LogIndex(row.proposed_index);
        let exclusion = Exclusion {
            proposed_index,
            party: PartyId(row.party_id),
            first_day: row.first_day,
            last_day: row.last_day,
            proposed_by: PersonId(row.proposed_by),
            decided: decided.map(|((outcome, by), index)| (outcome, PersonId(by), LogIndex(index))),
            lifted: lifted.map(|(by, index)| (PersonId(by), LogIndex(index))),
        };
        (proposed_index, exclusion)
    });
    Ok(exclusion.collect())
}

/// Inserts proposals.
pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[(Exclude, PersonId, LogIndex)],
) -> Result<(), sqlx::Error> {
    let indices: Vec<i64> = new.iter().map(|(.., index)| index.0).collect();
    let parties: Vec<Uuid> = new.iter().map(|(one, ..)| one.party.0).collect();
    let first: Vec<NaiveDate> = new.iter().map(|(one, ..)| one.first_day).collect();
    let last: Vec<NaiveDate> = new.iter().map(|(one, ..)| one.last_day).collect();
    let reasons: Vec<&str> = new.iter().map(|(one, ..)| one.reason.as_str()).collect();
    let persons: Vec<Uuid> = new.iter().map(|(_, by, _)| by.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.exclusion (zone_id, proposed_index, party_id, first_day, last_day, reason, proposed_by)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::date[], $5::date[], $6::text[], $7::uuid[]) AS new",
        zone.0,
        &indices,
        &parties,
        &first,
        &last,
        &reasons as _,
        &persons,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what became of exclusions; those that nothing became of stay as they are.
pub(super) async fn update(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Exclusion],
) -> Result<(), sqlx::Error> {
    let decided: Vec<_> = changed
        .iter()
        .filter_map(|one| Some((*one, one.decided?)))
        .collect();
    let proposed: Vec<i64> = decided
        .iter()
        .map(|(one, _)| one.proposed_index.0)
        .collect();
    let outcomes: Vec<&str> = decided
        .iter()
        .map(|(_, (outcome, ..))| outcome.as_str())
        .collect();
    let persons: Vec<Uuid> = decided.iter().map(|(_, (_, by, _))| by.0).collect();
    let indices: Vec<i64> = decided.iter().map(|(_, (.., index))| index.0).collect();
    let lifted = |(one, _): &(&Exclusion, _)| one.lifted;
    let lifters: Vec<Option<Uuid>> = decided
        .iter()
        .map(|one| lifted(one).map(|(by, _)| by.0))
        .collect();
    let lifted: Vec<Option<i64>> = decided
        .iter()
        .map(|one| lifted(one).map(|(_, index)| index.0))
        .collect();
    sqlx::query!(
        "UPDATE ledger.exclusion x SET outcome = new.outcome, decided_by = new.decided_by,
             decided_index = new.decided_index, lifted_by = new.lifted_by, lifted_index = new.lifted_index
         FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::bigint[], $6::uuid[], $7::bigint[])
             AS new (proposed_index, outcome, decided_by, decided_index, lifted_by, lifted_index)
         WHERE x.zone_id = $1 AND x.proposed_index = new.proposed_index AND x.lifted_index IS NULL",
        zone.0,
        &proposed,
        &outcomes as _,
        &persons,
        &indices,
        &lifters as _,
        &lifted as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last day on which each of these parties, or of all, is excluded, of those that are on a day.
pub(super) async fn last_days(
    conn: &mut PgConnection,
    zone: ZoneId,
    day: NaiveDate,
    parties: Option<&[PartyId]>,
) -> Result<HashMap<PartyId, NaiveDate>, sqlx::Error> {
    let parties: Option<Vec<Uuid>> =
        parties.map(|parties| parties.iter().map(|party| party.0).collect());
    let rows = sqlx::query!(
        r#"SELECT party_id, max(last_day) AS "last_day!" FROM ledger.exclusion
           WHERE zone_id = $1 AND ($2::uuid[] IS NULL OR party_id = ANY($2)) AND outcome = 'confirmed' AND lifted_index IS NULL
               AND $3 BETWEEN first_day AND last_day
           GROUP BY party_id"#,
        zone.0,
        parties.as_deref(),
        day,
    )
    .fetch_all(conn)
    .await?;
    let last = rows
        .into_iter()
        .map(|row| (PartyId(row.party_id), row.last_day));
    Ok(last.collect())
}

/// Which exclusions are asked for; all, if nothing is said.
#[derive(Clone, Debug, Default)]
pub struct ExclusionFilter {
    /// Of this party.
    pub party: Option<PartyId>,
    /// Those proposed after this entry.
    pub after: Option<LogIndex>,
}

/// An exclusion in a list.
#[derive(Clone, Debug)]
pub struct ExclusionRow {
    /// The entry of the proposal, which names it.
    pub proposed_index: LogIndex,
    /// The party.
    pub party: PartyId,
    /// Its name.
    pub party_name: String,
    /// First day.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
    /// Why.
    pub reason: String,
    /// `confirmed` or `rejected`; `None` while it waits.
    pub outcome: Option<String>,
    /// The entry that ended it before its last day.
    pub lifted_index: Option<LogIndex>,
}

/// Exclusions in the order in which they were proposed, at most so many.
pub async fn exclusions(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &ExclusionFilter,
    limit: i64,
) -> Result<Vec<ExclusionRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT x.proposed_index, x.party_id, p.name, x.first_day, x.last_day, x.reason, x.outcome, x.lifted_index
         FROM ledger.exclusion x
         JOIN ledger.party p ON p.zone_id = x.zone_id AND p.party_id = x.party_id
         WHERE x.zone_id = $1 AND ($2::uuid IS NULL OR x.party_id = $2)
             AND ($3::bigint IS NULL OR x.proposed_index > $3)
         ORDER BY x.proposed_index LIMIT $4",
        zone.0,
        filter.party.map(|party| party.0),
        filter.after.map(|index| index.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| ExclusionRow {
        proposed_index: LogIndex(row.proposed_index),
        party: PartyId(row.party_id),
        party_name: row.name,
        first_day: row.first_day,
        last_day: row.last_day,
        reason: row.reason,
        outcome: row.outcome,
        lifted_index: row.lifted_index.map(LogIndex),
    });
    Ok(row.collect())
}
