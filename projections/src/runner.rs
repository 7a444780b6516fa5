//! Follows the log for one read model, for ever.

use std::{sync::Arc, time::Duration};

use daftar_domain::{BillingEvent, Position, Recorded};
use daftar_store::{EventReader, Followed, Scope, StoreError, Unreadable};
use futures::StreamExt;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use thiserror::Error;
use tokio::{sync::mpsc, time::sleep};

use crate::{
    Projector,
    checkpoint::{self, CheckpointError},
    projector::{DeliverError, deliver},
};

/// Events taken in one transaction at most: as many as wait when behind, one when live. Also what is held in memory.
const BATCH: usize = 5_000;

/// How soon another process takes over from one that has gone.
const ELECTION: Duration = Duration::from_millis(500);

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why a read model does not go on by itself. Other models do.
#[derive(Debug, Error)]
pub enum Stopped {
    #[error("read model `{model}` stopped")]
    Unreadable { model: &'static str, source: Unreadable },
    #[error("read model `{model}` stopped: its tables do not take event {} of `{}` at position {}", event.revision, event.stream, event.position)]
    Refused { model: &'static str, event: Box<Recorded<BillingEvent>>, source: DeliverError },
    #[error("read model `{model}` must be rebuilt")]
    OtherVersion { model: &'static str, source: CheckpointError },
}

/// What ends a spell of leading the model.
enum End {
    /// Waiting and trying again may help.
    Interrupted(Interruption),
    Stopped(Stopped),
}

#[derive(Debug, Error)]
enum Interruption {
    #[error("the log ended")]
    LogEnded,
    #[error(transparent)]
    Log(StoreError),
    #[error(transparent)]
    Database(CheckpointError),
}

/// Keeps one read model up to date. Dropping the future stops it at once, with whole batches written and no part of one.
pub struct Runner<P> {
    projector: P,
    reader: Arc<dyn EventReader>,
    database: PgConnectOptions,
}

impl<P> std::fmt::Debug for Runner<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

impl<P: Projector> Runner<P> {
    pub fn new(projector: P, reader: Arc<dyn EventReader>, database: PgConnectOptions) -> Self {
        Self { projector, reader, database }
    }

    /// Runs until an event comes that cannot be taken. Whatever else fails is tried again.
    pub async fn run(self) -> Stopped {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let mut progressed = false;
            match self.lead(&mut progressed).await {
                End::Stopped(stopped) => {
                    tracing::error!(model = P::NAME, reason = %chain(&stopped), "the read model stopped");
                    return stopped;
                }
                End::Interrupted(interruption) => {
                    pause = if progressed { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                    tracing::warn!(model = P::NAME, reason = %chain(&interruption), ?pause, "the read model was interrupted; trying again");
                    sleep(pause).await;
                }
            }
        }
    }

    /// Waits to be the only one, then follows. Lock and transactions share one session, so whoever loses the lock cannot write either.
    async fn lead(&self, progressed: &mut bool) -> End {
        let mut db = match PgConnection::connect_with(&self.database).await {
            Ok(db) => db,
            Err(error) => return End::database(error),
        };
        if let Err(error) = elected::<P>(&mut db).await {
            return End::database(error);
        }
        let end = match checkpoint::begin::<P>(&mut db).await {
            Ok(reached) => self.follow(&mut db, reached, progressed).await,
            Err(error) => error.into(),
        };
        if let End::Stopped(stopped) = &end
            && let Err(error) = checkpoint::stop::<P>(&mut db, &chain(stopped)).await
        {
            tracing::warn!(model = P::NAME, %error, "the reason for stopping could not be noted");
        }
        end
    }

    async fn follow(&self, db: &mut PgConnection, reached: Option<Position>, progressed: &mut bool) -> End {
        tracing::info!(model = P::NAME, after = %reached.map_or("the beginning".to_owned(), |p| p.to_string()), "the read model follows the log");
        let mut incoming = read_ahead::<P>(&*self.reader, reached);
        let mut pieces = Vec::new();
        while incoming.recv_many(&mut pieces, BATCH).await > 0 {
            // What came before an event that cannot be read is written all the same.
            let (batch, end) = gather(&mut pieces);
            if let Err(end) = self.take(db, batch).await {
                return end;
            }
            if let Some(end) = end {
                return end;
            }
            *progressed = true;
        }
        End::Interrupted(Interruption::LogEnded)
    }

    async fn take(&self, db: &mut PgConnection, Batch { events, until }: Batch) -> Result<(), End> {
        let Some(until) = until else { return Ok(()) };
        match deliver(db, &self.projector, &events, until).await {
            Ok(()) => {
                tracing::debug!(model = P::NAME, events = events.len(), %until, "the read model moved on");
                Ok(())
            }
            Err(error) if !is_refusal(&error) => Err(error.into()),
            Err(_) => self.take_singly(db, events, until).await,
        }
    }

    /// Finds which event of a refused batch is to blame. Those before it are taken.
    async fn take_singly(&self, db: &mut PgConnection, events: Vec<Recorded<BillingEvent>>, until: Position) -> Result<(), End> {
        for event in events {
            match deliver(db, &self.projector, std::slice::from_ref(&event), event.position).await {
                Ok(()) => {}
                Err(source) if is_refusal(&source) => {
                    return Err(End::Stopped(Stopped::Refused { model: P::NAME, event: Box::new(event), source }));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(deliver(db, &self.projector, &[], until).await?)
    }
}

/// Holds the model's lock for as long as the session lives. A session's end, however it comes, is a resignation.
async fn elected<P: Projector>(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    let stand = "SELECT pg_try_advisory_lock(hashtextextended('daftar read model ' || $1, 0))";
    let mut said = false;
    while !sqlx::query_scalar::<_, bool>(stand).bind(P::NAME).fetch_one(&mut *db).await? {
        if !said {
            tracing::info!(model = P::NAME, "another process keeps the read model; standing by");
            said = true;
        }
        sleep(ELECTION).await;
    }
    Ok(())
}

/// Reads and decodes while the database writes.
fn read_ahead<P: Projector>(reader: &dyn EventReader, after: Option<Position>) -> mpsc::Receiver<Result<Piece, End>> {
    let mut log = reader.subscribe(after, Scope::billing());
    let (pieces, incoming) = mpsc::channel(BATCH);
    tokio::spawn(async move {
        loop {
            let followed = tokio::select! {
                followed = log.next() => followed,
                () = pieces.closed() => return,
            };
            let piece = match followed {
                Some(Ok(Followed::CaughtUp)) => continue,
                Some(Ok(Followed::Checkpoint(position))) => Ok(Piece::Nothing { until: position }),
                Some(Ok(Followed::Event(stored))) => match stored.decode_billing() {
                    Ok(event) => Ok(Piece::Event(Box::new(event))),
                    Err(source) => Err(End::Stopped(Stopped::Unreadable { model: P::NAME, source })),
                },
                Some(Err(error)) => Err(End::Interrupted(Interruption::Log(error))),
                None => return,
            };
            let last = piece.is_err();
            if pieces.send(piece).await.is_err() || last {
                return;
            }
        }
    });
    incoming
}

/// A piece of the log on its way into the model.
enum Piece {
    Event(Box<Recorded<BillingEvent>>),
    /// Up to here there is nothing more that concerns the books.
    Nothing {
        until: Position,
    },
}

#[derive(Default)]
struct Batch {
    events: Vec<Recorded<BillingEvent>>,
    until: Option<Position>,
}

/// One batch of all that waits, and what came instead of more.
fn gather(pieces: &mut Vec<Result<Piece, End>>) -> (Batch, Option<End>) {
    let (mut batch, mut end) = (Batch::default(), None);
    for piece in pieces.drain(..) {
        match piece {
            Ok(Piece::Event(event)) => {
                batch.until = Some(event.position);
                batch.events.push(*event);
            }
            Ok(Piece::Nothing { until }) => batch.until = Some(until),
            Err(last) => end = Some(last),
        }
    }
    (batch, end)
}

impl End {
    fn database(error: sqlx::Error) -> Self {
        Self::Interrupted(Interruption::Database(error.into()))
    }
}

impl From<CheckpointError> for End {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::OtherVersion { model, .. } => Self::Stopped(Stopped::OtherVersion { model, source: error }),
            CheckpointError::Database(_) => Self::Interrupted(Interruption::Database(error)),
        }
    }
}

/// Whether the tables refuse the content, rather than being out of reach or busy.
fn is_refusal(error: &DeliverError) -> bool {
    match error {
        CheckpointError::Database(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| ["22", "23"].iter().any(|class| code.starts_with(class)))
        }
        CheckpointError::Database(sqlx::Error::Encode(_)) => true,
        CheckpointError::Database(_) | CheckpointError::OtherVersion { .. } => false,
    }
}

/// An error with all that caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source()).fold(error.to_string(), |chain, cause| format!("{chain}: {cause}"))
}
