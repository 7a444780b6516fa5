//! `daftar projections` on a database of its own and a log without events.

use std::process::{Command, Output};

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_projections::MODELS;
use expect_test::expect;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::daftar::{daftar, failure};

async fn migrated() -> TestDatabase {
    let database = test_database("empty", async |_| Ok::<_, sqlx::Error>(())).await;
    assert!(said(&mut on(&database, &["migrate"])).contains("read models  up to date"));
    database
}

fn on(database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = daftar(arguments);
    command.env("DATABASE_URL", database.url()).env("EVENTSTORE_URL", "memory:");
    command
}

fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[tokio::test]
async fn status_says_how_each_model_is_and_fails_if_one_has_stopped() {
    let database = migrated().await;
    expect![[r#"
        model        version   position   behind   seconds  events/s  kept by
        accounts           5          -        0       0.0         0  nobody
        agreements         1          -        0       0.0         0  nobody
        applications       2          -        0       0.0         0  nobody
        bill_runs          1          -        0       0.0         0  nobody
        billable           3          -        0       0.0         0  nobody
        collections        2          -        0       0.0         0  nobody
        fleet              1          -        0       0.0         0  nobody
        invoices           6          -        0       0.0         0  nobody
        ledger             1          -        0       0.0         0  nobody
        meters             3          -        0       0.0         0  nobody
        payments           6          -        0       0.0         0  nobody
        readings           1          -        0       0.0         0  nobody
        receivables        6          -        0       0.0         0  nobody
        repairs            2          -        0       0.0         0  nobody
        tariffs            1          -        0       0.0         0  nobody
        users              1          -        0       0.0         0  nobody
        workshop           1          -        0       0.0         0  nobody
    "#]]
    .assert_eq(&said(&mut on(&database, &["projections", "status"])));

    let mut db = PgConnection::connect(database.url()).await.unwrap();
    let stopped =
        "UPDATE daftar_projections.checkpoint SET stopped_because = 'event 7 cannot be read', leader = 'a host' WHERE model = 'meters'";
    sqlx::query(stopped).execute(&mut db).await.unwrap();
    let output = on(&database, &["projections", "status", "--json"]).output().unwrap();
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let meters = all.as_array().unwrap().iter().find(|status| status["model"] == "meters").unwrap();
    assert_eq!((&meters["stopped_because"], &meters["leader"]), (&"event 7 cannot be read".into(), &Value::Null));
    let (code, reason) = failure(&mut on(&database, &["projections", "status"]));
    assert_eq!((code, reason.as_str()), (1, format!("error: 1 of {} read models have stopped\n", MODELS.len()).as_str()));
}

#[tokio::test]
async fn models_are_rebuilt_by_name_or_all_of_them() {
    let database = migrated().await;
    let two = said(&mut on(&database, &["projections", "rebuild", "meters", "tariffs"]));
    // Side by side, and so in no order.
    let mut lines: Vec<_> = two.lines().collect();
    lines.sort_unstable();
    expect![[r#"
        meters: built anew from 0 events
        meters: indexes, and what came meanwhile
        tariffs: built anew from 0 events
        tariffs: indexes, and what came meanwhile"#]]
    .assert_eq(&lines.join("\n"));
    let all = said(&mut on(&database, &["projections", "rebuild", "--all", "--memory", "64MiB"]));
    assert_eq!(all.matches("built anew from 0 events").count(), MODELS.len(), "{all}");

    for (arguments, reason) in [
        (&["projections", "rebuild"][..], "name read models, or --all of them: accounts, "),
        (&["projections", "rebuild", "horses"], "there is no read model `horses`, only accounts, "),
        (&["projections", "rebuild", "meters", "--all"], "cannot be used with"),
        (&["projections", "rebuild", "--all", "--memory", "1MB"], "it must be a number of B, KiB, MiB or GiB"),
    ] {
        let (code, said) = failure(&mut on(&database, arguments));
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}
