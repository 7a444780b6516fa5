//! A log served over EventStoreDB's own protocol, so that any of its clients can read it.
//!
//! Streams, ServerFeatures and Gossip are spoken, and `GET /health/live`. Everything else answers UNIMPLEMENTED.

mod access;
mod batch;
mod cluster;
mod connection;
mod filter;
mod read;
mod refusal;
mod request;
mod response;
mod stop;
mod streams;
mod subscription;

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::{http::StatusCode, routing};
use eventstore_client::wire::{
    gossip::gossip_server::GossipServer, server_features::server_features_server::ServerFeaturesServer,
    streams::streams_server::StreamsServer,
};
use thiserror::Error;
use tokio::net::TcpListener;
use tonic::{service::Routes, transport::Server};

use crate::log::Log;
use cluster::Cluster;
use stop::{Stage, Stop};
use streams::Service;

/// EventStoreDB's clients send and take up to 17 MiB; what is too much for one append is refused in EventStoreDB's own words, so it must
/// be let in first.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// Room for what clients send before they hear that it was read.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long a stopping node waits for its last answers to be taken.
const GRACE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct NodeOptions {
    pub listener: TcpListener,
    /// The host and port that clients are told to come to; the listener's own if none is given.
    pub advertised: Option<(String, u16)>,
    pub access: Access,
    pub tls: Option<TlsIdentity>,
}

/// Who may write. Reading is open to whoever can reach the listener, which is why it belongs on loopback.
#[derive(Clone)]
pub enum Access {
    /// Nobody.
    ReadOnly,
    /// Whoever knows these.
    Credentials { user: String, password: String },
    /// Everybody: for tests.
    Open,
}

/// Who the node is: a PEM certificate chain and the PEM key to it.
#[derive(Clone)]
pub struct TlsIdentity {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

#[derive(Debug, Error)]
pub enum NodeError {
    #[error("the listener has no address")]
    Address(#[source] io::Error),
    #[error("the certificate or its key cannot be used")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the node cannot serve")]
    Serve(#[source] tonic::transport::Error),
}

/// Serves the log until `shutdown`. Subscriptions end with UNAVAILABLE then, so that their clients come back; dropping the future cuts
/// every connection at once.
pub async fn serve(log: Log, options: NodeOptions, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), NodeError> {
    let NodeOptions { listener, advertised, access, tls } = options;
    let address = listener.local_addr().map_err(NodeError::Address)?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the node is not on loopback: whoever reaches it can read the whole log");
    }
    let advertised = advertised.unwrap_or_else(|| own_address(address));
    let (stage, stop) = stop::stages();
    let incoming = connection::accept(listener, tls, stop.clone())?;
    let shutting_down = {
        let stage = stage.clone();
        async move {
            shutdown.await;
            stage.send_replace(Stage::Stopping);
        }
    };
    let serving = Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_routes(routes(log, access, advertised, stop.clone()))
        .serve_with_incoming_shutdown(incoming, shutting_down);
    let cutting_off = async move {
        stop.stopping().await;
        tokio::time::sleep(GRACE).await;
        stage.send_replace(Stage::Cut);
        std::future::pending().await
    };
    tokio::select! {
        served = serving => served.map_err(NodeError::Serve),
        () = cutting_off => Ok(()),
    }
}

fn routes(log: Log, access: Access, advertised: (String, u16), stop: Stop) -> Routes {
    let cluster = Cluster::new(advertised);
    let streams = StreamsServer::new(Service::new(log, access, stop)).max_decoding_message_size(MAX_MESSAGE);
    let routes = Routes::new(streams).add_service(GossipServer::new(cluster.clone())).add_service(ServerFeaturesServer::new(cluster));
    routes.into_axum_router().route("/health/live", routing::get(async || StatusCode::NO_CONTENT)).into()
}

/// What to tell clients when nobody said: a listener on every address is at least on this one.
fn own_address(address: SocketAddr) -> (String, u16) {
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    (host, address.port())
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "ReadOnly",
            Self::Credentials { .. } => "Credentials",
            Self::Open => "Open",
        })
    }
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsIdentity")
    }
}
