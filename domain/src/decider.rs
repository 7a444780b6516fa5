use serde::Serialize;

use crate::EventSchema;

/// An aggregate: decides what a wish means given what has happened, and nothing else.
///
/// `decide` is synchronous and sees only its arguments on purpose. A rule that needs a date, a tariff or another aggregate's figure
/// gets it in the command, so that the same history and command give the same events in every replay.
pub trait Decider: Default + Send + 'static {
    /// The first part of the stream's name: `account` for `account-<uuid>`.
    const CATEGORY: &'static str;

    /// A wish. Its serialised form is hashed, so that a retry can be told from another wish under the same key.
    type Command: Serialize + Clone + Send;
    type Event: EventSchema + Send;
    /// A reason a customer would understand.
    type Rejection: std::error::Error + Send + Sync + 'static;

    /// What happens because of the command; nothing if its wish already holds.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after one more fact. It cannot fail: a stored event has happened, and doubting it was `decide`'s job.
    fn evolve(self, event: &Self::Event) -> Self;
}
