use std::time::Duration;

use eventstore_client::{Actual, Appended, ContentType, Error, Expected, NewEvent, Position, ReadStream};
use futures::TryStreamExt;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::server::{Fault, TestServer, exception};

fn event(data: &str) -> NewEvent {
    NewEvent::json("t", data.to_owned())
}

fn appended(revision: u64, position: u64) -> Appended {
    Appended { revision: Some(revision), position: Some(Position::new(position, position)) }
}

#[tokio::test]
async fn what_was_appended_is_read_back() {
    let server = TestServer::start();
    let client = server.client();
    let id = Uuid::from_u128(42);
    let json = NewEvent::json("Issued", r#"{"a":1}"#).with_id(id).with_metadata("meta");
    let binary = NewEvent::binary("Scanned", vec![0xff, 0]);
    assert_eq!(client.append("s", Expected::NoStream, [json, binary]).await.unwrap(), appended(1, 200));

    let events: Vec<_> = client.read_stream("s", ReadStream::forwards()).await.unwrap().try_collect().await.unwrap();
    let first = &events[0].event;
    assert_eq!((first.id, first.stream.as_str(), first.revision, first.position), (id, "s", 0, Position::new(100, 100)));
    assert_eq!((first.event_type.as_str(), first.content_type), ("Issued", ContentType::Json));
    assert_eq!((&first.data[..], &first.metadata[..]), (&br#"{"a":1}"#[..], &b"meta"[..]));
    let second = &events[1].event;
    assert_eq!((second.revision, second.content_type, &second.data[..]), (1, ContentType::Binary, &[0xff, 0][..]));
}

#[tokio::test]
async fn every_expectation_holds_or_names_both_sides() {
    let server = TestServer::start();
    server.write("three", 3);
    let client = server.client();
    let grid = [
        ("a", Expected::Any, Ok(0)),
        ("b", Expected::NoStream, Ok(0)),
        ("three", Expected::Exact(2), Ok(3)),
        ("three", Expected::StreamExists, Ok(4)),
        ("three", Expected::Any, Ok(5)),
        ("three", Expected::NoStream, Err(Actual::Revision(5))),
        ("three", Expected::Exact(1), Err(Actual::Revision(5))),
        ("three", Expected::Exact(9), Err(Actual::Revision(5))),
        ("missing", Expected::Exact(0), Err(Actual::NoStream)),
        ("missing", Expected::StreamExists, Err(Actual::NoStream)),
    ];
    for (stream, expected, outcome) in grid {
        match (client.append(stream, expected, [event("1")]).await, outcome) {
            (Ok(done), Ok(revision)) => assert_eq!(done.revision, Some(revision), "{stream} {expected:?}"),
            (Err(Error::WrongExpectedVersion { stream: s, expected: e, actual }), Err(really)) => {
                assert_eq!((s.as_str(), e, actual), (stream, expected, really));
            }
            (done, _) => panic!("{stream} {expected:?}: {done:?}"),
        }
    }
}

#[tokio::test]
async fn appending_nothing_to_nothing_is_allowed() {
    let server = TestServer::start();
    let done = server.client().append("s", Expected::NoStream, []).await.unwrap();
    assert_eq!(done, Appended { revision: None, position: None });
}

#[tokio::test]
async fn a_repeatable_append_whose_answer_is_lost_is_repeated_and_written_once() {
    let server = TestServer::start();
    let client = server.client();
    server.fault("append", Fault::LoseAnswer);
    assert_eq!(client.append("s", Expected::NoStream, [event("1"), event("2")]).await.unwrap(), appended(1, 200));
    server.fault("append", Fault::LoseAnswer);
    assert_eq!(client.append("s", Expected::Exact(1), [event("3")]).await.unwrap(), appended(2, 300));
    assert_eq!((server.calls("append"), server.with_log(|log| log.len())), (4, 3));
}

#[tokio::test]
async fn an_append_that_may_have_been_written_is_not_repeated_blindly() {
    let server = TestServer::start();
    server.write("s", 1);
    let client = server.client();
    for expected in [Expected::Any, Expected::StreamExists] {
        server.fault("append", Fault::LoseAnswer);
        let error = client.append("s", expected, [event("1")]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    for call in ["delete", "tombstone"] {
        server.fault(call, Fault::LoseAnswer);
    }
    assert!(matches!(client.delete("s", Expected::Any).await, Err(Error::Unavailable { .. })));
    assert!(matches!(client.tombstone("s", Expected::Any).await, Err(Error::Unavailable { .. })));
    assert_eq!((server.calls("append"), server.calls("delete"), server.calls("tombstone")), (2, 1, 1));
}

#[tokio::test]
async fn attempts_are_counted() {
    let server = TestServer::start();
    let mut settings = server.settings();
    settings.max_discover_attempts = 3;
    for _ in 0..4 {
        server.fault("append", Fault::Refuse(Status::unavailable("Server Is Not Ready")));
    }
    let client = eventstore_client::Client::connect(settings).unwrap();
    assert!(matches!(client.append("s", Expected::NoStream, [event("1")]).await, Err(Error::Unavailable { .. })));
    assert_eq!(server.calls("append"), 3);
}

#[tokio::test]
async fn deleting_tells_its_position_and_a_tombstoned_stream_is_gone() {
    let server = TestServer::start();
    server.write("soft", 2);
    server.write("hard", 2);
    let client = server.client();
    assert_eq!(client.delete("soft", Expected::Exact(1)).await.unwrap(), Some(Position::new(500, 500)));
    assert_eq!(client.tombstone("hard", Expected::StreamExists).await.unwrap(), Some(Position::new(600, 600)));
    let gone = |error| matches!(error, Error::StreamDeleted { stream } if stream == "hard");
    assert!(gone(client.append("hard", Expected::Any, [event("1")]).await.unwrap_err()));
    assert!(gone(client.batch_append("hard", Expected::Any, [event("1")]).await.unwrap_err()));
    assert!(gone(client.delete("hard", Expected::Any).await.unwrap_err()));
    assert!(gone(client.read_stream("hard", ReadStream::forwards()).await.unwrap_err()));
}

#[tokio::test]
async fn a_refused_delete_names_both_revisions() {
    let server = TestServer::start();
    server.write("s", 3);
    let client = server.client();
    let grid = [
        ("s", Expected::NoStream, Actual::Revision(2)),
        ("s", Expected::Exact(7), Actual::Revision(2)),
        ("missing", Expected::StreamExists, Actual::NoStream),
        ("missing", Expected::Exact(0), Actual::NoStream),
    ];
    for (stream, expected, actual) in grid {
        for error in [client.delete(stream, expected).await.unwrap_err(), client.tombstone(stream, expected).await.unwrap_err()] {
            let Error::WrongExpectedVersion { stream: s, expected: e, actual: a } = error else { panic!("{error:?}") };
            assert_eq!((s.as_str(), e, a), (stream, expected, actual));
        }
    }
}

#[tokio::test]
async fn what_no_server_accepts_never_leaves_the_client() {
    let server = TestServer::start();
    let client = server.client();
    let refused = [
        client.append("", Expected::Any, [event("1")]).await.unwrap_err(),
        client.append("$$", Expected::Any, [event("1")]).await.unwrap_err(),
        client.append("s", Expected::Exact(u64::MAX), [event("1")]).await.unwrap_err(),
        client.batch_append("", Expected::Any, [event("1")]).await.unwrap_err(),
        client.batch_append("s", Expected::Exact(1 << 63), [event("1")]).await.unwrap_err(),
        client.delete("$$", Expected::Any).await.unwrap_err(),
        client.tombstone("s", Expected::Exact(u64::MAX)).await.unwrap_err(),
        client.read_stream("", ReadStream::forwards()).await.unwrap_err(),
        client.read_stream("s", ReadStream::forwards().from(1 << 63)).await.unwrap_err(),
        client.stream_metadata("$$s").await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
    }
    let calls = ["append", "batch_append", "delete", "tombstone", "read"].map(|call| server.calls(call));
    assert_eq!(calls, [0; 5]);
}

#[tokio::test]
async fn a_call_carries_who_asks_how_and_for_how_long() {
    let server = TestServer::start();
    let mut settings = server.settings();
    settings.connection_name = Some("reader 1".into());
    settings.credentials = Some(eventstore_client::Credentials::new("user", "p@ss"));
    let client = eventstore_client::Client::connect(settings).unwrap();
    client.append("s", Expected::Any, [event("1")]).await.unwrap();
    let header = |key: &str| server.header("append", key);
    assert_eq!(header("connection-name").as_deref(), Some("reader 1"));
    assert_eq!(header("authorization").as_deref(), Some("Basic dXNlcjpwQHNz"));
    assert_eq!(header("requires-leader").as_deref(), Some("true"));
    assert!(header("grpc-timeout").is_some());

    let other = client.with_credentials(&eventstore_client::Credentials::new("other", "x")).with_deadline(None);
    other.append("s", Expected::Any, [event("1")]).await.unwrap();
    assert_eq!((header("authorization").as_deref(), header("grpc-timeout")), (Some("Basic b3RoZXI6eA=="), None));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_waited_for_no_longer_than_the_deadline() {
    let server = TestServer::start();
    let client = server.client().with_deadline(Duration::from_millis(50));
    for call in ["append", "delete", "tombstone", "features", "batch_append"] {
        server.fault(call, Fault::Hang);
    }
    let hung = [
        client.append("s", Expected::NoStream, [event("1")]).await.unwrap_err(),
        client.batch_append("s", Expected::NoStream, [event("1")]).await.unwrap_err(),
        client.delete("s", Expected::Any).await.unwrap_err(),
        client.tombstone("s", Expected::Any).await.unwrap_err(),
        client.server_features().await.unwrap_err(),
    ];
    for error in hung {
        assert!(matches!(error, Error::DeadlineExceeded), "{error:?}");
    }
}

#[tokio::test]
async fn an_append_that_is_too_large_names_the_limit() {
    let server = TestServer::start();
    let details = [("maximum-append-size", "1048576")];
    server.fault("append", Fault::Refuse(exception(Code::InvalidArgument, "maximum-append-size-exceeded", &details)));
    let error = server.client().append("s", Expected::Any, [event("1")]).await.unwrap_err();
    assert!(matches!(error, Error::AppendTooLarge { maximum: Some(1_048_576) }), "{error:?}");
}
