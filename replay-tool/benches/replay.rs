//! How fast the tool goes through a log, and what it takes in memory while the log grows tenfold: the program itself, as auditors run it.
//!
//! Beside it, in the same run, what it cannot be faster than: SHA-256 alone over the same bytes, and COPY out of the same table.

#[path = "../../store/benches/store/figures.rs"]
#[allow(dead_code, reason = "nothing here has latencies")]
mod figures;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chrono::{DateTime, Days, NaiveDate};
use daftar_cluster::testing::test_database;
use daftar_domain::EventSchema;
use daftar_domain::{
    Actor, Code, CommandHash, Metadata, StreamName, ids,
    ids::ReadingId,
    meter::{self, Meter, Reading, ReadingKind, ReadingRecorded},
};
use daftar_projections::{MODELS, rebuild};
use daftar_proof::Leaf;
use daftar_store::{
    ContentType, EventReader, EventWriter, Expected, NewEvent, Postgres, PostgresOptions, Scope, StoredEvent, postgres::migrate,
};
use figures::{Line, Target, median, rounds};
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, postgres::PgPoolCopyExt};
use uuid::Uuid;

/// Events of a stream, and streams of the smaller log.
const READINGS: u64 = 100;
const METERS: u64 = 500;

fn reading(meter: u64, number: u64) -> NewEvent {
    let day = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date") + Days::new(number);
    let command_id = Uuid::from_u128(u128::from(meter) << 64 | u128::from(number));
    let stream = stream(meter);
    let reading = Reading {
        reading_id: ReadingId::new(command_id),
        register: Code::new("1.8.0").expect("a code"),
        kind: ReadingKind::Manual,
        value: (number * 11).into(),
        taken_on: day,
        taken_at: day.and_hms_opt(12, 0, 0).expect("a time").and_utc(),
    };
    let event = meter::Event::ReadingRecorded(ReadingRecorded { reading, findings: vec![], rolled_over: false });
    let metadata = Metadata {
        recorded_at: DateTime::from_timestamp(1_767_225_600 + i64::try_from(number).expect("small"), 0).expect("a time"),
        actor: Actor::job("bench"),
        command_id,
        command_hash: CommandHash::of(&number),
        correlation_id: command_id,
        causation_id: command_id,
        schema_version: event.version(),
    };
    NewEvent {
        id: ids::event_id(command_id, &stream, 0),
        event_type: event.event_type().to_owned(),
        content_type: ContentType::Json,
        data: event.encode().into(),
        metadata: metadata.encode().into(),
    }
}

fn stream(meter: u64) -> StreamName {
    StreamName::of::<Meter>(Uuid::from_u128(u128::from(meter)))
}

/// Runs the program to its end: seconds, and the most memory it had, in MiB.
fn run(arguments: &[&str], one_core: bool) -> (f64, u64) {
    let tool = env!("CARGO_BIN_EXE_replay-tool");
    let mut command = if one_core { Command::new("taskset") } else { Command::new(tool) };
    if one_core {
        command.args(["-c", "0", tool]);
    }
    let begun = Instant::now();
    let mut child = command.args(arguments).stdout(Stdio::null()).spawn().expect("the program starts");
    let mut most = 0;
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let now = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(now.unwrap_or(0));
        match child.try_wait().expect("it can be waited for") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(status.success(), "{arguments:?}");
    (begun.elapsed().as_secs_f64(), most / 1024)
}

#[tokio::main]
async fn main() {
    let database = test_database("bench of the replay tool", async |url: &str| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        migrate(url).await?;
        Ok(daftar_projections::migrate(&mut PgConnection::connect(url).await?).await?)
    })
    .await;
    let store = Postgres::connect(database.url(), PostgresOptions::default()).await.expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let (mut meters, mut peaks) = (0, Vec::new());
    for size in [METERS, METERS * 10] {
        for meter in meters..size {
            let events = (0..READINGS).map(|number| reading(meter, number)).collect();
            EventWriter::append(&store, &stream(meter), Expected::NoStream, events).await.expect("a server");
        }
        meters = size;
        peaks.push(measure(&store, database.url(), folder.path(), size * READINGS).await);
    }
    println!("\nmemory, the log being ten times as long");
    for ((what, small), (_, large)) in peaks[0].iter().zip(&peaks[1]) {
        let times = *large as f64 / (*small).max(1) as f64;
        println!("  {what:<31} {small:>6} MiB, then {large:>6}");
        Line {
            work: what,
            unit: "MiB, ten times the log",
            ours: Some(*large as f64),
            peer: None,
            limit: Some(("the log itself", Some(*small as f64))),
        }
        .tell();
        Target::at_most(1.3, "times the memory").judge(Some(times));
    }
}

/// What each work took in memory at most.
async fn measure(store: &impl EventReader, url: &str, folder: &Path, events: u64) -> [(&'static str, u64); 3] {
    let all: Vec<StoredEvent> = store.read_all(None, Scope::Everything).try_collect().await.expect("a server");
    assert_eq!(all.len() as u64, events, "read back");
    let begun = Instant::now();
    for StoredEvent { stream, revision, id, event_type, data, metadata, .. } in &all {
        std::hint::black_box(Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash());
    }
    let sha = events as f64 / begun.elapsed().as_secs_f64();
    let bytes: usize = all.iter().map(|event| event.data.len() + event.metadata.len()).sum();
    drop(all);
    let mut db = PgConnection::connect(url).await.expect("a server");
    let pool = sqlx::PgPool::connect(url).await.expect("a server");
    // The tool builds its own as far as those that are read have come.
    rebuild::rebuild(MODELS, store, &pool.connect_options(), rebuild::MEMORY, &|_| ()).await.expect("the read models are built");
    let begun = Instant::now();
    let mut copied = 0;
    let copy = "COPY daftar_log.events TO STDOUT (FORMAT binary)";
    let mut rows = pool.copy_out_raw(copy).await.expect("a server");
    while let Some(chunk) = rows.try_next().await.expect("a server") {
        copied += chunk.len();
    }
    let copy = events as f64 / begun.elapsed().as_secs_f64();
    let settings: Vec<String> =
        sqlx::query_scalar("SELECT name || ' ' || setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')")
            .fetch_all(&mut db)
            .await
            .expect("a server");
    println!("\n{events} events of {} bytes of data and metadata ({copied} copied; {})", bytes as u64 / events, settings.join(", "));
    println!("  SHA-256 alone, one core         {sha:>10.0} events/s");
    println!("  COPY out                        {copy:>10.0} events/s");
    let archive = folder.join(format!("{events}.daftar"));
    let path = archive.to_str().expect("a path");
    let export = || {
        let _ = fs::remove_file(&archive);
        run(&["export", "--source", url, "--origin", "daftar.example", path], false)
    };
    let (copy, sha) = (("COPY out", copy), ("SHA-256 alone", sha));
    let (_, exported) = say("export", events, copy, None, export);
    let (one, _) = say("verify an archive, one core", events, sha, Some(600_000.0), || run(&["verify", "--source", path, "--json"], true));
    let (all, verified) = say("verify an archive, all cores", events, sha, None, || run(&["verify", "--source", path, "--json"], false));
    say("verify PostgreSQL", events, copy, Some(200_000.0), || run(&["verify", "--source", url, "--json"], false));
    println!("  all cores are {:.2} times one; {verified} MiB with what verify has by itself for streams", all / one);
    let (_, little) =
        say("verify, 16 MiB for streams", events, sha, None, || run(&["verify", "--source", path, "--memory", "16MiB"], false));
    let (_, rebuilt) = say("rebuild into a scratch schema", events, copy, None, || {
        run(&["rebuild", "--source", url, "--database-url", url, "--memory", "16MiB"], false)
    });
    [("memory of export", exported), ("memory of verify", little), ("memory of rebuild", rebuilt)]
}

/// The median of some rounds, beside the limit of the same run and the target.
fn say(work: &'static str, events: u64, limit: (&'static str, f64), target: Option<f64>, measure: impl Fn() -> (f64, u64)) -> (f64, u64) {
    let rounds: Vec<_> = (0..rounds()).map(|_| measure()).collect();
    let rate = events as f64 / median(rounds.iter().map(|(seconds, _)| *seconds)).expect("a round");
    let memory = rounds.iter().map(|(_, memory)| *memory).max().unwrap_or_default();
    println!("  {work:<31} {rate:>10.0} events/s, {:.2} of the limit, {memory} MiB", rate / limit.1);
    Line { work, unit: "events/s", ours: Some(rate), peer: None, limit: Some((limit.0, Some(limit.1))) }.tell();
    if let Some(target) = target {
        Target::at_least(target, "events/s").judge(Some(rate));
    }
    (rate, memory)
}
