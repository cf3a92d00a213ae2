//! Inclusion and consistency proofs (RFC 6962 §2.1.1 and §2.1.2), made from tiles.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use tlog_tiles::HashReader;

use super::tile::{TILE_HEIGHT, TileId};
use super::tree::{EMPTY_HASH, Hash};

/// Why a proof does not hold, or can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The log is shorter.
    #[error("the log of {size} entries has no entry {index}: entries are counted from 0")]
    NoEntry {
        /// Asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// A log can't have shrunk.
    #[error("a log of {size} entries can't be the later state of one with {old}")]
    Shrunk {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        size: u64,
    },
    /// The hashes don't lead to the root.
    #[error(
        "the proof that entry {index} is in the log of {size} entries does not lead to its root"
    )]
    Inclusion {
        /// The entry.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The hashes don't lead from one root to the other.
    #[error(
        "the log of {size} entries does not contain the log of {old} entries: its history was rewritten"
    )]
    Consistency {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        size: u64,
    },
    /// A tile that the proof needs was not given, or has the wrong length.
    #[error("a tile that the proof needs is missing or incomplete")]
    Tile,
}

/// What can be derived from the tiles of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The root of the tree: one hash.
    Root {
        /// Size of the tree.
        size: u64,
    },
    /// The proof that an entry is in the tree.
    Inclusion {
        /// The entry.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The proof that an older tree is the begin of a newer one.
    Consistency {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        size: u64,
    },
}

impl Question {
    /// The tiles to be read, O(log size) of them, each as wide as in the tree of that size.
    pub fn tiles(self) -> Result<Vec<TileId>, ProofError> {
        self.check()?;
        let size = self.size();
        // First pass: the walk stops when it asks for hashes, and has told which.
        let asked = Asked(RefCell::new(Vec::new()));
        let _stopped_or_needs_none = self.walk(&asked);
        let tiles: BTreeSet<TileId> = asked
            .0
            .into_inner()
            .into_iter()
            .filter_map(|index| {
                let tile = tlog_tiles::Tile::from_index(TILE_HEIGHT, index);
                TileId::at_size(tile.level(), tile.level_index(), size)
            })
            .collect();
        Ok(tiles.into_iter().collect())
    }

    /// The hashes, given the tiles that were asked for.
    pub fn answer(self, tiles: &HashMap<TileId, Vec<u8>>) -> Result<Vec<Hash>, ProofError> {
        self.check()?;
        let size = self.size();
        self.walk(&Given { size, tiles })
            .map_err(|_| ProofError::Tile)
    }

    /// Size of the tree that it is about.
    pub fn size(self) -> u64 {
        match self {
            Self::Root { size } | Self::Inclusion { size, .. } | Self::Consistency { size, .. } => {
                size
            }
        }
    }

    fn check(self) -> Result<(), ProofError> {
        match self {
            Self::Inclusion { index, size } if index >= size => {
                Err(ProofError::NoEntry { index, size })
            }
            Self::Consistency { old, size } if old > size => Err(ProofError::Shrunk { old, size }),
            Self::Root { .. } | Self::Inclusion { .. } | Self::Consistency { .. } => Ok(()),
        }
    }

    fn walk(self, reader: &impl HashReader) -> Result<Vec<Hash>, tlog_tiles::Error> {
        match self {
            Self::Root { size } => tlog_tiles::tree_hash(size, reader).map(|root| vec![root]),
            Self::Inclusion { index, size } => tlog_tiles::prove_record(size, index, reader),
            // Every log extends the empty one; the crate, like RFC 6962, leaves that case out.
            Self::Consistency { old: 0, .. } => Ok(Vec::new()),
            Self::Consistency { old, size } => tlog_tiles::prove_tree(size, old, reader),
        }
    }
}

/// Notes which hashes a walk asks for, and gives none.
struct Asked(RefCell<Vec<u64>>);

impl HashReader for Asked {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        self.0.borrow_mut().extend(indexes);
        Err(tlog_tiles::Error::IndexesNotInTree)
    }
}

/// Gives the hashes out of tiles.
struct Given<'a> {
    size: u64,
    tiles: &'a HashMap<TileId, Vec<u8>>,
}

impl HashReader for Given<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |index: &u64| {
            let narrow = tlog_tiles::Tile::from_index(TILE_HEIGHT, *index);
            let id = TileId::at_size(narrow.level(), narrow.level_index(), self.size)
                .ok_or(tlog_tiles::Error::IndexesNotInTree)?;
            let bytes = self.tiles.get(&id).ok_or(tlog_tiles::Error::InvalidTile)?;
            narrow.hash_at_index(bytes, *index)
        };
        indexes.iter().map(read).collect()
    }
}

/// Checks that the tree with that size and root has, at `index`, an entry with that leaf hash.
pub fn check_inclusion(
    proof: &[Hash],
    index: u64,
    leaf: Hash,
    size: u64,
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NoEntry { index, size });
    }
    tlog_tiles::check_record(&proof.to_vec(), size, root, index, leaf)
        .map_err(|_| ProofError::Inclusion { index, size })
}

/// Checks that the tree `(size, root)` begins with the tree `(old, old_root)`.
pub fn check_consistency(
    proof: &[Hash],
    (old, old_root): (u64, Hash),
    (size, root): (u64, Hash),
) -> Result<(), ProofError> {
    if old > size {
        return Err(ProofError::Shrunk { old, size });
    }
    let holds = if old == 0 {
        proof.is_empty() && old_root == EMPTY_HASH
    } else {
        tlog_tiles::check_tree(&proof.to_vec(), size, root, old, old_root).is_ok()
    };
    if holds {
        Ok(())
    } else {
        Err(ProofError::Consistency { old, size })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::tile::count_at_level;
    use super::super::tree::hashes_to_bytes;
    use super::super::tree::tests::{naive_root, numbered_leaves};
    use super::*;

    /// The tiles of a tree, by definition.
    fn read(tiles: Vec<TileId>, leaves: &[Hash]) -> HashMap<TileId, Vec<u8>> {
        let hash = |level: u8, n: u64| {
            let span = 1_u64 << (u32::from(level) * 8);
            let [first, end] = [n * span, (n + 1) * span].map(|n| usize::try_from(n).unwrap());
            naive_root(&leaves[first..end])
        };
        tiles
            .into_iter()
            .map(|tile| {
                assert!(
                    tile.range().end
                        <= count_at_level(tile.level, u64::try_from(leaves.len()).unwrap())
                );
                let hashes: Vec<Hash> = tile.range().map(|n| hash(tile.level, n)).collect();
                (tile, hashes_to_bytes(&hashes))
            })
            .collect()
    }

    fn answer(question: Question, leaves: &[Hash]) -> Vec<Hash> {
        question
            .answer(&read(question.tiles().unwrap(), leaves))
            .unwrap()
    }

    fn flip(hash: &mut Hash, bit: Index) {
        let bit = bit.index(256);
        hash.0[bit / 8] ^= 1 << (bit % 8);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn inclusion_holds_and_breaks(
            size in 1_u64..2_000, at in any::<Index>(), which in any::<Index>(), bit in any::<Index>(),
        ) {
            let leaves = numbered_leaves(size);
            let at = at.index(leaves.len());
            let index = u64::try_from(at).unwrap();
            let (leaf, root) = (leaves[at], naive_root(&leaves));
            prop_assert_eq!(answer(Question::Root { size }, &leaves), vec![root]);
            let proof = answer(Question::Inclusion { index, size }, &leaves);
            prop_assert_eq!(check_inclusion(&proof, index, leaf, size, root), Ok(()));

            let mut bad = leaf;
            flip(&mut bad, bit);
            prop_assert!(check_inclusion(&proof, index, bad, size, root).is_err());
            let mut bad = root;
            flip(&mut bad, bit);
            prop_assert!(check_inclusion(&proof, index, leaf, size, bad).is_err());
            prop_assert!(check_inclusion(&proof, index + 1, leaf, size, root).is_err());
            let mut bad = proof.clone();
            bad.push(leaf);
            prop_assert!(check_inclusion(&bad, index, leaf, size, root).is_err());
            if !proof.is_empty() {
                let mut bad = proof.clone();
                flip(&mut bad[which.index(proof.len())], bit);
                prop_assert!(check_inclusion(&bad, index, leaf, size, root).is_err());
                prop_assert!(check_inclusion(&proof[1..], index, leaf, size, root).is_err());
            }
        }

        #[test]
        fn consistency_holds_and_breaks(
            size in 1_u64..2_000, at in any::<Index>(), which in any::<Index>(), bit in any::<Index>(),
        ) {
            let leaves = numbered_leaves(size);
            let older = at.index(leaves.len() + 1);
            let old = u64::try_from(older).unwrap();
            let (then, now) = ((old, naive_root(&leaves[..older])), (size, naive_root(&leaves)));
            let proof = answer(Question::Consistency { old, size }, &leaves);
            prop_assert_eq!(check_consistency(&proof, then, now), Ok(()));

            let mut bad = then;
            flip(&mut bad.1, bit);
            prop_assert!(check_consistency(&proof, bad, now).is_err());
            if old > 0 {
                let mut bad = now;
                flip(&mut bad.1, bit);
                prop_assert!(check_consistency(&proof, then, bad).is_err());
            }
            if !proof.is_empty() {
                let mut bad = proof.clone();
                flip(&mut bad[which.index(proof.len())], bit);
                prop_assert!(check_consistency(&bad, then, now).is_err());
            }
        }
    }

    #[test]
    fn few_tiles_are_needed() {
        let size = 10_000_123;
        let tiles = Question::Inclusion {
            index: 4_999_999,
            size,
        }
        .tiles()
        .unwrap();
        assert!(tiles.len() <= 6, "{tiles:?}");
    }

    #[test]
    fn impossible_questions_are_refused() {
        let (index, size) = (5, 5);
        let refused = Err(ProofError::NoEntry { index, size });
        assert_eq!(Question::Inclusion { index, size }.tiles(), refused);
        let refused = Err(ProofError::Shrunk { old: 6, size });
        assert_eq!(Question::Consistency { old: 6, size }.tiles(), refused);
        assert_eq!(
            Question::Root { size }.answer(&HashMap::new()),
            Err(ProofError::Tile)
        );
    }
}
