use std::path::PathBuf;

use eventstore_client::{Client, Error, Expected, NewEvent, Settings, UserCertificate};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::server::TestServer;

/// An authority, and what it signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { issuer, folder: TempDir::new().unwrap() }
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn server_tls(&self, name: &str) -> ServerTlsConfig {
        let (certificate, key) = self.sign(name);
        ServerTlsConfig::new().identity(Identity::from_pem(certificate, key))
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn ca_file(&self) -> PathBuf {
        self.file("ca.pem", &self.issuer.pem())
    }
}

fn settings(server: &TestServer) -> Settings {
    Settings { tls: true, max_discover_attempts: 1, ..server.settings() }
}

async fn append(settings: Settings) -> Result<(), Error> {
    let client = Client::connect(settings).unwrap();
    client.append("s", Expected::Any, [NewEvent::json("t", "{}")]).await.map(drop)
}

fn unavailable(outcome: Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::Unavailable { .. }))
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_its_name() {
    let authority = Authority::new();
    let server = TestServer::start_with_tls(authority.server_tls("127.0.0.1"));
    let trusting = Settings { tls_ca_file: Some(authority.ca_file()), ..settings(&server) };
    append(trusting.clone()).await.unwrap();

    let stranger = Authority::new();
    assert!(unavailable(append(Settings { tls_ca_file: Some(stranger.ca_file()), ..settings(&server) }).await));
    assert!(unavailable(append(settings(&server)).await));

    let elsewhere = TestServer::start_with_tls(authority.server_tls("example.org"));
    assert!(unavailable(append(Settings { hosts: vec![elsewhere.endpoint()], ..trusting }).await));
}

#[tokio::test]
async fn any_certificate_will_do_only_if_asked_for() {
    let server = TestServer::start_with_tls(Authority::new().server_tls("example.org"));
    append(Settings { tls_verify_cert: false, ..settings(&server) }).await.unwrap();
    assert!(unavailable(append(settings(&server)).await));
}

#[tokio::test]
async fn a_user_may_be_known_by_certificate() {
    let authority = Authority::new();
    let tls = authority.server_tls("127.0.0.1").client_ca_root(Certificate::from_pem(authority.issuer.pem()));
    let server = TestServer::start_with_tls(tls);
    let anonymous = Settings { tls_ca_file: Some(authority.ca_file()), ..settings(&server) };
    assert!(unavailable(append(anonymous.clone()).await));

    let (certificate, key) = authority.sign("user");
    let user = UserCertificate { cert_file: authority.file("user.pem", &certificate), key_file: authority.file("user.key", &key) };
    append(Settings { user_certificate: Some(user.clone()), ..anonymous.clone() }).await.unwrap();
    append(Settings { user_certificate: Some(user), tls_verify_cert: false, ..anonymous }).await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_in_the_clear() {
    let server = TestServer::start();
    assert!(unavailable(append(Settings { tls_verify_cert: false, ..settings(&server) }).await));
    assert_eq!(server.calls("append"), 0);
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let empty = authority.file("empty.pem", "");
    let missing = authority.folder.path().join("missing.pem");
    let (certificate, _) = authority.sign("user");
    let (_, other_key) = authority.sign("other");
    let user = authority.file("user.pem", &certificate);
    let other = authority.file("other.key", &other_key);
    let ca = |path: &PathBuf| Settings { tls_ca_file: Some(path.clone()), ..Settings::default() };
    let identity = |cert_file: &PathBuf, key_file: &PathBuf| {
        let user_certificate = Some(UserCertificate { cert_file: cert_file.clone(), key_file: key_file.clone() });
        Settings { user_certificate, ..ca(&authority.ca_file()) }
    };
    let grid = [
        (ca(&empty), format!("no certificate in `{}`", empty.display())),
        (ca(&missing), format!("cannot read `{}`", missing.display())),
        (identity(&user, &missing), format!("cannot read `{}`", missing.display())),
        (identity(&user, &other), format!("cannot use the user certificate `{}`", user.display())),
    ];
    for (settings, message) in grid {
        assert_eq!(Client::connect(settings).unwrap_err().to_string(), message);
    }
}
