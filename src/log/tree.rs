//! The RFC 6962 Merkle tree, kept as its growing end.

pub use tlog_tiles::{EMPTY_HASH, Hash};

/// Bytes of a hash.
pub const HASH_SIZE: usize = tlog_tiles::HASH_SIZE;

/// The hash of an entry as a leaf: SHA-256 of `0x00 || body` (RFC 6962 §2.1).
pub fn leaf_hash(body: &[u8]) -> Hash {
    tlog_tiles::record_hash(body)
}

/// The hash of an inner node: SHA-256 of `0x01 || left || right` (RFC 6962 §2.1).
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    tlog_tiles::node_hash(left, right)
}

/// Hashes laid end to end, read back.
///
/// Returns `None` when the length is not a multiple of 32.
pub fn hashes_from_bytes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_SIZE>();
    rest.is_empty()
        .then(|| hashes.iter().copied().map(Hash).collect())
}

/// Hashes laid end to end.
pub fn hashes_to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Bytes that are not the frontier of a tree of that size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the frontier of a tree of {size} leaves has {expected} bytes, not {found}: the log head was damaged"
)]
pub struct FrontierError {
    size: u64,
    expected: usize,
    found: usize,
}

/// The roots of the complete subtrees that make up a tree: all that is needed to let it grow, and to
/// know its root. A tree of `n` leaves has as many as `n` has one bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frontier {
    size: u64,
    /// Largest (leftmost) first.
    nodes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        hashes_from_bytes(bytes)
            .filter(|nodes| nodes.len() == node_count(size))
            .map(|nodes| Self { size, nodes })
            .ok_or(FrontierError {
                size,
                expected: node_count(size) * HASH_SIZE,
                found: bytes.len(),
            })
    }

    /// The nodes laid end to end, largest subtree first: the column `log_head.frontier`.
    pub fn to_bytes(&self) -> Vec<u8> {
        hashes_to_bytes(&self.nodes)
    }

    /// Leaves in the tree, and the index of the next one.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The RFC 6962 root.
    pub fn root(&self) -> Hash {
        let smallest_first = self.nodes.iter().rev().copied();
        smallest_first
            .reduce(|right, left| node_hash(left, right))
            .unwrap_or(EMPTY_HASH)
    }

    /// Adds one leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf, |_, _| ());
    }

    /// Adds leaves in order.
    pub fn extend(&mut self, leaves: &[Hash]) {
        for leaf in leaves {
            self.push(*leaf);
        }
    }

    /// Adds a complete subtree of `2^height` leaves, and reports the height and the root of each
    /// larger subtree that it completes.
    ///
    /// # Panics
    ///
    /// When the tree's size is not a multiple of `2^height`: a subtree has its place.
    pub fn push_subtree(&mut self, height: u32, root: Hash, mut completed: impl FnMut(u32, Hash)) {
        assert!(
            self.size.trailing_zeros() >= height,
            "BUG: a subtree was added out of its place"
        );
        let mut node = root;
        let left_siblings = (self.size >> height).trailing_ones();
        for above in height + 1..=height + left_siblings {
            let left = self
                .nodes
                .pop()
                .expect("BUG: a frontier has a node for each one bit");
            node = node_hash(left, node);
            completed(above, node);
        }
        self.nodes.push(node);
        self.size += 1 << height;
    }
}

fn node_count(size: u64) -> usize {
    usize::try_from(size.count_ones()).expect("BUG: 64 fits")
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The recursive definition of RFC 6962 §2.1.
    pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_HASH,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(naive_root(left), naive_root(right))
            }
        }
    }

    pub(crate) fn numbered_leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    fn hex(hash: Hash) -> String {
        let bytes = hash.0.iter();
        bytes.fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// The published vectors of the reference implementations of RFC 6962 (Certificate Transparency).
    #[test]
    fn known_roots() {
        let bodies: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::new();
        assert_eq!(
            hex(frontier.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (body, root) in bodies.iter().zip(roots) {
            frontier.push(leaf_hash(body));
            assert_eq!(hex(frontier.root()), root);
        }
    }

    #[test]
    fn a_frontier_of_the_wrong_length_is_refused() {
        let mut frontier = Frontier::new();
        frontier.extend(&numbered_leaves(5));
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(5, &bytes), Ok(frontier));
        assert!(Frontier::from_bytes(7, &bytes).is_err());
        assert!(Frontier::from_bytes(5, &bytes[1..]).is_err());
    }

    proptest! {
        #[test]
        fn grows_like_the_recursive_definition(size in 0_u64..1_500, cut in 0_u64..1_500) {
            let leaves = numbered_leaves(size);
            let (first, second) = leaves.split_at(usize::try_from(cut.min(size)).unwrap());
            let mut frontier = Frontier::new();
            frontier.extend(first);
            prop_assert_eq!(frontier.root(), naive_root(first));
            let mut frontier = Frontier::from_bytes(frontier.size(), &frontier.to_bytes()).unwrap();
            frontier.extend(second);
            prop_assert_eq!(frontier.size(), size);
            prop_assert_eq!(frontier.root(), naive_root(&leaves));
        }

        #[test]
        fn grows_by_whole_subtrees(tiles in 0_u64..4, rest in 0_u64..256) {
            let leaves = numbered_leaves(tiles * 256 + rest);
            let (full, partial) = leaves.as_chunks::<256>();
            let mut frontier = Frontier::new();
            for tile in full {
                frontier.push_subtree(8, naive_root(tile), |_, _| ());
            }
            frontier.extend(partial);
            prop_assert_eq!(frontier.root(), naive_root(&leaves));
        }
    }
}
