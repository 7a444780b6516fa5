//! What a history comes to, found in the log itself: figures for the end of the loading, and names of what is worth looking at.

use std::{collections::BTreeMap, fmt};

use daftar_domain::{
    BillingEvent, Code, Currency, Money, StreamName,
    account::{self, AccountNumber},
    correction,
    ids::{AccountId, InvoiceId, MeterId},
    invoice,
    ledger::{self, LedgerAccount, TrialBalance},
    meter,
    register::DocumentNumber,
    repair,
};
use daftar_store::{EventReader, Scope};
use futures::TryStreamExt;

use crate::{Company, DemoError};

#[derive(Clone, Debug, Default)]
pub struct Story {
    pub events: u64,
    pub accounts: u64,
    pub meters: u64,
    pub readings: u64,
    pub estimates: u64,
    pub invoices: u64,
    pub credit_notes: u64,
    pub payments: u64,
    pub repairs: u64,
    pub invoiced: BTreeMap<Currency, i64>,
    pub paid: BTreeMap<Currency, i64>,
    pub books: TrialBalance,
    pub remarkable: Remarkable,
    numbers: BTreeMap<AccountId, AccountNumber>,
    serials: BTreeMap<MeterId, Code>,
    documents: BTreeMap<InvoiceId, DocumentNumber>,
    overdue: BTreeMap<InvoiceId, AccountId>,
}

/// One of each kind that people ask to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remarkable {
    /// The account with the most invoices overdue.
    pub overdue: Option<AccountNumber>,
    /// What was cancelled, and what replaced it.
    pub rebilled: Option<(DocumentNumber, DocumentNumber)>,
    pub credited: Option<DocumentNumber>,
    /// What came down, and what went up.
    pub exchanged: Option<(Code, Code)>,
    pub rolled_over: Option<Code>,
    pub released: Option<Code>,
    pub bounced: Option<AccountNumber>,
    pub written_off: Option<AccountNumber>,
    pub closed: Option<AccountNumber>,
    /// The bill of a device that was mended.
    pub repaired: Option<DocumentNumber>,
}

impl Story {
    pub async fn of(company: &Company) -> Result<Self, DemoError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| DemoError::Store(error);
        let mut story = Self::default();
        let mut events = company.log.read_all(None, Scope::billing());
        while let Some(stored) = events.try_next().await.map_err(|error| failed(error.into()))? {
            let fact = stored.decode_billing().map_err(|error| failed(error.into()))?;
            if let Some(journal) = ledger::post(&fact).map_err(|error| failed(error.into()))? {
                story.books.post(&journal);
            }
            story.events += 1;
            story.hear(&fact.stream, &fact.event);
        }
        let mut late: BTreeMap<AccountId, usize> = BTreeMap::new();
        story.overdue.values().for_each(|account_id| *late.entry(*account_id).or_default() += 1);
        let worst = late.iter().max_by_key(|(_, invoices)| **invoices).map(|(account_id, _)| *account_id);
        story.remarkable.overdue = worst.and_then(|account_id| story.numbers.get(&account_id).cloned());
        Ok(story)
    }

    fn hear(&mut self, stream: &StreamName, event: &BillingEvent) {
        match event {
            BillingEvent::Account(event) => self.account(AccountId::new(stream.id()), event),
            BillingEvent::Invoice(event) => self.invoice(InvoiceId::new(stream.id()), event),
            BillingEvent::Meter(event) => self.meter(MeterId::new(stream.id()), event),
            BillingEvent::Repair(repair::Event::RepairRequested(_)) => self.repairs += 1,
            BillingEvent::Correction(correction::Event::CorrectionFinished(fact)) => {
                let numbers = self.documents.get(&fact.invoice_id).cloned().zip(self.documents.get(&fact.replacement_id).cloned());
                self.remarkable.rebilled = numbers.or(self.remarkable.rebilled.take());
            }
            _ => {}
        }
    }

    fn account(&mut self, id: AccountId, event: &account::Event) {
        let number = self.numbers.get(&id).cloned();
        match event {
            account::Event::AccountOpened(fact) => {
                self.accounts += 1;
                self.numbers.insert(id, fact.number.clone());
            }
            account::Event::PaymentReceived(fact) => {
                self.payments += 1;
                *self.paid.entry(fact.amount.currency).or_default() += fact.amount.minor;
            }
            account::Event::PaymentReversed(fact) => {
                *self.paid.entry(fact.amount.currency).or_default() -= fact.amount.minor;
                self.remarkable.bounced = number;
            }
            account::Event::DebtWrittenOff(_) => self.remarkable.written_off = number,
            account::Event::AccountClosed(_) => self.remarkable.closed = number,
            _ => {}
        }
    }

    fn invoice(&mut self, id: InvoiceId, event: &invoice::Event) {
        match event {
            invoice::Event::InvoiceIssued(fact) => {
                self.invoices += 1;
                if matches!(fact.subject, invoice::Subject::Repair { .. }) {
                    self.remarkable.repaired = Some(fact.number.clone());
                }
                self.documents.insert(id, fact.number.clone());
                *self.invoiced.entry(fact.document.currency).or_default() += fact.document.total.minor;
            }
            invoice::Event::CreditNoteIssued(fact) => {
                self.credit_notes += 1;
                *self.invoiced.entry(fact.note.document.currency).or_default() -= fact.note.document.total.minor;
                self.remarkable.credited = self.documents.get(&id).cloned();
            }
            invoice::Event::InvoiceFellOverdue(fact) => {
                self.overdue.insert(id, fact.account_id);
            }
            invoice::Event::InvoiceSettled(_) | invoice::Event::InvoiceCancelled(_) | invoice::Event::InvoiceWrittenOff(_) => {
                self.overdue.remove(&id);
            }
            _ => {}
        }
    }

    fn meter(&mut self, id: MeterId, event: &meter::Event) {
        let serial = self.serials.get(&id).cloned();
        match event {
            meter::Event::MeterRegistered(fact) => {
                self.meters += 1;
                self.serials.insert(id, fact.device.serial.clone());
            }
            meter::Event::ReadingRecorded(fact) => {
                self.readings += 1;
                if fact.rolled_over {
                    self.remarkable.rolled_over = serial;
                }
            }
            meter::Event::ReadingEstimated(_) => self.estimates += 1,
            meter::Event::ReadingReleased(_) => self.remarkable.released = serial,
            meter::Event::MeterInstalled(fact) => {
                let old = fact.replaces.and_then(|old| self.serials.get(&old).cloned());
                self.remarkable.exchanged = old.zip(serial).or(self.remarkable.exchanged.take());
            }
            _ => {}
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, accounts, meters, readings, estimates, invoices, credit_notes, payments, repairs, .. } = self;
        writeln!(f, "  {accounts} accounts, {meters} meters, {readings} readings and {estimates} estimates")?;
        writeln!(f, "  {invoices} invoices, {credit_notes} credit notes, {payments} payments, {repairs} repairs: {events} events")?;
        for (currency, minor) in &self.invoiced {
            let of = |minor: i64| Money::new(minor, *currency);
            let paid = self.paid.get(currency).copied().unwrap_or_default();
            let owed =
                [LedgerAccount::Receivable, LedgerAccount::ReceivableInstalments].map(|account| self.books.balance(account, *currency));
            let owed = i64::try_from(owed.iter().sum::<i128>()).unwrap_or(i64::MAX);
            writeln!(f, "  invoiced {}, paid {}, still open {}", of(*minor), of(paid), of(owed))?;
            writeln!(f, "  debits less credits of all accounts: {}", self.books.difference(*currency))?;
        }
        let Remarkable { overdue, rebilled, credited, exchanged, rolled_over, released, bounced, written_off, closed, repaired } =
            &self.remarkable;
        let mut say = |what: &str, which: Option<String>| which.map_or(Ok(()), |which| writeln!(f, "  {what:<34}{which}"));
        say("an account that is overdue", overdue.as_ref().map(ToString::to_string))?;
        say("a bill that was made anew", rebilled.as_ref().map(|(wrong, right)| format!("{wrong}, replaced by {right}")))?;
        say("a bill with a credit note", credited.as_ref().map(ToString::to_string))?;
        say("a meter that was exchanged", exchanged.as_ref().map(|(old, new)| format!("{old}, replaced by {new}")))?;
        say("a dial that passed its end", rolled_over.as_ref().map(ToString::to_string))?;
        say("a reading that a person released", released.as_ref().map(|serial| format!("of meter {serial}")))?;
        say("a cheque that came back", bounced.as_ref().map(|number| format!("of account {number}")))?;
        say("a debt that was given up", written_off.as_ref().map(|number| format!("of account {number}")))?;
        say("an account that was closed", closed.as_ref().map(ToString::to_string))?;
        say("a repair and its bill", repaired.as_ref().map(ToString::to_string))
    }
}
