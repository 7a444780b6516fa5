//! Read cycles: which meters are read on which days.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_domain::{
    Decider,
    ids::ReadCycleId,
    read_cycle::{Command, DefineReadCycle, MoveReadingDay, ReadCycle},
};

use super::{
    By::{self, Staff},
    Record, mutations,
};
use crate::{
    app::Wish,
    caller::Role,
    graphql::{enums::Interval, scalars::Date},
    input,
    problem::Problem,
};

const BILLING: By = Staff(&[Role::Billing]);

mutations! {
    ReadCycleMutation

    /// Defines on which days a group of meters is read.
    define_read_cycle(DefineReadCycleInput) -> ReadCyclePayload, by BILLING;
    /// Has one month read on another day: a holiday, a storm.
    move_reading_day(MoveReadingDayInput) -> ReadCyclePayload, by BILLING;
}

/// The days on which a group of meters is read.
#[derive(Debug, InputObject)]
struct DefineReadCycleInput {
    /// What people call it.
    code: String,
    /// How often it is read.
    every: Interval,
    /// The first month that is read, by any day in it.
    first_month: Date,
    /// On which day of the month, from 1 to 31; the last day of a shorter month.
    day_of_month: i32,
}

/// Another day for one month.
#[derive(Debug, InputObject)]
struct MoveReadingDayInput {
    /// As `defineReadCycle` gave it.
    read_cycle_id: ID,
    /// The day on which it would be read.
    regular_day: Date,
    /// The day on which it is read instead.
    moved_to: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The read cycle as it was asked for.
#[derive(Debug, SimpleObject)]
struct ReadCyclePayload {
    /// The read cycle's id, for ever.
    read_cycle_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn define_read_cycle(wish: &Wish<'_>, input: DefineReadCycleInput) -> Result<ReadCyclePayload, Problem> {
    let read_cycle_id = wish.created(ReadCycle::CATEGORY, ReadCycleId::new);
    let define = DefineReadCycle {
        read_cycle_id,
        code: input::code("code", &input.code)?,
        every: input.every.into(),
        first_month: input.first_month.day("firstMonth")?,
        day_of_month: input::count("dayOfMonth", input.day_of_month, 1, 31)?,
    };
    ask(wish, read_cycle_id, Command::DefineReadCycle(define)).await
}

async fn move_reading_day(wish: &Wish<'_>, input: MoveReadingDayInput) -> Result<ReadCyclePayload, Problem> {
    let read_cycle_id = input::id("readCycleId", &input.read_cycle_id, ReadCycleId::new)?;
    let (regular_day, moved_to) = (input.regular_day.day("regularDay")?, input.moved_to.day("movedTo")?);
    let reason = input::reason("reason", &input.reason)?;
    ask(wish, read_cycle_id, Command::MoveReadingDay(MoveReadingDay { regular_day, moved_to, reason })).await
}

async fn ask(wish: &Wish<'_>, read_cycle_id: ReadCycleId, command: Command) -> Result<ReadCyclePayload, Problem> {
    let written = wish.ask::<ReadCycle>(read_cycle_id, command).await?;
    Ok(ReadCyclePayload { read_cycle_id: read_cycle_id.to_string().into(), record: written.into() })
}
