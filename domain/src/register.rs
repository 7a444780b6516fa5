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

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use uuid::Uuid;

    use super::{example::*, *};
    use crate::spec::given;

    fn code(text: &str) -> Code {
        Code::new(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn numbering(series: &str) -> Numbering {
        Numbering { register: code("RUH"), series: code(series) }
    }

    fn invoice(n: u128) -> DocumentRef {
        DocumentRef::Invoice { invoice_id: InvoiceId::new(Uuid::from_u128(n)) }
    }

    fn assign(series: &str, on: &str, document: DocumentRef) -> Command {
        Command::AssignNumber(AssignNumber { numbering: numbering(series), issued_on: day(on), document })
    }

    fn block(n: u32, count: u32) -> AssignBlock {
        let (run_id, list_digest) = (BillRunId::new(Uuid::from_u128(60)), Digest::of(&n));
        AssignBlock { numbering: numbering("INV"), issued_on: day("2024-07-01"), run_id, block: n, count, list_digest }
    }

    fn assigned(document: DocumentRef, series: &str, year: i32, number: u64, counter: u64) -> Event {
        NumberAssigned { document, number: DocumentNumber { register: code("RUH"), series: code(series), year, number, counter } }.into()
    }

    #[test]
    fn each_series_counts_from_one_in_every_year_and_the_counter_never_stops() {
        let note = DocumentRef::CreditNote { invoice_id: InvoiceId::new(Uuid::from_u128(1)), note_id: NoteId::new(Uuid::from_u128(1)) };
        let steps = [
            (assign("INV", "2023-12-31", invoice(1)), assigned(invoice(1), "INV", 2023, 1, 1)),
            (assign("INV", "2024-01-01", invoice(2)), assigned(invoice(2), "INV", 2024, 1, 2)),
            (assign("CRN", "2024-01-01", note), assigned(note, "CRN", 2024, 1, 3)),
            (assign("INV", "2024-01-02", invoice(3)), assigned(invoice(3), "INV", 2024, 2, 4)),
            // A document of the old year is late, not lost: it takes that year's next number.
            (assign("INV", "2023-12-31", invoice(4)), assigned(invoice(4), "INV", 2023, 2, 5)),
        ];
        let mut facts = vec![];
        for (wish, fact) in steps {
            given::<Register>(facts.clone()).when(wish).then([fact.clone()]);
            facts.push(fact);
        }
    }

    #[test]
    fn a_document_has_one_number() {
        let facts = || [assigned(invoice(1), "INV", 2024, 1, 1), assigned(invoice(2), "INV", 2024, 2, 2)];
        given::<Register>(facts()).when(assign("INV", "2024-05-05", invoice(1))).then_nothing();
        for (series, on) in [("INV", "2025-01-01"), ("CRN", "2024-05-05")] {
            given::<Register>(facts()).when(assign(series, on, invoice(1))).then_rejected(Rejection::DocumentIdReused(number(1)));
        }
    }

    #[test]
    fn a_block_takes_as_many_numbers_as_it_has_documents() {
        let taken = |block: u32, first, count| {
            let AssignBlock { run_id, list_digest, .. } = super::tests::block(block, count);
            Event::from(BlockAssigned { run_id, block, first: number(first), count, list_digest })
        };
        let facts = || [assigned(invoice(1), "INV", 2024, 1, 1), taken(0, 2, 1_000)];
        given::<Register>([]).when(Command::AssignBlock(block(0, 3))).then([taken(0, 1, 3)]);
        given::<Register>(facts()).when(Command::AssignBlock(block(1, 7))).then([taken(1, 1_002, 7)]);
        given::<Register>(facts()).when(assign("INV", "2024-07-01", invoice(9))).then([assigned(invoice(9), "INV", 2024, 1_002, 1_002)]);
        given::<Register>(facts()).when(Command::AssignBlock(block(0, 1_000))).then_nothing();
        let list_digest = Digest::of(&"another list");
        let late = day("2025-07-01");
        for other in [
            block(0, 999),
            AssignBlock { list_digest, ..block(0, 1_000) },
            AssignBlock { issued_on: late, ..block(0, 1_000) },
            AssignBlock { numbering: numbering("CRN"), ..block(0, 1_000) },
        ] {
            given::<Register>(facts()).when(Command::AssignBlock(other)).then_rejected(Rejection::BlockReused { block: 0 });
        }
        for count in [0, 1_001] {
            given::<Register>([]).when(Command::AssignBlock(block(0, count))).then_rejected(Rejection::BlockSize);
        }
    }

    #[test]
    fn a_register_numbers_for_itself_only() {
        let elsewhere = || Numbering { register: code("JED"), series: code("INV") };
        let refused = || Rejection::AnotherRegister { expected: code("RUH"), found: code("JED") };
        let facts = || [assigned(invoice(1), "INV", 2024, 1, 1)];
        let single = AssignNumber { numbering: elsewhere(), issued_on: day("2024-07-01"), document: invoice(2) };
        given::<Register>(facts()).when(Command::AssignNumber(single)).then_rejected(refused());
        let block = AssignBlock { numbering: elsewhere(), ..block(0, 1) };
        given::<Register>(facts()).when(Command::AssignBlock(block)).then_rejected(refused());
    }

    #[test]
    fn a_number_is_written_so_that_no_two_look_alike() {
        assert_eq!(number(42).to_string(), "RUH-INV-2024-000042");
        assert_eq!(number(42).after(1_999_999).to_string(), "RUH-INV-2024-2000041");
        assert_eq!(number(42).after(3).counter, 45);
        let (invoice_id, note_id) = (InvoiceId::new(Uuid::from_u128(1)), NoteId::new(Uuid::from_u128(2)));
        let kinds = [
            DocumentRef::Invoice { invoice_id },
            DocumentRef::CreditNote { invoice_id, note_id },
            DocumentRef::DebitNote { invoice_id, note_id },
        ];
        assert_eq!(kinds.map(DocumentRef::type_code), [388, 381, 383]);
        assert!(kinds.iter().all(|kind| kind.invoice_id() == invoice_id));
    }

    proptest! {
        /// Singles and blocks, of any series and year, some asked for twice: no number and no counter is left out or given twice.
        #[test]
        fn numbers_have_no_gaps_and_no_doubles(wishes in vec((0..12_u32, 0..3_usize, 2023..2026_i32, 0..5_u32), 1..60)) {
            let mut register = Register::default();
            let mut given: Vec<DocumentNumber> = vec![];
            for (n, series, year, count) in wishes {
                let (series, on) = (["INV", "CRN", "DBN"][series], format!("{year}-05-05"));
                let wish = match count {
                    0 => assign(series, &on, invoice(n.into())),
                    _ => Command::AssignBlock(AssignBlock { numbering: numbering(series), issued_on: day(&on), ..block(n, count) }),
                };
                let Ok(events) = register.decide(wish.clone()) else { continue };
                for event in &events {
                    match event {
                        Event::NumberAssigned(fact) => given.push(fact.number.clone()),
                        Event::BlockAssigned(fact) => given.extend((0..fact.count).map(|place| fact.first.after(place))),
                    }
                }
                register = events.iter().fold(register, Register::evolve);
                prop_assert_eq!(register.decide(wish), Ok(vec![]));
            }
            prop_assert!(given.iter().map(|number| number.counter).eq(1..=given.len() as u64));
            let mut by_series: BTreeMap<_, Vec<u64>> = BTreeMap::new();
            for number in &given {
                by_series.entry((number.series.clone(), number.year)).or_default().push(number.number);
            }
            for numbers in by_series.into_values() {
                prop_assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{:?}", numbers);
            }
        }
    }
}
