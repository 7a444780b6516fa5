//! What a stream says about itself: how long its events are kept, and who may do what.

use std::time::Duration;

use futures::TryStreamExt;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::convert::check_stream_name;
use crate::error::Error;
use crate::event::{Appended, Expected, NewEvent};
use crate::read::ReadStream;

/// The metadata of a stream. Durations are in whole seconds: the server knows no finer ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamMetadata {
    /// How many of the newest events are kept.
    pub max_count: Option<u64>,
    /// How long an event is kept.
    pub max_age: Option<Duration>,
    /// The first revision that can still be seen.
    pub truncate_before: Option<u64>,
    /// How long readers may cache events.
    pub cache_control: Option<Duration>,
    pub acl: Option<Acl>,
    /// Everything else; the server keeps it and does not look inside.
    pub custom: Map<String, Value>,
}

/// Who may do what with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acl {
    /// The server's default for streams of users.
    UserStreams,
    /// The server's default for its own streams.
    SystemStreams,
    Roles(Roles),
}

/// The users and groups allowed each thing; `None` leaves it to the server's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    pub read: Option<Vec<String>>,
    pub write: Option<Vec<String>>,
    pub delete: Option<Vec<String>>,
    pub read_metadata: Option<Vec<String>>,
    pub write_metadata: Option<Vec<String>>,
}

/// A stream's metadata and the revision it has in the metadata stream, to be expected by whoever changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedMetadata {
    pub metadata: StreamMetadata,
    /// `None` if none was ever written.
    pub revision: Option<u64>,
}

impl Client {
    /// The metadata of a stream; empty if none was ever written.
    pub async fn stream_metadata(&self, stream: &str) -> Result<RecordedMetadata, Error> {
        let newest = match self.read_stream(&metadata_stream(stream)?, ReadStream::backwards().count(1)).await {
            Ok(mut events) => events.try_next().await?,
            Err(Error::StreamNotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(match newest {
            Some(newest) => {
                let metadata = StreamMetadata::from_json(&newest.event.data);
                let metadata = metadata.map_err(|reason| Error::protocol(format!("the metadata of `{stream}`: {reason}")))?;
                RecordedMetadata { metadata, revision: Some(newest.event.revision) }
            }
            None => RecordedMetadata { metadata: StreamMetadata::default(), revision: None },
        })
    }

    /// Replaces the metadata of a stream, which need not exist yet; what is expected is the metadata's own revision.
    pub async fn set_stream_metadata(&self, stream: &str, expected: Expected, metadata: &StreamMetadata) -> Result<Appended, Error> {
        let data = metadata.to_json().map_err(Error::invalid)?;
        self.append(&metadata_stream(stream)?, expected, [NewEvent::json("$metadata", data.to_string())]).await
    }
}

fn metadata_stream(stream: &str) -> Result<String, Error> {
    check_stream_name(stream)?;
    match stream.starts_with("$$") {
        true => Err(Error::invalid("a metadata stream has no metadata")),
        false => Ok(format!("$${stream}")),
    }
}

impl StreamMetadata {
    fn to_json(&self) -> Result<Value, String> {
        let mut json = self.custom.clone();
        if let Some(key) = json.keys().find(|key| KEYS.contains(&key.as_str())) {
            return Err(format!("`{key}` is not a custom key"));
        }
        let seconds = |key: &str, duration: Duration| match (duration.as_secs(), duration.subsec_nanos()) {
            (0, _) | (_, 1..) => Err(format!("`{key}` is not a positive number of whole seconds")),
            (seconds, 0) => Ok(Value::from(seconds)),
        };
        if self.max_count == Some(0) {
            return Err("`$maxCount` is 0".into());
        }
        let properties = [
            ("$maxCount", self.max_count.map(Value::from)),
            ("$maxAge", self.max_age.map(|age| seconds("$maxAge", age)).transpose()?),
            ("$tb", self.truncate_before.map(Value::from)),
            ("$cacheControl", self.cache_control.map(|time| seconds("$cacheControl", time)).transpose()?),
            ("$acl", self.acl.as_ref().map(Acl::to_json)),
        ];
        json.extend(properties.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Ok(Value::Object(json))
    }

    fn from_json(data: &[u8]) -> Result<Self, String> {
        let mut json: Map<String, Value> = serde_json::from_slice(data).map_err(|error| error.to_string())?;
        let mut number = |key: &str| match json.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| format!("`{key}` is not a number")),
        };
        let max_count = number("$maxCount")?;
        let max_age = number("$maxAge")?.map(Duration::from_secs);
        let truncate_before = number("$tb")?;
        let cache_control = number("$cacheControl")?.map(Duration::from_secs);
        let acl = match json.remove("$acl") {
            None | Some(Value::Null) => None,
            Some(acl) => Some(Acl::from_json(acl)?),
        };
        Ok(StreamMetadata { max_count, max_age, truncate_before, cache_control, acl, custom: json })
    }
}

const KEYS: [&str; 5] = ["$maxCount", "$maxAge", "$tb", "$cacheControl", "$acl"];

impl Acl {
    fn to_json(&self) -> Value {
        match self {
            Acl::UserStreams => json!("$userStreamAcl"),
            Acl::SystemStreams => json!("$systemStreamAcl"),
            Acl::Roles(roles) => {
                let Roles { read, write, delete, read_metadata, write_metadata } = roles;
                let all = [("$r", read), ("$w", write), ("$d", delete), ("$mr", read_metadata), ("$mw", write_metadata)];
                all.into_iter().filter_map(|(key, names)| Some((key.to_owned(), json!(names.as_ref()?)))).collect::<Map<_, _>>().into()
            }
        }
    }

    fn from_json(json: Value) -> Result<Self, String> {
        let mut roles = match json {
            Value::String(name) if name == "$userStreamAcl" => return Ok(Acl::UserStreams),
            Value::String(name) if name == "$systemStreamAcl" => return Ok(Acl::SystemStreams),
            Value::Object(roles) => roles,
            _ => return Err("`$acl` is neither an object nor a known name".into()),
        };
        let mut names = |key: &str| match roles.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => Ok(Some(vec![name])),
            Some(list) => serde_json::from_value(list).map(Some).map_err(|_| format!("`{key}` is neither a name nor a list of names")),
        };
        Ok(Acl::Roles(Roles {
            read: names("$r")?,
            write: names("$w")?,
            delete: names("$d")?,
            read_metadata: names("$mr")?,
            write_metadata: names("$mw")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_survives_the_journey() {
        let everything = StreamMetadata {
            max_count: Some(10),
            max_age: Some(Duration::from_secs(2)),
            truncate_before: Some(i64::MAX as u64),
            cache_control: Some(Duration::from_secs(3)),
            acl: Some(Acl::Roles(Roles { read: Some(vec!["a".into(), "b".into()]), write: Some(vec![]), ..Roles::default() })),
            custom: Map::from_iter([("owner".to_owned(), json!({"team": 7}))]),
        };
        let written = everything.to_json().unwrap();
        assert_eq!(
            written,
            json!({"$maxCount": 10, "$maxAge": 2, "$tb": i64::MAX, "$cacheControl": 3, "$acl": {"$r": ["a", "b"], "$w": []}, "owner": {"team": 7}})
        );
        for metadata in [everything, StreamMetadata::default(), StreamMetadata { acl: Some(Acl::UserStreams), ..Default::default() }] {
            let json = metadata.to_json().unwrap().to_string();
            assert_eq!(StreamMetadata::from_json(json.as_bytes()).unwrap(), metadata, "{json}");
        }
    }

    #[test]
    fn one_name_is_a_list_of_one() {
        let read = StreamMetadata::from_json(br#"{"$acl": {"$mw": "ops"}}"#).unwrap();
        let roles = Roles { write_metadata: Some(vec!["ops".into()]), ..Roles::default() };
        assert_eq!(read.acl, Some(Acl::Roles(roles)));
    }

    #[test]
    fn metadata_no_server_understands_is_refused() {
        let grid = [
            (StreamMetadata { max_count: Some(0), ..Default::default() }, "`$maxCount` is 0"),
            (StreamMetadata { max_age: Some(Duration::ZERO), ..Default::default() }, "`$maxAge` is not a positive number of whole seconds"),
            (
                StreamMetadata { cache_control: Some(Duration::from_millis(1500)), ..Default::default() },
                "`$cacheControl` is not a positive number of whole seconds",
            ),
            (StreamMetadata { custom: Map::from_iter([("$tb".to_owned(), json!(1))]), ..Default::default() }, "`$tb` is not a custom key"),
        ];
        for (metadata, reason) in grid {
            assert_eq!(metadata.to_json().unwrap_err(), reason);
        }
    }

    #[test]
    fn metadata_that_cannot_be_read_says_why() {
        let grid = [
            ("[]", "invalid type: sequence, expected a map at line 1 column 0"),
            (r#"{"$maxAge": "1"}"#, "`$maxAge` is not a number"),
            (r#"{"$acl": 1}"#, "`$acl` is neither an object nor a known name"),
            (r#"{"$acl": {"$r": [1]}}"#, "`$r` is neither a name nor a list of names"),
        ];
        for (json, reason) in grid {
            assert_eq!(StreamMetadata::from_json(json.as_bytes()).unwrap_err(), reason);
        }
    }
}
