//! The issue: approved, and then under its number what the draft said.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Draft, Event, Invoice, InvoiceDrafted, InvoiceSettled, Rejection, Stage, Subject, TaxDocument};
use crate::{
    ids::{AccountId, InvoiceId},
    register::{DocumentNumber, Numbering},
};

/// From here on nothing stops the invoice: its number may be asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApproveInvoice {
    pub dates: Dates,
    pub numbering: Numbering,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IssueInvoice {
    pub number: DocumentNumber,
}

/// Draft, approval and issue in one, for a bill run: it has frozen the draft in its list before it asked for the number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IssueAtOnce {
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    pub draft: Draft,
    pub dates: Dates,
    pub number: DocumentNumber,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceApproved {
    pub dates: Dates,
    pub numbering: Numbering,
}

/// Everything that the law, the ledger and the customer are told: no one needs another event to read it. It is posted as issued and not yet
/// charged; the account's own event charges it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceIssued {
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    pub number: DocumentNumber,
    pub dates: Dates,
    pub subject: Subject,
    pub document: Box<TaxDocument>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dates {
    pub issued_on: NaiveDate,
    /// The last day on which it is paid in time.
    pub due_on: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a document issued on {issued_on} cannot be due on {due_on}")]
pub struct DueBeforeIssue {
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
}

impl Dates {
    pub fn new(issued_on: NaiveDate, due_on: NaiveDate) -> Result<Self, DueBeforeIssue> {
        if issued_on <= due_on { Ok(Self { issued_on, due_on }) } else { Err(DueBeforeIssue { issued_on, due_on }) }
    }
}

impl Invoice {
    pub(super) fn approve(&self, wish: ApproveInvoice) -> Result<Vec<Event>, Rejection> {
        let ApproveInvoice { dates, numbering } = wish;
        let approved = InvoiceApproved { dates, numbering };
        match &self.stage {
            Stage::Approved(_, already) if *already == approved => return Ok(vec![]),
            Stage::Issued(issued) if issued.invoice.is_as(&approved) => return Ok(vec![]),
            Stage::None | Stage::Draft(..) | Stage::Discarded(_) | Stage::Approved(..) | Stage::Issued(_) => {}
        }
        match self.drafted()? {
            Some(_) => Err(Rejection::Held),
            None => Ok(vec![approved.into()]),
        }
    }

    /// Once approved, it is not refused.
    pub(super) fn issue(&self, wish: IssueInvoice) -> Result<Vec<Event>, Rejection> {
        let IssueInvoice { number } = wish;
        match &self.stage {
            Stage::None => Err(Rejection::NoSuchInvoice),
            Stage::Draft(..) | Stage::Discarded(_) => Err(Rejection::NotApproved),
            Stage::Approved(drafted, approved) => {
                let InvoiceDrafted { invoice_id, account_id, draft } = InvoiceDrafted::clone(drafted);
                Ok(issue(invoice_id, account_id, draft, approved.dates, number))
            }
            Stage::Issued(already) if already.invoice.number == number => Ok(vec![]),
            Stage::Issued(already) => Err(Rejection::OtherNumber(already.invoice.number.clone())),
        }
    }

    /// In a stream of its own, it is not refused.
    pub(super) fn issue_at_once(&self, wish: IssueAtOnce) -> Result<Vec<Event>, Rejection> {
        let IssueAtOnce { invoice_id, account_id, draft, dates, number } = wish;
        let events = issue(invoice_id, account_id, draft, dates, number);
        match &self.stage {
            Stage::None => Ok(events),
            Stage::Issued(already) if matches!(events.first(), Some(Event::InvoiceIssued(issued)) if *issued == already.invoice) => {
                Ok(vec![])
            }
            Stage::Draft(..) | Stage::Discarded(_) | Stage::Approved(..) | Stage::Issued(_) => Err(Rejection::InvoiceIdReused),
        }
    }
}

/// The invoice as it is issued; one that asks for nothing is settled with that.
fn issue(invoice_id: InvoiceId, account_id: AccountId, draft: Draft, dates: Dates, number: DocumentNumber) -> Vec<Event> {
    let Draft { subject, document } = draft;
    let nothing =
        document.total.is_zero().then_some(InvoiceSettled { account_id, paid: document.total, as_of: None, on: dates.issued_on }.into());
    let issued = InvoiceIssued { invoice_id, account_id, number, dates, subject, document };
    [issued.into()].into_iter().chain(nothing).collect()
}

impl InvoiceIssued {
    pub(super) fn is_of(&self, drafted: &InvoiceDrafted) -> bool {
        let InvoiceDrafted { invoice_id, account_id, draft: Draft { subject, document } } = drafted;
        (self.invoice_id, self.account_id) == (*invoice_id, *account_id) && self.subject == *subject && self.document == *document
    }

    fn is_as(&self, approved: &InvoiceApproved) -> bool {
        let InvoiceApproved { dates, numbering } = approved;
        self.dates == *dates && (&self.number.register, &self.number.series) == (&numbering.register, &numbering.series)
    }
}
