//! Determinations as rows.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::fact::determine::{Determination, Proposal};
use crate::fact::file::digest;
use crate::fact::values::Values;
use crate::policy::Sha256;
use crate::types::{Currency, LogIndex, PartyId, PersonId, Zone, ZoneId};

struct Row {
    proposed_index: i64,
    party_id: Option<Uuid>,
    facts: String,
    from_day: NaiveDate,
    until_day: Option<NaiveDate>,
    reason: String,
    evidence: String,
    proposed_by: Uuid,
    confirmed_by: Option<Uuid>,
    confirmed_index: Option<i64>,
}

impl Row {
    fn read(self, currency: Currency) -> Result<Determination, sqlx::Error> {
        let evidence: Result<Vec<Sha256>, String> = self.evidence.split(' ').map(digest).collect();
        Ok(Determination {
            proposed_index: LogIndex(self.proposed_index),
            party: self.party_id.map(PartyId),
            facts: Values::parse(&self.facts, currency).map_err(decode)?,
            from: self.from_day,
            until: self.until_day,
            reason: self.reason.parse().map_err(decode)?,
            evidence: evidence.map_err(|error| sqlx::Error::Decode(error.into()))?,
            proposed_by: PersonId(self.proposed_by),
            confirmed_by: self.confirmed_by.map(PersonId),
            confirmed_index: self.confirmed_index.map(LogIndex),
        })
    }
}

/// Which determinations to list, in the order in which they were proposed.
#[derive(Clone, Copy, Debug)]
pub struct DeterminationFilter {
    /// Only those that wait for a second person.
    pub open: bool,
    /// Only those about this party; those about the whole zone are no party's.
    pub party: Option<PartyId>,
    /// Only those after this proposal: the last of the page before.
    pub after: Option<LogIndex>,
    /// At most so many.
    pub limit: u16,
}

/// One page of determinations.
pub async fn determinations(
    conn: &mut PgConnection,
    zone: &Zone,
    filter: &DeterminationFilter,
) -> Result<Vec<Determination>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT proposed_index, party_id, facts, from_day, until_day, reason, evidence, proposed_by, confirmed_by,
             confirmed_index
         FROM ledger.determination
         WHERE zone_id = $1 AND proposed_index > $2 AND (NOT $3 OR confirmed_index IS NULL)
             AND ($4::uuid IS NULL OR party_id = $4)
         ORDER BY proposed_index LIMIT $5",
        zone.id.0,
        filter.after.map_or(-1, |after| after.0),
        filter.open,
        filter.party.map(|party| party.0),
        i64::from(filter.limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| row.read(zone.currency))
        .collect()
}

/// Locks the determination that an entry proposed, if it did.
pub(in crate::fact) async fn lock_determination(
    conn: &mut PgConnection,
    zone: &Zone,
    proposed: LogIndex,
) -> Result<Option<Determination>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT proposed_index, party_id, facts, from_day, until_day, reason, evidence, proposed_by, confirmed_by,
             confirmed_index
         FROM ledger.determination WHERE zone_id = $1 AND proposed_index = $2 FOR UPDATE",
        zone.id.0,
        proposed.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.read(zone.currency)).transpose()
}

pub(in crate::fact) async fn insert_proposal(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposal: &Proposal,
    facts: &Values,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let evidence: Vec<String> = proposal.evidence.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "INSERT INTO ledger.determination (zone_id, proposed_index, party_id, facts, from_day, until_day, reason,
             evidence, proposed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        zone.0,
        index.0,
        proposal.party.map(|party| party.0),
        facts.to_text(),
        proposal.days.from(),
        proposal.days.until(),
        proposal.reason.as_str(),
        evidence.join(" "),
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Confirms a proposal, and states what it says: the row of the statement refers to a confirmed determination.
pub(in crate::fact) async fn confirm_determination(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposal: &Determination,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.determination SET confirmed_by = $3, confirmed_index = $4
         WHERE zone_id = $1 AND proposed_index = $2 AND confirmed_index IS NULL",
        zone.0,
        proposal.proposed_index.0,
        by.0,
        index.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO ledger.fact_statement (zone_id, log_index, party_id, proposed_index, from_day, until_day, source,
             facts)
         VALUES ($1, $2, $3, $4, $5, $6, 'verified', $7)",
        zone.0,
        index.0,
        proposal.party.map(|party| party.0),
        proposal.proposed_index.0,
        proposal.from,
        proposal.until,
        proposal.facts.to_text(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
