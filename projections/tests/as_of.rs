//! Whatever is asked as of a moment is answered as it would have been answered then.

use std::fmt::Debug;

use daftar_domain::{
    BillingEvent, BillingPeriod,
    account::{
        ItemId, Tender,
        example::{day, invoice_id, payment_id},
    },
    ids::{AccountId, InvoiceId, accounting_periods_id},
    invoice::Status,
    ledger::{
        LedgerAccount,
        periods::{self, PeriodOpened, example as months},
    },
};
use daftar_projections::{
    AsOf, Direction, Page, QueryError,
    invoices::{self, Invoices, Receipt},
    ledger::{self, Ledger},
    payments::{self, Payments},
    receivables::{self, Receivables},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    histories::{SAR, history, the_end},
    spec::{database, log_of, project_all, recorded},
};

#[tokio::test]
async fn the_past_is_answered_as_it_was_then() {
    for seed in 1..=3 {
        let mut lot = StdRng::seed_from_u64(seed);
        let events = with_periods(history(seed + 20, 200));
        let facts = recorded(&log_of(&events).await).await;
        let (_all, everything) = projected(&events).await;
        for _ in 0..3 {
            let moment = lot.random_range(5..events.len());
            let (_then, known_then) = projected(&events[..=moment]).await;
            for effective in [day("2024-04-01") + chrono::Days::new(lot.random_range(0..200)), the_end()] {
                let then = answers(&known_then, AsOf::now_known(effective)).await;
                let now = answers(&everything, AsOf::recorded(facts[moment].position, effective)).await;
                for (then, now) in then.iter().zip(&now) {
                    assert_eq!(now, then, "seed {seed} at {moment} on {effective}");
                }
                assert_eq!(then.len(), now.len());
            }
            // As if nothing had happened since, and nobody asked for a moment.
            let then = lists(&known_then, None).await;
            assert_eq!(lists(&everything, Some(AsOf::recorded(facts[moment].position, the_end()))).await, then, "seed {seed} at {moment}");
        }
        let now = answers(&everything, AsOf::now_known(the_end())).await;
        let long_ago = answers(&everything, AsOf::recorded(facts[5].position, the_end())).await;
        let changed = now.iter().zip(&long_ago).filter(|(now, then)| now != then).count();
        assert!(changed > now.len() / 2, "the moment makes a difference: {changed} of {}", now.len());
    }
}

/// Two accounting periods, the first of which closes in the middle.
fn with_periods(mut events: Vec<(Uuid, BillingEvent)>) -> Vec<(Uuid, BillingEvent)> {
    let of = |event: periods::Event| (Uuid::from(accounting_periods_id()), BillingEvent::AccountingPeriods(event));
    let (first, second) =
        (BillingPeriod::new(day("2024-01-01"), day("2024-06-01")), BillingPeriod::new(day("2024-06-01"), day("2026-01-01")));
    let (first, second) = (first.unwrap(), second.unwrap());
    let periods::Event::PeriodClosed(closed) = months::closed(1) else { panic!("closed") };
    let position = daftar_domain::Position::single(u64::try_from(events.len() / 2).unwrap());
    events.insert(events.len() / 2 + 2, of(periods::PeriodClosed { period: first, position, ..closed }.into()));
    events.splice(0..0, [first, second].map(|period| of(PeriodOpened { period }.into())));
    events
}

async fn projected(events: &[(Uuid, BillingEvent)]) -> (daftar_cluster::testing::TestDatabase, PgPool) {
    let (database, pool) = database().await;
    let events = || events.iter().cloned();
    project_all::<Ledger>(&pool, events()).await;
    project_all::<Receivables>(&pool, events()).await;
    project_all::<Invoices>(&pool, events()).await;
    project_all::<Payments>(&pool, events()).await;
    (database, pool)
}

/// All that can be asked of money, as text.
async fn answers(pool: &PgPool, as_of: AsOf) -> Vec<String> {
    let mut db = pool.acquire().await.unwrap();
    let mut answers = vec![];
    let mut say = |question: &str, answer: &dyn Debug| answers.push(format!("{question}: {answer:?}"));
    say("trial balance", &ledger::trial_balance(pool, as_of).await.unwrap());
    let periods = ledger::periods(pool, as_of).await.unwrap();
    say("periods", &periods);
    for known in periods {
        say("turnover", &ledger::turnover(&mut db, known.period, as_of).await.unwrap());
    }
    for account in [LedgerAccount::Receivable, LedgerAccount::Unapplied, LedgerAccount::CashOnHand] {
        say("general ledger", &ledger::general_ledger(&mut db, (account, SAR), day("2024-04-10"), None, as_of, 1_000).await.unwrap());
    }
    say("aged", &receivables::aged(&mut db, as_of).await.unwrap());
    say("debtors", &receivables::accounts_with_open_items(pool, None, as_of, 10).await.unwrap());
    say("charged", &receivables::cohorts(pool, day("2023-01-01"), as_of).await.unwrap());
    say("cash", &payments::daily_cash(pool, day("2024-01-01"), as_of).await.unwrap());
    say("cash", &payments::monthly_cash(pool, day("2024-01-01"), as_of).await.unwrap());
    for n in 1..=3 {
        let id = AccountId::new(Uuid::from_u128(n));
        say("books", &ledger::of_customer(pool, id, as_of).await.unwrap());
        say("aged", &receivables::aged_of(&mut db, &[id], as_of).await.unwrap());
        say("balances", &receivables::balances(pool, id, as_of).await.unwrap());
        say("open items", &receivables::open_items(pool, id, as_of).await.unwrap());
        let statement = receivables::statement(&mut db, (id, SAR), day("2024-04-10"), None, as_of, 1_000);
        say("statement", &statement.await.unwrap());
        for payment in 1..=8 {
            say("allocations", &payments::allocations(pool, id, payment_id(payment), as_of).await.unwrap());
        }
    }
    for m in 0..8 {
        say("documents", &invoices::documents(pool, invoice_id(m), as_of).await.unwrap());
        say("stood", &invoices::stood(pool, invoice_id(m), as_of).await.unwrap());
    }
    answers.extend(lists(pool, Some(as_of)).await);
    answers
}

/// All lists of invoices and payments, each with its totals.
async fn lists(pool: &PgPool, as_of: Option<AsOf>) -> Vec<String> {
    let mut lists = vec![];
    let accounts = [3, 1, 2].map(|n| AccountId::new(Uuid::from_u128(n)));
    for (account_id, days) in [(None, None), (Some(accounts[0]), None), (None, Some((day("2024-04-01"), day("2024-07-01"))))] {
        for (statuses, overdue) in [(None, None), (Some(vec![Status::Open, Status::PartlyPaid]), None), (None, Some(true))] {
            let filter = invoices::Filter { account_id, statuses, overdue, currency: Some(SAR), issued: days };
            for by in [invoices::Order::IssuedOn, invoices::Order::Number] {
                let read = async |page: &Page<_>| invoices::list(pool, &filter, page, as_of).await.unwrap();
                lists.push(format!("{by:?} {filter:?}: {}", standings(&paged(by, read, invoices::Standing::spot).await)));
            }
            lists.push(format!("{filter:?}: {:?}", invoices::count(pool, &filter, as_of).await.unwrap()));
        }
        for (tender, reversed) in [(None, None), (Some(Tender::Cash), None), (None, Some(true)), (None, Some(false))] {
            let filter = payments::Filter { account_id, tender, channel: None, currency: Some(SAR), reversed, value: days };
            for by in [payments::Order::ValueOn, payments::Order::Amount] {
                let read = async |page: &Page<_, 2>| payments::list(pool, &filter, page, as_of).await.unwrap();
                lists.push(format!("{by:?} {filter:?}: {:?}", paged(by, read, payments::Received::spot).await));
            }
            lists.push(format!("{filter:?}: {:?}", payments::sums(pool, &filter, as_of).await.unwrap()));
        }
    }
    let (billed, paid) = (invoices::of_accounts(pool, &accounts, None, 2, as_of), payments::of_accounts(pool, &accounts, None, 2, as_of));
    lists.push(format!("accounts: {} {:?}", standings(&billed.await.unwrap()), paid.await.unwrap()));
    let mut counts = (invoices::counts_of_accounts(pool, &accounts, as_of).await.unwrap(), vec![]);
    counts.1 = payments::counts_of_accounts(pool, &accounts, as_of).await.unwrap();
    counts.0.sort_unstable();
    counts.1.sort_unstable();
    lists.push(format!("of accounts: {counts:?}"));
    lists
}

/// Without what paid them, of which lists of the past say nothing.
fn standings(invoices: &[invoices::Standing]) -> String {
    let said = invoices.iter().map(|invoice| format!("{invoice:?}"));
    let cut = said.map(|said| {
        let (before, after) = said.split_once("payments: ").unwrap();
        format!("{before}{}", after.split_once(", revision: ").unwrap().1)
    });
    cut.collect::<Vec<_>>().join("\n")
}

/// Page by page, both ways.
async fn paged<R: Clone, B: Copy, const IDS: usize>(
    by: B,
    read: impl AsyncFn(&Page<B, IDS>) -> Vec<R>,
    spot: impl Fn(&R, B) -> daftar_projections::Spot<IDS>,
) -> Vec<R> {
    let mut seen = vec![];
    for direction in [Direction::Ascending, Direction::Descending] {
        let mut after = None;
        loop {
            let rows = read(&Page { by, direction, after, limit: 5 }).await;
            let Some(last) = rows.last() else { break };
            after = Some(spot(last, by));
            seen.extend(rows);
        }
    }
    seen
}

/// What a payment had paid and what an invoice was paid by are told in more than one place.
#[tokio::test]
async fn lists_say_of_a_moment_what_else_is_said_of_it() {
    let events = history(24, 300);
    let facts = recorded(&log_of(&events).await).await;
    let (_all, everything) = projected(&events).await;
    let (mut stood, mut allocated) = (0, 0);
    let billed = facts.iter().filter(|fact| matches!(fact.event, BillingEvent::Invoice(_)));
    let billed: Vec<InvoiceId> = billed.map(|fact| InvoiceId::new(fact.stream.id())).collect();
    let moments = [facts.len() / 3, facts.len() / 2, facts.len() - 1].map(|moment| facts[moment].position);
    for as_of in moments.into_iter().flat_map(|position| [day("2024-07-01"), the_end()].map(|on| AsOf::recorded(position, on))) {
        let page = Page { by: invoices::Order::Number, direction: Direction::Ascending, after: None, limit: 1_000 };
        for invoice in invoices::list(&everything, &invoices::Filter::default(), &page, Some(as_of)).await.unwrap() {
            let told = (invoice.status, invoice.overdue, invoice.left_to_pay.minor);
            assert_eq!(invoices::stood(&everything, invoice.id, as_of).await.unwrap(), Some(told));
            stood += 1;
        }
        let page = Page { by: payments::Order::ValueOn, direction: Direction::Ascending, after: None, limit: 1_000 };
        let mut paid = vec![];
        for payment in payments::list(&everything, &payments::Filter::default(), &page, Some(as_of)).await.unwrap() {
            let parts = payments::allocations(&everything, payment.account_id, payment.id, as_of).await.unwrap();
            assert_eq!(payment.allocated.minor, parts.iter().map(|(_, amount)| amount.minor).sum::<i64>());
            allocated += parts.len();
            paid.extend(parts.into_iter().filter_map(|(item, amount)| match item {
                ItemId::Invoice(invoice) => Some((invoice, payment.id, amount)),
                ItemId::Opening { .. } | ItemId::DebitNote(_) => None,
            }));
        }
        let found = payments::of_invoices(&everything, &billed, as_of).await.unwrap();
        assert!(found.is_sorted_by_key(|(_, payment, _)| payment.value_on));
        let mut found: Vec<_> = found.into_iter().map(|(invoice, payment, amount)| (invoice, payment.id, amount)).collect();
        found.sort_by_key(|(invoice, payment, _)| (*invoice, *payment));
        paid.sort_by_key(|(invoice, payment, _)| (*invoice, *payment));
        assert_eq!(found, paid);
    }
    assert!(stood > 5 && allocated > 5, "{stood} {allocated}");

    let mut paid = 0;
    for on in [day("2024-04-05"), day("2024-07-01"), the_end()] {
        let mut elsewhere = payments::of_invoices(&everything, &billed, AsOf::now_known(on)).await.unwrap();
        for invoice in invoices::by_ids(&everything, &billed).await.unwrap() {
            let its_own = elsewhere.extract_if(.., |(of, ..)| *of == invoice.id).map(|(_, payment, amount)| {
                let payments::Received { id, tender, channel, reference, amount: whole, received_at, value_on, .. } = payment;
                (id, tender, channel, reference, whole, received_at, value_on, amount)
            });
            let told = invoice.paid_by(on).unwrap().unwrap().into_iter().map(|(receipt, amount)| {
                let Receipt { payment_id, tender, channel, reference, amount: whole, received_at, value_on } = receipt;
                (payment_id, tender, channel.to_string(), reference.to_string(), whole, received_at, value_on, amount)
            });
            let told: Vec<_> = told.collect();
            assert_eq!(told, its_own.collect::<Vec<_>>(), "{on}");
            paid += told.len();
        }
    }
    assert!(paid > 5, "{paid}");
}

#[tokio::test]
async fn a_list_of_the_past_is_not_sorted_by_what_has_changed_since() {
    let (_database, pool) = database().await;
    for by in [invoices::Order::DueOn, invoices::Order::LeftToPay] {
        let page = Page { by, direction: Direction::Ascending, after: None, limit: 10 };
        let asked = async |as_of| invoices::list(&pool, &invoices::Filter::default(), &page, as_of).await;
        assert!(matches!(asked(Some(AsOf::now_known(the_end()))).await, Err(QueryError::OrderOfNow)));
        assert_eq!(asked(None).await.unwrap(), []);
    }
}
