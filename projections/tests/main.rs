//! One binary: each read model as examples, and the runner on a real Postgres.

mod accounts;
mod billable;
#[path = "../benches/projections/books.rs"]
mod books;
mod faults;
mod histories;
mod ledger;
mod models;
mod rebuild;
mod receivables;
mod runner;
mod spec;
mod tables;
