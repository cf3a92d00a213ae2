//! Reading recoveries: lists, what settled one, and totals.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::{by_ids, decode, unknown};
use crate::journal::AccountCode;
use crate::payment::BankLineId;
use crate::recovery::model::{Recovery, RecoveryState};
use crate::types::{
    Code, FiscalYear, LogIndex, Money, PartyId, PayableId, RecoveryId, Zone, ZoneId,
};

/// Which recoveries are asked for; all, if nothing is said.
#[derive(Clone, Debug, Default)]
pub struct RecoveryFilter {
    /// Of this party.
    pub party: Option<PartyId>,
    /// Of this programme.
    pub programme: Option<Code>,
    /// In this state.
    pub state: Option<RecoveryState>,
    /// Those proposed after this entry.
    pub after: Option<LogIndex>,
}

/// A recovery with the name of its party and the short name of what was paid.
#[derive(Clone, Debug)]
pub struct RecoveryRow {
    /// The recovery.
    pub recovery: Recovery,
    /// The party's name.
    pub party_name: String,
    /// The entry that made the payable owed; `D` and this number is its short name.
    pub owed_index: LogIndex,
}

/// Recoveries in the order in which they were proposed, at most so many.
pub async fn recoveries(
    conn: &mut PgConnection,
    zone: &Zone,
    filter: &RecoveryFilter,
    limit: i64,
) -> Result<Vec<RecoveryRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT r.recovery_id, p.owed_index, coalesce(y.name, '') AS "party_name!"
           FROM ledger.recovery r
           JOIN ledger.payable p ON p.zone_id = r.zone_id AND p.payable_id = r.payable_id
           LEFT JOIN ledger.party y ON y.zone_id = p.zone_id AND y.party_id = p.payee_id
           WHERE r.zone_id = $1 AND ($2::uuid IS NULL OR p.payee_id = $2) AND ($3::text IS NULL OR p.programme = $3)
               AND ($4::text IS NULL OR r.state = $4) AND ($5::bigint IS NULL OR r.proposed_index > $5)
           ORDER BY r.proposed_index LIMIT $6"#,
        zone.id.0,
        filter.party.map(|party| party.0),
        filter.programme.as_ref().map(Code::as_str),
        filter.state.map(RecoveryState::as_str),
        filter.after.map(|index| index.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.recovery_id).collect();
    let found = by_ids(conn, zone, &ids).await?;
    let row = found
        .into_iter()
        .zip(rows)
        .map(|(recovery, row)| RecoveryRow {
            recovery,
            party_name: row.party_name,
            owed_index: LogIndex(row.owed_index),
        });
    Ok(row.collect())
}

/// One recovery.
pub async fn recovery(
    conn: &mut PgConnection,
    zone: &Zone,
    id: RecoveryId,
) -> Result<Option<RecoveryRow>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT p.owed_index, coalesce(y.name, '') AS "party_name!"
           FROM ledger.recovery r
           JOIN ledger.payable p ON p.zone_id = r.zone_id AND p.payable_id = r.payable_id
           LEFT JOIN ledger.party y ON y.zone_id = p.zone_id AND y.party_id = p.payee_id
           WHERE r.zone_id = $1 AND r.recovery_id = $2"#,
        zone.id.0,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let found = by_ids(conn, zone, &[id.0]).await?.pop();
    Ok(found.zip(row).map(|(recovery, row)| RecoveryRow {
        recovery,
        party_name: row.party_name,
        owed_index: LogIndex(row.owed_index),
    }))
}

/// A part of a recovery that was settled.
#[derive(Clone, Debug)]
pub struct SettlementRow {
    /// The entry.
    pub index: LogIndex,
    /// The day it counts for.
    pub day: NaiveDate,
    /// `cash`, `offset` or `write_off`.
    pub way: String,
    /// Minor units.
    pub amount: Money,
    /// Where the spent authority went back to.
    pub returned_to: Option<AccountCode>,
    /// Of cash, the line of the bank.
    pub bank_line: Option<BankLineId>,
    /// Of an offset, the payable and the entry that made it owed.
    pub payable: Option<(PayableId, LogIndex)>,
}

/// What settled a recovery, oldest first.
pub async fn settlements(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: RecoveryId,
) -> Result<Vec<SettlementRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.log_index, e.effective, s.way, s.amount, s.returned_to, s.file_index, s.line_number, s.payable_id,
               y.owed_index AS "owed_index?"
           FROM ledger.recovery_settlement s
           JOIN ledger.entry e ON e.zone_id = s.zone_id AND e.log_index = s.log_index
           LEFT JOIN ledger.payable y ON y.zone_id = s.zone_id AND y.payable_id = s.payable_id
           WHERE s.zone_id = $1 AND s.recovery_id = $2 ORDER BY s.log_index"#,
        zone.0,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let line = row.file_index.zip(row.line_number);
            let returned_to = row.returned_to.map(|code| code.parse());
            Ok(SettlementRow {
                index: LogIndex(row.log_index),
                day: row.effective,
                way: row.way,
                amount: Money::from_minor(row.amount),
                returned_to: returned_to.transpose().map_err(decode)?,
                bank_line: line.map(|(file, number)| BankLineId {
                    file: LogIndex(file),
                    number,
                }),
                payable: row
                    .payable_id
                    .zip(row.owed_index)
                    .map(|(id, index)| (PayableId(id), LogIndex(index))),
            })
        })
        .collect()
}

/// A write-off that was proposed.
#[derive(Clone, Debug)]
pub struct WriteOffRow {
    /// The entry, which names it.
    pub proposed_index: LogIndex,
    /// What was open then, minor units.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// `approved` or `rejected`; `None` while it waits.
    pub outcome: Option<String>,
    /// The entry of that.
    pub decided_index: Option<LogIndex>,
}

/// The write-offs that were proposed of a recovery, oldest first.
pub async fn write_offs(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: RecoveryId,
) -> Result<Vec<WriteOffRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT proposed_index, amount, reason, outcome, decided_index FROM ledger.recovery_write_off
         WHERE zone_id = $1 AND recovery_id = $2 ORDER BY proposed_index",
        zone.0,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| WriteOffRow {
        proposed_index: LogIndex(row.proposed_index),
        amount: Money::from_minor(row.amount),
        reason: row.reason,
        outcome: row.outcome,
        decided_index: row.decided_index.map(LogIndex),
    });
    Ok(row.collect())
}

/// What became of the recoveries of a budget line. Minor units: ordered is the sum of received, offset, written off and
/// open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryTotals {
    /// The programme that paid.
    pub programme: Code,
    /// The budget year that paid.
    pub year: FiscalYear,
    /// How many orders stand.
    pub number: i64,
    /// Ordered, and not voided.
    pub ordered: Money,
    /// Brought by lines of the bank.
    pub received: Money,
    /// Offset against payables.
    pub set_off: Money,
    /// Given up.
    pub written_off: Money,
    /// Still to come: F1210 of the line.
    pub open: Money,
}

/// Totals of orders that stand, by the programme and year that paid.
pub async fn totals(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<RecoveryTotals>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.programme, p.fiscal_year, count(*) AS "number!", sum(r.amount)::bigint AS "ordered!",
               sum(r.received)::bigint AS "received!", sum(r.set_off)::bigint AS "set_off!",
               sum(r.written_off)::bigint AS "written_off!", sum(r.open)::bigint AS "open!"
           FROM ledger.recovery r
           JOIN ledger.payable p ON p.zone_id = r.zone_id AND p.payable_id = r.payable_id
           WHERE r.zone_id = $1 AND r.outcome = 'ordered' AND r.voided_index IS NULL
           GROUP BY p.programme, p.fiscal_year ORDER BY p.fiscal_year, p.programme"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let programme = row.programme.parse();
            Ok(RecoveryTotals {
                programme: programme.map_err(|_| unknown(&row.programme))?,
                year: FiscalYear(row.fiscal_year),
                number: row.number,
                ordered: Money::from_minor(row.ordered),
                received: Money::from_minor(row.received),
                set_off: Money::from_minor(row.set_off),
                written_off: Money::from_minor(row.written_off),
                open: Money::from_minor(row.open),
            })
        })
        .collect()
}
