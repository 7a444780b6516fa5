//! What can go wrong, told apart by what a caller would do about it.

use std::error::Error as _;

use thiserror::Error;
use tonic::{Code, ConnectError, Status, TimeoutExpired};
use uuid::Uuid;

use crate::event::{Actual, Expected};
use crate::settings::{Endpoint, NodePreference};

#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else wrote first, or the stream is not what the writer believed. Nothing was written.
    #[error("wrong expected version of stream `{stream}`: expected {expected}, found {actual}")]
    WrongExpectedVersion { stream: String, expected: Expected, actual: Actual },
    /// The stream was tombstoned: its name can never be used again.
    #[error("stream `{stream}` is tombstoned")]
    StreamDeleted { stream: String },
    /// The stream has never been written, or was deleted.
    #[error("stream `{stream}` not found")]
    StreamNotFound { stream: String },
    #[error("access denied")]
    AccessDenied,
    #[error("not authenticated")]
    Unauthenticated,
    /// The node asked is not the leader; it did nothing.
    #[error("not the leader{}", .leader.as_ref().map(|leader| format!("; the leader is {leader}")).unwrap_or_default())]
    NotLeader { leader: Option<Endpoint> },
    /// The events of one append are too large together.
    #[error("append too large{}", limit(.maximum))]
    AppendTooLarge { maximum: Option<u64> },
    /// One event is too large by itself.
    #[error("event {} too large{}", .event_id.map(|id| id.to_string()).unwrap_or_default(), limit(.maximum))]
    EventTooLarge { event_id: Option<Uuid>, maximum: Option<u64> },
    /// The server, or this client on its behalf, refuses the call as it was made.
    #[error("invalid argument: {reason}")]
    InvalidArgument { reason: String },
    /// The server does not know the call.
    #[error("not supported by the server")]
    Unsupported,
    /// No server, a lost connection, or a server that is not ready.
    #[error("server unavailable")]
    Unavailable {
        #[source]
        source: Box<Status>,
    },
    /// Gossip showed no member that suits.
    #[error("no {preference} node found in the cluster")]
    NoSuitableNode {
        preference: NodePreference,
        #[source]
        source: Option<Box<Error>>,
    },
    /// No answer in time; whether the server did its work is not known.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// The server said something the protocol does not allow.
    #[error("unexpected answer from the server: {reason}")]
    Protocol { reason: String },
    /// Any other failure the server reports.
    #[error("the server failed")]
    Server {
        #[source]
        source: Box<Status>,
    },
}

fn limit(maximum: &Option<u64>) -> String {
    maximum.map(|bytes| format!("; the maximum is {bytes} bytes")).unwrap_or_default()
}

/// What was being done, for errors that do not say it themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub stream: &'a str,
    pub expected: Expected,
}

impl<'a> Context<'a> {
    pub(crate) const NONE: Context<'static> = Context { stream: "", expected: Expected::Any };

    pub(crate) fn reading(stream: &'a str) -> Self {
        Context { stream, ..Context::NONE }
    }

    pub(crate) fn error(&self, status: Status) -> Error {
        named_exception(&status, self).unwrap_or_else(|| by_code(status))
    }
}

/// The server names most failures in its trailers; the status code alone is ambiguous.
fn named_exception(status: &Status, context: &Context<'_>) -> Option<Error> {
    let text = |key: &str| status.metadata().get(key).and_then(|value| value.to_str().ok());
    let stream = || text("stream-name").unwrap_or(context.stream).to_owned();
    Some(match text("exception")? {
        "stream-deleted" => Error::StreamDeleted { stream: stream() },
        "wrong-expected-version" => Error::WrongExpectedVersion {
            stream: stream(),
            expected: text("expected-version").and_then(expected).unwrap_or(context.expected),
            actual: text("actual-version").and_then(actual).unwrap_or(Actual::Unknown),
        },
        "not-leader" => Error::NotLeader {
            leader: text("leader-endpoint-host")
                .zip(text("leader-endpoint-port").and_then(|port| port.parse().ok()))
                .map(|(host, port)| Endpoint::new(host.trim_matches(['[', ']']), port)),
        },
        "access-denied" if status.code() == Code::Unauthenticated => Error::Unauthenticated,
        "access-denied" => Error::AccessDenied,
        "maximum-append-size-exceeded" => {
            Error::AppendTooLarge { maximum: text("maximum-append-size").and_then(|bytes| bytes.parse().ok()) }
        }
        "maximum-append-event-size-exceeded" => Error::EventTooLarge {
            event_id: text("event-id").and_then(|id| id.parse().ok()),
            maximum: text("maximum-append-event-size").and_then(|bytes| bytes.parse().ok()),
        },
        _ => return None,
    })
}

fn expected(version: &str) -> Option<Expected> {
    match version.parse::<i64>().ok()? {
        -1 => Some(Expected::NoStream),
        -2 => Some(Expected::Any),
        -4 => Some(Expected::StreamExists),
        revision => Some(Expected::Exact(revision.try_into().ok()?)),
    }
}

fn actual(version: &str) -> Option<Actual> {
    match version.parse::<i64>().ok()? {
        -1 => Some(Actual::NoStream),
        revision => Some(Actual::Revision(revision.try_into().ok()?)),
    }
}

fn by_code(status: Status) -> Error {
    if caused_by::<TimeoutExpired>(&status) {
        return Error::DeadlineExceeded;
    }
    // Only a failure of the transport has a source; what a server sent has none, whatever its code.
    if status.source().is_some() {
        return Error::Unavailable { source: Box::new(status) };
    }
    match status.code() {
        Code::Unavailable => Error::Unavailable { source: Box::new(status) },
        Code::DeadlineExceeded => Error::DeadlineExceeded,
        // The server's own patience with its storage ran out.
        Code::Aborted if status.message().starts_with("Operation timed out") => Error::DeadlineExceeded,
        Code::Unauthenticated => Error::Unauthenticated,
        Code::PermissionDenied => Error::AccessDenied,
        Code::InvalidArgument => Error::InvalidArgument { reason: status.message().to_owned() },
        Code::Unimplemented => Error::Unsupported,
        _ => Error::Server { source: Box::new(status) },
    }
}

fn caused_by<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl Error {
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Error::InvalidArgument { reason: reason.into() }
    }

    pub(crate) fn protocol(reason: impl Into<String>) -> Self {
        Error::Protocol { reason: reason.into() }
    }

    /// Whether the server certainly did nothing, so that any call may be repeated.
    pub(crate) fn nothing_happened(&self) -> bool {
        match self {
            Error::NotLeader { .. } | Error::NoSuitableNode { .. } => true,
            Error::Unavailable { source } => caused_by::<ConnectError>(&**source),
            _ => false,
        }
    }

    /// Whether the same call may succeed later, perhaps on another node.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Error::NotLeader { .. } | Error::NoSuitableNode { .. } | Error::Unavailable { .. })
    }

    /// Whether asking again can never help.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Error::StreamDeleted { .. }
            | Error::AccessDenied
            | Error::Unauthenticated
            | Error::InvalidArgument { .. }
            | Error::Unsupported => true,
            Error::WrongExpectedVersion { .. }
            | Error::StreamNotFound { .. }
            | Error::NotLeader { .. }
            | Error::AppendTooLarge { .. }
            | Error::EventTooLarge { .. }
            | Error::Unavailable { .. }
            | Error::NoSuitableNode { .. }
            | Error::DeadlineExceeded
            | Error::Protocol { .. }
            | Error::Server { .. } => false,
        }
    }
}
