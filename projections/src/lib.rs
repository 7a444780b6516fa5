//! Events to Postgres: read models and their queries.
//!
//! A read model is one file: a [`Projector`] that turns events into rows, and typed queries over those rows beside it. The runner knows
//! no model; models know no runner. Rows and checkpoint are written in one transaction, so a crash loses and doubles nothing.

pub mod accounts;
mod checkpoint;
mod columns;
mod projector;
mod runner;

use sqlx::migrate::Migrator;

pub use checkpoint::{CheckpointError, reached, wait_until_readable};
pub use columns::QueryError;
pub use projector::{DeliverError, Projector, deliver};
pub use runner::{Runner, Stopped};

/// The read models' tables.
pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("daftar_projections");
    migrator.dangerous_set_table_name("daftar_projections.migration");
    migrator
}
