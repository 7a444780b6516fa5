//! Accounts: who is billed, in which class, currency and language.

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Currency, Decider, Recorded, Sealed,
    account::{self, AccountOpened, CustomerClass, Language},
    ids::AccountId,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    columns::{from_bigint, from_name, to_bigint, to_name},
    rows,
    rows::{Current, Keyed, Table},
};

#[derive(Debug, Default)]
pub struct Accounts {
    accounts: Current<AccountRow>,
}

rows! {
    struct AccountRow in account {
        account_id: Uuid,
        holder_name: Vec<u8>,
        class: String,
        currency: String,
        language: String,
        opened_on: NaiveDate,
        recorded_at: DateTime<Utc>,
        position: i64,
    }
}

impl Keyed for AccountRow {
    type Key = Uuid;
    const KEY: &'static [&'static str] = &["account_id"];
    fn key(&self) -> Uuid {
        self.account_id
    }
}

impl Projector for Accounts {
    const NAME: &'static str = "accounts";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[account::Account::CATEGORY];
    const TABLES: &'static str = include_str!("../models/accounts/tables.sql");
    const INDEXES: &'static str = include_str!("../models/accounts/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Account(event) = &fact.event {
            self.account(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.accounts]
    }
}

impl Accounts {
    fn account(&mut self, fact: &Recorded<BillingEvent>, event: &account::Event) {
        match event {
            account::Event::AccountOpened(event) => self.opened(fact, event),
            account::Event::AccountReclassified(event) => self.change(fact, |account| account.class = to_name(&event.class)),
            account::Event::HolderRenamed(event) => {
                self.change(fact, |account| account.holder_name = daftar_domain::write(&event.holder_name))
            }
            account::Event::LanguageChosen(event) => self.change(fact, |account| account.language = to_name(&event.language)),
            account::Event::CurrencyChosen(event) => self.change(fact, |account| account.currency = to_name(&event.currency)),
            account::Event::IdentityRecorded(_)
            | account::Event::ContactAdded(_)
            | account::Event::ContactChanged(_)
            | account::Event::ContactRemoved(_)
            | account::Event::AddressAdded(_)
            | account::Event::AddressChanged(_)
            | account::Event::AddressRemoved(_)
            | account::Event::VatStatusSet(_)
            | account::Event::LinkedToLedger(_)
            | account::Event::ServiceBegun(_)
            | account::Event::ServiceEnded(_)
            | account::Event::MeterFitted(_)
            | account::Event::MeterTakenOff(_)
            | account::Event::AccountSuspended(_)
            | account::Event::AccountResumed(_)
            | account::Event::AccountClosed(_)
            | account::Event::OpeningBalanceImported(_)
            | account::Event::OpeningBalanceReversed(_)
            | account::Event::AccountCharged(_)
            | account::Event::ItemDisputed(_)
            | account::Event::DisputeResolved(_)
            | account::Event::PaymentReceived(_)
            | account::Event::PaymentReversed(_)
            | account::Event::CreditAllocated(_)
            | account::Event::AllocationFreed(_)
            | account::Event::AccountCredited(_)
            | account::Event::CreditRefunded(_)
            | account::Event::RefundReturned(_)
            | account::Event::DepositTaken(_)
            | account::Event::DepositReleased(_)
            | account::Event::DepositReturned(_)
            | account::Event::LateFeeAssessed(_)
            | account::Event::LateFeeWaived(_)
            | account::Event::DebtWrittenOff(_)
            | account::Event::CreditWrittenOff(_)
            | account::Event::DebtRecovered(_)
            | account::Event::RebillBegun(_)
            | account::Event::RebillEnded(_) => {}
        }
    }

    fn opened(&mut self, fact: &Recorded<BillingEvent>, event: &AccountOpened) {
        let AccountOpened { account_id, number: _, holder_name, class, currency, language, opened_on } = event;
        self.accounts.insert(AccountRow {
            account_id: (*account_id).into(),
            holder_name: daftar_domain::write(holder_name),
            class: to_name(class),
            currency: to_name(currency),
            language: to_name(language),
            opened_on: *opened_on,
            recorded_at: fact.metadata.recorded_at,
            position: to_bigint(fact.position.commit),
        });
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut AccountRow)) {
        if let Some(account) = self.accounts.get_mut(&fact.stream.id()) {
            change(account);
            account.position = to_bigint(fact.position.commit);
        }
    }
}

/// An account as it is known at `position`.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub holder_name: Sealed,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub position: u64,
}

pub async fn by_id(db: impl PgExecutor<'_>, id: AccountId) -> Result<Option<Account>, QueryError> {
    let row = sqlx::query_as!(
        AccountRow,
        "SELECT account_id, holder_name, class, currency, language, opened_on, recorded_at, position
         FROM read_accounts.account WHERE account_id = $1",
        Uuid::from(id),
    )
    .fetch_optional(db)
    .await?;
    row.map(Account::try_from).transpose()
}

impl TryFrom<AccountRow> for Account {
    type Error = QueryError;

    fn try_from(row: AccountRow) -> Result<Self, QueryError> {
        let malformed = |column| move |source| QueryError::Malformed { model: Accounts::NAME, column, source };
        Ok(Self {
            id: AccountId::new(row.account_id),
            holder_name: serde_json::from_slice(&row.holder_name).map_err(malformed("holder_name"))?,
            class: from_name(row.class).map_err(malformed("class"))?,
            currency: from_name(row.currency).map_err(malformed("currency"))?,
            language: from_name(row.language).map_err(malformed("language"))?,
            opened_on: row.opened_on,
            recorded_at: row.recorded_at,
            position: from_bigint(row.position),
        })
    }
}
