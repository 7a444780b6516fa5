//! The archive `.daftar`: the whole log in one file, to be carried away, kept for years, and verified by whoever holds it.
//!
//! ```text
//! header   "daftar\r\n"  version u16  length u16  origin  digest
//! frame    kind u8  number u64  first u64  count u32  plain u32  stored u32  payload  digest
//! ```
//!
//! Numbers are big-endian; a payload is compressed by zstd and `plain` is its length before. A digest is the SHA-256 of the digest before and
//! of its own frame, so that each covers its frame and all of the file up to there; that of the last frame, which is empty and of the kind
//! "end", is the digest of the whole. Digests find damage. They do not find an author: whoever rewrites the file rewrites them too. For that
//! there are the checkpoints inside, and those that the reader has from elsewhere.

mod event;
mod frame;
mod read;
mod write;

use std::{fmt, io};

use thiserror::Error;

use crate::{HASH_BYTES, Hash, OpenError};

pub use event::{ContentType, CreatedAt, Event};
pub use read::{ArchiveReader, Content, Frame};
pub use write::{ArchiveWriter, Resumed, WriteError};

const MAGIC: &[u8; 8] = b"daftar\r\n";
const VERSION: u16 = 1;

/// A frame is closed when it has grown to this size: enough to compress well, little enough to lose.
const FRAME_BYTES: usize = 1 << 20;

/// What nobody writes is not believed, and no memory is set aside for it.
const MAX_FRAME_BYTES: usize = 64 << 20;

/// Why an archive cannot be read: where it is damaged, or that it is none.
#[derive(Debug, Error)]
pub enum ArchiveError {
    #[error("the archive cannot be read")]
    Io(#[from] io::Error),
    #[error("this is not an archive: it does not begin with `daftar`")]
    NotAnArchive,
    #[error("the archive is of version {0}, and only {VERSION} is understood")]
    Version(u16),
    #[error("the archive's header is damaged")]
    Header,
    #[error("{0}: it is damaged")]
    Damaged(Place),
    #[error("{0}: the file ends within it")]
    Cut(Place),
    #[error("{0}: it is whole but does not follow from the frames before it")]
    OutOfPlace(Place),
    #[error("{place}: it is whole but event {event} in it cannot be read")]
    Event { place: Place, event: u64 },
    #[error("{place}: it holds no checkpoint")]
    Checkpoint { place: Place, source: OpenError },
    #[error("the archive was not finished: it ends after {frames} frames and {events} events")]
    Unfinished { frames: u64, events: u64 },
    #[error("something follows the archive's end at byte {offset}")]
    Trailing { offset: u64 },
}

/// A frame, and where in the file and in the log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub frame: u64,
    /// Of the frame's first byte.
    pub offset: u64,
    /// How many events the frames before it have.
    pub events: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {} at byte {}, after event {}", self.frame, self.offset, self.events)
    }
}

/// What a whole archive is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; HASH_BYTES]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hash(self.0), f)
    }
}

#[cfg(test)]
mod tests;
