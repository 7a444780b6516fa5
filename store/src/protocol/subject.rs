//! The server under test: a channel to it, and names that no one else uses.

use std::{io, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use eventstore_client::{
    Settings,
    wire::{
        gossip::gossip_client::GossipClient, server_features::server_features_client::ServerFeaturesClient,
        streams::streams_client::StreamsClient,
    },
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

use crate::contract::Failure;

/// More than any answer of any case.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Subject {
    channel: Channel,
    authorization: Option<MetadataValue<Ascii>>,
    /// Begins the name of every stream and event type of this case.
    pub(super) name: String,
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Subject {
    /// The first node of a connection string, spoken to without any client in between.
    pub fn connect(url: &str) -> Result<Self, Failure> {
        let settings: Settings = url.parse()?;
        let node = settings.hosts.first().ok_or_else(|| Failure("no host".to_owned()))?.clone();
        let authorization = settings.credentials.as_ref().map(|credentials| {
            let encoded = BASE64_STANDARD.encode(format!("{}:{}", credentials.username, credentials.password));
            MetadataValue::try_from(format!("Basic {encoded}"))
        });
        let tls = if settings.tls { Some(connector(&settings)?) } else { None };
        let scheme = if settings.tls { "https" } else { "http" };
        let channel = Endpoint::from_shared(format!("http://{}:{}", node.host, node.port))?
            .origin(format!("{scheme}://{}:{}", node.host, node.port).parse()?)
            .connect_with_connector_lazy(tower::service_fn(move |_| {
                let (node, tls) = (node.clone(), tls.clone());
                async move {
                    let tcp = TcpStream::connect((node.host.as_str(), node.port)).await?;
                    tcp.set_nodelay(true)?;
                    let io: Box<dyn Io> = match tls {
                        None => Box::new(tcp),
                        Some(tls) => Box::new(tls.connect(ServerName::try_from(node.host).map_err(io::Error::other)?, tcp).await?),
                    };
                    Ok::<_, io::Error>(TokioIo::new(io))
                }
            }));
        let letters: String = Uuid::new_v4().simple().to_string().bytes().map(|digit| char::from(b'a' + digit % 26)).collect();
        Ok(Self { channel, authorization: authorization.transpose()?, name: format!("protocol_{letters}") })
    }

    pub(super) fn streams(&self) -> StreamsClient<Channel> {
        StreamsClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    pub(super) fn gossip(&self) -> GossipClient<Channel> {
        GossipClient::new(self.channel.clone())
    }

    pub(super) fn features(&self) -> ServerFeaturesClient<Channel> {
        ServerFeaturesClient::new(self.channel.clone())
    }

    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }

    /// The name of a stream that does not exist.
    pub(super) fn stream(&self) -> String {
        format!("{}-{}", self.name, Uuid::new_v4().simple())
    }
}

fn connector(settings: &Settings) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    let file = settings.tls_ca_file.as_ref().ok_or_else(|| Failure("name the authority to trust with `tlsCAFile`".to_owned()))?;
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
