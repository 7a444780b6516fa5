use async_graphql::{Context, ID, Object, Result};
use daftar_domain::ids::AccountId;
use daftar_projections::accounts;

use super::{
    answer, app, caller,
    enums::{CustomerClass, DocumentLanguage},
    scalars::{Date, DateTime},
};
use crate::{input, problem::Problem};

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

#[derive(Debug)]
pub struct Account(pub accounts::Account);

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

fn account_id(id: &ID) -> Result<AccountId, Problem> {
    input::id("id", id, AccountId::new)
}
