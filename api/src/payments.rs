//! Payments that customers make themselves, as the API's resolvers call them.

use chrono::{DateTime, Utc};
use daftar_billing::gateway::{Begun, NewPayment, StartError};
use daftar_domain::{Actor, Code, Money, account::ItemId, ids::PaymentId};
use daftar_projections::{Projector, payments::Payments};
use daftar_store::CommandContext;

use crate::{accounts::App, caller::Visible, problem::Problem};

/// A payment that was begun, and where it is paid.
#[derive(Clone, Debug)]
pub struct StartedPayment {
    pub payment_id: PaymentId,
    /// Nothing, if it has come to its end already.
    pub checkout: Option<String>,
    pub readable: bool,
}

impl App {
    /// The same key goes on with the same payment, wherever a try before has ended.
    pub async fn start_payment(
        &self,
        account: Visible,
        actor: Actor,
        key: &str,
        (amount, directed, gateway): (Money, Vec<ItemId>, Code),
        now: DateTime<Utc>,
    ) -> Result<StartedPayment, Problem> {
        let context = CommandContext::new(actor, "startPayment", key, now);
        let wish = NewPayment { account_id: account.id(), amount, directed, gateway };
        let Begun { payment_id, checkout, position } = self.payments.start(&context, wish).await?;
        let readable = match position {
            Some(position) => self.readable(Payments::NAME, position).await,
            None => true,
        };
        Ok(StartedPayment { payment_id, checkout, readable })
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownGateway(unknown) => Self::UnknownGateway(unknown.0),
            StartError::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            StartError::Account(rejection) => Self::Refused(rejection),
            StartError::Refused(rejection) => Self::PaymentRefused(rejection),
            StartError::Declined { gateway, cause } => Self::PaymentDeclined { gateway, cause },
            StartError::NoAnswer { .. } | StartError::Store(_) => Self::Unavailable(error.into()),
        }
    }
}
