//! The number by which people know an account: on bills, at the counter, in a bank's payment form.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::{self, AccountId};

/// Brought over from another system, or made here. One account holds it for ever: see [`Unique::AccountNumber`](crate::reservation::Unique).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AccountNumber(String);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not an account number: 1 to 20 Latin letters, digits and hyphens")]
pub struct NotAnAccountNumber(String);

impl AccountNumber {
    pub fn new(text: impl Into<String>) -> Result<Self, NotAnAccountNumber> {
        let text = text.into();
        let plain: String = text.chars().map(latin_digit).collect();
        let fits = (1..=20).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits { Ok(Self(plain.to_ascii_uppercase())) } else { Err(NotAnAccountNumber(text)) }
    }

    /// The number that an account gets if it brings none: the first of these that nobody holds.
    ///
    /// Ten digits of which the last checks the others, so that a slip of the finger pays no stranger's bill; and in no order, so that whoever
    /// knows one number does not know the next.
    pub fn generated(account_id: AccountId, attempt: u32) -> Self {
        let spread = ids::created_id(account_id.into(), &format!("number {attempt}")).as_u128();
        let nine = 100_000_000 + spread % 900_000_000;
        Self(format!("{nine}{}", check_digit(&nine.to_string())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number typed on an Arabic or a Persian keyboard is the same number.
pub fn latin_digit(character: char) -> char {
    match character {
        '٠'..='٩' => char::from_digit(character as u32 - '٠' as u32, 10).unwrap_or(character),
        '۰'..='۹' => char::from_digit(character as u32 - '۰' as u32, 10).unwrap_or(character),
        _ => character,
    }
}

/// Luhn's: it finds every wrong digit, and nearly every pair of neighbours that changed places.
fn check_digit(digits: &str) -> u32 {
    let weighed = digits.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate().map(|(place, digit)| match place % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => digit,
    });
    (10 - weighed.sum::<u32>() % 10) % 10
}

impl TryFrom<String> for AccountNumber {
    type Error = NotAnAccountNumber;

    fn try_from(text: String) -> Result<Self, NotAnAccountNumber> {
        Self::new(text)
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn numbers_from_elsewhere_are_taken_as_they_are_but_for_case_and_script() {
        for (text, number) in [("0042", "0042"), ("ruh-7", "RUH-7"), ("٠٩۰۹", "0909"), ("12345678901234567890", "12345678901234567890")]
        {
            assert_eq!(AccountNumber::new(text).unwrap().as_str(), number);
        }
        for text in ["", "12 34", "رقم", "123456789012345678901", "a_b"] {
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<AccountNumber>(&json).is_err(), "{text}");
        }
    }

    #[test]
    fn a_generated_number_checks_itself_and_is_another_at_each_attempt() {
        // Luhn's own example.
        assert_eq!(check_digit("7992739871"), 3);
        let account = AccountId::new(Uuid::from_u128(7));
        let numbers: BTreeSet<_> = (0..100).map(|attempt| AccountNumber::generated(account, attempt)).collect();
        assert_eq!(numbers.len(), 100);
        for number in &numbers {
            let (nine, last) = number.as_str().split_at(9);
            assert_eq!(check_digit(nine).to_string(), last);
        }
    }

    /// A retry must find the number that the first try reserved.
    #[test]
    fn generated_numbers_never_change() {
        assert_eq!(AccountNumber::generated(AccountId::new(Uuid::from_u128(7)), 0).as_str(), "6549248190");
    }
}
