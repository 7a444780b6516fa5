//! Carrying out a bill run: what would come of it, and doing it (decision 9).
//!
//! Accounts come from the read model `billable` a thousand at a time, and are rated on all cores from what was recorded up to one position.
//! A block is frozen, numbered, issued and charged; while that is being written the next one is rated, and the one after it read. Whatever a process
//! that was killed had done is found done: the run's own stream says where it was, and every wish has an id that follows from run and account.

mod account;
mod issuing;
mod report;

use std::{
    collections::{BTreeSet, VecDeque},
    num::NonZeroUsize,
    sync::Arc,
    thread::available_parallelism,
};

use chrono::NaiveDate;
use daftar_domain::{
    Actor, Code, Decider, Position, Reason, StreamName,
    bill_run::{self, AbandonRun, BillRun, BillRunPlanned, Filter, FinishRun, FreezeBlock, Listed, Outcome, Plan, PlanRun, Tally},
    ids::{AccountId, BillRunId, ReadCycleId, bill_run_id, run_invoice_id},
    read_cycle::{self, ReadCycle},
    reservation::{self, Release, Reservation, Reserve, Unique},
};
use daftar_projections::{
    Model, QueryError,
    billable::{self, Billable, Page},
};
use daftar_store::{CommandContext, Engine, ExecuteError, Scope};
use futures::TryStreamExt;
use sqlx::PgPool;
use thiserror::Error;
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    rating,
    rows::{Rows, Unread},
    terms::Terms,
};
use account::{Rated, bill};
use issuing::{Ready, context, interrupted, issue_block};
pub use report::{Before, Exceptions, Outlier, Report};

const ACTOR: &str = "bill run";

/// Accounts in a block.
const BLOCK: i64 = 1_000;

/// Blocks that are being issued at one time: when the last invoices of one wait for the disk, there are those of another to go with them.
const AT_ONCE: usize = 3;

/// Why a run stopped. Run again, it goes on where it was.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("there is no such bill run")]
    NotPlanned,
    #[error(transparent)]
    Refused(#[from] bill_run::Rejection),
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error("`{0}` is not a month: the day up to which usage is billed must be said")]
    NotAMonth(Code),
    #[error("a bill run of {cycle} is under way: run it to its end first or abandon it, or days would be billed by both")]
    UnderWay { cycle: Code },
    #[error("there is no read cycle `{0}`")]
    NoReadCycle(Code),
    /// The program has changed between freezing the block and issuing it, or somebody has changed its rows.
    #[error("account {account_id} was listed with another bill than it is rated to now")]
    RatedOtherwise { account_id: AccountId },
    #[error("the bill run was interrupted; run it again to go on")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Listed so far, by what became of them.
    pub tally: Tally,
    /// Looked at since it was begun or gone on with, also those for which there is nothing to bill.
    pub looked_at: u64,
    /// Of so many that were there to be looked at.
    pub of: u64,
}

/// Plans, previews and carries out bill runs.
#[derive(Clone, Debug)]
pub struct BillRuns {
    engine: Engine,
    rows: Rows,
    pace: Pace,
}

/// What is done at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    AsFastAsItGoes,
    InOrder,
}

/// Which bills a run is asked for; the rest of its plan are the company's terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle {
    /// As people call it: a month, such as `2026-10`, or another name if the cut-off is said.
    pub cycle: Code,
    /// Usage is billed up to and without this day: the first of the next month, if it is not said.
    pub cut_off: Option<NaiveDate>,
    /// The date on the invoices: the cut-off, if it is not said.
    pub issued_on: Option<NaiveDate>,
    pub filter: Filter,
}

impl RunError {
    fn of_run(error: ExecuteError<bill_run::Rejection>) -> Self {
        match error {
            ExecuteError::Rejected(rejection) => Self::Refused(rejection),
            other => interrupted(other),
        }
    }
}

impl From<QueryError> for RunError {
    fn from(error: QueryError) -> Self {
        Unread::from(error).into()
    }
}

impl BillRuns {
    pub fn new(engine: Engine, read_models: PgPool) -> Self {
        Self { engine, rows: Rows::new(read_models), pace: Pace::AsFastAsItGoes }
    }

    /// One invoice after another, from rows that show all there is: slower, and the log comes out the same to the last byte, for whoever is
    /// alone with it.
    pub fn in_order(self) -> Self {
        Self { pace: Pace::InOrder, ..self }
    }

    /// What a run of this cycle would go by now.
    pub async fn plan_for(&self, Cycle { cycle, cut_off, issued_on, filter }: Cycle, terms: &Terms) -> Result<Plan, RunError> {
        let cut_off = match cut_off.or_else(|| next_month(cycle.as_str())) {
            Some(cut_off) => cut_off,
            None => return Err(RunError::NotAMonth(cycle)),
        };
        let issued_on = issued_on.unwrap_or(cut_off);
        let last_day = cut_off.pred_opt().unwrap_or(cut_off);
        Ok(Plan {
            cycle,
            cut_off,
            filter,
            tariffs: self.tariffs_on(last_day).await?,
            dates: terms.dates(issued_on),
            numbering: terms.numbering.clone(),
            seller: terms.seller.clone(),
            vat_reasons: terms.vat_reasons.clone(),
            rounding: terms.rounding,
            held_above: terms.held_above,
        })
    }

    /// The read cycle that people call so.
    pub async fn read_cycle(&self, code: &Code) -> Result<ReadCycleId, RunError> {
        let mut events = self.engine.store().read_all(None, Scope::categories(&[ReadCycle::CATEGORY]));
        while let Some(stored) = events.try_next().await.map_err(interrupted)? {
            match stored.decode::<read_cycle::Event>().map_err(interrupted)?.event {
                read_cycle::Event::ReadCycleDefined(defined) if defined.code == *code => return Ok(defined.read_cycle_id),
                read_cycle::Event::ReadCycleDefined(_) | read_cycle::Event::ReadingDayMoved(_) => {}
            }
        }
        Err(RunError::NoReadCycle(code.clone()))
    }

    /// The run of this name, if it was planned.
    pub async fn planned(&self, name: &str) -> Result<Option<Plan>, RunError> {
        Ok(self.run(bill_run_id(name)).await?.plan().cloned())
    }

    /// Plans a run under this name, if none was, and says by which plan it goes. It is carried out by [`execute`](Self::execute).
    pub async fn begin(&self, name: &str, plan: Plan) -> Result<Plan, RunError> {
        Ok(self.plan(bill_run_id(name), plan).await?.0)
    }

    /// What carrying out a plan under this name would come to now. Changes nothing.
    pub async fn preview(&self, name: &str, plan: Plan, progress: &(dyn Fn(Progress) + Sync)) -> Result<Report, RunError> {
        let run_id = bill_run_id(name);
        self.rows.caught_up::<Billable>(&self.engine).await?;
        let chosen = self.chosen(&plan).await?;
        let of = billable::count_after(&self.rows.db, None).await?;
        let (mut report, mut progressed) = (Report::new(plan.clone()), Progress { of, ..Progress::default() });
        let plan = Arc::new(plan);
        let mut next = self.page_after(None).await?;
        while let Some(page) = next {
            progressed.looked_at += page.accounts().count() as u64;
            let after = page.accounts().last();
            let rated;
            (rated, next) = tokio::try_join!(self.rate(run_id, &plan, page, chosen.as_ref()), self.page_after(after))?;
            for (account_id, rated) in rated {
                report.add(account_id, &rated);
            }
            progressed.tally = report.tally;
            progress(progressed);
        }
        report.before = self.before(name).await?;
        Ok(report)
    }

    /// Carries out a plan, or goes on with it. A run that was planned under this name keeps its plan.
    pub async fn execute(&self, name: &str, plan: Plan, progress: &(dyn Fn(Progress) + Sync)) -> Result<Report, RunError> {
        let run_id = bill_run_id(name);
        let (plan, mut run) = self.plan(run_id, plan).await?;
        let chosen = self.chosen(&plan).await?;
        let plan = Arc::new(plan);
        let of = billable::count_after(&self.rows.db, run.cursor().1).await?;
        let mut progressed = Progress { tally: run.tally(), looked_at: 0, of };
        progress(progressed);
        self.issue_what_is_open(run_id, &plan, &run).await?;
        let mut after = run.cursor().1;
        let mut issuing: VecDeque<Issuing> = VecDeque::with_capacity(AT_ONCE);
        let mut ahead = None;
        while !run.has_ended() {
            if self.pace == Pace::InOrder {
                // What is frozen says up to which position it knows.
                self.rows.heard_of_all::<Billable>(&self.engine).await?;
            }
            let page = match ahead.take() {
                Some(page) => page,
                None => self.page_after(after).await?,
            };
            let Some(page) = page else { break };
            after = page.accounts().last();
            let as_of = page.as_of;
            progressed.looked_at += page.accounts().count() as u64;
            let rating = self.rate(run_id, &plan, page, chosen.as_ref());
            let rated = match self.pace {
                Pace::AsFastAsItGoes => {
                    let (rated, next) = tokio::try_join!(rating, self.page_after(after))?;
                    ahead = Some(next);
                    rated
                }
                Pace::InOrder => rating.await?,
            };
            let accounts: Vec<Listed> = rated.iter().filter_map(|(account_id, rated)| rated.listed(*account_id)).collect();
            if accounts.is_empty() {
                continue;
            }
            let block = run.cursor().0;
            let freeze = bill_run::Command::FreezeBlock(FreezeBlock { block, accounts, as_of });
            let at = context(&self.engine, "freezeBlock", run_id, block);
            self.engine.execute::<BillRun>(&stream(run_id), &at, freeze).await.map_err(RunError::of_run)?;
            run = self.run(run_id).await?;
            if issuing.len() == AT_ONCE
                && let Some(earliest) = issuing.pop_front()
            {
                earliest.done().await?;
            }
            let begun = Issuing::begin(&self.engine, &run, block, ready(rated), self.pace);
            match self.pace {
                Pace::AsFastAsItGoes => issuing.push_back(begun),
                Pace::InOrder => begun.done().await?,
            }
            progressed.tally = run.tally();
            progress(progressed);
        }
        for block in issuing {
            block.done().await?;
        }
        let finish = bill_run::Command::FinishRun(FinishRun {});
        self.engine
            .execute::<BillRun>(&stream(run_id), &context(&self.engine, "finishRun", run_id, 0), finish)
            .await
            .map_err(RunError::of_run)?;
        self.leave(run_id).await?;
        self.report(name).await
    }

    /// Ends a run before its list does, so that another may bill. What is frozen is brought to its end first, because it may have its numbers;
    /// whoever is not listed is left to the other.
    pub async fn abandon(&self, name: &str, by: Actor, reason: Reason) -> Result<Report, RunError> {
        let run_id = bill_run_id(name);
        let run = self.run(run_id).await?;
        let plan = Arc::new(run.plan().cloned().ok_or(RunError::NotPlanned)?);
        self.issue_what_is_open(run_id, &plan, &run).await?;
        let at = CommandContext::new(by, "abandonRun", name, self.engine.now());
        let wish = bill_run::Command::AbandonRun(AbandonRun { reason });
        self.engine.execute::<BillRun>(&stream(run_id), &at, wish).await.map_err(RunError::of_run)?;
        self.leave(run_id).await?;
        self.report(name).await
    }

    async fn issue_what_is_open(&self, run_id: BillRunId, plan: &Arc<Plan>, run: &BillRun) -> Result<(), RunError> {
        for block in run.open_blocks().collect::<Vec<_>>() {
            let ready = self.rated_again(run_id, plan, run, block).await?;
            issue_block(&self.engine, run, block, ready, self.pace).await?;
        }
        Ok(())
    }

    /// What a run that was carried out has come to, from its own stream.
    pub async fn report(&self, name: &str) -> Result<Report, RunError> {
        let run = self.run(bill_run_id(name)).await?;
        let mut report = Report::new(run.plan().cloned().ok_or(RunError::NotPlanned)?).of_run(&run);
        self.lists(bill_run_id(name), |listed| report.except(listed)).await?;
        report.before = self.before(name).await?;
        Ok(report)
    }

    /// The plan as recorded. All that happened before it is then in the rows.
    async fn plan(&self, run_id: BillRunId, plan: Plan) -> Result<(Plan, BillRun), RunError> {
        let run = self.run(run_id).await?;
        if run.is_finished() {
            return Ok((run.plan().cloned().ok_or(RunError::NotPlanned)?, run));
        }
        if run.has_ended() {
            return Err(bill_run::Rejection::Abandoned.into());
        }
        self.may_enter(run_id).await?;
        let plan = run.plan().cloned().unwrap_or(plan);
        let wish = bill_run::Command::PlanRun(PlanRun { run_id, plan: Box::new(plan.clone()) });
        let planned = self.engine.execute::<BillRun>(&stream(run_id), &context(&self.engine, "planRun", run_id, 0), wish).await;
        planned.map_err(RunError::of_run)?;
        if let Some(position) = self.enter(run_id).await? {
            self.rows.reached::<Billable>(position).await?;
        }
        Ok((plan, self.run(run_id).await?))
    }

    /// Refuses while another run bills. One that ended and could not say so any more has left.
    async fn may_enter(&self, run_id: BillRunId) -> Result<(), RunError> {
        let billing = self.engine.look::<Reservation>(&the_one_that_bills()).await.map_err(interrupted)?;
        let Some(other) = billing.holder().map(BillRunId::new).filter(|holder| *holder != run_id) else { return Ok(()) };
        let run = self.run(other).await?;
        match run.plan() {
            Some(plan) if !run.has_ended() => Err(RunError::UnderWay { cycle: plan.cycle.clone() }),
            Some(_) | None => self.leave(other).await,
        }
    }

    async fn enter(&self, run_id: BillRunId) -> Result<Option<Position>, RunError> {
        let wish = reservation::Command::Reserve(Reserve { holder: run_id.into() });
        let at = context(&self.engine, "enter", run_id, 0);
        match self.engine.execute::<Reservation>(&the_one_that_bills(), &at, wish).await {
            Ok(entered) => Ok(entered.position()),
            // Another was quicker, and has its plan by now.
            Err(ExecuteError::Rejected(reservation::Rejection::Taken { .. })) => {
                self.may_enter(run_id).await?;
                Box::pin(self.enter(run_id)).await
            }
            Err(error) => Err(interrupted(error)),
        }
    }

    async fn leave(&self, run_id: BillRunId) -> Result<(), RunError> {
        let wish = reservation::Command::Release(Release { holder: run_id.into() });
        let at = context(&self.engine, "leave", run_id, 0);
        match self.engine.execute::<Reservation>(&the_one_that_bills(), &at, wish).await {
            // Told again, another may bill by now.
            Ok(_) | Err(ExecuteError::Rejected(reservation::Rejection::Taken { .. })) => Ok(()),
            Err(error) => Err(interrupted(error)),
        }
    }

    async fn run(&self, run_id: BillRunId) -> Result<BillRun, RunError> {
        self.engine.look::<BillRun>(&stream(run_id)).await.map_err(RunError::of_run)
    }

    /// The tariffs that apply on a day, by what the rows show.
    async fn tariffs_on(&self, day: NaiveDate) -> Result<Vec<Code>, RunError> {
        let Some(as_of) = self.rows.caught_up::<Billable>(&self.engine).await? else { return Ok(vec![]) };
        let series = billable::tariffs(&self.rows.db, as_of).await?;
        let mut codes: Vec<_> = series.iter().filter_map(|series| series.on(day)).map(|version| version.tariff.code.clone()).collect();
        // Rows come as they like, and a plan is the same however often it is made.
        codes.sort_unstable();
        Ok(codes)
    }

    /// The accounts that failed in the run that the plan names, if it names one.
    async fn chosen(&self, plan: &Plan) -> Result<Option<BTreeSet<AccountId>>, RunError> {
        let Some(run_id) = plan.filter.failed_in else { return Ok(None) };
        let mut failed = BTreeSet::new();
        self.lists(run_id, |listed| {
            failed.extend(listed.iter().filter(|listed| matches!(listed.outcome, Outcome::Failed(_))).map(|listed| listed.account_id));
        })
        .await?;
        Ok(Some(failed))
    }

    /// Every list of a run, block by block.
    async fn lists(&self, run_id: BillRunId, mut each: impl FnMut(&[Listed])) -> Result<(), RunError> {
        let mut events = self.engine.store().read(&stream(run_id), 0);
        while let Some(stored) = events.try_next().await.map_err(interrupted)? {
            match stored.decode::<bill_run::Event>().map_err(interrupted)?.event {
                bill_run::Event::BlockFrozen(fact) => each(&fact.accounts),
                bill_run::Event::BillRunPlanned(BillRunPlanned { .. })
                | bill_run::Event::BlockIssued(_)
                | bill_run::Event::BillRunFinished(_)
                | bill_run::Event::BillRunAbandoned(_) => {}
            }
        }
        Ok(())
    }

    /// The run of the month before, for runs that are named by months.
    async fn before(&self, name: &str) -> Result<Option<Before>, RunError> {
        let Ok(month) = format!("{name}-01").parse::<NaiveDate>() else { return Ok(None) };
        let Some(month) = month.checked_sub_months(chrono::Months::new(1)) else { return Ok(None) };
        let name = month.format("%Y-%m").to_string();
        let run = self.run(bill_run_id(&name)).await?;
        Ok(run.is_finished().then(|| Before { name, tally: run.tally(), totals: run.totals().clone() }))
    }

    /// An open block of a run that was killed, rated from what was known when it was frozen.
    async fn rated_again(&self, run_id: BillRunId, plan: &Arc<Plan>, run: &BillRun, block: u32) -> Result<Ready, RunError> {
        let as_of = run.as_of(block).ok_or(RunError::NotPlanned)?;
        self.rows.reached::<Billable>(as_of).await?;
        let accounts: Vec<AccountId> = run.places(block).iter().map(|place| place.account_id).chain(run.held(block)).collect();
        let page = billable::of(&self.rows.db, &accounts, as_of).await?;
        Ok(ready(self.rate(run_id, plan, page, None).await?))
    }

    async fn page_after(&self, after: Option<AccountId>) -> Result<Option<Page>, RunError> {
        Ok(billable::after(&self.rows.db, after, BLOCK).await?)
    }

    /// Rates a page, on all cores.
    async fn rate(
        &self,
        run_id: BillRunId,
        plan: &Arc<Plan>,
        page: Page,
        chosen: Option<&BTreeSet<AccountId>>,
    ) -> Result<Vec<(AccountId, Rated)>, RunError> {
        let tariffs = Arc::new(rating::tariffs(&self.rows.db, page.as_of).await?);
        let accounts: Vec<AccountId> = page.accounts().filter(|id| chosen.is_none_or(|chosen| chosen.contains(id))).collect();
        let page = Arc::new(page);
        let share = accounts.len().div_ceil(available_parallelism().map_or(1, NonZeroUsize::get)).max(1);
        let mut shares = JoinSet::new();
        for (number, accounts) in accounts.chunks(share).map(<[_]>::to_vec).enumerate() {
            let (plan, tariffs, page) = (plan.clone(), tariffs.clone(), page.clone());
            shares.spawn_blocking(move || {
                let rate_one = |account_id| {
                    let customer = page.customer(account_id)?;
                    let invoice_id = run_invoice_id(run_id, account_id);
                    Ok((account_id, customer.map_or(Rated::Nothing, |customer| bill(account_id, invoice_id, customer, &plan, &tariffs))))
                };
                (number, accounts.into_iter().map(rate_one).collect::<Result<Vec<_>, QueryError>>())
            });
        }
        let mut rated = Vec::with_capacity(shares.len());
        while let Some(share) = shares.join_next().await {
            let (number, share) = share.map_err(interrupted)?;
            rated.push((number, share?));
        }
        rated.sort_by_key(|(number, _)| *number);
        Ok(rated.into_iter().flat_map(|(_, share)| share).collect())
    }
}

/// A block on its way, which ends with this value.
#[derive(Debug)]
struct Issuing(JoinHandle<Result<(), RunError>>);

impl Issuing {
    fn begin(engine: &Engine, run: &BillRun, block: u32, ready: Ready, pace: Pace) -> Self {
        let (engine, run) = (engine.clone(), run.clone());
        Self(tokio::spawn(async move { issue_block(&engine, &run, block, ready, pace).await }))
    }

    async fn done(mut self) -> Result<(), RunError> {
        (&mut self.0).await.map_err(interrupted)?
    }
}

impl Drop for Issuing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The read model that must follow the log for a run to go on.
pub const NEEDS: Model = Model::of::<Billable>();

fn ready(rated: Vec<(AccountId, Rated)>) -> Ready {
    let drafted = rated.into_iter().filter_map(|(account_id, rated)| match rated {
        Rated::Drafted(drafted) => Some((account_id, *drafted)),
        Rated::Nothing | Rated::Failed(_) => None,
    });
    drafted.collect()
}

fn next_month(cycle: &str) -> Option<NaiveDate> {
    format!("{cycle}-01").parse::<NaiveDate>().ok()?.checked_add_months(chrono::Months::new(1))
}

/// What a run rates from does not show what another bills meanwhile, so there is one at a time.
fn the_one_that_bills() -> StreamName {
    StreamName::of::<Reservation>(Unique::BillRun.reservation_id())
}

fn stream(run_id: BillRunId) -> StreamName {
    StreamName::of::<BillRun>(run_id)
}
