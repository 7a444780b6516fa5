//! The key that wraps all others. A port, so that a key service can take the place of a file.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use async_trait::async_trait;
use rand::{TryRngCore, rngs::OsRng};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::seal::{AccountKey, Owner, hmac};

/// Wraps the keys of accounts, and unwraps them.
#[async_trait]
pub trait MasterKey: Send + Sync + 'static {
    /// Tells this key from another without revealing it.
    fn id(&self) -> String;

    async fn wrap(&self, key: &AccountKey, owner: Owner) -> Result<Vec<u8>, MasterKeyError>;

    async fn unwrap(&self, wrapped: &[u8], owner: Owner) -> Result<AccountKey, MasterKeyError>;
}

#[derive(Debug, Error)]
pub enum MasterKeyError {
    #[error("the master key file {} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the master key file {} cannot be created", path.display())]
    Uncreatable { path: PathBuf, source: io::Error },
    #[error("the master key file {} must hold 32 bytes, not {length}", path.display())]
    BadLength { path: PathBuf, length: usize },
    #[error("the master key file {} can be read by others: `chmod 600` it", path.display())]
    TooOpen { path: PathBuf },
    #[error("a key of account {} was not wrapped by this master key", owner.account)]
    NotOurs { owner: Owner },
    #[error("the key service cannot be reached")]
    Unavailable { source: crate::port::Source },
}

/// A master key in a file: 32 bytes that only its owner may read.
pub struct LocalMasterKey(Zeroizing<[u8; 32]>);

impl LocalMasterKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let unreadable = |source| MasterKeyError::Unreadable { path: path.to_owned(), source };
        if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
            return Err(MasterKeyError::TooOpen { path: path.to_owned() });
        }
        let bytes = Zeroizing::new(fs::read(path).map_err(unreadable)?);
        match <[u8; 32]>::try_from(&bytes[..]) {
            Ok(key) => Ok(Self::new(key)),
            Err(_) => Err(MasterKeyError::BadLength { path: path.to_owned(), length: bytes.len() }),
        }
    }

    /// The key of the file; a new one if there is no file yet.
    pub fn read_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        let uncreatable = |source| MasterKeyError::Uncreatable { path: path.to_owned(), source };
        if !path.try_exists().map_err(uncreatable)? {
            // Complete or absent: whoever reads it while it is being made must not find half a key.
            let unfinished = path.with_extension(format!("{}.new", std::process::id()));
            let made = write_private(&unfinished, &random()).and_then(|()| match fs::hard_link(&unfinished, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            });
            let removed = fs::remove_file(&unfinished);
            made.and(removed).map_err(uncreatable)?;
        }
        Self::read(path)
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new((&*self.0).into())
    }
}

#[async_trait]
impl MasterKey for LocalMasterKey {
    fn id(&self) -> String {
        hmac(&*self.0, b"daftar master key id")[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    async fn wrap(&self, key: &AccountKey, owner: Owner) -> Result<Vec<u8>, MasterKeyError> {
        let nonce: [u8; 12] = *random().first_chunk().expect("32 bytes have a first 12");
        let aad = owner.bound_to("daftar wrapped v1");
        let wrapped = self.cipher().encrypt(&Nonce::from(nonce), Payload { msg: &key[..], aad: &aad }).expect("a key is short");
        Ok([&nonce[..], &wrapped].concat())
    }

    async fn unwrap(&self, wrapped: &[u8], owner: Owner) -> Result<AccountKey, MasterKeyError> {
        let aad = owner.bound_to("daftar wrapped v1");
        let unwrap = || {
            let (nonce, msg) = wrapped.split_first_chunk::<12>()?;
            let mut key = self.cipher().decrypt(&Nonce::from(*nonce), Payload { msg, aad: &aad }).ok()?;
            let unwrapped = <[u8; 32]>::try_from(&key[..]).ok().map(Zeroizing::new);
            key.zeroize();
            unwrapped
        };
        unwrap().ok_or(MasterKeyError::NotOurs { owner })
    }
}

impl std::fmt::Debug for LocalMasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalMasterKey({})", self.id())
    }
}

/// From the operating system, since a key outlives any generator's state.
pub(super) fn random() -> AccountKey {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.try_fill_bytes(&mut bytes[..]).expect("an operating system that gives no random bytes cannot keep a secret");
    bytes
}

fn write_private(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("master.key");
        let id = LocalMasterKey::read_or_create(&path).unwrap().id();
        assert_eq!(LocalMasterKey::read_or_create(&path).unwrap().id(), id);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_file_that_is_missing_short_or_open_to_others_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("master.key");
        let refusal = || LocalMasterKey::read(&path).unwrap_err().to_string().replace(home.path().to_str().unwrap(), "home");
        assert_eq!(refusal(), "the master key file home/master.key cannot be read");
        fs::write(&path, [1; 31]).unwrap();
        assert_eq!(refusal(), "the master key file home/master.key can be read by others: `chmod 600` it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(refusal(), "the master key file home/master.key must hold 32 bytes, not 31");
    }
}
