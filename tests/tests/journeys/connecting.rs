//! From an application to the first bill, over GraphQL; and what happens when a payment is taken back while the installer confirms.

use std::{sync::Arc, time::Duration};

use chrono::{Days, NaiveDate, Utc};
use daftar_billing::{
    Terms,
    bill_run::{BillRuns, Cycle},
    desk::Desk,
};
use daftar_domain::{
    Actor, Code, Currency, Decider, StreamName,
    account::{self, Account, example as accounts},
    agreement::{self, AwaitConnection, ServicePoint},
    application::{self, Application, ScheduleInstallation, example as applications},
    bill_run::Filter,
    ids::{AccountId, ApplicationId, MeterId, PaymentId, PremisesId, connection_invoice_id, service_point_id},
    ledger::{LedgerAccount, TrialBalance, post},
    meter::{self, Meter},
    premises::{self, Premises},
};
use daftar_store::{CommandContext, Scope};
use futures::TryStreamExt;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{
    house::{House, Way},
    mutations::{
        connections::PRICES,
        supply::{device, dial, tariff},
    },
};

const TERMS: &str = r#"{"seller": {"name": "الدفتر", "vat_number": "310122393500003", "address": {"street": "العليا", "building": "1",
    "district": "العليا", "city": "الرياض", "postal_code": "12212", "country": "SA"}}, "numbering": {"register": "RUH", "series": "CON"}, "dueDays": 15}"#;

/// Somebody at the billing desk, until they are sent home.
fn desk(house: &House) -> JoinHandle<()> {
    let terms: Terms = TERMS.parse().unwrap();
    let desk = Desk::new(house.app.engine.clone(), house.read_models.clone(), terms);
    tokio::spawn(async move { drop(desk.keep().await) })
}

struct Office {
    house: House,
    keys: u32,
}

impl Office {
    fn ask(&mut self, mutation: &str, input: &Value) -> Value {
        self.keys += 1;
        wish(&self.house, mutation, &format!("{mutation} {}", self.keys), input)
    }

    fn done(&mut self, mutation: &str, input: &Value) -> Value {
        let answer = self.ask(mutation, input);
        assert!(answer["data"][mutation].is_object(), "{mutation}: {answer}");
        answer["data"][mutation].clone()
    }

    fn refused(&mut self, mutation: &str, input: &Value, code: &str) {
        let answer = self.ask(mutation, input);
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{mutation}: {answer}");
    }

    fn application(&self, id: &Value) -> Value {
        let query = "query($id: ID!) { application(id: $id) { status feePaid feeInvoiceId meterId agreementId plannedOn
            quote { total { amount } } steps { status } } }";
        self.house.graphql("en", query, json!({ "id": id }))["data"]["application"].clone()
    }

    async fn until(&self, id: &Value, status: &str) -> Value {
        for _ in 0..600 {
            let application = self.application(id);
            if application["status"] == status {
                return application;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} is not {status}", self.application(id));
    }
}

fn wish(house: &House, mutation: &str, key: &str, input: &Value) -> Value {
    let mut kind: Vec<char> = mutation.chars().collect();
    kind[0] = kind[0].to_ascii_uppercase();
    let kind: String = kind.into_iter().collect();
    let id = match mutation {
        "openAccount" => "accountId",
        "registerPremises" => "premisesId",
        "defineReadCycle" => "readCycleId",
        "registerMeter" => "meterId",
        "recordPayment" => "paymentId",
        "publishTariff" | "publishConnectionPrices" => "code",
        "activateConnection" => "agreementId",
        "submitApplication" => "applicationId",
        _ => "readable",
    };
    let query =
        format!("mutation($key: String!, $input: {kind}Input!) {{ {mutation}(idempotencyKey: $key, input: $input) {{ {id} position }} }}");
    house.graphql("en", &query, json!({ "key": key, "input": input }))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_application_to_the_first_bill() {
    let mut office = Office { house: House::build(Way::Postgres).await, keys: 0 };
    let at_the_desk = desk(&office.house);
    let first: NaiveDate = "2026-03-11".parse().unwrap();
    let day = |days: u64| (first + Days::new(days)).to_string();

    let account =
        json!({ "holderName": "نورة", "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
    let account = office.done("openAccount", &account)["accountId"].clone();
    let facts = json!({ "dwellings": 1, "area": "riyadh-north" });
    let premises = json!({ "address": "العليا", "facts": facts, "registeredOn": "2026-01-01" });
    let premises = office.done("registerPremises", &premises)["premisesId"].clone();
    let cycle = json!({ "code": "A", "every": "MONTHLY", "firstMonth": "2026-01-01", "dayOfMonth": 28 });
    let cycle = office.done("defineReadCycle", &cycle)["readCycleId"].clone();
    office.done("publishTariff", &json!({ "tariff": tariff("homes-2026", "homes") }));
    office.done("publishConnectionPrices", &json!({ "prices": PRICES }));

    let capacity = json!({ "loadKva": "25", "phase": "THREE" });
    let submit = json!({ "accountId": account, "capacity": capacity, "meter": "SMART", "site": "شارع العليا" });
    let application = office.done("submitApplication", &submit)["applicationId"].clone();
    office.done("reviewApplication", &json!({ "applicationId": application, "on": day(0) }));
    let inspect = json!({ "applicationId": application, "premisesId": premises, "capacity": capacity, "distanceM": "80",
        "area": "riyadh-north", "meter": "SMART", "on": day(0) });
    office.done("inspectSite", &inspect);
    office.done("priceConnection", &json!({ "applicationId": application, "on": day(0) }));
    assert_eq!(office.application(&application)["quote"]["total"]["amount"], "5088.75");

    let meter = office.done("registerMeter", &device("7001"))["meterId"].clone();
    let install = json!({
        "meterId": meter, "place": { "premisesId": premises, "service": "ELECTRICITY" }, "on": day(1),
        "breaker": { "number": "B-1", "amps": 60 }, "seals": [{ "number": "S-1", "place": "cover" }],
        "readings": [dial("0", &day(1))],
    });
    office.refused("installMeter", &install, "NOT_WHILE_APPLICATION_SO");

    office.done("invoiceConnectionFee", &json!({ "applicationId": application, "on": day(0) }));
    let invoice = office.application(&application)["feeInvoiceId"].clone();
    let owed = "query($id: ID!) { account(id: $id) { balances { due { amount } } openItems { kind open { amount } } } }";
    let mut tries = 0;
    while office.house.graphql("en", owed, json!({ "id": account }))["data"]["account"]["openItems"][0]["kind"] != "CONNECTION_FEE" {
        tries += 1;
        assert!(tries < 600, "the fee is never charged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pay = |reference: &str, amount: &str| {
        json!({ "accountId": account, "externalReference": reference, "tender": "CASH", "channel": "till-1",
            "sessionId": "00000000-0000-0000-0000-000000000001", "amount": { "amount": amount, "currency": "SAR" },
            "receivedAt": format!("{}T09:00:00Z", day(0)), "valueOn": day(0) })
    };
    office.done("recordPayment", &pay("R-1", "5000.00"));
    office.refused("installMeter", &install, "CONNECTION_FEE_UNPAID");
    let rest = office.done("recordPayment", &pay("R-2", "88.75"))["paymentId"].clone();
    office.until(&application, "FEE_PAID").await;
    office.done("scheduleInstallation", &json!({ "applicationId": application, "plannedOn": day(1), "on": day(0) }));

    // The gate closes with the payment that is taken back, and opens with the next.
    let reverse = json!({ "accountId": account, "paymentId": rest, "cause": "BOUNCED", "on": day(0), "reason": "no funds" });
    office.done("reversePayment", &reverse);
    office.refused("installMeter", &install, "CONNECTION_FEE_UNPAID");
    office.until(&application, "FEE_INVOICED").await;
    office.refused("installMeter", &install, "CONNECTION_FEE_UNPAID");
    office.done("recordPayment", &pay("R-3", "88.75"));
    office.until(&application, "INSTALL_SCHEDULED").await;
    office.done("installMeter", &install);
    office.until(&application, "INSTALLED").await;
    office.refused("cancelApplication", &json!({ "applicationId": application, "reason": "too late" }), "NOT_WHILE_APPLICATION_SO");
    let activate = json!({ "applicationId": application, "tariffSeries": "homes", "readCycleId": cycle, "from": day(2) });
    let agreement = office.done("activateConnection", &activate)["agreementId"].clone();
    let connected = office.application(&application);
    assert_eq!((&connected["status"], &connected["meterId"], &connected["agreementId"]), (&json!("ACTIVATED"), &meter, &agreement));

    // What it showed when it went up counts for the days after that. A month later it is read, and billed.
    let mut reading = dial("300", &day(31));
    (reading["meterId"], reading["kind"], reading["takenOn"]) = (meter.clone(), json!("MANUAL"), json!(day(31)));
    office.done("recordReading", &reading);
    let runs = BillRuns::new(office.house.app.engine.clone(), office.house.read_models.clone());
    let date = |days: u64| Some(first + Days::new(days));
    let cycle = Cycle { cycle: Code::new("2026-04").unwrap(), cut_off: date(32), issued_on: date(32), filter: Filter::default() };
    let plan = runs.plan_for(cycle, &TERMS.parse().unwrap()).await.unwrap();
    let report = runs.execute("2026-04", plan, &|_| ()).await.unwrap();
    assert_eq!((report.tally.billed, report.tally.failed), (1, 0), "{report:?}");
    let bills = "query($id: ID!) { account(id: $id) { invoices { nodes { id status total { amount } lines { revenue } } } } }";
    let mut tries = 0;
    let bills = loop {
        let answer = office.house.graphql("en", bills, json!({ "id": account }));
        let bills = answer["data"]["account"]["invoices"]["nodes"].as_array().unwrap().clone();
        if bills.len() == 2 {
            break bills;
        }
        tries += 1;
        assert!(tries < 600, "there is no first bill: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let by = |revenue: &str| bills.iter().find(|bill| bill["lines"][0]["revenue"] == revenue).unwrap_or_else(|| panic!("{bills:?}"));
    // 300 kWh at 0.18 and 15 %.
    assert_eq!(by("ENERGY")["total"]["amount"], "62.10");
    let fee = by("CONNECTION_FEE");
    assert_eq!((&fee["id"], &fee["status"], &fee["total"]["amount"]), (&invoice, &json!("PAID"), &json!("5088.75")));
    at_the_desk.abort();
}

/// Who gives up gets back what they have paid, and the place is free for the next.
#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_gets_the_fee_back() {
    let house = House::build(Way::Postgres).await;
    let at_the_desk = desk(&house);
    let (account, application) = (id(1, 1), id(1, 3));
    let account_id = AccountId::new(account);
    let account::Event::AccountOpened(opened) = accounts::opened() else { panic!("it opens") };
    let account::AccountOpened { number, holder_name, class, currency, language, opened_on, .. } = opened;
    let open = account::OpenAccount { account_id, number, holder_name, class, currency, language, opened_on };
    execute::<Account>(&house, account, "open", account::Command::OpenAccount(open)).await;
    let submit = application::SubmitApplication { application_id: ApplicationId::new(application), account_id, ..applications::submit() };
    let wishes = [application::Command::SubmitApplication(submit)].into_iter().chain(applications::to_the_end(applications::sealed(2)));
    for (n, wish) in wishes.take(7).enumerate() {
        execute::<Application>(&house, application, &n.to_string(), wish).await;
    }
    let soon = async |what: &str, done: &dyn Fn(&Account, &Application) -> bool| {
        for _ in 0..600 {
            let (account, application) = (look::<Account>(&house, account).await, look::<Application>(&house, application).await);
            if done(&account, &application) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never: {what}");
    };
    soon("charged", &|account, _| account.receivable().open_items().count() == 1).await;
    let pay = account::RecordPayment { external_reference: Code::new("R-1").unwrap(), ..accounts::record_payment(1, 508_875) };
    execute::<Account>(&house, account, "pay", pay.into()).await;
    soon("paid", &|_, application| application.status() == Some(application::Status::FeePaid)).await;
    let cancel = json!({ "applicationId": application.to_string(), "reason": "sold the land" });
    let answer = wish(&house, "cancelApplication", "cancel", &cancel);
    assert!(answer["data"]["cancelApplication"].is_object(), "{answer}");
    let note = account::CreditId::CreditNote(daftar_domain::ids::connection_refund_id(ApplicationId::new(application)));
    soon("credited", &|account, _| account.receivable().credit(note).is_some_and(|credit| credit.left.minor == 508_875)).await;
    let events: Vec<_> = house.app.engine.store().read_all(None, Scope::billing()).try_collect().await.unwrap();
    let mut books = TrialBalance::default();
    for stored in events {
        if let Some(journal) = post(&stored.decode_billing().unwrap()).unwrap() {
            books.post(&journal);
        }
    }
    let at = |account| books.balance(account, Currency::SAR);
    assert_eq!((at(LedgerAccount::ConnectionFees), at(LedgerAccount::VatPayable), at(LedgerAccount::Unapplied)), (0, 0, -508_875));
    assert_eq!((books.difference(Currency::SAR), at(LedgerAccount::Receivable), at(LedgerAccount::IssuedNotCharged)), (0, 0, 0));
    let point: ServicePoint = look(&house, service_point_id(applications::PREMISES, daftar_domain::Service::Electricity).into()).await;
    assert_eq!(point.awaited(), None);
    at_the_desk.abort();
}

/// An application whose meter may go up at once, at a place of its own.
struct Ready {
    account: AccountId,
    payment: PaymentId,
    application: ApplicationId,
    premises: PremisesId,
    meter: MeterId,
}

fn id(round: u128, what: u128) -> Uuid {
    Uuid::from_u128(0x7ACE_0000_0000_0000 + round * 16 + what)
}

async fn execute<D: Decider>(house: &House, of: Uuid, wish: &str, command: D::Command)
where
    D::Rejection: std::error::Error + Send + Sync + 'static,
{
    let context = CommandContext::new(Actor::job("test"), wish, &of.to_string(), Utc::now());
    house.app.engine.execute::<D>(&StreamName::of::<D>(of), &context, command).await.unwrap();
}

impl Ready {
    async fn make(house: &House, round: u128) -> Self {
        let [account, payment, application, premises, meter] = [1, 2, 3, 4, 5].map(|what| id(round, what));
        let account::Event::AccountOpened(opened) = accounts::opened() else { panic!("it opens") };
        let account::AccountOpened { number, holder_name, class, currency, language, opened_on, .. } = opened;
        let account_id = AccountId::new(account);
        let open = account::OpenAccount { account_id, number, holder_name, class, currency, language, opened_on };
        execute::<Account>(house, account, "open", account::Command::OpenAccount(open)).await;
        let invoice_id = connection_invoice_id(ApplicationId::new(application));
        let charge = account::ChargeAccount {
            invoice_id,
            kind: account::ChargeKind::ConnectionFee,
            ..accounts::charge(accounts::ChargeOf::default())
        };
        execute::<Account>(house, account, "charge", charge.into()).await;
        let pay = account::RecordPayment {
            payment_id: PaymentId::new(payment),
            external_reference: Code::new(format!("R-{round}")).unwrap(),
            ..accounts::record_payment(1, 11_500)
        };
        execute::<Account>(house, account, "pay", pay.into()).await;
        let premises::Command::RegisterPremises(register) = premises::example::register() else { panic!("a place") };
        let register = premises::RegisterPremises { premises_id: PremisesId::new(premises), ..register };
        execute::<Premises>(house, premises, "register", premises::Command::RegisterPremises(register)).await;
        let submit =
            application::SubmitApplication { application_id: ApplicationId::new(application), account_id, ..applications::submit() };
        let wishes = applications::to_the_end(applications::sealed(2)).into_iter().map(|wish| match wish {
            application::Command::InspectSite(inspect) => {
                application::Command::InspectSite(application::InspectSite { premises_id: PremisesId::new(premises), ..inspect })
            }
            application::Command::ScheduleInstallation(wish) => {
                application::Command::ScheduleInstallation(ScheduleInstallation { planned_on: wish.on, ..wish })
            }
            other => other,
        });
        let wishes = [application::Command::SubmitApplication(submit)].into_iter().chain(wishes).take(9);
        for (n, wish) in wishes.enumerate() {
            execute::<Application>(house, application, &n.to_string(), wish).await;
        }
        let service = daftar_domain::Service::Electricity;
        let keep = AwaitConnection { application_id: ApplicationId::new(application), premises_id: PremisesId::new(premises), service };
        let point = service_point_id(PremisesId::new(premises), service);
        execute::<ServicePoint>(house, point.into(), "keep", agreement::Command::AwaitConnection(keep)).await;
        let device = meter::Device { meter_id: MeterId::new(meter), ..meter::example::device() };
        let register = meter::RegisterMeter { device, registered_on: applications::day("2024-01-01") };
        execute::<Meter>(house, meter, "register", meter::Command::RegisterMeter(register)).await;
        Self {
            account: account_id,
            payment: PaymentId::new(payment),
            application: ApplicationId::new(application),
            premises: PremisesId::new(premises),
            meter: MeterId::new(meter),
        }
    }
}

const ROUNDS: u128 = 100;

/// The payment is taken back while the installer confirms: either the meter hangs, and was let up before the money went; or it does not, and
/// nothing says that it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_taken_back_meets_the_installer() {
    let house = Arc::new(House::build(Way::Postgres).await);
    let (mut up, mut kept_down) = (0, 0);
    for round in 0..ROUNDS {
        let ready = Ready::make(&house, round).await;
        let install = json!({
            "meterId": ready.meter.to_string(), "place": { "premisesId": ready.premises.to_string(), "service": "ELECTRICITY" },
            "on": "2024-03-12", "breaker": { "number": "B-1", "amps": 60 }, "seals": [{ "number": format!("S-{round}"), "place": "cover" }],
            "readings": [dial("0", "2024-03-12")],
        });
        let reverse = json!({ "accountId": ready.account.to_string(), "paymentId": ready.payment.to_string(), "cause": "BOUNCED",
            "on": "2024-04-02", "reason": "no funds" });
        let ask = |mutation: &'static str, input: Value, wait: u64| {
            let house = house.clone();
            spawn_blocking(move || {
                std::thread::sleep(Duration::from_micros(wait));
                wish(&house, mutation, &format!("{mutation} {round}"), &input)
            })
        };
        // Now one is earlier, now the other.
        let lead = u64::try_from(round % 20).unwrap() * 400;
        let (first, second) = if round % 2 == 0 { (lead, 0) } else { (0, lead) };
        let (installed, reversed) = tokio::join!(ask("installMeter", install, first), ask("reversePayment", reverse, second));
        let (installed, reversed) = (installed.unwrap(), reversed.unwrap());
        assert!(reversed["data"]["reversePayment"].is_object(), "{reversed}");
        let facts = facts(&house, ready.account).await;
        let at = |name: &str| facts.iter().position(|fact| fact == name);
        let point: ServicePoint = look(&house, service_point_id(ready.premises, daftar_domain::Service::Electricity).into()).await;
        let meter: Meter = look(&house, ready.meter.into()).await;
        if installed["data"]["installMeter"].is_object() {
            up += 1;
            assert!(at("ConnectionCleared") < at("PaymentReversed"), "{round}: {facts:?}");
            assert_eq!((point.meter(), meter.status()), (Some(ready.meter), Ok(meter::Status::Installed)), "{round}");
        } else {
            kept_down += 1;
            assert_eq!(installed["errors"][0]["extensions"]["code"], "CONNECTION_FEE_UNPAID", "{round}: {installed}");
            assert_eq!((at("ConnectionCleared"), at("MeterFitted")), (None, None), "{round}: {facts:?}");
            assert_eq!((point.meter(), meter.status()), (None, Ok(meter::Status::InStock)), "{round}");
            assert_eq!(point.awaited(), Some(ready.application));
        }
    }
    println!("{up} went up and {kept_down} did not");
    assert!(up > 0 && kept_down > 0, "{up} went up and {kept_down} did not: they never met");
}

async fn facts(house: &House, account_id: AccountId) -> Vec<String> {
    let stored: Vec<_> = house.app.engine.store().read(&StreamName::of::<Account>(account_id), 0).try_collect().await.unwrap();
    stored.into_iter().map(|stored| stored.event_type).collect()
}

async fn look<D: Decider + Clone>(house: &House, of: Uuid) -> D
where
    D::Rejection: std::error::Error + Send + Sync + 'static,
{
    house.app.engine.look::<D>(&StreamName::of::<D>(of)).await.unwrap()
}
