//! A made-up payment for examples and tests.

use uuid::Uuid;

use super::*;
use crate::Currency;

pub fn start() -> StartPayment {
    StartPayment {
        payment_id: PaymentId::new(Uuid::from_u128(301)),
        account_id: AccountId::new(Uuid::from_u128(7)),
        amount: Money::new(11_500, Currency::SAR),
        minimum: Money::new(1_000, Currency::SAR),
        owed: Money::new(11_500, Currency::SAR),
        directed: vec![],
        gateway: code("simulated"),
        started_at: at(0),
        expires_at: at(15),
    }
}

pub fn started() -> Event {
    let StartPayment { payment_id, account_id, amount, minimum: _, owed: _, directed, gateway, started_at, expires_at } = start();
    PaymentStarted { payment_id, account_id, amount, directed, gateway, started_at, expires_at }.into()
}

pub fn complete() -> NoteCompleted {
    let value_on = NaiveDate::from_ymd_opt(2024, 4, 1).expect("a date");
    NoteCompleted { gateway_reference: code("G-77"), tender: Tender::Card, amount: start().amount, at: at(5), value_on }
}

pub fn completed(late: bool) -> Event {
    let StartPayment { payment_id, account_id, directed, gateway, .. } = start();
    let NoteCompleted { gateway_reference, tender, amount, at, value_on } = complete();
    PaymentCompleted { payment_id, account_id, gateway, gateway_reference, tender, amount, directed, at, value_on, late }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let (refund_id, amount) = (RefundId::new(Uuid::from_u128(701)), Money::new(300, Currency::SAR));
    vec![
        started(),
        PaymentPending { gateway_reference: code("G-77"), at: at(1) }.into(),
        PaymentUnknown { asked_at: at(3), times: 1 }.into(),
        PaymentFailed { cause: code("declined"), at: at(4) }.into(),
        PaymentExpired { at: at(16) }.into(),
        completed(true),
        GatewayRefundRequested { refund_id, amount }.into(),
        GatewayRefundFailed { refund_id, account_id: start().account_id, cause: code("closed-card"), at: at(30), on: at(30).date_naive() }
            .into(),
        GatewayRefundCompleted { refund_id, gateway_reference: code("GR-1"), at: at(30) }.into(),
    ]
}

/// Minutes after it was started.
pub fn at(minutes: u32) -> DateTime<Utc> {
    let day = NaiveDate::from_ymd_opt(2024, 4, 1).expect("a date");
    day.and_hms_opt(9, minutes, 0).expect("a time").and_utc()
}

pub fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}
