//! Stored events and positions as they travel.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use daftar_domain::Position;
use eventstore_client::wire::{
    Empty, StreamIdentifier, Uuid as WireUuid,
    streams::{
        ReadResp,
        read_resp::{
            CaughtUp, Checkpoint, Content, Position as WirePosition, ReadEvent, StreamNotFound, SubscriptionConfirmation, read_event,
            read_event::RecordedEvent,
        },
    },
    uuid::{Structured, Value},
};
use prost_types::Timestamp;
use uuid::Uuid;

use crate::{
    ContentType, StoreError, StoredEvent,
    log::{Direction, Log, StreamRead},
};

pub(super) const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";
const LINK_TYPE: &str = "$>";

/// How a reader wants events shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) ids_as_text: bool,
    pub(super) resolve_links: bool,
}

impl Shape {
    /// The event, or if it is a link and links are to be followed, what it points to with the link beside it.
    pub(super) async fn read_event(self, log: &Log, event: StoredEvent) -> Result<ReadResp, StoreError> {
        let position = read_event::Position::CommitPosition(event.position.commit);
        let event = if self.resolve_links && event.event_type == LINK_TYPE {
            let target = target(log, &event).await?;
            ReadEvent { event: target.map(|event| self.recorded(event)), link: Some(self.recorded(event)), position: Some(position) }
        } else {
            ReadEvent { event: Some(self.recorded(event)), link: None, position: Some(position) }
        };
        Ok(content(Content::Event(event)))
    }

    fn recorded(self, event: StoredEvent) -> RecordedEvent {
        let content_type = match event.content_type {
            ContentType::Json => JSON,
            ContentType::Binary => BINARY,
        };
        RecordedEvent {
            id: Some(if self.ids_as_text { text(event.id) } else { structured(event.id) }),
            stream_identifier: Some(identifier(event.stream)),
            stream_revision: event.revision,
            prepare_position: event.position.prepare,
            commit_position: event.position.commit,
            metadata: BTreeMap::from([
                ("content-type".to_owned(), content_type.to_owned()),
                ("created".to_owned(), ticks(event.created_at).to_string()),
                ("type".to_owned(), event.event_type),
            ]),
            custom_metadata: event.metadata,
            data: event.data,
        }
    }
}

/// What a link (`<revision>@<stream>`) points to, if a reader may see it.
async fn target(log: &Log, link: &StoredEvent) -> Result<Option<StoredEvent>, StoreError> {
    let place = std::str::from_utf8(&link.data).ok().and_then(|data| data.split_once('@'));
    let Some((Ok(revision), stream)) = place.map(|(revision, stream)| (revision.parse::<u64>(), stream)) else { return Ok(None) };
    match log.read_stream(stream, revision, Direction::Forwards, 1).await? {
        StreamRead::Page { events, .. } => Ok(events.into_iter().find(|event| event.revision == revision)),
        StreamRead::NotFound | StreamRead::Tombstoned => Ok(None),
    }
}

pub(super) fn content(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

pub(super) fn stream_not_found(stream: &str) -> ReadResp {
    content(Content::StreamNotFound(StreamNotFound { stream_identifier: Some(identifier(stream)) }))
}

pub(super) fn confirmation() -> ReadResp {
    content(Content::Confirmation(SubscriptionConfirmation { subscription_id: Uuid::new_v4().to_string() }))
}

pub(super) fn checkpoint(position: Position) -> ReadResp {
    content(Content::Checkpoint(Checkpoint {
        commit_position: position.commit,
        prepare_position: position.prepare,
        timestamp: Some(now()),
    }))
}

/// Said of a stream by its last revision, of the whole log by its last position; of nothing by neither.
pub(super) fn caught_up(revision: Option<u64>, position: Option<Position>) -> ReadResp {
    content(Content::CaughtUp(CaughtUp {
        timestamp: Some(now()),
        stream_revision: revision.and_then(|revision| i64::try_from(revision).ok()),
        position: position.map(|position| WirePosition { commit_position: position.commit, prepare_position: position.prepare }),
    }))
}

pub(super) fn identifier(stream: impl Into<String>) -> StreamIdentifier {
    StreamIdentifier { stream_name: stream.into().into_bytes().into() }
}

pub(super) fn structured(id: Uuid) -> WireUuid {
    let (most, least) = id.as_u64_pair();
    WireUuid {
        value: Some(Value::Structured(Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        })),
    }
}

fn text(id: Uuid) -> WireUuid {
    WireUuid { value: Some(Value::String(id.to_string())) }
}

/// Steps of 100 ns since 1970.
pub(super) fn ticks(instant: DateTime<Utc>) -> i64 {
    instant.timestamp() * 10_000_000 + i64::from(instant.timestamp_subsec_nanos() / 100)
}

pub(super) fn empty() -> Empty {
    Empty {}
}

fn now() -> Timestamp {
    let now = Utc::now();
    Timestamp { seconds: now.timestamp(), nanos: now.timestamp_subsec_nanos().cast_signed() }
}
