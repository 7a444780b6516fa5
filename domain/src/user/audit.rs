//! A sensitive act, done or refused: who, what, and from where. When is in the metadata, as for every fact.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{Code, Decider, Sealed, ids::UserId, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    NoteAct(NoteAct),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteAct {
    pub act: Code,
    pub outcome: Outcome,
    /// Who did it, if they had signed in.
    pub user_id: Option<UserId>,
    /// Whom or what it was done to, if not to themselves.
    pub subject: Option<Uuid>,
    /// The network address that it came from, sealed with the user's key or, for strangers, with the house's.
    pub from: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Done,
    /// The stable code of why not.
    Refused(Code),
}

events! {
    ActNoted 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActNoted {
    pub act: Code,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Sealed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("another act was noted here")]
    NotedOtherwise,
}

/// Each act has a stream of its own: nothing is ever decided from it.
#[derive(Clone, Debug, Default)]
pub struct Audit(Option<ActNoted>);

impl Decider for Audit {
    const CATEGORY: &'static str = "audit";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        let Command::NoteAct(NoteAct { act, outcome, user_id, subject, from }) = command;
        let noted = ActNoted { act, outcome, user_id, subject, from };
        match &self.0 {
            None => Ok(vec![noted.into()]),
            Some(already) if *already == noted => Ok(vec![]),
            Some(_) => Err(Rejection::NotedOtherwise),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::ActNoted(fact) => Self(Some(fact.clone())),
        }
    }
}

/// A made-up act for examples and tests.
pub mod example {
    use super::{super::example::CASHIER, *};

    pub fn note() -> NoteAct {
        let code = |text: &str| Code::new(text).expect("a code");
        NoteAct {
            act: code("changeRoles"),
            outcome: Outcome::Refused(code("FORBIDDEN")),
            user_id: Some(CASHIER),
            subject: Some(Uuid::from_u128(53)),
            from: Some(super::super::example::name(3)),
        }
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let NoteAct { act, outcome, user_id, subject, from } = note();
        vec![ActNoted { act, outcome, user_id, subject, from }.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::given;

    #[test]
    fn an_act_is_noted_once() {
        given::<Audit>([]).when(Command::NoteAct(example::note())).then(example::events());
        let done = NoteAct { outcome: Outcome::Done, ..example::note() };
        given::<Audit>(example::events()).when(Command::NoteAct(done)).then_rejected(Rejection::NotedOtherwise);
    }
}
