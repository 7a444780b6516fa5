//! Every stream folded by its own rules, on as many threads as there are cores; at the end, what the accounts and the books stand at.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    thread::{self, JoinHandle},
};

use daftar_domain::{
    Aggregate, BillingEvent, Currency, Recorded, StreamName,
    ledger::{LedgerAccount, TrialBalance, post},
};
use tokio::sync::mpsc;

/// Pages of facts under way to a thread.
const AHEAD: usize = 4;

/// What a share of the streams comes to.
#[derive(Debug, Default)]
pub struct Folded {
    pub balances: BTreeMap<(LedgerAccount, Currency), i128>,
    /// What the accounts themselves say of 1100, 2210 and 2200.
    pub accounts: BTreeMap<(LedgerAccount, Currency), i128>,
    /// Where and why a journal cannot be.
    pub wrong: Vec<(u64, String)>,
}

/// Facts with their leaves.
type Page = Vec<(u64, Recorded<BillingEvent>)>;

#[derive(Debug)]
pub struct Folding {
    threads: Vec<(mpsc::Sender<Page>, JoinHandle<Folded>)>,
    waiting: Vec<Page>,
    hasher: BuildHasherDefault<DefaultHasher>,
}

impl Folding {
    pub fn begin(threads: usize) -> Self {
        let begin = |_| {
            let (pages, mut incoming) = mpsc::channel::<Page>(AHEAD);
            let thread = thread::spawn(move || {
                let mut share = Share::default();
                while let Some(page) = incoming.blocking_recv() {
                    page.into_iter().for_each(|(leaf, fact)| share.take(leaf, fact));
                }
                share.finish()
            });
            (pages, thread)
        };
        let threads: Vec<_> = (0..threads.max(1)).map(begin).collect();
        Self { waiting: threads.iter().map(|_| Page::new()).collect(), threads, hasher: BuildHasherDefault::default() }
    }

    pub fn push(&mut self, leaf: u64, fact: Recorded<BillingEvent>) {
        let share = self.hasher.hash_one(&fact.stream) % self.threads.len() as u64;
        self.waiting[share as usize].push((leaf, fact));
    }

    /// Hands over what has come together.
    pub async fn flush(&mut self) {
        for (page, (pages, _)) in self.waiting.iter_mut().zip(&self.threads) {
            // A thread that is gone has panicked, which is heard when it is joined.
            let _ = pages.send(std::mem::take(page)).await;
        }
    }

    /// # Panics
    ///
    /// If a rule did.
    pub async fn finish(mut self) -> Folded {
        self.flush().await;
        let mut all = Folded::default();
        for (pages, thread) in self.threads {
            drop(pages);
            let folded = match thread.join() {
                Ok(folded) => folded,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            add(&mut all.balances, folded.balances);
            add(&mut all.accounts, folded.accounts);
            all.wrong.extend(folded.wrong);
        }
        all.wrong.sort();
        all
    }
}

fn add(all: &mut BTreeMap<(LedgerAccount, Currency), i128>, some: BTreeMap<(LedgerAccount, Currency), i128>) {
    some.into_iter().for_each(|(account, balance)| *all.entry(account).or_default() += balance);
}

#[derive(Default)]
struct Share {
    states: HashMap<StreamName, Aggregate>,
    books: TrialBalance,
    wrong: Vec<(u64, String)>,
}

impl Share {
    fn take(&mut self, leaf: u64, fact: Recorded<BillingEvent>) {
        match post(&fact) {
            Ok(Some(journal)) => self.books.post(&journal),
            Ok(None) => {}
            Err(error) => self.wrong.push((leaf, error.to_string())),
        }
        let Recorded { stream, event, .. } = fact;
        self.states.entry(stream).or_insert_with(|| Aggregate::before(&event)).evolve(&event);
    }

    fn finish(self) -> Folded {
        let mut accounts = BTreeMap::new();
        for state in self.states.values() {
            if let Aggregate::Account(account) = state
                && let Some(currency) = account.currency()
            {
                let owed = account.receivable();
                let mut put = |ledger, minor: i64| *accounts.entry((ledger, currency)).or_insert(0) += i128::from(minor);
                put(LedgerAccount::Receivable, owed.due(currency).minor);
                put(LedgerAccount::Unapplied, -owed.unapplied(currency).minor);
                put(LedgerAccount::Deposits, -owed.deposits(currency).minor);
            }
        }
        let balances = self.books.balances().map(|(account, currency, balance)| ((account, currency), balance)).collect();
        Folded { balances, accounts, wrong: self.wrong }
    }
}
