//! Checking a log against its checkpoint, in memory that does not grow with the log.

use super::super::checkpoint::Checkpoint;
use super::super::tile::{LEVELS, LogFile, TILE_WIDTH, TileId};
use super::super::tree::{Frontier, HASH_SIZE, Hash};

/// The first thing that is wrong in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry was altered, or the tile that has its hash was.
    #[error("entry {index} ({entries}): leaf hash differs from {tile}")]
    Leaf {
        /// Log index.
        index: u64,
        /// The bundle that has the entry.
        entries: LogFile,
        /// The tile that has its hash.
        tile: TileId,
    },
    /// A file that ends inside an entry.
    #[error("entry {index} ({entries}): the file ends inside it")]
    CutOff {
        /// Log index.
        index: u64,
        /// The bundle that should have the entry.
        entries: LogFile,
    },
    /// A file with too few or too many entries.
    #[error("{entries}: has {found} entries instead of {expected}")]
    EntryCount {
        /// The bundle.
        entries: LogFile,
        /// As many as its path says.
        expected: u16,
        /// As many as it has.
        found: usize,
    },
    /// A tile of the wrong length.
    #[error("{tile}: has {found} bytes instead of {}", tile.byte_length())]
    TileLength {
        /// The tile.
        tile: TileId,
        /// Bytes that it has.
        found: usize,
    },
    /// A tile above level 0 does not agree with the one below.
    #[error("{tile}: hash {position} differs from the root of {below}")]
    Node {
        /// The tile.
        tile: TileId,
        /// Which of its hashes, from 0.
        position: u16,
        /// The tile that it should be the root of.
        below: TileId,
    },
    /// All tiles agree with each other, but not with the signed root.
    #[error(
        "the root over all {size} entries differs from the checkpoint's: tiles and entries were rewritten together"
    )]
    Root {
        /// Size of the checkpoint.
        size: u64,
    },
    /// A part was left out.
    #[error("entries {found} to {size} were not checked")]
    Unchecked {
        /// Entries checked.
        found: u64,
        /// Size of the checkpoint.
        size: u64,
    },
}

/// A tile above level 0, computed from what lies below it.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuiltTile {
    /// Which.
    pub id: TileId,
    /// Its hashes.
    pub hashes: Vec<Hash>,
}

impl RebuiltTile {
    /// Compares it with what is kept, and names the first hash that differs.
    pub fn compare(&self, kept: &[u8]) -> Result<(), Fault> {
        if kept.len() != self.id.byte_length() {
            return Err(Fault::TileLength {
                tile: self.id,
                found: kept.len(),
            });
        }
        let (kept, _) = kept.as_chunks::<HASH_SIZE>();
        let differs = self
            .hashes
            .iter()
            .zip(kept)
            .position(|(hash, kept)| hash.0 != *kept);
        match differs {
            None => Ok(()),
            Some(position) => {
                let position = u16::try_from(position).expect("BUG: a tile has 256 hashes");
                Err(Fault::Node {
                    tile: self.id,
                    position,
                    below: TileId::full(
                        self.id.level - 1,
                        self.id.range().start + u64::from(position),
                    ),
                })
            }
        }
    }
}

/// Rebuilds the tree above level 0 from the roots of its tiles, taken in order.
#[derive(Debug)]
pub struct TreeCheck {
    size: u64,
    root: Hash,
    frontier: Frontier,
    /// The begun tile of each level from 1 on.
    begun: Vec<Vec<Hash>>,
}

impl TreeCheck {
    /// To check what a checkpoint covers.
    pub fn new(checkpoint: &Checkpoint) -> Self {
        Self::to_root(checkpoint.size(), checkpoint.root())
    }

    /// To check a log that should have this size and root.
    pub fn to_root(size: u64, root: Hash) -> Self {
        Self {
            size,
            root,
            frontier: Frontier::new(),
            begun: vec![Vec::new(); usize::from(LEVELS) - 1],
        }
    }

    /// The tree over what was added so far.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Adds the root of the next full tile of level 0; returns the tiles that are full with it,
    /// lowest level first, to be compared with what is kept.
    pub fn add_full(&mut self, root: Hash) -> Vec<RebuiltTile> {
        let begun = &mut self.begun;
        let mut roots = vec![(1_u8, root)];
        self.frontier.push_subtree(8, root, |height, root| {
            let level = u8::try_from(height / 8).expect("BUG: a height is below 64");
            if height % 8 == 0 {
                roots.push((level, root));
            }
        });
        let mut full = Vec::new();
        for (level, root) in roots {
            let Some(tile) = begun.get_mut(usize::from(level) - 1) else {
                continue;
            };
            tile.push(root);
            if tile.len() == usize::from(TILE_WIDTH) {
                let hashes = std::mem::take(tile);
                let number = (self.frontier.size() >> (u32::from(level) * 8) >> 8) - 1;
                let id = TileId::full(level, number);
                full.push(RebuiltTile { id, hashes });
            }
        }
        full
    }

    /// Adds the leaf hashes of the partial tile at the end, which may be none; returns the partial
    /// tiles of the upper levels, to be compared with what is kept.
    pub fn add_partial(&mut self, leaves: &[Hash]) -> Vec<RebuiltTile> {
        self.frontier.extend(leaves);
        let size = self.frontier.size();
        let begun = std::mem::take(&mut self.begun);
        (1_u8..)
            .zip(begun)
            .filter_map(|(level, hashes)| {
                let number = size >> (u32::from(level) * 8) >> 8;
                let id = TileId::at_size(level, number, size).filter(|_| !hashes.is_empty())?;
                Some(RebuiltTile { id, hashes })
            })
            .collect()
    }

    /// Compares the root with the signed one.
    pub fn finish(self) -> Result<(), Fault> {
        let (found, size) = (self.frontier.size(), self.size);
        if found != size {
            return Err(Fault::Unchecked { found, size });
        }
        if self.frontier.root() == self.root {
            Ok(())
        } else {
            Err(Fault::Root { size })
        }
    }
}
