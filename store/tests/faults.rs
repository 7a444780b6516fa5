//! Processes that die, servers that die, and what is left: everything acknowledged, nothing twice, no gap.

mod processes;
mod workload;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use daftar_cluster::{Cluster, Options, SUPERUSER};
use daftar_store::{
    Durability, Postgres, PostgresOptions,
    log::{Log, LogPage},
    postgres::migrate,
};
use futures::StreamExt;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use self::processes::OtherProcess;
use crate::support;

/// How often each of the killings is done.
const ROUNDS: usize = 20;

/// A server that keeps its promises, so that breaking it shows whether we keep ours.
async fn durable_server() -> (Arc<Cluster>, String) {
    let cluster =
        tokio::task::spawn_blocking(|| Cluster::throw_away(Options::durable()).expect("a server starts")).await.expect("no panic");
    let url = cluster.url("postgres", SUPERUSER);
    migrate(&url).await.expect("the log is made");
    (Arc::new(cluster), url)
}

fn options() -> PostgresOptions {
    PostgresOptions { durability: Durability::Required, patience: Duration::from_secs(60), ..PostgresOptions::default() }
}

/// What the log must be whatever happened: gap-free positions, dense revisions, no event twice. Gives the ids by position.
async fn sound(url: &str) -> Vec<Uuid> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let rows = sqlx::query("SELECT position, stream, revision, id FROM daftar_log.events ORDER BY position").fetch_all(&mut connection);
    let mut streams: BTreeMap<String, i64> = BTreeMap::new();
    let mut ids = Vec::new();
    for (row, expected) in rows.await.unwrap().iter().zip(1i64..) {
        assert_eq!(row.get::<i64, _>("position"), expected, "positions have no gap");
        let next = streams.entry(row.get("stream")).or_default();
        assert_eq!(row.get::<i64, _>("revision"), *next, "revisions have no gap");
        *next += 1;
        ids.push(row.get("id"));
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), ids.len(), "no event is there twice");
    ids
}

fn assert_all_there(acknowledged: &[Uuid], there: &[Uuid]) {
    let there: std::collections::HashSet<_> = there.iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !there.contains(id)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged events are lost", lost.len(), acknowledged.len());
}

/// Not chosen for anything but being different each time.
fn a_moment() -> Duration {
    Duration::from_micros(rand::random_range(0..60_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_gap_free_over_several_processes_and_a_reader_in_another_skips_none() {
    const WRITERS: usize = 4;
    const EVENTS: usize = 1_000;
    let database = support::database().await;
    let mut reader = OtherProcess::reads(database.url(), WRITERS * EVENTS);
    let mut writers: Vec<_> =
        (0..WRITERS).map(|_| OtherProcess::writes(database.url(), Durability::UnsafeForTests, Some(EVENTS))).collect();
    let mut acknowledged = Vec::new();
    for writer in &mut writers {
        acknowledged.extend(tokio::task::block_in_place(|| writer.words_to_the_end()));
    }
    assert_eq!(acknowledged.len(), WRITERS * EVENTS, "a writer gave up");
    let read = tokio::task::block_in_place(|| reader.words_to_the_end());
    let there = sound(database.url()).await;
    assert_all_there(&acknowledged, &there);
    assert_eq!(read, there, "the reader saw each event once, in the order of the positions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writing_process_is_killed_at_any_moment_and_what_it_acknowledged_is_there() {
    let (_cluster, url) = durable_server().await;
    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        let mut writer = OtherProcess::writes(&url, Durability::Required, None);
        tokio::task::block_in_place(|| {
            acknowledged.push(writer.word());
            std::thread::sleep(a_moment());
            writer.kill();
            acknowledged.extend(writer.words_to_the_end());
        });
    }
    let there = sound(&url).await;
    assert_all_there(&acknowledged, &there);
    // At most what was under way when it was killed was written and not acknowledged.
    let under_way = ROUNDS * workload::MOST_UNDER_WAY;
    assert!(there.len() <= acknowledged.len() + under_way, "{} there, {} acknowledged", there.len(), acknowledged.len());
}

/// Writers and a subscription over one log, which live through whatever is done to the server meanwhile.
struct Life {
    log: Log,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Uuid>>>,
    writing: tokio::task::JoinHandle<()>,
    seen: tokio::task::JoinHandle<Vec<Uuid>>,
}

impl Life {
    async fn begin(url: &str) -> Self {
        let log = Postgres::connect(url, options()).await.expect("the log opens");
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let goes_on = {
            let stop = Arc::clone(&stop);
            move || !stop.load(Ordering::Relaxed)
        };
        let acknowledge = {
            let acknowledged = Arc::clone(&acknowledged);
            move |ids: &[Uuid]| acknowledged.lock().unwrap().extend_from_slice(ids)
        };
        let writing = tokio::spawn(workload::write(log.clone(), goes_on, acknowledge));
        let seen = tokio::spawn(see_until_the_end(log.clone()));
        Self { log, stop, acknowledged, writing, seen }
    }

    /// Waits until the writers have got on, however slow the machine.
    async fn goes_on(&self) {
        let before = self.acknowledged.lock().unwrap().len();
        while self.acknowledged.lock().unwrap().len() < before + 20 {
            assert!(!self.writing.is_finished(), "a writer gave up");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn end(self, url: &str) {
        self.stop.store(true, Ordering::Relaxed);
        self.writing.await.expect("every append succeeds in the end");
        self.log.append("end", daftar_store::log::ExpectedState::NoStream, vec![support::event(0)]).await.unwrap();
        let seen = tokio::time::timeout(Duration::from_secs(30), self.seen).await.expect("the subscription gets to the end");
        let seen = seen.expect("no panic");
        let mut acknowledged = std::mem::take(&mut *self.acknowledged.lock().unwrap());
        let mut there = sound(url).await;
        assert_eq!(seen, there, "the subscription saw each event once, in order");
        there.pop();
        there.sort_unstable();
        acknowledged.sort_unstable();
        assert!(acknowledged == there, "{} acknowledged, {} there", acknowledged.len(), there.len());
    }
}

/// What a subscription delivers, up to the event of the stream `end`.
async fn see_until_the_end(log: Log) -> Vec<Uuid> {
    let (mut seen, mut pages) = (Vec::new(), log.follow(0));
    while let Some(page) = pages.next().await {
        if let LogPage::Events(events) = page.expect("the subscription resumes") {
            seen.extend(events.iter().map(|event| event.id));
            if events.last().is_some_and(|event| event.stream == "end") {
                break;
            }
        }
    }
    seen
}

async fn blocking<T: Send + 'static>(cluster: &Arc<Cluster>, act: impl FnOnce(&Cluster) -> T + Send + 'static) -> T {
    let cluster = Arc::clone(cluster);
    tokio::task::spawn_blocking(move || act(&cluster)).await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_at_any_moment_and_what_was_acknowledged_is_there_once() {
    let (cluster, url) = durable_server().await;
    let life = Life::begin(&url).await;
    for _ in 0..ROUNDS {
        life.goes_on().await;
        tokio::time::sleep(a_moment()).await;
        blocking(&cluster, |cluster| {
            processes::kill_all_of(cluster.pid().expect("the server runs"));
            cluster.kill().expect("nothing of it is left");
            cluster.start().expect("it recovers");
        })
        .await;
    }
    life.goes_on().await;
    life.end(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_restarted_under_writers_and_a_subscription_and_all_resume() {
    let (cluster, url) = durable_server().await;
    let life = Life::begin(&url).await;
    for _ in 0..3 {
        life.goes_on().await;
        blocking(&cluster, |cluster| cluster.restart().expect("it restarts")).await;
    }
    life.goes_on().await;
    life.end(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgets_is_refused_though_it_once_did_not() {
    let (cluster, url) = durable_server().await;
    let log = Postgres::connect(&url, options()).await.unwrap();
    log.append("a", daftar_store::log::ExpectedState::NoStream, vec![support::event(1)]).await.unwrap();
    let mut owner = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("ALTER DATABASE postgres SET synchronous_commit = off").execute(&mut owner).await.unwrap();

    let error = Postgres::connect(&url, options()).await.unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(said, "`synchronous_commit` is off: what it acknowledges may be lost in a crash");

    // Who was connected already keeps what it had, until it must connect again.
    blocking(&cluster, |cluster| cluster.restart().expect("it restarts")).await;
    assert!(log.append("b", daftar_store::log::ExpectedState::NoStream, vec![support::event(2)]).await.is_err());
}
