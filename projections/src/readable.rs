//! Says when rows show what happened at a position, and what else moves.

use std::{collections::HashMap, sync::Arc, time::Duration};

use daftar_domain::Position;
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::{broadcast, watch},
    task::AbortHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::checkpoint::{self, CHANNEL, Moved};

/// How long a model that moved without our hearing of it goes unnoticed.
const POLL: Duration = Duration::from_millis(250);

const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Steps that a live subscriber may be behind before it is told that it has missed some.
const STEPS: usize = 1_024;

/// Listens to the projectors, wherever they run. One of it serves a whole process.
#[derive(Clone, Debug)]
pub struct Readable {
    read_models: PgPool,
    listening: Arc<Listening>,
}

#[derive(Debug)]
struct Listening {
    heard: Heard,
    task: AbortHandle,
}

#[derive(Clone, Debug)]
struct Heard {
    reached: watch::Sender<HashMap<String, Position>>,
    steps: broadcast::Sender<Step>,
}

/// What whoever follows the models live is told.
#[derive(Clone, Debug)]
pub enum Step {
    Moved(Arc<Moved>),
    /// The projectors could not be heard for a while: anything may have moved meanwhile.
    Unheard,
}

impl Readable {
    pub fn listen(read_models: PgPool) -> Self {
        let heard = Heard { reached: watch::Sender::default(), steps: broadcast::Sender::new(STEPS) };
        let task = tokio::spawn(listen(read_models.clone(), heard.clone())).abort_handle();
        Self { read_models, listening: Arc::new(Listening { heard, task }) }
    }

    /// Waits until a model's rows show what happened at `position`, at most for `patience`; whether they do.
    pub async fn reached(&self, model: &str, position: Position, patience: Duration) -> Result<bool, sqlx::Error> {
        let deadline = Instant::now() + patience;
        let mut heard = self.listening.heard.reached.subscribe();
        let is_there = |heard: &HashMap<String, Position>| heard.get(model).is_some_and(|reached| *reached >= position);
        loop {
            if is_there(&heard.borrow()) || checkpoint::reached(&self.read_models, model).await? >= Some(position) {
                return Ok(true);
            }
            // A net for what was not heard, also at the very end.
            let until = deadline.min(Instant::now() + POLL);
            if timeout_at(until, heard.wait_for(is_there)).await.is_ok_and(|heard| heard.is_ok()) {
                return Ok(true);
            }
            if until == deadline {
                return Ok(checkpoint::reached(&self.read_models, model).await? >= Some(position));
            }
        }
    }

    /// Every step of every model from now on, with the ids that changed.
    pub fn steps(&self) -> broadcast::Receiver<Step> {
        self.listening.heard.steps.subscribe()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(read_models: PgPool, heard: Heard) {
    loop {
        if let Err(error) = hear(&read_models, &heard).await {
            tracing::debug!(%error, "the projectors cannot be heard; trying again");
        }
        sleep(BETWEEN_TRIES).await;
    }
}

async fn hear(read_models: &PgPool, heard: &Heard) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(read_models).await?;
    listener.listen(CHANNEL).await?;
    // Nobody may be subscribed, here and below.
    let _ = heard.steps.send(Step::Unheard);
    loop {
        let Some(step) = listener.try_recv().await? else {
            // It was lost, and is there again.
            let _ = heard.steps.send(Step::Unheard);
            continue;
        };
        // What another version of the projectors says in other words is found by asking.
        if let Ok(moved) = serde_json::from_str::<Moved>(step.payload()) {
            heard.reached.send_modify(|reached| {
                let reached = reached.entry(moved.model.clone()).or_insert(moved.position);
                *reached = moved.position.max(*reached);
            });
            let _ = heard.steps.send(Step::Moved(Arc::new(moved)));
        }
    }
}
