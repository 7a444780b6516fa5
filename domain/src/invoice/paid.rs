//! What the invoice knows of its being paid. Payments are allocated in the account and nowhere else: these are echoes, and post nothing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{DebitNote, Event, InvoiceIssued, Issued, Rejection};
use crate::{Money, Reason, ids::AccountId};

/// So much stands allocated to the invoice in its account, in all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteAllocation {
    pub paid: Money,
    /// The revision of the account's stream that says so: what is older than what was heard already says nothing more.
    pub as_of: u64,
    pub on: NaiveDate,
}

/// So much of it was given up in its account, in all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteWriteOff {
    pub written_off: Money,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// A day has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MarkOverdue {
    pub as_of: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoicePartlyPaid {
    pub account_id: AccountId,
    /// In all, and what is left.
    pub paid: Money,
    pub left: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
    pub on: NaiveDate,
}

/// Nothing of it is owed any more, whether it was paid or credited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceSettled {
    pub account_id: AccountId,
    pub paid: Money,
    /// The revision of the account's stream that said so; nothing if a note of the invoice's own did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
    pub on: NaiveDate,
}

/// More of it is owed than before: a payment was taken back, or a debit note came after it was settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceReopened {
    pub account_id: AccountId,
    pub paid: Money,
    pub left: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceFellOverdue {
    pub account_id: AccountId,
    pub due_on: NaiveDate,
    pub as_of: NaiveDate,
    pub left: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceWrittenOff {
    pub account_id: AccountId,
    pub amount: Money,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Paid {
    /// The invoice with its debit notes, less its credit notes.
    payable: Money,
    allocated: Money,
    written_off: Money,
    due_on: NaiveDate,
    settled: bool,
    /// The last revision of the account's that was heard of.
    heard: Option<u64>,
    pub(super) overdue: bool,
}

impl Paid {
    pub(super) fn of(invoice: &InvoiceIssued) -> Self {
        let total = invoice.document.total;
        let nothing = Money::zero(total.currency);
        let due_on = invoice.dates.due_on;
        Self { payable: total, allocated: nothing, written_off: nothing, due_on, settled: false, heard: None, overdue: false }
    }

    /// What is still to be paid; never less than nothing.
    pub(super) fn left(self) -> Money {
        let left = self.payable.minor.saturating_sub(self.allocated.minor).saturating_sub(self.written_off.minor);
        Money::new(left.max(0), self.payable.currency)
    }

    pub(super) fn is_begun(self) -> bool {
        !self.allocated.is_zero()
    }

    pub(super) fn is_written_off(self) -> bool {
        !self.written_off.is_zero()
    }

    /// After a credit note. The account takes back what is allocated beyond what is payable, so that the echo of that changes nothing here.
    pub(super) fn less(self, credited: Money) -> Self {
        let payable = Money { minor: self.payable.minor.saturating_sub(credited.minor), ..self.payable };
        Self { payable, ..self }.with_allocated(self.allocated)
    }

    /// After a debit note. What it adds to a settled invoice is due when it says; otherwise the invoice is due as it was.
    pub(super) fn more(self, note: &DebitNote) -> Self {
        let payable = Money { minor: self.payable.minor.saturating_add(note.document.total.minor), ..self.payable };
        let due_on = if self.settled { note.dates.due_on } else { self.due_on };
        Self { payable, due_on, ..self }
    }

    fn with_allocated(self, paid: Money) -> Self {
        Self { allocated: Money { minor: paid.minor.min(self.payable.minor), ..paid }, ..self }
    }

    pub(super) fn settled_by_note(self, account_id: AccountId, on: NaiveDate) -> Option<Event> {
        let settled = !self.settled && self.left().is_zero();
        settled.then(|| InvoiceSettled { account_id, paid: self.allocated, as_of: None, on }.into())
    }

    pub(super) fn reopened_by_note(self, account_id: AccountId, on: NaiveDate) -> Option<Event> {
        let reopened = self.settled && !self.left().is_zero();
        reopened.then(|| InvoiceReopened { account_id, paid: self.allocated, left: self.left(), as_of: None, on }.into())
    }

    fn told(&mut self, paid: Money, as_of: Option<u64>) {
        *self = self.with_allocated(paid);
        self.heard = as_of.or(self.heard);
        self.settled = self.left().is_zero();
        self.overdue &= !self.settled;
    }

    pub(super) fn partly(&mut self, fact: &InvoicePartlyPaid) {
        self.told(fact.paid, fact.as_of);
    }

    pub(super) fn settled(&mut self, fact: &InvoiceSettled) {
        self.told(fact.paid, fact.as_of);
    }

    pub(super) fn reopened(&mut self, fact: &InvoiceReopened) {
        self.told(fact.paid, fact.as_of);
    }

    pub(super) fn wrote_off(&mut self, fact: &InvoiceWrittenOff) {
        self.written_off.minor = self.written_off.minor.saturating_add(fact.amount.minor);
        self.told(self.allocated, None);
    }
}

impl Issued {
    pub(super) fn note_allocation(&self, wish: NoteAllocation) -> Result<Vec<Event>, Rejection> {
        let NoteAllocation { paid, as_of, on } = wish;
        self.amount(paid)?;
        let (before, after) = (self.paid, self.paid.with_allocated(paid));
        // What changed nothing has left no trace: told again later, only its age shows that it is old news.
        let is_old = before.heard.is_some_and(|heard| as_of <= heard);
        if is_old || after.allocated == before.allocated {
            return Ok(vec![]);
        }
        let as_of = Some(as_of);
        let (account_id, paid, left) = (self.invoice.account_id, after.allocated, after.left());
        let event = if left.is_zero() {
            InvoiceSettled { account_id, paid, as_of, on }.into()
        } else if paid.minor > before.allocated.minor {
            InvoicePartlyPaid { account_id, paid, left, as_of, on }.into()
        } else {
            InvoiceReopened { account_id, paid, left, as_of, on }.into()
        };
        Ok(vec![event])
    }

    pub(super) fn note_write_off(&self, wish: NoteWriteOff) -> Result<Vec<Event>, Rejection> {
        let NoteWriteOff { written_off, on, reason } = wish;
        self.amount(written_off)?;
        let amount = Money { minor: written_off.minor.saturating_sub(self.paid.written_off.minor), ..written_off };
        match amount.minor {
            0 => Ok(vec![]),
            1.. => Ok(vec![InvoiceWrittenOff { account_id: self.invoice.account_id, amount, on, reason }.into()]),
            _ => Err(Rejection::NotAnAmount),
        }
    }

    pub(super) fn mark_overdue(&self, wish: MarkOverdue) -> Result<Vec<Event>, Rejection> {
        let MarkOverdue { as_of } = wish;
        let (due_on, left) = (self.paid.due_on, self.paid.left());
        if left.is_zero() || self.paid.overdue {
            return Ok(vec![]);
        }
        if as_of <= due_on {
            return Err(Rejection::NotYetDue { due_on });
        }
        Ok(vec![InvoiceFellOverdue { account_id: self.invoice.account_id, due_on, as_of, left }.into()])
    }

    fn amount(&self, amount: Money) -> Result<(), Rejection> {
        let fits = amount.currency == self.invoice.document.currency && amount.minor >= 0;
        if fits { Ok(()) } else { Err(Rejection::NotAnAmount) }
    }
}
