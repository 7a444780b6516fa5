//! What accounts owe and own: money in, money back, debts disputed and given up. Customers record nothing; they start payments.

use async_graphql::{Enum, ID, InputObject, OneofObject, SimpleObject};
use daftar_billing::receipts;
use daftar_domain::{
    CommandHash, Decider, StreamName,
    account::{
        self as domain, Account, ApplyDeposit, ChooseAllocationPolicy, ClaimVatRelief, ClearCheque, Command, CreditId, DisputeItem, ItemId,
        RecordPayment, RefundCredit, ResolveDispute, ReturnDeposit, ReturnRefund, ReversePayment, TakeDeposit, WaiveLateFee, WriteOff,
        WriteOffSmallBalances,
    },
    ids::{CashSessionId, DepositId, DisconnectionId, ImportBatchId, InvoiceId, NoteId, PaymentId, RefundId},
};
use daftar_store::Outcome;

use super::{
    By::{self, Staff, StaffAndCustomers},
    MoneyInput, Record,
    accounts::{AccountPayload, ask},
    mutations,
};
use crate::{
    app::{StartedPayment, Wish, rules},
    caller::{Role, Visible},
    graphql::{
        enums::{AllocationPolicy, ReversalCause, Tender},
        scalars::{Date, DateTime},
    },
    input,
    problem::Problem,
};

const TILL: By = Staff(&[Role::Cashier]);
const FINANCE: By = Staff(&[Role::Finance]);
const OFFICE: By = Staff(&[Role::Billing, Role::Finance]);

mutations! {
    ReceivableMutation

    /// Starts a payment through a gateway, which says where it is paid. The account has the money once the gateway says so.
    start_payment(StartPaymentInput) -> StartPaymentPayload, by StaffAndCustomers(&[Role::Billing, Role::Cashier]);
    /// Records money that a cashier took, in a cash session.
    record_payment(RecordPaymentInput) -> PaymentPayload, by TILL;
    /// Takes a payment back that was none: a cheque bounced, or it was recorded by mistake. What it had paid is open again.
    reverse_payment(ReversePaymentInput) -> AccountPayload, by FINANCE;
    /// Says what the customer's money pays first when nobody says. What is paid already stays as it is.
    choose_allocation_policy(ChooseAllocationPolicyInput) -> AccountPayload, by FINANCE;
    /// Notes that the bank has paid a cheque. Until then it is only in hand.
    clear_cheque(ClearChequeInput) -> AccountPayload, by FINANCE;
    /// Gives back money of the customer's that nothing is owed against. Money that came through a gateway goes back through it.
    refund_credit(RefundCreditInput) -> RefundPayload, by FINANCE;
    /// Says that a refund did not arrive: the money is the customer's credit again.
    return_refund(ReturnRefundInput) -> AccountPayload, by FINANCE;
    /// Takes a deposit, which is kept against debts.
    take_deposit(TakeDepositInput) -> DepositPayload, by TILL;
    /// Pays an item with a deposit, as far as it goes.
    apply_deposit(ApplyDepositInput) -> AccountPayload, by OFFICE;
    /// Gives back what is left of a deposit.
    return_deposit(ReturnDepositInput) -> AccountPayload, by FINANCE;
    /// Notes that the customer disputes an item: until that is resolved, it costs no fee for lateness.
    dispute_item(DisputeItemInput) -> AccountPayload, by OFFICE;
    /// Ends a dispute, whatever was found: if the item was wrong, a credit note has said so.
    resolve_dispute(ResolveDisputeInput) -> AccountPayload, by OFFICE;
    /// Sees to it that an item costs no fee for lateness.
    waive_late_fee(WaiveLateFeeInput) -> AccountPayload, by FINANCE;
    /// Gives up what is open of an item, in the name of whoever asks.
    write_off(WriteOffInput) -> AccountPayload, by FINANCE;
    /// Claims back from the state the VAT of what was given up of an item: all that can be claimed. It goes back if the debt is paid after all.
    claim_vat_relief(ClaimVatReliefInput) -> AccountPayload, by FINANCE;
    /// Gives up less than a whole coin, either way.
    write_off_small_balances(WriteOffSmallBalancesInput) -> AccountPayload, by FINANCE;
}

/// Something that is to be paid.
#[derive(Debug, OneofObject)]
pub(super) enum ItemInput {
    /// An invoice, by its id.
    Invoice(ID),
    /// A debit note, by its id.
    DebitNote(ID),
    /// An unpaid document of another system.
    Opening(OpeningItemInput),
}

/// Money of the customer's.
#[derive(Debug, OneofObject)]
enum CreditInput {
    /// What is left of a payment, by its id.
    Payment(ID),
    /// What is left of a credit note, by its id.
    CreditNote(ID),
    /// What is left of a deposit that was released, by its id.
    Deposit(ID),
    /// What is left of a compensation, by the id of the order whose supply was back too late.
    Compensation(ID),
    /// Credit that came with the opening balance.
    Opening(OpeningCreditInput),
}

/// An item of an opening balance.
#[derive(Debug, InputObject)]
pub(super) struct OpeningItemInput {
    /// Which import.
    batch_id: ID,
    /// Which row of its file.
    row: i32,
    /// Which item of the row.
    item: i32,
}

/// The credit of an opening balance.
#[derive(Debug, InputObject)]
struct OpeningCreditInput {
    /// Which import.
    batch_id: ID,
    /// Which row of its file.
    row: i32,
}

/// What can be paid by at a till. What comes through a gateway is recorded by its word alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum TillTender {
    /// Notes and coins.
    Cash,
    /// A cheque: until it clears it is only in hand.
    Cheque,
    /// A bank transfer, shown by its receipt.
    Transfer,
    /// A card at the till.
    Pos,
}

/// A payment that somebody wants to make.
#[derive(Debug, InputObject)]
struct StartPaymentInput {
    /// For which account.
    account_id: ID,
    /// How much.
    amount: MoneyInput,
    /// What it is for, in that order; without it, what was due first.
    directed: Option<Vec<ItemInput>>,
    /// The code of the gateway.
    gateway: String,
}

/// Money that was taken.
#[derive(Debug, InputObject)]
struct RecordPaymentInput {
    /// For which account.
    account_id: ID,
    /// What the outside calls it: a receipt's number, a bank's reference. Nobody pays twice under one.
    external_reference: String,
    /// What it was paid by.
    tender: TillTender,
    /// The code of the place where it was taken.
    channel: String,
    /// The cash session that it was taken in.
    session_id: ID,
    /// How much.
    amount: MoneyInput,
    /// When it was taken.
    received_at: DateTime,
    /// From which day it counts as paid.
    value_on: Date,
    /// What the customer said that it is for, in that order. A debt that was given up is recovered so, and not otherwise.
    directed: Option<Vec<ItemInput>>,
    /// What it pays first when nobody says; by the account's order, if absent.
    policy: Option<AllocationPolicy>,
}

/// A payment that was none.
#[derive(Debug, InputObject)]
struct ReversePaymentInput {
    /// Of which account.
    account_id: ID,
    /// Which payment.
    payment_id: ID,
    /// Why it was none.
    cause: ReversalCause,
    /// What to bill the customer for the trouble, if anything.
    bounce_fee: Option<MoneyInput>,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// An account's order of paying.
#[derive(Debug, InputObject)]
struct ChooseAllocationPolicyInput {
    /// Of which account.
    account_id: ID,
    /// What is paid first.
    policy: AllocationPolicy,
}

/// A cheque that the bank has paid.
#[derive(Debug, InputObject)]
struct ClearChequeInput {
    /// Of which account.
    account_id: ID,
    /// The payment or the deposit that was made with it.
    cheque: CreditInput,
    /// The day.
    on: Date,
}

/// Money that goes back.
#[derive(Debug, InputObject)]
struct RefundCreditInput {
    /// Of which account.
    account_id: ID,
    /// What is given back of.
    credit: CreditInput,
    /// How much.
    amount: MoneyInput,
    /// What it goes back by: as it came.
    tender: Tender,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A refund that did not arrive.
#[derive(Debug, InputObject)]
struct ReturnRefundInput {
    /// Of which account.
    account_id: ID,
    /// Which refund.
    refund_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A deposit that was taken.
#[derive(Debug, InputObject)]
struct TakeDepositInput {
    /// For which account.
    account_id: ID,
    /// How much.
    amount: MoneyInput,
    /// What it was paid by.
    tender: TillTender,
    /// The code of the place where it was taken.
    channel: String,
    /// The cash session that it was taken in.
    session_id: ID,
    /// The day.
    on: Date,
}

/// A deposit that pays.
#[derive(Debug, InputObject)]
struct ApplyDepositInput {
    /// Of which account.
    account_id: ID,
    /// Which deposit.
    deposit_id: ID,
    /// What it pays.
    item: ItemInput,
    /// The day.
    on: Date,
}

/// A deposit that goes back.
#[derive(Debug, InputObject)]
struct ReturnDepositInput {
    /// Of which account.
    account_id: ID,
    /// Which deposit.
    deposit_id: ID,
    /// What it goes back by.
    tender: Tender,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// An item that is disputed.
#[derive(Debug, InputObject)]
struct DisputeItemInput {
    /// Of which account.
    account_id: ID,
    /// Which item.
    item: ItemInput,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A dispute that ends.
#[derive(Debug, InputObject)]
struct ResolveDisputeInput {
    /// Of which account.
    account_id: ID,
    /// Which item.
    item: ItemInput,
    /// The day.
    on: Date,
    /// What was found, in a phrase without personal data.
    reason: String,
}

/// An item that costs no fee.
#[derive(Debug, InputObject)]
struct WaiveLateFeeInput {
    /// Of which account.
    account_id: ID,
    /// Which item.
    item: ItemInput,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A debt that is given up.
#[derive(Debug, InputObject)]
struct WriteOffInput {
    /// Of which account.
    account_id: ID,
    /// Which item.
    item: ItemInput,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// VAT that was paid to the state and never came from the customer.
#[derive(Debug, InputObject)]
struct ClaimVatReliefInput {
    /// Of which account.
    account_id: ID,
    /// Of which item.
    item: ItemInput,
    /// The day: not before the terms allow it, nor before the item was given up.
    on: Date,
}

/// Coins that are given up.
#[derive(Debug, InputObject)]
struct WriteOffSmallBalancesInput {
    /// Of which account.
    account_id: ID,
    /// The day.
    on: Date,
}

/// The payment as it was started.
#[derive(Debug, SimpleObject)]
struct StartPaymentPayload {
    /// The payment's id, for ever.
    payment_id: ID,
    /// Where it is paid; null if it has come to its end already.
    checkout_url: Option<String>,
    /// Where what was done stands in the order of all events; null if nothing was left to do.
    position: Option<String>,
    /// Whether queries see it already. If not, they will soon.
    readable: bool,
}

/// The payment as it was recorded.
#[derive(Debug, SimpleObject)]
struct PaymentPayload {
    /// The payment's id, for ever.
    payment_id: ID,
    #[graphql(flatten)]
    account: AccountPayload,
}

/// The refund as it was asked for.
#[derive(Debug, SimpleObject)]
struct RefundPayload {
    /// The refund's id, for ever.
    refund_id: ID,
    #[graphql(flatten)]
    account: AccountPayload,
}

/// The deposit as it was taken.
#[derive(Debug, SimpleObject)]
struct DepositPayload {
    /// The deposit's id, for ever.
    deposit_id: ID,
    #[graphql(flatten)]
    account: AccountPayload,
}

async fn start_payment(wish: &Wish<'_>, input: StartPaymentInput) -> Result<StartPaymentPayload, Problem> {
    let (amount, gateway) = (amount(input.amount)?, input::code("gateway", &input.gateway)?);
    let directed = input::each("directed", input.directed.unwrap_or_default(), ItemInput::parse)?;
    let account = wish.account(&input.account_id).await?;
    let StartedPayment { payment_id, checkout, written } = wish.start_payment(account, amount, directed, gateway).await?;
    let record = written.map(Record::from);
    let (position, readable) = record.map_or((None, true), |record| (Some(record.position), record.readable));
    Ok(StartPaymentPayload { payment_id: payment_id.to_string().into(), checkout_url: checkout, position, readable })
}

async fn record_payment(wish: &Wish<'_>, input: RecordPaymentInput) -> Result<PaymentPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let payment_id = wish.created_in(account.id(), "payment", PaymentId::new);
    let record = RecordPayment {
        payment_id,
        external_reference: input::code("externalReference", &input.external_reference)?,
        tender: input.tender.into(),
        channel: input::code("channel", &input.channel)?,
        session: Some(input::id("sessionId", &input.session_id, CashSessionId::new)?),
        amount: amount(input.amount)?,
        received_at: input.received_at.0,
        value_on: input.value_on.day("valueOn")?,
        directed: input::each("directed", input.directed.unwrap_or_default(), ItemInput::parse)?,
        policy: input.policy.map(Into::into),
    };
    let recorded = receipts::record_payment(&wish.app.engine, &wish.context, account.id(), record).await?;
    Ok(PaymentPayload { payment_id: payment_id.to_string().into(), account: payload(wish, account, recorded).await? })
}

async fn reverse_payment(wish: &Wish<'_>, input: ReversePaymentInput) -> Result<AccountPayload, Problem> {
    let reverse = ReversePayment {
        payment_id: input::id("paymentId", &input.payment_id, PaymentId::new)?,
        cause: input.cause.into(),
        bounce_fee: input.bounce_fee.map(|fee| fee.parse().map_err(|problem| problem.within("bounceFee"))).transpose()?,
        on: input.on.day("on")?,
        reason: input::reason("reason", &input.reason)?,
    };
    let account = wish.account(&input.account_id).await?;
    let reversed = receipts::reverse_payment(&wish.app.engine, &wish.context, account.id(), reverse).await?;
    payload(wish, account, reversed).await
}

async fn payload(wish: &Wish<'_>, account: Visible, outcome: Outcome<domain::Event>) -> Result<AccountPayload, Problem> {
    let position = outcome.position().ok_or(Problem::NotFound)?;
    Ok(AccountPayload::new(account, wish.written(&[Account::CATEGORY], position).await?))
}

async fn choose_allocation_policy(wish: &Wish<'_>, input: ChooseAllocationPolicyInput) -> Result<AccountPayload, Problem> {
    ask(wish, &input.account_id, ChooseAllocationPolicy { policy: input.policy.into() }).await
}

async fn clear_cheque(wish: &Wish<'_>, input: ClearChequeInput) -> Result<AccountPayload, Problem> {
    let cheque = input.cheque.parse().map_err(|problem| problem.within("cheque"))?;
    ask(wish, &input.account_id, ClearCheque { cheque, on: input.on.day("on")? }).await
}

async fn refund_credit(wish: &Wish<'_>, input: RefundCreditInput) -> Result<RefundPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let refund_id = wish.created_in(account.id(), "refund", RefundId::new);
    let refund = RefundCredit {
        refund_id,
        credit: input.credit.parse().map_err(|problem| problem.within("credit"))?,
        amount: amount(input.amount)?,
        tender: input.tender.into(),
        approved_by: wish.actor(),
        on: input.on.day("on")?,
        reason: input::reason("reason", &input.reason)?,
    };
    Ok(RefundPayload { refund_id: refund_id.to_string().into(), account: ask(wish, &input.account_id, refund).await? })
}

async fn return_refund(wish: &Wish<'_>, input: ReturnRefundInput) -> Result<AccountPayload, Problem> {
    let refund_id = input::id("refundId", &input.refund_id, RefundId::new)?;
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, ReturnRefund { refund_id, on, reason }).await
}

async fn take_deposit(wish: &Wish<'_>, input: TakeDepositInput) -> Result<DepositPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let deposit_id = wish.created_in(account.id(), "deposit", DepositId::new);
    let take = TakeDeposit {
        deposit_id,
        amount: amount(input.amount)?,
        tender: input.tender.into(),
        channel: input::code("channel", &input.channel)?,
        session: Some(input::id("sessionId", &input.session_id, CashSessionId::new)?),
        on: input.on.day("on")?,
    };
    Ok(DepositPayload { deposit_id: deposit_id.to_string().into(), account: ask(wish, &input.account_id, take).await? })
}

async fn apply_deposit(wish: &Wish<'_>, input: ApplyDepositInput) -> Result<AccountPayload, Problem> {
    let deposit_id = input::id("depositId", &input.deposit_id, DepositId::new)?;
    let (item, on) = (item(input.item)?, input.on.day("on")?);
    ask(wish, &input.account_id, ApplyDeposit { deposit_id, item, on }).await
}

async fn return_deposit(wish: &Wish<'_>, input: ReturnDepositInput) -> Result<AccountPayload, Problem> {
    let deposit_id = input::id("depositId", &input.deposit_id, DepositId::new)?;
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    let give_back = ReturnDeposit { deposit_id, tender: input.tender.into(), approved_by: wish.actor(), on, reason };
    ask(wish, &input.account_id, give_back).await
}

async fn dispute_item(wish: &Wish<'_>, input: DisputeItemInput) -> Result<AccountPayload, Problem> {
    let (item, on, reason) = (item(input.item)?, input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, DisputeItem { item, on, reason }).await
}

async fn resolve_dispute(wish: &Wish<'_>, input: ResolveDisputeInput) -> Result<AccountPayload, Problem> {
    let (item, on, reason) = (item(input.item)?, input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, ResolveDispute { item, on, reason }).await
}

async fn waive_late_fee(wish: &Wish<'_>, input: WaiveLateFeeInput) -> Result<AccountPayload, Problem> {
    let (item, on, reason) = (item(input.item)?, input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, WaiveLateFee { item, waived_by: wish.actor(), on, reason }).await
}

async fn write_off(wish: &Wish<'_>, input: WriteOffInput) -> Result<AccountPayload, Problem> {
    let (item, on, reason) = (item(input.item)?, input.on.day("on")?, input::reason("reason", &input.reason)?);
    let account = wish.account(&input.account_id).await?;
    let state: Account = wish.app.engine.look(&StreamName::of::<Account>(account.id())).await?;
    let limit = rules::write_off_limit(state.currency().ok_or(Problem::NotFound)?);
    let said = CommandHash::of(&(item, on, &reason));
    let write_off = Command::WriteOff(WriteOff { item, approved_by: wish.actor(), limit, on, reason });
    let written = wish.ask_as::<Account>(account.id(), write_off, said).await?;
    Ok(AccountPayload::new(account, written))
}

async fn claim_vat_relief(wish: &Wish<'_>, input: ClaimVatReliefInput) -> Result<AccountPayload, Problem> {
    let (item, on) = (item(input.item)?, input.on.day("on")?);
    let account = wish.account(&input.account_id).await?;
    let after_months = wish.app.terms()?.vat_relief_after_months;
    let claim = Command::ClaimVatRelief(ClaimVatRelief { item, after_months, on, claimed_by: wish.actor() });
    let written = wish.ask_as::<Account>(account.id(), claim, CommandHash::of(&(item, on))).await?;
    Ok(AccountPayload::new(account, written))
}

async fn write_off_small_balances(wish: &Wish<'_>, input: WriteOffSmallBalancesInput) -> Result<AccountPayload, Problem> {
    ask(wish, &input.account_id, WriteOffSmallBalances { on: input.on.day("on")? }).await
}

impl ItemInput {
    pub(super) fn parse(self) -> Result<ItemId, Problem> {
        match self {
            Self::Invoice(id) => input::id("invoice", &id, InvoiceId::new).map(ItemId::Invoice),
            Self::DebitNote(id) => input::id("debitNote", &id, NoteId::new).map(ItemId::DebitNote),
            Self::Opening(OpeningItemInput { batch_id, row, item }) => {
                let parse = || {
                    let batch_id = input::id("batchId", &batch_id, ImportBatchId::new)?;
                    Ok(ItemId::Opening { batch_id, row: place("row", row)?, item: place("item", item)? })
                };
                parse().map_err(|problem: Problem| problem.within("opening"))
            }
        }
    }
}

impl CreditInput {
    fn parse(self) -> Result<CreditId, Problem> {
        match self {
            Self::Payment(id) => input::id("payment", &id, PaymentId::new).map(CreditId::Payment),
            Self::CreditNote(id) => input::id("creditNote", &id, NoteId::new).map(CreditId::CreditNote),
            Self::Deposit(id) => input::id("deposit", &id, DepositId::new).map(CreditId::Deposit),
            Self::Compensation(id) => input::id("compensation", &id, DisconnectionId::new).map(CreditId::Compensation),
            Self::Opening(OpeningCreditInput { batch_id, row }) => {
                let parse = || {
                    let batch_id = input::id("batchId", &batch_id, ImportBatchId::new)?;
                    Ok(CreditId::Opening { batch_id, row: place("row", row)? })
                };
                parse().map_err(|problem: Problem| problem.within("opening"))
            }
        }
    }
}

impl From<TillTender> for domain::Tender {
    fn from(tender: TillTender) -> Self {
        match tender {
            TillTender::Cash => Self::Cash,
            TillTender::Cheque => Self::Cheque,
            TillTender::Transfer => Self::Transfer,
            TillTender::Pos => Self::Pos,
        }
    }
}

fn item(input: ItemInput) -> Result<ItemId, Problem> {
    input.parse().map_err(|problem| problem.within("item"))
}

fn amount(input: MoneyInput) -> Result<daftar_domain::Money, Problem> {
    input.parse().map_err(|problem| problem.within("amount"))
}

fn place(field: &'static str, place: i32) -> Result<u32, Problem> {
    input::count(field, place, 0, i32::MAX.unsigned_abs())
}
