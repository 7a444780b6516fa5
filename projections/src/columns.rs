//! Values of the domain as columns, and back.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum QueryError {
    #[error("the read models' database failed")]
    Database(#[from] sqlx::Error),
    #[error("column `{column}` of read model `{model}` does not hold what its projector writes")]
    Malformed { model: &'static str, column: &'static str, source: serde_json::Error },
}

/// The name that a variant has on disk, in events and in rows alike.
pub fn to_name<T: Serialize>(variant: &T) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(name)) => name,
        other => unreachable!("only variants without content are named in a column, not {other:?}"),
    }
}

pub fn from_name<T: DeserializeOwned>(name: String) -> serde_json::Result<T> {
    serde_json::from_value(Value::String(name))
}

/// Positions and revisions: in every store they are 63 bits wide.
pub fn to_bigint(number: u64) -> i64 {
    i64::try_from(number).expect("no store counts beyond 63 bits")
}

pub fn from_bigint(number: i64) -> u64 {
    u64::try_from(number).expect("written by `to_bigint`, so not negative")
}
