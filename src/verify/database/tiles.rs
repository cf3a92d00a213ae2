//! The stored tiles, compared with those that are computed from the entries.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::fault::{RowFault, hex};
use super::to_db;
use crate::log::Hash;
use crate::log::bundle::{RebuiltTile, TreeCheck};
use crate::log::tile::{TILE_WIDTH, count_at_level, subtree_root};
use crate::log::tree::hashes_to_bytes;
use crate::types::ZoneId;
use crate::verify::report::VerifyError;

/// A tile as stored: its hashes, and the root over them.
type Stored = (Vec<u8>, Vec<u8>);

fn name(level: u8, number: u64) -> String {
    format!("level {level}, number {number}")
}

/// The stored tiles of leaf hashes over a range of entries, by number.
pub(super) async fn read_bottom(
    conn: &mut PgConnection,
    zone: ZoneId,
    first: u64,
    end: u64,
) -> Result<HashMap<u64, Stored>, sqlx::Error> {
    let width = u64::from(TILE_WIDTH);
    read(conn, zone, 0, first / width, end / width).await
}

async fn read(
    conn: &mut PgConnection,
    zone: ZoneId,
    level: u8,
    first: u64,
    end: u64,
) -> Result<HashMap<u64, Stored>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT number, hashes, root FROM ledger.log_tile
         WHERE zone_id = $1 AND level = $2 AND number >= $3 AND number < $4",
        zone.0,
        i16::from(level),
        to_db(first),
        to_db(end),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((u64::try_from(row.number).ok()?, (row.hashes, row.root))))
        .collect())
}

/// Compares full tiles of leaf hashes.
pub(super) fn check_bottom(
    first: u64,
    leaves: &[Hash],
    stored: &HashMap<u64, Stored>,
) -> Result<(), RowFault> {
    let (full, _) = leaves.as_chunks::<256>();
    for (number, hashes) in (first / u64::from(TILE_WIDTH)..).zip(full) {
        check(0, number, hashes, stored.get(&number))?;
    }
    Ok(())
}

fn check(level: u8, number: u64, hashes: &[Hash], stored: Option<&Stored>) -> Result<(), RowFault> {
    let row = name(level, number);
    let Some((kept, root)) = stored else {
        return Err(RowFault::missing("log_tile", &row));
    };
    if *kept != hashes_to_bytes(hashes) {
        return Err(differing_hash(level, number, hashes, kept));
    }
    let computed = subtree_root(hashes);
    if *root != computed.0 {
        let (stored, expected) = (hex(root), hex(&computed.0));
        return Err(RowFault::new("log_tile", &row, "root", &stored, &expected));
    }
    Ok(())
}

/// Names the first hash of a tile that differs.
fn differing_hash(level: u8, number: u64, hashes: &[Hash], kept: &[u8]) -> RowFault {
    let row = name(level, number);
    let (kept, _) = kept.as_chunks::<32>();
    let differs = (0_u64..)
        .zip(kept.iter().zip(hashes))
        .find(|(_, (kept, hash))| **kept != hash.0);
    let Some((position, (kept, hash))) = differs else {
        return RowFault::new(
            "log_tile",
            &row,
            "hashes",
            "of another length",
            "8192 bytes",
        );
    };
    // A leaf hash was compared with the body, so body and leaf hash were changed together, or the tile was.
    let row = match level {
        0 => format!(
            "{row}, of entry {}",
            number * u64::from(TILE_WIDTH) + position
        ),
        _ => row,
    };
    let column = format!("hash {position} of hashes");
    RowFault::new("log_tile", &row, &column, &hex(kept), &hex(&hash.0))
}

/// Adds leaves to the tree, from where a tile begins; returns the upper tiles that are full with them.
pub(super) fn grow(tree: &mut TreeCheck, leaves: &[Hash]) -> Vec<RebuiltTile> {
    let (full, rest) = leaves.as_chunks::<256>();
    let mut upper = Vec::new();
    for leaves in full {
        upper.extend(tree.add_full(subtree_root(leaves)));
    }
    if !rest.is_empty() {
        // Partial tiles are not stored.
        tree.add_partial(rest);
    }
    upper
}

/// Compares full tiles of the levels above the leaves.
pub(super) async fn check_upper(
    conn: &mut PgConnection,
    zone: ZoneId,
    tiles: &[RebuiltTile],
) -> Result<(), VerifyError> {
    for RebuiltTile { id, hashes } in tiles {
        let stored = read(conn, zone, id.level, id.number, id.number + 1).await?;
        check(id.level, id.number, hashes, stored.get(&id.number))?;
    }
    Ok(())
}

/// No tile lies outside a log of that size.
pub(super) async fn check_none_beyond(
    conn: &mut PgConnection,
    zone: ZoneId,
    size: u64,
) -> Result<(), VerifyError> {
    let counts: Vec<i64> = (1..=8)
        .map(|level| to_db(count_at_level(level, size)))
        .collect();
    let extra = sqlx::query!(
        r#"SELECT level, number FROM ledger.log_tile
           WHERE zone_id = $1 AND (number < 0 OR NOT coalesce(number < ($2::bigint[])[level + 1], false))
           ORDER BY level, number LIMIT 1"#,
        zone.0,
        &counts,
    )
    .fetch_optional(conn)
    .await?;
    match extra {
        Some(tile) => {
            let row = format!("level {}, number {}", tile.level, tile.number);
            Err(RowFault::extra("log_tile", &row).into())
        }
        None => Ok(()),
    }
}
