//! The port: what the engine asks of an event store, and what every implementation promises.

use std::fmt;

use async_trait::async_trait;
use daftar_domain::{Position, StreamName};
use futures::stream::BoxStream;
use thiserror::Error;

use crate::{NewEvent, StoredEvent};

pub type EventStream = BoxStream<'static, Result<StoredEvent, StoreError>>;
pub type FollowStream = BoxStream<'static, Result<Followed, StoreError>>;

/// Whoever replays: auditors, projectors, folds. Holding only this is how `replay-tool` cannot write.
pub trait EventReader: Send + Sync + 'static {
    /// A stream's events from `revision` on, in order. A stream that does not exist has none.
    fn read(&self, stream: &StreamName, revision: u64) -> EventStream;

    /// Every event of the scope after `after`, in the one order that all readers see, up to now.
    fn read_all(&self, after: Option<Position>, scope: Scope) -> EventStream;

    /// As [`read_all`](Self::read_all), and then on with what comes, for ever.
    ///
    /// A connection that breaks is taken up again after the last event, with none missed and none doubled; an `Err` is final.
    fn subscribe(&self, after: Option<Position>, scope: Scope) -> FollowStream;
}

/// Who may add to the log.
#[async_trait]
pub trait EventWriter: EventReader {
    /// Appends all the events or none of them, if the stream stands where the decision saw it.
    ///
    /// Appending again what was appended at this place is a success that changes nothing: same ids after the expected revision. The ids
    /// are looked for nowhere else, because EventStoreDB does not either: the same ids at the stream's end are new events.
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, AppendError>;
}

/// Where a decision saw the end of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    NoStream,
    Revision(u64),
}

impl Expected {
    pub fn last(revision: Option<u64>) -> Self {
        revision.map_or(Self::NoStream, Self::Revision)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream => f.write_str("no stream"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
        }
    }
}

/// Which events of the log a reader wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The streams of these categories.
    Categories(Vec<String>),
    /// Every stream but the store's own, whose names begin with `$`: what a proof of the log covers.
    Everything,
}

impl Scope {
    /// All that the books are made of.
    pub fn billing() -> Self {
        Self::categories(daftar_domain::CATEGORIES)
    }

    pub fn categories(categories: &[&str]) -> Self {
        Self::Categories(categories.iter().map(|category| (*category).to_owned()).collect())
    }

    pub fn covers(&self, stream: &str) -> bool {
        match self {
            Self::Everything => !stream.starts_with('$'),
            Self::Categories(categories) => stream.split_once('-').is_some_and(|(category, _)| categories.iter().any(|c| c == category)),
        }
    }
}

/// What a subscription says.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    Event(StoredEvent),
    /// Everything up to here has been delivered or lies outside the scope: a safe place to resume from.
    Checkpoint(Position),
    /// From here on events arrive as they are written. Said once.
    CaughtUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of the last event.
    pub revision: u64,
    pub position: Position,
}

#[derive(Debug, Error)]
pub enum AppendError {
    #[error("`{stream}` was expected at {expected} but is at {}", Expected::last(*actual))]
    WrongExpected { stream: String, expected: Expected, actual: Option<u64> },
    #[error("nothing to append to `{stream}`")]
    NoEvents { stream: String },
    #[error("an append of {size} bytes to `{stream}` is over the limit of {limit}")]
    TooLarge { stream: String, size: usize, limit: usize },
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the store itself. `store` says which one, without its password.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("{store} cannot be reached")]
    Unavailable { store: String, source: Source },
    #[error("{store} did not answer in time")]
    DeadlineExceeded { store: String },
    #[error("{store} denied access")]
    AccessDenied { store: String },
    #[error("`{stream}` was deleted for ever")]
    StreamDeleted { stream: String },
    #[error("{store} failed")]
    Failed { store: String, source: Source },
}
