//! What is done for the whole company at once: billing a cycle, settling with gateways, closing the books.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_billing::{bill_run::Cycle, period_close};
use daftar_domain::{
    bill_run::Filter,
    ids::{accounting_periods_id, bill_run_id},
    ledger::{self, AccountingPeriods, SetAllowance},
    settlement::{Command, RecordSettlement, RecordSubsidySettlement, Settlement},
};

use super::{By::Staff, MoneyInput, Record, mutations};
use crate::{
    app::Wish,
    caller::Role,
    graphql::{enums::CustomerClass, money::Money, scalars::Date},
    input,
    problem::Problem,
};

mutations! {
    BooksMutation

    /// Bills a cycle: plans the run and lets it go on by itself. Started again under the same name, a run that was interrupted goes on by its plan, and one that is finished stays as it is.
    start_bill_run(StartBillRunInput) -> BillRunPayload, by Staff(&[Role::Billing]);
    /// Records what a gateway has paid out of what it took for us, as its report says. Once for each report.
    record_settlement(RecordSettlementInput) -> SettlementPayload, by Staff(&[Role::Finance]);
    /// Records what an authority has paid of the subsidies that it owes. Once for each of its references.
    record_subsidy_settlement(RecordSubsidySettlementInput) -> SubsidySettlementPayload, by Staff(&[Role::Finance]);
    /// Closes the books of a month, and opens the one after it. Closed before, it stays as it was closed.
    close_period(ClosePeriodInput) -> PeriodPayload, by Staff(&[Role::Finance]);
    /// Sets the allowance for doubtful debts: what of all that is owed in a currency is not expected. Nothing releases it.
    set_allowance(SetAllowanceInput) -> AllowancePayload, by Staff(&[Role::Finance]);
}

/// What is to be billed.
#[derive(Debug, InputObject)]
struct StartBillRunInput {
    /// What the run is called; as its cycle, if absent. Several of one cycle need names of their own.
    name: Option<String>,
    /// As people call it: a month, such as `2026-10`, or another word if the cut-off is given.
    cycle: String,
    /// Usage is billed up to and without this day; the first of the next month, if absent.
    cut_off: Option<Date>,
    /// The date on the invoices; the cut-off, if absent.
    issued_on: Option<Date>,
    /// Only those who are read in the cycle of this code.
    read_cycle: Option<String>,
    /// Only customers of this class.
    class: Option<CustomerClass>,
    /// Only premises in this area.
    area: Option<String>,
    /// Only what failed in the run of this name, once it was put right.
    failed_in: Option<String>,
}

/// A settlement, as its report says.
#[derive(Debug, InputObject)]
struct RecordSettlementInput {
    /// The gateway's code.
    gateway: String,
    /// What the gateway calls the settlement.
    reference: String,
    /// Payments less refunds.
    gross: MoneyInput,
    /// What the gateway keeps.
    commission: MoneyInput,
    /// On the commission.
    vat: MoneyInput,
    /// What reached the bank.
    net: MoneyInput,
    /// The day.
    settled_on: Date,
}

/// What an authority has paid.
#[derive(Debug, InputObject)]
struct RecordSubsidySettlementInput {
    /// The authority's code, as tariffs have it.
    authority: String,
    /// What the authority calls it.
    reference: String,
    /// What reached the bank.
    amount: MoneyInput,
    /// The day.
    settled_on: Date,
}

/// A month that is over.
#[derive(Debug, InputObject)]
struct ClosePeriodInput {
    /// Which month, such as `2026-10`.
    month: String,
}

/// What is owed and not expected.
#[derive(Debug, InputObject)]
struct SetAllowanceInput {
    /// What the allowance comes to from that day on, in this currency. The books move by the difference.
    allowance: MoneyInput,
    /// For which day: in a month that is open, and not before a day for which it was set.
    on: Date,
    /// How it was judged, in a phrase without personal data.
    reason: String,
}

/// The run as it was begun.
#[derive(Debug, SimpleObject)]
struct BillRunPayload {
    /// The run's id: it follows from its name.
    bill_run_id: ID,
    /// What it is called.
    name: String,
    /// Up to and without which day usage is billed.
    cut_off: Date,
    #[graphql(flatten)]
    record: Record,
}

/// The settlement as it was recorded.
#[derive(Debug, SimpleObject)]
struct SettlementPayload {
    /// The gateway's code.
    gateway: String,
    /// What the gateway calls it.
    reference: String,
    #[graphql(flatten)]
    record: Record,
}

/// What an authority has paid, as it was recorded.
#[derive(Debug, SimpleObject)]
struct SubsidySettlementPayload {
    /// The authority's code.
    authority: String,
    /// What the authority calls it.
    reference: String,
    #[graphql(flatten)]
    record: Record,
}

/// The period as it was closed.
#[derive(Debug, SimpleObject)]
struct PeriodPayload {
    /// Its first day.
    from: Date,
    /// The day after its last.
    to: Date,
    /// What its trial balance digests to, for whoever reckons it again.
    trial_balance: String,
    #[graphql(flatten)]
    record: Record,
}

/// The allowance as it was set.
#[derive(Debug, SimpleObject)]
struct AllowancePayload {
    /// What it comes to.
    allowance: Money,
    #[graphql(flatten)]
    record: Record,
}

async fn start_bill_run(wish: &Wish<'_>, input: StartBillRunInput) -> Result<BillRunPayload, Problem> {
    let runs = wish.app.bill_runs();
    let cycle = input::code("cycle", &input.cycle)?;
    let name = input.name.map_or_else(|| Ok(cycle.to_string()), |name| input::code("name", &name).map(|name| name.to_string()))?;
    let read_cycle_id = match input.read_cycle {
        Some(code) => Some(runs.read_cycle(&input::code("readCycle", &code)?).await?),
        None => None,
    };
    let filter = Filter {
        read_cycle_id,
        class: input.class.map(Into::into),
        area: input.area.map(|area| input::code("area", &area)).transpose()?,
        failed_in: input.failed_in.map(|name| input::code("failedIn", &name)).transpose()?.map(|name| bill_run_id(name.as_str())),
    };
    let cycle = Cycle {
        cycle,
        cut_off: input.cut_off.map(|day| day.day("cutOff")).transpose()?,
        issued_on: input.issued_on.map(|day| day.day("issuedOn")).transpose()?,
        filter,
    };
    let plan = runs.plan_for(cycle, wish.app.terms()?).await?;
    let cut_off = plan.cut_off.into();
    let (id, written) = wish.start_bill_run(name.clone(), plan).await?;
    Ok(BillRunPayload { bill_run_id: id.to_string().into(), name, cut_off, record: written.into() })
}

async fn record_settlement(wish: &Wish<'_>, input: RecordSettlementInput) -> Result<SettlementPayload, Problem> {
    let money = |field: &'static str, money: MoneyInput| money.parse().map_err(|problem| problem.within(field));
    let record = RecordSettlement {
        gateway: input::code("gateway", &input.gateway)?,
        reference: input::code("reference", &input.reference)?,
        gross: money("gross", input.gross)?,
        commission: money("commission", input.commission)?,
        vat: money("vat", input.vat)?,
        net: money("net", input.net)?,
        settled_on: input.settled_on.day("settledOn")?,
    };
    let (gateway, reference) = (record.gateway.to_string(), record.reference.to_string());
    let id = Settlement::stream(&record.gateway, &record.reference).id();
    let written = wish.ask::<Settlement>(id, Command::RecordSettlement(record)).await?;
    Ok(SettlementPayload { gateway, reference, record: written.into() })
}

async fn record_subsidy_settlement(wish: &Wish<'_>, input: RecordSubsidySettlementInput) -> Result<SubsidySettlementPayload, Problem> {
    let record = RecordSubsidySettlement {
        authority: input::code("authority", &input.authority)?,
        reference: input::code("reference", &input.reference)?,
        amount: input.amount.parse().map_err(|problem| problem.within("amount"))?,
        settled_on: input.settled_on.day("settledOn")?,
    };
    let (authority, reference) = (record.authority.to_string(), record.reference.to_string());
    let id = Settlement::subsidy_stream(&record.authority, &record.reference).id();
    let written = wish.ask::<Settlement>(id, Command::RecordSubsidySettlement(record)).await?;
    Ok(SubsidySettlementPayload { authority, reference, record: written.into() })
}

async fn close_period(wish: &Wish<'_>, input: ClosePeriodInput) -> Result<PeriodPayload, Problem> {
    let month = period_close::month(&input::code("month", &input.month)?)?;
    let (books, written) = wish.close_period(month).await?;
    let (from, to) = (books.period.from().into(), books.period.to().into());
    Ok(PeriodPayload { from, to, trial_balance: books.trial_balance.digest().to_string(), record: written.into() })
}

async fn set_allowance(wish: &Wish<'_>, input: SetAllowanceInput) -> Result<AllowancePayload, Problem> {
    let set = SetAllowance {
        allowance: input.allowance.parse().map_err(|problem| problem.within("allowance"))?,
        on: input.on.day("on")?,
        set_by: wish.actor(),
        reason: input::reason("reason", &input.reason)?,
    };
    let allowance = set.allowance.into();
    let written = wish.ask::<AccountingPeriods>(accounting_periods_id(), ledger::periods::Command::SetAllowance(set)).await?;
    Ok(AllowancePayload { allowance, record: written.into() })
}
