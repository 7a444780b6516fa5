//! A repair asks the stock for parts, and the stock answers.

use super::{ASK_STOCK, Asked, TELL_REPAIR, Wish};
use crate::{
    StreamName,
    ids::{BranchId, PartId, RepairId, stock_id},
    repair::{self, NotePartReserved, NotePartShort, Repair},
    stock::{self, GiveBackStock, ReserveStock, Stock, UseStock},
};

pub(super) fn of_repair(event: &repair::Event) -> Option<Asked> {
    use repair::Event;
    match event {
        Event::PartRequested(fact) => {
            let wish =
                ReserveStock { request_id: fact.request_id, repair_id: fact.repair_id, quantity: fact.quantity, coverage: fact.coverage };
            Some(to_stock(fact.branch_id, fact.part_id, stock::Command::ReserveStock(wish)))
        }
        Event::PartUsed(fact) => {
            let wish = UseStock { request_id: fact.request_id, used_in_all: fact.used_in_all, on: fact.on };
            Some(to_stock(fact.branch_id, fact.part_id, stock::Command::UseStock(wish)))
        }
        Event::PartReturned(fact) => {
            let wish = GiveBackStock { request_id: fact.request_id, given_back_in_all: fact.returned_in_all };
            Some(to_stock(fact.branch_id, fact.part_id, stock::Command::GiveBackStock(wish)))
        }
        Event::RepairRequested(_)
        | Event::DeviceDescribed(_)
        | Event::TechnicianAssigned(_)
        | Event::DiagnosisRecorded(_)
        | Event::RepairEstimated(_)
        | Event::EstimateRepriced(_)
        | Event::EstimateApproved(_)
        | Event::EstimateDeclined(_)
        | Event::RepairDepositNoted(_)
        | Event::PartReserved(_)
        | Event::PartShort(_)
        | Event::WorkStarted(_)
        | Event::WorkFinished(_)
        | Event::CheckPassed(_)
        | Event::CheckFailed(_)
        | Event::StorageCharged(_)
        | Event::RepairDelivered(_)
        | Event::RepairClosed(_)
        | Event::RepairCancelled(_)
        | Event::ReturnedUnderWarranty(_)
        | Event::CommentMade(_)
        | Event::UpdateAsked(_)
        | Event::FileAttached(_) => None,
    }
}

pub(super) fn of_stock(event: &stock::Event) -> Option<Asked> {
    use stock::Event;
    match event {
        Event::StockReserved(fact) => {
            let wish = NotePartReserved { request_id: fact.request_id };
            Some(to_repair(fact.repair_id, repair::Command::NotePartReserved(wish)))
        }
        Event::ShortageRecorded(fact) => {
            let wish = NotePartShort { request_id: fact.request_id, missing: fact.missing };
            Some(to_repair(fact.repair_id, repair::Command::NotePartShort(wish)))
        }
        Event::StockReceived(_)
        | Event::StockUsed(_)
        | Event::StockGivenBack(_)
        | Event::StockCounted(_)
        | Event::ReorderLevelSet(_)
        | Event::StockRanLow(_)
        | Event::StockRanOut(_) => None,
    }
}

fn to_stock(branch_id: BranchId, part_id: PartId, command: stock::Command) -> Asked {
    (ASK_STOCK, StreamName::of::<Stock>(stock_id(branch_id, part_id)), Wish::Stock(Box::new(command)))
}

fn to_repair(repair_id: RepairId, command: repair::Command) -> Asked {
    (TELL_REPAIR, StreamName::of::<Repair>(repair_id), Wish::Repair(Box::new(command)))
}
