//! `daftar scheduler`: what time brings about.
//!
//! Any number may run: days are ended by one of them, and whatever is asked of a gateway twice is one thing there.

use anyhow::Result;
use daftar_billing::{
    Terms,
    collections::{self, Collections, Patience, Switching},
    day_end::DayEnds,
    desk::Desk,
    gateway::Payments,
    head_end::HeadEnd,
};
use daftar_store::{Durability, Engine};
use futures::future::OptionFuture;
use sqlx::PgPool;

use crate::{cli::Scheduler, compose, stop::Stop};

pub async fn run(options: Scheduler) -> Result<()> {
    let stop = Stop::on_signals()?;
    let (engine, days, (payments, read_models)) = parts(&options).await?;
    let terms = options.terms.as_deref().map(compose::terms).transpose()?;
    let desks = Desks::new(&engine, &read_models, &payments, terms, compose::head_end(&options.gateways)?);
    println!("Days are ended as they are over, by the clock of {}", payments.terms().zone);
    schedule(days, desks, payments, read_models, stop).await;
    Ok(())
}

/// Who follows the log by the company's terms. Without those nobody does: repairs and connections wait for their invoices, and nobody is cut.
#[derive(Debug)]
pub struct Desks {
    billing: Option<Desk>,
    collections: Option<(collections::Desk, Switching)>,
}

impl Desks {
    pub fn new(engine: &Engine, read_models: &PgPool, payments: &Payments, terms: Option<Terms>, head_end: HeadEnd) -> Self {
        let collections = terms.as_ref().and_then(|terms| terms.collections.clone()).map(|terms| {
            let collections = Collections::new(engine.clone(), terms, payments.terms().zone);
            let desk = collections::Desk::new(collections.clone(), (*read_models.connect_options()).clone());
            (desk, Switching::new(collections, head_end, Patience::default()))
        });
        Self { billing: terms.map(|terms| Desk::new(engine.clone(), read_models.clone(), terms)), collections }
    }
}

/// Until asked to stop.
pub async fn schedule(days: DayEnds, Desks { billing, collections }: Desks, payments: Payments, read_models: PgPool, stop: Stop) {
    let (collections, switching) = collections.unzip();
    tokio::select! {
        () = days.keep() => {}
        () = at_the_desk(billing.as_ref()) => {}
        Some(()) = OptionFuture::from(collections.as_ref().map(collections::Desk::keep)) => {}
        Some(()) = OptionFuture::from(switching.as_ref().map(|switching| switching.look_after(&read_models))) => {}
        () = payments.look_after(&read_models) => {}
        () = stop.asked() => {}
    }
}

/// What cannot go on there leaves the others running.
async fn at_the_desk(desk: Option<&Desk>) {
    if let Some(desk) = desk {
        let stopped = desk.keep().await;
        tracing::error!("{stopped}: see above for the reason");
    }
    std::future::pending().await
}

pub async fn parts(options: &Scheduler) -> Result<(Engine, DayEnds, (Payments, PgPool))> {
    let terms = options.terms.as_deref().map(compose::terms).transpose()?;
    let (gateways, payment_terms) = compose::gateways(&options.gateways)?;
    let store = compose::open_store(options.places.log(), options.places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&options.places.database_url, options.places.wait).await?;
    let engine = Engine::new(store.writer());
    let payments = Payments::new(engine.clone(), gateways, payment_terms);
    Ok((engine.clone(), DayEnds::new(engine, read_models.clone(), payments.clone(), terms), (payments, read_models)))
}
