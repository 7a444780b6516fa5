//! What people type, made into values that the rest can rely on. What cannot be meant is refused under the name of its field.

use std::num::NonZeroU32;

use chrono::{NaiveDate, NaiveTime};
use daftar_domain::{
    BillingPeriod, Code, Currency, Description, Money, Reason,
    account::{AccountNumber, latin_digit},
    tariff::{Figure, Quantity},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::problem::{Flaw, Problem};

/// Longer than any name that a registry has seen, and short enough for a bill.
const LONGEST_LINE: usize = 200;

/// More is a letter.
const LONGEST_TEXT: usize = 2_000;

/// Of anything that comes in a list.
const MOST: usize = 1_000;

/// A code of digits, from whatever keyboard.
pub fn latin_digits(text: &str) -> String {
    text.trim().chars().map(latin_digit).collect()
}

/// A name, an address, a number to call: one line of text without blanks around it.
pub fn line(field: &'static str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let flaw = if text.is_empty() {
        Flaw::Blank
    } else if text.chars().count() > LONGEST_LINE {
        Flaw::TooLong { longest: LONGEST_LINE }
    } else if text.chars().any(char::is_control) {
        Flaw::ControlCharacters
    } else {
        return Ok(text.to_owned());
    };
    Err(Problem::invalid(field, flaw))
}

/// What somebody writes to somebody: as many lines as they like, without blanks around them.
pub fn text(field: &'static str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let flaw = if text.is_empty() {
        Flaw::Blank
    } else if text.chars().count() > LONGEST_TEXT {
        Flaw::TooLong { longest: LONGEST_TEXT }
    } else if text.chars().any(|letter| letter.is_control() && letter != '\n') {
        Flaw::NotPlainText
    } else {
        return Ok(text.to_owned());
    };
    Err(Problem::invalid(field, flaw))
}

pub fn idempotency_key(text: &str) -> Result<String, Problem> {
    line("idempotencyKey", text)
}

pub fn reason(field: &'static str, text: &str) -> Result<Reason, Problem> {
    Ok(Reason::new(line(field, text)?).expect("a line of that length is a reason"))
}

pub fn description(field: &'static str, text: &str) -> Result<Description, Problem> {
    Ok(Description::new(line(field, text)?).expect("a line of that length is a description"))
}

pub fn code(field: &'static str, text: &str) -> Result<Code, Problem> {
    Code::new(text.trim()).map_err(|_| Problem::invalid(field, Flaw::NotACode))
}

pub fn id<T>(field: &'static str, text: &str, id: impl FnOnce(Uuid) -> T) -> Result<T, Problem> {
    Uuid::try_parse(text).map(id).map_err(|_| Problem::invalid(field, Flaw::NotAnId))
}

pub fn account_number(text: &str) -> Result<AccountNumber, Problem> {
    AccountNumber::new(text.trim()).map_err(|_| Problem::invalid("number", Flaw::NotAnAccountNumber))
}

pub fn currency(code: &str) -> Result<Currency, Problem> {
    code.parse().map_err(|_| Problem::invalid("currency", Flaw::UnknownCurrency))
}

/// An amount that coins can pay: to the last digit, for nothing of it is rounded here.
pub fn money(amount: Decimal, currency: Currency) -> Result<Money, Problem> {
    Money::exact(amount, currency).map_err(|_| Problem::invalid("amount", Flaw::NotAnAmount { decimals: currency.exponent() }))
}

pub fn count(field: &'static str, given: i32, least: u32, most: u32) -> Result<u32, Problem> {
    let fits = u32::try_from(given).ok().filter(|given| (least..=most).contains(given));
    fits.ok_or(Problem::invalid(field, Flaw::NotACount { least, most }))
}

/// At least one of them.
pub fn pieces(field: &'static str, given: i32, most: u32) -> Result<NonZeroU32, Problem> {
    let pieces = count(field, given, 1, most)?;
    NonZeroU32::new(pieces).ok_or(Problem::invalid(field, Flaw::NotACount { least: 1, most }))
}

/// A price, a rate, a part of a whole.
pub fn figure(field: &'static str, number: Decimal) -> Result<Figure, Problem> {
    number.to_string().parse().map_err(|_| Problem::invalid(field, Flaw::NotAFigure))
}

pub fn quantity(field: &'static str, number: Decimal) -> Result<Quantity, Problem> {
    Quantity::new(number).map_err(|_| Problem::invalid(field, Flaw::NotAQuantity))
}

/// From the first day, up to and without the other.
pub fn period(field: &'static str, from: NaiveDate, to: NaiveDate) -> Result<BillingPeriod, Problem> {
    BillingPeriod::new(from, to).map_err(|_| Problem::invalid(field, Flaw::EndsBeforeItBegins))
}

/// A time of the day, as `09:30`.
pub fn time(field: &'static str, text: &str) -> Result<NaiveTime, Problem> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| Problem::invalid(field, Flaw::NotATime))
}

/// Each of a list; what is wrong with one of them is told under its place in it.
pub fn each<T, U>(field: &'static str, list: Vec<T>, parse: impl Fn(T) -> Result<U, Problem>) -> Result<Vec<U>, Problem> {
    if list.len() > MOST {
        return Err(Problem::invalid(field, Flaw::TooMany { most: MOST }));
    }
    let parsed =
        list.into_iter().enumerate().map(|(index, one)| parse(one).map_err(|problem| problem.within(&format!("{field}[{index}]"))));
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(problem: Problem) -> String {
        match problem {
            Problem::Invalid { field, .. } => field.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_has_the_place_that_its_sender_would_name() {
        let ids = |texts: &[&'static str]| each("readingIds", texts.to_vec(), |text| id("", text, |id| id));
        assert_eq!(place(ids(&["7b1d8f35-5b7e-4a8e-a1a0-6a2f8b0f9a11", "seven"]).unwrap_err()), "readingIds[1]");
        let amounts = each("lines", vec!["1.25", "0.001"], |text| money(text.parse().unwrap(), Currency::SAR));
        assert_eq!(place(amounts.unwrap_err().within("input")), "input.lines[1].amount");
        assert_eq!(place(ids(&["x"; MOST + 1]).unwrap_err()), "readingIds");
    }

    #[test]
    fn an_amount_is_taken_to_the_last_halala_or_not_at_all() {
        let amount = |text: &str, currency| money(text.parse().unwrap(), currency);
        assert_eq!(amount("12.5", Currency::SAR).unwrap(), Money::new(1250, Currency::SAR));
        assert_eq!(amount("12.345", Currency::KWD).unwrap(), Money::new(12_345, Currency::KWD));
        assert!(amount("12.345", Currency::SAR).is_err());
        assert!(amount("79228162514264337593543950335", Currency::SAR).is_err());
    }
}
