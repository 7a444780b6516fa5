//! Events as they are kept: a payload, its schema, and the metadata written beside it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::StreamName;

/// Maps between an event in the code and its form on disk.
///
/// `(type, version)` chooses the payload struct. An old version stays readable for ever through a typed struct and a `From`;
/// a released name or field is never renamed.
pub trait EventSchema: Sized {
    fn event_type(&self) -> &'static str;
    fn version(&self) -> u16;
    /// The exact bytes that are stored and hashed.
    fn encode(&self) -> Vec<u8>;
    fn decode(event_type: &str, version: u16, data: &[u8]) -> Result<Self, DecodeError>;
}

/// Why stored bytes could not be read as an event. A reader that meets one stops; skipping is how a ledger loses money quietly.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("no reader for `{event_type}` version {version}")]
    Unknown { event_type: String, version: u16 },
    #[error("no aggregate keeps its events in `{category}`")]
    UnknownCategory { category: String },
    #[error("`{event_type}` version {version} does not have the form of its schema")]
    Malformed { event_type: String, version: u16, source: serde_json::Error },
    #[error("the metadata does not have the form of its schema")]
    MalformedMetadata { source: serde_json::Error },
}

impl DecodeError {
    pub fn unknown(event_type: &str, version: u16) -> Self {
        Self::Unknown { event_type: event_type.to_owned(), version }
    }
}

/// The stored form of a payload.
pub fn write<T: Serialize>(payload: &T) -> Vec<u8> {
    serde_json::to_vec(payload).expect("a payload is plain data with string keys, which always serialises")
}

/// A payload from its stored form, for the arms of [`EventSchema::decode`].
pub fn read<T: DeserializeOwned>(event_type: &str, version: u16, data: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(data).map_err(|source| DecodeError::Malformed { event_type: event_type.to_owned(), version, source })
}

/// Where an event stands in the one order that every reader sees.
///
/// EventStoreDB's positions have two halves and a checkpoint that keeps only one can skip an event, so both are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub commit: u64,
    pub prepare: u64,
}

impl Position {
    /// Of a log whose events have a single number.
    pub const fn single(number: u64) -> Self {
        Self { commit: number, prepare: number }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.commit == self.prepare { write!(f, "{}", self.commit) } else { write!(f, "{}/{}", self.commit, self.prepare) }
    }
}

/// Who wished it: `user:<id>`, `policy:<name>`, `job:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    pub fn user(id: impl fmt::Display) -> Self {
        Self(format!("user:{id}"))
    }

    pub fn policy(name: &str) -> Self {
        Self(format!("policy:{name}"))
    }

    pub fn job(name: &str) -> Self {
        Self(format!("job:{name}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The content of a command, so that a retry can be told from another wish under the same idempotency key.
///
/// Personal data reaches a command sealed, and sealing is deterministic within an account, so the hash reveals nothing and is
/// the same at every retry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CommandHash([u8; 16]);

impl CommandHash {
    pub fn of<C: Serialize>(command: &C) -> Self {
        let digest = Sha256::digest(write(command));
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }
}

impl fmt::Display for CommandHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for CommandHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for CommandHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommandHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| text.len() == 32);
        let number = number.ok_or_else(|| serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &"32 hexadecimal digits"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// What is written beside every event, as JSON, by the process that appends it.
///
/// The two `$` names are the ones EventStoreDB's own tools follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Never before its predecessor's in the stream, even if a clock was set back.
    pub recorded_at: DateTime<Utc>,
    pub actor: Actor,
    pub command_id: Uuid,
    pub command_hash: CommandHash,
    #[serde(rename = "$correlationId")]
    pub correlation_id: Uuid,
    #[serde(rename = "$causationId")]
    pub causation_id: Uuid,
    pub schema_version: u16,
}

impl Metadata {
    pub fn encode(&self) -> Vec<u8> {
        write(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(bytes).map_err(|source| DecodeError::MalformedMetadata { source })
    }
}

/// A fact with everything the log knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<E> {
    pub id: Uuid,
    pub stream: StreamName,
    pub revision: u64,
    pub position: Position,
    pub metadata: Metadata,
    pub event: E,
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            recorded_at: DateTime::from_timestamp(1_700_000_000, 5_000).unwrap(),
            actor: Actor::user("7"),
            command_id: Uuid::from_u128(1),
            command_hash: CommandHash::of(&"wish"),
            correlation_id: Uuid::from_u128(2),
            causation_id: Uuid::from_u128(3),
            schema_version: 1,
        }
    }

    #[test]
    fn metadata_keeps_the_names_that_event_store_tools_follow() {
        expect![[r#"{"recorded_at":"2023-11-14T22:13:20.000005Z","actor":"user:7","command_id":"00000000-0000-0000-0000-000000000001","command_hash":"719109a9979488ba8121bb49aedd894d","$correlationId":"00000000-0000-0000-0000-000000000002","$causationId":"00000000-0000-0000-0000-000000000003","schema_version":1}"#]]
        .assert_eq(std::str::from_utf8(&metadata().encode()).unwrap());
    }

    #[test]
    fn metadata_survives_the_disk() {
        assert_eq!(Metadata::decode(&metadata().encode()).unwrap(), metadata());
    }

    #[test]
    fn a_command_hash_that_is_not_one_is_refused() {
        for text in ["\"c953\"", "\"zz5308d85cef1b7e4da1eb76f2aa2a14\"", "7"] {
            assert!(serde_json::from_str::<CommandHash>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn positions_order_by_commit_then_prepare() {
        assert!(Position { commit: 2, prepare: 1 } > Position { commit: 1, prepare: 1 });
        assert!(Position { commit: 2, prepare: 2 } > Position { commit: 2, prepare: 1 });
    }
}
