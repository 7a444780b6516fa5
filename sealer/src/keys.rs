//! The keys that sign checkpoints: a line each in a file that nobody else can read, the newest first. All of them sign, so that whoever trusts an
//! older one can read on while the new one is made known.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use daftar_proof::{KeyError, KeyName, LogKeys, LogKeysError, SigningKey};
use rand::{TryRngCore, rngs::OsRng};
use thiserror::Error;
use zeroize::Zeroizing;

#[derive(Debug, Error)]
pub enum KeyFileError {
    #[error("the seal's key file {} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the seal's key file {} cannot be written", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("the seal's key file {} can be read by others: `chmod 600` it", path.display())]
    TooOpen { path: PathBuf },
    #[error("key {number} of the seal")]
    Key { number: usize, source: KeyError },
    #[error("the seal has no keys that can sign together")]
    Keys(#[from] LogKeysError),
}

/// Keys as the file or an environment variable has them, with white space between.
pub fn parse(text: &str) -> Result<LogKeys, KeyFileError> {
    Ok(LogKeys::new(signing(text)?)?)
}

fn signing(text: &str) -> Result<Vec<SigningKey>, KeyFileError> {
    let keys = text.split_whitespace().zip(1..);
    keys.map(|(key, number)| key.parse().map_err(|source| KeyFileError::Key { number, source })).collect()
}

pub fn read(path: &Path) -> Result<LogKeys, KeyFileError> {
    parse(&text(path)?)
}

/// The keys of the file; a new one of this name if there is no file yet.
pub fn read_or_create(path: &Path, origin: &KeyName) -> Result<LogKeys, KeyFileError> {
    if !path.try_exists().map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })? {
        write(path, &[new_key(origin)], true)?;
    }
    read(path)
}

/// Has a new key sign beside those there are. Whoever seals takes it up when it is started anew.
pub fn rotate(path: &Path) -> Result<LogKeys, KeyFileError> {
    let mut keys = signing(&text(path)?)?;
    let origin = keys.first().ok_or(LogKeysError::None)?.name().clone();
    keys.insert(0, new_key(&origin));
    write(path, &keys, false)?;
    read(path)
}

/// Leaves the newest key to sign alone.
pub fn retire(path: &Path) -> Result<LogKeys, KeyFileError> {
    let mut keys = signing(&text(path)?)?;
    keys.truncate(1);
    write(path, &keys, false)?;
    read(path)
}

fn text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let unreadable = |source| KeyFileError::Unreadable { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.to_owned() });
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)
}

/// From the operating system, since a key outlives any generator's state.
fn new_key(origin: &KeyName) -> SigningKey {
    let mut seed = Zeroizing::new([0; 32]);
    OsRng.try_fill_bytes(&mut seed[..]).expect("an operating system that gives no random bytes cannot keep a secret");
    SigningKey::from_seed(origin.clone(), &seed)
}

/// Complete or not at all; the file of a `first` key that another process was quicker to write stays.
fn write(path: &Path, keys: &[SigningKey], first: bool) -> Result<(), KeyFileError> {
    let write = || -> io::Result<()> {
        // Made readable by its owner alone.
        let mut file =
            tempfile::NamedTempFile::new_in(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        for key in keys {
            writeln!(file, "{}", *Zeroizing::new(key.to_secret_text()))?;
        }
        file.as_file().sync_all()?;
        if first {
            match file.persist_noclobber(path) {
                Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error),
                Ok(_) | Err(_) => {}
            }
        } else {
            file.persist(path)?;
        }
        Ok(())
    };
    write().map_err(|source| KeyFileError::Unwritable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_private_and_another_takes_over_from_it() {
        let home = tempfile::tempdir().unwrap();
        let (path, origin) = (home.path().join("seal.key"), "daftar.example/books".parse().unwrap());
        let first = read_or_create(&path, &origin).unwrap().verifying_keys();
        assert_eq!(read_or_create(&path, &"another".parse().unwrap()).unwrap().verifying_keys(), first);
        let both = rotate(&path).unwrap().verifying_keys();
        assert_eq!((both.len(), &both[1]), (2, &first[0]));
        assert_eq!(both[0].name(), &origin);
        assert_eq!(retire(&path).unwrap().verifying_keys(), both[..1]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_key_or_is_open_to_others_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("seal.key");
        assert!(matches!(read(&path), Err(KeyFileError::Unreadable { .. })));
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::TooOpen { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::Keys(LogKeysError::None))));
        assert!(matches!(
            parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz x"),
            Err(KeyFileError::Key { number: 2, .. })
        ));
    }
}
