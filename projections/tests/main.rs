//! One binary: each read model as examples, and the runner on a real Postgres.

mod accounts;
mod rebuild;
mod runner;
mod spec;
mod tables;
