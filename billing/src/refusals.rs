//! Requests that were refused, recorded as facts so that whoever asked can go on and somebody can look at it.

use std::error::Error;

use daftar_domain::{
    Code, Decider, Reason, StreamName,
    policy::{
        self, RefusedRequest,
        refused::{self, NoteRefusal},
    },
};
use daftar_store::{CommandContext, Engine, ExecuteError};
use uuid::Uuid;

use crate::follower::Interruption;

/// Asks a stream in the name of a policy. What the rules refuse is noted, and is nothing to stop at.
pub(crate) async fn ask<D: Decider>(
    engine: &Engine,
    context: &CommandContext,
    stream: &StreamName,
    command: D::Command,
) -> Result<(), Interruption>
where
    D::Rejection: Error + Send + Sync + 'static,
{
    match refusal(engine.execute::<D>(stream, context, command).await).map_err(Interruption::Execution)? {
        Some(reason) => refused(engine, context, stream, &reason).await,
        None => Ok(()),
    }
}

/// What a policy wanted of a stream because of an event, and cannot have.
pub(crate) async fn refused(engine: &Engine, context: &CommandContext, stream: &StreamName, reason: &str) -> Result<(), Interruption> {
    let policy = context.actor.as_str().trim_start_matches("policy:");
    let refused = Refused { policy, event_id: Some(context.causation_id), stream, reason };
    note(engine, context, refused).await.map_err(Interruption::Execution)
}

/// What was asked of a stream, by whom, because of which event, and why it was refused.
pub(crate) struct Refused<'a> {
    pub policy: &'a str,
    pub event_id: Option<Uuid>,
    pub stream: &'a StreamName,
    pub reason: &'a str,
}

/// Named by the request, and a command of its own: the request's id stays free for who asks again once the reason has gone.
pub(crate) async fn note(
    engine: &Engine,
    context: &CommandContext,
    Refused { policy, event_id, stream, reason }: Refused<'_>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    tracing::warn!(policy, %stream, ?event_id, %reason, "what was asked of a stream was refused");
    let reason = Reason::new(shortened(reason))?;
    let wish =
        refused::Command::NoteRefusal(NoteRefusal { policy: Code::new(policy)?, event_id, stream: Code::new(stream.as_str())?, reason });
    let noting = CommandContext { command_id: policy::request_id(context.command_id, "noteRefusal"), ..context.clone() };
    match engine.execute::<RefusedRequest>(&StreamName::of::<RefusedRequest>(context.command_id), &noting, wish).await {
        // Told again, perhaps with another reason: that it was refused is known.
        Ok(_) | Err(ExecuteError::Rejected(_) | ExecuteError::IdempotencyKeyReused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Why the rules said no, if they did; what else went wrong is an error.
pub(crate) fn refusal<E, R>(outcome: Result<E, ExecuteError<R>>) -> Result<Option<String>, Box<dyn Error + Send + Sync>>
where
    R: Error + Send + Sync + 'static,
{
    match outcome {
        Ok(_) => Ok(None),
        Err(ExecuteError::Rejected(rejection)) => Ok(Some(rejection.to_string())),
        Err(error @ ExecuteError::IdempotencyKeyReused { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// As long as a reason may be.
fn shortened(reason: &str) -> String {
    reason.chars().take(200).collect()
}
