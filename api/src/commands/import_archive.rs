//! `daftar import archive`: a log from its archive into an empty store, which then is the same log with the same proof.
//!
//! What the store has already must be the archive's beginning: so an import that was interrupted goes on, and none mixes two histories.

use std::{fs::File, io::BufReader, path::Path, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use daftar_domain::StreamName;
use daftar_proof::{
    Checkpoint, Frontier,
    archive::{self, ArchiveReader, Content, Event},
};
use daftar_store::{ContentType, Durability, EventWriter, Expected, NewEvent, Scope, StoredEvent};
use daftar_terminal::Display;
use futures::TryStreamExt;

use crate::{cli::ImportArchive, compose};

/// Events of one stream that are appended together, if they stand together.
const TOGETHER: usize = 1_000;

pub async fn run(ImportArchive { file, into, wait }: ImportArchive) -> Result<()> {
    let store = compose::open_store(&into, wait, Durability::Required).await?.writer();
    let display = Display::new();
    let imported = import(&file, &store, &display).await;
    display.end();
    let Imported { events, found, tree } = imported.with_context(|| format!("{} is not imported", file.display()))?;
    println!("events    {events}, of which {found} were there\nroot      {}", tree.root());
    Ok(())
}

#[derive(Debug, Default)]
struct Imported {
    events: u64,
    /// How many of them the store had.
    found: u64,
    tree: Frontier,
}

async fn import(file: &Path, store: &Arc<dyn EventWriter>, display: &Display) -> Result<Imported> {
    let length = std::fs::metadata(file)?.len().max(1);
    let mut archive = ArchiveReader::open(BufReader::new(File::open(file)?))?;
    let mut there = store.read_all(None, Scope::Everything);
    let mut still_there = true;
    let (mut imported, mut waiting) = (Imported::default(), Vec::new());
    while let Some(frame) = archive.next_frame()? {
        match frame.content()? {
            Content::Events { events, .. } => {
                for event in events {
                    imported.tree.push(event.leaf().hash());
                    imported.events += 1;
                    if still_there && let Some(found) = there.try_next().await? {
                        ensure!(
                            is_same(&found, &event),
                            "the store has event {} of `{}` where the archive has {} of `{}`: it is neither empty nor the archive's beginning",
                            found.revision,
                            found.stream,
                            event.revision,
                            event.stream
                        );
                        imported.found += 1;
                        continue;
                    }
                    still_there = false;
                    if waiting.last().is_some_and(|last: &Event| last.stream != event.stream || waiting.len() == TOGETHER) {
                        append(store, std::mem::take(&mut waiting)).await?;
                    }
                    waiting.push(event);
                }
            }
            Content::Checkpoint(note) => {
                // One that is ahead of the archive is for whoever verifies it.
                let head = Checkpoint::unverified(note.as_bytes())?.head();
                ensure!(
                    head.size != imported.tree.size() || head.root == imported.tree.root(),
                    "its first {} events are not those of its checkpoint",
                    head.size
                );
            }
            Content::Leaves { .. } => {}
        }
        display.now_and_then(|| format!("{}{} events", Display::bar(frame.place().offset * 100 / length), imported.events));
    }
    append(store, waiting).await?;
    if still_there && let Some(more) = there.try_next().await? {
        bail!("the store goes on after the archive, with event {} of `{}`", more.revision, more.stream);
    }
    Ok(imported)
}

fn is_same(found: &StoredEvent, event: &Event) -> bool {
    let StoredEvent { id, stream, revision, event_type, data, metadata, .. } = found;
    (id, stream, revision, event_type, data, metadata)
        == (&event.id, &event.stream, &event.revision, &event.event_type, &event.data, &event.metadata)
}

async fn append(store: &Arc<dyn EventWriter>, events: Vec<Event>) -> Result<()> {
    let Some(first) = events.first() else { return Ok(()) };
    let (stream, expected): (StreamName, _) = (first.stream.parse()?, Expected::last(first.revision.checked_sub(1)));
    let events = events.into_iter().map(|event| NewEvent {
        id: event.id,
        event_type: event.event_type,
        content_type: match event.content_type {
            archive::ContentType::Json => ContentType::Json,
            archive::ContentType::Binary => ContentType::Binary,
        },
        data: event.data,
        metadata: event.metadata,
    });
    store.append(&stream, expected, events.collect()).await?;
    Ok(())
}
