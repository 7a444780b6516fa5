//! Supplying a place: tariffs, agreements, meters and their readings.

use expect_test::expect_file;
use serde_json::{Value, json};

use super::story::{Case, NOWHERE, PHRASE, Story, WORD};

pub const MUTATIONS: &[&str] = &[
    "applySeal",
    "breakSeal",
    "changeReadCycle",
    "changeTariffSeries",
    "disconnectMeter",
    "endAgreement",
    "estimateReading",
    "exchangeMeter",
    "installMeter",
    "moveIn",
    "moveOut",
    "publishTariff",
    "reconnectMeter",
    "recordMeterTest",
    "recordReading",
    "registerMeter",
    "releaseReading",
    "removeMeter",
    "replaceBreaker",
    "replaceSeal",
    "reportReading",
    "reserveMeter",
    "reverseReading",
    "scrapMeter",
    "sendMeterToBench",
    "startAgreement",
    "transferAgreement",
    "unreserveMeter",
];

const ORDER: &str = "00000000-0000-0000-0000-000000000001";

pub fn tariff(code: &str, series: &str) -> String {
    json!({
        "code": code, "series": series, "service": "electricity", "class": "residential", "currency": "SAR", "effectiveFrom": "2026-01-01",
        "period": { "normalDays": 30, "toleranceDays": 3 }, "vat": { "category": "S", "rate": "0.15" },
        "brackets": [{ "upTo": null, "fee": "0", "segments": [{ "width": "6000", "price": "0.18" }, { "width": null, "price": "0.30" }] }],
        "midPeriodChange": "prorate",
    })
    .to_string()
}

pub fn dial(value: &str, on: &str) -> Value {
    json!({ "register": "1.8.0", "value": value, "takenAt": format!("{on}T09:00:00Z") })
}

pub fn device(serial: &str) -> Value {
    let register =
        json!({ "code": "1.8.0", "digits": 6, "decimals": 1, "multiplier": "1", "direction": "IMPORT", "unit": "KILOWATT_HOUR" });
    json!({ "maker": WORD, "serial": serial, "kind": "TRADITIONAL", "registers": [register], "registeredOn": "2026-01-01" })
}

fn account(story: &mut Story) -> Value {
    let input = json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
    story.prepare("openAccount", input)["accountId"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_supplied() {
    let mut story = Story::begin().await;
    let (leaver, newcomer) = (account(&mut story), account(&mut story));
    let cycle = |code: &str| json!({ "code": code, "every": "MONTHLY", "firstMonth": "2026-01-01", "dayOfMonth": 31 });
    let [first_cycle, other_cycle] = ["A", "B"].map(|code| story.prepare("defineReadCycle", cycle(code))["readCycleId"].clone());
    let facts = json!({ "dwellings": 1, "area": "RUH-07" });
    let premises =
        story.prepare("registerPremises", json!({ "address": PHRASE, "facts": facts, "registeredOn": "2026-01-01" }))["premisesId"].clone();
    let place = json!({ "premisesId": premises, "service": "ELECTRICITY" });

    story
        .ask(Case {
            mutation: "publishTariff",
            input: json!({ "tariff": tariff("homes-2026", "homes") }),
            refused: vec![
                json!({ "tariff": PHRASE }),
                json!({ "tariff": tariff("homes-2026", "homes").replace("0.15", "15") }),
                json!({ "tariff": tariff("homes-2026", "homes").replace("\"6000\"", "\"-1\"") }),
            ],
            other: json!({ "tariff": tariff("homes-2027", "homes") }),
        })
        .await;
    story.refuse("publishTariff", json!({ "tariff": tariff("homes-again", "homes") })).await;
    story.prepare("publishTariff", json!({ "tariff": tariff("villas-2026", "villas") }));

    let terms =
        |account: &Value, from: &str| json!({ "accountId": account, "tariffSeries": "homes", "readCycleId": first_cycle, "from": from });
    let started = story
        .ask(Case {
            mutation: "startAgreement",
            input: json!({ "place": place, "terms": terms(&leaver, "2026-01-01") }),
            refused: vec![
                json!({ "place": { "premisesId": NOWHERE } }),
                json!({ "terms": { "accountId": NOWHERE } }),
                json!({ "terms": { "tariffSeries": WORD } }),
                json!({ "terms": { "readCycleId": NOWHERE } }),
                json!({ "terms": { "from": "" } }),
            ],
            other: json!({ "terms": { "from": "2026-01-02" } }),
        })
        .await;
    let agreement = started["agreementId"].clone();
    story.refuse("startAgreement", json!({ "place": place, "terms": terms(&newcomer, "2026-02-01") })).await;

    let meter = story
        .ask(Case {
            mutation: "registerMeter",
            input: device("7"),
            refused: vec![
                json!({ "serial": "7 7" }),
                json!({ "registers": [] }),
                json!({ "registers": [{ "code": "1.8.0", "digits": 13, "decimals": 0, "multiplier": "1", "direction": "IMPORT", "unit": "KILOWATT_HOUR" }] }),
                json!({ "certifiedUntil": "never" }),
            ],
            other: json!({ "kind": "SMART" }),
        })
        .await["meterId"]
        .clone();
    story.refuse("registerMeter", device("7")).await;
    let successor = story.prepare("registerMeter", device("8"))["meterId"].clone();
    story
        .ask(Case {
            mutation: "reserveMeter",
            input: json!({ "meterId": successor, "reservedFor": ORDER }),
            refused: vec![json!({ "reservedFor": WORD }), json!({ "meterId": NOWHERE })],
            other: json!({ "reservedFor": NOWHERE }),
        })
        .await;
    story
        .ask(Case {
            mutation: "unreserveMeter",
            input: json!({ "meterId": successor, "reservedFor": ORDER }),
            refused: vec![json!({ "reservedFor": NOWHERE })],
            other: json!({ "reservedFor": NOWHERE }),
        })
        .await;

    let seals = |number: &str| json!([{ "number": number, "place": "cover" }]);
    story
        .ask(Case {
            mutation: "installMeter",
            input: json!({ "meterId": meter, "place": place, "on": "2026-01-01", "breaker": { "number": WORD, "amps": 60 }, "seals": seals(WORD),
                "readings": [dial("0", "2026-01-01")] }),
            refused: vec![
                json!({ "seals": [] }),
                json!({ "seals": [{ "number": "", "place": "cover" }] }),
                json!({ "readings": [] }),
                json!({ "readings": [{ "register": "1.8.0", "value": "x", "takenAt": "2026-01-01T09:00:00Z" }] }),
                json!({ "place": { "service": "WATER" } }),
                json!({ "breaker": { "amps": 0 } }),
            ],
            other: json!({ "breaker": { "amps": 100 } }),
        })
        .await;

    let read = |value: &str, on: &str| json!({ "meterId": meter, "register": "1.8.0", "kind": "MANUAL", "value": value, "takenOn": on, "takenAt": format!("{on}T09:00:00Z") });
    story
        .ask(Case {
            mutation: "recordReading",
            input: read("90", "2026-01-31"),
            refused: vec![
                json!({ "register": WORD }),
                json!({ "value": "ninety" }),
                json!({ "value": "0.123" }),
                json!({ "kind": "ESTIMATED" }),
                json!({ "takenOn": "2099-01-01", "takenAt": "2099-01-01T09:00:00Z" }),
                json!({ "intervals": ["1", "?"] }),
            ],
            other: json!({ "value": "91" }),
        })
        .await;
    let report = |value: &str, on: &str| json!({ "meterId": meter, "register": "1.8.0", "value": value, "takenOn": on, "takenAt": format!("{on}T09:00:00Z") });
    story
        .ask(Case {
            mutation: "reportReading",
            input: report("170", "2026-02-28"),
            refused: vec![json!({ "meterId": NOWHERE }), json!({ "value": "-1" })],
            other: json!({ "value": "171" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "estimateReading",
            input: json!({ "meterId": meter, "register": "1.8.0", "takenOn": "2026-03-31", "takenAt": "2026-03-31T09:00:00Z" }),
            refused: vec![json!({ "takenOn": "2026-02-28", "takenAt": "2026-02-28T09:00:00Z" }), json!({ "register": "2.8.0" })],
            other: json!({ "takenAt": "2026-03-31T10:00:00Z" }),
        })
        .await;
    let held = story.prepare("recordReading", read("20", "2026-04-30"))["readingId"].clone();
    story
        .ask(Case {
            mutation: "releaseReading",
            input: json!({ "meterId": meter, "readingId": held, "resolution": "RESET", "resetTo": "0", "reason": PHRASE }),
            refused: vec![
                json!({ "resetTo": null }),
                json!({ "resolution": "READ" }),
                json!({ "readingId": NOWHERE }),
                json!({ "reason": "" }),
            ],
            other: json!({ "reason": "seen" }),
        })
        .await;
    let mistaken = story.prepare("recordReading", read("110", "2026-05-30"))["readingId"].clone();
    story
        .ask(Case {
            mutation: "reverseReading",
            input: json!({ "meterId": meter, "readingId": mistaken, "reason": PHRASE }),
            refused: vec![json!({ "readingId": NOWHERE }), json!({ "meterId": NOWHERE })],
            other: json!({ "reason": "mistyped" }),
        })
        .await;

    for (mutation, on) in [("disconnectMeter", "2026-05-01"), ("reconnectMeter", "2026-05-02")] {
        story
            .ask(Case {
                mutation,
                input: json!({ "meterId": meter, "on": on, "reason": PHRASE }),
                refused: vec![json!({ "on": "2025-01-01" }), json!({ "meterId": NOWHERE })],
                other: json!({ "reason": "again" }),
            })
            .await;
    }
    story
        .ask(Case {
            mutation: "applySeal",
            input: json!({ "meterId": meter, "seal": { "number": "S-2", "place": WORD }, "on": "2026-05-03" }),
            refused: vec![json!({ "seal": { "number": WORD } }), json!({ "seal": { "number": PHRASE } })],
            other: json!({ "seal": { "number": "S-3" } }),
        })
        .await;
    story
        .ask(Case {
            mutation: "breakSeal",
            input: json!({ "meterId": meter, "number": "S-2", "on": "2026-05-04", "reason": PHRASE }),
            refused: vec![json!({ "number": "S-9" })],
            other: json!({ "reason": "again" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "replaceSeal",
            input: json!({ "meterId": meter, "oldNumber": WORD, "seal": { "number": "S-4", "place": "cover" }, "on": "2026-05-05", "reason": PHRASE }),
            refused: vec![json!({ "oldNumber": "S-9" }), json!({ "seal": { "number": "S-2" } })],
            other: json!({ "seal": { "number": "S-5" } }),
        })
        .await;
    story
        .ask(Case {
            mutation: "replaceBreaker",
            input: json!({ "meterId": meter, "oldNumber": WORD, "breaker": { "number": "B-2", "amps": 100 }, "on": "2026-05-06", "reason": PHRASE }),
            refused: vec![json!({ "oldNumber": "B-9" }), json!({ "breaker": { "amps": -5 } })],
            other: json!({ "breaker": { "amps": 63 } }),
        })
        .await;

    let change = |effective: &str| json!({ "place": place, "agreementId": agreement, "effectiveOn": effective, "reason": PHRASE });
    let mut series = change("2026-05-10");
    series["tariffSeries"] = "villas".into();
    story
        .ask(Case {
            mutation: "changeTariffSeries",
            input: series,
            refused: vec![json!({ "tariffSeries": WORD }), json!({ "agreementId": NOWHERE }), json!({ "effectiveOn": "2025-01-01" })],
            other: json!({ "effectiveOn": "2026-05-11" }),
        })
        .await;
    let mut cycle = change("2026-05-10");
    cycle["readCycleId"] = other_cycle;
    story
        .ask(Case {
            mutation: "changeReadCycle",
            input: cycle,
            refused: vec![json!({ "readCycleId": NOWHERE }), json!({ "effectiveOn": "2025-01-01" })],
            other: json!({ "effectiveOn": "2026-05-11" }),
        })
        .await;

    let at_transfer = story.prepare("recordReading", read("110", "2026-06-01"))["readingId"].clone();
    let transferred = story
        .ask(Case {
            mutation: "transferAgreement",
            input: json!({ "place": place, "agreementId": agreement, "terms": terms(&newcomer, "2026-06-01"), "readingIds": [at_transfer], "reason": PHRASE }),
            refused: vec![
                json!({ "readingIds": [at_transfer, NOWHERE] }),
                json!({ "terms": { "accountId": leaver } }),
                json!({ "agreementId": NOWHERE }),
            ],
            other: json!({ "reason": "sold" }),
        })
        .await;
    let at_move = story.prepare("recordReading", read("200", "2026-07-01"))["readingId"].clone();
    story
        .ask(Case {
            mutation: "moveOut",
            input: json!({ "place": place, "agreementId": transferred["agreementId"], "to": "2026-07-01", "readingIds": [at_move], "reason": PHRASE }),
            refused: vec![json!({ "readingIds": [] }), json!({ "agreementId": WORD }), json!({ "to": "2026-05-01" })],
            other: json!({ "to": "2026-07-02" }),
        })
        .await;
    let moved_in = story
        .ask(Case {
            mutation: "moveIn",
            input: json!({ "place": place, "terms": terms(&leaver, "2026-07-01"), "readingIds": [at_move] }),
            refused: vec![json!({ "readingIds": ["seven"] }), json!({ "terms": { "from": "2026-06-01" } })],
            other: json!({ "terms": { "from": "2026-07-02" } }),
        })
        .await;

    story
        .ask(Case {
            mutation: "exchangeMeter",
            input: json!({ "meterId": successor, "oldMeterId": meter, "on": "2026-08-01", "breaker": { "number": "B-3", "amps": 60 }, "seals": seals("S-8"),
                "readings": [dial("0", "2026-08-01")], "finalReadings": [dial("290", "2026-08-01")], "unreadable": [], "reason": PHRASE }),
            refused: vec![
                json!({ "oldMeterId": NOWHERE }),
                json!({ "finalReadings": [] }),
                json!({ "finalReadings": [{ "register": "?? ", "value": "1", "takenAt": "2026-08-01T09:00:00Z" }] }),
                json!({ "seals": [] }),
            ],
            other: json!({ "reason": "old age" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "removeMeter",
            input: json!({ "meterId": successor, "on": "2026-09-01", "finalReadings": [dial("90", "2026-09-01")], "unreadable": [], "reason": PHRASE }),
            refused: vec![json!({ "finalReadings": [] }), json!({ "on": "2026-07-01" }), json!({ "meterId": NOWHERE })],
            other: json!({ "reason": "torn down" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "endAgreement",
            input: json!({ "place": place, "agreementId": moved_in["agreementId"], "to": "2026-09-01", "reason": PHRASE }),
            refused: vec![json!({ "to": "2026-06-01" }), json!({ "place": { "premisesId": NOWHERE } })],
            other: json!({ "to": "2026-09-02" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "sendMeterToBench",
            input: json!({ "meterId": meter, "on": "2026-09-02", "reason": PHRASE }),
            refused: vec![json!({ "on": "2026-01-01" })],
            other: json!({ "on": "2026-09-03" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "recordMeterTest",
            input: json!({ "meterId": meter, "on": "2026-09-03", "passed": false, "errorPercent": "-4.5" }),
            refused: vec![json!({ "errorPercent": "much" }), json!({ "meterId": successor })],
            other: json!({ "passed": true }),
        })
        .await;
    story
        .ask(Case {
            mutation: "scrapMeter",
            input: json!({ "meterId": meter, "on": "2026-09-04", "reason": PHRASE }),
            refused: vec![json!({ "on": "" })],
            other: json!({ "reason": "worn" }),
        })
        .await;
    // Nothing that was done half stands in the way: both accounts can be closed.
    for account in [leaver, newcomer] {
        story.prepare("closeAccount", json!({ "accountId": account, "closedOn": "2026-10-01", "reason": PHRASE }));
    }
    story.end(MUTATIONS, expect_file!["supply.txt"]);
}
