//! Accounts: who is billed, in which class, currency and language.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Currency, Recorded, Sealed,
    account::{self, AccountOpened, CustomerClass, Language},
    ids::AccountId,
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    columns::{from_bigint, from_name, to_bigint, to_name},
};

#[derive(Clone, Copy, Debug)]
pub struct Accounts;

impl Projector for Accounts {
    const NAME: &'static str = "accounts";
    const VERSION: i32 = 1;

    async fn apply(&self, db: &mut PgConnection, batch: &[Recorded<BillingEvent>]) -> Result<(), sqlx::Error> {
        let (mut opened, mut changed) = (Opened::default(), Changed::default());
        for recorded in batch {
            match &recorded.event {
                BillingEvent::Account(event) => match event {
                    account::Event::AccountOpened(event) => opened.push(recorded, event),
                    account::Event::AccountReclassified(event) => changed.of(recorded).class = Some(to_name(&event.class)),
                    account::Event::HolderRenamed(event) => {
                        changed.of(recorded).holder_name = Some(daftar_domain::write(&event.holder_name))
                    }
                    account::Event::LanguageChosen(event) => changed.of(recorded).language = Some(to_name(&event.language)),
                    account::Event::CurrencyChosen(event) => changed.of(recorded).currency = Some(to_name(&event.currency)),
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
                },
                BillingEvent::AccountingPeriods(_)
                | BillingEvent::Payment(_)
                | BillingEvent::RefusedRequest(_)
                | BillingEvent::ServicePoint(_)
                | BillingEvent::BillRun(_)
                | BillingEvent::Correction(_)
                | BillingEvent::Invoice(_)
                | BillingEvent::Meter(_)
                | BillingEvent::Premises(_)
                | BillingEvent::ReadCycle(_)
                | BillingEvent::Register(_)
                | BillingEvent::Reservation(_)
                | BillingEvent::Tariff(_) => {}
            }
        }
        // In this order: an account that changes in the batch it opens in is a row by then.
        opened.insert(db).await?;
        changed.update(db).await
    }
}

/// Rows to be, a column at a time.
#[derive(Default)]
struct Opened {
    account_id: Vec<Uuid>,
    holder_name: Vec<Vec<u8>>,
    class: Vec<String>,
    currency: Vec<String>,
    language: Vec<String>,
    opened_on: Vec<NaiveDate>,
    recorded_at: Vec<DateTime<Utc>>,
    position: Vec<i64>,
}

impl Opened {
    fn push(&mut self, recorded: &Recorded<BillingEvent>, event: &AccountOpened) {
        let AccountOpened { account_id, holder_name, class, currency, language, opened_on } = event;
        self.account_id.push((*account_id).into());
        self.holder_name.push(daftar_domain::write(holder_name));
        self.class.push(to_name(class));
        self.currency.push(to_name(currency));
        self.language.push(to_name(language));
        self.opened_on.push(*opened_on);
        self.recorded_at.push(recorded.metadata.recorded_at);
        self.position.push(to_bigint(recorded.position.commit));
    }

    async fn insert(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "INSERT INTO read_accounts.account (account_id, holder_name, class, currency, language, opened_on, recorded_at, position)
             SELECT * FROM UNNEST($1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::date[], $7::timestamptz[], $8::bigint[])",
            &self.account_id,
            &self.holder_name,
            &self.class,
            &self.currency,
            &self.language,
            &self.opened_on,
            &self.recorded_at,
            &self.position,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// What becomes of rows: for each account the last word on each column, and where the last of them stands.
#[derive(Default)]
struct Changed(BTreeMap<Uuid, Change>);

#[derive(Default)]
struct Change {
    holder_name: Option<Vec<u8>>,
    /// As last decided, also if it applies only from a later date: a row knows no today.
    class: Option<String>,
    currency: Option<String>,
    language: Option<String>,
    position: i64,
}

impl Changed {
    fn of(&mut self, recorded: &Recorded<BillingEvent>) -> &mut Change {
        let change = self.0.entry(recorded.stream.id()).or_default();
        change.position = to_bigint(recorded.position.commit);
        change
    }

    async fn update(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&Change) -> &Option<String>| self.0.values().map(|change| of(change).clone()).collect::<Vec<_>>();
        sqlx::query(
            "UPDATE read_accounts.account
             SET holder_name = COALESCE(changed.holder_name, account.holder_name),
                 class = COALESCE(changed.class, account.class),
                 currency = COALESCE(changed.currency, account.currency),
                 language = COALESCE(changed.language, account.language),
                 position = changed.position
             FROM UNNEST($1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                 AS changed (account_id, holder_name, class, currency, language, position)
             WHERE account.account_id = changed.account_id",
        )
        .bind(self.0.keys().copied().collect::<Vec<_>>())
        .bind(self.0.values().map(|change| change.holder_name.clone()).collect::<Vec<_>>())
        .bind(column(|change| &change.class))
        .bind(column(|change| &change.currency))
        .bind(column(|change| &change.language))
        .bind(self.0.values().map(|change| change.position).collect::<Vec<_>>())
        .execute(db)
        .await?;
        Ok(())
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
        Row,
        "SELECT account_id, holder_name, class, currency, language, opened_on, recorded_at, position
         FROM read_accounts.account WHERE account_id = $1",
        Uuid::from(id),
    )
    .fetch_optional(db)
    .await?;
    row.map(Account::try_from).transpose()
}

struct Row {
    account_id: Uuid,
    holder_name: Vec<u8>,
    class: String,
    currency: String,
    language: String,
    opened_on: NaiveDate,
    recorded_at: DateTime<Utc>,
    position: i64,
}

impl TryFrom<Row> for Account {
    type Error = QueryError;

    fn try_from(row: Row) -> Result<Self, QueryError> {
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
