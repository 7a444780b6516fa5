//! Sensitive acts, kept as facts: who, what, when, from where. Refused ones, too, as long as they do not come in floods.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use daftar_domain::{
    Actor, Code, CommandHash, SealedFor, StreamName,
    ids::UserId,
    user::audit::{Audit, Command, NoteAct, Outcome},
};
use daftar_store::{CommandContext, Seen, keyring::HOUSE};
use uuid::Uuid;

use super::{Auth, Visitor, keys_of};
use crate::problem::Problem;

/// Refusals of one act by one address that are noted in one span of time; more than that say nothing new.
const NOTED: u32 = 5;
const SPAN: Duration = Duration::minutes(10);
/// Addresses remembered; beyond that the oldest spans are forgotten.
const REMEMBERED: usize = 10_000;

impl Auth {
    /// Something sensitive was done. An act that cannot be noted is one that the caller hears has failed.
    pub async fn done(
        &self,
        act: &'static str,
        user: Option<UserId>,
        subject: Option<Uuid>,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        self.note(act, Outcome::Done, user, subject, visitor, now).await
    }

    /// Something sensitive was tried.
    pub async fn refused(&self, act: &str, code: &str, user: Option<UserId>, visitor: &Visitor, now: DateTime<Utc>) -> Result<(), Problem> {
        let Ok(code) = Code::new(code) else { return Ok(()) };
        if !self.noted.lasts(visitor.address, act, now) {
            return Ok(());
        }
        self.note(act, Outcome::Refused(code), user, None, visitor, now).await
    }

    async fn note(
        &self,
        act: &str,
        outcome: Outcome,
        user_id: Option<UserId>,
        subject: Option<Uuid>,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let Ok(act) = Code::new(act) else { return Ok(()) };
        let owner = user_id.map_or(HOUSE, keys_of);
        let from = self.keyring.seal(owner, SealedFor::Contact, &visitor.address.to_string()).await?;
        let id = Uuid::new_v4();
        let actor = user_id.map_or_else(|| Actor::job("door"), Actor::user);
        let context = CommandContext { command_id: id, actor, correlation_id: id, causation_id: id, now };
        let command = Command::NoteAct(NoteAct { act, outcome, user_id, subject, from: Some(from) });
        let said = CommandHash::of(&command);
        self.engine.execute_from::<Audit>(&StreamName::of::<Audit>(id), &context, command, said, Seen::default()).await?;
        Ok(())
    }
}

/// How much is noted of whom.
#[derive(Debug, Default)]
pub struct Patience(Mutex<HashMap<(IpAddr, String), Span>>);

#[derive(Clone, Copy, Debug)]
struct Span {
    until: DateTime<Utc>,
    noted: u32,
}

impl Patience {
    fn lasts(&self, address: IpAddr, act: &str, now: DateTime<Utc>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, span| span.until > now);
        }
        if all.len() >= REMEMBERED {
            all.clear();
        }
        let span = all.entry((address, act.to_owned())).or_insert(Span { until: now + SPAN, noted: 0 });
        if span.until <= now {
            *span = Span { until: now + SPAN, noted: 0 };
        }
        span.noted += 1;
        span.noted <= NOTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_and_comes_back() {
        let (patience, now) = (Patience::default(), DateTime::UNIX_EPOCH);
        let lasts =
            |address: [u8; 4], act: &str, minutes: i64| patience.lasts(IpAddr::from(address), act, now + Duration::minutes(minutes));
        let noted = (0..100).filter(|_| lasts([10, 0, 0, 1], "signIn", 0)).count();
        assert_eq!(noted, 5);
        assert!(lasts([10, 0, 0, 2], "signIn", 0), "another address");
        assert!(lasts([10, 0, 0, 1], "changeRoles", 0), "another act");
        assert!(!lasts([10, 0, 0, 1], "signIn", 9));
        assert!(lasts([10, 0, 0, 1], "signIn", 10));
    }
}
