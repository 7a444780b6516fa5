//! Payments that customers make themselves, through a gateway that somebody else runs (decision 13).
//!
//! [`PaymentGateway`] is all that we ask of one. `payments.rs` starts payments and brings what their gateways say into the log; `follow_up.rs` asks about
//! those that nothing was heard of; `webhook.rs` is the door that gateways call at. `signature.rs` tells a gateway from whoever
//! pretends to be it. `simulated/` is one of our own, in a process of its own.

mod follow_up;
mod payments;
pub(crate) mod signature;
pub mod simulated;
pub mod webhook;
pub(crate) mod wire;

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use daftar_domain::{
    Code, Money,
    account::Tender,
    ids::{PaymentId, RefundId},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use follow_up::Round;
pub use payments::{Begun, HearError, NewPayment, Payments, StartError, Terms};
pub use signature::{NotASecret, NotGenuine, Secret};
pub use wire::{BadUrl, Link};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Someone who takes cards and wallets for us.
///
/// Whatever is asked twice under one id is one thing: a start, a question or a refund that got no answer is sent again as it was.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    async fn start(&self, order: &Order) -> Result<Accepted, GatewayError>;

    /// What became of a payment; nothing, if the gateway never heard of it.
    async fn inquire(&self, payment_id: PaymentId) -> Result<Option<Report>, GatewayError>;

    async fn refund(&self, order: &RefundOrder) -> Result<RefundReport, GatewayError>;

    /// What a callback says, once it is certain who says it.
    fn hear(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<Report, NotGenuine>;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub payment_id: PaymentId,
    #[serde(with = "minor_units")]
    pub amount: Money,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    pub reference: Code,
    /// Where the customer pays.
    pub checkout: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub payment_id: PaymentId,
    /// What the gateway calls it.
    pub reference: Code,
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum Outcome {
    Pending,
    Completed {
        tender: Tender,
        #[serde(with = "minor_units")]
        amount: Money,
    },
    Failed {
        cause: Code,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefundOrder {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    #[serde(with = "minor_units")]
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum RefundReport {
    Pending,
    Completed { reference: Code, at: DateTime<Utc> },
    Failed { cause: Code, at: DateTime<Utc> },
}

#[derive(Debug, Error)]
pub enum GatewayError {
    /// It has understood and will not.
    #[error("it refuses: {cause}")]
    Refused { cause: Code },
    /// It may have done it or not.
    #[error("it gives no answer")]
    NoAnswer(#[source] Source),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no payment gateway `{0}`")]
pub struct UnknownGateway(pub Code);

/// The gateways of this deployment, by the names that payments and addresses know them by.
#[derive(Clone, Default)]
pub struct Gateways(Arc<BTreeMap<Code, Arc<dyn PaymentGateway>>>);

impl Gateways {
    pub fn new(gateways: impl IntoIterator<Item = (Code, Arc<dyn PaymentGateway>)>) -> Self {
        Self(Arc::new(gateways.into_iter().collect()))
    }

    pub fn get(&self, name: &Code) -> Result<&dyn PaymentGateway, UnknownGateway> {
        self.0.get(name).map(|gateway| &**gateway).ok_or_else(|| UnknownGateway(name.clone()))
    }

    pub fn names(&self) -> impl Iterator<Item = &Code> {
        self.0.keys()
    }
}

impl fmt::Debug for Gateways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Money as gateways have it: a whole number of the smallest coin, and how many digits of it are the coin's. Two for most, three for the dinar:
/// who thinks otherwise is caught before an amount is taken for another.
pub(crate) mod minor_units {
    use daftar_domain::{Currency, Money};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[derive(Serialize, Deserialize)]
    struct Amount {
        minor: i64,
        currency: Currency,
        exponent: u32,
    }

    pub fn serialize<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        let Money { minor, currency } = *money;
        Amount { minor, currency, exponent: currency.exponent() }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let Amount { minor, currency, exponent } = Amount::deserialize(deserializer)?;
        if exponent != currency.exponent() {
            return Err(D::Error::custom(format!("{} has {} decimals, not {exponent}", currency.code(), currency.exponent())));
        }
        Ok(Money::new(minor, currency))
    }
}

#[cfg(test)]
mod tests {
    use daftar_domain::Currency;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn amounts_cross_in_the_smallest_coin_of_their_currency() {
        for (amount, crosses) in [
            (Money::new(11_500, Currency::SAR), r#"{"minor":11500,"currency":"SAR","exponent":2}"#),
            (Money::new(11_500, Currency::KWD), r#"{"minor":11500,"currency":"KWD","exponent":3}"#),
        ] {
            let order = RefundOrder { refund_id: RefundId::new(Uuid::nil()), payment_id: PaymentId::new(Uuid::nil()), amount };
            let text = serde_json::to_string(&order).unwrap();
            assert!(text.contains(crosses), "{text}");
            assert_eq!(serde_json::from_str::<RefundOrder>(&text).unwrap(), order);
            let in_fifths = text.replace("\"exponent\":", "\"exponent\":1");
            let error = serde_json::from_str::<RefundOrder>(&in_fifths).unwrap_err().to_string();
            assert!(error.contains(amount.currency.code()), "{error}");
        }
    }

    #[test]
    fn an_unknown_gateway_is_named() {
        let name = Code::new("madaa").unwrap();
        let error = Gateways::default().get(&name).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "there is no payment gateway `madaa`");
    }
}
