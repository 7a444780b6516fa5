//! What people and programs are shown, and what they are told when there is nothing to show.

use expect_test::{Expect, expect};

use super::*;
use crate::{
    VatCategory,
    rating::files::{RateRequest, TariffFile, rate_files},
    tariff::{Unit, When, example::everything},
};

fn request<'a>(tariffs: &'a [TariffFile<'a>], usage: &'a str, from: &str, to: &str) -> RateRequest<'a> {
    RateRequest { tariffs, usage, from: day(from), to: day(to), dwellings: NonZeroU32::MIN, breaker_amps: None, vat: None }
}

#[track_caller]
fn refused(tariffs: &[TariffFile<'_>], usage: &str, from: &str, to: &str, expected: &str) {
    assert_eq!(rate_files(&request(tariffs, usage, from, to)).unwrap_err().to_string(), expected);
}

fn across_the_vat_change() -> Bill {
    let tariffs = [TariffFile { name: "2020.json", text: KSA_2020 }, TariffFile { name: "2018.json", text: KSA_2018 }];
    rate_files(&request(&tariffs, "8000", "2020-06-16", "2020-07-16")).unwrap()
}

#[test]
fn a_bill_in_words_shows_its_split() {
    expect![[r#"
        ksa-sec-residential-2018, 2020-06-16 to 2020-06-30: 15 days, factor 1/2, usage 4000
          usage: 3000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 1/2                                      540.00
          usage: 1000 kWh at 0.30, slab 2: above 6000, limits × 1/2                                              300.00
        ksa-sec-residential-2020-07, 2020-07-01 to 2020-07-15: 15 days, factor 1/2, usage 4000
          usage: 3000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 1/2                                      540.00
          usage: 1000 kWh at 0.30, slab 2: above 6000, limits × 1/2                                              300.00
        net                                                                                                     1680.00
        VAT S 5 % of 840.00                                                                                       42.00
        VAT S 15 % of 840.00                                                                                     126.00
        total SAR                                                                                               1848.00"#]]
    .assert_eq(&across_the_vat_change().to_string());
}

#[test]
fn a_bill_in_json_has_decimal_strings_and_lines_that_can_be_read_alone() {
    expect![[r#"
        {"from":"2020-06-16","to":"2020-07-16","lines":[
          {"code":"usage","quantity":"3000","unit":"kWh","price":"0.18","from":"2020-06-16","to":"2020-07-01","days":15,"factor":"1/2","dwellings":1,"slab":{"bracket":1,"number":1,"above":"0","upTo":"6000"},"reason":"3000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 1/2","tariff":"ksa-sec-residential-2018","vat":{"category":"S","rate":"0.05"},"estimated":false,"readings":[],
        "amount":"540.00"},
          {"code":"usage","quantity":"1000","unit":"kWh","price":"0.30","from":"2020-06-16","to":"2020-07-01","days":15,"factor":"1/2","dwellings":1,"slab":{"bracket":1,"number":2,"above":"6000","upTo":null},"reason":"1000 kWh at 0.30, slab 2: above 6000, limits × 1/2","tariff":"ksa-sec-residential-2018","vat":{"category":"S","rate":"0.05"},"estimated":false,"readings":[],
        "amount":"300.00"},
          {"code":"usage","quantity":"3000","unit":"kWh","price":"0.18","from":"2020-07-01","to":"2020-07-16","days":15,"factor":"1/2","dwellings":1,"slab":{"bracket":1,"number":1,"above":"0","upTo":"6000"},"reason":"3000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 1/2","tariff":"ksa-sec-residential-2020-07","vat":{"category":"S","rate":"0.15"},"estimated":false,"readings":[],
        "amount":"540.00"},
          {"code":"usage","quantity":"1000","unit":"kWh","price":"0.30","from":"2020-07-01","to":"2020-07-16","days":15,"factor":"1/2","dwellings":1,"slab":{"bracket":1,"number":2,"above":"6000","upTo":null},"reason":"1000 kWh at 0.30, slab 2: above 6000, limits × 1/2","tariff":"ksa-sec-residential-2020-07","vat":{"category":"S","rate":"0.15"},"estimated":false,"readings":[],
        "amount":"300.00"}],
        "vatLines":[
          {"category":"S","rate":"0.05","taxable":"840.00","amount":"42.00"},
          {"category":"S","rate":"0.15","taxable":"840.00","amount":"126.00"}],
        "net":"1680.00","vat":"168.00","rounding":"0.00","total":"1848.00","currency":"SAR"}"#]].assert_eq(&pretty(&across_the_vat_change().to_json()));
}

#[test]
fn every_kind_of_line_has_its_reason() {
    let check = |amps, usage, to, dwellings, expected: Expect| {
        let series = Series::of([everything()]).unwrap();
        let usage = [segment("2022-05-01", to, usage, &[1, 2])];
        let bill = rate(&series, days("2022-05-01", to), &usage, &premises(dwellings, Some(amps)), Rounding::default()).unwrap();
        expected.assert_eq(&bill.to_string());
    };
    check(
        60,
        "0",
        "2022-05-31",
        1,
        expect![[r#"
            made-up-everything, 2022-05-01 to 2022-05-30: 30 days, factor 1, usage 0
              usage: 0 kWh at 0.10, slab 1: above 0 up to 40                                                           0.00
              minimum-charge: minimum 10 less the charge for usage 0.00                                               10.00
              zero-usage-fee: fee 9 as nothing was used                                                                9.00
              meter-fee: 15.00 a period, for breakers from 0 to 100 A                                                 15.00
              network-fee: 5 a period                                                                                  5.00
            net                                                                                                       39.00
            VAT S 15 % of 39.00                                                                                        5.85
            total SAR                                                                                                 44.85"#]],
    );
    check(
        60,
        "200",
        "2022-05-31",
        1,
        expect![[r#"
            made-up-everything, 2022-05-01 to 2022-05-30: 30 days, factor 1, usage 200
              usage: 200 kWh at 0.18, slab 1: above 0 up to 1000.5                                                    36.00
              bracket-fee: fee 2.5 of bracket 2: usage up to 1000.5                                                    2.50
              meter-fee: 15.00 a period, for breakers from 0 to 100 A                                                 15.00
              network-fee: 5 a period                                                                                  5.00
              sewer: 50 % of the charge for usage 36                                                                  18.00
              support: 2.5 off for usage from 51 to 200, at most the charge itself                                    -2.50
            net                                                                                                       74.00
            VAT S 15 % of 74.00                                                                                       11.10
            total SAR                                                                                                 85.10"#]],
    );
    check(
        101,
        "30000",
        "2022-06-30",
        2,
        expect![[r#"
            made-up-everything, 2022-05-01 to 2022-06-29: 60 days, factor 2, usage 30000
              usage: 24000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 2 × 2 dwellings                        4320.00
              usage: 6000 kWh at 0.30, slab 2: above 6000, limits × 2 × 2 dwellings                                 1800.00
              meter-fee: 21.00 a period × 2, for breakers from 101 A                                                  42.00
              network-fee: 5 a period × 2                                                                             10.00
              sewer: 50 % of the charge for usage 6120                                                              3060.00
            net                                                                                                     9232.00
            VAT S 15 % of 9232.00                                                                                   1384.80
            total SAR                                                                                              10616.80"#]],
    );
}

#[test]
fn breakers_and_units_in_words() {
    let when = |breaker_amps_min, breaker_amps_max| When { breaker_amps_min, breaker_amps_max }.to_string();
    assert_eq!(when(Some(20), Some(100)), "from 20 to 100 A");
    assert_eq!(when(Some(101), None), "from 101 A");
    assert_eq!(when(None, Some(100)), "to 100 A");
    assert_eq!(when(None, None), "that are known");
    let units = [Unit::Kwh, Unit::M3, Unit::Period, Unit::Currency].map(|unit| unit.to_string());
    assert_eq!(units, ["kWh", "m3", "period", "currency"]);
}

#[test]
fn what_is_stored_in_an_event_is_small_and_survives_the_disk() {
    let series = Series::of([tariff(KSA_2020)]).unwrap();
    let usage = [segment("2022-05-01", "2022-05-31", "6000.5", &[1, 2])];
    let bill = rate(&series, days("2022-05-01", "2022-05-31"), &usage, &a_home(), Rounding::default()).unwrap();
    let stored = crate::write(&bill);
    expect![[r#"
        {"period":{"from":"2022-05-01","to":"2022-05-31"},"currency":"SAR","premises":{"dwellings":1,"breaker_amps":null,"load_kva":null,"area":"RUH-07"},"rounding_policy":{"mode":"halfUp"},"parts":[
          {"tariff":"ksa-sec-residential-2020-07","period":{"from":"2022-05-01","to":"2022-05-31"},"factor":"1","dwellings":1,"vat":{"category":"S","rate":"0.15"},"usage":"6000.5","readings":["00000000-0000-0000-0000-000000000001","00000000-0000-0000-0000-000000000002"]}],
        "lines":[
          {"part":0,"charge":{"usage":{"bracket":1,"number":1,"above":"0","up_to":"6000"}},"quantity":"6000","unit":"kWh","price":"0.18","amount":{"minor":108000,"currency":"SAR"}},
          {"part":0,"charge":{"usage":{"bracket":1,"number":2,"above":"6000"}},"quantity":"0.5","unit":"kWh","price":"0.30","amount":{"minor":15,"currency":"SAR"}}],
        "vat_lines":[
          {"vat":{"category":"S","rate":"0.15"},"taxable":{"minor":108015,"currency":"SAR"},"amount":{"minor":16202,"currency":"SAR"}}],
        "net":{"minor":108015,"currency":"SAR"},"vat":{"minor":16202,"currency":"SAR"},"rounding":{"minor":0,"currency":"SAR"},"total":{"minor":124217,"currency":"SAR"}}"#]].assert_eq(&pretty(&stored));
    assert_eq!(serde_json::from_slice::<Bill>(&stored).unwrap(), bill);
}

#[test]
fn bad_files_are_named_with_place_and_reason() {
    let ksa = TariffFile { name: "2020.json", text: KSA_2020 };
    let open = TariffFile { name: "2020.json", text: &KSA_2020.replace("\"0.30\"", "\"-0.30\"") };
    refused(&[open], "1", "2022-01-01", "2022-01-31", "2020.json: line 29, column 26: brackets[0].segments[1].price: -0.30 is below zero");
    let next =
        |code: &str, from: &str| KSA_2020.replace("ksa-sec-residential-2020-07", code).replace("\"2020-07-01\"", &format!("\"{from}\""));
    let namesake = next("ksa-sec-residential-2020-07", "2021-01-01");
    refused(
        &[ksa, TariffFile { name: "namesake.json", text: &namesake }],
        "1",
        "2022-01-01",
        "2022-01-31",
        "namesake.json: `ksa-sec-residential-2020-07` is published already, with other content: a change is a new version with a code of its own",
    );
    let late = next("late", "2020-07-02");
    refused(
        &[TariffFile { name: "late.json", text: &late }, TariffFile { name: "2018.json", text: KSA_2018 }],
        "1",
        "2022-01-01",
        "2022-01-31",
        "late.json: `late` leaves a gap: nothing would apply from 2020-07-01 until 2020-07-02",
    );
    refused(
        &[ksa, TariffFile { name: "water.json", text: WATER }],
        "1",
        "2022-01-01",
        "2022-01-31",
        "2020.json: `ksa-sec-residential-2020-07` has another service than `ksa-water-2016`, so it cannot be a version of the same series",
    );
}

#[test]
fn a_customer_may_be_taxed_otherwise_than_the_files_say() {
    let tariffs = [TariffFile { name: "2018.json", text: KSA_2018 }, TariffFile { name: "2020.json", text: KSA_2020 }];
    let rated = |category, reason: Option<&str>| {
        let vat = Some((category, reason.map(|reason| reason.parse().unwrap())));
        let bill = rate_files(&RateRequest { vat, ..request(&tariffs, "8000", "2020-06-16", "2020-07-16") });
        bill.map_or_else(|refusal| refusal.to_string(), |bill| format!("{} parts, {}", bill.parts.len(), shown(&bill, "vat")))
    };
    assert_eq!(rated(VatCategory::E, Some("VATEX-SA-EDU")), "2 parts, 0.00");
    assert_eq!(rated(VatCategory::S, None), "2 parts, 42.00 + 126.00");
    for category in [VatCategory::Z, VatCategory::E, VatCategory::O] {
        assert_eq!(rated(category, None), format!("category {category:?} needs the law's reason"));
    }
}

#[test]
fn bad_requests_are_told_why() {
    let ksa = [TariffFile { name: "2020.json", text: KSA_2020 }];
    refused(&ksa, "-1", "2022-01-01", "2022-01-31", "usage: -1 is below zero");
    refused(&ksa, "1.0000001", "2022-01-01", "2022-01-31", "usage: 1.0000001 has more than six decimals");
    refused(&ksa, "much", "2022-01-01", "2022-01-31", "usage: `much` is not a decimal number");
    refused(&ksa, "1", "2022-01-31", "2022-01-31", "a period from 2022-01-31 to 2022-01-31 has no day in it");
    refused(&ksa, "1", "2020-06-01", "2020-07-31", "no tariff applies on 2020-06-01");
    refused(&[], "1", "2020-06-01", "2020-07-31", "no tariff applies on 2020-06-01");
}

fn pretty(json: &[u8]) -> String {
    let compact = std::str::from_utf8(json).unwrap();
    // A line for each object of a list keeps the order that is printed, which a round trip through a map would not.
    compact.replace(":[{", ":[\n  {").replace("},{", "},\n  {").replace("],\"", "],\n\"")
}
