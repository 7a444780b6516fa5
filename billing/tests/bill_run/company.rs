//! A made-up company and its customers, made by real commands.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{
    Actor, BillingEvent, Code, Currency, Decider, Money, Recorded, Sealed, SealedFor, Service, StreamName,
    account::{self, Account, AccountNumber, CustomerClass, Language, OpenAccount, RecordPayment, Tender},
    agreement::{self, Agreement, AttachMeter, ServicePoint, StartAgreement},
    bill_run::{Filter, Plan},
    ids::{AccountId, AgreementId, MeterId, PaymentId, PremisesId, ReadCycleId, ReadingId, ServicePointId, service_point_id},
    invoice::{Dates, VatReasons, example::heading},
    ledger::{self, TrialBalance},
    meter::{self, Breaker, InstallMeter, Meter, Reading, ReadingContext, ReadingKind, RecordReading, RegisterMeter, Seal},
    policy::{self, Wish},
    premises::{self, Premises, PremisesFacts, RegisterPremises},
    rating::Rounding,
    register::Numbering,
    tariff::{self, PublishTariff, Tariff, TariffSeries},
};
use daftar_projections::{Feed, Model, Runner, Stopped, contents, migrate};
use daftar_store::{CommandContext, Engine, EventReader, EventWriter, Outcome, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use sqlx::{Connection, PgConnection, PgPool, migrate::MigrateError};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A database with the read models' tables and nothing in them.
pub async fn database() -> (TestDatabase, PgPool) {
    let prepare = async |url: &str| -> Result<(), MigrateError> { migrate(&mut PgConnection::connect(url).await?).await };
    let database = test_database(&contents(), prepare).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    (database, pool)
}

/// Keeps what bill runs read, as a process of its own would.
pub fn project(log: Arc<dyn EventReader>, pool: &PgPool) -> JoinHandle<Stopped> {
    project_model(daftar_billing::bill_run::NEEDS, log, pool)
}

pub fn project_model(model: Model, log: Arc<dyn EventReader>, pool: &PgPool) -> JoinHandle<Stopped> {
    tokio::spawn(Runner::new(model, Feed::new(log), (*pool.connect_options()).clone()).run())
}

/// One of so many customers, by a number from 1.
#[derive(Clone, Copy, Debug)]
pub struct Customer(pub u128);

impl Customer {
    pub fn account_id(self) -> AccountId {
        AccountId::new(self.id("account"))
    }

    pub fn meter_id(self) -> MeterId {
        MeterId::new(self.id("meter"))
    }

    pub fn reading_id(self, on: &str) -> ReadingId {
        ReadingId::new(self.id(on))
    }

    pub fn agreement_id(self) -> AgreementId {
        AgreementId::new(self.id("agreement"))
    }

    pub fn service_point_id(self) -> ServicePointId {
        service_point_id(self.premises_id(), Service::Electricity)
    }

    fn premises_id(self) -> PremisesId {
        PremisesId::new(self.id("premises"))
    }

    fn id(self, what: &str) -> Uuid {
        Uuid::new_v5(&Uuid::from_u128(self.0), what.as_bytes())
    }
}

/// Prints the prices: 0.18 up to 6,000 kWh and 0.30 above, and 30.00 for the meter.
pub async fn tariff(engine: &Engine) {
    tariff_with(engine, "homes", r#""surcharges":[]"#).await;
}

/// The same under another name, and with these terms besides.
pub async fn tariff_with(engine: &Engine, series: &str, besides: &str) {
    let terms = r#"{"code":"SERIES-2026","series":"SERIES","service":"electricity","class":"residential","currency":"SAR",
        "effectiveFrom":"2026-01-01","period":{"normalDays":30,"toleranceDays":3},"vat":{"category":"S","rate":"0.15"},
        "brackets":[{"upTo":null,"fee":"0","segments":[{"width":"6000","price":"0.18"},{"width":null,"price":"0.30"}]}],
        "fixedCharges":[{"code":"meter-fee","amount":"30","per":"period"}],BESIDES,"midPeriodChange":"prorate"}"#;
    let tariff: Tariff = terms.replace("SERIES", series).replace("BESIDES", besides).parse().unwrap();
    let stream = TariffSeries::stream(tariff.series());
    engine.execute::<TariffSeries>(&stream, &context("tariff"), tariff::Command::PublishTariff(PublishTariff { tariff })).await.unwrap();
}

/// Customers from 1 to `count`: supplied since 30 September 2026 and read on 31 October.
pub async fn customers(engine: &Engine, count: u128) {
    stream::iter(1..=count).map(Customer).for_each_concurrent(64, |customer| supplied(engine, customer, "homes")).await;
    stream::iter(1..=count).map(Customer).for_each_concurrent(64, |customer| read(engine, customer, "2026-10-31", usage(customer))).await;
}

/// What a customer uses in a month.
pub fn usage(customer: Customer) -> u64 {
    u64::try_from(customer.0 * 37 % 1_900).unwrap()
}

pub async fn supplied(engine: &Engine, customer: Customer, series: &str) {
    let (account_id, premises_id, meter_id) = (customer.account_id(), customer.premises_id(), customer.meter_id());
    let (on, service) = (day("2026-09-30"), Service::Electricity);
    let key = customer.0.to_string();
    let opening = OpenAccount {
        account_id,
        number: AccountNumber::new(&key).unwrap(),
        holder_name: Sealed::new(SealedFor::Contact, vec![1; 24], [1; 16]),
        class: CustomerClass::Residential,
        currency: Currency::SAR,
        language: Language::Arabic,
        opened_on: on,
    };
    ask::<Account>(engine, account_id, &key, account::Command::OpenAccount(opening)).await;
    let facts = PremisesFacts { dwellings: std::num::NonZeroU32::MIN, breaker_amps: Some(60), load_kva: None, area: code("RUH-07") };
    let address = Sealed::new(SealedFor::Contact, vec![2; 48], [2; 16]);
    let register = RegisterPremises { premises_id, address, facts, registered_on: on };
    ask::<Premises>(engine, premises_id, &key, premises::Command::RegisterPremises(register)).await;
    let place = service_point_id(premises_id, service);
    let attach = AttachMeter { premises_id, service, meter_id, on };
    ask::<ServicePoint>(engine, place, &format!("{key}/meter"), agreement::Command::AttachMeter(attach)).await;
    let agreement = Agreement {
        agreement_id: customer.agreement_id(),
        account_id,
        premises_id,
        service,
        tariff_series: code(series),
        read_cycle_id: ReadCycleId::new(Uuid::from_u128(1)),
        from: on,
    };
    let start = agreement::Command::StartAgreement(StartAgreement { agreement });
    ask::<ServicePoint>(engine, place, &format!("{key}/agreement"), start).await;
    let device = meter::Device { meter_id, serial: code(&key), ..meter::example::device() };
    let register = meter::Command::RegisterMeter(RegisterMeter { device, registered_on: on });
    ask::<Meter>(engine, meter_id, &format!("{key}/register"), register).await;
    let install = InstallMeter {
        premises_id,
        account_id,
        service,
        on,
        breaker: Breaker { number: code("B-1"), amps: 60 },
        seals: vec![Seal { number: code("S-1"), place: code("cover") }],
        initial_reads: vec![reading(customer, "2026-09-30", 0, ReadingKind::Initial)],
        reserved_for: None,
        replaces: None,
        context: judged(),
    };
    ask::<Meter>(engine, meter_id, &format!("{key}/install"), meter::Command::InstallMeter(install)).await;
}

/// The dial shows this on a day.
pub async fn read(engine: &Engine, customer: Customer, on: &str, value: u64) {
    let ReadingContext { received_at, validation, true_up } = judged();
    let reading = reading(customer, on, value, ReadingKind::Manual);
    let key = format!("{}/{on}", customer.0);
    let wish = RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up };
    ask::<Meter>(engine, customer.meter_id(), &key, meter::Command::RecordReading(wish)).await;
}

pub async fn pay(engine: &Engine, customer: Customer, minor: i64) {
    let wish = RecordPayment {
        payment_id: PaymentId::new(customer.id("payment")),
        external_reference: code(&format!("receipt-{}", customer.0)),
        tender: Tender::Cash,
        channel: code("till"),
        session: None,
        amount: Money::new(minor, Currency::SAR),
        received_at: noon("2026-10-15"),
        value_on: day("2026-10-15"),
        directed: vec![],
        policy: None,
    };
    ask::<Account>(engine, customer.account_id(), &format!("{}/pay", customer.0), account::Command::RecordPayment(wish)).await;
}

pub fn plan() -> Plan {
    Plan {
        cycle: code("2026-10"),
        cut_off: day("2026-11-01"),
        filter: Filter::default(),
        tariffs: vec![code("homes-2026")],
        dates: Dates::new(day("2026-11-01"), day("2026-11-16")).unwrap(),
        numbering: Numbering { register: code("RUH"), series: code("INV") },
        seller: heading().seller,
        vat_reasons: VatReasons::new(),
        rounding: Rounding::default(),
        held_above: Some("3".parse().unwrap()),
    }
}

/// Every fact of the books, in order.
pub async fn facts(log: &dyn EventReader) -> Vec<Recorded<BillingEvent>> {
    log.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
}

/// What facts ask of accounts, asked as the policies would.
pub async fn charge_what_is_issued(engine: &Engine, facts: &[Recorded<BillingEvent>]) {
    for request in facts.iter().filter_map(policy::request) {
        let policy::Request { command_id, stream, wish: Wish::Account(command), .. } = request else { continue };
        let context = CommandContext { command_id, ..context("policy") };
        engine.execute::<Account>(&stream, &context, *command).await.unwrap();
    }
}

pub fn trial_balance(facts: &[Recorded<BillingEvent>]) -> TrialBalance {
    let mut balance = TrialBalance::default();
    facts.iter().filter_map(|fact| ledger::post(fact).unwrap()).for_each(|journal| balance.post(&journal));
    balance
}

pub async fn ask<D: Decider>(engine: &Engine, id: impl Into<Uuid>, key: &str, wish: D::Command) -> Outcome<D::Event> {
    engine.execute::<D>(&StreamName::of::<D>(id), &context(key), wish).await.unwrap()
}

pub fn context(key: &str) -> CommandContext {
    CommandContext::new(Actor::job("test"), "prepare", key, noon("2026-10-31"))
}

pub fn engine(log: impl EventWriter) -> Engine {
    Engine::new(Arc::new(log))
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

fn noon(on: &str) -> DateTime<Utc> {
    meter::example::instant(on, 12)
}

fn judged() -> ReadingContext {
    ReadingContext { received_at: noon("2027-12-31"), ..meter::example::context() }
}

fn reading(customer: Customer, on: &str, value: u64, kind: ReadingKind) -> Reading {
    let reading_id = customer.reading_id(on);
    Reading { reading_id, register: meter::example::register().code, kind, value: value.into(), taken_on: day(on), taken_at: noon(on) }
}
