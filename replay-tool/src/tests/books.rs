//! A company's books, from real commands: found in order, and out of order in each way that only whoever knows the rules can see.

#[path = "../../../billing/tests/bill_run/company.rs"]
#[allow(dead_code, unreachable_pub, reason = "bill runs' own tests use more of it")]
pub mod company;

use company::{Customer, charge_what_is_issued, customers, database, engine, facts, pay, plan, project, tariff};
use daftar_billing::bill_run::BillRuns;
use daftar_cluster::testing::TestDatabase;
use daftar_store::log::Log;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::*;

/// Customers billed for a month, some of whom have paid before.
pub async fn billed(customers_: u128) -> (Log, TestDatabase, PgPool) {
    let (log, (database, pool)) = (Memory::log(), database().await);
    let engine = engine(log.clone());
    tariff(&engine).await;
    customers(&engine, customers_).await;
    for customer in (1..=customers_).step_by(3) {
        pay(&engine, Customer(customer), 5_000).await;
    }
    let projector = project(Arc::new(log.clone()), &pool);
    BillRuns::new(engine.clone(), pool.clone()).execute("2026-10", plan(), &|_| ()).await.unwrap();
    charge_what_is_issued(&engine, &facts(&log).await).await;
    projector.abort();
    (log, database, pool)
}

pub async fn archive_of(log: &Log, house: &House) -> PathBuf {
    let store: Arc<dyn EventReader> = Arc::new(log.clone());
    let path = house.path("books.daftar");
    export(&store, &path, &origin(), &Seals::default()).await.unwrap();
    path
}

fn altered(bytes: &[u8], alter: impl FnOnce(&mut Value)) -> bytes::Bytes {
    let mut value = serde_json::from_slice(bytes).unwrap();
    alter(&mut value);
    value.to_string().into()
}

fn place(log: &[Event], event_type: &str) -> usize {
    log.iter().position(|event| event.event_type == event_type).unwrap_or_else(|| panic!("no {event_type}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn books_in_order_are_found_so_and_whatever_is_wrong_in_them_is_named() {
    let (house, (log, _database, _)) = (House::new(), billed(40).await);
    let path = archive_of(&log, &house).await;
    let events = events_of(path.clone()).await;
    let report = verify(&Source::Archive(path), &Trust::default()).await.unwrap();
    assert!(report.is_good(), "{}", report.to_text());
    assert_eq!(report.head.size, events.len() as u64);

    let findings = async |tampered: &[Event]| {
        let path = house.path("tampered.daftar");
        write(&path, tampered);
        let report = verify(&Source::Archive(path), &Trust::default()).await.unwrap();
        report.findings.iter().map(Finding::to_string).collect::<Vec<_>>()
    };
    let with = |at: usize, alter: &dyn Fn(&mut Event)| {
        let mut events = events.clone();
        alter(&mut events[at]);
        events
    };
    let charged = place(&events, "AccountCharged");
    let metadata = |change: fn(&mut Value)| move |event: &mut Event| event.metadata = altered(&event.metadata, change);

    let found = findings(&with(charged, &metadata(|value| value["$causationId"] = json!(Uuid::from_u128(9))))).await;
    assert_eq!(found, [format!("leaf {charged}: its cause 00000000-0000-0000-0000-000000000009 is no event before it")]);

    let found = findings(&with(charged, &metadata(|value| value["recorded_at"] = json!("1999-01-01T00:00:00Z")))).await;
    assert!(
        found.len() == 1 && found[0].starts_with(&format!("leaf {charged}: `account-")) && found[0].contains("goes on at 1999"),
        "{found:?}"
    );

    let found = findings(&with(charged, &|event| {
        event.data = altered(&event.data, |value| value["amount"]["minor"] = json!(value["amount"]["minor"].as_i64().unwrap() + 1));
    }))
    .await;
    assert!(
        found[0].starts_with(&format!("leaf {charged}: document RUH-INV-2026-")) && found[0].contains("its account was told"),
        "{found:?}"
    );

    let same_id = with(charged, &|event| event.id = events[charged - 1].id);
    assert_eq!(findings(&same_id).await[0], format!("leaf {charged}: its id {} is that of leaf {}", events[charged - 1].id, charged - 1));

    // The last of the invoices, so that nothing stands behind it in its stream.
    let issued = events.iter().rposition(|event| event.event_type == "InvoiceIssued").unwrap();
    let mut without = events.clone();
    let gone = without.remove(issued);
    let number = serde_json::from_slice::<Value>(&gone.data).unwrap()["number"]["number"].as_u64().unwrap();
    let block = place(&events, "BlockAssigned");
    let found = findings(&without).await;
    let number = format!("RUH-INV-2026-{number:06}");
    assert!(found.contains(&format!("leaf {block}: number {number} has no document")), "{found:?}");
    assert!(found.iter().any(|found| found.contains(&format!("told of document {number}, which was not issued"))), "{found:?}");

    let found = findings(&with(block, &|event| event.data = altered(&event.data, |value| value["first"]["number"] = json!(2)))).await;
    assert!(found[0].starts_with(&format!("leaf {block}: number RUH-INV-2026-000002 is given away where 1 is next")), "{found:?}");

    // The same money, paid for by the rules of nobody: the account's own state says otherwise than the books.
    let allocated = place(&events, "CreditAllocated");
    let mut without = events.clone();
    let stream = without.remove(allocated).stream;
    without
        .iter_mut()
        .filter(|event| event.stream == stream && event.revision > events[allocated].revision)
        .for_each(|event| event.revision -= 1);
    assert_eq!(findings(&without).await, Vec::<String>::new(), "what is gone without a trace only a checkpoint shows");

    // Who carries a command out twice, long after the first time.
    let paid = place(&events, "PaymentReceived");
    let mut twice = events.clone();
    let last = events.iter().filter(|event| event.stream == events[paid].stream).map(|event| event.revision).max().unwrap();
    let (commit, prepare) = (events.last().unwrap().commit + 1, events.last().unwrap().prepare + 1);
    let metadata = altered(&events[paid].metadata, |value| value["recorded_at"] = json!("2999-01-01T00:00:00Z"));
    twice.push(Event { id: Uuid::new_v4(), revision: last + 1, commit, prepare, metadata, ..events[paid].clone() });
    let found = findings(&twice).await;
    let again = format!("leaf {}: its command was carried out on this stream before, at leaf {paid}", events.len());
    assert!(found.contains(&again), "{found:?}");

    let opened = place(&events, "AccountOpened");
    let found = findings(&with(opened, &|event| event.event_type = "AccountMoved".to_owned())).await;
    assert!(found[0].starts_with(&format!("leaf {opened}: event 0 of `account-")), "{found:?}");
}

/// A store's clock proves nothing, and is worth a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_took_events_at_another_time_than_was_recorded_is_mentioned() {
    let (house, (log, _database, _)) = (House::new(), billed(1).await);
    let path = archive_of(&log, &house).await;
    let mut events = events_of(path.clone()).await;
    let at = place(&events, "InvoiceIssued");
    let before = verify(&Source::Archive(path), &Trust::default()).await.unwrap();
    events[at].created_at.seconds += 86_400;
    let path = house.path("tampered.daftar");
    write(&path, &events);
    let report = verify(&Source::Archive(path), &Trust::default()).await.unwrap();
    assert!(report.is_good(), "{}", report.to_text());
    let odd = |report: &Report| report.odd_times.as_ref().map_or(0, |odd| odd.events);
    assert_eq!(odd(&report), odd(&before) + 1);
}
