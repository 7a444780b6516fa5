//! Money as whole minor units of one currency. It never meets a float, and two currencies never meet in one sum.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use thiserror::Error;

macro_rules! currencies {
    ($($code:ident $exponent:literal)*) => {
        /// An ISO 4217 currency that the engine bills in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum Currency { $($code),* }

        impl Currency {
            pub const ALL: &'static [Currency] = &[$(Currency::$code),*];

            pub const fn code(self) -> &'static str {
                match self { $(Currency::$code => stringify!($code)),* }
            }

            /// Decimal places of the minor unit: two for the halala, three for the fils of Kuwait.
            pub const fn exponent(self) -> u32 {
                match self { $(Currency::$code => $exponent),* }
            }
        }
    };
}

currencies! { SAR 2 EGP 2 YER 2 AED 2 QAR 2 USD 2 EUR 2 MAD 2 SYP 2 LBP 2 SDG 2 DZD 2 JOD 3 KWD 3 BHD 3 OMR 3 IQD 3 LYD 3 TND 3 }

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a currency that Daftar bills in")]
pub struct UnknownCurrency(pub String);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        Self::ALL.iter().copied().find(|currency| currency.code() == code).ok_or_else(|| UnknownCurrency(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    #[error("{0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
    #[error("the amount is too large")]
    TooLarge,
    #[error("{amount} has more decimals than {currency} has minor units")]
    TooPrecise { amount: Decimal, currency: Currency },
}

impl Money {
    /// The most that one document or payment may be, in minor units: a million of them can still be summed.
    pub const LARGEST: i64 = i64::MAX / 1_000_000;

    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// So many of the currency's coins, not of their parts.
    pub fn coins(coins: i64, currency: Currency) -> Self {
        Self::new(coins * 10_i64.pow(currency.exponent()), currency)
    }

    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_add(other.minor))
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_sub(other.minor))
    }

    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_neg())
    }

    pub fn checked_mul(self, times: i64) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_mul(times))
    }

    /// Of any number of amounts in `currency`; nothing sums to zero.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    /// The amount that prices and quantities came to, rounded half away from zero to the minor unit.
    pub fn rounded(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let rounded = round_half_up(amount, currency.exponent());
        Self::exact(rounded, currency)
    }

    /// An amount that must already be whole in minor units, such as one a person typed.
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let scale = Decimal::from(Self::coins(1, currency).minor);
        let minor = amount.checked_mul(scale).ok_or(MoneyError::TooLarge)?;
        if !minor.fract().is_zero() {
            return Err(MoneyError::TooPrecise { amount, currency });
        }
        minor.to_i64().map(|minor| Self::new(minor, currency)).ok_or(MoneyError::TooLarge)
    }

    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch(self.currency, other.currency)) }
    }

    fn with(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor.map(|minor| Self { minor, ..self }).ok_or(MoneyError::TooLarge)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

/// The one place where a billing figure is rounded. `Decimal::round_dp` is banker's rounding and would bill 163.72 for 163.725.
pub fn round_half_up(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(amount: &str, currency: Currency) -> String {
        Money::rounded(amount.parse().unwrap(), currency).map_or_else(|error| format!("{error}"), |money| money.to_string())
    }

    #[test]
    fn rounding_is_half_away_from_zero_at_the_minor_unit() {
        for (amount, currency, expected) in [
            ("163.725", Currency::SAR, "163.73 SAR"),
            ("163.7249999", Currency::SAR, "163.72 SAR"),
            ("3.685", Currency::SAR, "3.69 SAR"),
            ("-3.685", Currency::SAR, "-3.69 SAR"),
            ("0", Currency::SAR, "0.00 SAR"),
            ("1.2345", Currency::KWD, "1.235 KWD"),
            ("1.2344", Currency::JOD, "1.234 JOD"),
            ("92233720368547758.07", Currency::SAR, "92233720368547758.07 SAR"),
            ("92233720368547758.08", Currency::SAR, "the amount is too large"),
            ("79228162514264337593543950335", Currency::SAR, "the amount is too large"),
        ] {
            assert_eq!(rounded(amount, currency), expected, "{amount}");
        }
    }

    #[test]
    fn a_typed_amount_is_not_rounded_behind_the_typists_back() {
        assert_eq!(Money::exact("12.5".parse().unwrap(), Currency::SAR), Ok(Money::new(1250, Currency::SAR)));
        assert_eq!(
            Money::exact("12.505".parse().unwrap(), Currency::SAR).unwrap_err().to_string(),
            "12.505 has more decimals than SAR has minor units"
        );
    }

    #[test]
    fn a_coin_has_as_many_parts_as_its_currency() {
        for (currency, expected) in [(Currency::SAR, "3.00 SAR"), (Currency::KWD, "3.000 KWD")] {
            assert_eq!(Money::coins(3, currency).to_string(), expected);
        }
    }

    #[test]
    fn currencies_do_not_mix() {
        let error = Money::new(1, Currency::SAR).checked_add(Money::new(1, Currency::EGP)).unwrap_err();
        assert_eq!(error, MoneyError::CurrencyMismatch(Currency::SAR, Currency::EGP));
        assert_eq!(error.to_string(), "SAR and EGP cannot be added");
    }

    #[test]
    fn overflow_is_an_error_in_every_operation() {
        let (max, min) = (Money::new(i64::MAX, Currency::SAR), Money::new(i64::MIN, Currency::SAR));
        let one = Money::new(1, Currency::SAR);
        for result in
            [max.checked_add(one), min.checked_sub(one), min.checked_neg(), max.checked_mul(2), Money::sum(Currency::SAR, [max, one])]
        {
            assert_eq!(result, Err(MoneyError::TooLarge));
        }
    }

    #[test]
    fn exponents_are_those_of_iso_4217() {
        let of = |exponent| Currency::ALL.iter().filter(move |c| c.exponent() == exponent).map(|c| c.code()).collect::<Vec<_>>().join(" ");
        assert_eq!(of(3), "JOD KWD BHD OMR IQD LYD TND");
        assert_eq!(of(2), "SAR EGP YER AED QAR USD EUR MAD SYP LBP SDG DZD");
        assert_eq!("XXX".parse::<Currency>().unwrap_err().to_string(), "`XXX` is not a currency that Daftar bills in");
    }

    #[test]
    fn money_on_disk_is_minor_units_and_a_code() {
        assert_eq!(serde_json::to_string(&Money::new(1250, Currency::SAR)).unwrap(), r#"{"minor":1250,"currency":"SAR"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"minor":12.5,"currency":"SAR"}"#).is_err());
    }

    proptest! {
        #[test]
        fn decimal_and_minor_units_are_the_same_amount(minor: i64, index in 0..Currency::ALL.len()) {
            let money = Money::new(minor, Currency::ALL[index]);
            prop_assert_eq!(Money::exact(money.to_decimal(), money.currency), Ok(money));
        }

        #[test]
        fn adding_and_taking_away_gives_back_the_start(a in -1_000_000_000_000_i64..1_000_000_000_000, b in -1_000_000_000_000_i64..1_000_000_000_000) {
            let (a, b) = (Money::new(a, Currency::OMR), Money::new(b, Currency::OMR));
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b), Ok(a));
        }
    }
}
