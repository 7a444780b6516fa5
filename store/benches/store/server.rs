//! The server that everything is measured on.

use std::{cmp::Ordering, fmt, io::Write, process::Command};

use daftar_cluster::{Cluster, Options, SUPERUSER, testing};
use daftar_store::postgres::migrate;
use sqlx::{Connection, Executor, PgConnection, Row};

/// Below this many one-row transactions in a second the machine is busy with something else.
const QUIET: f64 = 14_000.0;

pub struct Server {
    url: String,
    pgbench: std::path::PathBuf,
    /// Ours, unless someone has started one for us.
    _cluster: Option<Cluster>,
}

impl Server {
    pub async fn start() -> Self {
        let cluster = std::env::var_os(testing::SERVER)
            .is_none()
            .then(|| tokio::task::block_in_place(|| Cluster::throw_away(Options::durable()).expect("a server starts")));
        let url = cluster.as_ref().map_or_else(testing::server_url, |cluster| cluster.url("postgres", SUPERUSER));
        migrate(&url).await.expect("the log is made");
        let mut connection = PgConnection::connect(&url).await.expect("the server answers");
        connection.execute("CREATE TABLE gauge (n bigint)").await.expect("a table is made");
        let programs = cluster.as_ref().map(|cluster| cluster.binaries().directory().to_owned());
        let programs = programs.or_else(|| std::env::var_os("DAFTAR_PG_BIN").map(Into::into)).unwrap_or_default();
        Self { url, pgbench: programs.join("pgbench"), _cluster: cluster }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn describe(&self) {
        let mut connection = PgConnection::connect(&self.url).await.expect("the server answers");
        let settings = "SELECT version(), current_setting('fsync'), current_setting('synchronous_commit')";
        let row = connection.fetch_one(settings).await.expect("settings");
        let [version, fsync, synchronous_commit] = [0, 1, 2].map(|column| row.get::<String, _>(column));
        println!("{}", version.split(" on ").next().unwrap_or(&version));
        println!("fsync = {fsync}, synchronous_commit = {synchronous_commit}");
    }

    /// What is really there afterwards.
    pub async fn count(&self) {
        let mut connection = PgConnection::connect(&self.url).await.expect("the server answers");
        println!("\nrows read back");
        let log = "SELECT count(*), max(position), avg(length(data))::bigint, avg(length(metadata))::bigint FROM daftar_log.events";
        let row = connection.fetch_one(log).await.expect("the log is counted");
        let [count, last, data, metadata] = [0, 1, 2, 3].map(|column| row.get::<i64, _>(column));
        println!("  daftar          {count} (last position {last}; {data} bytes of data, {metadata} of metadata)");
        assert_eq!(count, last, "positions have no gap");
        for (name, sql) in [("cqrs-es", "SELECT count(*) FROM public.events"), ("select + insert", "SELECT count(*) FROM plain_events")] {
            // No table means that no part with this contender was chosen.
            if let Ok(row) = connection.fetch_one(sql).await {
                println!("  {name:15} {}", row.get::<i64, _>(0));
            }
        }
    }

    /// One-row transactions by 32 clients, for a second.
    pub fn gauge(&self) -> Gauge {
        let run = || {
            let mut script = tempfile::NamedTempFile::new().ok()?;
            script.write_all(b"INSERT INTO gauge VALUES (1);\n").ok()?;
            let mut pgbench = Command::new(&self.pgbench);
            let output = pgbench.args(["-n", "-c", "32", "-j", "2", "-T", "1", "-f"]).arg(script.path()).arg(&self.url).output().ok()?;
            let said = String::from_utf8(output.stdout).ok()?;
            said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
        };
        Gauge(run())
    }
}

/// How fast the machine was just now; nothing if there is no `pgbench` to tell.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Gauge(Option<f64>);

impl Gauge {
    pub fn min(self, other: Self) -> Self {
        if self.partial_cmp(&other) == Some(Ordering::Less) { self } else { other }
    }

    pub fn is_quiet(self) -> bool {
        self.0.is_none_or(|tps| tps >= QUIET)
    }
}

impl fmt::Display for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("not gauged: there is no pgbench"),
            Some(tps) => write!(f, "gauge {tps:.0} tps{}", if self.is_quiet() { "" } else { ": CONTENDED, not judged" }),
        }
    }
}
