//! What a call asks for, in our own words, once it is known to make sense.

use std::collections::BTreeMap;

use bytes::Bytes;
use daftar_domain::Position;
use eventstore_client::wire::{
    StreamIdentifier, Uuid as WireUuid,
    streams::{
        append_req, batch_append_req, delete_req,
        read_req::{
            Options,
            options::{
                AllOptions, CountOption, FilterOption, ReadDirection, StreamOption, StreamOptions, all_options::AllOption,
                stream_options::RevisionOption, uuid_option,
            },
        },
        tombstone_req,
    },
    uuid::Value,
};
use uuid::Uuid;

use super::{
    filter::{Cadence, Filter},
    refusal::Refusal,
    response::{JSON, Shape},
};
use crate::{
    ContentType, NewEvent,
    log::{Direction, ExpectedState},
};

/// One of the valid combinations of a read.
#[derive(Debug)]
pub(super) enum Read {
    Stream { stream: String, from: Begin<u64>, direction: Direction, count: u64 },
    All { from: Begin<Position>, direction: Direction, count: u64, filter: Option<Filter> },
    FollowStream { stream: String, after: Begin<u64> },
    FollowAll { after: Begin<Position>, filter: Option<(Filter, Cadence)> },
}

/// Where reading begins: at the place itself when counting, after it when subscribing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin<Place> {
    Start,
    At(Place),
    End,
}

/// What to read, how to show it, and whether the caller knows the messages about a stream's ends.
pub(super) fn read(options: Option<Options>) -> Result<(Read, Shape, bool), Refusal> {
    let options = options.ok_or_else(|| missing("options"))?;
    let direction = match ReadDirection::try_from(options.read_direction) {
        Ok(ReadDirection::Forwards) => Direction::Forwards,
        Ok(ReadDirection::Backwards) => Direction::Backwards,
        Err(_) => return Err(Refusal::invalid(format!("`read_direction` {} is unknown", options.read_direction))),
    };
    let ids_as_text = match options.uuid_option.and_then(|option| option.content) {
        Some(uuid_option::Content::String(_)) => true,
        Some(uuid_option::Content::Structured(_)) => false,
        None => return Err(missing("uuid_option")),
    };
    let shape = Shape { ids_as_text, resolve_links: options.resolve_links };
    let filter = match options.filter_option {
        Some(FilterOption::Filter(filter)) => Some(filter),
        Some(FilterOption::NoFilter(_)) => None,
        None => return Err(Refusal::invalid("`filter_option` is missing: a read without a filter says `no_filter`")),
    };
    let source = options.stream_option.ok_or_else(|| missing("stream_option"))?;
    let count = options.count_option.ok_or_else(|| missing("count_option"))?;
    let read = match (source, count, direction) {
        (StreamOption::Stream(_), _, _) if filter.is_some() => {
            return Err(Refusal::invalid("a filter goes with `$all`, not with a stream"));
        }
        (_, CountOption::Subscription(_), Direction::Backwards) => return Err(Refusal::invalid("a subscription goes forwards")),
        (StreamOption::Stream(stream), CountOption::Count(count), direction) => {
            let (stream, from) = place_in_stream(stream)?;
            Read::Stream { stream, from, direction, count }
        }
        (StreamOption::Stream(stream), CountOption::Subscription(_), Direction::Forwards) => {
            let (stream, after) = place_in_stream(stream)?;
            Read::FollowStream { stream, after }
        }
        (StreamOption::All(all), CountOption::Count(count), direction) => {
            let filter = filter.as_ref().map(Filter::new).transpose()?;
            Read::All { from: place_in_all(all)?, direction, count, filter }
        }
        (StreamOption::All(all), CountOption::Subscription(_), Direction::Forwards) => {
            let filter = filter.as_ref().map(|filter| Ok::<_, Refusal>((Filter::new(filter)?, Cadence::new(filter)?))).transpose()?;
            Read::FollowAll { after: place_in_all(all)?, filter }
        }
    };
    let knows_ends = options.control_option.is_some_and(|control| control.compatibility >= 1);
    Ok((read, shape, knows_ends))
}

fn place_in_stream(options: StreamOptions) -> Result<(String, Begin<u64>), Refusal> {
    let place = match options.revision_option {
        Some(RevisionOption::Revision(u64::MAX) | RevisionOption::End(_)) => Begin::End,
        Some(RevisionOption::Revision(revision)) => Begin::At(within_range("revision", revision)?),
        Some(RevisionOption::Start(_)) => Begin::Start,
        None => return Err(missing("revision_option")),
    };
    Ok((stream_name(options.stream_identifier)?, place))
}

fn place_in_all(options: AllOptions) -> Result<Begin<Position>, Refusal> {
    Ok(match options.all_option {
        Some(AllOption::Position(position)) => match (position.commit_position, position.prepare_position) {
            (u64::MAX, u64::MAX) => Begin::End,
            (commit, prepare) if commit < prepare => {
                return Err(Refusal::invalid(format!("position {commit}/{prepare} does not exist: the commit is before the prepare")));
            }
            (commit, prepare) => Begin::At(Position { commit: within_range("position", commit)?, prepare }),
        },
        Some(AllOption::Start(_)) => Begin::Start,
        Some(AllOption::End(_)) => Begin::End,
        None => return Err(missing("all_option")),
    })
}

fn within_range(what: &str, number: u64) -> Result<u64, Refusal> {
    if i64::try_from(number).is_ok() { Ok(number) } else { Err(Refusal::invalid(format!("{what} {number} is out of range"))) }
}

pub(super) fn missing(what: &str) -> Refusal {
    Refusal::invalid(format!("`{what}` is missing"))
}

pub(super) fn stream_name(identifier: Option<StreamIdentifier>) -> Result<String, Refusal> {
    let name = identifier.ok_or_else(|| missing("stream_identifier"))?.stream_name;
    match std::str::from_utf8(&name) {
        Ok("") => Err(Refusal::invalid("a stream name is not empty")),
        Ok("$$") => Err(Refusal::invalid("`$$` is no stream: it stands before the name of the stream that the metadata is about")),
        Ok(name) if name.contains('\0') => Err(Refusal::invalid("a stream name has no zero byte")),
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(Refusal::invalid("a stream name is UTF-8")),
    }
}

/// The state an append expects, from the number 2 to 5 of every request that has one.
macro_rules! expected_state {
    ($name:ident, $module:path, $number:ident) => {
        pub(super) fn $name(option: Option<$module>) -> Result<ExpectedState, Refusal> {
            use $module as Option;
            Ok(match option {
                Some(Option::$number(revision)) => expected_revision(revision)?,
                Some(Option::NoStream(_)) => ExpectedState::NoStream,
                Some(Option::Any(_)) => ExpectedState::Any,
                Some(Option::StreamExists(_)) => ExpectedState::StreamExists,
                None => return Err(Refusal::invalid("what state of the stream is expected is missing")),
            })
        }
    };
}
expected_state!(expected_by_append, append_req::options::ExpectedStreamRevision, Revision);
expected_state!(expected_by_delete, delete_req::options::ExpectedStreamRevision, Revision);
expected_state!(expected_by_tombstone, tombstone_req::options::ExpectedStreamRevision, Revision);
expected_state!(expected_by_batch, batch_append_req::options::ExpectedStreamPosition, StreamPosition);

/// The greatest number stands for −1, before the first event.
fn expected_revision(revision: u64) -> Result<ExpectedState, Refusal> {
    Ok(if revision == u64::MAX {
        ExpectedState::NoStream
    } else {
        ExpectedState::Revision(within_range("the expected revision", revision)?)
    })
}

pub(super) fn new_event(
    id: Option<WireUuid>,
    mut metadata: BTreeMap<String, String>,
    custom_metadata: Bytes,
    data: Bytes,
) -> Result<NewEvent, Refusal> {
    let id = event_id(id)?;
    let (Some(event_type), Some(content_type)) = (metadata.remove("type"), metadata.remove("content-type")) else {
        return Err(Refusal::IncompleteEvent);
    };
    if event_type.is_empty() || event_type.contains('\0') {
        return Err(Refusal::invalid("an event type is not empty and has no zero byte"));
    }
    let content_type = if content_type == JSON { ContentType::Json } else { ContentType::Binary };
    Ok(NewEvent { id, event_type, content_type, data, metadata: custom_metadata })
}

fn event_id(id: Option<WireUuid>) -> Result<Uuid, Refusal> {
    let id = match id.and_then(|id| id.value) {
        Some(Value::String(text)) => text.parse().map_err(|_| Refusal::invalid(format!("`{text}` is no event id")))?,
        Some(Value::Structured(halves)) => {
            Uuid::from_u64_pair(halves.most_significant_bits.cast_unsigned(), halves.least_significant_bits.cast_unsigned())
        }
        None => return Err(missing("id")),
    };
    if id.is_nil() { Err(Refusal::invalid("an event id is not all zeros")) } else { Ok(id) }
}
