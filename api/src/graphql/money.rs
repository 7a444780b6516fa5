use async_graphql::{Context, Object};
use daftar_domain as domain;

use super::{at_hand::at_hand, in_order::InOrder, language, scalars::Decimal};
use crate::{formatted, problem::Problem};

/// There are more of them in an answer than of anything else.
pub type Money = InOrder<Amount>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(domain::Money);

at_hand!(Amount: amount, currency, formatted);

/// An amount in one currency.
#[Object(name = "Money")]
impl Amount {
    /// As a decimal string, such as `1234.50`, with as many decimals as the currency has: never read it into a float.
    async fn amount(&self) -> Decimal {
        Decimal::from(self.0.to_decimal())
    }

    /// The ISO 4217 code of the currency.
    async fn currency(&self) -> &'static str {
        self.0.currency.code()
    }

    /// As people read it, in the language of the request: `SAR 1,234.50` or `١٬٢٣٤٫٥٠ ر.س.`
    async fn formatted(&self, context: &Context<'_>) -> String {
        formatted::money(self.0, language(context))
    }
}

impl From<domain::Money> for Money {
    fn from(money: domain::Money) -> Self {
        Self(Amount(money))
    }
}

/// A sum of the books. It is below what overflows for every utility that there is.
pub fn whole(minor: i128, currency: domain::Currency) -> Result<Money, Problem> {
    let minor = i64::try_from(minor).map_err(|error| Problem::Internal(error.into()))?;
    Ok(domain::Money::new(minor, currency).into())
}
