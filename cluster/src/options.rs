use std::ops::RangeInclusive;

/// Below every system's range for outgoing connections. A client that keeps knocking at the dead port of a server being restarted may
/// otherwise be given that very port as its own, connect to itself, and keep the server from coming back.
const PORTS: RangeInclusive<u16> = 15_500..=32_000;

const COMMON: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("log_checkpoints", "off"),
    // Statements and details hold passwords and customers' data; a log is read by more people than a table.
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    // Our statements are short: compiling one costs more than running it.
    ("jit", "off"),
];

const DURABLE: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "100"),
    ("shared_buffers", "256MB"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "8MB"),
    ("maintenance_work_mem", "128MB"),
    ("min_wal_size", "256MB"),
    ("max_wal_size", "2GB"),
    ("random_page_cost", "1.1"),
];

const THROW_AWAY: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
    ("shared_buffers", "128MB"),
    ("max_wal_size", "2GB"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];

/// How a cluster is run: what it promises about power cuts, and where it listens.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) durable: bool,
    pub(crate) ports: RangeInclusive<u16>,
    extra: Vec<(String, String)>,
}

impl Options {
    /// Every acknowledged commit survives a crash; sized like a small production server.
    pub fn durable() -> Self {
        Self { durable: true, ports: PORTS, extra: Vec::new() }
    }

    /// Nothing survives a crash of the machine, and many tests connect at once.
    pub fn throw_away() -> Self {
        Self { durable: false, ports: PORTS, extra: Vec::new() }
    }

    /// Listens on this port and no other.
    pub fn port(self, port: u16) -> Self {
        self.ports(port..=port)
    }

    /// Listens on a free one of these ports.
    pub fn ports(self, ports: RangeInclusive<u16>) -> Self {
        Self { ports, ..self }
    }

    /// Sets one of the server's parameters, over the choice made here.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// The server's parameters, later ones winning.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let promised = if self.durable { DURABLE } else { THROW_AWAY };
        let extra = self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        COMMON.iter().chain(promised).copied().chain(extra)
    }

    /// The ports in the order to try them: from a random one upwards, then round, so that clusters started together do not all try the same.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = u16> + use<> {
        let first = if self.ports.is_empty() { 0 } else { rand::random_range(self.ports.clone()) };
        let (start, end) = (*self.ports.start(), *self.ports.end());
        (first..=end).chain(start..first).take(50)
    }
}
