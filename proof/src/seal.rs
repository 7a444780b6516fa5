//! Signing, and the one promise that makes a signature worth something: a log never contradicts itself.

use thiserror::Error;

use crate::{Checkpoint, ConsistencyError, Hash, Head, KeyName, Note, SigningKey, VerifyingKey, verify_consistency};

/// Remembers the last head that may have been signed, and lets through only what goes on from there.
#[derive(Clone, Debug)]
pub struct Guard {
    last: Option<Head>,
}

/// Why a head must not be signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Contradiction {
    #[error("at {size} leaves the root {signed} may have been signed, and {other} is another")]
    OtherRoot { size: u64, signed: Hash, other: Hash },
    #[error("the tree of {new} leaves is not shown to go on from the one of {old} that may have been signed")]
    NotAContinuation { old: u64, new: u64, source: ConsistencyError },
}

/// A head that may be signed as soon as it is remembered durably: a crash in between must not let another through.
#[derive(Debug)]
#[must_use = "a head is admitted in order to be remembered and signed"]
pub struct Intent {
    head: Head,
}

/// The keys of a log. While one takes over from another both sign, so that whoever knows either can read on.
#[derive(Clone, Debug)]
pub struct LogKeys {
    origin: KeyName,
    keys: Vec<SigningKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogKeysError {
    #[error("a log has at least one key")]
    None,
    #[error("the keys of a log have one name, and `{0}` is not `{1}`")]
    TwoNames(KeyName, KeyName),
}

impl Guard {
    /// With the head that was remembered last.
    pub fn new(remembered: Option<Head>) -> Self {
        Self { last: remembered }
    }

    /// Lets the head through if the proof shows it to go on from the last. The same head passes again, and needs no proof.
    pub fn admit(&mut self, head: Head, consistency: &[Hash]) -> Result<Intent, Contradiction> {
        if let Some(last) = self.last {
            if last.size == head.size && last.root != head.root {
                return Err(Contradiction::OtherRoot { size: head.size, signed: last.root, other: head.root });
            }
            verify_consistency(last, head, consistency).map_err(|source| Contradiction::NotAContinuation {
                old: last.size,
                new: head.size,
                source,
            })?;
        }
        self.last = Some(head);
        Ok(Intent { head })
    }
}

impl Intent {
    /// What to remember before signing.
    pub fn head(&self) -> Head {
        self.head
    }

    /// To be called when the head is remembered, and not before.
    pub fn sign(self, keys: &LogKeys) -> Note {
        Note::sign(Checkpoint::new(&keys.origin, self.head).to_string(), &keys.keys)
    }
}

impl LogKeys {
    pub fn new(keys: Vec<SigningKey>) -> Result<Self, LogKeysError> {
        let origin = keys.first().ok_or(LogKeysError::None)?.name().clone();
        match keys.iter().find(|key| *key.name() != origin) {
            Some(other) => Err(LogKeysError::TwoNames(other.name().clone(), origin)),
            None => Ok(Self { origin, keys }),
        }
    }

    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// What to make known: each is enough to check what all of them sign.
    pub fn verifying_keys(&self) -> Vec<VerifyingKey> {
        self.keys.iter().map(SigningKey::verifying_key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        prove_consistency,
        tree::naive::{self, Leaves, leaves},
    };

    fn head(leaves: &[Hash]) -> Head {
        Head { size: leaves.len() as u64, root: naive::root(leaves) }
    }

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name.parse().unwrap(), &[seed; 32])
    }

    #[test]
    fn a_log_that_grows_is_signed_and_again_at_the_same_size() {
        let leaves = leaves(20);
        let mut guard = Guard::new(None);
        let mut last = 0;
        for size in [0, 0, 1, 5, 5, 8, 20] {
            let proof = prove_consistency(&mut Leaves(&leaves), last, size).unwrap();
            let head = head(&leaves[..size as usize]);
            assert_eq!(guard.admit(head, &proof).unwrap().head(), head);
            assert_eq!(Guard::new(Some(head)).admit(head, &[]).unwrap().head(), head, "a restart may sign again what it remembers");
            last = size;
        }
    }

    #[test]
    fn two_roots_of_one_size_are_never_signed() {
        let (leaves, mut other) = (leaves(20), leaves(20));
        other[3] = Hash::of_leaf(b"rewritten");
        let (signed, rewritten) = (head(&leaves), head(&other));
        let error = Contradiction::OtherRoot { size: 20, signed: signed.root, other: rewritten.root };
        let mut guard = Guard::new(None);
        let _ = guard.admit(signed, &[]).unwrap();
        assert_eq!(guard.admit(rewritten, &[]).map(drop), Err(error.clone()));
        assert_eq!(Guard::new(Some(signed)).admit(rewritten, &[]).map(drop), Err(error));
        assert_eq!(guard.admit(signed, &[]).map(|intent| intent.head()), Ok(signed), "a refusal forgets nothing");
    }

    #[test]
    fn a_history_that_was_cut_or_rewritten_is_not_signed_again() {
        let (leaves, mut other) = (leaves(20), leaves(20));
        other[3] = Hash::of_leaf(b"rewritten");
        let signed = head(&leaves[..10]);
        let refusal = |new: Head, proof: &[Hash]| match Guard::new(Some(signed)).admit(new, proof) {
            Err(Contradiction::NotAContinuation { old: 10, source, .. }) => source,
            other => panic!("{other:?}"),
        };
        assert_eq!(refusal(head(&leaves[..9]), &[]), ConsistencyError::Shrunk { old: 10, new: 9 });
        let proof = prove_consistency(&mut Leaves(&other), 10, 20).unwrap();
        assert_eq!(refusal(head(&other), &proof), ConsistencyError::OtherOldRoot);
        assert!(matches!(refusal(head(&other), &[]), ConsistencyError::Length { .. }));
    }

    #[test]
    fn while_a_key_takes_over_both_sign() {
        let (old, new) = (key("daftar.example", 1), key("daftar.example", 2));
        let (old_public, new_public) = (old.verifying_key(), new.verifying_key());
        let keys = LogKeys::new(vec![new, old]).unwrap();
        let head = head(&leaves(7));
        let note = Guard::new(None).admit(head, &[]).unwrap().sign(&keys).to_string();
        for key in [old_public, new_public] {
            let trusted = [key];
            let opened = Checkpoint::open(note.as_bytes(), &trusted).unwrap();
            assert_eq!((opened.checkpoint.origin(), opened.checkpoint.head()), ("daftar.example", head));
            assert_eq!(opened.signed_by, [&trusted[0]]);
        }
    }

    #[test]
    fn a_log_has_keys_and_they_have_its_name() {
        assert_eq!(LogKeys::new(vec![]).map(drop), Err(LogKeysError::None));
        let error = LogKeysError::TwoNames("two.example".parse().unwrap(), "one.example".parse().unwrap());
        assert_eq!(LogKeys::new(vec![key("one.example", 1), key("two.example", 2)]).map(drop), Err(error));
    }
}
