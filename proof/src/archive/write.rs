//! Writing an archive as the log is read, and going on with one that was interrupted or that the log has outgrown.

use std::{
    fs::File,
    io::{self, BufReader, Seek, SeekFrom, Write},
};

use thiserror::Error;
use zstd::bulk::Compressor;

use super::{
    ArchiveError, ArchiveReader, Content, Digest, Event, FRAME_BYTES, MAX_FRAME_BYTES,
    frame::{FrameHeader, Kind, file_header, frame},
};
use crate::{Checkpoint, Hash, KeyName, Note, OpenError, is_proven};

/// Compresses well at several times the speed of a log.
const LEVEL: i32 = 3;

/// Writes events in the order of the log, the hashes of leaves as they were sealed, and checkpoints where their size is reached.
pub struct ArchiveWriter<W: Write> {
    sink: W,
    compressor: Compressor<'static>,
    digest: Digest,
    frames: u64,
    events: u64,
    leaves: u64,
    /// Events that have no frame yet.
    pending: Vec<u8>,
    pending_count: u32,
}

#[derive(Debug, Error)]
pub enum WriteError {
    #[error("the archive cannot be written")]
    Io(#[from] io::Error),
    #[error("the archive to go on with cannot be read")]
    Archive(#[from] ArchiveError),
    #[error("the archive is of the log `{actual}`, not `{expected}`")]
    OtherOrigin { expected: KeyName, actual: String },
    #[error("the log's name has {0} bytes, which is too long for an archive")]
    Origin(usize),
    #[error("`{stream}` is the store's own and not part of the log")]
    NotProven { stream: String },
    #[error("event {revision} of `{stream}` is larger than {MAX_FRAME_BYTES} bytes")]
    TooLarge { stream: String, revision: u64 },
    #[error("leaf {expected} is next, not leaf {actual}")]
    Leaf { expected: u64, actual: u64 },
    #[error("a checkpoint of {size} leaves comes too late after {events} events")]
    Late { size: u64, events: u64 },
    #[error("a note that is not a checkpoint has no place in an archive")]
    Checkpoint(#[from] OpenError),
}

/// Where an interrupted archive goes on.
#[derive(Debug)]
pub struct Resumed {
    pub events: u64,
    pub leaves: u64,
    /// The last event that is in it.
    pub last: Option<Event>,
    /// The size of the last checkpoint that is in it.
    pub checkpoint: Option<u64>,
    /// How many bytes at the end were not whole frames and are gone, and what was wrong with them.
    pub discarded: u64,
    pub damage: Option<ArchiveError>,
}

impl<W: Write> ArchiveWriter<W> {
    pub fn create(mut sink: W, origin: &KeyName) -> Result<Self, WriteError> {
        let (header, digest) = file_header(origin.as_str()).ok_or(WriteError::Origin(origin.as_str().len()))?;
        sink.write_all(&header)?;
        Ok(Self {
            sink,
            compressor: Compressor::new(LEVEL)?,
            digest,
            frames: 0,
            events: 0,
            leaves: 0,
            pending: Vec::new(),
            pending_count: 0,
        })
    }

    pub fn event(&mut self, event: &Event) -> Result<(), WriteError> {
        if !is_proven(&event.stream) {
            return Err(WriteError::NotProven { stream: event.stream.clone() });
        }
        let before = self.pending.len();
        let encoded = event.encode(&mut self.pending);
        if encoded.is_none() || self.pending.len() - before > MAX_FRAME_BYTES - FRAME_BYTES {
            self.pending.truncate(before);
            return Err(WriteError::TooLarge { stream: event.stream.clone(), revision: event.revision });
        }
        self.pending_count += 1;
        if self.pending.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    /// Adds hashes as they were sealed, from the leaf `first` on. They locate what a checkpoint only finds.
    pub fn leaves(&mut self, first: u64, hashes: &[Hash]) -> Result<(), WriteError> {
        if first != self.leaves {
            return Err(WriteError::Leaf { expected: self.leaves, actual: first });
        }
        self.flush()?;
        for hashes in hashes.chunks(FRAME_BYTES / size_of::<Hash>()) {
            let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
            self.frame(Kind::Leaves, self.leaves, hashes.len() as u32, &bytes)?;
            self.leaves += hashes.len() as u64;
        }
        Ok(())
    }

    pub fn checkpoint(&mut self, note: &Note) -> Result<(), WriteError> {
        self.flush()?;
        let text = note.to_string();
        let size = Checkpoint::unverified(text.as_bytes())?.size();
        if size < self.events {
            return Err(WriteError::Late { size, events: self.events });
        }
        self.frame(Kind::Checkpoint, size, 1, text.as_bytes())
    }

    /// Makes a frame of the events that have none yet.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if self.pending_count > 0 {
            let pending = std::mem::take(&mut self.pending);
            let count = std::mem::take(&mut self.pending_count);
            self.frame(Kind::Events, self.events, count, &pending)?;
            self.events += u64::from(count);
            self.pending = pending;
            self.pending.clear();
        }
        Ok(())
    }

    /// Ends the archive, and says what it is known by.
    pub fn finish(mut self) -> Result<(W, Digest), WriteError> {
        self.flush()?;
        self.write(Kind::End, self.events, 0, 0, &[])?;
        self.sink.flush()?;
        Ok((self.sink, self.digest))
    }

    fn frame(&mut self, kind: Kind, first: u64, count: u32, plain: &[u8]) -> Result<(), WriteError> {
        let stored = self.compressor.compress(plain)?;
        self.write(kind, first, count, plain.len() as u32, &stored)
    }

    fn write(&mut self, kind: Kind, first: u64, count: u32, plain: u32, payload: &[u8]) -> Result<(), WriteError> {
        let header = FrameHeader { kind, number: self.frames, first, count, plain, stored: payload.len() as u32 };
        let (bytes, digest) = frame(self.digest, header, payload);
        self.sink.write_all(&bytes)?;
        self.digest = digest;
        self.frames += 1;
        Ok(())
    }
}

impl ArchiveWriter<File> {
    /// Goes on after the last whole frame of the file, whatever stands behind it: an end, half a frame, or damage.
    pub fn resume(mut file: File, origin: &KeyName) -> Result<(Self, Resumed), WriteError> {
        let mut reader = ArchiveReader::open(BufReader::new(&file))?;
        if reader.origin() != origin.as_str() {
            return Err(WriteError::OtherOrigin { expected: origin.clone(), actual: reader.origin().to_owned() });
        }
        let (mut events, mut checkpoint) = (None, None);
        let (place, digest, leaves, damage) = loop {
            let (place, digest, leaves) = (reader.place(), reader.digest(), reader.leaves());
            match reader.next_frame() {
                Ok(Some(frame)) => match frame.header.kind {
                    Kind::Events => events = Some(frame),
                    Kind::Checkpoint => checkpoint = Some(frame.header.first),
                    Kind::Leaves | Kind::End => (),
                },
                Ok(None) | Err(ArchiveError::Unfinished { .. }) => break (place, digest, leaves, None),
                Err(ArchiveError::Io(error)) => return Err(error.into()),
                Err(damage) => break (place, digest, leaves, Some(damage)),
            }
        };
        let last = match events.map(|frame| frame.content()).transpose()? {
            Some(Content::Events { mut events, .. }) => events.pop(),
            Some(Content::Leaves { .. } | Content::Checkpoint(_)) | None => None,
        };
        let whole = place.offset;
        let length = file.seek(SeekFrom::End(0))?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        let discarded = if damage.is_some() { length - whole } else { 0 };
        let resumed = Resumed { events: place.events, leaves, last, checkpoint, discarded, damage };
        let compressor = Compressor::new(LEVEL)?;
        let pending = Vec::new();
        let writer = Self { sink: file, compressor, digest, frames: place.frame, events: place.events, leaves, pending, pending_count: 0 };
        Ok((writer, resumed))
    }
}

impl<W: Write> std::fmt::Debug for ArchiveWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchiveWriter").field("frames", &self.frames).field("events", &self.events).field("leaves", &self.leaves).finish()
    }
}
