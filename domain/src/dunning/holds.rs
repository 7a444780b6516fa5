//! What holds dunning up: a promise, a plan, a complaint, a customer who is protected. A disputed bill needs no hold, because it is not asked for.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Dunning, Event, Rejection};
use crate::{
    Money, Reason,
    ids::{AccountId, DunningHoldId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HoldDunning {
    pub account_id: AccountId,
    pub hold_id: DunningHoldId,
    pub ground: HoldGround,
    /// What was promised; only of a promise.
    pub promised: Option<Money>,
    pub from: NaiveDate,
    /// The last day; without one it holds until it is lifted.
    pub until: Option<NaiveDate>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiftDunningHold {
    pub hold_id: DunningHoldId,
    /// The first day that is no longer held.
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DunningHeld {
    pub account_id: AccountId,
    pub hold_id: DunningHoldId,
    pub ground: HoldGround,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<Money>,
    pub from: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DunningHoldLifted {
    pub account_id: AccountId,
    pub hold_id: DunningHoldId,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HoldGround {
    PromiseToPay,
    InstalmentPlan,
    OpenComplaint,
    /// Somebody there cannot be without power. What proves it is health data and kept elsewhere.
    ProtectedCustomer,
}

#[derive(Clone, Debug)]
pub(super) struct Hold {
    fact: DunningHeld,
    lifted_on: Option<NaiveDate>,
}

impl Hold {
    pub(super) fn ground(&self) -> HoldGround {
        self.fact.ground
    }

    /// A promise that its day has passed is kept or broken: either way it holds nothing up any longer.
    pub(super) fn covers(&self, day: NaiveDate) -> bool {
        self.fact.from <= day && self.fact.until.is_none_or(|until| day <= until) && self.lifted_on.is_none_or(|on| day < on)
    }
}

impl Dunning {
    pub(super) fn hold(&self, wish: HoldDunning) -> Result<Vec<Event>, Rejection> {
        let HoldDunning { account_id, hold_id, ground, promised, from, until, reason } = wish;
        let fact = DunningHeld { account_id, hold_id, ground, promised, from, until, reason };
        match self.holds.get(&hold_id) {
            Some(hold) if hold.fact == fact => return Ok(vec![]),
            Some(_) => return Err(Rejection::HoldIdReused(hold_id)),
            None => {}
        }
        let promise = until.is_some() && promised.is_some_and(|promised| promised.minor > 0);
        match ground {
            HoldGround::PromiseToPay if !promise => return Err(Rejection::PromiseIncomplete),
            HoldGround::PromiseToPay | HoldGround::InstalmentPlan | HoldGround::OpenComplaint | HoldGround::ProtectedCustomer => {}
        }
        if until.is_some_and(|until| until < from) {
            return Err(Rejection::HoldEndsBeforeItBegins);
        }
        Ok(vec![fact.into()])
    }

    pub(super) fn lift(&self, wish: LiftDunningHold) -> Result<Vec<Event>, Rejection> {
        let LiftDunningHold { hold_id, on, reason } = wish;
        let hold = self.holds.get(&hold_id).ok_or(Rejection::NoSuchHold(hold_id))?;
        if hold.lifted_on.is_some() {
            return Ok(vec![]);
        }
        if on < hold.fact.from {
            return Err(Rejection::BeforeHold { from: hold.fact.from });
        }
        Ok(vec![DunningHoldLifted { account_id: hold.fact.account_id, hold_id, on, reason }.into()])
    }

    pub(super) fn note_held(&mut self, fact: &DunningHeld) {
        self.holds.insert(fact.hold_id, Hold { fact: fact.clone(), lifted_on: None });
    }

    pub(super) fn note_lifted(&mut self, fact: &DunningHoldLifted) {
        if let Some(hold) = self.holds.get_mut(&fact.hold_id) {
            hold.lifted_on = Some(fact.on);
        }
    }
}
