//! What can be done with accounts, as the API's resolvers and whoever else call it.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_billing::gateway::Payments;
use daftar_domain::{
    Actor, Currency, Decider, Position, SealedFor, StreamName,
    account::{self, AccountNumber, CustomerClass, Language, OpenAccount},
    ids::{AccountId, created_id},
    reservation::{self, Reservation, Reserve, Unique},
};
use daftar_projections::{
    Projector, Readable,
    accounts::{self, Account, Accounts},
};
use daftar_store::{
    CommandContext, Engine, ExecuteError,
    keyring::{By, ClearText, Keyring},
};
use sqlx::PgPool;

use crate::{auth::Auth, caller::Visible, problem::Problem};

/// How long a mutation waits for its own write to be readable.
const PATIENCE: Duration = Duration::from_secs(2);

/// Generated numbers that may be taken, one after another. With a million accounts one in a thousand is.
const ATTEMPTS: u32 = 100;

/// All that a request needs.
#[derive(Clone, Debug)]
pub struct App {
    pub engine: Engine,
    pub keyring: Keyring,
    pub read_models: PgPool,
    pub readable: Readable,
    pub auth: Auth,
    pub payments: Payments,
}

#[derive(Debug)]
pub struct NewAccount {
    pub holder_name: String,
    pub number: Option<AccountNumber>,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

/// A write, and whether the read models show it already.
#[derive(Clone, Debug)]
pub struct Written {
    pub account_id: AccountId,
    pub number: AccountNumber,
    pub position: Position,
    pub readable: bool,
}

impl App {
    pub async fn open_account(&self, actor: Actor, key: &str, wish: NewAccount, now: DateTime<Utc>) -> Result<Written, Problem> {
        let NewAccount { holder_name, number, class, currency, language, opened_on } = wish;
        let context = CommandContext::new(actor, "openAccount", key, now);
        let account_id = AccountId::new(created_id(context.command_id, account::Account::CATEGORY));
        let holder_name = self.keyring.seal_findable(account_id, SealedFor::Contact, By::Name, &holder_name).await?;
        let stream = StreamName::of::<account::Account>(account_id);
        let number = match (self.engine.look::<account::Account>(&stream).await?.number(), number) {
            // A retry, or another wish under its key: no second number is reserved for it.
            (Some(held), wished) if wished.as_ref().is_none_or(|wished| wished == held) => held.clone(),
            (Some(_), _) => return Err(Problem::IdempotencyKeyReused),
            (None, wished) => self.reserve_number(&context, account_id, wished).await?,
        };
        let opening = OpenAccount { account_id, number: number.clone(), holder_name, class, currency, language, opened_on };
        let command = account::Command::OpenAccount(opening);
        let outcome = self.engine.execute::<account::Account>(&stream, &context, command).await?;
        let position = outcome.position().expect("an account that is open has an event");
        let readable = self.readable(Accounts::NAME, position).await;
        Ok(Written { account_id, number, position, readable })
    }

    /// The account holds its number before it is opened. A try that ends between the two is made good by its retry.
    async fn reserve_number(
        &self,
        context: &CommandContext,
        account_id: AccountId,
        wished: Option<AccountNumber>,
    ) -> Result<AccountNumber, Problem> {
        let candidates: &mut (dyn Iterator<Item = AccountNumber> + Send) = match &wished {
            Some(number) => &mut std::iter::once(number.clone()),
            None => &mut (0..ATTEMPTS).map(|attempt| AccountNumber::generated(account_id, attempt)),
        };
        for number in candidates {
            let stream = StreamName::of::<Reservation>(Unique::AccountNumber(&number).reservation_id());
            let reserve = reservation::Command::Reserve(Reserve { holder: account_id.into() });
            match self.engine.execute::<Reservation>(&stream, context, reserve).await {
                Ok(_) => return Ok(number),
                Err(ExecuteError::Rejected(reservation::Rejection::Taken { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::AccountNumberTaken)
    }

    pub async fn account(&self, account: Visible) -> Result<Account, Problem> {
        accounts::by_id(&self.read_models, account.id()).await?.ok_or(Problem::NotFound)
    }

    pub async fn account_by_number(&self, number: &AccountNumber) -> Result<Account, Problem> {
        accounts::by_number(&self.read_models, number).await?.ok_or(Problem::NotFound)
    }

    /// Nothing once the person has been forgotten.
    pub async fn holder_name(&self, account: &Account) -> Result<Option<ClearText>, Problem> {
        Ok(self.keyring.open(account.id, &account.holder_name).await?)
    }

    /// What was written stays written, so a read model out of reach is "not yet" and not a failure.
    pub(crate) async fn readable(&self, model: &str, position: Position) -> bool {
        self.readable.reached(model, position, PATIENCE).await.unwrap_or_else(|error| {
            tracing::warn!(model, %position, %error, "cannot tell whether a write is readable");
            false
        })
    }
}
