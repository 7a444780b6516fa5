//! A server, and connections to it that have been checked.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Row,
    postgres::{PgConnectOptions, PgConnection},
};
use thiserror::Error;
use tokio::time::Instant;

use super::{Durability, ENGINE_ROLE};
use crate::StoreError;

/// The first wait before a server is tried again; each next one is twice as long, up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Where the log is, how it may be used, and what to call it in messages.
#[derive(Clone)]
pub(super) struct Server {
    options: PgConnectOptions,
    name: Arc<str>,
    durability: Durability,
    patience: Duration,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Why a connection that works is not used.
#[derive(Debug, Error)]
enum Refusal {
    #[error("`{setting}` is off: what it acknowledges may be lost in a crash")]
    NotDurable { setting: &'static str },
    #[error("there is no log in this database: run `daftar migrate` first")]
    NotMigrated,
    #[error("the role `{role}` could change the log's past: connect as a member of `{ENGINE_ROLE}`")]
    CouldRewrite { role: String },
    #[error("the role `{role}` may not use the log: make it a member of `{ENGINE_ROLE}`")]
    MayNotUse { role: String },
}

impl Server {
    pub(super) fn parse(url: &str, durability: Durability, patience: Duration) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
            // The URL itself stays out of the message: it may hold a password.
            StoreError::Failed { store: "the PostgreSQL URL".to_owned(), source: error.into() }
        })?;
        let options = options.application_name("daftar").disable_statement_logging();
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        let name = format!("PostgreSQL at {place}/{database}").into();
        Ok(Self { options, name, durability, patience })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A connection that may do what the engine needs and no more, tried once.
    pub(super) async fn connect(&self) -> Result<PgConnection, StoreError> {
        let mut connection = PgConnection::connect_with(&self.options).await.map_err(|error| self.error(error))?;
        self.prepare(&mut connection).await?;
        Ok(connection)
    }

    /// A connection as whoever the URL says.
    pub(super) async fn connect_as_owner(&self) -> Result<PgConnection, StoreError> {
        let mut patience = self.patience();
        loop {
            match PgConnection::connect_with(&self.options).await {
                Ok(connection) => return Ok(connection),
                Err(error) => patience.bear(self.error(error)).await?,
            }
        }
    }

    /// Becomes the engine's role, and refuses what must not be relied on.
    pub(super) async fn prepare(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        const BECOME_ENGINE: &str = "SELECT set_config('role', rolname, false) FROM pg_roles \
            WHERE rolname = $1 AND rolname <> current_user AND pg_has_role(oid, 'MEMBER')";
        const CHECK: &str = "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, \
            current_user::text AS role, to_regclass('daftar_log.events') IS NOT NULL AS migrated, \
            coalesce(has_table_privilege(to_regclass('daftar_log.events'), 'INSERT, UPDATE, DELETE, TRUNCATE'), false) AS could_rewrite, \
            coalesce(has_table_privilege(to_regclass('daftar_log.events'), 'SELECT'), false) AS may_read";
        sqlx::query(BECOME_ENGINE)
            .bind(ENGINE_ROLE)
            .persistent(false)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.error(error))?;
        let found = sqlx::query(CHECK).persistent(false).fetch_one(&mut *connection).await.map_err(|error| self.error(error))?;
        let check = || -> Result<Option<Refusal>, sqlx::Error> {
            let role = || found.try_get::<String, _>("role");
            let off = |setting| Ok::<_, sqlx::Error>(found.try_get::<&str, _>(setting)? == "off");
            if self.durability == Durability::Required {
                for setting in ["fsync", "synchronous_commit"] {
                    if off(setting)? {
                        return Ok(Some(Refusal::NotDurable { setting }));
                    }
                }
            }
            if !found.try_get("migrated")? {
                return Ok(Some(Refusal::NotMigrated));
            }
            if found.try_get("could_rewrite")? {
                return Ok(Some(Refusal::CouldRewrite { role: role()? }));
            }
            if !found.try_get("may_read")? {
                return Ok(Some(Refusal::MayNotUse { role: role()? }));
            }
            Ok(None)
        };
        match check() {
            Ok(None) => Ok(()),
            Ok(Some(refusal)) => Err(self.failed(refusal)),
            Err(error) => Err(self.error(error)),
        }
    }

    /// What a caller has who tries again while the server cannot be reached.
    pub(super) fn patience(&self) -> Patience {
        Patience { until: Instant::now() + self.patience, backoff: Backoff::default() }
    }

    pub(super) fn error(&self, error: sqlx::Error) -> StoreError {
        match Trouble::of(&error) {
            Trouble::Lost => StoreError::Unavailable { store: self.name.to_string(), source: error.into() },
            Trouble::Denied => StoreError::AccessDenied { store: self.name.to_string() },
            Trouble::Other => self.failed(error),
        }
    }

    pub(super) fn failed(&self, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        StoreError::Failed { store: self.name.to_string(), source: error.into() }
    }
}

/// What an error says about the connection it came from.
pub(super) enum Trouble {
    /// The connection is gone or going, and with it the news of what it was doing.
    Lost,
    Denied,
    /// The server said no to the statement, and did nothing of it.
    Other,
}

impl Trouble {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut => Self::Lost,
            sqlx::Error::Database(said) => match said.code().as_deref() {
                // Shutting down, crashed, starting up; too many connections; a standby that an address has moved to.
                Some("57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006") => Self::Lost,
                Some(code) if code.starts_with("08") => Self::Lost,
                Some("42501") => Self::Denied,
                Some(code) if code.starts_with("28") => Self::Denied,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// How long somebody goes on trying.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    backoff: Backoff,
}

impl Patience {
    /// Waits a little if trying again may help and there is time for it; else gives the error back.
    pub(super) async fn bear(&mut self, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Unavailable { .. } if Instant::now() < self.until => {
                self.backoff.wait().await;
                Ok(())
            }
            error => Err(error),
        }
    }
}

/// Waits that grow.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST_WAIT }
    }
}

impl Backoff {
    pub(super) fn wait(&mut self) -> impl Future<Output = ()> + use<> {
        let wait = self.next;
        self.next = (self.next * 2).min(LAST_WAIT);
        tokio::time::sleep(wait)
    }
}
