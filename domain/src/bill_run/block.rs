//! A block: frozen, numbered, issued. What an interrupted run has to take up again is read from here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BillRun, BillRunPlanned, End, Event, Rejection, Totals};
use crate::{
    Code, Currency, Digest, Position, Reason,
    ids::{AccountId, InvoiceId, run_invoice_id},
    invoice::Draft,
    register::{self, AssignBlock, DocumentNumber, Register},
};

/// The next accounts of the list, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FreezeBlock {
    /// Counted from 0.
    pub block: u32,
    pub accounts: Vec<Listed>,
    pub as_of: Position,
}

/// All invoices of a block are issued and charged, and those that are held are drafted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteBlockIssued {
    pub block: u32,
    pub totals: BTreeMap<Currency, Totals>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockFrozen {
    pub block: u32,
    pub accounts: Vec<Listed>,
    /// The bills were rated from what was recorded up to here. Rated from it again, they are the same.
    pub as_of: Position,
    /// Of the accounts: the register's numbers are for this list and no other.
    pub list_digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockIssued {
    pub block: u32,
    pub totals: BTreeMap<Currency, Totals>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    pub account_id: AccountId,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// An invoice that says this, whatever becomes known after.
    Billed(Digest),
    /// Drafted, and waiting for a person.
    Held,
    Failed(Failure),
}

/// Why an account could not be billed: for the list, and for whoever puts it right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub code: Code,
    pub why: Reason,
}

/// A place in a block that gets a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub account_id: AccountId,
    pub invoice_id: InvoiceId,
    pub draft: Digest,
    /// How many of the block come before it.
    pub after_first: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    list_digest: Digest,
    as_of: Position,
    progress: Progress,
}

#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// What is left to issue, and to draft for a person to look at.
    Frozen(Vec<Listed>),
    Issued(Digest),
}

impl Outcome {
    /// What freezes a draft: no other draft has it.
    pub fn billed(draft: &Draft) -> Self {
        Self::Billed(Digest::of(draft))
    }
}

impl Place {
    /// Its number, once the register has numbered the block.
    pub fn number(&self, first: &DocumentNumber) -> DocumentNumber {
        first.after(self.after_first)
    }
}

impl BillRun {
    /// The blocks that are frozen and not issued: what an interrupted run takes up first.
    pub fn open_blocks(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.blocks).filter(|(_, block)| block.is_open()).map(|(number, _)| number)
    }

    /// The invoices of an open block, in the order of their numbers.
    pub fn places(&self, block: u32) -> Vec<Place> {
        let Some((planned, block)) = self.planned.as_ref().zip(self.block(block)) else { return vec![] };
        let place = |(after_first, listed): (u32, &Listed)| match listed.outcome {
            Outcome::Billed(draft) => {
                let (account_id, invoice_id) = (listed.account_id, run_invoice_id(planned.run_id, listed.account_id));
                Some(Place { account_id, invoice_id, draft, after_first })
            }
            Outcome::Held | Outcome::Failed(_) => None,
        };
        (0..).zip(block.billed()).filter_map(place).collect()
    }

    /// The accounts of an open block whose drafts are held.
    pub fn held(&self, block: u32) -> Vec<AccountId> {
        let listed = self.block(block).map_or(&[][..], Block::to_do);
        listed.iter().filter(|listed| listed.outcome == Outcome::Held).map(|listed| listed.account_id).collect()
    }

    /// Up to where a block was rated: from there an account that has changed since is rated again as it was.
    pub fn as_of(&self, block: u32) -> Option<Position> {
        self.block(block).map(|block| block.as_of)
    }

    /// What the register is asked for an open block, if any invoice of it is to be numbered.
    pub fn numbers_wanted(&self, block: u32) -> Option<register::Command> {
        let BillRunPlanned { run_id, plan } = self.planned.as_ref()?;
        let open = self.block(block).filter(|block| block.is_open())?;
        let wish = AssignBlock {
            numbering: plan.numbering.clone(),
            issued_on: plan.dates.issued_on,
            run_id: *run_id,
            block,
            count: u32::try_from(open.billed().count()).ok().filter(|count| *count > 0)?,
            list_digest: open.list_digest,
        };
        Some(register::Command::AssignBlock(wish))
    }

    pub(super) fn freeze(&self, wish: FreezeBlock) -> Result<Vec<Event>, Rejection> {
        let FreezeBlock { block, accounts, as_of } = wish;
        self.plan().ok_or(Rejection::NotPlanned)?;
        let list_digest = Digest::of(&accounts);
        if let Some(already) = self.block(block) {
            return if already.list_digest == list_digest { Ok(vec![]) } else { Err(Rejection::BlockReused { block }) };
        }
        match self.end {
            Some(End::Finished) => return Err(Rejection::Finished),
            Some(End::Abandoned) => return Err(Rejection::Abandoned),
            None => {}
        }
        if block != self.next_block() {
            return Err(Rejection::OutOfTurn { expected: self.next_block() });
        }
        if !(1..=Register::BLOCK_MAX).contains(&u32::try_from(accounts.len()).unwrap_or(u32::MAX)) {
            return Err(Rejection::BlockSize);
        }
        let mut last = self.last;
        for Listed { account_id, .. } in &accounts {
            if last.is_some_and(|last| *account_id <= last) {
                return Err(Rejection::OutOfOrder(*account_id));
            }
            last = Some(*account_id);
        }
        Ok(vec![BlockFrozen { block, accounts, as_of, list_digest }.into()])
    }

    pub(super) fn note_issued(&self, wish: NoteBlockIssued) -> Result<Vec<Event>, Rejection> {
        let NoteBlockIssued { block, totals } = wish;
        self.plan().ok_or(Rejection::NotPlanned)?;
        let frozen = self.block(block).ok_or(Rejection::OutOfTurn { expected: self.next_block() })?;
        match &frozen.progress {
            Progress::Issued(already) if *already == Digest::of(&totals) => Ok(vec![]),
            Progress::Issued(_) => Err(Rejection::BlockReused { block }),
            Progress::Frozen(to_do) => {
                let [expected, found] = [frozen.billed().count() as u64, totals.values().map(|totals| totals.invoices).sum()];
                match expected {
                    _ if expected != found => Err(Rejection::OtherCount { block, expected, found }),
                    _ if to_do.is_empty() => Ok(vec![]),
                    _ => Ok(vec![BlockIssued { block, totals }.into()]),
                }
            }
        }
    }

    pub(super) fn frozen(&mut self, fact: &BlockFrozen) {
        self.tally.add(&fact.accounts);
        self.last = fact.accounts.last().map(|listed| listed.account_id);
        let to_do: Vec<Listed> = fact.accounts.iter().filter(|listed| !listed.has_failed()).cloned().collect();
        self.blocks.push(Block { list_digest: fact.list_digest, as_of: fact.as_of, progress: Progress::Frozen(to_do) });
    }

    pub(super) fn issued(&mut self, fact: &BlockIssued) {
        for (currency, totals) in &fact.totals {
            self.totals.entry(*currency).and_modify(|sum| sum.add(totals)).or_insert(*totals);
        }
        if let Some(block) = usize::try_from(fact.block).ok().and_then(|index| self.blocks.get_mut(index)) {
            block.progress = Progress::Issued(Digest::of(&fact.totals));
        }
    }

    fn block(&self, block: u32) -> Option<&Block> {
        self.blocks.get(usize::try_from(block).ok()?)
    }
}

impl Block {
    /// Something in it is still to be issued or drafted.
    fn is_open(&self) -> bool {
        !self.to_do().is_empty()
    }

    fn billed(&self) -> impl Iterator<Item = &Listed> {
        self.to_do().iter().filter(|listed| listed.is_billed())
    }

    fn to_do(&self) -> &[Listed] {
        match &self.progress {
            Progress::Frozen(to_do) => to_do,
            Progress::Issued(_) => &[],
        }
    }
}

impl Listed {
    fn is_billed(&self) -> bool {
        match self.outcome {
            Outcome::Billed(_) => true,
            Outcome::Held | Outcome::Failed(_) => false,
        }
    }

    fn has_failed(&self) -> bool {
        match self.outcome {
            Outcome::Failed(_) => true,
            Outcome::Billed(_) | Outcome::Held => false,
        }
    }
}
