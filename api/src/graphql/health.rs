use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::Utc;
use daftar_projections::{COUNTED, MODELS, Status, status};

use super::{answer, app, caller, scalars::DateTime};
use crate::{
    caller::{BOOKS, Role},
    problem::Problem,
};

/// How one of the read models is, from which queries are answered.
#[derive(Debug, SimpleObject)]
struct ReadModelHealth {
    /// Its name.
    model: &'static str,
    /// The version of its rows; null if it has no tables.
    version: Option<i32>,
    /// The version that this program would write.
    program_version: i32,
    /// Up to where in the order of all events its rows tell; null before the first.
    position: Option<String>,
    /// How many events wait to become rows; counted up to a limit.
    behind_events: u64,
    /// Whether there may be more that wait than were counted.
    behind_more: bool,
    /// How long the first of them has waited.
    behind_seconds: f64,
    /// Which process keeps it now; null if none does.
    leader: Option<String>,
    /// Why it does not go on by itself.
    stopped_because: Option<String>,
    /// What went wrong last.
    last_error: Option<String>,
    /// When that was.
    last_error_at: Option<DateTime>,
}

impl From<Status> for ReadModelHealth {
    fn from(status: Status) -> Self {
        Self {
            model: status.model,
            version: status.version,
            program_version: status.program,
            position: status.position.map(|position| position.to_string()),
            behind_events: status.behind_events,
            behind_more: status.behind_events >= COUNTED,
            behind_seconds: status.behind_seconds,
            leader: status.leader,
            stopped_because: status.stopped_because,
            last_error: status.last_error,
            last_error_at: status.last_error_at.map(DateTime),
        }
    }
}

#[derive(Debug, Default)]
pub struct HealthQuery;

#[Object]
impl HealthQuery {
    /// How the read models are, from which queries are answered; for those who run the house or look into it.
    #[graphql(complexity = "1 + 15 * child_complexity")]
    async fn read_models(&self, context: &Context<'_>) -> Option<Result<Vec<ReadModelHealth>>> {
        let health = async {
            caller(context).staff(&[BOOKS, &[Role::Billing]].concat())?;
            let app = app(context);
            let mut db = app.read_models.acquire().await?;
            let found = status(&mut db, &**app.engine.store(), MODELS, Utc::now()).await;
            Ok(found.map_err(|error| Problem::Unavailable(error.into()))?.into_iter().map(ReadModelHealth::from).collect())
        };
        Some(answer(context, health.await))
    }
}
