//! What the server's statuses become.

use eventstore_client::{Error, Expected};
use tonic::{Code, Status};

use crate::server::{Fault, TestServer, exception};

#[tokio::test]
async fn every_status_has_its_error() {
    let server = TestServer::start();
    let client = server.client();
    let leader = [("leader-endpoint-host", "10.0.0.9"), ("leader-endpoint-port", "2113")];
    let wrong = [("stream-name", "s"), ("expected-version", "-4"), ("actual-version", "-1")];
    let event_id = "00000000-0000-0000-0000-00000000002a";
    let too_large = [("event-id", event_id), ("maximum-append-event-size", "16777216")];
    let grid = [
        (exception(Code::FailedPrecondition, "stream-deleted", &[("stream-name", "x")]), "stream `x` is tombstoned"),
        (exception(Code::FailedPrecondition, "stream-deleted", &[]), "stream `s` is tombstoned"),
        (
            exception(Code::FailedPrecondition, "wrong-expected-version", &wrong),
            "wrong expected version of stream `s`: expected an existing stream, found no stream",
        ),
        (
            exception(Code::FailedPrecondition, "wrong-expected-version", &[("actual-version", "soon")]),
            "wrong expected version of stream `s`: expected revision 7, found an unknown revision",
        ),
        (exception(Code::PermissionDenied, "access-denied", &[]), "access denied"),
        (exception(Code::Unauthenticated, "access-denied", &[]), "not authenticated"),
        (Status::permission_denied("no"), "access denied"),
        (Status::unauthenticated("no"), "not authenticated"),
        (exception(Code::InvalidArgument, "maximum-append-size-exceeded", &[]), "append too large"),
        (
            exception(Code::InvalidArgument, "maximum-append-event-size-exceeded", &too_large),
            "event 00000000-0000-0000-0000-00000000002a too large; the maximum is 16777216 bytes",
        ),
        (exception(Code::InvalidArgument, "missing-required-metadata-property", &[]), "invalid argument: message"),
        (Status::invalid_argument("bad revision"), "invalid argument: bad revision"),
        (Status::aborted("Operation timed out: prepare"), "deadline exceeded"),
        (Status::deadline_exceeded(""), "deadline exceeded"),
        (Status::unimplemented(""), "not supported by the server"),
        (Status::aborted("something else"), "the server failed"),
        (Status::internal("oops"), "the server failed"),
        (exception(Code::Internal, "something-new", &[]), "the server failed"),
    ];
    for (status, message) in grid {
        server.fault("append", Fault::Refuse(status.clone()));
        let error = client.append("s", Expected::Exact(7), []).await.unwrap_err();
        assert_eq!(error.to_string(), message, "{status:?}");
    }
    // Transient ones are tried again until the attempts are used up.
    let client = eventstore_client::Client::connect(eventstore_client::Settings { max_discover_attempts: 1, ..server.settings() }).unwrap();
    let transient = [
        (exception(Code::NotFound, "not-leader", &leader), "not the leader; the leader is 10.0.0.9:2113"),
        (exception(Code::NotFound, "not-leader", &[]), "not the leader"),
        (Status::unavailable("Server Is Too Busy"), "server unavailable"),
    ];
    for (status, message) in transient {
        server.fault("append", Fault::Refuse(status.clone()));
        let error = client.append("s", Expected::Exact(7), []).await.unwrap_err();
        assert_eq!(error.to_string(), message, "{status:?}");
    }
}

#[tokio::test]
async fn a_message_does_not_repeat_its_source() {
    let server = TestServer::start();
    server.fault("append", Fault::Refuse(Status::internal("the disk is full")));
    let error = server.client().append("s", Expected::Any, []).await.unwrap_err();
    let source = std::error::Error::source(&error).expect("a source").to_string();
    assert!(source.contains("the disk is full") && !error.to_string().contains("disk"), "{source}");
}

#[tokio::test]
async fn no_server_is_unavailable_and_says_why() {
    let server = TestServer::down();
    let client = eventstore_client::Client::connect(eventstore_client::Settings { max_discover_attempts: 1, ..server.settings() }).unwrap();
    let error = client.append("s", Expected::Any, []).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let mut chain = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        chain.push_str(&format!("{error}: "));
        cause = error.source();
    }
    assert!(chain.to_lowercase().contains("connection refused"), "{chain}");
}
