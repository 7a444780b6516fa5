//! Meters: registered, put up, looked after, taken down.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_domain::{
    CommandHash, Decider,
    ids::{MeterId, MeterTestId, ReadingId},
    meter::{
        ApplySeal, BreakSeal, Breaker, Command, Device, DisconnectMeter, EstimateReading, ExchangeMeter, InstallMeter, Meter, MeterTest,
        Reading, ReadingKind, ReconnectMeter, RecordTest, Register, RegisterMeter, RemoveMeter, ReplaceBreaker, ReplaceSeal, ReserveMeter,
        ScrapMeter, Seal, SendToBench, Takedown, UnreserveMeter,
    },
};

use super::{
    By::{self, Staff},
    Record,
    agreements::{self, PlaceInput},
    mutations,
};
use crate::{
    app::{Wish, Written, rules},
    caller::Role,
    graphql::{
        enums::{Direction, MeterKind, RegisterUnit},
        scalars::{Date, DateTime, Decimal},
    },
    input,
    problem::Problem,
};

/// No breaker lets as much through.
const MANY: u32 = 100_000;

const STOCK: By = Staff(&[Role::Billing, Role::Technician]);
const FIELD: By = Staff(&[Role::Technician]);
const OFFICE: By = Staff(&[Role::Billing]);

mutations! {
    MeterMutation

    /// Registers a meter: it enters the stock. No two meters of a maker have one serial.
    register_meter(RegisterMeterInput) -> MeterPayload, by STOCK;
    /// Keeps a meter in stock for an application or an order.
    reserve_meter(ReserveMeterInput) -> MeterPayload, by STOCK;
    /// Gives a reserved meter back to the stock.
    unreserve_meter(UnreserveMeterInput) -> MeterPayload, by STOCK;
    /// Puts a meter up where nothing measures the service yet. Whom the service's agreement bills on that day is billed by it. Where a new connection is awaited, its fee must be paid.
    install_meter(InstallMeterInput) -> MeterPayload, by FIELD;
    /// Puts a meter up in the place of another, on one day.
    exchange_meter(ExchangeMeterInput) -> MeterPayload, by FIELD;
    /// Takes a meter down.
    remove_meter(RemoveMeterInput) -> MeterPayload, by FIELD;
    /// Switches the supply off at the meter.
    disconnect_meter(DisconnectMeterInput) -> MeterPayload, by FIELD;
    /// Switches the supply on again.
    reconnect_meter(ReconnectMeterInput) -> MeterPayload, by FIELD;
    /// Sends a meter to the test bench.
    send_meter_to_bench(SendMeterToBenchInput) -> MeterPayload, by STOCK;
    /// Records how a meter did on the test bench: if it passed, it is in stock again.
    record_meter_test(RecordMeterTestInput) -> MeterTestPayload, by STOCK;
    /// Takes a meter out of use for ever.
    scrap_meter(ScrapMeterInput) -> MeterPayload, by OFFICE;
    /// Puts another breaker in.
    replace_breaker(ReplaceBreakerInput) -> MeterPayload, by FIELD;
    /// Puts a seal on.
    apply_seal(ApplySealInput) -> MeterPayload, by FIELD;
    /// Breaks a seal.
    break_seal(BreakSealInput) -> MeterPayload, by FIELD;
    /// Puts a seal on in the place of another.
    replace_seal(ReplaceSealInput) -> MeterPayload, by FIELD;
}

/// A count that only goes up, until it is full and starts again from zero.
#[derive(Debug, InputObject)]
struct RegisterInput {
    /// What it is called on the dial, such as `1.8.0`.
    code: String,
    /// Digits before the decimal point, from 1 to 12.
    digits: i32,
    /// Digits after it, up to 6.
    decimals: i32,
    /// What one unit on the dial stands for: the ratios of the transformers before it.
    multiplier: Decimal,
    /// Which way it counts.
    direction: Direction,
    /// What it counts.
    unit: RegisterUnit,
}

/// A meter that enters the stock.
#[derive(Debug, InputObject)]
struct RegisterMeterInput {
    /// The code of who made it.
    maker: String,
    /// The number that the maker gave it.
    serial: String,
    /// What kind of device it is.
    kind: MeterKind,
    /// What it counts: one or more.
    registers: Vec<RegisterInput>,
    /// The last day on which its verification is valid, if it ends.
    certified_until: Option<Date>,
    /// The day on which it entered the stock.
    registered_on: Date,
}

/// A meter that is to be kept.
#[derive(Debug, InputObject)]
struct ReserveMeterInput {
    /// Which meter.
    meter_id: ID,
    /// The id of the application or order that is to get it.
    reserved_for: ID,
}

/// A meter that is to be kept no longer.
#[derive(Debug, InputObject)]
struct UnreserveMeterInput {
    /// Which meter.
    meter_id: ID,
    /// The id of the application or order that was to get it.
    reserved_for: ID,
}

/// A breaker at the customer.
#[derive(Debug, InputObject)]
struct BreakerInput {
    /// The number on it.
    number: String,
    /// What it lets through, in amperes.
    amps: i32,
}

/// A seal. Its number is used once.
#[derive(Debug, InputObject)]
struct SealInput {
    /// The number on it.
    number: String,
    /// What it closes, such as `cover`.
    place: String,
}

/// What a register showed.
#[derive(Debug, InputObject)]
struct DialInput {
    /// The register's code.
    register: String,
    /// The figure.
    value: Decimal,
    /// When it was read.
    taken_at: DateTime,
}

/// A register that cannot be read, because the dial is burnt, stolen or blank: what it shows is reckoned.
#[derive(Debug, InputObject)]
struct UnreadableDialInput {
    /// The register's code.
    register: String,
    /// When it would have been read.
    taken_at: DateTime,
}

/// A meter that goes up.
#[derive(Debug, InputObject)]
struct InstallMeterInput {
    /// Which meter.
    meter_id: ID,
    /// What it is to measure, and where.
    place: PlaceInput,
    /// The day.
    on: Date,
    /// The breaker beside it.
    breaker: BreakerInput,
    /// The seals that were put on it: one or more.
    seals: Vec<SealInput>,
    /// What it shows: one for each register.
    readings: Vec<DialInput>,
    /// The id of the application or order that it is reserved for, if it is.
    reserved_for: Option<ID>,
}

/// A meter that goes up in the place of another.
#[derive(Debug, InputObject)]
struct ExchangeMeterInput {
    /// The meter that goes up.
    meter_id: ID,
    /// The meter that comes down.
    old_meter_id: ID,
    /// The day.
    on: Date,
    /// The breaker beside it.
    breaker: BreakerInput,
    /// The seals that were put on the new meter: one or more.
    seals: Vec<SealInput>,
    /// What the new meter shows: one for each register.
    readings: Vec<DialInput>,
    /// What the old meter shows: one for each register that can be read.
    final_readings: Vec<DialInput>,
    /// The old meter's registers that cannot be read.
    unreadable: Vec<UnreadableDialInput>,
    /// The id of the application or order that the new meter is reserved for, if it is.
    reserved_for: Option<ID>,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A meter that comes down.
#[derive(Debug, InputObject)]
struct RemoveMeterInput {
    /// Which meter.
    meter_id: ID,
    /// The day.
    on: Date,
    /// What it shows: one for each register that can be read.
    final_readings: Vec<DialInput>,
    /// Its registers that cannot be read.
    unreadable: Vec<UnreadableDialInput>,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A supply that is switched off.
#[derive(Debug, InputObject)]
struct DisconnectMeterInput {
    /// Which meter.
    meter_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A supply that is switched on again.
#[derive(Debug, InputObject)]
struct ReconnectMeterInput {
    /// Which meter.
    meter_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A meter that is to be tested.
#[derive(Debug, InputObject)]
struct SendMeterToBenchInput {
    /// Which meter.
    meter_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// How a meter did on the test bench.
#[derive(Debug, InputObject)]
struct RecordMeterTestInput {
    /// Which meter.
    meter_id: ID,
    /// The day of the test.
    on: Date,
    /// Whether it measures as it should.
    passed: bool,
    /// By how much it was wrong, in per cent; below zero if it showed too little.
    error_percent: Decimal,
    /// The last day on which the new verification is valid, if there is one.
    certified_until: Option<Date>,
}

/// A meter that is of no more use.
#[derive(Debug, InputObject)]
struct ScrapMeterInput {
    /// Which meter.
    meter_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// Another breaker.
#[derive(Debug, InputObject)]
struct ReplaceBreakerInput {
    /// Which meter it is beside.
    meter_id: ID,
    /// The number of the one that was there.
    old_number: String,
    /// The one that is there now.
    breaker: BreakerInput,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A seal that is put on.
#[derive(Debug, InputObject)]
struct ApplySealInput {
    /// Which meter.
    meter_id: ID,
    /// The seal.
    seal: SealInput,
    /// The day.
    on: Date,
}

/// A seal that is broken.
#[derive(Debug, InputObject)]
struct BreakSealInput {
    /// Which meter.
    meter_id: ID,
    /// The number on the seal.
    number: String,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A seal in the place of another.
#[derive(Debug, InputObject)]
struct ReplaceSealInput {
    /// Which meter.
    meter_id: ID,
    /// The number of the one that was there.
    old_number: String,
    /// The one that is there now.
    seal: SealInput,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The meter as it was asked for.
#[derive(Debug, SimpleObject)]
struct MeterPayload {
    /// The meter's id, for ever.
    meter_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The test as it was recorded.
#[derive(Debug, SimpleObject)]
struct MeterTestPayload {
    /// The test's id, for ever.
    test_id: ID,
    #[graphql(flatten)]
    meter: MeterPayload,
}

async fn register_meter(wish: &Wish<'_>, input: RegisterMeterInput) -> Result<MeterPayload, Problem> {
    let meter_id = wish.created(Meter::CATEGORY, MeterId::new);
    let device = Device {
        meter_id,
        maker: input::code("maker", &input.maker)?,
        serial: input::code("serial", &input.serial)?,
        kind: input.kind.into(),
        registers: input::each("registers", input.registers, RegisterInput::parse)?,
        certified_until: input.certified_until.map(|date| date.day("certifiedUntil")).transpose()?,
    };
    let registered_on = input.registered_on.day("registeredOn")?;
    Ok(payload(meter_id, wish.register_meter(RegisterMeter { device, registered_on }).await?))
}

async fn reserve_meter(wish: &Wish<'_>, input: ReserveMeterInput) -> Result<MeterPayload, Problem> {
    let reserved_for = input::id("reservedFor", &input.reserved_for, |id| id)?;
    ask(wish, &input.meter_id, Command::ReserveMeter(ReserveMeter { reserved_for })).await
}

async fn unreserve_meter(wish: &Wish<'_>, input: UnreserveMeterInput) -> Result<MeterPayload, Problem> {
    let reserved_for = input::id("reservedFor", &input.reserved_for, |id| id)?;
    ask(wish, &input.meter_id, Command::UnreserveMeter(UnreserveMeter { reserved_for })).await
}

async fn install_meter(wish: &Wish<'_>, input: InstallMeterInput) -> Result<MeterPayload, Problem> {
    let (meter_id, on) = (meter_id(&input.meter_id)?, input.on.day("on")?);
    let (breaker, seals) = (input.breaker.parse()?, input::each("seals", input.seals, SealInput::parse)?);
    let initial_reads = dials(wish, meter_id, "readings", input.readings, ReadingKind::Initial, on)?;
    let reserved_for = input.reserved_for.map(|id| input::id("reservedFor", &id, |id| id)).transpose()?;
    let place = agreements::place(wish, &input.place).await?;
    let said = CommandHash::of(&(place.id, on, &breaker, &seals, &initial_reads, reserved_for));
    let account_id = wish.fitted_for(&place.point, on).await?;
    let (premises_id, service, context) = (place.premises_id, place.service, rules::readings(wish));
    let install =
        InstallMeter { premises_id, account_id, service, on, breaker, seals, initial_reads, reserved_for, replaces: None, context };
    Ok(payload(meter_id, wish.install_meter(meter_id, install, said).await?))
}

async fn exchange_meter(wish: &Wish<'_>, input: ExchangeMeterInput) -> Result<MeterPayload, Problem> {
    let (new, on) = (meter_id(&input.meter_id)?, input.on.day("on")?);
    let old = input::id("oldMeterId", &input.old_meter_id, MeterId::new)?;
    let (breaker, seals) = (input.breaker.parse()?, input::each("seals", input.seals, SealInput::parse)?);
    let initial_reads = dials(wish, new, "readings", input.readings, ReadingKind::Initial, on)?;
    let reserved_for = input.reserved_for.map(|id| input::id("reservedFor", &id, |id| id)).transpose()?;
    let takedown = takedown(wish, old, (on, input.final_readings, input.unreadable, &input.reason))?;
    let said = CommandHash::of(&(new, on, &breaker, &seals, &initial_reads, reserved_for, said(&takedown)));
    let exchange = ExchangeMeter { successor: new, takedown };
    let place = wish.place_of(old, new).await?;
    let install = InstallMeter {
        premises_id: place.premises_id,
        account_id: place.account_id,
        service: place.service,
        on,
        breaker,
        seals,
        initial_reads,
        reserved_for,
        replaces: Some(old),
        context: rules::readings(wish),
    };
    Ok(payload(new, wish.exchange_meter(old, exchange, install, said).await?))
}

async fn remove_meter(wish: &Wish<'_>, input: RemoveMeterInput) -> Result<MeterPayload, Problem> {
    let (meter_id, on) = (meter_id(&input.meter_id)?, input.on.day("on")?);
    let takedown = takedown(wish, meter_id, (on, input.final_readings, input.unreadable, &input.reason))?;
    let said = CommandHash::of(&said(&takedown));
    Ok(payload(meter_id, wish.remove_meter(meter_id, RemoveMeter { takedown }, said).await?))
}

async fn disconnect_meter(wish: &Wish<'_>, input: DisconnectMeterInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.meter_id, Command::DisconnectMeter(DisconnectMeter { on, reason })).await
}

async fn reconnect_meter(wish: &Wish<'_>, input: ReconnectMeterInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.meter_id, Command::ReconnectMeter(ReconnectMeter { on, reason })).await
}

async fn send_meter_to_bench(wish: &Wish<'_>, input: SendMeterToBenchInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.meter_id, Command::SendToBench(SendToBench { on, reason })).await
}

async fn record_meter_test(wish: &Wish<'_>, input: RecordMeterTestInput) -> Result<MeterTestPayload, Problem> {
    let test_id = wish.created_in(meter_id(&input.meter_id)?, "test", MeterTestId::new);
    let test = MeterTest {
        test_id,
        on: input.on.day("on")?,
        passed: input.passed,
        error_percent: input.error_percent.number("errorPercent")?,
        certified_until: input.certified_until.map(|date| date.day("certifiedUntil")).transpose()?,
    };
    let meter = ask(wish, &input.meter_id, Command::RecordTest(RecordTest { test })).await?;
    Ok(MeterTestPayload { test_id: test_id.to_string().into(), meter })
}

async fn scrap_meter(wish: &Wish<'_>, input: ScrapMeterInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.meter_id, Command::ScrapMeter(ScrapMeter { on, reason })).await
}

async fn replace_breaker(wish: &Wish<'_>, input: ReplaceBreakerInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    let (old_number, new) = (input::code("oldNumber", &input.old_number)?, input.breaker.parse()?);
    ask(wish, &input.meter_id, Command::ReplaceBreaker(ReplaceBreaker { old_number, new, on, reason })).await
}

async fn apply_seal(wish: &Wish<'_>, input: ApplySealInput) -> Result<MeterPayload, Problem> {
    let (seal, on) = (input.seal.parse().map_err(|problem| problem.within("seal"))?, input.on.day("on")?);
    ask(wish, &input.meter_id, Command::ApplySeal(ApplySeal { seal, on })).await
}

async fn break_seal(wish: &Wish<'_>, input: BreakSealInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    let number = input::code("number", &input.number)?;
    ask(wish, &input.meter_id, Command::BreakSeal(BreakSeal { number, on, reason })).await
}

async fn replace_seal(wish: &Wish<'_>, input: ReplaceSealInput) -> Result<MeterPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    let old_number = input::code("oldNumber", &input.old_number)?;
    let new = input.seal.parse().map_err(|problem| problem.within("seal"))?;
    ask(wish, &input.meter_id, Command::ReplaceSeal(ReplaceSeal { old_number, new, on, reason })).await
}

impl RegisterInput {
    fn parse(self) -> Result<Register, Problem> {
        Ok(Register {
            code: input::code("code", &self.code)?,
            digits: input::count("digits", self.digits, 1, 12)?,
            decimals: input::count("decimals", self.decimals, 0, 6)?,
            multiplier: self.multiplier.number("multiplier")?,
            direction: self.direction.into(),
            unit: self.unit.into(),
        })
    }
}

impl BreakerInput {
    fn parse(self) -> Result<Breaker, Problem> {
        let parse = || Ok(Breaker { number: input::code("number", &self.number)?, amps: input::count("amps", self.amps, 1, MANY)? });
        parse().map_err(|problem: Problem| problem.within("breaker"))
    }
}

impl SealInput {
    fn parse(self) -> Result<Seal, Problem> {
        Ok(Seal { number: input::code("number", &self.number)?, place: input::code("place", &self.place)? })
    }
}

/// The readings of a day on which a meter goes up or comes down.
fn dials(
    wish: &Wish<'_>,
    meter_id: MeterId,
    field: &'static str,
    dials: Vec<DialInput>,
    kind: ReadingKind,
    on: chrono::NaiveDate,
) -> Result<Vec<Reading>, Problem> {
    input::each(field, dials, |dial| {
        let register = input::code("register", &dial.register)?;
        let reading_id = wish.created_in(meter_id, &format!("{field} {register}"), ReadingId::new);
        Ok(Reading { reading_id, register, kind, value: dial.value.number("value")?, taken_on: on, taken_at: dial.taken_at.0 })
    })
}

type Down<'a> = (chrono::NaiveDate, Vec<DialInput>, Vec<UnreadableDialInput>, &'a str);

fn takedown(wish: &Wish<'_>, meter_id: MeterId, (on, read, unreadable, reason): Down<'_>) -> Result<Takedown, Problem> {
    let final_reads = dials(wish, meter_id, "finalReadings", read, ReadingKind::Final, on)?;
    let estimates = input::each("unreadable", unreadable, |dial| {
        let register = input::code("register", &dial.register)?;
        let reading_id = wish.created_in(meter_id, &format!("unreadable {register}"), ReadingId::new);
        Ok(EstimateReading { reading_id, register, taken_on: on, taken_at: dial.taken_at.0, rules: rules::estimation() })
    })?;
    let reason = input::reason("reason", reason)?;
    Ok(Takedown { on, reason, final_reads, estimates, context: rules::readings(wish) })
}

/// Of a takedown, what somebody said.
fn said(takedown: &Takedown) -> impl serde::Serialize {
    let Takedown { on, reason, final_reads, estimates, context: _ } = takedown;
    let estimates: Vec<_> = estimates.iter().map(|estimate| (estimate.reading_id, estimate.taken_at)).collect();
    (*on, reason.clone(), final_reads.clone(), estimates)
}

fn meter_id(id: &ID) -> Result<MeterId, Problem> {
    input::id("meterId", id, MeterId::new)
}

async fn ask(wish: &Wish<'_>, id: &ID, command: Command) -> Result<MeterPayload, Problem> {
    let meter_id = meter_id(id)?;
    Ok(payload(meter_id, wish.ask::<Meter>(meter_id, command).await?))
}

fn payload(meter_id: MeterId, written: Written) -> MeterPayload {
    MeterPayload { meter_id: meter_id.to_string().into(), record: written.into() }
}
