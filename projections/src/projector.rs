//! What a read model is, and how a piece of the log is given to it.

use std::time::Instant;

use daftar_domain::{BillingEvent, Position, Recorded};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

pub use crate::checkpoint::CheckpointError as DeliverError;
use crate::{
    checkpoint,
    model::{Fold, Model, Place},
    rows::Table,
};

/// A read model: its rows in memory, and what a fact changes in them.
///
/// The one fold serves the live tables, a rebuild and the examples alike. It has no other effect than changing rows, and may be asked again
/// for the same facts after rows that it missed have been fetched.
pub trait Projector: Default + Send + Sync + 'static {
    /// Also the name of its schema, after `read_`, and of the directory of its tables.
    const NAME: &'static str;
    /// Raised when the same events give other rows than before, or rows another form: the tables are then built anew.
    const VERSION: i32;
    /// The categories whose events it reads. It stops at one of these that cannot be read, and at no other.
    const CATEGORIES: &'static [&'static str];
    /// `tables.sql`: the tables without keys and indexes, named as if there were no schemas.
    const TABLES: &'static str;
    /// `indexes.sql`: what is added once a rebuild has filled them.
    const INDEXES: &'static str;

    /// What a fact changes. Facts come in the log's order, and none comes twice; that is seen to where they are delivered.
    fn apply(&mut self, fact: &Recorded<BillingEvent>);
    fn tables(&mut self) -> Vec<&mut dyn Table>;

    /// Why a fact cannot be made rows, if there is one that should never have been recorded. The model stops at it.
    fn refuses(&self) -> Option<&str> {
        None
    }
}

/// A piece of the log on its way into a model.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Where it begins: nothing between here and the first event concerns the books.
    pub after: Option<Position>,
    /// In the log's order.
    pub events: &'a [&'a Recorded<BillingEvent>],
    /// Where it ends; not before the last event.
    pub until: Position,
}

/// Gives a model a piece of the log: rows and checkpoint together, or neither. How many events were new to it.
///
/// Events that the rows know are left out here and nowhere else.
pub async fn deliver(db: &mut PgConnection, model: &Model, place: Place, batch: Batch<'_>) -> Result<usize, DeliverError> {
    let started = Instant::now();
    let mut transaction = db.begin().await?;
    let reached = checkpoint::hold(&mut transaction, model, place).await?;
    if reached < batch.after {
        return Err(DeliverError::Moved { model: model.name });
    }
    let fresh = &batch.events[batch.events.partition_point(|event| Some(event.position) <= reached)..];
    if Some(batch.until) > reached {
        let schema = place.schema(model);
        let mut fold = model.empty();
        settle(&mut transaction, &schema, &mut *fold, fresh).await?;
        for table in fold.tables() {
            table.write(&mut transaction, &schema).await?;
        }
        checkpoint::advance(&mut transaction, model, place, batch.until, (fresh.len(), started.elapsed())).await?;
        if place == Place::Live {
            checkpoint::notify(&mut transaction, model, batch.until, changed(fresh)).await?;
        }
    }
    transaction.commit().await?;
    Ok(fresh.len())
}

/// Folds the events, again and again, until every row that they concern is at hand.
///
/// Each time round fetches rows that were not known before, so there is an end; as a rule after the second time.
pub(crate) async fn settle(
    db: &mut PgConnection,
    schema: &str,
    fold: &mut dyn Fold,
    events: &[&Recorded<BillingEvent>],
) -> Result<(), DeliverError> {
    loop {
        for event in events {
            fold.apply(event);
        }
        if let Some(why) = fold.refuses() {
            return Err(DeliverError::Refused { why: why.to_owned() });
        }
        let mut tables = fold.tables();
        if !tables.iter().any(|table| table.lacks()) {
            if let Some(key) = tables.iter().find_map(|table| table.doubled()) {
                return Err(DeliverError::Doubled { key: key.to_owned() });
            }
            tables.iter_mut().for_each(|table| table.settle());
            return Ok(());
        }
        for table in tables {
            table.fetch(db, schema).await?;
        }
    }
}

/// What the events happened to.
fn changed(events: &[&Recorded<BillingEvent>]) -> Vec<Uuid> {
    let mut ids: Vec<_> = events.iter().map(|event| event.stream.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
