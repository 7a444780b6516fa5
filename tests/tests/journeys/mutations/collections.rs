//! What is done about debts, step by step; and the whole way over GraphQL, from a bill that nobody pays to the supply that comes back.

use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};
use daftar_billing::{
    collections::{Desk, Switching},
    day_end::DayEnds,
    policies,
};
use daftar_domain::{
    Actor, CommandHash, Decider, StreamName,
    account::{self, Account},
    ids::{AccountId, InvoiceId, MeterId},
    invoice::{self, Dates, Invoice, IssueAtOnce, example as invoices},
    meter::{self, InstallMeter, Meter, MeterKind, RegisterMeter, example as meters},
    register,
};
use daftar_store::CommandContext;
use expect_test::expect_file;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    super::house::{House, Way},
    story::{Case, NOWHERE, PHRASE, Story},
};

pub const MUTATIONS: &[&str] = &[
    "agreePlan",
    "approveDisconnection",
    "cancelPlan",
    "dispatchDisconnection",
    "dispatchReconnection",
    "holdDunning",
    "liftDunningHold",
    "reportDisconnected",
    "reportNotDisconnected",
    "reportNotReconnected",
    "reportReconnected",
    "requestDisconnection",
    "scheduleDisconnection",
    "withdrawDisconnection",
];

const SESSION: &str = "00000000-0000-0000-0000-000000000001";

impl House {
    async fn execute<D: Decider>(&self, id: impl Into<Uuid>, command: D::Command)
    where
        D::Rejection: std::error::Error,
    {
        let id = id.into();
        let context = CommandContext::new(Actor::job("test"), D::CATEGORY, &format!("{id} {}", CommandHash::of(&command)), Utc::now());
        self.app.engine.execute::<D>(&StreamName::of::<D>(id), &context, command).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    fn desk(&self) -> Desk {
        Desk::new(self.app.collections().unwrap(), (*self.read_models.connect_options()).clone())
    }

    /// Somebody with four bills of 149.50 that fell due on a day, and a meter.
    async fn debtor(&self, account: &str, n: u128, kind: MeterKind, due: NaiveDate) -> MeterId {
        let account_id = AccountId::new(account.parse().unwrap());
        let meter_id = MeterId::new(Uuid::from_u128(1_000 + n));
        let serial = daftar_domain::Code::new(format!("M-{n}")).unwrap();
        let device = meter::Device { meter_id, kind, serial, ..meters::device() };
        let register = RegisterMeter { device, registered_on: meters::day("2024-01-01") };
        let install = InstallMeter { account_id, ..meters::install() };
        let fitted = account::NoteMeterFitted { meter_id, fitted_on: meters::day("2024-01-01") };
        self.execute::<Meter>(meter_id, meter::Command::RegisterMeter(register)).await;
        self.execute::<Meter>(meter_id, meter::Command::InstallMeter(install)).await;
        self.execute::<Account>(account_id, account::Command::NoteMeterFitted(fitted)).await;
        for bill in 0..4 {
            let number = u64::try_from(n).unwrap() * 10 + bill;
            let invoice_id = InvoiceId::new(Uuid::from_u128(u128::from(number)));
            let (draft, number) = (invoices::draft(), register::example::number(number));
            let dates = Dates::new(due - Days::new(15), due).unwrap();
            let wish = IssueAtOnce { invoice_id, account_id, draft, dates, number };
            self.execute::<Invoice>(invoice_id, invoice::Command::IssueAtOnce(wish)).await;
        }
        meter_id
    }

    /// Ends the days on which the ladder has a step, and lets the desk hear of it.
    async fn days_end(&self, due: NaiveDate) {
        let terms = self.app.terms.as_deref().cloned();
        let days = DayEnds::new(self.app.engine.clone(), self.read_models.clone(), self.app.payments.clone(), terms);
        for after in [1, 10, 30, 56, 60] {
            days.end(due + Days::new(after), Utc::now()).await.unwrap();
        }
        self.desk().carry_out(None).await.unwrap();
        policies::carry_out(&self.app.engine, None).await.unwrap();
    }

    /// The ids of an account's orders, once queries see so many.
    async fn orders_of(&self, account: &str, many: usize) -> Vec<Value> {
        let query = "query($account: ID!) { workOrders(filter: { accountId: $account }) { nodes { id stage } } }";
        let orders = |answer: &Value| answer["data"]["workOrders"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        let ask = || self.graphql("en", query, json!({ "account": account }));
        let seen = orders(&until(400, ask, |answer| orders(answer).len() == many).await);
        assert_eq!(seen.len(), many, "orders of {account}");
        seen
    }

    async fn stage(&self, order: &Value, expected: &str) -> Value {
        let query = "query($id: ID!) { workOrder(id: $id) { stage way attempts unanswered cutAt liftCause dueBy restoredAt fee { amount } compensation { amount } timeline { what note } } }";
        let ask = || self.graphql("en", query, json!({ "id": order }))["data"]["workOrder"].clone();
        let seen = until(400, ask, |order| order["stage"] == expected).await;
        assert_eq!(seen["stage"], expected, "{seen}");
        seen
    }
}

/// Asks until the answer is as it should be, but no more often than this; the last answer.
async fn until(times: usize, ask: impl Fn() -> Value, holds: impl Fn(&Value) -> bool) -> Value {
    let mut answer = ask();
    for _ in 1..times {
        if holds(&answer) {
            break;
        }
        sleep(Duration::from_millis(25)).await;
        answer = ask();
    }
    answer
}

fn open() -> Value {
    json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2024-01-01" })
}

fn paid(account: &Value, reference: &str, amount: &str) -> Value {
    json!({ "accountId": account, "externalReference": reference, "tender": "CASH", "channel": "till-1", "sessionId": SESSION,
        "amount": { "amount": amount, "currency": "SAR" }, "receivedAt": "2026-01-10T09:00:00Z", "valueOn": "2026-01-10" })
}

/// Old enough for every warning, in the time zone of the house.
fn due(house: &House) -> NaiveDate {
    house.app.today() - Days::new(62)
}

#[tokio::test(flavor = "multi_thread")]
async fn debts_are_followed_and_supplies_cut_and_restored() {
    let mut story = Story::begin().await;
    let account = story.prepare("openAccount", open())["accountId"].clone();
    let id = account.as_str().unwrap().to_owned();
    let due = due(&story.house);
    let meter = story.house.debtor(&id, 1, MeterKind::Traditional, due).await.to_string();
    policies::carry_out(&story.house.app.engine, None).await.unwrap();
    // Nobody was warned yet.
    story.refuse("requestDisconnection", json!({ "accountId": account, "meterId": meter })).await;
    story.house.days_end(due).await;
    let order = story.house.orders_of(&id, 1).await[0]["id"].clone();
    let about = |more: Value| {
        let mut input = json!({ "workOrderId": order });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let elsewhere = json!({ "workOrderId": NOWHERE });
    let later = story.house.app.today() + Days::new(5);

    story.refuse("scheduleDisconnection", about(json!({ "plannedFor": "2024-07-15T06:00:00Z" }))).await;
    let approve = Case {
        mutation: "approveDisconnection",
        input: about(json!({})),
        refused: vec![elsewhere.clone(), json!({ "workOrderId": "seven" })],
        other: Value::Null,
    };
    story.ask(approve).await;
    let promise = json!({ "accountId": account, "ground": "PROMISE_TO_PAY", "promised": { "amount": "500", "currency": "SAR" },
        "from": "2024-01-01", "until": later, "reason": PHRASE });
    let refused = vec![
        json!({ "promised": null }),
        json!({ "promised": { "amount": "0.001" } }),
        json!({ "until": "2023-12-31" }),
        json!({ "from": "soon" }),
        json!({ "reason": "" }),
        json!({ "accountId": NOWHERE }),
    ];
    let hold = story.ask(Case { mutation: "holdDunning", input: promise, refused, other: json!({ "ground": "OPEN_COMPLAINT" }) }).await;
    let now = Utc::now();
    story.refuse("scheduleDisconnection", about(json!({ "plannedFor": now }))).await;
    let lift = json!({ "accountId": account, "holdId": hold["holdId"], "on": "2024-01-02", "reason": PHRASE });
    let refused = vec![json!({ "on": "2023-12-31" }), json!({ "holdId": NOWHERE }), json!({ "on": "x" })];
    story.ask(Case { mutation: "liftDunningHold", input: lift, refused, other: json!({ "on": "2024-01-03" }) }).await;

    let schedule = |at: chrono::DateTime<Utc>| about(json!({ "plannedFor": at }));
    let plan = Case {
        mutation: "scheduleDisconnection",
        input: schedule(now),
        refused: vec![elsewhere.clone()],
        other: json!({ "plannedFor": later.and_hms_opt(9, 0, 0).unwrap().and_utc() }),
    };
    story.ask(plan).await;
    let report = |at: chrono::DateTime<Utc>| about(json!({ "at": at, "reading": "1234.5", "seal": "S-9", "photo": "00".repeat(32) }));
    story.refuse("reportDisconnected", report(now)).await;
    let send = Case { mutation: "dispatchDisconnection", input: about(json!({})), refused: vec![elsewhere.clone()], other: Value::Null };
    story.ask(send).await;
    let ago = now - Duration::from_secs(60);
    let not_done = |reason: &str| about(json!({ "at": ago, "reason": reason }));
    let nobody = Case {
        mutation: "reportNotDisconnected",
        input: not_done(PHRASE),
        refused: vec![json!({ "reason": " " }), json!({ "at": "2999-01-01T00:00:00Z" }), elsewhere.clone()],
        other: json!({ "reason": "another" }),
    };
    story.ask(nobody).await;
    story.prepare("scheduleDisconnection", schedule(ago));
    story.prepare("dispatchDisconnection", about(json!({})));
    let refused =
        vec![json!({ "photo": "00" }), json!({ "seal": "two words" }), json!({ "at": "2999-01-01T00:00:00Z" }), elsewhere.clone()];
    story.ask(Case { mutation: "reportDisconnected", input: report(ago), refused, other: json!({ "seal": "S-10" }) }).await;
    story.refuse("dispatchReconnection", about(json!({}))).await;
    story.refuse("dispatchDisconnection", about(json!({}))).await;

    story.prepare("recordPayment", paid(&account, "R-1", "598.00"));
    policies::carry_out(&story.house.app.engine, None).await.unwrap();
    story.house.desk().carry_out(None).await.unwrap();
    let back = Case { mutation: "dispatchReconnection", input: about(json!({})), refused: vec![elsewhere.clone()], other: Value::Null };
    story.ask(back).await;
    let stuck = Case {
        mutation: "reportNotReconnected",
        input: about(json!({ "at": now, "reason": PHRASE })),
        refused: vec![json!({ "reason": "" })],
        other: json!({ "reason": "another" }),
    };
    story.ask(stuck).await;
    story.prepare("dispatchReconnection", about(json!({})));
    story
        .ask(Case { mutation: "reportReconnected", input: report(now), refused: vec![elsewhere.clone()], other: json!({ "seal": "S-10" }) })
        .await;

    // One that should not have been.
    let other = story.prepare("openAccount", open())["accountId"].clone();
    let id = other.as_str().unwrap().to_owned();
    let meter = story.house.debtor(&id, 2, MeterKind::Traditional, due).await.to_string();
    policies::carry_out(&story.house.app.engine, None).await.unwrap();
    story.house.days_end(due).await;
    let first = story.house.orders_of(&id, 1).await[0]["id"].clone();
    let withdraw = Case {
        mutation: "withdrawDisconnection",
        input: json!({ "workOrderId": first, "reason": PHRASE }),
        refused: vec![json!({ "reason": "" }), elsewhere.clone()],
        other: json!({ "reason": "another" }),
    };
    story.ask(withdraw).await;
    story.refuse("approveDisconnection", json!({ "workOrderId": first })).await;
    let another = story.house.debtor(&id, 3, MeterKind::Traditional, due).await.to_string();
    policies::carry_out(&story.house.app.engine, None).await.unwrap();
    let request = Case {
        mutation: "requestDisconnection",
        input: json!({ "accountId": other, "meterId": meter }),
        refused: vec![json!({ "meterId": NOWHERE }), json!({ "accountId": NOWHERE })],
        other: json!({ "meterId": another }),
    };
    story.ask(request).await;
    in_instalments(&mut story, due).await;
    story.end(MUTATIONS, expect_file!["collections.txt"]);
}

/// Four bills, half of which is paid down and the rest in three parts; and then it is not to be.
async fn in_instalments(story: &mut Story, due: NaiveDate) {
    let account = story.prepare("openAccount", open())["accountId"].clone();
    story.house.debtor(account.as_str().unwrap(), 4, MeterKind::Traditional, due).await;
    policies::carry_out(&story.house.app.engine, None).await.unwrap();
    let today = story.house.app.today();
    let mut down = paid(&account, "R-4", "299.00");
    down["valueOn"] = json!(today);
    let down = story.prepare("recordPayment", down)["paymentId"].clone();
    let agree = json!({ "accountId": account, "downPaymentId": down, "instalments": 3, "firstOn": today + Days::new(10) });
    let refused = vec![
        json!({ "downPaymentId": null }),
        json!({ "downPaymentId": NOWHERE }),
        json!({ "downPaymentId": "seven" }),
        json!({ "instalments": 13 }),
        json!({ "instalments": 0 }),
        json!({ "items": [{ "invoice": NOWHERE }] }),
        json!({ "items": [{ "invoice": Uuid::from_u128(40) }] }),
        json!({ "firstOn": "soon" }),
        json!({ "accountId": NOWHERE }),
    ];
    let plan = story.ask(Case { mutation: "agreePlan", input: agree.clone(), refused, other: json!({ "instalments": 2 }) }).await;
    story.refuse("agreePlan", agree).await;
    let item = json!({ "invoice": Uuid::from_u128(43) });
    story.refuse("disputeItem", json!({ "accountId": account, "item": item, "on": today, "reason": PHRASE })).await;
    policies::carry_out(&story.house.app.engine, None).await.unwrap();
    let plans = "query($id: ID!) { account(id: $id) { dunning { held } balances { owed { amount } planned { amount } }
        aging { bands { amount { amount } } planned { amount } } openItems { planned { amount } }
        instalmentPlans { state total { amount } paid { amount } downPayment { amount } endedBecause instalments { amount { amount } paid { amount } } } } }";
    let seen = |house: &House| house.graphql("en", plans, json!({ "id": account }))["data"]["account"].clone();
    let shown = until(400, || seen(&story.house), |shown| shown["dunning"]["held"] == "INSTALMENT_PLAN").await;
    let amount = |amount: &str| json!({ "amount": amount });
    let part = |of: &str| json!({ "amount": amount(of), "paid": amount("0.00") });
    let expected = json!({ "dunning": { "held": "INSTALMENT_PLAN" }, "balances": [{ "owed": amount("299.00"), "planned": amount("299.00") }],
        "aging": [{ "bands": [], "planned": amount("299.00") }],
        "openItems": [{ "planned": amount("149.50") }, { "planned": amount("149.50") }],
        "instalmentPlans": [{ "state": "RUNNING", "total": amount("299.00"), "paid": amount("0.00"), "downPayment": amount("299.00"),
            "endedBecause": null, "instalments": [part("99.66"), part("99.66"), part("99.68")] }] });
    assert_eq!(shown, expected);
    let cancel = json!({ "accountId": account, "planId": plan["planId"], "reason": PHRASE });
    let refused = vec![json!({ "planId": NOWHERE }), json!({ "reason": "" })];
    story.ask(Case { mutation: "cancelPlan", input: cancel, refused, other: json!({ "reason": "another" }) }).await;
    let shown = seen(&story.house);
    assert_eq!(
        (&shown["instalmentPlans"][0]["endedBecause"], &shown["balances"][0]["planned"]),
        (&json!("ASKED"), &amount("0.00")),
        "{shown}"
    );
}

/// A bill that nobody pays, a warning, a last notice, a cut by the head-end, a payment, and the supply again within the clock.
#[tokio::test(flavor = "multi_thread")]
async fn from_an_unpaid_bill_to_the_supply_again() {
    let house = House::build(Way::Postgres).await;
    let opened = house.graphql(
        "en",
        "mutation($input: OpenAccountInput!) { openAccount(input: $input, idempotencyKey: \"k\") { accountId } }",
        json!({ "input": open() }),
    );
    let account = opened["data"]["openAccount"]["accountId"].clone();
    let id = account.as_str().unwrap().to_owned();
    let due = due(&house);
    house.debtor(&id, 1, MeterKind::Smart, due).await;
    policies::carry_out(&house.app.engine, None).await.unwrap();
    house.days_end(due).await;

    let dunning = "query($id: ID!) { account(id: $id) { dunning { step action owed { amount } held notices { step action channel } workOrders { stage } } } }";
    let order = house.orders_of(&id, 1).await[0]["id"].clone();
    let seen = house.graphql("en", dunning, json!({ "id": account }))["data"]["account"]["dunning"].clone();
    assert_eq!((&seen["step"], &seen["owed"]["amount"], &seen["held"]), (&json!("cut"), &json!("598.00"), &Value::Null), "{seen}");
    let steps: Vec<_> = seen["notices"].as_array().unwrap().iter().map(|notice| notice["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["cut", "final-notice", "initial-warning", "warning", "first"]);
    let arrears = house.graphql("en", "{ arrearsByStep { step action accounts owed { amount } } }", json!({}));
    let expected = json!([{ "step": "cut", "action": "ORDER_DISCONNECTION", "accounts": 1, "owed": { "amount": "598.00" } }]);
    assert_eq!(arrears["data"]["arrearsByStep"], expected);

    let ask = |mutation: &str, kind: &str, input: Value| {
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input, idempotencyKey: \"{mutation}\") {{ readable }} }}");
        let answer = house.graphql("en", &query, json!({ "input": input }));
        assert_eq!(answer["data"][mutation]["readable"], true, "{answer}");
    };
    ask("approveDisconnection", "ApproveDisconnectionInput", json!({ "workOrderId": order }));
    ask("scheduleDisconnection", "ScheduleDisconnectionInput", json!({ "workOrderId": order, "plannedFor": Utc::now() }));
    let desk = house.desk();
    let following = tokio::spawn(async move { desk.keep().await });
    let (turning, pool): (Switching, _) = (house.app.switching().unwrap(), house.read_models.clone());
    let rounds = tokio::spawn(async move {
        loop {
            turning.round(&pool, Utc::now()).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    });
    let cut = house.stage(&order, "CUT").await;
    assert_eq!((&cut["way"], &cut["attempts"]), (&json!("HEAD_END"), &json!(1)), "{cut}");
    ask("recordPayment", "RecordPaymentInput", paid(&account, "R-1", "598.00"));
    let back = house.stage(&order, "RESTORED").await;
    let at = |field: &str| back[field].as_str().unwrap_or_else(|| panic!("{back}")).to_owned();
    assert!(at("restoredAt") <= at("dueBy"), "{back}");
    assert_eq!(
        (&back["liftCause"], &back["fee"]["amount"], &back["compensation"]),
        (&json!("DEBT_SETTLED"), &json!("50.00"), &Value::Null)
    );
    following.abort();
    rounds.abort();

    // It is told to the meter, and billed.
    let meters = "query($account: ID!) { meters(filter: { accountId: $account }) { nodes { status life { status } } } }";
    policies::carry_out(&house.app.engine, None).await.unwrap();
    let terms = house.app.terms.as_deref().cloned();
    let days = DayEnds::new(house.app.engine.clone(), house.read_models.clone(), house.app.payments.clone(), terms);
    let ended = days.end(house.app.today() - Days::new(1), Utc::now()).await.unwrap();
    assert_eq!((ended.fees_billed, ended.refused), (1, 0));
    let outcomes = "query($from: Date!, $to: Date!) { dunningOutcomes(from: $from, to: $to) { step cause accounts } }";
    let period = json!({ "from": house.app.today() - Days::new(1), "to": house.app.today() });
    let ask = || house.graphql("en", outcomes, period.clone())["data"]["dunningOutcomes"].clone();
    let seen = until(200, ask, |seen| seen.as_array().is_some_and(|outcomes| !outcomes.is_empty())).await;
    assert_eq!(seen, json!([{ "step": "cut", "cause": "SETTLED", "accounts": 1 }]));
    let life = house.graphql("en", meters, json!({ "account": account }));
    let life: Vec<_> = life["data"]["meters"]["nodes"][0]["life"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
    assert_eq!(life.last(), Some(&json!("INSTALLED")), "{life:?}");
    assert!(life.contains(&json!("DISCONNECTED")), "{life:?}");
}
