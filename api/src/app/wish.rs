//! Something that somebody asks to be done, once, however often they ask.

use chrono::{DateTime, Utc};
use daftar_domain::{Actor, CommandHash, Decider, Position, Sealed, SealedFor, StreamName, account::Account, ids, ids::AccountId};
use daftar_projections::MODELS;
use daftar_store::{CommandContext, ExecuteError, keyring::By};
use futures::{StreamExt, TryStreamExt, future::join_all};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::App;
use crate::{
    caller::{Caller, Visible},
    input,
    problem::Problem,
};

/// Who asks, for what, and under which key. All ids of what comes of it follow from these.
#[derive(Debug)]
pub struct Wish<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub context: CommandContext,
}

/// A write, and whether the read models show it already.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub position: Position,
    pub readable: bool,
}

impl<'a> Wish<'a> {
    pub fn new(app: &'a App, caller: &'a Caller, name: &str, key: &str, now: DateTime<Utc>) -> Result<Self, Problem> {
        let context = CommandContext::new(caller.actor()?, name, &input::idempotency_key(key)?, now);
        // Neither the key nor the input: people type what they like into both.
        tracing::info!(command = %context.command_id, correlation = %context.correlation_id, wish = name, "asked for");
        Ok(Self { app, caller, context })
    }

    pub fn actor(&self) -> Actor {
        self.context.actor.clone()
    }

    /// The account that somebody asks for. One that is not there, or not theirs, is not found, and no key is made for it.
    pub async fn account(&self, id: &str) -> Result<Visible, Problem> {
        let account = self.caller.account(input::id("accountId", id, AccountId::new)?)?;
        if self.exists(&StreamName::of::<Account>(account.id())).await? { Ok(account) } else { Err(Problem::NotFound) }
    }

    /// The id of something that this wish creates.
    pub fn created<T>(&self, category: &str, id: impl FnOnce(Uuid) -> T) -> T {
        id(ids::created_id(self.context.command_id, category))
    }

    /// The id of something that this wish creates in something that is there: in another it would be another, under the same key too.
    pub fn created_in<T>(&self, place: impl Into<Uuid>, what: &str, id: impl FnOnce(Uuid) -> T) -> T {
        id(ids::created_id(ids::created_id(self.context.command_id, &place.into().to_string()), what))
    }

    pub async fn seal(&self, account: AccountId, purpose: SealedFor, clear: &str) -> Result<Sealed, Problem> {
        Ok(self.app.keyring.seal(account, purpose, clear).await?)
    }

    /// What is forgotten at once when the person asks.
    pub async fn seal_contact(&self, account: AccountId, clear: &str) -> Result<Sealed, Problem> {
        self.seal(account, SealedFor::Contact, clear).await
    }

    /// A name by which staff find the account.
    pub async fn seal_name(&self, account: AccountId, clear: &str) -> Result<Sealed, Problem> {
        Ok(self.app.keyring.seal_findable(account, SealedFor::Contact, By::Name, clear).await?)
    }

    /// A number by which staff find the account.
    pub async fn seal_phone(&self, account: AccountId, clear: &str) -> Result<Sealed, Problem> {
        Ok(self.app.keyring.seal_findable(account, SealedFor::Contact, By::Phone, clear).await?)
    }

    /// Asks one aggregate, and waits until what it did can be read.
    pub async fn ask<D: Decider>(&self, id: impl Into<Uuid>, command: D::Command) -> Result<Written, Problem>
    where
        Problem: From<ExecuteError<D::Rejection>>,
    {
        let said = CommandHash::of(&command);
        self.ask_as::<D>(id, command, said).await
    }

    /// As [`ask`](Self::ask), where the command carries more than was said: see [`daftar_store::Engine::execute_as`].
    pub async fn ask_as<D: Decider>(&self, id: impl Into<Uuid>, command: D::Command, said: CommandHash) -> Result<Written, Problem>
    where
        Problem: From<ExecuteError<D::Rejection>>,
    {
        let (stream, span) = (StreamName::of::<D>(id), span::<D>(&self.context));
        let outcome = self.app.engine.execute_as::<D>(&stream, &self.context, command, said).instrument(span).await?;
        // Without an event there is nothing that the wish could have been about.
        self.written(&[D::CATEGORY], outcome.position().ok_or(Problem::NotFound)?).await
    }

    /// Asks an aggregate for a part of the wish. Each part has a name, so that one stream can be asked for several.
    pub async fn ask_part<D: Decider>(&self, part: &str, id: impl Into<Uuid>, command: D::Command) -> Result<Option<Position>, Problem>
    where
        Problem: From<ExecuteError<D::Rejection>>,
    {
        let context = self.part(part);
        let span = span::<D>(&context);
        Ok(self.app.engine.execute::<D>(&StreamName::of::<D>(id), &context, command).instrument(span).await?.position())
    }

    /// A part of the wish, with an id of its own.
    pub fn part(&self, part: &str) -> CommandContext {
        CommandContext { command_id: ids::created_id(self.context.command_id, part), ..self.context.clone() }
    }

    /// Whether anything has ever happened to it.
    pub async fn exists(&self, stream: &StreamName) -> Result<bool, Problem> {
        Ok(self.app.engine.store().read(stream, 0).take(1).try_next().await?.is_some())
    }

    /// Waits for the read models that show these categories.
    pub async fn written(&self, categories: &[&str], position: Position) -> Result<Written, Problem> {
        let concerned = MODELS.iter().filter(|model| categories.iter().any(|category| model.needs(category)));
        let readable = join_all(concerned.map(|model| self.app.readable(model.name, position))).await;
        Ok(Written { position, readable: readable.into_iter().all(|readable| readable) })
    }
}

/// Of a command on its way to one aggregate.
fn span<D: Decider>(context: &CommandContext) -> Span {
    tracing::debug_span!("command", id = %context.command_id, correlation = %context.correlation_id, category = D::CATEGORY)
}
