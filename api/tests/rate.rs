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
