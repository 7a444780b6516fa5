//! Cancel and rebill as people ask for it: rated from real read models, the readings put right, killed wherever it can be.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use chrono::{Days, Months};
use daftar_billing::{
    Terms,
    bill_run::BillRuns,
    correction::{CorrectInvoice, CorrectionError, Corrections},
    policies,
};
use daftar_domain::{
    BillingEvent, Currency, Money, Reason, StreamName,
    account::{self, Account, AssessLateFee, ItemId, LateFee, LateFeeRule, RecordPayment, ReviewLateFees, Tender},
    bill_run::Plan,
    correction::{BackBillingLimit, Correction, Step},
    ids::{
        InvoiceId, PaymentId, ReadingId, bill_run_id, cascaded_correction_id, correction_id, correction_invoice_id, reread_id,
        run_invoice_id,
    },
    invoice::{Dates, Invoice, Status, Subject},
    ledger::LedgerAccount,
    meter::Meter,
};
use daftar_store::{Engine, Memory, log::Log};
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{bill_run::company::*, mortal::Mortal};

const SAR: Currency = Currency::SAR;
const MONTHS: [&str; 3] = ["2026-10", "2026-11", "2026-12"];

fn bill(customer: Customer, month: usize) -> InvoiceId {
    run_invoice_id(bill_run_id(MONTHS[month]), customer.account_id())
}

/// Three months: 1,000 kWh, then 1,300 by a dial that was read wrong, then 850 from there. It showed 1,900 at the end of November, not 2,300.
async fn three_months(log: &Log, pool: &PgPool, customers: u128) -> Engine {
    let engine = engine(log.clone());
    tariff(&engine).await;
    three_months_after(engine, "homes", pool, customers, async |_| ()).await
}

/// After something that happens before the first bill.
async fn three_months_after(engine: Engine, series: &str, pool: &PgPool, customers: u128, before: impl AsyncFnOnce(&Engine)) -> Engine {
    for customer in (1..=customers).map(Customer) {
        supplied(&engine, customer, series).await;
        for (on, shown) in [("2026-10-31", 1_000), ("2026-11-30", 2_300), ("2026-12-31", 3_150)] {
            read(&engine, customer, on, shown).await;
        }
    }
    before(&engine).await;
    let runs = BillRuns::new(engine.clone(), pool.clone());
    for (cycle, after) in MONTHS.into_iter().zip(0..) {
        let cut_off = day("2026-11-01") + Months::new(after);
        let plan = Plan { cycle: code(cycle), cut_off, dates: dates(cut_off), held_above: None, ..plan() };
        let report = runs.execute(cycle, plan, &|_| ()).await.unwrap();
        assert_eq!(u128::from(report.tally.billed), customers, "{:?}", report.exceptions);
    }
    engine
}

fn dates(issued_on: chrono::NaiveDate) -> Dates {
    Dates::new(issued_on, issued_on + Days::new(15)).unwrap()
}

/// Each bill has its payment in time. That for November is what the right bill will come to, so the wrong one falls overdue for the rest, and bears a fee.
async fn paid_with_a_fee(engine: &Engine, customer: Customer) {
    let paid = [("2026-11-10", 24_150), ("2026-12-10", 22_080), ("2027-01-10", 21_045)];
    for (month, (on, minor)) in paid.into_iter().enumerate() {
        pay(engine, customer, month, on, minor).await;
    }
    let rule = LateFeeRule { fee: LateFee::Fixed(Money::new(5_000, SAR)), cap: None, grace_days: 0 };
    let fee = AssessLateFee { item: ItemId::Invoice(bill(customer, 1)), rule, on: day("2026-12-20") };
    ask::<Account>(engine, customer.account_id(), &format!("{}/fee", customer.0), account::Command::AssessLateFee(fee)).await;
}

async fn pay(engine: &Engine, customer: Customer, month: usize, on: &str, minor: i64) {
    let wish = RecordPayment {
        payment_id: payment(customer, month),
        external_reference: code(&format!("receipt-{}-{month}", customer.0)),
        tender: Tender::Cash,
        channel: code("till"),
        session: None,
        amount: Money::new(minor, SAR),
        received_at: daftar_domain::meter::example::instant(on, 12),
        value_on: day(on),
        directed: vec![ItemId::Invoice(bill(customer, month))],
        policy: None,
    };
    ask::<Account>(engine, customer.account_id(), &format!("{}/pay/{month}", customer.0), account::Command::RecordPayment(wish)).await;
}

fn payment(customer: Customer, month: usize) -> PaymentId {
    PaymentId::new(Uuid::new_v5(&customer.account_id().into(), MONTHS[month].as_bytes()))
}

fn terms() -> Terms {
    let text = format!(
        r#"{{"seller": {}, "numbering": {{"register": "RUH", "series": "INV"}}, "dueDays": 15}}"#,
        serde_json::to_string(&plan().seller).unwrap()
    );
    text.parse().unwrap()
}

/// The dial at the end of November, as it was read.
fn wrong_reading(customer: Customer) -> ReadingId {
    ReadingId::new(Uuid::new_v5(&Uuid::from_u128(customer.0), b"2026-11-30"))
}

fn november_was_read_wrong(customer: Customer) -> CorrectInvoice {
    CorrectInvoice {
        invoice_id: bill(customer, 1),
        reason: Reason::new("the dial showed 1900").unwrap(),
        issued_on: day("2027-02-05"),
        readings: vec![(wrong_reading(customer), Some(Decimal::from(1_900)))],
    }
}

fn root(customer: Customer) -> daftar_domain::ids::CorrectionId {
    correction_id(bill(customer, 1), 0)
}

fn replacements(customer: Customer) -> [InvoiceId; 2] {
    let cascaded = cascaded_correction_id(root(customer), bill(customer, 2));
    [root(customer), cascaded].map(correction_invoice_id)
}

/// Where a customer's documents, money and readings stand, in words.
async fn standing(engine: &Engine, customer: Customer) -> String {
    let account = engine.look::<Account>(&StreamName::of::<Account>(customer.account_id())).await.unwrap();
    let [second, third] = replacements(customer);
    let names = [("1", bill(customer, 0)), ("2", bill(customer, 1)), ("3", bill(customer, 2)), ("2'", second), ("3'", third)];
    let mut said = String::new();
    for (name, id) in names {
        let invoice = engine.look::<Invoice>(&StreamName::of::<Invoice>(id)).await.unwrap();
        let total = invoice.issued().map(|issued| issued.document.total.to_string());
        let open = account.receivable().item(ItemId::Invoice(id)).map(|item| item.open.to_string());
        writeln!(said, "{name}: {} {:?}, {} open", total.unwrap_or_default(), invoice.status(), open.unwrap_or_default()).unwrap();
    }
    let mut paid: std::collections::BTreeMap<(String, &str), i64> = std::collections::BTreeMap::new();
    let mut fees = vec![];
    for fact in of_account(engine, customer).await {
        let (change, credit, item) = match fact {
            account::Event::CreditAllocated(fact) => (fact.amount.minor, fact.credit, fact.item),
            account::Event::AllocationFreed(fact) => (-fact.amount.minor, fact.credit, fact.item),
            account::Event::LateFeeAssessed(_) => {
                fees.push("assessed");
                continue;
            }
            account::Event::LateFeeWaived(_) => {
                fees.push("waived");
                continue;
            }
            _ => continue,
        };
        let item = names.iter().find(|(_, id)| ItemId::Invoice(*id) == item).map_or("?", |(name, _)| name);
        let credit = match credit {
            account::CreditId::Payment(id) => format!("payment {}", (0..3).find(|month| payment(customer, *month) == id).unwrap() + 1),
            account::CreditId::CreditNote(_) => "its note".to_owned(),
            account::CreditId::Subsidy(_) => "its subsidy".to_owned(),
            other => format!("{other:?}"),
        };
        *paid.entry((credit, item)).or_default() += change;
    }
    for ((credit, item), minor) in paid.into_iter().filter(|(_, minor)| *minor != 0) {
        writeln!(said, "{credit} paid {minor} of {item}").unwrap();
    }
    let balance = account.receivable().balance(SAR);
    writeln!(said, "unapplied {}, balance {balance}, fee {}", account.receivable().unapplied(SAR), fees.join(" and ")).unwrap();
    let meter = engine.look::<Meter>(&StreamName::of::<Meter>(customer.meter_id())).await.unwrap();
    let (wrong, right) = (wrong_reading(customer), reread_id(wrong_reading(customer), Decimal::from(1_900)));
    let bills =
        |id| names.iter().filter(|(_, bill)| meter.bills_on(id).any(|on_it| on_it == *bill)).map(|(name, _)| *name).collect::<Vec<_>>();
    writeln!(said, "on 2300 stand {:?}, on 1900 {:?}", bills(wrong), bills(right)).unwrap();
    said
}

async fn of_account(engine: &Engine, customer: Customer) -> Vec<account::Event> {
    use futures::TryStreamExt;
    let events = engine.store().read(&StreamName::of::<Account>(customer.account_id()), 0);
    events.map_ok(|stored| stored.decode::<account::Event>().unwrap().event).try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_middle_of_three_bills_is_rated_anew_and_the_last_follows() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let engine = three_months(&log, &pool, 1).await;
    let customer = Customer(1);
    paid_with_a_fee(&engine, customer).await;
    policies::carry_out(&engine, None).await.unwrap();
    let corrections = Corrections::new(engine.clone(), pool.clone(), terms());
    let wish = november_was_read_wrong(customer);

    let before = *log.head().borrow();
    let preview = corrections.preview(&wish).await.unwrap();
    let said: Vec<_> = preview.changes.iter().map(|change| format!("{} {} {}", change.number, change.was, change.becomes)).collect();
    assert_eq!(said, ["RUH-INV-2026-000002 303.60 SAR 220.80 SAR", "RUH-INV-2027-000001 210.45 SAR 293.25 SAR"]);
    assert_eq!(preview.changes.iter().map(|change| change.replacement_id).collect::<Vec<_>>(), replacements(customer));
    assert_eq!(*log.head().borrow(), before, "a preview writes nothing");

    corrections.correct(&wish).await.unwrap();
    policies::carry_out(&engine, None).await.unwrap();
    expect_test::expect![[r#"
        1: 241.50 SAR Some(Paid), 0.00 SAR open
        2: 303.60 SAR Some(Cancelled), 0.00 SAR open
        3: 210.45 SAR Some(Cancelled), 0.00 SAR open
        2': 220.80 SAR Some(Paid), 0.00 SAR open
        3': 293.25 SAR Some(PartlyPaid), 82.80 SAR open
        its note paid 30360 of 2
        its note paid 21045 of 3
        payment 1 paid 24150 of 1
        payment 2 paid 22080 of 2'
        payment 3 paid 21045 of 3'
        unapplied 0.00 SAR, balance 82.80 SAR, fee assessed and waived
        on 2300 stand [], on 1900 ["2'", "3'"]
    "#]]
    .assert_eq(&standing(&engine, customer).await);
    let balance = trial_balance(&facts(&log).await);
    assert_eq!((balance.difference(SAR), balance.balance(LedgerAccount::IssuedNotCharged, SAR)), (0, 0));

    // The replacement is of the same days, and says which readings it stands on.
    let replaced = engine.look::<Invoice>(&StreamName::of::<Invoice>(replacements(customer)[0])).await.unwrap();
    let Subject::Supply { supplies } = &replaced.issued().unwrap().subject else { panic!("it is for supplies") };
    assert_eq!(supplies[0].bill.period.to_string(), "2026-11-01 to 2026-11-30");

    // Asked again it is done, and the wrong one cannot be corrected by another wish.
    let done = facts(&log).await.len();
    corrections.correct(&wish).await.unwrap();
    assert_eq!(facts(&log).await.len(), done);
    let again = corrections.preview(&wish).await.unwrap_err();
    assert_eq!(again.to_string(), "the invoice cannot be corrected: only an issued invoice for supplies can be corrected");
    projector.abort();
}

/// A quarter of the usage is paid by a ministry, and from December on no more, which is known when it is billed already.
#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_is_rated_anew_has_its_own_subsidy_and_the_wrong_ones_goes_back() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let (engine, customer) = (engine(log.clone()), Customer(1));
    let subsidised = r#""subsidies":[{"code":"families","authority":"ministry","for":"granted","kind":{"percentOfUsage":"25"}}]"#;
    tariff_with(&engine, "subsidised", subsidised).await;
    let scheme = || code("families");
    let engine = three_months_after(engine, "subsidised", &pool, 1, async |engine| {
        let proof = daftar_domain::Description::new("decision 117").unwrap();
        let grant = account::GrantSubsidy { scheme: scheme(), from: day("2026-09-01"), to: None, proof, renew_by: None };
        ask::<Account>(engine, customer.account_id(), "grant", account::Command::GrantSubsidy(grant)).await;
    })
    .await;
    policies::carry_out(&engine, None).await.unwrap();
    let paid = [("2026-11-10", 19_650), ("2026-12-10", 24_510), ("2027-01-10", 17_220)];
    for (month, (on, minor)) in paid.into_iter().enumerate() {
        pay(&engine, customer, month, on, minor).await;
    }
    let end = account::EndSubsidy { scheme: scheme(), on: day("2026-12-01"), reason: Reason::new("moved out of the scheme").unwrap() };
    ask::<Account>(&engine, customer.account_id(), "end", account::Command::EndSubsidy(end)).await;

    let corrections = Corrections::new(engine.clone(), pool.clone(), terms());
    corrections.correct(&november_was_read_wrong(customer)).await.unwrap();
    policies::carry_out(&engine, None).await.unwrap();
    expect_test::expect![[r#"
        1: 241.50 SAR Some(Paid), 0.00 SAR open
        2: 303.60 SAR Some(Cancelled), 0.00 SAR open
        3: 210.45 SAR Some(Cancelled), 0.00 SAR open
        2': 220.80 SAR Some(Paid), 0.00 SAR open
        3': 293.25 SAR Some(PartlyPaid), 56.25 SAR open
        its note paid 30360 of 2
        its note paid 21045 of 3
        its subsidy paid 4500 of 1
        its subsidy paid 4050 of 2'
        payment 1 paid 19650 of 1
        payment 2 paid 18030 of 2'
        payment 2 paid 6480 of 3'
        payment 3 paid 17220 of 3'
        unapplied 0.00 SAR, balance 56.25 SAR, fee 
        on 2300 stand [], on 1900 ["2'", "3'"]
    "#]]
    .assert_eq(&standing(&engine, customer).await);
    let balance = trial_balance(&facts(&log).await);
    // A quarter of 1,000 and of 900 kWh at 0.18.
    assert_eq!((balance.difference(SAR), balance.balance(LedgerAccount::SubsidyReceivable, SAR)), (0, 4_500 + 4_050));
    projector.abort();
}

/// Each customer is killed at another append, so that one company and one set of read models serve for all.
#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_a_rated_correction_is_finished_by_whoever_comes_next() {
    const CUSTOMERS: u128 = 120;
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let engine = three_months(&log, &pool, CUSTOMERS).await;
    let mut customers = (1..=CUSTOMERS).map(Customer);
    let mut corrected = vec![];
    let mut died_before: BTreeSet<Step> = BTreeSet::new();
    for last_is_written in [true, false] {
        for appends in 0.. {
            let customer = customers.next().expect("there are customers enough for every append");
            corrected.push(customer);
            paid_with_a_fee(&engine, customer).await;
            let mortal = Mortal::new(&log, appends, last_is_written);
            let dying = Corrections::new(Engine::new(mortal.clone()), pool.clone(), terms());
            let wish = november_was_read_wrong(customer);
            if let Some(ended) = mortal.outlived(dying.correct(&wish)).await {
                ended.unwrap();
                break;
            }
            let left = engine.look::<Correction>(&StreamName::of::<Correction>(root(customer))).await.unwrap().next();
            died_before.extend(left.map(|task| task.step));
            Corrections::new(engine.clone(), pool.clone(), terms()).correct(&wish).await.unwrap();
        }
    }
    policies::carry_out(&engine, None).await.unwrap();
    let whole = standing(&engine, corrected[corrected.len() - 1]).await;
    for (place, customer) in corrected.iter().enumerate() {
        assert_eq!(standing(&engine, *customer).await, whole, "the {place}th to be killed");
    }
    assert_eq!(died_before.into_iter().collect::<Vec<_>>(), Step::ALL, "every step has its kill");
    let mut counters: Vec<u64> = numbers(&log).await;
    counters.sort_unstable();
    assert!(counters.iter().copied().eq(1..=counters.len() as u64), "numbers have neither gaps nor doubles");
    projector.abort();
}

/// Of all documents of the one register.
async fn numbers(log: &Log) -> Vec<u64> {
    use daftar_domain::invoice::Event;
    let issued = facts(log).await.into_iter().filter_map(|fact| match fact.event {
        BillingEvent::Invoice(Event::InvoiceIssued(issued)) => Some(issued.number.counter),
        BillingEvent::Invoice(Event::CreditNoteIssued(issued)) => Some(issued.number.counter),
        _ => None,
    });
    issued.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_corrected_is_refused_while_nothing_is_touched() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let engine = three_months(&log, &pool, 1).await;
    let corrections = Corrections::new(engine.clone(), pool.clone(), terms());
    let wish = november_was_read_wrong(Customer(1));
    let before = facts(&log).await.len();
    for (wish, reason) in [
        (
            CorrectInvoice { invoice_id: InvoiceId::new(Uuid::nil()), ..wish.clone() },
            "only an issued invoice for supplies can be corrected",
        ),
        (
            CorrectInvoice { readings: vec![(wrong_reading(Customer(1)), Some(Decimal::from(900)))], ..wish.clone() },
            "reading-refused: the figure is below one before it, or above one after it",
        ),
        (
            CorrectInvoice { invoice_id: bill(Customer(1), 2), ..wish.clone() },
            &*format!("invoice {} stands on the reading too and comes first: correct that", bill(Customer(1), 1)),
        ),
        (
            CorrectInvoice { issued_on: day("2026-11-30"), ..wish.clone() },
            "a document that corrects another is not older than it: 2026-12-01",
        ),
    ] {
        for refused in [corrections.preview(&wish).await.map(drop), corrections.correct(&wish).await.map(drop)] {
            let Err(CorrectionError::Refused(said)) = refused else { panic!("{reason}: {refused:?}") };
            assert_eq!(said, reason);
        }
    }
    // November becomes less, and is as old as it likes; December becomes more, and began more than a month before the correction.
    let limited = |months| {
        let mut limited = terms();
        limited.back_billing_months = Some(BackBillingLimit { months });
        limited
    };
    let preview = async |months| Corrections::new(engine.clone(), pool.clone(), limited(months)).preview(&wish).await;
    let refused = preview(1).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "the invoice cannot be corrected: invoice RUH-INV-2027-000001 is for days from 2026-12-01, and beyond 1 months no more is asked than was billed"
    );
    assert_eq!(preview(3).await.unwrap().changes.len(), 2);
    assert_eq!(facts(&log).await.len(), before);
    projector.abort();
}

/// An account is not billed between the beginning and the end of a correction: a cancelled month would be billed by the run, and again by the correction.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_under_a_half_finished_correction_is_not_billed() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let engine = three_months(&log, &pool, 2).await;
    let [corrected, other] = [Customer(1), Customer(2)];
    for customer in [corrected, other] {
        read(&engine, customer, "2027-01-31", 4_000).await;
    }
    let january = Plan { cycle: code("2027-01"), cut_off: day("2027-02-01"), dates: dates(day("2027-02-01")), ..plan() };
    let runs = BillRuns::new(engine.clone(), pool.clone());
    assert_eq!(runs.preview("2027-01", january.clone(), &|_| ()).await.unwrap().tally.billed, 2);

    // It dies once the wrong invoice is cancelled.
    let wish = november_was_read_wrong(corrected);
    let mut appends = 1;
    let cancelled =
        async || engine.look::<Invoice>(&StreamName::of::<Invoice>(bill(corrected, 1))).await.unwrap().status() == Some(Status::Cancelled);
    while !cancelled().await {
        let mortal = Mortal::new(&log, appends, true);
        let dying = Corrections::new(Engine::new(mortal.clone()), pool.clone(), terms());
        assert!(mortal.outlived(dying.correct(&wish)).await.is_none());
        appends = 1;
    }
    let preview = runs.preview("2027-01", january.clone(), &|_| ()).await.unwrap();
    let exceptions: Vec<_> = preview.exceptions.iter().map(|(code, found)| (code.as_str(), found.first[0].0)).collect();
    assert_eq!((preview.tally.billed, &exceptions[..]), (1, &[("under-correction", corrected.account_id())][..]));

    Corrections::new(engine.clone(), pool.clone(), terms()).correct(&wish).await.unwrap();
    assert_eq!(runs.execute("2027-01", january, &|_| ()).await.unwrap().tally.billed, 2);
    projector.abort();
}

/// The review knows the fee by the item, so a process that asks twice waives once.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_only_the_wrong_bill_caused_is_waived_once() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let engine = three_months(&log, &pool, 1).await;
    let customer = Customer(1);
    paid_with_a_fee(&engine, customer).await;
    Corrections::new(engine.clone(), pool.clone(), terms()).correct(&november_was_read_wrong(customer)).await.unwrap();
    let (wrong, right) = (ItemId::Invoice(bill(customer, 1)), ItemId::Invoice(replacements(customer)[0]));
    let review = ReviewLateFees { wrong, right, on: day("2027-02-06"), reason: Reason::new("again").unwrap() };
    ask::<Account>(&engine, customer.account_id(), "again", account::Command::ReviewLateFees(review)).await;
    let waived = of_account(&engine, customer).await.into_iter().filter(|fact| matches!(fact, account::Event::LateFeeWaived(_)));
    assert_eq!(waived.count(), 1);
    projector.abort();
}
