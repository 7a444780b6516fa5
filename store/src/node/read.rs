//! Reading up to a count: page after page, each fetched when the last has been taken, so that a slow reader holds one page and no more.

use eventstore_client::wire::streams::{ReadResp, read_resp::Content};

use super::{
    filter::Filter,
    refusal::Refusal,
    request::Begin,
    response::{self, Shape, content},
};
use crate::{
    StoredEvent,
    log::{Direction, Log, PAGE, StreamRead},
};

/// The answers of one read, a page at a time.
pub(super) trait Pages: Send + 'static {
    /// The next answers; none when there are no more. There may be none for now and more later.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<ReadResp>>, Refusal>> + Send;
}

pub(super) struct StreamPages {
    log: Log,
    shape: Shape,
    stream: String,
    direction: Direction,
    /// Where the next page begins; none when all has been read.
    next: Option<u64>,
    left: u64,
    knows_ends: bool,
    begun: bool,
}

impl StreamPages {
    pub(super) fn new(
        log: Log,
        shape: Shape,
        stream: String,
        from: Begin<u64>,
        direction: Direction,
        count: u64,
        knows_ends: bool,
    ) -> Self {
        let revision = match from {
            Begin::Start => 0,
            Begin::At(revision) => revision,
            Begin::End => u64::MAX,
        };
        // Nothing is before the start: but a missing stream is still said to be missing.
        let left = if (from, direction) == (Begin::Start, Direction::Backwards) { 0 } else { count };
        Self { log, shape, stream, direction, next: Some(revision), left, knows_ends, begun: false }
    }
}

impl Pages for StreamPages {
    async fn next(&mut self) -> Result<Option<Vec<ReadResp>>, Refusal> {
        let Some(from) = self.next.take() else { return Ok(None) };
        let max = usize::try_from(self.left).unwrap_or(PAGE).min(PAGE);
        let (events, next, first, last) = match self.log.read_stream(&self.stream, from, self.direction, max).await? {
            StreamRead::Page { events, next, first, last } => (events, next, first, last),
            StreamRead::Tombstoned => return Err(crate::StoreError::StreamDeleted { stream: self.stream.clone() }.into()),
            // Deleted while it was being read: what has been read was there.
            StreamRead::NotFound if self.begun => return Ok(None),
            StreamRead::NotFound => return Ok(Some(vec![response::stream_not_found(&self.stream)])),
        };
        self.left -= events.len() as u64;
        self.next = next.filter(|_| self.left > 0);
        let is_empty = events.is_empty();
        let mut answers = shown(&self.log, self.shape, events).await?;
        if self.knows_ends {
            if !self.begun && is_empty && self.direction == Direction::Forwards && from != first {
                answers.push(content(Content::FirstStreamPosition(first)));
            }
            if self.next.is_none() {
                answers.push(content(Content::LastStreamPosition(last)));
            }
        }
        self.begun = true;
        Ok(Some(answers))
    }
}

pub(super) struct AllPages {
    log: Log,
    shape: Shape,
    direction: Direction,
    next: Option<u64>,
    left: u64,
    filter: Option<Filter>,
}

impl AllPages {
    /// Forwards begins with the place itself, backwards with what is before it.
    pub(super) fn new(
        log: Log,
        shape: Shape,
        from: Begin<daftar_domain::Position>,
        direction: Direction,
        count: u64,
        filter: Option<Filter>,
    ) -> Self {
        let next = match (from, direction) {
            (Begin::Start, Direction::Forwards) => Some(0),
            (Begin::At(position), Direction::Forwards) => Some(position.commit),
            (Begin::End, Direction::Backwards) => Some(i64::MAX.cast_unsigned()),
            (Begin::At(position), Direction::Backwards) => position.commit.checked_sub(1).filter(|before| *before > 0),
            (Begin::End, Direction::Forwards) | (Begin::Start, Direction::Backwards) => None,
        };
        Self { log, shape, direction, next: next.filter(|_| count > 0), left: count, filter }
    }
}

impl Pages for AllPages {
    async fn next(&mut self) -> Result<Option<Vec<ReadResp>>, Refusal> {
        let Some(from) = self.next.take() else { return Ok(None) };
        let max = if self.filter.is_some() { PAGE } else { usize::try_from(self.left).unwrap_or(PAGE).min(PAGE) };
        let mut events = self.log.read_all_page(from, self.direction, max).await?;
        let next = events.last().filter(|_| events.len() == max).map(|event| event.position.commit);
        if let Some(filter) = &self.filter {
            events = matching(filter, events).await?;
            events.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        }
        self.left -= events.len() as u64;
        self.next = next.filter(|_| self.left > 0).and_then(|last| match self.direction {
            Direction::Forwards => Some(last + 1),
            Direction::Backwards => last.checked_sub(1).filter(|before| *before > 0),
        });
        Ok(Some(shown(&self.log, self.shape, events).await?))
    }
}

async fn matching(filter: &Filter, events: Vec<StoredEvent>) -> Result<Vec<StoredEvent>, Refusal> {
    let mut matching = vec![];
    for (considered, event) in events.into_iter().enumerate() {
        breathe(considered).await;
        if filter.matches(&event)? {
            matching.push(event);
        }
    }
    Ok(matching)
}

/// An expensive expression must not keep others from being served.
pub(super) async fn breathe(considered: usize) {
    if considered % 64 == 63 {
        tokio::task::yield_now().await;
    }
}

async fn shown(log: &Log, shape: Shape, events: Vec<StoredEvent>) -> Result<Vec<ReadResp>, Refusal> {
    let mut answers = Vec::with_capacity(events.len() + 2);
    for event in events {
        answers.push(shape.read_event(log, event).await?);
    }
    Ok(answers)
}
