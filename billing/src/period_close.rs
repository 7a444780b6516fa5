//! Closing the books of a month: its trial balance is added up from the read model, once nothing is under way, and sealed with its position.
//!
//! A period is never opened again. What is recorded for it later is posted in the first period that is open, with its date kept.

use std::time::Duration;

use chrono::{Months, NaiveDate};
use daftar_domain::{
    Actor, BillingPeriod, Code, Decider, Money, Position, StreamName,
    ids::accounting_periods_id,
    ledger::{
        AccountingPeriods, LedgerAccount, TrialBalance,
        periods::{self, ClosePeriod, OpenPeriod, PeriodClosed},
    },
};
use daftar_projections::{
    AsOf, Model,
    ledger::{self, Ledger},
};
use daftar_store::{CommandContext, Engine, ExecuteError};
use sqlx::PgPool;
use thiserror::Error;

use crate::rows::{Rows, Unread};

/// The read model that must follow the log for a period to be closed.
pub const NEEDS: Model = Model::of::<Ledger>();

/// Why a period is not closed.
#[derive(Debug, Error)]
pub enum CloseError {
    #[error("`{0}` is not a month, such as 2026-10")]
    NotAMonth(Code),
    #[error(transparent)]
    Refused(#[from] periods::Rejection),
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error("the books do not balance: in {currency} debits and credits differ by {by} minor units", currency = .difference.0, by = .difference.1)]
    Unbalanced { difference: (&'static str, i128) },
    #[error("closing the period was interrupted; nothing is lost by trying again")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The books of a period: of all that is for its days or earlier ones, as known at a position.
#[derive(Clone, Debug, PartialEq)]
pub struct Books {
    pub period: BillingPeriod,
    pub position: Position,
    pub trial_balance: TrialBalance,
    /// They are sealed already.
    pub closed: Option<PeriodClosed>,
}

/// Closes the company's months.
#[derive(Clone, Debug)]
pub struct PeriodClose {
    engine: Engine,
    rows: Rows,
}

/// The month that people call `2026-10`.
pub fn month(name: &Code) -> Result<BillingPeriod, CloseError> {
    let first = format!("{name}-01").parse::<NaiveDate>().ok();
    let month = first.and_then(|first| BillingPeriod::new(first, first.checked_add_months(Months::new(1))?).ok());
    month.ok_or_else(|| CloseError::NotAMonth(name.clone()))
}

impl PeriodClose {
    pub fn new(engine: Engine, read_models: PgPool) -> Self {
        Self { engine, rows: Rows::new(read_models) }
    }

    /// How long the books may take to hear of the log's last event.
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { rows: self.rows.patient_for(patience), ..self }
    }

    /// The company's periods, by the log itself.
    pub async fn periods(&self) -> Result<AccountingPeriods, CloseError> {
        self.engine.look::<AccountingPeriods>(&stream()).await.map_err(refused)
    }

    /// What closing the month would seal, or why it cannot be closed. Changes nothing.
    pub async fn preview(&self, month: BillingPeriod, on: NaiveDate, by: &Actor) -> Result<Books, CloseError> {
        let mut periods = self.periods().await?;
        let books = self.books(month, &periods).await?;
        if books.closed.is_some() {
            return Ok(books);
        }
        let opened = periods.to_open_for(month).into_iter().map(periods::Command::OpenPeriod);
        for wish in opened.chain([periods::Command::ClosePeriod(books.close(on, by)?)]) {
            periods = periods.decide(wish)?.iter().fold(periods, AccountingPeriods::evolve);
        }
        Ok(books)
    }

    /// Closes the month, with it and the next one opened before if they are not. Closed before, it stays as it was closed.
    pub async fn close(&self, month: BillingPeriod, on: NaiveDate, by: &Actor) -> Result<Books, CloseError> {
        let books = self.preview(month, on, by).await?;
        if books.closed.is_some() {
            return Ok(books);
        }
        for OpenPeriod { period } in self.periods().await?.to_open_for(month) {
            self.ask(by, "openPeriod", period, "", periods::Command::OpenPeriod(OpenPeriod { period })).await?;
        }
        let close = books.close(on, by)?;
        let at = format!("{} {}", close.position, close.closed_on);
        match self.ask(by, "closePeriod", month, &at, periods::Command::ClosePeriod(close)).await {
            // Somebody else was quicker, and the books are as he sealed them.
            Ok(()) | Err(CloseError::Refused(periods::Rejection::AlreadyClosed)) => {}
            Err(error) => return Err(error),
        }
        self.books(month, &self.periods().await?).await
    }

    async fn books(&self, period: BillingPeriod, periods: &AccountingPeriods) -> Result<Books, CloseError> {
        let closed = periods.all().find(|(known, _)| *known == period).and_then(|(_, closed)| closed.cloned());
        let reached = self.rows.heard_of_all::<Ledger>(&self.engine).await?;
        let position = closed.as_ref().map(|closed| closed.position).or(reached).unwrap_or(Position::single(0));
        let as_of = AsOf::recorded(position, period.last_day());
        let trial_balance = ledger::trial_balance(&self.rows.db, as_of).await.map_err(Unread::from)?;
        Ok(Books { period, position, trial_balance, closed })
    }

    /// Each try at other books is a wish of its own, since they may have gone on; the rules see to it that one of them counts.
    async fn ask(&self, by: &Actor, wish: &str, period: BillingPeriod, at: &str, command: periods::Command) -> Result<(), CloseError> {
        let context = CommandContext::new(by.clone(), wish, &format!("{} {at}", period.from()), self.engine.now());
        self.engine.execute::<AccountingPeriods>(&stream(), &context, command).await.map_err(refused)?;
        Ok(())
    }
}

impl Books {
    fn close(&self, on: NaiveDate, by: &Actor) -> Result<ClosePeriod, CloseError> {
        for (_, currency, _) in self.trial_balance.balances() {
            match self.trial_balance.difference(currency) {
                0 => {}
                by => return Err(CloseError::Unbalanced { difference: (currency.code(), by) }),
            }
        }
        let uncharged = self.trial_balance.balances().filter(|(account, ..)| *account == LedgerAccount::IssuedNotCharged);
        let uncharged = uncharged.map(|(_, currency, balance)| Money::new(saturated(balance), currency));
        Ok(ClosePeriod {
            period: self.period,
            position: self.position,
            trial_balance: self.trial_balance.digest(),
            issued_not_charged: uncharged.collect(),
            closed_on: on,
            closed_by: by.clone(),
        })
    }
}

/// Only to be shown to people: that it is not zero is what counts.
fn saturated(balance: i128) -> i64 {
    i64::try_from(balance).unwrap_or(if balance < 0 { i64::MIN } else { i64::MAX })
}

fn stream() -> StreamName {
    StreamName::of::<AccountingPeriods>(accounting_periods_id())
}

fn refused(error: ExecuteError<periods::Rejection>) -> CloseError {
    match error {
        ExecuteError::Rejected(rejection) => CloseError::Refused(rejection),
        other => CloseError::Interrupted(other.into()),
    }
}
