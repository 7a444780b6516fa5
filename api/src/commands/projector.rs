//! `daftar projector`: keeps the read models up to date. Any number may run; one of them works on each model.

use std::sync::Arc;

use anyhow::{Result, bail};
use daftar_projections::{Feed, MODELS, Runner};
use daftar_store::{Durability, EventReader};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;

use crate::{cli::Projector, compose, stop::Stop};

pub async fn run(Projector { places }: Projector) -> Result<()> {
    let stop = Stop::on_signals()?;
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    project(store.writer(), (*read_models.connect_options()).clone(), stop).await
}

/// Runs every model until asked to stop. A model that cannot go on leaves the others running; when none is left that is an error.
pub async fn project(reader: Arc<dyn EventReader>, database: PgConnectOptions, stop: Stop) -> Result<()> {
    let mut models = JoinSet::new();
    let feed = Feed::new(reader);
    for model in MODELS {
        models.spawn(Runner::new(*model, Arc::clone(&feed), database.clone()).run());
    }
    let all_stopped = async { while models.join_next().await.is_some() {} };
    tokio::select! {
        () = stop.asked() => Ok(()),
        () = all_stopped => bail!("every read model has stopped: see the log above for the reasons"),
    }
}
