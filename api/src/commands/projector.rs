//! `daftar projector`: keeps the read models up to date and carries out what facts ask of other streams.
//!
//! Any number may run; one of them works on each model, and one on the policies.

use std::sync::Arc;

use anyhow::{Result, bail};
use daftar_billing::policies::Policies;
use daftar_projections::{Feed, MODELS, Runner};
use daftar_store::{Durability, Engine, EventWriter};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;

use crate::{cli::Projector, compose, stop::Stop};

pub async fn run(Projector { places }: Projector) -> Result<()> {
    let stop = Stop::on_signals()?;
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    project(store.writer(), (*read_models.connect_options()).clone(), stop).await
}

/// Runs every model and the policies until asked to stop. What cannot go on leaves the others running; when none is left that is an error.
pub async fn project(log: Arc<dyn EventWriter>, database: PgConnectOptions, stop: Stop) -> Result<()> {
    let mut parts = JoinSet::new();
    let feed = Feed::new(log.clone());
    for model in MODELS {
        let runner = Runner::new(*model, Arc::clone(&feed), database.clone());
        parts.spawn(async { drop(runner.run().await) });
    }
    let policies = Policies::new(Engine::new(log), database);
    parts.spawn(async { drop(policies.run().await) });
    let all_stopped = async { while parts.join_next().await.is_some() {} };
    tokio::select! {
        () = stop.asked() => Ok(()),
        () = all_stopped => bail!("every read model and the policies have stopped: see the log above for the reasons"),
    }
}
