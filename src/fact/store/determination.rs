//! Determinations as rows.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::fact::confirm::{Determination, Kind, Proposed};
use crate::fact::determine::Proposal;
use crate::fact::file::digest;
use crate::fact::register::Register;
use crate::fact::values::Values;
use crate::policy::Sha256;
use crate::types::{Currency, LogIndex, Name, PartyId, PersonId, Zone, ZoneId};

struct Row {
    proposed_index: i64,
    kind: String,
    party_id: Option<Uuid>,
    register: Option<String>,
    reference: Option<String>,
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
        let kind = Kind::named(&self.kind)
            .ok_or_else(|| sqlx::Error::Decode("a determination of no known kind".into()))?;
        Ok(Determination {
            kind,
            register: self
                .register
                .map(|name| name.parse().map_err(decode))
                .transpose()?,
            reference: self
                .reference
                .map(|text| text.parse().map_err(decode))
                .transpose()?,
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
        "SELECT proposed_index, kind, party_id, register, reference, facts, from_day, until_day, reason, evidence,
             proposed_by, confirmed_by, confirmed_index
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

/// The last that was proposed to determine of the same fact, party and first day.
pub(in crate::fact) async fn last_determination(
    conn: &mut PgConnection,
    zone: &Zone,
    proposal: &Proposal,
) -> Result<Option<Determination>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT proposed_index, kind, party_id, register, reference, facts, from_day, until_day, reason, evidence,
             proposed_by, confirmed_by, confirmed_index
         FROM ledger.determination
         WHERE zone_id = $1 AND kind = 'determination' AND party_id IS NOT DISTINCT FROM $2 AND from_day = $3
             AND facts::json -> $4 IS NOT NULL
         ORDER BY proposed_index DESC LIMIT 1",
        zone.id.0,
        proposal.party.map(|party| party.0),
        proposal.days.from(),
        proposal.fact.name(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.read(zone.currency)).transpose()
}

/// Locks the determination that an entry proposed, if it did.
pub(in crate::fact) async fn lock_determination(
    conn: &mut PgConnection,
    zone: &Zone,
    proposed: LogIndex,
) -> Result<Option<Determination>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT proposed_index, kind, party_id, register, reference, facts, from_day, until_day, reason, evidence,
             proposed_by, confirmed_by, confirmed_index
         FROM ledger.determination WHERE zone_id = $1 AND proposed_index = $2 FOR UPDATE",
        zone.id.0,
        proposed.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.read(zone.currency)).transpose()
}

/// Locks the next recognitions in a register that wait for a second person, after this proposal, in their order.
pub(in crate::fact) async fn lock_waiting(
    conn: &mut PgConnection,
    zone: &Zone,
    register: &Register,
    after: Option<LogIndex>,
    limit: u16,
) -> Result<Vec<Determination>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT proposed_index, kind, party_id, register, reference, facts, from_day, until_day, reason, evidence,
             proposed_by, confirmed_by, confirmed_index
         FROM ledger.determination
         WHERE zone_id = $1 AND proposed_index > $2 AND register = $3 AND kind = 'recognition'
             AND confirmed_index IS NULL
         ORDER BY proposed_index LIMIT $4 FOR UPDATE",
        zone.id.0,
        after.map_or(-1, |after| after.0),
        register.as_str(),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| row.read(zone.currency))
        .collect()
}

/// Inserts proposals of one person, whose entries are in the log.
pub(in crate::fact) async fn insert_proposed(
    conn: &mut PgConnection,
    zone: ZoneId,
    by: PersonId,
    proposed: &[Proposed],
) -> Result<(), sqlx::Error> {
    let each = || proposed.iter();
    let indices: Vec<i64> = each().map(|one| one.entry.0).collect();
    let kinds: Vec<&str> = each().map(|one| one.kind.as_str()).collect();
    let parties: Vec<Option<Uuid>> = each().map(|one| one.party.map(|party| party.0)).collect();
    let registers: Vec<Option<&str>> = each()
        .map(|one| one.register.as_ref().map(Register::as_str))
        .collect();
    let references: Vec<Option<&str>> = each()
        .map(|one| one.reference.as_ref().map(Name::as_str))
        .collect();
    let facts: Vec<String> = each().map(|one| one.facts.to_text()).collect();
    let from: Vec<NaiveDate> = each().map(|one| one.from).collect();
    let until: Vec<Option<NaiveDate>> = each().map(|one| one.until).collect();
    let reasons: Vec<&str> = each().map(|one| one.reason.as_str()).collect();
    let evidence: Vec<String> = each()
        .map(|one| {
            let evidence: Vec<String> = one.evidence.iter().map(ToString::to_string).collect();
            evidence.join(" ")
        })
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.determination (zone_id, proposed_by, proposed_index, kind, party_id, register, reference,
             facts, from_day, until_day, reason, evidence)
         SELECT $1, $2, new.* FROM unnest($3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
             $9::date[], $10::date[], $11::text[], $12::text[]) AS new",
        zone.0,
        by.0,
        &indices,
        &kinds as _,
        &parties as _,
        &registers as _,
        &references as _,
        &facts,
        &from,
        &until as _,
        &reasons as _,
        &evidence,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Confirms a proposal, and states what it says: the row of the statement refers to a confirmed proposal.
pub(in crate::fact) async fn confirm_determination(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposal: &Determination,
    number: Option<&Name>,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let number = number.map(Name::as_str);
    sqlx::query!(
        "UPDATE ledger.determination SET confirmed_by = $3, confirmed_index = $4, reference = $5
         WHERE zone_id = $1 AND proposed_index = $2 AND confirmed_index IS NULL",
        zone.0,
        proposal.proposed_index.0,
        by.0,
        index.0,
        number,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO ledger.fact_statement (zone_id, log_index, party_id, proposed_index, from_day, until_day, source,
             register, reference, facts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        zone.0,
        index.0,
        proposal.party.map(|party| party.0),
        proposal.proposed_index.0,
        proposal.from,
        proposal.until,
        proposal.kind.source().word(),
        proposal.register.as_ref().map(Register::as_str),
        number,
        proposal.facts.to_text(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
