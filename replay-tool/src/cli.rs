//! The command line.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use daftar_domain::account::CustomerClass;
use daftar_proof::{KeyName, VerifyingKey};
use uuid::Uuid;

use crate::{ledger::Report, tiles::Tiles};

/// Verifies Daftar's log, carries it away, and reckons anew what was made of it. It cannot write to it.
///
/// Exits with 0 if all is well, 1 if something is not as it should be (verify, check-proof, diff, rerate,
/// ledger --check-close), 2 if the command cannot be carried out.
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
        /// Tiles, which locate the wrong event: a folder of them, or the address of a server that has them; an archive brings its own
        #[arg(long, value_name = "DIR|URL", requires = "keys")]
        tiles: Option<Tiles>,
        /// What streams may take in memory, about; the log is read again where that is too little
        #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = daftar_terminal::bytes)]
        memory: usize,
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
    /// Proves a document to be in the log, in a file that is checked with nothing but the log's key
    Prove {
        #[command(subcommand)]
        what: Prove,
    },
    /// Checks such a file, without network or database
    CheckProof {
        file: PathBuf,
        /// The public key of the log: <name>+<id>+<base64>
        #[arg(long = "key", value_name = "KEY", required = true, value_parser = |text: &str| text.parse::<VerifyingKey>())]
        keys: Vec<VerifyingKey>,
    },
    /// Tells where an invoice comes from and what came of it; or what an event was caused by, and what it caused
    Explain {
        /// An invoice's number or id, or an event's id
        what: String,
        #[command(flatten)]
        from: From,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// The books straight from events, as they were known at a time and as they apply to a day
    Ledger {
        /// What was recorded up to this instant, such as 2026-11-01T00:00:00Z [default: all of it]
        #[arg(long, value_name = "INSTANT")]
        as_of_recorded: Option<DateTime<Utc>>,
        /// What counts up to and with this day [default: all of it]
        #[arg(long, value_name = "DATE")]
        as_of_effective: Option<NaiveDate>,
        #[arg(long, value_enum, default_value = "trial-balance")]
        report: Report,
        /// Of whom a statement is
        #[arg(long, value_name = "ID")]
        account: Option<Uuid>,
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        /// Recomputes the digest of every period that was closed, instead of a report
        #[arg(long)]
        check_close: bool,
        #[command(flatten)]
        from: From,
    },
    /// Every fact about an account, a meter or anything else that has an id, in order, with who and when
    Timeline {
        id: Uuid,
        /// Opens personal data: the master key, which wraps the keys of accounts in the database
        #[arg(long, value_name = "FILE", requires = "database_url")]
        master_key_file: Option<PathBuf>,
        /// Where the keys of accounts are
        #[arg(long, value_name = "URL", requires = "master_key_file")]
        database_url: Option<String>,
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        from: From,
    },
    /// Builds read models from events into schemas of their own (read_<model>_scratch), and leaves them there
    Rebuild(ReadModels),
    /// Builds read models from events and compares them row by row with those that are read
    Diff {
        #[command(flatten)]
        models: ReadModels,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Rates every issued invoice anew: with its own tariffs it must come out the same; with others, what would have changed
    Rerate {
        /// A tariff to rate by instead; several are the versions of one series
        #[arg(long = "tariff", value_name = "FILE")]
        tariffs: Vec<PathBuf>,
        /// Supplies that ended on this day or after it
        #[arg(long = "from", value_name = "DATE")]
        from_day: Option<NaiveDate>,
        /// Supplies that ended before this day
        #[arg(long = "to", value_name = "DATE")]
        to_day: Option<NaiveDate>,
        /// Only accounts of this class: residential, commercial, …
        #[arg(long, value_name = "CLASS", value_parser = class)]
        class: Option<CustomerClass>,
        /// Where to write the accounts that the tariff would have changed most for
        #[arg(long, value_name = "FILE", requires = "tariffs")]
        movers: Option<PathBuf>,
        #[command(flatten)]
        from: From,
        /// For machines
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Prove {
    /// An invoice, a credit note or a debit note
    Invoice {
        number: String,
        /// The checkpoint to prove it by, which covers it
        #[arg(long, value_name = "FILE")]
        checkpoint: PathBuf,
        #[command(flatten)]
        from: From,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct From {
    /// Where the log is: postgres://…, esdb://…, or an archive's path, which ends in .daftar
    #[arg(long, value_name = "URL|FILE", env = "EVENTSTORE_URL", hide_env_values = true)]
    pub source: String,
}

#[derive(Debug, Args)]
pub struct ReadModels {
    /// Which read models, if not all
    #[arg(value_name = "MODEL")]
    pub names: Vec<String>,
    /// Where the log is: postgres://… or esdb://…
    #[arg(long, value_name = "URL", env = "EVENTSTORE_URL", hide_env_values = true)]
    pub source: String,
    /// Where the read models are
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// What rows may take in memory before they are written for others to make room
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = daftar_terminal::bytes)]
    pub memory: usize,
}

fn class(text: &str) -> Result<CustomerClass, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
