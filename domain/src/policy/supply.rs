//! A meter hears that its supply was cut, and that it is back.

use super::{Asked, TELL_METER, Wish};
use crate::{
    Reason, StreamName,
    disconnection::{DisconnectionExecuted, Event, Moment, ReconnectionExecuted},
    ids::MeterId,
    meter::{self, DisconnectMeter, Meter, ReconnectMeter},
};

pub(super) fn of_disconnection(event: &Event) -> Option<Asked> {
    match event {
        Event::DisconnectionExecuted(DisconnectionExecuted { meter_id, at, .. }) => {
            let wish = DisconnectMeter { on: day(*at), reason: Reason::new("cut for a debt").ok()? };
            Some(to_meter(*meter_id, meter::Command::DisconnectMeter(wish)))
        }
        Event::ReconnectionExecuted(ReconnectionExecuted { meter_id, at, .. }) => {
            let wish = ReconnectMeter { on: day(*at), reason: Reason::new("restored after a cut").ok()? };
            Some(to_meter(*meter_id, meter::Command::ReconnectMeter(wish)))
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
