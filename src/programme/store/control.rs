//! Transfers between budget lines and freezes of them, as rows.

use serde::Serialize;
use sqlx::PgConnection;

use super::decode;
use crate::programme::BudgetLine;
use crate::programme::control::Freeze;
use crate::programme::transfer::{ProposeTransfer, ProposedTransfer, TransferOutcome};
use crate::types::{Amount, Code, FiscalYear, LogIndex, Money, PersonId, Reason, ZoneId};

/// A budget line that is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frozen {
    /// The programme.
    pub programme: Code,
    /// The budget year.
    pub year: FiscalYear,
    /// The entry that froze it.
    pub frozen_index: LogIndex,
    /// Why.
    pub reason: Reason,
}

impl Frozen {
    /// Whether it is this line.
    pub fn is(&self, line: &BudgetLine) -> bool {
        self.programme == line.programme && self.year == line.year
    }
}

/// Which of these budget lines are frozen. Whoever posts from one locks the log's head before asking: what is not frozen
/// then stays so until commit.
pub async fn frozen(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[BudgetLine],
) -> Result<Vec<Frozen>, sqlx::Error> {
    let all = all_frozen(conn, zone).await?;
    let of_lines = all
        .into_iter()
        .filter(|frozen| lines.iter().any(|line| frozen.is(line)));
    Ok(of_lines.collect())
}

/// Every budget line that is frozen, in the order of the log: few, if any.
pub async fn all_frozen(conn: &mut PgConnection, zone: ZoneId) -> Result<Vec<Frozen>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT programme, fiscal_year, frozen_index, reason FROM ledger.budget_freeze
         WHERE zone_id = $1 AND thawed_index IS NULL ORDER BY frozen_index",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Frozen {
                programme: row.programme.parse().map_err(decode)?,
                year: FiscalYear(row.fiscal_year),
                frozen_index: LogIndex(row.frozen_index),
                reason: row.reason.parse().map_err(decode)?,
            })
        })
        .collect()
}

/// Inserts a freeze whose entry is in the log.
pub(in crate::programme) async fn insert_freeze(
    conn: &mut PgConnection,
    zone: ZoneId,
    freeze: &Freeze,
    person: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.budget_freeze (zone_id, frozen_index, programme, fiscal_year, reason, frozen_by)
         VALUES ($1, $2, $3, $4, $5, $6)",
        zone.0,
        index.0,
        freeze.programme.as_str(),
        freeze.year.0,
        freeze.reason.as_str(),
        person.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a freeze.
pub(in crate::programme) async fn end_freeze(
    conn: &mut PgConnection,
    zone: ZoneId,
    frozen: LogIndex,
    person: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.budget_freeze SET thawed_by = $3, thawed_index = $4
         WHERE zone_id = $1 AND frozen_index = $2 AND thawed_index IS NULL",
        zone.0,
        frozen.0,
        person.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts a proposal whose entry is in the log.
pub(in crate::programme) async fn insert_transfer(
    conn: &mut PgConnection,
    zone: ZoneId,
    input: &ProposeTransfer,
    person: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.budget_transfer (zone_id, proposed_index, fiscal_year, from_programme, to_programme,
             amount, reason, proposed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        zone.0,
        index.0,
        input.year.0,
        input.from.as_str(),
        input.to.as_str(),
        input.amount.money().minor(),
        input.reason.as_str(),
        person.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says what became of a proposal.
pub(in crate::programme) async fn decide_transfer(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: LogIndex,
    (outcome, person, index): (TransferOutcome, PersonId, LogIndex),
) -> Result<(), sqlx::Error> {
    let outcome = match outcome {
        TransferOutcome::Approved => "approved",
        TransferOutcome::Rejected => "rejected",
    };
    sqlx::query!(
        "UPDATE ledger.budget_transfer SET outcome = $3, decided_by = $4, decided_index = $5
         WHERE zone_id = $1 AND proposed_index = $2 AND outcome IS NULL",
        zone.0,
        proposed.0,
        outcome,
        person.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    proposed_index: i64,
    fiscal_year: i16,
    from_programme: String,
    to_programme: String,
    amount: i64,
    reason: String,
    proposed_by: uuid::Uuid,
    outcome: Option<String>,
    decided_by: Option<uuid::Uuid>,
    decided_index: Option<i64>,
}

impl Row {
    fn transfer(self) -> Result<ProposedTransfer, sqlx::Error> {
        let outcome = match self.outcome.as_deref() {
            None => None,
            Some("approved") => Some(TransferOutcome::Approved),
            Some(_) => Some(TransferOutcome::Rejected),
        };
        Ok(ProposedTransfer {
            proposed_index: LogIndex(self.proposed_index),
            year: FiscalYear(self.fiscal_year),
            from: self.from_programme.parse().map_err(decode)?,
            to: self.to_programme.parse().map_err(decode)?,
            amount: Amount::new(Money::from_minor(self.amount)).map_err(decode)?,
            reason: self.reason.parse().map_err(decode)?,
            proposed_by: PersonId(self.proposed_by),
            outcome,
            decided_by: self.decided_by.map(PersonId),
            decided_index: self.decided_index.map(LogIndex),
        })
    }
}

/// Locks a proposed transfer.
pub(in crate::programme) async fn lock_transfer(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: LogIndex,
) -> Result<Option<ProposedTransfer>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT proposed_index, fiscal_year, from_programme, to_programme, amount, reason, proposed_by, outcome,
             decided_by, decided_index
         FROM ledger.budget_transfer WHERE zone_id = $1 AND proposed_index = $2 FOR UPDATE",
        zone.0,
        proposed.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::transfer).transpose()
}

/// Every proposed transfer, in the order of the log.
pub async fn transfers(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<ProposedTransfer>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT proposed_index, fiscal_year, from_programme, to_programme, amount, reason, proposed_by, outcome,
             decided_by, decided_index
         FROM ledger.budget_transfer WHERE zone_id = $1 ORDER BY proposed_index",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::transfer).collect()
}
