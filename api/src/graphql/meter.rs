use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use daftar_domain::{
    ids::{AccountId, MeterId, ReadingId},
    meter as domain,
};
use daftar_projections::{
    AsOf, meters,
    readings::{self, Days, Known},
};

use super::{
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{
        ComponentChange, Direction, MeterKind, MeterPart, MeterSort, MeterStatus, ReadingKind, ReadingState, RegisterUnit, Service,
        SortDirection,
    },
    paging::{Connection, Paging, cost, cursor, part},
    scalars::{Date, DateTime, Decimal},
    siblings::{Together, grouped},
    when::{AsOfInput, When},
};
use crate::{app::App, caller::EVERY_DESK, problem::Problem};

/// What measures, among the meters that were asked for with it. The device is nobody's secret; what it showed is.
#[derive(Clone, Debug)]
pub struct Meter {
    row: Arc<meters::Device>,
    among: Arc<Meters>,
}

#[derive(Debug)]
struct Meters {
    ids: Vec<MeterId>,
    registers: Together<(), HashMap<MeterId, Vec<Register>>>,
    components: Together<(), HashMap<MeterId, Vec<Component>>>,
    lives: Together<(), HashMap<MeterId, Vec<MeterLife>>>,
    tests: Together<(), HashMap<MeterId, Vec<MeterTest>>>,
    readings: Together<(Paging, When), HashMap<MeterId, Vec<Reading>>>,
    reading_counts: Together<When, HashMap<Days, u64>>,
}

impl Meter {
    pub fn all(rows: Vec<meters::Device>) -> Vec<Self> {
        let among = Arc::new(Meters {
            ids: rows.iter().map(|row| row.id).collect(),
            registers: Together::default(),
            components: Together::default(),
            lives: Together::default(),
            tests: Together::default(),
            readings: Together::default(),
            reading_counts: Together::default(),
        });
        rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect()
    }

    pub fn id(&self) -> MeterId {
        self.row.id
    }

    fn of<T: Clone>(&self, all: &HashMap<MeterId, Vec<T>>) -> Vec<T> {
        all.get(&self.row.id).cloned().unwrap_or_default()
    }
}

at_hand!(Meter: graphql_id as id, maker, serial, kind, status, certified_until);

/// What measures.
#[Object]
impl Meter {
    /// The meter's id, for ever.
    #[graphql(name = "id")]
    async fn graphql_id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Who made it.
    async fn maker(&self) -> &str {
        &self.row.maker
    }

    /// What its maker calls it.
    async fn serial(&self) -> &str {
        &self.row.serial
    }

    /// Which kind of meter it is.
    async fn kind(&self) -> MeterKind {
        self.row.kind.into()
    }

    /// Where it is in its life.
    async fn status(&self) -> MeterStatus {
        self.row.status.into()
    }

    /// The last day on which its verification is valid.
    async fn certified_until(&self) -> Option<Date> {
        self.row.certified_until.map(Date::from)
    }

    /// What it counts.
    async fn registers(&self, context: &Context<'_>) -> Option<Result<Vec<Register>>> {
        let fetch = async || {
            let found = meters::registers_of(&app(context).read_models, &self.among.ids).await?;
            Ok(grouped(found.into_iter().map(|(id, register)| (id, Register::from(register)))))
        };
        Some(answer(context, self.among.registers.get((), fetch).await.map(|all| self.of(&all))))
    }

    /// What was done to the parts beside it, breaker and seals, the earliest first.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn components(&self, context: &Context<'_>) -> Option<Result<Vec<Component>>> {
        let fetch = async || {
            let found = meters::parts_of(&app(context).read_models, &self.among.ids, always_known()).await?;
            Ok(grouped(found.into_iter().map(|(id, component)| (id, Component::from(component)))))
        };
        Some(answer(context, self.among.components.get((), fetch).await.map(|all| self.of(&all))))
    }

    /// What became of it and where it has been, the earliest first; for staff.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn life(&self, context: &Context<'_>) -> Option<Result<Vec<MeterLife>>> {
        let found = async {
            caller(context).staff(EVERY_DESK)?;
            let fetch = async || {
                let found = meters::lives_of(&app(context).read_models, &self.among.ids, always_known()).await?;
                Ok(grouped(found.into_iter().map(|(id, lived)| (id, MeterLife::from(lived)))))
            };
            self.among.lives.get((), fetch).await
        };
        Some(answer(context, found.await.map(|all| self.of(&all))))
    }

    /// How it did on the bench, the earliest first; for staff.
    async fn tests(&self, context: &Context<'_>) -> Option<Result<Vec<MeterTest>>> {
        let found = async {
            caller(context).staff(EVERY_DESK)?;
            let fetch = async || {
                let found = meters::tests_of(&app(context).read_models, &self.among.ids).await?;
                Ok(grouped(found.into_iter().map(|(id, test)| (id, MeterTest::from(test)))))
            };
            self.among.tests.get((), fetch).await
        };
        Some(answer(context, found.await.map(|all| self.of(&all))))
    }

    /// All that it ever showed, at whomever's, the latest first; for staff. Customers find theirs under their agreements.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn readings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Taken by then, as they were known then; now without it.")] as_of: Option<AsOfInput>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Reading>>> {
        let page = async {
            caller(context).staff(EVERY_DESK)?;
            let (app, paging, when) = (app(context), Paging::new(first, after)?, When::parse(app(context), as_of)?);
            let place = paging.place("readings")?;
            let place = place.map(|[at, id]: [String; 2]| Ok::<_, Problem>((part(&at)?, ReadingId::new(part(&id)?)))).transpose()?;
            let fetch = async || {
                let days: Vec<Days> = self.among.ids.iter().map(|id| always(*id)).collect();
                let found = readings::of_meters(&app.read_models, &days, place, when.as_of(app).await?, paging.limit()).await?;
                Ok(grouped(Reading::all(found).into_iter().map(|reading| (reading.meter_id(), reading))))
            };
            let found = self.among.readings.get((paging.clone(), when), fetch).await?;
            let (app, among, id) = (app.clone(), self.among.clone(), self.row.id);
            let count = move || {
                let (app, among) = (app.clone(), among.clone());
                async move {
                    let days: Vec<Days> = among.ids.iter().map(|id| always(*id)).collect();
                    Ok(among
                        .reading_counts
                        .get(when, async || counts(&app, days, when).await)
                        .await?
                        .get(&always(id))
                        .copied()
                        .unwrap_or_default())
                }
            };
            Ok(Connection::new(&paging, self.of(&found), Reading::cursor, count))
        };
        Some(answer(context, page.await))
    }
}

/// How many readings there are of each meter on its days.
pub async fn counts(app: &App, days: Vec<Days>, when: When) -> Result<HashMap<Days, u64>, Problem> {
    let counts = readings::counts_of_meters(&app.read_models, &days, when.as_of(app).await?).await?;
    Ok(days.into_iter().zip(counts).collect())
}

fn always_known() -> AsOf {
    AsOf::now_known(NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date"))
}

fn always(meter_id: MeterId) -> Days {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    Days { meter_id, from: day(1, 1, 1), to: day(9999, 12, 31) }
}

/// A count that only goes up, until it is full and starts again from zero.
#[derive(Clone, Debug, SimpleObject)]
struct Register {
    /// What it is called on the meter.
    code: String,
    /// Before the decimal point.
    digits: u32,
    /// Behind the decimal point.
    decimals: u32,
    /// What one unit on the dial stands for.
    multiplier: Decimal,
    /// Which way it counts.
    direction: Direction,
    /// What it counts.
    unit: RegisterUnit,
}

impl From<domain::Register> for Register {
    fn from(register: domain::Register) -> Self {
        let domain::Register { code, digits, decimals, multiplier, direction, unit } = register;
        Self {
            code: code.to_string(),
            digits,
            decimals,
            multiplier: Decimal::from(multiplier),
            direction: direction.into(),
            unit: unit.into(),
        }
    }
}

/// What was done to a part beside the meter.
#[derive(Clone, Debug, SimpleObject)]
struct Component {
    /// Which part.
    part: MeterPart,
    /// The part's number.
    number: String,
    /// What was done.
    change: ComponentChange,
    /// Of a breaker: how much it lets through, in ampere.
    amps: Option<u64>,
    /// Of a seal: what it is on.
    place: Option<String>,
    /// When.
    effective_on: Date,
    /// Why.
    reason: Option<String>,
}

impl From<meters::PartChange> for Component {
    fn from(change: meters::PartChange) -> Self {
        let meters::PartChange { part, number, change, amps, place, effective_on, reason } = change;
        Self { part: part.into(), number, change: change.into(), amps, place, effective_on: effective_on.into(), reason }
    }
}

/// What a meter was from when.
#[derive(Clone, Debug, SimpleObject)]
struct MeterLife {
    /// What it was.
    status: MeterStatus,
    /// From when; a reservation has no date of its own.
    effective_on: Option<Date>,
    /// Where, if it was put up somewhere.
    premises_id: Option<ID>,
    /// Why.
    reason: Option<String>,
}

impl From<meters::Step> for MeterLife {
    fn from(step: meters::Step) -> Self {
        let meters::Step { status, effective_on, premises_id, reason } = step;
        let premises_id = premises_id.map(|id| ID(id.to_string()));
        Self { status: status.into(), effective_on: effective_on.map(Date::from), premises_id, reason }
    }
}

/// How a meter did on the bench.
#[derive(Clone, Debug, SimpleObject)]
struct MeterTest {
    /// The test's id.
    id: ID,
    /// When.
    tested_on: Date,
    /// Whether it passed.
    passed: bool,
    /// How far it was off, in per cent.
    error_percent: Decimal,
    /// The last day on which the verification is valid.
    certified_until: Option<Date>,
}

impl From<meters::Test> for MeterTest {
    fn from(test: meters::Test) -> Self {
        let meters::Test { id, tested_on, passed, error_percent, certified_until } = test;
        let certified_until = certified_until.map(Date::from);
        Self { id: ID(id.to_string()), tested_on: tested_on.into(), passed, error_percent: Decimal::from(error_percent), certified_until }
    }
}

/// What a register showed, among the readings that were asked for with it.
#[derive(Clone, Debug)]
pub struct Reading {
    meter_id: MeterId,
    row: Arc<Known>,
    among: Arc<Readings>,
}

#[derive(Debug)]
struct Readings {
    ids: Vec<(MeterId, ReadingId)>,
    billed_by: Together<(), HashMap<ReadingId, Vec<ID>>>,
}

impl Reading {
    pub fn all(rows: Vec<(MeterId, Known)>) -> Vec<Self> {
        let ids = rows.iter().map(|(meter_id, row)| (*meter_id, row.id)).collect();
        let among = Arc::new(Readings { ids, billed_by: Together::default() });
        rows.into_iter().map(|(meter_id, row)| Self { meter_id, row: Arc::new(row), among: among.clone() }).collect()
    }

    pub fn meter_id(&self) -> MeterId {
        self.meter_id
    }

    pub fn is_in(&self, days: &Days) -> bool {
        self.meter_id == days.meter_id && (days.from..=days.to).contains(&self.row.taken_on)
    }

    pub fn cursor(&self) -> String {
        cursor("readings", &[&self.row.taken_at.to_rfc3339(), &self.row.id])
    }
}

at_hand!(Reading: id, register, kind, value, taken_on, taken_at, rolled_over, state, counts, invoice_ids);

/// What a register showed, or was reckoned to show, and what became of the figure.
#[Object]
impl Reading {
    /// The reading's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Which register.
    async fn register(&self) -> &str {
        &self.row.register
    }

    /// How it was taken.
    async fn kind(&self) -> ReadingKind {
        self.row.kind.into()
    }

    /// The figure.
    async fn value(&self) -> Decimal {
        Decimal::from(self.row.value)
    }

    /// On which day, at the place.
    async fn taken_on(&self) -> Date {
        self.row.taken_on.into()
    }

    /// At which instant.
    async fn taken_at(&self) -> DateTime {
        DateTime(self.row.taken_at)
    }

    /// Whether the register was full before it and began again.
    async fn rolled_over(&self) -> bool {
        self.row.rolled_over
    }

    /// The last that was said of it.
    async fn state(&self) -> ReadingState {
        self.row.word.into()
    }

    /// Whether it counts.
    async fn counts(&self) -> bool {
        self.row.word.counts()
    }

    /// The invoices that stand on it: it closes one period and opens the next. For staff.
    async fn invoice_ids(&self, context: &Context<'_>) -> Option<Result<Vec<ID>>> {
        let found = async {
            caller(context).staff(EVERY_DESK)?;
            let fetch = async || {
                let found = readings::billed_by(&app(context).read_models, &self.among.ids).await?;
                Ok(grouped(found.into_iter().map(|(reading, invoice)| (reading, ID(invoice.to_string())))))
            };
            let found = self.among.billed_by.get((), fetch).await?;
            Ok(found.get(&self.row.id).cloned().unwrap_or_default())
        };
        Some(answer(context, found.await))
    }
}

/// Which meters: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct MeterFilter {
    /// What its maker calls it begins so.
    serial: Option<String>,
    /// Of this kind.
    kind: Option<MeterKind>,
    /// There in its life.
    status: Option<MeterStatus>,
    /// For this service.
    service: Option<Service>,
    /// Put up for this account.
    account_id: Option<ID>,
}

impl MeterFilter {
    fn parse(self) -> Result<meters::Filter, Problem> {
        let account_id = self.account_id.as_ref().map(|id| super::id("accountId", id)).transpose()?;
        Ok(meters::Filter {
            kind: self.kind.map(Into::into),
            status: self.status.map(Into::into),
            service: self.service.map(Into::into),
            account_id: account_id.map(AccountId::new),
            serial: self.serial,
        })
    }
}

#[derive(Debug, Default)]
pub struct MeterQuery;

#[Object]
impl MeterQuery {
    /// A meter by its id, for staff. An id that is unknown is NOT_FOUND.
    async fn meter(&self, context: &Context<'_>, #[graphql(desc = "The meter's id.")] id: ID) -> Option<Result<Meter>> {
        let meter = async {
            caller(context).staff(EVERY_DESK)?;
            let id = MeterId::new(super::id("id", &id)?);
            Meter::all(meters::by_ids(&app(context).read_models, &[id]).await?).pop().ok_or(Problem::NotFound)
        };
        Some(answer(context, meter.await))
    }

    /// Meters, for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn meters(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<MeterFilter>,
        #[graphql(desc = "What they are in the order of; SERIAL without it.")] order_by: Option<MeterSort>,
        #[graphql(desc = "Which way; ASCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Meter>>> {
        let page = async {
            caller(context).staff(EVERY_DESK)?;
            let (app, paging, filter) = (app(context), Paging::new(first, after)?, filter.unwrap_or_default().parse()?);
            let by = order_by.unwrap_or(MeterSort::Serial);
            let ordered = paging.ordered("meters", by, direction.unwrap_or(SortDirection::Ascending))?;
            let found = meters::list(&app.read_models, &filter, &ordered.page).await?;
            let at = move |meter: &Meter| ordered.cursor(&meter.row.spot(ordered.page.by));
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(meters::count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, Meter::all(found), at, count))
        };
        Some(answer(context, page.await))
    }
}
