//! A gateway of our own, for development and for tests: it takes no money, does what it is told, and can be told to do wrong.
//!
//! Here is our side of it, as of any gateway; `process.rs` is its own, which runs as `daftar simulated-gateway`.

mod page;
pub mod process;

use async_trait::async_trait;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use daftar_domain::{Code, ids::PaymentId};
use serde::{Deserialize, Serialize};

use super::{Accepted, GatewayError, Link, NotGenuine, Order, PaymentGateway, RefundOrder, RefundReport, Report, Secret, signature};

/// As payments know it.
pub const NAME: &str = "simulated";

pub fn name() -> Code {
    Code::new(NAME).expect("a code")
}

#[derive(Debug)]
pub struct Simulated {
    link: Link,
    secret: Secret,
}

#[derive(Serialize, Deserialize)]
struct Inquiry {
    payment_id: PaymentId,
}

impl Simulated {
    pub fn new(link: Link, secret: Secret) -> Self {
        Self { link, secret }
    }
}

#[async_trait]
impl PaymentGateway for Simulated {
    async fn start(&self, order: &Order) -> Result<Accepted, GatewayError> {
        self.link.ask("/payments", order).await?.ok_or_else(nothing)
    }

    async fn inquire(&self, payment_id: PaymentId) -> Result<Option<Report>, GatewayError> {
        self.link.ask("/inquiries", &Inquiry { payment_id }).await
    }

    async fn refund(&self, order: &RefundOrder) -> Result<RefundReport, GatewayError> {
        self.link.ask("/refunds", order).await?.ok_or_else(nothing)
    }

    fn hear(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<Report, NotGenuine> {
        self.secret.verify(signature::header(headers), body, now)?;
        serde_json::from_slice(body).map_err(|_| NotGenuine::Malformed)
    }
}

fn nothing() -> GatewayError {
    GatewayError::NoAnswer("it knows nothing of what it was asked for".into())
}
