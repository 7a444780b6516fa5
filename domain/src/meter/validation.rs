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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::example;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + hour * 3600, 0).unwrap()
    }

    /// A reading with nothing to say about it.
    fn plain(register: &Register) -> Observed<'_> {
        Observed {
            register,
            value: dec("500"),
            taken_at: at(0),
            received_at: at(0),
            installed: true,
            disconnected: false,
            latest_known: Some(at(0)),
            advance: Some(Advance::Forward(dec("50"))),
            expected: Some(dec("50")),
            intervals: None,
            multiplier_seen: Some(register.multiplier),
            successive_estimates: 3,
            successive_customer_reads: 3,
        }
    }

    fn found(rules: &ValidationRules, observed: &Observed) -> String {
        let one = |finding: &Finding| {
            let figure = |figure: Option<Decimal>| figure.map_or("-".to_owned(), |figure| figure.normalize().to_string());
            format!("{:?} {:?} {} {}", finding.severity, finding.check, figure(finding.measured), figure(finding.limit))
        };
        rules.findings(observed).iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// Every check: exactly on its border, and just beyond.
    #[test]
    fn every_check_at_its_border() {
        let register = Register { decimals: 3, ..example::register() };
        let plain = || plain(&register);
        let forward = |text: &str| Some(Advance::Forward(dec(text)));
        let (even, spiked) = (vec![dec("5"); 10], [vec![Decimal::ZERO; 9], vec![dec("50")]].concat());
        let spiked_more = [vec![Decimal::ZERO; 10], vec![dec("50")]].concat();
        let (on_sum, off_sum) = (vec![dec("25.5"); 2], vec![dec("25.501"), dec("25.5")]);
        let below_sum = vec![dec("24.499"), dec("24.5")];
        let grid: Vec<(Observed, &str)> = vec![
            (plain(), ""),
            (Observed { installed: false, ..plain() }, "Reject NotInstalled - -"),
            (Observed { taken_at: at(1), received_at: at(1), ..plain() }, ""),
            (Observed { taken_at: at(1), received_at: at(0), ..plain() }, "Reject DateInFuture - -"),
            (Observed { latest_known: None, ..plain() }, ""),
            (Observed { latest_known: Some(at(1)), ..plain() }, "Warn DateBeforePrevious - -"),
            (Observed { value: dec("99999.999"), ..plain() }, ""),
            (Observed { value: dec("100000"), ..plain() }, "Reject DigitsOverflow 100000 100000"),
            (Observed { multiplier_seen: None, ..plain() }, ""),
            (Observed { multiplier_seen: Some(dec("1.001")), ..plain() }, "Hold MultiplierMismatch 1.001 1"),
            (Observed { successive_estimates: 4, ..plain() }, "Warn ProlongedEstimation 4 3"),
            (Observed { successive_customer_reads: 4, ..plain() }, "Warn UnverifiedCustomerReads 4 3"),
            (Observed { advance: Some(Advance::Backward { candidate: dec("99") }), ..plain() }, "Hold NegativeConsumption 99 -"),
            (Observed { advance: Some(Advance::RolledOver(dec("50"))), ..plain() }, ""),
            (Observed { advance: None, ..plain() }, ""),
            (Observed { advance: forward("0"), expected: None, ..plain() }, "Warn ZeroConsumption 0 -"),
            (Observed { advance: forward("0.001"), expected: None, ..plain() }, ""),
            (Observed { disconnected: true, advance: forward("0"), expected: None, ..plain() }, ""),
            (
                Observed { disconnected: true, advance: forward("0.001"), expected: None, ..plain() },
                "Hold ConsumptionWhileDisconnected 0.001 -",
            ),
            // Up to 99: +70 % and −40 %.
            (Observed { advance: forward("85"), ..plain() }, ""),
            (Observed { advance: forward("85.001"), ..plain() }, "Warn HighConsumption 85.001 85"),
            (Observed { advance: forward("30"), ..plain() }, ""),
            (Observed { advance: forward("29.999"), ..plain() }, "Warn LowConsumption 29.999 30"),
            (Observed { advance: forward("168"), expected: Some(dec("99")), ..plain() }, ""),
            // From 100: +60 % and −30 % are worth a word, +65 % and −35 % are held.
            (Observed { advance: forward("160"), expected: Some(dec("100")), ..plain() }, ""),
            (Observed { advance: forward("160.001"), expected: Some(dec("100")), ..plain() }, "Warn HighConsumption 160.001 160"),
            (Observed { advance: forward("165"), expected: Some(dec("100")), ..plain() }, "Warn HighConsumption 165 160"),
            (Observed { advance: forward("165.001"), expected: Some(dec("100")), ..plain() }, "Hold HighConsumption 165.001 165"),
            (Observed { advance: forward("70"), expected: Some(dec("100")), ..plain() }, ""),
            (Observed { advance: forward("69.999"), expected: Some(dec("100")), ..plain() }, "Warn LowConsumption 69.999 70"),
            (Observed { advance: forward("65"), expected: Some(dec("100")), ..plain() }, "Warn LowConsumption 65 70"),
            (Observed { advance: forward("64.999"), expected: Some(dec("100")), ..plain() }, "Hold LowConsumption 64.999 65"),
            // From 1000: +50 % and −20 %.
            (Observed { advance: forward("1598.4"), expected: Some(dec("999")), ..plain() }, ""),
            (Observed { advance: forward("1500"), expected: Some(dec("1000")), ..plain() }, ""),
            (Observed { advance: forward("1500.001"), expected: Some(dec("1000")), ..plain() }, "Warn HighConsumption 1500.001 1500"),
            (Observed { advance: forward("800"), expected: Some(dec("1000")), ..plain() }, ""),
            (Observed { advance: forward("799.999"), expected: Some(dec("1000")), ..plain() }, "Warn LowConsumption 799.999 800"),
            (Observed { advance: forward("1650.001"), expected: Some(dec("1000")), ..plain() }, "Hold HighConsumption 1650.001 1650"),
            // Ten times the mean of ten is all of it, so only an eleventh interval can make a spike.
            (Observed { intervals: Some(&even), ..plain() }, ""),
            (Observed { intervals: Some(&[]), ..plain() }, ""),
            (Observed { intervals: Some(&spiked), ..plain() }, ""),
            (Observed { intervals: Some(&spiked_more), ..plain() }, "Warn IntervalSpike 50 45.454545454545454545454545455"),
            // The sum may be one unit off.
            (Observed { intervals: Some(&on_sum), ..plain() }, ""),
            (Observed { intervals: Some(&off_sum), ..plain() }, "Hold IntervalSum 51.001 50"),
            (Observed { intervals: Some(&below_sum), ..plain() }, "Hold IntervalSum 48.999 50"),
        ];
        for (observed, expected) in grid {
            assert_eq!(found(&ValidationRules::default(), &observed), expected, "{observed:?}");
        }
    }

    #[test]
    fn severities_are_configured_but_never_below_what_a_bill_can_stand_on() {
        let register = example::register();
        let every = |severity| {
            let observed = Observed {
                value: dec("100000"),
                installed: false,
                taken_at: at(-1),
                multiplier_seen: Some(dec("2")),
                advance: Some(Advance::Backward { candidate: dec("9") }),
                ..plain(&register)
            };
            let checks = [
                Check::NotInstalled,
                Check::DigitsOverflow,
                Check::NegativeConsumption,
                Check::DateBeforePrevious,
                Check::MultiplierMismatch,
            ];
            let rules = ValidationRules { severities: checks.map(|check| (check, severity)).into(), ..ValidationRules::default() };
            found(&rules, &observed)
        };
        assert_eq!(every(Severity::Pass), "Hold NotInstalled - -; Hold DigitsOverflow 100000 100000; Hold NegativeConsumption 9 -");
        assert_eq!(
            every(Severity::Reject),
            "Reject NotInstalled - -; Reject DateBeforePrevious - -; Reject DigitsOverflow 100000 100000; Reject MultiplierMismatch 2 1; \
             Reject NegativeConsumption 9 -"
        );
    }

    #[test]
    fn the_high_limit_is_the_widest_of_the_band() {
        let rules = ValidationRules::default();
        for (expected, limit) in [("0", "0"), ("99", "168.3"), ("100", "165"), ("1000", "1650")] {
            assert_eq!(rules.high_limit(dec(expected)), Some(dec(limit)), "{expected}");
        }
        assert_eq!(ValidationRules { bands: vec![], ..rules }.high_limit(dec("5")), None);
    }

    #[test]
    fn usage_is_what_the_multiplier_makes_of_it() {
        let register = Register { multiplier: dec("40"), ..example::register() };
        let observed = Observed { advance: Some(Advance::RolledOver(dec("70"))), expected: Some(dec("1000")), ..plain(&register) };
        assert_eq!(found(&ValidationRules::default(), &observed), "Hold HighConsumption 2800 1650");
    }
}
