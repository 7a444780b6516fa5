use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use daftar_domain::ids::{AccountId, MeterId, PremisesId, ReadingId};
use daftar_projections::{
    agreements, meters,
    readings::{self, Days},
};

use super::{
    answer, app,
    enums::Service,
    meter::{self, Meter, Reading},
    paging::{Connection, Paging, cost, part},
    scalars::{Date, Decimal},
    siblings::{Together, grouped},
    when::When,
};
use crate::{
    caller::{Caller, Visible},
    problem::Problem,
};

/// Who is billed for what, among the agreements that were asked for with it.
#[derive(Clone, Debug)]
pub struct Agreement {
    row: Arc<agreements::Agreement>,
    among: Arc<Agreements>,
}

/// Agreements of one list, all of which whoever asks may see, as of some moment.
#[derive(Debug)]
struct Agreements {
    seen: Vec<(Visible, Arc<agreements::Agreement>)>,
    when: When,
    premises: Together<(), HashMap<PremisesId, Premises>>,
    meters: Together<(), HashMap<MeterId, Meter>>,
    readings: Together<Paging, HashMap<(MeterId, AccountId), Vec<Reading>>>,
    reading_counts: Together<(), HashMap<Days, u64>>,
}

impl Agreement {
    /// Refuses, if one of them is not to be seen.
    pub fn all(caller: &Caller, rows: Vec<agreements::Agreement>, when: When) -> Result<Vec<Self>, Problem> {
        let rows: Vec<Arc<agreements::Agreement>> = rows.into_iter().map(Arc::new).collect();
        let seen = rows.iter().map(|row| Ok((caller.account(row.account_id)?, row.clone()))).collect::<Result<_, Problem>>()?;
        let among = Arc::new(Agreements {
            seen,
            when,
            premises: Together::default(),
            meters: Together::default(),
            readings: Together::default(),
            reading_counts: Together::default(),
        });
        Ok(rows.into_iter().map(|row| Self { row, among: among.clone() }).collect())
    }

    pub fn account_id(&self) -> AccountId {
        self.row.account_id
    }
}

/// Who is billed for what at which place, by which tariff.
#[Object]
impl Agreement {
    /// The agreement's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// The service point: one service at one place, whoever is billed for it.
    async fn service_point_id(&self) -> ID {
        ID(self.row.service_point_id.to_string())
    }

    /// What is supplied.
    async fn service(&self) -> Service {
        self.row.service.into()
    }

    /// By which tariff, whose versions follow one another.
    async fn tariff_series(&self) -> &str {
        &self.row.tariff_series
    }

    /// In which round it is read and billed.
    async fn read_cycle_id(&self) -> ID {
        ID(self.row.read_cycle_id.to_string())
    }

    /// The first day.
    async fn valid_from(&self) -> Date {
        self.row.valid_from.into()
    }

    /// The day after the last; null while it runs.
    async fn valid_to(&self) -> Option<Date> {
        self.row.valid_to.map(Date::from)
    }

    /// Where.
    async fn premises(&self, context: &Context<'_>) -> Option<Result<Premises>> {
        let found = async {
            let app = app(context);
            let fetch = async || {
                let ids: Vec<PremisesId> = self.among.seen.iter().map(|(_, row)| row.premises_id).collect();
                let found = agreements::premises_of(&app.read_models, &ids, self.among.when.as_of(app).await?).await?;
                Ok(found.into_iter().map(|place| (place.id, Premises::from(place))).collect())
            };
            Ok(self.among.premises.get((), fetch).await?.get(&self.row.premises_id).cloned())
        };
        answer(context, found.await).transpose()
    }

    /// What measures it; null if nothing does.
    async fn meter(&self, context: &Context<'_>) -> Option<Result<Meter>> {
        let found = async {
            let fetch = async || {
                let ids: Vec<MeterId> = self.among.seen.iter().filter_map(|(_, row)| row.meter_id).collect();
                let found = meters::by_ids(&app(context).read_models, &ids).await?;
                Ok(Meter::all(found).into_iter().map(|meter| (meter.id(), meter)).collect())
            };
            let found = self.among.meters.get((), fetch).await?;
            Ok(self.row.meter_id.and_then(|id| found.get(&id).cloned()))
        };
        answer(context, found.await).transpose()
    }

    /// What the meter showed while the agreement ran, the latest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn readings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Reading>>> {
        let page = async {
            let (app, paging) = (app(context), Paging::new(first, after)?);
            let place = paging.place("readings")?;
            let place = place.map(|[at, id]: [String; 2]| Ok::<_, Problem>((part(&at)?, ReadingId::new(part(&id)?)))).transpose()?;
            let asked: Vec<(AccountId, Days)> = self.among.seen.iter().filter_map(|(seen, row)| Some((seen.id(), days(row)?))).collect();
            let fetch = async || {
                // One meter serves one agreement at a time, but two of them may be among these, one after the other.
                let mut all = HashMap::new();
                let days: Vec<Days> = asked.iter().map(|(_, days)| *days).collect();
                let found = readings::of_meters(&app.read_models, &days, place, self.among.when.as_of(app).await?, paging.limit()).await?;
                let found = grouped(Reading::all(found).into_iter().map(|reading| (reading.meter_id(), reading)));
                for (account_id, days) in &asked {
                    let own = found.get(&days.meter_id).into_iter().flatten().filter(|reading| reading.is_in(days)).cloned();
                    all.insert((days.meter_id, *account_id), own.collect());
                }
                Ok(all)
            };
            let found = self.among.readings.get(paging.clone(), fetch).await?;
            let own = self.row.meter_id.and_then(|meter_id| found.get(&(meter_id, self.row.account_id)).cloned()).unwrap_or_default();
            let (app, among, own_days) = (app.clone(), self.among.clone(), days(&self.row));
            let count = move || {
                let (app, among) = (app.clone(), among.clone());
                async move {
                    let days: Vec<Days> = among.seen.iter().filter_map(|(_, row)| days(row)).collect();
                    let counts = among.reading_counts.get((), async || meter::counts(&app, days, among.when).await).await?;
                    Ok(own_days.and_then(|days| counts.get(&days).copied()).unwrap_or_default())
                }
            };
            Ok(Connection::new(&paging, own, Reading::cursor, count))
        };
        Some(answer(context, page.await))
    }
}

/// The readings that are the agreement's own: what the meter showed before and after is others' to see.
fn days(row: &agreements::Agreement) -> Option<Days> {
    let to = row.valid_to.unwrap_or(chrono::NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date"));
    Some(Days { meter_id: row.meter_id?, from: row.valid_from, to })
}

/// What billing asks of a place, on the day that was asked for.
#[derive(Clone, Debug, SimpleObject)]
struct Premises {
    /// The place's id, for ever.
    id: ID,
    /// In which area.
    area: String,
    /// How many dwellings are behind the meter.
    dwellings: i64,
    /// How much its breaker lets through, in ampere.
    breaker_amps: Option<i64>,
    /// What it may draw, in kilovolt-ampere.
    load_kva: Option<Decimal>,
}

impl From<agreements::Place> for Premises {
    fn from(place: agreements::Place) -> Self {
        let agreements::Place { id, area, dwellings, breaker_amps, load_kva } = place;
        Self { id: ID(id.to_string()), area, dwellings, breaker_amps, load_kva: load_kva.map(Decimal::from) }
    }
}
