//! Applications that come to nothing: refused by us, or given up by the customer, who gets back what was paid.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, File, Rejection, Stage, Status};
use crate::{
    Reason,
    account::Withdrawal,
    ids::{AccountId, ApplicationId, InvoiceId, ServicePointId},
};

/// Before a fee is asked for: who has asked for a fee owes the connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RejectApplication {
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelApplication {
    pub reason: Reason,
    /// The account's word, once a fee was asked for.
    pub withdrawal: Option<Withdrawal>,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationRejected {
    pub application_id: ApplicationId,
    /// What was kept for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_point_id: Option<ServicePointId>,
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationCancelled {
    pub application_id: ApplicationId,
    pub account_id: AccountId,
    /// What was kept for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_point_id: Option<ServicePointId>,
    /// The fee's invoice, to be credited in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<InvoiceId>,
    pub reason: Reason,
    pub on: NaiveDate,
}

impl File {
    pub(super) fn reject(&self, wish: RejectApplication) -> Result<Vec<Event>, Rejection> {
        let RejectApplication { reason, on } = wish;
        if self.status() == Status::Rejected {
            return Ok(vec![]);
        }
        self.only(&[Status::Submitted, Status::UnderReview, Status::NeedsInformation, Status::SiteInspected, Status::Priced])?;
        let application_id = self.submitted.application_id;
        Ok(vec![ApplicationRejected { application_id, service_point_id: self.kept(), reason, on }.into()])
    }

    pub(super) fn cancel(&self, wish: CancelApplication) -> Result<Vec<Event>, Rejection> {
        let CancelApplication { reason, withdrawal, on } = wish;
        let (application_id, account_id) = (self.submitted.application_id, self.submitted.account_id);
        match &self.stage {
            Stage::Cancelled(_) => return Ok(vec![]),
            Stage::Submitted | Stage::UnderReview | Stage::NeedsInformation | Stage::Inspected | Stage::Priced(_) => {}
            Stage::Fee { .. } if withdrawal.is_some_and(|word| word.application_id() == application_id) => {}
            Stage::Fee { .. } => return Err(Rejection::NotWithdrawn),
            Stage::Installed(_) | Stage::Activated(_) | Stage::Rejected => return Err(Rejection::NotNow(self.status())),
        }
        let service_point_id = self.kept();
        Ok(vec![ApplicationCancelled { application_id, account_id, service_point_id, invoice_id: self.invoice, reason, on }.into()])
    }

    fn kept(&self) -> Option<ServicePointId> {
        self.found.as_ref().map(|found| found.service_point_id)
    }
}
