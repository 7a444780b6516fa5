//! The calls of a case, short enough to be read as sentences.

use std::collections::BTreeMap;

use bytes::Bytes;
use eventstore_client::wire::{
    Empty, StreamIdentifier, Uuid as WireUuid,
    streams::{
        AppendReq, DeleteReq, ReadReq, ReadResp, TombstoneReq,
        append_req::{self, Content as Sent, ProposedMessage},
        append_resp::{self, success, wrong_expected_version as conflict},
        delete_req, delete_resp,
        read_req::{
            Options,
            options::{
                AllOptions, ControlOption, CountOption, FilterOption, FilterOptions, Position, ReadDirection, StreamOption, StreamOptions,
                SubscriptionOptions, UuidOption,
                all_options::AllOption,
                filter_options::{Expression, Filter, Window},
                stream_options::RevisionOption,
                uuid_option,
            },
        },
        read_resp::{Content, ReadEvent, read_event},
        tombstone_req, tombstone_resp,
    },
    uuid::{Structured, Value},
};
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use super::Subject;
use crate::contract::{CaseResult, Failure, same};
pub(super) use crate::log::ExpectedState as Expected;

/// What an append was answered with, every part of it checked to be there.
#[derive(Debug)]
pub(super) enum Answer {
    Written { revision: Option<u64>, position: Option<u64> },
    Conflict { current: Option<u64>, expected: Expected },
    Refused(Box<Status>),
}

impl Answer {
    pub(super) fn written(self) -> Result<(u64, u64), Failure> {
        match self {
            Self::Written { revision: Some(revision), position: Some(position) } => Ok((revision, position)),
            other => Err(Failure(format!("expected events to be written, saw {other:?}"))),
        }
    }

    pub(super) fn conflict(self, what: &str, seen: Expected, actual: Option<u64>) -> CaseResult {
        match self {
            Self::Conflict { current, expected } => same(what, (expected, current), (seen, actual)),
            other => Err(Failure(format!("{what}: expected a conflict with {actual:?}, saw {other:?}"))),
        }
    }

    pub(super) fn refused(self, what: &str, code: Code) -> Result<Status, Failure> {
        match self {
            Self::Refused(status) if status.code() == code => Ok(*status),
            other => Err(Failure(format!("{what}: expected {code:?}, saw {other:?}"))),
        }
    }
}

pub(super) fn identifier(stream: &str) -> StreamIdentifier {
    StreamIdentifier { stream_name: stream.as_bytes().to_vec().into() }
}

pub(super) fn text(id: Uuid) -> WireUuid {
    WireUuid { value: Some(Value::String(id.to_string())) }
}

pub(super) fn halves(id: Uuid) -> WireUuid {
    let (most, least) = id.as_u64_pair();
    let halves = Structured { most_significant_bits: most.cast_signed(), least_significant_bits: least.cast_signed() };
    WireUuid { value: Some(Value::Structured(halves)) }
}

pub(super) fn id_of(id: &Option<WireUuid>) -> Result<Uuid, Failure> {
    match id.as_ref().and_then(|id| id.value.as_ref()) {
        Some(Value::String(text)) => Ok(text.parse()?),
        Some(Value::Structured(halves)) => {
            Ok(Uuid::from_u64_pair(halves.most_significant_bits.cast_unsigned(), halves.least_significant_bits.cast_unsigned()))
        }
        None => Err(Failure("an id is missing".to_owned())),
    }
}

pub(super) fn proposed(event_type: &str, content_type: &str, data: impl Into<Bytes>) -> ProposedMessage {
    ProposedMessage {
        id: Some(text(Uuid::new_v4())),
        metadata: BTreeMap::from([("type".to_owned(), event_type.to_owned()), ("content-type".to_owned(), content_type.to_owned())]),
        custom_metadata: Bytes::from_static(b"{\"by\":\"protocol\"}"),
        data: data.into(),
    }
}

pub(super) fn happened() -> ProposedMessage {
    proposed("SomethingHappened", "application/json", "{}")
}

pub(super) fn events(count: usize) -> Vec<ProposedMessage> {
    (0..count).map(|_| happened()).collect()
}

fn expected_by_append(expected: Expected) -> append_req::options::ExpectedStreamRevision {
    use append_req::options::ExpectedStreamRevision as Wire;
    match expected {
        Expected::NoStream => Wire::NoStream(Empty {}),
        Expected::Revision(revision) => Wire::Revision(revision),
        Expected::Any => Wire::Any(Empty {}),
        Expected::StreamExists => Wire::StreamExists(Empty {}),
    }
}

pub(super) fn options(stream: &str, expected: Expected) -> AppendReq {
    AppendReq {
        content: Some(Sent::Options(append_req::Options {
            stream_identifier: Some(identifier(stream)),
            expected_stream_revision: Some(expected_by_append(expected)),
        })),
    }
}

impl Subject {
    pub(super) async fn append(&self, stream: &str, expected: Expected, events: &[ProposedMessage]) -> Result<Answer, Failure> {
        let mut messages = vec![options(stream, expected)];
        messages.extend(events.iter().map(|event| AppendReq { content: Some(Sent::ProposedMessage(event.clone())) }));
        self.append_messages(messages).await
    }

    pub(super) async fn append_messages(&self, messages: Vec<AppendReq>) -> Result<Answer, Failure> {
        let response = match self.streams().append(self.request(futures::stream::iter(messages))).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Ok(Answer::Refused(Box::new(status))),
        };
        let lacking = || Failure("the answer lacks a part that clients rely on".to_owned());
        Ok(match response.result.ok_or_else(lacking)? {
            append_resp::Result::Success(success) => Answer::Written {
                revision: match success.current_revision_option.ok_or_else(lacking)? {
                    success::CurrentRevisionOption::CurrentRevision(revision) => Some(revision),
                    success::CurrentRevisionOption::NoStream(_) => None,
                },
                position: match success.position_option.ok_or_else(lacking)? {
                    success::PositionOption::Position(position) => {
                        same("commit and prepare", position.commit_position, position.prepare_position)?;
                        Some(position.commit_position)
                    }
                    success::PositionOption::NoPosition(_) => None,
                },
            },
            append_resp::Result::WrongExpectedVersion(conflict) => Answer::Conflict {
                current: match conflict.current_revision_option.ok_or_else(lacking)? {
                    conflict::CurrentRevisionOption::CurrentRevision(revision) => Some(revision),
                    conflict::CurrentRevisionOption::CurrentNoStream(_) => None,
                },
                expected: match conflict.expected_revision_option.ok_or_else(lacking)? {
                    conflict::ExpectedRevisionOption::ExpectedRevision(revision) => Expected::Revision(revision),
                    conflict::ExpectedRevisionOption::ExpectedAny(_) => Expected::Any,
                    conflict::ExpectedRevisionOption::ExpectedStreamExists(_) => Expected::StreamExists,
                    conflict::ExpectedRevisionOption::ExpectedNoStream(_) => Expected::NoStream,
                },
            },
        })
    }

    /// A new stream with these events, and the position of the last.
    pub(super) async fn given(&self, events: &[ProposedMessage]) -> Result<(String, u64), Failure> {
        let stream = self.stream();
        let (_, position) = self.append(&stream, Expected::NoStream, events).await?.written()?;
        Ok((stream, position))
    }

    pub(super) async fn set_metadata(&self, stream: &str, json: &str) -> Result<(u64, u64), Failure> {
        let metadata = proposed("$metadata", "application/json", json.to_owned());
        self.append(&format!("$${stream}"), Expected::Any, &[metadata]).await?.written()
    }

    /// The position of the deletion.
    pub(super) async fn delete(&self, stream: &str, expected: Expected) -> Result<u64, Box<Status>> {
        use delete_req::options::ExpectedStreamRevision as Wire;
        let expected = match expected {
            Expected::NoStream => Wire::NoStream(Empty {}),
            Expected::Revision(revision) => Wire::Revision(revision),
            Expected::Any => Wire::Any(Empty {}),
            Expected::StreamExists => Wire::StreamExists(Empty {}),
        };
        let options = delete_req::Options { stream_identifier: Some(identifier(stream)), expected_stream_revision: Some(expected) };
        let response = self.streams().delete(self.request(DeleteReq { options: Some(options) })).await?;
        match response.into_inner().position_option {
            Some(delete_resp::PositionOption::Position(position)) => Ok(position.commit_position),
            other => Err(Box::new(Status::internal(format!("expected a position, saw {other:?}")))),
        }
    }

    /// The position of the tombstone.
    pub(super) async fn tombstone(&self, stream: &str, expected: Expected) -> Result<u64, Box<Status>> {
        use tombstone_req::options::ExpectedStreamRevision as Wire;
        let expected = match expected {
            Expected::NoStream => Wire::NoStream(Empty {}),
            Expected::Revision(revision) => Wire::Revision(revision),
            Expected::Any => Wire::Any(Empty {}),
            Expected::StreamExists => Wire::StreamExists(Empty {}),
        };
        let options = tombstone_req::Options { stream_identifier: Some(identifier(stream)), expected_stream_revision: Some(expected) };
        let response = self.streams().tombstone(self.request(TombstoneReq { options: Some(options) })).await?;
        match response.into_inner().position_option {
            Some(tombstone_resp::PositionOption::Position(position)) => Ok(position.commit_position),
            other => Err(Box::new(Status::internal(format!("expected a position, saw {other:?}")))),
        }
    }
}

/// A read to be: forwards, all of it, without links resolved, ids as text.
#[derive(Clone, Debug)]
pub(super) struct Read(pub(super) Options);

fn read_of(source: StreamOption) -> Read {
    Read(Options {
        stream_option: Some(source),
        read_direction: ReadDirection::Forwards.into(),
        resolve_links: false,
        count_option: Some(CountOption::Count(u64::MAX)),
        filter_option: Some(FilterOption::NoFilter(Empty {})),
        uuid_option: Some(UuidOption { content: Some(uuid_option::Content::String(Empty {})) }),
        control_option: None,
    })
}

pub(super) fn read_stream(name: &str) -> Read {
    let stream_identifier = Some(identifier(name));
    read_of(StreamOption::Stream(StreamOptions { stream_identifier, revision_option: Some(RevisionOption::Start(Empty {})) }))
}

pub(super) fn read_all() -> Read {
    read_of(StreamOption::All(AllOptions { all_option: Some(AllOption::Start(Empty {})) }))
}

impl Read {
    fn at(mut self, in_stream: RevisionOption, in_all: AllOption) -> Self {
        match &mut self.0.stream_option {
            Some(StreamOption::Stream(options)) => options.revision_option = Some(in_stream),
            Some(StreamOption::All(options)) => options.all_option = Some(in_all),
            None => {}
        }
        self
    }

    /// From a revision of a stream, or from a position of the log.
    pub(super) fn from(self, place: u64) -> Self {
        self.at(RevisionOption::Revision(place), AllOption::Position(Position { commit_position: place, prepare_position: place }))
    }

    pub(super) fn at_end(self) -> Self {
        self.at(RevisionOption::End(Empty {}), AllOption::End(Empty {}))
    }

    pub(super) fn backwards(mut self) -> Self {
        self.0.read_direction = ReadDirection::Backwards.into();
        self
    }

    pub(super) fn count(mut self, count: u64) -> Self {
        self.0.count_option = Some(CountOption::Count(count));
        self
    }

    pub(super) fn subscribing(mut self) -> Self {
        self.0.count_option = Some(CountOption::Subscription(SubscriptionOptions {}));
        self
    }

    pub(super) fn resolving_links(mut self) -> Self {
        self.0.resolve_links = true;
        self
    }

    pub(super) fn knowing_ends(mut self) -> Self {
        self.0.control_option = Some(ControlOption { compatibility: 1 });
        self
    }

    pub(super) fn ids_as_halves(mut self) -> Self {
        self.0.uuid_option = Some(UuidOption { content: Some(uuid_option::Content::Structured(Empty {})) });
        self
    }

    pub(super) fn filtered(self, filter: Filter) -> Self {
        self.windowed(filter, Window::Count(Empty {}), 1)
    }

    pub(super) fn windowed(mut self, filter: Filter, window: Window, checkpoint_interval_multiplier: u32) -> Self {
        self.0.filter_option =
            Some(FilterOption::Filter(FilterOptions { filter: Some(filter), window: Some(window), checkpoint_interval_multiplier }));
        self
    }
}

pub(super) fn filter_by_stream(expression: Expression) -> Filter {
    Filter::StreamIdentifier(expression)
}

pub(super) fn prefixes(prefixes: &[&str]) -> Expression {
    Expression { regex: String::new(), prefix: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect() }
}

pub(super) fn regex(regex: impl Into<String>) -> Expression {
    Expression { regex: regex.into(), prefix: vec![] }
}

impl Subject {
    pub(super) async fn open(&self, read: Read) -> Result<Streaming<ReadResp>, Box<Status>> {
        Ok(self.streams().read(self.request(ReadReq { options: Some(read.0) })).await?.into_inner())
    }

    /// Everything that a read says, and the status it ends with if that is not OK.
    pub(super) async fn said(&self, read: Read) -> (Vec<Content>, Option<Status>) {
        let mut said = vec![];
        let mut answers = match self.open(read).await {
            Ok(answers) => answers,
            Err(status) => return (said, Some(*status)),
        };
        loop {
            match answers.message().await {
                Ok(Some(answer)) => said.extend(answer.content),
                Ok(None) => return (said, None),
                Err(status) => return (said, Some(status)),
            }
        }
    }

    /// The events of a read that says nothing else and ends well.
    pub(super) async fn read(&self, read: Read) -> Result<Vec<Seen>, Failure> {
        let (said, status) = self.said(read).await;
        status.map_or(Ok(()), Err)?;
        said.into_iter().map(event).collect()
    }

    pub(super) async fn revisions(&self, read: Read) -> Result<Vec<u64>, Failure> {
        Ok(self.read(read).await?.iter().map(|event| event.revision).collect())
    }

    pub(super) async fn refused(&self, what: &str, read: Read, code: Code) -> Result<Status, Failure> {
        match self.said(read).await {
            (said, Some(status)) if status.code() == code && said.is_empty() => Ok(status),
            other => Err(Failure(format!("{what}: expected {code:?}, saw {other:?}"))),
        }
    }
}

/// An event as it was read, every part of it checked to be there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) id: Uuid,
    pub(super) stream: String,
    pub(super) revision: u64,
    pub(super) position: u64,
    pub(super) event_type: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) custom_metadata: Bytes,
    pub(super) data: Bytes,
    /// What the event was reached through, by its own stream and revision.
    pub(super) link: Option<(String, u64)>,
}

pub(super) fn event(content: Content) -> Result<Seen, Failure> {
    match content {
        Content::Event(event) => seen(event),
        other => Err(Failure(format!("expected an event, saw {other:?}"))),
    }
}

fn seen(event: ReadEvent) -> Result<Seen, Failure> {
    let lacking = |what: &str| Failure(format!("an event lacks {what}"));
    let Some(read_event::Position::CommitPosition(position)) = event.position else { return Err(lacking("its position")) };
    let name = |identifier: Option<StreamIdentifier>| -> Result<String, Failure> {
        Ok(String::from_utf8(identifier.ok_or_else(|| lacking("its stream"))?.stream_name.to_vec())?)
    };
    let link = event.link.map(|link| Ok::<_, Failure>((name(link.stream_identifier)?, link.stream_revision))).transpose()?;
    let event = event.event.ok_or_else(|| lacking("itself"))?;
    if link.is_none() {
        same("the positions of an event", (event.commit_position, event.prepare_position), (position, position))?;
    }
    Ok(Seen {
        id: id_of(&event.id)?,
        stream: name(event.stream_identifier)?,
        revision: event.stream_revision,
        position,
        event_type: event.metadata.get("type").cloned().ok_or_else(|| lacking("its type"))?,
        metadata: event.metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
        link,
    })
}

/// Whether reading the stream says that there is none, and nothing else.
pub(super) async fn is_missing(subject: &Subject, stream: &str) -> bool {
    matches!(subject.said(read_stream(stream)).await, (said, None) if matches!(said[..], [Content::StreamNotFound(_)]))
}

pub(super) fn trailer<'a>(status: &'a Status, key: &str) -> Option<&'a str> {
    status.metadata().get(key)?.to_str().ok()
}

pub(super) fn says(what: &str, status: &Status, trailers: &[(&str, &str)]) -> CaseResult {
    for (key, value) in trailers {
        same(&format!("{what}, `{key}`"), trailer(status, key), Some(*value))?;
    }
    Ok(())
}
