//! A payment that a customer makes through a gateway: started here, decided there, and told to us by callbacks that may be late, repeated,
//! out of order or missing.
//!
//! Only a completed payment is money; the account hears of no other. A customer who gives up, or a gateway that says no, may be overtaken
//! by a success: it is honoured, once, because the customer has paid. Amounts are minor units by the currency's own exponent, as gateways
//! want them: a hundred to the riyal, a thousand to the dinar of Kuwait.

mod refunds;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use refunds::{
    GatewayRefundCompleted, GatewayRefundFailed, GatewayRefundRequested, NoteRefundCompleted, NoteRefundFailed, RequestGatewayRefund,
};

use crate::{
    Code, Decider, Money,
    account::{ItemId, Tender},
    ids::{AccountId, PaymentId, RefundId},
    schema::events,
};
use refunds::Refund;

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    StartPayment(StartPayment),
    NotePending(NotePending),
    NoteCompleted(NoteCompleted),
    NoteFailed(NoteFailed),
    NoteUnknown(NoteUnknown),
    ExpirePayment(ExpirePayment),
    RequestGatewayRefund(RequestGatewayRefund),
    NoteRefundCompleted(NoteRefundCompleted),
    NoteRefundFailed(NoteRefundFailed),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StartPayment {
    pub payment_id: PaymentId,
    pub account_id: AccountId,
    pub amount: Money,
    /// Less is not worth the gateway's commission.
    pub minimum: Money,
    pub directed: Vec<ItemId>,
    pub gateway: Code,
    pub started_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The gateway has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotePending {
    pub gateway_reference: Code,
    pub at: DateTime<Utc>,
}

/// A callback whose signature was found to be the gateway's, or its answer when it was asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteCompleted {
    pub gateway_reference: Code,
    pub tender: Tender,
    pub amount: Money,
    pub at: DateTime<Utc>,
    /// The local date of that instant, from which the money counts as paid.
    pub value_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteFailed {
    /// The gateway's own.
    pub cause: Code,
    pub at: DateTime<Utc>,
}

/// The gateway was asked and gave no answer. It will be asked again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteUnknown {
    pub asked_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpirePayment {
    pub at: DateTime<Utc>,
}

events! {
    PaymentStarted 1
    PaymentPending 1
    PaymentCompleted 1
    PaymentFailed 1
    PaymentUnknown 1
    PaymentExpired 1
    GatewayRefundRequested 1
    GatewayRefundCompleted 1
    GatewayRefundFailed 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentStarted {
    pub payment_id: PaymentId,
    pub account_id: AccountId,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directed: Vec<ItemId>,
    pub gateway: Code,
    pub started_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentPending {
    pub gateway_reference: Code,
    pub at: DateTime<Utc>,
}

/// All that the account needs to record it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentCompleted {
    pub payment_id: PaymentId,
    pub account_id: AccountId,
    pub gateway: Code,
    pub gateway_reference: Code,
    pub tender: Tender,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directed: Vec<ItemId>,
    pub at: DateTime<Utc>,
    pub value_on: NaiveDate,
    /// After it had been given up.
    pub late: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentFailed {
    pub cause: Code,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentUnknown {
    pub asked_at: DateTime<Utc>,
    /// How often it was asked in vain, this time included.
    pub times: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentExpired {
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such payment")]
    NotStarted,
    #[error("the payment was already started with other content")]
    PaymentIdReused,
    #[error("the amount must be more than zero")]
    AmountNotPositive,
    #[error("the least that can be paid this way is {minimum}")]
    BelowMinimum { minimum: Money },
    #[error("a payment must expire after it was started")]
    ExpiresBeforeStart,
    #[error("the gateway calls the payment {0}")]
    OtherReference(Code),
    #[error("the payment is of {expected}, not of {found}")]
    AmountDiffers { expected: Money, found: Money },
    #[error("the payment is completed")]
    AlreadyCompleted,
    #[error("the payment has until {expires_at}")]
    NotYetExpired { expires_at: DateTime<Utc> },
    #[error("the gateway has yet to say what became of the payment")]
    OutcomeUnknown,
    #[error("only a completed payment can be refunded")]
    NotCompleted,
    #[error("the refund was already asked for with another amount")]
    RefundIdReused,
    #[error("only {left} is left to refund")]
    RefundTooLarge { left: Money },
    #[error("there is no such refund")]
    NoSuchRefund,
    #[error("the gateway has already said otherwise of that refund")]
    RefundSettledOtherwise,
}

#[derive(Clone, Debug, Default)]
pub struct Payment {
    started: Option<PaymentStarted>,
    state: State,
    reference: Option<Code>,
    refunds: BTreeMap<RefundId, Refund>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    #[default]
    Started,
    Pending,
    Unknown {
        asked_at: DateTime<Utc>,
        times: u32,
    },
    Completed,
    Failed,
    Expired,
}

impl Decider for Payment {
    const CATEGORY: &'static str = "payment";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::StartPayment(wish) => self.start(wish),
            Command::NotePending(wish) => self.pending(wish),
            Command::NoteCompleted(wish) => self.completed(wish),
            Command::NoteFailed(wish) => self.failed(wish),
            Command::NoteUnknown(wish) => self.unknown(wish),
            Command::ExpirePayment(wish) => self.expire(wish),
            Command::RequestGatewayRefund(wish) => self.request_refund(wish),
            Command::NoteRefundCompleted(wish) => self.refund_completed(wish),
            Command::NoteRefundFailed(wish) => self.refund_failed(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::PaymentStarted(fact) => self.started = Some(fact.clone()),
            Event::PaymentPending(fact) => {
                self.reference = Some(fact.gateway_reference.clone());
                self.state = State::Pending;
            }
            Event::PaymentCompleted(fact) => {
                self.reference = Some(fact.gateway_reference.clone());
                self.state = State::Completed;
            }
            Event::PaymentFailed(_) => self.state = State::Failed,
            Event::PaymentUnknown(fact) => self.state = State::Unknown { asked_at: fact.asked_at, times: fact.times },
            Event::PaymentExpired(_) => self.state = State::Expired,
            Event::GatewayRefundRequested(fact) => self.refund_was_requested(fact),
            Event::GatewayRefundCompleted(fact) => self.refund_was_completed(fact),
            Event::GatewayRefundFailed(fact) => self.refund_has_failed(fact),
        }
        self
    }
}

impl Payment {
    /// Nothing, if there is no such payment.
    pub fn state(&self) -> Option<&State> {
        self.started.as_ref().map(|_| &self.state)
    }

    fn started(&self) -> Result<&PaymentStarted, Rejection> {
        self.started.as_ref().ok_or(Rejection::NotStarted)
    }

    fn start(&self, wish: StartPayment) -> Result<Vec<Event>, Rejection> {
        let StartPayment { payment_id, account_id, amount, minimum, directed, gateway, started_at, expires_at } = wish;
        let started = PaymentStarted { payment_id, account_id, amount, directed, gateway, started_at, expires_at };
        if let Some(already) = &self.started {
            return if *already == started { Ok(vec![]) } else { Err(Rejection::PaymentIdReused) };
        }
        if amount.minor <= 0 {
            return Err(Rejection::AmountNotPositive);
        }
        if amount.currency != minimum.currency || amount.minor < minimum.minor {
            return Err(Rejection::BelowMinimum { minimum });
        }
        if expires_at <= started_at {
            return Err(Rejection::ExpiresBeforeStart);
        }
        Ok(vec![started.into()])
    }

    /// Callbacks overtake one another: what comes after an outcome says nothing new.
    fn pending(&self, wish: NotePending) -> Result<Vec<Event>, Rejection> {
        self.started()?;
        let NotePending { gateway_reference, at } = wish;
        self.same_reference(&gateway_reference)?;
        match self.state {
            State::Started => Ok(vec![PaymentPending { gateway_reference, at }.into()]),
            State::Pending | State::Unknown { .. } | State::Completed | State::Failed | State::Expired => Ok(vec![]),
        }
    }

    /// Whatever was thought of it before: the customer has paid.
    fn completed(&self, wish: NoteCompleted) -> Result<Vec<Event>, Rejection> {
        let PaymentStarted { payment_id, account_id, amount: expected, directed, gateway, .. } = self.started()?.clone();
        let NoteCompleted { gateway_reference, tender, amount, at, value_on } = wish;
        self.same_reference(&gateway_reference)?;
        if amount != expected {
            return Err(Rejection::AmountDiffers { expected, found: amount });
        }
        let late = match self.state {
            State::Completed => return Ok(vec![]),
            State::Started | State::Pending | State::Unknown { .. } => false,
            State::Failed | State::Expired => true,
        };
        Ok(vec![
            PaymentCompleted { payment_id, account_id, gateway, gateway_reference, tender, amount, directed, at, value_on, late }.into(),
        ])
    }

    fn failed(&self, wish: NoteFailed) -> Result<Vec<Event>, Rejection> {
        self.started()?;
        let NoteFailed { cause, at } = wish;
        match self.state {
            State::Started | State::Pending | State::Unknown { .. } => Ok(vec![PaymentFailed { cause, at }.into()]),
            State::Failed | State::Expired => Ok(vec![]),
            // Not swallowed: somebody must find out which of the two is true.
            State::Completed => Err(Rejection::AlreadyCompleted),
        }
    }

    fn unknown(&self, wish: NoteUnknown) -> Result<Vec<Event>, Rejection> {
        self.started()?;
        let NoteUnknown { asked_at } = wish;
        match self.state {
            State::Started | State::Pending => Ok(vec![PaymentUnknown { asked_at, times: 1 }.into()]),
            State::Unknown { asked_at: before, times } if before < asked_at => {
                Ok(vec![PaymentUnknown { asked_at, times: times.saturating_add(1) }.into()])
            }
            State::Unknown { .. } | State::Completed | State::Failed | State::Expired => Ok(vec![]),
        }
    }

    fn expire(&self, wish: ExpirePayment) -> Result<Vec<Event>, Rejection> {
        let expires_at = self.started()?.expires_at;
        let ExpirePayment { at } = wish;
        match self.state {
            State::Completed | State::Failed | State::Expired => Ok(vec![]),
            // Time tells nothing about what the gateway did.
            State::Unknown { .. } => Err(Rejection::OutcomeUnknown),
            State::Started | State::Pending if at < expires_at => Err(Rejection::NotYetExpired { expires_at }),
            State::Started | State::Pending => Ok(vec![PaymentExpired { at }.into()]),
        }
    }

    fn same_reference(&self, reference: &Code) -> Result<(), Rejection> {
        match &self.reference {
            Some(known) if known != reference => Err(Rejection::OtherReference(known.clone())),
            Some(_) | None => Ok(()),
        }
    }
}

/// A made-up payment for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;
    use crate::Currency;

    pub fn start() -> StartPayment {
        StartPayment {
            payment_id: PaymentId::new(Uuid::from_u128(301)),
            account_id: AccountId::new(Uuid::from_u128(7)),
            amount: Money::new(11_500, Currency::SAR),
            minimum: Money::new(1_000, Currency::SAR),
            directed: vec![],
            gateway: code("simulated"),
            started_at: at(0),
            expires_at: at(15),
        }
    }

    pub fn started() -> Event {
        let StartPayment { payment_id, account_id, amount, minimum: _, directed, gateway, started_at, expires_at } = start();
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
            GatewayRefundFailed {
                refund_id,
                account_id: start().account_id,
                cause: code("closed-card"),
                at: at(30),
                on: at(30).date_naive(),
            }
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
}

#[cfg(test)]
mod tests {
    use super::{example::*, *};
    use crate::{Currency, spec::given};

    fn states() -> [(&'static str, Vec<Event>); 7] {
        let [started, pending, unknown, failed, expired, completed, ..] = &example::events()[..] else { unreachable!() };
        let after = |event: &Event| vec![started.clone(), event.clone()];
        [
            ("none", vec![]),
            ("started", vec![started.clone()]),
            ("pending", after(pending)),
            ("unknown", after(unknown)),
            ("completed", after(completed)),
            ("failed", after(failed)),
            ("expired", after(expired)),
        ]
    }

    /// Every state × everything that may be heard of it: how many facts follow, or why not.
    #[test]
    fn every_state_and_everything_that_may_be_heard() {
        use Rejection::{AlreadyCompleted, NotStarted, NotYetExpired, OutcomeUnknown};
        let commands = [
            Command::NotePending(NotePending { gateway_reference: code("G-77"), at: at(1) }),
            Command::NoteCompleted(complete()),
            Command::NoteFailed(NoteFailed { cause: code("declined"), at: at(4) }),
            Command::NoteUnknown(NoteUnknown { asked_at: at(3) }),
            Command::ExpirePayment(ExpirePayment { at: at(15) }),
            Command::ExpirePayment(ExpirePayment { at: at(14) }),
        ];
        let early = || Err(NotYetExpired { expires_at: at(15) });
        let missing = [const { Err(NotStarted) }; 6];
        let grid = [
            missing,
            [Ok(1), Ok(1), Ok(1), Ok(1), Ok(1), early()],
            [Ok(0), Ok(1), Ok(1), Ok(1), Ok(1), early()],
            [Ok(0), Ok(1), Ok(1), Ok(0), Err(OutcomeUnknown), Err(OutcomeUnknown)],
            [Ok(0), Ok(0), Err(AlreadyCompleted), Ok(0), Ok(0), Ok(0)],
            [Ok(0), Ok(1), Ok(0), Ok(0), Ok(0), Ok(0)],
            [Ok(0), Ok(1), Ok(0), Ok(0), Ok(0), Ok(0)],
        ];
        for ((state, facts), row) in states().into_iter().zip(grid) {
            for (command, expected) in commands.iter().zip(row) {
                let payment = facts.iter().fold(Payment::default(), Payment::evolve);
                let outcome = payment.decide(command.clone());
                assert_eq!(outcome.as_ref().map(Vec::len).map_err(Clone::clone), expected, "{state}: {command:?}");
                if let Ok(events) = outcome {
                    given::<Payment>(facts.clone()).when(command.clone()).then(events);
                }
            }
        }
    }

    #[test]
    fn a_late_success_is_honoured_once() {
        let [.., (_, failed), (_, expired)] = states();
        for facts in [failed, expired] {
            given::<Payment>(facts.clone()).when(Command::NoteCompleted(complete())).then([completed(true)]);
            given::<Payment>(facts.into_iter().chain([completed(true)])).when(Command::NoteCompleted(complete())).then_nothing();
        }
    }

    #[test]
    fn an_unknown_payment_is_asked_about_again_and_counted() {
        let [_, _, _, (_, unknown), ..] = states();
        let ask = |minutes| Command::NoteUnknown(NoteUnknown { asked_at: at(minutes) });
        given::<Payment>(unknown).when(ask(8)).then([PaymentUnknown { asked_at: at(8), times: 2 }.into()]);
    }

    #[test]
    fn a_success_of_something_else_is_none() {
        let [_, _, (_, pending), _, (_, completed), ..] = states();
        let other = NoteCompleted { gateway_reference: code("G-78"), ..complete() };
        for facts in [&pending, &completed] {
            let rejection = Rejection::OtherReference(code("G-77"));
            given::<Payment>(facts.clone()).when(Command::NoteCompleted(other.clone())).then_rejected(rejection);
        }
        // A thousand to the dinar: a gateway that thinks in hundreds is caught.
        for amount in [Money::new(1_150, Currency::SAR), Money::new(11_500, Currency::KWD)] {
            let wrong = Command::NoteCompleted(NoteCompleted { amount, ..complete() });
            given::<Payment>(pending.clone())
                .when(wrong)
                .then_rejected(Rejection::AmountDiffers { expected: start().amount, found: amount });
        }
    }

    #[test]
    fn a_payment_is_started_once() {
        given::<Payment>([]).when(Command::StartPayment(start())).then([started()]);
        let other = StartPayment { amount: Money::new(1, Currency::SAR), ..start() };
        given::<Payment>([started()]).when(Command::StartPayment(other)).then_rejected(Rejection::PaymentIdReused);
        let minimum = start().minimum;
        for (wish, rejection) in [
            (StartPayment { amount: Money::new(0, Currency::SAR), ..start() }, Rejection::AmountNotPositive),
            (StartPayment { amount: Money::new(999, Currency::SAR), ..start() }, Rejection::BelowMinimum { minimum }),
            (StartPayment { amount: Money::new(5_000, Currency::KWD), ..start() }, Rejection::BelowMinimum { minimum }),
            (StartPayment { expires_at: at(0), ..start() }, Rejection::ExpiresBeforeStart),
        ] {
            given::<Payment>([]).when(Command::StartPayment(wish)).then_rejected(rejection);
        }
    }
}
