//! How to reach a server, and how patient to be with it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The port a node listens on when none is given.
pub const DEFAULT_PORT: u16 = 2113;

/// Everything a [`Client`](crate::Client) needs to know; parsed from a connection string or written out field by field.
///
/// `Debug` and `Display` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The nodes named; with `discover` they are asked who the members are, otherwise the first is the node.
    pub hosts: Vec<Endpoint>,
    /// Whether the node to talk to is chosen by gossip, again after every failure.
    pub discover: bool,
    /// Sent with every call, encrypted or not.
    pub credentials: Option<Credentials>,
    pub tls: bool,
    /// `false` accepts any certificate: for experiments only.
    pub tls_verify_cert: bool,
    /// A PEM file with the authorities to trust instead of the system's.
    pub tls_ca_file: Option<PathBuf>,
    pub user_certificate: Option<UserCertificate>,
    pub node_preference: NodePreference,
    /// How often one call is attempted at most; a subscription is never given up.
    pub max_discover_attempts: u32,
    /// The pause before the second attempt; it doubles from there.
    pub discovery_interval: Duration,
    pub gossip_timeout: Duration,
    /// How often an idle connection is pinged; `None` never.
    pub keep_alive_interval: Option<Duration>,
    /// How long a ping may stay unanswered before the connection counts as lost; `None` for ever.
    pub keep_alive_timeout: Option<Duration>,
    /// How long a call may take, and a read may wait for its next event; `None` for ever.
    pub default_deadline: Option<Duration>,
    /// What the server calls this client in its logs.
    pub connection_name: Option<String>,
}

impl Default for Settings {
    /// One node on this machine, with TLS.
    fn default() -> Self {
        Settings {
            hosts: vec![Endpoint::new("localhost", DEFAULT_PORT)],
            discover: false,
            credentials: None,
            tls: true,
            tls_verify_cert: true,
            tls_ca_file: None,
            user_certificate: None,
            node_preference: NodePreference::Leader,
            max_discover_attempts: 10,
            discovery_interval: Duration::from_millis(100),
            gossip_timeout: Duration::from_secs(5),
            keep_alive_interval: Some(Duration::from_secs(10)),
            keep_alive_timeout: Some(Duration::from_secs(10)),
            default_deadline: Some(Duration::from_secs(10)),
            connection_name: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({self})")
    }
}

impl fmt::Display for Settings {
    /// The connection string in short, without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.discover { "esdb+discover://" } else { "esdb://" })?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{}:***@", credentials.username)?;
        }
        for (i, host) in self.hosts.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{host}")?;
        }
        write!(f, "?tls={}", self.tls)?;
        if self.tls && !self.tls_verify_cert {
            f.write_str("&tlsVerifyCert=false")?;
        }
        write!(f, "&nodePreference={}", self.node_preference)
    }
}

/// A node's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A name or an IP address, an IPv6 one without brackets.
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Endpoint { host: host.into(), port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Who the caller is.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl Credentials {
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Credentials { username: username.into(), password: password.into() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}:***)", self.username)
    }
}

/// A certificate that says who the caller is, with its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCertificate {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

/// Which member of a cluster to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodePreference {
    /// Only the leader: the one choice under which a client reads its own writes.
    Leader,
    Follower,
    Random,
    ReadOnlyReplica,
}

impl fmt::Display for NodePreference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NodePreference::Leader => "leader",
            NodePreference::Follower => "follower",
            NodePreference::Random => "random",
            NodePreference::ReadOnlyReplica => "readOnlyReplica",
        })
    }
}
