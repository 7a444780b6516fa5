use std::time::{Duration, SystemTime};

use eventstore_client::{AllFrom, Error, Events, Filter, Position, ReadAll, ReadStream, StreamFrom};
use futures::{StreamExt, TryStreamExt};
use tonic::Status;

use crate::server::{Fault, TestServer};

async fn revisions(events: Events) -> Vec<u64> {
    events.map_ok(|event| event.event.revision).try_collect().await.unwrap()
}

async fn commits(events: Events) -> Vec<u64> {
    events.map_ok(|event| event.event.position.commit).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_stream_is_read_from_anywhere_in_both_directions() {
    let server = TestServer::start();
    server.write("other", 1);
    server.write("s", 5);
    let client = server.client();
    let grid: [(ReadStream, &[u64]); 7] = [
        (ReadStream::forwards(), &[0, 1, 2, 3, 4]),
        (ReadStream::forwards().from(3), &[3, 4]),
        (ReadStream::forwards().from(1).count(2), &[1, 2]),
        (ReadStream::forwards().from(9), &[]),
        (ReadStream::backwards(), &[4, 3, 2, 1, 0]),
        (ReadStream::backwards().from(2), &[2, 1, 0]),
        (ReadStream::backwards().from(StreamFrom::End).count(1), &[4]),
    ];
    for (read, expected) in grid {
        assert_eq!(revisions(client.read_stream("s", read.clone()).await.unwrap()).await, expected, "{read:?}");
    }
}

#[tokio::test]
async fn all_is_read_from_anywhere_in_both_directions_and_filtered() {
    let server = TestServer::start();
    for stream in ["a-1", "b-1", "a-2", "b-1"] {
        server.write(stream, 1);
    }
    let client = server.client();
    let at = |commit| Position::new(commit, commit);
    let grid: [(ReadAll, &[u64]); 7] = [
        (ReadAll::forwards(), &[100, 200, 300, 400]),
        (ReadAll::forwards().from(at(300)), &[300, 400]),
        (ReadAll::forwards().filter(Filter::stream_prefixes(["a-"])), &[100, 300]),
        (ReadAll::forwards().filter(Filter::event_type_prefixes(["u"])), &[]),
        (ReadAll::forwards().from(at(200)).filter(Filter::stream_prefixes(["a-", "b-"])).count(2), &[200, 300]),
        (ReadAll::backwards().count(2), &[400, 300]),
        (ReadAll::backwards().from(at(300)), &[200, 100]),
    ];
    for (read, expected) in grid {
        assert_eq!(commits(client.read_all(read.clone()).await.unwrap()).await, expected, "{read:?}");
    }
    let beyond = client.read_all(ReadAll::forwards().from(AllFrom::Position(Position::new(1, 2)))).await.unwrap_err();
    assert!(matches!(beyond, Error::InvalidArgument { .. }), "{beyond:?}");
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_not_found() {
    let server = TestServer::start();
    let error = server.client().read_stream("s", ReadStream::forwards()).await.unwrap_err();
    assert!(matches!(&error, Error::StreamNotFound { stream } if stream == "s"), "{error:?}");
}

#[tokio::test]
async fn links_are_followed_on_demand() {
    let server = TestServer::start();
    server.write("target", 1);
    server.with_log(|log| log.write("links", "$>", "0@target"));
    server.with_log(|log| log.write("links", "$>", "9@target"));
    let client = server.client();
    let read = async |read| client.read_stream("links", read).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    let unresolved = read(ReadStream::forwards()).await;
    assert!(unresolved.iter().all(|event| event.event.event_type == "$>" && event.link.is_none()));
    let resolved = read(ReadStream::forwards().resolve_links()).await;
    assert_eq!((resolved[0].event.stream.as_str(), resolved[0].original().stream.as_str()), ("target", "links"));
    assert_eq!((resolved[1].event.event_type.as_str(), resolved[1].original().revision), ("$>", 1));
}

#[tokio::test]
async fn the_time_of_writing_has_all_its_digits() {
    let server = TestServer::start();
    server.write("s", 1);
    server.with_log(|log| log.entries[0].created = "16094592001234567".into());
    let mut events = server.client().read_stream("s", ReadStream::forwards()).await.unwrap();
    let created = events.try_next().await.unwrap().unwrap().event.created;
    assert_eq!(created.duration_since(SystemTime::UNIX_EPOCH).unwrap(), Duration::new(1_609_459_200, 123_456_700));
}

#[tokio::test]
async fn an_event_that_cannot_be_understood_is_an_error_not_a_panic() {
    let server = TestServer::start();
    server.write("s", 1);
    server.with_log(|log| log.entries[0].id = None);
    let error = server.client().read_stream("s", ReadStream::forwards()).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_that_fails_before_its_first_event_begins_again() {
    let server = TestServer::start();
    server.write("s", 2);
    server.fault("read", Fault::Refuse(Status::unavailable("Server Is Not Ready")));
    server.fault("read", Fault::EndAfter(0, Some(Status::unavailable("lost"))));
    assert_eq!(revisions(server.client().read_stream("s", ReadStream::forwards()).await.unwrap()).await, [0, 1]);
    assert_eq!(server.calls("read"), 3);
}

#[tokio::test]
async fn a_read_that_breaks_off_says_so_and_ends() {
    let server = TestServer::start();
    server.write("s", 3);
    server.fault("read", Fault::EndAfter(2, Some(Status::unavailable("lost"))));
    let events: Vec<_> = server.client().read_stream("s", ReadStream::forwards()).await.unwrap().collect().await;
    assert_eq!(events.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
    assert!(matches!(events[2], Err(Error::Unavailable { .. })), "{events:?}");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_waited_for_no_longer_than_the_deadline() {
    let server = TestServer::start();
    server.write("s", 3);
    let client = server.client().with_deadline(Duration::from_millis(400));
    for silence in [Fault::Hang, Fault::HangAfter(0)] {
        server.fault("read", silence);
        let error = client.read_stream("s", ReadStream::forwards()).await.unwrap_err();
        assert!(matches!(error, Error::DeadlineExceeded), "{error:?}");
    }
    server.fault("read", Fault::HangAfter(2));
    let events: Vec<_> = client.read_stream("s", ReadStream::forwards()).await.unwrap().collect().await;
    assert!(matches!(events[..], [Ok(_), Ok(_), Err(Error::DeadlineExceeded)]), "{events:?}");
}

#[tokio::test]
async fn a_slow_server_is_waited_for_anew_with_every_event() {
    let server = TestServer::start();
    server.write("s", 5);
    server.fault("read", Fault::Dawdle(Duration::from_millis(300)));
    let client = server.client().with_deadline(Duration::from_millis(1000));
    assert_eq!(revisions(client.read_stream("s", ReadStream::forwards()).await.unwrap()).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_reader_may_take_longer_than_the_deadline() {
    let server = TestServer::start();
    server.write("s", 3);
    let client = server.client().with_deadline(Duration::from_millis(400));
    let mut events = client.read_stream("s", ReadStream::forwards()).await.unwrap();
    for _ in 0..3 {
        assert!(events.try_next().await.unwrap().is_some());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(events.try_next().await.unwrap().is_none());
    assert_eq!(server.header("read", "grpc-timeout"), None);
}

#[tokio::test]
async fn an_event_may_be_as_large_as_servers_allow() {
    let server = TestServer::start();
    let size = 16 * 1024 * 1024;
    server.with_log(|log| log.write("s", "t", vec![b'1'; size]));
    let mut events = server.client().read_stream("s", ReadStream::forwards()).await.unwrap();
    assert_eq!(events.try_next().await.unwrap().unwrap().event.data.len(), size);
}

#[tokio::test]
async fn many_events_arrive_in_order() {
    let server = TestServer::start();
    server.write("s", 20_000);
    let revisions = revisions(server.client().read_stream("s", ReadStream::forwards()).await.unwrap()).await;
    assert!(revisions.into_iter().eq(0..20_000));
}
