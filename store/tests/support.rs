//! Databases with an empty log, for one test each.

use std::time::Duration;

use bytes::Bytes;
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_store::{
    ContentType, Durability, NewEvent, Postgres, PostgresOptions, StoredEvent,
    log::{Direction, Log},
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
