//! A head-end of our own, for development and for tests: its meters are made up, it does what it is told, and can be told to do wrong.
//!
//! Here is our side of it, as of any head-end; `process.rs` is its own, which runs as `daftar simulated-head-end`.

pub mod process;

use async_trait::async_trait;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};

use super::{MeterSwitch, Report, SwitchError, SwitchOrder};
use crate::gateway::{Link, NotGenuine, Secret, signature};

#[derive(Debug)]
pub struct Simulated {
    link: Link,
    secret: Secret,
}

impl Simulated {
    pub fn new(link: Link, secret: Secret) -> Self {
        Self { link, secret }
    }
}

#[async_trait]
impl MeterSwitch for Simulated {
    async fn turn(&self, order: &SwitchOrder) -> Result<Report, SwitchError> {
        self.link.ask("/switches", order).await?.ok_or_else(nothing)
    }

    async fn call_back(&self, order: &SwitchOrder) -> Result<Report, SwitchError> {
        self.link.ask("/call-backs", order).await?.ok_or_else(nothing)
    }

    fn hear(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<Report, NotGenuine> {
        self.secret.verify(signature::header(headers), body, now)?;
        serde_json::from_slice(body).map_err(|_| NotGenuine::Malformed)
    }
}

fn nothing() -> SwitchError {
    SwitchError::NoAnswer("it knows nothing of what it was asked for".into())
}
