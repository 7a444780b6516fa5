//! A meter hears that its supply was cut, and that it is back; an account is credited with what its customer is owed for having waited.

use super::{Asked, CREDIT_COMPENSATION, TELL_METER, Wish, to_account};
use crate::{
    Reason, StreamName,
    account::CreditCompensation,
    disconnection::{DisconnectionExecuted, Event, Moment, ReconnectionExecuted, ReconnectionFellLate},
    ids::{DisconnectionId, MeterId},
    meter::{self, DisconnectMeter, Meter, ReconnectMeter},
};

pub(super) fn of_disconnection(disconnection_id: DisconnectionId, event: &Event) -> Option<Asked> {
    match event {
        Event::DisconnectionExecuted(DisconnectionExecuted { meter_id, at, .. }) => {
            let wish = DisconnectMeter { on: day(*at), reason: Reason::new("cut for a debt").ok()? };
            Some(to_meter(*meter_id, meter::Command::DisconnectMeter(wish)))
        }
        Event::ReconnectionExecuted(ReconnectionExecuted { meter_id, at, .. }) => {
            let wish = ReconnectMeter { on: day(*at), reason: Reason::new("restored after a cut").ok()? };
            Some(to_meter(*meter_id, meter::Command::ReconnectMeter(wish)))
        }
        // Terms of another currency than the account's owe it nothing.
        Event::ReconnectionFellLate(ReconnectionFellLate { account_id, at, compensation, .. }) if !compensation.is_zero() => {
            let wish = CreditCompensation { disconnection_id, amount: *compensation, on: day(*at) };
            Some(to_account(CREDIT_COMPENSATION, *account_id, wish))
        }
        Event::DisconnectionRequested(_)
        | Event::DisconnectionApproved(_)
        | Event::DisconnectionScheduled(_)
        | Event::DisconnectionDispatched(_)
        | Event::DisconnectionFailed(_)
        | Event::DisconnectionRecalled(_)
        | Event::DisconnectionCancelled(_)
        | Event::SwitchUnanswered(_)
        | Event::ReconnectionRequested(_)
        | Event::ReconnectionDispatched(_)
        | Event::ReconnectionFailed(_)
        | Event::ReconnectionFellLate(_) => None,
    }
}

/// By the clock on the wall there.
fn day(at: Moment) -> chrono::NaiveDate {
    at.date_naive()
}

fn to_meter(meter_id: MeterId, command: meter::Command) -> Asked {
    (TELL_METER, StreamName::of::<Meter>(meter_id), Wish::Meter(Box::new(command)))
}
