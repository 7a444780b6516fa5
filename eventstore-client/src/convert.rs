//! From the wire to our types and back. Nothing that arrives is trusted to be complete.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::error::Error;
use crate::event::{ContentType, Expected, NewEvent, Position, RecordedEvent, ResolvedEvent};
use crate::wire;
use crate::wire::streams::read_resp::ReadEvent;
use crate::wire::streams::read_resp::read_event::RecordedEvent as WireEvent;

/// The server counts in signed numbers.
pub(crate) const LAST_REVISION: u64 = i64::MAX as u64;

const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";
const TICKS_PER_SECOND: u64 = 10_000_000;

pub(crate) fn stream_identifier(name: &str) -> wire::StreamIdentifier {
    wire::StreamIdentifier { stream_name: name.to_owned().into() }
}

/// Refuses the names no server accepts.
pub(crate) fn check_stream_name(name: &str) -> Result<(), Error> {
    match name {
        "" => Err(Error::invalid("the stream name is empty")),
        "$$" => Err(Error::invalid("`$$` is the metadata of no stream")),
        _ => Ok(()),
    }
}

pub(crate) fn check_expected(expected: Expected) -> Result<(), Error> {
    match expected {
        Expected::Exact(revision) => check_revision(revision),
        Expected::Any | Expected::NoStream | Expected::StreamExists => Ok(()),
    }
}

pub(crate) fn check_revision(revision: u64) -> Result<(), Error> {
    match revision <= LAST_REVISION {
        true => Ok(()),
        false => Err(Error::invalid(format!("revision {revision} is larger than any a stream can have"))),
    }
}

pub(crate) fn check_position(position: Position) -> Result<(), Error> {
    if position.commit > LAST_REVISION {
        return Err(Error::invalid(format!("position {position} is larger than any there can be")));
    }
    if position.prepare > position.commit {
        return Err(Error::invalid(format!("position {position} is prepared after it was committed")));
    }
    Ok(())
}

pub(crate) fn uuid_to_wire(id: Uuid) -> wire::Uuid {
    let (high, low) = id.as_u64_pair();
    let structured = wire::uuid::Structured { most_significant_bits: high as i64, least_significant_bits: low as i64 };
    wire::Uuid { value: Some(wire::uuid::Value::Structured(structured)) }
}

pub(crate) fn uuid_from_wire(id: Option<wire::Uuid>) -> Result<Uuid, Error> {
    match id.and_then(|id| id.value) {
        Some(wire::uuid::Value::Structured(halves)) => {
            Ok(Uuid::from_u64_pair(halves.most_significant_bits as u64, halves.least_significant_bits as u64))
        }
        Some(wire::uuid::Value::String(text)) => text.parse().map_err(|_| Error::protocol(format!("`{text}` is not a uuid"))),
        None => Err(Error::protocol("a uuid is missing")),
    }
}

/// The metadata the server wants with every proposed event.
pub(crate) fn proposed_metadata(event: &NewEvent) -> BTreeMap<String, String> {
    let content_type = match event.content_type {
        ContentType::Json => JSON,
        ContentType::Binary => BINARY,
    };
    BTreeMap::from([("type".to_owned(), event.event_type.clone()), ("content-type".to_owned(), content_type.to_owned())])
}

pub(crate) fn resolved_event(read: ReadEvent) -> Result<ResolvedEvent, Error> {
    match (read.event, read.link) {
        (Some(event), Some(link)) => Ok(ResolvedEvent { event: recorded_event(event)?, link: Some(Box::new(recorded_event(link)?)) }),
        (Some(event), None) => Ok(ResolvedEvent { event: recorded_event(event)?, link: None }),
        // The link's target is gone or may not be read: the link itself is what there is.
        (None, Some(link)) => Ok(ResolvedEvent { event: recorded_event(link)?, link: None }),
        (None, None) => Err(Error::protocol("an event without content")),
    }
}

fn recorded_event(event: WireEvent) -> Result<RecordedEvent, Error> {
    let mut metadata = event.metadata;
    let mut property = |key: &str| metadata.remove(key).ok_or_else(|| Error::protocol(format!("an event without `{key}`")));
    let stream = event.stream_identifier.ok_or_else(|| Error::protocol("an event without stream"))?;
    Ok(RecordedEvent {
        id: uuid_from_wire(event.id)?,
        stream: String::from_utf8(stream.stream_name.into()).map_err(|_| Error::protocol("a stream name is not UTF-8"))?,
        revision: event.stream_revision,
        position: Position::new(event.commit_position, event.prepare_position),
        event_type: property("type")?,
        content_type: match property("content-type")?.as_str() {
            JSON => ContentType::Json,
            _ => ContentType::Binary,
        },
        created: created(&property("created")?)?,
        data: event.data,
        metadata: event.custom_metadata,
    })
}

fn created(ticks: &str) -> Result<SystemTime, Error> {
    let parsed = ticks.parse::<u64>().ok().and_then(|ticks| {
        let nanoseconds = (ticks % TICKS_PER_SECOND) as u32 * 100;
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(ticks / TICKS_PER_SECOND, nanoseconds))
    });
    parsed.ok_or_else(|| Error::protocol(format!("`created` is `{ticks}`, not a number of ticks")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn wire_event() -> WireEvent {
        WireEvent {
            id: Some(uuid_to_wire(Uuid::from_u128(0xf0e1_d2c3_b4a5_9687_7869_5a4b_3c2d_1e0f))),
            stream_identifier: Some(stream_identifier("invoice-ü")),
            stream_revision: 7,
            prepare_position: 90,
            commit_position: 91,
            metadata: [("type", "Issued"), ("content-type", JSON), ("created", "16094592001234567")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            custom_metadata: Bytes::from_static(b"meta"),
            data: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn an_event_arrives_whole_with_its_time_to_100_nanoseconds() {
        let event = recorded_event(wire_event()).unwrap();
        assert_eq!(
            event,
            RecordedEvent {
                id: "f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f".parse().unwrap(),
                stream: "invoice-ü".into(),
                revision: 7,
                position: Position::new(91, 90),
                event_type: "Issued".into(),
                content_type: ContentType::Json,
                created: SystemTime::UNIX_EPOCH + Duration::new(1_609_459_200, 123_456_700),
                data: Bytes::from_static(b"{}"),
                metadata: Bytes::from_static(b"meta"),
            }
        );
    }

    #[test]
    fn an_incomplete_event_is_an_error_that_says_what_is_missing() {
        type Spoil = fn(&mut WireEvent);
        let grid: [(Spoil, &str); 8] = [
            (|e| e.id = None, "a uuid is missing"),
            (|e| e.id = Some(wire::Uuid { value: Some(wire::uuid::Value::String("x".into())) }), "`x` is not a uuid"),
            (|e| e.stream_identifier = None, "an event without stream"),
            (
                |e| e.stream_identifier = Some(wire::StreamIdentifier { stream_name: Bytes::from_static(&[0xff]) }),
                "a stream name is not UTF-8",
            ),
            (|e| drop(e.metadata.remove("type")), "an event without `type`"),
            (|e| drop(e.metadata.remove("content-type")), "an event without `content-type`"),
            (|e| drop(e.metadata.remove("created")), "an event without `created`"),
            (|e| drop(e.metadata.insert("created".into(), "soon".into())), "`created` is `soon`, not a number of ticks"),
        ];
        for (spoil, reason) in grid {
            let mut event = wire_event();
            spoil(&mut event);
            let error = recorded_event(event).unwrap_err();
            assert_eq!(error.to_string(), format!("unexpected answer from the server: {reason}"));
        }
    }

    #[test]
    fn a_uuid_arrives_in_either_form() {
        let id = Uuid::from_u128(u128::MAX - 5);
        let text = wire::Uuid { value: Some(wire::uuid::Value::String(id.to_string())) };
        assert_eq!(uuid_from_wire(Some(text)).unwrap(), id);
        assert_eq!(uuid_from_wire(Some(uuid_to_wire(id))).unwrap(), id);
    }

    #[test]
    fn a_resolved_link_keeps_its_own_place_and_a_broken_one_stands_for_itself() {
        let link = WireEvent { stream_revision: 3, ..wire_event() };
        let read = |event, link| resolved_event(ReadEvent { event, link, position: None });
        let resolved = read(Some(wire_event()), Some(link.clone())).unwrap();
        assert_eq!((resolved.event.revision, resolved.original().revision), (7, 3));
        let broken = read(None, Some(link)).unwrap();
        assert_eq!((broken.event.revision, broken.original().revision, broken.link), (3, 3, None));
        assert!(read(None, None).is_err());
    }

    #[test]
    fn what_no_server_accepts_is_refused_beforehand() {
        let grid = [
            (check_stream_name(""), "the stream name is empty"),
            (check_stream_name("$$"), "`$$` is the metadata of no stream"),
            (check_expected(Expected::Exact(LAST_REVISION + 1)), "revision 9223372036854775808 is larger than any a stream can have"),
            (check_position(Position::new(LAST_REVISION + 1, 0)), "position C:9223372036854775808/P:0 is larger than any there can be"),
            (check_position(Position::new(4, 5)), "position C:4/P:5 is prepared after it was committed"),
        ];
        for (refused, reason) in grid {
            assert_eq!(refused.unwrap_err().to_string(), format!("invalid argument: {reason}"));
        }
        assert!(check_stream_name("$$a").is_ok() && check_expected(Expected::Exact(LAST_REVISION)).is_ok());
    }
}
