//! What can be done with accounts, as the API's resolvers and whoever else call it.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    Actor, Currency, Decider, Position, SealedFor, StreamName,
    account::{self, CustomerClass, Language, OpenAccount},
    ids::{AccountId, created_id},
};
use daftar_projections::{
    Projector, Readable,
    accounts::{self, Account, Accounts},
};
use daftar_store::{
    CommandContext, Engine,
    keyring::{ClearText, Keyring},
};
use sqlx::PgPool;

use crate::problem::Problem;

/// How long a mutation waits for its own write to be readable.
const PATIENCE: Duration = Duration::from_secs(2);

/// All that a request needs.
#[derive(Clone, Debug)]
pub struct App {
    pub engine: Engine,
    pub keyring: Keyring,
    pub read_models: PgPool,
    pub readable: Readable,
}

#[derive(Debug)]
pub struct NewAccount {
    pub holder_name: String,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

/// A write, and whether the read models show it already.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub account_id: AccountId,
    pub position: Position,
    pub readable: bool,
}

impl App {
    pub async fn open_account(&self, actor: Actor, key: &str, wish: NewAccount, now: DateTime<Utc>) -> Result<Written, Problem> {
        let NewAccount { holder_name, class, currency, language, opened_on } = wish;
        let context = CommandContext::new(actor, "openAccount", key, now);
        let account_id = AccountId::new(created_id(context.command_id, account::Account::CATEGORY));
        let holder_name = self.keyring.seal(account_id, SealedFor::Contact, &holder_name).await?;
        let command = account::Command::OpenAccount(OpenAccount { account_id, holder_name, class, currency, language, opened_on });
        let outcome = self.engine.execute::<account::Account>(&StreamName::of::<account::Account>(account_id), &context, command).await?;
        let position = outcome.position().expect("an account that is open has an event");
        let readable = self.readable(Accounts::NAME, position).await;
        Ok(Written { account_id, position, readable })
    }

    pub async fn account(&self, id: AccountId) -> Result<Account, Problem> {
        accounts::by_id(&self.read_models, id).await?.ok_or(Problem::NotFound)
    }

    /// Nothing once the person has been forgotten.
    pub async fn holder_name(&self, account: &Account) -> Result<Option<ClearText>, Problem> {
        Ok(self.keyring.open(account.id, &account.holder_name).await?)
    }

    /// What was written stays written, so a read model out of reach is "not yet" and not a failure.
    async fn readable(&self, model: &str, position: Position) -> bool {
        self.readable.reached(model, position, PATIENCE).await.unwrap_or_else(|error| {
            tracing::warn!(model, %position, %error, "cannot tell whether a write is readable");
            false
        })
    }
}
