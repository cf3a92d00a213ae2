//! Snapshots of facts, by their hash.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::decode;
use crate::policy::{Facts, Sha256};
use crate::types::ZoneId;

/// Keeps snapshots, so that decisions can name them; those that are kept already are left as they are. The hashes are
/// in the order of the snapshots.
pub async fn keep_snapshots(
    conn: &mut PgConnection,
    zone: ZoneId,
    snapshots: &[&Facts],
) -> Result<Vec<Sha256>, sqlx::Error> {
    if snapshots.is_empty() {
        return Ok(Vec::new());
    }
    let bodies: Vec<String> = snapshots
        .iter()
        .map(|facts| String::from_utf8(facts.to_canonical_json()).expect("BUG: JSON is UTF-8"))
        .collect();
    let hashes: Vec<Sha256> = bodies
        .iter()
        .map(|body| Sha256::of(body.as_bytes()))
        .collect();
    // In one order, so that two who keep the same snapshots don't wait for each other in a circle.
    let mut pairs: Vec<(&[u8], &str)> = hashes
        .iter()
        .zip(&bodies)
        .map(|(hash, body)| (hash.as_bytes().as_slice(), body.as_str()))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let (digests, bodies): (Vec<&[u8]>, Vec<&str>) = pairs.into_iter().unzip();
    sqlx::query!(
        "INSERT INTO ledger.fact_snapshot (zone_id, sha256, body)
         SELECT $1, new.* FROM unnest($2::bytea[], $3::text[]) AS new
         ON CONFLICT ON CONSTRAINT fact_snapshot_pkey DO NOTHING",
        zone.0,
        &digests as _,
        &bodies as _,
    )
    .execute(conn)
    .await?;
    Ok(hashes)
}

/// The snapshots with these hashes, as far as they are kept; or why one can't be read.
pub async fn snapshots_by_hash(
    conn: &mut PgConnection,
    zone: ZoneId,
    hashes: &[Sha256],
) -> Result<HashMap<Sha256, Result<Facts, String>>, sqlx::Error> {
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let digests: Vec<&[u8]> = hashes
        .iter()
        .map(|hash| hash.as_bytes().as_slice())
        .collect();
    let rows = sqlx::query!(
        "SELECT sha256, body FROM ledger.fact_snapshot WHERE zone_id = $1 AND sha256 = ANY($2)",
        zone.0,
        &digests as _,
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        let hash = <[u8; 32]>::try_from(row.sha256)
            .map_err(|_| sqlx::Error::Decode("a snapshot's SHA-256 has not 32 bytes".into()))?;
        let facts = Facts::from_canonical_json(row.body.as_bytes());
        Ok((
            Sha256::from_bytes(hash),
            facts.map_err(|error| error.to_string()),
        ))
    });
    read.collect()
}

/// The snapshot with this hash, if it is kept.
pub async fn snapshot_by_hash(
    conn: &mut PgConnection,
    zone: ZoneId,
    sha256: Sha256,
) -> Result<Option<Facts>, sqlx::Error> {
    let body = sqlx::query_scalar!(
        "SELECT body FROM ledger.fact_snapshot WHERE zone_id = $1 AND sha256 = $2",
        zone.0,
        sha256.as_bytes().as_slice(),
    )
    .fetch_optional(conn)
    .await?;
    body.map(|body| Facts::from_canonical_json(body.as_bytes()).map_err(decode))
        .transpose()
}
