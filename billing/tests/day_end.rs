//! Days end once, however often they are ended, and as of themselves, however late.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use daftar_billing::{
    Terms,
    day_end::{DayEndError, DayEnds, Ended},
};
use daftar_domain::{
    Actor, BillingEvent, Currency, Recorded, StreamName,
    account::{self, ReversalCause, ReversePayment, example as accounts},
    ids::{AccountId, InvoiceId},
    invoice::{self, Invoice, IssueAtOnce, Revenue, example as invoices},
    payment::State,
    register,
};
use daftar_store::CommandContext;
use uuid::Uuid;

use crate::gateway::shop::{Shop, sar};

fn terms() -> Terms {
    r#"{"seller": {"name": "الدفتر", "vat_number": "310122393500003", "address": {"street": "العليا", "building": "1", "district": "العليا",
        "city": "الرياض", "postal_code": "12212", "country": "SA"}}, "numbering": {"register": "RUH", "series": "FEE"}, "dueDays": 15,
        "lateFees": {"percent": "2", "cap": "100", "graceDays": 1}, "fees": {"vat": {"category": "S", "rate": "0.15"}},
        "smallBalancesAfterDays": 2}"#
        .parse()
        .unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Just after midnight in Riyadh, which is three hours ahead.
fn night_after(last: &str) -> DateTime<Utc> {
    day(last).and_hms_opt(21, 5, 0).unwrap().and_utc()
}

fn days(shop: &Shop) -> DayEnds {
    DayEnds::new(shop.engine.clone(), shop.pool.clone(), shop.payments.clone(), Some(terms()))
}

/// 149.50, due on 16 July 2024.
async fn invoice(shop: &Shop, account_id: AccountId, n: u64) {
    let invoice_id = InvoiceId::new(Uuid::from_u128(1_000 + u128::from(n)));
    let (draft, dates, number) = (invoices::draft(), invoices::dates(), register::example::number(n));
    let wish = invoice::Command::IssueAtOnce(IssueAtOnce { invoice_id, account_id, draft, dates, number });
    let context = CommandContext::new(Actor::job("test"), "issue", &n.to_string(), Utc::now());
    shop.engine.execute::<Invoice>(&StreamName::of::<Invoice>(invoice_id), &context, wish).await.unwrap();
    shop.settled().await;
}

/// Two customers who do not pay, one who owes 0.50, and one who has paid.
async fn town(shop: &Shop) {
    for (n, paid) in [(1, 0), (2, 0), (3, 14_900), (4, 14_950)] {
        let account = shop.account(n, Currency::SAR).await;
        invoice(shop, account, u64::try_from(n).unwrap()).await;
        if paid > 0 {
            shop.ask(account, "pay", accounts::record_payment(1, paid).into()).await.unwrap();
        }
    }
    shop.settled().await;
}

/// What the ends of days had to say, in no particular order of streams.
async fn said(shop: &Shop) -> Vec<String> {
    shop.settled().await;
    let text = |event: Recorded<BillingEvent>| match &event.event {
        BillingEvent::Account(account::Event::LateFeeAssessed(_) | account::Event::DebtWrittenOff(_))
        | BillingEvent::Invoice(
            invoice::Event::InvoiceFellOverdue(_) | invoice::Event::InvoiceDrafted(_) | invoice::Event::InvoiceApproved(_),
        ) => Some(format!("{} {} {}", event.stream.category(), event.event.event_type(), String::from_utf8_lossy(&event.event.encode()))),
        _ => None,
    };
    shop.told(text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_were_missed_are_ended_as_if_none_had_been_and_none_twice() {
    let (punctual, late) = (Shop::open().await, Shop::open().await);
    for shop in [&punctual, &late] {
        town(shop).await;
        // The first day that is ever ended is the last that is over.
        assert_eq!(days(shop).catch_up(night_after("2024-07-16")).await.unwrap(), [(day("2024-07-16"), Ended::default())]);
    }
    for night in ["2024-07-17", "2024-07-18", "2024-07-19"] {
        assert_eq!(days(&punctual).catch_up(night_after(night)).await.unwrap().len(), 1);
        assert_eq!(days(&punctual).catch_up(night_after(night)).await.unwrap(), [], "a day ends once");
    }
    let ended = days(&late).catch_up(night_after("2024-07-19")).await.unwrap();
    let numbers: Vec<_> =
        ended.iter().map(|(_, ended)| (ended.overdue, ended.late_fees, ended.fees_billed, ended.small_balances)).collect();
    // Due on the 16th: overdue on the 17th; a day of grace, so a fee on the 18th, but not for what is given up on the 19th.
    assert_eq!(numbers, [(3, 0, 0, 0), (0, 2, 2, 0), (0, 0, 0, 1)]);
    let expected = said(&punctual).await;
    assert_eq!(expected.len(), 3 + 2 + 2 * 2 + 1, "{expected:#?}");
    // Ids of invoices for fees come from the log's ids, which are the same in both towns.
    assert_eq!(said(&late).await, expected);

    // Ended again by hand, days say nothing.
    for text in ["2024-07-17", "2024-07-19", "2024-07-18"] {
        days(&late).end(day(text), night_after("2024-07-19")).await.unwrap();
    }
    assert_eq!(said(&late).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_documents_with_a_number_and_vat() {
    let shop = Shop::open().await;
    let account = shop.account(1, Currency::SAR).await;
    invoice(&shop, account, 1).await;
    shop.ask(account, "pay", accounts::record_payment(1, 500).into()).await.unwrap();
    let wish = ReversePayment { cause: ReversalCause::Bounced, bounce_fee: Some(sar(5_000)), ..accounts::reverse_payment(1) };
    shop.ask(account, "bounce", wish.into()).await.unwrap();
    shop.settled().await;
    let ended = days(&shop).end(day("2024-07-18"), night_after("2024-07-18")).await.unwrap();
    assert_eq!((ended.overdue, ended.late_fees, ended.fees_billed, ended.refused), (1, 1, 2, 0));
    shop.settled().await;
    let mut fees = Vec::new();
    for event in shop.events().await {
        if let BillingEvent::Invoice(invoice::Event::InvoiceIssued(fact)) = event.event
            && fact.document.lines[0].revenue != Revenue::Energy
        {
            let document = &fact.document;
            fees.push((document.lines[0].revenue, document.net.minor, document.vat.minor, fact.number.series.to_string()));
        }
    }
    fees.sort();
    // Two per cent of 149.50 is 2.99, and its VAT 0.4485.
    let series = || "FEE".to_owned();
    assert_eq!(fees, [(Revenue::LateFee, 299, 45, series()), (Revenue::BouncedPaymentFee, 5_000, 750, series())]);
    assert_eq!(shop.money(account).await, -(14_950 + 299 + 45 + 5_000 + 750));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_ends_payments_too_and_not_before_it_is_over_where_we_are() {
    let shop = Shop::open().await;
    let account = shop.account(1, Currency::SAR).await;
    let begun = shop.start(account, "k", sar(500)).await.unwrap();
    let today = shop.payments.local_day(Utc::now());
    let early = days(&shop).end(today, Utc::now()).await.unwrap_err();
    assert!(matches!(early, DayEndError::NotOver { .. }), "{early}");
    shop.settled().await;
    days(&shop).end(today, Utc::now() + TimeDelta::days(1)).await.unwrap();
    assert_eq!(shop.state(begun.payment_id).await, Some(State::Expired));
    // At midnight in Riyadh it is nine in the evening in Greenwich.
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    assert!(days(&shop).end(day("2024-07-18"), at("2024-07-18T20:59:59Z")).await.is_err());
    assert!(days(&shop).end(day("2024-07-18"), at("2024-07-18T21:00:00Z")).await.is_ok());
}
