//! Every stream by itself: its revisions, times and commands, and its facts folded by its own rules; on as many threads as there are cores.
//!
//! A stream may go on until the log ends, so it is remembered until then, and a log may have more streams than memory has room for. So they are
//! dealt into shares. Where those at hand outgrow the memory, the largest is put aside, and the log is gone through once more for the shares
//! that were.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io,
    thread::{self, JoinHandle},
};

use chrono::{DateTime, Utc};
use daftar_domain::{
    Aggregate, BillingEvent, CommandHash, Currency, Metadata, Recorded,
    ledger::{LedgerAccount, TrialBalance, post},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{audit::Finding, examine::Examined, traces::Traces};

/// Pages under way to a thread.
const AHEAD: usize = 1;

/// Into so many shares streams are dealt, so that one is small beside the memory.
const SHARES: usize = 256;

/// What of the streams a pass over the log is for.
#[derive(Clone, Debug)]
pub struct Part {
    /// The first pass also takes what concerns no stream by itself.
    is_first: bool,
    /// Of each share the leaf from which on it has not been seen.
    shares: BTreeMap<usize, u64>,
}

/// What the streams come to.
#[derive(Debug)]
pub struct Outcome {
    pub streams: u64,
    /// What the books stand at.
    pub balances: Sums,
    /// What the accounts themselves say of 1100, 1105, 2210 and 2200.
    pub accounts: Sums,
    /// Each with its leaf.
    pub findings: Vec<(u64, Finding)>,
    pub traces: Vec<Traces>,
    /// What there was no room for.
    pub aside: Part,
}

type Sums = BTreeMap<(LedgerAccount, Currency), i128>;

/// An event and its leaf.
type Page = Vec<(u64, Examined)>;

#[derive(Debug)]
pub struct Streams {
    leaf: u64,
    threads: Vec<(mpsc::Sender<Page>, JoinHandle<io::Result<Outcome>>)>,
}

impl Part {
    pub fn all() -> Self {
        Self { is_first: true, shares: (0..SHARES).map(|share| (share, 0)).collect() }
    }

    pub fn none() -> Self {
        Self { is_first: false, shares: BTreeMap::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    pub fn covers(&self, share: usize) -> bool {
        self.is_first || self.shares.contains_key(&share)
    }
}

/// How much of the streams it is.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.shares.len() * 100 / SHARES)
    }
}

pub fn share_of(stream: &str) -> usize {
    (BuildHasherDefault::<DefaultHasher>::default().hash_one(stream) % SHARES as u64) as usize
}

impl Outcome {
    fn nothing() -> Self {
        let (balances, accounts) = (Sums::new(), Sums::new());
        Self { streams: 0, balances, accounts, findings: vec![], traces: vec![], aside: Part::none() }
    }

    /// What two parts come to together.
    pub fn and(mut self, other: Self) -> Self {
        let add = |all: &mut Sums, some: Sums| some.into_iter().for_each(|(account, balance)| *all.entry(account).or_default() += balance);
        add(&mut self.balances, other.balances);
        add(&mut self.accounts, other.accounts);
        self.streams += other.streams;
        self.findings.extend(other.findings);
        self.traces.extend(other.traces);
        self.aside.shares.extend(other.aside.shares);
        self
    }
}

impl Streams {
    /// Remembers streams in about so many bytes. What a pass before has traced is gone on with.
    pub fn begin(part: Part, threads: usize, memory: usize, mut traced: Vec<Traces>) -> io::Result<Self> {
        let threads = threads.max(1);
        let mut begin = |number| {
            let shares = part.shares.iter().filter(|(share, _)| **share % threads == number);
            let shares = shares.map(|(share, since)| (*share, Share { since: *since, ..Share::default() })).collect();
            let (pages, mut incoming) = mpsc::channel::<Page>(AHEAD);
            let mut worker = Worker {
                is_first: part.is_first,
                shares,
                room: memory / threads,
                traces: traced.pop().map_or_else(Traces::new, Ok)?,
                books: TrialBalance::default(),
                outcome: Outcome::nothing(),
            };
            let thread = thread::spawn(move || {
                while let Some(page) = incoming.blocking_recv() {
                    worker.page(page)?;
                }
                Ok(worker.finish())
            });
            Ok((pages, thread))
        };
        Ok(Self { leaf: 0, threads: (0..threads).map(&mut begin).collect::<io::Result<_>>()? })
    }

    /// The next events of the log.
    pub async fn page(&mut self, events: Vec<Examined>) {
        let mut pages: Vec<_> = self.threads.iter().map(|_| Page::new()).collect();
        for event in events {
            let thread = event.share % self.threads.len();
            pages[thread].push((self.leaf, event));
            self.leaf += 1;
        }
        for (page, (to, _)) in pages.into_iter().zip(&self.threads) {
            // A thread that is gone has failed, which is heard when it is joined.
            let _ = to.send(page).await;
        }
    }

    /// # Panics
    ///
    /// If a rule did.
    pub fn finish(self) -> io::Result<Outcome> {
        self.threads.into_iter().try_fold(Outcome::nothing(), |all, (pages, thread)| {
            drop(pages);
            match thread.join() {
                Ok(outcome) => Ok(all.and(outcome?)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

/// One thread's part of the work.
struct Worker {
    is_first: bool,
    shares: BTreeMap<usize, Share>,
    room: usize,
    traces: Traces,
    books: TrialBalance,
    outcome: Outcome,
}

#[derive(Default)]
struct Share {
    streams: HashMap<String, Stream>,
    since: u64,
    size: usize,
}

/// Where a stream stands.
#[derive(Default)]
struct Stream {
    next: u64,
    last: Option<(DateTime<Utc>, Uuid, CommandHash)>,
    state: Option<Aggregate>,
}

/// What a stream takes in memory without what its facts said. What they said takes rather more than it does in the log: not all of it is kept,
/// but what is, is in maps.
const STREAM: usize = 512;

impl Worker {
    fn page(&mut self, page: Page) -> io::Result<()> {
        let Some((last, _)) = page.last() else { return Ok(()) };
        let seen = last + 1;
        for (leaf, event) in page {
            self.event(leaf, event)?;
        }
        self.make_room(seen);
        Ok(())
    }

    fn event(&mut self, leaf: u64, event: Examined) -> io::Result<()> {
        let Examined { stream: name, share, revision, id, bytes, fact, .. } = event;
        let fact = match fact {
            Some(Err(reason)) if self.is_first => {
                self.outcome.findings.push((leaf, Finding::Unreadable { leaf, reason }));
                None
            }
            Some(Err(_)) | None => None,
            Some(Ok(fact)) => Some(fact),
        };
        if self.is_first {
            self.alone(leaf, id, fact.as_deref())?;
        }
        let Some(share) = self.shares.get_mut(&share) else { return Ok(()) };
        let is_news = leaf >= share.since;
        let mut find = |finding| {
            if is_news {
                self.outcome.findings.push((leaf, finding));
            }
        };
        // A name is looked for more often than it is new.
        let stream = match share.streams.get_mut(&name) {
            Some(stream) => stream,
            None => {
                share.size += STREAM;
                share.streams.entry(name.clone()).or_default()
            }
        };
        if revision != stream.next {
            find(Finding::Revision { leaf, stream: name.clone(), expected: stream.next, actual: revision });
        }
        stream.next = revision.saturating_add(1);
        let Some(fact) = fact else { return Ok(()) };
        let Metadata { recorded_at, command_id, command_hash, .. } = fact.metadata;
        let last = stream.last.replace((recorded_at, command_id, command_hash));
        if let Some((before, ..)) = last.filter(|(before, ..)| recorded_at < *before) {
            find(Finding::Time { leaf, stream: name.clone(), recorded_at, before });
        }
        match last.filter(|(_, before, _)| *before == command_id) {
            Some((.., hash)) if hash != command_hash => find(Finding::CommandHash { leaf, stream: name }),
            Some(_) => {}
            None if is_news => self.traces.command(leaf, &name, command_id)?,
            None => {}
        }
        stream.state.get_or_insert_with(|| Aggregate::before(&fact.event)).evolve(&fact.event);
        share.size += bytes + bytes / 2;
        Ok(())
    }

    /// What is to be seen without the events before it in the stream.
    fn alone(&mut self, leaf: u64, id: Uuid, fact: Option<&Recorded<BillingEvent>>) -> io::Result<()> {
        self.traces.id(leaf, id)?;
        let Some(fact) = fact else { return Ok(()) };
        self.traces.cause(leaf, &fact.metadata)?;
        match post(fact) {
            Ok(Some(journal)) => self.books.post(&journal),
            Ok(None) => {}
            Err(error) => self.outcome.findings.push((leaf, Finding::Journal { leaf, reason: error.to_string() })),
        }
        Ok(())
    }

    /// Puts shares aside for which there is no room. The last stays, or there would be no end.
    fn make_room(&mut self, seen: u64) {
        while self.shares.len() > 1 && self.shares.values().map(|share| share.size).sum::<usize>() > self.room {
            let largest = self.shares.iter().max_by_key(|(_, share)| share.size).map(|(number, _)| *number);
            let Some((number, share)) = largest.and_then(|number| self.shares.remove_entry(&number)) else { return };
            self.outcome.aside.shares.insert(number, share.since.max(seen));
        }
    }

    fn finish(self) -> Outcome {
        let mut outcome = self.outcome;
        outcome.traces.push(self.traces);
        outcome.balances = self.books.balances().map(|(account, currency, balance)| ((account, currency), balance)).collect();
        for stream in self.shares.into_values().flat_map(|share| share.streams.into_values()) {
            outcome.streams += 1;
            if let Some(Aggregate::Account(account)) = &stream.state
                && let Some(currency) = account.currency()
            {
                let owed = account.receivable();
                let mut put = |ledger, minor: i64| *outcome.accounts.entry((ledger, currency)).or_insert(0) += i128::from(minor);
                let planned = owed.planned(currency).minor;
                put(LedgerAccount::Receivable, owed.due(currency).minor - planned);
                put(LedgerAccount::ReceivableInstalments, planned);
                put(LedgerAccount::Unapplied, -owed.unapplied(currency).minor);
                put(LedgerAccount::Deposits, -owed.deposits(currency).minor);
            }
        }
        outcome
    }
}
