//! What appending promises.

use super::*;
use crate::log::MAX_APPEND_SIZE;

pub async fn events_come_back_byte_for_byte(subject: Subject) -> CaseResult {
    // Not normalised, not re-ordered, not even necessarily pretty: hashes depend on the exact bytes.
    let odd = event_of("{ \"b\" : 1.0,\n\"a\":\"دفتر\\u0000\", \"a\": 2 }".as_bytes().to_vec());
    let binary = NewEvent { content_type: ContentType::Binary, metadata: Bytes::new(), ..event_of(vec![0, 255, 254, 0]) };
    let empty = NewEvent { content_type: ContentType::Binary, ..event_of(Bytes::new()) };
    let written = vec![odd, binary, empty];
    let stream = subject.given(&written).await?;
    let read = subject.read(&stream, 0).await?;
    same("revisions", read.iter().map(|event| event.revision).collect(), vec![0, 1, 2])?;
    for (read, written) in read.into_iter().zip(written) {
        same("the stream", read.stream, stream.to_string())?;
        let StoredEvent { id, event_type, content_type, data, metadata, .. } = read;
        same("the event", NewEvent { id, event_type, content_type, data, metadata }, written)?;
    }
    Ok(())
}

pub async fn a_new_stream_is_not_appended_to_twice(subject: Subject) -> CaseResult {
    let stream = subject.given(&events(2)).await?;
    refused(subject.append(&stream, Expected::NoStream, &events(1)).await, Expected::NoStream, Some(1))?;
    same("events", subject.read(&stream, 0).await?.len(), 2)
}

pub async fn a_stale_revision_is_refused_with_where_the_stream_is(subject: Subject) -> CaseResult {
    let stream = subject.given(&events(3)).await?;
    let stale = Expected::Revision(1);
    refused(subject.append(&stream, stale, &events(1)).await, stale, Some(2))?;
    same("events", subject.read(&stream, 0).await?.len(), 3)
}

pub async fn a_revision_that_is_not_there_yet_is_refused(subject: Subject) -> CaseResult {
    let stream = subject.given(&events(1)).await?;
    let early = Expected::Revision(1);
    refused(subject.append(&stream, early, &events(1)).await, early, Some(0))?;
    let nowhere = subject.stream();
    refused(subject.append(&nowhere, Expected::Revision(0), &events(1)).await, Expected::Revision(0), None)?;
    same("events", subject.read(&nowhere, 0).await?.len(), 0)
}

pub async fn appending_again_at_its_place_changes_nothing(subject: Subject) -> CaseResult {
    let (first, second) = (events(2), events(2));
    let stream = subject.stream();
    let created = subject.append(&stream, Expected::NoStream, &first).await?;
    let continued = subject.append(&stream, Expected::Revision(1), &second).await?;
    same("creating again", subject.append(&stream, Expected::NoStream, &first).await?, created)?;
    same("continuing again", subject.append(&stream, Expected::Revision(1), &second).await?, continued)?;
    let all = [new_ids(&first), new_ids(&second)].concat();
    same("creating all of it again", subject.append(&stream, Expected::NoStream, &[first, second].concat()).await?, continued)?;
    same("events", ids(&subject.read(&stream, 0).await?), all)
}

pub async fn a_repeat_that_is_only_partly_there_is_refused(subject: Subject) -> CaseResult {
    let (first, more) = (events(2), events(1));
    let stream = subject.given(&first).await?;
    let longer = [first.clone(), more.clone()].concat();
    refused(subject.append(&stream, Expected::NoStream, &longer).await, Expected::NoStream, Some(1))?;
    let changed = vec![first[0].clone(), more[0].clone()];
    refused(subject.append(&stream, Expected::NoStream, &changed).await, Expected::NoStream, Some(1))?;
    let reversed = vec![first[1].clone(), first[0].clone()];
    refused(subject.append(&stream, Expected::NoStream, &reversed).await, Expected::NoStream, Some(1))?;
    same("events", ids(&subject.read(&stream, 0).await?), new_ids(&first))
}

/// The trap: a store that looked for ids anywhere would hide a missing layer of idempotency from every test.
pub async fn the_same_ids_at_the_end_are_new_events(subject: Subject) -> CaseResult {
    let first = events(1);
    let stream = subject.given(&first).await?;
    let again = subject.append(&stream, Expected::Revision(0), &first).await?;
    same("the revision", again.revision, 1)?;
    same("events", subject.read(&stream, 0).await?.len(), 2)
}

pub async fn all_events_of_an_append_or_none(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let stream = subject.given(&events(1)).await?;
    let three = events(3);
    let appended = subject.append(&stream, Expected::Revision(0), &three).await?;
    let last = subject.read(&stream, 3).await?;
    same("where the last event is", last.iter().map(|e| (e.revision, e.position)).collect(), vec![(appended.revision, appended.position)])?;
    refused(subject.append(&stream, Expected::Revision(0), &events(3)).await, Expected::Revision(0), Some(3))?;
    let all = subject.read_all(Some(start)).await?;
    same("events", ids(&all[1..]), new_ids(&three))?;
    in_order_and_once(&all)
}

pub async fn nothing_to_append_is_refused(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    match subject.append(&stream, Expected::NoStream, &[]).await {
        Err(error @ AppendError::NoEvents { .. }) => same("the message", error.to_string(), format!("nothing to append to `{stream}`")),
        other => Err(Failure(format!("expected a refusal, saw {other:?}"))),
    }
}

pub async fn an_append_over_the_limit_is_refused_and_one_at_it_is_not(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let sized = |size: usize| {
        let mut event = event_of(Bytes::new());
        event.data = vec![b'7'; size - event.size()].into();
        event
    };
    let halves = [sized(MAX_APPEND_SIZE / 2), sized(MAX_APPEND_SIZE / 2 + 1)];
    match subject.append(&stream, Expected::NoStream, &halves).await {
        Err(AppendError::TooLarge { size, limit, .. }) => same("the limit", (size, limit), (MAX_APPEND_SIZE + 1, MAX_APPEND_SIZE))?,
        other => return Err(Failure(format!("expected a refusal, saw {:?}", other.map(|appended| appended.revision)))),
    }
    same("events", subject.read(&stream, 0).await?.len(), 0)?;
    subject.append(&stream, Expected::NoStream, &[sized(MAX_APPEND_SIZE)]).await?;
    same("bytes", subject.read(&stream, 0).await?.iter().map(|event| event.data.len()).sum::<usize>() > MAX_APPEND_SIZE - 100, true)
}
