//! Quotes reckoned by hand, tables that contradict themselves, and what is always so.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{example::*, *};
use crate::{
    Money, VatCategory,
    account::CustomerClass,
    invoice::{DocumentError, VatTreatment},
    meter::MeterKind,
    spec::given,
};

const TEXT: &str = include_str!("../../../fixtures/connections/electricity-made-up.json");

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn quote(wanted: Specification) -> Quote {
    electricity().quote(wanted, None, day("2024-03-06")).unwrap()
}

/// `code case/step quantity × price = net`, as somebody would check it.
fn told(quote: &Quote) -> Vec<String> {
    let tell = |QuoteLine { line, case, step, .. }: &QuoteLine| {
        let step = step.map(|step| format!("/{step}")).unwrap_or_default();
        format!("{} {case}{step}: {} × {} = {}", line.code, line.quantity, line.price, line.net)
    };
    quote.lines.iter().map(tell).collect()
}

#[test]
fn a_home_of_25_kva_80_metres_away() {
    let quote = quote(home());
    let expected = [
        "connection-load 2/1: 20 × 62.50 = 1250.00 SAR",
        "connection-load 2/2: 5 × 75 = 375.00 SAR",
        "connection-line 2/2: 50 × 45 = 2250.00 SAR",
        "connection-meter 1: 1 × 450 = 450.00 SAR",
        "connection-survey 2: 1 × 100 = 100.00 SAR",
    ];
    assert_eq!(told(&quote), expected);
    // 4425.00 and 15 %: 663.75.
    let sar = |minor| Money::new(minor, Currency::SAR);
    assert_eq!((quote.net, quote.vat, quote.total, quote.valid_until), (sar(442_500), sar(66_375), sar(508_875), day("2024-04-05")));
    assert_eq!(quote.lines[3].because, When { meters: vec![MeterKind::Smart], phases: vec![Phase::Three], ..When::default() });
    assert_eq!(quote.lines[2].because, When::default(), "for everybody who is left");
}

#[test]
fn each_of_what_decides_decides() {
    let electric = |load: &str, phase| Capacity::Electricity { load_kva: quantity(load), phase };
    let net = |wanted: Specification| quote(wanted).net.minor;
    let base = net(home());
    // Up to 20 kVA a home pays 1250 for its load, and 20 kVA is up to 20.
    assert_eq!(net(Specification { capacity: electric("20", Phase::Three), ..home() }), base - 37_500);
    assert_eq!(net(Specification { capacity: electric("20.5", Phase::Three), ..home() }), base - 37_500 + 3_750);
    assert_eq!(net(Specification { capacity: electric("25", Phase::Single), ..home() }), base - 15_000);
    assert_eq!(net(Specification { meter: MeterKind::Traditional, ..home() }), base - 19_000);
    // 25 × 110 for a shop instead of 1625.
    assert_eq!(net(Specification { class: CustomerClass::Commercial, ..home() }), base + 112_500);
    // 80 × 84.333 is 6746.64.
    assert_eq!(net(Specification { area: Code::new("desert").unwrap(), ..home() }), base - 225_000 + 674_664);
    // No survey up to 50 metres, and 20 of them cost 45.
    assert_eq!(net(Specification { distance_m: quantity("50"), ..home() }), base - 10_000 - 135_000);
    assert_eq!(net(Specification { distance_m: quantity("0"), ..home() }), base - 10_000 - 225_000);
}

#[test]
fn water_by_the_pipe() {
    let wanted = |diameter_mm| Specification { capacity: Capacity::Water { diameter_mm }, distance_m: quantity("15.5"), ..home() };
    let net = |diameter| water().quote(wanted(diameter), None, day("2024-03-06")).unwrap().net.minor;
    assert_eq!((net(20), net(25), net(50)), (82_500 + 1_900, 147_550 + 1_900, 390_000 + 1_900));
}

#[test]
fn who_pays_no_vat_is_quoted_none_and_says_why() {
    let exempt = VatTreatment { category: VatCategory::Z, rate: "0".parse().unwrap(), reason: Some("VATEX-SA-MLTRY".parse().unwrap()) };
    let quote = electricity().quote(home(), Some(&exempt), day("2024-03-06")).unwrap();
    assert_eq!((quote.vat.minor, quote.total), (0, quote.net));
    assert!(quote.lines.iter().all(|quoted| quoted.line.vat == exempt));
}

#[test]
fn what_a_table_does_not_price() {
    let refused = |prices: Prices, wanted, on| prices.quote(wanted, None, day(on)).unwrap_err();
    assert_eq!(refused(water(), home(), "2024-03-06"), PricingError::OtherService);
    let early = PricingError::NotYet { code: electricity().code.clone(), from: day("2024-01-01") };
    assert_eq!(refused(electricity(), home(), "2023-12-31"), early);
    let free: Prices = TEXT
        .split("\"charges\"")
        .next()
        .map(|head| {
            format!(r#"{head}"charges": [{{"code": "x", "text": "x", "cases": [{{"price": {{"fixed": "0"}}}}]}}]}}"#).parse().unwrap()
        })
        .unwrap();
    assert_eq!(refused(free, home(), "2024-03-06"), PricingError::Document(DocumentError::NoLines));
}

#[test]
fn a_table_that_contradicts_itself_is_refused_with_its_place() {
    let refused = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        TEXT.replacen(from, to, 1).parse::<Prices>().map_or_else(|bad| bad.to_string(), |_| "sound".to_owned())
    };
    for (from, to, why) in [
        (r#""validDays": 30"#, r#""validDays": 0"#, "line 7, column 16: validDays: a quote is good for a day at least"),
        (
            r#""rate": "0.15""#,
            r#""rate": "15""#,
            "line 8, column 37: vat.rate: the standard category has a rate above zero and not above 1",
        ),
        (
            r#""category": "S", "rate": "0.15""#,
            r#""category": "Z", "rate": "0""#,
            "line 8, column 10: vat: a category other than the standard",
        ),
        (
            r#""code": "connection-line""#,
            r#""code": "connection-load""#,
            "charges[1].code: `connection-load` would stand on one quote twice",
        ),
        (r#""when": { "areas": ["desert"] }, "#, "", "charges[1].cases[1].when: an earlier case holds wherever this one does"),
        (
            r#"{ "price": { "fixed": "180" } }"#,
            r#"{ "when": { "areas": ["x"] }, "price": { "fixed": "1" } }"#,
            "charges[2].cases: the last case is for everybody",
        ),
        (
            r#""upTo": "100", "price": "75""#,
            r#""upTo": "20", "price": "75""#,
            "charges[0].cases[1].price.perKva[1].upTo: steps ascend: this is not above 20",
        ),
        (r#"{ "upTo": null, "price": "90" }"#, r#"{ "upTo": "200", "price": "90" }"#, "perKva[2].upTo: the last step is for all the rest"),
        (r#""upTo": "20", "price""#, r#""upTo": null, "price""#, "perKva[0].upTo: only the last step is for all the rest"),
        (r#"[{ "upTo": null, "price": "84.333" }]"#, "[]", "charges[1].cases[0].price.perMetre: there is no step"),
        (r#""service": "electricity""#, r#""service": "water""#, "charges[0].cases[0].when: water has no load"),
        (r#""areas": ["desert"]"#, r#""diametersMm": [20]"#, "charges[1].cases[0].when: electricity has no diameter"),
        (r#""perMetre""#, r#""perMile""#, "unknown variant `perMile`"),
        (r#""areas""#, r#""area""#, "unknown field `area`"),
    ] {
        let found = refused(from, to);
        assert!(found.contains(why), "{found}");
    }
    let none = TEXT.split("\"charges\"").next().unwrap().to_owned() + "\"charges\": []}";
    assert!(none.parse::<Prices>().unwrap_err().to_string().contains("charges: there is no charge"));
}

#[test]
fn tables_follow_one_another_and_none_is_edited() {
    let publish = |prices: Prices| Command::PublishConnectionPrices(PublishConnectionPrices { prices });
    let published = |prices: Prices| Event::from(ConnectionPricesPublished { prices });
    let changed = |code: &str, from: &str, dearer: bool| -> Prices {
        let text = TEXT.replace("electricity-made-up-2024", code).replace("2024-01-01", from);
        if dearer { text.replace("1250", "1300") } else { text }.parse().unwrap()
    };
    given::<ConnectionPrices>([]).when(publish(electricity())).then([published(electricity())]);
    let there = || [published(electricity())];
    let next = changed("electricity-2025", "2025-01-01", true);
    given::<ConnectionPrices>(there()).when(publish(next.clone())).then([published(next.clone())]);
    let edited = changed("electricity-made-up-2024", "2024-01-01", true);
    given::<ConnectionPrices>(there()).when(publish(edited)).then_rejected(Rejection::CodeReused(electricity().code.clone()));
    let early = changed("early", "2024-01-01", false);
    let order = Rejection::OutOfOrder { code: early.code.clone(), from: day("2024-01-01"), last: electricity().code.clone() };
    given::<ConnectionPrices>(there()).when(publish(early)).then_rejected(order);
    let elsewhere: Prices = TEXT.replace("SAR", "YER").replace("2024-01-01", "2025-01-01").replace("-2024", "").parse().unwrap();
    given::<ConnectionPrices>(there()).when(publish(elsewhere)).then_rejected(Rejection::OtherTable);
    let tables = [published(electricity()), published(next)].iter().fold(ConnectionPrices::default(), ConnectionPrices::evolve);
    let on = |on: &str| tables.on(day(on)).map(|prices| prices.code.as_str());
    assert_eq!((on("2023-12-31"), on("2024-12-31")), (Err(PricingError::NoTable(day("2023-12-31"))), Ok("electricity-made-up-2024")));
    assert_eq!(on("2025-01-01"), Ok("electricity-2025"));
}

fn specification() -> impl Strategy<Value = Specification> {
    let class = prop_oneof![
        Just(CustomerClass::Residential),
        Just(CustomerClass::Commercial),
        Just(CustomerClass::Industrial),
        Just(CustomerClass::Government),
        Just(CustomerClass::Agricultural)
    ];
    let meter = prop_oneof![Just(MeterKind::Traditional), Just(MeterKind::Smart), Just(MeterKind::Prepaid)];
    let area = prop_oneof![Just("desert"), Just("riyadh-north")];
    let phase = prop_oneof![Just(Phase::Single), Just(Phase::Three)];
    (class, meter, area, phase, 1..2_000_000_i64, 0..5_000_000_i64).prop_map(|(class, meter, area, phase, load, distance)| {
        let thousandths = |n| Quantity::new(rust_decimal::Decimal::new(n, 3)).unwrap();
        let capacity = Capacity::Electricity { load_kva: thousandths(load), phase };
        Specification { class, capacity, distance_m: thousandths(distance), area: Code::new(area).unwrap(), meter }
    })
}

use crate::tariff::Quantity;

proptest! {
    /// Whatever is asked for: each charge has at most one case, the steps make up the whole, the lines make up the total, and the quote is the
    /// same when it has been on disk.
    #[test]
    fn every_connection_has_one_price(wanted in specification()) {
        let quote = quote(wanted.clone());
        let of = |code: &str| quote.lines.iter().filter(|quoted| quoted.line.code.as_str() == code).collect::<Vec<_>>();
        for charge in &electricity().charges {
            let cases: std::collections::BTreeSet<_> = of(charge.code.as_str()).iter().map(|quoted| quoted.case).collect();
            prop_assert!(cases.len() <= 1, "{cases:?}");
        }
        let Capacity::Electricity { load_kva, .. } = wanted.capacity else { unreachable!("it is electricity") };
        let load = of("connection-load");
        if load.iter().any(|quoted| quoted.step.is_some()) {
            let sum = load.iter().map(|quoted| quoted.line.quantity).try_fold(Quantity::ZERO, Quantity::checked_add);
            prop_assert_eq!(sum, Some(load_kva));
        }
        prop_assert_eq!(quote.lines.iter().map(|quoted| quoted.line.net.minor).sum::<i64>(), quote.net.minor);
        prop_assert_eq!(quote.net.minor + quote.vat.minor, quote.total.minor);
        let stored = serde_json::to_string(&quote).unwrap();
        prop_assert_eq!(serde_json::from_str::<Quote>(&stored).unwrap(), quote);
    }

    /// More of anything never costs less.
    #[test]
    fn further_and_stronger_is_never_cheaper(wanted in specification(), more in 1..100_000_i64) {
        let Capacity::Electricity { load_kva, phase } = wanted.capacity else { unreachable!("it is electricity") };
        let more = Quantity::new(rust_decimal::Decimal::new(more, 3)).unwrap();
        let stronger = Capacity::Electricity { load_kva: load_kva.checked_add(more).unwrap(), phase };
        let further = Specification { distance_m: wanted.distance_m.checked_add(more).unwrap(), ..wanted.clone() };
        let before = quote(wanted.clone()).total.minor;
        prop_assert!(quote(further).total.minor >= before);
        let stronger = quote(Specification { capacity: stronger, ..wanted });
        prop_assert!(stronger.total.minor >= before);
    }
}
