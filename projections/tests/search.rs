//! Accounts found by what is sealed, as long as it is so.

use std::sync::Arc;

use daftar_domain::{
    BillingEvent, Reason, SealedFor,
    account::{self, AccountOpened, Contact, ContactAdded, ContactKind, ContactRemoved, HolderRenamed},
    ids::{AccountId, ContactId},
};
use daftar_projections::{accounts::Accounts, search};
use daftar_store::keyring::{self, By, Keyring, LocalMasterKey};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    accounts::opened,
    spec::{database, project_all},
};

struct World {
    pool: PgPool,
    keyring: Keyring,
    log: Vec<(Uuid, BillingEvent)>,
}

impl World {
    async fn new(pool: &PgPool) -> Self {
        keyring::migrator().run(pool).await.unwrap();
        let keyring = Keyring::new(pool.clone(), Arc::new(LocalMasterKey::new([1; 32]))).await.unwrap();
        Self { pool: pool.clone(), keyring, log: vec![] }
    }

    fn happens(&mut self, n: u128, event: impl Into<account::Event>) {
        self.log.push((Uuid::from_u128(n), BillingEvent::Account(event.into())));
    }

    async fn opens(&mut self, n: u128, name: &str) {
        let holder_name = self.keyring.seal_findable(id(n), SealedFor::Contact, By::Name, name).await.unwrap();
        self.happens(n, AccountOpened { holder_name, ..opened(n) });
    }

    async fn renames(&mut self, n: u128, name: &str) {
        let holder_name = self.keyring.seal_findable(id(n), SealedFor::Contact, By::Name, name).await.unwrap();
        let renamed = HolderRenamed { holder_name, effective_on: opened(n).opened_on, reason: Reason::new("deed").unwrap() };
        self.happens(n, renamed);
    }

    async fn is_reached_at(&mut self, n: u128, contact: u128, name: &str, number: &str) {
        let seal = |by, text: String| {
            let keyring = self.keyring.clone();
            async move { keyring.seal_findable(id(n), SealedFor::Contact, by, &text).await.unwrap() }
        };
        let (name, value) = (seal(By::Name, name.to_owned()).await, seal(By::Phone, number.to_owned()).await);
        let contact_id = ContactId::new(Uuid::from_u128(contact));
        self.happens(n, ContactAdded { contact_id, contact: Contact { kind: ContactKind::Mobile, name: Some(name), value } });
    }

    /// As if all this had just been projected.
    async fn finds(&self, by: By, asked: &str) -> Vec<u128> {
        let found = search::accounts(&self.pool, &self.keyring, (by, asked), None, 1_000).await.unwrap();
        assert_eq!(search::count(&self.pool, &self.keyring, (by, asked)).await.unwrap(), found.len() as u64);
        found.into_iter().map(|account| Uuid::from(account.id).as_u128()).collect()
    }
}

fn id(n: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(n))
}

#[tokio::test]
async fn accounts_are_found_by_what_they_are_called_and_reached_at_now() {
    let (_database, pool) = database().await;
    let mut world = World::new(&pool).await;
    world.opens(1, "ليلى الحدّاد").await;
    world.opens(2, "Layla Haddad").await;
    world.opens(3, "أحمد").await;
    world.renames(3, "مصطفى").await;
    world.is_reached_at(1, 11, "فاطمة", "+966 50 123 4567").await;
    world.is_reached_at(2, 12, "Sami", "0507654321").await;
    world.happens(2, ContactRemoved { contact_id: ContactId::new(Uuid::from_u128(12)) });
    // A wish that was refused: sealed, and in no event.
    world.keyring.seal_findable(id(1), SealedFor::Contact, By::Name, "Zaynab").await.unwrap();
    project_all::<Accounts>(&pool, world.log.clone()).await;

    assert_eq!(world.finds(By::Name, "ليلي").await, [1]);
    assert_eq!(world.finds(By::Name, "lay").await, [2]);
    assert_eq!(world.finds(By::Name, "مصطفي").await, [3]);
    assert_eq!(world.finds(By::Name, "فاطمه").await, [1], "a contact is a way to the account");
    assert_eq!(world.finds(By::Phone, "٠٥٠١٢٣٤٥٦٧").await, [1]);
    for (by, gone) in [(By::Name, "احمد"), (By::Name, "sami"), (By::Phone, "0507654321"), (By::Name, "zaynab"), (By::Name, "1234567")] {
        assert_eq!(world.finds(by, gone).await, [], "{gone}");
    }

    world.keyring.forget(id(1)).await.unwrap();
    assert_eq!(world.finds(By::Name, "ليلي").await, []);
    assert_eq!(world.finds(By::Phone, "4567").await, []);
}

#[tokio::test]
async fn many_are_read_page_by_page() {
    let (_database, pool) = database().await;
    let mut world = World::new(&pool).await;
    for n in 1..=450 {
        world.opens(n, if n % 3 == 0 { "Omar" } else { "Layla Omar" }).await;
        if n % 4 == 0 {
            world.renames(n, "Sami").await;
        }
    }
    project_all::<Accounts>(&pool, world.log.clone()).await;
    let expected: Vec<u128> = (1..=450).filter(|n| n % 4 != 0 && n % 3 != 0).collect();
    assert_eq!(world.finds(By::Name, "omar la").await, expected);
    let (mut seen, mut after) = (vec![], None);
    loop {
        let page = search::accounts(&pool, &world.keyring, (By::Name, "omar la"), after, 70).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|account| Uuid::from(account.id).as_u128()));
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_index_is_made_anew_from_what_accounts_are_called_now() {
    let (_database, pool) = database().await;
    let mut world = World::new(&pool).await;
    world.opens(1, "Layla").await;
    world.renames(1, "Omar").await;
    world.is_reached_at(1, 11, "Sami", "0501234567").await;
    world.opens(2, "Layla").await;
    world.keyring.forget(id(2)).await.unwrap();
    project_all::<Accounts>(&pool, world.log.clone()).await;
    let words = async || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM daftar_keys.word").fetch_one(&pool).await.unwrap();
    let before = words().await;
    sqlx::query("DELETE FROM daftar_keys.word").execute(&pool).await.unwrap();
    assert_eq!(world.finds(By::Name, "omar").await, []);
    assert_eq!(search::index(&pool, &world.keyring, &|_| {}).await.unwrap(), 2);
    assert_eq!(world.finds(By::Name, "omar").await, [1]);
    assert_eq!(world.finds(By::Name, "sam").await, [1]);
    assert_eq!(world.finds(By::Phone, "4567").await, [1]);
    assert_eq!(before - words().await, 4, "what it was called before is no longer kept");
}
