//! What a repair's customer is told of, wherever they are.

use crate::repair::{Audience, Event, Side, Status};

/// Where the repair has come to, or that somebody wrote. What was written is read where it is kept: a message is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    Stands(Status),
    /// The workshop has written, or shown, something.
    Answered,
}

/// What the customer does themselves, they know.
pub fn notice(event: &Event) -> Option<Notice> {
    match event {
        Event::DiagnosisRecorded(_) => Some(Notice::Stands(Status::Diagnosed)),
        Event::RepairEstimated(fact) => fact.needs_approval.then_some(Notice::Stands(Status::Estimated)),
        Event::EstimateRepriced(fact) => fact.needs_approval.then_some(Notice::Stands(Status::Estimated)),
        Event::PartShort(_) => Some(Notice::Stands(Status::PartsPending)),
        Event::WorkStarted(_) => Some(Notice::Stands(Status::InProgress)),
        Event::WorkFinished(_) => Some(Notice::Stands(Status::QualityCheck)),
        Event::CheckPassed(_) => Some(Notice::Stands(Status::Ready)),
        Event::RepairDelivered(_) => Some(Notice::Stands(Status::Delivered)),
        Event::RepairClosed(_) => Some(Notice::Stands(Status::Closed)),
        Event::RepairCancelled(_) => Some(Notice::Stands(Status::Cancelled)),
        Event::CommentMade(fact) => is_answer(fact.side, fact.audience),
        Event::FileAttached(fact) => is_answer(fact.side, fact.audience),
        // How the workshop finds its own mistakes is not the customer's to follow, and neither are its parts, but for one that is missing.
        Event::CheckFailed(_)
        | Event::PartRequested(_)
        | Event::PartReserved(_)
        | Event::PartUsed(_)
        | Event::PartReturned(_)
        | Event::DeviceDescribed(_)
        | Event::TechnicianAssigned(_)
        | Event::StorageCharged(_)
        | Event::RepairRequested(_)
        | Event::EstimateApproved(_)
        | Event::EstimateDeclined(_)
        | Event::RepairDepositNoted(_)
        | Event::ReturnedUnderWarranty(_)
        | Event::UpdateAsked(_) => None,
    }
}

fn is_answer(side: Side, audience: Audience) -> Option<Notice> {
    ((side, audience) == (Side::Staff, Audience::Public)).then_some(Notice::Answered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::{Coverage, example::*};

    #[test]
    fn a_customer_hears_of_each_new_status_and_of_what_the_workshop_writes_to_them() {
        let of = |event: Event| notice(&event);
        assert_eq!(of(diagnosed(Coverage::Customer)), Some(Notice::Stands(Status::Diagnosed)));
        assert_eq!(of(estimated(1, true)), Some(Notice::Stands(Status::Estimated)));
        assert_eq!(of(passed()), Some(Notice::Stands(Status::Ready)));
        assert_eq!(of(commented(1, Side::Staff, Audience::Public)), Some(Notice::Answered));
    }

    #[test]
    fn nobody_is_told_what_they_did_themselves_or_what_is_for_staff() {
        let of = |event: Event| notice(&event);
        for event in [
            requested(),
            approved(1),
            estimated(2, false),
            commented(1, Side::Customer, Audience::Public),
            commented(1, Side::Staff, Audience::Internal),
            attached(1),
            part_used(),
        ] {
            assert_eq!(of(event.clone()), None, "{event:?}");
        }
    }
}
