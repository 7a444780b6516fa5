//! The log in memory: for unit tests, and the reference for whoever writes another storage.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use chrono::Utc;
use daftar_domain::Position;
use tokio::sync::watch;

use crate::{
    StoreError, StoredEvent,
    log::{Direction, Log, Stand, Storage, Write, rules},
};

#[derive(Debug)]
pub struct Memory {
    tables: Mutex<Tables>,
    head: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Tables {
    /// Position p is at index p − 1.
    events: Vec<StoredEvent>,
    /// The indexes of a stream's events, in order.
    streams: HashMap<String, Vec<usize>>,
}

impl Memory {
    pub fn log() -> Log {
        Log::new(Self { tables: Mutex::default(), head: watch::Sender::new(0) })
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("no one panics while holding the tables")
    }
}

impl Tables {
    fn last(&self, stream: &str) -> Option<&StoredEvent> {
        self.streams.get(stream)?.last().map(|index| &self.events[*index])
    }

    fn stand(&self, stream: &str) -> Stand {
        let metadata = self.last(&rules::metadata_stream(stream));
        Stand {
            revision: self.last(stream).map(|event| event.revision),
            metadata: metadata.map(|event| (event.revision, event.data.clone())),
        }
    }
}

#[async_trait]
impl Storage for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    async fn stand(&self, stream: &str) -> Result<Stand, StoreError> {
        Ok(self.tables().stand(stream))
    }

    async fn append(&self, write: Write) -> Result<Result<u64, Stand>, StoreError> {
        let mut tables = self.tables();
        let stand = tables.stand(&write.guard.stream);
        if stand.revision != write.guard.revision || stand.metadata.as_ref().map(|(revision, _)| *revision) != write.guard.metadata_revision
        {
            return Ok(Err(stand));
        }
        let first = tables.events.len() as u64 + 1;
        let created_at = Utc::now();
        for row in write.rows {
            let index = tables.events.len();
            tables.events.push(StoredEvent {
                id: row.event.id,
                stream: row.stream.clone(),
                revision: row.revision,
                position: Position::single(index as u64 + 1),
                event_type: row.event.event_type,
                content_type: row.event.content_type,
                created_at,
                data: row.event.data,
                metadata: row.event.metadata,
            });
            tables.streams.entry(row.stream).or_default().push(index);
        }
        self.head.send_replace(tables.events.len() as u64);
        Ok(Ok(first))
    }

    async fn read_stream(&self, stream: &str, revision: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let tables = self.tables();
        let indexes = tables.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let event = |index: &usize| tables.events[*index].clone();
        // Revisions are dense but for a tombstone's, so the place is found by searching.
        let place = |revision| indexes.partition_point(|index| tables.events[*index].revision < revision);
        Ok(match direction {
            Direction::Forwards => indexes[place(revision)..].iter().take(max).map(event).collect(),
            Direction::Backwards => indexes[..place(revision.saturating_add(1))].iter().rev().take(max).map(event).collect(),
        })
    }

    async fn read_all(&self, position: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let tables = self.tables();
        let place = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(tables.events.len());
        Ok(match direction {
            Direction::Forwards => tables.events[place(position.saturating_sub(1))..].iter().take(max).cloned().collect(),
            Direction::Backwards => tables.events[..place(position)].iter().rev().take(max).cloned().collect(),
        })
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }
}
