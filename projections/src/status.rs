//! How the read models are, for whoever runs them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use daftar_domain::Position;
use daftar_store::{EventReader, Scope, StoreError};
use futures::TryStreamExt;
use serde::Serialize;
use sqlx::PgConnection;
use thiserror::Error;

use crate::{checkpoint::position, model::Model};

/// Events are counted up to so many; who is further behind is told no more than that.
pub const COUNTED: u64 = 100_000;

#[derive(Debug, Error)]
pub enum StatusError {
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error("the read models' database failed")]
    Database(#[from] sqlx::Error),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    pub model: &'static str,
    /// Of the rows; none if the model has no tables.
    pub version: Option<i32>,
    /// Of this program.
    pub program: i32,
    pub position: Option<Position>,
    /// Events that wait to become rows, up to [`COUNTED`].
    pub behind_events: u64,
    /// How long the first of them has waited.
    pub behind_seconds: f64,
    /// Events that became rows since the tables were made, and how many a second it was while there was work.
    pub events: u64,
    pub events_per_second: f64,
    /// The process that keeps the model now.
    pub leader: Option<String>,
    /// Why it does not go on by itself.
    pub stopped_because: Option<String>,
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
}

/// How each model is, with the log read from where the last of them is.
pub async fn status(
    db: &mut PgConnection,
    reader: &dyn EventReader,
    models: &[Model],
    now: DateTime<Utc>,
) -> Result<Vec<Status>, StatusError> {
    let mut all = Vec::new();
    for model in models {
        all.push(of_tables(&mut *db, model).await?);
    }
    let last = all.iter().map(|status| status.position).min().flatten();
    let mut log = reader.read_all(last, Scope::billing());
    let mut counted = 0;
    while counted < COUNTED
        && let Some(event) = log.try_next().await?
    {
        counted += 1;
        let category = event.stream.split_once('-').map_or("", |(category, _)| category);
        for (status, model) in all.iter_mut().zip(models) {
            if model.needs(category) && Some(event.position) > status.position {
                if status.behind_events == 0 {
                    status.behind_seconds = seconds((now - event.created_at).to_std().unwrap_or_default());
                }
                status.behind_events += 1;
            }
        }
    }
    Ok(all)
}

async fn of_tables(db: &mut PgConnection, model: &Model) -> Result<Status, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT version, commit_position, prepare_position, events, busy_micros, leader, stopped_because, last_error, last_error_at,
                  EXISTS (SELECT FROM pg_locks
                          WHERE locktype = 'advisory' AND granted AND objsubid = 1
                            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                            AND (classid::bigint << 32 | objid::bigint) = hashtextextended('daftar read model ' || model, 0)) AS "led!"
           FROM daftar_projections.checkpoint WHERE model = $1"#,
        model.name,
    )
    .fetch_optional(db)
    .await?;
    let mut status = Status {
        model: model.name,
        version: None,
        program: model.version,
        position: None,
        behind_events: 0,
        behind_seconds: 0.0,
        events: 0,
        events_per_second: 0.0,
        leader: None,
        stopped_because: None,
        last_error: None,
        last_error_at: None,
    };
    if let Some(found) = found {
        let busy = seconds(Duration::from_micros(found.busy_micros.unsigned_abs()));
        status.version = Some(found.version);
        status.position = position(found.commit_position, found.prepare_position);
        status.events = found.events.unsigned_abs();
        status.events_per_second = if busy > 0.0 { found.events as f64 / busy } else { 0.0 };
        status.leader = found.leader.filter(|_| found.led);
        status.stopped_because = found.stopped_because;
        (status.last_error, status.last_error_at) = (found.last_error, found.last_error_at);
    }
    Ok(status)
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}
