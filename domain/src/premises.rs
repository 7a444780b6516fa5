//! The premises: where service is supplied, and the facts of the place that tariffs ask for.

use std::{collections::BTreeMap, num::NonZeroU32};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Code, Decider, Reason, Sealed, ids::PremisesId, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RegisterPremises(RegisterPremises),
    AmendPremises(AmendPremises),
    CorrectAddress(CorrectAddress),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegisterPremises {
    pub premises_id: PremisesId,
    /// Sealed with a key of the premises' own: people come and go, the place stays.
    pub address: Sealed,
    pub facts: PremisesFacts,
    pub registered_on: NaiveDate,
}

/// The place is otherwise from a date on: flats were added, the breaker is larger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AmendPremises {
    pub facts: PremisesFacts,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorrectAddress {
    pub address: Sealed,
}

events! {
    PremisesRegistered 1
    PremisesAmended 1
    AddressCorrected 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PremisesRegistered {
    pub premises_id: PremisesId,
    pub address: Sealed,
    pub facts: PremisesFacts,
    pub registered_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PremisesAmended {
    pub facts: PremisesFacts,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressCorrected {
    pub address: Sealed,
}

/// What a tariff may ask about a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PremisesFacts {
    /// Homes behind the meter: slabs widen with them where the tariff says so.
    pub dwellings: NonZeroU32,
    pub breaker_amps: Option<u32>,
    pub load_kva: Option<Decimal>,
    /// The district by which outages are announced and connections are priced.
    pub area: Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there are no such premises")]
    NotRegistered,
    #[error("the premises are already registered with other details")]
    AlreadyRegistered,
    #[error("a breaker and a load are more than zero")]
    NotPositive,
    #[error("the premises were registered on {registered_on}, after that date")]
    BeforeRegistration { registered_on: NaiveDate },
}

#[derive(Clone, Debug, Default)]
pub struct Premises {
    registered: Option<PremisesRegistered>,
    address: Option<Sealed>,
    amendments: BTreeMap<NaiveDate, PremisesFacts>,
}

impl Decider for Premises {
    const CATEGORY: &'static str = "premises";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::RegisterPremises(wish) => self.register(wish),
            Command::AmendPremises(wish) => self.amend(wish),
            Command::CorrectAddress(wish) => self.correct_address(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::PremisesRegistered(fact) => {
                self.address = Some(fact.address.clone());
                self.registered = Some(fact.clone());
            }
            Event::PremisesAmended(fact) => {
                self.amendments.insert(fact.effective_on, fact.facts.clone());
            }
            Event::AddressCorrected(fact) => self.address = Some(fact.address.clone()),
        }
        self
    }
}

impl Premises {
    /// The facts that apply on a date; the first known ones before the premises were registered.
    pub fn facts_on(&self, date: NaiveDate) -> Option<&PremisesFacts> {
        let amended = self.amendments.range(..=date).next_back().map(|(_, facts)| facts);
        amended.or(self.registered.as_ref().map(|registered| &registered.facts))
    }

    fn register(&self, wish: RegisterPremises) -> Result<Vec<Event>, Rejection> {
        let RegisterPremises { premises_id, address, facts, registered_on } = wish;
        facts.check()?;
        let registered = PremisesRegistered { premises_id, address, facts, registered_on };
        match &self.registered {
            None => Ok(vec![registered.into()]),
            Some(already) if *already == registered => Ok(vec![]),
            Some(_) => Err(Rejection::AlreadyRegistered),
        }
    }

    fn amend(&self, wish: AmendPremises) -> Result<Vec<Event>, Rejection> {
        let AmendPremises { facts, effective_on, reason } = wish;
        let registered = self.registered.as_ref().ok_or(Rejection::NotRegistered)?;
        facts.check()?;
        if effective_on < registered.registered_on {
            return Err(Rejection::BeforeRegistration { registered_on: registered.registered_on });
        }
        if self.facts_on(effective_on) == Some(&facts) {
            return Ok(vec![]);
        }
        Ok(vec![PremisesAmended { facts, effective_on, reason }.into()])
    }

    fn correct_address(&self, wish: CorrectAddress) -> Result<Vec<Event>, Rejection> {
        let CorrectAddress { address } = wish;
        let known = self.address.as_ref().ok_or(Rejection::NotRegistered)?;
        if *known == address { Ok(vec![]) } else { Ok(vec![AddressCorrected { address }.into()]) }
    }
}

impl PremisesFacts {
    fn check(&self) -> Result<(), Rejection> {
        if self.breaker_amps == Some(0) || self.load_kva.is_some_and(|load| load <= Decimal::ZERO) {
            return Err(Rejection::NotPositive);
        }
        Ok(())
    }
}

/// Made-up premises for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;
    use crate::SealedFor;

    pub fn register() -> Command {
        let PremisesRegistered { premises_id, address, facts, registered_on } = payload();
        Command::RegisterPremises(RegisterPremises { premises_id, address, facts, registered_on })
    }

    pub fn registered() -> Event {
        payload().into()
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let PremisesRegistered { facts, registered_on, .. } = payload();
        let facts = PremisesFacts { dwellings: NonZeroU32::MIN.saturating_add(2), load_kva: None, ..facts };
        let reason = Reason::new("two flats added").expect("a reason");
        vec![
            registered(),
            PremisesAmended { facts, effective_on: registered_on + chrono::Days::new(30), reason }.into(),
            AddressCorrected { address: Sealed::new(SealedFor::Contact, vec![2], [2; 16]) }.into(),
        ]
    }

    fn payload() -> PremisesRegistered {
        PremisesRegistered {
            premises_id: PremisesId::new(Uuid::from_u128(41)),
            address: Sealed::new(SealedFor::Contact, vec![1], [1; 16]),
            facts: PremisesFacts {
                dwellings: NonZeroU32::MIN,
                breaker_amps: Some(100),
                load_kva: Some(Decimal::new(125, 1)),
                area: Code::new("RUH-07").expect("a code"),
            },
            registered_on: NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SealedFor, spec::given};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn facts(change: impl FnOnce(&mut PremisesFacts)) -> PremisesFacts {
        let Event::PremisesRegistered(mut registered) = example::registered() else { unreachable!() };
        change(&mut registered.facts);
        registered.facts
    }

    fn amended(dwellings: u32, on: &str) -> PremisesAmended {
        let reason = Reason::new("flats added").unwrap();
        PremisesAmended { facts: facts(|facts| facts.dwellings = NonZeroU32::new(dwellings).unwrap()), effective_on: day(on), reason }
    }

    fn amend(PremisesAmended { facts, effective_on, reason }: PremisesAmended) -> Command {
        Command::AmendPremises(AmendPremises { facts, effective_on, reason })
    }

    #[test]
    fn premises_are_registered_once() {
        given::<Premises>([]).when(example::register()).then([example::registered()]);
        let Command::RegisterPremises(wish) = example::register() else { unreachable!() };
        let other = RegisterPremises { registered_on: day("2024-01-02"), ..wish };
        given::<Premises>([example::registered()]).when(Command::RegisterPremises(other)).then_rejected(Rejection::AlreadyRegistered);
    }

    #[test]
    fn facts_apply_from_their_date() {
        let (three, four) = (amended(3, "2024-03-01"), amended(4, "2024-02-01"));
        given::<Premises>([]).when(amend(three.clone())).then_rejected(Rejection::NotRegistered);
        given::<Premises>([example::registered()]).when(amend(three.clone())).then([three.clone().into()]);
        given::<Premises>([example::registered()])
            .when(amend(amended(3, "2023-12-31")))
            .then_rejected(Rejection::BeforeRegistration { registered_on: day("2024-01-01") });
        given::<Premises>([example::registered()]).when(amend(amended(1, "2024-01-01"))).then_nothing();
        let premises = [example::registered(), three.into(), four.into()].iter().fold(Premises::default(), Premises::evolve);
        for (on, dwellings) in
            [("2023-01-01", 1), ("2024-01-31", 1), ("2024-02-01", 4), ("2024-02-29", 4), ("2024-03-01", 3), ("2025-01-01", 3)]
        {
            assert_eq!(premises.facts_on(day(on)).unwrap().dwellings.get(), dwellings, "{on}");
        }
    }

    #[test]
    fn facts_that_no_place_has() {
        for (facts, rejection) in [
            (facts(|facts| facts.breaker_amps = Some(0)), Rejection::NotPositive),
            (facts(|facts| facts.load_kva = Some(Decimal::ZERO)), Rejection::NotPositive),
        ] {
            let wish = AmendPremises { facts, effective_on: day("2024-03-01"), reason: Reason::new("survey").unwrap() };
            given::<Premises>([example::registered()]).when(Command::AmendPremises(wish)).then_rejected(rejection);
        }
    }

    #[test]
    fn an_address_is_corrected() {
        let address = |n| Sealed::new(SealedFor::Contact, vec![n], [n; 16]);
        let correct = |n| Command::CorrectAddress(CorrectAddress { address: address(n) });
        given::<Premises>([]).when(correct(2)).then_rejected(Rejection::NotRegistered);
        given::<Premises>([example::registered()]).when(correct(1)).then_nothing();
        given::<Premises>([example::registered()]).when(correct(2)).then([AddressCorrected { address: address(2) }.into()]);
    }
}
