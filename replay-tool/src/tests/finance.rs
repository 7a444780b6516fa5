//! What finance reckons anew: read models, bills, the way to a figure; and what an auditor takes home.

use std::fmt::Write as _;

use daftar_billing::period_close;
use daftar_domain::{
    Currency, Money, SealedFor, Service,
    account::{self, Account},
    tariff::Series,
};
use daftar_projections::{Feed, MODELS, Readable, Runner};
use daftar_store::{
    keyring::{self, Keyring},
    log::Log,
    node::{Access, NodeOptions, serve},
};
use daftar_terminal::Table;
use sqlx::{Connection, PgPool};

use super::{
    books::{
        archive_of, billed,
        company::{Customer, ask, code, engine, project_model},
    },
    *,
};
use crate::{
    diff::{self, Diff},
    explain::explain,
    ledger::{self, AsOf, Report},
    prove::{check, prove},
    rerate::{Other, Rerated, rerate},
    revenue::{Range, Revenue, differences},
    timeline::timeline,
};

pub async fn diff_of(log: &Log, pool: &PgPool) -> Diff {
    let store: Arc<dyn EventReader> = Arc::new(log.clone());
    diff::diff(MODELS, &store, &pool.connect_options(), daftar_projections::rebuild::MEMORY, &Display::silent()).await.unwrap()
}

/// As a deployment keeps them, to the end of the log.
pub async fn keep_read_models(log: &Log, pool: &PgPool) {
    let feed = Feed::new(Arc::new(log.clone()));
    let mut runners = tokio::task::JoinSet::new();
    for model in MODELS {
        runners.spawn(Runner::new(*model, Arc::clone(&feed), (*pool.connect_options()).clone()).run());
    }
    let events: Vec<_> = log.read_all(None, daftar_store::Scope::billing()).try_collect().await.unwrap();
    let readable = Readable::listen(pool.clone());
    for model in MODELS {
        let end = events.last().unwrap().position;
        let is_there = readable.reached(model.name, end, std::time::Duration::from_secs(300)).await.unwrap();
        assert!(is_there, "{} never came", model.name);
    }
}

/// Accounts of the run; `DAFTAR_ACCOUNTS=10000` asks for more.
fn accounts() -> u128 {
    std::env::var("DAFTAR_ACCOUNTS").map_or(300, |number| number.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_are_what_the_log_makes_of_them_until_somebody_touches_one() {
    let (log, _database, pool) = billed(accounts()).await;
    keep_read_models(&log, &pool).await;
    let same = diff_of(&log, &pool).await;
    assert!(same.is_empty() && same.to_json()["same"] == true, "{}", same.to_text());
    let rows = same.compared.iter().flat_map(|model| &model.tables).map(|table| table.rows).sum::<u64>();
    assert!(rows > 3_000, "{rows}");

    let sql = "UPDATE read_accounts.account SET currency = 'KWD' WHERE account_id = (SELECT max(account_id::text)::uuid FROM read_accounts.account)";
    sqlx::query(sql).execute(&pool).await.unwrap();
    let found = diff_of(&log, &pool).await;
    let text = found.to_text();
    assert!(!found.is_empty() && text.contains("accounts.account: is there, and no event makes it"), "{text}");
    assert!(text.contains("of `account-"), "the event behind the row is named: {text}");
}

async fn rerated(source: &Source, other: Option<&Other>) -> Vec<Rerated> {
    rerate(source, other).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_invoice_of_a_run_comes_out_as_it_was_issued_and_a_forged_one_does_not() {
    let (house, (log, _database, _)) = (House::new(), billed(200).await);
    let path = archive_of(&log, &house).await;
    let invoices = rerated(&Source::Archive(path.clone()), None).await;
    assert!(invoices.len() > 190, "{}", invoices.len());
    let (table, _) = differences(&invoices);
    assert!(table.is_empty(), "{}", table.to_text());

    // Who alters a line, its sums and its books with it is consistent with himself, and not with the readings.
    let mut events = events_of(path).await;
    let reading = events.iter().position(|event| event.event_type == "ReadingRecorded").unwrap();
    let data = String::from_utf8(events[reading].data.to_vec()).unwrap();
    let value = serde_json::from_str::<serde_json::Value>(&data).unwrap()["reading"]["value"].clone();
    let value = value.as_str().map_or_else(|| value.to_string(), |text| format!("\"{text}\""));
    events[reading].data = data.replacen(&format!("\"value\":{value}"), "\"value\":\"1999\"", 1).into();
    let path = house.path("tampered.daftar");
    write(&path, &events);
    let invoices = rerated(&Source::Archive(path), None).await;
    let (table, json) = differences(&invoices);
    assert_eq!(json["differences"].as_array().unwrap().len(), 1, "{}", table.to_text());
}

/// Twice the price of usage: everybody loses, and nobody who used nothing more than the fee.
#[tokio::test(flavor = "multi_thread")]
async fn another_tariff_shows_what_it_would_have_changed() {
    let (log, _database, _) = billed(30).await;
    let source = Source::Store(Arc::new(log));
    let tariff = r#"{"code":"dear-2026","series":"dear","service":"electricity","class":"residential","currency":"SAR",
        "effectiveFrom":"2026-01-01","period":{"normalDays":30,"toleranceDays":3},"vat":{"category":"S","rate":"0.15"},
        "brackets":[{"upTo":null,"fee":"0","segments":[{"width":"6000","price":"0.36"},{"width":null,"price":"0.60"}]}],
        "fixedCharges":[{"code":"meter-fee","amount":"30","per":"period"}],"midPeriodChange":"prorate"}"#;
    let other = Other { service: Service::Electricity, series: Series::of([tariff.parse().unwrap()]).unwrap() };
    let invoices = rerated(&source, Some(&other)).await;
    let fee = Money::new(3_000, Currency::SAR);
    for invoice in &invoices {
        let expected = Money::new(2 * (invoice.issued.minor - fee.minor) + fee.minor, Currency::SAR);
        assert_eq!(invoice.rerated, Ok(expected), "{}", invoice.number);
    }
    let revenue = Revenue::of(&invoices);
    let json = revenue.to_json();
    let was: i64 = invoices.iter().map(|invoice| invoice.issued.minor).sum();
    assert_eq!(json["months"][0]["billed_minor"], was.to_string());
    assert_eq!((&json["months"][0]["class"], &json["winners"], &json["losers"]), (&"residential".into(), &0.into(), &30.into()));
    assert_eq!(revenue.movers(5).to_csv().lines().count(), 6);
    let october = Range { from: Some("2026-10-01".parse().unwrap()), to: Some("2026-11-01".parse().unwrap()), class: None };
    let none = Range { to: october.from, ..Range::default() };
    assert_eq!(
        (invoices.iter().filter(|invoice| october.has(invoice)).count(), invoices.iter().filter(|invoice| none.has(invoice)).count()),
        (30, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_proven_with_a_file_and_a_key() {
    let (house, (log, _database, _)) = (House::new(), billed(10).await);
    let seals = house.seal(&log, "checkpoint").await;
    let path = archive_of(&log, &house).await;
    let number = "RUH-INV-2026-000003";
    for source in [Source::Store(Arc::new(log.clone())), Source::Archive(path.clone())] {
        let proof = prove(&source, number, &seals.checkpoints[0]).await.unwrap();
        let json = proof.to_json().unwrap();
        let text = check(json.as_bytes(), &[key().verifying_key()]).unwrap();
        for event in ["InvoiceIssued", "AccountCharged", "BlockAssigned", "daftar.example/books"] {
            assert!(text.contains(event), "{event} in {text}");
        }
        let stranger = SigningKey::from_seed(origin(), &[8; 32]).verifying_key();
        assert!(check(json.as_bytes(), &[stranger]).is_err());
        assert!(check(json.replacen("RUH", "JED", 1).as_bytes(), &[key().verifying_key()]).is_err());
    }
    let unknown = prove(&Source::Archive(path.clone()), "RUH-INV-2026-999999", &seals.checkpoints[0]).await.unwrap_err();
    assert!(unknown.to_string().contains("has the number RUH-INV-2026-999999"));
    let mut events = events_of(path).await;
    events.swap(3, 4);
    let tampered = house.path("tampered.daftar");
    write(&tampered, &events);
    let error = prove(&Source::Archive(tampered), number, &seals.checkpoints[0]).await.unwrap_err();
    assert!(error.to_string().contains("are not those that the checkpoint was signed for"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_explained_from_its_readings_to_its_payments() {
    let (log, _database, _) = billed(4).await;
    let source = Source::Store(Arc::new(log));
    let tree = explain(&source, "RUH-INV-2026-000001").await.unwrap();
    let (text, json) = (tree.to_text(), serde_json::to_value(&tree).unwrap());
    let mut last = 0;
    for part in [
        "invoice RUH-INV-2026-000001",
        "number ",
        "electricity for",
        "usage ",
        "read ",
        "tariff homes-2026",
        "usage: ",
        "journals",
        "1115",
        "4100",
        "1100",
    ] {
        let at = text[last..].find(part).unwrap_or_else(|| panic!("no {part:?} after {last} in:\n{text}"));
        last += at;
    }
    let id = json["event"]["id"].as_str().unwrap().to_owned();
    let event = explain(&source, &id).await;
    assert!(event.is_ok(), "an event is explained by its id too");
    let mut paid = String::new();
    for number in 1..=4 {
        let _ = write!(paid, "{}", explain(&source, &format!("RUH-INV-2026-{number:06}")).await.unwrap().to_text());
    }
    assert!(paid.contains("payment receipt-1 of 50.00 SAR by cash") && paid.contains("pays 50.00 SAR"), "{paid}");

    let mut facts = source.facts();
    let charge = loop {
        let fact = facts.try_next().await.unwrap().unwrap();
        if fact.event.event_type() == "AccountCharged" {
            break fact;
        }
    };
    let text = explain(&source, &charge.id.to_string()).await.unwrap().to_text();
    let order: Vec<_> = ["wish ", "InvoiceIssued", "AccountCharged", "journal"].iter().map(|part| text.find(part).unwrap()).collect();
    assert!(order.is_sorted(), "{text}");
    assert!(explain(&source, "nothing").await.unwrap_err().to_string().contains("no invoice has the number or id `nothing`"));
}

/// Everything that reads a store reads one that speaks EventStoreDB's protocol alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_verified_and_carried_away_over_the_network() {
    let (house, (log, _database, _)) = (House::new(), billed(20).await);
    let seals = house.seal(&log, "checkpoint").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("esdb://{}?tls=false", listener.local_addr().unwrap());
    let node = NodeOptions { listener, advertised: None, access: Access::ReadOnly, tls: None };
    let serving = tokio::spawn(serve(log.clone(), node, std::future::pending()));
    let source = Source::open(&url).await.unwrap();
    let report = verify(&source, &house.trust(&seals, true)).await.unwrap();
    assert!(report.is_good() && report.unproven() == 0, "{}", report.to_text());
    let Source::Store(store) = source else { panic!("it is a store") };
    export(&store, &house.path("far.daftar"), &origin(), &Seals::default()).await.unwrap();
    let (far, near) = (events_of(house.path("far.daftar")).await, events_of(archive_of(&log, &house).await).await);
    assert_eq!(far.len(), near.len());
    assert!(far.iter().zip(&near).all(|(far, near)| far.leaf() == near.leaf()));
    serving.abort();
}

fn cell(table: &Table, row: impl Fn(&[String]) -> bool, column: &str) -> String {
    let (names, rows) = table.cells();
    let at = names.iter().position(|name| *name == column).unwrap();
    rows.iter().find(|cells| row(cells)).unwrap_or_else(|| panic!("no such row in\n{}", table.to_text()))[at].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_come_straight_from_events_and_tie_to_one_another_on_both_axes() {
    let (house, (log, _database, pool)) = (House::new(), billed(30).await);
    let source = Source::Store(Arc::new(log.clone()));
    let report = async |report, as_of, account| ledger::report(&source, report, as_of, account).await.unwrap();
    for effective in [None, Some("2026-10-31".parse().unwrap()), Some("2026-11-30".parse().unwrap())] {
        let as_of = AsOf { recorded: None, effective };
        let trial = report(Report::TrialBalance, as_of, None).await;
        let total = |column| cell(&trial, |row| row[1] == "Total", column);
        assert_eq!(total("debit"), total("credit"));
        let aging = report(Report::Aging, as_of, None).await;
        let charged = effective != Some("2026-10-31".parse().unwrap());
        if charged {
            let receivable = cell(&trial, |row| row[0] == "1100", "debit");
            assert_eq!(cell(&aging, |row| row[0] == "total", "open"), receivable, "what accounts owe is 1100");
            let late = cell(&aging, |row| row[0] == "total", "1–30");
            assert_eq!(late == receivable, effective.is_some(), "due on 16 November:\n{}", aging.to_text());
        } else {
            assert!(trial.cells().1.iter().all(|row| row[0] != "1100"), "nothing is issued by then:\n{}", trial.to_text());
            let unapplied = cell(&trial, |row| row[0] == "2210", "credit");
            assert_eq!(cell(&aging, |row| row[0] == "total", "unapplied credit"), unapplied);
        }
    }
    let before = AsOf { recorded: Some("2000-01-01T00:00:00Z".parse().unwrap()), effective: None };
    assert!(report(Report::TrialBalance, before, None).await.is_empty(), "nothing was known then");
    let entries = report(Report::GeneralLedger, AsOf::default(), None).await;
    assert!(entries.cells().1.len() > 100, "{}", entries.to_text());
    let account = Customer(2).account_id();
    let statement = report(Report::Statement, AsOf::default(), Some(account)).await;
    let aging = report(Report::Aging, AsOf::default(), None).await;
    let owes = cell(&aging, |row| row[0] == account.to_string(), "open");
    assert_eq!(statement.cells().1.last().unwrap()[5], owes, "{}", statement.to_text());

    let closing = period_close::PeriodClose::new(engine(log.clone()), pool.clone());
    let projector = project_model(period_close::NEEDS, Arc::new(log.clone()), &pool);
    let by = daftar_domain::Actor::user("finance");
    closing.close(period_close::month(&code("2026-10")).unwrap(), "2026-11-03".parse().unwrap(), &by).await.unwrap();
    projector.abort();
    let closed = ledger::check_close(&source).await.unwrap();
    assert!(closed.len() == 1 && closed[0].is_same(), "{closed:?}");
    let path = archive_of(&log, &house).await;
    let mut events = events_of(path).await;
    let paid = events.iter().position(|event| event.event_type == "PaymentReceived").unwrap();
    let data = String::from_utf8(events[paid].data.to_vec()).unwrap();
    events[paid].data = data.replacen("\"minor\":5000", "\"minor\":4999", 1).into();
    let path = house.path("tampered.daftar");
    write(&path, &events);
    let closed = ledger::check_close(&Source::Archive(path)).await.unwrap();
    assert!(closed.len() == 1 && !closed[0].is_same(), "what was sealed is not what is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_opens_what_is_sealed_with_the_key_and_forgets_with_it() {
    let log = Memory::log();
    let prepare = async |url: &str| -> Result<(), sqlx::migrate::MigrateError> {
        keyring::migrator().run(&mut sqlx::PgConnection::connect(url).await?).await
    };
    let database = daftar_cluster::testing::test_database("the keyring alone", prepare).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    let keys = Keyring::new(pool, Arc::new(keyring::LocalMasterKey::new([3; 32]))).await.unwrap();
    let account_id = Customer(1).account_id();
    let holder_name = keys.seal(account_id, SealedFor::Contact, "نورة بنت عبد الرحمن").await.unwrap();
    let opening = account::OpenAccount {
        account_id,
        number: account::AccountNumber::new("1").unwrap(),
        holder_name,
        class: account::CustomerClass::Residential,
        currency: Currency::SAR,
        language: account::Language::Arabic,
        opened_on: "2026-01-01".parse().unwrap(),
    };
    ask::<Account>(&engine(log.clone()), account_id, "open", account::Command::OpenAccount(opening)).await;
    let source = Source::Store(Arc::new(log));
    let shown = async |id, keys| timeline(&source, id, keys).await.unwrap().to_csv();
    let with_key = shown(account_id.into(), Some(&keys)).await;
    assert!(with_key.contains("AccountOpened") && with_key.contains("job:test") && with_key.contains("نورة بنت عبد الرحمن"), "{with_key}");
    let without = shown(account_id.into(), None).await;
    assert!(without.contains("‹sealed›") && !without.contains("نورة"), "{without}");
    keys.forget(account_id).await.unwrap();
    let forgotten = shown(account_id.into(), Some(&keys)).await;
    assert!(forgotten.contains("‹forgotten›") && !forgotten.contains("نورة"), "{forgotten}");
    assert_eq!(shown(Uuid::nil(), None).await.lines().count(), 1, "nobody else's facts");
}
