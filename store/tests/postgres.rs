//! What the log in PostgreSQL owes besides the contract: who may touch it, how it groups, and what it makes of lost answers.

use std::time::Duration;

use daftar_cluster::testing::{TestDatabase, server_url, test_database};
use daftar_store::{
    Durability, Postgres, PostgresOptions, StoreError,
    log::{Direction, ExpectedState, Log, LogPage, StreamRead, WriteError, Written},
};
use futures::{FutureExt, StreamExt, future::join_all};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::{
    proxy::{Loses, Proxy},
    support::{all, database, event, open, options},
};

const ANY: ExpectedState = ExpectedState::Any;
const NONE: ExpectedState = ExpectedState::NoStream;

/// As whoever made the table, who may do everything that the table lets anyone do.
async fn owner(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}

/// An error as it is logged: with its causes.
fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", told(source)))
}

async fn refused(url: &str, options: PostgresOptions) -> String {
    told(&Postgres::connect(url, options).await.expect_err("it is refused"))
}

fn written(revision: u64, position: u64) -> Written {
    Written { revision: Some(revision), position: Some(position) }
}

#[tokio::test]
async fn the_log_is_only_ever_added_to() {
    let database = database().await;
    open(&database).await.append("a", NONE, vec![event(1)]).await.unwrap();
    let mut connection = owner(&database).await;
    let changes =
        ["UPDATE daftar_log.events SET type = 'Other'", "DELETE FROM daftar_log.events WHERE position = 7", "TRUNCATE daftar_log.events"];
    for change in changes {
        let error = connection.execute(change).await.unwrap_err().to_string();
        assert!(error.contains("the log is only ever added to"), "{change}: {error}");
    }
    connection.execute("SET session_replication_role = replica").await.unwrap();
    assert!(connection.execute(changes[0]).await.is_err(), "not even as a replica");

    connection.execute("SET session_replication_role = DEFAULT; SET ROLE daftar_engine").await.unwrap();
    let added = "INSERT INTO daftar_log.events VALUES (2, 'a', 1, gen_random_uuid(), 'T', true, now(), '', '')";
    for change in changes.into_iter().chain([added]) {
        let error = connection.execute(change).await.unwrap_err().to_string();
        assert!(error.contains("permission denied for table events"), "{change}: {error}");
    }
}

/// It is compressed while everybody waits for the lock on the order (decision 24).
#[tokio::test]
async fn what_is_large_is_compressed_by_the_quick_method() {
    let database = database().await;
    let mut owner = owner(&database).await;
    let methods = "SELECT array_agg(attcompression::text) FROM pg_attribute \
        WHERE attrelid = 'daftar_log.events'::regclass AND attname IN ('data', 'metadata')";
    let found: Vec<String> = sqlx::query_scalar(methods).fetch_one(&mut owner).await.unwrap();
    assert_eq!(found, ["l", "l"]);
}

#[tokio::test]
async fn a_role_that_could_rewrite_the_log_is_refused() {
    let database = database().await;
    let mut connection = owner(&database).await;
    // Roles belong to the whole server: other tests' must not be in the way.
    let role = format!("writer_{}", database.name());
    let create = format!("CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA daftar_log TO {role}");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    let url = database.url().replacen(&server_url()[..server_url().find('@').unwrap()], &format!("postgres://{role}:secret"), 1);

    let cannot = refused(&url, options()).await;
    assert!(cannot.ends_with(&format!("the role `{role}` may not use the log: make it a member of `daftar_engine`")), "{cannot}");

    connection.execute(AssertSqlSafe(format!("GRANT SELECT, UPDATE ON daftar_log.events TO {role}"))).await.unwrap();
    let could = refused(&url, options()).await;
    assert!(could.contains(&format!("the role `{role}` could change the log's past")), "{could}");

    connection.execute(AssertSqlSafe(format!("GRANT daftar_engine TO {role}"))).await.unwrap();
    let log = Postgres::connect(&url, options()).await.expect("a member of the engine's role becomes it");
    assert_eq!(log.append("a", NONE, vec![event(1)]).await.unwrap(), written(0, 1));
    drop(log);

    let denied = refused(&url.replace("secret", "guessed"), options()).await;
    assert!(denied.ends_with("denied access") && !denied.contains("guessed"), "{denied}");
    connection.execute(AssertSqlSafe(format!("DROP OWNED BY {role}; DROP ROLE {role}"))).await.unwrap();
}

#[tokio::test]
async fn a_server_that_may_forget_is_refused() {
    let database = database().await;
    let error = refused(database.url(), PostgresOptions { durability: Durability::Required, ..options() }).await;
    assert!(error.ends_with("`fsync` is off: what it acknowledges may be lost in a crash"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_down_is_named_without_its_password() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://layla:secret@127.0.0.1:{port}/daftar");
    let error = refused(&url, PostgresOptions { patience: Duration::from_millis(50), ..options() }).await;
    assert!(error.starts_with(&format!("PostgreSQL at 127.0.0.1:{port}/daftar cannot be reached")), "{error}");
    assert!(!error.contains("secret"), "{error}");

    let error = refused("postgres://layla:secret@127.0.0.1:port/daftar", options()).await;
    assert!(error.starts_with("the PostgreSQL URL failed") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_database_without_a_log_says_how_to_get_one() {
    let database = test_database("empty", async |_: &str| Ok::<_, ()>(())).await;
    let error = refused(database.url(), options()).await;
    assert!(error.ends_with("there is no log in this database: run `daftar migrate` first"), "{error}");
}

/// Appends that are all waiting when the log can be written to again, so that they meet in one group.
async fn together(
    database: &TestDatabase,
    log: &Log,
    appends: Vec<impl Future<Output = Result<Written, WriteError>>>,
) -> Vec<Result<Written, WriteError>> {
    let mut connection = owner(database).await;
    let mut lock = connection.begin().await.unwrap();
    lock.execute("LOCK TABLE daftar_log.events IN SHARE MODE").await.unwrap();
    let first = log.append("before", ANY, vec![event(9_999)]);
    let release = async {
        let mut observer = owner(database).await;
        let held_up = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database())";
        while !sqlx::query_scalar::<_, bool>(held_up).fetch_one(&mut observer).await.unwrap() {
            tokio::task::yield_now().await;
        }
        // The first append is on its way and stuck. Those polled from now on wait behind it.
    };
    let mut first = Box::pin(first);
    tokio::select! {
        biased;
        _ = &mut first => unreachable!("the table is locked"),
        () = release => {}
    }
    let unlock = async { lock.commit().await.unwrap() };
    let (answers, (), first) = futures::join!(join_all(appends), unlock, first);
    first.unwrap();
    answers
}

async fn transactions(database: &TestDatabase) -> i64 {
    let sql = "SELECT count(DISTINCT xmin::text) FROM daftar_log.events WHERE stream <> 'before'";
    sqlx::query_scalar(sql).fetch_one(&mut owner(database).await).await.unwrap()
}

#[tokio::test]
async fn a_conflict_in_a_group_does_not_disturb_the_others() {
    let database = database().await;
    let log = open(&database).await;
    log.append("taken", NONE, vec![event(1)]).await.unwrap();
    let before = transactions(&database).await;
    let streams = ["a", "taken", "b", "c"];
    let appends = streams.iter().zip(10..).map(|(stream, id)| log.append(stream, NONE, vec![event(id), event(id + 100)])).collect();
    let answers = together(&database, &log, appends).await;
    assert!(matches!(answers[1], Err(WriteError::WrongExpected { actual: Some(0), .. })), "{:?}", answers[1]);
    let [a, b, c] = [0, 2, 3].map(|answer: usize| *answers[answer].as_ref().unwrap());
    assert_eq!([a, b, c], [written(1, 4), written(1, 6), written(1, 8)]);
    assert_eq!(transactions(&database).await, before + 1, "they were one group");
}

#[tokio::test]
async fn writes_to_one_stream_that_wait_together_are_taken_in_order() {
    let database = database().await;
    let log = open(&database).await;
    let expectations = [NONE, ExpectedState::Revision(0), ExpectedState::Revision(1)];
    let appends = expectations.into_iter().zip(10..).map(|(expected, id)| log.append("a", expected, vec![event(id)])).collect();
    let answers = together(&database, &log, appends).await;
    let taken: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(taken, [written(0, 2), written(1, 3), written(2, 4)]);
}

#[tokio::test]
async fn a_stream_and_its_metadata_are_never_written_in_one_group() {
    let database = database().await;
    let log = open(&database).await;
    let before = transactions(&database).await;
    let appends = vec![log.append("$$a", NONE, vec![event(2)]), log.append("a", NONE, vec![event(1)])];
    let answers = together(&database, &log, appends).await;
    // The second was decided when there was no metadata; it had to be decided again.
    assert_eq!([answers[0].as_ref().unwrap(), answers[1].as_ref().unwrap()], [&written(0, 2), &written(0, 3)]);
    assert_eq!(transactions(&database).await, before + 2);
}

#[tokio::test]
async fn what_the_server_cannot_take_is_refused_alone() {
    let database = database().await;
    let log = open(&database).await;
    let mut impossible = event(10);
    impossible.event_type = "No\0ted".to_owned();
    let appends =
        vec![log.append("a", NONE, vec![event(11)]), log.append("b", NONE, vec![impossible]), log.append("c", NONE, vec![event(12)])];
    let answers = together(&database, &log, appends).await;
    assert_eq!([answers[0].as_ref().unwrap(), answers[2].as_ref().unwrap()], [&written(0, 2), &written(0, 3)]);
    assert!(matches!(answers[1], Err(WriteError::Store(StoreError::Failed { .. }))), "{:?}", answers[1]);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_loses_nothing() {
    let database = database().await;
    let log = Postgres::connect(database.url(), PostgresOptions { queue: 1, ..options() }).await.unwrap();
    let streams: Vec<String> = (0..100).map(|number| format!("s-{number}")).collect();
    let answers = join_all(streams.iter().zip(1..).map(|(stream, id)| log.append(stream, NONE, vec![event(id)]))).await;
    let mut positions: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().position.unwrap()).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_append_that_takes_too_long_is_given_up_and_may_be_tried_again() {
    let database = database().await;
    let log = Postgres::connect(database.url(), PostgresOptions { patience: Duration::from_millis(200), ..options() }).await.unwrap();
    let mut connection = owner(&database).await;
    let mut lock = connection.begin().await.unwrap();
    lock.execute("LOCK TABLE daftar_log.events IN SHARE MODE").await.unwrap();
    let error = log.append("a", NONE, vec![event(1)]).await.unwrap_err();
    assert!(matches!(error, WriteError::Store(StoreError::Unavailable { .. })), "{error:?}");
    lock.commit().await.unwrap();

    // Whether what was given up gets in after all is open. Asked again, it is there once.
    let patient = open(&database).await;
    assert_eq!(patient.append("a", NONE, vec![event(1)]).await.unwrap(), written(0, 1));
    assert_eq!(all(&patient).await.len(), 1);
}

async fn through(database: &TestDatabase, loses: Loses, when: &str) -> (Log, Proxy) {
    let server = database.url().parse::<PgConnectOptions>().unwrap().get_port();
    let proxy = Proxy::start(server, loses, when).await;
    let url = database.url().replace(&format!(":{server}/"), &format!(":{}/", proxy.port()));
    (Postgres::connect(&url, options()).await.unwrap(), proxy)
}

#[tokio::test]
async fn an_append_whose_answer_or_question_was_lost_happens_once() {
    for loses in [Loses::Answer, Loses::Question] {
        let database = database().await;
        let (log, proxy) = through(&database, loses, "\"id\":7777").await;
        let expectations = [NONE, ExpectedState::Revision(1), ExpectedState::Revision(3)];
        let appends =
            expectations.into_iter().zip([1, 7777, 2]).map(|(expected, id)| log.append("a", expected, vec![event(id), event(id + 10_000)]));
        for answer in join_all(appends).await {
            answer.unwrap();
        }
        assert!(proxy.has_lost(), "{loses:?}");
        let there: Vec<_> = all(&log).await.iter().map(|event| event.id.as_u128()).collect();
        assert_eq!(there, [1, 10_001, 7777, 17_777, 2, 10_002], "{loses:?}");
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_happens_once() {
    let database = database().await;
    let (log, proxy) = through(&database, Loses::Answer, "\"$tb\"").await;
    log.append("a", NONE, vec![event(1)]).await.unwrap();
    assert_eq!(log.delete("a", ANY).await.unwrap(), written(0, 2));
    assert!(proxy.has_lost());
    assert_eq!(all(&log).await.len(), 2);
}

#[tokio::test]
async fn a_tombstone_whose_answer_was_lost_is_a_success() {
    let database = database().await;
    let (log, proxy) = through(&database, Loses::Answer, "$streamDeleted").await;
    log.append("a", NONE, vec![event(1)]).await.unwrap();
    assert_eq!(log.tombstone("a", ANY).await.unwrap().position, Some(2));
    assert!(proxy.has_lost());
    assert!(matches!(log.read_stream("a", 0, Direction::Forwards, 1).await.unwrap(), StreamRead::Tombstoned));
}

#[tokio::test]
async fn the_head_follows_every_process_and_believes_no_rumour() {
    let database = database().await;
    let (ours, theirs) = (open(&database).await, open(&database).await);
    let mut head = ours.head();
    assert_eq!(*head.borrow(), 0);
    owner(&database).await.execute("NOTIFY daftar_log, '1000'").await.unwrap();
    theirs.append("a", NONE, vec![event(1), event(2)]).await.unwrap();
    assert_eq!(*head.wait_for(|head| *head > 0).await.unwrap(), 2);

    // What is read back is what was said, however soon after.
    ours.append("b", NONE, vec![event(3)]).await.unwrap();
    assert_eq!(*head.borrow(), 3);
}

#[tokio::test]
async fn a_reader_that_was_dropped_half_way_leaves_no_trace() {
    let database = database().await;
    let log = Postgres::connect(database.url(), PostgresOptions { readers: 1, ..options() }).await.unwrap();
    let events = (0..500).map(event).collect();
    log.append("a", NONE, events).await.unwrap();
    for wait in 0..50 {
        let _ = tokio::time::timeout(Duration::from_micros(wait * 20), log.read_all_page(1, Direction::Forwards, 500)).await;
        let page = log.read_all_page(500, Direction::Backwards, 1).await.unwrap();
        assert_eq!(page[0].id, Uuid::from_u128(499));
    }
    let followed: Vec<_> = log.follow(499).take(1).collect().await;
    assert_eq!(followed.len(), 1);
}

#[tokio::test]
async fn a_reader_that_comes_late_for_its_events_keeps_no_connection_from_others() {
    let database = database().await;
    let log = Postgres::connect(database.url(), PostgresOptions { readers: 1, ..options() }).await.unwrap();
    log.append("a", NONE, vec![event(1)]).await.unwrap();
    let mut late: Vec<_> = (0..3).map(|_| log.follow(0)).collect();
    for following in &mut late {
        assert!(following.next().now_or_never().is_none(), "it has to ask first");
    }
    let page = tokio::time::timeout(Duration::from_secs(30), log.read_all_page(1, Direction::Forwards, 1)).await;
    assert_eq!(page.expect("nobody is in the way").unwrap().len(), 1);
    for mut following in late {
        assert!(matches!(following.next().await, Some(Ok(LogPage::Events(_)))));
    }
}
