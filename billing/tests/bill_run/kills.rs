//! A run that is killed wherever, and run again, ends as one that was not.

use std::{collections::BTreeMap, sync::Arc};

use daftar_billing::bill_run::BillRuns;
use daftar_domain::{BillingEvent, StreamName, invoice, register::DocumentNumber};
use daftar_store::{Memory, log::Log};

use super::{company::*, runs};
use crate::mortal::Mortal;

/// Accounts: enough for three blocks, and for any of them to be open when the end comes. `DAFTAR_BILL_RUN_ACCOUNTS` asks for more.
fn accounts() -> u128 {
    std::env::var("DAFTAR_BILL_RUN_ACCOUNTS").map_or(2_100, |count| count.parse().unwrap())
}

const KILLS: i64 = 10;

/// Each invoice by its account, with its number and what it says.
async fn invoices(log: &Log) -> BTreeMap<StreamName, (DocumentNumber, i64)> {
    let issued = facts(log).await.into_iter().filter_map(|fact| match fact.event {
        BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) => Some((fact.stream, (issued.number, issued.document.total.minor))),
        _ => None,
    });
    let issued: Vec<_> = issued.collect();
    let by_stream: BTreeMap<_, _> = issued.iter().cloned().collect();
    assert_eq!(by_stream.len(), issued.len(), "no invoice is issued twice");
    by_stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_again_and_again_ends_as_one_that_was_not() {
    let count = accounts();
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let prepare = engine(log.clone());
    tariff(&prepare).await;
    customers(&prepare, count).await;
    pay(&prepare, Customer(1), 5_000).await;
    let prepared: Vec<_> = facts(&log).await;

    // The same company once more, and a run of it that nobody disturbs.
    let (calm, (_calm_database, calm_pool)) = (Memory::log(), database().await);
    let calm_engine = engine(calm.clone());
    tariff(&calm_engine).await;
    customers(&calm_engine, count).await;
    pay(&calm_engine, Customer(1), 5_000).await;
    assert_eq!(prepared.len(), facts(&calm).await.len());
    let calm_projector = project(Arc::new(calm.clone()), &calm_pool);
    let (_, undisturbed) = runs(&calm, &calm_pool).await;
    let expected = undisturbed.execute("2026-10", plan(), &|_| ()).await.unwrap();
    assert_eq!(u128::from(expected.tally.billed), count);

    let projector = project(Arc::new(log.clone()), &pool);
    runs(&log, &pool).await;
    // Three appends an account, more or less, shared out over the kills at random.
    let share = i64::try_from(count).unwrap() * 3 / (KILLS + 1);
    for kill in 0..KILLS {
        let mortal = Mortal::new(&log, rand::random_range(0..share * 2), kill % 2 == 0);
        let dying = BillRuns::new(daftar_store::Engine::new(mortal.clone()), pool.clone());
        if let Some(ended) = mortal.outlived(dying.execute("2026-10", plan(), &|_| ())).await {
            assert_eq!(ended.unwrap(), expected, "if it ended before kill {kill}, it ended well");
        }
    }
    let (_, last) = runs(&log, &pool).await;
    assert_eq!(last.execute("2026-10", plan(), &|_| ()).await.unwrap(), expected);

    let (killed, calm_invoices) = (invoices(&log).await, invoices(&calm).await);
    assert_eq!(killed, calm_invoices);
    let mut counters: Vec<u64> = killed.values().map(|(number, _)| number.counter).collect();
    counters.sort_unstable();
    assert!(counters.iter().copied().eq(1..=counters.len() as u64), "numbers have neither gaps nor doubles");
    let [killed, calm] = [facts(&log).await, facts(&calm).await];
    assert_eq!(trial_balance(&killed).digest(), trial_balance(&calm).digest());
    assert_eq!(killed.len(), calm.len(), "nothing was said twice");
    projector.abort();
    calm_projector.abort();
}
