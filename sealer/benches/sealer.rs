//! How fast a log is sealed into a durable database, beside SHA-256 alone over the same bytes. It has to keep up with 30,000 events a second.

#[path = "../../store/benches/store/figures.rs"]
#[allow(dead_code, reason = "nothing here has latencies")]
mod figures;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use daftar_cluster::testing::test_database;
use daftar_domain::StreamName;
use daftar_proof::{Leaf, LogKeys, SigningKey};
use daftar_sealer::{Options, Sealer, checkpoint, migrator};
use daftar_store::{ContentType, EventReader, EventWriter, Expected, Memory, NewEvent, Scope};
use figures::{Line, Target, median, rounds};
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::sleep;
use uuid::Uuid;

const EVENTS: u64 = 300_000;

#[tokio::main]
async fn main() {
    let log = Memory::log();
    for number in 0..EVENTS / 1_000 {
        let stream: StreamName = format!("meter-{}", Uuid::from_u128(u128::from(number))).parse().expect("a name");
        let events = (0..1_000).map(|revision| NewEvent {
            id: Uuid::new_v4(),
            event_type: "ReadingTaken".to_owned(),
            content_type: ContentType::Json,
            data: format!("{{\"reading\":\"{revision}.250\",\"note\":\"{}\"}}", "x".repeat(120)).into(),
            metadata: format!("{{\"recordedAt\":\"2026-03-01T00:00:00Z\",\"actor\":\"{}\"}}", "y".repeat(180)).into(),
        });
        EventWriter::append(&log, &stream, Expected::NoStream, events.collect()).await.expect("memory");
    }
    let begun = Instant::now();
    let mut events = log.read_all(None, Scope::Everything);
    while let Some(event) = events.try_next().await.expect("memory") {
        let daftar_store::StoredEvent { stream, revision, id, event_type, data, metadata, .. } = &event;
        std::hint::black_box(Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash());
    }
    let alone = EVENTS as f64 / begun.elapsed().as_secs_f64();
    println!("SHA-256 alone over {EVENTS} events, read from memory: {alone:.0} events/s");
    let mut rates = Vec::new();
    for round in 1..=rounds() {
        let prepare = async |url: &str| -> Result<(), sqlx::Error> {
            let mut db = PgConnection::connect(url).await?;
            sqlx::raw_sql(
                "DO $$ BEGIN CREATE ROLE daftar_projector NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            )
            .execute(&mut db)
            .await?;
            migrator().run(&mut db).await.map_err(|error| sqlx::Error::Decode(error.into()))
        };
        let database = test_database("bench of the sealer", prepare).await;
        let pool = PgPool::connect(database.url()).await.expect("a server");
        let settings: Vec<String> =
            sqlx::query_scalar("SELECT name || ' ' || setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')")
                .fetch_all(&pool)
                .await
                .expect("a server");
        let keys = LogKeys::new(vec![SigningKey::from_seed("daftar.example".parse().expect("a name"), &[7; 32])]).expect("a key");
        let options = Options { every: Duration::from_secs(1), ..Options::default() };
        let begun = Instant::now();
        let sealer = tokio::spawn(Sealer::new(Arc::new(log.clone()), (*pool.connect_options()).clone(), keys, options).run());
        let whole = format!("\n{EVENTS}\n");
        while !checkpoint(&pool).await.expect("a server").is_some_and(|note| note.contains(&whole)) {
            sleep(Duration::from_millis(1)).await;
        }
        let rate = EVENTS as f64 / begun.elapsed().as_secs_f64();
        sealer.abort();
        println!("round {round}: sealed at {rate:.0} events/s, {:.2} of SHA-256 alone ({})", rate / alone, settings.join(", "));
        rates.push(rate);
    }
    let ours = median(rates);
    Line { work: "seal the log", unit: "events/s", ours, peer: None, limit: Some(("SHA-256 alone", Some(alone))) }.tell();
    Target::at_least(30_000.0, "events/s").judge(ours);
}
