//! What reading promises.

use super::*;

pub async fn a_stream_that_does_not_exist_is_empty(subject: Subject) -> CaseResult {
    same("events", subject.read(&subject.stream(), 0).await?, vec![])
}

pub async fn a_stream_is_read_from_the_middle_and_beyond_its_end(subject: Subject) -> CaseResult {
    let written = events(5);
    let stream = subject.given(&written).await?;
    for from in 0..7_u64 {
        let expected = new_ids(&written).into_iter().skip(usize::try_from(from)?).collect::<Vec<_>>();
        same(&format!("from {from}"), ids(&subject.read(&stream, from).await?), expected)?;
    }
    Ok(())
}

/// Longer than any page that a store may read in.
pub async fn a_long_stream_is_read_whole(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let stream = subject.stream();
    let mut expected = Expected::NoStream;
    let mut written = vec![];
    for _ in 0..9 {
        let batch = events(1000);
        expected = Expected::Revision(subject.append(&stream, expected, &batch).await?.revision);
        written.extend(new_ids(&batch));
    }
    let read = subject.read(&stream, 0).await?;
    same("the stream is whole", ids(&read) == written, true)?;
    holds("revisions are dense", read.iter().zip(0..).all(|(event, revision)| event.revision == revision))?;
    same("from the middle", ids(&subject.read(&stream, 4096).await?) == written[4096..], true)?;
    let all = subject.read_all(Some(start)).await?;
    same("the log is whole", ids(&all) == written, true)?;
    in_order_and_once(&all)
}

pub async fn positions_rise_over_all_streams_in_the_order_of_the_appends(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let (a, b) = (subject.stream(), subject.stream());
    let mut positions = vec![start];
    for (stream, expected) in [(&a, Expected::NoStream), (&b, Expected::NoStream), (&a, Expected::Revision(0)), (&b, Expected::Revision(0))]
    {
        positions.push(subject.append(stream, expected, &events(1)).await?.position);
    }
    holds("each append is after the one before", positions.is_sorted_by(|x, y| x < y))?;
    let all = subject.read_all(Some(start)).await?;
    same("positions read", all.iter().map(|event| event.position).collect::<Vec<_>>(), positions[1..].to_vec())?;
    same("streams read", all.iter().map(|event| event.stream.clone()).collect(), [&a, &b, &a, &b].map(ToString::to_string).to_vec())
}

pub async fn the_log_is_read_from_after_a_position(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    subject.given(&events(3)).await?;
    subject.given(&events(3)).await?;
    let all = subject.read_all(Some(start)).await?;
    same("events", all.len(), 6)?;
    for (index, event) in all.iter().enumerate() {
        same("after an event", subject.read_all(Some(event.position)).await?, all[index + 1..].to_vec())?;
    }
    Ok(())
}

pub async fn a_category_is_not_mistaken_for_a_longer_one(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let longer = subject.stream_in(&format!("{}_archive", subject.category));
    subject.append(&longer, Expected::NoStream, &events(1)).await?;
    let own = events(1);
    subject.given(&own).await?;
    same("events", ids(&subject.read_all(Some(start)).await?), new_ids(&own))
}

/// A store keeps notes of its own in streams that begin with `$`; they are no part of what a proof covers.
pub async fn everything_leaves_out_the_stores_own_streams(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let written = events(2);
    subject.given(&written).await?;
    let other = subject.stream_in("contract_other");
    let last = subject.append(&other, Expected::NoStream, &events(1)).await?.position;
    let everything: Vec<StoredEvent> = subject.store.read_all(Some(start), Scope::Everything).try_collect().await?;
    let until_last: Vec<_> = everything.iter().take_while(|event| event.position <= last).collect();
    holds(
        "both categories are there",
        until_last.iter().any(|e| e.stream == other.as_str()) && new_ids(&written).iter().all(|id| until_last.iter().any(|e| e.id == *id)),
    )?;
    holds("no stream begins with $", everything.iter().all(|event| !event.stream.starts_with('$')))
}
