//! The services over the log.

// `Status` is what the generated traits demand.
#![allow(clippy::result_large_err)]

use std::pin::Pin;

use eventstore_client::wire::gossip::gossip_server::Gossip;
use eventstore_client::wire::gossip::{ClusterInfo, EndPoint, MemberInfo};
use eventstore_client::wire::server_features::server_features_server::ServerFeatures;
use eventstore_client::wire::server_features::{SupportedMethod, SupportedMethods};
use eventstore_client::wire::streams::append_req::ProposedMessage;
use eventstore_client::wire::streams::read_req::Options;
use eventstore_client::wire::streams::read_req::options::{
    CountOption, FilterOption, FilterOptions, StreamOption, all_options, stream_options,
};
use eventstore_client::wire::streams::read_resp::{self, Content};
use eventstore_client::wire::streams::streams_server::Streams;
use eventstore_client::wire::streams::*;
use eventstore_client::wire::{self, Empty, rpc};
use eventstore_client::{Actual, Expected};
use futures::{Stream, StreamExt};
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::log::{Entry, matches, position};
use super::{Fault, State, exception};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Does what the fault says of calls that have one answer; `true` if the answer is to be lost.
async fn strike(fault: Option<Fault>) -> Result<bool, Status> {
    match fault {
        None => Ok(false),
        Some(Fault::Refuse(status)) => Err(status),
        Some(Fault::LoseAnswer) => Ok(true),
        Some(_) => std::future::pending().await,
    }
}

fn name(stream: Option<wire::StreamIdentifier>) -> String {
    String::from_utf8(stream.unwrap().stream_name.into()).unwrap()
}

fn lost<T>(lost: bool, answer: T) -> Result<Response<T>, Status> {
    if lost { Err(Status::unavailable("the answer was lost")) } else { Ok(Response::new(answer)) }
}

enum Refusal {
    Tombstoned,
    Conflict(Actual),
}

impl State {
    fn append_all(&self, stream: &str, expected: Expected, events: Vec<ProposedMessage>) -> Result<(Option<u64>, Option<u64>), Refusal> {
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

    fn remove(&self, stream: String, expected: Expected, marker: (&str, &str, &'static str)) -> Result<u64, Status> {
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

    /// What a read finds, and the index to go on from.
    fn find(&self, options: &Options, from: usize) -> (Vec<Content>, usize) {
        let inner = self.lock();
        let filter = match &options.filter_option {
            Some(FilterOption::Filter(filter)) => Some(filter),
            _ => None,
        };
        let chosen = |entry: &Entry| match options.stream_option.as_ref().unwrap() {
            StreamOption::Stream(stream) => entry.stream == name(stream.stream_identifier.clone()),
            StreamOption::All(_) => filter.is_none_or(|filter| matches(filter, entry)),
        };
        let read = |i| Content::Event(if options.resolve_links { inner.log.resolve(i) } else { inner.log.read(i) });
        let found = (from..inner.log.entries.len()).filter(|&i| chosen(&inner.log.entries[i])).map(read).collect();
        (found, inner.log.entries.len())
    }

    fn read_once(&self, options: &Options, count: u64) -> Vec<Content> {
        let (mut found, _) = self.find(options, 0);
        if let StreamOption::Stream(stream) = options.stream_option.as_ref().unwrap()
            && found.is_empty()
        {
            let stream_identifier = stream.stream_identifier.clone();
            return vec![Content::StreamNotFound(read_resp::StreamNotFound { stream_identifier })];
        }
        let backwards = options.read_direction == 1;
        let event = |content: &Content| match content {
            Content::Event(event) => event.link.clone().or(event.event.clone()).unwrap(),
            _ => unreachable!(),
        };
        match options.stream_option.as_ref().unwrap() {
            StreamOption::Stream(stream) => {
                if let Some(stream_options::RevisionOption::Revision(from)) = stream.revision_option {
                    let within = |revision| if backwards { revision <= from } else { revision >= from };
                    found.retain(|content| within(event(content).stream_revision));
                }
            }
            StreamOption::All(all) => {
                if let Some(all_options::AllOption::Position(from)) = all.all_option {
                    let within = |position| if backwards { position < from.commit_position } else { position >= from.commit_position };
                    found.retain(|content| within(event(content).commit_position));
                }
            }
        }
        if backwards {
            found.reverse();
        }
        found.truncate(count.try_into().unwrap_or(usize::MAX));
        found
    }

    /// The index of the first entry after the place the subscription names.
    fn subscription_start(&self, options: &Options) -> usize {
        let inner = self.lock();
        match options.stream_option.as_ref().unwrap() {
            StreamOption::Stream(stream) => match stream.revision_option.unwrap() {
                stream_options::RevisionOption::Start(_) => 0,
                stream_options::RevisionOption::End(_) => inner.log.entries.len(),
                stream_options::RevisionOption::Revision(revision) => {
                    let name = name(stream.stream_identifier.clone());
                    let seen = |entry: &Entry| entry.stream == name && entry.revision <= revision;
                    inner.log.entries.iter().rposition(seen).map_or(0, |index| index + 1)
                }
            },
            StreamOption::All(all) => match all.all_option.unwrap() {
                all_options::AllOption::Start(_) => 0,
                all_options::AllOption::End(_) => inner.log.entries.len(),
                all_options::AllOption::Position(after) => {
                    (0..inner.log.entries.len()).take_while(|&i| position(i) <= after.commit_position).count()
                }
            },
        }
    }

    async fn subscribe(self, options: Options, answers: mpsc::Sender<Result<ReadResp, Status>>) -> Option<()> {
        let answer = |content| ReadResp { content: Some(content) };
        let confirmation = read_resp::SubscriptionConfirmation { subscription_id: "s".into() };
        answers.send(Ok(answer(Content::Confirmation(confirmation)))).await.ok()?;
        let mut next = self.subscription_start(&options);
        let filtered = matches!(options.filter_option, Some(FilterOption::Filter(FilterOptions { .. })));
        let mut caught_up = false;
        let mut written = self.written.subscribe();
        loop {
            written.mark_unchanged();
            let (found, end) = self.find(&options, next);
            for content in found {
                answers.send(Ok(answer(content))).await.ok()?;
            }
            if filtered && end > next {
                let checkpoint =
                    read_resp::Checkpoint { commit_position: position(end - 1), prepare_position: position(end - 1), timestamp: None };
                answers.send(Ok(answer(Content::Checkpoint(checkpoint)))).await.ok()?;
            }
            next = end;
            if !caught_up {
                answers.send(Ok(answer(Content::CaughtUp(read_resp::CaughtUp::default())))).await.ok()?;
                caught_up = true;
            }
            tokio::select! {
                changed = written.changed() => changed.ok()?,
                () = answers.closed() => return None,
            }
        }
    }

    async fn batch(
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

/// Applies a fault to an answer of many messages.
fn interrupted<T: Send + 'static>(answers: impl Stream<Item = Result<T, Status>> + Send + 'static, fault: Option<Fault>) -> Answers<T> {
    match fault {
        Some(Fault::EndAfter(n, status)) => Box::pin(answers.take(n).chain(futures::stream::iter(status.map(Err)))),
        Some(Fault::HangAfter(n)) => Box::pin(answers.take(n).chain(futures::stream::pending())),
        Some(Fault::LoseAnswer) => {
            let lose = |_| futures::stream::iter([Err(Status::unavailable("the answer was lost"))]);
            Box::pin(answers.take(1).flat_map(lose))
        }
        _ => Box::pin(answers),
    }
}

#[tonic::async_trait]
impl Streams for State {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let options = request.get_ref().options.clone().unwrap();
        let call = if matches!(options.count_option, Some(CountOption::Subscription(_))) { "subscribe" } else { "read" };
        let mut fault = self.begin(call, request.metadata());
        if let Some(Fault::Refuse(_) | Fault::Hang) = fault {
            strike(fault.take()).await?;
        }
        if let StreamOption::Stream(stream) = options.stream_option.as_ref().unwrap() {
            let name = name(stream.stream_identifier.clone());
            if self.lock().log.is_tombstoned(&name) {
                return Err(exception(Code::FailedPrecondition, "stream-deleted", &[("stream-name", &name)]));
            }
        }
        match options.count_option {
            Some(CountOption::Count(count)) => {
                let found = self.read_once(&options, count).into_iter().map(|content| Ok(ReadResp { content: Some(content) }));
                Ok(Response::new(interrupted(futures::stream::iter(found), fault)))
            }
            _ => {
                let (sender, answers) = mpsc::channel(8);
                tokio::spawn(self.clone().subscribe(options, sender));
                Ok(Response::new(interrupted(ReceiverStream::new(answers), fault)))
            }
        }
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let lose = strike(self.begin("append", request.metadata())).await?;
        let mut messages = request.into_inner();
        let mut options = None;
        let mut events = Vec::new();
        while let Some(message) = messages.message().await? {
            match message.content.unwrap() {
                append_req::Content::Options(first) => options = Some(first),
                append_req::Content::ProposedMessage(event) => events.push(event),
            }
        }
        let options = options.unwrap();
        use append_req::options::ExpectedStreamRevision;
        let expected = match options.expected_stream_revision.unwrap() {
            ExpectedStreamRevision::Revision(revision) => Expected::Exact(revision),
            ExpectedStreamRevision::NoStream(_) => Expected::NoStream,
            ExpectedStreamRevision::Any(_) => Expected::Any,
            ExpectedStreamRevision::StreamExists(_) => Expected::StreamExists,
        };
        let stream = name(options.stream_identifier);
        use append_resp::{Result as Outcome, Success, WrongExpectedVersion, success, wrong_expected_version};
        let result = match self.append_all(&stream, expected, events) {
            Ok((revision, commit)) => Outcome::Success(Success {
                current_revision_option: Some(match revision {
                    Some(revision) => success::CurrentRevisionOption::CurrentRevision(revision),
                    None => success::CurrentRevisionOption::NoStream(Empty {}),
                }),
                position_option: Some(match commit {
                    Some(commit_position) => {
                        success::PositionOption::Position(append_resp::Position { commit_position, prepare_position: commit_position })
                    }
                    None => success::PositionOption::NoPosition(Empty {}),
                }),
            }),
            Err(Refusal::Tombstoned) => {
                return Err(exception(Code::FailedPrecondition, "stream-deleted", &[("stream-name", &stream)]));
            }
            Err(Refusal::Conflict(actual)) => Outcome::WrongExpectedVersion(WrongExpectedVersion {
                current_revision_option: Some(match actual {
                    Actual::Revision(revision) => wrong_expected_version::CurrentRevisionOption::CurrentRevision(revision),
                    _ => wrong_expected_version::CurrentRevisionOption::CurrentNoStream(Empty {}),
                }),
                expected_revision_option: None,
            }),
        };
        lost(lose, AppendResp { result: Some(result) })
    }

    async fn batch_append(&self, request: Request<Streaming<BatchAppendReq>>) -> Result<Response<Self::BatchAppendStream>, Status> {
        let mut fault = self.begin("batch_append", request.metadata());
        if let Some(Fault::Refuse(_) | Fault::Hang) = fault {
            strike(fault.take()).await?;
        }
        let mut requests = request.into_inner();
        let state = self.clone();
        let (sender, answers) = mpsc::channel(8);
        tokio::spawn(async move {
            let mut open = Default::default();
            while let Ok(Some(request)) = requests.message().await {
                if let Some(answer) = state.batch(request, &mut open).await {
                    let _ = sender.send(Ok(answer)).await;
                }
            }
        });
        Ok(Response::new(interrupted(ReceiverStream::new(answers), fault)))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let lose = strike(self.begin("delete", request.metadata())).await?;
        let options = request.into_inner().options.unwrap();
        use delete_req::options::ExpectedStreamRevision;
        let expected = match options.expected_stream_revision.unwrap() {
            ExpectedStreamRevision::Revision(revision) => Expected::Exact(revision),
            ExpectedStreamRevision::NoStream(_) => Expected::NoStream,
            ExpectedStreamRevision::Any(_) => Expected::Any,
            ExpectedStreamRevision::StreamExists(_) => Expected::StreamExists,
        };
        let commit = self.remove(name(options.stream_identifier), expected, ("$$", "$metadata", r#"{"$tb":9223372036854775807}"#))?;
        let position = delete_resp::Position { commit_position: commit, prepare_position: commit };
        lost(lose, DeleteResp { position_option: Some(delete_resp::PositionOption::Position(position)) })
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        let lose = strike(self.begin("tombstone", request.metadata())).await?;
        let options = request.into_inner().options.unwrap();
        use tombstone_req::options::ExpectedStreamRevision;
        let expected = match options.expected_stream_revision.unwrap() {
            ExpectedStreamRevision::Revision(revision) => Expected::Exact(revision),
            ExpectedStreamRevision::NoStream(_) => Expected::NoStream,
            ExpectedStreamRevision::Any(_) => Expected::Any,
            ExpectedStreamRevision::StreamExists(_) => Expected::StreamExists,
        };
        let commit = self.remove(name(options.stream_identifier), expected, ("", "$streamDeleted", ""))?;
        let position = tombstone_resp::Position { commit_position: commit, prepare_position: commit };
        lost(lose, TombstoneResp { position_option: Some(tombstone_resp::PositionOption::Position(position)) })
    }
}

#[tonic::async_trait]
impl Gossip for State {
    async fn read(&self, request: Request<Empty>) -> Result<Response<ClusterInfo>, Status> {
        strike(self.begin("gossip", request.metadata())).await?;
        let member = |(endpoint, state, is_alive): &(eventstore_client::Endpoint, _, bool)| MemberInfo {
            instance_id: None,
            time_stamp: 0,
            state: *state as i32,
            is_alive: *is_alive,
            http_end_point: Some(EndPoint { address: endpoint.host.clone(), port: endpoint.port.into() }),
        };
        Ok(Response::new(ClusterInfo { members: self.lock().members.iter().map(member).collect() }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for State {
    async fn get_supported_methods(&self, request: Request<Empty>) -> Result<Response<SupportedMethods>, Status> {
        strike(self.begin("features", request.metadata())).await?;
        let method = SupportedMethod {
            method_name: "batchappend".into(),
            service_name: "event_store.client.streams.streams".into(),
            features: vec!["deadline_duration".into()],
        };
        Ok(Response::new(SupportedMethods { methods: vec![method], event_store_server_version: "24.10.2".into() }))
    }
}
