//! One binary: each read model as examples, and the runner on a real Postgres.

mod accounts;
mod applications;
mod as_of;
mod bill_runs;
mod billable;
#[path = "../benches/projections/books.rs"]
mod books;
mod collections;
mod compare;
mod consumption;
mod faults;
mod fleet;
mod histories;
mod invoices;
mod kpis;
mod ledger;
mod lists;
mod models;
mod payments;
mod rebuild;
mod receivables;
mod repairs;
mod runner;
mod search;
mod spec;
mod tables;
mod users;
