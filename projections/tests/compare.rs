//! Read models held against the log: the same until somebody touches any row of any table.

use std::collections::BTreeSet;

use daftar_domain::{BillingEvent, account, application, bill_run, correction, disconnection, dunning, ledger::periods, payment, repair};
use daftar_projections::{
    MODELS, Model, Place,
    compare::{Compared, compare},
    rebuild::{self, MEMORY},
};
use daftar_store::log::Log;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::{
    billable::invoices,
    collections::{of_dunning, of_order},
    histories::history,
    repairs::{of_repair, workshop},
    spec::{database, everything, log_of},
    users::everybody,
};

async fn run(pool: &PgPool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// Logs that together leave a row in every table, each with the models that take it: in one log some of their ids would meet, and the accounts of
/// a history that nobody thought up take payments by one another's ids.
async fn logs() -> Vec<(Log, Vec<Model>)> {
    let of = |id: u128| Uuid::from_u128(id);
    let goes = |event: &BillingEvent| {
        matches!(event, BillingEvent::Account(account::Event::ContactRemoved(_) | account::Event::AddressRemoved(_)))
    };
    let stays: Vec<_> = everything().into_iter().filter(|(_, event)| !goes(event)).collect();
    let runs = bill_run::example::events().into_iter().map(|event| (of(60), BillingEvent::BillRun(event)));
    let months = periods::example::events().into_iter().map(|event| (of(62), BillingEvent::AccountingPeriods(event)));
    let corrections: Vec<_> = correction::example::events().into_iter().map(|event| (of(63), BillingEvent::Correction(event))).collect();
    let workshop: Vec<_> = workshop().into_iter().chain(of_repair(repair::example::events())).collect();
    let payments: Vec<_> = payment::example::events().into_iter().map(|event| (of(61), BillingEvent::Payment(event))).collect();
    let (history, runs): (_, Vec<_>) = (history(3, 400), runs.chain(months).collect());
    let collections: Vec<_> =
        of_dunning(dunning::example::events()).into_iter().chain(of_order(disconnection::example::events())).collect();
    let applications = application::example::events().into_iter();
    let applications: Vec<_> =
        applications.map(|event| (application::example::APPLICATION.into(), BillingEvent::Application(event))).collect();
    vec![
        (log_of(&stays).await, MODELS.to_vec()),
        (log_of(&invoices()).await, MODELS.to_vec()),
        (
            log_of(&history).await,
            MODELS.iter().filter(|model| ["invoices", "ledger", "receivables"].contains(&model.name)).copied().collect(),
        ),
        (log_of(&runs).await, MODELS.to_vec()),
        (log_of(&payments).await, MODELS.to_vec()),
        (log_of(&corrections).await, MODELS.to_vec()),
        (log_of(&workshop).await, MODELS.to_vec()),
        (log_of(&collections).await, MODELS.to_vec()),
        (log_of(&applications).await, MODELS.to_vec()),
        (log_of(&everybody()).await, MODELS.to_vec()),
    ]
}

async fn compared(log: &Log, pool: &PgPool, model: &str) -> Compared {
    let models: Vec<_> = MODELS.iter().filter(|known| known.name == model).copied().collect();
    let mut all = compare(&models, log, &pool.connect_options(), MEMORY, &|_| {}).await.unwrap();
    all.remove(0)
}

#[tokio::test]
async fn one_altered_one_missing_and_one_extra_row_is_found_in_each_table() {
    let (_database, pool) = database().await;
    let mut seen = BTreeSet::new();
    for (log, models) in logs().await {
        rebuild::rebuild(&models, &log, &pool.connect_options(), MEMORY, &|_| {}).await.unwrap();
        let all = compare(&models, &log, &pool.connect_options(), MEMORY, &|_| {}).await.unwrap();
        assert!(all.iter().all(Compared::is_same), "{all:#?}");
        for model in &all {
            let full: Vec<_> = model.tables.iter().filter(|table| table.rows > 0).map(|table| table.table.clone()).collect();
            if full.iter().filter(|table| seen.insert((model.model, (*table).clone()))).count() > 0 {
                tamper(&log, &pool, model.model, &full).await;
            }
        }
    }
    let known = MODELS.iter().flat_map(|model| model.shapes().into_iter().map(|(table, _)| (model.name, table.to_owned())));
    assert_eq!(known.filter(|table| !seen.contains(table)).collect::<Vec<_>>(), [], "no log leaves a row in these");
    let left = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE '%scratch'";
    assert_eq!(sqlx::query_scalar::<_, String>(left).fetch_all(&pool).await.unwrap(), Vec::<String>::new(), "nothing is left behind");
}

/// Does to one row of each table what somebody with every right could do, and has it found.
async fn tamper(log: &Log, pool: &PgPool, model: &str, tables: &[String]) {
    let schema = Place::Live.schema(MODELS.iter().find(|known| known.name == model).unwrap());
    for table in tables {
        let name = format!("{schema}.{table}");
        // Neither keys nor indexes shall be what finds it.
        let unique = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::regclass AND indisunique";
        let unique: Vec<String> = sqlx::query_scalar(unique).bind(&name).fetch_all(pool).await.unwrap();
        for index in unique {
            let constraint = index.split('.').next_back().unwrap();
            run(pool, format!("ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {constraint}; DROP INDEX IF EXISTS {index}")).await;
        }
        run(pool, format!("CREATE TABLE public.kept_{table} AS TABLE {name}")).await;
    }
    for (what, extra, missing) in [("altered", 1, 1), ("missing", 0, 1), ("extra", 1, 0)] {
        for table in tables {
            let name = format!("{schema}.{table}");
            let one = format!("(SELECT ctid FROM {name} LIMIT 1)");
            let sql = match what {
                "altered" => format!("UPDATE {name} SET {} WHERE ctid = {one}", change(pool, &name).await),
                "missing" => format!("DELETE FROM {name} WHERE ctid = {one}"),
                _ => format!("INSERT INTO {name} SELECT * FROM {name} LIMIT 1"),
            };
            run(pool, sql).await;
        }
        let found = compared(log, pool, model).await;
        for table in tables {
            let found = found.tables.iter().find(|found| found.table == *table).unwrap();
            assert_eq!((found.extra.0, found.missing.0), (extra, missing), "{what} in {model}.{table}: {found:#?}");
            assert_eq!((found.extra.1.len() as u64, found.missing.1.len() as u64), (extra, missing), "they are shown");
            run(pool, format!("TRUNCATE {schema}.{table}; INSERT INTO {schema}.{table} TABLE public.kept_{table}")).await;
        }
    }
    for table in tables {
        run(pool, format!("DROP TABLE public.kept_{table}")).await;
    }
}

/// Another value for the last column for which one is easily had.
async fn change(pool: &PgPool, table: &str) -> String {
    let column = "SELECT quote_ident(attname), CASE typname WHEN 'text' THEN ' || 1' WHEN 'bool' THEN ' IS FALSE' ELSE ' + 1' END
                  FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
                  WHERE attrelid = $1::regclass AND attnum > 0 AND attnotnull
                    AND typname IN ('int2', 'int4', 'int8', 'numeric', 'date', 'text', 'bool') ORDER BY attnum DESC LIMIT 1";
    let (column, change): (String, String) = sqlx::query_as(column).bind(table).fetch_one(pool).await.unwrap();
    format!("{column} = {column}{change}")
}

/// What the tables have not read yet is not missing from them.
#[tokio::test]
async fn tables_are_compared_as_of_where_they_stand() {
    let (_database, pool) = database().await;
    let log = log_of(&history(3, 400)).await;
    let events = crate::spec::recorded(&log).await;
    let half: Vec<_> = events.iter().take(events.len() / 2).collect();
    let model = MODELS.iter().find(|model| model.name == "ledger").unwrap();
    let half: Vec<_> = half.into_iter().filter(|event| model.needs(event.stream.category())).collect();
    let until = half.last().unwrap().position;
    let batch = daftar_projections::Batch { after: None, events: &half, until };
    daftar_projections::deliver(&mut pool.acquire().await.unwrap(), model, Place::Live, batch).await.unwrap();
    let found = compared(&log, &pool, "ledger").await;
    assert!(found.is_same() && found.position == Some(until), "{found:#?}");
    // And of tables that have read nothing.
    let nothing = compared(&log, &pool, "invoices").await;
    assert!(nothing.is_same() && nothing.position.is_none(), "{nothing:#?}");
}
