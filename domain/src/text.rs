//! Text that commands bring: codes, descriptions and reasons. None may hold personal data, which travels only as [`Sealed`](crate::Sealed).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// A name that people and machines agreed on: a serial, a seal's number, a tariff, a charge, a register, an area. Every line of every bill
/// repeats some, so that a copy is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Code(Arc<str>);

/// What a thing is called on paper: a company, a street, a part that was fitted. Bills repeat it as they do codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Description(Arc<str>);

/// Why a person did it, in a phrase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    #[error("`{0}` is not a code: 1 to 64 characters without blanks")]
    NotACode(String),
    #[error("a description has 1 to 200 characters, not all blank")]
    NotADescription,
    #[error("a reason has 1 to 200 characters, not all blank")]
    NotAReason,
}

impl Code {
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, TextError> {
        let text = text.into();
        // ASCII rules only: what Unicode calls a letter changes with the years, and a stored code must stay readable.
        let fits =
            (1..=64).contains(&text.chars().count()) && !text.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
        if fits { Ok(Self(text)) } else { Err(TextError::NotACode(text.as_ref().to_owned())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, TextError> {
        let text = text.into();
        if is_phrase(&text) { Ok(Self(text)) } else { Err(TextError::NotADescription) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Reason {
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if is_phrase(&text) { Ok(Self(text)) } else { Err(TextError::NotAReason) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_phrase(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.bytes().all(|byte| byte.is_ascii_whitespace())
}

macro_rules! plain_text {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

plain_text! { Code Description Reason }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_refused() {
        for text in ["", "a b", "a\n", "\t", "a\u{7}", &"x".repeat(65)] {
            assert_eq!(Code::new(text), Err(TextError::NotACode(text.to_owned())));
        }
        for text in ["1.8.0", "ksa-residential", "حي-النخيل", "رسم_العداد", &"x".repeat(64), &"ر".repeat(64)] {
            assert_eq!(Code::new(text).unwrap().as_str(), text);
        }
        assert!(serde_json::from_str::<Code>("\"a b\"").is_err());
    }

    #[test]
    fn phrases_that_are_refused() {
        for text in ["", "  \n", &"x".repeat(201)] {
            assert_eq!(Reason::new(text), Err(TextError::NotAReason));
            assert_eq!(Description::new(text), Err(TextError::NotADescription));
        }
        assert_eq!(Reason::new("x".repeat(200)).unwrap().as_str().len(), 200);
        assert!(serde_json::from_str::<Reason>("\" \"").is_err());
    }
}
