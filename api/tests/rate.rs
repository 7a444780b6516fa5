//! `daftar rate` and `daftar tariff check` over the real tariffs.

use std::{fs, process::Command};

use expect_test::expect;
use serde_json::Value;

use crate::daftar::{daftar, failure};

const BEFORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/tariffs/ksa-sec-residential-2018.json");
const AFTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/tariffs/ksa-sec-residential-2020-07.json");

#[test]
fn a_bill_across_the_vat_change_shows_both_parts() {
    let bill = output(&mut daftar(&[
        "rate",
        "--tariff",
        BEFORE,
        "--tariff",
        AFTER,
        "--usage",
        "7000",
        "--from",
        "2020-06-16",
        "--to",
        "2020-07-16",
    ]));
    expect![[r#"
        ksa-sec-residential-2018, 2020-06-16 to 2020-06-30: 15 days, factor 1/2, usage 3500
          usage: 3000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 1/2                                      540.00
          usage: 500 kWh at 0.30, slab 2: above 6000, limits × 1/2                                               150.00
        ksa-sec-residential-2020-07, 2020-07-01 to 2020-07-15: 15 days, factor 1/2, usage 3500
          usage: 3000 kWh at 0.18, slab 1: above 0 up to 6000, limits × 1/2                                      540.00
          usage: 500 kWh at 0.30, slab 2: above 6000, limits × 1/2                                               150.00
        net                                                                                                     1380.00
        VAT S 5 % of 690.00                                                                                       34.50
        VAT S 15 % of 690.00                                                                                     103.50
        total SAR                                                                                               1518.00
    "#]]
    .assert_eq(&bill);
}

#[test]
fn sixty_days_scale_the_slabs_and_scripts_get_decimal_strings() {
    let json =
        output(&mut daftar(&["rate", "--tariff", BEFORE, "--usage", "12000.5", "--from", "2019-01-01", "--to", "2019-03-02", "--json"]));
    let bill: Value = serde_json::from_str(&json).unwrap();
    let amounts: Vec<_> = bill["lines"].as_array().unwrap().iter().map(|line| line["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["2160.00", "0.15"]);
    let sums = ["net", "vat", "total", "currency"].map(|name| bill[name].as_str().unwrap());
    assert_eq!(sums, ["2160.15", "108.01", "2268.16", "SAR"]);
}

#[test]
fn a_price_change_in_sixty_days_is_split_by_days_and_the_usage_sums_to_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let dearer = folder.path().join("made-up-dearer.json");
    let text = fs::read_to_string(AFTER).unwrap();
    let text =
        text.replace("ksa-sec-residential-2020-07", "made-up-dearer").replace("2020-07-01", "2021-02-01").replace("\"0.18\"", "\"0.20\"");
    fs::write(&dearer, text).unwrap();
    let (dearer, period) = (dearer.to_str().unwrap(), ["--from", "2021-01-11", "--to", "2021-03-12", "--json"]);
    let json = output(daftar(&["rate", "--tariff", AFTER, "--tariff", dearer, "--usage", "1000"]).args(period));
    let bill: Value = serde_json::from_str(&json).unwrap();
    let lines: Vec<_> = bill["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| ["tariff", "quantity", "factor", "amount"].map(|name| line[name].as_str().unwrap()).join(" "))
        .collect();
    // 21 and 39 of 60 days: 350 + 650 = 1000, and 7/10 + 13/10 of a normal month.
    assert_eq!(lines, ["ksa-sec-residential-2020-07 350 7/10 63.00", "made-up-dearer 650 13/10 130.00"]);
    assert_eq!(["net", "vat", "total"].map(|name| bill[name].as_str().unwrap()), ["193.00", "28.95", "221.95"]);
}

#[test]
fn a_customer_with_a_vat_category_of_their_own_is_billed_with_its_reason() {
    let period = ["--from", "2020-06-16", "--to", "2020-07-16"];
    let rate = |vat: &[&str]| {
        let mut command = daftar(&["rate", "--tariff", BEFORE, "--tariff", AFTER, "--usage", "7000"]);
        command.args(period).args(vat);
        command
    };
    let bill = output(&mut rate(&["--vat-category", "E", "--vat-reason", "VATEX-SA-EDU"]));
    let vat: Vec<_> =
        bill.lines().filter(|line| line.starts_with("VAT")).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(vat, ["VAT E 0 % of 1380.00 by VATEX-SA-EDU 0.00"]);
    for (vat, reason) in [
        (&["--vat-category", "E"][..], "category E needs the law's reason"),
        (&["--vat-category", "X"], "`X` is not a VAT category: S, Z, E or O"),
        (&["--vat-reason", "VATEX-SA-EDU"], "--vat-category"),
    ] {
        let (code, said) = failure(&mut rate(vat));
        assert_eq!(code, 2, "{vat:?}: {said}");
        assert!(said.contains(reason), "{vat:?}: {said}");
    }
}

#[test]
fn what_cannot_be_rated_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.json");
    fs::write(&bad, fs::read_to_string(BEFORE).unwrap().replace("\"effectiveTo\"", "\"efectiveTo\"")).unwrap();
    let bad = bad.to_str().unwrap();
    let period = ["--from", "2019-01-01", "--to", "2019-01-31"];
    for (arguments, reason) in [
        (vec!["tariff", "check", bad], "unknown field `efectiveTo`"),
        (["rate", "--tariff", bad, "--usage", "1"].into_iter().chain(period).collect(), "bad.json: line "),
        (["rate", "--tariff", "nowhere.json", "--usage", "1"].into_iter().chain(period).collect(), "nowhere.json: "),
        (["rate", "--tariff", BEFORE, "--usage", "-1"].into_iter().chain(period).collect(), "usage: -1 is below zero"),
        (["rate", "--tariff", AFTER, "--usage", "1"].into_iter().chain(period).collect(), "2019-01-01"),
        (vec!["rate", "--tariff", BEFORE, "--usage", "1", "--from", "2019-01-31", "--to", "2019-01-31"], "has no day in it"),
        (vec!["rate", "--tariff", BEFORE, "--usage", "1", "--from", "2019-02-30", "--to", "2019-03-31"], "--from <DATE>"),
    ] {
        let (code, said) = failure(&mut daftar(&arguments));
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}

#[test]
fn every_real_tariff_is_sound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/tariffs");
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    assert_eq!(files.len(), 5);
    let mut check = daftar(&["tariff", "check"]);
    assert_eq!(output(check.args(&files)).lines().count(), files.len());
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}
