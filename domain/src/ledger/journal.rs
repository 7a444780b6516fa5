//! A journal: what one event does to the books. There is none whose two sides differ, in any currency.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;

use super::LedgerAccount;
use crate::{
    Currency, Money, Position,
    ids::{AccountId, CashSessionId},
};

/// Whatever the day on which it is posted, it keeps the day that it is for: see [`AccountingPeriods`](super::AccountingPeriods).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Journal {
    /// The event that it is the books' side of.
    pub event_id: Uuid,
    pub position: Position,
    pub effective_on: NaiveDate,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub account: LedgerAccount,
    pub sub_ledger: Option<SubLedger>,
    pub side: Side,
    /// Always more than zero.
    pub amount: Money,
}

/// What hangs under a ledger account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SubLedger {
    Customer(AccountId),
    Till(CashSessionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    Debit,
    Credit,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JournalError {
    #[error("the journal of event {event_id} has {by} more in debit than in credit")]
    Unbalanced { event_id: Uuid, by: Money },
    #[error("the amounts of event {event_id} are too large to add up")]
    TooLarge { event_id: Uuid },
}

/// Entries to be. Nothing is no entry, and less than nothing belongs to the other side.
#[derive(Debug, Default)]
pub(super) struct Entries(Vec<Entry>);

impl Entries {
    pub(super) fn debit(self, account: LedgerAccount, sub_ledger: Option<SubLedger>, amount: Money) -> Self {
        self.push(account, sub_ledger, amount, Side::Debit)
    }

    pub(super) fn credit(self, account: LedgerAccount, sub_ledger: Option<SubLedger>, amount: Money) -> Self {
        self.push(account, sub_ledger, amount, Side::Credit)
    }

    /// The exact inverse.
    pub(super) fn reversed(self) -> Self {
        Self(self.0.into_iter().map(|entry| Entry { side: entry.side.other(), ..entry }).collect())
    }

    fn push(mut self, account: LedgerAccount, sub_ledger: Option<SubLedger>, amount: Money, side: Side) -> Self {
        let side = if amount.minor < 0 { side.other() } else { side };
        let amount = Money { minor: amount.minor.saturating_abs(), ..amount };
        if !amount.is_zero() {
            self.0.push(Entry { account, sub_ledger, side, amount });
        }
        self
    }
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

impl Entry {
    /// Debits add and credits take away.
    pub fn signed(&self) -> i128 {
        match self.side {
            Side::Debit => self.amount.minor.into(),
            Side::Credit => -i128::from(self.amount.minor),
        }
    }
}

impl Journal {
    /// Nothing, if the event moves nothing.
    pub(super) fn new(
        event_id: Uuid,
        position: Position,
        effective_on: NaiveDate,
        Entries(entries): Entries,
    ) -> Result<Option<Self>, JournalError> {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for entry in &entries {
            *sums.entry(entry.amount.currency).or_default() += entry.signed();
        }
        if let Some((&currency, &by)) = sums.iter().find(|(_, sum)| **sum != 0) {
            let by = i64::try_from(by).map_err(|_| JournalError::TooLarge { event_id })?;
            return Err(JournalError::Unbalanced { event_id, by: Money::new(by, currency) });
        }
        Ok((!entries.is_empty()).then_some(Self { event_id, position, effective_on, entries }))
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(entries: Entries) -> Result<Option<Journal>, JournalError> {
        Journal::new(Uuid::nil(), Position::single(1), NaiveDate::MIN, entries)
    }

    #[test]
    fn a_journal_balances_in_each_currency_or_is_none() {
        use LedgerAccount::{Bank, CashOnHand, Receivable};
        let (sar, kwd) = (|minor| Money::new(minor, Currency::SAR), |minor| Money::new(minor, Currency::KWD));
        let unbalanced = |by| Err(JournalError::Unbalanced { event_id: Uuid::nil(), by });
        for (entries, expected) in [
            (Entries::default().debit(Bank, None, sar(5)).credit(Receivable, None, sar(5)), Ok(2)),
            (Entries::default().debit(Bank, None, sar(5)).credit(Receivable, None, sar(4)), unbalanced(sar(1))),
            (Entries::default().debit(Bank, None, sar(5)).credit(Receivable, None, kwd(5)), unbalanced(sar(5))),
            (Entries::default().debit(Bank, None, sar(5)).debit(Receivable, None, sar(-5)), Ok(2)),
            (Entries::default().debit(Bank, None, sar(0)).credit(CashOnHand, None, kwd(0)), Ok(0)),
        ] {
            assert_eq!(journal(entries).map(|journal| journal.map_or(0, |journal| journal.entries().len())), expected);
        }
    }

    #[test]
    fn the_inverse_takes_back_every_entry() {
        let entries = || Entries::default().debit(LedgerAccount::Bank, None, Money::new(5, Currency::SAR));
        let sum = |entries: Entries| entries.0.iter().map(Entry::signed).sum::<i128>();
        assert_eq!((sum(entries()), sum(entries().reversed())), (5, -5));
    }
}
