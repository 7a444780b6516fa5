use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use daftar_domain::{
    Code, Money as Amount,
    account::ItemId,
    ids::{AccountId, PaymentId},
};
use daftar_projections::payments;

use super::{
    account::Account,
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{CashCause, PaymentSort, SortDirection, Tender},
    money::Money,
    paging::{Connection, Paging, cost, cursor},
    receivable::document_id,
    scalars::{Date, DateTime},
    siblings::{Together, grouped},
    when::{AsOfInput, When, days, moment},
};
use crate::{
    caller::{Caller, EVERY_DESK, Role, Visible},
    input,
    problem::{Flaw, Problem},
};

/// Money that an account received, among the payments that were asked for with it.
#[derive(Clone, Debug)]
pub struct Payment {
    row: Arc<payments::Received>,
    among: Arc<Payments>,
}

/// Payments of one list, all of which whoever asks may see.
#[derive(Debug)]
struct Payments {
    ids: Vec<(Visible, PaymentId)>,
    accounts: Together<(), HashMap<AccountId, Account>>,
    allocations: Together<When, HashMap<PaymentId, Vec<(ItemId, Amount)>>>,
}

impl Payment {
    /// Refuses, if one of them is not to be seen.
    pub fn all(caller: &Caller, rows: Vec<payments::Received>) -> Result<Vec<Self>, Problem> {
        let ids = rows.iter().map(|row| Ok((caller.account(row.account_id)?, row.id))).collect::<Result<_, Problem>>()?;
        let among = Arc::new(Payments { ids, accounts: Together::default(), allocations: Together::default() });
        Ok(rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect())
    }

    pub fn account_id(&self) -> AccountId {
        self.row.account_id
    }

    pub fn cursor(&self, list: &str) -> String {
        cursor(list, &[&self.row.value_on, &self.row.id])
    }
}

at_hand!(Payment: id, tender, channel, reference, amount, allocated, refunded, received_at, value_on, reversed_on);

/// Money that an account received.
#[Object]
impl Payment {
    /// The payment's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// What was paid with.
    async fn tender(&self) -> Tender {
        self.row.tender.into()
    }

    /// Through what it came: a till, a bank, a gateway.
    async fn channel(&self) -> &str {
        &self.row.channel
    }

    /// What the outside calls it: a receipt, a transfer's reference.
    async fn reference(&self) -> &str {
        &self.row.reference
    }

    /// How much was paid.
    async fn amount(&self) -> Money {
        self.row.amount.into()
    }

    /// How much of it has paid something.
    async fn allocated(&self) -> Money {
        self.row.allocated.into()
    }

    /// How much of it went back to the customer.
    async fn refunded(&self) -> Money {
        self.row.refunded.into()
    }

    /// When it was received.
    async fn received_at(&self) -> DateTime {
        DateTime(self.row.received_at)
    }

    /// The day from which it counts.
    async fn value_on(&self) -> Date {
        self.row.value_on.into()
    }

    /// The day on which it was taken back; null if it was not.
    async fn reversed_on(&self) -> Option<Date> {
        self.row.reversed_on.map(Date::from)
    }

    /// Whose it is.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        let all = self.among.ids.iter().map(|(seen, _)| *seen);
        Some(answer(context, Account::whose(context, &self.among.accounts, all, self.row.account_id).await))
    }

    /// What it paid.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn allocations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Allocation>>> {
        let found = async {
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let fetch = async || {
                let ids: Vec<(AccountId, PaymentId)> = self.among.ids.iter().map(|(seen, id)| (seen.id(), *id)).collect();
                let found = payments::allocations_of(&app.read_models, &ids, when.as_of(app).await?).await?;
                Ok(grouped(found.into_iter().map(|(payment, item, amount)| (payment, (item, amount)))))
            };
            let found = self.among.allocations.get(when, fetch).await?;
            let own = found.get(&self.row.id).into_iter().flatten();
            Ok(own.map(|(item, amount)| Allocation { document_id: document_id(*item), amount: (*amount).into() }).collect())
        };
        Some(answer(context, found.await))
    }
}

/// What a payment paid of something.
#[derive(Debug, SimpleObject)]
struct Allocation {
    /// The invoice or debit note; null for what was brought over from another system.
    document_id: Option<ID>,
    /// How much of it.
    amount: Money,
}

/// Money that came in or went out on a day.
#[derive(Debug, SimpleObject)]
struct DailyCash {
    /// The day.
    on: Date,
    /// In which form.
    tender: Tender,
    /// Why.
    cause: CashCause,
    /// How many times.
    movements: i64,
    /// How much in all: below zero if it went out.
    amount: Money,
}

/// Which payments: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct PaymentFilter {
    /// Paid with this.
    tender: Option<Tender>,
    /// Come through this.
    channel: Option<String>,
    /// In the currency of this ISO 4217 code.
    currency: Option<String>,
    /// Taken back, or not.
    reversed: Option<bool>,
    /// Counting from this day or later.
    value_from: Option<Date>,
    /// Counting from this day or earlier.
    value_to: Option<Date>,
}

impl PaymentFilter {
    fn parse(self) -> Result<payments::Filter, Problem> {
        let channel = |channel: String| Code::new(channel).map_err(|_| Problem::invalid("channel", Flaw::Unknown));
        Ok(payments::Filter {
            account_id: None,
            tender: self.tender.map(Into::into),
            channel: self.channel.map(channel).transpose()?,
            currency: self.currency.as_deref().map(input::currency).transpose()?,
            reversed: self.reversed,
            value: days(("valueFrom", self.value_from), ("valueTo", self.value_to))?,
        })
    }
}

#[derive(Debug, Default)]
pub struct PaymentQuery;

#[Object]
impl PaymentQuery {
    /// Payments of all accounts, for staff.
    #[allow(clippy::too_many_arguments, reason = "they are the field's, each described")]
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<PaymentFilter>,
        #[graphql(desc = "What they are in the order of; VALUE_ON without it.")] order_by: Option<PaymentSort>,
        #[graphql(desc = "Which way; DESCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
        #[graphql(desc = "Those received by then, as they stood then; the filter means that too. As they stand now without it.")]
        as_of: Option<AsOfInput>,
    ) -> Option<Result<Connection<Payment>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let (filter, paging) = (filter.unwrap_or_default().parse()?, Paging::new(first, after)?);
            let by = order_by.unwrap_or(PaymentSort::ValueOn);
            let ordered = paging.ordered("payments", by, direction.unwrap_or(SortDirection::Descending))?;
            let as_of = moment(When::past(app, as_of)?, app).await?;
            let found = payments::list(&app.read_models, &filter, &ordered.page, as_of).await?;
            let at = move |payment: &Payment| ordered.cursor(&payment.row.spot(ordered.page.by));
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(payments::sums(&pool, &filter, as_of).await?.into_iter().map(|sum| sum.payments).sum()) }
            };
            Ok(Connection::new(&paging, Payment::all(caller, found)?, at, count))
        };
        Some(answer(context, page.await))
    }

    /// The payments that the outside calls so, in each account at most one; for staff.
    async fn payments_by_reference(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A receipt, a transfer's reference; in full.")] reference: String,
    ) -> Option<Result<Vec<Payment>>> {
        let found = async {
            let caller = caller(context);
            caller.staff(EVERY_DESK)?;
            let reference = input::line("reference", &reference)?;
            Payment::all(caller, payments::by_reference(&app(context).read_models, &reference).await?)
        };
        Some(answer(context, found.await))
    }

    /// Money that came in and went out on each day, by form and cause; for those who count it.
    #[graphql(complexity = "1 + 30 * child_complexity")]
    async fn daily_cash(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "Up to and with which day, and as it was known when; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<DailyCash>>> {
        let found = async {
            caller(context).staff(&[Role::Cashier, Role::Finance, Role::Auditor])?;
            let (app, from, when) = (app(context), from.day("from")?, When::parse(app(context), as_of)?);
            let found = payments::daily_cash(&app.read_models, from, when.as_of(app).await?).await?;
            let daily = found.into_iter().map(|cash| DailyCash {
                on: cash.effective_on.into(),
                tender: cash.tender.into(),
                cause: cash.cause.into(),
                movements: cash.movements,
                amount: cash.amount.into(),
            });
            Ok(daily.collect())
        };
        Some(answer(context, found.await))
    }
}
