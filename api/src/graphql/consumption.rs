use async_graphql::{Context, ID, Object, Result, SimpleObject};
use daftar_domain::{BillingPeriod, ids::AccountId};

use super::{
    answer, app, caller,
    enums::{self, LineUnit, Service, UsageBasis},
    scalars::{Date, Decimal},
};
use crate::{
    consumption::{self, Step, Used},
    problem::{Flaw, Problem},
};

/// What was used under an agreement, step by step.
#[derive(Debug, SimpleObject)]
struct ConsumptionSeries {
    /// Under which.
    agreement_id: ID,
    /// What was supplied.
    service: Service,
    /// What the quantities count.
    unit: LineUnit,
    /// What measured it, one after another if they were exchanged.
    meter_ids: Vec<ID>,
    /// The steps of which readings tell, the earliest first.
    steps: Vec<ConsumptionStep>,
}

/// What was used on some days.
#[derive(Debug, SimpleObject)]
struct ConsumptionStep {
    /// The first day.
    #[graphql(name = "from")]
    first_day: Date,
    /// The day after the last.
    #[graphql(name = "to")]
    day_after: Date,
    /// How much.
    quantity: Decimal,
    /// How well that is known: as its least well known part.
    basis: UsageBasis,
}

impl From<consumption::Series> for ConsumptionSeries {
    fn from(series: consumption::Series) -> Self {
        let step = |used: Used| ConsumptionStep {
            first_day: used.period.from().into(),
            day_after: used.period.to().into(),
            quantity: Decimal::from(used.quantity.normalize()),
            basis: used.basis.into(),
        };
        Self {
            agreement_id: ID(series.agreement_id.to_string()),
            service: series.service.into(),
            unit: daftar_domain::invoice::Unit::from(series.service.unit()).into(),
            meter_ids: series.meter_ids.iter().map(|id| ID(id.to_string())).collect(),
            steps: series.steps.into_iter().map(step).collect(),
        }
    }
}

/// The longest series, in steps and in days.
const STEPS: i64 = 366;

#[derive(Debug, Default)]
pub struct ConsumptionQuery;

#[Object]
impl ConsumptionQuery {
    /// What an account used, under each of its agreements. An account that is unknown, or not yours to see, is NOT_FOUND.
    #[graphql(complexity = "1 + 30 * child_complexity")]
    async fn consumption(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] account_id: ID,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "The day after the last.")] to: Date,
        #[graphql(desc = "How long each step is; a month of the calendar without it.")] step: Option<enums::Step>,
    ) -> Option<Result<Vec<ConsumptionSeries>>> {
        let series = async {
            let seen = caller(context).account(AccountId::new(super::id("accountId", &account_id)?))?;
            let (step, longest) = match step {
                Some(enums::Step::Day) => (Step::Day, STEPS),
                Some(enums::Step::Month) | None => (Step::Month, 30 * STEPS),
            };
            let period = BillingPeriod::new(from.day("from")?, to.day("to")?).ok().filter(|period| period.days() <= longest);
            let period = period.ok_or(Problem::invalid("to", Flaw::NotAPeriod { longest }))?;
            Ok(app(context).consumption(seen, period, step).await?.into_iter().map(ConsumptionSeries::from).collect())
        };
        Some(answer(context, series.await))
    }
}
