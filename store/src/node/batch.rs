//! Many writes on one call, told apart by correlation id.
//!
//! Writes to one stream are done in the order in which they came, as a client that sends them one after the other expects; writes to
//! different streams go side by side.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use chrono::{DateTime, Utc};
use eventstore_client::wire::{
    AllStreamPosition, StreamIdentifier, Uuid as WireUuid,
    streams::{
        BatchAppendReq, BatchAppendResp,
        batch_append_req::{
            Options, ProposedMessage,
            options::{DeadlineOption, ExpectedStreamPosition as Asked},
        },
        batch_append_resp::{self, ExpectedStreamPosition as Echo, Success, success},
    },
};
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream, FuturesUnordered},
};
use prost::Message;
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::{access, refusal::Refusal, request, stop::Stop, streams::permit_size};
use crate::{
    NewEvent,
    log::{ExpectedState, Log, Written},
};

/// Writes that have begun or wait; who sends more waits until some are answered.
const IN_FLIGHT: usize = 256;

/// Writes that have not come whole.
const GATHERING: usize = 1024;

/// A write as far as it has come.
struct Draft {
    correlation_id: Option<WireUuid>,
    identifier: StreamIdentifier,
    asked: Option<Asked>,
    /// Or why there is no point in gathering more of it.
    content: Result<Write, Refusal>,
}

struct Write {
    stream: String,
    expected: ExpectedState,
    deadline: Option<Instant>,
    events: Vec<NewEvent>,
    size: usize,
}

struct Batch {
    log: Log,
    denied: Option<&'static str>,
    messages: Streaming<BatchAppendReq>,
    stop: Stop,
    drafts: HashMap<Vec<u8>, Draft>,
    /// By stream, for as long as one is being written: those that come after it.
    waiting: HashMap<String, VecDeque<Draft>>,
    writing: FuturesUnordered<BoxFuture<'static, (Option<String>, BatchAppendResp)>>,
    in_flight: usize,
    /// The client has said all it has to say.
    half_closed: bool,
}

/// The answers, in the order in which the writes are done; the call ends when the client has ended it and all are given.
pub(super) fn answers(
    log: Log,
    denied: Option<&'static str>,
    messages: Streaming<BatchAppendReq>,
    stop: Stop,
) -> BoxStream<'static, Result<BatchAppendResp, Status>> {
    let batch = Batch {
        log,
        denied,
        messages,
        stop,
        drafts: HashMap::new(),
        waiting: HashMap::new(),
        writing: FuturesUnordered::new(),
        in_flight: 0,
        half_closed: false,
    };
    stream::try_unfold(batch, |mut batch| async move { Ok(batch.next().await?.map(|answer| (answer, batch))) }).boxed()
}

impl Batch {
    async fn next(&mut self) -> Result<Option<BatchAppendResp>, Status> {
        loop {
            if self.half_closed && self.in_flight == 0 {
                return Ok(None);
            }
            tokio::select! {
                biased;
                Some((stream, answer)) = self.writing.next() => {
                    self.in_flight -= 1;
                    if let Some(stream) = stream {
                        self.after(stream);
                    }
                    return Ok(Some(answer));
                }
                () = self.stop.stopping(), if self.in_flight == 0 => return Err(Refusal::Stopping.into()),
                message = self.messages.message(), if !self.half_closed && self.in_flight < IN_FLIGHT => match message? {
                    Some(message) => self.gather(message)?,
                    None => self.half_closed = true,
                },
            }
        }
    }

    fn gather(&mut self, message: BatchAppendReq) -> Result<(), Refusal> {
        let BatchAppendReq { correlation_id, options, proposed_messages, is_final } = message;
        let key = correlation_id.as_ref().map(Message::encode_to_vec).unwrap_or_default();
        let mut draft = match self.drafts.remove(&key) {
            Some(draft) => draft,
            None if self.drafts.len() == GATHERING => {
                return Err(Refusal::TooBusy);
            }
            None => Draft::new(correlation_id, options),
        };
        if let Err(refusal) = draft.add(&self.log, proposed_messages) {
            draft.content = Err(refusal);
        }
        if is_final {
            self.in_flight += 1;
            self.submit(draft);
        } else {
            self.drafts.insert(key, draft);
        }
        Ok(())
    }

    fn submit(&mut self, draft: Draft) {
        let stream = draft.content.as_ref().ok().map(|write| write.stream.clone());
        if let Some(stream) = &stream {
            if let Some(waiting) = self.waiting.get_mut(stream) {
                waiting.push_back(draft);
                return;
            }
            self.waiting.insert(stream.clone(), VecDeque::new());
        }
        self.begin(stream, draft);
    }

    /// Goes on with the next write to a stream, if one waits.
    fn after(&mut self, stream: String) {
        match self.waiting.get_mut(&stream).and_then(VecDeque::pop_front) {
            Some(draft) => self.begin(Some(stream), draft),
            None => drop(self.waiting.remove(&stream)),
        }
    }

    fn begin(&self, stream: Option<String>, draft: Draft) {
        let (log, denied) = (self.log.clone(), self.denied);
        self.writing.push(Box::pin(async move { (stream, draft.write(&log, denied).await) }));
    }
}

impl Draft {
    fn new(correlation_id: Option<WireUuid>, options: Option<Options>) -> Self {
        let Options { stream_identifier, expected_stream_position, deadline_option } = options.clone().unwrap_or_default();
        let content = (|| {
            options.ok_or_else(|| request::missing("options"))?;
            let stream = request::stream_name(stream_identifier.clone())?;
            let expected = request::expected_by_batch(expected_stream_position)?;
            Ok(Write { stream, expected, deadline: deadline_option.and_then(deadline), events: vec![], size: 0 })
        })();
        Self { correlation_id, identifier: stream_identifier.unwrap_or_default(), asked: expected_stream_position, content }
    }

    fn add(&mut self, log: &Log, messages: Vec<ProposedMessage>) -> Result<(), Refusal> {
        let Ok(write) = &mut self.content else { return Ok(()) };
        for ProposedMessage { id, metadata, custom_metadata, data } in messages {
            let event = request::new_event(id, metadata, custom_metadata, data)?;
            write.size += event.size();
            permit_size(log, &write.stream, write.size)?;
            write.events.push(event);
        }
        Ok(())
    }

    async fn write(self, log: &Log, denied: Option<&'static str>) -> BatchAppendResp {
        let result = match (denied, self.content) {
            (Some(why), _) => Err(Refusal::AccessDenied(why)),
            (None, Ok(write)) => write.perform(log).await,
            (None, Err(refusal)) => Err(refusal),
        };
        BatchAppendResp {
            correlation_id: self.correlation_id,
            result: Some(match result {
                Ok(written) => batch_append_resp::Result::Success(success(written)),
                Err(refusal) => batch_append_resp::Result::Error(refusal.in_batch()),
            }),
            stream_identifier: Some(self.identifier),
            expected_stream_position: self.asked.map(|asked| match asked {
                Asked::StreamPosition(revision) => Echo::StreamPosition(revision),
                Asked::NoStream(()) => Echo::NoStream(()),
                Asked::Any(()) => Echo::Any(()),
                Asked::StreamExists(()) => Echo::StreamExists(()),
            }),
        }
    }
}

impl Write {
    /// A write that its deadline overtakes may still be done, as with any server; one whose deadline has passed is not begun.
    async fn perform(self, log: &Log) -> Result<Written, Refusal> {
        access::permit_appending(&self.stream, &self.events)?;
        let Some(deadline) = self.deadline else { return Ok(log.append(&self.stream, self.expected, self.events).await?) };
        if deadline <= Instant::now() {
            return Err(Refusal::Timeout);
        }
        let written = tokio::time::timeout_at(deadline, log.append(&self.stream, self.expected, self.events)).await;
        Ok(written.map_err(|_| Refusal::Timeout)??)
    }
}

/// The instant of a deadline; none if it is further off than a clock can say, which is as good as none.
fn deadline(option: DeadlineOption) -> Option<Instant> {
    let from_now = match option {
        DeadlineOption::Deadline(duration) => Duration::try_from(duration).unwrap_or_default(),
        DeadlineOption::Deadline21100(instant) => {
            let nanos = u32::try_from(instant.nanos).unwrap_or_default();
            let instant = DateTime::from_timestamp(instant.seconds, nanos)?;
            (instant - Utc::now()).to_std().unwrap_or_default()
        }
    };
    Instant::now().checked_add(from_now)
}

fn success(written: Written) -> Success {
    let revision = written.revision.map_or(success::CurrentRevisionOption::NoStream(()), success::CurrentRevisionOption::CurrentRevision);
    let position = match written.position {
        Some(at) => success::PositionOption::Position(AllStreamPosition { commit_position: at, prepare_position: at }),
        None => success::PositionOption::NoPosition(()),
    };
    Success { current_revision_option: Some(revision), position_option: Some(position) }
}
