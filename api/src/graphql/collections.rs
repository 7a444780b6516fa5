//! What follows unpaid bills: how far it has come with whom, what holds it up, and the orders that came of it.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use daftar_domain::{
    Code,
    ids::{AccountId, DisconnectionId, InstalmentPlanId, MeterId},
};
use daftar_projections::{
    collections::{self, Case, Entry, Filter, Order},
    receivables::{self, BadDebtFilter, PlanFilter},
};

use super::{
    account::Account,
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{DunningAction, DunningEnd, HoldGround, InstalmentPlanState, LiftCause, NoticeChannel, SwitchWay, WorkStage},
    money::Money,
    paging::{Connection, Paging, cost, cursor, part},
    receivable::{InstalmentPlan, document_id},
    scalars::{Date, DateTime},
    siblings::{Together, grouped},
};
use crate::{
    app::App,
    caller::{BOOKS, Caller, EVERY_DESK, Role, Visible},
    input,
    problem::Problem,
};

/// Of each account so many notices are shown: more than a ladder has steps.
const NOTICES: u32 = 20;

/// How far dunning has come with an account, and what holds it up.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct Dunning {
    /// The code of the last step; null if nothing is asked for.
    step: Option<String>,
    /// What that step was.
    action: Option<DunningAction>,
    /// When the oldest bill that it is about was due.
    since: Option<Date>,
    /// When the step was taken.
    taken_on: Option<Date>,
    /// What was owed then.
    owed: Option<Money>,
    /// What holds it up today; null if nothing does.
    held: Option<HoldGround>,
    /// What holds it up or did, the latest first.
    holds: Vec<DunningHold>,
    /// The steps that were taken, the latest first.
    notices: Vec<Notice>,
    /// The orders that came of it, the latest first.
    work_orders: Vec<AccountOrder>,
}

/// Something that holds dunning up, or did.
#[derive(Clone, Debug, SimpleObject)]
pub struct DunningHold {
    /// Its id within the account.
    id: ID,
    /// Why nothing follows.
    ground: HoldGround,
    /// What was promised, if it is a promise.
    promised: Option<Money>,
    /// The first day.
    #[graphql(name = "from")]
    begins: Date,
    /// The last day; null if it holds until it is lifted.
    until: Option<Date>,
    /// The first day that it no longer held; null while it was not lifted.
    lifted_on: Option<Date>,
}

/// A step that was taken: what the customer was told, or what was done.
#[derive(Clone, Debug, SimpleObject)]
pub struct Notice {
    /// The code of the step.
    step: String,
    /// What the step was.
    action: DunningAction,
    /// How the customer was told.
    channel: NoticeChannel,
    /// When.
    taken_on: Date,
    /// When the oldest bill that it is about was due.
    since: Date,
    /// What was owed.
    owed: Money,
}

/// An order as its customer sees it.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountOrder {
    /// The order's id, for ever.
    id: ID,
    /// The meter behind which the supply is.
    meter_id: ID,
    /// How far it has come.
    stage: WorkStage,
    /// When somebody is to be sent to cut; null if that is not planned.
    planned_for: Option<DateTime>,
    /// When the supply was cut; null if it was not.
    cut_at: Option<DateTime>,
    /// When the supply is to be back at the latest; null if nothing says that it is to be.
    due_by: Option<DateTime>,
    /// What restoring it costs, without tax; null if nothing.
    fee: Option<Money>,
    /// What is owed to the customer because it took longer; null if nothing is.
    compensation: Option<Money>,
    /// When the account was credited with it; null while it was not.
    compensated_on: Option<Date>,
    /// When it was back; null while it is not.
    restored_at: Option<DateTime>,
}

impl From<Order> for AccountOrder {
    fn from(order: Order) -> Self {
        Self {
            id: ID(order.id.to_string()),
            meter_id: ID(order.meter_id.to_string()),
            stage: order.stage.into(),
            planned_for: order.planned_for.map(DateTime),
            cut_at: order.cut_at.map(DateTime),
            due_by: order.due_by.map(DateTime),
            fee: order.fee.map(Money::from),
            compensation: order.compensation.map(Money::from),
            compensated_on: order.compensated_on.map(Date::from),
            restored_at: order.restored_at.map(DateTime),
        }
    }
}

impl Dunning {
    /// Of each of these accounts, one statement for each part.
    pub async fn of_accounts(app: &App, accounts: &[AccountId]) -> Result<HashMap<AccountId, Vec<Self>>, Problem> {
        let (db, today) = (&app.read_models, app.today());
        let cases: HashMap<AccountId, Case> =
            collections::cases_of(db, accounts).await?.into_iter().map(|case| (case.account_id, case)).collect();
        let mut holds = grouped(collections::holds_of(db, accounts).await?);
        let mut notices = grouped(collections::notices_of(db, accounts, NOTICES).await?);
        let mut orders = grouped(collections::orders_of(db, accounts).await?);
        let of = |id: &AccountId| {
            let holds = holds.remove(id).unwrap_or_default();
            let covers = |hold: &&collections::Hold| {
                hold.from <= today && hold.until.is_none_or(|until| today <= until) && hold.lifted_on.is_none_or(|on| today < on)
            };
            let held = holds.iter().find(covers).map(|hold| hold.ground.into());
            let case = cases.get(id);
            let dunning = Self {
                step: case.map(|case| case.step.to_string()),
                action: case.map(|case| case.action.into()),
                since: case.map(|case| case.since.into()),
                taken_on: case.map(|case| case.taken_on.into()),
                owed: case.map(|case| case.owed.into()),
                held,
                holds: holds.into_iter().map(Into::into).collect(),
                notices: notices.remove(id).unwrap_or_default().into_iter().map(Notice::from).collect(),
                work_orders: orders.remove(id).unwrap_or_default().into_iter().map(AccountOrder::from).collect(),
            };
            (*id, vec![dunning])
        };
        Ok(accounts.iter().map(of).collect())
    }
}

impl From<collections::Hold> for DunningHold {
    fn from(hold: collections::Hold) -> Self {
        let collections::Hold { id, ground, promised, from, until, reason: _, lifted_on } = hold;
        Self {
            id: ID(id.to_string()),
            ground: ground.into(),
            promised: promised.map(Money::from),
            begins: from.into(),
            until: until.map(Date::from),
            lifted_on: lifted_on.map(Date::from),
        }
    }
}

impl From<collections::Notice> for Notice {
    fn from(notice: collections::Notice) -> Self {
        let collections::Notice { step, action, channel, template: _, taken_on, since, owed } = notice;
        Self {
            step: step.to_string(),
            action: action.into(),
            channel: channel.into(),
            taken_on: taken_on.into(),
            since: since.into(),
            owed: owed.into(),
        }
    }
}

/// An account that is behind with its bills.
#[derive(Debug)]
pub struct ArrearsCase {
    row: Case,
    among: Arc<Owners>,
}

/// Whose cases or orders of one list are.
#[derive(Debug, Default)]
struct Owners {
    seen: Vec<Visible>,
    accounts: Together<(), HashMap<AccountId, Account>>,
}

impl Owners {
    fn of(caller: &Caller, ids: impl Iterator<Item = AccountId>) -> Result<Self, Problem> {
        Ok(Self { seen: ids.map(|id| caller.account(id)).collect::<Result<_, _>>()?, accounts: Together::default() })
    }

    async fn account(&self, context: &Context<'_>, id: AccountId) -> Result<Account, Problem> {
        Account::whose(context, &self.accounts, self.seen.iter().copied(), id).await
    }
}

at_hand!(ArrearsCase: step, action, since, taken_on, owed);

/// An account that is behind with its bills, and how far that has come.
#[Object]
impl ArrearsCase {
    /// Whose bills they are.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        Some(answer(context, self.among.account(context, self.row.account_id).await))
    }

    /// The code of the last step.
    async fn step(&self) -> &str {
        self.row.step.as_str()
    }

    /// What that step was.
    async fn action(&self) -> DunningAction {
        self.row.action.into()
    }

    /// When the oldest bill that it is about was due.
    async fn since(&self) -> Date {
        self.row.since.into()
    }

    /// When the step was taken.
    async fn taken_on(&self) -> Date {
        self.row.taken_on.into()
    }

    /// What was owed then.
    async fn owed(&self) -> Money {
        self.row.owed.into()
    }
}

/// The accounts that have come as far as a step, in one currency.
#[derive(Debug, SimpleObject)]
pub struct ArrearsStep {
    /// The code of the step.
    step: String,
    /// What the step is.
    action: DunningAction,
    /// How many accounts.
    accounts: u64,
    /// What they owed when they came to it.
    owed: Money,
    /// When the oldest of it was due.
    since: Date,
}

/// The cases that ended after a step, in one currency.
#[derive(Debug, SimpleObject)]
pub struct DunningOutcome {
    /// The code of the step.
    step: String,
    /// What the step is.
    action: DunningAction,
    /// Why they ended.
    cause: DunningEnd,
    /// How many.
    accounts: u64,
    /// What they owed when they came to the step.
    owed: Money,
}

/// An order to cut a supply and to restore it.
#[derive(Clone, Debug)]
pub struct WorkOrder {
    row: Arc<Order>,
    among: Arc<WorkOrders>,
}

#[derive(Debug)]
struct WorkOrders {
    ids: Vec<DisconnectionId>,
    owners: Owners,
    timelines: Together<(), HashMap<DisconnectionId, Vec<WorkOrderEntry>>>,
}

impl WorkOrder {
    fn all(caller: &Caller, rows: Vec<Order>) -> Result<Vec<Self>, Problem> {
        let owners = Owners::of(caller, rows.iter().map(|row| row.account_id))?;
        let among = Arc::new(WorkOrders { ids: rows.iter().map(|row| row.id).collect(), owners, timelines: Together::default() });
        Ok(rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect())
    }

    /// For staff: customers see theirs with their account.
    pub async fn find(app: &App, caller: &Caller, id: DisconnectionId) -> Result<Self, Problem> {
        caller.staff(EVERY_DESK)?;
        let found = collections::order(&app.read_models, id).await?;
        Self::all(caller, found.into_iter().collect())?.pop().ok_or(Problem::NotFound)
    }
}

at_hand!(WorkOrder: id, meter_id, way, stage, owed, requested_at, planned_for, attempts, unanswered, cut_at, lift_cause, lifted_at, due_by, fee, compensation, compensated_on, restored_at, note, moved_at);

/// An order to cut a supply for a debt, and to restore it once that is settled.
#[Object]
impl WorkOrder {
    /// The order's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Whose debt it is for.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        Some(answer(context, self.among.owners.account(context, self.row.account_id).await))
    }

    /// The meter behind which the supply is.
    async fn meter_id(&self) -> ID {
        ID(self.row.meter_id.to_string())
    }

    /// How its switch is turned.
    async fn way(&self) -> SwitchWay {
        self.row.way.into()
    }

    /// How far it has come.
    async fn stage(&self) -> WorkStage {
        self.row.stage.into()
    }

    /// What was owed when it was asked for.
    async fn owed(&self) -> Money {
        self.row.owed.into()
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime {
        DateTime(self.row.requested_at)
    }

    /// When somebody is to be sent to cut; null if that is not planned.
    async fn planned_for(&self) -> Option<DateTime> {
        self.row.planned_for.map(DateTime)
    }

    /// How often somebody was sent: to cut, or, once it is to come back, to restore.
    async fn attempts(&self) -> u32 {
        self.row.attempts
    }

    /// Whether whoever was sent last has not said in time what became of it.
    async fn unanswered(&self) -> bool {
        self.row.unanswered
    }

    /// When the supply was cut; null if it was not.
    async fn cut_at(&self) -> Option<DateTime> {
        self.row.cut_at.map(DateTime)
    }

    /// Why it is not to be cut, or to come back; null if it is to be cut.
    async fn lift_cause(&self) -> Option<LiftCause> {
        self.row.lifted.map(|(cause, _)| cause.into())
    }

    /// Since when; null if it is to be cut.
    async fn lifted_at(&self) -> Option<DateTime> {
        self.row.lifted.map(|(_, at)| DateTime(at))
    }

    /// When the supply is to be back at the latest; null if nothing says that it is to be.
    async fn due_by(&self) -> Option<DateTime> {
        self.row.due_by.map(DateTime)
    }

    /// What the customer is billed for restoring it, without tax; null if nothing.
    async fn fee(&self) -> Option<Money> {
        self.row.fee.map(Money::from)
    }

    /// What is owed to the customer because it took longer; null if nothing is.
    async fn compensation(&self) -> Option<Money> {
        self.row.compensation.map(Money::from)
    }

    /// When the account was credited with it; null while it was not.
    async fn compensated_on(&self) -> Option<Date> {
        self.row.compensated_on.map(Date::from)
    }

    /// When it was back; null while it is not.
    async fn restored_at(&self) -> Option<DateTime> {
        self.row.restored_at.map(DateTime)
    }

    /// What was said when it failed the last time, or was withdrawn; null if nobody said anything.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// When anything last happened to it.
    async fn moved_at(&self) -> DateTime {
        DateTime(self.row.moved_at)
    }

    /// What happened to it, in its order.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn timeline(&self, context: &Context<'_>) -> Option<Result<Vec<WorkOrderEntry>>> {
        let fetch = async || {
            let found = collections::timelines_of(&app(context).read_models, &self.among.ids).await?;
            Ok(grouped(found.into_iter().map(|(id, entry)| (id, WorkOrderEntry::from(entry)))))
        };
        let found = self.among.timelines.get((), fetch).await;
        Some(answer(context, found.map(|all| all.get(&self.row.id).cloned().unwrap_or_default())))
    }
}

/// Something that happened to an order.
#[derive(Clone, Debug, SimpleObject)]
struct WorkOrderEntry {
    /// The event, as auditors know it.
    what: String,
    /// How far the order had come after it.
    stage: WorkStage,
    /// Who did it.
    actor: String,
    /// What was said of it; null if nothing was.
    note: Option<String>,
    /// When it happened, as whoever reported it says.
    at: DateTime,
    /// When it was recorded.
    recorded_at: DateTime,
}

impl From<Entry> for WorkOrderEntry {
    fn from(entry: Entry) -> Self {
        let Entry { revision: _, what, stage, actor, note, at, recorded_at } = entry;
        Self { what, stage: stage.into(), actor, note, at: DateTime(at), recorded_at: DateTime(recorded_at) }
    }
}

/// A debt that is paid in parts, as staff see it.
#[derive(Debug)]
pub struct PlannedDebt {
    account_id: AccountId,
    plan: receivables::Plan,
    among: Arc<Owners>,
}

at_hand!(PlannedDebt: reason);

/// A debt that is paid in parts, or was to be.
#[Object]
impl PlannedDebt {
    /// Whose debt it is.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        Some(answer(context, self.among.account(context, self.account_id).await))
    }

    /// The plan that was agreed on.
    async fn plan(&self) -> InstalmentPlan {
        self.plan.clone().into()
    }

    /// What was said when it was cancelled; null if nobody said anything.
    async fn reason(&self) -> Option<&str> {
        self.plan.reason.as_deref()
    }
}

/// Which plans: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct InstalmentPlanFilter {
    /// Of this account.
    account_id: Option<ID>,
    /// That stand so.
    state: Option<InstalmentPlanState>,
    /// Whose next instalment is to be paid on this day or before.
    due_by: Option<Date>,
}

impl InstalmentPlanFilter {
    fn parse(self) -> Result<PlanFilter, Problem> {
        Ok(PlanFilter {
            account_id: self.account_id.map(|id| input::id("filter.accountId", &id, AccountId::new)).transpose()?,
            state: self.state.map(Into::into),
            due_by: self.due_by.map(|day| day.day("filter.dueBy")).transpose()?,
        })
    }
}

/// A debt that was given up.
#[derive(Debug)]
pub struct BadDebt {
    row: receivables::BadDebt,
    among: Arc<Owners>,
}

at_hand!(BadDebt: document_id, document, issued_on, given_up_on, written_off, vat, relieved);

/// A debt that was given up, as far as it was not paid after all.
#[Object]
impl BadDebt {
    /// Whose debt it was.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        Some(answer(context, self.among.account(context, self.row.account_id).await))
    }

    /// The invoice or note that it is, if it is one of ours.
    async fn document_id(&self) -> Option<ID> {
        document_id(self.row.id)
    }

    /// What people call it: the number of its document.
    async fn document(&self) -> &str {
        &self.row.document
    }

    /// When its document was issued.
    async fn issued_on(&self) -> Date {
        self.row.issued_on.into()
    }

    /// When the last of it was given up.
    async fn given_up_on(&self) -> Date {
        self.row.given_up_on.into()
    }

    /// What was given up, with its VAT.
    async fn written_off(&self) -> Money {
        self.row.written_off.into()
    }

    /// The VAT in it.
    async fn vat(&self) -> Money {
        self.row.vat.into()
    }

    /// What of that VAT was claimed back.
    async fn relieved(&self) -> Money {
        self.row.relieved.into()
    }
}

/// Which debts that were given up: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct BadDebtsFilter {
    /// Of this account.
    account_id: Option<ID>,
    /// Whether all of the VAT in them was claimed back.
    relieved: Option<bool>,
}

/// Which orders: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct WorkOrderFilter {
    /// Of this account.
    account_id: Option<ID>,
    /// About this meter.
    meter_id: Option<ID>,
    /// That have come so far.
    stage: Option<WorkStage>,
    /// Whose switches are turned so.
    way: Option<SwitchWay>,
}

impl WorkOrderFilter {
    fn parse(self) -> Result<Filter, Problem> {
        Ok(Filter {
            account_id: self.account_id.map(|id| input::id("filter.accountId", &id, AccountId::new)).transpose()?,
            meter_id: self.meter_id.map(|id| input::id("filter.meterId", &id, MeterId::new)).transpose()?,
            stage: self.stage.map(Into::into),
            way: self.way.map(Into::into),
        })
    }
}

#[derive(Debug, Default)]
pub struct CollectionsQuery;

#[Object]
impl CollectionsQuery {
    /// The accounts that are behind with their bills, in the order of their ids; for staff who collect or keep the books.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn arrears(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The code of a step: those that have come to it and no further. All without it.")] step: Option<String>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<ArrearsCase>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            collectors(caller)?;
            let step: Option<Code> = step.map(|step| input::code("step", &step)).transpose()?;
            let paging = Paging::new(first, after)?;
            let place = paging.place("arrears")?.map(|[id]: [String; 1]| Ok::<_, Problem>(AccountId::new(part(&id)?))).transpose()?;
            let found = collections::arrears(&app.read_models, step.as_ref(), place, paging.limit()).await?;
            let among = Arc::new(Owners::of(caller, found.iter().map(|case| case.account_id))?);
            let cases = found.into_iter().map(|row| ArrearsCase { row, among: among.clone() }).collect();
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, step) = (pool.clone(), step.clone());
                async move { Ok(collections::arrears_count(&pool, step.as_ref()).await?) }
            };
            Ok(Connection::new(&paging, cases, |case: &ArrearsCase| cursor("arrears", &[&case.row.account_id]), count))
        };
        Some(answer(context, page.await))
    }

    /// How many accounts have come how far, and what they owe; for staff who collect or keep the books.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn arrears_by_step(&self, context: &Context<'_>) -> Option<Result<Vec<ArrearsStep>>> {
        let steps = async {
            collectors(caller(context))?;
            let found = collections::arrears_by_step(&app(context).read_models).await?;
            let step = |row: collections::Arrears| ArrearsStep {
                step: row.step.to_string(),
                action: row.action.into(),
                accounts: row.accounts,
                owed: row.owed.into(),
                since: row.since.into(),
            };
            Ok(found.into_iter().map(step).collect())
        };
        Some(answer(context, steps.await))
    }

    /// After which step how many cases ended, and why: what dunning is good for. For staff who collect or keep the books.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn dunning_outcomes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of cases that ended on this day or later.")] from: Date,
        #[graphql(desc = "And before this one.")] to: Date,
    ) -> Option<Result<Vec<DunningOutcome>>> {
        let outcomes = async {
            collectors(caller(context))?;
            let (from, to) = (from.day("from")?, to.day("to")?);
            input::period("to", from, to)?;
            let found = collections::outcomes(&app(context).read_models, from, to).await?;
            let outcome = |row: collections::Outcome| DunningOutcome {
                step: row.step.to_string(),
                action: row.action.into(),
                cause: row.cause.into(),
                accounts: row.accounts,
                owed: row.owed.into(),
            };
            Ok(found.into_iter().map(outcome).collect())
        };
        Some(answer(context, outcomes.await))
    }

    /// An order by its id, for staff.
    async fn work_order(&self, context: &Context<'_>, #[graphql(desc = "The order's id.")] id: ID) -> Option<Result<WorkOrder>> {
        let order = async { WorkOrder::find(app(context), caller(context), DisconnectionId::new(super::id("id", &id)?)).await };
        Some(answer(context, order.await))
    }

    /// Debts that are paid in parts, or were to be, the latest agreed first; for staff who collect or keep the books.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn instalment_plans(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<InstalmentPlanFilter>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<PlannedDebt>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            collectors(caller)?;
            let (filter, paging) = (filter.unwrap_or_default().parse()?, Paging::new(first, after)?);
            let place = paging.place("instalmentPlans")?;
            let place = place.map(|[on, id]: [String; 2]| Ok::<_, Problem>((part(&on)?, InstalmentPlanId::new(part(&id)?)))).transpose()?;
            let found = receivables::plans(&app.read_models, &filter, place, paging.limit()).await?;
            let among = Arc::new(Owners::of(caller, found.iter().map(|(account_id, _)| *account_id))?);
            let plans = found.into_iter().map(|(account_id, plan)| PlannedDebt { account_id, plan, among: among.clone() }).collect();
            let at = |debt: &PlannedDebt| cursor("instalmentPlans", &[&debt.plan.agreed_on, &debt.plan.plan_id]);
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(receivables::plans_count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, plans, at, count))
        };
        Some(answer(context, page.await))
    }

    /// Debts that were given up and not paid since, the latest given up first; for staff who collect or keep the books.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn bad_debts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<BadDebtsFilter>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<BadDebt>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            collectors(caller)?;
            let (BadDebtsFilter { account_id, relieved }, paging) = (filter.unwrap_or_default(), Paging::new(first, after)?);
            let account_id = account_id.map(|id| input::id("filter.accountId", &id, AccountId::new)).transpose()?;
            let filter = BadDebtFilter { account_id, relieved };
            let place = paging.place("badDebts")?;
            let place = place.map(|[on, id]: [String; 2]| Ok::<_, Problem>((part(&on)?, part(&id)?))).transpose()?;
            let found = receivables::bad_debts(&app.read_models, &filter, place, paging.limit()).await?;
            let among = Arc::new(Owners::of(caller, found.iter().map(|debt| debt.account_id))?);
            let debts = found.into_iter().map(|row| BadDebt { row, among: among.clone() }).collect();
            let at = |debt: &BadDebt| cursor("badDebts", &[&debt.row.given_up_on, &debt.row.item_id]);
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(receivables::bad_debts_count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, debts, at, count))
        };
        Some(answer(context, page.await))
    }

    /// Orders to cut and restore, the latest asked for first; for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn work_orders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<WorkOrderFilter>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<WorkOrder>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let (filter, paging) = (filter.unwrap_or_default().parse()?, Paging::new(first, after)?);
            let place = paging.place("workOrders")?;
            let place = place.map(|[at, id]: [String; 2]| Ok::<_, Problem>((part(&at)?, DisconnectionId::new(part(&id)?)))).transpose()?;
            let found = collections::list(&app.read_models, &filter, place, paging.limit()).await?;
            let at = |order: &WorkOrder| cursor("workOrders", &[&order.row.requested_at.to_rfc3339(), &order.row.id]);
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(collections::count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, WorkOrder::all(caller, found)?, at, count))
        };
        Some(answer(context, page.await))
    }
}

/// Staff who collect debts, or keep the books.
fn collectors(caller: &Caller) -> Result<(), Problem> {
    caller.staff(&[BOOKS, &[Role::Billing]].concat())
}
