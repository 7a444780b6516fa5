//! An instalment plan holds its account's dunning up as long as it runs. One hold for each plan, whose id follows from the plan's.

use chrono::NaiveDate;

use super::{Asked, Wish};
use crate::{
    Reason, StreamName,
    account::PlanAgreed,
    dunning::{Command, Dunning, HoldDunning, HoldGround, LiftDunningHold},
    ids::{AccountId, DunningHoldId, InstalmentPlanId, created_id},
};

pub const HOLD_FOR_PLAN: &str = "holdForPlan";
pub const LIFT_AFTER_PLAN: &str = "liftAfterPlan";

pub(super) fn agreed(account_id: AccountId, fact: &PlanAgreed) -> Option<Asked> {
    let hold = HoldDunning {
        account_id,
        hold_id: hold_id(fact.plan_id),
        ground: HoldGround::InstalmentPlan,
        promised: None,
        from: fact.on,
        until: None,
        reason: Reason::new("an instalment plan was agreed").ok()?,
    };
    Some(to_dunning(HOLD_FOR_PLAN, account_id, Command::HoldDunning(hold)))
}

/// Whichever way it ended, and on the day on which it did.
pub(super) fn ended(account_id: AccountId, plan_id: InstalmentPlanId, on: NaiveDate) -> Option<Asked> {
    let lift = LiftDunningHold { hold_id: hold_id(plan_id), on, reason: Reason::new("the instalment plan is over").ok()? };
    Some(to_dunning(LIFT_AFTER_PLAN, account_id, Command::LiftDunningHold(lift)))
}

fn hold_id(plan_id: InstalmentPlanId) -> DunningHoldId {
    DunningHoldId::new(created_id(plan_id.into(), "hold"))
}

fn to_dunning(name: &'static str, account_id: AccountId, command: Command) -> Asked {
    (name, StreamName::of::<Dunning>(account_id), Wish::Dunning(Box::new(command)))
}
