//! The log as it is, held against what was promised: by itself, and by the checkpoints that were kept elsewhere.

use std::{fmt, io};

use chrono::{DateTime, TimeDelta, Utc};
use daftar_domain::{
    Currency, Money, Position,
    ledger::LedgerAccount::{self, Deposits, IssuedNotCharged, Receivable, ReceivableInstalments, Unapplied},
};
use daftar_proof::{AuthenticTiles, Difference, Frontier, Head, LeafCheck, OpenError, TileError, TileSource};
use daftar_store::Unreadable;
use thiserror::Error;

use crate::{
    documents::Documents,
    examine::Examined,
    streams::Outcome,
    traces::{self, Trace},
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
    pub streams: u64,
    /// How many events the largest outside checkpoint that holds covers. What comes after is unproven.
    pub proven: u64,
    pub odd_times: Option<OddTimes>,
    pub findings: Vec<Finding>,
}

/// Takes the log's events in their order, and sees what they are to the whole; what they are to their streams is seen elsewhere.
#[derive(Debug)]
pub struct Audit<S> {
    tree: Frontier,
    position: Option<Position>,
    /// By size, the largest first, so that the next is at the end.
    promises: Vec<Promise>,
    check: Option<LeafCheck<S>>,
    good: u64,
    proven: u64,
    /// Each with its leaf.
    findings: Vec<(u64, Finding)>,
    odd_times: Option<OddTimes>,
    documents: Documents,
}

impl<S: TileSource> Audit<S> {
    pub fn new(mut promises: Vec<Promise>, tiles: Option<AuthenticTiles<S>>) -> Self {
        promises.sort_by_key(|promise| std::cmp::Reverse(promise.head.size));
        let mut audit = Self {
            tree: Frontier::default(),
            position: None,
            promises,
            check: tiles.map(LeafCheck::new),
            good: 0,
            proven: 0,
            findings: Vec::new(),
            odd_times: None,
            documents: Documents::default(),
        };
        audit.keep_promises();
        audit
    }

    /// The next events, as they were examined.
    pub fn page(&mut self, events: &[Examined]) -> Result<(), AuditError> {
        events.iter().try_for_each(|event| self.event(event))
    }

    /// What there was so far.
    pub fn head(&self) -> Head {
        Head { size: self.tree.size(), root: self.tree.root() }
    }

    fn event(&mut self, event: &Examined) -> Result<(), AuditError> {
        let leaf = self.tree.size();
        if let Some(before) = self.position.filter(|before| event.position <= *before) {
            self.findings.push((leaf, Finding::Order { leaf, position: event.position, before }));
        }
        self.position = Some(event.position);
        self.tree.push(event.hash);
        if let Some(check) = &mut self.check {
            check.push(event.hash)?;
        }
        if let Some(fact) = event.fact() {
            if (event.created_at - fact.metadata.recorded_at).abs() > CLOCKS {
                let first = || OddTimes { events: 0, first: (leaf, event.stream.clone(), event.revision) };
                self.odd_times.get_or_insert_with(first).events += 1;
            }
            if let Some(reason) = self.documents.take(leaf, &fact.event) {
                self.findings.push((leaf, Finding::Document { leaf, reason }));
            }
        }
        self.keep_promises();
        Ok(())
    }

    /// Compares the roots of the checkpoints that were signed for as many events as there have been.
    fn keep_promises(&mut self) {
        while let Some(promise) = self.promises.pop_if(|promise| promise.head.size == self.tree.size()) {
            if promise.head.root != self.tree.root() {
                self.findings.push((self.tree.size(), Finding::OtherRoot { promise, good: self.good }));
            } else {
                self.good = promise.head.size;
                if promise.is_outside {
                    self.proven = promise.head.size;
                }
            }
        }
    }

    /// With what was seen of the streams.
    pub fn finish(mut self, streams: Outcome, threads: usize) -> Result<Report, AuditError> {
        let head = self.head();
        let identities = identities(&self.documents, &streams);
        self.findings.extend(streams.findings);
        self.findings.sort_by_key(|(leaf, _)| *leaf);
        let mut findings: Vec<_> = self.findings.into_iter().map(|(_, finding)| finding).collect();
        findings.extend(self.promises.into_iter().rev().map(|promise| Finding::TooShort { promise, events: head.size }));
        if let Some(check) = self.check {
            findings.extend(check.finish()?.map(Finding::Difference));
        }
        findings.extend(traces::look_through(streams.traces, threads)?.into_iter().map(Finding::Trace));
        let numbers = self.documents.without_document();
        findings.extend(numbers.map(|(leaf, number)| Finding::NumberWithoutDocument { leaf, number }));
        findings.extend(identities);
        Ok(Report { head, streams: streams.streams, proven: self.proven, odd_times: self.odd_times, findings })
    }
}

/// The books against the accounts and the documents, which know nothing of the books.
fn identities(documents: &Documents, Outcome { balances, accounts, .. }: &Outcome) -> Vec<Finding> {
    let on_the_way = documents.on_the_way();
    let currencies: std::collections::BTreeSet<Currency> =
        balances.keys().chain(accounts.keys()).map(|(_, currency)| *currency).chain(on_the_way.keys().copied()).collect();
    let mut findings = Vec::new();
    for currency in currencies {
        for account in [Receivable, ReceivableInstalments, Unapplied, Deposits, IssuedNotCharged] {
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
