//! A made-up order for examples and tests.

use chrono::NaiveDate;
use uuid::Uuid;

use super::*;
pub use crate::dunning::example::{day, sar};
use crate::{account::CustomerClass, dunning, ids::DisconnectionId};

pub const ORDER: DisconnectionId = DisconnectionId::new(Uuid::from_u128(971));
pub const ACCOUNT: AccountId = dunning::example::ACCOUNT;
pub const METER: MeterId = MeterId::new(Uuid::from_u128(32));

/// The rules of Saudi Arabia with the calendars of four years, and the exams of the first.
pub fn guard() -> Guard {
    serde_json::from_str(include_str!("../../../fixtures/collections/guard-ksa.json")).expect("rules")
}

/// Two hours and 50 riyals; 75 back if it takes longer.
pub fn terms() -> RestoreTerms {
    RestoreTerms { version: code("ksa-2025"), fee: sar(5_000), within_minutes: 120, compensation: sar(7_500) }
}

/// A household that owes 500 riyals since April and was warned in time.
pub fn evidence() -> Evidence {
    let on = |text: &str| -> Option<NaiveDate> { Some(day(text)) };
    Evidence {
        class: CustomerClass::Residential,
        debt: dunning::example::debt(&["2024-04-15"]),
        warned_on: on("2024-05-15"),
        final_notice_on: on("2024-06-20"),
        held: None,
    }
}

pub fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

pub fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

pub fn moment(text: &str) -> Moment {
    text.parse().expect("a moment")
}

/// On Monday, 15 July 2024, in Riyadh.
pub fn at(time: &str) -> Moment {
    moment(&format!("2024-07-15T{time}:00+03:00"))
}

pub fn request(way: Way) -> RequestDisconnection {
    RequestDisconnection { disconnection_id: ORDER, account_id: ACCOUNT, meter_id: METER, way, owed: sar(50_000), at: at("07:00") }
}

pub fn requested(way: Way) -> Event {
    let RequestDisconnection { disconnection_id, account_id, meter_id, way, owed, at } = request(way);
    DisconnectionRequested { disconnection_id, account_id, meter_id, way, owed, at }.into()
}

pub fn approved() -> Event {
    DisconnectionApproved { at: at("07:10") }.into()
}

pub fn scheduled() -> Event {
    DisconnectionScheduled { at: at("07:20"), planned_for: at("08:00"), rules: guard().version }.into()
}

pub fn dispatched(way: Way, time: &str, attempt: u32) -> Event {
    DisconnectionDispatched { at: at(time), way, meter_id: METER, attempt, rules: guard().version }.into()
}

pub fn done(time: &str) -> Done {
    Done { at: at(time), reading: Some(Decimal::new(12_345, 1)), seal: Some(code("S-9")), photo: Some(Digest::of(&"a photo")) }
}

pub fn executed(time: &str, recalled: bool) -> Event {
    let Done { at, reading, seal, photo } = done(time);
    DisconnectionExecuted { account_id: ACCOUNT, meter_id: METER, at, reading, seal, photo, recalled }.into()
}

pub fn not_done(time: &str) -> NotDone {
    NotDone { at: at(time), reason: reason("nobody opened") }
}

pub fn failed(time: &str) -> Event {
    let NotDone { at, reason } = not_done(time);
    DisconnectionFailed { at, reason }.into()
}

pub fn lift(time: &str, cause: LiftCause) -> LiftDisconnection {
    LiftDisconnection { at: at(time), cause, terms: terms() }
}

pub fn lifted(time: &str, cause: LiftCause) -> Lift {
    Lift { at: at(time), cause, terms: terms() }
}

pub fn recalled(time: &str) -> Event {
    DisconnectionRecalled { lift: lifted(time, LiftCause::DebtSettled) }.into()
}

pub fn cancelled(time: &str, settled: &str) -> Event {
    DisconnectionCancelled { at: at(time), lift: lifted(settled, LiftCause::DebtSettled) }.into()
}

pub fn unanswered(time: &str, attempt: u32) -> Event {
    SwitchUnanswered { attempt, at: at(time) }.into()
}

/// With the fee, and within the time, that follow from when it was settled.
pub fn restore(settled: &str, due_by: &str, fee: bool) -> Event {
    ReconnectionRequested {
        account_id: ACCOUNT,
        meter_id: METER,
        lift: lifted(settled, LiftCause::DebtSettled),
        due_by: at(due_by),
        fee: fee.then_some(sar(5_000)),
    }
    .into()
}

pub fn restore_dispatched(way: Way, time: &str, attempt: u32) -> Event {
    ReconnectionDispatched { at: at(time), way, meter_id: METER, attempt }.into()
}

pub fn restored(time: &str) -> Event {
    let Done { at, reading, seal, photo } = done(time);
    ReconnectionExecuted { account_id: ACCOUNT, meter_id: METER, at, reading, seal, photo }.into()
}

pub fn fell_late(time: &str, due_by: &str) -> Event {
    ReconnectionFellLate { account_id: ACCOUNT, at: at(time), due_by: at(due_by), compensation: sar(7_500) }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    vec![
        requested(Way::HeadEnd),
        approved(),
        scheduled(),
        dispatched(Way::HeadEnd, "08:00", 1),
        unanswered("08:05", 1),
        executed("08:10", false),
        failed("08:10"),
        recalled("08:15"),
        cancelled("08:20", "08:15"),
        restore("08:15", "10:15", true),
        restore_dispatched(Way::HeadEnd, "08:16", 1),
        ReconnectionFailed { at: at("08:30"), reason: reason("nobody opened") }.into(),
        fell_late("10:16", "10:15"),
        restored("10:20"),
    ]
}
