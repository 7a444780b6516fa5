//! What a batch append looks like on the wire, there and back.

use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::convert::{proposed_metadata, stream_identifier, uuid_to_wire};
use crate::error::{Context, Error};
use crate::event::{Actual, Appended, Expected, NewEvent, Position};
use crate::wire::rpc;
use crate::wire::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use crate::wire::streams::batch_append_req::{Options, ProposedMessage};
use crate::wire::streams::batch_append_resp::success::{CurrentRevisionOption, PositionOption};
use crate::wire::streams::batch_append_resp::{self, Success};
use crate::wire::streams::{BatchAppendReq, BatchAppendResp};
use crate::wire::wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption};
use crate::wire::{MaximumAppendSizeExceeded, WrongExpectedVersion};

/// Above this a request is closed and the next begun: servers bound the size of one message, not of an append.
const CHUNK: usize = 1024 * 1024;

/// One append as the requests that carry it; the server writes it when the last has arrived.
pub(crate) fn chunks(id: Uuid, context: Context<'_>, events: &[NewEvent], patience: Option<Duration>) -> Vec<BatchAppendReq> {
    let request = || BatchAppendReq { correlation_id: Some(uuid_to_wire(id)), ..BatchAppendReq::default() };
    let mut chunks = vec![BatchAppendReq { options: Some(options(context, patience)), ..request() }];
    let mut size = 0;
    for event in events {
        let event_size = event.data.len() + event.metadata.len() + event.event_type.len();
        if size > 0 && size + event_size > CHUNK {
            chunks.push(request());
            size = 0;
        }
        size += event_size;
        if let Some(chunk) = chunks.last_mut() {
            chunk.proposed_messages.push(ProposedMessage {
                id: Some(uuid_to_wire(event.id)),
                metadata: proposed_metadata(event),
                custom_metadata: event.metadata.clone(),
                data: event.data.clone(),
            });
        }
    }
    if let Some(last) = chunks.last_mut() {
        last.is_final = true;
    }
    chunks
}

fn options(context: Context<'_>, patience: Option<Duration>) -> Options {
    Options {
        stream_identifier: Some(stream_identifier(context.stream)),
        expected_stream_position: Some(match context.expected {
            Expected::Any => ExpectedStreamPosition::Any(()),
            Expected::NoStream => ExpectedStreamPosition::NoStream(()),
            Expected::StreamExists => ExpectedStreamPosition::StreamExists(()),
            Expected::Exact(revision) => ExpectedStreamPosition::StreamPosition(revision),
        }),
        deadline_option: patience.and_then(|patience| patience.try_into().ok()).map(DeadlineOption::Deadline),
    }
}

pub(crate) fn appended(answer: BatchAppendResp, context: Context<'_>) -> Result<Appended, Error> {
    match answer.result {
        Some(batch_append_resp::Result::Success(Success { current_revision_option, position_option })) => Ok(Appended {
            revision: match current_revision_option {
                Some(CurrentRevisionOption::CurrentRevision(revision)) => Some(revision),
                Some(CurrentRevisionOption::NoStream(())) | None => None,
            },
            position: match position_option {
                Some(PositionOption::Position(p)) => Some(Position::new(p.commit_position, p.prepare_position)),
                Some(PositionOption::NoPosition(())) | None => None,
            },
        }),
        Some(batch_append_resp::Result::Error(status)) => Err(refusal(status, context)),
        None => Err(Error::protocol("a batch append without result")),
    }
}

/// The detail's type says what went wrong; without one, the code has to do.
fn refusal(status: rpc::Status, context: Context<'_>) -> Error {
    let details = status.details.clone().unwrap_or_default();
    let stream = || context.stream.to_owned();
    let unreadable = |_| Error::protocol(format!("cannot read the detail `{}`", details.type_url));
    match details.type_url.rsplit('.').next().unwrap_or_default() {
        "WrongExpectedVersion" => match WrongExpectedVersion::decode(details.value.as_slice()) {
            Ok(detail) => conflict(detail, context),
            Err(error) => unreadable(error),
        },
        "MaximumAppendSizeExceeded" => match MaximumAppendSizeExceeded::decode(details.value.as_slice()) {
            Ok(detail) => Error::AppendTooLarge { maximum: Some(detail.max_append_size.into()) },
            Err(error) => unreadable(error),
        },
        "BadRequest" => match crate::wire::BadRequest::decode(details.value.as_slice()) {
            Ok(detail) => Error::invalid(detail.message),
            Err(error) => unreadable(error),
        },
        "StreamDeleted" => Error::StreamDeleted { stream: stream() },
        "AccessDenied" => Error::AccessDenied,
        "Timeout" => Error::DeadlineExceeded,
        _ => match status.code() {
            rpc::Code::AlreadyExists => {
                Error::WrongExpectedVersion { stream: stream(), expected: context.expected, actual: Actual::Unknown }
            }
            code => context.error(Status::new(Code::from(code as i32), status.message)),
        },
    }
}

fn conflict(detail: WrongExpectedVersion, context: Context<'_>) -> Error {
    Error::WrongExpectedVersion {
        stream: context.stream.to_owned(),
        expected: match detail.expected_stream_position_option {
            Some(ExpectedStreamPositionOption::ExpectedStreamPosition(revision)) => Expected::Exact(revision),
            Some(ExpectedStreamPositionOption::ExpectedAny(())) => Expected::Any,
            Some(ExpectedStreamPositionOption::ExpectedStreamExists(())) => Expected::StreamExists,
            Some(ExpectedStreamPositionOption::ExpectedNoStream(())) => Expected::NoStream,
            None => context.expected,
        },
        actual: match detail.current_stream_revision_option {
            Some(CurrentStreamRevisionOption::CurrentStreamRevision(revision)) => Actual::Revision(revision),
            Some(CurrentStreamRevisionOption::CurrentNoStream(())) => Actual::NoStream,
            None => Actual::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::Any;

    const CONTEXT: Context<'static> = Context { stream: "s", expected: Expected::Exact(4) };

    fn refused(code: rpc::Code, message: &str, details: Option<(&str, Vec<u8>)>) -> String {
        let details = details.map(|(name, value)| Any { type_url: format!("type.googleapis.com/event_store.client.{name}"), value });
        let status = rpc::Status { code: code.into(), message: message.into(), details };
        appended(BatchAppendResp { result: Some(batch_append_resp::Result::Error(status)), ..Default::default() }, CONTEXT)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn every_detail_is_read() {
        let conflict = WrongExpectedVersion {
            current_stream_revision_option: Some(CurrentStreamRevisionOption::CurrentNoStream(())),
            expected_stream_position_option: Some(ExpectedStreamPositionOption::ExpectedStreamPosition(4)),
        };
        let too_large = MaximumAppendSizeExceeded { max_append_size: 1024 };
        let bad = crate::wire::BadRequest { message: "no options".into() };
        let grid = [
            (
                rpc::Code::AlreadyExists,
                Some(("WrongExpectedVersion", conflict.encode_to_vec())),
                "wrong expected version of stream `s`: expected revision 4, found no stream",
            ),
            (rpc::Code::AlreadyExists, None, "wrong expected version of stream `s`: expected revision 4, found an unknown revision"),
            (rpc::Code::NotFound, Some(("StreamDeleted", vec![])), "stream `s` is tombstoned"),
            (rpc::Code::PermissionDenied, Some(("AccessDenied", vec![])), "access denied"),
            (rpc::Code::PermissionDenied, None, "access denied"),
            (rpc::Code::DeadlineExceeded, Some(("Timeout", vec![])), "deadline exceeded"),
            (
                rpc::Code::InvalidArgument,
                Some(("MaximumAppendSizeExceeded", too_large.encode_to_vec())),
                "append too large; the maximum is 1024 bytes",
            ),
            (rpc::Code::InvalidArgument, Some(("BadRequest", bad.encode_to_vec())), "invalid argument: no options"),
            (
                rpc::Code::InvalidArgument,
                Some(("BadRequest", vec![0xff])),
                "unexpected answer from the server: cannot read the detail `type.googleapis.com/event_store.client.BadRequest`",
            ),
            (rpc::Code::Unavailable, None, "server unavailable"),
            (rpc::Code::Internal, Some(("Surprise", vec![1])), "the server failed"),
        ];
        for (code, details, message) in grid {
            assert_eq!(refused(code, "?", details), message);
        }
    }

    #[test]
    fn an_answer_without_result_is_an_error() {
        assert!(matches!(appended(BatchAppendResp::default(), CONTEXT), Err(Error::Protocol { .. })));
    }

    #[test]
    fn a_large_append_travels_in_chunks_of_which_the_first_has_the_options_and_the_last_is_final() {
        let event = |size: usize| NewEvent::binary("t", vec![0; size]);
        let events = [event(600_000), event(600_000), event(5_000_000), event(10), event(10)];
        let chunks = chunks(Uuid::from_u128(1), CONTEXT, &events, Some(Duration::from_secs(2)));
        let shape: Vec<_> = chunks.iter().map(|c| (c.options.is_some(), c.proposed_messages.len(), c.is_final)).collect();
        assert_eq!(shape, [(true, 1, false), (false, 1, false), (false, 1, false), (false, 2, true)]);
        assert!(chunks.iter().all(|chunk| chunk.correlation_id == Some(uuid_to_wire(Uuid::from_u128(1)))));
    }

    #[test]
    fn an_empty_append_is_one_final_request() {
        let chunks = chunks(Uuid::from_u128(1), CONTEXT, &[], None);
        assert_eq!(chunks.iter().map(|c| (c.proposed_messages.len(), c.is_final)).collect::<Vec<_>>(), [(0, true)]);
    }
}
