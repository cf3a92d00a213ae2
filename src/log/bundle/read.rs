//! Reading a bundle: entries in chunks, each checked against its tile as it is read.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::checkpoint::{Checkpoint, CheckpointError, LogVerifierKey};
use super::super::tile::{CutOff, LogFile, TILE_WIDTH, TileId, entry_ranges, subtree_root};
use super::super::tree::{Hash, hashes_from_bytes, leaf_hash};
use super::{CHECKPOINT, Fault, RebuiltTile, TreeCheck, VERIFIER_KEY};

/// Why a bundle is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file is missing.
    #[error("{0} is missing")]
    Missing(PathBuf),
    /// A file can't be read.
    #[error("{path} can't be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The checkpoint or the key is not accepted.
    #[error("{path} is not accepted")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CheckpointError,
    },
    /// The content is wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An opened bundle, whose checkpoint bears the right signature. Its parts may be read by several
/// threads at once.
#[derive(Debug)]
pub struct BundleReader {
    folder: PathBuf,
    key: LogVerifierKey,
    checkpoint: Checkpoint,
}

impl BundleReader {
    /// Opens a bundle. Its checkpoint must be signed with `key`; without one, with the key in the
    /// bundle itself, which shows that the bundle is whole, not whose it is.
    pub fn open(folder: &Path, key: Option<LogVerifierKey>) -> Result<Self, BundleError> {
        let key = match key {
            Some(key) => key,
            None => read_text(folder, VERIFIER_KEY)?
                .parse()
                .map_err(not_accepted(folder, VERIFIER_KEY))?,
        };
        let checkpoint = Checkpoint::verify(&read_text(folder, CHECKPOINT)?, &key)
            .map_err(not_accepted(folder, CHECKPOINT))?;
        Ok(Self {
            folder: folder.to_owned(),
            key,
            checkpoint,
        })
    }

    /// The key that the checkpoint was checked with.
    pub fn key(&self) -> &LogVerifierKey {
        &self.key
    }

    /// The signed size and root.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Number of chunks: all but the last have 256 entries.
    pub fn chunks(&self) -> u64 {
        self.checkpoint.size().div_ceil(u64::from(TILE_WIDTH))
    }

    /// Reads the chunk of that number, and checks each entry against the tile of leaf hashes.
    ///
    /// # Panics
    ///
    /// When `number` is not below [`BundleReader::chunks`].
    pub fn chunk(&self, number: u64) -> Result<Chunk, BundleError> {
        let tile = TileId::at_size(0, number, self.checkpoint.size())
            .expect("BUG: a chunk beyond the end was asked for");
        let entries = LogFile::Entries {
            number,
            width: tile.width,
        };
        let bytes = self.read(&entries.to_string())?;
        let hashes = self.read(&tile.to_string())?;
        Ok(Chunk::check(tile, bytes, &hashes)?)
    }

    /// Compares tiles that [`TreeCheck`] rebuilt with those in the bundle.
    pub fn compare(&self, rebuilt: &[RebuiltTile]) -> Result<(), BundleError> {
        for tile in rebuilt {
            tile.compare(&self.read(&tile.id.to_string())?)?;
        }
        Ok(())
    }

    /// Checks the whole bundle, chunk by chunk in this thread; `visit` is given each checked chunk.
    pub fn check(&self, mut visit: impl FnMut(&Chunk)) -> Result<(), BundleError> {
        let mut tree = TreeCheck::new(&self.checkpoint);
        for number in 0..self.chunks() {
            let chunk = self.chunk(number)?;
            self.compare(&chunk.add_to(&mut tree))?;
            visit(&chunk);
        }
        if self.checkpoint.size().is_multiple_of(u64::from(TILE_WIDTH)) {
            self.compare(&tree.add_partial(&[]))?;
        }
        Ok(tree.finish()?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, BundleError> {
        let path = self.folder.join(path);
        fs::read(&path).map_err(|error| unreadable(path, error))
    }
}

/// Up to 256 consecutive entries whose leaf hashes agree with their tile.
#[derive(Debug)]
pub struct Chunk {
    tile: TileId,
    bytes: Vec<u8>,
    bodies: Vec<Range<usize>>,
    leaves: Vec<Hash>,
    root: Hash,
}

impl Chunk {
    /// Checks the bytes of an entry bundle against those of the level 0 tile at the same place.
    pub fn check(tile: TileId, bytes: Vec<u8>, hashes: &[u8]) -> Result<Self, Fault> {
        let first = tile.range().start;
        let entries = LogFile::Entries {
            number: tile.number,
            width: tile.width,
        };
        let at = |position: usize| first + u64::try_from(position).expect("BUG: below 65536");
        if hashes.len() != tile.byte_length() {
            let found = hashes.len();
            return Err(Fault::TileLength { tile, found });
        }
        let leaves = hashes_from_bytes(hashes).expect("BUG: a tile's length was checked");
        let bodies = entry_ranges(&bytes).map_err(|CutOff(position)| Fault::CutOff {
            index: at(position),
            entries,
        })?;
        for (position, (range, leaf)) in bodies.iter().zip(&leaves).enumerate() {
            let body = bytes.get(range.clone()).unwrap_or_default();
            if leaf_hash(body) != *leaf {
                let index = at(position);
                return Err(Fault::Leaf {
                    index,
                    entries,
                    tile,
                });
            }
        }
        if bodies.len() != leaves.len() {
            return Err(Fault::EntryCount {
                entries,
                expected: tile.width,
                found: bodies.len(),
            });
        }
        let root = subtree_root(&leaves);
        Ok(Self {
            tile,
            bytes,
            bodies,
            leaves,
            root,
        })
    }

    /// Log index of the first entry.
    pub fn first_index(&self) -> u64 {
        self.tile.range().start
    }

    /// Each entry's log index and bytes, in order.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let bodies = self
            .bodies
            .iter()
            .map(|range| self.bytes.get(range.clone()).unwrap_or_default());
        (self.first_index()..).zip(bodies)
    }

    /// The bytes of the entry at a log index, if it is in this chunk.
    pub fn entry(&self, index: u64) -> Option<&[u8]> {
        let position = usize::try_from(index.checked_sub(self.first_index())?).ok()?;
        self.bytes.get(self.bodies.get(position)?.clone())
    }

    /// The leaf hash of each entry, in order.
    pub fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// No entries: never so for a chunk of a log.
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// Adds the chunk to the tree, in its turn; returns the upper tiles to be compared.
    pub fn add_to(&self, tree: &mut TreeCheck) -> Vec<RebuiltTile> {
        if self.tile.is_full() {
            tree.add_full(self.root)
        } else {
            tree.add_partial(&self.leaves)
        }
    }
}

fn read_text(folder: &Path, name: &str) -> Result<String, BundleError> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: PathBuf, source: io::Error) -> BundleError {
    if source.kind() == io::ErrorKind::NotFound {
        BundleError::Missing(path)
    } else {
        BundleError::Io { path, source }
    }
}

fn not_accepted(folder: &Path, name: &str) -> impl FnOnce(CheckpointError) -> BundleError {
    let path = folder.join(name);
    move |source| BundleError::Checkpoint { path, source }
}
