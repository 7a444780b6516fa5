//! Whoever does what facts ask, in the order of the log, for ever.
//!
//! Any number of processes may run one; one of them, elected in PostgreSQL, works. What it asks has ids that follow from the facts, so the place
//! in the log is only remembered after what was asked there: whatever is asked twice was done the first time. What is out of reach is tried
//! until it is not.

use std::time::Duration;

use daftar_domain::{Actor, BillingEvent, Position, Recorded};
use daftar_projections::{chain, elected, in_office};
use daftar_store::{CommandContext, Engine, Followed, Scope, StoreError, Unreadable};
use futures::StreamExt;
use sqlx::{Connection, PgConnection, PgExecutor, postgres::PgConnectOptions};
use thiserror::Error;
use tokio::time::sleep;
use uuid::Uuid;

/// Events taken between two checkpoints at most.
const BATCH: usize = 2_000;

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What somebody who follows the log does.
pub trait Duty {
    /// By which the one is elected, and the place in the log remembered.
    const NAME: &'static str;

    /// Whose events it hears.
    const CATEGORIES: &'static [&'static str];

    /// Does what these facts ask, in their order.
    fn carry_out(&self, facts: Vec<Recorded<BillingEvent>>) -> impl Future<Output = Result<(), Interruption>> + Send;
}

/// How a policy of this name asks for something because of a fact.
pub(crate) fn because_of(engine: &Engine, fact: &Recorded<BillingEvent>, name: &str, command_id: Uuid) -> CommandContext {
    CommandContext {
        command_id,
        actor: Actor::policy(name),
        correlation_id: fact.metadata.correlation_id,
        causation_id: fact.id,
        now: engine.now(),
    }
}

/// The only thing that ends it by itself.
#[derive(Debug, Error)]
#[error("{name} stopped")]
pub struct Stopped {
    pub name: &'static str,
    #[source]
    pub unreadable: Unreadable,
}

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

/// Follows until an event comes that cannot be read. Whatever else fails is tried again.
pub async fn follow<D: Duty>(duty: &D, engine: &Engine, database: &PgConnectOptions) -> Stopped {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let mut progressed = false;
        match lead(duty, engine, database, &mut progressed).await {
            Interruption::Stopped(stopped) => {
                tracing::error!(reason = %chain(&stopped), "the {} stopped", D::NAME);
                return stopped;
            }
            interruption => {
                pause = if progressed { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                tracing::warn!(reason = %chain(&interruption), ?pause, "the {} were interrupted; trying again", D::NAME);
                sleep(pause).await;
            }
        }
    }
}

async fn lead<D: Duty>(duty: &D, engine: &Engine, database: &PgConnectOptions, progressed: &mut bool) -> Interruption {
    let mut db = match PgConnection::connect_with(database).await {
        Ok(db) => db,
        Err(error) => return error.into(),
    };
    let interruption = match read_on(duty, engine, &mut db, progressed).await {
        Ok(()) => Interruption::LogEnded,
        Err(interruption) => interruption,
    };
    if let Interruption::Stopped(stopped) = &interruption
        && let Err(error) = note_stop(&mut db, D::NAME, Some(&chain(stopped))).await
    {
        tracing::warn!(%error, "the reason for stopping could not be noted");
    }
    interruption
}

/// Waits to be the only one, then reads on.
async fn read_on<D: Duty>(duty: &D, engine: &Engine, db: &mut PgConnection, progressed: &mut bool) -> Result<(), Interruption> {
    elected(db, &format!("daftar {}", D::NAME)).await?;
    note_stop(db, D::NAME, None).await?;
    let mut reached = reached(&mut *db, D::NAME).await?;
    tracing::info!(after = %reached.map_or("the beginning".to_owned(), |at| at.to_string()), "the {} follow the log", D::NAME);
    let mut waiting = engine.store().subscribe(reached, Scope::categories(D::CATEGORIES)).ready_chunks(BATCH);
    while let Some(chunk) = in_office(db, waiting.next()).await? {
        let (facts, until, end) = read(D::NAME, chunk);
        // What came before an event that cannot be read is done all the same.
        duty.carry_out(facts).await?;
        if let Some(until) = until.filter(|until| Some(*until) > reached) {
            advance(db, D::NAME, until).await?;
            (reached, *progressed) = (Some(until), true);
        }
        if let Some(end) = end {
            return Err(end);
        }
    }
    Ok(())
}

/// The facts of a piece of the log, how far it goes, and what came instead of more.
fn read(
    name: &'static str,
    chunk: Vec<Result<Followed, StoreError>>,
) -> (Vec<Recorded<BillingEvent>>, Option<Position>, Option<Interruption>) {
    let (mut facts, mut until) = (Vec::new(), None);
    for followed in chunk {
        let decoded = match followed {
            Ok(Followed::Event(stored)) => {
                stored.decode_billing().map_err(|unreadable| Interruption::Stopped(Stopped { name, unreadable }))
            }
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
                facts.push(recorded);
            }
            Err(end) => return (facts, until, Some(end)),
        }
    }
    (facts, until, None)
}

/// How far this one has read: everything up to here was asked, and done or refused.
pub async fn reached(db: impl PgExecutor<'_>, name: &str) -> Result<Option<Position>, sqlx::Error> {
    let found = sqlx::query!("SELECT commit_position, prepare_position FROM daftar_billing.follower WHERE name = $1", name);
    let position = |(commit, prepare): (i64, i64)| Position { commit: commit.cast_unsigned(), prepare: prepare.cast_unsigned() };
    Ok(found.fetch_optional(db).await?.and_then(|found| found.commit_position.zip(found.prepare_position)).map(position))
}

/// Says that everything up to here was asked, and done or refused.
pub async fn advance(db: &mut PgConnection, name: &str, to: Position) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO daftar_billing.follower (name, commit_position, prepare_position) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET commit_position = $2, prepare_position = $3, moved_at = now()",
        name,
        to.commit.cast_signed(),
        to.prepare.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leaves word of why it does not go on, or takes it away.
async fn note_stop(db: &mut PgConnection, name: &str, reason: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO daftar_billing.follower (name, stopped_because) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET stopped_because = $2 WHERE follower.stopped_because IS DISTINCT FROM $2",
        name,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}
