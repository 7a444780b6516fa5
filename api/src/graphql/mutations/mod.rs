//! Everything that can be wished for, by area.
//!
//! Each file begins with the table of its wishes: what it is, what it takes, what it answers, and by whom it may be asked. Below stand a
//! function for each, which makes a command of what was typed and asks for it once. What is wrong with the input is told under the name
//! that its sender wrote.

mod accounts;
mod agreements;
mod applications;
mod books;
mod collections;
#[cfg(test)]
mod commands;
mod contacts;
mod invoices;
mod meters;
mod premises;
mod read_cycles;
mod readings;
mod receivable;
mod repairs;
mod tariffs;
mod workshop;

use async_graphql::{Context, InputObject, MergedObject, SimpleObject};
use chrono::Utc;

use super::{app, caller, scalars::Decimal};
use crate::{
    app::{Wish, Written},
    caller::{Caller, Role},
    input,
    problem::Problem,
};

/// Everything that can be wished for. Each takes an `idempotencyKey`: the same wish under the same key happens once, however often it is sent.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(
    accounts::AccountMutation,
    contacts::ContactMutation,
    premises::PremisesMutation,
    read_cycles::ReadCycleMutation,
    agreements::AgreementMutation,
    meters::MeterMutation,
    readings::ReadingMutation,
    tariffs::TariffMutation,
    applications::ApplicationMutation,
    receivable::ReceivableMutation,
    invoices::InvoiceMutation,
    books::BooksMutation,
    collections::CollectionsMutation,
    repairs::RepairMutation,
    workshop::WorkshopMutation,
    super::users::UserMutation,
);

/// Who may ask for something.
#[derive(Clone, Copy, Debug)]
enum By {
    /// Staff who have one of these roles; an admin has all of them.
    Staff(&'static [Role]),
    /// They, and customers: whose account it is about, the wish asks when the account is named.
    StaffAndCustomers(&'static [Role]),
}

impl By {
    fn check(self, caller: &Caller) -> Result<(), Problem> {
        match (self, caller) {
            (Self::StaffAndCustomers(_), Caller::Customer { .. }) => Ok(()),
            (Self::Staff(roles) | Self::StaffAndCustomers(roles), _) => caller.staff(roles),
        }
    }
}

/// The wish that a resolver is asked for, by somebody who may ask it.
fn wish<'a>(context: &Context<'a>, idempotency_key: &str, by: By) -> Result<Wish<'a>, Problem> {
    by.check(caller(context))?;
    Wish::new(app(context), caller(context), context.field().name(), idempotency_key, Utc::now())
}

/// Declares an area's mutations: each name is a function of the file, which is given the wish and the input.
macro_rules! mutations {
    ($object:ident $($(#[doc = $doc:literal])+ $name:ident($input:ty) -> $payload:ty, by $by:expr;)+) => {
        #[derive(Debug, Default)]
        pub struct $object;

        #[async_graphql::Object]
        impl $object {
            $($(#[doc = $doc])+
            async fn $name(
                &self,
                context: &async_graphql::Context<'_>,
                #[graphql(desc = "What is wished for.")] input: $input,
                #[graphql(desc = "Chosen by the caller, new for each wish and the same at each retry of it.")] idempotency_key: String,
            ) -> Option<async_graphql::Result<$payload>> {
                let answered = async {
                    let wish = super::wish(context, &idempotency_key, $by)?;
                    $name(&wish, input).await.map_err(|problem| problem.within("input"))
                };
                Some(crate::graphql::answer(context, answered.await))
            })+
        }
    };
}

use mutations;

/// What every answer to a wish says of its writing.
#[derive(Debug, SimpleObject)]
struct Record {
    /// Where what was done stands in the order of all events.
    position: String,
    /// Whether queries see it already. If not, they will soon.
    readable: bool,
}

impl From<Written> for Record {
    fn from(written: Written) -> Self {
        Self { position: written.position.to_string(), readable: written.readable }
    }
}

/// An amount of money.
#[derive(Debug, InputObject)]
struct MoneyInput {
    /// In whole units of the currency, with no more decimals than it has coins.
    amount: Decimal,
    /// The currency's ISO 4217 code, such as `SAR`.
    currency: String,
}

impl MoneyInput {
    fn parse(self) -> Result<daftar_domain::Money, Problem> {
        input::money(self.amount.number("amount")?, input::currency(&self.currency)?)
    }
}
