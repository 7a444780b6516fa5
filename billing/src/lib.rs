//! What takes more than one stream.
//!
//! An aggregate decides for itself and knows no other. Here are the processes that ask several of them in turn, each step of which can be
//! repeated: a process that was interrupted is simply run again, and what was done before is found done.

pub mod bill_run;
pub mod collections;
pub mod correction;
pub mod day_end;
pub mod desk;
pub mod drafts;
pub mod final_bill;
pub mod follower;
pub mod gateway;
pub mod head_end;
pub mod opening_balances;
pub mod period_close;
pub mod policies;
mod rating;
pub mod receipts;
mod refusals;
mod rows;
mod terms;

use sqlx::migrate::Migrator;

pub use rows::Unread;
pub use terms::Terms;

/// The tables in which processes remember where they are. None of them holds a fact.
pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("daftar_billing");
    migrator.dangerous_set_table_name("daftar_billing.migration");
    migrator
}
