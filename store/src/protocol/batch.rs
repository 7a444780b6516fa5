//! Many writes on one call.

use eventstore_client::wire::{
    BadRequest, MaximumAppendSizeExceeded, StreamDeleted, Timeout, Uuid as WireUuid, WrongExpectedVersion, rpc,
    streams::{
        BatchAppendReq, BatchAppendResp,
        batch_append_req::{
            Options, ProposedMessage,
            options::{DeadlineOption, ExpectedStreamPosition},
        },
        batch_append_resp::{ExpectedStreamPosition as Echo, Result as Outcome, success},
    },
    wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption},
};
use prost::Message;
use uuid::Uuid;

use super::{Subject, calls::*};
use crate::contract::{CaseResult, Failure, same};

fn chunk(correlation_id: &WireUuid, stream: &str, expected: ExpectedStreamPosition, count: usize) -> BatchAppendReq {
    let proposed = |event: eventstore_client::wire::streams::append_req::ProposedMessage| ProposedMessage {
        id: event.id,
        metadata: event.metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
    };
    BatchAppendReq {
        correlation_id: Some(correlation_id.clone()),
        options: Some(Options {
            stream_identifier: Some(identifier(stream)),
            expected_stream_position: Some(expected),
            deadline_option: None,
        }),
        proposed_messages: events(count).into_iter().map(proposed).collect(),
        is_final: true,
    }
}

fn id() -> WireUuid {
    text(Uuid::new_v4())
}

impl Subject {
    /// Every answer to the requests of one call, which ends well.
    async fn batch(&self, requests: Vec<BatchAppendReq>) -> Result<Vec<BatchAppendResp>, Failure> {
        let mut answers = self.streams().batch_append(self.request(futures::stream::iter(requests))).await?.into_inner();
        let mut seen = vec![];
        while let Some(answer) = answers.message().await? {
            seen.push(answer);
        }
        Ok(seen)
    }
}

/// The revision that a write ended at, its answer checked to name its stream and to lack nothing.
fn written(answers: &[BatchAppendResp], correlation_id: &WireUuid, stream: &str) -> Result<u64, Failure> {
    match outcome(answers, correlation_id, stream)? {
        Outcome::Success(success) => match (&success.current_revision_option, &success.position_option) {
            (Some(success::CurrentRevisionOption::CurrentRevision(revision)), Some(success::PositionOption::Position(_))) => Ok(*revision),
            other => Err(Failure(format!("expected a revision and a position, saw {other:?}"))),
        },
        Outcome::Error(status) => Err(Failure(format!("expected a write, saw {status:?}"))),
    }
}

fn outcome<'a>(answers: &'a [BatchAppendResp], correlation_id: &WireUuid, stream: &str) -> Result<&'a Outcome, Failure> {
    let mut mine = vec![];
    for answer in answers {
        if id_of(&answer.correlation_id)? == id_of(&Some(correlation_id.clone()))? {
            mine.push(answer);
        }
    }
    let [answer] = mine.as_slice() else { return Err(Failure(format!("expected one answer, saw {}", mine.len()))) };
    same("the stream", answer.stream_identifier.as_ref(), Some(&identifier(stream)))?;
    answer.result.as_ref().ok_or_else(|| Failure("the answer is empty".to_owned()))
}

/// The detail of a refusal, of which code and name are checked.
fn refusal<D: Message + Default>(outcome: &Outcome, code: rpc::Code, name: &str) -> Result<D, Failure> {
    let Outcome::Error(status) = outcome else { return Err(Failure(format!("expected {name}, saw {outcome:?}"))) };
    same("the code", status.code, code.into())?;
    same("the message", status.message.as_str(), name)?;
    let details = status.details.as_ref().ok_or_else(|| Failure(format!("{name} has no details")))?;
    same("the detail's type", details.type_url.as_str(), &format!("type.googleapis.com/event_store.client.{name}"))?;
    Ok(D::decode(details.value.as_slice())?)
}

pub async fn writes_are_gathered_and_answered_by_correlation_id(subject: Subject) -> CaseResult {
    let (first, second) = (id(), halves(Uuid::new_v4()));
    let (a, b) = (subject.stream(), subject.stream());
    let open = |mut chunk: BatchAppendReq| {
        chunk.is_final = false;
        chunk
    };
    let more = |mut chunk: BatchAppendReq| {
        chunk.options = None;
        chunk
    };
    let answers = subject
        .batch(vec![
            open(chunk(&first, &a, ExpectedStreamPosition::NoStream(()), 2)),
            open(chunk(&second, &b, ExpectedStreamPosition::Any(()), 1)),
            open(more(chunk(&first, &a, ExpectedStreamPosition::NoStream(()), 3))),
            more(chunk(&second, &b, ExpectedStreamPosition::Any(()), 1)),
            more(chunk(&first, &a, ExpectedStreamPosition::NoStream(()), 0)),
        ])
        .await?;
    same("answers", answers.len(), 2)?;
    same("the first", written(&answers, &first, &a)?, 4)?;
    same("the second", written(&answers, &second, &b)?, 1)?;
    let echoes: Vec<_> = answers.iter().map(|answer| answer.expected_stream_position).collect();
    same("what was expected comes back", echoes.contains(&Some(Echo::NoStream(()))) && echoes.contains(&Some(Echo::Any(()))), true)?;
    same("one write", subject.revisions(read_stream(&a)).await?, vec![0, 1, 2, 3, 4])
}

pub async fn a_conflict_does_not_end_the_call(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(2)).await?;
    let (conflict, missing, fine) = (id(), id(), id());
    let nowhere = subject.stream();
    let answers = subject
        .batch(vec![
            chunk(&conflict, &stream, ExpectedStreamPosition::StreamPosition(0), 1),
            chunk(&missing, &nowhere, ExpectedStreamPosition::StreamExists(()), 1),
            chunk(&fine, &stream, ExpectedStreamPosition::StreamPosition(1), 1),
        ])
        .await?;
    let detail: WrongExpectedVersion = refusal(outcome(&answers, &conflict, &stream)?, rpc::Code::AlreadyExists, "WrongExpectedVersion")?;
    same("where the stream is", detail.current_stream_revision_option, Some(CurrentStreamRevisionOption::CurrentStreamRevision(1)))?;
    let expected = ExpectedStreamPositionOption::ExpectedStreamPosition(0);
    same("what was expected", detail.expected_stream_position_option, Some(expected))?;
    let detail: WrongExpectedVersion = refusal(outcome(&answers, &missing, &nowhere)?, rpc::Code::AlreadyExists, "WrongExpectedVersion")?;
    same("where the stream is", detail.current_stream_revision_option, Some(CurrentStreamRevisionOption::CurrentNoStream(())))?;
    let expected = ExpectedStreamPositionOption::ExpectedStreamExists(());
    same("what was expected", detail.expected_stream_position_option, Some(expected))?;
    same("the write after the conflict", written(&answers, &fine, &stream)?, 2)
}

pub async fn writes_to_one_stream_keep_their_order(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let ids: Vec<_> = (0..50).map(|_| id()).collect();
    let expected = |number: u64| match number.checked_sub(1) {
        None => ExpectedStreamPosition::NoStream(()),
        Some(last) => ExpectedStreamPosition::StreamPosition(last),
    };
    let requests = (0..).zip(&ids).map(|(number, id)| chunk(id, &stream, expected(number), 1)).collect();
    let answers = subject.batch(requests).await?;
    for (number, id) in (0..).zip(&ids) {
        same("the revision", written(&answers, id, &stream)?, number)?;
    }
    let again = chunk(&id(), &stream, ExpectedStreamPosition::Any(()), 1);
    let mut repeat = again.clone();
    repeat.correlation_id = Some(id());
    let answers = subject.batch(vec![again, repeat]).await?;
    same("a repeat is answered as the first", subject.revisions(read_stream(&stream)).await?.len(), 51)?;
    same("both are answered", answers.len(), 2)
}

pub async fn a_refusal_says_why(subject: Subject) -> CaseResult {
    let (ended, _) = subject.given(&events(1)).await?;
    subject.tombstone(&ended, Expected::Any).await?;
    let stream = subject.stream();
    let (deleted, incomplete, unsaid, large) = (id(), id(), id(), id());
    let mut without_type = chunk(&incomplete, &stream, ExpectedStreamPosition::Any(()), 1);
    without_type.proposed_messages[0].metadata.clear();
    let mut without_options = chunk(&unsaid, &stream, ExpectedStreamPosition::Any(()), 1);
    without_options.options = None;
    let mut too_large = chunk(&large, &stream, ExpectedStreamPosition::Any(()), 4);
    for message in &mut too_large.proposed_messages {
        message.data = vec![7; 512 * 1024].into();
    }
    let answers =
        subject.batch(vec![chunk(&deleted, &ended, ExpectedStreamPosition::Any(()), 1), without_type, without_options, too_large]).await?;
    let detail: StreamDeleted = refusal(outcome(&answers, &deleted, &ended)?, rpc::Code::NotFound, "StreamDeleted")?;
    same("the deleted stream", detail.stream_identifier, Some(identifier(&ended)))?;
    refusal::<BadRequest>(outcome(&answers, &incomplete, &stream)?, rpc::Code::InvalidArgument, "BadRequest")?;
    refusal::<BadRequest>(outcome(&answers, &unsaid, "")?, rpc::Code::InvalidArgument, "BadRequest")?;
    match outcome(&answers, &large, &stream)? {
        Outcome::Success(_) => crate::contract::holds("a server of before 25.1 has a limit", subject.version().await? >= (25, 1)),
        refused => {
            let detail: MaximumAppendSizeExceeded = refusal(refused, rpc::Code::InvalidArgument, "MaximumAppendSizeExceeded")?;
            crate::contract::holds("the limit is less than what was sent", detail.max_append_size < 4 * 512 * 1024)?;
            same("nothing was written", subject.said(read_stream(&stream)).await.0.len(), 1)
        }
    }
}

pub async fn a_write_past_its_deadline_is_not_done(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let (late, in_time) = (id(), id());
    let due = |mut chunk: BatchAppendReq, seconds: i64| {
        if let Some(options) = &mut chunk.options {
            options.deadline_option = Some(DeadlineOption::Deadline(prost_types::Duration { seconds, nanos: 0 }));
        }
        chunk
    };
    let answers = subject
        .batch(vec![
            due(chunk(&late, &stream, ExpectedStreamPosition::Any(()), 1), -1),
            due(chunk(&in_time, &stream, ExpectedStreamPosition::NoStream(()), 1), 3600),
        ])
        .await?;
    refusal::<Timeout>(outcome(&answers, &late, &stream)?, rpc::Code::DeadlineExceeded, "Timeout")?;
    same("the one in time", written(&answers, &in_time, &stream)?, 0)
}
