//! What an auditor needs to trust nobody, and finance to reckon everything anew. Of the log it holds the reading side only.

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result, bail};
use clap::Parser;
use daftar_domain::{
    ids::AccountId,
    ledger::periods::PeriodClosed,
    tariff::{Series, Tariff},
};
use daftar_projections::Place;
use daftar_store::{
    EventReader,
    keyring::{Keyring, LocalMasterKey},
};
use daftar_terminal::{Align, Display, Table};
use mimalloc::MiMalloc;
use serde_json::Value;
use sqlx::{PgPool, postgres::PgConnectOptions};

mod audit;
mod cli;
mod diff;
mod documents;
mod examine;
mod explain;
mod export;
mod ledger;
mod prove;
mod rerate;
mod revenue;
mod source;
mod streams;
#[cfg(test)]
mod tests;
mod tiles;
mod timeline;
mod traces;
mod tree;
mod verify;

use cli::{Cli, Command, Format, Prove, ReadModels};
use export::{Seals, export};
use ledger::{AsOf, Closed};
use rerate::Other;
use revenue::{Range, Revenue};
use source::Source;
use verify::{Trust, verify};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Carries out the command, and says whether all is well.
async fn run(command: Command) -> Result<bool> {
    match command {
        Command::Verify { source, checkpoints, keys, tiles, memory, json } => {
            let display = if json { Display::silent() } else { Display::new() };
            let trust = Trust { checkpoints, keys, tiles };
            let report = verify(&Source::open(&source).await?, &trust, memory, &display).await?;
            print!("{}", if json { format!("{:#}\n", report.to_json()) } else { report.to_text() });
            Ok(report.is_good())
        }
        Command::Export { source, origin, checkpoints, tiles, file } => {
            let Source::Store(store) = Source::open(&source).await? else {
                bail!("`{source}` is an archive already");
            };
            let exported = export(&store, &file, &origin, &Seals { checkpoints, tiles }).await?;
            println!("{} events in {}, {} of them new", exported.events, file.display(), exported.events - exported.kept);
            if exported.mended > 0 {
                println!("{} damaged bytes at its end were written anew", exported.mended);
            }
            println!("digest {}", exported.digest);
            Ok(true)
        }
        Command::Prove { what: Prove::Invoice { number, checkpoint, from } } => {
            println!("{}", prove::prove(&Source::open(&from.source).await?, &number, &checkpoint).await?.to_json()?);
            Ok(true)
        }
        Command::CheckProof { file, keys } => {
            let json = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let checked = prove::check(&json, &keys);
            match &checked {
                Ok(text) => print!("{text}"),
                Err(error) => println!("This proves nothing: {error:#}."),
            }
            Ok(checked.is_ok())
        }
        Command::Explain { what, from, json } => {
            let tree = explain::explain(&Source::open(&from.source).await?, &what).await?;
            print!("{}", if json { serde_json::to_string_pretty(&tree)? + "\n" } else { tree.to_text() });
            Ok(true)
        }
        Command::Ledger { as_of_recorded, as_of_effective, report, account, format, check_close, from } => {
            let source = Source::open(&from.source).await?;
            if check_close {
                let closed = ledger::check_close(&source).await?;
                print!("{}", shown(&closes(&closed), format));
                return Ok(closed.iter().all(Closed::is_same));
            }
            let as_of = AsOf { recorded: as_of_recorded, effective: as_of_effective };
            let table = ledger::report(&source, report, as_of, account.map(AccountId::new)).await?;
            print!("{}", shown(&table, format));
            Ok(true)
        }
        Command::Timeline { id, master_key_file, database_url, format, from } => {
            let source = Source::open(&from.source).await?;
            let keys = match (master_key_file, database_url) {
                (Some(file), Some(url)) => {
                    let pool = PgPool::connect_with(database(&url)?).await.context("the database of the keys cannot be reached")?;
                    Some(Keyring::new(pool, Arc::new(LocalMasterKey::read(&file)?)).await?)
                }
                _ => None,
            };
            print!("{}", shown(&timeline::timeline(&source, id, keys.as_ref()).await?, format));
            Ok(true)
        }
        Command::Rebuild(ReadModels { names, source, database_url, memory }) => {
            let (models, store) = (diff::models(&names)?, store(&source).await?);
            diff::rebuild(&models, &store, &database(&database_url)?, memory, &Display::new()).await?;
            models.iter().for_each(|model| println!("{}", Place::Scratch.schema(model)));
            Ok(true)
        }
        Command::Diff { models: ReadModels { names, source, database_url, memory }, json } => {
            let (models, store) = (diff::models(&names)?, store(&source).await?);
            let display = if json { Display::silent() } else { Display::new() };
            let diff = diff::diff(&models, &store, &database(&database_url)?, memory, &display).await?;
            print!("{}", if json { format!("{:#}\n", diff.to_json()) } else { diff.to_text() });
            Ok(diff.is_empty())
        }
        Command::Rerate { tariffs, from_day, to_day, class, movers, from, json } => {
            let other = other(&tariffs)?;
            let mut invoices = rerate::rerate(&Source::open(&from.source).await?, other.as_ref()).await?;
            let range = Range { from: from_day, to: to_day, class };
            invoices.retain(|invoice| range.has(invoice));
            if other.is_none() {
                let (table, differences) = revenue::differences(&invoices);
                let all = format!(
                    "{} of {} invoices come out as they were issued\n",
                    invoices.iter().filter(|invoice| invoice.is_same).count(),
                    invoices.len()
                );
                print!(
                    "{}",
                    if json {
                        format!("{differences:#}\n")
                    } else if table.is_empty() {
                        all
                    } else {
                        table.to_text() + &all
                    }
                );
                return Ok(table.is_empty());
            }
            let revenue = Revenue::of(&invoices);
            if let Some(file) = movers {
                fs::write(&file, revenue.movers(MOVERS).to_csv()).with_context(|| format!("{} cannot be written", file.display()))?;
            }
            print!("{}", if json { format!("{:#}\n", revenue.to_json()) } else { revenue.to_text() });
            Ok(true)
        }
    }
}

fn closes(closed: &[Closed]) -> Table {
    let mut table = Table::new(["period", "position", "sealed", "recomputed", "same"].map(|name| (name, Align::Left)));
    for closed in closed {
        let same = if closed.is_same() { "yes" } else { "NO" };
        let PeriodClosed { period, position, trial_balance, .. } = &closed.fact;
        table.row([period.to_string(), position.to_string(), trial_balance.to_string(), closed.recomputed.to_string(), same.to_owned()]);
    }
    table
}

fn shown(table: &Table, format: Format) -> String {
    let (names, rows) = table.cells();
    match format {
        Format::Table => table.to_text(),
        Format::Csv => table.to_csv(),
        Format::Json => {
            let object = |row: &Vec<String>| names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), cell.as_str().into())).collect();
            format!("{:#}\n", Value::Array(rows.iter().map(|row| Value::Object(object(row))).collect()))
        }
    }
}

/// Accounts in a list of those for which most would change.
const MOVERS: usize = 1_000;

async fn store(source: &str) -> Result<Arc<dyn EventReader>> {
    match Source::open(source).await? {
        Source::Store(store) => Ok(store),
        Source::Archive(_) => bail!("`{source}` is an archive, and read models are made of a store"),
    }
}

fn database(url: &str) -> Result<PgConnectOptions> {
    // The URL itself stays out of the message.
    url.parse().context("the database URL is malformed")
}

fn other(files: &[PathBuf]) -> Result<Option<Other>> {
    let read = |file: &PathBuf| -> Result<Tariff> {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        text.parse().with_context(|| format!("{} is no tariff", file.display()))
    };
    let tariffs = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    let Some(service) = tariffs.first().map(|tariff| tariff.service) else { return Ok(None) };
    Ok(Some(Other { service, series: Series::of(tariffs)? }))
}
