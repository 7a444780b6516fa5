//! Reading what has been written.

use crate::client::{Client, Repeat};
use crate::convert::{check_position, check_revision, check_stream_name, stream_identifier};
use crate::error::{Context, Error};
use crate::event::Position;
use crate::events::Events;
use crate::filter::Filter;
use crate::wire::Empty;
use crate::wire::streams::ReadReq;
use crate::wire::streams::read_req::Options;
use crate::wire::streams::read_req::options::{
    self, AllOptions, ControlOption, CountOption, FilterOption, ReadDirection, StreamOption, StreamOptions, UuidOption, all_options,
    stream_options, uuid_option,
};

/// Where in a stream to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFrom {
    Start,
    /// After the last event.
    End,
    Revision(u64),
}

/// Where in `$all` to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllFrom {
    Start,
    /// After the last event.
    End,
    Position(Position),
}

impl From<u64> for StreamFrom {
    fn from(revision: u64) -> Self {
        StreamFrom::Revision(revision)
    }
}

impl From<Position> for AllFrom {
    fn from(position: Position) -> Self {
        AllFrom::Position(position)
    }
}

/// What to read of a stream: by default all of it, oldest first, links as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadStream {
    direction: ReadDirection,
    from: StreamFrom,
    count: u64,
    resolve_links: bool,
}

impl ReadStream {
    pub fn forwards() -> Self {
        ReadStream { direction: ReadDirection::Forwards, from: StreamFrom::Start, count: u64::MAX, resolve_links: false }
    }

    /// The newest first.
    pub fn backwards() -> Self {
        ReadStream { direction: ReadDirection::Backwards, from: StreamFrom::End, ..Self::forwards() }
    }

    /// Begins with the event at this place, in either direction.
    pub fn from(self, from: impl Into<StreamFrom>) -> Self {
        ReadStream { from: from.into(), ..self }
    }

    /// At most this many events.
    pub fn count(self, events: u64) -> Self {
        ReadStream { count: events, ..self }
    }

    /// Yields the events that links point at.
    pub fn resolve_links(self) -> Self {
        ReadStream { resolve_links: true, ..self }
    }

    fn options(&self, stream: &str) -> Result<Options, Error> {
        Ok(Options {
            stream_option: Some(stream_option(stream, self.from)?),
            read_direction: self.direction.into(),
            resolve_links: self.resolve_links,
            count_option: Some(CountOption::Count(self.count)),
            ..common_options(FilterOption::NoFilter(Empty {}))
        })
    }
}

/// What to read of `$all`: by default all of it, oldest first, links as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadAll {
    direction: ReadDirection,
    from: AllFrom,
    count: u64,
    resolve_links: bool,
    filter: Option<Filter>,
}

impl ReadAll {
    pub fn forwards() -> Self {
        ReadAll { direction: ReadDirection::Forwards, from: AllFrom::Start, count: u64::MAX, resolve_links: false, filter: None }
    }

    /// The newest first.
    pub fn backwards() -> Self {
        ReadAll { direction: ReadDirection::Backwards, from: AllFrom::End, ..Self::forwards() }
    }

    /// Forwards, begins with the event at this position; backwards, with the one before it.
    pub fn from(self, from: impl Into<AllFrom>) -> Self {
        ReadAll { from: from.into(), ..self }
    }

    /// At most this many events.
    pub fn count(self, events: u64) -> Self {
        ReadAll { count: events, ..self }
    }

    /// Yields the events that links point at.
    pub fn resolve_links(self) -> Self {
        ReadAll { resolve_links: true, ..self }
    }

    /// Only events the server lets through; give the client a deadline to match, for nothing arrives while it searches.
    pub fn filter(self, filter: Filter) -> Self {
        ReadAll { filter: Some(filter), ..self }
    }

    fn options(&self) -> Result<Options, Error> {
        Ok(Options {
            stream_option: Some(all_option(self.from)?),
            read_direction: self.direction.into(),
            resolve_links: self.resolve_links,
            count_option: Some(CountOption::Count(self.count)),
            ..common_options(Filter::to_wire(self.filter.as_ref())?)
        })
    }
}

pub(crate) fn stream_option(stream: &str, from: StreamFrom) -> Result<StreamOption, Error> {
    check_stream_name(stream)?;
    let revision = match from {
        StreamFrom::Start => stream_options::RevisionOption::Start(Empty {}),
        StreamFrom::End => stream_options::RevisionOption::End(Empty {}),
        StreamFrom::Revision(revision) => {
            check_revision(revision)?;
            stream_options::RevisionOption::Revision(revision)
        }
    };
    Ok(StreamOption::Stream(StreamOptions { stream_identifier: Some(stream_identifier(stream)), revision_option: Some(revision) }))
}

pub(crate) fn all_option(from: AllFrom) -> Result<StreamOption, Error> {
    let position = match from {
        AllFrom::Start => all_options::AllOption::Start(Empty {}),
        AllFrom::End => all_options::AllOption::End(Empty {}),
        AllFrom::Position(position) => {
            check_position(position)?;
            let Position { commit: commit_position, prepare: prepare_position } = position;
            all_options::AllOption::Position(options::Position { commit_position, prepare_position })
        }
    };
    Ok(StreamOption::All(AllOptions { all_option: Some(position) }))
}

pub(crate) fn common_options(filter: FilterOption) -> Options {
    Options {
        filter_option: Some(filter),
        uuid_option: Some(UuidOption { content: Some(uuid_option::Content::Structured(Empty {})) }),
        control_option: Some(ControlOption { compatibility: 1 }),
        ..Options::default()
    }
}

impl Client {
    /// Reads a stream; a stream that does not exist is an error, one with nothing to show at that place is empty.
    ///
    /// The answer is awaited until its first event, and asked for again until then; from there on a failure is yielded.
    pub async fn read_stream(&self, stream: &str, read: ReadStream) -> Result<Events, Error> {
        self.read(stream, read.options(stream)?).await
    }

    /// Reads `$all`: everything the server keeps, its own events and deleted streams included.
    ///
    /// The answer is awaited until its first event, and asked for again until then; from there on a failure is yielded.
    pub async fn read_all(&self, read: ReadAll) -> Result<Events, Error> {
        self.read("$all", read.options()?).await
    }

    async fn read(&self, stream: &str, options: Options) -> Result<Events, Error> {
        self.call(Repeat::Harmless, async |attempt| {
            // The server must not cut a long read short: the deadline is ours alone, and for each wait anew.
            let request = self.headers().request(ReadReq { options: Some(options.clone()) }, None);
            let answer = attempt.streams().read(request).await;
            let messages = answer.map_err(|status| Context::reading(stream).error(status))?.into_inner();
            Events::begin(stream, messages, self.deadline()).await
        })
        .await
    }
}
