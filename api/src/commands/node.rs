//! `daftar node`: a log served over EventStoreDB's own protocol, on loopback.

use std::{env, fs, net::Ipv4Addr, path::Path};

use anyhow::{Context, Result, bail};
use daftar_store::{
    Durability, Memory,
    log::Log,
    node::{Access, NodeOptions, TlsIdentity, serve},
};

use crate::{
    cli::{Node, SecretUrl, UsageError},
    compose::{self, EventStore},
    stop::Stop,
};

const WAIT: std::time::Duration = std::time::Duration::from_secs(30);

pub async fn run(options: Node) -> Result<()> {
    let access = access(options.writable)?;
    let source = source(&options)?;
    let tls = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsIdentity { certificate: read(certificate)?, key: read(key)? }),
        _ => None,
    };
    let stop = Stop::on_signals()?;
    let listener = compose::listen((Ipv4Addr::LOCALHOST, options.port).into()).await?;
    let log = match source {
        Source::Memory => Memory::log(),
        Source::Postgres(url) => open_log(&url).await?,
    };
    println!("event store on esdb://{}?tls={}", listener.local_addr()?, tls.is_some());
    serve(log, NodeOptions { listener, advertised: None, access, tls }, stop.asked()).await?;
    Ok(())
}

enum Source {
    Memory,
    Postgres(SecretUrl),
}

fn source(options: &Node) -> Result<Source, UsageError> {
    if options.memory {
        return Ok(Source::Memory);
    }
    let url = options.database_url.clone().or_else(|| env::var("DATABASE_URL").ok().map(SecretUrl::from));
    let url = url.ok_or_else(|| UsageError("the node needs a log to serve: --memory, or --database-url (or DATABASE_URL)".to_owned()))?;
    if compose::is_postgres(&url) {
        Ok(Source::Postgres(url))
    } else {
        Err(UsageError("--database-url must be a postgres:// URL".to_owned()))
    }
}

fn access(writable: bool) -> Result<Access, UsageError> {
    let given = |name| env::var(name).ok().filter(|value: &String| !value.is_empty());
    match (writable, given("DAFTAR_NODE_USER"), given("DAFTAR_NODE_PASSWORD")) {
        (false, ..) => Ok(Access::ReadOnly),
        (true, Some(user), Some(password)) => Ok(Access::Credentials { user, password }),
        (true, ..) => Err(UsageError("--writable needs credentials: set DAFTAR_NODE_USER and DAFTAR_NODE_PASSWORD".to_owned())),
    }
}

async fn open_log(url: &SecretUrl) -> Result<Log> {
    match compose::open_store(url, WAIT, Durability::Required).await? {
        EventStore::Log(log) => Ok(log),
        EventStore::Elsewhere(_) => bail!("only a log in PostgreSQL can be served"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
