//! `daftar projections`: how the read models are, and building them anew.

use std::sync::Arc;

use anyhow::{Result, bail};
use chrono::Utc;
use daftar_projections::{
    MODELS, Model, Status,
    rebuild::{self, Progress},
    search, status,
};
use daftar_store::{
    Durability,
    keyring::{Keyring, LocalMasterKey},
};

use daftar_terminal::Display;

use crate::{
    cli::{IndexNames, ProjectionsCommand, RebuildProjections, StatusOfProjections, UsageError},
    compose,
    stop::Stop,
};

pub async fn run(command: ProjectionsCommand) -> Result<()> {
    match command {
        ProjectionsCommand::Status(options) => show_status(options).await,
        ProjectionsCommand::Rebuild(options) => rebuild(options).await,
        ProjectionsCommand::IndexNames(options) => index_names(options).await,
    }
}

async fn show_status(StatusOfProjections { places, json }: StatusOfProjections) -> Result<()> {
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let mut db = compose::reach(&compose::postgres_options(&places.database_url)?, places.wait).await?;
    let all = status(&mut db, &*store.writer(), MODELS, Utc::now()).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        print_table(&all);
    }
    let stopped = all.iter().filter(|status| status.stopped_because.is_some()).count();
    if stopped > 0 {
        bail!("{stopped} of {} read models have stopped", all.len());
    }
    Ok(())
}

fn print_table(all: &[Status]) {
    println!("{:12} {:>7} {:>10} {:>8} {:>9} {:>9}  kept by", "model", "version", "position", "behind", "seconds", "events/s");
    for status in all {
        let Status { model, behind_events, behind_seconds, events_per_second, .. } = status;
        let version = match status.version {
            Some(version) if version == status.program => version.to_string(),
            Some(version) => format!("{version}≠{}", status.program),
            None => "none".to_owned(),
        };
        let position = status.position.map_or("-".to_owned(), |position| position.to_string());
        let behind = if *behind_events >= daftar_projections::COUNTED { format!("{behind_events}+") } else { behind_events.to_string() };
        let leader = status.leader.as_deref().unwrap_or("nobody");
        println!("{model:12} {version:>7} {position:>10} {behind:>8} {behind_seconds:>9.1} {events_per_second:>9.0}  {leader}");
        match (&status.stopped_because, &status.last_error, status.last_error_at) {
            (Some(reason), _, _) => println!("             stopped: {reason}"),
            (None, Some(error), Some(at)) => println!("             last error, at {}: {error}", at.format("%F %T UTC")),
            (None, _, _) => {}
        }
    }
}

async fn rebuild(RebuildProjections { places, names, all, memory }: RebuildProjections) -> Result<()> {
    let models = chosen(&names, all)?;
    let stop = Stop::on_signals()?;
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let database = compose::postgres_options(&places.database_url)?;
    compose::open_read_models(&places.database_url, places.wait).await?.close().await;
    let display = Display::new();
    let (reader, show) = (store.writer(), |progress| show(&display, progress));
    let rebuilt = tokio::select! {
        rebuilt = rebuild::rebuild(&models, &*reader, &database, memory, &show) => Some(rebuilt),
        () = stop.asked() => None,
    };
    display.end();
    if !matches!(rebuilt, Some(Ok(()))) {
        rebuild::discard(&models, &database).await?;
    }
    match rebuilt {
        Some(rebuilt) => Ok(rebuilt?),
        None => bail!("interrupted: what was built is dropped, and what was read is as it was"),
    }
}

async fn index_names(IndexNames { places, master_key_file }: IndexNames) -> Result<()> {
    let master = LocalMasterKey::read(&master_key_file)?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    let keyring = Keyring::new(read_models.clone(), Arc::new(master)).await?;
    let display = Display::new();
    let indexed = search::index(&read_models, &keyring, &|count| display.now_and_then(|| format!("{count} accounts"))).await;
    display.end();
    println!("{} accounts are found by what they are called and reached at", indexed?);
    Ok(())
}

fn chosen(names: &[String], all: bool) -> Result<Vec<Model>, UsageError> {
    let known = || MODELS.iter().map(|model| model.name).collect::<Vec<_>>().join(", ");
    match (names, all) {
        ([], true) => Ok(MODELS.to_vec()),
        ([], false) => Err(UsageError(format!("name read models, or --all of them: {}", known()))),
        (names, _) => names
            .iter()
            .map(|name| {
                let model = MODELS.iter().find(|model| model.name == name).copied();
                model.ok_or_else(|| UsageError(format!("there is no read model `{name}`, only {}", known())))
            })
            .collect(),
    }
}

fn show(display: &Display, progress: Progress) {
    match progress {
        Progress::Read { events, position, of } => {
            let share = of.map(|of| (position.commit.saturating_mul(100) / of.commit.max(1)).min(100));
            display.now_and_then(|| {
                let rate = events as f64 / display.seconds();
                format!("{}{events} events, {rate:.0} events/s", share.map(Display::bar).unwrap_or_default())
            });
        }
        Progress::Indexing { model } => display.line(&format!("{model}: indexes, and what came meanwhile")),
        Progress::Swapped { model, events } => display.line(&format!("{model}: built anew from {events} events")),
    }
}
