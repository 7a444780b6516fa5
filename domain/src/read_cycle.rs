//! The read cycle: a group of meters read, and so billed, on the same days.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Code, Decider, Reason, ids::ReadCycleId, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    DefineReadCycle(DefineReadCycle),
    MoveReadingDay(MoveReadingDay),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DefineReadCycle {
    pub read_cycle_id: ReadCycleId,
    /// What people call it, and `--cycle` takes.
    pub code: Code,
    pub every: Interval,
    /// The first month that is read, by any day in it.
    pub first_month: NaiveDate,
    /// Of the month; the last day of a shorter month.
    pub day_of_month: u32,
}

/// One month is read on another day: a holiday, a storm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoveReadingDay {
    pub regular_day: NaiveDate,
    pub moved_to: NaiveDate,
    pub reason: Reason,
}

events! {
    ReadCycleDefined 1
    ReadingDayMoved 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadCycleDefined {
    pub read_cycle_id: ReadCycleId,
    pub code: Code,
    pub every: Interval,
    pub first_month: NaiveDate,
    pub day_of_month: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingDayMoved {
    pub regular_day: NaiveDate,
    pub moved_to: NaiveDate,
    pub reason: Reason,
}

/// How often a cycle is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Interval {
    Monthly,
    EverySecondMonth,
    Quarterly,
}

impl Interval {
    const fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::EverySecondMonth => 2,
            Self::Quarterly => 3,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such read cycle")]
    NotDefined,
    #[error("the read cycle is already defined otherwise")]
    AlreadyDefined,
    #[error("a reading day is from 1 to 31")]
    NotADayOfMonth,
    #[error("{0} is not a regular reading day of the cycle")]
    NotAReadingDay(NaiveDate),
    #[error("{0} is not between the reading days before and after")]
    OutOfOrder(NaiveDate),
}

#[derive(Clone, Debug, Default)]
pub struct ReadCycle {
    defined: Option<ReadCycleDefined>,
    /// By the regular day.
    moved: BTreeMap<NaiveDate, NaiveDate>,
}

impl Decider for ReadCycle {
    const CATEGORY: &'static str = "read_cycle";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::DefineReadCycle(wish) => self.define(wish),
            Command::MoveReadingDay(wish) => self.move_day(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::ReadCycleDefined(fact) => self.defined = Some(fact.clone()),
            Event::ReadingDayMoved(fact) => {
                self.moved.insert(fact.regular_day, fact.moved_to);
            }
        }
        self
    }
}

impl ReadCycle {
    /// The reading days from one date up to and without another.
    pub fn reading_days(&self, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
        // A moved day stays between its neighbours, so it lies at most one interval from its regular day.
        let reach = self.defined.as_ref().map_or(Months::new(0), |defined| Months::new(defined.every.months() + 1));
        let (first, last) = (from.checked_sub_months(reach).unwrap_or(from), to.checked_add_months(reach).unwrap_or(to));
        let days = self.regular_days(first, last).map(|regular| self.day_for(regular));
        days.filter(|day| from <= *day && *day < to).collect()
    }

    fn define(&self, wish: DefineReadCycle) -> Result<Vec<Event>, Rejection> {
        let DefineReadCycle { read_cycle_id, code, every, first_month, day_of_month } = wish;
        if !(1..=31).contains(&day_of_month) {
            return Err(Rejection::NotADayOfMonth);
        }
        let defined = ReadCycleDefined { read_cycle_id, code, every, first_month, day_of_month };
        match &self.defined {
            None => Ok(vec![defined.into()]),
            Some(already) if *already == defined => Ok(vec![]),
            Some(_) => Err(Rejection::AlreadyDefined),
        }
    }

    fn move_day(&self, wish: MoveReadingDay) -> Result<Vec<Event>, Rejection> {
        let MoveReadingDay { regular_day, moved_to, reason } = wish;
        let defined = self.defined.as_ref().ok_or(Rejection::NotDefined)?;
        let interval = Months::new(defined.every.months());
        let neighbours = regular_day.checked_sub_months(interval).zip(regular_day.checked_add_months(interval));
        let (earliest, latest) = neighbours.ok_or(Rejection::NotAReadingDay(regular_day))?;
        // A neighbour by the calendar may be a day or three off the end of a month, hence the slack.
        let days: Vec<_> = self.regular_days(earliest - Days::new(3), latest + Days::new(4)).collect();
        let here = days.binary_search(&regular_day).map_err(|_| Rejection::NotAReadingDay(regular_day))?;
        let before = here.checked_sub(1).map_or(earliest, |before| self.day_for(days[before]).max(earliest));
        let after = days.get(here + 1).map_or(latest, |after| self.day_for(*after).min(latest));
        if moved_to <= before || after <= moved_to {
            return Err(Rejection::OutOfOrder(moved_to));
        }
        if self.day_for(regular_day) == moved_to {
            return Ok(vec![]);
        }
        Ok(vec![ReadingDayMoved { regular_day, moved_to, reason }.into()])
    }

    fn day_for(&self, regular: NaiveDate) -> NaiveDate {
        self.moved.get(&regular).copied().unwrap_or(regular)
    }

    fn regular_days(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let months = self.defined.iter().flat_map(|defined| {
            let first = defined.first_month.with_day(1).unwrap_or(defined.first_month);
            let step = defined.every.months();
            (0..).map_while(move |n: u32| first.checked_add_months(Months::new(n.checked_mul(step)?))).map(|first| {
                let last = first.checked_add_months(Months::new(1)).map_or(first, |next| next - Days::new(1));
                first.with_day(defined.day_of_month).unwrap_or(last)
            })
        });
        months.skip_while(move |day| *day < from).take_while(move |day| *day < to)
    }
}

/// A made-up read cycle for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;

    pub fn define() -> Command {
        let ReadCycleDefined { read_cycle_id, code, every, first_month, day_of_month } = payload();
        Command::DefineReadCycle(DefineReadCycle { read_cycle_id, code, every, first_month, day_of_month })
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let day = |day| NaiveDate::from_ymd_opt(2024, 4, day).expect("a date");
        let reason = Reason::new("holiday").expect("a reason");
        vec![payload().into(), ReadingDayMoved { regular_day: day(30), moved_to: day(28), reason }.into()]
    }

    fn payload() -> ReadCycleDefined {
        ReadCycleDefined {
            read_cycle_id: ReadCycleId::new(Uuid::from_u128(51)),
            code: Code::new("A31").expect("a code"),
            every: Interval::Monthly,
            first_month: NaiveDate::from_ymd_opt(2024, 1, 15).expect("a date"),
            day_of_month: 31,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::given;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn cycle(every: Interval, day_of_month: u32, moved: &[(&str, &str)]) -> ReadCycle {
        let Event::ReadCycleDefined(defined) = example::events().remove(0) else { unreachable!() };
        let moved = moved.iter().map(|(from, to)| (day(from), day(to))).collect();
        ReadCycle { defined: Some(ReadCycleDefined { every, day_of_month, ..defined }), moved }
    }

    fn move_day(from: &str, to: &str) -> Command {
        Command::MoveReadingDay(MoveReadingDay { regular_day: day(from), moved_to: day(to), reason: Reason::new("holiday").unwrap() })
    }

    #[test]
    fn a_cycle_is_defined_once() {
        let [defined, moved]: [Event; 2] = example::events().try_into().unwrap();
        given::<ReadCycle>([]).when(example::define()).then([defined.clone()]);
        let Command::DefineReadCycle(wish) = example::define() else { unreachable!() };
        for day_of_month in [0, 32] {
            let wish = DefineReadCycle { day_of_month, ..wish.clone() };
            given::<ReadCycle>([]).when(Command::DefineReadCycle(wish)).then_rejected(Rejection::NotADayOfMonth);
        }
        let other = DefineReadCycle { day_of_month: 1, ..wish };
        given::<ReadCycle>([defined.clone()]).when(Command::DefineReadCycle(other)).then_rejected(Rejection::AlreadyDefined);
        given::<ReadCycle>([defined]).when(move_day("2024-04-30", "2024-04-28")).then([moved]);
    }

    #[test]
    fn reading_days() {
        let february = [("2024-02-29", "2024-03-02")];
        for (cycle, from, to, expected) in [
            (cycle(Interval::Monthly, 31, &[]), "2024-01-01", "2024-05-01", "2024-01-31 2024-02-29 2024-03-31 2024-04-30"),
            (cycle(Interval::Monthly, 1, &[]), "2024-02-01", "2024-03-01", "2024-02-01"),
            (cycle(Interval::Monthly, 1, &[]), "2023-06-01", "2024-01-02", "2024-01-01"),
            (cycle(Interval::EverySecondMonth, 5, &[]), "2024-01-05", "2024-05-05", "2024-01-05 2024-03-05"),
            (cycle(Interval::Quarterly, 30, &[]), "2024-01-01", "2025-02-01", "2024-01-30 2024-04-30 2024-07-30 2024-10-30 2025-01-30"),
            (cycle(Interval::Monthly, 31, &february), "2024-02-01", "2024-03-01", ""),
            (cycle(Interval::Monthly, 31, &february), "2024-03-01", "2024-04-01", "2024-03-02 2024-03-31"),
            (ReadCycle::default(), "2024-03-01", "2024-04-01", ""),
        ] {
            let days: Vec<_> = cycle.reading_days(day(from), day(to)).iter().map(NaiveDate::to_string).collect();
            assert_eq!(days.join(" "), expected, "{from} {to}");
        }
    }

    #[test]
    fn a_moved_day_stays_between_its_neighbours() {
        let [defined, _]: [Event; 2] = example::events().try_into().unwrap();
        given::<ReadCycle>([]).when(move_day("2024-04-30", "2024-04-28")).then_rejected(Rejection::NotDefined);
        for (from, to, rejection) in [
            ("2024-04-29", "2024-04-28", Rejection::NotAReadingDay(day("2024-04-29"))),
            ("2023-12-31", "2023-12-30", Rejection::NotAReadingDay(day("2023-12-31"))),
            ("2024-04-30", "2024-03-31", Rejection::OutOfOrder(day("2024-03-31"))),
            ("2024-04-30", "2024-05-30", Rejection::OutOfOrder(day("2024-05-30"))),
            ("2024-01-31", "2023-12-31", Rejection::OutOfOrder(day("2023-12-31"))),
        ] {
            given::<ReadCycle>([defined.clone()]).when(move_day(from, to)).then_rejected(rejection);
        }
        for (from, to) in [("2024-04-30", "2024-04-01"), ("2024-04-30", "2024-05-29"), ("2024-01-31", "2024-01-01")] {
            let moved = ReadingDayMoved { regular_day: day(from), moved_to: day(to), reason: Reason::new("holiday").unwrap() };
            given::<ReadCycle>([defined.clone()]).when(move_day(from, to)).then([moved.into()]);
        }
        given::<ReadCycle>([defined]).when(move_day("2024-04-30", "2024-04-30")).then_nothing();
    }

    #[test]
    fn a_moved_day_stays_between_neighbours_that_were_moved_themselves() {
        // The days are 31 January, 29 February, 31 March, 30 April, 31 May: neighbours differ by the ends of their months.
        for (neighbour, neighbour_to, regular, wrong, right) in [
            ("2024-05-31", "2024-05-10", "2024-04-30", "2024-05-10", "2024-05-09"),
            ("2024-03-31", "2024-04-05", "2024-04-30", "2024-04-05", "2024-04-06"),
            ("2024-03-31", "2024-03-05", "2024-02-29", "2024-03-05", "2024-03-04"),
            ("2024-01-31", "2024-02-05", "2024-02-29", "2024-02-05", "2024-02-06"),
            ("2024-02-29", "2024-03-05", "2024-03-31", "2024-03-05", "2024-03-06"),
        ] {
            let cycle = || cycle(Interval::Monthly, 31, &[(neighbour, neighbour_to)]);
            assert_eq!(cycle().decide(move_day(regular, wrong)), Err(Rejection::OutOfOrder(day(wrong))), "{regular}");
            assert_eq!(cycle().decide(move_day(regular, right)).map(|events| events.len()), Ok(1), "{regular}");
        }
    }
}
