//! Consumption: what was used day by day, and so month by month, as readings told of it at any moment.
//!
//! No row of it is kept. A correction or a true-up changes days that are long past, so the days are made when they are asked for: from the facts
//! that bill runs read, and by the meters' own rules. A bill of the same days and moment has the same sum, to the last digit.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use daftar_domain::{
    BillingPeriod, Service, UsageBasis, UsageSegment,
    ids::{MeterId, PremisesId, service_point_id},
    meter::Meter,
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use crate::{QueryError, as_of::AsOf, billable, columns::month};

/// What was used in some days, together or one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The day; of a month the first.
    pub on: NaiveDate,
    /// In the register's unit. Below zero where a true-up gives back what was estimated too high.
    pub quantity: Decimal,
    /// Days of which readings tell, and those of them that only an estimate tells of.
    pub days: u32,
    pub estimated: u32,
}

/// Day by day what a service delivered at premises, over all meters and registers that measured it; days of which no readings tell are left out.
pub async fn daily(
    db: impl PgExecutor<'_>,
    (premises_id, service): (PremisesId, Service),
    period: BillingPeriod,
    as_of: AsOf,
) -> Result<Vec<Used>, QueryError> {
    let meters = billable::meters_of(db, service_point_id(premises_id, service), as_of).await?;
    Ok(days(meters.values(), premises_id, service, until(period, as_of)))
}

/// As [`daily`], by months: each is the sum of its days.
pub async fn monthly(
    db: impl PgExecutor<'_>,
    place: (PremisesId, Service),
    period: BillingPeriod,
    as_of: AsOf,
) -> Result<Vec<Used>, QueryError> {
    let mut months: BTreeMap<NaiveDate, Used> = BTreeMap::new();
    for day in daily(db, place, period, as_of).await? {
        let on = month(day.on);
        let sum = months.entry(on).or_insert(Used { on, quantity: Decimal::ZERO, days: 0, estimated: 0 });
        sum.quantity += day.quantity;
        (sum.days, sum.estimated) = (sum.days + day.days, sum.estimated + day.estimated);
    }
    Ok(months.into_values().collect())
}

/// Day by day what one meter measured for a service, wherever at these premises.
pub async fn of_meter(
    db: impl PgExecutor<'_>,
    meter_id: MeterId,
    (premises_id, service): (PremisesId, Service),
    period: BillingPeriod,
    as_of: AsOf,
) -> Result<Vec<Used>, QueryError> {
    let meters = billable::meters(db, &[meter_id], as_of).await?;
    Ok(days(meters.values(), premises_id, service, until(period, as_of)))
}

fn days<'a>(
    meters: impl Iterator<Item = &'a Meter>,
    premises_id: PremisesId,
    service: Service,
    period: Option<BillingPeriod>,
) -> Vec<Used> {
    let Some(period) = period else { return vec![] };
    let mut days: BTreeMap<NaiveDate, Used> = BTreeMap::new();
    for meter in meters {
        for register in meter.registers_for(service) {
            for UsageSegment { period, quantity, basis, .. } in meter.usage_by_day(premises_id, register, period) {
                let nothing = Used { on: period.from(), quantity: Decimal::ZERO, days: 1, estimated: 0 };
                let day = days.entry(period.from()).or_insert(nothing);
                day.quantity += quantity;
                day.estimated |= u32::from(basis == UsageBasis::Estimated);
            }
        }
    }
    days.into_values().collect()
}

/// The days up to and with that of the moment.
fn until(period: BillingPeriod, as_of: AsOf) -> Option<BillingPeriod> {
    let end = as_of.effective.checked_add_days(Days::new(1)).unwrap_or(as_of.effective);
    BillingPeriod::new(period.from(), period.to().min(end)).ok()
}
