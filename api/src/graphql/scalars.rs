use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, SecondsFormat, Utc};

use super::at_hand::{Asked, Put, quoted};
use crate::problem::{Flaw, Problem};

/// A day as it was given: whether it is one is known once it is asked for under a field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(Option<NaiveDate>);

impl Date {
    pub fn day(self, field: &'static str) -> Result<NaiveDate, Problem> {
        self.0.ok_or(Problem::invalid(field, Flaw::NotADate))
    }
}

impl From<NaiveDate> for Date {
    fn from(day: NaiveDate) -> Self {
        Self(Some(day))
    }
}

/// A day on the calendar, as `2026-01-31`. It has no time and no time zone.
#[Scalar(name = "Date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        // Ten characters: chrono also reads years that neither people nor PostgreSQL know.
        Ok(Self(text.parse().ok().filter(|_| text.len() == 10)))
    }

    fn to_value(&self) -> Value {
        self.0.map_or(Value::Null, |day| Value::String(day.to_string()))
    }
}

impl Put for Date {
    fn put(&self, _: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        self.0.is_some_and(|day| quoted(day, out))
    }
}

/// An instant that something was recorded at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant in UTC, as `2026-01-31T12:00:00.000000Z` (RFC 3339).
#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        text.parse().map(Self).map_err(|_| InputValueError::custom("it must be an instant such as 2026-01-31T12:00:00Z"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Put for DateTime {
    fn put(&self, _: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        quoted(self.0.to_rfc3339_opts(SecondsFormat::Micros, true), out)
    }
}

/// A number as it was given: whether it is one is known once it is asked for under a field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(Option<rust_decimal::Decimal>);

impl Decimal {
    pub fn number(self, field: &'static str) -> Result<rust_decimal::Decimal, Problem> {
        self.0.ok_or(Problem::invalid(field, Flaw::NotADecimal))
    }
}

impl From<rust_decimal::Decimal> for Decimal {
    fn from(number: rust_decimal::Decimal) -> Self {
        Self(Some(number))
    }
}

/// A decimal number, exact to its last digit, as `"12.50"`.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        // A number of JSON may have passed through a float on its way here.
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        Ok(Self(rust_decimal::Decimal::from_str_exact(text).ok()))
    }

    fn to_value(&self) -> Value {
        self.0.map_or(Value::Null, |number| Value::String(number.to_string()))
    }
}

impl Put for Decimal {
    fn put(&self, _: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        self.0.is_some_and(|number| quoted(number, out))
    }
}
