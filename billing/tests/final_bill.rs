//! A customer leaves: what it takes until the account can be closed, and where the money ends.

use std::sync::Arc;

use daftar_billing::{
    bill_run::BillRuns,
    final_bill::{self, FinalBillError},
};
use daftar_domain::{
    Actor, Currency, Money, Reason, StreamName,
    account::{self, Account, SettleFinally, TakeDeposit, Tender},
    agreement::{self, MoveOut, ServicePoint},
    ids::{DepositId, RefundId},
    ledger::LedgerAccount,
};
use daftar_store::{Memory, Outcome};
use uuid::Uuid;

use crate::bill_run::company::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_final_bill_is_paid_from_the_deposit_and_what_is_over_goes_back() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let engine = engine(log.clone());
    let leaver = Customer(1);
    tariff(&engine).await;
    supplied(&engine, leaver, "homes").await;
    read(&engine, leaver, "2026-10-31", 1_000).await;
    let deposit = TakeDeposit {
        deposit_id: DepositId::new(Uuid::from_u128(5)),
        amount: Money::new(10_000, Currency::SAR),
        tender: Tender::Pos,
        channel: code("till"),
        session: None,
        on: day("2026-09-30"),
    };
    ask::<Account>(&engine, leaver.account_id(), "deposit", account::Command::TakeDeposit(deposit)).await;

    let settle = async |key: &str| {
        let wish = SettleFinally {
            refund_id: RefundId::new(Uuid::new_v5(&Uuid::nil(), key.as_bytes())),
            tender: Tender::Transfer,
            approved_by: Actor::user("9"),
            on: day("2026-11-20"),
            reason: Reason::new("moved away").unwrap(),
        };
        final_bill::settle(&engine, &pool, &context(key), leaver.account_id(), wish).await
    };
    let account = async || engine.look::<Account>(&StreamName::of::<Account>(leaver.account_id())).await.unwrap();
    let before = facts(&log).await.len();
    assert!(matches!(settle("1").await, Err(FinalBillError::NotEnded(id)) if id == leaver.agreement_id()));
    assert_eq!(facts(&log).await.len(), before, "who is refused has changed nothing");

    let reads = vec![leaver.reading_id("2026-10-31")];
    let move_out =
        MoveOut { agreement_id: leaver.agreement_id(), to: day("2026-11-01"), reads, reason: Reason::new("moved away").unwrap() };
    ask::<ServicePoint>(&engine, leaver.service_point_id(), "out", agreement::Command::MoveOut(move_out)).await;
    let unbilled = settle("2").await.unwrap_err();
    assert!(matches!(unbilled, FinalBillError::NotBilled { to, .. } if to == day("2026-11-01")), "{unbilled}");

    let runs = BillRuns::new(engine.clone(), pool.clone());
    assert_eq!(runs.execute("2026-10", plan(), &|_| ()).await.unwrap().tally.billed, 1);
    // 241.50 less the 100.00 of the deposit.
    settle("3").await.unwrap();
    assert_eq!(account().await.receivable().balance(Currency::SAR), Money::new(14_150, Currency::SAR));
    assert!(matches!(settle("4").await.unwrap(), Outcome::AlreadyTrue { .. }), "what is owed is waited for");

    pay(&engine, leaver, 15_000).await;
    settle("5").await.unwrap();
    assert!(account().await.receivable().is_settled());
    assert_eq!(account().await.standing(), account::Standing::Closed);
    assert!(matches!(settle("6").await.unwrap(), Outcome::AlreadyTrue { .. }));
    let books = trial_balance(&facts(&log).await);
    let in_books = |account| books.balance(account, Currency::SAR);
    assert_eq!([LedgerAccount::Receivable, LedgerAccount::Unapplied, LedgerAccount::Deposits].map(in_books), [0; 3]);
    assert_eq!(in_books(LedgerAccount::CashOnHand), 15_000 - 850, "what was over went back as it came");
    projector.abort();
}
