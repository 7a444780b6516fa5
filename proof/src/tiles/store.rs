//! Where tiles are kept: a folder that can be copied and served as it is, or memory.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use crate::tiles::{Tile, WrittenTile};

pub trait TileSource {
    /// The tile's bytes, if it is there. They are believed only once a checkpoint vouches for them.
    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>>;
}

impl<S: TileSource + ?Sized> TileSource for &S {
    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        (**self).read(tile)
    }
}

/// Tiles under a folder, at their paths.
#[derive(Clone, Debug)]
pub struct TileDirectory {
    root: PathBuf,
}

impl TileDirectory {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes the tile so that a reader, or a crash, finds all of it or none.
    pub fn write(&self, written: &WrittenTile) -> io::Result<()> {
        let path = self.root.join(written.tile.to_string());
        let folder = path.parent().ok_or(io::ErrorKind::InvalidFilename)?;
        fs::create_dir_all(folder)?;
        let unfinished = path.with_added_extension("unfinished");
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(&written.bytes())?;
        file.sync_data()?;
        fs::rename(&unfinished, &path)
    }
}

impl TileSource for TileDirectory {
    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.root.join(tile.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Tiles in memory.
#[derive(Clone, Debug, Default)]
pub struct TileMap(pub BTreeMap<Tile, Vec<u8>>);

impl TileMap {
    pub fn write(&mut self, written: &WrittenTile) {
        self.0.insert(written.tile, written.bytes());
    }
}

impl TileSource for TileMap {
    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(&tile).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TileWriter, tree::naive};

    #[test]
    fn a_folder_holds_the_tiles_at_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let directory = TileDirectory::new(folder.path());
        let mut writer = TileWriter::default();
        naive::leaves(300).into_iter().for_each(|leaf| writer.push(leaf));
        let tiles = writer.take_tiles();
        for tile in &tiles {
            assert_eq!(directory.read(tile.tile).unwrap(), None);
            directory.write(tile).unwrap();
            directory.write(tile).unwrap();
            assert_eq!(directory.read(tile.tile).unwrap(), Some(tile.bytes()));
        }
        for (path, bytes) in [("tile/0/000", 8192), ("tile/0/001.p/44", 44 * 32), ("tile/1/000.p/1", 32)] {
            assert_eq!(fs::metadata(folder.path().join(path)).unwrap().len(), bytes);
        }
        assert_eq!(fs::read_dir(folder.path().join("tile/0")).unwrap().count(), 2, "nothing unfinished is left");
    }
}
