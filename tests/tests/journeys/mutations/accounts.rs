//! Accounts, and how their holders are reached.

use expect_test::expect_file;
use serde_json::json;

use super::story::{Case, NOWHERE, PHRASE, Story, WORD};

pub const MUTATIONS: &[&str] = &[
    "addAddress",
    "addContact",
    "changeAddress",
    "changeContact",
    "chooseCurrency",
    "chooseLanguage",
    "closeAccount",
    "endSubsidy",
    "grantSubsidy",
    "linkToLedger",
    "openAccount",
    "reclassifyAccount",
    "recordIdentity",
    "removeAddress",
    "removeContact",
    "renameHolder",
    "resumeAccount",
    "setVatStatus",
    "suspendAccount",
];

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_kept() {
    let mut story = Story::begin().await;
    let opened = story
        .ask(Case {
            mutation: "openAccount",
            input: json!({ "holderName": PHRASE, "number": "RUH-7", "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" }),
            refused: vec![json!({ "holderName": " " }), json!({ "currency": "SAR'" }), json!({ "openedOn": "'; --" }), json!({ "number": PHRASE })],
            other: json!({ "class": "COMMERCIAL" }),
        })
        .await;
    let account = &opened["accountId"];
    story
        .ask(Case {
            mutation: "renameHolder",
            input: json!({ "accountId": account, "holderName": WORD, "effectiveOn": "2026-02-01", "reason": PHRASE }),
            refused: vec![
                json!({ "holderName": "a\u{0}b" }),
                json!({ "reason": "" }),
                json!({ "accountId": "seven" }),
                json!({ "accountId": NOWHERE }),
            ],
            other: json!({ "reason": "a typing error" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "reclassifyAccount",
            input: json!({ "accountId": account, "class": "COMMERCIAL", "effectiveOn": "2026-03-01", "reason": PHRASE }),
            refused: vec![json!({ "effectiveOn": "2025-12-31" }), json!({ "reason": "x".repeat(201) })],
            other: json!({ "class": "INDUSTRIAL" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "recordIdentity",
            input: json!({ "accountId": account, "kind": WORD, "number": PHRASE, "expiresOn": "2030-01-01" }),
            refused: vec![json!({ "kind": PHRASE }), json!({ "number": "" }), json!({ "expiresOn": "soon" })],
            other: json!({ "number": "1010101010" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "chooseLanguage",
            input: json!({ "accountId": account, "language": "ENGLISH" }),
            refused: vec![json!({ "accountId": NOWHERE })],
            other: json!({ "language": "ARABIC" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "chooseCurrency",
            input: json!({ "accountId": account, "currency": "KWD" }),
            refused: vec![json!({ "currency": "BTC" })],
            other: json!({ "currency": "JOD" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "setVatStatus",
            input: json!({ "accountId": account, "category": "E", "reason": WORD, "from": "2026-01-01", "to": "2026-06-01" }),
            refused: vec![json!({ "reason": null }), json!({ "to": "2026-01-01" }), json!({ "from": "?" }), json!({ "reason": PHRASE })],
            other: json!({ "category": "Z" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "grantSubsidy",
            input: json!({ "accountId": account, "scheme": WORD, "from": "2026-01-01", "to": "2027-01-01", "proof": PHRASE, "renewBy": "2026-12-01" }),
            refused: vec![
                json!({ "to": "2026-01-01" }),
                json!({ "from": "?" }),
                json!({ "scheme": PHRASE }),
                json!({ "proof": " " }),
                json!({ "renewBy": "soon" }),
            ],
            other: json!({ "renewBy": null }),
        })
        .await;
    story
        .ask(Case {
            mutation: "endSubsidy",
            input: json!({ "accountId": account, "scheme": WORD, "on": "2026-03-01", "reason": PHRASE }),
            refused: vec![json!({ "on": "2027-01-01" }), json!({ "scheme": "farms" }), json!({ "on": "?" }), json!({ "reason": "" })],
            other: json!({ "on": "2026-02-01" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "linkToLedger",
            input: json!({ "accountId": account, "ledgerAccount": WORD }),
            refused: vec![json!({ "ledgerAccount": "11 00" })],
            other: json!({ "ledgerAccount": "1100" }),
        })
        .await;
    let contact = story
        .ask(Case {
            mutation: "addContact",
            input: json!({ "accountId": account, "contact": { "kind": "MOBILE", "name": PHRASE, "value": WORD } }),
            refused: vec![
                json!({ "contact": { "value": "" } }),
                json!({ "contact": { "name": "two\nlines" } }),
                json!({ "accountId": NOWHERE }),
            ],
            other: json!({ "contact": { "kind": "PHONE" } }),
        })
        .await;
    let contact = &contact["contactId"];
    story
        .ask(Case {
            mutation: "changeContact",
            input: json!({ "accountId": account, "contactId": contact, "contact": { "kind": "EMAIL", "value": PHRASE } }),
            refused: vec![json!({ "contactId": NOWHERE }), json!({ "contactId": "x" })],
            other: json!({ "contact": { "name": "نورة" } }),
        })
        .await;
    story
        .ask(Case {
            mutation: "removeContact",
            input: json!({ "accountId": account, "contactId": contact }),
            refused: vec![json!({ "contactId": NOWHERE })],
            other: json!({ "contactId": NOWHERE }),
        })
        .await;
    let address = story
        .ask(Case {
            mutation: "addAddress",
            input: json!({ "accountId": account, "address": { "kind": "BILLING", "text": PHRASE } }),
            refused: vec![json!({ "address": { "text": " " } })],
            other: json!({ "address": { "kind": "MAIL" } }),
        })
        .await;
    let address = &address["addressId"];
    story
        .ask(Case {
            mutation: "changeAddress",
            input: json!({ "accountId": account, "addressId": address, "address": { "kind": "MAIL", "text": WORD } }),
            refused: vec![json!({ "addressId": NOWHERE })],
            other: json!({ "address": { "text": "شارع" } }),
        })
        .await;
    story
        .ask(Case {
            mutation: "removeAddress",
            input: json!({ "accountId": account, "addressId": address }),
            refused: vec![json!({ "addressId": "" })],
            other: json!({ "addressId": NOWHERE }),
        })
        .await;
    story
        .ask(Case {
            mutation: "suspendAccount",
            input: json!({ "accountId": account, "suspendedOn": "2026-04-01", "reason": PHRASE }),
            refused: vec![json!({ "suspendedOn": "?" }), json!({ "reason": " " })],
            other: json!({ "suspendedOn": "2026-04-02" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "resumeAccount",
            input: json!({ "accountId": account, "resumedOn": "2026-05-01", "reason": PHRASE }),
            refused: vec![json!({ "resumedOn": "tomorrow" })],
            other: json!({ "resumedOn": "2026-05-02" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "closeAccount",
            input: json!({ "accountId": account, "closedOn": "2026-06-01", "reason": PHRASE }),
            refused: vec![json!({ "closedOn": "2025-01-01" })],
            other: json!({ "closedOn": "2026-06-02" }),
        })
        .await;
    story.refuse("chooseLanguage", json!({ "accountId": account, "language": "ARABIC" })).await;

    let query = format!("{{ account(id: {account}) {{ holderName class currency language }} }}");
    let account = story.house.graphql("en", &query, json!({}));
    assert_eq!(
        account["data"]["account"],
        json!({ "holderName": WORD, "class": "COMMERCIAL", "currency": "KWD", "language": "ENGLISH" }),
        "{account}"
    );
    story.end(MUTATIONS, expect_file!["accounts.txt"]);
}
