//! A made-up company and its history: Daftar Water & Power of Riyadh, دفتر للمياه والكهرباء.
//!
//! Everything in it was asked for by a real command and decided by the rules, at a time in the past and by a clock that is set: accounts
//! opened, meters put up, read, estimated and exchanged, bills run, paid, bounced, credited, made anew and given up, months closed. Chance
//! comes from a seed, and nothing happens beside anything else: the same seed gives the same log, to the last byte.
//!
//! [`make`] tells the history to a log in memory, with the read models that bill runs need in a database to be thrown away. Only when all of it
//! is told does [`load`] copy it, event by event and in order, into a store that was empty.

mod company;
mod dice;
mod keys;
mod life;
pub mod load;
mod names;
mod people;
mod story;
mod world;

use std::sync::Arc;

use chrono::NaiveDate;
use daftar_billing::{bill_run::RunError, period_close::CloseError};
use daftar_domain::StreamName;
use daftar_projections::{Feed, MODELS, Model, Runner, Stopped};
use daftar_store::{
    keyring::{AccountKey, Owner},
    log::Log,
};
use sqlx::PgPool;
use thiserror::Error;
use tokio::task::JoinHandle;

use life::Life;
pub use story::{Remarkable, Story};

/// The last month of every history, so that a seed means the same whenever it is used.
pub(crate) const LAST_MONTH: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 1).expect("a date");

/// Which company. The same wish is the same company, to the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub accounts: u32,
    pub months: u32,
    pub seed: u32,
}

/// A history as it was told, and what is needed to load it.
#[derive(Debug)]
pub struct Company {
    pub wish: Wish,
    pub log: Log,
    pub keys: Vec<(Owner, AccountKey)>,
}

#[derive(Debug, Error)]
pub enum DemoError {
    #[error("a demo has from 10 to 100000 accounts and from 1 to 60 months")]
    Size,
    /// The history asks for something that the rules do not allow.
    #[error("`{stream}` refused `{key}`: {reason}")]
    Refused { stream: StreamName, key: String, reason: String },
    #[error("`{stream}` did not answer `{key}`")]
    Failed { stream: StreamName, key: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("a bill run failed")]
    BillRun(#[from] RunError),
    #[error("a month was not closed")]
    Close(#[from] CloseError),
    #[error("the history could not be told")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Default for Wish {
    fn default() -> Self {
        Self { accounts: 1_000, months: 24, seed: 7 }
    }
}

impl Wish {
    pub fn check(&self) -> Result<(), DemoError> {
        let fits = (10..=100_000).contains(&self.accounts) && (1..=60).contains(&self.months);
        if fits { Ok(()) } else { Err(DemoError::Size) }
    }
}

/// Tells the history. `scratch` has the read models' tables, empty, and is of no use afterwards; `progress` hears per cents.
pub async fn make(wish: Wish, scratch: &PgPool, progress: &(dyn Fn(u64) + Sync)) -> Result<Company, DemoError> {
    wish.check()?;
    let mut life = Life::new(&wish, scratch);
    let _keeping = keep_read_models(&life.world.log, scratch);
    life.tell(progress).await?;
    Ok(Company { wish, log: life.world.log.clone(), keys: life.world.keys.used() })
}

/// What bill runs and closings read.
fn keep_read_models(log: &Log, scratch: &PgPool) -> Vec<Keeping> {
    let feed = Feed::new(Arc::new(log.clone()));
    let needed = |model: &&Model| [daftar_billing::bill_run::NEEDS.name, daftar_billing::period_close::NEEDS.name].contains(&model.name);
    let keep = |model: &Model| Keeping(tokio::spawn(Runner::new(*model, feed.clone(), (*scratch.connect_options()).clone()).run()));
    MODELS.iter().filter(needed).map(keep).collect()
}

/// A read model that is kept for as long as this value lives.
struct Keeping(JoinHandle<Stopped>);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}
