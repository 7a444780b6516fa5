//! Repairs, step by step.

use daftar_api::caller::Role;
use expect_test::expect_file;
use serde_json::{Value, json};

use super::{
    story::{Case, NOWHERE, PHRASE, Story, WORD},
    workshop::{branch, compressor},
};

pub const MUTATIONS: &[&str] = &[
    "approveEstimate",
    "assignTechnician",
    "cancelRepair",
    "chargeStorage",
    "closeRepair",
    "commentOnRepair",
    "declineEstimate",
    "deliverRepair",
    "describeDevice",
    "estimateRepair",
    "failCheck",
    "finishWork",
    "passCheck",
    "recordDiagnosis",
    "requestPart",
    "requestRepair",
    "returnPart",
    "returnUnderWarranty",
    "startWork",
    "takeRepairDeposit",
    "usePart",
];

pub fn cooler() -> Value {
    json!({ "kind": "cooler", "name": "مبرد مياه", "model": "WC-200", "serial": "SN-1009" })
}

/// Two hours of work and a compressor: 750.00, and 112.50 of VAT.
pub fn estimate(repair: &Value, part: &Value, on: &str) -> Value {
    let lines = json!([{ "labour": { "code": "labour", "text": "تغيير الضاغط", "hours": "2", "price": "150" } }, { "part": { "partId": part, "quantity": 1 } }]);
    let terms = json!({ "validUntil": "2099-12-31", "deposit": "100.00", "warrantyDays": 36500 });
    json!({ "repairId": repair, "lines": lines, "terms": terms, "on": on })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_repaired_and_comes_back() {
    let mut story = Story::begin().await;
    let holder = json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
    let account = story.prepare("openAccount", holder)["accountId"].clone();
    let branch = story.prepare("openBranch", json!({ "code": "RUH", "details": branch(), "on": "2026-01-01" }))["branchId"].clone();
    let part = story.prepare("registerPart", compressor())["partId"].clone();
    let cost = json!({ "amount": "1500.00", "currency": "SAR" });
    let shelf = json!({ "branchId": branch, "partId": part, "quantity": 5, "cost": cost, "reference": "GRN-1", "on": "2026-01-01" });
    story.prepare("receiveStock", shelf);
    let repair = story
        .ask(Case {
            mutation: "requestRepair",
            input: json!({ "accountId": account, "branchId": branch, "device": { "kind": WORD, "name": PHRASE, "model": PHRASE }, "complaint": format!("{PHRASE}\n{PHRASE}") }),
            refused: vec![
                json!({ "complaint": " " }),
                json!({ "complaint": "x".repeat(2001) }),
                json!({ "complaint": "\u{7}" }),
                json!({ "device": { "kind": PHRASE } }),
                json!({ "device": { "name": "" } }),
                json!({ "branchId": NOWHERE }),
                json!({ "accountId": NOWHERE }),
            ],
            other: json!({ "complaint": "another" }),
        })
        .await["repairId"]
        .clone();
    let at = |on: &str| json!({ "repairId": repair, "on": on });
    let anew = |on: &str| json!({ "on": on });
    let nowhere = || json!({ "repairId": NOWHERE });
    let describe = json!({ "repairId": repair, "device": cooler() });
    story
        .ask(Case {
            mutation: "describeDevice",
            input: describe,
            refused: vec![nowhere(), json!({ "device": { "serial": PHRASE } })],
            other: json!({ "device": { "serial": "SN-1010" } }),
        })
        .await;
    let token = story.house.staff("technician", Role::Technician).await;
    let technician = story.house.ask(&token, "en", "{ me { id } }", json!({}))["data"]["me"]["id"].clone();
    story
        .ask(Case {
            mutation: "assignTechnician",
            input: json!({ "repairId": repair, "technicianId": technician }),
            refused: vec![nowhere(), json!({ "technicianId": NOWHERE }), json!({ "technicianId": "seven" })],
            other: json!({ "technicianId": null }),
        })
        .await;
    story.refuse("estimateRepair", estimate(&repair, &part, "2026-02-02")).await;
    story
        .ask(Case {
            mutation: "recordDiagnosis",
            input: json!({ "repairId": repair, "findings": PHRASE, "coverage": "CUSTOMER", "on": "2026-02-02" }),
            refused: vec![nowhere(), json!({ "findings": "" }), json!({ "on": "today" })],
            other: json!({ "coverage": "WARRANTY" }),
        })
        .await;
    story.refuse("approveEstimate", json!({ "repairId": repair, "number": 1 })).await;
    let line = |line: Value| json!({ "lines": [line] });
    story
        .ask(Case {
            mutation: "estimateRepair",
            input: estimate(&repair, &part, "2026-02-03"),
            refused: vec![
                nowhere(),
                json!({ "lines": [] }),
                line(json!({ "labour": { "code": "labour", "hours": "1", "price": "-1" } })),
                line(json!({ "labour": { "code": "labour", "hours": "0.0000001", "price": "1" } })),
                line(json!({ "labour": { "code": PHRASE, "hours": "1", "price": "1" } })),
                line(json!({ "part": { "partId": part, "quantity": 0 } })),
                line(json!({ "part": { "partId": NOWHERE, "quantity": 1 } })),
                json!({ "terms": { "validUntil": "2026-02-02" } }),
                json!({ "terms": { "deposit": "0.001" } }),
                json!({ "terms": { "holdDays": 65536 } }),
                json!({ "terms": { "vatRate": "much" } }),
            ],
            other: json!({ "terms": { "deposit": "101.00" } }),
        })
        .await;
    let answer = |number: u32| json!({ "repairId": repair, "number": number });
    let no = json!({ "repairId": repair, "number": 1, "reason": PHRASE });
    story
        .ask(Case {
            mutation: "declineEstimate",
            input: no,
            refused: vec![nowhere(), json!({ "number": 2 }), json!({ "reason": "" })],
            other: json!({ "reason": "another" }),
        })
        .await;
    story.prepare("estimateRepair", estimate(&repair, &part, "2026-02-04"));
    story
        .ask(Case {
            mutation: "approveEstimate",
            input: answer(2),
            refused: vec![nowhere(), json!({ "number": 1 }), json!({ "number": 0 })],
            other: json!({ "number": 3 }),
        })
        .await;
    story.refuse("startWork", at("2026-02-05")).await;
    let sar = |amount: &str| json!({ "amount": amount, "currency": "SAR" });
    story
        .ask(Case {
            mutation: "takeRepairDeposit",
            input: json!({ "repairId": repair, "amount": sar("100.00"), "tender": "CASH", "channel": WORD, "sessionId": NOWHERE, "on": "2026-02-05" }),
            refused: vec![nowhere(), json!({ "amount": { "currency": "KWD" } }), json!({ "amount": { "amount": "0" } }), json!({ "sessionId": "" })],
            other: json!({ "amount": { "amount": "101.00" } }),
        })
        .await;
    let request = story
        .ask(Case {
            mutation: "requestPart",
            input: json!({ "repairId": repair, "partId": part, "quantity": 1 }),
            refused: vec![nowhere(), json!({ "quantity": 0 }), json!({ "quantity": 2 }), json!({ "partId": NOWHERE })],
            other: json!({ "quantity": 2 }),
        })
        .await["requestId"]
        .clone();
    story.house.until("the part is here", "SELECT status = 'approved' FROM read_repairs.repair").await;
    story
        .ask(Case { mutation: "startWork", input: at("2026-02-06"), refused: vec![nowhere(), anew("x")], other: anew("2026-02-07") })
        .await;
    story.refuse("finishWork", at("2026-02-06")).await;
    story
        .ask(Case {
            mutation: "usePart",
            input: json!({ "repairId": repair, "requestId": request, "usedInAll": 1, "on": "2026-02-06" }),
            refused: vec![nowhere(), json!({ "requestId": NOWHERE }), json!({ "usedInAll": 2 }), json!({ "usedInAll": 0 })],
            other: anew("2026-02-07"),
        })
        .await;
    story.ask(Case { mutation: "finishWork", input: at("2026-02-07"), refused: vec![nowhere()], other: anew("2026-02-08") }).await;
    let fail = json!({ "repairId": repair, "on": "2026-02-07", "reason": PHRASE });
    story
        .ask(Case {
            mutation: "failCheck",
            input: fail,
            refused: vec![nowhere(), json!({ "reason": "" })],
            other: json!({ "reason": "another" }),
        })
        .await;
    story.prepare("finishWork", at("2026-02-08"));
    story.ask(Case { mutation: "passCheck", input: at("2026-02-08"), refused: vec![nowhere()], other: anew("2026-02-09") }).await;
    story.ask(Case { mutation: "chargeStorage", input: at("2026-02-20"), refused: vec![nowhere()], other: anew("2026-02-21") }).await;
    story
        .ask(Case {
            mutation: "deliverRepair",
            input: at("2026-02-20"),
            refused: vec![nowhere(), anew("2026-02-07")],
            other: anew("2026-02-21"),
        })
        .await;
    story.refuse("cancelRepair", json!({ "repairId": repair, "on": "2026-02-20", "reason": PHRASE })).await;
    story
        .ask(Case {
            mutation: "closeRepair",
            input: at("2026-02-20"),
            refused: vec![nowhere(), anew("2026-02-19")],
            other: anew("2026-02-21"),
        })
        .await;
    let back = json!({ "repairId": repair, "complaint": PHRASE });
    story
        .ask(Case {
            mutation: "returnUnderWarranty",
            input: back,
            refused: vec![nowhere(), json!({ "complaint": "" })],
            other: json!({ "complaint": "another" }),
        })
        .await;
    let write = json!({ "repairId": repair, "text": PHRASE, "audience": "INTERNAL" });
    story
        .ask(Case {
            mutation: "commentOnRepair",
            input: write,
            refused: vec![nowhere(), json!({ "text": "" })],
            other: json!({ "text": "another" }),
        })
        .await;
    story.prepare("recordDiagnosis", json!({ "repairId": repair, "findings": PHRASE, "coverage": "WARRANTY", "on": "2026-03-01" }));
    story.refuse("estimateRepair", estimate(&repair, &part, "2026-03-01")).await;
    let request = story.prepare("requestPart", json!({ "repairId": repair, "partId": part, "quantity": 2 }))["requestId"].clone();
    story
        .ask(Case {
            mutation: "returnPart",
            input: json!({ "repairId": repair, "requestId": request, "returnedInAll": 1 }),
            refused: vec![nowhere(), json!({ "requestId": NOWHERE }), json!({ "returnedInAll": 3 })],
            other: json!({ "returnedInAll": 2 }),
        })
        .await;
    let cancel = json!({ "repairId": repair, "on": "2026-03-02", "reason": PHRASE });
    story
        .ask(Case {
            mutation: "cancelRepair",
            input: cancel,
            refused: vec![nowhere(), json!({ "reason": " " })],
            other: json!({ "reason": "another" }),
        })
        .await;
    story.end(MUTATIONS, expect_file!["repairs.txt"]);
}
