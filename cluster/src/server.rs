use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::About;
use crate::home::Home;
use crate::lock::Lock;
use crate::{Binaries, Error, Options};

/// Recovery after a crash may take its time; a server that dies instead is noticed at once.
const START: Duration = Duration::from_secs(120);

/// Signals to send, each with the time it is given to work.
pub(crate) type Ending = &'static [(Signal, Duration)];

/// Rolls back what is open, writes a checkpoint, ends.
pub(crate) const FAST: Ending =
    &[(Signal::SIGINT, Duration::from_secs(60)), (Signal::SIGQUIT, Duration::from_secs(10)), (Signal::SIGKILL, Duration::from_secs(10))];

/// Ends at once, leaving any recovery to the next start.
pub(crate) const IMMEDIATE: Ending = &[(Signal::SIGQUIT, Duration::from_secs(10)), (Signal::SIGKILL, Duration::from_secs(10))];

/// Ends as if the power had failed, as far as the server can tell.
pub(crate) const KILL: Ending = &[(Signal::SIGKILL, Duration::from_secs(10))];

/// One run of `postgres`, a child of ours in a process group of its own: Ctrl-C in a terminal reaches us, and we stop it when we are ready.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    watchdog: Option<Child>,
}

impl Server {
    /// Starts the server on this port and waits until it accepts connections.
    pub(crate) fn start(
        home: &Home,
        binaries: &Binaries,
        options: &Options,
        port: u16,
        lock: &Lock,
        temporary: bool,
    ) -> Result<Self, Error> {
        let started = unix_time();
        let (log, log_start) = home.open_log()?;
        let program = binaries.program("postgres");
        let mut postgres = Command::new(&program);
        postgres.arg("-D").arg(home.data()).args(["-c", &format!("port={port}")]);
        let socket = home.socket()?.map_or(String::new(), |path| format!("\"{}\"", path.to_string_lossy().replace('"', "\"\"")));
        postgres.args(["-c", &format!("unix_socket_directories={socket}")]);
        for (name, value) in options.settings() {
            postgres.args(["-c", &format!("{name}={value}")]);
        }
        let log_again = log.try_clone().about("share", &home.log())?;
        postgres.stdin(lock.share(home.directory())?).stdout(log_again).stderr(log).env("LC_ALL", "C").process_group(0);
        home.account.run(&mut postgres);
        let child = postgres.spawn().map_err(|source| Error::Run { program: program.display().to_string(), source })?;

        let mut server = Self { child, watchdog: None };
        let ready =
            server.watch(temporary.then_some(home.directory())).and_then(|()| server.wait_until_ready(home, port, started, log_start));
        match ready {
            Ok(()) => Ok(server),
            Err(error) => {
                server.end(IMMEDIATE)?;
                Err(error)
            }
        }
    }

    fn wait_until_ready(&mut self, home: &Home, port: u16, started: u64, log_start: u64) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        while !self.says_ready(&home.data(), started) {
            if let Some(status) = self.exited() {
                let tail = home.log_since(log_start);
                let port_taken = tail.contains("could not create any TCP/IP sockets");
                return Err(if port_taken { Error::PortTaken { port } } else { Error::Start { status, log: home.log(), tail } });
            }
            if Instant::now() > deadline {
                return Err(Error::SlowStart { seconds: START.as_secs(), log: home.log(), tail: home.log_since(log_start) });
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The eighth line of the pid file says whether connections are accepted; the first and the third, whether it is this run's file.
    fn says_ready(&self, data: &Path, started: u64) -> bool {
        let Ok(file) = fs::read_to_string(data.join("postmaster.pid")) else { return false };
        let lines: Vec<&str> = file.lines().map(str::trim).collect();
        let number = |line: usize| lines.get(line).and_then(|text| text.parse::<u64>().ok());
        number(0) == Some(self.pid().into()) && number(2).is_some_and(|second| second + 2 >= started) && lines.get(7) == Some(&"ready")
    }

    /// Has the server stopped by someone else should this process die without having done it, even by SIGKILL: a shell waits for a line
    /// that says all is well, or for the end of the pipe. It also removes the directory of a server that leaves nothing behind.
    fn watch(&mut self, vanishing: Option<&Path>) -> Result<(), Error> {
        const SCRIPT: &str = r#"
            trap '' INT TERM HUP
            read -r stopped && exit 0
            kill -INT "$1"
            [ -n "$2" ] || exit 0
            for second in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 1; done
            rm -rf -- "$2"
        "#;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "watchdog", &self.pid().to_string()]).arg(vanishing.unwrap_or(Path::new("")));
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").process_group(0);
        let watchdog = shell.spawn().map_err(|source| Error::Run { program: "/bin/sh".to_owned(), source })?;
        self.watchdog = Some(watchdog);
        Ok(())
    }

    /// Must follow the end of the server closely: its process id means nothing from then on.
    fn dismiss_watchdog(&mut self) -> io::Result<()> {
        let Some(mut watchdog) = self.watchdog.take() else { return Ok(()) };
        if let Some(mut pipe) = watchdog.stdin.take() {
            // A watchdog that somebody killed does not need to be told.
            let _ = pipe.write_all(b"\n");
        }
        watchdog.wait().map(drop)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the server ended, if it has.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        let _ = self.dismiss_watchdog();
        Some(status)
    }

    /// Ends the server; its parent is us, so its process id is its own until we have seen it end.
    pub(crate) fn end(&mut self, ending: Ending) -> Result<(), Error> {
        for (signal, patience) in ending {
            if self.exited().is_some() {
                return Ok(());
            }
            // The only reason to fail is that it has just ended, which the loop sees.
            let _ = kill(Pid::from_raw(self.pid().cast_signed()), *signal);
            let deadline = Instant::now() + *patience;
            while Instant::now() < deadline {
                if self.exited().is_some() {
                    return Ok(());
                }
                sleep(Duration::from_millis(5));
            }
        }
        Err(Error::Unstoppable { pid: self.pid() })
    }
}

fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
