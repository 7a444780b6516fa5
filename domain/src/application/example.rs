//! A made-up application for examples and tests.

use uuid::Uuid;

use super::*;
use crate::{
    Code, Reason, Sealed, SealedFor,
    account::CustomerClass,
    connection_prices::{Capacity, Phase, example as prices},
    ids::{AgreementId, ApplicationId, connection_invoice_id, service_point_id},
    meter::MeterKind,
};

pub const APPLICATION: ApplicationId = ApplicationId::new(Uuid::from_u128(81));
pub const ACCOUNT: AccountId = AccountId::new(Uuid::from_u128(7));
pub const PREMISES: PremisesId = PremisesId::new(Uuid::from_u128(41));
pub const METER: MeterId = MeterId::new(Uuid::from_u128(64));
pub const AGREEMENT: AgreementId = AgreementId::new(Uuid::from_u128(601));

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

pub fn sealed(n: u8) -> Sealed {
    Sealed::new(SealedFor::Contact, vec![n], [n; 16])
}

/// 25 kVA in three phases, by a smart meter.
pub fn submit() -> SubmitApplication {
    let capacity = Capacity::Electricity { load_kva: prices::quantity("25"), phase: Phase::Three };
    SubmitApplication {
        application_id: APPLICATION,
        account_id: ACCOUNT,
        capacity,
        meter: MeterKind::Smart,
        site: sealed(1),
        on: day("2024-03-01"),
    }
}

pub fn submitted() -> Event {
    let SubmitApplication { application_id, account_id, capacity, meter, site, on } = submit();
    ApplicationSubmitted { application_id, account_id, capacity, meter, site, on }.into()
}

pub fn review_begun() -> Event {
    ReviewBegun { on: day("2024-03-02") }.into()
}

pub fn asked() -> Event {
    InformationAsked { question: reason("whose is the land?"), on: day("2024-03-02") }.into()
}

pub fn given_information() -> Event {
    InformationGiven { answer: sealed(2), on: day("2024-03-03") }.into()
}

/// As it was asked for, 80 metres from the network.
pub fn findings() -> Findings {
    let SubmitApplication { capacity, meter, .. } = submit();
    Findings { capacity, distance_m: prices::quantity("80"), area: Code::new("riyadh-north").expect("a code"), meter }
}

pub fn inspect() -> InspectSite {
    InspectSite { premises_id: PREMISES, findings: findings(), on: day("2024-03-05") }
}

pub fn inspected() -> Event {
    let InspectSite { premises_id, findings, on } = inspect();
    let service_point_id = service_point_id(premises_id, findings.capacity.service());
    SiteInspected { application_id: APPLICATION, premises_id, service_point_id, findings, on }.into()
}

pub fn price(on: &str) -> PriceConnection {
    PriceConnection { prices: prices::electricity(), class: CustomerClass::Residential, exempt: None, on: day(on) }
}

/// Good until 5 April.
pub fn quote() -> Quote {
    prices::electricity().quote(prices::home(), None, day("2024-03-06")).expect("a price")
}

pub fn priced() -> Event {
    ConnectionPriced { quote: Box::new(quote()), on: day("2024-03-06") }.into()
}

pub fn invoiced() -> Event {
    let quote = quote();
    ConnectionFeeInvoiced {
        application_id: APPLICATION,
        account_id: ACCOUNT,
        invoice_id: connection_invoice_id(APPLICATION),
        lines: quote.document_lines(),
        rounding: quote.rounding,
        on: day("2024-03-07"),
    }
    .into()
}

pub fn paid(as_of: u64) -> Event {
    ConnectionFeePaid { as_of, on: day("2024-03-08") }.into()
}

pub fn reopened(as_of: u64) -> Event {
    ConnectionFeeReopened { as_of, on: day("2024-03-09") }.into()
}

pub fn scheduled() -> Event {
    InstallationScheduled { planned_on: day("2024-03-12"), on: day("2024-03-10") }.into()
}

pub fn installed() -> Event {
    ConnectionInstalled { meter_id: METER, on: day("2024-03-12") }.into()
}

pub fn activated() -> Event {
    ConnectionActivated { agreement_id: AGREEMENT, on: day("2024-03-12") }.into()
}

pub fn rejected(inspected: bool) -> Event {
    let service_point_id = inspected.then(kept);
    ApplicationRejected { application_id: APPLICATION, service_point_id, reason: reason("no network there"), on: day("2024-03-11") }.into()
}

pub fn cancelled(inspected: bool, invoiced: bool) -> Event {
    ApplicationCancelled {
        application_id: APPLICATION,
        account_id: ACCOUNT,
        service_point_id: inspected.then(kept),
        invoice_id: invoiced.then(|| connection_invoice_id(APPLICATION)),
        reason: reason("sold the house"),
        on: day("2024-03-11"),
    }
    .into()
}

fn kept() -> crate::ids::ServicePointId {
    service_point_id(PREMISES, crate::Service::Electricity)
}

/// All that is wished for after it was submitted, until what is supplied is billed.
pub fn to_the_end(answer: Sealed) -> Vec<Command> {
    let on = |on: &str| day(on);
    vec![
        Command::BeginReview(BeginReview { on: on("2024-03-02") }),
        Command::AskForInformation(AskForInformation { question: reason("whose is the land?"), on: on("2024-03-02") }),
        Command::GiveInformation(GiveInformation { answer, on: on("2024-03-03") }),
        Command::InspectSite(inspect()),
        Command::PriceConnection(price("2024-03-06")),
        Command::InvoiceConnectionFee(InvoiceConnectionFee { on: on("2024-03-07") }),
        Command::NoteFeePaid(NoteFeePaid { as_of: 4, on: on("2024-03-08") }),
        Command::ScheduleInstallation(ScheduleInstallation { planned_on: on("2024-03-12"), on: on("2024-03-10") }),
        Command::NoteConnected(NoteConnected { meter_id: METER, on: on("2024-03-12") }),
        Command::ActivateConnection(ActivateConnection { agreement_id: AGREEMENT, on: on("2024-03-12") }),
    ]
}

/// One of every event.
pub fn events() -> Vec<Event> {
    vec![
        submitted(),
        review_begun(),
        asked(),
        given_information(),
        inspected(),
        priced(),
        invoiced(),
        paid(4),
        reopened(5),
        scheduled(),
        installed(),
        activated(),
        rejected(true),
        cancelled(true, true),
    ]
}
