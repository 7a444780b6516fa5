//! The readings that a meter keeps, and which of them count.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{EstimatesTruedUp, Meter, ReadingHeld, ReadingReleased, ReadingReversed, Register, Resolution};
use crate::{
    Code,
    ids::{InvoiceId, PremisesId, ReadingId},
};

/// What a register showed, or was reckoned to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub reading_id: ReadingId,
    pub register: Code,
    pub kind: ReadingKind,
    pub value: Decimal,
    /// The local date.
    pub taken_on: NaiveDate,
    /// Orders the readings of one day.
    pub taken_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadingKind {
    Manual,
    Smart,
    /// The customer's own.
    Customer,
    /// Reckoned, not read.
    Estimated,
    /// At moving out, exchange or removal.
    Final,
    /// At moving in or installation.
    Initial,
    /// On a day that matters to a tariff.
    Special,
}

impl Reading {
    pub fn is_actual(&self) -> bool {
        self.kind != ReadingKind::Estimated
    }

    /// The first day whose usage the next reading tells: readings of 1 July and 1 August tell of 2 July to 1 August.
    pub fn border(&self) -> NaiveDate {
        self.taken_on + Days::new(1)
    }

    /// Readings of one instant stand in one place, but for an estimate, which gives way to the real figure.
    fn place(&self) -> Place {
        (self.taken_at, self.is_actual())
    }
}

pub(super) type Place = (DateTime<Utc>, bool);

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub reading: Reading,
    pub state: ReadingState,
    /// The invoices that stand on it: it closes one period and opens the next.
    pub bills: BTreeSet<InvoiceId>,
    /// The actual reading that took this estimate's place, and the one before, from which it was reckoned then.
    pub superseded: Option<(ReadingId, ReadingId)>,
    /// The figure that the register was set to before it, if a person said that it was reset.
    pub reset_to: Option<Decimal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadingState {
    /// Counts for nothing until released.
    Held,
    Standing,
    /// Stands because a person said so.
    Released,
    Reversed,
}

/// Every reading ever, and the places of those that are not reversed.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    by_id: BTreeMap<ReadingId, Kept>,
    places: BTreeMap<Code, BTreeMap<Place, ReadingId>>,
}

impl Readings {
    pub fn get(&self, id: ReadingId) -> Option<&Kept> {
        self.by_id.get(&id)
    }

    /// Another reading of the same instant.
    pub fn in_place_of(&self, reading: &Reading) -> Option<&Reading> {
        let id = self.places.get(&reading.register)?.get(&reading.place())?;
        self.by_id.get(id).map(|kept| &kept.reading)
    }

    pub fn keep(&mut self, reading: &Reading, state: ReadingState) {
        let id = reading.reading_id;
        self.places.entry(reading.register.clone()).or_default().insert(reading.place(), id);
        let reading = reading.clone();
        self.by_id.insert(id, Kept { reading, state, bills: BTreeSet::new(), superseded: None, reset_to: None });
    }

    pub fn held(&mut self, fact: &ReadingHeld) {
        self.keep(&fact.reading, ReadingState::Held);
    }

    pub fn released(&mut self, fact: &ReadingReleased) {
        self.change(fact.reading_id, |kept| {
            kept.state = ReadingState::Released;
            kept.reset_to = match fact.resolution {
                Resolution::AsReset { to } => Some(to),
                Resolution::AsRead | Resolution::AsRollover => None,
            };
        });
    }

    pub fn reversed(&mut self, fact: &ReadingReversed) {
        if let Some(kept) = self.by_id.get_mut(&fact.reading_id) {
            kept.state = ReadingState::Reversed;
            for bill in &fact.cancels_bills {
                kept.bills.remove(bill);
            }
            let (register, place) = (kept.reading.register.clone(), kept.reading.place());
            self.places.entry(register).or_default().remove(&place);
        }
        for id in &fact.restored {
            self.change(*id, |kept| kept.superseded = None);
        }
    }

    pub fn trued_up(&mut self, fact: &EstimatesTruedUp) {
        for id in &fact.superseded {
            self.change(*id, |kept| kept.superseded = Some((fact.actual, fact.since)));
        }
    }

    pub fn billed(&mut self, invoice_id: InvoiceId, ids: &[ReadingId]) {
        for id in ids {
            self.change(*id, |kept| {
                kept.bills.insert(invoice_id);
            });
        }
    }

    pub fn unbilled(&mut self, invoice_id: InvoiceId) {
        for kept in self.by_id.values_mut() {
            kept.bills.remove(&invoice_id);
        }
    }

    pub fn billed_by(&self, invoice_id: InvoiceId) -> impl Iterator<Item = ReadingId> {
        self.by_id.values().filter(move |kept| kept.bills.contains(&invoice_id)).map(|kept| kept.reading.reading_id)
    }

    pub fn reset_to(&self, reading: &Reading) -> Option<Decimal> {
        self.by_id.get(&reading.reading_id)?.reset_to
    }

    /// How far the dial went from one reading to another: after a reset, from the figure it was set to.
    pub fn gone(&self, register: &Register, from: &Reading, to: &Reading) -> Decimal {
        register.turn(self.reset_to(to).unwrap_or(from.value), to.value)
    }

    /// The invoices that stand on an estimate that gave way.
    pub fn bills_to_cancel(&self) -> BTreeSet<InvoiceId> {
        self.by_id.values().filter(|kept| kept.superseded.is_some()).flat_map(|kept| kept.bills.iter().copied()).collect()
    }

    /// The estimates that gave way to an actual reading, each with the one from which it was reckoned then.
    pub fn superseded_by(&self, actual: ReadingId) -> impl Iterator<Item = (&Reading, ReadingId)> {
        let gave_way = move |kept: &Kept| kept.superseded.filter(|(by, _)| *by == actual);
        self.by_id.values().filter_map(move |kept| gave_way(kept).map(|(_, since)| (&kept.reading, since)))
    }

    /// What counts, in the order it was taken.
    pub fn standing(&self, register: &Code) -> impl DoubleEndedIterator<Item = &Reading> {
        let ids = self.places.get(register).into_iter().flat_map(BTreeMap::values);
        let counts = |kept: &&Kept| matches!(kept.state, ReadingState::Standing | ReadingState::Released) && kept.superseded.is_none();
        ids.filter_map(|id| self.by_id.get(id)).filter(counts).map(|kept| &kept.reading)
    }

    fn change(&mut self, id: ReadingId, change: impl FnOnce(&mut Kept)) {
        if let Some(kept) = self.by_id.get_mut(&id) {
            change(kept);
        }
    }
}

/// From putting a meter up to taking it off. Usage never spans two of them.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    pub premises_id: PremisesId,
    pub from: NaiveDate,
    /// With this day.
    pub to: Option<NaiveDate>,
    /// When the supply was off, with both days.
    pub disconnections: Vec<(NaiveDate, Option<NaiveDate>)>,
}

impl Installation {
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.from <= date && self.to.is_none_or(|to| date <= to)
    }

    /// Whether the supply was off all the time from one date to another.
    pub fn disconnected(&self, from: NaiveDate, to: NaiveDate) -> bool {
        self.disconnections.iter().any(|(off, on)| *off <= from && on.is_none_or(|on| to <= on))
    }
}

/// The readings about a moment, in one installation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Neighbours<'a> {
    pub previous_actual: Option<&'a Reading>,
    pub next_actual: Option<&'a Reading>,
}

impl Meter {
    pub(super) fn installation_on(&self, date: NaiveDate) -> Option<&Installation> {
        self.installations.iter().rev().find(|installation| installation.contains(date))
    }

    /// What counts in an installation, in the order it was taken.
    pub(super) fn standing_in<'a>(
        &'a self,
        installation: &'a Installation,
        register: &Code,
    ) -> impl DoubleEndedIterator<Item = &'a Reading> {
        self.readings.standing(register).filter(|reading| installation.contains(reading.taken_on))
    }

    /// The readings that one must lie between on the dial. Ahead of a reset, the next says nothing of it.
    pub(super) fn bounds<'a>(&'a self, installation: &'a Installation, reading: &Reading) -> Neighbours<'a> {
        let neighbours = self.neighbours(installation, reading);
        Neighbours { next_actual: neighbours.next_actual.filter(|next| self.readings.reset_to(next).is_none()), ..neighbours }
    }

    pub(super) fn neighbours<'a>(&'a self, installation: &'a Installation, reading: &Reading) -> Neighbours<'a> {
        let actual = || self.standing_in(installation, &reading.register).filter(|other| other.is_actual());
        Neighbours {
            previous_actual: actual().rev().find(|other| other.taken_at < reading.taken_at),
            next_actual: actual().find(|other| reading.taken_at < other.taken_at),
        }
    }
}
