//! Projectors that die, servers that die, writers that do not wait: and in the end the rows that a rebuild makes, each once.

use std::{
    collections::BTreeSet,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use daftar_cluster::{Cluster, Options, SUPERUSER};
use daftar_domain::{CATEGORIES, Position};
use daftar_projections::{
    Feed, MODELS, Readable, Runner, elected, in_office, migrate, reached,
    rebuild::{self, Progress},
};
use daftar_store::{Durability, Postgres, PostgresOptions, log::Log, postgres};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::task::{JoinHandle, JoinSet};

use crate::{books, spec::database};

/// How often each of the killings is done.
const ROUNDS: usize = 20;

const SOON: Duration = Duration::from_secs(240);

async fn open_log(url: &str) -> Log {
    let durability = Durability::UnsafeForTests;
    let options = PostgresOptions { durability, patience: Duration::from_secs(60), ..PostgresOptions::default() };
    Postgres::connect(url, options).await.expect("the log opens")
}

/// A log and the read models in one database, which is dropped with the first.
async fn log_and_models() -> (daftar_cluster::testing::TestDatabase, PgPool, Log) {
    let (database, pool) = database().await;
    postgres::migrate(database.url()).await.expect("the log is made");
    let log = open_log(database.url()).await;
    (database, pool, log)
}

fn run_all(log: &Log, database: &PgConnectOptions) -> JoinSet<()> {
    let feed = Feed::new(Arc::new(log.clone()));
    let mut runners = JoinSet::new();
    for model in MODELS {
        let runner = Runner::new(*model, Arc::clone(&feed), database.clone());
        runners.spawn(async { panic!("{}", runner.run().await) });
    }
    runners
}

/// Customers to whom everything happens, one after another, until it is told to stop.
struct Writing {
    stop: Arc<AtomicBool>,
    last: Arc<AtomicU64>,
    /// Where they wait until they are allowed more.
    until: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Writing {
    fn begin(log: &Log, read_models: &PgConnectOptions) -> Self {
        let (stop, last, until) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
        let (log, stopped, written, allowed) = (log.clone(), Arc::clone(&stop), Arc::clone(&last), Arc::clone(&until));
        let read_models = PgPool::connect_lazy_with(read_models.clone());
        let task = tokio::spawn(async move {
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                let last = written.load(Ordering::Relaxed);
                let most = slowest(&read_models).await.map_or(0, |reached| reached + AHEAD);
                if last <= most.min(allowed.load(Ordering::Relaxed)) {
                    let group = (0..2).map(|more| books::append(&log, number + more));
                    let positions = futures::future::join_all(group).await;
                    written.fetch_max(positions.into_iter().max().unwrap_or_default(), Ordering::Relaxed);
                    number += 2;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self { stop, last, until, task }
    }

    /// So many events more. Whoever has to come to the end of the log while it is being written does so sooner or later.
    fn allow(&self, events: u64) {
        self.until.store(self.last.load(Ordering::Relaxed) + events, Ordering::Relaxed);
    }

    /// The position of the last event.
    async fn end(self) -> Position {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("every append succeeds in the end");
        Position::single(self.last.load(Ordering::Relaxed))
    }
}

/// Events that writers may be ahead of the slowest model: enough for each to have work, and few enough that a machine with other work
/// to do comes to an end.
const AHEAD: u64 = 1_500;

/// Where the slowest model is; nothing, while nobody can say.
async fn slowest(read_models: &PgPool) -> Option<u64> {
    let mut slowest = u64::MAX;
    for model in MODELS {
        slowest = slowest.min(reached(read_models, model.name).await.ok()?.map_or(0, |position| position.commit));
    }
    Some(slowest)
}

async fn all_reached(pool: &PgPool, position: Position) {
    let readable = Readable::listen(pool.clone());
    for model in MODELS {
        assert!(readable.reached(model.name, position, SOON).await.unwrap(), "{} stays behind", model.name);
    }
}

/// The rows as they are, column by column, beside those that are built anew from the same log.
async fn assert_as_rebuilt(pool: &PgPool, log: &Log, memory: usize) {
    let mut db = pool.acquire().await.unwrap();
    for (model, table) in tables() {
        let keep = format!("DROP TABLE IF EXISTS kept_{model}_{table}; CREATE TABLE kept_{model}_{table} AS TABLE read_{model}.{table}");
        sqlx::raw_sql(AssertSqlSafe(keep)).execute(&mut *db).await.unwrap();
    }
    rebuild::rebuild(MODELS, log, &pool.connect_options(), memory, &|_| {}).await.unwrap();
    for (model, table) in tables() {
        let (kept, built) = (format!("TABLE kept_{model}_{table}"), format!("TABLE read_{model}.{table}"));
        let differing = format!(
            "SELECT (SELECT count(*) FROM ({built}) rows), (SELECT count(*) FROM ({kept} EXCEPT ALL {built}) rows),
                    (SELECT count(*) FROM ({built} EXCEPT ALL {kept}) rows)"
        );
        let counts: (i64, i64, i64) = sqlx::query_as(AssertSqlSafe(differing)).fetch_one(&mut *db).await.unwrap();
        assert_eq!((counts.1, counts.2), (0, 0), "rows of {model}.{table} only live, and only rebuilt, of {}", counts.0);
        assert!(counts.0 > 0, "{model}.{table} is empty");
    }
}

fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    MODELS.iter().flat_map(|model| model.shapes().into_iter().map(|(table, _)| (model.name, table)))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_built_anew_from_a_hundred_thousand_events_are_those_built_live_under_writers() {
    let customers = 100_000 / books::events_each() as u128 + 1;
    let (_database, pool, log) = log_and_models().await;
    let runners = run_all(&log, &pool.connect_options());
    let events = books::write(&log, 0..customers).await;
    assert!(events >= 100_000, "{events}");
    all_reached(&pool, Position::single(events as u64)).await;
    drop(runners);
    for memory in [rebuild::MEMORY, 1024 * 1024] {
        assert_as_rebuilt(&pool, &log, memory).await;
    }
}

#[test]
fn something_happens_in_every_category() {
    let (told, all): (BTreeSet<_>, BTreeSet<_>) = (books::categories().collect(), CATEGORIES.iter().copied().collect());
    assert_eq!(told, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_swapped_again_and_again_under_writers_and_runners_and_nothing_is_lost_or_doubled() {
    let (_database, pool, log) = log_and_models().await;
    let (writing, runners) = (Writing::begin(&log, &pool.connect_options()), run_all(&log, &pool.connect_options()));
    for memory in [rebuild::MEMORY, 0, rebuild::MEMORY, 64 * 1024] {
        writing.allow(5_000);
        moved(&pool).await;
        let more_at_each_step = |progress: Progress| {
            if let Progress::Indexing { .. } | Progress::Swapped { .. } = progress {
                writing.allow(300);
            }
        };
        rebuild::rebuild(MODELS, &log, &pool.connect_options(), memory, &more_at_each_step).await.unwrap();
    }
    let last = writing.end().await;
    all_reached(&pool, last).await;
    assert!(!runners.is_empty());
    drop(runners);
    assert_as_rebuilt(&pool, &log, rebuild::MEMORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projecting_process_is_killed_at_any_moment_and_nothing_is_lost_or_doubled() {
    let (database, pool, log) = log_and_models().await;
    let writing = Writing::begin(&log, &pool.connect_options());
    for _ in 0..ROUNDS {
        let mut process = OtherProcess::projects(database.url());
        moved(&pool).await;
        tokio::time::sleep(a_moment()).await;
        process.kill();
    }
    let last = writing.end().await;
    let runners = run_all(&log, &pool.connect_options());
    all_reached(&pool, last).await;
    drop(runners);
    assert_as_rebuilt(&pool, &log, rebuild::MEMORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_at_any_moment_and_nothing_is_lost_or_doubled() {
    let cluster = tokio::task::spawn_blocking(|| Cluster::throw_away(Options::durable()).expect("a server starts")).await.unwrap();
    let url = cluster.url("postgres", SUPERUSER);
    let cluster = Arc::new(cluster);
    postgres::migrate(&url).await.expect("the log is made");
    migrate(&mut PgConnection::connect(&url).await.unwrap()).await.expect("the read models are made");
    let log = open_log(&url).await;
    let options: PgConnectOptions = url.parse().unwrap();
    let (writing, runners) = (Writing::begin(&log, &options), run_all(&log, &options));
    for _ in 0..ROUNDS {
        let pool = PgPool::connect(&url).await.unwrap();
        moved(&pool).await;
        pool.close().await;
        tokio::time::sleep(a_moment()).await;
        let cluster = Arc::clone(&cluster);
        let killed = tokio::task::spawn_blocking(move || {
            kill_all_of(cluster.pid().expect("the server runs"));
            cluster.kill().expect("nothing of it is left");
            cluster.start().expect("it recovers");
        });
        killed.await.unwrap();
    }
    let last = writing.end().await;
    let pool = PgPool::connect(&url).await.unwrap();
    all_reached(&pool, last).await;
    drop(runners);
    assert_as_rebuilt(&pool, &log, rebuild::MEMORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_takes_over_within_seconds() {
    let (database, pool, log) = log_and_models().await;
    let mut first = OtherProcess::projects(database.url());
    all_reached(&pool, Position::single(books::append(&log, 1).await)).await;
    let _second = OtherProcess::projects(database.url());
    first.kill();
    let next = Position::single(books::append(&log, 2).await);
    let readable = Readable::listen(pool.clone());
    for model in MODELS {
        assert!(readable.reached(model.name, next, Duration::from_secs(10)).await.unwrap(), "nobody keeps {}", model.name);
    }
}

/// Waits until a model has moved, however slow the machine.
async fn moved(pool: &PgPool) {
    let name = MODELS[0].name;
    let before = reached(pool, name).await.unwrap();
    while reached(pool, name).await.unwrap() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Not chosen for anything but being different each time.
fn a_moment() -> Duration {
    Duration::from_micros(rand::random_range(0..60_000))
}

const URL: &str = "DAFTAR_TEST_URL";

/// This very program, asked through its environment to keep the read models instead of being a test.
struct OtherProcess(Child);

impl OtherProcess {
    fn projects(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "faults::the_other_process", "--nocapture"]).env(URL, url);
        Self(command.stdout(std::process::Stdio::null()).spawn().expect("a process starts"))
    }

    fn kill(&mut self) {
        self.0.kill().expect("it is ours to kill");
        self.0.wait().expect("it ends");
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test, but what this program does when it was started as another process.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let log = open_log(&url).await;
    run_all(&log, &url.parse().unwrap()).join_all().await;
}

/// Kills a server's processes so that none of them can finish what it was at. Whoever started it has to reap the first.
fn kill_all_of(postmaster: u32) {
    let signal = |pid: u32, signal| {
        // One that has just ended by itself is as good.
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
    };
    // It must neither notice the death of its children nor have more.
    signal(postmaster, Signal::SIGSTOP);
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps lists the processes");
    for line in String::from_utf8(listed.stdout).expect("numbers").lines() {
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse().ok());
        if let (Some(pid), Some(parent)) = (numbers.next(), numbers.next())
            && parent == postmaster
        {
            signal(pid, Signal::SIGKILL);
        }
    }
    signal(postmaster, Signal::SIGKILL);
}

/// Nothing comes, nothing is written, and the session is ended from outside.
#[tokio::test]
async fn whoever_holds_an_office_and_has_nothing_to_do_notices_its_loss() {
    let (_database, pool) = database().await;
    let session = || async { PgConnection::connect_with(&pool.connect_options()).await.expect("connected") };
    let (mut holder, mut next) = (session().await, session().await);
    assert!(elected(&mut holder, "an office").await.expect("elected"));
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.expect("asked");
    let mut waiting = tokio::spawn(async move { in_office(&mut holder, std::future::pending::<()>()).await });
    let while_it_lives = tokio::time::timeout(Duration::from_millis(1_500), &mut waiting).await;
    assert!(while_it_lives.is_err(), "it holds the office while its session lives");
    assert!(sqlx::query_scalar::<_, bool>("SELECT pg_terminate_backend($1)").bind(process).fetch_one(&pool).await.expect("asked"));
    let lost = tokio::time::timeout(SOON, waiting).await.expect("it notices").expect("no panic");
    assert!(lost.is_err());
    elected(&mut next, "an office").await.expect("elected");
    assert_eq!(in_office(&mut next, async { 7 }).await.expect("its session lives"), 7);
}
