//! What is asked for, what is missing, and what was found at the place.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Application, Event, File, Rejection, Stage, Status};
use crate::{
    Code, Reason, Sealed, SealedFor,
    connection_prices::Capacity,
    ids::{AccountId, ApplicationId, PremisesId, ServicePointId, service_point_id},
    meter::MeterKind,
    tariff::Quantity,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubmitApplication {
    pub application_id: ApplicationId,
    pub account_id: AccountId,
    pub capacity: Capacity,
    pub meter: MeterKind,
    /// Where, in the customer's words.
    pub site: Sealed,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BeginReview {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AskForInformation {
    pub question: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GiveInformation {
    pub answer: Sealed,
    pub on: NaiveDate,
}

/// Somebody was there. What they found goes before what was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectSite {
    pub premises_id: PremisesId,
    pub findings: Findings,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationSubmitted {
    pub application_id: ApplicationId,
    pub account_id: AccountId,
    pub capacity: Capacity,
    pub meter: MeterKind,
    pub site: Sealed,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewBegun {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InformationAsked {
    pub question: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InformationGiven {
    pub answer: Sealed,
    pub on: NaiveDate,
}

/// From here on the place is kept for the application: see [`AwaitConnection`](crate::agreement::AwaitConnection).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteInspected {
    pub application_id: ApplicationId,
    pub premises_id: PremisesId,
    pub service_point_id: ServicePointId,
    pub findings: Findings,
    pub on: NaiveDate,
}

/// What a price depends on besides the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    pub capacity: Capacity,
    pub distance_m: Quantity,
    pub area: Code,
    pub meter: MeterKind,
}

impl Application {
    pub(super) fn submit(&self, wish: SubmitApplication) -> Result<Vec<Event>, Rejection> {
        let SubmitApplication { application_id, account_id, capacity, meter, site, on } = wish;
        if site.key() != SealedFor::Contact {
            return Err(Rejection::NotSealedAsContact);
        }
        if !capacity.is_something() {
            return Err(Rejection::NothingToCarry);
        }
        let submitted = ApplicationSubmitted { application_id, account_id, capacity, meter, site, on };
        match self.submitted() {
            None => Ok(vec![submitted.into()]),
            Some(already) if *already == submitted => Ok(vec![]),
            Some(_) => Err(Rejection::ApplicationIdReused),
        }
    }
}

impl File {
    pub(super) fn begin_review(&self, wish: BeginReview) -> Result<Vec<Event>, Rejection> {
        if self.status() == Status::UnderReview {
            return Ok(vec![]);
        }
        self.only(&[Status::Submitted])?;
        Ok(vec![ReviewBegun { on: wish.on }.into()])
    }

    pub(super) fn ask_for_information(&self, wish: AskForInformation) -> Result<Vec<Event>, Rejection> {
        let AskForInformation { question, on } = wish;
        if self.status() == Status::NeedsInformation {
            return Ok(vec![]);
        }
        self.only(&[Status::UnderReview, Status::SiteInspected, Status::Priced])?;
        Ok(vec![InformationAsked { question, on }.into()])
    }

    pub(super) fn give_information(&self, wish: GiveInformation) -> Result<Vec<Event>, Rejection> {
        let GiveInformation { answer, on } = wish;
        if answer.key() != SealedFor::Contact {
            return Err(Rejection::NotSealedAsContact);
        }
        if self.status() == Status::UnderReview {
            return Ok(vec![]);
        }
        self.only(&[Status::NeedsInformation])?;
        Ok(vec![InformationGiven { answer, on }.into()])
    }

    /// Also after a price was named, which is then no longer good; but the place stays the one that is kept.
    pub(super) fn inspect(&self, wish: InspectSite) -> Result<Vec<Event>, Rejection> {
        let InspectSite { premises_id, findings, on } = wish;
        let application_id = self.submitted.application_id;
        let service = findings.capacity.service();
        let inspected =
            SiteInspected { application_id, premises_id, service_point_id: service_point_id(premises_id, service), findings, on };
        if self.stage == Stage::Inspected && self.found.as_ref() == Some(&inspected) {
            return Ok(vec![]);
        }
        self.only(&[Status::UnderReview, Status::SiteInspected, Status::Priced])?;
        if service != self.submitted.capacity.service() {
            return Err(Rejection::OtherService);
        }
        if !inspected.findings.capacity.is_something() {
            return Err(Rejection::NothingToCarry);
        }
        match &self.found {
            Some(before) if before.premises_id != premises_id => Err(Rejection::OtherPremises(before.premises_id)),
            Some(_) | None => Ok(vec![inspected.into()]),
        }
    }
}
