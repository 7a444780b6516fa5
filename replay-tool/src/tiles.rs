//! Tiles that an auditor brings: a folder of them, or where a log serves them. Those are fetched into a folder first, as many as the checkpoint's
//! tree has; they are believed no more than a folder's own, so it does not matter who carries them.

use std::{convert::Infallible, fs, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use daftar_proof::{Head, Tile, TileDirectory};
use futures::future::try_join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, StatusCode, Uri,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

/// Where tiles are.
#[derive(Clone, Debug)]
pub enum Tiles {
    Folder(PathBuf),
    Served(Uri),
}

impl FromStr for Tiles {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let uri = text.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some());
        Ok(uri.map_or_else(|| Self::Folder(text.into()), Self::Served))
    }
}

/// Connections to a server, and how long it may take for anything.
const CONNECTIONS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a tile is asked for, and the pause between, should the server be busy or hang up.
const TRIES: usize = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// Fetches the tiles of the tree that the checkpoint was signed for.
pub async fn fetch(from: &Uri, head: Head, into: &TileDirectory) -> Result<()> {
    let server = Arc::new(Server::new(from)?);
    let all = (0..64).map_while(|level| Tile::in_tree(head.size, level, 0).map(|_| level));
    let all = all.flat_map(|level| (0..).map_while(move |index| Tile::in_tree(head.size, level, index)));
    let rest = Mutex::new(all);
    try_join_all((0..CONNECTIONS).map(|_| async {
        let mut connection = None;
        while let Some(tile) = { rest.lock().await.next() } {
            let (tile, bytes) = match server.tile(&mut connection, tile).await? {
                Some(bytes) => (tile, bytes),
                // A partial tile goes once it has become a full one.
                None => match server.tile(&mut connection, tile.filled()).await? {
                    Some(bytes) => (tile.filled(), bytes),
                    None => bail!("`{from}` does not have `{tile}`"),
                },
            };
            let path = into.root().join(tile.to_string());
            fs::create_dir_all(path.parent().unwrap_or(into.root()))?;
            fs::write(path, bytes)?;
        }
        Ok(())
    }))
    .await?;
    Ok(())
}

type Connection = SendRequest<Empty<Bytes>>;

struct Server {
    host: String,
    port: u16,
    authority: String,
    path: String,
    tls: Option<TlsConnector>,
}

impl Server {
    fn new(uri: &Uri) -> Result<Self> {
        let authority = uri.authority().context("a URL has a host")?;
        let is_secret = uri.scheme_str() == Some("https");
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if is_secret { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
            tls: is_secret.then(tls).transpose()?,
        })
    }

    /// A tile's bytes, if the server has it.
    async fn tile(&self, connection: &mut Option<Connection>, tile: Tile) -> Result<Option<Bytes>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = timeout(PATIENCE, self.ask(connection, tile)).await.context("it takes too long").flatten();
            match answer {
                Ok((StatusCode::OK, bytes)) => return Ok(Some(bytes)),
                Ok((StatusCode::NOT_FOUND, _)) => return Ok(None),
                Ok((StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _)) if tries < TRIES => {}
                Ok((status, _)) => bail!("`{}` answers {status} to `{tile}`", self.authority),
                Err(error) => {
                    // Servers close what was open for long; once more is enough to tell that from one that is not there.
                    if connection.take().is_none() || tries >= TRIES {
                        return Err(error.context(format!("`{}` does not give `{tile}`", self.authority)));
                    }
                    continue;
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask(&self, connection: &mut Option<Connection>, tile: Tile) -> Result<(StatusCode, Bytes)> {
        let connected = match connection {
            Some(connected) => connected,
            None => connection.insert(self.connect().await?),
        };
        connected.ready().await?;
        let request = Request::get(format!("{}/{tile}", self.path)).header(header::HOST, &self.authority).body(Empty::new())?;
        let answer = connected.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), tile.filled().bytes()).collect().await;
        Ok((status, body.map_err(|error| anyhow!(error))?.to_bytes()))
    }

    async fn connect(&self) -> Result<Connection> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        socket.set_nodelay(true)?;
        match &self.tls {
            None => drive(TokioIo::new(socket)).await,
            Some(tls) => drive(TokioIo::new(tls.connect(ServerName::try_from(self.host.clone())?, socket).await?)).await,
        }
    }
}

async fn drive(io: impl hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static) -> Result<Connection> {
    let (sender, connection) = handshake(io).await?;
    // Its end is noticed by whoever asks next.
    tokio::spawn(connection);
    Ok(sender)
}

fn tls() -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}
