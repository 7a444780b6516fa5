//! `daftar import opening-balances`: balances from another system, a whole file or nothing of it.

use std::{
    fs,
    io::{IsTerminal, Write, stderr},
};

use anyhow::Result;
use daftar_billing::opening_balances::{self, Fault, File, ImportError, Task};
use daftar_domain::Reason;
use daftar_store::{Durability, Engine};

use crate::{
    cli::{ImportCommand, OpeningBalances, UsageError},
    compose,
};

pub async fn run(command: ImportCommand) -> Result<()> {
    match command {
        ImportCommand::OpeningBalances(options) => opening_balances(options).await,
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
    let report = opening_balances::carry_out(&engine, &file, &task, |done| show(done, file.rows.len())).await.map_err(usage)?;
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

/// A line that is written over on a terminal, and now and then a line of its own elsewhere.
fn show(done: usize, all: usize) {
    let mut err = stderr().lock();
    // Nobody is told less for not being able to see how far it is.
    let _ = if err.is_terminal() {
        write!(err, "\r{done} of {all} accounts{}", if done == all { "\n" } else { "" })
    } else if done.is_multiple_of(10_000) || done == all {
        writeln!(err, "{done} of {all} accounts")
    } else {
        Ok(())
    };
}
