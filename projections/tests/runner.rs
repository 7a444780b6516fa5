//! The runner over the log in memory and a real Postgres.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use daftar_domain::{
    Actor, Decider, EventSchema, Metadata, Position, StreamName,
    account::{self, Account, AccountOpened, OpenAccount},
    ids::AccountId,
    tariff::{self, TariffSeries},
};
use daftar_projections::{
    Batch, Feed, MODELS, Model, Place, Projector, Readable, Runner, Stopped,
    accounts::{self, Accounts},
    deliver, reached, status,
    tariffs::Tariffs,
};
use daftar_store::{
    CommandContext, ContentType, Engine, EventReader, EventStream, EventWriter, Expected, FollowStream, Followed, Memory, NewEvent, Scope,
    log::Log,
};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::{
    accounts::opened,
    spec::{database, recorded},
};

const SOON: Duration = Duration::from_secs(20);

pub const ACCOUNTS: Model = Model::of::<Accounts>();
const TARIFFS: Model = Model::of::<Tariffs>();

/// Keeps the accounts as a process of their own would.
pub fn start(log: impl EventReader, pool: &PgPool) -> JoinHandle<Stopped> {
    tokio::spawn(Runner::new(ACCOUNTS, Feed::new(Arc::new(log)), (*pool.connect_options()).clone()).run())
}

pub async fn open(log: &Log, nth: u128) -> Position {
    let AccountOpened { account_id, number, holder_name, class, currency, language, opened_on } = opened(nth);
    let wish = account::Command::OpenAccount(OpenAccount { account_id, number, holder_name, class, currency, language, opened_on });
    let context = CommandContext::new(Actor::job("test"), "openAccount", &nth.to_string(), DateTime::<Utc>::UNIX_EPOCH);
    let engine = Engine::new(Arc::new(log.clone()));
    engine.execute::<Account>(&StreamName::of::<Account>(account_id), &context, wish).await.unwrap().position().unwrap()
}

/// Puts bytes into the log past every rule.
pub async fn append(log: &Log, stream: u128, event_type: &str, data: Vec<u8>) {
    append_to(log, Account::CATEGORY, stream, event_type, data).await;
}

async fn append_to(log: &Log, category: &str, stream: u128, event_type: &str, data: Vec<u8>) -> Position {
    let stream = StreamName::new(category, Uuid::from_u128(stream)).unwrap();
    let metadata = Metadata {
        recorded_at: DateTime::UNIX_EPOCH,
        actor: Actor::job("test"),
        command_id: Uuid::nil(),
        command_hash: daftar_domain::CommandHash::of(&""),
        correlation_id: Uuid::nil(),
        causation_id: Uuid::nil(),
        schema_version: 1,
    };
    let event = NewEvent {
        id: Uuid::from_u128(99),
        event_type: event_type.to_owned(),
        content_type: ContentType::Json,
        data: data.into(),
        metadata: metadata.encode().into(),
    };
    EventWriter::append(log, &stream, Expected::NoStream, vec![event]).await.unwrap().position
}

async fn readable(pool: &PgPool, position: Position) -> bool {
    Readable::listen(pool.clone()).reached(Accounts::NAME, position, SOON).await.unwrap()
}

pub async fn rows(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM read_accounts.account").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn what_was_there_and_what_comes_are_both_read() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    open(&log, 1).await;
    open(&log, 2).await;
    let runner = start(log.clone(), &pool);
    assert!(readable(&pool, open(&log, 3).await).await);
    assert!(readable(&pool, open(&log, 4).await).await);
    assert_eq!(rows(&pool).await, 4);
    let found = accounts::by_id(&pool, AccountId::new(Uuid::from_u128(3))).await.unwrap().unwrap();
    assert_eq!((found.holder_name.ciphertext(), found.class, found.position), (&[1, 2, 3][..], opened(3).class, 3));
    assert_eq!(accounts::by_id(&pool, AccountId::new(Uuid::from_u128(5))).await.unwrap(), None);
    runner.abort();
}

#[tokio::test]
async fn a_runner_that_was_stopped_resumes_after_its_checkpoint() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let runner = start(log.clone(), &pool);
    let first = open(&log, 1).await;
    assert!(readable(&pool, first).await);
    runner.abort();
    let _ = runner.await;

    let last = open(&log, 2).await;
    assert!(!Readable::listen(pool.clone()).reached(Accounts::NAME, last, Duration::ZERO).await.unwrap(), "no one reads");
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let runner = start(Overheard { log, asked: Arc::clone(&asked) }, &pool);
    assert!(readable(&pool, last).await);
    assert_eq!(rows(&pool).await, 2);
    assert_eq!(*asked.lock().unwrap(), [Some(first)], "what was read is not read again");
    runner.abort();
}

/// A log that remembers from where it was followed.
struct Overheard {
    log: Log,
    asked: Arc<Mutex<Vec<Option<Position>>>>,
}

impl EventReader for Overheard {
    fn read(&self, stream: &StreamName, revision: u64) -> EventStream {
        self.log.read(stream, revision)
    }

    fn read_all(&self, after: Option<Position>, scope: Scope) -> EventStream {
        self.log.read_all(after, scope)
    }

    fn subscribe(&self, after: Option<Position>, scope: Scope) -> FollowStream {
        self.asked.lock().unwrap().push(after);
        self.log.subscribe(after, scope)
    }
}

#[tokio::test]
async fn an_event_that_no_one_can_read_stops_the_model_and_is_named() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let before = open(&log, 1).await;
    append(&log, 2, "AccountMoved", b"{}".to_vec()).await;
    open(&log, 3).await;

    let stopped = start(log.clone(), &pool).await.unwrap();
    assert!(matches!(stopped, Stopped::Unreadable { .. }), "{stopped}");
    assert_eq!(reached(&pool, Accounts::NAME).await.unwrap(), Some(before));
    assert_eq!(rows(&pool).await, 1);
    let reason: String = sqlx::query_scalar("SELECT stopped_because FROM daftar_projections.checkpoint WHERE model = 'accounts'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(
        reason,
        "read model `accounts` stopped: event 0 of `account-00000000-0000-0000-0000-000000000002` at position 2 cannot be read: \
         no reader for `AccountMoved` version 1"
    );
}

/// A program that knows what the last one did not.
struct Mended(Log);

impl EventReader for Mended {
    fn read(&self, stream: &StreamName, revision: u64) -> EventStream {
        self.0.read(stream, revision)
    }

    fn read_all(&self, after: Option<Position>, scope: Scope) -> EventStream {
        self.0.read_all(after, scope)
    }

    fn subscribe(&self, after: Option<Position>, scope: Scope) -> FollowStream {
        let mend = |mut followed| {
            if let Followed::Event(event) = &mut followed
                && event.event_type == "TariffDrawnUp"
            {
                event.event_type = "TariffPublished".to_owned();
            }
            followed
        };
        self.0.subscribe(after, scope).map_ok(mend).boxed()
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_the_models_that_need_it_and_a_mended_reader_goes_on_from_there() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let published = tariff::example::events().remove(0);
    let before = open(&log, 1).await;
    let unreadable = append_to(&log, TariffSeries::CATEGORY, 2, "TariffDrawnUp", published.encode()).await;
    let last = open(&log, 3).await;
    let feed = Feed::new(Arc::new(log.clone()));
    let [accounts, tariffs] = [ACCOUNTS, TARIFFS].map(|model| {
        let runner = Runner::new(model, Arc::clone(&feed), (*pool.connect_options()).clone());
        tokio::spawn(runner.run())
    });

    assert!(matches!(tariffs.await.unwrap(), Stopped::Unreadable { model: "tariffs", .. }));
    assert!(readable(&pool, last).await, "the accounts go on");
    assert!(!accounts.is_finished());
    let mut db = pool.acquire().await.unwrap();
    let now = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    let all = status(&mut db, &log, &[ACCOUNTS, TARIFFS], now).await.unwrap();
    let said = all.iter().map(|status| (status.position, status.behind_events, status.stopped_because.as_deref())).collect::<Vec<_>>();
    let reason = "read model `tariffs` stopped: event 0 of `tariff-00000000-0000-0000-0000-000000000002` at position 2 cannot be read: \
                  no reader for `TariffDrawnUp` version 1";
    assert_eq!(said, [(Some(last), 0, None), (Some(before), 1, Some(reason))]);
    assert!(all[0].leader.is_some() && all[1].leader.is_none() && all[1].behind_seconds > 1.0, "{all:?}");

    let table = "SELECT 'read_tariffs.version'::regclass::oid::bigint";
    let tables: i64 = sqlx::query_scalar(table).fetch_one(&pool).await.unwrap();
    let mended = Runner::new(TARIFFS, Feed::new(Arc::new(Mended(log))), (*pool.connect_options()).clone());
    let mended = tokio::spawn(mended.run());
    assert!(Readable::listen(pool.clone()).reached(Tariffs::NAME, last, SOON).await.unwrap());
    let found: Vec<i64> = sqlx::query_scalar("SELECT position FROM read_tariffs.version").fetch_all(&pool).await.unwrap();
    assert_eq!(found, [i64::try_from(unreadable.commit).unwrap()]);
    assert_eq!(sqlx::query_scalar::<_, i64>(table).fetch_one(&pool).await.unwrap(), tables, "nothing was rebuilt");
    let stopped: Option<String> = sqlx::query_scalar("SELECT stopped_because FROM daftar_projections.checkpoint WHERE model = 'tariffs'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stopped, None);
    accounts.abort();
    mended.abort();
}

#[tokio::test]
async fn the_log_is_read_once_for_all_models_of_a_process() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let feed = Feed::new(Arc::new(Overheard { log: log.clone(), asked: Arc::clone(&asked) }));
    let mut runners = JoinSet::new();
    for model in MODELS {
        runners.spawn(Runner::new(*model, Arc::clone(&feed), (*pool.connect_options()).clone()).run());
    }
    let mut last = open(&log, 1).await;
    for number in 2..=20 {
        last = open(&log, number).await;
    }
    let readable = Readable::listen(pool.clone());
    for model in MODELS {
        assert!(readable.reached(model.name, last, SOON).await.unwrap(), "{model:?}");
    }
    assert_eq!(*asked.lock().unwrap(), [None], "one subscription, from the beginning");
}

#[tokio::test]
async fn an_event_that_the_tables_refuse_is_found_in_its_batch() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    open(&log, 1).await;
    let before = open(&log, 2).await;
    append(&log, 7, "AccountOpened", account::Event::AccountOpened(opened(1)).encode()).await;
    open(&log, 3).await;

    let stopped = start(log.clone(), &pool).await.unwrap();
    assert_eq!(
        stopped.to_string(),
        "read model `accounts` stopped: its tables do not take event 0 of `account-00000000-0000-0000-0000-000000000007` at position 3"
    );
    assert_eq!((reached(&pool, Accounts::NAME).await.unwrap(), rows(&pool).await), (Some(before), 2));
}

#[tokio::test]
async fn rows_of_a_newer_version_are_left_alone() {
    let (_database, pool) = database().await;
    sqlx::query("UPDATE daftar_projections.checkpoint SET version = 7 WHERE model = 'accounts'").execute(&pool).await.unwrap();
    let log = Memory::log();
    open(&log, 1).await;
    let stopped = start(log.clone(), &pool).await.unwrap();
    assert!(matches!(stopped, Stopped::Newer { .. }), "{stopped}");
    assert_eq!(rows(&pool).await, 0);
}

#[tokio::test]
async fn of_two_runners_one_works_and_the_other_takes_over() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let first = start(log.clone(), &pool);
    assert!(readable(&pool, open(&log, 1).await).await);
    let second = start(log.clone(), &pool);
    assert!(readable(&pool, open(&log, 2).await).await);
    let leaders: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(leaders, 1);
    first.abort();
    assert!(readable(&pool, open(&log, 3).await).await);
    assert_eq!(rows(&pool).await, 3);
    second.abort();
}

#[tokio::test]
async fn a_lost_session_is_taken_up_again() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    let runner = start(log.clone(), &pool);
    assert!(readable(&pool, open(&log, 1).await).await);
    let ended: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(ended, [true]);
    assert!(readable(&pool, open(&log, 2).await).await);
    assert_eq!(rows(&pool).await, 2);
    runner.abort();
}

#[tokio::test]
async fn a_model_that_is_no_longer_where_it_was_left_is_followed_from_where_it_is() {
    let (database, pool) = database().await;
    let log = Memory::log();
    let runner = start(log.clone(), &pool);
    let last = open(&log, 1).await;
    assert!(readable(&pool, last).await);
    // As after its database was restored from an older copy.
    let restored = "DELETE FROM read_accounts.account; DELETE FROM read_accounts.class; DELETE FROM read_accounts.holder;
                    DELETE FROM read_accounts.standing;
                    UPDATE daftar_projections.checkpoint SET commit_position = NULL, prepare_position = NULL WHERE model = 'accounts'";
    let mut db = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(restored).execute(&mut db).await.unwrap();
    let events = recorded(&log).await;
    let after_it = Batch { after: Some(last), events: &[&events[0]], until: Position::single(2) };
    let refused = deliver(&mut db, &ACCOUNTS, Place::Live, after_it).await.unwrap_err();
    assert_eq!(refused.to_string(), "read model `accounts` is not where it was left");

    // Its transaction ends with it.
    drop(db);

    let next = open(&log, 2).await;
    assert!(readable(&pool, next).await);
    assert_eq!(rows(&pool).await, 2);
    runner.abort();
}

#[tokio::test]
async fn a_checkpoint_keeps_both_halves_and_never_goes_back() {
    let (database, pool) = database().await;
    let mut db = PgConnection::connect(database.url()).await.unwrap();
    let (late, early) = (Position { commit: 9, prepare: 7 }, Position { commit: 9, prepare: 5 });
    for until in [late, early] {
        deliver(&mut db, &ACCOUNTS, Place::Live, Batch { after: None, events: &[], until }).await.unwrap();
        assert_eq!(reached(&pool, Accounts::NAME).await.unwrap(), Some(late));
    }
}
