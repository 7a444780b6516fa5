//! A made-up debt and its dunning for examples and tests.

use uuid::Uuid;

use super::*;
use crate::{
    Currency, Reason,
    account::{ChargeKind, Owed},
};

pub const ACCOUNT: AccountId = AccountId::new(Uuid::from_u128(7));
pub const HOLD: DunningHoldId = DunningHoldId::new(Uuid::from_u128(951));

/// The ladder that Daftar suggests for Saudi Arabia.
pub fn ladder() -> Ladder {
    serde_json::from_str(include_str!("../../../fixtures/collections/ladder-ksa.json")).expect("a ladder")
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub fn sar(minor: i64) -> Money {
    Money::new(minor, Currency::SAR)
}

/// Bills for supply of 500 riyals each, due on these days.
pub fn debt(dues: &[&str]) -> Debt {
    let owed = dues.iter().map(|due| Owed { due_on: day(due), kind: ChargeKind::Supply, amount: sar(50_000) }).collect();
    Debt { currency: Currency::SAR, owed }
}

pub fn advance(on: NaiveDate, debt: Debt) -> Command {
    Command::AdvanceDunning(AdvanceDunning { account_id: ACCOUNT, day: on, debt, ladder: ladder() })
}

pub fn hold(ground: HoldGround, from: &str, until: Option<&str>) -> HoldDunning {
    let promised = (ground == HoldGround::PromiseToPay).then(|| sar(50_000));
    let reason = Reason::new("called on the phone").expect("a reason");
    HoldDunning { account_id: ACCOUNT, hold_id: HOLD, ground, promised, from: day(from), until: until.map(day), reason }
}

pub fn held(wish: HoldDunning) -> Event {
    let HoldDunning { account_id, hold_id, ground, promised, from, until, reason } = wish;
    DunningHeld { account_id, hold_id, ground, promised, from, until, reason }.into()
}

pub fn lift(on: &str) -> LiftDunningHold {
    LiftDunningHold { hold_id: HOLD, on: day(on), reason: Reason::new("has ended").expect("a reason") }
}

pub fn lifted(on: &str) -> Event {
    let LiftDunningHold { hold_id, on, reason } = lift(on);
    DunningHoldLifted { account_id: ACCOUNT, hold_id, on, reason }.into()
}

/// A step of the ladder, taken for one bill of 500 riyals.
pub fn taken(step: &str, action: Action, channel: Channel, on: &str, since: &str) -> Event {
    let code = |text: &str| Code::new(text).expect("a code");
    DunningStepTaken {
        account_id: ACCOUNT,
        ladder: code("ksa-1"),
        step: code(step),
        action,
        channel,
        template: code(&format!("dunning-{step}")),
        on: day(on),
        since: day(since),
        owed: sar(50_000),
    }
    .into()
}

pub fn ended(on: &str, cause: EndCause) -> Event {
    DunningEnded { account_id: ACCOUNT, on: day(on), cause }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    vec![
        taken("first", Action::Reminder, Channel::Sms, "2024-04-16", "2024-04-15"),
        held(hold(HoldGround::PromiseToPay, "2024-04-20", Some("2024-04-27"))),
        lifted("2024-04-22"),
        ended("2024-04-23", EndCause::Settled),
    ]
}
