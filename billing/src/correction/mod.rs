//! Carries out cancel and rebill, step by step; whoever dies in the middle is followed by whoever comes next.
//!
//! What is next is the correction's to say, and every request has an id that follows from the correction and its step, so it is asked twice only to
//! be told that it is done. Where a policy asks the same of an account, it is asked under the policy's id, and whoever is second changes nothing.

mod rerate;

use daftar_domain::{
    Actor, BillingEvent, Decider, Reason, Recorded, StreamName,
    account::{self, Account, FreeAllocations, ItemId, ReapplyCredit, ReviewLateFees},
    correction::{self, Correction, OpenCorrection, RecordStep, RefuseCorrection, Request, Step, Terms},
    ids::{CorrectionId, InvoiceId},
    invoice::{self, Invoice, Status},
    meter::Meter,
    policy::{self, Wish},
    register::{self, DocumentNumber, Register},
};
use daftar_store::{CommandContext, Engine, ExecuteError, StoreError};
use futures::{TryStreamExt, future::BoxFuture};
use thiserror::Error;
use uuid::Uuid;

pub use rerate::{Change, CorrectInvoice, Corrections, NEEDS, Preview};

use crate::refusals::{self, Refused};

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Error)]
pub enum CorrectionError {
    /// Nothing was changed but that the correction is refused.
    #[error("the invoice cannot be corrected: {0}")]
    Refused(String),
    /// After the first step nothing is refused by the rules. Something is wrong that a person must look at.
    #[error("step {step:?} was refused: {reason}")]
    Stuck { step: Step, reason: String },
    #[error("invoice {invoice_id} has no document that its account could be told of")]
    NoSuchDocument { invoice_id: InvoiceId },
    #[error("the terms of what follows for invoice {invoice_id} could not be found")]
    NoTerms { invoice_id: InvoiceId, source: Source },
    #[error("the correction was interrupted; it goes on when it is asked again")]
    Interrupted(#[source] Source),
}

/// Finds how an invoice should have been: its period rated anew, by the readings as they are now and the tariff that was valid then.
pub trait Rerate: Sync {
    fn terms<'a>(&'a self, invoice_id: InvoiceId, follows: CorrectionId) -> BoxFuture<'a, Result<Terms, Source>>;
}

/// Opens a correction and sees it through, with those of later invoices that follow from it.
pub async fn correct(engine: &Engine, correction_id: CorrectionId, terms: Terms, rerate: &impl Rerate) -> Result<(), CorrectionError> {
    let wish = correction::Command::OpenCorrection(OpenCorrection { correction_id, terms });
    execute::<Correction>(engine, &StreamName::of::<Correction>(correction_id), &context(engine, correction_id, "open"), wish)
        .await?
        .map_err(CorrectionError::Refused)?;
    go_on(engine, correction_id, rerate).await
}

/// Takes every step that is left.
pub async fn go_on(engine: &Engine, correction_id: CorrectionId, rerate: &impl Rerate) -> Result<(), CorrectionError> {
    let stream = StreamName::of::<Correction>(correction_id);
    while let Some(task) = engine.look::<Correction>(&stream).await.map_err(interrupted)?.next() {
        let mut number = None;
        for (index, request) in task.requests.into_iter().enumerate() {
            let context = context(engine, correction_id, &format!("{:?} {index}", task.step));
            let asked = request.stream();
            match ask(engine, &context, request, rerate).await? {
                Ok(assigned) => number = assigned,
                Err(reason) if task.step == Step::ApproveCancellation => return refuse(engine, correction_id, reason).await,
                // A reading fell after the terms were settled. The bill stands, and is corrected like any that stood on it before.
                Err(reason) if task.step == Step::BillReadings => {
                    let refused = Refused { policy: "correction", event_id: None, stream: &asked, reason: &reason };
                    refusals::note(engine, &context, refused).await.map_err(CorrectionError::Interrupted)?;
                }
                Err(reason) => return Err(CorrectionError::Stuck { step: task.step, reason }),
            }
        }
        let record = correction::Command::RecordStep(RecordStep { step: task.step, number });
        execute::<Correction>(engine, &stream, &context(engine, correction_id, &format!("{:?} taken", task.step)), record)
            .await?
            .map_err(|reason| CorrectionError::Stuck { step: task.step, reason })?;
    }
    Ok(())
}

async fn refuse(engine: &Engine, correction_id: CorrectionId, reason: String) -> Result<(), CorrectionError> {
    let why = Reason::new(reason.chars().take(200).collect::<String>()).map_err(interrupted)?;
    let wish = correction::Command::RefuseCorrection(RefuseCorrection { why });
    let stream = StreamName::of::<Correction>(correction_id);
    execute::<Correction>(engine, &stream, &context(engine, correction_id, "refuse"), wish).await?.map_err(CorrectionError::Refused)?;
    Err(CorrectionError::Refused(reason))
}

/// Why the rules said no, if they did; otherwise the number that was assigned, if one was.
type Answer = Result<Option<DocumentNumber>, String>;

async fn ask(engine: &Engine, context: &CommandContext, request: Request, rerate: &impl Rerate) -> Result<Answer, CorrectionError> {
    let stream = request.stream();
    let account = async |command: account::Command| execute::<Account>(engine, &stream, context, command).await;
    match request {
        Request::Invoice { command, .. } => execute::<Invoice>(engine, &stream, context, command).await.map(unnumbered),
        Request::Meter { command, .. } => execute::<Meter>(engine, &stream, context, command).await.map(unnumbered),
        Request::Register { command, .. } => number(engine, &stream, context, command).await,
        Request::FreeAllocations { invoice_id, on, reason, .. } => {
            // What has not been charged yet has not been paid either, but then its cancellation would have nothing to pay.
            let charged = told(engine, invoice_id, |event| matches!(event, invoice::Event::InvoiceIssued(_))).await?;
            if let Err(refused) = charged {
                return Ok(Err(refused));
            }
            account(FreeAllocations { item: ItemId::Invoice(invoice_id), on, reason }.into()).await.map(unnumbered)
        }
        Request::CreditAccount { invoice_id, note_id, .. } => {
            let is_note = |event: &invoice::Event| matches!(event, invoice::Event::CreditNoteIssued(fact) if fact.note.note_id == note_id);
            told(engine, invoice_id, is_note).await.map(unnumbered)
        }
        Request::ChargeAccount { invoice_id, .. } => {
            told(engine, invoice_id, |event| matches!(event, invoice::Event::InvoiceIssued(_))).await.map(unnumbered)
        }
        Request::ReapplyCredit { wrong, on, .. } => {
            let wish = ReapplyCredit { item: ItemId::Invoice(wrong), on };
            account(wish.into()).await.map(unnumbered)
        }
        Request::ReviewLateFees { wrong, right, on, reason, .. } => {
            let wish = ReviewLateFees { wrong: ItemId::Invoice(wrong), right: ItemId::Invoice(right), on, reason };
            account(wish.into()).await.map(unnumbered)
        }
        Request::Correct { correction_id, invoice_id, follows } => cascade(engine, correction_id, invoice_id, follows, rerate).await,
    }
}

/// A correction that follows from another is one of its own; once opened, its terms are what they were.
async fn cascade(
    engine: &Engine,
    correction_id: CorrectionId,
    invoice_id: InvoiceId,
    follows: CorrectionId,
    rerate: &impl Rerate,
) -> Result<Answer, CorrectionError> {
    let opened = engine.look::<Correction>(&StreamName::of::<Correction>(correction_id)).await.map_err(interrupted)?.is_open();
    let outcome = if opened {
        Box::pin(go_on(engine, correction_id, rerate)).await
    } else {
        let terms = rerate.terms(invoice_id, follows).await.map_err(|source| CorrectionError::NoTerms { invoice_id, source })?;
        Box::pin(correct(engine, correction_id, terms, rerate)).await
    };
    match outcome {
        Ok(()) => Ok(Ok(None)),
        Err(CorrectionError::Refused(reason)) => {
            // Somebody has cancelled it meanwhile, and what was asked for is so.
            let invoice = engine.look::<Invoice>(&StreamName::of::<Invoice>(invoice_id)).await.map_err(interrupted)?;
            Ok(if invoice.status() == Some(Status::Cancelled) { Ok(None) } else { Err(reason) })
        }
        Err(error) => Err(error),
    }
}

async fn number(
    engine: &Engine,
    stream: &StreamName,
    context: &CommandContext,
    command: register::Command,
) -> Result<Answer, CorrectionError> {
    let register::Command::AssignNumber(register::AssignNumber { document, .. }) = command else {
        return Ok(Err("a correction numbers one document at a time".to_owned()));
    };
    if let Err(refused) = execute::<Register>(engine, stream, context, command).await? {
        return Ok(Err(refused));
    }
    Ok(Ok(engine.look::<Register>(stream).await.map_err(interrupted)?.number_of(document).cloned()))
}

/// Asks what a policy asks because of a fact of the invoice's, as the policy itself: the second of the two changes nothing.
async fn told(
    engine: &Engine,
    invoice_id: InvoiceId,
    fact: impl Fn(&invoice::Event) -> bool,
) -> Result<Result<(), String>, CorrectionError> {
    let mut events = engine.store().read(&StreamName::of::<Invoice>(invoice_id), 0);
    while let Some(stored) = events.try_next().await.map_err(|error: StoreError| interrupted(error))? {
        let recorded: Recorded<BillingEvent> = stored.decode_billing().map_err(interrupted)?;
        let BillingEvent::Invoice(event) = &recorded.event else { continue };
        if fact(event)
            && let Some(policy::Request { name, command_id, stream, wish: Wish::Account(command) }) = policy::request(&recorded)
        {
            let context = CommandContext {
                command_id,
                actor: Actor::policy(name),
                correlation_id: recorded.metadata.correlation_id,
                causation_id: recorded.id,
                now: engine.now(),
            };
            return execute::<Account>(engine, &stream, &context, *command).await;
        }
    }
    Err(CorrectionError::NoSuchDocument { invoice_id })
}

fn context(engine: &Engine, correction_id: CorrectionId, wish: &str) -> CommandContext {
    let correction_id = Uuid::from(correction_id);
    CommandContext {
        command_id: policy::request_id(correction_id, wish),
        actor: Actor::job("correction"),
        correlation_id: correction_id,
        causation_id: correction_id,
        now: engine.now(),
    }
}

/// Whether it is done, or why the rules refuse it; anything else is not an answer.
async fn execute<D>(
    engine: &Engine,
    stream: &StreamName,
    context: &CommandContext,
    command: D::Command,
) -> Result<Result<(), String>, CorrectionError>
where
    D: Decider<Rejection: Send + Sync>,
{
    match engine.execute::<D>(stream, context, command).await {
        Ok(_) => Ok(Ok(())),
        Err(ExecuteError::Rejected(rejection)) => Ok(Err(rejection.to_string())),
        Err(error) => Err(interrupted(error)),
    }
}

fn unnumbered(answer: Result<(), String>) -> Answer {
    answer.map(|()| None)
}

fn interrupted(error: impl std::error::Error + Send + Sync + 'static) -> CorrectionError {
    CorrectionError::Interrupted(error.into())
}
