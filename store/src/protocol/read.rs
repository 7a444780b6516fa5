//! Reading one stream.

use eventstore_client::wire::streams::read_resp::{Content, StreamNotFound};
use tonic::Code;

use super::{Subject, calls::*};
use crate::contract::{CaseResult, same};

pub async fn a_stream_is_read_forwards(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(5)).await?;
    let read = || read_stream(&stream);
    same("from the start", subject.revisions(read()).await?, vec![0, 1, 2, 3, 4])?;
    same("from the middle, which is included", subject.revisions(read().from(2)).await?, vec![2, 3, 4])?;
    same("from beyond the end", subject.revisions(read().from(5)).await?, vec![])?;
    same("from the end", subject.revisions(read().at_end()).await?, vec![])?;
    let seen = subject.read(read()).await?;
    same("positions rise", seen.is_sorted_by(|a, b| a.position < b.position), true)
}

/// From the start backwards there is nothing; servers that take the start for the first event say that one.
pub async fn a_stream_is_read_backwards(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(5)).await?;
    let read = || read_stream(&stream).backwards();
    same("from the end", subject.revisions(read().at_end()).await?, vec![4, 3, 2, 1, 0])?;
    same("from the greatest number", subject.revisions(read().from(u64::MAX)).await?, vec![4, 3, 2, 1, 0])?;
    same("from the middle, which is included", subject.revisions(read().from(2)).await?, vec![2, 1, 0])?;
    same("from the first", subject.revisions(read().from(0)).await?, vec![0])?;
    let seen = subject.revisions(read()).await?;
    same("from the start", seen.is_empty() || seen == [0], true)
}

pub async fn a_count_may_be_anything(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(5)).await?;
    let read = || read_stream(&stream);
    same("one", subject.revisions(read().count(1)).await?, vec![0])?;
    same("some from the middle", subject.revisions(read().from(1).count(3)).await?, vec![1, 2, 3])?;
    same("some backwards", subject.revisions(read().backwards().from(3).count(2)).await?, vec![3, 2])?;
    same("more than there are", subject.revisions(read().count(6)).await?.len(), 5)?;
    same("as many as there can be", subject.revisions(read().count(u64::MAX)).await?.len(), 5)?;
    same("as many as there can be, backwards", subject.revisions(read().backwards().at_end().count(u64::MAX)).await?.len(), 5)
}

pub async fn a_missing_stream_is_said_to_be_missing(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let missing = Content::StreamNotFound(StreamNotFound { stream_identifier: Some(identifier(&stream)) });
    for read in
        [read_stream(&stream), read_stream(&stream).from(3), read_stream(&stream).backwards().at_end(), read_stream(&stream).count(1)]
    {
        let (said, status) = subject.said(read).await;
        same("what is said", said, vec![missing.clone()])?;
        same("it ends well", status.map(|status| status.code()), None)?;
    }
    Ok(())
}

pub async fn the_ends_of_a_stream_are_told_to_those_who_know(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(5)).await?;
    subject.set_metadata(&stream, r#"{"$tb":2}"#).await?;
    let ends = |said: Vec<Content>| said.into_iter().filter(|content| !matches!(content, Content::Event(_))).collect::<Vec<_>>();
    let (said, _) = subject.said(read_stream(&stream).knowing_ends()).await;
    same("the last after the events", ends(said), vec![Content::LastStreamPosition(4)])?;
    let (said, _) = subject.said(read_stream(&stream).knowing_ends().from(9)).await;
    same("both when there is nothing", ends(said), vec![Content::FirstStreamPosition(2), Content::LastStreamPosition(4)])?;
    let (said, _) = subject.said(read_stream(&stream)).await;
    same("nothing to those who do not", ends(said), vec![])
}

pub async fn a_long_stream_is_read_whole_both_ways(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    for _ in 0..10 {
        subject.append(&stream, Expected::Any, &events(500)).await?.written()?;
    }
    same("forwards", subject.revisions(read_stream(&stream)).await?, (0..5000).collect())?;
    same("backwards", subject.revisions(read_stream(&stream).backwards().at_end()).await?, (0..5000).rev().collect())?;
    same("counted", subject.revisions(read_stream(&stream).from(100).count(4500)).await?, (100..4600).collect())
}

pub async fn combinations_without_meaning_are_refused(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(1)).await?;
    let read = || read_stream(&stream);
    let changed = |mut read: Read, change: fn(&mut Read)| {
        change(&mut read);
        read
    };
    for (what, read) in [
        ("a stream with a filter", read().filtered(filter_by_stream(prefixes(&["a"])))),
        ("a stream's subscription backwards", read().subscribing().backwards()),
        ("the log's subscription backwards", read_all().subscribing().backwards()),
        ("ids in no form", changed(read(), |read| read.0.uuid_option = None)),
        ("of nothing", changed(read(), |read| read.0.stream_option = None)),
        ("without a count", changed(read(), |read| read.0.count_option = None)),
        ("an unknown direction", changed(read(), |read| read.0.read_direction = 7)),
        ("a revision out of range", read().from(u64::MAX - 1)),
        ("no name", read_stream("")),
    ] {
        subject.refused(what, read, Code::InvalidArgument).await?;
    }
    Ok(())
}
