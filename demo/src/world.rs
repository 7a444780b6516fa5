//! The engine over a log in memory, its clock, and whoever asks: everything the company does goes through here, one command after another.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use daftar_billing::{bill_run::BillRuns, policies};
use daftar_domain::{Actor, BillingEvent, Decider, Position, Recorded, StreamName, ledger, ledger::TrialBalance};
use daftar_store::{CommandContext, Engine, EventReader, ExecuteError, Memory, Outcome, Scope, log::Log};
use futures::TryStreamExt;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{DemoError, dice::Dice, keys::Keys};

/// Between two commands that nothing else keeps apart.
const TICK: i64 = 11_000;

pub struct World {
    seed: u64,
    pub log: Log,
    pub engine: Engine,
    pub runs: BillRuns,
    pub keys: Keys,
    pub books: TrialBalance,
    time: Arc<AtomicI64>,
    /// How far the policies have read, and we.
    told: Option<Position>,
    pub seen: Option<Position>,
}

/// Who does something.
#[derive(Clone, Copy, Debug)]
pub enum Staff {
    Cashier,
    Technician,
    Billing,
    Finance,
    Smart,
}

impl World {
    pub fn new(seed: u64, scratch: &PgPool) -> Self {
        let (log, time) = (Memory::log(), Arc::new(AtomicI64::new(0)));
        let ticking = time.clone();
        let clock = move || DateTime::from_timestamp_micros(ticking.fetch_add(TICK, Ordering::Relaxed)).unwrap_or_default();
        let engine = Engine::new(Arc::new(log.clone())).by_clock(Arc::new(clock));
        let runs = BillRuns::new(engine.clone(), scratch.clone()).in_order();
        Self { seed, log, engine, runs, keys: Keys::new(seed), books: TrialBalance::default(), time, told: None, seen: None }
    }

    pub fn dice(&self, question: &str) -> Dice {
        Dice::of(self.seed, question)
    }

    pub fn id(&self, of: &str) -> Uuid {
        Uuid::new_v5(&Uuid::from_u64_pair(self.seed, 1), of.as_bytes())
    }

    pub fn actor(&self, staff: Staff) -> Actor {
        match staff {
            Staff::Smart => Actor::job("smart meters"),
            Staff::Cashier | Staff::Technician | Staff::Billing | Staff::Finance => Actor::user(self.id(&format!("{staff:?}"))),
        }
    }

    /// Goes on to this time, unless it is later already.
    pub fn wait_until(&self, when: DateTime<Utc>) {
        self.time.fetch_max(when.timestamp_micros(), Ordering::Relaxed);
    }

    /// Asks for what cannot be refused.
    pub async fn ask<D>(&self, staff: Staff, id: impl Into<Uuid>, key: &str, wish: D::Command) -> Result<Vec<D::Event>, DemoError>
    where
        D: Decider<Rejection: Send + Sync>,
    {
        let id = id.into();
        match self.answer::<D>(staff, id, key, wish).await? {
            Ok(events) => Ok(events),
            Err(rejection) => {
                Err(DemoError::Refused { stream: StreamName::of::<D>(id), key: key.to_owned(), reason: rejection.to_string() })
            }
        }
    }

    /// Asks for what may be refused.
    pub async fn answer<D>(
        &self,
        staff: Staff,
        id: impl Into<Uuid>,
        key: &str,
        wish: D::Command,
    ) -> Result<Result<Vec<D::Event>, D::Rejection>, DemoError>
    where
        D: Decider<Rejection: Send + Sync>,
    {
        let context = CommandContext::new(self.actor(staff), "demo", key, self.engine.now());
        let id = id.into();
        match self.engine.execute::<D>(&StreamName::of::<D>(id), &context, wish).await {
            Ok(Outcome::Recorded { events, .. }) => Ok(Ok(events)),
            Ok(Outcome::AlreadyTrue { .. }) => Ok(Ok(vec![])),
            Err(ExecuteError::Rejected(rejection)) => Ok(Err(rejection)),
            Err(error) => Err(DemoError::Failed { stream: StreamName::of::<D>(id), key: key.to_owned(), source: error.into() }),
        }
    }

    pub async fn look<D>(&self, id: impl Into<Uuid>) -> Result<D, DemoError>
    where
        D: Decider<Rejection: Send + Sync> + Clone,
    {
        self.engine.look::<D>(&StreamName::of::<D>(id)).await.map_err(|error| DemoError::Store(error.into()))
    }

    /// All that has happened to one thing.
    pub async fn history<D: Decider>(&self, id: impl Into<Uuid>) -> Result<Vec<Recorded<BillingEvent>>, DemoError> {
        let events = self.engine.store().read(&StreamName::of::<D>(id), 0);
        let stored: Vec<_> = events.try_collect().await.map_err(|error| DemoError::Store(error.into()))?;
        stored.iter().map(|stored| stored.decode_billing().map_err(|error| DemoError::Store(error.into()))).collect()
    }

    /// What the facts so far ask of other streams.
    pub async fn settle(&mut self) -> Result<(), DemoError> {
        self.told = policies::carry_out(&self.engine, self.told).await.map_err(|error| DemoError::Store(error.into()))?;
        Ok(())
    }

    /// What has happened since this was last asked; the books then know of it.
    pub async fn news(&mut self) -> Result<Vec<Recorded<BillingEvent>>, DemoError> {
        let stored: Vec<_> =
            self.log.read_all(self.seen, Scope::billing()).try_collect().await.map_err(|error| DemoError::Store(error.into()))?;
        let mut news = Vec::with_capacity(stored.len());
        for stored in stored {
            let fact = stored.decode_billing().map_err(|error| DemoError::Store(error.into()))?;
            if let Some(journal) = ledger::post(&fact).map_err(|error| DemoError::Store(error.into()))? {
                self.books.post(&journal);
            }
            self.seen = Some(fact.position);
            news.push(fact);
        }
        Ok(news)
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// A time of day in Riyadh.
pub fn local(day: NaiveDate, minutes: u64) -> DateTime<Utc> {
    let minutes = i64::try_from(minutes).unwrap_or_default() - 3 * 60;
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(minutes)
}

/// The day so many after.
pub fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// The day it is in Riyadh.
pub fn day(when: DateTime<Utc>) -> NaiveDate {
    (when + TimeDelta::hours(3)).date_naive()
}
