//! The contract of the port: what every store must do, as examples that can be held against any of them.
//!
//! Each case works in a category of its own, so the suite may be run against a store that is in use. A case says what it expected and
//! what it saw; it never panics, so that the program `store-contract` can print a line for each.

mod append;
mod concurrency;
mod read;
mod subscribe;

use std::{collections::BTreeSet, fmt::Debug, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use daftar_domain::{Position, StreamName};
use futures::{StreamExt, TryStreamExt, future::BoxFuture};
use uuid::Uuid;

use crate::{AppendError, Appended, ContentType, EventWriter, Expected, FollowStream, Followed, NewEvent, Scope, StoredEvent};

/// Long enough for a slow machine under load, short enough to fail a hung case.
const PATIENCE: Duration = Duration::from_secs(60);

/// What went wrong, in words. Anything that is an error becomes one.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Self(text)
    }
}

pub type CaseResult = Result<(), Failure>;

/// One example, by the sentence that it shows.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub run: fn(Subject) -> BoxFuture<'static, CaseResult>,
}

impl Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Gives every case to the macro `$instantiate`, which makes tests of them, or a list.
#[macro_export]
macro_rules! contract_cases {
    ($instantiate:ident) => {
        $instantiate! {
            append: events_come_back_byte_for_byte
            append: a_new_stream_is_not_appended_to_twice
            append: a_stale_revision_is_refused_with_where_the_stream_is
            append: a_revision_that_is_not_there_yet_is_refused
            append: appending_again_at_its_place_changes_nothing
            append: a_repeat_that_is_only_partly_there_is_refused
            append: the_same_ids_at_the_end_are_new_events
            append: all_events_of_an_append_or_none
            append: nothing_to_append_is_refused
            append: an_append_over_the_limit_is_refused_and_one_at_it_is_not
            read: a_stream_that_does_not_exist_is_empty
            read: a_stream_is_read_from_the_middle_and_beyond_its_end
            read: a_long_stream_is_read_whole
            read: positions_rise_over_all_streams_in_the_order_of_the_appends
            read: the_log_is_read_from_after_a_position
            read: a_category_is_not_mistaken_for_a_longer_one
            read: everything_leaves_out_the_stores_own_streams
            subscribe: a_subscription_catches_up_and_goes_on_with_what_comes
            subscribe: a_subscription_resumes_from_any_position_without_gap_or_double
            subscribe: a_checkpoint_is_a_place_to_resume_from
            concurrency: a_thousand_appends_to_one_stream_have_one_winner_a_revision
            concurrency: a_reader_sees_every_event_of_64_writers_once_and_in_order
            concurrency: commands_of_one_engine_on_one_stream_all_succeed
            concurrency: commands_of_two_engines_on_one_stream_decide_from_what_is_true
            concurrency: a_retried_command_is_recognised_however_much_happened_since
            concurrency: the_same_command_twice_at_once_is_one_append
            concurrency: a_refusal_is_never_taken_from_a_stale_cache
            concurrency: an_idempotency_key_is_not_used_for_another_command
        }
    };
}

macro_rules! list {
    ($($module:ident: $case:ident)*) => {
        /// Every case, in the order in which they are best read.
        pub const CASES: &[Case] = &[$(Case { name: stringify!($case), run: |subject| Box::pin(patiently($module::$case(subject))) }),*];
    };
}
contract_cases!(list);

/// Runs the case of this name: what a test made by [`contract_cases!`] calls.
pub async fn run(name: &str, store: Arc<dyn EventWriter>) -> CaseResult {
    let case = CASES.iter().find(|case| case.name == name).expect("a case of the list");
    (case.run)(Subject::new(store)).await
}

pub(crate) async fn patiently(case: impl Future<Output = CaseResult>) -> CaseResult {
    tokio::time::timeout(PATIENCE, case).await.unwrap_or_else(|_| Err(Failure(format!("nothing more happened for {PATIENCE:?}"))))
}

/// The store under test, and a category that no one else writes to.
#[derive(Clone)]
pub struct Subject {
    pub store: Arc<dyn EventWriter>,
    pub category: String,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({})", self.category)
    }
}

impl Subject {
    pub fn new(store: Arc<dyn EventWriter>) -> Self {
        let letters = Uuid::new_v4().simple().to_string().bytes().map(|digit| char::from(b'a' + digit % 26)).collect::<String>();
        Self { store, category: format!("contract_{letters}") }
    }

    fn stream(&self) -> StreamName {
        self.stream_in(&self.category)
    }

    fn stream_in(&self, category: &str) -> StreamName {
        StreamName::new(category, Uuid::new_v4()).expect("a category of letters")
    }

    fn scope(&self) -> Scope {
        Scope::categories(&[&self.category])
    }

    async fn append(&self, stream: &StreamName, expected: Expected, events: &[NewEvent]) -> Result<Appended, AppendError> {
        self.store.append(stream, expected, events.to_vec()).await
    }

    /// A new stream with these events.
    async fn given(&self, events: &[NewEvent]) -> Result<StreamName, AppendError> {
        let stream = self.stream();
        self.append(&stream, Expected::NoStream, events).await?;
        Ok(stream)
    }

    async fn read(&self, stream: &StreamName, revision: u64) -> Result<Vec<StoredEvent>, Failure> {
        Ok(self.store.read(stream, revision).try_collect().await?)
    }

    async fn read_all(&self, after: Option<Position>) -> Result<Vec<StoredEvent>, Failure> {
        Ok(self.store.read_all(after, self.scope()).try_collect().await?)
    }

    /// A position before everything that this case writes, so that a long log need not be read.
    async fn start(&self) -> Result<Position, Failure> {
        let before = self.stream_in("contract_before");
        Ok(self.append(&before, Expected::NoStream, &[event(0)]).await?.position)
    }
}

/// An event whose data says its number.
fn event(number: u64) -> NewEvent {
    event_of(format!("{{\"number\":{number}}}").into_bytes())
}

fn event_of(data: impl Into<Bytes>) -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: "SomethingHappened".to_owned(),
        content_type: ContentType::Json,
        data: data.into(),
        metadata: Bytes::from_static(b"{\"by\":\"contract\"}"),
    }
}

fn events(count: u64) -> Vec<NewEvent> {
    (0..count).map(event).collect()
}

fn ids(events: &[StoredEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

fn new_ids(events: &[NewEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

pub(crate) fn same<T: PartialEq + Debug>(what: &str, seen: T, expected: T) -> CaseResult {
    if seen == expected { Ok(()) } else { Err(Failure(format!("{what}: expected {expected:?}, saw {seen:?}"))) }
}

pub(crate) fn holds(what: &str, truth: bool) -> CaseResult {
    if truth { Ok(()) } else { Err(Failure(format!("not so: {what}"))) }
}

/// That the append was refused, and where it says the stream is.
fn refused(result: Result<Appended, AppendError>, expected: Expected, actual: Option<u64>) -> CaseResult {
    match result {
        Err(AppendError::WrongExpected { expected: e, actual: a, .. }) => same("the refusal", (e, a), (expected, actual)),
        other => Err(Failure(format!("expected a refusal at {actual:?}, saw {other:?}"))),
    }
}

/// The next `count` events of a subscription, and whether it had caught up before the last of them.
async fn next_events(subscription: &mut FollowStream, count: usize) -> Result<(Vec<StoredEvent>, bool), Failure> {
    let (mut events, mut caught_up) = (vec![], false);
    while events.len() < count {
        match subscription.next().await {
            Some(item) => match item? {
                Followed::Event(event) => events.push(event),
                Followed::CaughtUp => caught_up = true,
                Followed::Checkpoint(_) => {}
            },
            None => return Err(Failure("the subscription ended".to_owned())),
        }
    }
    Ok((events, caught_up))
}

/// That positions rise and no event is there twice.
fn in_order_and_once(events: &[StoredEvent]) -> CaseResult {
    holds("positions rise", events.is_sorted_by(|a, b| a.position < b.position))?;
    same("distinct events", events.iter().map(|event| event.id).collect::<BTreeSet<_>>().len(), events.len())
}
