//! The price, its invoice, and what was heard of its being paid.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, File, Rejection, Stage, Status};
use crate::{
    account::CustomerClass,
    connection_prices::{Prices, Quote, Specification},
    ids::{AccountId, ApplicationId, InvoiceId, connection_invoice_id},
    invoice::{DocumentLine, VatTreatment},
    rating::Rounding,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PriceConnection {
    /// The table of the day.
    pub prices: Prices,
    /// The account's, on that day.
    pub class: CustomerClass,
    /// The account's own VAT treatment, where it has one.
    pub exempt: Option<VatTreatment>,
    pub on: NaiveDate,
}

/// The customer has agreed to the price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvoiceConnectionFee {
    pub on: NaiveDate,
}

/// Nothing of the fee's invoice is owed any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteFeePaid {
    /// The revision of the invoice's stream that says so: what is older than what was heard already says nothing more.
    pub as_of: u64,
    pub on: NaiveDate,
}

/// A payment was taken back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteFeeReopened {
    pub as_of: u64,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionPriced {
    pub quote: Box<Quote>,
    pub on: NaiveDate,
}

/// A request for an invoice, which says all that it is to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionFeeInvoiced {
    pub application_id: ApplicationId,
    pub account_id: AccountId,
    pub invoice_id: InvoiceId,
    pub lines: Vec<DocumentLine>,
    /// As the quote was reckoned: the customer pays, to the last coin, what they agreed to.
    pub rounding: Rounding,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionFeePaid {
    pub as_of: u64,
    pub on: NaiveDate,
}

/// The gate is closed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionFeeReopened {
    pub as_of: u64,
    pub on: NaiveDate,
}

impl File {
    pub(super) fn price(&self, wish: PriceConnection) -> Result<Vec<Event>, Rejection> {
        let PriceConnection { prices, class, exempt, on } = wish;
        self.only(&[Status::SiteInspected, Status::Priced])?;
        let Some(found) = &self.found else { return Err(Rejection::NotNow(self.status())) };
        let super::Findings { capacity, distance_m, area, meter } = found.findings.clone();
        let quote = Box::new(prices.quote(Specification { class, capacity, distance_m, area, meter }, exempt.as_ref(), on)?);
        if self.stage == Stage::Priced(quote.clone()) {
            return Ok(vec![]);
        }
        Ok(vec![ConnectionPriced { quote, on }.into()])
    }

    pub(super) fn invoice_fee(&self, wish: InvoiceConnectionFee) -> Result<Vec<Event>, Rejection> {
        let InvoiceConnectionFee { on } = wish;
        let quote = match &self.stage {
            Stage::Priced(quote) => quote,
            Stage::Fee { .. } => return Ok(vec![]),
            Stage::Submitted
            | Stage::UnderReview
            | Stage::NeedsInformation
            | Stage::Inspected
            | Stage::Installed(_)
            | Stage::Activated(_)
            | Stage::Rejected
            | Stage::Cancelled(_) => return Err(Rejection::NotNow(self.status())),
        };
        if on > quote.valid_until {
            return Err(Rejection::QuoteExpired { valid_until: quote.valid_until });
        }
        let (application_id, account_id) = (self.submitted.application_id, self.submitted.account_id);
        let invoice_id = connection_invoice_id(application_id);
        let (lines, rounding) = (quote.document_lines(), quote.rounding);
        Ok(vec![ConnectionFeeInvoiced { application_id, account_id, invoice_id, lines, rounding, on }.into()])
    }

    pub(super) fn note_paid(&self, wish: NoteFeePaid) -> Result<Vec<Event>, Rejection> {
        let NoteFeePaid { as_of, on } = wish;
        Ok(if self.is_news(true, as_of)? { vec![ConnectionFeePaid { as_of, on }.into()] } else { vec![] })
    }

    pub(super) fn note_reopened(&self, wish: NoteFeeReopened) -> Result<Vec<Event>, Rejection> {
        let NoteFeeReopened { as_of, on } = wish;
        Ok(if self.is_news(false, as_of)? { vec![ConnectionFeeReopened { as_of, on }.into()] } else { vec![] })
    }

    /// Once the meter is up, or the application over, the fee is a debt like any other.
    fn is_news(&self, now_paid: bool, as_of: u64) -> Result<bool, Rejection> {
        match &self.stage {
            Stage::Fee { paid, .. } => Ok(*paid != now_paid && self.heard.is_none_or(|heard| heard < as_of)),
            Stage::Installed(_) | Stage::Activated(_) | Stage::Cancelled(_) => Ok(false),
            Stage::Submitted | Stage::UnderReview | Stage::NeedsInformation | Stage::Inspected | Stage::Priced(_) | Stage::Rejected => {
                Err(Rejection::NotNow(self.status()))
            }
        }
    }

    pub(super) fn fee_became(&mut self, now_paid: bool, as_of: u64) {
        if let Stage::Fee { paid, .. } = &mut self.stage {
            *paid = now_paid;
        }
        self.heard = Some(as_of);
    }
}
