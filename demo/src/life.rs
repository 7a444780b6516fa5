//! The history: an agenda of what is done when, each thing done putting others on it.

mod billing;
mod paying;
mod rebilling;
mod repairing;
mod supplying;

use std::collections::BTreeMap;

use chrono::{DateTime, Months, NaiveDate, Utc};
use daftar_billing::{Terms, desk::Desk, period_close::PeriodClose};
use daftar_domain::{
    account::{ItemId, Tender},
    ids::{InvoiceId, PaymentId, ReadCycleId, ReadingId},
};
use repairing::{Job, Step};
use sqlx::PgPool;

use crate::{
    DemoError, LAST_MONTH, Wish,
    company::day_of_month,
    people::{self, Habit, Person, Place, Supply, month},
    world::{World, later, local},
};

/// Days of the month on which the company's three cycles are read; the last of a shorter month.
pub const READING_DAYS: [u32; 3] = [25, 28, 31];

/// How many days of the month after the last are still told: enough to close the last month's books.
const EPILOGUE: u64 = 5;

#[derive(Debug)]
pub struct Life {
    pub world: World,
    closing: PeriodClose,
    desk: Desk,
    terms: Terms,
    months: i64,
    /// Of the history.
    first: NaiveDate,
    end: NaiveDate,
    cycles: [ReadCycleId; 3],
    people: Vec<Person>,
    places: Vec<Place>,
    agenda: BTreeMap<(DateTime<Utc>, u64), Act>,
    planned: u64,
    /// What is rare happens once in so many months of an account.
    rare: u64,
}

/// What is done at a time. People and places by their numbers.
#[derive(Clone, Debug)]
enum Act {
    Open(usize),
    Connect(usize),
    PlanMonth(i64),
    Read {
        place: usize,
        supply: usize,
    },
    /// A person has looked at a reading that was held.
    Release {
        place: usize,
        supply: usize,
        reading_id: ReadingId,
    },
    Exchange {
        place: usize,
        supply: usize,
    },
    MoveIn(usize),
    SwitchOff(usize),
    SwitchOn(usize),
    Bill {
        name: String,
        month: i64,
        again: bool,
    },
    ReleaseInvoice(InvoiceId),
    Pay {
        person: usize,
        how: Pay,
    },
    Bounce {
        person: usize,
        payment_id: PaymentId,
    },
    DayEnd,
    Dispute(usize),
    Resolve {
        person: usize,
        item: ItemId,
    },
    Credit(usize),
    Rebill {
        person: usize,
        invoice_id: InvoiceId,
        why: &'static str,
    },
    MoreDwellings(usize),
    /// Somebody brings what is broken.
    Bring(usize),
    Repair(Job, Step),
    WriteOff(usize),
    Leave(usize),
    Close(i64),
}

/// What of the debt is paid, and with what.
#[derive(Clone, Copy, Debug)]
struct Pay {
    per_mille: i64,
    to_next_fifty: bool,
    tender: Tender,
}

impl Life {
    pub fn new(wish: &Wish, scratch: &PgPool) -> Self {
        let world = World::new(wish.seed.into(), scratch);
        let end = month(LAST_MONTH, 1);
        let first = end.checked_sub_months(Months::new(wish.months)).unwrap_or(end);
        let (people, places) = people::everybody(&world, wish, first);
        let cycles = READING_DAYS.map(|day| ReadCycleId::new(world.id(&format!("cycle {day}"))));
        let closing = PeriodClose::new(world.engine.clone(), scratch.clone());
        let rare = (u64::from(wish.accounts) * u64::from(wish.months) / 150).max(25);
        let (months, terms) = (i64::from(wish.months), crate::company::terms());
        let desk = Desk::new(world.engine.clone(), scratch.clone(), terms.clone());
        Self { world, closing, desk, terms, months, first, end, cycles, people, places, agenda: BTreeMap::new(), planned: 0, rare }
    }

    /// From the first day to the last; `progress` hears how much of it is told, in per cent.
    pub async fn tell(&mut self, progress: &(dyn Fn(u64) + Sync)) -> Result<(), DemoError> {
        self.found().await?;
        let (begun, ends) = (local(self.first, 0), local(later(self.end, EPILOGUE), 0));
        while let Some(((when, _), act)) = self.agenda.pop_first() {
            if when >= ends {
                break;
            }
            self.world.wait_until(when);
            self.act(act).await?;
            let (gone, all) = ((when - begun).num_minutes().max(0), (ends - begun).num_minutes().max(1));
            progress(u64::try_from(gone * 100 / all).unwrap_or_default());
        }
        Ok(())
    }

    /// What there must be before the first customer: tariffs, cycles, and on the agenda everybody's first day.
    async fn found(&mut self) -> Result<(), DemoError> {
        self.world.wait_until(local(self.first.checked_sub_months(Months::new(1)).unwrap_or(self.first), 8 * 60));
        crate::company::found(&self.world, self.cycles, self.first).await?;
        self.open_workshops().await?;
        for number in 0..self.people.len() {
            let Person { from, follows, .. } = self.people[number];
            let mut dice = self.world.dice(&format!("first day {number}"));
            let open_on = from - chrono::Days::new(2 + dice.below(12));
            self.plan(open_on, dice.below(9 * 60) + 8 * 60, Act::Open(number));
            match follows {
                None => self.plan(from, 7 * 60 + dice.below(10 * 60), Act::Connect(number)),
                Some(_) => self.plan(from, 7 * 60, Act::MoveIn(number)),
            }
        }
        (0..self.months).for_each(|n| self.plan(month(self.first, n), 1, Act::PlanMonth(n)));
        Ok(())
    }

    fn plan(&mut self, day: NaiveDate, minutes: u64, act: Act) {
        self.planned += 1;
        self.agenda.insert((local(day, minutes), self.planned), act);
    }

    async fn act(&mut self, act: Act) -> Result<(), DemoError> {
        match act {
            Act::Open(person) => self.open(person).await,
            Act::Connect(person) => self.connect(person).await,
            Act::PlanMonth(n) => {
                self.plan_month(n);
                Ok(())
            }
            Act::Read { place, supply } => self.read(place, supply).await,
            Act::Release { place, supply, reading_id } => self.release(place, supply, reading_id).await,
            Act::Exchange { place, supply } => self.exchange(place, supply).await,
            Act::MoveIn(person) => self.move_in(person).await,
            Act::SwitchOff(person) => self.switch(person, false).await,
            Act::SwitchOn(person) => self.switch(person, true).await,
            Act::Bill { name, month, again } => self.bill(&name, month, again).await,
            Act::ReleaseInvoice(invoice_id) => self.release_invoice(invoice_id).await,
            Act::Pay { person, how } => self.pay(person, how).await,
            Act::Bounce { person, payment_id } => self.bounce(person, payment_id).await,
            Act::DayEnd => self.day_end().await,
            Act::Dispute(person) => self.dispute(person).await,
            Act::Resolve { person, item } => self.resolve(person, item).await,
            Act::Credit(person) => self.credit(person).await,
            Act::Rebill { person, invoice_id, why } => self.rebill(person, invoice_id, why).await,
            Act::MoreDwellings(person) => self.more_dwellings(person).await,
            Act::Bring(person) => self.bring(person).await,
            Act::Repair(job, step) => self.repair(job, step).await,
            Act::WriteOff(person) => self.write_off(person).await,
            Act::Leave(person) => self.leave(person).await,
            Act::Close(n) => self.close(n).await,
        }
    }

    /// What every month brings, and what chance adds.
    fn plan_month(&mut self, n: i64) {
        let (first, next) = (month(self.first, n), month(self.first, n + 1));
        for place in 0..self.places.len() {
            for supply in 0..self.places[place].supplies.len() {
                let Supply { cycle, dial, .. } = &self.places[place].supplies[supply];
                let mut dice = self.world.dice(&format!("month {n} of {}", dial.meter_id));
                let day = day_of_month(first, READING_DAYS[*cycle]);
                let minutes = if dial.is_smart() { 22 * 60 + dice.below(60) } else { 7 * 60 + dice.below(9 * 60) };
                if dice.below(self.rare * 2) == 0 {
                    self.plan(later(first, 6 + dice.below(10)), 10 * 60, Act::Exchange { place, supply });
                }
                self.plan(day, minutes, Act::Read { place, supply });
            }
        }
        for person in 0..self.people.len() {
            let mut dice = self.world.dice(&format!("month {n} of person {person}"));
            let act = match dice.below(self.rare) {
                0 => Act::Credit(person),
                1 => Act::Dispute(person),
                2 => Act::MoreDwellings(person),
                3 => Act::Bring(person),
                _ => continue,
            };
            self.plan(later(first, 7 + dice.below(12)), 9 * 60 + dice.below(6 * 60), act);
        }
        for number in 0..self.people.len() {
            if let Habit::Stops { in_month, comes_back } = self.people[number].habit {
                match n - in_month {
                    3 => self.plan(later(first, 19), 10 * 60, Act::SwitchOff(number)),
                    6 if comes_back => {
                        let how = Pay { per_mille: 1_000, to_next_fifty: false, tender: Tender::Transfer };
                        self.plan(later(first, 12), 11 * 60, Act::Pay { person: number, how });
                        self.plan(later(first, 12), 13 * 60, Act::SwitchOn(number));
                    }
                    9 if !comes_back => self.plan(later(first, 24), 12 * 60, Act::WriteOff(number)),
                    _ => {}
                }
            }
        }
        // The day after the due date of what was billed on the first, and the last.
        self.plan(later(first, 16), 60, Act::DayEnd);
        self.plan(next, 30, Act::DayEnd);
        let name = first.format("%Y-%m").to_string();
        self.plan(next, 6 * 60, Act::Bill { name, month: n, again: false });
        self.plan(later(next, EPILOGUE - 1), 8 * 60, Act::Close(n));
    }
}
