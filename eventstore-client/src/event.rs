//! Events as they are written and as they are read back.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use uuid::Uuid;

/// An event on its way into a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What makes a repeated append of the same event harmless.
    pub id: Uuid,
    pub event_type: String,
    pub content_type: ContentType,
    pub data: Bytes,
    /// The writer's own metadata; the server keeps it and does not look inside.
    pub metadata: Bytes,
}

impl NewEvent {
    /// An event whose data is JSON text; nobody checks that it is.
    pub fn json(event_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self::new(event_type, ContentType::Json, data)
    }

    pub fn binary(event_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self::new(event_type, ContentType::Binary, data)
    }

    fn new(event_type: impl Into<String>, content_type: ContentType, data: impl Into<Bytes>) -> Self {
        NewEvent { id: Uuid::new_v4(), event_type: event_type.into(), content_type, data: data.into(), metadata: Bytes::new() }
    }

    /// Gives the event an id derived from what caused it, so that a retry after a crash writes nothing new.
    pub fn with_id(self, id: Uuid) -> Self {
        NewEvent { id, ..self }
    }

    pub fn with_metadata(self, metadata: impl Into<Bytes>) -> Self {
        NewEvent { metadata: metadata.into(), ..self }
    }
}

/// The two kinds of data the server tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    Json,
    Binary,
}

/// An event as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    pub id: Uuid,
    pub stream: String,
    /// Its place in the stream, counted from 0.
    pub revision: u64,
    /// Its place in `$all`.
    pub position: Position,
    pub event_type: String,
    pub content_type: ContentType,
    /// When the server wrote it, to 100 ns.
    pub created: SystemTime,
    pub data: Bytes,
    pub metadata: Bytes,
}

/// An event that was read, with the link that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedEvent {
    /// The link's target where links are resolved and the target still exists; otherwise what is stored at this place.
    pub event: RecordedEvent,
    /// The link that was followed.
    pub link: Option<Box<RecordedEvent>>,
}

impl ResolvedEvent {
    /// What is stored at the place that was read: the link if there is one.
    ///
    /// Its revision and position are the ones to resume from.
    pub fn original(&self) -> &RecordedEvent {
        self.link.as_deref().unwrap_or(&self.event)
    }
}

/// A place in `$all`: offsets in the server's log, increasing but not dense.
///
/// Both halves are needed to resume; one alone has been known to skip events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub commit: u64,
    pub prepare: u64,
}

impl Position {
    pub fn new(commit: u64, prepare: u64) -> Self {
        Position { commit, prepare }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C:{}/P:{}", self.commit, self.prepare)
    }
}

/// What the writer believes about a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expected {
    /// Nothing: the append succeeds whatever is there. A repeat is recognised only while the server remembers it.
    Any,
    /// It has never been written, or was deleted.
    NoStream,
    /// It exists, at whatever revision.
    StreamExists,
    /// Its last event has this revision.
    Exact(u64),
}

impl Expected {
    /// Whether the server recognises the same events under the same expectation as a repeat, however late it comes.
    pub(crate) fn makes_repeats_harmless(self) -> bool {
        match self {
            Expected::NoStream | Expected::Exact(_) => true,
            Expected::Any | Expected::StreamExists => false,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Any => f.write_str("any revision"),
            Expected::NoStream => f.write_str("no stream"),
            Expected::StreamExists => f.write_str("an existing stream"),
            Expected::Exact(revision) => write!(f, "revision {revision}"),
        }
    }
}

/// Where a stream really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actual {
    NoStream,
    Revision(u64),
    /// The server did not say.
    Unknown,
}

impl fmt::Display for Actual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actual::NoStream => f.write_str("no stream"),
            Actual::Revision(revision) => write!(f, "revision {revision}"),
            Actual::Unknown => f.write_str("an unknown revision"),
        }
    }
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The stream's last revision; `None` if it is still empty because nothing was appended.
    pub revision: Option<u64>,
    /// The place of the last event; `None` if nothing was appended.
    pub position: Option<Position>,
}
