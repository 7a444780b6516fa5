use daftar_domain::{
    BillingEvent, Decider, Position,
    ids::{AccountId, InvoiceId},
    invoice::{self, Invoice, Status, Subject, example as invoices},
};
use daftar_projections::{
    AsOf,
    invoices::{Invoices, Kind, by_id, by_number, documents, due_before, of_account, stood, waiting},
};
use expect_test::expect;
use uuid::Uuid;

use crate::{
    histories::{SAR, accounts_after, history, the_end},
    spec::{database, log_of, project_all, projecting, recorded},
};

/// One of every event, on one invoice.
fn everything() -> Vec<(Uuid, BillingEvent)> {
    invoices::events().into_iter().map(|event| (invoices::INVOICE.into(), event.into())).collect()
}

#[tokio::test]
async fn every_event_leaves_its_mark() {
    projecting::<Invoices>()
        .given(everything().into_iter().take(6))
        .when(everything().into_iter().skip(6))
        .then(
            "SELECT position, 'standing' AS table, concat_ws(' ', effective_on, status, overdue, left_to_pay, reason) AS row
             FROM read_invoices.standing
             UNION ALL SELECT position, kind, concat_ws(' ', number, issued_on, due_on, net, vat, total, reason) FROM read_invoices.document_in_decimals
             UNION ALL SELECT revision, 'invoice', concat_ws(' ', number, account_id, issued_on, due_on, supplied_from, supplied_to, total, credited,
                                                             debited, creditable, paid, written_off, left_to_pay, status) FROM read_invoices.invoice
             UNION ALL SELECT line, 'line', concat_ws(' ', number, code, revenue, quantity, unit, price, net, vat_category, vat_rate, text)
                       FROM read_invoices.line_in_decimals
             ORDER BY 2, 1, 3",
            expect![[r#"
                {"position":8,"table":"creditNote","row":"RUH-CRN-2024-000003 2024-07-10 -50.00 -7.50 -57.50 meter fast"}
                {"position":10,"table":"debitNote","row":"RUH-DBN-2024-000001 2024-07-12 2024-07-27 50.00 7.50 57.50 reconnection forgotten"}
                {"position":6,"table":"invoice","row":"RUH-INV-2024-000042 2024-07-01 2024-07-16 130.00 19.50 149.50"}
                {"position":15,"table":"invoice","row":"RUH-INV-2024-000042 00000000-0000-0000-0000-000000000007 2024-07-01 2024-07-16 2024-06-01 2024-07-01 14950 5750 5750 14950 10000 4950 0 cancelled"}
                {"position":1,"table":"line","row":"RUH-CRN-2024-000003 usage energy 1 piece 50.00 50.00 S 0.15"}
                {"position":1,"table":"line","row":"RUH-DBN-2024-000001 piece reconnectFee 1 piece 50.00 50.00 S 0.15 ضاغط"}
                {"position":1,"table":"line","row":"RUH-INV-2024-000042 usage energy 100 kWh 1 100.00 S 0.15"}
                {"position":2,"table":"line","row":"RUH-INV-2024-000042 meter-fee fixedFee 1 period 30 30.00 S 0.15"}
                {"position":1,"table":"standing","row":"2024-01-01 draft f 0"}
                {"position":2,"table":"standing","row":"2024-01-01 held f 0 disputed reading"}
                {"position":3,"table":"standing","row":"2024-01-01 draft f 0 checked with the reader"}
                {"position":4,"table":"standing","row":"2024-01-01 discarded f 0 drafted twice"}
                {"position":5,"table":"standing","row":"2024-01-01 approved f 0"}
                {"position":6,"table":"standing","row":"2024-07-01 open f 14950"}
                {"position":7,"table":"standing","row":"2024-07-10 open f 14950 meter fast"}
                {"position":8,"table":"standing","row":"2024-07-10 open f 9200 meter fast"}
                {"position":10,"table":"standing","row":"2024-07-12 open f 14950 reconnection forgotten"}
                {"position":11,"table":"standing","row":"2024-07-14 cancelled f 14950 billed twice"}
                {"position":12,"table":"standing","row":"2024-07-14 cancelled f 4950"}
                {"position":13,"table":"standing","row":"2024-07-14 cancelled f 0"}
                {"position":14,"table":"standing","row":"2024-07-14 cancelled f 4950"}
                {"position":15,"table":"standing","row":"2024-07-17 cancelled t 4950"}
                {"position":16,"table":"standing","row":"2024-07-14 cancelled f 0 not to be had"}
            "#]],
        )
        .await;
}

/// The model's own arithmetic of what is left, and what that is called, held against the aggregate's.
#[tokio::test]
async fn an_invoice_stands_as_its_aggregate_says() {
    let mut met = std::collections::BTreeSet::new();
    for seed in 1..=12 {
        let (_database, pool) = database().await;
        let history = history(seed, 250);
        project_all::<Invoices>(&pool, history.clone()).await;
        let facts = recorded(&log_of(&history).await).await;
        let mut folded = std::collections::BTreeMap::<Uuid, Invoice>::new();
        for ((id, event), fact) in history.iter().zip(&facts) {
            let BillingEvent::Invoice(event) = event else { continue };
            let invoice = folded.entry(*id).or_default();
            *invoice = std::mem::take(invoice).evolve(event);
            let (id, as_of) = (InvoiceId::new(*id), AsOf::recorded(fact.position, the_end()));
            let (status, overdue, left) = stood(&pool, id, as_of).await.unwrap().expect("an invoice");
            assert_eq!(Some(status), invoice.status(), "seed {seed}, {event:?}");
            assert_eq!((overdue, Some(left)), (invoice.is_overdue(), invoice.left_to_pay().map(|left| left.minor)));
            met.insert(format!("{status:?}{}", if overdue { "Overdue" } else { "" }));
        }
        for (id, invoice) in &folded {
            let found = by_id(&pool, InvoiceId::new(*id)).await.unwrap().expect("an invoice");
            assert_eq!((Some(found.status), Some(found.left_to_pay)), (invoice.status(), invoice.left_to_pay()));
            let numbers: Vec<_> =
                documents(&pool, found.id, AsOf::now_known(the_end())).await.unwrap().into_iter().map(|document| document.number).collect();
            for number in &numbers {
                assert_eq!(by_number(&pool, number).await.unwrap().as_ref(), Some(&found));
            }
            assert_eq!(found.number.as_ref(), numbers.first());
        }
        for account_id in accounts_after(&history).into_keys() {
            assert_listed(&pool, account_id, &folded).await;
        }
    }
    assert_eq!(
        met.into_iter().collect::<Vec<_>>().join(" "),
        "Cancelled Credited CreditedOverdue Open OpenOverdue Paid PartlyPaid PartlyPaidOverdue WrittenOff"
    );
}

async fn assert_listed(pool: &sqlx::PgPool, account_id: AccountId, all: &std::collections::BTreeMap<Uuid, Invoice>) {
    let (mut seen, mut after) = (vec![], None);
    while let [first, ..] = &of_account(pool, account_id, after, 1).await.unwrap()[..] {
        after = Some((first.issued_on.expect("issued"), first.id));
        seen.push(first.clone());
    }
    let at_once = of_account(pool, account_id, None, 100).await.unwrap();
    assert_eq!(seen, at_once);
    assert!(at_once.iter().all(|invoice| invoice.account_id == account_id));
    assert!(at_once.is_sorted_by_key(|invoice| std::cmp::Reverse((invoice.issued_on, invoice.id))));
    let due: Vec<_> = due_before(pool, the_end(), None, 100).await.unwrap();
    assert!(due.is_sorted_by_key(|invoice| (invoice.due_on, invoice.id)));
    let open = all.values().filter(|invoice| invoice.left_to_pay().is_some_and(|left| !left.is_zero())).count();
    assert_eq!(due.len(), open);
    if let [first, second, ..] = &due[..] {
        let page = due_before(pool, the_end(), first.due_on.map(|day| (day, first.id)), 1).await.unwrap();
        assert_eq!(page.first(), Some(second));
        assert!(due_before(pool, first.due_on.unwrap(), None, 100).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_document_is_given_back_as_it_was_issued() {
    let (_database, pool) = database().await;
    project_all::<Invoices>(&pool, everything()).await;
    let all = documents(&pool, invoices::INVOICE, AsOf::now_known(the_end())).await.unwrap();
    assert_eq!(all.iter().map(|document| document.kind).collect::<Vec<_>>(), [Kind::Invoice, Kind::CreditNote, Kind::DebitNote]);
    let invoice::Event::InvoiceIssued(issued) = invoices::issued() else { panic!("issued") };
    assert_eq!((&all[0].content, all[0].subject.as_ref()), (&*issued.document, Some(&issued.subject)));
    let Some(Subject::Supply { supplies }) = &all[0].subject else { panic!("a supply") };
    assert_eq!(supplies[0].bill, invoices::supply("100").bill, "the bill explains itself");
    assert_eq!((all[1].reason.as_deref(), all[1].content.total.minor), (Some("meter fast"), 5_750));
    // Before the debit note was known, and before the credit note was issued.
    let known = |as_of| documents(&pool, invoices::INVOICE, as_of);
    assert_eq!(known(AsOf::recorded(Position::single(9), the_end())).await.unwrap().len(), 2);
    assert_eq!(known(AsOf::now_known("2024-07-09".parse().unwrap())).await.unwrap().len(), 1);
    assert_eq!(known(AsOf::now_known("2024-06-30".parse().unwrap())).await.unwrap(), []);
    assert_eq!(by_number(&pool, "RUH-INV-2024-000043").await.unwrap(), None);
}

#[tokio::test]
async fn drafts_that_wait_are_found_by_what_they_wait_for() {
    let (_database, pool) = database().await;
    project_all::<Invoices>(&pool, everything().into_iter().take(2)).await;
    let held = waiting(&pool, Status::Held, None, 10).await.unwrap();
    let [invoice] = &held[..] else { panic!("{held:?}") };
    assert_eq!((invoice.id, invoice.number.as_ref(), invoice.total), (invoices::INVOICE, None, invoices::sar(14_950)));
    assert_eq!(waiting(&pool, Status::Held, Some(invoices::INVOICE), 10).await.unwrap(), []);
    assert_eq!(waiting(&pool, Status::Approved, None, 10).await.unwrap(), []);
    assert_eq!(of_account(&pool, invoices::ACCOUNT, None, 10).await.unwrap(), [], "a draft is nobody's invoice yet");
    assert_eq!(invoice.total.currency, SAR);
}
