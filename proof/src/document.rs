//! The proof of one document: its events, their places in the log, and what ties them to a checkpoint. A small JSON file that is checked with
//! the log's key and nothing else.
//!
//! It shows that these events are in the log as they stand here, and that none is missing between the first and the last of a stream. That
//! none came after the last it cannot show.

use std::{collections::BTreeMap, ops::RangeInclusive};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    Checkpoint, Hash, InclusionError, Leaf, Nodes, Note, OpenError, OpenedCheckpoint, ProveError, VerifyingKey, prove_inclusion,
    verify_inclusion,
};

const FORMAT: &str = "daftar-proof/1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentProof {
    format: String,
    events: Vec<ProvenEvent>,
    checkpoint: String,
}

/// An event, its place among all leaves, and the hashes that lead from it to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEvent {
    pub leaf: u64,
    pub stream: String,
    pub revision: u64,
    pub id: Uuid,
    #[serde(rename = "type")]
    pub event_type: String,
    pub data: Payload,
    pub metadata: Payload,
    pub path: Vec<Hash>,
}

/// Exact bytes: legible where they are text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Payload {
    Text(String),
    Binary { base64: String },
}

/// What a proof shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven<'a> {
    pub checkpoint: OpenedCheckpoint<'a>,
    /// The revisions of each stream that are shown.
    pub streams: BTreeMap<&'a str, RangeInclusive<u64>>,
}

/// Why a proof shows nothing.
#[derive(Debug, Error)]
pub enum DocumentError {
    #[error("this is not a proof")]
    NotAProof(#[from] serde_json::Error),
    #[error("the proof is in the format `{0}`, and only `{FORMAT}` is understood")]
    Format(String),
    #[error("the proof's checkpoint is not to be believed")]
    Checkpoint(#[from] OpenError),
    #[error("the proof has no events")]
    Empty,
    #[error("event {event} of the proof stands at leaf {leaf}, which is not after the event before it")]
    Order { event: usize, leaf: u64 },
    #[error("event {event} of the proof is revision {actual} of `{stream}`, and {expected} is next")]
    Gap { event: usize, stream: String, expected: u64, actual: u64 },
    #[error("event {event} of the proof (revision {revision} of `{stream}`) has a payload that is not base64")]
    Payload { event: usize, stream: String, revision: u64 },
    #[error("event {event} of the proof (revision {revision} of `{stream}`) is not in the log as it stands here")]
    NotInTheLog { event: usize, stream: String, revision: u64, source: InclusionError },
}

impl DocumentProof {
    /// Proves events, given with their leaves' indexes in the order of the log, from the tree of the checkpoint.
    pub fn new<'a, N: Nodes>(
        events: impl IntoIterator<Item = (u64, Leaf<'a>)>,
        tree: &mut N,
        size: u64,
        checkpoint: &Note,
    ) -> Result<Self, ProveError<N::Error>> {
        let prove = |(index, leaf): (u64, Leaf<'_>)| {
            Ok(ProvenEvent {
                leaf: index,
                stream: leaf.stream.to_owned(),
                revision: leaf.revision,
                id: leaf.id,
                event_type: leaf.event_type.to_owned(),
                data: leaf.data.into(),
                metadata: leaf.metadata.into(),
                path: prove_inclusion(tree, index, size)?,
            })
        };
        let events = events.into_iter().map(prove).collect::<Result<_, ProveError<N::Error>>>()?;
        Ok(Self { format: FORMAT.to_owned(), events, checkpoint: checkpoint.to_string() })
    }

    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        let proof: Self = serde_json::from_slice(json)?;
        if proof.format == FORMAT { Ok(proof) } else { Err(DocumentError::Format(proof.format)) }
    }

    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The events: to be shown once [`check`](Self::check) has found them true.
    pub fn events(&self) -> &[ProvenEvent] {
        &self.events
    }

    pub fn check<'a>(&'a self, trusted: &'a [VerifyingKey]) -> Result<Proven<'a>, DocumentError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), trusted)?;
        let head = checkpoint.checkpoint.head();
        let mut streams: BTreeMap<&str, RangeInclusive<u64>> = BTreeMap::new();
        let mut next_leaf = 0;
        for (number, event) in (1..).zip(&self.events) {
            let ProvenEvent { leaf, stream, revision, path, .. } = event;
            if *leaf < next_leaf {
                return Err(DocumentError::Order { event: number, leaf: *leaf });
            }
            let payload = || DocumentError::Payload { event: number, stream: stream.clone(), revision: *revision };
            let hash = event.hash().ok_or_else(payload)?;
            verify_inclusion(hash, *leaf, path, head).map_err(|source| {
                let stream = stream.clone();
                DocumentError::NotInTheLog { event: number, stream, revision: *revision, source }
            })?;
            // From here on leaf and revision are what was sealed, and so small enough to count on.
            next_leaf = leaf + 1;
            let shown = streams.entry(stream).or_insert(*revision..=*revision);
            if *shown != (*revision..=*revision) {
                let expected = shown.end() + 1;
                if *revision != expected {
                    return Err(DocumentError::Gap { event: number, stream: stream.clone(), expected, actual: *revision });
                }
                *shown = *shown.start()..=*revision;
            }
        }
        if streams.is_empty() { Err(DocumentError::Empty) } else { Ok(Proven { checkpoint, streams }) }
    }
}

impl ProvenEvent {
    fn hash(&self) -> Option<Hash> {
        let Self { stream, revision, id, event_type, data, metadata, .. } = self;
        let (data, metadata) = (data.bytes()?, metadata.bytes()?);
        Some(Leaf { stream, revision: *revision, id: *id, event_type, data: &data, metadata: &metadata }.hash())
    }
}

impl Payload {
    /// The exact bytes, unless they are badly written.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Binary { base64 } => STANDARD.decode(base64).ok(),
        }
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary { base64: STANDARD.encode(bytes) },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{Frontier, Guard, Head, LogKeys, SigningKey, tree::naive::Remembered};

    struct Event(&'static str, u64, Vec<u8>);

    impl Event {
        fn leaf(&self) -> Leaf<'_> {
            let Self(stream, revision, data) = self;
            let id = Uuid::from_u128(u128::from(*revision) + 1);
            Leaf { stream, revision: *revision, id, event_type: "InvoiceIssued", data, metadata: b"{\"actor\":\"clerk\"}" }
        }
    }

    fn key() -> SigningKey {
        SigningKey::from_seed("daftar.example".parse().unwrap(), &[7; 32])
    }

    /// An invoice with an account's event between its own, among others.
    fn log() -> Vec<Event> {
        let other = |index| Event("meter-1", index, b"{}".to_vec());
        let invoice = |revision, data: &[u8]| Event("invoice-1", revision, data.to_vec());
        let mut log: Vec<_> = (0..20).map(other).collect();
        log.push(invoice(0, "{\"total\":\"10.50 ر.س\"}".as_bytes()));
        log.push(Event("account-1", 7, b"{\"charged\":1050}".to_vec()));
        log.extend((20..30).map(other));
        log.push(invoice(1, &[0xff, 0, 1]));
        log.push(invoice(2, b""));
        log.extend((30..40).map(other));
        log
    }

    fn proof_of(log: &[Event], indexes: &[usize]) -> DocumentProof {
        let leaves: Vec<_> = log.iter().map(|event| event.leaf().hash()).collect();
        let mut tree = Frontier::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        let head = Head { size: tree.size(), root: tree.root() };
        let note = Guard::new(None).admit(head, &[]).unwrap().sign(&LogKeys::new(vec![key()]).unwrap());
        let events = indexes.iter().map(|index| (*index as u64, log[*index].leaf()));
        DocumentProof::new(events, &mut Remembered::of(&leaves), head.size, &note).unwrap()
    }

    fn proof() -> DocumentProof {
        proof_of(&log(), &[20, 21, 32, 33])
    }

    fn check(json: &[u8]) -> Result<(), DocumentError> {
        DocumentProof::parse(json)?.check(&[key().verifying_key()]).map(drop)
    }

    #[test]
    fn a_document_is_proven_by_its_file_and_a_key() {
        let json = proof().to_json().unwrap();
        assert!(json.contains(r#""data": "{\"total\":\"10.50 ر.س\"}""#) && json.contains(r#""base64": "/wAB""#), "{json}");
        let proof = DocumentProof::parse(json.as_bytes()).unwrap();
        let trusted = [key().verifying_key()];
        let proven = proof.check(&trusted).unwrap();
        assert_eq!((proven.checkpoint.checkpoint.size(), &proven.checkpoint.signed_by), (44, &vec![&trusted[0]]));
        assert_eq!(proven.streams, BTreeMap::from([("account-1", 7..=7), ("invoice-1", 0..=2)]));
        assert_eq!(proof.events().iter().map(|event| event.leaf).collect::<Vec<_>>(), [20, 21, 32, 33]);
        assert_eq!(proof.events()[2].data.bytes().unwrap(), [0xff, 0, 1]);
    }

    /// Every figure one up, every character another, every field and hash gone, every field one too many.
    #[test]
    fn every_altered_field_is_found() {
        let proof = serde_json::to_value(proof()).unwrap();
        let mut altered = Vec::new();
        alter(&proof, &mut |value| altered.push(value));
        assert!(altered.len() > 1000);
        for value in altered {
            assert!(check(value.to_string().as_bytes()).is_err(), "{value:#}");
        }
    }

    /// All values that differ from this one in one place, but for whole events left out at the edges, which is no lie.
    fn alter(value: &Value, found: &mut dyn FnMut(Value)) {
        match value {
            Value::String(text) => {
                found(Value::Null);
                found(format!("{text} ").into());
                for (place, c) in text.char_indices() {
                    let to = if c == 'B' { 'C' } else { 'B' };
                    found([&text[..place], &to.to_string(), &text[place + c.len_utf8()..]].concat().into());
                }
            }
            Value::Number(number) => {
                found((number.as_u64().unwrap() + 1).into());
                found(Value::Number(number.as_u64().unwrap().wrapping_sub(1).into()));
            }
            Value::Array(values) => {
                for (place, item) in values.iter().enumerate() {
                    let with = |item: Option<Value>| {
                        values[..place].iter().cloned().chain(item).chain(values[place + 1..].iter().cloned()).collect()
                    };
                    alter(item, &mut |item| found(Value::Array(with(Some(item)))));
                    if item.is_string() {
                        found(Value::Array(with(None)));
                    }
                    found([values.as_slice(), std::slice::from_ref(item)].concat().into());
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    let with = |field: Option<Value>| {
                        let mut fields = fields.clone();
                        fields.remove(name);
                        fields.extend(field.map(|field| (name.clone(), field)));
                        Value::Object(fields)
                    };
                    alter(field, &mut |field| found(with(Some(field))));
                    found(with(None));
                }
                let mut more = fields.clone();
                more.insert("more".to_owned(), Value::Null);
                found(Value::Object(more));
            }
            Value::Null | Value::Bool(_) => panic!("a proof has none"),
        }
    }

    #[test]
    fn what_is_missing_or_out_of_order_is_named() {
        let trusted = [key().verifying_key()];
        let log = log();
        let error = |indexes: &[usize]| proof_of(&log, indexes).check(&trusted).unwrap_err();
        assert!(matches!(error(&[]), DocumentError::Empty));
        assert!(matches!(error(&[20, 33]), DocumentError::Gap { event: 2, expected: 1, actual: 2, .. }));
        assert!(matches!(error(&[20, 32, 32]), DocumentError::Order { event: 3, leaf: 32 }));
        assert!(matches!(error(&[32, 20]), DocumentError::Order { event: 2, leaf: 20 }));
        let mut altered = proof();
        altered.events[2].data = Payload::Text("{}".to_owned());
        let error = altered.check(&trusted).unwrap_err();
        assert_eq!(error.to_string(), "event 3 of the proof (revision 1 of `invoice-1`) is not in the log as it stands here");
        assert!(matches!(error, DocumentError::NotInTheLog { source: InclusionError::OtherRoot, .. }));
        altered.events[2].data = Payload::Binary { base64: "?".to_owned() };
        assert!(matches!(altered.check(&trusted), Err(DocumentError::Payload { event: 3, revision: 1, .. })));
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        assert!(matches!(check(b"{"), Err(DocumentError::NotAProof(_))));
        let other = proof().to_json().unwrap().replace(FORMAT, "daftar-proof/2");
        assert!(matches!(check(other.as_bytes()), Err(DocumentError::Format(format)) if format == "daftar-proof/2"));
        let stranger = SigningKey::from_seed("daftar.example".parse().unwrap(), &[8; 32]).verifying_key();
        assert!(matches!(proof().check(&[stranger]), Err(DocumentError::Checkpoint(OpenError::Signature(_)))));
    }
}
