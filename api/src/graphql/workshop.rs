//! The workshop: parts and what is on the shelves, branches, and who comes when.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use daftar_domain::{
    Code, StreamName,
    appointment::AppointmentDay,
    ids::{AccountId, BranchId, PartId, RepairId, StockId, appointment_day_id},
};
use daftar_projections::workshop::{self, Expected, FoundBranch, FoundPart, OnShelf, StockMove};
use rust_decimal::Decimal as Number;

use super::{
    account::Account,
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{StockMoveKind, Weekday},
    money::Money,
    paging::{Connection, Paging, cost, cursor, part as part_of},
    scalars::{Date, Decimal},
    siblings::{Together, grouped},
};
use crate::{
    caller::{Caller, EVERY_DESK, Visible},
    problem::{Flaw, Problem},
};

/// A part, among those that were asked for with it.
#[derive(Clone, Debug)]
pub struct Part {
    row: Arc<FoundPart>,
    among: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    ids: Vec<PartId>,
    prices: Together<(), HashMap<PartId, Vec<(chrono::NaiveDate, Number)>>>,
}

impl Part {
    pub fn all(rows: Vec<FoundPart>) -> Vec<Self> {
        let among = Arc::new(Parts { ids: rows.iter().map(|row| row.id).collect(), prices: Together::default() });
        rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect()
    }

    pub fn part_id(&self) -> PartId {
        self.row.id
    }
}

at_hand!(Part: id, code, name, currency, price, priced_on, retired);

/// A kind of spare part.
#[Object]
impl Part {
    /// The part's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// The maker's number, or the company's own.
    async fn code(&self) -> &str {
        self.row.code.as_str()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        self.row.name.as_str()
    }

    /// The ISO 4217 code of the currency that it is sold in.
    async fn currency(&self) -> &'static str {
        self.row.currency.code()
    }

    /// What one costs now, without tax. It may have more decimals than its currency.
    async fn price(&self) -> Decimal {
        self.row.price.into()
    }

    /// Since when it costs that.
    async fn priced_on(&self) -> Date {
        self.row.priced_on.into()
    }

    /// Whether it is no longer sold.
    async fn retired(&self) -> bool {
        self.row.retired
    }

    /// What it has cost since when, the first price first.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn prices(&self, context: &Context<'_>) -> Option<Result<Vec<PartPrice>>> {
        let prices = async {
            let fetch = async || {
                let found = workshop::prices(&app(context).read_models, &self.among.ids).await?;
                Ok(grouped(found.into_iter().map(|(id, since, price)| (id, (since, price)))))
            };
            let found = self.among.prices.get((), fetch).await?;
            let own = found.get(&self.row.id).into_iter().flatten();
            Ok(own.map(|(since, price)| PartPrice { since: (*since).into(), price: (*price).into() }).collect())
        };
        Some(answer(context, prices.await))
    }
}

/// What a part cost from a day on.
#[derive(Debug, SimpleObject)]
struct PartPrice {
    /// The first day.
    since: Date,
    /// What one cost, without tax.
    price: Decimal,
}

/// A part at a branch, among those that were asked for with it.
#[derive(Clone, Debug)]
struct Shelf {
    row: OnShelf,
    among: Arc<Shelves>,
}

#[derive(Debug)]
struct Shelves {
    rows: Vec<OnShelf>,
    parts: Together<(), HashMap<PartId, Part>>,
    moves: Together<Paging, HashMap<StockId, Vec<Arc<StockMove>>>>,
    counts: Together<(), HashMap<StockId, u64>>,
}

impl Shelf {
    fn all(rows: Vec<OnShelf>) -> Vec<Self> {
        let among =
            Arc::new(Shelves { rows: rows.clone(), parts: Together::default(), moves: Together::default(), counts: Together::default() });
        rows.into_iter().map(|row| Self { row, among: among.clone() }).collect()
    }
}

impl Shelves {
    fn ids(&self) -> Vec<StockId> {
        self.rows.iter().map(|row| row.id).collect()
    }
}

/// What of a part is at a branch.
#[Object]
impl Shelf {
    /// The stock's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// The branch.
    async fn branch_id(&self) -> ID {
        ID(self.row.branch_id.to_string())
    }

    /// The part.
    async fn part(&self, context: &Context<'_>) -> Option<Result<Part>> {
        let found = async {
            let fetch = async || {
                let ids: Vec<PartId> = self.among.rows.iter().map(|row| row.part_id).collect();
                let found = Part::all(workshop::parts_by_ids(&app(context).read_models, &ids).await?);
                Ok(found.into_iter().map(|part| (part.part_id(), part)).collect())
            };
            self.among.parts.get((), fetch).await?.get(&self.row.part_id).cloned().ok_or(Problem::NotFound)
        };
        Some(answer(context, found.await))
    }

    /// How many are there.
    async fn on_hand(&self) -> u32 {
        self.row.on_hand
    }

    /// How many of them are put aside for repairs.
    async fn reserved(&self) -> u32 {
        self.row.reserved
    }

    /// How many the next repair can have.
    async fn free(&self) -> u32 {
        self.row.free()
    }

    /// What all that are there have cost.
    async fn value(&self) -> Money {
        self.row.value.into()
    }

    /// With fewer than so many free it is time to order more.
    async fn reorder_level(&self) -> u32 {
        self.row.reorder_level
    }

    /// What came and went, the latest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn moves(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Move>>> {
        const LIST: &str = "shelf/moves";
        let page = async {
            let (app, paging) = (app(context), Paging::new(first, after)?);
            let place = paging.place(LIST)?.map(|[revision]: [String; 1]| part_of::<u64>(&revision)).transpose()?;
            let fetch = async || {
                let found = workshop::moves(&app.read_models, &self.among.ids(), place, paging.limit()).await?;
                Ok(grouped(found.into_iter().map(|(id, moved)| (id, Arc::new(moved)))))
            };
            let found = self.among.moves.get(paging.clone(), fetch).await?;
            let own = found.get(&self.row.id).into_iter().flatten().cloned().map(Move).collect();
            let (app, among, id) = (app.clone(), self.among.clone(), self.row.id);
            let count = move || {
                let (app, among) = (app.clone(), among.clone());
                async move {
                    let fetch = async || Ok(workshop::move_counts(&app.read_models, &among.ids()).await?.into_iter().collect());
                    Ok(among.counts.get((), fetch).await?.get(&id).copied().unwrap_or_default())
                }
            };
            Ok(Connection::new(&paging, own, |moved: &Move| cursor(LIST, &[&moved.0.revision]), count))
        };
        Some(answer(context, page.await))
    }
}

#[derive(Clone, Debug)]
struct Move(Arc<StockMove>);

at_hand!(Move: what, pieces, value, repair_id, reference, reason, moved_on);

/// A change of what is on a shelf.
#[Object(name = "StockMove")]
impl Move {
    /// Why there are more or fewer.
    async fn what(&self) -> StockMoveKind {
        self.0.what.into()
    }

    /// How many more; below zero if they went.
    async fn pieces(&self) -> i32 {
        self.0.pieces
    }

    /// What they had cost; below zero if they went.
    async fn value(&self) -> Money {
        self.0.value.into()
    }

    /// The repair that they went into.
    async fn repair_id(&self) -> Option<ID> {
        self.0.repair_id.map(|id: RepairId| ID(id.to_string()))
    }

    /// The supplier's paper, if they came.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// Why it was not what the books said, if somebody counted.
    async fn reason(&self) -> Option<&str> {
        self.0.why.as_deref()
    }

    /// The day.
    async fn moved_on(&self) -> Date {
        self.0.moved_on.into()
    }
}

#[derive(Clone, Debug)]
pub struct Branch(Arc<FoundBranch>);

impl From<FoundBranch> for Branch {
    fn from(row: FoundBranch) -> Self {
        Self(Arc::new(row))
    }
}

/// Where people come to.
#[Object]
impl Branch {
    /// The branch's id, for ever.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Its code.
    async fn code(&self) -> &str {
        self.0.code.as_str()
    }

    /// Its name in Arabic.
    async fn name(&self) -> &str {
        self.0.details.name.as_str()
    }

    /// Its name in English.
    async fn name_in_english(&self) -> &str {
        self.0.details.name_in_english.as_str()
    }

    /// Where it is, in words.
    async fn address(&self) -> &str {
        self.0.details.address.as_str()
    }

    /// Degrees north.
    async fn latitude(&self) -> Decimal {
        self.0.details.location.latitude.into()
    }

    /// Degrees east.
    async fn longitude(&self) -> Decimal {
        self.0.details.location.longitude.into()
    }

    /// Where a map shows it.
    async fn map_link(&self) -> String {
        self.0.details.map_link()
    }

    /// When it is open.
    #[graphql(complexity = "1 + 7 * child_complexity")]
    async fn hours(&self) -> Vec<Hours> {
        let hours = self.0.details.hours.iter();
        let shown = |at: chrono::NaiveTime| at.format(TIME).to_string();
        hours.map(|hours| Hours { weekday: hours.weekday.into(), from: shown(hours.from), to: shown(hours.to) }).collect()
    }

    /// How long an appointment is.
    async fn slot_minutes(&self) -> i32 {
        self.0.details.slot_minutes.into()
    }

    /// How many appointments there can be at a time.
    async fn places(&self) -> i32 {
        self.0.details.places.into()
    }

    /// Since when it is closed for good; null while it is not.
    async fn closed_on(&self) -> Option<Date> {
        self.0.closed_on.map(Date::from)
    }
}

/// As people write a time of the day.
const TIME: &str = "%H:%M";

/// From when to when a branch is open on a day of the week.
#[derive(Debug, SimpleObject)]
struct Hours {
    /// The day.
    weekday: Weekday,
    /// From when, as `08:00`.
    from: String,
    /// Up to when, as `12:00`.
    to: String,
}

/// A time at which a branch can receive somebody.
#[derive(Debug, SimpleObject)]
struct FreeSlot {
    /// When, as `09:30`.
    at: String,
    /// How many more can come then.
    places: usize,
}

/// Somebody who comes, among those that were asked for with them.
#[derive(Clone, Debug)]
struct Appointment {
    row: Expected,
    among: Arc<Appointments>,
}

#[derive(Debug)]
struct Appointments {
    seen: Vec<Visible>,
    branch_ids: Vec<BranchId>,
    accounts: Together<(), HashMap<AccountId, Account>>,
    branches: Together<(), HashMap<BranchId, Branch>>,
}

impl Appointment {
    /// Refuses, if one of them is not to be seen.
    fn all(caller: &Caller, rows: Vec<Expected>) -> std::result::Result<Vec<Self>, Problem> {
        let seen = rows.iter().map(|row| caller.account(row.account_id)).collect::<std::result::Result<_, Problem>>()?;
        let mut branch_ids: Vec<BranchId> = rows.iter().map(|row| row.branch_id).collect();
        branch_ids.sort_unstable();
        branch_ids.dedup();
        let among = Arc::new(Appointments { seen, branch_ids, accounts: Together::default(), branches: Together::default() });
        Ok(rows.into_iter().map(|row| Self { row, among: among.clone() }).collect())
    }
}

/// Somebody who comes to a branch.
#[Object]
impl Appointment {
    /// The appointment's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Who comes.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        Some(answer(context, Account::whose(context, &self.among.accounts, self.among.seen.iter().copied(), self.row.account_id).await))
    }

    /// Where to.
    async fn branch(&self, context: &Context<'_>) -> Option<Result<Branch>> {
        let branch = async {
            let fetch = async || {
                let found = workshop::branches_by_ids(&app(context).read_models, &self.among.branch_ids).await?;
                Ok(found.into_iter().map(|row| (row.id, Branch::from(row))).collect())
            };
            self.among.branches.get((), fetch).await?.get(&self.row.branch_id).cloned().ok_or(Problem::NotFound)
        };
        Some(answer(context, branch.await))
    }

    /// Because of which repair; null if because of none.
    async fn repair_id(&self) -> Option<ID> {
        self.row.repair_id.map(|id| ID(id.to_string()))
    }

    /// The day.
    async fn day(&self) -> Date {
        self.row.day.into()
    }

    /// The time, as `09:30`.
    async fn at(&self) -> String {
        self.row.at.format(TIME).to_string()
    }
}

#[derive(Debug, Default)]
pub struct WorkshopQuery;

#[Object]
impl WorkshopQuery {
    /// Spare parts in the order of their codes; for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn parts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What their code or name begins with; all without it.")] search: Option<String>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Part>>> {
        let page = async {
            let app = app(context);
            caller(context).staff(EVERY_DESK)?;
            let paging = Paging::new(first, after)?;
            let place =
                paging.place("parts")?.map(|[code]: [String; 1]| Code::new(code).map_err(|_| Problem::invalid("after", Flaw::NotACursor)));
            let words = search.map(|words| words.trim().to_owned());
            let found = workshop::parts(&app.read_models, words.as_deref(), place.transpose()?.as_ref(), paging.limit()).await?;
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, words) = (pool.clone(), words.clone());
                async move { Ok(workshop::count_parts(&pool, words.as_deref()).await?) }
            };
            Ok(Connection::new(&paging, Part::all(found), |part| cursor("parts", &[&part.row.code]), count))
        };
        Some(answer(context, page.await))
    }

    /// A spare part by its id; for staff.
    async fn part(&self, context: &Context<'_>, #[graphql(desc = "As `registerPart` gave it.")] id: ID) -> Option<Result<Part>> {
        let found = async {
            caller(context).staff(EVERY_DESK)?;
            let found = workshop::part(&app(context).read_models, PartId::new(super::id("id", &id)?)).await?;
            Part::all(found.into_iter().collect()).pop().ok_or(Problem::NotFound)
        };
        Some(answer(context, found.await))
    }

    /// What is on the shelves of a branch; for staff.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn stock(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `openBranch` gave it.")] branch_id: ID,
        #[graphql(desc = "Only what runs low or has run out; all without it.")] low: Option<bool>,
    ) -> Option<Result<Vec<Shelf>>> {
        let shelves = async {
            caller(context).staff(EVERY_DESK)?;
            let branch_id = BranchId::new(super::id("branchId", &branch_id)?);
            Ok(Shelf::all(workshop::shelves(&app(context).read_models, branch_id, low.unwrap_or_default()).await?))
        };
        Some(answer(context, shelves.await))
    }

    /// The branches in the order of their codes, with where they are and when they are open.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn branches(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those that are closed for good, too; not without it.")] with_closed: Option<bool>,
    ) -> Option<Result<Vec<Branch>>> {
        let branches = async {
            let found = workshop::branches(&app(context).read_models, with_closed.unwrap_or_default()).await?;
            Ok(found.into_iter().map(Branch::from).collect())
        };
        Some(answer(context, branches.await))
    }

    /// The times at which a branch can still receive somebody on a day.
    async fn free_slots(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `openBranch` gave it.")] branch_id: ID,
        #[graphql(desc = "The day.")] day: Date,
    ) -> Option<Result<Vec<FreeSlot>>> {
        let slots = async {
            let (app, branch_id, day) = (app(context), BranchId::new(super::id("branchId", &branch_id)?), day.day("day")?);
            let branch = workshop::branch(&app.read_models, branch_id).await?.ok_or(Problem::NotFound)?;
            // Nobody is received where nobody is any more.
            if branch.closed_on.is_some() {
                return Ok(vec![]);
            }
            let stream = StreamName::of::<AppointmentDay>(appointment_day_id(branch_id, day));
            let free = app.engine.look::<AppointmentDay>(&stream).await?.free(&branch.details, day);
            Ok(free.into_iter().map(|(at, places)| FreeSlot { at: at.format(TIME).to_string(), places }).collect())
        };
        Some(answer(context, slots.await))
    }

    /// Who comes to a branch on a day, in the order of their coming; for staff.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn appointments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `openBranch` gave it.")] branch_id: ID,
        #[graphql(desc = "The day.")] day: Date,
    ) -> Option<Result<Vec<Appointment>>> {
        let expected = async {
            caller(context).staff(EVERY_DESK)?;
            let (branch_id, day) = (BranchId::new(super::id("branchId", &branch_id)?), day.day("day")?);
            Appointment::all(caller(context), workshop::expected(&app(context).read_models, branch_id, day).await?)
        };
        Some(answer(context, expected.await))
    }

    /// When you come, from today on. Staff have no appointments of their own.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn my_appointments(&self, context: &Context<'_>) -> Option<Result<Vec<Appointment>>> {
        let expected = async {
            let (app, caller) = (app(context), caller(context));
            let own: Vec<AccountId> = match caller {
                Caller::Nobody => return Err(Problem::Unauthenticated),
                Caller::Staff { .. } => vec![],
                Caller::Customer { accounts, .. } => accounts.iter().copied().collect(),
            };
            Appointment::all(caller, workshop::appointments_of(&app.read_models, &own, app.today()).await?)
        };
        Some(answer(context, expected.await))
    }
}
