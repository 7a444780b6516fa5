//! Documents, from draft to what corrects them.

use std::time::{Duration, Instant};

use daftar_domain::{
    Actor, StreamName,
    ids::{AccountId, InvoiceId},
    invoice::{Command, DraftInvoice, Invoice, example},
};
use daftar_store::CommandContext;
use expect_test::expect_file;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::house::WAIT,
    story::{Case, NOWHERE, PHRASE, Story, WORD},
};

pub const MUTATIONS: &[&str] =
    &["cancelInvoice", "creditInvoice", "debitInvoice", "discardDraft", "holdInvoice", "issueInvoice", "releaseInvoice"];

/// As the process does that drafts invoices.
async fn tell(story: &Story, invoice: u128, key: &str, command: Command) -> Value {
    let id = InvoiceId::new(Uuid::from_u128(invoice));
    let context = CommandContext::new(Actor::job("test"), key, &invoice.to_string(), chrono::Utc::now());
    story.house.app.engine.execute::<Invoice>(&StreamName::of::<Invoice>(id), &context, command).await.unwrap();
    json!(id.to_string())
}

async fn drafted(story: &Story, account: &Value, invoice: u128) -> Value {
    let account_id = AccountId::new(account.as_str().unwrap().parse().unwrap());
    let invoice_id = InvoiceId::new(Uuid::from_u128(invoice));
    tell(story, invoice, "draft", Command::DraftInvoice(DraftInvoice { invoice_id, account_id, draft: example::draft(), check: None }))
        .await
}

/// Until its number has followed, and it is issued.
async fn numbered(story: &Story, invoice: &Value) {
    let deadline = Instant::now() + WAIT;
    let number = "query($id: ID!) { invoice(id: $id) { number } }";
    while !story.house.graphql("en", number, json!({ "id": invoice }))["data"]["invoice"]["number"].is_string() {
        assert!(Instant::now() < deadline, "no number follows");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn sar(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "SAR" })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_held_issued_and_corrected() {
    let mut story = Story::begin().await;
    let input = json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2024-01-01" });
    let account = story.prepare("openAccount", input)["accountId"].clone();
    let (first, second, third) =
        (drafted(&story, &account, 101).await, drafted(&story, &account, 102).await, drafted(&story, &account, 103).await);
    for mutation in ["holdInvoice", "releaseInvoice", "discardDraft"] {
        story
            .ask(Case {
                mutation,
                input: json!({ "invoiceId": first, "reason": PHRASE }),
                refused: vec![json!({ "invoiceId": NOWHERE }), json!({ "invoiceId": WORD }), json!({ "reason": "" })],
                other: json!({ "reason": "another" }),
            })
            .await;
    }
    story
        .ask(Case {
            mutation: "issueInvoice",
            input: json!({ "invoiceId": second, "issuedOn": "2024-07-01" }),
            refused: vec![json!({ "invoiceId": first }), json!({ "invoiceId": NOWHERE }), json!({ "issuedOn": "soon" })],
            other: json!({ "issuedOn": "2024-07-02" }),
        })
        .await;
    numbered(&story, &second).await;
    story.refuse("holdInvoice", json!({ "invoiceId": second, "reason": "too late" })).await;
    let credited = json!({ "invoiceId": second, "issuedOn": "2024-07-10", "surplus": "ACCOUNT_CREDIT", "reason": PHRASE,
        "lines": [{ "line": 1, "net": sar("10.00") }] });
    story
        .ask(Case {
            mutation: "creditInvoice",
            input: credited,
            refused: vec![
                json!({ "lines": [{ "line": 1, "net": sar("9000.00") }] }),
                json!({ "lines": [{ "line": 0, "net": sar("1.00") }] }),
                json!({ "lines": [{ "line": 99, "net": sar("1.00") }] }),
                json!({ "lines": [{ "line": 1, "net": sar("0.001") }] }),
                json!({ "lines": [{ "line": 1, "debitNoteId": NOWHERE, "net": sar("1.00") }] }),
                json!({ "lines": [] }),
                json!({ "issuedOn": "2024-06-30" }),
                json!({ "invoiceId": third }),
                json!({ "reason": " " }),
            ],
            other: json!({ "lines": [{ "line": 1, "net": sar("20.00") }] }),
        })
        .await;
    let line = json!({ "code": WORD, "text": PHRASE, "revenue": "RECONNECT_FEE", "quantity": "1", "unit": "PIECE", "price": "50.00",
        "net": sar("50.00"), "vatCategory": "S", "vatRate": "0.15" });
    let with = |change: Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "lines": [line] })
    };
    story
        .ask(Case {
            mutation: "debitInvoice",
            input: json!({ "invoiceId": second, "issuedOn": "2024-07-12", "suppliedFrom": "2024-06-01", "suppliedTo": "2024-07-01",
                "lines": [line.clone()], "reason": PHRASE }),
            refused: vec![
                with(json!({ "quantity": "-1" })),
                with(json!({ "price": "-1" })),
                with(json!({ "vatRate": "x" })),
                with(json!({ "vatCategory": "E", "vatRate": "0" })),
                with(json!({ "net": { "amount": "1.00", "currency": "KWD" } })),
                with(json!({ "code": "" })),
                json!({ "suppliedTo": "2024-06-01" }),
                json!({ "lines": [] }),
                json!({ "invoiceId": NOWHERE }),
            ],
            other: json!({ "reason": "another" }),
        })
        .await;
    story.prepare("issueInvoice", json!({ "invoiceId": third, "issuedOn": "2024-07-01" }));
    numbered(&story, &third).await;
    story
        .ask(Case {
            mutation: "cancelInvoice",
            input: json!({ "invoiceId": third, "issuedOn": "2024-07-10", "surplus": "REFUND", "reason": PHRASE }),
            refused: vec![json!({ "invoiceId": first }), json!({ "issuedOn": "2024-06-30" }), json!({ "reason": "" })],
            other: json!({ "surplus": "ACCOUNT_CREDIT" }),
        })
        .await;
    // Nothing is left of it now.
    story
        .refuse(
            "creditInvoice",
            json!({ "invoiceId": third, "issuedOn": "2024-07-11", "surplus": "REFUND", "reason": "again",
            "lines": [{ "line": 1, "net": sar("1.00") }] }),
        )
        .await;
    story.end(MUTATIONS, expect_file!["invoices.txt"]);
}
