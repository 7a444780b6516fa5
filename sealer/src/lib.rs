//! Seals the log as it grows, so that whoever has kept one checkpoint can tell whether it is still the log that it was.
//!
//! A [`Sealer`] follows every stream but the store's own, grows the tree, and every ten seconds or ten thousand events remembers the tree's head,
//! signs it and publishes it, in that order: killed at any moment, it goes on with the same tree. What it has to hold in memory is the tree's edge.
//! The tables hold tiles and checkpoints for [`checkpoint`] and [`tile`], which serve them; a folder may have them too.

mod folder;
pub mod keys;
mod sealer;
mod tables;

use sqlx::migrate::Migrator;

pub use keys::KeyFileError;
pub use sealer::{Options, Sealer, Stopped};
pub use tables::{checkpoint, tile};

pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("daftar_seal");
    migrator.dangerous_set_table_name("daftar_seal.migration");
    migrator
}
