//! Holds read models against what the log makes of them: built anew into tables of their own, and compared row by row.
//!
//! Whoever compares changes nothing that is read. Models that move on meanwhile are compared as they were at one moment.

use daftar_domain::Position;
use daftar_store::{EventReader, Scope};
use futures::TryStreamExt;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use crate::{
    checkpoint,
    feed::Entry,
    model::{Model, Place},
    projector::{Batch, deliver},
    rebuild::{self, Building, RebuildError, needed, read_all, up_to},
    schema,
};

/// Differing rows that are shown of a table.
const SHOWN: i64 = 5;

/// A model as it is read, held against the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    pub model: &'static str,
    /// How far the tables that are read have come: as of there both are compared.
    pub position: Option<Position>,
    pub tables: Vec<ComparedTable>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ComparedTable {
    pub table: String,
    pub rows: u64,
    /// Rows that are read and that the log does not make, and the first of them.
    pub extra: (u64, Vec<Value>),
    /// Rows that the log makes and that are not there to be read. An altered row is one of each.
    pub missing: (u64, Vec<Value>),
}

impl Compared {
    pub fn is_same(&self) -> bool {
        self.tables.iter().all(ComparedTable::is_same)
    }
}

impl ComparedTable {
    pub fn is_same(&self) -> bool {
        self.extra.0 == 0 && self.missing.0 == 0
    }
}

/// Fills scratch tables (`read_<model>_scratch`) from the log, as far as the tables that are read have come, and leaves them there.
pub async fn build(
    models: &[Model],
    reader: &dyn EventReader,
    database: &PgConnectOptions,
    memory: usize,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<(), RebuildError> {
    for building in built(models, reader, database, memory, progress).await? {
        building.leave().await?;
    }
    Ok(())
}

/// Builds, compares, and leaves nothing behind.
pub async fn compare(
    models: &[Model],
    reader: &dyn EventReader,
    database: &PgConnectOptions,
    memory: usize,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Vec<Compared>, RebuildError> {
    let mut compared = Vec::with_capacity(models.len());
    for mut building in built(models, reader, database, memory, progress).await? {
        let model = building.model;
        compared.push(compare_one(&mut building.db, &model, reader).await?);
        schema::drop(&mut building.db, &model, Place::Scratch).await?;
        building.leave().await?;
    }
    Ok(compared)
}

/// One pass over the log for all models.
async fn built(
    models: &[Model],
    reader: &dyn EventReader,
    database: &PgConnectOptions,
    memory: usize,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Vec<Building>, RebuildError> {
    let building = rebuild::begin(models, Place::Scratch, database, memory).await?;
    let mut filled = rebuild::fill(building, reader, &|events, _| progress(events)).await?;
    let mut built = Vec::with_capacity(models.len());
    while let Some(building) = filled.finish_next(&|_| ()).await? {
        built.push(building);
    }
    built.sort_by_key(|building| models.iter().position(|model| model.name == building.model.name));
    Ok(built)
}

/// Of one snapshot: in it the tables that are read stand still, and the others catch up with them.
async fn compare_one(db: &mut PgConnection, model: &Model, reader: &dyn EventReader) -> Result<Compared, RebuildError> {
    let mut transaction = db.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *transaction).await?;
    let live = checkpoint::reached(&mut *transaction, model.name).await?;
    let mut after = checkpoint::find(&mut *transaction, model, Place::Scratch).await?.and_then(|found| found.reached);
    let mut pages = read_all(reader, after, Scope::categories(model.categories));
    while after < live
        && let Some(page) = pages.try_next().await?
    {
        let page = up_to(&page, live);
        let events = needed(model, page)?;
        let Some(until) = page.last().map(Entry::position) else { break };
        deliver(&mut transaction, model, Place::Scratch, Batch { after, events: &events, until }).await?;
        after = Some(until);
    }
    let [read, made] = [Place::Live, Place::Scratch].map(|place| place.schema(model));
    let mut tables = Vec::new();
    for table in tables_of(&mut transaction, &made).await? {
        let rows = count(&mut transaction, &read, &table).await?;
        let extra = except(&mut transaction, &read, &made, &table).await?;
        let missing = except(&mut transaction, &made, &read, &table).await?;
        tables.push(ComparedTable { table, rows, extra, missing });
    }
    transaction.commit().await?;
    Ok(Compared { model: model.name, position: live, tables })
}

async fn tables_of(db: &mut PgConnection, schema: &str) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT relname::text FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r' ORDER BY relname";
    sqlx::query_scalar(sql).bind(schema).fetch_all(db).await
}

async fn count(db: &mut PgConnection, schema: &str, table: &str) -> Result<u64, sqlx::Error> {
    let sql = format!("SELECT count(*) FROM {schema}.{table}");
    sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(db).await.map(i64::cast_unsigned)
}

/// Rows of one schema's table that the other's lacks, as they are written: how many, and the first.
async fn except(db: &mut PgConnection, of: &str, other: &str, table: &str) -> Result<(u64, Vec<Value>), sqlx::Error> {
    let sql = format!(
        "SELECT count(*) OVER (), line FROM (SELECT row_to_json(r)::text AS line FROM {of}.{table} r
                                             EXCEPT ALL SELECT row_to_json(r)::text FROM {other}.{table} r) AS differing
         ORDER BY line LIMIT {SHOWN}"
    );
    let found: Vec<(i64, String)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?;
    let rows = found.iter().map(|(_, line)| serde_json::from_str(line).map_err(|error| sqlx::Error::Decode(error.into())));
    Ok((found.first().map_or(0, |(count, _)| count.cast_unsigned()), rows.collect::<Result<_, _>>()?))
}
