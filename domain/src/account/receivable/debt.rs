//! The debt that may be asked for: what dunning counts, and what a supply may be cut for.

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

use super::{ChargeKind, Item, Receivable};
use crate::{Currency, Money};

/// What is open and neither in dispute, nor being billed anew, nor under a plan, the oldest first. A plan has dates of its own and its own
/// warning, so that while it runs nothing else is asked for what it covers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Debt {
    pub currency: Currency,
    pub owed: Vec<Owed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Owed {
    pub due_on: NaiveDate,
    pub kind: ChargeKind,
    pub amount: Money,
}

impl Debt {
    fn of<'a>(currency: Currency, items: impl Iterator<Item = &'a Item>) -> Self {
        let mut owed: Vec<_> = items.map(|Item { due_on, kind, open, .. }| Owed { due_on: *due_on, kind: *kind, amount: *open }).collect();
        owed.sort_by_key(|owed| (owed.due_on, owed.kind, owed.amount.minor));
        Self { currency, owed }
    }

    /// What was due on that day or before it.
    pub fn due_by(&self, day: NaiveDate) -> Money {
        self.sum(self.owed.iter().filter(|owed| owed.due_on <= day))
    }

    /// The due date of the oldest.
    pub fn since(&self) -> Option<NaiveDate> {
        self.owed.first().map(|owed| owed.due_on)
    }

    /// What is late and was supplied: not the fees, and not repairs.
    pub fn late_for_supply(&self, day: NaiveDate) -> Money {
        self.sum(self.late_supply(day))
    }

    /// The most months that follow one another and all have a bill for supply that is late.
    pub fn months_unpaid(&self, day: NaiveDate) -> usize {
        let mut longest = 0;
        let mut run = 0;
        let mut before = None;
        for owed in self.late_supply(day) {
            let month = i64::from(owed.due_on.year()) * 12 + i64::from(owed.due_on.month());
            run = match before {
                Some(last) if last == month => run,
                Some(last) if last + 1 == month => run + 1,
                Some(_) | None => 1,
            };
            before = Some(month);
            longest = longest.max(run);
        }
        longest
    }

    fn late_supply(&self, day: NaiveDate) -> impl Iterator<Item = &Owed> {
        self.owed.iter().filter(move |owed| owed.due_on < day && owed.kind == ChargeKind::Supply)
    }

    /// One account's items can always be summed: each is a millionth of what can be counted.
    fn sum<'a>(&self, owed: impl Iterator<Item = &'a Owed>) -> Money {
        Money::new(owed.map(|owed| owed.amount.minor).sum(), self.currency)
    }
}

impl Receivable {
    pub fn debt(&self, currency: Currency) -> Debt {
        Debt::of(currency, self.items.values().filter(|item| item.is_payable() && item.plan.is_none()))
    }

    /// The same with what is in dispute or being billed anew: nobody has paid it yet.
    pub fn debt_with_disputed(&self, currency: Currency) -> Debt {
        Debt::of(currency, self.items.values().filter(|item| !item.open.is_zero() && item.plan.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::example::*;

    #[test]
    fn what_is_disputed_is_not_asked_for_and_fees_are_no_supply() {
        let facts = [
            charged(ChargeOf { n: 1, due: "2024-05-15", ..ChargeOf::default() }),
            charged(ChargeOf { n: 2, due: "2024-04-15", ..ChargeOf::default() }),
            charged(ChargeOf { n: 3, due: "2024-04-20", kind: ChargeKind::LateFee, ..ChargeOf::default() }),
        ];
        let debt = |facts: Vec<_>| account(facts).receivable().debt(Currency::SAR);
        let all = debt(facts.to_vec());
        assert_eq!(all.since(), Some(day("2024-04-15")));
        assert_eq!((all.due_by(day("2024-04-14")), all.due_by(day("2024-04-15"))), (sar(0), sar(11_500)));
        assert_eq!((all.due_by(day("2024-05-15")), all.late_for_supply(day("2024-05-15"))), (sar(34_500), sar(11_500)));
        let facts: Vec<_> = facts.into_iter().chain([item_disputed(2)]).collect();
        assert_eq!(account(facts.clone()).receivable().debt_with_disputed(Currency::SAR), all);
        let disputed = debt(facts);
        assert_eq!((disputed.since(), disputed.due_by(day("2024-05-15"))), (Some(day("2024-04-20")), sar(23_000)));
    }

    #[test]
    fn months_count_while_none_between_them_is_paid() {
        let owed = |due: &str| Owed { due_on: day(due), kind: ChargeKind::Supply, amount: sar(1) };
        let debt = |dues: &[&str]| Debt { currency: Currency::SAR, owed: dues.iter().map(|due| owed(due)).collect() };
        let months = |dues: &[&str]| debt(dues).months_unpaid(day("2025-02-16"));
        assert_eq!(months(&[]), 0);
        assert_eq!(months(&["2024-12-01", "2024-12-31", "2025-01-15"]), 2);
        assert_eq!(months(&["2024-09-15", "2024-10-15", "2024-12-15", "2025-01-15", "2025-02-15", "2025-02-16"]), 3);
    }
}
