//! Personal data as the domain sees it: present, comparable, unreadable.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which of an account's two keys sealed a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SealedFor {
    /// Names, phones, addresses for daily use: forgotten at once when the person asks.
    Contact,
    /// Identity on tax documents: kept until the law's years have passed.
    Legal,
}

/// A ciphertext and a keyed fingerprint of its clear text.
///
/// Rules never need the clear text. They do need to know whether two values are the same, and that is what the fingerprint says:
/// equality compares it and nothing else. Deleting the key forgets the person and leaves every hash of the log valid.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sealed {
    key: SealedFor,
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    ciphertext: Vec<u8>,
    #[serde(serialize_with = "to_base64", deserialize_with = "fingerprint_from_base64")]
    fingerprint: [u8; 16],
}

impl Sealed {
    pub fn new(key: SealedFor, ciphertext: Vec<u8>, fingerprint: [u8; 16]) -> Self {
        Self { key, ciphertext, fingerprint }
    }

    pub fn key(&self) -> SealedFor {
        self.key
    }

    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    pub fn fingerprint(&self) -> &[u8; 16] {
        &self.fingerprint
    }
}

impl PartialEq for Sealed {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.fingerprint == other.fingerprint
    }
}

impl Eq for Sealed {}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({:?})", self.key)
    }
}

fn to_base64<S: Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD_NO_PAD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn fingerprint_from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
    let bytes = from_base64(deserializer)?;
    <[u8; 16]>::try_from(bytes).map_err(|bytes| serde::de::Error::invalid_length(bytes.len(), &"16 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sameness_is_the_fingerprint_not_the_ciphertext() {
        let sealed = |ciphertext: u8, fingerprint: u8| Sealed::new(SealedFor::Contact, vec![ciphertext], [fingerprint; 16]);
        assert_eq!(sealed(1, 9), sealed(2, 9));
        assert_ne!(sealed(1, 9), sealed(1, 8));
        assert_ne!(sealed(1, 9), Sealed::new(SealedFor::Legal, vec![1], [9; 16]));
    }

    #[test]
    fn a_sealed_value_survives_the_disk_and_shows_nothing_in_logs() {
        let sealed = Sealed::new(SealedFor::Contact, vec![1, 2, 255], [7; 16]);
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(json, r#"{"key":"contact","ciphertext":"AQL/","fingerprint":"BwcHBwcHBwcHBwcHBwcHBw"}"#);
        let back: Sealed = serde_json::from_str(&json).unwrap();
        assert_eq!((back.ciphertext(), back.fingerprint()), (sealed.ciphertext(), sealed.fingerprint()));
        assert_eq!(format!("{sealed:?}"), "Sealed(Contact)");
        assert!(serde_json::from_str::<Sealed>(r#"{"key":"contact","ciphertext":"AQL/","fingerprint":"Bw"}"#).is_err());
    }
}
