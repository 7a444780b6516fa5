//! Frames as bytes: the chain of digests, and reading no more than is there.

use std::io::{self, Read};

use bytes::{Buf, BufMut};
use sha2::{Digest as _, Sha256};

use super::{ArchiveError, Digest, MAGIC, MAX_FRAME_BYTES, Place, VERSION};
use crate::HASH_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Events,
    Leaves,
    Checkpoint,
    End,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Events, Self::Leaves, Self::Checkpoint, Self::End];

    fn code(self) -> u8 {
        match self {
            Self::Events => b'E',
            Self::Leaves => b'L',
            Self::Checkpoint => b'C',
            Self::End => b'.',
        }
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub kind: Kind,
    pub number: u64,
    /// The index of the first event or leaf; a checkpoint's size; at the end, how many events there are.
    pub first: u64,
    pub count: u32,
    pub plain: u32,
    pub stored: u32,
}

impl FrameHeader {
    const BYTES: usize = 29;

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.put_u8(self.kind.code());
        bytes.put_u64(self.number);
        bytes.put_u64(self.first);
        bytes.put_u32(self.count);
        bytes.put_u32(self.plain);
        bytes.put_u32(self.stored);
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let code = bytes.try_get_u8().ok()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code)?;
        let (number, first) = (bytes.try_get_u64().ok()?, bytes.try_get_u64().ok()?);
        let (count, plain, stored) = (bytes.try_get_u32().ok()?, bytes.try_get_u32().ok()?, bytes.try_get_u32().ok()?);
        let is_sane = plain as usize <= MAX_FRAME_BYTES && stored as usize <= zstd::zstd_safe::compress_bound(MAX_FRAME_BYTES);
        is_sane.then_some(Self { kind, number, first, count, plain, stored })
    }
}

/// The header of the file, and the digest that the first frame's builds on.
pub(super) fn file_header(origin: &str) -> Option<(Vec<u8>, Digest)> {
    let length: u16 = origin.len().try_into().ok()?;
    let mut bytes = [MAGIC.as_slice(), &VERSION.to_be_bytes(), &length.to_be_bytes(), origin.as_bytes()].concat();
    let digest = Digest(Sha256::digest(&bytes).into());
    bytes.extend(digest.0);
    Some((bytes, digest))
}

/// Reads the header: the origin, the digest, and how long the header is.
pub(super) fn read_file_header(source: &mut impl Read) -> Result<(String, Digest, u64), ArchiveError> {
    let magic = read_up_to(source, MAGIC.len())?;
    if magic != *MAGIC {
        return Err(ArchiveError::NotAnArchive);
    }
    let [v0, v1] = read_array(source)?.ok_or(ArchiveError::Header)?;
    let version = u16::from_be_bytes([v0, v1]);
    if version != VERSION {
        return Err(ArchiveError::Version(version));
    }
    let length = u16::from_be_bytes(read_array(source)?.ok_or(ArchiveError::Header)?);
    let origin = read_up_to(source, usize::from(length))?;
    let origin = String::from_utf8(origin).map_err(|_| ArchiveError::Header)?;
    let digest = read_array(source)?.map(Digest);
    match file_header(&origin) {
        Some((bytes, expected)) if digest == Some(expected) => Ok((origin, expected, bytes.len() as u64)),
        Some(_) | None => Err(ArchiveError::Header),
    }
}

/// The frame's bytes, and its digest for the next.
pub(super) fn frame(before: Digest, header: FrameHeader, payload: &[u8]) -> (Vec<u8>, Digest) {
    let header = header.to_bytes();
    let digest = chain(before, &header, payload);
    ([header.as_slice(), payload, &digest.0].concat(), digest)
}

/// Reads a frame and holds it against its digest. `None` where the file ends before it.
pub(super) fn read_frame(
    source: &mut impl Read,
    before: Digest,
    place: Place,
) -> Result<Option<(FrameHeader, Vec<u8>, Digest)>, ArchiveError> {
    let bytes = read_up_to(source, FrameHeader::BYTES)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() < FrameHeader::BYTES {
        return Err(ArchiveError::Cut(place));
    }
    let header = FrameHeader::from_bytes(&bytes).ok_or(ArchiveError::Damaged(place))?;
    let payload = read_up_to(source, header.stored as usize)?;
    let digest = read_array(source)?.map(Digest).ok_or(ArchiveError::Cut(place))?;
    if digest != chain(before, &bytes, &payload) {
        return Err(ArchiveError::Damaged(place));
    }
    Ok(Some((header, payload, digest)))
}

/// How many bytes a frame takes in the file.
pub(super) fn frame_bytes(header: FrameHeader) -> u64 {
    (FrameHeader::BYTES + HASH_BYTES) as u64 + u64::from(header.stored)
}

fn chain(before: Digest, header: &[u8], payload: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(before.0);
    hasher.update(header);
    hasher.update(payload);
    Digest(hasher.finalize().into())
}

/// As many bytes as there are. The length is not believed before the bytes have come: it may be what is damaged.
fn read_up_to(source: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_array<const N: usize>(source: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    Ok(read_up_to(source, N)?.try_into().ok())
}
