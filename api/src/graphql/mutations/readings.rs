//! Readings of meters. Customers report their own meter's.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use daftar_domain::{
    CommandHash,
    ids::{MeterId, ReadingId},
    meter::{Command, EstimateReading, Meter, Reading, ReadingKind, ReleaseReading, Resolution, ReverseReading, RolloverRule},
};

use super::{
    By::{self, Staff, StaffAndCustomers},
    Record, mutations,
};
use crate::{
    app::{Wish, rules},
    caller::{Caller, Role},
    graphql::{
        enums,
        scalars::{Date, DateTime, Decimal},
    },
    input,
    problem::{Flaw, Problem},
};

const OFFICE: By = Staff(&[Role::Billing]);

mutations! {
    ReadingMutation

    /// Records what a meter's register showed. It counts at once, or is held until somebody has looked at it.
    record_reading(RecordReadingInput) -> ReadingPayload, by Staff(&[Role::Technician, Role::Billing]);
    /// Records what the customer says that their meter shows.
    report_reading(ReportReadingInput) -> ReadingPayload, by StaffAndCustomers(&[Role::Billing, Role::Cashier]);
    /// Reckons what a register shows that nobody has read.
    estimate_reading(EstimateReadingInput) -> ReadingPayload, by OFFICE;
    /// Lets a held reading count, in the name of whoever looked at it.
    release_reading(ReleaseReadingInput) -> ReadingPayload, by OFFICE;
    /// Takes a reading back that no bill stands on.
    reverse_reading(ReverseReadingInput) -> ReadingPayload, by OFFICE;
}

/// What a register showed.
#[derive(Debug, InputObject)]
struct RecordReadingInput {
    /// Which meter.
    meter_id: ID,
    /// The register's code.
    register: String,
    /// Who or what read it, or why.
    kind: enums::ReadingKind,
    /// The figure.
    value: Decimal,
    /// The local date.
    taken_on: Date,
    /// The instant: it orders the readings of one day.
    taken_at: DateTime,
    /// Usage by interval since the last reading, where the meter tells it.
    intervals: Option<Vec<Decimal>>,
    /// The multiplier that whoever read the meter saw on it.
    multiplier_seen: Option<Decimal>,
}

/// What the customer says that a register shows.
#[derive(Debug, InputObject)]
struct ReportReadingInput {
    /// Which meter.
    meter_id: ID,
    /// The register's code.
    register: String,
    /// The figure.
    value: Decimal,
    /// The local date.
    taken_on: Date,
    /// The instant: it orders the readings of one day.
    taken_at: DateTime,
}

/// A register that nobody has read.
#[derive(Debug, InputObject)]
struct EstimateReadingInput {
    /// Which meter.
    meter_id: ID,
    /// The register's code.
    register: String,
    /// The local date.
    taken_on: Date,
    /// The instant: it orders the readings of one day.
    taken_at: DateTime,
}

/// What the person who looked at a held reading says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "HeldReading")]
enum Held {
    /// Right as it is.
    Read,
    /// The dial passed its end, although no rule says so.
    Rollover,
    /// The register was set to a figure since the reading before: what was used is counted from there.
    Reset,
}

/// A held reading that is to count.
#[derive(Debug, InputObject)]
struct ReleaseReadingInput {
    /// Which meter.
    meter_id: ID,
    /// Which reading.
    reading_id: ID,
    /// What it is.
    resolution: Held,
    /// The figure that the register was set to, mostly zero; wanted with `RESET`.
    reset_to: Option<Decimal>,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A reading that is to be taken back.
#[derive(Debug, InputObject)]
struct ReverseReadingInput {
    /// Which meter.
    meter_id: ID,
    /// Which reading.
    reading_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The reading as it was asked for.
#[derive(Debug, SimpleObject)]
struct ReadingPayload {
    /// The reading's id, for ever.
    reading_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn record_reading(wish: &Wish<'_>, input: RecordReadingInput) -> Result<ReadingPayload, Problem> {
    let meter_id = meter_id(&input.meter_id)?;
    let reading = Reading {
        reading_id: wish.created_in(meter_id, "reading", ReadingId::new),
        register: input::code("register", &input.register)?,
        kind: input.kind.into(),
        value: input.value.number("value")?,
        taken_on: input.taken_on.day("takenOn")?,
        taken_at: input.taken_at.0,
    };
    let intervals = input.intervals.map(|usage| input::each("intervals", usage, |usage| usage.number(""))).transpose()?;
    let multiplier_seen = input.multiplier_seen.map(|multiplier| multiplier.number("multiplierSeen")).transpose()?;
    record(wish, meter_id, reading, intervals, multiplier_seen).await
}

async fn report_reading(wish: &Wish<'_>, input: ReportReadingInput) -> Result<ReadingPayload, Problem> {
    let meter_id = meter_id(&input.meter_id)?;
    if let Caller::Customer { .. } = wish.caller {
        // A meter that is nobody's is not theirs either.
        let installed = wish.meter(meter_id).await?.installed().map(|installed| installed.account_id);
        wish.caller.account(installed.ok_or(Problem::NotFound)?)?;
    }
    let reading = Reading {
        reading_id: wish.created_in(meter_id, "reading", ReadingId::new),
        register: input::code("register", &input.register)?,
        kind: ReadingKind::Customer,
        value: input.value.number("value")?,
        taken_on: input.taken_on.day("takenOn")?,
        taken_at: input.taken_at.0,
    };
    record(wish, meter_id, reading, None, None).await
}

async fn estimate_reading(wish: &Wish<'_>, input: EstimateReadingInput) -> Result<ReadingPayload, Problem> {
    let meter_id = meter_id(&input.meter_id)?;
    let reading_id = wish.created_in(meter_id, "reading", ReadingId::new);
    let register = input::code("register", &input.register)?;
    let (taken_on, taken_at) = (input.taken_on.day("takenOn")?, input.taken_at.0);
    let said = CommandHash::of(&(reading_id, &register, taken_on, taken_at));
    let estimate = EstimateReading { reading_id, register, taken_on, taken_at, rules: rules::estimation() };
    ask(wish, meter_id, reading_id, Command::EstimateReading(estimate), said).await
}

async fn release_reading(wish: &Wish<'_>, input: ReleaseReadingInput) -> Result<ReadingPayload, Problem> {
    let meter_id = meter_id(&input.meter_id)?;
    let reading_id = input::id("readingId", &input.reading_id, ReadingId::new)?;
    let reset_to = input.reset_to.map(|figure| figure.number("resetTo")).transpose()?;
    let resolution = match input.resolution {
        Held::Read => Resolution::AsRead,
        Held::Rollover => Resolution::AsRollover,
        Held::Reset => Resolution::AsReset { to: reset_to.ok_or(Problem::invalid("resetTo", Flaw::Blank))? },
    };
    let reason = input::reason("reason", &input.reason)?;
    let said = CommandHash::of(&(reading_id, &resolution, &reason));
    let true_up = rules::readings(wish).true_up;
    let release = ReleaseReading { reading_id, resolution, released_by: wish.actor(), reason, true_up };
    ask(wish, meter_id, reading_id, Command::ReleaseReading(release), said).await
}

async fn reverse_reading(wish: &Wish<'_>, input: ReverseReadingInput) -> Result<ReadingPayload, Problem> {
    let meter_id = meter_id(&input.meter_id)?;
    let reading_id = input::id("readingId", &input.reading_id, ReadingId::new)?;
    let reason = input::reason("reason", &input.reason)?;
    let said = CommandHash::of(&(reading_id, &reason));
    let reverse = ReverseReading { reading_id, reason, cancels_bills: vec![], rollover: RolloverRule::default() };
    ask(wish, meter_id, reading_id, Command::ReverseReading(reverse), said).await
}

async fn record(
    wish: &Wish<'_>,
    meter_id: MeterId,
    reading: Reading,
    intervals: Option<Vec<rust_decimal::Decimal>>,
    multiplier_seen: Option<rust_decimal::Decimal>,
) -> Result<ReadingPayload, Problem> {
    let reading_id = reading.reading_id;
    let (command, said) = wish.reading(reading, intervals, multiplier_seen);
    ask(wish, meter_id, reading_id, command, said).await
}

fn meter_id(id: &ID) -> Result<MeterId, Problem> {
    input::id("meterId", id, MeterId::new)
}

async fn ask(
    wish: &Wish<'_>,
    meter_id: MeterId,
    reading_id: ReadingId,
    command: Command,
    said: CommandHash,
) -> Result<ReadingPayload, Problem> {
    let written = wish.ask_as::<Meter>(meter_id, command, said).await?;
    Ok(ReadingPayload { reading_id: reading_id.to_string().into(), record: written.into() })
}
