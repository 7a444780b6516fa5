use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::error::About;
use crate::home::{Home, Secret};
use crate::lock::{Leftovers, Lock, clear_stale_pid_file};
use crate::server::{Ending, FAST, IMMEDIATE, KILL, Server};
use crate::{Binaries, Error, Options};

/// The role that owns a cluster.
pub const SUPERUSER: &str = "postgres";

/// A PostgreSQL server of our own, which ends when this value is dropped.
#[derive(Debug)]
pub struct Cluster {
    home: Home,
    binaries: Binaries,
    options: Options,
    secret: Secret,
    port: u16,
    state: Mutex<State>,
    /// Last, so that the directory goes after the server in it.
    temporary: Option<TempDir>,
}

#[derive(Debug)]
struct State {
    server: Option<Server>,
    lock: Option<Lock>,
}

impl Cluster {
    /// Starts the server of a directory, making its data first if there is none.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        Self::open_home(Home::settle(directory.as_ref())?, options, None)
    }

    /// Starts a server whose data vanishes with it.
    pub fn throw_away(options: Options) -> Result<Self, Error> {
        // What promises durability must not lie in memory: /var/tmp never does, /tmp often. What promises none may.
        let places =
            if options.durable { [PathBuf::from("/var/tmp"), std::env::temp_dir()] } else { [std::env::temp_dir(), "/var/tmp".into()] };
        let mut refused = None;
        for place in places {
            let temporary =
                tempfile::Builder::new().prefix("daftar-postgres-").tempdir_in(&place).about("create a directory in", &place)?;
            // The server's user passes through; the directories it passes to are closed to all others.
            std::fs::set_permissions(temporary.path(), Permissions::from_mode(0o711)).about("set the mode of", temporary.path())?;
            match Home::settle_exactly(temporary.path()) {
                Ok(home) => return Self::open_home(home, options, Some(temporary)),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.expect("there are two places"))
    }

    fn open_home(home: Home, options: Options, temporary: Option<TempDir>) -> Result<Self, Error> {
        let lock = Lock::take(home.directory(), Leftovers::OfTheDead)?;
        let binaries = Binaries::find_for(home.data_version())?;
        let secret = home.initialise(&binaries, &options)?;
        clear_stale_pid_file(&home.data())?;

        let mut taken = Error::PortTaken { port: *options.ports.start() };
        for port in options.candidates() {
            match Server::start(&home, &binaries, &options, port, &lock, temporary.is_some()) {
                Ok(server) => {
                    let state = Mutex::new(State { server: Some(server), lock: Some(lock) });
                    return Ok(Self { home, binaries, options, secret, port, state, temporary });
                }
                Err(error @ Error::PortTaken { .. }) => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }

    /// Where a role connects to a database, with the password that is kept for that role.
    pub fn url(&self, database: &str, role: &str) -> String {
        format!("postgres://{}:{}@127.0.0.1:{}/{}", encoded(role), self.password(role), self.port, encoded(database))
    }

    /// The password kept for a role; only [`SUPERUSER`] has it by itself, others are given it when they are made. Letters and digits only.
    pub fn password(&self, role: &str) -> String {
        self.secret.password_of(role)
    }

    /// The port on 127.0.0.1, the same for as long as this value lives.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the cluster really is, which for root may be elsewhere than asked.
    pub fn directory(&self) -> &Path {
        self.home.directory()
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.home.log()
    }

    /// The programs the server was started from; `psql` and `pg_dump` are usually beside them.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The process id of the running server; none once it has ended, asked or not.
    pub fn pid(&self) -> Option<u32> {
        let mut state = self.state();
        let server = state.server.as_mut()?;
        if server.exited().is_some() { None } else { Some(server.pid()) }
    }

    /// Stops the server in good order; that it is stopped already is fine.
    pub fn stop(&self) -> Result<(), Error> {
        self.end(&mut self.state(), FAST)
    }

    /// Kills the server with SIGKILL, as a crash would, and waits until its last process is gone.
    pub fn kill(&self) -> Result<(), Error> {
        self.end(&mut self.state(), KILL)
    }

    /// Starts the server again on the same port; that it runs is fine.
    pub fn start(&self) -> Result<(), Error> {
        let state = &mut *self.state();
        if state.server.as_mut().is_some_and(|server| server.exited().is_none()) {
            return Ok(());
        }
        // After a crash nobody has waited for the leftovers yet.
        let lock = self.all_gone(state)?;
        state.server = Some(Server::start(&self.home, &self.binaries, &self.options, self.port, lock, self.temporary.is_some())?);
        Ok(())
    }

    /// Stops the server and starts it on the same port.
    pub fn restart(&self) -> Result<(), Error> {
        self.stop()?;
        self.start()
    }

    fn end(&self, state: &mut State, ending: Ending) -> Result<(), Error> {
        if let Some(mut server) = state.server.take() {
            let ended = server.end(ending);
            if ended.is_err() {
                state.server = Some(server);
                return ended;
            }
            self.all_gone(state)?;
        }
        Ok(())
    }

    /// Waits until no process of a server that has ended is left, by letting go of the lock and taking it again.
    fn all_gone<'a>(&self, state: &'a mut State) -> Result<&'a Lock, Error> {
        state.lock = None;
        Ok(state.lock.insert(Lock::take(self.home.directory(), Leftovers::Ours)?))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let ending = if self.temporary.is_some() { IMMEDIATE } else { FAST };
        if let Err(error) = self.end(&mut self.state(), ending) {
            eprintln!("{error}");
        }
    }
}

/// Leaves nothing in a URL's user or path that could be taken for its punctuation.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
