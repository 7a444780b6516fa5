//! Why a call got no, in the two ways the protocol says it: a status with trailers, or inside a batch append's answer.

use eventstore_client::wire::{
    AccessDenied, BadRequest, MaximumAppendSizeExceeded, StreamDeleted, Timeout, WrongExpectedVersion, rpc,
    wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption},
};
use prost::Message;
use tonic::{
    Code, Status,
    metadata::{MetadataMap, MetadataValue},
};

use super::response::identifier;
use crate::{
    StoreError,
    log::{ExpectedState, WriteError},
};

#[derive(Debug)]
pub(super) enum Refusal {
    /// The request makes no sense; in words.
    Invalid(String),
    /// An event without `type` or `content-type`.
    IncompleteEvent,
    AccessDenied(&'static str),
    WrongCredentials,
    /// The caller's own deadline has passed.
    Timeout,
    /// The messages of a call came in an order that has no meaning.
    Violation,
    Stopping,
    /// More has begun than is kept.
    TooBusy,
    Write(WriteError),
}

impl Refusal {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Write(WriteError::Store(error))
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(message) => Status::invalid_argument(message),
            Refusal::IncompleteEvent => exception(
                Code::InvalidArgument,
                "an event must say its type and its content-type",
                "missing-required-metadata-property",
                &[("required-metadata-properties", "type,content-type")],
            ),
            Refusal::AccessDenied(why) => exception(Code::PermissionDenied, why, "access-denied", &[]),
            Refusal::WrongCredentials => exception(Code::Unauthenticated, "wrong user or password", "access-denied", &[]),
            Refusal::Timeout => Status::deadline_exceeded("the deadline has passed"),
            Refusal::Violation => Status::unknown("Exception was thrown by handler."),
            Refusal::Stopping => Status::unavailable("Server Is Not Ready: the node is stopping"),
            Refusal::TooBusy => Status::unavailable("Server Is Too Busy"),
            Refusal::Write(error) => write_status(error),
        }
    }
}

/// In EventStoreDB's own words where it has some: its Python client tells these refusals apart by nothing else.
fn write_status(error: WriteError) -> Status {
    match error {
        WriteError::WrongExpected { stream, expected, actual } => {
            let (expected, actual) = (expected_number(expected).to_string(), actual.map_or("-1".to_owned(), |actual| actual.to_string()));
            let message = format!(
                "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, Actual version: {actual}"
            );
            let details = [("stream-name", stream.as_str()), ("expected-version", &expected), ("actual-version", &actual)];
            exception(Code::FailedPrecondition, &message, "wrong-expected-version", &details)
        }
        WriteError::StreamDeleted { stream } | WriteError::Store(StoreError::StreamDeleted { stream }) => {
            let message = format!("Event stream '{stream}' is deleted.");
            exception(Code::FailedPrecondition, &message, "stream-deleted", &[("stream-name", &stream)])
        }
        WriteError::TooLarge { limit, .. } => {
            let limit = limit.to_string();
            let message = format!("Maximum Append Size of {limit} Exceeded.");
            exception(Code::InvalidArgument, &message, "maximum-append-size-exceeded", &[("maximum-append-size", &limit)])
        }
        WriteError::InvalidStream { .. } => Status::invalid_argument(error.to_string()),
        WriteError::Store(error) => store_status(&error),
    }
}

/// What the store itself failed at is for the log of this process; the caller learns whether it may try again.
fn store_status(error: &StoreError) -> Status {
    tracing::error!(error = error as &dyn std::error::Error, "the store failed");
    match error {
        StoreError::Unavailable { .. } => Status::unavailable(format!("Server Is Not Ready: {error}")),
        StoreError::DeadlineExceeded { .. } => Status::aborted(format!("Operation timed out: {error}")),
        StoreError::StreamDeleted { .. } | StoreError::AccessDenied { .. } | StoreError::Failed { .. } => {
            Status::internal(error.to_string())
        }
    }
}

fn expected_number(expected: ExpectedState) -> i64 {
    match expected {
        ExpectedState::NoStream => -1,
        ExpectedState::Any => -2,
        ExpectedState::StreamExists => -4,
        ExpectedState::Revision(revision) => revision.try_into().unwrap_or(i64::MAX),
    }
}

fn exception(code: Code, message: &str, exception: &'static str, details: &[(&'static str, &str)]) -> Status {
    let mut trailers = MetadataMap::new();
    trailers.insert("exception", MetadataValue::from_static(exception));
    for (key, value) in details {
        trailers.insert(*key, MetadataValue::try_from(printable(value)).expect("printable text is a header's value"));
    }
    Status::with_metadata(code, message, trailers)
}

/// Trailers are ASCII and stream names are not: the rest is percent-encoded, as gRPC does with its own messages.
fn printable(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

impl Refusal {
    /// As it stands inside a batch append's answer, where one refused write does not end the call.
    pub(super) fn in_batch(self) -> rpc::Status {
        match self {
            Self::AccessDenied(_) | Self::WrongCredentials => status(rpc::Code::PermissionDenied, "AccessDenied", &AccessDenied {}),
            Self::Timeout => status(rpc::Code::DeadlineExceeded, "Timeout", &Timeout {}),
            Self::Write(WriteError::WrongExpected { expected, actual, .. }) => {
                status(rpc::Code::AlreadyExists, "WrongExpectedVersion", &wrong_expected(expected, actual))
            }
            Self::Write(WriteError::StreamDeleted { stream } | WriteError::Store(StoreError::StreamDeleted { stream })) => {
                status(rpc::Code::NotFound, "StreamDeleted", &StreamDeleted { stream_identifier: Some(identifier(stream)) })
            }
            Self::Write(WriteError::TooLarge { limit, .. }) => {
                let max_append_size = limit.try_into().unwrap_or(u32::MAX);
                status(rpc::Code::InvalidArgument, "MaximumAppendSizeExceeded", &MaximumAppendSizeExceeded { max_append_size })
            }
            Self::Write(WriteError::Store(StoreError::DeadlineExceeded { .. })) => {
                status(rpc::Code::DeadlineExceeded, "Timeout", &Timeout {})
            }
            Self::Write(WriteError::Store(error)) => {
                let answer = store_status(&error);
                let code = if answer.code() == Code::Unavailable { rpc::Code::Unavailable } else { rpc::Code::Internal };
                rpc::Status { code: code.into(), message: answer.message().to_owned(), details: Some(any("google.protobuf.Empty", &())) }
            }
            Self::Write(error @ WriteError::InvalidStream { .. }) => bad_request(error.to_string()),
            Self::Invalid(message) => bad_request(message),
            Self::IncompleteEvent => bad_request("an event must say its type and its content-type".to_owned()),
            Self::Violation | Self::Stopping | Self::TooBusy => {
                bad_request("the messages of this call came in no meaningful order".to_owned())
            }
        }
    }
}

fn wrong_expected(expected: ExpectedState, actual: Option<u64>) -> WrongExpectedVersion {
    let current = actual.map_or(CurrentStreamRevisionOption::CurrentNoStream(()), CurrentStreamRevisionOption::CurrentStreamRevision);
    let expected = match expected {
        ExpectedState::NoStream => ExpectedStreamPositionOption::ExpectedNoStream(()),
        ExpectedState::Revision(revision) => ExpectedStreamPositionOption::ExpectedStreamPosition(revision),
        ExpectedState::Any => ExpectedStreamPositionOption::ExpectedAny(()),
        ExpectedState::StreamExists => ExpectedStreamPositionOption::ExpectedStreamExists(()),
    };
    WrongExpectedVersion { current_stream_revision_option: Some(current), expected_stream_position_option: Some(expected) }
}

fn bad_request(message: String) -> rpc::Status {
    status(rpc::Code::InvalidArgument, "BadRequest", &BadRequest { message })
}

/// The detail has the name of the case: `event_store.client.<case>`.
fn status(code: rpc::Code, case: &str, detail: &impl Message) -> rpc::Status {
    rpc::Status { code: code.into(), message: case.to_owned(), details: Some(any(&format!("event_store.client.{case}"), detail)) }
}

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}
