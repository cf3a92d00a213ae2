//! Who stands in a register on a day.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::decode;
use crate::fact::register::Register;
use crate::fact::values::Values;
use crate::types::{LogIndex, Name, PartyId, Zone, ZoneId};

/// A party that stands in a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The party.
    pub party: PartyId,
    /// Its code, number or name.
    pub identifier: String,
    /// Its name.
    pub name: Name,
    /// Number of the certificate or registration.
    pub reference: Option<Name>,
    /// First day of its row.
    pub from: NaiveDate,
    /// First day on which the row no longer holds.
    pub until: Option<NaiveDate>,
    /// What the register says of it.
    pub facts: Values,
    /// The entry that says so.
    pub entry: LogIndex,
}

/// One page of a register as it was on a day, in the order in which the parties were registered: those whose row of
/// that day says that they stand in it, and is not past its last day.
pub async fn register_on(
    conn: &mut PgConnection,
    zone: &Zone,
    register: &Register,
    on: NaiveDate,
    after: Option<PartyId>,
    limit: u16,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH last AS (
               SELECT DISTINCT ON (party_id) log_index, party_id, from_day, until_day, reference, facts
               FROM ledger.fact_statement
               WHERE zone_id = $1 AND register = $2 AND from_day <= $3 AND party_id IS NOT NULL
               ORDER BY party_id, from_day DESC, log_index DESC
           ), holding AS (
               SELECT * FROM last WHERE until_day IS NULL OR until_day > $3
           )
           SELECT h.log_index AS "log_index!", h.party_id AS "party_id!", h.from_day AS "from_day!", h.until_day,
               h.reference, h.facts AS "facts!", p.identifier, p.name
           FROM holding h
           JOIN ledger.party p ON p.zone_id = $1 AND p.party_id = h.party_id
           CROSS JOIN LATERAL (SELECT h.facts::json) f (facts)
           WHERE CASE $2
                   WHEN 'tech_sme' THEN f.facts ->> 'tech_sme_status' = 'valid'
                       AND coalesce((f.facts ->> 'tech_sme_valid_until')::date >= $3, true)
                   WHEN 'hnte' THEN f.facts ->> 'hnte_status' = 'valid'
                       AND coalesce((f.facts ->> 'hnte_valid_until')::date >= $3, true)
                   WHEN 'integrity' THEN f.facts ->> 'integrity_listed' = 'true'
                   ELSE true END
               AND p.log_index > coalesce((SELECT a.log_index FROM ledger.party a
                   WHERE a.zone_id = $1 AND a.party_id = $4), -1)
           ORDER BY p.log_index LIMIT $5"#,
        zone.id.0,
        register.as_str(),
        on,
        after.map(|party| party.0),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Listed {
                party: PartyId(row.party_id),
                identifier: row.identifier,
                name: row.name.parse().map_err(decode)?,
                reference: row
                    .reference
                    .map(|text| text.parse().map_err(decode))
                    .transpose()?,
                from: row.from_day,
                until: row.until_day,
                facts: Values::parse(&row.facts, zone.currency).map_err(decode)?,
                entry: LogIndex(row.log_index),
            })
        })
        .collect()
}

/// The names of other offices' registers from which something was stated in the zone.
pub async fn other_registers(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<String>, sqlx::Error> {
    let named = sqlx::query_scalar!(
        r#"SELECT DISTINCT register AS "register!" FROM ledger.fact_statement
           WHERE zone_id = $1 AND register IS NOT NULL ORDER BY 1"#,
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    let is_other = |name: &String| Register::KNOWN.iter().all(|known| known.as_str() != name);
    Ok(named.into_iter().filter(is_other).collect())
}

/// Whom a register has ever said something of, from this day or an earlier one on.
pub(in crate::fact) async fn named_by(
    conn: &mut PgConnection,
    zone: ZoneId,
    register: &Register,
    until: NaiveDate,
) -> Result<Vec<PartyId>, sqlx::Error> {
    let parties = sqlx::query_scalar!(
        r#"SELECT DISTINCT party_id AS "party_id!" FROM ledger.fact_statement
           WHERE zone_id = $1 AND register = $2 AND party_id IS NOT NULL AND from_day <= $3"#,
        zone.0,
        register.as_str(),
        until,
    )
    .fetch_all(conn)
    .await?;
    Ok(parties.into_iter().map(PartyId).collect())
}
