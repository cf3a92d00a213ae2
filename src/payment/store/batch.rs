//! Batches and their lines before the bank has them, as rows.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{decode, positive};
use crate::identity::Command;
use crate::payment::{BatchLine, Selection};
use crate::programme::BudgetLine;
use crate::types::{
    AccountId, Amount, BatchId, Code, FiscalYear, LogIndex, Money, PartyId, PayableId, PersonId,
    Zone, ZoneId,
};

/// An approved payable that might go into a batch.
#[derive(Clone, Debug)]
pub(in crate::payment) struct Candidate {
    pub(in crate::payment) id: PayableId,
    pub(in crate::payment) payee: PartyId,
    /// What is left to pay: less what was offset.
    pub(in crate::payment) amount: Amount,
    pub(in crate::payment) submitted_by: PersonId,
    pub(in crate::payment) approved_by: PersonId,
    /// Whether whoever prepares had a hand in the case, or has to stay out of the payee's.
    pub(in crate::payment) is_own: bool,
    /// The payee's account in force.
    pub(in crate::payment) account: Option<AccountId>,
}

/// Locks at most `page` approved payables that a batch could take, after one of them, oldest first.
pub(in crate::payment) async fn lock_approved(
    conn: &mut PgConnection,
    zone: &Zone,
    person: PersonId,
    selection: &Selection,
    (after, page): (Option<PayableId>, i64),
) -> Result<Vec<Candidate>, sqlx::Error> {
    // The account is looked up again when the batch is released, so its row is not locked.
    let rows = sqlx::query!(
        r#"SELECT p.payable_id, p.payee_id, p.amount - p.set_off AS "amount!", p.submitted_by, p.approved_by AS "approved_by!",
               (SELECT a.account_id FROM ledger.bank_account a WHERE a.zone_id = p.zone_id
                   AND a.party_id = p.payee_id AND a.confirmed_index IS NOT NULL AND a.superseded_index IS NULL)
                   AS account_id,
               $3 IN (p.submitted_by, p.approved_by) OR $3 = ANY (p.handled_by) OR EXISTS (
                   SELECT FROM ledger.recusal r WHERE r.zone_id = p.zone_id AND r.person_id = $3
                       AND r.party_id = p.payee_id AND r.lifted_index IS NULL) AS "is_own!"
           FROM ledger.payable p
           WHERE p.zone_id = $1 AND p.state = 'approved' AND ($2::date IS NULL OR EXISTS (
               SELECT FROM ledger.entry e WHERE e.zone_id = p.zone_id AND e.log_index = p.approved_index
                   AND e.effective <= $2))
               AND p.payable_id > coalesce($4::uuid, '00000000-0000-0000-0000-000000000000')
           ORDER BY p.payable_id LIMIT $5 FOR UPDATE OF p"#,
        zone.id.0,
        selection.cut_off,
        person.0,
        after.map(|after| after.0),
        page,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Candidate {
                id: PayableId(row.payable_id),
                payee: PartyId(row.payee_id),
                amount: positive(row.amount)?,
                submitted_by: PersonId(row.submitted_by),
                approved_by: PersonId(row.approved_by),
                is_own: row.is_own,
                account: row.account_id.map(AccountId),
            })
        })
        .collect()
}

/// A line of a batch as it is prepared.
#[derive(Clone, Debug)]
pub(in crate::payment) struct NewLine {
    pub(in crate::payment) end_to_end_id: String,
    pub(in crate::payment) payable: Candidate,
    pub(in crate::payment) account: AccountId,
}

/// Inserts a prepared batch and its lines.
pub(in crate::payment) async fn insert_batch(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (batch, index): (BatchId, LogIndex),
    total: Money,
    lines: &[NewLine],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.payment_batch (zone_id, batch_id, state, prepared_by, prepared_on, prepared_index,
             lines, total)
         VALUES ($1, $2, 'prepared', $3, $4, $5, $6, $7)",
        command.zone.id.0,
        batch.0,
        command.actor.person.0,
        command.today(),
        index.0,
        i32::try_from(lines.len()).unwrap_or(i32::MAX),
        total.minor(),
    )
    .execute(&mut *conn)
    .await?;
    let ids: Vec<&str> = lines
        .iter()
        .map(|line| line.end_to_end_id.as_str())
        .collect();
    let payables: Vec<Uuid> = lines.iter().map(|line| line.payable.id.0).collect();
    let accounts: Vec<Uuid> = lines.iter().map(|line| line.account.0).collect();
    let amounts: Vec<i64> = lines
        .iter()
        .map(|line| line.payable.amount.minor())
        .collect();
    let submitters: Vec<Uuid> = lines
        .iter()
        .map(|line| line.payable.submitted_by.0)
        .collect();
    let approvers: Vec<Uuid> = lines
        .iter()
        .map(|line| line.payable.approved_by.0)
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.payment_line (zone_id, batch_id, prepared_by, state, end_to_end_id, payable_id,
             account_id, amount, submitted_by, approved_by)
         SELECT $1, $2, $3, 'prepared', new.* FROM unnest($4::text[], $5::uuid[], $6::uuid[], $7::bigint[],
             $8::uuid[], $9::uuid[]) AS new",
        command.zone.id.0,
        batch.0,
        command.actor.person.0,
        &ids as _,
        &payables,
        &accounts,
        &amounts,
        &submitters,
        &approvers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The lines of a batch as they were prepared, in the order of their numbers.
pub(in crate::payment) async fn batch_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: BatchId,
) -> Result<Vec<BatchLine>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT l.end_to_end_id, l.payable_id, l.amount, p.payee_id
         FROM ledger.payment_line l
         JOIN ledger.payable p ON p.zone_id = l.zone_id AND p.payable_id = l.payable_id
         WHERE l.zone_id = $1 AND l.batch_id = $2
         ORDER BY length(l.end_to_end_id), l.end_to_end_id",
        zone.0,
        batch.0,
    )
    .fetch_all(conn)
    .await?;
    let line = rows.into_iter().map(|row| BatchLine {
        end_to_end_id: row.end_to_end_id,
        payable: PayableId(row.payable_id),
        payee: PartyId(row.payee_id),
        amount: Money::from_minor(row.amount),
    });
    Ok(line.collect())
}

/// A batch that somebody decides on.
pub(in crate::payment) struct PreparedBatch {
    pub(in crate::payment) is_prepared: bool,
    pub(in crate::payment) index: LogIndex,
    pub(in crate::payment) prepared_by: PersonId,
}

/// Locks a batch; `None` where there is none, or it was sent in one step.
pub(in crate::payment) async fn lock_batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: BatchId,
) -> Result<Option<PreparedBatch>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT state, prepared_index AS "prepared_index!", prepared_by AS "prepared_by!"
           FROM ledger.payment_batch WHERE zone_id = $1 AND batch_id = $2 AND prepared_by IS NOT NULL FOR UPDATE"#,
        zone.0,
        batch.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| PreparedBatch {
        is_prepared: row.state == "prepared",
        index: LogIndex(row.prepared_index),
        prepared_by: PersonId(row.prepared_by),
    }))
}

/// A line that waits for the release of its batch.
#[derive(Clone, Debug)]
pub(in crate::payment) struct PreparedLine {
    pub(in crate::payment) end_to_end_id: String,
    pub(in crate::payment) payable: PayableId,
    pub(in crate::payment) payee: PartyId,
    pub(in crate::payment) amount: Amount,
    pub(in crate::payment) line: BudgetLine,
    /// Whether whoever releases had a hand in the case.
    pub(in crate::payment) is_own: bool,
    /// Whether its account is still the payee's.
    pub(in crate::payment) account_in_force: bool,
}

/// Locks the lines of a prepared batch with their payables and accounts, in the order of their ids.
pub(in crate::payment) async fn lock_prepared(
    conn: &mut PgConnection,
    zone: &Zone,
    person: PersonId,
    batch: BatchId,
) -> Result<Vec<PreparedLine>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.end_to_end_id, l.payable_id, l.amount, p.payee_id, p.fiscal_year, p.programme, a.superseded_index,
             $3 IN (l.submitted_by, l.approved_by) OR $3 = ANY (p.handled_by) AS "is_own!"
         FROM ledger.payment_line l
         JOIN ledger.payable p ON p.zone_id = l.zone_id AND p.payable_id = l.payable_id
         JOIN ledger.bank_account a ON a.zone_id = l.zone_id AND a.account_id = l.account_id
         WHERE l.zone_id = $1 AND l.batch_id = $2 AND l.state = 'prepared'
         ORDER BY l.end_to_end_id FOR UPDATE OF l, p FOR SHARE OF a"#,
        zone.id.0,
        batch.0,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(PreparedLine {
                end_to_end_id: row.end_to_end_id,
                payable: PayableId(row.payable_id),
                payee: PartyId(row.payee_id),
                amount: positive(row.amount)?,
                line: BudgetLine {
                    programme: row.programme.parse::<Code>().map_err(decode)?,
                    year: FiscalYear(row.fiscal_year),
                    currency: zone.currency,
                },
                is_own: row.is_own,
                account_in_force: row.superseded_index.is_none(),
            })
        })
        .collect()
}

/// Marks prepared lines as sent.
pub(in crate::payment) async fn mark_sent(
    conn: &mut PgConnection,
    command: &Command<'_>,
    ids: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.payment_line SET state = 'sent', sent_by = $2
         WHERE zone_id = $1 AND end_to_end_id = ANY($3) AND state = 'prepared'",
        command.zone.id.0,
        command.actor.person.0,
        ids as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks prepared lines as given back, each by its own entry.
pub(in crate::payment) async fn mark_withdrawn(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[(&str, LogIndex)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<&str> = lines.iter().map(|(id, _)| *id).collect();
    let indices: Vec<i64> = lines.iter().map(|(_, index)| index.0).collect();
    sqlx::query!(
        "UPDATE ledger.payment_line l SET state = 'withdrawn', closed_index = new.log_index
         FROM unnest($2::text[], $3::bigint[]) AS new (end_to_end_id, log_index)
         WHERE l.zone_id = $1 AND l.end_to_end_id = new.end_to_end_id AND l.state = 'prepared'",
        zone.0,
        &ids as _,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a batch as released, with what was sent of it.
pub(in crate::payment) async fn release_batch(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (batch, index): (BatchId, LogIndex),
    (lines, total): (usize, Money),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.payment_batch SET state = 'released', sent_by = $3, sent_on = $4, sent_index = $5,
             lines = $6, total = $7
         WHERE zone_id = $1 AND batch_id = $2 AND state = 'prepared'",
        command.zone.id.0,
        batch.0,
        command.actor.person.0,
        command.today(),
        index.0,
        i32::try_from(lines).unwrap_or(i32::MAX),
        total.minor(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a batch as discarded.
pub(in crate::payment) async fn discard_batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: BatchId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.payment_batch SET state = 'discarded', discarded_index = $3
         WHERE zone_id = $1 AND batch_id = $2 AND state = 'prepared'",
        zone.0,
        batch.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A batch as it stands.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// Identity.
    pub id: BatchId,
    /// The entry that prepared it, or sent it when that was one step; `P` and this number is its short name.
    pub index: LogIndex,
    /// prepared, released or discarded.
    pub state: String,
    /// How many lines: as prepared, and once released those that were sent.
    pub lines: i32,
    /// Control sum of these, minor units.
    pub total: Money,
    /// The day of its release.
    pub sent_on: Option<NaiveDate>,
    /// When its release was recorded.
    pub released_at: Option<DateTime<Utc>>,
}

/// A batch.
pub async fn batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: BatchId,
) -> Result<Option<BatchRow>, sqlx::Error> {
    let mut found = rows(conn, zone, Some(batch), 1).await?;
    Ok(found.pop())
}

/// Batches, newest first, at most so many.
pub async fn batches(
    conn: &mut PgConnection,
    zone: ZoneId,
    limit: i64,
) -> Result<Vec<BatchRow>, sqlx::Error> {
    rows(conn, zone, None, limit).await
}

async fn rows(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: Option<BatchId>,
    limit: i64,
) -> Result<Vec<BatchRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT b.batch_id, coalesce(b.prepared_index, b.sent_index) AS "index!", b.state, b.lines, b.total, b.sent_on,
               e.recorded_at AS "released_at?"
           FROM ledger.payment_batch b
           LEFT JOIN ledger.entry e ON e.zone_id = b.zone_id AND e.log_index = b.sent_index
           WHERE b.zone_id = $1 AND ($2::uuid IS NULL OR b.batch_id = $2)
           ORDER BY 2 DESC LIMIT $3"#,
        zone.0,
        batch.map(|batch| batch.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| BatchRow {
        id: BatchId(row.batch_id),
        index: LogIndex(row.index),
        state: row.state,
        lines: row.lines,
        total: Money::from_minor(row.total),
        sent_on: row.sent_on,
        released_at: row.released_at,
    });
    Ok(row.collect())
}

/// A line of a batch as it stands.
#[derive(Clone, Debug)]
pub struct BatchLineRow {
    /// The bank returns it on its statement.
    pub end_to_end_id: String,
    /// The payee's name.
    pub payee: String,
    /// Minor units.
    pub amount: Amount,
    /// prepared, withdrawn, sent, paid, returned or rejected.
    pub state: String,
    /// The programme that pays, and its budget year.
    pub programme: String,
    /// Its budget year.
    pub year: i16,
    /// The account that it goes to; `None` in batches of before accounts were kept.
    pub account: Option<AccountId>,
    /// Its last four characters.
    pub masked: Option<String>,
}

/// The lines of a batch with their payees, in the order of their numbers.
pub async fn lines_of_batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: BatchId,
) -> Result<Vec<BatchLineRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.end_to_end_id, l.amount, l.state, l.account_id, y.name, p.programme, p.fiscal_year,
               a.masked AS "masked?"
           FROM ledger.payment_line l
           JOIN ledger.payable p ON p.zone_id = l.zone_id AND p.payable_id = l.payable_id
           JOIN ledger.party y ON y.zone_id = l.zone_id AND y.party_id = p.payee_id
           LEFT JOIN ledger.bank_account a ON a.zone_id = l.zone_id AND a.account_id = l.account_id
           WHERE l.zone_id = $1 AND l.batch_id = $2
           ORDER BY length(l.end_to_end_id), l.end_to_end_id"#,
        zone.0,
        batch.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(BatchLineRow {
                end_to_end_id: row.end_to_end_id,
                payee: row.name,
                amount: positive(row.amount)?,
                state: row.state,
                programme: row.programme,
                year: row.fiscal_year,
                account: row.account_id.map(AccountId),
                masked: row.masked,
            })
        })
        .collect()
}
