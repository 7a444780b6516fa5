//! The books: double entry, derived from events and from nothing else.
//!
//! `chart.rs` names the accounts, `posting.rs` says what each event does to them, `periods.rs` closes months, `allowance.rs` is what finance
//! does not expect to be paid.

mod allowance;
mod chart;
mod journal;
pub mod periods;
mod posting;
#[cfg(test)]
mod tests;
mod trial_balance;

pub use allowance::{AllowanceSet, SetAllowance};
pub use chart::{Kind, LedgerAccount};
pub use journal::{Entry, Journal, JournalError, Side, SubLedger};
pub use periods::AccountingPeriods;
pub use posting::{CATEGORIES, post};
pub use trial_balance::TrialBalance;
