//! `replay-tool ledger`: the books straight from events, as they were known at a time and as they apply to a day.
//!
//! No read model has a say: journals are the domain's, and what accounts owe is folded by their own rules from the facts that count by then.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use clap::ValueEnum;
use daftar_domain::{
    BillingEvent, Currency, Decider, Digest, Position, Recorded,
    account::{Account, AgeBand, Language},
    ids::AccountId,
    ledger::{Journal, LedgerAccount, Side, SubLedger, TrialBalance, periods, post},
};
use daftar_terminal::{Align, Table};
use futures::TryStreamExt;
use uuid::Uuid;

use crate::{revenue::plain, source::Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Report {
    /// What every ledger account stands at
    TrialBalance,
    /// Every entry of every journal, in the order in which they were recorded
    GeneralLedger,
    /// What customers owe, by the days past the due date
    Aging,
    /// The entries of one customer, with what was owed after each
    Statement,
}

/// A moment on both axes. Where one is left out it is the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsOf {
    pub recorded: Option<DateTime<Utc>>,
    pub effective: Option<NaiveDate>,
}

impl AsOf {
    /// What comes after an event that was recorded later was not known either.
    fn knows(self, fact: &Recorded<BillingEvent>) -> bool {
        self.recorded.is_none_or(|until| fact.metadata.recorded_at <= until)
    }

    fn counts(self, journal: &Journal) -> bool {
        self.effective.is_none_or(|until| journal.effective_on <= until)
    }
}

pub async fn report(source: &Source, report: Report, as_of: AsOf, account: Option<AccountId>) -> Result<Table> {
    match report {
        Report::TrialBalance => trial_balance(source, as_of).await,
        Report::GeneralLedger => general_ledger(source, as_of).await,
        Report::Aging => aging(source, as_of).await,
        Report::Statement => statement(source, as_of, account.context("a statement is of one account: --account")?).await,
    }
}

/// What is known and counts, in order; of facts that move no money also those without a journal.
async fn each(source: &Source, as_of: AsOf, mut take: impl FnMut(&Recorded<BillingEvent>, Option<&Journal>)) -> Result<()> {
    let mut facts = source.facts();
    while let Some(fact) = facts.try_next().await?
        && as_of.knows(&fact)
    {
        match post(&fact)? {
            Some(journal) if as_of.counts(&journal) => take(&fact, Some(&journal)),
            Some(_) => {}
            None => take(&fact, None),
        }
    }
    Ok(())
}

async fn trial_balance(source: &Source, as_of: AsOf) -> Result<Table> {
    let mut balance = TrialBalance::default();
    each(source, as_of, |_, journal| journal.into_iter().for_each(|journal| balance.post(journal))).await?;
    let right = |name| (name, Align::Right);
    let mut table = Table::new([
        right("number"),
        ("account", Align::Left),
        ("الحساب", Align::Left),
        ("currency", Align::Left),
        right("debit"),
        right("credit"),
    ]);
    let mut sums: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    for (account, currency, minor) in balance.balances() {
        let (debit, credit) = (minor.max(0), (-minor).max(0));
        let sum = sums.entry(currency).or_default();
        *sum = (sum.0 + debit, sum.1 + credit);
        let names = [Language::English, Language::Arabic].map(|language| account.name(language).to_owned());
        let [english, arabic] = names;
        table.row([account.number().to_string(), english, arabic, currency.to_string(), amount(debit, currency), amount(credit, currency)]);
    }
    for (currency, (debit, credit)) in sums {
        table.row([
            String::new(),
            "Total".to_owned(),
            "المجموع".to_owned(),
            currency.to_string(),
            plain(debit, currency),
            plain(credit, currency),
        ]);
    }
    Ok(table)
}

async fn general_ledger(source: &Source, as_of: AsOf) -> Result<Table> {
    let right = |name| (name, Align::Right);
    let columns = [("effective", Align::Left), right("position"), ("event", Align::Left), right("number"), ("sub-ledger", Align::Left)];
    let mut table = Table::new(columns.into_iter().chain([("currency", Align::Left), right("debit"), right("credit")]));
    each(source, as_of, |fact, journal| {
        for entry in journal.into_iter().flat_map(Journal::entries) {
            let (minor, currency) = (i128::from(entry.amount.minor), entry.amount.currency);
            let [debit, credit] = if entry.side == Side::Debit { [minor, 0] } else { [0, minor] };
            let sub_ledger = match entry.sub_ledger {
                Some(SubLedger::Customer(id)) => id.to_string(),
                Some(SubLedger::Till(id)) => id.to_string(),
                None => String::new(),
            };
            let effective = journal.map(|journal| journal.effective_on.to_string()).unwrap_or_default();
            let row =
                [effective, fact.position.to_string(), fact.event.event_type().to_owned(), entry.account.number().to_string(), sub_ledger];
            table.row(row.into_iter().chain([currency.to_string(), amount(debit, currency), amount(credit, currency)]));
        }
    })
    .await?;
    Ok(table)
}

async fn aging(source: &Source, as_of: AsOf) -> Result<Table> {
    const BANDS: [AgeBand; 8] = [
        AgeBand::NotDue,
        AgeBand::UpTo30,
        AgeBand::UpTo60,
        AgeBand::UpTo90,
        AgeBand::UpTo120,
        AgeBand::UpTo180,
        AgeBand::UpTo365,
        AgeBand::Older,
    ];
    let (mut accounts, mut last): (HashMap<Uuid, Account>, _) = (HashMap::new(), NaiveDate::MIN);
    each(source, as_of, |fact, journal| {
        last = last.max(journal.map_or(last, |journal| journal.effective_on));
        if let BillingEvent::Account(event) = &fact.event {
            let account = accounts.entry(fact.stream.id()).or_default();
            *account = std::mem::take(account).evolve(event);
        }
    })
    .await?;
    let on = as_of.effective.unwrap_or(last);
    let right = |name: &'static str| (name, Align::Right);
    let names =
        ["not due", "1–30", "31–60", "61–90", "91–120", "121–180", "181–365", "older", "open", "on plans", "disputed", "unapplied credit"];
    let mut table = Table::new([("account", Align::Left), ("currency", Align::Left)].into_iter().chain(names.map(right)));
    let mut owing: Vec<_> = accounts.iter().filter_map(|(id, account)| Some((id, account.receivable(), account.currency()?))).collect();
    owing.sort_by_key(|(id, ..)| **id);
    let mut sums: BTreeMap<Currency, [i128; 12]> = BTreeMap::new();
    for (id, receivable, currency) in owing {
        let aged = receivable.aged(currency, on);
        let bands = BANDS.map(|band| aged.bands.get(&band).map_or(0, |money| i128::from(money.minor)));
        let beside = [aged.planned, aged.disputed, aged.unapplied].map(|money| i128::from(money.minor));
        let figures: Vec<i128> = bands.into_iter().chain([bands.iter().sum()]).chain(beside).collect();
        if figures.iter().all(|figure| *figure == 0) {
            continue;
        }
        sums.entry(currency).or_default().iter_mut().zip(&figures).for_each(|(sum, figure)| *sum += figure);
        table.row([id.to_string(), currency.to_string()].into_iter().chain(figures.iter().map(|figure| amount(*figure, currency))));
    }
    for (currency, sum) in sums {
        table.row(["total".to_owned(), currency.to_string()].into_iter().chain(sum.map(|sum| plain(sum, currency))));
    }
    Ok(table)
}

/// The customer's receivable and his own money: what he owes is the one less the other.
async fn statement(source: &Source, as_of: AsOf, account: AccountId) -> Result<Table> {
    let right = |name| (name, Align::Right);
    let columns =
        [("effective", Align::Left), ("event", Align::Left), ("currency", Align::Left), right("debit"), right("credit"), right("balance")];
    let mut table = Table::new(columns);
    let mut balances: BTreeMap<Currency, i128> = BTreeMap::new();
    each(source, as_of, |fact, journal| {
        let Some(journal) = journal else { return };
        let own = journal.entries().iter().filter(|entry| {
            entry.sub_ledger == Some(SubLedger::Customer(account))
                && [LedgerAccount::Receivable, LedgerAccount::ReceivableInstalments, LedgerAccount::Unapplied].contains(&entry.account)
        });
        let mut moved: BTreeMap<Currency, i128> = BTreeMap::new();
        own.for_each(|entry| *moved.entry(entry.amount.currency).or_default() += entry.signed());
        // What pays an item with his own money moves nothing of what he owes.
        for (currency, minor) in moved.into_iter().filter(|(_, minor)| *minor != 0) {
            let balance = balances.entry(currency).or_default();
            *balance += minor;
            let (debit, credit) = (minor.max(0), (-minor).max(0));
            let row = [journal.effective_on.to_string(), fact.event.event_type().to_owned(), currency.to_string()];
            table.row(row.into_iter().chain([amount(debit, currency), amount(credit, currency), plain(*balance, currency)]));
        }
    })
    .await?;
    Ok(table)
}

/// A period that was closed, and what the log up to where it was closed comes to now.
#[derive(Clone, Debug)]
pub struct Closed {
    pub fact: periods::PeriodClosed,
    pub recomputed: Digest,
}

impl Closed {
    pub fn is_same(&self) -> bool {
        self.recomputed == self.fact.trial_balance
    }
}

/// Recomputes the trial balance of every period that was ever closed.
pub async fn check_close(source: &Source) -> Result<Vec<Closed>> {
    let (mut closed, mut facts) = (Vec::new(), source.facts());
    while let Some(fact) = facts.try_next().await? {
        if let BillingEvent::AccountingPeriods(periods::Event::PeriodClosed(fact)) = fact.event {
            closed.push((fact, TrialBalance::default()));
        }
    }
    let last = closed.iter().map(|(fact, _)| fact.position).max().unwrap_or(Position::single(0));
    let mut facts = source.facts();
    while let Some(fact) = facts.try_next().await?
        && fact.position <= last
    {
        let Some(journal) = post(&fact)? else { continue };
        for (period, balance) in &mut closed {
            if fact.position <= period.position && journal.effective_on < period.period.to() {
                balance.post(&journal);
            }
        }
    }
    Ok(closed.into_iter().map(|(fact, balance)| Closed { fact, recomputed: balance.digest() }).collect())
}

/// Nothing is an empty cell.
fn amount(minor: i128, currency: Currency) -> String {
    if minor == 0 { String::new() } else { plain(minor, currency) }
}
