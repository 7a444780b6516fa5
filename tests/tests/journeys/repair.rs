//! A repair from the request to the paid invoice, as its customer follows it; and what happens when two want the same thing.

use std::{thread, time::Duration};

use daftar_api::{caller::Role, notices::Notices};
use daftar_billing::{Terms, desk::Desk};
use daftar_domain::{Sealed, ids::AccountId};
use daftar_tests::socket::{Heard, Socket};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    claiming::{Customer, customer},
    house::{House, Way},
    mutations::{
        repairs::{cooler, estimate},
        workshop::{SUNDAY, branch, compressor},
    },
};

const FOLLOW: &str =
    "subscription($id: ID!) { repair(id: $id) { status waitingSince estimate { number total { amount } } approved { amount }
    comments { nodes { side text } } invoice { id status } } }";

const SESSION: &str = "00000000-0000-0000-0000-000000000001";

fn terms() -> Terms {
    r#"{"seller": {"name": "الدفتر", "vat_number": "310122393500003", "address": {"street": "العليا", "building": "1", "district": "العليا",
        "city": "الرياض", "postal_code": "12212", "country": "SA"}}, "numbering": {"register": "RUH", "series": "REP"}, "dueDays": 15}"#
        .parse()
        .unwrap()
}

/// A house with a workshop in it, two customers, and everybody who works there.
struct Shop {
    house: House,
    noura: Customer,
    salem: Customer,
    technician: String,
    cashier: String,
    billing: String,
    branch: Value,
    part: Value,
    desk: JoinHandle<()>,
}

impl Shop {
    async fn open() -> Self {
        let house = House::build(Way::Postgres).await;
        let (noura, salem) =
            (customer(&house, "RUH-1", "0501234567", "noura").await, customer(&house, "RUH-2", "0509999999", "salem").await);
        let technician = house.staff("technician", Role::Technician).await;
        let (cashier, billing) = (house.staff("cashier", Role::Cashier).await, house.staff("billing", Role::Billing).await);
        let desk = Desk::new(house.app.engine.clone(), house.read_models.clone(), terms());
        let desk = tokio::spawn(async move { drop(desk.keep().await) });
        let mut shop = Self { house, noura, salem, technician, cashier, billing, branch: Value::Null, part: Value::Null, desk };
        shop.branch =
            shop.done(&shop.house.admin, "openBranch", json!({ "code": "RUH", "details": branch(), "on": "2026-01-01" }))["branchId"]
                .clone();
        shop.part = shop.done(&shop.billing, "registerPart", compressor())["partId"].clone();
        let cost = json!({ "amount": "300.00", "currency": "SAR" });
        let shelf =
            json!({ "branchId": shop.branch, "partId": shop.part, "quantity": 1, "cost": cost, "reference": "GRN-1", "on": "2026-01-02" });
        shop.done(&shop.technician, "receiveStock", shelf);
        shop
    }

    fn ask(&self, token: &str, mutation: &str, input: &Value) -> Value {
        let kind = match mutation {
            "startWork" | "finishWork" | "passCheck" | "deliverRepair" | "closeRepair" => "WorkInput".to_owned(),
            name => format!("{}{}Input", name[..1].to_uppercase(), &name[1..]),
        };
        let id = match mutation {
            "openBranch" => "branchId",
            "registerPart" => "partId",
            "requestPart" => "requestId",
            "bookAppointment" => "appointmentId",
            "requestRepair" => "repairId",
            _ => "",
        };
        let query =
            format!("mutation($input: {kind}!, $key: String!) {{ {mutation}(input: $input, idempotencyKey: $key) {{ readable {id} }} }}");
        self.house.ask(
            token,
            "en",
            &query,
            json!({ "input": input, "key": format!("{mutation} {input}").chars().take(200).collect::<String>() }),
        )
    }

    fn done(&self, token: &str, mutation: &str, input: Value) -> Value {
        let answer = self.ask(token, mutation, &input);
        assert_eq!(answer["data"][mutation]["readable"], true, "{mutation}: {answer}");
        answer["data"][mutation].clone()
    }

    fn refused(&self, token: &str, mutation: &str, input: Value) -> String {
        code(&self.ask(token, mutation, &input))
    }

    fn requested(&self, complaint: &str) -> Value {
        let request = json!({ "accountId": self.noura.account, "branchId": self.branch, "device": cooler(), "complaint": complaint });
        self.done(&self.noura.token, "requestRepair", request)["repairId"].clone()
    }

    /// An offer that waits for its answer.
    fn estimated(&self, complaint: &str) -> Value {
        let repair = self.requested(complaint);
        let diagnosis = json!({ "repairId": repair, "findings": "الضاغط لا يعمل", "coverage": "CUSTOMER", "on": "2026-02-01" });
        self.done(&self.technician, "recordDiagnosis", diagnosis);
        self.done(&self.technician, "estimateRepair", estimate(&repair, &self.part, "2026-02-02"));
        repair
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.desk.abort();
    }
}

fn code(answer: &Value) -> String {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What is told until it is so.
fn told(socket: &mut Socket, field: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    loop {
        match socket.hear(Duration::from_secs(20)) {
            // What else is followed goes on being told, too.
            Heard::Told(told) if told["id"] != field => {}
            Heard::Told(told) => {
                let shown = &told["payload"]["data"][field];
                assert!(shown.is_object(), "{told}");
                if is_so(shown) {
                    return shown.clone();
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_follows_their_repair_from_the_request_to_the_paid_invoice() {
    let shop = Shop::open().await;
    let (noura, technician, cashier) = (&shop.noura.token, &shop.technician, &shop.cashier);
    let repair = shop.requested("لا يبرد");
    let of = |more: Value| {
        let mut input = json!({ "repairId": repair });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let mut live = Socket::introduced(shop.house.server, noura, "en");
    live.subscribe("repair", FOLLOW, &json!({ "id": repair }));
    let stands = |status: &'static str| move |shown: &Value| shown["status"] == status;
    told(&mut live, "repair", stands("RECEIVED"));

    shop.done(technician, "assignTechnician", of(json!({})));
    shop.done(noura, "askForUpdate", of(json!({})));
    told(&mut live, "repair", |shown| shown["waitingSince"].is_string());
    shop.done(technician, "commentOnRepair", of(json!({ "text": "عميل مستعجل", "audience": "INTERNAL" })));
    shop.done(technician, "commentOnRepair", of(json!({ "text": "سنفحصه اليوم" })));
    let answered = told(&mut live, "repair", |shown| shown["waitingSince"].is_null());
    assert_eq!(answered["comments"]["nodes"], json!([{ "side": "STAFF", "text": "سنفحصه اليوم" }]));
    assert_eq!(shop.refused(noura, "commentOnRepair", of(json!({ "text": "x", "audience": "INTERNAL" }))), "NOT_FOR_CUSTOMERS");

    shop.done(technician, "recordDiagnosis", of(json!({ "findings": "الضاغط لا يعمل", "coverage": "CUSTOMER", "on": "2026-02-01" })));
    told(&mut live, "repair", stands("DIAGNOSED"));
    shop.done(technician, "estimateRepair", estimate(&repair, &shop.part, "2026-02-02"));
    let offer = |number: u32, total: &str| json!({ "number": number, "total": { "amount": total } });
    assert_eq!(told(&mut live, "repair", stands("ESTIMATED"))["estimate"], offer(1, "862.50"));
    shop.done(&shop.billing, "changePartPrice", json!({ "partId": shop.part, "price": "500", "on": "2026-02-03" }));
    told(&mut live, "repair", |shown| shown["estimate"] == offer(2, "920.00"));
    assert_eq!(shop.refused(noura, "approveEstimate", of(json!({ "number": 1 }))), "OTHER_ESTIMATE");
    assert_eq!(shop.refused(technician, "approveEstimate", of(json!({ "number": 2 }))), "FORBIDDEN", "whoever offers does not accept");
    shop.done(noura, "approveEstimate", of(json!({ "number": 2 })));
    assert_eq!(told(&mut live, "repair", stands("APPROVED"))["approved"]["amount"], "920.00");

    let deposit = json!({ "amount": { "amount": "100.00", "currency": "SAR" }, "tender": "CASH", "channel": "till-1", "sessionId": SESSION, "on": "2026-02-04" });
    shop.done(cashier, "takeRepairDeposit", of(deposit));
    let request = shop.done(technician, "requestPart", of(json!({ "partId": shop.part, "quantity": 1 })))["requestId"].clone();
    shop.house.until("the part is here", "SELECT here FROM read_repairs.part_request").await;
    shop.done(technician, "startWork", of(json!({ "on": "2026-02-05" })));
    told(&mut live, "repair", stands("IN_PROGRESS"));
    shop.done(technician, "usePart", of(json!({ "requestId": request, "usedInAll": 1, "on": "2026-02-05" })));
    shop.done(technician, "finishWork", of(json!({ "on": "2026-02-06" })));
    told(&mut live, "repair", stands("QUALITY_CHECK"));
    shop.done(technician, "passCheck", of(json!({ "on": "2026-02-06" })));
    told(&mut live, "repair", stands("READY"));
    shop.done(cashier, "deliverRepair", of(json!({ "on": "2026-02-07" })));
    told(&mut live, "repair", stands("DELIVERED"));
    shop.done(cashier, "closeRepair", of(json!({ "on": "2026-02-07" })));
    told(&mut live, "repair", stands("CLOSED"));

    // The deposit has paid its part of it.
    shop.house.until("the invoice", "SELECT count(*) = 1 FROM read_invoices.invoice WHERE status = 'partlyPaid'").await;
    let see = "query($id: ID!) { repair(id: $id) { invoice { id total { amount } leftToPay { amount } } } }";
    let invoice = shop.house.ask(noura, "en", see, json!({ "id": repair }))["data"]["repair"]["invoice"].clone();
    assert_eq!((&invoice["total"]["amount"], &invoice["leftToPay"]["amount"]), (&json!("920.00"), &json!("820.00")));
    live.subscribe("invoice", "subscription($id: ID!) { invoice(id: $id) { status } }", &json!({ "id": invoice["id"] }));
    told(&mut live, "invoice", stands("PARTLY_PAID"));
    let pay = json!({ "accountId": shop.noura.account, "externalReference": "R-1", "tender": "CASH", "channel": "till-1", "sessionId": SESSION,
        "amount": { "amount": "820.00", "currency": "SAR" }, "receivedAt": "2026-02-08T09:00:00Z", "valueOn": "2026-02-08", "directed": [{ "invoice": invoice["id"] }] });
    shop.done(cashier, "recordPayment", pay);
    told(&mut live, "invoice", stands("PAID"));

    let books = "{ trialBalance { balances { account { number } balance { amount } } differences { amount } } }";
    let books = shop.house.graphql("en", books, json!({}))["data"]["trialBalance"].clone();
    assert!(books["differences"].as_array().unwrap().iter().all(|difference| difference["amount"] == "0.00"), "{books}");
    let at = |number: u32| {
        let balances = books["balances"].as_array().unwrap();
        balances
            .iter()
            .find(|balance| balance["account"]["number"] == number)
            .map_or("0.00", |balance| balance["balance"]["amount"].as_str().unwrap())
    };
    // Receivables, what is not yet charged, deposits; labour, parts, tax; the shelf, and what the part had cost.
    assert_eq!([at(1100), at(1115), at(2200)], ["0.00"; 3], "{books}");
    assert_eq!([at(4300), at(4310), at(2100)], ["-300.00", "-500.00", "-120.00"], "{books}");
    assert_eq!([at(1200), at(5200)], ["0.00", "300.00"], "{books}");

    let salem = &shop.salem.token;
    let mut deaf = Socket::introduced(shop.house.server, salem, "en");
    deaf.subscribe("repair", FOLLOW, &json!({ "id": repair }));
    let Heard::Told(nothing) = deaf.hear(Duration::from_secs(10)) else { panic!("nothing was told") };
    assert_eq!((&nothing["type"], &nothing["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("NOT_FOUND")), "{nothing}");
    assert_eq!(code(&shop.house.ask(salem, "en", see, json!({ "id": repair }))), "NOT_FOUND");
    assert_eq!(shop.house.ask(salem, "en", "{ myRepairs { totalCount } }", json!({}))["data"]["myRepairs"]["totalCount"], 0);
    for (mutation, more) in [
        ("commentOnRepair", json!({ "text": "x" })),
        ("askForUpdate", json!({})),
        ("approveEstimate", json!({ "number": 2 })),
        ("returnUnderWarranty", json!({ "complaint": "x" })),
    ] {
        assert_eq!(shop.refused(salem, mutation, of(more)), "NOT_FOUND", "{mutation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_technicians_who_want_the_one_part_of_the_estimate_one_gets_it_and_the_other_is_told() {
    let shop = Shop::open().await;
    let other = shop.house.staff("other", Role::Technician).await;
    for round in ["لا يبرد", "يسرب الماء", "يصدر صوتًا"] {
        let repair = shop.estimated(round);
        shop.done(&shop.noura.token, "approveEstimate", json!({ "repairId": repair, "number": 1 }));
        let wanted = json!({ "repairId": repair, "partId": shop.part, "quantity": 1 });
        let answers = both([&shop.technician, &other], |token| shop.ask(token, "requestPart", &wanted));
        let told: Vec<String> = answers.iter().filter(|answer| answer["data"]["requestPart"].is_null()).map(code).collect();
        assert_eq!(told, ["NOT_IN_ESTIMATE"], "round {round}: {answers:?}");
        let parts = "query($id: ID!) { repair(id: $id) { parts { quantity } } }";
        let asked = shop.house.graphql("en", parts, json!({ "id": repair }))["data"]["repair"]["parts"].clone();
        assert_eq!(asked, json!([{ "quantity": 1 }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_customers_who_want_the_last_place_one_gets_it_and_the_other_is_told() {
    let shop = Shop::open().await;
    let free = || {
        let query = "query($branch: ID!, $day: Date!) { freeSlots(branchId: $branch, day: $day) { at places } }";
        let answer = shop.house.ask(&shop.noura.token, "en", query, json!({ "branch": shop.branch, "day": SUNDAY }));
        answer["data"]["freeSlots"].as_array().unwrap().iter().map(|slot| slot["at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(free().first().map(String::as_str), Some("08:00"));
    let come = |customer: &Customer, at: &str| json!({ "accountId": customer.account, "branchId": shop.branch, "day": SUNDAY, "at": at });
    for at in ["08:00", "08:30", "09:00", "09:30"] {
        let customers = [&shop.noura, &shop.salem];
        let answers = both(customers, |customer| shop.ask(&customer.token, "bookAppointment", &come(customer, at)));
        let (won, lost): (Vec<usize>, Vec<usize>) = (0..2).partition(|n| answers[*n]["errors"].is_null());
        assert_eq!((won.len(), lost.len()), (1, 1), "{answers:?}");
        assert_eq!(code(&answers[lost[0]]), "APPOINTMENTS_FULL");
        assert!(!free().contains(&at.to_owned()));
        let booked = json!({ "appointmentId": answers[won[0]]["data"]["bookAppointment"]["appointmentId"] });
        assert_eq!(shop.refused(&customers[lost[0]].token, "cancelAppointment", booked.clone()), "NOT_FOUND", "it is not theirs to cancel");
        shop.done(&customers[won[0]].token, "cancelAppointment", booked);
        assert!(free().contains(&at.to_owned()));
    }
}

/// What waits to be sent to somebody about their repairs: to where, and what.
async fn messages(shop: &Shop) -> Vec<(String, String)> {
    let find = "SELECT account_id, recipient, text FROM daftar_auth.outbox
                WHERE message_id NOT IN (SELECT claim_id FROM daftar_auth.claim) ORDER BY made_at";
    let waiting: Vec<(Uuid, Vec<u8>, Vec<u8>)> = sqlx::query_as(find).fetch_all(&shop.house.read_models).await.unwrap();
    let mut messages = vec![];
    for (account, recipient, text) in waiting {
        let open = async |sealed: Vec<u8>| {
            let sealed: Sealed = serde_json::from_slice(&sealed).unwrap();
            shop.house.app.keyring.open(AccountId::new(account), &sealed).await.unwrap().unwrap().reveal().to_owned()
        };
        messages.push((open(recipient).await, open(text).await));
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_told_once_how_their_repair_goes_and_nothing_of_what_is_for_staff() {
    let shop = Shop::open().await;
    let app = &shop.house.app;
    let notices = || {
        let notices = Notices::new(app.engine.clone(), app.keyring.clone(), app.read_models.clone());
        tokio::spawn(async move { drop(notices.keep().await) })
    };
    let telling = notices();
    let repair = shop.estimated("لا يبرد");
    let write = |token: &str, audience: &str, text: &str| {
        shop.done(token, "commentOnRepair", json!({ "repairId": repair, "audience": audience, "text": text }));
    };
    write(&shop.technician, "INTERNAL", "عميل مستعجل");
    write(&shop.noura.token, "PUBLIC", "متى؟");
    write(&shop.technician, "PUBLIC", "غدًا");
    let about = |what: &str| ("0501234567".to_owned(), what.to_owned());
    let told = [
        about("The repair of your device (مبرد مياه): Diagnosed."),
        about("The repair of your device (مبرد مياه): Waiting for approval."),
        about("The workshop has written to you about the repair of your device (مبرد مياه)."),
    ];
    shop.house
        .until(
            "three messages",
            "SELECT count(*) >= 3 FROM daftar_auth.outbox WHERE message_id NOT IN (SELECT claim_id FROM daftar_auth.claim)",
        )
        .await;
    assert_eq!(messages(&shop).await, told);

    // Whoever begins from the beginning finds everything told.
    telling.abort();
    sqlx::query("DELETE FROM daftar_billing.follower WHERE name = 'notices'").execute(&app.read_models).await.unwrap();
    let again = notices();
    shop.done(&shop.noura.token, "approveEstimate", json!({ "repairId": repair, "number": 1 }));
    shop.done(&shop.technician, "cancelRepair", json!({ "repairId": repair, "on": "2026-02-03", "reason": "x" }));
    shop.house
        .until(
            "the fourth",
            "SELECT count(*) >= 4 FROM daftar_auth.outbox WHERE message_id NOT IN (SELECT claim_id FROM daftar_auth.claim)",
        )
        .await;
    assert_eq!(messages(&shop).await[..3], told);
    assert_eq!(messages(&shop).await[3..], [about("The repair of your device (مبرد مياه): Cancelled.")]);
    again.abort();
}

/// What two are answered who ask at the same time.
fn both<T: Copy + Send>(who: [T; 2], ask: impl Fn(T) -> Value + Sync) -> Vec<Value> {
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let asking = who.map(|who| {
                scope.spawn({
                    let ask = &ask;
                    move || ask(who)
                })
            });
            asking.map(|asking| asking.join().unwrap()).to_vec()
        })
    })
}
