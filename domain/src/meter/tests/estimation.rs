//! Reckoning readings.

use super::*;

fn wish(on: &str, rules: EstimationRules) -> Command {
    let Reading { reading_id, register, taken_on, taken_at, .. } = reading_at("0", on, 12, ReadingKind::Estimated);
    Command::EstimateReading(EstimateReading { reading_id, register, taken_on, taken_at, rules })
}

fn usual() -> EstimationRules {
    EstimationRules::default()
}

fn estimate(facts: &[Event], on: &str, rules: EstimationRules) -> ReadingEstimated {
    let meter = meter(installed().into_iter().chain(facts.iter().cloned()));
    let mut events = meter.decide(wish(on, rules)).unwrap();
    let Some(Event::ReadingEstimated(fact)) = events.pop() else { panic!("{events:?}") };
    fact
}

#[test]
fn an_estimate_is_cut_off_not_rounded() {
    // 300 in 31 days; 30 days come to 290.32.
    let facts = [recorded(reading("300", "2024-02-01"))];
    let fact = estimate(&facts, "2024-03-02", usual());
    assert_eq!(fact.method, EstimationMethod::LastActualPeriod);
    assert_eq!((fact.days, fact.daily_average, fact.reckoned, fact.quantity), (30, dec("9.677419"), dec("290.322581"), dec("290")));
    assert_eq!((fact.reading.value, fact.successive), (dec("590"), 1));
    installed_then(facts).when(wish("2024-03-02", usual())).then([fact.into()]);
}

#[test]
fn last_year_comes_first_then_the_last_period_then_the_class() {
    let class = EstimationRules { class_daily_average: Some(dec("4")), ..usual() };
    let by = |facts: &[Event], on: &str, rules: EstimationRules| {
        let fact = estimate(facts, on, rules);
        (fact.method, fact.quantity.normalize().to_string())
    };
    assert_eq!(by(&[], "2024-01-31", class.clone()), (EstimationMethod::ClassDefault, "120".to_owned()));
    let period = [recorded(reading("310", "2024-02-01"))];
    assert_eq!(by(&period, "2024-03-02", class.clone()), (EstimationMethod::LastActualPeriod, "300".to_owned()));
    let year = [("310", "2024-02-01"), ("890", "2024-03-01"), ("4000", "2025-02-01")].map(|(value, on)| recorded(reading(value, on)));
    // The 28 days from 2 February at 20 a day.
    assert_eq!(by(&year, "2025-03-01", class.clone()), (EstimationMethod::SamePeriodLastYear, "560".to_owned()));
    let grown = EstimationRules { trend: dec("1.1"), ..class.clone() };
    assert_eq!(by(&year, "2025-03-01", grown), (EstimationMethod::SamePeriodLastYear, "616".to_owned()));
    // An estimated year is no witness.
    let doubtful = [recorded(reading("310", "2024-02-01")), estimated("890", "2024-03-01"), recorded(reading("4000", "2025-02-01"))];
    assert_eq!(by(&doubtful, "2025-03-01", class.clone()).0, EstimationMethod::LastActualPeriod);
    // Nor is one that was read for some of its days only.
    let [first, last, now] = doubtful;
    let half = [first, recorded(reading("590", "2024-02-15")), last, now];
    assert_eq!(by(&half, "2025-03-01", class).0, EstimationMethod::LastActualPeriod);
}

#[test]
fn the_multiplier_is_taken_out_of_the_dial_and_put_back() {
    let mut device = device();
    device.registers[0].multiplier = dec("40");
    let registered = MeterRegistered { device, registered_on: day("2024-01-01") };
    let facts = [registered.into(), installed_alone(), recorded(initial()), recorded(reading("31", "2024-02-01"))];
    let events = meter(facts).decide(wish("2024-02-11", usual())).unwrap();
    let [Event::ReadingEstimated(fact)] = &events[..] else { panic!("{events:?}") };
    // 40 a day for ten days: 400, which is ten on the dial.
    assert_eq!((fact.reckoned, fact.quantity, fact.reading.value), (dec("400"), dec("400"), dec("41")));
}

#[test]
fn an_estimate_may_pass_the_end_of_the_dial_once() {
    let class = |average: &str| EstimationRules { class_daily_average: Some(dec(average)), ..usual() };
    let near = [registered(), installed_alone(), recorded(Reading { value: dec("99990"), ..initial() })];
    let after = |average: &str| meter(near.clone()).decide(wish("2024-01-02", class(average)));
    for (average, value) in [("9", "99999"), ("10", "0"), ("99999", "99989")] {
        let Ok(events) = after(average) else { panic!("{average}") };
        let [Event::ReadingEstimated(fact)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(fact.reading.value, dec(value), "{average}");
    }
    assert_eq!(after("100000"), Err(Rejection::EstimateTooLarge));
    // Nor in two steps: what came before since the last actual reading counts.
    let first = estimated("50000", "2024-01-10");
    let meter = meter([near.to_vec(), vec![first]].concat());
    assert_eq!(meter.decide(wish("2024-01-20", class("4999"))).map(|events| events.len()), Err(Rejection::EstimateTooLarge));
    assert_eq!(meter.decide(wish("2024-01-20", class("4998"))).map(|events| events.len()), Ok(1));
}

#[test]
fn after_so_many_estimates_someone_must_go() {
    let class = EstimationRules { class_daily_average: Some(dec("4")), ..usual() };
    let estimates = [estimated("10", "2024-02-01"), estimated("20", "2024-03-01"), estimated("30", "2024-04-01")];
    assert_eq!(estimate(&estimates[..2], "2024-04-01", class.clone()).successive, 3);
    installed_then(estimates.clone()).when(wish("2024-05-01", class.clone())).then_rejected(Rejection::VisitDue { estimates: 3 });
    // A reading, even one that is held and says nothing yet, is what ends the run: only once it counts.
    let visit = reading("40", "2024-04-10");
    installed_then(estimates.clone().into_iter().chain([held(&visit, Check::HighConsumption, "1")]))
        .when(wish("2024-05-01", class.clone()))
        .then_rejected(Rejection::VisitDue { estimates: 3 });
    let visited = [estimates.to_vec(), vec![recorded(visit)]].concat();
    assert_eq!(estimate(&visited, "2024-05-01", class).successive, 1);
}

#[test]
fn estimates_that_are_refused() {
    let class = EstimationRules { class_daily_average: Some(dec("4")), ..usual() };
    installed_then([]).when(wish("2024-02-01", usual())).then_rejected(Rejection::NothingToEstimateFrom);
    installed_then([]).when(wish("2023-12-31", class.clone())).then_rejected(Rejection::NotInstalledThen(day("2023-12-31")));
    installed_then([]).when(wish("2024-01-01", class.clone())).then_rejected(Rejection::NoDaysToEstimate);
    given::<Meter>([registered(), installed_alone()])
        .when(wish("2024-02-01", class.clone()))
        .then_rejected(Rejection::NothingToEstimateFrom);
    let later = reading("100", "2024-02-01");
    for on in ["2024-01-31", "2024-02-01"] {
        installed_then([recorded(later.clone())])
            .when(wish(on, class.clone()))
            .then_rejected(Rejection::LaterReadingKnown(later.reading_id));
    }
    let reused = reading_at("5", "2024-02-01", 12, ReadingKind::Estimated);
    let Command::EstimateReading(other) = wish("2024-02-02", class.clone()) else { unreachable!() };
    let other = EstimateReading { reading_id: reused.reading_id, ..other };
    installed_then([estimated("5", "2024-02-01")])
        .when(Command::EstimateReading(other))
        .then_rejected(Rejection::ReadingIdReused(reused.reading_id));
    let mut device = device();
    device.kind = MeterKind::Prepaid;
    let prepaid = MeterRegistered { device, registered_on: day("2024-01-01") };
    given::<Meter>([prepaid.into(), installed_alone(), recorded(initial())])
        .when(wish("2024-02-01", class))
        .then_rejected(Rejection::PrepaidIsNotEstimated);
}
