//! Appending: what is expected, what a repeat is, and what is refused.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use eventstore_client::wire::streams::AppendReq;
use eventstore_client::wire::streams::append_req::Content;
use futures::{StreamExt, TryStreamExt};
use tonic::Code;
use uuid::Uuid;

use super::{Subject, calls::*};
use crate::contract::{CaseResult, Failure, holds, same};

pub async fn an_append_says_where_it_ended(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let (revision, first) = subject.append(&stream, Expected::NoStream, &events(2)).await?.written()?;
    same("the last revision", revision, 1)?;
    let (revision, second) = subject.append(&stream, Expected::Revision(1), &events(3)).await?.written()?;
    same("the last revision", revision, 4)?;
    holds("positions rise", second > first)?;
    let last = subject.read(read_stream(&stream).backwards().at_end().count(1)).await?;
    same("the position is that of the last event", last.iter().map(|event| event.position).collect(), vec![second])
}

pub async fn what_is_expected_of_a_stream_must_be_so(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    subject.append(&stream, Expected::StreamExists, &events(1)).await?.conflict("exists", Expected::StreamExists, None)?;
    same("any", subject.append(&stream, Expected::Any, &events(1)).await?.written()?.0, 0)?;
    same("exists", subject.append(&stream, Expected::StreamExists, &events(1)).await?.written()?.0, 1)?;
    same("exact", subject.append(&stream, Expected::Revision(1), &events(1)).await?.written()?.0, 2)?;
    same("any", subject.append(&stream, Expected::Any, &events(1)).await?.written()?.0, 3)
}

pub async fn a_conflict_says_what_was_expected_and_what_is(subject: Subject) -> CaseResult {
    let missing = subject.stream();
    subject.append(&missing, Expected::Revision(0), &events(1)).await?.conflict("a missing stream", Expected::Revision(0), None)?;
    let (stream, _) = subject.given(&events(3)).await?;
    for expected in [Expected::NoStream, Expected::Revision(1), Expected::Revision(3)] {
        subject.append(&stream, expected, &events(1)).await?.conflict(&expected.to_string(), expected, Some(2))?;
    }
    same("nothing was written", subject.revisions(read_stream(&stream)).await?, vec![0, 1, 2])?;
    same("nothing was written", subject.said(read_stream(&missing)).await.0.len(), 1)
}

pub async fn a_repeat_is_answered_as_the_first_time(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    subject.append(&stream, Expected::Any, &events(2)).await?;
    let (again, next) = (events(2), events(1));
    let first = subject.append(&stream, Expected::Revision(1), &again).await?.written()?;
    subject.append(&stream, Expected::Revision(3), &next).await?.written()?;
    for expected in [Expected::Revision(1), Expected::Any, Expected::StreamExists] {
        same(&expected.to_string(), subject.append(&stream, expected, &again).await?.written()?, first)?;
    }
    same("nothing was written twice", subject.revisions(read_stream(&stream)).await?, vec![0, 1, 2, 3, 4])?;
    let (new, first) = (subject.stream(), events(2));
    let written = subject.append(&new, Expected::NoStream, &first).await?.written()?;
    same("no stream", subject.append(&new, Expected::NoStream, &first).await?.written()?, written)
}

pub async fn a_repeat_that_is_only_partly_there_conflicts(subject: Subject) -> CaseResult {
    let known = events(2);
    let (stream, _) = subject.given(&known).await?;
    let longer = [known.clone(), events(1)].concat();
    for expected in [Expected::NoStream, Expected::Any] {
        subject.append(&stream, expected, &longer).await?.conflict(&expected.to_string(), expected, Some(1))?;
    }
    same("nothing was written", subject.revisions(read_stream(&stream)).await?, vec![0, 1])
}

pub async fn the_same_ids_at_the_end_are_new_events(subject: Subject) -> CaseResult {
    let known = events(1);
    let (stream, _) = subject.given(&known).await?;
    same("exactly at the end", subject.append(&stream, Expected::Revision(0), &known).await?.written()?.0, 1)
}

/// Where the stream exists, servers say its revision; whether they say a position too is their own business.
pub async fn an_append_of_nothing_only_asks(subject: Subject) -> CaseResult {
    let missing = subject.stream();
    match subject.append(&missing, Expected::NoStream, &[]).await? {
        Answer::Written { revision: None, .. } => {}
        other => return Err(Failure(format!("expected nothing at no stream, saw {other:?}"))),
    }
    let (stream, _) = subject.given(&events(3)).await?;
    match subject.append(&stream, Expected::Revision(2), &[]).await? {
        Answer::Written { revision: Some(2), .. } => {}
        other => return Err(Failure(format!("expected nothing at revision 2, saw {other:?}"))),
    }
    subject.append(&stream, Expected::Revision(1), &[]).await?.conflict("a stale revision", Expected::Revision(1), Some(2))?;
    same("nothing was written", subject.revisions(read_stream(&stream)).await?, vec![0, 1, 2])
}

pub async fn an_append_is_whole_or_not_at_all(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let mut bad = happened();
    bad.metadata.clear();
    subject.append(&stream, Expected::NoStream, &[happened(), bad]).await?.refused("half bad", Code::InvalidArgument)?;
    same("the first time", subject.append(&stream, Expected::NoStream, &events(2)).await?.written()?.0, 1)
}

pub async fn events_come_back_as_they_were(subject: Subject) -> CaseResult {
    let binary = proposed("Drawn", "image/png", vec![0, 159, 146, 150]);
    let mut json = proposed("Said", "application/json", "{\"word\": \"hé\"}");
    json.metadata.insert("colour".to_owned(), "dropped".to_owned());
    let mut bare = proposed("Nothing", "application/octet-stream", "");
    bare.custom_metadata = bytes::Bytes::new();
    let sent = [json, binary, bare];
    let before = ticks_now()?;
    let (stream, last) = subject.given(&sent).await?;
    let seen = subject.read(read_stream(&stream)).await?;
    same("how many", seen.len(), 3)?;
    same("the last position", seen.last().map(|event| event.position), Some(last))?;
    let types = ["application/json", "application/octet-stream", "application/octet-stream"];
    for ((seen, sent), content_type) in seen.iter().zip(&sent).zip(types) {
        same("the id", Some(seen.id), id_of(&sent.id).ok())?;
        same("the stream", &seen.stream, &stream)?;
        same("the data", &seen.data, &sent.data)?;
        same("the metadata", &seen.custom_metadata, &sent.custom_metadata)?;
        same("the properties", seen.metadata.keys().map(String::as_str).collect(), vec!["content-type", "created", "type"])?;
        same("the type", Some(&seen.event_type), sent.metadata.get("type"))?;
        same("the content type", seen.metadata.get("content-type").map(String::as_str), Some(content_type))?;
        let created: u128 = seen.metadata.get("created").ok_or_else(|| Failure("no `created`".to_owned()))?.parse()?;
        // Clocks of two machines differ, units would differ by a factor of ten at the least.
        let day = 24 * 60 * 60 * 10_000_000;
        holds("`created` is in steps of 100 ns", (before - day..before + day).contains(&created))?;
    }
    Ok(())
}

fn ticks_now() -> Result<u128, Failure> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() / 100)
}

pub async fn ids_travel_as_text_and_as_halves(subject: Subject) -> CaseResult {
    let id = Uuid::new_v4();
    let mut event = happened();
    event.id = Some(halves(id));
    let (stream, _) = subject.given(&[event]).await?;
    for (read, expected) in [(read_stream(&stream), text(id)), (read_stream(&stream).ids_as_halves(), halves(id))] {
        let (said, _) = subject.said(read).await;
        match said.as_slice() {
            [eventstore_client::wire::streams::read_resp::Content::Event(event)] => {
                same("the id", event.event.as_ref().and_then(|event| event.id.clone()), Some(expected))?;
            }
            other => return Err(Failure(format!("expected one event, saw {other:?}"))),
        }
    }
    Ok(())
}

pub async fn an_event_says_its_type_and_content_type(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    for lacking in ["type", "content-type"] {
        let mut event = happened();
        event.metadata.remove(lacking);
        let status = subject.append(&stream, Expected::Any, &[event]).await?.refused(lacking, Code::InvalidArgument)?;
        let expected = [("exception", "missing-required-metadata-property"), ("required-metadata-properties", "type,content-type")];
        says(lacking, &status, &expected)?;
    }
    same("nothing was written", subject.said(read_stream(&stream)).await.0.len(), 1)
}

/// The limit is 1 MiB up to version 25.0 and may be 256 MiB after it: there two MiB are simply written.
pub async fn an_append_over_the_limit_is_refused(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let large: Vec<_> = (0..4).map(|_| proposed("Large", "application/octet-stream", vec![7; 512 * 1024])).collect();
    match subject.append(&stream, Expected::NoStream, &large).await? {
        Answer::Written { .. } => holds("a server of before 25.1 has a limit", subject.version().await? >= (25, 1)),
        answer => {
            let status = answer.refused("two MiB", Code::InvalidArgument)?;
            says("two MiB", &status, &[("exception", "maximum-append-size-exceeded")])?;
            let limit: u64 = trailer(&status, "maximum-append-size").unwrap_or_default().parse()?;
            holds("the limit is less than what was sent", limit < 4 * 512 * 1024)?;
            same("nothing was written", subject.said(read_stream(&stream)).await.0.len(), 1)
        }
    }
}

pub async fn nonsense_is_refused_and_changes_nothing(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    subject.append("", Expected::Any, &events(1)).await?.refused("no name", Code::InvalidArgument)?;
    let out_of_range = Expected::Revision(u64::MAX - 1);
    subject.append(&stream, out_of_range, &events(1)).await?.refused("out of range", Code::InvalidArgument)?;
    let mut unexpecting = options(&stream, Expected::Any);
    if let Some(Content::Options(options)) = &mut unexpecting.content {
        options.expected_stream_revision = None;
    }
    subject.append_messages(vec![unexpecting]).await?.refused("nothing expected", Code::InvalidArgument)?;
    let headless = vec![AppendReq { content: Some(Content::ProposedMessage(happened())) }];
    subject.append_messages(headless).await?.refused("an event before the options", Code::Unknown)?;
    same("nothing was written", subject.said(read_stream(&stream)).await.0.len(), 1)
}

pub async fn a_thousand_appends_have_one_winner_a_revision(subject: Subject) -> CaseResult {
    const APPENDS: u64 = 1000;
    const REVISIONS: u64 = 50;
    let (stream, _) = subject.given(&events(1)).await?;
    let outcomes: Vec<(u64, bool)> = futures::stream::iter(0..APPENDS)
        .map(|number| {
            let (subject, stream) = (subject.clone(), stream.clone());
            async move {
                let revision = number / (APPENDS / REVISIONS);
                // Each waits for its revision to be there, so that all of them race for the next.
                loop {
                    match subject.append(&stream, Expected::Revision(revision), &events(1)).await? {
                        Answer::Written { .. } => return Ok::<_, Failure>((revision, true)),
                        Answer::Conflict { current, .. } if current >= Some(revision + 1) => return Ok((revision, false)),
                        Answer::Conflict { .. } => tokio::task::yield_now().await,
                        other @ Answer::Refused(_) => return Err(Failure(format!("saw {other:?}"))),
                    }
                }
            }
        })
        .buffer_unordered(64)
        .try_collect()
        .await?;
    let mut winners = BTreeMap::new();
    for (revision, _) in outcomes.iter().filter(|(_, won)| *won) {
        *winners.entry(*revision).or_insert(0) += 1;
    }
    same("winners by revision", winners, (0..REVISIONS).map(|revision| (revision, 1)).collect())?;
    same("the stream", subject.revisions(read_stream(&stream)).await?, (0..=REVISIONS).collect())
}
