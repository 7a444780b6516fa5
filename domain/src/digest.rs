use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of something's stored form, so that the thing can be recognised without being kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What the SHA-256 of bytes has come to that are kept elsewhere.
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    pub fn of<T: Serialize>(content: &T) -> Self {
        Self(Sha256::digest(crate::write(content)).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A bill run writes one for each invoice: by halves, and not by a format call for each byte.
        let (halves, _) = self.0.as_chunks::<16>();
        halves.iter().try_for_each(|half| write!(f, "{:032x}", u128::from_be_bytes(*half)))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &"64 hexadecimal digits"))
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, index) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[index..index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_the_disk_and_what_is_none_is_refused() {
        let digest = Digest::of(&"دفتر");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert_ne!(digest, Digest::of(&"دفتر "));
        for text in [&json.to_uppercase(), "\"\"", "\"ff\"", &format!("\"{}\"", "é".repeat(32)), &format!("\"{}\"", "+f".repeat(32))] {
            assert!(serde_json::from_str::<Digest>(text).is_err(), "{text}");
        }
    }
}
