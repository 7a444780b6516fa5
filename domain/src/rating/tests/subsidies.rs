//! What authorities pay of a bill: the grids' figures were worked out by hand.

use std::num::NonZeroU32;

use expect_test::expect;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    always::{series, supply},
    *,
};
use crate::{
    SubsidyGrants,
    tariff::{Entitled, Subsidy, SubsidyKind, UnitsMultiplier},
};

/// As `homes price 0.05 quota 150 cap 7 granted`.
fn subsidy(text: &str) -> Subsidy {
    let mut words = text.split_whitespace();
    let (code, kind, figure) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let kind = match (kind, figure.parse().unwrap()) {
        ("price", price) => SubsidyKind::PriceDifference { price },
        ("percent", percent) => SubsidyKind::PercentOfUsage(percent),
        ("amount", amount) => SubsidyKind::Amount(amount),
        _ => panic!("{text}"),
    };
    let (code, authority) = (code.parse().unwrap(), "ministry-of-energy".parse().unwrap());
    let mut subsidy = Subsidy { code, authority, entitled: Entitled::All, quota: None, kind, cap: None };
    while let Some(word) = words.next() {
        match word {
            "quota" => subsidy.quota = Some(words.next().unwrap().parse().unwrap()),
            "cap" => subsidy.cap = Some(words.next().unwrap().parse().unwrap()),
            "granted" => subsidy.entitled = Entitled::Granted,
            _ => panic!("{text}"),
        }
    }
    subsidy
}

/// 100 units at 0.10 and the rest at 0.30, for each dwelling, in 30 days more or less; 200 units are 40.00.
fn subsidised(subsidies: &str) -> Tariff {
    changed(bracketed("rest: 100@0.10 rest@0.30"), |terms| {
        terms.units_multiplier = Some(UnitsMultiplier::PerDwelling);
        terms.subsidies = subsidies.split(',').map(str::trim).filter(|text| !text.is_empty()).map(subsidy).collect();
    })
}

fn bill(tariffs: &[Tariff], usage: &str, length: u64, dwellings: u32, grants: &SubsidyGrants) -> Bill {
    let period = BillingPeriod::new(day("2022-05-01"), day("2022-05-01") + Days::new(length)).unwrap();
    let usage = [segment("2022-05-01", &period.to().to_string(), usage, &[])];
    let premises = premises(dwellings, None);
    let supply = Supply { grants, ..Supply::new(period, &usage, &premises) };
    super::super::rate(&Series::of(tariffs.iter().cloned()).unwrap(), &supply, Rounding::default()).unwrap()
}

/// As `150=17.50`, units and amount of each.
fn paid(bill: &Bill) -> String {
    let paid = |subsidised: &Subsidised| format!("{}={}", subsidised.units, subsidised.amount.to_decimal());
    bill.subsidies.iter().map(paid).collect::<Vec<_>>().join(", ")
}

/// From the first of May on, for so many days.
fn granted(days: u64) -> SubsidyGrants {
    let (mut grants, from) = (SubsidyGrants::default(), day("2022-05-01"));
    if days > 0 {
        grants.grant("homes".parse().unwrap(), from, Some(from + Days::new(days)));
    }
    grants
}

#[test]
fn each_kind_pays_its_part_of_the_charge() {
    for (subsidies, usage, expected) in [
        ("", "200", ""),
        // 100 × (0.10 − 0.05) + 50 × (0.30 − 0.05).
        ("homes price 0.05 quota 150", "200", "150=17.50"),
        ("homes price 0.05 quota 150", "150", "150=17.50"),
        ("homes price 0.05 quota 150", "60.5", "60.5=3.03"),
        ("homes price 0.05", "200", "200=30.00"),
        ("homes price 0", "200", "200=40.00"),
        // What costs less costs what it costs.
        ("homes price 0.10 quota 150", "200", "150=10.00"),
        ("homes price 0.20 quota 150", "200", "150=5.00"),
        ("homes price 0.20 quota 100", "200", ""),
        ("homes price 0.50", "200", ""),
        ("homes percent 25", "200", "200=10.00"),
        ("homes percent 25 quota 150", "200", "150=6.25"),
        ("homes percent 100", "200", "200=40.00"),
        ("homes percent 0.1", "200", "200=0.04"),
        ("homes amount 15", "200", "200=15.00"),
        ("homes price 0.05 quota 150 cap 7", "200", "150=7.00"),
        ("homes percent 25 cap 11", "200", "200=10.00"),
        // No bill is below zero.
        ("homes amount 50", "200", "200=40.00"),
        ("homes percent 60, families amount 30", "200", "200=24.00, 200=16.00"),
        ("families amount 30, homes percent 60", "200", "200=30.00, 200=10.00"),
        ("homes percent 100, families amount 30", "200", "200=40.00"),
        // Nothing is subsidised where nothing was used.
        ("homes amount 50", "0", ""),
        ("homes price 0.05, families percent 10", "0", ""),
    ] {
        assert_eq!(paid(&bill(&[subsidised(subsidies)], usage, 30, 1, SubsidyGrants::none())), expected, "{subsidies} of {usage}");
    }
}

#[test]
fn where_nothing_was_used_the_fee_is_the_customers_to_pay() {
    let with_a_fee =
        changed(subsidised("homes amount 50, families percent 100"), |terms| terms.minimum_charge = Some("12".parse().unwrap()));
    for (usage, net, expected) in [("0", "12.00", ""), ("10", "12.00", "10=12.00"), ("300", "70.00", "300=50.00, 300=20.00")] {
        let bill = bill(std::slice::from_ref(&with_a_fee), usage, 30, 1, SubsidyGrants::none());
        assert_eq!((bill.net.to_decimal().to_string().as_str(), paid(&bill).as_str()), (net, expected), "{usage}");
    }
}

#[test]
fn quotas_amounts_and_caps_go_with_the_period_and_quotas_with_the_dwellings() {
    for (subsidies, usage, length, dwellings, expected) in [
        // Within the tolerance it is a month like any other.
        ("homes price 0.05 quota 150", "200", 33, 1, "150=17.50"),
        // Twice the days: 200 × 0.05 + 100 × 0.25.
        ("homes price 0.05 quota 150", "400", 60, 1, "300=35.00"),
        ("homes price 0.05 quota 150", "400", 30, 2, "300=35.00"),
        ("homes price 0.05 quota 150", "200", 60, 1, "200=10.00"),
        ("homes price 0.05 quota 150 cap 7", "400", 60, 1, "300=14.00"),
        ("homes amount 15", "400", 60, 1, "400=30.00"),
        ("homes amount 15", "400", 30, 2, "400=15.00"),
        // Half the days: 50 × 0.05 + 25 × 0.25.
        ("homes price 0.05 quota 150", "100", 15, 1, "75=8.75"),
        ("homes percent 25 quota 150", "100", 15, 1, "75=3.13"),
        ("homes amount 15", "100", 15, 1, "100=7.50"),
    ] {
        let bill = bill(&[subsidised(subsidies)], usage, length, dwellings, SubsidyGrants::none());
        assert_eq!(paid(&bill), expected, "{subsidies} of {usage} in {length} days, {dwellings} dwellings");
    }
}

#[test]
fn what_is_granted_is_paid_for_the_days_on_which_it_is() {
    for (subsidies, days, expected) in [
        ("homes price 0.05 quota 150 granted", 0, ""),
        ("homes price 0.05 quota 150 granted", 10, "50=5.83"),
        ("homes price 0.05 quota 150 granted", 15, "75=8.75"),
        ("homes price 0.05 quota 150 granted", 29, "145=16.92"),
        ("homes price 0.05 quota 150 cap 7 granted", 10, "50=2.33"),
        ("homes percent 25 granted", 15, "100=5.00"),
        ("homes amount 15 granted", 10, "66.666667=5.00"),
        ("farms amount 15 granted", 10, ""),
        ("homes amount 15", 0, "200=15.00"),
    ] {
        assert_eq!(paid(&bill(&[subsidised(subsidies)], "200", 30, 1, &granted(days))), expected, "{subsidies}");
    }
    let always = bill(&[subsidised("homes amount 15 granted")], "200", 30, 1, &granted(31));
    assert_eq!((paid(&always).as_str(), always.subsidies[0].granted_days), ("200=15.00", None));
}

#[test]
fn it_changes_who_pays_and_not_what_is_billed() {
    let taxed = |subsidies| {
        changed(subsidised(subsidies), |terms| {
            terms.vat = crate::tariff::Vat { category: crate::VatCategory::S, rate: "0.15".parse().unwrap(), reason: None };
            terms.minimum_charge = Some("50".parse().unwrap());
        })
    };
    let (plain, of_usage, of_all) = (
        bill(&[taxed("")], "200", 30, 1, SubsidyGrants::none()),
        bill(&[taxed("homes percent 100")], "200", 30, 1, SubsidyGrants::none()),
        bill(&[taxed("homes amount 90")], "200", 30, 1, SubsidyGrants::none()),
    );
    for (bill, subsidised, to_pay) in [(&plain, "0.00", "57.50"), (&of_usage, "40.00", "17.50"), (&of_all, "50.00", "7.50")] {
        assert_eq!((bill.net, bill.vat, bill.total, &bill.lines), (plain.net, plain.vat, plain.total, &plain.lines));
        assert_eq!(
            (bill.subsidised().to_decimal().to_string(), bill.to_pay().to_decimal().to_string()),
            (subsidised.into(), to_pay.into())
        );
    }
    // Untaxed 10.04 are paid with 10.00 where there is no smaller coin; the authority's 10.04 leave nothing to pay, and not less.
    let rounding = Rounding { payable_step: NonZeroU32::new(10), ..Rounding::default() };
    let (usage, premises) = ([segment("2022-05-01", "2022-05-31", "100.4", &[])], a_home());
    let tariff = changed(bracketed("rest: rest@0.10"), |terms| terms.subsidies = vec![subsidy("homes percent 100")]);
    let supply = Supply::new(days("2022-05-01", "2022-05-31"), &usage, &premises);
    let bill = super::super::rate(&Series::of([tariff]).unwrap(), &supply, rounding).unwrap();
    assert_eq!((bill.total.minor, bill.subsidised().minor, bill.to_pay().minor), (1_000, 1_004, 0));
}

#[test]
fn each_version_of_a_tariff_has_its_subsidies_for_its_days() {
    let first = subsidised("homes price 0.05 quota 150");
    let second = changed(subsidised("homes amount 15, families percent 10"), |terms| {
        terms.code = "made-up-2".parse().unwrap();
        terms.effective_from = day("2022-05-16");
    });
    let bill = bill(&[first, second], "200", 30, 1, SubsidyGrants::none());
    assert_eq!(paid(&bill), "75=8.75, 100=7.50, 100=2.00");
    assert_eq!(bill.subsidies.iter().map(|subsidised| subsidised.part).collect::<Vec<_>>(), [0, 1, 1]);
}

#[test]
fn a_fixed_amount_makes_a_unit_more_or_less_count_for_more_than_its_price() {
    for (subsidies, marginal) in
        [("", true), ("homes price 0.05 quota 150 cap 7", true), ("homes percent 25", true), ("homes amount 5", false)]
    {
        assert_eq!(subsidised(subsidies).is_marginal(), marginal, "{subsidies}");
    }
}

#[test]
fn a_bill_in_words_says_who_pays_what_and_why() {
    let subsidies = "homes price 0.05 quota 150 cap 17 granted, families percent 12.5, all amount 3";
    expect![[r#"
        made-up, 2022-05-01 to 2022-06-29: 60 days, factor 2, usage 1000
          usage: 400 kWh at 0.10, slab 1: above 0 up to 100, limits × 2 × 2 dwellings                             40.00
          usage: 600 kWh at 0.30, slab 2: above 100, limits × 2 × 2 dwellings                                    180.00
        net                                                                                                      220.00
        VAT O 0 % of 220.00                                                                                        0.00
        total SAR                                                                                                220.00"#]]
    .assert_eq(&bill(&[subsidised("")], "1000", 60, 2, SubsidyGrants::none()).to_string());
    let bill = bill(&[subsidised(subsidies)], "1000", 60, 2, &granted(20));
    let words = bill.to_string();
    expect![[r#"
         SAR                                                                                                220.00
        homes, paid by ministry-of-energy                                                                         11.33
          200 units brought down to 0.05, of the first 150 × 2 × 2 dwellings, at most 17 × 2, granted on 20 of 60 days, at most the charge itself
        families, paid by ministry-of-energy                                                                      27.50
          12.5 % of the charge for 1000 units, at most the charge itself
        all, paid by ministry-of-energy                                                                            6.00
          3 a period × 2, at most the charge itself
        left to pay                                                                                              175.17"#]].assert_eq(words.split_once("total").unwrap().1);
    let arabic: Vec<_> = bill.subsidies.iter().map(|subsidised| subsidised.reason_in_arabic(&bill.parts[subsidised.part])).collect();
    expect![[r#"
        200 وحدة بسعر مدعوم 0.05، من أول 150 × 2 × 2 وحدات سكنية، بحد أقصى 17 × 2، ممنوح في 20 من 60 يومًا، بما لا يتجاوز القيمة نفسها
        12.5 % من قيمة 1000 وحدة، بما لا يتجاوز القيمة نفسها
        3 عن الفترة × 2، بما لا يتجاوز القيمة نفسها"#]]
    .assert_eq(&arabic.join("\n"));
    let json = String::from_utf8(bill.to_json()).unwrap();
    expect![[r#""subsidies":[{"code":"homes","authority":"ministry-of-energy","units":"200","from":"2022-05-01","to":"2022-06-30","reason":"200 units brought down to 0.05, of the first 150 × 2 × 2 dwellings, at most 17 × 2, granted on 20 of 60 days, at most the charge itself","tariff":"made-up","amount":"11.33"},{"code":"families","authority":"ministry-of-energy","units":"1000","from":"2022-05-01","to":"2022-06-30","reason":"12.5 % of the charge for 1000 units, at most the charge itself","tariff":"made-up","amount":"27.50"},{"code":"all","authority":"ministry-of-energy","units":"1000","from":"2022-05-01","to":"2022-06-30","reason":"3 a period × 2, at most the charge itself","tariff":"made-up","amount":"6.00"}],"net":"220.00","vat":"0.00","rounding":"0.00","total":"220.00","toPay":"175.17","currency":"SAR"}"#]].assert_eq(&json[json.find(r#""subsidies""#).unwrap()..]);
}

fn subsidies() -> impl Strategy<Value = Vec<Subsidy>> {
    let kind = prop_oneof![
        (0..3_000_u32).prop_map(|price| format!("price 0.{price:04}")),
        (1..=100_u32).prop_map(|percent| format!("percent {percent}")),
        (1..5_000_u32).prop_map(|amount| format!("amount {amount}")),
    ];
    let one = (kind, option::of(1..500_u32), option::of(1..300_u32), any::<bool>()).prop_map(|(kind, quota, cap, granted)| {
        let quota = quota.filter(|_| !kind.starts_with("amount")).map(|quota| format!(" quota {quota}")).unwrap_or_default();
        let cap = cap.map(|cap| format!(" cap {cap}")).unwrap_or_default();
        format!("{kind}{quota}{cap}{}", if granted { " granted" } else { "" })
    });
    vec(one, 0..4).prop_map(|texts| texts.iter().enumerate().map(|(n, text)| subsidy(&format!("scheme-{n} {text}"))).collect())
}

fn grants() -> impl Strategy<Value = SubsidyGrants> {
    let word = (0..3_usize, 0..90_u64, option::of(1..60_u64), select(vec![true, true, false]));
    vec(word, 0..5).prop_map(|words| {
        let mut grants = SubsidyGrants::default();
        for (scheme, start, length, granted) in words {
            let (scheme, from) = (format!("scheme-{scheme}").parse().unwrap(), day("2020-01-01") + Days::new(start));
            match granted {
                true => grants.grant(scheme, from, length.map(|length| from + Days::new(length))),
                false => grants.end(scheme, from),
            }
        }
        grants
    })
}

proptest! {
    #[test]
    fn no_part_is_paid_more_than_it_costs_and_nothing_else_changes(
        plain in series(),
        subsidies in vec(subsidies(), 3),
        (period, usage, premises, rounding) in supply(),
        grants in grants(),
    ) {
        let versions = plain.versions().iter().zip(subsidies).map(|(version, subsidies)| {
            changed(version.tariff.clone(), |terms| terms.subsidies = subsidies)
        });
        let series = Series::of(versions.collect::<Vec<_>>()).unwrap();
        let supplied = Supply { grants: &grants, ..Supply::new(period, &usage, &premises) };
        let bill = super::super::rate(&series, &supplied, rounding).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Bill>(&crate::write(&bill)).unwrap(), &bill);

        let net = |index| bill.lines.iter().filter(|line| line.part == index).map(|line| line.amount.minor).sum::<i64>();
        for (index, part) in bill.parts.iter().enumerate() {
            let of_part = || bill.subsidies.iter().filter(move |subsidised| subsidised.part == index);
            prop_assert!(of_part().map(|subsidised| subsidised.amount.minor).sum::<i64>() <= net(index));
            prop_assert!(of_part().next().is_none() || !part.usage.is_zero());
            for Subsidised { subsidy, granted_days, units, amount, .. } in of_part() {
                prop_assert!(amount.minor > 0 && *units <= part.usage);
                if subsidy.entitled == Entitled::Granted {
                    prop_assert_eq!(granted_days.unwrap_or(part.days()), grants.days(&subsidy.code, part.period));
                } else {
                    prop_assert_eq!(*granted_days, None);
                }
            }
        }
        prop_assert!(bill.to_pay().minor >= 0 && bill.subsidised().minor <= bill.net.minor);
        prop_assert_eq!(Bill { subsidies: vec![], ..bill }, rate(&plain, period, &usage, &premises, rounding).unwrap());
    }

    /// Just what dividing the part at the grant would come to: as many units in fewer days, within what rounding makes of it.
    #[test]
    fn a_grant_for_some_days_pays_what_a_bill_for_those_days_would(
        kind in select(vec!["price 0.05", "price 0.12", "percent 30", "percent 100", "amount 5"]),
        quota in option::of(1..400_u32),
        usage in 1..2_000_u32,
        days in 1..60_u64,
    ) {
        let quota = quota.filter(|_| !kind.starts_with("amount")).map(|quota| format!(" quota {quota}")).unwrap_or_default();
        let tariff = changed(subsidised(&format!("homes {kind}{quota} granted")), |terms| terms.period.tolerance_days = 0);
        let of = |usage: u32, length| {
            let all = changed(tariff.clone(), |terms| terms.subsidies[0].entitled = Entitled::All);
            bill(&[all], &usage.to_string(), length, 1, SubsidyGrants::none()).subsidised().minor
        };
        // 60 days, in each of which as much is used.
        let (length, usage) = (60, usage * 60);
        let granted = bill(std::slice::from_ref(&tariff), &usage.to_string(), length, 1, &granted(days)).subsidised().minor;
        let divided = of(usage / 60 * u32::try_from(days).unwrap(), days);
        prop_assert!((granted - divided).abs() <= 1, "{granted} {divided}");
        prop_assert!(granted <= of(usage, length));
    }
}
