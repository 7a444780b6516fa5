//! Payments through the simulated gateway, over HTTP in both directions: whatever it does, the account has what it finally says, once.

mod kills;
pub mod shop;

use chrono::{TimeDelta, Utc};
use daftar_billing::gateway::{
    StartError,
    simulated::process::{Act, Mood, Refunds, Verdict},
};
use daftar_domain::{Currency, Money, account, payment, payment::State};
use daftar_tests::http;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use shop::*;

fn in_minutes(minutes: i64) -> chrono::DateTime<Utc> {
    Utc::now() + TimeDelta::minutes(minutes)
}

fn pay() -> Act {
    Act { verdict: Some(Verdict::Pay), ..Act::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_reaches_the_account_once_however_often_it_is_told() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let begun = shop.start(account, "first", sar(11_500)).await.unwrap();
    assert_eq!(begun.checkout, Some(format!("http://{}/checkout/{}", shop.gateway, begun.payment_id)));
    assert_eq!(shop.happens(begun.payment_id, Act { callbacks: 3, delay_ms: 50, ..pay() }).await, [204; 3]);
    assert_eq!(shop.happens(begun.payment_id, Act::default()).await, [204], "and once more");
    assert_eq!(shop.money(account).await, 11_500);
    assert_eq!(shop.story(begun.payment_id).await, ["PaymentStarted", "PaymentPending", "PaymentCompleted"]);

    // Whoever asks again under the key is told of the same payment, and that there is nothing to pay.
    let again = shop.start(account, "first", sar(11_500)).await.unwrap();
    assert_eq!((again.payment_id, again.checkout), (begun.payment_id, None));
    let other = shop.start(account, "first", sar(11_501)).await.unwrap_err();
    assert!(matches!(other, StartError::IdempotencyKeyReused), "{other}");
}

/// A thousand to the dinar, there and back.
#[tokio::test(flavor = "multi_thread")]
async fn dinars_have_three_decimals_on_both_sides() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::KWD).await;
    let begun = shop.start(account, "first", Money::new(12_345, Currency::KWD)).await.unwrap();
    assert_eq!(shop.happens(begun.payment_id, Act { minor: Some(1_234), ..pay() }).await, [204], "heard, and not believed");
    assert_eq!((shop.money(account).await, shop.refusals().await.len()), (0, 1));
    assert_eq!(shop.happens(begun.payment_id, Act::default()).await, [204]);
    assert_eq!(shop.money(account).await, 12_345);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_did_not_sign_is_not_heard() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let begun = shop.start(account, "first", sar(11_500)).await.unwrap();
    assert_eq!(shop.happens(begun.payment_id, Act { forged: true, callbacks: 2, ..pay() }).await, [401; 2]);
    assert_eq!(shop.money(account).await, 0);

    let body = format!(r#"{{"payment_id":"{}","reference":"x","at":"2026-01-01T00:00:00Z","status":"pending"}}"#, begun.payment_id);
    let old = secret().sign(body.as_bytes(), Utc::now() - TimeDelta::minutes(6));
    let fresh = secret().sign(body.as_bytes(), Utc::now());
    let nonsense = secret().sign(b"{}", Utc::now());
    for (path, headers, body, status, says) in [
        ("simulated", vec![], &*body, 401, "not signed"),
        ("simulated", vec![("Daftar-Signature", &*old)], &*body, 401, "another time"),
        ("simulated", vec![("Daftar-Signature", &*nonsense)], "{}", 400, "understood"),
        ("madaa", vec![("Daftar-Signature", &*fresh)], &*body, 404, "no payment gateway `madaa`"),
        ("two%20words", vec![], &*body, 404, "`two words`"),
    ] {
        let answer = http::post(shop.door, &format!("/webhooks/payments/{path}"), &headers, body).unwrap();
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(says), "{answer:?}");
    }
    let stranger = body.replace(&begun.payment_id.to_string(), "00000000-0000-0000-0000-0000000000ff");
    let signed = secret().sign(stranger.as_bytes(), Utc::now());
    let answer = http::post(shop.door, "/webhooks/payments/simulated", &[("Daftar-Signature", &signed)], &stranger).unwrap();
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_could_not_receive_is_refused_before_anybody_pays() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let refusal = async |amount| shop.start(account, "k", amount).await.unwrap_err();
    let other = account::Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::KWD };
    assert!(matches!(refusal(Money::new(5_000, Currency::KWD)).await, StartError::Account(rejection) if rejection == other));
    let minimum = payment::Rejection::BelowMinimum { minimum: sar(100) };
    assert!(matches!(refusal(sar(99)).await, StartError::Refused(rejection) if rejection == minimum));
    let mut wish = wish(account, sar(500));
    wish.least = Some(6);
    let least = shop.payments.start(&context("k"), wish.clone()).await.unwrap_err();
    assert_eq!(least.to_string(), "the least that can be paid this way is 6.00 SAR, or all that is owed");
    wish.directed = vec![account::example::invoice(9)];
    let unknown = shop.payments.start(&context("k"), wish.clone()).await.unwrap_err();
    assert!(matches!(unknown, StartError::Account(account::Rejection::NoSuchItem)), "{unknown}");
    wish.gateway = code("madaa");
    let unknown = shop.payments.start(&context("k"), wish).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no payment gateway `madaa`");
    assert!(shop.events().await.iter().all(|event| event.event.category() == "account"), "nothing was started");
}

/// Whatever the least payment is, nobody is left with a debt that is too small to be paid.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_owed_may_be_paid_however_little_it_is() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let charge = account::example::charge(account::example::ChargeOf { minor: 40, vat: 5, ..Default::default() });
    shop.ask(account, "charge", charge.into()).await.unwrap();
    let below = shop.start(account, "part", sar(39)).await.unwrap_err();
    assert!(matches!(below, StartError::Refused(payment::Rejection::BelowMinimum { .. })), "{below}");
    let begun = shop.start(account, "all", sar(40)).await.unwrap();
    shop.verdict(begun.payment_id, Verdict::Pay).await;
    assert_eq!(shop.state(begun.payment_id).await, Some(State::Completed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_final_until_a_success_overtakes_it() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let begun = shop.start(account, "first", sar(500)).await.unwrap();
    assert_eq!(shop.verdict(begun.payment_id, Verdict::Decline).await, [204]);
    assert_eq!((shop.state(begun.payment_id).await, shop.money(account).await), (Some(State::Failed), 0));
    shop.verdict(begun.payment_id, Verdict::Pay).await;
    assert_eq!(shop.money(account).await, 500);
    // A failure after the money was taken is for somebody to look at, and changes nothing.
    assert_eq!(shop.verdict(begun.payment_id, Verdict::Decline).await, [204]);
    assert_eq!((shop.money(account).await, shop.refusals().await), (500, vec!["the payment is completed".to_owned()]));
}

/// Nothing is heard of it, the gateway does not answer either, and then it does.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_unknown_and_asked_about_again() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let begun = shop.start(account, "first", sar(500)).await.unwrap();
    assert!(shop.happens(begun.payment_id, Act { callbacks: 0, ..pay() }).await.is_empty());
    shop.is(Mood { silent: true, ..Mood::default() }).await;
    shop.follow_up(in_minutes(1)).await;
    assert_eq!(shop.state(begun.payment_id).await, Some(State::Pending), "too early to ask");
    shop.follow_up(in_minutes(3)).await;
    assert!(matches!(shop.state(begun.payment_id).await, Some(State::Unknown { times: 1, .. })));
    shop.follow_up(in_minutes(4)).await;
    assert!(matches!(shop.state(begun.payment_id).await, Some(State::Unknown { times: 1, .. })), "too early to ask again");
    shop.follow_up(in_minutes(6)).await;
    assert!(matches!(shop.state(begun.payment_id).await, Some(State::Unknown { times: 2, .. })));
    shop.is(Mood::default()).await;
    shop.follow_up(in_minutes(20)).await;
    assert_eq!(shop.money(account).await, 500);
    assert_eq!(
        shop.story(begun.payment_id).await,
        ["PaymentStarted", "PaymentPending", "PaymentUnknown", "PaymentUnknown", "PaymentCompleted"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_honoured_when_it_succeeds_after_all_and_once() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let [told, untold] = [shop.start(account, "told", sar(500)).await.unwrap(), shop.start(account, "untold", sar(700)).await.unwrap()];
    shop.follow_up(in_minutes(16)).await;
    for begun in [&told, &untold] {
        assert_eq!(shop.state(begun.payment_id).await, Some(State::Expired));
    }
    shop.happens(told.payment_id, Act { callbacks: 2, ..pay() }).await;
    shop.happens(untold.payment_id, Act { callbacks: 0, ..pay() }).await;
    assert_eq!(shop.money(account).await, 500);
    // Of the other nobody has told us: the day's end asks once more.
    shop.ask_again(in_minutes(24 * 60)).await;
    shop.ask_again(in_minutes(24 * 60)).await;
    assert_eq!(shop.money(account).await, 1_200);
    assert_eq!(shop.story(untold.payment_id).await, ["PaymentStarted", "PaymentPending", "PaymentExpired", "PaymentCompleted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_does_not_answer_is_asked_again_under_the_same_key() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    shop.is(Mood { silent: true, ..Mood::default() }).await;
    let silent = shop.start(account, "first", sar(500)).await.unwrap_err();
    assert!(matches!(silent, StartError::NoAnswer { .. }), "{silent}");
    shop.is(Mood { then: Some(pay()), ..Mood::default() }).await;
    shop.start(account, "first", sar(500)).await.unwrap();
    let paid = async {
        while shop.money(account).await != 500 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), paid).await.expect("soon");
}

/// A payment that was lost on its way to the gateway expires, and one that nobody can tell of fails once the gateway says that it never came.
#[tokio::test(flavor = "multi_thread")]
async fn what_never_reached_the_gateway_comes_to_an_end() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    shop.is(Mood { loses_payments: true, ..Mood::default() }).await;
    let [lost, unknown] = [shop.start(account, "lost", sar(500)).await.unwrap(), shop.start(account, "unknown", sar(500)).await.unwrap()];
    shop.follow_up(in_minutes(14)).await;
    assert_eq!(shop.state(lost.payment_id).await, Some(State::Pending), "the customer has until then");
    shop.is(Mood { silent: true, ..Mood::default() }).await;
    shop.payments.follow_up(&shop.pool, in_minutes(14)).await.unwrap();
    shop.is(Mood::default()).await;
    shop.follow_up(in_minutes(60)).await;
    for begun in [&lost, &unknown] {
        assert_eq!(shop.state(begun.payment_id).await, Some(State::Failed));
    }
    let quiet = shop.start(account, "quiet", sar(500)).await.unwrap();
    shop.follow_up(in_minutes(16)).await;
    assert_eq!(shop.state(quiet.payment_id).await, Some(State::Expired));
    assert_eq!(shop.money(account).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_go_back_through_the_gateway_up_to_what_is_left() {
    let shop = Shop::open().await;
    let account = shop.account(7, Currency::SAR).await;
    let begun = shop.start(account, "first", sar(1_000)).await.unwrap();
    let early = shop.refund(account, begun.payment_id, 1, 100).await;
    assert_eq!(early, Err(account::Rejection::NoSuchCredit), "it is not completed");
    shop.verdict(begun.payment_id, Verdict::Pay).await;
    assert_eq!(shop.money(account).await, 1_000);

    shop.refund(account, begun.payment_id, 1, 300).await.unwrap();
    shop.is(Mood { silent: true, ..Mood::default() }).await;
    shop.settled().await;
    shop.payments.follow_up(&shop.pool, Utc::now()).await.unwrap();
    assert_eq!(shop.story(begun.payment_id).await.last(), Some(&"GatewayRefundRequested"), "it is asked for until it is answered");
    shop.is(Mood { refunds: Refunds::Wait, ..Mood::default() }).await;
    shop.follow_up(Utc::now()).await;
    assert_eq!(shop.story(begun.payment_id).await.last(), Some(&"GatewayRefundRequested"));
    shop.is(Mood::default()).await;
    shop.follow_up(Utc::now()).await;
    shop.follow_up(Utc::now()).await;
    assert_eq!(shop.money(account).await, 700);

    // What fails is the customer's again.
    shop.is(Mood { refunds: Refunds::Fail, ..Mood::default() }).await;
    shop.refund(account, begun.payment_id, 2, 700).await.unwrap();
    assert_eq!(shop.money(account).await, 0);
    shop.follow_up(Utc::now()).await;
    assert_eq!(shop.money(account).await, 700);

    shop.is(Mood::default()).await;
    let too_much = shop.refund(account, begun.payment_id, 3, 701).await;
    assert_eq!(too_much, Err(account::Rejection::RefundTooLarge { left: sar(700) }));
    shop.refund(account, begun.payment_id, 4, 700).await.unwrap();
    shop.follow_up(Utc::now()).await;
    assert_eq!(shop.money(account).await, 0);
    let told: Vec<_> = shop.story(begun.payment_id).await.into_iter().skip(3).collect();
    assert_eq!(
        told,
        [
            "GatewayRefundRequested",
            "GatewayRefundCompleted",
            "GatewayRefundRequested",
            "GatewayRefundFailed",
            "GatewayRefundRequested",
            "GatewayRefundCompleted",
        ]
    );
}

/// One reference is one payment, whoever's account it is for.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_calls_two_payments_the_same_is_believed_once() {
    let shop = Shop::open().await;
    let (mine, yours) = (shop.account(7, Currency::SAR).await, shop.account(8, Currency::SAR).await);
    let mut paid = Vec::new();
    for (account, key) in [(mine, "mine"), (yours, "yours")] {
        let body = |payment_id| {
            format!(
                r#"{{"payment_id":"{payment_id}","reference":"SAME","at":"2026-01-01T00:00:00Z","status":"completed","tender":"card",
                    "amount":{{"minor":500,"currency":"SAR","exponent":2}}}}"#
            )
        };
        // Started by hand: the gateway has given neither a reference before.
        let dying = crate::mortal::Mortal::new(&shop.log, 1, false);
        let payments = shop.payments_over(dying.clone());
        assert!(dying.outlived(payments.start(&context(key), wish(account, sar(500)))).await.is_none());
        let payment_id = daftar_domain::ids::PaymentId::new(daftar_domain::ids::created_id(context(key).command_id, "payment"));
        let body = body(payment_id);
        let signed = secret().sign(body.as_bytes(), Utc::now());
        let answer = http::post(shop.door, "/webhooks/payments/simulated", &[("Daftar-Signature", &signed)], &body).unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
        paid.push(shop.money(account).await);
    }
    assert_eq!(paid, [500, 0]);
    assert_eq!(shop.refusals().await.len(), 1);
}

/// Histories at random: the account has what the gateway finally says, and had it once.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_gateway_does_in_whatever_order_the_account_has_what_it_finally_says() {
    let shop = Shop::open().await;
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let account = shop.account(100 + u128::from(seed), Currency::SAR).await;
        let minor = random.random_range(100..100_000);
        shop.is(Mood { loses_payments: random.random_bool(0.1), ..Mood::default() }).await;
        let begun = shop.start(account, &format!("seed {seed}"), sar(minor)).await.unwrap();
        let (mut paid, mut now) = (false, Utc::now());
        for _ in 0..random.random_range(1..8) {
            match random.random_range(0..6) {
                // Money that a gateway has taken it keeps: taking it back is a chargeback, and not this.
                0..3 => {
                    let verdict = if paid { None } else { [Verdict::Pay, Verdict::Decline, Verdict::Expire].choose(&mut random).copied() };
                    let act = Act {
                        verdict,
                        callbacks: random.random_range(0..3),
                        forged: random.random_bool(0.2),
                        minor: random.random_bool(0.2).then_some(minor + 1),
                        ..Act::default()
                    };
                    let known = http_status(&shop, begun.payment_id, &act).await != 404;
                    paid |= known && verdict == Some(Verdict::Pay);
                }
                3 => {
                    shop.is(Mood { silent: random.random(), ..Mood::default() }).await;
                }
                4 => {
                    now += TimeDelta::minutes(random.random_range(1..20));
                    shop.follow_up(now).await;
                }
                _ => drop(shop.start(account, &format!("seed {seed}"), sar(minor)).await),
            }
        }
        shop.is(Mood::default()).await;
        now += TimeDelta::hours(20);
        shop.follow_up(now).await;
        shop.ask_again(now).await;
        assert_eq!(shop.money(account).await, if paid { minor } else { 0 }, "seed {seed}: {:?}", shop.story(begun.payment_id).await);
        let ended = shop.state(begun.payment_id).await;
        assert!(matches!(ended, Some(State::Completed | State::Failed | State::Expired)), "seed {seed}: {ended:?}");
        let completed = shop.story(begun.payment_id).await.iter().filter(|name| **name == "PaymentCompleted").count();
        assert_eq!(completed, usize::from(paid), "seed {seed}");
    }
}

async fn http_status(shop: &Shop, payment_id: daftar_domain::ids::PaymentId, act: &Act) -> u16 {
    let (gateway, path, body) = (shop.gateway, format!("/control/{payment_id}"), serde_json::to_string(act).unwrap());
    let posted = tokio::task::spawn_blocking(move || http::post(gateway, &path, &[("Content-Type", "application/json")], &body));
    posted.await.unwrap().unwrap().status
}
