//! The composition root: URLs and files become the parts that everything else is given.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use daftar_billing::{
    Terms,
    gateway::{
        self, Gateways, Link, PaymentGateway, Payments, Secret,
        simulated::{self, Simulated},
    },
    head_end::{self, HeadEnd},
};
use daftar_domain::Code;
use daftar_projections::Readable;
use daftar_store::{
    Durability, Engine, EventWriter, Postgres, PostgresOptions,
    keyring::{Keyring, MasterKey},
    log::Log,
};
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

use crate::{
    app::App,
    auth::Auth,
    cli::{self, SecretUrl, UsageError},
    files::Files,
    http::Settings,
};

/// Unused for longer, a connection may be gone.
const IDLE: Duration = Duration::from_secs(1);

const READ_MODEL_CONNECTIONS: u32 = 16;

/// How long a request waits for a connection before it is told to come back.
const CONNECTION_WAIT: Duration = Duration::from_secs(3);

/// Between two tries of a server that is down.
const PAUSE: Duration = Duration::from_millis(500);

/// What the simulated gateway and the engine know each other by.
pub const SIMULATED_SECRET: &str = "DAFTAR_SIMULATED_GATEWAY_SECRET";

/// What the simulated head-end and the engine know each other by.
pub const HEAD_END_SECRET: &str = "DAFTAR_SIMULATED_HEAD_END_SECRET";

/// How long a customer waits for a gateway before being told to try again.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(5);

/// The company's terms of billing, from a file.
pub fn terms(path: &Path) -> Result<Terms, UsageError> {
    let wrong = |error: &dyn fmt::Display| UsageError(format!("{}: {error}", path.display()));
    fs::read_to_string(path).map_err(|error| wrong(&error))?.parse().map_err(|error| wrong(&error))
}

/// The event store: our own log, which a node can serve, or somebody else's.
#[derive(Clone)]
pub enum EventStore {
    Log(Log),
    Elsewhere(Arc<dyn EventWriter>),
}

impl EventStore {
    pub fn writer(&self) -> Arc<dyn EventWriter> {
        match self {
            Self::Log(log) => Arc::new(log.clone()),
            Self::Elsewhere(store) => store.clone(),
        }
    }
}

impl fmt::Debug for EventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log(_) => "Log",
            Self::Elsewhere(_) => "Elsewhere",
        })
    }
}

/// The event store that the URL's scheme names.
pub async fn open_store(url: &SecretUrl, wait: Duration, durability: Durability) -> Result<EventStore> {
    if is_postgres(url) {
        let options = PostgresOptions { durability, patience: wait, ..PostgresOptions::default() };
        Ok(EventStore::Log(Postgres::connect(url.reveal(), options).await?))
    } else {
        Ok(EventStore::Elsewhere(daftar_store::open(url.reveal()).await?))
    }
}

pub fn is_postgres(url: &SecretUrl) -> bool {
    url.reveal().starts_with("postgres://") || url.reveal().starts_with("postgresql://")
}

/// The read models' database, which may be down for a while.
pub async fn open_read_models(url: &SecretUrl, wait: Duration) -> Result<PgPool> {
    let options = postgres_options(url)?;
    // A connection of its own: the pool would hide behind a timeout why there is none.
    let mut db = reach(&options, wait).await?;
    let tables = "SELECT to_regclass('daftar_projections.checkpoint') IS NOT NULL AND to_regclass('daftar_keys.account_key') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(tables).fetch_one(&mut db).await? {
        bail!("{} has not been migrated: run `daftar migrate` first", name(&options));
    }
    db.close().await?;
    Ok(read_pool().connect_lazy_with(options))
}

/// A connection is asked whether it is still there only if nobody has used it for a while: on its way back into the pool it has just
/// answered, and to ask again before each statement is one more way to the server and back.
fn read_pool() -> PgPoolOptions {
    PgPoolOptions::new().max_connections(READ_MODEL_CONNECTIONS).acquire_timeout(CONNECTION_WAIT).test_before_acquire(false).before_acquire(
        |db, used| {
            Box::pin(async move {
                if used.idle_for > IDLE {
                    db.ping().await?;
                }
                Ok(true)
            })
        },
    )
}

/// A connection to a server that may be down for a while.
pub async fn reach(options: &PgConnectOptions, wait: Duration) -> Result<PgConnection> {
    let deadline = Instant::now() + wait;
    loop {
        match options.connect().await {
            Ok(db) => return Ok(db),
            Err(error) if Instant::now() < deadline => tracing::warn!(%error, "{} cannot be reached; trying again", name(options)),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be reached", name(options))),
        }
        sleep(PAUSE).await;
    }
}

pub fn postgres_options(url: &SecretUrl) -> Result<PgConnectOptions> {
    // The URL itself stays out of the message.
    let options: PgConnectOptions = url.reveal().parse().context("the database URL is malformed")?;
    Ok(options.application_name("daftar"))
}

pub async fn open_app(
    store: &EventStore,
    read_models: PgPool,
    master: impl MasterKey,
    (gateways, terms): (Gateways, gateway::Terms),
) -> Result<App> {
    let keyring = Keyring::new(read_models.clone(), Arc::new(master)).await?;
    let readable = Readable::listen(read_models.clone());
    let engine = Engine::new(store.writer());
    let auth = Auth::open(read_models.clone(), engine.clone(), keyring.clone()).await?;
    let payments = Payments::new(engine.clone(), gateways, terms);
    let (files, terms, head_end, door) = (None, None, HeadEnd::default(), Settings::default());
    Ok(App { engine, keyring, read_models, readable, auth, payments, files, terms, head_end, door })
}

/// The folder of what people attach.
pub async fn open_files(folder: PathBuf) -> Result<Files> {
    let name = folder.display().to_string();
    Files::open(folder).await.with_context(|| format!("files cannot be kept in {name}"))
}

/// The payment gateways that the options name, and the terms that payments are made on.
pub fn gateways(options: &cli::Gateways) -> Result<(Gateways, gateway::Terms)> {
    let simulated = options.simulated_gateway.as_deref().map(|url| simulated(url, secret(SIMULATED_SECRET)?)).transpose()?;
    let terms = gateway::Terms { zone: options.time_zone, ..gateway::Terms::default() };
    Ok((Gateways::new(simulated), terms))
}

/// The simulated gateway, and what payments call it.
pub fn simulated(url: &str, secret: Secret) -> Result<(Code, Arc<dyn PaymentGateway>)> {
    let link = Link::new(url, secret.clone(), GATEWAY_PATIENCE)?;
    Ok((simulated::name(), Arc::new(Simulated::new(link, secret))))
}

/// The head-end that the options name.
pub fn head_end(options: &cli::Gateways) -> Result<HeadEnd> {
    match options.simulated_head_end.as_deref() {
        Some(url) => simulated_head_end(url, secret(HEAD_END_SECRET)?),
        None => Ok(HeadEnd::default()),
    }
}

pub fn simulated_head_end(url: &str, secret: Secret) -> Result<HeadEnd> {
    simulated_head_end_within(url, secret, GATEWAY_PATIENCE)
}

/// One that is given so long for an answer.
pub fn simulated_head_end_within(url: &str, secret: Secret, patience: Duration) -> Result<HeadEnd> {
    let link = Link::new(url, secret.clone(), patience)?;
    Ok(HeadEnd::new(Arc::new(head_end::simulated::Simulated::new(link, secret))))
}

/// Not from the command line, which everybody on the machine can read.
pub fn secret(variable: &str) -> Result<Secret> {
    let secret = std::env::var(variable).with_context(|| format!("{variable} is not set"))?;
    Secret::new(secret).with_context(|| format!("{variable} cannot be used"))
}

/// The app as it serves requests: with the door kept like this, and SQL that ends when nobody waits for it any more.
pub fn keep_door(app: App, door: Settings) -> App {
    let patience = i64::try_from(door.patience.as_millis()).unwrap_or(i64::MAX);
    let pool = read_pool().after_connect(move |db, _| {
        Box::pin(async move {
            let limit = "SELECT set_config('statement_timeout', $1, false)";
            sqlx::query(limit).bind(patience.to_string()).execute(db).await.map(drop)
        })
    });
    App { read_models: pool.connect_lazy_with((*app.read_models.connect_options()).clone()), door, ..app }
}

pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            bail!("port {} on {} is in use by another process", address.port(), address.ip())
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    format!("PostgreSQL at {}:{}/{database}", options.get_host(), options.get_port())
}
