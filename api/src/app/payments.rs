//! Payments that customers make themselves.

use daftar_billing::gateway::{Begun, NewPayment, StartError};
use daftar_domain::{Code, Decider, Money, account::ItemId, ids::PaymentId, payment::Payment};

use super::{Wish, Written};
use crate::{caller::Visible, problem::Problem};

/// A payment that was begun, and where it is paid.
#[derive(Clone, Debug)]
pub struct StartedPayment {
    pub payment_id: PaymentId,
    /// Nothing, if it has come to its end already.
    pub checkout: Option<String>,
    /// Nothing, if nothing was written now.
    pub written: Option<Written>,
}

impl Wish<'_> {
    /// The same key goes on with the same payment, wherever a try before has ended.
    pub async fn start_payment(
        &self,
        account: Visible,
        amount: Money,
        directed: Vec<ItemId>,
        gateway: Code,
    ) -> Result<StartedPayment, Problem> {
        let least = self.app.terms.as_ref().and_then(|terms| terms.least_payment(&gateway));
        let wish = NewPayment { account_id: account.id(), amount, directed, gateway, least };
        let Begun { payment_id, checkout, position } = self.app.payments.start(&self.context, wish).await?;
        let written = match position {
            Some(position) => Some(self.written(&[Payment::CATEGORY], position).await?),
            None => None,
        };
        Ok(StartedPayment { payment_id, checkout, written })
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownGateway(unknown) => Self::UnknownGateway(unknown.0),
            StartError::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            StartError::Account(rejection) => rejection.into(),
            StartError::Refused(rejection) => rejection.into(),
            StartError::Declined { gateway, cause } => Self::PaymentDeclined { gateway, cause },
            StartError::NoAnswer { .. } | StartError::Store(_) => Self::Unavailable(error.into()),
        }
    }
}
