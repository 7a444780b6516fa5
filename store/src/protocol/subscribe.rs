//! Following a stream or the log.

use std::collections::BTreeSet;

use eventstore_client::wire::streams::{
    ReadResp,
    read_req::options::filter_options::{Filter, Window},
    read_resp::{CaughtUp, Content},
};
use futures::{StreamExt, TryStreamExt};
use tonic::{Code, Streaming};

use super::{Subject, calls::*};
use crate::contract::{CaseResult, Failure, holds, same};

/// A subscription that has been confirmed.
struct Followed(Streaming<ReadResp>);

impl Subject {
    async fn follow(&self, read: Read) -> Result<Followed, Failure> {
        let mut followed = Followed(self.open(read.subscribing()).await?);
        match followed.next().await? {
            Content::Confirmation(confirmation) => holds("it has an id", !confirmation.subscription_id.is_empty())?,
            other => return Err(Failure(format!("expected to be confirmed first, saw {other:?}"))),
        }
        Ok(followed)
    }
}

impl Followed {
    async fn next(&mut self) -> Result<Content, Failure> {
        match self.0.message().await? {
            Some(answer) => answer.content.ok_or_else(|| Failure("an empty answer".to_owned())),
            None => Err(Failure("the subscription ended".to_owned())),
        }
    }

    async fn event(&mut self) -> Result<Seen, Failure> {
        event(self.next().await?)
    }

    async fn revision(&mut self) -> Result<u64, Failure> {
        Ok(self.event().await?.revision)
    }

    async fn caught_up(&mut self) -> Result<CaughtUp, Failure> {
        match self.next().await? {
            Content::CaughtUp(caught_up) => Ok(caught_up),
            other => Err(Failure(format!("expected to be caught up, saw {other:?}"))),
        }
    }

    /// Everything up to being caught up, which is last.
    async fn history(&mut self) -> Result<Vec<Content>, Failure> {
        let mut history = vec![];
        loop {
            history.push(self.next().await?);
            if matches!(history.last(), Some(Content::CaughtUp(_))) {
                return Ok(history);
            }
        }
    }
}

/// Versions before the late 24.10 say that it caught up and no more.
fn says_revision(caught_up: &CaughtUp, revision: Option<i64>) -> CaseResult {
    if caught_up.timestamp.is_none() { Ok(()) } else { same("where it caught up", caught_up.stream_revision, revision) }
}

pub async fn a_stream_is_followed_from_its_start(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(3)).await?;
    let mut followed = subject.follow(read_stream(&stream)).await?;
    for revision in 0..3 {
        same("history", followed.revision().await?, revision)?;
    }
    says_revision(&followed.caught_up().await?, Some(2))?;
    for revision in 3..6 {
        subject.append(&stream, Expected::Any, &events(1)).await?.written()?;
        same("live, and caught up only once", followed.revision().await?, revision)?;
    }
    Ok(())
}

pub async fn a_stream_is_followed_from_after_a_revision(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(4)).await?;
    let mut followed = subject.follow(read_stream(&stream).from(1)).await?;
    same("the next", followed.revision().await?, 2)?;
    same("and on", followed.revision().await?, 3)?;
    says_revision(&followed.caught_up().await?, Some(3))?;
    let mut ahead = subject.follow(read_stream(&stream).from(3)).await?;
    ahead.caught_up().await?;
    subject.append(&stream, Expected::Any, &events(1)).await?.written()?;
    same("live", followed.revision().await?, 4)?;
    same("live from the last", ahead.revision().await?, 4)
}

pub async fn a_stream_is_followed_from_its_end(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(3)).await?;
    let mut followed = subject.follow(read_stream(&stream).at_end()).await?;
    says_revision(&followed.caught_up().await?, Some(2))?;
    subject.append(&stream, Expected::Any, &events(2)).await?.written()?;
    same("only what is new", (followed.revision().await?, followed.revision().await?), (3, 4))
}

pub async fn a_missing_stream_is_waited_for(subject: Subject) -> CaseResult {
    for read in [Read::from as fn(Read, u64) -> Read, |read, _| read, |read, _| read.at_end()] {
        let stream = subject.stream();
        // From a revision that it may have one day: what comes before is not seen.
        let mut followed = subject.follow(read(read_stream(&stream), 0)).await?;
        says_revision(&followed.caught_up().await?, None)?;
        subject.append(&stream, Expected::NoStream, &events(3)).await?.written()?;
        let mut seen = followed.revision().await?;
        while seen < 2 {
            let next = followed.revision().await?;
            same("in order", next, seen + 1)?;
            seen = next;
        }
    }
    Ok(())
}

/// Whoever was there sees the tombstone before the error; whoever comes after it sees only the error.
pub async fn a_tombstone_ends_a_subscription_with_an_error(subject: Subject) -> CaseResult {
    let (stream, _) = subject.given(&events(2)).await?;
    let mut followed = subject.follow(read_stream(&stream)).await?;
    followed.history().await?;
    subject.append(&stream, Expected::Any, &events(1)).await?.written()?;
    subject.tombstone(&stream, Expected::Any).await?;
    same("what was before", followed.revision().await?, 2)?;
    same("the tombstone", followed.event().await?.event_type.as_str(), "$streamDeleted")?;
    let gone = [("exception", "stream-deleted"), ("stream-name", stream.as_str())];
    let status = followed.0.message().await.err().ok_or_else(|| Failure("no error".to_owned()))?;
    same("the code", status.code(), Code::FailedPrecondition)?;
    says("the end", &status, &gone)?;
    let (_, status) = subject.said(read_stream(&stream).subscribing()).await;
    let status = status.ok_or_else(|| Failure("no error".to_owned()))?;
    same("the code", status.code(), Code::FailedPrecondition)?;
    says("one who came later", &status, &gone)
}

pub async fn the_log_is_followed_from_after_a_position(subject: Subject) -> CaseResult {
    let (_, start) = subject.given(&events(1)).await?;
    let (first, _) = subject.given(&events(2)).await?;
    let mut followed = subject.follow(read_all().from(start)).await?;
    let (mut seen, mut caught_up) = (vec![], 0);
    while caught_up == 0 {
        match followed.next().await? {
            Content::CaughtUp(at) => {
                caught_up += 1;
                if at.timestamp.is_some() {
                    let position = at.position.ok_or_else(|| Failure("caught up nowhere".to_owned()))?;
                    holds("it caught up behind what it saw", seen.iter().all(|event: &Seen| event.position <= position.commit_position))?;
                }
            }
            content => seen.push(event(content)?),
        }
    }
    holds("after the position", seen.iter().all(|event| event.position > start))?;
    let (second, _) = subject.given(&events(2)).await?;
    while seen.iter().filter(|event| event.stream == second).count() < 2 {
        seen.push(followed.event().await?);
    }
    holds("positions rise", seen.is_sorted_by(|a, b| a.position < b.position))?;
    let mine: Vec<_> =
        seen.iter().filter(|event| event.stream.starts_with(&subject.name)).map(|event| (event.stream.as_str(), event.revision)).collect();
    same("all of it, once", mine, vec![(first.as_str(), 0), (first.as_str(), 1), (second.as_str(), 0), (second.as_str(), 1)])
}

pub async fn the_log_is_followed_from_its_end(subject: Subject) -> CaseResult {
    let (_, before) = subject.given(&events(3)).await?;
    let mut followed = subject.follow(read_all().at_end()).await?;
    let mut early = followed.history().await?;
    early.pop();
    let (stream, _) = subject.given(&events(1)).await?;
    let mut seen: Vec<_> = early.into_iter().map(event).collect::<Result<_, _>>()?;
    while seen.last().is_none_or(|event| event.stream != stream) {
        seen.push(followed.event().await?);
    }
    holds("only what is new", seen.iter().all(|event| event.position > before))
}

/// Counted over every event of the log from the position on, whether it matches or not: the log itself says where checkpoints must be.
pub async fn checkpoints_keep_their_cadence(subject: Subject) -> CaseResult {
    const INTERVAL: usize = 6;
    let (_, start) = subject.given(&events(1)).await?;
    let wanted = format!("{}_wanted-1", subject.name);
    for _ in 0..10 {
        subject.append(&wanted, Expected::Any, &events(1)).await?.written()?;
        subject.given(&events(3)).await?;
    }
    let read = || read_all().from(start).windowed(Filter::StreamIdentifier(prefixes(&[&wanted])), Window::Max(3), 2);
    let mut followed = subject.follow(read()).await?;
    let history = followed.history().await?;
    let log: Vec<Seen> = subject.read(read_all().from(start)).await?.into_iter().filter(|event| event.position > start).collect();
    let mut due: Vec<(u64, bool)> = vec![];
    for (number, event) in (1..).zip(&log) {
        due.extend(Some((event.position, true)).filter(|_| event.stream == wanted));
        due.extend(Some((event.position, false)).filter(|_| number % INTERVAL == 0));
    }
    let said: Vec<(u64, bool)> = history
        .iter()
        .filter_map(|content| match content {
            Content::Event(_) => event(content.clone()).ok().map(|event| (event.position, true)),
            Content::Checkpoint(checkpoint) => Some((checkpoint.commit_position, false)),
            _ => None,
        })
        .collect();
    same("events and checkpoints", said[..due.len().min(said.len())].to_vec(), due)?;
    let checkpoints: Vec<u64> = said.iter().filter(|(_, is_event)| !is_event).map(|(position, _)| *position).collect();
    holds("checkpoints rise", checkpoints.is_sorted_by(|a, b| a < b))?;
    match &history[..] {
        [.., Content::Checkpoint(checkpoint), Content::CaughtUp(_)] => {
            holds("the last is the last considered", log.iter().any(|event| event.position == checkpoint.commit_position))?;
            same("commit and prepare", checkpoint.commit_position, checkpoint.prepare_position)?;
        }
        other => return Err(Failure(format!("expected a checkpoint before being caught up, saw {:?}", other.last()))),
    }
    // Live it goes on: a checkpoint comes though nothing wanted does.
    for _ in 0..=INTERVAL {
        subject.given(&events(1)).await?;
    }
    match followed.next().await? {
        Content::Checkpoint(checkpoint) => holds("it rises", checkpoints.last() < Some(&checkpoint.commit_position)),
        other => Err(Failure(format!("expected a checkpoint, saw {other:?}"))),
    }
}

pub async fn a_checkpoint_is_a_place_to_resume_from(subject: Subject) -> CaseResult {
    let (_, start) = subject.given(&events(1)).await?;
    let mut expected = vec![];
    for number in 0..20 {
        let (stream, position) = subject.given(&[proposed("Kept", "application/json", "{}"), happened()]).await?;
        expected.push(stream);
        if number % 3 == 0 {
            subject.delete(&expected[number], Expected::Any).await?;
        }
        holds("positions rise", position > start)?;
    }
    let read = |after| read_all().from(after).windowed(Filter::StreamIdentifier(regex(format!("^{}", subject.name))), Window::Max(5), 1);
    let history = subject.follow(read(start)).await?.history().await?;
    let of = |history: &[Content]| -> Vec<u64> {
        history.iter().filter_map(|content| event(content.clone()).ok()).map(|event| event.position).collect()
    };
    for (index, content) in history.iter().enumerate() {
        let after = match content {
            Content::Checkpoint(checkpoint) => checkpoint.commit_position,
            Content::Event(_) => event(content.clone())?.position,
            _ => continue,
        };
        let rest = subject.follow(read(after)).await?.history().await?;
        same("the rest after it", of(&rest), of(&history[index + 1..]))?;
    }
    Ok(())
}

pub async fn nothing_is_lost_or_doubled_under_many_writers(subject: Subject) -> CaseResult {
    const WRITERS: usize = 16;
    const APPENDS: usize = 40;
    let (_, start) = subject.given(&events(1)).await?;
    let shared = subject.stream();
    let filter = Filter::StreamIdentifier(prefixes(&[&subject.name]));
    let mut all = subject.follow(read_all().from(start)).await?;
    let mut filtered = subject.follow(read_all().from(start).filtered(filter)).await?;
    let mut one = subject.follow(read_stream(&shared)).await?;
    let writing = futures::stream::iter(0..WRITERS).map(|_| async {
        let own = subject.stream();
        for number in 0..APPENDS {
            let stream = if number % 2 == 0 { &own } else { &shared };
            subject.append(stream, Expected::Any, &events(2)).await?.written()?;
        }
        Ok::<_, Failure>(())
    });
    let writing = writing.buffer_unordered(WRITERS).try_collect::<Vec<_>>();
    let mine = |event: &Seen| event.stream.starts_with(&subject.name);
    let (_, of_all, of_filtered, of_one) = futures::try_join!(
        writing,
        gathered(&mut all, WRITERS * APPENDS * 2, mine),
        gathered(&mut filtered, WRITERS * APPENDS * 2, mine),
        gathered(&mut one, WRITERS * APPENDS, mine),
    )?;
    for seen in [&of_all, &of_filtered, &of_one] {
        holds("positions rise", seen.is_sorted_by(|a, b| a.position < b.position))?;
        same("distinct", seen.iter().map(|event| event.id).collect::<BTreeSet<_>>().len(), seen.len())?;
    }
    same("all and filtered", of_all.iter().map(|event| event.id).collect::<Vec<_>>(), of_filtered.iter().map(|event| event.id).collect())?;
    same("one stream", of_one.iter().map(|event| event.revision).collect(), (0..(WRITERS * APPENDS) as u64).collect::<Vec<_>>())
}

async fn gathered(followed: &mut Followed, count: usize, wanted: impl Fn(&Seen) -> bool) -> Result<Vec<Seen>, Failure> {
    let mut seen = vec![];
    while seen.len() < count {
        if let content @ Content::Event(_) = followed.next().await? {
            seen.push(event(content)?);
        }
        if seen.last().is_some_and(|event| !wanted(event)) {
            seen.pop();
        }
    }
    Ok(seen)
}
