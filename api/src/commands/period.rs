//! `daftar close-period` and `daftar period status`: the books of a month, and sealing them.

use anyhow::Result;
use chrono::Utc;
use daftar_billing::period_close::{self, Books, CloseError, PeriodClose};
use daftar_domain::{Actor, Money, account::Language};
use daftar_projections::{Feed, Runner};
use daftar_store::{Durability, Engine};

use crate::{
    cli::{ClosePeriod, PeriodCommand, Places, UsageError},
    compose,
};

pub async fn close(ClosePeriod { month, dry_run, places }: ClosePeriod) -> Result<()> {
    let month = period_close::month(&month).map_err(usage)?;
    let (on, by) = (Utc::now().date_naive(), Actor::job("close-period"));
    let books = following(&places, async |closing| match dry_run {
        true => closing.preview(month, on, &by).await,
        false => closing.close(month, on, &by).await,
    });
    print(&books.await?);
    if dry_run {
        println!("nothing was changed: this was a dry run");
    }
    Ok(())
}

pub async fn run(command: PeriodCommand) -> Result<()> {
    let PeriodCommand::Status(places) = command;
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    let periods = PeriodClose::new(Engine::new(store.writer()), read_models).periods().await?;
    if periods.all().next().is_none() {
        println!("no period has been opened: the first that is closed opens itself");
    }
    for (period, closed) in periods.all() {
        match closed {
            None => println!("{period}  open"),
            Some(closed) => println!(
                "{period}  closed on {} by {} at position {}, trial balance {}",
                closed.closed_on, closed.closed_by, closed.position, closed.trial_balance
            ),
        }
    }
    Ok(())
}

/// If no projector runs elsewhere, the books are kept here for as long as they are asked.
async fn following<T>(places: &Places, work: impl AsyncFnOnce(PeriodClose) -> Result<T, CloseError>) -> Result<T> {
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    let feed = Feed::new(store.writer());
    let projector = tokio::spawn(Runner::new(period_close::NEEDS, feed, (*read_models.connect_options()).clone()).run());
    let done = work(PeriodClose::new(Engine::new(store.writer()), read_models)).await;
    projector.abort();
    Ok(done?)
}

fn usage(error: CloseError) -> anyhow::Error {
    UsageError(error.to_string()).into()
}

fn print(Books { period, position, trial_balance, closed }: &Books) {
    println!("books of {period}, as known at position {position}");
    for (account, currency, balance) in trial_balance.balances() {
        let minor = i64::try_from(balance.unsigned_abs()).unwrap_or(i64::MAX);
        let amount = Money::new(minor, currency).to_string();
        let (debit, credit) = if balance < 0 { (String::new(), amount) } else { (amount, String::new()) };
        let (number, english, arabic) = (account.number(), account.name(Language::English), account.name(Language::Arabic));
        println!("  {number}  {english:34} {debit:>20} {credit:>20}  {arabic}");
    }
    println!("  trial balance {}", trial_balance.digest());
    match closed {
        Some(closed) => println!("closed on {} by {}", closed.closed_on, closed.closed_by),
        None => println!("it can be closed"),
    }
}
