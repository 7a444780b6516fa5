//! The client: where calls begin, and how often and how long each is tried.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;

use crate::backoff::Backoff;
use crate::batch::Batches;
use crate::cluster::{Member, Node, Nodes, gossip};
use crate::connection::Connector;
use crate::error::{Context, Error};
use crate::headers::Headers;
use crate::settings::{Credentials, Settings};
use crate::tls::TlsError;
use crate::wire::Empty;
use crate::wire::server_features::server_features_client::ServerFeaturesClient;
use crate::wire::streams::streams_client::StreamsClient;

/// The largest message taken from a server; an event is at most 16 MiB.
const LARGEST_MESSAGE: usize = 32 * 1024 * 1024;

/// A connection to an event store that outlives its servers. Cloning is cheap and shares the connection.
///
/// Nothing is sent before the first call, a server that is down fails only the calls made meanwhile, and a call that
/// may be repeated is, with growing pauses, until [`Settings::default_deadline`] or [`Settings::max_discover_attempts`].
/// Which calls may be repeated: reads always; an append that expects `NoStream` or an exact revision always, because
/// the server recognises its events by id at the place they were to be written; any other change only if the server
/// certainly never got it, or said that it is not the leader.
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
    nodes: Arc<Nodes>,
    headers: Headers,
    deadline: Option<Duration>,
    batches: Batches,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether a call whose fate is unknown may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Harmless,
    Harmful,
}

/// One try of a call.
pub(crate) struct Attempt {
    pub node: Node,
    /// What is left of the call's time.
    pub patience: Option<Duration>,
}

impl Attempt {
    pub(crate) fn streams(&self) -> StreamsClient<tonic::transport::Channel> {
        StreamsClient::new(self.node.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE)
    }
}

impl Client {
    /// A client for these settings. Only certificates that cannot be used make this fail.
    pub fn connect(settings: Settings) -> Result<Self, TlsError> {
        let settings = Arc::new(settings);
        let connector = Connector::new(&settings)?;
        Ok(Client {
            headers: Headers::new(&settings),
            nodes: Arc::new(Nodes::new(settings.clone(), connector)),
            deadline: settings.default_deadline,
            settings,
            batches: Batches::default(),
        })
    }

    /// The same connection, with another patience: `None` waits for ever.
    pub fn with_deadline(&self, deadline: impl Into<Option<Duration>>) -> Self {
        Client { deadline: deadline.into(), ..self.clone() }
    }

    /// The same connection, used by somebody else.
    pub fn with_credentials(&self, credentials: &Credentials) -> Self {
        // The running batch call was opened under the old name.
        Client { headers: self.headers.with_credentials(credentials), batches: Batches::default(), ..self.clone() }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The members of the cluster, as the node in use sees them.
    pub async fn gossip(&self) -> Result<Vec<Member>, Error> {
        self.call(Repeat::Harmless, async |attempt| gossip(attempt.node.channel, &self.headers).await).await
    }

    /// What the server is and which calls it knows.
    pub async fn server_features(&self) -> Result<ServerFeatures, Error> {
        let answer = self.call(Repeat::Harmless, async |attempt| {
            let mut client = ServerFeaturesClient::new(attempt.node.channel);
            let answer = client.get_supported_methods(self.headers.request(Empty {}, attempt.patience)).await;
            answer.map_err(|status| Context::NONE.error(status))
        });
        let answer = answer.await?.into_inner();
        let methods = answer.methods.into_iter().map(|m| Method { service: m.service_name, method: m.method_name, features: m.features });
        Ok(ServerFeatures { version: answer.event_store_server_version, methods: methods.collect() })
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(crate) fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    pub(crate) fn batches(&self) -> &Batches {
        &self.batches
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.settings.discovery_interval)
    }

    /// Makes the call until it succeeds, must not be repeated, or has taken too long.
    pub(crate) async fn call<T, F>(&self, repeat: Repeat, mut call: impl FnMut(Attempt) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let deadline = self.deadline.map(|patience| Instant::now() + patience);
        let mut backoff = self.backoff();
        let mut attempts = 1;
        loop {
            let error = match self.attempt(deadline, &mut call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let repeatable = error.nothing_happened() || (repeat == Repeat::Harmless && error.is_transient());
            let pause = backoff.pause();
            let too_late = deadline.is_some_and(|deadline| Instant::now() + pause >= deadline);
            if !repeatable || too_late || attempts >= self.settings.max_discover_attempts {
                return Err(error);
            }
            debug!(%error, attempts, ?pause, "trying again");
            sleep(pause).await;
            attempts += 1;
        }
    }

    async fn attempt<T, F>(&self, deadline: Option<Instant>, call: &mut impl FnMut(Attempt) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let node = until(deadline, self.nodes.current(&self.headers)).await?;
        let patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let outcome = until(deadline, call(Attempt { node: node.clone(), patience })).await;
        if let Err(error) = &outcome {
            self.nodes.failed(&node, error);
        }
        outcome
    }
}

pub(crate) async fn until<T>(deadline: Option<Instant>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match deadline {
        None => work.await,
        Some(deadline) => timeout_at(deadline, work).await.unwrap_or(Err(Error::DeadlineExceeded)),
    }
}

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFeatures {
    /// For example `24.10.2`.
    pub version: String,
    pub methods: Vec<Method>,
}

/// A call the server knows, by its names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    pub service: String,
    pub method: String,
    pub features: Vec<String>,
}

impl ServerFeatures {
    /// Whether the server knows the call, in any spelling of its names.
    pub fn supports(&self, service: &str, method: &str) -> bool {
        self.methods.iter().any(|m| m.service.eq_ignore_ascii_case(service) && m.method.eq_ignore_ascii_case(method))
    }
}
