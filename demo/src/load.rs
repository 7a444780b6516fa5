//! Bringing a company that was made into a store: an empty one, or one in which this very company was begun.
//!
//! The facts are copied as they are, in their order, to the positions that they had: frozen blocks and closed months name positions. An append
//! that was done is found done, so that a loading that was interrupted is finished by doing it again.

use std::collections::HashSet;

use daftar_billing::policies;
use daftar_domain::{Position, StreamName};
use daftar_store::{
    AppendError, EventReader, EventWriter, Expected, NewEvent, Scope, StoreError, StoredEvent,
    keyring::{Keyring, KeyringError},
    log::Log,
};
use futures::{TryStreamExt, future::try_join_all};
use sqlx::{PgConnection, PgExecutor};
use thiserror::Error;
use tokio::task::unconstrained;

use crate::{Company, Wish};

/// What is appended together: within what the log writes as one group, in which it keeps the order.
const APPENDS: usize = 200;
const BYTES: usize = 4 * 1024 * 1024;

/// What goes to one stream in one append, well below what a store takes.
const APPEND_BYTES: usize = 256 * 1024;

#[derive(Debug, Error)]
pub enum LoadError {
    #[error("the store is not empty: a demo is loaded into one that holds nothing else")]
    NotEmpty,
    #[error("the store holds another demo: {} accounts, {} months, seed {}", .0.accounts, .0.months, .0.seed)]
    Another(Wish),
    #[error("an event came to stand at {found} and not at {expected}: somebody else is writing to the store")]
    Displaced { expected: Position, found: Position },
    #[error("the demo could not be appended")]
    Append(#[from] AppendError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the keys of the demo's people could not be kept")]
    Keys(#[from] KeyringError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// How a store is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub wish: Wish,
    /// All of it is there.
    pub loaded: bool,
}

/// The mark of a store that holds a demo.
pub async fn mark(db: impl PgExecutor<'_>) -> Result<Option<Mark>, sqlx::Error> {
    let found = sqlx::query_as::<_, (i32, i32, i32, bool)>("SELECT accounts, months, seed, loaded_at IS NOT NULL FROM daftar_billing.demo");
    Ok(found.fetch_optional(db).await?.map(|(accounts, months, seed, loaded)| Mark {
        wish: Wish { accounts: accounts.cast_unsigned(), months: months.cast_unsigned(), seed: seed.cast_unsigned() },
        loaded,
    }))
}

/// Whether the wish may be loaded here, and is not yet.
pub async fn is_wanted(wish: Wish, log: &Log, owner: &mut PgConnection) -> Result<bool, LoadError> {
    match mark(owner).await? {
        Some(Mark { wish: other, .. }) if other != wish => Err(LoadError::Another(other)),
        Some(Mark { loaded, .. }) => Ok(!loaded),
        None if *log.head().borrow() > 0 => Err(LoadError::NotEmpty),
        None => Ok(true),
    }
}

/// Loads a company, and says in the store that it is made up. `owner` may write what others only read; `progress` hears per cents.
pub async fn load(
    company: &Company,
    log: &Log,
    keyring: &Keyring,
    owner: &mut PgConnection,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), LoadError> {
    if !is_wanted(company.wish, log, owner).await? {
        return Ok(());
    }
    let Wish { accounts, months, seed } = company.wish;
    let begin = sqlx::query("INSERT INTO daftar_billing.demo (accounts, months, seed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    begin.bind(accounts.cast_signed()).bind(months.cast_signed()).bind(seed.cast_signed()).execute(&mut *owner).await?;
    keyring.adopt(&company.keys).await?;
    if let Some(last) = copy(&company.log, log, progress).await? {
        // All that the facts ask was done as they were told.
        policies::advance(owner, last).await?;
    }
    sqlx::query("UPDATE daftar_billing.demo SET loaded_at = now()").execute(owner).await?;
    Ok(())
}

async fn copy(from: &Log, to: &Log, progress: &(dyn Fn(u64) + Sync)) -> Result<Option<Position>, LoadError> {
    let of = (*from.head().borrow()).max(1);
    let (mut batch, mut last) = (Batch::default(), None);
    let mut events = from.read_all(None, Scope::Everything);
    while let Some(stored) = events.try_next().await? {
        last = Some(stored.position);
        if let Some(full) = batch.take(stored) {
            full.write(to).await?;
            progress(last.map_or(0, |last| last.commit * 100 / of));
        }
    }
    batch.write(to).await?;
    Ok(last)
}

/// Appends that can be sent together without changing places: each to a stream of its own.
#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    streams: HashSet<String>,
    bytes: usize,
}

struct Append {
    stream: StreamName,
    expected: Expected,
    events: Vec<NewEvent>,
    bytes: usize,
    /// Of its last event.
    position: Position,
}

impl Batch {
    /// Takes one more event. If it does not fit, the batch as it was is returned and another begins with it.
    fn take(&mut self, stored: StoredEvent) -> Option<Self> {
        let StoredEvent { id, ref stream, revision, position, ref event_type, content_type, ref data, ref metadata, .. } = stored;
        let event = NewEvent { id, event_type: event_type.clone(), content_type, data: data.clone(), metadata: metadata.clone() };
        self.bytes += event.size();
        if let Some(last) = self.appends.last_mut()
            && last.stream.as_str() == stream
            && last.bytes + event.size() <= APPEND_BYTES
            && self.bytes <= BYTES
        {
            last.bytes += event.size();
            last.events.push(event);
            last.position = position;
            return None;
        }
        let full = self.appends.len() == APPENDS || self.bytes > BYTES || self.streams.contains(stream);
        let before = full.then(|| std::mem::replace(self, Self { bytes: event.size(), ..Self::default() }));
        self.streams.insert(stream.clone());
        let stream = stream.parse().expect("it was appended under this name");
        let (expected, bytes) = (Expected::last(revision.checked_sub(1)), event.size());
        self.appends.push(Append { stream, expected, events: vec![event], bytes, position });
        before
    }

    async fn write(self, to: &Log) -> Result<(), LoadError> {
        let write = |Append { stream, expected, events, position, .. }| async move {
            let found = EventWriter::append(to, &stream, expected, events).await?.position;
            if found == position { Ok(()) } else { Err(LoadError::Displaced { expected: position, found }) }
        };
        // They are asked in this order and must reach the log in it. A task that has done its share would have the rest wait for its next turn,
        // behind those that wait already.
        unconstrained(try_join_all(self.appends.into_iter().map(write))).await.map(|_: Vec<()>| ())
    }
}
