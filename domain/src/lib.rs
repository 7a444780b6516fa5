//! The billing rules: pure, deterministic, and the same today and in an audit years from now.
//!
//! Nothing here awaits, reads a clock, draws a random number or opens a socket. What a rule needs to know arrives in the command.

pub mod account;
pub mod agreement;
pub mod application;
pub mod appointment;
pub mod bill_run;
mod billing;
pub mod branch;
pub mod connection_prices;
pub mod correction;
mod decider;
mod digest;
pub mod disconnection;
pub mod dunning;
mod event;
pub mod ids;
pub mod invoice;
pub mod ledger;
pub mod meter;
pub mod money;
pub mod part;
pub mod payment;
mod period;
pub mod policy;
pub mod premises;
pub mod rating;
pub mod read_cycle;
pub mod register;
pub mod repair;
pub mod reservation;
mod schema;
mod sealed;
mod service;
pub mod settlement;
pub mod share;
pub mod spec;
pub mod stock;
mod stream;
pub mod tariff;
mod text;
mod usage;
pub mod user;
mod vat;

pub use billing::{Aggregate, BillingEvent, CATEGORIES};
pub use decider::Decider;
pub use digest::Digest;
pub use event::{Actor, CommandHash, DecodeError, EventSchema, Metadata, Position, Recorded, read, write};
pub use money::{Currency, Money};
pub use period::{BillingPeriod, EmptyPeriod};
pub use sealed::{Sealed, SealedFor};
pub use service::Service;
pub use stream::{StreamName, StreamNameError};
pub use text::{Code, Description, Reason, TextError};
pub use usage::{NotMeasured, Overestimate, UsageBasis, UsageSegment};
pub use vat::{VatCategory, VatStatus, VatStatuses};
