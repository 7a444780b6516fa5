use std::time::Duration;

use eventstore_client::{Client, Error, Expected, NewEvent, ReadStream};
use futures::StreamExt;

use crate::server::{Fault, TestServer};

fn event() -> NewEvent {
    NewEvent::json("t", "{}")
}

/// What the store's callers rely on: a client goes anywhere a task goes.
#[test]
fn a_client_is_cheap_to_share() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    fn sendable<T: Send>(_: T) {}
    shareable::<Client>();
    let client = Client::connect("esdb://localhost?tls=false".parse().unwrap()).unwrap();
    sendable(async {
        let _ = client.append("s", Expected::Any, [event()]).await;
        let _ = client.batch_append("s", Expected::Any, [event()]).await;
        let _ = client.read_stream("s", ReadStream::forwards()).await.unwrap().next().await;
        let _ = client.delete("s", Expected::Any).await;
        let _ = client.stream_metadata("s").await;
        let _ = client.gossip().await;
    });
}

#[tokio::test]
async fn a_server_that_comes_late_is_waited_for() {
    let mut server = TestServer::down();
    let client = server.client();
    let early = tokio::spawn({
        let client = client.clone();
        async move { client.append("s", Expected::Any, [event()]).await }
    });
    let impatient = client.with_deadline(Duration::from_millis(1)).append("s", Expected::Any, [event()]).await;
    assert!(matches!(impatient, Err(Error::Unavailable { .. } | Error::DeadlineExceeded)), "{impatient:?}");
    server.restart();
    assert!(early.await.unwrap().is_ok());
    assert_eq!(client.append("s", Expected::Exact(0), [event()]).await.unwrap().revision, Some(1));
}

#[tokio::test]
async fn a_restart_is_survived() {
    let mut server = TestServer::start();
    let client = server.client();
    client.append("s", Expected::NoStream, [event()]).await.unwrap();
    for revision in 0..3 {
        server.restart();
        assert_eq!(client.append("s", Expected::Exact(revision), [event()]).await.unwrap().revision, Some(revision + 1));
        assert_eq!(client.read_stream("s", ReadStream::forwards()).await.unwrap().count().await as u64, revision + 2);
    }
}

#[tokio::test]
async fn one_hung_call_does_not_hold_up_the_others() {
    let server = TestServer::start();
    let client = server.client();
    server.fault("append", Fault::Hang);
    let hung = tokio::spawn({
        let client = client.with_deadline(None);
        async move { client.append("s", Expected::Any, [event()]).await }
    });
    while server.calls("append") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(client.append("s", Expected::Any, [event()]).await.is_ok());
    assert!(!hung.is_finished());
    hung.abort();
}

#[tokio::test]
async fn the_server_says_what_it_is() {
    let server = TestServer::start();
    let features = server.client().server_features().await.unwrap();
    assert_eq!(features.version, "24.10.2");
    assert!(features.supports("event_store.client.streams.Streams", "BatchAppend"));
    assert!(!features.supports("event_store.client.streams.Streams", "Append"));
    assert_eq!(features.methods[0].features, ["deadline_duration"]);
}
