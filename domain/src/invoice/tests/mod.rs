mod always;
mod documents;
mod issuing;
mod notes;
mod paying;

use super::{example::*, *};
use crate::{
    ids::RepairId,
    rating::Rounding,
    spec::{Given, given},
};

/// The example invoice, issued, and what followed.
fn after(facts: impl IntoIterator<Item = Event>) -> Given<Invoice> {
    given::<Invoice>([issued()].into_iter().chain(facts))
}

fn invoice(facts: impl IntoIterator<Item = Event>) -> Invoice {
    facts.into_iter().fold(Invoice::default(), |invoice, fact| invoice.evolve(&fact))
}

/// What comes of these wishes, one after another, none of which is refused.
fn told(first: impl IntoIterator<Item = Event>, wishes: impl IntoIterator<Item = Command>) -> Vec<Event> {
    let mut facts: Vec<Event> = first.into_iter().collect();
    for wish in wishes {
        let events = invoice(facts.clone()).decide(wish.clone());
        facts.extend(events.unwrap_or_else(|rejection| panic!("{rejection}: {wish:?}")));
    }
    facts
}

fn repair(lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Draft, DocumentError> {
    Draft::of_repair(RepairId::new(uuid::Uuid::from_u128(90)), heading(), lines, rounding)
}

fn note_id(n: u128) -> NoteId {
    NoteId::new(uuid::Uuid::from_u128(n))
}
