use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BillingPeriod, ids::ReadingId, tariff::Quantity};

/// What was used between two readings, and which they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSegment {
    pub period: BillingPeriod,
    /// In the register's unit, after its multiplier. Below zero only if the basis is [`UsageBasis::TrueUp`].
    pub quantity: Decimal,
    pub readings: Vec<ReadingId>,
    pub basis: UsageBasis,
    /// Of a true-up: the days before it that were estimated since the last figure that was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrects: Vec<BillingPeriod>,
}

/// Usage that bills of estimated days took too much, and that no bill has given back yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overestimate {
    pub quantity: Quantity,
    /// The estimated days.
    pub periods: Vec<BillingPeriod>,
}

/// How well a quantity is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UsageBasis {
    /// Between two figures that someone or something read.
    Measured,
    /// Up to a figure that was reckoned; the bill says so.
    Estimated,
    /// From a reckoned figure to a read one: what the estimate got wrong is in it, and may make it negative.
    TrueUp,
}

/// Days of a period of which no readings tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no readings tell what was used from {from} up to and without {to}")]
pub struct NotMeasured {
    pub from: NaiveDate,
    pub to: NaiveDate,
}
