//! The workshop's desk: a closed repair becomes an invoice, its deposit pays it, and a part's new price reaches the open estimates.
//!
//! It follows the log from where it had come to, for ever, and each thing that it asks has an id that follows from the event: seen again
//! after a crash, it is found done. What an aggregate refuses is recorded, and the desk goes on.

use chrono::NaiveDate;
use daftar_domain::{
    Actor, BillingEvent, BillingPeriod, Decider, Recorded, StreamName,
    account::{Account, AccountCharged, ApplyDeposit, ItemId},
    invoice::{self, ApproveInvoice, Buyer, Draft, DraftInvoice, Heading, Invoice, Subject, TaxForm},
    part::PartPriceChanged,
    policy::{self, Errand},
    repair::{self, Repair, RepairBill, RepricePart},
};
use daftar_projections::repairs::{Repairs, open_with_part};
use daftar_store::{CommandContext, Engine, ExecuteError};
use sqlx::PgPool;

use crate::{
    Terms,
    follower::{self, Duty, Interruption, Stopped},
    refusals::{self, Refused},
    rows::{Rows, Unread},
};

const BILL_REPAIR: &str = "billRepair";
const APPLY_DEPOSIT: &str = "applyRepairDeposit";
const CARRY_PRICE: &str = "carryPartPrice";

/// Any number of processes may run it; one of them works.
///
/// It needs the company's terms: without them nobody has said who sells. Until they are said nothing is billed, and nothing is forgotten.
#[derive(Clone, Debug)]
pub struct Workshop {
    engine: Engine,
    rows: Rows,
    terms: Terms,
}

impl Workshop {
    pub fn new(engine: Engine, read_models: PgPool, terms: Terms) -> Self {
        Self { engine, rows: Rows::new(read_models), terms }
    }

    /// Until an event comes that cannot be read; whatever else fails is tried again.
    pub async fn keep(&self) -> Stopped {
        follower::follow(self, &self.engine, &self.rows.db.connect_options()).await
    }

    /// Drafts and approves; the policies number, issue and charge.
    async fn bill(&self, fact: &Recorded<BillingEvent>, bill: &RepairBill, on: NaiveDate) -> Result<(), Interruption> {
        use invoice::Rejection::{AlreadyApproved, AlreadyIssued, InvoiceIdReused};
        let RepairBill { invoice_id, account_id, .. } = *bill;
        let drafting = self.context(fact, BILL_REPAIR, policy::request_id(fact.id, BILL_REPAIR));
        let approving = self.context(fact, BILL_REPAIR, policy::request_id(drafting.command_id, "approve"));
        let stream = StreamName::of::<Invoice>(invoice_id);
        let account = self.look::<Account>(account_id).await?;
        let repair = self.look::<Repair>(bill.repair_id).await?;
        let draft = match draft(&self.terms, &account, &repair, bill, on) {
            Ok(draft) => draft,
            Err(reason) => return self.refused(&drafting, &stream, &reason).await,
        };
        let approve = ApproveInvoice { dates: self.terms.dates(on), numbering: self.terms.numbering.clone() };
        let steps = [
            (&drafting, invoice::Command::DraftInvoice(DraftInvoice { invoice_id, account_id, draft, check: None })),
            (&approving, invoice::Command::ApproveInvoice(approve)),
        ];
        for (context, command) in steps {
            match self.engine.execute::<Invoice>(&stream, context, command).await {
                // What is there was made of this bill: perhaps on other terms, and those are not changed.
                Ok(_)
                | Err(
                    ExecuteError::IdempotencyKeyReused { .. } | ExecuteError::Rejected(AlreadyApproved | AlreadyIssued | InvoiceIdReused),
                ) => {}
                Err(ExecuteError::Rejected(rejection)) => return self.refused(context, &stream, &rejection.to_string()).await,
                Err(error) => return Err(Interruption::Execution(error.into())),
            }
        }
        Ok(())
    }

    /// What was paid ahead pays the invoice, as far as it goes; what is left of it stays the customer's.
    async fn apply_deposits(&self, fact: &Recorded<BillingEvent>, charged: &AccountCharged) -> Result<(), Interruption> {
        let invoice = self.look::<Invoice>(charged.invoice_id).await?;
        let Some(Subject::Repair { repair_id }) = invoice.issued().map(|issued| &issued.subject) else { return Ok(()) };
        let repair = self.look::<Repair>(*repair_id).await?;
        let Some(billed) = repair.billed(charged.invoice_id) else { return Ok(()) };
        for deposit_id in &billed.deposits {
            let id = policy::request_id(policy::request_id(fact.id, APPLY_DEPOSIT), &deposit_id.to_string());
            let wish = ApplyDeposit { deposit_id: *deposit_id, item: ItemId::Invoice(charged.invoice_id), on: charged.issued_on };
            self.ask::<Account>(&self.context(fact, APPLY_DEPOSIT, id), &fact.stream, wish.into()).await?;
        }
        Ok(())
    }

    /// To every repair that has the part in its estimate. Whether the price is still open is the repair's to say.
    async fn carry_price(&self, fact: &Recorded<BillingEvent>, changed: &PartPriceChanged) -> Result<(), Interruption> {
        // What was offered at the old price is in the rows before they are asked.
        self.rows.caught_up::<Repairs>(&self.engine).await?;
        for repair_id in open_with_part(&self.rows.db, changed.part_id).await.map_err(Unread::from)? {
            let id = policy::request_id(policy::request_id(fact.id, CARRY_PRICE), &repair_id.to_string());
            let wish = RepricePart { part_id: changed.part_id, price: changed.price, on: changed.on };
            let stream = StreamName::of::<Repair>(repair_id);
            self.ask::<Repair>(&self.context(fact, CARRY_PRICE, id), &stream, repair::Command::RepricePart(wish)).await?;
        }
        Ok(())
    }

    async fn look<D: Decider + Clone>(&self, id: impl Into<uuid::Uuid>) -> Result<D, Interruption>
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        self.engine.look::<D>(&StreamName::of::<D>(id)).await.map_err(|error| Interruption::Execution(error.into()))
    }

    async fn ask<D: Decider>(&self, context: &CommandContext, stream: &StreamName, command: D::Command) -> Result<(), Interruption>
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        let outcome = self.engine.execute::<D>(stream, context, command).await;
        match refusals::refusal(outcome).map_err(Interruption::Execution)? {
            Some(reason) => self.refused(context, stream, &reason).await,
            None => Ok(()),
        }
    }

    async fn refused(&self, context: &CommandContext, stream: &StreamName, reason: &str) -> Result<(), Interruption> {
        let policy = context.actor.as_str().strip_prefix("policy:").unwrap_or(BILL_REPAIR);
        let refused = Refused { policy, event_id: Some(context.causation_id), stream, reason };
        refusals::note(&self.engine, context, refused).await.map_err(Interruption::Execution)
    }

    fn context(&self, fact: &Recorded<BillingEvent>, name: &str, command_id: uuid::Uuid) -> CommandContext {
        CommandContext {
            command_id,
            actor: Actor::policy(name),
            correlation_id: fact.metadata.correlation_id,
            causation_id: fact.id,
            now: self.engine.now(),
        }
    }
}

impl Duty for Workshop {
    const NAME: &'static str = "workshop";
    const CATEGORIES: &'static [&'static str] = policy::ERRANDS;

    async fn carry_out(&self, facts: Vec<Recorded<BillingEvent>>) -> Result<(), Interruption> {
        for fact in &facts {
            match policy::errand(&fact.event) {
                Some(Errand::Bill(bill, on)) => self.bill(fact, bill, on).await?,
                Some(Errand::ApplyDeposits(charged)) => self.apply_deposits(fact, charged).await?,
                Some(Errand::CarryPrice(changed)) => self.carry_price(fact, changed).await?,
                None => {}
            }
        }
        Ok(())
    }
}

fn draft(terms: &Terms, account: &Account, repair: &Repair, bill: &RepairBill, on: NaiveDate) -> Result<Draft, String> {
    let supplied = on.succ_opt().and_then(|next| BillingPeriod::new(on, next).ok()).ok_or("the day has no next")?;
    let buyer = Buyer::of(account);
    let heading = Heading { form: TaxForm::for_buyer(buyer.as_ref(), account, on), seller: terms.seller.clone(), buyer, supplied };
    // As the estimate was reckoned that the customer has approved: to the last coin the same.
    let rounding = repair.billed(bill.invoice_id).and_then(|billed| billed.rounding).unwrap_or(terms.rounding);
    Draft::of_repair(bill.repair_id, heading, bill.lines.clone(), rounding).map_err(|error| error.to_string())
}
