//! `replay-tool verify`: gathers what was promised, goes through the log once, and says what is not so.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use daftar_proof::{AuthenticTiles, Checkpoint, Head, TileDirectory, TileWriter, VerifyingKey};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::{
    audit::{Audit, Finding, Promise, Report},
    source::{Brought, Source},
};

/// What an auditor brings along.
#[derive(Debug, Default)]
pub struct Trust {
    pub checkpoints: Vec<PathBuf>,
    pub keys: Vec<VerifyingKey>,
    pub tiles: Option<PathBuf>,
}

pub async fn verify(source: &Source, trust: &Trust) -> Result<Report> {
    let (promises, unbelievable) = gather(source, trust).await?;
    let unpacked = tempfile::tempdir()?;
    let tiles = match &trust.tiles {
        Some(folder) => locating(&promises).map(|head| AuthenticTiles::open(TileDirectory::new(folder), head)).transpose()?,
        None => unpack_tiles(source, &promises, TileDirectory::new(unpacked.path())).await?,
    };
    let mut audit = Audit::new(promises, tiles);
    let mut events = source.events();
    while let Some(event) = events.try_next().await? {
        audit.event(&event)?;
    }
    let mut report = audit.finish()?;
    report.findings.splice(..0, unbelievable);
    Ok(report)
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
        json!({
            "events": self.head.size, "root": self.head.root, "streams": self.streams,
            "proven": self.proven, "unproven": self.unproven(), "findings": findings,
        })
    }

    pub fn to_text(&self) -> String {
        let mut text = format!("events    {}\nstreams   {}\nroot      {}\n", self.head.size, self.streams, self.head.root);
        text += &format!("proven    {} by outside checkpoints\nunproven  {} after them\n", self.proven, self.unproven());
        for finding in &self.findings {
            text += &format!("WRONG     {finding}\n");
        }
        text + if self.is_good() { "The log is what it was.\n" } else { "The log is not what it was.\n" }
    }
}
