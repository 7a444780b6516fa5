//! Appending, deleting and tombstoning: the rules decide, the storage adds rows only where they saw the stream.

use super::{
    Direction, ExpectedState, Guard, Log, Row, Stand, Write, WriteError,
    rules::{self, Check, Otherwise, Repeat},
};
use crate::{NewEvent, StoreError};

/// Where an append ended; both are none after an append of nothing to a stream that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub revision: Option<u64>,
    pub position: Option<u64>,
}

/// What a writer asks of a stream.
enum Wish {
    Append(Vec<NewEvent>),
    Delete,
    Tombstone,
}

impl Wish {
    fn is_ending(&self) -> bool {
        matches!(self, Self::Delete | Self::Tombstone)
    }
}

enum Plan {
    Add(Write, Added),
    Done(Written),
}

/// Where the answer's revision and position will be, once the rows have been added.
struct Added {
    revision: u64,
    offset: u64,
}

impl Log {
    pub async fn append(&self, stream: &str, expected: ExpectedState, events: Vec<NewEvent>) -> Result<Written, WriteError> {
        let size: usize = events.iter().map(NewEvent::size).sum();
        if size > self.max_append_size {
            return Err(WriteError::TooLarge { stream: stream.to_owned(), size, limit: self.max_append_size });
        }
        self.write(stream, expected, Wish::Append(events)).await
    }

    /// Hides the stream's events; the next append begins it anew after the last revision.
    pub async fn delete(&self, stream: &str, expected: ExpectedState) -> Result<Written, WriteError> {
        self.write(stream, expected, Wish::Delete).await
    }

    /// Ends the stream for ever.
    pub async fn tombstone(&self, stream: &str, expected: ExpectedState) -> Result<Written, WriteError> {
        self.write(stream, expected, Wish::Tombstone).await
    }

    /// Plans from where the stream is thought to stand; if it has moved meanwhile, plans again from where it does.
    async fn write(&self, stream: &str, expected: ExpectedState, wish: Wish) -> Result<Written, WriteError> {
        if !rules::is_writable(stream) || (wish.is_ending() && rules::is_metadata_stream(stream)) {
            return Err(WriteError::InvalidStream { stream: stream.to_owned() });
        }
        let mut stand = match (&wish, expected) {
            // Most appends say where the stream stands. Believe them, and save a question: the guard tells if it was not so. Only the
            // revision of a tombstone is not believed, because it would be taken for one.
            (Wish::Append(events), ExpectedState::NoStream) if !events.is_empty() => Stand::default(),
            (Wish::Append(events), ExpectedState::Revision(revision)) if !events.is_empty() && revision < rules::TOMBSTONE_REVISION => {
                Stand { revision: Some(revision), metadata: None }
            }
            _ => self.storage.stand(stream).await?,
        };
        loop {
            let plan = match &wish {
                Wish::Append(events) => self.plan_append(stream, expected, &stand, events).await?,
                Wish::Delete => plan_deletion(stream, expected, &stand)?,
                Wish::Tombstone => plan_tombstone(stream, expected, &stand)?,
            };
            match plan {
                Plan::Done(written) => return Ok(written),
                Plan::Add(write, added) => match self.storage.append(write).await? {
                    Ok(first) => return Ok(Written { revision: Some(added.revision), position: Some(first + added.offset) }),
                    Err(moved) => stand = moved,
                },
            }
        }
    }

    async fn plan_append(&self, stream: &str, expected: ExpectedState, stand: &Stand, events: &[NewEvent]) -> Result<Plan, WriteError> {
        let wrong = || WriteError::WrongExpected { stream: stream.to_owned(), expected, actual: stand.revision };
        let repeat = match rules::check(expected, stand, events.len()) {
            Check::Deleted => return Err(WriteError::StreamDeleted { stream: stream.to_owned() }),
            Check::WrongExpected => return Err(wrong()),
            Check::Write => Repeat::Not,
            Check::CompareFrom { revision, otherwise } => {
                let there = self.storage.read_stream(stream, revision, Direction::Forwards, events.len()).await?;
                match (rules::repeat_in_order(events, &there), otherwise) {
                    (Repeat::Not, Otherwise::WrongExpected) => return Err(wrong()),
                    (repeat, _) => repeat,
                }
            }
            Check::CompareRecent => {
                let recent = self.storage.read_stream(stream, u64::MAX, Direction::Backwards, rules::RECENT_IDS).await?;
                rules::repeat_anywhere(events, &recent)
            }
        };
        match repeat {
            Repeat::Partly => Err(wrong()),
            Repeat::Whole { last, position } => Ok(Plan::Done(Written { revision: Some(last), position: Some(position) })),
            Repeat::Not => Ok(match rows(stream, stand, events) {
                Some((rows, added)) => Plan::Add(Write { guard: guard(stream, stand), rows }, added),
                None => Plan::Done(Written { revision: stand.revision, position: self.position_of_last(stream, stand).await? }),
            }),
        }
    }

    async fn position_of_last(&self, stream: &str, stand: &Stand) -> Result<Option<u64>, StoreError> {
        let Some(last) = stand.revision else { return Ok(None) };
        let events = self.storage.read_stream(stream, last, Direction::Backwards, 1).await?;
        Ok(events.first().map(|event| event.position.commit))
    }
}

/// The rows of an append; appending to a hidden stream also says from where on it is seen again.
fn rows(stream: &str, stand: &Stand, events: &[NewEvent]) -> Option<(Vec<Row>, Added)> {
    let first = stand.revision.map_or(0, |last| last + 1);
    let mut rows: Vec<Row> =
        (first..).zip(events).map(|(revision, event)| Row { stream: stream.to_owned(), revision, event: event.clone() }).collect();
    let added = Added { revision: rows.last()?.revision, offset: rows.len() as u64 - 1 };
    if let Some((revision, metadata)) = stand.metadata.as_ref().filter(|_| stand.is_soft_deleted()) {
        let event = rules::undeletion(metadata, first);
        rows.push(Row { stream: rules::metadata_stream(stream), revision: revision + 1, event });
    }
    Some((rows, added))
}

fn plan_deletion(stream: &str, expected: ExpectedState, stand: &Stand) -> Result<Plan, WriteError> {
    permit_ending(stream, expected, stand)?;
    if stand.revision.is_none() && stand.metadata.is_none() {
        return Err(WriteError::WrongExpected { stream: stream.to_owned(), expected, actual: None });
    }
    let revision = stand.metadata.as_ref().map_or(0, |(revision, _)| revision + 1);
    Ok(single(stream, stand, Row { stream: rules::metadata_stream(stream), revision, event: rules::soft_deletion() }))
}

fn plan_tombstone(stream: &str, expected: ExpectedState, stand: &Stand) -> Result<Plan, WriteError> {
    permit_ending(stream, expected, stand)?;
    Ok(single(stream, stand, Row { stream: stream.to_owned(), revision: rules::TOMBSTONE_REVISION, event: rules::tombstone() }))
}

fn single(stream: &str, stand: &Stand, row: Row) -> Plan {
    let added = Added { revision: row.revision, offset: 0 };
    Plan::Add(Write { guard: guard(stream, stand), rows: vec![row] }, added)
}

/// Whether a stream that stands here may be hidden or ended: an append of nothing asks the same.
fn permit_ending(stream: &str, expected: ExpectedState, stand: &Stand) -> Result<(), WriteError> {
    match rules::check(expected, stand, 0) {
        Check::Write => Ok(()),
        Check::Deleted => Err(WriteError::StreamDeleted { stream: stream.to_owned() }),
        Check::WrongExpected | Check::CompareFrom { .. } | Check::CompareRecent => {
            Err(WriteError::WrongExpected { stream: stream.to_owned(), expected, actual: stand.revision })
        }
    }
}

fn guard(stream: &str, stand: &Stand) -> Guard {
    Guard { stream: stream.to_owned(), revision: stand.revision, metadata_revision: stand.metadata.as_ref().map(|(revision, _)| *revision) }
}
