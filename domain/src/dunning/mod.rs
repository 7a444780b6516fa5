//! What follows an unpaid bill, step by step, and what holds it up.
//!
//! An account's dunning has a stream of its own, under the account's id: what is charged and paid never waits for a reminder (decision 27).
//! The debt arrives in the command, because only the account knows it. A ladder is about the oldest open bill: once that is paid, it begins anew.

pub mod example;
mod holds;
mod ladder;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use holds::{DunningHeld, DunningHoldLifted, HoldDunning, HoldGround, LiftDunningHold};
pub use ladder::{Action, After, Channel, Ladder, LadderError, LadderTerms, Step};

use crate::{
    Code, Decider, Money,
    account::Debt,
    ids::{AccountId, DunningHoldId},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    AdvanceDunning(AdvanceDunning),
    HoldDunning(HoldDunning),
    LiftDunningHold(LiftDunningHold),
}

/// The end of a day asks what is to be done about a debt, as it stands on that day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdvanceDunning {
    pub account_id: AccountId,
    pub day: NaiveDate,
    pub debt: Debt,
    pub ladder: Ladder,
}

events! {
    DunningStepTaken 1
    DunningEnded 1
    DunningHeld 1
    DunningHoldLifted 1
}

/// A notice, or what is done instead of another. Whoever delivers it reads it here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DunningStepTaken {
    pub account_id: AccountId,
    pub ladder: Code,
    pub step: Code,
    pub action: Action,
    pub channel: Channel,
    pub template: Code,
    pub on: NaiveDate,
    /// When the oldest of it was due.
    pub since: NaiveDate,
    pub owed: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DunningEnded {
    pub account_id: AccountId,
    pub on: NaiveDate,
    pub cause: EndCause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndCause {
    /// Nothing is owed that is worth asking for.
    Settled,
    /// What it was about is paid; what is still owed was due later.
    OldestSettled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("hold {0} is already there with other content")]
    HoldIdReused(DunningHoldId),
    #[error("there is no hold {0}")]
    NoSuchHold(DunningHoldId),
    #[error("a promise to pay says how much, and until when")]
    PromiseIncomplete,
    #[error("a hold does not end before it begins")]
    HoldEndsBeforeItBegins,
    #[error("the hold began on {from}, after that day")]
    BeforeHold { from: NaiveDate },
}

/// What the rules need to know of an account's dunning.
#[derive(Clone, Debug, Default)]
pub struct Dunning {
    case: Option<Case>,
    holds: BTreeMap<DunningHoldId, holds::Hold>,
    /// The last day on which anything came of it.
    last_on: Option<NaiveDate>,
}

/// The steps about one oldest bill.
#[derive(Clone, Debug)]
struct Case {
    since: NaiveDate,
    taken: BTreeMap<Code, NaiveDate>,
    actions: BTreeMap<Action, NaiveDate>,
    last: Code,
    last_on: NaiveDate,
}

/// How far it has come with an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage<'a> {
    Quiet,
    /// The last step that was taken.
    Reached(&'a Code),
    /// Nothing follows for the time being.
    Held(HoldGround),
}

impl Dunning {
    pub fn stage(&self, day: NaiveDate) -> Stage<'_> {
        match (self.held(day), &self.case) {
            (Some(ground), _) => Stage::Held(ground),
            (None, Some(case)) => Stage::Reached(&case.last),
            (None, None) => Stage::Quiet,
        }
    }

    /// When a step of this kind was last taken about what is owed now.
    pub fn taken_on(&self, action: Action) -> Option<NaiveDate> {
        self.case.as_ref()?.actions.get(&action).copied()
    }

    /// What keeps anything from following on this day.
    pub fn held(&self, day: NaiveDate) -> Option<HoldGround> {
        self.holds.values().find(|hold| hold.covers(day)).map(holds::Hold::ground)
    }

    fn advance(&self, wish: AdvanceDunning) -> Vec<Event> {
        let AdvanceDunning { account_id, day, debt, ladder } = wish;
        // Days are ended in order: an older one has had its say.
        if self.last_on.is_some_and(|last_on| day < last_on) {
            return vec![];
        }
        let mut events = vec![];
        let mut case = self.case.as_ref();
        if let Some(cause) = case.and_then(|case| case.ended(day, &debt, &ladder)) {
            events.push(DunningEnded { account_id, on: day, cause }.into());
            case = None;
        }
        let taken = |code: &Code| case.and_then(|case| case.taken.get(code).copied());
        // One step a day: ended again, a day that has had its step has none left.
        if self.held(day).is_none()
            && case.is_none_or(|case| case.last_on < day)
            && let Some(since) = debt.since()
            && let Some(step) = ladder.due(day, &debt, &taken)
        {
            let Step { code, action, channel, template, .. } = step.clone();
            let (ladder, owed) = (ladder.version().clone(), debt.due_by(day.max(since)));
            events.push(DunningStepTaken { account_id, ladder, step: code, action, channel, template, on: day, since, owed }.into());
        }
        events
    }
}

impl Case {
    fn ended(&self, day: NaiveDate, debt: &Debt, ladder: &Ladder) -> Option<EndCause> {
        match debt.since() {
            None => Some(EndCause::Settled),
            Some(since) if !ladder.is_worth_asking(debt.due_by(day.max(since))) => Some(EndCause::Settled),
            Some(since) if since > self.since => Some(EndCause::OldestSettled),
            // The same bill, or one that is older and owed again: the customer has heard the warning.
            Some(_) => None,
        }
    }
}

impl Decider for Dunning {
    const CATEGORY: &'static str = "dunning";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::AdvanceDunning(wish) => Ok(self.advance(wish)),
            Command::HoldDunning(wish) => self.hold(wish),
            Command::LiftDunningHold(wish) => self.lift(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::DunningStepTaken(DunningStepTaken { step, action, on, since, .. }) => {
                let new = || Case { since: *since, taken: BTreeMap::new(), actions: BTreeMap::new(), last: step.clone(), last_on: *on };
                let case = self.case.get_or_insert_with(new);
                case.taken.insert(step.clone(), *on);
                case.actions.insert(*action, *on);
                case.last = step.clone();
                case.last_on = *on;
                self.last_on = Some(*on);
            }
            Event::DunningEnded(DunningEnded { on, .. }) => {
                self.case = None;
                self.last_on = Some(*on);
            }
            Event::DunningHeld(fact) => self.note_held(fact),
            Event::DunningHoldLifted(fact) => self.note_lifted(fact),
        }
        self
    }
}
