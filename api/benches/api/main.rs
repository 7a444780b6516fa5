//! How fast people are answered: nested invoices beside PostGraphile and beside three statements straight from a handler, and the dashboard of a
//! hundred thousand accounts.
//!
//! Servers, PostgreSQL and whoever asks share this machine's cores. `DAFTAR_BENCH_ACCOUNTS` says how many accounts.

#[path = "../../../billing/tests/bill_run/company.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod company;
#[path = "../../../store/benches/store/figures.rs"]
mod figures;
mod load;
mod peer;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use daftar_api::{
    auth::{Password, UserName},
    caller::Role,
    cli::SecretUrl,
    commands::{migrate, user},
    compose::{self, EventStore},
    http::{self, Settings, limits::Rate},
    stop::Stop,
};
use daftar_billing::bill_run::{BillRuns, NEEDS};
use daftar_cluster::{Cluster, Options, SUPERUSER, testing};
use daftar_projections::{MODELS, rebuild};
use daftar_store::{Durability, Engine, keyring::LocalMasterKey, log::Log};
use figures::{Figures, Line, Target, median, rounds};
use futures::{StreamExt, stream};
use load::{Done, Load};
use serde_json::Value;
use sqlx::{Executor, PgPool};
use tokio::net::TcpListener;

const ACCOUNTS: u128 = 100_000;
const CONNECTIONS: usize = 32;
const TURN: Duration = Duration::from_secs(4);
const WAIT: Duration = Duration::from_secs(30);
const PASSWORD: &str = "correct horse battery";

const INVOICES: &str = "{ invoices(first: 50) { nodes { number status total { amount } account { number } lines { code net { amount } }
    payments { amount { amount } payment { reference } } } } }";

const DASHBOARD: &str = "{ dashboard(months: 12) { accounts { class standing count } billed { month charged { amount } paid { amount } open { amount } overdue { amount } }
    collected { month tender cause movements amount { amount } } consumed { month service unit quantity } waiting { status count } } }";

#[tokio::main]
async fn main() {
    let cluster = std::env::var_os(testing::SERVER)
        .is_none()
        .then(|| tokio::task::block_in_place(|| Cluster::throw_away(Options::durable()).expect("a server starts")));
    let url = cluster.as_ref().map_or_else(testing::server_url, |cluster| cluster.url("postgres", SUPERUSER));
    let accounts = std::env::var("DAFTAR_BENCH_ACCOUNTS").map_or(ACCOUNTS, |number| number.parse().expect("a number of accounts"));
    let (address, token, pool) = house(&url, accounts).await;
    for setting in ["SHOW fsync", "SHOW synchronous_commit", "SHOW server_version"] {
        println!("{}: {}", &setting[5..], sqlx::query_scalar::<_, String>(setting).fetch_one(&pool).await.expect("shown"));
    }
    println!("peer's tables: {}", peer::tables(&pool).await);

    nested(&url, address, &token, &pool).await;
    dashboard(address, &token).await;
}

/// A company that has billed all of its customers, half of whom have paid, and its server.
async fn house(url: &str, accounts: u128) -> (SocketAddr, String, PgPool) {
    let url = SecretUrl::from(url);
    migrate::migrate_log(&url, WAIT).await.expect("the log is made");
    migrate::migrate_rest(&url, WAIT).await.expect("the read models are made");
    let store = compose::open_store(&url, WAIT, Durability::Required).await.expect("the log opens");
    let EventStore::Log(log) = &store else { unreachable!("it is PostgreSQL") };
    let pool = PgPool::connect(url.reveal()).await.expect("the server answers");
    history(log, &pool, accounts).await;

    let app = compose::open_app(&store, pool.clone(), LocalMasterKey::new([1; 32]), Default::default()).await.expect("the app opens");
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let app = compose::keep_door(app, Settings { per_user: rate, per_address: rate, ..Settings::default() });
    let name = UserName::new("admin").expect("a name");
    user::register(&app.auth, name, vec![Role::Admin], Password::typed(PASSWORD.to_owned())).await.expect("an admin");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(http::serve(listener, app, Stop::new()));
    let sign_in = format!("mutation {{ signIn(input: {{ userName: \"admin\", password: \"{PASSWORD}\" }}) {{ accessToken }} }}");
    let once = Load { servers: &[address], connections: 1, token: "", query: &sign_in, time: Duration::from_millis(1) };
    let answer: Value = serde_json::from_str(&once.run().await.sample).expect("JSON");
    let token = answer["data"]["signIn"]["accessToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (address, token, pool)
}

async fn history(log: &Log, pool: &PgPool, accounts: u128) {
    let begun = Instant::now();
    let engine = Engine::new(Arc::new(log.clone()));
    company::tariff(&engine).await;
    company::customers(&engine, accounts).await;
    rebuild::rebuild(&[NEEDS], log, &pool.connect_options(), rebuild::MEMORY, &|_| ()).await.expect("the read model is built");
    // A run begins once the rows show that it has.
    let projector = company::project(Arc::new(log.clone()), pool);
    let report = BillRuns::new(engine.clone(), pool.clone()).execute("2026-10", company::plan(), &|_| ()).await.expect("a run");
    projector.abort();
    assert_eq!(u128::from(report.tally.billed), accounts);
    let paying = stream::iter((1..=accounts).step_by(2).map(company::Customer));
    paying.for_each_concurrent(64, |customer| company::pay(&engine, customer, 5_000)).await;
    rebuild::rebuild(MODELS, log, &pool.connect_options(), rebuild::MEMORY, &|_| ()).await.expect("the read models are built");
    pool.execute("VACUUM ANALYZE").await.expect("the tables are analysed");
    println!("{accounts} accounts, {} events, made and billed in {:.0} s", *log.head().borrow(), begun.elapsed().as_secs_f64());
}

async fn nested(url: &str, address: SocketAddr, token: &str, pool: &PgPool) {
    println!("\n50 invoices with lines, payments and account, {CONNECTIONS} connections, {} rounds of {} s each", rounds(), TURN.as_secs());
    let postgraphile = tokio::task::block_in_place(|| peer::PostGraphile::start(url, 2));
    let direct = [peer::direct(pool.clone()).await];
    let contenders: [(&str, &[SocketAddr], &str, &str); 3] = [
        ("PostGraphile 5, two processes", &postgraphile.1, "", peer::QUERY),
        ("three statements from axum", &direct, "", "-"),
        ("Daftar", &[address], token, INVOICES),
    ];
    let load = |(_, servers, token, query): (&str, &'_ [SocketAddr], &'_ str, &'_ str), time| {
        let (servers, token, query) = (servers.to_vec(), token.to_owned(), query.to_owned());
        async move { Load { servers: &servers, connections: CONNECTIONS, token: &token, query: &query, time }.run().await }
    };
    for contender in contenders {
        let warm = load(contender, Duration::from_secs(2)).await;
        let answer: Value = serde_json::from_str(&warm.sample).expect("JSON");
        assert_eq!((warm.errors, count(&answer)), (0, 50), "{}: {}", contender.0, &warm.sample[..warm.sample.len().min(600)]);
    }
    let mut rates = [const { vec![] }; 3];
    let (mut p99, mut errors) = (vec![], 0);
    for round in 1..=rounds() {
        for (place, contender) in contenders.into_iter().enumerate() {
            let Done { figures, errors: failed, .. } = load(contender, TURN).await;
            println!("  round {round}  {:32} {figures}", contender.0);
            rates[place].push(figures.per_second());
            errors += failed;
            if place == 2 {
                p99.push(millis(&figures, 99));
            }
        }
    }
    let ratio = |to: usize| median(rates[2].iter().zip(&rates[to]).map(|(ours, theirs)| ours / theirs));
    let (to_peer, to_direct, p99) = (ratio(0), ratio(1), median(p99));
    println!("  errors: {errors}");
    let of = |place: usize| median(rates[place].iter().copied());
    let (peer, limit) = (Some(("PostGraphile, two processes", of(0))), Some(("three statements", of(1))));
    Line { work: "50 invoices with lines, payments, account", unit: "requests/s", ours: of(2), peer, limit }.tell();
    Target::at_least(3.0, "times PostGraphile").judge(to_peer);
    Target::at_least(0.9, "of the statements").judge(to_direct);
    Target::at_most(60.0, "ms at p99").judge(p99);
}

async fn dashboard(address: SocketAddr, token: &str) {
    println!("\nthe dashboard, {CONNECTIONS} connections");
    let load = |time| async move { Load { servers: &[address], connections: CONNECTIONS, token, query: DASHBOARD, time }.run().await };
    load(Duration::from_secs(2)).await;
    let Done { figures, errors, sample } = load(TURN * 2).await;
    println!("  {figures}   p95 {:.1} ms, errors: {errors}", millis(&figures, 95));
    assert!(sample.contains("\"charged\""), "{sample}");
    Line { work: "the dashboard", unit: "ms at p95", ours: Some(millis(&figures, 95)), peer: None, limit: None }.tell();
    Target::at_most(100.0, "ms at p95 (the law is 500)").judge(Some(millis(&figures, 95)));
    Target::at_most(0.0, "errors").judge(Some(errors as f64));
}

/// Invoices in an answer, whoever gave it.
fn count(answer: &Value) -> usize {
    let lists = [&answer["data"]["invoices"]["nodes"], &answer["data"]["allInvoices"]["nodes"], answer];
    lists.into_iter().find_map(Value::as_array).map_or(0, Vec::len)
}

fn millis(figures: &Figures, percent: usize) -> f64 {
    figures.percentile(percent).as_secs_f64() * 1e3
}
