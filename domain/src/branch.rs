//! A branch: where it is, when it is open, and how many it can receive at once.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike, Weekday};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Code, Decider, Description, ids::BranchId, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    OpenBranch(OpenBranch),
    AmendBranch(AmendBranch),
    CloseBranch(CloseBranch),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenBranch {
    pub branch_id: BranchId,
    pub code: Code,
    pub details: BranchDetails,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AmendBranch {
    pub details: BranchDetails,
    pub on: NaiveDate,
}

/// For good. What it still has to mend is finished elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloseBranch {
    pub on: NaiveDate,
}

events! {
    BranchOpened 1
    BranchAmended 1
    BranchClosed 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchOpened {
    pub branch_id: BranchId,
    pub code: Code,
    pub details: BranchDetails,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchAmended {
    pub details: BranchDetails,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchClosed {
    pub on: NaiveDate,
}

/// What people who want to come need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchDetails {
    pub name: Description,
    /// As the other language has it.
    pub name_in_english: Description,
    pub address: Description,
    pub location: Location,
    pub hours: Vec<OpeningHours>,
    /// Of one appointment.
    pub slot_minutes: u16,
    /// Appointments at the same time.
    pub places: u16,
}

/// Degrees north and east, as maps have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub latitude: Decimal,
    pub longitude: Decimal,
}

/// A day has none, one, or two with a rest between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    pub weekday: Weekday,
    pub from: NaiveTime,
    pub to: NaiveTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such branch")]
    NoSuchBranch,
    #[error("the branch is already there with other details")]
    BranchIdReused,
    #[error("the branch is closed for good")]
    Closed,
    #[error("a latitude is within 90 degrees, a longitude within 180")]
    NotOnEarth,
    #[error("opening hours end after they begin, on whole minutes, and do not overlap: {weekday}")]
    HoursMakeNoSense { weekday: Weekday },
    #[error("an appointment has at least five minutes, and a place")]
    NoAppointments,
}

#[derive(Clone, Debug, Default)]
pub struct Branch {
    opened: Option<BranchOpened>,
    details: Option<BranchDetails>,
    closed: bool,
}

impl Decider for Branch {
    const CATEGORY: &'static str = "branch";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::OpenBranch(wish) => self.open(wish),
            Command::AmendBranch(wish) => self.amend(wish),
            Command::CloseBranch(CloseBranch { on }) => match &self.opened {
                None => Err(Rejection::NoSuchBranch),
                Some(_) if self.closed => Ok(vec![]),
                Some(_) => Ok(vec![BranchClosed { on }.into()]),
            },
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::BranchOpened(fact) => {
                self.details = Some(fact.details.clone());
                self.opened = Some(fact.clone());
            }
            Event::BranchAmended(fact) => self.details = Some(fact.details.clone()),
            Event::BranchClosed(_) => self.closed = true,
        }
        self
    }
}

impl Branch {
    /// As long as it receives anybody.
    pub fn receiving(&self) -> Result<&BranchDetails, Rejection> {
        let details = self.details.as_ref().ok_or(Rejection::NoSuchBranch)?;
        if self.closed { Err(Rejection::Closed) } else { Ok(details) }
    }

    fn open(&self, wish: OpenBranch) -> Result<Vec<Event>, Rejection> {
        let OpenBranch { branch_id, code, details, on } = wish;
        details.check()?;
        let opened = BranchOpened { branch_id, code, details, on };
        match &self.opened {
            None => Ok(vec![opened.into()]),
            Some(already) if *already == opened => Ok(vec![]),
            Some(_) => Err(Rejection::BranchIdReused),
        }
    }

    fn amend(&self, wish: AmendBranch) -> Result<Vec<Event>, Rejection> {
        let AmendBranch { details, on } = wish;
        let before = self.details.as_ref().ok_or(Rejection::NoSuchBranch)?;
        if *before == details {
            return Ok(vec![]);
        }
        if self.closed {
            return Err(Rejection::Closed);
        }
        details.check()?;
        Ok(vec![BranchAmended { details, on }.into()])
    }
}

impl BranchDetails {
    /// Where a map shows it.
    pub fn map_link(&self) -> String {
        let Location { latitude, longitude } = self.location;
        format!("https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}")
    }

    /// The times at which appointments of that day can begin: each ends within the hours.
    pub fn slots(&self, day: NaiveDate) -> Vec<NaiveTime> {
        let minutes = u32::from(self.slot_minutes);
        let of_day = self.hours.iter().filter(|hours| hours.weekday == day.weekday());
        let starts = of_day.flat_map(|hours| {
            let (from, to) = (minute(hours.from), minute(hours.to));
            (from..).step_by(minutes.max(1) as usize).take_while(move |start| start + minutes <= to)
        });
        let mut slots: Vec<_> = starts.filter_map(|start| NaiveTime::from_hms_opt(start / 60, start % 60, 0)).collect();
        slots.sort();
        slots
    }

    fn check(&self) -> Result<(), Rejection> {
        let Location { latitude, longitude } = self.location;
        if latitude.abs() > Decimal::from(90) || longitude.abs() > Decimal::from(180) {
            return Err(Rejection::NotOnEarth);
        }
        if self.slot_minutes < 5 || self.places == 0 {
            return Err(Rejection::NoAppointments);
        }
        for (index, hours) in self.hours.iter().enumerate() {
            let overlaps = |other: &OpeningHours| other.weekday == hours.weekday && other.from < hours.to && hours.from < other.to;
            let whole = |time: NaiveTime| time.second() == 0 && time.nanosecond() == 0;
            if hours.to <= hours.from || !whole(hours.from) || !whole(hours.to) || self.hours[..index].iter().any(overlaps) {
                return Err(Rejection::HoursMakeNoSense { weekday: hours.weekday });
            }
        }
        Ok(())
    }
}

fn minute(time: NaiveTime) -> u32 {
    time.hour() * 60 + time.minute()
}

/// A made-up branch for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;

    pub const BRANCH: BranchId = BranchId::new(Uuid::from_u128(81));

    /// Open on Sundays with a rest at noon, and on Mondays without.
    pub fn details() -> BranchDetails {
        let text = |text: &str| Description::new(text).expect("a text");
        let hours = [(Weekday::Sun, 8, 12), (Weekday::Sun, 16, 20), (Weekday::Mon, 8, 14)];
        BranchDetails {
            name: text("فرع العليا"),
            name_in_english: text("Olaya branch"),
            address: text("شارع العليا، الرياض"),
            location: Location { latitude: Decimal::new(24_6951, 4), longitude: Decimal::new(46_6852, 4) },
            hours: hours.map(|(weekday, from, to)| OpeningHours { weekday, from: at(from, 0), to: at(to, 0) }).to_vec(),
            slot_minutes: 30,
            places: 2,
        }
    }

    pub fn open() -> OpenBranch {
        OpenBranch { branch_id: BRANCH, code: Code::new("RUH-OLAYA").expect("a code"), details: details(), on: day(1) }
    }

    pub fn opened() -> Event {
        let OpenBranch { branch_id, code, details, on } = open();
        BranchOpened { branch_id, code, details, on }.into()
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let details = BranchDetails { places: 3, ..details() };
        vec![opened(), BranchAmended { details, on: day(5) }.into(), BranchClosed { on: day(30) }.into()]
    }

    /// Of May 2024: the 5th is a Sunday.
    pub fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 5, day).expect("a date")
    }

    pub fn at(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).expect("a time")
    }
}

#[cfg(test)]
mod tests {
    use super::{example::*, *};
    use crate::spec::given;

    #[test]
    fn a_branch_opens_is_amended_and_closes_for_good() {
        let [opened, amended, closed]: [Event; 3] = events().try_into().unwrap();
        let amend = Command::AmendBranch(AmendBranch { details: BranchDetails { places: 3, ..details() }, on: day(5) });
        given::<Branch>([]).when(Command::OpenBranch(open())).then([opened.clone()]);
        given::<Branch>([opened.clone()]).when(amend.clone()).then([amended]);
        given::<Branch>([opened.clone()]).when(Command::CloseBranch(CloseBranch { on: day(30) })).then([closed.clone()]);
        let branch = |events: &[Event]| events.iter().fold(Branch::default(), Branch::evolve).receiving().cloned();
        assert_eq!(branch(&[]), Err(Rejection::NoSuchBranch));
        assert_eq!(branch(std::slice::from_ref(&opened)), Ok(details()));
        assert_eq!(branch(&[opened.clone(), closed.clone()]), Err(Rejection::Closed));
        given::<Branch>([opened.clone(), closed]).when(amend.clone()).then_rejected(Rejection::Closed);
        given::<Branch>([]).when(amend).then_rejected(Rejection::NoSuchBranch);
        let other = OpenBranch { code: Code::new("OTHER").unwrap(), ..open() };
        given::<Branch>([opened]).when(Command::OpenBranch(other)).then_rejected(Rejection::BranchIdReused);
    }

    #[test]
    fn details_that_make_no_sense_are_refused() {
        let hours = |weekday, from, to| OpeningHours { weekday, from, to };
        let monday = |from, to| vec![hours(Weekday::Mon, at(8, 0), at(12, 0)), hours(Weekday::Mon, from, to)];
        let nonsense = Rejection::HoursMakeNoSense { weekday: Weekday::Mon };
        for (details, rejection) in [
            (
                BranchDetails { location: Location { latitude: Decimal::from(91), ..details().location }, ..details() },
                Rejection::NotOnEarth,
            ),
            (BranchDetails { slot_minutes: 4, ..details() }, Rejection::NoAppointments),
            (BranchDetails { places: 0, ..details() }, Rejection::NoAppointments),
            (BranchDetails { hours: monday(at(11, 59), at(14, 0)), ..details() }, nonsense),
            (BranchDetails { hours: monday(at(14, 0), at(14, 0)), ..details() }, nonsense),
            (BranchDetails { hours: monday(NaiveTime::from_hms_opt(14, 0, 1).unwrap(), at(15, 0)), ..details() }, nonsense),
        ] {
            given::<Branch>([]).when(Command::OpenBranch(OpenBranch { details, ..open() })).then_rejected(rejection);
        }
    }

    #[test]
    fn slots_fill_the_hours_and_go_no_further() {
        let details = BranchDetails { slot_minutes: 90, ..details() };
        assert_eq!(details.slots(day(5)), [at(8, 0), at(9, 30), at(16, 0), at(17, 30)]);
        assert_eq!(details.slots(day(6)), [at(8, 0), at(9, 30), at(11, 0), at(12, 30)]);
        assert_eq!(details.slots(day(7)), []);
    }

    #[test]
    fn the_map_shows_the_branch() {
        assert_eq!(details().map_link(), "https://www.openstreetmap.org/?mlat=24.6951&mlon=46.6852#map=17/24.6951/46.6852");
    }
}
