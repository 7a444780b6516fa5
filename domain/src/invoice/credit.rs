//! Credit notes: what is taken off an issued invoice, never more than is left of it. A cancellation is the one that takes all.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, InvoiceIssued, Issued, LineRef, Note, Rejection, TaxDocument};
use crate::{
    Money, Reason,
    ids::{AccountId, InvoiceId, NoteId},
    register::{DocumentNumber, Numbering},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApproveCreditNote {
    /// Also the UUID on the tax document.
    pub note_id: NoteId,
    pub issued_on: NaiveDate,
    pub lines: Vec<CreditLine>,
    pub surplus: Surplus,
    pub reason: Reason,
    pub numbering: Numbering,
}

/// All that is left of the invoice is credited.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelInvoice {
    pub note_id: NoteId,
    pub issued_on: NaiveDate,
    pub surplus: Surplus,
    pub reason: Reason,
    pub numbering: Numbering,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IssueCreditNote {
    pub note_id: NoteId,
    pub number: DocumentNumber,
}

/// From here on it is promised: what it takes is no longer left for another note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditNoteApproved {
    pub note: CreditNote,
    pub numbering: Numbering,
}

/// It is posted as issued and not yet charged, with the opposite sign; the account's own event takes it off what is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditNoteIssued {
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    pub number: DocumentNumber,
    pub note: CreditNote,
}

/// Said after the credit note that did it; it posts nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceCancelled {
    pub account_id: AccountId,
    pub note_id: NoteId,
    pub cancelled_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditNote {
    pub note_id: NoteId,
    pub kind: CreditKind,
    pub issued_on: NaiveDate,
    pub surplus: Surplus,
    pub reason: Reason,
    /// Its amounts are what is taken off.
    pub document: Box<TaxDocument>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CreditKind {
    Correction,
    Cancellation,
}

/// A credit lessens what is due; this is what becomes of the part of it that was paid already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Surplus {
    /// It stays on the account, for the next invoice.
    AccountCredit,
    Refund,
}

/// So much, before VAT, of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CreditLine {
    pub line: LineRef,
    pub net: Money,
}

impl Issued {
    pub(super) fn approve_credit_note(&self, wish: ApproveCreditNote) -> Result<Vec<Event>, Rejection> {
        let ApproveCreditNote { note_id, issued_on, lines, surplus, reason, numbering } = wish;
        let terms = Terms { note_id, kind: CreditKind::Correction, issued_on, surplus, reason, numbering };
        if let Some(already) = self.credit_notes.get(&note_id) {
            return if already.is_on(&terms) && already.note.takes(&lines) { Ok(vec![]) } else { Err(Rejection::NoteIdReused(note_id)) };
        }
        self.promise(terms, &lines)
    }

    pub(super) fn cancel(&self, wish: CancelInvoice) -> Result<Vec<Event>, Rejection> {
        let CancelInvoice { note_id, issued_on, surplus, reason, numbering } = wish;
        let terms = Terms { note_id, kind: CreditKind::Cancellation, issued_on, surplus, reason, numbering };
        if let Some(already) = self.credit_notes.get(&note_id) {
            return if already.is_on(&terms) { Ok(vec![]) } else { Err(Rejection::NoteIdReused(note_id)) };
        }
        self.promise(terms, &self.left.everything())
    }

    /// Once approved, it is not refused.
    pub(super) fn issue_credit_note(&self, wish: IssueCreditNote) -> Result<Vec<Event>, Rejection> {
        let IssueCreditNote { note_id, number } = wish;
        let kept = self.credit_notes.get(&note_id).ok_or(Rejection::NoSuchNote(note_id))?;
        if let Some(already) = &kept.number {
            return if *already == number { Ok(vec![]) } else { Err(Rejection::OtherNumber(already.clone())) };
        }
        let InvoiceIssued { invoice_id, account_id, .. } = self.invoice;
        let note = kept.note.clone();
        let (kind, cancelled_on, reason) = (note.kind, note.issued_on, note.reason.clone());
        let settled = self.paid.less(note.document.total).settled_by_note(account_id, note.issued_on);
        let issued = CreditNoteIssued { invoice_id, account_id, number, note };
        let cancelled = match kind {
            CreditKind::Correction => None,
            CreditKind::Cancellation => Some(InvoiceCancelled { account_id, note_id, cancelled_on, reason }.into()),
        };
        Ok([issued.into()].into_iter().chain(settled).chain(cancelled).collect())
    }

    pub(super) fn credit_note_approved(&mut self, fact: &CreditNoteApproved) {
        self.left.take(&fact.note.document);
        let CreditNoteApproved { note, numbering } = fact.clone();
        self.credit_notes.insert(note.note_id, Note { note, numbering, number: None });
    }

    pub(super) fn credit_note_issued(&mut self, fact: &CreditNoteIssued) {
        self.paid = self.paid.less(fact.note.document.total);
        if let Some(kept) = self.credit_notes.get_mut(&fact.note.note_id) {
            kept.number = Some(fact.number.clone());
        }
    }

    /// Whether a cancellation was approved: nothing may be added to the invoice any more.
    pub(super) fn is_being_cancelled(&self) -> bool {
        self.credit_notes.values().any(|kept| kept.note.kind == CreditKind::Cancellation)
    }

    fn promise(&self, terms: Terms, lines: &[CreditLine]) -> Result<Vec<Event>, Rejection> {
        let invoice = &self.invoice;
        let Terms { note_id, kind, issued_on, surplus, reason, numbering } = terms;
        if self.debit_notes.contains_key(&note_id) {
            return Err(Rejection::NoteIdReused(note_id));
        }
        if self.is_being_cancelled() {
            return Err(Rejection::Cancelled);
        }
        let under_way = self.debit_notes.values().find(|kept| kept.number.is_none());
        if let (CreditKind::Cancellation, Some(kept)) = (kind, under_way) {
            return Err(Rejection::NoteUnderWay(kept.note.note_id));
        }
        if issued_on < invoice.dates.issued_on {
            return Err(Rejection::BeforeInvoice(invoice.dates.issued_on));
        }
        let credit = self.left.credit(lines, invoice.document.currency)?;
        let heading = invoice.document.heading.clone();
        let document = TaxDocument::assembled(heading, invoice.document.currency, credit.lines, credit.vat_totals, credit.rounding)?;
        // Only a cancellation may come to nothing: it says that an invoice for nothing was wrong.
        if document.lines.is_empty() || kind == CreditKind::Correction && document.net.is_zero() && document.vat.is_zero() {
            return Err(Rejection::NothingToCredit);
        }
        let note = CreditNote { note_id, kind, issued_on, surplus, reason, document: Box::new(document) };
        Ok(vec![CreditNoteApproved { note, numbering }.into()])
    }
}

/// What a wish for a credit note says besides its lines.
struct Terms {
    note_id: NoteId,
    kind: CreditKind,
    issued_on: NaiveDate,
    surplus: Surplus,
    reason: Reason,
    numbering: Numbering,
}

impl Note<CreditNote> {
    fn is_on(&self, terms: &Terms) -> bool {
        let CreditNote { note_id, kind, issued_on, surplus, reason, document: _ } = &self.note;
        (note_id, kind, issued_on, surplus) == (&terms.note_id, &terms.kind, &terms.issued_on, &terms.surplus)
            && (reason, &self.numbering) == (&terms.reason, &terms.numbering)
    }
}

impl CreditNote {
    fn takes(&self, lines: &[CreditLine]) -> bool {
        let own = self.document.lines.iter().map(|line| (line.credits, line.net));
        own.eq(lines.iter().map(|wanted| (Some(wanted.line), wanted.net)))
    }
}
