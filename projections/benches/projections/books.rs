//! A log to project: accounts with what happens to them.

use std::sync::Arc;

use chrono::DateTime;
use daftar_domain::{Actor, CommandHash, EventSchema, Metadata, account, account::Event, ids::AccountId};
use daftar_store::{
    ContentType, NewEvent,
    log::{ExpectedState, Log},
};
use futures::future::try_join_all;
use uuid::Uuid;

/// Appends under way at a time; they share transactions.
const WRITERS: u128 = 64;

/// What happens to each account, the opening first. A contact and an address stay.
fn life(number: u128) -> Vec<Event> {
    let stays = |event: &Event| match event {
        Event::ContactRemoved(_) | Event::AddressRemoved(_) | Event::AccountClosed(_) => false,
        Event::AccountOpened(_) | Event::AccountReclassified(_) | Event::HolderRenamed(_) | Event::IdentityRecorded(_) => true,
        Event::ContactAdded(_) | Event::ContactChanged(_) | Event::AddressAdded(_) | Event::VatStatusSet(_) => true,
        Event::AccountSuspended(_) | Event::AccountResumed(_) => true,
        Event::LanguageChosen(_) | Event::CurrencyChosen(_) | Event::AddressChanged(_) | Event::LinkedToLedger(_) => false,
        Event::ServiceBegun(_) | Event::ServiceEnded(_) | Event::MeterFitted(_) | Event::MeterTakenOff(_) => false,
        Event::OpeningBalanceImported(_) | Event::OpeningBalanceReversed(_) => false,
        Event::AccountCharged(_) | Event::AccountCredited(_) | Event::ItemDisputed(_) | Event::DisputeResolved(_) => false,
        Event::PaymentReceived(_) | Event::PaymentReversed(_) | Event::CreditAllocated(_) | Event::AllocationFreed(_) => false,
        Event::CreditRefunded(_) | Event::RefundReturned(_) | Event::CreditWrittenOff(_) => false,
        Event::DepositTaken(_) | Event::DepositReleased(_) | Event::DepositReturned(_) => false,
        Event::LateFeeAssessed(_) | Event::LateFeeWaived(_) | Event::DebtWrittenOff(_) | Event::DebtRecovered(_) => false,
        Event::RebillBegun(_) | Event::RebillEnded(_) => false,
    };
    let mut events: Vec<Event> = account::example::events().into_iter().filter(stays).collect();
    if let Some(Event::AccountOpened(opened)) = events.first_mut() {
        opened.account_id = AccountId::new(id(number));
    }
    events
}

/// Spread over the index as real ids are.
fn id(number: u128) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())
}

/// Writes the lives of so many accounts, one append each; how many events that was.
pub async fn write(log: &Log, accounts: std::ops::Range<u128>) -> usize {
    let (per_account, first, last) = (life(0).len(), accounts.start, accounts.end);
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
    usize::try_from(last - first).expect("a number of accounts") * per_account
}

/// The position of the last event.
pub async fn append(log: &Log, number: u128) -> u64 {
    append_some(log, number, usize::MAX).await
}

/// As [`append`], and only the first so many.
pub async fn append_some(log: &Log, number: u128, events: usize) -> u64 {
    let events = life(number).iter().take(events).map(stored).collect();
    let written = log.append(&format!("account-{}", id(number)), ExpectedState::NoStream, events).await.expect("appended");
    written.position.expect("there are events")
}

fn stored(event: &Event) -> NewEvent {
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
        data: event.encode().into(),
        metadata: metadata.encode().into(),
    }
}
