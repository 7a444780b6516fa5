//! The log as it is, held against what was promised: by itself, and by the checkpoints that were kept elsewhere.

use std::{collections::HashMap, fmt};

use daftar_domain::Position;
use daftar_proof::{AuthenticTiles, Difference, Frontier, Hash, Head, Leaf, LeafCheck, OpenError, TileError, TileSource};
use daftar_store::{Scope, StoredEvent, Unreadable};

/// A checkpoint whose signature was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The file, or the archive.
    pub found_in: String,
    pub head: Head,
    /// Whether it was kept apart from the log, where whoever rewrote the log could not reach it.
    pub is_outside: bool,
}

/// Something that is not as it should be.
#[derive(Debug)]
pub enum Finding {
    /// A checkpoint that nobody who is trusted has signed, or not so.
    Unbelievable {
        found_in: String,
        reason: OpenError,
    },
    Unreadable {
        leaf: u64,
        reason: Unreadable,
    },
    Revision {
        leaf: u64,
        stream: String,
        expected: u64,
        actual: u64,
    },
    Order {
        leaf: u64,
        position: Position,
        before: Position,
    },
    /// The events up to `good` are those that were promised; the first that is not is among those after it.
    OtherRoot {
        promise: Promise,
        good: u64,
    },
    TooShort {
        promise: Promise,
        events: u64,
    },
    /// With tiles the very event is known.
    Difference(Difference),
}

/// What was seen.
#[derive(Debug)]
pub struct Report {
    pub head: Head,
    pub streams: usize,
    /// How many events the largest outside checkpoint that holds covers. What comes after is unproven.
    pub proven: u64,
    pub findings: Vec<Finding>,
}

/// Takes the log's events in their order.
#[derive(Debug)]
pub struct Audit<S> {
    tree: Frontier,
    revisions: HashMap<String, u64>,
    position: Option<Position>,
    /// By size, the largest first, so that the next is at the end.
    promises: Vec<Promise>,
    check: Option<LeafCheck<S>>,
    good: u64,
    proven: u64,
    findings: Vec<Finding>,
    billing: Scope,
}

impl<S: TileSource> Audit<S> {
    pub fn new(mut promises: Vec<Promise>, tiles: Option<AuthenticTiles<S>>) -> Self {
        promises.sort_by_key(|promise| std::cmp::Reverse(promise.head.size));
        let mut audit = Self {
            tree: Frontier::default(),
            revisions: HashMap::new(),
            position: None,
            promises,
            check: tiles.map(LeafCheck::new),
            good: 0,
            proven: 0,
            findings: Vec::new(),
            billing: Scope::billing(),
        };
        audit.keep_promises();
        audit
    }

    pub fn event(&mut self, event: &StoredEvent) -> Result<(), TileError> {
        let leaf = self.tree.size();
        self.check_place(leaf, event);
        if self.billing.covers(&event.stream)
            && let Err(reason) = event.decode_billing()
        {
            self.findings.push(Finding::Unreadable { leaf, reason });
        }
        let hash = leaf_hash(event);
        self.tree.push(hash);
        if let Some(check) = &mut self.check {
            check.push(hash)?;
        }
        self.keep_promises();
        Ok(())
    }

    fn check_place(&mut self, leaf: u64, event: &StoredEvent) {
        let next = self.revisions.entry(event.stream.clone()).or_default();
        if event.revision != *next {
            let (expected, actual) = (*next, event.revision);
            self.findings.push(Finding::Revision { leaf, stream: event.stream.clone(), expected, actual });
        }
        *next = event.revision.saturating_add(1);
        if let Some(before) = self.position.filter(|before| event.position <= *before) {
            self.findings.push(Finding::Order { leaf, position: event.position, before });
        }
        self.position = Some(event.position);
    }

    /// Compares the roots of the checkpoints that were signed for as many events as there have been.
    fn keep_promises(&mut self) {
        while let Some(promise) = self.promises.pop_if(|promise| promise.head.size == self.tree.size()) {
            if promise.head.root != self.tree.root() {
                self.findings.push(Finding::OtherRoot { promise, good: self.good });
            } else {
                self.good = promise.head.size;
                if promise.is_outside {
                    self.proven = promise.head.size;
                }
            }
        }
    }

    pub fn finish(mut self) -> Result<Report, TileError> {
        let events = self.tree.size();
        let too_short = self.promises.into_iter().rev().map(|promise| Finding::TooShort { promise, events });
        self.findings.extend(too_short);
        if let Some(check) = self.check {
            self.findings.extend(check.finish()?.map(Finding::Difference));
        }
        let head = Head { size: events, root: self.tree.root() };
        Ok(Report { head, streams: self.revisions.len(), proven: self.proven, findings: self.findings })
    }
}

pub fn leaf_hash(event: &StoredEvent) -> Hash {
    let StoredEvent { stream, revision, id, event_type, data, metadata, .. } = event;
    Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbelievable { found_in, reason } => match std::error::Error::source(reason) {
                Some(source) => write!(f, "{found_in}: {reason}: {source}"),
                None => write!(f, "{found_in}: {reason}"),
            },
            Self::Unreadable { leaf, reason } => write!(f, "leaf {leaf}: {reason}"),
            Self::Revision { leaf, stream, expected, actual } => {
                write!(f, "leaf {leaf}: `{stream}` goes on with revision {actual} where {expected} is next")
            }
            Self::Order { leaf, position, before } => write!(f, "leaf {leaf}: position {position} is not after {before}"),
            Self::OtherRoot { promise, good } => {
                let Promise { found_in, head, .. } = promise;
                write!(f, "{found_in}: the first {} events are not those it was signed for; the first {good} are in order", head.size)
            }
            Self::TooShort { promise, events } => {
                write!(f, "{}: it was signed for {} events, and the log has {events}", promise.found_in, promise.head.size)
            }
            Self::Difference(difference) => difference.fmt(f),
        }
    }
}
