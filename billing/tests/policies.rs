//! What facts ask of other streams is done, once, whatever happens to whoever does it.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use daftar_billing::{migrator, policies, policies::Policies};
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::{
    Actor, BillingEvent, Currency, Decider, Recorded, StreamName,
    account::{self, Account, example as accounts},
    ids::{AccountId, InvoiceId},
    invoice::{self, Invoice, IssueAtOnce, Status, example as invoices},
    policy::RefusedRequest,
    register,
};
use daftar_store::{CommandContext, Engine, EventReader, Memory, Scope, log::Log};
use futures::TryStreamExt;
use sqlx::PgPool;
use tokio::{task::JoinHandle, time::timeout};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

struct Office {
    log: Log,
    engine: Engine,
    pool: PgPool,
    _database: TestDatabase,
}

impl Office {
    async fn open() -> Self {
        let contents: String = migrator().iter().map(|migration| format!("{:x?}", migration.checksum)).collect();
        let migrate = async |url: &str| {
            let pool = PgPool::connect(url).await.unwrap();
            // The read models' migrations make the role.
            sqlx::query(
                "DO $$ BEGIN CREATE ROLE daftar_projector NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            )
            .execute(&pool)
            .await
            .unwrap();
            migrator().run(&pool).await
        };
        let database = test_database(&contents, migrate).await;
        let (log, pool) = (Memory::log(), PgPool::connect(database.url()).await.unwrap());
        Self { engine: Engine::new(Arc::new(log.clone())), log, pool, _database: database }
    }

    fn policies(&self) -> JoinHandle<policies::Stopped> {
        // An engine of its own, as another process has.
        tokio::spawn(Policies::new(Engine::new(Arc::new(self.log.clone())), (*self.pool.connect_options()).clone()).run())
    }

    /// The account of the examples, for another id and in this currency.
    async fn account(&self, number: u128, currency: Currency) -> AccountId {
        let id = AccountId::new(Uuid::from_u128(number));
        let account::Event::AccountOpened(opened) = accounts::opened() else { panic!("it opens") };
        let account::AccountOpened { number, holder_name, class, language, opened_on, .. } = opened;
        let wish = account::OpenAccount { account_id: id, number, holder_name, class, currency, language, opened_on };
        self.execute::<Account>(id, "open", account::Command::OpenAccount(wish)).await;
        id
    }

    /// An invoice of 149.50 SAR.
    async fn invoice(&self, account_id: AccountId, number: u64) -> InvoiceId {
        let invoice_id = InvoiceId::new(Uuid::from_u128(1_000 + u128::from(number)));
        let number = register::example::number(number);
        let wish = IssueAtOnce { invoice_id, account_id, draft: invoices::draft(), dates: invoices::dates(), number };
        self.execute::<Invoice>(invoice_id, "issue", invoice::Command::IssueAtOnce(wish)).await;
        invoice_id
    }

    async fn execute<D: Decider>(&self, id: impl Into<Uuid>, wish: &str, command: D::Command)
    where
        D::Rejection: std::fmt::Debug,
    {
        let id = id.into();
        let context = CommandContext::new(Actor::job("test"), wish, &id.to_string(), Utc::now());
        self.engine.execute::<D>(&StreamName::of::<D>(id), &context, command).await.unwrap();
    }

    async fn owed(&self, id: AccountId) -> i64 {
        let account = self.engine.look::<Account>(&StreamName::of::<Account>(id)).await.unwrap();
        account.receivable().balance(Currency::SAR).minor
    }

    async fn events(&self) -> Vec<Recorded<BillingEvent>> {
        self.log.read_all(None, Scope::billing()).map_ok(|stored| stored.decode_billing().unwrap()).try_collect().await.unwrap()
    }

    /// Waits until the policies have read all that is there, and what they wrote themselves.
    async fn settled(&self) {
        let all_read = async {
            loop {
                // Asked first: what they wrote up to here is then among the events.
                let reached = policies::reached(&self.pool).await.unwrap();
                let last = self.events().await.iter().rev().find(|event| asks(&event.event)).map(|event| event.position);
                if reached >= last {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, all_read).await.expect("soon");
    }
}

fn asks(event: &BillingEvent) -> bool {
    matches!(event, BillingEvent::Account(_) | BillingEvent::Invoice(_) | BillingEvent::Payment(_) | BillingEvent::Register(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_invoice_is_charged_once_however_often_the_policies_begin_anew() {
    let office = Office::open().await;
    let account = office.account(7, Currency::SAR).await;
    office.invoice(account, 1).await;
    let policies = office.policies();
    office.settled().await;
    assert_eq!(office.owed(account).await, 14950);
    policies.abort();

    // As if the process had died before it could remember.
    let events = office.events().await.len();
    sqlx::query("DELETE FROM daftar_billing.follower WHERE name = 'policies'").execute(&office.pool).await.unwrap();
    let policies = office.policies();
    office.settled().await;
    assert_eq!((office.owed(account).await, office.events().await.len()), (14950, events));

    office.invoice(account, 2).await;
    office.settled().await;
    assert_eq!(office.owed(account).await, 29900);
    policies.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_a_fact_and_the_others_go_on() {
    let office = Office::open().await;
    let (foreign, own) = (office.account(7, Currency::KWD).await, office.account(8, Currency::SAR).await);
    office.invoice(foreign, 1).await;
    office.invoice(own, 2).await;
    let policies = office.policies();
    office.settled().await;
    assert_eq!(office.owed(own).await, 14950);
    let refusals = |events: &[Recorded<BillingEvent>]| -> Vec<String> {
        let of = |event: &Recorded<BillingEvent>| match &event.event {
            BillingEvent::RefusedRequest(daftar_domain::policy::refused::Event::RequestRefused(fact)) => {
                Some(format!("{} of {}: {}", fact.policy, fact.stream, fact.reason))
            }
            _ => None,
        };
        events.iter().filter_map(of).collect()
    };
    let expected = [format!("chargeAccount of {}: the account is in KWD, not in SAR", StreamName::of::<Account>(foreign))];
    assert_eq!(refusals(&office.events().await), expected);

    // Told again, it is the same refusal.
    policies.abort();
    sqlx::query("DELETE FROM daftar_billing.follower WHERE name = 'policies'").execute(&office.pool).await.unwrap();
    let policies = office.policies();
    office.settled().await;
    assert_eq!(refusals(&office.events().await), expected);
    assert_eq!(RefusedRequest::CATEGORY, "refused_request");
    policies.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_settles_the_invoice_and_another_process_takes_over() {
    let office = Office::open().await;
    let account = office.account(7, Currency::SAR).await;
    let invoice = office.invoice(account, 1).await;
    let (first, second) = (office.policies(), office.policies());
    office.settled().await;
    let status = async || office.engine.look::<Invoice>(&StreamName::of::<Invoice>(invoice)).await.unwrap().status();
    assert_eq!(status().await, Some(Status::Open));

    first.abort();
    let payment = accounts::record_payment(1, 14950);
    office.execute::<Account>(account, "pay", account::Command::RecordPayment(payment)).await;
    office.settled().await;
    assert_eq!(status().await, Some(Status::Paid));
    second.abort();
}

/// Between its number and its issue an invoice may be left alone by a crash. It is issued all the same, and charged.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_numbered_issued_and_charged() {
    let office = Office::open().await;
    let account = office.account(7, Currency::SAR).await;
    for n in 1..=3_u128 {
        let invoice_id = InvoiceId::new(Uuid::from_u128(n));
        let draft = invoice::DraftInvoice { invoice_id, account_id: account, draft: invoices::draft(), check: None };
        office.execute::<Invoice>(invoice_id, "draft", invoice::Command::DraftInvoice(draft)).await;
        let approve = invoice::ApproveInvoice { dates: invoices::dates(), numbering: invoices::numbering("INV") };
        office.execute::<Invoice>(invoice_id, "approve", invoice::Command::ApproveInvoice(approve)).await;
    }
    let policies = office.policies();
    office.settled().await;
    assert_eq!(office.owed(account).await, 3 * 14950);
    let mut numbers: Vec<(u64, u64)> = Vec::new();
    for event in office.events().await {
        if let BillingEvent::Invoice(invoice::Event::InvoiceIssued(fact)) = event.event {
            numbers.push((fact.number.number, fact.number.counter));
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [(1, 1), (2, 2), (3, 3)]);
    policies.abort();
}
