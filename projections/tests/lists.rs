//! Lists as portals page through them: whatever the filter and the order, every row that fits comes once and in its place, and the totals are
//! those of all.

use std::{cmp::Ordering, fmt::Debug};

use chrono::Days;
use daftar_domain::{
    BillingEvent, Currency, Service,
    account::{self, AccountNumber, CustomerClass, Tender},
    ids::MeterId,
    invoice::Status,
    meter::{self, MeterKind},
};
use daftar_projections::{
    Direction, Page, Spot,
    accounts::{self, Accounts, Headcount, Standing},
    invoices::{self, Invoices},
    meters::{self, Meters},
    payments::{self, Payments},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgPool};
use uuid::Uuid;

use crate::{
    accounts::opened,
    histories::{SAR, history},
    spec::{database, project_all},
};

fn page<B, const IDS: usize>(by: B, direction: Direction, after: Option<Spot<IDS>>, limit: u32) -> Page<B, IDS> {
    Page { by, direction, after, limit }
}

/// Each order, and how two members are in it.
pub type Orders<'a, R, B> = &'a [(B, fn(&R, &R) -> Ordering)];

/// Read page by page in each of the orders, both ways, all that fits is there, in that order.
pub async fn in_all_orders<R: Clone + Debug + PartialEq, B: Copy + Debug, const IDS: usize>(
    fits: &[R],
    orders: Orders<'_, R, B>,
    size: u32,
    read: impl AsyncFn(&Page<B, IDS>) -> Vec<R>,
    spot: impl Fn(&R, B) -> Spot<IDS>,
) {
    for (by, compare) in orders {
        let mut sorted = fits.to_vec();
        sorted.sort_by(|a, b| compare(a, b).then_with(|| spot(a, *by).ids.cmp(&spot(b, *by).ids)));
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut seen: Vec<R> = vec![];
            loop {
                let rows = read(&page(*by, direction, seen.last().map(|row| spot(row, *by)), size)).await;
                assert!(rows.len() <= size as usize);
                if rows.is_empty() {
                    break;
                }
                seen.extend(rows);
            }
            assert_eq!(seen, sorted, "by {by:?}, {direction:?}");
            sorted.reverse();
        }
    }
}

const CLASSES: [CustomerClass; 3] = [CustomerClass::Residential, CustomerClass::Commercial, CustomerClass::Industrial];

/// Thirty accounts, of which every fifth is suspended and every tenth then closed.
pub fn thirty_accounts() -> Vec<(Uuid, BillingEvent)> {
    let mut events = vec![];
    for n in 1..=30u128 {
        let class = CLASSES[usize::try_from(n % 3).unwrap()];
        let currency = if n % 2 == 0 { Currency::SAR } else { Currency::YER };
        let number = AccountNumber::new(format!("{}-{n:02}", ["A", "AB", "B"][usize::try_from(n % 3).unwrap()])).unwrap();
        let mut of = |event: account::Event| events.push((Uuid::from_u128(n), event.into()));
        let opened_on = opened(n).opened_on - Days::new(u64::try_from(n % 7).unwrap());
        of(account::AccountOpened { class, currency, number, opened_on, ..opened(n) }.into());
        let said = account::example::events();
        let find = |name: &str| said.iter().find(|event| daftar_domain::EventSchema::event_type(*event) == name).cloned().unwrap();
        if n % 5 == 0 {
            of(find("AccountSuspended"));
        }
        if n % 10 == 0 {
            of(find("AccountClosed"));
        }
    }
    events
}

const ACCOUNTS: Orders<'static, accounts::Account, accounts::Order> = &[
    (accounts::Order::Number, |a, b| a.number.as_str().cmp(b.number.as_str())),
    (accounts::Order::OpenedOn, |a, b| a.opened_on.cmp(&b.opened_on)),
];

async fn all_accounts(pool: &PgPool) -> Vec<accounts::Account> {
    let page = page(accounts::Order::Number, Direction::Ascending, None, 1_000);
    accounts::list(pool, &accounts::Filter::default(), &page).await.unwrap()
}

#[tokio::test]
async fn accounts() {
    let (_database, pool) = database().await;
    project_all::<Accounts>(&pool, thirty_accounts()).await;
    let everything = all_accounts(&pool).await;
    assert_eq!(everything.len(), 30);
    let mut met = vec![];
    for class in [None, Some(CustomerClass::Commercial)] {
        for standing in [None, Some(Standing::Active), Some(Standing::Suspended), Some(Standing::Closed)] {
            for currency in [None, Some(Currency::SAR)] {
                for number in [None, Some("A"), Some("A-"), Some("AB-0"), Some("a")] {
                    let filter = accounts::Filter { class, standing, currency, number: number.map(str::to_owned) };
                    let fits = everything.iter().filter(|account| {
                        class.is_none_or(|class| account.class == class)
                            && standing.is_none_or(|standing| account.standing == standing)
                            && currency.is_none_or(|currency| account.currency == currency)
                            && number.is_none_or(|number| account.number.as_str().starts_with(number))
                    });
                    let fits: Vec<_> = fits.cloned().collect();
                    let read = async |page: &Page<accounts::Order>| accounts::list(&pool, &filter, page).await.unwrap();
                    in_all_orders(&fits, ACCOUNTS, 4, read, accounts::Account::spot).await;
                    assert_eq!(accounts::count(&pool, &filter).await.unwrap(), fits.len() as u64, "{filter:?}");
                    met.push(fits.len());
                }
            }
        }
    }
    assert!(met.contains(&0) && met.contains(&30) && met.iter().filter(|count| **count > 4).count() > 10, "{met:?}");
}

#[tokio::test]
async fn accounts_are_counted_by_what_they_are_at_last() {
    let (_database, pool) = database().await;
    project_all::<Accounts>(&pool, thirty_accounts()).await;
    let everything = all_accounts(&pool).await;
    let headcounts = accounts::headcounts(&pool).await.unwrap();
    assert_eq!(headcounts.iter().map(|headcount| headcount.accounts).sum::<u64>(), 30);
    for Headcount { class, standing, accounts } in headcounts {
        let there = everything.iter().filter(|account| (account.class, account.standing) == (class, standing)).count();
        assert_eq!(accounts, there as u64, "{class:?} {standing:?}");
    }
}

const INVOICES: Orders<'static, invoices::Standing, invoices::Order> = &[
    (invoices::Order::IssuedOn, |a, b| a.issued_on.cmp(&b.issued_on)),
    (invoices::Order::DueOn, |a, b| a.due_on.cmp(&b.due_on)),
    (invoices::Order::LeftToPay, |a, b| a.left_to_pay.minor.cmp(&b.left_to_pay.minor)),
    (invoices::Order::Number, |a, b| a.number.cmp(&b.number)),
];

#[tokio::test]
async fn invoices() {
    for seed in 1..=3 {
        let (_database, pool) = database().await;
        project_all::<Invoices>(&pool, history(seed, 250)).await;
        let whole = page(invoices::Order::IssuedOn, Direction::Descending, None, 1_000);
        let everything = invoices::list(&pool, &invoices::Filter::default(), &whole, None).await.unwrap();
        assert!(everything.len() > 4 && everything.iter().all(|invoice| invoice.issued_on.is_some()));
        let read = async |page: &Page<invoices::Order>| invoices::list(&pool, &invoices::Filter::default(), page, None).await.unwrap();
        in_all_orders(&everything, INVOICES, 3, read, invoices::Standing::spot).await;
        let issued = everything[everything.len() / 2].issued_on.unwrap();
        for account_id in [None, Some(everything[0].account_id)] {
            for statuses in [None, Some(vec![]), Some(vec![Status::Open, Status::PartlyPaid]), Some(vec![Status::Paid])] {
                for overdue in [None, Some(true)] {
                    for issued in [None, Some((issued, issued)), Some((issued, everything[0].issued_on.unwrap()))] {
                        let filter = invoices::Filter { account_id, statuses: statuses.clone(), overdue, currency: Some(SAR), issued };
                        let fits = everything.iter().filter(|invoice| {
                            account_id.is_none_or(|id| invoice.account_id == id)
                                && statuses.as_ref().is_none_or(|statuses| statuses.contains(&invoice.status))
                                && overdue.is_none_or(|overdue| invoice.overdue == overdue)
                                && issued.is_none_or(|(from, to)| invoice.issued_on.is_some_and(|on| from <= on && on <= to))
                        });
                        let fits: Vec<_> = fits.cloned().collect();
                        let read = async |page: &Page<invoices::Order>| invoices::list(&pool, &filter, page, None).await.unwrap();
                        in_all_orders(&fits, INVOICES, 3, read, invoices::Standing::spot).await;
                        let sums = invoices::sums(&pool, &filter).await.unwrap();
                        let [count, total, left] = sums
                            .first()
                            .map_or([0; 3], |sum| [i64::try_from(sum.invoices).unwrap(), sum.total.minor, sum.left_to_pay.minor]);
                        assert_eq!(count, i64::try_from(fits.len()).unwrap());
                        assert_eq!(total, fits.iter().map(|invoice| invoice.total.minor).sum::<i64>());
                        assert_eq!(left, fits.iter().map(|invoice| invoice.left_to_pay.minor).sum::<i64>());
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn the_latest_invoices_are_not_planned_each_time() {
    let (_database, pool) = database().await;
    project_all::<Invoices>(&pool, history(1, 250)).await;
    let more =
        "INSERT INTO read_invoices.invoice SELECT (jsonb_populate_record(invoice, jsonb_build_object('invoice_id', gen_random_uuid()))).*
                FROM read_invoices.invoice, generate_series(1, 2000)";
    sqlx::query(more).execute(&pool).await.unwrap();
    sqlx::query("ANALYZE read_invoices.invoice").execute(&pool).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let page = page(invoices::Order::IssuedOn, Direction::Descending, None, 51);
    for _ in 0..10 {
        assert_eq!(invoices::list(&mut *db, &invoices::Filter::default(), &page, None).await.unwrap().len(), 51);
    }
    let plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE starts_with(statement, 'SELECT invoice_id')";
    // The first five are how PostgreSQL finds out.
    assert_eq!(sqlx::query_as::<_, (i64, i64)>(plans).fetch_one(&mut *db).await.unwrap(), (5, 5));
}

const PAYMENTS: Orders<'static, payments::Received, payments::Order> = &[
    (payments::Order::ValueOn, |a, b| a.value_on.cmp(&b.value_on)),
    (payments::Order::Amount, |a, b| a.amount.minor.cmp(&b.amount.minor)),
];

#[tokio::test]
async fn payments() {
    let (_database, pool) = database().await;
    project_all::<Payments>(&pool, history(4, 400)).await;
    let whole = page(payments::Order::ValueOn, Direction::Descending, None, 1_000);
    let everything = payments::list(&pool, &payments::Filter::default(), &whole, None).await.unwrap();
    assert!(everything.len() > 8 && everything.iter().any(|payment| payment.reversed_on.is_some()));
    let value = everything[everything.len() / 2].value_on;
    for account_id in [None, Some(everything[0].account_id)] {
        for tender in [None, Some(Tender::Cash), Some(Tender::Cheque)] {
            for reversed in [None, Some(true), Some(false)] {
                for value in [None, Some((value, everything[0].value_on))] {
                    let filter = payments::Filter { account_id, tender, reversed, value, currency: Some(SAR), channel: None };
                    let fits = everything.iter().filter(|payment| {
                        account_id.is_none_or(|id| payment.account_id == id)
                            && tender.is_none_or(|tender| payment.tender == tender)
                            && reversed.is_none_or(|reversed| payment.reversed_on.is_some() == reversed)
                            && value.is_none_or(|(from, to)| from <= payment.value_on && payment.value_on <= to)
                    });
                    let fits: Vec<_> = fits.cloned().collect();
                    let read = async |page: &Page<payments::Order, 2>| payments::list(&pool, &filter, page, None).await.unwrap();
                    in_all_orders(&fits, PAYMENTS, 3, read, payments::Received::spot).await;
                    let sums = payments::sums(&pool, &filter, None).await.unwrap();
                    let [count, amount] = sums.first().map_or([0; 2], |sum| [i64::try_from(sum.payments).unwrap(), sum.amount.minor]);
                    assert_eq!(count, i64::try_from(fits.len()).unwrap());
                    assert_eq!(amount, fits.iter().map(|payment| payment.amount.minor).sum::<i64>());
                }
            }
        }
    }
}

const METERS: Orders<'static, meters::Device, meters::Order> = &[
    (meters::Order::Serial, |a, b| a.serial.cmp(&b.serial)),
    (meters::Order::CertifiedUntil, |a, b| {
        let last = |meter: &meters::Device| (meter.certified_until.is_none(), meter.certified_until);
        last(a).cmp(&last(b))
    }),
];

#[tokio::test]
async fn meters() {
    let (_database, pool) = database().await;
    let mut events = vec![];
    for n in 1..=12u128 {
        let meter::Event::MeterRegistered(mut registered) = meter::example::events().remove(0) else { panic!("registered") };
        registered.device.meter_id = MeterId::new(Uuid::from_u128(n));
        registered.device.serial = daftar_domain::Code::new(format!("S{}-{n}", n % 3)).unwrap();
        registered.device.certified_until =
            registered.device.certified_until.filter(|_| n % 5 > 0).map(|day| day + Days::new(u64::try_from(n % 4).unwrap()));
        registered.device.kind = if n % 2 == 0 { MeterKind::Smart } else { MeterKind::Traditional };
        events.push((Uuid::from_u128(n), meter::Event::from(registered).into()));
        if n % 4 == 0 {
            events.extend(meter::example::events()[3..4].iter().map(|event| (Uuid::from_u128(n), event.clone().into())));
        }
    }
    project_all::<Meters>(&pool, events).await;
    let whole = page(meters::Order::Serial, Direction::Ascending, None, 100);
    let everything = meters::list(&pool, &meters::Filter::default(), &whole).await.unwrap();
    assert_eq!(everything.len(), 12);
    assert!(everything.iter().any(|meter| meter.certified_until.is_none()));
    for kind in [None, Some(MeterKind::Smart)] {
        for status in [None, Some(meters::Status::Installed), Some(meters::Status::Scrapped)] {
            for serial in [None, Some("S1"), Some("S2-1")] {
                for service in [None, Some(Service::Electricity)] {
                    let account_id = service.and(everything.iter().find_map(|meter| meter.account_id));
                    let filter = meters::Filter { kind, status, service, account_id, serial: serial.map(str::to_owned) };
                    let fits = everything.iter().filter(|meter| {
                        kind.is_none_or(|kind| meter.kind == kind)
                            && status.is_none_or(|status| meter.status == status)
                            && serial.is_none_or(|serial| meter.serial.starts_with(serial))
                            && service.is_none_or(|service| meter.service == Some(service))
                            && account_id.is_none_or(|id| meter.account_id == Some(id))
                    });
                    let fits: Vec<_> = fits.cloned().collect();
                    let read = async |page: &Page<meters::Order>| meters::list(&pool, &filter, page).await.unwrap();
                    in_all_orders(&fits, METERS, 2, read, meters::Device::spot).await;
                    assert_eq!(meters::count(&pool, &filter).await.unwrap(), fits.len() as u64);
                }
            }
        }
    }
}

/// A page costs the same however long the list is: its rows come from an index, already in their order, also where the plan was made before
/// the values were known.
#[tokio::test]
async fn every_order_has_its_index() {
    let (_database, pool) = database().await;
    let mut db = pool.acquire().await.unwrap();
    let set = "SET enable_seqscan = off; SET enable_sort = off; SET plan_cache_mode = force_generic_plan";
    db.execute(set).await.unwrap();
    let mut pages = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.sqlx")).unwrap() {
        let checked: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        let query = checked["query"].as_str().unwrap();
        if query.ends_with(" LIMIT $1") && [") > ($2, $3", ") < ($2, $3"].iter().any(|behind| query.contains(behind)) {
            let values = vec!["NULL"; checked["describe"]["parameters"]["Left"].as_array().unwrap().len()].join(", ");
            db.execute(AssertSqlSafe(format!("PREPARE page_{pages} AS {query}"))).await.unwrap();
            let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE page_{pages} ({values})"));
            let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *db).await.unwrap();
            assert!(!plan.iter().any(|line| line.contains("Sort")), "{query}\n{plan:#?}");
            pages += 1;
        }
    }
    assert_eq!(
        pages,
        2 * (ACCOUNTS.len() + INVOICES.len() + PAYMENTS.len() + METERS.len() + 3 + 2 + 2 + PAYMENTS.len()),
        "repairs have three, applications two, and invoices as of a moment two"
    );
}
