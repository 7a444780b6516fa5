//! Pages of events, read over a few connections of their own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use daftar_domain::Position;
use futures::TryStreamExt;
use sqlx::{
    PgExecutor, Row,
    postgres::{PgConnection, PgRow},
};
use tokio::{sync::Semaphore, task::JoinSet};
use uuid::Uuid;

use super::connection::Server;
use crate::{
    ContentType, StoreError, StoredEvent,
    log::{Direction, Stand},
};

#[derive(Debug)]
pub(super) struct Readers(Arc<Connections>);

#[derive(Debug)]
struct Connections {
    server: Server,
    permits: Semaphore,
    /// Connections that nobody uses at the moment.
    idle: Mutex<Vec<PgConnection>>,
}

impl Readers {
    pub(super) fn new(server: Server, connections: usize) -> Self {
        Self(Arc::new(Connections { server, permits: Semaphore::new(connections.max(1)), idle: Mutex::default() }))
    }

    pub(super) async fn head(&self) -> Result<u64, StoreError> {
        self.read(|mut connection| async move {
            let head = head(&mut connection).await?;
            Ok((connection, head))
        })
        .await
    }

    pub(super) async fn stand(&self, stream: &str) -> Result<Stand, StoreError> {
        let stream: Arc<str> = stream.into();
        self.read(move |mut connection| {
            let stream = Arc::clone(&stream);
            async move {
                let stand = stand(&mut connection, &stream).await?;
                Ok((connection, stand))
            }
        })
        .await
    }

    pub(super) async fn stream(
        &self,
        stream: &str,
        revision: u64,
        direction: Direction,
        max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = match direction {
            Direction::Forwards => {
                "SELECT position, stream, revision, id, type, json, created_at, data, metadata FROM daftar_log.events \
                 WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3"
            }
            Direction::Backwards => {
                "SELECT position, stream, revision, id, type, json, created_at, data, metadata FROM daftar_log.events \
                 WHERE stream = $1 AND revision <= $2 ORDER BY revision DESC LIMIT $3"
            }
        };
        let stream: Arc<str> = stream.into();
        self.read(move |mut connection| {
            let stream = Arc::clone(&stream);
            async move {
                let query = sqlx::query(sql).bind(&*stream).bind(signed(revision)).bind(limit(max));
                let events = events(query.fetch(&mut connection), max).await?;
                Ok((connection, events))
            }
        })
        .await
    }

    pub(super) async fn all(&self, position: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = match direction {
            Direction::Forwards => {
                "SELECT position, stream, revision, id, type, json, created_at, data, metadata FROM daftar_log.events \
                 WHERE position >= $1 ORDER BY position LIMIT $2"
            }
            Direction::Backwards => {
                "SELECT position, stream, revision, id, type, json, created_at, data, metadata FROM daftar_log.events \
                 WHERE position <= $1 ORDER BY position DESC LIMIT $2"
            }
        };
        self.read(move |mut connection| async move {
            let query = sqlx::query(sql).bind(signed(position)).bind(limit(max));
            let events = events(query.fetch(&mut connection), max).await?;
            Ok((connection, events))
        })
        .await
    }

    /// Asks in a task of its own. Whoever asked may come for the answer late or never, as one does who keeps a stream of events for later:
    /// that must not keep a connection from those who wait for one.
    async fn read<T, F>(&self, ask: impl Fn(PgConnection) -> F + Send + Sync + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<(PgConnection, T), sqlx::Error>> + Send,
    {
        let connections = Arc::clone(&self.0);
        // Dropped, it takes the task along.
        let mut reading = JoinSet::new();
        reading.spawn(async move { connections.read(ask).await });
        let read = reading.join_next().await.expect("one was spawned");
        read.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }
}

impl Connections {
    /// Asks, and asks again over a new connection if the one it had is lost, until patience ends.
    ///
    /// The question gives the connection back once it has read the answer to its end. If it is dropped half-way, so is the connection.
    async fn read<T, F>(&self, ask: impl Fn(PgConnection) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<(PgConnection, T), sqlx::Error>>,
    {
        let _permit = self.permits.acquire().await.expect("never closed");
        let mut patience = self.server.patience();
        loop {
            let error = match self.connection().await {
                Ok(connection) => match ask(connection).await {
                    Ok((connection, answer)) => {
                        self.idle().push(connection);
                        return Ok(answer);
                    }
                    Err(error) => self.server.error(error),
                },
                Err(error) => error,
            };
            if let StoreError::Unavailable { .. } = error {
                // The idle ones were made before this one, and have likely been lost with it.
                self.idle().clear();
            }
            patience.bear(error).await?;
        }
    }

    async fn connection(&self) -> Result<PgConnection, StoreError> {
        let idle = self.idle().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.server.connect().await,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The greatest position.
pub(super) async fn head(connection: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM daftar_log.events").fetch_one(connection).await?;
    unsigned(head)
}

async fn stand(connection: &mut PgConnection, stream: &str) -> Result<Stand, sqlx::Error> {
    const SQL: &str = "SELECT s.revision, m.revision, m.data FROM (VALUES (true)) one \
        LEFT JOIN (SELECT revision FROM daftar_log.events WHERE stream = $1 ORDER BY revision DESC LIMIT 1) s ON true \
        LEFT JOIN (SELECT revision, data FROM daftar_log.events WHERE stream = '$$' || $1 ORDER BY revision DESC LIMIT 1) m ON true";
    let row = sqlx::query(SQL).bind(stream).fetch_one(connection).await?;
    stand_of(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)
}

/// Where a stream stands, from the database's words.
pub(super) fn stand_of(revision: Option<i64>, metadata_revision: Option<i64>, metadata: Option<Vec<u8>>) -> Result<Stand, sqlx::Error> {
    let revision = revision.map(unsigned).transpose()?;
    let metadata = metadata_revision.map(unsigned).transpose()?.zip(metadata.map(Bytes::from));
    Ok(Stand { revision, metadata })
}

async fn events(
    mut rows: impl futures::Stream<Item = Result<PgRow, sqlx::Error>> + Unpin,
    max: usize,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let mut events = Vec::with_capacity(max.min(256));
    while let Some(row) = rows.try_next().await? {
        events.push(event(&row)?);
    }
    Ok(events)
}

fn event(row: &PgRow) -> Result<StoredEvent, sqlx::Error> {
    let position = unsigned(row.try_get(0)?)?;
    let json: bool = row.try_get(5)?;
    let created_at: DateTime<Utc> = row.try_get(6)?;
    let (data, metadata): (&[u8], &[u8]) = (row.try_get(7)?, row.try_get(8)?);
    // One piece of memory for both, owned by this event alone: who keeps an event does not keep a page.
    let mut bytes = BytesMut::with_capacity(data.len() + metadata.len());
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(metadata);
    let mut bytes = bytes.freeze();
    let data = bytes.split_to(data.len());
    Ok(StoredEvent {
        position: Position::single(position),
        stream: row.try_get(1)?,
        revision: unsigned(row.try_get(2)?)?,
        id: row.try_get::<Uuid, _>(3)?,
        event_type: row.try_get(4)?,
        content_type: if json { ContentType::Json } else { ContentType::Binary },
        created_at,
        data,
        metadata: bytes,
    })
}

/// A number as the database counts, the greatest for all beyond it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
