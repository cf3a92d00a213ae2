//! Several accounts read at once: their totals in the past, and what was posted to them in the order of the log.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::address::Address;
use super::fold::AccountTotals;
use super::read::StatementLine;
use crate::types::{LogIndex, Money, ZoneId};

/// Totals of accounts with the first `size` entries of the log, in the order asked; zero where nothing was posted. O(log n)
/// for each.
///
/// The rows of an index by account stand in the order `(account, log index)`, so the account's last
/// transfer below an index is the row before that place, if it is the account's. To ask for that row
/// leaves the planner no choice but that index; asked for the newest row with the account, it may walk
/// back through the log instead.
pub async fn totals_at(
    conn: &mut PgConnection,
    zone: ZoneId,
    addresses: &[Address],
    size: i64,
) -> Result<Vec<AccountTotals>, sqlx::Error> {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"SELECT
             coalesce((SELECT CASE t.debit_account_id WHEN a.account_id THEN t.debits_after END
               FROM ledger.transfer t
               WHERE t.zone_id = $1 AND (t.debit_account_id, t.log_index) < (a.account_id, $3)
               ORDER BY t.debit_account_id DESC, t.log_index DESC, t.position DESC LIMIT 1), 0)
               AS "debits!",
             coalesce((SELECT CASE t.credit_account_id WHEN a.account_id THEN t.credits_after END
               FROM ledger.transfer t
               WHERE t.zone_id = $1 AND (t.credit_account_id, t.log_index) < (a.account_id, $3)
               ORDER BY t.credit_account_id DESC, t.log_index DESC, t.position DESC LIMIT 1), 0)
               AS "credits!"
           FROM unnest($2::text[]) WITH ORDINALITY AS asked (address, ordinal)
           LEFT JOIN LATERAL (SELECT a.account_id FROM ledger.account a
               WHERE a.zone_id = $1 AND a.address = asked.address OFFSET 0) a ON true
           ORDER BY asked.ordinal"#,
        zone.0,
        &texts,
        size,
    )
    .fetch_all(conn)
    .await?;
    let totals = rows.into_iter().map(|row| AccountTotals {
        debits: Money::from_minor(row.debits),
        credits: Money::from_minor(row.credits),
    });
    Ok(totals.collect())
}

/// A posting to one of several accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The account.
    pub account: Address,
    /// The case that the entry is about: voucher, claim, payable, party.
    pub subject: Option<Uuid>,
    /// What was posted, with the balance of the account after it.
    pub line: StatementLine,
}

/// Postings to several accounts in the order of the log. A transfer between two of them is two postings, the debit first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movements {
    /// The postings.
    pub lines: Vec<Movement>,
    /// Where the next page begins, if there is one.
    pub next: Option<LogIndex>,
}

/// At least one and about `limit` postings to several accounts, of these entries of the log. An entry's postings are never
/// split over two pages, so a page may be longer by those of its last entry. Of each account at most a page is read, by the
/// same indexes as [`totals_at`].
pub async fn movements(
    conn: &mut PgConnection,
    zone: ZoneId,
    accounts: &[Address],
    entries: Range<i64>,
    limit: u16,
) -> Result<Movements, sqlx::Error> {
    let limit = limit.max(1);
    let (from, end) = (entries.start, entries.end);
    let rows = postings(conn, zone, accounts, entries, limit).await?;
    let next = match rows.last() {
        Some(last) if rows.len() >= usize::from(limit) => {
            let beyond = last.log_index + 1..end;
            let next = postings(conn, zone, accounts, beyond, 1).await?;
            next.first().map(|row| LogIndex(row.log_index))
        }
        Some(_) | None => None,
    };

    let mut touched: Vec<Address> = Vec::new();
    for row in &rows {
        touched.push(row.address.parse().map_err(decode)?);
    }
    let mut distinct = touched.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let before = totals_at(conn, zone, &distinct, from).await?;
    let mut totals: HashMap<Address, AccountTotals> = distinct.into_iter().zip(before).collect();
    let lines = rows.into_iter().zip(touched).map(|(row, account)| {
        let (debit, credit) = (
            row.debit.map(Money::from_minor),
            row.credit.map(Money::from_minor),
        );
        let now = totals.entry(account.clone()).or_default();
        *now = now.with(debit.unwrap_or_default(), credit.unwrap_or_default());
        let line = StatementLine {
            index: LogIndex(row.log_index),
            position: row.position,
            recorded_at: row.recorded_at,
            effective: row.effective,
            kind: row.kind,
            other: row.other,
            debit,
            credit,
            balance: now.balance(account.code.normal_side()),
        };
        Movement {
            account,
            subject: row.subject_id,
            line,
        }
    });
    Ok(Movements {
        lines: lines.collect(),
        next,
    })
}

/// A stored address that its own type does not accept: the row was written past the service.
fn decode(error: super::AddressError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

struct PostingRow {
    address: String,
    log_index: i64,
    position: i16,
    debit: Option<i64>,
    credit: Option<i64>,
    other: String,
    recorded_at: DateTime<Utc>,
    effective: NaiveDate,
    kind: String,
    subject_id: Option<Uuid>,
}

/// The first `limit` postings, and those of the last one's entry.
async fn postings(
    conn: &mut PgConnection,
    zone: ZoneId,
    accounts: &[Address],
    entries: Range<i64>,
    limit: u16,
) -> Result<Vec<PostingRow>, sqlx::Error> {
    let texts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    sqlx::query_as!(
        PostingRow,
        r#"WITH posting AS (
             SELECT asked.address, p.* FROM unnest($2::text[]) AS asked (address)
             CROSS JOIN LATERAL (SELECT a.account_id FROM ledger.account a
                 WHERE a.zone_id = $1 AND a.address = asked.address OFFSET 0) a
             CROSS JOIN LATERAL (
                 (SELECT t.log_index, t.position, t.amount AS debit, NULL::bigint AS credit,
                     t.credit_account_id AS other
                  FROM ledger.transfer t
                  WHERE t.zone_id = $1 AND (t.debit_account_id, t.log_index) >= (a.account_id, $3)
                    AND (t.debit_account_id, t.log_index) < (a.account_id, $4)
                  ORDER BY t.debit_account_id, t.log_index FETCH FIRST $5 ROWS WITH TIES)
                 UNION ALL
                 (SELECT t.log_index, t.position, NULL, t.amount, t.debit_account_id
                  FROM ledger.transfer t
                  WHERE t.zone_id = $1 AND (t.credit_account_id, t.log_index) >= (a.account_id, $3)
                    AND (t.credit_account_id, t.log_index) < (a.account_id, $4)
                  ORDER BY t.credit_account_id, t.log_index FETCH FIRST $5 ROWS WITH TIES)) p
             ORDER BY p.log_index FETCH FIRST $5 ROWS WITH TIES
           )
           SELECT p.address AS "address!", p.log_index AS "log_index!", p.position AS "position!", p.debit AS "debit?",
                  p.credit AS "credit?", o.address AS "other!", e.recorded_at, e.effective, e.kind, e.subject_id
           FROM posting p
           JOIN ledger.account o ON o.zone_id = $1 AND o.account_id = p.other
           JOIN ledger.entry e ON e.zone_id = $1 AND e.log_index = p.log_index
           ORDER BY p.log_index, p.position, p.debit IS NULL"#,
        zone.0,
        &texts,
        entries.start,
        entries.end,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await
}
