//! Balances are brought over from another system: a whole file, or nothing of it.

use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use daftar_billing::opening_balances::{self, File, Task};
use daftar_domain::{
    Actor, Currency, Decider, Reason, Sealed, SealedFor, StreamName,
    account::{self, Account, AccountNumber, CustomerClass, Language, OpenAccount},
    ids::{AccountId, created_id},
    reservation::{self, Reservation, Reserve, Unique},
};
use daftar_store::{CommandContext, Engine, Memory};
use expect_test::expect;

fn engine() -> Engine {
    Engine::new(Arc::new(Memory::log()))
}

fn context(key: &str) -> CommandContext {
    CommandContext::new(Actor::job("test"), "prepare", key, Utc::now())
}

fn id(number: &str) -> AccountId {
    AccountId::new(created_id(context(number).command_id, Account::CATEGORY))
}

async fn open(engine: &Engine, number: &str) {
    let (account_id, text) = (id(number), number);
    let number = AccountNumber::new(number).unwrap();
    let reservation = StreamName::of::<Reservation>(Unique::AccountNumber(&number).reservation_id());
    let reserve = reservation::Command::Reserve(Reserve { holder: account_id.into() });
    engine.execute::<Reservation>(&reservation, &context(text), reserve).await.unwrap();
    let opening = OpenAccount {
        account_id,
        number,
        holder_name: Sealed::new(SealedFor::Contact, vec![1], [1; 16]),
        class: CustomerClass::Residential,
        currency: Currency::SAR,
        language: Language::Arabic,
        opened_on: NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(),
    };
    engine
        .execute::<Account>(&StreamName::of::<Account>(account_id), &context(text), account::Command::OpenAccount(opening))
        .await
        .unwrap();
}

async fn account(engine: &Engine, number: &str) -> Account {
    engine.look::<Account>(&StreamName::of::<Account>(id(number))).await.unwrap()
}

async fn owes(engine: &Engine, number: &str) -> String {
    account(engine, number).await.receivable().balance(Currency::SAR).to_string()
}

fn file(batch: &str, second: &str) -> File {
    let text = format!(
        r#"{{"batch":"{batch}","asOf":"2026-01-01","currency":"SAR","accounts":2,"debit":"150.75","credit":"20.00"}}
        {{"account":"0042","items":[{{"document":"F-1","issuedOn":"2025-11-01","dueOn":"2025-12-01","amount":"150.75"}}]}}
        {{"account":"{second}","credit":"20.00"}}"#
    );
    File::parse(&text).unwrap()
}

async fn import(engine: &Engine, file: &File) -> Result<usize, String> {
    let report = opening_balances::carry_out(engine, file, &Task::Import, |_| ()).await;
    report.map(|report| report.written).map_err(|error| error.to_string())
}

fn reverse() -> Task {
    Task::Reverse(Reason::new("the wrong file").unwrap())
}

#[tokio::test]
async fn a_file_is_imported_once_and_can_be_taken_back() {
    let engine = engine();
    open(&engine, "0042").await;
    open(&engine, "0043").await;
    let first = file("first", "0043");
    assert_eq!(opening_balances::check(&engine, &first, &Task::Import).await.unwrap(), first.totals);
    assert_eq!(owes(&engine, "0042").await, "0.00 SAR", "a check changes nothing");

    assert_eq!(import(&engine, &first).await, Ok(2));
    assert_eq!((owes(&engine, "0042").await, owes(&engine, "0043").await), ("150.75 SAR".to_owned(), "-20.00 SAR".to_owned()));
    assert_eq!(import(&engine, &first).await, Ok(0), "again is already true");

    let taken = opening_balances::carry_out(&engine, &first, &reverse(), |_| ()).await.unwrap();
    assert_eq!(taken.written, 2);
    assert_eq!((owes(&engine, "0042").await, owes(&engine, "0043").await), ("0.00 SAR".to_owned(), "0.00 SAR".to_owned()));
    expect![[r#"
        nothing was changed:
          line 2, account 0042: that opening balance was reversed; a corrected one comes in a new batch
          line 3, account 0043: that opening balance was reversed; a corrected one comes in a new batch
    "#]]
    .assert_eq(&import(&engine, &first).await.unwrap_err());
    assert_eq!(import(&engine, &file("second", "0043")).await, Ok(2));
}

#[tokio::test]
async fn a_file_of_which_one_account_is_refused_changes_none() {
    let engine = engine();
    open(&engine, "0042").await;
    expect![[r#"
        nothing was changed:
          line 3, account 0043: there is no such account
    "#]]
    .assert_eq(&import(&engine, &file("first", "0043")).await.unwrap_err());
    assert_eq!(owes(&engine, "0042").await, "0.00 SAR");
}

/// What was interrupted is gone on with, and what was half done can be taken back.
#[tokio::test]
async fn an_interrupted_import_is_finished_or_undone() {
    let engine = engine();
    open(&engine, "0042").await;
    open(&engine, "0043").await;
    let whole = file("first", "0043");
    let half = File { rows: file("first", "0043").rows.into_iter().take(1).collect(), ..file("first", "0043") };
    assert_eq!(import(&engine, &half).await, Ok(1));
    assert_eq!(import(&engine, &whole).await, Ok(1));

    let half = File { rows: file("again", "0043").rows.into_iter().take(1).collect(), ..file("again", "0043") };
    opening_balances::carry_out(&engine, &whole, &reverse(), |_| ()).await.unwrap();
    assert_eq!(import(&engine, &half).await, Ok(1));
    let undone = opening_balances::carry_out(&engine, &file("again", "0043"), &reverse(), |_| ()).await.unwrap();
    assert_eq!(undone.written, 1);
    assert_eq!(owes(&engine, "0042").await, "0.00 SAR");
}

/// An account has room for one balance. Of two files that want the same accounts at once, each is in for all of them or for none.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_at_once_neither_is_left_half_done() {
    for round in 0..20 {
        let engine = engine();
        open(&engine, "0042").await;
        open(&engine, "0043").await;
        let (one, other) = (file(&format!("one-{round}"), "0043"), file(&format!("other-{round}"), "0043"));
        let (first, second) = tokio::join!(import(&engine, &one), import(&engine, &other));
        let balances = (owes(&engine, "0042").await, owes(&engine, "0043").await);
        match (first, second) {
            (Ok(2), Err(_)) | (Err(_), Ok(2)) => assert_eq!(balances, ("150.75 SAR".to_owned(), "-20.00 SAR".to_owned())),
            (Err(_), Err(_)) => assert_eq!(balances, ("0.00 SAR".to_owned(), "0.00 SAR".to_owned())),
            other => panic!("{other:?}"),
        }
    }
}
