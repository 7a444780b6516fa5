//! Tables built anew, beside those that are read, from the log in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use daftar_projections::{
    Feed, MODELS, Projector, Readable, Runner,
    accounts::{self, Accounts},
    reached,
    rebuild::{self, Progress, RebuildError},
};
use daftar_store::{Memory, log::Log};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::{
    accounts::opened,
    runner::{ACCOUNTS, append, open, rows, start},
    spec::database,
};

async fn rebuild_accounts(log: &Log, pool: &PgPool) -> Result<(), RebuildError> {
    rebuild::rebuild(&[ACCOUNTS], log, &pool.connect_options(), rebuild::MEMORY, &|_| {}).await
}

async fn schemas(pool: &PgPool) -> Vec<String> {
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'read\\_%' ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

fn live_schemas() -> Vec<String> {
    let mut names: Vec<_> = MODELS.iter().map(|model| format!("read_{}", model.name)).collect();
    names.sort();
    names
}

/// Makes the rows wrong, so that it can be seen whether they were built anew.
async fn spoil(pool: &PgPool) {
    sqlx::query("UPDATE read_accounts.account SET currency = 'XXX'").execute(pool).await.unwrap();
}

async fn spoilt(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM read_accounts.account WHERE currency = 'XXX'").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn rows_are_built_anew_and_a_runner_that_follows_meanwhile_goes_on_with_them() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let runner = start(log.clone(), &pool);
    for number in 1..=50 {
        open(&log, number).await;
    }
    let readable = Readable::listen(pool.clone());
    let last = open(&log, 51).await;
    assert!(readable.reached(Accounts::NAME, last, Duration::from_secs(20)).await.unwrap());
    spoil(&pool).await;

    rebuild_accounts(&log, &pool).await.unwrap();
    assert_eq!((rows(&pool).await, spoilt(&pool).await), (51, 0));
    assert_eq!(reached(&pool, Accounts::NAME).await.unwrap(), Some(last));
    assert_eq!(schemas(&pool).await, live_schemas(), "nothing is left behind");
    let next = open(&log, 52).await;
    assert!(readable.reached(Accounts::NAME, next, Duration::from_secs(20)).await.unwrap());
    assert_eq!(rows(&pool).await, 52);
    assert!(!runner.is_finished());
    runner.abort();
}

#[tokio::test]
async fn rows_of_an_older_version_serve_until_those_of_this_one_take_their_place() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let runner = start(log.clone(), &pool);
    let last = open(&log, 1).await;
    let readable = Readable::listen(pool.clone());
    assert!(readable.reached(Accounts::NAME, last, Duration::from_secs(20)).await.unwrap());
    runner.abort();
    let _ = runner.await;
    spoil(&pool).await;
    sqlx::query("UPDATE daftar_projections.checkpoint SET version = 0 WHERE model = 'accounts'").execute(&pool).await.unwrap();

    let runner = start(log.clone(), &pool);
    let next = open(&log, 2).await;
    assert!(readable.reached(Accounts::NAME, next, Duration::from_secs(20)).await.unwrap());
    assert_eq!((rows(&pool).await, spoilt(&pool).await), (2, 0));
    runner.abort();
}

#[tokio::test]
async fn a_rebuild_that_is_cut_short_leaves_what_is_read_alone_and_the_next_begins_anew() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    for number in 1..=5_000 {
        open(&log, number).await;
    }
    let read = Arc::new(AtomicU64::new(0));
    let (seen, options, reader) = (Arc::clone(&read), pool.connect_options(), log.clone());
    let cut_short = tokio::spawn(async move {
        let progress = move |progress| {
            if let Progress::Read { events, .. } = progress {
                seen.store(events, Ordering::Relaxed);
            }
        };
        rebuild::rebuild(&[ACCOUNTS], &reader, &options, 0, &progress).await
    });
    while read.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    cut_short.abort();
    assert!(cut_short.await.is_err_and(|error| error.is_cancelled()), "it was still at it");
    assert!(schemas(&pool).await.contains(&"read_accounts_next".to_owned()));
    assert_eq!((rows(&pool).await, reached(&pool, Accounts::NAME).await.unwrap()), (0, None));

    // As soon as the server has noticed that nobody is there any more.
    while let Err(error) = rebuild_accounts(&log, &pool).await {
        assert!(matches!(error, RebuildError::Busy { .. }), "{error}");
    }
    assert_eq!((rows(&pool).await, schemas(&pool).await), (5_000, live_schemas()));
}

#[tokio::test]
async fn what_was_cut_short_can_be_dropped() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    open(&log, 1).await;
    append(&log, 2, "AccountMoved", b"{}".to_vec()).await;
    let error = rebuild_accounts(&log, &pool).await.unwrap_err();
    assert!(matches!(error, RebuildError::Unreadable { model: "accounts", .. }), "{error}");
    assert!(schemas(&pool).await.contains(&"read_accounts_next".to_owned()));
    while schemas(&pool).await != live_schemas() {
        rebuild::discard(&[ACCOUNTS], &pool.connect_options()).await.unwrap();
    }
}

#[tokio::test]
async fn a_login_that_may_do_nothing_but_project_can_rebuild() {
    let (database, pool) = database().await;
    let login = format!("{}_login", database.name());
    // A copy of a database has none of its privileges.
    let admit = format!(
        "CREATE ROLE {login}; GRANT daftar_projector TO {login}; REVOKE ALL ON DATABASE {0} FROM PUBLIC;
         GRANT CREATE ON DATABASE {0} TO daftar_projector",
        database.name()
    );
    sqlx::raw_sql(AssertSqlSafe(admit)).execute(&pool).await.unwrap();
    let options = (*pool.connect_options()).clone().options([("role", &login)]);
    let log = Memory::log();
    open(&log, 1).await;
    rebuild::rebuild(MODELS, &log, &options, rebuild::MEMORY, &|_| {}).await.unwrap();
    assert_eq!(rows(&pool).await, 1);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    assert!(accounts::by_id(&mut db, opened(1).account_id).await.unwrap().is_some());
    assert!(sqlx::query("CREATE TABLE daftar_projections.another (n integer)").execute(&mut db).await.is_err(), "nothing else is its own");
}

#[tokio::test]
async fn two_do_not_rebuild_one_model_at_a_time() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let mut other = pool.acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('daftar rebuild of read model accounts', 0))")
        .execute(&mut *other)
        .await
        .unwrap();
    let error = rebuild_accounts(&log, &pool).await.unwrap_err();
    assert_eq!(error.to_string(), "read model `accounts` is being rebuilt by another process");
    let runner = Runner::new(ACCOUNTS, Feed::new(Arc::new(log)), (*pool.connect_options()).clone());
    assert!(!runner.metrics().is_leading());
}
