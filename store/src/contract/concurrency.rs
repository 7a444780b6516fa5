//! What is so when many write at once, and what commands may rely on.

use chrono::{DateTime, Utc};
use daftar_domain::{
    Actor, Currency, Decider, Sealed, SealedFor,
    account::AccountNumber,
    account::{self, Account, Command, CustomerClass, Language, OpenAccount},
    ids::AccountId,
};
use futures::future::{join_all, try_join_all};

use super::*;
use crate::{CommandContext, Engine, ExecuteError, Outcome};

pub async fn a_thousand_appends_to_one_stream_have_one_winner_a_revision(subject: Subject) -> CaseResult {
    const WRITERS: u64 = 1000;
    const REVISIONS: u64 = 5;
    let stream = subject.given(&events(1)).await?;
    // Two hundred contend for each of five revisions, and whoever loses has lost for good.
    let attempts = (0..WRITERS).map(|writer| {
        let (subject, stream) = (subject.clone(), stream.clone());
        async move {
            let event = event(writer);
            let mine = writer % REVISIONS;
            loop {
                match subject.append(&stream, Expected::Revision(mine), std::slice::from_ref(&event)).await {
                    Ok(appended) => return Ok(Some((appended.revision, event.id))),
                    // The stream has not come to this revision yet.
                    Err(AppendError::WrongExpected { actual: Some(actual), .. }) if actual < mine => tokio::task::yield_now().await,
                    Err(AppendError::WrongExpected { .. }) => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
        }
    });
    let mut winners: Vec<_> = try_join_all(attempts).await?.into_iter().flatten().collect();
    winners.sort();
    same("winners by revision", winners.iter().map(|(revision, _)| *revision).collect(), (1..=REVISIONS).collect::<Vec<_>>())?;
    let there: Vec<_> = subject.read(&stream, 1).await?.iter().map(|event| (event.revision, event.id)).collect();
    same("what is in the stream", there, winners)
}

pub async fn a_reader_sees_every_event_of_64_writers_once_and_in_order(subject: Subject) -> CaseResult {
    const WRITERS: usize = 64;
    const APPENDS: u64 = 25;
    let start = subject.start().await?;
    let mut subscription = subject.store.subscribe(Some(start), subject.scope());
    let reading = next_events(&mut subscription, WRITERS * usize::try_from(APPENDS)? * 2);
    let writing = try_join_all((0..WRITERS).map(|_| {
        let subject = subject.clone();
        async move {
            let stream = subject.stream();
            let mut expected = Expected::NoStream;
            let mut written = vec![];
            for number in 0..APPENDS {
                let pair = [event(2 * number), event(2 * number + 1)];
                let appended = subject.append(&stream, expected, &pair).await?;
                expected = Expected::Revision(appended.revision);
                written.extend(new_ids(&pair));
            }
            Ok::<_, Failure>(written)
        }
    }));
    let ((seen, _), written) = futures::future::try_join(reading, writing).await?;
    in_order_and_once(&seen)?;
    let written: BTreeSet<Uuid> = written.into_iter().flatten().collect();
    same("every event", seen.iter().map(|event| event.id).collect::<BTreeSet<_>>() == written, true)?;
    same("a later reading", subject.read_all(Some(start)).await? == seen, true)
}

/// A counter in memory of its commands: each adds itself, whatever others have added meanwhile.
#[derive(Debug, Default)]
struct Tally(u32);

impl Decider for Tally {
    const CATEGORY: &'static str = "contract_tally";
    type Command = u32;
    type Event = account::Event;
    type Rejection = AlreadyHigher;

    fn decide(&self, limit: u32) -> Result<Vec<account::Event>, AlreadyHigher> {
        if self.0 >= limit { Err(AlreadyHigher) } else { Ok(vec![account::example::opened()]) }
    }

    fn evolve(self, _: &account::Event) -> Self {
        Self(self.0 + 1)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the tally is as high already")]
struct AlreadyHigher;

fn context(key: &str) -> CommandContext {
    CommandContext::new(Actor::user("contract"), "tally", key, Utc::now())
}

pub async fn commands_of_one_engine_on_one_stream_all_succeed(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let engine = Engine::new(subject.store.clone());
    let outcomes = join_all((0..50).map(|number| {
        let (engine, stream) = (engine.clone(), stream.clone());
        async move { engine.execute::<Tally>(&stream, &context(&number.to_string()), 1000).await }
    }));
    for outcome in outcomes.await {
        holds("each command recorded its event", matches!(outcome?, Outcome::Recorded { .. }))?;
    }
    same("events", subject.read(&stream, 0).await?.len(), 50)
}

pub async fn commands_of_two_engines_on_one_stream_decide_from_what_is_true(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let engines = [Engine::new(subject.store.clone()), Engine::new(subject.store.clone())];
    // Thirty wishes for at most twenty: exactly ten must be refused, whoever was quicker.
    let outcomes = join_all((0..30).map(|number| {
        let (engine, stream) = (engines[number % 2].clone(), stream.clone());
        async move { engine.execute::<Tally>(&stream, &context(&number.to_string()), 20).await }
    }))
    .await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(ExecuteError::Rejected(AlreadyHigher)))).count();
    same("refused", refused, 10)?;
    same("events", subject.read(&stream, 0).await?.len(), 20)
}

/// Layer two: the history remembers its commands, also when the state has long forgotten why it is so.
pub async fn a_retried_command_is_recognised_however_much_happened_since(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let engine = Engine::new(subject.store.clone());
    let first = engine.execute::<Tally>(&stream, &context("first"), 10).await?;
    let second = engine.execute::<Tally>(&stream, &context("second"), 10).await?;
    holds("two commands, two events", matches!((&first, &second), (Outcome::Recorded { .. }, Outcome::Recorded { .. })))?;
    for engine in [engine, Engine::new(subject.store.clone())] {
        let again = engine.execute::<Tally>(&stream, &context("first"), 10).await?;
        same("the retry", again, Outcome::AlreadyTrue { position: second.position() })?;
    }
    same("events", subject.read(&stream, 0).await?.len(), 2)
}

/// Layer three: a command's events have the same ids at every try, so that even two processes that try at once append once.
pub async fn the_same_command_twice_at_once_is_one_append(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let engines = [Engine::new(subject.store.clone()), Engine::new(subject.store.clone())];
    let outcomes = try_join_all(engines.iter().map(|engine| async {
        engine
            .execute::<Tally>(&stream, &context("warm"), 0)
            .await
            .err()
            .map_or(Err(Failure("a tally of nothing".to_owned())), |_| Ok(()))?;
        Ok::<_, Failure>(engine.execute::<Tally>(&stream, &context("once"), 10).await?)
    }))
    .await?;
    let there = subject.read(&stream, 0).await?;
    same("events", ids(&there), vec![daftar_domain::ids::event_id(context("once").command_id, &stream, 0)])?;
    holds("both saw the same end", outcomes.iter().all(|outcome| outcome.position() == Some(there[0].position)))
}

/// The cache rule: another process may have made the wish possible, or true, since this one last looked.
pub async fn a_refusal_is_never_taken_from_a_stale_cache(subject: Subject) -> CaseResult {
    let stream = StreamName::of::<Account>(Uuid::new_v4());
    let (here, elsewhere) = (Engine::new(subject.store.clone()), Engine::new(subject.store.clone()));
    let open = |name: u8| {
        Command::OpenAccount(OpenAccount {
            account_id: AccountId::new(stream.id()),
            number: AccountNumber::generated(AccountId::new(stream.id()), 0),
            holder_name: Sealed::new(SealedFor::Contact, vec![name], [name; 16]),
            class: CustomerClass::Residential,
            currency: Currency::SAR,
            language: Language::Arabic,
            opened_on: DateTime::UNIX_EPOCH.date_naive(),
        })
    };
    // `here` has cached an account that `elsewhere` goes on to change in a way that only a re-read can show.
    here.execute::<Account>(&stream, &context("a"), open(1)).await?;
    let position = elsewhere.execute::<Account>(&stream, &context("b"), open(1)).await?.position();
    let mut changed = account::example::opened();
    let account::Event::AccountOpened(payload) = &mut changed else {
        return Err(Failure("the example did not open an account".to_owned()));
    };
    payload.holder_name = Sealed::new(SealedFor::Contact, vec![2], [2; 16]);
    payload.account_id = AccountId::new(stream.id());
    payload.number = AccountNumber::generated(payload.account_id, 0);
    payload.opened_on = DateTime::UNIX_EPOCH.date_naive();
    let moved = subject.append(&stream, Expected::Revision(0), &[recorded(&subject, &stream, &changed).await?]).await?;
    holds("the change came later", Some(moved.position) > position)?;
    // By the stale state this would be refused; it already holds.
    let outcome = here.execute::<Account>(&stream, &context("c"), open(2)).await?;
    same("a wish that holds by now", outcome, Outcome::AlreadyTrue { position: Some(moved.position) })?;
    // And by a state as stale, this would already hold; it is refused.
    let moved = subject.append(&stream, Expected::Revision(1), &[recorded(&subject, &stream, &account::example::opened()).await?]).await?;
    holds("the stream moved on", moved.revision == 2)?;
    match here.execute::<Account>(&stream, &context("d"), open(2)).await {
        Err(ExecuteError::Rejected(account::Rejection::AlreadyOpen)) => Ok(()),
        other => Err(Failure(format!("expected a refusal, saw {other:?}"))),
    }
}

pub async fn an_idempotency_key_is_not_used_for_another_command(subject: Subject) -> CaseResult {
    let stream = subject.stream();
    let engine = Engine::new(subject.store.clone());
    engine.execute::<Tally>(&stream, &context("key"), 10).await?;
    match engine.execute::<Tally>(&stream, &context("key"), 11).await {
        Err(ExecuteError::IdempotencyKeyReused { .. }) => same("events", subject.read(&stream, 0).await?.len(), 1),
        other => Err(Failure(format!("expected a refusal, saw {other:?}"))),
    }
}

/// The event as another process would have written it after the stream's first.
async fn recorded(subject: &Subject, stream: &StreamName, event: &account::Event) -> Result<NewEvent, Failure> {
    use daftar_domain::EventSchema;
    let first = subject.read(stream, 0).await?.swap_remove(0);
    let mut metadata = first.decode::<account::Event>()?.metadata;
    metadata.command_id = Uuid::new_v4();
    Ok(NewEvent { event_type: event.event_type().to_owned(), metadata: metadata.encode().into(), ..event_of(event.encode()) })
}
