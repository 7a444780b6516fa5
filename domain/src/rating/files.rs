//! Rating from files: what `daftar rate` and `daftar tariff check` do, but for reading arguments and files.

use std::num::NonZeroU32;

use chrono::NaiveDate;
use thiserror::Error;

use super::{Bill, RatingError, Rounding, Supply, rate};
use crate::{
    BillingPeriod, Code, EmptyPeriod, UsageBasis, UsageSegment, VatCategory, VatStatus, VatStatuses,
    premises::PremisesFacts,
    tariff::{BadTariff, Quantity, Series, SeriesError, Tariff},
};

/// A file as it was read; the name is for answers only.
#[derive(Clone, Copy, Debug)]
pub struct TariffFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// What to rate. Files given together are versions of one series, whatever series they name.
#[derive(Clone, Debug)]
pub struct RateRequest<'a> {
    pub tariffs: &'a [TariffFile<'a>],
    /// A decimal as people write it.
    pub usage: &'a str,
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
    pub dwellings: NonZeroU32,
    pub breaker_amps: Option<u32>,
    /// Another category than the tariffs', with the law's reason for it.
    pub vat: Option<(VatCategory, Option<Code>)>,
}

/// Why there is no bill, in words for the one who asked. Each message is whole: nothing below it needs printing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RateRefusal {
    #[error("{file}: {reason}")]
    BadTariff { file: String, reason: BadTariff },
    #[error("{file}: {reason}")]
    BadSeries { file: String, reason: SeriesError },
    #[error("usage: {0}")]
    BadUsage(String),
    #[error("{0}")]
    BadPeriod(EmptyPeriod),
    #[error("category {0:?} needs the law's reason")]
    VatReasonMissing(VatCategory),
    #[error("{0}")]
    Refused(RatingError),
}

/// The tariff of a file, if it is sound.
pub fn check_tariff(file: TariffFile<'_>) -> Result<Tariff, RateRefusal> {
    file.text.parse().map_err(|reason| RateRefusal::BadTariff { file: file.name.to_owned(), reason })
}

/// The bill for usage given as one quantity for the whole period.
pub fn rate_files(request: &RateRequest<'_>) -> Result<Bill, RateRefusal> {
    let tariffs = request.tariffs.iter().map(|file| check_tariff(*file)).collect::<Result<Vec<_>, _>>()?;
    let named = |reason: SeriesError| {
        let file = request.tariffs.iter().zip(&tariffs).rev().find(|(_, tariff)| tariff.code == *reason.code());
        RateRefusal::BadSeries { file: file.map(|(file, _)| file.name.to_owned()).unwrap_or_default(), reason }
    };
    let series = Series::of(tariffs.iter().cloned()).map_err(named)?;
    let quantity: Quantity = request.usage.parse().map_err(RateRefusal::BadUsage)?;
    let period = BillingPeriod::new(request.from, request.to).map_err(RateRefusal::BadPeriod)?;
    let usage = [UsageSegment { period, quantity: quantity.to_decimal(), readings: vec![], basis: UsageBasis::Measured, corrects: vec![] }];
    let premises = PremisesFacts {
        dwellings: request.dwellings,
        breaker_amps: request.breaker_amps,
        load_kva: None,
        // No tariff asks for it, and the one who asks here names no place.
        area: Code::new("unstated").expect("a code"),
    };
    let supply = Supply { vat: &vat_statuses(request)?, ..Supply::new(period, &usage, &premises) };
    rate(&series, &supply, Rounding::default()).map_err(RateRefusal::Refused)
}

/// One status for the whole period, by the rule that accounts keep: whoever is not taxed at the standard rate has a reason.
fn vat_statuses(request: &RateRequest<'_>) -> Result<VatStatuses, RateRefusal> {
    let Some((category, reason)) = request.vat.clone() else { return Ok(VatStatuses::default()) };
    if category != VatCategory::S && reason.is_none() {
        return Err(RateRefusal::VatReasonMissing(category));
    }
    Ok(VatStatuses::from_iter([VatStatus { category, reason, from: request.from, to: None }]))
}
