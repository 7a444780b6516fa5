//! From a command to durable events: read, fold, decide, append where the decision saw the stream.

use std::{
    any::Any,
    collections::{HashMap, hash_map::Entry},
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, SubsecRound, Utc};
use daftar_domain::{Actor, CommandHash, Decider, EventSchema, Metadata, Position, StreamName, ids};
use futures::TryStreamExt;
use lru::LruCache;
use thiserror::Error;
use uuid::Uuid;

use crate::{AppendError, ContentType, EventWriter, Expected, NewEvent, StoreError, Unreadable};

/// How often a decision is taken again because another process was quicker, before the caller hears of it.
const ATTEMPTS: usize = 16;

/// Streams whose folded state is kept. A utility's hot streams (registers, large accounts) are far fewer.
const CACHED_STREAMS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Who asks, and under which id. The same id asks the same thing again.
#[derive(Clone, Debug)]
pub struct CommandContext {
    pub command_id: Uuid,
    pub actor: Actor,
    pub correlation_id: Uuid,
    pub causation_id: Uuid,
    pub now: DateTime<Utc>,
}

impl CommandContext {
    /// A wish that began with `actor` and not with another event.
    pub fn new(actor: Actor, wish: &str, idempotency_key: &str, now: DateTime<Utc>) -> Self {
        let command_id = ids::command_id(&actor, wish, idempotency_key);
        Self { command_id, actor, correlation_id: command_id, causation_id: command_id, now }
    }

    /// When what follows an event of that time counts as recorded: time never runs backwards in a stream.
    fn recorded_after(&self, before: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let now = self.now.trunc_subsecs(6);
        before.map_or(now, |before| before.max(now))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<E> {
    /// These events are durable; `position` is that of the last.
    Recorded { events: Vec<E>, position: Position },
    /// The wish already held, or this very command was carried out before. `position` is that of the stream's last event.
    AlreadyTrue { position: Option<Position> },
}

impl<E> Outcome<E> {
    /// What a reader must have seen to see this command's effect.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Recorded { position, .. } => Some(*position),
            Self::AlreadyTrue { position } => *position,
        }
    }
}

#[derive(Debug, Error)]
pub enum ExecuteError<R: std::error::Error + 'static> {
    /// The rules say no. Everything else here is a failure or a misuse, not an answer.
    #[error(transparent)]
    Rejected(R),
    #[error("this idempotency key was used for another command")]
    IdempotencyKeyReused { command_id: Uuid },
    #[error("`{stream}` changed {ATTEMPTS} times while the command was being decided")]
    Contended { stream: StreamName },
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Append(AppendError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A stream as someone else has read it: where it stood, and its state as far as the command depends on it.
///
/// The state may lack what does not matter to the command. Only an append at this very place is decided from it, and it is not kept.
#[derive(Clone, Debug, Default)]
pub struct Seen<D> {
    pub state: D,
    /// Of the last event; none if there is no stream.
    pub revision: Option<u64>,
    pub recorded_at: Option<DateTime<Utc>>,
}

/// What tells processes the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Executes commands over a store, keeping the folded state of hot streams.
#[derive(Clone)]
pub struct Engine {
    store: Arc<dyn EventWriter>,
    clock: Clock,
    cache: Arc<Mutex<LruCache<StreamName, Slot>>>,
}

/// The state of one stream, or nothing while unknown. Locked for the whole of a command, so that one process never races itself.
type Slot = Arc<tokio::sync::Mutex<Option<Box<dyn Any + Send>>>>;

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    pub fn new(store: Arc<dyn EventWriter>) -> Self {
        Self { store, clock: Arc::new(Utc::now), cache: Arc::new(Mutex::new(LruCache::new(CACHED_STREAMS))) }
    }

    /// By another clock than the machine's: for whoever tells a history that was not lived through.
    pub fn by_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// What time it is for the processes that send their commands through here.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    pub fn store(&self) -> &Arc<dyn EventWriter> {
        &self.store
    }

    pub async fn execute<D: Decider>(
        &self,
        stream: &StreamName,
        context: &CommandContext,
        command: D::Command,
    ) -> Result<Outcome<D::Event>, ExecuteError<D::Rejection>> {
        let said = CommandHash::of(&command);
        self.execute_as::<D>(stream, context, command, said).await
    }

    /// As [`execute`](Self::execute), where the command carries more than somebody said: the time it is, the rules of the day. A repeat is
    /// known by what was `said`, for it is said again when both have moved on.
    pub async fn execute_as<D: Decider>(
        &self,
        stream: &StreamName,
        context: &CommandContext,
        command: D::Command,
        said: CommandHash,
    ) -> Result<Outcome<D::Event>, ExecuteError<D::Rejection>> {
        let slot = self.slot(stream);
        let mut slot = slot.lock().await;
        let cached = History::<D>::taken_out(&mut slot);
        let from_cache = cached.is_some();
        let mut history = cached.unwrap_or_default();
        if !from_cache {
            history.read_on(&*self.store, stream).await?;
        }
        let outcome = self.decide_and_append(stream, context, (command, said), &mut history, from_cache).await;
        if let Ok(_) | Err(ExecuteError::Rejected(_) | ExecuteError::IdempotencyKeyReused { .. }) = &outcome {
            *slot = Some(Box::new(history));
        }
        outcome
    }

    /// As [`execute_as`](Self::execute_as), for whoever has seen the stream already, in a read model or by having made its name up. If the
    /// stream does not stand there, or there is nothing to append, it is read like any other.
    ///
    /// A repeat is recognised by its ids alone, so a command id must stand for one content: derive it from what is done, never from a key that a caller chose.
    pub async fn execute_from<D: Decider>(
        &self,
        stream: &StreamName,
        context: &CommandContext,
        command: D::Command,
        said: CommandHash,
        seen: Seen<D>,
    ) -> Result<Outcome<D::Event>, ExecuteError<D::Rejection>> {
        let Seen { state, revision, recorded_at } = seen;
        if let Ok(events) = state.decide(command.clone())
            && !events.is_empty()
        {
            let recorded_at = context.recorded_after(recorded_at);
            let new = encode(stream, context, said, recorded_at, &events);
            match self.store.append(stream, Expected::last(revision), new).await {
                Ok(appended) => return Ok(Outcome::Recorded { events, position: appended.position }),
                Err(AppendError::WrongExpected { .. }) => {}
                Err(error) => return Err(ExecuteError::Append(error)),
            }
        }
        self.execute_as::<D>(stream, context, command, said).await
    }

    /// What a stream comes to at this moment: to look at, for only a decision that is appended is guarded by what it saw.
    pub async fn look<D: Decider + Clone>(&self, stream: &StreamName) -> Result<D, ExecuteError<D::Rejection>> {
        let slot = self.slot(stream);
        let mut slot = slot.lock().await;
        let mut history = History::<D>::taken_out(&mut slot).unwrap_or_default();
        history.read_on(&*self.store, stream).await?;
        let state = history.state.clone();
        *slot = Some(Box::new(history));
        Ok(state)
    }

    /// Whether [`execute_as`](Self::execute_as) would be refused at this moment: for whoever is about to ask several streams, and had better ask
    /// none if one of them says no. Nothing is guarded by it.
    pub async fn check<D: Decider>(
        &self,
        stream: &StreamName,
        context: &CommandContext,
        command: D::Command,
        said: CommandHash,
    ) -> Result<(), ExecuteError<D::Rejection>> {
        let slot = self.slot(stream);
        let mut slot = slot.lock().await;
        let mut history = History::<D>::taken_out(&mut slot).unwrap_or_default();
        history.read_on(&*self.store, stream).await?;
        let answer = match history.commands.get(&context.command_id) {
            Some(before) if *before == said => Ok(()),
            Some(_) => Err(ExecuteError::IdempotencyKeyReused { command_id: context.command_id }),
            None => history.state.decide(command).map(drop).map_err(ExecuteError::Rejected),
        };
        *slot = Some(Box::new(history));
        answer
    }

    async fn decide_and_append<D: Decider>(
        &self,
        stream: &StreamName,
        context: &CommandContext,
        (command, hash): (D::Command, CommandHash),
        history: &mut History<D>,
        from_cache: bool,
    ) -> Result<Outcome<D::Event>, ExecuteError<D::Rejection>> {
        let mut may_be_stale = from_cache;
        for _ in 0..ATTEMPTS {
            match history.commands.get(&context.command_id) {
                Some(before) if *before == hash => return Ok(Outcome::AlreadyTrue { position: history.position }),
                Some(_) => return Err(ExecuteError::IdempotencyKeyReused { command_id: context.command_id }),
                None => {}
            }
            match history.state.decide(command.clone()) {
                // Only an append is guarded by the expected revision. "Nothing to do" and "no" must not come from a stale state.
                Ok(events) if events.is_empty() && !may_be_stale => return Ok(Outcome::AlreadyTrue { position: history.position }),
                Err(rejection) if !may_be_stale => return Err(ExecuteError::Rejected(rejection)),
                Ok(events) if !events.is_empty() => {
                    let recorded_at = context.recorded_after(history.recorded_at);
                    let new = encode(stream, context, hash, recorded_at, &events);
                    match self.store.append(stream, Expected::last(history.revision), new).await {
                        Ok(appended) => {
                            history.state = events.iter().fold(std::mem::take(&mut history.state), D::evolve);
                            history.revision = Some(appended.revision);
                            history.position = Some(appended.position);
                            history.recorded_at = Some(recorded_at);
                            history.commands.insert(context.command_id, hash);
                            return Ok(Outcome::Recorded { events, position: appended.position });
                        }
                        Err(AppendError::WrongExpected { .. }) => {}
                        Err(error) => return Err(ExecuteError::Append(error)),
                    }
                }
                Ok(_) | Err(_) => {}
            }
            history.read_on(&*self.store, stream).await?;
            may_be_stale = false;
        }
        Err(ExecuteError::Contended { stream: stream.clone() })
    }

    fn slot(&self, stream: &StreamName) -> Slot {
        let mut cache = self.cache.lock().expect("no one panics while holding the cache");
        cache.get_or_insert(stream.clone(), Slot::default).clone()
    }
}

/// A stream as folded so far.
#[derive(Debug)]
struct History<D> {
    state: D,
    revision: Option<u64>,
    position: Option<Position>,
    recorded_at: Option<DateTime<Utc>>,
    /// Every command that left events here: a retry is recognised however much has happened since.
    commands: HashMap<Uuid, CommandHash>,
}

impl<D: Decider> Default for History<D> {
    fn default() -> Self {
        Self { state: D::default(), revision: None, position: None, recorded_at: None, commands: HashMap::new() }
    }
}

impl<D: Decider> History<D> {
    /// Taken out, not borrowed: if the future is dropped or fails half-way, what is left is "unknown", never a half-truth.
    fn taken_out(slot: &mut Option<Box<dyn Any + Send>>) -> Option<Self> {
        slot.take().and_then(|state| state.downcast::<Self>().ok()).map(|history| *history)
    }

    /// Folds what the stream holds beyond what has been folded.
    async fn read_on(&mut self, store: &dyn EventWriter, stream: &StreamName) -> Result<(), ExecuteError<D::Rejection>> {
        let mut events = store.read(stream, self.revision.map_or(0, |last| last + 1));
        while let Some(stored) = events.try_next().await? {
            let recorded = stored.decode::<D::Event>()?;
            self.state = std::mem::take(&mut self.state).evolve(&recorded.event);
            self.revision = Some(recorded.revision);
            self.position = Some(recorded.position);
            self.recorded_at = self.recorded_at.max(Some(recorded.metadata.recorded_at));
            if let Entry::Vacant(entry) = self.commands.entry(recorded.metadata.command_id) {
                entry.insert(recorded.metadata.command_hash);
            }
        }
        Ok(())
    }
}

fn encode<E: EventSchema>(
    stream: &StreamName,
    context: &CommandContext,
    command_hash: CommandHash,
    recorded_at: DateTime<Utc>,
    events: &[E],
) -> Vec<NewEvent> {
    let encode = |(index, event): (usize, &E)| {
        let metadata = Metadata {
            recorded_at,
            actor: context.actor.clone(),
            command_id: context.command_id,
            command_hash,
            correlation_id: context.correlation_id,
            causation_id: context.causation_id,
            schema_version: event.version(),
        };
        NewEvent {
            id: ids::event_id(context.command_id, stream, index),
            event_type: event.event_type().to_owned(),
            content_type: ContentType::Json,
            data: event.encode().into(),
            metadata: metadata.encode().into(),
        }
    };
    events.iter().enumerate().map(encode).collect()
}
