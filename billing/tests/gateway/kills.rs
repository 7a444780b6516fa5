//! The engine dies between any two steps of a payment, and whoever comes next finishes it.

use chrono::Utc;
use daftar_billing::gateway::simulated::process::{Act, Verdict};
use daftar_domain::{Currency, payment::State};

use super::{in_minutes, pay, shop::*};
use crate::mortal::Mortal;

/// Its record, and what the gateway answered.
const APPENDS_OF_A_START: i64 = 2;

/// The reference, and the outcome.
const APPENDS_OF_A_SUCCESS: i64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_killed_is_gone_on_with_under_its_key() {
    let shop = Shop::open().await;
    let mut deaths = 0;
    for appends in 0..=APPENDS_OF_A_START {
        for last_is_written in [false, true] {
            let key = format!("{appends} {last_is_written}");
            let account = shop.account(10 + u128::from(appends.unsigned_abs()) * 2 + u128::from(last_is_written), Currency::SAR).await;
            let mortal = Mortal::new(&shop.log, appends, last_is_written);
            let dying = shop.payments_over(mortal.clone());
            let outlived = mortal.outlived(dying.start(&context(&key), wish(account, sar(500)))).await;
            deaths += i64::from(outlived.is_none());
            let begun = shop.start(account, &key, sar(500)).await.unwrap();
            assert_eq!(shop.state(begun.payment_id).await, Some(State::Pending));
            assert_eq!(shop.verdict(begun.payment_id, Verdict::Pay).await, [204]);
            assert_eq!(shop.money(account).await, 500);
            assert_eq!(shop.story(begun.payment_id).await, ["PaymentStarted", "PaymentPending", "PaymentCompleted"]);
        }
    }
    assert_eq!(deaths, APPENDS_OF_A_START * 2, "every step had its kill");
}

/// Nobody asks again: the customer has gone to pay, and the gateway calls.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_killed_after_the_gateway_heard_of_it_is_paid_all_the_same() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let mortal = Mortal::new(&shop.log, 1, false);
    let dying = shop.payments_over(mortal.clone());
    assert!(mortal.outlived(dying.start(&context("k"), wish(account, sar(500)))).await.is_none());
    let started = shop.events().await.into_iter().find(|event| event.event.event_type() == "PaymentStarted").unwrap();
    let payment_id = daftar_domain::ids::PaymentId::new(started.stream.id());
    assert_eq!(shop.verdict(payment_id, Verdict::Pay).await, [204]);
    assert_eq!(shop.money(account).await, 500);
}

/// The callback's process dies; the gateway asks again, or is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_was_killed_while_it_was_recorded_is_recorded() {
    let shop = Shop::open().await;
    let mut deaths = 0;
    for appends in 0..=APPENDS_OF_A_SUCCESS {
        for (last_is_written, called_again) in [(false, false), (false, true), (true, false), (true, true)] {
            let n = 20 + u128::from(appends.unsigned_abs()) * 4 + u128::from(last_is_written) * 2 + u128::from(called_again);
            let account = shop.account(n, Currency::SAR).await;
            let begun = shop.start(account, &n.to_string(), sar(500)).await.unwrap();
            assert!(shop.happens(begun.payment_id, Act { callbacks: 0, ..pay() }).await.is_empty());
            shop.settled().await;
            let mortal = Mortal::new(&shop.log, appends, last_is_written);
            let dying = shop.payments_over(mortal.clone());
            deaths += i64::from(mortal.outlived(dying.follow_up(&shop.pool, in_minutes(3))).await.is_none());
            if called_again {
                assert_eq!(shop.happens(begun.payment_id, Act::default()).await, [204]);
            } else {
                shop.follow_up(in_minutes(3)).await;
            }
            assert_eq!(shop.money(account).await, 500);
        }
    }
    assert_eq!(deaths, APPENDS_OF_A_SUCCESS * 4, "every step had its kill");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_was_killed_is_paid_out_once() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let begun = shop.start(account, "k", sar(500)).await.unwrap();
    shop.verdict(begun.payment_id, Verdict::Pay).await;
    assert_eq!(shop.money(account).await, 500);
    for (n, last_is_written) in [(1, false), (2, true)] {
        shop.refund(account, begun.payment_id, n, 100).await.unwrap();
        shop.settled().await;
        let mortal = Mortal::new(&shop.log, 0, last_is_written);
        let dying = shop.payments_over(mortal.clone());
        assert!(mortal.outlived(dying.follow_up(&shop.pool, Utc::now())).await.is_none(), "the gateway has paid, and nobody knows");
        shop.follow_up(Utc::now()).await;
    }
    assert_eq!(shop.money(account).await, 300);
    let story = shop.story(begun.payment_id).await;
    assert_eq!(story.iter().filter(|name| **name == "GatewayRefundCompleted").count(), 2, "{story:?}");
}
