//! What is done for the whole company at once.

use std::time::{Duration, Instant};

use daftar_api::caller::Role;
use expect_test::{expect, expect_file};
use serde_json::{Value, json};

use super::{
    super::{
        house::{House, Way},
        problems,
    },
    story::{Case, NOWHERE, PHRASE, Story, WORD},
};

pub const MUTATIONS: &[&str] = &["recordSettlement", "recordSubsidySettlement", "setAllowance"];

const CLOSE: &str =
    "mutation($month: String!) { closePeriod(idempotencyKey: \"k\", input: { month: $month }) { from to trialBalance readable } }";

const RUN: &str =
    "mutation($input: StartBillRunInput!) { startBillRun(idempotencyKey: \"k\", input: $input) { billRunId name cutOff readable } }";

fn sar(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "SAR" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_settles_and_finance_judges_what_will_not_be_paid() {
    let mut story = Story::begin().await;
    story
        .ask(Case {
            mutation: "recordSettlement",
            input: json!({ "gateway": WORD, "reference": WORD, "gross": sar("1000.00"), "commission": sar("10.00"), "vat": sar("1.50"),
                "net": sar("988.50"), "settledOn": "2026-01-10" }),
            refused: vec![
                json!({ "net": sar("988.51") }),
                json!({ "commission": sar("-10.00") }),
                json!({ "vat": { "currency": "KWD" } }),
                json!({ "gateway": PHRASE }),
                json!({ "settledOn": "soon" }),
            ],
            other: json!({ "settledOn": "2026-01-11" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "recordSubsidySettlement",
            input: json!({ "authority": WORD, "reference": WORD, "amount": sar("2500.00"), "settledOn": "2026-01-12" }),
            refused: vec![
                json!({ "amount": sar("0.00") }),
                json!({ "amount": { "currency": "riyal" } }),
                json!({ "authority": PHRASE }),
                json!({ "settledOn": "soon" }),
            ],
            other: json!({ "amount": sar("2500.01") }),
        })
        .await;
    let allowance = |amount: &str, on: &str| json!({ "allowance": sar(amount), "on": on, "reason": PHRASE });
    story
        .ask(Case {
            mutation: "setAllowance",
            input: allowance("12500.00", "2025-12-31"),
            refused: vec![
                json!({ "allowance": sar("-0.01") }),
                json!({ "allowance": { "currency": "riyal" } }),
                json!({ "on": "soon" }),
                json!({ "reason": "" }),
            ],
            other: json!({ "allowance": { "amount": "12500.01" } }),
        })
        .await;
    story.refuse("setAllowance", allowance("1.00", "2025-12-30")).await;
    story.prepare("closePeriod", json!({ "month": "2026-01" }));
    story.refuse("setAllowance", allowance("1.00", "2026-01-31")).await;
    story.end(MUTATIONS, expect_file!["books.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_closed_once_and_for_ever() {
    let house = House::build(Way::Postgres).await;
    let close = |token: &str, month: &str| house.ask(token, "en", CLOSE, json!({ "month": month }));
    let billing = house.staff("billing", Role::Billing).await;
    let finance = house.staff("finance", Role::Finance).await;
    let refusals = [
        close("", "2026-01"),
        close(&billing, "2026-01"),
        close(&finance, "'; --"),
        close(&finance, "2026-1x"),
        close(&finance, "9000-01"),
    ];
    expect![[r#"
        UNAUTHENTICATED -: sign in first
        FORBIDDEN -: you are not allowed to do this
        INVALID_INPUT input.month: it must be 1 to 64 characters without blanks
        INVALID_INPUT input.month: it must be a date such as 2026-01-31
        PERIOD_NOT_OVER -: the period ends with 9000-01-31
    "#]]
    .assert_eq(&refusals.iter().map(problems).collect::<String>());
    let closed = close(&finance, "2026-01");
    assert_eq!(closed["data"]["closePeriod"]["from"], "2026-01-01", "{closed}");
    assert_eq!(closed["data"]["closePeriod"]["readable"], true, "{closed}");
    assert_eq!(close(&finance, "2026-01"), closed, "as it was closed");
    assert_eq!(problems(&close(&finance, "2025-12")), "NO_SUCH_PERIOD -: there is no such period\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_run_is_started_and_ends_by_itself() {
    let house = House::build(Way::Postgres).await;
    let start = |token: &str, input: Value| house.ask(token, "en", RUN, json!({ "input": input }));
    let cashier = house.staff("cashier", Role::Cashier).await;
    let billing = house.staff("billing", Role::Billing).await;
    let october = json!({ "cycle": "2026-10" });
    let refusals = [
        start("", october.clone()),
        start(&cashier, october.clone()),
        start(&billing, json!({ "cycle": "the last" })),
        start(&billing, json!({ "cycle": WORD })),
        start(&billing, json!({ "cycle": "2026-10", "readCycle": WORD })),
        start(&billing, json!({ "cycle": "2026-10", "cutOff": "soon" })),
    ];
    expect![[r#"
        UNAUTHENTICATED -: sign in first
        FORBIDDEN -: you are not allowed to do this
        INVALID_INPUT input.cycle: it must be 1 to 64 characters without blanks
        INVALID_INPUT input.cutOff: it must not be blank
        INVALID_INPUT input.readCycle: there is no such thing
        INVALID_INPUT input.cutOff: it must be a date such as 2026-01-31
    "#]]
    .assert_eq(&refusals.iter().map(problems).collect::<String>());
    let started = start(&billing, october.clone());
    assert_eq!(
        (&started["data"]["startBillRun"]["name"], &started["data"]["startBillRun"]["cutOff"]),
        (&json!("2026-10"), &json!("2026-11-01")),
        "{started}"
    );
    let finished = "SELECT count(*) FROM daftar_log.events WHERE type = 'BillRunFinished'";
    let deadline = Instant::now() + Duration::from_secs(30);
    while sqlx::query_scalar::<_, i64>(finished).fetch_one(&house.read_models).await.unwrap() == 0 {
        assert!(Instant::now() < deadline, "the run does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        start(&billing, october)["data"]["startBillRun"]["billRunId"],
        started["data"]["startBillRun"]["billRunId"],
        "it is the same run"
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sqlx::query_scalar::<_, i64>(finished).fetch_one(&house.read_models).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_issued_can_be_corrected() {
    let house = House::build(Way::Postgres).await;
    let correct = "mutation($input: CorrectInvoiceInput!) { correctInvoice(idempotencyKey: \"k\", input: $input) { correctionId } }";
    let ask = |input: Value| house.graphql("en", correct, json!({ "input": input }));
    let answers = [
        ask(json!({ "invoiceId": NOWHERE, "reason": PHRASE })),
        ask(json!({ "invoiceId": WORD, "reason": PHRASE })),
        ask(json!({ "invoiceId": NOWHERE, "reason": "" })),
        ask(json!({ "invoiceId": NOWHERE, "reason": PHRASE, "readings": [{ "readingId": "seven" }] })),
    ];
    expect![[r#"
        INVOICE_NOT_CORRECTABLE -: the invoice cannot be corrected: only an issued invoice for supplies can be corrected
        INVALID_INPUT input.invoiceId: it is not an id
        INVALID_INPUT input.reason: it must not be blank
        INVALID_INPUT input.readings[0].readingId: it is not an id
    "#]]
    .assert_eq(&answers.iter().map(problems).collect::<String>());
    let nothing = "SELECT count(*) FROM daftar_log.events WHERE stream LIKE 'correction-%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(nothing).fetch_one(&house.read_models).await.unwrap(), 0);
}
