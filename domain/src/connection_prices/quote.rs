//! From a table and what is asked of it to a quote, each line of which says why it is so.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Capacity, Charge, Price, Prices, Specification, Step, When};
use crate::{
    Code, Money,
    invoice::{DocumentError, DocumentLine, Revenue, Unit, VatTreatment, vat_totals},
    rating::{Exact, Rounding},
    tariff::{Figure, Quantity},
};

/// What a connection will cost, to the last coin, until a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quote {
    /// The table that it was reckoned by.
    pub prices: Code,
    pub specification: Specification,
    pub lines: Vec<QuoteLine>,
    pub rounding: Rounding,
    pub net: Money,
    pub vat: Money,
    pub total: Money,
    /// The last day.
    pub valid_until: NaiveDate,
}

/// A line as the invoice will have it, and what decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub line: DocumentLine,
    /// Which of the charge's cases held, from 1.
    pub case: u32,
    /// What that case asks; nothing, if it is for everybody who is left.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub because: When,
    /// Which step of the price, from 1, where it has steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PricingError {
    #[error("no table of what connections cost applies on {0}")]
    NoTable(NaiveDate),
    #[error("the table is for another service")]
    OtherService,
    #[error("the table `{code}` begins on {from}, after that day")]
    NotYet { code: Code, from: NaiveDate },
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Prices {
    /// `exempt` is the customer's own VAT treatment, where it is not the table's.
    pub fn quote(&self, specification: Specification, exempt: Option<&VatTreatment>, on: NaiveDate) -> Result<Quote, PricingError> {
        if specification.capacity.service() != self.service {
            return Err(PricingError::OtherService);
        }
        if on < self.effective_from {
            return Err(PricingError::NotYet { code: self.code.clone(), from: self.effective_from });
        }
        let vat = exempt.unwrap_or(&self.vat);
        let mut lines = vec![];
        for charge in &self.charges {
            self.price(charge, &specification, vat, &mut lines)?;
        }
        let (currency, rounding) = (self.currency, self.rounding);
        let documented: Vec<_> = lines.iter().map(|quoted| quoted.line.clone()).collect();
        if documented.is_empty() {
            return Err(DocumentError::NoLines.into());
        }
        let totals = vat_totals(currency, &documented, rounding)?;
        let sum = |amounts: Vec<Money>| Money::sum(currency, amounts).map_err(|_| DocumentError::TooLarge);
        let net = sum(documented.iter().map(|line| line.net).collect())?;
        let vat = sum(totals.iter().map(|total| total.amount).collect())?;
        let total = rounding.payable(sum(vec![net, vat])?).map_err(|_| DocumentError::TooLarge)?;
        if total.minor > Money::LARGEST {
            return Err(DocumentError::TooLarge.into());
        }
        let valid_until = on.checked_add_days(Days::new(self.valid_days.into())).unwrap_or(on);
        Ok(Quote { prices: self.code.clone(), specification, lines, rounding, net, vat, total, valid_until })
    }

    fn price(&self, charge: &Charge, wanted: &Specification, vat: &VatTreatment, lines: &mut Vec<QuoteLine>) -> Result<(), DocumentError> {
        let Some((n, case)) = charge.cases.iter().enumerate().find(|(_, case)| case.when.holds(wanted)) else { return Ok(()) };
        let mut write = |quantity: Quantity, unit, price: Figure, step: Option<usize>| {
            let line = self.line(charge, quantity, unit, price, vat)?;
            if !line.net.is_zero() {
                lines.push(QuoteLine { line, case: counted(n), because: case.when.clone(), step: step.map(counted) });
            }
            Ok(())
        };
        match (&case.price, wanted.capacity) {
            (Price::Fixed(price), _) => write(Quantity::ONE, Unit::Piece, *price, None),
            (Price::PerKva(steps), Capacity::Electricity { load_kva, .. }) => {
                stepped(steps, load_kva).try_for_each(|(n, quantity, price)| write(quantity, Unit::Kva, price, Some(n)))
            }
            // A sound table asks no load of water.
            (Price::PerKva(_), Capacity::Water { .. }) => Ok(()),
            (Price::PerMetre(steps), _) => {
                stepped(steps, wanted.distance_m).try_for_each(|(n, quantity, price)| write(quantity, Unit::Metre, price, Some(n)))
            }
        }
    }

    fn line(
        &self,
        charge: &Charge,
        quantity: Quantity,
        unit: Unit,
        price: Figure,
        vat: &VatTreatment,
    ) -> Result<DocumentLine, DocumentError> {
        let amount = Exact::new(quantity.micro().into(), Quantity::SCALE.into()).times_decimal(price.get());
        let net = amount.and_then(|amount| self.rounding.money(amount, self.currency).ok()).ok_or(DocumentError::TooLarge)?;
        Ok(DocumentLine {
            code: charge.code.clone(),
            text: Some(charge.text.clone()),
            revenue: Revenue::ConnectionFee,
            quantity,
            unit,
            price: price.get(),
            net,
            vat: vat.clone(),
            credits: None,
        })
    }
}

impl Quote {
    /// What the invoice will say.
    pub fn document_lines(&self) -> Vec<DocumentLine> {
        self.lines.iter().map(|quoted| quoted.line.clone()).collect()
    }
}

/// How much of a quantity lies in each step that it reaches.
fn stepped(steps: &[Step], quantity: Quantity) -> impl Iterator<Item = (usize, Quantity, Figure)> {
    let mut below = Quantity::ZERO;
    steps.iter().enumerate().filter_map(move |(n, step)| {
        let reached = step.up_to.map_or(quantity, |up_to| up_to.min(quantity));
        let part = reached.checked_sub(below).filter(|part| !part.is_zero())?;
        below = reached;
        Some((n, part, step.price))
    })
}

/// As people count.
fn counted(index: usize) -> u32 {
    u32::try_from(index).map_or(u32::MAX, |index| index.saturating_add(1))
}
