//! Smart meters' switches, which somebody else's head-end turns for us.
//!
//! [`MeterSwitch`] is all that we ask of one. Messages are signed and travel as those of payment gateways do. `webhook.rs` is the door that
//! head-ends call at; `simulated/` is one of our own, in a process of its own. Who asks is [`Switching`](crate::collections::Switching).

pub mod simulated;
pub mod webhook;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use daftar_domain::{Code, disconnection::Turn, ids::DisconnectionId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::gateway::GatewayError as SwitchError;
use crate::gateway::NotGenuine;

/// Whoever turns the switches of smart meters.
///
/// Whatever is asked twice under one switch id is one thing: told again, it answers what has become of it. What was called back is never done,
/// even if the command comes after the call.
#[async_trait]
pub trait MeterSwitch: Send + Sync {
    async fn turn(&self, order: &SwitchOrder) -> Result<Report, SwitchError>;

    /// What was done already is not undone by it, and said.
    async fn call_back(&self, order: &SwitchOrder) -> Result<Report, SwitchError>;

    /// What a callback says, once it is certain who says it.
    fn hear(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<Report, NotGenuine>;
}

/// The head-end of this deployment, if it has one.
#[derive(Clone, Default)]
pub struct HeadEnd(Option<Arc<dyn MeterSwitch>>);

impl HeadEnd {
    pub fn new(head_end: Arc<dyn MeterSwitch>) -> Self {
        Self(Some(head_end))
    }

    pub fn get(&self) -> Option<&dyn MeterSwitch> {
        self.0.as_deref()
    }
}

impl fmt::Debug for HeadEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "HeadEnd" } else { "NoHeadEnd" })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwitchOrder {
    pub switch_id: Uuid,
    pub disconnection_id: DisconnectionId,
    pub turn: Turn,
    pub maker: Code,
    pub serial: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub switch_id: Uuid,
    pub disconnection_id: DisconnectionId,
    pub turn: Turn,
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum Outcome {
    /// It will be done, or not.
    Pending,
    Done {
        /// What the meter showed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reading: Option<Decimal>,
    },
    /// It was not done and will not be.
    Failed {
        cause: Code,
    },
    CalledBack,
}
