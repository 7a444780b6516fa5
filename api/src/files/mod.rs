//! Files that people attach: their bytes, on disk, each under the digest of what is in it.
//!
//! An account's files are in a folder of its own, so that to forget somebody is to remove a folder. No name that anybody sends becomes a
//! name on disk, and nothing is there before it was looked at: what is too large, or not what may be attached, leaves nothing.

mod kind;

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use axum::body::Bytes;
use daftar_domain::{Digest, ids::AccountId};
use futures::{Stream, StreamExt};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::{
    fs::{self, File},
    io::AsyncWriteExt,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

pub use kind::Kind;

/// More than a camera makes of one photograph.
pub const LARGEST: u64 = 10 * 1024 * 1024;

/// Pixels of an image: more would be a burden to whoever looks at it.
const MOST_PIXELS: u64 = 100_000_000;

/// How long an upload may take: a slow line sends the largest file in that time.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// An upload that began so long ago does not end any more.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// Where files are, on this machine.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// Why something cannot be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    #[error("the file is empty")]
    Empty,
    #[error("a file has at most {most} bytes")]
    TooLarge { most: u64 },
    #[error("only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says")]
    OtherKind,
    #[error("an image has at most {most} pixels")]
    TooManyPixels { most: u64 },
    #[error("the file came packed, and is taken as it is or not at all")]
    Packed,
}

/// Why something was not received.
#[derive(Debug, Error)]
pub enum NotReceived {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Whoever sent it went away.
    #[error("the rest of the file did not come")]
    Cut(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the folder of files failed")]
    Disk(#[from] io::Error),
}

/// A file that has come, and is not kept yet: gone again, unless it is.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    pub digest: Digest,
    pub bytes: u64,
    pub kind: Kind,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What was kept has another name by now.
        drop(std::fs::remove_file(&self.path));
    }
}

impl Files {
    /// A folder that is made, if there is none. What a crash has left of uploads is removed.
    pub async fn open(folder: PathBuf) -> io::Result<Self> {
        let files = Self { folder };
        fs::create_dir_all(files.incoming()).await?;
        let mut left = fs::read_dir(files.incoming()).await?;
        while let Some(entry) = left.next_entry().await? {
            let age = entry.metadata().await?.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            if age.is_some_and(|age| age > FORGOTTEN) {
                fs::remove_file(entry.path()).await?;
            }
        }
        Ok(files)
    }

    /// Takes a file in, piece by piece, and looks at what it is.
    pub async fn receive<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<Incoming, NotReceived> {
        let path = self.incoming().join(Uuid::new_v4().to_string());
        let mut file = File::create_new(&path).await?;
        let mut incoming = Incoming { path, digest: Digest::new([0; 32]), bytes: 0, kind: Kind::Pdf };
        let (mut hash, mut beginning) = (Sha256::new(), Vec::new());
        let deadline = Instant::now() + LONGEST;
        while let Some(piece) = timeout_at(deadline, body.next()).await.map_err(|late| NotReceived::Cut(late.into()))? {
            let piece = piece.map_err(|error| NotReceived::Cut(error.into()))?;
            incoming.bytes += piece.len() as u64;
            if incoming.bytes > LARGEST {
                return Err(Unfit::TooLarge { most: LARGEST }.into());
            }
            if beginning.len() < kind::ENOUGH {
                beginning.extend_from_slice(&piece[..piece.len().min(kind::ENOUGH - beginning.len())]);
                // Nobody has to send all of what will not be taken.
                if beginning.len() >= kind::LEAST && Kind::of(&beginning).is_none() {
                    return Err(Unfit::OtherKind.into());
                }
            }
            hash.update(&piece);
            file.write_all(&piece).await?;
        }
        if incoming.bytes == 0 {
            return Err(Unfit::Empty.into());
        }
        incoming.kind = Kind::of(&beginning).ok_or(Unfit::OtherKind)?;
        if incoming.kind.pixels(&beginning).ok_or(Unfit::OtherKind)? > MOST_PIXELS {
            return Err(Unfit::TooManyPixels { most: MOST_PIXELS }.into());
        }
        file.sync_all().await?;
        incoming.digest = Digest::new(hash.finalize().into());
        Ok(incoming)
    }

    /// Keeps it for the account. The same content is kept once.
    pub async fn keep(&self, account: AccountId, incoming: &Incoming) -> io::Result<()> {
        let kept = self.place(account, incoming.digest);
        let folder = kept.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).await?;
        match fs::hard_link(&incoming.path, &kept).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => {
                linked?;
                // The name, too, is to be there after a crash.
                File::open(folder).await?.sync_all().await
            }
        }
    }

    /// What is kept for the account under this digest. What is not what it was is an error.
    pub async fn read(&self, account: AccountId, digest: Digest) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.place(account, digest)).await?;
        match Digest::new(Sha256::digest(&bytes).into()) == digest {
            true => Ok(bytes),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, format!("the file under {digest} is not what was attached"))),
        }
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    fn place(&self, account: AccountId, digest: Digest) -> PathBuf {
        Path::new(&self.folder).join(account.to_string()).join(digest.to_string())
    }
}
