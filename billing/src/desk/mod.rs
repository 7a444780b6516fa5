//! The billing desk: what facts ask for that takes the company's terms. A closed repair becomes an invoice and its deposit pays it, a part's
//! new price reaches the open estimates, an account pays in the order of its class, and the fee of a new connection is billed, heard of when it
//! is paid, and given back.
//!
//! It follows the log from where it had come to, for ever, and each thing that it asks has an id that follows from the event: seen again
//! after a crash, it is found done. What an aggregate refuses is recorded, and the desk goes on.

mod connections;
mod repairs;

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, BillingPeriod, Decider, Recorded, StreamName,
    account::{Account, ChooseAllocationPolicy, CustomerClass},
    application::Application,
    ids::{AccountId, InvoiceId},
    invoice::{self, ApproveInvoice, Buyer, Draft, DraftInvoice, Heading, Invoice, TaxForm},
    part::Part,
    policy::{self, Errand},
    repair::Repair,
};
use daftar_store::{CommandContext, Engine, ExecuteError};
use sqlx::PgPool;

use crate::{
    Terms,
    follower::{self, Duty, Interruption, Stopped},
    refusals,
    rows::Rows,
};

/// Any number of processes may run it; one of them works.
///
/// It needs the company's terms: without them nobody has said who sells. Until they are said nothing is billed, and nothing is forgotten.
#[derive(Clone, Debug)]
pub struct Desk {
    engine: Engine,
    rows: Rows,
    terms: Terms,
}

impl Desk {
    pub fn new(engine: Engine, read_models: PgPool, terms: Terms) -> Self {
        Self { engine, rows: Rows::new(read_models), terms }
    }

    /// Until an event comes that cannot be read; whatever else fails is tried again.
    pub async fn keep(&self) -> Stopped {
        follower::follow(self, &self.engine, &self.rows.db.connect_options()).await
    }

    /// Drafts and approves; the policies number, issue and charge. What is there already was made of this bill: perhaps on other terms, and those
    /// are not changed.
    async fn bill(&self, drafting: &CommandContext, bill: Bill, draft: Result<Draft, String>) -> Result<(), Interruption> {
        use invoice::Rejection::{AlreadyApproved, AlreadyIssued, Discarded, InvoiceIdReused};
        let Bill { invoice_id, account_id, on } = bill;
        let stream = StreamName::of::<Invoice>(invoice_id);
        let draft = match draft {
            Ok(draft) => draft,
            Err(reason) => return refusals::refused(&self.engine, drafting, &stream, &reason).await,
        };
        let approving = CommandContext { command_id: policy::request_id(drafting.command_id, "approve"), ..drafting.clone() };
        let approve = ApproveInvoice { dates: self.terms.dates(on), numbering: self.terms.numbering.clone() };
        let steps = [
            (drafting, invoice::Command::DraftInvoice(DraftInvoice { invoice_id, account_id, draft, check: None })),
            (&approving, invoice::Command::ApproveInvoice(approve)),
        ];
        for (context, command) in steps {
            match self.engine.execute::<Invoice>(&stream, context, command).await {
                Ok(_)
                | Err(
                    ExecuteError::IdempotencyKeyReused { .. }
                    | ExecuteError::Rejected(AlreadyApproved | AlreadyIssued | Discarded | InvoiceIdReused),
                ) => {}
                Err(ExecuteError::Rejected(rejection)) => {
                    return refusals::refused(&self.engine, context, &stream, &rejection.to_string()).await;
                }
                Err(error) => return Err(Interruption::Execution(error.into())),
            }
        }
        Ok(())
    }

    /// What an invoice to this account says at its head, for what was done on a day.
    fn heading(&self, account: &Account, on: NaiveDate) -> Result<Heading, String> {
        let supplied = on.succ_opt().and_then(|next| BillingPeriod::new(on, next).ok()).ok_or("the day has no next")?;
        let buyer = Buyer::of(account);
        Ok(Heading { form: TaxForm::for_buyer(buyer.as_ref(), account, on), seller: self.terms.seller.clone(), buyer, supplied })
    }

    /// Where every class pays alike nobody is asked.
    async fn choose_allocation_policy(&self, fact: &Recorded<BillingEvent>, class: CustomerClass) -> Result<(), Interruption> {
        const NAME: &str = "chooseAllocationPolicy";
        let Some(policy) = self.terms.allocation_policy(class) else { return Ok(()) };
        let context = self.context(fact, NAME, policy::request_id(fact.id, NAME));
        refusals::ask::<Account>(&self.engine, &context, &fact.stream, ChooseAllocationPolicy { policy }.into()).await
    }

    async fn look<D: Decider + Clone>(&self, id: impl Into<uuid::Uuid>) -> Result<D, Interruption>
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        self.engine.look::<D>(&StreamName::of::<D>(id)).await.map_err(|error| Interruption::Execution(error.into()))
    }

    fn context(&self, fact: &Recorded<BillingEvent>, name: &str, command_id: uuid::Uuid) -> CommandContext {
        follower::because_of(&self.engine, fact, name, command_id)
    }
}

impl Duty for Desk {
    const NAME: &'static str = "desk";
    const CATEGORIES: &'static [&'static str] =
        &[Account::CATEGORY, Application::CATEGORY, Invoice::CATEGORY, Part::CATEGORY, Repair::CATEGORY];

    async fn carry_out(&self, facts: Vec<Recorded<BillingEvent>>) -> Result<(), Interruption> {
        for fact in &facts {
            match policy::errand(&fact.event) {
                Some(Errand::Bill(bill, on)) => self.bill_repair(fact, bill, on).await?,
                Some(Errand::ApplyDeposits(charged)) => self.apply_deposits(fact, charged).await?,
                Some(Errand::CarryPrice(changed)) => self.carry_price(fact, changed).await?,
                Some(Errand::ChooseAllocationPolicy(class)) => self.choose_allocation_policy(fact, class).await?,
                None => self.hear_of_connections(fact).await?,
            }
        }
        Ok(())
    }
}

/// Whose invoice it is, and when it is made.
struct Bill {
    invoice_id: InvoiceId,
    account_id: AccountId,
    on: NaiveDate,
}
