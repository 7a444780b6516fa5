use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

const OLDEST: u32 = 14;

/// A PostgreSQL server's own programs, `postgres` and `initdb`, of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    directory: PathBuf,
    major: u32,
}

impl Binaries {
    /// The first suitable of: `DAFTAR_PG_BIN` (which suffers no other beside it), `PATH`, and the newest in the usual places.
    pub fn find() -> Result<Self, Error> {
        Self::find_for(None)
    }

    /// Data written by one major version is read by no other, so an existing data directory says which it needs.
    pub(crate) fn find_for(data_version: Option<u32>) -> Result<Self, Error> {
        let suits = |found: &Self| data_version.map_or(found.major >= OLDEST, |major| found.major == major);
        let needed = || data_version.map_or(format!("{OLDEST} or newer"), |major| format!("{major} (the existing data's)"));

        if let Some(directory) = env::var_os("DAFTAR_PG_BIN").filter(|value| !value.is_empty()).map(PathBuf::from) {
            return Self::at(&directory).filter(suits).ok_or_else(|| Error::UnsuitableServer { directory, needed: needed() });
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).filter_map(|directory| Self::at(&directory)).find(suits);
        let newest = || usual_places().iter().filter_map(|directory| Self::at(directory)).filter(suits).max_by_key(|found| found.major);
        on_path.or_else(newest).ok_or_else(|| Error::NoServer { needed: needed() })
    }

    /// The programs in this directory, if both are there and say their version.
    fn at(directory: &Path) -> Option<Self> {
        if !directory.is_absolute() || !directory.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8(output.stdout).ok()?)?;
        // Behind a link lies the whole installation, `psql` included.
        let real = directory.join("postgres").canonicalize().ok()?.parent()?.to_owned();
        let directory = if real.join("initdb").is_file() { real } else { directory.to_owned() };
        Some(Self { directory, major })
    }

    /// Where the programs are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The major version, such as 17.
    pub fn major(&self) -> u32 {
        self.major
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Where packagers put servers without putting them on `PATH`.
fn usual_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    // Debian and Ubuntu: one directory per major version.
    places.extend(entries("/usr/lib/postgresql").map(|version| version.join("bin")));
    // Homebrew, on Apple and on Intel processors, and on Linux.
    for prefix in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        places.extend(entries(prefix).filter(|path| names(path, "postgresql")).map(|formula| formula.join("bin")));
    }
    // The PostgreSQL project's own packages for Fedora and RHEL.
    places.extend(entries("/usr").filter(|path| names(path, "pgsql-")).map(|version| version.join("bin")));
    places
}

fn entries(directory: &str) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn names(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 19devel` and `… 16beta2`.
fn major_version(line: &str) -> Option<u32> {
    let version = line.split("(PostgreSQL) ").nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major_version("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major_version("bash: postgres: command not found\n"), None);
    }
}
