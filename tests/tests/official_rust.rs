//! The official Rust client against the node, over each storage.

use std::{fmt::Debug, future::Future, time::Duration};

use bytes::Bytes;
use kurrentdb::{
    AppendToStreamOptions, Client, DeleteStreamOptions, Error, EventData, Position, ReadAllOptions, ReadStream, ReadStreamOptions,
    ResolvedEvent, StreamMetadataBuilder, StreamMetadataResult, StreamPosition, StreamState, SubscribeToAllOptions,
    SubscribeToStreamOptions, Subscription, SubscriptionEvent, SubscriptionFilter, TombstoneStreamOptions,
};
use serde_json::json;
use uuid::Uuid;

use crate::peers::{Node, scenarios};

/// This client hangs where others give up.
const PATIENCE: Duration = Duration::from_secs(60);

mod memory {
    use super::*;

    macro_rules! tests {
        ($($scenario:ident)*) => {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let node = Node::over_memory().await;
                patiently(super::$scenario(client(&node.url(stringify!($scenario))))).await;
            }
        )*};
    }
    scenarios!(tests);
}

mod postgres {
    use super::*;

    macro_rules! tests {
        ($($scenario:ident)*) => {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let node = Node::over_postgres().await;
                patiently(super::$scenario(client(&node.url(stringify!($scenario))))).await;
            }
        )*};
    }
    scenarios!(tests);
}

#[tokio::test(flavor = "multi_thread")]
async fn speaks_tls_with_credentials() {
    let node = Node::with_credentials("clerk", "secret").await;
    let authority = node.authority.as_ref().expect("an authority").path().display().to_string();
    let url = |credentials: &str| format!("esdb://{credentials}{}?tlsCAFile={authority}", node.address);
    patiently(appends_whatever_is_expected(client(&url("clerk:secret@")))).await;
    for wrong in ["", "clerk:wrong@"] {
        let refused = client(&url(wrong)).append_to_stream(stream(), &expecting(StreamState::Any), event("A")).await;
        assert!(matches!(refused, Err(Error::AccessDenied)), "{refused:?}");
    }
}

async fn patiently(scenario: impl Future<Output = ()>) {
    tokio::time::timeout(PATIENCE, scenario).await.expect("something happens");
}

/// It sleeps for a discovery interval before its first call, and half a second is its idea of one.
fn client(url: &str) -> Client {
    Client::new(format!("{url}&discoveryInterval=10").parse().expect("a connection string")).expect("a client")
}

fn stream() -> String {
    format!("peer-{}", Uuid::new_v4())
}

fn event(event_type: &str) -> EventData {
    EventData::json(event_type, &json!({ "a": 1 }))
        .expect("data")
        .metadata_as_json(&json!({ "by": "rust" }))
        .expect("metadata")
        .id(Uuid::new_v4())
}

fn events(count: usize) -> Vec<EventData> {
    (0..count).map(|_| event("SomethingHappened")).collect()
}

fn expecting(state: StreamState) -> AppendToStreamOptions {
    AppendToStreamOptions::default().stream_state(state)
}

async fn given(client: &Client, count: usize) -> (String, Position) {
    let stream = stream();
    let written = client.append_to_stream(stream.as_str(), &expecting(StreamState::NoStream), events(count)).await.expect("a new stream");
    (stream, written.position)
}

async fn all(read: Result<ReadStream, Error>) -> Result<Vec<ResolvedEvent>, Error> {
    let (mut read, mut events) = (read?, vec![]);
    while let Some(event) = read.next().await? {
        events.push(event);
    }
    Ok(events)
}

fn revisions(events: &[ResolvedEvent], stream: &str) -> Vec<u64> {
    events.iter().map(ResolvedEvent::get_original_event).filter(|event| event.stream_id() == stream).map(|event| event.revision).collect()
}

async fn read(client: &Client, stream: &str, options: ReadStreamOptions) -> Vec<u64> {
    revisions(&all(client.read_stream(stream, &options).await).await.expect("a stream"), stream)
}

async fn next(following: &mut Subscription, count: usize, stream: &str) -> Vec<u64> {
    let mut seen = vec![];
    while seen.len() < count {
        let event = following.next().await.expect("an event");
        let event = event.get_original_event();
        if event.stream_id() == stream {
            seen.push(event.revision);
        }
    }
    seen
}

async fn caught_up(following: &mut Subscription) {
    while !matches!(following.next_subscription_event().await.expect("news"), SubscriptionEvent::CaughtUp(..)) {}
}

fn conflicts<T: Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::WrongExpectedVersion { .. })), "{result:?}");
}

async fn appends_whatever_is_expected(client: Client) {
    let stream = stream();
    let append = async |state, events: Vec<EventData>| client.append_to_stream(stream.as_str(), &expecting(state), events).await;
    let first = append(StreamState::NoStream, events(2)).await.expect("no stream");
    let second = append(StreamState::StreamRevision(1), events(1)).await.expect("exact");
    let third = append(StreamState::Any, events(1)).await.expect("any");
    let drawn = EventData::binary("Drawn", Bytes::from_static(&[0, 255])).id(Uuid::new_v4());
    let fourth = append(StreamState::StreamExists, vec![drawn]).await.expect("exists");
    assert_eq!([first.next_expected_version, second.next_expected_version, fourth.next_expected_version], [1, 2, 4]);
    assert!(first.position < second.position && second.position < third.position && third.position < fourth.position);
    let seen = all(client.read_stream(stream.as_str(), &ReadStreamOptions::default().max_count(100)).await).await.expect("the stream");
    let (said, drawn) = (seen[0].get_original_event(), seen[4].get_original_event());
    assert_eq!((said.is_json, &said.data[..], &said.custom_metadata[..]), (true, &br#"{"a":1}"#[..], &br#"{"by":"rust"}"#[..]));
    assert_eq!((drawn.is_json, drawn.event_type.as_str(), &drawn.data[..]), (false, "Drawn", &[0, 255][..]));
    assert_eq!(drawn.position, fourth.position);
}

async fn is_told_of_conflicts(client: Client) {
    let (stream, _) = given(&client, 3).await;
    for state in [StreamState::NoStream, StreamState::StreamRevision(0), StreamState::StreamRevision(7)] {
        match client.append_to_stream(stream.as_str(), &expecting(state), events(1)).await {
            Err(Error::WrongExpectedVersion { expected, current }) => {
                assert_eq!((expected, current), (state, kurrentdb::CurrentRevision::Current(2)));
            }
            other => panic!("expected a conflict, saw {other:?}"),
        }
    }
    conflicts(client.append_to_stream(crate::official_rust::stream(), &expecting(StreamState::StreamExists), events(1)).await);
    assert_eq!(read(&client, &stream, ReadStreamOptions::default().max_count(100)).await, [0, 1, 2]);
}

async fn repeats_without_doubling(client: Client) {
    let (stream, _) = given(&client, 1).await;
    let again = events(2);
    let append = async |state| client.append_to_stream(stream.as_str(), &expecting(state), again.clone()).await;
    let first = append(StreamState::StreamRevision(0)).await.expect("the first time");
    client.append_to_stream(stream.as_str(), &expecting(StreamState::StreamRevision(2)), events(1)).await.expect("one more");
    for state in [StreamState::StreamRevision(0), StreamState::Any, StreamState::StreamExists] {
        let repeat = append(state).await.expect("a repeat");
        assert_eq!((repeat.next_expected_version, repeat.position), (first.next_expected_version, first.position));
    }
    assert_eq!(read(&client, &stream, ReadStreamOptions::default().max_count(100)).await, [0, 1, 2, 3]);
}

async fn reads_both_ways(client: Client) {
    let (stream, _) = given(&client, 5).await;
    let options = || ReadStreamOptions::default().max_count(100);
    assert_eq!(read(&client, &stream, options()).await, [0, 1, 2, 3, 4]);
    assert_eq!(read(&client, &stream, options().position(StreamPosition::Position(2)).max_count(2)).await, [2, 3]);
    assert_eq!(read(&client, &stream, options().backwards().position(StreamPosition::End)).await, [4, 3, 2, 1, 0]);
    assert_eq!(read(&client, &stream, options().backwards().position(StreamPosition::Position(2))).await, [2, 1, 0]);
    let missing = all(client.read_stream(crate::official_rust::stream(), &options()).await).await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
    let options = || ReadAllOptions::default().max_count(1000);
    let forwards = all(client.read_all(&options().position(StreamPosition::Start)).await).await.expect("the log");
    assert_eq!(revisions(&forwards, &stream), [0, 1, 2, 3, 4]);
    let backwards = all(client.read_all(&options().backwards().position(StreamPosition::End)).await).await.expect("the log");
    assert_eq!(revisions(&backwards, &stream), [4, 3, 2, 1, 0]);
}

async fn filters_the_log(client: Client) {
    let (_, start) = given(&client, 1).await;
    let stream = stream();
    let fruit = vec![event("Apple"), event("Pear"), event("Apricot")];
    client.append_to_stream(stream.as_str(), &expecting(StreamState::NoStream), fruit).await.expect("a new stream");
    let metadata = StreamMetadataBuilder::new().max_count(100).build();
    client.set_stream_metadata(stream.as_str(), &expecting(StreamState::Any), &metadata).await.expect("metadata");
    let types = async |filter: SubscriptionFilter| {
        let options = ReadAllOptions::default().position(StreamPosition::Position(start)).max_count(1000).filter(filter);
        let seen = all(client.read_all(&options).await).await.expect("the log");
        let mine = seen.iter().map(ResolvedEvent::get_original_event).filter(|event| event.stream_id().ends_with(&stream));
        mine.map(|event| event.event_type.clone()).collect::<Vec<_>>()
    };
    assert_eq!(types(SubscriptionFilter::on_event_type().exclude_system_events()).await, ["Apple", "Pear", "Apricot"]);
    assert_eq!(types(SubscriptionFilter::on_event_type().add_prefix("Ap")).await, ["Apple", "Apricot"]);
    assert_eq!(types(SubscriptionFilter::on_event_type().regex("^(?!P)A?.*")).await, ["Apple", "Apricot", "$metadata"]);
    assert_eq!(types(SubscriptionFilter::on_stream_name().add_prefix(&stream)).await, ["Apple", "Pear", "Apricot"]);
    let by_name = SubscriptionFilter::on_stream_name().regex(format!("{}$", &stream[5..]));
    assert_eq!(types(by_name).await, ["Apple", "Pear", "Apricot", "$metadata"]);
}

async fn follows_from_the_start(client: Client) {
    let (stream, _) = given(&client, 3).await;
    let mut one = client.subscribe_to_stream(stream.as_str(), &SubscribeToStreamOptions::default().start_from(StreamPosition::Start)).await;
    assert_eq!(next(&mut one, 3, &stream).await, [0, 1, 2]);
    caught_up(&mut one).await;
    client.append_to_stream(stream.as_str(), &expecting(StreamState::StreamRevision(2)), events(2)).await.expect("two more");
    assert_eq!(next(&mut one, 2, &stream).await, [3, 4]);
    let mut log = client.subscribe_to_all(&SubscribeToAllOptions::default().position(StreamPosition::Start)).await;
    assert_eq!(next(&mut log, 5, &stream).await, [0, 1, 2, 3, 4]);
}

async fn follows_from_the_middle(client: Client) {
    let (stream, position) = given(&client, 4).await;
    let from_one = SubscribeToStreamOptions::default().start_from(StreamPosition::Position(1));
    let mut one = client.subscribe_to_stream(stream.as_str(), &from_one).await;
    assert_eq!(next(&mut one, 2, &stream).await, [2, 3]);
    let mut log = client.subscribe_to_all(&SubscribeToAllOptions::default().position(StreamPosition::Position(position))).await;
    client.append_to_stream(stream.as_str(), &expecting(StreamState::StreamRevision(3)), events(1)).await.expect("one more");
    assert_eq!(next(&mut log, 1, &stream).await, [4]);
}

async fn follows_from_the_end(client: Client) {
    let (stream, _) = given(&client, 3).await;
    let mut one = client.subscribe_to_stream(stream.as_str(), &SubscribeToStreamOptions::default().start_from(StreamPosition::End)).await;
    let filter = SubscriptionFilter::on_stream_name().add_prefix("peer-");
    let from_end = SubscribeToAllOptions::default().position(StreamPosition::End).filter(filter);
    let mut log = client.subscribe_to_all(&from_end).await;
    caught_up(&mut one).await;
    caught_up(&mut log).await;
    client.append_to_stream(stream.as_str(), &expecting(StreamState::StreamRevision(2)), events(1)).await.expect("one more");
    assert_eq!(next(&mut one, 1, &stream).await, [3]);
    assert_eq!(next(&mut log, 1, &stream).await, [3]);
}

async fn keeps_metadata(client: Client) {
    let (stream, _) = given(&client, 3).await;
    let none = client.get_stream_metadata(stream.as_str(), &ReadStreamOptions::default()).await;
    assert!(matches!(none, Ok(StreamMetadataResult::NotFound)), "{none:?}");
    let metadata = StreamMetadataBuilder::new().max_count(2).insert_custom_property("colour", "red").build();
    client.set_stream_metadata(stream.as_str(), &expecting(StreamState::NoStream), &metadata).await.expect("metadata");
    match client.get_stream_metadata(stream.as_str(), &ReadStreamOptions::default()).await {
        Ok(StreamMetadataResult::Success(found)) => {
            assert_eq!((found.version(), found.metadata().max_count), (0, Some(2)));
            assert_eq!(found.metadata().custom_properties.get("colour"), Some(&json!("red")));
        }
        other => panic!("expected metadata, saw {other:?}"),
    }
    assert_eq!(read(&client, &stream, ReadStreamOptions::default().max_count(100)).await, [1, 2]);
    conflicts(client.set_stream_metadata(stream.as_str(), &expecting(StreamState::NoStream), &metadata).await);
}

/// This client knows of a refused deletion only that the server refused it.
async fn deletes_and_begins_anew(client: Client) {
    let (stream, _) = given(&client, 3).await;
    let expecting_revision = |revision| DeleteStreamOptions::default().stream_state(StreamState::StreamRevision(revision));
    client.delete_stream(stream.as_str(), &expecting_revision(1)).await.expect_err("another revision");
    client.delete_stream(stream.as_str(), &expecting_revision(2)).await.expect("deleted");
    let gone = all(client.read_stream(stream.as_str(), &ReadStreamOptions::default()).await).await;
    assert!(matches!(gone, Err(Error::ResourceNotFound)), "{gone:?}");
    client.append_to_stream(stream.as_str(), &expecting(StreamState::NoStream), events(1)).await.expect("anew");
    assert_eq!(read(&client, &stream, ReadStreamOptions::default().max_count(100)).await, [3]);
}

async fn tombstones_for_ever(client: Client) {
    let (stream, _) = given(&client, 3).await;
    let options = TombstoneStreamOptions::default().stream_state(StreamState::StreamRevision(2));
    client.tombstone_stream(stream.as_str(), &options).await.expect("tombstoned");
    let gone = all(client.read_stream(stream.as_str(), &ReadStreamOptions::default()).await).await;
    assert!(matches!(gone, Err(Error::ResourceDeleted)), "{gone:?}");
    let refused = client.append_to_stream(stream.as_str(), &expecting(StreamState::Any), events(1)).await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
    let mut following = client.subscribe_to_stream(stream.as_str(), &SubscribeToStreamOptions::default()).await;
    let refused = following.next().await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
}

async fn discovers_the_node(client: Client) {
    let (stream, _) = given(&client, 1).await;
    assert_eq!(read(&client, &stream, ReadStreamOptions::default()).await, [0]);
    let version = client.server_info().await.expect("features").version();
    assert_eq!((version.major(), version.minor()), (24, 10));
}
