use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use daftar_cluster::{Cluster, Error, Options, SUPERUSER};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{connect, directory, eventually, execute, is_running, server_pid, text};

#[tokio::test]
async fn what_was_committed_survives_kill_9() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    let port = cluster.port();
    execute(&mut connect(&cluster).await, "CREATE TABLE paid (amount bigint)").await;
    for round in 1..=3 {
        let mut connection = connect(&cluster).await;
        execute(&mut connection, "INSERT INTO paid VALUES (100)").await;
        // Someone is in the middle of something: his process outlives the server's first one by a little.
        execute(&mut connection, "BEGIN; INSERT INTO paid VALUES (7)").await;
        cluster.kill().unwrap();
        assert_eq!(cluster.pid(), None);
        cluster.start().unwrap();
        assert_eq!(cluster.port(), port);
        assert_eq!(text(&mut connect(&cluster).await, "SELECT sum(amount)::text FROM paid").await, (round * 100).to_string());
    }
}

#[tokio::test]
async fn after_a_kill_from_outside_a_start_recovers() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    execute(&mut connect(&cluster).await, "CREATE TABLE kept AS SELECT 'still here' AS word").await;
    kill(Pid::from_raw(cluster.pid().unwrap().cast_signed()), Signal::SIGKILL).unwrap();
    eventually("the cluster notices", || cluster.pid().is_none());
    cluster.start().unwrap();
    assert_eq!(text(&mut connect(&cluster).await, "SELECT word FROM kept").await, "still here");
}

#[tokio::test]
async fn a_second_run_on_the_same_directory_is_told_whose_it_is() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    let error = Cluster::open(place.path(), Options::durable()).unwrap_err();
    let pid = server_pid(&cluster.url("postgres", SUPERUSER)).await;
    let expected = format!("is in use by PostgreSQL process {pid}, which process {} started", std::process::id());
    assert!(error.to_string().ends_with(&expected), "{error}");
    // The first is none the worse for it.
    assert_eq!(text(&mut connect(&cluster).await, "SELECT 'well'").await, "well");
}

#[tokio::test]
async fn a_cluster_owns_its_directory_while_its_server_is_stopped() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    cluster.stop().unwrap();
    let error = Cluster::open(place.path(), Options::durable()).unwrap_err();
    assert!(matches!(error, Error::AlreadyRunning { owner, .. } if owner == std::process::id()), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pid_file_whose_number_belongs_to_another_program_now_is_no_obstacle() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    cluster.kill().unwrap();
    let pid_file = cluster.directory().join("data/postmaster.pid");
    drop(cluster);
    // The number of a process that the server's user may signal: the most misleading one there is.
    let other = Cluster::throw_away(Options::throw_away()).unwrap();
    let stale = std::fs::read_to_string(&pid_file).unwrap();
    let rest = stale.split_once('\n').unwrap().1;
    std::fs::write(&pid_file, format!("{}\n{rest}", other.pid().unwrap())).unwrap();

    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    assert_eq!(text(&mut connect(&cluster).await, "SELECT 'well'").await, "well");
    assert_eq!(text(&mut connect(&other).await, "SELECT 'well'").await, "well");
}

#[test]
fn a_port_that_is_lost_to_another_process_is_replaced() {
    // Between finding a port and listening on it anyone may take it: here someone has taken the first of two.
    let (taken, free) = (20_000..32_000)
        .step_by(2)
        .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok().zip(TcpListener::bind(("127.0.0.1", port + 1)).ok()))
        .next()
        .unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    let free_port = free.local_addr().unwrap().port();
    drop(free);

    let error = Cluster::throw_away(Options::throw_away().port(taken_port)).unwrap_err();
    assert!(matches!(error, Error::PortTaken { port } if port == taken_port), "{error}");
    let cluster = Cluster::throw_away(Options::throw_away().ports(taken_port..=free_port)).unwrap();
    assert_eq!(cluster.port(), free_port);
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let error = Cluster::throw_away(Options::throw_away().setting("shared_buffers", "a lot")).unwrap_err();
    assert!(matches!(&error, Error::Start { tail, .. } if tail.contains("shared_buffers")), "{error}");
}

/// Where [`a_run_to_be_killed`] opens its cluster; the test is nothing by itself.
const TO_BE_KILLED: &str = "DAFTAR_TO_BE_KILLED";

#[test]
fn a_run_to_be_killed() {
    if let Some(place) = std::env::var_os(TO_BE_KILLED) {
        let cluster = Cluster::open(place, Options::durable()).unwrap();
        println!("server {}", cluster.pid().unwrap());
        std::thread::park();
    }
}

#[tokio::test]
async fn a_run_right_after_one_that_was_killed_waits_for_its_server_to_go() {
    let place = directory();
    drop(Cluster::open(place.path(), Options::durable()).unwrap());
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", "accidents::a_run_to_be_killed", "--nocapture"]).env(TO_BE_KILLED, place.path());
    let mut run = run.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    let server = lines.find_map(|line| line.split_once("server ").map(|(_, pid)| pid.parse::<u32>().unwrap())).unwrap();
    assert!(is_running(server));
    run.kill().unwrap();
    run.wait().unwrap();

    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    assert!(!is_running(server));
    assert_eq!(text(&mut connect(&cluster).await, "SELECT 'well'").await, "well");
}
