//! Customers who are taxed otherwise than the supply, by the date of supply.

use super::*;
use crate::{
    Code, VatCategory, VatStatus, account,
    tariff::{MidPeriodChange, Vat},
};

/// As `E reason from..to`; both dates may be left out.
fn status(text: &str) -> VatStatus {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [category, reason, dates] = words[..] else { panic!("{text}") };
    let (from, to) = dates.split_once("..").unwrap();
    let from = if from.is_empty() { "2000-01-01" } else { from };
    let reason = (reason != "-").then(|| reason.parse().unwrap());
    VatStatus { category: category.parse().unwrap(), reason, from: day(from), to: (!to.is_empty()).then(|| day(to)) }
}

fn bill(tariffs: &[Tariff], period: BillingPeriod, usage: &str, statuses: &str) -> Bill {
    let series = Series::of(tariffs.iter().cloned()).unwrap();
    let usage = [segment(&period.from().to_string(), &period.to().to_string(), usage, &[])];
    let statuses = statuses.split(',').map(str::trim).filter(|text| !text.is_empty()).map(status).collect();
    let premises = a_home();
    let supply = Supply { vat: &statuses, ..Supply::new(period, &usage, &premises) };
    super::super::rate(&series, &supply, Rounding::default()).unwrap()
}

/// The VAT lines, as `category rate of taxable by reason = amount`.
fn vat(bill: &Bill) -> String {
    let line = |VatLine { vat: Vat { category, rate, reason }, taxable, amount }: &VatLine| {
        let reason = reason.as_ref().map(|reason| format!(" by {reason}")).unwrap_or_default();
        format!("{category:?} {} of {}{reason} = {}", rate.get(), taxable.to_decimal(), amount.to_decimal())
    };
    bill.vat_lines.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn part_days(bill: &Bill) -> String {
    bill.parts.iter().map(|part| part.days().to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_status_holds_from_its_first_day_to_the_day_before_its_end() {
    let may = days("2022-05-01", "2022-05-31");
    for (statuses, parts, expected) in [
        ("", "30", "S 0.15 of 540.00 = 81.00"),
        ("E VATEX-SA-EDU ..", "30", "E 0 of 540.00 by VATEX-SA-EDU = 0.00"),
        ("Z VATEX-SA-32 ..", "30", "Z 0 of 540.00 by VATEX-SA-32 = 0.00"),
        ("O VATEX-SA-OOS ..", "30", "O 0 of 540.00 by VATEX-SA-OOS = 0.00"),
        // The standard rate is the tariff's.
        ("S - ..", "30", "S 0.15 of 540.00 = 81.00"),
        ("E a 2022-05-01..2022-05-31", "30", "E 0 of 540.00 by a = 0.00"),
        ("E a 2022-05-31..", "30", "S 0.15 of 540.00 = 81.00"),
        ("E a ..2022-05-01", "30", "S 0.15 of 540.00 = 81.00"),
        ("E a 2022-05-16..", "15 15", "S 0.15 of 270.00 = 40.50, E 0 of 270.00 by a = 0.00"),
        ("E a ..2022-05-16", "15 15", "E 0 of 270.00 by a = 0.00, S 0.15 of 270.00 = 40.50"),
        ("E a ..2022-05-02", "1 29", "E 0 of 18.00 by a = 0.00, S 0.15 of 522.00 = 78.30"),
        ("E a 2022-05-10..2022-05-11", "9 1 20", "S 0.15 of 522.00 = 78.30, E 0 of 18.00 by a = 0.00"),
        // The later word counts; where nothing changes, nothing is split.
        ("E a .., S - 2022-05-16..", "15 15", "E 0 of 270.00 by a = 0.00, S 0.15 of 270.00 = 40.50"),
        ("E a .., E a 2022-05-16..", "30", "E 0 of 540.00 by a = 0.00"),
        ("E a .., E b 2022-05-16..", "15 15", "E 0 of 270.00 by a = 0.00, E 0 of 270.00 by b = 0.00"),
        ("E a .., Z a 2022-05-16..", "15 15", "E 0 of 270.00 by a = 0.00, Z 0 of 270.00 by a = 0.00"),
    ] {
        let bill = bill(&[tariff(KSA_2020)], may, "3000", statuses);
        assert_eq!((part_days(&bill).as_str(), vat(&bill).as_str()), (parts, expected), "{statuses}");
        assert_eq!(bill.total.minor, bill.net.minor + bill.vat.minor, "{statuses}");
    }
}

#[test]
fn an_account_says_itself_how_its_days_are_taxed() {
    let set = |category, reason: Option<&str>, from: &str, to: Option<&str>| {
        let reason = reason.map(|reason| reason.parse().unwrap());
        account::Event::from(account::VatStatusSet { category, reason, from: day(from), to: to.map(day) })
    };
    let exempt = set(VatCategory::E, Some("VATEX-SA-EDU"), "2022-01-01", None);
    let account = account::example::account([exempt, set(VatCategory::S, None, "2022-05-11", Some("2022-05-21"))]);
    let (may, premises) = (days("2022-05-01", "2022-05-31"), a_home());
    let usage = [segment("2022-05-01", "2022-05-31", "3000", &[])];
    let supply = Supply { vat: account.vat_statuses(), ..Supply::new(may, &usage, &premises) };
    let bill = super::super::rate(&Series::of([tariff(KSA_2020)]).unwrap(), &supply, Rounding::default()).unwrap();
    assert_eq!(vat(&bill), "E 0 of 360.00 by VATEX-SA-EDU = 0.00, S 0.15 of 180.00 = 27.00");
    for part in &bill.parts {
        assert_eq!(account.vat_category_on(part.period.from()), part.vat.category);
    }
}

#[test]
fn a_status_and_the_vat_change_of_2020_split_one_period() {
    let policies = [MidPeriodChange::Prorate, MidPeriodChange::RateAtEnd, MidPeriodChange::RateAtStart];
    for policy in policies {
        let tariffs = [tariff(KSA_2018), changed(tariff(KSA_2020), |terms| terms.mid_period_change = policy)];
        let bill = bill(&tariffs, days("2020-06-16", "2020-07-16"), "3000", "E a 2020-06-21..2020-07-11");
        assert_eq!(vat(&bill), "S 0.05 of 90.00 = 4.50, E 0 of 360.00 by a = 0.00, S 0.15 of 90.00 = 13.50", "{policy:?}");
        assert_eq!(bill.parts.iter().map(|part| part.usage.micro()).sum::<i64>(), 3000 * Quantity::SCALE, "{policy:?}");
    }
}

#[test]
fn slabs_and_fees_are_split_with_the_days_of_a_status() {
    let fee = |terms: &mut Terms| terms.brackets[0].fee = "30".parse().unwrap();
    let bill = bill(&[changed(tariff(KSA_2020), fee)], days("2022-05-01", "2022-05-31"), "9000", "E a 2022-05-11..");
    assert_eq!(
        shown(&bill, "lines"),
        "10d×1/3 usage 2000@0.18=360.00, 10d×1/3 usage 1000@0.3=300.00, 10d×1/3 bracket-fee 1@30=10.00, \
         20d×2/3 usage 4000@0.18=720.00, 20d×2/3 usage 2000@0.3=600.00, 20d×2/3 bracket-fee 1@30=20.00"
    );
    assert_eq!(vat(&bill), "S 0.15 of 670.00 = 100.50, E 0 of 1340.00 by a = 0.00");
}

#[test]
fn a_supply_that_is_not_taxed_is_not_taxed_because_of_a_customer() {
    let may = days("2022-05-01", "2022-05-31");
    let reason = Some(Code::new("VATEX-SA-34-4").unwrap());
    let zero_rated = changed(open_from("made-up", "2022-01-01"), |terms| {
        terms.vat = Vat { category: VatCategory::Z, rate: "0".parse().unwrap(), reason };
    });
    for (statuses, expected) in [
        ("", "Z 0 of 18.00 by VATEX-SA-34-4 = 0.00"),
        ("S - ..", "Z 0 of 18.00 by VATEX-SA-34-4 = 0.00"),
        ("E a ..", "E 0 of 18.00 by a = 0.00"),
    ] {
        assert_eq!(vat(&bill(std::slice::from_ref(&zero_rated), may, "100", statuses)), expected, "{statuses}");
    }
}

#[test]
fn the_reason_stands_on_the_bill_in_words_in_json_and_on_disk() {
    let bill = bill(&[tariff(KSA_2020)], days("2022-05-01", "2022-05-31"), "3000", "E VATEX-SA-EDU ..");
    assert!(bill.to_string().contains("\nVAT E 0 % of 540.00 by VATEX-SA-EDU    "), "{bill}");
    let json: serde_json::Value = serde_json::from_slice(&bill.to_json()).unwrap();
    let exempt = serde_json::json!({ "category": "E", "rate": "0", "reason": "VATEX-SA-EDU" });
    assert_eq!(json["lines"][0]["vat"], exempt);
    assert_eq!(json["vatLines"][0]["reason"], exempt["reason"]);
    assert_eq!(serde_json::from_slice::<Bill>(&crate::write(&bill)).unwrap(), bill);
}
