//! Parts, shelves, branches, and who comes when.

use expect_test::expect_file;
use serde_json::{Value, json};

use super::story::{Case, NOWHERE, PHRASE, Story, WORD};

pub const MUTATIONS: &[&str] = &[
    "amendBranch",
    "bookAppointment",
    "changePartPrice",
    "closeBranch",
    "countStock",
    "openBranch",
    "receiveStock",
    "registerPart",
    "reinstatePart",
    "retirePart",
    "setReorderLevel",
];

/// A Sunday that is far off.
pub const SUNDAY: &str = "2099-01-04";

pub fn branch() -> Value {
    let hours = json!([{ "weekday": "SUN", "from": "08:00", "to": "12:00" }, { "weekday": "SUN", "from": "16:00", "to": "20:00" }]);
    json!({ "name": "فرع العليا", "nameInEnglish": "Olaya branch", "address": "شارع العليا، الرياض", "latitude": "24.6951", "longitude": "46.6852",
        "hours": hours, "slotMinutes": 30, "places": 1 })
}

pub fn compressor() -> Value {
    json!({ "code": "CMP-12", "name": "ضاغط", "currency": "SAR", "price": "450", "on": "2026-01-01" })
}

#[tokio::test(flavor = "multi_thread")]
async fn shelves_are_filled_and_people_are_received() {
    let mut story = Story::begin().await;
    let branch = story
        .ask(Case {
            mutation: "openBranch",
            input: json!({ "code": WORD, "details": branch(), "on": "2026-01-01" }),
            refused: vec![
                json!({ "code": PHRASE }),
                json!({ "details": { "latitude": "91" } }),
                json!({ "details": { "slotMinutes": 0 } }),
                json!({ "details": { "slotMinutes": 4 } }),
                json!({ "details": { "hours": [{ "weekday": "MON", "from": "8", "to": "12:00" }] } }),
                json!({ "details": { "hours": [{ "weekday": "MON", "from": "12:00", "to": "08:00" }] } }),
            ],
            other: json!({ "code": "other" }),
        })
        .await["branchId"]
        .clone();
    let mut amended = self::branch();
    amended["name"] = json!(PHRASE);
    story
        .ask(Case {
            mutation: "amendBranch",
            input: json!({ "branchId": branch, "details": amended, "on": "2026-01-02" }),
            refused: vec![json!({ "branchId": NOWHERE }), json!({ "details": { "places": 0 } })],
            other: json!({ "on": "2026-01-03" }),
        })
        .await;
    let part = story
        .ask(Case {
            mutation: "registerPart",
            input: json!({ "code": WORD, "name": PHRASE, "currency": "SAR", "price": "450", "on": "2026-01-01" }),
            refused: vec![json!({ "price": "-1" }), json!({ "currency": "riyal" }), json!({ "name": "" })],
            other: json!({ "price": "451" }),
        })
        .await["partId"]
        .clone();
    story
        .ask(Case {
            mutation: "changePartPrice",
            input: json!({ "partId": part, "price": "480.005", "on": "2026-01-09" }),
            refused: vec![json!({ "partId": NOWHERE }), json!({ "on": "2025-12-31" }), json!({ "price": "1e9" })],
            other: json!({ "price": "481" }),
        })
        .await;
    let on = |on: &str| json!({ "partId": part, "on": on });
    story
        .ask(Case {
            mutation: "retirePart",
            input: on("2026-01-10"),
            refused: vec![json!({ "partId": NOWHERE })],
            other: json!({ "on": "2026-01-11" }),
        })
        .await;
    story.refuse("changePartPrice", json!({ "partId": part, "price": "500", "on": "2026-01-11" })).await;
    story
        .ask(Case {
            mutation: "reinstatePart",
            input: on("2026-01-12"),
            refused: vec![json!({ "partId": "" })],
            other: json!({ "on": "2026-01-13" }),
        })
        .await;

    story.refuse("countStock", json!({ "branchId": branch, "partId": part, "counted": 1, "on": "2026-01-02", "reason": PHRASE })).await;
    story
        .ask(Case {
            mutation: "receiveStock",
            input: json!({ "branchId": branch, "partId": part, "quantity": 3, "cost": { "amount": "900.00", "currency": "SAR" }, "reference": WORD, "on": "2026-01-02" }),
            refused: vec![
                json!({ "quantity": 0 }),
                json!({ "cost": { "amount": "-1" } }),
                json!({ "reference": PHRASE }),
                json!({ "branchId": NOWHERE }),
                json!({ "partId": NOWHERE }),
            ],
            other: json!({ "quantity": 4 }),
        })
        .await;
    story
        .ask(Case {
            mutation: "setReorderLevel",
            input: json!({ "branchId": branch, "partId": part, "level": 2 }),
            refused: vec![json!({ "level": -1 })],
            other: json!({ "level": 1 }),
        })
        .await;
    story
        .ask(Case {
            mutation: "countStock",
            input: json!({ "branchId": branch, "partId": part, "counted": 1, "on": "2026-01-30", "reason": PHRASE }),
            refused: vec![json!({ "reason": "\t" }), json!({ "counted": -1 })],
            other: json!({ "counted": 2 }),
        })
        .await;

    let holder =
        |day: &str| json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": day });
    let [account, another] = ["2026-01-01", "2026-01-02"].map(|day| story.prepare("openAccount", holder(day))["accountId"].clone());
    let come = |account: &Value, at: &str| json!({ "accountId": account, "branchId": branch, "day": SUNDAY, "at": at });
    story
        .ask(Case {
            mutation: "bookAppointment",
            input: come(&account, "09:30"),
            refused: vec![
                json!({ "at": "9" }),
                json!({ "at": "12:00" }),
                json!({ "day": "2020-01-05" }),
                json!({ "accountId": NOWHERE }),
                json!({ "branchId": NOWHERE }),
                json!({ "repairId": NOWHERE }),
            ],
            other: json!({ "at": "10:00" }),
        })
        .await;
    story.refuse("bookAppointment", come(&account, "09:30")).await;
    story.refuse("bookAppointment", come(&another, "09:30")).await;
    story
        .ask(Case {
            mutation: "closeBranch",
            input: json!({ "branchId": branch, "on": "2026-12-31" }),
            refused: vec![json!({ "branchId": NOWHERE }), json!({ "on": "" })],
            other: json!({ "on": "2027-01-01" }),
        })
        .await;
    story.refuse("bookAppointment", come(&another, "10:00")).await;
    story.refuse("amendBranch", json!({ "branchId": branch, "details": self::branch(), "on": "2027-01-02" })).await;
    story.end(MUTATIONS, expect_file!["workshop.txt"]);
}
