//! What of an event is proven, and how it is written before it is hashed.
//!
//! The position is left out: it changes when a log moves to another store, and the order is proven by the tree. So is the store's own time: the
//! time of recording is in the metadata.

use uuid::Uuid;

use crate::{Hash, hash::LeafHasher};

/// The first byte of an entry. Another encoding would have another, so that no two encodings can be confused.
const VERSION: u8 = 1;

/// Whether a stream's events are leaves: all are but the store's own.
pub fn is_proven(stream: &str) -> bool {
    !stream.starts_with('$')
}

/// The part of an event that a checkpoint vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf<'a> {
    pub stream: &'a str,
    pub revision: u64,
    pub id: Uuid,
    pub event_type: &'a str,
    pub data: &'a [u8],
    pub metadata: &'a [u8],
}

impl Leaf<'_> {
    pub fn hash(&self) -> Hash {
        let mut hasher = LeafHasher::new();
        self.write(|bytes| hasher.update(bytes));
        hasher.finish()
    }

    /// The bytes that are hashed, for whoever recomputes a leaf by other means.
    pub fn entry(&self) -> Vec<u8> {
        let mut entry = Vec::new();
        self.write(|bytes| entry.extend_from_slice(bytes));
        entry
    }

    /// The version; then each field after its length. Numbers are big-endian, lengths 64 bits wide, so that there is no event too long to be proven.
    fn write(&self, mut put: impl FnMut(&[u8])) {
        put(&[VERSION]);
        let mut field = |bytes: &[u8]| {
            put(&(bytes.len() as u64).to_be_bytes());
            put(bytes);
        };
        field(self.stream.as_bytes());
        field(&self.revision.to_be_bytes());
        field(self.id.as_bytes());
        field(self.event_type.as_bytes());
        field(self.data);
        field(self.metadata);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::Frontier;

    #[derive(Deserialize)]
    struct Vectors {
        leaves: Vec<Vector>,
        /// Of the trees of the first 0, 1, 2… leaves.
        roots: Vec<Hash>,
    }

    #[derive(Deserialize)]
    struct Vector {
        stream: String,
        revision: u64,
        id: Uuid,
        #[serde(rename = "type")]
        event_type: String,
        data: String,
        metadata: String,
        entry: String,
        hash: Hash,
    }

    /// They were computed by `leaf-v1.py`, which shares no line with this crate.
    #[test]
    fn leaves_and_roots_are_those_of_the_test_vectors() {
        let vectors: Vectors = serde_json::from_str(include_str!("../../fixtures/proof/leaf-v1.json")).unwrap();
        let mut tree = Frontier::default();
        let mut roots = vec![tree.root()];
        for vector in vectors.leaves {
            let [data, metadata, entry] = [&vector.data, &vector.metadata, &vector.entry].map(|text| STANDARD.decode(text).unwrap());
            let Vector { stream, revision, id, event_type, hash, .. } = &vector;
            let leaf = Leaf { stream, revision: *revision, id: *id, event_type, data: &data, metadata: &metadata };
            assert_eq!((leaf.entry(), leaf.hash()), (entry, *hash), "{stream} {revision}");
            tree.push(leaf.hash());
            roots.push(tree.root());
        }
        assert_eq!(roots, vectors.roots);
        assert!(roots.len() > 8);
    }

    #[test]
    fn the_stores_own_streams_are_not_proven() {
        assert!(is_proven("account-5a2c") && is_proven("a$b"));
        assert!(!is_proven("$settings") && !is_proven("$$account-5a2c"));
    }

    type Fields = (String, u64, [u8; 16], String, Vec<u8>, Vec<u8>);

    fn leaf(fields: &Fields) -> Leaf<'_> {
        let (stream, revision, id, event_type, data, metadata) = fields;
        Leaf { stream, revision: *revision, id: Uuid::from_bytes(*id), event_type, data, metadata }
    }

    /// All neighbours that could be mistaken for one another: each field's end might be the next one's beginning.
    #[test]
    fn different_events_have_different_entries() {
        let texts = ["", "a", "b", "aa", "ab", "ba", "bb"];
        let entry = |stream, event_type, data: &str, metadata: &str| {
            let [data, metadata] = [data, metadata].map(str::as_bytes);
            Leaf { stream, revision: 0, id: Uuid::nil(), event_type, data, metadata }.entry()
        };
        let mut entries = BTreeSet::new();
        for stream in texts {
            for event_type in texts {
                for data in texts {
                    entries.extend(texts.map(|metadata| entry(stream, event_type, data, metadata)));
                }
            }
        }
        assert_eq!(entries.len(), texts.len().pow(4));
    }

    fn fields() -> impl Strategy<Value = Fields> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..100);
        (".{0,20}", any::<u64>(), any::<[u8; 16]>(), ".{0,20}", bytes(), bytes())
    }

    proptest! {
        #[test]
        fn the_hash_is_that_of_the_entry(fields in fields()) {
            prop_assert_eq!(leaf(&fields).hash(), Hash::of_leaf(&leaf(&fields).entry()));
        }
    }
}
