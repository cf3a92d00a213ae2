//! C2SP `tlog-tiles`: the tree cut into tiles of 256 hashes, and the entries into bundles of 256.
//!
//! A tile of level 0 holds leaf hashes; one of level `n + 1` holds the roots of full tiles of level
//! `n`. Full tiles never change; the rightmost of each level is partial and is derived when asked.

use std::fmt;
use std::ops::Range;

use super::tree::{Frontier, HASH_SIZE, Hash, hashes_to_bytes};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Height of the subtree that a full tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Levels that a log of fewer than 2^63 entries can have.
pub const LEVELS: u8 = 8;
/// Bytes of a full tile.
pub const FULL_TILE_BYTES: usize = 8_192;
/// Bytes that an entry may have: a bundle gives each length 16 bits.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Where a tile lies, and how many hashes of it exist in a tree of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Level, 0 to 7.
    pub level: u8,
    /// Position within the level.
    pub number: u64,
    /// Hashes, 1 to 256; fewer than 256 make a partial tile.
    pub width: u16,
}

impl TileId {
    /// A full tile.
    pub fn full(level: u8, number: u64) -> Self {
        Self {
            level,
            number,
            width: TILE_WIDTH,
        }
    }

    /// The tile as it is in a tree of `size` entries, `None` if that tree does not reach it.
    pub fn at_size(level: u8, number: u64, size: u64) -> Option<Self> {
        let hashes = count_at_level(level, size);
        let first = number.checked_mul(u64::from(TILE_WIDTH))?;
        let width = hashes.saturating_sub(first).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).expect("BUG: at most 256");
        (width > 0).then_some(Self {
            level,
            number,
            width,
        })
    }

    /// All 256 hashes are there.
    pub fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The hashes that it holds, as positions within its level.
    pub fn range(self) -> Range<u64> {
        let first = self.number * u64::from(TILE_WIDTH);
        first..first + u64::from(self.width)
    }

    /// Bytes of the tile.
    pub fn byte_length(self) -> usize {
        usize::from(self.width) * HASH_SIZE
    }
}

/// The path in the `tlog-tiles` layout, such as `tile/1/x001/234.p/17`.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tile/{}/{}",
            self.level,
            Position(self.number, self.width)
        )
    }
}

/// How many hashes a level has in a tree of `size` entries.
pub fn count_at_level(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))
        .unwrap_or(0)
}

/// A file of the log under its prefix, other than the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogFile {
    /// Hashes.
    Tile(TileId),
    /// Entries: those whose leaf hashes the tile of level 0 with the same number and width holds.
    Entries {
        /// Position among the bundles.
        number: u64,
        /// Entries in it, 1 to 256.
        width: u16,
    },
}

impl LogFile {
    /// Reads a path in the `tlog-tiles` layout: exactly what [`LogFile`] displays as, nothing else.
    ///
    /// `tlog_tiles::Tile::from_path` is not used: its layout names the height, and it panics on
    /// `.p/0`.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, position) = path.strip_prefix("tile/")?.split_once('/')?;
        let (number, width) = parse_position(position)?;
        let file = if kind == "entries" {
            Self::Entries { number, width }
        } else {
            Self::Tile(TileId {
                level: kind.parse().ok().filter(|level| *level < LEVELS)?,
                number,
                width,
            })
        };
        (file.is_possible() && file.to_string() == path).then_some(file)
    }

    /// A log of fewer than 2^63 entries can have it.
    fn is_possible(self) -> bool {
        let (level, number, width) = match self {
            Self::Tile(tile) => (tile.level, tile.number, tile.width),
            Self::Entries { number, width } => (0, number, width),
        };
        let last = number
            .checked_mul(u64::from(TILE_WIDTH))
            .map(|n| n + u64::from(width) - 1);
        last.is_some_and(|last| last < count_at_level(level, u64::MAX >> 1))
    }
}

impl fmt::Display for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tile(tile) => tile.fmt(f),
            Self::Entries { number, width } => {
                write!(f, "tile/entries/{}", Position(*number, *width))
            }
        }
    }
}

/// `<N>[.p/<W>]`: a number in groups of three digits, all but the last led by `x`.
struct Position(u64, u16);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let groups = digits.len().div_ceil(3);
        let padded = format!("{digits:0>width$}", width = groups * 3);
        for group in 0..groups {
            let digits = padded.get(group * 3..group * 3 + 3).unwrap_or_default();
            if group + 1 == groups {
                write!(f, "{digits}")?;
            } else {
                write!(f, "x{digits}/")?;
            }
        }
        match self.1 {
            TILE_WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

fn parse_position(text: &str) -> Option<(u64, u16)> {
    let (number, width) = match text.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok().filter(|w| (1..256).contains(w))?),
        None => (text, TILE_WIDTH),
    };
    let mut total = 0_u64;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let value: u64 = digits.parse().ok().filter(|value| *value < 1_000)?;
        total = total.checked_mul(1_000)?.checked_add(value)?;
    }
    Some((total, width))
}

/// A full tile as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct FullTile {
    /// Level.
    pub level: u8,
    /// Position within the level.
    pub number: u64,
    /// 256 hashes laid end to end.
    pub hashes: Vec<u8>,
    /// The root over them: their hash in the level above.
    pub root: Hash,
}

/// A tree after leaves were added, with all that they added to each level.
#[derive(Clone, Debug)]
pub struct Growth {
    frontier: Frontier,
    levels: Vec<Level>,
}

/// The new hashes of one level.
#[derive(Clone, Debug)]
struct Level {
    first: u64,
    hashes: Vec<Hash>,
}

impl Growth {
    /// Adds leaves to a tree.
    pub fn new(mut frontier: Frontier, leaves: &[Hash]) -> Self {
        let old_size = frontier.size();
        let mut levels: Vec<Level> = (0..LEVELS)
            .map(|level| Level {
                first: count_at_level(level, old_size),
                hashes: Vec::new(),
            })
            .collect();
        for leaf in leaves {
            frontier.push_subtree(0, *leaf, |height, root| {
                let level = usize::try_from(height / 8).expect("BUG: a height is below 64");
                if height % 8 == 0
                    && let Some(level) = levels.get_mut(level)
                {
                    level.hashes.push(root);
                }
            });
        }
        if let Some(bottom) = levels.first_mut() {
            bottom.hashes = leaves.to_vec();
        }
        Self { frontier, levels }
    }

    /// The tree's new frontier.
    pub fn into_frontier(self) -> Frontier {
        self.frontier
    }

    /// The older hashes of the tiles that were begun before and are full now: level, and positions
    /// within it. [`Growth::full_tiles`] needs them, in this order.
    pub fn begun_before(&self) -> Vec<(u8, Range<u64>)> {
        self.filling()
            .map(|(level, below, _)| {
                let begin = below.first - below.first % u64::from(TILE_WIDTH);
                (level, begin..below.first)
            })
            .filter(|(_, range)| !range.is_empty())
            .collect()
    }

    /// The tiles that are full now and were not before. `older` gives the hashes of
    /// [`Growth::begun_before`] for a level.
    pub fn full_tiles(&self, mut older: impl FnMut(u8) -> Vec<Hash>) -> Vec<FullTile> {
        let mut tiles = Vec::new();
        for (level, below, above) in self.filling() {
            let begun = below.first % u64::from(TILE_WIDTH) != 0;
            let mut hashes = if begun { older(level) } else { Vec::new() };
            hashes.extend(&below.hashes);
            let (full, _) = hashes.as_chunks::<256>();
            for ((hashes, root), number) in full.iter().zip(&above.hashes).zip(above.first..) {
                tiles.push(FullTile {
                    level,
                    number,
                    hashes: hashes_to_bytes(hashes),
                    root: *root,
                });
            }
        }
        tiles
    }

    /// The levels with tiles that fill, each with the level above, which their roots join.
    fn filling(&self) -> impl Iterator<Item = (u8, &Level, &Level)> {
        (0_u8..)
            .zip(self.levels.iter().zip(self.levels.iter().skip(1)))
            .map(|(level, (below, above))| (level, below, above))
            .filter(|(_, _, above)| !above.hashes.is_empty())
    }
}

/// The root over the hashes of a tile, full or partial, given as bytes laid end to end.
pub fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    frontier.extend(hashes);
    frontier.root()
}

/// An entry longer than a bundle can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {0} bytes does not fit the log: at most {MAX_ENTRY_BYTES} are allowed")]
pub struct EntryTooLong(usize);

/// Adds an entry to a bundle: its length as two bytes, big-endian, then its bytes.
pub fn push_entry(bundle: &mut Vec<u8>, body: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(body.len()).map_err(|_| EntryTooLong(body.len()))?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(body);
    Ok(())
}

/// A bundle that ends inside this entry, counted from the bundle's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOff(pub usize);

/// Where in the bytes of a bundle each entry's body lies.
pub fn entry_ranges(bundle: &[u8]) -> Result<Vec<Range<usize>>, CutOff> {
    let mut ranges = Vec::with_capacity(usize::from(TILE_WIDTH));
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(CutOff(ranges.len()))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let begin = bundle.len() - after.len();
        rest = after.get(length..).ok_or(CutOff(ranges.len()))?;
        ranges.push(begin..begin + length);
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use tlog_tiles::{HashReader, TileHashReader, TileReader};

    use super::super::tree::{hashes_from_bytes, tests::numbered_leaves};
    use super::*;

    /// All that a log keeps, in memory: leaf hashes and full tiles.
    #[derive(Default)]
    struct Kept {
        frontier: Frontier,
        leaves: Vec<Hash>,
        tiles: HashMap<(u8, u64), FullTile>,
    }

    impl Kept {
        fn append(&mut self, leaves: &[Hash]) {
            let growth = Growth::new(self.frontier.clone(), leaves);
            let ranges: HashMap<u8, Range<u64>> = growth.begun_before().into_iter().collect();
            let tiles = growth.full_tiles(|level| self.hashes(level, ranges[&level].clone()));
            for tile in tiles {
                let replaced = self.tiles.insert((tile.level, tile.number), tile);
                assert_eq!(replaced, None, "a full tile is made once");
            }
            self.leaves.extend(leaves);
            self.frontier = growth.into_frontier();
        }

        fn hashes(&self, level: u8, range: Range<u64>) -> Vec<Hash> {
            range
                .map(|n| match level {
                    0 => self.leaves[usize::try_from(n).unwrap()],
                    _ => self.tiles[&(level - 1, n)].root,
                })
                .collect()
        }
    }

    impl TileReader for Kept {
        fn height(&self) -> u8 {
            TILE_HEIGHT
        }

        fn read_tiles(
            &self,
            tiles: &[tlog_tiles::Tile],
        ) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            let read = |tile: &tlog_tiles::Tile| {
                let id = TileId {
                    level: tile.level(),
                    number: tile.level_index(),
                    width: u16::try_from(tile.width()).unwrap(),
                };
                if id.is_full() {
                    self.tiles[&(id.level, id.number)].hashes.clone()
                } else {
                    hashes_to_bytes(&self.hashes(id.level, id.range()))
                }
            };
            Ok(tiles.iter().map(read).collect())
        }

        fn save_tiles(&self, _tiles: &[tlog_tiles::Tile], _data: &[Vec<u8>]) {}
    }

    #[test]
    fn paths_of_the_standard() {
        let path = |level, number, width| {
            TileId {
                level,
                number,
                width,
            }
            .to_string()
        };
        assert_eq!(path(0, 0, 256), "tile/0/000");
        assert_eq!(path(4, 1_234_067, 256), "tile/4/x001/x234/067");
        assert_eq!(path(4, 1_234_067, 8), "tile/4/x001/x234/067.p/8");
        assert_eq!(
            LogFile::Entries {
                number: 1_000,
                width: 1
            }
            .to_string(),
            "tile/entries/x001/000.p/1"
        );
    }

    #[test]
    fn only_canonical_paths_are_read() {
        for good in [
            "tile/0/000",
            "tile/7/000.p/127",
            "tile/entries/x012/345.p/9",
        ] {
            assert_eq!(
                LogFile::parse(good).map(|file| file.to_string()).as_deref(),
                Some(good)
            );
        }
        for bad in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/8/000",
            "tile/00/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x000/001",
            "tile/0/x001/x234",
            "tile/0/001/234",
            "tile/0/+01",
            "tile/data/000",
            "tile/entries/-01",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/7/000",
            "/tile/0/000",
            "tile/0/000/",
        ] {
            assert_eq!(LogFile::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn tiles_of_a_size() {
        // The example of the standard: 70,000 entries.
        let at = |level, number| TileId::at_size(level, number, 70_000).map(|tile| tile.width);
        assert_eq!(
            (at(0, 272), at(0, 273), at(0, 274)),
            (Some(256), Some(112), None)
        );
        assert_eq!((at(1, 0), at(1, 1), at(1, 2)), (Some(256), Some(17), None));
        assert_eq!((at(2, 0), at(3, 0)), (Some(1), None));
    }

    #[test]
    fn bundles_say_where_they_are_cut_off() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"one").unwrap();
        push_entry(&mut bundle, b"").unwrap();
        push_entry(&mut bundle, &vec![7; MAX_ENTRY_BYTES]).unwrap();
        assert_eq!(
            push_entry(&mut bundle, &vec![7; 65_536]),
            Err(EntryTooLong(65_536))
        );
        let ranges = entry_ranges(&bundle).unwrap();
        assert_eq!(&bundle[ranges[0].clone()], b"one");
        assert_eq!((ranges[1].len(), ranges[2].len()), (0, MAX_ENTRY_BYTES));
        assert_eq!(entry_ranges(&bundle[..bundle.len() - 1]), Err(CutOff(2)));
        assert_eq!(entry_ranges(&bundle[..6]), Err(CutOff(1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn tiles_hash_to_the_root(batches in proptest::collection::vec(1_u64..1_200, 1..12)) {
            let mut kept = Kept::default();
            let leaves = numbered_leaves(batches.iter().sum());
            let mut rest = leaves.as_slice();
            for batch in batches {
                let (now, later) = rest.split_at(usize::try_from(batch).unwrap());
                kept.append(now);
                rest = later;
            }
            for tile in kept.tiles.values() {
                let hashes = hashes_from_bytes(&tile.hashes).unwrap();
                prop_assert_eq!(subtree_root(&hashes), tile.root);
            }
            let size = kept.frontier.size();
            let bottom = kept.tiles.keys().filter(|key| key.0 == 0).count();
            prop_assert_eq!(bottom, kept.leaves.len() / 256);
            // An independent reader of tiles, which checks what it reads against the root.
            let reader = TileHashReader::new(size, kept.frontier.root(), &kept);
            let indices: Vec<u64> = (0..size).map(|n| tlog_tiles::stored_hash_index(0, n)).collect();
            prop_assert_eq!(reader.read_hashes(&indices).unwrap(), leaves);
        }

        #[test]
        fn paths_read_back(level in 0..LEVELS, number in 0_u64..1 << 50, width in 1_u16..=256) {
            let tile = TileId { level, number: number >> (u32::from(level) * 7), width };
            let read = LogFile::parse(&tile.to_string());
            prop_assert!(read == Some(LogFile::Tile(tile)) || !LogFile::Tile(tile).is_possible());
        }
    }

    #[test]
    fn upper_levels_fill() {
        let mut kept = Kept::default();
        let leaves = numbered_leaves(65_536 + 300);
        for batch in leaves.chunks(20_000) {
            kept.append(batch);
        }
        let upper = &kept.tiles[&(1, 0)];
        assert_eq!(upper.hashes.len(), FULL_TILE_BYTES);
        let mut first = Frontier::new();
        first.extend(&leaves[..65_536]);
        assert_eq!(upper.root, first.root());
    }
}
