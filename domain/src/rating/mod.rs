//! Rating: what was used, and what it costs, with every step explained.
//!
//! A pure function of the tariff's versions, the usage, the period, the premises, the customer's VAT status and the subsidies granted to him. A bill that was issued holds its result, so that no
//! later tariff, code or clock changes what was billed; rating again is a comparison, not a correction.

mod bill;
mod charges;
mod explain;
pub mod files;
mod parts;
mod rounding;
mod subsidies;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use thiserror::Error;

pub use bill::{Bill, Charge, Factor, Line, Part, Slab, Subsidised, VatLine};
pub(crate) use rounding::{Exact, divide};
pub use rounding::{Rounding, RoundingMode};

use crate::{
    BillingPeriod, Code, Currency, Money, Overestimate, SubsidyGrants, UsageSegment, VatStatuses,
    premises::PremisesFacts,
    tariff::{QuantityError, Series},
};
use charges::PartRating;
use parts::Rated;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RatingError {
    #[error("no tariff applies on {on}")]
    NoTariff { on: NaiveDate },
    #[error("the tariff changes on {on} and asks for a reading on that day")]
    ReadRequired { on: NaiveDate },
    #[error("usage from {segment} is not all within {period}")]
    UsageOutsidePeriod { segment: BillingPeriod, period: BillingPeriod },
    /// Only what an estimate had too much is below zero.
    #[error("usage from {period} is below zero")]
    NegativeUsage { period: BillingPeriod },
    /// Less usage may have had another price altogether, so it is not given back as usage of another period.
    #[error("too much was estimated: the bills for {} are to be cancelled and billed again", listed(periods))]
    RebillFirst { periods: Vec<BillingPeriod> },
    #[error("usage from {period} is no quantity to bill: {reason}")]
    BadQuantity { period: BillingPeriod, reason: QuantityError },
    #[error("fixed charge `{charge}` depends on the breaker, whose amps are not given")]
    BreakerUnknown { charge: Code },
    #[error("the amounts are too large to bill")]
    TooLarge,
}

/// What a bill is for.
#[derive(Clone, Copy, Debug)]
pub struct Supply<'a> {
    pub period: BillingPeriod,
    pub usage: &'a [UsageSegment],
    /// What the bill before left to be given back: its [`Bill::carried`].
    pub brought: Option<&'a Overestimate>,
    pub premises: &'a PremisesFacts,
    /// How the customer is taxed where not as the tariff says.
    pub vat: &'a VatStatuses,
    /// Of the subsidies that are not for all.
    pub grants: &'a SubsidyGrants,
}

impl<'a> Supply<'a> {
    /// To a customer like any other, with nothing left over from bills before.
    pub fn new(period: BillingPeriod, usage: &'a [UsageSegment], premises: &'a PremisesFacts) -> Self {
        Self { period, usage, brought: None, premises, vat: VatStatuses::none(), grants: SubsidyGrants::none() }
    }
}

/// The bill for a period.
pub fn rate(series: &Series, supply: &Supply<'_>, rounding: Rounding) -> Result<Bill, RatingError> {
    let Supply { period, premises, grants, .. } = *supply;
    let Rated { parts: rated, given_back, carried } = parts::parts(series, supply)?;
    let currency = rated.first().map(|(tariff, _)| tariff.currency).ok_or(RatingError::NoTariff { on: period.from() })?;
    let nothing_used = rated.iter().all(|(_, part)| part.usage.is_zero());
    let (mut lines, mut subsidies) = (Vec::with_capacity(8), vec![]);
    for (index, (tariff, part)) in rated.iter().enumerate() {
        let rating = PartRating { tariff, part, index, premises, nothing_used, rounding };
        let before = lines.len();
        rating.charge(&mut lines)?;
        rating.subsidise(&lines[before..], grants, &mut subsidies)?;
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
        given_back,
        carried,
        lines,
        vat_lines,
        subsidies,
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
        let vat = &parts[line.part].vat;
        let index = vat_lines.iter().position(|group| group.vat == *vat).unwrap_or_else(|| {
            vat_lines.push(VatLine { vat: vat.clone(), taxable: Money::zero(currency), amount: Money::zero(currency) });
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

fn listed(periods: &[BillingPeriod]) -> String {
    periods.iter().map(BillingPeriod::to_string).collect::<Vec<_>>().join(", ")
}
