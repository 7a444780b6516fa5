//! `daftar demo`: makes up a company and its history, and loads it into an empty store.
//!
//! The history is made beside a PostgreSQL server of its own, which is thrown away: nothing of it is in the store before all of it is there.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use daftar_cluster::{Cluster, Options, SUPERUSER};
use daftar_demo::{Company, Story, Wish, load, make};
use daftar_projections::{MODELS, rebuild};
use daftar_store::{
    Durability,
    keyring::{Keyring, LocalMasterKey},
    log::Log,
};
use daftar_terminal::Display;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::spawn_blocking;

use crate::{
    cli::{Demo, DemoCompany, Places, SecretUrl, UsageError},
    compose::{self, EventStore},
    stop::Stop,
};

impl From<DemoCompany> for Wish {
    fn from(DemoCompany { accounts, months, seed }: DemoCompany) -> Self {
        Self { accounts, months, seed }
    }
}

pub async fn run(Demo { company, places, master_key_file }: Demo) -> Result<()> {
    let (stop, wish) = (Stop::on_signals()?, Wish::from(company));
    wish.check().map_err(|error| UsageError(error.to_string()))?;
    let Places { database_url, wait, .. } = &places;
    let EventStore::Log(log) = compose::open_store(places.log(), *wait, Durability::Required).await? else {
        bail!("a demo's facts name positions as PostgreSQL counts them: another event store cannot take it");
    };
    let read_models = compose::open_read_models(database_url, *wait).await?;
    let master = LocalMasterKey::read_or_create(&master_key_file)?;
    let keyring = Keyring::new(read_models.clone(), Arc::new(master)).await?;
    let into = Into { log: &log, keyring: &keyring, owner: database_url, read_models: &read_models, wait: *wait };
    tokio::select! {
        loaded = load_into(into, wish) => {
            if !loaded? {
                println!("this demo is loaded already");
            }
            Ok(())
        }
        () = stop.asked() => bail!("interrupted: run it again, and what is there already is left as it is"),
    }
}

/// Where a demo is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Into<'a> {
    pub log: &'a Log,
    pub keyring: &'a Keyring,
    /// May mark the store as a demo.
    pub owner: &'a SecretUrl,
    pub read_models: &'a PgPool,
    pub wait: Duration,
}

/// Makes and loads the company and builds the read models; false if it is there already.
pub async fn load_into(Into { log, keyring, owner, read_models, wait }: Into<'_>, wish: Wish) -> Result<bool> {
    let mut owner = compose::reach(&compose::postgres_options(owner)?, wait).await?;
    if !load::is_wanted(wish, log, &mut owner).await? {
        return Ok(false);
    }
    let Wish { accounts, months, seed } = wish;
    println!("دفتر للمياه والكهرباء · Daftar Water & Power");
    println!("A company that does not exist: {accounts} accounts, {months} months, seed {seed}.");
    let display = Display::new();
    let company = made(wish, &display).await?;
    load::load(&company, log, keyring, &mut owner, &|percent| shown(&display, "loading the log", percent)).await?;
    rebuild::rebuild(MODELS, log, &read_models.connect_options(), rebuild::MEMORY, &|progress| {
        if let rebuild::Progress::Read { position, of: Some(of), .. } = progress {
            shown(&display, "building the read models", position.commit.saturating_mul(100) / of.commit.max(1));
        }
    })
    .await?;
    display.end();
    println!("Made in {:.0} seconds:", display.seconds());
    print!("{}", Story::of(&company).await?);
    println!();
    Ok(true)
}

async fn made(wish: Wish, display: &Display) -> Result<Company> {
    let scratch = spawn_blocking(|| Cluster::throw_away(Options::throw_away())).await?.context("PostgreSQL does not start")?;
    let url = scratch.url("postgres", SUPERUSER);
    daftar_projections::migrate(&mut PgConnection::connect(&url).await?).await?;
    let pool = PgPool::connect(&url).await?;
    let company = make(wish, &pool, &|percent| shown(display, "telling the history", percent)).await;
    pool.close().await;
    spawn_blocking(move || drop(scratch)).await?;
    Ok(company?)
}

fn shown(display: &Display, what: &str, percent: u64) {
    display.now_and_then(|| format!("{}{what}", Display::bar(percent)));
}
