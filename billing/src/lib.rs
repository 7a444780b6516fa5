//! What takes more than one stream.
//!
//! An aggregate decides for itself and knows no other. Here are the processes that ask several of them in turn, each step of which can be
//! repeated: a process that was interrupted is simply run again, and what was done before is found done.

pub mod bill_run;
pub mod opening_balances;
