use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, SecondsFormat, Utc};

use crate::problem::{Flaw, Problem};

/// A day as it was given: whether it is one is known once it is asked for under a field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(Option<NaiveDate>);

impl Date {
    pub fn day(self, field: &'static str) -> Result<NaiveDate, Problem> {
        self.0.ok_or(Problem::Invalid { field, flaw: Flaw::NotADate })
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
