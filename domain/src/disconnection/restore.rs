//! From the cut back to the supply, against the clock.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Disconnection, DisconnectionRequested, Done, Event, Lift, LiftCause, Moment, NotDone, Rejection, Stage, Way};
use crate::{
    Code, Digest, Money, Reason,
    ids::{AccountId, MeterId},
};

/// Sends somebody out, or a command to the head-end. No law forbids it at any hour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DispatchReconnection {
    pub at: Moment,
}

/// Whether the time is over in which the supply was to be back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckClock {
    pub at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconnectionRequested {
    pub account_id: AccountId,
    pub meter_id: MeterId,
    pub lift: Lift,
    pub due_by: Moment,
    /// What the customer is to be billed for it: nothing, if the cut was our mistake or came after the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconnectionDispatched {
    pub at: Moment,
    pub way: Way,
    pub meter_id: MeterId,
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconnectionExecuted {
    pub account_id: AccountId,
    pub meter_id: MeterId,
    pub at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconnectionFailed {
    pub at: Moment,
    pub reason: Reason,
}

/// The customer is owed something for having waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconnectionFellLate {
    pub account_id: AccountId,
    pub at: Moment,
    pub due_by: Moment,
    pub compensation: Money,
}

/// The clock runs from the payment, or from the cut if that came after it: then it was ours to prevent, and costs nothing.
pub(super) fn requested(request: &DisconnectionRequested, lift: Lift, cut_at: Option<Moment>) -> ReconnectionRequested {
    let since = cut_at.map_or(lift.at, |cut_at| cut_at.max(lift.at));
    let theirs = match lift.cause {
        LiftCause::DebtSettled | LiftCause::PlanAgreed => since == lift.at,
        LiftCause::Withdrawn { .. } => false,
    };
    ReconnectionRequested {
        account_id: request.account_id,
        meter_id: request.meter_id,
        due_by: since.checked_add_signed(TimeDelta::minutes(lift.terms.within_minutes.into())).unwrap_or(since),
        fee: theirs.then_some(lift.terms.fee).filter(|fee| !fee.is_zero()),
        lift,
    }
}

/// A supply that is to come back.
struct Waiting {
    due_by: Moment,
    attempts: u32,
    out: bool,
    late: bool,
}

impl Disconnection {
    pub(super) fn dispatch_reconnection(&self, wish: DispatchReconnection) -> Result<Vec<Event>, Rejection> {
        let order = self.order()?;
        let Some(Waiting { attempts, out, .. }) = self.waiting()? else { return Ok(vec![]) };
        if out && order.unanswered.is_none_or(|(attempt, _)| attempt != attempts) {
            return Ok(vec![]);
        }
        let DisconnectionRequested { way, meter_id, .. } = order.request;
        Ok(vec![ReconnectionDispatched { at: wish.at, way, meter_id, attempt: attempts + 1 }.into()])
    }

    pub(super) fn reconnected(&self, done: Done) -> Result<Vec<Event>, Rejection> {
        let Done { at, reading, seal, photo } = done;
        let order = self.order()?;
        let Some(Waiting { due_by, attempts, late, .. }) = self.waiting()? else { return Ok(vec![]) };
        if attempts == 0 {
            return Err(Rejection::NotDispatched);
        }
        let missed = if late { None } else { self.missed(at, due_by)? };
        let DisconnectionRequested { account_id, meter_id, .. } = order.request;
        let back = ReconnectionExecuted { account_id, meter_id, at, reading, seal, photo };
        Ok(missed.map(Event::from).into_iter().chain([back.into()]).collect())
    }

    pub(super) fn not_reconnected(&self, not_done: NotDone) -> Result<Vec<Event>, Rejection> {
        let NotDone { at, reason } = not_done;
        let Some(Waiting { attempts, out, .. }) = self.waiting()? else { return Ok(vec![]) };
        if attempts == 0 {
            return Err(Rejection::NotDispatched);
        }
        Ok(if out { vec![ReconnectionFailed { at, reason }.into()] } else { vec![] })
    }

    /// Asked of an order for which no clock runs, there is nothing to say.
    pub(super) fn check_clock(&self, wish: CheckClock) -> Result<Vec<Event>, Rejection> {
        self.order()?;
        match self.waiting() {
            Ok(Some(Waiting { due_by, late: false, .. })) => Ok(self.missed(wish.at, due_by)?.map(Event::from).into_iter().collect()),
            Ok(Some(Waiting { late: true, .. }) | None) | Err(_) => Ok(vec![]),
        }
    }

    /// What waits for the supply to come back; nothing, if it has.
    fn waiting(&self) -> Result<Option<Waiting>, Rejection> {
        match self.order()?.stage {
            Stage::Restoring { due_by, attempts, out, late } => Ok(Some(Waiting { due_by, attempts, out, late })),
            Stage::Restored => Ok(None),
            Stage::Cancelled => Err(Rejection::Cancelled),
            Stage::Requested
            | Stage::Approved
            | Stage::Scheduled { .. }
            | Stage::Dispatched
            | Stage::Recalled
            | Stage::Failed
            | Stage::Cut => Err(Rejection::NotLifted),
        }
    }

    fn missed(&self, at: Moment, due_by: Moment) -> Result<Option<ReconnectionFellLate>, Rejection> {
        let order = self.order()?;
        let compensation = order.lift.as_ref().map(|lift| lift.terms.compensation);
        let account_id = order.request.account_id;
        Ok(compensation.filter(|_| at > due_by).map(|compensation| ReconnectionFellLate { account_id, at, due_by, compensation }))
    }
}
