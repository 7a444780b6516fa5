//! `replay-tool verify`: gathers what was promised, goes through the log once, and says what is not so.

use std::{fs, path::PathBuf, thread};

use anyhow::{Context, Result};
use daftar_proof::{AuthenticTiles, Checkpoint, Head, TileDirectory, TileWriter, VerifyingKey};
use daftar_store::Scope;
use daftar_terminal::Display;
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    audit::{Audit, Finding, OddTimes, Promise, Report},
    examine::Examined,
    source::{Brought, Page, Source, SourceError},
};

/// What an auditor brings along.
#[derive(Debug, Default)]
pub struct Trust {
    pub checkpoints: Vec<PathBuf>,
    pub keys: Vec<VerifyingKey>,
    pub tiles: Option<PathBuf>,
}

/// Goes through the log on all cores: what can be known of events alone in any order, what they are to one another in theirs.
pub async fn verify(source: &Source, trust: &Trust, display: &Display) -> Result<Report> {
    let (promises, unbelievable) = gather(source, trust).await?;
    let unpacked = tempfile::tempdir()?;
    let tiles = match &trust.tiles {
        Some(folder) => locating(&promises).map(|head| AuthenticTiles::open(TileDirectory::new(folder), head)).transpose()?,
        None => unpack_tiles(source, &promises, TileDirectory::new(unpacked.path())).await?,
    };
    let cores = thread::available_parallelism()?.get();
    let size = promises.iter().map(|promise| promise.head.size).max();
    let mut audit = Audit::new(promises, tiles, cores)?;
    let mut pages = source.pages().map(|page| spawn_blocking(|| examine(page?))).buffered(cores + 1);
    while let Some(page) = pages.try_next().await? {
        let (events, done) = page?;
        audit.page(events).await?;
        let events = audit.events();
        let done = done.or_else(|| size.filter(|size| *size > 0).map(|size| events as f64 / size as f64));
        display.now_and_then(|| {
            let bar = done.map_or_else(String::new, |done| Display::bar((done * 100.0) as u64));
            format!("{bar}{events} events, {:.0} a second", events as f64 / display.seconds().max(0.001))
        });
    }
    display.end();
    let mut report = audit.finish().await?;
    report.findings.splice(..0, unbelievable);
    Ok(report)
}

fn examine((page, done): (Page, Option<f64>)) -> Result<(Vec<Examined>, Option<f64>), SourceError> {
    let billing = Scope::billing();
    Ok((page.unpack()?.into_iter().map(|event| Examined::of(event, &billing)).collect(), done))
}

/// The checkpoints that can be believed, and those that cannot.
async fn gather(source: &Source, trust: &Trust) -> Result<(Vec<Promise>, Vec<Finding>)> {
    let (mut promises, mut unbelievable) = (Vec::new(), Vec::new());
    let mut take = |found_in: String, bytes: &[u8], is_outside| match Checkpoint::open(bytes, &trust.keys) {
        Ok(opened) => promises.push(Promise { found_in, head: opened.checkpoint.head(), is_outside }),
        Err(reason) => unbelievable.push(Finding::Unbelievable { found_in, reason }),
    };
    for path in &trust.checkpoints {
        let name = path.display().to_string();
        let bytes = fs::read(path).with_context(|| format!("{name} cannot be read"))?;
        take(name, &bytes, true);
    }
    // Without a key an archive's own checkpoints say nothing.
    if !trust.keys.is_empty() {
        let mut brought = source.brought();
        while let Some(item) = brought.try_next().await? {
            if let Brought::Checkpoint(note) = item {
                take("a checkpoint of the archive".to_owned(), note.as_bytes(), false);
            }
        }
    }
    Ok((promises, unbelievable))
}

/// The head by which the wrong event is looked for: the largest, of an outside checkpoint if there is one.
fn locating(promises: &[Promise]) -> Option<Head> {
    promises.iter().max_by_key(|promise| (promise.is_outside, promise.head.size)).map(|promise| promise.head)
}

/// Makes tiles of the leaves' hashes that an archive brings along, as far as a checkpoint vouches for them.
async fn unpack_tiles(source: &Source, promises: &[Promise], folder: TileDirectory) -> Result<Option<AuthenticTiles<TileDirectory>>> {
    let Some(head) = locating(promises) else {
        return Ok(None);
    };
    let mut tiles = TileWriter::default();
    let mut brought = source.brought();
    while let Some(item) = brought.try_next().await? {
        if let Brought::Leaves(leaves) = item {
            let missing = head.size - tiles.head().size;
            leaves.into_iter().zip(0..missing).for_each(|(leaf, _)| tiles.push(leaf));
            tiles.take_tiles().iter().try_for_each(|tile| folder.write(tile))?;
        }
    }
    // Hashes that are not those of the checkpoint cannot locate anything.
    if tiles.head() == head { Ok(Some(AuthenticTiles::open(folder, head)?)) } else { Ok(None) }
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many events after the last outside checkpoint nobody vouches for.
    pub fn unproven(&self) -> u64 {
        self.head.size - self.proven
    }

    pub fn to_json(&self) -> Value {
        let findings: Vec<_> = self.findings.iter().map(Finding::to_string).collect();
        let odd_times = self.odd_times.as_ref().map(|OddTimes { events, first: (leaf, stream, revision) }| {
            json!({ "events": events, "first": { "leaf": leaf, "stream": stream, "revision": revision } })
        });
        json!({
            "events": self.head.size, "root": self.head.root, "streams": self.streams,
            "proven": self.proven, "unproven": self.unproven(), "odd_times": odd_times, "findings": findings,
        })
    }

    pub fn to_text(&self) -> String {
        let mut text = format!("events    {}\nstreams   {}\nroot      {}\n", self.head.size, self.streams, self.head.root);
        text += &format!("proven    {} by outside checkpoints\nunproven  {} after them\n", self.proven, self.unproven());
        if let Some(OddTimes { events, first: (leaf, stream, revision) }) = &self.odd_times {
            text += &format!(
                "odd       the store took {events} events at another time than was recorded, first leaf {leaf}: event {revision} of `{stream}`\n"
            );
        }
        for finding in &self.findings {
            text += &format!("WRONG     {finding}\n");
        }
        text + if self.is_good() { "The log is what it was.\n" } else { "The log is not what it was.\n" }
    }
}
