//! Names of streams: a category and an id, as `account-5a2c…`.

use std::{fmt, str::FromStr};

use thiserror::Error;
use uuid::Uuid;

use crate::Decider;

/// The history of one aggregate. The category says which rules read it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    text: String,
    id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StreamNameError {
    #[error("stream name `{0}` has no category: expected `<category>-<uuid>`")]
    NoCategory(String),
    #[error("category `{category}` of stream name `{name}` may hold only lower-case letters and underscores")]
    BadCategory { name: String, category: String },
    #[error("stream name `{name}` does not end in a uuid: `{id}`")]
    BadId { name: String, id: String },
}

impl StreamName {
    /// The stream of the aggregate `D` with this id.
    pub fn of<D: Decider>(id: impl Into<Uuid>) -> Self {
        Self::join(D::CATEGORY, id.into())
    }

    pub fn new(category: &str, id: Uuid) -> Result<Self, StreamNameError> {
        format!("{category}-{id}").parse()
    }

    pub fn category(&self) -> &str {
        &self.text[..self.text.len() - 37]
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn join(category: &str, id: Uuid) -> Self {
        Self { text: format!("{category}-{id}"), id }
    }
}

impl FromStr for StreamName {
    type Err = StreamNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (category, id) = match text.split_once('-') {
            Some((category, id)) if !category.is_empty() => (category, id),
            Some(_) | None => return Err(StreamNameError::NoCategory(text.to_owned())),
        };
        if !category.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Err(StreamNameError::BadCategory { name: text.to_owned(), category: category.to_owned() });
        }
        // One spelling per stream: the other forms a uuid may be written in would be other streams.
        match Uuid::try_parse(id) {
            Ok(uuid) if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id => Ok(Self { text: text.to_owned(), id: uuid }),
            Ok(_) | Err(_) => Err(StreamNameError::BadId { name: text.to_owned(), id: id.to_owned() }),
        }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_category_and_an_id() {
        let name: StreamName = "bill_run-00000000-0000-0000-0000-00000000002a".parse().unwrap();
        assert_eq!((name.category(), name.id()), ("bill_run", Uuid::from_u128(42)));
        assert_eq!(StreamName::new("bill_run", Uuid::from_u128(42)), Ok(name));
    }

    #[test]
    fn names_that_are_refused() {
        for (name, reason) in [
            ("", "stream name `` has no category: expected `<category>-<uuid>`"),
            ("account", "stream name `account` has no category: expected `<category>-<uuid>`"),
            (
                "-00000000-0000-0000-0000-00000000002a",
                "stream name `-00000000-0000-0000-0000-00000000002a` has no category: expected `<category>-<uuid>`",
            ),
            ("$all-1", "category `$all` of stream name `$all-1` may hold only lower-case letters and underscores"),
            ("Account-1", "category `Account` of stream name `Account-1` may hold only lower-case letters and underscores"),
            ("account-7", "stream name `account-7` does not end in a uuid: `7`"),
            (
                "account-0000000000000000000000000000002a",
                "stream name `account-0000000000000000000000000000002a` does not end in a uuid: `0000000000000000000000000000002a`",
            ),
            (
                "account-00000000-0000-0000-0000-00000000002A",
                "stream name `account-00000000-0000-0000-0000-00000000002A` does not end in a uuid: `00000000-0000-0000-0000-00000000002A`",
            ),
        ] {
            assert_eq!(name.parse::<StreamName>().unwrap_err().to_string(), reason);
        }
    }
}
