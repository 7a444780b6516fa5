//! The meter, and the agreement by which what it measures is billed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, File, Rejection, Stage, Status};
use crate::ids::{AgreementId, InvoiceId, MeterId};

/// Somebody is to come on a day, with a meter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScheduleInstallation {
    pub planned_on: NaiveDate,
    pub on: NaiveDate,
}

/// The service point has it: see [`ConnectionMade`](crate::agreement::ConnectionMade).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteConnected {
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

/// An agreement runs at the service point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActivateConnection {
    pub agreement_id: AgreementId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstallationScheduled {
    pub planned_on: NaiveDate,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionInstalled {
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionActivated {
    pub agreement_id: AgreementId,
    pub on: NaiveDate,
}

impl File {
    pub(super) fn schedule(&self, wish: ScheduleInstallation) -> Result<Vec<Event>, Rejection> {
        let ScheduleInstallation { planned_on, on } = wish;
        match self.stage {
            Stage::Fee { paid: true, planned_on: Some(before) } if before == planned_on => return Ok(vec![]),
            Stage::Fee { paid: true, .. } => {}
            Stage::Fee { paid: false, .. } => return Err(Rejection::FeeUnpaid),
            Stage::Submitted
            | Stage::UnderReview
            | Stage::NeedsInformation
            | Stage::Inspected
            | Stage::Priced(_)
            | Stage::Installed(_)
            | Stage::Activated(_)
            | Stage::Rejected
            | Stage::Cancelled(_) => return Err(Rejection::NotNow(self.status())),
        }
        if planned_on < on {
            return Err(Rejection::TooEarly { planned_on, earliest: on });
        }
        Ok(vec![InstallationScheduled { planned_on, on }.into()])
    }

    /// What is known here may be older than what the account knows: this no is meant well, and the account's is meant.
    pub(super) fn gate(&self) -> Result<InvoiceId, Rejection> {
        match (&self.stage, self.invoice) {
            (Stage::Fee { paid: true, planned_on: Some(_) } | Stage::Installed(_) | Stage::Activated(_), Some(invoice_id)) => {
                Ok(invoice_id)
            }
            (Stage::Fee { paid: false, .. }, _) => Err(Rejection::FeeUnpaid),
            (
                Stage::Submitted
                | Stage::UnderReview
                | Stage::NeedsInformation
                | Stage::Inspected
                | Stage::Priced(_)
                | Stage::Fee { .. }
                | Stage::Installed(_)
                | Stage::Activated(_)
                | Stage::Rejected
                | Stage::Cancelled(_),
                _,
            ) => Err(Rejection::NotNow(self.status())),
        }
    }

    /// It hangs there by the account's word, whatever was heard here of the fee since.
    pub(super) fn note_connected(&self, wish: NoteConnected) -> Result<Vec<Event>, Rejection> {
        let NoteConnected { meter_id, on } = wish;
        match &self.stage {
            Stage::Fee { .. } => Ok(vec![ConnectionInstalled { meter_id, on }.into()]),
            Stage::Installed(_) | Stage::Activated(_) => Ok(vec![]),
            Stage::Submitted
            | Stage::UnderReview
            | Stage::NeedsInformation
            | Stage::Inspected
            | Stage::Priced(_)
            | Stage::Rejected
            | Stage::Cancelled(_) => Err(Rejection::NotNow(self.status())),
        }
    }

    pub(super) fn activate(&self, wish: ActivateConnection) -> Result<Vec<Event>, Rejection> {
        let ActivateConnection { agreement_id, on } = wish;
        if let Stage::Activated(already) = &self.stage
            && already.agreement_id == agreement_id
        {
            return Ok(vec![]);
        }
        self.only(&[Status::Installed])?;
        Ok(vec![ConnectionActivated { agreement_id, on }.into()])
    }
}
