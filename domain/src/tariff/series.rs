//! Versions that follow one another: every day from the first version's on belongs to exactly one, or lies after the end of the last.

use chrono::NaiveDate;
use thiserror::Error;

use super::Tariff;
use crate::{BillingPeriod, Code};

/// The versions of a tariff in the order of their days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    versions: Vec<Version>,
}

/// A tariff as it was published, and when it stopped applying: it may be open until a successor closes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub tariff: Tariff,
    pub effective_to: Option<NaiveDate>,
}

/// How a tariff finds its place in a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It is there, word for word.
    Already,
    Free,
    /// It follows an open version, which ends on the day it begins.
    Closing(Code),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SeriesError {
    #[error("`{0}` is published already, with other content: a change is a new version with a code of its own")]
    CodeReused(Code),
    #[error("`{code}` has another {what} than `{other}`, so it cannot be a version of the same series")]
    Differs { code: Code, other: Code, what: &'static str },
    #[error("`{code}` overlaps `{other}`: both would apply on {on}")]
    Overlap { code: Code, other: Code, on: NaiveDate },
    #[error("`{code}` leaves a gap: nothing would apply from {from} until {until}")]
    Gap { code: Code, from: NaiveDate, until: NaiveDate },
}

impl SeriesError {
    /// The tariff that found no place.
    pub fn code(&self) -> &Code {
        match self {
            Self::CodeReused(code) | Self::Differs { code, .. } | Self::Overlap { code, .. } | Self::Gap { code, .. } => code,
        }
    }
}

impl Series {
    /// Tariffs given together, in any order, as one series.
    pub fn of(tariffs: impl IntoIterator<Item = Tariff>) -> Result<Self, SeriesError> {
        let mut tariffs: Vec<Tariff> = tariffs.into_iter().collect();
        tariffs.sort_by_key(|tariff| tariff.effective_from);
        tariffs.into_iter().try_fold(Self::default(), |series, tariff| {
            Ok(match series.place(&tariff)? {
                Placement::Already => series,
                Placement::Free => series.with(tariff),
                Placement::Closing(code) => series.closed(&code, tariff.effective_from).with(tariff),
            })
        })
    }

    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The version that applies on a day.
    pub fn on(&self, day: NaiveDate) -> Option<&Version> {
        self.versions.iter().find(|version| version.applies_on(day))
    }

    /// Where a tariff would stand, if it can.
    pub fn place(&self, tariff: &Tariff) -> Result<Placement, SeriesError> {
        if let Some(namesake) = self.versions.iter().find(|version| version.tariff.code == tariff.code) {
            let same = namesake.tariff == *tariff;
            return if same { Ok(Placement::Already) } else { Err(SeriesError::CodeReused(tariff.code.clone())) };
        }
        let (Some(first), Some(last)) = (self.versions.first(), self.versions.last()) else { return Ok(Placement::Free) };
        first.shares_subject_with(tariff)?;
        let (from, to) = (tariff.effective_from, tariff.effective_to);
        let gap = |from, until| Err(SeriesError::Gap { code: tariff.code.clone(), from, until });
        match (to, last.effective_to) {
            (Some(to), _) if to < first.effective_from() => gap(to, first.effective_from()),
            (Some(to), _) if to == first.effective_from() => Ok(Placement::Free),
            (_, Some(end)) if end < from => gap(end, from),
            (_, Some(end)) if end == from => Ok(Placement::Free),
            (_, None) if last.effective_from() < from => Ok(Placement::Closing(last.tariff.code.clone())),
            _ => Err(self.overlap(tariff)),
        }
    }

    /// The series with a tariff for which [`place`](Self::place) found a place.
    pub(super) fn with(mut self, tariff: Tariff) -> Self {
        let index = self.versions.partition_point(|version| version.effective_from() < tariff.effective_from);
        self.versions.insert(index, Version { effective_to: tariff.effective_to, tariff });
        self
    }

    pub(super) fn closed(mut self, code: &Code, effective_to: NaiveDate) -> Self {
        for version in self.versions.iter_mut().filter(|version| version.tariff.code == *code) {
            version.effective_to = Some(effective_to);
        }
        self
    }

    fn overlap(&self, tariff: &Tariff) -> SeriesError {
        // The versions have no gap, so a tariff that overlaps any shares a day with the one it begins in, or begins before them all.
        let on = self.versions.first().map_or(tariff.effective_from, |first| first.effective_from().max(tariff.effective_from));
        let other = self.on(on).map_or(&tariff.code, |version| &version.tariff.code).clone();
        SeriesError::Overlap { code: tariff.code.clone(), other, on }
    }
}

impl Version {
    pub fn effective_from(&self) -> NaiveDate {
        self.tariff.effective_from
    }

    pub fn applies_on(&self, day: NaiveDate) -> bool {
        self.effective_from() <= day && self.effective_to.is_none_or(|to| day < to)
    }

    /// The days of a period on which it applies.
    pub fn during(&self, period: BillingPeriod) -> Option<BillingPeriod> {
        let to = self.effective_to.map_or(period.to(), |to| to.min(period.to()));
        BillingPeriod::new(self.effective_from().max(period.from()), to).ok()
    }

    fn shares_subject_with(&self, tariff: &Tariff) -> Result<(), SeriesError> {
        let differs = |what| Err(SeriesError::Differs { code: tariff.code.clone(), other: self.tariff.code.clone(), what });
        match &self.tariff {
            ours if ours.service != tariff.service => differs("service"),
            ours if ours.class != tariff.class => differs("class"),
            ours if ours.currency != tariff.currency => differs("currency"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tariff::example::{open_from, running};

    /// Versions in the order given, and what becomes of them: the days of each, or a refusal.
    #[track_caller]
    fn check(grid: &str) {
        for row in grid.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (given, expected) = row.split_once(" | ").unwrap();
            let tariffs = given.split_whitespace().map(|tariff| {
                let (code, days) = tariff.split_once('@').unwrap();
                match days.split_once("..") {
                    Some((from, "")) => open_from(code, from),
                    Some((from, to)) => running(code, from, to),
                    None => panic!("{tariff} has no days"),
                }
            });
            let answer = Series::of(tariffs).map_or_else(|error| error.to_string(), |series| series.days());
            assert_eq!(answer, expected.trim(), "{given}");
        }
    }

    impl Series {
        fn days(&self) -> String {
            let days = self.versions.iter().map(|version| {
                let to = version.effective_to.map(|to| to.to_string()).unwrap_or_default();
                format!("{}@{}..{to}", version.tariff.code, version.effective_from())
            });
            days.collect::<Vec<_>>().join(" ")
        }
    }

    #[test]
    fn versions_follow_one_another_without_gap_or_overlap() {
        check(
            "
            a@2020-01-01..                                     | a@2020-01-01..
            a@2020-01-01.. b@2021-01-01..                      | a@2020-01-01..2021-01-01 b@2021-01-01..
            b@2021-01-01.. a@2020-01-01..                      | a@2020-01-01..2021-01-01 b@2021-01-01..
            a@2020-01-01.. b@2021-01-01..2022-01-01            | a@2020-01-01..2021-01-01 b@2021-01-01..2022-01-01
            a@2020-01-01..2021-01-01 b@2021-01-01..            | a@2020-01-01..2021-01-01 b@2021-01-01..
            a@2020-01-01..2021-01-01 b@2021-01-02..            | `b` leaves a gap: nothing would apply from 2021-01-01 until 2021-01-02
            a@2020-01-01..2021-01-01 b@2020-12-31..            | `b` overlaps `a`: both would apply on 2020-12-31
            a@2020-01-01.. b@2020-01-01..                      | `b` overlaps `a`: both would apply on 2020-01-01
            a@2020-01-01.. b@2020-01-02..                      | a@2020-01-01..2020-01-02 b@2020-01-02..
            a@2020-01-01..2023-01-01 b@2021-01-01..2022-01-01  | `b` overlaps `a`: both would apply on 2021-01-01
            a@2020-01-01.. a@2020-01-01..                      | a@2020-01-01..
            a@2020-01-01.. a@2021-01-01..                      | `a` is published already, with other content: a change is a new version with a code of its own
            ",
        );
    }

    #[test]
    fn a_day_has_the_version_that_applies_on_it() {
        let series = Series::of([running("a", "2020-01-01", "2021-01-01"), open_from("b", "2021-01-01")]).unwrap();
        for (day, code) in [
            ("2019-12-31", None),
            ("2020-01-01", Some("a")),
            ("2020-12-31", Some("a")),
            ("2021-01-01", Some("b")),
            ("2099-01-01", Some("b")),
        ] {
            assert_eq!(series.on(day.parse().unwrap()).map(|version| version.tariff.code.as_str()), code, "{day}");
        }
    }
}
