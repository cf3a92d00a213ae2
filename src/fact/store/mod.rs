//! Statements as rows; determinations, snapshots and lists of registers in the files beside.

mod determination;
mod listing;
mod recognition;
mod scan;
mod snapshot;

use std::collections::HashMap;

use chrono::NaiveDate;
use futures::TryStreamExt;
use sqlx::PgConnection;
use uuid::Uuid;

pub use determination::{DeterminationFilter, determinations};
pub(super) use determination::{
    confirm_determination, insert_proposed, last_determination, lock_determination, lock_waiting,
};
pub(super) use listing::named_by;
pub use listing::{Listed, other_registers, register_on};
pub(super) use recognition::{
    Holder, free_numbers, holders, insert_recognitions, later_statement, overtaken, rules_of,
    undecided,
};
pub use scan::{Scan, Scanned};
pub use snapshot::{keep_snapshots, snapshot_by_hash, snapshots_by_hash};

use super::import::Planned;
use super::statement::{Draft, Statement, When};
use super::values::Values;
use crate::journal::Recorded;
use crate::policy::Source;
use crate::types::{Currency, LogIndex, PartyId, Zone, ZoneId};

/// A statement as its row has it.
#[derive(Debug)]
struct StatementRow {
    log_index: i64,
    party_id: Option<Uuid>,
    proposed_index: Option<i64>,
    from_day: Option<NaiveDate>,
    until_day: Option<NaiveDate>,
    year: Option<i16>,
    source: String,
    register: Option<String>,
    reference: Option<String>,
    facts: String,
}

impl StatementRow {
    /// The statement, with amounts in the zone's currency.
    fn read(self, currency: Currency) -> Result<Statement, sqlx::Error> {
        let index = LogIndex(self.log_index);
        let unreadable = || decode(Unreadable(index));
        Ok(Statement {
            index,
            party: self.party_id.map(PartyId),
            source: Source::named(&self.source).ok_or_else(unreadable)?,
            when: When::of(self.year, self.from_day, self.until_day).ok_or_else(unreadable)?,
            register: self
                .register
                .map(|name| name.parse().map_err(decode))
                .transpose()?,
            reference: self
                .reference
                .map(|text| text.parse().map_err(decode))
                .transpose()?,
            proposed_index: self.proposed_index.map(LogIndex),
            facts: Values::parse(&self.facts, currency).map_err(decode)?,
        })
    }
}

/// What is determined for every party of a zone at once, or follows for it from a whole register.
pub async fn zone_wide(
    conn: &mut PgConnection,
    zone: &Zone,
) -> Result<Vec<Statement>, sqlx::Error> {
    let rows = sqlx::query_as!(
        StatementRow,
        "SELECT log_index, party_id, proposed_index, from_day, until_day, year, source, register, reference, facts
         FROM ledger.fact_statement WHERE zone_id = $1 AND party_id IS NULL",
        zone.id.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| row.read(zone.currency))
        .collect()
}

/// What is stated of a party, and of every party of the zone, by entries before this one; in their order.
pub async fn statements(
    conn: &mut PgConnection,
    zone: &Zone,
    party: PartyId,
    before: Option<LogIndex>,
) -> Result<Vec<Statement>, sqlx::Error> {
    let mut found = statements_of(conn, zone, &[party], before).await?;
    Ok(found.remove(&party).unwrap_or_default())
}

/// The same for many parties; each has those of the whole zone among its own.
pub async fn statements_of(
    conn: &mut PgConnection,
    zone: &Zone,
    parties: &[PartyId],
    before: Option<LogIndex>,
) -> Result<HashMap<PartyId, Vec<Statement>>, sqlx::Error> {
    let ids: Vec<Uuid> = parties.iter().map(|party| party.0).collect();
    let rows = sqlx::query_as!(
        StatementRow,
        r#"SELECT log_index AS "log_index!", party_id, proposed_index, from_day, until_day, year, source AS "source!",
             register, reference, facts AS "facts!"
           FROM (SELECT stated.* FROM unnest($2::uuid[]) AS asked (id)
                   CROSS JOIN LATERAL (SELECT * FROM ledger.fact_statement
                     WHERE zone_id = $1 AND party_id = asked.id AND log_index < $3 OFFSET 0) AS stated
                 UNION ALL
                 SELECT * FROM ledger.fact_statement WHERE zone_id = $1 AND party_id IS NULL AND log_index < $3) s
           ORDER BY log_index"#,
        zone.id.0,
        &ids,
        before.map_or(i64::MAX, |before| before.0),
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<PartyId, Vec<Statement>> =
        parties.iter().map(|party| (*party, Vec::new())).collect();
    for row in rows {
        let statement = row.read(zone.currency)?;
        match statement.party {
            Some(party) => found.entry(party).or_default().push(statement),
            None => {
                for statements in found.values_mut() {
                    statements.push(statement.clone());
                }
            }
        }
    }
    Ok(found)
}

/// What these parties have from one source.
pub(super) async fn from_source(
    conn: &mut PgConnection,
    zone: &Zone,
    parties: &[PartyId],
    source: Source,
) -> Result<HashMap<PartyId, Vec<Statement>>, sqlx::Error> {
    let ids: Vec<Uuid> = parties.iter().map(|party| party.0).collect();
    let mut rows = sqlx::query_as!(
        StatementRow,
        "SELECT log_index, party_id, proposed_index, from_day, until_day, year, source, register, reference, facts
         FROM unnest($2::uuid[]) AS asked (id)
         CROSS JOIN LATERAL (SELECT * FROM ledger.fact_statement
           WHERE zone_id = $1 AND party_id = asked.id AND source = $3 OFFSET 0) AS stated",
        zone.id.0,
        &ids,
        source.word(),
    )
    .fetch(conn);
    let mut found: HashMap<PartyId, Vec<Statement>> = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        if let Some(party) = row.party_id.map(PartyId) {
            found
                .entry(party)
                .or_default()
                .push(row.read(zone.currency)?);
        }
    }
    Ok(found)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    planned: &[Planned<'_>],
    recorded: &[Recorded],
) -> Result<(), sqlx::Error> {
    let drafts = || planned.iter().map(|planned| planned.draft);
    let indices: Vec<i64> = recorded.iter().map(|recorded| recorded.index.0).collect();
    let parties: Vec<Uuid> = planned.iter().map(|planned| planned.party.0).collect();
    let from: Vec<Option<NaiveDate>> = drafts().map(|draft| draft.when.from()).collect();
    let until: Vec<Option<NaiveDate>> = drafts().map(|draft| draft.when.until()).collect();
    let years: Vec<Option<i16>> = drafts().map(|draft| draft.when.year()).collect();
    let sources: Vec<&str> = drafts().map(|draft| draft.source.word()).collect();
    let registers: Vec<Option<&str>> = drafts()
        .map(|draft| draft.register.as_ref().map(super::Register::as_str))
        .collect();
    let references: Vec<Option<&str>> = drafts()
        .map(|draft| draft.reference.as_ref().map(crate::types::Name::as_str))
        .collect();
    let facts: Vec<&str> = drafts().map(|draft| draft.facts.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.fact_statement (zone_id, log_index, party_id, from_day, until_day, year, source,
             register, reference, facts)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::date[], $5::date[], $6::smallint[],
             $7::text[], $8::text[], $9::text[], $10::text[]) AS new",
        zone.0,
        &indices,
        &parties,
        &from as _,
        &until as _,
        &years as _,
        &sources as _,
        &registers as _,
        &references as _,
        &facts as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// States of every party of the zone what a whole register says of those that it does not name.
pub(super) async fn insert_of_zone(
    conn: &mut PgConnection,
    zone: ZoneId,
    draft: &Draft,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.fact_statement (zone_id, log_index, from_day, source, register, facts)
         VALUES ($1, $2, $3, $4, $5, $6)",
        zone.0,
        index.0,
        draft.when.from(),
        draft.source.word(),
        draft.register.as_ref().map(super::Register::as_str),
        draft.facts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row that no statement is written as: it was written past the service.
#[derive(Debug, thiserror::Error)]
#[error("the statement of entry {0} can't be read; run `subsidy-ledger verify`")]
struct Unreadable(LogIndex);

/// A stored text that its own type does not accept: the row was written past the service.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
