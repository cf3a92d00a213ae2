//! The rows that [`record`](super::record::record) reads and writes, in the same few statements
//! however many entries there are.

#![expect(
    clippy::as_conversions,
    reason = "sqlx's way to say that an array has NULLs, or borrowed elements"
)]

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::error::DatabaseError;

use super::address::Address;
use super::chart::Side;
use super::entry::Effect;
use super::fold::{AccountTotals, Books};
use super::period::ClosedPeriod;
use super::record::{Batch, RecordError};
use crate::db::Overtaken;
use crate::log;
use crate::types::{Code, Money, ZoneId};

/// The addresses of accounts, by position, as the database knows them.
pub(super) fn addresses(books: &Books) -> Vec<String> {
    let accounts = books.accounts().iter();
    accounts
        .map(|account| account.address.to_string())
        .collect()
}

/// What is read under the lock of the log's head.
pub(super) struct Locked {
    pub(super) head: log::Head,
    pub(super) closed: Vec<ClosedPeriod>,
}

/// Locks the head of the zone's log until the transaction ends, and then reads the closed periods and
/// the totals of accounts, given with their addresses; those that have no row yet stay at zero.
pub(super) async fn lock_books(
    conn: &mut PgConnection,
    zone: ZoneId,
    books: &mut Books,
    addresses: &[String],
) -> Result<Locked, RecordError> {
    let row = sqlx::query!(
        r#"SELECT size, frontier, recorded_at, closed_from AS "closed_from!",
             closed_until AS "closed_until!", positions AS "positions!", account_ids AS "account_ids!",
             debits AS "debits!", credits AS "credits!"
           FROM ledger.lock_books($1, $2)"#,
        zone.0,
        addresses,
    )
    .fetch_one(conn)
    .await?;
    let head = log::Head::from_columns(zone, row.size, row.frontier, row.recorded_at)?;
    let totals = row.debits.into_iter().zip(row.credits);
    let accounts = row.positions.into_iter().zip(row.account_ids).zip(totals);
    for ((position, id), (debits, credits)) in accounts {
        let totals = AccountTotals {
            debits: Money::from_minor(debits),
            credits: Money::from_minor(credits),
        };
        // Postgres counts from one.
        let position = usize::try_from(position - 1).unwrap_or(usize::MAX);
        books.load(position, id, totals);
    }
    let closed = row.closed_from.into_iter().zip(row.closed_until).collect();
    Ok(Locked { head, closed })
}

/// Opens the accounts that accepted entries name for the first time, with the totals that they have after the batch: a
/// row that is inserted and then updated costs nearly twice as much.
pub(super) async fn open_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    books: &mut Books,
) -> Result<(), sqlx::Error> {
    let (missing, totals): (Vec<Address>, Vec<AccountTotals>) = books
        .accounts()
        .iter()
        .filter(|account| account.touched && account.id.is_none())
        .map(|account| (account.address.clone(), account.totals))
        .unzip();
    if missing.is_empty() {
        return Ok(());
    }
    let column = |text: fn(&Address) -> String| missing.iter().map(text).collect::<Vec<_>>();
    let sides = column(|address| match address.code.normal_side() {
        Side::Debit => "D".to_owned(),
        Side::Credit => "C".to_owned(),
    });
    let guarded: Vec<bool> = missing
        .iter()
        .map(|address| address.code.is_guarded())
        .collect();
    let addresses = || missing.iter();
    let programmes: Vec<Option<String>> = addresses()
        .map(|address| address.programme.clone().map(String::from))
        .collect();
    let years: Vec<Option<i16>> = addresses()
        .map(|address| address.year.map(|year| year.0))
        .collect();
    let parties: Vec<Option<uuid::Uuid>> = addresses()
        .map(|address| address.party.map(|party| party.0))
        .collect();
    let items: Vec<Option<uuid::Uuid>> = addresses()
        .map(|address| address.item.map(|item| item.0))
        .collect();
    let opened = sqlx::query!(
        r#"INSERT INTO ledger.account (zone_id, code, currency, normal_side, guarded,
             programme, fiscal_year, party_id, item_id, debits, credits)
         SELECT $1, new.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bool[], $6::text[],
             $7::smallint[], $8::uuid[], $9::uuid[], $10::bigint[], $11::bigint[]) AS new
         RETURNING account_id, address AS "address!""#,
        zone.0,
        &column(|address| address.code.as_str().to_owned()),
        &column(|address| address.currency.code().to_owned()),
        &sides,
        &guarded,
        &programmes as &[Option<String>],
        &years as &[Option<i16>],
        &parties as &[Option<uuid::Uuid>],
        &items as &[Option<uuid::Uuid>],
        &totals
            .iter()
            .map(|totals| totals.debits.minor())
            .collect::<Vec<_>>(),
        &totals
            .iter()
            .map(|totals| totals.credits.minor())
            .collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let ids: HashMap<String, i64> = opened
        .into_iter()
        .map(|row| (row.address, row.account_id))
        .collect();
    for address in missing {
        let id = ids
            .get(&address.to_string())
            .expect("BUG: every opened account came back");
        books.set_id(&address, *id);
    }
    Ok(())
}

/// Writes the accepted entries with their transfers, the totals of accounts and codes that they move, and
/// the head that the log has with them. One statement, since each costs a way to the database and back while others wait for the log's head.
///
/// # Errors
/// [`RecordError::Overtaken`] if another transaction has recorded a key of theirs meanwhile;
/// [`RecordError::TotalsOutOfRange`].
pub(super) async fn write_batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    head: &log::Head,
    batch: &Batch<'_>,
    books: &Books,
) -> Result<(), RecordError> {
    let entries = EntryColumns::of(batch);
    let transfers = TransferColumns::of(batch, books);
    let accounts = AccountColumns::of(books);
    let controls = ControlColumns::of(books)?;
    sqlx::query!(
        "WITH entries AS (
             INSERT INTO ledger.entry (zone_id, recorded_at, log_index, actor_id, kind, effective,
                 subject_id, adjusting, reverses, idempotency_key, request_sha256, body, leaf_hash)
             SELECT $1, $2, new.* FROM unnest($3::bigint[], $4::uuid[], $5::text[], $6::date[], $7::uuid[],
                 $8::bool[], $9::bigint[], $10::text[], $11::bytea[], $12::bytea[], $13::bytea[]) AS new
         ), transfers AS (
             INSERT INTO ledger.transfer (zone_id, log_index, position, debit_account_id,
                 credit_account_id, amount, debits_after, credits_after)
             SELECT $1, new.* FROM unnest($14::bigint[], $15::smallint[], $16::bigint[], $17::bigint[],
                 $18::bigint[], $19::bigint[], $20::bigint[]) AS new
         ), accounts AS (
             UPDATE ledger.account a SET debits = new.debits, credits = new.credits
             FROM unnest($21::bigint[], $22::bigint[], $23::bigint[]) AS new (account_id, debits, credits)
             WHERE a.zone_id = $1 AND a.account_id = new.account_id
         ), head AS (
             UPDATE ledger.log_head SET size = $30, frontier = $31, recorded_at = $2 WHERE zone_id = $1
         )
         INSERT INTO ledger.control_total AS total
             (zone_id, code, currency, programme, fiscal_year, debits, credits)
         SELECT $1, new.* FROM unnest($24::text[], $25::text[], $26::text[], $27::smallint[],
             $28::bigint[], $29::bigint[]) AS new
         ON CONFLICT ON CONSTRAINT control_total_pkey DO UPDATE
             SET debits = total.debits + excluded.debits, credits = total.credits + excluded.credits",
        zone.0,
        head.recorded_at(),
        &entries.indices,
        &entries.actors,
        &entries.kinds as &[&str],
        &entries.effective,
        &entries.subjects as &[Option<uuid::Uuid>],
        &entries.adjusting,
        &entries.reverses as &[Option<i64>],
        &entries.keys as &[Option<&str>],
        &entries.requests as &[Option<&[u8]>],
        &entries.bodies as &[&[u8]],
        &entries.hashes as &[&[u8]],
        &transfers.indices,
        &transfers.positions,
        &transfers.debits,
        &transfers.credits,
        &transfers.amounts,
        &transfers.debits_after,
        &transfers.credits_after,
        &accounts.ids,
        &accounts.debits,
        &accounts.credits,
        &controls.codes as &[&str],
        &controls.currencies as &[&str],
        &controls.programmes as &[&str],
        &controls.years,
        &controls.debits,
        &controls.credits,
        head.size(),
        head.frontier().to_bytes(),
    )
    .execute(conn)
    .await
    .map_err(|error| refused(error, &controls))?;
    Ok(())
}

/// The SQLSTATE of a sum that 64 bits can't hold. The fold has checked every sum but those of the totals by
/// code.
const NUMERIC_VALUE_OUT_OF_RANGE: &str = "22003";

fn refused(error: sqlx::Error, controls: &ControlColumns<'_>) -> RecordError {
    let refusal = error.as_database_error();
    if refusal.and_then(DatabaseError::constraint) == Some("entry_idempotency_key") {
        RecordError::Overtaken(Overtaken)
    } else if refusal.and_then(DatabaseError::code).as_deref() == Some(NUMERIC_VALUE_OUT_OF_RANGE) {
        RecordError::TotalsOutOfRange(controls.codes.join(", "))
    } else {
        error.into()
    }
}

struct EntryColumns<'a> {
    indices: Vec<i64>,
    actors: Vec<uuid::Uuid>,
    kinds: Vec<&'static str>,
    effective: Vec<NaiveDate>,
    subjects: Vec<Option<uuid::Uuid>>,
    adjusting: Vec<bool>,
    reverses: Vec<Option<i64>>,
    keys: Vec<Option<&'a str>>,
    requests: Vec<Option<&'a [u8]>>,
    bodies: Vec<&'a [u8]>,
    hashes: Vec<&'a [u8]>,
}

impl<'a> EntryColumns<'a> {
    fn of(batch: &'a Batch<'_>) -> Self {
        let accepted = || batch.accepted.iter();
        let entries = || accepted().map(|accepted| accepted.entry);
        let commands = || entries().map(|entry| entry.idempotency.as_ref());
        Self {
            indices: accepted().map(|accepted| accepted.index.0).collect(),
            actors: entries().map(|entry| entry.actor.0).collect(),
            kinds: entries().map(|entry| entry.kind.0).collect(),
            effective: entries().map(|entry| entry.effective).collect(),
            subjects: entries().map(|entry| entry.subject).collect(),
            adjusting: entries()
                .map(|entry| entry.effect == Effect::Adjusting)
                .collect(),
            reverses: entries()
                .map(|entry| match entry.effect {
                    Effect::Reversing(index) => Some(index.0),
                    Effect::Ordinary | Effect::Adjusting => None,
                })
                .collect(),
            keys: commands()
                .map(|command| command.map(|command| command.key.as_str()))
                .collect(),
            requests: commands()
                .map(|command| command.map(|command| command.request.as_slice()))
                .collect(),
            bodies: accepted()
                .map(|accepted| accepted.body.as_slice())
                .collect(),
            hashes: batch
                .leaf_hashes
                .iter()
                .map(|hash| hash.0.as_slice())
                .collect(),
        }
    }
}

#[derive(Default)]
struct TransferColumns {
    indices: Vec<i64>,
    positions: Vec<i16>,
    debits: Vec<i64>,
    credits: Vec<i64>,
    amounts: Vec<i64>,
    debits_after: Vec<i64>,
    credits_after: Vec<i64>,
}

impl TransferColumns {
    fn of(batch: &Batch<'_>, books: &Books) -> Self {
        let id = |position: usize| {
            let account = books.accounts().get(position);
            let id = account.and_then(|account| account.id);
            id.expect("BUG: every touched account has a row")
        };
        let mut columns = Self::default();
        for accepted in &batch.accepted {
            for (position, transfer) in (0_i16..).zip(&accepted.posted) {
                columns.indices.push(accepted.index.0);
                columns.positions.push(position);
                columns.debits.push(id(transfer.debit));
                columns.credits.push(id(transfer.credit));
                columns.amounts.push(transfer.amount.minor());
                columns.debits_after.push(transfer.debits_after.minor());
                columns.credits_after.push(transfer.credits_after.minor());
            }
        }
        columns
    }
}

/// The new totals of touched accounts that had a row before.
struct AccountColumns {
    ids: Vec<i64>,
    debits: Vec<i64>,
    credits: Vec<i64>,
}

impl AccountColumns {
    fn of(books: &Books) -> Self {
        let accounts = books.accounts().iter();
        let mut touched: Vec<(i64, AccountTotals)> = accounts
            .filter(|account| account.touched && !account.is_new)
            .filter_map(|account| Some((account.id?, account.totals)))
            .collect();
        // In the order of the index and, mostly, of the rows: page by page.
        touched.sort_unstable_by_key(|(id, _)| *id);
        let totals = || touched.iter().map(|(_, totals)| totals);
        Self {
            ids: touched.iter().map(|(id, _)| *id).collect(),
            debits: totals().map(|totals| totals.debits.minor()).collect(),
            credits: totals().map(|totals| totals.credits.minor()).collect(),
        }
    }
}

/// What was posted, by code, currency, programme and year.
struct ControlColumns<'a> {
    codes: Vec<&'static str>,
    currencies: Vec<&'static str>,
    programmes: Vec<&'a str>,
    years: Vec<i16>,
    debits: Vec<i64>,
    credits: Vec<i64>,
}

impl<'a> ControlColumns<'a> {
    fn of(books: &'a Books) -> Result<Self, RecordError> {
        type Key<'a> = (&'static str, &'static str, &'a str, i16);
        let mut grown: BTreeMap<Key<'a>, (i64, i64)> = BTreeMap::new();
        for account in books.accounts().iter().filter(|account| account.touched) {
            let address = &account.address;
            let key = (
                address.code.as_str(),
                address.currency.code(),
                address.programme.as_ref().map_or("", Code::as_str),
                address.year.map_or(0, |year| year.0),
            );
            let added = |total: i64, now: Money, before: Money| {
                total
                    .checked_add(now.minor() - before.minor())
                    .ok_or_else(|| RecordError::TotalsOutOfRange(address.code.to_string()))
            };
            let (debits, credits) = grown.entry(key).or_default();
            *debits = added(*debits, account.totals.debits, account.loaded.debits)?;
            *credits = added(*credits, account.totals.credits, account.loaded.credits)?;
        }
        Ok(Self {
            codes: grown.keys().map(|key| key.0).collect(),
            currencies: grown.keys().map(|key| key.1).collect(),
            programmes: grown.keys().map(|key| key.2).collect(),
            years: grown.keys().map(|key| key.3).collect(),
            debits: grown.values().map(|totals| totals.0).collect(),
            credits: grown.values().map(|totals| totals.1).collect(),
        })
    }
}
