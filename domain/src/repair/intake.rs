//! The device comes in, somebody looks at it, and says what is wrong and who pays.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Job, Rejection, Repair, Status, Visit};
use crate::{
    Actor, Code, Description, Sealed,
    ids::{AccountId, BranchId, RepairId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestRepair {
    pub repair_id: RepairId,
    pub account_id: AccountId,
    pub branch_id: BranchId,
    pub device: Device,
    /// In the customer's own words.
    pub complaint: Sealed,
    pub requested_at: DateTime<Utc>,
}

/// It turned out to be another one, or its plate could be read at last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DescribeDevice {
    pub device: Device,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssignTechnician {
    pub technician: Actor,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordDiagnosis {
    pub findings: Description,
    pub coverage: Coverage,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairRequested {
    pub repair_id: RepairId,
    pub account_id: AccountId,
    pub branch_id: BranchId,
    pub device: Device,
    pub complaint: Sealed,
    pub requested_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceDescribed {
    pub device: Device,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TechnicianAssigned {
    pub technician: Actor,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosisRecorded {
    pub findings: Description,
    pub coverage: Coverage,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What it is: a pump, a cooler, a meter's display.
    pub kind: Code,
    pub name: Description,
    pub model: Description,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Code>,
}

/// Who pays for the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Coverage {
    Customer,
    /// The company: it costs, and is not billed.
    Warranty,
}

impl Repair {
    pub(super) fn request(&self, wish: RequestRepair) -> Result<Vec<Event>, Rejection> {
        let RequestRepair { repair_id, account_id, branch_id, device, complaint, requested_at } = wish;
        let requested = RepairRequested { repair_id, account_id, branch_id, device, complaint, requested_at };
        match &self.job {
            None => Ok(vec![requested.into()]),
            Some(job) if job.requested == requested => Ok(vec![]),
            Some(_) => Err(Rejection::RepairIdReused),
        }
    }
}

impl Job {
    pub(super) fn describe(&self, wish: DescribeDevice) -> Result<Vec<Event>, Rejection> {
        let DescribeDevice { device } = wish;
        if device == self.device {
            return Ok(vec![]);
        }
        self.visit.only_while_here()?;
        Ok(vec![DeviceDescribed { device }.into()])
    }

    pub(super) fn assign(&self, wish: AssignTechnician) -> Result<Vec<Event>, Rejection> {
        let AssignTechnician { technician } = wish;
        if self.technician.as_ref() == Some(&technician) {
            return Ok(vec![]);
        }
        self.visit.only_while_here()?;
        Ok(vec![TechnicianAssigned { technician }.into()])
    }

    /// What comes back under warranty can turn out to be the customer's own doing; then it is estimated like any other.
    pub(super) fn diagnose(&self, wish: RecordDiagnosis) -> Result<Vec<Event>, Rejection> {
        let RecordDiagnosis { findings, coverage, on } = wish;
        let diagnosis = DiagnosisRecorded { findings, coverage, on };
        if self.visit.diagnosis.as_ref() == Some(&diagnosis) {
            return Ok(vec![]);
        }
        self.visit.only(&[Status::Received, Status::WarrantyReturn, Status::Diagnosed])?;
        Ok(vec![diagnosis.into()])
    }
}

impl Visit {
    /// Work under warranty needs nobody's approval: the company has promised it.
    pub(super) fn was_diagnosed(&mut self, fact: &DiagnosisRecorded) {
        self.stage = match fact.coverage {
            Coverage::Customer => Status::Diagnosed,
            Coverage::Warranty => Status::Approved,
        };
        self.diagnosis = Some(fact.clone());
    }

    pub(super) fn only_while_here(&self) -> Result<(), Rejection> {
        match self.status() {
            over @ (Status::Delivered | Status::Closed | Status::Cancelled) => Err(Rejection::NotNow(over)),
            Status::Received
            | Status::Diagnosed
            | Status::Estimated
            | Status::Approved
            | Status::Declined
            | Status::PartsPending
            | Status::InProgress
            | Status::QualityCheck
            | Status::Ready
            | Status::WarrantyReturn => Ok(()),
        }
    }
}
