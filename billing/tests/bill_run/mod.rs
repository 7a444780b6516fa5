//! Bill runs over real read models: what becomes of each account, and that nothing is done twice.

pub mod company;
mod kills;

use std::sync::Arc;

use daftar_billing::{
    bill_run::{BillRuns, Report},
    drafts,
};
use daftar_domain::{
    Actor, BillingEvent, Currency, Decider, Reason, StreamName,
    account::Account,
    bill_run::{Filter, Plan, Totals},
    ids::{ReadCycleId, bill_run_id, run_invoice_id},
    invoice::{self, Invoice},
    meter::{self, Meter},
    policy::{self, Wish},
    read_cycle::{self, DefineReadCycle, ReadCycle},
};
use daftar_projections::Readable;
use daftar_store::{CommandContext, Engine, Memory, Outcome, log::Log};
use expect_test::{Expect, expect};
use sqlx::PgPool;

use company::*;

async fn runs(log: &Log, pool: &PgPool) -> (Engine, BillRuns) {
    let engine = engine(log.clone());
    let head = daftar_domain::Position::single(*log.head().borrow());
    let readable = Readable::listen(pool.clone());
    assert!(readable.reached("billable", head, std::time::Duration::from_secs(60)).await.unwrap());
    (engine.clone(), BillRuns::new(engine, pool.clone()))
}

fn check(report: &Report, expected: Expect) {
    let mut text = format!("{:?}\n", report.tally);
    for Totals { invoices, net, vat, total, smallest, largest, .. } in report.totals.values() {
        text += &format!("{invoices} invoices: net {net}, VAT {vat}, total {total}, from {smallest} to {largest}\n");
    }
    for (code, exceptions) in &report.exceptions {
        text += &format!("{code}: {}, such as: {}\n", exceptions.count, exceptions.first[0].1);
    }
    for outlier in &report.outliers {
        text += &format!("held: {} where {} is usual\n", outlier.total, outlier.average);
    }
    if let Some(before) = &report.before {
        text += &format!("before: {} with {:?}\n", before.name, before.tally);
    }
    expected.assert_eq(&text);
}

/// Two months of six customers: one pays ahead, one uses more than usual, one is not read in time, and one has no tariff.
#[tokio::test(flavor = "multi_thread")]
async fn each_account_is_billed_held_or_named() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let prepare = engine(log.clone());
    tariff(&prepare).await;
    for (customer, series) in [(1, "homes"), (2, "homes"), (3, "homes"), (4, "homes"), (5, "palaces"), (6, "homes")] {
        supplied(&prepare, Customer(customer), series).await;
        if customer != 4 {
            read(&prepare, Customer(customer), "2026-10-31", 1_000).await;
        }
    }
    pay(&prepare, Customer(2), 5_000).await;
    let (engine, runs) = runs(&log, &pool).await;
    let preview = runs.preview("2026-10", plan(), &|_| ()).await.unwrap();
    let position = *log.head().borrow();
    check(
        &preview,
        expect![[r#"
        Tally { billed: 4, held: 0, failed: 2 }
        4 invoices: net 840.00 SAR, VAT 126.00 SAR, total 966.00 SAR, from 241.50 SAR to 241.50 SAR
        no-tariff: 1, such as: there is no tariff series `palaces`
        not-measured: 1, such as: no readings tell what was used from 2026-09-30 up to and without 2026-11-01
    "#]],
    );
    assert_eq!(*log.head().borrow(), position, "a preview writes nothing");

    let report = runs.execute("2026-10", plan(), &|_| ()).await.unwrap();
    assert_eq!((report.tally, &report.totals, &report.exceptions), (preview.tally, &preview.totals, &preview.exceptions));
    let facts_after = facts(&log).await;
    assert_eq!(sum(&facts_after), report.totals[&Currency::SAR]);
    assert_eq!(trial_balance(&facts_after).difference(Currency::SAR), 0);
    let account = async |n| engine.look::<Account>(&StreamName::of::<Account>(Customer(n).account_id())).await.unwrap();
    let owes = async |n| account(n).await.receivable().balance(Currency::SAR).to_string();
    // 1,000 kWh at 0.18 and the fee of 30.00, with 15 % VAT; less the 50.00 that were paid before.
    expect!["241.50 SAR 191.50 SAR 0.00 SAR"].assert_eq(&format!("{} {} {}", owes(1).await, owes(2).await, owes(4).await));

    // The policy that charges what is issued comes after the run, and finds it done.
    for request in facts_after.iter().filter_map(policy::request).filter(|request| request.name == policy::CHARGE_ACCOUNT) {
        let Wish::Account(command) = request.wish else { panic!("a charge is an account's") };
        let context = CommandContext { command_id: request.command_id, ..context("policy") };
        let outcome = engine.execute::<Account>(&request.stream, &context, *command).await.unwrap();
        assert!(matches!(outcome, Outcome::AlreadyTrue { .. }), "{outcome:?}");
    }
    assert_eq!(facts(&log).await.len(), facts_after.len());

    // Once more is already true, and the plan that was recorded is the one that counts.
    let again = runs.execute("2026-10", Plan { held_above: None, ..plan() }, &|_| ()).await.unwrap();
    assert_eq!((again, facts(&log).await.len()), (report, facts_after.len()));

    // What failed is put right and billed by a run of its own; in November, one uses more than usual.
    read(&engine, Customer(4), "2026-10-31", 700).await;
    let only_failed = Filter { failed_in: Some(bill_run_id("2026-10")), ..Default::default() };
    let (_, runs) = self::runs(&log, &pool).await;
    let rerun = runs.execute("2026-10-failed", Plan { filter: only_failed, ..plan() }, &|_| ()).await.unwrap();
    check(
        &rerun,
        expect![[r#"
        Tally { billed: 1, held: 0, failed: 1 }
        1 invoices: net 156.00 SAR, VAT 23.40 SAR, total 179.40 SAR, from 179.40 SAR to 179.40 SAR
        no-tariff: 1, such as: there is no tariff series `palaces`
    "#]],
    );

    for (customer, value) in [(1, 2_000), (2, 1_900), (3, 2_400), (4, 1_400), (6, 2_000)] {
        read(&engine, Customer(customer), "2026-11-30", value).await;
    }
    let (_, runs) = self::runs(&log, &pool).await;
    let november = Plan { cycle: code("2026-11"), cut_off: day("2026-12-01"), held_above: Some("1.2".parse().unwrap()), ..plan() };
    let preview = runs.preview("2026-11", november.clone(), &|_| ()).await.unwrap();
    check(
        &preview,
        expect![[r#"
            Tally { billed: 4, held: 1, failed: 1 }
            4 invoices: net 768.00 SAR, VAT 115.20 SAR, total 883.20 SAR, from 179.40 SAR to 241.50 SAR
            no-tariff: 1, such as: there is no tariff series `palaces`
            held: 324.30 SAR where 241.50 SAR is usual
            before: 2026-10 with Tally { billed: 4, held: 0, failed: 2 }
        "#]],
    );
    let report = runs.execute("2026-11", november, &|_| ()).await.unwrap();
    assert_eq!((report.tally, &report.totals), (preview.tally, &preview.totals));
    let held = run_invoice_id(bill_run_id("2026-11"), Customer(3).account_id());
    let held: Vec<_> = of_invoice(&facts(&log).await, held);
    assert!(matches!(held[..], [invoice::Event::InvoiceDrafted(_), invoice::Event::InvoiceHeld(_)]), "{held:?}");

    // Nor is what it stands on taken back while it waits.
    let taken_back = async |engine: &Engine, cancels_bills| {
        let reading_id = Customer(3).reading_id("2026-11-30");
        let wish = meter::ReverseReading {
            reading_id,
            reason: Reason::new("misread").unwrap(),
            cancels_bills,
            rollover: meter::example::context().validation.rollover,
        };
        engine
            .look::<Meter>(&StreamName::of::<Meter>(Customer(3).meter_id()))
            .await
            .unwrap()
            .decide(meter::Command::ReverseReading(wish))
            .map(|events| events.len())
    };
    let held_id = run_invoice_id(bill_run_id("2026-11"), Customer(3).account_id());
    assert_eq!(taken_back(&engine, vec![]).await, Err(meter::Rejection::Billed(held_id)));

    // What waits for a person is not billed again meanwhile.
    for (customer, value) in [(1, 3_000), (3, 3_400)] {
        read(&engine, Customer(customer), "2026-12-31", value).await;
    }
    let (_, runs) = self::runs(&log, &pool).await;
    let december = Plan { cycle: code("2026-12"), cut_off: day("2027-01-01"), ..plan() };
    let preview = runs.preview("2026-12", december, &|_| ()).await.unwrap();
    let why = |code: &str| preview.exceptions.iter().find(|(of, _)| of.as_str() == code).map(|(_, found)| found.first[0].0);
    assert_eq!((preview.tally.billed, why("draft-waits")), (1, Some(Customer(3).account_id())));

    // Discarded, it frees them; also if that is asked for once more, because nobody knows whether the meter was told.
    for _ in 0..2 {
        let wish = invoice::DiscardDraft { reason: Reason::new("misread").unwrap() };
        drafts::discard(&engine, &context("discard"), held_id, wish).await.unwrap();
        assert_eq!(taken_back(&engine, vec![]).await, Ok(1));
    }
    projector.abort();
}

/// A run that died holds the place, so that no other bills the days that it has listed; and a third finds nothing left.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_other_names_do_not_bill_the_same_days() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let prepare = engine(log.clone());
    tariff(&prepare).await;
    customers(&prepare, 3).await;
    let (_, runs) = runs(&log, &pool).await;
    let mortal = crate::mortal::Mortal::new(&log, 5, true);
    let dying = BillRuns::new(Engine::new(mortal.clone()), pool.clone());
    assert!(mortal.outlived(dying.execute("2026-10", plan(), &|_| ())).await.is_none());
    let before = facts(&log).await.len();
    let refused = runs.execute("october", plan(), &|_| ()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a bill run of 2026-10 is under way: run it to its end first or abandon it, or days would be billed by both"
    );
    assert_eq!(facts(&log).await.len(), before, "who is refused has changed nothing");
    assert_eq!(runs.execute("2026-10", plan(), &|_| ()).await.unwrap().tally.billed, 3);
    assert_eq!(runs.execute("october", plan(), &|_| ()).await.unwrap().tally.accounts(), 0);
    projector.abort();
}

/// What it has numbered is issued, what it has not listed is billed by the next, and nobody is billed twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_abandoned_makes_way_for_another() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let prepare = engine(log.clone());
    tariff(&prepare).await;
    customers(&prepare, 1_200).await;
    let (_, runs) = runs(&log, &pool).await;
    let by = || Actor::user("9");
    let why = || Reason::new("the tariff was wrong").unwrap();
    assert_eq!(runs.abandon("2026-10", by(), why()).await.unwrap_err().to_string(), "there is no such bill run");
    // It dies in its first block, which has its numbers by then.
    let mortal = crate::mortal::Mortal::new(&log, 50, true);
    let dying = BillRuns::new(Engine::new(mortal.clone()), pool.clone());
    assert!(mortal.outlived(dying.execute("2026-10", plan(), &|_| ())).await.is_none());
    let abandoned = runs.abandon("2026-10", by(), why()).await.unwrap();
    let listed = abandoned.tally.billed;
    assert!((1_000..=1_200).contains(&listed), "{listed}");
    assert_eq!(runs.abandon("2026-10", by(), why()).await.unwrap(), abandoned);
    let refused = runs.execute("2026-10", plan(), &|_| ()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the bill run was abandoned: what is left to bill is billed by a run of another name");
    let (_, runs) = self::runs(&log, &pool).await;
    assert_eq!(runs.execute("rest", plan(), &|_| ()).await.unwrap().tally.billed, 1_200 - listed);
    let refused = runs.abandon("rest", by(), why()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the bill run is finished");
    assert_eq!(sum(&facts(&log).await).invoices, 1_200);
    projector.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_a_read_cycle_is_for_what_is_read_in_it() {
    let (log, (_database, pool)) = (Memory::log(), database().await);
    let projector = project(Arc::new(log.clone()), &pool);
    let prepare = engine(log.clone());
    tariff(&prepare).await;
    customers(&prepare, 2).await;
    let read_cycle::Command::DefineReadCycle(define) = read_cycle::example::define() else { panic!("it is defined") };
    for (code, id) in [("A31", 1), ("B15", 2)] {
        let read_cycle_id = ReadCycleId::new(uuid::Uuid::from_u128(id));
        let wish = DefineReadCycle { read_cycle_id, code: self::code(code), ..define.clone() };
        ask::<ReadCycle>(&prepare, read_cycle_id, code, read_cycle::Command::DefineReadCycle(wish)).await;
    }
    let (_, runs) = runs(&log, &pool).await;
    for (code, billed) in [("A31", 2), ("B15", 0)] {
        let read_cycle_id = Some(runs.read_cycle(&self::code(code)).await.unwrap());
        let plan = Plan { filter: Filter { read_cycle_id, ..Default::default() }, ..plan() };
        assert_eq!(runs.preview(code, plan, &|_| ()).await.unwrap().tally.billed, billed, "{code}");
    }
    assert_eq!(runs.read_cycle(&code("C1")).await.unwrap_err().to_string(), "there is no read cycle `C1`");
    projector.abort();
}

/// What a run's invoices come to, counted from the invoices.
fn sum(facts: &[daftar_domain::Recorded<BillingEvent>]) -> Totals {
    let issued = facts.iter().filter_map(|fact| match &fact.event {
        BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) => Some(Totals::of(&issued.document)),
        _ => None,
    });
    issued
        .reduce(|mut sum, one| {
            sum.add(&one);
            sum
        })
        .unwrap()
}

fn of_invoice(facts: &[daftar_domain::Recorded<BillingEvent>], id: daftar_domain::ids::InvoiceId) -> Vec<invoice::Event> {
    let of_it = facts.iter().filter(|fact| fact.stream == StreamName::of::<Invoice>(id));
    of_it.filter_map(|fact| if let BillingEvent::Invoice(event) = &fact.event { Some(event.clone()) } else { None }).collect()
}
