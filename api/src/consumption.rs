//! What was used, step by step, as the readings tell it.

use chrono::Days;
use daftar_domain::{
    BillingPeriod, Service, UsageBasis,
    ids::{AgreementId, MeterId},
};
use daftar_projections::{Projector, billable, reached};
use rust_decimal::Decimal;

use crate::{app::App, caller::Visible, problem::Problem};

/// Days or months of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Day,
    Month,
}

/// What was used under an agreement.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub agreement_id: AgreementId,
    pub service: Service,
    pub meter_ids: Vec<MeterId>,
    pub steps: Vec<Used>,
}

/// What was used in a step of which readings tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Used {
    pub period: BillingPeriod,
    pub quantity: Decimal,
    /// The least well known part of it.
    pub basis: UsageBasis,
}

impl App {
    /// What an account used in a period under each of its agreements. Steps of which no reading tells are left out.
    pub async fn consumption(&self, account: Visible, period: BillingPeriod, step: Step) -> Result<Vec<Series>, Problem> {
        let Some(as_of) = reached(&self.read_models, billable::Billable::NAME).await? else { return Ok(vec![]) };
        let page = billable::of(&self.read_models, &[account.id()], as_of).await?;
        let Some(customer) = page.customer(account.id())? else { return Ok(vec![]) };
        let series = customer.supplies.iter().filter_map(|supply| {
            let (from, to) = supply.service_point.course(supply.agreement_id)?;
            let own = BillingPeriod::new(from, to.unwrap_or(period.to()).max(from + Days::new(1))).ok()?.intersection(period)?;
            let steps = steps(own, step).into_iter().filter_map(|days| used(supply, days)).collect();
            let meter_ids = supply.meters.iter().map(|(id, _)| *id).collect();
            Some(Series { agreement_id: supply.agreement_id, service: supply.service, meter_ids, steps })
        });
        Ok(series.collect())
    }
}

fn used(supply: &billable::Supplied, days: BillingPeriod) -> Option<Used> {
    let segments = supply.meters.iter().flat_map(|(_, meter)| {
        let registers = meter.state.registers_for(supply.service);
        registers.flat_map(|register| meter.state.usage(supply.premises_id, register, days)).collect::<Vec<_>>()
    });
    let segments: Vec<_> = segments.collect();
    let basis =
        [UsageBasis::Estimated, UsageBasis::TrueUp].into_iter().find(|basis| segments.iter().any(|segment| segment.basis == *basis));
    (!segments.is_empty()).then(|| Used {
        period: days,
        quantity: segments.iter().map(|segment| segment.quantity).sum(),
        basis: basis.unwrap_or(UsageBasis::Measured),
    })
}

fn steps(period: BillingPeriod, step: Step) -> Vec<BillingPeriod> {
    match step {
        Step::Day => period.each_day().collect(),
        Step::Month => period.each_month().collect(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn months_are_those_of_the_calendar_and_the_ends_are_cut_off() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let period = BillingPeriod::new(day("2026-01-30"), day("2026-03-02")).unwrap();
        let months: Vec<String> = steps(period, Step::Month).iter().map(|days| format!("{} {}", days.from(), days.to())).collect();
        assert_eq!(months, ["2026-01-30 2026-02-01", "2026-02-01 2026-03-01", "2026-03-01 2026-03-02"]);
        assert_eq!(steps(period, Step::Day).len(), 31);
    }
}
