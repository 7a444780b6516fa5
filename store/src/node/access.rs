//! Who may do what. Our own streams are never cut short, whoever asks.

use std::hint::black_box;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};
use tonic::metadata::MetadataMap;

use super::{Access, refusal::Refusal};
use crate::{NewEvent, Scope, log::rules};

/// Whatever hides events of a stream.
const TRUNCATING: [&str; 3] = ["$maxCount", "$maxAge", "$tb"];

impl Access {
    /// Whether the caller may write at all.
    pub(super) fn permit_writing(&self, metadata: &MetadataMap) -> Result<(), Refusal> {
        match self {
            Self::Open => Ok(()),
            Self::ReadOnly => Err(Refusal::AccessDenied("the node is read-only")),
            Self::Credentials { user, password } => match metadata.get("authorization") {
                None => Err(Refusal::AccessDenied("writing needs credentials")),
                Some(given) if is_basic(given.as_bytes(), user, password) => Ok(()),
                Some(_) => Err(Refusal::WrongCredentials),
            },
        }
    }
}

fn is_basic(header: &[u8], user: &str, password: &str) -> bool {
    let Some((scheme, encoded)) = header.split_at_checked(6) else { return false };
    let given = BASE64_STANDARD.decode(encoded.trim_ascii()).unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"basic ") & same(&given, format!("{user}:{password}").as_bytes())
}

/// Takes as long for a guess that begins right as for one that is all wrong.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let mut difference = given.len() ^ expected.len();
    for (index, byte) in expected.iter().enumerate() {
        difference |= usize::from(byte ^ given.get(index).copied().unwrap_or_default());
    }
    black_box(difference) == 0
}

/// Refuses to end or hide a stream that our books are made of.
pub(super) fn permit_ending(stream: &str) -> Result<(), Refusal> {
    if is_ours(stream) { Err(Refusal::AccessDenied("a stream of the books is never deleted")) } else { Ok(()) }
}

/// Refuses metadata that would hide events of a stream that our books are made of.
pub(super) fn permit_appending(stream: &str, events: &[NewEvent]) -> Result<(), Refusal> {
    if rules::is_metadata_stream(stream) && is_ours(stream) && events.iter().any(truncates) {
        return Err(Refusal::AccessDenied("a stream of the books is never truncated"));
    }
    Ok(())
}

/// The stream itself or the metadata of it, or the metadata of that.
fn is_ours(stream: &str) -> bool {
    Scope::billing().covers(stream.trim_start_matches("$$"))
}

fn truncates(event: &NewEvent) -> bool {
    let fields: Map<String, Value> = serde_json::from_slice(&event.data).unwrap_or_default();
    TRUNCATING.iter().any(|key| fields.get(*key).is_some_and(|value| !value.is_null()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("authorization", value.parse().unwrap());
        metadata
    }

    #[test]
    fn only_the_right_credentials_are_right() {
        let access = Access::Credentials { user: "clerk".to_owned(), password: "p:ss".to_owned() };
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert!(access.permit_writing(&with_header(&basic("clerk:p:ss"))).is_ok());
        for wrong in [basic("clerk:p:s"), basic("clerk:p:sss"), basic("clerk:"), basic(""), "Bearer token".to_owned(), "Basic ?".to_owned()]
        {
            assert!(matches!(access.permit_writing(&with_header(&wrong)), Err(Refusal::WrongCredentials)), "{wrong}");
        }
        assert!(matches!(access.permit_writing(&MetadataMap::new()), Err(Refusal::AccessDenied(_))));
    }
}
