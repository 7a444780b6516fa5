//! `daftar seal`: the keys that sign the log's checkpoints; and the sealer, put together from files and the environment.

use std::{env, path::PathBuf, sync::Arc};

use anyhow::Result;
use daftar_proof::LogKeys;
use daftar_sealer::{Options, Sealer, keys};
use daftar_store::EventWriter;
use sqlx::postgres::PgConnectOptions;

use crate::cli::{SealCommand, Sealing};

/// Holds the keys themselves, where there is no file for them.
const KEY: &str = "DAFTAR_SEAL_KEY";

pub fn run(command: &SealCommand) -> Result<()> {
    let keys = match command {
        SealCommand::Key(options) => match from_environment()? {
            Some(keys) => keys,
            None => keys::read(&options.seal_key_file)?,
        },
        SealCommand::Rotate(options) => keys::rotate(&options.seal_key_file)?,
        SealCommand::Retire(options) => keys::retire(&options.seal_key_file)?,
    };
    for key in keys.verifying_keys() {
        println!("{key}");
    }
    Ok(())
}

/// None if there is no key: the log is then not sealed here.
pub fn sealer(options: &Sealing, log: Arc<dyn EventWriter>, database: PgConnectOptions) -> Result<Option<Sealer>> {
    let keys = match (from_environment()?, &options.seal_key_file) {
        (Some(keys), _) => keys,
        (None, Some(file)) => keys::read_or_create(file, &options.seal_origin)?,
        (None, None) => {
            tracing::warn!("the log is not sealed: --seal-key-file names no key, nor does {KEY} hold one");
            return Ok(None);
        }
    };
    let options = Options { folder: options.seal_folder.clone(), every: options.seal_every, ..Options::default() };
    Ok(Some(Sealer::new(log, database, keys, options)))
}

/// With the key kept beside the data, unless said otherwise.
pub fn beside(mut options: Sealing, folder: PathBuf) -> Sealing {
    options.seal_key_file.get_or_insert_with(|| folder.join("seal.key"));
    options
}

fn from_environment() -> Result<Option<LogKeys>> {
    let text = env::var(KEY).ok().filter(|text| !text.trim().is_empty());
    Ok(text.as_deref().map(keys::parse).transpose()?)
}
