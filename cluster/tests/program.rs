use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{eventually, is_running, server_pid};

const PROGRAM: &str = env!("CARGO_BIN_EXE_throwaway-postgres");

/// Starts the program round a script, and reads the first line the script prints.
fn start(script: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut program = Command::new(PROGRAM);
    let mut child = program.args(["--", "sh", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (child, output, line.trim().to_owned())
}

#[tokio::test]
async fn the_command_has_a_server_until_it_ends_and_its_exit_code_is_kept() {
    let (mut child, _output, url) = start("echo \"$DAFTAR_TEST_POSTGRES\"; read -r _; exit 7");
    let server = server_pid(&url).await;
    assert!(is_running(server));
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert!(!is_running(server));
}

#[tokio::test]
async fn a_signal_reaches_the_command_and_the_server_is_stopped_after_it() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let name = signal.as_str().trim_start_matches("SIG");
        let script = format!("trap 'echo caught; exit 9' {name}; echo \"$DAFTAR_TEST_POSTGRES\"; while :; do sleep 0.05; done");
        let (mut child, mut output, url) = start(&script);
        let server = server_pid(&url).await;
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "caught", "{signal}");
        assert_eq!(child.wait().unwrap().code(), Some(9), "{signal}");
        assert!(!is_running(server), "{signal}");
    }
}

#[test]
fn a_command_ended_by_a_signal_is_reported_as_shells_do() {
    let status = Command::new(PROGRAM).args(["--", "sh", "-c", "kill -KILL $$"]).status().unwrap();
    assert_eq!(status.code(), Some(137));
}

#[tokio::test]
async fn when_the_program_is_killed_no_server_and_no_data_stay_behind() {
    let (mut child, _output, url) = start("echo \"$DAFTAR_TEST_POSTGRES\"; read -r _");
    let server = server_pid(&url).await;
    let directory = data_directory(&url).await;
    assert!(directory.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the server ends", || !is_running(server));
    eventually("its directory goes", || !directory.exists());
}

#[test]
fn a_missing_command_is_a_clear_error() {
    let output = Command::new(PROGRAM).args(["--", "/no/such/command"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot run /no/such/command"), "{said}");
    let output = Command::new(PROGRAM).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8(output.stderr).unwrap().contains("usage: throwaway-postgres"));
}

#[test]
fn a_machine_without_a_server_is_told_what_to_install() {
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM).args(["--", "true"]).env("DAFTAR_PG_BIN", empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("DAFTAR_PG_BIN is {}", empty.path().display())), "{said}");
}

async fn data_directory(url: &str) -> std::path::PathBuf {
    use sqlx::Connection;
    let mut connection = sqlx::postgres::PgConnection::connect(url).await.unwrap();
    let data = crate::support::text(&mut connection, "SHOW data_directory").await;
    std::path::Path::new(&data).parent().unwrap().to_owned()
}
