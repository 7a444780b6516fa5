//! The end of a customer's account: when the last reading is billed, the deposit pays, what is over goes back, and the account is closed.

use chrono::NaiveDate;
use daftar_domain::{
    StreamName,
    account::{self, Account, SettleFinally},
    ids::{AccountId, AgreementId, InvoiceId},
};
use daftar_projections::{
    QueryError,
    billable::{self, Billable},
};
use daftar_store::{CommandContext, Engine, ExecuteError, Outcome};
use sqlx::PgPool;
use thiserror::Error;

use crate::rows::{Rows, Unread};

#[derive(Debug, Error)]
pub enum FinalBillError {
    #[error("agreement {0} has not ended")]
    NotEnded(AgreementId),
    #[error("the days of agreement {agreement_id} from {from} up to and without {to} are not billed yet")]
    NotBilled { agreement_id: AgreementId, from: NaiveDate, to: NaiveDate },
    #[error("invoice {0} is drafted and waits for a person")]
    DraftWaits(InvoiceId),
    #[error("a correction of one of its bills is not finished")]
    UnderCorrection,
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error(transparent)]
    Refused(#[from] ExecuteError<account::Rejection>),
}

impl From<QueryError> for FinalBillError {
    fn from(error: QueryError) -> Self {
        Unread::from(error).into()
    }
}

/// Settles with a customer who has left. Asked again, it goes on from what is open by then.
pub async fn settle(
    engine: &Engine,
    read_models: &PgPool,
    context: &CommandContext,
    account_id: AccountId,
    wish: SettleFinally,
) -> Result<Outcome<account::Event>, FinalBillError> {
    all_is_billed(engine, read_models, account_id).await?;
    let stream = StreamName::of::<Account>(account_id);
    Ok(engine.execute::<Account>(&stream, context, account::Command::SettleFinally(wish)).await?)
}

/// Days that were supplied and are not billed would find the deposit gone.
async fn all_is_billed(engine: &Engine, read_models: &PgPool, account_id: AccountId) -> Result<(), FinalBillError> {
    let rows = Rows::new(read_models.clone());
    let Some(as_of) = rows.caught_up::<Billable>(engine).await? else { return Ok(()) };
    let page = billable::of(&rows.db, &[account_id], as_of).await?;
    let Some(customer) = page.customer(account_id)? else { return Ok(()) };
    if customer.under_correction.is_some() {
        return Err(FinalBillError::UnderCorrection);
    }
    for supply in customer.supplies {
        let agreement_id = supply.agreement_id;
        if let Some(draft) = supply.drafted {
            return Err(FinalBillError::DraftWaits(draft));
        }
        let Some((started, ended)) = supply.service_point.course(agreement_id) else { continue };
        let to = ended.ok_or(FinalBillError::NotEnded(agreement_id))?;
        let from = supply.billed_to().unwrap_or(started);
        if from < to {
            return Err(FinalBillError::NotBilled { agreement_id, from, to });
        }
    }
    Ok(())
}
