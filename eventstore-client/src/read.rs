//! Reading what has been written.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Streaming;

use crate::client::{Client, Repeat};
use crate::convert::{check_position, check_revision, check_stream_name, resolved_event, stream_identifier};
use crate::error::{Context, Error};
use crate::event::{Position, ResolvedEvent};
use crate::filter::Filter;
use crate::wire::Empty;
use crate::wire::streams::read_req::Options;
use crate::wire::streams::read_req::options::{
    self, AllOptions, ControlOption, CountOption, FilterOption, ReadDirection, StreamOption, StreamOptions, UuidOption, all_options,
    stream_options, uuid_option,
};
use crate::wire::streams::read_resp::Content;
use crate::wire::streams::{ReadReq, ReadResp};

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
            let mut events =
                Events { stream: stream.to_owned(), messages: Some(messages), first: None, patience: self.deadline().map(Patience::new) };
            events.first = events.next().await.transpose()?;
            Ok(events)
        })
        .await
    }
}

/// Events as they arrive. Ends with the last one, or after the first failure.
pub struct Events {
    stream: String,
    /// `None` once there is nothing more to come.
    messages: Option<Streaming<ReadResp>>,
    first: Option<ResolvedEvent>,
    patience: Option<Patience>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Stream for Events {
    type Item = Result<ResolvedEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let item = ready!(self.poll_message(task));
        if !matches!(item, Some(Ok(_))) {
            self.messages = None;
        }
        Poll::Ready(item)
    }
}

impl Events {
    fn poll_message(&mut self, task: &mut Task<'_>) -> Poll<Option<Result<ResolvedEvent, Error>>> {
        let Some(messages) = &mut self.messages else { return Poll::Ready(None) };
        loop {
            let Poll::Ready(message) = Pin::new(&mut *messages).poll_next(task) else {
                let Some(patience) = &mut self.patience else { return Poll::Pending };
                ready!(patience.poll_exhausted(task));
                return Poll::Ready(Some(Err(Error::DeadlineExceeded)));
            };
            if let Some(patience) = &mut self.patience {
                patience.renew();
            }
            let content = match message {
                None => return Poll::Ready(None),
                Some(Err(status)) => return Poll::Ready(Some(Err(Context::reading(&self.stream).error(status)))),
                Some(Ok(ReadResp { content })) => content,
            };
            match content {
                Some(Content::Event(event)) => return Poll::Ready(Some(resolved_event(event))),
                Some(Content::StreamNotFound(_)) => return Poll::Ready(Some(Err(Error::StreamNotFound { stream: self.stream.clone() }))),
                // What newer servers add is not for us to refuse.
                Some(
                    Content::Confirmation(_)
                    | Content::Checkpoint(_)
                    | Content::FirstStreamPosition(_)
                    | Content::LastStreamPosition(_)
                    | Content::LastAllStreamPosition(_)
                    | Content::CaughtUp(_)
                    | Content::FellBehind(_),
                )
                | None => {}
            }
        }
    }
}

/// A bound on one wait; the clock is only looked at when there is nothing to do but wait.
struct Patience {
    limit: Duration,
    waiting: bool,
    alarm: Pin<Box<Sleep>>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Patience { limit, waiting: false, alarm: Box::pin(sleep(limit)) }
    }

    fn renew(&mut self) {
        self.waiting = false;
    }

    fn poll_exhausted(&mut self, task: &mut Task<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.alarm.as_mut().reset(Instant::now() + self.limit);
        }
        self.alarm.as_mut().poll(task)
    }
}
