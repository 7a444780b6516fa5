//! The allowance for doubtful debts: what is owed and not expected, as finance judges when it makes the books of a month.
//!
//! It is set as a level, in each currency. Nothing draws on it: a debt that is given up is a loss of its own, and the next level is lower for
//! it. So neither has to know of the other at the moment when it is decided.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::periods::{AccountingPeriods, Event, Rejection};
use crate::{Actor, Currency, Money, Reason};

/// Nothing releases it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetAllowance {
    pub allowance: Money,
    pub on: NaiveDate,
    pub set_by: Actor,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllowanceSet {
    pub allowance: Money,
    /// What it stood at until then: the books move by the difference.
    pub before: Money,
    pub on: NaiveDate,
    pub set_by: Actor,
    pub reason: Reason,
}

/// What was set last, and for which day.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowances(BTreeMap<Currency, (Money, NaiveDate)>);

impl AllowanceSet {
    pub(super) fn change(&self) -> Money {
        Money::new(self.allowance.minor - self.before.minor, self.allowance.currency)
    }
}

impl Allowances {
    pub(super) fn set(&mut self, fact: &AllowanceSet) {
        self.0.insert(fact.allowance.currency, (fact.allowance, fact.on));
    }
}

impl AccountingPeriods {
    pub(super) fn set_allowance(&self, wish: SetAllowance) -> Result<Vec<Event>, Rejection> {
        let SetAllowance { allowance, on, set_by, reason } = wish;
        if !(0..=Money::LARGEST).contains(&allowance.minor) {
            return Err(Rejection::NotAnAllowance);
        }
        let last = self.allowances.0.get(&allowance.currency).copied();
        let before = last.map_or(Money::zero(allowance.currency), |(before, _)| before);
        if before == allowance {
            return Ok(vec![]);
        }
        // A level of an earlier day would be changed again by one that is set already.
        if let Some((_, later)) = last.filter(|(_, last)| on < *last) {
            return Err(Rejection::AllowanceSetLater { on: later });
        }
        match self.closed_until() {
            Some(last_day) if on <= last_day => Err(Rejection::BooksClosed { last_day }),
            Some(_) | None => Ok(vec![AllowanceSet { allowance, before, on, set_by, reason }.into()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::periods::{Command, example::*},
        *,
    };
    use crate::spec::given;

    fn sar(minor: i64) -> Money {
        Money::new(minor, Currency::SAR)
    }

    fn wish(minor: i64, on: NaiveDate) -> Command {
        Command::SetAllowance(SetAllowance { on, ..set_allowance(minor) })
    }

    #[test]
    fn an_allowance_is_set_raised_and_released() {
        let (january, february) = (month(1).last_day(), month(2).last_day());
        let set = |minor, before, on| Event::from(AllowanceSet { allowance: sar(minor), before: sar(before), on, ..allowance_set() });
        given::<AccountingPeriods>([]).when(wish(50_000, january)).then([set(50_000, 0, january)]);
        given::<AccountingPeriods>([set(50_000, 0, january)]).when(wish(70_000, february)).then([set(70_000, 50_000, february)]);
        given::<AccountingPeriods>([set(50_000, 0, january)]).when(wish(0, february)).then([set(0, 50_000, february)]);
        // What it stands at already is set by nobody, on whatever day.
        given::<AccountingPeriods>([set(50_000, 0, january)]).when(wish(50_000, february)).then_nothing();
        given::<AccountingPeriods>([]).when(wish(0, january)).then_nothing();
    }

    #[test]
    fn each_currency_has_its_own() {
        let fils = Money::new(5_000, Currency::KWD);
        let command = Command::SetAllowance(SetAllowance { allowance: fils, ..set_allowance(0) });
        let set = AllowanceSet { allowance: fils, before: Money::zero(Currency::KWD), ..allowance_set() };
        given::<AccountingPeriods>([allowance_set().into()]).when(command).then([set.into()]);
    }

    #[test]
    fn it_is_an_amount_of_a_day_that_is_open_and_not_before_the_last() {
        let day = month(1).last_day();
        for minor in [-1, Money::LARGEST + 1] {
            given::<AccountingPeriods>([]).when(wish(minor, day)).then_rejected(Rejection::NotAnAllowance);
        }
        let earlier = day.pred_opt().unwrap();
        given::<AccountingPeriods>([allowance_set().into()]).when(wish(1, earlier)).then_rejected(Rejection::AllowanceSetLater { on: day });
        given::<AccountingPeriods>([opened(1), opened(2), closed(1)])
            .when(wish(1, day))
            .then_rejected(Rejection::BooksClosed { last_day: day });
        // The first day after them is open, whether its month is or not.
        given::<AccountingPeriods>([opened(1), opened(2), closed(1)]).when(wish(50_000, month(2).from())).then([AllowanceSet {
            on: month(2).from(),
            ..allowance_set()
        }
        .into()]);
    }
}
