//! Keys that sign notes, in the text forms that Go's `note` package gave them: `<name>+<id>+<key>`.
//!
//! The name of a log's key is the log's origin. The id is the beginning of a hash of name and key, so that it tells keys of one name apart.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The type of a signature that C2SP's `signed-note` calls Ed25519.
const ED25519: u8 = 1;

const PRIVATE: &str = "PRIVATE+KEY+";

/// What a checkpoint is checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: KeyName,
    key: ed25519_dalek::VerifyingKey,
}

/// What a checkpoint is signed with. It is wiped from memory when it is dropped, and shows nothing of itself in logs.
#[derive(Clone)]
pub struct SigningKey {
    name: KeyName,
    key: ed25519_dalek::SigningKey,
}

/// Not empty, and without spaces, `+` or control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("a key's name is not empty and has no spaces, `+` or control characters: `{0}`")]
    Name(String),
    #[error("a key for checking is written `<name>+<id>+<base64>`")]
    PublicForm,
    #[error("a key for signing is written `{PRIVATE}<name>+<id>+<base64>`")]
    PrivateForm,
    #[error("the key of `{name}` is not base64")]
    Base64 { name: KeyName },
    #[error("the key of `{name}` is of type {kind}, and only Ed25519 ({ED25519}) is understood")]
    Kind { name: KeyName, kind: u8 },
    #[error("the key of `{name}` is not one of Ed25519")]
    NotAKey { name: KeyName },
    #[error("the key of `{name}` has the id {actual:08x}, not {written}: a character of it was altered")]
    Id { name: KeyName, written: String, actual: u32 },
}

impl VerifyingKey {
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    pub fn id(&self) -> u32 {
        let mut hasher = Sha256::new();
        hasher.update(self.name.0.as_bytes());
        hasher.update([b'\n', ED25519]);
        hasher.update(self.key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Strict: no signature has a second form, and none holds for two texts.
    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl SigningKey {
    /// From 32 random bytes, which whoever calls has to have drawn.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        Self { name, key: ed25519_dalek::SigningKey::from_bytes(seed) }
    }

    pub fn name(&self) -> &KeyName {
        &self.name
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The form in which it is kept in a file: a secret.
    pub fn to_secret_text(&self) -> String {
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        format!("{PRIVATE}{}+{:08x}+{key}", self.name, self.verifying_key().id())
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; Signature::BYTE_SIZE] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, self.id())
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, bytes) = parts(text, KeyError::PublicForm)?;
        let not_a_key = || KeyError::NotAKey { name: name.clone() };
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| not_a_key())?;
        // Under a weak key one signature would hold for many texts.
        if key.is_weak() {
            return Err(not_a_key());
        }
        let key = Self { name, key };
        check_id(&key, id)?;
        Ok(key)
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, seed) = parts(text.strip_prefix(PRIVATE).ok_or(KeyError::PrivateForm)?, KeyError::PrivateForm)?;
        let key = Self::from_seed(name, &seed);
        check_id(&key.verifying_key(), id)?;
        Ok(key)
    }
}

fn parts(text: &str, form: KeyError) -> Result<(KeyName, &str, [u8; 32]), KeyError> {
    let (name, rest) = text.split_once('+').ok_or(form.clone())?;
    let (id, key) = rest.split_once('+').ok_or(form)?;
    let name: KeyName = name.parse()?;
    let bytes = STANDARD.decode(key).map_err(|_| KeyError::Base64 { name: name.clone() })?;
    match bytes.split_first() {
        Some((&ED25519, key)) => {
            let key = key.try_into().map_err(|_| KeyError::NotAKey { name: name.clone() })?;
            Ok((name, id, key))
        }
        Some((&kind, _)) => Err(KeyError::Kind { name, kind }),
        None => Err(KeyError::NotAKey { name }),
    }
}

fn check_id(key: &VerifyingKey, written: &str) -> Result<(), KeyError> {
    let actual = key.id();
    if written == format!("{actual:08x}") {
        Ok(())
    } else {
        Err(KeyError::Id { name: key.name.clone(), written: written.to_owned(), actual })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying_key())
    }
}

impl KeyName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let is_bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.contains(is_bad) { Err(KeyError::Name(text.to_owned())) } else { Ok(Self(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed("daftar.example/books".parse().unwrap(), &[7; 32])
    }

    #[test]
    fn a_key_survives_its_text() {
        let verifying = key().verifying_key();
        assert_eq!(verifying.to_string().parse(), Ok(verifying.clone()));
        let signing: SigningKey = key().to_secret_text().parse().unwrap();
        assert_eq!(signing.verifying_key(), verifying);
        assert_eq!(signing.to_secret_text(), key().to_secret_text());
    }

    /// The pair in the documentation of Go's `note` package.
    #[test]
    fn keys_are_written_as_go_writes_them() {
        let private = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let key: SigningKey = private.parse().unwrap();
        assert_eq!(key.to_secret_text(), private);
        assert_eq!(key.verifying_key().to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    }

    #[test]
    fn a_key_is_no_secret_in_a_log() {
        assert_eq!(format!("{:?}", key()), format!("SigningKey({})", key().verifying_key()));
    }

    #[test]
    fn every_altered_character_of_a_key_is_found() {
        let (public, private) = (key().verifying_key().to_string(), key().to_secret_text());
        for place in 0..private.len() {
            for to in ['A', 'b', '7', '+', ' ', 'é'] {
                let alter = |text: &str| text.chars().enumerate().map(|(at, c)| if at == place { to } else { c }).collect::<String>();
                if alter(&public) != public {
                    assert!(alter(&public).parse::<VerifyingKey>().is_err(), "{}", alter(&public));
                }
                if alter(&private) != private {
                    assert!(alter(&private).parse::<SigningKey>().is_err());
                }
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason() {
        let name: KeyName = "n".parse().unwrap();
        let of = |bytes: &[u8]| format!("n+00000000+{}", STANDARD.encode(bytes));
        let cases = [
            ("n".to_owned(), KeyError::PublicForm),
            ("n+00000000".to_owned(), KeyError::PublicForm),
            ("+00000000+AA==".to_owned(), KeyError::Name(String::new())),
            ("a b+00000000+AA==".to_owned(), KeyError::Name("a b".to_owned())),
            ("n+00000000+A".to_owned(), KeyError::Base64 { name: name.clone() }),
            (of(&[]), KeyError::NotAKey { name: name.clone() }),
            (of(&[1; 32]), KeyError::NotAKey { name: name.clone() }),
            (of(&[4; 33]), KeyError::Kind { name: name.clone(), kind: 4 }),
            (of(&[&[1], [0; 32].as_slice()].concat()), KeyError::NotAKey { name: name.clone() }),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<VerifyingKey>(), Err(error), "{text}");
        }
        assert_eq!(key().verifying_key().to_string().parse::<SigningKey>().map(drop), Err(KeyError::PrivateForm));
    }
}
