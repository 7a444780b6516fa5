use daftar_domain::{
    BillingEvent, Currency, Decider,
    bill_run::{self, BillRun, Tally, example as runs},
};
use daftar_domain::{Position, ids::BillRunId, invoice::example as invoices};
use daftar_projections::{
    AsOf,
    bill_runs::{self, BillRuns, Kind},
};
use expect_test::expect;
use sqlx::PgPool;
use uuid::Uuid;

use crate::spec::{database, project_all, projecting};

/// A run of three blocks: in the first every outcome, in the second nobody who could be billed, the third not issued yet.
fn three_blocks() -> Vec<bill_run::Event> {
    let issued = |block, invoices| bill_run::BlockIssued { block, totals: runs::totals(invoices) }.into();
    vec![
        runs::planned(),
        runs::frozen(0, vec![runs::billed(1), runs::held(2), runs::failed(3), runs::billed(4)]),
        issued(0, 2),
        runs::frozen(1, vec![runs::failed(5), runs::failed(6)]),
        runs::frozen(2, vec![runs::billed(7), runs::held(8)]),
    ]
}

fn of(events: Vec<bill_run::Event>) -> Vec<(Uuid, BillingEvent)> {
    events.into_iter().map(|event| (runs::RUN.into(), event.into())).collect()
}

async fn projected(events: Vec<bill_run::Event>) -> (daftar_cluster::testing::TestDatabase, PgPool) {
    let (database, pool) = database().await;
    project_all::<BillRuns>(&pool, of(events)).await;
    (database, pool)
}

#[tokio::test]
async fn a_run_is_told_block_by_block_until_it_is_finished() {
    projecting::<BillRuns>()
        .given(of(runs::events()[..2].to_vec()))
        .when(of(runs::events()[2..].to_vec()))
        .then(
            "SELECT 'run' AS table, position, row_to_json(run)::jsonb - 'plan' AS row FROM read_bill_runs.run
             UNION ALL SELECT 'block', position, row_to_json(b)::jsonb - 'list_digest' FROM read_bill_runs.block b
             UNION ALL SELECT 'total', position, row_to_json(t)::jsonb FROM read_bill_runs.total t
             UNION ALL SELECT 'decimals', block, row_to_json(t)::jsonb FROM read_bill_runs.total_in_decimals t
             UNION ALL SELECT 'exception', position, row_to_json(exception)::jsonb FROM read_bill_runs.exception ORDER BY 1, 3",
            expect![[r#"
                {"table":"block","position":3,"row":{"held": 1, "block": 0, "billed": 2, "failed": 1, "run_id": "00000000-0000-0000-0000-00000000003c", "position": 3, "frozen_at": "2024-01-01T00:00:02+00:00", "issued_at": "2024-01-01T00:00:03+00:00", "rated_as_of": 1000, "last_account_id": "00000000-0000-0000-0000-000000000004", "first_account_id": "00000000-0000-0000-0000-000000000001"}}
                {"table":"decimals","position":0,"row":{"net": 260.00, "vat": 39.00, "block": 0, "cycle": "2024-06", "total": 299.00, "run_id": "00000000-0000-0000-0000-00000000003c", "currency": "SAR", "invoices": 2, "rounding": 0.00, "issued_on": "2024-07-01"}}
                {"table":"exception","position":2,"row":{"why": null, "code": null, "block": 0, "run_id": "00000000-0000-0000-0000-00000000003c", "outcome": "held", "position": 2, "account_id": "00000000-0000-0000-0000-000000000002"}}
                {"table":"exception","position":2,"row":{"why": "no tariff applies on 2024-06-01", "code": "no-tariff", "block": 0, "run_id": "00000000-0000-0000-0000-00000000003c", "outcome": "failed", "position": 2, "account_id": "00000000-0000-0000-0000-000000000003"}}
                {"table":"run","position":5,"row":{"held": 1, "cycle": "2024-06", "billed": 2, "blocks": 1, "failed": 1, "run_id": "00000000-0000-0000-0000-00000000003c", "cut_off": "2024-07-01", "moved_at": "2024-01-01T00:00:05+00:00", "position": 5, "revision": 4, "issued_on": "2024-07-01", "planned_at": "2024-01-01T00:00:01+00:00", "finished_at": "2024-01-01T00:00:05+00:00", "open_blocks": 0, "last_account_id": "00000000-0000-0000-0000-000000000004"}}
                {"table":"total","position":3,"row":{"net": 26000, "vat": 3900, "block": 0, "total": 29900, "run_id": "00000000-0000-0000-0000-00000000003c", "largest": 14950, "currency": "SAR", "invoices": 2, "position": 3, "rounding": 0, "smallest": 14950, "issued_on": "2024-07-01"}}
            "#]],
        )
        .await;
}

/// At each event the rows say what the aggregate says.
#[tokio::test]
async fn a_run_stands_as_its_aggregate_says() {
    let mut open = vec![];
    for seen in 1..=three_blocks().len() {
        let events = three_blocks()[..seen].to_vec();
        let aggregate = events.iter().fold(BillRun::default(), Decider::evolve);
        let (_database, pool) = projected(events).await;
        let run = bill_runs::by_id(&pool, runs::RUN).await.unwrap().expect("a run");
        assert_eq!((Some(&run.plan), run.tally), (aggregate.plan(), aggregate.tally()));
        assert_eq!((run.blocks, run.open_blocks as usize), (aggregate.cursor().0, aggregate.open_blocks().count()));
        assert_eq!(run.finished_at, None);
        let totals = bill_runs::totals(&pool, runs::RUN, AsOf::now_known(invoices::dates().issued_on)).await.unwrap();
        assert_eq!(&totals, aggregate.totals());
        open.push(run.open_blocks);
    }
    assert_eq!(open, [0, 1, 0, 0, 1]);
}

#[tokio::test]
async fn runs_blocks_and_exceptions_are_read_page_by_page() {
    let (_database, pool) = projected(three_blocks()).await;
    let [run] = &bill_runs::all(&pool, None, 10).await.unwrap()[..] else { panic!("one run") };
    assert_eq!(bill_runs::all(&pool, Some((run.planned_at, run.id)), 10).await.unwrap(), []);
    assert_eq!(bill_runs::count(&pool).await.unwrap(), 1);
    assert_eq!(bill_runs::by_id(&pool, BillRunId::new(Uuid::nil())).await.unwrap(), None);

    let blocks = bill_runs::blocks(&pool, run.id, None, 10).await.unwrap();
    let said: Vec<_> = blocks.iter().map(|block| (block.number, block.tally, block.issued_at.is_some())).collect();
    let tally = |billed, held, failed| Tally { billed, held, failed };
    assert_eq!(said, [(0, tally(2, 1, 1), true), (1, tally(0, 0, 2), false), (2, tally(1, 1, 0), false)]);
    assert_eq!(bill_runs::blocks(&pool, run.id, Some(0), 1).await.unwrap(), blocks[1..2]);

    let any = (None, None);
    let all = bill_runs::exceptions(&pool, run.id, any, None, 10).await.unwrap();
    assert_eq!(all.iter().map(|exception| exception.account_id).collect::<Vec<_>>(), [2, 3, 5, 6, 8].map(runs::account));
    assert_eq!(bill_runs::exceptions(&pool, run.id, any, Some(runs::account(3)), 2).await.unwrap(), all[2..4]);
    let held = bill_runs::exceptions(&pool, run.id, (Some(Kind::Held), None), None, 10).await.unwrap();
    assert_eq!(held, [all[0].clone(), all[4].clone()]);
    let code = invoices::code("no-tariff");
    let failed = bill_runs::exceptions(&pool, run.id, (None, Some(&code)), None, 10).await.unwrap();
    assert_eq!(failed, all[1..4]);
    assert_eq!(failed[0].failure.as_ref().map(|failure| failure.why.as_str()), Some("no tariff applies on 2024-06-01"));
    let counts = bill_runs::count_exceptions(&pool, run.id).await.unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [((Kind::Held, None), 2), ((Kind::Failed, Some(code)), 3)]);
}

#[tokio::test]
async fn what_a_run_came_to_is_asked_as_of_any_moment() {
    let (_database, pool) = projected(three_blocks()).await;
    let day = invoices::dates().issued_on;
    let asked = async |as_of| bill_runs::totals(&pool, runs::RUN, as_of).await.unwrap();
    assert_eq!(asked(AsOf::recorded(Position::single(2), day)).await, runs::totals(0));
    assert_eq!(asked(AsOf::recorded(Position::single(3), day)).await, runs::totals(2));
    assert_eq!(asked(AsOf::now_known(day.pred_opt().unwrap())).await, runs::totals(0));
    assert_eq!(asked(AsOf::now_known(day)).await[&Currency::SAR].invoices, 2);
}
