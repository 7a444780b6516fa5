//! Billing as people ask for it. The processes themselves are billing's: here they are begun in the name of whoever asks, by the company's terms.

use std::{sync::Arc, thread};

use daftar_billing::{
    Terms, Unread,
    bill_run::{BillRuns, RunError},
    correction::{CorrectInvoice, CorrectionError, Corrections},
    drafts::DiscardError,
    period_close::{Books, CloseError, PeriodClose},
};
use daftar_domain::{
    BillingPeriod, Decider, Position, StreamName,
    bill_run::{BillRun, Plan},
    correction::Correction,
    ids::{BillRunId, CorrectionId, bill_run_id},
    ledger::AccountingPeriods,
};
use futures::TryStreamExt;
use tokio::runtime::Handle;

use super::{App, PATIENCE, Wish, Written};
use crate::{
    problem::{Flaw, Problem},
    refusal::billing::{CannotCorrect, NoTerms, UnderWay},
};

impl App {
    /// The terms on which the company bills.
    pub fn terms(&self) -> Result<&Arc<Terms>, Problem> {
        self.terms.as_ref().ok_or_else(|| NoTerms.into())
    }

    pub fn bill_runs(&self) -> BillRuns {
        BillRuns::new(self.engine.clone(), self.read_models.clone())
    }
}

impl Wish<'_> {
    /// Plans a run, and lets it go on by itself. A run that a crash stopped goes on when it is started again.
    pub async fn start_bill_run(&self, name: String, plan: Plan) -> Result<(BillRunId, Written), Problem> {
        let (runs, id) = (self.app.bill_runs(), bill_run_id(&name));
        let plan = runs.begin(&name, plan).await?;
        let position = self.last_of(&StreamName::of::<BillRun>(id)).await?;
        let runtime = Handle::current();
        // On a thread of its own: much of it is borrowed while it waits, and nobody waits for it to end.
        let carrying_out = move || match runtime.block_on(runs.execute(&name, plan, &|_| {})) {
            Ok(report) => tracing::info!(run = %id, billed = report.tally.billed, "the bill run is finished"),
            Err(error) => tracing::error!(run = %id, error = %format!("{:#}", anyhow::Error::new(error)), "the bill run stopped"),
        };
        thread::Builder::new().name("bill run".into()).spawn(carrying_out).map_err(|error| Problem::Unavailable(error.into()))?;
        Ok((id, self.written(&[BillRun::CATEGORY], position).await?))
    }

    /// Cancels an invoice and bills its days anew.
    pub async fn correct_invoice(&self, wish: &CorrectInvoice) -> Result<(CorrectionId, Written), Problem> {
        let terms = Terms::clone(self.app.terms()?);
        let corrections = Corrections::new(self.app.engine.clone(), self.app.read_models.clone(), terms);
        let id = corrections.correct(wish).await?;
        let position = self.last_of(&StreamName::of::<Correction>(id)).await?;
        Ok((id, self.written(&[Correction::CATEGORY, "invoice"], position).await?))
    }

    pub async fn close_period(&self, month: BillingPeriod) -> Result<(Books, Written), Problem> {
        let closing = PeriodClose::new(self.app.engine.clone(), self.app.read_models.clone()).patient_for(PATIENCE * 5);
        let books = closing.close(month, self.app.today(), &self.actor()).await?;
        let written = self.written(&[AccountingPeriods::CATEGORY], books.position).await?;
        Ok((books, written))
    }

    /// Where the last event of a process stands.
    async fn last_of(&self, stream: &StreamName) -> Result<Position, Problem> {
        let mut events = self.app.engine.store().read(stream, 0);
        let mut last = None;
        while let Some(event) = events.try_next().await? {
            last = Some(event.position);
        }
        last.ok_or(Problem::NotFound)
    }
}

impl From<Unread> for Problem {
    fn from(error: Unread) -> Self {
        match error {
            Unread::Query(error) => error.into(),
            Unread::Database(error) => error.into(),
            Unread::Log(error) => error.into(),
            Unread::Behind { .. } => Self::Unavailable(error.into()),
        }
    }
}

impl From<DiscardError> for Problem {
    fn from(error: DiscardError) -> Self {
        match error {
            DiscardError::Refused(error) => error.into(),
            DiscardError::Meter(error) => error.into(),
            DiscardError::Log(error) => error.into(),
            DiscardError::Unreadable(_) => Self::Internal(error.into()),
        }
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NotPlanned => Self::NotFound,
            RunError::Refused(rejection) => rejection.into(),
            RunError::Unread(error) => error.into(),
            RunError::NotAMonth(_) => Self::invalid("cutOff", Flaw::Blank),
            RunError::UnderWay { cycle } => UnderWay(cycle).into(),
            RunError::NoReadCycle(_) => Self::invalid("readCycle", Flaw::Unknown),
            RunError::RatedOtherwise { .. } => Self::Internal(error.into()),
            RunError::Interrupted(_) => Self::Unavailable(error.into()),
        }
    }
}

impl From<CorrectionError> for Problem {
    fn from(error: CorrectionError) -> Self {
        match error {
            CorrectionError::Refused(why) => CannotCorrect(why).into(),
            CorrectionError::Stuck { .. } | CorrectionError::NoSuchDocument { .. } | CorrectionError::NoTerms { .. } => {
                Self::Internal(error.into())
            }
            CorrectionError::Interrupted(_) => Self::Unavailable(error.into()),
        }
    }
}

impl From<CloseError> for Problem {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::NotAMonth(_) => Self::invalid("month", Flaw::NotADate),
            CloseError::Refused(rejection) => rejection.into(),
            CloseError::Unread(error) => error.into(),
            CloseError::Unbalanced { .. } => Self::Internal(error.into()),
            CloseError::Interrupted(_) => Self::Unavailable(error.into()),
        }
    }
}
