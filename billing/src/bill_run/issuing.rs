//! A frozen block: numbered, issued, charged and noted. Each step asks for what may have been done before, and then finds it done.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use daftar_domain::{
    Actor, CommandHash, Decider, StreamName,
    account::{self, Account},
    bill_run::{self, BillRun, NoteBlockIssued, Place, Plan, Totals},
    ids::{self, AccountId, BillRunId, InvoiceId},
    invoice::{self, DraftInvoice, Invoice, InvoiceIssued, IssueAtOnce},
    meter::{self, Meter, NoteReadingsBilled},
    policy,
    register::{self, DocumentNumber, Register},
};
use daftar_projections::billable::Known;
use daftar_store::{CommandContext, Engine, ExecuteError, Outcome, Seen};
use tokio::task::JoinSet;

use crate::refusals::{self, Refused};

use super::{
    ACTOR, Pace, RunError,
    account::{Drafted, Read},
    stream,
};

/// A block that was rated: what its list says, ready to be issued.
pub(super) type Ready = HashMap<AccountId, Drafted>;

/// Brings a block to its end.
pub(super) async fn issue_block(engine: &Engine, run: &BillRun, block: u32, mut ready: Ready, pace: Pace) -> Result<(), RunError> {
    let (Some(run_id), Some(plan)) = (run.run_id(), run.plan()) else { return Err(RunError::NotPlanned) };
    let plan = Arc::new(plan.clone());
    let mut totals: BTreeMap<_, Totals> = BTreeMap::new();
    let mut tasks = Tasks { running: JoinSet::new(), pace, failed: None };
    let first = number(engine, run, run_id, block).await?;
    for place in run.places(block) {
        let drafted = ready.remove(&place.account_id).filter(|drafted| drafted.digest == place.draft && drafted.held.is_none());
        let drafted = drafted.ok_or(RunError::RatedOtherwise { account_id: place.account_id })?;
        let of_one = Totals::of(&drafted.draft.document);
        totals.entry(drafted.draft.document.currency).and_modify(|sum| sum.add(&of_one)).or_insert(of_one);
        let number = first.as_ref().map(|first| place.number(first)).ok_or(RunError::NotPlanned)?;
        tasks.begin(issue(engine.clone(), plan.clone(), place, number, drafted)).await;
    }
    for account_id in run.held(block) {
        let drafted = ready.remove(&account_id).filter(|drafted| drafted.held.is_some());
        tasks.begin(hold(engine.clone(), drafted.ok_or(RunError::RatedOtherwise { account_id })?)).await;
    }
    tasks.all_done().await?;
    let note = bill_run::Command::NoteBlockIssued(NoteBlockIssued { block, totals });
    engine.execute::<BillRun>(&stream(run_id), &context(engine, "noteBlockIssued", run_id, block), note).await.map_err(RunError::of_run)?;
    Ok(())
}

/// What is being issued. One that fails does not keep the others from it; the block then stays open, and is taken up again.
struct Tasks {
    running: JoinSet<Result<(), RunError>>,
    pace: Pace,
    failed: Option<RunError>,
}

impl Tasks {
    async fn begin(&mut self, task: impl Future<Output = Result<(), RunError>> + Send + 'static) {
        self.running.spawn(task);
        match self.pace {
            Pace::AsFastAsItGoes => {}
            Pace::InOrder => self.wait().await,
        }
    }

    async fn wait(&mut self) {
        while let Some(done) = self.running.join_next().await {
            if let Err(error) = done.map_err(interrupted).flatten() {
                self.failed = Some(error);
            }
        }
    }

    async fn all_done(mut self) -> Result<(), RunError> {
        self.wait().await;
        self.failed.map_or(Ok(()), Err)
    }
}

/// The block's first number; none if nothing of it is to be numbered.
async fn number(engine: &Engine, run: &BillRun, run_id: BillRunId, block: u32) -> Result<Option<DocumentNumber>, RunError> {
    let (Some(wish), Some(plan)) = (run.numbers_wanted(block), run.plan()) else { return Ok(None) };
    let register = Register::stream(&plan.numbering.register);
    let numbered = engine.execute::<Register>(&register, &context(engine, "assignBlock", run_id, block), wish).await.map_err(refused)?;
    if let Outcome::Recorded { events, .. } = numbered {
        for event in events {
            match event {
                register::Event::BlockAssigned(fact) => return Ok(Some(fact.first)),
                register::Event::NumberAssigned(_) => {}
            }
        }
    }
    let register = engine.look::<Register>(&register).await.map_err(refused)?;
    Ok(register.block(run_id, block).map(|assigned| assigned.first.clone()))
}

/// The invoice, then its charge, then the readings it stands on.
async fn issue(engine: Engine, plan: Arc<Plan>, place: Place, number: DocumentNumber, drafted: Drafted) -> Result<(), RunError> {
    let Place { account_id, invoice_id, .. } = place;
    let Drafted { draft, digest, account, has_credit, meters, .. } = drafted;
    let stream = StreamName::of::<Invoice>(invoice_id);
    let context = CommandContext::new(Actor::job(ACTOR), "issueAtOnce", &invoice_id.to_string(), engine.now());
    // The draft is in the list by its digest, and need not be written out once more.
    let said = CommandHash::of(&(invoice_id, account_id, digest, plan.dates, &number));
    let command = invoice::Command::IssueAtOnce(IssueAtOnce { invoice_id, account_id, draft, dates: plan.dates, number });
    let issued = match engine.execute_from(&stream, &context, command, said, Seen::<Invoice>::default()).await.map_err(refused)? {
        Outcome::Recorded { events, .. } => events.into_iter().find_map(issued),
        // By the process before, in these very words, or it would have been refused.
        Outcome::AlreadyTrue { .. } => engine.look::<Invoice>(&stream).await.map_err(refused)?.issued().cloned(),
    };
    let issued = issued.ok_or(RunError::RatedOtherwise { account_id })?;

    let event_id = ids::event_id(context.command_id, &stream, 0);
    let (command_id, charge) = policy::charge_request(event_id, &issued);
    let context = CommandContext { command_id, causation_id: event_id, ..context };
    let (stream, charge) = (StreamName::of::<Account>(account_id), account::Command::ChargeAccount(charge));
    // Credit that waits pays the charge at once, and only the account's stream says which.
    let account = Some(account).filter(|_| !has_credit);
    ask(&engine, &stream, &context, charge, account).await.map_err(refused)?;
    note_readings(&engine, invoice_id, meters).await
}

/// What a bill stands on is not taken back without it, also while a person has yet to look at it.
async fn note_readings(engine: &Engine, invoice_id: InvoiceId, meters: Vec<Read>) -> Result<(), RunError> {
    for Read { meter_id, meter, reading_ids } in meters {
        let stream = StreamName::of::<Meter>(meter_id);
        let context = CommandContext::new(Actor::job(ACTOR), "noteReadingsBilled", &format!("{invoice_id}/{meter_id}"), engine.now());
        let wish = meter::Command::NoteReadingsBilled(NoteReadingsBilled { invoice_id, reading_ids });
        match ask(engine, &stream, &context, wish, Some(meter)).await {
            Ok(()) => {}
            // A reading fell after the list was frozen. The bill stands, and is corrected like any that stood on it before.
            Err(ExecuteError::Rejected(rejection)) => {
                let reason = rejection.to_string();
                let noted = Refused { policy: "bill-run", event_id: None, stream: &stream, reason: &reason };
                refusals::note(engine, &context, noted).await.map_err(RunError::Interrupted)?;
            }
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(())
}

/// Asks a stream, from where it is known to have stood if that is known.
async fn ask<D: Decider>(
    engine: &Engine,
    stream: &StreamName,
    context: &CommandContext,
    wish: D::Command,
    known: Option<Known<D>>,
) -> Result<(), ExecuteError<D::Rejection>> {
    match known.and_then(|Known { state, stood }| stood.map(|stood| (state, stood))) {
        Some((state, (revision, recorded_at))) => {
            let seen = Seen { state, revision: Some(revision), recorded_at: Some(recorded_at) };
            let said = CommandHash::of(&wish);
            engine.execute_from(stream, context, wish, said, seen).await.map(|_| ())
        }
        None => engine.execute::<D>(stream, context, wish).await.map(|_| ()),
    }
}

fn issued(event: invoice::Event) -> Option<InvoiceIssued> {
    if let invoice::Event::InvoiceIssued(issued) = event { Some(issued) } else { None }
}

/// A draft for a person to look at.
async fn hold(engine: Engine, drafted: Drafted) -> Result<(), RunError> {
    let Drafted { account_id, invoice_id, draft, held, meters, .. } = drafted;
    let context = CommandContext::new(Actor::job(ACTOR), "draftInvoice", &invoice_id.to_string(), engine.now());
    let wish = invoice::Command::DraftInvoice(DraftInvoice { invoice_id, account_id, draft, check: held });
    let said = CommandHash::of(&wish);
    engine.execute_from(&StreamName::of::<Invoice>(invoice_id), &context, wish, said, Seen::<Invoice>::default()).await.map_err(refused)?;
    note_readings(&engine, invoice_id, meters).await
}

pub(super) fn context(engine: &Engine, wish: &str, run_id: BillRunId, block: u32) -> CommandContext {
    CommandContext::new(Actor::job(ACTOR), wish, &format!("{run_id}/{block}"), engine.now())
}

pub(super) fn interrupted(error: impl std::error::Error + Send + Sync + 'static) -> RunError {
    RunError::Interrupted(error.into())
}

/// What cannot be refused was, or the store failed.
fn refused<R: std::error::Error + Send + Sync + 'static>(error: ExecuteError<R>) -> RunError {
    interrupted(error)
}
