//! The ladder: which steps follow an unpaid bill, and when. A company writes it as JSON; its version is in every fact that came of it.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Code, Money, account::Debt};

/// Steps that agree with one another. Read from JSON it is checked; there is no other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LadderTerms")]
pub struct Ladder(LadderTerms);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LadderTerms {
    pub version: Code,
    /// For less nobody is asked, and what was begun ends; a currency that is not named has no such limit.
    #[serde(default)]
    pub smallest_debts: Vec<Money>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    pub code: Code,
    pub action: Action,
    /// Of the oldest open bill; a reminder comes before it, at less than nothing.
    pub days_after_due: i16,
    /// So long after that step was taken, however old the debt is.
    #[serde(default)]
    pub after: Option<After>,
    pub channel: Channel,
    pub template: Code,
    /// Not taken for less.
    #[serde(default)]
    pub smallest_debts: Vec<Money>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct After {
    pub step: Code,
    pub days: u16,
}

/// What a step is to whoever acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    Reminder,
    Warning,
    /// From here the law counts the days until a supply may be cut.
    InitialWarning,
    FinalNotice,
    OrderDisconnection,
    LegalAction,
    ProposeWriteOff,
}

impl Action {
    const fn may_be_passed_over(self) -> bool {
        match self {
            Self::Reminder | Self::Warning => true,
            Self::InitialWarning | Self::FinalNotice | Self::OrderDisconnection | Self::LegalAction | Self::ProposeWriteOff => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Channel {
    Sms,
    Email,
    Letter,
    Call,
    /// Nobody outside hears of it.
    Internal,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LadderError {
    #[error("a ladder has a step")]
    NoSteps,
    #[error("steps: `{0}` is there twice")]
    Twice(Code),
    #[error("steps: `{step}` comes earlier after the due date than the step before it")]
    OutOfOrder { step: Code },
    #[error("steps: `{step}` follows `{after}`, which is not a step before it")]
    AfterNothing { step: Code, after: Code },
    #[error("steps: `{step}` follows another at once: it needs a day between them")]
    AfterNoTime { step: Code },
    #[error("smallestDebts: an amount in {0} is below zero, or there twice")]
    BadLimit(crate::Currency),
}

impl TryFrom<LadderTerms> for Ladder {
    type Error = LadderError;

    fn try_from(terms: LadderTerms) -> Result<Self, LadderError> {
        check_limits(&terms.smallest_debts)?;
        let mut before = BTreeSet::new();
        let mut days = i16::MIN;
        for Step { code, days_after_due, after, smallest_debts, .. } in &terms.steps {
            check_limits(smallest_debts)?;
            if *days_after_due < days {
                return Err(LadderError::OutOfOrder { step: code.clone() });
            }
            if let Some(After { step, days }) = after {
                if !before.contains(step) {
                    return Err(LadderError::AfterNothing { step: code.clone(), after: step.clone() });
                }
                if *days == 0 {
                    return Err(LadderError::AfterNoTime { step: code.clone() });
                }
            }
            if !before.insert(code) {
                return Err(LadderError::Twice(code.clone()));
            }
            days = *days_after_due;
        }
        if before.is_empty() { Err(LadderError::NoSteps) } else { Ok(Self(terms)) }
    }
}

fn check_limits(limits: &[Money]) -> Result<(), LadderError> {
    let mut seen = BTreeSet::new();
    limits.iter().try_for_each(|limit| {
        if limit.minor >= 0 && seen.insert(limit.currency) { Ok(()) } else { Err(LadderError::BadLimit(limit.currency)) }
    })
}

impl Ladder {
    /// How long before its due date a bill is spoken of first; nothing, if it has to be late for that.
    pub fn days_ahead(&self) -> u64 {
        self.0.steps.first().map_or(0, |step| i64::from(step.days_after_due).min(0).unsigned_abs())
    }

    pub fn version(&self) -> &Code {
        &self.0.version
    }

    /// Whether anybody would be asked for so much.
    pub fn is_worth_asking(&self, owed: Money) -> bool {
        reaches(&self.0.smallest_debts, owed)
    }

    /// The step to take on this day, when these have been taken.
    ///
    /// Of several notices that have become due at once the last is sent, since nobody is helped by three letters in one post. What is more
    /// than a notice is not passed over, nor one for which another step waits; and what was passed over is not taken later.
    pub(super) fn due<'a>(&'a self, day: NaiveDate, debt: &Debt, taken: &dyn Fn(&Code) -> Option<NaiveDate>) -> Option<&'a Step> {
        let since = debt.since()?;
        let owed = debt.due_by(day.max(since));
        if !self.is_worth_asking(owed) {
            return None;
        }
        let reached = self.0.steps.iter().rposition(|step| taken(&step.code).is_some()).map_or(0, |last| last + 1);
        let mut due = None;
        for step in &self.0.steps[reached..] {
            let waited = match &step.after {
                None => true,
                Some(After { step, days }) => taken(step).is_some_and(|on| day - on >= TimeDelta::days((*days).into())),
            };
            if !waited || day - since < TimeDelta::days(step.days_after_due.into()) || !reaches(&step.smallest_debts, owed) {
                break;
            }
            due = Some(step);
            if !step.action.may_be_passed_over() || self.is_waited_for(&step.code) {
                break;
            }
        }
        due
    }

    fn is_waited_for(&self, code: &Code) -> bool {
        self.0.steps.iter().any(|step| step.after.as_ref().is_some_and(|after| after.step == *code))
    }
}

fn reaches(limits: &[Money], owed: Money) -> bool {
    let limit = limits.iter().find(|limit| limit.currency == owed.currency).map_or(0, |limit| limit.minor);
    owed.minor > 0 && owed.minor >= limit
}
