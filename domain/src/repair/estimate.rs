//! What the work will cost, offered, approved or declined, and offered again when it turns out to cost more.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Event, Rejection, Status, Visit};
use crate::{
    Code, Currency, Description, Money, Reason,
    ids::PartId,
    invoice::{DocumentError, DocumentLine, Revenue, Unit, VatTreatment, vat_totals},
    rating::{Exact, Rounding},
    tariff::{Figure, Quantity},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateRepair {
    pub offered: Vec<Offered>,
    pub terms: OfferTerms,
    pub on: NaiveDate,
}

/// The part has another price from now on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RepricePart {
    pub part_id: PartId,
    pub price: Figure,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApproveEstimate {
    /// The one that the customer has read.
    pub number: u32,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeclineEstimate {
    pub number: u32,
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairEstimated {
    /// Estimates of one visit are counted from 1.
    pub number: u32,
    pub estimate: Estimate,
    /// Not if it stays within what was approved before.
    pub needs_approval: bool,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateRepriced {
    pub number: u32,
    pub part_id: PartId,
    pub estimate: Estimate,
    pub needs_approval: bool,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateApproved {
    pub number: u32,
    pub total: Money,
    /// The last day on which parts that are not yet here keep their price.
    pub held_until: NaiveDate,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateDeclined {
    pub number: u32,
    pub reason: Reason,
    pub on: NaiveDate,
}

/// A line of an offer before it is reckoned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offered {
    /// Labour, if it is no part.
    pub part_id: Option<PartId>,
    pub code: Code,
    pub text: Option<Description>,
    /// Hours of labour, or pieces.
    pub quantity: Quantity,
    pub price: Figure,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferTerms {
    pub currency: Currency,
    pub vat: VatTreatment,
    pub rounding: Rounding,
    /// The last day on which it can be approved.
    pub valid_until: NaiveDate,
    /// For how long after the approval its prices hold.
    pub hold_days: u16,
    /// What more it may come to without asking again: 0.10 is a tenth.
    pub tolerance: Figure,
    /// What is paid before the work begins.
    pub deposit: Money,
    /// For how long after the delivery the work is vouched for.
    pub warranty_days: u16,
}

/// Σ lines = net, net + VAT = total: as the invoice will reckon it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Estimate {
    pub lines: Vec<EstimateLine>,
    pub terms: OfferTerms,
    pub net: Money,
    pub vat: Money,
    pub total: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_id: Option<PartId>,
    pub line: DocumentLine,
}

impl Estimate {
    pub fn new(offered: Vec<Offered>, terms: OfferTerms) -> Result<Self, DocumentError> {
        let lines = offered.into_iter().map(|offered| offered.line(&terms)).collect::<Result<Vec<_>, _>>()?;
        Self::of_lines(lines, terms)
    }

    fn of_lines(lines: Vec<EstimateLine>, terms: OfferTerms) -> Result<Self, DocumentError> {
        if terms.deposit.currency != terms.currency {
            return Err(DocumentError::OtherCurrency { expected: terms.currency, found: terms.deposit.currency });
        }
        if lines.is_empty() {
            return Err(DocumentError::NoLines);
        }
        let sum = |amounts: &mut dyn Iterator<Item = Money>| Money::sum(terms.currency, amounts).map_err(|_| DocumentError::TooLarge);
        let document: Vec<DocumentLine> = lines.iter().map(|line| line.line.clone()).collect();
        let net = sum(&mut document.iter().map(|line| line.net))?;
        let vat = sum(&mut vat_totals(terms.currency, &document, terms.rounding)?.iter().map(|total| total.amount))?;
        let total = net.checked_add(vat).map_err(|_| DocumentError::TooLarge)?;
        Ok(Self { lines, terms, net, vat, total })
    }

    fn repriced(&self, part_id: PartId, price: Figure) -> Result<Self, DocumentError> {
        let lines = self.lines.iter().map(|line| match line.part_id {
            Some(part) if part == part_id => {
                Ok(EstimateLine { line: priced(line.line.clone(), price.get(), &self.terms)?, ..line.clone() })
            }
            Some(_) | None => Ok(line.clone()),
        });
        Self::of_lines(lines.collect::<Result<_, _>>()?, self.terms.clone())
    }

    /// What more it may come to, having been approved at `approved`.
    fn is_within(&self, approved: Money) -> bool {
        let most = approved.to_decimal().checked_mul(Decimal::ONE + self.terms.tolerance.get());
        most.is_some_and(|most| self.total.to_decimal() <= most)
    }

    pub(super) fn line_of(&self, part_id: PartId) -> Option<&DocumentLine> {
        self.lines.iter().find(|line| line.part_id == Some(part_id)).map(|line| &line.line)
    }

    /// Whole pieces of the part, over all lines.
    pub(super) fn pieces_of(&self, part_id: PartId) -> u32 {
        let pieces = self.lines.iter().filter(|line| line.part_id == Some(part_id)).map(|line| line.line.quantity.to_decimal());
        pieces.sum::<Decimal>().try_into().unwrap_or(0)
    }
}

impl Offered {
    fn line(self, terms: &OfferTerms) -> Result<EstimateLine, DocumentError> {
        let Self { part_id, code, text, quantity, price } = self;
        let (revenue, unit) = match part_id {
            Some(_) => (Revenue::Parts, Unit::Piece),
            None => (Revenue::RepairLabour, Unit::Hour),
        };
        let (net, vat) = (Money::zero(terms.currency), terms.vat.clone());
        let line = DocumentLine { code, text, revenue, quantity, unit, price: price.get(), net, vat, credits: None };
        Ok(EstimateLine { part_id, line: priced(line, price.get(), terms)? })
    }
}

/// The line for so many at this price.
pub(super) fn priced(line: DocumentLine, price: Decimal, terms: &OfferTerms) -> Result<DocumentLine, DocumentError> {
    let amount = Exact::new(line.quantity.micro().into(), Quantity::SCALE.into()).times_decimal(price);
    let net = amount.and_then(|amount| terms.rounding.money(amount, terms.currency).ok()).ok_or(DocumentError::TooLarge)?;
    Ok(DocumentLine { price, net, ..line })
}

impl Visit {
    /// Also after the work has begun, when more is found: what stays within the approval needs no other.
    pub(super) fn estimate(&self, wish: EstimateRepair) -> Result<Vec<Event>, Rejection> {
        let EstimateRepair { offered, terms, on } = wish;
        if terms.valid_until < on {
            return Err(Rejection::EstimateEndsBefore);
        }
        let estimate = Estimate::new(offered, terms)?;
        let (before, same) = match &self.estimate {
            Some((number, before)) => (*number, *before == estimate),
            None => (0, false),
        };
        // Declined, the same offer can be made again.
        if same && self.stage != Status::Declined {
            return Ok(vec![]);
        }
        let open = [Status::Diagnosed, Status::Estimated, Status::Declined, Status::Approved, Status::PartsPending, Status::InProgress];
        self.only(&open)?;
        if self.is_warranty() {
            return Err(Rejection::UnderWarranty);
        }
        let needs_approval = self.needs_approval(&estimate);
        Ok(vec![RepairEstimated { number: before + 1, estimate, needs_approval, on }.into()])
    }

    /// An offer that nobody has taken up follows the price. One that was taken up keeps it for as long as was promised, and for what is
    /// already here for ever.
    pub(super) fn reprice(&self, wish: RepricePart) -> Result<Vec<Event>, Rejection> {
        let RepricePart { part_id, price, on } = wish;
        let open = [Status::Estimated, Status::Approved, Status::PartsPending, Status::InProgress].contains(&self.status());
        let Some((number, before)) = self.estimate.as_ref().filter(|_| open) else { return Ok(vec![]) };
        let held = self.stage != Status::Estimated && self.approved.as_ref().is_some_and(|approved| on <= approved.held_until);
        if before.line_of(part_id).is_none() || held || self.parts.values().any(|part| part.asked.part_id == part_id && part.here) {
            return Ok(vec![]);
        }
        let estimate = before.repriced(part_id, price)?;
        if estimate == *before {
            return Ok(vec![]);
        }
        let needs_approval = self.needs_approval(&estimate);
        Ok(vec![EstimateRepriced { number: number + 1, part_id, estimate, needs_approval, on }.into()])
    }

    pub(super) fn approve(&self, wish: ApproveEstimate) -> Result<Vec<Event>, Rejection> {
        let ApproveEstimate { number, on } = wish;
        if self.approved.as_ref().is_some_and(|approved| approved.number == number) && self.stage != Status::Estimated {
            return Ok(vec![]);
        }
        let estimate = self.on_offer(number)?;
        let OfferTerms { valid_until, hold_days, .. } = estimate.terms;
        if on > valid_until {
            return Err(Rejection::EstimateExpired { valid_until });
        }
        let held_until = on.checked_add_days(Days::new(hold_days.into())).unwrap_or(on);
        Ok(vec![EstimateApproved { number, total: estimate.total, held_until, on }.into()])
    }

    pub(super) fn decline(&self, wish: DeclineEstimate) -> Result<Vec<Event>, Rejection> {
        let DeclineEstimate { number, reason, on } = wish;
        let declined_already = self.stage == Status::Declined && self.estimate.as_ref().is_some_and(|(offered, _)| *offered == number);
        if declined_already {
            return Ok(vec![]);
        }
        self.on_offer(number)?;
        Ok(vec![EstimateDeclined { number, reason, on }.into()])
    }

    pub(super) fn was_estimated(&mut self, number: u32, estimate: &Estimate, needs_approval: bool) {
        self.estimate = Some((number, estimate.clone()));
        if needs_approval {
            self.stage = Status::Estimated;
        }
    }

    fn on_offer(&self, asked: u32) -> Result<&Estimate, Rejection> {
        self.only(&[Status::Estimated])?;
        match &self.estimate {
            Some((offered, estimate)) if *offered == asked => Ok(estimate),
            Some((offered, _)) => Err(Rejection::OtherEstimate { offered: *offered, asked }),
            None => Err(Rejection::OtherEstimate { offered: 0, asked }),
        }
    }

    fn needs_approval(&self, estimate: &Estimate) -> bool {
        let approved = self.approved.as_ref().filter(|_| ![Status::Estimated, Status::Declined].contains(&self.stage));
        approved.is_none_or(|approved| !estimate.is_within(approved.total))
    }
}
