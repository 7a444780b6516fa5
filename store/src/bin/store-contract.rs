//! Holds a store against the suites that ours pass, one line per case.
//!
//! `store-contract --url esdb://localhost:2113?tls=false` tells whether that server keeps every promise that Daftar's engine relies on.
//! It writes: to streams of its own with random names, so a server in use is not disturbed, but keeps what was written.

use std::{future::Future, process::ExitCode, time::Instant};

use clap::Parser;
use daftar_store::{
    contract::{self, CaseResult, Failure},
    protocol,
};

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    /// The store: esdb://…, kurrentdb://…, postgres://… or memory:
    #[arg(long, env = "ESDB_TEST_URL", hide_env_values = true)]
    url: String,
    /// Only the cases whose name contains this
    #[arg(long, default_value = "")]
    filter: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { url, filter } = Arguments::parse();
    let filter = filter.replace(' ', "_");
    let mut tally = Tally::default();
    if let Err(failure) = hold(&url, &filter, &mut tally).await {
        eprintln!("store-contract: {}", failure.0);
        return ExitCode::from(2);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 && tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the port's contract against any store, and the protocol's besides where the protocol is spoken.
async fn hold(url: &str, filter: &str, tally: &mut Tally) -> Result<(), Failure> {
    let store = daftar_store::open(url).await?;
    for case in contract::CASES.iter().filter(|case| case.name.contains(filter)) {
        tally.note(case.name, (case.run)(contract::Subject::new(store.clone()))).await;
    }
    if daftar_store::speaks_protocol(url) {
        for case in protocol::CASES.iter().filter(|case| case.name.contains(filter)) {
            tally.note(case.name, (case.run)(protocol::Subject::connect(url)?)).await;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    async fn note(&mut self, name: &str, case: impl Future<Output = CaseResult>) {
        let sentence = name.replace('_', " ");
        let begun = Instant::now();
        match case.await {
            Ok(()) => {
                self.passed += 1;
                println!("ok      {sentence} ({:.0?})", begun.elapsed());
            }
            Err(Failure(reason)) => {
                self.failed += 1;
                println!("FAILED  {sentence}: {reason}");
            }
        }
    }
}
