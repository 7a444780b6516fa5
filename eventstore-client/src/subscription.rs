//! Following a stream or `$all` for as long as it is wanted.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures::{Stream, stream};
use tokio::time::{Instant, sleep};
use tonic::Streaming;
use tracing::{debug, warn};

use crate::backoff::Backoff;
use crate::client::{Attempt, Client, until};
use crate::cluster::Node;
use crate::convert::check_stream_name;
use crate::error::{Context, Error};
use crate::event::{Position, ResolvedEvent};
use crate::filter::Filter;
use crate::progress::Subject;
use crate::read::{AllFrom, StreamFrom, common_options};
use crate::wire::Empty;
use crate::wire::streams::read_req::Options;
use crate::wire::streams::read_req::options::{CountOption, FilterOption, ReadDirection, SubscriptionOptions};
use crate::wire::streams::read_resp::Content;
use crate::wire::streams::{ReadReq, ReadResp};

/// What a subscription yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionEvent {
    Event(ResolvedEvent),
    /// A filtered subscription has considered everything up to here.
    Checkpoint(Position),
    /// Everything written when the subscription asked has been yielded. Comes again after every reconnection.
    CaughtUp,
}

/// What to follow of a stream: by default all of it, links as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscribeToStream {
    after: StreamFrom,
    resolve_links: bool,
}

impl SubscribeToStream {
    pub fn from_start() -> Self {
        SubscribeToStream { after: StreamFrom::Start, resolve_links: false }
    }

    /// Only what is written from now on.
    pub fn from_end() -> Self {
        SubscribeToStream { after: StreamFrom::End, resolve_links: false }
    }

    /// What follows the event with this revision.
    pub fn after(revision: u64) -> Self {
        SubscribeToStream { after: StreamFrom::Revision(revision), resolve_links: false }
    }

    /// Yields the events that links point at.
    pub fn resolve_links(self) -> Self {
        SubscribeToStream { resolve_links: true, ..self }
    }
}

/// What to follow of `$all`: by default all of it, links as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscribeToAll {
    after: AllFrom,
    filter: Option<Filter>,
    resolve_links: bool,
}

impl SubscribeToAll {
    pub fn from_start() -> Self {
        SubscribeToAll { after: AllFrom::Start, filter: None, resolve_links: false }
    }

    /// Only what is written from now on.
    pub fn from_end() -> Self {
        SubscribeToAll { after: AllFrom::End, ..Self::from_start() }
    }

    /// What follows this position, be it an event's or a checkpoint's.
    pub fn after(position: Position) -> Self {
        SubscribeToAll { after: AllFrom::Position(position), ..Self::from_start() }
    }

    /// Only events the server lets through.
    pub fn filter(self, filter: Filter) -> Self {
        SubscribeToAll { filter: Some(filter), ..self }
    }

    /// Yields the events that links point at.
    pub fn resolve_links(self) -> Self {
        SubscribeToAll { resolve_links: true, ..self }
    }
}

impl Client {
    /// Follows a stream, whether it exists yet or not.
    ///
    /// Arguments no server accepts are refused here; everything else happens when the subscription is first polled.
    pub fn subscribe_to_stream(&self, stream: &str, subscribe: SubscribeToStream) -> Result<Subscription, Error> {
        check_stream_name(stream)?;
        let subject = Subject::Stream { name: stream.to_owned(), after: subscribe.after };
        Follower::subscription(self, subject, FilterOption::NoFilter(Empty {}), subscribe.resolve_links)
    }

    /// Follows `$all`.
    ///
    /// Arguments no server accepts are refused here; everything else happens when the subscription is first polled.
    pub fn subscribe_to_all(&self, subscribe: SubscribeToAll) -> Result<Subscription, Error> {
        let filter = Filter::to_wire(subscribe.filter.as_ref())?;
        Follower::subscription(self, Subject::All { after: subscribe.after }, filter, subscribe.resolve_links)
    }
}

/// Events for ever: a lost connection is made again, and goes on after the last event or checkpoint that was seen.
///
/// It ends only with an error that no patience can cure (the stream was tombstoned, access denied, a refused argument,
/// an event that cannot be understood), or by being dropped.
pub struct Subscription {
    items: Pin<Box<dyn Stream<Item = Result<SubscriptionEvent, Error>> + Send>>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl Stream for Subscription {
    type Item = Result<SubscriptionEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.items.as_mut().poll_next(task)
    }
}

struct Follower {
    client: Client,
    subject: Subject,
    filter: FilterOption,
    resolve_links: bool,
    backoff: Backoff,
    connection: Option<(Node, Streaming<ReadResp>)>,
}

impl Follower {
    fn subscription(client: &Client, subject: Subject, filter: FilterOption, resolve_links: bool) -> Result<Subscription, Error> {
        subject.option()?;
        let backoff = client.backoff();
        let follower = Follower { client: client.clone(), subject, filter, resolve_links, backoff, connection: None };
        let items = stream::try_unfold(follower, |mut follower| async move {
            let item = follower.next().await?;
            Ok(Some((item, follower)))
        });
        Ok(Subscription { items: Box::pin(items) })
    }

    async fn next(&mut self) -> Result<SubscriptionEvent, Error> {
        loop {
            let error = match self.receive().await {
                Ok(content) => match self.subject.take(content)? {
                    Some(item) => {
                        self.backoff.reset();
                        return Ok(item);
                    }
                    None => continue,
                },
                Err(error) => error,
            };
            if let Some((node, _)) = self.connection.take() {
                self.client.nodes().failed(&node, &error);
            }
            if error.is_final() {
                return Err(error);
            }
            let pause = self.backoff.pause();
            warn!(subject = self.subject.name(), %error, ?pause, "subscription interrupted");
            sleep(pause).await;
        }
    }

    /// The next message, over a new connection if there is none.
    async fn receive(&mut self) -> Result<Option<Content>, Error> {
        if self.connection.is_none() {
            self.connection = Some(self.open().await?);
        }
        let Some((_, messages)) = &mut self.connection else { return Ok(None) };
        match messages.message().await {
            Ok(Some(message)) => Ok(message.content),
            // A proxy may end a call as if all were well; no subscription is ever complete.
            Ok(None) => Err(Error::protocol("the subscription ended")),
            Err(status) => Err(Context::reading(self.subject.name()).error(status)),
        }
    }

    /// Subscribes and waits for the confirmation, no longer than a call may take: afterwards silence is no sign of trouble.
    async fn open(&mut self) -> Result<(Node, Streaming<ReadResp>), Error> {
        self.subject.settle(&self.client).await?;
        let options = Options {
            stream_option: Some(self.subject.option()?),
            read_direction: ReadDirection::Forwards.into(),
            resolve_links: self.resolve_links,
            count_option: Some(CountOption::Subscription(SubscriptionOptions {})),
            ..common_options(self.filter.clone())
        };
        let deadline = self.client.deadline().map(|patience| Instant::now() + patience);
        let node = until(deadline, self.client.nodes().current(self.client.headers())).await?;
        let confirmed = async {
            let request = self.client.headers().request(ReadReq { options: Some(options) }, None);
            let attempt = Attempt { node: node.clone(), patience: None };
            let mut messages = attempt.streams().read(request).await?.into_inner();
            let first = messages.message().await?;
            Ok((messages, first))
        };
        let confirmed = until(deadline, async { confirmed.await.map_err(|status| Context::reading(self.subject.name()).error(status)) });
        let outcome = match confirmed.await {
            Ok((messages, Some(ReadResp { content: Some(Content::Confirmation(confirmation)) }))) => {
                debug!(subject = self.subject.name(), id = confirmation.subscription_id, node = %node.endpoint, "subscribed");
                Ok(messages)
            }
            Ok((_, _)) => Err(Error::protocol("a subscription was not confirmed")),
            Err(error) => Err(error),
        };
        outcome.inspect_err(|error| self.client.nodes().failed(&node, error)).map(|messages| (node.clone(), messages))
    }
}
