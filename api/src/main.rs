use std::process::ExitCode;

use clap::Parser;
use daftar_api::{
    cli::{Cli, UsageError},
    commands,
};
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Our own doings; of others only what is wrong.
const LOGGED: &str = "warn,daftar_api=info,daftar_projections=info,daftar_store=info,eventstore_client=info";

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match commands::run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

/// As text for people, or as one JSON object a line with DAFTAR_LOG_FORMAT=json. DAFTAR_LOG says what is logged.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("DAFTAR_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("DAFTAR_LOG_FORMAT").is_ok_and(|format| format == "json") {
        log.json().init();
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}
