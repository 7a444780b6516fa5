//! Tiles and checkpoint in a folder, as any static file server would serve them and any backup would take them away.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use daftar_proof::{Checkpoint, Head, Note, TILE_WIDTH, Tile, TileDirectory, WrittenTile};
use sqlx::PgConnection;
use thiserror::Error;

use crate::tables::tiles_from;

/// Tiles in memory at a time.
const AT_ONCE: i64 = 256;

#[derive(Debug, Error)]
pub(crate) enum FolderError {
    #[error("`{}` cannot be written", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the tiles cannot be read")]
    Database(#[from] sqlx::Error),
}

/// Brings a folder up to the checkpoint, from wherever the folder's own checkpoint is: one that was away catches up, a new one gets all.
pub(crate) async fn bring_up(db: &mut PgConnection, folder: &Path, head: Head, note: &Note) -> Result<(), FolderError> {
    let io = |source| FolderError::Io { path: folder.to_owned(), source };
    let published = folder.join("checkpoint");
    let from = fs::read(&published).ok().and_then(|bytes| Checkpoint::unverified(&bytes).ok()).map_or(0, |checkpoint| checkpoint.size());
    let tiles = TileDirectory::new(folder);
    for level in 0.. {
        let width = |size: u64| size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        if width(head.size) == 0 {
            break;
        }
        let mut place = width(from) / TILE_WIDTH as u64;
        loop {
            let found = tiles_from(&mut *db, level, place, AT_ONCE).await?;
            let Some((last, _)) = found.last() else { break };
            place = last + 1;
            for (place, mut hashes) in found {
                let Some(tile) = Tile::in_tree(head.size, level, place) else { continue };
                hashes.truncate(tile.width());
                tiles.write(&WrittenTile { tile, hashes }).map_err(io)?;
                if tile.is_full() {
                    // The narrower ones are its beginning.
                    let narrower = folder.join(format!("{tile}.p"));
                    fs::remove_dir_all(narrower)
                        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
                        .map_err(io)?;
                }
            }
        }
    }
    let unfinished = folder.join("checkpoint.unfinished");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&unfinished, note.to_string()))
        .and_then(|()| fs::rename(&unfinished, &published))
        .map_err(io)
}
