//! Parts: asked of the stock, here, used or sent back.
//!
//! The stock of the branch says whether a part is there; it hears of each of these facts and answers with one of its own.

use std::num::NonZeroU32;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Coverage, Event, Job, Rejection, Status, Visit};
use crate::ids::{BranchId, PartId, PartRequestId, RepairId};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestPart {
    pub request_id: PartRequestId,
    pub part_id: PartId,
    pub quantity: NonZeroU32,
}

/// The stock has put it aside for this repair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotePartReserved {
    pub request_id: PartRequestId,
}

/// The stock has not enough of it. What is missing will be put aside when it comes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotePartShort {
    pub request_id: PartRequestId,
    pub missing: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsePart {
    pub request_id: PartRequestId,
    /// Of the request, with what was used before: so that a wish sent twice is one.
    pub used_in_all: u32,
    pub on: NaiveDate,
}

/// Not needed after all, whether it is here yet or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReturnPart {
    pub request_id: PartRequestId,
    /// Of the request, with what was returned before.
    pub returned_in_all: u32,
}

/// All that the stock needs to put it aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRequested {
    pub request_id: PartRequestId,
    pub repair_id: RepairId,
    pub branch_id: BranchId,
    pub part_id: PartId,
    pub quantity: u32,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartReserved {
    pub request_id: PartRequestId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartShort {
    pub request_id: PartRequestId,
    pub missing: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartUsed {
    pub request_id: PartRequestId,
    pub branch_id: BranchId,
    pub part_id: PartId,
    pub quantity: u32,
    pub used_in_all: u32,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartReturned {
    pub request_id: PartRequestId,
    pub branch_id: BranchId,
    pub part_id: PartId,
    pub quantity: u32,
    pub returned_in_all: u32,
}

/// What has become of a request.
#[derive(Clone, Debug)]
pub(super) struct Requested {
    pub asked: PartRequested,
    pub here: bool,
    /// What the stock last said was missing.
    pub short: Option<u32>,
    pub used: u32,
    pub returned: u32,
}

impl Requested {
    pub fn new(fact: &PartRequested) -> Self {
        Self { asked: fact.clone(), here: false, short: None, used: 0, returned: 0 }
    }

    pub fn is_on_its_way(&self) -> bool {
        !self.here && self.left() > 0
    }

    /// Neither used nor returned.
    pub fn left(&self) -> u32 {
        self.asked.quantity - self.used - self.returned
    }

    pub fn give_back(&self, quantity: u32) -> PartReturned {
        let PartRequested { request_id, branch_id, part_id, .. } = self.asked;
        PartReturned { request_id, branch_id, part_id, quantity, returned_in_all: self.returned + quantity }
    }
}

impl Job {
    /// What the customer pays for is in the estimate that they approved.
    pub(super) fn request_part(&self, wish: RequestPart) -> Result<Vec<Event>, Rejection> {
        let RequestPart { request_id, part_id, quantity } = wish;
        let visit = &self.visit;
        if let Some(already) = visit.parts.get(&request_id) {
            let same = (already.asked.part_id, already.asked.quantity) == (part_id, quantity.get());
            return if same { Ok(vec![]) } else { Err(Rejection::PartRequestIdReused) };
        }
        visit.only(&[Status::Approved, Status::PartsPending, Status::InProgress])?;
        let coverage = visit.coverage();
        if coverage == Coverage::Customer {
            let agreed = visit.estimate.as_ref().map_or(0, |(_, estimate)| estimate.pieces_of(part_id));
            let left = agreed.saturating_sub(visit.requested(part_id));
            if quantity.get() > left {
                return Err(Rejection::NotInEstimate { left });
            }
        }
        let (repair_id, branch_id) = (self.requested.repair_id, self.requested.branch_id);
        Ok(vec![PartRequested { request_id, repair_id, branch_id, part_id, quantity: quantity.get(), coverage }.into()])
    }
}

impl Visit {
    /// What has been given back in the meantime says nothing more.
    pub(super) fn part_reserved(&self, wish: NotePartReserved) -> Result<Vec<Event>, Rejection> {
        let NotePartReserved { request_id } = wish;
        if self.asked(request_id)?.is_on_its_way() { Ok(vec![PartReserved { request_id }.into()]) } else { Ok(vec![]) }
    }

    pub(super) fn part_short(&self, wish: NotePartShort) -> Result<Vec<Event>, Rejection> {
        let NotePartShort { request_id, missing } = wish;
        let part = self.asked(request_id)?;
        if part.is_on_its_way() && part.short != Some(missing) {
            return Ok(vec![PartShort { request_id, missing }.into()]);
        }
        Ok(vec![])
    }

    pub(super) fn use_part(&self, wish: UsePart) -> Result<Vec<Event>, Rejection> {
        let UsePart { request_id, used_in_all, on } = wish;
        let part = self.asked(request_id)?;
        let Some(quantity) = used_in_all.checked_sub(part.used).filter(|more| *more > 0) else { return Ok(vec![]) };
        self.only(&[Status::InProgress, Status::PartsPending])?;
        let left = if part.here { part.left() } else { 0 };
        if quantity > left {
            return Err(Rejection::NotSoMany { left });
        }
        let PartRequested { branch_id, part_id, .. } = part.asked;
        Ok(vec![PartUsed { request_id, branch_id, part_id, quantity, used_in_all, on }.into()])
    }

    pub(super) fn return_part(&self, wish: ReturnPart) -> Result<Vec<Event>, Rejection> {
        let ReturnPart { request_id, returned_in_all } = wish;
        let part = self.asked(request_id)?;
        let Some(quantity) = returned_in_all.checked_sub(part.returned).filter(|more| *more > 0) else { return Ok(vec![]) };
        self.only(&[Status::Approved, Status::PartsPending, Status::InProgress, Status::Estimated, Status::Declined])?;
        let left = part.left();
        if quantity > left {
            return Err(Rejection::NotSoMany { left });
        }
        Ok(vec![part.give_back(quantity).into()])
    }

    pub(super) fn part(&mut self, request_id: PartRequestId, change: impl FnOnce(&mut Requested)) {
        if let Some(part) = self.parts.get_mut(&request_id) {
            change(part);
        }
    }

    fn asked(&self, request_id: PartRequestId) -> Result<&Requested, Rejection> {
        self.parts.get(&request_id).ok_or(Rejection::NoSuchPartRequest)
    }
}
