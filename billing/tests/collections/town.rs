//! Customers who do not pay, made by real commands, in a town with a clock of its own.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use daftar_billing::collections::{CollectionTerms, Collections, Desk};
use daftar_domain::{
    Actor, BillingEvent, Currency, Decider, Recorded, StreamName,
    account::{
        self, Account,
        example::{self as accounts, ChargeOf},
    },
    disconnection::{self, ApproveDisconnection, Disconnection, Stage},
    dunning::{self, AdvanceDunning, Dunning},
    ids::{AccountId, DisconnectionId, MeterId},
    meter::{self, InstallMeter, Meter, MeterKind, RegisterMeter, example as meters},
};
use daftar_store::{CommandContext, Engine, EventWriter, ExecuteError, Scope};
use futures::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

/// On Monday, 15 July 2024, at nine in Riyadh: the law allows cuts until noon.
pub const MORNING: &str = "2024-07-15T09:00:00+03:00";

pub struct Town {
    pub store: Arc<dyn EventWriter>,
    pub engine: Engine,
    pub collections: Collections,
    pub desk: Desk,
    clock: Arc<Mutex<DateTime<Utc>>>,
}

pub fn terms() -> CollectionTerms {
    let [ladder, guard, restore, plans] = [
        include_str!("../../../fixtures/collections/ladder-ksa.json"),
        include_str!("../../../fixtures/collections/guard-ksa.json"),
        include_str!("../../../fixtures/collections/restore-ksa.json"),
        include_str!("../../../fixtures/collections/plans-ksa.json"),
    ];
    serde_json::from_str(&format!(r#"{{"ladder": {ladder}, "guard": {guard}, "restore": {restore}, "plans": {plans}}}"#)).unwrap()
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Town {
    /// Whose desk keeps its place in this database, if it is kept.
    pub fn over(store: Arc<dyn EventWriter>, database: PgConnectOptions) -> Self {
        let clock = Arc::new(Mutex::new(instant(MORNING)));
        let now = Arc::clone(&clock);
        let engine = Engine::new(Arc::clone(&store)).by_clock(Arc::new(move || *now.lock().unwrap()));
        let collections = Collections::new(engine.clone(), terms(), chrono_tz::Tz::Asia__Riyadh);
        let desk = Desk::new(collections.clone(), database);
        Self { store, engine, collections, desk, clock }
    }

    pub fn it_is(&self, time: &str) {
        *self.clock.lock().unwrap() = instant(time);
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.engine.now()
    }

    /// Somebody who owes 500 riyals since 15 April and was warned in time, behind a meter of their own.
    pub async fn debtor(&self, n: u128, kind: MeterKind) -> AccountId {
        let (account_id, meter_id) = (AccountId::new(Uuid::from_u128(n)), meter_of(n));
        let account::Event::AccountOpened(opened) = accounts::opened() else { panic!("it opens") };
        let account::AccountOpened { number, holder_name, class, currency, language, opened_on, .. } = opened;
        let open = account::OpenAccount { account_id, number, holder_name, class, currency, language, opened_on };
        let device = meter::Device { meter_id, kind, serial: serial_of(n), ..meters::device() };
        let register = RegisterMeter { device, registered_on: meters::day("2024-01-01") };
        let fitted = account::NoteMeterFitted { meter_id, fitted_on: meters::day("2024-01-01") };
        let charge = accounts::charge(ChargeOf { n, minor: 50_000, due: "2024-04-15", ..ChargeOf::default() });
        self.ask::<Account>(account_id, account::Command::OpenAccount(open)).await;
        self.ask::<Meter>(meter_id, meter::Command::RegisterMeter(register)).await;
        self.ask::<Meter>(meter_id, meter::Command::InstallMeter(InstallMeter { account_id, ..meters::install() })).await;
        self.ask::<Account>(account_id, account::Command::NoteMeterFitted(fitted)).await;
        self.ask::<Account>(account_id, account::Command::ChargeAccount(charge)).await;
        account_id
    }

    /// Leads a debtor up the ladder, to its request for a cut.
    pub async fn warned(&self, account_id: AccountId) {
        for day in ["2024-05-15", "2024-06-10", "2024-06-14"] {
            let account = self.engine.look::<Account>(&StreamName::of::<Account>(account_id)).await.unwrap();
            let debt = account.receivable().debt(Currency::SAR);
            let wish = AdvanceDunning { account_id, day: meters::day(day), debt, ladder: terms().ladder };
            self.ask::<Dunning>(account_id, dunning::Command::AdvanceDunning(wish)).await;
        }
    }

    /// A debtor with an order that is planned for this moment.
    pub async fn ordered(&self, n: u128, kind: MeterKind) -> (AccountId, DisconnectionId) {
        let account_id = self.debtor(n, kind).await;
        self.warned(account_id).await;
        self.desk_works().await;
        let order = self.orders_of(account_id).await.pop().expect("the desk has raised an order");
        self.plan(order).await;
        (account_id, order)
    }

    pub async fn plan(&self, order: DisconnectionId) {
        let at = self.collections.moment(self.now());
        self.ask_order(order, disconnection::Command::ApproveDisconnection(ApproveDisconnection { at })).await.unwrap();
        let schedule = self.collections.schedule(order, at, at).await.unwrap();
        self.ask_order(order, schedule).await.unwrap();
    }

    pub async fn pay(&self, account_id: AccountId, minor: i64) {
        self.ask::<Account>(account_id, accounts::record_payment(1, minor).into()).await;
    }

    /// What the desk and the policies have to do, done until nothing is left.
    pub async fn desk_works(&self) {
        self.desk.carry_out(None).await.unwrap();
        daftar_billing::policies::carry_out(&self.engine, None).await.unwrap();
    }

    pub async fn ask<D: Decider>(&self, id: impl Into<Uuid>, command: D::Command)
    where
        D::Rejection: std::error::Error,
    {
        let id = id.into();
        let key = format!("{id} {}", daftar_domain::CommandHash::of(&command));
        let context = CommandContext::new(Actor::job("town"), D::CATEGORY, &key, self.now());
        self.engine.execute::<D>(&StreamName::of::<D>(id), &context, command).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    pub async fn ask_order(&self, id: DisconnectionId, command: disconnection::Command) -> Result<(), disconnection::Rejection> {
        let context = CommandContext::new(Actor::job("town"), "order", &Uuid::new_v4().to_string(), self.now());
        match self.engine.execute::<Disconnection>(&StreamName::of::<Disconnection>(id), &context, command).await {
            Ok(_) => Ok(()),
            Err(ExecuteError::Rejected(rejection)) => Err(rejection),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn stage(&self, id: DisconnectionId) -> Option<Stage> {
        self.engine.look::<Disconnection>(&StreamName::of::<Disconnection>(id)).await.unwrap().stage()
    }

    pub async fn events(&self) -> Vec<Recorded<BillingEvent>> {
        self.store.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
    }

    pub async fn orders_of(&self, account_id: AccountId) -> Vec<DisconnectionId> {
        let request = |event: Recorded<BillingEvent>| match event.event {
            BillingEvent::Disconnection(disconnection::Event::DisconnectionRequested(fact)) if fact.account_id == account_id => {
                Some(fact.disconnection_id)
            }
            _ => None,
        };
        self.events().await.into_iter().filter_map(request).collect()
    }

    async fn facts(&self, id: DisconnectionId) -> Vec<Recorded<BillingEvent>> {
        let stream = self.store.read(&StreamName::of::<Disconnection>(id), 0);
        stream.map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
    }

    /// The names of an order's events, in order.
    pub async fn story(&self, id: DisconnectionId) -> Vec<&'static str> {
        self.facts(id).await.iter().map(|event| event.event.event_type()).collect()
    }

    /// The last fact of an order with this name, as it is on disk.
    pub async fn fact(&self, id: DisconnectionId, event_type: &str) -> serde_json::Value {
        let found = self.facts(id).await.into_iter().rfind(|event| event.event.event_type() == event_type);
        serde_json::from_slice(&found.unwrap_or_else(|| panic!("no {event_type}")).event.encode()).unwrap()
    }
}

pub fn meter_of(n: u128) -> MeterId {
    MeterId::new(Uuid::from_u128(1_000_000 + n))
}

pub fn serial_of(n: u128) -> daftar_domain::Code {
    daftar_domain::Code::new(format!("M-{n}")).unwrap()
}
