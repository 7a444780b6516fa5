//! Events to Postgres: read models and their queries.
//!
//! # Writing a read model
//!
//! A read model is a file here and a directory under `projections/models`, both of its name. The file reads top to bottom: the model with
//! its tables in memory, their rows, the fold, then typed queries.
//!
//! ```ignore
//! #[derive(Debug, Default)]
//! pub struct Accounts {
//!     accounts: Current<AccountRow>,     // how things stand: a row to a key
//!     classes: History<ClassRow>,        // what happened: rows that are only ever added
//! }
//!
//! rows! {
//!     struct AccountRow in account { account_id: Uuid, class: String, position: i64, }
//!     struct ClassRow in class { account_id: Uuid, class: String, effective_on: NaiveDate, position: i64, }
//! }
//!
//! keys! { AccountRow by account_id: Uuid; }
//!
//! impl Projector for Accounts {
//!     const NAME: &'static str = "accounts";
//!     const VERSION: i32 = 1;
//!     const CATEGORIES: &'static [&'static str] = &[account::Account::CATEGORY];
//!     const TABLES: &'static str = include_str!("../models/accounts/tables.sql");
//!     const INDEXES: &'static str = include_str!("../models/accounts/indexes.sql");
//!
//!     fn apply(&mut self, fact: &Recorded<BillingEvent>) { /* every event by name: add, insert, get_mut */ }
//!     fn tables(&mut self) -> Vec<&mut dyn Table> { vec![&mut self.accounts, &mut self.classes] }
//! }
//! ```
//!
//! - **Write the rules once.** `apply` is called for one live event, for fifty thousand, for the whole log in a rebuild, and in the examples.
//!   It only changes rows. `get` and `get_mut` answer `None` for a row that is not at hand; it is then fetched and the batch is folded again,
//!   so never conclude from `None` that something is wrong: do nothing, and the second time it is there.
//! - **`History` where the past is asked for.** A row with `position` and effective date answers "as known at P, as applying on D" with a
//!   `WHERE`, costs one COPY to write, and is never looked for. Everything financial is one.
//! - **`Current` for what is listed, searched or depends on what was there.** `insert` what is new by the log's own rules
//!   (the model stops if it is not), `put` what may replace a row, `get_mut` what must be there.
//! - **SQL.** `tables.sql` has the columns in the order and types of the row's fields, `NOT NULL` unless the field is an `Option`, no keys,
//!   no schema names. `indexes.sql` adds the primary key and what the queries need. Money is `bigint` minor units and a `currency` beside
//!   it. A name in a column is [`to_name`](columns::to_name) of the variant.
//! - **Queries** are `query!`-checked, name the schema `read_<model>`, and take `impl PgExecutor<'_>`. A list whose order people choose
//!   asks by `page!` (`order.rs`). After a change: `make sqlx-prepare`.
//! - **Add it to [`MODELS`]**, raise `VERSION` whenever rows would differ, and write examples with `spec` in `tests/`, which deliver every
//!   event twice, in batches of 1, 7 and 1,000, and by a rebuild, to the same rows.
//!
//! # The machinery
//!
//! [`Feed`] reads and decodes the log once for all models of a process; a [`Runner`] keeps each model, elected among all processes;
//! [`deliver`] writes rows and checkpoint in one transaction, so a crash loses and doubles nothing; [`rebuild`] fills tables beside those
//! that are read and swaps them in; [`compare`] holds those that are read against what the log makes of them. Models know nothing of them, nor they of any model.

pub mod accounts;
pub mod agreements;
pub mod applications;
mod as_of;
pub mod bill_runs;
pub mod billable;
mod checkpoint;
pub mod collections;
pub mod columns;
pub mod compare;
pub mod consumption;
mod feed;
pub mod fleet;
pub mod invoices;
pub mod kpis;
pub mod ledger;
pub mod meters;
mod metrics;
mod model;
mod order;
pub mod payments;
mod projector;
mod readable;
pub mod readings;
pub mod rebuild;
pub mod receivables;
pub mod repairs;
pub mod rows;
mod runner;
mod schema;
pub mod search;
mod status;
pub mod tariffs;
pub mod users;
pub mod workshop;

use sqlx::{
    PgConnection,
    migrate::{MigrateError, Migrator},
};

pub use as_of::AsOf;
pub use checkpoint::{CheckpointError, Moved, reached};
pub use columns::QueryError;
pub use feed::Feed;
pub use metrics::Metrics;
pub use model::{Model, Place};
pub use order::{Direction, Page, Spot};
pub use projector::{Batch, DeliverError, Projector, deliver};
pub use readable::{Readable, Step};
pub use runner::{Runner, Stopped, chain, elected, in_office};
pub use status::{COUNTED, Status, status};

/// Every read model.
pub const MODELS: &[Model] = &[
    Model::of::<accounts::Accounts>(),
    Model::of::<agreements::Agreements>(),
    Model::of::<applications::Applications>(),
    Model::of::<bill_runs::BillRuns>(),
    Model::of::<billable::Billable>(),
    Model::of::<collections::Collections>(),
    Model::of::<fleet::Fleet>(),
    Model::of::<invoices::Invoices>(),
    Model::of::<ledger::Ledger>(),
    Model::of::<meters::Meters>(),
    Model::of::<payments::Payments>(),
    Model::of::<readings::Readings>(),
    Model::of::<receivables::Receivables>(),
    Model::of::<repairs::Repairs>(),
    Model::of::<tariffs::Tariffs>(),
    Model::of::<users::Users>(),
    Model::of::<workshop::Workshop>(),
];

/// What is common to all read models.
pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("daftar_projections");
    migrator.dangerous_set_table_name("daftar_projections.migration");
    migrator
}

/// Brings the common tables up to date, and makes those of models that have none. Models of another version are the projectors' business.
pub async fn migrate(db: &mut PgConnection) -> Result<(), MigrateError> {
    migrator().run(&mut *db).await?;
    for model in MODELS {
        schema::install(db, model).await?;
    }
    Ok(())
}

/// All that [`migrate`] makes, in a word that changes with it.
pub fn contents() -> String {
    let migrations = migrator().iter().map(|migration| format!("{:x?}", migration.checksum)).collect::<String>();
    MODELS.iter().fold(migrations, |contents, model| format!("{contents}{model:?}{}{}", model.tables(), model.indexes()))
}
