//! What an event names that lies anywhere before it: its cause, its id and its command, which must each be there once or not yet.
//!
//! A log is too long to remember all its ids. They go to files, each for a share of them, and are looked through share by share; a share that
//! has grown large, part by part.

use std::{
    fs::File,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    sync::{Mutex, PoisonError},
    thread,
};

use daftar_domain::Metadata;
use uuid::Uuid;

const SHARES: usize = 64;

/// Records that are looked through at a time.
const AT_A_TIME: u64 = 1 << 20;

const BYTES: usize = 16 + 8 + 1;

/// In the order in which they are looked at where id and leaf are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Cause,
    Id,
    Command,
}

/// What was found of the traces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// The event names one before it that is not there.
    NoCause { leaf: u64, causation_id: Uuid },
    /// Two events have one id.
    DoubledId { leaf: u64, id: Uuid, first: u64 },
    /// What one command asked was done to the stream at two times.
    DoubledCommand { leaf: u64, first: u64 },
}

#[derive(Debug)]
pub struct Traces {
    shares: Vec<BufWriter<File>>,
}

impl Traces {
    pub fn new() -> io::Result<Self> {
        Ok(Self { shares: (0..SHARES).map(|_| tempfile::tempfile().map(BufWriter::new)).collect::<io::Result<_>>()? })
    }

    pub fn id(&mut self, leaf: u64, id: Uuid) -> io::Result<()> {
        self.put(Kind::Id, leaf, id)
    }

    /// An event whose cause is its own wish was caused by nobody in the log.
    pub fn cause(&mut self, leaf: u64, metadata: &Metadata) -> io::Result<()> {
        let Metadata { causation_id, correlation_id, command_id, .. } = metadata;
        if [correlation_id, command_id].contains(&causation_id) { Ok(()) } else { self.put(Kind::Cause, leaf, *causation_id) }
    }

    /// The first event of a run of events of one command in a stream.
    pub fn command(&mut self, leaf: u64, stream: &str, command_id: Uuid) -> io::Result<()> {
        self.put(Kind::Command, leaf, in_stream(command_id, stream))
    }

    fn put(&mut self, kind: Kind, leaf: u64, id: Uuid) -> io::Result<()> {
        let mut record = [0; BYTES];
        record[..16].copy_from_slice(id.as_bytes());
        record[16..24].copy_from_slice(&leaf.to_be_bytes());
        record[24] = kind as u8;
        self.shares[usize::from(id.as_bytes()[15]) % SHARES].write_all(&record)
    }
}

/// One id for a command and a stream. Whoever makes two of them the same has raised an alarm and hidden nothing, so a quick hash will do.
fn in_stream(command_id: Uuid, stream: &str) -> Uuid {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let half = |salt: u8| hasher.hash_one((salt, command_id.as_bytes(), stream));
    Uuid::from_u64_pair(half(0), half(1))
}

/// Looks through what was left by all who went through the log, in the order of the leaves.
pub fn look_through(all: Vec<Traces>, threads: usize) -> io::Result<Vec<Trace>> {
    let mut shares: Vec<Vec<File>> = (0..SHARES).map(|_| Vec::new()).collect();
    for traces in all {
        for (share, file) in shares.iter_mut().zip(traces.shares) {
            share.push(file.into_inner().map_err(io::IntoInnerError::into_error)?);
        }
    }
    let shares = Mutex::new(shares);
    let look = || {
        let mut found = Vec::new();
        while let Some(share) = { shares.lock().unwrap_or_else(PoisonError::into_inner).pop() } {
            look_through_share(share, &mut found)?;
        }
        Ok(found)
    };
    let found = thread::scope(|scope| {
        let lookers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(look)).collect();
        lookers.into_iter().map(|looker| looker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect::<Vec<_>>()
    });
    let mut found = found.into_iter().collect::<io::Result<Vec<_>>>()?.concat();
    found.sort_unstable();
    Ok(found)
}

fn look_through_share(mut files: Vec<File>, found: &mut Vec<Trace>) -> io::Result<()> {
    let bytes = files.iter().map(|file| Ok(file.metadata()?.len())).sum::<io::Result<u64>>()?;
    let parts = bytes / BYTES as u64 / AT_A_TIME + 1;
    for part in 0..parts {
        let mut records = Vec::new();
        for file in &mut files {
            file.rewind()?;
            let mut file = BufReader::with_capacity(1 << 18, file);
            let mut bytes = [0; BYTES];
            while !file.fill_buf()?.is_empty() {
                file.read_exact(&mut bytes)?;
                if u64::from(u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]])) % parts == part {
                    records.push(record(&bytes));
                }
            }
        }
        records.sort_unstable();
        compare(&records, found);
    }
    Ok(())
}

fn record(bytes: &[u8; BYTES]) -> (Uuid, u64, Kind) {
    let (mut id, mut leaf) = ([0; 16], [0; 8]);
    id.copy_from_slice(&bytes[..16]);
    leaf.copy_from_slice(&bytes[16..24]);
    let kind = [Kind::Cause, Kind::Id, Kind::Command][usize::from(bytes[24])];
    (Uuid::from_bytes(id), u64::from_be_bytes(leaf), kind)
}

/// By id, then by leaf.
fn compare(records: &[(Uuid, u64, Kind)], found: &mut Vec<Trace>) {
    for of_one in records.chunk_by(|one, other| one.0 == other.0) {
        let (mut event, mut command) = (None, None);
        for &(id, leaf, kind) in of_one {
            match (kind, event, command) {
                (Kind::Id, None, _) => event = Some(leaf),
                (Kind::Id, Some(first), _) => found.push(Trace::DoubledId { leaf, id, first }),
                (Kind::Cause, Some(_), _) => {}
                (Kind::Cause, None, _) => found.push(Trace::NoCause { leaf, causation_id: id }),
                (Kind::Command, _, None) => command = Some(leaf),
                (Kind::Command, _, Some(first)) => found.push(Trace::DoubledCommand { leaf, first }),
            }
        }
    }
}
