//! What the rules' refusals are called by programs, and what they say in Arabic. In English they speak for themselves.
//!
//! Each aggregate that people can ask something has a file here, whose match names every reason it may have to say no.

pub mod account;
mod agreement;
mod application;
mod appointment;
pub mod billing;
mod branch;
mod connection_prices;
pub mod disconnection;
mod dunning;
mod invoice;
mod meter;
mod part;
mod payment;
mod premises;
mod rating;
mod read_cycle;
mod repair;
mod stock;
mod tariff;

use std::{borrow::Cow, error::Error};

/// A code, which is stable, for programs compare it; and the sentence in Arabic.
pub type Words = (&'static str, Cow<'static, str>);

/// Why the rules say no. As an error it speaks English.
pub trait Refusal: Error + Send + Sync {
    fn words(&self) -> Words;
}
