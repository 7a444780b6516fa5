use std::time::Duration;

use eventstore_client::{Error, Filter, Position, SubscribeToAll, SubscribeToStream, Subscription, SubscriptionEvent};
use futures::{FutureExt, StreamExt};
use tonic::{Code, Status};

use crate::server::{Fault, TestServer, exception};

/// What a subscription yields, short enough to compare.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Event(u64),
    Checkpoint(u64),
    CaughtUp,
}
use Seen::{CaughtUp, Checkpoint, Event};

async fn next(subscription: &mut Subscription) -> Seen {
    let item = tokio::time::timeout(Duration::from_secs(20), subscription.next()).await.expect("the subscription is stuck");
    match item.expect("the subscription ended").unwrap() {
        SubscriptionEvent::Event(event) => Event(event.original().position.commit / 100),
        SubscriptionEvent::Checkpoint(position) => Checkpoint(position.commit / 100),
        SubscriptionEvent::CaughtUp => CaughtUp,
    }
}

async fn take(subscription: &mut Subscription, n: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    for _ in 0..n {
        seen.push(next(subscription).await);
    }
    seen
}

#[tokio::test]
async fn the_past_then_the_present() {
    let server = TestServer::start();
    server.write("s", 2);
    let mut all = server.client().subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    assert_eq!(take(&mut all, 3).await, [Event(1), Event(2), CaughtUp]);
    server.write("other", 1);
    server.write("s", 1);
    assert_eq!(take(&mut all, 2).await, [Event(3), Event(4)]);

    let mut stream = server.client().subscribe_to_stream("s", SubscribeToStream::after(0)).unwrap();
    assert_eq!(take(&mut stream, 3).await, [Event(2), Event(4), CaughtUp]);
    server.write("other", 1);
    server.write("s", 1);
    assert_eq!(next(&mut stream).await, Event(6));
}

#[tokio::test]
async fn a_stream_may_be_followed_before_it_exists() {
    let server = TestServer::start();
    let mut stream = server.client().subscribe_to_stream("s", SubscribeToStream::from_start()).unwrap();
    assert_eq!(next(&mut stream).await, CaughtUp);
    server.write("s", 1);
    assert_eq!(next(&mut stream).await, Event(1));
}

#[tokio::test]
async fn a_filter_brings_checkpoints() {
    let server = TestServer::start();
    server.write("a-1", 1);
    server.write("b-1", 3);
    let filter = Filter::stream_prefixes(["a-"]);
    let mut all = server.client().subscribe_to_all(SubscribeToAll::from_start().filter(filter.clone())).unwrap();
    assert_eq!(take(&mut all, 3).await, [Event(1), Checkpoint(4), CaughtUp]);
    server.write("a-1", 1);
    assert_eq!(take(&mut all, 2).await, [Event(5), Checkpoint(5)]);
    let after = SubscribeToAll::after(Position::new(400, 400)).filter(filter);
    let mut resumed = server.client().subscribe_to_all(after).unwrap();
    assert_eq!(take(&mut resumed, 3).await, [Event(5), Checkpoint(5), CaughtUp]);
}

#[tokio::test]
async fn a_restart_leaves_neither_gap_nor_duplicate() {
    let mut server = TestServer::start();
    server.write("s", 2);
    let client = server.client();
    let mut all = client.subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    let mut stream = client.subscribe_to_stream("s", SubscribeToStream::from_start()).unwrap();
    for subscription in [&mut all, &mut stream] {
        assert_eq!(take(subscription, 3).await, [Event(1), Event(2), CaughtUp]);
    }
    for (down, up) in [(3, 4), (5, 6)] {
        server.kill();
        server.write("s", 1);
        server.restart();
        server.write("s", 1);
        for subscription in [&mut all, &mut stream] {
            let mut seen = take(subscription, 3).await;
            // The second may have been written before the server was asked, or after.
            seen.retain(|item| *item != CaughtUp);
            assert_eq!(seen, [Event(down), Event(up)]);
        }
    }
}

#[tokio::test]
async fn a_broken_subscription_goes_on_after_what_was_seen() {
    let server = TestServer::start();
    server.write("s", 4);
    // The confirmation counts too.
    for interruption in [
        Fault::EndAfter(3, Some(Status::unavailable("gone"))),
        Fault::EndAfter(2, None),
        Fault::EndAfter(1, Some(Status::aborted("Consumer too slow"))),
        Fault::EndAfter(0, None),
        Fault::Refuse(Status::unavailable("Server Is Not Ready")),
        Fault::Refuse(Status::internal("oops")),
    ] {
        server.fault("subscribe", interruption);
    }
    let mut all = server.client().subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    assert_eq!(take(&mut all, 5).await, [Event(1), Event(2), Event(3), Event(4), CaughtUp]);
    assert_eq!(server.calls("subscribe"), 7);
}

#[tokio::test]
async fn a_checkpoint_is_resumed_from() {
    let server = TestServer::start();
    server.write("b-1", 3);
    server.fault("subscribe", Fault::EndAfter(2, Some(Status::unavailable("gone"))));
    let subscribe = SubscribeToAll::from_start().filter(Filter::stream_prefixes(["a-"]));
    let mut all = server.client().subscribe_to_all(subscribe).unwrap();
    // A server that began again at the start would repeat the checkpoint.
    assert_eq!(take(&mut all, 2).await, [Checkpoint(3), CaughtUp]);
    assert_eq!(server.calls("subscribe"), 2);
}

#[tokio::test]
async fn what_is_written_after_the_end_was_noted_is_not_lost() {
    let server = TestServer::start();
    server.write("s", 2);
    let client = server.client();
    let mut all = client.subscribe_to_all(SubscribeToAll::from_end()).unwrap();
    let mut stream = client.subscribe_to_stream("s", SubscribeToStream::from_end()).unwrap();
    for subscription in [&mut all, &mut stream] {
        server.fault("subscribe", Fault::EndAfter(2, Some(Status::unavailable("gone"))));
        assert_eq!(next(subscription).await, CaughtUp);
    }
    // Both have lost their connection without having seen an event.
    server.write("s", 1);
    for subscription in [&mut all, &mut stream] {
        assert_eq!(next(subscription).await, Event(3));
    }
}

#[tokio::test]
async fn the_end_of_nothing_is_the_start() {
    let server = TestServer::start();
    let client = server.client();
    let mut all = client.subscribe_to_all(SubscribeToAll::from_end()).unwrap();
    let mut stream = client.subscribe_to_stream("s", SubscribeToStream::from_end()).unwrap();
    assert_eq!((next(&mut all).await, next(&mut stream).await), (CaughtUp, CaughtUp));
    server.write("s", 1);
    assert_eq!((next(&mut all).await, next(&mut stream).await), (Event(1), Event(1)));
}

#[tokio::test]
async fn links_are_counted_by_their_own_place() {
    let server = TestServer::start();
    server.write("target", 3);
    server.with_log(|log| log.write("links", "$>", "2@target"));
    server.with_log(|log| log.write("links", "$>", "0@target"));
    server.fault("subscribe", Fault::EndAfter(2, Some(Status::unavailable("gone"))));
    let mut links = server.client().subscribe_to_stream("links", SubscribeToStream::from_start().resolve_links()).unwrap();
    assert_eq!(take(&mut links, 3).await, [Event(4), Event(5), CaughtUp]);
}

#[tokio::test]
async fn what_no_patience_can_cure_ends_it() {
    let server = TestServer::start();
    let denied = [
        (exception(Code::PermissionDenied, "access-denied", &[]), "access denied"),
        (exception(Code::Unauthenticated, "access-denied", &[]), "not authenticated"),
        (Status::invalid_argument("no such filter"), "invalid argument: no such filter"),
        (exception(Code::FailedPrecondition, "stream-deleted", &[]), "stream `$all` is tombstoned"),
    ];
    for (status, message) in denied {
        server.fault("subscribe", Fault::Refuse(status));
        let mut all = server.client().subscribe_to_all(SubscribeToAll::from_start()).unwrap();
        assert_eq!(all.next().await.unwrap().unwrap_err().to_string(), message);
        assert!(all.next().await.is_none());
    }
}

#[tokio::test]
async fn arguments_without_meaning_are_refused_at_once() {
    let server = TestServer::start();
    let client = server.client();
    let refused = [
        client.subscribe_to_stream("", SubscribeToStream::from_start()).unwrap_err(),
        client.subscribe_to_stream("s", SubscribeToStream::after(u64::MAX)).unwrap_err(),
        client.subscribe_to_all(SubscribeToAll::after(Position::new(1, 2))).unwrap_err(),
        client.subscribe_to_all(SubscribeToAll::from_start().filter(Filter::stream_regex(""))).unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_confirms_is_left_after_the_deadline() {
    let server = TestServer::start();
    server.write("s", 1);
    server.fault("subscribe", Fault::Hang);
    server.fault("subscribe", Fault::HangAfter(0));
    let client = server.client().with_deadline(Duration::from_millis(400));
    let mut all = client.subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    assert_eq!(take(&mut all, 2).await, [Event(1), CaughtUp]);
}

#[tokio::test]
async fn silence_on_a_confirmed_subscription_is_no_failure() {
    let server = TestServer::start();
    let client = server.client().with_deadline(Duration::from_millis(400));
    let mut all = client.subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    assert_eq!(next(&mut all).await, CaughtUp);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(all.next().now_or_never().is_none());
    server.write("s", 1);
    assert_eq!(next(&mut all).await, Event(1));
    assert_eq!(server.calls("subscribe"), 1);
}

#[tokio::test]
async fn it_begins_before_its_server_does() {
    let mut server = TestServer::down();
    let mut all = server.client().subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    assert!(all.next().now_or_never().is_none());
    server.write("s", 1);
    let first = tokio::spawn(async move { next(&mut all).await });
    server.restart();
    assert_eq!(first.await.unwrap(), Event(1));
}
