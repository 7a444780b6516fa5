//! A small company: the same each time, sound in its books, and with all that people come to see in it.

use std::collections::BTreeMap;

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_demo::{Company, Remarkable, Story, Wish, make};
use daftar_domain::{
    BillingEvent, Currency, Decider, Recorded,
    account::Account,
    bill_run,
    ids::AccountId,
    invoice,
    ledger::{self, LedgerAccount, TrialBalance, periods},
};
use daftar_projections::{contents, migrate};
use daftar_store::{EventReader, Scope, log::Log};
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, PgPool, migrate::MigrateError};

const SAR: Currency = Currency::SAR;

const SMALL: Wish = Wish { accounts: 30, months: 6, seed: 7 };

/// The small one; `DAFTAR_DEMO=300x24x7` asks for another.
fn wish() -> Wish {
    let Ok(text) = std::env::var("DAFTAR_DEMO") else { return SMALL };
    let numbers: Vec<u32> = text.split('x').map(|number| number.parse().unwrap()).collect();
    let [accounts, months, seed] = numbers[..] else { panic!("DAFTAR_DEMO is accounts, months and seed: {text}") };
    Wish { accounts, months, seed }
}

async fn scratch() -> (TestDatabase, PgPool) {
    let prepare = async |url: &str| -> Result<(), MigrateError> { migrate(&mut PgConnection::connect(url).await?).await };
    let database = test_database(&contents(), prepare).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    (database, pool)
}

pub async fn made(wish: Wish) -> Company {
    let (_database, scratch) = scratch().await;
    make(wish, &scratch, &|_| ()).await.unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

pub async fn facts(log: &Log) -> Vec<Recorded<BillingEvent>> {
    log.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
}

/// Everything of an event but when the store took it.
pub async fn bytes(log: &Log) -> Vec<String> {
    let said = log.read_all(None, Scope::Everything).map_ok(|event| {
        let (data, metadata) = (String::from_utf8_lossy(&event.data).into_owned(), String::from_utf8_lossy(&event.metadata).into_owned());
        format!("{} {} {} {} {} {data} {metadata}", event.position, event.stream, event.revision, event.id, event.event_type)
    });
    said.try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_is_the_same_company_to_the_last_byte() {
    let [one, again] = [bytes(&made(SMALL).await.log).await, bytes(&made(SMALL).await.log).await];
    for (one, again) in one.iter().zip(&again) {
        assert_eq!(one, again);
    }
    assert_eq!(one.len(), again.len());
    let other = bytes(&made(Wish { seed: 8, ..SMALL }).await.log).await;
    assert_ne!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_books_are_sound_and_its_numbers_have_no_gap() {
    let wish = wish();
    let company = made(wish).await;
    let facts = facts(&company.log).await;
    let (mut books, mut vat, mut closed) = (TrialBalance::default(), 0, 0);
    let mut numbers: BTreeMap<(String, String, i32), Vec<u64>> = BTreeMap::new();
    let mut counters = vec![];
    for fact in &facts {
        if let Some(journal) = ledger::post(fact).unwrap() {
            books.post(&journal);
        }
        let number = match &fact.event {
            BillingEvent::Invoice(invoice::Event::InvoiceIssued(fact)) => {
                vat += fact.document.vat.minor;
                &fact.number
            }
            BillingEvent::Invoice(invoice::Event::CreditNoteIssued(fact)) => {
                vat -= fact.note.document.vat.minor;
                &fact.number
            }
            BillingEvent::AccountingPeriods(periods::Event::PeriodClosed(fact)) => {
                assert_eq!(books.balance(LedgerAccount::IssuedNotCharged, SAR), 0, "at the end of {:?}", fact.period);
                closed += 1;
                continue;
            }
            _ => continue,
        };
        numbers.entry((number.register.to_string(), number.series.to_string(), number.year)).or_default().push(number.number);
        counters.push(number.counter);
    }
    assert_eq!((books.difference(SAR), closed), (0, wish.months));
    assert_eq!(-books.balance(LedgerAccount::VatPayable, SAR), i128::from(vat));
    for (series, mut numbers) in numbers {
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{series:?}: {numbers:?}");
    }
    counters.sort_unstable();
    assert!(counters.iter().copied().eq(1..=counters.len() as u64), "{counters:?}");

    let mut accounts: BTreeMap<AccountId, Account> = BTreeMap::new();
    for fact in &facts {
        if let BillingEvent::Account(event) = &fact.event {
            let account = accounts.entry(AccountId::new(fact.stream.id())).or_default();
            *account = std::mem::take(account).evolve(event);
        }
    }
    let owed = |of: fn(&Account) -> i64| accounts.values().map(|account| i128::from(of(account))).sum::<i128>();
    assert_eq!(
        books.balance(LedgerAccount::Receivable, SAR),
        owed(|account| account.receivable().due(SAR).minor - account.receivable().planned(SAR).minor)
    );
    assert_eq!(-books.balance(LedgerAccount::Unapplied, SAR), owed(|account| account.receivable().unapplied(SAR).minor));
    assert_eq!(-books.balance(LedgerAccount::Deposits, SAR), owed(|account| account.receivable().deposits(SAR).minor));
    assert_eq!(accounts.len(), wish.accounts as usize);
    assert!(facts.windows(2).all(|pair| pair[0].metadata.recorded_at <= pair[1].metadata.recorded_at), "time goes on");
    for fact in &facts {
        match &fact.event {
            // A reading that waits for a person is all that ever keeps somebody from being billed.
            BillingEvent::BillRun(bill_run::Event::BlockFrozen(block)) => {
                for listed in &block.accounts {
                    if let bill_run::Outcome::Failed(failure) = &listed.outcome {
                        assert_eq!(failure.code.as_str(), "not-measured", "{}", failure.why);
                    }
                }
            }
            BillingEvent::RefusedRequest(refused) => panic!("{refused:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_find_in_it_what_they_come_to_see() {
    let story = Story::of(&made(SMALL).await).await.unwrap();
    let Remarkable { overdue, rebilled, credited, exchanged, rolled_over, released, bounced: _, written_off: _, closed, repaired } =
        story.remarkable;
    let found = [
        overdue.is_some(),
        rebilled.is_some(),
        credited.is_some(),
        exchanged.is_some(),
        rolled_over.is_some(),
        released.is_some(),
        closed.is_some(),
        repaired.is_some(),
        story.estimates > 0,
    ];
    assert_eq!(found, [true; 9]);
}
