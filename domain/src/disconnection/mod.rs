//! A supply that is cut because of a debt, and restored: one order from the request to the last word of whoever turned the switch.
//!
//! Both halves share one stream, so that a payment and an execution that meet do so here: one of them is first, and the other sees it
//! (decision 28). What a crew or a head-end reports has happened, and is never refused once it was sent out; what the rules say of it follows.

mod cut;
mod errand;
pub mod example;
mod guard;
mod lifting;
mod restore;
#[cfg(test)]
mod tests;

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use cut::{
    ApproveDisconnection, DisconnectionApproved, DisconnectionCancelled, DisconnectionDispatched, DisconnectionExecuted,
    DisconnectionFailed, DisconnectionRecalled, DisconnectionRequested, DisconnectionScheduled, DispatchDisconnection, LiftDisconnection,
    RequestDisconnection, ScheduleDisconnection,
};
pub use errand::{Errand, Turn};
pub use guard::{Days, Evidence, Guard, Hours, Prohibited};
pub use restore::{
    CheckClock, DispatchReconnection, ReconnectionDispatched, ReconnectionExecuted, ReconnectionFailed, ReconnectionFellLate,
    ReconnectionRequested,
};

use crate::{
    Code, Decider, Digest, Money, Reason,
    ids::{AccountId, MeterId},
    schema::events,
};

/// An instant, with the clock on the wall where it happened.
pub type Moment = DateTime<FixedOffset>;

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RequestDisconnection(RequestDisconnection),
    ApproveDisconnection(ApproveDisconnection),
    ScheduleDisconnection(ScheduleDisconnection),
    DispatchDisconnection(DispatchDisconnection),
    /// The supply is off.
    ReportDisconnected(Done),
    ReportNotDisconnected(NotDone),
    LiftDisconnection(LiftDisconnection),
    DispatchReconnection(DispatchReconnection),
    /// The supply is on again.
    ReportReconnected(Done),
    ReportNotReconnected(NotDone),
    NoteSwitchUnanswered(NoteSwitchUnanswered),
    CheckClock(CheckClock),
}

/// What whoever turned the switch says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Done {
    pub at: Moment,
    pub reading: Option<Decimal>,
    pub seal: Option<Code>,
    /// Of a photo, which is kept outside the log.
    pub photo: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotDone {
    pub at: Moment,
    pub reason: Reason,
}

/// A head-end has not said in time what became of a command: it may have been carried out, or not, or will be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteSwitchUnanswered {
    pub attempt: u32,
    pub at: Moment,
}

events! {
    DisconnectionRequested 1
    DisconnectionApproved 1
    DisconnectionScheduled 1
    DisconnectionDispatched 1
    DisconnectionExecuted 1
    DisconnectionFailed 1
    DisconnectionRecalled 1
    DisconnectionCancelled 1
    SwitchUnanswered 1
    ReconnectionRequested 1
    ReconnectionDispatched 1
    ReconnectionExecuted 1
    ReconnectionFailed 1
    ReconnectionFellLate 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwitchUnanswered {
    pub attempt: u32,
    pub at: Moment,
}

/// How the switch is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    Crew,
    HeadEnd,
}

/// Why the supply is to stay on, or to come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LiftCause {
    DebtSettled,
    PlanAgreed,
    /// It should not have been asked for.
    Withdrawn {
        reason: Reason,
    },
}

/// What restoring costs, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreTerms {
    pub version: Code,
    pub fee: Money,
    pub within_minutes: u32,
    /// What is owed to the customer if it takes longer.
    pub compensation: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lift {
    pub at: Moment,
    pub cause: LiftCause,
    pub terms: RestoreTerms,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such order")]
    NoSuchOrder,
    #[error("the order is already there with other content")]
    OrderIdReused,
    #[error("the order is not approved")]
    NotApproved,
    #[error("the order is not scheduled")]
    NotScheduled,
    #[error("the order is scheduled for {planned_for}")]
    BeforeItsTime { planned_for: Moment },
    #[error("nobody was sent out for it")]
    NotDispatched,
    #[error("somebody is out for it already")]
    Out,
    #[error("the order is called back: nobody is sent out for it any more")]
    Recalled,
    #[error("the order is cancelled")]
    Cancelled,
    #[error("the supply is cut already")]
    AlreadyCut,
    #[error("the debt is not settled and the order not withdrawn")]
    NotLifted,
    #[error("the law forbids the cut: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Prohibited(Vec<Prohibited>),
}

/// What the rules need to know of an order's history.
#[derive(Clone, Debug, Default)]
pub struct Disconnection {
    order: Option<Order>,
}

#[derive(Clone, Debug)]
struct Order {
    request: DisconnectionRequested,
    stage: Stage,
    /// How often somebody was sent out to cut: once is enough for it to have happened, whatever was said since.
    attempts: u32,
    /// When somebody was sent the last time, either way.
    sent_at: Option<Moment>,
    /// How often the errand of now came to nothing, by the word of whoever was out.
    failures: u32,
    unanswered: Option<(u32, Moment)>,
    cut_at: Option<Moment>,
    lift: Option<Lift>,
}

impl Order {
    fn new(request: &DisconnectionRequested) -> Self {
        let request = request.clone();
        Self { request, stage: Stage::Requested, attempts: 0, sent_at: None, failures: 0, unanswered: None, cut_at: None, lift: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Requested,
    Approved,
    Scheduled {
        planned_for: Moment,
    },
    Dispatched,
    /// Called back while somebody was out: whether the supply is off is not known yet.
    Recalled,
    Failed,
    Cancelled,
    Cut,
    Restoring {
        due_by: Moment,
        attempts: u32,
        out: bool,
        late: bool,
    },
    Restored,
}

impl Disconnection {
    pub fn stage(&self) -> Option<Stage> {
        self.order.as_ref().map(|order| order.stage)
    }

    pub fn account_id(&self) -> Option<AccountId> {
        self.order.as_ref().map(|order| order.request.account_id)
    }

    pub fn meter_id(&self) -> Option<MeterId> {
        self.order.as_ref().map(|order| order.request.meter_id)
    }

    fn order(&self) -> Result<&Order, Rejection> {
        self.order.as_ref().ok_or(Rejection::NoSuchOrder)
    }

    fn unanswered(&self, wish: NoteSwitchUnanswered) -> Result<Vec<Event>, Rejection> {
        let NoteSwitchUnanswered { attempt, at } = wish;
        let order = self.order()?;
        let (out, last) = match order.stage {
            Stage::Dispatched | Stage::Recalled => (true, order.attempts),
            Stage::Restoring { attempts, out, .. } => (out, attempts),
            // It was answered after all.
            Stage::Failed | Stage::Cancelled | Stage::Cut | Stage::Restored => return Ok(vec![]),
            Stage::Requested | Stage::Approved | Stage::Scheduled { .. } => return Err(Rejection::NotDispatched),
        };
        let news = out && attempt == last && order.unanswered.is_none_or(|(known, _)| known != attempt);
        Ok(if news { vec![SwitchUnanswered { attempt, at }.into()] } else { vec![] })
    }
}

impl Decider for Disconnection {
    const CATEGORY: &'static str = "disconnection";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::RequestDisconnection(wish) => self.request(wish),
            Command::ApproveDisconnection(wish) => self.approve(wish),
            Command::ScheduleDisconnection(wish) => self.schedule(wish),
            Command::DispatchDisconnection(wish) => self.dispatch(wish),
            Command::ReportDisconnected(done) => self.disconnected(done),
            Command::ReportNotDisconnected(not_done) => self.not_disconnected(not_done),
            Command::LiftDisconnection(wish) => self.lift(wish),
            Command::DispatchReconnection(wish) => self.dispatch_reconnection(wish),
            Command::ReportReconnected(done) => self.reconnected(done),
            Command::ReportNotReconnected(not_done) => self.not_reconnected(not_done),
            Command::NoteSwitchUnanswered(wish) => self.unanswered(wish),
            Command::CheckClock(wish) => self.check_clock(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        if let Event::DisconnectionRequested(fact) = event {
            self.order = Some(Order::new(fact));
        }
        let Some(order) = &mut self.order else { return self };
        match event {
            Event::DisconnectionRequested(_) => {}
            Event::DisconnectionApproved(_) => order.stage = Stage::Approved,
            Event::DisconnectionScheduled(fact) => order.stage = Stage::Scheduled { planned_for: fact.planned_for },
            Event::DisconnectionDispatched(fact) => {
                order.stage = Stage::Dispatched;
                order.attempts = fact.attempt;
                order.sent_at = Some(fact.at);
            }
            Event::DisconnectionExecuted(fact) => {
                order.stage = Stage::Cut;
                order.cut_at = Some(fact.at);
                order.unanswered = None;
            }
            Event::DisconnectionFailed(_) => {
                order.stage = Stage::Failed;
                order.failures += 1;
            }
            Event::DisconnectionRecalled(fact) => {
                order.stage = Stage::Recalled;
                order.lift = Some(fact.lift.clone());
            }
            Event::DisconnectionCancelled(fact) => {
                order.stage = Stage::Cancelled;
                order.lift = Some(fact.lift.clone());
            }
            Event::SwitchUnanswered(fact) => order.unanswered = Some((fact.attempt, fact.at)),
            Event::ReconnectionRequested(fact) => {
                order.stage = Stage::Restoring { due_by: fact.due_by, attempts: 0, out: false, late: false };
                order.lift = Some(fact.lift.clone());
                order.unanswered = None;
                order.failures = 0;
            }
            Event::ReconnectionDispatched(fact) => {
                order.sent_at = Some(fact.at);
                order.restoring(|attempts, out, _| {
                    *attempts = fact.attempt;
                    *out = true;
                });
            }
            Event::ReconnectionFailed(_) => {
                order.failures += 1;
                order.restoring(|_, out, _| *out = false);
            }
            Event::ReconnectionFellLate(_) => order.restoring(|_, _, late| *late = true),
            Event::ReconnectionExecuted(_) => order.stage = Stage::Restored,
        }
        self
    }
}
