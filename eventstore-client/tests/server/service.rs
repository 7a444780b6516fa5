//! The services over the log.

// `Status` is what the generated traits demand.
#![allow(clippy::result_large_err)]

use std::pin::Pin;

use eventstore_client::wire::gossip::gossip_server::Gossip;
use eventstore_client::wire::gossip::{ClusterInfo, EndPoint, MemberInfo};
use eventstore_client::wire::server_features::server_features_server::ServerFeatures;
use eventstore_client::wire::server_features::{SupportedMethod, SupportedMethods};
use eventstore_client::wire::streams::read_req::options::{CountOption, StreamOption};
use eventstore_client::wire::streams::streams_server::Streams;
use eventstore_client::wire::streams::*;
use eventstore_client::wire::{self, Empty};
use eventstore_client::{Actual, Expected};
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::writing::Refusal;
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

pub fn name(stream: Option<wire::StreamIdentifier>) -> String {
    String::from_utf8(stream.unwrap().stream_name.into()).unwrap()
}

fn lost<T>(lost: bool, answer: T) -> Result<Response<T>, Status> {
    if lost { Err(Status::unavailable("the answer was lost")) } else { Ok(Response::new(answer)) }
}

/// Applies a fault to an answer of many messages.
fn interrupted<T: Send + 'static>(answers: impl Stream<Item = Result<T, Status>> + Send + 'static, fault: Option<Fault>) -> Answers<T> {
    match fault {
        Some(Fault::EndAfter(n, status)) => Box::pin(answers.take(n).chain(futures::stream::iter(status.map(Err)))),
        Some(Fault::Dawdle(pause)) => Box::pin(answers.then(move |answer| async move {
            tokio::time::sleep(pause).await;
            answer
        })),
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
