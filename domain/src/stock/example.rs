//! A made-up stock for examples and tests.

use uuid::Uuid;

use super::*;
use crate::{Currency, branch, part};

pub fn receive(n: u128, quantity: u32, minor: i64) -> ReceiveStock {
    ReceiveStock {
        move_id: StockMoveId::new(Uuid::from_u128(400 + n)),
        branch_id: branch::example::BRANCH,
        part_id: part::example::register().part_id,
        quantity,
        cost: sar(minor),
        reference: Code::new(format!("GRN-{n}")).expect("a code"),
        on: part::example::day(2),
    }
}

pub fn received(n: u128, quantity: u32, minor: i64) -> Event {
    let ReceiveStock { move_id, branch_id, part_id, quantity, cost, reference, on } = receive(n, quantity, minor);
    StockReceived { move_id, branch_id, part_id, quantity, cost, reference, on }.into()
}

/// The n-th repair's request.
pub fn reserve(n: u128, quantity: u32) -> ReserveStock {
    let (request_id, repair_id) = (request_id(n), RepairId::new(Uuid::from_u128(n)));
    ReserveStock { request_id, repair_id, quantity, coverage: Coverage::Customer }
}

pub fn reserved(n: u128, quantity: u32) -> Event {
    let ReserveStock { request_id, repair_id, quantity, coverage } = reserve(n, quantity);
    StockReserved { request_id, repair_id, quantity, coverage }.into()
}

pub fn short(n: u128, quantity: u32, missing: u32) -> Event {
    let ReserveStock { request_id, repair_id, quantity, coverage } = reserve(n, quantity);
    ShortageRecorded { request_id, repair_id, quantity, missing, coverage }.into()
}

pub fn used(n: u128, quantity: u32, minor: i64) -> Event {
    let ReserveStock { request_id, repair_id, coverage, .. } = reserve(n, quantity);
    StockUsed { request_id, repair_id, quantity, cost: sar(minor), coverage, on: part::example::day(3) }.into()
}

pub fn given_back(n: u128, quantity: u32) -> Event {
    let ReserveStock { request_id, repair_id, .. } = reserve(n, quantity);
    StockGivenBack { request_id, repair_id, quantity }.into()
}

pub fn count(n: u128, counted: u32) -> CountStock {
    CountStock {
        move_id: StockMoveId::new(Uuid::from_u128(500 + n)),
        counted,
        counted_by: Actor::user("9"),
        reason: Reason::new("جرد سنوي").expect("a reason"),
        on: part::example::day(30),
    }
}

pub fn counted(n: u128, before: u32, counted: u32, minor: i64) -> Event {
    let CountStock { move_id, counted, counted_by, reason, on } = count(n, counted);
    StockCounted { move_id, before, counted, value: sar(minor), counted_by, reason, on }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    vec![
        received(1, 3, 90_000),
        reserved(1, 2),
        short(2, 2, 1),
        used(1, 1, 30_000),
        given_back(1, 1),
        counted(1, 2, 1, -30_000),
        ReorderLevelSet { level: 2 }.into(),
        StockRanLow { free: 1, level: 2 }.into(),
        StockRanOut {}.into(),
    ]
}

pub fn request_id(n: u128) -> PartRequestId {
    PartRequestId::new(Uuid::from_u128(600 + n))
}

pub fn sar(minor: i64) -> Money {
    Money::new(minor, Currency::SAR)
}
