//! The workshop: parts and their prices, what of them is on which shelf, branches, and who comes when.

use chrono::{NaiveDate, NaiveTime, Timelike};
use daftar_domain::{
    BillingEvent, Code, Currency, Decider, Description, Money, Recorded,
    appointment::{self, AppointmentBooked, AppointmentDay},
    branch::{self, Branch, BranchDetails},
    ids::{AccountId, AppointmentId, BranchId, PartId, PartRequestId, RepairId, StockId},
    part::{self, Part},
    stock::{self, Stock, StockReceived},
};
use rust_decimal::Decimal;
use serde::Deserialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    columns::{from_bigint, from_name, position, to_bigint, to_name},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Workshop {
    parts: Current<PartRow>,
    prices: History<PartPriceRow>,
    stocks: Current<StockRow>,
    requests: Current<StockRequestRow>,
    moves: History<StockMoveRow>,
    branches: Current<BranchRow>,
    appointments: Current<AppointmentRow>,
}

rows! {
    struct PartRow in part {
        part_id: Uuid,
        code: String,
        name: String,
        currency: String,
        price: Decimal,
        priced_on: NaiveDate,
        retired: bool,
        position: i64,
    }

    struct PartPriceRow in part_price {
        part_id: Uuid,
        price: Decimal,
        since: NaiveDate,
        position: i64,
    }

    struct StockRow in stock {
        stock_id: Uuid,
        branch_id: Option<Uuid>,
        part_id: Option<Uuid>,
        on_hand: i32,
        reserved: i32,
        currency: Option<String>,
        value: i64,
        reorder_level: i32,
        position: i64,
    }

    struct StockRequestRow in stock_request {
        request_id: Uuid,
        stock_id: Uuid,
        here: bool,
        left_over: i32,
        position: i64,
    }

    struct StockMoveRow in stock_move {
        stock_id: Uuid,
        what: String,
        pieces: i32,
        currency: String,
        value: i64,
        repair_id: Option<Uuid>,
        reference: Option<String>,
        why: Option<String>,
        moved_on: NaiveDate,
        revision: i64,
        position: i64,
    }

    struct BranchRow in branch {
        branch_id: Uuid,
        code: String,
        name: String,
        name_in_english: String,
        details: String,
        closed_on: Option<NaiveDate>,
        position: i64,
    }

    struct AppointmentRow in appointment {
        appointment_id: Uuid,
        branch_id: Uuid,
        account_id: Uuid,
        repair_id: Option<Uuid>,
        day: NaiveDate,
        minute: i32,
        cancelled: bool,
        position: i64,
    }
}

keys! {
    PartRow by part_id: Uuid;
    StockRow by stock_id: Uuid;
    StockRequestRow by request_id: Uuid;
    BranchRow by branch_id: Uuid;
    AppointmentRow by appointment_id: Uuid;
}

impl Projector for Workshop {
    const NAME: &'static str = "workshop";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[AppointmentDay::CATEGORY, Branch::CATEGORY, Part::CATEGORY, Stock::CATEGORY];
    const TABLES: &'static str = include_str!("../models/workshop/tables.sql");
    const INDEXES: &'static str = include_str!("../models/workshop/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::AppointmentDay(event) = &fact.event {
            self.appointment(fact, event);
        } else if let BillingEvent::Branch(event) = &fact.event {
            self.branch(fact, event);
        } else if let BillingEvent::Part(event) = &fact.event {
            self.part(fact, event);
        } else if let BillingEvent::Stock(event) = &fact.event {
            self.stock(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { parts, prices, stocks, requests, moves, branches, appointments } = self;
        vec![parts, prices, stocks, requests, moves, branches, appointments]
    }
}

impl Workshop {
    fn appointment(&mut self, fact: &Recorded<BillingEvent>, event: &appointment::Event) {
        match event {
            appointment::Event::AppointmentBooked(event) => {
                let AppointmentBooked { appointment_id, branch_id, account_id, repair_id, day, at } = event;
                self.appointments.insert(AppointmentRow {
                    appointment_id: (*appointment_id).into(),
                    branch_id: (*branch_id).into(),
                    account_id: (*account_id).into(),
                    repair_id: repair_id.map(Uuid::from),
                    day: *day,
                    minute: minute(*at),
                    cancelled: false,
                    position: position(fact),
                });
            }
            appointment::Event::AppointmentCancelled(event) => {
                if let Some(row) = self.appointments.get_mut(&event.appointment_id.into()) {
                    (row.cancelled, row.position) = (true, position(fact));
                }
            }
        }
    }

    fn branch(&mut self, fact: &Recorded<BillingEvent>, event: &branch::Event) {
        match event {
            branch::Event::BranchOpened(event) => {
                let mut row = BranchRow {
                    branch_id: event.branch_id.into(),
                    code: event.code.to_string(),
                    name: String::new(),
                    name_in_english: String::new(),
                    details: String::new(),
                    closed_on: None,
                    position: position(fact),
                };
                row.tell(&event.details);
                self.branches.insert(row);
            }
            branch::Event::BranchAmended(event) => {
                if let Some(row) = self.branches.get_mut(&fact.stream.id()) {
                    row.tell(&event.details);
                    row.position = position(fact);
                }
            }
            branch::Event::BranchClosed(event) => {
                if let Some(row) = self.branches.get_mut(&fact.stream.id()) {
                    (row.closed_on, row.position) = (Some(event.on), position(fact));
                }
            }
        }
    }

    fn part(&mut self, fact: &Recorded<BillingEvent>, event: &part::Event) {
        let (part_id, position) = (fact.stream.id(), position(fact));
        match event {
            part::Event::PartRegistered(event) => {
                self.prices.add(PartPriceRow { part_id, price: event.price.get(), since: event.registered_on, position });
                self.parts.insert(PartRow {
                    part_id,
                    code: event.code.to_string(),
                    name: event.name.to_string(),
                    currency: to_name(&event.currency),
                    price: event.price.get(),
                    priced_on: event.registered_on,
                    retired: false,
                    position,
                });
            }
            part::Event::PartPriceChanged(event) => {
                self.prices.add(PartPriceRow { part_id, price: event.price.get(), since: event.on, position });
                if let Some(part) = self.parts.get_mut(&part_id) {
                    (part.price, part.priced_on, part.position) = (event.price.get(), event.on, position);
                }
            }
            part::Event::PartRetired(_) | part::Event::PartReinstated(_) => {
                if let Some(part) = self.parts.get_mut(&part_id) {
                    (part.retired, part.position) = (matches!(event, part::Event::PartRetired(_)), position);
                }
            }
        }
    }

    fn stock(&mut self, fact: &Recorded<BillingEvent>, event: &stock::Event) {
        use stock::Event;
        let stock_id = fact.stream.id();
        // Whatever happens to it first, there is a stock from then on.
        if self.stocks.get(&stock_id).is_none() {
            self.stocks.put(StockRow::empty(stock_id));
        }
        match event {
            Event::StockReceived(event) => {
                let StockReceived { branch_id, part_id, quantity, cost, reference, on, .. } = event;
                self.change(fact, |stock| {
                    (stock.branch_id, stock.part_id) = (Some((*branch_id).into()), Some((*part_id).into()));
                    stock.currency = Some(to_name(&cost.currency));
                });
                self.moved(fact, Move { pieces: pieces(*quantity), value: *cost, reference: Some(reference.to_string()), ..Move::on(*on) });
            }
            Event::StockReserved(event) => {
                let waited = self.requests.get(&event.request_id.into()).map(|request| request.left_over);
                let left_over = waited.unwrap_or(pieces(event.quantity));
                self.request(fact, event.request_id, true, left_over);
                self.change(fact, |stock| stock.reserved += left_over);
            }
            Event::ShortageRecorded(event) => self.request(fact, event.request_id, false, pieces(event.quantity)),
            Event::StockUsed(event) => {
                self.taken(fact, event.request_id, pieces(event.quantity));
                let (went, cost) = (-pieces(event.quantity), Money::new(-event.cost.minor, event.cost.currency));
                self.moved(fact, Move { pieces: went, value: cost, repair_id: Some(event.repair_id), ..Move::on(event.on) });
            }
            Event::StockGivenBack(event) => self.taken(fact, event.request_id, pieces(event.quantity)),
            Event::StockCounted(event) => {
                let difference = pieces(event.counted) - pieces(event.before);
                self.moved(
                    fact,
                    Move { pieces: difference, value: event.value, why: Some(event.reason.to_string()), ..Move::on(event.on) },
                );
            }
            Event::ReorderLevelSet(event) => self.change(fact, |stock| stock.reorder_level = pieces(event.level)),
            // What is free says so.
            Event::StockRanLow(_) | Event::StockRanOut(_) => {}
        }
    }

    fn request(&mut self, fact: &Recorded<BillingEvent>, request_id: PartRequestId, here: bool, left_over: i32) {
        let (stock_id, position) = (fact.stream.id(), position(fact));
        self.requests.put(StockRequestRow { request_id: request_id.into(), stock_id, here, left_over, position });
    }

    /// So many of a request are no longer put aside, or no longer waited for.
    fn taken(&mut self, fact: &Recorded<BillingEvent>, request_id: PartRequestId, pieces: i32) {
        let Some(request) = self.requests.get_mut(&request_id.into()) else { return };
        (request.left_over, request.position) = (request.left_over - pieces, position(fact));
        let put_aside = if request.here { pieces } else { 0 };
        self.change(fact, |stock| stock.reserved -= put_aside);
    }

    fn moved(&mut self, fact: &Recorded<BillingEvent>, moved: Move) {
        let Move { pieces, value, repair_id, reference, why, on } = moved;
        self.change(fact, |stock| (stock.on_hand, stock.value) = (stock.on_hand + pieces, stock.value + value.minor));
        self.moves.add(StockMoveRow {
            stock_id: fact.stream.id(),
            what: fact.event.event_type().to_owned(),
            pieces,
            currency: to_name(&value.currency),
            value: value.minor,
            repair_id: repair_id.map(Uuid::from),
            reference,
            why,
            moved_on: on,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut StockRow)) {
        if let Some(stock) = self.stocks.get_mut(&fact.stream.id()) {
            change(stock);
            stock.position = position(fact);
        }
    }
}

/// A change of what is on the shelf.
struct Move {
    pieces: i32,
    value: Money,
    repair_id: Option<RepairId>,
    reference: Option<String>,
    why: Option<String>,
    on: NaiveDate,
}

impl Move {
    fn on(on: NaiveDate) -> Self {
        Self { pieces: 0, value: Money::zero(Currency::SAR), repair_id: None, reference: None, why: None, on }
    }
}

impl StockRow {
    fn empty(stock_id: Uuid) -> Self {
        Self { stock_id, branch_id: None, part_id: None, on_hand: 0, reserved: 0, currency: None, value: 0, reorder_level: 0, position: 0 }
    }
}

impl BranchRow {
    fn tell(&mut self, details: &BranchDetails) {
        (self.name, self.name_in_english) = (details.name.to_string(), details.name_in_english.to_string());
        self.details = String::from_utf8_lossy(&daftar_domain::write(details)).into_owned();
    }
}

/// No shelf holds more.
fn pieces(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Of the day.
fn minute(at: NaiveTime) -> i32 {
    pieces(at.hour() * 60 + at.minute())
}

/// A kind of spare part, and what it costs now.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPart {
    pub id: PartId,
    pub code: Code,
    pub name: Description,
    pub currency: Currency,
    pub price: Decimal,
    pub priced_on: NaiveDate,
    pub retired: bool,
}

/// Parts by their code, after one that was seen; those whose code or name begins with the words, if there are any.
pub async fn parts(db: impl PgExecutor<'_>, words: Option<&str>, after: Option<&Code>, limit: u32) -> Result<Vec<FoundPart>, QueryError> {
    let rows = sqlx::query_as!(
        PartRow,
        "SELECT * FROM read_workshop.part
         WHERE (starts_with(lower(code), lower($1)) OR starts_with(lower(name), lower($1)) OR $1 IS NULL) AND (code > $2 OR $2 IS NULL)
         ORDER BY code LIMIT $3",
        words,
        after.map(Code::as_str),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(FoundPart::try_from).collect()
}

pub async fn part(db: impl PgExecutor<'_>, id: PartId) -> Result<Option<FoundPart>, QueryError> {
    let row = sqlx::query_as!(PartRow, "SELECT * FROM read_workshop.part WHERE part_id = $1", Uuid::from(id));
    row.fetch_optional(db).await?.map(FoundPart::try_from).transpose()
}

/// How many parts there are in such a list.
pub async fn count_parts(db: impl PgExecutor<'_>, words: Option<&str>) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_workshop.part
           WHERE starts_with(lower(code), lower($1)) OR starts_with(lower(name), lower($1)) OR $1 IS NULL"#,
        words,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// These parts; what is none is left out.
pub async fn parts_by_ids(db: impl PgExecutor<'_>, ids: &[PartId]) -> Result<Vec<FoundPart>, QueryError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| (*id).into()).collect();
    let rows = sqlx::query_as!(PartRow, "SELECT * FROM read_workshop.part WHERE part_id = ANY($1) ORDER BY code", &ids);
    rows.fetch_all(db).await?.into_iter().map(FoundPart::try_from).collect()
}

/// What each of these parts has cost since when, the first price first.
pub async fn prices(db: impl PgExecutor<'_>, ids: &[PartId]) -> Result<Vec<(PartId, NaiveDate, Decimal)>, QueryError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| (*id).into()).collect();
    let rows = sqlx::query!("SELECT part_id, since, price FROM read_workshop.part_price WHERE part_id = ANY($1) ORDER BY position", &ids);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (PartId::new(row.part_id), row.since, row.price)).collect())
}

/// What of a part is at a branch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnShelf {
    pub id: StockId,
    pub branch_id: BranchId,
    pub part_id: PartId,
    pub on_hand: u32,
    /// Put aside for repairs.
    pub reserved: u32,
    pub value: Money,
    pub reorder_level: u32,
}

impl OnShelf {
    pub fn free(&self) -> u32 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

/// What is on a branch's shelves; only what runs low, if that is asked for.
pub async fn shelves(db: impl PgExecutor<'_>, branch_id: BranchId, low: bool) -> Result<Vec<OnShelf>, QueryError> {
    let rows = sqlx::query_as!(
        StockRow,
        "SELECT * FROM read_workshop.stock
         WHERE branch_id = $1 AND (NOT $2 OR on_hand - reserved < reorder_level OR on_hand - reserved = 0) ORDER BY part_id",
        Uuid::from(branch_id),
        low,
    );
    rows.fetch_all(db).await?.into_iter().filter_map(|row| on_shelf(row).transpose()).collect()
}

/// A change of what is on a shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct StockMove {
    pub what: StockMoveKind,
    /// Below zero when they went.
    pub pieces: i32,
    pub value: Money,
    pub repair_id: Option<RepairId>,
    /// The supplier's paper.
    pub reference: Option<String>,
    pub why: Option<String>,
    pub moved_on: NaiveDate,
    /// Its place among the stock's events.
    pub revision: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum StockMoveKind {
    #[serde(rename = "StockReceived")]
    Received,
    #[serde(rename = "StockUsed")]
    Used,
    #[serde(rename = "StockCounted")]
    Counted,
}

/// What each of these stocks has seen come and go, the latest first, before a move that was seen.
pub async fn moves(
    db: impl PgExecutor<'_>,
    stocks: &[StockId],
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<(StockId, StockMove)>, QueryError> {
    let ids: Vec<Uuid> = stocks.iter().map(|id| (*id).into()).collect();
    let rows = sqlx::query_as!(
        StockMoveRow,
        "SELECT moved.* FROM unnest($1::uuid[]) AS asked (id)
         CROSS JOIN LATERAL (SELECT * FROM read_workshop.stock_move WHERE stock_id = asked.id AND (revision < $2 OR $2 IS NULL)
                             ORDER BY revision DESC LIMIT $3) moved",
        &ids,
        before.map(to_bigint),
        i64::from(limit),
    );
    let moves = rows.fetch_all(db).await?.into_iter().map(|row| {
        let moved = StockMove {
            what: from_name(row.what).map_err(malformed("what"))?,
            pieces: row.pieces,
            value: Money::new(row.value, from_name(row.currency).map_err(malformed("currency"))?),
            repair_id: row.repair_id.map(RepairId::new),
            reference: row.reference,
            why: row.why,
            moved_on: row.moved_on,
            revision: from_bigint(row.revision),
        };
        Ok((StockId::new(row.stock_id), moved))
    });
    moves.collect()
}

/// How many moves each has seen.
pub async fn move_counts(db: impl PgExecutor<'_>, stocks: &[StockId]) -> Result<Vec<(StockId, u64)>, QueryError> {
    let ids: Vec<Uuid> = stocks.iter().map(|id| (*id).into()).collect();
    let found = sqlx::query!(
        r#"SELECT stock_id, count(*) AS "count!" FROM read_workshop.stock_move WHERE stock_id = ANY($1) GROUP BY stock_id"#,
        &ids
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (StockId::new(row.stock_id), from_bigint(row.count))).collect())
}

/// A branch that receives customers.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundBranch {
    pub id: BranchId,
    pub code: Code,
    pub details: BranchDetails,
    pub closed_on: Option<NaiveDate>,
}

/// All branches by their code; those that are closed for good too, if that is asked for.
pub async fn branches(db: impl PgExecutor<'_>, with_closed: bool) -> Result<Vec<FoundBranch>, QueryError> {
    let rows = sqlx::query_as!(
        BranchRow,
        "SELECT * FROM read_workshop.branch WHERE closed_on IS NULL OR $1 ORDER BY code, branch_id",
        with_closed
    );
    rows.fetch_all(db).await?.into_iter().map(FoundBranch::try_from).collect()
}

pub async fn branch(db: impl PgExecutor<'_>, id: BranchId) -> Result<Option<FoundBranch>, QueryError> {
    let row = sqlx::query_as!(BranchRow, "SELECT * FROM read_workshop.branch WHERE branch_id = $1", Uuid::from(id));
    row.fetch_optional(db).await?.map(FoundBranch::try_from).transpose()
}

/// These branches, closed ones too; what is none is left out.
pub async fn branches_by_ids(db: impl PgExecutor<'_>, ids: &[BranchId]) -> Result<Vec<FoundBranch>, QueryError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| (*id).into()).collect();
    let rows = sqlx::query_as!(BranchRow, "SELECT * FROM read_workshop.branch WHERE branch_id = ANY($1) ORDER BY code, branch_id", &ids);
    rows.fetch_all(db).await?.into_iter().map(FoundBranch::try_from).collect()
}

/// Somebody who comes at an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    pub id: AppointmentId,
    pub branch_id: BranchId,
    pub account_id: AccountId,
    pub repair_id: Option<RepairId>,
    pub day: NaiveDate,
    pub at: NaiveTime,
}

/// Who comes to a branch on a day, in the order of their coming.
pub async fn expected(db: impl PgExecutor<'_>, branch_id: BranchId, day: NaiveDate) -> Result<Vec<Expected>, QueryError> {
    let rows = sqlx::query_as!(
        AppointmentRow,
        "SELECT * FROM read_workshop.appointment WHERE branch_id = $1 AND day = $2 AND NOT cancelled ORDER BY minute, position",
        Uuid::from(branch_id),
        day,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Expected::from).collect())
}

/// When the holders of these accounts come, from a day on.
pub async fn appointments_of(db: impl PgExecutor<'_>, accounts: &[AccountId], from: NaiveDate) -> Result<Vec<Expected>, QueryError> {
    let accounts: Vec<Uuid> = accounts.iter().map(|id| (*id).into()).collect();
    let rows = sqlx::query_as!(
        AppointmentRow,
        "SELECT * FROM read_workshop.appointment WHERE account_id = ANY($1) AND day >= $2 AND NOT cancelled ORDER BY day, minute LIMIT 100",
        &accounts,
        from,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Expected::from).collect())
}

/// An appointment, also one that was cancelled.
pub async fn appointment(db: impl PgExecutor<'_>, id: AppointmentId) -> Result<Option<Expected>, QueryError> {
    let row = sqlx::query_as!(AppointmentRow, "SELECT * FROM read_workshop.appointment WHERE appointment_id = $1", Uuid::from(id));
    Ok(row.fetch_optional(db).await?.map(Expected::from))
}

impl TryFrom<PartRow> for FoundPart {
    type Error = QueryError;

    fn try_from(row: PartRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: PartId::new(row.part_id),
            code: from_name(row.code).map_err(malformed("code"))?,
            name: from_name(row.name).map_err(malformed("name"))?,
            currency: from_name(row.currency).map_err(malformed("currency"))?,
            price: row.price,
            priced_on: row.priced_on,
            retired: row.retired,
        })
    }
}

impl TryFrom<BranchRow> for FoundBranch {
    type Error = QueryError;

    fn try_from(row: BranchRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: BranchId::new(row.branch_id),
            code: from_name(row.code).map_err(malformed("code"))?,
            details: serde_json::from_str(&row.details).map_err(malformed("details"))?,
            closed_on: row.closed_on,
        })
    }
}

impl From<AppointmentRow> for Expected {
    fn from(row: AppointmentRow) -> Self {
        let minute = row.minute.unsigned_abs();
        Self {
            id: AppointmentId::new(row.appointment_id),
            branch_id: BranchId::new(row.branch_id),
            account_id: AccountId::new(row.account_id),
            repair_id: row.repair_id.map(RepairId::new),
            day: row.day,
            at: NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap_or_default(),
        }
    }
}

/// Nothing, of a stock of which nothing ever came.
fn on_shelf(row: StockRow) -> Result<Option<OnShelf>, QueryError> {
    let (Some(branch_id), Some(part_id), Some(currency)) = (row.branch_id, row.part_id, row.currency) else { return Ok(None) };
    Ok(Some(OnShelf {
        id: StockId::new(row.stock_id),
        branch_id: BranchId::new(branch_id),
        part_id: PartId::new(part_id),
        on_hand: row.on_hand.unsigned_abs(),
        reserved: row.reserved.unsigned_abs(),
        value: Money::new(row.value, from_name(currency).map_err(malformed("currency"))?),
        reorder_level: row.reorder_level.unsigned_abs(),
    }))
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Workshop::NAME, column, source }
}
