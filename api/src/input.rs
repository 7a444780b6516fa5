//! What people type, made into values that the rest can rely on.

use daftar_domain::{
    Currency,
    account::{AccountNumber, latin_digit},
};

use crate::problem::{Flaw, Problem};

/// Longer than any name that a registry has seen, and short enough for a bill.
const LONGEST_NAME: usize = 200;
const LONGEST_KEY: usize = 200;
const LONGEST_REASON: usize = 200;

pub fn holder_name(text: &str) -> Result<String, Problem> {
    line("holderName", text, LONGEST_NAME)
}

/// Of a phrase: what the domain takes as a reason.
pub fn reason(text: &str) -> Result<String, Problem> {
    line("reason", text, LONGEST_REASON)
}

pub fn idempotency_key(text: &str) -> Result<String, Problem> {
    line("idempotencyKey", text, LONGEST_KEY)
}

pub fn account_number(text: &str) -> Result<AccountNumber, Problem> {
    AccountNumber::new(text.trim()).map_err(|_| Problem::Invalid { field: "number", flaw: Flaw::NotAnAccountNumber })
}

pub fn currency(code: &str) -> Result<Currency, Problem> {
    code.parse().map_err(|_| Problem::Invalid { field: "currency", flaw: Flaw::UnknownCurrency })
}

/// A code of digits, from whatever keyboard.
pub fn latin_digits(text: &str) -> String {
    text.trim().chars().map(latin_digit).collect()
}

/// One line of text without blanks around it.
fn line(field: &'static str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = text.trim();
    let flaw = if text.is_empty() {
        Flaw::Blank
    } else if text.chars().count() > longest {
        Flaw::TooLong { longest }
    } else if text.chars().any(char::is_control) {
        Flaw::ControlCharacters
    } else {
        return Ok(text.to_owned());
    };
    Err(Problem::Invalid { field, flaw })
}
