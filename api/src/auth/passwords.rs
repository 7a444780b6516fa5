//! Passwords: hashed with Argon2id, a few at a time and never on a thread that serves requests.

use std::{sync::Arc, thread};

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use rand::{Rng, TryRngCore, rngs::OsRng};
use tokio::{sync::Semaphore, task::spawn_blocking};
use zeroize::Zeroizing;

use crate::problem::{Flaw, Problem};

const SHORTEST: usize = 10;
/// Longer than any that is remembered; hashing what is far longer would be work for nothing.
const LONGEST: usize = 200;

/// A password in the open. It shows nothing in logs and leaves nothing in memory.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// As somebody typed it to get in: whether it is any good was asked when it was chosen.
    pub fn typed(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// As somebody wants it to be from now on.
    pub fn chosen(field: &'static str, text: String) -> Result<Self, Problem> {
        let flaw = match text.chars().count() {
            length if length < SHORTEST => Flaw::TooShort { shortest: SHORTEST },
            length if length > LONGEST => Flaw::TooLong { longest: LONGEST },
            _ => return Ok(Self::typed(text)),
        };
        Err(Problem::invalid(field, flaw))
    }

    /// Made up, to be changed by whoever it is for: letters and digits that are not taken for each other, 115 bits.
    pub fn generated() -> Self {
        const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let mut random = OsRng.unwrap_err();
        Self::typed((0..20).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Hashes and verifies. Each takes 19 MiB and a core for a while, so that only as many run as there are cores.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Semaphore>);

impl Passwords {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))))
    }

    pub async fn hash(&self, password: &Password) -> Result<String, Problem> {
        let password = password.clone();
        self.run(move || {
            let mut salt = [0; 16];
            OsRng.try_fill_bytes(&mut salt).map_err(|error| Problem::Internal(error.into()))?;
            let hash = Argon2::default().hash_password_with_salt(password.reveal().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Problem::Internal(error.into()))
        })
        .await
    }

    /// Whether it is the password of this hash. Without one the same work is done for nothing: how long an answer takes must not say
    /// whether somebody is there.
    pub async fn verify(&self, password: &Password, hash: Option<String>) -> Result<bool, Problem> {
        // Of the same parameters as those that are made here, and of no password that anybody knows.
        const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdC4uLg$TpOFvJtGcjKuyRwvbAkOqKBGrk2qmDFAFgAtCXn3xsI";
        let password = password.clone();
        self.run(move || {
            let verified = Argon2::default().verify_password(password.reveal().as_bytes(), hash.as_deref().unwrap_or(NOBODYS));
            Ok(verified.is_ok() && hash.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
        // Held by the work itself: who stops waiting does not make room for more.
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|error| Problem::Internal(error.into()))?;
        let done = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|error| Problem::Internal(error.into()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let passwords = Passwords::new();
        let right = Password::typed("the right one".to_owned());
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash(&right).await.unwrap(), "each has a salt of its own");
        assert!(passwords.verify(&right, Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(&Password::typed("the wrong one".to_owned()), Some(hash)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
    }

    #[test]
    fn a_password_shows_nothing_in_logs_and_a_short_one_is_not_taken() {
        assert_eq!(format!("{:?}", Password::generated()), "Password(…)");
        assert_eq!(Password::generated().reveal().len(), 20);
        assert_ne!(Password::generated().reveal(), Password::generated().reveal());
        assert!(Password::chosen("newPassword", "nine char".to_owned()).is_err());
        assert!(Password::chosen("newPassword", "ten chars!".to_owned()).is_ok());
    }
}
