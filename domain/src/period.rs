use std::{fmt, iter};

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A run of local dates: from the first day, up to and without the day after the last.
///
/// Half-open, so that adjoining periods share a border and every day belongs to exactly one of them. A bill prints it with both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct BillingPeriod {
    from: NaiveDate,
    to: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a period from {from} to {to} has no day in it")]
pub struct EmptyPeriod {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl BillingPeriod {
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, EmptyPeriod> {
        if from < to { Ok(Self { from, to }) } else { Err(EmptyPeriod { from, to }) }
    }

    /// The first day.
    pub fn from(self) -> NaiveDate {
        self.from
    }

    /// The day after the last.
    pub fn to(self) -> NaiveDate {
        self.to
    }

    pub fn last_day(self) -> NaiveDate {
        self.to - Days::new(1)
    }

    pub fn days(self) -> i64 {
        (self.to - self.from).num_days()
    }

    /// Its days, each a period.
    pub fn each_day(self) -> impl Iterator<Item = Self> {
        let days = self.from.iter_days().take_while(move |day| *day < self.to);
        days.map(|day| Self { from: day, to: day + Days::new(1) })
    }

    /// Its days by months of the calendar, each a period.
    pub fn each_month(self) -> impl Iterator<Item = Self> {
        let next = |day: &NaiveDate| day.with_day(1)?.checked_add_months(Months::new(1));
        let firsts = iter::successors(Some(self.from), next).take_while(move |day| *day < self.to);
        firsts.map(move |day| Self { from: day, to: next(&day).unwrap_or(self.to).min(self.to) })
    }

    pub fn contains(self, day: NaiveDate) -> bool {
        self.from <= day && day < self.to
    }

    /// The days that are in both, if any.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to)).ok()
    }

    /// The part before `day` and the part from it on, if `day` lies strictly inside.
    pub fn split_at(self, day: NaiveDate) -> Option<(Self, Self)> {
        Some((Self::new(self.from, day).ok()?, Self::new(day, self.to).ok()?))
    }
}

impl fmt::Display for BillingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.last_day())
    }
}

#[derive(Deserialize)]
struct Raw {
    from: NaiveDate,
    to: NaiveDate,
}

impl TryFrom<Raw> for BillingPeriod {
    type Error = EmptyPeriod;

    fn try_from(raw: Raw) -> Result<Self, EmptyPeriod> {
        Self::new(raw.from, raw.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> BillingPeriod {
        BillingPeriod::new(day(from), day(to)).unwrap()
    }

    #[test]
    fn both_ends_are_printed_and_only_the_first_belongs() {
        let july = period("2024-07-02", "2024-08-02");
        assert_eq!(july.to_string(), "2024-07-02 to 2024-08-01");
        assert_eq!(july.days(), 31);
        assert!(july.contains(day("2024-07-02")) && july.contains(day("2024-08-01")) && !july.contains(day("2024-08-02")));
    }

    #[test]
    fn parts_share_the_border_and_sum_to_the_whole() {
        let whole = period("2024-07-02", "2024-08-02");
        let (before, after) = whole.split_at(day("2024-07-20")).unwrap();
        assert_eq!((before.days(), after.days()), (18, 13));
        assert_eq!(before.intersection(after), None);
        assert_eq!(whole.split_at(day("2024-07-02")), None);
        assert_eq!(whole.split_at(day("2024-08-02")), None);
    }

    #[test]
    fn a_period_without_a_day_is_refused_even_from_disk() {
        assert_eq!(
            BillingPeriod::new(day("2024-07-02"), day("2024-07-02")).unwrap_err().to_string(),
            "a period from 2024-07-02 to 2024-07-02 has no day in it"
        );
        assert!(serde_json::from_str::<BillingPeriod>(r#"{"from":"2024-07-02","to":"2024-07-01"}"#).is_err());
    }
}
