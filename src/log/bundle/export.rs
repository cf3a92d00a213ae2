//! Writing a zone's log to a folder, or extending what an earlier export wrote there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::PgConnection;

use super::super::checkpoint::{Checkpoint, CheckpointError, LogVerifierKey};
use super::super::proof::check_consistency;
use super::super::store::{self, LogError};
use super::super::tile::{LEVELS, LogFile, TILE_WIDTH, TileId, count_at_level};
use super::{CHECKPOINT, VERIFIER_KEY};
use crate::types::ZoneId;

/// Why a log can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file could not be written.
    #[error("{path} can't be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing was signed yet.
    #[error("the log has no checkpoint yet: the signer needs about a second, try again")]
    NoCheckpoint,
    /// The database's checkpoint is not of this key.
    #[error("the newest checkpoint in the database is not accepted")]
    Published(#[source] CheckpointError),
    /// The folder has other things in it.
    #[error("{0} is not empty and not a bundle of this log: give a new folder")]
    Occupied(PathBuf),
    /// The folder's checkpoint is not of this log.
    #[error("the checkpoint of the bundle that is there already is not accepted")]
    Existing(#[source] CheckpointError),
    /// The database does not continue what was exported earlier.
    #[error(
        "the log in the database ({size} entries) does not extend the bundle of {old} entries that is there already: \
         keep the bundle, it shows that history was rewritten"
    )]
    NotExtending {
        /// Size of the bundle.
        old: u64,
        /// Size of the newest checkpoint.
        size: u64,
    },
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Entries that the bundle had before.
    pub from: u64,
    /// Entries that it has now.
    pub size: u64,
}

/// Chunks of 256 entries read at once: bounds the memory, whatever the log's size.
const CHUNKS_AT_ONCE: u64 = 16;

/// Exports the log, as far as its newest checkpoint covers it, to a new folder or to a bundle that an
/// earlier export made. The checkpoint is written last, so an interrupted export leaves the older
/// bundle valid, and the next one completes it. `progress` is told the entries done.
pub async fn export(
    conn: &mut PgConnection,
    zone: ZoneId,
    key: &LogVerifierKey,
    folder: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Exported, ExportError> {
    let published = store::latest_checkpoint(conn, zone)
        .await?
        .ok_or(ExportError::NoCheckpoint)?;
    let checkpoint = Checkpoint::verify(&published.note, key).map_err(ExportError::Published)?;
    let size = checkpoint.size();
    let from = match existing(folder, key)? {
        None => 0,
        Some(older) => {
            check_extends(conn, zone, &older, &checkpoint).await?;
            older.size()
        }
    };
    let target = Target(folder.to_owned());
    target
        .write(vec![(
            VERIFIER_KEY.to_owned(),
            format!("{key}\n").into_bytes(),
        )])
        .await?;

    let chunks = size.div_ceil(u64::from(TILE_WIDTH));
    let mut first = from / u64::from(TILE_WIDTH);
    while first < chunks {
        let end = chunks.min(first + CHUNKS_AT_ONCE);
        target
            .write(read_chunks(conn, zone, first..end, size).await?)
            .await?;
        progress(size.min(end * u64::from(TILE_WIDTH)));
        first = end;
    }
    for level in 1..LEVELS {
        let mut number = count_at_level(level, from) / u64::from(TILE_WIDTH);
        while let Some(id) = TileId::at_size(level, number, size) {
            let mut tiles = store::read_tiles(conn, zone, &[id]).await?;
            target
                .write(vec![(
                    id.to_string(),
                    tiles.remove(&id).unwrap_or_default(),
                )])
                .await?;
            number += 1;
        }
    }
    target.finish(checkpoint, from).await?;
    Ok(Exported { from, size })
}

/// The checkpoint of the bundle that is there already, if there is one.
fn existing(folder: &Path, key: &LogVerifierKey) -> Result<Option<Checkpoint>, ExportError> {
    let occupied = || ExportError::Occupied(folder.to_owned());
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(source) => {
            let path = folder.to_owned();
            return Err(ExportError::Io { path, source });
        }
    };
    if is_empty {
        return Ok(None);
    }
    let theirs = fs::read_to_string(folder.join(VERIFIER_KEY)).map_err(|_| occupied())?;
    if theirs.trim() != key.to_string() {
        return Err(occupied());
    }
    match fs::read_to_string(folder.join(CHECKPOINT)) {
        Ok(note) => Checkpoint::verify(&note, key)
            .map(Some)
            .map_err(ExportError::Existing),
        // An export that was interrupted before its end.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ExportError::Io {
            path: folder.join(CHECKPOINT),
            source,
        }),
    }
}

async fn check_extends(
    conn: &mut PgConnection,
    zone: ZoneId,
    older: &Checkpoint,
    newer: &Checkpoint,
) -> Result<(), ExportError> {
    let (old, size) = (older.size(), newer.size());
    let refused = ExportError::NotExtending { old, size };
    if old > size {
        return Err(refused);
    }
    let proof = store::prove_consistency(conn, zone, old, size).await?;
    check_consistency(&proof, (old, older.root()), (size, newer.root())).map_err(|_| refused)
}

/// The entry bundles and level 0 tiles of some chunks, by path.
async fn read_chunks(
    conn: &mut PgConnection,
    zone: ZoneId,
    chunks: std::ops::Range<u64>,
    size: u64,
) -> Result<Vec<(String, Vec<u8>)>, LogError> {
    let end = size.min(chunks.end * u64::from(TILE_WIDTH));
    let bundles = store::read_entry_bundles(conn, zone, chunks.start, end).await?;
    let tiles: Vec<TileId> = chunks
        .filter_map(|number| TileId::at_size(0, number, size))
        .collect();
    let mut hashes = store::read_tiles(conn, zone, &tiles).await?;
    let mut files = Vec::with_capacity(2 * tiles.len());
    for (tile, bundle) in tiles.into_iter().zip(bundles) {
        let TileId { number, width, .. } = tile;
        files.push((LogFile::Entries { number, width }.to_string(), bundle));
        files.push((tile.to_string(), hashes.remove(&tile).unwrap_or_default()));
    }
    Ok(files)
}

/// The folder that is written.
struct Target(PathBuf);

impl Target {
    /// Writes files, each whole or not at all.
    async fn write(&self, files: Vec<(String, Vec<u8>)>) -> Result<(), ExportError> {
        let folder = self.0.clone();
        blocking(self.0.clone(), move || {
            for (path, bytes) in files {
                let path = folder.join(path);
                write_whole(&path, &bytes).map_err(|source| ExportError::Io { path, source })?;
            }
            Ok(())
        })
        .await
    }

    /// Makes what was written durable, then valid by its checkpoint, then removes partial tiles that
    /// it replaces.
    async fn finish(&self, checkpoint: Checkpoint, from: u64) -> Result<(), ExportError> {
        let folder = self.0.clone();
        blocking(self.0.clone(), move || {
            let path = folder.join(CHECKPOINT);
            // One sync of everything: thousands of small files would need thousands of them.
            rustix::fs::sync();
            write_whole(&path, checkpoint.note().as_bytes())
                .map_err(|source| ExportError::Io { path, source })?;
            rustix::fs::sync();
            remove_superseded(&folder, from, checkpoint.size())
        })
        .await
    }
}

async fn blocking(
    folder: PathBuf,
    work: impl FnOnce() -> Result<(), ExportError> + Send + 'static,
) -> Result<(), ExportError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| {
            Err(ExportError::Io {
                path: folder,
                source: io::Error::other(stopped),
            })
        })
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_added_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(&new, path)
}

/// Removes the partial tiles of states between `from` and `size`, which fuller ones replace.
fn remove_superseded(folder: &Path, from: u64, size: u64) -> Result<(), ExportError> {
    let tiles = (0..LEVELS).flat_map(|level| {
        let [first, last] =
            [from, size].map(|size| count_at_level(level, size) / u64::from(TILE_WIDTH));
        (first..=last).map(move |number| TileId {
            level,
            number,
            width: 1,
        })
    });
    for partial in tiles {
        let TileId {
            level,
            number,
            width,
        } = partial;
        let kept = TileId::at_size(level, number, size).filter(|now| !now.is_full());
        remove_widths_but(&folder.join(partial.to_string()), kept)?;
        if level == 0 {
            let entries = LogFile::Entries { number, width };
            remove_widths_but(&folder.join(entries.to_string()), kept)?;
        }
    }
    Ok(())
}

/// `partial` is any file in the folder `<N>.p`, of which only one width is kept.
fn remove_widths_but(partial: &Path, kept: Option<TileId>) -> Result<(), ExportError> {
    let Some(widths) = partial.parent() else {
        return Ok(());
    };
    let kept = kept.map(|tile| tile.width.to_string());
    let remove = || {
        let files = match fs::read_dir(widths) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let file = file?;
            if kept.as_deref().is_none_or(|kept| file.file_name() != kept) {
                fs::remove_file(file.path())?;
            }
        }
        if kept.is_none() {
            fs::remove_dir(widths)
        } else {
            Ok(())
        }
    };
    remove().map_err(|source| ExportError::Io {
        path: widths.to_owned(),
        source,
    })
}
