//! Rules as examples: given facts, when a wish, then facts, or nothing, or a refusal.
//!
//! ```
//! # use daftar_domain::{account::{self, Account}, ids::AccountId, spec::given};
//! # let open = account::example::open();
//! # let opened = account::example::opened();
//! given::<Account>([]).when(open.clone()).then([opened.clone()]);
//! given::<Account>([opened]).when(open).then_nothing();
//! ```

use std::fmt::Debug;

use crate::Decider;

/// What has happened before.
pub fn given<D: Decider>(facts: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given { state: facts.into_iter().fold(D::default(), |state, fact| state.evolve(&fact)) }
}

#[derive(Debug)]
pub struct Given<D> {
    state: D,
}

impl<D: Decider> Given<D> {
    pub fn when(self, command: D::Command) -> When<D> {
        let outcome = self.state.decide(command.clone());
        When { state: self.state, command, outcome }
    }
}

#[derive(Debug)]
#[must_use = "an example without an expectation shows nothing"]
pub struct When<D: Decider> {
    state: D,
    command: D::Command,
    outcome: Result<Vec<D::Event>, D::Rejection>,
}

impl<D> When<D>
where
    D: Decider<Event: Debug + PartialEq, Rejection: PartialEq>,
{
    /// These facts follow, they can be read back from disk, and wishing again changes nothing.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        use crate::EventSchema;
        let events = self.outcome.unwrap_or_else(|rejection| panic!("rejected: {rejection}"));
        assert_eq!(events, expected.into_iter().collect::<Vec<_>>());
        for event in &events {
            assert_eq!(
                D::Event::decode(event.event_type(), event.version(), &event.encode()).as_ref().ok(),
                Some(event),
                "read back from disk"
            );
        }
        let after = events.iter().fold(self.state, D::evolve);
        match after.decide(self.command) {
            Ok(again) => assert_eq!(again, [], "the same wish again"),
            Err(rejection) => panic!("the same wish again was rejected: {rejection}"),
        }
    }

    /// The wish already holds.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    #[track_caller]
    pub fn then_rejected(self, expected: D::Rejection) {
        match self.outcome {
            Ok(events) => panic!("not rejected: {events:?}"),
            Err(rejection) => assert_eq!(rejection, expected),
        }
    }
}
