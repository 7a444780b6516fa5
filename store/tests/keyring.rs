//! The keyring on a real Postgres.

use std::sync::Arc;

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{SealedFor, ids::AccountId};
use daftar_store::keyring::{self, AccountKey, By, Keyring, KeyringError, LocalMasterKey, Mark, Owner};
use sqlx::PgPool;
use uuid::Uuid;

async fn database() -> (TestDatabase, PgPool) {
    let database = test_database("keyring 2", async |url| keyring::migrator().run(&PgPool::connect(url).await.unwrap()).await).await;
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

async fn found(keyring: &Keyring, by: By, asked: &str) -> Vec<AccountId> {
    keyring.find(by, asked, None, 100).await.unwrap().into_iter().map(|(account, _)| account).collect()
}

#[tokio::test]
async fn an_account_is_found_by_its_name_and_number_and_no_text_is_kept() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let seal = async |n, by, clear: &str| keyring.seal_findable(account(n), SealedFor::Contact, by, clear).await.unwrap();
    let layla = seal(1, By::Name, "ليلى الحدّاد").await;
    seal(2, By::Name, "Layla Haddad").await;
    seal(3, By::Name, "ليلي حمدان").await;
    seal(2, By::Phone, "+966 50 123 4567").await;
    assert_eq!(found(&keyring, By::Name, "ليلى").await, [account(1), account(3)]);
    assert_eq!(found(&keyring, By::Name, "حداد ليلي").await, [account(1)]);
    assert_eq!(found(&keyring, By::Name, "LAY had").await, [account(2)]);
    assert_eq!(found(&keyring, By::Phone, "٠٥٠١٢٣٤٥٦٧").await, [account(2)]);
    assert_eq!(found(&keyring, By::Name, "4567").await, []);
    assert_eq!(keyring.find(By::Name, "ليلى", None, 1).await.unwrap(), [(account(1), vec![Mark::of(&layla)])]);
    assert_eq!(keyring.find(By::Name, "ليلى", Some(account(1)), 1).await.unwrap()[0].0, account(3));
    let kept: String = sqlx::query_scalar("SELECT string_agg(word::text, ' ') FROM daftar_keys.word").fetch_one(&pool).await.unwrap();
    assert!(!kept.contains("ليل") && !kept.contains("4567,"), "{kept}");
}

#[tokio::test]
async fn who_is_forgotten_is_found_no_more_and_cannot_be_made_findable() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    let seal = async |n| keyring.seal_findable(account(n), SealedFor::Contact, By::Name, "Layla").await.unwrap();
    let (sealed, _) = (seal(1).await, seal(2).await);
    keyring.forget(account(1)).await.unwrap();
    assert_eq!(found(&keyring, By::Name, "layla").await, [account(2)]);
    keyring.make_findable(&[(account(1), sealed, By::Name)]).await.unwrap();
    assert_eq!(found(&keyring, By::Name, "layla").await, [account(2)]);
    let words = "SELECT count(*) FROM daftar_keys.word WHERE account_id = $1";
    let left: i64 = sqlx::query_scalar(words).bind(Uuid::from(account(1))).fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_keyrings_role_is_enough_to_be_found_and_forgotten() {
    let (_database, pool) = database().await;
    let options = (*pool.connect_options()).clone().options([("role", "daftar_keyring")]);
    let keyring = keyring(&PgPool::connect_with(options).await.unwrap()).await;
    keyring.seal_findable(account(1), SealedFor::Contact, By::Name, "Layla").await.unwrap();
    assert_eq!(found(&keyring, By::Name, "layla").await, [account(1)]);
    keyring.forget(account(1)).await.unwrap();
    assert_eq!(found(&keyring, By::Name, "layla").await, []);
}

/// However the two meet, nothing is left.
#[tokio::test]
async fn a_forgetting_that_meets_a_sealing_leaves_nothing_to_be_found() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    for n in 1..=30 {
        keyring.seal(account(n), SealedFor::Contact, "Layla").await.unwrap();
        let sealing = keyring.seal_findable(account(n), SealedFor::Contact, By::Name, "Layla Haddad");
        let (sealed, forgotten) = tokio::join!(sealing, keyring.forget(account(n)));
        forgotten.unwrap();
        if let Err(error) = sealed {
            assert!(matches!(error, KeyringError::Forgotten { .. }), "{error}");
        }
    }
    assert_eq!(found(&keyring, By::Name, "layla").await, []);
}

#[tokio::test]
async fn values_are_made_findable_again_and_those_that_are_no_more_are_not() {
    let (_database, pool) = database().await;
    let keyring = keyring(&pool).await;
    keyring.seal_findable(account(1), SealedFor::Contact, By::Name, "Layla").await.unwrap();
    let renamed = keyring.seal(account(1), SealedFor::Contact, "Omar").await.unwrap();
    keyring.make_findable(&[(account(1), renamed, By::Name)]).await.unwrap();
    assert_eq!(found(&keyring, By::Name, "omar").await, [account(1)]);
    assert_eq!(found(&keyring, By::Name, "layla").await, []);
}
