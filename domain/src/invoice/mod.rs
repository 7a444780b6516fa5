//! The invoice: a tax document from its draft to its last note, and what is known of its being paid.
//!
//! An issued invoice never changes. What was wrong in it is put right by credit and debit notes, which are facts of this same stream, so that
//! its revision guards what is left to credit. All three kinds of document go one way: approved here, numbered by the register, issued here.
//! Everything that can be refused is refused at the approval; a document that has its number is issued whatever else has happened.

mod bill;
mod buyer;
mod credit;
mod debit;
mod document;
mod draft;
pub mod example;
mod issue;
mod left;
mod paid;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use bill::{BilledSupply, VatReasons, lines_of};
pub use credit::{
    ApproveCreditNote, CancelInvoice, CreditKind, CreditLine, CreditNote, CreditNoteApproved, CreditNoteIssued, InvoiceCancelled,
    IssueCreditNote, Surplus,
};
pub use debit::{ApproveDebitNote, DebitNote, DebitNoteApproved, DebitNoteIssued, IssueDebitNote};
pub(crate) use document::vat_totals;
pub use document::{
    Buyer, BuyerIdentity, DocumentError, DocumentLine, Heading, LineRef, Revenue, Seller, SellerAddress, TaxDocument, TaxForm, Unit,
    VatTotal, VatTreatment,
};
pub use draft::{
    BillCheck, DiscardDraft, Draft, DraftDiscarded, DraftInvoice, HoldCause, HoldInvoice, InvoiceDrafted, InvoiceHeld, InvoiceReleased,
    ReleaseInvoice, Subject,
};
pub use issue::{ApproveInvoice, Dates, DueBeforeIssue, InvoiceApproved, InvoiceIssued, IssueAtOnce, IssueInvoice};
pub use left::{CreditError, Left};
pub use paid::{
    InvoiceFellOverdue, InvoicePartlyPaid, InvoiceReopened, InvoiceSettled, InvoiceWrittenOff, MarkOverdue, NoteAllocation, NoteWriteOff,
};

use crate::{
    Decider, Money,
    ids::NoteId,
    register::{DocumentNumber, Numbering},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    DraftInvoice(DraftInvoice),
    HoldInvoice(HoldInvoice),
    ReleaseInvoice(ReleaseInvoice),
    DiscardDraft(DiscardDraft),
    ApproveInvoice(ApproveInvoice),
    IssueInvoice(IssueInvoice),
    IssueAtOnce(IssueAtOnce),
    ApproveCreditNote(ApproveCreditNote),
    CancelInvoice(CancelInvoice),
    IssueCreditNote(IssueCreditNote),
    ApproveDebitNote(ApproveDebitNote),
    IssueDebitNote(IssueDebitNote),
    NoteAllocation(NoteAllocation),
    NoteWriteOff(NoteWriteOff),
    MarkOverdue(MarkOverdue),
}

events! {
    InvoiceDrafted 1
    InvoiceHeld 1
    InvoiceReleased 1
    DraftDiscarded 1
    InvoiceApproved 1
    InvoiceIssued 1
    CreditNoteApproved 1
    CreditNoteIssued 1
    InvoiceCancelled 1
    DebitNoteApproved 1
    DebitNoteIssued 1
    // The first versions did not say as of when.
    InvoicePartlyPaid 2, 1 => InvoicePartlyPaid
    InvoiceSettled 2, 1 => InvoiceSettled
    InvoiceReopened 2, 1 => InvoiceReopened
    InvoiceFellOverdue 1
    InvoiceWrittenOff 1
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such invoice")]
    NoSuchInvoice,
    #[error("the invoice is already there with other content")]
    InvoiceIdReused,
    #[error("the invoice is held")]
    Held,
    #[error("the draft was discarded")]
    Discarded,
    #[error("the invoice is approved: it can only be issued now")]
    AlreadyApproved,
    #[error("the invoice is not approved")]
    NotApproved,
    #[error("the invoice is issued: it can only be credited now")]
    AlreadyIssued,
    #[error("the invoice is not issued")]
    NotIssued,
    #[error("the document already has number {0}")]
    OtherNumber(DocumentNumber),
    #[error("a document that corrects another is not older than it: {0}")]
    BeforeInvoice(NaiveDate),
    #[error("note {0} is already there with other content")]
    NoteIdReused(NoteId),
    #[error("there is no note {0}")]
    NoSuchNote(NoteId),
    #[error("the invoice is cancelled, or being cancelled")]
    Cancelled,
    #[error("note {0} is approved and waits for its number")]
    NoteUnderWay(NoteId),
    #[error("nothing of the invoice is left to credit")]
    NothingToCredit,
    #[error(transparent)]
    Credit(#[from] CreditError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the amount is in another currency, or below zero")]
    NotAnAmount,
    #[error("the invoice is due on {due_on}; it is not overdue before the day after")]
    NotYetDue { due_on: NaiveDate },
}

/// What the rules need to know of an invoice's history.
#[derive(Clone, Debug, Default)]
pub struct Invoice {
    stage: Stage,
}

/// How far the invoice has come.
#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    None,
    Draft(Box<InvoiceDrafted>, Option<HoldCause>),
    Discarded(Box<InvoiceDrafted>),
    Approved(Box<InvoiceDrafted>, InvoiceApproved),
    Issued(Box<Issued>),
}

/// The invoice as it was issued, and what has come of it.
#[derive(Clone, Debug)]
struct Issued {
    invoice: InvoiceIssued,
    left: Left,
    credit_notes: BTreeMap<NoteId, Note<CreditNote>>,
    debit_notes: BTreeMap<NoteId, Note<DebitNote>>,
    paid: paid::Paid,
    cancelled: bool,
}

/// A note as it was approved, and its number once it is issued.
#[derive(Clone, Debug)]
struct Note<T> {
    note: T,
    numbering: Numbering,
    number: Option<DocumentNumber>,
}

impl Decider for Invoice {
    const CATEGORY: &'static str = "invoice";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::DraftInvoice(wish) => self.draft(wish),
            Command::HoldInvoice(wish) => self.hold(wish),
            Command::ReleaseInvoice(wish) => self.release(wish),
            Command::DiscardDraft(wish) => self.discard(wish),
            Command::ApproveInvoice(wish) => self.approve(wish),
            Command::IssueInvoice(wish) => self.issue(wish),
            Command::IssueAtOnce(wish) => self.issue_at_once(wish),
            Command::ApproveCreditNote(wish) => self.as_issued()?.approve_credit_note(wish),
            Command::CancelInvoice(wish) => self.as_issued()?.cancel(wish),
            Command::IssueCreditNote(wish) => self.as_issued()?.issue_credit_note(wish),
            Command::ApproveDebitNote(wish) => self.as_issued()?.approve_debit_note(wish),
            Command::IssueDebitNote(wish) => self.as_issued()?.issue_debit_note(wish),
            Command::NoteAllocation(wish) => self.as_issued()?.note_allocation(wish),
            Command::NoteWriteOff(wish) => self.as_issued()?.note_write_off(wish),
            Command::MarkOverdue(wish) => self.as_issued()?.mark_overdue(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::InvoiceDrafted(fact) => self.stage = Stage::Draft(Box::new(fact.clone()), None),
            Event::InvoiceHeld(fact) => self.stage = self.stage.held(Some(fact.cause.clone())),
            Event::InvoiceReleased(_) => self.stage = self.stage.held(None),
            Event::DraftDiscarded(_) => self.stage = self.stage.discarded(),
            Event::InvoiceApproved(fact) => self.stage = self.stage.approved(fact),
            Event::InvoiceIssued(fact) => self.stage = Stage::Issued(Box::new(Issued::from(fact))),
            Event::CreditNoteApproved(fact) => self.change(|issued| issued.credit_note_approved(fact)),
            Event::CreditNoteIssued(fact) => self.change(|issued| issued.credit_note_issued(fact)),
            Event::InvoiceCancelled(_) => self.change(|issued| issued.cancelled = true),
            Event::DebitNoteApproved(fact) => self.change(|issued| issued.debit_note_approved(fact)),
            Event::DebitNoteIssued(fact) => self.change(|issued| issued.debit_note_issued(fact)),
            Event::InvoicePartlyPaid(fact) => self.change(|issued| issued.paid.partly(fact)),
            Event::InvoiceSettled(fact) => self.change(|issued| issued.paid.settled(fact)),
            Event::InvoiceReopened(fact) => self.change(|issued| issued.paid.reopened(fact)),
            Event::InvoiceFellOverdue(_) => self.change(|issued| issued.paid.overdue = true),
            Event::InvoiceWrittenOff(fact) => self.change(|issued| issued.paid.wrote_off(fact)),
        }
        self
    }
}

impl From<&InvoiceIssued> for Issued {
    fn from(fact: &InvoiceIssued) -> Self {
        let mut left = Left::default();
        left.add(None, &fact.document);
        let (credit_notes, debit_notes) = (BTreeMap::new(), BTreeMap::new());
        Self { invoice: fact.clone(), left, credit_notes, debit_notes, paid: paid::Paid::of(fact), cancelled: false }
    }
}

/// Where the invoice stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Draft,
    Held,
    Discarded,
    Approved,
    Open,
    PartlyPaid,
    Paid,
    Credited,
    Cancelled,
    WrittenOff,
}

impl Invoice {
    /// Nothing, if there is no such invoice.
    pub fn status(&self) -> Option<Status> {
        match &self.stage {
            Stage::None => None,
            Stage::Draft(_, None) => Some(Status::Draft),
            Stage::Draft(_, Some(_)) => Some(Status::Held),
            Stage::Discarded(_) => Some(Status::Discarded),
            Stage::Approved(..) => Some(Status::Approved),
            Stage::Issued(issued) => Some(issued.status()),
        }
    }

    /// As it was issued; nothing, if it is not.
    pub fn issued(&self) -> Option<&InvoiceIssued> {
        self.as_issued().ok().map(|issued| &issued.invoice)
    }

    pub fn is_overdue(&self) -> bool {
        matches!(&self.stage, Stage::Issued(issued) if issued.paid.overdue)
    }

    /// What is left to pay, as far as the account has told.
    pub fn left_to_pay(&self) -> Option<Money> {
        self.as_issued().ok().map(|issued| issued.paid.left())
    }

    /// What no note has taken or promised yet.
    pub fn left_to_credit(&self) -> Option<&Left> {
        self.as_issued().ok().map(|issued| &issued.left)
    }

    fn as_issued(&self) -> Result<&Issued, Rejection> {
        match &self.stage {
            Stage::None => Err(Rejection::NoSuchInvoice),
            Stage::Draft(..) | Stage::Discarded(_) | Stage::Approved(..) => Err(Rejection::NotIssued),
            Stage::Issued(issued) => Ok(issued),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Issued)) {
        if let Stage::Issued(issued) = &mut self.stage {
            change(issued);
        }
    }
}

impl Issued {
    fn status(&self) -> Status {
        match self.paid.left().minor {
            _ if self.cancelled => Status::Cancelled,
            0 if self.paid.is_written_off() => Status::WrittenOff,
            0 if self.left.gross() == 0 && !self.left.is_untouched() => Status::Credited,
            0 => Status::Paid,
            _ if self.paid.is_begun() => Status::PartlyPaid,
            _ => Status::Open,
        }
    }
}
