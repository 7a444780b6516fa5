//! User names: one spelling each, found by a fingerprint that says nothing without the key.

use std::sync::Arc;

use daftar_store::keyring::AccountKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::problem::{Flaw, Problem};

const SHORTEST: usize = 3;
const LONGEST: usize = 64;

/// A user's name as people type it, made one: without blanks around it, in lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    pub fn new(text: &str) -> Result<Self, Problem> {
        let name = text.trim().to_lowercase();
        let flaw = match name.chars().count() {
            0 => Flaw::Blank,
            length if length < SHORTEST => Flaw::TooShort { shortest: SHORTEST },
            length if length > LONGEST => Flaw::TooLong { longest: LONGEST },
            _ if name.chars().any(|c| c.is_control() || c.is_whitespace()) => Flaw::NotAUserName,
            _ => return Ok(Self(name)),
        };
        Err(Problem::invalid("userName", flaw))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserName(…)")
    }
}

#[derive(Clone)]
pub struct Names(Arc<AccountKey>);

impl Names {
    pub fn new(key: AccountKey) -> Self {
        Self(Arc::new(key))
    }

    pub fn fingerprint(&self, name: &UserName) -> [u8; 16] {
        self.digest(name.as_str())
    }

    /// Of anything else that is to be found or compared, and not kept.
    pub fn digest(&self, text: &str) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&**self.0).expect("a key of any length will do");
        mac.update(text.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        std::array::from_fn(|index| digest[index])
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_fingerprint_however_it_is_typed() {
        let names = Names::new([7; 32].into());
        let of = |text: &str| names.fingerprint(&UserName::new(text).unwrap());
        assert_eq!(of("Noura.Q"), of(" noura.q "));
        assert_eq!(of("نورة"), of("نورة "));
        assert_ne!(of("noura.q"), of("noura.k"));
        assert_ne!(of("noura.q"), Names::new([8; 32].into()).fingerprint(&UserName::new("noura.q").unwrap()));
        for nonsense in ["", "ab", "two words", "a\nb", &"a".repeat(65)] {
            assert!(UserName::new(nonsense).is_err(), "{nonsense:?}");
        }
    }
}
