//! Opening an account under a number that no other has, and finding it again.

use chrono::NaiveDate;
use daftar_domain::{
    Currency, Decider, SealedFor, StreamName,
    account::{self, AccountNumber, CustomerClass, Language, OpenAccount},
    ids::AccountId,
    reservation::{self, Reservation, Reserve, Unique},
};
use daftar_projections::accounts::{self, Account};
use daftar_store::{ExecuteError, keyring::By};
use uuid::Uuid;

use super::{App, Wish, Written};
use crate::{caller::Visible, problem::Problem};

/// Generated numbers that may be taken, one after another. With a million accounts one in a thousand is.
const ATTEMPTS: u32 = 100;

#[derive(Debug)]
pub struct NewAccount {
    pub holder_name: String,
    pub number: Option<AccountNumber>,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

/// An account that was opened; now, or before under the same key.
#[derive(Clone, Debug)]
pub struct Opened {
    pub account_id: AccountId,
    pub number: AccountNumber,
    pub written: Written,
}

impl Wish<'_> {
    pub async fn open_account(&self, wish: NewAccount) -> Result<Opened, Problem> {
        let NewAccount { holder_name, number, class, currency, language, opened_on } = wish;
        let account_id = self.created(account::Account::CATEGORY, AccountId::new);
        let holder_name = self.app.keyring.seal_findable(account_id, SealedFor::Contact, By::Name, &holder_name).await?;
        let stream = StreamName::of::<account::Account>(account_id);
        let number = match (self.app.engine.look::<account::Account>(&stream).await?.number(), number) {
            // A retry, or another wish under its key: no second number is reserved for it.
            (Some(held), wished) if wished.as_ref().is_none_or(|wished| wished == held) => held.clone(),
            (Some(_), _) => return Err(Problem::IdempotencyKeyReused),
            (None, wished) => self.reserve_number(account_id, wished).await?,
        };
        let opening = OpenAccount { account_id, number: number.clone(), holder_name, class, currency, language, opened_on };
        let written = self.ask::<account::Account>(account_id, account::Command::OpenAccount(opening)).await?;
        Ok(Opened { account_id, number, written })
    }

    /// The account holds its number before it is opened. A try that ends between the two is made good by its retry.
    async fn reserve_number(&self, account_id: AccountId, wished: Option<AccountNumber>) -> Result<AccountNumber, Problem> {
        let candidates: &mut (dyn Iterator<Item = AccountNumber> + Send) = match &wished {
            Some(number) => &mut std::iter::once(number.clone()),
            None => &mut (0..ATTEMPTS).map(|attempt| AccountNumber::generated(account_id, attempt)),
        };
        for number in candidates {
            if self.reserve(Unique::AccountNumber(&number), account_id).await? {
                return Ok(number);
            }
        }
        Err(Problem::AccountNumberTaken)
    }

    /// Whether the value is the holder's from now on; if not, it is another's.
    pub(super) async fn reserve(&self, value: Unique<'_>, holder: impl Into<Uuid>) -> Result<bool, Problem> {
        let stream = StreamName::of::<Reservation>(value.reservation_id());
        let reserve = reservation::Command::Reserve(Reserve { holder: holder.into() });
        match self.app.engine.execute::<Reservation>(&stream, &self.context, reserve).await {
            Ok(_) => Ok(true),
            Err(ExecuteError::Rejected(reservation::Rejection::Taken { .. })) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl App {
    pub async fn account(&self, account: Visible) -> Result<Account, Problem> {
        accounts::by_id(&self.read_models, account.id()).await?.ok_or(Problem::NotFound)
    }

    pub async fn account_by_number(&self, number: &AccountNumber) -> Result<Account, Problem> {
        accounts::by_number(&self.read_models, number).await?.ok_or(Problem::NotFound)
    }
}
