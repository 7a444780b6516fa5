use std::time::{Duration, Instant};

use daftar_cluster::{Cluster, SUPERUSER};
use nix::unistd::geteuid;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

/// A directory that the server's user can pass through.
pub fn directory() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::Builder::new().prefix("daftar-test-").tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

pub async fn connect(cluster: &Cluster) -> PgConnection {
    PgConnection::connect(&cluster.url("postgres", SUPERUSER)).await.unwrap()
}

pub async fn execute(connection: &mut PgConnection, statement: &str) {
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}

pub async fn text(connection: &mut PgConnection, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(connection).await.unwrap()
}

/// The server's process id, from the server itself.
pub async fn server_pid(url: &str) -> u32 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    text(&mut connection, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").await.parse().unwrap()
}

/// Whether a process is there and has not ended: one that only waits to be collected by its parent has.
pub fn is_running(pid: u32) -> bool {
    let state = if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("State:")).unwrap_or_default().to_owned()
    } else {
        let output = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

/// Waits until it is so; fails when it is not within half a minute.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn are_root() -> bool {
    geteuid().is_root()
}

/// The effective user of a process, as the kernel tells it.
#[cfg(target_os = "linux")]
pub fn user_of(pid: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    uids.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The supplementary groups of a process, as the kernel tells them.
#[cfg(target_os = "linux")]
pub fn groups_of(pid: u32) -> Vec<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
    groups.split_whitespace().map(|group| group.parse().unwrap()).collect()
}
