//! What is done about debts: holding dunning up, instalment plans, and the orders to cut and restore, step by step. Whatever the law has to say is
//! asked of the rules at the moment of asking, which nobody can choose.

use async_graphql::{ComplexObject, Context, ID, InputObject, Result as Answer, SimpleObject};
use daftar_domain::{
    CommandHash, Decider, Digest,
    account::{Account, AgreePlan, CancelPlan},
    disconnection::{ApproveDisconnection, Command, Disconnection, DispatchReconnection, Done, LiftCause, NotDone},
    dunning::{self, Dunning},
    ids::{DisconnectionId, DunningHoldId, InstalmentPlanId, MeterId, PaymentId},
};

use super::{
    By::{self, Staff},
    MoneyInput, Record,
    accounts::AccountPayload,
    mutations,
    receivable::ItemInput,
};
use crate::{
    app::{Wish, Written},
    caller::Role,
    graphql::{
        answer, app, caller,
        collections::WorkOrder,
        enums::HoldGround,
        scalars::{Date, DateTime, Decimal},
    },
    input,
    problem::{Flaw, Problem},
};

const OFFICE: By = Staff(&[Role::Billing, Role::Finance]);
const FIELD: By = Staff(&[Role::Technician, Role::Billing]);

mutations! {
    CollectionsMutation

    /// Holds an account's dunning up: nothing follows, and nobody is cut, as long as that lasts.
    hold_dunning(HoldDunningInput) -> DunningHoldPayload, by OFFICE;
    /// Ends what held an account's dunning up.
    lift_dunning_hold(LiftDunningHoldInput) -> AccountPayload, by OFFICE;
    /// Agrees that a debt is paid in instalments, from today and by the company's terms. While the plan runs, nothing else follows.
    agree_plan(AgreePlanInput) -> InstalmentPlanPayload, by OFFICE;
    /// Ends an instalment plan that is not to be: what is left of the debt is due as it was.
    cancel_plan(CancelPlanInput) -> AccountPayload, by OFFICE;
    /// Asks for a supply to be cut that the ladder has not asked for, or not any more. Nobody is who was not warned.
    request_disconnection(RequestDisconnectionInput) -> WorkOrderPayload, by OFFICE;
    /// Approves an order to cut.
    approve_disconnection(ApproveDisconnectionInput) -> WorkOrderPayload, by OFFICE;
    /// Plans when the supply is cut; what failed is planned anew. The law may forbid that moment, and every reason is told.
    schedule_disconnection(ScheduleDisconnectionInput) -> WorkOrderPayload, by OFFICE;
    /// Sends somebody out to cut, now. The law is asked again. Smart meters are told by themselves when their time has come.
    dispatch_disconnection(DispatchDisconnectionInput) -> WorkOrderPayload, by FIELD;
    /// Reports that the supply is off.
    report_disconnected(ReportDoneInput) -> WorkOrderPayload, by FIELD;
    /// Reports that the supply was not cut.
    report_not_disconnected(ReportNotDoneInput) -> WorkOrderPayload, by FIELD;
    /// Takes an order back that should not have been: whoever is out is called back, and what is cut is restored free of charge.
    withdraw_disconnection(WithdrawDisconnectionInput) -> WorkOrderPayload, by OFFICE;
    /// Sends somebody out to restore the supply, now.
    dispatch_reconnection(DispatchReconnectionInput) -> WorkOrderPayload, by FIELD;
    /// Reports that the supply is back.
    report_reconnected(ReportDoneInput) -> WorkOrderPayload, by FIELD;
    /// Reports that the supply could not be restored.
    report_not_reconnected(ReportNotDoneInput) -> WorkOrderPayload, by FIELD;
}

/// What holds dunning up.
#[derive(Debug, InputObject)]
struct HoldDunningInput {
    /// Of which account.
    account_id: ID,
    /// Why nothing follows.
    ground: HoldGround,
    /// What was promised; a promise says it.
    promised: Option<MoneyInput>,
    /// The first day.
    from: Date,
    /// The last day; without one until it is lifted. A promise has one.
    until: Option<Date>,
    /// Why, in a phrase without personal data. What proves that somebody is protected is kept elsewhere.
    reason: String,
}

/// What holds it up no longer.
#[derive(Debug, InputObject)]
struct LiftDunningHoldInput {
    /// Of which account.
    account_id: ID,
    /// Which hold.
    hold_id: ID,
    /// The first day that is no longer held.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A debt that is to be paid in instalments.
#[derive(Debug, InputObject)]
struct AgreePlanInput {
    /// Of which account.
    account_id: ID,
    /// What it covers; without it, all that is due today.
    items: Option<Vec<ItemInput>>,
    /// The payment that was made towards the debt before, if the terms ask for one.
    down_payment_id: Option<ID>,
    /// In how many parts.
    instalments: i32,
    /// When the first is due. From there a month lies between one and the next.
    first_on: Date,
}

/// A plan that is not to be.
#[derive(Debug, InputObject)]
struct CancelPlanInput {
    /// Of which account.
    account_id: ID,
    /// Which plan.
    plan_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A supply to cut.
#[derive(Debug, InputObject)]
struct RequestDisconnectionInput {
    /// Whose debt it is for.
    account_id: ID,
    /// The meter behind which the supply is.
    meter_id: ID,
}

/// An order that is in order.
#[derive(Debug, InputObject)]
struct ApproveDisconnectionInput {
    /// Which order.
    work_order_id: ID,
}

/// When to cut.
#[derive(Debug, InputObject)]
struct ScheduleDisconnectionInput {
    /// Which order.
    work_order_id: ID,
    /// When somebody is to be sent.
    planned_for: DateTime,
}

/// An order whose time has come.
#[derive(Debug, InputObject)]
struct DispatchDisconnectionInput {
    /// Which order.
    work_order_id: ID,
}

/// A supply to restore.
#[derive(Debug, InputObject)]
struct DispatchReconnectionInput {
    /// Which order.
    work_order_id: ID,
}

/// What was done.
#[derive(Debug, InputObject)]
struct ReportDoneInput {
    /// Which order.
    work_order_id: ID,
    /// When the switch was turned.
    at: DateTime,
    /// What the meter showed.
    reading: Option<Decimal>,
    /// The number of the seal that was put on.
    seal: Option<String>,
    /// The SHA-256 of a photo in hexadecimal, which is kept elsewhere.
    photo: Option<String>,
}

/// What was not done.
#[derive(Debug, InputObject)]
struct ReportNotDoneInput {
    /// Which order.
    work_order_id: ID,
    /// When that was certain.
    at: DateTime,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// An order that should not have been.
#[derive(Debug, InputObject)]
struct WithdrawDisconnectionInput {
    /// Which order.
    work_order_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The hold as it was asked for.
#[derive(Debug, SimpleObject)]
struct DunningHoldPayload {
    /// The hold's id, for ever.
    hold_id: ID,
    #[graphql(flatten)]
    account: AccountPayload,
}

/// The plan as it was asked for.
#[derive(Debug, SimpleObject)]
struct InstalmentPlanPayload {
    /// The plan's id, for ever.
    plan_id: ID,
    #[graphql(flatten)]
    account: AccountPayload,
}

/// The order as it was asked for.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
struct WorkOrderPayload {
    /// The order's id, for ever.
    work_order_id: ID,
    #[graphql(skip)]
    shown: Option<DisconnectionId>,
    #[graphql(flatten)]
    record: Record,
}

#[ComplexObject]
impl WorkOrderPayload {
    /// The order as queries see it; null if they do not see what was done yet.
    async fn work_order(&self, context: &Context<'_>) -> Option<Answer<WorkOrder>> {
        let id = self.shown?;
        Some(answer(context, WorkOrder::find(app(context), caller(context), id).await))
    }
}

impl WorkOrderPayload {
    fn new(id: DisconnectionId, written: Written) -> Self {
        Self { work_order_id: id.to_string().into(), shown: written.readable.then_some(id), record: written.into() }
    }
}

async fn hold_dunning(wish: &Wish<'_>, input: HoldDunningInput) -> Result<DunningHoldPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let hold_id = wish.created_in(account.id(), "hold", DunningHoldId::new);
    let hold = dunning::HoldDunning {
        account_id: account.id(),
        hold_id,
        ground: input.ground.into(),
        promised: input.promised.map(|promised| promised.parse().map_err(|problem| problem.within("promised"))).transpose()?,
        from: input.from.day("from")?,
        until: input.until.map(|until| until.day("until")).transpose()?,
        reason: input::reason("reason", &input.reason)?,
    };
    let written = wish.ask::<Dunning>(account.id(), dunning::Command::HoldDunning(hold)).await?;
    Ok(DunningHoldPayload { hold_id: hold_id.to_string().into(), account: AccountPayload::new(account, written) })
}

async fn lift_dunning_hold(wish: &Wish<'_>, input: LiftDunningHoldInput) -> Result<AccountPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let lift = dunning::LiftDunningHold {
        hold_id: input::id("holdId", &input.hold_id, DunningHoldId::new)?,
        on: input.on.day("on")?,
        reason: input::reason("reason", &input.reason)?,
    };
    let written = wish.ask::<Dunning>(account.id(), dunning::Command::LiftDunningHold(lift)).await?;
    Ok(AccountPayload::new(account, written))
}

async fn agree_plan(wish: &Wish<'_>, input: AgreePlanInput) -> Result<InstalmentPlanPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let plan_id = wish.created_in(account.id(), "instalmentPlan", InstalmentPlanId::new);
    let items = input::each("items", input.items.unwrap_or_default(), ItemInput::parse)?;
    let down_payment = input.down_payment_id.map(|id| input::id("downPaymentId", &id, PaymentId::new)).transpose()?;
    let instalments = input::count("instalments", input.instalments, 1, i32::MAX.unsigned_abs())?;
    let first_on = input.first_on.day("firstOn")?;
    let said = CommandHash::of(&("agree", &items, down_payment, instalments, first_on));
    let (rule, on) = (wish.app.plan_rule()?, wish.moment().date_naive());
    let agree = AgreePlan { plan_id, items, down_payment, instalments, first_on, rule, on };
    let written = wish.ask_as::<Account>(account.id(), agree.into(), said).await?;
    Ok(InstalmentPlanPayload { plan_id: plan_id.to_string().into(), account: AccountPayload::new(account, written) })
}

async fn cancel_plan(wish: &Wish<'_>, input: CancelPlanInput) -> Result<AccountPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let plan_id = input::id("planId", &input.plan_id, InstalmentPlanId::new)?;
    let reason = input::reason("reason", &input.reason)?;
    let said = CommandHash::of(&("cancel", plan_id, &reason));
    let cancel = CancelPlan { plan_id, on: wish.moment().date_naive(), reason };
    let written = wish.ask_as::<Account>(account.id(), cancel.into(), said).await?;
    Ok(AccountPayload::new(account, written))
}

async fn request_disconnection(wish: &Wish<'_>, input: RequestDisconnectionInput) -> Result<WorkOrderPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let meter_id = input::id("meterId", &input.meter_id, MeterId::new)?;
    let id = wish.created(Disconnection::CATEGORY, DisconnectionId::new);
    let said = CommandHash::of(&("request", account.id(), meter_id));
    let command = wish.app.collections()?.request(id, account.id(), meter_id, wish.moment()).await?;
    Ok(WorkOrderPayload::new(id, wish.ask_as::<Disconnection>(id, command, said).await?))
}

async fn approve_disconnection(wish: &Wish<'_>, input: ApproveDisconnectionInput) -> Result<WorkOrderPayload, Problem> {
    let id = order(&input.work_order_id)?;
    let approve = Command::ApproveDisconnection(ApproveDisconnection { at: wish.moment() });
    ask(wish, id, approve, &"approve").await
}

async fn schedule_disconnection(wish: &Wish<'_>, input: ScheduleDisconnectionInput) -> Result<WorkOrderPayload, Problem> {
    let id = order(&input.work_order_id)?;
    let planned_for = wish.moment_of(input.planned_for.0);
    let schedule = wish.app.collections()?.schedule(id, wish.moment(), planned_for).await?;
    ask(wish, id, schedule, &("schedule", planned_for)).await
}

async fn dispatch_disconnection(wish: &Wish<'_>, input: DispatchDisconnectionInput) -> Result<WorkOrderPayload, Problem> {
    let id = order(&input.work_order_id)?;
    let dispatch = wish.app.collections()?.dispatch(id, wish.moment()).await?;
    ask(wish, id, dispatch, &"dispatch").await
}

async fn report_disconnected(wish: &Wish<'_>, input: ReportDoneInput) -> Result<WorkOrderPayload, Problem> {
    let (id, done) = done(wish, input)?;
    ask(wish, id, Command::ReportDisconnected(done.clone()), &("disconnected", done)).await
}

async fn report_not_disconnected(wish: &Wish<'_>, input: ReportNotDoneInput) -> Result<WorkOrderPayload, Problem> {
    let (id, not_done) = not_done(wish, &input)?;
    ask(wish, id, Command::ReportNotDisconnected(not_done.clone()), &("not disconnected", not_done)).await
}

async fn withdraw_disconnection(wish: &Wish<'_>, input: WithdrawDisconnectionInput) -> Result<WorkOrderPayload, Problem> {
    let id = order(&input.work_order_id)?;
    let cause = LiftCause::Withdrawn { reason: input::reason("reason", &input.reason)? };
    let lift = wish.app.collections()?.lift(id, wish.moment(), cause.clone()).await?;
    ask(wish, id, lift, &("withdraw", cause)).await
}

async fn dispatch_reconnection(wish: &Wish<'_>, input: DispatchReconnectionInput) -> Result<WorkOrderPayload, Problem> {
    let id = order(&input.work_order_id)?;
    let dispatch = Command::DispatchReconnection(DispatchReconnection { at: wish.moment() });
    ask(wish, id, dispatch, &"dispatch reconnection").await
}

async fn report_reconnected(wish: &Wish<'_>, input: ReportDoneInput) -> Result<WorkOrderPayload, Problem> {
    let (id, done) = done(wish, input)?;
    ask(wish, id, Command::ReportReconnected(done.clone()), &("reconnected", done)).await
}

async fn report_not_reconnected(wish: &Wish<'_>, input: ReportNotDoneInput) -> Result<WorkOrderPayload, Problem> {
    let (id, not_done) = not_done(wish, &input)?;
    ask(wish, id, Command::ReportNotReconnected(not_done.clone()), &("not reconnected", not_done)).await
}

fn order(id: &str) -> Result<DisconnectionId, Problem> {
    input::id("workOrderId", id, DisconnectionId::new)
}

/// Nobody reports what has not happened yet.
fn moment(wish: &Wish<'_>, at: DateTime) -> Result<daftar_domain::disconnection::Moment, Problem> {
    if at.0 > wish.context.now { Err(Problem::invalid("at", Flaw::InTheFuture)) } else { Ok(wish.moment_of(at.0)) }
}

fn done(wish: &Wish<'_>, input: ReportDoneInput) -> Result<(DisconnectionId, Done), Problem> {
    let photo = |text: String| serde_json::from_value::<Digest>(text.trim().into()).map_err(|_| Problem::invalid("photo", Flaw::NotACode));
    let done = Done {
        at: moment(wish, input.at)?,
        reading: input.reading.map(|reading| reading.number("reading")).transpose()?,
        seal: input.seal.map(|seal| input::code("seal", &seal)).transpose()?,
        photo: input.photo.map(photo).transpose()?,
    };
    Ok((order(&input.work_order_id)?, done))
}

fn not_done(wish: &Wish<'_>, input: &ReportNotDoneInput) -> Result<(DisconnectionId, NotDone), Problem> {
    let not_done = NotDone { at: moment(wish, input.at)?, reason: input::reason("reason", &input.reason)? };
    Ok((order(&input.work_order_id)?, not_done))
}

async fn ask(wish: &Wish<'_>, id: DisconnectionId, command: Command, said: &impl serde::Serialize) -> Result<WorkOrderPayload, Problem> {
    let written = wish.ask_order(id, command, CommandHash::of(said)).await?;
    Ok(WorkOrderPayload::new(id, written))
}
