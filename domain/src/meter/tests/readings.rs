//! Taking readings, releasing them, taking them back.

use super::*;

fn at(value: &str, on: &str) -> Reading {
    reading(value, on)
}

#[test]
fn a_reading_is_recorded_once() {
    let reading = at("100", "2024-02-01");
    installed_then([]).when(record(reading.clone())).then([recorded(reading.clone())]);
    let other = Reading { value: dec("101"), ..reading.clone() };
    installed_then([recorded(reading.clone())]).when(record(other)).then_rejected(Rejection::ReadingIdReused(reading.reading_id));
}

#[test]
fn the_same_figure_at_the_same_time_is_the_same_reading_and_another_figure_is_a_conflict() {
    let known = at("100", "2024-02-01");
    let again = Reading { kind: ReadingKind::Smart, reading_id: ReadingId::new(Uuid::from_u128(1)), ..known.clone() };
    installed_then([recorded(known.clone())]).when(record(again.clone())).then_nothing();
    let other = Reading { value: dec("101"), ..again.clone() };
    installed_then([recorded(known.clone())])
        .when(record(other.clone()))
        .then_rejected(Rejection::ConflictingReading { with: known.reading_id });
    let held_first = [held(&known, Check::ConsumptionWhileDisconnected, "100")];
    installed_then(held_first).when(record(other.clone())).then_rejected(Rejection::ConflictingReading { with: known.reading_id });
    // What was taken back no longer stands in the way.
    installed_then([recorded(known.clone()), reversed(&known)]).when(record(other.clone())).then([recorded(other)]);
}

#[test]
fn figures_that_no_dial_shows() {
    for value in ["-1", "0.5"] {
        installed_then([]).when(record(at(value, "2024-02-01"))).then_rejected(Rejection::NotAFigureOfTheDial(dec(value)));
    }
    // A decimal that is a zero is no decimal.
    let round = at("5.0", "2024-02-01");
    installed_then([]).when(record(round.clone())).then([recorded(round)]);
    installed_then([]).when(record(at("100000", "2024-02-01"))).then_rejected(Rejection::ReadingRefused(Check::DigitsOverflow));
}

#[test]
fn readings_that_are_refused() {
    let unknown = Code::new("9.9.9").unwrap();
    let other_register = Reading { register: unknown.clone(), ..at("1", "2024-02-01") };
    installed_then([]).when(record(other_register)).then_rejected(Rejection::NoSuchRegister(unknown));
    let estimate = reading_at("1", "2024-02-01", 12, ReadingKind::Estimated);
    installed_then([]).when(record(estimate)).then_rejected(Rejection::EstimatesAreReckoned);
    installed_then([]).when(record(at("1", "2023-12-31"))).then_rejected(Rejection::ReadingRefused(Check::NotInstalled));
    installed_then([]).when(record(at("1", "2030-01-01"))).then_rejected(Rejection::ReadingRefused(Check::DateInFuture));
    given::<Meter>([]).when(record(at("1", "2024-02-01"))).then_rejected(Rejection::NotRegistered);
}

#[test]
fn a_late_reading_must_lie_on_the_way_to_the_next() {
    let next = recorded(at("200", "2024-03-01"));
    for (value, held_at) in [("0", None), ("150", None), ("200", None), ("201", Some("201"))] {
        let late = at(value, "2024-02-01");
        let zero = value == "0";
        let expected = match held_at {
            None => {
                let Event::ReadingRecorded(mut fact) = warned(&late, Check::DateBeforePrevious) else { unreachable!() };
                if zero {
                    let check = Check::ZeroConsumption;
                    fact.findings.push(Finding { check, severity: Severity::Warn, measured: Some(dec("0")), limit: None });
                }
                fact.into()
            }
            Some(measured) => {
                let Event::ReadingHeld(mut fact) = held(&late, Check::NegativeConsumption, measured) else { unreachable!() };
                let check = Check::DateBeforePrevious;
                fact.findings.insert(0, Finding { check, severity: Severity::Warn, measured: None, limit: None });
                fact.into()
            }
        };
        installed_then([next.clone()]).when(record(late)).then([expected]);
    }
}

#[test]
fn a_late_reading_may_lie_on_either_side_of_a_rollover() {
    let facts = || [recorded(at("99950", "2024-02-01")), recorded(at("20", "2024-04-01"))];
    for (value, rolled_over) in [("99990", false), ("5", true), ("20", true), ("99950", false)] {
        let late = at(value, "2024-03-01");
        let meter = meter(installed().into_iter().chain(facts()));
        let events = meter.decide(record(late)).unwrap();
        let [Event::ReadingRecorded(fact)] = &events[..] else { panic!("{value}: {events:?}") };
        assert_eq!(fact.rolled_over, rolled_over, "{value}");
    }
    let meter = meter(installed().into_iter().chain(facts()));
    for value in ["21", "99949"] {
        let events = meter.decide(record(at(value, "2024-03-01"))).unwrap();
        assert!(matches!(&events[..], [Event::ReadingHeld(_)]), "{value}: {events:?}");
    }
}

#[test]
fn a_reading_before_the_first_must_lead_to_it() {
    let none = || [registered(), installed_alone(), recorded(at("100", "2024-02-01"))];
    for (value, fine) in [("100", true), ("101", false), ("99999", true)] {
        let events = meter(none()).decide(record(at(value, "2024-01-15"))).unwrap();
        assert_eq!(matches!(&events[..], [Event::ReadingRecorded(_)]), fine, "{value}");
    }
}

#[test]
fn a_rollover_is_recorded_as_one() {
    let before = recorded(at("99950", "2024-02-01"));
    let reading = at("20", "2024-03-01");
    let rolled = ReadingRecorded { reading: reading.clone(), findings: vec![], rolled_over: true };
    installed_then([before.clone()]).when(record(reading.clone())).then([rolled.clone().into()]);
    let meter = meter(installed().into_iter().chain([before, rolled.into()]));
    assert_eq!(used(&meter, "2024-02-02", "2024-03-02"), "2024-02-02..2024-03-02 Measured 70");
}

#[test]
fn one_rollover_since_the_last_actual_reading() {
    // The estimate already passed the end; the actual reading is judged from the actual one before, so it passes once, not twice.
    let facts = [recorded(at("99950", "2024-02-01")), estimated("20", "2024-03-01")];
    let meter = meter(installed().into_iter().chain(facts));
    let events = meter.decide(record(at("30", "2024-04-01"))).unwrap();
    let meter = events.iter().fold(meter, Meter::evolve);
    assert_eq!(used(&meter, "2024-02-02", "2024-04-02"), "2024-02-02..2024-04-02 Measured 80");
}

#[test]
fn a_lower_figure_is_held_until_a_person_decides() {
    let before = recorded(at("50000", "2024-02-01"));
    let lower = at("49900", "2024-03-01");
    let hold = held(&lower, Check::NegativeConsumption, "99900");
    let command = |resolution| Command::ReleaseReading(release(&lower, resolution));
    installed_then([before.clone()]).when(record(lower.clone())).then([hold.clone()]);
    installed_then([before.clone(), hold.clone()])
        .when(command(Resolution::AsRead))
        .then_rejected(Rejection::StillNegative(lower.reading_id));
    installed_then([before.clone(), hold.clone()]).when(command(Resolution::AsRollover)).then([released(&lower, Resolution::AsRollover)]);
    // Held, it counts for nothing.
    let meter = meter(installed().into_iter().chain([before.clone(), hold.clone()]));
    assert_eq!(used(&meter, "2024-02-02", "2024-03-02"), "");
    // Once the figure before it is taken back, it is right as it is.
    let Event::ReadingRecorded(typo) = &before else { unreachable!() };
    let facts = [before.clone(), hold, reversed(&typo.reading)];
    installed_then(facts.clone()).when(command(Resolution::AsRead)).then([released(&lower, Resolution::AsRead)]);
    installed_then(facts).when(command(Resolution::AsRollover)).then_rejected(Rejection::NotARollover(lower.reading_id));
}

#[test]
fn after_a_reset_usage_counts_from_the_figure_that_was_set() {
    let facts = |lower: &Reading| [recorded(at("50000", "2024-02-01")), held(lower, Check::NegativeConsumption, "50100")];
    let lower = at("100", "2024-03-01");
    let release = |resolution| Command::ReleaseReading(release(&lower, resolution));
    let reset = |to: &str| Resolution::AsReset { to: dec(to) };
    for (to, measured) in [("0", "100"), ("40", "60"), ("100", "0")] {
        installed_then(facts(&lower)).when(release(reset(to))).then([released(&lower, reset(to))]);
        let next = [released(&lower, reset(to)), recorded(at("150", "2024-04-01"))];
        let meter = meter(installed().into_iter().chain(facts(&lower)).chain(next));
        let expected = format!("2024-02-02..2024-03-02 Measured {measured}; 2024-03-02..2024-04-02 Measured 50");
        assert_eq!(used(&meter, "2024-02-02", "2024-04-02"), expected, "{to}");
    }
    installed_then(facts(&lower)).when(release(reset("101"))).then_rejected(Rejection::StillNegative(lower.reading_id));
    for no_figure in ["-1", "0.5"] {
        installed_then(facts(&lower)).when(release(reset(no_figure))).then_rejected(Rejection::NotAFigureOfTheDial(dec(no_figure)));
    }
}

#[test]
fn a_reset_shows_in_a_lower_figure_that_is_the_last() {
    let zero = Resolution::AsReset { to: dec("0") };
    let release = |reading: &Reading| Command::ReleaseReading(release(reading, zero));
    for (before, value, fine) in [("100", "101", false), ("100", "100", false), ("100", "99", true), ("99950", "20", true)] {
        let reading = at(value, "2024-03-01");
        let given = installed_then([recorded(at(before, "2024-02-01")), held(&reading, Check::HighConsumption, "1")]);
        match fine {
            true => given.when(release(&reading)).then([released(&reading, zero)]),
            false => given.when(release(&reading)).then_rejected(Rejection::NotAReset(reading.reading_id)),
        }
    }
    // Nothing is below the first reading of all.
    let first = at("5", "2024-02-01");
    given::<Meter>([registered(), installed_alone(), held(&first, Check::HighConsumption, "5")])
        .when(release(&first))
        .then_rejected(Rejection::NotAReset(first.reading_id));
    // With a later figure known, nobody can tell on which side of the reset that one was.
    let (before, lower, next) = (recorded(at("50000", "2024-02-01")), at("100", "2024-03-01"), at("200", "2024-04-01"));
    let hold = |reading: &Reading| held(reading, Check::NegativeConsumption, "1");
    installed_then([before, hold(&lower), hold(&next), released(&next, zero)])
        .when(release(&lower))
        .then_rejected(Rejection::StillNegative(lower.reading_id));
}

#[test]
fn a_late_reading_ahead_of_a_reset_follows_the_one_before_it() {
    let reset = at("100", "2024-04-01");
    let zero = Resolution::AsReset { to: dec("0") };
    let facts = || [recorded(at("50000", "2024-02-01")), held(&reset, Check::NegativeConsumption, "50100"), released(&reset, zero)];
    let start = || meter(installed().into_iter().chain(facts()));
    for (value, fine) in [("50000", true), ("50300", true), ("49999", false), ("50", false)] {
        let events = start().decide(record(at(value, "2024-03-01"))).unwrap();
        assert_eq!(matches!(&events[..], [Event::ReadingRecorded(_)]), fine, "{value}");
    }
    let late = start().evolve(&recorded(at("50300", "2024-03-01")));
    assert_eq!(used(&late, "2024-02-02", "2024-04-02"), "2024-02-02..2024-03-02 Measured 300; 2024-03-02..2024-04-02 Measured 100");
    // Before the first of all, too, whatever it says.
    let none = [registered(), installed_alone(), recorded(at("50000", "2024-02-01"))];
    let alone = [held(&reset, Check::NegativeConsumption, "50100"), released(&reset, zero), reversed(&at("50000", "2024-02-01"))];
    let events = meter(none.into_iter().chain(alone)).decide(record(at("70000", "2024-03-01"))).unwrap();
    assert!(matches!(&events[..], [Event::ReadingRecorded(_)]), "{events:?}");
}

#[test]
fn a_reset_is_reversed_only_before_what_followed_it() {
    let (before, reset) = (at("50000", "2024-02-01"), at("100", "2024-03-01"));
    let zero = Resolution::AsReset { to: dec("0") };
    let facts = || [recorded(before.clone()), held(&reset, Check::NegativeConsumption, "50100"), released(&reset, zero)];
    let reverse = |reading: &Reading| Command::ReverseReading(reverse(reading));
    installed_then(facts()).when(reverse(&reset)).then([reversed(&reset)]);
    // The figure after a reset does not depend on the one before.
    installed_then(facts()).when(reverse(&before)).then([reversed(&before)]);
    let estimate = reading_at("400", "2024-04-01", 12, ReadingKind::Estimated);
    for next in [recorded(at("400", "2024-04-01")), estimated("400", "2024-04-01")] {
        let next_id = if matches!(next, Event::ReadingEstimated(_)) { estimate.reading_id } else { at("400", "2024-04-01").reading_id };
        installed_then(facts().into_iter().chain([next])).when(reverse(&reset)).then_rejected(Rejection::NextReadingDependsOnIt(next_id));
    }
}

#[test]
fn what_a_person_said_of_a_held_reading_is_written_as_one_word_or_with_its_figure() {
    for (resolution, json) in [
        (Resolution::AsRead, r#""asRead""#),
        (Resolution::AsRollover, r#""asRollover""#),
        (Resolution::AsReset { to: dec("40") }, r#"{"asReset":{"to":"40"}}"#),
    ] {
        assert_eq!(serde_json::to_string(&resolution).unwrap(), json);
        assert_eq!(serde_json::from_str::<Resolution>(json).unwrap(), resolution);
    }
}

#[test]
fn a_held_reading_between_two_others_cannot_be_released_against_them() {
    let (wrong, next) = (at("201", "2024-02-01"), recorded(at("200", "2024-03-01")));
    let hold = held(&wrong, Check::NegativeConsumption, "201");
    for resolution in [Resolution::AsRead, Resolution::AsRollover] {
        installed_then([next.clone(), hold.clone()])
            .when(Command::ReleaseReading(release(&wrong, resolution)))
            .then_rejected(Rejection::StillNegative(wrong.reading_id));
    }
    // Below the one before it, but not on the way to the one after.
    let (before, low) = (recorded(at("100", "2024-01-10")), at("50", "2024-02-01"));
    installed_then([before, next, held(&low, Check::NegativeConsumption, "99950")])
        .when(Command::ReleaseReading(release(&low, Resolution::AsRollover)))
        .then_rejected(Rejection::StillNegative(low.reading_id));
}

#[test]
fn only_a_named_person_releases_and_only_what_is_held() {
    let reading = at("100", "2024-02-01");
    let hold = held(&reading, Check::ConsumptionWhileDisconnected, "100");
    let wish = release(&reading, Resolution::AsRead);
    installed_then([]).when(Command::ReleaseReading(wish.clone())).then_rejected(Rejection::NoSuchReading(reading.reading_id));
    installed_then([recorded(reading.clone())])
        .when(Command::ReleaseReading(wish.clone()))
        .then_rejected(Rejection::NotHeld(reading.reading_id));
    installed_then([hold.clone(), reversed(&reading)])
        .when(Command::ReleaseReading(wish.clone()))
        .then_rejected(Rejection::NotHeld(reading.reading_id));
    for actor in [Actor::policy("billing"), Actor::job("night")] {
        let wish = ReleaseReading { released_by: actor, ..wish.clone() };
        installed_then([hold.clone()]).when(Command::ReleaseReading(wish)).then_rejected(Rejection::OnlyAPersonReleases);
    }
    installed_then([hold]).when(Command::ReleaseReading(wish)).then([released(&reading, Resolution::AsRead)]);
}

#[test]
fn what_was_held_for_its_place_or_its_size_cannot_be_released() {
    let (nowhere, too_big) = (at("1", "2023-12-31"), at("100000", "2024-02-01"));
    for (reading, check, rejection) in [
        (&nowhere, Check::NotInstalled, Rejection::NotInstalledThen(day("2023-12-31"))),
        (&too_big, Check::DigitsOverflow, Rejection::NotAFigureOfTheDial(dec("100000"))),
    ] {
        installed_then([held(reading, check, "1")])
            .when(Command::ReleaseReading(release(reading, Resolution::AsRead)))
            .then_rejected(rejection);
    }
}

#[test]
fn a_reversed_reading_makes_room_for_the_one_before() {
    let (first, wrong, third) = (at("100", "2024-02-01"), at("180", "2024-03-01"), at("200", "2024-04-01"));
    let facts = || [&first, &wrong, &third].map(|reading| recorded(reading.clone()));
    installed_then(facts()).when(Command::ReverseReading(reverse(&wrong))).then([reversed(&wrong)]);
    let meter = meter(installed().into_iter().chain(facts()).chain([reversed(&wrong)]));
    assert_eq!(used(&meter, "2024-02-02", "2024-04-02"), "2024-02-02..2024-04-02 Measured 100");
    installed_then([]).when(Command::ReverseReading(reverse(&wrong))).then_rejected(Rejection::NoSuchReading(wrong.reading_id));
}

#[test]
fn a_reading_that_the_next_was_believed_for_is_not_reversed_before_it() {
    // 99990 was mistyped; 20 was then believed to be a rollover. Alone with 500 it is not.
    let (wrong, next) = (at("99990", "2024-03-01"), at("20", "2024-04-01"));
    let facts = |first: &str| [at(first, "2024-02-01"), wrong.clone(), next.clone()].map(recorded);
    installed_then(facts("500"))
        .when(Command::ReverseReading(reverse(&wrong)))
        .then_rejected(Rejection::NextReadingDependsOnIt(next.reading_id));
    installed_then(facts("90000")).when(Command::ReverseReading(reverse(&wrong))).then([reversed(&wrong)]);
    let hold = held(&wrong, Check::HighConsumption, "99490");
    let [first, _, next] = facts("500");
    installed_then([first, hold, next]).when(Command::ReverseReading(reverse(&wrong))).then([reversed(&wrong)]);
}

#[test]
fn a_billed_reading_is_reversed_only_with_its_bills() {
    let reading = at("100", "2024-02-01");
    let [ends, begins] = [InvoiceId::new(Uuid::from_u128(1)), InvoiceId::new(Uuid::from_u128(2))];
    let note = |invoice_id, reading_ids| Command::NoteReadingsBilled(NoteReadingsBilled { invoice_id, reading_ids });
    let billed = |invoice_id| Event::from(ReadingsBilled { invoice_id, reading_ids: vec![reading.reading_id] });
    let cancelled = |invoice_id| Event::from(ReadingsUnbilled { invoice_id });
    let read = || recorded(reading.clone());
    let with = |bills: &[InvoiceId]| ReverseReading { cancels_bills: bills.to_vec(), ..reverse(&reading) };

    installed_then([read()]).when(note(ends, vec![reading.reading_id])).then([billed(ends)]);
    installed_then([]).when(note(ends, vec![reading.reading_id])).then_rejected(Rejection::NoSuchReading(reading.reading_id));
    installed_then([read(), reversed(&reading)])
        .when(note(ends, vec![reading.reading_id]))
        .then_rejected(Rejection::DoesNotCount(reading.reading_id));
    installed_then([held(&reading, Check::HighConsumption, "1")])
        .when(note(ends, vec![reading.reading_id]))
        .then_rejected(Rejection::DoesNotCount(reading.reading_id));

    // A reading more on the same bill is news.
    let more = at("120", "2024-03-01");
    let two = vec![reading.reading_id, more.reading_id];
    let billed_two = ReadingsBilled { invoice_id: ends, reading_ids: two.clone() };
    installed_then([read(), recorded(more), billed(ends)]).when(note(ends, two)).then([billed_two.into()]);

    let both = || [read(), billed(ends), billed(begins)];
    installed_then(both()).when(Command::ReverseReading(with(&[]))).then_rejected(Rejection::Billed(ends));
    installed_then(both()).when(Command::ReverseReading(with(&[ends]))).then_rejected(Rejection::Billed(begins));
    let together =
        ReadingReversed { reading_id: reading.reading_id, reason: because(), cancels_bills: vec![ends, begins], restored: vec![] };
    installed_then(both()).when(Command::ReverseReading(with(&[ends, begins]))).then([together.into()]);

    let cancel = |invoice_id| Command::NoteBillCancelled(NoteBillCancelled { invoice_id });
    installed_then(both()).when(cancel(ends)).then([cancelled(ends)]);
    installed_then([read()]).when(cancel(ends)).then_nothing();
    let freed = [read(), billed(ends), billed(begins), cancelled(ends), cancelled(begins)];
    installed_then(freed).when(Command::ReverseReading(with(&[]))).then([reversed(&reading)]);
}

#[test]
fn usage_while_disconnected_is_held_and_none_is_no_news() {
    let off = |on: &str| Event::from(MeterDisconnected { on: day(on), reason: because() });
    let on = |on: &str| Event::from(MeterReconnected { on: day(on), reason: because() });
    let before = || recorded(at("100", "2024-02-01"));
    let cases = [
        (vec![before(), off("2024-02-01")], "101", "2024-03-01", Some(Check::ConsumptionWhileDisconnected)),
        (vec![before(), off("2024-02-01")], "100", "2024-03-01", None),
        (vec![before(), off("2024-02-01"), on("2024-03-01")], "101", "2024-03-01", Some(Check::ConsumptionWhileDisconnected)),
        (vec![before(), off("2024-02-01"), on("2024-02-29")], "101", "2024-03-01", None),
        (vec![before(), off("2024-02-02")], "101", "2024-03-01", None),
        (vec![before(), off("2024-02-02")], "100", "2024-03-01", Some(Check::ZeroConsumption)),
    ];
    for (facts, value, taken_on, check) in cases {
        let meter = meter(installed().into_iter().chain(facts.clone()));
        let events = meter.decide(record(at(value, taken_on))).unwrap();
        let found = match &events[..] {
            [Event::ReadingRecorded(fact)] => fact.findings.first().map(|finding| finding.check),
            [Event::ReadingHeld(fact)] => fact.findings.first().map(|finding| finding.check),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, check, "{facts:?} {value}");
    }
}

#[test]
fn the_expected_quantity_comes_from_last_year_then_the_last_three_periods_then_the_class() {
    // A year of history at 10 a day, but 20 a day last February; then a jump.
    let year: Vec<Event> =
        [("310", "2024-02-01"), ("890", "2024-03-01"), ("1200", "2024-04-01")].iter().map(|(value, on)| recorded(at(value, on))).collect();
    let expected = |facts: &[Event], value: &str, on: &str, class: Option<&str>| {
        let meter = meter(installed().into_iter().chain(facts.iter().cloned()));
        let Command::RecordReading(mut wish) = record(at(value, on)) else { unreachable!() };
        let every = Limit { above: dec("0"), below: dec("0"), severity: Severity::Warn };
        wish.validation.bands = vec![Band { from: dec("0"), limits: vec![every] }];
        wish.validation.class_daily_average = class.map(dec);
        let events = meter.decide(Command::RecordReading(wish)).unwrap();
        let [Event::ReadingRecorded(fact)] = &events[..] else { panic!("{events:?}") };
        fact.findings.iter().find_map(|finding| finding.limit).map(|limit| limit.normalize().to_string())
    };
    // 31 + 29 + 31 days at 10, 20 and 10: 1200 in 91 days, over 30 days.
    assert_eq!(
        expected(&year, "9000", "2024-05-01", Some("1")),
        Some("395.60439560439560439560439560".parse::<Decimal>().unwrap().normalize().to_string())
    );
    assert_eq!(expected(&[], "9000", "2024-01-31", Some("7")), Some("210".to_owned()));
    assert_eq!(expected(&[], "9000", "2024-01-31", None), None);
    let long = [year.clone(), vec![recorded(at("4000", "2025-02-01"))]].concat();
    // The same days of last year: February 2024 from its second day, 28 of 29 days at 20.
    assert_eq!(expected(&long, "9000", "2025-03-01", None), Some("560".to_owned()));
}

#[test]
fn intervals_and_the_multiplier_seen_are_checked_against_the_register() {
    let reading = at("50", "2024-02-01");
    let Command::RecordReading(wish) = record(reading) else { unreachable!() };
    let found = |intervals: Option<Vec<Decimal>>, multiplier_seen: Option<Decimal>| {
        let wish = RecordReading { intervals, multiplier_seen, ..wish.clone() };
        let events = meter(installed()).decide(Command::RecordReading(wish)).unwrap();
        match &events[..] {
            [Event::ReadingRecorded(fact)] => fact.findings.first().map(|finding| finding.check),
            [Event::ReadingHeld(fact)] => fact.findings.first().map(|finding| finding.check),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(found(Some(vec![dec("25"), dec("25")]), Some(dec("1"))), None);
    assert_eq!(found(Some(vec![dec("25"), dec("35")]), None), Some(Check::IntervalSum));
    assert_eq!(found(None, Some(dec("40"))), Some(Check::MultiplierMismatch));
}

#[test]
fn the_customers_own_readings_are_believed_so_many_times() {
    let customer = |value: &str, on: &str| reading_at(value, on, 12, ReadingKind::Customer);
    let own = || [("10", "2024-02-01"), ("20", "2024-03-01"), ("30", "2024-04-01")].map(|(value, on)| recorded(customer(value, on)));
    let found = |facts: Vec<Event>, reading: Reading| {
        let meter = meter(installed().into_iter().chain(facts));
        let events = meter.decide(record(reading)).unwrap();
        let [Event::ReadingRecorded(fact)] = &events[..] else { panic!("{events:?}") };
        fact.findings.iter().map(|finding| finding.check).collect::<Vec<_>>()
    };
    assert_eq!(found(own()[..2].to_vec(), customer("30", "2024-04-01")), []);
    assert_eq!(found(own().to_vec(), customer("40", "2024-05-01")), [Check::UnverifiedCustomerReads]);
    assert_eq!(found(own().to_vec(), at("40", "2024-05-01")), []);
    let verified = [own().to_vec(), vec![recorded(at("35", "2024-04-15"))]].concat();
    assert_eq!(found(verified, customer("40", "2024-05-01")), []);
}

#[test]
fn an_actual_reading_after_a_long_run_of_estimates_says_so() {
    let run = |count: usize, on: &str| {
        let estimates = [("1", "2024-01-10"), ("2", "2024-01-20"), ("3", "2024-02-01"), ("4", "2024-02-10")];
        let facts = estimates.iter().take(count).map(|(value, on)| estimated(value, on));
        let events = meter(installed().into_iter().chain(facts)).decide(record(at("50", on))).unwrap();
        let Some(Event::ReadingRecorded(fact)) = events.first() else { panic!("{events:?}") };
        fact.findings.iter().map(|finding| finding.check).collect::<Vec<_>>()
    };
    assert_eq!(run(3, "2024-03-01"), []);
    assert_eq!(run(4, "2024-03-01"), [Check::ProlongedEstimation]);
    // At the instant of the last estimate, too.
    assert_eq!(run(4, "2024-02-10"), [Check::ProlongedEstimation]);
}

#[test]
fn no_bill_stands_on_an_estimate_that_gave_way() {
    let estimate = reading_at("10", "2024-02-01", 12, ReadingKind::Estimated);
    let start = meter(installed().into_iter().chain([estimated("10", "2024-02-01")]));
    let note = |n| {
        Command::NoteReadingsBilled(NoteReadingsBilled {
            invoice_id: InvoiceId::new(Uuid::from_u128(n)),
            reading_ids: vec![estimate.reading_id],
        })
    };
    let billed = start.decide(note(1)).unwrap().iter().fold(start, Meter::evolve);
    let events = billed.decide(record(at("50", "2024-03-01"))).unwrap();
    let after = events.iter().fold(billed, Meter::evolve);
    assert_eq!(after.decide(note(1)), Ok(vec![]));
    assert_eq!(after.decide(note(2)), Err(Rejection::DoesNotCount(estimate.reading_id)));
}

#[test]
fn no_bill_is_added_while_one_stands_on_an_estimate_that_gave_way() {
    let (first, second) = (reading_at("10", "2024-02-01", 12, ReadingKind::Estimated), at("50", "2024-03-01"));
    let invoice = |number| InvoiceId::new(Uuid::from_u128(number));
    let billed =
        |number, reading: &Reading| Event::from(ReadingsBilled { invoice_id: invoice(number), reading_ids: vec![reading.reading_id] });
    let note = || Command::NoteReadingsBilled(NoteReadingsBilled { invoice_id: invoice(9), reading_ids: vec![second.reading_id] });
    let start = meter(installed().into_iter().chain([estimated("10", "2024-02-01")]));
    let settled = start.decide(record(second.clone())).unwrap();
    let facts = |bills: &[u128]| {
        let bills = bills.iter().map(|number| billed(*number, &first));
        [estimated("10", "2024-02-01")].into_iter().chain(bills).chain(settled.clone()).collect::<Vec<_>>()
    };
    installed_then(facts(&[])).when(note()).then([billed(9, &second)]);
    installed_then(facts(&[2, 1])).when(note()).then_rejected(Rejection::RebillFirst(vec![invoice(1), invoice(2)]));
    let cancelled = |number| Event::from(ReadingsUnbilled { invoice_id: invoice(number) });
    let one_left = facts(&[1, 2]).into_iter().chain([cancelled(1)]);
    installed_then(one_left).when(note()).then_rejected(Rejection::RebillFirst(vec![invoice(2)]));
    let none_left = facts(&[1, 2]).into_iter().chain([cancelled(1), cancelled(2)]);
    installed_then(none_left).when(note()).then([billed(9, &second)]);
    // An estimate that stands is billed like any figure.
    installed_then([estimated("10", "2024-02-01"), billed(1, &first), recorded(second.clone())]).when(note()).then([billed(9, &second)]);
}

#[test]
fn nothing_is_expected_of_two_readings_of_one_day() {
    let noon = recorded(at("300", "2024-02-01"));
    let evening = reading_at("310", "2024-02-01", 18, ReadingKind::Special);
    let Command::RecordReading(wish) = record(evening.clone()) else { unreachable!() };
    let wish = RecordReading { validation: ValidationRules::default(), ..wish };
    installed_then([noon]).when(Command::RecordReading(wish)).then([recorded(evening)]);
}

#[test]
fn a_figure_too_long_for_the_dial_is_not_also_called_high_or_low() {
    let Command::RecordReading(mut wish) = record(at("100000", "2024-02-01")) else { unreachable!() };
    wish.validation.class_daily_average = Some(dec("1"));
    wish.validation.bands = ValidationRules::default().bands;
    wish.validation.severities = [(Check::DigitsOverflow, Severity::Hold)].into();
    let events = meter(installed()).decide(Command::RecordReading(wish)).unwrap();
    let [Event::ReadingHeld(fact)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(fact.findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), [Check::DigitsOverflow]);
}
