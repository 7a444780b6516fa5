//! A node over TLS, whose certificate an authority of its own has signed.

use std::io::Write;

use daftar_store::{
    log::Log,
    node::{self, Access, NodeOptions, TlsIdentity},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::NamedTempFile;

pub struct TlsNode {
    /// Says that the authority is to be trusted.
    pub url: String,
    serving: tokio::task::JoinHandle<()>,
    _authority: NamedTempFile,
}

impl Drop for TlsNode {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An identity for this machine, and the PEM certificate of the authority that vouches for it.
pub fn identity() -> (TlsIdentity, String) {
    let mut authority = CertificateParams::new(vec![]).expect("no names");
    // A name of its own: a certificate whose subject is also its issuer is taken for one that has signed itself.
    authority.distinguished_name.push(DnType::CommonName, "An authority for one test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let authority_certificate = authority.self_signed(&authority_key).expect("a certificate");
    let key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(names).and_then(|names| names.signed_by(&key, &issuer)).expect("a certificate");
    let identity = TlsIdentity { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() };
    (identity, authority_certificate.pem())
}

pub async fn node(log: Log) -> TlsNode {
    let (identity, authority) = identity();
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(authority.as_bytes()).expect("room for a certificate");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let url = format!("esdb://{address}?tls=true&tlsCAFile={}", file.path().display());
    let options = NodeOptions { listener, advertised: None, access: Access::Open, tls: Some(identity) };
    let serving = tokio::spawn(async move { node::serve(log, options, std::future::pending()).await.expect("the node serves") });
    TlsNode { url, serving, _authority: file }
}
