//! Which days of a period are billed by which version, and how much was used on them.

use chrono::NaiveDate;

use super::{
    Factor, Part, RatingError,
    rounding::{RoundingMode, divide},
};
use crate::{
    BillingPeriod, UsageBasis, UsageSegment,
    premises::PremisesFacts,
    tariff::{MidPeriodChange, Quantity, QuantityError, Series, Tariff, UnitsMultiplier, Vat, Version},
};

/// The parts in the order of their days, each with the tariff whose prices hold in it. Their usage sums to the segments' exactly.
pub(super) fn parts<'a>(
    series: &'a Series,
    period: BillingPeriod,
    usage: &[UsageSegment],
    premises: &PremisesFacts,
) -> Result<Vec<(&'a Tariff, Part)>, RatingError> {
    let mut parts = Vec::with_capacity(1);
    for stretch in stretches(series, period, usage)? {
        for (days, vat) in stretch.days {
            parts.push((stretch.tariff, part(stretch.tariff, days, vat, period, premises)?));
        }
    }
    for segment in usage {
        spread(segment, period, &mut parts)?;
    }
    Ok(parts)
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
            Some((last, rate)) if *rate == vat => *last = BillingPeriod::new(last.from(), days.to()).unwrap_or(*last),
            Some(_) | None => self.days.push((days, vat)),
        }
    }
}

/// Each version's own policy says what becomes of a period that it begins in.
fn stretches<'a>(series: &'a Series, period: BillingPeriod, usage: &[UsageSegment]) -> Result<Vec<Stretch<'a>>, RatingError> {
    let mut stretches: Vec<Stretch<'_>> = Vec::with_capacity(1);
    let mut covered = period.from();
    for (version, days) in series.versions().iter().filter_map(|version| Some((version, version.during(period)?))) {
        let Version { tariff, .. } = version;
        if covered < days.from() {
            return Err(RatingError::NoTariff { on: covered });
        }
        covered = days.to();
        let Some(before) = stretches.last_mut() else {
            stretches.push(Stretch { tariff, days: vec![(days, tariff.vat)] });
            continue;
        };
        match tariff.mid_period_change {
            MidPeriodChange::RateAtStart => before.extend(days, tariff.vat),
            MidPeriodChange::RateAtEnd => {
                before.tariff = tariff;
                before.extend(days, tariff.vat);
            }
            MidPeriodChange::Prorate => stretches.push(Stretch { tariff, days: vec![(days, tariff.vat)] }),
            MidPeriodChange::RequireRead => {
                require_read(days.from(), usage)?;
                stretches.push(Stretch { tariff, days: vec![(days, tariff.vat)] });
            }
        }
    }
    if covered < period.to() { Err(RatingError::NoTariff { on: covered }) } else { Ok(stretches) }
}

fn require_read(on: NaiveDate, usage: &[UsageSegment]) -> Result<(), RatingError> {
    let unread = usage.iter().any(|segment| segment.period.split_at(on).is_some());
    if unread { Err(RatingError::ReadRequired { on }) } else { Ok(()) }
}

fn part(tariff: &Tariff, days: BillingPeriod, vat: Vat, period: BillingPeriod, premises: &PremisesFacts) -> Result<Part, RatingError> {
    let dwellings = match tariff.units_multiplier {
        Some(UnitsMultiplier::PerDwelling) => premises.dwellings.get(),
        None => 1,
    };
    Ok(Part {
        tariff: tariff.code.clone(),
        period: days,
        factor: factor(tariff, days.days(), period.days()).ok_or(RatingError::TooLarge)?,
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
fn spread(segment: &UsageSegment, period: BillingPeriod, parts: &mut [(&Tariff, Part)]) -> Result<(), RatingError> {
    if period.intersection(segment.period) != Some(segment.period) {
        return Err(RatingError::UsageOutsidePeriod { segment: segment.period, period });
    }
    let quantity = quantity(segment)?;
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

fn quantity(UsageSegment { period, quantity, .. }: &UsageSegment) -> Result<Quantity, RatingError> {
    Quantity::new(*quantity).map_err(|reason| match reason {
        QuantityError::Negative(_) => RatingError::NegativeUsage { period: *period },
        QuantityError::TooPrecise(_) | QuantityError::TooLarge(_) => RatingError::BadQuantity { period: *period, reason },
    })
}

fn share(whole: Quantity, days: i64, of_days: i64) -> Quantity {
    let micro = i128::from(whole.micro()) * i128::from(days);
    Quantity::from_micro(divide(micro, of_days.into(), RoundingMode::HalfUp)).unwrap_or(whole)
}
