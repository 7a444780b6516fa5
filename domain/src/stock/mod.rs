//! A part's stock at a branch: what came, what is put aside, what went into devices, and what that cost.
//!
//! It is never clamped: whoever asks for more than is free waits, the shortage is a fact, and what comes next is theirs first. What a piece
//! costs is the average of what is there, and the shares of that sum to what was paid: nothing is lost between the pieces.

pub mod example;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Actor, Code, Decider, Money, Reason,
    ids::{BranchId, PartId, PartRequestId, RepairId, StockMoveId},
    repair::Coverage,
    schema::events,
    share::proportion,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    ReceiveStock(ReceiveStock),
    ReserveStock(ReserveStock),
    UseStock(UseStock),
    GiveBackStock(GiveBackStock),
    CountStock(CountStock),
    SetReorderLevel(SetReorderLevel),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceiveStock {
    pub move_id: StockMoveId,
    pub branch_id: BranchId,
    pub part_id: PartId,
    pub quantity: u32,
    /// Of all of them.
    pub cost: Money,
    /// The supplier's paper.
    pub reference: Code,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReserveStock {
    pub request_id: PartRequestId,
    pub repair_id: RepairId,
    pub quantity: u32,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UseStock {
    pub request_id: PartRequestId,
    /// Of the request, with what was used before: so that a wish sent twice is one.
    pub used_in_all: u32,
    pub on: NaiveDate,
}

/// From the repair that had asked for them, whether they were put aside or still waited for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GiveBackStock {
    pub request_id: PartRequestId,
    /// Of the request, with what was given back before.
    pub given_back_in_all: u32,
}

/// Somebody has counted, and it is not what the books say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CountStock {
    pub move_id: StockMoveId,
    pub counted: u32,
    pub counted_by: Actor,
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetReorderLevel {
    pub level: u32,
}

events! {
    StockReceived 1
    StockReserved 1
    ShortageRecorded 1
    StockUsed 1
    StockGivenBack 1
    StockCounted 1
    ReorderLevelSet 1
    StockRanLow 1
    StockRanOut 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReceived {
    pub move_id: StockMoveId,
    pub branch_id: BranchId,
    pub part_id: PartId,
    pub quantity: u32,
    pub cost: Money,
    pub reference: Code,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    pub request_id: PartRequestId,
    pub repair_id: RepairId,
    pub quantity: u32,
    pub coverage: Coverage,
}

/// The request waits, and is first in turn when more comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShortageRecorded {
    pub request_id: PartRequestId,
    pub repair_id: RepairId,
    pub quantity: u32,
    pub missing: u32,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockUsed {
    pub request_id: PartRequestId,
    pub repair_id: RepairId,
    pub quantity: u32,
    /// What they had cost.
    pub cost: Money,
    pub coverage: Coverage,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockGivenBack {
    pub request_id: PartRequestId,
    pub repair_id: RepairId,
    pub quantity: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockCounted {
    pub move_id: StockMoveId,
    pub before: u32,
    pub counted: u32,
    /// What the difference had cost: below zero if there is less.
    pub value: Money,
    pub counted_by: Actor,
    pub reason: Reason,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReorderLevelSet {
    pub level: u32,
}

/// Fewer are free than should be: told once, until there are enough again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockRanLow {
    pub free: u32,
    pub level: u32,
}

/// None is free: told once, until one is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockRanOut {}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("nothing of this part ever came to this branch")]
    NeverReceived,
    #[error("the quantity must be more than zero")]
    QuantityNotPositive,
    #[error("a cost is not below zero, and in one currency for all pieces")]
    NotACost,
    #[error("the move is already there with other content")]
    MoveIdReused,
    #[error("the request is already there with other content")]
    RequestIdReused,
    #[error("there is no such request")]
    NoSuchRequest,
    #[error("only {left} of the request is here to be used or given back")]
    NotSoMany { left: u32 },
    #[error("{reserved} are put aside for repairs: fewer cannot be there before some are given back")]
    FewerThanReserved { reserved: u32 },
    #[error("the stock has no room for so much")]
    TooMuch,
}

/// What the rules need to know of a stock.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    /// Of what is on the shelf, put aside or not; nothing before anything came.
    value: Option<Money>,
    on_hand: u32,
    requests: BTreeMap<PartRequestId, Held>,
    /// Who waits, in the order in which they asked.
    waiting: VecDeque<PartRequestId>,
    received: BTreeMap<StockMoveId, StockReceived>,
    counted: BTreeSet<StockMoveId>,
    level: u32,
    told: Told,
}

/// What a repair has asked for, and what has become of it.
#[derive(Clone, Debug)]
struct Held {
    asked: StockReserved,
    used: u32,
    given_back: u32,
    here: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    #[default]
    Enough,
    Low,
    Out,
}

impl Decider for Stock {
    const CATEGORY: &'static str = "stock";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        let mut events = match command {
            Command::ReceiveStock(wish) => self.receive(wish)?,
            Command::ReserveStock(wish) => self.reserve(wish)?,
            Command::UseStock(wish) => self.use_up(wish)?,
            Command::GiveBackStock(wish) => self.give_back(wish)?,
            Command::CountStock(wish) => self.count(wish)?,
            Command::SetReorderLevel(SetReorderLevel { level }) if level == self.level => vec![],
            Command::SetReorderLevel(SetReorderLevel { level }) => vec![ReorderLevelSet { level }.into()],
        };
        if !events.is_empty() {
            let mut after = events.iter().fold(self.clone(), Self::evolve);
            while let Some(reserved) = after.next_in_turn() {
                after = after.evolve(&reserved);
                events.push(reserved);
            }
            events.extend(after.warning());
        }
        Ok(events)
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::StockReceived(fact) => {
                self.on_hand += fact.quantity;
                let value = self.value.map_or(0, |value| value.minor) + fact.cost.minor;
                self.value = Some(Money::new(value, fact.cost.currency));
                self.received.insert(fact.move_id, fact.clone());
            }
            Event::StockReserved(fact) => {
                self.waiting.retain(|waiting| *waiting != fact.request_id);
                self.requests.entry(fact.request_id).or_insert_with(|| Held::new(fact.clone())).here = true;
            }
            Event::ShortageRecorded(fact) => {
                let ShortageRecorded { request_id, repair_id, quantity, missing: _, coverage } = *fact;
                let asked = StockReserved { request_id, repair_id, quantity, coverage };
                self.requests.insert(request_id, Held::new(asked));
                self.waiting.push_back(request_id);
            }
            Event::StockUsed(fact) => {
                self.on_hand -= fact.quantity;
                self.take_value(fact.cost);
                self.change(fact.request_id, |held| held.used += fact.quantity);
            }
            Event::StockGivenBack(fact) => self.change(fact.request_id, |held| held.given_back += fact.quantity),
            Event::StockCounted(fact) => {
                self.on_hand = fact.counted;
                self.take_value(Money::new(-fact.value.minor, fact.value.currency));
                self.counted.insert(fact.move_id);
            }
            Event::ReorderLevelSet(fact) => self.level = fact.level,
            Event::StockRanLow(_) => self.told = Told::Low,
            Event::StockRanOut(_) => self.told = Told::Out,
        }
        if self.state() < self.told {
            self.told = self.state();
        }
        self
    }
}

impl Stock {
    pub fn on_hand(&self) -> u32 {
        self.on_hand
    }

    /// Put aside for repairs.
    pub fn reserved(&self) -> u32 {
        self.requests.values().filter(|held| held.here).map(Held::left).sum()
    }

    /// What the next repair can have.
    pub fn free(&self) -> u32 {
        self.on_hand.saturating_sub(self.reserved())
    }

    /// What all that is on the shelf has cost.
    pub fn value(&self) -> Option<Money> {
        self.value
    }

    fn receive(&self, wish: ReceiveStock) -> Result<Vec<Event>, Rejection> {
        let ReceiveStock { move_id, branch_id, part_id, quantity, cost, reference, on } = wish;
        let received = StockReceived { move_id, branch_id, part_id, quantity, cost, reference, on };
        match self.received.get(&move_id) {
            Some(already) if *already == received => return Ok(vec![]),
            Some(_) => return Err(Rejection::MoveIdReused),
            None => {}
        }
        if quantity == 0 {
            return Err(Rejection::QuantityNotPositive);
        }
        if cost.minor < 0 || self.value.is_some_and(|value| value.currency != cost.currency) {
            return Err(Rejection::NotACost);
        }
        let room = self.on_hand.checked_add(quantity).and(self.value.unwrap_or(Money::zero(cost.currency)).checked_add(cost).ok());
        room.ok_or(Rejection::TooMuch)?;
        Ok(vec![received.into()])
    }

    fn reserve(&self, wish: ReserveStock) -> Result<Vec<Event>, Rejection> {
        let ReserveStock { request_id, repair_id, quantity, coverage } = wish;
        let asked = StockReserved { request_id, repair_id, quantity, coverage };
        match self.requests.get(&request_id) {
            Some(already) if already.asked == asked => return Ok(vec![]),
            Some(_) => return Err(Rejection::RequestIdReused),
            None => {}
        }
        if quantity == 0 {
            return Err(Rejection::QuantityNotPositive);
        }
        // Nobody overtakes those who wait.
        let free = if self.waiting.is_empty() { self.free() } else { 0 };
        if quantity <= free {
            return Ok(vec![asked.into()]);
        }
        Ok(vec![ShortageRecorded { request_id, repair_id, quantity, missing: quantity - free, coverage }.into()])
    }

    fn use_up(&self, wish: UseStock) -> Result<Vec<Event>, Rejection> {
        let UseStock { request_id, used_in_all, on } = wish;
        let held = self.requests.get(&request_id).ok_or(Rejection::NoSuchRequest)?;
        let Some(quantity) = used_in_all.checked_sub(held.used).filter(|more| *more > 0) else { return Ok(vec![]) };
        let left = if held.here { held.left() } else { 0 };
        if quantity > left {
            return Err(Rejection::NotSoMany { left });
        }
        let cost = self.share(quantity).ok_or(Rejection::NeverReceived)?;
        let StockReserved { repair_id, coverage, .. } = held.asked;
        Ok(vec![StockUsed { request_id, repair_id, quantity, cost, coverage, on }.into()])
    }

    fn give_back(&self, wish: GiveBackStock) -> Result<Vec<Event>, Rejection> {
        let GiveBackStock { request_id, given_back_in_all } = wish;
        let held = self.requests.get(&request_id).ok_or(Rejection::NoSuchRequest)?;
        let Some(quantity) = given_back_in_all.checked_sub(held.given_back).filter(|more| *more > 0) else { return Ok(vec![]) };
        if quantity > held.left() {
            return Err(Rejection::NotSoMany { left: held.left() });
        }
        Ok(vec![StockGivenBack { request_id, repair_id: held.asked.repair_id, quantity }.into()])
    }

    fn count(&self, wish: CountStock) -> Result<Vec<Event>, Rejection> {
        let CountStock { move_id, counted, counted_by, reason, on } = wish;
        if self.counted.contains(&move_id) {
            return Ok(vec![]);
        }
        let whole = self.value.ok_or(Rejection::NeverReceived)?;
        let reserved = self.reserved();
        if counted < reserved {
            return Err(Rejection::FewerThanReserved { reserved });
        }
        let value = match counted.checked_sub(self.on_hand) {
            None => Money::new(-self.share(self.on_hand - counted).map_or(0, |share| share.minor), whole.currency),
            // What turns up is worth what the others are; of an empty shelf nothing is known.
            Some(_) if self.on_hand == 0 => Money::zero(whole.currency),
            Some(more) => {
                let each = i128::from(whole.minor) * i128::from(more) / i128::from(self.on_hand);
                Money::new(i64::try_from(each).map_err(|_| Rejection::TooMuch)?, whole.currency)
            }
        };
        whole.checked_add(value).map_err(|_| Rejection::TooMuch)?;
        Ok(vec![StockCounted { move_id, before: self.on_hand, counted, value, counted_by, reason, on }.into()])
    }

    /// A share of what everything on the shelf has cost; all of it with the last piece.
    fn share(&self, quantity: u32) -> Option<Money> {
        self.value.map(|value| proportion(value, quantity.into(), self.on_hand.into()))
    }

    /// Whoever has waited longest, if enough is free for them now.
    fn next_in_turn(&self) -> Option<Event> {
        let held = self.requests.get(self.waiting.front()?)?;
        (held.left() <= self.free()).then(|| held.asked.clone().into())
    }

    fn warning(&self) -> Option<Event> {
        match self.state() {
            state if state <= self.told => None,
            Told::Out => Some(StockRanOut {}.into()),
            Told::Low => Some(StockRanLow { free: self.free(), level: self.level }.into()),
            Told::Enough => None,
        }
    }

    fn state(&self) -> Told {
        match self.free() {
            _ if self.value.is_none() => Told::Enough,
            0 => Told::Out,
            free if free < self.level => Told::Low,
            _ => Told::Enough,
        }
    }

    fn take_value(&mut self, cost: Money) {
        if let Some(value) = &mut self.value {
            value.minor -= cost.minor;
        }
    }

    fn change(&mut self, request_id: PartRequestId, change: impl FnOnce(&mut Held)) {
        let Some(held) = self.requests.get_mut(&request_id) else { return };
        change(held);
        if held.left() == 0 {
            self.waiting.retain(|waiting| *waiting != request_id);
        }
    }
}

impl Held {
    fn new(asked: StockReserved) -> Self {
        Self { asked, used: 0, given_back: 0, here: false }
    }

    /// Neither used nor given back.
    fn left(&self) -> u32 {
        self.asked.quantity - self.used - self.given_back
    }
}
