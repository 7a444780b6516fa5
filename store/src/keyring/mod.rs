//! Personal data, sealed with a key per account.
//!
//! An account has two keys: one for contact data, forgotten when the person asks, and one for the identity on tax documents. They live
//! in tables of their own, outside the log, each wrapped by the master key. Deleting one makes every value it sealed unreadable
//! wherever it was copied to, and leaves the bytes of the log, and so every hash over them, as they are.

mod master;
mod seal;

use std::sync::Arc;

use daftar_domain::{Sealed, SealedFor, ids::AccountId};
use sqlx::{PgPool, migrate::Migrator};
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use master::{LocalMasterKey, MasterKey, MasterKeyError};
pub use seal::{AccountKey, Owner, seal};

/// Whose keys are nobody's in particular: the company's own.
pub const HOUSE: AccountId = AccountId::new(Uuid::nil());

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

    /// The clear text; nothing once the account has been forgotten.
    pub async fn open(&self, account: AccountId, sealed: &Sealed) -> Result<Option<ClearText>, KeyringError> {
        let owner = Owner { account, purpose: sealed.key() };
        match self.key(owner).await? {
            Kept::Key(key) => seal::open(&key, owner, sealed).map(Some).ok_or(KeyringError::DoesNotOpen { owner }),
            Kept::Forgotten => Ok(None),
            // Not the same as forgotten: the keys and the log do not belong together, as after restoring only one of them.
            Kept::Nothing => Err(KeyringError::NoKey { owner }),
        }
    }

    /// Deletes the contact key. That it is gone, or was never made, is fine; either way none is made again.
    pub async fn forget(&self, account: AccountId) -> Result<(), KeyringError> {
        let forget = "INSERT INTO daftar_keys.account_key (account_id, purpose, forgotten_at) VALUES ($1, 'contact', now())
                      ON CONFLICT (account_id, purpose) DO UPDATE SET wrapped = NULL, forgotten_at = now()
                      WHERE account_key.forgotten_at IS NULL";
        sqlx::query(forget).bind(Uuid::from(account)).execute(&self.pool).await?;
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
        let find = "SELECT wrapped FROM daftar_keys.account_key WHERE account_id = $1 AND purpose = $2";
        let found: Option<Option<Vec<u8>>> =
            sqlx::query_scalar(find).bind(Uuid::from(owner.account)).bind(owner.purpose_name()).fetch_optional(&self.pool).await?;
        Ok(match found {
            Some(Some(wrapped)) => Kept::Key(self.master.unwrap(&wrapped, owner).await?),
            Some(None) => Kept::Forgotten,
            None => Kept::Nothing,
        })
    }
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
