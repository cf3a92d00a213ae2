//! Payables, and lines of batches that the bank has, as rows.

mod account;
mod bank;
mod batch;
mod unmatched;

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{PayableState, PaymentError};
use crate::db;
use crate::programme::BudgetLine;
use crate::types::{
    Amount, Code, Currency, FiscalYear, LogIndex, Money, NotPositive, PartyId, PayableId, PersonId,
    RecoveryId, ZoneId,
};

pub use account::accounts;
pub use bank::unmatched_lines;
pub use batch::{BatchLineRow, BatchRow, batch, batches, lines_of_batch};
pub use unmatched::why_unmatched;

pub(super) use account::{
    NewRow, confirm_accounts, insert_accounts, lock_accounts, lock_own_account, newest_sealed,
    own_accounts, sealed_accounts,
};
pub(super) use bank::{
    FoundLine, KeptStatement, MatchedLine, NewBankLine, Sum, bank_file, book_only, file_sha256,
    file_totals, insert_bank_lines, insert_file, insert_statement, line_of, lock_bank_line,
    lock_bank_lines, mark_matched, matches_by_id, matches_by_party, moved_at_bank, statements,
    sums,
};
pub(super) use batch::{
    Candidate, NewLine, PreparedBatch, PreparedLine, batch_lines, discard_batch, insert_batch,
    lock_approved, lock_batch, lock_prepared, mark_sent, mark_withdrawn, release_batch,
};

/// Something owed to a payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payable {
    /// Identity.
    pub id: PayableId,
    /// Who is paid.
    pub payee: PartyId,
    /// How much, minor units.
    pub amount: Amount,
    /// What of it was offset against recoveries from the payee, minor units.
    pub set_off: Money,
    /// What pays.
    pub line: BudgetLine,
    /// Where it is.
    pub state: PayableState,
    /// Who redeemed or claimed.
    pub submitted_by: PersonId,
    /// Who reviewed or approved the case, or for whom: neither approves nor sends the payment.
    pub handled_by: Vec<PersonId>,
    /// Who approved it.
    pub approved_by: Option<PersonId>,
    /// The entry that made it owed.
    pub owed_index: LogIndex,
}

impl Payable {
    /// What is not offset, and the bank has to pay or has paid.
    pub fn rest(&self) -> Money {
        self.amount.money().saturating_sub(self.set_off)
    }

    /// Everybody who had a hand in it before its payment: who submitted, handled and approved it.
    pub fn hands(&self) -> Vec<PersonId> {
        let approver = self.approved_by.into_iter();
        let mut all: Vec<PersonId> = std::iter::once(self.submitted_by)
            .chain(self.handled_by.iter().copied())
            .chain(approver)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Which payables to read.
#[derive(Clone, Debug, Serialize)]
pub enum PayableFilter {
    /// Those in a state, oldest first, at most so many.
    State(PayableState, i64),
    /// These.
    Ids(Vec<PayableId>),
}

/// Inserts what redemptions have made owed; the entries are in the log already.
pub async fn insert_owed(
    conn: &mut PgConnection,
    zone: ZoneId,
    owed: &[Payable],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = owed.iter().map(|payable| payable.id.0).collect();
    let payees: Vec<Uuid> = owed.iter().map(|payable| payable.payee.0).collect();
    let amounts: Vec<i64> = owed.iter().map(|payable| payable.amount.minor()).collect();
    let indices: Vec<i64> = owed.iter().map(|payable| payable.owed_index.0).collect();
    let submitters: Vec<Uuid> = owed.iter().map(|payable| payable.submitted_by.0).collect();
    // Postgres has no arrays of different lengths: each row's persons in one text.
    let handlers: Vec<String> = owed
        .iter()
        .map(|payable| spaced(&payable.handled_by))
        .collect();
    let years: Vec<i16> = owed.iter().map(|payable| payable.line.year.0).collect();
    let programmes: Vec<&str> = owed
        .iter()
        .map(|payable| payable.line.programme.as_str())
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.payable (zone_id, state, payable_id, payee_id, amount, owed_index,
             submitted_by, fiscal_year, programme, handled_by)
         SELECT $1, 'owed', new.payable_id, new.payee_id, new.amount, new.owed_index, new.submitted_by,
             new.fiscal_year, new.programme, string_to_array(new.handled_by, ' ')::uuid[]
         FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::smallint[], $8::text[],
             $9::text[]) AS new (payable_id, payee_id, amount, owed_index, submitted_by, fiscal_year, programme,
                 handled_by)",
        zone.0,
        &ids,
        &payees,
        &amounts,
        &indices,
        &submitters,
        &years,
        &programmes as _,
        &handlers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn spaced(persons: &[PersonId]) -> String {
    let persons: Vec<String> = persons.iter().map(ToString::to_string).collect();
    persons.join(" ")
}

/// Reads payables, and locks them if `lock` is set, in the order of their ids.
pub async fn payables(
    conn: &mut PgConnection,
    zone: ZoneId,
    currency: Currency,
    filter: &PayableFilter,
    lock: Lock,
) -> Result<Vec<Payable>, sqlx::Error> {
    // Locking must not depend on the plan: ids first, in their order, then the rows.
    let ids: Vec<Uuid> = match (filter, lock) {
        (PayableFilter::Ids(ids), Lock::No) => ids.iter().map(|id| id.0).collect(),
        (PayableFilter::Ids(ids), Lock::ForUpdate) => {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
            sqlx::query_scalar!(
                "SELECT payable_id FROM ledger.payable WHERE zone_id = $1 AND payable_id = ANY($2)
                 ORDER BY payable_id FOR UPDATE",
                zone.0,
                &ids,
            )
            .fetch_all(&mut *conn)
            .await?
        }
        (PayableFilter::State(state, limit), Lock::No) => {
            sqlx::query_scalar!(
                "SELECT payable_id FROM ledger.payable WHERE zone_id = $1 AND state = $2
                 ORDER BY payable_id LIMIT $3",
                zone.0,
                state.as_str(),
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
        (PayableFilter::State(state, limit), Lock::ForUpdate) => {
            sqlx::query_scalar!(
                "SELECT payable_id FROM ledger.payable WHERE zone_id = $1 AND state = $2
                 ORDER BY payable_id LIMIT $3 FOR UPDATE",
                zone.0,
                state.as_str(),
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    let rows = sqlx::query!(
        "SELECT payable_id, payee_id, amount, set_off, fiscal_year, programme, state, submitted_by, handled_by,
             approved_by, owed_index
         FROM ledger.payable WHERE zone_id = $1 AND payable_id = ANY($2) ORDER BY payable_id",
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Payable {
                id: PayableId(row.payable_id),
                payee: PartyId(row.payee_id),
                amount: positive(row.amount)?,
                set_off: Money::from_minor(row.set_off),
                line: BudgetLine {
                    programme: row.programme.parse::<Code>().map_err(decode)?,
                    year: FiscalYear(row.fiscal_year),
                    currency,
                },
                state: parse_state(&row.state)?,
                submitted_by: PersonId(row.submitted_by),
                handled_by: row.handled_by.into_iter().map(PersonId).collect(),
                approved_by: row.approved_by.map(PersonId),
                owed_index: LogIndex(row.owed_index),
            })
        })
        .collect()
}

/// Whether rows are read for a decision that this transaction will write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Read only.
    No,
    /// Locked until commit.
    ForUpdate,
}

fn parse_state(text: &str) -> Result<PayableState, sqlx::Error> {
    [
        PayableState::Owed,
        PayableState::Approved,
        PayableState::Prepared,
        PayableState::Sent,
        PayableState::Paid,
        PayableState::Offset,
        PayableState::Revoked,
    ]
    .into_iter()
    .find(|state| state.as_str() == text)
    .ok_or_else(|| sqlx::Error::Decode(format!("unknown payable state {text:?}").into()))
}

pub(super) fn positive(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(|error: NotPositive| decode(error))
}

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Marks payables approved, each by its own entry.
pub(super) async fn mark_approved(
    conn: &mut PgConnection,
    zone: ZoneId,
    approver: PersonId,
    payables: &[(PayableId, LogIndex)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = payables.iter().map(|(id, _)| id.0).collect();
    let indices: Vec<i64> = payables.iter().map(|(_, index)| index.0).collect();
    sqlx::query!(
        "UPDATE ledger.payable p SET state = 'approved', approved_by = $2, approved_index = new.log_index
         FROM unnest($3::uuid[], $4::bigint[]) AS new (payable_id, log_index)
         WHERE p.zone_id = $1 AND p.payable_id = new.payable_id AND p.state = 'owed'",
        zone.0,
        approver.0,
        &ids,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves payables to another state.
pub(super) async fn set_state(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[PayableId],
    state: PayableState,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE ledger.payable SET state = $3 WHERE zone_id = $1 AND payable_id = ANY($2)",
        zone.0,
        &ids,
        state.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what has been offset of payables that are approved: one of which nothing is left is offset as a whole.
pub(super) async fn set_off(
    conn: &mut PgConnection,
    zone: ZoneId,
    payables: &[&Payable],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = payables.iter().map(|payable| payable.id.0).collect();
    let amounts: Vec<i64> = payables
        .iter()
        .map(|payable| payable.set_off.minor())
        .collect();
    sqlx::query!(
        "UPDATE ledger.payable p SET set_off = new.set_off,
             state = CASE WHEN new.set_off = p.amount THEN 'offset' ELSE p.state END
         FROM unnest($2::uuid[], $3::bigint[]) AS new (payable_id, set_off)
         WHERE p.zone_id = $1 AND p.payable_id = new.payable_id AND p.state = 'approved'",
        zone.0,
        &ids,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line of a batch as it is now.
#[derive(Clone, Debug)]
pub(super) struct SentLine {
    pub(super) end_to_end_id: String,
    pub(super) payable: PayableId,
    pub(super) payee: PartyId,
    pub(super) amount: Amount,
    pub(super) line: BudgetLine,
    pub(super) state: String,
    pub(super) bank_reference: Option<String>,
    pub(super) sent_on: NaiveDate,
}

/// The lines that went to the bank with these ids, locked, in the order of their ids.
pub(super) async fn lock_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    currency: Currency,
    ids: &[&str],
) -> Result<Vec<SentLine>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.end_to_end_id, l.payable_id, l.amount, l.state, l.bank_reference, b.sent_on AS "sent_on!",
             p.payee_id, p.fiscal_year, p.programme
         FROM ledger.payment_line l
         JOIN ledger.payable p ON p.zone_id = l.zone_id AND p.payable_id = l.payable_id
         JOIN ledger.payment_batch b ON b.zone_id = l.zone_id AND b.batch_id = l.batch_id
         WHERE l.zone_id = $1 AND l.end_to_end_id = ANY($2) AND b.state = 'released'
             AND l.state <> 'withdrawn'
         ORDER BY l.end_to_end_id FOR UPDATE OF l, p"#,
        zone.0,
        ids as _,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SentLine {
                end_to_end_id: row.end_to_end_id,
                payable: PayableId(row.payable_id),
                payee: PartyId(row.payee_id),
                amount: positive(row.amount)?,
                line: BudgetLine {
                    programme: row.programme.parse::<Code>().map_err(decode)?,
                    year: FiscalYear(row.fiscal_year),
                    currency,
                },
                state: row.state,
                bank_reference: row.bank_reference,
                sent_on: row.sent_on,
            })
        })
        .collect()
}

/// What is in the way of a return, of those who ask the payable back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedBack {
    /// A recovery waits to be ordered.
    Proposed,
    /// It is ordered, and nothing of it is settled.
    Ordered,
    /// Something of it was written off.
    WrittenOff,
    /// It was partly settled after the caller locked those that were.
    Since,
}

/// The first recovery that is in the way of a return, by the entry that proposed it, but for those that are partly settled and
/// `locked`. The payable is locked, as it is by whoever asks it back.
pub(super) async fn asked_back(
    conn: &mut PgConnection,
    zone: ZoneId,
    payable: PayableId,
    locked: &[RecoveryId],
) -> Result<Option<(LogIndex, AskedBack)>, sqlx::Error> {
    let locked: Vec<Uuid> = locked.iter().map(|id| id.0).collect();
    let row = sqlx::query!(
        r#"SELECT proposed_index, outcome IS NULL AS "proposed!", written_off > 0 AS "written_off!",
             received + set_off > 0 AS "settled!"
           FROM ledger.recovery
           WHERE zone_id = $1 AND payable_id = $2 AND state NOT IN ('rejected', 'void')
             AND (received + set_off = 0 OR written_off > 0 OR open > 0 AND recovery_id <> ALL ($3))
           ORDER BY proposed_index LIMIT 1"#,
        zone.0,
        payable.0,
        &locked,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let why = match (row.proposed, row.written_off, row.settled) {
            (true, _, _) => AskedBack::Proposed,
            (false, true, _) => AskedBack::WrittenOff,
            (false, false, false) => AskedBack::Ordered,
            (false, false, true) => AskedBack::Since,
        };
        (LogIndex(row.proposed_index), why)
    }))
}

/// Keeps that the bank gave back what an instruction had paid.
pub(super) async fn return_line(
    conn: &mut PgConnection,
    zone: ZoneId,
    end_to_end_id: &str,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.payment_line SET state = 'returned', returned_index = $3
         WHERE zone_id = $1 AND end_to_end_id = $2 AND state = 'paid'",
        zone.0,
        end_to_end_id,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these references of the bank have confirmed instructions, by tables or by statements, with the end-to-end ids of
/// these: a bank that books several at once has one reference for all.
pub(super) async fn used_references(
    conn: &mut PgConnection,
    zone: ZoneId,
    references: &[&str],
) -> Result<HashMap<String, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT bank_reference AS "reference!", end_to_end_id AS "instruction!" FROM ledger.payment_line
           WHERE zone_id = $1 AND bank_reference = ANY($2)
           UNION ALL SELECT reference, instruction FROM ledger.bank_line
           WHERE zone_id = $1 AND reference = ANY($2) AND instruction IS NOT NULL"#,
        zone.0,
        references as _,
    )
    .fetch_all(conn)
    .await?;
    let mut used: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows {
        used.entry(row.reference).or_default().push(row.instruction);
    }
    Ok(used)
}

/// What a statement said of a line, with the entry that records it.
#[derive(Clone, Debug)]
pub(super) struct ClosedLine<'a> {
    pub(super) end_to_end_id: &'a str,
    pub(super) state: &'static str,
    pub(super) bank_reference: Option<&'a str>,
    pub(super) index: LogIndex,
}

/// Closes lines of batches.
///
/// # Errors
/// [`PaymentError::Overtaken`] if another transaction has used one of the bank's references meanwhile.
pub(super) async fn close_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    statement: &[u8; 32],
    closed: &[ClosedLine<'_>],
) -> Result<(), PaymentError> {
    let ids: Vec<&str> = closed.iter().map(|line| line.end_to_end_id).collect();
    let states: Vec<&str> = closed.iter().map(|line| line.state).collect();
    let references: Vec<Option<&str>> = closed.iter().map(|line| line.bank_reference).collect();
    let indices: Vec<i64> = closed.iter().map(|line| line.index.0).collect();
    sqlx::query!(
        "UPDATE ledger.payment_line l SET state = new.state, bank_reference = new.bank_reference,
             closed_index = new.log_index, statement_sha256 = $2
         FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[])
             AS new (end_to_end_id, state, bank_reference, log_index)
         WHERE l.zone_id = $1 AND l.end_to_end_id = new.end_to_end_id",
        zone.0,
        statement.as_slice(),
        &ids as _,
        &states as _,
        &references as _,
        &indices,
    )
    .execute(conn)
    .await
    .map_err(|error| match db::violated_constraint(&error) {
        Some("payment_line_bank_reference_key") => PaymentError::Overtaken(db::Overtaken),
        Some(_) | None => error.into(),
    })?;
    Ok(())
}
