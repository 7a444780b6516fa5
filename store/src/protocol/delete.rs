//! Hiding a stream, and ending it.

use tonic::Code;

use super::{Subject, calls::*};
use crate::contract::{CaseResult, Failure, holds, same};

pub async fn a_deleted_stream_is_missing_and_begins_anew(subject: Subject) -> CaseResult {
    let (stream, last) = subject.given(&events(3)).await?;
    let deleted = subject.delete(&stream, Expected::Revision(2)).await?;
    holds("the deletion has a position", deleted > last)?;
    same("it is missing", is_missing(&subject, &stream).await, true)?;
    subject.append(&stream, Expected::StreamExists, &events(1)).await?.conflict("it does not exist", Expected::StreamExists, Some(2))?;
    same("it begins anew after its last", subject.append(&stream, Expected::NoStream, &events(2)).await?.written()?.0, 4)?;
    same("what was is hidden", subject.revisions(read_stream(&stream)).await?, vec![3, 4])?;
    let metadata = subject.read(read_stream(&format!("$${stream}"))).await?;
    let truncated: serde_json::Value = serde_json::from_slice(&metadata.first().ok_or_else(|| Failure("no metadata".to_owned()))?.data)?;
    same("the metadata says from where", truncated["$tb"].as_u64(), Some(3))?;
    subject.delete(&stream, Expected::Any).await?;
    same("again", is_missing(&subject, &stream).await, true)?;
    same("after the last again", subject.append(&stream, Expected::Revision(4), &events(1)).await?.written()?.0, 5)
}

pub async fn a_tombstone_is_for_ever(subject: Subject) -> CaseResult {
    let (stream, last) = subject.given(&events(3)).await?;
    let ended = subject.tombstone(&stream, Expected::Revision(2)).await?;
    holds("the tombstone has a position", ended > last)?;
    let gone = [("exception", "stream-deleted"), ("stream-name", stream.as_str())];
    for expected in [Expected::Any, Expected::NoStream, Expected::StreamExists, Expected::Revision(2)] {
        let what = format!("an append expecting {expected}");
        let status = subject.append(&stream, expected, &events(1)).await?.refused(&what, Code::FailedPrecondition)?;
        says(&what, &status, &gone)?;
    }
    for read in [read_stream(&stream), read_stream(&stream).backwards().at_end()] {
        let status = subject.refused("a read", read.clone(), Code::FailedPrecondition).await?;
        holds("the text says it too", status.message().contains("is deleted"))?;
        says("a read", &subject.refused("a read", read, Code::FailedPrecondition).await?, &gone)?;
    }
    for refused in [subject.delete(&stream, Expected::Any).await, subject.tombstone(&stream, Expected::Any).await] {
        let status = refused.err().ok_or_else(|| Failure("a stream ended twice".to_owned()))?;
        same("ending it again", status.code(), Code::FailedPrecondition)?;
        says("ending it again", &status, &gone)?;
    }
    let seen = subject.read(read_all().from(ended).count(1)).await?;
    same(
        "the tombstone",
        seen.iter().map(|event| (event.stream.as_str(), event.event_type.as_str())).collect(),
        vec![(stream.as_str(), "$streamDeleted")],
    )
}

/// The Python client reads the numbers from the text. Before version 26 a stream that never was could be deleted when anything was expected; none is here.
pub async fn a_deletion_of_another_revision_says_so(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(3)).await?;
    let missing = subject.stream();
    let refusals = [
        (&stream, subject.delete(&stream, Expected::Revision(1)).await, "1", "2"),
        (&stream, subject.tombstone(&stream, Expected::Revision(7)).await, "7", "2"),
        (&stream, subject.delete(&stream, Expected::NoStream).await, "-1", "2"),
        (&missing, subject.delete(&missing, Expected::StreamExists).await, "-4", "-1"),
    ];
    for (name, refused, expected, actual) in refusals {
        let status = refused.err().ok_or_else(|| Failure(format!("a deletion expecting {expected} was done")))?;
        same("the code", status.code(), Code::FailedPrecondition)?;
        let text = format!("WrongExpectedVersion. Stream: {name}, Expected version: {expected}, Actual version: {actual}");
        holds("the text says it too", status.message().ends_with(&text))?;
        says(
            "the refusal",
            &status,
            &[("exception", "wrong-expected-version"), ("stream-name", name), ("expected-version", expected), ("actual-version", actual)],
        )?;
    }
    same("nothing was hidden", subject.revisions(read_stream(&stream)).await?, vec![0, 1, 2])
}

pub async fn deleted_events_are_still_in_the_log(subject: Subject) -> CaseResult {
    let (_, before) = subject.given(&events(1)).await?;
    let (hidden, _) = subject.given(&events(2)).await?;
    let (ended, _) = subject.given(&events(2)).await?;
    subject.delete(&hidden, Expected::Any).await?;
    subject.tombstone(&ended, Expected::Any).await?;
    let mut seen = subject.read(read_all().from(before)).await?;
    seen.retain(|event| event.stream.ends_with(&hidden) || event.stream == ended);
    let seen: Vec<_> = seen.iter().map(|event| (event.stream.as_str(), event.event_type.as_str())).collect();
    let happened = "SomethingHappened";
    let metadata = format!("$${hidden}");
    same(
        "all that happened",
        seen,
        vec![
            (hidden.as_str(), happened),
            (hidden.as_str(), happened),
            (ended.as_str(), happened),
            (ended.as_str(), happened),
            (metadata.as_str(), "$metadata"),
            (ended.as_str(), "$streamDeleted"),
        ],
    )
}
