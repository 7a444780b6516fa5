//! Bill runs: what each is for, how far it is, and whom it left to people.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use daftar_domain::{
    bill_run::Totals,
    ids::{AccountId, BillRunId, bill_run_id},
};
use daftar_projections::bill_runs::{self, Exception, Run};

use super::{
    answer, app,
    at_hand::at_hand,
    caller,
    enums::ExceptionKind,
    money::Money,
    paging::{Connection, Paging, cost, cursor, part},
    scalars::{Date, DateTime},
    siblings::Together,
    when::{AsOfInput, When},
};
use crate::{
    app::App,
    caller::{BOOKS, Caller, Role},
    problem::Problem,
};

/// A run, among those that were asked for with it.
#[derive(Clone, Debug)]
pub struct BillRun {
    row: Arc<Run>,
    among: Arc<BillRuns>,
}

#[derive(Debug)]
struct BillRuns {
    ids: Vec<BillRunId>,
    totals: Together<When, HashMap<BillRunId, Vec<Totals>>>,
    counts: Together<(), HashMap<BillRunId, Vec<ExceptionCount>>>,
}

impl BillRun {
    fn all(rows: Vec<Run>) -> Vec<Self> {
        let ids = rows.iter().map(|row| row.id).collect();
        let among = Arc::new(BillRuns { ids, totals: Together::default(), counts: Together::default() });
        rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect()
    }

    /// A run that is unknown is not found, and nobody but those who bill or keep the books looks at one.
    pub async fn find(app: &App, caller: &Caller, id: BillRunId) -> Result<Self, Problem> {
        may_look(caller)?;
        let found = bill_runs::by_id(&app.read_models, id).await?;
        Self::all(found.into_iter().collect()).pop().ok_or(Problem::NotFound)
    }
}

fn may_look(caller: &Caller) -> Result<(), Problem> {
    caller.staff(&[BOOKS, &[Role::Billing]].concat())
}

at_hand!(BillRun: id, cycle, cut_off, issued_on, due_on, billed, held, failed, blocks, open_blocks, planned_at, moved_at, finished_at);

/// Accounts that are billed together, and what has come of it.
#[Object]
impl BillRun {
    /// The run's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// What it bills, as people call it: `2026-10`.
    async fn cycle(&self) -> &str {
        self.row.plan.cycle.as_str()
    }

    /// Usage is billed up to and without this day.
    async fn cut_off(&self) -> Date {
        self.row.plan.cut_off.into()
    }

    /// When its invoices are issued.
    async fn issued_on(&self) -> Date {
        self.row.plan.dates.issued_on.into()
    }

    /// When its invoices are to be paid.
    async fn due_on(&self) -> Date {
        self.row.plan.dates.due_on.into()
    }

    /// How many accounts are billed so far.
    async fn billed(&self) -> u64 {
        self.row.tally.billed
    }

    /// How many accounts have a bill that somebody has to look at first.
    async fn held(&self) -> u64 {
        self.row.tally.held
    }

    /// How many accounts could not be billed.
    async fn failed(&self) -> u64 {
        self.row.tally.failed
    }

    /// How many blocks of accounts were rated so far.
    async fn blocks(&self) -> u32 {
        self.row.blocks
    }

    /// How many of them are not issued yet.
    async fn open_blocks(&self) -> u32 {
        self.row.open_blocks
    }

    /// When it was planned.
    async fn planned_at(&self) -> DateTime {
        DateTime(self.row.planned_at)
    }

    /// When it last went on.
    async fn moved_at(&self) -> DateTime {
        DateTime(self.row.moved_at)
    }

    /// When it came to its end; null until it does. One that was interrupted goes on where it was.
    async fn finished_at(&self) -> Option<DateTime> {
        self.row.finished_at.map(DateTime)
    }

    /// What its invoices come to, in each currency.
    async fn totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those issued by then; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<RunTotals>>> {
        let totals = async {
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let fetch = async || Ok(bill_runs::totals_of(&app.read_models, &self.among.ids, when.as_of(app).await?).await?);
            let found = self.among.totals.get(when, fetch).await?;
            Ok(found.get(&self.row.id).into_iter().flatten().map(RunTotals::from).collect())
        };
        Some(answer(context, totals.await))
    }

    /// How many accounts were left to people, by why.
    async fn exception_counts(&self, context: &Context<'_>) -> Option<Result<Vec<ExceptionCount>>> {
        let fetch = async || {
            let found = bill_runs::count_exceptions_of(&app(context).read_models, &self.among.ids).await?;
            let count = |((id, kind, code), accounts): ((BillRunId, bill_runs::Kind, Option<String>), u64)| {
                (id, ExceptionCount { kind: kind.into(), code, accounts })
            };
            Ok(super::siblings::grouped(found.into_iter().map(count)))
        };
        let found = self.among.counts.get((), fetch).await;
        Some(answer(context, found.map(|all| all.get(&self.row.id).cloned().unwrap_or_default())))
    }
}

/// What the invoices of a run come to in one currency.
#[derive(Debug, SimpleObject)]
struct RunTotals {
    /// How many there are.
    invoices: u64,
    /// Before VAT.
    net: Money,
    /// The VAT.
    vat: Money,
    /// All of it.
    total: Money,
    /// The smallest invoice.
    smallest: Money,
    /// The largest invoice.
    largest: Money,
}

impl From<&Totals> for RunTotals {
    fn from(totals: &Totals) -> Self {
        let Totals { invoices, net, vat, rounding: _, total, smallest, largest } = *totals;
        let [net, vat, total, smallest, largest] = [net, vat, total, smallest, largest].map(Money::from);
        Self { invoices, net, vat, total, smallest, largest }
    }
}

/// How many accounts a run left to people for one reason.
#[derive(Clone, Debug, SimpleObject)]
struct ExceptionCount {
    /// Whether they wait, or could not be billed.
    kind: ExceptionKind,
    /// Why not: stable, programs compare it. Null for those that wait.
    code: Option<String>,
    /// How many.
    accounts: u64,
}

#[derive(Clone, Debug)]
struct RunException(Exception);

at_hand!(RunException: account_id, kind, code, why);

/// An account that a run left to people.
#[Object]
impl RunException {
    /// Which.
    async fn account_id(&self) -> ID {
        ID(self.0.account_id.to_string())
    }

    /// Whether it waits, or could not be billed.
    async fn kind(&self) -> ExceptionKind {
        if self.0.failure.is_some() { ExceptionKind::Failed } else { ExceptionKind::Held }
    }

    /// Why it could not be billed: stable, programs compare it.
    async fn code(&self) -> Option<&str> {
        self.0.failure.as_ref().map(|failure| failure.code.as_str())
    }

    /// The same in a sentence.
    async fn why(&self) -> Option<&str> {
        self.0.failure.as_ref().map(|failure| failure.why.as_str())
    }
}

#[derive(Debug, Default)]
pub struct BillRunQuery;

#[Object]
impl BillRunQuery {
    /// A bill run by the name that it was started under; for those who bill or keep the books. A name that is unknown is NOT_FOUND.
    async fn bill_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As people call it: `2026-10`.")] name: String,
    ) -> Option<Result<BillRun>> {
        Some(answer(context, BillRun::find(app(context), caller(context), bill_run_id(name.trim())).await))
    }

    /// All bill runs, the latest planned first; for those who bill or keep the books.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn bill_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<BillRun>>> {
        let page = async {
            may_look(caller(context))?;
            let (app, paging) = (app(context), Paging::new(first, after)?);
            let place = paging.place("billRuns")?;
            let place = place.map(|[at, id]: [String; 2]| Ok::<_, Problem>((part(&at)?, BillRunId::new(part(&id)?))));
            let found = bill_runs::all(&app.read_models, place.transpose()?, paging.limit()).await?;
            let at = |run: &BillRun| cursor("billRuns", &[&run.row.planned_at.to_rfc3339(), &run.row.id]);
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(bill_runs::count(&pool).await?) }
            };
            Ok(Connection::new(&paging, BillRun::all(found), at, count))
        };
        Some(answer(context, page.await))
    }

    /// The accounts that a bill run left to people, in the order of their ids; for those who bill or keep the books.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn bill_run_exceptions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The name that the run was started under.")] name: String,
        #[graphql(desc = "Those that wait, or those that could not be billed; both without it.")] kind: Option<ExceptionKind>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<RunException>>> {
        let page = async {
            let app = app(context);
            let run = BillRun::find(app, caller(context), bill_run_id(name.trim())).await?.row.id;
            let (paging, kind) = (Paging::new(first, after)?, kind.map(bill_runs::Kind::from));
            let place = paging.place("billRunExceptions")?.map(|[id]: [String; 1]| Ok::<_, Problem>(AccountId::new(part(&id)?)));
            let found = bill_runs::exceptions(&app.read_models, run, (kind, None), place.transpose()?, paging.limit()).await?;
            let at = |exception: &RunException| cursor("billRunExceptions", &[&exception.0.account_id]);
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move {
                    let counts = bill_runs::count_exceptions(&pool, run).await?;
                    Ok(counts.into_iter().filter(|((found, _), _)| kind.is_none_or(|kind| kind == *found)).map(|(_, count)| count).sum())
                }
            };
            Ok(Connection::new(&paging, found.into_iter().map(RunException).collect(), at, count))
        };
        Some(answer(context, page.await))
    }
}
