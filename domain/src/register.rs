//! The register: where documents get their numbers, one stream for each unit that numbers on its own (a branch, an e-invoicing device).
//!
//! Within it each series counts from 1 in every year, without a gap; beside them runs a counter of all its documents that is never reset
//! (decision 9). It refuses nothing that a document could be blamed for: whoever asks has been decided on already.

use std::{collections::BTreeMap, fmt};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Code, Decider, Digest, StreamName,
    ids::{self, BillRunId, InvoiceId, NoteId},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    AssignNumber(AssignNumber),
    AssignBlock(AssignBlock),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssignNumber {
    pub numbering: Numbering,
    /// Its year is the number's.
    pub issued_on: NaiveDate,
    pub document: DocumentRef,
}

/// Numbers for a block of a bill run's list, all at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssignBlock {
    pub numbering: Numbering,
    pub issued_on: NaiveDate,
    pub run_id: BillRunId,
    pub block: u32,
    pub count: u32,
    pub list_digest: Digest,
}

events! {
    NumberAssigned 1
    BlockAssigned 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberAssigned {
    pub document: DocumentRef,
    pub number: DocumentNumber,
}

/// The n-th document of the list has the n-th number after the first, and the n-th counter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockAssigned {
    pub run_id: BillRunId,
    pub block: u32,
    pub first: DocumentNumber,
    pub count: u32,
    pub list_digest: Digest,
}

/// Where a document is to be numbered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Numbering {
    pub register: Code,
    pub series: Code,
}

/// Written `RUH-INV-2024-000042`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentNumber {
    pub register: Code,
    pub series: Code,
    pub year: i32,
    /// Within series and year, from 1, without a gap.
    pub number: u64,
    /// Of all documents of the register, from 1, never reset.
    pub counter: u64,
}

/// A document, and the invoice in whose stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "snake_case")]
pub enum DocumentRef {
    Invoice { invoice_id: InvoiceId },
    CreditNote { invoice_id: InvoiceId, note_id: NoteId },
    DebitNote { invoice_id: InvoiceId, note_id: NoteId },
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("this is the register `{expected}`, not `{found}`")]
    AnotherRegister { expected: Code, found: Code },
    #[error("the document already has number {0}")]
    DocumentIdReused(DocumentNumber),
    #[error("block {block} of that run was numbered as another list")]
    BlockReused { block: u32 },
    #[error("a block has from 1 to {} documents", Register::BLOCK_MAX)]
    BlockSize,
}

#[derive(Clone, Debug, Default)]
pub struct Register {
    code: Option<Code>,
    /// The last number of each series and year.
    last: BTreeMap<(Code, i32), u64>,
    counter: u64,
    documents: BTreeMap<DocumentRef, DocumentNumber>,
    blocks: BTreeMap<(BillRunId, u32), BlockAssigned>,
}

impl DocumentRef {
    pub const fn invoice_id(self) -> InvoiceId {
        match self {
            Self::Invoice { invoice_id } | Self::CreditNote { invoice_id, .. } | Self::DebitNote { invoice_id, .. } => invoice_id,
        }
    }

    /// By the United Nations' list 1001, which tax documents carry.
    pub const fn type_code(self) -> u16 {
        match self {
            Self::Invoice { .. } => 388,
            Self::CreditNote { .. } => 381,
            Self::DebitNote { .. } => 383,
        }
    }
}

impl DocumentNumber {
    /// The number so many places after this one in the same block.
    pub fn after(&self, places: u32) -> Self {
        Self { number: self.number + u64::from(places), counter: self.counter + u64::from(places), ..self.clone() }
    }
}

impl fmt::Display for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{:06}", self.register, self.series, self.year, self.number)
    }
}

impl Decider for Register {
    const CATEGORY: &'static str = "register";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::AssignNumber(wish) => self.assign_number(wish),
            Command::AssignBlock(wish) => self.assign_block(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::NumberAssigned(fact) => {
                self.assigned(&fact.number, 1);
                self.documents.insert(fact.document, fact.number.clone());
            }
            Event::BlockAssigned(fact) => {
                self.assigned(&fact.first, fact.count);
                self.blocks.insert((fact.run_id, fact.block), fact.clone());
            }
        }
        self
    }
}

impl Register {
    pub const BLOCK_MAX: u32 = 1_000;

    /// The stream of the register with this code.
    pub fn stream(code: &Code) -> StreamName {
        StreamName::of::<Self>(ids::register_id(code.as_str()))
    }

    pub fn number_of(&self, document: DocumentRef) -> Option<&DocumentNumber> {
        self.documents.get(&document)
    }

    pub fn block(&self, run_id: BillRunId, block: u32) -> Option<&BlockAssigned> {
        self.blocks.get(&(run_id, block))
    }

    fn assign_number(&self, wish: AssignNumber) -> Result<Vec<Event>, Rejection> {
        let AssignNumber { numbering, issued_on, document } = wish;
        let number = self.next(numbering, issued_on)?;
        match self.documents.get(&document) {
            Some(already) if (&already.series, already.year) == (&number.series, number.year) => Ok(vec![]),
            Some(already) => Err(Rejection::DocumentIdReused(already.clone())),
            None => Ok(vec![NumberAssigned { document, number }.into()]),
        }
    }

    fn assign_block(&self, wish: AssignBlock) -> Result<Vec<Event>, Rejection> {
        let AssignBlock { numbering, issued_on, run_id, block, count, list_digest } = wish;
        if !(1..=Self::BLOCK_MAX).contains(&count) {
            return Err(Rejection::BlockSize);
        }
        let first = self.next(numbering, issued_on)?;
        match self.blocks.get(&(run_id, block)) {
            Some(already) => {
                let same = (&already.first.series, already.first.year, already.count, already.list_digest)
                    == (&first.series, first.year, count, list_digest);
                if same { Ok(vec![]) } else { Err(Rejection::BlockReused { block }) }
            }
            None => Ok(vec![BlockAssigned { run_id, block, first, count, list_digest }.into()]),
        }
    }

    fn next(&self, numbering: Numbering, issued_on: NaiveDate) -> Result<DocumentNumber, Rejection> {
        let Numbering { register, series } = numbering;
        if let Some(expected) = self.code.as_ref().filter(|code| **code != register) {
            return Err(Rejection::AnotherRegister { expected: expected.clone(), found: register });
        }
        let year = issued_on.year();
        let number = self.last.get(&(series.clone(), year)).copied().unwrap_or(0) + 1;
        Ok(DocumentNumber { register, series, year, number, counter: self.counter + 1 })
    }

    fn assigned(&mut self, first: &DocumentNumber, count: u32) {
        let last = first.after(count.saturating_sub(1));
        self.counter = last.counter;
        self.last.insert((last.series, last.year), last.number);
        self.code = Some(last.register);
    }
}

/// Made-up numbers for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;

    pub fn number(number: u64) -> DocumentNumber {
        let [register, series] = ["RUH", "INV"].map(|text| Code::new(text).expect("a code"));
        DocumentNumber { register, series, year: 2024, number, counter: number }
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let document = DocumentRef::Invoice { invoice_id: InvoiceId::new(Uuid::from_u128(50)) };
        let (run_id, list_digest) = (BillRunId::new(Uuid::from_u128(60)), Digest::of(&"a list"));
        vec![
            NumberAssigned { document, number: number(1) }.into(),
            BlockAssigned { run_id, block: 0, first: number(2), count: 1_000, list_digest }.into(),
        ]
    }
}
