//! Starts payments, and brings what gateways say of them into the log.
//!
//! Schedule, do, record: a payment is in the log before its gateway hears of it, and the gateway knows it by the id that it has there. Whoever dies
//! between two of these is followed by whoever asks next, and finds what was done.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daftar_domain::{
    Actor, Code, CommandHash, Decider, Money, Position, StreamName,
    account::{self, Account, ItemId, Tender},
    ids::{AccountId, PaymentId, created_id},
    payment::{
        self, ExpirePayment, NoteCompleted, NoteFailed, NotePending, NoteRefundCompleted, NoteRefundFailed, NoteUnknown, Payment,
        PaymentStarted, StartPayment, State,
    },
    policy,
    reservation::{self, Reservation, Reserve, Unique},
};
use daftar_store::{CommandContext, Engine, ExecuteError};
use thiserror::Error;

use super::{Accepted, GatewayError, Gateways, NotGenuine, Order, Outcome, RefundOrder, RefundReport, Report, Source, UnknownGateway};
use crate::refusals::{self, Refused, refusal};

/// Who speaks for the gateways in the log.
pub(super) const ACTOR: &str = "gateway";

/// Under which name it is noted that a gateway said what could not be believed.
const HEARD: &str = "hearGateway";

/// What all payments of a deployment have in common.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Of one unit of the account's currency, so many are the least that is worth a commission, where the company says nothing else.
    pub minimum: u32,
    /// How long a customer has to pay.
    pub expires_after: TimeDelta,
    /// Where days begin and end.
    pub zone: Tz,
}

impl Default for Terms {
    fn default() -> Self {
        Self { minimum: 1, expires_after: TimeDelta::minutes(15), zone: Tz::Asia__Riyadh }
    }
}

#[derive(Clone, Debug)]
pub struct NewPayment {
    pub account_id: AccountId,
    pub amount: Money,
    /// What the customer wants to pay, in that order.
    pub directed: Vec<ItemId>,
    pub gateway: Code,
    /// Of whole units of the currency, the least that the company takes by this gateway, if it says so.
    pub least: Option<u32>,
}

/// A payment that its gateway knows of.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    pub payment_id: PaymentId,
    /// Where the customer pays; nothing, if there is nothing to pay there any more.
    pub checkout: Option<String>,
    pub position: Option<Position>,
}

#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    UnknownGateway(#[from] UnknownGateway),
    #[error("this idempotency key was used for another payment")]
    IdempotencyKeyReused,
    /// The account could not receive it.
    #[error(transparent)]
    Account(account::Rejection),
    #[error(transparent)]
    Refused(payment::Rejection),
    /// The payment is recorded as failed.
    #[error("the gateway `{gateway}` refuses the payment: {cause}")]
    Declined { gateway: Code, cause: Code },
    /// The payment is recorded and will be asked about; asked for under the same key it goes on.
    #[error("the gateway `{gateway}` gives no answer")]
    NoAnswer { gateway: Code, source: Source },
    #[error("the payment could not be recorded")]
    Store(#[source] Source),
}

#[derive(Debug, Error)]
pub enum HearError {
    #[error(transparent)]
    UnknownGateway(#[from] UnknownGateway),
    #[error(transparent)]
    NotGenuine(#[from] NotGenuine),
    #[error("the gateway has no such payment of ours")]
    NoSuchPayment,
    /// To be told again.
    #[error("what the gateway says could not be recorded")]
    Store(#[source] Source),
}

/// All that deals with gateways. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Payments {
    pub(super) engine: Engine,
    pub(super) gateways: Gateways,
    pub(super) terms: Terms,
}

impl Payments {
    pub fn new(engine: Engine, gateways: Gateways, terms: Terms) -> Self {
        Self { engine, gateways, terms }
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    pub fn gateways(&self) -> &Gateways {
        &self.gateways
    }

    /// Starts a payment, or goes on with the one that was started under this command's id.
    pub async fn start(&self, context: &CommandContext, wish: NewPayment) -> Result<Begun, StartError> {
        let gateway = self.gateways.get(&wish.gateway)?;
        let payment_id = PaymentId::new(created_id(context.command_id, Payment::CATEGORY));
        let started = self.started(payment_id, context, &wish).await?;
        let payment = self.look(payment_id).await.map_err(StartError::Store)?;
        if !matches!(payment.state(), Some(State::Started | State::Pending | State::Unknown { .. })) {
            return Ok(Begun { payment_id, checkout: None, position: None });
        }
        let order = Order { payment_id, amount: started.amount, expires_at: started.expires_at };
        let name = || wish.gateway.clone();
        match gateway.start(&order).await {
            Ok(Accepted { reference, checkout }) => {
                let pending = NotePending { gateway_reference: reference, at: context.now };
                let position = self.note(payment_id, context, payment::Command::NotePending(pending)).await.map_err(StartError::Store)?;
                Ok(Begun { payment_id, checkout: Some(checkout), position })
            }
            Err(GatewayError::Refused { cause }) => {
                let failed = NoteFailed { cause: cause.clone(), at: context.now };
                self.note(payment_id, context, payment::Command::NoteFailed(failed)).await.map_err(StartError::Store)?;
                Err(StartError::Declined { gateway: name(), cause })
            }
            Err(GatewayError::NoAnswer(source)) => Err(StartError::NoAnswer { gateway: name(), source }),
        }
    }

    /// The payment as it was started: now, or by a try before this one.
    async fn started(&self, payment_id: PaymentId, context: &CommandContext, wish: &NewPayment) -> Result<PaymentStarted, StartError> {
        if let Some(before) = self.look(payment_id).await.map_err(StartError::Store)?.order() {
            return same(before, wish);
        }
        let owed = self.can_be_received(wish).await?;
        let NewPayment { account_id, amount, directed, gateway, least } = wish.clone();
        let start = StartPayment {
            payment_id,
            account_id,
            amount,
            minimum: Money::coins(least.unwrap_or(self.terms.minimum).into(), amount.currency),
            owed,
            directed,
            gateway,
            started_at: context.now,
            expires_at: context.now + self.terms.expires_after,
        };
        let stream = StreamName::of::<Payment>(payment_id);
        match self.engine.execute::<Payment>(&stream, context, payment::Command::StartPayment(start)).await {
            // Two tries at a time: the other was first, at another moment.
            Ok(_) | Err(ExecuteError::IdempotencyKeyReused { .. } | ExecuteError::Rejected(payment::Rejection::PaymentIdReused)) => {}
            Err(ExecuteError::Rejected(rejection)) => return Err(StartError::Refused(rejection)),
            Err(error) => return Err(StartError::Store(error.into())),
        }
        let started = self.look(payment_id).await.map_err(StartError::Store)?;
        same(started.order().ok_or_else(|| StartError::Refused(payment::Rejection::NotStarted))?, wish)
    }

    /// Money that was taken has to go somewhere: whatever the account would refuse is refused while nobody has paid. What it could pay.
    async fn can_be_received(&self, wish: &NewPayment) -> Result<Money, StartError> {
        let NewPayment { account_id, amount, directed, .. } = wish;
        let account = self.engine.look::<Account>(&StreamName::of::<Account>(*account_id)).await;
        let account = account.map_err(|error| StartError::Store(error.into()))?;
        account.could_receive(*amount, directed).map_err(StartError::Account)?;
        Ok(account.owed(amount.currency, directed))
    }

    /// What a gateway calls to say. Whatever was recorded before is recorded no second time.
    pub async fn hear(&self, gateway: &Code, headers: &axum::http::HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<(), HearError> {
        let report = self.gateways.get(gateway)?.hear(headers, body, now)?;
        let payment = self.look(report.payment_id).await.map_err(HearError::Store)?;
        if payment.order().is_none_or(|order| order.gateway != *gateway) {
            return Err(HearError::NoSuchPayment);
        }
        self.believe(report, now).await.map_err(HearError::Store)
    }

    /// Records what a gateway says of one of its payments. What the rules refuse is recorded as refused, for somebody to look at: the
    /// gateway would only say it again.
    pub(super) async fn believe(&self, report: Report, now: DateTime<Utc>) -> Result<(), Source> {
        let Report { payment_id, reference, at, outcome } = report;
        let at = at.min(now);
        let command = match outcome {
            Outcome::Pending => payment::Command::NotePending(NotePending { gateway_reference: reference.clone(), at }),
            Outcome::Completed { tender, amount } => {
                let value_on = self.local_day(at);
                payment::Command::NoteCompleted(NoteCompleted { gateway_reference: reference.clone(), tender, amount, at, value_on })
            }
            Outcome::Failed { cause } => payment::Command::NoteFailed(NoteFailed { cause, at }),
        };
        let context = self.context(now);
        if let payment::Command::NoteCompleted(NoteCompleted { tender, .. }) = command
            && let Some(reason) = self.reserve(payment_id, tender, &reference, &context).await?
        {
            let stream = StreamName::of::<Payment>(payment_id);
            let asked = CommandContext { command_id: command_id(payment_id, &command), ..context };
            return refusals::note(&self.engine, &asked, refused(&stream, &reason)).await;
        }
        self.note(payment_id, &context, command).await.map(drop)
    }

    /// One payment in all of the deployment is what a gateway calls by one reference. Why not this one, if another is.
    async fn reserve(
        &self,
        payment_id: PaymentId,
        tender: Tender,
        reference: &Code,
        context: &CommandContext,
    ) -> Result<Option<String>, Source> {
        let payment = self.look(payment_id).await?;
        let Some(PaymentStarted { gateway, .. }) = payment.order() else { return Ok(None) };
        let reservation_id = Unique::payment_reference(tender, gateway, reference).reservation_id();
        let wish = reservation::Command::Reserve(Reserve { holder: payment_id.into() });
        let asked = CommandContext { command_id: policy::request_id(payment_id.into(), "reserveReference"), ..context.clone() };
        let reserved = self.engine.execute::<Reservation>(&StreamName::of::<Reservation>(reservation_id), &asked, wish).await;
        refusal(reserved)
    }

    /// Asks the gateway what became of a payment.
    pub(super) async fn ask(&self, payment_id: PaymentId, now: DateTime<Utc>) -> Result<(), Source> {
        let payment = self.look(payment_id).await?;
        let Some(PaymentStarted { gateway, expires_at, .. }) = payment.order() else { return Ok(()) };
        let context = self.context(now);
        let over = now >= *expires_at;
        let expire = payment::Command::ExpirePayment(ExpirePayment { at: now });
        let next = match self.gateways.get(gateway)?.inquire(payment_id).await {
            Ok(Some(report)) => {
                let still_pending = report.outcome == Outcome::Pending;
                self.believe(report, now).await?;
                // Whatever the gateway still waits for, the customer has given up; if not, it is honoured late.
                (over && still_pending).then_some(expire)
            }
            // It never reached the gateway. Until it has expired the customer may try again.
            Ok(None) => over.then(|| match payment.state() {
                Some(State::Unknown { .. }) => payment::Command::NoteFailed(NoteFailed { cause: never_arrived(), at: now }),
                Some(_) | None => expire,
            }),
            Err(error) => {
                tracing::warn!(%payment_id, %gateway, %error, "a gateway does not say what became of a payment");
                Some(payment::Command::NoteUnknown(NoteUnknown { asked_at: now }))
            }
        };
        match next {
            Some(command) => self.note(payment_id, &context, command).await.map(drop),
            None => Ok(()),
        }
    }

    /// Asks the gateway for the refunds of a payment that it has not answered.
    pub(super) async fn refund(&self, payment_id: PaymentId, now: DateTime<Utc>) -> Result<(), Source> {
        let payment = self.look(payment_id).await?;
        let Some(PaymentStarted { gateway, .. }) = payment.order() else { return Ok(()) };
        let context = self.context(now);
        let failed =
            |refund_id, cause, at| payment::Command::NoteRefundFailed(NoteRefundFailed { refund_id, cause, at, on: self.local_day(at) });
        for (refund_id, amount) in payment.open_refunds() {
            let order = RefundOrder { refund_id, payment_id, amount };
            let command = match self.gateways.get(gateway)?.refund(&order).await {
                Ok(RefundReport::Pending) => continue,
                Ok(RefundReport::Completed { reference, at }) => {
                    payment::Command::NoteRefundCompleted(NoteRefundCompleted { refund_id, gateway_reference: reference, at: at.min(now) })
                }
                Ok(RefundReport::Failed { cause, at }) => failed(refund_id, cause, at.min(now)),
                Err(GatewayError::Refused { cause }) => failed(refund_id, cause, now),
                Err(GatewayError::NoAnswer(error)) => {
                    tracing::warn!(%payment_id, %refund_id, %gateway, %error, "a gateway does not answer to a refund");
                    continue;
                }
            };
            self.note(payment_id, &context, command).await?;
        }
        Ok(())
    }

    pub(super) async fn look(&self, payment_id: PaymentId) -> Result<Payment, Source> {
        Ok(self.engine.look::<Payment>(&StreamName::of::<Payment>(payment_id)).await?)
    }

    /// Tells a payment what was heard of it. The same is the same command, whoever hears it.
    async fn note(&self, payment_id: PaymentId, context: &CommandContext, command: payment::Command) -> Result<Option<Position>, Source> {
        let stream = StreamName::of::<Payment>(payment_id);
        let context = CommandContext { command_id: command_id(payment_id, &command), ..context.clone() };
        let outcome = self.engine.execute::<Payment>(&stream, &context, command).await;
        let position = outcome.as_ref().ok().and_then(daftar_store::Outcome::position);
        if let Some(reason) = refusal(outcome)? {
            refusals::note(&self.engine, &context, refused(&stream, &reason)).await?;
        }
        Ok(position)
    }

    fn context(&self, now: DateTime<Utc>) -> CommandContext {
        CommandContext::new(Actor::job(ACTOR), HEARD, &now.to_rfc3339(), now)
    }

    /// The day that it is then, where the deployment is.
    pub fn local_day(&self, at: DateTime<Utc>) -> chrono::NaiveDate {
        at.with_timezone(&self.terms.zone).date_naive()
    }
}

fn command_id(payment_id: PaymentId, command: &payment::Command) -> uuid::Uuid {
    policy::request_id(payment_id.into(), &CommandHash::of(command).to_string())
}

fn refused<'a>(stream: &'a StreamName, reason: &'a str) -> Refused<'a> {
    Refused { policy: HEARD, event_id: None, stream, reason }
}

fn same(before: &PaymentStarted, wish: &NewPayment) -> Result<PaymentStarted, StartError> {
    let NewPayment { account_id, amount, directed, gateway, least: _ } = wish;
    let same = (before.account_id, before.amount) == (*account_id, *amount) && before.directed == *directed && before.gateway == *gateway;
    if same { Ok(before.clone()) } else { Err(StartError::IdempotencyKeyReused) }
}

fn never_arrived() -> Code {
    Code::new("never-arrived").expect("a code")
}
