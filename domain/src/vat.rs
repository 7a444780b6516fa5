//! How supplies are taxed, and which customers are taxed otherwise than the supply.

use std::{iter, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{BillingPeriod, Code};

/// How a supply is taxed, by the letters of EN 16931, which tax documents carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum VatCategory {
    /// Standard rate.
    S,
    /// Zero rate.
    Z,
    /// Exempt.
    E,
    /// Outside the tax's scope.
    O,
}

/// A customer's own place in the tax law, for some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VatStatus {
    pub category: VatCategory,
    /// The law's own code for why; the standard rate needs none.
    pub reason: Option<Code>,
    pub from: NaiveDate,
    /// The day after the last; open if absent.
    pub to: Option<NaiveDate>,
}

/// In the order they were set: of two that hold on a date, the later word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VatStatuses(Vec<VatStatus>);

static NOTHING_SAID: VatStatuses = VatStatuses(Vec::new());

impl VatStatus {
    fn holds_on(&self, date: NaiveDate) -> bool {
        self.from <= date && self.to.is_none_or(|to| date < to)
    }
}

impl VatStatuses {
    /// Those of a customer like any other.
    pub fn none() -> &'static Self {
        &NOTHING_SAID
    }

    pub fn set(&mut self, status: VatStatus) {
        self.0.push(status);
    }

    pub fn last(&self) -> Option<&VatStatus> {
        self.0.last()
    }

    pub fn on(&self, date: NaiveDate) -> Option<&VatStatus> {
        self.0.iter().rev().find(|status| status.holds_on(date))
    }

    /// The days of a period in runs on which no status begins or ends, each with the status that holds.
    pub fn during(&self, period: BillingPeriod) -> impl Iterator<Item = (BillingPeriod, Option<&VatStatus>)> {
        let mut from = period.from();
        iter::from_fn(move || {
            let changes = self.0.iter().flat_map(|status| [Some(status.from), status.to]).flatten();
            let to = changes.filter(|change| from < *change).min().map_or(period.to(), |change| change.min(period.to()));
            let days = BillingPeriod::new(from, to).ok()?;
            from = to;
            Some((days, self.on(days.from())))
        })
    }
}

impl FromIterator<VatStatus> for VatStatuses {
    fn from_iter<I: IntoIterator<Item = VatStatus>>(statuses: I) -> Self {
        Self(statuses.into_iter().collect())
    }
}

impl FromStr for VatCategory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "S" => Ok(Self::S),
            "Z" => Ok(Self::Z),
            "E" => Ok(Self::E),
            "O" => Ok(Self::O),
            _ => Err(format!("`{text}` is not a VAT category: S, Z, E or O")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn status(category: VatCategory, from: &str, to: Option<&str>) -> VatStatus {
        VatStatus { category, reason: None, from: day(from), to: to.map(day) }
    }

    /// The runs of February 2024, as `days category`.
    fn february(statuses: &[VatStatus]) -> String {
        let statuses: VatStatuses = statuses.iter().cloned().collect();
        let february = BillingPeriod::new(day("2024-02-01"), day("2024-03-01")).unwrap();
        let run = |(days, status): (BillingPeriod, Option<&VatStatus>)| match status {
            Some(status) => format!("{} {:?}", days.days(), status.category),
            None => format!("{} -", days.days()),
        };
        statuses.during(february).map(run).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_period_is_split_where_a_status_begins_or_ends() {
        let exempt = |from, to| status(VatCategory::E, from, to);
        for (statuses, runs) in [
            (vec![], "29 -"),
            (vec![exempt("2024-01-01", None)], "29 E"),
            (vec![exempt("2024-02-01", Some("2024-03-01"))], "29 E"),
            (vec![exempt("2024-01-01", Some("2024-02-01"))], "29 -"),
            (vec![exempt("2024-03-01", None)], "29 -"),
            (vec![exempt("2024-02-11", None)], "10 -, 19 E"),
            (vec![exempt("2024-01-01", Some("2024-02-29"))], "28 E, 1 -"),
            (vec![exempt("2024-02-02", Some("2024-02-03"))], "1 -, 1 E, 27 -"),
            // The later word counts, also where it says that the customer is like any other.
            (vec![exempt("2024-01-01", None), status(VatCategory::S, "2024-02-11", None)], "10 E, 19 S"),
            (vec![exempt("2024-01-01", None), status(VatCategory::Z, "2024-02-11", Some("2024-02-21"))], "10 E, 10 Z, 9 E"),
            (vec![status(VatCategory::Z, "2024-02-11", None), exempt("2024-01-01", None)], "10 E, 19 E"),
        ] {
            assert_eq!(february(&statuses), runs, "{statuses:?}");
        }
    }

    #[test]
    fn categories_are_read_by_their_letters() {
        for category in [VatCategory::S, VatCategory::Z, VatCategory::E, VatCategory::O] {
            assert_eq!(format!("{category:?}").parse(), Ok(category));
        }
        assert_eq!("e".parse::<VatCategory>().unwrap_err(), "`e` is not a VAT category: S, Z, E or O");
    }
}
