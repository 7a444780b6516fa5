//! SHA-256 as RFC 6962 uses it: a leaf and a node differ in their first byte, so that neither passes for the other.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub const HASH_BYTES: usize = 32;

const LEAF: u8 = 0;
const NODE: u8 = 1;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hash(pub [u8; HASH_BYTES]);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not the base64 of {HASH_BYTES} bytes")]
pub struct NotAHash(String);

impl Hash {
    /// The root of the tree without leaves: the hash of no bytes at all.
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    pub fn of_leaf(entry: &[u8]) -> Self {
        let mut leaf = LeafHasher::new();
        leaf.update(entry);
        leaf.finish()
    }

    pub fn of_node(left: Self, right: Self) -> Self {
        let mut node = [NODE; 1 + 2 * HASH_BYTES];
        node[1..=HASH_BYTES].copy_from_slice(&left.0);
        node[1 + HASH_BYTES..].copy_from_slice(&right.0);
        Self(Sha256::digest(node).into())
    }

    /// Hashes written one after the other, as a tile has them. `None` if the last is not whole.
    pub fn all_of(bytes: &[u8]) -> Option<Vec<Self>> {
        let (hashes, rest) = bytes.as_chunks();
        rest.is_empty().then(|| hashes.iter().copied().map(Self).collect())
    }
}

/// The hash of a leaf whose entry comes in pieces.
pub(crate) struct LeafHasher(Sha256);

impl LeafHasher {
    pub(crate) fn new() -> Self {
        Self(Sha256::new_with_prefix([LEAF]))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| NotAHash(text.to_owned()))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Self, NotAHash> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_text() {
        let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Hash::of_nothing().to_string(), text);
        assert_eq!(text.parse(), Ok(Hash::of_nothing()));
        let not_its_text = ["", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", " ", "AAAA"];
        for other in not_its_text {
            assert_eq!(other.parse::<Hash>(), Err(NotAHash(other.to_owned())));
        }
    }

    /// Two nodes' hashes, entered as a leaf, must not have the hash of the node above them.
    #[test]
    fn a_leaf_never_passes_for_a_node() {
        let (left, right) = (Hash::of_leaf(b"left"), Hash::of_leaf(b"right"));
        assert_ne!(Hash::of_node(left, right), Hash::of_leaf(&[left.0, right.0].concat()));
        assert_ne!(Hash::of_node(left, right), Hash::of_node(right, left));
    }
}
