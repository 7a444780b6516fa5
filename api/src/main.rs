use std::process::ExitCode;

use clap::Parser;
use daftar_api::{
    cli::{Cli, UsageError},
    commands, telemetry,
};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match telemetry::begin() {
        Ok(telemetry) => {
            let done = commands::run(cli.command).await;
            telemetry.end().await;
            done
        }
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}
