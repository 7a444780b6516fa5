//! Estimated, billed, and then less was read: what was billed too much is given back as usage, where that is the same money.

use std::slice;

use super::*;
use crate::{
    Overestimate,
    meter::{self, ReadingKind},
    tariff::MidPeriodChange,
};

const MAY: [&str; 2] = ["2021-05-02", "2021-06-02"];

fn true_up(from: &str, to: &str, quantity: &str) -> UsageSegment {
    let corrects = vec![days(MAY[0], MAY[1]), days("2021-06-02", "2021-07-02")];
    UsageSegment { basis: UsageBasis::TrueUp, corrects, ..segment(from, to, quantity, &[1, 2]) }
}

fn brought(quantity: &str) -> Option<Overestimate> {
    let periods = vec![days("2021-04-02", "2021-05-02")];
    (quantity != "0").then(|| Overestimate { quantity: quantity.parse().unwrap(), periods })
}

fn rated(tariffs: &[Tariff], usage: &[UsageSegment], brought: Option<&Overestimate>) -> Result<Bill, RatingError> {
    let series = Series::of(tariffs.iter().cloned()).unwrap();
    let premises = a_home();
    let supply = Supply { brought, ..Supply::new(days("2021-07-02", "2021-08-01"), usage, &premises) };
    super::super::rate(&series, &supply, Rounding::default())
}

/// Ten days each, those below zero as true-ups.
fn ten_days_each(quantities: &str) -> Vec<UsageSegment> {
    let starts = ["2021-07-02", "2021-07-12", "2021-07-22", "2021-08-01"];
    let segments = quantities.split_whitespace().zip(starts.windows(2)).map(|(quantity, days)| match quantity.starts_with('-') {
        true => true_up(days[0], days[1], quantity),
        false => segment(days[0], days[1], quantity, &[]),
    });
    segments.collect()
}

#[test]
fn what_was_billed_too_much_is_taken_off_and_the_rest_is_carried() {
    let slabs = changed(bracketed("rest: 100@0.10 rest@0.20"), |terms| terms.brackets[0].fee = "5".parse().unwrap());
    for (before, quantities, billed, given_back, carried, net) in [
        ("0", "100", "100", "0", "0", "15.00"),
        ("0", "-20 100", "80", "20", "0", "13.00"),
        ("0", "100 -20", "80", "20", "0", "13.00"),
        ("0", "60 -20 60", "100", "20", "0", "15.00"),
        ("0", "70 -20 60", "110", "20", "0", "17.00"),
        ("0", "20 -20", "0", "20", "0", "5.00"),
        ("0", "20 -19.999999", "0.000001", "19.999999", "0", "5.00"),
        ("0", "20 -20.000001", "0", "20", "0.000001", "5.00"),
        ("0", "-20", "0", "0", "20", "5.00"),
        ("0", "-20 -30 40", "0", "40", "10", "5.00"),
        ("30", "100", "70", "30", "0", "12.00"),
        ("30", "30", "0", "30", "0", "5.00"),
        ("30", "10 -20 15", "0", "25", "25", "5.00"),
        ("30", "0", "0", "0", "30", "5.00"),
        ("30", "", "0", "0", "30", "5.00"),
    ] {
        let before = brought(before);
        let bill = rated(slice::from_ref(&slabs), &ten_days_each(quantities), before.as_ref()).unwrap();
        let left = bill.carried.as_ref().map(|carried| carried.quantity).unwrap_or_default();
        let found = [bill.parts[0].usage.to_string(), bill.given_back.to_string(), left.to_string(), bill.net.to_decimal().to_string()];
        assert_eq!(found, [billed, given_back, carried, net], "{before:?} {quantities}");
        assert_eq!(serde_json::from_slice::<Bill>(&crate::write(&bill)).unwrap(), bill);
    }
}

#[test]
fn what_is_carried_remembers_the_days_that_were_estimated() {
    let bill = rated(&[bracketed("rest: rest@0.10")], &ten_days_each("-20 -30 10"), brought("5").as_ref()).unwrap();
    let carried = bill.carried.unwrap();
    assert_eq!(listed(&carried.periods), "2021-04-02 to 2021-05-01, 2021-05-02 to 2021-06-01, 2021-06-02 to 2021-07-01");
    assert_eq!(carried.quantity.to_string(), "45");
    // A true-up of nothing corrects nothing.
    let exact = [true_up("2021-07-02", "2021-07-12", "0")];
    let carried = rated(&[bracketed("rest: rest@0.10")], &exact, brought("5").as_ref()).unwrap().carried.unwrap();
    assert_eq!(listed(&carried.periods), "2021-04-02 to 2021-05-01");
}

#[test]
fn the_earliest_days_give_back_first() {
    let after = changed(open_from("after", "2021-07-12"), |terms| terms.brackets = vec![bracket("rest: rest@0.20")]);
    let tariffs = [open_from("before", "2021-01-01"), after];
    let billed = |quantities, before: &str| {
        let bill = rated(&tariffs, &ten_days_each(quantities), brought(before).as_ref()).unwrap();
        bill.parts.iter().map(|part| part.usage.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(billed("100 50 -20", "0"), "80 50");
    assert_eq!(billed("100 50 -20", "90"), "0 40");
    assert_eq!(billed("100 50 -20", "130"), "0 0");
    // A reading that spans the change is split by days after that.
    let whole = [segment("2021-07-02", "2021-08-01", "330", &[])];
    let bill = rated(&tariffs, &whole, brought("30").as_ref()).unwrap();
    assert_eq!(bill.parts.iter().map(|part| part.usage.to_string()).collect::<Vec<_>>(), ["100", "200"]);
}

#[test]
fn a_part_with_a_true_up_rests_on_an_estimate_and_names_its_readings() {
    let bill = rated(&[bracketed("rest: rest@0.10")], &ten_days_each("-20 100"), None).unwrap();
    assert!(bill.parts[0].estimated);
    assert_eq!(bill.parts[0].readings.len(), 2);
    assert_eq!(bill.to_string().lines().skip(2).take(1).collect::<String>(), "not billed, as estimates billed it already: usage 20");
    let left = rated(&[bracketed("rest: rest@0.10")], &ten_days_each("-20 5"), None).unwrap();
    assert!(left.to_string().contains("already: usage 5\nto be given back by the next bill: usage 15\nnet "), "{left}");
    let json: serde_json::Value = serde_json::from_slice(&left.to_json()).unwrap();
    assert_eq!([&json["givenBack"], &json["carried"]], ["5", "15"]);
    let stored = String::from_utf8(crate::write(&left)).unwrap();
    let periods = r#"[{"from":"2021-05-02","to":"2021-06-02"},{"from":"2021-06-02","to":"2021-07-02"}]"#;
    assert!(stored.contains(&format!(r#""given_back":"5","carried":{{"quantity":"15","periods":{periods}}},"lines":"#)), "{stored}");
}

#[test]
fn where_less_usage_may_have_another_price_the_estimated_days_are_billed_again() {
    let zero_fee = changed(bracketed("rest: rest@0.10"), |terms| terms.zero_usage_fee = Some("9".parse().unwrap()));
    let block_reset = tariff(EGYPT);
    let reduced = changed(tariff(JORDAN), |terms| terms.effective_from = day("2020-01-01"));
    let whole_quantity = bracketed("100: rest@1; rest: rest@2");
    for tariff in [whole_quantity, changed(block_reset, |terms| terms.effective_to = None), reduced, zero_fee] {
        let refused =
            |quantities, before: &str| rated(slice::from_ref(&tariff), &ten_days_each(quantities), brought(before).as_ref()).map(drop);
        let (may, june) = (days(MAY[0], MAY[1]), days("2021-06-02", "2021-07-02"));
        assert_eq!(refused("100 -20", "0"), Err(RatingError::RebillFirst { periods: vec![may, june] }), "{tariff}");
        assert_eq!(refused("100", "20"), Err(RatingError::RebillFirst { periods: vec![days("2021-04-02", "2021-05-02")] }), "{tariff}");
        assert_eq!(refused("100", "0"), Ok(()), "{tariff}");
    }
    let error = rated(&[bracketed("100: rest@1; rest: rest@2")], &ten_days_each("100 -20"), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "too much was estimated: the bills for 2021-05-02 to 2021-06-01, 2021-06-02 to 2021-07-01 are to be cancelled and billed again"
    );
}

#[test]
fn one_version_that_is_not_marginal_is_enough_if_its_prices_count() {
    let hybrid = |policy| {
        changed(open_from("hybrid", "2021-07-12"), |terms| {
            terms.brackets = vec![bracket("100: rest@1"), bracket("rest: rest@2")];
            terms.mid_period_change = policy;
        })
    };
    let bill = |policy| rated(&[open_from("flat", "2021-01-01"), hybrid(policy)], &ten_days_each("100 -20"), None);
    assert!(matches!(bill(MidPeriodChange::Prorate), Err(RatingError::RebillFirst { .. })));
    assert!(matches!(bill(MidPeriodChange::RateAtEnd), Err(RatingError::RebillFirst { .. })));
    assert_eq!(bill(MidPeriodChange::RateAtStart).unwrap().given_back.to_string(), "20");
}

#[test]
fn only_a_true_up_may_be_below_zero() {
    for basis in [UsageBasis::Measured, UsageBasis::Estimated] {
        let usage = [UsageSegment { basis, ..true_up("2021-07-02", "2021-08-01", "-1") }];
        let refused = rated(&[bracketed("rest: rest@0.10")], &usage, None);
        assert_eq!(refused, Err(RatingError::NegativeUsage { period: days("2021-07-02", "2021-08-01") }));
    }
}

#[test]
fn four_bills_on_two_estimates_come_to_what_was_read() {
    // 100 a month estimated, 180 read after three months, 280 after four.
    let estimate = |value, on| meter::example::recorded(meter::example::reading_at(value, on, 12, ReadingKind::Estimated));
    let read = |value, on| meter::example::recorded(meter::example::reading(value, on));
    let facts = [estimate("100", "2024-01-31"), estimate("200", "2024-03-01"), read("180", "2024-03-31"), read("280", "2024-04-30")];
    let meter = meter::example::meter(meter::example::installed().into_iter().chain(facts));
    let borders = ["2024-01-02", "2024-02-01", "2024-03-02", "2024-04-01", "2024-05-01"];
    let usage = |index: usize| {
        let period = days(borders[index], borders[index + 1]);
        (period, meter::usage_between(&[&meter], meter::example::PREMISES, &meter::example::register().code, period).unwrap())
    };
    let premises = a_home();
    let bill = |series: &Series, index: usize, brought: Option<&Overestimate>| {
        let (period, usage) = usage(index);
        super::super::rate(series, &Supply { brought, ..Supply::new(period, &usage, &premises) }, Rounding::default())
    };
    let marginal = Series::of([bracketed("rest: rest@0.10")]).unwrap();
    let mut carried = None;
    let billed = (0..4).map(|index| {
        let bill = bill(&marginal, index, carried.as_ref()).unwrap();
        carried = bill.carried.clone();
        format!("{} {}", bill.parts[0].usage, bill.total.to_decimal())
    });
    assert_eq!(billed.collect::<Vec<_>>(), ["100 10.00", "100 10.00", "0 0.00", "80 8.00"]);
    assert_eq!(carried, None);

    let whole_quantity = Series::of([bracketed("150: rest@1; rest: rest@2")]).unwrap();
    let refused = bill(&whole_quantity, 2, None).unwrap_err();
    let periods = vec![days(borders[0], borders[1]), days(borders[1], borders[2])];
    assert_eq!(refused, RatingError::RebillFirst { periods });
}
