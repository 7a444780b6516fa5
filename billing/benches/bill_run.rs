//! How many invoices a bill run issues in a second, durable, beside the barest way to put the same events on the same disk; and how many
//! when a projector follows it on the same cores, until all of them are readable.
//!
//! Everything runs on one durable server, on this machine's cores together with the run. `DAFTAR_BENCH_ACCOUNTS` says how many accounts.

#[path = "../tests/bill_run/company.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod company;
#[path = "../../store/benches/store/figures.rs"]
#[allow(dead_code, reason = "nothing here has latencies")]
mod figures;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use daftar_billing::bill_run::{BillRuns, NEEDS, Progress, Report};
use daftar_cluster::{Cluster, Options, SUPERUSER, testing};
use daftar_domain::Position;
use daftar_projections::{Readable, Stopped, migrate, rebuild};
use daftar_store::{Engine, Postgres, PostgresOptions, log::Log};
use figures::{Line, Target};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::task::JoinHandle;

const ACCOUNTS: u128 = 20_000;

/// Events that the limit writes in a transaction: about what a group of waiting appends is.
const GROUP: i64 = 1_000;

#[tokio::main]
async fn main() {
    // Ours, unless someone has started one for us.
    let cluster = std::env::var_os(testing::SERVER)
        .is_none()
        .then(|| tokio::task::block_in_place(|| Cluster::throw_away(Options::durable()).expect("a server starts")));
    let url = cluster.as_ref().map_or_else(testing::server_url, |cluster| cluster.url("postgres", SUPERUSER));
    let accounts = std::env::var("DAFTAR_BENCH_ACCOUNTS").map_or(ACCOUNTS, |number| number.parse().expect("a number of accounts"));
    let server: PgConnectOptions = url.parse().expect("an address");
    let mut db = PgConnection::connect_with(&server).await.expect("the server answers");
    for database in ["CREATE DATABASE alone", "CREATE DATABASE beside"] {
        db.execute(database).await.expect("a database");
    }
    let at = |database: &str| server.clone().database(database);

    let alone = Utility::open(at("alone"), accounts).await;
    timed("rated (preview)", accounts, async || alone.runs().preview("2026-10", company::plan(), &|_| ()).await.expect("a preview")).await;
    // A run goes on once the rows show that it has begun; from there on it waits for none.
    let projector = alone.project();
    let let_go = |progress: Progress| {
        if progress.looked_at > 0 {
            projector.abort();
        }
    };
    let (report, durable) = timed("issued, charged and noted, durable", accounts, async || alone.run(&let_go).await).await;
    assert_eq!(u128::from(report.tally.billed), accounts);
    drop(alone);

    let beside = Utility::open(at("beside"), accounts).await;
    let (before, begun) = (beside.head(), Instant::now());
    let projector = beside.project();
    let (report, followed) = timed("the same, with a projector beside", accounts, async || beside.run(&|_| ()).await).await;
    assert_eq!(u128::from(report.tally.billed), accounts);
    let after = beside.head();
    let readable = Readable::listen(beside.pool.clone());
    assert!(readable.reached(NEEDS.name, after, Duration::from_secs(600)).await.expect("the projector answers"));
    let readable = rate(accounts, begun);
    println!("{:44} {readable:>8.0} invoices/s", "and readable in `billable`");
    projector.abort();
    let what = "limit: the same events, inserted and synced";
    let ((), limit) = timed(what, accounts, async || inserted(&beside.pool, before, after).await).await;
    println!("memory at its highest: {} MiB", peak_memory());
    let (unit, limit) = ("invoices/s", Some(("the same events inserted", Some(limit))));
    Line { work: "a bill run, durable", unit, ours: Some(durable), peer: None, limit }.tell();
    Target::at_least(10_000.0, "invoices/s").judge(Some(durable));
    Line { work: "a bill run, durable, a projector beside", unit, ours: Some(followed), peer: None, limit }.tell();
    Line { work: "a bill run, readable", unit, ours: Some(readable), peer: None, limit }.tell();
    Target::at_least(6_000.0, "invoices/s").judge(Some(readable));
}

/// Somebody who has read all meters, and has billed nobody yet.
struct Utility {
    log: Log,
    pool: PgPool,
}

impl Utility {
    async fn open(database: PgConnectOptions, accounts: u128) -> Self {
        let url = database.to_url_lossy();
        daftar_store::postgres::migrate(url.as_str()).await.expect("the log is made");
        migrate(&mut PgConnection::connect_with(&database).await.expect("the server answers")).await.expect("the read models are made");
        let log = Postgres::connect(url.as_str(), PostgresOptions::default()).await.expect("the log opens");
        let pool = PgPool::connect_with(database).await.expect("the server answers");
        let (engine, begun) = (Engine::new(Arc::new(log.clone())), Instant::now());
        company::tariff(&engine).await;
        company::customers(&engine, accounts).await;
        println!("{accounts} customers made in {:.1} s", begun.elapsed().as_secs_f64());
        rebuild::rebuild(&[NEEDS], &log, &pool.connect_options(), rebuild::MEMORY, &|_| ()).await.expect("the read model is built");
        pool.execute("VACUUM ANALYZE").await.expect("the tables are analysed");
        Self { log, pool }
    }

    fn runs(&self) -> BillRuns {
        BillRuns::new(Engine::new(Arc::new(self.log.clone())), self.pool.clone())
    }

    async fn run(&self, progress: &(dyn Fn(Progress) + Sync)) -> Report {
        self.runs().execute("2026-10", company::plan(), progress).await.expect("a run")
    }

    fn project(&self) -> JoinHandle<Stopped> {
        company::project(Arc::new(self.log.clone()), &self.pool)
    }

    fn head(&self) -> Position {
        Position::single(*self.log.head().borrow())
    }
}

async fn timed<T>(what: &str, accounts: u128, work: impl AsyncFnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let done = work().await;
    let rate = rate(accounts, begun);
    println!("{what:44} {rate:>8.0} invoices/s");
    (done, rate)
}

fn rate(accounts: u128, begun: Instant) -> f64 {
    accounts as f64 / begun.elapsed().as_secs_f64()
}

/// The run's events once more, into a table with the log's columns and keys: one statement and one commit for each group.
async fn inserted(pool: &PgPool, before: Position, after: Position) {
    let mut db = pool.acquire().await.expect("a connection");
    db.execute("CREATE TABLE plain (LIKE daftar_log.events INCLUDING ALL)").await.expect("a table");
    let [mut from, until] = [before, after].map(|position| i64::try_from(position.commit).expect("a position"));
    while from < until {
        let copy = "INSERT INTO plain SELECT * FROM daftar_log.events WHERE position > $1 AND position <= $2";
        sqlx::query(copy).bind(from).bind(until.min(from + GROUP)).execute(&mut *db).await.expect("inserted");
        from += GROUP;
    }
}

/// Of this process, the server not counted.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|line| line.split_whitespace().next());
    peak.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1_024
}
