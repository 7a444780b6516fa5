//! Tiles as the tree grows.

use std::{io, mem};

use thiserror::Error;

use crate::{
    Frontier, Hash, Head,
    tiles::{AuthenticTiles, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, TileSource, hashes_at},
};

/// A growing tree that hands out its tiles: at most one unfinished tile for each level is remembered.
#[derive(Clone, Debug, Default)]
pub struct TileWriter {
    frontier: Frontier,
    /// By level, the hashes since the last full tile.
    edge: Vec<Vec<Hash>>,
    full: Vec<WrittenTile>,
}

/// A tile and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenTile {
    pub tile: Tile,
    pub hashes: Vec<Hash>,
}

impl WrittenTile {
    pub fn bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

#[derive(Debug, Error)]
pub enum ResumeError {
    #[error("the tiles of the tree to go on from do not hold")]
    Tiles(#[from] TileError),
}

impl TileWriter {
    /// Goes on from a tree whose tiles were all stored.
    pub fn resume(tiles: impl TileSource, head: Head) -> Result<Self, ResumeError> {
        let (frontier, edge) = AuthenticTiles::open(tiles, head)?.into_edge();
        Ok(Self { frontier, edge, full: Vec::new() })
    }

    pub fn push(&mut self, leaf: Hash) {
        let Self { frontier, edge, full } = self;
        let size = frontier.size() + 1;
        frontier.push_seeing(leaf, |level, hash| {
            if level % TILE_HEIGHT != 0 {
                return;
            }
            let level = (level / TILE_HEIGHT) as u8;
            if edge.len() <= usize::from(level) {
                edge.push(Vec::with_capacity(TILE_WIDTH));
            }
            let hashes = &mut edge[usize::from(level)];
            hashes.push(hash);
            if let Some(tile) = Tile::in_tree(size, level, (hashes_at(size, level) - 1) / TILE_WIDTH as u64).filter(|tile| tile.is_full()) {
                full.push(WrittenTile { tile, hashes: mem::replace(hashes, Vec::with_capacity(TILE_WIDTH)) });
            }
        });
    }

    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    pub fn head(&self) -> Head {
        Head { size: self.frontier.size(), root: self.frontier.root() }
    }

    /// The tiles to store before a checkpoint of this size is signed: those that have become full since the last call, and the partial ones.
    pub fn take_tiles(&mut self) -> Vec<WrittenTile> {
        let mut tiles = mem::take(&mut self.full);
        tiles.extend(
            Tile::edge(self.frontier.size()).map(|tile| WrittenTile { tile, hashes: self.edge[usize::from(tile.level())].clone() }),
        );
        tiles
    }
}

impl From<io::Error> for ResumeError {
    fn from(error: io::Error) -> Self {
        Self::Tiles(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tiles::TileMap, tree::naive};

    /// Straight from the specification: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]).
    fn expected(leaves: &[Hash], tile: Tile) -> Vec<Hash> {
        let span = 256usize.pow(u32::from(tile.level()));
        (0..tile.width()).map(|i| (tile.index() as usize * 256 + i) * span).map(|start| naive::root(&leaves[start..start + span])).collect()
    }

    #[test]
    fn tiles_hold_the_hashes_of_the_specification() {
        let leaves = naive::leaves(70_000);
        let mut writer = TileWriter::default();
        leaves.iter().for_each(|leaf| writer.push(*leaf));
        let tiles = writer.take_tiles();
        assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
        for written in &tiles {
            assert_eq!(written.hashes, expected(&leaves, written.tile), "{}", written.tile);
        }
        assert_eq!(writer.take_tiles().len(), 3, "full tiles are handed out once, partial ones each time");
    }

    #[test]
    fn a_writer_goes_on_where_another_stopped_at_every_size() {
        let leaves = naive::leaves(520);
        let (mut tiles, mut straight) = (TileMap::default(), TileWriter::default());
        for (size, leaf) in leaves.iter().enumerate() {
            let mut resumed = TileWriter::resume(&tiles, straight.head()).unwrap();
            assert_eq!(resumed.frontier(), straight.frontier());
            straight.push(*leaf);
            resumed.push(*leaf);
            let written = straight.take_tiles();
            assert_eq!(resumed.take_tiles(), written, "{size}");
            written.iter().for_each(|tile| tiles.write(tile));
        }
    }

    #[test]
    fn a_writer_does_not_go_on_from_another_tree() {
        let (mut tiles, mut writer) = (TileMap::default(), TileWriter::default());
        naive::leaves(300).into_iter().for_each(|leaf| writer.push(leaf));
        writer.take_tiles().iter().for_each(|tile| tiles.write(tile));
        let other = Head { root: Hash::of_nothing(), ..writer.head() };
        assert!(matches!(TileWriter::resume(&tiles, other), Err(ResumeError::Tiles(TileError::OtherRoot { size: 300 }))));
        let missing = TileWriter::resume(TileMap::default(), writer.head());
        assert!(matches!(missing, Err(ResumeError::Tiles(TileError::Missing { tile })) if tile.to_string() == "tile/0/001.p/44"));
    }
}
