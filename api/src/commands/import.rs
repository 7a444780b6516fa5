//! `daftar import opening-balances`: balances from another system, a whole file or nothing of it.

use std::fs;

use anyhow::Result;
use daftar_billing::opening_balances::{self, Fault, File, ImportError, Task};
use daftar_domain::Reason;
use daftar_store::{Durability, Engine};

use daftar_terminal::Display;

use super::import_archive;
use crate::{
    cli::{ImportCommand, OpeningBalances, UsageError},
    compose,
};

pub async fn run(command: ImportCommand) -> Result<()> {
    match command {
        ImportCommand::OpeningBalances(options) => opening_balances(options).await,
        ImportCommand::Archive(options) => import_archive::run(options).await,
    }
}

async fn opening_balances(OpeningBalances { file: path, dry_run, reverse, reason, places }: OpeningBalances) -> Result<()> {
    let text = fs::read_to_string(&path).map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
    let file = File::parse(&text).map_err(|faults| UsageError(format!("{}:{}", path.display(), list(&faults))))?;
    let task = match (reverse, reason) {
        (true, reason) => Task::Reverse(Reason::new(reason.unwrap_or_default()).map_err(|error| UsageError(format!("--reason: {error}")))?),
        (false, _) => Task::Import,
    };
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let engine = Engine::new(store.writer());
    if dry_run {
        let totals = opening_balances::check(&engine, &file, &task).await.map_err(usage)?;
        println!("{totals}\nnothing was changed: this was a dry run");
        return Ok(());
    }
    let (display, all) = (Display::new(), file.rows.len() as u64);
    let show = |done: usize| display.now_and_then(|| format!("{}{done} of {all} accounts", Display::bar(done as u64 * 100 / all)));
    let report = opening_balances::carry_out(&engine, &file, &task, show).await;
    display.end();
    let report = report.map_err(usage)?;
    println!("{}\nwritten   {}", report.totals, report.written);
    Ok(())
}

/// A file that is refused is the caller's to mend; anything else is not.
fn usage(error: ImportError) -> anyhow::Error {
    match error {
        ImportError::Faults(_) => UsageError(error.to_string()).into(),
        ImportError::HalfDone(_) | ImportError::Interrupted(_) => error.into(),
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}
