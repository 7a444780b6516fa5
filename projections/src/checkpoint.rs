//! How far a read model has read the log.

use std::time::Duration;

use daftar_domain::Position;
use sqlx::{PgConnection, PgExecutor, PgPool};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::{
    Projector,
    columns::{from_bigint, to_bigint},
};

#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("read model `{model}` has version {there} in the database but {here} in this program")]
    OtherVersion { model: &'static str, there: i32, here: i32 },
    #[error("the read models' database failed")]
    Database(#[from] sqlx::Error),
}

/// The greatest position whose effect is in the rows; none before the first event.
pub async fn reached(db: impl PgExecutor<'_>, model: &str) -> Result<Option<Position>, sqlx::Error> {
    let found = sqlx::query!("SELECT commit_position, prepare_position FROM daftar_projections.checkpoint WHERE model = $1", model)
        .fetch_optional(db)
        .await?;
    Ok(found.and_then(|found| position(found.commit_position, found.prepare_position)))
}

/// Waits until the rows show what happened at `position`, at most for `timeout`; whether they do.
pub async fn wait_until_readable(pool: &PgPool, model: &str, position: Position, timeout: Duration) -> Result<bool, sqlx::Error> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_millis(2);
    loop {
        if reached(pool, model).await? >= Some(position) {
            return Ok(true);
        }
        if Instant::now() + pause > deadline {
            return Ok(false);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Makes sure there is a checkpoint and that the rows it speaks of are of this version; says where it is.
pub(crate) async fn begin<P: Projector>(db: &mut PgConnection) -> Result<Option<Position>, CheckpointError> {
    sqlx::query!(
        "INSERT INTO daftar_projections.checkpoint (model, version) VALUES ($1, $2) ON CONFLICT (model) DO NOTHING",
        P::NAME,
        P::VERSION,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE daftar_projections.checkpoint SET stopped_because = NULL WHERE model = $1 AND stopped_because IS NOT NULL",
        P::NAME,
    )
    .execute(&mut *db)
    .await?;
    hold::<P>(db).await
}

/// Where the model is. No one else moves it until this transaction ends.
pub(crate) async fn hold<P: Projector>(db: &mut PgConnection) -> Result<Option<Position>, CheckpointError> {
    let found = sqlx::query!(
        "SELECT version, commit_position, prepare_position FROM daftar_projections.checkpoint WHERE model = $1 FOR UPDATE",
        P::NAME,
    )
    .fetch_one(db)
    .await?;
    if found.version == P::VERSION {
        Ok(position(found.commit_position, found.prepare_position))
    } else {
        Err(CheckpointError::OtherVersion { model: P::NAME, there: found.version, here: P::VERSION })
    }
}

pub(crate) async fn advance<P: Projector>(db: &mut PgConnection, to: Position) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE daftar_projections.checkpoint SET commit_position = $2, prepare_position = $3, moved_at = now() WHERE model = $1",
        P::NAME,
        to_bigint(to.commit),
        to_bigint(to.prepare),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leaves word of why the model does not go on.
pub(crate) async fn stop<P: Projector>(db: &mut PgConnection, reason: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE daftar_projections.checkpoint SET stopped_because = $2 WHERE model = $1", P::NAME, reason).execute(db).await?;
    Ok(())
}

fn position(commit: Option<i64>, prepare: Option<i64>) -> Option<Position> {
    Some(Position { commit: from_bigint(commit?), prepare: from_bigint(prepare?) })
}
