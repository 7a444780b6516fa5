//! Cancel and rebill, killed wherever it can be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::Utc;
use daftar_billing::{
    correction::{self, Rerate},
    policies,
};
use daftar_domain::{
    Actor, BillingEvent, Currency, Decider, Recorded, StreamName,
    account::{self, Account, ItemId, example as accounts},
    correction::{CorrectionOpened, Step, Terms},
    ids::{CorrectionId, InvoiceId},
    invoice::{self, Dates, Invoice, IssueAtOnce, Status, example as invoices},
    ledger::{self, LedgerAccount, TrialBalance},
    register::{self, Register},
};
use daftar_store::{CommandContext, Engine, EventReader, Memory, Scope, log::Log};
use futures::{TryStreamExt, future::BoxFuture};
use uuid::Uuid;

use crate::mortal::Mortal;

const CORRECTION: CorrectionId = CorrectionId::new(Uuid::from_u128(70));
const SAR: Currency = Currency::SAR;

/// The third bill starts from the reading that was wrong: it is 10 kWh less too.
struct Lower;

impl Rerate for Lower {
    fn terms<'a>(
        &'a self,
        invoice_id: InvoiceId,
        follows: CorrectionId,
    ) -> BoxFuture<'a, Result<Terms, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async move { Ok(Terms { follows: Some(follows), later: vec![], ..terms(invoice_id, "90") }) })
    }
}

fn terms(invoice_id: InvoiceId, usage_kwh: &str) -> Terms {
    Terms {
        account_id: invoices::ACCOUNT,
        invoice_id,
        replacement: Box::new(invoices::draft_of(usage_kwh)),
        readings: vec![],
        dates: Dates::new(invoices::day("2024-09-05"), invoices::day("2024-09-20")).unwrap(),
        credit_numbering: invoices::numbering("CRN"),
        invoice_numbering: invoices::numbering("INV"),
        reason: invoices::reason("digits swapped in the reading"),
        meters: vec![],
        later: vec![bill(3)],
        follows: None,
    }
}

fn bill(n: u128) -> InvoiceId {
    InvoiceId::new(Uuid::from_u128(100 + n))
}

async fn execute<D: Decider<Rejection: std::fmt::Debug>>(engine: &Engine, stream: StreamName, wish: &str, command: D::Command) {
    let context = CommandContext::new(Actor::job("test"), wish, stream.as_str(), Utc::now());
    engine.execute::<D>(&stream, &context, command).await.unwrap();
}

/// Three bills of 149.50, each charged and paid by a payment of its own.
async fn three_paid_bills(log: &Log) {
    let engine = Engine::new(Arc::new(log.clone()));
    let account = StreamName::of::<Account>(invoices::ACCOUNT);
    let account::Event::AccountOpened(opened) = accounts::opened() else { panic!("it opens") };
    let account::AccountOpened { number, holder_name, class, language, opened_on, .. } = opened;
    let opening = account::OpenAccount { account_id: invoices::ACCOUNT, number, holder_name, class, currency: SAR, language, opened_on };
    execute::<Account>(&engine, account.clone(), "open", account::Command::OpenAccount(opening)).await;
    for n in 1..=3 {
        let register = Register::stream(&invoices::numbering("INV").register);
        let document = register::DocumentRef::Invoice { invoice_id: bill(n) };
        let dates = invoices::dates();
        let assign = register::AssignNumber { numbering: invoices::numbering("INV"), issued_on: dates.issued_on, document };
        execute::<Register>(&engine, register.clone(), &format!("number {n}"), register::Command::AssignNumber(assign)).await;
        let number = engine.look::<Register>(&register).await.unwrap().number_of(document).unwrap().clone();
        let draft = invoices::draft();
        let issue = IssueAtOnce { invoice_id: bill(n), account_id: invoices::ACCOUNT, draft, dates, number };
        execute::<Invoice>(&engine, StreamName::of::<Invoice>(bill(n)), "issue", invoice::Command::IssueAtOnce(issue)).await;
        tell(log).await;
        let payment = accounts::record_payment(u32::try_from(n).unwrap(), 14950);
        execute::<Account>(&engine, account.clone(), &format!("pay {n}"), account::Command::RecordPayment(payment)).await;
        tell(log).await;
    }
}

/// The policies, from the beginning, until nothing is asked any more.
async fn tell(log: &Log) {
    policies::carry_out(&Engine::new(Arc::new(log.clone())), None).await.unwrap();
}

async fn all(log: &Log) -> Vec<Recorded<BillingEvent>> {
    log.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
}

/// Where everything stands, in words: what is open, what paid it, what became of each document, and the books.
async fn standing(log: &Log) -> String {
    tell(log).await;
    let engine = Engine::new(Arc::new(log.clone()));
    let account = engine.look::<Account>(&StreamName::of::<Account>(invoices::ACCOUNT)).await.unwrap();
    let receivable = account.receivable();
    let cascaded = daftar_domain::ids::cascaded_correction_id(CORRECTION, bill(3));
    let replacement = |correction_id, n| CorrectionOpened { correction_id, terms: terms(bill(n), "60") }.replacement_id();
    let ids = [("1", bill(1)), ("2", bill(2)), ("3", bill(3)), ("2'", replacement(CORRECTION, 2)), ("3'", replacement(cascaded, 3))];
    let mut said = String::new();
    for (name, id) in ids {
        let status = engine.look::<Invoice>(&StreamName::of::<Invoice>(id)).await.unwrap().status();
        let open = receivable.item(ItemId::Invoice(id)).map(|item| item.open.to_string());
        said += &format!("{name}: {status:?}, {} open\n", open.unwrap_or_default());
    }
    let mut paid: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut books = TrialBalance::default();
    for recorded in all(log).await {
        if let Some(journal) = ledger::post(&recorded).unwrap() {
            books.post(&journal);
        }
        let (change, credit, item) = match &recorded.event {
            BillingEvent::Account(account::Event::CreditAllocated(fact)) => (fact.amount.minor, fact.credit, fact.item),
            BillingEvent::Account(account::Event::AllocationFreed(fact)) => (-fact.amount.minor, fact.credit, fact.item),
            _ => continue,
        };
        let name = |id| ids.iter().find(|(_, known)| ItemId::Invoice(*known) == id).map_or("?", |(name, _)| name).to_owned();
        let credit = match credit {
            account::CreditId::Payment(id) => format!("payment {}", Uuid::from(id).as_u128() % 10),
            account::CreditId::CreditNote(_) => "its note".to_owned(),
            other => format!("{other:?}"),
        };
        *paid.entry((credit, name(item))).or_default() += change;
    }
    for ((credit, item), minor) in paid.into_iter().filter(|(_, minor)| *minor != 0) {
        said += &format!("{credit} paid {minor} of {item}\n");
    }
    said += &format!("unapplied {}\n", receivable.unapplied(SAR));
    assert_eq!((books.difference(SAR), books.balance(LedgerAccount::IssuedNotCharged, SAR)), (0, 0));
    said
}

#[tokio::test]
async fn the_middle_of_three_paid_bills_is_replaced_and_the_last_follows() {
    let log = Memory::log();
    three_paid_bills(&log).await;
    correction::correct(&Engine::new(Arc::new(log.clone())), CORRECTION, terms(bill(2), "60"), &Lower).await.unwrap();
    expect_test::expect![[r#"
        1: Some(Paid), 0.00 SAR open
        2: Some(Cancelled), 0.00 SAR open
        3: Some(Cancelled), 0.00 SAR open
        2': Some(Paid), 0.00 SAR open
        3': Some(Paid), 0.00 SAR open
        its note paid 14950 of 2
        its note paid 14950 of 3
        payment 1 paid 14950 of 1
        payment 2 paid 10350 of 2'
        payment 2 paid 4600 of 3'
        payment 3 paid 9200 of 3'
        unapplied 57.50 SAR
    "#]]
    .assert_eq(&standing(&log).await);
}

#[tokio::test]
async fn killed_anywhere_it_is_finished_by_whoever_comes_next() {
    let whole = {
        let log = Memory::log();
        three_paid_bills(&log).await;
        correction::correct(&Engine::new(Arc::new(log.clone())), CORRECTION, terms(bill(2), "60"), &Lower).await.unwrap();
        standing(&log).await
    };
    let mut died_before: BTreeSet<Step> = BTreeSet::new();
    for last_is_written in [true, false] {
        for appends in 0.. {
            let log = Memory::log();
            three_paid_bills(&log).await;
            let mortal = Mortal::new(&log, appends, last_is_written);
            let dying = Engine::new(mortal.clone());
            if let Some(ended) = mortal.outlived(correction::correct(&dying, CORRECTION, terms(bill(2), "60"), &Lower)).await {
                ended.unwrap();
                break;
            }
            let engine = Engine::new(Arc::new(log.clone()));
            let stream = StreamName::of::<daftar_domain::correction::Correction>(CORRECTION);
            let left = engine.look::<daftar_domain::correction::Correction>(&stream).await.unwrap().next();
            died_before.extend(left.map(|task| task.step));
            correction::correct(&engine, CORRECTION, terms(bill(2), "60"), &Lower).await.unwrap();
            assert_eq!(standing(&log).await, whole, "killed after {appends} appends");
        }
    }
    assert_eq!(died_before.into_iter().collect::<Vec<_>>(), Step::ALL, "every step has its kill");
}

#[tokio::test]
async fn an_invoice_that_is_cancelled_already_is_left_alone() {
    let log = Memory::log();
    three_paid_bills(&log).await;
    let engine = Engine::new(Arc::new(log.clone()));
    correction::correct(&engine, CORRECTION, Terms { later: vec![], ..terms(bill(2), "60") }, &Lower).await.unwrap();
    let second = CorrectionId::new(Uuid::from_u128(71));
    let refused = correction::correct(&engine, second, Terms { later: vec![], ..terms(bill(2), "60") }, &Lower).await.unwrap_err();
    assert_eq!(refused.to_string(), "the invoice cannot be corrected: the invoice is cancelled, or being cancelled");
    assert_eq!(engine.look::<Invoice>(&StreamName::of::<Invoice>(bill(2))).await.unwrap().status(), Some(Status::Cancelled));
}
