//! What accounts owe and own.

use daftar_domain::{
    Actor, Code, Currency, Money, StreamName,
    account::{
        Account, Command, ImportOpeningBalance, OpeningItem,
        example::{ChargeOf, charge},
    },
    ids::{AccountId, ImportBatchId},
};
use daftar_store::CommandContext;
use expect_test::expect_file;
use serde_json::{Value, json};
use uuid::Uuid;

use super::story::{Case, NOWHERE, PHRASE, Story, WORD};

pub const MUTATIONS: &[&str] = &[
    "applyDeposit",
    "chooseAllocationPolicy",
    "claimVatRelief",
    "clearCheque",
    "disputeItem",
    "recordPayment",
    "refundCredit",
    "resolveDispute",
    "returnDeposit",
    "returnRefund",
    "reversePayment",
    "takeDeposit",
    "waiveLateFee",
    "writeOff",
    "writeOffSmallBalances",
];

const BATCH: Uuid = Uuid::from_u128(5);
const SESSION: &str = "00000000-0000-0000-0000-000000000001";

/// Debts of 100.00, 50.00, 30.00, 20,000.00 and 0.40 from another system.
async fn owing(story: &mut Story) -> Value {
    let input = json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
    let account = story.prepare("openAccount", input)["accountId"].clone();
    let debt = |minor: i64| OpeningItem {
        document: Code::new(format!("OLD-{minor}")).unwrap(),
        issued_on: "2025-12-01".parse().unwrap(),
        due_on: "2025-12-16".parse().unwrap(),
        amount: Money::new(minor, Currency::SAR),
    };
    let import = ImportOpeningBalance {
        batch_id: ImportBatchId::new(BATCH),
        row: 1,
        source_hash: Code::new("made-up").unwrap(),
        as_of: "2026-01-01".parse().unwrap(),
        items: [10_000, 5_000, 3_000, 2_000_000, 40].map(debt).to_vec(),
        unapplied_credit: Money::zero(Currency::SAR),
        deposit: Money::zero(Currency::SAR),
    };
    execute(story, &account, "opening", Command::ImportOpeningBalance(import)).await;
    account
}

/// What no mutation asks of an account.
async fn execute(story: &Story, account: &Value, key: &str, command: Command) {
    let stream = StreamName::of::<Account>(AccountId::new(account.as_str().unwrap().parse().unwrap()));
    let context = CommandContext::new(Actor::job("test"), "prepare", key, chrono::Utc::now());
    story.house.app.engine.execute::<Account>(&stream, &context, command).await.unwrap();
}

fn item(number: u32) -> Value {
    json!({ "opening": { "batchId": BATCH, "row": 1, "item": number } })
}

fn sar(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "SAR" })
}

#[tokio::test(flavor = "multi_thread")]
async fn money_comes_and_goes() {
    let mut story = Story::begin().await;
    let account = owing(&mut story).await;
    let paid = |reference: &str, amount: &str, tender: &str| {
        json!({ "accountId": account, "externalReference": reference, "tender": tender, "channel": WORD, "sessionId": SESSION, "amount": sar(amount),
            "receivedAt": "2026-01-10T09:00:00Z", "valueOn": "2026-01-10", "directed": [item(0)], "policy": "OLDEST_DUE" })
    };
    let payment = story
        .ask(Case {
            mutation: "recordPayment",
            input: paid(WORD, "150.25", "CASH"),
            refused: vec![
                json!({ "amount": { "amount": "0.001" } }),
                json!({ "amount": { "amount": "0" } }),
                json!({ "amount": { "currency": "KWD" } }),
                json!({ "amount": { "currency": "riyal" } }),
                json!({ "externalReference": PHRASE }),
                json!({ "sessionId": WORD }),
                json!({ "directed": [item(0), { "invoice": "seven" }] }),
                json!({ "directed": [{ "invoice": NOWHERE }] }),
                json!({ "accountId": NOWHERE }),
            ],
            other: json!({ "amount": { "amount": "150.26" } }),
        })
        .await["paymentId"]
        .clone();
    story.refuse("recordPayment", paid(WORD, "1.00", "CASH")).await;
    // What the bank calls so has been received once, whoever else would like it to be theirs.
    let input = json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-02" });
    let mut elsewhere = paid(WORD, "150.25", "CASH");
    let other = story.prepare("openAccount", input)["accountId"].clone();
    elsewhere["accountId"] = other.clone();
    elsewhere["directed"] = json!([]);
    story.refuse("recordPayment", elsewhere).await;
    story
        .ask(Case {
            mutation: "reversePayment",
            input: json!({ "accountId": account, "paymentId": payment, "cause": "MISTAKE", "bounceFee": sar("25.00"), "on": "2026-01-11", "reason": PHRASE }),
            refused: vec![json!({ "paymentId": NOWHERE }), json!({ "bounceFee": { "amount": "1.234" } }), json!({ "reason": "" })],
            other: json!({ "cause": "BOUNCED" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "disputeItem",
            input: json!({ "accountId": account, "item": item(1), "on": "2026-01-12", "reason": PHRASE }),
            refused: vec![json!({ "item": item(9) }), json!({ "on": "" })],
            other: json!({ "reason": "another" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "resolveDispute",
            input: json!({ "accountId": account, "item": item(1), "on": "2026-01-13", "reason": PHRASE }),
            refused: vec![json!({ "item": { "opening": { "row": -1 } } })],
            other: json!({ "on": "2026-01-14" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "waiveLateFee",
            input: json!({ "accountId": account, "item": item(1), "on": "2026-01-14", "reason": PHRASE }),
            refused: vec![json!({ "item": item(9) })],
            other: json!({ "reason": "another" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "writeOff",
            input: json!({ "accountId": account, "item": item(2), "on": "2026-01-15", "reason": PHRASE }),
            refused: vec![json!({ "item": item(3) }), json!({ "item": item(9) }), json!({ "reason": " " })],
            other: json!({ "reason": "another" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "writeOffSmallBalances",
            input: json!({ "accountId": account, "on": "2026-01-16" }),
            refused: vec![json!({ "on": "soon" }), json!({ "accountId": NOWHERE })],
            other: json!({ "on": "2026-01-17" }),
        })
        .await;
    let deposit = |reference: &str| json!({ "accountId": account, "amount": sar("500.00"), "tender": "CASH", "channel": reference, "sessionId": SESSION, "on": "2026-01-17" });
    let taken = story
        .ask(Case {
            mutation: "takeDeposit",
            input: deposit(WORD),
            refused: vec![json!({ "amount": { "amount": "-1" } }), json!({ "channel": "" })],
            other: json!({ "tender": "POS" }),
        })
        .await["depositId"]
        .clone();
    story
        .ask(Case {
            mutation: "applyDeposit",
            input: json!({ "accountId": account, "depositId": taken, "item": item(1), "on": "2026-01-18" }),
            refused: vec![json!({ "depositId": NOWHERE }), json!({ "item": item(9) })],
            other: json!({ "on": "2026-01-19" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "returnDeposit",
            input: json!({ "accountId": account, "depositId": taken, "tender": "CASH", "on": "2026-01-19", "reason": PHRASE }),
            refused: vec![json!({ "depositId": NOWHERE })],
            other: json!({ "reason": "another" }),
        })
        .await;
    // More than all that is owed: what is left can go back.
    let much = story.prepare("recordPayment", paid("much", "30000.00", "TRANSFER"))["paymentId"].clone();
    let refund = story
        .ask(Case {
            mutation: "refundCredit",
            input: json!({ "accountId": account, "credit": { "payment": much }, "amount": sar("100.00"), "tender": "TRANSFER", "on": "2026-01-20", "reason": PHRASE }),
            refused: vec![
                json!({ "amount": { "amount": "29000.00" } }),
                json!({ "tender": "CASH" }),
                json!({ "credit": { "payment": NOWHERE } }),
                json!({ "credit": { "payment": WORD } }),
            ],
            other: json!({ "amount": { "amount": "200.00" } }),
        })
        .await["refundId"]
        .clone();
    story
        .ask(Case {
            mutation: "returnRefund",
            input: json!({ "accountId": account, "refundId": refund, "on": "2026-01-21", "reason": PHRASE }),
            refused: vec![json!({ "refundId": NOWHERE })],
            other: json!({ "reason": "another" }),
        })
        .await;
    let cheque = story.prepare("recordPayment", paid("cheque", "10.00", "CHEQUE"))["paymentId"].clone();
    story
        .ask(Case {
            mutation: "clearCheque",
            input: json!({ "accountId": account, "cheque": { "payment": cheque }, "on": "2026-01-22" }),
            refused: vec![json!({ "cheque": { "payment": NOWHERE } }), json!({ "cheque": { "payment": much } }), json!({ "on": "soon" })],
            other: json!({ "on": "2026-01-23" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "chooseAllocationPolicy",
            input: json!({ "accountId": account, "policy": "PRIORITY" }),
            refused: vec![json!({ "accountId": NOWHERE }), json!({ "accountId": WORD })],
            other: json!({ "policy": "PRO_RATA" }),
        })
        .await;
    let charged = charge(ChargeOf::default());
    let bill = json!({ "invoice": charged.invoice_id.to_string() });
    execute(&story, &other, "charge", charged.into()).await;
    story.prepare("writeOff", json!({ "accountId": other, "item": bill, "on": "2026-01-23", "reason": PHRASE }));
    story
        .ask(Case {
            mutation: "claimVatRelief",
            input: json!({ "accountId": other, "item": bill, "on": "2026-01-24" }),
            refused: vec![
                json!({ "on": "2026-01-22" }),
                json!({ "item": { "invoice": "seven" } }),
                json!({ "accountId": account }),
                json!({ "accountId": NOWHERE }),
            ],
            other: json!({ "on": "2026-01-25" }),
        })
        .await;
    // It was given up, and nobody knows of any VAT in it.
    story.refuse("claimVatRelief", json!({ "accountId": account, "item": item(2), "on": "2026-01-24" })).await;
    story.end(MUTATIONS, expect_file!["receivable.txt"]);
}
