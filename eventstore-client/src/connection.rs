//! One HTTP/2 connection to one node, opened when first needed and again whenever it is lost.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rand::seq::SliceRandom;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint as Transport, Uri};

use crate::error::Error;
use crate::settings::{Endpoint, Settings};
use crate::tls::{TlsError, client_config};

/// Room for what the server sends before it hears that it was read: on a fast network a small window, not the network, is the limit.
const STREAM_WINDOW: u32 = 8 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// How long one address may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Stands in for "for ever" where a number is demanded.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// How every connection of a client is made.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: Option<Arc<ClientConfig>>,
    keep_alive: Option<(Duration, Duration)>,
    /// The addresses of one name are the members of a cluster: any of them is as good as the first.
    shuffle: bool,
}

impl Connector {
    pub(crate) fn new(settings: &Settings) -> Result<Self, TlsError> {
        Ok(Connector {
            tls: client_config(settings)?,
            keep_alive: settings.keep_alive_interval.map(|interval| (interval, settings.keep_alive_timeout.unwrap_or(A_YEAR))),
            shuffle: settings.discover,
        })
    }

    /// A channel to the node, which connects with its first call.
    pub(crate) fn channel(&self, endpoint: &Endpoint) -> Result<Channel, Error> {
        let uri = |scheme: &str| {
            let built = Uri::builder().scheme(scheme).authority(endpoint.to_string()).path_and_query("/").build();
            built.map_err(|_| Error::invalid(format!("`{endpoint}` is not an address")))
        };
        // The transport must not add TLS of its own, hence `http`; the calls name the scheme they really use.
        let mut transport = Transport::from(uri("http")?)
            .origin(uri(if self.tls.is_some() { "https" } else { "http" })?)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if let Some((interval, patience)) = self.keep_alive {
            transport = transport.http2_keep_alive_interval(interval).keep_alive_timeout(patience).keep_alive_while_idle(true);
        }
        let connector = self.clone();
        let endpoint = endpoint.clone();
        Ok(transport.connect_with_connector_lazy(tower::service_fn(move |_| {
            let connector = connector.clone();
            let endpoint = endpoint.clone();
            async move { connector.connect(&endpoint).await.map(TokioIo::new) }
        })))
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Io>> {
        let tcp = self.connect_tcp(endpoint).await?;
        // An append is a small packet that waits for an answer: holding it back to fill it up costs 40 ms.
        tcp.set_nodelay(true)?;
        let Some(config) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(endpoint.host.clone()).map_err(io::Error::other)?;
        let handshake = TlsConnector::from(config.clone()).connect(name, tcp);
        let tls = timeout(CONNECT_TIMEOUT, handshake).await.map_err(|_| timed_out("tls handshake"))??;
        match tls.get_ref().1.alpn_protocol() {
            Some(b"h2") => Ok(Box::new(tls)),
            _ => Err(io::Error::other("the server does not speak HTTP/2")),
        }
    }

    async fn connect_tcp(&self, endpoint: &Endpoint) -> io::Result<TcpStream> {
        let mut addresses: Vec<_> = lookup_host((endpoint.host.as_str(), endpoint.port)).await?.collect();
        if self.shuffle {
            addresses.shuffle(&mut rand::rng());
        }
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => failure = error,
                Err(_) => failure = timed_out("connect"),
            }
        }
        Err(failure)
    }
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} timed out"))
}
