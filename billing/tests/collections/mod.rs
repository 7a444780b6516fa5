//! Unpaid bills are followed by warnings, and cuts by payments: what the desk, the end of the day and the policies make of facts.

mod race;
pub mod town;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use daftar_billing::{Terms, day_end::DayEnds};
use daftar_domain::{
    Actor, BillingEvent, Currency, Recorded, StreamName,
    account::{self, AgreePlan, DisputeItem, example as accounts},
    disconnection::{self, Done, LiftCause, NotDone, Prohibited, Rejection, Stage},
    dunning::{self, Dunning, HoldDunning, HoldGround},
    ids::{AccountId, DunningHoldId, InvoiceId},
    invoice::{self, Invoice, IssueAtOnce, example as invoices},
    meter::{self, Meter, MeterKind},
    policy, register,
};
use daftar_projections::{Feed, MODELS, Projector, Runner, collections::Collections, receivables::Receivables};
use daftar_store::{CommandContext, Memory};
use sqlx::postgres::PgConnectOptions;
use town::{Town, meter_of, terms};
use uuid::Uuid;

use crate::gateway::shop::Shop;

fn town() -> Town {
    Town::over(Arc::new(Memory::log()), PgConnectOptions::new())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn hold(account_id: AccountId, ground: HoldGround, from: &str) -> dunning::Command {
    let promised = (ground == HoldGround::PromiseToPay).then(|| accounts::sar(50_000));
    let until = promised.map(|_| day(from) + TimeDelta::days(7));
    let (hold_id, reason) = (DunningHoldId::new(Uuid::from_u128(5)), accounts::reason("called"));
    dunning::Command::HoldDunning(HoldDunning { account_id, hold_id, ground, promised, from: day(from), until, reason })
}

impl Town {
    fn at(&self) -> disconnection::Moment {
        self.collections.moment(self.now())
    }

    async fn send(&self, order: daftar_domain::ids::DisconnectionId) -> Result<(), Rejection> {
        let dispatch = self.collections.dispatch(order, self.at()).await.unwrap();
        self.ask_order(order, dispatch).await
    }

    fn done(&self) -> Done {
        Done { at: self.at(), reading: None, seal: None, photo: None }
    }

    async fn meter(&self, n: u128) -> daftar_domain::meter::Status {
        self.engine.look::<Meter>(&StreamName::of::<Meter>(meter_of(n))).await.unwrap().status().unwrap()
    }
}

#[tokio::test]
async fn from_the_last_step_to_the_supply_again() {
    let town = town();
    let (account, order) = town.ordered(1, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    town.it_is("2024-07-15T09:30:00+03:00");
    town.ask_order(order, disconnection::Command::ReportDisconnected(town.done())).await.unwrap();
    town.desk_works().await;
    assert_eq!(town.meter(1).await, daftar_domain::meter::Status::Disconnected);
    // Not enough is not enough: what is left is worth asking for.
    town.it_is("2024-07-15T10:00:00+03:00");
    town.pay(account, 40_000).await;
    town.desk_works().await;
    assert_eq!(town.stage(order).await, Some(Stage::Cut));
    town.it_is("2024-07-15T11:00:00+03:00");
    town.ask::<account::Account>(account, accounts::record_payment(2, 10_000).into()).await;
    town.desk_works().await;
    town.desk_works().await;
    let asked = town.fact(order, "ReconnectionRequested").await;
    assert_eq!((&asked["due_by"], &asked["fee"]["minor"]), (&"2024-07-15T13:00:00+03:00".into(), &5_000.into()));
    town.ask_order(order, disconnection::Command::DispatchReconnection(disconnection::DispatchReconnection { at: town.at() }))
        .await
        .unwrap();
    town.it_is("2024-07-15T12:30:00+03:00");
    town.ask_order(order, disconnection::Command::ReportReconnected(town.done())).await.unwrap();
    town.desk_works().await;
    assert_eq!(town.meter(1).await, daftar_domain::meter::Status::Installed);
    let story = [
        "DisconnectionRequested",
        "DisconnectionApproved",
        "DisconnectionScheduled",
        "DisconnectionDispatched",
        "DisconnectionExecuted",
        "ReconnectionRequested",
        "ReconnectionDispatched",
        "ReconnectionExecuted",
    ];
    assert_eq!(town.story(order).await, story);
}

#[tokio::test]
async fn a_payment_cancels_what_nobody_was_sent_out_for_and_calls_back_who_is_out() {
    let town = town();
    let (waiting, planned) = town.ordered(1, MeterKind::Traditional).await;
    let (out, sent) = town.ordered(2, MeterKind::Traditional).await;
    town.send(sent).await.unwrap();
    for account in [waiting, out] {
        town.pay(account, 50_000).await;
    }
    town.desk_works().await;
    assert_eq!((town.stage(planned).await, town.stage(sent).await), (Some(Stage::Cancelled), Some(Stage::Recalled)));
    assert_eq!(town.send(planned).await, Err(Rejection::Cancelled));
    let not_done = NotDone { at: town.at(), reason: accounts::reason("called back") };
    town.ask_order(sent, disconnection::Command::ReportNotDisconnected(not_done)).await.unwrap();
    assert_eq!(town.stage(sent).await, Some(Stage::Cancelled));
    // The ladder asks once; so does the desk, however often it reads the log.
    town.desk_works().await;
    assert_eq!((town.orders_of(waiting).await.len(), town.orders_of(out).await.len()), (1, 1));
}

#[tokio::test]
async fn who_is_protected_is_not_sent_for_and_who_was_sent_is_called_back() {
    let town = town();
    let prohibited = |why| Err(Rejection::Prohibited(vec![why]));
    for (n, ground, why) in [
        (1, HoldGround::ProtectedCustomer, Prohibited::CriticalNeed),
        (2, HoldGround::PromiseToPay, Prohibited::Promised),
        (3, HoldGround::OpenComplaint, Prohibited::ComplaintOpen),
        (4, HoldGround::InstalmentPlan, Prohibited::OnAPlan),
    ] {
        let (account, order) = town.ordered(n, MeterKind::Traditional).await;
        town.ask::<Dunning>(account, hold(account, ground, "2024-07-15")).await;
        assert_eq!(town.send(order).await, prohibited(why));
        town.desk_works().await;
        let waits = matches!(ground, HoldGround::PromiseToPay | HoldGround::OpenComplaint);
        let expected = if waits { Stage::Scheduled { planned_for: town.at() } } else { Stage::Cancelled };
        assert_eq!(town.stage(order).await, Some(expected), "{ground:?}");

        let (account, order) = town.ordered(10 + n, MeterKind::Traditional).await;
        town.send(order).await.unwrap();
        town.ask::<Dunning>(account, hold(account, ground, "2024-07-15")).await;
        town.desk_works().await;
        assert_eq!(town.stage(order).await, Some(Stage::Recalled), "{ground:?}");
    }
    let (account, order) = town.ordered(20, MeterKind::Traditional).await;
    let dispute = DisputeItem { item: accounts::invoice(20), on: day("2024-07-15"), reason: accounts::reason("too high") };
    town.ask::<account::Account>(account, dispute.clone().into()).await;
    town.desk_works().await;
    assert_eq!(town.send(order).await, prohibited(Prohibited::NotFromConsumption));
    let (account, order) = town.ordered(21, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    town.ask::<account::Account>(account, DisputeItem { item: accounts::invoice(21), ..dispute }.into()).await;
    town.desk_works().await;
    assert_eq!(town.stage(order).await, Some(Stage::Recalled));
    let cause = town.fact(order, "DisconnectionRecalled").await["lift"]["cause"].clone();
    assert_eq!(
        serde_json::from_value::<LiftCause>(cause).unwrap(),
        LiftCause::Withdrawn { reason: accounts::reason(&Prohibited::NotFromConsumption.to_string()) }
    );
}

/// Section 14 of the rules: the supply comes back when a plan is agreed, after its down payment; the desk hears of it as often as it likes.
#[tokio::test]
async fn a_plan_brings_a_supply_back_and_stops_whoever_is_out() {
    let town = town();
    let (account, order) = town.ordered(31, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    town.ask_order(order, disconnection::Command::ReportDisconnected(town.done())).await.unwrap();
    town.it_is("2024-07-15T10:00:00+03:00");
    let down = account::RecordPayment { value_on: day("2024-07-15"), ..accounts::record_payment(1, 25_000) };
    town.ask::<account::Account>(account, down.clone().into()).await;
    town.desk_works().await;
    assert_eq!(town.stage(order).await, Some(Stage::Cut), "half of it is not all of it");
    let (on, first_on) = (day("2024-07-15"), day("2024-08-15"));
    let rule = terms().plans.unwrap();
    let plan = AgreePlan { on, first_on, rule, down_payment: Some(down.payment_id), ..accounts::agree_plan(1, 3) };
    town.ask::<account::Account>(account, plan.into()).await;
    for _ in 0..2 {
        town.desk_works().await;
    }
    assert!(matches!(town.stage(order).await, Some(Stage::Restoring { .. })), "{:?}", town.stage(order).await);
    assert_eq!(town.fact(order, "ReconnectionRequested").await["lift"]["cause"], "planAgreed");
    let dunning = town.engine.look::<Dunning>(&StreamName::of::<Dunning>(account)).await.unwrap();
    assert_eq!(dunning.held(on), Some(HoldGround::InstalmentPlan));
    // One who was on the way is called back.
    let (account, order) = town.ordered(32, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    let plan = AgreePlan { on, first_on, ..accounts::agree_plan(2, 3) };
    town.ask::<account::Account>(account, plan.into()).await;
    town.desk_works().await;
    assert_eq!(town.stage(order).await, Some(Stage::Recalled));
}

/// Section 15 of the rules: compensation is a credit on the bill, by itself.
#[tokio::test]
async fn who_waits_too_long_is_credited_and_the_credit_pays_what_is_owed_next() {
    let town = town();
    let (account, order) = town.ordered(51, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    town.ask_order(order, disconnection::Command::ReportDisconnected(town.done())).await.unwrap();
    town.it_is("2024-07-15T10:00:00+03:00");
    town.pay(account, 50_000).await;
    town.desk_works().await;
    town.it_is("2024-07-15T12:00:01+03:00");
    for _ in 0..2 {
        town.ask_order(order, disconnection::Command::CheckClock(disconnection::CheckClock { at: town.at() })).await.unwrap();
        town.desk_works().await;
    }
    let next = accounts::charge(accounts::ChargeOf { n: 52, minor: 10_000, due: "2024-08-15", ..accounts::ChargeOf::default() });
    town.ask::<account::Account>(account, next.into()).await;
    town.desk_works().await;
    let credit = account::CreditId::Compensation(order);
    let credited = town.events().await.into_iter().filter_map(|event| match event.event {
        BillingEvent::Account(account::Event::CompensationCredited(fact)) => Some((fact.disconnection_id, fact.amount.minor, None)),
        BillingEvent::Account(account::Event::CreditAllocated(fact)) if fact.credit == credit => {
            Some((order, fact.amount.minor, Some(fact.item)))
        }
        _ => None,
    });
    assert_eq!(credited.collect::<Vec<_>>(), [(order, 7_500, None), (order, 7_500, Some(accounts::invoice(52)))]);
}

/// What a crew reads while it is there is the meter's reading; what the meter does not believe, and of which register nobody knows, stays with the
/// order, and stops nobody.
#[tokio::test]
async fn what_is_read_at_the_switch_is_the_meters_reading() {
    let town = town();
    let (account, order) = town.ordered(61, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    let read = |value: i64, done: Done| Done { reading: Some(value.into()), ..done };
    town.ask_order(order, disconnection::Command::ReportDisconnected(read(1_400, town.done()))).await.unwrap();
    town.desk_works().await;
    town.pay(account, 50_000).await;
    for _ in 0..2 {
        town.desk_works().await;
    }
    town.it_is("2024-07-15T09:40:00+03:00");
    let dispatch = disconnection::DispatchReconnection { at: town.at() };
    town.ask_order(order, disconnection::Command::DispatchReconnection(dispatch)).await.unwrap();
    // No dial shows so many digits.
    town.ask_order(order, disconnection::Command::ReportReconnected(read(1_400_000_000, town.done()))).await.unwrap();
    for _ in 0..2 {
        town.desk_works().await;
    }
    assert_eq!((town.stage(order).await, town.meter(61).await), (Some(Stage::Restored), daftar_domain::meter::Status::Installed));
    let told = town.events().await.into_iter().filter_map(|event| match event.event {
        BillingEvent::Meter(meter::Event::ReadingRecorded(fact)) => {
            Some(format!("{} {:?} {}", fact.reading.taken_at, fact.reading.kind, fact.reading.value))
        }
        BillingEvent::RefusedRequest(policy::refused::Event::RequestRefused(fact)) => Some(format!("{}: {}", fact.policy, fact.reason)),
        _ => None,
    });
    expect_test::expect![[r#"
        2024-01-01 06:00:00 UTC Initial 0
        2024-07-15 06:00:00 UTC Manual 1400
        tellInvoice: there is no such invoice
        recordReadingOfOrder: the reading is refused: DigitsOverflow"#]]
    .assert_eq(&told.collect::<Vec<_>>().join("\n"));
}

/// Just after midnight in Riyadh, which is three hours ahead.
fn night_after(last: NaiveDate) -> DateTime<Utc> {
    last.and_hms_opt(21, 5, 0).unwrap().and_utc()
}

fn company() -> Terms {
    let [ladder, guard, restore, plans] = [
        include_str!("../../../fixtures/collections/ladder-ksa.json"),
        include_str!("../../../fixtures/collections/guard-ksa.json"),
        include_str!("../../../fixtures/collections/restore-ksa.json"),
        include_str!("../../../fixtures/collections/plans-ksa.json"),
    ];
    format!(
        r#"{{"seller": {{"name": "الدفتر", "vat_number": "310122393500003", "address": {{"street": "العليا", "building": "1", "district": "العليا",
        "city": "الرياض", "postal_code": "12212", "country": "SA"}}}}, "numbering": {{"register": "RUH", "series": "FEE"}}, "dueDays": 15,
        "fees": {{"vat": {{"category": "S", "rate": "0.15"}}}},
        "collections": {{"ladder": {ladder}, "guard": {guard}, "restore": {restore}, "plans": {plans}}}}}"#
    )
    .parse()
    .unwrap()
}

fn days(shop: &Shop) -> DayEnds {
    DayEnds::new(shop.engine.clone(), shop.pool.clone(), shop.payments.clone(), Some(company()))
}

/// Bills of 149.50 each, due on 16 July 2024.
async fn owes(shop: &Shop, n: u64, bills: u64) -> AccountId {
    let account = shop.account(n.into(), Currency::SAR).await;
    for bill in 0..bills {
        let number = n * 10 + bill;
        let invoice_id = InvoiceId::new(Uuid::from_u128(1_000 + u128::from(number)));
        let (draft, dates, number) = (invoices::draft(), invoices::dates(), register::example::number(number));
        let wish = invoice::Command::IssueAtOnce(IssueAtOnce { invoice_id, account_id: account, draft, dates, number });
        let context = CommandContext::new(Actor::job("test"), "issue", &invoice_id.to_string(), Utc::now());
        shop.engine.execute::<Invoice>(&StreamName::of::<Invoice>(invoice_id), &context, wish).await.unwrap();
    }
    shop.settled().await;
    account
}

async fn ask_dunning(shop: &Shop, account: AccountId, command: dunning::Command) {
    let context = CommandContext::new(Actor::job("test"), "hold", &account.to_string(), Utc::now());
    shop.engine.execute::<Dunning>(&StreamName::of::<Dunning>(account), &context, command).await.unwrap();
}

async fn neighbours(shop: &Shop) {
    for model in MODELS.iter().filter(|model| [Receivables::NAME, Collections::NAME].contains(&model.name)) {
        let runner = Runner::new(*model, Feed::new(Arc::new(shop.log.clone())), (*shop.pool.connect_options()).clone());
        tokio::spawn(async { drop(runner.run().await) });
    }
    owes(shop, 1, 3).await;
    owes(shop, 2, 1).await;
    let paid = owes(shop, 3, 1).await;
    shop.ask(paid, "pay", accounts::record_payment(1, 14_950).into()).await.unwrap();
    let promised = owes(shop, 4, 1).await;
    ask_dunning(shop, promised, hold(promised, HoldGround::PromiseToPay, "2024-07-20")).await;
    let protected = owes(shop, 5, 3).await;
    ask_dunning(shop, protected, hold(protected, HoldGround::ProtectedCustomer, "2024-07-01")).await;
    let disputed = owes(shop, 6, 1).await;
    let item = account::ItemId::Invoice(InvoiceId::new(Uuid::from_u128(1_060)));
    let dispute = DisputeItem { item, on: day("2024-07-10"), reason: accounts::reason("too high") };
    shop.ask(disputed, "dispute", dispute.into()).await.unwrap();
    shop.settled().await;
}

/// `account day step` of every step, or how a case ended.
async fn said(shop: &Shop) -> Vec<String> {
    let told = |event: Recorded<BillingEvent>| match event.event {
        BillingEvent::Dunning(dunning::Event::DunningStepTaken(fact)) => {
            Some(format!("{} {} {} {}", event.stream.id().as_u128(), fact.on, fact.step, fact.owed))
        }
        BillingEvent::Dunning(dunning::Event::DunningEnded(fact)) => {
            Some(format!("{} {} ended {:?}", event.stream.id().as_u128(), fact.on, fact.cause))
        }
        _ => None,
    };
    shop.told(told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn days_lead_debtors_up_the_ladder_once_however_often_and_late_they_end() {
    let (punctual, late) = (Shop::open().await, Shop::open().await);
    for shop in [&punctual, &late] {
        neighbours(shop).await;
        // The first day that is ever ended is the last that is over.
        days(shop).catch_up(night_after(day("2024-07-12"))).await.unwrap();
    }
    let last = day("2024-07-18");
    for today in day("2024-07-13").iter_days().take_while(|today| *today <= last) {
        days(&punctual).catch_up(night_after(today)).await.unwrap();
        assert_eq!(days(&punctual).catch_up(night_after(today)).await.unwrap(), [], "a day ends once");
    }
    // Three missed days at a time, and one of them ended once more by hand.
    for today in [day("2024-07-15"), last] {
        assert_eq!(days(&late).catch_up(night_after(today)).await.unwrap().len(), 3);
        days(&late).end(today, night_after(today)).await.unwrap();
    }
    for later in ["2024-07-26", "2024-07-28", "2024-08-15"].map(day) {
        for (shop, times) in [(&punctual, 1), (&late, 2)] {
            for _ in 0..times {
                days(shop).end(later, night_after(later)).await.unwrap();
            }
        }
    }
    let expected = said(&punctual).await;
    assert_eq!(said(&late).await, expected);
    expect_test::expect![[r#"
        1 2024-07-13 soon 448.50 SAR
        1 2024-07-17 first 448.50 SAR
        1 2024-07-26 warning 448.50 SAR
        1 2024-08-15 initial-warning 448.50 SAR
        2 2024-07-13 soon 149.50 SAR
        2 2024-07-17 first 149.50 SAR
        2 2024-07-26 warning 149.50 SAR
        2 2024-08-15 initial-warning 149.50 SAR
        4 2024-07-13 soon 149.50 SAR
        4 2024-07-17 first 149.50 SAR
        4 2024-07-28 warning 149.50 SAR
        4 2024-08-15 initial-warning 149.50 SAR"#]]
    .assert_eq(&expected.join("\n"));

    // What was warned about is paid: the next day says so, and nothing follows.
    let account = AccountId::new(Uuid::from_u128(2));
    punctual.ask(account, "pays", accounts::record_payment(1, 14_950).into()).await.unwrap();
    punctual.settled().await;
    let ended = days(&punctual).end(day("2024-08-18"), night_after(day("2024-08-18"))).await.unwrap();
    assert_eq!(ended.dunned, 1);
    assert!(said(&punctual).await.contains(&"2 2024-08-18 ended Settled".to_owned()), "{:#?}", said(&punctual).await);
}

/// `day what` of everything that became of plans, and of what holds dunning up for them.
async fn of_plans(shop: &Shop) -> Vec<String> {
    let told = |event: Recorded<BillingEvent>| match event.event {
        BillingEvent::Account(account::Event::InstalmentMissed(fact)) => Some(format!("{} missed {}", fact.on, fact.missing)),
        BillingEvent::Account(account::Event::PlanBroken(fact)) => Some(format!("{} broken {}", fact.on, fact.remaining)),
        BillingEvent::Dunning(dunning::Event::DunningHeld(fact)) => Some(format!("{} held {:?}", fact.from, fact.ground)),
        BillingEvent::Dunning(dunning::Event::DunningHoldLifted(fact)) => Some(format!("{} lifted", fact.on)),
        BillingEvent::Dunning(dunning::Event::DunningStepTaken(fact)) => Some(format!("{} {} {}", fact.on, fact.step, fact.owed)),
        _ => None,
    };
    shop.told(told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_not_kept_is_warned_about_and_broken_however_days_are_ended() {
    let (punctual, late) = (Shop::open().await, Shop::open().await);
    for shop in [&punctual, &late] {
        for model in MODELS.iter().filter(|model| [Receivables::NAME, Collections::NAME].contains(&model.name)) {
            let runner = Runner::new(*model, Feed::new(Arc::new(shop.log.clone())), (*shop.pool.connect_options()).clone());
            tokio::spawn(async { drop(runner.run().await) });
        }
        let account = owes(shop, 1, 3).await;
        days(shop).catch_up(night_after(day("2024-07-17"))).await.unwrap();
        let wish = AgreePlan { on: day("2024-07-18"), first_on: day("2024-07-19"), ..accounts::agree_plan(1, 3) };
        shop.ask(account, "agree", wish.into()).await.unwrap();
        shop.settled().await;
    }
    let last = day("2024-07-29");
    for today in day("2024-07-18").iter_days().take_while(|today| *today <= last) {
        days(&punctual).catch_up(night_after(today)).await.unwrap();
        punctual.settled().await;
    }
    // Three missed days at a time, and each of them ended once more by hand.
    for today in ["2024-07-20", "2024-07-23", "2024-07-26", "2024-07-29"].map(day) {
        assert_eq!(days(&late).catch_up(night_after(today)).await.unwrap().len(), 3);
        late.settled().await;
        days(&late).end(today, night_after(today)).await.unwrap();
        days(&late).end(today - TimeDelta::days(1), night_after(today)).await.unwrap();
        late.settled().await;
    }
    let expected = of_plans(&punctual).await;
    // The 19th was a Friday. The warning about the bills, which are 13 days late by then, follows as soon as nothing holds it up.
    expect_test::expect![[r#"
        2024-07-17 first 448.50 SAR
        2024-07-18 held InstalmentPlan
        2024-07-22 missed 149.50 SAR
        2024-07-27 broken 448.50 SAR
        2024-07-27 lifted
        2024-07-27 warning 448.50 SAR"#]]
    .assert_eq(&expected.join("\n"));
    assert_eq!(of_plans(&late).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supply_that_comes_back_is_billed_for_once_with_its_vat() {
    let shop = Shop::open().await;
    for model in MODELS.iter().filter(|model| [Receivables::NAME, Collections::NAME].contains(&model.name)) {
        let runner = Runner::new(*model, Feed::new(Arc::new(shop.log.clone())), (*shop.pool.connect_options()).clone());
        tokio::spawn(async { drop(runner.run().await) });
    }
    let town = Town::over(Arc::new(shop.log.clone()), (*shop.pool.connect_options()).clone());
    let (account, order) = town.ordered(1, MeterKind::Traditional).await;
    town.send(order).await.unwrap();
    town.ask_order(order, disconnection::Command::ReportDisconnected(town.done())).await.unwrap();
    town.it_is("2024-07-15T11:00:00+03:00");
    town.pay(account, 50_000).await;
    town.desk_works().await;
    shop.settled().await;
    for _ in 0..2 {
        days(&shop).end(day("2024-07-15"), night_after(day("2024-07-15"))).await.unwrap();
        shop.settled().await;
    }
    let fees = shop.events().await.into_iter().filter_map(|event| match event.event {
        BillingEvent::Account(account::Event::AccountCharged(fact)) if fact.kind == account::ChargeKind::ReconnectFee => {
            Some((fact.amount.minor, fact.vat.minor, fact.issued_on.to_string()))
        }
        _ => None,
    });
    assert_eq!(fees.collect::<Vec<_>>(), [(5_750, 750, "2024-07-15".to_owned())]);
}
