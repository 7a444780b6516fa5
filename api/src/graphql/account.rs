use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::Utc;
use daftar_domain::{account as domain, ids::AccountId};
use daftar_projections::accounts;
use uuid::Uuid;

use super::{
    answer, app, caller,
    scalars::{Date, DateTime},
};
use crate::{
    accounts::NewAccount,
    caller::Role,
    input,
    problem::{Flaw, Problem},
};

#[derive(Debug, Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// An account by its id. An id that is unknown, or not yours to see, is NOT_FOUND.
    async fn account(&self, context: &Context<'_>, #[graphql(desc = "As `openAccount` gave it.")] id: ID) -> Option<Result<Account>> {
        let account = async { app(context).account(caller(context).account(account_id(&id)?)?).await.map(Account) };
        Some(answer(context, account.await))
    }

    /// An account by the number on its bills. A number that is unknown, or not yours to see, is NOT_FOUND.
    async fn account_by_number(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In Latin or Arabic digits.")] number: String,
    ) -> Option<Result<Account>> {
        let account = async {
            let account = app(context).account_by_number(&input::account_number(&number)?).await?;
            caller(context).account(account.id)?;
            Ok(Account(account))
        };
        Some(answer(context, account.await))
    }
}

#[derive(Debug, Default)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Opens an account for somebody who will be billed.
    async fn open_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is known of the new customer.")] input: OpenAccountInput,
        #[graphql(desc = "Chosen by the caller, new for each wish and the same at each retry of it.")] idempotency_key: String,
    ) -> Option<Result<OpenAccountPayload>> {
        let opened = async {
            let caller = caller(context);
            caller.staff(&[Role::Billing])?;
            let key = input::idempotency_key(&idempotency_key)?;
            let written = app(context).open_account(caller.actor()?, &key, input.parse()?, Utc::now()).await?;
            let account =
                if written.readable { Some(Account(app(context).account(caller.account(written.account_id)?).await?)) } else { None };
            Ok(OpenAccountPayload {
                account_id: ID(written.account_id.to_string()),
                account_number: written.number.to_string(),
                account,
                position: written.position.to_string(),
                readable: written.readable,
            })
        };
        Some(answer(context, opened.await))
    }
}

/// What is known of a new customer.
#[derive(Debug, InputObject)]
struct OpenAccountInput {
    /// Who is billed, as it is to stand on the bill: one line of at most 200 characters. Kept encrypted.
    holder_name: String,
    /// A number that the account brings along from another system, of up to 20 Latin letters, digits and hyphens; without one it is given one.
    number: Option<String>,
    /// Decides which tariffs apply.
    class: CustomerClass,
    /// The ISO 4217 code of the currency that the account is billed in, such as `SAR`.
    currency: String,
    /// What the customer's documents and messages are written in.
    language: DocumentLanguage,
    /// The first day on which the account can be billed.
    opened_on: Date,
}

impl OpenAccountInput {
    fn parse(self) -> Result<NewAccount, Problem> {
        Ok(NewAccount {
            holder_name: input::holder_name(&self.holder_name)?,
            number: self.number.as_deref().map(input::account_number).transpose()?,
            class: self.class.into(),
            currency: input::currency(&self.currency)?,
            language: self.language.into(),
            opened_on: self.opened_on.day("openedOn")?,
        })
    }
}

/// The account was opened; now, or before under the same key.
#[derive(Debug, SimpleObject)]
struct OpenAccountPayload {
    /// The account's id, for ever.
    account_id: ID,
    /// The number by which people know it.
    account_number: String,
    /// The account as queries see it; null if they do not see it yet.
    account: Option<Account>,
    /// Where the opening stands in the order of all events.
    position: String,
    /// Whether queries see the opening already. If not, they will soon.
    readable: bool,
}

#[derive(Debug)]
struct Account(accounts::Account);

/// Somebody who is billed.
#[Object]
impl Account {
    /// The account's id, for ever.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// The number by which people know it.
    async fn number(&self) -> &str {
        self.0.number.as_str()
    }

    /// Who is billed; null once the person has asked to be forgotten.
    async fn holder_name(&self, context: &Context<'_>) -> Option<Result<String>> {
        let name = app(context).holder_name(&self.0).await;
        answer(context, name.map(|name| name.map(|name| name.reveal().to_owned()))).transpose()
    }

    /// Decides which tariffs apply.
    async fn class(&self) -> CustomerClass {
        self.0.class.into()
    }

    /// The ISO 4217 code of the currency that the account is billed in.
    async fn currency(&self) -> &'static str {
        self.0.currency.code()
    }

    /// What the customer's documents and messages are written in.
    async fn language(&self) -> DocumentLanguage {
        self.0.language.into()
    }

    /// The first day on which the account can be billed.
    async fn opened_on(&self) -> Date {
        self.0.opened_on.into()
    }

    /// When the opening was recorded.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }
}

/// The class of a customer decides which tariffs apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::CustomerClass")]
enum CustomerClass {
    /// Homes.
    Residential,
    /// Shops and offices.
    Commercial,
    /// Factories.
    Industrial,
    /// The state and its institutions.
    Government,
    /// Farms.
    Agricultural,
}

/// A language that documents and messages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "Language", remote = "domain::Language")]
enum DocumentLanguage {
    /// العربية
    Arabic,
    /// English.
    English,
}

fn account_id(id: &ID) -> Result<AccountId, Problem> {
    Uuid::try_parse(id).map(AccountId::new).map_err(|_| Problem::Invalid { field: "id", flaw: Flaw::NotAnId })
}
