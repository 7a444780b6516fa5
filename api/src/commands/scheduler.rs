//! `daftar scheduler`: what time brings about.
//!
//! Any number may run: days are ended by one of them, and whatever is asked of a gateway twice is one thing there.

use anyhow::Result;
use daftar_billing::{day_end::DayEnds, gateway::Payments, workshop::Workshop};
use daftar_store::{Durability, Engine};
use futures::future::OptionFuture;
use sqlx::PgPool;

use crate::{cli::Scheduler, compose, stop::Stop};

pub async fn run(options: Scheduler) -> Result<()> {
    let stop = Stop::on_signals()?;
    let (engine, days, (payments, read_models)) = parts(&options).await?;
    let terms = options.terms.as_deref().map(compose::terms).transpose()?;
    let workshop = terms.map(|terms| Workshop::new(engine, read_models.clone(), terms));
    println!("Days are ended as they are over, by the clock of {}", payments.terms().zone);
    schedule(days, workshop, payments, read_models, stop).await;
    Ok(())
}

/// Until asked to stop. Without terms there is nobody at the workshop's desk, and repairs wait for their invoices.
pub async fn schedule(days: DayEnds, workshop: Option<Workshop>, payments: Payments, read_models: PgPool, stop: Stop) {
    tokio::select! {
        () = days.keep() => {}
        Some(()) = OptionFuture::from(workshop.as_ref().map(Workshop::keep)) => {}
        () = payments.look_after(&read_models) => {}
        () = stop.asked() => {}
    }
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
