//! Verifying a zone in its database: everything that is kept is computed again from the entries' bytes.
//!
//! All statements see one snapshot, so a running service neither disturbs it nor waits for it. Entries come
//! in chunks: their hashes are compared with `leaf_hash`, tiles and checkpoints, their fields with the
//! columns, their transfers with the rows of `ledger.transfer`. What follows from those rows (running totals,
//! accounts, control totals) is then compared by Postgres itself, in [`cross`].

mod awards;
mod bank;
mod budget;
mod cases;
mod chunk;
mod claims;
mod compare;
mod contracts;
pub mod cross;
mod evidence;
mod facts;
mod fault;
mod periods;
mod published;
mod recovery;
mod register;
mod rent;
mod runs;
mod tiles;

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use self::chunk::{Chunk, EntryRow, TransferRow};
use self::published::Published;
use super::pins::{Pin, PinCheck};
use super::replay::{DEFAULT_LIMIT, EntryFault, Preparer, Replay, Replayed, Shard, check_reversal};
use super::report::{BookTotal, Report, VerifyError};
use crate::db::Database;
use crate::journal::{AccountCode, Side, entry_body};
use crate::log::bundle::TreeCheck;
use crate::log::tree::Frontier;
use crate::log::{Hash, LogError, LogVerifierKey};
use crate::types::{LogIndex, Zone, ZoneId};

pub use self::fault::RowFault;

/// What is known of a zone's log outside its database.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The key that signs its checkpoints.
    pub key: LogVerifierKey,
    /// What the signer remembers of the last one that it signed: where, and its text.
    pub signed_last: Option<(String, String)>,
    /// Published checkpoints: where each was kept, and its text.
    pub pinned: Vec<(String, String)>,
}

impl Outside {
    /// The public key and the memory of the signer, in the key folder (`<data>/keys`); `None` when there
    /// is no key. To be read before the verification begins, since the signer goes on.
    pub fn of_signer(folder: &Path, zone: &str) -> Result<Option<Self>, OutsideError> {
        let read = |extension| {
            let path = folder.join(format!("{zone}.{extension}"));
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some((path.display().to_string(), text))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(OutsideError::Io {
                    path: path.display().to_string(),
                    source,
                }),
            }
        };
        let Some((path, key)) = read("vkey")? else {
            return Ok(None);
        };
        let key = key
            .parse()
            .map_err(|source| OutsideError::Key { path, source })?;
        Ok(Some(Self {
            key,
            signed_last: read("checkpoint")?,
            pinned: Vec::new(),
        }))
    }
}

/// Why the signer's files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// A file can't be read.
    #[error("{path} can't be read")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The key is not well-formed.
    #[error("{path} is not usable")]
    Key {
        /// The file.
        path: String,
        /// Why.
        source: crate::log::CheckpointError,
    },
}

/// How a zone is verified.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// What is known outside; `None` leaves signatures unchecked, and the report says so.
    pub outside: Option<Outside>,
    /// How many balances may be remembered at once.
    pub limit: usize,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            outside: None,
            limit: DEFAULT_LIMIT,
        }
    }
}

/// Verifies a zone in one snapshot. The database's role should be the auditor, whose statements may take
/// as long as they need. `progress` is told the entries done and their number.
pub async fn verify_database(
    database: &Database,
    zone: &Zone,
    options: DatabaseOptions,
    progress: impl Fn(u64, u64) + Send + Sync + 'static,
) -> Result<Report, VerifyError> {
    let input = (zone.clone(), options, progress);
    database
        .read(zone.id, input, |conn, (zone, options, progress)| {
            Box::pin(verify_snapshot(conn, zone, options, progress))
        })
        .await
}

/// The growing end of the log, as stored.
struct Head {
    size: u64,
    frontier: Vec<u8>,
    recorded_at: DateTime<Utc>,
}

/// Like [`verify_database`], in the transaction of the caller: one snapshot (REPEATABLE READ), with
/// `app.zone` set.
pub async fn verify_snapshot(
    conn: &mut PgConnection,
    zone: &Zone,
    options: &DatabaseOptions,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Report, VerifyError> {
    // A function or operator of somebody's own must not stand in for one of Postgres's; and sorting all
    // transfers is faster with more memory.
    sqlx::query(
        "SELECT set_config('search_path', 'pg_catalog', true), set_config('work_mem', '64MB', true)",
    )
    .execute(&mut *conn)
    .await?;
    check_chart(conn).await?;
    let head = read_head(conn, zone.id).await?;
    let mut warnings = Vec::new();
    if options.outside.is_none() {
        warnings.push(
            "no key: the signatures of the checkpoints were not checked; name one with --vkey"
                .to_owned(),
        );
    }
    let mut pass = Pass::new(zone, &head, options)?;
    while pass.take_chunk(conn).await? {
        progress(pass.size(), head.size);
    }
    let (first, root, checkpoints) = pass.finish(conn).await?;
    if let Some(outside) = &options.outside {
        warnings.extend(published::check_kept(conn, zone.id, outside).await?);
    }
    let mut report = Report {
        zone: Some(zone.code.to_string()),
        size: head.size,
        root: root.to_string(),
        transfers: first.transfers,
        accounts: first.accounts,
        books: BookTotal::of(&first.totals),
        checkpoints,
        passes: 1,
        warnings,
    };
    let mut left = first.left;
    while let Some(shard) = left.pop() {
        let more = replay_shard(conn, zone, shard, options.limit).await?;
        report.accounts += more.accounts;
        report.passes += 1;
        left.extend(more.left);
    }
    cross::check_all(conn, zone.id).await?;
    progress(head.size, head.size);
    Ok(report)
}

async fn read_head(conn: &mut PgConnection, zone: ZoneId) -> Result<Head, VerifyError> {
    let row = sqlx::query!(
        "SELECT size, frontier, recorded_at FROM ledger.log_head WHERE zone_id = $1",
        zone.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(LogError::NoLog(zone))?;
    Ok(Head {
        size: u64::try_from(row.size).unwrap_or(0),
        frontier: row.frontier,
        recorded_at: row.recorded_at,
    })
}

/// The table of account codes says what the program says.
async fn check_chart(conn: &mut PgConnection) -> Result<(), VerifyError> {
    let rows = sqlx::query!(
        r#"SELECT code, normal_side AS "normal_side!", guarded FROM ledger.chart ORDER BY code"#
    )
    .fetch_all(conn)
    .await?;
    let stored: Vec<(String, String)> = rows
        .into_iter()
        .map(|row| (row.code, format!("{} {}", row.normal_side, row.guarded)))
        .collect();
    let mut expected: Vec<(String, String)> = AccountCode::ALL
        .iter()
        .map(|code| {
            let side = match code.normal_side() {
                Side::Debit => "D",
                Side::Credit => "C",
            };
            (code.to_string(), format!("{side} {}", code.is_guarded()))
        })
        .collect();
    expected.sort();
    let find = |code: &str, rows: &[(String, String)]| {
        let row = rows.iter().find(|row| row.0 == code);
        row.map_or_else(|| "no such row".to_owned(), |row| row.1.clone())
    };
    for (code, _) in stored.iter().chain(&expected) {
        let (stored, expected) = (find(code, &stored), find(code, &expected));
        if stored != expected {
            let column = "normal_side, guarded";
            return Err(RowFault::new("chart", code, column, &stored, &expected).into());
        }
    }
    Ok(())
}

/// The state of the one pass over entries, transfers, tiles and checkpoints.
struct Pass<'a> {
    zone: &'a Zone,
    head: &'a Head,
    /// Where the next chunk begins: at first below every index, so that no row hides there.
    from: i64,
    tree: TreeCheck,
    preparer: Preparer,
    replay: Replay,
    pins: PinCheck,
    published: Published,
}

impl<'a> Pass<'a> {
    fn new(zone: &'a Zone, head: &'a Head, options: &DatabaseOptions) -> Result<Self, VerifyError> {
        let mut pins = Vec::new();
        if let Some(outside) = &options.outside {
            for (source, note) in outside.signed_last.iter().chain(&outside.pinned) {
                pins.push(Pin::read(source.clone(), note, &outside.key)?);
            }
        }
        let shard = Shard::all();
        let key = options.outside.as_ref().map(|outside| outside.key.clone());
        Ok(Self {
            zone,
            head,
            from: i64::MIN,
            // The root is compared with the head's and with those of the checkpoints, by themselves.
            tree: TreeCheck::to_root(head.size, Frontier::new().root()),
            preparer: Preparer::new(&shard),
            replay: Replay::new(shard, options.limit).of_zone(zone.code.as_str()),
            pins: PinCheck::new(pins, head.size)?,
            published: Published::new(zone, key),
        })
    }

    fn size(&self) -> u64 {
        self.tree.frontier().size()
    }

    /// Checks the next entries; `false` when there are no more.
    async fn take_chunk(&mut self, conn: &mut PgConnection) -> Result<bool, VerifyError> {
        let rows = EntryRow::read(conn, self.zone.id, self.from).await?;
        let first = self.size();
        let chunk = Chunk::new(rows, first, self.head.size)?;
        let end = chunk.end();
        let tiles = tiles::read_bottom(conn, self.zone.id, first, end).await?;
        tiles::check_bottom(first, chunk.leaves(), &tiles)?;
        let last = chunk.last_index();
        let transfers = TransferRow::read(conn, self.zone.id, self.from, last).await?;
        let mut ready = chunk.prepare(&mut self.preparer, transfers)?;

        // Only now: these can't say which entry it was.
        self.published
            .check_until(conn, self.tree.frontier(), chunk.leaves())
            .await?;
        self.pins.advance(self.tree.frontier(), chunk.leaves())?;
        let upper = tiles::grow(&mut self.tree, chunk.leaves());
        tiles::check_upper(conn, self.zone.id, &upper).await?;

        let reversals: Vec<(u64, u64)> = ready.reversals().collect();
        for (index, undone) in reversals {
            let undone_body = entry_body(conn, self.zone.id, LogIndex(to_db(undone))).await?;
            let undone_body = undone_body.unwrap_or_default();
            if let Err(wrong) = check_reversal(chunk.body(index), undone, &undone_body) {
                ready.fail(EntryFault { index, wrong });
            }
        }
        self.replay.fold(&ready, |index| chunk.body(index))?;
        self.from = last.saturating_add(1);
        Ok(!chunk.is_last())
    }

    /// Checks the head, and that nothing lies beyond it.
    async fn finish(
        mut self,
        conn: &mut PgConnection,
    ) -> Result<(Replayed, Hash, u64), VerifyError> {
        let tree = self.tree.frontier().clone();
        self.pins.advance(&tree, &[])?;
        self.published.finish(conn, self.head.size).await?;
        tiles::check_none_beyond(conn, self.zone.id, self.head.size).await?;
        let row = format!("zone {}", self.zone.code);
        let in_head = |column, stored: &str, expected: &str| {
            RowFault::new("log_head", &row, column, stored, expected)
        };
        if self.head.frontier != tree.to_bytes() {
            let (stored, computed) = (
                fault::hex(&self.head.frontier),
                fault::hex(&tree.to_bytes()),
            );
            return Err(in_head("frontier", &stored, &computed).into());
        }
        let newest = self.replay.recorded_at();
        if self.head.size > 0 && self.head.recorded_at != newest {
            let (stored, computed) = (self.head.recorded_at.to_string(), newest.to_string());
            return Err(in_head("recorded_at", &stored, &computed).into());
        }
        let checkpoints = self.pins.checked() + self.published.checked();
        Ok((self.replay.finish()?, tree.root(), checkpoints))
    }
}

/// Replays the log once more, for the accounts of a shard; everything else was checked before, in the
/// same snapshot.
async fn replay_shard(
    conn: &mut PgConnection,
    zone: &Zone,
    shard: Shard,
    limit: usize,
) -> Result<Replayed, VerifyError> {
    let mut preparer = Preparer::new(&shard);
    let mut replay = Replay::new(shard, limit);
    let mut from = 0;
    loop {
        let rows = EntryRow::read(conn, zone.id, from).await?;
        let Some(last) = rows.last() else { break };
        let first = from;
        from = last.log_index + 1;
        let indices = u64::try_from(first).unwrap_or(0)..;
        let bodies = || rows.iter().map(|row| row.body.as_slice());
        let ready = preparer.prepare(indices.zip(bodies()), |_, _| ());
        replay.fold(&ready, |index| {
            let position = usize::try_from(index).ok().zip(usize::try_from(first).ok());
            let row = position.and_then(|(index, first)| rows.get(index.checked_sub(first)?));
            row.map(|row| row.body.as_slice()).unwrap_or_default()
        })?;
    }
    Ok(replay.finish()?)
}

fn to_db(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
