//! Cancel and rebill: a wrong invoice is credited in full and its period billed anew, across the streams of invoices, register, meters and account.
//!
//! No append spans two streams, so this is a process with a stream of its own: it opens with everything it will need, and says for every step done
//! that it is done. [`Correction::next`] is what is to be asked now. Whoever carries it out may die at any moment: every request is a wish
//! that can be wished twice, and is wished again until its step is recorded.

pub mod example;
mod limit;
mod readings;
mod step;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use limit::BackBillingLimit;
pub use readings::WrongReading;
pub use step::{Request, Step, Task};

use crate::{
    Decider, Reason,
    ids::{AccountId, CorrectionId, InvoiceId, MeterId, NoteId, ReadingId, correction_invoice_id, correction_note_id},
    invoice::{Dates, Draft},
    register::{DocumentNumber, Numbering},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    OpenCorrection(OpenCorrection),
    RecordStep(RecordStep),
    RefuseCorrection(RefuseCorrection),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenCorrection {
    pub correction_id: CorrectionId,
    pub terms: Terms,
}

/// The step's requests have all been carried out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordStep {
    pub step: Step,
    /// What the register answered, if it was the one asked.
    pub number: Option<DocumentNumber>,
}

/// The invoice may not be cancelled: the first step is the only one that can be refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefuseCorrection {
    pub why: Reason,
}

events! {
    CorrectionOpened 2, 1 => v1::CorrectionOpened
    StepTaken 1
    CorrectionRefused 1
    CorrectionFinished 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectionOpened {
    pub correction_id: CorrectionId,
    pub terms: Terms,
}

/// The forms that events had before.
mod v1 {
    use super::{CorrectionId, Deserialize, Terms};

    /// Its terms named no readings to put right, and are read as naming none.
    #[derive(Debug, Deserialize)]
    pub struct CorrectionOpened {
        pub correction_id: CorrectionId,
        pub terms: Terms,
    }

    impl From<CorrectionOpened> for super::CorrectionOpened {
        fn from(CorrectionOpened { correction_id, terms }: CorrectionOpened) -> Self {
            Self { correction_id, terms }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTaken {
    pub step: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<DocumentNumber>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectionRefused {
    pub why: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectionFinished {
    pub account_id: AccountId,
    pub invoice_id: InvoiceId,
    pub replacement_id: InvoiceId,
}

/// Everything the process needs, settled before its first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub account_id: AccountId,
    /// The wrong one.
    pub invoice_id: InvoiceId,
    /// The same period as it should have been billed: by the corrected readings, and the tariff that was valid then. Rated first, since it is the
    /// last thing that could fail.
    pub replacement: Box<Draft>,
    pub dates: Dates,
    pub credit_numbering: Numbering,
    pub invoice_numbering: Numbering,
    pub reason: Reason,
    /// What was wrong on a dial, and is put right first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<WrongReading>,
    pub meters: Vec<MeterReadings>,
    /// Invoices after it that start from a reading that changed, oldest first.
    pub later: Vec<InvoiceId>,
    /// The correction of which this one is a consequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<CorrectionId>,
}

/// A meter that the wrong invoice billed, and which of its readings the right one bills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterReadings {
    pub meter_id: MeterId,
    pub reading_ids: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such correction")]
    NotOpen,
    #[error("the correction is already there with other terms")]
    CorrectionIdReused,
    #[error("invoice {0} is listed twice")]
    ListedTwice(InvoiceId),
    #[error("the next step is {expected:?}")]
    OutOfTurn { expected: Step },
    #[error("{0:?} was taken under another number")]
    OtherNumber(Step),
    #[error("the register is asked for a number in its own steps and in no other")]
    NumberMisplaced,
    #[error("the invoice is being cancelled already: the correction can only be finished")]
    UnderWay,
    #[error("the correction was refused")]
    Refused,
}

#[derive(Clone, Debug, Default)]
pub struct Correction {
    opened: Option<Box<CorrectionOpened>>,
    /// Steps taken, in their order.
    taken: Vec<StepTaken>,
    refused: Option<Reason>,
}

impl Decider for Correction {
    const CATEGORY: &'static str = "correction";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::OpenCorrection(wish) => self.open(wish),
            Command::RecordStep(wish) => self.record(wish),
            Command::RefuseCorrection(wish) => self.refuse(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::CorrectionOpened(fact) => self.opened = Some(Box::new(fact.clone())),
            Event::StepTaken(fact) => self.taken.push(fact.clone()),
            Event::CorrectionRefused(fact) => self.refused = Some(fact.why.clone()),
            Event::CorrectionFinished(_) => {}
        }
        self
    }
}

impl Correction {
    /// What is to be asked of whom, now; nothing once it is finished or refused.
    pub fn next(&self) -> Option<Task> {
        let opened = self.opened.as_deref()?;
        Some(step::task(opened, self.next_step()?, |step| self.number(step)))
    }

    pub fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub fn opened(&self) -> Option<&CorrectionOpened> {
        self.opened.as_deref()
    }

    /// Why the invoice may not be cancelled, if it may not.
    pub fn refused(&self) -> Option<&Reason> {
        self.refused.as_ref()
    }

    pub fn is_finished(&self) -> bool {
        self.taken.len() == Step::ALL.len()
    }

    fn open(&self, wish: OpenCorrection) -> Result<Vec<Event>, Rejection> {
        let OpenCorrection { correction_id, terms } = wish;
        let opened = CorrectionOpened { correction_id, terms };
        match self.opened.as_deref() {
            Some(already) if *already == opened => return Ok(vec![]),
            Some(_) => return Err(Rejection::CorrectionIdReused),
            None => {}
        }
        let mut seen = std::collections::BTreeSet::from([opened.terms.invoice_id]);
        match opened.terms.later.iter().find(|later| !seen.insert(**later)) {
            Some(twice) => Err(Rejection::ListedTwice(*twice)),
            None => Ok(vec![opened.into()]),
        }
    }

    fn record(&self, wish: RecordStep) -> Result<Vec<Event>, Rejection> {
        let RecordStep { step, number } = wish;
        let opened = self.opened.as_deref().ok_or(Rejection::NotOpen)?;
        if let Some(already) = self.taken.iter().find(|taken| taken.step == step) {
            return if already.number == number { Ok(vec![]) } else { Err(Rejection::OtherNumber(step)) };
        }
        match self.next_step() {
            None => return Err(Rejection::Refused),
            Some(expected) if expected != step => return Err(Rejection::OutOfTurn { expected }),
            Some(_) => {}
        }
        if step.asks_for_number() != number.is_some() {
            return Err(Rejection::NumberMisplaced);
        }
        let finished = (Step::ALL.last() == Some(&step)).then(|| opened.finished().into());
        Ok([StepTaken { step, number }.into()].into_iter().chain(finished).collect())
    }

    fn refuse(&self, wish: RefuseCorrection) -> Result<Vec<Event>, Rejection> {
        self.opened.as_deref().ok_or(Rejection::NotOpen)?;
        match &self.refused {
            Some(_) => Ok(vec![]),
            None if self.taken.is_empty() => Ok(vec![CorrectionRefused { why: wish.why }.into()]),
            None => Err(Rejection::UnderWay),
        }
    }

    fn next_step(&self) -> Option<Step> {
        if self.refused.is_some() { None } else { Step::ALL.get(self.taken.len()).copied() }
    }

    fn number(&self, step: Step) -> Option<&DocumentNumber> {
        self.taken.iter().find(|taken| taken.step == step).and_then(|taken| taken.number.as_ref())
    }
}

impl CorrectionOpened {
    pub fn note_id(&self) -> NoteId {
        correction_note_id(self.correction_id)
    }

    pub fn replacement_id(&self) -> InvoiceId {
        correction_invoice_id(self.correction_id)
    }

    fn finished(&self) -> CorrectionFinished {
        let Terms { account_id, invoice_id, .. } = self.terms;
        CorrectionFinished { account_id, invoice_id, replacement_id: self.replacement_id() }
    }
}
