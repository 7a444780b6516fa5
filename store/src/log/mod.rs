//! A log that follows EventStoreDB's rules: what an expected state means, which events a reader sees, what deleting does.
//!
//! The rules stand here once. Memory and Postgres only store ([`Storage`]), so neither can be kinder than the other.

mod follow;
mod read;
pub mod rules;
mod storage;
mod write;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use daftar_domain::{Position, StreamName};
use futures::{StreamExt, TryStreamExt};
use thiserror::Error;

pub use follow::LogPage;
pub use read::{Direction, PAGE, StreamRead};
pub use rules::ExpectedState;
pub use storage::{Guard, Row, Stand, Storage, Write};
pub use write::Written;

use crate::{AppendError, Appended, EventReader, EventStream, EventWriter, Expected, FollowStream, NewEvent, Scope, StoreError};

/// EventStoreDB's own limit up to version 25.0. Every store behind the port keeps it, so that what one took, another will take.
pub const MAX_APPEND_SIZE: usize = 1024 * 1024;

#[derive(Clone)]
pub struct Log {
    storage: Arc<dyn Storage>,
    max_append_size: usize,
}

/// Why the log did not write.
#[derive(Debug, Error)]
pub enum WriteError {
    #[error("`{stream}` was expected at {expected} but is at {}", ExpectedState::last(*actual))]
    WrongExpected { stream: String, expected: ExpectedState, actual: Option<u64> },
    #[error("`{stream}` was deleted for ever")]
    StreamDeleted { stream: String },
    #[error("an append of {size} bytes to `{stream}` is over the limit of {limit}")]
    TooLarge { stream: String, size: usize, limit: usize },
    #[error("`{stream}` cannot be written to like this")]
    InvalidStream { stream: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Log {
    pub fn new(storage: impl Storage + 'static) -> Self {
        Self { storage: Arc::new(storage), max_append_size: MAX_APPEND_SIZE }
    }

    pub fn max_append_size(&self) -> usize {
        self.max_append_size
    }

    /// The greatest position in the log; changes whenever anyone, in any process, has appended.
    pub fn head(&self) -> tokio::sync::watch::Receiver<u64> {
        self.storage.head()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.storage.name())
    }
}

impl EventReader for Log {
    fn read(&self, stream: &StreamName, revision: u64) -> EventStream {
        self.stream_events(stream.to_string(), revision)
    }

    fn read_all(&self, after: Option<Position>, scope: Scope) -> EventStream {
        let after = after.map_or(0, |position| position.commit);
        self.all_pages(after)
            .map_ok(move |page| {
                let scope = scope.clone();
                futures::stream::iter(page.into_iter().filter(move |event| scope.covers(&event.stream)).map(Ok))
            })
            .try_flatten()
            .boxed()
    }

    fn subscribe(&self, after: Option<Position>, scope: Scope) -> FollowStream {
        self.follow_scope(after.map_or(0, |position| position.commit), scope)
    }
}

#[async_trait]
impl EventWriter for Log {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, AppendError> {
        if events.is_empty() {
            return Err(AppendError::NoEvents { stream: stream.to_string() });
        }
        match self.append(stream.as_str(), expected.into(), events).await {
            Ok(Written { revision: Some(revision), position: Some(position) }) => {
                Ok(Appended { revision, position: Position::single(position) })
            }
            Ok(Written { .. }) => unreachable!("events that were written have a revision and a position"),
            Err(WriteError::WrongExpected { stream, actual, .. }) => Err(AppendError::WrongExpected { stream, expected, actual }),
            Err(WriteError::TooLarge { stream, size, limit }) => Err(AppendError::TooLarge { stream, size, limit }),
            Err(WriteError::StreamDeleted { stream } | WriteError::InvalidStream { stream }) => {
                Err(StoreError::StreamDeleted { stream }.into())
            }
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }
}
