//! Events to Postgres: read models and their queries.
