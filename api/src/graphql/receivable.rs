use async_graphql::{Context, ID, Object, Result, SimpleObject};
use daftar_domain::{
    account::{self, ItemId},
    ids::AccountId,
};
use daftar_projections::receivables::{self, Place};

use super::{
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{AgeBand, ChargeKind, InstalmentPlanEnd, InstalmentPlanState, MovementCause},
    money::Money,
    paging::{Connection, Paging, cost, cursor, part},
    scalars::Date,
    when::{AsOfInput, When},
};
use crate::{
    caller::{BOOKS, Role},
    input,
    problem::Problem,
};

/// What an account stands at in one currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct Balance {
    /// What is to be paid.
    owed: Money,
    /// What of that is paid in instalments.
    planned: Money,
    /// What was paid or credited and has paid nothing yet.
    unapplied: Money,
    /// What is kept against debts.
    deposit: Money,
    /// Owed, less what is unapplied: below zero if the customer is ahead.
    due: Money,
}

impl From<receivables::Balance> for Balance {
    fn from(balance: receivables::Balance) -> Self {
        let receivables::Balance { owed, planned, unapplied, deposit } = balance;
        let due = daftar_domain::Money::new(owed.minor - unapplied.minor, owed.currency);
        Self { owed: owed.into(), planned: planned.into(), unapplied: unapplied.into(), deposit: deposit.into(), due: due.into() }
    }
}

/// Something to be paid.
#[derive(Clone, Debug, SimpleObject)]
pub struct OpenItem {
    /// The invoice or note that it is, if it is one of ours.
    document_id: Option<ID>,
    /// What people call it: the number of its document.
    document: String,
    /// What it is for.
    kind: ChargeKind,
    /// What it was.
    amount: Money,
    /// What is left of it.
    open: Money,
    /// What of that is paid in instalments: their dates go before its own.
    planned: Money,
    /// When its document was issued.
    issued_on: Date,
    /// When it is to be paid.
    due_on: Date,
    /// Whether the customer disputes it.
    disputed: bool,
}

impl From<receivables::OpenItem> for OpenItem {
    fn from(item: receivables::OpenItem) -> Self {
        Self {
            document_id: document_id(item.id),
            document: item.document,
            kind: item.kind.into(),
            amount: item.amount.into(),
            open: item.open.into(),
            planned: item.planned.into(),
            issued_on: item.issued_on.into(),
            due_on: item.due_on.into(),
            disputed: item.disputed,
        }
    }
}

/// The invoice or note that an item is; an item of another system has none.
pub fn document_id(item: ItemId) -> Option<ID> {
    match item {
        ItemId::Opening { .. } => None,
        ItemId::Invoice(id) => Some(ID(id.to_string())),
        ItemId::DebitNote(id) => Some(ID(id.to_string())),
    }
}

/// What is owed in one currency, by how long it is due.
#[derive(Clone, Debug, SimpleObject)]
pub struct Aging {
    /// The ISO 4217 code of the currency.
    currency: &'static str,
    /// The bands in which something is owed, the youngest first.
    bands: Vec<AgingBand>,
    /// What is disputed of it.
    disputed: Money,
    /// What is paid in instalments. It is in no band.
    planned: Money,
    /// What was paid or credited and has paid nothing yet. It is in no band.
    unapplied: Money,
}

/// What is owed for so long.
#[derive(Clone, Debug, SimpleObject)]
struct AgingBand {
    /// For how long.
    band: AgeBand,
    /// How much.
    amount: Money,
}

impl From<account::Aged> for Aging {
    fn from(aged: account::Aged) -> Self {
        let bands = aged.bands.into_iter().map(|(band, amount)| AgingBand { band: band.into(), amount: amount.into() });
        Self {
            currency: aged.disputed.currency.code(),
            bands: bands.collect(),
            disputed: aged.disputed.into(),
            planned: aged.planned.into(),
            unapplied: aged.unapplied.into(),
        }
    }
}

/// A debt that is paid in parts.
#[derive(Clone, Debug, SimpleObject)]
pub struct InstalmentPlan {
    /// The plan's id, for ever.
    id: ID,
    /// How it stands.
    state: InstalmentPlanState,
    /// The debt that it covers: what its instalments sum to.
    total: Money,
    /// What of that is paid.
    paid: Money,
    /// The payment by which something was paid down before; null if nothing had to be.
    down_payment_id: Option<ID>,
    /// What was paid down; null if nothing had to be.
    down_payment: Option<Money>,
    /// When it was agreed.
    agreed_on: Date,
    /// When the customer was last warned that an instalment was missed; null if never.
    warned_on: Option<Date>,
    /// When it ended; null while it runs.
    ended_on: Option<Date>,
    /// Why it ended before it was paid; null if it did not.
    ended_because: Option<InstalmentPlanEnd>,
    /// When the next instalment is to be paid; null if none is.
    next_due_on: Option<Date>,
    /// Its parts, the first to be paid first.
    instalments: Vec<Instalment>,
}

/// A part of a debt.
#[derive(Clone, Debug, SimpleObject)]
struct Instalment {
    /// When it is to be paid.
    due_on: Date,
    /// How much it is.
    amount: Money,
    /// How much of it is paid.
    paid: Money,
}

impl From<receivables::Plan> for InstalmentPlan {
    fn from(plan: receivables::Plan) -> Self {
        let instalment =
            |part: receivables::Instalment| Instalment { due_on: part.due_on.into(), amount: part.amount.into(), paid: part.paid.into() };
        Self {
            id: ID(plan.plan_id.to_string()),
            next_due_on: plan.next_due_on().map(Date::from),
            state: plan.state.into(),
            total: plan.total.into(),
            paid: plan.paid.into(),
            down_payment_id: plan.down_payment.map(|(id, _)| ID(id.to_string())),
            down_payment: plan.down_payment.map(|(_, amount)| amount.into()),
            agreed_on: plan.agreed_on.into(),
            warned_on: plan.warned_on.map(Date::from),
            ended_on: plan.ended_on.map(Date::from),
            ended_because: plan.ended_because.map(Into::into),
            instalments: plan.instalments.into_iter().map(instalment).collect(),
        }
    }
}

/// What changed what a customer owes.
#[derive(Clone, Debug)]
pub struct StatementLine(receivables::StatementLine);

at_hand!(StatementLine: effective_on, position, cause, document, amount, balance);

/// What changed what a customer owes. Which credit pays which item changes nothing, and is not among them.
#[Object]
impl StatementLine {
    /// The day it applies to.
    async fn effective_on(&self) -> Date {
        self.0.place.effective_on.into()
    }

    /// Where it stands in the order of all events.
    async fn position(&self) -> String {
        self.0.place.position.to_string()
    }

    /// Why.
    async fn cause(&self) -> MovementCause {
        self.0.cause.into()
    }

    /// The number of its document, or the payment's reference.
    async fn document(&self) -> Option<&str> {
        self.0.document.as_deref()
    }

    /// More owed, or less if below zero.
    async fn amount(&self) -> Money {
        self.0.amount.into()
    }

    /// What was owed afterwards, less credit.
    async fn balance(&self) -> Money {
        self.0.balance.into()
    }
}

/// An account's statement in one currency.
#[derive(Debug, SimpleObject)]
pub struct Statement {
    /// What was owed before the first line of this page, less what credit there was.
    opening: Money,
    /// What happened, the earliest first.
    lines: Connection<StatementLine>,
}

/// What an authority owes for subsidies in one currency.
#[derive(Debug, SimpleObject)]
struct AuthorityDebt {
    /// The authority's code, as tariffs have it.
    authority: String,
    /// What it was to pay of invoices.
    credited: Money,
    /// What of that it is not to pay after all, as credit notes have lowered the invoices.
    taken_back: Money,
    /// What it has paid.
    settled: Money,
    /// What it owes: below zero if it has paid more than it was to.
    owed: Money,
}

impl From<receivables::AuthorityDebt> for AuthorityDebt {
    fn from(debt: receivables::AuthorityDebt) -> Self {
        let receivables::AuthorityDebt { authority, credited, taken_back, settled, owed } = debt;
        Self { authority, credited: credited.into(), taken_back: taken_back.into(), settled: settled.into(), owed: owed.into() }
    }
}

#[derive(Debug, Default)]
pub struct ReceivableQuery;

#[Object]
impl ReceivableQuery {
    /// What happened on an account from a day on, as a statement has it. An account that is unknown, or not yours to see, is NOT_FOUND.
    #[allow(clippy::too_many_arguments, reason = "they are the field's, each described")]
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn statement(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] account_id: ID,
        #[graphql(desc = "The ISO 4217 code of the currency; the account's own without it.")] currency: Option<String>,
        #[graphql(desc = "The first day; a year ago without it.")] from: Option<Date>,
        #[graphql(desc = "Up to which day, and as it was known when; now without it.")] as_of: Option<AsOfInput>,
        #[graphql(desc = "How many lines on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Statement>> {
        let statement = async {
            let (app, paging, when) = (app(context), Paging::new(first, after)?, When::parse(app(context), as_of)?);
            let seen = caller(context).account(AccountId::new(super::id("accountId", &account_id)?))?;
            let account = app.account(seen).await?;
            let currency = currency.as_deref().map_or(Ok(account.currency), input::currency)?;
            let from = from.map_or_else(|| Ok(app.today() - chrono::Days::new(365)), |day| day.day("from"))?;
            let place = paging
                .place("statement")?
                .map(|[day, position]: [String; 2]| Ok::<_, Problem>(Place { effective_on: part(&day)?, position: part(&position)? }));
            let as_of = when.as_of(app).await?;
            let mut db = app.read_models.acquire().await?;
            let of = (account.id, currency);
            let found = receivables::statement(&mut db, of, from, place.transpose()?, as_of, paging.limit()).await?;
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(receivables::statement_lines(&pool, of, from, as_of).await?) }
            };
            let at = |line: &StatementLine| cursor("statement", &[&line.0.place.effective_on, &line.0.place.position]);
            let lines = found.lines.into_iter().map(StatementLine).collect();
            Ok(Statement { opening: found.opening.into(), lines: Connection::new(&paging, lines, at, count) })
        };
        Some(answer(context, statement.await))
    }

    /// What authorities owe for subsidies, in the order of their codes: together 1120. For those who keep the books.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn subsidies_owed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<AuthorityDebt>>> {
        let owed = async {
            caller(context).staff(BOOKS)?;
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let found = receivables::subsidies_owed(&app.read_models, when.as_of(app).await?).await?;
            Ok(found.into_iter().map(AuthorityDebt::from).collect())
        };
        Some(answer(context, owed.await))
    }

    /// What all accounts together owe, by how long it is due; in each currency. For those who keep the books.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn aging(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Aging>>> {
        let aged = async {
            caller(context).staff(&[BOOKS, &[Role::Billing]].concat())?;
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let as_of = when.as_of(app).await?;
            let mut db = app.read_models.acquire().await?;
            Ok(receivables::aged(&mut db, as_of).await?.into_values().map(Aging::from).collect())
        };
        Some(answer(context, aged.await))
    }
}
