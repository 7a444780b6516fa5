//! What can be known of one event without the others: its leaf, and what it means. Pages of events are examined side by side.

use chrono::{DateTime, Utc};
use daftar_domain::{BillingEvent, Position, Recorded};
use daftar_proof::{Hash, Leaf};
use daftar_store::{Scope, StoredEvent, Unreadable};
use uuid::Uuid;

use crate::streams::{Part, share_of};

#[derive(Debug)]
pub struct Examined {
    pub stream: String,
    /// Into which its stream is dealt.
    pub share: usize,
    pub revision: u64,
    pub id: Uuid,
    pub position: Position,
    pub created_at: DateTime<Utc>,
    pub hash: Hash,
    /// Bytes of its data.
    pub bytes: usize,
    /// None if it is not of the books, or nobody wants to know.
    pub fact: Option<Result<Box<Recorded<BillingEvent>>, Unreadable>>,
}

impl Examined {
    pub fn of(event: StoredEvent, billing: &Scope, part: &Part) -> Self {
        let share = share_of(&event.stream);
        let decodes = part.covers(share) && billing.covers(&event.stream);
        let (hash, bytes, fact) = (leaf_hash(&event), event.data.len(), decodes.then(|| event.decode_billing().map(Box::new)));
        let StoredEvent { id, stream, revision, position, created_at, .. } = event;
        Self { stream, share, revision, id, position, created_at, hash, bytes, fact }
    }

    /// What it says itself, if it can be read.
    pub fn fact(&self) -> Option<&Recorded<BillingEvent>> {
        self.fact.as_ref()?.as_deref().ok()
    }
}

pub fn leaf_hash(event: &StoredEvent) -> Hash {
    let StoredEvent { stream, revision, id, event_type, data, metadata, .. } = event;
    Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash()
}
