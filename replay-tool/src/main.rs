//! What an auditor needs to trust nobody: `verify` and `export`. It holds a store's reading side only.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use daftar_terminal::Display;

mod audit;
mod cli;
mod documents;
mod examine;
mod export;
mod folding;
mod source;
#[cfg(test)]
mod tests;
mod traces;
mod verify;

use cli::{Cli, Command};
use export::{Seals, export};
use source::Source;
use verify::{Trust, verify};

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
        Command::Verify { source, checkpoints, keys, tiles, json } => {
            let display = if json { Display::silent() } else { Display::new() };
            let report = verify(&Source::open(&source).await?, &Trust { checkpoints, keys, tiles }, &display).await?;
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
    }
}
