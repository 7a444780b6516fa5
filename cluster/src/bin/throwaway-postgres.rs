//! Runs a command with a PostgreSQL server of its own, which is gone afterwards.
//!
//!     throwaway-postgres [--durable] -- COMMAND ARGS…
//!
//! The command finds the superuser's URL in `DAFTAR_TEST_POSTGRES` and the server's programs in `DAFTAR_PG_BIN`. Its exit code is ours.

use std::error::Error;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use daftar_cluster::{Cluster, Options, SUPERUSER};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use tokio::process::Command;
use tokio::signal::unix::{self, SignalKind};

const USAGE: &str = "usage: throwaway-postgres [--durable] -- COMMAND ARGS…";

/// What a program ends with that did not get as far as its work.
const FAILED: u8 = 125;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprint!("throwaway-postgres: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::from(FAILED)
        }
    }
}

async fn run() -> Result<u8, Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let durable = arguments.next_if(|argument| argument == "--durable").is_some();
    if arguments.next().is_none_or(|argument| argument != "--") {
        return Err(USAGE.into());
    }
    let program = arguments.next().ok_or(USAGE)?;

    // From here on a signal is ours to handle: the cluster must not outlive it.
    let mut signals = Signals::catch()?;
    // Tests count what they make the server do; a measurement does not pay for being counted.
    let counting = || Options::throw_away().setting("shared_preload_libraries", "pg_stat_statements");
    let cluster = Cluster::throw_away(if durable { Options::durable() } else { counting() })?;
    if let Ok(signal) = tokio::time::timeout(Duration::ZERO, signals.next()).await {
        return Ok(128 + signal as u8);
    }

    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env("DAFTAR_TEST_POSTGRES", cluster.url("postgres", SUPERUSER))
        .env("DAFTAR_PG_BIN", cluster.binaries().directory());
    let mut child = command.spawn().map_err(|error| format!("cannot run {}: {error}", program.to_string_lossy()))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            signal = signals.next() => {
                if let Some(pid) = child.id().filter(|_| !reaches_children(signal)) {
                    kill(Pid::from_raw(pid.cast_signed()), signal)?;
                }
            }
        }
    };
    if cluster.pid().is_none() {
        eprintln!("throwaway-postgres: PostgreSQL ended before the command did");
    }
    drop(cluster);
    Ok(code(status))
}

/// The signals that ask a program to end.
struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        let catch = |kind| unix::signal(kind);
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}

/// A terminal sends Ctrl-C to the command as well as to us; passed on, it would arrive twice, which test runners take for impatience.
fn reaches_children(signal: Signal) -> bool {
    let in_foreground = || File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(terminal) == Ok(getpgrp()));
    signal == Signal::SIGINT && in_foreground()
}

/// A shell's way to say how a command ended.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(FAILED)
}
