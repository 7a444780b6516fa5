//! The bill run: a cycle's accounts, billed in blocks of a thousand, each account once (decision 9).
//!
//! A block is frozen before it is numbered: who is in it, what each bill said, who is held and who failed and why. From there on nothing can be
//! refused, and a run that was killed finds in its own stream what to take up again. The list is in the events, not in the state: only blocks
//! that are not issued yet are kept, so that a million accounts need no more memory than a thousand.

mod block;
pub mod example;
mod plan;
#[cfg(test)]
mod tests;
mod totals;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use block::{BlockFrozen, BlockIssued, Failure, FreezeBlock, Listed, NoteBlockIssued, Outcome, Place};
pub use plan::{BillRunPlanned, Filter, Plan, PlanRun};
pub use totals::{Tally, Totals};

use crate::{
    Currency, Decider, Reason,
    ids::{AccountId, BillRunId},
    register::Register,
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    PlanRun(PlanRun),
    FreezeBlock(FreezeBlock),
    NoteBlockIssued(NoteBlockIssued),
    FinishRun(FinishRun),
    AbandonRun(AbandonRun),
}

/// No account is left to list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FinishRun {}

/// Whoever is not listed yet is not billed by this run. What is frozen is issued first: it may have its numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbandonRun {
    pub reason: Reason,
}

events! {
    BillRunPlanned 1
    BlockFrozen 1
    BlockIssued 1
    BillRunFinished 1
    BillRunAbandoned 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BillRunFinished {
    pub tally: Tally,
    pub totals: BTreeMap<Currency, Totals>,
}

/// It ends before its list does. What it has billed stays billed; the rest is for another run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BillRunAbandoned {
    pub reason: Reason,
    pub tally: Tally,
    pub totals: BTreeMap<Currency, Totals>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such bill run")]
    NotPlanned,
    #[error("the bill run is already there with another plan")]
    RunIdReused,
    #[error("the bill run is finished")]
    Finished,
    #[error("the bill run was abandoned: what is left to bill is billed by a run of another name")]
    Abandoned,
    #[error("a block lists from 1 to {} accounts", Register::BLOCK_MAX)]
    BlockSize,
    #[error("the next block is {expected}")]
    OutOfTurn { expected: u32 },
    #[error("block {block} is already there with other content")]
    BlockReused { block: u32 },
    #[error("account {0} is not after the one before it: each is listed once")]
    OutOfOrder(AccountId),
    #[error("block {block} has {expected} invoices, not {found}")]
    OtherCount { block: u32, expected: u64, found: u64 },
    #[error("block {block} is not issued yet")]
    NotIssued { block: u32 },
}

#[derive(Clone, Debug, Default)]
pub struct BillRun {
    planned: Option<BillRunPlanned>,
    blocks: Vec<block::Block>,
    last: Option<AccountId>,
    tally: Tally,
    totals: BTreeMap<Currency, Totals>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Finished,
    Abandoned,
}

impl Decider for BillRun {
    const CATEGORY: &'static str = "bill_run";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::PlanRun(wish) => self.plan_run(wish),
            Command::FreezeBlock(wish) => self.freeze(wish),
            Command::NoteBlockIssued(wish) => self.note_issued(wish),
            Command::FinishRun(FinishRun {}) => self.finish(),
            Command::AbandonRun(wish) => self.abandon(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::BillRunPlanned(fact) => self.planned = Some(fact.clone()),
            Event::BlockFrozen(fact) => self.frozen(fact),
            Event::BlockIssued(fact) => self.issued(fact),
            Event::BillRunFinished(_) => self.end = Some(End::Finished),
            Event::BillRunAbandoned(_) => self.end = Some(End::Abandoned),
        }
        self
    }
}

impl BillRun {
    pub fn run_id(&self) -> Option<BillRunId> {
        self.planned.as_ref().map(|planned| planned.run_id)
    }

    pub fn plan(&self) -> Option<&Plan> {
        self.planned.as_ref().map(|planned| &*planned.plan)
    }

    /// All are billed who were to be.
    pub fn is_finished(&self) -> bool {
        self.end == Some(End::Finished)
    }

    /// Finished or abandoned: it bills nobody any more.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// What the blocks that are issued come to.
    pub fn totals(&self) -> &BTreeMap<Currency, Totals> {
        &self.totals
    }

    /// Where the list goes on: the next block, and the account it comes after.
    pub fn cursor(&self) -> (u32, Option<AccountId>) {
        (self.next_block(), self.last)
    }

    fn finish(&self) -> Result<Vec<Event>, Rejection> {
        self.all_issued()?;
        match self.end {
            Some(End::Finished) => Ok(vec![]),
            Some(End::Abandoned) => Err(Rejection::Abandoned),
            None => Ok(vec![BillRunFinished { tally: self.tally, totals: self.totals.clone() }.into()]),
        }
    }

    fn abandon(&self, wish: AbandonRun) -> Result<Vec<Event>, Rejection> {
        let AbandonRun { reason } = wish;
        self.all_issued()?;
        match self.end {
            Some(End::Abandoned) => Ok(vec![]),
            Some(End::Finished) => Err(Rejection::Finished),
            None => Ok(vec![BillRunAbandoned { reason, tally: self.tally, totals: self.totals.clone() }.into()]),
        }
    }

    fn all_issued(&self) -> Result<(), Rejection> {
        self.plan().ok_or(Rejection::NotPlanned)?;
        self.open_blocks().next().map_or(Ok(()), |block| Err(Rejection::NotIssued { block }))
    }

    fn next_block(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX)
    }
}
