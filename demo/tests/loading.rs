//! Loading: the same bytes at the same positions, all of it or what was begun, and only where there is nothing else.

use std::sync::Arc;

use daftar_billing::policies;
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_demo::{
    Company, Wish,
    load::{self, LoadError, Mark},
};
use daftar_domain::{Currency, Position, SealedFor, ids::AccountId};
use daftar_projections::migrate;
use daftar_store::{
    Durability, Engine, EventReader, Memory, Postgres, PostgresOptions, Scope,
    keyring::{self, Keyring, LocalMasterKey},
    log::Log,
};
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::Notify;

use crate::company::{bytes, facts, made};

const TINY: Wish = Wish { accounts: 10, months: 2, seed: 3 };

struct Store {
    _database: TestDatabase,
    log: Log,
    pool: PgPool,
    keyring: Keyring,
}

/// As `daftar migrate` leaves it.
async fn store() -> Store {
    let prepare = async |url: &str| -> Result<(), Box<dyn std::error::Error>> {
        daftar_store::postgres::migrate(url).await?;
        let mut db = PgConnection::connect(url).await?;
        keyring::migrator().run(&mut db).await?;
        migrate(&mut db).await?;
        Ok(daftar_billing::migrator().run(&mut db).await?)
    };
    let database = test_database(&format!("demo {}", daftar_projections::contents()), prepare).await;
    let options = PostgresOptions { durability: Durability::UnsafeForTests, ..PostgresOptions::default() };
    let log = Postgres::connect(database.url(), options).await.unwrap();
    let pool = PgPool::connect(database.url()).await.unwrap();
    let keyring = Keyring::new(pool.clone(), Arc::new(LocalMasterKey::new([1; 32]))).await.unwrap();
    Store { _database: database, log, pool, keyring }
}

impl Store {
    async fn load(&self, company: &Company, progress: &(dyn Fn(u64) + Sync)) -> Result<(), LoadError> {
        let mut owner = self.pool.acquire().await.unwrap();
        load::load(company, &self.log, &self.keyring, &mut owner, progress).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_loaded_as_it_is_and_its_names_can_be_read() {
    let (company, store) = (made(TINY).await, store().await);
    assert_eq!(load::mark(&store.pool).await.unwrap(), None);
    store.load(&company, &|_| ()).await.unwrap();
    assert_eq!(bytes(&store.log).await, bytes(&company.log).await);
    assert_eq!(load::mark(&store.pool).await.unwrap(), Some(Mark { wish: TINY, loaded: true }));
    assert_eq!(policies::reached(&store.pool).await.unwrap(), Some(Position::single(*store.log.head().borrow())));

    let facts = facts(&store.log).await;
    let opened = facts.iter().find_map(|fact| match &fact.event {
        daftar_domain::BillingEvent::Account(daftar_domain::account::Event::AccountOpened(opened)) => Some(opened),
        _ => None,
    });
    let opened = opened.expect("somebody has an account");
    let name = store.keyring.open(opened.account_id, &opened.holder_name).await.unwrap().expect("nobody was forgotten");
    assert!(name.reveal().contains(' '), "{}", name.reveal());
    assert_eq!(opened.currency, Currency::SAR);
    // Whoever comes after has a key of their own.
    let stranger = AccountId::new(uuid::Uuid::from_u128(1));
    store.keyring.seal(stranger, SealedFor::Contact, "Layla").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loading_that_was_interrupted_is_finished_by_doing_it_again() {
    let (company, store) = (made(TINY).await, store().await);
    let half = Notify::new();
    let notice = |percent| {
        if percent >= 30 {
            half.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = half.notified() => {}
        _ = store.load(&company, &notice) => panic!("it was not interrupted"),
    }
    assert_eq!(load::mark(&store.pool).await.unwrap(), Some(Mark { wish: TINY, loaded: false }));
    let begun = store.log.read_all(None, Scope::Everything).try_collect::<Vec<_>>().await.unwrap().len();
    assert!(begun > 0 && begun < bytes(&company.log).await.len(), "{begun}");
    store.load(&company, &|_| ()).await.unwrap();
    assert_eq!(bytes(&store.log).await, bytes(&company.log).await);

    store.load(&company, &|_| panic!("it is there already")).await.unwrap();
    let other = Company { wish: Wish { seed: 4, ..TINY }, log: company.log.clone(), keys: vec![] };
    let refused = store.load(&other, &|_| ()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the store holds another demo: 10 accounts, 2 months, seed 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_holds_something_is_left_alone() {
    let (company, store) = (made(TINY).await, store().await);
    let engine = Engine::new(Arc::new(store.log.clone()));
    something(&engine, 9).await;
    let before = bytes(&store.log).await;
    let refused = store.load(&company, &|_| ()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the store is not empty: a demo is loaded into one that holds nothing else");
    assert_eq!((bytes(&store.log).await, load::mark(&store.pool).await.unwrap()), (before, None));
}

/// A thousand accounts are opened on one day: more appends at once than a task may make in one turn.
#[tokio::test(flavor = "multi_thread")]
async fn however_many_streams_begin_together_they_keep_their_order() {
    let (log, store) = (Memory::log(), store().await);
    let engine = Engine::new(Arc::new(log.clone()));
    for number in 0..1_000 {
        something(&engine, number).await;
    }
    let company = Company { wish: TINY, log, keys: vec![] };
    store.load(&company, &|_| ()).await.unwrap();
    assert_eq!(bytes(&store.log).await, bytes(&company.log).await);
}

/// Anything at all.
async fn something(engine: &Engine, number: u128) {
    use daftar_domain::reservation::{Command, Reservation, Reserve};
    let id = uuid::Uuid::from_u128(number);
    let context =
        daftar_store::CommandContext::new(daftar_domain::Actor::job("test"), "prepare", &number.to_string(), chrono::DateTime::UNIX_EPOCH);
    let stream = daftar_domain::StreamName::of::<Reservation>(id);
    engine.execute::<Reservation>(&stream, &context, Command::Reserve(Reserve { holder: id })).await.unwrap();
}
