//! What a connection costs: tables that follow one another, each good from a day until the next begins.
//!
//! A table is published once and never edited, so that a quote can be reckoned again by the table it names. One stream holds the tables of a
//! service in a currency.

mod check;
mod quote;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use check::{Misprint, PriceFault, Prices};
pub use quote::{PricingError, Quote, QuoteLine};
pub use terms::{Capacity, Case, Charge, Phase, Price, PriceTerms, Specification, Step, When};

use crate::{Code, Currency, Decider, Service, StreamName, ids, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    PublishConnectionPrices(PublishConnectionPrices),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishConnectionPrices {
    pub prices: Prices,
}

events! {
    ConnectionPricesPublished 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionPricesPublished {
    pub prices: Prices,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("`{0}` is published already, with other content: a change is a new table with a code of its own")]
    CodeReused(Code),
    #[error("`{code}` begins on {from}, and `{last}` not before: tables follow one another")]
    OutOfOrder { code: Code, from: NaiveDate, last: Code },
    #[error("the table is for another service or in another currency than those before it")]
    OtherTable,
}

/// The tables of a service in a currency, by the day on which each begins.
#[derive(Clone, Debug, Default)]
pub struct ConnectionPrices {
    tables: BTreeMap<NaiveDate, Prices>,
}

impl Decider for ConnectionPrices {
    const CATEGORY: &'static str = "connection_prices";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::PublishConnectionPrices(wish) => self.publish(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::ConnectionPricesPublished(ConnectionPricesPublished { prices }) => {
                self.tables.insert(prices.effective_from, prices.clone());
            }
        }
        self
    }
}

impl ConnectionPrices {
    /// Where the tables of a service in a currency are.
    pub fn stream(service: Service, currency: Currency) -> StreamName {
        StreamName::of::<Self>(ids::connection_prices_id(service, currency))
    }

    /// The table that applies on a day.
    pub fn on(&self, day: NaiveDate) -> Result<&Prices, PricingError> {
        self.tables.range(..=day).next_back().map(|(_, prices)| prices).ok_or(PricingError::NoTable(day))
    }

    fn publish(&self, PublishConnectionPrices { prices }: PublishConnectionPrices) -> Result<Vec<Event>, Rejection> {
        match self.tables.values().find(|table| table.code == prices.code) {
            Some(already) if *already == prices => return Ok(vec![]),
            Some(_) => return Err(Rejection::CodeReused(prices.code.clone())),
            None => {}
        }
        if let Some(last) = self.tables.values().next_back() {
            if (last.service, last.currency) != (prices.service, prices.currency) {
                return Err(Rejection::OtherTable);
            }
            if prices.effective_from <= last.effective_from {
                let (code, from, last) = (prices.code.clone(), prices.effective_from, last.code.clone());
                return Err(Rejection::OutOfOrder { code, from, last });
            }
        }
        Ok(vec![ConnectionPricesPublished { prices }.into()])
    }
}

/// Made-up tables for examples and tests.
pub mod example {
    use super::*;
    use crate::{account::CustomerClass, meter::MeterKind};

    /// A table that uses every part of the format. Its figures are made up.
    pub fn electricity() -> Prices {
        include_str!("../../../fixtures/connections/electricity-made-up.json").parse().expect("a sound table")
    }

    pub fn water() -> Prices {
        include_str!("../../../fixtures/connections/water-made-up.json").parse().expect("a sound table")
    }

    /// A home of 25 kVA in the town, 80 metres from the network.
    pub fn home() -> Specification {
        Specification {
            class: CustomerClass::Residential,
            capacity: Capacity::Electricity { load_kva: quantity("25"), phase: Phase::Three },
            distance_m: quantity("80"),
            area: Code::new("riyadh-north").expect("a code"),
            meter: MeterKind::Smart,
        }
    }

    pub fn quantity(text: &str) -> crate::tariff::Quantity {
        text.parse().expect("a quantity")
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        vec![ConnectionPricesPublished { prices: electricity() }.into()]
    }
}
