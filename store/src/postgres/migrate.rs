use sqlx::Connection;

use super::{Durability, connection::Server};
use crate::StoreError;

/// Brings the log's tables, functions and privileges up to date: run by the owner of the database, before anything else.
pub async fn migrate(url: &str) -> Result<(), StoreError> {
    // Other migrations live in the same database. Each keeps its book in its own schema.
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("daftar_log");
    migrator.dangerous_set_table_name("daftar_log._sqlx_migrations");

    let server = Server::parse(url, Durability::UnsafeForTests, super::PostgresOptions::default().patience)?;
    let mut connection = server.connect_as_owner().await?;
    migrator.run(&mut connection).await.map_err(|error| server.failed(error))?;
    connection.close().await.map_err(|error| server.error(error))
}
