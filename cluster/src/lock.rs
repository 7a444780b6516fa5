use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::Error;
use crate::error::About;

/// How long the processes of a server that was killed may take to notice.
const PATIENCE: Duration = Duration::from_secs(30);

/// The right to run a server on a directory.
///
/// The kernel holds the lock for as long as anyone has the file open, and the server and all its processes inherit it: so it is free
/// exactly when none of them is left, however they ended and whatever an old pid file says.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock; waits only for the leftovers of an owner that is dead, or is `us` having let go of it.
    pub(crate) fn take(home: &Path, leftovers_of: Leftovers) -> Result<Self, Error> {
        let path = home.join("lock");
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).about("open", &path)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(source).about("lock", &path),
                Err(TryLockError::WouldBlock) => {
                    let owner = number_in(&path);
                    let owned = leftovers_of == Leftovers::OfTheDead && owner.is_none_or(is_alive);
                    if owned || Instant::now() > deadline {
                        let owner = owner.unwrap_or_default();
                        let pid = number_in(&home.join("data/postmaster.pid")).unwrap_or(owner);
                        return Err(Error::AlreadyRunning { directory: home.to_owned(), pid, owner });
                    }
                }
            }
            sleep(Duration::from_millis(20));
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).about("write", &path)?;
        Ok(Self { file })
    }

    /// The share of the lock that a server carries as its standard input, which it never reads.
    pub(crate) fn share(&self, home: &Path) -> Result<Stdio, Error> {
        self.file.try_clone().map(Stdio::from).about("share", &home.join("lock"))
    }
}

/// Whose remaining processes are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leftovers {
    OfTheDead,
    Ours,
}

/// Removes a pid file left by a crash when another program has been given its number since, for PostgreSQL would take it for a server.
/// The caller holds the lock, so no server of ours is alive; one started by hand shows by its working directory.
#[cfg(target_os = "linux")]
pub(crate) fn clear_stale_pid_file(data: &Path) -> Result<(), Error> {
    let path = data.join("postmaster.pid");
    let Some(pid) = number_in(&path) else { return Ok(()) };
    let runs_here = std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| data.canonicalize().is_ok_and(|data| cwd == data));
    if is_alive(pid) && !runs_here { std::fs::remove_file(&path).about("remove", &path) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn clear_stale_pid_file(_data: &Path) -> Result<(), Error> {
    Ok(())
}

fn number_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

fn is_alive(pid: u32) -> bool {
    kill(Pid::from_raw(pid.cast_signed()), None) != Err(nix::errno::Errno::ESRCH)
}
