//! Lists, programmes and imported awards as rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::file::{AwardFile, Programme};
use super::plan::{Hashed, Salt, Standing};
use super::postings::Placement;
use super::reconcile::Totals;
use crate::journal::Recorded;
use crate::types::{Code, FiscalYear, ItemId, LogIndex, Money, PartyId, ZoneId};

/// Makes the list if it is new, and locks it: one import of a list at a time. `None` if its salt was
/// erased.
pub(super) async fn lock_source(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
    now: DateTime<Utc>,
) -> Result<Option<Salt>, sqlx::Error> {
    let salt: Salt = rand::random();
    sqlx::query!(
        "INSERT INTO ledger.award_source (zone_id, source, salt, created_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT ON CONSTRAINT award_source_pkey DO NOTHING",
        zone.0,
        source.as_str(),
        salt.as_slice(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    let salt = sqlx::query_scalar!(
        "SELECT salt FROM ledger.award_source WHERE zone_id = $1 AND source = $2 FOR UPDATE",
        zone.0,
        source.as_str(),
    )
    .fetch_one(conn)
    .await?;
    salt.map(|bytes| hash(&bytes)).transpose()
}

/// The salt of a list that was imported before and not erased.
pub(super) async fn salt(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
) -> Result<Option<Salt>, sqlx::Error> {
    let salt = sqlx::query_scalar!(
        r#"SELECT salt AS "salt!" FROM ledger.award_source
           WHERE zone_id = $1 AND source = $2 AND salt IS NOT NULL"#,
        zone.0,
        source.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    salt.map(|bytes| hash(&bytes)).transpose()
}

/// The awards of a list that stand.
pub(super) async fn standing(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
) -> Result<Vec<Standing>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT award_id, identity, content, log_index, programme, fiscal_year, party_id, granted
         FROM ledger.imported_award WHERE zone_id = $1 AND source = $2 AND reversed_by IS NULL",
        zone.0,
        source.as_str(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Standing {
                identity: hash(&row.identity)?,
                content: hash(&row.content)?,
                index: LogIndex(row.log_index),
                placement: Placement {
                    award: ItemId(row.award_id),
                    programme: row.programme.parse().map_err(decode)?,
                    year: FiscalYear(row.fiscal_year),
                    party: row.party_id.map(PartyId),
                    granted: Money::from_minor(row.granted),
                },
            })
        })
        .collect()
}

/// Names of those programmes that are known.
pub(super) async fn programme_names(
    conn: &mut PgConnection,
    zone: ZoneId,
    codes: &[&str],
) -> Result<HashMap<String, String>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT code, name FROM ledger.imported_programme WHERE zone_id = $1 AND code = ANY($2)",
        zone.0,
        codes as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

pub(super) async fn insert_programmes(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
    programmes: &[&Programme],
) -> Result<(), sqlx::Error> {
    let codes: Vec<&str> = programmes
        .iter()
        .map(|programme| programme.code.as_str())
        .collect();
    let names: Vec<&str> = programmes
        .iter()
        .map(|programme| programme.name.as_str())
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.imported_programme (zone_id, source, code, name)
         SELECT $1, $2, new.* FROM unnest($3::text[], $4::text[]) AS new",
        zone.0,
        source.as_str(),
        &codes as _,
        &names as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An award that was just recorded.
pub(super) struct NewAward<'a> {
    pub(super) hashed: Hashed<'a>,
    pub(super) placement: &'a Placement,
    pub(super) recorded: Recorded,
}

pub(super) async fn insert_awards(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
    awards: &[NewAward<'_>],
) -> Result<(), sqlx::Error> {
    let placements = || awards.iter().map(|award| award.placement);
    let rows = || awards.iter().map(|award| award.hashed.row);
    let ids: Vec<Uuid> = placements().map(|placement| placement.award.0).collect();
    let identities: Vec<&[u8]> = awards
        .iter()
        .map(|award| award.hashed.identity.as_slice())
        .collect();
    let contents: Vec<&[u8]> = awards
        .iter()
        .map(|award| award.hashed.content.as_slice())
        .collect();
    let numbers: Vec<i64> = rows()
        .map(|row| i64::try_from(row.number).unwrap_or(i64::MAX))
        .collect();
    let indices: Vec<i64> = awards.iter().map(|award| award.recorded.index.0).collect();
    let programmes: Vec<&str> = placements()
        .map(|placement| placement.programme.as_str())
        .collect();
    let years: Vec<i16> = placements().map(|placement| placement.year.0).collect();
    let parties: Vec<Option<Uuid>> = placements()
        .map(|placement| placement.party.map(|party| party.0))
        .collect();
    let requested: Vec<Option<i64>> = rows().map(|row| row.requested.map(Money::minor)).collect();
    let granted: Vec<i64> = placements()
        .map(|placement| placement.granted.minor())
        .collect();
    let facts: Vec<serde_json::Value> = rows().map(|row| serde_json::json!(row.facts)).collect();
    sqlx::query!(
        "INSERT INTO ledger.imported_award (zone_id, source, award_id, identity, content, row_number,
             log_index, programme, fiscal_year, party_id, requested, granted, facts)
         SELECT $1, $2, new.* FROM unnest($3::uuid[], $4::bytea[], $5::bytea[], $6::bigint[],
             $7::bigint[], $8::text[], $9::smallint[], $10::uuid[], $11::bigint[], $12::bigint[],
             $13::jsonb[]) AS new",
        zone.0,
        source.as_str(),
        &ids,
        &identities as _,
        &contents as _,
        &numbers,
        &indices,
        &programmes as _,
        &years,
        &parties as _,
        &requested as _,
        &granted,
        &facts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks awards as taken back, each by the entry beside it.
pub(super) async fn mark_reversed(
    conn: &mut PgConnection,
    zone: ZoneId,
    reversed: &[(ItemId, LogIndex)],
) -> Result<u64, sqlx::Error> {
    let ids: Vec<Uuid> = reversed.iter().map(|(award, _)| award.0).collect();
    let indices: Vec<i64> = reversed.iter().map(|(_, index)| index.0).collect();
    let marked = sqlx::query!(
        "UPDATE ledger.imported_award a SET reversed_by = new.log_index
         FROM unnest($2::uuid[], $3::bigint[]) AS new (award_id, log_index)
         WHERE a.zone_id = $1 AND a.award_id = new.award_id AND a.reversed_by IS NULL",
        zone.0,
        &ids,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected())
}

pub(super) async fn insert_file(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
    file: &AwardFile,
    recorded: Recorded,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.award_file (zone_id, log_index, source, file_name, file_sha256, row_count,
             imported_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        zone.0,
        recorded.index.0,
        source.as_str(),
        file.name,
        file.sha256.as_slice(),
        i64::try_from(file.row_count).unwrap_or(i64::MAX),
        recorded.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the books have of a list, by programme. The granted sum is that of the transfers that expensed
/// it, of entries that nothing reversed: not the copy beside the row. Each award's transfers are looked
/// up by its entry: a join would be planned by statistics that may know only other zones, and then cost
/// the square of the list.
pub(super) async fn totals(
    conn: &mut PgConnection,
    zone: ZoneId,
    source: &Code,
) -> Result<HashMap<String, Totals>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.programme, count(*) AS "rows!",
             count(*) FILTER (WHERE a.outcome = 'refused') AS "refused!",
             coalesce(sum(a.requested), 0)::bigint AS "requested!",
             coalesce(sum((SELECT sum(t.amount) FROM ledger.transfer t
               WHERE t.zone_id = $1 AND t.log_index = a.log_index
                 AND (SELECT d.code FROM ledger.account d
                   WHERE d.zone_id = $1 AND d.account_id = t.debit_account_id) = 'F5040'
                 AND (SELECT r.log_index FROM ledger.entry r
                   WHERE r.zone_id = $1 AND r.reverses = t.log_index) IS NULL)), 0)::bigint AS "granted!"
           FROM ledger.imported_award a
           WHERE a.zone_id = $1 AND a.source = $2 AND a.reversed_by IS NULL
           GROUP BY a.programme"#,
        zone.0,
        source.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let totals = Totals {
                rows: row.rows,
                refused: row.refused,
                requested: Money::from_minor(row.requested),
                granted: Money::from_minor(row.granted),
            };
            (row.programme, totals)
        })
        .collect())
}

fn hash(bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(decode)
}

/// A stored text that its own type does not accept: the row was written past the service.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
