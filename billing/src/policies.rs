//! Carries out what facts ask of other streams, in the order of the log, for ever.
//!
//! The request's command id comes from the event, so the place in the log is only remembered after the fact: whatever is asked twice was done
//! the first time. A refusal is recorded and the reader goes on; what is out of reach is tried until it is not.
//!
//! Whoever is alone with a log, and must have it come out the same each time, asks [`carry_out`] instead: one request after another.

use std::{collections::HashMap, time::Duration};

use daftar_domain::{
    Actor, BillingEvent, Position, Recorded, StreamName,
    account::Account,
    invoice::Invoice,
    meter::Meter,
    payment::Payment,
    policy::{self, Request, Wish},
    register::Register,
    repair::Repair,
    stock::Stock,
};
use daftar_projections::{chain, elected};
use daftar_store::{CommandContext, Engine, ExecuteError, Followed, Scope, StoreError, Unreadable};
use futures::{StreamExt, TryStreamExt, stream};
use sqlx::{Connection, PgConnection, PgExecutor, postgres::PgConnectOptions};
use thiserror::Error;
use tokio::time::sleep;

use crate::refusals::{self, Refused};

/// Events taken between two checkpoints at most.
const BATCH: usize = 2_000;

/// Streams that are asked at once: enough to fill the log's groups.
const AT_ONCE: usize = 128;

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The only thing that ends the policies by itself.
#[derive(Debug, Error)]
#[error("the policies stopped")]
pub struct Stopped(#[source] pub Unreadable);

/// What waiting and trying again may help against.
#[derive(Debug, Error)]
pub enum Interruption {
    #[error("the log ended")]
    LogEnded,
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error("the database of the checkpoint failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Execution(Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Rows(#[from] crate::Unread),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Any number of processes may run; one of them works.
pub struct Policies {
    engine: Engine,
    database: PgConnectOptions,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").finish_non_exhaustive()
    }
}

impl Policies {
    pub fn new(engine: Engine, database: PgConnectOptions) -> Self {
        Self { engine, database }
    }

    /// Runs until an event comes that cannot be read. Whatever else fails is tried again.
    pub async fn run(self) -> Stopped {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let mut progressed = false;
            match self.lead(&mut progressed).await {
                Interruption::Stopped(stopped) => {
                    tracing::error!(reason = %chain(&stopped), "the policies stopped");
                    return stopped;
                }
                interruption => {
                    pause = if progressed { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                    tracing::warn!(reason = %chain(&interruption), ?pause, "the policies were interrupted; trying again");
                    sleep(pause).await;
                }
            }
        }
    }

    async fn lead(&self, progressed: &mut bool) -> Interruption {
        let mut db = match PgConnection::connect_with(&self.database).await {
            Ok(db) => db,
            Err(error) => return error.into(),
        };
        let interruption = match self.follow(&mut db, progressed).await {
            Ok(()) => Interruption::LogEnded,
            Err(interruption) => interruption,
        };
        if let Interruption::Stopped(stopped) = &interruption
            && let Err(error) = note_stop(&mut db, Some(&chain(stopped))).await
        {
            tracing::warn!(%error, "the reason for stopping could not be noted");
        }
        interruption
    }

    /// Waits to be the only one, then follows.
    async fn follow(&self, db: &mut PgConnection, progressed: &mut bool) -> Result<(), Interruption> {
        elected(db, "daftar policies").await?;
        note_stop(db, None).await?;
        let mut reached = reached(&mut *db).await?;
        tracing::info!(after = %reached.map_or("the beginning".to_owned(), |at| at.to_string()), "the policies follow the log");
        let mut waiting = self.engine.store().subscribe(reached, scope()).ready_chunks(BATCH);
        while let Some(chunk) = waiting.next().await {
            let (requests, until, end) = read(chunk);
            // What came before an event that cannot be read is done all the same.
            self.carry_out(requests).await?;
            if let Some(until) = until.filter(|until| Some(*until) > reached) {
                advance(db, until).await?;
                (reached, *progressed) = (Some(until), true);
            }
            if let Some(end) = end {
                return Err(end);
            }
        }
        Ok(())
    }

    /// Streams side by side; what one stream is asked, in the order of the log.
    async fn carry_out(&self, requests: Vec<Asked>) -> Result<(), Interruption> {
        let mut streams: HashMap<StreamName, Vec<Asked>> = HashMap::new();
        for asked in requests {
            streams.entry(asked.request.stream.clone()).or_default().push(asked);
        }
        let carried_out = stream::iter(streams.into_values()).map(Ok).try_for_each_concurrent(AT_ONCE, async |requests| {
            for asked in requests {
                ask(&self.engine, asked).await?;
            }
            Ok(())
        });
        carried_out.await
    }
}

/// All that the log asks from here on, one request after another and until nothing is asked any more; how far it was read.
pub async fn carry_out(engine: &Engine, after: Option<Position>) -> Result<Option<Position>, Interruption> {
    let mut reached = after;
    loop {
        let stored: Vec<_> = engine.store().read_all(reached, scope()).try_collect().await?;
        let Some(last) = stored.last() else { return Ok(reached) };
        reached = Some(last.position);
        for stored in stored {
            let recorded = stored.decode_billing().map_err(Stopped)?;
            if let Some(asked) = asked(&recorded) {
                ask(engine, asked).await?;
            }
        }
    }
}

/// A policy reads what may ask, and the log tells no one of the rest.
pub(crate) fn scope() -> Scope {
    Scope::categories(policy::CATEGORIES)
}

async fn ask(engine: &Engine, Asked { request, event_id, correlation_id }: Asked) -> Result<(), Interruption> {
    let Request { name, command_id, stream, wish } = request;
    let context =
        |command_id| CommandContext { command_id, actor: Actor::policy(name), correlation_id, causation_id: event_id, now: engine.now() };
    let refused = match wish {
        Wish::Account(wish) => refusal(engine.execute::<Account>(&stream, &context(command_id), *wish).await)?,
        Wish::Meter(wish) => refusal(engine.execute::<Meter>(&stream, &context(command_id), *wish).await)?,
        Wish::Invoice(wish) => refusal(engine.execute::<Invoice>(&stream, &context(command_id), *wish).await)?,
        Wish::Payment(wish) => refusal(engine.execute::<Payment>(&stream, &context(command_id), *wish).await)?,
        Wish::Register(wish) => refusal(engine.execute::<Register>(&stream, &context(command_id), *wish).await)?,
        Wish::Repair(wish) => refusal(engine.execute::<Repair>(&stream, &context(command_id), *wish).await)?,
        Wish::Stock(wish) => refusal(engine.execute::<Stock>(&stream, &context(command_id), *wish).await)?,
    };
    let Some(reason) = refused else { return Ok(()) };
    let refused = Refused { policy: name, event_id: Some(event_id), stream: &stream, reason: &reason };
    refusals::note(engine, &context(command_id), refused).await.map_err(Interruption::Execution)
}

/// A request, and what made a policy ask.
struct Asked {
    request: Request,
    event_id: uuid::Uuid,
    correlation_id: uuid::Uuid,
}

/// What a piece of the log asks, how far it goes, and what came instead of more.
fn read(chunk: Vec<Result<Followed, StoreError>>) -> (Vec<Asked>, Option<Position>, Option<Interruption>) {
    let (mut requests, mut until) = (Vec::new(), None);
    for followed in chunk {
        let decoded = match followed {
            Ok(Followed::Event(stored)) => stored.decode_billing().map_err(|unreadable| Interruption::Stopped(Stopped(unreadable))),
            Ok(Followed::Checkpoint(position)) => {
                until = Some(position);
                continue;
            }
            Ok(Followed::CaughtUp) => continue,
            Err(error) => Err(error.into()),
        };
        match decoded {
            Ok(recorded) => {
                until = Some(recorded.position);
                requests.extend(asked(&recorded));
            }
            Err(end) => return (requests, until, Some(end)),
        }
    }
    (requests, until, None)
}

fn asked(recorded: &Recorded<BillingEvent>) -> Option<Asked> {
    let request = policy::request(recorded)?;
    Some(Asked { request, event_id: recorded.id, correlation_id: recorded.metadata.correlation_id })
}

fn refusal<E, R: std::error::Error + Send + Sync + 'static>(outcome: Result<E, ExecuteError<R>>) -> Result<Option<String>, Interruption> {
    refusals::refusal(outcome).map_err(Interruption::Execution)
}

/// How far the policies have read: everything up to here was asked, and done or refused.
pub async fn reached(db: impl PgExecutor<'_>) -> Result<Option<Position>, sqlx::Error> {
    let found = sqlx::query!("SELECT commit_position, prepare_position FROM daftar_billing.policies").fetch_one(db).await?;
    let position = |(commit, prepare): (i64, i64)| Position { commit: commit.cast_unsigned(), prepare: prepare.cast_unsigned() };
    Ok(found.commit_position.zip(found.prepare_position).map(position))
}

/// Says that everything up to here was asked, and done or refused.
pub async fn advance(db: &mut PgConnection, to: Position) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE daftar_billing.policies SET commit_position = $1, prepare_position = $2, moved_at = now()",
        to.commit.cast_signed(),
        to.prepare.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leaves word of why the policies do not go on, or takes it away.
async fn note_stop(db: &mut PgConnection, reason: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE daftar_billing.policies SET stopped_because = $1 WHERE stopped_because IS DISTINCT FROM $1", reason)
        .execute(db)
        .await?;
    Ok(())
}
