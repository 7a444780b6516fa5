//! Reading an archive, frame by frame: each is held against its digest before anything in it is looked at.

use std::io::Read;

use bytes::Bytes;

use super::{
    ArchiveError, Digest, Event, Place,
    frame::{FrameHeader, Kind, frame_bytes, read_file_header, read_frame},
};
use crate::{Checkpoint, Hash};

#[derive(Debug)]
pub struct ArchiveReader<R> {
    source: R,
    origin: String,
    digest: Digest,
    /// Of what comes next.
    place: Place,
    leaves: u64,
    has_ended: bool,
}

/// A frame that its digest has found whole, still compressed: unpacking it can be somebody else's work.
#[derive(Clone, Debug)]
pub struct Frame {
    place: Place,
    pub(super) header: FrameHeader,
    payload: Vec<u8>,
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Events in the order of the log; the first is the log's leaf of this index.
    Events { first: u64, events: Vec<Event> },
    /// Hashes of leaves as they were sealed; the first is that of the leaf of this index.
    Leaves { first: u64, hashes: Vec<Hash> },
    /// A signed checkpoint, to be opened with a key.
    Checkpoint(String),
}

impl<R: Read> ArchiveReader<R> {
    pub fn open(mut source: R) -> Result<Self, ArchiveError> {
        let (origin, digest, offset) = read_file_header(&mut source)?;
        Ok(Self { source, origin, digest, place: Place { frame: 0, offset, events: 0 }, leaves: 0, has_ended: false })
    }

    /// The log that this is an archive of, by its own word.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The next frame; `None` after the last, when the archive was found to be whole.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ArchiveError> {
        if self.has_ended {
            return Ok(None);
        }
        let place = self.place;
        let Some((header, payload, digest)) = read_frame(&mut self.source, self.digest, place)? else {
            return Err(ArchiveError::Unfinished { frames: place.frame, events: place.events });
        };
        let follows = match header.kind {
            Kind::Events => header.first == place.events && header.count > 0,
            Kind::Leaves => header.first == self.leaves && header.count > 0,
            // A checkpoint for fewer events than have gone by could not be checked on the way.
            Kind::Checkpoint => header.first >= place.events && header.count == 1,
            Kind::End => header.first == place.events && header.count == 0 && header.stored == 0 && header.plain == 0,
        };
        if header.number != place.frame || !follows {
            return Err(ArchiveError::OutOfPlace(place));
        }
        self.digest = digest;
        self.place.frame += 1;
        self.place.offset += frame_bytes(header);
        match header.kind {
            Kind::Events => self.place.events += u64::from(header.count),
            Kind::Leaves => self.leaves += u64::from(header.count),
            Kind::Checkpoint => (),
            Kind::End => return self.end(),
        }
        Ok(Some(Frame { place, header, payload }))
    }

    fn end(&mut self) -> Result<Option<Frame>, ArchiveError> {
        if self.source.read(&mut [0])? > 0 {
            return Err(ArchiveError::Trailing { offset: self.place.offset });
        }
        self.has_ended = true;
        Ok(None)
    }

    /// Where the next frame begins, and how many frames and events have gone by.
    pub fn place(&self) -> Place {
        self.place
    }

    /// How many leaves have gone by.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Of everything so far; after the last frame, of the whole archive.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl Frame {
    pub fn place(&self) -> Place {
        self.place
    }

    /// Unpacks the frame.
    pub fn content(&self) -> Result<Content, ArchiveError> {
        let Self { place, header, payload } = self;
        let damaged = || ArchiveError::OutOfPlace(*place);
        let plain = zstd::bulk::decompress(payload, header.plain as usize).map_err(|_| damaged())?;
        if plain.len() != header.plain as usize {
            return Err(damaged());
        }
        match header.kind {
            Kind::Events => self.events(plain.into()),
            Kind::Leaves => {
                let hashes = Hash::all_of(&plain).filter(|hashes| hashes.len() == header.count as usize).ok_or_else(damaged)?;
                Ok(Content::Leaves { first: header.first, hashes })
            }
            Kind::Checkpoint => {
                let size = Checkpoint::unverified(&plain).map_err(|source| ArchiveError::Checkpoint { place: *place, source })?.size();
                let text = String::from_utf8(plain).ok().filter(|_| size == header.first).ok_or_else(damaged)?;
                Ok(Content::Checkpoint(text))
            }
            Kind::End => Err(damaged()),
        }
    }

    fn events(&self, mut plain: Bytes) -> Result<Content, ArchiveError> {
        let first = self.header.first;
        let unreadable = |event| ArchiveError::Event { place: self.place, event };
        let next = first + u64::from(self.header.count);
        let events = (first..next).map(|index| Event::decode(&mut plain).ok_or_else(|| unreadable(index))).collect::<Result<_, _>>()?;
        if plain.is_empty() { Ok(Content::Events { first, events }) } else { Err(unreadable(next)) }
    }
}
