//! The rows that [`record`](super::record::record) reads and writes: one statement for each table,
//! however many entries there are.

#![expect(
    clippy::as_conversions,
    reason = "sqlx's way to say that an array has NULLs, or borrowed elements"
)]

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::error::DatabaseError;

use super::address::Address;
use super::chart::Side;
use super::entry::{Effect, Entry};
use super::fold::{AccountTotals, Books};
use super::record::{Batch, RecordError};
use crate::types::{Money, ZoneId};

/// Reads the totals of every account that the entries name.
pub(super) async fn load_books(
    conn: &mut PgConnection,
    zone: ZoneId,
    entries: &[Entry],
) -> Result<Books, sqlx::Error> {
    let asked: HashSet<&Address> = entries
        .iter()
        .flat_map(|entry| &entry.transfers)
        .flat_map(|transfer| [transfer.debit(), transfer.credit()])
        .collect();
    let mut books = Books::default();
    if asked.is_empty() {
        return Ok(books);
    }
    let addresses: Vec<&Address> = asked.into_iter().collect();
    let ordinals: Vec<i32> = (0_i32..).take(addresses.len()).collect();
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.ordinal AS "ordinal!", a.account_id, a.debits, a.credits
           FROM unnest($2::int[], $3::text[]) AS asked (ordinal, address)
           JOIN ledger.account a ON a.zone_id = $1 AND a.address = asked.address"#,
        zone.0,
        &ordinals,
        &texts,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let ordinal = usize::try_from(row.ordinal).unwrap_or(usize::MAX);
        if let Some(address) = addresses.get(ordinal) {
            let totals = AccountTotals {
                debits: Money::from_minor(row.debits),
                credits: Money::from_minor(row.credits),
            };
            books.load(address, row.account_id, totals);
        }
    }
    Ok(books)
}

/// Opens the accounts that accepted entries name for the first time.
pub(super) async fn open_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    books: &mut Books,
) -> Result<(), sqlx::Error> {
    let missing: Vec<Address> = books
        .accounts()
        .iter()
        .filter(|account| account.touched && account.id.is_none())
        .map(|account| account.address.clone())
        .collect();
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
    let programmes: Vec<Option<String>> = missing
        .iter()
        .map(|address| address.programme.clone().map(String::from))
        .collect();
    let years: Vec<Option<i16>> = missing
        .iter()
        .map(|address| address.year.map(|year| year.0))
        .collect();
    let parties: Vec<Option<uuid::Uuid>> = missing
        .iter()
        .map(|address| address.party.map(|party| party.0))
        .collect();
    let items: Vec<Option<uuid::Uuid>> = missing
        .iter()
        .map(|address| address.item.map(|item| item.0))
        .collect();
    let opened = sqlx::query!(
        r#"INSERT INTO ledger.account (zone_id, code, currency, normal_side, guarded,
             programme, fiscal_year, party_id, item_id)
         SELECT $1, new.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bool[], $6::text[],
             $7::smallint[], $8::uuid[], $9::uuid[]) AS new
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

/// Writes the accepted entries.
pub(super) async fn insert_entries(
    conn: &mut PgConnection,
    zone: ZoneId,
    at: DateTime<Utc>,
    batch: &Batch<'_>,
) -> Result<(), sqlx::Error> {
    let entries = || batch.accepted.iter().map(|accepted| accepted.entry);
    let indices: Vec<i64> = batch
        .accepted
        .iter()
        .map(|accepted| accepted.index.0)
        .collect();
    let actors: Vec<uuid::Uuid> = entries().map(|entry| entry.actor.0).collect();
    let kinds: Vec<&str> = entries().map(|entry| entry.kind.0).collect();
    let effective: Vec<NaiveDate> = entries().map(|entry| entry.effective).collect();
    let subjects: Vec<Option<uuid::Uuid>> = entries().map(|entry| entry.subject).collect();
    let adjusting: Vec<bool> = entries()
        .map(|entry| entry.effect == Effect::Adjusting)
        .collect();
    let reverses: Vec<Option<i64>> = entries()
        .map(|entry| match entry.effect {
            Effect::Reversing(index) => Some(index.0),
            Effect::Ordinary | Effect::Adjusting => None,
        })
        .collect();
    let commands = || entries().map(|entry| entry.idempotency.as_ref());
    let keys: Vec<Option<&str>> = commands()
        .map(|command| command.map(|command| command.key.as_str()))
        .collect();
    let requests: Vec<Option<&[u8]>> = commands()
        .map(|command| command.map(|command| command.request.as_slice()))
        .collect();
    let bodies: Vec<&[u8]> = batch
        .accepted
        .iter()
        .map(|accepted| accepted.body.as_slice())
        .collect();
    let hashes: Vec<&[u8]> = batch
        .leaf_hashes
        .iter()
        .map(|hash| hash.0.as_slice())
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.entry (zone_id, recorded_at, log_index, actor_id, kind, effective,
             subject_id, adjusting, reverses, idempotency_key, request_sha256, body, leaf_hash)
         SELECT $1, $2, new.* FROM unnest($3::bigint[], $4::uuid[], $5::text[], $6::date[],
             $7::uuid[], $8::bool[], $9::bigint[], $10::text[], $11::bytea[], $12::bytea[],
             $13::bytea[]) AS new",
        zone.0,
        at,
        &indices,
        &actors,
        &kinds as &[&str],
        &effective,
        &subjects as &[Option<uuid::Uuid>],
        &adjusting,
        &reverses as &[Option<i64>],
        &keys as &[Option<&str>],
        &requests as &[Option<&[u8]>],
        &bodies as &[&[u8]],
        &hashes as &[&[u8]],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what the accepted entries move.
pub(super) async fn insert_transfers(
    conn: &mut PgConnection,
    zone: ZoneId,
    batch: &Batch<'_>,
    books: &Books,
) -> Result<(), sqlx::Error> {
    let capacity = batch
        .accepted
        .iter()
        .map(|accepted| accepted.posted.len())
        .sum();
    if capacity == 0 {
        return Ok(());
    }
    let column = || Vec::<i64>::with_capacity(capacity);
    let (mut indices, mut debits, mut credits) = (column(), column(), column());
    let (mut amounts, mut debits_after, mut credits_after) = (column(), column(), column());
    let mut positions: Vec<i16> = Vec::with_capacity(capacity);
    let id = |position: usize| {
        let account = books
            .accounts()
            .get(position)
            .and_then(|account| account.id);
        account.expect("BUG: every touched account has a row")
    };
    for accepted in &batch.accepted {
        for (position, transfer) in (0_i16..).zip(&accepted.posted) {
            indices.push(accepted.index.0);
            positions.push(position);
            debits.push(id(transfer.debit));
            credits.push(id(transfer.credit));
            amounts.push(transfer.amount.minor());
            debits_after.push(transfer.debits_after.minor());
            credits_after.push(transfer.credits_after.minor());
        }
    }
    sqlx::query!(
        "INSERT INTO ledger.transfer (zone_id, log_index, position, debit_account_id,
             credit_account_id, amount, debits_after, credits_after)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[],
             $6::bigint[], $7::bigint[], $8::bigint[]) AS new",
        zone.0,
        &indices,
        &positions,
        &debits,
        &credits,
        &amounts,
        &debits_after,
        &credits_after,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the new totals of touched accounts.
pub(super) async fn update_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    books: &Books,
) -> Result<(), sqlx::Error> {
    let mut touched: Vec<(i64, AccountTotals)> = books
        .accounts()
        .iter()
        .filter(|account| account.touched)
        .filter_map(|account| Some((account.id?, account.totals)))
        .collect();
    // In the order of the index and, mostly, of the rows: page by page.
    touched.sort_unstable_by_key(|(id, _)| *id);
    let ids: Vec<i64> = touched.iter().map(|(id, _)| *id).collect();
    let totals = touched.iter().map(|(_, totals)| totals);
    let (debits, credits): (Vec<i64>, Vec<i64>) = totals
        .map(|totals| (totals.debits.minor(), totals.credits.minor()))
        .unzip();
    sqlx::query!(
        "UPDATE ledger.account a SET debits = new.debits, credits = new.credits
         FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS new (account_id, debits, credits)
         WHERE a.zone_id = $1 AND a.account_id = new.account_id",
        zone.0,
        &ids,
        &debits,
        &credits,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The SQLSTATE of a sum that 64 bits can't hold.
const NUMERIC_VALUE_OUT_OF_RANGE: &str = "22003";

/// Adds what was posted to the totals by code, programme and year.
pub(super) async fn add_to_control_totals(
    conn: &mut PgConnection,
    zone: ZoneId,
    books: &Books,
) -> Result<(), RecordError> {
    let mut grown: BTreeMap<(&str, &str, &str, i16), (i64, i64)> = BTreeMap::new();
    for account in books.accounts().iter().filter(|account| account.touched) {
        let Address {
            code,
            currency,
            programme,
            year,
            ..
        } = &account.address;
        let programme = programme
            .as_ref()
            .map_or("", |programme| programme.as_str());
        let key = (
            code.as_str(),
            currency.code(),
            programme,
            year.map_or(0, |year| year.0),
        );
        let added = |total: i64, now: Money, before: Money| {
            total
                .checked_add(now.minor() - before.minor())
                .ok_or_else(|| RecordError::TotalsOutOfRange(code.to_string()))
        };
        let (debits, credits) = grown.entry(key).or_default();
        *debits = added(*debits, account.totals.debits, account.loaded.debits)?;
        *credits = added(*credits, account.totals.credits, account.loaded.credits)?;
    }
    let codes: Vec<&str> = grown.keys().map(|key| key.0).collect();
    let currencies: Vec<&str> = grown.keys().map(|key| key.1).collect();
    let programmes: Vec<&str> = grown.keys().map(|key| key.2).collect();
    let years: Vec<i16> = grown.keys().map(|key| key.3).collect();
    let debits: Vec<i64> = grown.values().map(|totals| totals.0).collect();
    let credits: Vec<i64> = grown.values().map(|totals| totals.1).collect();
    sqlx::query!(
        "INSERT INTO ledger.control_total AS total
             (zone_id, code, currency, programme, fiscal_year, debits, credits)
         SELECT $1, new.* FROM unnest($2::text[], $3::text[], $4::text[], $5::smallint[],
             $6::bigint[], $7::bigint[]) AS new
         ON CONFLICT ON CONSTRAINT control_total_pkey DO UPDATE
             SET debits = total.debits + excluded.debits, credits = total.credits + excluded.credits",
        zone.0,
        &codes as &[&str],
        &currencies as &[&str],
        &programmes as &[&str],
        &years,
        &debits,
        &credits,
    )
    .execute(conn)
    .await
    .map_err(|error| match error.as_database_error().and_then(DatabaseError::code).as_deref() {
        Some(NUMERIC_VALUE_OUT_OF_RANGE) => RecordError::TotalsOutOfRange(codes.join(", ")),
        Some(_) | None => error.into(),
    })?;
    Ok(())
}
