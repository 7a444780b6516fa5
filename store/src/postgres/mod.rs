//! The log in PostgreSQL: one table that is only ever added to.
//!
//! Appends of one process that wait together go in one transaction (`writer`); the database gives them their positions under a lock that
//! is held to the commit, so that positions are gap-free in commit order over all processes (`migrations/0001_log.sql`). Readers take
//! pages (`reading`) and are told how far the log reaches (`head`). Every connection is checked before it is used (`connection`).

mod connection;
mod head;
mod migrate;
mod reading;
mod writer;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
pub use migrate::migrate;
use tokio::sync::watch;

use self::{connection::Server, head::Head, reading::Readers, writer::Writer};
use crate::{
    StoreError, StoredEvent,
    log::{Direction, Log, Stand, Storage, Write},
};

/// The role that may read the log and add to it, and nothing else. A login that is a member of it becomes it.
pub const ENGINE_ROLE: &str = "daftar_engine";

/// What must be true of the server's promise to keep what it acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A server that says `fsync=off` or `synchronous_commit=off` is refused.
    Required,
    /// Anything goes. What was acknowledged may be gone after a crash.
    UnsafeForTests,
}

#[derive(Clone, Debug)]
pub struct PostgresOptions {
    pub durability: Durability,
    /// Connections for reading. One more writes, and one listens.
    pub readers: usize,
    /// Appends that may wait for their turn; who comes then waits to wait.
    pub queue: usize,
    /// How long a server that cannot be reached is tried again before the caller hears of it.
    pub patience: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { durability: Durability::Required, readers: 4, queue: 1024, patience: Duration::from_secs(30) }
    }
}

#[derive(Debug)]
pub struct Postgres {
    server: Server,
    writer: Writer,
    readers: Readers,
    head: Arc<Head>,
}

impl Postgres {
    /// Opens the log of a database that has been migrated. Waits a while for a server that is down.
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<Log, StoreError> {
        let server = Server::parse(url, options.durability, options.patience)?;
        let readers = Readers::new(server.clone(), options.readers);
        let head = Head::follow(&server, readers.head().await?);
        let writer = Writer::start(server.clone(), Arc::clone(&head), &options);
        Ok(Log::new(Self { server, writer, readers, head }))
    }
}

#[async_trait]
impl Storage for Postgres {
    fn name(&self) -> &str {
        self.server.name()
    }

    async fn stand(&self, stream: &str) -> Result<Stand, StoreError> {
        self.readers.stand(stream).await
    }

    async fn append(&self, write: Write) -> Result<Result<u64, Stand>, StoreError> {
        self.writer.append(write).await
    }

    async fn read_stream(&self, stream: &str, revision: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers.stream(stream, revision, direction, max).await
    }

    async fn read_all(&self, position: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers.all(position, direction, max).await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }
}
