//! Builds read models anew, beside the tables that are read meanwhile.
//!
//! One pass over the log fills fresh tables without indexes; then come the indexes, what was written in the meantime, and the swap. A
//! rebuild that is cut short leaves a schema that nobody reads; the next one begins by dropping it. No policy runs here: facts become rows.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use daftar_domain::{BillingEvent, Position, Recorded};
use daftar_store::{EventReader, Scope, StoreError, StoredEvent, Unreadable};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream::BoxStream};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use thiserror::Error;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use crate::{
    checkpoint,
    feed::{self, Entry, PAGE},
    model::{Fold, Model, Place},
    projector::{Batch, DeliverError, deliver, settle},
    runner::derived,
    schema,
};

/// Rows in memory, all models together, unless said otherwise.
pub const MEMORY: usize = 512 * 1024 * 1024;

/// Pages decoded ahead, and pages that a model may be behind the one that is furthest.
const AHEAD: usize = 4;

/// Events behind the log's end at which the rest is read under lock.
const NEARLY: usize = PAGE;

#[derive(Debug, Error)]
pub enum RebuildError {
    #[error("read model `{model}` cannot be rebuilt")]
    Unreadable { model: &'static str, source: Arc<Unreadable> },
    #[error("read model `{model}` is being rebuilt by another process")]
    Busy { model: &'static str },
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error(transparent)]
    Tables(#[from] DeliverError),
}

impl From<sqlx::Error> for RebuildError {
    fn from(error: sqlx::Error) -> Self {
        Self::Tables(error.into())
    }
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    Read {
        events: u64,
        position: Position,
        /// Where the read models were when it began, which is near the end.
        of: Option<Position>,
    },
    Indexing {
        model: &'static str,
    },
    /// The new tables are read from here on.
    Swapped {
        model: &'static str,
        events: u64,
    },
}

/// Rebuilds models in one pass over the log. Each is swapped in when it has caught up.
pub async fn rebuild(
    models: &[Model],
    reader: &dyn EventReader,
    database: &PgConnectOptions,
    memory: usize,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), RebuildError> {
    let building = begin(models, Place::Next, database, memory).await?;
    let of = building.iter().filter_map(|building| building.live).max();
    let mut filled = fill(building, reader, &|events, position| progress(Progress::Read { events, position, of })).await?;
    while let Some(mut building) = filled.finish_next(&|model| progress(Progress::Indexing { model })).await? {
        building.catch_up(reader).await?;
        progress(Progress::Swapped { model: building.model.name, events: building.events });
        building.leave().await?;
    }
    Ok(())
}

/// Empty tables for each model, which share the memory.
pub(crate) async fn begin(
    models: &[Model],
    place: Place,
    database: &PgConnectOptions,
    memory: usize,
) -> Result<Vec<Building>, RebuildError> {
    let memory = memory / models.len().max(1);
    try_join_all(models.iter().map(|model| Building::begin(*model, place, database, memory))).await
}

/// Fills the tables of all in one pass over the log. Each folds and writes on whatever core is free; none is far ahead of the slowest.
pub(crate) async fn fill(
    building: Vec<Building>,
    reader: &dyn EventReader,
    read: &(dyn Fn(u64, Position) + Send + Sync),
) -> Result<Filled, RebuildError> {
    let until = building.iter().map(|building| building.until).max().flatten();
    let categories: BTreeSet<_> = building.iter().flat_map(|building| building.model.categories.iter().copied()).collect();
    let mut events = 0;
    let mut tasks: JoinSet<Result<_, RebuildError>> = JoinSet::new();
    let mut takers = Vec::with_capacity(building.len());
    for mut building in building {
        let (taker, mut pages) = mpsc::channel::<Arc<Vec<Entry>>>(AHEAD);
        takers.push(taker);
        tasks.spawn(async move {
            while let Some(page) = pages.recv().await {
                building.fill(&page).await?;
            }
            Ok(building)
        });
    }
    let mut pages = read_all(reader, None, Scope::categories(&Vec::from_iter(categories)));
    'log: while let Some(page) = pages.try_next().await? {
        let page = Arc::new(page);
        for taker in &takers {
            if taker.send(Arc::clone(&page)).await.is_err() {
                // It has failed, and says below why.
                break 'log;
            }
        }
        events += page.len() as u64;
        let Some(position) = page.last().map(Entry::position) else { continue };
        read(events, position);
        if Some(position) > until {
            break;
        }
    }
    drop(takers);
    let mut waiting = Vec::with_capacity(tasks.len());
    while let Some(done) = tasks.join_next().await {
        waiting.push(joined(done)?);
    }
    Ok(Filled { waiting, finishing: JoinSet::new() })
}

/// Tables that have all rows and no indexes yet.
pub(crate) struct Filled {
    waiting: Vec<Building>,
    finishing: JoinSet<Result<Building, RebuildError>>,
}

impl Filled {
    /// Writes what is left and adds the indexes, of as many models at a time as there are cores; the next that is done.
    pub async fn finish_next(&mut self, indexing: &(dyn Fn(&'static str) + Send + Sync)) -> Result<Option<Building>, RebuildError> {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        while self.finishing.len() < cores
            && let Some(mut building) = self.waiting.pop()
        {
            indexing(building.model.name);
            self.finishing.spawn(async move { building.finish().await.map(|()| building) });
        }
        self.finishing.join_next().await.map(joined).transpose()
    }
}

/// What a task came to; its panic is ours.
fn joined<T>(done: Result<T, JoinError>) -> T {
    done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// As [`rebuild`], of one model and without being watched.
pub(crate) async fn one(model: &Model, reader: &dyn EventReader, database: &PgConnectOptions) -> Result<(), RebuildError> {
    rebuild(std::slice::from_ref(model), reader, database, MEMORY, &|progress| tracing::debug!(?progress, "rebuilding")).await
}

/// Drops what a rebuild that was cut short left behind.
pub async fn discard(models: &[Model], database: &PgConnectOptions) -> Result<(), RebuildError> {
    for model in models {
        let mut db = PgConnection::connect_with(database).await?;
        if alone(&mut db, model, Place::Next).await? {
            schema::drop(&mut db, model, Place::Next).await?;
        }
    }
    Ok(())
}

/// The log up to now, decoded ahead on whatever core is free.
pub(crate) fn read_all(
    reader: &dyn EventReader,
    after: Option<Position>,
    scope: Scope,
) -> BoxStream<'static, Result<Vec<Entry>, StoreError>> {
    let log = reader.read_all(after, scope).try_chunks(PAGE);
    let decode = |page: Vec<StoredEvent>| tokio::spawn(async move { page.iter().map(feed::decode).collect() });
    let mut pages = log
        // What came before an error is read again with the next try.
        .map(move |page| page.map(decode).map_err(|failed| failed.1))
        .map(|page| async { Ok(joined(page?.await)) })
        .buffered(AHEAD)
        .boxed();
    let (ahead, decoded) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        while let Some(page) = pages.next().await {
            if ahead.send(page).await.is_err() {
                return;
            }
        }
    });
    futures::stream::unfold(decoded, |mut decoded| async { Some((decoded.recv().await?, decoded)) }).boxed()
}

/// Tables of a model that nobody reads yet.
pub(crate) struct Building {
    pub model: Model,
    place: Place,
    pub db: PgConnection,
    fold: Box<dyn Fold>,
    /// Rows that will be asked for are in memory, all of them.
    in_memory: bool,
    memory: usize,
    events: u64,
    begun: Instant,
    /// Where the tables that are read were at the beginning.
    pub live: Option<Position>,
    /// Up to where the log is wanted.
    until: Option<Position>,
    /// The last event that was seen.
    reached: Option<Position>,
}

/// No event is after it.
const THE_END: Position = Position { commit: u64::MAX, prepare: u64::MAX };

impl Building {
    async fn begin(model: Model, place: Place, database: &PgConnectOptions, memory: usize) -> Result<Self, RebuildError> {
        let mut db = PgConnection::connect_with(&derived(database.clone())).await?;
        if !alone(&mut db, &model, place).await? {
            return Err(RebuildError::Busy { model: model.name });
        }
        schema::install(&mut db, &model).await?;
        if place == Place::Next {
            schema::drop(&mut db, &model, Place::Old).await?;
        }
        schema::make(&mut db, &model, place).await?;
        let live = checkpoint::reached(&mut db, model.name).await?;
        let mut fold = model.empty();
        fold.tables().into_iter().for_each(|table| table.begin_empty());
        // What is compared is compared as of there.
        let until = if place == Place::Scratch { live } else { Some(THE_END) };
        Ok(Self { model, place, db, fold, in_memory: true, memory, events: 0, begun: Instant::now(), live, until, reached: None })
    }

    fn schema(&self) -> String {
        self.place.schema(&self.model)
    }

    async fn fill(&mut self, page: &[Entry]) -> Result<(), RebuildError> {
        let page = up_to(page, self.until);
        self.reached = page.last().map(Entry::position).or(self.reached);
        let events = needed(&self.model, page)?;
        self.events += events.len() as u64;
        let schema = self.schema();
        settle(&mut self.db, &schema, &mut *self.fold, &events).await?;
        for table in self.fold.tables() {
            table.relieve(&mut self.db, &schema).await?;
        }
        if self.fold.tables().iter().map(|table| table.size()).sum::<usize>() > self.memory {
            self.write().await?;
            if std::mem::take(&mut self.in_memory) {
                schema::index_for_now(&mut self.db, &schema, &self.fold.tables()).await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), sqlx::Error> {
        let schema = self.schema();
        for table in self.fold.tables() {
            table.write(&mut self.db, &schema).await?;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), RebuildError> {
        self.write().await?;
        let schema = self.schema();
        schema::drop_indexes_for_now(&mut self.db, &schema, &self.fold.tables()).await?;
        schema::finish(&mut self.db, &self.model, self.place).await?;
        checkpoint::create(&mut self.db, &self.model, self.place).await?;
        if let Some(position) = self.reached {
            let events = usize::try_from(self.events).unwrap_or(usize::MAX);
            checkpoint::advance(&mut self.db, &self.model, self.place, position, (events, self.begun.elapsed())).await?;
        }
        Ok(())
    }

    /// Lets others at the tables. Dropped, the connection would take its lock along only once the server notices.
    pub async fn leave(self) -> Result<(), RebuildError> {
        Ok(self.db.close().await?)
    }

    /// Reads what was written meanwhile, the last of it while nobody may move the live tables, and takes their place.
    async fn catch_up(&mut self, reader: &dyn EventReader) -> Result<(), RebuildError> {
        while follow(&mut self.db, &self.model, reader).await?.1 > NEARLY {}
        let mut transaction = self.db.begin().await?;
        let live = checkpoint::hold_live(&mut transaction, &self.model).await?;
        let (reached, _) = follow(&mut transaction, &self.model, reader).await?;
        if let Some(live) = live.filter(|live| Some(*live) > reached) {
            // Between the two nothing concerns the books, and whoever has seen the one shall not see the other.
            checkpoint::advance(&mut transaction, &self.model, Place::Next, live, (0, Duration::ZERO)).await?;
        }
        schema::swap(&mut transaction, &self.model).await?;
        transaction.commit().await?;
        // Queries that began before the swap may still read the old tables.
        if let Err(error) = schema::drop(&mut self.db, &self.model, Place::Old).await {
            tracing::warn!(model = self.model.name, %error, "the replaced tables could not be dropped; the next rebuild will");
        }
        Ok(())
    }
}

/// Gives the next tables what the log has for them up to now; where they are then, and how many events it were.
async fn follow(db: &mut PgConnection, model: &Model, reader: &dyn EventReader) -> Result<(Option<Position>, usize), RebuildError> {
    let mut after = checkpoint::find(&mut *db, model, Place::Next).await?.and_then(|found| found.reached);
    let (mut pages, mut count) = (read_all(reader, after, Scope::categories(model.categories)), 0);
    while let Some(page) = pages.try_next().await? {
        let events = needed(model, &page)?;
        if let Some(until) = page.last().map(Entry::position) {
            count += deliver(db, model, Place::Next, Batch { after, events: &events, until }).await?;
            after = Some(until);
        }
    }
    Ok((after, count))
}

/// The page's entries that are not after this.
pub(crate) fn up_to(page: &[Entry], until: Option<Position>) -> &[Entry] {
    &page[..page.partition_point(|entry| Some(entry.position()) <= until)]
}

/// The page's events that the model reads.
pub(crate) fn needed<'a>(model: &Model, page: &'a [Entry]) -> Result<Vec<&'a Recorded<BillingEvent>>, RebuildError> {
    let mut events = Vec::with_capacity(page.len());
    for entry in page {
        match entry {
            Entry::Event(event) if model.needs(event.stream.category()) => events.push(event),
            Entry::Unreadable { category, unreadable, .. } if model.needs(category) => {
                return Err(RebuildError::Unreadable { model: model.name, source: Arc::clone(unreadable) });
            }
            Entry::Event(_) | Entry::Unreadable { .. } => {}
        }
    }
    Ok(events)
}

/// Whether nobody else fills these tables of the model, for as long as the session lives.
async fn alone(db: &mut PgConnection, model: &Model, place: Place) -> Result<bool, sqlx::Error> {
    let stand = "SELECT pg_try_advisory_lock(hashtextextended('daftar rebuild of read model ' || $1, 0))";
    let tables = if place == Place::Next { model.name.to_owned() } else { place.checkpoint(model) };
    sqlx::query_scalar(stand).bind(tables).fetch_one(db).await
}
