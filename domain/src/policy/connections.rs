//! A place is kept for an application, and the application hears when it is connected.

use super::{Asked, KEEP_PLACE, TELL_APPLICATION, Wish, request_id};
use crate::{
    StreamName,
    agreement::{self, AwaitConnection, ForgoConnection, ServicePoint},
    application::{self, Application, NoteConnected, SiteInspected},
    ids::ServicePointId,
};

/// What an inspection, as this event, asks of the place. Whoever has inspected may ask at once: the policy then finds it done.
pub fn keep_request(event_id: uuid::Uuid, found: &SiteInspected) -> (uuid::Uuid, AwaitConnection) {
    (request_id(event_id, KEEP_PLACE), keep(found))
}

pub(super) fn of_application(event: &application::Event) -> Option<Asked> {
    use application::Event;
    match event {
        Event::SiteInspected(fact) => Some(to_place(fact.service_point_id, agreement::Command::AwaitConnection(keep(fact)))),
        Event::ApplicationRejected(fact) => {
            let wish = ForgoConnection { application_id: fact.application_id };
            Some(to_place(fact.service_point_id?, agreement::Command::ForgoConnection(wish)))
        }
        Event::ApplicationCancelled(fact) => {
            let wish = ForgoConnection { application_id: fact.application_id };
            Some(to_place(fact.service_point_id?, agreement::Command::ForgoConnection(wish)))
        }
        Event::ApplicationSubmitted(_)
        | Event::ReviewBegun(_)
        | Event::InformationAsked(_)
        | Event::InformationGiven(_)
        | Event::ConnectionPriced(_)
        // The invoice names whoever sells, which only the desk knows.
        | Event::ConnectionFeeInvoiced(_)
        | Event::ConnectionFeePaid(_)
        | Event::ConnectionFeeReopened(_)
        | Event::InstallationScheduled(_)
        | Event::ConnectionInstalled(_)
        | Event::ConnectionActivated(_) => None,
    }
}

pub(super) fn of_service_point(event: &agreement::Event) -> Option<Asked> {
    use agreement::Event;
    match event {
        Event::ConnectionMade(fact) => {
            let wish = application::Command::NoteConnected(NoteConnected { meter_id: fact.meter_id, on: fact.on });
            Some((TELL_APPLICATION, StreamName::of::<Application>(fact.application_id), Wish::Application(Box::new(wish))))
        }
        Event::AgreementStarted(_)
        | Event::AgreementEnded(_)
        | Event::TariffSeriesChanged(_)
        | Event::ReadCycleChanged(_)
        | Event::MeterAttached(_)
        | Event::MeterDetached(_)
        | Event::ConnectionAwaited(_)
        | Event::ConnectionForgone(_) => None,
    }
}

fn keep(found: &SiteInspected) -> AwaitConnection {
    let SiteInspected { application_id, premises_id, findings, .. } = found;
    AwaitConnection { application_id: *application_id, premises_id: *premises_id, service: findings.capacity.service() }
}

fn to_place(service_point_id: ServicePointId, command: agreement::Command) -> Asked {
    (KEEP_PLACE, StreamName::of::<ServicePoint>(service_point_id), Wish::ServicePoint(Box::new(command)))
}
