//! From the request to the cut, or to an end without one.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    Disconnection, Done, Event, Evidence, Guard, Lift, LiftCause, Moment, NotDone, Order, Rejection, RestoreTerms, Stage, Way, restore,
};
use crate::{
    Code, Digest, Money, Reason,
    ids::{AccountId, DisconnectionId, MeterId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestDisconnection {
    pub disconnection_id: DisconnectionId,
    pub account_id: AccountId,
    pub meter_id: MeterId,
    pub way: Way,
    pub owed: Money,
    pub at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApproveDisconnection {
    pub at: Moment,
}

/// What failed is scheduled anew.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScheduleDisconnection {
    pub at: Moment,
    pub planned_for: Moment,
    pub guard: Guard,
    pub evidence: Evidence,
}

/// Sends somebody out, or a command to the head-end; once more, if that did not answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DispatchDisconnection {
    pub at: Moment,
    pub guard: Guard,
    pub evidence: Evidence,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiftDisconnection {
    pub at: Moment,
    pub cause: LiftCause,
    pub terms: RestoreTerms,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionRequested {
    pub disconnection_id: DisconnectionId,
    pub account_id: AccountId,
    pub meter_id: MeterId,
    pub way: Way,
    pub owed: Money,
    pub at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionApproved {
    pub at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionScheduled {
    pub at: Moment,
    pub planned_for: Moment,
    /// The version of the rules that allowed it.
    pub rules: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionDispatched {
    pub at: Moment,
    pub way: Way,
    pub meter_id: MeterId,
    /// From one on. The head-end knows all attempts by one id, so that two of them turn the switch once.
    pub attempt: u32,
    pub rules: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionExecuted {
    pub account_id: AccountId,
    pub meter_id: MeterId,
    pub at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Digest>,
    /// The order was called back before this became known.
    pub recalled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionFailed {
    pub at: Moment,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionRecalled {
    pub lift: Lift,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectionCancelled {
    pub at: Moment,
    pub lift: Lift,
}

impl Disconnection {
    pub(super) fn request(&self, wish: RequestDisconnection) -> Result<Vec<Event>, Rejection> {
        let RequestDisconnection { disconnection_id, account_id, meter_id, way, owed, at } = wish;
        let fact = DisconnectionRequested { disconnection_id, account_id, meter_id, way, owed, at };
        match &self.order {
            None => Ok(vec![fact.into()]),
            Some(order) if order.request == fact => Ok(vec![]),
            Some(_) => Err(Rejection::OrderIdReused),
        }
    }

    pub(super) fn approve(&self, wish: ApproveDisconnection) -> Result<Vec<Event>, Rejection> {
        match self.order()?.stage {
            Stage::Requested => Ok(vec![DisconnectionApproved { at: wish.at }.into()]),
            Stage::Approved | Stage::Scheduled { .. } | Stage::Dispatched | Stage::Failed => Ok(vec![]),
            over @ (Stage::Recalled | Stage::Cancelled | Stage::Cut | Stage::Restoring { .. } | Stage::Restored) => Err(refusal(over)),
        }
    }

    pub(super) fn schedule(&self, wish: ScheduleDisconnection) -> Result<Vec<Event>, Rejection> {
        let ScheduleDisconnection { at, planned_for, guard, evidence } = wish;
        match self.order()?.stage {
            Stage::Scheduled { planned_for: already } if already == planned_for => return Ok(vec![]),
            Stage::Approved | Stage::Scheduled { .. } | Stage::Failed => {}
            not @ (Stage::Requested
            | Stage::Dispatched
            | Stage::Recalled
            | Stage::Cancelled
            | Stage::Cut
            | Stage::Restoring { .. }
            | Stage::Restored) => return Err(refusal(not)),
        }
        allowed(&guard, planned_for, &evidence)?;
        Ok(vec![DisconnectionScheduled { at, planned_for, rules: guard.version }.into()])
    }

    /// The law is asked again: what was allowed when it was planned may not be any more.
    pub(super) fn dispatch(&self, wish: DispatchDisconnection) -> Result<Vec<Event>, Rejection> {
        let DispatchDisconnection { at, guard, evidence } = wish;
        let order = self.order()?;
        match order.stage {
            Stage::Scheduled { planned_for } if at < planned_for => return Err(Rejection::BeforeItsTime { planned_for }),
            Stage::Scheduled { .. } => {}
            Stage::Dispatched if order.unanswered.is_some_and(|(attempt, _)| attempt == order.attempts) => {}
            Stage::Dispatched => return Ok(vec![]),
            Stage::Approved | Stage::Failed => return Err(Rejection::NotScheduled),
            not @ (Stage::Requested | Stage::Recalled | Stage::Cancelled | Stage::Cut | Stage::Restoring { .. } | Stage::Restored) => {
                return Err(refusal(not));
            }
        }
        allowed(&guard, at, &evidence)?;
        let DisconnectionRequested { way, meter_id, .. } = order.request;
        Ok(vec![DisconnectionDispatched { at, way, meter_id, attempt: order.attempts + 1, rules: guard.version }.into()])
    }

    /// Once somebody was out, the cut may have happened, whatever was said or decided since. If the order was lifted, the supply comes back.
    pub(super) fn disconnected(&self, done: Done) -> Result<Vec<Event>, Rejection> {
        let order = self.order()?;
        let recalled = match order.stage {
            Stage::Dispatched => false,
            Stage::Failed | Stage::Scheduled { .. } if order.attempts > 0 => false,
            Stage::Recalled => true,
            Stage::Cancelled if order.attempts > 0 => true,
            Stage::Cut | Stage::Restoring { .. } | Stage::Restored => return Ok(vec![]),
            Stage::Requested | Stage::Approved | Stage::Scheduled { .. } | Stage::Failed | Stage::Cancelled => {
                return Err(Rejection::NotDispatched);
            }
        };
        let Done { at, reading, seal, photo } = done;
        let DisconnectionRequested { account_id, meter_id, .. } = order.request;
        let cut = DisconnectionExecuted { account_id, meter_id, at, reading, seal, photo, recalled };
        let restore = order.lift.clone().filter(|_| recalled).map(|lift| restore::requested(&order.request, lift, Some(at)));
        Ok([cut.into()].into_iter().chain(restore.map(Event::from)).collect())
    }

    pub(super) fn not_disconnected(&self, not_done: NotDone) -> Result<Vec<Event>, Rejection> {
        let NotDone { at, reason } = not_done;
        let order = self.order()?;
        match (order.stage, &order.lift) {
            (Stage::Dispatched, _) => Ok(vec![DisconnectionFailed { at, reason }.into()]),
            (Stage::Recalled, Some(lift)) => Ok(vec![DisconnectionCancelled { at, lift: lift.clone() }.into()]),
            (Stage::Failed | Stage::Cancelled, _) if order.attempts > 0 => Ok(vec![]),
            // It is off: somebody has seen it.
            (Stage::Cut | Stage::Restoring { .. } | Stage::Restored, _) => Err(Rejection::AlreadyCut),
            (Stage::Requested | Stage::Approved | Stage::Scheduled { .. } | Stage::Failed | Stage::Cancelled | Stage::Recalled, _) => {
                Err(Rejection::NotDispatched)
            }
        }
    }

    /// The debt is settled, or the order was wrong: what is not executed is not executed any more, and what is, is undone.
    pub(super) fn lift(&self, wish: LiftDisconnection) -> Result<Vec<Event>, Rejection> {
        let LiftDisconnection { at, cause, terms } = wish;
        let lift = Lift { at, cause, terms };
        let order = self.order()?;
        Ok(match order.stage {
            Stage::Requested | Stage::Approved | Stage::Scheduled { .. } | Stage::Failed => {
                vec![DisconnectionCancelled { at, lift }.into()]
            }
            Stage::Dispatched => vec![DisconnectionRecalled { lift }.into()],
            Stage::Cut => vec![restore::requested(&order.request, lift, order.cut_at).into()],
            Stage::Recalled | Stage::Cancelled | Stage::Restoring { .. } | Stage::Restored => vec![],
        })
    }
}

impl Order {
    pub(super) fn restoring(&mut self, change: impl FnOnce(&mut u32, &mut bool, &mut bool)) {
        if let Stage::Restoring { attempts, out, late, .. } = &mut self.stage {
            change(attempts, out, late);
        }
    }
}

fn allowed(guard: &Guard, at: Moment, evidence: &Evidence) -> Result<(), Rejection> {
    let found = guard.prohibits(at, evidence);
    if found.is_empty() { Ok(()) } else { Err(Rejection::Prohibited(found)) }
}

/// Why an order that has come this far does not go on towards the cut.
fn refusal(stage: Stage) -> Rejection {
    match stage {
        Stage::Requested => Rejection::NotApproved,
        Stage::Approved | Stage::Scheduled { .. } | Stage::Failed => Rejection::NotScheduled,
        Stage::Dispatched => Rejection::Out,
        Stage::Cut | Stage::Restoring { .. } | Stage::Restored => Rejection::AlreadyCut,
        Stage::Recalled => Rejection::Recalled,
        Stage::Cancelled => Rejection::Cancelled,
    }
}
