//! A log that a process reaches for a while, and then, as if it had been killed, no more.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use daftar_domain::{Position, StreamName};
use daftar_store::{AppendError, Appended, EventReader, EventStream, EventWriter, Expected, FollowStream, NewEvent, Scope, log::Log};
use tokio::sync::Notify;

/// Stops answering after so many appends. The last wish may be there although nobody was told.
pub struct Mortal {
    log: Log,
    left: AtomicI64,
    last_is_written: bool,
    dead: Notify,
}

impl Mortal {
    pub fn new(log: &Log, appends: i64, last_is_written: bool) -> Arc<Self> {
        Arc::new(Self { log: log.clone(), left: AtomicI64::new(appends), last_is_written, dead: Notify::new() })
    }

    /// What came of it; nothing if death came first.
    pub async fn outlived<T>(&self, life: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.dead.notified() => None,
            ended = life => Some(ended),
        }
    }
}

impl EventReader for Mortal {
    fn read(&self, stream: &StreamName, revision: u64) -> EventStream {
        self.log.read(stream, revision)
    }

    fn read_all(&self, after: Option<Position>, scope: Scope) -> EventStream {
        self.log.read_all(after, scope)
    }

    fn subscribe(&self, after: Option<Position>, scope: Scope) -> FollowStream {
        self.log.subscribe(after, scope)
    }
}

#[async_trait]
impl EventWriter for Mortal {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, AppendError> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return EventWriter::append(&self.log, stream, expected, events).await;
        }
        if left == 0 && self.last_is_written {
            let _ = EventWriter::append(&self.log, stream, expected, events).await;
        }
        self.dead.notify_one();
        std::future::pending().await
    }
}
