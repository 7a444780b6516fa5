//! `daftar bill-run` on a log that keeps what it says, killed as a power cut would, and run again.

#[path = "../../billing/tests/bill_run/company.rs"]
#[allow(dead_code, reason = "the rules' own tests use more of it")]
mod company;

use std::{fs, path::Path, process::Command, sync::Arc};

use daftar_cluster::{Cluster, Options, SUPERUSER};
use daftar_domain::{BillingEvent, Currency, invoice, ledger::LedgerAccount};
use daftar_store::{Postgres, PostgresOptions, log::Log};

use crate::daftar::{Running, daftar};

const ACCOUNTS: u128 = 1_200;
const KILLS: u64 = 10;

const TERMS: &str = r#"{
    "seller": {"name": "شركة الدفتر للكهرباء", "vat_number": "310122393500003", "address": {
        "street": "طريق الملك فهد", "building": "7421", "district": "العليا", "city": "الرياض", "postal_code": "12212", "country": "SA"}},
    "numbering": {"register": "RUH", "series": "INV"},
    "dueDays": 15,
    "heldAbove": "3"
}"#;

fn bill_run(folder: &Path, url: &str, task: &str) -> Command {
    let mut command = daftar(&["bill-run", "--cycle", "2026-10", task, "--terms", "terms.json", "--database-url", url]);
    command.current_dir(folder);
    command
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn numbers(log: &Log) -> Vec<u64> {
    let issued = company::facts(log).await.into_iter().filter_map(|fact| match fact.event {
        BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) => Some(issued.number.counter),
        _ => None,
    });
    issued.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_previewed_carried_out_and_gone_on_with_after_a_kill() {
    let cluster = tokio::task::block_in_place(|| Cluster::throw_away(Options::durable()).unwrap());
    let url = cluster.url("postgres", SUPERUSER);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("terms.json"), TERMS).unwrap();
    said(&mut daftar(&["migrate", "--database-url", &url]));
    let log = Postgres::connect(&url, PostgresOptions::default()).await.unwrap();
    let engine = daftar_store::Engine::new(Arc::new(log.clone()));
    company::tariff(&engine).await;
    company::customers(&engine, ACCOUNTS).await;

    let (folder, url) = (folder.path(), url.as_str());
    let preview = tokio::task::block_in_place(|| said(&mut bill_run(folder, url, "--dry-run")));
    assert!(preview.contains(&format!("{ACCOUNTS} accounts: {ACCOUNTS} billed, 0 held, 0 failed")), "{preview}");
    assert!(preview.contains("nothing was changed: this was a dry run"), "{preview}");
    assert!(numbers(&log).await.is_empty());

    // About three events an account, and ten ends spread over them.
    let prepared = *log.head().borrow();
    let mut cut_short = 0;
    for kill in 0..KILLS {
        let mut running = Running::start(&mut bill_run(folder, url, "--execute"));
        let until = prepared + kill * 3 * u64::try_from(ACCOUNTS).unwrap() / KILLS + rand::random_range(1..200);
        log.head().wait_for(|head| *head >= until).await.unwrap();
        tokio::task::block_in_place(|| running.kill());
        cut_short += usize::from((1..ACCOUNTS).contains(&u128::try_from(numbers(&log).await.len()).unwrap()));
    }
    assert!(cut_short > 0, "some kills come while invoices are being issued");
    let report = tokio::task::block_in_place(|| said(&mut bill_run(folder, url, "--execute")));
    let total = preview.lines().find(|line| line.contains("invoices: net")).unwrap();
    assert!(report.contains(total), "{report} is not what the preview said: {total}");
    let mut numbers = numbers(&log).await;
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=u64::try_from(ACCOUNTS).unwrap()), "each number once: {} of them", numbers.len());
    let balance = company::trial_balance(&company::facts(&log).await);
    assert_eq!(balance.difference(Currency::SAR), 0);
    assert_eq!(balance.balance(LedgerAccount::IssuedNotCharged, Currency::SAR), 0, "what is issued is charged");

    let period = |arguments: &[&str]| tokio::task::block_in_place(|| said(daftar(arguments).args(["--database-url", url])));
    let books = period(&["close-period", "2024-01", "--dry-run"]);
    assert!(books.contains("it can be closed\nnothing was changed: this was a dry run"), "{books}");
    assert!(period(&["period", "status"]).contains("no period has been opened"));
    assert!(period(&["close-period", "2024-01"]).contains("by job:close-period"));
    let status = period(&["period", "status"]);
    assert!(status.contains("2024-01-01 to 2024-01-31  closed on") && status.contains("2024-02-01 to 2024-02-29  open"), "{status}");
}
