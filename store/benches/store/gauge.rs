//! How busy the machine is with something else, told by one-row transactions.

use std::{
    cmp::Ordering,
    fmt,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{Connection, Executor, PgConnection};

/// Below this many one-row transactions in a second the machine is busy with something else.
const QUIET: f64 = 14_000.0;

pub struct Gauge {
    url: String,
    pgbench: PathBuf,
}

impl Gauge {
    /// With the programs of the server that was started here, or those that whoever started it names.
    pub async fn begin(url: &str, programs: Option<&Path>) -> Self {
        let mut connection = PgConnection::connect(url).await.expect("the server answers");
        connection.execute("CREATE TABLE IF NOT EXISTS gauge (n bigint)").await.expect("a table is made");
        let programs = programs.map(Path::to_owned).or_else(|| std::env::var_os("DAFTAR_PG_BIN").map(Into::into)).unwrap_or_default();
        Self { url: url.to_owned(), pgbench: programs.join("pgbench") }
    }

    /// One-row transactions by 32 clients, for a second.
    pub fn read(&self) -> Reading {
        let run = || {
            let mut script = tempfile::NamedTempFile::new().ok()?;
            script.write_all(b"INSERT INTO gauge VALUES (1);\n").ok()?;
            let mut pgbench = Command::new(&self.pgbench);
            let output = pgbench.args(["-n", "-c", "32", "-j", "2", "-T", "1", "-f"]).arg(script.path()).arg(&self.url).output().ok()?;
            let said = String::from_utf8(output.stdout).ok()?;
            said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
        };
        Reading(run())
    }
}

/// How fast the machine was just now; nothing if there is no `pgbench` to tell.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Reading(Option<f64>);

impl Reading {
    pub fn min(self, other: Self) -> Self {
        if self.partial_cmp(&other) == Some(Ordering::Less) { self } else { other }
    }

    pub fn is_quiet(self) -> bool {
        self.0.is_none_or(|tps| tps >= QUIET)
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("not gauged: there is no pgbench"),
            Some(tps) => write!(f, "gauge {tps:.0} tps{}", if self.is_quiet() { "" } else { ": CONTENDED, not judged" }),
        }
    }
}
