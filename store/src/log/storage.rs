use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::Direction;
use crate::{NewEvent, StoreError, StoredEvent};

/// What a log stands on: rows in one gap-free order, added only where the writer saw the end of the stream. No rule of EventStoreDB lives here.
#[async_trait]
pub trait Storage: Send + Sync {
    /// For messages; never with a password.
    fn name(&self) -> &str;

    /// Where a stream stands now.
    async fn stand(&self, stream: &str) -> Result<Stand, StoreError>;

    /// Adds the rows in one durable step if the guard holds, and says the position of the first; otherwise where the stream stands instead.
    ///
    /// Rows get consecutive positions, each one more than the greatest before. No reader ever sees a position before all smaller ones.
    async fn append(&self, write: Write) -> Result<Result<u64, Stand>, StoreError>;

    /// Up to `max` events of a stream from `revision` on, in the direction.
    async fn read_stream(&self, stream: &str, revision: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// Up to `max` events of the log from `position` on (which is included), in the direction.
    async fn read_all(&self, position: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// The greatest position, kept fresh across processes.
    fn head(&self) -> watch::Receiver<u64>;
}

/// Where a stream and its metadata stream (`$$` before the name) end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    /// Of the last event; none if there is no event.
    pub revision: Option<u64>,
    /// The newest metadata, with its revision.
    pub metadata: Option<(u64, Bytes)>,
}

/// What must still hold when the rows are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub stream: String,
    pub revision: Option<u64>,
    pub metadata_revision: Option<u64>,
}

/// One row to be: its stream is the guarded one, or the metadata stream of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub stream: String,
    pub revision: u64,
    pub event: NewEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub guard: Guard,
    pub rows: Vec<Row>,
}

impl fmt::Debug for dyn Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
