//! What an append or a delete does to the log.

// `Status` is what the generated traits demand.
#![allow(clippy::result_large_err)]

use eventstore_client::wire::streams::append_req::ProposedMessage;
use eventstore_client::wire::streams::{BatchAppendReq, BatchAppendResp, batch_append_req, batch_append_resp};
use eventstore_client::wire::{self, rpc};
use eventstore_client::{Actual, Expected};
use prost::Message;
use tonic::{Code, Status};

use super::log::position;
use super::service::name;
use super::{State, exception};

pub enum Refusal {
    Tombstoned,
    Conflict(Actual),
}

impl State {
    pub fn append_all(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<ProposedMessage>,
    ) -> Result<(Option<u64>, Option<u64>), Refusal> {
        let mut inner = self.lock();
        if inner.log.is_tombstoned(stream) {
            return Err(Refusal::Tombstoned);
        }
        let ids: Vec<_> = events.iter().map(|event| event.id.clone()).collect();
        if inner.log.check(stream, expected, &ids).map_err(Refusal::Conflict)? {
            for ProposedMessage { id, mut metadata, custom_metadata, data } in events {
                let (event_type, content_type) = (metadata.remove("type").unwrap(), metadata.remove("content-type").unwrap());
                inner.log.push(stream, id, event_type, content_type, data, custom_metadata);
            }
        }
        let outcome = (inner.log.last_revision(stream), inner.log.last_position(stream).filter(|_| !ids.is_empty()));
        let written = inner.log.len();
        drop(inner);
        self.written.send_replace(written);
        Ok(outcome)
    }

    pub fn remove(&self, stream: String, expected: Expected, marker: (&str, &str, &'static str)) -> Result<u64, Status> {
        let mut inner = self.lock();
        if inner.log.is_tombstoned(&stream) {
            return Err(exception(Code::FailedPrecondition, "stream-deleted", &[("stream-name", &stream)]));
        }
        if let Err(actual) = inner.log.check(&stream, expected, &[]) {
            let expected = match expected {
                Expected::NoStream => "-1".to_owned(),
                Expected::Any => "-2".to_owned(),
                Expected::StreamExists => "-4".to_owned(),
                Expected::Exact(revision) => revision.to_string(),
            };
            let actual = if let Actual::Revision(revision) = actual { revision.to_string() } else { "-1".to_owned() };
            let details = [("stream-name", stream.as_str()), ("expected-version", &expected), ("actual-version", &actual)];
            return Err(exception(Code::FailedPrecondition, "wrong-expected-version", &details));
        }
        let (prefix, event_type, data) = marker;
        inner.log.write(&format!("{prefix}{stream}"), event_type, data);
        Ok(position(inner.log.entries.len() - 1))
    }

    pub async fn batch(
        &self,
        request: BatchAppendReq,
        open: &mut std::collections::HashMap<String, BatchAppendReq>,
    ) -> Option<BatchAppendResp> {
        let key = format!("{:?}", request.correlation_id);
        let whole = open.entry(key.clone()).or_default();
        whole.correlation_id = request.correlation_id;
        whole.options = whole.options.take().or(request.options);
        whole.proposed_messages.extend(request.proposed_messages);
        if !request.is_final {
            return None;
        }
        let BatchAppendReq { correlation_id, options, proposed_messages, .. } = open.remove(&key)?;
        let options = options.unwrap();
        let expected = match options.expected_stream_position.unwrap() {
            batch_append_req::options::ExpectedStreamPosition::StreamPosition(revision) => Expected::Exact(revision),
            batch_append_req::options::ExpectedStreamPosition::NoStream(()) => Expected::NoStream,
            batch_append_req::options::ExpectedStreamPosition::Any(()) => Expected::Any,
            batch_append_req::options::ExpectedStreamPosition::StreamExists(()) => Expected::StreamExists,
        };
        let stream = name(options.stream_identifier.clone());
        let events = proposed_messages.into_iter().map(|event| {
            let batch_append_req::ProposedMessage { id, metadata, custom_metadata, data } = event;
            ProposedMessage { id, metadata, custom_metadata, data }
        });
        use batch_append_resp::{Result as Outcome, Success, success};
        let result = match self.append_all(&stream, expected, events.collect()) {
            Ok((revision, commit)) => Outcome::Success(Success {
                current_revision_option: Some(match revision {
                    Some(revision) => success::CurrentRevisionOption::CurrentRevision(revision),
                    None => success::CurrentRevisionOption::NoStream(()),
                }),
                position_option: Some(match commit {
                    Some(commit_position) => {
                        success::PositionOption::Position(wire::AllStreamPosition { commit_position, prepare_position: commit_position })
                    }
                    None => success::PositionOption::NoPosition(()),
                }),
            }),
            Err(Refusal::Tombstoned) => Outcome::Error(rpc::Status {
                code: rpc::Code::NotFound.into(),
                message: "StreamDeleted".into(),
                details: Some(prost_types::Any { type_url: "type.googleapis.com/event_store.client.StreamDeleted".into(), value: vec![] }),
            }),
            Err(Refusal::Conflict(actual)) => {
                use wire::wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption};
                let detail = wire::WrongExpectedVersion {
                    current_stream_revision_option: Some(match actual {
                        Actual::Revision(revision) => CurrentStreamRevisionOption::CurrentStreamRevision(revision),
                        _ => CurrentStreamRevisionOption::CurrentNoStream(()),
                    }),
                    expected_stream_position_option: Some(match expected {
                        Expected::Exact(revision) => ExpectedStreamPositionOption::ExpectedStreamPosition(revision),
                        Expected::NoStream => ExpectedStreamPositionOption::ExpectedNoStream(()),
                        Expected::Any => ExpectedStreamPositionOption::ExpectedAny(()),
                        Expected::StreamExists => ExpectedStreamPositionOption::ExpectedStreamExists(()),
                    }),
                };
                let type_url = "type.googleapis.com/event_store.client.WrongExpectedVersion".into();
                let details = Some(prost_types::Any { type_url, value: detail.encode_to_vec() });
                Outcome::Error(rpc::Status { code: rpc::Code::AlreadyExists.into(), message: "WrongExpectedVersion".into(), details })
            }
        };
        let stream_identifier = options.stream_identifier;
        Some(BatchAppendResp { correlation_id, result: Some(result), stream_identifier, ..Default::default() })
    }
}
