//! EventStoreDB's rules as pure functions of where a stream stands.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Stand;
use crate::{ContentType, Expected, NewEvent, StoredEvent};

/// The revision of a tombstone, greater than any an event can have.
pub const TOMBSTONE_REVISION: u64 = i64::MAX as u64;
pub const TOMBSTONE_TYPE: &str = "$streamDeleted";
pub const METADATA_TYPE: &str = "$metadata";

/// How far back an append that expects anything looks for its own ids. EventStoreDB's memory of them is bounded too.
pub const RECENT_IDS: usize = 1024;

/// Bytes of a stream's name.
pub const MAX_NAME: usize = 1024;

/// Which state of a stream an append expects. More than the port has, because EventStoreDB's clients may ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedState {
    NoStream,
    Revision(u64),
    Any,
    StreamExists,
}

impl ExpectedState {
    pub fn last(revision: Option<u64>) -> Self {
        Expected::last(revision).into()
    }
}

impl From<Expected> for ExpectedState {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::NoStream => Self::NoStream,
            Expected::Revision(revision) => Self::Revision(revision),
        }
    }
}

impl fmt::Display for ExpectedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream => f.write_str("no stream"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
            Self::Any => f.write_str("any revision"),
            Self::StreamExists => f.write_str("an existing stream"),
        }
    }
}

/// What an append must do, given the expectation and where the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Write,
    WrongExpected,
    Deleted,
    /// It is a repeat if the ids from this revision on are its own. If not even the first is, `otherwise` says what to do.
    CompareFrom {
        revision: u64,
        otherwise: Otherwise,
    },
    /// It is a repeat if all its ids were appended recently; if not even the first was, it is new.
    CompareRecent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    Write,
    WrongExpected,
}

impl Stand {
    pub fn is_tombstoned(&self) -> bool {
        self.revision == Some(TOMBSTONE_REVISION)
    }

    pub fn stream_metadata(&self) -> StreamMetadata {
        self.metadata.as_ref().map(|(_, json)| StreamMetadata::parse(json)).unwrap_or_default()
    }

    pub fn is_soft_deleted(&self) -> bool {
        self.stream_metadata().truncate_before == Some(TOMBSTONE_REVISION)
    }
}

/// The table of EventStoreDB's `CheckCommit`.
pub fn check(expected: ExpectedState, stand: &Stand, events: usize) -> Check {
    if stand.is_tombstoned() {
        return Check::Deleted;
    }
    let fresh = if events == 0 { Check::Write } else { Check::CompareRecent };
    match (expected, stand.revision) {
        (ExpectedState::Any, _) => fresh,
        (ExpectedState::StreamExists, current) => {
            if stand.is_soft_deleted() || (current.is_none() && stand.metadata.is_none()) {
                Check::WrongExpected
            } else {
                fresh
            }
        }
        (ExpectedState::NoStream, None) => Check::Write,
        (ExpectedState::NoStream, Some(_)) => match (stand.is_soft_deleted(), events) {
            (true, 0) => Check::Write,
            (false, 0) => Check::WrongExpected,
            (true, _) => Check::CompareFrom { revision: 0, otherwise: Otherwise::Write },
            (false, _) => Check::CompareFrom { revision: 0, otherwise: Otherwise::WrongExpected },
        },
        (ExpectedState::Revision(_), None) => Check::WrongExpected,
        (ExpectedState::Revision(revision), Some(current)) => {
            if revision == current {
                Check::Write
            } else if revision > current || events == 0 {
                Check::WrongExpected
            } else {
                Check::CompareFrom { revision: revision + 1, otherwise: Otherwise::WrongExpected }
            }
        }
    }
}

/// How the ids of an append compare with those already in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Whole {
        last: u64,
        position: u64,
    },
    /// Some are there and some are not, or not in this order: neither new nor a repeat.
    Partly,
    Not,
}

/// Compares with the events that follow the expected revision, which must be the append's own, one by one.
pub fn repeat_in_order(new: &[NewEvent], there: &[StoredEvent]) -> Repeat {
    let same = new.iter().zip(there).take_while(|(new, there)| new.id == there.id).count();
    match there.get(new.len().wrapping_sub(1)) {
        Some(last) if same == new.len() => Repeat::Whole { last: last.revision, position: last.position.commit },
        _ if same == 0 => Repeat::Not,
        _ => Repeat::Partly,
    }
}

/// Compares with the stream's latest events, wherever among them the append's ids are.
pub fn repeat_anywhere(new: &[NewEvent], recent: &[StoredEvent]) -> Repeat {
    let find = |id: Uuid| recent.iter().find(|event| event.id == id);
    let Some(first) = new.first() else { return Repeat::Not };
    if find(first.id).is_none() {
        return Repeat::Not;
    }
    match new.iter().map(|event| find(event.id)).collect::<Option<Vec<_>>>().as_deref() {
        Some([.., last]) => Repeat::Whole { last: last.revision, position: last.position.commit },
        Some([]) | None => Repeat::Partly,
    }
}

/// Whether a stream can have this name. Storages index it, so it is not longer than an index takes, and PostgreSQL has no zero byte.
pub fn is_writable(stream: &str) -> bool {
    !matches!(stream, "" | "$$" | "$all") && stream.len() <= MAX_NAME && !stream.contains('\0')
}

/// The metadata stream of a stream.
pub fn metadata_stream(stream: &str) -> String {
    format!("$${stream}")
}

/// The stream that a metadata stream is about.
pub fn is_metadata_stream(stream: &str) -> bool {
    stream.starts_with("$$")
}

/// What a stream's metadata says about which of its events are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamMetadata {
    pub max_count: Option<u64>,
    pub max_age: Option<TimeDelta>,
    pub truncate_before: Option<u64>,
}

impl StreamMetadata {
    /// Metadata that is not a JSON object, or a field of another kind, says nothing.
    pub fn parse(json: &[u8]) -> Self {
        let fields: Map<String, Value> = serde_json::from_slice(json).unwrap_or_default();
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        Self {
            max_count: number("$maxCount").filter(|count| *count > 0),
            max_age: number("$maxAge").and_then(|seconds| TimeDelta::try_seconds(i64::try_from(seconds).ok()?)),
            truncate_before: number("$tb"),
        }
    }

    /// The implicit metadata of a metadata stream: only its newest event is seen.
    pub fn of_metadata_stream() -> Self {
        Self { max_count: Some(1), ..Self::default() }
    }

    /// The first revision that a reader may see, as far as counting tells; age is the event's own business.
    pub fn first_visible(&self, last: u64) -> u64 {
        let by_count = self.max_count.map_or(0, |count| (last + 1).saturating_sub(count));
        by_count.max(self.truncate_before.unwrap_or(0))
    }

    pub fn is_too_old(&self, created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.max_age.is_some_and(|age| created_at < now - age)
    }
}

/// The metadata that hides a whole stream until someone appends again.
pub fn soft_deletion() -> NewEvent {
    metadata_event(&Map::from_iter([("$tb".to_owned(), TOMBSTONE_REVISION.into())]))
}

/// The metadata with which a hidden stream begins anew at `revision`, everything else in it kept.
pub fn undeletion(metadata: &[u8], revision: u64) -> NewEvent {
    let mut fields: Map<String, Value> = serde_json::from_slice(metadata).unwrap_or_default();
    fields.insert("$tb".to_owned(), revision.into());
    metadata_event(&fields)
}

pub fn tombstone() -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: TOMBSTONE_TYPE.to_owned(),
        content_type: ContentType::Binary,
        data: Bytes::new(),
        metadata: Bytes::new(),
    }
}

fn metadata_event(fields: &Map<String, Value>) -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: METADATA_TYPE.to_owned(),
        content_type: ContentType::Json,
        data: Value::from(fields.clone()).to_string().into(),
        metadata: Bytes::new(),
    }
}
