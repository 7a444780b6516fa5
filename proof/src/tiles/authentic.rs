//! Tiles that a checkpoint vouches for.

use std::io;

use thiserror::Error;

use crate::{
    Frontier, Hash, Head, Nodes,
    tiles::{TILE_HEIGHT, TILE_WIDTH, Tile, TileSource, hashes_at, levels, root_of},
};

#[derive(Debug, Error)]
pub enum TileError {
    #[error("`{tile}` is missing")]
    Missing { tile: Tile },
    #[error("`{tile}` has {actual} bytes, not {}", tile.bytes())]
    Length { tile: Tile, actual: usize },
    #[error("the tiles at the edge of the tree of {size} leaves do not make the root of its checkpoint")]
    OtherRoot { size: u64 },
    #[error("`{tile}` is not the tile that the level above it was made of")]
    Altered { tile: Tile },
    #[error("the tree of {size} leaves has no tile {index} on level {level}")]
    Outside { level: u8, index: u64, size: u64 },
    #[error("the tiles cannot be read")]
    Io(#[from] io::Error),
}

/// Tiles of a source, each shown only after it was found to be what the checkpoint was made of.
///
/// The edge makes the root; every full tile makes one hash of the tile above it. One full tile of each level is kept, so that reading in order
/// checks each tile once.
#[derive(Debug)]
pub struct AuthenticTiles<S> {
    source: S,
    head: Head,
    frontier: Frontier,
    edge: Vec<Vec<Hash>>,
    last: Vec<Option<(u64, Vec<Hash>)>>,
}

impl<S: TileSource> AuthenticTiles<S> {
    pub fn open(source: S, head: Head) -> Result<Self, TileError> {
        let mut edge = vec![Vec::new(); usize::from(levels(head.size))];
        let mut peaks = Vec::new();
        for tile in Tile::edge(head.size) {
            edge[usize::from(tile.level())] = read(&source, tile)?;
        }
        for hashes in edge.iter().rev() {
            peaks.extend(peaks_of(hashes));
        }
        let other_root = TileError::OtherRoot { size: head.size };
        match Frontier::new(head.size, peaks) {
            Ok(frontier) if frontier.root() == head.root => {
                let last = vec![None; edge.len()];
                Ok(Self { source, head, frontier, edge, last })
            }
            Ok(_) | Err(_) => Err(other_root),
        }
    }

    pub fn head(&self) -> Head {
        self.head
    }

    /// The hashes of a tile of this tree.
    pub fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], TileError> {
        let tile = Tile::in_tree(self.head.size, level, index).ok_or(TileError::Outside { level, index, size: self.head.size })?;
        let place = usize::from(level);
        if !tile.is_full() {
            return Ok(&self.edge[place]);
        }
        if !matches!(&self.last[place], Some((kept, _)) if *kept == index) {
            let above = self.tile(level + 1, index / TILE_WIDTH as u64)?[index as usize % TILE_WIDTH];
            let hashes = read(&self.source, tile)?;
            if root_of(&hashes) != above {
                return Err(TileError::Altered { tile });
            }
            self.last[place] = Some((index, hashes));
        }
        Ok(self.last[place].as_ref().map_or(&[], |(_, hashes)| hashes))
    }

    /// The hash of a leaf as it was when the checkpoint was signed.
    pub fn leaf(&mut self, index: u64) -> Result<Hash, TileError> {
        let tile = index / TILE_WIDTH as u64;
        let outside = TileError::Outside { level: 0, index: tile, size: self.head.size };
        self.tile(0, tile)?.get(index as usize % TILE_WIDTH).copied().ok_or(outside)
    }

    pub(crate) fn into_edge(self) -> (Frontier, Vec<Vec<Hash>>) {
        (self.frontier, self.edge)
    }
}

impl<S: TileSource> Nodes for AuthenticTiles<S> {
    type Error = TileError;

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, TileError> {
        let (tile_level, above) = ((level / TILE_HEIGHT) as u8, level % TILE_HEIGHT);
        let (first, width) = (index << above, 1 << above);
        if first + width as u64 > hashes_at(self.head.size, tile_level) {
            return Err(TileError::Outside { level: tile_level, index: first / TILE_WIDTH as u64, size: self.head.size });
        }
        let start = first as usize % TILE_WIDTH;
        Ok(root_of(&self.tile(tile_level, first / TILE_WIDTH as u64)?[start..start + width]))
    }
}

/// A partial tile that is gone may still be read from the full tile that it has become.
fn read(source: &impl TileSource, tile: Tile) -> Result<Vec<Hash>, TileError> {
    let (found, bytes) = match source.read(tile)? {
        Some(bytes) => (tile, bytes),
        None if tile.is_full() => return Err(TileError::Missing { tile }),
        None => (tile.filled(), source.read(tile.filled())?.ok_or(TileError::Missing { tile })?),
    };
    let length = TileError::Length { tile: found, actual: bytes.len() };
    if bytes.len() != found.bytes() {
        return Err(length);
    }
    Hash::all_of(&bytes[..tile.bytes()]).ok_or(length)
}

/// The roots of the complete subtrees that a partial tile begins with, largest first.
fn peaks_of(hashes: &[Hash]) -> Vec<Hash> {
    let mut rest = hashes;
    let mut peaks = Vec::new();
    while let Some(height) = rest.len().checked_ilog2() {
        let (subtree, after) = rest.split_at(1 << height);
        peaks.push(root_of(subtree));
        rest = after;
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TileWriter, prove_consistency, prove_inclusion, root,
        tiles::TileMap,
        tree::naive::{Remembered, leaves},
    };

    fn tiles(leaves: &[Hash]) -> (TileMap, Head) {
        let (mut tiles, mut writer) = (TileMap::default(), TileWriter::default());
        leaves.iter().for_each(|leaf| writer.push(*leaf));
        writer.take_tiles().iter().for_each(|tile| tiles.write(tile));
        (tiles, writer.head())
    }

    #[test]
    fn leaves_and_proofs_come_from_tiles() {
        let leaves = leaves(66_000);
        for size in [1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000] {
            let leaves = &leaves[..size];
            let plain = &mut Remembered::of(leaves);
            let (tiles, head) = tiles(leaves);
            let mut tiles = AuthenticTiles::open(&tiles, head).unwrap();
            assert_eq!(Ok(head.root), root(plain, head.size));
            let some = [0, 1, size / 3, size / 2, size.saturating_sub(257), size - 1];
            for index in some.into_iter().filter(|index| *index < size) {
                assert_eq!(tiles.leaf(index as u64).unwrap(), leaves[index]);
                let path = prove_inclusion(plain, index as u64, head.size).unwrap();
                assert_eq!(prove_inclusion(&mut tiles, index as u64, head.size).unwrap(), path);
                let proof = prove_consistency(plain, index as u64, head.size).unwrap();
                assert_eq!(prove_consistency(&mut tiles, index as u64, head.size).unwrap(), proof);
            }
            assert!(matches!(tiles.leaf(head.size), Err(TileError::Outside { level: 0, .. })));
        }
    }

    #[test]
    fn the_tiles_of_a_larger_tree_serve_a_smaller_checkpoint() {
        let leaves = leaves(1500);
        let (mut all, _) = tiles(&leaves);
        let (smaller, head) = tiles(&leaves[..700]);
        for (tile, bytes) in smaller.0 {
            if tile.level() == 1 {
                all.0.insert(tile, bytes);
            }
        }
        let mut tiles = AuthenticTiles::open(&all, head).unwrap();
        for (index, leaf) in leaves[..700].iter().enumerate() {
            assert_eq!(tiles.leaf(index as u64).unwrap(), *leaf);
        }
    }

    /// The first bytes of each hash of each tile; that every byte counts is SHA-256's business.
    #[test]
    fn every_altered_hash_is_found_and_its_tile_named() {
        let leaves = leaves(800);
        let (good, head) = tiles(&leaves);
        for (&tile, bytes) in &good.0 {
            for place in 0..tile.width() {
                let mut altered = good.clone();
                altered.0.get_mut(&tile).unwrap()[place * 32] ^= 1;
                assert_eq!(altered.0[&tile].len(), bytes.len());
                let found =
                    AuthenticTiles::open(&altered, head).and_then(|mut tiles| (0..800).try_for_each(|index| tiles.leaf(index).map(drop)));
                match found {
                    Err(TileError::Altered { tile: named }) => assert_eq!(named, tile),
                    Err(TileError::OtherRoot { size: 800 }) => assert!(!tile.is_full()),
                    other => panic!("{tile}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn a_tile_that_is_missing_or_cut_is_named() {
        let (good, head) = tiles(&leaves(800));
        for &tile in good.0.keys() {
            let read_all = |tiles: &TileMap| {
                AuthenticTiles::open(tiles, head).and_then(|mut tiles| (0..800).try_for_each(|index| tiles.leaf(index).map(drop)))
            };
            let mut tiles = good.clone();
            tiles.0.get_mut(&tile).unwrap().pop();
            assert!(matches!(read_all(&tiles), Err(TileError::Length { tile: named, .. }) if named == tile));
            tiles.0.get_mut(&tile).unwrap().extend([0; 33]);
            assert!(matches!(read_all(&tiles), Err(TileError::Length { tile: named, .. }) if named == tile));
            tiles.0.remove(&tile);
            assert!(matches!(read_all(&tiles), Err(TileError::Missing { tile: named }) if named == tile));
        }
    }
}
