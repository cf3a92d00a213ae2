//! What auditors read, as rows.

mod case;
mod describe;
mod exception;

pub(super) use case::{EntryRow, chart, digests, entries, indices, payments, subjects};
pub(super) use describe::describe;
pub(super) use exception::{
    Found, Near, Threshold, conflicting_roles, duplicate_documents, near, related_parties,
    round_trips, shared_accounts,
};

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::draw::Picked;
use super::sample::{Item, Pick};
use crate::types::{Code, FiscalYear, LogIndex, Money, ZoneId};

/// Whether there is a programme.
pub(super) async fn has_programme(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: &Code,
) -> Result<bool, sqlx::Error> {
    crate::programme::store::exists(conn, zone, programme).await
}

/// What was owed of a budget year after so many entries, and not revoked by then. Amounts of payables never change, and none
/// goes away, so the past is there to be read.
pub(super) async fn population(
    conn: &mut PgConnection,
    zone: ZoneId,
    year: FiscalYear,
    programme: Option<&Code>,
    size: i64,
) -> Result<Vec<Item>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT y.owed_index, y.amount FROM ledger.payable y
         WHERE y.zone_id = $1 AND y.fiscal_year = $2 AND ($3::text IS NULL OR y.programme = $3) AND y.owed_index < $4
             AND NOT EXISTS (SELECT FROM ledger.claim c WHERE c.zone_id = y.zone_id AND c.claim_id = y.payable_id
                 AND c.revoked_index < $4)",
        zone.0,
        year.0,
        programme.map(Code::as_str),
        size,
    )
    .fetch_all(conn)
    .await?;
    let items = rows.into_iter().map(|row| Item {
        owed: LogIndex(row.owed_index),
        amount: Money::from_minor(row.amount),
    });
    Ok(items.collect())
}

/// The entry of a draw.
pub(super) struct DrawRow {
    pub(super) index: LogIndex,
    pub(super) at: DateTime<Utc>,
    pub(super) by: String,
    pub(super) body: Vec<u8>,
}

/// Draws after an entry, oldest first.
pub(super) async fn draws(
    conn: &mut PgConnection,
    zone: ZoneId,
    after: Option<LogIndex>,
    limit: i64,
) -> Result<Vec<DrawRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT e.log_index, e.recorded_at, e.body, p.login FROM ledger.entry e
         JOIN ledger.person p ON p.zone_id = e.zone_id AND p.person_id = e.actor_id
         WHERE e.zone_id = $1 AND e.kind = 'audit.sample_drawn' AND e.log_index > $2
         ORDER BY e.log_index LIMIT $3",
        zone.0,
        after.map_or(-1, |after| after.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let draws = rows.into_iter().map(|row| DrawRow {
        index: LogIndex(row.log_index),
        at: row.recorded_at,
        by: row.login,
        body: row.body,
    });
    Ok(draws.collect())
}

/// Picks with what an auditor looks them up by, in their order.
pub(super) async fn picked(
    conn: &mut PgConnection,
    zone: ZoneId,
    picks: Vec<Pick>,
) -> Result<Vec<Picked>, sqlx::Error> {
    let owed: Vec<i64> = picks.iter().map(|pick| pick.item.owed.0).collect();
    let rows = sqlx::query!(
        r#"SELECT y.owed_index, y.programme, p.name, h.held_index AS "held_index?", c.drafted_index AS "drafted_index?"
           FROM ledger.payable y
           JOIN ledger.party p ON p.zone_id = y.zone_id AND p.party_id = y.payee_id
           LEFT JOIN ledger.hold h ON h.zone_id = y.zone_id AND h.hold_id = y.payable_id
           LEFT JOIN ledger.claim c ON c.zone_id = y.zone_id AND c.claim_id = y.payable_id
           WHERE y.zone_id = $1 AND y.owed_index = ANY($2)"#,
        zone.0,
        &owed,
    )
    .fetch_all(conn)
    .await?;
    let mut known: HashMap<LogIndex, (String, String, Code)> = HashMap::new();
    for row in rows {
        let held = row.held_index.map(|index| format!("H{index}"));
        let case = held.or(row.drafted_index.map(|index| format!("C{index}")));
        let programme = row.programme.parse();
        let programme = programme.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let told = (case.unwrap_or_default(), row.name, programme);
        known.insert(LogIndex(row.owed_index), told);
    }
    let picked = picks.into_iter().filter_map(|pick| {
        let (case, payee, programme) = known.remove(&pick.item.owed)?;
        Some(Picked {
            pick,
            case,
            payee,
            programme,
        })
    });
    Ok(picked.collect())
}
