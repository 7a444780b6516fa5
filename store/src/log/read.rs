//! Reading a stream as its metadata lets it be seen, and the log as it is.

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};

use super::{
    Log, Stand,
    rules::{self, StreamMetadata},
};
use crate::{EventStream, StoreError, StoredEvent};

/// Events fetched from the storage at a time.
pub const PAGE: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forwards,
    Backwards,
}

/// A page of a stream, or why there is none.
#[derive(Debug)]
pub enum StreamRead {
    NotFound,
    Tombstoned,
    Page {
        events: Vec<StoredEvent>,
        /// Where the next page begins, if there may be more.
        next: Option<u64>,
        /// The first and the last revision that a reader may see; nothing is seen if they are the wrong way round.
        first: u64,
        last: u64,
    },
}

impl Log {
    pub async fn stand(&self, stream: &str) -> Result<Stand, StoreError> {
        self.storage.stand(stream).await
    }

    /// Up to `max` events of a stream from `revision` on (which is included), in the direction, as its metadata lets them be seen.
    pub async fn read_stream(&self, stream: &str, revision: u64, direction: Direction, max: usize) -> Result<StreamRead, StoreError> {
        let stand = self.storage.stand(stream).await?;
        let last = match stand.revision {
            Some(rules::TOMBSTONE_REVISION) => return Ok(StreamRead::Tombstoned),
            None => return Ok(StreamRead::NotFound),
            Some(_) if stand.is_soft_deleted() => return Ok(StreamRead::NotFound),
            Some(last) => last,
        };
        let metadata = if rules::is_metadata_stream(stream) { StreamMetadata::of_metadata_stream() } else { stand.stream_metadata() };
        let first = metadata.first_visible(last);
        let (from, wanted) = match direction {
            Direction::Forwards => (revision.max(first), (last + 1).saturating_sub(revision.max(first))),
            Direction::Backwards => (revision.min(last), (revision.min(last) + 1).saturating_sub(first)),
        };
        let max = max.min(usize::try_from(wanted).unwrap_or(usize::MAX)).min(PAGE);
        let mut events = if max == 0 { vec![] } else { self.storage.read_stream(stream, from, direction, max).await? };
        let next = events.last().and_then(|event| match direction {
            Direction::Forwards => Some(event.revision + 1).filter(|next| *next <= last),
            Direction::Backwards => event.revision.checked_sub(1).filter(|next| *next >= first),
        });
        let now = Utc::now();
        events.retain(|event| !metadata.is_too_old(event.created_at, now));
        Ok(StreamRead::Page { events, next, first, last })
    }

    /// Up to `max` events of a tombstoned stream from `revision` on, the tombstone last: what whoever followed it still has to see.
    pub async fn read_to_tombstone(&self, stream: &str, revision: u64, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let first = self.storage.stand(stream).await?.stream_metadata().truncate_before.unwrap_or(0);
        self.storage.read_stream(stream, revision.max(first), Direction::Forwards, max.min(PAGE)).await
    }

    /// Up to `max` events of the log from `position` on (which is included), in the direction. Nothing is hidden here.
    pub async fn read_all_page(&self, position: u64, direction: Direction, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.storage.read_all(position, direction, max.min(PAGE)).await
    }

    /// All of a stream from `revision` on; a stream that does not exist is empty.
    pub(super) fn stream_events(&self, stream: String, revision: u64) -> EventStream {
        let log = self.clone();
        futures::stream::try_unfold(Some(revision), move |from| {
            let (log, stream) = (log.clone(), stream.clone());
            async move {
                let Some(from) = from else { return Ok(None) };
                match log.read_stream(&stream, from, Direction::Forwards, PAGE).await? {
                    StreamRead::NotFound => Ok(None),
                    StreamRead::Tombstoned => Err(StoreError::StreamDeleted { stream }),
                    StreamRead::Page { events, next, .. } => Ok(Some((futures::stream::iter(events.into_iter().map(Ok)), next))),
                }
            }
        })
        .try_flatten()
        .boxed()
    }

    /// The log after `after`, page by page, up to its present end.
    pub(super) fn all_pages(&self, after: u64) -> BoxStream<'static, Result<Vec<StoredEvent>, StoreError>> {
        let log = self.clone();
        futures::stream::try_unfold(Some(after), move |after| {
            let log = log.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                let page = log.read_all_page(after + 1, Direction::Forwards, PAGE).await?;
                let next = page.last().filter(|_| page.len() == PAGE).map(|event| event.position.commit);
                Ok(Some((page, next)))
            }
        })
        .boxed()
    }
}
