//! Carries out what facts ask of other streams, in the order of the log, for ever ([`follower`](crate::follower)).
//!
//! The request's command id comes from the event. A refusal is recorded and the reader goes on.
//!
//! Whoever is alone with a log, and must have it come out the same each time, asks [`carry_out`] instead: one request after another.

use std::collections::HashMap;

use daftar_domain::{
    Actor, BillingEvent, Position, Recorded, StreamName,
    account::Account,
    agreement::ServicePoint,
    application::Application,
    dunning::Dunning,
    invoice::Invoice,
    meter::Meter,
    payment::Payment,
    policy::{self, Request, Wish},
    register::Register,
    repair::Repair,
    stock::Stock,
};
use daftar_store::{CommandContext, Engine, ExecuteError, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use sqlx::{PgConnection, PgExecutor, postgres::PgConnectOptions};

pub use crate::follower::{Interruption, Stopped};
use crate::{
    follower::{self, Duty},
    refusals::{self, Refused},
};

/// Streams that are asked at once: enough to fill the log's groups.
const AT_ONCE: usize = 128;

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
        follower::follow(&self, &self.engine, &self.database).await
    }
}

impl Duty for Policies {
    const NAME: &'static str = "policies";
    const CATEGORIES: &'static [&'static str] = policy::CATEGORIES;

    /// Streams side by side; what one stream is asked, in the order of the log.
    async fn carry_out(&self, facts: Vec<Recorded<BillingEvent>>) -> Result<(), Interruption> {
        let mut streams: HashMap<StreamName, Vec<Asked>> = HashMap::new();
        for asked in facts.iter().filter_map(asked) {
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
            let recorded = stored.decode_billing().map_err(|unreadable| Stopped { name: Policies::NAME, unreadable })?;
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
        Wish::Application(wish) => refusal(engine.execute::<Application>(&stream, &context(command_id), *wish).await)?,
        Wish::Dunning(wish) => refusal(engine.execute::<Dunning>(&stream, &context(command_id), *wish).await)?,
        Wish::Invoice(wish) => refusal(engine.execute::<Invoice>(&stream, &context(command_id), *wish).await)?,
        Wish::Payment(wish) => refusal(engine.execute::<Payment>(&stream, &context(command_id), *wish).await)?,
        Wish::Register(wish) => refusal(engine.execute::<Register>(&stream, &context(command_id), *wish).await)?,
        Wish::Repair(wish) => refusal(engine.execute::<Repair>(&stream, &context(command_id), *wish).await)?,
        Wish::ServicePoint(wish) => refusal(engine.execute::<ServicePoint>(&stream, &context(command_id), *wish).await)?,
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

fn asked(recorded: &Recorded<BillingEvent>) -> Option<Asked> {
    let request = policy::request(recorded)?;
    Some(Asked { request, event_id: recorded.id, correlation_id: recorded.metadata.correlation_id })
}

fn refusal<E, R: std::error::Error + Send + Sync + 'static>(outcome: Result<E, ExecuteError<R>>) -> Result<Option<String>, Interruption> {
    refusals::refusal(outcome).map_err(Interruption::Execution)
}

/// How far the policies have read: everything up to here was asked, and done or refused.
pub async fn reached(db: impl PgExecutor<'_>) -> Result<Option<Position>, sqlx::Error> {
    follower::reached(db, Policies::NAME).await
}

/// Says that everything up to here was asked, and done or refused.
pub async fn advance(db: &mut PgConnection, to: Position) -> Result<(), sqlx::Error> {
    follower::advance(db, Policies::NAME, to).await
}
