//! What can be done, as the API's resolvers and whoever else call it.

mod accounts;
mod billing;
mod collections;
mod connecting;
mod files;
mod payments;
mod readings;
pub mod rules;
mod supply;
mod tariffs;
mod wish;
mod workshop;

use std::{sync::Arc, time::Duration};

use chrono::{NaiveDate, Utc};
use daftar_billing::{Terms, gateway::Payments, head_end::HeadEnd};
use daftar_domain::Position;
use daftar_projections::Readable;
use daftar_store::{Engine, keyring::Keyring};
use sqlx::PgPool;

use crate::{auth::Auth, files::Files, http};

pub use accounts::{NewAccount, Opened};
pub use files::{Attached, Sent};
pub use payments::StartedPayment;
pub use tariffs::Published;
pub use wish::{Wish, Written};
pub use workshop::SeenRepair;

/// How long a mutation waits for its own write to be readable.
const PATIENCE: Duration = Duration::from_secs(2);

/// All that a request needs.
#[derive(Clone, Debug)]
pub struct App {
    pub engine: Engine,
    pub keyring: Keyring,
    pub read_models: PgPool,
    pub readable: Readable,
    pub auth: Auth,
    pub payments: Payments,
    /// On which the company bills; without them nothing is issued from here.
    pub terms: Option<Arc<Terms>>,
    /// Who turns the switches of smart meters.
    pub head_end: HeadEnd,
    /// Where what people attach is kept; without it nothing can be attached.
    pub files: Option<Files>,
    pub door: http::Settings,
}

impl App {
    /// The day that it is where the company is, which is where its days end.
    pub fn today(&self) -> NaiveDate {
        Utc::now().with_timezone(&self.payments.terms().zone).date_naive()
    }

    /// What was written stays written, so a read model out of reach is "not yet" and not a failure.
    async fn readable(&self, model: &str, position: Position) -> bool {
        self.readable.reached(model, position, PATIENCE).await.unwrap_or_else(|error| {
            tracing::warn!(model, %position, %error, "cannot tell whether a write is readable");
            false
        })
    }
}
