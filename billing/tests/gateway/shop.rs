//! An engine that takes payments, a simulated gateway that it reaches over HTTP, and the door at which that calls back.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use chrono::{DateTime, Utc};
use daftar_billing::{
    gateway::{
        Begun, Gateways, Link, NewPayment, PaymentGateway, Payments, Secret, StartError, Terms,
        simulated::{
            self, Simulated,
            process::{self, Act, Mood, Options, Told, Verdict},
        },
        webhook,
    },
    migrator,
    policies::{self, Policies},
};
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{
    Actor, BillingEvent, Code, Currency, Money, Recorded, StreamName,
    account::{self, Account, CreditId, RefundCredit, Tender, example as accounts},
    ids::{AccountId, PaymentId, RefundId},
    payment::{Payment, State},
};
use daftar_projections::{
    Feed, MODELS, Projector, Readable, Runner, contents, invoices::Invoices, migrate, payments::Payments as PaymentsModel,
};
use daftar_store::{CommandContext, Engine, EventReader, EventWriter, Memory, Scope, log::Log};
use daftar_tests::http::{self, Answer};
use futures::TryStreamExt;
use serde::Serialize;
use sqlx::{Connection, PgConnection, PgPool, migrate::MigrateError};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

/// Less than a person would give a gateway, so that silence is short.
const PATIENCE: Duration = Duration::from_millis(400);

pub struct Shop {
    pub log: Log,
    pub engine: Engine,
    pub payments: Payments,
    pub pool: PgPool,
    pub gateway: SocketAddr,
    pub door: SocketAddr,
    readable: Readable,
    _parts: JoinSet<()>,
    _database: TestDatabase,
}

pub fn secret() -> Secret {
    Secret::new("what the engine and its gateway know").unwrap()
}

fn gateways(gateway: SocketAddr) -> Gateways {
    let link = Link::new(&format!("http://{gateway}"), secret(), PATIENCE).unwrap();
    Gateways::new([(simulated::name(), Arc::new(Simulated::new(link, secret())) as Arc<dyn PaymentGateway>)])
}

pub fn engine(log: &Log) -> Engine {
    Engine::new(Arc::new(log.clone()))
}

impl Shop {
    pub async fn open() -> Self {
        let (log, mut parts) = (Memory::log(), JoinSet::new());
        let tables = contents() + &checksums();
        let database = test_database(&tables, async |url: &str| -> Result<(), MigrateError> {
            let mut db = PgConnection::connect(url).await?;
            migrate(&mut db).await?;
            migrator().run(&mut db).await
        });
        let database = database.await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let (gateway_listener, door_listener) = (listen().await, listen().await);
        let (gateway, door) = (gateway_listener.local_addr().unwrap(), door_listener.local_addr().unwrap());
        let callback = Link::new(&format!("http://{door}/webhooks/payments/simulated"), secret(), Duration::from_secs(10)).unwrap();
        let serving = process::serve(gateway_listener, Options { callback, secret: secret() }, std::future::pending());
        parts.spawn(async { serving.await.unwrap() });
        let payments = Payments::new(engine(&log), gateways(gateway), Terms::default());
        let router: Router = webhook::router(payments.clone());
        parts.spawn(async { axum::serve(door_listener, router).await.unwrap() });
        let feed = Feed::new(Arc::new(log.clone()));
        for model in MODELS.iter().filter(|model| [PaymentsModel::NAME, Invoices::NAME].contains(&model.name)) {
            let runner = Runner::new(*model, Arc::clone(&feed), (*pool.connect_options()).clone());
            parts.spawn(async { drop(runner.run().await) });
        }
        let policies = Policies::new(engine(&log), (*pool.connect_options()).clone());
        parts.spawn(async { drop(policies.run().await) });
        let readable = Readable::listen(pool.clone());
        Self { engine: engine(&log), log, payments, pool, gateway, door, readable, _parts: parts, _database: database }
    }

    /// The same payments as another process would have them, over a log of its own choosing.
    pub fn payments_over(&self, log: Arc<dyn EventWriter>) -> Payments {
        Payments::new(Engine::new(log), gateways(self.gateway), Terms::default())
    }

    pub async fn account(&self, number: u128, currency: Currency) -> AccountId {
        let id = AccountId::new(Uuid::from_u128(number));
        let account::Event::AccountOpened(opened) = accounts::opened() else { panic!("it opens") };
        let account::AccountOpened { number, holder_name, class, language, opened_on, .. } = opened;
        let wish = account::OpenAccount { account_id: id, number, holder_name, class, currency, language, opened_on };
        self.ask(id, "open", account::Command::OpenAccount(wish)).await.unwrap();
        id
    }

    pub async fn ask(&self, id: AccountId, key: &str, command: account::Command) -> Result<(), account::Rejection> {
        let context = CommandContext::new(Actor::job("test"), key, &id.to_string(), Utc::now());
        match self.engine.execute::<Account>(&StreamName::of::<Account>(id), &context, command).await {
            Ok(_) => Ok(()),
            Err(daftar_store::ExecuteError::Rejected(rejection)) => Err(rejection),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn start(&self, account_id: AccountId, key: &str, amount: Money) -> Result<Begun, StartError> {
        self.payments.start(&context(key), wish(account_id, amount)).await
    }

    /// Sets the gateway's mood.
    pub async fn is(&self, mood: Mood) {
        assert_eq!(self.post("/control", &mood).await.status, 204);
    }

    /// Makes something happen to a payment, and waits until it was told.
    pub async fn happens(&self, payment_id: PaymentId, act: Act) -> Vec<u16> {
        let answer = self.post(&format!("/control/{payment_id}"), &act).await;
        serde_json::from_str::<Told>(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}")).answers
    }

    pub async fn verdict(&self, payment_id: PaymentId, verdict: Verdict) -> Vec<u16> {
        self.happens(payment_id, Act { verdict: Some(verdict), ..Act::default() }).await
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        let (gateway, path, body) = (self.gateway, path.to_owned(), serde_json::to_string(body).unwrap());
        let posted = tokio::task::spawn_blocking(move || http::post(gateway, &path, &[("Content-Type", "application/json")], &body));
        posted.await.unwrap().unwrap()
    }

    /// A round of the scheduler at some moment, once the read model knows all that happened.
    pub async fn follow_up(&self, now: DateTime<Utc>) {
        self.settled().await;
        assert_eq!(self.payments.follow_up(&self.pool, now).await.unwrap().put_off, 0);
        self.settled().await;
    }

    pub async fn ask_again(&self, now: DateTime<Utc>) {
        self.settled().await;
        assert_eq!(self.payments.ask_again(&self.pool, now).await.unwrap().put_off, 0);
        self.settled().await;
    }

    pub async fn state(&self, payment_id: PaymentId) -> Option<State> {
        self.engine.look::<Payment>(&StreamName::of::<Payment>(payment_id)).await.unwrap().state().cloned()
    }

    /// What the account has in hand, once everything that was asked is done.
    pub async fn money(&self, id: AccountId) -> i64 {
        self.settled().await;
        let account = self.engine.look::<Account>(&StreamName::of::<Account>(id)).await.unwrap();
        -account.receivable().balance(account.currency().unwrap()).minor
    }

    pub async fn refund(&self, id: AccountId, payment_id: PaymentId, n: u128, minor: i64) -> Result<(), account::Rejection> {
        let wish = RefundCredit {
            refund_id: RefundId::new(Uuid::from_u128(n)),
            credit: CreditId::Payment(payment_id),
            amount: sar(minor),
            tender: Tender::Card,
            approved_by: Actor::user("5"),
            on: Utc::now().date_naive(),
            reason: accounts::reason("moved away"),
        };
        self.ask(id, &format!("refund {n}"), wish.into()).await
    }

    pub async fn events(&self) -> Vec<Recorded<BillingEvent>> {
        self.log.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
    }

    /// What this makes of events, in no particular order of streams.
    pub async fn told(&self, of: impl Fn(Recorded<BillingEvent>) -> Option<String>) -> Vec<String> {
        let mut told: Vec<_> = self.events().await.into_iter().filter_map(of).collect();
        told.sort();
        told
    }

    /// The names of a payment's events, in order.
    pub async fn story(&self, payment_id: PaymentId) -> Vec<&'static str> {
        let stream = StreamName::of::<Payment>(payment_id);
        self.events().await.iter().filter(|event| event.stream == stream).map(|event| event.event.event_type()).collect()
    }

    /// Why requests were refused.
    pub async fn refusals(&self) -> Vec<String> {
        let refused = |event: Recorded<BillingEvent>| match event.event {
            BillingEvent::RefusedRequest(daftar_domain::policy::refused::Event::RequestRefused(fact)) => Some(fact.reason.to_string()),
            _ => None,
        };
        self.events().await.into_iter().filter_map(refused).collect()
    }

    /// Waits until the policies have done, and the read model shows, all that is there.
    pub async fn settled(&self) {
        let last = async || {
            let asks = |event: &Recorded<BillingEvent>| {
                matches!(
                    event.event,
                    BillingEvent::Account(_) | BillingEvent::Payment(_) | BillingEvent::Invoice(_) | BillingEvent::Register(_)
                )
            };
            self.events().await.into_iter().rfind(asks).map(|event| event.position)
        };
        let all_read = async {
            loop {
                // Asked first: what the policies wrote up to here is then among the events.
                let reached = policies::reached(&self.pool).await.unwrap();
                let last = last().await;
                if reached >= last {
                    let Some(last) = last else { return };
                    assert!(self.readable.reached(PaymentsModel::NAME, last, SOON).await.unwrap());
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, all_read).await.expect("soon");
    }
}

pub fn context(key: &str) -> CommandContext {
    CommandContext::new(Actor::user("7"), "startPayment", key, Utc::now())
}

pub fn wish(account_id: AccountId, amount: Money) -> NewPayment {
    NewPayment { account_id, amount, directed: vec![], gateway: simulated::name(), least: None }
}

pub fn sar(minor: i64) -> Money {
    Money::new(minor, Currency::SAR)
}

pub fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn checksums() -> String {
    migrator().iter().map(|migration| format!("{:x?}", migration.checksum)).collect()
}
