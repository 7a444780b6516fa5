//! Following a stream or the whole log: first what is there, then what comes, without a gap between them, because both are read from the log.

use daftar_domain::Position;
use eventstore_client::wire::streams::ReadResp;
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::watch;

use super::{
    filter::{Cadence, Filter},
    read::{Pages, breathe},
    refusal::Refusal,
    request::Begin,
    response::{self, Shape},
};
use crate::{
    StoreError, StoredEvent,
    log::{Direction, Log, LogPage, PAGE, StreamRead},
};

pub(super) struct AllSubscription {
    log: Log,
    shape: Shape,
    pages: BoxStream<'static, Result<LogPage, StoreError>>,
    filter: Option<(Filter, Checkpoints)>,
    /// The last event considered, or where the subscriber said it was.
    at: u64,
}

/// How far a filtered subscription has come, said now and then; never twice of the same place.
struct Checkpoints {
    cadence: Cadence,
    considered: u64,
    said: u64,
}

impl AllSubscription {
    /// Everything after the place, which the subscriber has.
    pub(super) async fn new(log: Log, shape: Shape, after: Begin<Position>, filter: Option<(Filter, Cadence)>) -> Result<Self, Refusal> {
        let at = match after {
            Begin::Start => 0,
            Begin::At(position) if position.prepare == position.commit => position.commit,
            // Before the event of this commit, whose prepare is its commit.
            Begin::At(position) => position.commit - 1,
            Begin::End => last_position(&log).await?,
        };
        let pages = log.follow(at);
        let filter = filter.map(|(filter, cadence)| (filter, Checkpoints { cadence, considered: 0, said: at }));
        Ok(Self { log, shape, pages, filter, at })
    }

    async fn consider(&mut self, events: Vec<StoredEvent>) -> Result<Vec<ReadResp>, Refusal> {
        let mut answers = Vec::with_capacity(events.len());
        for (index, event) in events.into_iter().enumerate() {
            self.at = event.position.commit;
            let Some((filter, checkpoints)) = &mut self.filter else {
                answers.push(self.shape.read_event(&self.log, event).await?);
                continue;
            };
            breathe(index).await;
            if filter.matches(&event)? {
                answers.push(self.shape.read_event(&self.log, event).await?);
            }
            answers.extend(checkpoints.after(self.at));
        }
        Ok(answers)
    }
}

impl Pages for AllSubscription {
    async fn next(&mut self) -> Result<Option<Vec<ReadResp>>, Refusal> {
        match self.pages.next().await.transpose()? {
            Some(LogPage::Events(events)) => Ok(Some(self.consider(events).await?)),
            Some(LogPage::CaughtUp) => {
                let at = self.at;
                let mut answers: Vec<_> = self.filter.iter_mut().filter_map(|(_, checkpoints)| checkpoints.say(at)).collect();
                answers.push(response::caught_up(None, Some(Position::single(at)).filter(|_| at > 0)));
                Ok(Some(answers))
            }
            // Ending well would tell the client that there will never be more.
            None => Err(Refusal::Stopping),
        }
    }
}

impl Checkpoints {
    fn after(&mut self, at: u64) -> Option<ReadResp> {
        self.considered += 1;
        if self.considered == self.cadence.0 { self.say(at) } else { None }
    }

    fn say(&mut self, at: u64) -> Option<ReadResp> {
        self.considered = 0;
        let is_new = at > self.said;
        self.said = at;
        is_new.then(|| response::checkpoint(Position::single(at)))
    }
}

/// Asked of the log itself: its watched head may be a moment behind what other processes wrote.
async fn last_position(log: &Log) -> Result<u64, Refusal> {
    let last = log.read_all_page(i64::MAX.cast_unsigned(), Direction::Backwards, 1).await?;
    Ok(last.first().map_or(0, |event| event.position.commit))
}

pub(super) struct StreamSubscription {
    log: Log,
    shape: Shape,
    stream: String,
    /// The revision the subscriber has not seen yet.
    next: u64,
    head: watch::Receiver<u64>,
    caught_up: bool,
    /// Something has been read, or found not to be there yet.
    begun: bool,
    /// The tombstone has been delivered.
    ended: bool,
}

impl StreamSubscription {
    pub(super) async fn new(log: Log, shape: Shape, stream: String, after: Begin<u64>) -> Result<Self, Refusal> {
        let next = match after {
            Begin::Start => 0,
            Begin::At(revision) => revision + 1,
            Begin::End => log.stand(&stream).await?.revision.map_or(0, |last| last + 1),
        };
        let head = log.head();
        Ok(Self { log, shape, stream, next, head, caught_up: false, begun: false, ended: false })
    }

    /// What there is now: events, and the stream's last revision if it has been read to its end.
    async fn read(&mut self) -> Result<(Vec<StoredEvent>, Option<Option<u64>>), Refusal> {
        let deleted = StoreError::StreamDeleted { stream: self.stream.clone() };
        if self.ended {
            return Err(deleted.into());
        }
        let read = self.log.read_stream(&self.stream, self.next, Direction::Forwards, PAGE).await?;
        let begun = std::mem::replace(&mut self.begun, true);
        Ok(match read {
            StreamRead::NotFound => (vec![], Some(None)),
            StreamRead::Page { events, next, last, .. } => {
                self.next = next.unwrap_or(self.next.max(last + 1));
                (events, if next.is_none() { Some(Some(last)) } else { None })
            }
            StreamRead::Tombstoned if !begun => return Err(deleted.into()),
            // Whoever watched it end sees all of it, the end included.
            StreamRead::Tombstoned => {
                let events = self.log.read_to_tombstone(&self.stream, self.next, PAGE).await?;
                self.next = events.last().map_or(self.next, |event| event.revision + 1);
                self.ended = events.len() < PAGE;
                (events, None)
            }
        })
    }
}

impl Pages for StreamSubscription {
    async fn next(&mut self) -> Result<Option<Vec<ReadResp>>, Refusal> {
        loop {
            // Looked at before reading, so that what is appended meanwhile is a change.
            self.head.borrow_and_update();
            let (events, end) = self.read().await?;
            let mut answers = Vec::with_capacity(events.len() + 1);
            for event in events {
                answers.push(self.shape.read_event(&self.log, event).await?);
            }
            if let Some(last) = end.filter(|_| !self.caught_up) {
                self.caught_up = true;
                answers.push(response::caught_up(last, None));
            }
            if !answers.is_empty() || end.is_none() {
                return Ok(Some(answers));
            }
            self.head.changed().await.map_err(|_| Refusal::Stopping)?;
        }
    }
}
