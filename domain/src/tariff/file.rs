//! Tariffs as files that people write, and answers that help them.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use thiserror::Error;

use super::{
    Tariff, Terms,
    locate::{Spot, path_at, spot_of},
};

/// A text that is not a tariff, nor whatever else prices it was to be: where, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct BadTariff {
    pub line: usize,
    pub column: usize,
    /// The path of the field, as `brackets[0].segments[1].width`; empty for the whole document.
    pub place: String,
    pub reason: String,
}

impl fmt::Display for BadTariff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::str::FromStr for Tariff {
    type Err = BadTariff;

    fn from_str(text: &str) -> Result<Self, BadTariff> {
        read_checked(text, |terms: Terms| Tariff::try_from(terms).map_err(|misprint| (misprint.place, misprint.fault.to_string())))
    }
}

/// Terms that hold together, or the place of what they cannot be read or believed for.
pub(crate) fn read_checked<Terms: DeserializeOwned, Sound>(
    text: &str,
    check: impl FnOnce(Terms) -> Result<Sound, (String, String)>,
) -> Result<Sound, BadTariff> {
    // A byte-order mark is no part of the terms, and some editors will not leave it out.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let terms: Terms = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
    check(terms).map_err(|(place, reason)| {
        let Spot { line, column } = spot_of(text, &place);
        BadTariff { line, column, place, reason }
    })
}

fn unreadable(text: &str, error: &serde_json::Error) -> BadTariff {
    let (line, column) = (error.line(), error.column());
    let place = match error.classify() {
        Category::Data => path_at(text, Spot { line, column }),
        Category::Syntax | Category::Eof | Category::Io => String::new(),
    };
    let whole = error.to_string();
    let reason = whole.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&whole).to_owned();
    BadTariff { line, column, place, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: &str = include_str!("../../../fixtures/tariffs/made-up/everything.json");

    /// One change to a sound tariff, and what is said of it.
    #[track_caller]
    fn check(written: &str, instead: &str, expected: &str) {
        assert_eq!(EVERYTHING.matches(written).count(), 1, "`{written}` is not in the tariff once");
        let answer = EVERYTHING.replace(written, instead).parse::<Tariff>().map_or_else(|bad| bad.to_string(), |_| "sound".to_owned());
        assert_eq!(answer, expected, "with `{instead}`");
    }

    #[test]
    fn what_was_written_is_read() {
        let tariff: Tariff = EVERYTHING.parse().unwrap();
        assert_eq!(
            tariff.to_string(),
            "made-up-everything of made-up: electricity for residential in SAR, from 2022-01-01 until 2024-01-01; brackets 3, segments 5"
        );
        assert_eq!(tariff.brackets[0].segments[0].price.get().to_string(), "0.10");
        check("\"series\": \"made-up\",", "", "sound");
        check("\"source\": \"made up, to show every part of the format\",", "", "sound");
        check("\"minimumCharge\": \"10\"", "\"minimumCharge\": null", "sound");
        check("\"unitsMultiplier\": \"perDwelling\"", "\"unitsMultiplier\": null", "sound");
        check("\"effectiveTo\": \"2024-01-01\"", "\"effectiveTo\": null", "sound");
        assert!(format!("\u{feff}{EVERYTHING}").parse::<Tariff>().is_ok());
    }

    #[test]
    fn a_series_of_its_own_is_the_same_whether_it_is_said_or_not() {
        let said = EVERYTHING.replace("\"made-up\",", "\"made-up-everything\",");
        let unsaid = EVERYTHING.replace("\"series\": \"made-up\",", "");
        assert_eq!(said.parse::<Tariff>(), unsaid.parse());
    }

    #[test]
    fn a_field_that_cannot_be_read_is_named_with_its_line() {
        for (written, instead, expected) in [
            (
                r#""fee": "1","#,
                r#""fee": "1", "tax": "1","#,
                "line 13, column 38: brackets[0]: unknown field `tax`, expected one of `upTo`, `fee`, `segments`",
            ),
            (
                r#""percentOfUsage": "50""#,
                r#""percent": "50""#,
                "line 22, column 46: surcharges[0]: unknown field `percent`, expected `code` or `percentOfUsage`",
            ),
            (
                r#""breakerAmpsMin": 101"#,
                r#""dwellingsMin": 3"#,
                "line 19, column 87: fixedCharges[1].when: unknown field `dwellingsMin`, expected `breakerAmpsMin` or `breakerAmpsMax`",
            ),
            (r#""service": "electricity","#, "", "line 31, column 1: missing field `service`"),
            (
                r#""service": "electricity""#,
                r#""service": "steam""#,
                "line 5, column 20: service: unknown variant `steam`, expected `electricity` or `water`",
            ),
            (
                r#""class": "residential""#,
                r#""class": "nobility""#,
                "line 6, column 21: class: unknown variant `nobility`, expected one of `residential`, `commercial`, `industrial`, `government`, `agricultural`",
            ),
            (
                r#""effectiveFrom": "2022-01-01""#,
                r#""effectiveFrom": "2022-02-30""#,
                "line 8, column 31: effectiveFrom: `2022-02-30` is not a date: expected YYYY-MM-DD",
            ),
            (
                r#""effectiveFrom": "2022-01-01""#,
                r#""effectiveFrom": "2022-1-1""#,
                "line 8, column 29: effectiveFrom: `2022-1-1` is not a date: expected YYYY-MM-DD",
            ),
            (
                r#""normalDays": 30"#,
                r#""normalDays": "30""#,
                r#"line 10, column 32: period.normalDays: invalid type: string "30", expected u16"#,
            ),
            (
                r#""normalDays": 30"#,
                r#""normalDays": -1"#,
                "line 10, column 30: period.normalDays: invalid value: integer `-1`, expected u16",
            ),
            (
                r#""price": ".10""#,
                r#""price": 0.10"#,
                "line 13, column 77: brackets[0].segments[0].price: invalid type: floating point `0.1`, expected a decimal number in quotes",
            ),
            (r#""price": ".10""#, r#""price": "-0.10""#, "line 13, column 80: brackets[0].segments[0].price: -0.10 is below zero"),
            (r#""price": ".10""#, r#""price": "ten""#, "line 13, column 78: brackets[0].segments[0].price: `ten` is not a decimal number"),
            (
                r#""price": ".10""#,
                r#""price": null"#,
                "line 13, column 77: brackets[0].segments[0].price: invalid type: null, expected a decimal number in quotes",
            ),
            (
                r#""width": "40""#,
                r#""width": "0.0000001""#,
                "line 13, column 69: brackets[0].segments[0].width: 0.0000001 has more than six decimals",
            ),
            (r#"{ "width": "40","#, "{", "line 13, column 65: brackets[0].segments[0]: missing field `width`"),
            (
                r#""width": "6000", "price""#,
                r#""width": "6000", "width": "1", "price""#,
                "line 15, column 72: brackets[2].segments[0]: duplicate field `width`",
            ),
            (
                r#""category": "S""#,
                r#""category": "X""#,
                "line 11, column 26: vat.category: unknown variant `X`, expected one of `S`, `Z`, `E`, `O`",
            ),
            (
                r#""minimumCharge": "10""#,
                r#""minimumCharge": 10"#,
                "line 27, column 21: minimumCharge: invalid type: integer `10`, expected a decimal number in quotes",
            ),
            (
                r#""per": "period", "when": { "breakerAmpsMin": 0,"#,
                r#""per": "day", "when": { "breakerAmpsMin": 0,"#,
                "line 18, column 58: fixedCharges[0].per: unknown variant `day`, expected `period`",
            ),
            (
                r#""unitsMultiplier": "perDwelling""#,
                r#""unitsMultiplier": "perTenant""#,
                "line 29, column 32: unitsMultiplier: unknown variant `perTenant`, expected `perDwelling`",
            ),
            (
                r#""midPeriodChange": "prorate""#,
                r#""midPeriodChange": "guess""#,
                "line 30, column 28: midPeriodChange: unknown variant `guess`, expected one of `prorate`, `rateAtEnd`, `rateAtStart`, `requireRead`",
            ),
            (r#""midPeriodChange": "prorate""#, r#""midPeriodChange": "prorate","#, "line 31, column 1: trailing comma"),
            (
                r#""code": "made-up-everything""#,
                r#""code": "made up""#,
                "line 2, column 19: code: `made up` is not a code: 1 to 64 characters without blanks",
            ),
            (
                r#""rate": "0.15" }"#,
                r#""rate": "0.15""#,
                "line 12, column 12: vat: unknown field `brackets`, expected one of `category`, `rate`, `reason`",
            ),
        ] {
            check(written, instead, expected);
        }
        let known = "expected one of `code`, `series`, `source`, `service`, `class`, `currency`, `effectiveFrom`, `effectiveTo`, `period`, `vat`, \
                     `brackets`, `fixedCharges`, `surcharges`, `reductions`, `subsidies`, `minimumCharge`, `zeroUsageFee`, `unitsMultiplier`, `midPeriodChange`";
        check("\"source\"", "\"sauce\"", &format!("line 4, column 9: unknown field `sauce`, {known}"));
        let currencies = crate::Currency::ALL.iter().map(|currency| format!("`{currency}`")).collect::<Vec<_>>().join(", ");
        check("\"SAR\"", "\"XXX\"", &format!("line 7, column 19: currency: unknown variant `XXX`, expected one of {currencies}"));
    }

    #[test]
    fn subsidies_are_read_and_refused_where_they_make_no_sense() {
        let homes = r#""code": "homes", "authority": "ministry", "for": "granted""#;
        let with = |subsidies: String| format!(r#""subsidies": [{subsidies}], "minimumCharge": "10""#);
        for (subsidies, expected) in [
            (format!(r#"{{ {homes}, "quota": "300", "kind": {{ "priceDifference": {{ "price": "0" }} }}, "cap": "40" }}"#), "sound"),
            (format!(r#"{{ {homes}, "kind": {{ "percentOfUsage": "100" }} }}"#), "sound"),
            (format!(r#"{{ {homes}, "kind": {{ "amount": "2.5" }} }}"#), "sound"),
        ] {
            check(r#""minimumCharge": "10""#, &with(subsidies), expected);
        }
        for (subsidies, expected) in [
            (
                format!(r#"{{ {homes}, "kind": {{ "amount": "5" }} }}, {{ {homes}, "kind": {{ "amount": "6" }} }}"#),
                "subsidies[1].code: `homes` would stand on one bill twice",
            ),
            (
                format!(r#"{{ {homes}, "kind": {{ "percentOfUsage": "100.01" }} }}"#),
                "subsidies[0].kind.percentOfUsage: a percentage is not above 100",
            ),
            (
                format!(r#"{{ {homes}, "kind": {{ "percentOfUsage": "0" }} }}"#),
                "subsidies[0].kind.percentOfUsage: a subsidy is for more than nothing",
            ),
            (format!(r#"{{ {homes}, "kind": {{ "amount": "0" }} }}"#), "subsidies[0].kind.amount: a subsidy is for more than nothing"),
            (
                format!(r#"{{ {homes}, "quota": "0", "kind": {{ "percentOfUsage": "5" }} }}"#),
                "subsidies[0].quota: a subsidy is for more than nothing",
            ),
            (
                format!(r#"{{ {homes}, "quota": "1", "kind": {{ "amount": "5" }} }}"#),
                "subsidies[0].quota: a fixed amount is for no number of units",
            ),
            (format!(r#"{{ {homes}, "kind": {{ "amount": "5" }}, "cap": "0" }}"#), "subsidies[0].cap: a subsidy is for more than nothing"),
            (format!(r#"{{ {homes}, "kind": {{ "amount": "-5" }} }}"#), "subsidies[0].kind.amount: -5 is below zero"),
            (
                format!(r#"{{ {homes}, "kind": {{ "priceDifference": {{ "price": "1", "to": "2" }} }} }}"#),
                "subsidies[0].kind.priceDifference: unknown field `to`, expected `price`",
            ),
            (
                format!(r#"{{ {homes}, "kind": {{ "amount": "5" }}, "from": "1" }}"#),
                "subsidies[0]: unknown field `from`, expected one of `code`, `authority`, `for`, `quota`, `kind`, `cap`",
            ),
        ] {
            let text = EVERYTHING.replace(r#""minimumCharge": "10""#, &with(subsidies.clone()));
            let bad = text.parse::<Tariff>().unwrap_err();
            assert_eq!((format!("{}: {}", bad.place, bad.reason), bad.line), (expected.to_owned(), 27), "{subsidies}");
        }
    }

    #[test]
    fn terms_that_contradict_each_other_are_refused_where_they_do() {
        for (written, instead, expected) in [
            (
                r#""effectiveTo": "2024-01-01""#,
                r#""effectiveTo": "2022-01-01""#,
                "line 9, column 18: effectiveTo: a tariff ends after the day it begins",
            ),
            (
                r#""normalDays": 30"#,
                r#""normalDays": 0"#,
                "line 10, column 29: period.normalDays: a normal period has between 1 and 366 days",
            ),
            (
                r#""normalDays": 30"#,
                r#""normalDays": 367"#,
                "line 10, column 29: period.normalDays: a normal period has between 1 and 366 days",
            ),
            (r#""normalDays": 30"#, r#""normalDays": 366"#, "sound"),
            (
                r#""toleranceDays": 3"#,
                r#""toleranceDays": 30"#,
                "line 10, column 50: period.toleranceDays: the tolerance is less than the normal period",
            ),
            (
                r#""rate": "0.15""#,
                r#""rate": "15""#,
                "line 11, column 37: vat.rate: the rate is a fraction not above 1: fifteen per cent is 0.15",
            ),
            (r#""rate": "0.15""#, r#""rate": "1""#, "sound"),
            (r#""rate": "0.15""#, r#""rate": "0""#, "line 11, column 37: vat.rate: the standard rate is above zero"),
            (r#""category": "S""#, r#""category": "O""#, "line 11, column 37: vat.rate: category O has no rate"),
            (
                r#""rate": "0.15""#,
                r#""rate": "0.15", "reason": "VATEX-SA-32""#,
                "line 11, column 55: vat.reason: the standard rate needs no reason",
            ),
            (r#""category": "S", "rate": "0.15""#, r#""category": "E", "rate": "0""#, "sound"),
            (r#""category": "S", "rate": "0.15""#, r#""category": "Z", "rate": "0", "reason": "VATEX-SA-32""#, "sound"),
            (r#""upTo": "1000.5""#, r#""upTo": "100""#, "line 14, column 15: brackets[1].upTo: brackets ascend: this is not above 100"),
            (r#""upTo": "1000.5""#, r#""upTo": "100.000001""#, "sound"),
            (r#""upTo": "1000.5""#, r#""upTo": null"#, "line 14, column 15: brackets[1].upTo: only the last bracket is for all the rest"),
            (r#""upTo": null"#, r#""upTo": "2000""#, "line 15, column 15: brackets[2].upTo: the last bracket is for all the rest: `null`"),
            (
                r#""segments": [ { "width": null, "price": "0.18" } ]"#,
                r#""segments": []"#,
                "line 14, column 51: brackets[1].segments: there is no segment",
            ),
            (r#""width": "40""#, r#""width": "0""#, "line 13, column 59: brackets[0].segments[0].width: a width is above zero"),
            (
                r#""width": "40""#,
                r#""width": "100""#,
                "line 13, column 95: brackets[0].segments[1].width: the bracket ends at 100: this segment is never reached",
            ),
            (r#""width": "40""#, r#""width": "99.999999""#, "sound"),
            (
                r#""width": "40""#,
                r#""width": null"#,
                "line 13, column 59: brackets[0].segments[0].width: only the last segment is for all the rest",
            ),
            (
                r#""width": null, "price": "0.30""#,
                r#""width": "1", "price": "0.30""#,
                "line 15, column 96: brackets[2].segments[1].width: the last segment is for all the rest: `null`",
            ),
            (
                r#""width": "6000", "price": "0.18" },"#,
                r#""width": "999999999999", "price": "0.18" }, { "width": "1", "price": "0.18" },"#,
                "line 15, column 104: brackets[2].segments[1].width: the widths together are not below a million million",
            ),
            (
                r#""breakerAmpsMin": 101"#,
                r#""breakerAmpsMax": 0"#,
                "line 19, column 15: fixedCharges[1].code: `meter-fee` would stand on one bill twice",
            ),
            (
                r#""breakerAmpsMin": 101"#,
                r#""breakerAmpsMin": 100"#,
                "line 19, column 15: fixedCharges[1].code: `meter-fee` would stand on one bill twice",
            ),
            (
                r#""breakerAmpsMin": 0, "breakerAmpsMax": 100"#,
                r#""breakerAmpsMin": 101, "breakerAmpsMax": 100"#,
                "line 18, column 72: fixedCharges[0].when: the condition can never hold",
            ),
            (r#""breakerAmpsMin": 0, "breakerAmpsMax": 100"#, r#""breakerAmpsMin": 100, "breakerAmpsMax": 100"#, "sound"),
            (
                r#""code": "network-fee""#,
                r#""code": "meter-fee""#,
                "line 20, column 15: fixedCharges[2].code: `meter-fee` would stand on one bill twice",
            ),
            (
                r#""code": "sewer""#,
                r#""code": "meter-fee""#,
                "line 22, column 29: surcharges[0].code: `meter-fee` would stand on one bill twice",
            ),
            (
                r#"{ "code": "sewer", "percentOfUsage": "50" }"#,
                r#"{ "code": "sewer", "percentOfUsage": "50" }, { "code": "sewer", "percentOfUsage": "5" }"#,
                "line 22, column 74: surcharges[1].code: `sewer` would stand on one bill twice",
            ),
            (
                r#""code": "support", "from": "51""#,
                r#""code": "sewer", "from": "51""#,
                "line 24, column 15: reductions[0].code: `sewer` would stand on one bill twice",
            ),
            (r#""from": "201""#, r#""from": "200""#, "line 25, column 34: reductions[1].from: another reduction, to 200, meets this one"),
            (
                r#""from": "201""#,
                r#""from": "200.999999""#,
                "line 25, column 34: reductions[1].from: another reduction, to 200, meets this one",
            ),
            (r#""to": "600""#, r#""to": "200""#, "line 25, column 47: reductions[1].to: a reduction ends where it begins or above"),
            (r#""from": "201", "to": "600""#, r#""from": "1", "to": "50""#, "sound"),
            (
                r#""from": "201", "to": "600""#,
                r#""from": "1", "to": "50.000001""#,
                "line 25, column 34: reductions[1].from: another reduction, to 200, meets this one",
            ),
            (r#""from": "201", "to": "600""#, r#""from": "201", "to": "201""#, "sound"),
        ] {
            check(written, instead, expected);
        }
    }

    #[test]
    fn every_tariff_in_the_fixtures_is_sound() {
        for text in [
            include_str!("../../../fixtures/tariffs/egypt-residential-2020-21.json"),
            include_str!("../../../fixtures/tariffs/jordan-2022-subsidised.json"),
            include_str!("../../../fixtures/tariffs/ksa-sec-residential-2018.json"),
            include_str!("../../../fixtures/tariffs/ksa-sec-residential-2020-07.json"),
            include_str!("../../../fixtures/tariffs/ksa-water-2016.json"),
            include_str!("../../../fixtures/tariffs/made-up/subsidised-homes.json"),
            EVERYTHING,
        ] {
            let tariff: Tariff = text.parse().unwrap();
            assert!(tariff.source.is_some());
            assert_eq!(serde_json::from_slice::<Tariff>(&crate::write(&tariff)).unwrap(), tariff);
        }
    }
}
