//! Periods in which a tariff or the VAT changes.

use super::*;
use crate::tariff::MidPeriodChange;

/// From 0.18 to 0.20 on 20 July 2021.
fn dearer(policy: MidPeriodChange) -> [Tariff; 2] {
    let after = changed(open_from("after", "2021-07-20"), |terms| {
        terms.brackets = vec![bracket("rest: rest@0.20")];
        terms.mid_period_change = policy;
    });
    [open_from("before", "2021-01-01"), after]
}

fn saudi(policy: MidPeriodChange) -> [Tariff; 2] {
    [tariff(KSA_2018), changed(tariff(KSA_2020), |terms| terms.mid_period_change = policy)]
}

#[test]
fn usage_is_split_by_days_and_the_last_part_takes_the_remainder() {
    check(
        &dearer(MidPeriodChange::Prorate),
        "
        from       | to         | usage    | lines
        2021-07-02 | 2021-08-02 | 310      | 18d×18/31 usage 180@0.18=32.40, 13d×13/31 usage 130@0.2=26.00
        2021-07-02 | 2021-08-02 | 100      | 18d×18/31 usage 58.064516@0.18=10.45, 13d×13/31 usage 41.935484@0.2=8.39
        2021-07-02 | 2021-08-02 | 0.000001 | 18d×18/31 usage 0.000001@0.18=0.00, 13d×13/31 usage 0@0.2=0.00
        2021-07-19 | 2021-07-21 | 0.000001 | 1d×1/30 usage 0.000001@0.18=0.00, 1d×1/30 usage 0@0.2=0.00
        2021-07-01 | 2021-07-20 | 100      | 19d×19/30 usage 100@0.18=18.00
        2021-07-20 | 2021-08-20 | 100      | 31d×1 usage 100@0.2=20.00
        2021-07-19 | 2021-08-19 | 310      | 1d×1/31 usage 10@0.18=1.80, 30d×30/31 usage 300@0.2=60.00
        2020-12-31 | 2021-01-31 | 100      | no tariff applies on 2020-12-31
        ",
    );
}

#[test]
fn slabs_fees_and_charges_are_split_with_the_days() {
    let [before, after] = dearer(MidPeriodChange::Prorate);
    let with_fees = |tariff| {
        changed(tariff, |terms| {
            terms.brackets = vec![bracket("rest: 31@1 rest@2")];
            terms.brackets[0].fee = "31".parse().unwrap();
            terms.minimum_charge = Some("62".parse().unwrap());
        })
    };
    check(
        &[with_fees(before), with_fees(after)],
        "
        from       | to         | usage | lines
        2021-07-02 | 2021-08-02 | 31    | 18d×18/31 usage 18@1=18.00, 18d×18/31 minimum-charge 1@62=18.00, 18d×18/31 bracket-fee 1@31=18.00, 13d×13/31 usage 13@1=13.00, 13d×13/31 minimum-charge 1@62=13.00, 13d×13/31 bracket-fee 1@31=13.00
        2021-07-02 | 2021-08-02 | 62    | 18d×18/31 usage 18@1=18.00, 18d×18/31 usage 18@2=36.00, 18d×18/31 bracket-fee 1@31=18.00, 13d×13/31 usage 13@1=13.00, 13d×13/31 usage 13@2=26.00, 13d×13/31 bracket-fee 1@31=13.00
        ",
    );
}

#[test]
fn vat_follows_the_date_of_supply() {
    let grid = "
        from       | to         | usage | vat
        2020-05-16 | 2020-06-15 | 6000  | 54.00
        2020-06-01 | 2020-07-01 | 6000  | 54.00
        2020-07-01 | 2020-07-31 | 6000  | 162.00
        2020-06-16 | 2020-07-16 | 6000  | 27.00 + 81.00
        2020-06-16 | 2020-07-16 | 8000  | 42.00 + 126.00
        2020-06-01 | 2020-07-31 | 12000 | 54.00 + 162.00
        2020-06-30 | 2020-07-30 | 3000  | 0.90 + 78.30
        ";
    check(&saudi(MidPeriodChange::Prorate), grid);
    check(
        &saudi(MidPeriodChange::Prorate),
        "
        from       | to         | usage | total
        2020-06-16 | 2020-07-16 | 6000  | 1188.00
        2020-06-01 | 2020-07-31 | 14000 | 3036.00
        ",
    );
    // Whatever the policy on prices: here they are the same before and after, and so must be the bill.
    check(&saudi(MidPeriodChange::RateAtEnd), grid);
    check(&saudi(MidPeriodChange::RateAtStart), grid);
}

#[test]
fn the_whole_period_may_go_by_the_prices_at_its_end_or_its_start() {
    check(
        &dearer(MidPeriodChange::RateAtEnd),
        "
        from       | to         | usage | lines
        2021-07-02 | 2021-08-02 | 310   | 31d×1 usage 310@0.2=62.00
        2021-07-02 | 2021-07-20 | 310   | 18d×3/5 usage 310@0.18=55.80
        ",
    );
    check(
        &dearer(MidPeriodChange::RateAtStart),
        "
        from       | to         | usage | lines
        2021-07-02 | 2021-08-02 | 310   | 31d×1 usage 310@0.18=55.80
        2021-07-20 | 2021-08-20 | 310   | 31d×1 usage 310@0.2=62.00
        ",
    );
}

#[test]
fn prices_of_one_end_with_the_vat_of_both() {
    let half_price = |mut tariffs: [Tariff; 2]| {
        tariffs[1] = changed(tariffs[1].clone(), |terms| terms.brackets = vec![bracket("rest: rest@0.10")]);
        tariffs
    };
    check(
        &half_price(saudi(MidPeriodChange::RateAtEnd)),
        "
        from       | to         | usage | vat
        2020-06-16 | 2020-07-16 | 6000  | 15.00 + 45.00
        ",
    );
    check(
        &half_price(saudi(MidPeriodChange::RateAtStart)),
        "
        from       | to         | usage | vat
        2020-06-16 | 2020-07-16 | 6000  | 27.00 + 81.00
        ",
    );
}

#[test]
fn each_change_goes_by_the_policy_of_the_version_that_begins() {
    let [before, after] = dearer(MidPeriodChange::Prorate);
    let third = |policy| {
        changed(open_from("third", "2021-07-25"), |terms| {
            terms.brackets = vec![bracket("rest: rest@0.50")];
            terms.mid_period_change = policy;
        })
    };
    let row = |lines: &str| format!("from | to | usage | lines\n 2021-07-10 | 2021-08-09 | 30 | {lines}");
    for (policy, lines) in [
        (MidPeriodChange::Prorate, "10d×1/3 usage 10@0.18=1.80, 5d×1/6 usage 5@0.2=1.00, 15d×1/2 usage 15@0.5=7.50"),
        (MidPeriodChange::RateAtEnd, "10d×1/3 usage 10@0.18=1.80, 20d×2/3 usage 20@0.5=10.00"),
        (MidPeriodChange::RateAtStart, "10d×1/3 usage 10@0.18=1.80, 20d×2/3 usage 20@0.2=4.00"),
    ] {
        check(&[before.clone(), after.clone(), third(policy)], &row(lines));
    }
}

#[test]
fn shares_sum_to_the_usage_whichever_way_they_round() {
    let check = |number_of_days: u32, usage: &str, expected: &[&str]| {
        let daily = (1..=number_of_days).map(|number| open_from(&format!("day-{number}"), &format!("2021-07-0{number}")));
        let to = format!("2021-07-0{}", number_of_days + 1);
        let usage = [segment("2021-07-01", &to, usage, &[])];
        let series = Series::of(daily).unwrap();
        let bill = rate(&series, days("2021-07-01", &to), &usage, &a_home(), Rounding::default()).unwrap();
        assert_eq!(bill.parts.iter().map(|part| part.usage.to_string()).collect::<Vec<_>>(), expected);
    };
    check(3, "1", &["0.333333", "0.333333", "0.333334"]);
    check(3, "2", &["0.666667", "0.666667", "0.666666"]);
    // Half a millionth a day rounds up to one; two days have it all, and the last is not below zero.
    check(4, "0.000002", &["0.000001", "0.000001", "0", "0"]);
}

#[test]
fn a_reading_at_the_change_is_better_than_days() {
    let period = days("2021-07-02", "2021-08-02");
    let read = [segment("2021-07-02", "2021-07-20", "300", &[1, 2]), segment("2021-07-20", "2021-08-02", "10", &[2, 3])];
    let whole = [segment("2021-07-02", "2021-08-02", "310", &[1, 3])];
    let lines = |policy, usage: &[UsageSegment]| {
        let series = Series::of(dearer(policy)).unwrap();
        let bill = rate(&series, period, usage, &a_home(), Rounding::default());
        bill.map_or_else(|error| error.to_string(), |bill| shown(&bill, "lines"))
    };
    let by_reading = "18d×18/31 usage 300@0.18=54.00, 13d×13/31 usage 10@0.2=2.00";
    assert_eq!(lines(MidPeriodChange::Prorate, &read), by_reading);
    assert_eq!(lines(MidPeriodChange::RequireRead, &read), by_reading);
    assert_eq!(lines(MidPeriodChange::RequireRead, &whole), "the tariff changes on 2021-07-20 and asks for a reading on that day");
    assert_eq!(lines(MidPeriodChange::RateAtEnd, &read), "31d×1 usage 310@0.2=62.00");
    // Another reading, on another day, is no help.
    let beside = [segment("2021-07-02", "2021-07-10", "8", &[1, 2]), segment("2021-07-10", "2021-08-02", "23", &[2, 3])];
    assert_eq!(lines(MidPeriodChange::RequireRead, &beside), "the tariff changes on 2021-07-20 and asks for a reading on that day");
}

#[test]
fn two_meters_of_one_period_climb_one_ladder() {
    // The old one measured 20, the new one 200 with its multiplier.
    let [old, new] = crate::meter::example::exchanged();
    let period = days("2024-07-02", "2024-08-02");
    let register = crate::meter::example::register().code;
    let usage = crate::meter::usage_between(&[&old, &new], crate::meter::example::PREMISES, &register, period).unwrap();
    let series = Series::of([bracketed("rest: 150@0.10 rest@0.20")]).unwrap();
    let bill = rate(&series, period, &usage, &a_home(), Rounding::default()).unwrap();
    assert_eq!(shown(&bill, "lines"), "31d×1 usage 150@0.1=15.00, 31d×1 usage 70@0.2=14.00");
    assert_eq!(bill.parts[0].readings.len(), 4);
}

#[test]
fn a_part_names_the_readings_its_usage_came_from_once_each() {
    let series = Series::of(dearer(MidPeriodChange::Prorate)).unwrap();
    let usage = [
        segment("2021-07-02", "2021-07-10", "8", &[1, 2]),
        segment("2021-07-10", "2021-07-25", "15", &[2, 3]),
        segment("2021-07-25", "2021-08-02", "8", &[3, 4]),
    ];
    let bill = rate(&series, days("2021-07-02", "2021-08-02"), &usage, &a_home(), Rounding::default()).unwrap();
    let parts = bill.parts.iter().map(|part| {
        let readings = part.readings.iter().map(|reading| uuid::Uuid::from(*reading).as_u128());
        (part.tariff.to_string(), part.usage.to_string(), readings.collect::<Vec<_>>())
    });
    let expected = [("before".to_owned(), "18".to_owned(), vec![1, 2, 3]), ("after".to_owned(), "13".to_owned(), vec![2, 3, 4])];
    assert_eq!(parts.collect::<Vec<_>>(), expected);
}

#[test]
fn a_part_says_whether_any_of_its_usage_was_estimated() {
    let series = Series::of(dearer(MidPeriodChange::Prorate)).unwrap();
    let read = segment("2021-07-02", "2021-07-25", "23", &[1, 2]);
    for (basis, estimated) in [(UsageBasis::Measured, false), (UsageBasis::Estimated, true), (UsageBasis::TrueUp, true)] {
        let usage = [UsageSegment { basis, ..segment("2021-07-25", "2021-08-02", "8", &[2, 3]) }, read.clone()];
        let bill = rate(&series, days("2021-07-02", "2021-08-02"), &usage, &a_home(), Rounding::default()).unwrap();
        assert_eq!(bill.parts.iter().map(|part| part.estimated).collect::<Vec<_>>(), [false, estimated], "{basis:?}");
        assert_eq!(bill.to_string().contains("usage 13 (estimated)\n"), estimated);
    }
}

#[test]
fn usage_that_no_tariff_has_a_price_for_is_refused() {
    let series = Series::of([open_from("made-up", "2021-01-01")]).unwrap();
    for (quantity, reason) in [
        ("-0.5", "usage from 2021-07-02 to 2021-07-11 is below zero"),
        ("0.0000001", "usage from 2021-07-02 to 2021-07-11 is no quantity to bill: 0.0000001 has more than six decimals"),
        ("1000000000000", "usage from 2021-07-02 to 2021-07-11 is no quantity to bill: 1000000000000 is not below a million million"),
    ] {
        let usage = [segment("2021-07-02", "2021-07-12", quantity, &[]), segment("2021-07-12", "2021-07-22", "100", &[])];
        let refused = rate(&series, days("2021-07-02", "2021-07-22"), &usage, &a_home(), Rounding::default()).unwrap_err();
        assert_eq!(refused.to_string(), reason);
    }
}

#[test]
fn usage_that_together_is_no_quantity_is_refused() {
    let series = Series::of([open_from("made-up", "2021-01-01")]).unwrap();
    let most = segment("2021-07-02", "2021-07-12", "999999999999.999999", &[]);
    let least = segment("2021-07-12", "2021-07-22", "0.000001", &[]);
    let refused = rate(&series, days("2021-07-02", "2021-07-22"), &[most, least], &a_home(), Rounding::default());
    assert_eq!(refused, Err(RatingError::TooLarge));
}

#[test]
fn usage_of_other_days_is_refused() {
    let series = Series::of(dearer(MidPeriodChange::Prorate)).unwrap();
    for (from, to) in [("2021-07-01", "2021-08-02"), ("2021-07-02", "2021-08-03"), ("2021-09-01", "2021-09-02")] {
        let usage = [segment(from, to, "1", &[])];
        let period = days("2021-07-02", "2021-08-02");
        let refused = rate(&series, period, &usage, &a_home(), Rounding::default());
        assert_eq!(refused, Err(RatingError::UsageOutsidePeriod { segment: days(from, to), period }));
    }
}

#[test]
fn a_period_without_a_tariff_names_the_first_day_without_one() {
    let ends = crate::tariff::example::running("ends", "2022-01-01", "2022-01-20");
    check(
        &[ends],
        "
        from       | to         | usage | net
        2022-01-01 | 2022-01-20 | 1     | 0.18
        2022-01-01 | 2022-01-21 | 1     | no tariff applies on 2022-01-20
        2021-12-31 | 2022-01-10 | 1     | no tariff applies on 2021-12-31
        2023-01-01 | 2023-01-10 | 1     | no tariff applies on 2023-01-01
        ",
    );
    let nothing = rate(&Series::default(), days("2022-01-01", "2022-02-01"), &[], &a_home(), Rounding::default());
    assert_eq!(nothing, Err(RatingError::NoTariff { on: day("2022-01-01") }));
}
