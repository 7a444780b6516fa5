//! The command line, and the environment that stands in for it.

use std::{fmt, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use axum::http::HeaderValue;
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{ArgGroup, Args, Parser, Subcommand};
use daftar_domain::{Code, Reason, VatCategory, account::CustomerClass, ids::ReadingId, user::Role};
use daftar_proof::KeyName;
use rust_decimal::Decimal;
use thiserror::Error;

use crate::http::{Settings, limits};

/// Daftar, the billing engine.
#[derive(Debug, Parser)]
#[command(name = "daftar", version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts everything on this machine, with a PostgreSQL server of its own unless DATABASE_URL names one
    Up(Up),
    /// Serves GraphQL
    Server(Server),
    /// Keeps the read models up to date, and seals the log
    Projector(Projector),
    /// Looks after the keys that seal the log
    #[command(subcommand)]
    Seal(SealCommand),
    /// Looks after the read models
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Brings the tables of log, keys and read models up to date; run by their owner
    Migrate(Migrate),
    /// Bills the accounts of a cycle; interrupted, it is run again and goes on
    BillRun(BillRun),
    /// Cancels an invoice, puts readings right, bills its days anew, and with it the later invoices that follow from it
    CorrectInvoice(CorrectInvoice),
    /// Seals the books of a month, which are never opened again: what comes late is posted in the month that is open
    ClosePeriod(ClosePeriod),
    /// Looks after accounting periods
    #[command(subcommand)]
    Period(PeriodCommand),
    /// Ends a day that is over: what is late falls overdue and bears its fee, and gateways are asked what they owe us
    DayEnd(DayEnd),
    /// Ends every day as it is over, and looks after payments at gateways and supplies that are to be cut or restored
    Scheduler(Scheduler),
    /// Brings data over from other systems
    #[command(subcommand)]
    Import(ImportCommand),
    /// Looks after users, by whoever runs the machine
    #[command(subcommand)]
    User(UserCommand),
    /// Makes up a company and its history, and loads it into an empty store
    Demo(Demo),
    /// Serves a log over EventStoreDB's protocol on loopback
    Node(Node),
    /// Serves a payment gateway that takes no money and does what it is told, on loopback
    SimulatedGateway(SimulatedGateway),
    /// Serves a head-end whose smart meters are made up, and that does what it is told, on loopback
    SimulatedHeadEnd(SimulatedHeadEnd),
    /// Rates usage by tariff files and explains the bill
    Rate(Rate),
    /// Looks after tariff files
    #[command(subcommand)]
    Tariff(TariffCommand),
}

/// Where everything is kept.
#[derive(Clone, Debug, Args)]
pub struct Places {
    /// PostgreSQL with the read models and the keys, and with the log unless --event-store-url names another place
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: SecretUrl,
    /// Where the log is: postgres://…, esdb://…, esdb+discover://…
    #[arg(long, value_name = "URL", env = "EVENTSTORE_URL", hide_env_values = true)]
    pub event_store_url: Option<SecretUrl>,
    /// Seconds to wait for a server that is down
    #[arg(long, value_name = "SECONDS", env = "DAFTAR_WAIT", default_value = "30", value_parser = seconds)]
    pub wait: Duration,
}

impl Places {
    pub fn log(&self) -> &SecretUrl {
        self.event_store_url.as_ref().unwrap_or(&self.database_url)
    }
}

/// Who takes payments for us, and how payments are.
#[derive(Clone, Debug, Args)]
pub struct Gateways {
    /// The simulated payment gateway, such as http://127.0.0.1:8090; its secret is in DAFTAR_SIMULATED_GATEWAY_SECRET
    #[arg(long, value_name = "URL", env = "DAFTAR_SIMULATED_GATEWAY")]
    pub simulated_gateway: Option<String>,
    /// The simulated head-end of smart meters, such as http://127.0.0.1:8091; its secret is in DAFTAR_SIMULATED_HEAD_END_SECRET
    #[arg(long, value_name = "URL", env = "DAFTAR_SIMULATED_HEAD_END")]
    pub simulated_head_end: Option<String>,
    /// Where days begin and end
    #[arg(long, value_name = "ZONE", env = "DAFTAR_TIME_ZONE", default_value = "Asia/Riyadh")]
    pub time_zone: Tz,
}

#[derive(Debug, Args)]
pub struct DayEnd {
    /// Such as 2026-10-31
    #[arg(value_name = "DATE")]
    pub day: NaiveDate,
    #[command(flatten)]
    pub schedule: Scheduler,
}

#[derive(Debug, Args)]
pub struct Scheduler {
    #[command(flatten)]
    pub places: Places,
    #[command(flatten)]
    pub gateways: Gateways,
    /// Who sells, what lateness costs, how fees are taxed (docs/day-end.md); without it nothing is charged
    #[arg(long, value_name = "FILE", env = "DAFTAR_BILL_TERMS")]
    pub terms: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SimulatedGateway {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Where to call back; the secret is in DAFTAR_SIMULATED_GATEWAY_SECRET
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/webhooks/payments/simulated")]
    pub callback: String,
    /// Stops when standard input ends
    #[arg(long)]
    pub attached: bool,
}

#[derive(Debug, Args)]
pub struct SimulatedHeadEnd {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8091")]
    pub listen: SocketAddr,
    /// Where to call back; the secret is in DAFTAR_SIMULATED_HEAD_END_SECRET
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/webhooks/switches")]
    pub callback: String,
    /// Stops when standard input ends
    #[arg(long)]
    pub attached: bool,
}

#[derive(Debug, Args)]
pub struct Server {
    #[command(flatten)]
    pub places: Places,
    #[command(flatten)]
    pub gateways: Gateways,
    /// Where to listen. Beyond this machine put a proxy in front that speaks TLS: this server does not
    #[arg(long, value_name = "ADDRESS", env = "DAFTAR_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The key that wraps the keys of personal data: a file of 32 bytes that nobody else can read
    #[arg(long, value_name = "FILE", env = "DAFTAR_MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,
    /// Where what people attach is kept; every server needs the same
    #[arg(long, value_name = "DIRECTORY", env = "DAFTAR_FILES", default_value = ".daftar/files")]
    pub files: PathBuf,
    #[command(flatten)]
    pub door: Doorkeeper,
    /// Who sells, how documents are numbered and when they are due (docs/bill-runs.md); without it none is issued from here
    #[arg(long, value_name = "FILE", env = "DAFTAR_BILL_TERMS")]
    pub terms: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Projector {
    #[command(flatten)]
    pub places: Places,
    #[command(flatten)]
    pub sealing: Sealing,
}

/// What seals the log, and where.
#[derive(Clone, Debug, Args)]
pub struct Sealing {
    /// The keys that sign checkpoints; made at the first start. DAFTAR_SEAL_KEY may hold them instead
    #[arg(long, value_name = "FILE", env = "DAFTAR_SEAL_KEY_FILE")]
    pub seal_key_file: Option<PathBuf>,
    /// What the log is called in its checkpoints, once a key is made
    #[arg(long, value_name = "NAME", env = "DAFTAR_SEAL_ORIGIN", default_value = "daftar.local/books", value_parser = |text: &str| text.parse::<KeyName>())]
    pub seal_origin: KeyName,
    /// A folder that gets the checkpoint and the tiles too
    #[arg(long, value_name = "DIRECTORY", env = "DAFTAR_SEAL_FOLDER")]
    pub seal_folder: Option<PathBuf>,
    /// Seconds that an event waits at most until it is sealed
    #[arg(long, value_name = "SECONDS", env = "DAFTAR_SEAL_EVERY", default_value = "10", value_parser = seconds)]
    pub seal_every: Duration,
}

#[derive(Debug, Subcommand)]
pub enum SealCommand {
    /// Shows the public half of each key: what auditors check with
    Key(SealKeys),
    /// Has a new key sign beside those there are, from the next start of the projector on
    Rotate(SealKeys),
    /// Leaves the newest key to sign alone, from the next start of the projector on
    Retire(SealKeys),
}

#[derive(Debug, Args)]
pub struct SealKeys {
    /// Where the keys are
    #[arg(long, value_name = "FILE", env = "DAFTAR_SEAL_KEY_FILE", default_value = ".daftar/postgres/seal.key")]
    pub seal_key_file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum ProjectionsCommand {
    /// Says how far each is, who keeps it, and why one has stopped; exit code 1 if one has
    Status(StatusOfProjections),
    /// Builds them anew from the log while the old ones serve
    Rebuild(RebuildProjections),
    /// Has every account found by its holder's name and its contacts anew: after an upgrade, or once keys were brought over
    IndexNames(IndexNames),
}

#[derive(Debug, Args)]
pub struct IndexNames {
    #[command(flatten)]
    pub places: Places,
    /// The key that wraps the keys of personal data: a file of 32 bytes that nobody else can read
    #[arg(long, value_name = "FILE", env = "DAFTAR_MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,
}

#[derive(Debug, Args)]
pub struct StatusOfProjections {
    #[command(flatten)]
    pub places: Places,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RebuildProjections {
    #[command(flatten)]
    pub places: Places,
    /// Which read models
    #[arg(value_name = "NAME", conflicts_with = "all")]
    pub names: Vec<String>,
    /// Every read model, in one pass over the log
    #[arg(long)]
    pub all: bool,
    /// What rows may take in memory before they are written for others to make room: 512MiB, 2GiB
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = daftar_terminal::bytes)]
    pub memory: usize,
}

/// How the door is kept.
#[derive(Debug, Args)]
pub struct Doorkeeper {
    /// Requests a second of one user; four times as many may come at once
    #[arg(long, value_name = "N", env = "DAFTAR_RATE_PER_USER", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_per_user: u32,
    /// Requests a second of one address; four times as many may come at once
    #[arg(long, value_name = "N", env = "DAFTAR_RATE_PER_ADDRESS", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_per_address: u32,
    /// Seconds that a request, and each of its SQL statements, may take
    #[arg(long, value_name = "SECONDS", env = "DAFTAR_REQUEST_TIMEOUT", default_value = "30", value_parser = seconds)]
    pub request_timeout: Duration,
    /// Takes the last address in X-Forwarded-For for the visitor's: only behind a proxy that writes it
    #[arg(long, env = "DAFTAR_BEHIND_PROXY")]
    pub behind_proxy: bool,
    /// Whose pages may read our answers, such as https://portal.example; may be given several times
    #[arg(long, value_name = "ORIGIN", env = "DAFTAR_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origin: Vec<HeaderValue>,
    /// Serves a page to try queries and what machines ask for, at /graphql
    #[arg(long, env = "DAFTAR_EXPLORER")]
    pub explorer: bool,
}

impl Doorkeeper {
    pub fn settings(&self) -> Settings {
        let rate = |per_second: u32| limits::Rate { per_second, burst: per_second * 4 };
        Settings {
            per_user: rate(self.rate_per_user),
            per_address: rate(self.rate_per_address),
            patience: self.request_timeout,
            behind_proxy: self.behind_proxy,
            origins: self.cors_origin.clone(),
            explorer: self.explorer,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Registers a member of staff, such as the first admin
    Create(CreateUser),
    /// Gives a user a new password, takes the second factor away, and ends all sessions and locks
    Reset(ResetUser),
}

#[derive(Debug, Args)]
pub struct CreateUser {
    /// The name to sign in with: one word
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What they may do: cashier, technician, billing, finance, auditor, admin; may be given several times
    #[arg(long, value_name = "ROLE", required = true, value_parser = role)]
    pub role: Vec<Role>,
    #[command(flatten)]
    pub door: Door,
}

#[derive(Debug, Args)]
pub struct ResetUser {
    /// The name they sign in with
    #[arg(long, value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub door: Door,
}

/// What both need.
#[derive(Debug, Args)]
pub struct Door {
    /// A file with the password; without one, and without DAFTAR_USER_PASSWORD, one is made up and printed once
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The key that wraps the keys of personal data
    #[arg(long, value_name = "FILE", env = "DAFTAR_MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,
    #[command(flatten)]
    pub places: Places,
}

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub places: Places,
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// What accounts owe, have paid and have left as a deposit: all of a file, or nothing of it
    OpeningBalances(OpeningBalances),
    /// A whole log from the archive that `replay-tool export` wrote, into an empty store; interrupted, it is run again and goes on
    Archive(ImportArchive),
}

#[derive(Debug, Args)]
pub struct ImportArchive {
    /// The archive
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The store: postgres://… (migrated), esdb://…
    #[arg(long, value_name = "URL", env = "EVENTSTORE_URL", hide_env_values = true)]
    pub into: SecretUrl,
    /// Seconds to wait for a server that is down
    #[arg(long, value_name = "SECONDS", env = "DAFTAR_WAIT", default_value = "30", value_parser = seconds)]
    pub wait: Duration,
}

#[derive(Debug, Args)]
pub struct OpeningBalances {
    /// JSON Lines: what all comes to, then a line for each account (docs/opening-balances.md)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Checks everything and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Takes away again what the file brought
    #[arg(long, requires = "reason")]
    pub reverse: bool,
    /// Why it is taken away
    #[arg(long, value_name = "TEXT", requires = "reverse")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub places: Places,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("task").required(true).args(["dry_run", "execute", "abandon"])))]
pub struct BillRun {
    /// The month, such as 2026-10; also the run's name, unless --name gives another
    #[arg(long, value_name = "MONTH")]
    pub cycle: Code,
    /// Says what would come of it, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Issues and charges the invoices
    #[arg(long)]
    pub execute: bool,
    /// Gives up a run that was interrupted: what it has listed is issued, and the rest is left to a run of another name
    #[arg(long, value_name = "REASON")]
    pub abandon: Option<Reason>,
    /// Who sells, in which register and series it is numbered, when it is due (docs/bill-runs.md)
    #[arg(long, value_name = "FILE", env = "DAFTAR_BILL_TERMS")]
    pub terms: PathBuf,
    /// What the run is called: several of one cycle need names of their own
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Usage is billed up to and without this day [default: the first of the next month]
    #[arg(long, value_name = "DATE")]
    pub cut_off: Option<NaiveDate>,
    /// The date on the invoices [default: the cut-off]
    #[arg(long, value_name = "DATE")]
    pub issued_on: Option<NaiveDate>,
    /// Only what is read in this cycle
    #[arg(long, value_name = "CODE")]
    pub read_cycle: Option<Code>,
    /// Only accounts of this class: residential, commercial, …
    #[arg(long, value_name = "CLASS", value_parser = class)]
    pub class: Option<CustomerClass>,
    /// Only what is supplied in this area
    #[arg(long, value_name = "CODE")]
    pub area: Option<Code>,
    /// Only accounts that failed in the run of this name
    #[arg(long, value_name = "NAME")]
    pub failed_in: Option<String>,
    #[command(flatten)]
    pub places: Places,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("correction").required(true).args(["dry_run", "execute"])))]
pub struct CorrectInvoice {
    /// As it is printed: RUH-INV-2026-000042
    #[arg(value_name = "NUMBER")]
    pub number: String,
    /// Why; it stands on the credit note
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// A reading that was wrong, and what the dial showed if it is known
    #[arg(long = "reading", value_name = "ID[=FIGURE]", value_parser = reading)]
    pub readings: Vec<(ReadingId, Option<Decimal>)>,
    /// Says what would come of it, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Corrects it, or goes on with what was interrupted
    #[arg(long)]
    pub execute: bool,
    /// The date on the credit note and the new invoice [default: today]
    #[arg(long, value_name = "DATE")]
    pub issued_on: Option<NaiveDate>,
    /// As for bill runs (docs/bill-runs.md)
    #[arg(long, value_name = "FILE", env = "DAFTAR_BILL_TERMS")]
    pub terms: PathBuf,
    #[command(flatten)]
    pub places: Places,
}

#[derive(Debug, Args)]
pub struct ClosePeriod {
    /// Such as 2026-10
    #[arg(value_name = "MONTH")]
    pub month: Code,
    /// Says what would be sealed, or why it cannot be, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub places: Places,
}

#[derive(Debug, Subcommand)]
pub enum PeriodCommand {
    /// Says which are open, and where the books of the closed ones end
    Status(Places),
}

#[derive(Debug, Args)]
pub struct Node {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 2113)]
    pub port: u16,
    /// Serves an empty log that is gone when the node stops
    #[arg(long, conflicts_with = "database_url")]
    pub memory: bool,
    /// The log to serve [env: DATABASE_URL]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<SecretUrl>,
    /// Takes writes from whoever knows DAFTAR_NODE_USER and DAFTAR_NODE_PASSWORD
    #[arg(long)]
    pub writable: bool,
    /// The PEM certificate chain to serve with
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The PEM key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Rate {
    /// A tariff file; several are the versions of one series
    #[arg(long, value_name = "FILE", required = true)]
    pub tariff: Vec<PathBuf>,
    /// What was used, such as 6000.5
    #[arg(long, value_name = "QUANTITY", allow_hyphen_values = true)]
    pub usage: String,
    /// The first day, such as 2022-01-01
    #[arg(long, value_name = "DATE")]
    pub from: NaiveDate,
    /// The day after the last: 2022-01-31 for thirty days of January
    #[arg(long, value_name = "DATE")]
    pub to: NaiveDate,
    /// Dwellings behind the meter
    #[arg(long, value_name = "N", default_value = "1")]
    pub dwellings: NonZeroU32,
    /// The breaker, where a charge depends on it
    #[arg(long, value_name = "AMPERES")]
    pub breaker_amps: Option<u32>,
    /// The customer's own VAT category, where not the tariff's: Z, E or O, with --vat-reason
    #[arg(long, value_name = "LETTER")]
    pub vat_category: Option<VatCategory>,
    /// The law's code for that category, such as VATEX-SA-HEA
    #[arg(long, value_name = "CODE", requires = "vat_category")]
    pub vat_reason: Option<Code>,
    /// Prints JSON: the lines, and net, vat, total and currency
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum TariffCommand {
    /// Says of each file what tariff it holds, or the first thing that is wrong with it and where
    Check {
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    pub company: DemoCompany,
    #[command(flatten)]
    pub places: Places,
    /// The key that wraps the keys of personal data; made if there is none
    #[arg(long, value_name = "FILE", env = "DAFTAR_MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,
}

/// The same words are the same company, to the last byte.
#[derive(Clone, Copy, Debug, Args)]
pub struct DemoCompany {
    /// How many accounts the made-up company has
    #[arg(long, value_name = "N", env = "DAFTAR_DEMO_ACCOUNTS", default_value = "1000")]
    pub accounts: u32,
    /// How many months of its history are told; the last is October 2026
    #[arg(long, value_name = "N", env = "DAFTAR_DEMO_MONTHS", default_value = "24")]
    pub months: u32,
    /// What its chances come from
    #[arg(long, value_name = "N", env = "DAFTAR_DEMO_SEED", default_value = "7")]
    pub seed: u32,
}

#[derive(Debug, Args)]
pub struct Up {
    /// Begin with a made-up company, if nothing is there yet
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub company: DemoCompany,
    /// Where the private PostgreSQL server and the master key live
    #[arg(long, value_name = "DIRECTORY", env = "DAFTAR_HOME", default_value = ".daftar")]
    pub home: PathBuf,
    /// PostgreSQL to use instead of a private one; its user must own the database
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretUrl>,
    /// Where the log is, if not in PostgreSQL: esdb://…, esdb+discover://…
    #[arg(long, value_name = "URL", env = "EVENTSTORE_URL", hide_env_values = true)]
    pub event_store_url: Option<SecretUrl>,
    /// Where to serve GraphQL [default: 127.0.0.1:8080, or a free port if that is taken]
    #[arg(long, value_name = "ADDRESS", env = "DAFTAR_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Where to serve the log over EventStoreDB's protocol [default: 2113, or a free port if that is taken]
    #[arg(long, value_name = "PORT", env = "DAFTAR_NODE_PORT")]
    pub node_port: Option<u16>,
    /// Where what people attach is kept [default: in the home]
    #[arg(long, value_name = "DIRECTORY", env = "DAFTAR_FILES")]
    pub files: Option<PathBuf>,
    /// The master key's file [default: in the home, made at the first start]
    #[arg(long, value_name = "FILE", env = "DAFTAR_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub door: Doorkeeper,
    #[command(flatten)]
    pub sealing: Sealing,
    #[command(flatten)]
    pub gateways: Gateways,
    /// Who sells, what lateness costs, how fees are taxed (docs/day-end.md); without it nothing is charged
    #[arg(long, value_name = "FILE", env = "DAFTAR_BILL_TERMS")]
    pub terms: Option<PathBuf>,
}

/// A URL that may hold a password, and so is never shown.
#[derive(Clone)]
pub struct SecretUrl(String);

impl SecretUrl {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl From<&str> for SecretUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl(…)")
    }
}

/// The command line asks for something that cannot be: exit code 2, as for a flag that does not exist.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct UsageError(pub String);

fn class(text: &str) -> Result<CustomerClass, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn role(text: &str) -> Result<Role, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn reading(text: &str) -> Result<(ReadingId, Option<Decimal>), String> {
    let (id, figure) = text.split_once('=').map_or((text, None), |(id, figure)| (id, Some(figure)));
    let id = id.parse().map(ReadingId::new).map_err(|_| format!("`{id}` is not the id of a reading"))?;
    let figure = figure.map(|figure| figure.parse::<Decimal>().map_err(|_| format!("`{figure}` is not a figure"))).transpose()?;
    Ok((id, figure))
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "it must be a whole number of seconds".to_owned())
}
