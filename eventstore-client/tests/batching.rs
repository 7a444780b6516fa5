use std::time::Duration;

use eventstore_client::{Actual, Client, Error, Expected, NewEvent, ReadStream};
use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use tonic::Status;

use crate::server::{Fault, TestServer};

fn event() -> NewEvent {
    NewEvent::json("t", "{}")
}

#[tokio::test]
async fn many_appends_share_one_call_and_get_their_own_answers() {
    let server = TestServer::start();
    let client = server.client();
    let streams: Vec<_> = (0..200).map(|i| format!("s-{i}")).collect();
    let done = join_all(streams.iter().map(|stream| client.batch_append(stream, Expected::NoStream, [event(), event()]))).await;
    assert!(done.into_iter().all(|done| done.unwrap().revision == Some(1)));
    for stream in streams {
        assert_eq!(client.read_stream(&stream, ReadStream::forwards()).await.unwrap().count().await, 2);
    }
    assert_eq!(server.calls("batch_append"), 1);
}

#[tokio::test]
async fn a_refused_append_leaves_the_call_alone() {
    let server = TestServer::start();
    server.write("s", 3);
    let client = server.client();
    let error = client.batch_append("s", Expected::NoStream, [event()]).await.unwrap_err();
    let Error::WrongExpectedVersion { stream, expected, actual } = error else { panic!("{error:?}") };
    assert_eq!((stream.as_str(), expected, actual), ("s", Expected::NoStream, Actual::Revision(2)));
    let error = client.batch_append("missing", Expected::Exact(5), [event()]).await.unwrap_err();
    assert!(matches!(error, Error::WrongExpectedVersion { expected: Expected::Exact(5), actual: Actual::NoStream, .. }), "{error:?}");
    assert_eq!(client.batch_append("s", Expected::Exact(2), [event()]).await.unwrap().revision, Some(3));
    assert_eq!(server.calls("batch_append"), 1);
}

#[tokio::test]
async fn a_lost_call_is_opened_again() {
    let mut server = TestServer::start();
    let client = server.client();
    client.batch_append("s", Expected::NoStream, [event()]).await.unwrap();
    server.restart();
    assert_eq!(client.batch_append("s", Expected::Exact(0), [event()]).await.unwrap().revision, Some(1));
    assert_eq!(server.calls("batch_append"), 2);
}

#[tokio::test]
async fn a_repeatable_append_whose_answer_is_lost_is_repeated_and_written_once() {
    let server = TestServer::start();
    server.fault("batch_append", Fault::LoseAnswer);
    assert_eq!(server.client().batch_append("s", Expected::NoStream, [event()]).await.unwrap().revision, Some(0));
    assert_eq!((server.calls("batch_append"), server.with_log(|log| log.len())), (2, 1));
}

#[tokio::test]
async fn an_append_that_may_have_been_written_is_not_repeated_blindly() {
    let server = TestServer::start();
    server.fault("batch_append", Fault::LoseAnswer);
    let error = server.client().batch_append("s", Expected::Any, [event()]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(server.with_log(|log| log.len()), 1);
}

#[tokio::test]
async fn a_server_that_ends_the_call_as_if_all_were_well_loses_nothing() {
    let server = TestServer::start();
    server.fault("batch_append", Fault::EndAfter(0, None));
    server.fault("batch_append", Fault::Refuse(Status::unavailable("Server Is Not Ready")));
    assert_eq!(server.client().batch_append("s", Expected::NoStream, [event()]).await.unwrap().revision, Some(0));
}

#[tokio::test]
async fn an_answer_that_never_comes_does_not_hold_up_the_others() {
    let server = TestServer::start();
    server.fault("batch_append", Fault::HangAfter(1));
    let client = server.client().with_deadline(Duration::from_millis(400));
    assert!(client.batch_append("a", Expected::NoStream, [event()]).await.is_ok());
    let error = client.batch_append("b", Expected::NoStream, [event()]).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded), "{error:?}");
    // The call is not trusted after that.
    assert!(client.batch_append("c", Expected::NoStream, [event()]).await.is_ok());
}

#[tokio::test]
async fn an_append_larger_than_a_message_arrives_whole() {
    let server = TestServer::start();
    let events: Vec<_> = (0..24).map(|i| NewEvent::binary("t", vec![i; 1024 * 1024])).collect();
    let client = server.client();
    assert_eq!(client.batch_append("s", Expected::NoStream, events).await.unwrap().revision, Some(23));
    let read: Vec<_> = client.read_stream("s", ReadStream::forwards()).await.unwrap().try_collect().await.unwrap();
    assert!(read.iter().enumerate().all(|(i, event)| event.event.data.len() == 1024 * 1024 && event.event.data[0] == i as u8));
}

#[tokio::test]
async fn another_user_has_another_call() {
    let server = TestServer::start();
    let client = server.client();
    client.batch_append("a", Expected::Any, [event()]).await.unwrap();
    let other: Client = client.with_credentials(&eventstore_client::Credentials::new("other", "x"));
    other.batch_append("a", Expected::Any, [event()]).await.unwrap();
    assert_eq!(server.calls("batch_append"), 2);
    assert_eq!(server.header("batch_append", "authorization").as_deref(), Some("Basic b3RoZXI6eA=="));
}
