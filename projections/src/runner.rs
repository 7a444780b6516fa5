//! Keeps one read model up to date, for ever.

use std::{
    convert::Infallible,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use daftar_domain::Position;
use daftar_store::Unreadable;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use thiserror::Error;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    checkpoint::{self, CheckpointError},
    feed::{Entry, Feed, FeedError, PAGE, Page},
    metrics::Metrics,
    model::{Model, Place},
    projector::{Batch, DeliverError, deliver},
    rebuild::{self, RebuildError},
};

/// Events taken in one transaction, about: as many as wait when behind, one when live.
const BATCH: usize = 50_000;

/// Pages read ahead while the database writes. Most are shared with other models.
const AHEAD: usize = BATCH / PAGE;

/// How soon another process takes over from one that has gone.
const ELECTION: Duration = Duration::from_millis(500);

/// How long a server's end may go unnoticed while there is nothing to write. What it took with it is written again once it is noticed.
const HEARTBEAT: Duration = Duration::from_secs(1);

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Whoever reads is not to wait long for rows once a server is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a read model does not go on by itself. Other models do.
#[derive(Debug, Error)]
pub enum Stopped {
    #[error("read model `{model}` stopped")]
    Unreadable { model: &'static str, source: Arc<Unreadable> },
    #[error("read model `{model}` stopped: its tables do not take event {revision} of `{stream}` at position {position}")]
    Refused { model: &'static str, stream: String, revision: u64, position: Position, source: DeliverError },
    #[error("read model `{model}` is kept by a newer program")]
    Newer { model: &'static str, source: CheckpointError },
}

/// What ends a spell of leading the model.
enum End {
    /// Waiting and trying again may help.
    Interrupted(Interruption),
    Stopped(Stopped),
}

#[derive(Debug, Error)]
enum Interruption {
    #[error(transparent)]
    Log(FeedError),
    #[error(transparent)]
    Database(CheckpointError),
    #[error(transparent)]
    Rebuild(RebuildError),
}

/// Keeps one read model up to date. Dropping the future stops it at once, with whole batches written and no part of one.
#[derive(Debug)]
pub struct Runner {
    model: Model,
    feed: Arc<Feed>,
    database: PgConnectOptions,
    metrics: Arc<Metrics>,
}

impl Runner {
    pub fn new(model: Model, feed: Arc<Feed>, database: PgConnectOptions) -> Self {
        Self { model, feed, database: derived(database), metrics: Arc::default() }
    }

    /// What it does, for whoever measures it while it runs.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Runs until an event comes that cannot be taken. Whatever else fails is tried again.
    pub async fn run(self) -> Stopped {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let before = self.metrics.batches();
            let end = self.lead().await;
            self.metrics.leads(false);
            match end {
                End::Stopped(stopped) => {
                    tracing::error!(model = self.model.name, reason = %chain(&stopped), "the read model stopped");
                    self.metrics.failed(chain(&stopped));
                    return stopped;
                }
                End::Interrupted(interruption) => {
                    pause = if self.metrics.batches() > before { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                    let reason = chain(&interruption);
                    tracing::warn!(model = self.model.name, %reason, ?pause, "the read model was interrupted; trying again");
                    self.metrics.failed(reason);
                    sleep(pause).await;
                }
            }
        }
    }

    /// Waits to be the only one, then follows. Lock and transactions share one session, so whoever loses the lock cannot write either.
    async fn lead(&self) -> End {
        let mut db = match PgConnection::connect_with(&self.database).await {
            Ok(db) => db,
            Err(error) => return End::database(error),
        };
        match self.led(&mut db).await {
            Err(End::Stopped(stopped)) => {
                if let Err(error) = checkpoint::stop(&mut db, &self.model, &chain(&stopped)).await {
                    tracing::warn!(model = self.model.name, %error, "the reason for stopping could not be noted");
                }
                End::Stopped(stopped)
            }
            Err(interrupted) => {
                if let End::Interrupted(reason) = &interrupted
                    && !matches!(reason, Interruption::Database(CheckpointError::Moved { .. }))
                {
                    // The session may be what broke; then there is nobody to tell.
                    let _ = checkpoint::interrupted(&mut db, &self.model, &chain(reason)).await;
                }
                interrupted
            }
        }
    }

    async fn led(&self, db: &mut PgConnection) -> Result<Infallible, End> {
        let mut reached = self.version(db).await?;
        if !elected(db, &format!("daftar read model {}", self.model.name)).await.map_err(End::database)? {
            // Meanwhile somebody else has kept the model.
            reached = self.version(db).await?;
        }
        checkpoint::lead(db, &self.model, &this_process()).await.map_err(End::database)?;
        self.metrics.leads(true);
        self.follow(db, reached).await
    }

    /// Where the tables are, once they are of this program's version.
    ///
    /// Older ones are built anew beside those that are read, and nobody leads the model for it: an older program may go on with the old ones.
    async fn version(&self, db: &mut PgConnection) -> Result<Option<Position>, End> {
        loop {
            let found = checkpoint::find(&mut *db, &self.model, Place::Live).await.map_err(End::database)?;
            let Some(found) = found else { return Err(CheckpointError::NotInstalled { model: self.model.name }.into()) };
            if found.version == self.model.version {
                return Ok(found.reached);
            }
            let source = CheckpointError::OtherVersion { model: self.model.name, there: found.version, here: self.model.version };
            if found.version > self.model.version {
                return Err(End::Stopped(Stopped::Newer { model: self.model.name, source }));
            }
            tracing::info!(model = self.model.name, reason = %source, "the read model is built anew; the old rows serve meanwhile");
            match rebuild::one(&self.model, self.feed.reader(), &self.database).await {
                Ok(()) => {}
                Err(RebuildError::Unreadable { source, .. }) => {
                    return Err(End::Stopped(Stopped::Unreadable { model: self.model.name, source }));
                }
                Err(error) => return Err(End::Interrupted(Interruption::Rebuild(error))),
            }
        }
    }

    async fn follow(&self, db: &mut PgConnection, mut reached: Option<Position>) -> Result<Infallible, End> {
        let after = reached.map_or("the beginning".to_owned(), |position| position.to_string());
        tracing::info!(model = self.model.name, %after, "the read model follows the log");
        let mut incoming = read_ahead(&self.feed, reached);
        loop {
            let mut waiting = Vec::new();
            in_office(db, incoming.recv_many(&mut waiting, AHEAD)).await.map_err(End::database)?;
            let end = waiting.pop_if(|page| page.is_err()).map(|error| Interruption::Log(error.err().unwrap_or(FeedError::Ended)));
            let pages: Vec<Arc<Page>> = waiting.into_iter().flatten().collect();
            reached = self.take(db, reached, &pages).await?;
            if let Some(end) = end {
                return Err(End::Interrupted(end));
            }
        }
    }

    /// Gives the model what it needs of the pages. What came before an event that cannot be read is written all the same.
    async fn take(&self, db: &mut PgConnection, after: Option<Position>, pages: &[Arc<Page>]) -> Result<Option<Position>, End> {
        let (mut events, mut until, mut end) = (Vec::new(), after, None);
        for page in pages {
            for entry in &page.entries {
                match entry {
                    Entry::Event(event) => {
                        if self.model.needs(event.stream.category()) {
                            events.push(event);
                        }
                        until = until.max(Some(event.position));
                    }
                    Entry::Unreadable { category, position, unreadable } if self.model.needs(category) && Some(*position) > after => {
                        end = Some(End::Stopped(Stopped::Unreadable { model: self.model.name, source: Arc::clone(unreadable) }));
                        break;
                    }
                    Entry::Unreadable { position, .. } => until = until.max(Some(*position)),
                }
            }
            if end.is_some() {
                break;
            }
            until = until.max(Some(page.until));
        }
        if let Some(until) = until.filter(|until| Some(*until) > after) {
            self.deliver(db, Batch { after, events: &events, until }).await?;
        }
        end.map_or(Ok(until), Err)
    }

    async fn deliver(&self, db: &mut PgConnection, batch: Batch<'_>) -> Result<(), End> {
        let started = Instant::now();
        match deliver(db, &self.model, Place::Live, batch).await {
            Ok(events) => {
                self.metrics.took(events, batch.until, started.elapsed());
                tracing::debug!(model = self.model.name, events, until = %batch.until, "the read model moved on");
                Ok(())
            }
            Err(error) if is_refusal(&error) => self.deliver_singly(db, batch).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Finds which event of a refused batch is to blame. Those before it are taken.
    async fn deliver_singly(&self, db: &mut PgConnection, batch: Batch<'_>) -> Result<(), End> {
        let mut after = batch.after;
        for event in batch.events {
            let single = Batch { after, events: std::slice::from_ref(event), until: event.position };
            match deliver(db, &self.model, Place::Live, single).await {
                Ok(_) => after = Some(event.position),
                Err(source) if is_refusal(&source) => {
                    let (stream, revision) = (event.stream.to_string(), event.revision);
                    let refused = Stopped::Refused { model: self.model.name, stream, revision, position: event.position, source };
                    return Err(End::Stopped(refused));
                }
                Err(error) => return Err(error.into()),
            }
        }
        deliver(db, &self.model, Place::Live, Batch { after, events: &[], until: batch.until }).await?;
        Ok(())
    }
}

/// How read models are written: what a crash takes from them the log gives back, so no commit waits for the disk.
///
/// Rows and checkpoint are lost together or not at all, and never before the log's own events, which were flushed first.
pub(crate) fn derived(database: PgConnectOptions) -> PgConnectOptions {
    database.options([("synchronous_commit", "off")])
}

/// Waits to hold an office, which is then held for as long as the session lives. A session's end, however it comes, is a resignation. Whether it
/// was free at once.
pub async fn elected(db: &mut PgConnection, office: &str) -> Result<bool, sqlx::Error> {
    let stand = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
    let mut at_once = true;
    while !sqlx::query_scalar::<_, bool>(stand).bind(office).fetch_one(&mut *db).await? {
        if at_once {
            tracing::info!(office, "another process holds the office; standing by");
            at_once = false;
        }
        sleep(ELECTION).await;
    }
    Ok(at_once)
}

/// Waits for what comes to the holder of an office, and asks the session every second whether it lives: a server that was killed takes the
/// office along, and whoever has nothing to do would never notice.
pub async fn in_office<T>(db: &mut PgConnection, coming: impl Future<Output = T>) -> Result<T, sqlx::Error> {
    let mut coming = pin!(coming);
    loop {
        match timeout(HEARTBEAT, &mut coming).await {
            Ok(came) => return Ok(came),
            Err(_) => db.ping().await?,
        }
    }
}

fn this_process() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} process {}", host.trim(), std::process::id())
}

/// Reads while the database writes.
fn read_ahead(feed: &Arc<Feed>, mut after: Option<Position>) -> mpsc::Receiver<Result<Arc<Page>, FeedError>> {
    let (pages, incoming) = mpsc::channel(AHEAD);
    let feed = Arc::clone(feed);
    tokio::spawn(async move {
        loop {
            let page = tokio::select! {
                page = feed.after(after) => page,
                () = pages.closed() => return,
            };
            let last = page.is_err();
            if let Ok(page) = &page {
                after = Some(page.until);
            }
            if pages.send(page).await.is_err() || last {
                return;
            }
        }
    });
    incoming
}

impl End {
    fn database(error: sqlx::Error) -> Self {
        Self::Interrupted(Interruption::Database(error.into()))
    }
}

impl From<CheckpointError> for End {
    fn from(error: CheckpointError) -> Self {
        Self::Interrupted(Interruption::Database(error))
    }
}

/// Whether the tables refuse the content, rather than being out of reach or busy.
fn is_refusal(error: &DeliverError) -> bool {
    match error {
        CheckpointError::Database(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| ["22", "23"].iter().any(|class| code.starts_with(class)))
        }
        CheckpointError::Database(sqlx::Error::Encode(_)) | CheckpointError::Doubled { .. } | CheckpointError::Refused { .. } => true,
        CheckpointError::Database(_)
        | CheckpointError::NotInstalled { .. }
        | CheckpointError::OtherVersion { .. }
        | CheckpointError::Moved { .. } => false,
    }
}

/// An error with all that caused it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source()).fold(error.to_string(), |chain, cause| format!("{chain}: {cause}"))
}
