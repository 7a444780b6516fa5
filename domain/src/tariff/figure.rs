//! What a tariff says in numbers that are not quantities.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quantity::{InQuotes, decimal};

/// A price, fee, rate or percentage: never negative, below a thousand million, with up to twelve decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure(Decimal);

impl Figure {
    pub const ZERO: Self = Self(Decimal::ZERO);

    pub const fn get(self) -> Decimal {
        self.0
    }
}

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = decimal(text)?;
        let plain = number.normalize();
        match plain {
            _ if plain.is_sign_negative() && !plain.is_zero() => Err(format!("{number} is below zero")),
            _ if plain.scale() > 12 => Err(format!("{number} has more than twelve decimals")),
            _ if plain >= Decimal::from(1_000_000_000) => Err(format!("{number} is not below a thousand million")),
            _ if plain.is_zero() => Ok(Self(Decimal::ZERO)),
            _ => Ok(Self(number)),
        }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InQuotes::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_never_negative_and_never_absurd() {
        for (text, expected) in [
            ("0.18", "0.18"),
            (".38", "0.38"),
            ("0.10", "0.10"),
            ("-0.00", "0"),
            ("0.123456789012", "0.123456789012"),
            ("999999999.999999999999", "999999999.999999999999"),
            ("-0.01", "-0.01 is below zero"),
            ("0.1234567890123", "0.1234567890123 has more than twelve decimals"),
            ("1000000000", "1000000000 is not below a thousand million"),
            ("five", "`five` is not a decimal number"),
        ] {
            assert_eq!(text.parse().map_or_else(|error| error, |figure: Figure| figure.get().to_string()), expected, "{text}");
        }
    }
}
