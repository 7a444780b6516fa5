//! Reading only what is wanted of the log.

use eventstore_client::wire::Empty;
use eventstore_client::wire::streams::read_req::options::filter_options::{Filter, Window};
use tonic::Code;

use super::{Subject, calls::*};
use crate::contract::{CaseResult, Failure, same};

/// Two streams, the second of which is called like the first and something more; and a type of this case's own.
async fn two_streams(subject: &Subject) -> Result<(u64, String, String), Failure> {
    let (_, start) = subject.given(&events(1)).await?;
    let (a, b) = (format!("{}_a-1", subject.name), format!("{}_b-1", subject.name));
    let mine = proposed(&format!("{}Happened", subject.name), "application/json", "{}");
    subject.append(&a, Expected::NoStream, &[happened(), mine.clone()]).await?.written()?;
    subject.append(&b, Expected::NoStream, &[happened(), mine]).await?.written()?;
    Ok((start, a, b))
}

fn places(seen: &[Seen]) -> Vec<(&str, u64)> {
    seen.iter().map(|event| (event.stream.as_str(), event.revision)).collect()
}

pub async fn prefixes_choose_streams_and_types(subject: Subject) -> CaseResult {
    let (start, a, b) = two_streams(&subject).await?;
    let read = |filter| read_all().from(start).filtered(filter);
    let prefix = format!("{}_a", subject.name);
    let seen = subject.read(read(Filter::StreamIdentifier(prefixes(&["no such stream", &prefix])))).await?;
    same("streams", places(&seen), vec![(a.as_str(), 0), (a.as_str(), 1)])?;
    let seen = subject.read(read(Filter::EventType(prefixes(&[&subject.name])))).await?;
    same("types", places(&seen), vec![(a.as_str(), 1), (b.as_str(), 1)])?;
    let seen = subject.read(read(Filter::EventType(prefixes(&[&subject.name.to_uppercase()])))).await?;
    same("case counts", places(&seen), vec![])
}

pub async fn expressions_choose_streams_and_types(subject: Subject) -> CaseResult {
    let (start, a, b) = two_streams(&subject).await?;
    let read = |filter| read_all().from(start).filtered(filter);
    let seen = subject.read(read(Filter::StreamIdentifier(regex(format!("{}_[b-z]-\\d$", subject.name))))).await?;
    same("streams", places(&seen), vec![(b.as_str(), 0), (b.as_str(), 1)])?;
    // Not anchored: it is found anywhere in the type.
    let seen = subject.read(read(Filter::EventType(regex(format!("{}Hap+en", &subject.name[3..]))))).await?;
    same("types", places(&seen), vec![(a.as_str(), 1), (b.as_str(), 1)])?;
    let mut both = regex(format!("^{}_a", subject.name));
    both.prefix = vec![format!("{}_b", subject.name)];
    let seen = subject.read(read(Filter::StreamIdentifier(both))).await?;
    same("an expression goes before prefixes", places(&seen), vec![(a.as_str(), 0), (a.as_str(), 1)])
}

pub async fn expressions_may_look_ahead(subject: Subject) -> CaseResult {
    let (start, a, b) = two_streams(&subject).await?;
    subject.set_metadata(&a, "{}").await?;
    let read = |filter| read_all().from(start).filtered(filter);
    let seen = subject.read(read(Filter::StreamIdentifier(regex(format!("^(?!.*{}_a).*{}_", subject.name, subject.name))))).await?;
    same("streams but one", places(&seen), vec![(b.as_str(), 0), (b.as_str(), 1)])?;
    // What the official clients send to leave the server's own events out.
    for without_system in [r"^(?!(\$.+$|PersistentConfig\d+$|Result$|StreamsFromFoo$))", r"^[^\$].*"] {
        let seen = subject.read(read(Filter::EventType(regex(without_system)))).await?;
        let mine = seen.iter().filter(|event| event.stream == a || event.stream == b).count();
        same("events of ours", mine, 4)?;
        same("events of the server's own", seen.iter().filter(|event| event.event_type.starts_with('$')).count(), 0)?;
    }
    Ok(())
}

pub async fn a_filtered_count_counts_what_matches(subject: Subject) -> CaseResult {
    let (start, a, b) = two_streams(&subject).await?;
    let mine = || Filter::EventType(prefixes(&[&subject.name]));
    let seen = subject.read(read_all().from(start).filtered(mine()).count(2)).await?;
    same("forwards", places(&seen), vec![(a.as_str(), 1), (b.as_str(), 1)])?;
    let seen = subject.read(read_all().at_end().backwards().filtered(mine()).count(1)).await?;
    same("backwards", places(&seen), vec![(b.as_str(), 1)])?;
    let seen = subject.read(read_all().at_end().backwards().filtered(mine()).count(2)).await?;
    same("backwards", places(&seen), vec![(b.as_str(), 1), (a.as_str(), 1)])
}

pub async fn a_filter_without_meaning_is_refused(subject: Subject) -> CaseResult {
    let by_type = || Filter::EventType(prefixes(&["A"]));
    for (what, read) in [
        ("no expression", read_all().filtered(Filter::StreamIdentifier(regex("(")))),
        ("no expression, followed", read_all().filtered(Filter::StreamIdentifier(regex("("))).subscribing()),
        ("an interval of none", read_all().windowed(by_type(), Window::Count(Empty {}), 0).subscribing()),
    ] {
        subject.refused(what, read, Code::InvalidArgument).await?;
    }
    Ok(())
}
