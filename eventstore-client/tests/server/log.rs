//! The node's log and its few rules.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use eventstore_client::wire::streams::read_req::options::FilterOptions;
use eventstore_client::wire::streams::read_req::options::filter_options::Filter;
use eventstore_client::wire::streams::read_resp::ReadEvent;
use eventstore_client::wire::streams::read_resp::read_event::{Position, RecordedEvent};
use eventstore_client::wire::{StreamIdentifier, Uuid, uuid};
use eventstore_client::{Actual, Expected};

#[derive(Clone)]
pub struct Entry {
    pub stream: String,
    pub revision: u64,
    pub id: Option<Uuid>,
    pub event_type: String,
    pub content_type: String,
    pub data: Bytes,
    pub metadata: Bytes,
    pub created: String,
}

/// Entry n lies at position 100 (n + 1): increasing, not dense.
#[derive(Default)]
pub struct Log {
    pub entries: Vec<Entry>,
}

pub fn position(index: usize) -> u64 {
    100 * (index as u64 + 1)
}

impl Log {
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub fn write(&mut self, stream: &str, event_type: &str, data: impl Into<Bytes>) {
        let id = Uuid { value: Some(uuid::Value::String(format!("00000000-0000-0000-0000-{:012}", self.len()))) };
        let content_type = "application/json".to_owned();
        self.push(stream, Some(id), event_type.to_owned(), content_type, data.into(), Bytes::new());
    }

    pub fn push(&mut self, stream: &str, id: Option<Uuid>, event_type: String, content_type: String, data: Bytes, metadata: Bytes) {
        let revision = self.last_revision(stream).map_or(0, |last| last + 1);
        let created = (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() / 100).to_string();
        self.entries.push(Entry { stream: stream.to_owned(), revision, id, event_type, content_type, data, metadata, created });
    }

    pub fn last_revision(&self, stream: &str) -> Option<u64> {
        self.entries.iter().rev().find(|entry| entry.stream == stream).map(|entry| entry.revision)
    }

    pub fn last_position(&self, stream: &str) -> Option<u64> {
        self.entries.iter().rposition(|entry| entry.stream == stream).map(position)
    }

    pub fn is_tombstoned(&self, stream: &str) -> bool {
        self.entries.iter().any(|entry| entry.stream == stream && entry.event_type == "$streamDeleted")
    }

    /// Whether an append may go on: `Ok(true)` to write, `Ok(false)` if all of it is there already.
    pub fn check(&self, stream: &str, expected: Expected, ids: &[Option<Uuid>]) -> Result<bool, Actual> {
        let last = self.last_revision(stream);
        let actual = last.map_or(Actual::NoStream, Actual::Revision);
        let next = match (expected, last) {
            (Expected::Any, _) | (Expected::StreamExists, Some(_)) => return Ok(true),
            (Expected::StreamExists, None) => return Err(actual),
            (Expected::NoStream, _) => 0,
            (Expected::Exact(revision), _) => revision + 1,
        };
        let following: Vec<_> = self.entries.iter().filter(|entry| entry.stream == stream && entry.revision >= next).collect();
        match last.map_or(0, |last| last + 1) == next {
            true => Ok(true),
            false if !ids.is_empty() && !following.is_empty() && following.iter().map(|entry| &entry.id).take(ids.len()).eq(ids) => {
                Ok(false)
            }
            false => Err(actual),
        }
    }

    pub fn read(&self, index: usize) -> ReadEvent {
        let entry = &self.entries[index];
        let metadata = [("type", &entry.event_type), ("content-type", &entry.content_type), ("created", &entry.created)];
        let event = RecordedEvent {
            id: entry.id.clone(),
            stream_identifier: Some(StreamIdentifier { stream_name: entry.stream.clone().into() }),
            stream_revision: entry.revision,
            prepare_position: position(index),
            commit_position: position(index),
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.clone())).into(),
            custom_metadata: entry.metadata.clone(),
            data: entry.data.clone(),
        };
        ReadEvent { event: Some(event), link: None, position: Some(Position::CommitPosition(position(index))) }
    }

    /// A link's target.
    pub fn resolve(&self, index: usize) -> ReadEvent {
        let read = self.read(index);
        let entry = &self.entries[index];
        if entry.event_type != "$>" {
            return read;
        }
        let target = std::str::from_utf8(&entry.data).unwrap().split_once('@').unwrap();
        let is_target = |entry: &Entry| entry.stream == target.1 && entry.revision.to_string() == target.0;
        let found = self.entries.iter().position(is_target).and_then(|index| self.read(index).event);
        ReadEvent { event: found, link: read.event, position: read.position }
    }
}

/// Prefixes only: it is not the filter that is tested here.
pub fn matches(filter: &FilterOptions, entry: &Entry) -> bool {
    match filter.filter.as_ref().unwrap() {
        Filter::StreamIdentifier(expression) => expression.prefix.iter().any(|prefix| entry.stream.starts_with(prefix.as_str())),
        Filter::EventType(expression) => expression.prefix.iter().any(|prefix| entry.event_type.starts_with(prefix.as_str())),
    }
}
