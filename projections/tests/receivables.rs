use std::collections::BTreeMap;

use daftar_domain::{
    Actor, BillingEvent, Money,
    account::{self, Account, AgeBand, Aged, example as accounts},
    ids::AccountId,
    ledger::LedgerAccount,
};
use daftar_projections::{
    AsOf,
    ledger::{self, Ledger},
    receivables::{self, BadDebtFilter, Cause, Receivables},
};
use expect_test::expect;
use uuid::Uuid;

use crate::{
    histories::{SAR, accounts_after, history, sar, the_end},
    spec::{database, log_of, project_all, projecting, recorded},
};

fn of(event: account::Event) -> (Uuid, BillingEvent) {
    (Uuid::from_u128(7), event.into())
}

/// What comes of these wishes, one after another, from the opening of the account on.
fn lived(wishes: impl IntoIterator<Item = account::Command>) -> Vec<(Uuid, BillingEvent)> {
    let (mut account, mut events) = (accounts::account([]), vec![accounts::opened()]);
    for wish in wishes {
        let decided = accounts::decided(&account, wish);
        account = decided.iter().fold(account, daftar_domain::Decider::evolve);
        events.extend(decided);
    }
    events.into_iter().map(of).collect()
}

/// Two charges, one of them disputed; a payment over both that bounces; an import that is taken back; a deposit that pays.
fn life() -> Vec<(Uuid, BillingEvent)> {
    let account::ImportOpeningBalance { batch_id, row, .. } = accounts::import_opening_balance();
    let reason = accounts::reason("wrong file");
    let item = accounts::invoice(1);
    lived([
        account::Command::ImportOpeningBalance(accounts::import_opening_balance()),
        account::Command::ReverseOpeningBalance(account::ReverseOpeningBalance { batch_id, row, reason: reason.clone() }),
        accounts::charge(accounts::ChargeOf::default()).into(),
        accounts::charge(accounts::ChargeOf { n: 2, minor: 2_300, vat: 300, due: "2024-03-20", ..accounts::ChargeOf::default() }).into(),
        account::DisputeItem { item: accounts::invoice(2), on: accounts::day("2024-03-10"), reason }.into(),
        accounts::record_payment(1, 12_000).into(),
        accounts::take_deposit(1, 1_000).into(),
        accounts::reverse_payment(1).into(),
        account::ApplyDeposit { deposit_id: accounts::deposit_id(1), item, on: accounts::day("2025-05-02") }.into(),
    ])
}

#[tokio::test]
async fn a_life() {
    projecting::<Receivables>().given(life().into_iter().take(4)).when(life().into_iter().skip(4)).then_all(expect![[r#"
        {"table":"cohort","row":{"paid": 0, "due_on": "2023-11-16", "charged": 0, "credited": 0, "currency": "SAR", "position": 3, "issued_in": "2023-11-01", "written_off": 0}}
        {"table":"cohort","row":{"paid": 0, "due_on": "2024-03-20", "charged": 2300, "credited": 0, "currency": "SAR", "position": 5, "issued_in": "2024-03-01", "written_off": 0}}
        {"table":"cohort","row":{"paid": 1000, "due_on": "2024-03-16", "charged": 11500, "credited": 0, "currency": "SAR", "position": 13, "issued_in": "2024-03-01", "written_off": 0}}
        {"table":"credit","row":{"kind": "opening", "amount": 500, "unspent": 0, "currency": "SAR", "document": null, "position": 2, "value_on": "2024-01-31", "credit_id": "c07994c0-a327-5617-9fa9-3911b25e7c56", "reference": "{\"opening\":{\"batch_id\":\"00000000-0000-0000-0000-00000000000c\",\"row\":3}}", "account_id": "00000000-0000-0000-0000-000000000007"}}
        {"table":"credit","row":{"kind": "payment", "amount": 12000, "unspent": 0, "currency": "SAR", "document": "R-1", "position": 7, "value_on": "2024-04-01", "credit_id": "00000000-0000-0000-0000-00000000012d", "reference": "{\"payment\":\"00000000-0000-0000-0000-00000000012d\"}", "account_id": "00000000-0000-0000-0000-000000000007"}}
        {"table":"credit","row":{"kind": "deposit", "amount": 1000, "unspent": 0, "currency": "SAR", "document": null, "position": 12, "value_on": "2025-05-02", "credit_id": "00000000-0000-0000-0000-000000000385", "reference": "{\"deposit\":\"00000000-0000-0000-0000-000000000385\"}", "account_id": "00000000-0000-0000-0000-000000000007"}}
        {"table":"dispute","row":{"reason": "wrong file", "item_id": "00000000-0000-0000-0000-000000000066", "disputed": true, "position": 6, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-03-10"}}
        {"table":"item","row":{"vat": 0, "kind": "supply", "open": 0, "amount": 12500, "due_on": "2023-11-16", "item_id": "5c94f1c8-0116-5cad-bc13-2a236b5150fb", "planned": 0, "currency": "SAR", "disputed": false, "document": "OLD-2023-118", "position": 2, "relieved": 0, "issued_on": "2023-11-01", "reference": "{\"opening\":{\"batch_id\":\"00000000-0000-0000-0000-00000000000c\",\"row\":3,\"item\":0}}", "account_id": "00000000-0000-0000-0000-000000000007", "invoice_id": null, "given_up_on": null, "written_off": 0, "written_off_vat": 0}}
        {"table":"item","row":{"vat": 1500, "kind": "supply", "open": 10500, "amount": 11500, "due_on": "2024-03-16", "item_id": "00000000-0000-0000-0000-000000000065", "planned": 0, "currency": "SAR", "disputed": false, "document": "RUH-INV-2024-000001", "position": 4, "relieved": 0, "issued_on": "2024-03-01", "reference": "{\"invoice\":\"00000000-0000-0000-0000-000000000065\"}", "account_id": "00000000-0000-0000-0000-000000000007", "invoice_id": "00000000-0000-0000-0000-000000000065", "given_up_on": null, "written_off": 0, "written_off_vat": 0}}
        {"table":"item","row":{"vat": 300, "kind": "supply", "open": 2300, "amount": 2300, "due_on": "2024-03-20", "item_id": "00000000-0000-0000-0000-000000000066", "planned": 0, "currency": "SAR", "disputed": true, "document": "RUH-INV-2024-000002", "position": 5, "relieved": 0, "issued_on": "2024-03-01", "reference": "{\"invoice\":\"00000000-0000-0000-0000-000000000066\"}", "account_id": "00000000-0000-0000-0000-000000000007", "invoice_id": "00000000-0000-0000-0000-000000000066", "given_up_on": null, "written_off": 0, "written_off_vat": 0}}
        {"table":"movement","row":{"line": 0, "owed": 12500, "cause": "opening", "due_on": "2023-11-16", "deposit": 0, "item_id": "5c94f1c8-0116-5cad-bc13-2a236b5150fb", "planned": 0, "currency": "SAR", "document": "OLD-2023-118", "position": 2, "credit_id": null, "unapplied": 0, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-01-31"}}
        {"table":"movement","row":{"line": 2147483646, "owed": 0, "cause": "opening", "due_on": null, "deposit": 0, "item_id": null, "planned": 0, "currency": "SAR", "document": null, "position": 2, "credit_id": "c07994c0-a327-5617-9fa9-3911b25e7c56", "unapplied": 500, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-01-31"}}
        {"table":"movement","row":{"line": 0, "owed": -12500, "cause": "openingReversed", "due_on": "2023-11-16", "deposit": 0, "item_id": "5c94f1c8-0116-5cad-bc13-2a236b5150fb", "planned": 0, "currency": "SAR", "document": null, "position": 3, "credit_id": null, "unapplied": 0, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-01-01"}}
        {"table":"movement","row":{"line": 2147483646, "owed": 0, "cause": "openingReversed", "due_on": null, "deposit": 0, "item_id": null, "planned": 0, "currency": "SAR", "document": null, "position": 3, "credit_id": "c07994c0-a327-5617-9fa9-3911b25e7c56", "unapplied": -500, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-01-01"}}
        {"table":"movement","row":{"line": 0, "owed": 11500, "cause": "charge", "due_on": "2024-03-16", "deposit": 0, "item_id": "00000000-0000-0000-0000-000000000065", "planned": 0, "currency": "SAR", "document": "RUH-INV-2024-000001", "position": 4, "credit_id": null, "unapplied": 0, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-03-01"}}
        {"table":"movement","row":{"line": 0, "owed": 2300, "cause": "charge", "due_on": "2024-03-20", "deposit": 0, "item_id": "00000000-0000-0000-0000-000000000066", "planned": 0, "currency": "SAR", "document": "RUH-INV-2024-000002", "position": 5, "credit_id": null, "unapplied": 0, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-03-01"}}
        {"table":"movement","row":{"line": 0, "owed": 0, "cause": "payment", "due_on": null, "deposit": 0, "item_id": null, "planned": 0, "currency": "SAR", "document": "R-1", "position": 7, "credit_id": "00000000-0000-0000-0000-00000000012d", "unapplied": 12000, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-04-01"}}
        {"table":"movement","row":{"line": 0, "owed": -11500, "cause": "allocation", "due_on": "2024-03-16", "deposit": 0, "item_id": "00000000-0000-0000-0000-000000000065", "planned": 0, "currency": "SAR", "document": null, "position": 8, "credit_id": "00000000-0000-0000-0000-00000000012d", "unapplied": -11500, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-04-01"}}
        {"table":"movement","row":{"line": 0, "owed": 0, "cause": "depositTaken", "due_on": null, "deposit": 1000, "item_id": null, "planned": 0, "currency": "SAR", "document": null, "position": 9, "credit_id": null, "unapplied": 0, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2024-02-01"}}
        {"table":"movement","row":{"line": 0, "owed": 11500, "cause": "allocationFreed", "due_on": "2024-03-16", "deposit": 0, "item_id": "00000000-0000-0000-0000-000000000065", "planned": 0, "currency": "SAR", "document": null, "position": 10, "credit_id": "00000000-0000-0000-0000-00000000012d", "unapplied": 11500, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2025-05-01"}}
        {"table":"movement","row":{"line": 0, "owed": 0, "cause": "paymentReversed", "due_on": null, "deposit": 0, "item_id": null, "planned": 0, "currency": "SAR", "document": null, "position": 11, "credit_id": "00000000-0000-0000-0000-00000000012d", "unapplied": -12000, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2025-05-01"}}
        {"table":"movement","row":{"line": 0, "owed": 0, "cause": "depositReleased", "due_on": null, "deposit": -1000, "item_id": null, "planned": 0, "currency": "SAR", "document": null, "position": 12, "credit_id": "00000000-0000-0000-0000-000000000385", "unapplied": 1000, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2025-05-02"}}
        {"table":"movement","row":{"line": 0, "owed": -1000, "cause": "allocation", "due_on": "2024-03-16", "deposit": 0, "item_id": "00000000-0000-0000-0000-000000000065", "planned": 0, "currency": "SAR", "document": null, "position": 13, "credit_id": "00000000-0000-0000-0000-000000000385", "unapplied": -1000, "account_id": "00000000-0000-0000-0000-000000000007", "effective_on": "2025-05-02"}}
    "#]]).await;
}

#[tokio::test]
async fn each_event_that_moves_something_is_a_movement() {
    let charged = |n| of(accounts::charged(accounts::ChargeOf { n, ..accounts::ChargeOf::default() }));
    let events = account::example::events().into_iter().map(of);
    projecting::<Receivables>()
        .given([charged(1)])
        .when(events.filter(|(_, event)| event.event_type() != "OpeningBalanceReversed"))
        .then(
            "SELECT cause, document, owed, planned, unapplied, deposit, due_on, effective_on FROM read_receivables.movement_in_decimals
             ORDER BY position, line",
            expect![[r#"
                {"cause":"charge","document":"RUH-INV-2024-000001","owed":115.00,"planned":0.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-03-01"}
                {"cause":"opening","document":"OLD-2023-118","owed":125.00,"planned":0.00,"unapplied":0.00,"deposit":0.00,"due_on":"2023-11-16","effective_on":"2024-01-31"}
                {"cause":"opening","document":null,"owed":0.00,"planned":0.00,"unapplied":5.00,"deposit":0.00,"due_on":null,"effective_on":"2024-01-31"}
                {"cause":"charge","document":"RUH-INV-2024-000001","owed":23.00,"planned":0.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-03-01"}
                {"cause":"payment","document":"R-1","owed":0.00,"planned":0.00,"unapplied":115.00,"deposit":0.00,"due_on":null,"effective_on":"2024-04-01"}
                {"cause":"paymentReversed","document":null,"owed":0.00,"planned":0.00,"unapplied":-115.00,"deposit":0.00,"due_on":null,"effective_on":"2024-05-01"}
                {"cause":"allocation","document":null,"owed":-115.00,"planned":0.00,"unapplied":-115.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-04-01"}
                {"cause":"allocationFreed","document":null,"owed":115.00,"planned":0.00,"unapplied":115.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-05-01"}
                {"cause":"creditNote","document":"RUH-CRN-2024-000001","owed":0.00,"planned":0.00,"unapplied":23.00,"deposit":0.00,"due_on":null,"effective_on":"2024-04-01"}
                {"cause":"compensation","document":null,"owed":0.00,"planned":0.00,"unapplied":75.00,"deposit":0.00,"due_on":null,"effective_on":"2024-04-01"}
                {"cause":"subsidy","document":"homes","owed":0.00,"planned":0.00,"unapplied":30.00,"deposit":0.00,"due_on":null,"effective_on":"2024-03-01"}
                {"cause":"subsidyTakenBack","document":"homes","owed":0.00,"planned":0.00,"unapplied":-10.00,"deposit":0.00,"due_on":null,"effective_on":"2024-04-01"}
                {"cause":"allocationFreed","document":null,"owed":10.00,"planned":0.00,"unapplied":10.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-04-01"}
                {"cause":"allocation","document":null,"owed":-10.00,"planned":0.00,"unapplied":-10.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-04-01"}
                {"cause":"refund","document":null,"owed":0.00,"planned":0.00,"unapplied":-3.00,"deposit":0.00,"due_on":null,"effective_on":"2024-05-01"}
                {"cause":"refundReturned","document":null,"owed":0.00,"planned":0.00,"unapplied":3.00,"deposit":0.00,"due_on":null,"effective_on":"2024-05-01"}
                {"cause":"depositTaken","document":null,"owed":0.00,"planned":0.00,"unapplied":0.00,"deposit":200.00,"due_on":null,"effective_on":"2024-02-01"}
                {"cause":"depositReleased","document":null,"owed":0.00,"planned":0.00,"unapplied":115.00,"deposit":-115.00,"due_on":null,"effective_on":"2024-05-01"}
                {"cause":"depositReturned","document":null,"owed":0.00,"planned":0.00,"unapplied":0.00,"deposit":-85.00,"due_on":null,"effective_on":"2024-10-01"}
                {"cause":"debtWrittenOff","document":null,"owed":-115.00,"planned":0.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-05-01"}
                {"cause":"creditWrittenOff","document":null,"owed":0.00,"planned":0.00,"unapplied":-0.99,"deposit":0.00,"due_on":null,"effective_on":"2024-05-01"}
                {"cause":"debtRecovered","document":null,"owed":46.00,"planned":0.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-05-01"}
                {"cause":"planAgreed","document":null,"owed":0.00,"planned":115.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-04-01"}
                {"cause":"planEnded","document":null,"owed":0.00,"planned":-115.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-05-07"}
                {"cause":"planEnded","document":null,"owed":0.00,"planned":-115.00,"unapplied":0.00,"deposit":0.00,"due_on":"2024-03-16","effective_on":"2024-05-07"}
            "#]],
        )
        .await;
}

#[tokio::test]
async fn a_statement_is_read_from_any_day_and_page_by_page() {
    let (_database, pool) = database().await;
    project_all::<Receivables>(&pool, life()).await;
    let mut db = pool.acquire().await.unwrap();
    let asked = (AccountId::new(Uuid::from_u128(7)), SAR);
    let now = AsOf::now_known(accounts::day("2026-01-01"));
    let whole = receivables::statement(&mut db, asked, accounts::day("2024-02-01"), None, now, 100).await.unwrap();
    let lines: Vec<_> =
        whole.lines.iter().map(|line| (line.cause, line.place.effective_on.to_string(), line.amount.minor, line.balance.minor)).collect();
    expect![[r#"
        0.00 SAR
        (Charge, "2024-03-01", 11500, 11500)
        (Charge, "2024-03-01", 2300, 13800)
        (Payment, "2024-04-01", -12000, 1800)
        (PaymentReversed, "2025-05-01", 12000, 13800)
        (DepositReleased, "2025-05-02", -1000, 12800)
    "#]]
    .assert_eq(&format!("{}\n{}", whole.opening, lines.iter().map(|line| format!("{line:?}\n")).collect::<String>()));
    let (mut after, mut seen) = (None, vec![]);
    loop {
        let page = receivables::statement(&mut db, asked, accounts::day("2024-02-01"), after, now, 1).await.unwrap();
        let Some(line) = page.lines.first() else { break };
        assert_eq!(page.opening.minor + line.amount.minor, line.balance.minor);
        after = Some(line.place);
        seen.extend(page.lines);
    }
    assert_eq!(seen, whole.lines);
    assert!(whole.lines.iter().all(|line| line.cause != Cause::Allocation && line.cause != Cause::AllocationFreed));
}

#[tokio::test]
async fn open_items_are_those_that_were_open() {
    let (_database, pool) = database().await;
    project_all::<Receivables>(&pool, life()).await;
    let account_id = AccountId::new(Uuid::from_u128(7));
    let facts = recorded(&log_of(&life()).await).await;
    let ask = async |as_of| {
        let items = receivables::open_items(&pool, account_id, as_of).await.unwrap();
        items.into_iter().map(|item| (item.id, item.open.minor, item.disputed)).collect::<Vec<_>>()
    };
    let (first, second) = (accounts::invoice(1), accounts::invoice(2));
    assert_eq!(ask(AsOf::now_known(accounts::day("2024-02-28"))).await, []);
    assert_eq!(ask(AsOf::now_known(accounts::day("2024-03-09"))).await, [(first, 11_500, false), (second, 2_300, false)]);
    assert_eq!(ask(AsOf::now_known(accounts::day("2024-03-10"))).await, [(first, 11_500, false), (second, 2_300, true)]);
    assert_eq!(ask(AsOf::now_known(accounts::day("2024-05-01"))).await, [(second, 2_300, true)]);
    assert_eq!(ask(AsOf::now_known(accounts::day("2026-01-01"))).await, [(first, 10_500, false), (second, 2_300, true)]);
    // As known once the opening balance was imported, and before it was found wrong.
    let opening = AsOf::recorded(facts[1].position, accounts::day("2026-01-01"));
    assert_eq!(ask(opening).await, [(accounts::opening_item(), 12_500, false)]);
    let [balance] = receivables::balances(&pool, account_id, opening).await.unwrap()[..] else { panic!("one currency") };
    assert_eq!((balance.owed, balance.unapplied, balance.deposit), (sar(12_500), sar(500), sar(0)));
}

/// What authorities owe is what the books call receivable for subsidies, at the same point.
#[tokio::test]
async fn subsidies_tie_to_the_books() {
    let (mut taken_back, mut settled) = (0, 0);
    for seed in 1..=4 {
        let (_database, pool) = database().await;
        let history = history(seed, 500);
        project_all::<Receivables>(&pool, history.clone()).await;
        project_all::<Ledger>(&pool, history.clone()).await;
        let facts = recorded(&log_of(&history).await).await;
        for place in (2..facts.len()).step_by(facts.len() / 5).chain([facts.len() - 1]) {
            for effective in ["2024-04-20", "2024-07-01"].map(accounts::day).into_iter().chain([the_end()]) {
                let as_of = AsOf::recorded(facts[place].position, effective);
                let owed = receivables::subsidies_owed(&pool, as_of).await.unwrap();
                let books = ledger::trial_balance(&pool, as_of).await.unwrap();
                let sum: i128 = owed.iter().map(|debt| i128::from(debt.owed.minor)).sum();
                assert_eq!(sum, books.balance(LedgerAccount::SubsidyReceivable, SAR), "seed {seed} at {place} on {effective}");
                taken_back += owed.iter().filter(|debt| !debt.taken_back.is_zero()).count();
                settled += owed.iter().filter(|debt| !debt.settled.is_zero()).count();
            }
        }
    }
    assert!(taken_back > 5 && settled > 5, "the histories meet {taken_back} that goes back and {settled} that are settled");
}

/// Section 13 of the rules: what is aged is what the books call receivable, at the same point, account by account and in all.
#[tokio::test]
async fn aging_ties_to_the_books_and_to_the_aggregates() {
    let (mut bands, mut on_plans) = (std::collections::BTreeSet::new(), 0);
    for seed in 1..=5 {
        let (_database, pool) = database().await;
        let history = history(seed, 150);
        project_all::<Receivables>(&pool, history.clone()).await;
        project_all::<Ledger>(&pool, history.clone()).await;
        let facts = recorded(&log_of(&history).await).await;
        let mut db = pool.acquire().await.unwrap();
        for place in (2..facts.len()).step_by(facts.len() / 5) {
            for effective in ["2024-04-20", "2024-07-01", "2025-01-01"].map(accounts::day).into_iter().chain([the_end()]) {
                let as_of = AsOf::recorded(facts[place].position, effective);
                let at = format!("seed {seed} at {place} on {effective}");
                let ids = receivables::accounts_with_open_items(&pool, None, as_of, 10).await.unwrap();
                let aged = receivables::aged_of(&mut db, &ids, as_of).await.unwrap();
                assert_eq!(aged.keys().map(|(id, _)| *id).collect::<Vec<_>>(), ids, "{at}");
                for n in 1..=3 {
                    let id = AccountId::new(Uuid::from_u128(n));
                    let books = ledger::of_customer(&pool, id, as_of).await.unwrap();
                    let sum = |of: fn(&Aged) -> i128| aged.get(&(id, SAR)).map_or(0, of);
                    assert_eq!(sum(due), books.balance(LedgerAccount::Receivable, SAR), "{at}");
                    let items = receivables::open_items(&pool, id, as_of).await.unwrap();
                    let mut by_item = BTreeMap::new();
                    for item in &items {
                        let asked = item.open.minor - item.planned.minor;
                        if asked != 0 {
                            by_item.entry(AgeBand::of(item.due_on, effective)).or_insert(sar(0)).minor += asked;
                        }
                    }
                    let planned = sum(|aged| aged.planned.minor.into());
                    assert_eq!(planned, books.balance(LedgerAccount::ReceivableInstalments, SAR), "{at}");
                    assert_eq!(planned, items.iter().map(|item| i128::from(item.planned.minor)).sum::<i128>(), "{at}");
                    on_plans += usize::from(planned != 0);
                    assert_eq!(aged.get(&(id, SAR)).map_or(BTreeMap::new(), |aged| aged.bands.clone()), by_item, "{at}");
                    bands.extend(by_item.into_keys());
                    assert_eq!(sum(|aged| aged.unapplied.minor.into()), -books.balance(LedgerAccount::Unapplied, SAR), "{at}");
                }
                let total = receivables::aged(&mut db, as_of).await.unwrap();
                let mut added: BTreeMap<_, Aged> = BTreeMap::new();
                for ((_, currency), aged) in &aged {
                    add(
                        added.entry(*currency).or_insert(Aged {
                            bands: BTreeMap::new(),
                            disputed: sar(0),
                            planned: sar(0),
                            unapplied: sar(0),
                        }),
                        aged,
                    );
                }
                assert_eq!(total, added, "{at}");
            }
            // On a day after everything, what the accounts themselves say.
            let after = accounts_after(&history[..=place]);
            let as_of = AsOf::recorded(facts[place].position, the_end());
            for (id, account) in after {
                let expected = account.receivable().aged(SAR, the_end());
                let found = receivables::aged_of(&mut db, &[id], as_of).await.unwrap();
                let nothing = Aged { bands: BTreeMap::new(), disputed: sar(0), planned: sar(0), unapplied: sar(0) };
                assert_eq!(found.get(&(id, SAR)).unwrap_or(&nothing), &expected);
                let balances = receivables::balances(&pool, id, as_of).await.unwrap();
                assert_eq!(balances.first().map_or(0, |balance| balance.planned.minor), account.receivable().planned(SAR).minor);
                let balance = balances.first().map_or(0, |balance| balance.owed.minor - balance.unapplied.minor);
                assert_eq!(balance, account.receivable().balance(SAR).minor);
                assert_eq!(balances.first().map_or(0, |balance| balance.deposit.minor), account.receivable().deposits(SAR).minor);
            }
        }
        for (id, account) in accounts_after(&history) {
            same_plans(&account, receivables::plans_of(&pool, &[id]).await.unwrap());
        }
    }
    assert_eq!(bands.len(), 8, "the histories meet {bands:?}");
    assert!(on_plans > 5, "the histories meet {on_plans} plans");
}

fn due(aged: &Aged) -> i128 {
    aged.bands.values().map(|open| i128::from(open.minor)).sum()
}

fn add(total: &mut Aged, aged: &Aged) {
    for (band, open) in &aged.bands {
        total.bands.entry(*band).or_insert(sar(0)).minor += open.minor;
    }
    total.disputed.minor += aged.disputed.minor;
    total.planned.minor += aged.planned.minor;
    total.unapplied.minor += aged.unapplied.minor;
}

/// What the rows say of plans is what the accounts do; the rows know no past, so they are asked at the end.
fn same_plans(account: &Account, rows: Vec<(AccountId, receivables::Plan)>) {
    let expected: BTreeMap<_, _> =
        account.receivable().plans().map(|plan| (plan.agreed().plan_id, (plan.agreed().total, plan.paid()))).collect();
    let found: BTreeMap<_, _> = rows.iter().map(|(_, plan)| (plan.plan_id, (plan.total, plan.paid))).collect();
    assert_eq!(found, expected);
    for (_, plan) in rows {
        let sum = |of: fn(&receivables::Instalment) -> Money| plan.instalments.iter().map(|part| of(part).minor).sum::<i64>();
        assert_eq!((sum(|part| part.amount), sum(|part| part.paid)), (plan.total.minor, plan.paid.minor));
    }
}

/// Agreed, paid in part, warned about and broken; and another that was paid early.
#[tokio::test]
async fn plans_are_told_with_what_of_each_instalment_is_paid() {
    let (_database, pool) = database().await;
    let rule = accounts::any_plan_rule();
    let another =
        account::AgreePlan { on: accounts::day("2024-06-09"), first_on: accounts::day("2024-07-01"), rule, ..accounts::agree_plan(2, 2) };
    let events = lived([
        accounts::charge(accounts::ChargeOf::default()).into(),
        accounts::agree_plan(1, 3).into(),
        accounts::record_payment(5, 5_000).into(),
        accounts::review_plan("2024-06-03").into(),
        accounts::review_plan("2024-06-08").into(),
        another.into(),
        account::RecordPayment { value_on: accounts::day("2024-06-10"), ..accounts::record_payment(6, 6_500) }.into(),
    ]);
    project_all::<Receivables>(&pool, events).await;
    let plans = receivables::plans_of(&pool, &[AccountId::new(Uuid::from_u128(7))]).await.unwrap();
    let told = plans.into_iter().map(|(_, plan)| {
        let parts: Vec<_> = plan.instalments.iter().map(|part| format!("{} {}/{}", part.due_on, part.paid, part.amount)).collect();
        let receivables::Plan { state, total, paid, warned_on, ended_on, ended_because, .. } = plan;
        format!("{state:?} {paid}/{total} warned {warned_on:?} ended {ended_on:?} {ended_because:?}: {}", parts.join(", "))
    });
    expect![[r#"
        Completed 65.00 SAR/65.00 SAR warned None ended Some(2024-06-10) None: 2024-07-01 32.50 SAR/32.50 SAR, 2024-08-01 32.50 SAR/32.50 SAR
        Broken 50.00 SAR/115.00 SAR warned Some(2024-06-03) ended Some(2024-06-08) Some(InstalmentMissed): 2024-05-01 38.33 SAR/38.33 SAR, 2024-06-02 11.67 SAR/38.33 SAR, 2024-07-01 0.00 SAR/38.34 SAR"#]]
    .assert_eq(&told.collect::<Vec<_>>().join("\n"));
    assert_eq!(receivables::accounts_on_plans(&pool, None, 10).await.unwrap(), []);
}

/// Given up and claimed back; given up and recovered in part; given up and nothing more; given up and recovered.
#[tokio::test]
async fn debts_that_were_given_up_are_told_with_what_came_back_of_their_vat() {
    let (_database, pool) = database().await;
    let charges = (1..=4).map(|n| account::Command::from(accounts::charge(accounts::ChargeOf { n, ..accounts::ChargeOf::default() })));
    let lost = (1..=4).map(|n: u128| {
        let on = accounts::day(&format!("2025-03-0{n}"));
        let (approved_by, limit, reason) = (Actor::user("9"), accounts::sar(11_500), accounts::reason("gone"));
        account::WriteOff { item: accounts::invoice(n), approved_by, limit, on, reason }.into()
    });
    let claims = [1, 2].map(|n| accounts::claim_vat_relief(n).into());
    let paid = [(2, 2, 4_600), (3, 4, 11_500)].map(|(n, item, minor)| {
        account::RecordPayment { directed: vec![accounts::invoice(item)], ..accounts::record_payment(n, minor) }.into()
    });
    project_all::<Receivables>(&pool, lived(charges.chain(lost).chain(claims).chain(paid))).await;
    let found = async |filter: &BadDebtFilter| {
        let (mut told, mut after) = (vec![], None);
        while let [debt] = &receivables::bad_debts(&pool, filter, after, 1).await.unwrap()[..] {
            told.push(format!("{} {} {} {} on {}", debt.document, debt.written_off, debt.vat, debt.relieved, debt.given_up_on));
            after = Some((debt.given_up_on, debt.item_id));
        }
        assert_eq!(receivables::bad_debts_count(&pool, filter).await.unwrap(), told.len() as u64);
        told
    };
    let all = [
        "RUH-INV-2024-000003 115.00 SAR 15.00 SAR 0.00 SAR on 2025-03-03",
        "RUH-INV-2024-000002 69.00 SAR 9.00 SAR 9.00 SAR on 2025-03-02",
        "RUH-INV-2024-000001 115.00 SAR 15.00 SAR 15.00 SAR on 2025-03-01",
    ];
    let of = |n| Some(AccountId::new(Uuid::from_u128(n)));
    assert_eq!(found(&BadDebtFilter::default()).await, all);
    assert_eq!(found(&BadDebtFilter { relieved: Some(true), ..BadDebtFilter::default() }).await, all[1..]);
    assert_eq!(found(&BadDebtFilter { relieved: Some(false), account_id: of(7) }).await, all[..1]);
    assert!(found(&BadDebtFilter { account_id: of(8), relieved: None }).await.is_empty());
}

#[tokio::test]
async fn plans_are_found_by_their_state_and_by_what_is_due_next() {
    let (_database, pool) = database().await;
    let agreed = |on: &str, first_on: &str, n, rule: account::PlanRule| {
        let dates = account::AgreePlan { on: accounts::day(on), first_on: accounts::day(first_on), rule, ..accounts::agree_plan(n, 2) };
        account::Command::from(dates)
    };
    let events = lived([
        accounts::charge(accounts::ChargeOf::default()).into(),
        agreed("2024-04-02", "2024-05-01", 1, accounts::any_plan_rule()),
        account::CancelPlan {
            plan_id: accounts::plan_id(1),
            on: accounts::day("2024-04-03"),
            reason: accounts::reason("a new plan follows"),
        }
        .into(),
        agreed("2024-04-03", "2024-05-01", 2, accounts::any_plan_rule()),
        account::RecordPayment { value_on: accounts::day("2024-04-10"), ..accounts::record_payment(5, 5_750) }.into(),
    ]);
    project_all::<Receivables>(&pool, events).await;
    let db = &pool;
    let all = receivables::PlanFilter::default();
    let told = async |filter: receivables::PlanFilter, after| {
        let found = receivables::plans(db, &filter, after, 9).await.unwrap();
        assert!(after.is_some() || receivables::plans_count(db, &filter).await.unwrap() == u64::try_from(found.len()).unwrap());
        let told = found.iter().map(|(_, plan)| format!("{:?} next {:?} {:?}", plan.state, plan.next_due_on(), plan.reason));
        (told.collect::<Vec<_>>().join("\n"), found.first().map(|(_, plan)| (plan.agreed_on, plan.plan_id)))
    };
    let (both, first) = told(all, None).await;
    expect![[r#"
        Running next Some(2024-06-01) None
        Cancelled next None Some("a new plan follows")"#]]
    .assert_eq(&both);
    let (after_the_first, _) = told(all, first).await;
    assert_eq!(both.lines().nth(1), Some(&*after_the_first));
    let state = |state| receivables::PlanFilter { state: Some(state), ..all };
    assert_eq!(told(state(receivables::PlanState::Running), None).await.0, both.lines().next().unwrap());
    assert_eq!(told(state(receivables::PlanState::Broken), None).await.0, "");
    // The first of its two is paid.
    let due_by = |day: &str| receivables::PlanFilter { due_by: Some(accounts::day(day)), ..all };
    for (day, found) in [("2024-05-01", ""), ("2024-05-31", ""), ("2024-06-01", both.lines().next().unwrap())] {
        assert_eq!(told(due_by(day), None).await.0, found, "{day}");
    }
    let stranger = receivables::PlanFilter { account_id: Some(AccountId::new(Uuid::from_u128(8))), ..all };
    assert_eq!(told(stranger, None).await.0, "");
}
