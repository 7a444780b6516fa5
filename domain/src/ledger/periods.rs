//! Accounting periods: opened one after the other, closed in that order, and never opened again.
//!
//! One stream holds them all, because none may overlap another or leave a gap. What is recorded late for a closed period is posted in the
//! first that is open, and keeps its effective date. What finance judges for the end of a period is in the same stream: see `allowance.rs`.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::allowance::{AllowanceSet, Allowances, SetAllowance};
use crate::{Actor, BillingPeriod, Decider, Digest, Money, Position, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    OpenPeriod(OpenPeriod),
    ClosePeriod(ClosePeriod),
    SetAllowance(SetAllowance),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenPeriod {
    pub period: BillingPeriod,
}

/// The books as they stand at a position of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClosePeriod {
    pub period: BillingPeriod,
    pub position: Position,
    /// Of [`TrialBalance`](super::TrialBalance), at that position.
    pub trial_balance: Digest,
    /// What 1115 stands at there, in each currency.
    pub issued_not_charged: Vec<Money>,
    pub closed_on: NaiveDate,
    pub closed_by: Actor,
}

events! {
    PeriodOpened 1
    PeriodClosed 1
    AllowanceSet 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodOpened {
    pub period: BillingPeriod,
}

/// Whoever has the log up to the position can compute the trial balance again, for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodClosed {
    pub period: BillingPeriod,
    pub position: Position,
    pub trial_balance: Digest,
    pub closed_on: NaiveDate,
    pub closed_by: Actor,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("the next period begins on {0}")]
    NotNext(NaiveDate),
    #[error("there is no such period")]
    NoSuchPeriod,
    #[error("the period is closed at another position")]
    AlreadyClosed,
    #[error("the period from {0} is still open")]
    EarlierPeriodOpen(NaiveDate),
    #[error("no later period is open, and what comes late has to go somewhere")]
    NoPeriodAfter,
    #[error("the period ends with {last_day}")]
    NotOver { last_day: NaiveDate },
    #[error("documents of {0} are issued and not yet charged")]
    IssuedNotCharged(Money),
    #[error("an allowance may be nothing, but not less, and no more than can be reckoned with")]
    NotAnAllowance,
    #[error("the allowance is already set for {on}: the next is for that day or a later one")]
    AllowanceSetLater { on: NaiveDate },
    #[error("the books are closed up to {last_day}")]
    BooksClosed { last_day: NaiveDate },
}

#[derive(Clone, Debug, Default)]
pub struct AccountingPeriods {
    /// In order, each beginning where the one before ends.
    periods: Vec<(BillingPeriod, Option<PeriodClosed>)>,
    pub(super) allowances: Allowances,
}

impl Decider for AccountingPeriods {
    const CATEGORY: &'static str = "accounting_period";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::OpenPeriod(wish) => self.open(wish),
            Command::ClosePeriod(wish) => self.close(wish),
            Command::SetAllowance(wish) => self.set_allowance(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::PeriodOpened(fact) => self.periods.push((fact.period, None)),
            Event::PeriodClosed(fact) => {
                if let Some((_, closed)) = self.periods.iter_mut().find(|(period, _)| *period == fact.period) {
                    *closed = Some(fact.clone());
                }
            }
            Event::AllowanceSet(fact) => self.allowances.set(fact),
        }
        self
    }
}

impl AccountingPeriods {
    /// Where a journal for this day is posted: in the day's own period if that is open, otherwise in the first open one after it. Nothing,
    /// if that has not been opened.
    pub fn posting_period(&self, effective_on: NaiveDate) -> Option<BillingPeriod> {
        let mut open = self.periods.iter().filter(|(_, closed)| closed.is_none()).map(|(period, _)| *period);
        open.find(|period| effective_on < period.to())
    }

    /// The last day of the last period that is closed.
    pub(super) fn closed_until(&self) -> Option<NaiveDate> {
        self.periods.iter().filter(|(_, closed)| closed.is_some()).map(|(period, _)| period.last_day()).next_back()
    }

    /// In order, each with where its books end if it is closed.
    pub fn all(&self) -> impl Iterator<Item = (BillingPeriod, Option<&PeriodClosed>)> {
        self.periods.iter().map(|(period, closed)| (*period, closed.as_ref()))
    }

    /// What is to be opened before a month can close: itself, if it is the first of all or the next, and the month after it.
    pub fn to_open_for(&self, month: BillingPeriod) -> Vec<OpenPeriod> {
        let next = month.to().checked_add_months(Months::new(1)).and_then(|end| BillingPeriod::new(month.to(), end).ok());
        let last = self.periods.last().map(|(period, _)| period.to());
        let missing = [Some(month), next].into_iter().flatten().filter(|period| last.is_none_or(|last| last <= period.from()));
        missing.map(|period| OpenPeriod { period }).collect()
    }

    fn open(&self, wish: OpenPeriod) -> Result<Vec<Event>, Rejection> {
        let OpenPeriod { period } = wish;
        if self.periods.iter().any(|(already, _)| *already == period) {
            return Ok(vec![]);
        }
        match self.periods.last() {
            Some((last, _)) if last.to() != period.from() => Err(Rejection::NotNext(last.to())),
            Some(_) | None => Ok(vec![PeriodOpened { period }.into()]),
        }
    }

    fn close(&self, wish: ClosePeriod) -> Result<Vec<Event>, Rejection> {
        let ClosePeriod { period, position, trial_balance, issued_not_charged, closed_on, closed_by } = wish;
        let closed = PeriodClosed { period, position, trial_balance, closed_on, closed_by };
        let (_, already) = self.periods.iter().find(|(known, _)| *known == period).ok_or(Rejection::NoSuchPeriod)?;
        if let Some(already) = already {
            return if *already == closed { Ok(vec![]) } else { Err(Rejection::AlreadyClosed) };
        }
        let mut open = self.periods.iter().filter(|(_, closed)| closed.is_none()).map(|(period, _)| *period);
        match open.next() {
            Some(first) if first != period => return Err(Rejection::EarlierPeriodOpen(first.from())),
            Some(_) | None => {}
        }
        if open.next().is_none() {
            return Err(Rejection::NoPeriodAfter);
        }
        if closed_on < period.to() {
            return Err(Rejection::NotOver { last_day: period.last_day() });
        }
        if let Some(uncharged) = issued_not_charged.iter().find(|uncharged| !uncharged.is_zero()) {
            return Err(Rejection::IssuedNotCharged(*uncharged));
        }
        Ok(vec![closed.into()])
    }
}

/// Made-up periods for examples and tests.
pub mod example {
    use super::*;
    use crate::{Currency, Reason};

    /// A month of 2024.
    pub fn month(month: u32) -> BillingPeriod {
        let first = |month| NaiveDate::from_ymd_opt(2024, month, 1).expect("a date");
        BillingPeriod::new(first(month), first(month + 1)).expect("a period")
    }

    pub fn opened(n: u32) -> Event {
        PeriodOpened { period: month(n) }.into()
    }

    pub fn close(n: u32) -> ClosePeriod {
        ClosePeriod {
            period: month(n),
            position: Position::single(1_000),
            trial_balance: super::super::TrialBalance::default().digest(),
            issued_not_charged: vec![],
            closed_on: month(n).to(),
            closed_by: Actor::user("9"),
        }
    }

    pub fn closed(n: u32) -> Event {
        let ClosePeriod { period, position, trial_balance, issued_not_charged: _, closed_on, closed_by } = close(n);
        PeriodClosed { period, position, trial_balance, closed_on, closed_by }.into()
    }

    /// For the end of January.
    pub fn set_allowance(minor: i64) -> SetAllowance {
        SetAllowance {
            allowance: Money::new(minor, Currency::SAR),
            on: month(1).last_day(),
            set_by: Actor::user("9"),
            reason: Reason::new("half of what is older than a year").expect("a reason"),
        }
    }

    pub fn allowance_set() -> AllowanceSet {
        let SetAllowance { allowance, on, set_by, reason } = set_allowance(50_000);
        AllowanceSet { allowance, before: Money::zero(allowance.currency), on, set_by, reason }
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        vec![opened(1), allowance_set().into(), closed(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::{example::*, *};
    use crate::{Currency, spec::given};

    fn open(n: u32) -> Command {
        Command::OpenPeriod(OpenPeriod { period: month(n) })
    }

    fn wish(n: u32) -> Command {
        Command::ClosePeriod(close(n))
    }

    #[test]
    fn periods_follow_one_another() {
        given::<AccountingPeriods>([]).when(open(1)).then([opened(1)]);
        given::<AccountingPeriods>([opened(1)]).when(open(2)).then([opened(2)]);
        for other in [3, 4] {
            given::<AccountingPeriods>([opened(1)]).when(open(other)).then_rejected(Rejection::NotNext(month(2).from()));
        }
        given::<AccountingPeriods>([opened(2)]).when(open(1)).then_rejected(Rejection::NotNext(month(3).from()));
    }

    #[test]
    fn a_period_closes_when_it_is_over_and_everything_issued_is_charged() {
        let facts = || [opened(1), opened(2)];
        given::<AccountingPeriods>(facts()).when(wish(1)).then([closed(1)]);
        let uncharged = Money::new(-1, Currency::SAR);
        let issued_not_charged = vec![Money::zero(Currency::KWD), uncharged];
        for (command, rejection) in [
            (ClosePeriod { issued_not_charged, ..close(1) }, Rejection::IssuedNotCharged(uncharged)),
            (ClosePeriod { closed_on: month(1).last_day(), ..close(1) }, Rejection::NotOver { last_day: month(1).last_day() }),
            (close(2), Rejection::EarlierPeriodOpen(month(1).from())),
            (close(3), Rejection::NoSuchPeriod),
        ] {
            given::<AccountingPeriods>(facts()).when(Command::ClosePeriod(command)).then_rejected(rejection);
        }
        given::<AccountingPeriods>([opened(1)]).when(wish(1)).then_rejected(Rejection::NoPeriodAfter);
        let elsewhere = ClosePeriod { position: Position::single(1_001), ..close(1) };
        given::<AccountingPeriods>([opened(1), opened(2), closed(1)])
            .when(Command::ClosePeriod(elsewhere))
            .then_rejected(Rejection::AlreadyClosed);
    }

    #[test]
    fn a_month_that_closes_is_opened_first_with_the_one_after_it() {
        let to_open = |facts: &[Event], n| {
            let periods = facts.iter().fold(AccountingPeriods::default(), AccountingPeriods::evolve);
            periods.to_open_for(month(n)).into_iter().map(|wish| wish.period).collect::<Vec<_>>()
        };
        assert_eq!(to_open(&[], 3), [month(3), month(4)], "books begin with any month");
        assert_eq!(to_open(&[opened(3)], 3), [month(4)]);
        assert_eq!(to_open(&[opened(3), opened(4)], 3), []);
        assert_eq!(to_open(&[opened(3)], 4), [month(4), month(5)]);
        // There is a gap before it, and the rules say so when they are asked.
        given::<AccountingPeriods>([opened(1)]).when(open(3)).then_rejected(Rejection::NotNext(month(2).from()));
        assert_eq!(to_open(&[opened(1)], 3), [month(3), month(4)]);
    }

    #[test]
    fn a_closed_period_is_never_open_again() {
        given::<AccountingPeriods>([opened(1), opened(2), closed(1)]).when(open(1)).then_nothing();
        given::<AccountingPeriods>([opened(1), opened(2), closed(1)]).when(wish(1)).then_nothing();
    }

    #[test]
    fn what_comes_late_goes_to_the_first_open_period() {
        let periods = [opened(1), opened(2), closed(1), opened(3)].iter().fold(AccountingPeriods::default(), AccountingPeriods::evolve);
        for (day, period) in [
            ("2023-12-31", Some(month(2))),
            ("2024-01-31", Some(month(2))),
            ("2024-02-01", Some(month(2))),
            ("2024-03-01", Some(month(3))),
            ("2024-04-01", None),
        ] {
            assert_eq!(periods.posting_period(day.parse().unwrap()), period, "{day}");
        }
    }
}
