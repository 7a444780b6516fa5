//! A request that was refused. The refusal is a fact, so that the reader can go on and somebody can look at it.
//!
//! Its stream is named by the request's command id: told again, it is the same refusal.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{Code, Decider, Reason, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    NoteRefusal(NoteRefusal),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteRefusal {
    /// Who asked.
    pub policy: Code,
    /// Because of which event, if it was an event that made it ask.
    pub event_id: Option<Uuid>,
    /// Of which stream.
    pub stream: Code,
    /// The rejection, in its own words.
    pub reason: Reason,
}

events! {
    RequestRefused 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRefused {
    pub policy: Code,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
    pub stream: Code,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("that request was refused for another reason")]
    RefusedOtherwise,
}

#[derive(Clone, Debug, Default)]
pub struct RefusedRequest {
    refused: Option<RequestRefused>,
}

impl Decider for RefusedRequest {
    const CATEGORY: &'static str = "refused_request";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        let Command::NoteRefusal(NoteRefusal { policy, event_id, stream, reason }) = command;
        let refused = RequestRefused { policy, event_id, stream, reason };
        match &self.refused {
            None => Ok(vec![refused.into()]),
            Some(already) if *already == refused => Ok(vec![]),
            Some(_) => Err(Rejection::RefusedOtherwise),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::RequestRefused(fact) => Self { refused: Some(fact.clone()) },
        }
    }
}

/// A made-up refusal for examples and tests.
pub mod example {
    use super::*;

    pub fn note() -> NoteRefusal {
        let code = |text: &str| Code::new(text).expect("a code");
        NoteRefusal {
            policy: code(crate::policy::CHARGE_ACCOUNT),
            event_id: Some(Uuid::from_u128(77)),
            stream: code("account-00000000-0000-0000-0000-000000000007"),
            reason: Reason::new("the account is in SAR, not in KWD").expect("a reason"),
        }
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let NoteRefusal { policy, event_id, stream, reason } = note();
        vec![RequestRefused { policy, event_id, stream, reason }.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::given;

    #[test]
    fn a_refusal_is_noted_once() {
        given::<RefusedRequest>([]).when(Command::NoteRefusal(example::note())).then(example::events());
        let other = NoteRefusal { event_id: None, ..example::note() };
        given::<RefusedRequest>(example::events()).when(Command::NoteRefusal(other)).then_rejected(Rejection::RefusedOtherwise);
    }
}
