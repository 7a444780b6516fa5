//! Where a command becomes durable events.
//!
//! The port ([`EventReader`], [`EventWriter`]) is small because decisions come from a history: there is no "append whatever the state is".
//! Three stores stand behind it: memory, Postgres, and EventStoreDB. The first two are a [`log::Log`], which follows EventStoreDB's own
//! rules to the letter, so that a node can serve it to any of EventStoreDB's clients.

#[cfg(feature = "contract")]
pub mod contract;
mod eventstoredb;
pub mod execute;
pub mod keyring;
pub mod log;
mod memory;
#[cfg(feature = "node")]
pub mod node;
mod open;
mod port;
pub mod postgres;
#[cfg(feature = "contract")]
pub mod protocol;
mod raw;

pub use eventstoredb::EventStoreDb;
pub use execute::{CommandContext, Engine, ExecuteError, Outcome, Seen};
pub use memory::Memory;
pub use open::{OpenError, open, speaks_protocol};
pub use port::{AppendError, Appended, EventReader, EventStream, EventWriter, Expected, FollowStream, Followed, Scope, StoreError};
pub use postgres::{Durability, Postgres, PostgresOptions};
pub use raw::{ContentType, NewEvent, StoredEvent, Unreadable};
