//! Sealing one value with one account's key: the same clear text gives the same bytes, so that a retried command hashes the same.

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use daftar_domain::{Sealed, SealedFor, ids::AccountId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::ClearText;

/// A key as it is kept, wrapped; in the open only for as long as a value is being sealed or opened.
pub type AccountKey = Zeroizing<[u8; 32]>;

/// Whose key, and which of the two: bound into everything the key seals and into its own wrapping, so that neither can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub account: AccountId,
    pub purpose: SealedFor,
}

impl Owner {
    pub fn purpose_name(self) -> &'static str {
        match self.purpose {
            SealedFor::Contact => "contact",
            SealedFor::Legal => "legal",
        }
    }

    /// A label, the account's sixteen bytes and the purpose: unambiguous, because only the last part varies in length.
    pub fn bound_to(self, label: &str) -> Vec<u8> {
        [label.as_bytes(), &[0], Uuid::from(self.account).as_bytes(), self.purpose_name().as_bytes()].concat()
    }
}

pub fn seal(key: &AccountKey, owner: Owner, clear: &str) -> Sealed {
    let fingerprint = fingerprint(key, clear);
    let (msg, aad) = (clear.as_bytes(), associated_data(owner, &fingerprint));
    let ciphertext = cipher(key)
        .encrypt(&nonce(&fingerprint), Payload { msg, aad: &aad })
        .expect("a value that was held in memory is shorter than the cipher's limit");
    Sealed::new(owner.purpose, ciphertext, fingerprint)
}

/// Nothing if the bytes are not what this key sealed for this owner.
pub fn open(key: &AccountKey, owner: Owner, sealed: &Sealed) -> Option<ClearText> {
    let aad = associated_data(owner, sealed.fingerprint());
    let clear = cipher(key).decrypt(&nonce(sealed.fingerprint()), Payload { msg: sealed.ciphertext(), aad: &aad }).ok()?;
    String::from_utf8(clear).ok().map(ClearText::new)
}

/// Says whether two values of one account are the same, and nothing to whoever lacks the key.
fn fingerprint(key: &AccountKey, clear: &str) -> [u8; 16] {
    let digest = hmac(&*derived(key, "daftar sealed v1 fingerprint"), clear.as_bytes());
    std::array::from_fn(|index| digest[index])
}

/// The cipher stands a repeated nonce: it would show that two values are equal, which the fingerprint says anyway.
fn nonce(fingerprint: &[u8; 16]) -> Nonce {
    Nonce::from(std::array::from_fn::<u8, 12, _>(|index| fingerprint[index]))
}

fn associated_data(owner: Owner, fingerprint: &[u8; 16]) -> Vec<u8> {
    [&owner.bound_to("daftar sealed v1")[..], fingerprint].concat()
}

fn cipher(key: &AccountKey) -> Aes256GcmSiv {
    Aes256GcmSiv::new((&*derived(key, "daftar sealed v1 cipher")).into())
}

/// One key never does two jobs.
pub(super) fn derived(key: &AccountKey, job: &str) -> AccountKey {
    hmac(&**key, job.as_bytes())
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> AccountKey {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> AccountKey {
        Zeroizing::new([byte; 32])
    }

    fn owner(account: u128, purpose: SealedFor) -> Owner {
        Owner { account: AccountId::new(Uuid::from_u128(account)), purpose }
    }

    /// Sealed values are in the log for ever: a change here would make them unreadable, and every retry a different command.
    #[test]
    fn sealing_never_changes() {
        let sealed = seal(&key(7), owner(1, SealedFor::Contact), "ليلى حداد");
        expect_test::expect![[
            r#"{"key":"contact","ciphertext":"lk2kgwO+Cc4I8gVhXVbqLuzmojI95A6QZIB63KvKOI7g","fingerprint":"rGLRrAys68x3NsmCOupmgg"}"#
        ]]
        .assert_eq(&serde_json::to_string(&sealed).unwrap());
    }

    #[test]
    fn what_was_sealed_opens_and_the_same_text_seals_to_the_same_bytes() {
        let owner = owner(1, SealedFor::Contact);
        let (one, again, other) = (seal(&key(7), owner, "Layla"), seal(&key(7), owner, "Layla"), seal(&key(7), owner, "Leyla"));
        assert_eq!(open(&key(7), owner, &one).unwrap().reveal(), "Layla");
        assert_eq!((one.ciphertext(), one.fingerprint()), (again.ciphertext(), again.fingerprint()));
        assert_ne!(one, other);
        assert_ne!(one, seal(&key(8), owner, "Layla"), "fingerprints of two accounts cannot be compared");
    }

    #[test]
    fn nothing_opens_under_another_key_owner_or_fingerprint() {
        let mine = owner(1, SealedFor::Contact);
        let sealed = seal(&key(7), mine, "Layla");
        assert!(open(&key(8), mine, &sealed).is_none());
        assert!(open(&key(7), owner(2, SealedFor::Contact), &sealed).is_none());
        assert!(open(&key(7), owner(1, SealedFor::Legal), &sealed).is_none());
        let mut last_byte_changed = *sealed.fingerprint();
        last_byte_changed[15] ^= 1;
        let altered = Sealed::new(SealedFor::Contact, sealed.ciphertext().to_vec(), last_byte_changed);
        assert!(open(&key(7), mine, &altered).is_none());
    }
}
