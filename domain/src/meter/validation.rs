//! Validation: every check that a reading goes through before a bill may stand on it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Advance, Register, RolloverRule};

/// How strictly readings are checked. It arrives with each reading, so that a replay judges by the rules of the day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValidationRules {
    /// Where they differ from [`Check::usual_severity`]. High and low consumption have theirs in the bands.
    pub severities: BTreeMap<Check, Severity>,
    /// By the expected quantity from which they apply, lowest first.
    pub bands: Vec<Band>,
    pub rollover: RolloverRule,
    /// What a customer of the class uses in a day, for a meter without a history.
    pub class_daily_average: Option<Decimal>,
    /// An interval above this many times the mean of its kind is a spike.
    pub spike_factor: Decimal,
    /// By how much the sum of the intervals may miss the register.
    pub interval_tolerance: Decimal,
    pub max_successive_estimates: usize,
    /// How many of the customer's own readings may follow one another before ours must confirm them.
    pub max_customer_reads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    ZeroConsumption,
    ConsumptionWhileDisconnected,
    NegativeConsumption,
    HighConsumption,
    LowConsumption,
    IntervalSpike,
    IntervalSum,
    MultiplierMismatch,
    DigitsOverflow,
    DateInFuture,
    DateBeforePrevious,
    NotInstalled,
    ProlongedEstimation,
    UnverifiedCustomerReads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Not worth a word.
    Pass,
    /// Accepted, and said.
    Warn,
    /// Kept, and counts for nothing until a person releases it.
    Hold,
    /// Not taken at all.
    Reject,
}

/// Tolerances for expected quantities of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Band {
    pub from: Decimal,
    pub limits: Vec<Limit>,
}

/// How far from the expected quantity, in per cent of it, and what follows beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    pub above: Decimal,
    pub below: Decimal,
    pub severity: Severity,
}

/// What a check found, with the figures that say why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub check: Check,
    pub severity: Severity,
    pub measured: Option<Decimal>,
    pub limit: Option<Decimal>,
}

/// A reading with all that the checks ask of its circumstances.
#[derive(Clone, Debug)]
pub(super) struct Observed<'a> {
    pub register: &'a Register,
    pub value: Decimal,
    pub taken_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub installed: bool,
    /// The supply was off all the time since the last reading.
    pub disconnected: bool,
    pub latest_known: Option<DateTime<Utc>>,
    /// Since the last actual reading; none for the first.
    pub advance: Option<Advance>,
    pub expected: Option<Decimal>,
    pub intervals: Option<&'a [Decimal]>,
    pub multiplier_seen: Option<Decimal>,
    pub successive_estimates: usize,
    /// With this one.
    pub successive_customer_reads: usize,
}

impl Default for ValidationRules {
    fn default() -> Self {
        let limit = |above: i64, below: i64, severity| Limit { above: above.into(), below: below.into(), severity };
        let band = |from: i64, limits| Band { from: from.into(), limits };
        Self {
            severities: BTreeMap::new(),
            bands: vec![
                band(0, vec![limit(70, 40, Severity::Warn)]),
                band(100, vec![limit(60, 30, Severity::Warn), limit(65, 35, Severity::Hold)]),
                band(1000, vec![limit(50, 20, Severity::Warn), limit(65, 35, Severity::Hold)]),
            ],
            rollover: RolloverRule::default(),
            class_daily_average: None,
            spike_factor: Decimal::TEN,
            interval_tolerance: Decimal::ONE,
            max_successive_estimates: 3,
            max_customer_reads: 3,
        }
    }
}

impl Check {
    pub const fn usual_severity(self) -> Severity {
        match self {
            Self::DigitsOverflow | Self::DateInFuture | Self::NotInstalled => Severity::Reject,
            Self::NegativeConsumption | Self::ConsumptionWhileDisconnected | Self::IntervalSum | Self::MultiplierMismatch => Severity::Hold,
            Self::ZeroConsumption
            | Self::HighConsumption
            | Self::LowConsumption
            | Self::IntervalSpike
            | Self::DateBeforePrevious
            | Self::ProlongedEstimation
            | Self::UnverifiedCustomerReads => Severity::Warn,
        }
    }

    /// No configuration can let these through: a bill could not stand on such a reading.
    const fn least_severity(self) -> Severity {
        match self {
            Self::DigitsOverflow | Self::NotInstalled | Self::NegativeConsumption => Severity::Hold,
            Self::ZeroConsumption
            | Self::ConsumptionWhileDisconnected
            | Self::HighConsumption
            | Self::LowConsumption
            | Self::IntervalSpike
            | Self::IntervalSum
            | Self::MultiplierMismatch
            | Self::DateInFuture
            | Self::DateBeforePrevious
            | Self::ProlongedEstimation
            | Self::UnverifiedCustomerReads => Severity::Pass,
        }
    }
}

impl ValidationRules {
    /// The most that is unsuspicious where `expected` is expected: the widest of its band's upper limits.
    pub fn high_limit(&self, expected: Decimal) -> Option<Decimal> {
        self.limits(expected).iter().map(|limit| upper(expected, limit)).max()
    }

    pub(super) fn findings(&self, observed: &Observed) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |check: Check, measured: Option<Decimal>, limit: Option<Decimal>| {
            let severity = self.severities.get(&check).copied().unwrap_or(check.usual_severity()).max(check.least_severity());
            found.push(Finding { check, severity, measured, limit });
        };
        let Observed { register, value, .. } = observed;
        if !observed.installed {
            add(Check::NotInstalled, None, None);
        }
        if observed.taken_at > observed.received_at {
            add(Check::DateInFuture, None, None);
        }
        if observed.latest_known.is_some_and(|latest| observed.taken_at < latest) {
            add(Check::DateBeforePrevious, None, None);
        }
        if *value >= register.capacity() {
            add(Check::DigitsOverflow, Some(*value), Some(register.capacity()));
        }
        if let Some(seen) = observed.multiplier_seen.filter(|seen| *seen != register.multiplier) {
            add(Check::MultiplierMismatch, Some(seen), Some(register.multiplier));
        }
        if observed.successive_estimates > self.max_successive_estimates {
            add(Check::ProlongedEstimation, Some(observed.successive_estimates.into()), Some(self.max_successive_estimates.into()));
        }
        if observed.successive_customer_reads > self.max_customer_reads {
            add(Check::UnverifiedCustomerReads, Some(observed.successive_customer_reads.into()), Some(self.max_customer_reads.into()));
        }
        let usage = match observed.advance {
            Some(Advance::Forward(gone) | Advance::RolledOver(gone)) => Some(gone * register.multiplier),
            Some(Advance::Backward { candidate }) => {
                add(Check::NegativeConsumption, Some(candidate * register.multiplier), None);
                None
            }
            None => None,
        };
        if let Some(usage) = usage {
            match (observed.disconnected, usage.is_zero()) {
                (true, false) => add(Check::ConsumptionWhileDisconnected, Some(usage), None),
                (false, true) => add(Check::ZeroConsumption, Some(usage), None),
                (true, true) | (false, false) => {}
            }
        }
        if let Some(intervals) = observed.intervals.filter(|intervals| !intervals.is_empty()) {
            let sum: Decimal = intervals.iter().sum();
            let highest = intervals.iter().copied().max().unwrap_or_default();
            let spike = sum * self.spike_factor / Decimal::from(intervals.len());
            if highest > spike {
                add(Check::IntervalSpike, Some(highest), Some(spike));
            }
            if let Some(usage) = usage.filter(|usage| (sum - usage).abs() > self.interval_tolerance) {
                add(Check::IntervalSum, Some(sum), Some(usage));
            }
        }
        if let (Some(usage), Some(expected)) = (usage, observed.expected) {
            found.extend(self.beyond_tolerance(usage, expected));
        }
        found.retain(|finding| finding.severity > Severity::Pass);
        found
    }

    /// The strictest limit that is passed; on the limit is within it.
    fn beyond_tolerance(&self, usage: Decimal, expected: Decimal) -> Option<Finding> {
        let beyond = self.limits(expected).iter().filter_map(|limit| {
            let (high, low) = (upper(expected, limit), lower(expected, limit));
            if usage > high {
                Some((limit.severity, Check::HighConsumption, high))
            } else if usage < low {
                Some((limit.severity, Check::LowConsumption, low))
            } else {
                None
            }
        });
        let (severity, check, limit) = beyond.max_by_key(|(severity, ..)| *severity)?;
        Some(Finding { check, severity, measured: Some(usage), limit: Some(limit) })
    }

    fn limits(&self, expected: Decimal) -> &[Limit] {
        self.bands.iter().rev().find(|band| band.from <= expected).map_or(&[], |band| &band.limits)
    }
}

fn upper(expected: Decimal, limit: &Limit) -> Decimal {
    expected * (Decimal::ONE_HUNDRED + limit.above) / Decimal::ONE_HUNDRED
}

fn lower(expected: Decimal, limit: &Limit) -> Decimal {
    expected * (Decimal::ONE_HUNDRED - limit.below) / Decimal::ONE_HUNDRED
}
