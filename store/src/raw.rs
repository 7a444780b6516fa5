//! Events as a store keeps them: bytes with an id, a place and a type.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use daftar_domain::{BillingEvent, DecodeError, EventSchema, Metadata, Position, Recorded, StreamName, StreamNameError};
use thiserror::Error;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    Json,
    Binary,
}

/// An event on its way into a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub id: Uuid,
    pub event_type: String,
    pub content_type: ContentType,
    pub data: Bytes,
    pub metadata: Bytes,
}

impl NewEvent {
    /// What counts towards the size of an append, as EventStoreDB counts it.
    pub fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.event_type.len()
    }
}

/// An event as it was written, with its place in its stream and in the order of all events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub id: Uuid,
    pub stream: String,
    pub revision: u64,
    pub position: Position,
    pub event_type: String,
    pub content_type: ContentType,
    /// When the store took it, by the store's own clock. The business goes by `recorded_at` in the metadata.
    pub created_at: DateTime<Utc>,
    pub data: Bytes,
    pub metadata: Bytes,
}

/// A stored event that the code cannot read: which one, and why.
#[derive(Debug, Error)]
#[error("event {revision} of `{stream}` at position {position} cannot be read")]
pub struct Unreadable {
    pub stream: String,
    pub revision: u64,
    pub position: Position,
    pub source: UnreadableReason,
}

#[derive(Debug, Error)]
pub enum UnreadableReason {
    #[error(transparent)]
    Name(#[from] StreamNameError),
    #[error(transparent)]
    Schema(#[from] DecodeError),
}

impl StoredEvent {
    /// The fact of one aggregate.
    pub fn decode<E: EventSchema>(&self) -> Result<Recorded<E>, Unreadable> {
        self.decode_with(|_, event_type, version, data| E::decode(event_type, version, data))
    }

    /// The fact of any aggregate, chosen by the stream's category.
    pub fn decode_billing(&self) -> Result<Recorded<BillingEvent>, Unreadable> {
        self.decode_with(BillingEvent::decode)
    }

    fn decode_with<E>(
        &self,
        decode: impl FnOnce(&StreamName, &str, u16, &[u8]) -> Result<E, DecodeError>,
    ) -> Result<Recorded<E>, Unreadable> {
        let recorded = || -> Result<Recorded<E>, UnreadableReason> {
            let stream: StreamName = self.stream.parse()?;
            let metadata = Metadata::decode(&self.metadata)?;
            let event = decode(&stream, &self.event_type, metadata.schema_version, &self.data)?;
            Ok(Recorded { id: self.id, stream, revision: self.revision, position: self.position, metadata, event })
        };
        recorded().map_err(|source| Unreadable { stream: self.stream.clone(), revision: self.revision, position: self.position, source })
    }
}
