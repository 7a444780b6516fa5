//! What a run is for. It is settled before the first account is looked at, so that an interrupted run resumes as it began.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{BillRun, Event, Rejection};
use crate::{
    Code,
    account::CustomerClass,
    ids::{BillRunId, ReadCycleId},
    invoice::{Dates, Seller, VatReasons},
    rating::Rounding,
    register::Numbering,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanRun {
    pub run_id: BillRunId,
    pub plan: Box<Plan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BillRunPlanned {
    pub run_id: BillRunId,
    pub plan: Box<Plan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// As people call it: `2026-10`.
    pub cycle: Code,
    /// Usage is billed up to and without this day.
    pub cut_off: NaiveDate,
    pub filter: Filter,
    /// The versions that were in force when it was planned, for the report.
    pub tariffs: Vec<Code>,
    pub dates: Dates,
    pub numbering: Numbering,
    /// As it stands on every invoice of the run, also on those made after it was resumed.
    pub seller: Seller,
    pub vat_reasons: VatReasons,
    pub rounding: Rounding,
    /// Bills of more than so many times the account's average are held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_above: Option<Decimal>,
}

/// Which accounts: those to which everything that is named here applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_cycle_id: Option<ReadCycleId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<CustomerClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Code>,
    /// What failed in another run, once it was put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_in: Option<BillRunId>,
}

impl BillRun {
    pub(super) fn plan_run(&self, wish: PlanRun) -> Result<Vec<Event>, Rejection> {
        let PlanRun { run_id, plan } = wish;
        let planned = BillRunPlanned { run_id, plan };
        match &self.planned {
            Some(already) if *already == planned => Ok(vec![]),
            Some(_) => Err(Rejection::RunIdReused),
            None => Ok(vec![planned.into()]),
        }
    }
}
