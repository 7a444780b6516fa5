use daftar_domain::{
    BillingEvent,
    account::{self, CreditId, Tender},
    ids::{AccountId, PaymentId},
    ledger::LedgerAccount,
    payment,
};
use daftar_projections::{
    AsOf,
    ledger::{self, Ledger},
    payments::{self, Payments},
    receivables::{self, Receivables},
};
use expect_test::expect;
use uuid::Uuid;

use crate::{
    histories::{SAR, history, the_end},
    spec::{database, log_of, project_all, projecting, recorded},
};

/// One of every event of an account and of a payment at a gateway.
fn everything() -> Vec<(Uuid, BillingEvent)> {
    let of_account = account::example::events().into_iter().map(|event| (Uuid::from_u128(7), event.into()));
    of_account.chain(payment::example::events().into_iter().map(|event| (Uuid::from_u128(301), event.into()))).collect()
}

#[tokio::test]
async fn every_event_leaves_its_mark() {
    projecting::<Payments>()
        .given(everything().into_iter().take(28))
        .when(everything().into_iter().skip(28))
        .then_all(expect![[r#"
            {"table":"allocation","row":{"vat": 1500, "item": "{\"invoice\":\"00000000-0000-0000-0000-000000000065\"}", "amount": 11500, "currency": "SAR", "position": 32, "account_id": "00000000-0000-0000-0000-000000000007", "invoice_id": "00000000-0000-0000-0000-000000000065", "payment_id": "00000000-0000-0000-0000-00000000012d", "effective_on": "2024-04-01"}}
            {"table":"allocation","row":{"vat": -1500, "item": "{\"invoice\":\"00000000-0000-0000-0000-000000000065\"}", "amount": -11500, "currency": "SAR", "position": 33, "account_id": "00000000-0000-0000-0000-000000000007", "invoice_id": "00000000-0000-0000-0000-000000000065", "payment_id": "00000000-0000-0000-0000-00000000012d", "effective_on": "2024-05-01"}}
            {"table":"attempt","row":{"cause": null, "amount": 11500, "status": "completed", "gateway": "simulated", "currency": "SAR", "position": 67, "reference": "G-77", "account_id": "00000000-0000-0000-0000-000000000007", "expires_at": "2024-04-01T09:15:00+00:00", "payment_id": "00000000-0000-0000-0000-00000000012d", "started_at": "2024-04-01T09:00:00+00:00", "open_refunds": -1}}
            {"table":"cash","row":{"cause": "payment", "amount": 11500, "tender": "cash", "channel": "branch-7", "currency": "SAR", "position": 30, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": "00000000-0000-0000-0000-000000000029", "effective_on": "2024-04-01"}}
            {"table":"cash","row":{"cause": "paymentReversed", "amount": -11500, "tender": "cheque", "channel": null, "currency": "SAR", "position": 31, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-05-01"}}
            {"table":"cash","row":{"cause": "refund", "amount": -300, "tender": "cash", "channel": null, "currency": "SAR", "position": 38, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-05-01"}}
            {"table":"cash","row":{"cause": "refundReturned", "amount": 300, "tender": "cash", "channel": null, "currency": "SAR", "position": 39, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-05-01"}}
            {"table":"cash","row":{"cause": "depositTaken", "amount": 20000, "tender": "pos", "channel": "branch-7", "currency": "SAR", "position": 40, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-02-01"}}
            {"table":"cash","row":{"cause": "depositReturned", "amount": -8500, "tender": "transfer", "channel": null, "currency": "SAR", "position": 42, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-10-01"}}
            {"table":"cash","row":{"cause": "chequeCleared", "amount": -11500, "tender": "cheque", "channel": null, "currency": "SAR", "position": 52, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-05-01"}}
            {"table":"cash","row":{"cause": "chequeCleared", "amount": 11500, "tender": "transfer", "channel": null, "currency": "SAR", "position": 52, "account_id": "00000000-0000-0000-0000-000000000007", "session_id": null, "effective_on": "2024-05-01"}}
            {"table":"day","row":{"cause": "payment", "amount": 11500, "tender": "cash", "currency": "SAR", "position": 30, "movements": 1, "effective_on": "2024-04-01"}}
            {"table":"day","row":{"cause": "paymentReversed", "amount": -11500, "tender": "cheque", "currency": "SAR", "position": 31, "movements": 1, "effective_on": "2024-05-01"}}
            {"table":"day","row":{"cause": "refund", "amount": -300, "tender": "cash", "currency": "SAR", "position": 38, "movements": 1, "effective_on": "2024-05-01"}}
            {"table":"day","row":{"cause": "refundReturned", "amount": 300, "tender": "cash", "currency": "SAR", "position": 39, "movements": 1, "effective_on": "2024-05-01"}}
            {"table":"day","row":{"cause": "depositTaken", "amount": 20000, "tender": "pos", "currency": "SAR", "position": 40, "movements": 1, "effective_on": "2024-02-01"}}
            {"table":"day","row":{"cause": "depositReturned", "amount": -8500, "tender": "transfer", "currency": "SAR", "position": 42, "movements": 1, "effective_on": "2024-10-01"}}
            {"table":"day","row":{"cause": "chequeCleared", "amount": -11500, "tender": "cheque", "currency": "SAR", "position": 52, "movements": 1, "effective_on": "2024-05-01"}}
            {"table":"day","row":{"cause": "chequeCleared", "amount": 11500, "tender": "transfer", "currency": "SAR", "position": 52, "movements": 1, "effective_on": "2024-05-01"}}
            {"table":"payment","row":{"amount": 11500, "tender": "cash", "channel": "branch-7", "currency": "SAR", "position": 39, "refunded": 0, "reversal": "bounced", "value_on": "2024-04-01", "allocated": 0, "reference": "R-1", "account_id": "00000000-0000-0000-0000-000000000007", "payment_id": "00000000-0000-0000-0000-00000000012d", "session_id": "00000000-0000-0000-0000-000000000029", "received_at": "2024-04-01T09:00:00+00:00", "reversed_on": "2024-05-01", "received_position": 30, "reversed_position": 31}}
            {"table":"refund","row":{"amount": 300, "reason": "moved away", "tender": "cash", "currency": "SAR", "position": 38, "refund_id": "00000000-0000-0000-0000-0000000002bd", "account_id": "00000000-0000-0000-0000-000000000007", "payment_id": "00000000-0000-0000-0000-00000000012d", "effective_on": "2024-05-01"}}
            {"table":"refund","row":{"amount": -300, "reason": "account unknown", "tender": "cash", "currency": "SAR", "position": 39, "refund_id": "00000000-0000-0000-0000-0000000002bd", "account_id": "00000000-0000-0000-0000-000000000007", "payment_id": "00000000-0000-0000-0000-00000000012d", "effective_on": "2024-05-01"}}
        "#]])
        .await;
}

#[tokio::test]
async fn an_attempt_is_as_its_gateway_last_said() {
    projecting::<Payments>()
        .given(everything().into_iter().filter(|(id, _)| *id == Uuid::from_u128(301)).take(3))
        .when([(Uuid::from_u128(301), BillingEvent::Payment(payment::example::completed(false)))])
        .then(
            "SELECT status, reference, cause, position FROM read_payments.attempt",
            expect![[r#"
            {"status":"completed","reference":"G-77","cause":null,"position":4}
        "#]],
        )
        .await;
}

/// Each tender has its account in the books, two of them the same.
#[tokio::test]
async fn cash_ties_to_the_books() {
    for seed in 1..=4 {
        let (_database, pool) = database().await;
        let history = history(seed, 200);
        project_all::<Payments>(&pool, history.clone()).await;
        project_all::<Ledger>(&pool, history.clone()).await;
        project_all::<Receivables>(&pool, history.clone()).await;
        let facts = recorded(&log_of(&history).await).await;
        for place in (2..facts.len()).step_by(facts.len() / 4) {
            for effective in ["2024-04-03", "2024-05-01", "2025-05-01"].map(account::example::day) {
                let as_of = AsOf::recorded(facts[place].position, effective);
                let cash = payments::daily_cash(&pool, account::example::day("2024-01-01"), as_of).await.unwrap();
                let books = ledger::trial_balance(&pool, as_of).await.unwrap();
                // What comes from authorities is no customer's payment.
                let owed = receivables::subsidies_owed(&pool, as_of).await.unwrap();
                let settled: i128 = owed.iter().map(|debt| i128::from(debt.settled.minor)).sum();
                for (tenders, account) in [
                    (&[Tender::Cash][..], LedgerAccount::CashOnHand),
                    (&[Tender::Transfer], LedgerAccount::Bank),
                    (&[Tender::Cheque], LedgerAccount::ChequesInHand),
                    (&[Tender::Card, Tender::Wallet, Tender::Pos], LedgerAccount::GatewayClearing),
                ] {
                    let of = cash.iter().filter(|cash| tenders.contains(&cash.tender));
                    let sum: i128 = of.map(|cash| i128::from(cash.amount.minor)).sum();
                    let besides = if account == LedgerAccount::Bank { settled } else { 0 };
                    assert_eq!(sum + besides, books.balance(account, SAR), "seed {seed} at {place} on {effective}: {account:?}");
                }
            }
        }
        let all = payments::daily_cash(&pool, account::example::day("2024-01-01"), AsOf::now_known(the_end())).await.unwrap();
        assert!(all.len() > 5 && all.iter().any(|cash| cash.amount.minor < 0));
    }
}

#[tokio::test]
async fn a_payment_knows_what_it_paid() {
    let (_database, pool) = database().await;
    let history = history(7, 250);
    project_all::<Payments>(&pool, history.clone()).await;
    let mut paid = 0;
    for n in 1..=3 {
        let account_id = AccountId::new(Uuid::from_u128(n));
        let all = payments::of_account(&pool, account_id, None, 100).await.unwrap();
        assert!(all.is_sorted_by_key(|payment| std::cmp::Reverse((payment.value_on, payment.id))));
        let (mut seen, mut after) = (vec![], None);
        while let [first, ..] = &payments::of_account(&pool, account_id, after, 1).await.unwrap()[..] {
            after = Some((first.value_on, first.id));
            seen.push(first.clone());
        }
        assert_eq!(seen, all);
        for payment in all {
            let allocations = payments::allocations(&pool, account_id, payment.id, AsOf::now_known(the_end())).await.unwrap();
            assert_eq!(allocations.iter().map(|(_, amount)| amount.minor).sum::<i64>(), payment.allocated.minor);
            assert_eq!(allocated(&history, n, payment.id), payment.allocated.minor);
            assert!(payment.allocated.minor + payment.refunded.minor <= payment.amount.minor);
            assert!(payments::by_reference(&pool, &payment.reference).await.unwrap().contains(&payment));
            paid += payment.allocated.minor;
        }
    }
    assert!(paid > 0);
}

fn allocated(history: &[(Uuid, BillingEvent)], account: u128, payment_id: PaymentId) -> i64 {
    let of_account = history.iter().filter(|(id, _)| *id == Uuid::from_u128(account));
    of_account
        .map(|(_, event)| match event {
            BillingEvent::Account(account::Event::CreditAllocated(fact)) if fact.credit == CreditId::Payment(payment_id) => {
                fact.amount.minor
            }
            BillingEvent::Account(account::Event::AllocationFreed(fact)) if fact.credit == CreditId::Payment(payment_id) => {
                -fact.amount.minor
            }
            _ => 0,
        })
        .sum()
}
