//! The work: begun, checked, ready, and out of the door; given up, or come back.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, Rejection, Status, Visit};
use crate::{Actor, Money, Reason, Sealed};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StartWork {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FinishWork {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassCheck {
    pub checked_by: Actor,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailCheck {
    pub checked_by: Actor,
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeliverRepair {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelRepair {
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReturnUnderWarranty {
    pub complaint: Sealed,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkStarted {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkFinished {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckPassed {
    pub checked_by: Actor,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckFailed {
    pub checked_by: Actor,
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairDelivered {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairCancelled {
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReturnedUnderWarranty {
    /// Counted from 1 for the first time that the device came in.
    pub visit: u32,
    pub complaint: Sealed,
    pub on: NaiveDate,
}

impl Visit {
    pub(super) fn start(&self, wish: StartWork) -> Result<Vec<Event>, Rejection> {
        let StartWork { on } = wish;
        if self.begun && self.stage == Status::InProgress {
            return Ok(vec![]);
        }
        self.only(&[Status::Approved])?;
        if let Some((_, estimate)) = &self.estimate {
            let (wanted, paid) = (estimate.terms.deposit, self.paid_ahead(estimate.terms.currency));
            if paid.minor < wanted.minor {
                return Err(Rejection::DepositMissing { wanted, paid });
            }
        }
        Ok(vec![WorkStarted { on }.into()])
    }

    /// Every part that came is in the device or back on its shelf.
    pub(super) fn finish(&self, wish: FinishWork) -> Result<Vec<Event>, Rejection> {
        let FinishWork { on } = wish;
        if self.stage == Status::QualityCheck {
            return Ok(vec![]);
        }
        self.only(&[Status::InProgress])?;
        match self.parts.values().map(|part| part.left()).sum() {
            0 => Ok(vec![WorkFinished { on }.into()]),
            left => Err(Rejection::PartsLeftOver(left)),
        }
    }

    pub(super) fn pass_check(&self, wish: PassCheck) -> Result<Vec<Event>, Rejection> {
        let PassCheck { checked_by, on } = wish;
        if self.stage == Status::Ready {
            return Ok(vec![]);
        }
        self.only(&[Status::QualityCheck])?;
        Ok(vec![CheckPassed { checked_by, on }.into()])
    }

    pub(super) fn fail_check(&self, wish: FailCheck) -> Result<Vec<Event>, Rejection> {
        let FailCheck { checked_by, reason, on } = wish;
        let failed = CheckFailed { checked_by, reason, on };
        if self.stage == Status::InProgress && self.failed_check.as_ref() == Some(&failed) {
            return Ok(vec![]);
        }
        self.only(&[Status::QualityCheck])?;
        Ok(vec![failed.into()])
    }

    pub(super) fn deliver(&self, wish: DeliverRepair) -> Result<Vec<Event>, Rejection> {
        let DeliverRepair { on } = wish;
        if self.stage == Status::Delivered {
            return Ok(vec![]);
        }
        self.only(&[Status::Ready])?;
        match self.ready_on {
            Some(earliest) if on < earliest => Err(Rejection::TooEarly { date: on, earliest }),
            Some(_) | None => Ok(vec![RepairDelivered { on }.into()]),
        }
    }

    /// What was put aside for it goes back; what is already in it has been used.
    pub(super) fn cancel(&self, wish: CancelRepair) -> Result<Vec<Event>, Rejection> {
        let CancelRepair { reason, on } = wish;
        match self.status() {
            Status::Cancelled => return Ok(vec![]),
            late @ (Status::QualityCheck | Status::Ready | Status::Delivered | Status::Closed) => return Err(Rejection::NotNow(late)),
            Status::Received
            | Status::Diagnosed
            | Status::Estimated
            | Status::Approved
            | Status::Declined
            | Status::PartsPending
            | Status::InProgress
            | Status::WarrantyReturn => {}
        }
        let back = self.parts.values().filter(|part| part.left() > 0).map(|part| part.give_back(part.left()).into());
        Ok(back.chain([RepairCancelled { reason, on }.into()]).collect())
    }

    pub(super) fn return_under_warranty(&self, wish: ReturnUnderWarranty) -> Result<Vec<Event>, Rejection> {
        let ReturnUnderWarranty { complaint, on } = wish;
        if self.stage == Status::WarrantyReturn {
            return Ok(vec![]);
        }
        self.only(&[Status::Closed])?;
        match self.warranty_until {
            Some(ended_on) if on > ended_on => Err(Rejection::WarrantyOver { ended_on }),
            None => Err(Rejection::NotNow(Status::Closed)),
            Some(_) => Ok(vec![ReturnedUnderWarranty { visit: self.number + 1, complaint, on }.into()]),
        }
    }

    fn paid_ahead(&self, currency: crate::Currency) -> Money {
        // A deposit in another currency is not noted.
        Money::new(self.deposits.values().map(|deposit| deposit.minor).sum(), currency)
    }
}
