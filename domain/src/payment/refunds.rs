//! Refunds through the gateway that took the payment: asked for here, answered there.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Payment, Rejection, State};
use crate::{
    Code, Money,
    ids::{AccountId, RefundId},
};

/// After the account has refunded it: the money is no longer the customer's credit when it leaves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestGatewayRefund {
    pub refund_id: RefundId,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteRefundCompleted {
    pub refund_id: RefundId,
    pub gateway_reference: Code,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteRefundFailed {
    pub refund_id: RefundId,
    /// The gateway's own.
    pub cause: Code,
    pub at: DateTime<Utc>,
    /// The local date of that instant.
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewayRefundRequested {
    pub refund_id: RefundId,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewayRefundCompleted {
    pub refund_id: RefundId,
    pub gateway_reference: Code,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewayRefundFailed {
    pub refund_id: RefundId,
    pub account_id: AccountId,
    pub cause: Code,
    pub at: DateTime<Utc>,
    pub on: NaiveDate,
}

#[derive(Clone, Debug)]
pub(super) struct Refund {
    amount: Money,
    outcome: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Completed { gateway_reference: Code },
    Failed,
}

impl Refund {
    pub(super) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    pub(super) fn amount(&self) -> Money {
        self.amount
    }
}

impl Payment {
    pub(super) fn refund_was_requested(&mut self, fact: &GatewayRefundRequested) {
        self.refunds.insert(fact.refund_id, Refund { amount: fact.amount, outcome: None });
    }

    pub(super) fn refund_was_completed(&mut self, fact: &GatewayRefundCompleted) {
        if let Some(refund) = self.refunds.get_mut(&fact.refund_id) {
            refund.outcome = Some(Outcome::Completed { gateway_reference: fact.gateway_reference.clone() });
        }
    }

    pub(super) fn refund_has_failed(&mut self, fact: &GatewayRefundFailed) {
        if let Some(refund) = self.refunds.get_mut(&fact.refund_id) {
            refund.outcome = Some(Outcome::Failed);
        }
    }

    pub(super) fn request_refund(&self, wish: RequestGatewayRefund) -> Result<Vec<Event>, Rejection> {
        let RequestGatewayRefund { refund_id, amount } = wish;
        let paid = self.started()?.amount;
        match self.state {
            State::Completed => {}
            State::Started | State::Pending | State::Unknown { .. } | State::Failed | State::Expired => {
                return Err(Rejection::NotCompleted);
            }
        }
        if let Some(already) = self.refunds.get(&refund_id) {
            return if already.amount == amount { Ok(vec![]) } else { Err(Rejection::RefundIdReused) };
        }
        if amount.minor <= 0 {
            return Err(Rejection::AmountNotPositive);
        }
        let asked = self.refunds.values().filter(|refund| refund.outcome != Some(Outcome::Failed)).map(|refund| refund.amount.minor);
        let left = Money::new(paid.minor - asked.sum::<i64>(), paid.currency);
        if amount.currency != left.currency || left.minor < amount.minor {
            return Err(Rejection::RefundTooLarge { left });
        }
        Ok(vec![GatewayRefundRequested { refund_id, amount }.into()])
    }

    pub(super) fn refund_completed(&self, wish: NoteRefundCompleted) -> Result<Vec<Event>, Rejection> {
        let NoteRefundCompleted { refund_id, gateway_reference, at } = wish;
        match &self.refund(refund_id)?.outcome {
            None => Ok(vec![GatewayRefundCompleted { refund_id, gateway_reference, at }.into()]),
            Some(Outcome::Completed { gateway_reference: known }) if *known == gateway_reference => Ok(vec![]),
            Some(Outcome::Completed { .. } | Outcome::Failed) => Err(Rejection::RefundSettledOtherwise),
        }
    }

    pub(super) fn refund_failed(&self, wish: NoteRefundFailed) -> Result<Vec<Event>, Rejection> {
        let NoteRefundFailed { refund_id, cause, at, on } = wish;
        let account_id = self.started()?.account_id;
        match &self.refund(refund_id)?.outcome {
            None => Ok(vec![GatewayRefundFailed { refund_id, account_id, cause, at, on }.into()]),
            Some(Outcome::Failed) => Ok(vec![]),
            Some(Outcome::Completed { .. }) => Err(Rejection::RefundSettledOtherwise),
        }
    }

    fn refund(&self, refund_id: RefundId) -> Result<&Refund, Rejection> {
        self.started()?;
        self.refunds.get(&refund_id).ok_or(Rejection::NoSuchRefund)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{
        super::{
            Command,
            example::{at, code, completed, started},
        },
        *,
    };
    use crate::{Currency, spec::given};

    const fn id(n: u128) -> RefundId {
        RefundId::new(Uuid::from_u128(700 + n))
    }

    fn sar(minor: i64) -> Money {
        Money::new(minor, Currency::SAR)
    }

    fn request(n: u128, minor: i64) -> Command {
        Command::RequestGatewayRefund(RequestGatewayRefund { refund_id: id(n), amount: sar(minor) })
    }

    fn requested(n: u128, minor: i64) -> Event {
        GatewayRefundRequested { refund_id: id(n), amount: sar(minor) }.into()
    }

    fn failed(n: u128) -> Event {
        let account_id = super::super::example::start().account_id;
        GatewayRefundFailed { refund_id: id(n), account_id, cause: code("closed-card"), at: at(30), on: at(30).date_naive() }.into()
    }

    fn paid<const N: usize>(facts: [Event; N]) -> crate::spec::Given<Payment> {
        given::<Payment>([started(), completed(false)].into_iter().chain(facts))
    }

    #[test]
    fn a_completed_payment_is_refunded_up_to_what_was_paid() {
        paid([]).when(request(1, 11_500)).then([requested(1, 11_500)]);
        paid([requested(1, 11_000)]).when(request(2, 501)).then_rejected(Rejection::RefundTooLarge { left: sar(500) });
        paid([requested(1, 11_000), failed(1)]).when(request(2, 11_500)).then([requested(2, 11_500)]);
        paid([requested(1, 11_000)]).when(request(1, 5)).then_rejected(Rejection::RefundIdReused);
        paid([]).when(request(1, 0)).then_rejected(Rejection::AmountNotPositive);
        given::<Payment>([started()]).when(request(1, 1)).then_rejected(Rejection::NotCompleted);
        given::<Payment>([]).when(request(1, 1)).then_rejected(Rejection::NotStarted);
    }

    #[test]
    fn a_refund_has_one_outcome() {
        let complete = |reference: &str| {
            let gateway_reference = code(reference);
            Command::NoteRefundCompleted(NoteRefundCompleted { refund_id: id(1), gateway_reference, at: at(30) })
        };
        let done = || Event::from(GatewayRefundCompleted { refund_id: id(1), gateway_reference: code("GR-1"), at: at(30) });
        let fail = || {
            Command::NoteRefundFailed(NoteRefundFailed {
                refund_id: id(1),
                cause: code("closed-card"),
                at: at(30),
                on: at(30).date_naive(),
            })
        };
        paid([requested(1, 5)]).when(complete("GR-1")).then([done()]);
        paid([requested(1, 5)]).when(fail()).then([failed(1)]);
        for (facts, command) in [
            ([requested(1, 5), done()], complete("GR-2")),
            ([requested(1, 5), done()], fail()),
            ([requested(1, 5), failed(1)], complete("GR-1")),
        ] {
            paid(facts).when(command).then_rejected(Rejection::RefundSettledOtherwise);
        }
        paid([]).when(complete("GR-1")).then_rejected(Rejection::NoSuchRefund);
        paid([]).when(fail()).then_rejected(Rejection::NoSuchRefund);
    }
}
