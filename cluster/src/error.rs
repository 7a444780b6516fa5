use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why there is no running cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "no PostgreSQL server of version {needed} found: install it (Debian, Ubuntu: `apt-get install postgresql`; macOS: `brew install \
         postgresql@17`; Fedora, RHEL: `dnf install postgresql-server`) or set DAFTAR_PG_BIN to the directory of its `postgres` and `initdb`"
    )]
    NoServer { needed: String },
    #[error("DAFTAR_PG_BIN is {}, where there is no `postgres` with its `initdb` of version {needed}", directory.display())]
    UnsuitableServer { directory: PathBuf, needed: String },
    #[error("PostgreSQL does not run as root, and this machine has neither a user `postgres` nor a user `nobody` to run it as")]
    NoAccount,
    #[error("user {account} cannot enter {}", directory.display())]
    CannotEnter { directory: PathBuf, account: String },
    #[error("{} is in use by PostgreSQL process {pid}, which process {owner} started", directory.display())]
    AlreadyRunning { directory: PathBuf, pid: u32, owner: u32 },
    #[error("{} holds a cluster, but its password file {} is missing", directory.display(), secret.display())]
    SecretLost { directory: PathBuf, secret: PathBuf },
    #[error("initdb failed ({status}) in {}: {output}", directory.display())]
    Initdb { directory: PathBuf, status: ExitStatus, output: String },
    #[error("port {port} on 127.0.0.1 is taken by another process")]
    PortTaken { port: u16 },
    #[error("PostgreSQL ended while starting ({status}); {} ends with:\n{tail}", log.display())]
    Start { status: ExitStatus, log: PathBuf, tail: String },
    #[error("PostgreSQL was not ready within {seconds} s; {} ends with:\n{tail}", log.display())]
    SlowStart { seconds: u64, log: PathBuf, tail: String },
    #[error("PostgreSQL still runs after SIGKILL: process {pid}")]
    Unstoppable { pid: u32 },
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot run {program}")]
    Run { program: String, source: io::Error },
}

/// Names the file in an error about it.
pub(crate) trait About<T> {
    fn about(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> About<T> for io::Result<T> {
    fn about(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::File { action, path: path.to_owned(), source })
    }
}
