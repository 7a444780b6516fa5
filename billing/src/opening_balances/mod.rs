//! Bringing balances over from another system: all of a file or nothing of it, and back again if it was the wrong one.
//!
//! Everything that can be refused is looked for before the first account is written to. Should one be refused after all, because something
//! happened to it meanwhile, what was written is taken back. An import that is interrupted is run again with the same file, and finds what
//! it did.

mod file;

use std::fmt;

use daftar_domain::{
    Actor, Decider, Reason, StreamName,
    account::{self, Account, ImportOpeningBalance, ReverseOpeningBalance},
    ids::AccountId,
    reservation::{Reservation, Unique},
};
use daftar_store::{CommandContext, Engine, ExecuteError, Outcome};
use futures::{StreamExt, TryStreamExt, stream};
use thiserror::Error;

pub use file::{Fault, File, Row, Totals};

/// Accounts that are asked at once: enough to fill the log's groups.
const AT_ONCE: usize = 64;

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Each of these must be mended first.
    #[error("nothing was changed:\n{}", Faults(.0))]
    Faults(Vec<Fault>),
    /// Some accounts were refused, and these of the others then would not give back what they had been given.
    #[error("the import was refused half-way and could not be taken back everywhere:\n{}", Faults(.0))]
    HalfDone(Vec<Fault>),
    /// Some may have been written. Running it again goes on where it stopped.
    #[error("the import was interrupted; run it again with the same file")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub totals: Totals,
    /// Accounts written to now; the others were before.
    pub written: usize,
}

/// What is to be done with the file.
#[derive(Clone, Debug)]
pub enum Task {
    Import,
    /// Takes the balances away again.
    Reverse(Reason),
}

/// One account's part of the task.
#[derive(Debug)]
struct Step<'a> {
    row: &'a Row,
    account_id: AccountId,
    command: account::Command,
}

/// Says what would happen, and changes nothing.
pub async fn check(engine: &Engine, file: &File, task: &Task) -> Result<Totals, ImportError> {
    plan(engine, file, task).await.map(|_| file.totals)
}

/// Does it: `progress` hears how many accounts are done.
pub async fn carry_out(engine: &Engine, file: &File, task: &Task, progress: impl Fn(usize)) -> Result<Report, ImportError> {
    let steps = plan(engine, file, task).await?;
    let (written, refused) = take_all(engine, file, task, &steps, progress).await?;
    if refused.is_empty() {
        return Ok(Report { totals: file.totals, written });
    }
    if let Task::Import = task {
        let back = Task::Reverse(Reason::new("another account of the file was refused").expect("a reason"));
        let steps = plan(engine, file, &back).await.map_err(half_done)?;
        let (_, stuck) = take_all(engine, file, &back, &steps, |_| ()).await?;
        if !stuck.is_empty() {
            return Err(ImportError::HalfDone(stuck));
        }
    }
    Err(ImportError::Faults(refused))
}

/// What there is to do, if none of it is refused.
async fn plan<'a>(engine: &Engine, file: &'a File, task: &Task) -> Result<Vec<Step<'a>>, ImportError> {
    let planned = stream::iter(&file.rows).map(|row| step(engine, file, task, row));
    let planned: Vec<_> = planned.buffered(AT_ONCE).try_collect().await?;
    let (mut steps, mut faults) = (Vec::with_capacity(planned.len()), Vec::new());
    for planned in planned {
        match planned {
            Ok(step) => steps.extend(step),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(steps) } else { Err(ImportError::Faults(faults)) }
}

/// One account's step; none if there is nothing to take away from it.
async fn step<'a>(engine: &Engine, file: &File, task: &Task, row: &'a Row) -> Result<Result<Option<Step<'a>>, Fault>, ImportError> {
    let fault = |reason: &dyn fmt::Display| Ok(Err(Fault::of(row.line, &row.account, reason)));
    let reservation = StreamName::of::<Reservation>(Unique::AccountNumber(&row.account).reservation_id());
    let Some(holder) = engine.look::<Reservation>(&reservation).await.map_err(interrupted)?.holder() else {
        return fault(&"there is no such account");
    };
    let account_id = AccountId::new(holder);
    let account = engine.look::<Account>(&StreamName::of::<Account>(account_id)).await.map_err(interrupted)?;
    let command = command(file, task, row);
    match (account.decide(command.clone()), task) {
        (Err(account::Rejection::NoSuchOpeningBalance), Task::Reverse(_)) => Ok(Ok(None)),
        (Err(rejection), _) => fault(&rejection),
        (Ok(_), _) => Ok(Ok(Some(Step { row, account_id, command }))),
    }
}

/// Takes every step: how many accounts were written to, and which refused.
async fn take_all(
    engine: &Engine,
    file: &File,
    task: &Task,
    steps: &[Step<'_>],
    progress: impl Fn(usize),
) -> Result<(usize, Vec<Fault>), ImportError> {
    let (mut done, mut written, mut refused) = (0, 0, Vec::new());
    let mut taken = stream::iter(steps).map(|step| take(engine, file, task, step)).buffer_unordered(AT_ONCE);
    while let Some(taken) = taken.try_next().await? {
        match taken {
            Ok(Outcome::Recorded { .. }) => written += 1,
            Ok(Outcome::AlreadyTrue { .. }) => {}
            Err(fault) => refused.push(fault),
        }
        done += 1;
        progress(done);
    }
    Ok((written, refused))
}

async fn take(engine: &Engine, file: &File, task: &Task, step: &Step<'_>) -> Result<Result<Outcome<account::Event>, Fault>, ImportError> {
    let wish = match task {
        Task::Import => "importOpeningBalance",
        Task::Reverse(_) => "reverseOpeningBalance",
    };
    let key = format!("{}/{}", file.batch_id, step.row.line);
    let context = CommandContext::new(Actor::job("opening balances"), wish, &key, engine.now());
    match engine.execute::<Account>(&StreamName::of::<Account>(step.account_id), &context, step.command.clone()).await {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(ExecuteError::Rejected(rejection)) => Ok(Err(Fault::of(step.row.line, &step.row.account, rejection))),
        Err(ExecuteError::IdempotencyKeyReused { .. }) => {
            Ok(Err(Fault::of(step.row.line, &step.row.account, "the batch was imported from another file")))
        }
        Err(error) => Err(interrupted(error)),
    }
}

fn command(file: &File, task: &Task, row: &Row) -> account::Command {
    let File { batch_id, digest, as_of, .. } = file;
    match task {
        Task::Import => account::Command::ImportOpeningBalance(ImportOpeningBalance {
            batch_id: *batch_id,
            row: row.line,
            source_hash: digest.clone(),
            as_of: *as_of,
            items: row.items.clone(),
            unapplied_credit: row.credit,
            deposit: row.deposit,
        }),
        Task::Reverse(reason) => {
            account::Command::ReverseOpeningBalance(ReverseOpeningBalance { batch_id: *batch_id, row: row.line, reason: reason.clone() })
        }
    }
}

/// A refusal of what was to undo another.
fn half_done(error: ImportError) -> ImportError {
    match error {
        ImportError::Faults(faults) => ImportError::HalfDone(faults),
        other @ (ImportError::HalfDone(_) | ImportError::Interrupted(_)) => other,
    }
}

fn interrupted(error: impl std::error::Error + Send + Sync + 'static) -> ImportError {
    ImportError::Interrupted(error.into())
}

struct Faults<'a>(&'a [Fault]);

impl fmt::Display for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|fault| writeln!(f, "  {fault}"))
    }
}
