//! The tree's hashes as C2SP's `tlog-tiles` keeps them: 256 to a tile, those of a level's tiles making the tiles of the level above.
//!
//! A full tile never changes. At the right edge there are partial tiles; what a checkpoint was signed for can be recomputed from the tiles
//! of its size, which is how a checkpoint vouches for every hash in them.

mod authentic;
mod locate;
mod store;
mod write;

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{HASH_BYTES, Hash};

pub use authentic::{AuthenticTiles, TileError};
pub use locate::{Difference, DifferenceKind, LeafCheck};
pub use store::{TileDirectory, TileMap, TileSource};
pub use write::{ResumeError, TileWriter, WrittenTile};

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// Levels of the tree from one level of tiles to the next.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// Which tile: its level, its place in the level, and how many hashes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    /// Of 1 to 256.
    width: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not the path of a tile")]
pub struct NotATile(String);

impl Tile {
    const FULL: u16 = TILE_WIDTH as u16;

    /// The tile at this place, as the tree of this size has it.
    pub fn in_tree(size: u64, level: u8, index: u64) -> Option<Self> {
        let hashes = hashes_at(size, level);
        let width = hashes.saturating_sub(index.checked_mul(TILE_WIDTH as u64)?).min(TILE_WIDTH as u64) as u16;
        (width > 0).then_some(Self { level, index, width })
    }

    /// The tiles at the right edge of the tree of this size, one for each level that has a partial one.
    pub fn edge(size: u64) -> impl Iterator<Item = Self> {
        (0..levels(size)).filter_map(move |level| {
            let edge = Self::in_tree(size, level, hashes_at(size, level) / TILE_WIDTH as u64)?;
            (!edge.is_full()).then_some(edge)
        })
    }

    pub fn level(self) -> u8 {
        self.level
    }

    pub fn index(self) -> u64 {
        self.index
    }

    pub fn width(self) -> usize {
        usize::from(self.width)
    }

    pub fn is_full(self) -> bool {
        self.width == Self::FULL
    }

    /// The tile that this one becomes.
    pub fn filled(self) -> Self {
        Self { width: Self::FULL, ..self }
    }

    pub fn bytes(self) -> usize {
        self.width() * HASH_BYTES
    }
}

/// How many hashes all tiles of a level have together.
pub(crate) fn hashes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
}

/// How many levels of tiles a tree has.
pub(crate) fn levels(size: u64) -> u8 {
    (u64::BITS - size.leading_zeros()).div_ceil(TILE_HEIGHT) as u8
}

/// The root over a power of two of hashes, or less than it at the tree's edge.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| if let [left, right] = pair { Hash::of_node(*left, *right) } else { pair[0] }).collect();
    }
    row.first().copied().unwrap_or_else(Hash::of_nothing)
}

/// `tile/<level>/<index>[.p/<width>]`, with the index in groups of three digits, all but the last after an `x`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        let groups = std::iter::successors(Some(self.index), |index| (*index >= 1000).then_some(index / 1000)).collect::<Vec<_>>();
        for group in groups[1..].iter().rev() {
            write!(f, "x{:03}/", group % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = NotATile;

    /// Takes what [`Display`](fmt::Display) writes and nothing else, so that no tile has two paths.
    fn from_str(path: &str) -> Result<Self, NotATile> {
        let parse = || {
            let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
            let (index, width) =
                rest.split_once(".p/").map_or(Some((rest, Self::FULL)), |(index, width)| Some((index, width.parse().ok()?)))?;
            let index = index.split('/').try_fold(0u64, |index, group| {
                let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
                index.checked_mul(1000)?.checked_add(digits)
            })?;
            let tile = Self { level: level.parse().ok()?, index, width };
            (tile.level < 64 && tile.width > 0 && tile.to_string() == path).then_some(tile)
        };
        parse().ok_or_else(|| NotATile(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::naive;

    fn tile(level: u8, index: u64, width: u16) -> Tile {
        Tile { level, index, width }
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        let paths = [
            (tile(0, 0, 256), "tile/0/000"),
            (tile(0, 273, 112), "tile/0/273.p/112"),
            (tile(1, 999, 1), "tile/1/999.p/1"),
            (tile(2, 1000, 256), "tile/2/x001/000"),
            (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(0, 1_234_067, 255), "tile/0/x001/x234/067.p/255"),
            (tile(63, u64::MAX, 256), "tile/63/x018/x446/x744/x073/x709/x551/615"),
        ];
        for (tile, path) in paths {
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
    }

    #[test]
    fn what_is_no_path_of_a_tile_is_refused() {
        let no_paths = [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/+1/000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000/",
            "tile/0/-01",
            "tile/0/../000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/entries/000",
            "tile/0/000.p/1/",
            "tile/0/000 ",
        ];
        for path in no_paths {
            assert_eq!(path.parse::<Tile>(), Err(NotATile(path.to_owned())));
        }
    }

    /// The example of the specification.
    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        assert_eq!(Tile::in_tree(70_000, 0, 272), Some(tile(0, 272, 256)));
        assert_eq!(Tile::in_tree(70_000, 0, 273), Some(tile(0, 273, 112)));
        assert_eq!(Tile::in_tree(70_000, 0, 274), None);
        assert_eq!(Tile::edge(70_000).collect::<Vec<_>>(), [tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1)]);
        assert_eq!(Tile::edge(256).collect::<Vec<_>>(), [tile(1, 0, 1)]);
        assert_eq!(Tile::edge(0).count(), 0);
        assert_eq!(Tile::edge(u64::MAX).count(), 8);
    }

    #[test]
    fn the_root_of_a_tile_is_that_of_its_tree() {
        let leaves = naive::leaves(256);
        for width in 0..=256 {
            assert_eq!(root_of(&leaves[..width]), naive::root(&leaves[..width]));
        }
    }

    proptest! {
        #[test]
        fn a_tile_survives_its_path(level in 0..64u8, index: u64, shift in 0..64u32, width in 1..=256u16) {
            let tile = tile(level, index >> shift, width);
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }
    }
}
