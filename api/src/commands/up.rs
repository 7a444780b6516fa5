//! `daftar up`: everything on one machine, from one command.

mod demo;
mod gateway;
mod private;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use daftar_billing::day_end::DayEnds;
use daftar_demo::{
    Wish,
    load::{self, Mark},
};
use daftar_store::{
    Durability,
    keyring::{Keyring, LocalMasterKey},
    node::{self, Access, NodeOptions},
};
use tokio::{net::TcpListener, runtime::Handle, task::JoinSet};

use self::private::Private;
use super::{
    demo::Into,
    migrate, projector,
    scheduler::{self, Desks},
    seal, user,
};
use crate::{
    app::App,
    cli::{SecretUrl, Up},
    compose::{self, EventStore},
    http,
    notices::Notices,
    stop::Stop,
};

const WAIT: Duration = Duration::from_secs(30);

const GRAPHQL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const NODE: u16 = 2113;

/// Where things are, and as whom to connect to them.
#[derive(Debug)]
struct Places {
    /// May make tables.
    owner: SecretUrl,
    /// May read and append events, if the log is in PostgreSQL.
    log: SecretUrl,
    /// May write read models and use the keys.
    app: SecretUrl,
    master_key_file: PathBuf,
}

pub async fn run(options: Up) -> Result<()> {
    let stop = Stop::on_signals()?;
    fs::create_dir_all(&options.home).with_context(|| format!("cannot create {}", options.home.display()))?;
    let private = match &options.database_url {
        Some(_) => None,
        None => Some(Private::open(options.home.join("postgres")).await?),
    };
    let started = start(&options, private.as_ref(), stop).await;
    let stopped = match private {
        Some(private) => private.stop().await,
        None => Ok(()),
    };
    started.and(stopped)
}

/// Starts everything and returns when all of it has stopped.
async fn start(options: &Up, private: Option<&Private>, stop: Stop) -> Result<()> {
    let places = places(options, private);
    if compose::is_postgres(&places.log) {
        // The log's own URL may have fewer rights; its owner is the database's.
        migrate::migrate_log(options.event_store_url.as_ref().unwrap_or(&places.owner), WAIT).await?;
    }
    migrate::migrate_rest(&places.owner, WAIT).await?;
    if let Some(private) = private {
        private.admit().await?;
    }
    if stop.is_asked() {
        return Ok(());
    }

    let master = LocalMasterKey::read_or_create(&places.master_key_file)?;
    let store = compose::open_store(&places.log, WAIT, Durability::Required).await?;
    let read_models = compose::open_read_models(&places.app, WAIT).await?;
    if let EventStore::Log(log) = &store {
        let keyring = Keyring::new(read_models.clone(), Arc::new(LocalMasterKey::read(&places.master_key_file)?)).await?;
        let into = Into { log, keyring: &keyring, owner: &places.owner, read_models: &read_models, wait: WAIT };
        demo::make(into, options.demo.then(|| options.company.into()), &stop).await?;
    }
    if stop.is_asked() {
        return Ok(());
    }
    let graphql = listen(options.listen, GRAPHQL, "--listen").await?;
    let graphql_address = graphql.local_addr()?;
    let (gateways, gateway) = gateway::open(&options.gateways, graphql_address).await?;
    let (head_end, started_head_end) = gateway::open_head_end(&options.gateways, graphql_address).await?;
    // On one machine there is always somebody who tries things out.
    let door = http::Settings { explorer: true, ..options.door.settings() };
    let app = compose::keep_door(compose::open_app(&store, read_models.clone(), master, gateways).await?, door);
    let home = private.map_or_else(|| options.home.clone(), Private::directory);
    let files = options.files.clone().unwrap_or_else(|| options.home.join("files"));
    let app = App { files: Some(compose::open_files(files).await?), ..app };
    let mark = load::mark(&read_models).await?;
    let demo_password = match mark {
        Some(_) => Some(demo::let_people_in(&app.engine, &app.auth, &home).await?),
        None => None,
    };
    let terms = options.terms.as_deref().map(compose::terms).transpose()?;
    let app = App { terms: terms.clone().map(Arc::new), head_end, ..app };
    let first_admin = user::first_admin(&app.auth).await?;

    let mut parts: JoinSet<Result<()>> = JoinSet::new();
    let desks = Desks::new(&app.engine, &read_models, &app.payments, terms.clone(), app.head_end.clone());
    let days = DayEnds::new(app.engine.clone(), read_models.clone(), app.payments.clone(), terms);
    let (payments, rows, stopping) = (app.payments.clone(), read_models.clone(), stop.clone());
    // On a thread of its own: much of it is borrowed while it waits.
    parts.spawn_blocking(move || {
        Handle::current().block_on(scheduler::schedule(days, desks, payments, rows, stopping));
        Ok(())
    });
    let database = (*read_models.connect_options()).clone();
    let sealer = seal::sealer(&seal::beside(options.sealing.clone(), home), store.writer(), database.clone())?;
    let (projecting, stopping) = (projector::project(store.writer(), database, sealer, stop.clone()), stop.clone());
    parts.spawn(async {
        // Read models that stand still answer what they know: no reason to stop serving.
        if let Err(error) = projecting.await {
            tracing::error!("{error:#}");
            stopping.asked().await;
        }
        Ok(())
    });
    let (notices, stopping) = (Notices::new(app.engine.clone(), app.keyring.clone(), read_models.clone()), stop.clone());
    parts.spawn(async move {
        // Nobody is told any more: no reason to stop serving.
        tokio::select! {
            stopped = notices.keep() => {
                tracing::error!("{stopped}");
                stopping.asked().await;
            }
            () = stopping.clone().asked() => {}
        }
        Ok(())
    });
    let serving = http::serve(graphql, app, stop.clone());
    parts.spawn(async { Ok(serving.await?) });
    let mut event_store = "elsewhere, as EVENTSTORE_URL says".to_owned();
    if let EventStore::Log(log) = store {
        let port = options.node_port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let listener = listen(port, (Ipv4Addr::LOCALHOST, NODE).into(), "--node-port").await?;
        event_store = format!("esdb://{}?tls=false (read only)", listener.local_addr()?);
        let node = NodeOptions { listener, advertised: None, access: Access::ReadOnly, tls: None };
        let serving = node::serve(log, node, stop.clone().asked());
        parts.spawn(async { Ok(serving.await?) });
    }

    println!("دفتر · أهلًا وسهلًا");
    println!("Daftar is running. Ctrl-C stops everything that was started.");
    if let Some(Mark { wish: Wish { accounts, months, seed }, .. }) = mark {
        println!("Its customers are made up: {accounts} accounts, {months} months, seed {seed}.");
    }
    println!();
    println!("  GraphQL       http://{graphql_address}/graphql");
    if let Some(password) = first_admin {
        println!("  First admin   {} / {} (shown this once)", user::FIRST_ADMIN, password.reveal());
    }
    println!("  Health        http://{graphql_address}/health/ready");
    println!("  Metrics       http://{graphql_address}/metrics");
    println!("  Checkpoint    http://{graphql_address}/checkpoint");
    println!("  Event store   {event_store}");
    if let Some(gateway) = &gateway {
        println!("  Payments      {} (simulated)", gateway.url);
    }
    if let Some(head_end) = &started_head_end {
        println!("  Head-end      {} (simulated)", head_end.url);
    }
    if let Some(private) = private {
        println!("  PostgreSQL    {private}");
    }
    if let Some(password) = &demo_password {
        demo::show(password);
    }
    println!();

    until_stopped(parts, &stop).await?;
    read_models.close().await;
    println!("Everything has stopped.");
    Ok(())
}

fn places(options: &Up, private: Option<&Private>) -> Places {
    let (owner, log, app, home) = match (private, &options.database_url) {
        (Some(private), _) => (private.owner(), private.log(), private.app(), private.directory()),
        (None, url) => {
            let url = url.clone().expect("there is a private server if there is no URL");
            (url.clone(), url.clone(), url, options.home.clone())
        }
    };
    Places {
        owner,
        log: options.event_store_url.clone().unwrap_or(log),
        app,
        master_key_file: options.master_key_file.clone().unwrap_or_else(|| home.join("master.key")),
    }
}

/// Listens where asked; where nobody asked, on the usual port or, if that is taken, on a free one.
async fn listen(asked: Option<SocketAddr>, usual: SocketAddr, flag: &str) -> Result<TcpListener> {
    if let Some(address) = asked {
        return compose::listen(address).await;
    }
    if let Ok(listener) = TcpListener::bind(usual).await {
        return Ok(listener);
    }
    let listener = compose::listen((usual.ip(), 0).into()).await?;
    println!("Port {} is taken: using {} instead ({flag} chooses another).", usual.port(), listener.local_addr()?.port());
    Ok(listener)
}

/// Waits for all parts to end. One that ends by itself takes the others with it.
async fn until_stopped(mut parts: JoinSet<Result<()>>, stop: &Stop) -> Result<()> {
    let mut first = Ok(());
    while let Some(ended) = parts.join_next().await {
        stop.now();
        let ended = ended.context("a part panicked").flatten();
        first = first.and(ended);
    }
    first
}
