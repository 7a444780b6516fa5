//! The workshop: parts and their prices, what is on the shelves, branches, and who comes when.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_domain::{
    CommandHash, Decider,
    appointment::{self, AppointmentDay, BookAppointment, CancelAppointment},
    branch::{self, AmendBranch, Branch, BranchDetails, CloseBranch, Location, OpenBranch, OpeningHours},
    ids::{AccountId, AppointmentId, BranchId, PartId, RepairId, StockMoveId, appointment_day_id, stock_id},
    part::{self, ChangePartPrice, Part, RegisterPart, ReinstatePart, RetirePart},
    stock::{self, CountStock, ReceiveStock, SetReorderLevel, Stock},
};
use daftar_projections::workshop;

use super::{
    By::{self, Staff, StaffAndCustomers},
    MoneyInput, Record, mutations,
};
use crate::{
    app::Wish,
    caller::Role,
    graphql::{
        enums::Weekday,
        scalars::{Date, Decimal},
    },
    input,
    problem::{Flaw, Problem},
};

/// No shelf holds more pieces.
const MANY: u32 = 1_000_000;

/// Whoever says what things cost.
const PRICES: By = Staff(&[Role::Billing]);
/// Whoever fills the shelves.
const STORE: By = Staff(&[Role::Technician, Role::Finance]);
/// What is counted goes into the books.
const COUNTS: By = Staff(&[Role::Finance]);
/// Where the company is, its head says.
const HEAD: By = Staff(&[]);
/// Customers, and whoever writes down for them when they come.
const CUSTOMERS: By = StaffAndCustomers(&[Role::Technician, Role::Cashier, Role::Billing]);

mutations! {
    WorkshopMutation

    /// Registers a kind of spare part, with its price.
    register_part(RegisterPartInput) -> PartPayload, by PRICES;
    /// Gives a part another price, from a day on. Estimates that nobody has approved follow it.
    change_part_price(ChangePartPriceInput) -> PartPayload, by PRICES;
    /// Says that a part is no longer sold. What repairs have already asked for is still theirs.
    retire_part(PartOnInput) -> PartPayload, by PRICES;
    /// Sells a part again.
    reinstate_part(PartOnInput) -> PartPayload, by PRICES;
    /// Puts what came from a supplier on a branch's shelf. Whoever has waited longest for it is first.
    receive_stock(ReceiveStockInput) -> StockPayload, by STORE;
    /// Says that somebody has counted, and it is not what the books say.
    count_stock(CountStockInput) -> StockPayload, by COUNTS;
    /// Says with how few free it is time to order more.
    set_reorder_level(SetReorderLevelInput) -> StockPayload, by STORE;
    /// Opens a branch.
    open_branch(OpenBranchInput) -> BranchPayload, by HEAD;
    /// Says that a branch is somewhere else, open at other hours, or called otherwise.
    amend_branch(AmendBranchInput) -> BranchPayload, by HEAD;
    /// Closes a branch for good.
    close_branch(CloseBranchInput) -> BranchPayload, by HEAD;
    /// Books a time at a branch. Of two who want the last place one gets it, and the other is told.
    book_appointment(BookAppointmentInput) -> AppointmentPayload, by CUSTOMERS;
    /// Says that somebody does not come after all.
    cancel_appointment(CancelAppointmentInput) -> AppointmentPayload, by CUSTOMERS;
}

/// A part that is to be sold.
#[derive(Debug, InputObject)]
struct RegisterPartInput {
    /// The maker's number, or the company's own, without blanks.
    code: String,
    /// What people call it.
    name: String,
    /// The ISO 4217 code of the currency that it is sold in.
    currency: String,
    /// What one costs, without tax.
    price: Decimal,
    /// From which day on.
    on: Date,
}

/// Another price.
#[derive(Debug, InputObject)]
struct ChangePartPriceInput {
    /// Of which part.
    part_id: ID,
    /// What one costs, without tax.
    price: Decimal,
    /// From which day on.
    on: Date,
}

/// A part, and a day.
#[derive(Debug, InputObject)]
struct PartOnInput {
    /// Which part.
    part_id: ID,
    /// The day.
    on: Date,
}

/// What came from a supplier.
#[derive(Debug, InputObject)]
struct ReceiveStockInput {
    /// To which branch.
    branch_id: ID,
    /// Which part.
    part_id: ID,
    /// How many pieces.
    quantity: i32,
    /// What all of them cost.
    cost: MoneyInput,
    /// The number of the supplier's paper, without blanks.
    reference: String,
    /// The day.
    on: Date,
}

/// What somebody has counted.
#[derive(Debug, InputObject)]
struct CountStockInput {
    /// At which branch.
    branch_id: ID,
    /// Which part.
    part_id: ID,
    /// How many are there.
    counted: i32,
    /// The day.
    on: Date,
    /// Why it is not what the books say, in a phrase without personal data.
    reason: String,
}

/// When to order more.
#[derive(Debug, InputObject)]
struct SetReorderLevelInput {
    /// At which branch.
    branch_id: ID,
    /// Which part.
    part_id: ID,
    /// With fewer than so many free it is time.
    level: i32,
}

/// What people who want to come need to know.
#[derive(Debug, InputObject)]
struct BranchDetailsInput {
    /// Its name in Arabic.
    name: String,
    /// Its name in English.
    name_in_english: String,
    /// Where it is, in a line.
    address: String,
    /// Degrees north.
    latitude: Decimal,
    /// Degrees east.
    longitude: Decimal,
    /// When it is open.
    hours: Vec<HoursInput>,
    /// How long an appointment is.
    slot_minutes: i32,
    /// How many appointments there can be at a time.
    places: i32,
}

/// From when to when it is open on a day of the week. A day may have none, one, or two with a rest between them.
#[derive(Debug, InputObject)]
struct HoursInput {
    /// The day.
    weekday: Weekday,
    /// From when, as `08:00`.
    from: String,
    /// Up to when, as `12:00`.
    to: String,
}

/// A branch that is to be opened.
#[derive(Debug, InputObject)]
struct OpenBranchInput {
    /// Its code, without blanks.
    code: String,
    /// What people need to know of it.
    details: BranchDetailsInput,
    /// The day.
    on: Date,
}

/// A branch that is otherwise.
#[derive(Debug, InputObject)]
struct AmendBranchInput {
    /// Which branch.
    branch_id: ID,
    /// What people need to know of it now.
    details: BranchDetailsInput,
    /// The day.
    on: Date,
}

/// A branch that is closed.
#[derive(Debug, InputObject)]
struct CloseBranchInput {
    /// Which branch.
    branch_id: ID,
    /// The day.
    on: Date,
}

/// Somebody who wants to come.
#[derive(Debug, InputObject)]
struct BookAppointmentInput {
    /// For which account.
    account_id: ID,
    /// To which branch.
    branch_id: ID,
    /// Because of which repair of the account's, if because of one.
    repair_id: Option<ID>,
    /// On which day.
    day: Date,
    /// When, as `09:30`.
    at: String,
}

/// Somebody who does not come.
#[derive(Debug, InputObject)]
struct CancelAppointmentInput {
    /// Which appointment.
    appointment_id: ID,
}

/// The part as it was asked for.
#[derive(Debug, SimpleObject)]
struct PartPayload {
    /// The part's id, for ever.
    part_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The stock as it was asked for.
#[derive(Debug, SimpleObject)]
struct StockPayload {
    /// The stock's id, for ever.
    stock_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The branch as it was asked for.
#[derive(Debug, SimpleObject)]
struct BranchPayload {
    /// The branch's id, for ever.
    branch_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The appointment as it was asked for.
#[derive(Debug, SimpleObject)]
struct AppointmentPayload {
    /// The appointment's id, for ever.
    appointment_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn register_part(wish: &Wish<'_>, input: RegisterPartInput) -> Result<PartPayload, Problem> {
    let part_id = wish.created(Part::CATEGORY, PartId::new);
    let register = RegisterPart {
        part_id,
        code: input::code("code", &input.code)?,
        name: input::description("name", &input.name)?,
        currency: input::currency(&input.currency)?,
        price: input::figure("price", input.price.number("price")?)?,
        registered_on: input.on.day("on")?,
    };
    of_part(wish, part_id, part::Command::RegisterPart(register)).await
}

async fn change_part_price(wish: &Wish<'_>, input: ChangePartPriceInput) -> Result<PartPayload, Problem> {
    let part_id = input::id("partId", &input.part_id, PartId::new)?;
    let (price, on) = (input::figure("price", input.price.number("price")?)?, input.on.day("on")?);
    of_part(wish, part_id, part::Command::ChangePartPrice(ChangePartPrice { price, on })).await
}

async fn retire_part(wish: &Wish<'_>, input: PartOnInput) -> Result<PartPayload, Problem> {
    let (part_id, on) = input.parse()?;
    of_part(wish, part_id, part::Command::RetirePart(RetirePart { on })).await
}

async fn reinstate_part(wish: &Wish<'_>, input: PartOnInput) -> Result<PartPayload, Problem> {
    let (part_id, on) = input.parse()?;
    of_part(wish, part_id, part::Command::ReinstatePart(ReinstatePart { on })).await
}

async fn receive_stock(wish: &Wish<'_>, input: ReceiveStockInput) -> Result<StockPayload, Problem> {
    let (branch_id, part_id) = shelf(&input.branch_id, &input.part_id)?;
    let quantity = input::pieces("quantity", input.quantity, MANY)?.get();
    let cost = input.cost.parse().map_err(|problem| problem.within("cost"))?;
    let (reference, on) = (input::code("reference", &input.reference)?, input.on.day("on")?);
    let move_id = wish.created_in(stock_id(branch_id, part_id), "move", StockMoveId::new);
    let receive = ReceiveStock { move_id, branch_id, part_id, quantity, cost, reference, on };
    of_stock(wish, branch_id, part_id, stock::Command::ReceiveStock(receive)).await
}

async fn count_stock(wish: &Wish<'_>, input: CountStockInput) -> Result<StockPayload, Problem> {
    let (branch_id, part_id) = shelf(&input.branch_id, &input.part_id)?;
    let counted = input::count("counted", input.counted, 0, MANY)?;
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    let move_id = wish.created_in(stock_id(branch_id, part_id), "move", StockMoveId::new);
    let count = CountStock { move_id, counted, counted_by: wish.actor(), reason, on };
    of_stock(wish, branch_id, part_id, stock::Command::CountStock(count)).await
}

async fn set_reorder_level(wish: &Wish<'_>, input: SetReorderLevelInput) -> Result<StockPayload, Problem> {
    let (branch_id, part_id) = shelf(&input.branch_id, &input.part_id)?;
    let level = input::count("level", input.level, 0, MANY)?;
    of_stock(wish, branch_id, part_id, stock::Command::SetReorderLevel(SetReorderLevel { level })).await
}

async fn open_branch(wish: &Wish<'_>, input: OpenBranchInput) -> Result<BranchPayload, Problem> {
    let branch_id = wish.created(Branch::CATEGORY, BranchId::new);
    let (code, details, on) = (input::code("code", &input.code)?, input.details.parse()?, input.on.day("on")?);
    of_branch(wish, branch_id, branch::Command::OpenBranch(OpenBranch { branch_id, code, details, on })).await
}

async fn amend_branch(wish: &Wish<'_>, input: AmendBranchInput) -> Result<BranchPayload, Problem> {
    let branch_id = input::id("branchId", &input.branch_id, BranchId::new)?;
    let (details, on) = (input.details.parse()?, input.on.day("on")?);
    of_branch(wish, branch_id, branch::Command::AmendBranch(AmendBranch { details, on })).await
}

async fn close_branch(wish: &Wish<'_>, input: CloseBranchInput) -> Result<BranchPayload, Problem> {
    let branch_id = input::id("branchId", &input.branch_id, BranchId::new)?;
    let on = input.on.day("on")?;
    of_branch(wish, branch_id, branch::Command::CloseBranch(CloseBranch { on })).await
}

/// The branch as it is goes along, so a repeat is known by what was said.
async fn book_appointment(wish: &Wish<'_>, input: BookAppointmentInput) -> Result<AppointmentPayload, Problem> {
    let branch_id = input::id("branchId", &input.branch_id, BranchId::new)?;
    let (day, at) = (input.day.day("day")?, input::time("at", &input.at)?);
    let account_id = wish.account(&input.account_id).await?.id();
    let repair_id = match input.repair_id {
        Some(id) => Some(own_repair(wish, &id, account_id).await?),
        None => None,
    };
    let branch = wish.receiving_branch(branch_id).await?;
    let day_id = appointment_day_id(branch_id, day);
    let appointment_id = wish.created_in(day_id, "appointment", AppointmentId::new);
    let said = CommandHash::of(&(account_id, repair_id, day, at));
    let today = wish.app.today();
    let book = BookAppointment { appointment_id, branch_id, branch, account_id, repair_id, day, at, today };
    let written = wish.ask_as::<AppointmentDay>(day_id, appointment::Command::BookAppointment(book), said).await?;
    Ok(AppointmentPayload { appointment_id: appointment_id.to_string().into(), record: written.into() })
}

/// A repair of the account that comes.
async fn own_repair(wish: &Wish<'_>, id: &str, account_id: AccountId) -> Result<RepairId, Problem> {
    let repair = wish.repair(id).await?;
    if repair.account.id() == account_id { Ok(repair.id) } else { Err(Problem::invalid("repairId", Flaw::Unknown)) }
}

async fn cancel_appointment(wish: &Wish<'_>, input: CancelAppointmentInput) -> Result<AppointmentPayload, Problem> {
    let appointment_id = input::id("appointmentId", &input.appointment_id, AppointmentId::new)?;
    let found = workshop::appointment(&wish.app.read_models, appointment_id).await?.ok_or(Problem::NotFound)?;
    wish.caller.account(found.account_id)?;
    let cancel = appointment::Command::CancelAppointment(CancelAppointment { appointment_id });
    let written = wish.ask::<AppointmentDay>(appointment_day_id(found.branch_id, found.day), cancel).await?;
    Ok(AppointmentPayload { appointment_id: appointment_id.to_string().into(), record: written.into() })
}

impl PartOnInput {
    fn parse(self) -> Result<(PartId, chrono::NaiveDate), Problem> {
        Ok((input::id("partId", &self.part_id, PartId::new)?, self.on.day("on")?))
    }
}

impl BranchDetailsInput {
    fn parse(self) -> Result<BranchDetails, Problem> {
        let few = |field, number: i32| input::count(field, number, 1, 1_440).map(|number| u16::try_from(number).unwrap_or(u16::MAX));
        let parse = || {
            Ok(BranchDetails {
                name: input::description("name", &self.name)?,
                name_in_english: input::description("nameInEnglish", &self.name_in_english)?,
                address: input::description("address", &self.address)?,
                location: Location { latitude: self.latitude.number("latitude")?, longitude: self.longitude.number("longitude")? },
                hours: input::each("hours", self.hours, HoursInput::parse)?,
                slot_minutes: few("slotMinutes", self.slot_minutes)?,
                places: few("places", self.places)?,
            })
        };
        parse().map_err(|problem: Problem| problem.within("details"))
    }
}

impl HoursInput {
    fn parse(self) -> Result<OpeningHours, Problem> {
        Ok(OpeningHours { weekday: self.weekday.into(), from: input::time("from", &self.from)?, to: input::time("to", &self.to)? })
    }
}

fn shelf(branch_id: &str, part_id: &str) -> Result<(BranchId, PartId), Problem> {
    Ok((input::id("branchId", branch_id, BranchId::new)?, input::id("partId", part_id, PartId::new)?))
}

async fn of_part(wish: &Wish<'_>, part_id: PartId, command: part::Command) -> Result<PartPayload, Problem> {
    let written = wish.ask::<Part>(part_id, command).await?;
    Ok(PartPayload { part_id: part_id.to_string().into(), record: written.into() })
}

/// Of a part and a branch that there are: a stock of nothing nowhere would be one, too.
async fn of_stock(wish: &Wish<'_>, branch_id: BranchId, part_id: PartId, command: stock::Command) -> Result<StockPayload, Problem> {
    wish.check_branch_is_there(branch_id).await?;
    wish.check_part_is_there(part_id).await?;
    let id = stock_id(branch_id, part_id);
    let written = wish.ask::<Stock>(id, command).await?;
    Ok(StockPayload { stock_id: id.to_string().into(), record: written.into() })
}

async fn of_branch(wish: &Wish<'_>, branch_id: BranchId, command: branch::Command) -> Result<BranchPayload, Problem> {
    let written = wish.ask::<Branch>(branch_id, command).await?;
    Ok(BranchPayload { branch_id: branch_id.to_string().into(), record: written.into() })
}
