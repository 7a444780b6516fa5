//! A log to project: everything that can happen to a customer, and to all that is about him.
#![allow(dead_code, reason = "the examples and the benchmark each use a part of it")]

use std::sync::{Arc, OnceLock};

use chrono::DateTime;
use daftar_domain::{
    Actor, BillingEvent, CommandHash, Metadata, Service, account, agreement, application, appointment, bill_run, branch, connection_prices,
    correction, disconnection, dunning,
    ids::{accounting_periods_id, service_point_id},
    invoice,
    ledger::periods,
    meter, part, payment, policy, premises, read_cycle, register, repair, reservation, settlement, stock, tariff, user,
};
use daftar_store::{
    ContentType, NewEvent,
    log::{ExpectedState, Log},
};
use futures::future::try_join_all;
use uuid::Uuid;

/// Appends under way at a time; they share transactions.
const WRITERS: u128 = 64;

/// A stream of the example, and what is in it.
struct Story {
    category: &'static str,
    id: Uuid,
    events: Vec<BillingEvent>,
}

/// One of every event of every aggregate, the account's first. Its contact and its address stay.
fn stories() -> &'static [Story] {
    static STORIES: OnceLock<Vec<Story>> = OnceLock::new();
    STORIES.get_or_init(|| {
        fn of<E: Into<BillingEvent>>(id: impl Into<Uuid>, events: Vec<E>) -> Story {
            let events: Vec<BillingEvent> = events.into_iter().map(Into::into).collect();
            Story { category: events[0].category(), id: id.into(), events }
        }
        let stays = |event: &account::Event| !matches!(event, account::Event::ContactRemoved(_) | account::Event::AddressRemoved(_));
        let number = |n: u128| Uuid::from_u128(n);
        vec![
            of(number(7), account::example::events().into_iter().filter(stays).collect()),
            of(number(41), premises::example::events()),
            of(service_point_id(meter::example::PREMISES, Service::Electricity), agreement::example::events()),
            of(meter::example::METER, meter::example::events()),
            of(number(51), read_cycle::example::events()),
            of(number(90), reservation::example::events()),
            of(number(95), tariff::example::events()),
            of(invoice::example::INVOICE, invoice::example::events()),
            of(number(301), payment::example::events()),
            of(bill_run::example::RUN, bill_run::example::events()),
            of(number(302), register::example::events()),
            of(correction::example::CORRECTION, correction::example::events()),
            of(accounting_periods_id(), periods::example::events()),
            of(number(303), policy::refused::example::events()),
            of(number(304), user::example::of_staff()),
            of(number(315), user::example::of_customer()),
            of(number(305), user::audit::example::events()),
            of(number(306), appointment::example::events()),
            of(number(307), branch::example::events()),
            of(number(308), part::example::events()),
            of(number(309), repair::example::events()),
            of(number(310), stock::example::events()),
            of(number(311), settlement::example::events()),
            of(dunning::example::ACCOUNT, dunning::example::events()),
            of(disconnection::example::ORDER, disconnection::example::events()),
            of(application::example::APPLICATION, application::example::events()),
            of(number(314), connection_prices::example::events()),
        ]
    })
}

/// Another id for each number and each id in the example, spread over the index as real ids are. What refers to what stays as it is.
fn id(number: u128, id: Uuid) -> Uuid {
    Uuid::new_v5(&Uuid::from_u128(number), id.as_bytes())
}

/// An event of the example as it happens to somebody else: a text between quotes that is an id is another.
fn retold(number: u128, event: &BillingEvent) -> NewEvent {
    let data = String::from_utf8(event.encode()).expect("events are text");
    let others = data.split('"').map(|text| match Uuid::try_parse(text) {
        Ok(found) if text.len() == 36 => id(number, found).to_string(),
        _ => text.to_owned(),
    });
    let metadata = Metadata {
        recorded_at: DateTime::UNIX_EPOCH,
        actor: Actor::job("bench"),
        command_id: Uuid::new_v4(),
        command_hash: CommandHash::of(&""),
        correlation_id: Uuid::new_v4(),
        causation_id: Uuid::new_v4(),
        schema_version: event.version(),
    };
    NewEvent {
        id: Uuid::new_v4(),
        event_type: event.event_type().to_owned(),
        content_type: ContentType::Json,
        data: others.collect::<Vec<_>>().join("\"").into_bytes().into(),
        metadata: metadata.encode().into(),
    }
}

/// The categories in which something happens.
pub fn categories() -> impl Iterator<Item = &'static str> {
    stories().iter().map(|story| story.category)
}

/// How many events each customer brings.
pub fn events_each() -> usize {
    stories().iter().map(|story| story.events.len()).sum()
}

/// Writes what happens to so many customers, one append for each stream; how many events that was.
pub async fn write(log: &Log, customers: std::ops::Range<u128>) -> usize {
    let (first, last) = (customers.start, customers.end);
    let log = Arc::new(log.clone());
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut number = first + writer;
            while number < last {
                append(&log, number).await;
                number += WRITERS;
            }
        })
    });
    try_join_all(writers).await.expect("no writer panics");
    usize::try_from(last - first).expect("a number of customers") * events_each()
}

/// The position of the last event.
pub async fn append(log: &Log, number: u128) -> u64 {
    let mut last = 0;
    for story in stories() {
        last = tell(log, number, story, usize::MAX).await;
    }
    last
}

/// What happens to an account: types and data.
pub fn of_account(number: u128) -> impl Iterator<Item = (String, Vec<u8>)> {
    stories()[0].events.iter().map(move |event| {
        let event = retold(number, event);
        (event.event_type, event.data.to_vec())
    })
}

/// Opens an account and nothing else.
pub async fn open(log: &Log, number: u128) -> u64 {
    tell(log, number, &stories()[0], 1).await
}

async fn tell(log: &Log, number: u128, story: &Story, most: usize) -> u64 {
    let events = story.events.iter().take(most).map(|event| retold(number, event)).collect();
    let stream = format!("{}-{}", story.category, id(number, story.id));
    let written = log.append(&stream, ExpectedState::NoStream, events).await.expect("appended");
    written.position.expect("there are events")
}
