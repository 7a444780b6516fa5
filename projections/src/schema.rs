//! Where a read model's tables are: made, filled beside the old ones, put in their place.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    checkpoint,
    model::{Model, Place},
    rows::Table,
};

/// Makes the tables of a model that has none, so that it can be asked before anything was projected.
pub(crate) async fn install(db: &mut PgConnection, model: &Model) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    if checkpoint::find(&mut *transaction, model, Place::Live).await?.is_none() {
        make(&mut transaction, model, Place::Live).await?;
        finish(&mut transaction, model, Place::Live).await?;
        checkpoint::create(&mut *transaction, model, Place::Live).await?;
    }
    transaction.commit().await
}

/// Makes empty tables without indexes. What an earlier rebuild left behind goes first.
pub(crate) async fn make(db: &mut PgConnection, model: &Model, place: Place) -> Result<(), sqlx::Error> {
    drop(db, model, place).await?;
    let schema = place.schema(model);
    run(db, format!("CREATE SCHEMA {schema} AUTHORIZATION {OWNER}")).await?;
    run_in(db, &schema, model.tables()).await
}

/// Adds keys and indexes to filled tables.
pub(crate) async fn finish(db: &mut PgConnection, model: &Model, place: Place) -> Result<(), sqlx::Error> {
    run_in(db, &place.schema(model), model.indexes()).await
}

/// Puts the tables that were filled in the place of those that are read. A statement that was prepared before finds the new ones.
pub(crate) async fn swap(db: &mut PgConnection, model: &Model) -> Result<(), sqlx::Error> {
    let [live, next, old] = [Place::Live, Place::Next, Place::Old].map(|place| place.schema(model));
    run(db, format!("ALTER SCHEMA {live} RENAME TO {old}")).await?;
    run(db, format!("ALTER SCHEMA {next} RENAME TO {live}")).await?;
    sqlx::query!("DELETE FROM daftar_projections.checkpoint WHERE model = $1", model.name).execute(&mut *db).await?;
    sqlx::query!("UPDATE daftar_projections.checkpoint SET model = $1 WHERE model = $2", model.name, Place::Next.checkpoint(model),)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn drop(db: &mut PgConnection, model: &Model, place: Place) -> Result<(), sqlx::Error> {
    run(db, format!("DROP SCHEMA IF EXISTS {} CASCADE", place.schema(model))).await?;
    sqlx::query!("DELETE FROM daftar_projections.checkpoint WHERE model = $1", place.checkpoint(model)).execute(db).await?;
    Ok(())
}

/// A way to the rows of tables that have no indexes yet.
pub(crate) async fn index_for_now(db: &mut PgConnection, schema: &str, tables: &[&mut dyn Table]) -> Result<(), sqlx::Error> {
    for (table, key) in tables.iter().filter_map(|table| table.key()) {
        run(db, format!("CREATE INDEX for_now_{table} ON {schema}.{table} ({})", key.join(", "))).await?;
        run(db, format!("ANALYZE {schema}.{table}")).await?;
    }
    Ok(())
}

pub(crate) async fn drop_indexes_for_now(db: &mut PgConnection, schema: &str, tables: &[&mut dyn Table]) -> Result<(), sqlx::Error> {
    for (table, _) in tables.iter().filter_map(|table| table.key()) {
        run(db, format!("DROP INDEX IF EXISTS {schema}.for_now_{table}")).await?;
    }
    Ok(())
}

/// Whoever runs the projectors is a member of it, and so may do with its tables as it pleases.
const OWNER: &str = "daftar_projector";

/// Runs a model's own statements as if its schema were the only one.
async fn run_in(db: &mut PgConnection, schema: &str, statements: &str) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    run(&mut transaction, format!("SET LOCAL ROLE {OWNER}; SET LOCAL search_path TO {schema}; {statements}")).await?;
    run(&mut transaction, "RESET ROLE; RESET search_path".to_owned()).await?;
    transaction.commit().await
}

/// The names in it are ours, and so are the statements.
async fn run(db: &mut PgConnection, statements: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(db).await?;
    Ok(())
}
