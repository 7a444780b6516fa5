//! Places that are supplied, and when their meters are read.

use expect_test::expect_file;
use serde_json::json;

use super::story::{Case, NOWHERE, PHRASE, Story, WORD};

pub const MUTATIONS: &[&str] = &["amendPremises", "correctPremisesAddress", "defineReadCycle", "moveReadingDay", "registerPremises"];

#[tokio::test(flavor = "multi_thread")]
async fn places_are_kept() {
    let mut story = Story::begin().await;
    let facts = json!({ "dwellings": 4, "breakerAmps": 100, "loadKva": "12.5", "area": WORD });
    let registered = story
        .ask(Case {
            mutation: "registerPremises",
            input: json!({ "address": PHRASE, "facts": facts, "registeredOn": "2026-01-01" }),
            refused: vec![
                json!({ "address": "" }),
                json!({ "facts": { "dwellings": 0 } }),
                json!({ "facts": { "breakerAmps": -1 } }),
                json!({ "facts": { "loadKva": "1e3" } }),
                json!({ "facts": { "loadKva": "0" } }),
                json!({ "facts": { "area": PHRASE } }),
                json!({ "registeredOn": "01/01/2026" }),
            ],
            other: json!({ "facts": { "dwellings": 5 } }),
        })
        .await;
    let premises = &registered["premisesId"];
    story
        .ask(Case {
            mutation: "amendPremises",
            input: json!({ "premisesId": premises, "facts": { "dwellings": 6, "area": "RUH-07" }, "effectiveOn": "2026-02-01", "reason": PHRASE }),
            refused: vec![json!({ "premisesId": NOWHERE }), json!({ "effectiveOn": "2025-12-31" }), json!({ "reason": "\t" })],
            other: json!({ "facts": { "dwellings": 7 } }),
        })
        .await;
    story
        .ask(Case {
            mutation: "correctPremisesAddress",
            input: json!({ "premisesId": premises, "address": WORD }),
            refused: vec![json!({ "address": "x".repeat(201) }), json!({ "premisesId": PHRASE }), json!({ "premisesId": NOWHERE })],
            other: json!({ "address": "شارع العليا" }),
        })
        .await;
    let defined = story
        .ask(Case {
            mutation: "defineReadCycle",
            input: json!({ "code": WORD, "every": "MONTHLY", "firstMonth": "2026-01-01", "dayOfMonth": 31 }),
            refused: vec![json!({ "code": PHRASE }), json!({ "dayOfMonth": 32 }), json!({ "firstMonth": "2026-13-01" })],
            other: json!({ "every": "QUARTERLY" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "moveReadingDay",
            input: json!({ "readCycleId": defined["readCycleId"], "regularDay": "2026-03-31", "movedTo": "2026-04-02", "reason": PHRASE }),
            refused: vec![
                json!({ "readCycleId": NOWHERE }),
                json!({ "regularDay": "2026-03-30" }),
                json!({ "movedTo": "2026-06-01" }),
                json!({ "movedTo": "" }),
            ],
            other: json!({ "movedTo": "2026-04-03" }),
        })
        .await;
    story.end(MUTATIONS, expect_file!["places.txt"]);
}
