//! What whoever is out for an order, or would be sent next, is to do: as a head-end has to be told.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Disconnection, Moment, Stage, Way};
use crate::ids::{self, MeterId};

/// Which way a switch is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Turn {
    Off,
    On,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// All attempts have it: a command that is repeated turns the switch once. A new one follows only once the last was answered, with a no.
    pub switch_id: Uuid,
    pub turn: Turn,
    pub way: Way,
    pub meter_id: MeterId,
    pub attempt: u32,
    /// Of the last attempt.
    pub sent_at: Moment,
    /// When that was found unanswered, if it was.
    pub unanswered_at: Option<Moment>,
    /// The order was lifted since.
    pub recalled: bool,
}

impl Disconnection {
    /// What somebody is out for, as long as it is not known what became of it.
    pub fn errand(&self) -> Option<Errand> {
        let order = self.order.as_ref()?;
        let (turn, attempt) = match order.stage {
            Stage::Dispatched | Stage::Recalled => (Turn::Off, order.attempts),
            Stage::Restoring { attempts, out: true, .. } => (Turn::On, attempts),
            Stage::Restoring { out: false, .. }
            | Stage::Requested
            | Stage::Approved
            | Stage::Scheduled { .. }
            | Stage::Failed
            | Stage::Cancelled
            | Stage::Cut
            | Stage::Restored => return None,
        };
        Some(Errand {
            switch_id: self.switch_id(turn)?,
            turn,
            way: order.request.way,
            meter_id: order.request.meter_id,
            attempt,
            sent_at: order.sent_at?,
            unanswered_at: order.unanswered.filter(|(unanswered, _)| *unanswered == attempt).map(|(_, at)| at),
            recalled: order.stage == Stage::Recalled,
        })
    }

    /// By which a head-end knows the command that is out.
    fn switch_id(&self, turn: Turn) -> Option<Uuid> {
        let order = self.order.as_ref()?;
        let way = match turn {
            Turn::Off => "off",
            Turn::On => "on",
        };
        Some(ids::created_id(order.request.disconnection_id.into(), &format!("{way} {}", order.failures)))
    }

    /// How often somebody was sent to cut.
    pub fn attempts(&self) -> u32 {
        self.order.as_ref().map_or(0, |order| order.attempts)
    }

    /// When somebody was sent the last time, either way.
    pub fn sent_at(&self) -> Option<Moment> {
        self.order.as_ref().and_then(|order| order.sent_at)
    }

    pub fn way(&self) -> Option<Way> {
        self.order.as_ref().map(|order| order.request.way)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::example::*, *};
    use crate::{Decider, disconnection::Event};

    fn errand(facts: &[Event]) -> Option<Errand> {
        facts.iter().fold(Disconnection::default(), Disconnection::evolve).errand()
    }

    #[test]
    fn attempts_share_an_id_until_one_is_answered_with_a_no() {
        let mut facts = vec![requested(Way::HeadEnd), approved(), scheduled()];
        assert_eq!(errand(&facts), None);
        facts.push(dispatched(Way::HeadEnd, "08:00", 1));
        let first = errand(&facts).unwrap();
        assert_eq!((first.turn, first.attempt, first.sent_at, first.unanswered_at), (Turn::Off, 1, at("08:00"), None));
        facts.push(unanswered("08:05", 1));
        assert_eq!(errand(&facts).unwrap().unanswered_at, Some(at("08:05")));
        facts.push(dispatched(Way::HeadEnd, "08:06", 2));
        assert_eq!(errand(&facts).unwrap(), Errand { attempt: 2, sent_at: at("08:06"), ..first });
        facts.push(failed("08:07"));
        assert_eq!(errand(&facts), None);
        facts.extend([scheduled(), dispatched(Way::HeadEnd, "08:10", 3)]);
        let anew = errand(&facts).unwrap();
        assert_ne!(anew.switch_id, first.switch_id);
        facts.push(recalled("08:15"));
        assert_eq!(errand(&facts).unwrap(), Errand { recalled: true, ..anew });
        facts.extend([executed("08:20", true), restore("08:15", "10:20", false)]);
        assert_eq!(errand(&facts), None);
        facts.push(restore_dispatched(Way::HeadEnd, "08:30", 1));
        let back = errand(&facts).unwrap();
        assert_eq!((back.turn, back.attempt, back.unanswered_at), (Turn::On, 1, None));
        assert_ne!(back.switch_id, anew.switch_id);
        facts.push(restored("08:40"));
        assert_eq!(errand(&facts), None);
    }
}
