//! The draft: what the invoice will say, held and released, and perhaps discarded.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    DocumentError, DocumentLine, Event, Heading, Invoice, InvoiceApproved, Rejection, Stage, TaxDocument,
    bill::{BilledSupply, VatReasons, lines_of},
};
use crate::{
    Actor, Money, Reason,
    ids::{AccountId, ApplicationId, InvoiceId, RepairId},
    rating::Rounding,
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
    /// The fee of a new connection.
    Connection {
        application_id: ApplicationId,
    },
    /// Reconnections, late payment.
    Fees,
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

    pub fn of_connection(
        application_id: ApplicationId,
        heading: Heading,
        lines: Vec<DocumentLine>,
        rounding: Rounding,
    ) -> Result<Self, DocumentError> {
        Self::of_lines(Subject::Connection { application_id }, heading, lines, rounding)
    }

    pub fn of_fees(heading: Heading, lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Self, DocumentError> {
        Self::of_lines(Subject::Fees, heading, lines, rounding)
    }

    fn of_lines(subject: Subject, heading: Heading, lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Self, DocumentError> {
        let currency = lines.first().ok_or(DocumentError::NoLines)?.net.currency;
        Ok(Self { subject, document: Box::new(TaxDocument::new(heading, currency, lines, rounding)?) })
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

    /// Why the draft is held, if it is; refused if it is not a draft, or no longer.
    pub(super) fn drafted(&self) -> Result<Option<&HoldCause>, Rejection> {
        match &self.stage {
            Stage::None => Err(Rejection::NoSuchInvoice),
            Stage::Draft(_, cause) => Ok(cause.as_ref()),
            Stage::Discarded(_) => Err(Rejection::Discarded),
            Stage::Approved(..) => Err(Rejection::AlreadyApproved),
            Stage::Issued(_) => Err(Rejection::AlreadyIssued),
        }
    }
}
