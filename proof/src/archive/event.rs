//! An event as the archive keeps it: all that a store knows of it, proven or not.

use bytes::{Buf, BufMut, Bytes};
use uuid::Uuid;

use crate::Leaf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub stream: String,
    pub revision: u64,
    pub id: Uuid,
    pub event_type: String,
    pub content_type: ContentType,
    /// Where the store that it was read from had it.
    pub commit: u64,
    pub prepare: u64,
    /// By the clock of that store: no part of the proof.
    pub created_at: CreatedAt,
    pub data: Bytes,
    pub metadata: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    Json,
    Binary,
}

/// An instant since the beginning of 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedAt {
    pub seconds: i64,
    pub nanos: u32,
}

impl Event {
    pub fn leaf(&self) -> Leaf<'_> {
        let Self { stream, revision, id, event_type, data, metadata, .. } = self;
        Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }
    }

    /// Appends the event, or returns `None` if a part of it has no 32-bit length.
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Option<()> {
        let Self { stream, revision, id, event_type, content_type, commit, prepare, created_at, data, metadata } = self;
        out.put_u64(*revision);
        out.put_slice(id.as_bytes());
        out.put_u8(match content_type {
            ContentType::Binary => 0,
            ContentType::Json => 1,
        });
        out.put_u64(*commit);
        out.put_u64(*prepare);
        out.put_i64(created_at.seconds);
        out.put_u32(created_at.nanos);
        for part in [stream.as_bytes(), event_type.as_bytes(), data, metadata] {
            out.put_u32(part.len().try_into().ok()?);
            out.put_slice(part);
        }
        Some(())
    }

    /// Takes an event from the front. Data and metadata go on sharing the frame's memory.
    pub(super) fn decode(bytes: &mut Bytes) -> Option<Self> {
        let revision = bytes.try_get_u64().ok()?;
        let id = Uuid::from_slice(&take(bytes, 16)?).ok()?;
        let content_type = match bytes.try_get_u8().ok()? {
            0 => ContentType::Binary,
            1 => ContentType::Json,
            _ => return None,
        };
        let (commit, prepare) = (bytes.try_get_u64().ok()?, bytes.try_get_u64().ok()?);
        let created_at = CreatedAt { seconds: bytes.try_get_i64().ok()?, nanos: bytes.try_get_u32().ok()? };
        let mut part = || {
            let length = bytes.try_get_u32().ok()?;
            take(bytes, length as usize)
        };
        let (stream, event_type) = (text(&part()?)?, text(&part()?)?);
        let (data, metadata) = (part()?, part()?);
        Some(Self { stream, revision, id, event_type, content_type, commit, prepare, created_at, data, metadata })
    }
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn text(bytes: &[u8]) -> Option<String> {
    str::from_utf8(bytes).ok().map(str::to_owned)
}
