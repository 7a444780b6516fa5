//! The end of a day: what is late falls overdue and bears its fee, plans whose instalments were missed are warned about and broken, debtors are
//! led a step up the ladder, fees become invoices, what is too small to matter is given up, and gateways are asked about what they keep to
//! themselves.
//!
//! Each wish has an id that follows from what it is about and the day, and every rule is the aggregate's: a day that is ended twice has ended once.
//! Days are ended in order, and those that were missed one after the other, each as of itself.

mod calendar;
mod dunning;
mod fees;
mod late;
mod plans;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_projections::{QueryError, invoices::Invoices};
use daftar_store::{Engine, StoreError};
use futures::TryStreamExt;
use sqlx::PgPool;
use thiserror::Error;
use tokio::time::{Instant, sleep};

pub use fees::{FeeTerms, LateFeeTerms};

use crate::{
    Terms, Unread,
    gateway::{Payments, Round},
    policies,
    rows::Rows,
};

/// How long the policies may take to do what they have heard of, and how often they are looked after.
const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(50);

/// Who asks, in the log.
const ACTOR: &str = "day end";

/// What an end of a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub overdue: u64,
    pub late_fees: u64,
    /// Invoices for fees, of lateness and of bounced payments.
    pub fees_billed: u64,
    pub small_balances: u64,
    /// Instalment plans of which an instalment was found missing, or missing for too long.
    pub plans: u64,
    /// Accounts that were led a step further, or whose case has ended.
    pub dunned: u64,
    pub payments: Round,
    /// What somebody has to look at, in the log.
    pub refused: u64,
}

#[derive(Debug, Error)]
pub enum DayEndError {
    #[error("{day} is not over: in {zone} it is {today}")]
    NotOver { day: NaiveDate, today: NaiveDate, zone: String },
    #[error("the policies do not follow the log: is a projector running?")]
    PoliciesBehind,
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error("the day's end was interrupted; asked again, it goes on")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for DayEndError {
    fn from(error: sqlx::Error) -> Self {
        Self::Interrupted(error.into())
    }
}

impl From<QueryError> for DayEndError {
    fn from(error: QueryError) -> Self {
        Self::Interrupted(error.into())
    }
}

impl From<StoreError> for DayEndError {
    fn from(error: StoreError) -> Self {
        Self::Interrupted(error.into())
    }
}

fn interrupted(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DayEndError {
    DayEndError::Interrupted(error.into())
}

/// Ends days. Without terms nobody has said what a fee is or who sells: then nothing is charged, and nothing is given up.
#[derive(Clone, Debug)]
pub struct DayEnds {
    engine: Engine,
    rows: Rows,
    payments: Payments,
    terms: Option<Terms>,
}

impl DayEnds {
    pub fn new(engine: Engine, read_models: PgPool, payments: Payments, terms: Option<Terms>) -> Self {
        Self { engine, rows: Rows::new(read_models), payments, terms }
    }

    /// Ends a day that is over.
    pub async fn end(&self, day: NaiveDate, now: DateTime<Utc>) -> Result<Ended, DayEndError> {
        let today = self.payments.local_day(now);
        if day >= today {
            return Err(DayEndError::NotOver { day, today, zone: self.payments.terms().zone.to_string() });
        }
        let mut ended = Ended::default();
        // What was issued is charged, and what was paid has been told to invoices, before anybody is called late.
        self.policies_done().await?;
        // What was recorded before is in the rows before they are asked what is late.
        self.rows.caught_up::<Invoices>(&self.engine).await?;
        self.late(day, &mut ended).await?;
        self.review_plans(day, &mut ended).await?;
        self.dun(day, &mut ended).await?;
        self.bill_fees(&mut ended).await?;
        self.rows.caught_up::<daftar_projections::payments::Payments>(&self.engine).await?;
        let asked = self.payments.follow_up(&self.rows.db, now).await.map_err(interrupted)?;
        let again = self.payments.ask_again(&self.rows.db, now).await.map_err(interrupted)?;
        ended.payments = asked + again;
        Ok(ended)
    }

    /// Waits until the policies have nothing left to do.
    async fn policies_done(&self) -> Result<(), DayEndError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reached = policies::reached(&self.rows.db).await?;
            if self.engine.store().read_all(reached, policies::scope()).try_next().await?.is_none() {
                return Ok(());
            }
            if deadline < Instant::now() {
                return Err(DayEndError::PoliciesBehind);
            }
            sleep(POLL).await;
        }
    }
}
