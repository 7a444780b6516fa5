//! The log as it is, held against what was promised: by itself, and by the checkpoints that were kept elsewhere.

use std::{collections::HashMap, fmt, io};

use chrono::{DateTime, TimeDelta, Utc};
use daftar_domain::{
    BillingEvent, CommandHash, Currency, Money, Position, Recorded,
    ledger::LedgerAccount::{self, Deposits, IssuedNotCharged, Receivable, Unapplied},
};
use daftar_proof::{AuthenticTiles, Difference, Frontier, Head, LeafCheck, OpenError, TileError, TileSource};
use daftar_store::Unreadable;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    documents::Documents,
    examine::Examined,
    folding::{Folded, Folding},
    traces::{Trace, Traces},
};

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
    /// The event was recorded before the one before it in its stream.
    Time {
        leaf: u64,
        stream: String,
        recorded_at: DateTime<Utc>,
        before: DateTime<Utc>,
    },
    /// The events of one command do not say the same of it.
    CommandHash {
        leaf: u64,
        stream: String,
    },
    Trace(Trace),
    Journal {
        leaf: u64,
        reason: String,
    },
    Document {
        leaf: u64,
        reason: String,
    },
    NumberWithoutDocument {
        leaf: u64,
        number: String,
    },
    /// At the end of the log an account of the books is not what it is the sum of.
    Identity {
        account: LedgerAccount,
        currency: Currency,
        books: i128,
        elsewhere: i128,
    },
}

/// Further apart than this, a store's clock and the time of recording are worth a word.
const CLOCKS: TimeDelta = TimeDelta::minutes(5);

/// The store took an event at another time than that at which it was recorded: proof of nothing, since a log that moves gets new times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddTimes {
    pub events: u64,
    /// Leaf, stream and revision of the first.
    pub first: (u64, String, u64),
}

#[derive(Debug, Error)]
pub enum AuditError {
    #[error("the tiles cannot be used")]
    Tiles(#[from] TileError),
    #[error("the files of what is to be looked for cannot be written")]
    Traces(#[from] io::Error),
}

/// What was seen.
#[derive(Debug)]
pub struct Report {
    pub head: Head,
    pub streams: usize,
    /// How many events the largest outside checkpoint that holds covers. What comes after is unproven.
    pub proven: u64,
    pub odd_times: Option<OddTimes>,
    pub findings: Vec<Finding>,
}

/// Takes the log's events in their order.
#[derive(Debug)]
pub struct Audit<S> {
    tree: Frontier,
    streams: HashMap<String, Stand>,
    position: Option<Position>,
    /// By size, the largest first, so that the next is at the end.
    promises: Vec<Promise>,
    check: Option<LeafCheck<S>>,
    good: u64,
    proven: u64,
    findings: Vec<Finding>,
    odd_times: Option<OddTimes>,
    documents: Documents,
    traces: Traces,
    folding: Folding,
}

/// Where a stream stands.
#[derive(Debug, Default)]
struct Stand {
    next: u64,
    last: Option<(DateTime<Utc>, Uuid, CommandHash)>,
}

impl<S: TileSource> Audit<S> {
    pub fn new(mut promises: Vec<Promise>, tiles: Option<AuthenticTiles<S>>, threads: usize) -> Result<Self, AuditError> {
        promises.sort_by_key(|promise| std::cmp::Reverse(promise.head.size));
        let mut audit = Self {
            tree: Frontier::default(),
            streams: HashMap::new(),
            position: None,
            promises,
            check: tiles.map(LeafCheck::new),
            good: 0,
            proven: 0,
            findings: Vec::new(),
            odd_times: None,
            documents: Documents::default(),
            traces: Traces::new()?,
            folding: Folding::begin(threads),
        };
        audit.keep_promises();
        Ok(audit)
    }

    /// The next events, as they were examined.
    pub async fn page(&mut self, events: Vec<Examined>) -> Result<(), AuditError> {
        for event in events {
            self.event(event)?;
        }
        self.folding.flush().await;
        Ok(())
    }

    pub fn events(&self) -> u64 {
        self.tree.size()
    }

    fn event(&mut self, event: Examined) -> Result<(), AuditError> {
        let leaf = self.tree.size();
        self.check_place(leaf, &event)?;
        self.tree.push(event.hash);
        if let Some(check) = &mut self.check {
            check.push(event.hash)?;
        }
        match event.fact {
            Some(Ok(fact)) => self.fact(leaf, fact),
            Some(Err(reason)) => self.findings.push(Finding::Unreadable { leaf, reason }),
            None => {}
        }
        self.keep_promises();
        Ok(())
    }

    fn fact(&mut self, leaf: u64, fact: Recorded<BillingEvent>) {
        if let Some(reason) = self.documents.take(leaf, &fact.event) {
            self.findings.push(Finding::Document { leaf, reason });
        }
        self.folding.push(leaf, fact);
    }

    fn check_place(&mut self, leaf: u64, event: &Examined) -> Result<(), AuditError> {
        self.traces.id(leaf, event.id)?;
        // A name is looked for more often than it is new.
        if !self.streams.contains_key(&event.stream) {
            self.streams.insert(event.stream.clone(), Stand::default());
        }
        let Some(stand) = self.streams.get_mut(&event.stream) else { return Ok(()) };
        if event.revision != stand.next {
            let (expected, actual) = (stand.next, event.revision);
            self.findings.push(Finding::Revision { leaf, stream: event.stream.clone(), expected, actual });
        }
        stand.next = event.revision.saturating_add(1);
        if let Some(before) = self.position.filter(|before| event.position <= *before) {
            self.findings.push(Finding::Order { leaf, position: event.position, before });
        }
        self.position = Some(event.position);
        let Some(metadata) = event.metadata() else { return Ok(()) };
        self.traces.cause(leaf, metadata)?;
        let (recorded_at, stream) = (metadata.recorded_at, || event.stream.clone());
        let last = stand.last.replace((recorded_at, metadata.command_id, metadata.command_hash));
        match last {
            Some((before, ..)) if recorded_at < before => {
                self.findings.push(Finding::Time { leaf, stream: stream(), recorded_at, before });
            }
            Some(_) | None => {}
        }
        match last {
            Some((_, command_id, hash)) if command_id == metadata.command_id => {
                if hash != metadata.command_hash {
                    self.findings.push(Finding::CommandHash { leaf, stream: stream() });
                }
            }
            Some(_) | None => self.traces.command(leaf, &event.stream, metadata.command_id)?,
        }
        if (event.created_at - recorded_at).abs() > CLOCKS {
            let odd = self.odd_times.get_or_insert_with(|| OddTimes { events: 0, first: (leaf, stream(), event.revision) });
            odd.events += 1;
        }
        Ok(())
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

    pub async fn finish(mut self) -> Result<Report, AuditError> {
        let events = self.tree.size();
        let too_short = self.promises.into_iter().rev().map(|promise| Finding::TooShort { promise, events });
        self.findings.extend(too_short);
        if let Some(check) = self.check {
            self.findings.extend(check.finish()?.map(Finding::Difference));
        }
        self.findings.extend(self.traces.finish()?.into_iter().map(Finding::Trace));
        let numbers = self.documents.without_document();
        self.findings.extend(numbers.map(|(leaf, number)| Finding::NumberWithoutDocument { leaf, number }));
        let folded = self.folding.finish().await;
        self.findings.extend(identities(&self.documents, &folded));
        self.findings.extend(folded.wrong.into_iter().map(|(leaf, reason)| Finding::Journal { leaf, reason }));
        let head = Head { size: events, root: self.tree.root() };
        let (streams, proven, odd_times) = (self.streams.len(), self.proven, self.odd_times);
        Ok(Report { head, streams, proven, odd_times, findings: self.findings })
    }
}

/// The books against the accounts and the documents, which know nothing of the books.
fn identities(documents: &Documents, Folded { balances, accounts, .. }: &Folded) -> Vec<Finding> {
    let on_the_way = documents.on_the_way();
    let currencies: std::collections::BTreeSet<Currency> =
        balances.keys().chain(accounts.keys()).map(|(_, currency)| *currency).chain(on_the_way.keys().copied()).collect();
    let mut findings = Vec::new();
    for currency in currencies {
        for account in [Receivable, Unapplied, Deposits, IssuedNotCharged] {
            let books = balances.get(&(account, currency)).copied().unwrap_or(0);
            let elsewhere = match account {
                IssuedNotCharged => on_the_way.get(&currency).copied().unwrap_or(0),
                _ => accounts.get(&(account, currency)).copied().unwrap_or(0),
            };
            if books != elsewhere {
                findings.push(Finding::Identity { account, currency, books, elsewhere });
            }
        }
    }
    findings
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
            Self::Time { leaf, stream, recorded_at, before } => {
                write!(f, "leaf {leaf}: `{stream}` goes on at {recorded_at}, before {before} at which it stood")
            }
            Self::CommandHash { leaf, stream } => write!(f, "leaf {leaf}: events of one command in `{stream}` differ in what it asked"),
            Self::Trace(Trace::NoCause { leaf, causation_id }) => {
                write!(f, "leaf {leaf}: its cause {causation_id} is no event before it")
            }
            Self::Trace(Trace::DoubledId { leaf, id, first }) => write!(f, "leaf {leaf}: its id {id} is that of leaf {first}"),
            Self::Trace(Trace::DoubledCommand { leaf, first }) => {
                write!(f, "leaf {leaf}: its command was carried out on this stream before, at leaf {first}")
            }
            Self::Journal { leaf, reason } | Self::Document { leaf, reason } => write!(f, "leaf {leaf}: {reason}"),
            Self::NumberWithoutDocument { leaf, number } => write!(f, "leaf {leaf}: number {number} has no document"),
            Self::Identity { account, currency, books, elsewhere } => {
                let amount = |minor: i128| i64::try_from(minor).map_or(minor.to_string(), |minor| Money::new(minor, *currency).to_string());
                let whose = if *account == IssuedNotCharged { "documents" } else { "accounts" };
                write!(
                    f,
                    "at the end {} stands at {} in the books, and the {whose} make it {}",
                    account.number(),
                    amount(*books),
                    amount(*elsewhere)
                )
            }
        }
    }
}
