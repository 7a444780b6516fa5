//! A payment that a customer makes through a gateway: started here, decided there, and told to us by callbacks that may be late, repeated,
//! out of order or missing.
//!
//! Only a completed payment is money; the account hears of no other. A customer who gives up, or a gateway that says no, may be overtaken
//! by a success: it is honoured, once, because the customer has paid. Amounts are minor units by the currency's own exponent, as gateways
//! want them: a hundred to the riyal, a thousand to the dinar of Kuwait.

pub mod example;
mod refunds;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
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
    /// All that it could pay. So much may always be paid, or a small debt could not be settled.
    pub owed: Money,
    pub directed: Vec<ItemId>,
    pub gateway: Code,
    pub started_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The gateway has it, and waits for the customer.
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
    #[error("the least that can be paid this way is {minimum}, or all that is owed")]
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

/// What is a matter of minutes at a gateway is not asked about before.
const PATIENCE: TimeDelta = TimeDelta::minutes(2);

/// A gateway that does not answer is asked after two minutes, four, eight, and at last every hour or so.
const LONGEST_DOUBLING: u32 = 6;

/// For so long after it was given up a gateway may find out that a payment has succeeded. Nobody need tell: it is asked once a day.
pub const SECOND_THOUGHTS: TimeDelta = TimeDelta::days(7);

impl Payment {
    /// Nothing, if there is no such payment.
    pub fn state(&self) -> Option<&State> {
        self.started.as_ref().map(|_| &self.state)
    }

    /// As it was started.
    pub fn order(&self) -> Option<&PaymentStarted> {
        self.started.as_ref()
    }

    /// From when on its gateway is to be asked what became of it, if it has not said so by then.
    pub fn ask_at(&self) -> Option<DateTime<Utc>> {
        let started = self.started.as_ref()?;
        match self.state {
            State::Started | State::Pending => started.started_at.checked_add_signed(PATIENCE),
            State::Unknown { asked_at, times } => asked_at.checked_add_signed(TimeDelta::minutes(1 << times.min(LONGEST_DOUBLING))),
            State::Completed | State::Failed | State::Expired => None,
        }
    }

    /// Refunds that the gateway was asked for, or is to be asked for, and has not answered.
    pub fn open_refunds(&self) -> impl Iterator<Item = (RefundId, Money)> {
        self.refunds.iter().filter(|(_, refund)| refund.is_open()).map(|(id, refund)| (*id, refund.amount()))
    }

    fn started(&self) -> Result<&PaymentStarted, Rejection> {
        self.started.as_ref().ok_or(Rejection::NotStarted)
    }

    fn start(&self, wish: StartPayment) -> Result<Vec<Event>, Rejection> {
        let StartPayment { payment_id, account_id, amount, minimum, owed, directed, gateway, started_at, expires_at } = wish;
        let started = PaymentStarted { payment_id, account_id, amount, directed, gateway, started_at, expires_at };
        if let Some(already) = &self.started {
            return if *already == started { Ok(vec![]) } else { Err(Rejection::PaymentIdReused) };
        }
        if amount.minor <= 0 {
            return Err(Rejection::AmountNotPositive);
        }
        if amount.currency != minimum.currency || amount.minor < minimum.minor && amount != owed {
            return Err(Rejection::BelowMinimum { minimum });
        }
        if expires_at <= started_at {
            return Err(Rejection::ExpiresBeforeStart);
        }
        Ok(vec![started.into()])
    }

    /// Callbacks overtake one another: what comes after an outcome says nothing new. After silence it does.
    fn pending(&self, wish: NotePending) -> Result<Vec<Event>, Rejection> {
        self.started()?;
        let NotePending { gateway_reference, at } = wish;
        self.same_reference(&gateway_reference)?;
        match self.state {
            State::Started | State::Unknown { .. } => Ok(vec![PaymentPending { gateway_reference, at }.into()]),
            State::Pending | State::Completed | State::Failed | State::Expired => Ok(vec![]),
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
