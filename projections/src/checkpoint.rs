//! How far a read model has read the log.

use std::time::Duration;

use daftar_domain::Position;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    columns::{from_bigint, to_bigint},
    model::{Model, Place},
};

#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("read model `{model}` has no tables: run `daftar migrate` first")]
    NotInstalled { model: &'static str },
    #[error("read model `{model}` has version {there} in the database but {here} in this program")]
    OtherVersion { model: &'static str, there: i32, here: i32 },
    /// The tables were replaced, or their database restored.
    #[error("read model `{model}` is not where it was left")]
    Moved { model: &'static str },
    #[error("there is already a row {key}")]
    Doubled { key: String },
    #[error("{why}")]
    Refused { why: String },
    #[error("the read models' database failed")]
    Database(#[from] sqlx::Error),
}

/// Where a model's tables are in the log, and by which version's fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub version: i32,
    /// The greatest position whose effect is in the rows; none before the first event.
    pub reached: Option<Position>,
}

/// The greatest position whose effect is in the rows that are read; none before the first event.
pub async fn reached(db: impl PgExecutor<'_>, model: &str) -> Result<Option<Position>, sqlx::Error> {
    let found = sqlx::query!("SELECT commit_position, prepare_position FROM daftar_projections.checkpoint WHERE model = $1", model)
        .fetch_optional(db)
        .await?;
    Ok(found.and_then(|found| position(found.commit_position, found.prepare_position)))
}

pub(crate) async fn find(db: impl PgExecutor<'_>, model: &Model, place: Place) -> Result<Option<Checkpoint>, sqlx::Error> {
    let found = sqlx::query!(
        "SELECT version, commit_position, prepare_position FROM daftar_projections.checkpoint WHERE model = $1",
        place.checkpoint(model),
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|found| Checkpoint { version: found.version, reached: position(found.commit_position, found.prepare_position) }))
}

/// A checkpoint for tables that have just been made.
pub(crate) async fn create(db: impl PgExecutor<'_>, model: &Model, place: Place) -> Result<(), sqlx::Error> {
    sqlx::query!("INSERT INTO daftar_projections.checkpoint (model, version) VALUES ($1, $2)", place.checkpoint(model), model.version)
        .execute(db)
        .await?;
    Ok(())
}

/// Where the model is. No one else moves or replaces its tables until this transaction ends.
pub(crate) async fn hold(db: &mut PgConnection, model: &Model, place: Place) -> Result<Option<Position>, CheckpointError> {
    let found = sqlx::query!(
        "SELECT version, commit_position, prepare_position FROM daftar_projections.checkpoint WHERE model = $1 FOR UPDATE",
        place.checkpoint(model),
    )
    .fetch_optional(db)
    .await?;
    // While we waited, other tables may have taken the place of those that were held.
    let found = found.ok_or(CheckpointError::Moved { model: model.name })?;
    if found.version == model.version {
        Ok(position(found.commit_position, found.prepare_position))
    } else {
        Err(CheckpointError::OtherVersion { model: model.name, there: found.version, here: model.version })
    }
}

/// Where the tables are that are read, of whatever version. No one else moves or replaces them until this transaction ends.
pub(crate) async fn hold_live(db: &mut PgConnection, model: &Model) -> Result<Option<Position>, sqlx::Error> {
    let sql = "SELECT commit_position, prepare_position FROM daftar_projections.checkpoint WHERE model = $1 FOR UPDATE";
    let (commit, prepare) = sqlx::query_as(sql).bind(model.name).fetch_optional(db).await?.unwrap_or_default();
    Ok(position(commit, prepare))
}

/// Says that the rows show everything up to a position, and what it took: so many events in so much time.
pub(crate) async fn advance(
    db: &mut PgConnection,
    model: &Model,
    place: Place,
    to: Position,
    (events, busy): (usize, Duration),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE daftar_projections.checkpoint
         SET commit_position = $2, prepare_position = $3, events = events + $4, busy_micros = busy_micros + $5, moved_at = now()
         WHERE model = $1",
        place.checkpoint(model),
        to_bigint(to.commit),
        to_bigint(to.prepare),
        i64::try_from(events).unwrap_or(i64::MAX),
        i64::try_from(busy.as_micros()).unwrap_or(i64::MAX),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where it is said, in the transaction that writes the rows, that a model has moved.
pub(crate) const CHANNEL: &str = "daftar_read_models";

/// PostgreSQL takes 8,000 bytes in a notification; an id in JSON has 39.
const MOST_IDS: usize = 150;

/// Said on every step of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    pub model: String,
    pub position: Position,
    /// The aggregates whose facts changed rows; none if they are too many to be named.
    pub changed: Option<Vec<Uuid>>,
}

pub(crate) async fn notify(db: &mut PgConnection, model: &Model, position: Position, changed: Vec<Uuid>) -> Result<(), sqlx::Error> {
    let changed = (changed.len() <= MOST_IDS).then_some(changed);
    let moved = Moved { model: model.name.to_owned(), position, changed };
    let payload = serde_json::to_string(&moved).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(db).await?;
    Ok(())
}

/// A process has been elected to keep the model.
pub(crate) async fn lead(db: &mut PgConnection, model: &Model, leader: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE daftar_projections.checkpoint SET leader = $2, stopped_because = NULL WHERE model = $1", model.name, leader,)
        .execute(db)
        .await?;
    Ok(())
}

/// Leaves word of what the model will try again.
pub(crate) async fn interrupted(db: &mut PgConnection, model: &Model, reason: &str) -> Result<(), sqlx::Error> {
    let sql = "UPDATE daftar_projections.checkpoint SET last_error = $2, last_error_at = now() WHERE model = $1";
    sqlx::query(sql).bind(model.name).bind(reason).execute(db).await?;
    Ok(())
}

/// Leaves word of why the model does not go on.
pub(crate) async fn stop(db: &mut PgConnection, model: &Model, reason: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE daftar_projections.checkpoint SET stopped_because = $2, last_error = $2, last_error_at = now() WHERE model = $1",
        model.name,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) fn position(commit: Option<i64>, prepare: Option<i64>) -> Option<Position> {
    Some(Position { commit: from_bigint(commit?), prepare: from_bigint(prepare?) })
}
