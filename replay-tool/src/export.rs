//! `replay-tool export`: the log in a file, going on where an interrupted or smaller one ends.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use daftar_domain::{Position, StreamName};
use daftar_proof::{
    AuthenticTiles, Checkpoint, Head, KeyName, Note, TileDirectory,
    archive::{ArchiveWriter, Digest, Event},
};
use daftar_store::{EventReader, Scope};
use futures::TryStreamExt;

use crate::source::archived;

/// What goes into the archive besides the events: checkpoints, and the hashes of leaves that they vouch for.
#[derive(Debug, Default)]
pub struct Seals {
    pub checkpoints: Vec<PathBuf>,
    pub tiles: Option<PathBuf>,
}

/// What was written.
#[derive(Debug)]
pub struct Exported {
    pub events: u64,
    /// How many of them the file had already.
    pub kept: u64,
    /// Bytes at the end of the file that were damaged, and were written anew.
    pub mended: u64,
    pub digest: Digest,
}

pub async fn export(store: &Arc<dyn EventReader>, path: &Path, origin: &KeyName, seals: &Seals) -> Result<Exported> {
    let mut export = Export::begin(path, origin, seals)?;
    if let Some(last) = &export.last {
        is_in(store, last).await.with_context(|| format!("`{}` is not the beginning of this log", path.display()))?;
    }
    let after = export.last.as_ref().map(|event| Position { commit: event.commit, prepare: event.prepare });
    let mut events = store.read_all(after, Scope::Everything);
    export.seal()?;
    while let Some(event) = events.try_next().await? {
        export.writer.event(&archived(&event))?;
        export.events += 1;
        export.seal()?;
    }
    export.finish()
}

/// Whether the log has the event as the archive has it: otherwise two histories would meet in one file.
async fn is_in(store: &Arc<dyn EventReader>, last: &Event) -> Result<()> {
    let stream: StreamName = last.stream.parse()?;
    let found = store.read(&stream, last.revision).try_next().await?;
    let found = found.as_ref().map(archived);
    ensure!(found.as_ref() == Some(last), "event {} of `{stream}` is not in the log as it is in the file", last.revision);
    Ok(())
}

struct Export {
    writer: ArchiveWriter<File>,
    last: Option<Event>,
    events: u64,
    leaves: u64,
    kept: u64,
    mended: u64,
    /// Not yet in the file, the smallest first.
    checkpoints: VecDeque<(Head, Note)>,
    tiles: Option<TileDirectory>,
}

impl Export {
    fn begin(path: &Path, origin: &KeyName, seals: &Seals) -> Result<Self> {
        let mut sealed = None;
        let mut export = if path.exists() {
            let (writer, resumed) = ArchiveWriter::resume(File::options().read(true).write(true).open(path)?, origin)?;
            let (events, leaves) = (resumed.events, resumed.leaves);
            sealed = resumed.checkpoint;
            let checkpoints = VecDeque::new();
            Self { writer, last: resumed.last, events, leaves, kept: events, mended: resumed.discarded, checkpoints, tiles: None }
        } else {
            let writer = ArchiveWriter::create(File::create_new(path)?, origin)?;
            Self { writer, last: None, events: 0, leaves: 0, kept: 0, mended: 0, checkpoints: VecDeque::new(), tiles: None }
        };
        let mut checkpoints = seals.checkpoints.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>>>()?;
        // Those that the file has, and those that come too late for it.
        checkpoints.retain(|(head, _)| Some(head.size) > sealed && head.size >= export.events);
        checkpoints.sort_by_key(|(head, _)| head.size);
        export.checkpoints = checkpoints.into();
        export.tiles = seals.tiles.clone().map(TileDirectory::new);
        Ok(export)
    }

    /// Puts in the checkpoints whose size has been reached.
    fn seal(&mut self) -> Result<()> {
        while let Some((head, note)) = self.checkpoints.pop_front_if(|(head, _)| head.size == self.events) {
            self.put(head, &note)?;
        }
        Ok(())
    }

    fn put(&mut self, head: Head, note: &Note) -> Result<()> {
        if let Some(tiles) = &self.tiles {
            let mut tiles = AuthenticTiles::open(tiles, head)?;
            let leaves = (self.leaves..head.size).map(|leaf| tiles.leaf(leaf)).collect::<Result<Vec<_>, _>>()?;
            self.writer.leaves(self.leaves, &leaves)?;
            self.leaves = head.size.max(self.leaves);
        }
        Ok(self.writer.checkpoint(note)?)
    }

    /// Checkpoints of more events than there are go in as well: they are what shows that the log was cut.
    fn finish(mut self) -> Result<Exported> {
        for (head, note) in std::mem::take(&mut self.checkpoints) {
            self.put(head, &note)?;
        }
        let (file, digest) = self.writer.finish()?;
        file.sync_all()?;
        Ok(Exported { events: self.events, kept: self.kept, mended: self.mended, digest })
    }
}

fn read_checkpoint(path: &Path) -> Result<(Head, Note)> {
    let read = || -> Result<_> {
        let bytes = fs::read(path)?;
        Ok((Checkpoint::unverified(&bytes)?.head(), Note::parse(&bytes)?))
    };
    read().with_context(|| format!("{} is no checkpoint", path.display()))
}
