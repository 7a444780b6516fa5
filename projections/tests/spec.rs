//! Read models as examples: given facts, when more facts, then rows, however often and in whatever batches they come.

use std::collections::BTreeMap;

use chrono::DateTime;
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{
    Actor, BillingEvent, CommandHash, Metadata, Recorded, Service, StreamName, account, agreement,
    ids::{ServicePointId, service_point_id},
    meter, premises, read_cycle, reservation, tariff,
};
use daftar_projections::{Batch, Model, Place, Projector, contents, deliver, migrate, rebuild};
use daftar_store::{ContentType, EventReader, EventWriter, Expected, Memory, NewEvent, Scope, log::Log};
use expect_test::Expect;
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, migrate::MigrateError};
use uuid::Uuid;

/// A database with the read models' tables and nothing in them.
pub async fn database() -> (TestDatabase, PgPool) {
    let prepare = async |url: &str| -> Result<(), MigrateError> { migrate(&mut PgConnection::connect(url).await?).await };
    let database = test_database(&contents(), prepare).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    (database, pool)
}

pub fn projecting<P: Projector>() -> Spec {
    Spec { model: Model::of::<P>(), given: vec![], when: vec![] }
}

#[derive(Debug)]
pub struct Spec {
    model: Model,
    given: Vec<(Uuid, BillingEvent)>,
    when: Vec<(Uuid, BillingEvent)>,
}

impl Spec {
    /// What has been read before: each event with the id of what it happened to.
    pub fn given(mut self, events: impl IntoIterator<Item = (Uuid, BillingEvent)>) -> Self {
        self.given.extend(events);
        self
    }

    /// What comes now.
    pub fn when(mut self, events: impl IntoIterator<Item = (Uuid, BillingEvent)>) -> Self {
        self.when.extend(events);
        self
    }

    /// Every row of every table of the model is this, as [`then`](Self::then) has it.
    pub async fn then_all(self, expected: Expect) {
        let tables = self.model.shapes().into_iter().map(|(table, _)| {
            let schema = Place::Live.schema(&self.model);
            // In an order that shows what happened.
            format!("SELECT '{table}' AS \"table\", position, row_to_json(r) AS row FROM {schema}.{table} r")
        });
        let sql = format!(
            "SELECT \"table\", row::jsonb - 'findings' - 'tariff' AS row FROM ({}) all_rows ORDER BY 1, position, row::text",
            tables.collect::<Vec<_>>().join(" UNION ALL ")
        );
        self.then(&sql, expected).await;
    }

    /// The rows, one JSON object a line, are these: when every batch of 1, 7, or 1,000 is delivered twice, as after a lost acknowledgement,
    /// and when they are rebuilt, with and without memory for them.
    pub async fn then(self, sql: &str, expected: Expect) {
        let log = log_of(self.given.iter().chain(&self.when)).await;
        let all = self.delivered(&log, sql, 1_000).await;
        expected.assert_eq(&all);
        for size in [1, 7] {
            assert_eq!(self.delivered(&log, sql, size).await, all, "in batches of {size}");
        }
        for memory in [rebuild::MEMORY, 0] {
            assert_eq!(self.rebuilt(&log, sql, memory).await, all, "rebuilt with {memory} bytes of memory");
        }
    }

    async fn delivered(&self, log: &Log, sql: &str, batch_size: usize) -> String {
        let (database, _pool) = database().await;
        let mut db = PgConnection::connect(database.url()).await.unwrap();
        let events = recorded(log).await;
        let (given, when) = events.split_at(self.given.len());
        let mut after = None;
        for batch in given.chunks(batch_size).chain(when.chunks(batch_size)) {
            let until = batch.last().unwrap().position;
            let events: Vec<_> = batch.iter().collect();
            for expected in [events.len(), 0] {
                let delivered = deliver(&mut db, &self.model, Place::Live, Batch { after, events: &events, until }).await.unwrap();
                assert_eq!(delivered, expected, "only what is new is delivered");
            }
            after = Some(until);
        }
        rows(&mut db, sql).await
    }

    async fn rebuilt(&self, log: &Log, sql: &str, memory: usize) -> String {
        let (database, pool) = database().await;
        rebuild::rebuild(&[self.model], log, &pool.connect_options(), memory, &|_| {}).await.unwrap();
        rows(&mut PgConnection::connect(database.url()).await.unwrap(), sql).await
    }
}

/// Where the examples' agreements are.
pub fn service_point() -> ServicePointId {
    service_point_id(meter::example::PREMISES, Service::Electricity)
}

/// One of every event of every aggregate.
pub fn everything() -> Vec<(Uuid, BillingEvent)> {
    fn of<E>(id: impl Into<Uuid>, events: Vec<E>, event: fn(E) -> BillingEvent) -> impl Iterator<Item = (Uuid, BillingEvent)> {
        let id = id.into();
        events.into_iter().map(move |e| (id, event(e)))
    }
    let accounts = of(Uuid::from_u128(7), account::example::events(), BillingEvent::Account);
    let premises = of(Uuid::from_u128(41), premises::example::events(), BillingEvent::Premises);
    let service_points = of(service_point(), agreement::example::events(), BillingEvent::ServicePoint);
    let meters = of(meter::example::METER, meter::example::events(), BillingEvent::Meter);
    let read_cycles = of(Uuid::from_u128(51), read_cycle::example::events(), BillingEvent::ReadCycle);
    let reservations = of(Uuid::from_u128(90), reservation::example::events(), BillingEvent::Reservation);
    let tariffs = of(Uuid::from_u128(95), tariff::example::events(), BillingEvent::Tariff);
    accounts.chain(premises).chain(service_points).chain(meters).chain(read_cycles).chain(reservations).chain(tariffs).collect()
}

/// Puts these events, in a log of their own, into the tables.
pub async fn project_all<P: Projector>(pool: &PgPool, events: impl IntoIterator<Item = (Uuid, BillingEvent)>) {
    let events: Vec<_> = events.into_iter().collect();
    let events = recorded(&log_of(&events).await).await;
    let (refs, until) = (events.iter().collect::<Vec<_>>(), events.last().unwrap().position);
    let batch = Batch { after: None, events: &refs, until };
    deliver(&mut pool.acquire().await.unwrap(), &Model::of::<P>(), Place::Live, batch).await.unwrap();
}

pub async fn rows(db: &mut PgConnection, sql: &str) -> String {
    let as_json = AssertSqlSafe(format!("SELECT row_to_json(rows)::text FROM ({sql}) rows"));
    let rows: Vec<String> = sqlx::query_scalar(as_json).fetch_all(db).await.unwrap();
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// A log of these events, each one second after the one before.
pub async fn log_of(events: impl IntoIterator<Item = &(Uuid, BillingEvent)>) -> Log {
    let (log, mut revisions) = (Memory::log(), BTreeMap::new());
    for (number, (id, event)) in (1u64..).zip(events) {
        let stream = StreamName::new(event.category(), *id).unwrap();
        let revision: &mut Option<u64> = revisions.entry(stream.clone()).or_default();
        EventWriter::append(&log, &stream, Expected::last(*revision), vec![stored(number, event)]).await.unwrap();
        *revision = Some(revision.map_or(0, |revision| revision + 1));
    }
    log
}

/// All of a log, as its readers see it.
pub async fn recorded(log: &Log) -> Vec<Recorded<BillingEvent>> {
    let events = log.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap());
    events.try_collect().await.unwrap()
}

fn stored(number: u64, event: &BillingEvent) -> NewEvent {
    let metadata = Metadata {
        recorded_at: DateTime::from_timestamp(1_704_067_200 + i64::try_from(number).unwrap(), 0).unwrap(),
        actor: Actor::job("spec"),
        command_id: Uuid::from_u128(number.into()),
        command_hash: CommandHash::of(&number),
        correlation_id: Uuid::nil(),
        causation_id: Uuid::nil(),
        schema_version: event.version(),
    };
    NewEvent {
        id: Uuid::from_u128(number.into()),
        event_type: event.event_type().to_owned(),
        content_type: ContentType::Json,
        data: event.encode().into(),
        metadata: metadata.encode().into(),
    }
}
