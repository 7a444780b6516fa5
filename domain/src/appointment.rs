//! A day's appointments at a branch. They share one stream, so that two who want the last place meet.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Decider,
    branch::BranchDetails,
    ids::{AccountId, AppointmentId, BranchId, RepairId},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    BookAppointment(BookAppointment),
    CancelAppointment(CancelAppointment),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BookAppointment {
    pub appointment_id: AppointmentId,
    pub branch_id: BranchId,
    /// The branch as it is now: whether it is open then, and how many places it has, is its own to say.
    pub branch: BranchDetails,
    pub account_id: AccountId,
    pub repair_id: Option<RepairId>,
    pub day: NaiveDate,
    pub at: NaiveTime,
    /// Where the branch is.
    pub today: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelAppointment {
    pub appointment_id: AppointmentId,
}

events! {
    AppointmentBooked 1
    AppointmentCancelled 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppointmentBooked {
    pub appointment_id: AppointmentId,
    pub branch_id: BranchId,
    pub account_id: AccountId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair_id: Option<RepairId>,
    pub day: NaiveDate,
    pub at: NaiveTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppointmentCancelled {
    pub appointment_id: AppointmentId,
    pub account_id: AccountId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("the branch has no appointments at {at} on {day}")]
    NoSuchTime { day: NaiveDate, at: NaiveTime },
    #[error("{day} is over")]
    DayIsOver { day: NaiveDate },
    #[error("all places at {at} are taken")]
    Full { at: NaiveTime },
    #[error("the account already has an appointment at {at}")]
    AlreadyThere { at: NaiveTime },
    #[error("the appointment is already there with other content, or was cancelled")]
    AppointmentIdReused,
    #[error("there is no such appointment")]
    NoSuchAppointment,
}

#[derive(Clone, Debug, Default)]
pub struct AppointmentDay {
    booked: BTreeMap<AppointmentId, Booked>,
}

#[derive(Clone, Debug)]
struct Booked {
    fact: AppointmentBooked,
    cancelled: bool,
}

impl Decider for AppointmentDay {
    const CATEGORY: &'static str = "appointment_day";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::BookAppointment(wish) => self.book(wish),
            Command::CancelAppointment(CancelAppointment { appointment_id }) => match self.booked.get(&appointment_id) {
                None => Err(Rejection::NoSuchAppointment),
                Some(booked) if booked.cancelled => Ok(vec![]),
                Some(booked) => Ok(vec![AppointmentCancelled { appointment_id, account_id: booked.fact.account_id }.into()]),
            },
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::AppointmentBooked(fact) => {
                self.booked.insert(fact.appointment_id, Booked { fact: fact.clone(), cancelled: false });
            }
            Event::AppointmentCancelled(fact) => {
                if let Some(booked) = self.booked.get_mut(&fact.appointment_id) {
                    booked.cancelled = true;
                }
            }
        }
        self
    }
}

impl AppointmentDay {
    fn book(&self, wish: BookAppointment) -> Result<Vec<Event>, Rejection> {
        let BookAppointment { appointment_id, branch_id, branch, account_id, repair_id, day, at, today } = wish;
        let fact = AppointmentBooked { appointment_id, branch_id, account_id, repair_id, day, at };
        match self.booked.get(&appointment_id) {
            Some(already) if already.fact == fact && !already.cancelled => return Ok(vec![]),
            Some(_) => return Err(Rejection::AppointmentIdReused),
            None => {}
        }
        if day < today {
            return Err(Rejection::DayIsOver { day });
        }
        if !branch.slots(day).contains(&at) {
            return Err(Rejection::NoSuchTime { day, at });
        }
        if self.coming(at).any(|booked| booked.account_id == account_id) {
            return Err(Rejection::AlreadyThere { at });
        }
        if self.left(&branch, at) == 0 {
            return Err(Rejection::Full { at });
        }
        Ok(vec![fact.into()])
    }

    /// The times of the day at which the branch can still receive somebody, and how many.
    pub fn free(&self, branch: &BranchDetails, day: NaiveDate) -> Vec<(NaiveTime, usize)> {
        let slots = branch.slots(day).into_iter().map(|at| (at, self.left(branch, at)));
        slots.filter(|(_, left)| *left > 0).collect()
    }

    fn left(&self, branch: &BranchDetails, at: NaiveTime) -> usize {
        usize::from(branch.places).saturating_sub(self.coming(at).count())
    }

    fn coming(&self, at: NaiveTime) -> impl Iterator<Item = &AppointmentBooked> {
        self.booked.values().filter(move |booked| !booked.cancelled && booked.fact.at == at).map(|booked| &booked.fact)
    }
}

/// Made-up appointments for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;
    use crate::branch::example as branches;

    /// The n-th, for the n-th account, on a Sunday at nine.
    pub fn book(n: u128) -> BookAppointment {
        BookAppointment {
            appointment_id: AppointmentId::new(Uuid::from_u128(900 + n)),
            branch_id: branches::BRANCH,
            branch: branches::details(),
            account_id: AccountId::new(Uuid::from_u128(n)),
            repair_id: None,
            day: branches::day(5),
            at: branches::at(9, 0),
            today: branches::day(4),
        }
    }

    pub fn booked(n: u128) -> Event {
        let BookAppointment { appointment_id, branch_id, account_id, repair_id, day, at, .. } = book(n);
        AppointmentBooked { appointment_id, branch_id, account_id, repair_id, day, at }.into()
    }

    pub fn cancelled(n: u128) -> Event {
        let BookAppointment { appointment_id, account_id, .. } = book(n);
        AppointmentCancelled { appointment_id, account_id }.into()
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        vec![booked(1), cancelled(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::{example::*, *};
    use crate::{branch::example::at, spec::given};

    fn wish(n: u128) -> Command {
        Command::BookAppointment(book(n))
    }

    #[test]
    fn places_are_taken_until_none_is_left() {
        given::<AppointmentDay>([]).when(wish(1)).then([booked(1)]);
        given::<AppointmentDay>([booked(1)]).when(wish(2)).then([booked(2)]);
        given::<AppointmentDay>([booked(1), booked(2)]).when(wish(3)).then_rejected(Rejection::Full { at: at(9, 0) });
        given::<AppointmentDay>([booked(1), booked(2), cancelled(1)]).when(wish(3)).then([booked(3)]);
        let later = BookAppointment { at: at(9, 30), ..book(3) };
        given::<AppointmentDay>([booked(1), booked(2)]).when(Command::BookAppointment(later.clone())).then([AppointmentBooked {
            appointment_id: later.appointment_id,
            branch_id: later.branch_id,
            account_id: later.account_id,
            repair_id: None,
            day: later.day,
            at: later.at,
        }
        .into()]);
    }

    #[test]
    fn an_account_comes_once_at_a_time() {
        let again = BookAppointment { appointment_id: book(9).appointment_id, ..book(1) };
        given::<AppointmentDay>([booked(1)]).when(Command::BookAppointment(again)).then_rejected(Rejection::AlreadyThere { at: at(9, 0) });
    }

    #[test]
    fn the_branch_says_when() {
        for (at, day) in
            [(at(9, 10), book(1).day), (at(12, 0), book(1).day), (at(9, 0), book(1).day.succ_opt().unwrap().succ_opt().unwrap())]
        {
            let wish = BookAppointment { at, day, ..book(1) };
            given::<AppointmentDay>([]).when(Command::BookAppointment(wish)).then_rejected(Rejection::NoSuchTime { day, at });
        }
    }

    #[test]
    fn nobody_comes_on_a_day_that_is_over() {
        let day = book(1).day;
        let late = BookAppointment { today: day.succ_opt().unwrap(), ..book(1) };
        given::<AppointmentDay>([]).when(Command::BookAppointment(late)).then_rejected(Rejection::DayIsOver { day });
        let today = BookAppointment { today: day, ..book(1) };
        given::<AppointmentDay>([]).when(Command::BookAppointment(today)).then([booked(1)]);
    }

    #[test]
    fn what_is_free_can_be_booked() {
        let branch = BranchDetails { slot_minutes: 90, ..book(1).branch };
        let free =
            |events: &[Event]| events.iter().fold(AppointmentDay::default(), AppointmentDay::evolve).free(&book(1).branch, book(1).day);
        let nine = |events: &[Event]| free(events).into_iter().find(|(slot, _)| *slot == at(9, 0)).map(|(_, left)| left);
        assert_eq!([nine(&[]), nine(&[booked(1)]), nine(&[booked(1), booked(2)])], [Some(2), Some(1), None]);
        assert_eq!(nine(&[booked(1), booked(2), cancelled(1)]), Some(1));
        assert_eq!(AppointmentDay::default().free(&branch, book(1).day).len(), 4);
    }

    #[test]
    fn a_cancelled_appointment_is_over() {
        let cancel = |n| Command::CancelAppointment(CancelAppointment { appointment_id: book(n).appointment_id });
        given::<AppointmentDay>([booked(1)]).when(cancel(1)).then([cancelled(1)]);
        given::<AppointmentDay>([booked(1)]).when(cancel(2)).then_rejected(Rejection::NoSuchAppointment);
        given::<AppointmentDay>([booked(1), cancelled(1)]).when(wish(1)).then_rejected(Rejection::AppointmentIdReused);
    }
}
