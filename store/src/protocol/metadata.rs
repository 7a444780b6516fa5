//! What a stream's metadata hides.

use super::{Subject, calls::*};
use crate::contract::{CaseResult, same};

pub async fn metadata_is_set_and_read(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(1)).await?;
    let metadata = format!("$${stream}");
    same("the first", subject.set_metadata(&stream, r#"{"colour":"red"}"#).await?.0, 0)?;
    same("the second", subject.set_metadata(&stream, r#"{"colour":"blue","$maxCount":9}"#).await?.0, 1)?;
    for read in [read_stream(&metadata), read_stream(&metadata).backwards().at_end().count(1)] {
        let seen = subject.read(read).await?;
        same("only the newest, with its revision", seen.iter().map(|event| event.revision).collect(), vec![1])?;
        same("its type", seen[0].event_type.as_str(), "$metadata")?;
        same("its text", &seen[0].data[..], br#"{"colour":"blue","$maxCount":9}"#)?;
    }
    Ok(())
}

pub async fn a_stream_with_only_metadata_is_missing(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    subject.set_metadata(&stream, r#"{"colour":"red"}"#).await?;
    same("it is missing", is_missing(&subject, &stream).await, true)?;
    // But someone has said something about it.
    same("it exists", subject.append(&stream, Expected::StreamExists, &events(1)).await?.written()?.0, 0)
}

pub async fn a_maximum_count_hides_older_events(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(5)).await?;
    subject.set_metadata(&stream, r#"{"$maxCount":2}"#).await?;
    same("forwards", subject.revisions(read_stream(&stream)).await?, vec![3, 4])?;
    same("backwards", subject.revisions(read_stream(&stream).backwards().at_end()).await?, vec![4, 3])?;
    same("from what is hidden", subject.revisions(read_stream(&stream).from(1).count(1)).await?, vec![3])?;
    subject.append(&stream, Expected::Revision(4), &events(1)).await?.written()?;
    same("it moves", subject.revisions(read_stream(&stream)).await?, vec![4, 5])
}

pub async fn truncating_hides_what_is_before(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(5)).await?;
    subject.set_metadata(&stream, r#"{"$tb":3}"#).await?;
    same("forwards", subject.revisions(read_stream(&stream)).await?, vec![3, 4])?;
    same("backwards", subject.revisions(read_stream(&stream).backwards().at_end()).await?, vec![4, 3])?;
    subject.set_metadata(&stream, r#"{"$tb":3,"$maxCount":1}"#).await?;
    same("the stricter of two", subject.revisions(read_stream(&stream)).await?, vec![4])?;
    subject.set_metadata(&stream, "{}").await?;
    same("until it is taken back", subject.revisions(read_stream(&stream)).await?.len(), 5)
}

pub async fn a_maximum_age_hides_older_events(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(3)).await?;
    subject.set_metadata(&stream, r#"{"$maxAge":3600}"#).await?;
    same("an hour, in seconds", subject.revisions(read_stream(&stream)).await?.len(), 3)?;
    subject.set_metadata(&stream, r#"{"$maxAge":1}"#).await?;
    // The only way to be older is to wait; the case's own patience ends it if they never are.
    while !subject.revisions(read_stream(&stream)).await?.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    subject.append(&stream, Expected::Revision(2), &events(1)).await?.written()?;
    same("the new one is seen", subject.revisions(read_stream(&stream)).await?, vec![3])
}
