//! What was used between any two dates.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Direction, Meter, Reading, Register, Unit, readings::Installation};
use crate::{
    BillingPeriod, Code, NotMeasured, Service, UsageBasis, UsageSegment,
    ids::{PremisesId, ReadingId},
    money::round_half_up,
};

/// Where the count stood at the start of a day, in billed units since the meter was put up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub border: NaiveDate,
    pub total: Decimal,
    pub actual: bool,
    pub reading_id: ReadingId,
}

/// The part of the step from one anchor to the next that falls on the days of `period`.
///
/// Shares are taken off one running total, so adjoining parts sum to the whole to the last digit.
pub(super) fn share(from: Anchor, to: Anchor, period: BillingPeriod) -> Decimal {
    let days = (to.border - from.border).num_days();
    let at = |date: NaiveDate| {
        // Not left to the division, which may be inexact in the last digit.
        if date == to.border {
            to.total
        } else {
            let gone = (date - from.border).num_days();
            from.total + round_half_up((to.total - from.total) * Decimal::from(gone) / Decimal::from(days), 6)
        }
    };
    at(period.to()) - at(period.from())
}

/// The days up to the last anchor that only estimates tell of.
fn estimated_days(anchors: &[Anchor]) -> Vec<BillingPeriod> {
    let since = anchors.iter().rposition(|anchor| anchor.actual).unwrap_or_default();
    let steps = anchors[since..].windows(2);
    steps.filter_map(|pair| BillingPeriod::new(pair[0].border, pair[1].border).ok()).collect()
}

impl Meter {
    /// What the meter measured at the premises in the period, from reading to reading.
    pub fn usage(&self, premises_id: PremisesId, register: &Code, period: BillingPeriod) -> Vec<UsageSegment> {
        let here = self.installations.iter().filter(|installation| installation.premises_id == premises_id);
        here.flat_map(|installation| self.usage_in(installation, register, period)).collect()
    }

    /// As [`usage`](Self::usage), day by day. The days of a segment sum to it to the last digit.
    pub fn usage_by_day(&self, premises_id: PremisesId, register: &Code, period: BillingPeriod) -> Vec<UsageSegment> {
        let here = self.installations.iter().filter(|installation| installation.premises_id == premises_id);
        here.flat_map(|installation| self.usage_split(installation, register, period, |days| days.each_day().collect())).collect()
    }

    /// As [`usage`](Self::usage), wherever it measured, by months of the calendar.
    pub fn usage_by_month(&self, register: &Code) -> Vec<UsageSegment> {
        let Ok(always) = BillingPeriod::new(NaiveDate::MIN, NaiveDate::MAX) else { return Vec::new() };
        let by_month = |days: BillingPeriod| days.each_month().collect();
        self.installations.iter().flat_map(|installation| self.usage_split(installation, register, always, by_month)).collect()
    }

    /// The registers that count what a service delivers.
    pub fn registers_for(&self, service: Service) -> impl Iterator<Item = &Code> {
        let unit = match service {
            Service::Electricity => Unit::KilowattHour,
            Service::Water => Unit::CubicMetre,
        };
        let registers = self.device().map_or(&[][..], |device| &device.registers).iter();
        registers.filter(move |register| register.unit == unit && register.direction == Direction::Import).map(|register| &register.code)
    }

    /// The days of which readings at the premises tell: from the first border to the last that is not after `until`.
    pub fn measured(&self, premises_id: PremisesId, register: &Code, until: NaiveDate) -> Option<BillingPeriod> {
        let here = self.installations.iter().filter(|installation| installation.premises_id == premises_id);
        let borders = here.flat_map(|installation| self.anchors_in(installation, register)).map(|anchor| anchor.border);
        let (first, last) = borders.filter(|border| *border <= until).fold((None, None), |(first, last), border| {
            (Some(first.map_or(border, |first: NaiveDate| first.min(border))), last.max(Some(border)))
        });
        BillingPeriod::new(first?, last?).ok()
    }

    /// The anchors that readings make. An actual reading counts from the actual one before it, whatever was estimated between: what an
    /// estimate got wrong is then in the step from it to the next actual reading, and nowhere else.
    pub(super) fn anchors<'a>(&self, register: &Register, readings: impl Iterator<Item = &'a Reading>) -> Vec<Anchor> {
        let mut anchors: Vec<Anchor> = Vec::new();
        let mut last_actual: Option<(&Reading, Decimal)> = None;
        for reading in readings {
            let count = match last_actual {
                None => Decimal::ZERO,
                Some((last, count)) => count + self.readings.gone(register, last, reading),
            };
            if reading.is_actual() || last_actual.is_none() {
                last_actual = Some((reading, count));
            }
            let total = round_half_up(count * register.multiplier, 6);
            let anchor = Anchor { border: reading.border(), total, actual: reading.is_actual(), reading_id: reading.reading_id };
            match anchors.as_mut_slice() {
                // The first reading is the start, so what was used later that day belongs to the days after.
                [first] if first.border == anchor.border => {}
                // Of several in one day the last says where the day ended.
                [.., last] if last.border == anchor.border => *last = anchor,
                _ => anchors.push(anchor),
            }
        }
        anchors
    }

    pub(super) fn usage_in(&self, installation: &Installation, register: &Code, period: BillingPeriod) -> Vec<UsageSegment> {
        self.usage_split(installation, register, period, |days| vec![days])
    }

    fn usage_split(
        &self,
        installation: &Installation,
        register: &Code,
        period: BillingPeriod,
        split: impl Fn(BillingPeriod) -> Vec<BillingPeriod>,
    ) -> Vec<UsageSegment> {
        let anchors = self.anchors_in(installation, register);
        let steps = anchors.windows(2).enumerate().map(|(index, pair)| (index, pair[0], pair[1]));
        let segments = steps.flat_map(|(index, from, to)| {
            let step = BillingPeriod::new(from.border, to.border).ok();
            let days = step.and_then(|step| step.intersection(period));
            let basis = match (from.actual, to.actual) {
                (true, true) => UsageBasis::Measured,
                (false, true) => UsageBasis::TrueUp,
                (_, false) => UsageBasis::Estimated,
            };
            let corrects = match basis {
                UsageBasis::TrueUp => estimated_days(&anchors[..=index]),
                UsageBasis::Measured | UsageBasis::Estimated => Vec::new(),
            };
            let segment = move |days| {
                let (quantity, readings) = (share(from, to, days), vec![from.reading_id, to.reading_id]);
                UsageSegment { period: days, quantity, readings, basis, corrects: corrects.clone() }
            };
            days.into_iter().flat_map(&split).map(segment)
        });
        segments.collect()
    }

    pub(super) fn anchors_in(&self, installation: &Installation, register: &Code) -> Vec<Anchor> {
        match self.register_of(register) {
            Ok(found) => self.anchors(found, self.standing_in(installation, register)),
            Err(_) => Vec::new(),
        }
    }
}

/// What the meters of a service measured in a period, one after another if they were exchanged in it; or the first days without a reading.
pub fn usage_between(
    meters: &[&Meter],
    premises_id: PremisesId,
    register: &Code,
    period: BillingPeriod,
) -> Result<Vec<UsageSegment>, NotMeasured> {
    let mut segments: Vec<_> = meters.iter().flat_map(|meter| meter.usage(premises_id, register, period)).collect();
    segments.sort_by_key(|segment| segment.period);
    let mut known_to = period.from();
    for segment in &segments {
        if known_to < segment.period.from() {
            return Err(NotMeasured { from: known_to, to: segment.period.from() });
        }
        known_to = known_to.max(segment.period.to());
    }
    if known_to < period.to() {
        return Err(NotMeasured { from: known_to, to: period.to() });
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{ReadingKind, example};

    fn period(from: &str, to: &str) -> BillingPeriod {
        BillingPeriod::new(example::day(from), example::day(to)).unwrap()
    }

    fn used(meters: &[&Meter], from: &str, to: &str) -> String {
        match usage_between(meters, example::PREMISES, &example::register().code, period(from, to)) {
            Ok(segments) => {
                let one = |segment: &UsageSegment| {
                    let (from, to) = (segment.period.from(), segment.period.to());
                    format!("{from}..{to} {:?} {}", segment.basis, segment.quantity.normalize())
                };
                segments.iter().map(one).collect::<Vec<_>>().join("; ")
            }
            Err(unknown) => unknown.to_string(),
        }
    }

    #[test]
    fn readings_of_two_days_tell_of_the_days_after_the_first() {
        let meter = example::installed_with(&[("100", "2024-07-01"), ("410", "2024-08-01")]);
        assert_eq!(used(&[&meter], "2024-07-02", "2024-08-02"), "2024-07-02..2024-08-02 Measured 310");
        assert_eq!(used(&[&meter], "2024-07-02", "2024-07-20"), "2024-07-02..2024-07-20 Measured 180");
        assert_eq!(used(&[&meter], "2024-07-20", "2024-08-02"), "2024-07-20..2024-08-02 Measured 130");
    }

    #[test]
    fn days_without_readings_are_named() {
        let meter = example::installed_with(&[("100", "2024-07-01"), ("410", "2024-08-01")]);
        assert_eq!(
            used(&[&meter], "2024-07-02", "2024-08-03"),
            "no readings tell what was used from 2024-08-02 up to and without 2024-08-03"
        );
        assert_eq!(used(&[], "2024-07-02", "2024-08-03"), "no readings tell what was used from 2024-07-02 up to and without 2024-08-03");
        // The example's meter goes up on 1 January.
        assert_eq!(
            used(&[&meter], "2023-12-31", "2024-02-01"),
            "no readings tell what was used from 2023-12-31 up to and without 2024-01-02"
        );
    }

    #[test]
    fn readings_tell_of_the_days_between_the_first_and_the_last_that_counts() {
        let meter = example::installed_with(&[("100", "2024-07-01"), ("410", "2024-08-01")]);
        let measured = |until| meter.measured(example::PREMISES, &example::register().code, example::day(until));
        assert_eq!(measured("2024-08-02"), Some(period("2024-01-02", "2024-08-02")));
        assert_eq!(measured("2024-08-01"), Some(period("2024-01-02", "2024-07-02")));
        assert_eq!(measured("2024-07-01"), None, "one border has no days");
        assert_eq!(meter.measured(PremisesId::new(uuid::Uuid::from_u128(1)), &example::register().code, example::day("2024-08-02")), None);
        assert_eq!(meter.registers_for(Service::Electricity).collect::<Vec<_>>(), [&example::register().code]);
        assert_eq!(meter.registers_for(Service::Water).count(), 0);
    }

    #[test]
    fn shares_are_exact_in_sum_however_they_are_rounded() {
        let meter = example::installed_with(&[("0", "2024-07-01"), ("1", "2024-07-04")]);
        assert_eq!(used(&[&meter], "2024-07-02", "2024-07-03"), "2024-07-02..2024-07-03 Measured 0.333333");
        assert_eq!(used(&[&meter], "2024-07-03", "2024-07-04"), "2024-07-03..2024-07-04 Measured 0.333334");
        assert_eq!(used(&[&meter], "2024-07-04", "2024-07-05"), "2024-07-04..2024-07-05 Measured 0.333333");
        assert_eq!(used(&[&meter], "2024-07-03", "2024-07-05"), "2024-07-03..2024-07-05 Measured 0.666667");
    }

    #[test]
    fn the_days_of_a_segment_sum_to_it() {
        let meter = example::installed_with(&[("0", "2024-07-01"), ("1", "2024-07-08"), ("98", "2024-08-01")]);
        let (register, whole) = (&example::register().code, period("2024-07-05", "2024-07-30"));
        let days = meter.usage_by_day(example::PREMISES, register, whole);
        assert_eq!(days.len(), 25);
        assert!(days.iter().all(|day| day.period.days() == 1) && days.is_sorted_by_key(|day| day.period));
        for segment in meter.usage(example::PREMISES, register, whole) {
            let inside = days.iter().filter(|day| day.period.intersection(segment.period).is_some());
            assert_eq!(inside.map(|day| day.quantity).sum::<Decimal>(), segment.quantity);
        }
    }

    #[test]
    fn months_are_those_of_the_calendar_wherever_it_measured() {
        let meter = example::installed_with(&[("0", "2024-07-01"), ("1", "2024-07-08"), ("98", "2024-09-03")]);
        let (register, from) = (&example::register().code, |month| period(month, "2025-01-01"));
        let months = meter.usage_by_month(register);
        for first in ["2024-07-01", "2024-08-01", "2024-09-01"] {
            let days = from(first).each_month().take(1).flat_map(|month| meter.usage_by_day(example::PREMISES, register, month));
            let inside = months.iter().filter(|month| month.period.from().format("%Y-%m-01").to_string() == first);
            assert_eq!(inside.map(|month| month.quantity).sum::<Decimal>(), days.map(|day| day.quantity).sum::<Decimal>(), "{first}");
        }
        assert_eq!(months.iter().map(|month| month.quantity).sum::<Decimal>(), Decimal::from(98));
    }

    #[test]
    fn of_several_readings_in_a_day_the_last_ends_it_and_the_first_of_all_begins() {
        let at = |value, on, hour| example::reading_at(value, on, hour, ReadingKind::Manual);
        let meter = example::installed_and([at("3", "2024-01-01", 12), at("10", "2024-02-01", 6), at("12", "2024-02-01", 18)]);
        assert_eq!(used(&[&meter], "2024-01-02", "2024-02-02"), "2024-01-02..2024-02-02 Measured 12");
    }

    #[test]
    fn an_exchange_splits_a_period_between_two_meters() {
        let [old, new] = example::exchanged();
        // Old: 20 since the last reading, × 1. New: 5, × 40.
        assert_eq!(
            used(&[&old, &new], "2024-07-02", "2024-08-02"),
            "2024-07-02..2024-07-17 Measured 20; 2024-07-17..2024-08-02 Measured 200"
        );
        assert_eq!(used(&[&new, &old], "2024-07-02", "2024-08-02"), used(&[&old, &new], "2024-07-02", "2024-08-02"));
        assert_eq!(
            used(&[&new], "2024-07-02", "2024-08-02"),
            "no readings tell what was used from 2024-07-02 up to and without 2024-07-17"
        );
    }

    #[test]
    fn what_a_meter_measured_elsewhere_is_not_counted_here() {
        let meter = example::installed_with(&[("100", "2024-07-01")]);
        let elsewhere = PremisesId::new(uuid::Uuid::from_u128(1));
        assert_eq!(meter.usage(elsewhere, &example::register().code, period("2024-01-02", "2024-07-02")), []);
        assert_eq!(meter.usage(example::PREMISES, &Code::new("9.9.9").unwrap(), period("2024-01-02", "2024-07-02")), []);
    }
}
