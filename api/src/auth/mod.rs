//! Who somebody is, and for how long that is believed.
//!
//! What users may do is decided by the domain and kept in the log. Here is what proves that somebody is a user: passwords, second factors,
//! sessions and their tokens, and the patience with those who get it wrong.

mod audit;
mod claims;
mod lockout;
mod names;
mod passwords;
mod refusal;
mod second_factor;
mod sessions;
mod sign_in;
mod tokens;
mod users;

use std::{net::IpAddr, sync::Arc};

use daftar_domain::{
    StreamName,
    ids::{AccountId, UserId},
    user::User,
};
use daftar_store::{
    Engine,
    keyring::{Keyring, KeyringError},
};
use sqlx::{PgPool, migrate::Migrator};
use uuid::Uuid;

pub use claims::{Claim, Holder};
pub use names::UserName;
pub use passwords::Password;
pub use refusal::Refusal;
pub use second_factor::{Enrolment, code_of};
pub use sessions::Session;
pub use sign_in::{Credentials, Granted};
pub use tokens::{Bearer, Refresh, Tokens};
pub use users::NewStaff;

use self::{audit::Patience, names::Names, passwords::Passwords};

pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("daftar_auth");
    migrator.dangerous_set_table_name("daftar_auth.migration");
    migrator
}

/// All that signing in needs.
#[derive(Clone, Debug)]
pub struct Auth {
    tables: PgPool,
    engine: Engine,
    keyring: Keyring,
    passwords: Passwords,
    names: Names,
    tokens: Tokens,
    noted: Arc<Patience>,
}

impl Auth {
    /// The keys of tokens and names are secrets of the house: every server has the same.
    pub async fn open(tables: PgPool, engine: Engine, keyring: Keyring) -> Result<Self, KeyringError> {
        let names = Names::new(keyring.secret("daftar user names v1").await?);
        let tokens = Tokens::new(keyring.secret("daftar access tokens v1").await?);
        Ok(Self { tables, engine, keyring, passwords: Passwords::new(), names, tokens, noted: Arc::default() })
    }

    /// What access tokens are made of and checked with.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

/// Whoever sends a request, known or not: where it comes from, and of which session it is.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub address: IpAddr,
    pub agent: Option<String>,
    pub session: Option<Uuid>,
}

/// A user's personal data is sealed as an account's is, with a key under the user's id.
fn keys_of(user: UserId) -> AccountId {
    AccountId::new(user.into())
}

fn stream_of(user: UserId) -> StreamName {
    StreamName::of::<User>(user)
}
