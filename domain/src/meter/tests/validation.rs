//! Every check with its border values.

use chrono::{DateTime, Utc};

use super::*;
use crate::meter::validation::Observed;

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
    let register = Register { decimals: 3, ..register() };
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
    let register = register();
    let every = |severity| {
        let observed = Observed {
            value: dec("100000"),
            installed: false,
            taken_at: at(-1),
            multiplier_seen: Some(dec("2")),
            advance: Some(Advance::Backward { candidate: dec("9") }),
            ..plain(&register)
        };
        let checks =
            [Check::NotInstalled, Check::DigitsOverflow, Check::NegativeConsumption, Check::DateBeforePrevious, Check::MultiplierMismatch];
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
    let register = Register { multiplier: dec("40"), ..register() };
    let observed = Observed { advance: Some(Advance::RolledOver(dec("70"))), expected: Some(dec("1000")), ..plain(&register) };
    assert_eq!(found(&ValidationRules::default(), &observed), "Hold HighConsumption 2800 1650");
}
