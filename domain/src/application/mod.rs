//! How a customer gets a meter: from the application over inspection, price and fee to the day on which it counts.
//!
//! What the application says of its fee is what it has heard; whether a meter may go up is the account's to say, at that moment
//! (decision 32).

mod ending;
pub mod example;
mod fee;
mod installation;
mod review;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use ending::{ApplicationCancelled, ApplicationRejected, CancelApplication, RejectApplication};
pub use fee::{
    ConnectionFeeInvoiced, ConnectionFeePaid, ConnectionFeeReopened, ConnectionPriced, InvoiceConnectionFee, NoteFeePaid, NoteFeeReopened,
    PriceConnection,
};
pub use installation::{
    ActivateConnection, ConnectionActivated, ConnectionInstalled, InstallationScheduled, NoteConnected, ScheduleInstallation,
};
pub use review::{
    ApplicationSubmitted, AskForInformation, BeginReview, Findings, GiveInformation, InformationAsked, InformationGiven, InspectSite,
    ReviewBegun, SiteInspected, SubmitApplication,
};

use crate::{
    Decider,
    connection_prices::{PricingError, Quote},
    ids::{AccountId, InvoiceId, MeterId, PremisesId},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    SubmitApplication(SubmitApplication),
    BeginReview(BeginReview),
    AskForInformation(AskForInformation),
    GiveInformation(GiveInformation),
    InspectSite(InspectSite),
    PriceConnection(PriceConnection),
    InvoiceConnectionFee(InvoiceConnectionFee),
    NoteFeePaid(NoteFeePaid),
    NoteFeeReopened(NoteFeeReopened),
    ScheduleInstallation(ScheduleInstallation),
    NoteConnected(NoteConnected),
    ActivateConnection(ActivateConnection),
    RejectApplication(RejectApplication),
    CancelApplication(CancelApplication),
}

events! {
    ApplicationSubmitted 1
    ReviewBegun 1
    InformationAsked 1
    InformationGiven 1
    SiteInspected 1
    ConnectionPriced 1
    ConnectionFeeInvoiced 1
    ConnectionFeePaid 1
    ConnectionFeeReopened 1
    InstallationScheduled 1
    ConnectionInstalled 1
    ConnectionActivated 1
    ApplicationRejected 1
    ApplicationCancelled 1
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such application")]
    NoSuchApplication,
    #[error("the application is already there with other content")]
    ApplicationIdReused,
    #[error("the application is {0}, which does not allow this")]
    NotNow(Status),
    #[error("what is written about a customer's place must be sealed with the contact key")]
    NotSealedAsContact,
    #[error("there is nothing to carry: a load or a diameter is more than zero")]
    NothingToCarry,
    #[error("the application is for another service")]
    OtherService,
    #[error("the place was found at other premises before")]
    OtherPremises(PremisesId),
    #[error(transparent)]
    Pricing(#[from] PricingError),
    #[error("the quote was good until {valid_until}")]
    QuoteExpired { valid_until: NaiveDate },
    #[error("the fee is not paid: the gate is closed")]
    FeeUnpaid,
    #[error("nobody is to come on {planned_on}, before {earliest}")]
    TooEarly { planned_on: NaiveDate, earliest: NaiveDate },
    #[error("once its fee is invoiced, an application ends by the account's word that no meter goes up")]
    NotWithdrawn,
}

/// Where an application stands, in the word that its customer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Submitted,
    UnderReview,
    NeedsInformation,
    SiteInspected,
    Priced,
    FeeInvoiced,
    FeePaid,
    InstallScheduled,
    Installed,
    Activated,
    Rejected,
    Cancelled,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Submitted => "submitted",
            Self::UnderReview => "under review",
            Self::NeedsInformation => "waiting for information",
            Self::SiteInspected => "inspected",
            Self::Priced => "priced",
            Self::FeeInvoiced => "waiting for its fee",
            Self::FeePaid => "paid",
            Self::InstallScheduled => "scheduled for installation",
            Self::Installed => "installed",
            Self::Activated => "activated",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        })
    }
}

/// Nothing, until it is submitted.
#[derive(Clone, Debug, Default)]
pub struct Application {
    file: Option<Box<File>>,
}

/// What the rules need to know of an application's history.
#[derive(Clone, Debug)]
struct File {
    submitted: ApplicationSubmitted,
    stage: Stage,
    found: Option<SiteInspected>,
    invoice: Option<InvoiceId>,
    /// The last revision of the invoice's stream that was heard of.
    heard: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Stage {
    Submitted,
    UnderReview,
    NeedsInformation,
    Inspected,
    Priced(Box<Quote>),
    /// From the invoice on: what is scheduled waits, if the payment is taken back, for the next.
    Fee {
        paid: bool,
        planned_on: Option<NaiveDate>,
    },
    Installed(MeterId),
    Activated(ConnectionActivated),
    Rejected,
    Cancelled(ApplicationCancelled),
}

impl Decider for Application {
    const CATEGORY: &'static str = "application";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::SubmitApplication(wish) => self.submit(wish),
            Command::BeginReview(wish) => self.file()?.begin_review(wish),
            Command::AskForInformation(wish) => self.file()?.ask_for_information(wish),
            Command::GiveInformation(wish) => self.file()?.give_information(wish),
            Command::InspectSite(wish) => self.file()?.inspect(wish),
            Command::PriceConnection(wish) => self.file()?.price(wish),
            Command::InvoiceConnectionFee(wish) => self.file()?.invoice_fee(wish),
            Command::NoteFeePaid(wish) => self.file()?.note_paid(wish),
            Command::NoteFeeReopened(wish) => self.file()?.note_reopened(wish),
            Command::ScheduleInstallation(wish) => self.file()?.schedule(wish),
            Command::NoteConnected(wish) => self.file()?.note_connected(wish),
            Command::ActivateConnection(wish) => self.file()?.activate(wish),
            Command::RejectApplication(wish) => self.file()?.reject(wish),
            Command::CancelApplication(wish) => self.file()?.cancel(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        if let Event::ApplicationSubmitted(fact) = event {
            let submitted = fact.clone();
            return Self { file: Some(Box::new(File { submitted, stage: Stage::Submitted, found: None, invoice: None, heard: None })) };
        }
        if let Some(file) = &mut self.file {
            file.learn(event);
        }
        self
    }
}

impl Application {
    /// Nothing, if there is no such application.
    pub fn status(&self) -> Option<Status> {
        self.file.as_ref().map(|file| file.status())
    }

    pub fn account_id(&self) -> Option<AccountId> {
        self.file.as_ref().map(|file| file.submitted.account_id)
    }

    pub fn submitted(&self) -> Option<&ApplicationSubmitted> {
        self.file.as_ref().map(|file| &file.submitted)
    }

    /// The place, once it has been inspected, and what was found there.
    pub fn found(&self) -> Option<&SiteInspected> {
        self.file.as_ref()?.found.as_ref()
    }

    /// The fee's invoice, once there is to be one.
    pub fn invoice_id(&self) -> Option<InvoiceId> {
        self.file.as_ref()?.invoice
    }

    /// What pays for the meter that is to go up now; refused, unless somebody is to come for it.
    pub fn gate(&self) -> Result<InvoiceId, Rejection> {
        self.file()?.gate()
    }

    /// How it was given up, if it was.
    pub fn cancelled(&self) -> Option<&ApplicationCancelled> {
        match &self.file.as_ref()?.stage {
            Stage::Cancelled(fact) => Some(fact),
            Stage::Submitted
            | Stage::UnderReview
            | Stage::NeedsInformation
            | Stage::Inspected
            | Stage::Priced(_)
            | Stage::Fee { .. }
            | Stage::Installed(_)
            | Stage::Activated(_)
            | Stage::Rejected => None,
        }
    }

    fn file(&self) -> Result<&File, Rejection> {
        self.file.as_deref().ok_or(Rejection::NoSuchApplication)
    }
}

impl File {
    fn learn(&mut self, event: &Event) {
        match event {
            Event::ApplicationSubmitted(_) => {}
            Event::ReviewBegun(_) | Event::InformationGiven(_) => self.stage = Stage::UnderReview,
            Event::InformationAsked(_) => self.stage = Stage::NeedsInformation,
            Event::SiteInspected(fact) => {
                self.found = Some(fact.clone());
                self.stage = Stage::Inspected;
            }
            Event::ConnectionPriced(fact) => self.stage = Stage::Priced(fact.quote.clone()),
            Event::ConnectionFeeInvoiced(fact) => {
                self.invoice = Some(fact.invoice_id);
                self.stage = Stage::Fee { paid: false, planned_on: None };
            }
            Event::ConnectionFeePaid(fact) => self.fee_became(true, fact.as_of),
            Event::ConnectionFeeReopened(fact) => self.fee_became(false, fact.as_of),
            Event::InstallationScheduled(fact) => {
                if let Stage::Fee { planned_on, .. } = &mut self.stage {
                    *planned_on = Some(fact.planned_on);
                }
            }
            Event::ConnectionInstalled(fact) => self.stage = Stage::Installed(fact.meter_id),
            Event::ConnectionActivated(fact) => self.stage = Stage::Activated(fact.clone()),
            Event::ApplicationRejected(_) => self.stage = Stage::Rejected,
            Event::ApplicationCancelled(fact) => self.stage = Stage::Cancelled(fact.clone()),
        }
    }

    fn status(&self) -> Status {
        match &self.stage {
            Stage::Submitted => Status::Submitted,
            Stage::UnderReview => Status::UnderReview,
            Stage::NeedsInformation => Status::NeedsInformation,
            Stage::Inspected => Status::SiteInspected,
            Stage::Priced(_) => Status::Priced,
            Stage::Fee { paid: false, .. } => Status::FeeInvoiced,
            Stage::Fee { paid: true, planned_on: None } => Status::FeePaid,
            Stage::Fee { paid: true, planned_on: Some(_) } => Status::InstallScheduled,
            Stage::Installed(_) => Status::Installed,
            Stage::Activated(_) => Status::Activated,
            Stage::Rejected => Status::Rejected,
            Stage::Cancelled(_) => Status::Cancelled,
        }
    }

    /// Only while it stands at one of these.
    fn only(&self, allowed: &[Status]) -> Result<(), Rejection> {
        let status = self.status();
        if allowed.contains(&status) { Ok(()) } else { Err(Rejection::NotNow(status)) }
    }
}
