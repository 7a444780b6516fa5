//! The log in PostgreSQL, tampered with by a superuser who has switched the trigger off.
//!
//! On several threads: dropping a database takes the test's own, and the store's tasks have to see their connections go meanwhile.

use std::time::Duration;

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_store::{Durability, Postgres, PostgresOptions, postgres::migrate};
use sqlx::{Connection, PgConnection};

use super::*;

async fn database() -> TestDatabase {
    let migrations = include_str!("../../../store/migrations/0001_log.sql");
    test_database(migrations, async |url: &str| migrate(url).await).await
}

async fn open(database: &TestDatabase) -> impl EventWriter {
    let options =
        PostgresOptions { durability: Durability::UnsafeForTests, patience: Duration::from_secs(60), ..PostgresOptions::default() };
    Postgres::connect(database.url(), options).await.unwrap()
}

async fn tamper(database: &TestDatabase, sql: &'static str) {
    let mut superuser = PgConnection::connect(database.url()).await.unwrap();
    for sql in ["ALTER TABLE daftar_log.events DISABLE TRIGGER only_added_to", sql] {
        sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    }
    superuser.close().await.unwrap();
}

/// Position 8 is leaf 7.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_superuser_does_the_very_event_is_named() {
    let at_8 = [
        ("UPDATE daftar_log.events SET data = set_byte(data, 3, get_byte(data, 3) # 1) WHERE position = 8", DifferenceKind::Altered),
        ("UPDATE daftar_log.events SET metadata = set_byte(metadata, 3, 65) WHERE position = 8", DifferenceKind::Altered),
        ("UPDATE daftar_log.events SET type = 'SomethingElse' WHERE position = 8", DifferenceKind::Altered),
        ("UPDATE daftar_log.events SET id = gen_random_uuid() WHERE position = 8", DifferenceKind::Altered),
        ("UPDATE daftar_log.events SET revision = 99 WHERE position = 8", DifferenceKind::Altered),
        ("UPDATE daftar_log.events SET stream = stream || '0' WHERE position = 8", DifferenceKind::Altered),
        ("DELETE FROM daftar_log.events WHERE position = 8", DifferenceKind::Deleted { count: 1 }),
        (
            "DELETE FROM daftar_log.events WHERE position = 8;
             UPDATE daftar_log.events SET position = position + 1000 WHERE position > 8;
             UPDATE daftar_log.events SET position = position - 1001 WHERE position > 1000",
            DifferenceKind::Deleted { count: 1 },
        ),
        (
            "UPDATE daftar_log.events SET position = position + 1000 WHERE position >= 8;
             UPDATE daftar_log.events SET position = position - 999 WHERE position > 1000;
             INSERT INTO daftar_log.events SELECT 8, stream, 99, gen_random_uuid(), type, json, created_at, data, metadata
             FROM daftar_log.events WHERE position = 9",
            DifferenceKind::Inserted { count: 1 },
        ),
        (
            "UPDATE daftar_log.events SET position = 1000 WHERE position = 8;
             UPDATE daftar_log.events SET position = 8 WHERE position = 10;
             UPDATE daftar_log.events SET position = 10 WHERE position = 1000",
            DifferenceKind::Swapped { distance: 2 },
        ),
        ("DELETE FROM daftar_log.events WHERE position >= 8", DifferenceKind::CutOff { count: 23 }),
    ];
    for (sql, kind) in at_8 {
        let (house, database) = (House::new(), database().await);
        let store = open(&database).await;
        grow(&store, 0, 30).await;
        let seals = house.seal(&store, "checkpoint").await;
        drop(store);
        tamper(&database, sql).await;
        let source = Source::Store(Arc::new(open(&database).await));
        let report = verify(&source, &house.trust(&seals, true)).await.unwrap();
        assert_eq!(difference(&report), Some((7, kind)), "{sql}: {}", report.to_text());
        let report = verify(&source, &house.trust(&seals, false)).await.unwrap();
        assert_eq!((report.is_good(), report.proven), (false, 0), "{sql}");
    }
}

/// The store's own clock is no part of the proof: a log that moves to another store keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn the_stores_own_time_proves_nothing() {
    let (house, database) = (House::new(), database().await);
    let store = open(&database).await;
    grow(&store, 0, 30).await;
    let seals = house.seal(&store, "checkpoint").await;
    drop(store);
    tamper(&database, "UPDATE daftar_log.events SET created_at = created_at + interval '1 day' WHERE position = 8").await;
    let report = verify(&Source::Store(Arc::new(open(&database).await)), &house.trust(&seals, true)).await.unwrap();
    assert_eq!((report.is_good(), report.proven), (true, 30));
}
