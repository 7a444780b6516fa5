//! Connections as they come in, with TLS or without, each of which can be cut.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{
    Stream, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tonic::transport::server::Connected;

use super::{NodeError, TlsIdentity, stop::Stop};

/// A client that does not finish its greeting in this time is not waited for.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Greetings under way at a time; more wait in the listener's own queue.
const HANDSHAKES: usize = 64;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub(super) struct Connection {
    io: Box<dyn Io>,
    cut: BoxFuture<'static, ()>,
}

/// Connections that have said their greeting; one that fails at it is dropped, and harms no other.
pub(super) fn accept(
    listener: TcpListener,
    tls: Option<TlsIdentity>,
    stop: Stop,
) -> Result<impl Stream<Item = io::Result<Connection>>, NodeError> {
    let tls = tls.map(|identity| acceptor(&identity)).transpose().map_err(NodeError::Tls)?;
    let connections =
        arrivals(listener).map(move |tcp| greet(tcp, tls.clone(), stop.clone())).buffer_unordered(HANDSHAKES).filter_map(async |greeted| {
            greeted.inspect_err(|error| tracing::debug!(%error, "a connection failed at its greeting")).ok().map(Ok)
        });
    Ok(connections)
}

fn arrivals(listener: TcpListener) -> BoxStream<'static, TcpStream> {
    stream::unfold(listener, |listener| async move {
        loop {
            match listener.accept().await {
                Ok((tcp, _)) => return Some((tcp, listener)),
                Err(error) => {
                    // Out of file descriptors, most likely. Asking again at once would only burn the processor.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    })
    .boxed()
}

async fn greet(tcp: TcpStream, tls: Option<TlsAcceptor>, stop: Stop) -> io::Result<Connection> {
    // Answers are small and waited for: holding one back to fill a packet costs 40 ms.
    tcp.set_nodelay(true)?;
    let io: Box<dyn Io> = match tls {
        None => Box::new(tcp),
        Some(tls) => Box::new(tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(tcp)).await??),
    };
    Ok(Connection { io, cut: Box::pin(async move { stop.cut().await }) })
}

fn acceptor(identity: &TlsIdentity) -> Result<TlsAcceptor, Box<dyn std::error::Error + Send + Sync>> {
    let chain = CertificateDer::pem_slice_iter(&identity.certificate).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&identity.key)?;
    // Named, not taken from the process, which has no default when two providers are linked in.
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Connection {
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.cut.as_mut().poll(cx));
        // Polled once more it would panic, and whoever was told may ask again.
        self.cut = Box::pin(std::future::ready(()));
        Poll::Ready(io::Error::new(io::ErrorKind::ConnectionAborted, "the node has stopped"))
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_cut(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.poll_cut(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.poll_cut(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
