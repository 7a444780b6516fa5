use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use daftar_cluster::testing::{TestDatabase, server_url, test_database};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use crate::support::{execute, text};

const TABLE: &str = "CREATE TABLE account (name text)";

async fn prepare(url: &str) -> Result<(), sqlx::Error> {
    // The connection is left to itself, as a pool would be.
    let connection = Box::leak(Box::new(PgConnection::connect(url).await?));
    connection.execute(TABLE).await?;
    connection.execute("INSERT INTO account VALUES ('Layla')").await?;
    Ok(())
}

async fn count(database: &TestDatabase) -> String {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    text(&mut connection, "SELECT count(*)::text FROM account").await
}

#[tokio::test]
async fn every_test_has_its_own_copy_of_what_was_prepared() {
    let first = test_database(TABLE, prepare).await;
    let second = test_database(TABLE, prepare).await;
    let mut connection = PgConnection::connect(first.url()).await.unwrap();
    execute(&mut connection, "INSERT INTO account VALUES ('Omar')").await;
    assert_eq!(count(&first).await, "2");
    assert_eq!(count(&second).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_ask_at_once_prepare_it_once() {
    let key = format!("asked for at once, by {}", std::process::id());
    let prepared = Arc::new(AtomicUsize::new(0));
    let asking = (0..8).map(|_| {
        let (key, prepared) = (key.clone(), prepared.clone());
        // A thread and a runtime each, as separate test processes would have.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let database = test_database(&key, async |url: &str| {
                    prepared.fetch_add(1, Ordering::SeqCst);
                    prepare(url).await
                });
                assert_eq!(count(&database.await).await, "1");
            });
        })
    });
    for thread in asking.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    assert_eq!(prepared.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_database_goes_with_its_test_though_someone_is_connected() {
    let database = test_database(TABLE, prepare).await;
    let _connection = PgConnection::connect(database.url()).await.unwrap();
    let mut server = PgConnection::connect(&server_url()).await.unwrap();
    let there = format!("SELECT count(*)::text FROM pg_database WHERE datname = '{}'", database.name());
    assert_eq!(text(&mut server, &there).await, "1");
    drop(database);
    assert_eq!(text(&mut server, &there).await, "0");
}

#[tokio::test]
async fn a_preparation_that_failed_is_done_again() {
    let key = format!("fails at first, in {}", std::process::id());
    let failing = key.clone();
    let failed = tokio::spawn(async move {
        test_database(&failing, async |_: &str| Err::<(), _>("no such table")).await;
    });
    assert!(failed.await.unwrap_err().into_panic().downcast_ref::<String>().unwrap().contains("no such table"));
    assert_eq!(count(&test_database(&key, prepare).await).await, "1");
}
