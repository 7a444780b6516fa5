//! The private PostgreSQL server that `daftar up` keeps, and who may do what on it.

use std::{fmt, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use daftar_cluster::{Cluster, Options, SUPERUSER};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::task::spawn_blocking;

use crate::cli::SecretUrl;

const DATABASE: &str = "daftar";

/// Owns the tables and makes the roles of `daftar migrate`; used for that alone.
const OWNER: &str = "daftar_owner";
/// Reads the log and adds to it.
const LOG: &str = "daftar_log";
/// Writes read models and uses the keys.
const APP: &str = "daftar_app";

#[derive(Clone, Debug)]
pub struct Private {
    cluster: Arc<Cluster>,
}

impl Private {
    /// Starts the server and makes sure of its database and logins.
    pub async fn open(directory: PathBuf) -> Result<Self> {
        let cluster = spawn_blocking(|| Cluster::open(directory, Options::durable())).await?.context("PostgreSQL does not start")?;
        let private = Self { cluster: Arc::new(cluster) };
        private.prepare().await.context("the private PostgreSQL server cannot be prepared")?;
        Ok(private)
    }

    async fn prepare(&self) -> Result<()> {
        let mut db = self.superuser().await?;
        for (role, rights) in [(OWNER, "CREATEROLE"), (LOG, ""), (APP, "")] {
            if !exists(&mut db, "SELECT FROM pg_roles WHERE rolname = $1", role).await? {
                run(&mut db, format!("CREATE ROLE {role} LOGIN {rights} PASSWORD '{}'", self.cluster.password(role))).await?;
            }
        }
        if !exists(&mut db, "SELECT FROM pg_database WHERE datname = $1", DATABASE).await? {
            run(&mut db, format!("CREATE DATABASE {DATABASE} OWNER {OWNER}")).await?;
        }
        run(&mut db, format!("REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")).await?;
        run(&mut db, format!("GRANT CONNECT ON DATABASE {DATABASE} TO {LOG}, {APP}")).await?;
        Ok(db.close().await?)
    }

    /// Gives the logins the roles that the migrations made.
    pub async fn admit(&self) -> Result<()> {
        let mut db = self.superuser().await?;
        run(&mut db, format!("GRANT daftar_engine TO {LOG}")).await?;
        run(&mut db, format!("GRANT daftar_projector, daftar_keyring, daftar_auth TO {APP}")).await?;
        Ok(db.close().await?)
    }

    pub fn owner(&self) -> SecretUrl {
        self.cluster.url(DATABASE, OWNER).into()
    }

    pub fn log(&self) -> SecretUrl {
        self.cluster.url(DATABASE, LOG).into()
    }

    pub fn app(&self) -> SecretUrl {
        self.cluster.url(DATABASE, APP).into()
    }

    /// Where the data really is: what belongs to the data, such as the master key, is kept beside it.
    pub fn directory(&self) -> PathBuf {
        self.cluster.directory().to_owned()
    }

    pub async fn stop(self) -> Result<()> {
        spawn_blocking(move || self.cluster.stop()).await?.context("PostgreSQL does not stop")
    }

    async fn superuser(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.cluster.url("postgres", SUPERUSER)).await?)
    }
}

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "127.0.0.1:{}/{DATABASE}, kept in {}", self.cluster.port(), self.cluster.directory().display())
    }
}

async fn exists(db: &mut PgConnection, query: &'static str, name: &str) -> Result<bool> {
    Ok(sqlx::query(query).bind(name).fetch_optional(db).await?.is_some())
}

/// The names in it are ours and passwords are letters and digits, so nothing in it can end a literal.
async fn run(db: &mut PgConnection, statement: String) -> Result<()> {
    db.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
