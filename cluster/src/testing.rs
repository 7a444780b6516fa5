//! A database per test, copied from a template that is prepared once.

use std::fmt::Debug;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::{Instant, sleep};

/// The superuser's URL of the server that tests use, set by `throwaway-postgres`.
pub const SERVER: &str = "DAFTAR_TEST_POSTGRES";

/// Held while a template is made: one at a time over all templates, for what they make beside tables (roles) belongs to the whole server.
const MAKING_A_TEMPLATE: i64 = 0x6461_6674_6172;

/// A test's own database, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// The superuser's URL of this database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name, unique on its server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Makes a database for one test.
///
/// `template` names the contents: the first to ask for it has `prepare` fill a database, given its URL, and everyone gets a copy of that,
/// in whichever process. So it must change when the contents would: a hash of the migrations is a good one.
///
/// # Panics
///
/// When there is no server, or it refuses: a test has nothing better to do.
pub async fn test_database<E: Debug>(template: &str, prepare: impl AsyncFnOnce(&str) -> Result<(), E>) -> TestDatabase {
    let server = server_url();
    let template = format!("template_{}", &hex(&Sha256::digest(template))[..24]);
    let mut connection = connect(&server).await;
    if !exists(&mut connection, &template).await {
        make_template(&mut connection, &server, &template, prepare).await;
    }
    let name = format!("test_{}", hex(&rand::random::<[u8; 12]>()));
    run(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    let _ = connection.close().await;
    TestDatabase { url: with_database(&server, &name), server, name }
}

/// The superuser's URL of the tests' server.
///
/// # Panics
///
/// When no server was started for the tests.
pub fn server_url() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} is not set: run `make test`, or `throwaway-postgres -- cargo nextest run …` for some tests only");
    })
}

async fn make_template<E: Debug>(
    connection: &mut PgConnection,
    server: &str,
    template: &str,
    prepare: impl AsyncFnOnce(&str) -> Result<(), E>,
) {
    run(connection, format!("SELECT pg_advisory_lock({MAKING_A_TEMPLATE})")).await;
    // While we waited, whoever had the lock may have made it.
    if !exists(connection, template).await {
        // A database gets the template's name only when it is complete: an unfinished one of a test that failed is made again.
        let unfinished = format!("unfinished_{template}");
        run(connection, format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        run(connection, format!("CREATE DATABASE {unfinished}")).await;
        prepare(&with_database(server, &unfinished)).await.expect("the template database can be prepared");
        // A template that someone is connected to can be neither renamed nor copied.
        run(connection, format!("ALTER DATABASE {unfinished} ALLOW_CONNECTIONS false")).await;
        disconnect_all(connection, &unfinished).await;
        run(connection, format!("ALTER DATABASE {unfinished} RENAME TO {template}")).await;
    }
    run(connection, format!("SELECT pg_advisory_unlock({MAKING_A_TEMPLATE})")).await;
}

/// Connections that `prepare` left open end as soon as their server process notices.
async fn disconnect_all(connection: &mut PgConnection, database: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let ended = sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1").bind(database);
        if ended.execute(&mut *connection).await.expect("connections can be ended").rows_affected() == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "connections to {database} do not end");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn exists(connection: &mut PgConnection, database: &str) -> bool {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(database);
    found.fetch_one(connection).await.expect("the databases can be listed")
}

async fn run(connection: &mut PgConnection, statement: String) {
    // The names in it are ours: letters, digits and underscores.
    if let Err(error) = connection.execute(AssertSqlSafe(statement.clone())).await {
        panic!("`{statement}` failed: {error}");
    }
}

async fn connect(url: &str) -> PgConnection {
    match PgConnection::connect(url).await {
        Ok(connection) => connection,
        Err(error) => panic!("the tests' PostgreSQL server ({SERVER}) does not answer: {error}"),
    }
}

/// The same server and role, another database.
fn with_database(server: &str, database: &str) -> String {
    let (server, _) = server.rsplit_once('/').unwrap_or_else(|| panic!("{SERVER} is not a URL that ends in a database"));
    format!("{server}/{database}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // On a thread of its own, for the test's runtime may be busy ending. Best effort: the server itself is thrown away soon.
        let drop_database = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let options = server.parse::<PgConnectOptions>().ok()?;
                let mut connection = PgConnection::connect_with(&options).await.ok()?;
                connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await.ok()
            })
        };
        let _ = std::thread::spawn(drop_database).join();
    }
}
