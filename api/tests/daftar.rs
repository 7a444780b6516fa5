//! A run of the program.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The program with a clean environment: what the machine happens to have set must not decide a test.
pub fn daftar(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_daftar"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["DATABASE_URL", "EVENTSTORE_URL", "DAFTAR_LISTEN", "DAFTAR_HOME", "DAFTAR_MASTER_KEY_FILE", "DAFTAR_NODE_PORT"] {
        command.env_remove(name);
    }
    for name in [
        "DAFTAR_NODE_USER",
        "DAFTAR_NODE_PASSWORD",
        "DAFTAR_WAIT",
        "DAFTAR_USER_PASSWORD",
        "DAFTAR_LOG",
        "DAFTAR_LOG_FORMAT",
        "DAFTAR_SEAL_KEY",
        "DAFTAR_SIMULATED_GATEWAY",
        "DAFTAR_SIMULATED_GATEWAY_SECRET",
        "DAFTAR_SIMULATED_HEAD_END",
        "DAFTAR_SIMULATED_HEAD_END_SECRET",
        "DAFTAR_TIME_ZONE",
        "DAFTAR_BILL_TERMS",
        "DAFTAR_SEAL_KEY_FILE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end: exit code and what it said on standard error.
pub fn failure(command: &mut Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().expect("the program runs");
    (status.code().expect("it ended by itself"), String::from_utf8(stderr).expect("it speaks UTF-8"))
}

/// The program while it runs; killed if the test forgets it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output }
    }

    /// Reads on to the line that has this in it.
    pub fn line_with(&mut self, part: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).expect("it speaks UTF-8"), 0, "no line with {part:?} in:\n{seen}");
            if line.contains(part) {
                return line;
            }
            seen += &line;
        }
    }

    /// Asks it to end; whether it ended well, and the rest of what it said.
    pub fn terminate(mut self) -> (bool, String) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).expect("it runs");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("it speaks UTF-8");
        (self.child.wait().expect("it ends").success(), rest)
    }
}

impl Running {
    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `… http://127.0.0.1:8080/graphql …`.
pub fn address_in(line: &str) -> SocketAddr {
    let (_, after) = line.split_once("://").unwrap_or_else(|| panic!("no address in {line:?}"));
    let end = after.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(after.len());
    after[..end].parse().unwrap_or_else(|error| panic!("{error}: {line:?}"))
}
