//! Catching up and living in one loop.

use std::time::Duration;

use daftar_domain::Position;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use tokio::sync::watch;

use super::{Direction, Log, read::PAGE};
use crate::{FollowStream, Followed, Scope, StoreError, StoredEvent};

/// A piece of the log as it is followed.
#[derive(Debug)]
pub enum LogPage {
    /// Every event after the last page, none missing, in order.
    Events(Vec<StoredEvent>),
    /// The reader has seen all there is; said once.
    CaughtUp,
}

struct Following {
    log: Log,
    after: u64,
    head: watch::Receiver<u64>,
    caught_up: bool,
    /// The last page was not full: nothing more is there until the head moves.
    at_end: bool,
}

impl Log {
    /// Every event after `after`, now and for ever. A store that cannot be reached is asked again; other failures are final.
    pub fn follow(&self, after: u64) -> BoxStream<'static, Result<LogPage, StoreError>> {
        let following = Following { log: self.clone(), after, head: self.head(), caught_up: false, at_end: false };
        futures::stream::try_unfold(following, |mut following| async move {
            let page = following.next().await?;
            Ok(Some((page, following)))
        })
        .boxed()
    }

    pub(super) fn follow_scope(&self, after: u64, scope: Scope) -> FollowStream {
        self.follow(after)
            .map_ok(move |page| {
                let items = match page {
                    LogPage::CaughtUp => vec![Ok(Followed::CaughtUp)],
                    LogPage::Events(events) => in_scope(events, &scope),
                };
                futures::stream::iter(items)
            })
            .try_flatten()
            .boxed()
    }
}

/// The page's events that the scope covers, and a checkpoint for those at its end that it does not.
fn in_scope(events: Vec<StoredEvent>, scope: &Scope) -> Vec<Result<Followed, StoreError>> {
    let end = events.last().filter(|event| !scope.covers(&event.stream)).map(|event| event.position);
    let covered = events.into_iter().filter(|event| scope.covers(&event.stream)).map(Followed::Event);
    covered.chain(end.map(Followed::Checkpoint)).map(Ok).collect()
}

impl Following {
    async fn next(&mut self) -> Result<LogPage, StoreError> {
        let mut patience = Duration::from_millis(50);
        loop {
            if self.at_end {
                if !self.caught_up {
                    self.caught_up = true;
                    return Ok(LogPage::CaughtUp);
                }
                let after = self.after;
                // The sender lives as long as the storage that `self.log` holds, so this only ends when there is something new.
                let _ = self.head.wait_for(|head| *head > after).await;
            }
            match self.log.read_all_page(self.after + 1, Direction::Forwards, PAGE).await {
                Ok(page) => {
                    self.at_end = page.len() < PAGE;
                    if let Some(last) = page.last() {
                        self.after = last.position.commit;
                        return Ok(LogPage::Events(page));
                    }
                }
                Err(StoreError::Unavailable { store, source }) => {
                    tracing::warn!(%store, after = %Position::single(self.after), error = %source, "the log cannot be read; trying again");
                    tokio::time::sleep(patience).await;
                    patience = (patience * 2).min(Duration::from_secs(5));
                }
                Err(error) => return Err(error),
            }
        }
    }
}
