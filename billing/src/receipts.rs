//! Money that somebody took at a till, found in the bank, or took back.
//!
//! What the outside calls a payment is one payment in all of the deployment: the reference is reserved for the account before the payment is recorded,
//! and whoever reports it for another account is told so.

use daftar_domain::{
    CommandHash, StreamName,
    account::{self, Account, RecordPayment, ReversalCause, ReversePayment},
    ids::AccountId,
    policy,
    reservation::{self, Release, Reservation, Reserve, Unique},
};
use daftar_store::{CommandContext, Engine, ExecuteError, Outcome};

type Recorded = Result<Outcome<account::Event>, ExecuteError<account::Rejection>>;

/// Records a payment under its reference. A try that ended between the two is made good by the next.
pub async fn record_payment(engine: &Engine, context: &CommandContext, account_id: AccountId, wish: RecordPayment) -> Recorded {
    let reference = Unique::payment_reference(wish.tender, &wish.channel, &wish.external_reference).reservation_id();
    let stream = StreamName::of::<Reservation>(reference);
    let (account, command) = (StreamName::of::<Account>(account_id), account::Command::RecordPayment(wish));
    // What the account refuses anyway shall leave no trace.
    engine.check::<Account>(&account, context, command.clone(), CommandHash::of(&command)).await?;
    let reserve = reservation::Command::Reserve(Reserve { holder: account_id.into() });
    engine.execute::<Reservation>(&stream, &step(context, "reserve"), reserve).await.map_err(of_account)?;
    let recorded = engine.execute::<Account>(&account, context, command).await;
    if let Err(ExecuteError::Rejected(_)) = &recorded {
        release_unless_used(engine, context, account_id, &stream).await?;
    }
    recorded
}

/// Takes a payment back. What was recorded by mistake may be recorded where it belongs, under the same reference.
pub async fn reverse_payment(engine: &Engine, context: &CommandContext, account_id: AccountId, wish: ReversePayment) -> Recorded {
    let (payment_id, cause, account) = (wish.payment_id, wish.cause, StreamName::of::<Account>(account_id));
    let reversed = engine.execute::<Account>(&account, context, account::Command::ReversePayment(wish)).await?;
    if cause == ReversalCause::Mistake
        && let Some(reference) = engine.look::<Account>(&account).await?.receivable().reference(payment_id)
    {
        release(engine, context, account_id, &StreamName::of::<Reservation>(reference)).await?;
    }
    Ok(reversed)
}

/// A payment that was refused leaves its reference to whoever has a better one, unless there was one under it before.
async fn release_unless_used(
    engine: &Engine,
    context: &CommandContext,
    account_id: AccountId,
    reference: &StreamName,
) -> Result<(), ExecuteError<account::Rejection>> {
    let account = engine.look::<Account>(&StreamName::of::<Account>(account_id)).await?;
    let used = account.receivable().references().any(|used| StreamName::of::<Reservation>(used) == *reference);
    if used { Ok(()) } else { release(engine, context, account_id, reference).await }
}

async fn release(
    engine: &Engine,
    context: &CommandContext,
    account_id: AccountId,
    reference: &StreamName,
) -> Result<(), ExecuteError<account::Rejection>> {
    let release = reservation::Command::Release(Release { holder: account_id.into() });
    match engine.execute::<Reservation>(reference, &step(context, "release"), release).await {
        // It is another's by now.
        Ok(_) | Err(ExecuteError::Rejected(reservation::Rejection::Taken { .. })) => Ok(()),
        Err(error) => Err(of_account(error)),
    }
}

/// A reference can be reserved, released and reserved again for one wish: each time is a command of its own.
fn step(context: &CommandContext, name: &str) -> CommandContext {
    let command_id = policy::request_id(context.command_id, &format!("{name} {}", context.now.to_rfc3339()));
    CommandContext { command_id, causation_id: context.command_id, ..context.clone() }
}

/// A reference that another account holds is one that was used before.
fn of_account(error: ExecuteError<reservation::Rejection>) -> ExecuteError<account::Rejection> {
    match error {
        ExecuteError::Rejected(reservation::Rejection::Taken { .. }) => ExecuteError::Rejected(account::Rejection::PaymentReferenceReused),
        ExecuteError::IdempotencyKeyReused { command_id } => ExecuteError::IdempotencyKeyReused { command_id },
        ExecuteError::Contended { stream } => ExecuteError::Contended { stream },
        ExecuteError::Unreadable(error) => ExecuteError::Unreadable(error),
        ExecuteError::Append(error) => ExecuteError::Append(error),
        ExecuteError::Store(error) => ExecuteError::Store(error),
    }
}
