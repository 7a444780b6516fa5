//! What the projectors do in a second, beside the barest way to put the same rows into the same tables, and beside a peer.
//!
//! Everything runs on one durable server, on this machine's cores together with the projectors. A rebuild, its limit and the peer take turns,
//! and what counts is the median of the ratios of quiet rounds. `DAFTAR_BENCH_EVENTS` says how large the log is: a million, if nothing is said.

mod books;
#[path = "../../../store/benches/store/figures.rs"]
mod figures;
#[path = "../../../store/benches/store/gauge.rs"]
mod gauge;
mod peer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use daftar_cluster::{Cluster, Options, SUPERUSER, testing};
use daftar_domain::Position;
use daftar_projections::{Feed, MODELS, Model, Projector, Readable, Runner, Step, accounts::Accounts, migrate, rebuild};
use daftar_store::{Postgres, PostgresOptions, log::Log};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Row, postgres::PgConnectOptions};
use tokio::task::JoinSet;

use self::{
    figures::{Figures, Line, Target, median, rounds},
    gauge::Gauge,
};

const EVENTS: usize = 1_000_000;

/// Accounts that the peer replays in a round.
const OF_THE_PEER: u128 = 100;

/// Those that the peer's one view stands beside.
const OF_MONEY: [&str; 3] = ["accounts", "invoices", "payments"];

#[tokio::main]
async fn main() {
    // Words after `--` choose parts; Cargo adds an option of its own.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    // Ours, unless someone has started one for us.
    let cluster = std::env::var_os(testing::SERVER)
        .is_none()
        .then(|| tokio::task::block_in_place(|| Cluster::throw_away(Options::durable()).expect("a server starts")));
    let url = cluster.as_ref().map_or_else(testing::server_url, |cluster| cluster.url("postgres", SUPERUSER));
    daftar_store::postgres::migrate(&url).await.expect("the log is made");
    let mut db = PgConnection::connect(&url).await.expect("the server answers");
    migrate(&mut db).await.expect("the read models are made");
    describe(&mut db).await;

    let log = Postgres::connect(&url, PostgresOptions::default()).await.expect("the log opens");
    let wanted = std::env::var("DAFTAR_BENCH_EVENTS").map_or(EVENTS, |number| number.parse().expect("a number of events"));
    let customers = (wanted / books::events_each() + 1) as u128;
    let options: PgConnectOptions = url.parse().expect("a URL");
    let events = writing(&log, &options, customers, wants("equality")).await;
    if wants("equality") {
        equality(&log, &mut db, &options, events).await;
    }
    if wants("rebuilding") {
        let gauge = Gauge::begin(&url, cluster.as_ref().map(|cluster| cluster.binaries().directory())).await;
        rebuilding(&log, &mut db, (&options, &url), &gauge, events).await;
    }
    if wants("catching-up") {
        catching_up(&log, &mut db, &options, events).await;
    }
    if wants("live") {
        live(&log, &options, customers).await;
    }
    count(&mut db).await;
}

async fn describe(db: &mut PgConnection) {
    let settings = "SELECT version(), current_setting('fsync'), current_setting('synchronous_commit')";
    let row = db.fetch_one(settings).await.expect("settings");
    let [version, fsync, synchronous_commit] = [0, 1, 2].map(|column| row.get::<String, _>(column));
    println!("{}", version.split(" on ").next().unwrap_or(&version));
    println!("fsync = {fsync}, synchronous_commit = {synchronous_commit}; projectors' sessions say off");
}

/// Writes the log, with all models following if they are asked to; how many events that was.
async fn writing(log: &Log, options: &PgConnectOptions, customers: u128, followed: bool) -> usize {
    let runners = followed.then(|| run_all(log, options));
    let started = Instant::now();
    let events = books::write(log, 0..customers).await;
    println!("{events} events written, {:.0}/s", events as f64 / started.elapsed().as_secs_f64());
    if let Some(runners) = runners {
        all_reach(options, events).await;
        println!("readable in all {} models, {:.0} events/s", MODELS.len(), events as f64 / started.elapsed().as_secs_f64());
        drop(runners);
    }
    events
}

async fn all_reach(options: &PgConnectOptions, events: usize) {
    let readable = Readable::listen(PgPool::connect_with(options.clone()).await.expect("connected"));
    let end = Position::single(events as u64);
    for model in MODELS {
        assert!(readable.reached(model.name, end, Duration::from_secs(3_600)).await.expect("asked"), "{} never came", model.name);
    }
}

/// Rows that runners made while writers wrote are those of a rebuild: each table, every column, both ways.
async fn equality(log: &Log, db: &mut PgConnection, options: &PgConnectOptions, events: usize) {
    println!("\nrows made live while the log was written, beside those built anew from {events} events");
    for model in MODELS {
        run(db, format!("DROP SCHEMA IF EXISTS kept_{0} CASCADE; CREATE SCHEMA kept_{0}", model.name)).await;
        for (table, _) in model.shapes() {
            run(db, format!("CREATE TABLE kept_{0}.{table} AS TABLE read_{0}.{table}", model.name)).await;
        }
    }
    rebuild::rebuild(MODELS, log, options, rebuild::MEMORY, &|_| {}).await.expect("rebuilt");
    let (mut tables, mut all) = (0, 0);
    for model in MODELS {
        for (table, _) in model.shapes() {
            let (live, built) = (format!("TABLE kept_{}.{table}", model.name), format!("TABLE read_{}.{table}", model.name));
            let sql = format!(
                "SELECT (SELECT count(*) FROM ({built}) rows), (SELECT count(*) FROM ({live} EXCEPT ALL {built}) rows),
                        (SELECT count(*) FROM ({built} EXCEPT ALL {live}) rows)"
            );
            let (rows, only_live, only_built): (i64, i64, i64) =
                sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *db).await.expect("compared");
            assert!(rows > 0, "{}.{table} is empty", model.name);
            assert_eq!((only_live, only_built), (0, 0), "{}.{table}: rows only live, and only built anew", model.name);
            (tables, all) = (tables + 1, all + rows);
        }
        run(db, format!("DROP SCHEMA kept_{} CASCADE", model.name)).await;
    }
    println!("  {all} rows of {tables} tables are the same, and no table is empty");
}

/// All models in one pass, beside COPY of the same rows into the same tables and the same indexes after; and those of money beside the peer.
async fn rebuilding(log: &Log, db: &mut PgConnection, (options, url): (&PgConnectOptions, &str), gauge: &Gauge, events: usize) {
    println!("\nrebuilding {} models from {events} events", MODELS.len());
    let of_money: Vec<Model> = MODELS.iter().filter(|model| OF_MONEY.contains(&model.name)).copied().collect();
    let categories: Vec<&str> = of_money.iter().flat_map(|model| model.categories).copied().collect();
    let concerning = "SELECT count(*) FROM daftar_log.events WHERE split_part(stream, '-', 1) = ANY($1)";
    let concerning: i64 = sqlx::query_scalar(concerning).bind(categories).fetch_one(&mut *db).await.expect("counted");
    println!(
        "  {concerning} of them concern {}; their rate is that of the whole log, which a rebuild of them reads past",
        OF_MONEY.join(", ")
    );
    let (mut limits, mut peers, mut peak, mut rates) = (Vec::new(), Vec::new(), 0, [const { Vec::new() }; 4]);
    for round in 1..=rounds() {
        let quiet = gauge.read();
        let (before, started) = (Memory::begin(), Instant::now());
        rebuild::rebuild(MODELS, log, options, rebuild::MEMORY, &|_| {}).await.expect("rebuilt");
        let rebuilt = events as f64 / started.elapsed().as_secs_f64();
        peak = peak.max(before.more());
        let (rows, took) = limit(db).await;
        let copied = events as f64 / took.as_secs_f64();
        let started = Instant::now();
        rebuild::rebuild(&of_money, log, options, rebuild::MEMORY, &|_| {}).await.expect("rebuilt");
        let money = events as f64 / started.elapsed().as_secs_f64();
        let peer = peer::replays(url, OF_THE_PEER).await;
        let quiet = quiet.min(gauge.read());
        println!(
            "  {round} all models {rebuilt:>7.0} events/s    copy, then index {copied:>7.0} ({rows} rows)    {} {money:>7.0}    cqrs-es {peer:>5.0}    {quiet}",
            OF_MONEY.join(", ")
        );
        for (rates, rate) in rates.iter_mut().zip([rebuilt, copied, money, peer]) {
            rates.push(rate);
        }
        if quiet.is_quiet() {
            limits.push(rebuilt / copied);
            peers.push(money / peer);
        }
    }
    let small = Memory::begin();
    let started = Instant::now();
    rebuild::rebuild(MODELS, log, options, 4 * 1024 * 1024, &|_| {}).await.expect("rebuilt");
    let spilling = events as f64 / started.elapsed().as_secs_f64();
    println!("  memory: {peak} MiB more than before; with 4 MiB for rows {} MiB, {spilling:.0} events/s", small.more());
    let [rebuilt, copied, money, peer] = rates.map(median);
    let unit = "events/s";
    Line { work: "rebuild accounts, invoices and payments", unit, ours: money, peer: Some(("cqrs-es", peer)), limit: None }.tell();
    Target::at_least(100.0, "× cqrs-es").judge(median(peers));
    Line { work: "rebuild every read model", unit, ours: rebuilt, peer: None, limit: Some(("copy, then index", copied)) }.tell();
    Target::at_least(0.6, "of copy, then index").judge(median(limits));
}

/// The rows that are there, copied into tables without indexes, which are added then.
async fn limit(db: &mut PgConnection) -> (u64, Duration) {
    let (mut rows, mut took) = (0, Duration::ZERO);
    db.execute("SET synchronous_commit = off").await.expect("set");
    for model in MODELS {
        let schema = format!("read_{}", model.name);
        let mut tables = Vec::new();
        for (table, _) in model.shapes() {
            let copy = format!("COPY {schema}.{table} TO STDOUT (FORMAT binary)");
            let bytes: Vec<_> = db.copy_out_raw(&copy).await.expect("copied").try_collect().await.expect("copied");
            tables.push((table, bytes.concat()));
        }
        run(db, format!("DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare; SET search_path TO bare; {}", model.tables())).await;
        let started = Instant::now();
        for (table, bytes) in tables {
            let mut copy = db.copy_in_raw(&format!("COPY bare.{table} FROM STDIN (FORMAT binary)")).await.expect("copied");
            for piece in bytes.chunks(256 * 1024) {
                copy.send(piece).await.expect("copied");
            }
            rows += copy.finish().await.expect("copied");
        }
        run(db, model.indexes().to_owned()).await;
        took += started.elapsed();
        run(db, "RESET search_path; DROP SCHEMA bare CASCADE".to_owned()).await;
    }
    (rows, took)
}

/// The runners, from empty tables with their indexes to the end of the log.
async fn catching_up(log: &Log, db: &mut PgConnection, options: &PgConnectOptions, events: usize) {
    println!("\ncatching up with live tables");
    let mut rates = Vec::new();
    for round in 1..=rounds().min(3) {
        let names: Vec<_> = MODELS.iter().map(|model| format!("read_{}", model.name)).collect();
        for name in names {
            run(db, format!("DROP SCHEMA {name} CASCADE")).await;
        }
        run(db, "DELETE FROM daftar_projections.checkpoint".to_owned()).await;
        migrate(db).await.expect("the read models are made");
        let started = Instant::now();
        let runners = run_all(log, options);
        all_reach(options, events).await;
        let rate = events as f64 / started.elapsed().as_secs_f64();
        drop(runners);
        println!("  {round} {rate:>8.0} events/s");
        rates.push(rate);
    }
    let ours = median(rates);
    Line { work: "catch up with live tables", unit: "events/s", ours, peer: None, limit: None }.tell();
    Target::at_least(60_000.0, "events/s").judge(ours);
}

/// A thousand events a second, one by one, and how long after its append each is in the rows.
async fn live(log: &Log, options: &PgConnectOptions, customers: u128) {
    const A_SECOND: u32 = 1_000;
    const SECONDS: u32 = 10;
    println!("\nlive, {A_SECOND} events a second for {SECONDS} seconds");
    let runners = run_all(log, options);
    let readable = Readable::listen(PgPool::connect_with(options.clone()).await.expect("connected"));
    let first = books::open(log, customers).await;
    assert!(readable.reached(Accounts::NAME, Position::single(first), Duration::from_secs(60)).await.expect("asked"));
    let mut steps = readable.steps();
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        while let Ok(step) = steps.recv().await {
            if let Step::Moved(moved) = step
                && moved.model == Accounts::NAME
            {
                heard.push((moved.position.commit, Instant::now()));
            }
            if heard.last().is_some_and(|(position, _)| *position >= first + u64::from(A_SECOND * SECONDS)) {
                break;
            }
        }
        heard
    });
    let (started, log) = (Instant::now(), Arc::new(log.clone()));
    let mut appends = JoinSet::new();
    for number in 1..=A_SECOND * SECONDS {
        tokio::time::sleep_until((started + Duration::from_secs(1) * number / A_SECOND).into()).await;
        let log = Arc::clone(&log);
        appends.spawn(async move { (books::open(&log, customers + u128::from(number)).await, Instant::now()) });
    }
    let mut appended = appends.join_all().await;
    appended.sort_unstable();
    let took = started.elapsed();
    let heard = tokio::time::timeout(Duration::from_secs(60), heard).await.expect("all is heard of").expect("no panic");
    let lag = |(position, at): &(u64, Instant)| {
        let step = heard.partition_point(|(reached, _)| reached < position);
        heard.get(step).map(|(_, readable)| readable.saturating_duration_since(*at))
    };
    let lags: Vec<_> = appended.iter().filter_map(lag).collect();
    assert_eq!(lags.len(), appended.len());
    let figures = Figures::new(lags, took);
    println!("  {figures}, in {} steps of the accounts", heard.len());
    let p99 = Some(figures.percentile(99).as_secs_f64() * 1e3);
    Line { work: "live, from append to readable at 1,000 events/s", unit: "ms at p99", ours: p99, peer: None, limit: None }.tell();
    Target::at_most(100.0, "ms at p99 from append to readable").judge(p99);
    drop(runners);
}

fn run_all(log: &Log, options: &PgConnectOptions) -> JoinSet<()> {
    let feed = Feed::new(Arc::new(log.clone()));
    let mut runners = JoinSet::new();
    for model in MODELS {
        let runner = Runner::new(*model, Arc::clone(&feed), options.clone());
        runners.spawn(async { panic!("{}", runner.run().await) });
    }
    runners
}

/// What is really there afterwards.
async fn count(db: &mut PgConnection) {
    println!("\nrows read back");
    let log = "SELECT count(*), avg(length(data))::bigint, avg(length(metadata))::bigint FROM daftar_log.events";
    let row = db.fetch_one(log).await.expect("the log is counted");
    let [events, data, metadata] = [0, 1, 2].map(|column| row.get::<i64, _>(column));
    println!("  log        {events} events ({data} bytes of data, {metadata} of metadata)");
    for model in MODELS {
        for (table, _) in model.shapes() {
            let sql = format!("SELECT count(*) FROM read_{}.{table}", model.name);
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *db).await.expect("counted");
            println!("  {:10} {table:12} {rows}", model.name);
        }
    }
}

async fn run(db: &mut PgConnection, statements: String) {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(db).await.expect("done");
}

/// This process's memory, as the system counts it. Where the system does not, nothing is said to have been used.
struct Memory(u64);

impl Memory {
    fn begin() -> Self {
        // Forgets the highest so far.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self(highest())
    }

    /// MiB, at the highest, more than at the beginning.
    fn more(&self) -> u64 {
        highest().saturating_sub(self.0) / 1024
    }
}

fn highest() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
