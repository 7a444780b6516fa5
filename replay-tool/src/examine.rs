//! What can be known of one event without the others: its leaf, and what it means. Pages of events are examined side by side.

use chrono::{DateTime, Utc};
use daftar_domain::{BillingEvent, Metadata, Position, Recorded};
use daftar_proof::{Hash, Leaf};
use daftar_store::{Scope, StoredEvent, Unreadable};
use uuid::Uuid;

#[derive(Debug)]
pub struct Examined {
    pub stream: String,
    pub revision: u64,
    pub id: Uuid,
    pub position: Position,
    pub created_at: DateTime<Utc>,
    pub hash: Hash,
    /// None if it is not of the books.
    pub fact: Option<Result<Recorded<BillingEvent>, Unreadable>>,
}

impl Examined {
    pub fn of(event: StoredEvent, billing: &Scope) -> Self {
        let (hash, fact) = (leaf_hash(&event), billing.covers(&event.stream).then(|| event.decode_billing()));
        let StoredEvent { id, stream, revision, position, created_at, .. } = event;
        Self { stream, revision, id, position, created_at, hash, fact }
    }

    pub fn metadata(&self) -> Option<&Metadata> {
        Some(&self.fact.as_ref()?.as_ref().ok()?.metadata)
    }
}

pub fn leaf_hash(event: &StoredEvent) -> Hash {
    let StoredEvent { stream, revision, id, event_type, data, metadata, .. } = event;
    Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash()
}
