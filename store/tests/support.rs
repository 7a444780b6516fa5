//! Databases with an empty log, for one test each.

use std::time::Duration;

use bytes::Bytes;
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_store::{
    ContentType, Durability, NewEvent, Postgres, PostgresOptions, StoredEvent,
    log::{Direction, Log},
    node::{self, Access, NodeOptions},
    postgres::migrate,
};
use uuid::Uuid;

/// A database that `daftar_store::postgres::migrate` has prepared.
pub async fn database() -> TestDatabase {
    let migrations = include_str!("../migrations/0001_log.sql");
    test_database(migrations, async |url: &str| migrate(url).await).await
}

/// The tests' server keeps nothing over a crash, and need not.
pub fn options() -> PostgresOptions {
    PostgresOptions { durability: Durability::UnsafeForTests, patience: Duration::from_secs(60), ..PostgresOptions::default() }
}

pub async fn open(database: &TestDatabase) -> Log {
    Postgres::connect(database.url(), options()).await.expect("the log opens")
}

pub fn event(id: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(id),
        event_type: "Noted".to_owned(),
        content_type: ContentType::Json,
        data: Bytes::from(format!("{{\"id\":{id}}}")),
        metadata: Bytes::from_static(b"{}"),
    }
}

/// All there is, in the order of the log.
pub async fn all(log: &Log) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position.commit);
        let page = log.read_all_page(after + 1, Direction::Forwards, 1000).await.expect("the log is read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// A node that serves the log to anyone on a free port, for as long as this lives.
pub struct RunningNode {
    pub url: String,
    serving: tokio::task::JoinHandle<()>,
}

pub async fn node(log: Log) -> RunningNode {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("esdb://{}?tls=false", listener.local_addr().expect("an address"));
    let options = NodeOptions { listener, advertised: None, access: Access::Open, tls: None };
    let serving = tokio::spawn(async move { node::serve(log, options, std::future::pending()).await.expect("the node serves") });
    RunningNode { url, serving }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
