//! Events as they arrive from a read.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Streaming;

use crate::convert::resolved_event;
use crate::error::{Context, Error};
use crate::event::ResolvedEvent;
use crate::wire::streams::ReadResp;
use crate::wire::streams::read_resp::Content;

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
    /// Waits for the first event, so that a read that cannot succeed fails here.
    pub(crate) async fn begin(stream: &str, messages: Streaming<ReadResp>, patience: Option<Duration>) -> Result<Self, Error> {
        let patience = patience.map(Patience::new);
        let mut events = Events { stream: stream.to_owned(), messages: Some(messages), first: None, patience };
        events.first = events.next().await.transpose()?;
        Ok(events)
    }

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
