//! Which days of a period are billed by which version, and how much was used on them.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    Factor, Part, RatingError, Supply,
    rounding::{RoundingMode, divide},
};
use crate::{
    BillingPeriod, Overestimate, UsageBasis, UsageSegment,
    tariff::{MidPeriodChange, Quantity, QuantityError, Series, Tariff, UnitsMultiplier, Vat, Version},
};

/// A period's days and usage, ready for prices.
pub(super) struct Rated<'a> {
    /// In the order of their days, each with the tariff whose prices hold in it.
    pub parts: Vec<(&'a Tariff, Part)>,
    pub given_back: Quantity,
    pub carried: Option<Overestimate>,
}

/// The parts' usage sums to the segments' exactly, less what is given back.
pub(super) fn parts<'a>(series: &'a Series, supply: &Supply<'_>) -> Result<Rated<'a>, RatingError> {
    let mut parts = Vec::with_capacity(1);
    for stretch in stretches(series, supply)? {
        for (days, vat) in stretch.days {
            parts.push((stretch.tariff, part(stretch.tariff, days, vat, supply)?));
        }
    }
    let overestimate = overestimate(supply)?;
    if !overestimate.quantity.is_zero() && parts.iter().any(|(tariff, _)| !tariff.is_marginal()) {
        return Err(RatingError::RebillFirst { periods: overestimate.periods });
    }
    let mut to_give_back = overestimate.quantity;
    for segment in supply.usage {
        spread(segment, supply.period, &mut to_give_back, &mut parts)?;
    }
    let given_back = overestimate.quantity.checked_sub(to_give_back).unwrap_or_default();
    let carried = (!to_give_back.is_zero()).then_some(Overestimate { quantity: to_give_back, ..overestimate });
    Ok(Rated { parts, given_back, carried })
}

/// What bills on estimates took too much: what the last bill left, and what true-ups of this period found.
fn overestimate(supply: &Supply<'_>) -> Result<Overestimate, RatingError> {
    let mut sum = supply.brought.cloned().unwrap_or(Overestimate { quantity: Quantity::ZERO, periods: Vec::new() });
    for segment in supply.usage.iter().filter(|segment| is_overestimate(segment)) {
        let too_much = quantity(segment.period, -segment.quantity)?;
        sum.quantity = sum.quantity.checked_add(too_much).ok_or(RatingError::TooLarge)?;
        for period in &segment.corrects {
            if !sum.periods.contains(period) {
                sum.periods.push(*period);
            }
        }
    }
    Ok(sum)
}

fn is_overestimate(segment: &UsageSegment) -> bool {
    segment.basis == UsageBasis::TrueUp && segment.quantity < Decimal::ZERO
}

/// Days with the prices of one tariff; more than one run of them if VAT changed meanwhile.
struct Stretch<'a> {
    tariff: &'a Tariff,
    days: Vec<(BillingPeriod, Vat)>,
}

impl Stretch<'_> {
    /// VAT follows the date of supply, whatever the policy on prices: days at another rate stay days of their own.
    fn extend(&mut self, days: BillingPeriod, vat: Vat) {
        match self.days.last_mut() {
            Some((last, same)) if *same == vat => *last = BillingPeriod::new(last.from(), days.to()).unwrap_or(*last),
            Some(_) | None => self.days.push((days, vat)),
        }
    }
}

/// Each version's own policy says what becomes of a period that it begins in.
fn stretches<'a>(series: &'a Series, supply: &Supply<'_>) -> Result<Vec<Stretch<'a>>, RatingError> {
    let Supply { period, usage, .. } = *supply;
    let mut stretches: Vec<Stretch<'_>> = Vec::with_capacity(1);
    let mut covered = period.from();
    for (version, days) in series.versions().iter().filter_map(|version| Some((version, version.during(period)?))) {
        let Version { tariff, .. } = version;
        if covered < days.from() {
            return Err(RatingError::NoTariff { on: covered });
        }
        covered = days.to();
        match (stretches.last_mut(), tariff.mid_period_change) {
            (Some(_), MidPeriodChange::RateAtStart) => {}
            (Some(before), MidPeriodChange::RateAtEnd) => before.tariff = tariff,
            (Some(_), MidPeriodChange::RequireRead) => {
                require_read(days.from(), usage)?;
                stretches.push(Stretch { tariff, days: Vec::with_capacity(1) });
            }
            (Some(_), MidPeriodChange::Prorate) | (None, _) => stretches.push(Stretch { tariff, days: Vec::with_capacity(1) }),
        }
        if let Some(stretch) = stretches.last_mut() {
            supply.vat.during(days).for_each(|(days, status)| stretch.extend(days, tariff.vat.for_customer(status)));
        }
    }
    if covered < period.to() { Err(RatingError::NoTariff { on: covered }) } else { Ok(stretches) }
}

fn require_read(on: NaiveDate, usage: &[UsageSegment]) -> Result<(), RatingError> {
    let unread = usage.iter().any(|segment| segment.period.split_at(on).is_some());
    if unread { Err(RatingError::ReadRequired { on }) } else { Ok(()) }
}

fn part(tariff: &Tariff, days: BillingPeriod, vat: Vat, supply: &Supply<'_>) -> Result<Part, RatingError> {
    let dwellings = match tariff.units_multiplier {
        Some(UnitsMultiplier::PerDwelling) => supply.premises.dwellings.get(),
        None => 1,
    };
    Ok(Part {
        tariff: tariff.code.clone(),
        period: days,
        factor: factor(tariff, days.days(), supply.period.days()).ok_or(RatingError::TooLarge)?,
        dwellings,
        vat,
        usage: Quantity::ZERO,
        estimated: false,
        readings: Vec::new(),
    })
}

/// The period factor × the part's days / the period's days. The period factor is its days over the normal ones, or 1 within the tolerance.
fn factor(tariff: &Tariff, days: i64, period_days: i64) -> Option<Factor> {
    let normal_days = i64::from(tariff.period.normal_days);
    let tolerated = (period_days - normal_days).abs() <= i64::from(tariff.period.tolerance_days);
    Factor::new(days, if tolerated { period_days } else { normal_days })
}

/// A segment within one part is used there; one that crosses a border is used by days, each share half-up to six decimals, the last the rest.
fn spread(
    segment: &UsageSegment,
    period: BillingPeriod,
    to_give_back: &mut Quantity,
    parts: &mut [(&Tariff, Part)],
) -> Result<(), RatingError> {
    if period.intersection(segment.period) != Some(segment.period) {
        return Err(RatingError::UsageOutsidePeriod { segment: segment.period, period });
    }
    let quantity = billed(segment, to_give_back)?;
    let mut left = quantity;
    for (_, part) in parts {
        let Some(days) = part.period.intersection(segment.period) else { continue };
        let is_last = days.to() == segment.period.to();
        let share = if is_last { left } else { share(quantity, days.days(), segment.period.days()).min(left) };
        left = left.checked_sub(share).unwrap_or_default();
        part.usage = part.usage.checked_add(share).ok_or(RatingError::TooLarge)?;
        part.estimated |= match segment.basis {
            UsageBasis::Measured => false,
            UsageBasis::Estimated | UsageBasis::TrueUp => true,
        };
        for reading in &segment.readings {
            if !part.readings.contains(reading) {
                part.readings.push(*reading);
            }
        }
    }
    Ok(())
}

/// What is left of a segment to bill. What is given back is given back in the earliest days, next to the estimated ones.
fn billed(segment: &UsageSegment, to_give_back: &mut Quantity) -> Result<Quantity, RatingError> {
    if is_overestimate(segment) {
        return Ok(Quantity::ZERO);
    }
    let used = quantity(segment.period, segment.quantity)?;
    let given_back = used.min(*to_give_back);
    *to_give_back = to_give_back.checked_sub(given_back).unwrap_or_default();
    Ok(used.checked_sub(given_back).unwrap_or_default())
}

fn quantity(period: BillingPeriod, quantity: Decimal) -> Result<Quantity, RatingError> {
    Quantity::new(quantity).map_err(|reason| match reason {
        QuantityError::Negative(_) => RatingError::NegativeUsage { period },
        QuantityError::TooPrecise(_) | QuantityError::TooLarge(_) => RatingError::BadQuantity { period, reason },
    })
}

fn share(whole: Quantity, days: i64, of_days: i64) -> Quantity {
    let micro = i128::from(whole.micro()) * i128::from(days);
    Quantity::from_micro(divide(micro, of_days.into(), RoundingMode::HalfUp)).unwrap_or(whole)
}
