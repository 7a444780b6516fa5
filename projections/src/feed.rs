//! The log, read and decoded once for all models of this process.
//!
//! A model asks for what comes after its position. Whoever asks first reads a page, and all who stand at the same place get the same page,
//! also for a while after. So models that keep pace share one reader; one that is behind reads for itself until it has caught up with a page
//! that another has read. Nobody waits for anybody, and no more is kept than the latest pages.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use daftar_domain::{BillingEvent, Position, Recorded};
use daftar_store::{EventReader, FollowStream, Followed, Scope, StoreError, StoredEvent, Unreadable};
use futures::{FutureExt, StreamExt};
use thiserror::Error;
use tokio::sync::watch;

/// Events in a page at most.
pub(crate) const PAGE: usize = 2_048;

/// Bytes after which a page is full.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Pages kept for those who come a little later.
const KEPT: usize = 16;

/// Places in the log where reading may go on. Each has a subscription of its own.
const CURSORS: usize = 8;

/// A piece of the log, decoded.
#[derive(Debug)]
pub(crate) struct Page {
    pub after: Option<Position>,
    pub until: Position,
    pub entries: Vec<Entry>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are events")]
pub(crate) enum Entry {
    Event(Recorded<BillingEvent>),
    /// Of interest to those only who need its category.
    Unreadable {
        category: String,
        position: Position,
        unreadable: Arc<Unreadable>,
    },
}

impl Entry {
    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Event(event) => event.position,
            Self::Unreadable { position, .. } => *position,
        }
    }
}

#[derive(Debug, Error)]
pub(crate) enum FeedError {
    #[error("the log ended")]
    Ended,
    #[error(transparent)]
    Log(#[from] StoreError),
}

pub struct Feed {
    reader: Arc<dyn EventReader>,
    state: Mutex<State>,
    /// Says that the state has changed in a way that others may wait for.
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    pages: VecDeque<Arc<Page>>,
    /// The one used last at the end.
    cursors: VecDeque<(Option<Position>, FollowStream)>,
    /// Where someone is reading at this moment.
    reading: Vec<Option<Position>>,
}

enum Turn<'a> {
    Page(Arc<Page>),
    Wait,
    Read(Reading<'a>, FollowStream),
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl Feed {
    pub fn new(reader: Arc<dyn EventReader>) -> Arc<Self> {
        Arc::new(Self { reader, state: Mutex::default(), changed: watch::Sender::new(()) })
    }

    pub(crate) fn reader(&self) -> &dyn EventReader {
        &*self.reader
    }

    /// The next page after a position, which may begin before it. Waits where the log has no more.
    pub(crate) async fn after(&self, position: Option<Position>) -> Result<Arc<Page>, FeedError> {
        loop {
            let mut changed = self.changed.subscribe();
            match self.turn(position) {
                Turn::Page(page) => return Ok(page),
                // The sender is ours, so this ends with news only.
                Turn::Wait => _ = changed.changed().await,
                Turn::Read(reading, mut log) => {
                    let page = Arc::new(read_page(position, &mut log).await?);
                    reading.done(Arc::clone(&page), log);
                    return Ok(page);
                }
            }
        }
    }

    fn turn(&self, position: Option<Position>) -> Turn<'_> {
        let mut state = self.state();
        if let Some(page) = state.pages.iter().find(|page| page.after <= position && position < Some(page.until)) {
            return Turn::Page(Arc::clone(page));
        }
        if state.reading.contains(&position) {
            return Turn::Wait;
        }
        state.reading.push(position);
        let cursor = state.cursors.iter().position(|(at, _)| *at == position).and_then(|index| state.cursors.remove(index));
        let log = cursor.map_or_else(|| self.reader.subscribe(position, Scope::billing()), |(_, log)| log);
        Turn::Read(Reading { feed: self, position }, log)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to read at a place. If it is given up half-way, somebody else begins there anew.
struct Reading<'a> {
    feed: &'a Feed,
    position: Option<Position>,
}

impl Reading<'_> {
    fn done(self, page: Arc<Page>, log: FollowStream) {
        let mut state = self.feed.state();
        state.cursors.retain(|(at, _)| *at != Some(page.until));
        state.cursors.push_back((Some(page.until), log));
        state.pages.push_back(page);
        if state.pages.len() > KEPT {
            state.pages.pop_front();
        }
        if state.cursors.len() > CURSORS {
            state.cursors.pop_front();
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.feed.state().reading.retain(|position| *position != self.position);
        self.feed.changed.send_replace(());
    }
}

/// Waits for something to be there, and takes what else is.
async fn read_page(after: Option<Position>, log: &mut FollowStream) -> Result<Page, FeedError> {
    let (mut entries, mut until, mut bytes) = (Vec::new(), None, 0);
    while entries.len() < PAGE && bytes < PAGE_BYTES {
        let followed = match until {
            None => log.next().await,
            Some(_) => match log.next().now_or_never() {
                Some(followed) => followed,
                None => break,
            },
        };
        match followed {
            Some(Ok(Followed::Event(stored))) => {
                bytes += stored.data.len() + stored.metadata.len();
                until = Some(stored.position);
                entries.push(decode(&stored));
            }
            Some(Ok(Followed::Checkpoint(position))) => until = Some(position),
            Some(Ok(Followed::CaughtUp)) => {}
            // What was read before an error is good; the error comes again.
            Some(Err(error)) if until.is_none() => return Err(error.into()),
            None if until.is_none() => return Err(FeedError::Ended),
            Some(Err(_)) | None => break,
        }
    }
    Ok(Page { after, until: until.ok_or(FeedError::Ended)?, entries })
}

pub(crate) fn decode(stored: &StoredEvent) -> Entry {
    match stored.decode_billing() {
        Ok(event) => Entry::Event(event),
        Err(unreadable) => {
            let category = stored.stream.split_once('-').map_or(stored.stream.as_str(), |(category, _)| category).to_owned();
            Entry::Unreadable { category, position: stored.position, unreadable: Arc::new(unreadable) }
        }
    }
}
