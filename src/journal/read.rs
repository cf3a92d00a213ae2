//! Reading the books: balances now and in the past, statements, trial balance.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::address::Address;
use super::body::Body;
use super::chart::{AccountCode, Book};
use super::fold::AccountTotals;
use super::several::totals_at;
use crate::types::{Currency, LogIndex, Money, PartyId, ZoneId};

/// A state of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// With everything recorded.
    Now,
    /// With the first `n` entries of the log.
    Size(i64),
    /// With what was recorded at or before an instant.
    Recorded(DateTime<Utc>),
}

/// The balance of an account, positive on its normal side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The account.
    pub address: Address,
    /// Total debits, minor units.
    pub debits: Money,
    /// Total credits, minor units.
    pub credits: Money,
    /// Their difference, positive on the account's normal side, minor units.
    pub balance: Money,
    /// How many entries of the log it covers.
    pub size: i64,
}

impl Balance {
    /// Whether anything was posted to the account: totals only grow, and no transfer is of nothing.
    pub fn is_posted(&self) -> bool {
        self.debits != Money::ZERO || self.credits != Money::ZERO
    }
}

/// The number of entries that a state of the books covers. O(log n).
pub async fn size_at(
    conn: &mut PgConnection,
    zone: ZoneId,
    as_of: AsOf,
) -> Result<i64, sqlx::Error> {
    let size = sqlx::query_scalar!(
        "SELECT size FROM ledger.log_head WHERE zone_id = $1",
        zone.0
    )
    .fetch_optional(&mut *conn)
    .await?
    .unwrap_or(0);
    match as_of {
        AsOf::Now => Ok(size),
        AsOf::Size(asked) => Ok(asked.clamp(0, size)),
        AsOf::Recorded(instant) => {
            sqlx::query_scalar!(
                r#"SELECT ledger.log_size_at($1, $2) AS "size!""#,
                zone.0,
                instant
            )
            .fetch_one(conn)
            .await
        }
    }
}

/// The balance of one account at a state of the books; zero if nothing was ever posted to it. O(log n).
pub async fn account_balance(
    conn: &mut PgConnection,
    zone: ZoneId,
    address: &Address,
    as_of: AsOf,
) -> Result<Balance, sqlx::Error> {
    let size = size_at(conn, zone, as_of).await?;
    let totals = totals_at(conn, zone, std::slice::from_ref(address), size).await?;
    let totals = totals.into_iter().next().unwrap_or_default();
    Ok(Balance {
        address: address.clone(),
        debits: totals.debits,
        credits: totals.credits,
        balance: totals.balance(address.code.normal_side()),
        size,
    })
}

/// Balances of many accounts now, in the order asked; zero where nothing was ever posted.
pub async fn balances(
    conn: &mut PgConnection,
    zone: ZoneId,
    addresses: &[Address],
) -> Result<Vec<Money>, sqlx::Error> {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"SELECT coalesce(a.debits, 0) AS "debits!", coalesce(a.credits, 0) AS "credits!"
           FROM unnest($2::text[]) WITH ORDINALITY AS asked (address, ordinal)
           LEFT JOIN ledger.account a ON a.zone_id = $1 AND a.address = asked.address
           ORDER BY asked.ordinal"#,
        zone.0,
        &texts,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .zip(addresses)
        .map(|(row, address)| {
            let totals = AccountTotals {
                debits: Money::from_minor(row.debits),
                credits: Money::from_minor(row.credits),
            };
            totals.balance(address.code.normal_side())
        })
        .collect())
}

/// What stands now on the accounts of a code that are kept by party and item, of those that were opened by an entry of
/// a day after `since`; by party.
pub async fn opened_after(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &Address,
    parties: &[PartyId],
    since: NaiveDate,
) -> Result<HashMap<PartyId, Money>, sqlx::Error> {
    let beginnings: Vec<String> = parties
        .iter()
        .map(|party| format!("{}:", code.clone().party(*party)))
        .collect();
    // A semicolon comes after a colon. Accounts of a firm are few: each is looked up by its address, and then its first
    // transfer by account.
    let rows = sqlx::query!(
        r#"SELECT a.party_id AS "party_id!",
             sum(CASE a.normal_side WHEN 'D' THEN a.debits - a.credits ELSE a.credits - a.debits END)::bigint
                 AS "balance!"
           FROM unnest($2::text[]) AS asked (beginning)
           CROSS JOIN LATERAL (SELECT * FROM ledger.account a
               WHERE a.zone_id = $1 AND a.address > asked.beginning
                   AND a.address < rtrim(asked.beginning, ':') || ';' OFFSET 0) a
           CROSS JOIN LATERAL (SELECT min(t.log_index) AS log_index FROM (
               (SELECT t.log_index FROM ledger.transfer t WHERE t.zone_id = $1
                   AND t.debit_account_id = a.account_id ORDER BY t.log_index LIMIT 1)
               UNION ALL
               (SELECT t.log_index FROM ledger.transfer t WHERE t.zone_id = $1
                   AND t.credit_account_id = a.account_id ORDER BY t.log_index LIMIT 1)) t) opened
           JOIN ledger.entry e ON e.zone_id = $1 AND e.log_index = opened.log_index
           WHERE e.effective > $3
           GROUP BY a.party_id"#,
        zone.0,
        &beginnings,
        since,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (PartyId(row.party_id), Money::from_minor(row.balance)))
        .collect())
}

/// One posting on a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementLine {
    /// The entry.
    pub index: LogIndex,
    /// Place of the transfer within the entry.
    pub position: i16,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The day it counts for.
    pub effective: NaiveDate,
    /// What happened.
    pub kind: String,
    /// The account on the other side.
    pub other: String,
    /// Amount, if this account was debited, minor units.
    pub debit: Option<Money>,
    /// Amount, if this account was credited, minor units.
    pub credit: Option<Money>,
    /// Balance after it, positive on the account's normal side, minor units.
    pub balance: Money,
}

/// Postings of an account in the order of the log, with the balance after each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The account.
    pub address: Address,
    /// The balance before the first line, minor units.
    pub opening: Money,
    /// The postings.
    pub lines: Vec<StatementLine>,
    /// Where the next page begins, if there is one.
    pub next: Option<LogIndex>,
}

/// At least one and about `limit` postings of an account, from entry `from` on. An entry's postings
/// are never split over two pages, so a page may be longer by those of its last entry. Reads by the
/// same indexes as [`totals_at`], in the other direction.
pub async fn statement(
    conn: &mut PgConnection,
    zone: ZoneId,
    address: &Address,
    from: LogIndex,
    limit: u16,
) -> Result<Statement, sqlx::Error> {
    let before = account_balance(conn, zone, address, AsOf::Size(from.0)).await?;
    let rows = postings(conn, zone, address, from, limit.max(1)).await?;
    let mut totals = AccountTotals {
        debits: before.debits,
        credits: before.credits,
    };
    let mut next = None;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let (debit, credit) = (
            row.debit.map(Money::from_minor),
            row.credit.map(Money::from_minor),
        );
        totals.debits = [totals.debits, debit.unwrap_or_default()].into_iter().sum();
        totals.credits = [totals.credits, credit.unwrap_or_default()]
            .into_iter()
            .sum();
        let now = AccountTotals {
            debits: Money::from_minor(row.all_debits),
            credits: Money::from_minor(row.all_credits),
        };
        next = (totals != now).then_some(LogIndex(row.log_index + 1));
        lines.push(StatementLine {
            index: LogIndex(row.log_index),
            position: row.position,
            recorded_at: row.recorded_at,
            effective: row.effective,
            kind: row.kind,
            other: row.other,
            debit,
            credit,
            balance: totals.balance(address.code.normal_side()),
        });
    }
    Ok(Statement {
        address: address.clone(),
        opening: before.balance,
        lines,
        next,
    })
}

struct PostingRow {
    log_index: i64,
    position: i16,
    debit: Option<i64>,
    credit: Option<i64>,
    other: String,
    recorded_at: DateTime<Utc>,
    effective: NaiveDate,
    kind: String,
    /// Totals of the account now: once a page has reached them, there is no other.
    all_debits: i64,
    all_credits: i64,
}

async fn postings(
    conn: &mut PgConnection,
    zone: ZoneId,
    address: &Address,
    from: LogIndex,
    limit: u16,
) -> Result<Vec<PostingRow>, sqlx::Error> {
    sqlx::query_as!(
        PostingRow,
        r#"WITH account AS (
             SELECT account_id, debits, credits FROM ledger.account
             WHERE zone_id = $1 AND address = $2
           ), posting AS (
             (SELECT t.log_index, t.position, t.amount AS debit, NULL::bigint AS credit,
                     t.credit_account_id AS other
              FROM ledger.transfer t
              WHERE t.zone_id = $1 AND t.debit_account_id <= (SELECT account_id FROM account)
                AND (t.debit_account_id, t.log_index) >= ((SELECT account_id FROM account), $3)
              ORDER BY t.debit_account_id, t.log_index FETCH FIRST $4 ROWS WITH TIES)
             UNION ALL
             (SELECT t.log_index, t.position, NULL, t.amount, t.debit_account_id
              FROM ledger.transfer t
              WHERE t.zone_id = $1 AND t.credit_account_id <= (SELECT account_id FROM account)
                AND (t.credit_account_id, t.log_index) >= ((SELECT account_id FROM account), $3)
              ORDER BY t.credit_account_id, t.log_index FETCH FIRST $4 ROWS WITH TIES)
             ORDER BY log_index FETCH FIRST $4 ROWS WITH TIES
           )
           SELECT p.log_index AS "log_index!", p.position AS "position!", p.debit AS "debit?",
                  p.credit AS "credit?", o.address AS "other!", e.recorded_at, e.effective, e.kind,
                  a.debits AS "all_debits!", a.credits AS "all_credits!"
           FROM posting p
           CROSS JOIN account a
           JOIN ledger.account o ON o.zone_id = $1 AND o.account_id = p.other
           JOIN ledger.entry e ON e.zone_id = $1 AND e.log_index = p.log_index
           ORDER BY p.log_index, p.position"#,
        zone.0,
        address.to_string(),
        from.0,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await
}

/// The total over the accounts of one code, programme and year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlTotal {
    /// Account code.
    pub code: AccountCode,
    /// What it is counted in.
    pub currency: Currency,
    /// Programme code; empty for accounts without one.
    pub programme: String,
    /// Budget year; 0 for accounts without one.
    pub year: i16,
    /// Total debits and credits.
    pub totals: AccountTotals,
}

impl ControlTotal {
    /// The balance, positive on the normal side, minor units.
    pub fn balance(&self) -> Money {
        self.totals.balance(self.code.normal_side())
    }
}

/// The balances of all parties under one code, programme and year, as `line` has them: what each has used of a limit.
/// One range of the index of addresses, whose order is that of code, currency, programme, year and party.
pub async fn balances_by_party(
    conn: &mut PgConnection,
    zone: ZoneId,
    line: &Address,
) -> Result<HashMap<PartyId, Money>, sqlx::Error> {
    const BEFORE_PARTY: usize = 4; // code, currency, programme, year, each followed by a colon
    let text = line.to_string();
    let colons = BEFORE_PARTY.saturating_sub(text.matches(':').count());
    let first = text + &":".repeat(colons);
    let end = first.strip_suffix(':').unwrap_or(&first).to_owned() + ";"; // the character after a colon
    let rows = sqlx::query!(
        r#"SELECT party_id AS "party_id!", sum(CASE WHEN normal_side = 'D' THEN debits - credits
             ELSE credits - debits END)::bigint AS "balance!"
           FROM ledger.account
           WHERE zone_id = $1 AND address >= $2 AND address < $3 AND party_id IS NOT NULL
           GROUP BY party_id"#,
        zone.0,
        first,
        end,
    )
    .fetch_all(conn)
    .await?;
    let balances = rows.into_iter();
    Ok(balances
        .map(|row| (PartyId(row.party_id), Money::from_minor(row.balance)))
        .collect())
}

/// Every control total of a zone: as many rows as it has codes, programmes and years, however many
/// accounts there are.
pub async fn control_totals(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<ControlTotal>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT code, currency AS "currency!", programme, fiscal_year, debits, credits
           FROM ledger.control_total WHERE zone_id = $1
           ORDER BY code, currency, programme, fiscal_year"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let code = row
                .code
                .parse()
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let currency = row
                .currency
                .parse()
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let totals = AccountTotals {
                debits: Money::from_minor(row.debits),
                credits: Money::from_minor(row.credits),
            };
            Ok(ControlTotal {
                code,
                currency,
                programme: row.programme,
                year: row.fiscal_year,
                totals,
            })
        })
        .collect()
}

/// One line of the trial balance: the balances of one account code in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalanceLine {
    /// The book.
    pub book: Book,
    /// Account code.
    pub code: AccountCode,
    /// What it is counted in.
    pub currency: Currency,
    /// Total debits, minor units.
    pub debits: Money,
    /// Total credits, minor units.
    pub credits: Money,
}

/// Debits and credits by account code. In every book and currency they are equal.
pub async fn trial_balance(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<TrialBalanceLine>, sqlx::Error> {
    let mut lines: Vec<TrialBalanceLine> = Vec::new();
    for total in control_totals(conn, zone).await? {
        let AccountTotals { debits, credits } = total.totals;
        match lines.last_mut() {
            Some(line) if line.code == total.code && line.currency == total.currency => {
                line.debits = [line.debits, debits].into_iter().sum();
                line.credits = [line.credits, credits].into_iter().sum();
            }
            Some(_) | None => lines.push(TrialBalanceLine {
                book: total.code.book(),
                code: total.code,
                currency: total.currency,
                debits,
                credits,
            }),
        }
    }
    Ok(lines)
}

/// The bytes of entries, as hashed, by index; unknown ones are missing.
pub async fn entry_bodies(
    conn: &mut PgConnection,
    zone: ZoneId,
    indices: &[LogIndex],
) -> Result<HashMap<LogIndex, Vec<u8>>, sqlx::Error> {
    if indices.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "SELECT log_index, body FROM ledger.entry WHERE zone_id = $1 AND log_index = ANY($2)",
        zone.0,
        &indices.iter().map(|index| index.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (LogIndex(row.log_index), row.body))
        .collect())
}

/// The bytes of an entry, as hashed.
pub async fn entry_body(
    conn: &mut PgConnection,
    zone: ZoneId,
    index: LogIndex,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT body FROM ledger.entry WHERE zone_id = $1 AND log_index = $2",
        zone.0,
        index.0
    )
    .fetch_optional(conn)
    .await
}

/// What kind of fact an entry records.
pub async fn entry_kind(
    conn: &mut PgConnection,
    zone: ZoneId,
    index: LogIndex,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT kind FROM ledger.entry WHERE zone_id = $1 AND log_index = $2",
        zone.0,
        index.0
    )
    .fetch_optional(conn)
    .await
}

/// The case that an entry is about, and its details; `None` if there is no such entry of one of these
/// kinds.
pub async fn entry_case(
    conn: &mut PgConnection,
    zone: ZoneId,
    index: LogIndex,
    kinds: &[&str],
) -> Result<Option<(Uuid, Value)>, sqlx::Error> {
    let Some(bytes) = entry_body(conn, zone, index).await? else {
        return Ok(None);
    };
    let body: Body<'_> =
        serde_json::from_slice(&bytes).map_err(|error| sqlx::Error::Decode(error.into()))?;
    if kinds.contains(&body.kind.as_ref()) {
        Ok(body.subject.map(|subject| (subject, body.details)))
    } else {
        Ok(None)
    }
}

/// The bytes of at most `limit` entries from `from` on, in the order of the log.
pub async fn entry_page(
    conn: &mut PgConnection,
    zone: ZoneId,
    from: LogIndex,
    limit: u16,
) -> Result<Vec<(LogIndex, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT log_index, body FROM ledger.entry WHERE zone_id = $1 AND log_index >= $2
         ORDER BY log_index LIMIT $3",
        zone.0,
        from.0,
        i64::from(limit)
    )
    .fetch_all(conn)
    .await?;
    let entries = rows
        .into_iter()
        .map(|row| (LogIndex(row.log_index), row.body));
    Ok(entries.collect())
}
