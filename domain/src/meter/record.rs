//! Taking a reading: known already, in conflict, refused, held, or recorded.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    Advance, Event, Finding, Meter, Neighbours, Reading, ReadingKind, Register, Rejection, RolloverRule, Severity, TrueUpRules,
    ValidationRules, validation::Observed,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordReading {
    pub reading: Reading,
    pub received_at: DateTime<Utc>,
    /// Usage by interval since the last reading, where the meter tells it.
    pub intervals: Option<Vec<Decimal>>,
    /// The multiplier that whoever read the meter saw on it.
    pub multiplier_seen: Option<Decimal>,
    pub validation: ValidationRules,
    pub true_up: TrueUpRules,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingRecorded {
    pub reading: Reading,
    /// What the checks said and let pass.
    pub findings: Vec<Finding>,
    pub rolled_over: bool,
}

/// A reading that counts for nothing until a person has looked at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingHeld {
    pub reading: Reading,
    pub findings: Vec<Finding>,
}

/// How the other readings of a command are judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadingContext {
    pub received_at: DateTime<Utc>,
    pub validation: ValidationRules,
    pub true_up: TrueUpRules,
}

impl ReadingContext {
    /// By the rules of now. Whether all estimated days lay in one slab is known to their bills alone: without them they are billed again, which
    /// is always right.
    pub fn usual(received_at: DateTime<Utc>) -> Self {
        Self { received_at, validation: ValidationRules::default(), true_up: TrueUpRules::for_tariff(false) }
    }
}

impl Meter {
    pub(super) fn record(&self, wish: RecordReading) -> Result<Vec<Event>, Rejection> {
        let RecordReading { reading, received_at, intervals, multiplier_seen, validation, true_up } = wish;
        let register = self.register_of(&reading.register)?;
        if !reading.is_actual() {
            return Err(Rejection::EstimatesAreReckoned);
        }
        if let Some(known) = self.readings.get(reading.reading_id) {
            return if known.reading == reading { Ok(vec![]) } else { Err(Rejection::ReadingIdReused(reading.reading_id)) };
        }
        if !register.could_show(reading.value) {
            return Err(Rejection::NotAFigureOfTheDial(reading.value));
        }
        match self.readings.in_place_of(&reading) {
            Some(same) if same.value == reading.value => return Ok(vec![]),
            Some(other) => return Err(Rejection::ConflictingReading { with: other.reading_id }),
            None => {}
        }
        let circumstances = Circumstances { received_at, intervals: intervals.as_deref(), multiplier_seen };
        let (findings, advance) = self.examine(register, &reading, &circumstances, &validation);
        match findings.iter().max_by_key(|finding| finding.severity) {
            Some(worst) if worst.severity == Severity::Reject => Err(Rejection::ReadingRefused(worst.check)),
            Some(worst) if worst.severity == Severity::Hold => Ok(vec![ReadingHeld { reading, findings }.into()]),
            Some(_) | None => {
                let installation = self.installation_on(reading.taken_on).ok_or(Rejection::NotInstalledThen(reading.taken_on))?;
                let settled = self.true_up(installation, &reading, true_up);
                let rolled_over = matches!(advance, Some(Advance::RolledOver(_)));
                let recorded = ReadingRecorded { reading, findings, rolled_over };
                Ok([recorded.into()].into_iter().chain(settled).collect())
            }
        }
    }

    /// As one of several readings that a command brings.
    pub(super) fn record_within(&self, reading: Reading, context: &ReadingContext) -> Result<Vec<Event>, Rejection> {
        let ReadingContext { received_at, validation, true_up } = context.clone();
        self.record(RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up })
    }

    fn examine(
        &self,
        register: &Register,
        reading: &Reading,
        circumstances: &Circumstances,
        rules: &ValidationRules,
    ) -> (Vec<Finding>, Option<Advance>) {
        let installation = self.installation_on(reading.taken_on);
        let neighbours = installation.map(|here| self.bounds(here, reading)).unwrap_or_default();
        let previous = neighbours.previous_actual;
        let span = installation.zip(previous);
        let class = rules.class_daily_average;
        let expected = span.and_then(|(here, previous)| self.expected(here, &reading.register, previous.border(), reading.border(), class));
        let high_limit = expected.and_then(|expected| rules.high_limit(expected));
        let fits = reading.value < register.capacity();
        let advance = if fits { advance(register, reading, neighbours, rules.rollover, high_limit) } else { None };
        let earlier = || self.readings.standing(&reading.register).rev().filter(|other| other.taken_at <= reading.taken_at);
        let observed = Observed {
            register,
            value: reading.value,
            taken_at: reading.taken_at,
            received_at: circumstances.received_at,
            installed: installation.is_some(),
            disconnected: span.is_some_and(|(here, previous)| here.disconnected(previous.taken_on, reading.taken_on)),
            latest_known: self.readings.standing(&reading.register).next_back().map(|latest| latest.taken_at),
            advance,
            expected,
            intervals: circumstances.intervals,
            multiplier_seen: circumstances.multiplier_seen,
            successive_estimates: earlier().take_while(|other| !other.is_actual()).count(),
            successive_customer_reads: match reading.kind {
                ReadingKind::Customer => {
                    let actual = earlier().filter(|other| other.is_actual());
                    1 + actual.take_while(|other| other.kind == ReadingKind::Customer).count()
                }
                ReadingKind::Manual
                | ReadingKind::Smart
                | ReadingKind::Estimated
                | ReadingKind::Final
                | ReadingKind::Initial
                | ReadingKind::Special => 0,
            },
        };
        (rules.findings(&observed), advance)
    }
}

/// What came with a reading, for the checks only.
#[derive(Debug)]
struct Circumstances<'a> {
    received_at: DateTime<Utc>,
    intervals: Option<&'a [Decimal]>,
    multiplier_seen: Option<Decimal>,
}

/// How far the dial went to a reading from the actual one before it. A late reading must lie on the way to the one after.
pub(super) fn advance(
    register: &Register,
    reading: &Reading,
    neighbours: Neighbours,
    rule: RolloverRule,
    high_limit: Option<Decimal>,
) -> Option<Advance> {
    match (neighbours.previous_actual, neighbours.next_actual) {
        (None, None) => None,
        (Some(previous), None) => Some(rule.judge(register, previous.value, reading.value, high_limit)),
        (None, Some(next)) => match rule.judge(register, reading.value, next.value, high_limit) {
            Advance::Forward(_) | Advance::RolledOver(_) => None,
            backward @ Advance::Backward { .. } => Some(backward),
        },
        (Some(previous), Some(next)) => {
            let gone = register.turn(previous.value, reading.value);
            if gone > register.turn(previous.value, next.value) {
                Some(Advance::Backward { candidate: gone })
            } else if reading.value < previous.value {
                Some(Advance::RolledOver(gone))
            } else {
                Some(Advance::Forward(gone))
            }
        }
    }
}
