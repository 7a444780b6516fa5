//! A node to hold the official clients against, and the clients that are not Rust's, installed on first use.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_store::{
    Durability, Memory, Postgres, PostgresOptions,
    log::Log,
    node::{self, Access, NodeOptions, TlsIdentity},
    postgres::migrate,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::NamedTempFile;
use tokio::{net::TcpListener, task::JoinHandle};

/// Gives every scenario that a client goes through to the macro `$instantiate`.
macro_rules! scenarios {
    ($instantiate:ident) => {
        $instantiate! {
            appends_whatever_is_expected
            is_told_of_conflicts
            repeats_without_doubling
            reads_both_ways
            filters_the_log
            follows_from_the_start
            follows_from_the_middle
            follows_from_the_end
            keeps_metadata
            deletes_and_begins_anew
            tombstones_for_ever
            discovers_the_node
        }
    };
}
pub(crate) use scenarios;

/// A node on a free port, for as long as this lives.
pub struct Node {
    /// Host and port.
    pub address: String,
    /// The authority to trust, if the node speaks TLS.
    pub authority: Option<NamedTempFile>,
    serving: JoinHandle<()>,
    database: Option<TestDatabase>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Node {
    pub async fn over_memory() -> Self {
        Self::start(Memory::log(), Access::Open, None).await
    }

    pub async fn over_postgres() -> Self {
        let migrations = include_str!("../../store/migrations/0001_log.sql");
        let database = test_database(migrations, async |url: &str| migrate(url).await).await;
        let options = PostgresOptions { durability: Durability::UnsafeForTests, ..PostgresOptions::default() };
        let log = Postgres::connect(database.url(), options).await.expect("the log opens");
        let mut node = Self::start(log, Access::Open, None).await;
        node.database = Some(database);
        node
    }

    /// Over TLS, and only these may write.
    pub async fn with_credentials(user: &str, password: &str) -> Self {
        let access = Access::Credentials { user: user.to_owned(), password: password.to_owned() };
        Self::start(Memory::log(), access, Some(identity())).await
    }

    async fn start(log: Log, access: Access, tls: Option<(TlsIdentity, NamedTempFile)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (identity, authority) = tls.unzip();
        let advertised = Some(("localhost".to_owned(), address.port()));
        let options = NodeOptions { listener, advertised, access, tls: identity };
        let serving = tokio::spawn(async move { node::serve(log, options, std::future::pending()).await.expect("the node serves") });
        Self { address: format!("localhost:{}", address.port()), authority, serving, database: None }
    }

    /// For a client that finds the node by itself only in the scenario about that.
    pub fn url(&self, scenario: &str) -> String {
        let scheme = if scenario == "discovers_the_node" { "esdb+discover" } else { "esdb" };
        format!("{scheme}://{}?tls=false", self.address)
    }
}

/// Who the node is, and a file with the authority that vouches for it.
fn identity() -> (TlsIdentity, NamedTempFile) {
    let mut authority = CertificateParams::new(vec![]).expect("no names");
    // A name of its own: a certificate whose subject is also its issuer is taken for one that has signed itself.
    authority.distinguished_name.push(DnType::CommonName, "An authority for one test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let mut file = NamedTempFile::new().expect("a file");
    let authority_certificate = authority.self_signed(&authority_key).expect("a certificate");
    file.write_all(authority_certificate.pem().as_bytes()).expect("room for a certificate");
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).and_then(|names| names.signed_by(&key, &issuer));
    let certificate = certificate.expect("a certificate").pem().into_bytes();
    (TlsIdentity { certificate, key: key.serialize_pem().into_bytes() }, file)
}

/// A folder under `target/` where `install` has put what these files ask for; it is put there once, and again when they change.
pub fn installed(name: &str, files: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers").join(name);
    fs::create_dir_all(&place).expect("a folder for the client");
    let lock = File::create(place.join("lock")).expect("a lock");
    lock.lock().expect("the lock is waited for");
    let read = |file: &&str| fs::read_to_string(source(name, file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let wanted: String = files.iter().map(read).collect();
    let stamp = place.join("installed");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        for file in files {
            fs::copy(source(name, file), place.join(file)).expect("room for a file");
        }
        install(&place);
        fs::write(stamp, wanted).expect("room for a stamp");
    }
    place
}

/// A file of the client's that is kept with the tests.
pub fn source(name: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name).join(file)
}

/// Runs a command to its end, which must be a good one.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
}
