//! A dashboard's figures, held against what the events themselves say, and against what else is asked of the same rows.

// Here a few events are asked for among all.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use daftar_domain::{
    BillingEvent,
    account::{AgeBand, CreditId, Event, ItemId, example as accounts},
};
use daftar_projections::{
    AsOf,
    accounts::Accounts,
    fleet::{self, Fleet},
    kpis,
    payments::{self, Payments},
    receivables::{self, Cohort, Receivables},
};
use uuid::Uuid;

use crate::{
    fleet::history as fleet_history,
    histories::{SAR, history, sar, the_end},
    lists::thirty_accounts,
    spec::{database, project_all},
};

#[tokio::test]
async fn what_was_charged_is_told_month_by_month() {
    let (mut paid, mut overdue) = (0, 0);
    for seed in 30..=34 {
        let (_database, pool) = database().await;
        let history = history(seed, 250);
        project_all::<Receivables>(&pool, history.clone()).await;
        let long_ago = accounts::day("2000-01-01");
        let found = receivables::cohorts(&pool, long_ago, AsOf::now_known(the_end())).await.unwrap();
        assert_eq!(found, by_events(&history), "seed {seed}");
        for day in [accounts::day("2024-05-03"), accounts::day("2024-09-01"), the_end()] {
            let as_of = AsOf::now_known(day);
            let cohorts = receivables::cohorts(&pool, long_ago, as_of).await.unwrap();
            let aged = receivables::aged(&mut pool.acquire().await.unwrap(), as_of).await.unwrap();
            let sum = |due: fn(AgeBand) -> bool| {
                let bands = aged.get(&SAR).into_iter().flat_map(|aged| &aged.bands);
                bands.filter(|(band, _)| due(**band)).map(|(_, open)| open.minor).sum::<i64>()
            };
            let planned = aged.get(&SAR).map_or(0, |aged| aged.planned.minor);
            assert_eq!(cohorts.iter().map(|cohort| cohort.open.minor).sum::<i64>(), sum(|_| true) + planned, "seed {seed} on {day}");
            let late = cohorts.iter().map(|cohort| cohort.overdue.minor).sum::<i64>();
            // What is paid in parts is as old as it was.
            assert!((0..=planned).contains(&(late - sum(|band| band != AgeBand::NotDue))), "seed {seed} on {day}");
            overdue += cohorts.iter().filter(|cohort| !cohort.overdue.is_zero()).count();
        }
        paid += found.iter().filter(|cohort| !cohort.paid.is_zero() && !cohort.credited.is_zero()).count();
    }
    assert!(paid > 2 && overdue > 20, "{paid} {overdue}");
}

/// The same by hand, of one currency and on a day after everything.
fn by_events(history: &[(Uuid, BillingEvent)]) -> Vec<Cohort> {
    let mut items: BTreeMap<(Uuid, ItemId), (NaiveDate, NaiveDate)> = BTreeMap::new();
    let mut cohorts: BTreeMap<NaiveDate, Cohort> = BTreeMap::new();
    for (id, event) in history {
        let BillingEvent::Account(event) = event else { continue };
        let mut change = |items: &BTreeMap<_, (NaiveDate, NaiveDate)>, item: ItemId, minor: i64, of: fn(&mut Cohort) -> &mut i64| {
            let (issued_on, due_on) = items[&(*id, item)];
            let issued_in = issued_on.with_day(1).unwrap();
            let nothing = sar(0);
            let cohort = cohorts.entry(issued_in).or_insert(Cohort {
                issued_in,
                charged: nothing,
                paid: nothing,
                credited: nothing,
                written_off: nothing,
                open: nothing,
                overdue: nothing,
            });
            *of(cohort) += minor;
            assert!(due_on < the_end());
        };
        match event {
            Event::AccountCharged(charged) => {
                items.insert((*id, charged.item()), (charged.issued_on, charged.due_on));
                change(&items, charged.item(), charged.amount.minor, |cohort| &mut cohort.charged.minor);
            }
            Event::OpeningBalanceImported(imported) => {
                for (item, opening) in (0..).zip(&imported.items) {
                    let item = ItemId::Opening { batch_id: imported.batch_id, row: imported.row, item };
                    items.insert((*id, item), (opening.issued_on, opening.due_on));
                    change(&items, item, opening.amount.minor, |cohort| &mut cohort.charged.minor);
                }
            }
            Event::OpeningBalanceReversed(reversed) => {
                let item = ItemId::Opening { batch_id: reversed.batch_id, row: reversed.row, item: 0 };
                let minor = -reversed.balance.minor - reversed.unapplied_credit.minor;
                change(&items, item, minor, |cohort| &mut cohort.charged.minor);
            }
            Event::CreditAllocated(allocated) => {
                change(&items, allocated.item, allocated.amount.minor, which(allocated.credit));
            }
            Event::AllocationFreed(freed) => change(&items, freed.item, -freed.amount.minor, which(freed.credit)),
            // The note pays in its place.
            Event::SubsidyTakenBack(taken) if taken.replaced_by.is_some() => {
                let (item, minor) = (ItemId::Invoice(taken.invoice_id), taken.amount.minor);
                change(&items, item, -minor, |cohort| &mut cohort.paid.minor);
                change(&items, item, minor, |cohort| &mut cohort.credited.minor);
            }
            Event::DebtWrittenOff(given_up) => {
                change(&items, given_up.item, given_up.amount.minor, |cohort| &mut cohort.written_off.minor);
            }
            Event::DebtRecovered(recovered) => {
                change(&items, recovered.item, -recovered.amount.minor, |cohort| &mut cohort.written_off.minor);
            }
            _ => {}
        }
    }
    let cohorts = cohorts.into_values().map(|cohort| {
        let open = sar((cohort.charged.minor - cohort.paid.minor - cohort.credited.minor - cohort.written_off.minor).into());
        Cohort { open, overdue: open, ..cohort }
    });
    cohorts.filter(|cohort| [cohort.charged, cohort.paid, cohort.credited, cohort.written_off].iter().any(|sum| !sum.is_zero())).collect()
}

fn which(credit: CreditId) -> fn(&mut Cohort) -> &mut i64 {
    match credit {
        CreditId::CreditNote(_) | CreditId::Compensation(_) => |cohort| &mut cohort.credited.minor,
        CreditId::Opening { .. } | CreditId::Payment(_) | CreditId::Deposit(_) | CreditId::Subsidy(_) => |cohort| &mut cohort.paid.minor,
    }
}

#[tokio::test]
async fn the_money_of_a_month_is_that_of_its_days_and_a_dashboard_shows_all() {
    let (_database, pool) = database().await;
    let history = history(40, 250);
    project_all::<Payments>(&pool, history.clone()).await;
    project_all::<Receivables>(&pool, history).await;
    project_all::<Accounts>(&pool, thirty_accounts()).await;
    project_all::<Fleet>(&pool, fleet_history(2, 100)).await;
    let (from, as_of) = (accounts::day("2024-03-15"), AsOf::now_known(the_end()));
    let mut by_month: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for cash in payments::daily_cash(&pool, accounts::day("2024-03-01"), as_of).await.unwrap() {
        let of_month = by_month.entry((cash.effective_on.with_day(1).unwrap(), format!("{:?}", cash.tender), cash.cause)).or_default();
        *of_month = (of_month.0 + cash.movements, of_month.1 + cash.amount.minor);
    }
    let dashboard = kpis::dashboard(&mut pool.acquire().await.unwrap(), from, as_of).await.unwrap();
    let months: BTreeMap<_, _> = dashboard
        .collected
        .iter()
        .map(|cash| ((cash.effective_on, format!("{:?}", cash.tender), cash.cause), (cash.movements, cash.amount.minor)))
        .collect();
    assert_eq!(months, by_month);
    assert!(months.len() > 4, "{months:?}");
    assert_eq!(dashboard.billed, receivables::cohorts(&pool, accounts::day("2024-03-01"), as_of).await.unwrap());
    assert_eq!(dashboard.used, fleet::monthly(&pool, accounts::day("2024-03-01"), as_of).await.unwrap());
    assert!(dashboard.used.len() > 4, "{:?}", dashboard.used);
    assert_eq!(dashboard.accounts.iter().map(|headcount| headcount.accounts).sum::<u64>(), 30);
}
