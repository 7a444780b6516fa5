use std::future::Future;

use daftar_domain::{BillingEvent, Position, Recorded};
use sqlx::{Connection, PgConnection};

use crate::checkpoint;
pub use crate::checkpoint::CheckpointError as DeliverError;

/// Turns facts into the rows of one read model.
pub trait Projector: Send + Sync + 'static {
    /// Also the name of its schema, after `read_`.
    const NAME: &'static str;
    /// Raised when the same events give other rows than before: the rows that are there must then be built anew.
    const VERSION: i32;

    /// Writes what a batch changes, in the caller's transaction and in few statements: a batch is one event or thousands.
    ///
    /// No event comes twice; that is seen to where the batch is delivered.
    fn apply(&self, db: &mut PgConnection, batch: &[Recorded<BillingEvent>]) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Gives a model a piece of the log: rows and checkpoint together, or neither.
///
/// `events` are in the log's order and `until` is not before the last of them. Events that the model has seen are left out here and nowhere else.
pub async fn deliver<P: Projector>(
    db: &mut PgConnection,
    projector: &P,
    events: &[Recorded<BillingEvent>],
    until: Position,
) -> Result<(), DeliverError> {
    let mut transaction = db.begin().await?;
    let reached = checkpoint::hold::<P>(&mut transaction).await?;
    let fresh = &events[events.partition_point(|event| Some(event.position) <= reached)..];
    if !fresh.is_empty() {
        projector.apply(&mut transaction, fresh).await?;
    }
    if Some(until) > reached {
        checkpoint::advance::<P>(&mut transaction, until).await?;
    }
    transaction.commit().await?;
    Ok(())
}
