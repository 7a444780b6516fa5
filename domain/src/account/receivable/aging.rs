//! How old debts are: by the days past the due date, with unapplied credit beside them and never netted.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Item, Receivable};
use crate::{Currency, Money};

/// Days past the due date, up to and with the number named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AgeBand {
    NotDue,
    UpTo30,
    UpTo60,
    UpTo90,
    UpTo120,
    UpTo180,
    UpTo365,
    Older,
}

impl AgeBand {
    pub fn of(due_on: NaiveDate, as_of: NaiveDate) -> Self {
        match (as_of - due_on).num_days() {
            ..=0 => Self::NotDue,
            1..=30 => Self::UpTo30,
            31..=60 => Self::UpTo60,
            61..=90 => Self::UpTo90,
            91..=120 => Self::UpTo120,
            121..=180 => Self::UpTo180,
            181..=365 => Self::UpTo365,
            366.. => Self::Older,
        }
    }
}

/// What is open, by age. The disputed part is part of the bands; what is under a plan is not, and nor is credit.
#[derive(Clone, Debug, PartialEq)]
pub struct Aged {
    pub bands: BTreeMap<AgeBand, Money>,
    pub disputed: Money,
    /// Under an instalment plan, whose dates go before those of its items.
    pub planned: Money,
    pub unapplied: Money,
}

impl Receivable {
    pub fn aged(&self, currency: Currency, as_of: NaiveDate) -> Aged {
        let nothing = Money::zero(currency);
        let (planned, unapplied) = (self.planned(currency), self.unapplied(currency));
        let mut aged = Aged { bands: BTreeMap::new(), disputed: nothing, planned, unapplied };
        for Item { open, due_on, disputed, plan, .. } in self.items.values() {
            if open.is_zero() || plan.is_some() {
                continue;
            }
            aged.bands.entry(AgeBand::of(*due_on, as_of)).or_insert(nothing).minor += open.minor;
            if *disputed {
                aged.disputed.minor += open.minor;
            }
        }
        aged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::example::*;

    #[test]
    fn bands_begin_on_the_day_after_the_due_date() {
        use AgeBand::{NotDue, Older, UpTo30, UpTo60, UpTo90, UpTo120, UpTo180, UpTo365};
        let due = day("2024-01-01");
        for (days, band) in [
            (-5, NotDue),
            (0, NotDue),
            (1, UpTo30),
            (30, UpTo30),
            (31, UpTo60),
            (60, UpTo60),
            (61, UpTo90),
            (91, UpTo120),
            (120, UpTo120),
            (121, UpTo180),
            (181, UpTo365),
            (365, UpTo365),
            (366, Older),
        ] {
            assert_eq!(AgeBand::of(due, due + chrono::TimeDelta::days(days)), band, "{days}");
        }
    }

    #[test]
    fn open_items_are_aged_by_their_own_dates_and_credit_stands_beside_them() {
        let charges = [charged(ChargeOf { n: 1, due: "2024-04-15", ..ChargeOf::default() }), item_disputed(1), opening_balance()];
        let aged = account(charges).receivable().aged(Currency::SAR, day("2024-05-01"));
        assert_eq!(aged.bands, BTreeMap::from([(AgeBand::UpTo30, sar(11_500)), (AgeBand::UpTo180, sar(12_500))]));
        assert_eq!((aged.disputed, aged.unapplied), (sar(11_500), sar(500)));
    }
}
