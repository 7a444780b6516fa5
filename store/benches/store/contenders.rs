//! Who is compared: all do the same work on the same server, one command at a time for each writer.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::Utc;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use daftar_domain::{Actor, Decider, DecodeError, EventSchema, StreamName};
use daftar_store::{CommandContext, ContentType, Engine, NewEvent, Outcome};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Executor, PgPool, Row, postgres::PgPoolOptions};
use uuid::Uuid;

/// As many connections as a contender that has a pool may use: enough for every writer.
const CONNECTIONS: u32 = 32;

#[async_trait]
pub trait Contender: Send + Sync {
    /// Reads the stream, decides, and adds one event: durable when it returns.
    async fn command(&self, stream: Uuid, number: usize);
}

/// An event of about 300 bytes of JSON, as a meter reading with its surroundings would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingTaken {
    account_id: Uuid,
    meter: String,
    register: String,
    value_kwh: String,
    read_on: String,
    reader: String,
    note: String,
}

fn reading() -> ReadingTaken {
    ReadingTaken {
        account_id: Uuid::new_v4(),
        meter: "MT-2024-0012345678".to_owned(),
        register: "active-import-total".to_owned(),
        value_kwh: "48213.125".to_owned(),
        read_on: "2024-01-31".to_owned(),
        reader: "field-team-07/device-3391".to_owned(),
        note: "read on site, photograph attached, seal intact; the neighbour's shop was closed".to_owned(),
    }
}

/// An event as the log takes it, with metadata as long as the engine's.
pub fn event() -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: "ReadingTaken".to_owned(),
        content_type: ContentType::Json,
        data: serde_json::to_vec(&reading()).expect("JSON").into(),
        metadata: serde_json::to_vec(&metadata()).expect("JSON").into(),
    }
}

pub fn data_size() -> usize {
    event().data.len()
}

pub fn metadata_size() -> usize {
    event().metadata.len()
}

fn metadata() -> HashMap<String, String> {
    let id = || Uuid::new_v4().to_string();
    [
        ("recorded_at", Utc::now().to_rfc3339()),
        ("actor", "user:7".to_owned()),
        ("command_id", id()),
        ("command_hash", "719109a9979488ba8121bb49aedd894d".to_owned()),
        ("$correlationId", id()),
        ("$causationId", id()),
        ("schema_version", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
pub struct Never;

/// Our engine over whichever store.
pub struct Ours(pub Engine);

#[derive(Debug, Default)]
struct Meter {
    readings: usize,
}

impl Decider for Meter {
    const CATEGORY: &'static str = "bench";
    type Command = ReadingTaken;
    type Event = ReadingTaken;
    type Rejection = Never;

    fn decide(&self, command: ReadingTaken) -> Result<Vec<ReadingTaken>, Never> {
        Ok(vec![command])
    }

    fn evolve(self, _: &ReadingTaken) -> Self {
        Self { readings: self.readings + 1 }
    }
}

impl EventSchema for ReadingTaken {
    fn event_type(&self) -> &'static str {
        "ReadingTaken"
    }

    fn version(&self) -> u16 {
        1
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("JSON")
    }

    fn decode(event_type: &str, version: u16, data: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(data).map_err(|source| DecodeError::Malformed { event_type: event_type.to_owned(), version, source })
    }
}

#[async_trait]
impl Contender for Ours {
    async fn command(&self, stream: Uuid, number: usize) {
        let name = StreamName::of::<Meter>(stream);
        let context = CommandContext::new(Actor::user("7"), "takeReading", &format!("{stream}/{number}"), Utc::now());
        match self.0.execute::<Meter>(&name, &context, reading()).await {
            Ok(Outcome::Recorded { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// cqrs-es with its own repository for PostgreSQL.
pub struct CqrsEs(PostgresCqrs<Account>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    readings: usize,
}

impl DomainEvent for ReadingTaken {
    fn event_type(&self) -> String {
        "ReadingTaken".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "bench";
    type Command = ReadingTaken;
    type Event = ReadingTaken;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, command: ReadingTaken, (): &(), sink: &EventSink<Self>) -> Result<(), Never> {
        sink.write(command, self).await;
        Ok(())
    }

    fn apply(&mut self, _: ReadingTaken) {
        self.readings += 1;
    }
}

impl CqrsEs {
    pub async fn connect(url: &str) -> Self {
        let table = "CREATE TABLE IF NOT EXISTS public.events (aggregate_type text NOT NULL, aggregate_id text NOT NULL, \
            sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, \
            metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence))";
        PgPool::connect(url).await.expect("the server answers").execute(table).await.expect("a table is made");
        let pool = postgres_es::default_postgress_pool(url).await;
        Self(postgres_cqrs(pool, vec![], ()))
    }
}

#[async_trait]
impl Contender for CqrsEs {
    async fn command(&self, stream: Uuid, _: usize) {
        self.0.execute_with_metadata(&stream.to_string(), reading(), metadata()).await.expect("executed");
    }
}

/// What anyone would write: read the stream's rows, insert one after them.
#[derive(Clone)]
pub struct Plain(PgPool);

impl Plain {
    pub async fn connect(url: &str) -> Self {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false).connect(url).await;
        let pool = pool.expect("the server answers");
        let table = "CREATE TABLE IF NOT EXISTS plain_events (position bigserial PRIMARY KEY, stream text COLLATE \"C\" NOT NULL, \
            revision bigint NOT NULL, id uuid NOT NULL, type text NOT NULL, json boolean NOT NULL, \
            created_at timestamptz NOT NULL DEFAULT now(), data bytea NOT NULL, metadata bytea NOT NULL, UNIQUE (stream, revision))";
        pool.execute(AssertSqlSafe(table)).await.expect("a table is made");
        Self(pool)
    }

    async fn insert(&self, stream: &str, revision: usize, event: &ReadingTaken) {
        let insert = "INSERT INTO plain_events (stream, revision, id, type, json, data, metadata) VALUES ($1, $2, $3, $4, true, $5, $6)";
        let query = sqlx::query(insert)
            .bind(stream)
            .bind(revision as i64)
            .bind(Uuid::new_v4())
            .bind(EventSchema::event_type(event))
            .bind(event.encode())
            .bind(serde_json::to_vec(&metadata()).expect("JSON"));
        query.execute(&self.0).await.expect("inserted");
    }

    /// The least that can be done for so many rows in one statement.
    pub async fn insert_all(&self, stream: &str, events: &[NewEvent]) {
        let insert = "INSERT INTO plain_events (stream, revision, id, type, json, data, metadata) \
            SELECT $1, n - 1, id, type, true, data, metadata \
            FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS e (id, type, data, metadata, n)";
        let query = sqlx::query(insert)
            .bind(stream)
            .bind(events.iter().map(|event| event.id).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| &*event.data).collect::<Vec<_>>())
            .bind(events.iter().map(|event| &*event.metadata).collect::<Vec<_>>());
        query.execute(&self.0).await.expect("inserted");
    }
}

#[async_trait]
impl Contender for Plain {
    async fn command(&self, stream: Uuid, _: usize) {
        let (name, mut meter) = (format!("bench-{stream}"), Meter::default());
        let select = "SELECT revision, type, data FROM plain_events WHERE stream = $1 ORDER BY revision";
        let rows = sqlx::query(select).bind(&name).fetch_all(&self.0).await.expect("selected");
        for row in &rows {
            meter = meter.evolve(&ReadingTaken::decode(row.get(1), 1, row.get(2)).expect("a reading"));
        }
        for event in meter.decide(reading()).expect("never refused") {
            self.insert(&name, rows.len(), &event).await;
        }
    }
}

/// The limit: a row is inserted, and nothing is read, decided or guarded.
pub struct InsertOnly(pub Plain);

#[async_trait]
impl Contender for InsertOnly {
    async fn command(&self, stream: Uuid, number: usize) {
        self.0.insert(&format!("bench-{stream}"), number, &reading()).await;
    }
}
