//! The port over EventStoreDB's own protocol.

use std::{future::ready, sync::Arc};

use async_trait::async_trait;
use daftar_domain::{Position, StreamName};
use eventstore_client::{
    self as esdb, Actual, Client, Filter, ReadAll, ReadStream, ResolvedEvent, Settings, SubscribeToAll, SubscriptionEvent, TlsError,
};
use futures::{StreamExt, TryFutureExt, TryStreamExt, future};

use crate::{
    AppendError, Appended, ContentType, EventReader, EventStream, EventWriter, Expected, FollowStream, Followed, NewEvent, Scope,
    StoreError, StoredEvent, log::MAX_APPEND_SIZE,
};

/// How many events a filtered subscription passes over before it says how far it is.
const CHECKPOINT_EVERY: u32 = 1000;

/// A cluster, or our own node.
#[derive(Clone, Debug)]
pub struct EventStoreDb {
    client: Client,
    name: Arc<str>,
}

impl EventStoreDb {
    /// Nothing is sent yet: a server that is down fails the calls made meanwhile, and is found when it is back.
    pub fn connect(settings: Settings) -> Result<Self, TlsError> {
        let name = settings.to_string().into();
        Ok(Self { client: Client::connect(settings)?, name })
    }

    fn failure(&self, error: esdb::Error) -> StoreError {
        let store = self.name.to_string();
        match error {
            esdb::Error::StreamDeleted { stream } => StoreError::StreamDeleted { stream },
            esdb::Error::AccessDenied | esdb::Error::Unauthenticated => StoreError::AccessDenied { store },
            esdb::Error::DeadlineExceeded => StoreError::DeadlineExceeded { store },
            error @ (esdb::Error::Unavailable { .. } | esdb::Error::NoSuitableNode { .. } | esdb::Error::NotLeader { .. }) => {
                StoreError::Unavailable { store, source: error.into() }
            }
            error => StoreError::Failed { store, source: error.into() },
        }
    }

    fn append_failure(&self, error: esdb::Error, expected: Expected, size: usize, stream: &StreamName) -> AppendError {
        let stream = stream.to_string();
        match error {
            esdb::Error::WrongExpectedVersion { actual: Actual::Revision(revision), .. } => {
                AppendError::WrongExpected { stream, expected, actual: Some(revision) }
            }
            esdb::Error::WrongExpectedVersion { actual: Actual::NoStream, .. } => {
                AppendError::WrongExpected { stream, expected, actual: None }
            }
            esdb::Error::AppendTooLarge { maximum } | esdb::Error::EventTooLarge { maximum, .. } => {
                let limit = maximum.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MAX_APPEND_SIZE);
                AppendError::TooLarge { stream, size, limit }
            }
            error => self.failure(error).into(),
        }
    }
}

impl EventReader for EventStoreDb {
    fn read(&self, stream: &StreamName, revision: u64) -> EventStream {
        let (this, stream) = (self.clone(), stream.to_string());
        let events = async move {
            let read = this.client.read_stream(&stream, ReadStream::forwards().from(revision)).await;
            match read {
                Ok(events) => Ok(events.map_ok(stored).map_err(move |error| this.failure(error)).left_stream()),
                Err(esdb::Error::StreamNotFound { .. }) => Ok(futures::stream::empty().right_stream()),
                Err(error) => Err(this.failure(error)),
            }
        };
        events.try_flatten_stream().boxed()
    }

    fn read_all(&self, after: Option<Position>, scope: Scope) -> EventStream {
        let this = self.clone();
        let events = async move {
            let read = ReadAll::forwards().filter(filter(&scope));
            let read = match after {
                Some(position) => read.from(to_wire(position)),
                None => read,
            };
            // The server may search for long between two matches: whether it lives is the keep-alive's business here.
            let events = this.client.with_deadline(None).read_all(read).await.map_err(|error| this.failure(error))?;
            Ok(events.map_ok(stored).map_err(move |error| this.failure(error)))
        };
        // A read begins with the event at the position; the port begins after it.
        events.try_flatten_stream().try_filter(move |event| ready(Some(event.position) > after)).boxed()
    }

    fn subscribe(&self, after: Option<Position>, scope: Scope) -> FollowStream {
        let this = self.clone();
        let subscribe = after.map_or_else(SubscribeToAll::from_start, |position| SubscribeToAll::after(to_wire(position)));
        let subscribe = subscribe.filter(filter(&scope).window(CHECKPOINT_EVERY));
        let items = match self.client.subscribe_to_all(subscribe) {
            Ok(items) => items,
            Err(error) => return futures::stream::once(ready(Err(self.failure(error)))).boxed(),
        };
        let mut caught_up = false;
        let followed = items.map_err(move |error| this.failure(error)).try_filter_map(move |item| {
            future::ok(match item {
                SubscriptionEvent::Event(event) => Some(Followed::Event(stored(event))),
                SubscriptionEvent::Checkpoint(position) => Some(Followed::Checkpoint(from_wire(position))),
                // The client says it again after every reconnection; the port says it once.
                SubscriptionEvent::CaughtUp => (!std::mem::replace(&mut caught_up, true)).then_some(Followed::CaughtUp),
            })
        });
        followed.boxed()
    }
}

#[async_trait]
impl EventWriter for EventStoreDb {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, AppendError> {
        if events.is_empty() {
            return Err(AppendError::NoEvents { stream: stream.to_string() });
        }
        // Newer servers take more. What one store took another must take, so the limit is everywhere the same.
        let size: usize = events.iter().map(NewEvent::size).sum();
        if size > MAX_APPEND_SIZE {
            return Err(AppendError::TooLarge { stream: stream.to_string(), size, limit: MAX_APPEND_SIZE });
        }
        let state = match expected {
            Expected::NoStream => esdb::Expected::NoStream,
            Expected::Revision(revision) => esdb::Expected::Exact(revision),
        };
        let events: Vec<_> = events.into_iter().map(new).collect();
        let appended = self.client.append(stream.as_str(), state, events).await;
        match appended.map_err(|error| self.append_failure(error, expected, size, stream))? {
            esdb::Appended { revision: Some(revision), position: Some(position) } => {
                Ok(Appended { revision, position: from_wire(position) })
            }
            esdb::Appended { .. } => {
                let source = "an append of events was answered without their revision or position".into();
                Err(StoreError::Failed { store: self.name.to_string(), source }.into())
            }
        }
    }
}

fn filter(scope: &Scope) -> Filter {
    match scope {
        Scope::Categories(categories) => Filter::stream_prefixes(categories.iter().map(|category| format!("{category}-"))),
        Scope::Everything => Filter::stream_regex("^[^$]"),
    }
}

fn new(event: NewEvent) -> esdb::NewEvent {
    let content_type = match event.content_type {
        ContentType::Json => esdb::ContentType::Json,
        ContentType::Binary => esdb::ContentType::Binary,
    };
    esdb::NewEvent { id: event.id, event_type: event.event_type, content_type, data: event.data, metadata: event.metadata }
}

fn stored(event: ResolvedEvent) -> StoredEvent {
    let event = event.event;
    StoredEvent {
        id: event.id,
        stream: event.stream,
        revision: event.revision,
        position: from_wire(event.position),
        event_type: event.event_type,
        content_type: match event.content_type {
            esdb::ContentType::Json => ContentType::Json,
            esdb::ContentType::Binary => ContentType::Binary,
        },
        created_at: event.created.into(),
        data: event.data,
        metadata: event.metadata,
    }
}

fn to_wire(position: Position) -> esdb::Position {
    esdb::Position { commit: position.commit, prepare: position.prepare }
}

fn from_wire(position: esdb::Position) -> Position {
    Position { commit: position.commit, prepare: position.prepare }
}
