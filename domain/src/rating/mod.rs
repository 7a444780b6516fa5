//! Rating: what was used, and what it costs, with every step explained.
//!
//! A pure function of the tariff's versions, the usage, the period and the premises. A bill that was issued holds its result, so that no
//! later tariff, code or clock changes what was billed; rating again is a comparison, not a correction.

mod bill;
mod charges;
mod explain;
pub mod files;
mod parts;
mod rounding;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use thiserror::Error;

pub use bill::{Bill, Charge, Factor, Line, Part, Slab, VatLine};
pub(crate) use rounding::{Exact, divide};
pub use rounding::{Rounding, RoundingMode};

use crate::{
    BillingPeriod, Code, Currency, Money, UsageSegment,
    premises::PremisesFacts,
    tariff::{QuantityError, Series},
};
use charges::PartRating;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RatingError {
    #[error("no tariff applies on {on}")]
    NoTariff { on: NaiveDate },
    #[error("the tariff changes on {on} and asks for a reading on that day")]
    ReadRequired { on: NaiveDate },
    #[error("usage from {segment} is not all within {period}")]
    UsageOutsidePeriod { segment: BillingPeriod, period: BillingPeriod },
    /// What an estimate had too much is a credit, and no tariff has a price for it: bills are corrected by credit notes.
    #[error("usage from {period} is below zero")]
    NegativeUsage { period: BillingPeriod },
    #[error("usage from {period} is no quantity to bill: {reason}")]
    BadQuantity { period: BillingPeriod, reason: QuantityError },
    #[error("fixed charge `{charge}` depends on the breaker, whose amps are not given")]
    BreakerUnknown { charge: Code },
    #[error("the amounts are too large to bill")]
    TooLarge,
}

/// The bill for a period.
pub fn rate(
    series: &Series,
    period: BillingPeriod,
    usage: &[UsageSegment],
    premises: &PremisesFacts,
    rounding: Rounding,
) -> Result<Bill, RatingError> {
    let rated = parts::parts(series, period, usage, premises)?;
    let currency = rated.first().map(|(tariff, _)| tariff.currency).ok_or(RatingError::NoTariff { on: period.from() })?;
    let nothing_used = rated.iter().all(|(_, part)| part.usage.is_zero());
    let mut lines = Vec::with_capacity(8);
    for (index, (tariff, part)) in rated.iter().enumerate() {
        PartRating { tariff, part, index, premises, nothing_used, rounding }.charge(&mut lines)?;
    }
    let parts: Vec<Part> = rated.into_iter().map(|(_, part)| part).collect();

    let total = |amounts: &mut dyn Iterator<Item = Money>| Money::sum(currency, amounts).map_err(|_| RatingError::TooLarge);
    let vat_lines = vat_lines(currency, &parts, &lines, rounding)?;
    let net = total(&mut lines.iter().map(|line| line.amount))?;
    let vat = total(&mut vat_lines.iter().map(|line| line.amount))?;
    let due = total(&mut [net, vat].into_iter())?;
    let payable = rounding.payable(due)?;
    let difference = Money::new(payable.minor - due.minor, currency);
    Ok(Bill {
        period,
        currency,
        premises: premises.clone(),
        rounding_policy: rounding,
        parts,
        lines,
        vat_lines,
        net,
        vat,
        rounding: difference,
        total: payable,
    })
}

/// VAT is rounded once for each category and rate, not for each line: three lines of 10.10 at 15 % owe 4.55, not 4.56.
fn vat_lines(currency: Currency, parts: &[Part], lines: &[Line], rounding: Rounding) -> Result<Vec<VatLine>, RatingError> {
    let mut vat_lines: Vec<VatLine> = Vec::with_capacity(1);
    for line in lines {
        let vat = parts[line.part].vat;
        let index = vat_lines.iter().position(|group| group.vat == vat).unwrap_or_else(|| {
            vat_lines.push(VatLine { vat, taxable: Money::zero(currency), amount: Money::zero(currency) });
            vat_lines.len() - 1
        });
        let group = &mut vat_lines[index];
        group.taxable = group.taxable.checked_add(line.amount).map_err(|_| RatingError::TooLarge)?;
    }
    for group in &mut vat_lines {
        let amount = Exact::of(group.taxable).times_decimal(group.vat.rate.get()).ok_or(RatingError::TooLarge)?;
        group.amount = rounding.money(amount, currency)?;
    }
    Ok(vat_lines)
}
