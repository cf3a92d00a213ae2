//! The log's tables: the head that whoever writes entries locks, full tiles, checkpoints.
//!
//! Leaves are rows of `ledger.entry`, which the journal writes. Every function works in the
//! transaction of its caller, with `app.zone` set.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::checkpoint::Checkpoint;
use super::proof::{ProofError, Question};
use super::receipt::Receipt;
use super::tile::{EntryTooLong, FullTile, Growth, TILE_WIDTH, TileId, push_entry};
use super::tree::{Frontier, FrontierError, Hash, hashes_from_bytes};
use crate::types::ZoneId;

/// Why the log in the database can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database failed.
    #[error("the database failed while reading or writing the log")]
    Database(#[from] sqlx::Error),
    /// The zone has no log.
    #[error("zone {0} has no log: no such zone, or it was not set up to its end")]
    NoLog(ZoneId),
    /// The head's own columns contradict each other.
    #[error("the log head of zone {zone} is damaged")]
    Head {
        /// Whose head.
        zone: ZoneId,
        /// How.
        source: FrontierError,
    },
    /// Entries or tiles that must be there are not.
    #[error("the log of zone {zone} is damaged in the database: {what} is missing or incomplete")]
    Missing {
        /// Whose log.
        zone: ZoneId,
        /// What is missing, by its path in the `tlog-tiles` layout.
        what: String,
    },
    /// Asked about a state that the log has not reached.
    #[error("the log has {size} entries, {asked} were asked for")]
    TooShort {
        /// Entries in the log.
        size: u64,
        /// Entries asked for.
        asked: u64,
    },
    /// A proof that can't be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// No checkpoint covers the entry.
    #[error("no checkpoint covers entry {index} yet: the signer needs about a second, ask again")]
    NotSigned {
        /// The entry.
        index: u64,
    },
    /// An entry too long for the `tlog-tiles` format.
    #[error("entry {index} can't be published")]
    Entry {
        /// The entry.
        index: u64,
        /// Why.
        source: EntryTooLong,
    },
}

/// The growing end of a zone's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    frontier: Frontier,
    recorded_at: DateTime<Utc>,
}

impl Head {
    /// Entries in the log, and the index of the next one, as the journal counts.
    pub fn size(&self) -> i64 {
        to_db(self.frontier.size())
    }

    /// Time of the newest entry; the next one must not be earlier.
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }

    /// The head as the database keeps it; a zone without one has no log.
    pub(crate) fn from_columns(
        zone: ZoneId,
        size: Option<i64>,
        frontier: Option<Vec<u8>>,
        recorded_at: Option<DateTime<Utc>>,
    ) -> Result<Self, LogError> {
        let (Some(size), Some(frontier), Some(recorded_at)) = (size, frontier, recorded_at) else {
            return Err(LogError::NoLog(zone));
        };
        to_head(zone, size, &frontier, recorded_at)
    }

    /// The tree.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }
}

/// Begins the log of a new zone.
pub async fn open(conn: &mut PgConnection, zone: ZoneId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO ledger.log_head (zone_id, recorded_at) VALUES ($1, $2)",
        zone.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the head until the transaction ends. To be called after all other locks, just before
/// entries are written: it makes writers of one zone wait for each other.
pub async fn lock_head(conn: &mut PgConnection, zone: ZoneId) -> Result<Head, LogError> {
    let row = sqlx::query!(
        "SELECT size, frontier, recorded_at FROM ledger.log_head WHERE zone_id = $1 FOR UPDATE",
        zone.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(LogError::NoLog(zone))?;
    to_head(zone, row.size, &row.frontier, row.recorded_at)
}

/// The head as committed, without a lock.
pub async fn head(conn: &mut PgConnection, zone: ZoneId) -> Result<Head, LogError> {
    let row = sqlx::query!(
        "SELECT size, frontier, recorded_at FROM ledger.log_head WHERE zone_id = $1",
        zone.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(LogError::NoLog(zone))?;
    to_head(zone, row.size, &row.frontier, row.recorded_at)
}

fn to_head(
    zone: ZoneId,
    size: i64,
    frontier: &[u8],
    recorded_at: DateTime<Utc>,
) -> Result<Head, LogError> {
    let frontier = Frontier::from_bytes(from_db(size), frontier)
        .map_err(|source| LogError::Head { zone, source })?;
    Ok(Head {
        frontier,
        recorded_at,
    })
}

/// Adds leaves to the log whose head the transaction has locked: keeps the tiles that they fill, and gives
/// the head as it is with them, for the caller to write with the entries. `recorded_at` is the time of the newest of them.
///
/// Costs nothing but, once in 256 leaves, two statements, whatever the number of leaves.
pub async fn append(
    conn: &mut PgConnection,
    zone: ZoneId,
    head: Head,
    leaves: &[Hash],
    recorded_at: DateTime<Utc>,
) -> Result<Head, LogError> {
    let growth = Growth::new(head.frontier, leaves);
    let mut older = HashMap::new();
    for (level, range) in growth.begun_before() {
        older.insert(level, read_hashes(conn, zone, level, range).await?);
    }
    let tiles = growth.full_tiles(|level| older.remove(&level).unwrap_or_default());
    if !tiles.is_empty() {
        insert_tiles(conn, zone, tiles).await?;
    }
    Ok(Head {
        frontier: growth.into_frontier(),
        recorded_at,
    })
}

async fn insert_tiles(
    conn: &mut PgConnection,
    zone: ZoneId,
    tiles: Vec<FullTile>,
) -> Result<(), LogError> {
    let levels: Vec<i16> = tiles.iter().map(|tile| i16::from(tile.level)).collect();
    let numbers: Vec<i64> = tiles.iter().map(|tile| to_db(tile.number)).collect();
    let roots: Vec<Vec<u8>> = tiles.iter().map(|tile| tile.root.0.to_vec()).collect();
    let hashes: Vec<Vec<u8>> = tiles.into_iter().map(|tile| tile.hashes).collect();
    sqlx::query!(
        "INSERT INTO ledger.log_tile (zone_id, level, number, hashes, root)
         SELECT $1, * FROM UNNEST($2::smallint[], $3::bigint[], $4::bytea[], $5::bytea[])",
        zone.0,
        &levels,
        &numbers,
        &hashes,
        &roots,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Consecutive hashes of one level: leaf hashes of entries, or roots of full tiles below.
async fn read_hashes(
    conn: &mut PgConnection,
    zone: ZoneId,
    level: u8,
    range: Range<u64>,
) -> Result<Vec<Hash>, LogError> {
    let (first, end) = (to_db(range.start), to_db(range.end));
    let bytes = match level.checked_sub(1) {
        None => {
            sqlx::query_scalar!(
                r#"SELECT string_agg(leaf_hash, ''::bytea ORDER BY log_index)
                   FROM ledger.entry
                   WHERE zone_id = $1 AND log_index >= $2 AND log_index < $3"#,
                zone.0,
                first,
                end
            )
            .fetch_one(conn)
            .await?
        }
        Some(below) => {
            sqlx::query_scalar!(
                r#"SELECT string_agg(root, ''::bytea ORDER BY number) FROM ledger.log_tile
                   WHERE zone_id = $1 AND level = $2 AND number >= $3 AND number < $4"#,
                zone.0,
                i16::from(below),
                first,
                end
            )
            .fetch_one(conn)
            .await?
        }
    };
    let hashes = hashes_from_bytes(&bytes.unwrap_or_default()).unwrap_or_default();
    if u64::try_from(hashes.len()) != Ok(range.end - range.start) {
        let tile = TileId {
            level,
            number: range.start / u64::from(TILE_WIDTH),
            width: u16::try_from(range.end - range.start).unwrap_or(TILE_WIDTH),
        };
        return Err(missing(zone, tile));
    }
    Ok(hashes)
}

/// The bytes of tiles, which must lie within the log: full ones as kept, partial ones derived.
pub async fn read_tiles(
    conn: &mut PgConnection,
    zone: ZoneId,
    tiles: &[TileId],
) -> Result<HashMap<TileId, Vec<u8>>, LogError> {
    let (full, partial): (Vec<TileId>, Vec<TileId>) = tiles.iter().partition(|id| id.is_full());
    let levels: Vec<i16> = full.iter().map(|id| i16::from(id.level)).collect();
    let numbers: Vec<i64> = full.iter().map(|id| to_db(id.number)).collect();
    let rows = sqlx::query!(
        "SELECT tile.level, tile.number, tile.hashes FROM ledger.log_tile AS tile
         JOIN UNNEST($2::smallint[], $3::bigint[]) AS wanted (level, number)
             ON tile.level = wanted.level AND tile.number = wanted.number
         WHERE tile.zone_id = $1",
        zone.0,
        &levels,
        &numbers
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut read = HashMap::with_capacity(tiles.len());
    for row in rows {
        let level = u8::try_from(row.level).expect("BUG: a level is 0 to 7");
        read.insert(TileId::full(level, from_db(row.number)), row.hashes);
    }
    if let Some(lost) = full.into_iter().find(|id| !read.contains_key(id)) {
        return Err(missing(zone, lost));
    }
    for id in partial {
        let hashes = read_hashes(conn, zone, id.level, id.range()).await?;
        read.insert(id, super::tree::hashes_to_bytes(&hashes));
    }
    Ok(read)
}

/// The bytes of one tile; `None` when the log does not reach so far.
pub async fn read_tile(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: TileId,
) -> Result<Option<Vec<u8>>, LogError> {
    let size = head(conn, zone).await?.frontier.size();
    match TileId::at_size(id.level, id.number, size) {
        Some(now) if now.width >= id.width => Ok(read_tiles(conn, zone, &[id]).await?.remove(&id)),
        _ => Ok(None),
    }
}

/// Entry bundles that lie within the log, from `first` on; all but the last one full. `end` is the
/// index after the last entry wanted.
pub async fn read_entry_bundles(
    conn: &mut PgConnection,
    zone: ZoneId,
    first: u64,
    end: u64,
) -> Result<Vec<Vec<u8>>, LogError> {
    let begin = first * u64::from(TILE_WIDTH);
    let bodies = sqlx::query_scalar!(
        "SELECT body FROM ledger.entry WHERE zone_id = $1 AND log_index >= $2 AND log_index < $3
         ORDER BY log_index",
        zone.0,
        to_db(begin),
        to_db(end)
    )
    .fetch_all(conn)
    .await?;
    if u64::try_from(bodies.len()) != Ok(end.saturating_sub(begin)) {
        let what = format!("one of the entries {begin} to {end}");
        return Err(LogError::Missing { zone, what });
    }
    let mut bundles = Vec::new();
    for (number, bodies) in (first..).zip(bodies.chunks(usize::from(TILE_WIDTH))) {
        let mut bundle = Vec::new();
        for (index, body) in (number * u64::from(TILE_WIDTH)..).zip(bodies) {
            push_entry(&mut bundle, body).map_err(|source| LogError::Entry { index, source })?;
        }
        bundles.push(bundle);
    }
    Ok(bundles)
}

/// One entry bundle; `None` when the log does not reach so far.
pub async fn read_entry_bundle(
    conn: &mut PgConnection,
    zone: ZoneId,
    number: u64,
    width: u16,
) -> Result<Option<Vec<u8>>, LogError> {
    let end = number * u64::from(TILE_WIDTH) + u64::from(width);
    if end > head(conn, zone).await?.frontier.size() {
        return Ok(None);
    }
    Ok(read_entry_bundles(conn, zone, number, end).await?.pop())
}

/// The answer to a question about the log as it is or was.
async fn answer(
    conn: &mut PgConnection,
    zone: ZoneId,
    question: Question,
) -> Result<Vec<Hash>, LogError> {
    let (size, asked) = (head(conn, zone).await?.frontier.size(), question.size());
    if asked > size {
        return Err(LogError::TooShort { size, asked });
    }
    let tiles = read_tiles(conn, zone, &question.tiles()?).await?;
    Ok(question.answer(&tiles)?)
}

/// The root of the log when it had `size` entries.
pub async fn root_at(conn: &mut PgConnection, zone: ZoneId, size: u64) -> Result<Hash, LogError> {
    let root = answer(conn, zone, Question::Root { size }).await?;
    root.first()
        .copied()
        .ok_or(LogError::Proof(ProofError::Tile))
}

/// The proof that entry `index` is in the log of `size` entries (RFC 6962 §2.1.1).
pub async fn prove_inclusion(
    conn: &mut PgConnection,
    zone: ZoneId,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, LogError> {
    answer(conn, zone, Question::Inclusion { index, size }).await
}

/// The proof that the log of `size` entries begins with that of `old` entries (RFC 6962 §2.1.2).
pub async fn prove_consistency(
    conn: &mut PgConnection,
    zone: ZoneId,
    old: u64,
    size: u64,
) -> Result<Vec<Hash>, LogError> {
    answer(conn, zone, Question::Consistency { old, size }).await
}

/// A published checkpoint: its size and its signed note, not checked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Published {
    /// Entries that it covers.
    pub size: u64,
    /// The signed note.
    pub note: String,
    /// When it was signed, by the signer's clock.
    pub signed_at: DateTime<Utc>,
}

/// The newest checkpoint.
pub async fn latest_checkpoint(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Option<Published>, LogError> {
    let row = sqlx::query!(
        "SELECT size, note, signed_at FROM ledger.log_checkpoint WHERE zone_id = $1
         ORDER BY size DESC LIMIT 1",
        zone.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Published {
        size: from_db(row.size),
        note: row.note,
        signed_at: row.signed_at,
    }))
}

/// The checkpoint of exactly that size.
pub async fn checkpoint_at(
    conn: &mut PgConnection,
    zone: ZoneId,
    size: u64,
) -> Result<Option<Published>, LogError> {
    let row = sqlx::query!(
        "SELECT note, signed_at FROM ledger.log_checkpoint WHERE zone_id = $1 AND size = $2",
        zone.0,
        to_db(size)
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Published {
        size,
        note: row.note,
        signed_at: row.signed_at,
    }))
}

/// Keeps a checkpoint as published; one of that size that is there already stays.
pub(super) async fn publish_checkpoint(
    conn: &mut PgConnection,
    zone: ZoneId,
    checkpoint: &Checkpoint,
    now: DateTime<Utc>,
) -> Result<(), LogError> {
    sqlx::query!(
        "INSERT INTO ledger.log_checkpoint (zone_id, size, root, note, signed_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (zone_id, size) DO NOTHING",
        zone.0,
        to_db(checkpoint.size()),
        &checkpoint.root().0,
        checkpoint.note(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The receipt of an entry, against the newest checkpoint.
pub async fn receipt(
    conn: &mut PgConnection,
    zone: ZoneId,
    index: u64,
) -> Result<Receipt, LogError> {
    let size = head(conn, zone).await?.frontier.size();
    if index >= size {
        return Err(ProofError::NoEntry { index, size }.into());
    }
    let checkpoint = latest_checkpoint(conn, zone)
        .await?
        .filter(|checkpoint| index < checkpoint.size)
        .ok_or(LogError::NotSigned { index })?;
    let body = sqlx::query_scalar!(
        "SELECT body FROM ledger.entry WHERE zone_id = $1 AND log_index = $2",
        zone.0,
        to_db(index)
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or_else(|| LogError::Missing {
        zone,
        what: format!("entry {index}"),
    })?;
    let proof = prove_inclusion(conn, zone, index, checkpoint.size).await?;
    Ok(Receipt {
        index,
        body,
        proof,
        checkpoint: checkpoint.note,
    })
}

fn missing(zone: ZoneId, tile: TileId) -> LogError {
    LogError::Missing {
        zone,
        what: tile.to_string(),
    }
}

fn to_db(number: u64) -> i64 {
    i64::try_from(number).expect("BUG: a log has fewer than 2^63 entries")
}

fn from_db(number: i64) -> u64 {
    u64::try_from(number).expect("BUG: a constraint keeps it from being negative")
}
