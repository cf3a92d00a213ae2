//! Reading reports: the views, and the journal page by page.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::figures::{BudgetFigures, BudgetLine, ProgrammeName, TrialBalanceRow};
use crate::journal::Address;
use crate::types::{Currency, FiscalYear, LogIndex, Money, PartyId, Zone, ZoneId};

/// Budget execution of a zone by programme and year; the zone's own line comes first in each year.
/// Costs as many rows as there are programmes and years, however many entries.
pub async fn budget_execution(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<BudgetLine>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT b.programme AS "programme!", coalesce(p.name_zh, b.programme_name) AS name_zh,
             coalesce(p.name_en, b.programme_name) AS name_en, fiscal_year AS "fiscal_year!",
             currency AS "currency!", appropriated AS "appropriated!",
             unallocated AS "unallocated!", allocated AS "allocated!", issued AS "issued!",
             outstanding AS "outstanding!", reserved AS "reserved!", used AS "used!",
             redeemed AS "redeemed!", obligated AS "obligated!", paid AS "paid!",
             lapsed AS "lapsed!", carried AS "carried!", free AS "free!"
           FROM ledger.budget_execution b
           LEFT JOIN ledger.programme p ON p.zone_id = b.zone_id AND p.code = b.programme
           WHERE b.zone_id = $1
           ORDER BY currency, fiscal_year, b.programme"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = row.currency.parse().map_err(decode)?;
            let money = |amount| minor_units(amount, currency);
            let programme = Some(row.programme).filter(|code| !code.is_empty());
            Ok(BudgetLine {
                programme: programme
                    .map(|code| code.parse())
                    .transpose()
                    .map_err(decode)?,
                programme_name: row
                    .name_zh
                    .zip(row.name_en)
                    .map(|(zh, en)| ProgrammeName { zh, en }),
                year: Some(FiscalYear(row.fiscal_year)).filter(|year| year.0 != 0),
                currency,
                figures: BudgetFigures {
                    appropriated: money(row.appropriated)?,
                    unallocated: money(row.unallocated)?,
                    allocated: money(row.allocated)?,
                    issued: money(row.issued)?,
                    outstanding: money(row.outstanding)?,
                    reserved: money(row.reserved)?,
                    used: money(row.used)?,
                    redeemed: money(row.redeemed)?,
                    obligated: money(row.obligated)?,
                    paid: money(row.paid)?,
                    lapsed: money(row.lapsed)?,
                    carried: money(row.carried)?,
                    free: money(row.free)?,
                },
            })
        })
        .collect()
}

/// The trial balance of a zone, by account code.
pub async fn trial_balance(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<TrialBalanceRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT code AS "code!", name_zh AS "name_zh!", name_en AS "name_en!",
             currency AS "currency!", debits AS "debits!", credits AS "credits!",
             balance AS "balance!"
           FROM ledger.trial_balance WHERE zone_id = $1 ORDER BY code, currency"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = row.currency.parse().map_err(decode)?;
            Ok(TrialBalanceRow {
                code: row.code.parse().map_err(decode)?,
                name_zh: row.name_zh,
                name_en: row.name_en,
                currency,
                debits: minor_units(row.debits, currency)?,
                credits: minor_units(row.credits, currency)?,
                balance: minor_units(row.balance, currency)?,
            })
        })
        .collect()
}

/// What an export covers.
pub(super) struct Extent {
    /// The first and the last day for which something moved; `None` if nothing ever did.
    pub(super) days: Option<(NaiveDate, NaiveDate)>,
    /// Kinds of the entries that move something, in alphabetical order.
    pub(super) kinds: Vec<String>,
    /// Currencies of the accounts, in alphabetical order.
    pub(super) currencies: Vec<Currency>,
}

pub(super) async fn extent(conn: &mut PgConnection, zone: ZoneId) -> Result<Extent, sqlx::Error> {
    let moving = sqlx::query!(
        r#"SELECT min(e.effective) AS first, max(e.effective) AS last,
             coalesce(array_agg(DISTINCT e.kind), '{}') AS "kinds!"
           FROM ledger.entry e WHERE e.zone_id = $1 AND EXISTS (SELECT FROM ledger.transfer t
             WHERE t.zone_id = $1 AND t.log_index = e.log_index)"#,
        zone.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let currencies = sqlx::query_scalar!(
        r#"SELECT DISTINCT currency::text AS "currency!" FROM ledger.account WHERE zone_id = $1
           ORDER BY 1"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    let currencies: Result<Vec<Currency>, _> = currencies.iter().map(|code| code.parse()).collect();
    Ok(Extent {
        days: moving.first.zip(moving.last),
        kinds: moving.kinds,
        currencies: currencies.map_err(decode)?,
    })
}

/// An account with the totals that the service itself goes by.
pub(super) struct AccountRow {
    /// Where the next page begins.
    pub(super) id: i64,
    pub(super) address: Address,
    pub(super) debits: Money,
    pub(super) credits: Money,
}

/// At most `limit` accounts after `after`, in the order in which they were opened.
pub(super) async fn accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    after: i64,
    limit: i64,
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account_id, address, debits, credits FROM ledger.account
         WHERE zone_id = $1 AND account_id > $2 ORDER BY account_id LIMIT $3",
        zone.0,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AccountRow {
                id: row.account_id,
                address: row.address.parse().map_err(decode)?,
                debits: Money::from_minor(row.debits),
                credits: Money::from_minor(row.credits),
            })
        })
        .collect()
}

/// A transfer with what its entry says.
pub(super) struct TransferRow {
    pub(super) index: LogIndex,
    pub(super) position: i16,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) effective: NaiveDate,
    pub(super) kind: String,
    pub(super) reverses: Option<i64>,
    pub(super) actor: uuid::Uuid,
    pub(super) subject: Option<uuid::Uuid>,
    pub(super) debit: Address,
    pub(super) credit: Address,
    pub(super) amount: Money,
}

/// The transfers of whole entries from `from` on, in the order of the log: at least `limit` if there
/// are as many, and no more than the last entry adds.
pub(super) async fn transfers(
    conn: &mut PgConnection,
    zone: ZoneId,
    from: LogIndex,
    limit: i64,
) -> Result<Vec<TransferRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT t.log_index, t.position, t.amount, e.recorded_at, e.effective, e.kind, e.reverses,
             e.actor_id, e.subject_id, d.address AS debit, c.address AS credit
           FROM (SELECT * FROM ledger.transfer WHERE zone_id = $1 AND log_index >= $2
             ORDER BY log_index FETCH FIRST $3 ROWS WITH TIES) t
           JOIN ledger.entry e ON e.zone_id = $1 AND e.log_index = t.log_index
           JOIN ledger.account d ON d.zone_id = $1 AND d.account_id = t.debit_account_id
           JOIN ledger.account c ON c.zone_id = $1 AND c.account_id = t.credit_account_id
           ORDER BY t.log_index, t.position"#,
        zone.0,
        from.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(TransferRow {
                index: LogIndex(row.log_index),
                position: row.position,
                recorded_at: row.recorded_at,
                effective: row.effective,
                kind: row.kind,
                reverses: row.reverses,
                actor: row.actor_id,
                subject: row.subject_id,
                debit: row.debit.parse().map_err(decode)?,
                credit: row.credit.parse().map_err(decode)?,
                amount: Money::from_minor(row.amount),
            })
        })
        .collect()
}

/// The accounts of a party, by address. The index of addresses has them in the order of code, currency, programme, year,
/// party and item: so a party is looked up once in each total that is kept by code, programme and year, of which there are few.
pub(super) async fn accounts_of(
    conn: &mut PgConnection,
    zone: &Zone,
    party: PartyId,
) -> Result<Vec<Address>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"WITH line AS (
             SELECT code || ':' || currency || ':' || programme || ':'
               || CASE fiscal_year WHEN 0 THEN '' ELSE fiscal_year::text END || ':' AS address
             FROM ledger.control_total WHERE zone_id = $1
           ), item AS (
             SELECT programme, fiscal_year, voucher_id AS item FROM ledger.voucher
             WHERE zone_id = $1 AND party_id = $2::uuid
             UNION ALL
             SELECT programme, fiscal_year, contract_id FROM ledger.contract
             WHERE zone_id = $1 AND provider_id = $2::uuid AND fiscal_year IS NOT NULL
           ), exact AS (
             SELECT address || ':' || $2::uuid::text AS address FROM line
             UNION ALL
             SELECT code || ':' || $3 || ':' || programme || ':' || fiscal_year::text || '::' || item::text
             FROM item CROSS JOIN (VALUES ('B40'), ('B50')) AS b (code)
           )
           -- A semicolon comes after a colon.
           SELECT a.address FROM line
           CROSS JOIN LATERAL (SELECT a.address FROM ledger.account a WHERE a.zone_id = $1
               AND a.address >= line.address || $2::uuid::text
               AND a.address < line.address || $2::uuid::text || ';' OFFSET 0) a
           UNION ALL
           SELECT a.address FROM exact
           CROSS JOIN LATERAL (SELECT a.address FROM ledger.account a WHERE a.zone_id = $1
               AND a.address = exact.address OFFSET 0) a
           ORDER BY 1"#,
        zone.id.0,
        party.0,
        zone.currency.code(),
    )
    .fetch_all(conn)
    .await?;
    let addresses = rows.into_iter().flatten();
    addresses
        .map(|address| address.parse().map_err(decode))
        .collect()
}

/// The Chinese and the English name of each code of the chart.
pub(super) async fn names_of_codes(
    conn: &mut PgConnection,
) -> Result<HashMap<String, (String, String)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT code, name_zh, name_en FROM ledger.chart")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.code, (row.name_zh, row.name_en)))
        .collect())
}

/// The views divide minor units exactly, so nothing is rounded here.
fn minor_units(amount: Decimal, currency: Currency) -> Result<Money, sqlx::Error> {
    let out_of_range = || sqlx::Error::Decode(format!("{amount} is out of range").into());
    Money::from_decimal_half_up(amount, currency).ok_or_else(out_of_range)
}

/// A stored text that its own type does not accept: the row was written past the service.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
