//! The keyring on a real Postgres.

use std::sync::Arc;

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{SealedFor, ids::AccountId};
use daftar_store::keyring::{self, AccountKey, Keyring, KeyringError, LocalMasterKey, Owner};
use sqlx::PgPool;
use uuid::Uuid;

async fn database() -> (TestDatabase, PgPool) {
    let database = test_database("keyring 1", async |url| keyring::migrator().run(&PgPool::connect(url).await.unwrap()).await).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    (database, pool)
}

async fn keyring(pool: &PgPool) -> Keyring {
    Keyring::new(pool.clone(), Arc::new(LocalMasterKey::new([1; 32]))).await.unwrap()
}

fn account(number: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(number))
}

#[tokio::test]
async fn a_retry_in_another_process_seals_to_the_same_bytes() {
    let (_database, pool) = database().await;
    let sealed = keyring(&pool).await.seal(account(1), SealedFor::Contact, "Layla").await.unwrap();
    let again = keyring(&pool).await.seal(account(1), SealedFor::Contact, "Layla").await.unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&sealed).unwrap());
    assert_eq!(keyring(&pool).await.open(account(1), &sealed).await.unwrap().unwrap().reveal(), "Layla");
}

#[tokio::test]
async fn processes_that_meet_at_a_new_account_agree_on_one_key() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let sealed = futures::future::join_all((0..16).map(|_| keyring.seal(account(1), SealedFor::Contact, "Layla"))).await;
    let first = sealed[0].as_ref().unwrap();
    assert!(sealed.iter().all(|sealed| sealed.as_ref().unwrap() == first));
}

#[tokio::test]
async fn keys_made_elsewhere_open_what_they_sealed_and_take_nobodys_place() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let owner = |number| Owner { account: account(number), purpose: SealedFor::Contact };
    let keys = [1, 2, 3].map(|number| (owner(number), AccountKey::new([number as u8; 32])));
    let own = keyring.seal(account(2), SealedFor::Contact, "Omar").await.unwrap();
    keyring.forget(account(3)).await.unwrap();

    keyring.adopt(&keys).await.unwrap();
    keyring.adopt(&keys).await.unwrap();

    let sealed = keyring::seal(&keys[0].1, owner(1), "Layla");
    assert_eq!(keyring.open(account(1), &sealed).await.unwrap().unwrap().reveal(), "Layla");
    assert_eq!(keyring.seal(account(1), SealedFor::Contact, "Layla").await.unwrap(), sealed);
    assert_eq!(keyring.open(account(2), &own).await.unwrap().unwrap().reveal(), "Omar");
    assert_eq!(keyring.open(account(3), &keyring::seal(&keys[2].1, owner(3), "Sami")).await.unwrap(), None);
}

#[tokio::test]
async fn a_forgotten_person_cannot_be_read_or_sealed_again_and_the_legal_identity_stays() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let name = keyring.seal(account(1), SealedFor::Contact, "Layla").await.unwrap();
    let legal = keyring.seal(account(1), SealedFor::Legal, "1012345678").await.unwrap();
    let other = keyring.seal(account(2), SealedFor::Contact, "Omar").await.unwrap();

    keyring.forget(account(1)).await.unwrap();
    keyring.forget(account(1)).await.unwrap();

    assert_eq!(keyring.open(account(1), &name).await.unwrap(), None);
    assert_eq!(keyring.open(account(1), &legal).await.unwrap().unwrap().reveal(), "1012345678");
    assert_eq!(keyring.open(account(2), &other).await.unwrap().unwrap().reveal(), "Omar");
    let again = keyring.seal(account(1), SealedFor::Contact, "Layla").await.unwrap_err();
    assert!(matches!(again, KeyringError::Forgotten { .. }), "{again}");
    keyring.forget(account(3)).await.unwrap();
    assert!(keyring.seal(account(3), SealedFor::Contact, "Sami").await.is_err(), "forgotten before the first key was made");
}

#[tokio::test]
async fn a_lost_key_is_not_taken_for_a_forgotten_person() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let sealed = keyring.seal(account(1), SealedFor::Contact, "Layla").await.unwrap();
    sqlx::query("DELETE FROM daftar_keys.account_key").execute(&pool).await.unwrap();
    let error = keyring.open(account(1), &sealed).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no contact key for account 00000000-0000-0000-0000-000000000001");
}

#[tokio::test]
async fn a_wrapped_key_opens_nothing_in_another_accounts_row() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let sealed = keyring.seal(account(1), SealedFor::Contact, "Layla").await.unwrap();
    sqlx::query("UPDATE daftar_keys.account_key SET account_id = $1").bind(Uuid::from(account(2))).execute(&pool).await.unwrap();
    let error = keyring.open(account(2), &sealed).await.unwrap_err();
    assert_eq!(error.to_string(), "a key of account 00000000-0000-0000-0000-000000000002 was not wrapped by this master key");
}

#[tokio::test]
async fn another_master_key_is_refused_at_the_start() {
    let (_database, pool) = database().await;
    keyring(&pool).await;
    let error = Keyring::new(pool, Arc::new(LocalMasterKey::new([2; 32]))).await.unwrap_err();
    assert!(matches!(error, KeyringError::AnotherMasterKey { .. }), "{error}");
}

#[tokio::test]
async fn the_keyrings_role_can_forget_but_not_undo_it() {
    let (_database, pool) = database().await;
    keyring(&pool).await.seal(account(1), SealedFor::Contact, "Layla").await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("SET ROLE daftar_keyring").execute(&mut *connection).await.unwrap();
    for refused in [
        "DELETE FROM daftar_keys.account_key",
        "TRUNCATE daftar_keys.account_key",
        "UPDATE daftar_keys.account_key SET account_id = account_id",
    ] {
        let error = sqlx::query(refused).execute(&mut *connection).await.unwrap_err();
        assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"), "{refused}");
    }
}
