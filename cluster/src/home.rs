use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::error::About;
use crate::{Binaries, Error, Options, SUPERUSER};

/// Where a cluster lives when root asks for a place that the server's user cannot reach.
const ROOTS_OWN: &str = "/var/lib/daftar";

/// The longest path of a socket that every system takes (104 bytes on macOS, 108 on Linux, the final zero included).
const LONGEST_SOCKET: usize = 103;

/// One cluster's directory: `data` and `socket` belong to the server's user, the password file `secret` to us alone.
#[derive(Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    pub(crate) account: Account,
}

impl Home {
    /// Makes the directory, elsewhere if the server's user cannot enter it, and decides who that user is.
    pub(crate) fn settle(wanted: &Path) -> Result<Self, Error> {
        match Self::settle_exactly(wanted) {
            Err(Error::CannotEnter { directory, account }) if geteuid().is_root() => {
                let instead = Self::settle_exactly(&fallback_for(&directory))?;
                // It holds nothing then; and if it does, this does nothing.
                let _ = fs::remove_dir(&directory);
                let place = instead.directory.display();
                eprintln!("PostgreSQL runs as user {account}, who cannot enter {}: its data is in {place}", directory.display());
                Ok(instead)
            }
            settled => settled,
        }
    }

    /// Makes this very directory.
    pub(crate) fn settle_exactly(wanted: &Path) -> Result<Self, Error> {
        let home = Self::at(wanted)?;
        if home.account.can_enter(&home.directory) {
            return Ok(home);
        }
        Err(Error::CannotEnter { account: home.account.name().to_owned(), directory: home.directory })
    }

    fn at(wanted: &Path) -> Result<Self, Error> {
        fs::create_dir_all(wanted).about("create", wanted)?;
        let directory = wanted.canonicalize().about("find", wanted)?;
        let account = Account::for_data(&directory.join("data"))?;
        Ok(Self { directory, account })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The server's log, which every start appends to.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("postgres.log")
    }

    /// The directory of the server's own Unix socket, made anew; none where the path would be too long for one.
    pub(crate) fn socket(&self) -> Result<Option<PathBuf>, Error> {
        let socket = self.directory.join("socket");
        if socket.join(".s.PGSQL.65535").as_os_str().len() > LONGEST_SOCKET {
            return Ok(None);
        }
        self.directory_for_the_server(&socket)?;
        Ok(Some(socket))
    }

    /// The major version of the data that is here already.
    pub(crate) fn data_version(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Finds the data, or makes it; either way returns the secret its passwords come from.
    pub(crate) fn initialise(&self, binaries: &Binaries, options: &Options) -> Result<Secret, Error> {
        let path = self.directory.join("secret");
        if self.data().exists() {
            return Secret::read(&path)?.ok_or_else(|| Error::SecretLost { directory: self.directory.clone(), secret: path });
        }
        let secret = Secret::create(&path)?;
        // Made beside its place and then renamed, so that an interrupted initdb is never taken for a cluster.
        let unfinished = self.directory.join("data.new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).about("remove", &unfinished)?;
        }
        self.directory_for_the_server(&unfinished)?;
        let handover = self.directory.join("password.new");
        let made = self.initdb(binaries, options, &unfinished, &handover, &secret);
        let _ = fs::remove_file(&handover);
        made?;
        fs::rename(&unfinished, self.data()).about("rename", &unfinished)?;
        Ok(secret)
    }

    fn initdb(&self, binaries: &Binaries, options: &Options, data: &Path, handover: &Path, secret: &Secret) -> Result<(), Error> {
        // initdb reads the first password from a file it must be able to open under its own account.
        write_private(handover, &secret.password_of(SUPERUSER))?;
        self.account.own(handover)?;
        let program = binaries.program("initdb");
        let mut initdb = Command::new(&program);
        initdb.arg("-D").arg(data).arg("--pwfile").arg(handover).args([
            "-U",
            SUPERUSER,
            "--encoding=UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
        ]);
        initdb.arg(if options.durable { "--data-checksums" } else { "--no-sync" });
        initdb.stdin(Stdio::null()).env("LC_ALL", "C");
        self.account.run(&mut initdb);
        let output = initdb.output().map_err(|source| Error::Run { program: program.display().to_string(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Initdb { directory: self.directory.clone(), status: output.status, output: said })
    }

    fn directory_for_the_server(&self, path: &Path) -> Result<(), Error> {
        fs::create_dir_all(path).about("create", path)?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).about("set the mode of", path)?;
        self.account.own(path)
    }

    /// Opens the log to append to, and says where in it the coming start begins.
    pub(crate) fn open_log(&self) -> Result<(File, u64), Error> {
        let path = self.log();
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).about("open", &path)?;
        let start = log.metadata().about("read", &path)?.len();
        Ok((log, start))
    }

    /// What the server said from `start` on: the end of it, for an error message.
    pub(crate) fn log_since(&self, start: u64) -> String {
        let read = || {
            let mut log = File::open(self.log())?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(start.max(length.saturating_sub(4_000))))?;
            let mut tail = Vec::new();
            log.read_to_end(&mut tail)?;
            std::io::Result::Ok(String::from_utf8_lossy(&tail).trim_end().to_owned())
        };
        read().unwrap_or_default()
    }
}

fn fallback_for(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let hash = hex(&Sha256::digest(directory.as_os_str().as_encoded_bytes()));
    Path::new(ROOTS_OWN).join(format!("{name}-{}", &hash[..12]))
}

/// What every role's password is derived from, so that one file is all there is to keep.
pub(crate) struct Secret(String);

impl Secret {
    fn create(path: &Path) -> Result<Self, Error> {
        let secret = hex(&rand::random::<[u8; 32]>());
        write_private(path, &secret)?;
        Ok(Self(secret))
    }

    fn read(path: &Path) -> Result<Option<Self>, Error> {
        match fs::read_to_string(path) {
            Ok(secret) if !secret.trim().is_empty() => Ok(Some(Self(secret.trim().to_owned()))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).about("read", path),
        }
    }

    /// Letters and digits only: it goes into URLs and SQL literals as it is.
    pub(crate) fn password_of(&self, role: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.0);
        hash.update([0]);
        hash.update(role);
        hex(&hash.finalize())[..40].to_owned()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Writes a file that nobody else could read at any moment, and that a power cut right after does not lose.
fn write_private(path: &Path, contents: &str) -> Result<(), Error> {
    let write = || {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        writeln!(file, "{contents}")?;
        file.sync_all()
    };
    write().about("write", path)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
