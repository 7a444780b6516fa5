//! Lists as portals page through them: whatever the filter, every row that fits comes once and in order, and the totals are those of all.

use std::fmt::Debug;

use daftar_domain::{
    BillingEvent, Currency, Service,
    account::{self, AccountNumber, CustomerClass, Tender},
    ids::{AccountId, MeterId},
    invoice::Status,
    meter::{self, MeterKind},
};
use daftar_projections::{
    accounts::{self, Accounts, Headcount, Standing},
    invoices::{self, Invoices},
    meters::{self, Meters},
    payments::{self, Payments},
};
use uuid::Uuid;

use crate::{
    accounts::opened,
    histories::{SAR, history},
    spec::{database, project_all},
};

/// Reads page by page until there is no more.
async fn paged<R: Clone + Debug, C>(size: usize, read: impl AsyncFn(Option<C>) -> Vec<R>, cursor: impl Fn(&R) -> C) -> Vec<R> {
    let (mut seen, mut after) = (vec![], None);
    loop {
        let page = read(after.take()).await;
        assert!(page.len() <= size);
        let Some(last) = page.last() else { return seen };
        after = Some(cursor(last));
        seen.extend(page);
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
        of(account::AccountOpened { class, currency, number, ..opened(n) }.into());
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

#[tokio::test]
async fn accounts() {
    let (_database, pool) = database().await;
    project_all::<Accounts>(&pool, thirty_accounts()).await;
    let everything = accounts::list(&pool, &accounts::Filter::default(), None, 1_000).await.unwrap();
    assert_eq!(everything.len(), 30);
    assert!(everything.is_sorted_by_key(|account| (account.number.to_string(), account.id)));
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
                    let read = async |after: Option<(AccountNumber, AccountId)>| {
                        let after = after.as_ref().map(|(number, id)| (number, *id));
                        accounts::list(&pool, &filter, after, 4).await.unwrap()
                    };
                    assert_eq!(paged(4, read, |account| (account.number.clone(), account.id)).await, fits, "{filter:?}");
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
    let everything = accounts::list(&pool, &accounts::Filter::default(), None, 1_000).await.unwrap();
    let headcounts = accounts::headcounts(&pool).await.unwrap();
    assert_eq!(headcounts.iter().map(|headcount| headcount.accounts).sum::<u64>(), 30);
    for Headcount { class, standing, accounts } in headcounts {
        let there = everything.iter().filter(|account| (account.class, account.standing) == (class, standing)).count();
        assert_eq!(accounts, there as u64, "{class:?} {standing:?}");
    }
}

#[tokio::test]
async fn invoices() {
    for seed in 1..=3 {
        let (_database, pool) = database().await;
        project_all::<Invoices>(&pool, history(seed, 250)).await;
        let everything = invoices::list(&pool, &invoices::Filter::default(), None, 1_000).await.unwrap();
        assert!(everything.len() > 4 && everything.iter().all(|invoice| invoice.issued_on.is_some()));
        assert!(everything.is_sorted_by_key(|invoice| std::cmp::Reverse((invoice.issued_on, invoice.id))));
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
                        let read = async |after| invoices::list(&pool, &filter, after, 2).await.unwrap();
                        assert_eq!(paged(2, read, |invoice| (invoice.issued_on.unwrap(), invoice.id)).await, fits, "{filter:?}");
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
async fn payments() {
    let (_database, pool) = database().await;
    project_all::<Payments>(&pool, history(4, 400)).await;
    let everything = payments::list(&pool, &payments::Filter::default(), None, 1_000).await.unwrap();
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
                    let read = async |after| payments::list(&pool, &filter, after, 3).await.unwrap();
                    let cursor = |payment: &payments::Received| (payment.value_on, payment.id, payment.account_id);
                    assert_eq!(paged(3, read, cursor).await, fits, "{filter:?}");
                    let sums = payments::sums(&pool, &filter).await.unwrap();
                    let [count, amount] = sums.first().map_or([0; 2], |sum| [i64::try_from(sum.payments).unwrap(), sum.amount.minor]);
                    assert_eq!(count, i64::try_from(fits.len()).unwrap());
                    assert_eq!(amount, fits.iter().map(|payment| payment.amount.minor).sum::<i64>());
                }
            }
        }
    }
}

#[tokio::test]
async fn meters() {
    let (_database, pool) = database().await;
    let mut events = vec![];
    for n in 1..=12u128 {
        let meter::Event::MeterRegistered(mut registered) = meter::example::events().remove(0) else { panic!("registered") };
        registered.device.meter_id = MeterId::new(Uuid::from_u128(n));
        registered.device.serial = daftar_domain::Code::new(format!("S{}-{n}", n % 3)).unwrap();
        registered.device.kind = if n % 2 == 0 { MeterKind::Smart } else { MeterKind::Traditional };
        events.push((Uuid::from_u128(n), meter::Event::from(registered).into()));
        if n % 4 == 0 {
            events.extend(meter::example::events()[3..4].iter().map(|event| (Uuid::from_u128(n), event.clone().into())));
        }
    }
    project_all::<Meters>(&pool, events).await;
    let everything = meters::list(&pool, &meters::Filter::default(), None, 100).await.unwrap();
    assert_eq!((everything.len(), everything.is_sorted_by_key(|meter| (meter.serial.clone(), meter.id))), (12, true));
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
                    let read = async |after: Option<(String, MeterId)>| {
                        let after = after.as_ref().map(|(serial, id)| (serial.as_str(), *id));
                        meters::list(&pool, &filter, after, 2).await.unwrap()
                    };
                    assert_eq!(paged(2, read, |meter| (meter.serial.clone(), meter.id)).await, fits, "{filter:?}");
                    assert_eq!(meters::count(&pool, &filter).await.unwrap(), fits.len() as u64);
                }
            }
        }
    }
}
