//! A kind of spare part, and what it has cost customers since when.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Code, Currency, Decider, Description,
    ids::PartId,
    repair::Offered,
    schema::events,
    tariff::{Figure, Quantity},
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RegisterPart(RegisterPart),
    ChangePartPrice(ChangePartPrice),
    RetirePart(RetirePart),
    ReinstatePart(ReinstatePart),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegisterPart {
    pub part_id: PartId,
    /// The maker's number, or the company's own.
    pub code: Code,
    pub name: Description,
    pub currency: Currency,
    pub price: Figure,
    pub registered_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangePartPrice {
    pub price: Figure,
    pub on: NaiveDate,
}

/// No longer sold. What repairs have already asked for is still theirs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetirePart {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReinstatePart {
    pub on: NaiveDate,
}

events! {
    PartRegistered 1
    PartPriceChanged 1
    PartRetired 1
    PartReinstated 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRegistered {
    pub part_id: PartId,
    pub code: Code,
    pub name: Description,
    pub currency: Currency,
    pub price: Figure,
    pub registered_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartPriceChanged {
    pub part_id: PartId,
    pub before: Figure,
    pub price: Figure,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRetired {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartReinstated {
    pub on: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such part")]
    NoSuchPart,
    #[error("the part is already registered with other details")]
    PartIdReused,
    #[error("the part is no longer sold")]
    Retired,
    #[error("the price of {since} is the latest: prices are not changed before it")]
    BeforeLatestPrice { since: NaiveDate },
    #[error("the part is sold in {sold_in}, not in {wanted}")]
    OtherCurrency { sold_in: Currency, wanted: Currency },
}

#[derive(Clone, Debug, Default)]
pub struct Part {
    registered: Option<PartRegistered>,
    price: Option<(Figure, NaiveDate)>,
    retired: bool,
}

impl Decider for Part {
    const CATEGORY: &'static str = "part";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::RegisterPart(wish) => self.register(wish),
            Command::ChangePartPrice(wish) => self.change_price(wish),
            Command::RetirePart(RetirePart { on }) => {
                self.registered()?;
                Ok(if self.retired { vec![] } else { vec![PartRetired { on }.into()] })
            }
            Command::ReinstatePart(ReinstatePart { on }) => {
                self.registered()?;
                Ok(if self.retired { vec![PartReinstated { on }.into()] } else { vec![] })
            }
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::PartRegistered(fact) => {
                self.price = Some((fact.price, fact.registered_on));
                self.registered = Some(fact.clone());
            }
            Event::PartPriceChanged(fact) => self.price = Some((fact.price, fact.on)),
            Event::PartRetired(_) => self.retired = true,
            Event::PartReinstated(_) => self.retired = false,
        }
        self
    }
}

impl Part {
    /// What it costs now.
    pub fn price(&self) -> Option<Figure> {
        self.price.map(|(price, _)| price)
    }

    /// A line of an offer: so many of it, at what it costs now.
    pub fn offered(&self, quantity: Quantity, wanted: Currency) -> Result<Offered, Rejection> {
        let PartRegistered { part_id, code, name, currency, .. } = self.registered()?;
        let (price, _) = self.price.ok_or(Rejection::NoSuchPart)?;
        if self.retired {
            return Err(Rejection::Retired);
        }
        if *currency != wanted {
            return Err(Rejection::OtherCurrency { sold_in: *currency, wanted });
        }
        Ok(Offered { part_id: Some(*part_id), code: code.clone(), text: Some(name.clone()), quantity, price })
    }

    fn registered(&self) -> Result<&PartRegistered, Rejection> {
        self.registered.as_ref().ok_or(Rejection::NoSuchPart)
    }

    fn register(&self, wish: RegisterPart) -> Result<Vec<Event>, Rejection> {
        let RegisterPart { part_id, code, name, currency, price, registered_on } = wish;
        let registered = PartRegistered { part_id, code, name, currency, price, registered_on };
        match &self.registered {
            None => Ok(vec![registered.into()]),
            Some(already) if *already == registered => Ok(vec![]),
            Some(_) => Err(Rejection::PartIdReused),
        }
    }

    fn change_price(&self, wish: ChangePartPrice) -> Result<Vec<Event>, Rejection> {
        let ChangePartPrice { price, on } = wish;
        let part_id = self.registered()?.part_id;
        let (before, since) = self.price.ok_or(Rejection::NoSuchPart)?;
        if price == before {
            return Ok(vec![]);
        }
        if self.retired {
            return Err(Rejection::Retired);
        }
        if on < since {
            return Err(Rejection::BeforeLatestPrice { since });
        }
        Ok(vec![PartPriceChanged { part_id, before, price, on }.into()])
    }
}

/// A made-up part for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;

    pub fn register() -> RegisterPart {
        RegisterPart {
            part_id: PartId::new(Uuid::from_u128(61)),
            code: Code::new("CMP-12").expect("a code"),
            name: Description::new("ضاغط").expect("a name"),
            currency: Currency::SAR,
            price: "450".parse().expect("a price"),
            registered_on: day(1),
        }
    }

    pub fn registered() -> Event {
        let RegisterPart { part_id, code, name, currency, price, registered_on } = register();
        PartRegistered { part_id, code, name, currency, price, registered_on }.into()
    }

    pub fn price_changed() -> Event {
        let RegisterPart { part_id, price: before, .. } = register();
        PartPriceChanged { part_id, before, price: "480".parse().expect("a price"), on: day(9) }.into()
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        vec![registered(), price_changed(), PartRetired { on: day(20) }.into(), PartReinstated { on: day(21) }.into()]
    }

    /// Of May 2024.
    pub fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 5, day).expect("a date")
    }
}

#[cfg(test)]
mod tests {
    use super::{example::*, *};
    use crate::spec::given;

    fn change(price: &str, on: u32) -> Command {
        Command::ChangePartPrice(ChangePartPrice { price: price.parse().unwrap(), on: day(on) })
    }

    #[test]
    fn a_part_is_registered_once() {
        given::<Part>([]).when(Command::RegisterPart(register())).then([registered()]);
        let other = RegisterPart { currency: Currency::KWD, ..register() };
        given::<Part>([registered()]).when(Command::RegisterPart(other)).then_rejected(Rejection::PartIdReused);
        given::<Part>([]).when(change("480", 9)).then_rejected(Rejection::NoSuchPart);
    }

    #[test]
    fn a_price_follows_another_and_keeps_its_day() {
        given::<Part>([registered()]).when(change("480", 9)).then([price_changed()]);
        given::<Part>([registered(), price_changed()]).when(change("400", 8)).then_rejected(Rejection::BeforeLatestPrice { since: day(9) });
    }

    #[test]
    fn an_offer_names_what_the_part_costs_now_while_it_is_sold() {
        let part = |events: &[Event]| events.iter().fold(Part::default(), Part::evolve);
        let [registered, dearer, retired, _]: [Event; 4] = events().try_into().unwrap();
        let two = "2".parse().unwrap();
        let offered = part(&[registered.clone(), dearer]).offered(two, Currency::SAR).unwrap();
        assert_eq!((offered.code, offered.price), (register().code, "480".parse().unwrap()));
        assert_eq!(part(&[registered.clone(), retired]).offered(two, Currency::SAR), Err(Rejection::Retired));
        let wanted = Currency::KWD;
        assert_eq!(part(&[registered]).offered(two, wanted), Err(Rejection::OtherCurrency { sold_in: Currency::SAR, wanted }));
        assert_eq!(part(&[]).offered(two, Currency::SAR), Err(Rejection::NoSuchPart));
    }

    #[test]
    fn what_is_no_longer_sold_keeps_its_price() {
        let [registered, _, retired, reinstated]: [Event; 4] = events().try_into().unwrap();
        let retire = Command::RetirePart(RetirePart { on: day(20) });
        given::<Part>([registered.clone()]).when(retire).then([retired.clone()]);
        given::<Part>([registered.clone(), retired.clone()]).when(change("480", 22)).then_rejected(Rejection::Retired);
        given::<Part>([registered, retired]).when(Command::ReinstatePart(ReinstatePart { on: day(21) })).then([reinstated]);
    }
}
