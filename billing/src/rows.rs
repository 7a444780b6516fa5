//! The rows that a process reads, and whether they show what it has to know.

use std::time::Duration;

use daftar_domain::Position;
use daftar_projections::{Projector, QueryError, Readable, reached};
use daftar_store::{Engine, Scope, StoreError};
use futures::TryStreamExt;
use sqlx::PgPool;
use thiserror::Error;

/// How long a read model may take to hear of what was recorded before.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why rows could not be read.
#[derive(Debug, Error)]
pub enum Unread {
    #[error("the read model `{model}` does not follow the log: is a projector running?")]
    Behind { model: &'static str },
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the read models' database failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Log(#[from] StoreError),
}

#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub db: PgPool,
    readable: Readable,
    patience: Duration,
}

impl Rows {
    pub fn new(db: PgPool) -> Self {
        Self { readable: Readable::listen(db.clone()), db, patience: PATIENCE }
    }

    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Waits until a model's rows show what happened at a position.
    pub async fn reached<P: Projector>(&self, position: Position) -> Result<(), Unread> {
        match self.readable.reached(P::NAME, position, self.patience).await? {
            true => Ok(()),
            false => Err(Unread::Behind { model: P::NAME }),
        }
    }

    /// Waits until a model's rows show all that is in the log at this moment; up to where that is.
    pub async fn caught_up<P: Projector>(&self, engine: &Engine) -> Result<Option<Position>, Unread> {
        self.caught_up_with::<P>(engine, Scope::categories(P::CATEGORIES)).await
    }

    /// The same, and its checkpoint stands at the very end of the log: also past what is not for it.
    pub async fn heard_of_all<P: Projector>(&self, engine: &Engine) -> Result<Option<Position>, Unread> {
        self.caught_up_with::<P>(engine, Scope::billing()).await
    }

    async fn caught_up_with<P: Projector>(&self, engine: &Engine, scope: Scope) -> Result<Option<Position>, Unread> {
        let reached = reached(&self.db, P::NAME).await?;
        let mut behind = engine.store().read_all(reached, scope);
        let mut last = None;
        while let Some(stored) = behind.try_next().await? {
            last = Some(stored.position);
        }
        let Some(last) = last else { return Ok(reached) };
        self.reached::<P>(last).await?;
        Ok(Some(last))
    }
}
