//! What the bank says, as rows: files, statements and their lines.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::db;
use crate::payment::PaymentError;
use crate::payment::bank::{BankLineId, BankLineRow, MatchedBy};
use crate::payment::iso20022::Direction;
use crate::types::{LogIndex, Money, ZoneId};

/// How many rows one statement inserts.
const CHUNK: usize = 10_000;

/// The entry that took a file in, if one did.
pub(in crate::payment) async fn bank_file(
    conn: &mut PgConnection,
    zone: ZoneId,
    sha256: &[u8; 32],
) -> Result<Option<LogIndex>, sqlx::Error> {
    let index = sqlx::query_scalar!(
        "SELECT log_index FROM ledger.bank_file WHERE zone_id = $1 AND sha256 = $2",
        zone.0,
        sha256.as_slice(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(index.map(LogIndex))
}

/// Keeps that a file was taken in.
///
/// # Errors
/// [`PaymentError::FileOvertaken`] if another transaction has taken the same file in meanwhile.
pub(in crate::payment) async fn insert_file(
    conn: &mut PgConnection,
    zone: ZoneId,
    (sha256, message): (&[u8; 32], &str),
    index: LogIndex,
) -> Result<(), PaymentError> {
    sqlx::query!(
        "INSERT INTO ledger.bank_file (zone_id, sha256, message, log_index) VALUES ($1, $2, $3, $4)",
        zone.0,
        sha256.as_slice(),
        message,
        index.0,
    )
    .execute(conn)
    .await
    .map_err(|error| match db::violated_constraint(&error) {
        Some("bank_file_pkey") => PaymentError::FileOvertaken(db::Overtaken),
        Some(_) | None => error.into(),
    })?;
    Ok(())
}

/// A statement that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::payment) struct KeptStatement {
    pub(in crate::payment) file: LogIndex,
    pub(in crate::payment) position: i32,
    pub(in crate::payment) id: String,
    pub(in crate::payment) opening: Money,
    pub(in crate::payment) opening_on: NaiveDate,
    pub(in crate::payment) closing: Money,
    pub(in crate::payment) closing_on: NaiveDate,
    pub(in crate::payment) lines: i32,
    pub(in crate::payment) lines_sha256: Vec<u8>,
}

/// Every statement that is kept, in the order in which they follow one another.
pub(in crate::payment) async fn statements(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<KeptStatement>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT file_index, position, statement_id, opening, opening_on, closing, closing_on, lines, lines_sha256
         FROM ledger.bank_statement WHERE zone_id = $1 ORDER BY file_index, position",
        zone.0
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| KeptStatement {
        file: LogIndex(row.file_index),
        position: row.position,
        id: row.statement_id,
        opening: Money::from_minor(row.opening),
        opening_on: row.opening_on,
        closing: Money::from_minor(row.closing),
        closing_on: row.closing_on,
        lines: row.lines,
        lines_sha256: row.lines_sha256,
    });
    Ok(row.collect())
}

/// Inserts a statement.
pub(in crate::payment) async fn insert_statement(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &KeptStatement,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.bank_statement (zone_id, file_index, position, statement_id, opening, opening_on, closing,
             closing_on, lines, lines_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        zone.0,
        new.file.0,
        new.position,
        new.id,
        new.opening.minor(),
        new.opening_on,
        new.closing.minor(),
        new.closing_on,
        new.lines,
        new.lines_sha256,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line of a statement as it comes.
#[derive(Clone, Debug)]
pub(in crate::payment) struct NewBankLine {
    pub(in crate::payment) number: i32,
    pub(in crate::payment) direction: Direction,
    pub(in crate::payment) amount: Money,
    pub(in crate::payment) booked_on: NaiveDate,
    pub(in crate::payment) is_return: bool,
    pub(in crate::payment) end_to_end_id: Option<String>,
    pub(in crate::payment) reference: Option<String>,
    pub(in crate::payment) number_mark: Option<[u8; 32]>,
    pub(in crate::payment) holder_mark: Option<[u8; 32]>,
    pub(in crate::payment) masked: Option<String>,
    pub(in crate::payment) code: Option<String>,
}

impl NewBankLine {
    fn number_mark(&self) -> Option<&[u8]> {
        self.number_mark.as_ref().map(<[u8; 32]>::as_slice)
    }

    fn holder_mark(&self) -> Option<&[u8]> {
        self.holder_mark.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// Whether it may be an instruction of ours that the bank has carried out.
    pub(in crate::payment) fn is_payment(&self) -> bool {
        self.direction == Direction::Debit && !self.is_return
    }
}

/// What a new line is, found by the entry that says so.
#[derive(Clone, Debug)]
pub(in crate::payment) struct FoundLine {
    pub(in crate::payment) instruction: String,
    pub(in crate::payment) by: MatchedBy,
    pub(in crate::payment) index: LogIndex,
}

/// Inserts the lines of a statement with what they are, by number. Those that are nothing yet are left open.
pub(in crate::payment) async fn insert_bank_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    (file, position): (LogIndex, i32),
    lines: &[NewBankLine],
    found: &HashMap<i32, FoundLine>,
) -> Result<(), sqlx::Error> {
    for chunk in lines.chunks(CHUNK) {
        let numbers: Vec<i32> = chunk.iter().map(|line| line.number).collect();
        let directions: Vec<&str> = chunk.iter().map(|line| line.direction.as_str()).collect();
        let amounts: Vec<i64> = chunk.iter().map(|line| line.amount.minor()).collect();
        let days: Vec<NaiveDate> = chunk.iter().map(|line| line.booked_on).collect();
        let returns: Vec<bool> = chunk.iter().map(|line| line.is_return).collect();
        let ids: Vec<Option<&str>> = chunk
            .iter()
            .map(|line| line.end_to_end_id.as_deref())
            .collect();
        let references: Vec<Option<&str>> =
            chunk.iter().map(|line| line.reference.as_deref()).collect();
        let accounts: Vec<Option<&[u8]>> = chunk.iter().map(NewBankLine::number_mark).collect();
        let holders: Vec<Option<&[u8]>> = chunk.iter().map(NewBankLine::holder_mark).collect();
        let masked: Vec<Option<&str>> = chunk.iter().map(|line| line.masked.as_deref()).collect();
        let codes: Vec<Option<&str>> = chunk.iter().map(|line| line.code.as_deref()).collect();
        let found = || chunk.iter().map(|line| found.get(&line.number));
        let instructions: Vec<Option<&str>> = found()
            .map(|found| Some(found?.instruction.as_str()))
            .collect();
        let by: Vec<Option<&str>> = found().map(|found| Some(found?.by.as_str())).collect();
        let indices: Vec<Option<i64>> = found().map(|found| Some(found?.index.0)).collect();
        sqlx::query!(
            "INSERT INTO ledger.bank_line (zone_id, file_index, position, number, direction, amount, booked_on,
                 is_return, end_to_end_id, reference, number_mark, holder_mark, masked, code, instruction, matched_by,
                 matched_index)
             SELECT $1, $2, $3, new.* FROM unnest($4::integer[], $5::text[], $6::bigint[], $7::date[], $8::boolean[],
                 $9::text[], $10::text[], $11::bytea[], $12::bytea[], $13::text[], $14::text[], $15::text[], $16::text[],
                 $17::bigint[]) AS new",
            zone.0,
            file.0,
            position,
            &numbers,
            &directions as _,
            &amounts,
            &days,
            &returns,
            &ids as _,
            &references as _,
            &accounts as _,
            &holders as _,
            &masked as _,
            &codes as _,
            &instructions as _,
            &by as _,
            &indices as _,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// New lines of payments that name an instruction over the same amount which no line has carried out, with it. Of several
/// lines that name one, the first.
pub(in crate::payment) async fn matches_by_id(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[&NewBankLine],
) -> Result<BTreeMap<String, i32>, sqlx::Error> {
    let numbers: Vec<i32> = lines.iter().map(|line| line.number).collect();
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount.minor()).collect();
    let ids: Vec<Option<&str>> = lines
        .iter()
        .map(|line| line.end_to_end_id.as_deref())
        .collect();
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (l.end_to_end_id) l.end_to_end_id, b.number AS \"number!\"
         FROM unnest($2::integer[], $3::bigint[], $4::text[]) AS b (number, amount, end_to_end_id)
         JOIN ledger.payment_line l ON l.zone_id = $1 AND l.end_to_end_id = b.end_to_end_id
         WHERE l.amount = b.amount AND l.state IN ('sent', 'paid')
             AND NOT EXISTS (SELECT FROM ledger.bank_line o
                 WHERE o.zone_id = l.zone_id AND o.instruction = l.end_to_end_id)
         ORDER BY l.end_to_end_id, b.number",
        zone.0,
        &numbers,
        &amounts,
        &ids as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.end_to_end_id, row.number))
        .collect())
}

/// New lines of payments that name none of our instructions, with the only one in transit over the same amount to the same
/// account (or, where the bank gives no account, to the same name); and no other line fits it.
///
/// Each line looks its account and its instructions up by index, which `OFFSET 0` holds the planner to: the tables have
/// just been filled, and without statistics it would join what is in transit with every line.
pub(in crate::payment) async fn matches_by_party(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[&NewBankLine],
) -> Result<BTreeMap<String, i32>, sqlx::Error> {
    let numbers: Vec<i32> = lines.iter().map(|line| line.number).collect();
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount.minor()).collect();
    let days: Vec<NaiveDate> = lines.iter().map(|line| line.booked_on).collect();
    let ids: Vec<Option<&str>> = lines
        .iter()
        .map(|line| line.end_to_end_id.as_deref())
        .collect();
    let accounts: Vec<Option<&[u8]>> = lines.iter().map(|line| line.number_mark()).collect();
    let holders: Vec<Option<&[u8]>> = lines.iter().map(|line| line.holder_mark()).collect();
    let rows = sqlx::query!(
        r#"WITH fits AS (
             SELECT b.number, l.end_to_end_id, count(*) OVER (PARTITION BY b.number) AS instructions,
                 count(*) OVER (PARTITION BY l.end_to_end_id) AS bookings
             FROM unnest($2::integer[], $3::bigint[], $4::date[], $5::text[], $6::bytea[], $7::bytea[])
                 AS b (number, amount, booked_on, end_to_end_id, number_mark, holder_mark)
             CROSS JOIN LATERAL (
                 SELECT a.account_id FROM ledger.bank_account a
                 WHERE a.zone_id = $1 AND a.number_mark = b.number_mark
                 UNION ALL
                 SELECT a.account_id FROM ledger.bank_account a
                 WHERE a.zone_id = $1 AND a.holder_mark = b.holder_mark AND b.number_mark IS NULL
                 OFFSET 0) a
             CROSS JOIN LATERAL (
                 SELECT t.end_to_end_id, t.batch_id FROM ledger.payment_line t
                 WHERE t.zone_id = $1 AND t.account_id = a.account_id AND t.amount = b.amount
                     AND t.state = 'sent' OFFSET 0) l
             CROSS JOIN LATERAL (
                 SELECT FROM ledger.payment_batch p WHERE p.zone_id = $1 AND p.batch_id = l.batch_id
                     AND p.sent_on <= b.booked_on OFFSET 0) p
             WHERE NOT EXISTS (SELECT FROM ledger.payment_line k
                 WHERE k.zone_id = $1 AND k.end_to_end_id = b.end_to_end_id))
         SELECT end_to_end_id, number AS "number!" FROM fits WHERE instructions = 1 AND bookings = 1"#,
        zone.0,
        &numbers,
        &amounts,
        &days,
        &ids as _,
        &accounts as _,
        &holders as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.end_to_end_id, row.number))
        .collect())
}

/// A line of the bank that is kept and is an instruction or a receipt, found by an entry.
pub(in crate::payment) struct MatchedLine<'a> {
    pub(in crate::payment) line: BankLineId,
    pub(in crate::payment) instruction: Option<&'a str>,
    pub(in crate::payment) receipt: Option<LogIndex>,
    pub(in crate::payment) index: LogIndex,
}

/// Keeps what lines are.
pub(in crate::payment) async fn mark_matched(
    conn: &mut PgConnection,
    zone: ZoneId,
    by: MatchedBy,
    lines: &[MatchedLine<'_>],
) -> Result<(), sqlx::Error> {
    let files: Vec<i64> = lines.iter().map(|line| line.line.file.0).collect();
    let numbers: Vec<i32> = lines.iter().map(|line| line.line.number).collect();
    let instructions: Vec<Option<&str>> = lines.iter().map(|line| line.instruction).collect();
    let receipts: Vec<Option<i64>> = lines
        .iter()
        .map(|line| line.receipt.map(|index| index.0))
        .collect();
    let indices: Vec<i64> = lines.iter().map(|line| line.index.0).collect();
    sqlx::query!(
        "UPDATE ledger.bank_line b SET instruction = new.instruction, receipt_index = new.receipt_index,
             matched_by = $2, matched_index = new.log_index
         FROM unnest($3::bigint[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[])
             AS new (file_index, number, instruction, receipt_index, log_index)
         WHERE b.zone_id = $1 AND b.file_index = new.file_index AND b.number = new.number AND b.matched_by IS NULL",
        zone.0,
        by.as_str(),
        &files,
        &numbers,
        &instructions as _,
        &receipts as _,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Numbers and sums of a file's lines, by how they were matched when it was taken in.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::payment) struct FileTotals {
    pub(in crate::payment) paid: (i64, i64),
    pub(in crate::payment) known: i64,
    pub(in crate::payment) unmatched_credits: (i64, i64),
    pub(in crate::payment) unmatched_debits: (i64, i64),
}

/// How the lines of a file were matched when it was taken in: what a person matched later counts as unmatched.
pub(in crate::payment) async fn file_totals(
    conn: &mut PgConnection,
    zone: ZoneId,
    file: LogIndex,
) -> Result<FileTotals, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE matched_by IN ('id', 'party')) AS "paid!",
               coalesce(sum(amount) FILTER (WHERE matched_by IN ('id', 'party')), 0)::bigint AS "paid_total!",
               count(*) FILTER (WHERE matched_by = 'known') AS "known!",
               count(*) FILTER (WHERE direction = 'credit' AND left_open) AS "credits!",
               coalesce(sum(amount) FILTER (WHERE direction = 'credit' AND left_open), 0)::bigint AS "credits_total!",
               count(*) FILTER (WHERE direction = 'debit' AND left_open) AS "debits!",
               coalesce(sum(amount) FILTER (WHERE direction = 'debit' AND left_open), 0)::bigint AS "debits_total!"
           FROM (SELECT *, matched_by IS NULL OR matched_by = 'hand' AS left_open FROM ledger.bank_line
               WHERE zone_id = $1 AND file_index = $2) b"#,
        zone.0,
        file.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(FileTotals {
        paid: (row.paid, row.paid_total),
        known: row.known,
        unmatched_credits: (row.credits, row.credits_total),
        unmatched_debits: (row.debits, row.debits_total),
    })
}

/// Lines that are nothing of the books yet, oldest first, at most so many.
pub async fn unmatched_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    limit: i64,
) -> Result<Vec<BankLineRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT file_index, number, direction, amount, booked_on, is_return, end_to_end_id, reference, masked, code
         FROM ledger.bank_line WHERE zone_id = $1 AND matched_by IS NULL ORDER BY file_index, number LIMIT $2",
        zone.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| BankLineRow {
        line: BankLineId {
            file: LogIndex(row.file_index),
            number: row.number,
        },
        direction: direction(&row.direction),
        amount: Money::from_minor(row.amount),
        booked_on: row.booked_on,
        is_return: row.is_return,
        end_to_end_id: row.end_to_end_id,
        reference: row.reference,
        masked: row.masked,
        code: row.code,
        is_matched: false,
    });
    Ok(row.collect())
}

/// One line, locked.
pub(in crate::payment) async fn lock_bank_line(
    conn: &mut PgConnection,
    zone: ZoneId,
    line: BankLineId,
) -> Result<Option<BankLineRow>, sqlx::Error> {
    Ok(lock_bank_lines(conn, zone, &[line]).await?.pop())
}

/// Lines by their files and numbers, locked in this order; unknown ones are missing.
pub(in crate::payment) async fn lock_bank_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[BankLineId],
) -> Result<Vec<BankLineRow>, sqlx::Error> {
    let files: Vec<i64> = lines.iter().map(|line| line.file.0).collect();
    let numbers: Vec<i32> = lines.iter().map(|line| line.number).collect();
    let rows = sqlx::query!(
        r#"SELECT file_index, number, direction, amount, booked_on, is_return, end_to_end_id, reference, masked, code,
               matched_by IS NOT NULL AS "is_matched!"
           FROM ledger.bank_line
           WHERE zone_id = $1 AND (file_index, number) IN (
               SELECT * FROM unnest($2::bigint[], $3::integer[]))
           ORDER BY file_index, number FOR UPDATE"#,
        zone.0,
        &files,
        &numbers,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| BankLineRow {
        line: BankLineId {
            file: LogIndex(row.file_index),
            number: row.number,
        },
        direction: direction(&row.direction),
        amount: Money::from_minor(row.amount),
        booked_on: row.booked_on,
        is_return: row.is_return,
        end_to_end_id: row.end_to_end_id,
        reference: row.reference,
        masked: row.masked,
        code: row.code,
        is_matched: row.is_matched,
    });
    Ok(row.collect())
}

fn direction(text: &str) -> Direction {
    if text == "credit" {
        Direction::Credit
    } else {
        Direction::Debit
    }
}

/// SHA-256 of the file that holds a line.
pub(in crate::payment) async fn file_sha256(
    conn: &mut PgConnection,
    zone: ZoneId,
    file: LogIndex,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT sha256 FROM ledger.bank_file WHERE zone_id = $1 AND log_index = $2",
        zone.0,
        file.0,
    )
    .fetch_optional(conn)
    .await
}

/// Which line of the bank has carried out an instruction, or is a receipt.
pub(in crate::payment) async fn line_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    instruction: Option<&str>,
    receipt: Option<LogIndex>,
) -> Result<Option<BankLineId>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT file_index, number FROM ledger.bank_line
         WHERE zone_id = $1 AND (instruction = $2 OR receipt_index = $3)",
        zone.0,
        instruction,
        receipt.map(|index| index.0),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| BankLineId {
        file: LogIndex(row.file_index),
        number: row.number,
    }))
}

/// What an entry moved into the zone's bank account (F1010), less what it took out, in minor units.
pub(in crate::payment) async fn moved_at_bank(
    conn: &mut PgConnection,
    zone: ZoneId,
    index: LogIndex,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(CASE WHEN t.debit_account_id = a.account_id THEN t.amount ELSE -t.amount END), 0)::bigint
               AS "moved!"
           FROM ledger.transfer t
           JOIN ledger.account a ON a.zone_id = t.zone_id AND a.account_id IN (t.debit_account_id, t.credit_account_id)
           WHERE t.zone_id = $1 AND t.log_index = $2 AND a.address >= 'F1010:' AND a.address < 'F1010;'"#,
        zone.0,
        index.0,
    )
    .fetch_one(conn)
    .await
}

/// A sum of the bank reconciliation, with how many things make it up.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::payment) struct Sum {
    pub(in crate::payment) number: i64,
    pub(in crate::payment) total: i64,
}

/// What the bank reconciliation adds up, at one moment.
pub(in crate::payment) struct Sums {
    /// F1010.
    pub(in crate::payment) bank: i64,
    /// F1020.
    pub(in crate::payment) in_transit: i64,
    /// Instructions in transit.
    pub(in crate::payment) sent: Sum,
    pub(in crate::payment) unmatched_credits: Sum,
    pub(in crate::payment) unmatched_debits: Sum,
}

/// Reads the sums of the bank reconciliation.
pub(in crate::payment) async fn sums(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Sums, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT
               (SELECT coalesce(sum(debits - credits), 0)::bigint FROM ledger.control_total
                WHERE zone_id = $1 AND code = 'F1010') AS "bank!",
               (SELECT coalesce(sum(credits - debits), 0)::bigint FROM ledger.control_total
                WHERE zone_id = $1 AND code = 'F1020') AS "in_transit!",
               (SELECT count(*) FROM ledger.payment_line WHERE zone_id = $1 AND state = 'sent') AS "sent!",
               (SELECT coalesce(sum(amount), 0)::bigint FROM ledger.payment_line
                WHERE zone_id = $1 AND state = 'sent') AS "sent_total!",
               count(*) FILTER (WHERE direction = 'credit') AS "credits!",
               coalesce(sum(amount) FILTER (WHERE direction = 'credit'), 0)::bigint AS "credits_total!",
               count(*) FILTER (WHERE direction = 'debit') AS "debits!",
               coalesce(sum(amount) FILTER (WHERE direction = 'debit'), 0)::bigint AS "debits_total!"
           FROM ledger.bank_line WHERE zone_id = $1 AND matched_by IS NULL"#,
        zone.0
    )
    .fetch_one(conn)
    .await?;
    let sum = |number, total| Sum { number, total };
    Ok(Sums {
        bank: row.bank,
        in_transit: row.in_transit,
        sent: sum(row.sent, row.sent_total),
        unmatched_credits: sum(row.credits, row.credits_total),
        unmatched_debits: sum(row.debits, row.debits_total),
    })
}

/// Entries that moved F1010 and that no line of the bank is: index, kind, day, and what they moved.
pub(in crate::payment) async fn book_only(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<(LogIndex, String, NaiveDate, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT e.log_index, e.kind, e.effective, m.moved AS "moved!"
           FROM (SELECT s.log_index, sum(s.moved)::bigint AS moved
               FROM ledger.account a
               CROSS JOIN LATERAL (
                   SELECT t.log_index, t.amount AS moved FROM ledger.transfer t
                   WHERE t.zone_id = a.zone_id AND t.debit_account_id = a.account_id
                   UNION ALL
                   SELECT t.log_index, -t.amount FROM ledger.transfer t
                   WHERE t.zone_id = a.zone_id AND t.credit_account_id = a.account_id) s
               WHERE a.zone_id = $1 AND a.address >= 'F1010:' AND a.address < 'F1010;' GROUP BY s.log_index) m
           JOIN ledger.entry e ON e.zone_id = $1 AND e.log_index = m.log_index
           WHERE m.moved <> 0
               AND NOT EXISTS (SELECT FROM ledger.bank_line b WHERE b.zone_id = $1 AND b.receipt_index = m.log_index)
               AND NOT EXISTS (SELECT FROM ledger.payment_line l
                   JOIN ledger.bank_line b ON b.zone_id = l.zone_id AND b.instruction = l.end_to_end_id
                   WHERE l.zone_id = $1 AND l.closed_index = m.log_index)
           ORDER BY e.log_index"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    let row = rows
        .into_iter()
        .map(|row| (LogIndex(row.log_index), row.kind, row.effective, row.moved));
    Ok(row.collect())
}
