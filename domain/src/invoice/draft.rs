//! From a draft to an issued invoice: held and released, discarded, approved, and at last issued under its number.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    DocumentError, DocumentLine, Event, Heading, Invoice, InvoiceSettled, Rejection, Stage, TaxDocument,
    bill::{BilledSupply, VatReasons, lines_of},
};
use crate::{
    Actor, Money, Reason,
    ids::{AccountId, InvoiceId, RepairId},
    rating::Rounding,
    register::{DocumentNumber, Numbering},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DraftInvoice {
    /// Also the UUID on the tax document.
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    pub draft: Draft,
    pub check: Option<BillCheck>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HoldInvoice {
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReleaseInvoice {
    pub released_by: Actor,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiscardDraft {
    pub reason: Reason,
}

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
pub struct InvoiceDrafted {
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    pub draft: Draft,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceHeld {
    pub cause: HoldCause,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceReleased {
    pub released_by: Actor,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftDiscarded {
    pub reason: Reason,
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

/// What an invoice will say once it has its number and dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Draft {
    pub subject: Subject,
    pub document: Box<TaxDocument>,
}

/// What is billed, and with it what the customer's debt is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "snake_case")]
pub enum Subject {
    /// Services by the meter, each with its whole bill, so that the invoice explains itself. Its lines are theirs.
    Supply {
        supplies: Vec<BilledSupply>,
    },
    Repair {
        repair_id: RepairId,
    },
    /// Connections, reconnections, late payment.
    Fees,
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

/// Which bills a person looks at before the customer does: those of more than so many times the account's average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillCheck {
    pub average: Money,
    pub times: Decimal,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "snake_case")]
pub enum HoldCause {
    FarAboveAverage { check: BillCheck },
    Asked { reason: Reason },
}

impl Draft {
    /// An invoice for what was rated. Its VAT is that of its lines together, which for one bill is the bill's own.
    pub fn of_supplies(
        heading: Heading,
        supplies: Vec<BilledSupply>,
        reasons: &VatReasons,
        rounding: Rounding,
    ) -> Result<Self, DocumentError> {
        let currency = supplies.first().ok_or(DocumentError::NoLines)?.bill.currency;
        let mut lines = Vec::with_capacity(8);
        for supply in &supplies {
            lines.extend(lines_of(supply, reasons)?);
        }
        let document = Box::new(TaxDocument::new(heading, currency, lines, rounding)?);
        Ok(Self { subject: Subject::Supply { supplies }, document })
    }

    pub fn of_repair(repair_id: RepairId, heading: Heading, lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Self, DocumentError> {
        Self::of_lines(Subject::Repair { repair_id }, heading, lines, rounding)
    }

    pub fn of_fees(heading: Heading, lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Self, DocumentError> {
        Self::of_lines(Subject::Fees, heading, lines, rounding)
    }

    fn of_lines(subject: Subject, heading: Heading, lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Self, DocumentError> {
        let currency = lines.first().ok_or(DocumentError::NoLines)?.net.currency;
        Ok(Self { subject, document: Box::new(TaxDocument::new(heading, currency, lines, rounding)?) })
    }
}

impl Dates {
    pub fn new(issued_on: NaiveDate, due_on: NaiveDate) -> Result<Self, DueBeforeIssue> {
        if issued_on <= due_on { Ok(Self { issued_on, due_on }) } else { Err(DueBeforeIssue { issued_on, due_on }) }
    }
}

impl BillCheck {
    /// An account without an average is new, and its first bill is no surprise.
    pub fn holds(&self, total: Money) -> bool {
        let limit = self.average.to_decimal().checked_mul(self.times);
        self.average.minor > 0 && self.average.currency == total.currency && limit.is_some_and(|limit| total.to_decimal() > limit)
    }
}

impl Stage {
    pub(super) fn held(self, cause: Option<HoldCause>) -> Self {
        match self {
            Self::Draft(drafted, _) => Self::Draft(drafted, cause),
            other @ (Self::None | Self::Discarded(_) | Self::Approved(..) | Self::Issued(_)) => other,
        }
    }

    pub(super) fn discarded(self) -> Self {
        match self {
            Self::Draft(drafted, _) => Self::Discarded(drafted),
            other @ (Self::None | Self::Discarded(_) | Self::Approved(..) | Self::Issued(_)) => other,
        }
    }

    pub(super) fn approved(self, fact: &InvoiceApproved) -> Self {
        match self {
            Self::Draft(drafted, _) => Self::Approved(drafted, fact.clone()),
            other @ (Self::None | Self::Discarded(_) | Self::Approved(..) | Self::Issued(_)) => other,
        }
    }
}

impl Invoice {
    pub(super) fn draft(&self, wish: DraftInvoice) -> Result<Vec<Event>, Rejection> {
        let DraftInvoice { invoice_id, account_id, draft, check } = wish;
        let drafted = InvoiceDrafted { invoice_id, account_id, draft };
        match &self.stage {
            Stage::None => {}
            Stage::Draft(already, _) | Stage::Discarded(already) | Stage::Approved(already, _) if **already == drafted => {
                return Ok(vec![]);
            }
            Stage::Issued(already) if already.invoice.is_of(&drafted) => return Ok(vec![]),
            Stage::Draft(..) | Stage::Discarded(_) | Stage::Approved(..) | Stage::Issued(_) => return Err(Rejection::InvoiceIdReused),
        }
        let held = check.filter(|check| check.holds(drafted.draft.document.total));
        let held = held.map(|check| InvoiceHeld { cause: HoldCause::FarAboveAverage { check } }.into());
        Ok([drafted.into()].into_iter().chain(held).collect())
    }

    pub(super) fn hold(&self, wish: HoldInvoice) -> Result<Vec<Event>, Rejection> {
        let cause = HoldCause::Asked { reason: wish.reason };
        match self.drafted()? {
            Some(already) if *already == cause => Ok(vec![]),
            Some(_) | None => Ok(vec![InvoiceHeld { cause }.into()]),
        }
    }

    pub(super) fn release(&self, wish: ReleaseInvoice) -> Result<Vec<Event>, Rejection> {
        let ReleaseInvoice { released_by, reason } = wish;
        match self.drafted()? {
            Some(_) => Ok(vec![InvoiceReleased { released_by, reason }.into()]),
            None => Ok(vec![]),
        }
    }

    pub(super) fn discard(&self, wish: DiscardDraft) -> Result<Vec<Event>, Rejection> {
        match self.drafted() {
            Err(Rejection::Discarded) => Ok(vec![]),
            Err(rejection) => Err(rejection),
            Ok(_) => Ok(vec![DraftDiscarded { reason: wish.reason }.into()]),
        }
    }

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

    /// Why the draft is held, if it is; refused if it is not a draft, or no longer.
    fn drafted(&self) -> Result<Option<&HoldCause>, Rejection> {
        match &self.stage {
            Stage::None => Err(Rejection::NoSuchInvoice),
            Stage::Draft(_, cause) => Ok(cause.as_ref()),
            Stage::Discarded(_) => Err(Rejection::Discarded),
            Stage::Approved(..) => Err(Rejection::AlreadyApproved),
            Stage::Issued(_) => Err(Rejection::AlreadyIssued),
        }
    }
}

/// The invoice as it is issued; one that asks for nothing is settled with that.
fn issue(invoice_id: InvoiceId, account_id: AccountId, draft: Draft, dates: Dates, number: DocumentNumber) -> Vec<Event> {
    let Draft { subject, document } = draft;
    let nothing = document.total.is_zero().then_some(InvoiceSettled { account_id, paid: document.total, on: dates.issued_on }.into());
    let issued = InvoiceIssued { invoice_id, account_id, number, dates, subject, document };
    [issued.into()].into_iter().chain(nothing).collect()
}

impl InvoiceIssued {
    fn is_of(&self, drafted: &InvoiceDrafted) -> bool {
        let InvoiceDrafted { invoice_id, account_id, draft: Draft { subject, document } } = drafted;
        (self.invoice_id, self.account_id) == (*invoice_id, *account_id) && self.subject == *subject && self.document == *document
    }

    fn is_as(&self, approved: &InvoiceApproved) -> bool {
        let InvoiceApproved { dates, numbering } = approved;
        self.dates == *dates && (&self.number.register, &self.number.series) == (&numbering.register, &numbering.series)
    }
}
