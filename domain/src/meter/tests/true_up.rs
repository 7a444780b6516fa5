//! Estimated, then actual, in both directions.

use super::*;

const REBILL: TrueUpRules = TrueUpRules { respread: true, overestimated: Overestimated::Rebill };
const REBILL_ONLY_WRONG: TrueUpRules = TrueUpRules { respread: false, overestimated: Overestimated::Rebill };
const CREDIT: TrueUpRules = TrueUpRules { respread: true, overestimated: Overestimated::Credit };
const CARRY: TrueUpRules = TrueUpRules { respread: false, overestimated: Overestimated::Credit };

/// Zero on 1 January; estimates end 30 and 60 days later; the actual reading comes after 90.
const FIRST: &str = "2024-01-31";
const SECOND: &str = "2024-03-01";
const ACTUAL: &str = "2024-03-31";

struct Outcome {
    settlement: String,
    superseded: usize,
    parts: String,
    used: String,
}

fn settle(estimates: &[(&str, &str)], actual: &str, rules: TrueUpRules) -> Outcome {
    let facts = installed().into_iter().chain(estimates.iter().map(|(value, on)| estimated(value, on)));
    let meter = meter(facts);
    let events = meter.decide(record_with(reading(actual, ACTUAL), rules)).unwrap();
    let after = events.iter().fold(meter, Meter::evolve);
    let used = used(&after, "2024-01-02", "2024-04-01");
    match &events[..] {
        [Event::ReadingRecorded(_), Event::EstimatesTruedUp(fact)] => {
            let part = |part: &TrueUpPart| format!("{}→{}", part.estimated.normalize(), part.settled.normalize());
            let parts = fact.parts.iter().map(part).collect::<Vec<_>>().join(" ");
            Outcome { settlement: format!("{:?}", fact.settlement), superseded: fact.superseded.len(), parts, used }
        }
        [Event::ReadingRecorded(_)] => Outcome { settlement: String::new(), superseded: 0, parts: String::new(), used },
        other => panic!("{other:?}"),
    }
}

#[test]
fn estimated_then_actual_in_both_directions() {
    let one = &[("100", SECOND)][..];
    let two = &[("100", FIRST), ("200", SECOND)][..];
    let whole = |quantity: &str| format!("2024-01-02..2024-04-01 Measured {quantity}");
    let first = "2024-01-02..2024-02-01 Estimated 100";
    let stands = |last: &str| {
        format!("2024-01-02..2024-02-01 Estimated 100; 2024-02-01..2024-03-02 Estimated 100; 2024-03-02..2024-04-01 TrueUp {last}")
    };
    for (estimates, actual, rules, settlement, superseded, parts, used) in [
        // The published figure: 100 estimated, 102 read, 2 to bill.
        (
            one,
            "102",
            CARRY,
            "CarriedForward",
            0,
            "100→100 0→2",
            "2024-01-02..2024-03-02 Estimated 100; 2024-03-02..2024-04-01 TrueUp 2".to_owned(),
        ),
        (one, "102", CREDIT, "Respread", 1, "100→68 0→34", whole("102")),
        // Too little was estimated.
        (two, "360", CARRY, "CarriedForward", 0, "100→100 100→100 0→160", stands("160")),
        (two, "360", CREDIT, "Respread", 2, "100→120 100→120 0→120", whole("360")),
        (two, "360", REBILL, "Respread", 2, "100→120 100→120 0→120", whole("360")),
        (two, "360", REBILL_ONLY_WRONG, "CarriedForward", 0, "100→100 100→100 0→160", stands("160")),
        // Exactly what was estimated is not too much.
        (two, "200", CARRY, "CarriedForward", 0, "100→100 100→100 0→0", stands("0")),
        (two, "200", REBILL_ONLY_WRONG, "CarriedForward", 0, "100→100 100→100 0→0", stands("0")),
        // Too much was estimated.
        (two, "180", CARRY, "Credited", 0, "100→100 100→100 0→-20", stands("-20")),
        (two, "180", CREDIT, "Credited", 0, "100→100 100→100 0→-20", stands("-20")),
        (two, "180", REBILL, "Rebilled", 2, "100→60 100→60 0→60", whole("180")),
        (two, "180", REBILL_ONLY_WRONG, "Rebilled", 1, "100→100 100→40 0→40", format!("{first}; 2024-02-01..2024-04-01 TrueUp 80")),
        (two, "100", REBILL_ONLY_WRONG, "Rebilled", 1, "100→100 100→0 0→0", format!("{first}; 2024-02-01..2024-04-01 TrueUp 0")),
        (two, "99", REBILL_ONLY_WRONG, "Rebilled", 2, "100→33 100→33 0→33", whole("99")),
        // Nothing was estimated on the day of the reading but this: the day ends with the actual figure.
        (
            &[("100", FIRST), ("200", ACTUAL)],
            "180",
            CARRY,
            "Credited",
            1,
            "100→100 100→80",
            format!("{first}; 2024-02-01..2024-04-01 TrueUp 80"),
        ),
        (&[], "180", REBILL, "", 0, "", whole("180")),
    ] {
        let outcome = settle(estimates, actual, rules);
        let found = (outcome.settlement.as_str(), outcome.superseded, outcome.parts.as_str(), outcome.used.as_str());
        assert_eq!(found, (settlement, superseded, parts, used.as_str()), "{estimates:?} {actual} {rules:?}");
    }
}

#[test]
fn the_default_depends_on_the_tariff() {
    assert_eq!(TrueUpRules::for_tariff(true), CREDIT);
    assert_eq!(TrueUpRules::for_tariff(false), REBILL);
}

#[test]
fn an_estimate_at_the_instant_of_the_reading_gives_way_to_it() {
    let estimate = estimated("200", ACTUAL);
    let meter = meter(installed().into_iter().chain([estimate]));
    for value in ["180", "200"] {
        let events = meter.decide(record_with(reading(value, ACTUAL), CARRY)).unwrap();
        let [_, Event::EstimatesTruedUp(fact)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(fact.superseded.len(), 1, "{value}");
        let after = events.iter().fold(meter.clone(), Meter::evolve);
        assert_eq!(used(&after, "2024-01-02", "2024-04-01"), format!("2024-01-02..2024-04-01 Measured {value}"));
    }
}

#[test]
fn a_late_actual_reading_overtakes_the_estimates_after_it() {
    let meter = meter(installed().into_iter().chain([estimated("100", SECOND)]));
    for (value, superseded) in [("99", None), ("100", None), ("101", Some((1, Settlement::CarriedForward)))] {
        let events = meter.decide(record_with(reading(value, FIRST), CARRY)).unwrap();
        let given_way = match &events[..] {
            [_, Event::EstimatesTruedUp(fact)] => Some((fact.superseded.len(), fact.settlement)),
            [_] => None,
            others => panic!("{others:?}"),
        };
        assert_eq!(given_way, superseded, "{value}");
    }
}

#[test]
fn estimates_beyond_the_next_actual_reading_are_not_touched() {
    let facts = [recorded(reading("50", FIRST)), estimated("60", SECOND)];
    let meter = meter(installed().into_iter().chain(facts));
    let events = meter.decide(record_with(reading("40", "2024-01-15"), REBILL)).unwrap();
    assert!(matches!(&events[..], [Event::ReadingRecorded(_)]), "{events:?}");
}

#[test]
fn a_true_up_comes_with_the_release_of_a_held_reading() {
    let actual = reading("180", ACTUAL);
    let hold = held(&actual, Check::HighConsumption, "180");
    let meter = meter(installed().into_iter().chain([estimated("200", SECOND), hold]));
    let wish = ReleaseReading { true_up: CARRY, ..release(&actual, Resolution::AsRead) };
    let events = meter.decide(Command::ReleaseReading(wish)).unwrap();
    assert!(matches!(&events[..], [Event::ReadingReleased(_), Event::EstimatesTruedUp(_)]), "{events:?}");
}

#[test]
fn reversing_the_actual_reading_restores_the_estimates_that_gave_way() {
    let start = meter(installed().into_iter().chain([estimated("100", FIRST), estimated("200", SECOND)]));
    let apply = |meter: Meter, command| meter.decide(command).unwrap().iter().fold(meter, Meter::evolve);
    let actual = reading("360", ACTUAL);
    let settled = apply(start.clone(), record_with(actual.clone(), REBILL));
    let restored = apply(settled.clone(), Command::ReverseReading(reverse(&actual)));
    assert_eq!(used(&restored, "2024-01-02", "2024-04-01"), used(&start, "2024-01-02", "2024-04-01"));

    // The one that gave way, beside the one that did not.
    let lower = reading("180", ACTUAL);
    let settled_in_part = apply(start.clone(), record_with(lower.clone(), REBILL_ONLY_WRONG));
    let restored = apply(settled_in_part, Command::ReverseReading(reverse(&lower)));
    assert_eq!(used(&restored, "2024-01-02", "2024-04-01"), used(&start, "2024-01-02", "2024-04-01"));

    // Not beneath a reading that has come since: it has been settled without them.
    let later = apply(settled.clone(), record_with(reading("400", "2024-04-15"), REBILL));
    let reversed_late = apply(later, Command::ReverseReading(reverse(&actual)));
    assert_eq!(used(&reversed_late, "2024-01-02", "2024-04-16"), "2024-01-02..2024-04-16 Measured 400");

    // Nor upon other ground: a late reading has come before them.
    let late = apply(settled, record_with(reading("150", "2024-01-20"), REBILL));
    let reversed_ground = apply(late, Command::ReverseReading(reverse(&actual)));
    assert_eq!(used(&reversed_ground, "2024-01-02", "2024-04-01"), "2024-01-02..2024-01-21 Measured 150");
}

#[test]
fn an_estimate_is_not_restored_beside_an_actual_reading_of_its_instant() {
    let start = meter(installed().into_iter().chain([estimated("100", SECOND)]));
    let apply = |meter: Meter, command| meter.decide(command).unwrap().iter().fold(meter, Meter::evolve);
    let actual = reading("120", ACTUAL);
    let settled = apply(start, record_with(actual.clone(), REBILL));
    for (late, restored) in [(Some("80"), 0), (None, 1)] {
        let before = late.into_iter().fold(settled.clone(), |meter, value| apply(meter, record_with(reading(value, SECOND), REBILL)));
        let events = before.decide(Command::ReverseReading(reverse(&actual))).unwrap();
        let [Event::ReadingReversed(fact)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(fact.restored.len(), restored, "{late:?}");
    }
}

#[test]
fn an_estimate_is_not_restored_without_the_reading_it_came_from() {
    let apply = |meter: Meter, command| meter.decide(command).unwrap().iter().fold(meter, Meter::evolve);
    let actual = reading("120", ACTUAL);
    let settled = apply(meter(installed().into_iter().chain([estimated("100", SECOND)])), record_with(actual.clone(), REBILL));
    let alone = apply(settled, Command::ReverseReading(reverse(&initial())));
    assert_eq!(alone.decide(Command::ReverseReading(reverse(&actual))), Ok(vec![reversed(&actual)]));
}

#[test]
fn estimates_without_the_reading_they_came_from_give_way_to_the_first_that_comes() {
    let facts = [estimated("100", FIRST), estimated("200", SECOND), reversed(&initial())];
    let start = meter(installed().into_iter().chain(facts));
    let again = reading_at("150", "2024-01-01", 8, ReadingKind::Initial);
    let events = start.decide(record(again.clone())).unwrap();
    let [_, Event::EstimatesTruedUp(fact)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((fact.superseded.len(), fact.since, fact.parts.len()), (2, again.reading_id, 0));
    // Those after the next actual reading came from that one.
    let next = recorded(reading("180", "2024-02-15"));
    let events = start.evolve(&next).decide(record(again)).unwrap();
    let [_, Event::EstimatesTruedUp(fact)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(fact.superseded.len(), 1);
}

#[test]
fn an_actual_reading_is_not_reversed_if_its_estimates_would_be_a_turn_of_the_dial_away() {
    let wrong = reading("60000", FIRST);
    let facts = |last: &str| {
        [recorded(reading("50000", "2024-01-15")), recorded(wrong.clone()), estimated("70000", SECOND), estimated(last, ACTUAL)]
    };
    let last = reading_at("0", ACTUAL, 12, ReadingKind::Estimated).reading_id;
    installed_then(facts("55000")).when(Command::ReverseReading(reverse(&wrong))).then_rejected(Rejection::NextReadingDependsOnIt(last));
    installed_then(facts("49999")).when(Command::ReverseReading(reverse(&wrong))).then([reversed(&wrong)]);
}

#[test]
fn each_run_of_estimates_is_settled_on_its_own() {
    // The first run was settled by a credit and its estimate stands; the second has nothing to do with it.
    let facts = [estimated("200", FIRST), recorded(reading("180", "2024-02-15")), estimated("300", SECOND)];
    let start = meter(installed().into_iter().chain(facts));
    let events = start.decide(record_with(reading("280", ACTUAL), REBILL)).unwrap();
    let [_, Event::EstimatesTruedUp(fact)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((fact.superseded.len(), fact.parts.len()), (1, 2));
    assert_eq!(fact.parts[0].period.from(), day("2024-02-16"));
}

#[test]
fn an_estimate_of_nothing_does_not_keep_a_reading_from_being_reversed() {
    let wrong = reading("50", FIRST);
    let facts = [recorded(reading("50", "2024-01-15")), recorded(wrong.clone()), estimated("50", SECOND)];
    installed_then(facts).when(Command::ReverseReading(reverse(&wrong))).then([reversed(&wrong)]);
}

#[test]
fn a_true_up_names_the_estimated_days_that_it_corrects() {
    let corrects = |facts: &[Event], from: &str, to: &str| {
        let meter = meter(installed().into_iter().chain(facts.iter().cloned()));
        let period = crate::BillingPeriod::new(day(from), day(to)).unwrap();
        let segments = meter.usage(PREMISES, &register().code, period);
        let one = |segment: &crate::UsageSegment| segment.corrects.iter().map(|days| days.to_string()).collect::<Vec<_>>().join(", ");
        segments.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let two = [estimated("100", FIRST), estimated("200", SECOND), recorded(reading("180", ACTUAL))];
    let days = "2024-01-02 to 2024-01-31, 2024-02-01 to 2024-03-01";
    assert_eq!(corrects(&two, "2024-01-02", "2024-04-01"), format!("; ; {days}"));
    assert_eq!(corrects(&two, "2024-03-02", "2024-04-01"), days);
    assert_eq!(corrects(&two, "2024-03-20", "2024-04-01"), days);
    // Back to the last figure that was read, and no further.
    let read_between =
        [estimated("100", FIRST), recorded(reading("90", "2024-02-10")), estimated("200", SECOND), recorded(reading("180", ACTUAL))];
    assert_eq!(corrects(&read_between, "2024-02-11", "2024-04-01"), "; 2024-02-11 to 2024-03-01");
}

#[test]
fn a_reset_overtakes_every_estimate_about_it() {
    let lower = reading("100", "2024-02-15");
    let estimates = [estimated("50300", FIRST), estimated("50600", SECOND)];
    let facts =
        [recorded(reading("50000", "2024-01-10"))].into_iter().chain(estimates).chain([held(&lower, Check::NegativeConsumption, "1")]);
    let start = meter(installed().into_iter().chain(facts));
    for rules in [REBILL, REBILL_ONLY_WRONG, CREDIT, CARRY] {
        let wish = ReleaseReading { true_up: rules, ..release(&lower, Resolution::AsReset { to: dec("0") }) };
        let events = start.decide(Command::ReleaseReading(wish)).unwrap();
        let [Event::ReadingReleased(_), Event::EstimatesTruedUp(fact)] = &events[..] else { panic!("{events:?}") };
        let parts: Vec<_> = fact.parts.iter().map(|part| format!("{}→{}", part.estimated, part.settled)).collect();
        let after = used(&events.iter().fold(start.clone(), Meter::evolve), "2024-01-11", "2024-03-02");
        match rules.overestimated {
            Overestimated::Rebill => {
                assert_eq!((fact.settlement, fact.superseded.len()), (Settlement::Rebilled, 2));
                assert_eq!(parts, ["300→58.333333", "0→41.666667"]);
                assert_eq!(after, "2024-01-11..2024-02-16 Measured 100");
            }
            Overestimated::Credit => {
                assert_eq!((fact.settlement, fact.superseded.len()), (Settlement::Credited, 1));
                assert_eq!(parts, ["300→300", "0→-200"]);
                assert_eq!(after, "2024-01-11..2024-02-01 Estimated 300; 2024-02-01..2024-02-16 TrueUp -200");
            }
        }
    }
}

#[test]
fn estimates_after_an_actual_reading_are_not_left_on_ground_that_is_taken_away() {
    // 12000 was reckoned from 95000, past the end of the dial. Alone with 50000, nobody would believe that.
    let wrong = reading("95000", FIRST);
    let passed = reading_at("7000", SECOND, 12, ReadingKind::Estimated);
    for (before, fine) in [("90000", true), ("50000", false)] {
        let facts = [recorded(reading(before, "2024-01-15")), recorded(wrong.clone()), estimated("7000", SECOND)];
        let given = installed_then(facts).when(Command::ReverseReading(reverse(&wrong)));
        if fine { given.then([reversed(&wrong)]) } else { given.then_rejected(Rejection::NextReadingDependsOnIt(passed.reading_id)) }
    }
}
