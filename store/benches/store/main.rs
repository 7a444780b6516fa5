//! What the event store does in a second, beside its peers and the database's own limits.
//!
//! Everything runs on one durable server, on this machine's cores together with the load. So contenders take turns, round by round, and
//! what counts is the median of their ratios; a round in which the machine was busy with something else says so and is not judged.

mod contenders;
mod figures;
mod gauge;
mod server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use daftar_store::{
    Engine, EventReader, EventStoreDb, Postgres, PostgresOptions, Scope,
    log::{ExpectedState, Log},
    node::{self, Access, NodeOptions},
};
use futures::{TryStreamExt, future::try_join_all};
use uuid::Uuid;

use self::{
    contenders::{Contender, CqrsEs, InsertOnly, Ours, Plain},
    figures::{Figures, Line, Target, median, rounds},
    server::Server,
};

const TURN: Duration = Duration::from_millis(1500);

/// A stream is written to so often, then another is begun: some streams are hot, none is endless.
const COMMANDS_A_STREAM: usize = 10;

const BATCH: usize = 1_000;
const BATCHES_A_TURN: usize = 60;

#[tokio::main]
async fn main() {
    // Words after `--` choose parts; Cargo adds an option of its own.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    let server = Server::start().await;
    server.describe().await;
    if wants("commands") {
        commands(&server).await;
    }
    if wants("batches") {
        batches(&server).await;
    }
    if wants("reading") {
        reading(&server).await;
    }
    server.count().await;
}

async fn open(server: &Server) -> Log {
    Postgres::connect(server.url(), PostgresOptions::default()).await.expect("the log opens")
}

/// Our client, connected to our node in front of the log, over a socket of this machine.
async fn open_over_grpc(server: &Server) -> EventStoreDb {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("esdb://{}?tls=false", listener.local_addr().expect("an address"));
    let options = NodeOptions { listener, advertised: None, access: Access::Open, tls: None };
    let log = open(server).await;
    tokio::spawn(async move { node::serve(log, options, std::future::pending()).await.expect("the node serves") });
    EventStoreDb::connect(url.parse().expect("a connection string")).expect("no certificates to refuse")
}

/// Read, decide, append: durable when it is answered.
async fn commands(server: &Server) {
    let engine = Engine::new(Arc::new(open(server).await));
    let over_grpc = Engine::new(Arc::new(open_over_grpc(server).await));
    let (peer, plain) = (CqrsEs::connect(server.url()).await, Plain::connect(server.url()).await);
    let limit = InsertOnly(plain.clone());
    let contenders: [(&str, Arc<dyn Contender>); 5] = [
        ("daftar", Arc::new(Ours(engine))),
        ("cqrs-es", Arc::new(peer)),
        ("select + insert", Arc::new(plain)),
        ("daftar over gRPC", Arc::new(Ours(over_grpc))),
        ("insert only", Arc::new(limit)),
    ];
    for writers in [1, 32] {
        println!(
            "\ncommands, {writers} at a time ({} bytes of data, {} of metadata)",
            contenders::data_size(),
            contenders::metadata_size()
        );
        let mut turns = Vec::new();
        for round in 1..=rounds() {
            let before = server.gauge();
            let mut figures = Vec::new();
            for (name, contender) in &contenders {
                let turn = turn(contender, writers).await;
                println!("  {round} {name:16} {turn}");
                figures.push(turn);
            }
            let gauge = before.min(server.gauge());
            println!("  {round} {gauge}");
            turns.push((figures, gauge.is_quiet()));
        }
        judge(writers, &turns);
    }
}

async fn turn(contender: &Arc<dyn Contender>, writers: usize) -> Figures {
    let start = Instant::now();
    let write = |contender: Arc<dyn Contender>| async move {
        let mut latencies = Vec::new();
        while start.elapsed() < TURN {
            let stream = Uuid::new_v4();
            for number in 0..COMMANDS_A_STREAM {
                let asked = Instant::now();
                contender.command(stream, number).await;
                latencies.push(asked.elapsed());
            }
        }
        latencies
    };
    let writers: Vec<_> = (0..writers).map(|_| tokio::spawn(write(Arc::clone(contender)))).collect();
    let latencies = try_join_all(writers).await.expect("no writer panics").concat();
    Figures::new(latencies, start.elapsed())
}

/// What was promised of the median round; the figures are in the order of the contenders.
fn judge(writers: usize, turns: &[(Vec<Figures>, bool)]) {
    let all = || turns.iter().map(|(figures, _)| figures);
    let quiet = || turns.iter().filter(|(_, quiet)| *quiet).map(|(figures, _)| figures);
    let ratio = |who: usize, to: usize| move |figures: &Vec<Figures>| figures[who].per_second() / figures[to].per_second();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let rate = |who: usize| median(all().map(|figures| figures[who].per_second()));
    let line = |work, who, peer: (&'static str, usize)| Line {
        work,
        unit: "commands/s",
        ours: rate(who),
        peer: Some((peer.0, rate(peer.1))),
        limit: Some(("insert only", rate(4))),
    };
    if writers == 1 {
        line("load, decide and append, one at a time", 0, ("cqrs-es", 1)).tell();
        Target::at_least(2.2, "× cqrs-es").judge(median(quiet().map(ratio(0, 1))));
        let beside = |who, to| median(all().map(ratio(who, to))).unwrap_or(f64::NAN);
        println!("  {:.2} × select + insert, {:.2} × insert only, all rounds", beside(0, 2), beside(0, 4));
        println!("  insert only, the limit, is itself {:.2} × cqrs-es", beside(4, 1));
        let added = |figures: &Vec<Figures>| milliseconds(figures[3].percentile(50).saturating_sub(figures[0].percentile(50)));
        Target::at_most(1.0, "ms more over gRPC at p50").judge(median(quiet().map(added)));
    } else {
        line("load, decide and append, 32 at a time", 0, ("cqrs-es", 1)).tell();
        Target::at_least(5.0, "× cqrs-es").judge(median(quiet().map(ratio(0, 1))));
        Target::at_least(4.0, "× select + insert").judge(median(quiet().map(ratio(0, 2))));
        Target::at_least(2.0, "× cqrs-es, worst of all rounds").judge(all().map(ratio(0, 1)).reduce(f64::min));
        Target::at_most(3.0, "ms at p99").judge(median(quiet().map(|figures| milliseconds(figures[0].percentile(99)))));
        line("the same over EventStoreDB's protocol", 3, ("select + insert", 2)).tell();
        Target::at_least(1.0, "× select + insert over gRPC").judge(median(quiet().map(ratio(3, 2))));
    }
}

/// A thousand events at a time, beside the barest insert of the same rows into the same indexes.
async fn batches(server: &Server) {
    println!("\nappends of {BATCH} events, one after another");
    let (log, plain) = (open(server).await, Plain::connect(server.url()).await);
    let (mut ours, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds() {
        let events = || (0..BATCH).map(|_| contenders::event()).collect::<Vec<_>>();
        let appends: Vec<_> = (0..BATCHES_A_TURN).map(|_| (format!("bench-{}", Uuid::new_v4()), events())).collect();
        let start = Instant::now();
        for (stream, events) in appends {
            log.append(&stream, ExpectedState::NoStream, events).await.expect("appended");
        }
        let appended = rate(BATCHES_A_TURN * BATCH, start);

        let inserts: Vec<_> = (0..BATCHES_A_TURN).map(|_| (format!("bench-{}", Uuid::new_v4()), events())).collect();
        let start = Instant::now();
        for (stream, events) in inserts {
            plain.insert_all(&stream, &events).await;
        }
        let inserted = rate(BATCHES_A_TURN * BATCH, start);
        println!("  {round} daftar {appended:>9.0} events/s    unnest {inserted:>9.0} rows/s");
        ours.push(appended);
        limits.push(inserted);
        ratios.push(appended / inserted);
    }
    let (ours, limit) = (median(ours), Some(("insert by UNNEST", median(limits))));
    Line { work: "append a thousand events at a time", unit: "events/s", ours, peer: None, limit }.tell();
    Target::at_least(80_000.0, "events/s").judge(ours);
    Target::at_least(0.8, "of the unnest limit").judge(median(ratios));
}

async fn reading(server: &Server) {
    let (log, over_grpc) = (open(server).await, open_over_grpc(server).await);
    read_whole("read the whole log, in this process", &log, 300_000.0).await;
    read_whole("read the whole log, over gRPC", &over_grpc, 100_000.0).await;
}

async fn read_whole(work: &'static str, reader: &impl EventReader, promised: f64) {
    println!("\n{work}");
    let mut rates = Vec::new();
    for round in 1..=rounds() {
        let start = Instant::now();
        let events = reader.read_all(None, Scope::Everything);
        let (events, bytes) = events
            .try_fold((0, 0), async |(events, bytes), event| Ok((events + 1, bytes + event.data.len() + event.metadata.len())))
            .await
            .expect("the log is read");
        let rate = rate(events, start);
        println!("  {round} {rate:>9.0} events/s ({events} events, {} bytes each)", bytes.checked_div(events).unwrap_or(0));
        rates.push(rate);
    }
    let ours = median(rates);
    Line { work, unit: "events/s", ours, peer: None, limit: None }.tell();
    Target::at_least(promised, "events/s").judge(ours);
}

fn rate(events: usize, start: Instant) -> f64 {
    events as f64 / start.elapsed().as_secs_f64()
}
