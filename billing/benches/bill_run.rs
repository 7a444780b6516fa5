//! How many invoices a bill run issues in a second, durable, beside the barest way to put the same events on the same disk.
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

use daftar_billing::bill_run::{BillRuns, NEEDS};
use daftar_cluster::{Cluster, Options, SUPERUSER, testing};
use daftar_domain::Position;
use daftar_projections::{Readable, migrate, rebuild};
use daftar_store::{Engine, Postgres, PostgresOptions, log::Log};
use figures::{Line, Target};
use sqlx::{Connection, Executor, PgConnection, PgPool};

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
    daftar_store::postgres::migrate(&url).await.expect("the log is made");
    migrate(&mut PgConnection::connect(&url).await.expect("the server answers")).await.expect("the read models are made");
    let log = Postgres::connect(&url, PostgresOptions::default()).await.expect("the log opens");
    let pool = PgPool::connect(&url).await.expect("the server answers");
    let accounts = std::env::var("DAFTAR_BENCH_ACCOUNTS").map_or(ACCOUNTS, |number| number.parse().expect("a number of accounts"));

    let engine = Engine::new(Arc::new(log.clone()));
    let begun = Instant::now();
    company::tariff(&engine).await;
    company::customers(&engine, accounts).await;
    println!("{accounts} customers made in {:.1} s", begun.elapsed().as_secs_f64());
    rebuild::rebuild(&[NEEDS], &log, &pool.connect_options(), rebuild::MEMORY, &|_| ()).await.expect("the read model is built");
    pool.execute("VACUUM ANALYZE").await.expect("the tables are analysed");

    let runs = BillRuns::new(engine, pool.clone());
    let before = head(&log);
    timed("rated (preview)", accounts, async || runs.preview("2026-10", company::plan(), &|_| ()).await.expect("a preview")).await;
    let projector = company::project(Arc::new(log.clone()), &pool);
    let begun = Instant::now();
    let run = async || runs.execute("2026-10", company::plan(), &|_| ()).await.expect("a run");
    let (report, issued) = timed("issued, charged and noted, durable", accounts, run).await;
    assert_eq!(u128::from(report.tally.billed), accounts);
    let after = head(&log);
    let readable = Readable::listen(pool.clone());
    assert!(readable.reached(NEEDS.name, after, Duration::from_secs(600)).await.expect("the projector answers"));
    let readable = rate(accounts, begun);
    println!("{:44} {readable:>8.0} invoices/s", "and readable in `billable`");
    projector.abort();
    let what = "limit: the same events, inserted and synced";
    let ((), limit) = timed(what, accounts, async || inserted(&pool, before, after).await).await;
    println!("memory at its highest: {} MiB", peak_memory());
    let (unit, limit) = ("invoices/s", Some(("the same events inserted", Some(limit))));
    Line { work: "a bill run, durable", unit, ours: Some(issued), peer: None, limit }.tell();
    Target::at_least(10_000.0, "invoices/s").judge(Some(issued));
    Line { work: "a bill run, readable", unit, ours: Some(readable), peer: None, limit }.tell();
    Target::at_least(6_000.0, "invoices/s").judge(Some(readable));
}

fn head(log: &Log) -> Position {
    Position::single(*log.head().borrow())
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
