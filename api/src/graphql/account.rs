use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use daftar_domain::{
    Sealed,
    ids::{AccountId, InvoiceId, PaymentId},
};
use daftar_projections::{accounts, agreements, invoices, payments, receivables, search};
use daftar_store::keyring::{By, ClearText, KeyringError};

use super::{
    agreement::Agreement,
    answer, app,
    at_hand::at_hand,
    caller,
    collections::Dunning,
    enums::{AccountSort, AddressKind, AllocationPolicy, ContactKind, CustomerClass, DocumentLanguage, SortDirection, Standing},
    invoice::Invoice,
    paging::{Connection, Paging, cost, cursor, part},
    payment::Payment,
    receivable::{Aging, Balance, InstalmentPlan, OpenItem},
    scalars::{Date, DateTime},
    siblings::{Together, grouped},
    when::{AsOfInput, When, moment},
};
use crate::{
    app::App,
    caller::{Caller, EVERY_DESK, Visible},
    input,
    problem::Problem,
};

#[derive(Debug, Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// An account by its id. An id that is unknown, or not yours to see, is NOT_FOUND.
    async fn account(&self, context: &Context<'_>, #[graphql(desc = "As `openAccount` gave it.")] id: ID) -> Option<Result<Account>> {
        let account = async {
            let caller = caller(context);
            let seen = caller.account(AccountId::new(super::id("id", &id)?))?;
            Account::one(caller, app(context).account(seen).await?)
        };
        Some(answer(context, account.await))
    }

    /// An account by the number on its bills. A number that is unknown, or not yours to see, is NOT_FOUND.
    async fn account_by_number(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In Latin or Arabic digits.")] number: String,
    ) -> Option<Result<Account>> {
        let account = async { Account::one(caller(context), app(context).account_by_number(&input::account_number(&number)?).await?) };
        Some(answer(context, account.await))
    }

    /// The accounts that are yours: those a customer has claimed. Staff have none of their own.
    async fn my_accounts(&self, context: &Context<'_>) -> Option<Result<Vec<Account>>> {
        let accounts = async {
            let caller = caller(context);
            let own = match caller {
                Caller::Nobody => return Err(Problem::Unauthenticated),
                Caller::Staff { .. } => vec![],
                Caller::Customer { accounts, .. } => accounts.iter().copied().collect(),
            };
            Account::all(caller, accounts::by_ids(&app(context).read_models, &own).await?)
        };
        Some(answer(context, accounts.await))
    }

    /// Accounts, for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn accounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<AccountFilter>,
        #[graphql(desc = "What they are in the order of; NUMBER without it.")] order_by: Option<AccountSort>,
        #[graphql(desc = "Which way; ASCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Account>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let (filter, paging) = (filter.unwrap_or_default().parse()?, Paging::new(first, after)?);
            let by = order_by.unwrap_or(AccountSort::Number);
            let ordered = paging.ordered("accounts", by, direction.unwrap_or(SortDirection::Ascending))?;
            let found = accounts::list(&app.read_models, &filter, &ordered.page).await?;
            let at = move |account: &Account| ordered.cursor(&account.row.spot(ordered.page.by));
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(accounts::count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, Account::all(caller, found)?, at, count))
        };
        Some(answer(context, page.await))
    }

    /// Accounts by what people say of themselves, in the order of their ids; for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn search_accounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A name of the holder or of a contact, or a phone number.")] by: AccountSearchInput,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Account>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let ((by, asked), paging) = (by.parse()?, Paging::new(first, after)?);
            let place = paging.place("searchAccounts")?.map(|[id]: [String; 1]| Ok::<_, Problem>(AccountId::new(part(&id)?)));
            let found = search::accounts(&app.read_models, &app.keyring, (by, &asked), place.transpose()?, paging.limit()).await?;
            let app = app.clone();
            let count = move || {
                let (app, asked) = (app.clone(), asked.clone());
                async move { Ok(search::count(&app.read_models, &app.keyring, (by, &asked)).await?) }
            };
            Ok(Connection::new(&paging, Account::all(caller, found)?, |account| cursor("searchAccounts", &[&account.row.id]), count))
        };
        Some(answer(context, page.await))
    }
}

/// What an account is looked for by. Counted are up to a thousand: whoever finds more says more.
#[derive(Debug, OneofObject)]
enum AccountSearchInput {
    /// Words that a name begins with, in any order: at least two letters of each.
    Name(String),
    /// A number, or how it ends: at least four digits, in Latin or Arabic ones, with or without the country's prefix.
    Phone(String),
}

impl AccountSearchInput {
    fn parse(self) -> Result<(By, String), Problem> {
        match self {
            Self::Name(name) => Ok((By::Name, input::line("by.name", &name)?)),
            Self::Phone(phone) => Ok((By::Phone, input::line("by.phone", &phone)?)),
        }
    }
}

/// Which accounts: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct AccountFilter {
    /// The number begins so, in Latin or Arabic digits.
    number: Option<String>,
    /// Of this class.
    class: Option<CustomerClass>,
    /// In this standing.
    standing: Option<Standing>,
    /// Billed in the currency of this ISO 4217 code.
    currency: Option<String>,
}

impl AccountFilter {
    fn parse(self) -> Result<accounts::Filter, Problem> {
        let number = self.number.as_deref().map(input::account_number).transpose()?;
        Ok(accounts::Filter {
            number: number.map(|number| number.to_string()),
            class: self.class.map(Into::into),
            standing: self.standing.map(Into::into),
            currency: self.currency.as_deref().map(input::currency).transpose()?,
        })
    }
}

/// Somebody who is billed, among those that were asked for with them.
#[derive(Clone, Debug)]
pub struct Account {
    row: Arc<accounts::Account>,
    among: Arc<Accounts>,
}

/// Accounts of one list, all of which whoever asks may see.
#[derive(Debug)]
struct Accounts {
    seen: Vec<Visible>,
    sealed_names: Vec<(AccountId, Sealed)>,
    names: Together<(), HashMap<AccountId, Result<Option<ClearText>, KeyringError>>>,
    contacts: Together<(), HashMap<AccountId, Vec<Contact>>>,
    addresses: Together<(), HashMap<AccountId, Vec<Address>>>,
    agreements: Together<When, HashMap<AccountId, Vec<Agreement>>>,
    balances: Together<When, HashMap<AccountId, Vec<Balance>>>,
    open_items: Together<When, HashMap<AccountId, Vec<OpenItem>>>,
    aging: Together<When, HashMap<AccountId, Vec<Aging>>>,
    subsidies: Together<(), HashMap<AccountId, Vec<SubsidyGrant>>>,
    invoices: Together<(Paging, Option<When>), HashMap<AccountId, Vec<Invoice>>>,
    invoice_counts: Together<Option<When>, HashMap<AccountId, u64>>,
    payments: Together<(Paging, Option<When>), HashMap<AccountId, Vec<Payment>>>,
    payment_counts: Together<Option<When>, HashMap<AccountId, u64>>,
    plans: Together<(), HashMap<AccountId, Vec<InstalmentPlan>>>,
    dunning: Together<(), HashMap<AccountId, Vec<Dunning>>>,
}

impl Account {
    pub fn one(caller: &Caller, row: accounts::Account) -> Result<Self, Problem> {
        Self::all(caller, vec![row])?.pop().ok_or(Problem::NotFound)
    }

    /// Refuses, if one of them is not to be seen.
    pub fn all(caller: &Caller, rows: Vec<accounts::Account>) -> Result<Vec<Self>, Problem> {
        let seen = rows.iter().map(|row| caller.account(row.id)).collect::<Result<Vec<_>, _>>()?;
        let sealed_names = rows.iter().map(|row| (row.id, row.holder_name.clone())).collect();
        let among = Arc::new(Accounts {
            seen,
            sealed_names,
            names: Together::default(),
            contacts: Together::default(),
            addresses: Together::default(),
            agreements: Together::default(),
            balances: Together::default(),
            open_items: Together::default(),
            aging: Together::default(),
            subsidies: Together::default(),
            invoices: Together::default(),
            invoice_counts: Together::default(),
            payments: Together::default(),
            payment_counts: Together::default(),
            plans: Together::default(),
            dunning: Together::default(),
        });
        Ok(rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect())
    }

    /// Whose something is, fetched with the owners of `all` that are in one list with it.
    pub async fn whose(
        context: &Context<'_>,
        owners: &Together<(), HashMap<AccountId, Self>>,
        all: impl Iterator<Item = Visible>,
        id: AccountId,
    ) -> Result<Self, Problem> {
        let fetch = async || {
            let mut ids: Vec<AccountId> = all.map(Visible::id).collect();
            ids.sort_unstable();
            ids.dedup();
            let accounts = Self::all(caller(context), accounts::by_ids(&app(context).read_models, &ids).await?)?;
            Ok(accounts.into_iter().map(|account| (account.id(), account)).collect())
        };
        owners.get((), fetch).await?.get(&id).cloned().ok_or(Problem::NotFound)
    }

    pub fn id(&self) -> AccountId {
        self.row.id
    }

    fn of<T: Clone>(&self, all: &HashMap<AccountId, Vec<T>>) -> Vec<T> {
        all.get(&self.row.id).cloned().unwrap_or_default()
    }
}

impl Accounts {
    fn ids(&self) -> Vec<AccountId> {
        self.seen.iter().map(|seen| seen.id()).collect()
    }

    async fn names(&self, app: &App) -> Result<Arc<HashMap<AccountId, Result<Option<ClearText>, KeyringError>>>, Problem> {
        let fetch = async || {
            let sealed: Vec<(AccountId, &Sealed)> = self.sealed_names.iter().map(|(id, name)| (*id, name)).collect();
            let opened = app.keyring.open_all(&sealed).await?;
            Ok(sealed.into_iter().map(|(id, _)| id).zip(opened).collect())
        };
        self.names.get((), fetch).await
    }
}

at_hand!(Account: graphql_id as id, number, holder_name, class, currency, language, allocation_policy, standing, opened_on, closed_on, recorded_at);

/// Somebody who is billed.
#[Object]
impl Account {
    /// The account's id, for ever.
    #[graphql(name = "id")]
    async fn graphql_id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// The number by which people know it.
    async fn number(&self) -> &str {
        self.row.number.as_str()
    }

    /// Who is billed; null once the person has asked to be forgotten.
    async fn holder_name(&self, context: &Context<'_>) -> Option<Result<String>> {
        let name = async {
            let names = self.among.names(app(context)).await?;
            match names.get(&self.row.id) {
                Some(Ok(name)) => Ok(name.as_ref().map(|name| name.reveal().to_owned())),
                Some(Err(error)) => Err(Problem::Internal(error.to_string().into())),
                None => Ok(None),
            }
        };
        answer(context, name.await).transpose()
    }

    /// Decides which tariffs apply.
    async fn class(&self) -> CustomerClass {
        self.row.class.into()
    }

    /// The ISO 4217 code of the currency that the account is billed in.
    async fn currency(&self) -> &'static str {
        self.row.currency.code()
    }

    /// What the customer's documents and messages are written in.
    async fn language(&self) -> DocumentLanguage {
        self.row.language.into()
    }

    /// What the customer's money pays first when nobody says.
    async fn allocation_policy(&self) -> AllocationPolicy {
        self.row.allocation_policy.into()
    }

    /// Whether it can be billed.
    async fn standing(&self) -> Standing {
        self.row.standing.into()
    }

    /// The first day on which the account can be billed.
    async fn opened_on(&self) -> Date {
        self.row.opened_on.into()
    }

    /// When it was closed; null while it is not.
    async fn closed_on(&self) -> Option<Date> {
        self.row.closed_on.map(Date::from)
    }

    /// When the opening was recorded.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.row.recorded_at)
    }

    /// How the holder is reached.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn contacts(&self, context: &Context<'_>) -> Option<Result<Vec<Contact>>> {
        let fetch = async || {
            let app = app(context);
            let found = accounts::contacts_of(&app.read_models, &self.among.ids()).await?;
            let mut sealed: Vec<(AccountId, &Sealed)> = found.iter().map(|(id, contact)| (*id, &contact.value)).collect();
            sealed.extend(found.iter().filter_map(|(id, contact)| Some((*id, contact.name.as_ref()?))));
            let mut values = opened(app, &sealed).await?;
            let mut names = values.split_off(found.len()).into_iter();
            let contacts = found.iter().zip(values).map(|((id, contact), value)| {
                let name = contact.name.as_ref().and_then(|_| names.next().flatten());
                (*id, Contact { id: ID(contact.id.to_string()), kind: contact.kind.into(), name, value })
            });
            Ok(grouped(contacts))
        };
        let found = self.among.contacts.get((), fetch).await;
        Some(answer(context, found.map(|all| self.of(&all))))
    }

    /// Where the holder lives, is supplied, and gets letters.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn addresses(&self, context: &Context<'_>) -> Option<Result<Vec<Address>>> {
        let fetch = async || {
            let app = app(context);
            let found = accounts::addresses_of(&app.read_models, &self.among.ids()).await?;
            let sealed: Vec<(AccountId, &Sealed)> = found.iter().map(|(id, address)| (*id, &address.text)).collect();
            let texts = opened(app, &sealed).await?;
            let addresses = found.iter().zip(texts);
            Ok(grouped(
                addresses.map(|((id, address), text)| (*id, Address { id: ID(address.id.to_string()), kind: address.kind.into(), text })),
            ))
        };
        let found = self.among.addresses.get((), fetch).await;
        Some(answer(context, found.map(|all| self.of(&all))))
    }

    /// The subsidies that it is granted, and was, the latest first: what is for all needs no grant.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn subsidies(&self, context: &Context<'_>) -> Option<Result<Vec<SubsidyGrant>>> {
        let fetch = async || {
            let found = accounts::subsidies_of(&app(context).read_models, &self.among.ids()).await?;
            Ok(grouped(found.into_iter().map(|(id, subsidy)| (id, SubsidyGrant::from(subsidy)))))
        };
        Some(answer(context, self.among.subsidies.get((), fetch).await.map(|all| self.of(&all))))
    }

    /// What the account is supplied with on a day, where, and by which tariff.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn agreements(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those that run on that day, as they were known then.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Agreement>>> {
        let found = async {
            let (app, caller, when) = (app(context), caller(context), When::parse(app(context), as_of)?);
            let fetch = async || {
                let found = agreements::of_accounts(&app.read_models, &self.among.ids(), when.as_of(app).await?).await?;
                Ok(grouped(Agreement::all(caller, found, when)?.into_iter().map(|agreement| (agreement.account_id(), agreement))))
            };
            self.among.agreements.get(when, fetch).await
        };
        Some(answer(context, found.await.map(|all| self.of(&all))))
    }

    /// What the account stands at, in each currency in which anything was ever moved on it.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn balances(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Balance>>> {
        let found = async {
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let fetch = async || {
                let found = receivables::balances_of(&app.read_models, &self.among.ids(), when.as_of(app).await?).await?;
                Ok(grouped(found.into_iter().map(|(id, balance)| (id, Balance::from(balance)))))
            };
            self.among.balances.get(when, fetch).await
        };
        Some(answer(context, found.await.map(|all| self.of(&all))))
    }

    /// What is to be paid, the oldest first.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn open_items(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<OpenItem>>> {
        let found = async {
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let fetch = async || {
                let found = receivables::open_items_of(&app.read_models, &self.among.ids(), when.as_of(app).await?).await?;
                Ok(grouped(found.into_iter().map(|(id, item)| (id, OpenItem::from(item)))))
            };
            self.among.open_items.get(when, fetch).await
        };
        Some(answer(context, found.await.map(|all| self.of(&all))))
    }

    /// What is owed, by how long it is due; in each currency.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn aging(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Aging>>> {
        let found = async {
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let fetch = async || {
                let mut db = app.read_models.acquire().await?;
                let found = receivables::aged_of(&mut db, &self.among.ids(), when.as_of(app).await?).await?;
                Ok(grouped(found.into_iter().map(|((id, _), aged)| (id, Aging::from(aged)))))
            };
            self.among.aging.get(when, fetch).await
        };
        Some(answer(context, found.await.map(|all| self.of(&all))))
    }

    /// The instalment plans, the latest first.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn instalment_plans(&self, context: &Context<'_>) -> Option<Result<Vec<InstalmentPlan>>> {
        let fetch = async || {
            let found = receivables::plans_of(&app(context).read_models, &self.among.ids()).await?;
            Ok(grouped(found.into_iter().map(|(id, plan)| (id, InstalmentPlan::from(plan)))))
        };
        Some(answer(context, self.among.plans.get((), fetch).await.map(|all| self.of(&all))))
    }

    /// What follows its unpaid bills, and what holds that up.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn dunning(&self, context: &Context<'_>) -> Option<Result<Dunning>> {
        let found = self.among.dunning.get((), async || Dunning::of_accounts(app(context), &self.among.ids()).await).await;
        Some(answer(context, found.map(|all| self.of(&all).pop().unwrap_or_default())))
    }

    /// The issued invoices, the latest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn invoices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
        #[graphql(desc = "Those issued by then, as they stood then; as they stand now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Connection<Invoice>>> {
        let page = async {
            let (app, caller, paging) = (app(context), caller(context), Paging::new(first, after)?);
            let when = When::past(app, as_of)?;
            let place = paging.place("account/invoices")?;
            let place = place.map(|[day, id]: [String; 2]| Ok::<_, Problem>((part(&day)?, InvoiceId::new(part(&id)?)))).transpose()?;
            let fetch = async || {
                let found =
                    invoices::of_accounts(&app.read_models, &self.among.ids(), place, paging.limit(), moment(when, app).await?).await?;
                Ok(grouped(Invoice::all(caller, found)?.into_iter().map(|invoice| (invoice.account_id(), invoice))))
            };
            let found = self.among.invoices.get((paging.clone(), when), fetch).await?;
            let (app, among, id) = (app.clone(), self.among.clone(), self.row.id);
            let count = move || {
                let (app, among) = (app.clone(), among.clone());
                async move {
                    let fetch = async || {
                        let as_of = moment(when, &app).await?;
                        Ok(invoices::counts_of_accounts(&app.read_models, &among.ids(), as_of).await?.into_iter().collect())
                    };
                    Ok(among.invoice_counts.get(when, fetch).await?.get(&id).copied().unwrap_or_default())
                }
            };
            Ok(Connection::new(&paging, self.of(&found), |invoice| invoice.cursor("account/invoices"), count))
        };
        Some(answer(context, page.await))
    }

    /// The payments, the latest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
        #[graphql(desc = "Those received by then, as they stood then; as they stand now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Connection<Payment>>> {
        let page = async {
            let (app, caller, paging) = (app(context), caller(context), Paging::new(first, after)?);
            let when = When::past(app, as_of)?;
            let place = paging.place("account/payments")?;
            let place = place.map(|[day, id]: [String; 2]| Ok::<_, Problem>((part(&day)?, PaymentId::new(part(&id)?)))).transpose()?;
            let fetch = async || {
                let found =
                    payments::of_accounts(&app.read_models, &self.among.ids(), place, paging.limit(), moment(when, app).await?).await?;
                Ok(grouped(Payment::all(caller, found)?.into_iter().map(|payment| (payment.account_id(), payment))))
            };
            let found = self.among.payments.get((paging.clone(), when), fetch).await?;
            let (app, among, id) = (app.clone(), self.among.clone(), self.row.id);
            let count = move || {
                let (app, among) = (app.clone(), among.clone());
                async move {
                    let fetch = async || {
                        let as_of = moment(when, &app).await?;
                        Ok(payments::counts_of_accounts(&app.read_models, &among.ids(), as_of).await?.into_iter().collect())
                    };
                    Ok(among.payment_counts.get(when, fetch).await?.get(&id).copied().unwrap_or_default())
                }
            };
            Ok(Connection::new(&paging, self.of(&found), |payment| payment.cursor("account/payments"), count))
        };
        Some(answer(context, page.await))
    }
}

/// A subsidy that an authority has granted to the account for some days.
#[derive(Clone, Debug, SimpleObject)]
struct SubsidyGrant {
    /// What tariffs call it.
    scheme: String,
    /// The first day.
    #[graphql(name = "from")]
    first_day: Date,
    /// The day after the last; null while no end is known.
    #[graphql(name = "to")]
    day_after: Option<Date>,
    /// Where that is written: the authority's own number of its decision.
    proof: String,
    /// When the authority looks at it again; null if that is not known.
    renew_by: Option<Date>,
}

impl From<accounts::Subsidy> for SubsidyGrant {
    fn from(accounts::Subsidy { scheme, from, to, proof, renew_by }: accounts::Subsidy) -> Self {
        Self { scheme, first_day: from.into(), day_after: to.map(Date::from), proof, renew_by: renew_by.map(Date::from) }
    }
}

/// A way to reach the holder.
#[derive(Clone, Debug, SimpleObject)]
struct Contact {
    /// Its id within the account.
    id: ID,
    /// How they are reached.
    kind: ContactKind,
    /// Whom one reaches, if not the holder; null too once the person is forgotten.
    name: Option<String>,
    /// The number or address; null once the person is forgotten.
    value: Option<String>,
}

/// A postal address.
#[derive(Clone, Debug, SimpleObject)]
struct Address {
    /// Its id within the account.
    id: ID,
    /// What it is for.
    kind: AddressKind,
    /// As it is written on a letter; null once the person is forgotten.
    text: Option<String>,
}

/// Sealed values in the open; nothing for those of people who are forgotten.
pub(super) async fn opened(app: &App, sealed: &[(AccountId, &Sealed)]) -> Result<Vec<Option<String>>, Problem> {
    let opened = app.keyring.open_all(sealed).await?;
    opened.into_iter().map(|text| Ok(text?.map(|text| text.reveal().to_owned()))).collect()
}
