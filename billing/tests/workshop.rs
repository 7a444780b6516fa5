//! From a closed repair to a paid invoice, and from a part's new price to what was offered with it.

use std::sync::Arc;

use chrono::Utc;
use daftar_billing::{
    Terms,
    desk::Desk,
    follower::{self, Duty},
};
use daftar_domain::{
    Actor, BillingEvent, Currency, Decider, Reason, Recorded, StreamName,
    account::{self, Account, AllocationPolicy, CustomerClass, Reclassify, TakeDeposit, example as accounts},
    ids::{AccountId, DepositId, InvoiceId, repair_invoice_id},
    invoice::{Invoice, Status as Paid},
    ledger::{LedgerAccount, TrialBalance, post},
    part::{self, ChangePartPrice, Part, example as parts},
    policy,
    repair::{self, Coverage, NoteRepairDeposit, RecordDiagnosis, Repair, Status, example as repairs},
    stock::{self, Stock, example as stocks},
};
use daftar_projections::{Feed, MODELS, Projector, Runner, repairs::Repairs};
use daftar_store::CommandContext;
use tokio::{
    task::JoinHandle,
    time::{Duration, sleep, timeout},
};
use uuid::Uuid;

use crate::gateway::shop::{Shop, engine, sar};

const SOON: Duration = Duration::from_secs(30);

fn terms() -> Terms {
    r#"{"seller": {"name": "الدفتر", "vat_number": "310122393500003", "address": {"street": "العليا", "building": "1", "district": "العليا",
        "city": "الرياض", "postal_code": "12212", "country": "SA"}}, "numbering": {"register": "RUH", "series": "REP"}, "dueDays": 15}"#
        .parse()
        .unwrap()
}

/// Somebody at the desk, until they are sent home.
fn desk(shop: &Shop) -> JoinHandle<()> {
    desk_with(shop, terms())
}

fn desk_with(shop: &Shop, terms: Terms) -> JoinHandle<()> {
    let desk = Desk::new(engine(&shop.log), shop.pool.clone(), terms);
    tokio::spawn(async move { drop(desk.keep().await) })
}

struct Bench {
    shop: Shop,
    rows: JoinHandle<()>,
}

impl Bench {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let model = MODELS.iter().find(|model| model.name == Repairs::NAME).unwrap();
        let runner = Runner::new(*model, Feed::new(Arc::new(shop.log.clone())), (*shop.pool.connect_options()).clone());
        let rows = tokio::spawn(async { drop(runner.run().await) });
        shop.account(7, Currency::SAR).await;
        Self { shop, rows }
    }

    async fn ask<D: Decider>(&self, id: impl Into<Uuid>, key: &str, command: D::Command)
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        let context = CommandContext::new(Actor::job("test"), key, "once", Utc::now());
        self.shop.engine.execute::<D>(&StreamName::of::<D>(id), &context, command).await.unwrap();
    }

    async fn repair(&self, key: &str, command: repair::Command) {
        self.ask::<Repair>(repairs::request().repair_id, key, command).await;
    }

    async fn status(&self) -> Option<Status> {
        self.look::<Repair>(repairs::request().repair_id).await.status()
    }

    async fn look<D: Decider + Clone>(&self, id: impl Into<Uuid>) -> D
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        self.shop.engine.look::<D>(&StreamName::of::<D>(id)).await.unwrap()
    }

    async fn until(&self, what: &str, done: impl AsyncFn() -> bool) {
        let done = async {
            while !done().await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, done).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Everything that may be an errand was done, or asked for nothing.
    async fn desk_has_read_all(&self) {
        let errands = |event: &&Recorded<BillingEvent>| policy::ERRANDS.contains(&event.stream.category());
        let read_all = async || {
            // Asked first: what the desk wrote up to here is then among the events.
            let reached = follower::reached(&self.shop.pool, Desk::NAME).await.unwrap();
            let last = self.shop.events().await.iter().rfind(errands).map(|event| event.position);
            reached >= last
        };
        self.until("the desk has read all", read_all).await;
    }

    /// A compressor on the shelf that cost 300.
    async fn stocked(&self) {
        self.ask::<Part>(parts::register().part_id, "register", part::Command::RegisterPart(parts::register())).await;
        let receive = stocks::receive(1, 1, 30_000);
        let id = daftar_domain::ids::stock_id(receive.branch_id, receive.part_id);
        self.ask::<Stock>(id, "receive", stock::Command::ReceiveStock(receive)).await;
    }

    async fn requested(&self, coverage: Coverage) {
        self.repair("request", repair::Command::RequestRepair(repairs::request())).await;
        let repair::Event::DiagnosisRecorded(fact) = repairs::diagnosed(coverage) else { panic!("a diagnosis") };
        let diagnosis = RecordDiagnosis { findings: fact.findings, coverage, on: fact.on };
        self.repair("diagnose", repair::Command::RecordDiagnosis(diagnosis)).await;
    }

    async fn estimated(&self) {
        self.repair("estimate", repair::Command::EstimateRepair(repairs::estimate_it())).await;
    }

    /// From the approval, or the diagnosis under warranty, until it is closed.
    async fn worked_and_closed(&self) {
        self.repair("ask for the part", repairs::ask_part(1, 1)).await;
        self.until("the part is here", async || self.status().await == Some(Status::Approved)).await;
        self.repair("start", repairs::start()).await;
        self.repair("use", repairs::use_part(1, 1)).await;
        for name in ["finish", "pass", "deliver"] {
            let (_, wish) = repairs::wishes().into_iter().find(|(called, _)| *called == name).unwrap();
            self.repair(name, wish).await;
        }
        self.repair("close", repairs::close()).await;
    }

    /// What the books say, which balance.
    async fn books(&self) -> TrialBalance {
        let mut books = TrialBalance::default();
        for event in self.shop.events().await {
            if let Some(journal) = post(&event).unwrap() {
                books.post(&journal);
            }
        }
        assert_eq!(books.difference(Currency::SAR), 0);
        books
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.rows.abort();
    }
}

fn invoice() -> InvoiceId {
    repair_invoice_id(repairs::request().repair_id, 1)
}

fn account() -> AccountId {
    repairs::request().account_id
}

/// 862.50 as it was approved, of which 100.00 were paid ahead.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_repair_is_billed_once_and_its_deposit_pays_part_of_it() {
    let bench = Bench::open().await;
    let at_the_desk = desk(&bench.shop);
    bench.stocked().await;
    bench.requested(Coverage::Customer).await;
    bench.estimated().await;
    bench.repair("approve", repairs::wishes().into_iter().find(|(name, _)| *name == "approve").unwrap().1).await;
    let deposit_id = DepositId::new(Uuid::from_u128(72));
    let take = TakeDeposit { deposit_id, on: repairs::day(4), ..accounts::take_deposit(1, 10_000) };
    bench.shop.ask(account(), "deposit", account::Command::TakeDeposit(take)).await.unwrap();
    bench.repair("deposit", repair::Command::NoteRepairDeposit(NoteRepairDeposit { deposit_id, amount: sar(10_000) })).await;
    bench.worked_and_closed().await;

    let left = async || bench.look::<Invoice>(invoice()).await.left_to_pay();
    bench.until("the deposit has paid its part", async || left().await == Some(sar(76_250))).await;
    let pay = accounts::record_payment(1, 76_250);
    bench.shop.ask(account(), "pay", account::Command::RecordPayment(pay)).await.unwrap();
    bench.until("paid", async || bench.look::<Invoice>(invoice()).await.status() == Some(Paid::Paid)).await;

    let books = bench.books().await;
    let at = |number| books.balance(LedgerAccount::of_number(number).unwrap(), Currency::SAR);
    assert_eq!((at(4300), at(4310), at(2100)), (-30_000, -45_000, -11_250));
    assert_eq!((at(1200), at(5200)), (0, 30_000));
    assert_eq!((at(1100), at(1115), at(2200)), (0, 0, 0));

    // Whoever begins from the beginning finds everything done.
    let before = bench.shop.events().await.len();
    at_the_desk.abort();
    sqlx::query("DELETE FROM daftar_billing.follower WHERE name = 'workshop'").execute(&bench.shop.pool).await.unwrap();
    let another = desk(&bench.shop);
    bench.desk_has_read_all().await;
    assert_eq!(bench.shop.events().await.len(), before);
    another.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_under_warranty_costs_the_company_and_bills_nobody() {
    let bench = Bench::open().await;
    let at_the_desk = desk(&bench.shop);
    bench.stocked().await;
    bench.requested(Coverage::Warranty).await;
    bench.worked_and_closed().await;
    assert_eq!(bench.status().await, Some(Status::Closed));
    let part_was_used = |event: &BillingEvent| matches!(event, BillingEvent::Stock(stock::Event::StockUsed(_)));
    bench.until("its cost", async || bench.shop.events().await.iter().any(|event| part_was_used(&event.event))).await;
    bench.desk_has_read_all().await;

    let books = bench.books().await;
    let at = |number| books.balance(LedgerAccount::of_number(number).unwrap(), Currency::SAR);
    assert_eq!((at(1200), at(5210), at(4300), at(4310)), (0, 30_000, 0, 0));
    assert_eq!(bench.look::<Invoice>(invoice()).await.status(), None);
    assert_eq!(bench.look::<Account>(account()).await.receivable().balance(Currency::SAR), sar(0));
    at_the_desk.abort();
}

/// The estimate of 862.50 follows the part from 450 to 500 while nobody has taken it up: 57.50 more.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_of_a_part_reaches_the_offers_that_have_it() {
    let bench = Bench::open().await;
    let at_the_desk = desk(&bench.shop);
    bench.stocked().await;
    bench.requested(Coverage::Customer).await;
    bench.estimated().await;
    let dearer = ChangePartPrice { price: "500".parse().unwrap(), on: repairs::day(4) };
    bench.ask::<Part>(parts::register().part_id, "dearer", part::Command::ChangePartPrice(dearer)).await;
    let repriced = async || {
        bench.shop.events().await.into_iter().find_map(|event| match event.event {
            BillingEvent::Repair(repair::Event::EstimateRepriced(fact)) => Some((fact.number, fact.estimate.total)),
            _ => None,
        })
    };
    bench.until("repriced", async || repriced().await == Some((2, sar(92_000)))).await;
    assert_eq!(bench.status().await, Some(Status::Estimated));
    at_the_desk.abort();
}

/// Account 7 is residential when it is opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_pays_in_the_order_of_its_class() {
    let bench = Bench::open().await;
    let terms = r#"{"seller": {"name": "الدفتر", "address": {"street": "العليا", "building": "1", "district": "العليا", "city": "الرياض",
        "postal_code": "12212", "country": "SA"}}, "numbering": {"register": "RUH", "series": "REP"}, "dueDays": 15,
        "allocation": {"residential": "priority", "government": "proRata"}}"#;
    let at_the_desk = desk_with(&bench.shop, terms.parse().unwrap());
    let chosen = async || -> Vec<AllocationPolicy> {
        let of = |event: &Recorded<BillingEvent>| match &event.event {
            BillingEvent::Account(account::Event::AllocationPolicyChosen(fact)) => Some(fact.policy),
            _ => None,
        };
        bench.shop.events().await.iter().filter_map(of).collect()
    };
    bench.desk_has_read_all().await;
    assert_eq!(chosen().await, [AllocationPolicy::Priority]);
    let (government, industrial) = (CustomerClass::Government, CustomerClass::Industrial);
    for (key, class, now) in [("first", government, AllocationPolicy::ProRata), ("then", industrial, AllocationPolicy::OldestDue)] {
        let reclassify = Reclassify { class, effective_on: repairs::day(4), reason: Reason::new("it is another's house").unwrap() };
        bench.shop.ask(account(), key, account::Command::Reclassify(reclassify)).await.unwrap();
        bench.desk_has_read_all().await;
        assert_eq!(chosen().await.last(), Some(&now));
    }
    at_the_desk.abort();
}
