//! Read models as examples: given facts, when more facts, then rows, however often and in whatever batches they come.

use chrono::DateTime;
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{
    Actor, BillingEvent, CommandHash, Decider, Metadata, Position, Recorded, StreamName, account, agreement, bill_run, correction, invoice,
    ledger, meter, payment, policy, premises, read_cycle, register, reservation, tariff,
};
use daftar_projections::{Projector, deliver, migrator};
use expect_test::Expect;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

/// A database with the read models' tables and nothing in them.
pub async fn database() -> (TestDatabase, PgPool) {
    let contents: String = migrator().iter().map(|migration| format!("{:x?}", migration.checksum)).collect();
    let database = test_database(&contents, async |url| migrator().run(&PgPool::connect(url).await.unwrap()).await).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    (database, pool)
}

pub fn projecting<P: Projector>(projector: P) -> Spec<P> {
    Spec { projector, given: vec![], when: vec![], times: 1 }
}

#[derive(Debug)]
pub struct Spec<P> {
    projector: P,
    given: Vec<(Uuid, BillingEvent)>,
    when: Vec<(Uuid, BillingEvent)>,
    times: usize,
}

impl<P: Projector> Spec<P> {
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

    /// Every batch comes this often, each time in a transaction of its own, as after a lost acknowledgement.
    pub fn delivered(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// The rows, one JSON object a line, are these in batches of 1, of 7, and of all.
    pub async fn then(self, sql: &str, expected: Expect) {
        let all = self.rows(sql, usize::MAX).await;
        expected.assert_eq(&all);
        for size in [1, 7] {
            assert_eq!(self.rows(sql, size).await, all, "in batches of {size}");
        }
    }

    async fn rows(&self, sql: &str, batch_size: usize) -> String {
        let (database, _pool) = database().await;
        let mut db = PgConnection::connect(database.url()).await.unwrap();
        let checkpoint = "INSERT INTO daftar_projections.checkpoint (model, version) VALUES ($1, $2)";
        sqlx::query(checkpoint).bind(P::NAME).bind(P::VERSION).execute(&mut db).await.unwrap();

        let events = self.given.iter().chain(&self.when).cloned().enumerate().map(recorded).collect::<Vec<_>>();
        let (given, when) = events.split_at(self.given.len());
        for batch in given.chunks(batch_size).chain(when.chunks(batch_size)) {
            for _ in 0..self.times {
                deliver(&mut db, &self.projector, batch, batch[batch.len() - 1].position).await.unwrap();
            }
        }
        let as_json = AssertSqlSafe(format!("SELECT row_to_json(rows)::text FROM ({sql}) rows"));
        let rows: Vec<String> = sqlx::query_scalar(as_json).fetch_all(&mut db).await.unwrap();
        rows.iter().map(|row| format!("{row}\n")).collect()
    }
}

/// The n-th event of the log, one second after the one before.
fn recorded((index, (id, event)): (usize, (Uuid, BillingEvent))) -> Recorded<BillingEvent> {
    let category = match &event {
        BillingEvent::Account(_) => account::Account::CATEGORY,
        BillingEvent::AccountingPeriods(_) => ledger::AccountingPeriods::CATEGORY,
        BillingEvent::Payment(_) => payment::Payment::CATEGORY,
        BillingEvent::RefusedRequest(_) => policy::RefusedRequest::CATEGORY,
        BillingEvent::ServicePoint(_) => agreement::ServicePoint::CATEGORY,
        BillingEvent::BillRun(_) => bill_run::BillRun::CATEGORY,
        BillingEvent::Correction(_) => correction::Correction::CATEGORY,
        BillingEvent::Invoice(_) => invoice::Invoice::CATEGORY,
        BillingEvent::Meter(_) => meter::Meter::CATEGORY,
        BillingEvent::Premises(_) => premises::Premises::CATEGORY,
        BillingEvent::ReadCycle(_) => read_cycle::ReadCycle::CATEGORY,
        BillingEvent::Register(_) => register::Register::CATEGORY,
        BillingEvent::Reservation(_) => reservation::Reservation::CATEGORY,
        BillingEvent::Tariff(_) => tariff::TariffSeries::CATEGORY,
    };
    let stream = StreamName::new(category, id).unwrap();
    let number = index as u64 + 1;
    let metadata = Metadata {
        recorded_at: DateTime::from_timestamp(1_704_067_200 + number as i64, 0).unwrap(),
        actor: Actor::job("spec"),
        command_id: Uuid::from_u128(number.into()),
        command_hash: CommandHash::of(&number),
        correlation_id: Uuid::nil(),
        causation_id: Uuid::nil(),
        schema_version: 1,
    };
    Recorded { id: Uuid::from_u128(number.into()), stream, revision: 0, position: Position::single(number), metadata, event }
}
