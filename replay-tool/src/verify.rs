//! `replay-tool verify`: gathers what was promised, goes through the log once, and says what is not so.

use std::{fs, path::PathBuf, sync::Arc, thread};

use anyhow::{Context, Result, ensure};
use daftar_proof::{AuthenticTiles, Checkpoint, Frontier, Head, TileDirectory, TileWriter, VerifyingKey};
use daftar_store::Scope;
use daftar_terminal::Display;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    audit::{Audit, Finding, OddTimes, Promise, Report},
    examine::Examined,
    source::{Brought, Page, Source, SourceError},
    streams::{Outcome, Part, Streams},
    tiles::{self, Tiles},
    traces::Traces,
};

/// What an auditor brings along.
#[derive(Debug, Default)]
pub struct Trust {
    pub checkpoints: Vec<PathBuf>,
    pub keys: Vec<VerifyingKey>,
    pub tiles: Option<Tiles>,
}

/// Goes through the log on all cores: what can be known of events alone in any order, what they are to one another in theirs. What has to be
/// remembered of streams takes about so many bytes; the log is gone through again where that is too little.
pub async fn verify(source: &Source, trust: &Trust, memory: usize, display: &Display) -> Result<Report> {
    let (promises, unbelievable) = gather(source, trust).await?;
    let unpacked = tempfile::tempdir()?;
    let tiles = bring_tiles(source, trust, &promises, TileDirectory::new(unpacked.path())).await?;
    let cores = thread::available_parallelism()?.get();
    let size = promises.iter().map(|promise| promise.head.size).max();
    let mut audit = Audit::new(promises, tiles);
    let mut part = Part::all();
    let mut streams = Streams::begin(part.clone(), cores, memory, vec![])?;
    let mut pages = examined(source, part, cores);
    while let Some((events, done)) = pages.try_next().await? {
        audit.page(&events)?;
        streams.page(events).await;
        let events = audit.head().size;
        let done = done.or_else(|| size.filter(|size| *size > 0).map(|size| events as f64 / size as f64));
        display.now_and_then(|| {
            let bar = done.map_or_else(String::new, |done| Display::bar((done * 100.0) as u64));
            format!("{bar}{events} events, {:.0} a second", events as f64 / display.seconds().max(0.001))
        });
    }
    let head = audit.head();
    let mut outcome = streams.finish()?;
    loop {
        part = std::mem::replace(&mut outcome.aside, Part::none());
        if part.is_empty() {
            break;
        }
        display.now_and_then(|| format!("once more, for {part} of the streams"));
        let traced = std::mem::take(&mut outcome.traces);
        outcome = outcome.and(once_more(source, head, part, (cores, memory), traced).await?);
    }
    display.end();
    let mut report = audit.finish(outcome, cores)?;
    report.findings.splice(..0, unbelievable);
    Ok(report)
}

type Pages = BoxStream<'static, Result<(Vec<Examined>, Option<f64>)>>;

/// The log's events, those of the part with what they say; each page with how much of the log lies before it.
fn examined(source: &Source, part: Part, cores: usize) -> Pages {
    let (billing, part) = (Arc::new(Scope::billing()), Arc::new(part));
    let examine = move |page: Result<(Page, Option<f64>), SourceError>| {
        let (billing, part) = (Arc::clone(&billing), Arc::clone(&part));
        spawn_blocking(move || {
            let (page, done) = page?;
            Ok((page.unpack()?.into_iter().map(|event| Examined::of(event, &billing, &part)).collect(), done))
        })
    };
    source.pages().map(examine).buffered(cores + 1).map(|page| page?).boxed()
}

/// Goes through the same events again, for streams that had to be put aside.
async fn once_more(source: &Source, head: Head, part: Part, (cores, memory): (usize, usize), traced: Vec<Traces>) -> Result<Outcome> {
    let mut streams = Streams::begin(part.clone(), cores, memory, traced)?;
    let mut pages = examined(source, part, cores);
    let mut tree = Frontier::default();
    while tree.size() < head.size
        && let Some((mut events, _)) = pages.try_next().await?
    {
        events.truncate(usize::try_from(head.size - tree.size()).unwrap_or(usize::MAX));
        events.iter().for_each(|event| tree.push(event.hash));
        streams.page(events).await;
    }
    ensure!(tree.size() == head.size && tree.root() == head.root, "the log is not what it was when it was read before");
    Ok(streams.finish()?)
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

/// The tiles by which the wrong event is looked for, if there are any; those that are not in a folder yet come into this one.
async fn bring_tiles(
    source: &Source,
    trust: &Trust,
    promises: &[Promise],
    folder: TileDirectory,
) -> Result<Option<AuthenticTiles<TileDirectory>>> {
    let Some(head) = locating(promises) else {
        return Ok(None);
    };
    let folder = match &trust.tiles {
        None => return unpack_tiles(source, head, folder).await,
        Some(Tiles::Folder(path)) => TileDirectory::new(path),
        Some(Tiles::Served(from)) => {
            tiles::fetch(from, head, &folder).await?;
            folder
        }
    };
    Ok(Some(AuthenticTiles::open(folder, head)?))
}

/// Makes tiles of the leaves' hashes that an archive brings along, as far as a checkpoint vouches for them.
async fn unpack_tiles(source: &Source, head: Head, folder: TileDirectory) -> Result<Option<AuthenticTiles<TileDirectory>>> {
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
