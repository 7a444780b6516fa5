//! Personal data, sealed with a key per account.
//!
//! An account has two keys: one for contact data, forgotten when the person asks, and one for the identity on tax documents. They live
//! in tables of their own, outside the log, each wrapped by the master key. Deleting one makes every value it sealed unreadable
//! wherever it was copied to, and leaves the bytes of the log, and so every hash over them, as they are.
//!
//! Beside the keys stand fingerprints of words, by which the account of a sealed name or number is found (decision 12). They go with the key.

mod master;
mod seal;
mod words;

use std::{collections::HashMap, sync::Arc};

use daftar_domain::{Sealed, SealedFor, ids::AccountId};
use sqlx::{PgExecutor, PgPool, migrate::Migrator};
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use master::{LocalMasterKey, MasterKey, MasterKeyError};
pub use seal::{AccountKey, Owner, seal};
pub use words::By;

/// Whose keys are nobody's in particular: the company's own.
pub const HOUSE: AccountId = AccountId::new(Uuid::nil());

/// The job of the key that words are kept under.
const INDEX: &str = "daftar words v1";

/// The keyring's own tables. They are migrated apart from the log, for they may live on another server.
pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations-keys");
    migrator.create_schema("daftar_keys");
    migrator.dangerous_set_table_name("daftar_keys.migration");
    migrator
}

/// Seals, opens and forgets.
///
/// Unwrapped keys are not kept between calls: a key forgotten in one process must not go on opening in another.
#[derive(Clone)]
pub struct Keyring {
    pool: PgPool,
    master: Arc<dyn MasterKey>,
}

#[derive(Debug, Error)]
pub enum KeyringError {
    /// An answer rather than a failure: this person asked to be forgotten.
    #[error("account {account} has been forgotten")]
    Forgotten { account: AccountId },
    #[error("there is no {} key for account {}", owner.purpose_name(), owner.account)]
    NoKey { owner: Owner },
    #[error("a sealed value of account {} does not open with its {} key", owner.account, owner.purpose_name())]
    DoesNotOpen { owner: Owner },
    #[error("the keys in the database were wrapped by master key {used}, but this is {given}")]
    AnotherMasterKey { used: String, given: String },
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    #[error("the keyring's tables cannot be reached")]
    Database(#[from] sqlx::Error),
}

impl Keyring {
    /// A keyring under this master key, which must be the one that the keys already there were wrapped by.
    pub async fn new(pool: PgPool, master: Arc<dyn MasterKey>) -> Result<Self, KeyringError> {
        let given = master.id();
        let note = "INSERT INTO daftar_keys.master_key (id) VALUES ($1) ON CONFLICT DO NOTHING";
        sqlx::query(note).bind(&given).execute(&pool).await?;
        let used: String = sqlx::query_scalar("SELECT id FROM daftar_keys.master_key").fetch_one(&pool).await?;
        if used == given { Ok(Self { pool, master }) } else { Err(KeyringError::AnotherMasterKey { used, given }) }
    }

    /// Seals with the account's key, which is made if there is none yet.
    pub async fn seal(&self, account: AccountId, purpose: SealedFor, clear: &str) -> Result<Sealed, KeyringError> {
        let owner = Owner { account, purpose };
        Ok(seal::seal(&self.key_or_new(owner).await?, owner, clear))
    }

    /// A secret of the house's own for one job, the same in every process for as long as its key is kept.
    pub async fn secret(&self, job: &str) -> Result<AccountKey, KeyringError> {
        Ok(seal::derived(&self.key_or_new(Owner { account: HOUSE, purpose: SealedFor::Legal }).await?, job))
    }

    /// As [`seal`](Self::seal), and has the account found by the value's words from now on.
    pub async fn seal_findable(&self, account: AccountId, purpose: SealedFor, by: By, clear: &str) -> Result<Sealed, KeyringError> {
        let sealed = self.seal(account, purpose, clear).await?;
        let tokens = words::tokens_of(&self.secret(INDEX).await?, by, clear);
        keep_words(&self.pool, &tokens.into_iter().map(|token| Word::of(account, &sealed, token)).collect::<Vec<_>>()).await?;
        Ok(sealed)
    }

    /// Has accounts found by these values of theirs and by no others; by none, once they have been forgotten.
    pub async fn make_findable(&self, values: &[(AccountId, Sealed, By)]) -> Result<(), KeyringError> {
        let (key, keys) = (self.secret(INDEX).await?, self.keys_of(values.iter().map(|(account, ..)| *account)).await?);
        let mut words = Vec::new();
        for (account, sealed, by) in values {
            let owner = Owner { account: *account, purpose: sealed.key() };
            let Some((_, own)) = keys.iter().find(|(of, _)| *of == owner) else { continue };
            let clear = seal::open(own, owner, sealed).ok_or(KeyringError::DoesNotOpen { owner })?;
            words.extend(words::tokens_of(&key, *by, clear.reveal()).into_iter().map(|token| Word::of(*account, sealed, token)));
        }
        let accounts: Vec<Uuid> = values.iter().map(|(account, ..)| (*account).into()).collect();
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM daftar_keys.word WHERE account_id = ANY($1)").bind(accounts).execute(&mut *transaction).await?;
        keep_words(&mut *transaction, &words).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Accounts with a value like this, in the order of their ids, after one that was seen: each with the marks of those values.
    /// Whether they are still the account's, the keyring does not know.
    pub async fn find(
        &self,
        by: By,
        asked: &str,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<(AccountId, Vec<Mark>)>, KeyringError> {
        let mut tokens = words::tokens_for(&self.secret(INDEX).await?, by, asked);
        if tokens.is_empty() {
            return Ok(vec![]);
        }
        let find = "SELECT account_id, array_agg(value) FROM daftar_keys.word
                    WHERE token = $1 AND account_id > $2 AND NOT EXISTS (
                        SELECT FROM UNNEST($3::bigint[]) AS wanted (token) WHERE NOT EXISTS (
                            SELECT FROM daftar_keys.word AS other
                            WHERE other.token = wanted.token AND other.account_id = word.account_id AND other.value = word.value))
                    GROUP BY account_id ORDER BY account_id LIMIT $4";
        let first = tokens.remove(0);
        let found: Vec<(Uuid, Vec<i64>)> = sqlx::query_as(find)
            .bind(first)
            .bind(after.map_or(Uuid::nil(), Uuid::from))
            .bind(tokens)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        Ok(found.into_iter().map(|(account, values)| (AccountId::new(account), values.into_iter().map(Mark).collect())).collect())
    }

    /// The clear text; nothing once the account has been forgotten.
    pub async fn open(&self, account: AccountId, sealed: &Sealed) -> Result<Option<ClearText>, KeyringError> {
        self.open_all(&[(account, sealed)]).await?.pop().unwrap_or(Ok(None))
    }

    /// As [`open`](Self::open), for any number of values with one statement; in their order.
    pub async fn open_all(&self, sealed: &[(AccountId, &Sealed)]) -> Result<Vec<Result<Option<ClearText>, KeyringError>>, KeyringError> {
        let owners: Vec<Owner> = sealed.iter().map(|(account, sealed)| Owner { account: *account, purpose: sealed.key() }).collect();
        let keys = self.keys(&owners).await?;
        let opened = owners.into_iter().zip(keys).zip(sealed).map(|((owner, key), (_, sealed))| match key {
            Kept::Key(key) => seal::open(&key, owner, sealed).map(Some).ok_or(KeyringError::DoesNotOpen { owner }),
            Kept::Forgotten => Ok(None),
            // Not the same as forgotten: the keys and the log do not belong together, as after restoring only one of them.
            Kept::Nothing => Err(KeyringError::NoKey { owner }),
        });
        Ok(opened.collect())
    }

    /// Deletes the contact key and all that the account is found by. That it is gone, or was never made, is fine; either way none is made again.
    pub async fn forget(&self, account: AccountId) -> Result<(), KeyringError> {
        let forget = "INSERT INTO daftar_keys.account_key (account_id, purpose, forgotten_at) VALUES ($1, 'contact', now())
                      ON CONFLICT (account_id, purpose) DO UPDATE SET wrapped = NULL, forgotten_at = now()
                      WHERE account_key.forgotten_at IS NULL";
        let mut transaction = self.pool.begin().await?;
        sqlx::query(forget).bind(Uuid::from(account)).execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM daftar_keys.word WHERE account_id = $1").bind(Uuid::from(account)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps keys that were made elsewhere. An account that has one already keeps that.
    pub async fn adopt(&self, keys: &[(Owner, AccountKey)]) -> Result<(), KeyringError> {
        let mut wrapped = Vec::with_capacity(keys.len());
        for (owner, key) in keys {
            wrapped.push(self.master.wrap(key, *owner).await?);
        }
        let keep = "INSERT INTO daftar_keys.account_key (account_id, purpose, wrapped)
                    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[]) ON CONFLICT DO NOTHING";
        sqlx::query(keep)
            .bind(keys.iter().map(|(owner, _)| Uuid::from(owner.account)).collect::<Vec<_>>())
            .bind(keys.iter().map(|(owner, _)| owner.purpose_name()).collect::<Vec<_>>())
            .bind(wrapped)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn key_or_new(&self, owner: Owner) -> Result<AccountKey, KeyringError> {
        match self.key(owner).await? {
            Kept::Key(key) => Ok(key),
            Kept::Forgotten => Err(KeyringError::Forgotten { account: owner.account }),
            Kept::Nothing => self.make_key(owner).await,
        }
    }

    /// The keys that these accounts still have.
    async fn keys_of(&self, accounts: impl Iterator<Item = AccountId>) -> Result<Vec<(Owner, AccountKey)>, KeyringError> {
        let accounts: Vec<Uuid> = accounts.map(Uuid::from).collect();
        let find = "SELECT account_id, purpose = 'legal', wrapped FROM daftar_keys.account_key
                    WHERE account_id = ANY($1) AND wrapped IS NOT NULL";
        let found: Vec<(Uuid, bool, Vec<u8>)> = sqlx::query_as(find).bind(accounts).fetch_all(&self.pool).await?;
        let mut keys = Vec::with_capacity(found.len());
        for (account, legal, wrapped) in found {
            let owner = Owner { account: AccountId::new(account), purpose: if legal { SealedFor::Legal } else { SealedFor::Contact } };
            keys.push((owner, self.master.unwrap(&wrapped, owner).await?));
        }
        Ok(keys)
    }

    async fn make_key(&self, owner: Owner) -> Result<AccountKey, KeyringError> {
        let wrapped = self.master.wrap(&master::random(), owner).await?;
        let keep = "INSERT INTO daftar_keys.account_key (account_id, purpose, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        sqlx::query(keep).bind(Uuid::from(owner.account)).bind(owner.purpose_name()).bind(wrapped).execute(&self.pool).await?;
        // Read back: another process may have been quicker, and there must be one key only.
        match self.key(owner).await? {
            Kept::Key(key) => Ok(key),
            Kept::Forgotten => Err(KeyringError::Forgotten { account: owner.account }),
            Kept::Nothing => Err(KeyringError::NoKey { owner }),
        }
    }

    async fn key(&self, owner: Owner) -> Result<Kept, KeyringError> {
        Ok(self.keys(&[owner]).await?.pop().unwrap_or(Kept::Nothing))
    }

    async fn keys(&self, owners: &[Owner]) -> Result<Vec<Kept>, KeyringError> {
        let (accounts, purposes): (Vec<Uuid>, Vec<&str>) =
            owners.iter().map(|owner| (Uuid::from(owner.account), owner.purpose_name())).unzip();
        let find = "SELECT account_id, purpose, wrapped FROM daftar_keys.account_key
                    WHERE (account_id, purpose) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))";
        let found: Vec<(Uuid, String, Option<Vec<u8>>)> = sqlx::query_as(find).bind(accounts).bind(purposes).fetch_all(&self.pool).await?;
        let found: HashMap<(Uuid, String), Option<Vec<u8>>> =
            found.into_iter().map(|(account, purpose, wrapped)| ((account, purpose), wrapped)).collect();
        let mut kept = Vec::with_capacity(owners.len());
        for owner in owners {
            kept.push(match found.get(&(owner.account.into(), owner.purpose_name().to_owned())) {
                Some(Some(wrapped)) => Kept::Key(self.master.unwrap(wrapped, *owner).await?),
                Some(None) => Kept::Forgotten,
                None => Kept::Nothing,
            });
        }
        Ok(kept)
    }
}

/// What begins the fingerprint of a sealed value, by which it is told from the account's other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(i64);

impl Mark {
    pub fn of(sealed: &Sealed) -> Self {
        Self(i64::from_be_bytes(*sealed.fingerprint().first_chunk().expect("16 bytes have a first 8")))
    }
}

/// Something that a value is found by.
struct Word {
    owner: Owner,
    value: Mark,
    token: i64,
}

impl Word {
    fn of(account: AccountId, sealed: &Sealed, token: i64) -> Self {
        Self { owner: Owner { account, purpose: sealed.key() }, value: Mark::of(sealed), token }
    }
}

/// Keeps what values are found by, if their key is still held. A forgetting that comes meanwhile waits, and deletes it.
async fn keep_words(db: impl PgExecutor<'_>, words: &[Word]) -> Result<(), sqlx::Error> {
    let keep = "WITH held AS MATERIALIZED (
                    SELECT account_id, purpose FROM daftar_keys.account_key
                    WHERE account_id = ANY($1) AND wrapped IS NOT NULL ORDER BY account_id, purpose FOR SHARE)
                INSERT INTO daftar_keys.word (account_id, value, token)
                SELECT account_id, value, token FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])
                                                     AS word (account_id, purpose, value, token)
                JOIN held USING (account_id, purpose) ON CONFLICT DO NOTHING";
    sqlx::query(keep)
        .bind(words.iter().map(|word| Uuid::from(word.owner.account)).collect::<Vec<_>>())
        .bind(words.iter().map(|word| word.owner.purpose_name()).collect::<Vec<_>>())
        .bind(words.iter().map(|word| word.value.0).collect::<Vec<_>>())
        .bind(words.iter().map(|word| word.token).collect::<Vec<_>>())
        .execute(db)
        .await?;
    Ok(())
}

enum Kept {
    Key(AccountKey),
    Forgotten,
    Nothing,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("master", &self.master.id()).finish_non_exhaustive()
    }
}

/// Personal data in the open. It shows nothing in logs and leaves nothing in memory.
#[derive(PartialEq, Eq)]
pub struct ClearText(Zeroizing<String>);

impl ClearText {
    fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ClearText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClearText(…)")
    }
}
