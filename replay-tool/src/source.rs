//! Where the log is read from: a store that can only be read, or an archive.

use std::{fs::File, io::BufReader, path::PathBuf, sync::Arc};

use chrono::DateTime;
use daftar_domain::{BillingEvent, Position, Recorded};
use daftar_proof::{
    Hash,
    archive::{self, ArchiveError, ArchiveReader, Content, Frame},
};
use daftar_store::{ContentType, EventReader, OpenError, Scope, StoreError, StoredEvent, Unreadable};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use thiserror::Error;

/// Events of a store that are examined together.
const PAGE: usize = 1_000;

#[derive(Clone)]
pub enum Source {
    Store(Arc<dyn EventReader>),
    Archive(PathBuf),
}

#[derive(Debug, Error)]
pub enum SourceError {
    #[error("the log cannot be opened")]
    Open(#[from] OpenError),
    #[error("the log cannot be read")]
    Store(#[from] StoreError),
    #[error("`{path}` cannot be opened")]
    File { path: PathBuf, source: std::io::Error },
    #[error("the archive cannot be read")]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("event {revision} of `{stream}` was created at no time there is")]
    CreatedAt { stream: String, revision: u64 },
}

impl Source {
    /// `postgres://…`, `esdb://…`, or the path of an archive, which ends in `.daftar`.
    pub async fn open(name: &str) -> Result<Self, SourceError> {
        if name.ends_with(".daftar") {
            return Ok(Self::Archive(name.into()));
        }
        let store = daftar_store::open(name).await?;
        Ok(Self::Store(store))
    }

    /// The leaves of the log in their order.
    pub fn events(&self) -> BoxStream<'static, Result<StoredEvent, SourceError>> {
        match self {
            Self::Store(store) => store.read_all(None, Scope::Everything).map_err(SourceError::from).boxed(),
            Self::Archive(path) => {
                let events = contents(path.clone()).map_ok(|content| match content {
                    Content::Events { events, .. } => stream::iter(events.into_iter().map(stored)).left_stream(),
                    Content::Leaves { .. } | Content::Checkpoint(_) => stream::empty().right_stream(),
                });
                events.try_flatten().boxed()
            }
        }
    }

    /// What the books are made of, in their order. It ends at a fact that cannot be read.
    pub fn facts(&self) -> BoxStream<'static, Result<Recorded<BillingEvent>, SourceError>> {
        let billing = Scope::billing();
        let fact = move |event: StoredEvent| Ok(billing.covers(&event.stream).then(|| event.decode_billing()).transpose()?);
        let events = match self {
            Self::Store(store) => store.read_all(None, Scope::billing()).map_err(SourceError::from).boxed(),
            Self::Archive(_) => self.events(),
        };
        events.try_filter_map(move |event| std::future::ready(fact(event))).boxed()
    }

    /// The same in pages, packed, each with how much of the source lies before it if that is known: unpacking can be somebody else's work.
    pub fn pages(&self) -> BoxStream<'static, Result<(Page, Option<f64>), SourceError>> {
        match self {
            Self::Store(store) => {
                let events = store.read_all(None, Scope::Everything).try_chunks(PAGE);
                events.map(|events| Ok((Page::Events(events.map_err(|failed| failed.1)?), None))).boxed()
            }
            Self::Archive(path) => {
                let length = std::fs::metadata(path).map_or(0, |file| file.len()).max(1) as f64;
                frames(path.clone())
                    .map_ok(move |frame| {
                        let done = frame.place().offset as f64 / length;
                        (Page::Frame(frame), Some(done))
                    })
                    .boxed()
            }
        }
    }

    /// What an archive brings along to be checked by: checkpoints, and the leaves' hashes as they were sealed.
    pub fn brought(&self) -> BoxStream<'static, Result<Brought, SourceError>> {
        match self {
            Self::Store(_) => stream::empty().boxed(),
            Self::Archive(path) => contents(path.clone())
                .try_filter_map(async |content| {
                    Ok(match content {
                        Content::Events { .. } => None,
                        Content::Leaves { hashes, .. } => Some(Brought::Leaves(hashes)),
                        Content::Checkpoint(note) => Some(Brought::Checkpoint(note)),
                    })
                })
                .boxed(),
        }
    }
}

/// Events in the log's order.
pub enum Page {
    Events(Vec<StoredEvent>),
    Frame(Frame),
}

impl Page {
    pub fn unpack(self) -> Result<Vec<StoredEvent>, SourceError> {
        match self {
            Self::Events(events) => Ok(events),
            Self::Frame(frame) => match frame.content()? {
                Content::Events { events, .. } => events.into_iter().map(stored).collect(),
                Content::Leaves { .. } | Content::Checkpoint(_) => Ok(Vec::new()),
            },
        }
    }
}

pub enum Brought {
    Leaves(Vec<Hash>),
    Checkpoint(String),
}

fn contents(path: PathBuf) -> BoxStream<'static, Result<Content, SourceError>> {
    frames(path).and_then(async |frame| Ok(frame.content()?)).boxed()
}

/// The archive's frames, one in memory at a time.
fn frames(path: PathBuf) -> BoxStream<'static, Result<Frame, SourceError>> {
    let frames =
        |reader| stream::try_unfold(reader, async |mut reader: ArchiveReader<_>| Ok(reader.next_frame()?.map(|frame| (frame, reader))));
    stream::once(async { open_archive(path) }).map_ok(frames).try_flatten().boxed()
}

fn open_archive(path: PathBuf) -> Result<ArchiveReader<BufReader<File>>, SourceError> {
    let file = File::open(&path).map_err(|source| SourceError::File { path, source })?;
    Ok(ArchiveReader::open(BufReader::new(file))?)
}

fn stored(event: archive::Event) -> Result<StoredEvent, SourceError> {
    let archive::Event { stream, revision, id, event_type, content_type, commit, prepare, created_at, data, metadata } = event;
    let Some(created_at) = DateTime::from_timestamp(created_at.seconds, created_at.nanos) else {
        return Err(SourceError::CreatedAt { stream, revision });
    };
    let content_type = match content_type {
        archive::ContentType::Json => ContentType::Json,
        archive::ContentType::Binary => ContentType::Binary,
    };
    Ok(StoredEvent { id, stream, revision, position: Position { commit, prepare }, event_type, content_type, created_at, data, metadata })
}

/// The event as an archive keeps it.
pub fn archived(event: &StoredEvent) -> archive::Event {
    archive::Event {
        stream: event.stream.clone(),
        revision: event.revision,
        id: event.id,
        event_type: event.event_type.clone(),
        content_type: match event.content_type {
            ContentType::Json => archive::ContentType::Json,
            ContentType::Binary => archive::ContentType::Binary,
        },
        commit: event.position.commit,
        prepare: event.position.prepare,
        created_at: archive::CreatedAt { seconds: event.created_at.timestamp(), nanos: event.created_at.timestamp_subsec_nanos() },
        data: event.data.clone(),
        metadata: event.metadata.clone(),
    }
}
