//! `daftar migrate`: tables, functions, roles and privileges, by whoever owns the database. Running it again changes nothing.

use std::time::Duration;

use anyhow::{Context, Result};
use daftar_store::{keyring, postgres};
use sqlx::Connection;

use crate::{
    auth,
    cli::{Migrate, SecretUrl},
    compose,
};

pub async fn run(Migrate { places }: Migrate) -> Result<()> {
    if compose::is_postgres(places.log()) {
        migrate_log(places.log(), places.wait).await?;
        println!("log          up to date");
    } else {
        println!("log          kept by the event store, which needs no tables of ours");
    }
    migrate_rest(&places.database_url, places.wait).await?;
    println!("keys         up to date");
    println!("read models  up to date");
    Ok(())
}

pub async fn migrate_log(url: &SecretUrl, wait: Duration) -> Result<()> {
    compose::reach(&compose::postgres_options(url)?, wait).await?.close().await?;
    postgres::migrate(url.reveal()).await.context("the log cannot be migrated")
}

/// All that is not the log: it lives in PostgreSQL wherever the log is.
pub async fn migrate_rest(url: &SecretUrl, wait: Duration) -> Result<()> {
    let mut db = compose::reach(&compose::postgres_options(url)?, wait).await?;
    keyring::migrator().run(&mut db).await.context("the keys cannot be migrated")?;
    auth::migrator().run(&mut db).await.context("the tables of signing in cannot be migrated")?;
    daftar_projections::migrate(&mut db).await.context("the read models cannot be migrated")?;
    daftar_billing::migrator().run(&mut db).await.context("the tables of the billing processes cannot be migrated")?;
    daftar_sealer::migrator().run(&mut db).await.context("the tables of the seal cannot be migrated")?;
    db.close().await?;
    Ok(())
}
