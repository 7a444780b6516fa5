//! Documents and their numbers: each number has its document and each document its number, none is left out, and each document reaches its account.

use std::collections::BTreeMap;

use daftar_domain::{
    BillingEvent, Code, Currency, Money,
    account::{self, ItemId},
    ids::NoteId,
    invoice,
    register::{self, DocumentNumber},
};

/// What is under way: it grows with what is unfinished and not with the log.
#[derive(Debug, Default)]
pub struct Documents {
    /// The last number of each series and year, and those that are still without a document, each with the leaf that gave it away.
    series: BTreeMap<(Code, Code, i32), Series>,
    /// Issued, and not yet charged to the account.
    issued: BTreeMap<Document, Money>,
}

#[derive(Debug, Default)]
struct Series {
    last: u64,
    waiting: BTreeMap<u64, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Document {
    Item(ItemId),
    CreditNote(NoteId),
}

impl Documents {
    /// What is wrong with the fact, seen from those before it.
    pub fn take(&mut self, leaf: u64, event: &BillingEvent) -> Option<String> {
        match event {
            BillingEvent::Register(register::Event::NumberAssigned(fact)) => self.assigned(leaf, &fact.number, 1),
            BillingEvent::Register(register::Event::BlockAssigned(fact)) => self.assigned(leaf, &fact.first, fact.count),
            BillingEvent::Invoice(invoice::Event::InvoiceIssued(fact)) => {
                self.issued(Document::Item(ItemId::Invoice(fact.invoice_id)), &fact.number, fact.document.total)
            }
            BillingEvent::Invoice(invoice::Event::DebitNoteIssued(fact)) => {
                self.issued(Document::Item(ItemId::DebitNote(fact.note.note_id)), &fact.number, fact.note.document.total)
            }
            BillingEvent::Invoice(invoice::Event::CreditNoteIssued(fact)) => {
                self.issued(Document::CreditNote(fact.note.note_id), &fact.number, fact.note.document.total)
            }
            BillingEvent::Account(account::Event::AccountCharged(fact)) => {
                self.reached(Document::Item(fact.item()), &fact.number, fact.amount)
            }
            BillingEvent::Account(account::Event::AccountCredited(fact)) => {
                self.reached(Document::CreditNote(fact.note_id), &fact.number, fact.amount)
            }
            _ => None,
        }
    }

    fn series(&mut self, number: &DocumentNumber) -> &mut Series {
        self.series.entry((number.register.clone(), number.series.clone(), number.year)).or_default()
    }

    fn assigned(&mut self, leaf: u64, first: &DocumentNumber, count: u32) -> Option<String> {
        let series = self.series(first);
        let expected = series.last + 1;
        series.last = first.number + u64::from(count.saturating_sub(1));
        series.waiting.extend((first.number..=series.last).map(|number| (number, leaf)));
        (first.number != expected).then(|| format!("number {first} is given away where {expected} is next"))
    }

    fn issued(&mut self, document: Document, number: &DocumentNumber, total: Money) -> Option<String> {
        self.issued.insert(document, total);
        self.series(number)
            .waiting
            .remove(&number.number)
            .is_none()
            .then(|| format!("a document has number {number}, which was not given to it"))
    }

    fn reached(&mut self, document: Document, number: &DocumentNumber, amount: Money) -> Option<String> {
        match self.issued.remove(&document) {
            Some(total) if total == amount => None,
            Some(total) => Some(format!("document {number} comes to {total}, and its account was told {amount}")),
            None => Some(format!("an account was told of document {number}, which was not issued or is there already")),
        }
    }

    /// Numbers without a document, by the leaf that gave them away.
    pub fn without_document(&self) -> impl Iterator<Item = (u64, String)> {
        let written = |(register, series, year): &(Code, Code, i32), number: u64| {
            DocumentNumber { register: register.clone(), series: series.clone(), year: *year, number, counter: number }.to_string()
        };
        self.series.iter().flat_map(move |(key, series)| series.waiting.iter().map(move |(number, leaf)| (*leaf, written(key, *number))))
    }

    /// What 1115 must stand at: documents that have not reached their account, credit notes from the other side.
    pub fn on_the_way(&self) -> BTreeMap<Currency, i128> {
        self.issued.iter().fold(BTreeMap::new(), |mut sums, (document, amount)| {
            let sign = if matches!(document, Document::Item(_)) { 1 } else { -1 };
            *sums.entry(amount.currency).or_default() += sign * i128::from(amount.minor);
            sums
        })
    }
}
