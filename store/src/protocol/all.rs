//! Reading the whole log.

use eventstore_client::wire::streams::read_req::options::{Position, StreamOption, all_options::AllOption};
use eventstore_client::wire::streams::read_resp::Content;
use tonic::Code;

use super::{Subject, calls::*};
use crate::contract::{CaseResult, Failure, same};

pub async fn the_log_is_read_forwards_from_a_position_and_backwards_from_before_it(subject: Subject) -> CaseResult {
    let mut positions = vec![];
    for _ in 0..3 {
        positions.push(subject.given(&events(1)).await?.1);
    }
    let mine = |seen: Vec<Seen>| {
        seen.into_iter().filter(|event| event.stream.starts_with(&subject.name)).map(|event| event.position).collect::<Vec<_>>()
    };
    let [first, second, third] = positions[..] else { return Err(Failure("three positions".to_owned())) };
    same("forwards, included", mine(subject.read(read_all().from(first)).await?), vec![first, second, third])?;
    same("forwards, counted", mine(subject.read(read_all().from(second).count(1)).await?), vec![second])?;
    let seen = mine(subject.read(read_all().at_end().backwards()).await?);
    same("backwards from the end", seen, vec![third, second, first])?;
    let seen = mine(subject.read(read_all().from(third).backwards()).await?);
    same("backwards, not included", seen, vec![second, first])?;
    let seen = mine(subject.read(read_all().from(second).backwards().count(1)).await?);
    same("backwards, counted", seen.first().is_none_or(|position| *position == first), true)?;
    let all = subject.read(read_all().from(first)).await?;
    same("positions rise", all.is_sorted_by(|a, b| a.position < b.position), true)
}

pub async fn beyond_either_end_of_the_log_there_is_nothing(subject: Subject) -> CaseResult {
    subject.given(&events(1)).await?;
    same("forwards from the end", subject.read(read_all().at_end()).await?, vec![])?;
    same("backwards from the start", subject.read(read_all().backwards()).await?, vec![])
}

pub async fn a_position_that_cannot_be_is_refused(subject: Subject) -> CaseResult {
    let at = |commit_position, prepare_position| {
        let mut read = read_all();
        if let Some(StreamOption::All(options)) = &mut read.0.stream_option {
            options.all_option = Some(AllOption::Position(Position { commit_position, prepare_position }));
        }
        read
    };
    subject.refused("a commit before its prepare", at(1, 2), Code::InvalidArgument).await?;
    subject.refused("out of range", at(u64::MAX - 1, u64::MAX - 1), Code::InvalidArgument).await?;
    subject.refused("a commit before its prepare", at(1, 2).subscribing(), Code::InvalidArgument).await.map(drop)
}

pub async fn links_are_resolved_if_wished(subject: Subject) -> CaseResult {
    let (target, _) = subject.given(&events(2)).await?;
    let link = |data: String| proposed("$>", "application/octet-stream", data);
    let (links, last) = subject.given(&[link(format!("1@{target}")), link(format!("7@{target}")), happened()]).await?;
    let plain = subject.read(read_stream(&links)).await?;
    same("links as they are", plain.iter().map(|event| event.event_type.as_str()).collect(), vec!["$>", "$>", "SomethingHappened"])?;
    let mut reads = vec![(subject.said(read_stream(&links).resolving_links()).await, 0)];
    reads.push((subject.said(read_all().from(plain[0].position).resolving_links()).await, 1));
    for ((said, status), kind) in reads {
        status.map_or(Ok(()), Err)?;
        let mut mine = said.into_iter().filter(|content| match content {
            Content::Event(read) => {
                [&read.event, &read.link].into_iter().flatten().any(|event| event.stream_identifier == Some(identifier(&links)))
            }
            _ => false,
        });
        let resolved = event(mine.next().ok_or_else(|| Failure("no link".to_owned()))?)?;
        same("what the link points to", (resolved.stream.as_str(), resolved.revision), (target.as_str(), 1))?;
        same("the link", resolved.link, Some((links.clone(), 0)))?;
        same("the link's position", resolved.position, plain[0].position)?;
        match mine.next() {
            Some(Content::Event(read)) => {
                same("what is not there", read.event, None)?;
                same("its link", read.link.map(|link| link.stream_revision), Some(1))?;
            }
            other => return Err(Failure(format!("expected an unresolved link, saw {other:?}"))),
        }
        let last_seen = event(mine.next().ok_or_else(|| Failure(format!("no event in read {kind}")))?)?;
        same("what is no link", (last_seen.position, last_seen.link), (last, None))?;
    }
    Ok(())
}
