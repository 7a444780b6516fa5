//! What the account owes and has paid: items to be paid, credits to pay them with, and which credit paid which item.
//!
//! The truth about allocation lives here and nowhere else; what an invoice says of being paid is an echo. Every credit becomes money of the
//! customer's first and is allocated to items in facts of their own, so that each fact is one movement in the books: what is open is the
//! receivable, what is left of credits is what we owe.
//!
//! What is settled stays, in its figures: a chargeback may open it again years later, and nobody pays twice under one reference. Texts and
//! documents are not kept, so that ten years of monthly bills are some sixty kilobytes.

mod aging;
mod allocation;
mod charges;
mod cheques;
mod compensation;
mod credit_notes;
mod debt;
mod deposits;
mod disputes;
mod late_fees;
mod leaving;
mod opening;
mod payments;
mod plans;
mod rebill;
mod refunds;
mod subsidies;
mod vat_relief;
mod write_off;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use aging::{AgeBand, Aged};
pub use allocation::{AllocationFreed, AllocationPolicy, AllocationPolicyChosen, ChooseAllocationPolicy, CreditAllocated, Echo, FreeCause};
pub use charges::{AccountCharged, ChargeAccount, ChargeKind};
pub use cheques::{ChequeCleared, ClearCheque};
pub use compensation::{CompensationCredited, CreditCompensation};
pub use credit_notes::{AccountCredited, CreditAccount};
pub use debt::{Debt, Owed};
pub use deposits::{ApplyDeposit, DepositReleased, DepositReturned, DepositTaken, ReturnDeposit, TakeDeposit};
pub use disputes::{DisputeItem, DisputeResolved, ItemDisputed, ResolveDispute};
pub use late_fees::{AssessLateFee, LateFee, LateFeeAssessed, LateFeeRule, LateFeeWaived, ReviewLateFees, WaiveLateFee};
pub use leaving::SettleFinally;
pub(super) use opening::v1;
pub use opening::{ImportOpeningBalance, OpeningBalanceImported, OpeningBalanceReversed, OpeningItem, ReverseOpeningBalance};
pub use payments::{PaymentReceived, PaymentReversed, RecordPayment, ReversalCause, ReversePayment, Tender};
pub use plans::{
    AgreePlan, BreakCause, CancelCause, CancelPlan, Covered, DownPayment, Instalment, InstalmentMissed, Plan, PlanAgreed, PlanBroken,
    PlanCancelled, PlanCompleted, PlanRule, PlanRuleError, PlanRuleTerms, PlanState, Remainder, ReviewPlan,
};
pub use rebill::{FreeAllocations, ReapplyCredit, RebillBegun, RebillEnded};
pub use refunds::{CreditRefunded, RefundCredit, RefundReturned, ReturnRefund};
pub use subsidies::{ChargedSubsidy, SubsidyCredited, SubsidyTakenBack};
pub use vat_relief::{ClaimVatRelief, VatReliefClaimed};
pub use write_off::{Approval, CreditWrittenOff, DebtRecovered, DebtWrittenOff, WriteOff, WriteOffSmallBalances};

use super::{Account, Event, Rejection};
use crate::{
    Currency, Money,
    ids::{DepositId, DisconnectionId, ImportBatchId, InstalmentPlanId, InvoiceId, NoteId, PaymentId, RefundId, ReservationId, SubsidyId},
};
use deposits::Deposit;
use opening::Opening;
use payments::Payment;
use refunds::Refund;
use subsidies::Subsidy;

/// What is to be paid, by the document that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemId {
    /// An unpaid document of another system: which item of which row.
    Opening {
        batch_id: ImportBatchId,
        row: u32,
        item: u32,
    },
    Invoice(InvoiceId),
    DebitNote(NoteId),
}

/// What items are paid with, by where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CreditId {
    Opening {
        batch_id: ImportBatchId,
        row: u32,
    },
    Payment(PaymentId),
    CreditNote(NoteId),
    Deposit(DepositId),
    /// Whose reconnection fell late.
    Compensation(DisconnectionId),
    /// What an authority pays of an invoice, and of nothing else.
    Subsidy(SubsidyId),
}

impl CreditId {
    /// Before all others, for ranges.
    const FIRST: Self = Self::Opening { batch_id: ImportBatchId::new(uuid::Uuid::nil()), row: 0 };
}

/// Something to be paid, with its dates: they stay whatever is paid, freed and paid again, so that its age does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// The invoice that it is, or adds to.
    invoice_id: Option<InvoiceId>,
    pub kind: ChargeKind,
    pub amount: Money,
    /// The part of the amount that is VAT.
    pub vat: Money,
    pub open: Money,
    pub open_vat: Money,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub disputed: bool,
    /// Given up, and not recovered since.
    written_off: Money,
    written_off_vat: Money,
    /// What of that VAT was claimed back.
    relieved: Money,
    /// When the last of it was given up.
    given_up_on: Option<NaiveDate>,
    /// Given up at any time, recovered or not: what its invoice is told.
    given_up: Money,
    /// A fee was charged or waived for its lateness: there is one at most.
    fee_decided: bool,
    fee_waived: bool,
    rebill: Rebill,
    /// That runs, and covers it.
    plan: Option<InstalmentPlanId>,
}

/// An item is rebilled once: what replaces it is another item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rebill {
    No,
    Underway,
    Done,
}

/// Money of the customer's, and what is left of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Credit {
    pub left: Money,
    /// When the money counts as paid.
    pub value_on: NaiveDate,
    /// Kept for its refund: no item is paid with it.
    for_refund: bool,
    /// It pays the invoice that it is for, and no other item.
    subsidy: bool,
    /// The items under rebilling that it was freed from: until the last is rebilled it waits.
    held_for: BTreeSet<ItemId>,
    /// Too little to keep: see [`WriteOffSmallBalances`].
    written_off: Money,
}

/// What of an item a credit has paid.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Allocated {
    amount: Money,
    vat: Money,
    effective_on: NaiveDate,
    /// Under which it was paid last.
    plan: Option<InstalmentPlanId>,
}

#[derive(Clone, Debug, Default)]
pub struct Receivable {
    policy: AllocationPolicy,
    items: BTreeMap<ItemId, Item>,
    credits: BTreeMap<CreditId, Credit>,
    allocations: BTreeMap<(ItemId, CreditId), Allocated>,
    payments: BTreeMap<PaymentId, Payment>,
    refunds: BTreeMap<RefundId, Refund>,
    deposits: BTreeMap<DepositId, Deposit>,
    plans: BTreeMap<InstalmentPlanId, Plan>,
    /// What was paid by cheque, once the bank has paid it.
    cleared: BTreeSet<CreditId>,
    /// By invoice and amount, to tell a note told twice from another under its id.
    credit_notes: BTreeMap<NoteId, (InvoiceId, Money)>,
    /// By amount, for the same.
    compensations: BTreeMap<DisconnectionId, Money>,
    subsidies: BTreeMap<InvoiceId, Vec<Subsidy>>,
    /// Every import ever; at most one stands.
    opening: BTreeMap<(ImportBatchId, u32), Opening>,
}

/// A fact about what is owed, and what it changes.
pub(super) trait Posting: Into<Event> {
    fn post(&self, receivable: &mut Receivable);
}

/// A decision in the making: its facts so far, and what is owed after them.
struct Draft {
    receivable: Receivable,
    facts: Vec<Event>,
}

impl Draft {
    fn record(&mut self, fact: impl Posting) {
        fact.post(&mut self.receivable);
        self.facts.push(fact.into());
    }
}

impl Item {
    /// Whether a credit that was not directed to it may pay it.
    fn is_payable(&self) -> bool {
        !self.open.is_zero() && !self.disputed && self.rebill != Rebill::Underway
    }

    /// Nothing of it is owed, and nothing was given up.
    pub fn is_paid(&self) -> bool {
        self.open.is_zero() && self.written_off.is_zero()
    }

    /// What is open of it or was given up.
    fn owed(&self) -> i64 {
        self.open.minor + self.written_off.minor
    }

    fn reduce(&mut self, amount: Money, vat: Money) {
        self.open.minor -= amount.minor;
        self.open_vat.minor -= vat.minor;
    }

    fn reopen(&mut self, amount: Money, vat: Money) {
        self.open.minor += amount.minor;
        self.open_vat.minor += vat.minor;
    }
}

impl Credit {
    fn new(left: Money, value_on: NaiveDate) -> Self {
        let written_off = Money::zero(left.currency);
        Self { left, value_on, for_refund: false, subsidy: false, held_for: BTreeSet::new(), written_off }
    }

    fn is_usable(&self) -> bool {
        !self.left.is_zero() && !self.for_refund && !self.subsidy && self.held_for.is_empty()
    }
}

impl Receivable {
    /// What the customer owes, or is owed if negative: what is open less what is left of credits. Deposits are not part of it.
    pub fn balance(&self, currency: Currency) -> Money {
        Money::new(self.due(currency).minor - self.unapplied(currency).minor, currency)
    }

    /// What is open, whether its date has come or not.
    pub fn due(&self, currency: Currency) -> Money {
        Money::new(self.items.values().map(|item| item.open.minor).sum(), currency)
    }

    /// What was paid or credited and has paid nothing yet.
    pub fn unapplied(&self, currency: Currency) -> Money {
        Money::new(self.credits.values().map(|credit| credit.left.minor).sum(), currency)
    }

    pub fn deposits(&self, currency: Currency) -> Money {
        Money::new(self.deposits.values().map(|deposit| deposit.left.minor).sum(), currency)
    }

    /// Nothing is open on either side. Not the same as a zero balance: a debt and a credit of the same size are two open things.
    pub fn is_settled(&self) -> bool {
        self.items.values().all(|item| item.open.is_zero())
            && self.credits.values().all(|credit| credit.left.is_zero())
            && self.deposits.values().all(|deposit| deposit.left.is_zero())
    }

    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.get(&id)
    }

    pub fn credit(&self, id: CreditId) -> Option<&Credit> {
        self.credits.get(&id)
    }

    /// Under what its reference is reserved, if there is such a payment.
    pub fn reference(&self, id: PaymentId) -> Option<ReservationId> {
        self.payments.get(&id).map(|payment| payment.reference)
    }

    pub fn references(&self) -> impl Iterator<Item = ReservationId> {
        self.payments.values().map(|payment| payment.reference)
    }

    /// What is to be paid, in no particular order.
    pub fn open_items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.items.iter().filter(|(_, item)| !item.open.is_zero()).map(|(id, item)| (*id, item))
    }

    /// No item that may be paid stands beside credit that may pay it: so every decision leaves it that found it so.
    pub fn is_at_rest(&self) -> bool {
        !self.items.values().any(Item::is_payable) || !self.credits.values().any(Credit::is_usable)
    }

    /// Nothing was ever posted.
    pub(super) fn is_untouched(&self) -> bool {
        self.items.is_empty() && self.credits.is_empty() && self.deposits.is_empty() && self.opening.is_empty()
    }

    fn change_item(&mut self, id: ItemId, change: impl FnOnce(&mut Item)) {
        if let Some(item) = self.items.get_mut(&id) {
            change(item);
        }
    }

    fn change_credit(&mut self, id: CreditId, change: impl FnOnce(&mut Credit)) {
        if let Some(credit) = self.credits.get_mut(&id) {
            change(credit);
        }
    }
}

impl Account {
    fn draft(&self) -> Draft {
        Draft { receivable: self.receivable.clone(), facts: vec![] }
    }

    fn item(&self, id: ItemId) -> Result<&Item, Rejection> {
        self.holder()?;
        self.receivable.items.get(&id).ok_or(Rejection::NoSuchItem)
    }

    /// The account's currency, if these amounts are in it and none is too large to be reckoned with.
    fn money(&self, amounts: &[Money]) -> Result<Currency, Rejection> {
        let currency = self.holder()?.currency;
        if let Some(other) = amounts.iter().find(|amount| amount.currency != currency) {
            return Err(Rejection::OtherCurrency { expected: currency, found: other.currency });
        }
        if amounts.iter().any(|amount| amount.minor.unsigned_abs() > Money::LARGEST.unsigned_abs()) {
            return Err(Rejection::AmountTooLarge);
        }
        Ok(currency)
    }

    /// The same, of an amount that is not nothing.
    fn positive(&self, amount: Money) -> Result<Currency, Rejection> {
        let currency = self.money(&[amount])?;
        if amount.minor > 0 { Ok(currency) } else { Err(Rejection::AmountNotPositive) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Decider,
        account::{RecordPayment, example::*},
    };

    #[test]
    fn ten_years_of_monthly_bills_stay_small_and_the_first_can_still_bounce() {
        let mut account = account([]);
        for n in 1..=120 {
            for event in decided(&account, charge(ChargeOf { n: n.into(), ..ChargeOf::default() })) {
                account = account.evolve(&event);
            }
            let paid =
                RecordPayment { payment_id: payment_id(n), external_reference: code(&format!("R-{n}")), ..record_payment(1, 11_500) };
            for event in decided(&account, paid) {
                account = account.evolve(&event);
            }
        }
        let receivable = account.receivable();
        let bytes = receivable.items.len() * size_of::<(ItemId, Item)>()
            + receivable.credits.len() * size_of::<(CreditId, Credit)>()
            + receivable.allocations.len() * size_of::<((ItemId, CreditId), Allocated)>()
            + receivable.payments.len() * size_of::<(PaymentId, Payment)>();
        assert!(bytes < 64 * 1024, "{bytes}");
        assert!(receivable.is_settled());
        let events = decided(&account, reverse_payment(1));
        let after = events.iter().fold(account, Account::evolve);
        assert_eq!(after.receivable().open_items().map(|(id, _)| id).collect::<Vec<_>>(), [invoice(1)]);
    }
}
