//! Debit notes: what is added to an issued invoice. Their lines can be credited as the invoice's own.

use serde::{Deserialize, Serialize};

use super::{
    Dates, DocumentError, DocumentLine, Event, Heading, InvoiceIssued, Issued, Note, Rejection, TaxDocument, document::within_reason,
};
use crate::{
    BillingPeriod, Money, Reason,
    ids::{AccountId, InvoiceId, NoteId},
    rating::Rounding,
    register::{DocumentNumber, Numbering},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApproveDebitNote {
    /// Also the UUID on the tax document.
    pub note_id: NoteId,
    pub dates: Dates,
    /// When what is added was supplied.
    pub supplied: BillingPeriod,
    pub lines: Vec<DocumentLine>,
    pub rounding: Rounding,
    pub reason: Reason,
    pub numbering: Numbering,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IssueDebitNote {
    pub note_id: NoteId,
    pub number: DocumentNumber,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebitNoteApproved {
    pub note: DebitNote,
    pub numbering: Numbering,
}

/// It is posted as issued and not yet charged, as an invoice is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebitNoteIssued {
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    pub number: DocumentNumber,
    pub note: DebitNote,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebitNote {
    pub note_id: NoteId,
    pub dates: Dates,
    pub reason: Reason,
    pub document: Box<TaxDocument>,
}

impl Issued {
    pub(super) fn approve_debit_note(&self, wish: ApproveDebitNote) -> Result<Vec<Event>, Rejection> {
        let invoice = &self.invoice;
        let ApproveDebitNote { note_id, dates, supplied, lines, rounding, reason, numbering } = wish;
        let heading = Heading { supplied, ..invoice.document.heading.clone() };
        let lines = lines.into_iter().map(|line| DocumentLine { credits: None, ..line }).collect();
        let document = Box::new(TaxDocument::new(heading, invoice.document.currency, lines, rounding)?);
        let note = DebitNote { note_id, dates, reason, document };
        if let Some(already) = self.debit_notes.get(&note_id) {
            let same = (&already.note, &already.numbering) == (&note, &numbering);
            return if same { Ok(vec![]) } else { Err(Rejection::NoteIdReused(note_id)) };
        }
        if self.credit_notes.contains_key(&note_id) {
            return Err(Rejection::NoteIdReused(note_id));
        }
        if self.is_being_cancelled() {
            return Err(Rejection::Cancelled);
        }
        if dates.issued_on < invoice.dates.issued_on {
            return Err(Rejection::BeforeInvoice(invoice.dates.issued_on));
        }
        self.room_for(&note.document)?;
        Ok(vec![DebitNoteApproved { note, numbering }.into()])
    }

    /// Once approved, it is not refused.
    pub(super) fn issue_debit_note(&self, wish: IssueDebitNote) -> Result<Vec<Event>, Rejection> {
        let IssueDebitNote { note_id, number } = wish;
        let InvoiceIssued { invoice_id, account_id, .. } = self.invoice;
        let kept = self.debit_notes.get(&note_id).ok_or(Rejection::NoSuchNote(note_id))?;
        if let Some(already) = &kept.number {
            return if *already == number { Ok(vec![]) } else { Err(Rejection::OtherNumber(already.clone())) };
        }
        let note = kept.note.clone();
        let reopened = self.paid.more(&note).reopened_by_note(account_id, note.dates.issued_on);
        let issued = DebitNoteIssued { invoice_id, account_id, number, note };
        Ok([issued.into()].into_iter().chain(reopened).collect())
    }

    pub(super) fn debit_note_approved(&mut self, fact: &DebitNoteApproved) {
        let DebitNoteApproved { note, numbering } = fact.clone();
        self.debit_notes.insert(note.note_id, Note { note, numbering, number: None });
    }

    pub(super) fn debit_note_issued(&mut self, fact: &DebitNoteIssued) {
        self.paid = self.paid.more(&fact.note);
        self.left.add(Some(fact.note.note_id), &fact.note.document);
        if let Some(kept) = self.debit_notes.get_mut(&fact.note.note_id) {
            kept.number = Some(fact.number.clone());
        }
    }

    /// Whatever is approved can be added up, so that no later step has too large a sum to refuse.
    fn room_for(&self, document: &TaxDocument) -> Result<(), Rejection> {
        let notes = self.debit_notes.values().map(|kept| &*kept.note.document);
        let documents: Vec<_> = [&*self.invoice.document, document].into_iter().chain(notes).collect();
        let gross = Money::sum(document.currency, documents.iter().flat_map(|document| [document.net, document.vat]));
        let total = Money::sum(document.currency, documents.iter().map(|document| document.total));
        let (Ok(gross), Ok(total)) = (gross, total) else { return Err(DocumentError::TooLarge.into()) };
        // Nor, so, can a credit note for all of them be too large for the account.
        Ok(within_reason([gross, total])?)
    }
}
