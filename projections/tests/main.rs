//! One binary: each read model as examples, and the runner on a real Postgres.

mod accounts;
mod runner;
mod spec;
