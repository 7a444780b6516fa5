//! The two words a tariff is written in: codes and figures.

use std::{fmt, str::FromStr, sync::Arc};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quantity::{InQuotes, decimal};

/// A short name that stands on bills and in ledgers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(Arc<str>);

impl Code {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // ASCII rules only: what Unicode calls a blank may change with the years, and a stored code must stay readable.
        let blank = text.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
        if blank || !(1..=64).contains(&text.chars().count()) {
            return Err(format!("`{text}` is not a code: 1 to 64 characters without blanks"));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A price, fee, rate or percentage: never negative, below a thousand million, with up to twelve decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure(Decimal);

impl Figure {
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

    #[test]
    fn codes_are_words() {
        for code in ["ksa-2018", "رسم_العداد", &"x".repeat(64), &"ر".repeat(64)] {
            assert_eq!(code.parse::<Code>().unwrap().as_str(), code);
        }
        for (code, reason) in [
            ("", "`` is not a code: 1 to 64 characters without blanks"),
            ("a b", "`a b` is not a code: 1 to 64 characters without blanks"),
            ("a\u{7}", "`a\u{7}` is not a code: 1 to 64 characters without blanks"),
        ] {
            assert_eq!(code.parse::<Code>().unwrap_err(), reason);
        }
        assert!("x".repeat(65).parse::<Code>().is_err());
    }
}
