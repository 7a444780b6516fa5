//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use daftar_proof::{KeyName, VerifyingKey};

/// Verifies and carries away Daftar's log. It cannot write to it.
///
/// Exits with 0 if all is well, 1 if the log is not what it was, 2 if the command cannot be carried out.
#[derive(Debug, Parser)]
#[command(name = "replay-tool", version, about, long_about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads every event, and holds the log against what was promised
    Verify {
        /// Where the log is: postgres://…, esdb://…, or an archive's path, which ends in .daftar
        #[arg(long, value_name = "URL|FILE", env = "EVENTSTORE_URL", hide_env_values = true)]
        source: String,
        /// A checkpoint that was kept apart from the log
        #[arg(long = "checkpoint", value_name = "FILE", requires = "keys")]
        checkpoints: Vec<PathBuf>,
        /// The public key of the log: <name>+<id>+<base64>
        #[arg(long = "key", value_name = "KEY", value_parser = |text: &str| text.parse::<VerifyingKey>())]
        keys: Vec<VerifyingKey>,
        /// Tiles, which locate the wrong event; an archive brings its own
        #[arg(long, value_name = "DIR", requires = "keys")]
        tiles: Option<PathBuf>,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Writes the log to an archive, or goes on with one
    Export {
        /// Where the log is: postgres://… or esdb://…
        #[arg(long, value_name = "URL", env = "EVENTSTORE_URL", hide_env_values = true)]
        source: String,
        /// The log's name, as in its key
        #[arg(long, value_name = "NAME", value_parser = |text: &str| text.parse::<KeyName>())]
        origin: KeyName,
        /// A checkpoint to put in
        #[arg(long = "checkpoint", value_name = "FILE")]
        checkpoints: Vec<PathBuf>,
        /// Tiles, whose hashes go in with the checkpoints
        #[arg(long, value_name = "DIR")]
        tiles: Option<PathBuf>,
        /// The archive
        file: PathBuf,
    },
}
