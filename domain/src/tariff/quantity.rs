//! How much was used, as whole millionths of a unit, so that slabs are integer arithmetic.

use std::{fmt, marker::PhantomData, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A quantity that is never negative, with up to six decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    micro: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    #[error("{0} is below zero")]
    Negative(Decimal),
    #[error("{0} has more than six decimals")]
    TooPrecise(Decimal),
    #[error("{0} is not below a million million")]
    TooLarge(Decimal),
}

impl Quantity {
    pub const ZERO: Self = Self { micro: 0 };
    pub const ONE: Self = Self { micro: Self::SCALE };
    /// Millionths in a unit.
    pub(crate) const SCALE: i64 = 1_000_000;
    /// Below a million million, so that the largest quantity in millionths is a fraction of an `i64`.
    const LIMIT: i64 = 1_000_000_000_000 * Self::SCALE;

    pub fn new(amount: Decimal) -> Result<Self, QuantityError> {
        let plain = amount.normalize();
        if plain.is_sign_negative() && !plain.is_zero() {
            return Err(QuantityError::Negative(amount));
        }
        if plain.scale() > 6 {
            return Err(QuantityError::TooPrecise(amount));
        }
        let micro = plain.mantissa().checked_mul(10_i128.pow(6 - plain.scale()));
        micro.and_then(Self::from_micro).ok_or(QuantityError::TooLarge(amount))
    }

    /// So many millionths, if they are a quantity.
    pub(crate) fn from_micro(micro: i128) -> Option<Self> {
        i64::try_from(micro).ok().filter(|micro| (0..Self::LIMIT).contains(micro)).map(|micro| Self { micro })
    }

    pub(crate) const fn micro(self) -> i64 {
        self.micro
    }

    pub const fn is_zero(&self) -> bool {
        self.micro == 0
    }

    /// As it is written: without zeros at the end.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.micro, 6).normalize()
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_micro(i128::from(self.micro) + i128::from(other.micro))
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::from_micro(i128::from(self.micro) - i128::from(other.micro))
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(decimal(text)?).map_err(|error| error.to_string())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.micro / Self::SCALE, self.micro % Self::SCALE);
        match fraction {
            0 => write!(f, "{whole}"),
            _ => f.write_str(format!("{whole}.{fraction:06}").trim_end_matches('0')),
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InQuotes::default())
    }
}

/// A number in quotes: JSON's own numbers become floats in too many hands.
pub(super) struct InQuotes<T>(PhantomData<T>);

impl<T> Default for InQuotes<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: FromStr<Err = String>> serde::de::Visitor<'_> for InQuotes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number in quotes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A decimal as tariffs write it: digits with or without a point, `.38` too. Stricter than `Decimal`'s own reader, which takes `1_000` and
/// drops the digits it has no room for.
pub(crate) fn decimal(text: &str) -> Result<Decimal, String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.is_empty() || whole.is_empty() && !unsigned.starts_with('.') || !digits(whole) || !digits(fraction) {
        return Err(format!("`{text}` is not a decimal number"));
    }
    Decimal::from_str_exact(text).map_err(|_| format!("`{text}` has too many digits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_read_as_written_or_refused() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            (".38", "0.38"),
            ("6000.50", "6000.5"),
            ("1.000000000", "1"),
            ("0.000001", "0.000001"),
            ("999999999999.999999", "999999999999.999999"),
            ("1000000000000", "1000000000000 is not below a million million"),
            ("0.0000001", "0.0000001 has more than six decimals"),
            ("-0.5", "-0.5 is below zero"),
            ("-.5", "-0.5 is below zero"),
            ("1_000", "`1_000` is not a decimal number"),
            ("1e3", "`1e3` is not a decimal number"),
            ("+1", "`+1` is not a decimal number"),
            ("1.", "`1.` is not a decimal number"),
            (".", "`.` is not a decimal number"),
            ("", "`` is not a decimal number"),
            ("-", "`-` is not a decimal number"),
            ("٣", "`٣` is not a decimal number"),
            ("99999999999999999999999999999999", "`99999999999999999999999999999999` has too many digits"),
        ] {
            assert_eq!(text.parse().map_or_else(|error| error, |quantity: Quantity| quantity.to_string()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_quantity_survives_the_disk(micro in 0..Quantity::LIMIT) {
            let quantity = Quantity { micro };
            prop_assert_eq!(serde_json::from_slice::<Quantity>(&serde_json::to_vec(&quantity).unwrap()).unwrap(), quantity);
            prop_assert_eq!(Quantity::new(quantity.to_decimal()), Ok(quantity));
            prop_assert_eq!(quantity.to_string(), quantity.to_decimal().to_string());
        }
    }
}
