//! `daftar projector`: keeps the read models up to date, carries out what facts ask of other streams, and seals the log.
//!
//! Any number may run; one of them works on each model, one on the policies, and one seals.

use std::sync::Arc;

use anyhow::{Result, bail};
use daftar_billing::policies::Policies;
use daftar_projections::{Feed, MODELS, Runner};
use daftar_sealer::Sealer;
use daftar_store::{Durability, Engine, EventWriter};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;

use super::seal;
use crate::{cli::Projector, compose, stop::Stop};

pub async fn run(Projector { places, sealing }: Projector) -> Result<()> {
    let stop = Stop::on_signals()?;
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    let database = (*read_models.connect_options()).clone();
    let sealer = seal::sealer(&sealing, store.writer(), database.clone())?;
    project(store.writer(), database, sealer, stop).await
}

/// Runs every model, the policies and the sealer until asked to stop. What cannot go on leaves the others running; when none is left that is an
/// error.
pub async fn project(log: Arc<dyn EventWriter>, database: PgConnectOptions, sealer: Option<Sealer>, stop: Stop) -> Result<()> {
    let mut parts = JoinSet::new();
    let feed = Feed::new(log.clone());
    for model in MODELS {
        let runner = Runner::new(*model, Arc::clone(&feed), database.clone());
        parts.spawn(async { drop(runner.run().await) });
    }
    let policies = Policies::new(Engine::new(log), database);
    parts.spawn(async { drop(policies.run().await) });
    if let Some(sealer) = sealer {
        parts.spawn(async { drop(sealer.run().await) });
    }
    let all_stopped = async { while parts.join_next().await.is_some() {} };
    tokio::select! {
        () = stop.asked() => Ok(()),
        () = all_stopped => bail!("every read model, the policies and the sealer have stopped: see the log above for the reasons"),
    }
}
