//! The books of a month are sealed once, and what comes late goes to the month that is open.

use std::{sync::Arc, time::Duration};

use daftar_billing::{
    Unread,
    bill_run::BillRuns,
    period_close::{self, CloseError, NEEDS, PeriodClose},
};
use daftar_domain::{
    Actor, Currency,
    bill_run::Plan,
    ids::InvoiceId,
    invoice::{self, Dates, Invoice, IssueAtOnce, example as invoices},
    ledger::{self, TrialBalance, periods::Rejection},
};
use daftar_projections::{AsOf, ledger as books};
use daftar_store::Memory;
use uuid::Uuid;

use crate::bill_run::company::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_sealed_once_everything_issued_is_charged_and_what_comes_late_is_posted_after_it() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let engine = engine(log.clone());
    tariff(&engine).await;
    customers(&engine, 3).await;
    let closing = PeriodClose::new(engine.clone(), pool.clone());
    let (october, november) = (month("2026-10"), month("2026-11"));
    let (on, by) = (day("2026-11-03"), Actor::user("finance"));

    let behind = closing.clone().patient_for(Duration::ZERO).close(october, on, &by).await.unwrap_err();
    assert!(matches!(behind, CloseError::Unread(Unread::Behind { model: "ledger" })), "{behind}: nobody keeps the books");
    let projectors = [NEEDS, daftar_billing::bill_run::NEEDS].map(|model| project_model(model, Arc::new(log.clone()), &pool));
    let dates = Dates::new(day("2026-10-31"), day("2026-11-15")).unwrap();
    let runs = BillRuns::new(engine.clone(), pool.clone());
    runs.execute("2026-10", Plan { dates, ..plan() }, &|_| ()).await.unwrap();

    // One more invoice is issued, and its account has not heard of it.
    let invoice_id = InvoiceId::new(Uuid::from_u128(9));
    let account_id = Customer(1).account_id();
    let issue = IssueAtOnce { invoice_id, account_id, draft: invoices::draft(), dates, number: invoices::number("OTHER", 1) };
    ask::<Invoice>(&engine, invoice_id, "other", invoice::Command::IssueAtOnce(issue)).await;
    let uncharged = closing.preview(october, on, &by).await.unwrap_err();
    assert_eq!(uncharged.to_string(), "documents of 149.50 SAR are issued and not yet charged");
    assert!(matches!(closing.close(october, on, &by).await, Err(CloseError::Refused(Rejection::IssuedNotCharged(_)))));
    charge_what_is_issued(&engine, &facts(&log).await).await;

    let before = *log.head().borrow();
    let preview = closing.preview(october, on, &by).await.unwrap();
    assert_eq!((preview.closed.as_ref(), *log.head().borrow()), (None, before), "a preview writes nothing");
    let sealed = closing.close(october, on, &by).await.unwrap();
    assert_eq!(sealed.trial_balance, preview.trial_balance);
    let closed = sealed.closed.as_ref().expect("it is closed");
    assert_eq!((closed.trial_balance, &closed.closed_by), (sealed.trial_balance.digest(), &by));
    assert_eq!(recomputed(&log, &sealed).await, sealed.trial_balance, "whoever has the log comes to the same");
    assert!(sealed.trial_balance.balances().count() >= 4 && sealed.trial_balance.difference(Currency::SAR) == 0);

    // A payment of October, told of in November: its date is kept, the sealed books are as they were, and November has it.
    pay(&engine, Customer(2), 5_000).await;
    let again = closing.close(october, day("2026-11-20"), &Actor::user("another")).await.unwrap();
    assert_eq!(again, sealed);
    assert!(matches!(closing.close(november, on, &by).await, Err(CloseError::Refused(Rejection::NotOver { .. }))));
    let head = daftar_domain::Position::single(*log.head().borrow());
    assert!(daftar_projections::Readable::listen(pool.clone()).reached("ledger", head, Duration::from_secs(60)).await.unwrap());
    let mut db = pool.acquire().await.unwrap();
    let mut cash = async |period| {
        let turnover = books::turnover(&mut db, period, AsOf::now_known(day("2030-01-01"))).await.unwrap();
        turnover
            .iter()
            .filter(|turnover| turnover.account == ledger::LedgerAccount::CashOnHand)
            .map(|turnover| turnover.debit)
            .sum::<i128>()
    };
    assert_eq!((cash(october).await, cash(november).await), (0, 5_000));
    let known = books::trial_balance(&pool, AsOf::recorded(sealed.position, october.last_day())).await.unwrap();
    assert_eq!(known.digest(), closed.trial_balance);
    let late = facts(&log).await.iter().filter_map(|fact| ledger::post(fact).unwrap()).map(|journal| journal.effective_on).min();
    assert_eq!(late, Some(day("2026-10-15")));
    projectors.into_iter().for_each(|projector| projector.abort());
}

#[test]
fn a_month_is_called_by_its_name() {
    assert_eq!(month("2026-12").to_string(), "2026-12-01 to 2026-12-31");
    let wrong = period_close::month(&code("2026-13")).unwrap_err();
    assert_eq!(wrong.to_string(), "`2026-13` is not a month, such as 2026-10");
}

fn month(name: &str) -> daftar_domain::BillingPeriod {
    period_close::month(&code(name)).unwrap()
}

/// The books of a period from the log alone.
async fn recomputed(log: &daftar_store::log::Log, sealed: &period_close::Books) -> TrialBalance {
    let mut balance = TrialBalance::default();
    for fact in facts(log).await.iter().filter(|fact| fact.position <= sealed.position) {
        if let Some(journal) = ledger::post(fact).unwrap()
            && journal.effective_on < sealed.period.to()
        {
            balance.post(&journal);
        }
    }
    balance.balances().collect()
}
