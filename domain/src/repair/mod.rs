//! The repair: from a customer's request to the device back in their hands, and to what is billed for it.
//!
//! What is worked on is agreed first: labour and parts come from an estimate that the customer has approved, and a part that is not in it
//! waits for another estimate. Whether a part is there is the stock's to say; what it costs the customer is settled here, once, by the
//! approval. Words that people write to one another are sealed: they are nobody's business but theirs.

mod billing;
mod conversation;
mod estimate;
pub mod example;
mod intake;
mod parts;
mod progress;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use billing::{
    Billed, ChargeStorage, CloseRepair, NoteRepairDeposit, RepairBill, RepairClosed, RepairDepositNoted, StorageCharged, StorageRule,
};
pub use conversation::{AskForUpdate, AttachFile, Audience, Comment, CommentMade, FileAttached, Side, UpdateAsked};
pub use estimate::{
    ApproveEstimate, DeclineEstimate, Estimate, EstimateApproved, EstimateDeclined, EstimateLine, EstimateRepair, EstimateRepriced,
    OfferTerms, Offered, RepairEstimated, RepricePart,
};
pub use intake::{
    AssignTechnician, Coverage, DescribeDevice, Device, DeviceDescribed, DiagnosisRecorded, RecordDiagnosis, RepairRequested,
    RequestRepair, TechnicianAssigned,
};
pub use parts::{
    NotePartReserved, NotePartShort, PartRequested, PartReserved, PartReturned, PartShort, PartUsed, RequestPart, ReturnPart, UsePart,
};
pub use progress::{
    CancelRepair, CheckFailed, CheckPassed, DeliverRepair, FailCheck, FinishWork, PassCheck, RepairCancelled, RepairDelivered,
    ReturnUnderWarranty, ReturnedUnderWarranty, StartWork, WorkFinished, WorkStarted,
};

use crate::{
    Actor, Decider, Money,
    ids::{AccountId, AttachmentId, CommentId, DepositId, InvoiceId, PartId, PartRequestId},
    invoice::DocumentError,
    schema::events,
};
use parts::Requested;

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RequestRepair(RequestRepair),
    DescribeDevice(DescribeDevice),
    AssignTechnician(AssignTechnician),
    RecordDiagnosis(RecordDiagnosis),
    EstimateRepair(EstimateRepair),
    RepricePart(RepricePart),
    ApproveEstimate(ApproveEstimate),
    DeclineEstimate(DeclineEstimate),
    NoteRepairDeposit(NoteRepairDeposit),
    RequestPart(RequestPart),
    NotePartReserved(NotePartReserved),
    NotePartShort(NotePartShort),
    UsePart(UsePart),
    ReturnPart(ReturnPart),
    StartWork(StartWork),
    FinishWork(FinishWork),
    PassCheck(PassCheck),
    FailCheck(FailCheck),
    ChargeStorage(ChargeStorage),
    DeliverRepair(DeliverRepair),
    CloseRepair(CloseRepair),
    CancelRepair(CancelRepair),
    ReturnUnderWarranty(ReturnUnderWarranty),
    Comment(Comment),
    AskForUpdate(AskForUpdate),
    AttachFile(AttachFile),
}

events! {
    RepairRequested 1
    DeviceDescribed 1
    TechnicianAssigned 1
    DiagnosisRecorded 1
    RepairEstimated 1
    EstimateRepriced 1
    EstimateApproved 1
    EstimateDeclined 1
    RepairDepositNoted 1
    PartRequested 1
    PartReserved 1
    PartShort 1
    PartUsed 1
    PartReturned 1
    WorkStarted 1
    WorkFinished 1
    CheckPassed 1
    CheckFailed 1
    StorageCharged 1
    RepairDelivered 1
    RepairClosed 1
    RepairCancelled 1
    ReturnedUnderWarranty 1
    CommentMade 1
    UpdateAsked 1
    FileAttached 1
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such repair")]
    NoSuchRepair,
    #[error("the repair is already there with other content")]
    RepairIdReused,
    #[error("the repair is {0}, which does not allow this")]
    NotNow(Status),
    #[error(transparent)]
    Estimate(#[from] DocumentError),
    #[error("an estimate cannot have ended before it begins")]
    EstimateEndsBefore,
    #[error("the work is under warranty: the customer pays nothing and is offered nothing")]
    UnderWarranty,
    #[error("the estimate was good until {valid_until}")]
    EstimateExpired { valid_until: NaiveDate },
    #[error("estimate {offered} is on offer, not {asked}")]
    OtherEstimate { offered: u32, asked: u32 },
    #[error("a deposit of {wanted} comes before the work, and {paid} is there")]
    DepositMissing { wanted: Money, paid: Money },
    #[error("the deposit is already noted with another amount")]
    DepositIdReused,
    #[error("the approved estimate has {left} more of that part")]
    NotInEstimate { left: u32 },
    #[error("the part request is already there with other content")]
    PartRequestIdReused,
    #[error("there is no such part request")]
    NoSuchPartRequest,
    #[error("{left} of the part is here to be used or returned")]
    NotSoMany { left: u32 },
    #[error("{0} of the parts here are neither used nor returned")]
    PartsLeftOver(u32),
    #[error("the warranty ended on {ended_on}")]
    WarrantyOver { ended_on: NaiveDate },
    #[error("customers see what they write: only staff write to one another")]
    NotForCustomers,
    #[error("the comment is already there with other content")]
    CommentIdReused,
    #[error("the file is already attached with other content")]
    AttachmentIdReused,
    #[error("a repair holds {most} files")]
    TooManyFiles { most: usize },
    #[error("{date} is before {earliest}")]
    TooEarly { date: NaiveDate, earliest: NaiveDate },
}

/// Where a repair stands, in the one word that its customer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Received,
    Diagnosed,
    Estimated,
    Approved,
    Declined,
    PartsPending,
    InProgress,
    QualityCheck,
    Ready,
    Delivered,
    Closed,
    Cancelled,
    WarrantyReturn,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Received => "received",
            Self::Diagnosed => "diagnosed",
            Self::Estimated => "estimated",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::PartsPending => "waiting for parts",
            Self::InProgress => "in progress",
            Self::QualityCheck => "being checked",
            Self::Ready => "ready",
            Self::Delivered => "delivered",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::WarrantyReturn => "returned under warranty",
        })
    }
}

/// Nothing, until it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Repair {
    job: Option<Box<Job>>,
}

/// What the rules need to know of a repair.
#[derive(Clone, Debug)]
struct Job {
    requested: RepairRequested,
    device: Device,
    technician: Option<Actor>,
    /// One for each time that the device came in. What was agreed and fitted before is history then.
    visit: Visit,
    comments: BTreeMap<CommentId, CommentMade>,
    files: BTreeMap<AttachmentId, FileAttached>,
    billed: BTreeMap<InvoiceId, Billed>,
    /// Since when the customer waits for a word.
    waiting_since: Option<DateTime<Utc>>,
}

/// From the device's coming in to its going out.
#[derive(Clone, Debug)]
struct Visit {
    number: u32,
    /// Never [`Status::PartsPending`], which the parts themselves say.
    stage: Status,
    diagnosis: Option<DiagnosisRecorded>,
    /// The one on offer or taken up, by its number.
    estimate: Option<(u32, Estimate)>,
    approved: Option<EstimateApproved>,
    deposits: BTreeMap<DepositId, Money>,
    parts: BTreeMap<PartRequestId, Requested>,
    begun: bool,
    failed_check: Option<CheckFailed>,
    ready_on: Option<NaiveDate>,
    storage: Option<StorageCharged>,
    delivered: Option<RepairDelivered>,
    warranty_until: Option<NaiveDate>,
}

impl Decider for Repair {
    const CATEGORY: &'static str = "repair";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::RequestRepair(wish) => self.request(wish),
            Command::DescribeDevice(wish) => self.job()?.describe(wish),
            Command::AssignTechnician(wish) => self.job()?.assign(wish),
            Command::RecordDiagnosis(wish) => self.job()?.diagnose(wish),
            Command::EstimateRepair(wish) => self.job()?.visit.estimate(wish),
            Command::RepricePart(wish) => self.job()?.visit.reprice(wish),
            Command::ApproveEstimate(wish) => self.job()?.visit.approve(wish),
            Command::DeclineEstimate(wish) => self.job()?.visit.decline(wish),
            Command::NoteRepairDeposit(wish) => self.job()?.visit.note_deposit(wish),
            Command::RequestPart(wish) => self.job()?.request_part(wish),
            Command::NotePartReserved(wish) => self.job()?.visit.part_reserved(wish),
            Command::NotePartShort(wish) => self.job()?.visit.part_short(wish),
            Command::UsePart(wish) => self.job()?.visit.use_part(wish),
            Command::ReturnPart(wish) => self.job()?.visit.return_part(wish),
            Command::StartWork(wish) => self.job()?.visit.start(wish),
            Command::FinishWork(wish) => self.job()?.visit.finish(wish),
            Command::PassCheck(wish) => self.job()?.visit.pass_check(wish),
            Command::FailCheck(wish) => self.job()?.visit.fail_check(wish),
            Command::ChargeStorage(wish) => self.job()?.visit.charge_storage(wish),
            Command::DeliverRepair(wish) => self.job()?.visit.deliver(wish),
            Command::CloseRepair(wish) => self.job()?.close(wish),
            Command::CancelRepair(wish) => self.job()?.visit.cancel(wish),
            Command::ReturnUnderWarranty(wish) => self.job()?.visit.return_under_warranty(wish),
            Command::Comment(wish) => self.job()?.comment(wish),
            Command::AskForUpdate(wish) => self.job()?.ask_for_update(wish),
            Command::AttachFile(wish) => self.job()?.attach(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        if let Event::RepairRequested(fact) = event {
            return Self { job: Some(Box::new(Job::of(fact))) };
        }
        if let Some(job) = &mut self.job {
            let before = job.visit.status();
            job.learn(event);
            // A status that changes is an answer to whoever waits for one.
            if job.visit.status() != before {
                job.waiting_since = None;
            }
        }
        self
    }
}

impl Repair {
    /// Nothing, if there is no such repair.
    pub fn status(&self) -> Option<Status> {
        self.job.as_ref().map(|job| job.visit.status())
    }

    /// Whose device it is.
    pub fn account_id(&self) -> Option<AccountId> {
        self.job.as_ref().map(|job| job.requested.account_id)
    }

    pub fn device(&self) -> Option<&Device> {
        self.job.as_ref().map(|job| &job.device)
    }

    /// Since when the customer waits for a word, if they do.
    pub fn waiting_since(&self) -> Option<DateTime<Utc>> {
        self.job.as_ref()?.waiting_since
    }

    /// How one of its visits was billed, if this is the invoice of one.
    pub fn billed(&self, invoice_id: InvoiceId) -> Option<&Billed> {
        self.job.as_ref()?.billed.get(&invoice_id)
    }

    fn job(&self) -> Result<&Job, Rejection> {
        self.job.as_deref().ok_or(Rejection::NoSuchRepair)
    }
}

impl Job {
    fn of(fact: &RepairRequested) -> Self {
        Self {
            requested: fact.clone(),
            device: fact.device.clone(),
            technician: None,
            visit: Visit::new(1, Status::Received),
            comments: BTreeMap::new(),
            files: BTreeMap::new(),
            billed: BTreeMap::new(),
            waiting_since: None,
        }
    }

    fn learn(&mut self, event: &Event) {
        let visit = &mut self.visit;
        match event {
            Event::RepairRequested(_) => {}
            Event::DeviceDescribed(fact) => self.device = fact.device.clone(),
            Event::TechnicianAssigned(fact) => self.technician = Some(fact.technician.clone()),
            Event::DiagnosisRecorded(fact) => visit.was_diagnosed(fact),
            Event::RepairEstimated(fact) => visit.was_estimated(fact.number, &fact.estimate, fact.needs_approval),
            Event::EstimateRepriced(fact) => visit.was_estimated(fact.number, &fact.estimate, fact.needs_approval),
            Event::EstimateApproved(fact) => {
                visit.approved = Some(fact.clone());
                visit.stage = if visit.begun { Status::InProgress } else { Status::Approved };
            }
            Event::EstimateDeclined(_) => visit.stage = Status::Declined,
            Event::RepairDepositNoted(fact) => {
                visit.deposits.insert(fact.deposit_id, fact.amount);
            }
            Event::PartRequested(fact) => {
                visit.parts.insert(fact.request_id, Requested::new(fact));
            }
            Event::PartReserved(fact) => visit.part(fact.request_id, |part| part.here = true),
            Event::PartShort(fact) => visit.part(fact.request_id, |part| part.short = Some(fact.missing)),
            Event::PartUsed(fact) => visit.part(fact.request_id, |part| part.used += fact.quantity),
            Event::PartReturned(fact) => visit.part(fact.request_id, |part| part.returned += fact.quantity),
            Event::WorkStarted(_) => {
                visit.begun = true;
                visit.stage = Status::InProgress;
            }
            Event::WorkFinished(_) => visit.stage = Status::QualityCheck,
            Event::CheckPassed(fact) => {
                visit.ready_on = Some(fact.on);
                visit.stage = Status::Ready;
            }
            Event::CheckFailed(fact) => {
                visit.failed_check = Some(fact.clone());
                visit.stage = Status::InProgress;
            }
            Event::StorageCharged(fact) => visit.storage = Some(fact.clone()),
            Event::RepairDelivered(fact) => {
                visit.delivered = Some(fact.clone());
                visit.stage = Status::Delivered;
            }
            Event::RepairClosed(fact) => {
                if let Some(bill) = &fact.bill {
                    let rounding = visit.estimate.as_ref().map(|(_, estimate)| estimate.terms.rounding);
                    self.billed.insert(bill.invoice_id, Billed { deposits: bill.deposits.clone(), rounding });
                }
                visit.warranty_until = fact.warranty_until;
                visit.stage = Status::Closed;
            }
            Event::RepairCancelled(_) => visit.stage = Status::Cancelled,
            Event::ReturnedUnderWarranty(fact) => {
                let warranty_until = visit.warranty_until;
                *visit = Visit { warranty_until, ..Visit::new(fact.visit, Status::WarrantyReturn) };
            }
            Event::CommentMade(fact) => self.comment_was_made(fact),
            Event::UpdateAsked(fact) => self.waiting_since = Some(fact.at),
            Event::FileAttached(fact) => {
                self.files.insert(fact.attachment_id, fact.clone());
            }
        }
    }
}

impl Visit {
    fn new(number: u32, stage: Status) -> Self {
        Self {
            number,
            stage,
            diagnosis: None,
            estimate: None,
            approved: None,
            deposits: BTreeMap::new(),
            parts: BTreeMap::new(),
            begun: false,
            failed_check: None,
            ready_on: None,
            storage: None,
            delivered: None,
            warranty_until: None,
        }
    }

    fn status(&self) -> Status {
        let works = [Status::Approved, Status::InProgress].contains(&self.stage);
        if works && self.parts.values().any(Requested::is_on_its_way) { Status::PartsPending } else { self.stage }
    }

    /// Only while it stands at one of these.
    fn only(&self, allowed: &[Status]) -> Result<(), Rejection> {
        let status = self.status();
        if allowed.contains(&status) { Ok(()) } else { Err(Rejection::NotNow(status)) }
    }

    fn is_warranty(&self) -> bool {
        self.diagnosis.as_ref().is_some_and(|diagnosis| diagnosis.coverage == Coverage::Warranty)
    }

    /// Of this part, over all requests of this visit.
    fn requested(&self, part_id: PartId) -> u32 {
        self.parts.values().filter(|part| part.asked.part_id == part_id).map(|part| part.asked.quantity - part.returned).sum()
    }
}
