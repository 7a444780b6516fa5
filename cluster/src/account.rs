use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User, geteuid};

use crate::Error;
use crate::error::About;

/// Who the server runs as: ourselves, or, since PostgreSQL refuses to run as root, a user without privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    Ourselves,
    Other { uid: u32, gid: u32, name: String },
}

impl Account {
    /// The account for a data directory that may exist already: whoever owns it can go on with it.
    pub(crate) fn for_data(data: &Path) -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        if let Ok(metadata) = fs::metadata(data)
            && metadata.uid() != 0
        {
            let name = User::from_uid(Uid::from_raw(metadata.uid())).ok().flatten().map_or(metadata.uid().to_string(), |user| user.name);
            return Ok(Self::Other { uid: metadata.uid(), gid: metadata.gid(), name });
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw(), name: user.name })
            .ok_or(Error::NoAccount)
    }

    /// Makes a command run as this account, from a working directory it can surely enter.
    pub(crate) fn run(&self, command: &mut Command) {
        command.current_dir("/");
        if let Self::Other { uid, gid, name } = self {
            // The standard library clears root's supplementary groups when it sets the uid. What is told of root's home does not apply.
            command.gid(*gid).uid(*uid).env("HOME", "/").env("USER", name).env("LOGNAME", name);
        }
    }

    /// Gives a file or directory to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)).about("change the owner of", path),
        }
    }

    /// Asks the kernel, which also knows of access lists and mounts, rather than reading the modes of every parent.
    pub(crate) fn can_enter(&self, directory: &Path) -> bool {
        let mut enter = Command::new("/bin/sh");
        enter.args(["-c", "cd \"$1\"", "sh"]).arg(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.run(&mut enter);
        enter.status().is_ok_and(|status| status.success())
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Ourselves => "this process",
            Self::Other { name, .. } => name,
        }
    }
}
