//! What following promises.

use super::*;

pub async fn a_subscription_catches_up_and_goes_on_with_what_comes(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let before = events(3);
    let stream = subject.given(&before).await?;
    let mut subscription = subject.store.subscribe(Some(start), subject.scope());
    let (seen, early) = next_events(&mut subscription, 3).await?;
    same("history", ids(&seen), new_ids(&before))?;
    holds("it had not caught up before the last of its history", !early)?;
    let mut caught_up = 0;
    let mut revision = 2;
    for number in 0..5 {
        let live = event(number);
        // The first live event waits until the subscription says that it is live.
        while number == 0 && caught_up == 0 {
            match subscription.next().await {
                Some(Ok(Followed::CaughtUp)) => caught_up += 1,
                Some(Ok(Followed::Checkpoint(_))) => {}
                other => return Err(Failure(format!("expected to be caught up, saw {other:?}"))),
            }
        }
        revision = subject.append(&stream, Expected::Revision(revision), std::slice::from_ref(&live)).await?.revision;
        let (seen, again) = next_events(&mut subscription, 1).await?;
        same("live", ids(&seen), vec![live.id])?;
        holds("it catches up once", !again)?;
    }
    Ok(())
}

pub async fn a_subscription_resumes_from_any_position_without_gap_or_double(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let stream = subject.given(&events(4)).await?;
    subject.given(&events(3)).await?;
    subject.append(&stream, Expected::Revision(3), &events(2)).await?;
    let all = subject.read_all(Some(start)).await?;
    let mut after = vec![start];
    after.extend(all.iter().map(|event| event.position));
    for (index, position) in after[..after.len() - 1].iter().enumerate() {
        let mut subscription = subject.store.subscribe(Some(*position), subject.scope());
        let (seen, _) = next_events(&mut subscription, all.len() - index).await?;
        same(&format!("resumed after {index} events"), ids(&seen), ids(&all[index..]))?;
    }
    Ok(())
}

/// Whatever position a subscription has spoken of, resuming from there shows the rest and nothing twice.
pub async fn a_checkpoint_is_a_place_to_resume_from(subject: Subject) -> CaseResult {
    let start = subject.start().await?;
    let noise = subject.stream_in("contract_noise");
    let mut noise_at = Expected::NoStream;
    let mut written = vec![];
    for _ in 0..3 {
        noise_at = Expected::Revision(subject.append(&noise, noise_at, &events(40)).await?.revision);
        let own = events(1);
        subject.given(&own).await?;
        written.extend(new_ids(&own));
    }
    subject.append(&noise, noise_at, &events(40)).await?;
    let mut subscription = subject.store.subscribe(Some(start), subject.scope());
    let mut seen = 0;
    let mut places = vec![];
    loop {
        match subscription.next().await {
            Some(item) => match item? {
                Followed::Event(event) => {
                    seen += 1;
                    places.push((event.position, seen));
                }
                Followed::Checkpoint(position) => places.push((position, seen)),
                Followed::CaughtUp => break,
            },
            None => return Err(Failure("the subscription ended".to_owned())),
        }
    }
    same("events", seen, 3)?;
    holds("positions never go back", places.is_sorted_by(|a, b| a.0 <= b.0))?;
    for (position, seen) in places {
        let rest = subject.read_all(Some(position)).await?;
        same(&format!("after {seen} events"), ids(&rest), written[seen..].to_vec())?;
    }
    Ok(())
}
