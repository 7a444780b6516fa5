//! Accounts: who is billed, in which class, currency and language, and how they are reached and taxed.

mod many;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Code, Currency, Decider, Reason, Recorded, Sealed, VatCategory,
    account::{
        self, AccountNumber, AccountOpened, AccountReclassified, AddressAdded, AddressChanged, AddressKind, AllocationPolicy, ContactAdded,
        ContactChanged, ContactKind, CustomerClass, HolderRenamed, IdentityRecorded, Language, SubsidyEnded, SubsidyGranted, VatStatusSet,
    },
    ids::{AccountId, AddressId, ContactId},
};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Page, Projector, QueryError, Spot,
    as_of::AsOf,
    columns::{beginning_with, from_bigint, from_name, position, sealed, to_bigint, to_name, uuids},
    keys,
    order::page,
    rows,
    rows::{Current, History, Table},
};

pub use many::*;

#[derive(Debug, Default)]
pub struct Accounts {
    accounts: Current<AccountRow>,
    headcounts: Current<HeadcountRow>,
    classes: History<ClassRow>,
    holders: History<HolderRow>,
    standings: History<StandingRow>,
    vat_statuses: History<VatStatusRow>,
    subsidies: History<SubsidyRow>,
    subsidy_ends: History<SubsidyEndRow>,
    contacts: Current<ContactRow>,
    addresses: Current<AddressRow>,
}

rows! {
    struct AccountRow in account {
        account_id: Uuid,
        number: String,
        holder_name: Vec<u8>,
        class: String,
        currency: String,
        language: String,
        allocation_policy: String,
        standing: String,
        identity_kind: Option<String>,
        identity_number: Option<Vec<u8>>,
        identity_expires_on: Option<NaiveDate>,
        ledger_account: Option<String>,
        opened_on: NaiveDate,
        closed_on: Option<NaiveDate>,
        recorded_at: DateTime<Utc>,
        revision: i64,
        position: i64,
    }

    struct HeadcountRow in headcount {
        class: String,
        standing: String,
        accounts: i64,
        position: i64,
    }

    struct ClassRow in class {
        account_id: Uuid,
        class: String,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }

    struct HolderRow in holder {
        account_id: Uuid,
        holder_name: Vec<u8>,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }

    struct StandingRow in standing {
        account_id: Uuid,
        standing: String,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }

    struct VatStatusRow in vat_status {
        account_id: Uuid,
        category: String,
        reason: Option<String>,
        valid_from: NaiveDate,
        valid_to: Option<NaiveDate>,
        position: i64,
    }

    struct SubsidyRow in subsidy {
        account_id: Uuid,
        scheme: String,
        valid_from: NaiveDate,
        valid_to: Option<NaiveDate>,
        proof: String,
        renew_by: Option<NaiveDate>,
        position: i64,
    }

    struct SubsidyEndRow in subsidy_end {
        account_id: Uuid,
        scheme: String,
        effective_on: NaiveDate,
        reason: String,
        position: i64,
    }

    struct ContactRow in contact {
        account_id: Uuid,
        contact_id: Uuid,
        kind: String,
        name: Option<Vec<u8>>,
        value: Vec<u8>,
        position: i64,
    }

    struct AddressRow in address {
        account_id: Uuid,
        address_id: Uuid,
        kind: String,
        text: Vec<u8>,
        position: i64,
    }
}

keys! {
    AccountRow by account_id: Uuid;
    HeadcountRow by class: String, standing: String;
    ContactRow by account_id: Uuid, contact_id: Uuid;
    AddressRow by account_id: Uuid, address_id: Uuid;
}

impl Projector for Accounts {
    const NAME: &'static str = "accounts";
    const VERSION: i32 = 5;
    const CATEGORIES: &'static [&'static str] = &[account::Account::CATEGORY];
    const TABLES: &'static str = include_str!("../models/accounts/tables.sql");
    const INDEXES: &'static str = include_str!("../models/accounts/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Account(event) = &fact.event {
            self.account(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { accounts, headcounts, classes, holders, standings, vat_statuses, subsidies, subsidy_ends, contacts, addresses } = self;
        vec![accounts, headcounts, classes, holders, standings, vat_statuses, subsidies, subsidy_ends, contacts, addresses]
    }
}

impl Accounts {
    fn account(&mut self, fact: &Recorded<BillingEvent>, event: &account::Event) {
        let id = fact.stream.id();
        match event {
            account::Event::AccountOpened(event) => self.opened(fact, event),
            account::Event::AccountReclassified(AccountReclassified { class, effective_on, reason }) => {
                self.class(fact, *class, *effective_on, Some(reason));
                self.change(fact, |account| account.class = to_name(class));
            }
            account::Event::HolderRenamed(HolderRenamed { holder_name, effective_on, reason }) => {
                self.holder(fact, holder_name, *effective_on, Some(reason));
                self.change(fact, |account| account.holder_name = sealed(holder_name));
            }
            account::Event::IdentityRecorded(IdentityRecorded { document }) => self.change(fact, |account| {
                account.identity_kind = Some(document.kind.to_string());
                account.identity_number = Some(sealed(&document.number));
                account.identity_expires_on = document.expires_on;
            }),
            account::Event::LanguageChosen(event) => self.change(fact, |account| account.language = to_name(&event.language)),
            account::Event::AllocationPolicyChosen(event) => {
                self.change(fact, |account| account.allocation_policy = to_name(&event.policy))
            }
            account::Event::CurrencyChosen(event) => self.change(fact, |account| account.currency = to_name(&event.currency)),
            account::Event::ContactAdded(ContactAdded { contact_id, contact })
            | account::Event::ContactChanged(ContactChanged { contact_id, contact }) => self.contacts.put(ContactRow {
                account_id: id,
                contact_id: (*contact_id).into(),
                kind: to_name(&contact.kind),
                name: contact.name.as_ref().map(sealed),
                value: sealed(&contact.value),
                position: position(fact),
            }),
            account::Event::ContactRemoved(event) => self.contacts.remove(&(id, event.contact_id.into())),
            account::Event::AddressAdded(AddressAdded { address_id, address })
            | account::Event::AddressChanged(AddressChanged { address_id, address }) => self.addresses.put(AddressRow {
                account_id: id,
                address_id: (*address_id).into(),
                kind: to_name(&address.kind),
                text: sealed(&address.text),
                position: position(fact),
            }),
            account::Event::AddressRemoved(event) => self.addresses.remove(&(id, event.address_id.into())),
            account::Event::VatStatusSet(VatStatusSet { category, reason, from, to }) => self.vat_statuses.add(VatStatusRow {
                account_id: id,
                category: to_name(category),
                reason: reason.as_ref().map(Code::to_string),
                valid_from: *from,
                valid_to: *to,
                position: position(fact),
            }),
            account::Event::SubsidyGranted(SubsidyGranted { scheme, from, to, proof, renew_by }) => self.subsidies.add(SubsidyRow {
                account_id: id,
                scheme: scheme.to_string(),
                valid_from: *from,
                valid_to: *to,
                proof: proof.to_string(),
                renew_by: *renew_by,
                position: position(fact),
            }),
            account::Event::SubsidyEnded(SubsidyEnded { scheme, on, reason }) => self.subsidy_ends.add(SubsidyEndRow {
                account_id: id,
                scheme: scheme.to_string(),
                effective_on: *on,
                reason: reason.to_string(),
                position: position(fact),
            }),
            account::Event::LinkedToLedger(event) => {
                self.change(fact, |account| account.ledger_account = Some(event.ledger_account.to_string()))
            }
            account::Event::AccountSuspended(event) => self.stands(fact, Standing::Suspended, event.suspended_on, Some(&event.reason)),
            account::Event::AccountResumed(event) => self.stands(fact, Standing::Active, event.resumed_on, Some(&event.reason)),
            account::Event::AccountClosed(event) => {
                self.stands(fact, Standing::Closed, event.closed_on, Some(&event.reason));
                self.change(fact, |account| account.closed_on = Some(event.closed_on));
            }
            // What supplies an account is told by the service points, in more words; what it owes is the receivables' to tell.
            account::Event::ServiceBegun(_)
            | account::Event::ServiceEnded(_)
            | account::Event::MeterFitted(_)
            | account::Event::MeterTakenOff(_)
            | account::Event::ConnectionCleared(_)
            | account::Event::ConnectionWithdrawn(_)
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
            | account::Event::CompensationCredited(_)
            | account::Event::SubsidyCredited(_)
            | account::Event::SubsidyTakenBack(_)
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
            | account::Event::VatReliefClaimed(_)
            | account::Event::RebillBegun(_)
            | account::Event::RebillEnded(_)
            | account::Event::ChequeCleared(_)
            | account::Event::PlanAgreed(_)
            | account::Event::InstalmentMissed(_)
            | account::Event::PlanBroken(_)
            | account::Event::PlanCancelled(_)
            | account::Event::PlanCompleted(_) => self.change(fact, |_| {}),
        }
    }

    fn opened(&mut self, fact: &Recorded<BillingEvent>, event: &AccountOpened) {
        let AccountOpened { account_id, number, holder_name, class, currency, language, opened_on } = event;
        self.accounts.insert(AccountRow {
            account_id: (*account_id).into(),
            number: number.to_string(),
            holder_name: sealed(holder_name),
            class: to_name(class),
            currency: to_name(currency),
            language: to_name(language),
            allocation_policy: to_name(&AllocationPolicy::default()),
            standing: to_name(&Standing::Active),
            identity_kind: None,
            identity_number: None,
            identity_expires_on: None,
            ledger_account: None,
            opened_on: *opened_on,
            closed_on: None,
            recorded_at: fact.metadata.recorded_at,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
        self.class(fact, *class, *opened_on, None);
        self.holder(fact, holder_name, *opened_on, None);
        self.standings.add(StandingRow {
            account_id: (*account_id).into(),
            standing: to_name(&Standing::Active),
            effective_on: *opened_on,
            reason: None,
            position: position(fact),
        });
        self.count(fact, (to_name(class), to_name(&Standing::Active)), 1);
    }

    fn class(&mut self, fact: &Recorded<BillingEvent>, class: CustomerClass, effective_on: NaiveDate, reason: Option<&Reason>) {
        self.classes.add(ClassRow {
            account_id: fact.stream.id(),
            class: to_name(&class),
            effective_on,
            reason: reason.map(Reason::to_string),
            position: position(fact),
        });
    }

    fn holder(&mut self, fact: &Recorded<BillingEvent>, name: &Sealed, effective_on: NaiveDate, reason: Option<&Reason>) {
        self.holders.add(HolderRow {
            account_id: fact.stream.id(),
            holder_name: sealed(name),
            effective_on,
            reason: reason.map(Reason::to_string),
            position: position(fact),
        });
    }

    fn stands(&mut self, fact: &Recorded<BillingEvent>, standing: Standing, effective_on: NaiveDate, reason: Option<&Reason>) {
        self.standings.add(StandingRow {
            account_id: fact.stream.id(),
            standing: to_name(&standing),
            effective_on,
            reason: reason.map(Reason::to_string),
            position: position(fact),
        });
        self.change(fact, |account| account.standing = to_name(&standing));
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut AccountRow)) {
        let Some(account) = self.accounts.get_mut(&fact.stream.id()) else { return };
        let before = (account.class.clone(), account.standing.clone());
        change(account);
        account.revision = to_bigint(fact.revision);
        account.position = position(fact);
        let after = (account.class.clone(), account.standing.clone());
        if before != after {
            self.count(fact, before, -1);
            self.count(fact, after, 1);
        }
    }

    fn count(&mut self, fact: &Recorded<BillingEvent>, (class, standing): (String, String), more: i64) {
        let key = (class, standing);
        match self.headcounts.get_mut(&key) {
            Some(headcount) => (headcount.accounts, headcount.position) = (headcount.accounts + more, position(fact)),
            None => {
                let (class, standing) = key;
                self.headcounts.put(HeadcountRow { class, standing, accounts: more, position: position(fact) });
            }
        }
    }
}

/// Whether an account is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    Active,
    Suspended,
    Closed,
}

/// An account as it is known at `position`.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub number: AccountNumber,
    pub holder_name: Sealed,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    /// Which items are paid first when nobody says.
    pub allocation_policy: AllocationPolicy,
    pub standing: Standing,
    pub opened_on: NaiveDate,
    pub closed_on: Option<NaiveDate>,
    pub recorded_at: DateTime<Utc>,
    pub position: u64,
}

pub async fn by_id(db: impl PgExecutor<'_>, id: AccountId) -> Result<Option<Account>, QueryError> {
    let row = sqlx::query_as!(AccountRow, "SELECT * FROM read_accounts.account WHERE account_id = $1", Uuid::from(id),)
        .fetch_optional(db)
        .await?;
    row.map(Account::try_from).transpose()
}

/// In the order of their ids; those that there are.
pub async fn by_ids(db: impl PgExecutor<'_>, ids: &[AccountId]) -> Result<Vec<Account>, QueryError> {
    let ids = uuids(ids);
    let rows = sqlx::query_as!(AccountRow, "SELECT * FROM read_accounts.account WHERE account_id = ANY($1) ORDER BY account_id", &ids);
    rows.fetch_all(db).await?.into_iter().map(Account::try_from).collect()
}

/// All accounts in the order of their ids, after one that was seen.
pub(crate) async fn after(db: impl PgExecutor<'_>, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, QueryError> {
    let rows = sqlx::query_as!(
        AccountRow,
        "SELECT * FROM read_accounts.account WHERE account_id > $1 ORDER BY account_id LIMIT $2",
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Account::try_from).collect()
}

pub async fn by_number(db: impl PgExecutor<'_>, number: &AccountNumber) -> Result<Option<Account>, QueryError> {
    let row =
        sqlx::query_as!(AccountRow, "SELECT * FROM read_accounts.account WHERE number = $1", number.as_str(),).fetch_optional(db).await?;
    row.map(Account::try_from).transpose()
}

/// Which accounts are meant: those to which all that is named here applies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub class: Option<CustomerClass>,
    pub standing: Option<Standing>,
    pub currency: Option<Currency>,
    /// What the number begins with.
    pub number: Option<String>,
}

/// What accounts can be listed in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Number,
    OpenedOn,
}

impl Account {
    pub fn spot(&self, by: Order) -> Spot {
        let ids = [self.id.into()];
        match by {
            Order::Number => Spot::new(&self.number.to_string(), ids),
            Order::OpenedOn => Spot::new(&self.opened_on, ids),
        }
    }
}

pub async fn list(db: impl PgExecutor<'_>, filter: &Filter, page: &Page<Order>) -> Result<Vec<Account>, QueryError> {
    let (from, to) = beginning_with(filter.number.as_deref());
    macro_rules! by {
        ($by:literal as $key:ty) => {
            page!(
                db,
                page,
                AccountRow,
                "SELECT * FROM read_accounts.account
                 WHERE (class = $4 OR $4 IS NULL) AND (standing = $5 OR $5 IS NULL) AND (currency = $6 OR $6 IS NULL)
                   AND (number >= $7 OR $7 IS NULL) AND (number < $8 OR $8 IS NULL)",
                $by as $key,
                ("account_id" 0) behind "($2, $3)",
                [
                    filter.class.map(|class| to_name(&class)),
                    filter.standing.map(|standing| to_name(&standing)),
                    filter.currency.map(Currency::code),
                    from,
                    to,
                ]
            )
        };
    }
    let rows = match page.by {
        Order::Number => by!("number" as String),
        Order::OpenedOn => by!("opened_on" as NaiveDate),
    };
    rows.into_iter().map(Account::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<u64, QueryError> {
    let (from, to) = beginning_with(filter.number.as_deref());
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_accounts.account
           WHERE (class = $1 OR $1 IS NULL) AND (standing = $2 OR $2 IS NULL) AND (currency = $3 OR $3 IS NULL)
             AND (number >= $4 OR $4 IS NULL) AND (number < $5 OR $5 IS NULL)"#,
        filter.class.map(|class| to_name(&class)),
        filter.standing.map(|standing| to_name(&standing)),
        filter.currency.map(Currency::code),
        from,
        to,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// So many accounts are in this class and stand like this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headcount {
    pub class: CustomerClass,
    pub standing: Standing,
    pub accounts: u64,
}

/// All accounts, counted by what they are at last, also where that applies from a later date only.
pub async fn headcounts(db: impl PgExecutor<'_>) -> Result<Vec<Headcount>, QueryError> {
    let rows = sqlx::query_as!(HeadcountRow, "SELECT * FROM read_accounts.headcount WHERE accounts > 0 ORDER BY class, standing");
    let headcounts = rows.fetch_all(db).await?.into_iter().map(|row| {
        Ok(Headcount {
            class: from_name(row.class).map_err(malformed("class"))?,
            standing: from_name(row.standing).map_err(malformed("standing"))?,
            accounts: from_bigint(row.accounts),
        })
    });
    headcounts.collect()
}

/// The class that applies on a date; none before the account opened.
pub async fn class_on(db: impl PgExecutor<'_>, id: AccountId, as_of: AsOf) -> Result<Option<CustomerClass>, QueryError> {
    let class = sqlx::query_scalar!(
        "SELECT class FROM read_accounts.class WHERE account_id = $1 AND effective_on <= $2 AND position <= $3
         ORDER BY effective_on DESC, position DESC LIMIT 1",
        Uuid::from(id),
        as_of.effective,
        as_of.position(),
    )
    .fetch_optional(db)
    .await?;
    class.map(|class| from_name(class).map_err(malformed("class"))).transpose()
}

/// How supplies to the account are taxed on a date, with the law's reason; the standard rate where nothing was said.
pub async fn vat_status_on(
    db: impl PgExecutor<'_>,
    id: AccountId,
    as_of: AsOf,
) -> Result<Option<(VatCategory, Option<String>)>, QueryError> {
    let found = sqlx::query!(
        "SELECT category, reason FROM read_accounts.vat_status
         WHERE account_id = $1 AND valid_from <= $2 AND (valid_to IS NULL OR $2 < valid_to) AND position <= $3
         ORDER BY position DESC LIMIT 1",
        Uuid::from(id),
        as_of.effective,
        as_of.position(),
    )
    .fetch_optional(db)
    .await?;
    found.map(|found| Ok((from_name(found.category).map_err(malformed("category"))?, found.reason))).transpose()
}

/// A way to reach the holder.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    pub id: ContactId,
    pub kind: ContactKind,
    pub name: Option<Sealed>,
    pub value: Sealed,
}

pub async fn contacts(db: impl PgExecutor<'_>, id: AccountId) -> Result<Vec<Contact>, QueryError> {
    Ok(contacts_of(db, &[id]).await?.into_iter().map(|(_, contact)| contact).collect())
}

/// The contacts of several accounts, each with its account; those of one kind together.
pub async fn contacts_of(db: impl PgExecutor<'_>, ids: &[AccountId]) -> Result<Vec<(AccountId, Contact)>, QueryError> {
    let ids = uuids(ids);
    let rows = sqlx::query_as!(
        ContactRow,
        "SELECT * FROM read_accounts.contact WHERE account_id = ANY($1) ORDER BY account_id, kind, contact_id",
        &ids,
    );
    let contacts = rows.fetch_all(db).await?.into_iter().map(|row| {
        let contact = Contact {
            id: ContactId::new(row.contact_id),
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            name: row.name.map(|name| serde_json::from_slice(&name)).transpose().map_err(malformed("name"))?,
            value: serde_json::from_slice(&row.value).map_err(malformed("value"))?,
        };
        Ok((AccountId::new(row.account_id), contact))
    });
    contacts.collect()
}

#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    pub id: AddressId,
    pub kind: AddressKind,
    pub text: Sealed,
}

pub async fn addresses(db: impl PgExecutor<'_>, id: AccountId) -> Result<Vec<Address>, QueryError> {
    Ok(addresses_of(db, &[id]).await?.into_iter().map(|(_, address)| address).collect())
}

fn malformed(column: &'static str) -> impl FnOnce(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Accounts::NAME, column, source }
}

impl TryFrom<AccountRow> for Account {
    type Error = QueryError;

    fn try_from(row: AccountRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: AccountId::new(row.account_id),
            number: from_name(row.number).map_err(malformed("number"))?,
            holder_name: serde_json::from_slice(&row.holder_name).map_err(malformed("holder_name"))?,
            class: from_name(row.class).map_err(malformed("class"))?,
            currency: from_name(row.currency).map_err(malformed("currency"))?,
            language: from_name(row.language).map_err(malformed("language"))?,
            allocation_policy: from_name(row.allocation_policy).map_err(malformed("allocation_policy"))?,
            standing: from_name(row.standing).map_err(malformed("standing"))?,
            opened_on: row.opened_on,
            closed_on: row.closed_on,
            recorded_at: row.recorded_at,
            position: from_bigint(row.position),
        })
    }
}
