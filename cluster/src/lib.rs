//! A private PostgreSQL cluster, for one machine and for tests.
//!
//! [`Cluster::open`] finds the server's programs, makes a data directory if there is none, and keeps `postgres` as a child process for
//! as long as the [`Cluster`] lives: a stop, a drop, or the sudden death of this process ends the server too. Everything here blocks
//! (a start takes a second or two); an async caller wraps it in `spawn_blocking`.
//!
//! What is never so: the server never runs as root, never listens beyond 127.0.0.1, and no password stands on a command line or in a log.

mod account;
mod binaries;
mod cluster;
mod error;
mod home;
mod lock;
mod options;
mod server;
#[cfg(feature = "testing")]
pub mod testing;

pub use binaries::Binaries;
pub use cluster::{Cluster, SUPERUSER};
pub use error::Error;
pub use options::Options;
