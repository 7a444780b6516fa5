//! What a bill run needs: every kind of fact that counts, and a page of it as it stood at any position.

use daftar_domain::{BillingEvent, Position, account, agreement::example as agreements, ids::AccountId, invoice};
use daftar_projections::billable::{self, Billable};
use expect_test::expect;
use sqlx::{Executor, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::spec::{database, everything, project_all, projecting};

/// One that is drafted and issued, and one that is cancelled.
pub fn invoices() -> Vec<(Uuid, BillingEvent)> {
    let invoice = |n: u128, events: Vec<invoice::Event>| events.into_iter().map(move |event| (Uuid::from_u128(n), event.into()));
    let cancelled = invoice::example::events().into_iter().filter(|event| matches!(event, invoice::Event::InvoiceCancelled(_)));
    let both = vec![invoice::example::drafted(), invoice::example::issued()];
    invoice(50, both).chain(invoice(51, cancelled.collect())).collect()
}

const ROWS: &str = "
    SELECT 'facts' AS what, count(*)::text AS of, event_type AS about, min(position) AS since FROM read_billable.fact GROUP BY event_type
    UNION ALL SELECT 'series', series_id::text, '', position FROM read_billable.series
    UNION ALL SELECT 'supply', account_id::text, agreement_id || ' ' || service, position FROM read_billable.supply
    UNION ALL SELECT 'meter', service_point_id::text, meter_id::text, position FROM read_billable.meter
    UNION ALL SELECT 'billed', invoice_id::text, concat(billed_to, ' ', total, ' ', currency, ' ', carried), position FROM read_billable.billed
    UNION ALL SELECT 'draft', invoice_id::text, agreement_id::text, position FROM read_billable.draft
    UNION ALL SELECT 'void', invoice_id::text, '', position FROM read_billable.void
    UNION ALL SELECT 'correction', correction_id::text, account_id::text, position FROM read_billable.correction
    UNION ALL SELECT 'corrected', correction_id::text, '', position FROM read_billable.corrected
    UNION ALL SELECT 'stand', stream_id::text, concat(revision, ' ', unapplied), position FROM read_billable.stand
    ORDER BY 1, 4, 3";

#[tokio::test]
async fn everything_that_a_bill_depends_on_is_kept() {
    projecting::<Billable>()
        .given(everything())
        .when(invoices())
        .then(
            ROWS,
            expect![[r#"
                {"what":"billed","of":"00000000-0000-0000-0000-000000000032","about":"2024-07-01 14950 SAR ","since":101}
                {"what":"draft","of":"00000000-0000-0000-0000-000000000032","about":"00000000-0000-0000-0000-00000000001f","since":100}
                {"what":"facts","of":"1","about":"AccountOpened","since":1}
                {"what":"facts","of":"1","about":"AccountReclassified","since":2}
                {"what":"facts","of":"1","about":"HolderRenamed","since":3}
                {"what":"facts","of":"1","about":"IdentityRecorded","since":4}
                {"what":"facts","of":"1","about":"CurrencyChosen","since":6}
                {"what":"facts","of":"1","about":"AddressAdded","since":10}
                {"what":"facts","of":"1","about":"AddressChanged","since":11}
                {"what":"facts","of":"1","about":"AddressRemoved","since":12}
                {"what":"facts","of":"1","about":"VatStatusSet","since":13}
                {"what":"facts","of":"1","about":"SubsidyGranted","since":15}
                {"what":"facts","of":"1","about":"SubsidyEnded","since":16}
                {"what":"facts","of":"1","about":"PremisesRegistered","since":59}
                {"what":"facts","of":"1","about":"PremisesAmended","since":60}
                {"what":"facts","of":"1","about":"MeterAttached","since":62}
                {"what":"facts","of":"1","about":"AgreementStarted","since":63}
                {"what":"facts","of":"1","about":"TariffSeriesChanged","since":64}
                {"what":"facts","of":"1","about":"ReadCycleChanged","since":65}
                {"what":"facts","of":"1","about":"AgreementEnded","since":66}
                {"what":"facts","of":"1","about":"MeterDetached","since":67}
                {"what":"facts","of":"1","about":"MeterRegistered","since":71}
                {"what":"facts","of":"1","about":"MeterInstalled","since":74}
                {"what":"facts","of":"1","about":"ReadingRecorded","since":75}
                {"what":"facts","of":"1","about":"ReadingHeld","since":76}
                {"what":"facts","of":"1","about":"ReadingReleased","since":77}
                {"what":"facts","of":"1","about":"ReadingReversed","since":78}
                {"what":"facts","of":"1","about":"ReadingEstimated","since":79}
                {"what":"facts","of":"1","about":"EstimatesTruedUp","since":80}
                {"what":"facts","of":"1","about":"ReadingsBilled","since":81}
                {"what":"facts","of":"1","about":"ReadingsUnbilled","since":82}
                {"what":"facts","of":"1","about":"MeterRemoved","since":89}
                {"what":"facts","of":"1","about":"MeterExchanged","since":90}
                {"what":"facts","of":"1","about":"TariffPublished","since":98}
                {"what":"facts","of":"1","about":"TariffClosed","since":99}
                {"what":"meter","of":"fd5c5bb0-79b5-5f07-b83e-ee4f91c077ff","about":"00000000-0000-0000-0000-000000000040","since":62}
                {"what":"series","of":"00000000-0000-0000-0000-00000000005f","about":"","since":98}
                {"what":"stand","of":"00000000-0000-0000-0000-000000000007","about":"57 23201","since":58}
                {"what":"stand","of":"00000000-0000-0000-0000-000000000051","about":"22 0","since":93}
                {"what":"supply","of":"00000000-0000-0000-0000-0000000002bd","about":"00000000-0000-0000-0000-000000000259 electricity","since":63}
                {"what":"void","of":"00000000-0000-0000-0000-000000000033","about":"","since":102}
            "#]],
        )
        .await;
}

/// Unapplied credit is what the books have of it: from payments to what they paid.
#[tokio::test]
async fn credit_that_waits_is_known() {
    use account::example as accounts;
    let account = |event: account::Event| (Uuid::from_u128(7), BillingEvent::from(event));
    projecting::<Billable>()
        .given([account(accounts::opened()), account(accounts::payment_received(1, 3_000))])
        .when([account(accounts::allocated(accounts::payment(1), 1, 2_000, 0, 0))])
        .then(
            "SELECT revision, unapplied FROM read_billable.stand",
            expect![[r#"
            {"revision":2,"unapplied":1000}
        "#]],
        )
        .await;
}

#[tokio::test]
async fn a_page_shows_accounts_as_they_stood() {
    let (_database, pool) = database().await;
    project_all::<Billable>(&pool, everything().into_iter().chain(invoices())).await;
    let account_id = agreements::agreement(1, chrono::NaiveDate::MIN).account_id;
    let page = billable::after(&pool, None, 10).await.unwrap().unwrap();
    assert_eq!(page.accounts().collect::<Vec<_>>(), [account_id]);
    assert!(billable::after(&pool, Some(account_id), 10).await.unwrap().is_none());
    assert!(page.customer(account_id).unwrap().is_none(), "the example's agreement is with an account that was never opened");

    let before = billable::of(&pool, &[AccountId::new(Uuid::from_u128(7))], Position::single(1)).await.unwrap();
    let customer = before.customer(AccountId::new(Uuid::from_u128(7))).unwrap().unwrap();
    assert_eq!(customer.account.state.currency(), Some(daftar_domain::Currency::SAR));
    assert_eq!(customer.account.stood, None, "the stream has gone on since, so nobody may decide from what it was");
    assert_eq!(billable::tariffs(&pool, page.as_of).await.unwrap().len(), 1);
    assert_eq!(billable::tariffs(&pool, Position::single(1)).await.unwrap().len(), 0);
}

/// What a run adds is not in what the planner knows of the tables.
#[tokio::test]
async fn a_page_reads_no_table_from_end_to_end() {
    let (database, pool) = database().await;
    project_all::<Billable>(&pool, everything().into_iter().chain(invoices())).await;
    pool.execute("VACUUM ANALYZE").await.unwrap();
    let one = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    let read = async || {
        one.execute("SELECT pg_stat_force_next_flush()").await.unwrap();
        let read = "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE schemaname = 'read_billable'";
        sqlx::query_scalar::<_, i64>(read).fetch_one(&one).await.unwrap()
    };
    let before = read().await;
    // Often enough for plans that are made for any values.
    for _ in 0..10 {
        billable::after(&one, None, 10).await.unwrap().unwrap();
    }
    assert_eq!(read().await, before);
}
