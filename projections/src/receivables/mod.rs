//! Receivables: what accounts owe, with what credit beside it, and how it came about; and what authorities owe for subsidies.
//!
//! Items and credits stand as they are known; every change of them is a movement, which is only ever added. What was open as of some moment
//! is what is open now less what has moved since, so it costs what has moved since, however long the history is.

mod queries;

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Code, Currency, Decider, Money, Reason, Recorded,
    account::{
        self, Account, AccountCharged, AccountCredited, AllocationFreed, BreakCause, CancelCause, CompensationCredited, Covered,
        CreditAllocated, CreditId, CreditRefunded, CreditWrittenOff, DebtRecovered, DebtWrittenOff, DepositReleased, DepositReturned,
        DepositTaken, DisputeResolved, DownPayment, InstalmentMissed, ItemDisputed, ItemId, OpeningBalanceImported, OpeningBalanceReversed,
        PaymentReceived, PaymentReversed, PlanAgreed, PlanBroken, PlanCancelled, PlanCompleted, RefundReturned, SubsidyCredited,
        SubsidyTakenBack, VatReliefClaimed,
    },
    settlement::{self, Settlement},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use queries::{
    AuthorityDebt, BadDebt, BadDebtFilter, Balance, Cohort, Instalment, OpenItem, Place, Plan, PlanFilter, Statement, StatementLine,
    accounts_on_plans, accounts_owing_by, accounts_with_open_items, aged, aged_of, bad_debts, bad_debts_count, balances, balances_of,
    cohorts, open_items, open_items_of, plans, plans_count, plans_of, statement, statement_lines, subsidies_owed,
};

use crate::{
    Projector,
    columns::{month, position, to_name},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Receivables {
    items: Current<ItemRow>,
    credits: Current<CreditRow>,
    movements: History<MovementRow>,
    disputes: History<DisputeRow>,
    plans: Current<PlanRow>,
    instalments: History<InstalmentRow>,
    cohorts: Current<CohortRow>,
    subsidies: History<SubsidyRow>,
    subsidy_days: Current<SubsidyDayRow>,
}

rows! {
    struct ItemRow in item {
        account_id: Uuid,
        item_id: Uuid,
        reference: String,
        document: String,
        kind: String,
        invoice_id: Option<Uuid>,
        currency: String,
        amount: i64,
        vat: i64,
        open: i64,
        planned: i64,
        issued_on: NaiveDate,
        due_on: NaiveDate,
        disputed: bool,
        written_off: i64,
        written_off_vat: i64,
        relieved: i64,
        given_up_on: Option<NaiveDate>,
        position: i64,
    }

    struct CreditRow in credit {
        account_id: Uuid,
        credit_id: Uuid,
        reference: String,
        kind: String,
        document: Option<String>,
        currency: String,
        amount: i64,
        unspent: i64,
        value_on: NaiveDate,
        position: i64,
    }

    struct MovementRow in movement {
        position: i64,
        line: i32,
        account_id: Uuid,
        cause: String,
        document: Option<String>,
        item_id: Option<Uuid>,
        credit_id: Option<Uuid>,
        currency: String,
        owed: i64,
        planned: i64,
        unapplied: i64,
        deposit: i64,
        due_on: Option<NaiveDate>,
        effective_on: NaiveDate,
    }

    struct CohortRow in cohort {
        issued_in: NaiveDate,
        due_on: NaiveDate,
        currency: String,
        charged: i64,
        paid: i64,
        credited: i64,
        written_off: i64,
        position: i64,
    }

    struct SubsidyRow in subsidy {
        position: i64,
        authority: String,
        currency: String,
        credited: i64,
        taken_back: i64,
        settled: i64,
        effective_on: NaiveDate,
    }

    struct SubsidyDayRow in subsidy_day {
        authority: String,
        currency: String,
        effective_on: NaiveDate,
        credited: i64,
        taken_back: i64,
        settled: i64,
        position: i64,
    }

    struct PlanRow in plan {
        account_id: Uuid,
        plan_id: Uuid,
        currency: String,
        total: i64,
        paid: i64,
        down_payment_id: Option<Uuid>,
        down_payment: Option<i64>,
        agreed_on: NaiveDate,
        state: String,
        warned_on: Option<NaiveDate>,
        ended_on: Option<NaiveDate>,
        ended_because: Option<String>,
        reason: Option<String>,
        position: i64,
    }

    struct InstalmentRow in instalment {
        account_id: Uuid,
        plan_id: Uuid,
        number: i32,
        due_on: NaiveDate,
        amount: i64,
        position: i64,
    }

    struct DisputeRow in dispute {
        account_id: Uuid,
        item_id: Uuid,
        disputed: bool,
        reason: String,
        effective_on: NaiveDate,
        position: i64,
    }
}

keys! {
    ItemRow by account_id: Uuid, item_id: Uuid;
    CreditRow by account_id: Uuid, credit_id: Uuid;
    PlanRow by account_id: Uuid, plan_id: Uuid;
    CohortRow by issued_in: NaiveDate, due_on: NaiveDate, currency: String;
    SubsidyDayRow by authority: String, currency: String, effective_on: NaiveDate;
}

/// Why something moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    Opening,
    OpeningReversed,
    Charge,
    CreditNote,
    Compensation,
    Subsidy,
    SubsidyTakenBack,
    Payment,
    PaymentReversed,
    Allocation,
    AllocationFreed,
    Refund,
    RefundReturned,
    DepositTaken,
    DepositReleased,
    DepositReturned,
    DebtWrittenOff,
    DebtRecovered,
    CreditWrittenOff,
    PlanAgreed,
    PlanEnded,
}

/// How an instalment plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlanState {
    Running,
    Completed,
    Broken,
    Cancelled,
}

/// Why a plan ended before it was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlanEnd {
    InstalmentMissed,
    PaymentReversed,
    Asked,
    Rebill,
    OpeningReversed,
}

/// What a credit is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CreditKind {
    Opening,
    Payment,
    CreditNote,
    Deposit,
    Compensation,
    Subsidy,
}

impl CreditKind {
    fn of(credit: CreditId) -> Self {
        match credit {
            CreditId::Opening { .. } => Self::Opening,
            CreditId::Payment(_) => Self::Payment,
            CreditId::CreditNote(_) => Self::CreditNote,
            CreditId::Deposit(_) => Self::Deposit,
            CreditId::Compensation(_) => Self::Compensation,
            CreditId::Subsidy(_) => Self::Subsidy,
        }
    }
}

impl Projector for Receivables {
    const NAME: &'static str = "receivables";
    const VERSION: i32 = 6;
    const CATEGORIES: &'static [&'static str] = &[Account::CATEGORY, Settlement::CATEGORY];
    const TABLES: &'static str = include_str!("../../models/receivables/tables.sql");
    const INDEXES: &'static str = include_str!("../../models/receivables/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Account(event) = &fact.event {
            self.account(fact, event);
        }
        if let BillingEvent::Settlement(settlement::Event::SubsidySettled(event)) = &fact.event {
            let change = SubsidyChange { settled: event.amount.minor, ..SubsidyChange::default() };
            self.subsidy(fact, &event.authority, event.amount.currency, event.settled_on, change);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { items, credits, movements, disputes, plans, instalments, cohorts, subsidies, subsidy_days } = self;
        vec![items, credits, movements, disputes, plans, instalments, cohorts, subsidies, subsidy_days]
    }
}

/// What changes, each by how much.
#[derive(Clone, Copy, Default)]
struct Change {
    owed: i64,
    planned: i64,
    unapplied: i64,
    deposit: i64,
}

/// The same of what an authority owes.
#[derive(Clone, Copy, Default)]
struct SubsidyChange {
    credited: i64,
    taken_back: i64,
    settled: i64,
}

impl Receivables {
    fn account(&mut self, fact: &Recorded<BillingEvent>, event: &account::Event) {
        use account::Event;
        match event {
            Event::OpeningBalanceImported(event) => self.opened(fact, event),
            Event::OpeningBalanceReversed(event) => self.opening_reversed(fact, event),
            Event::AccountCharged(event) => self.charged(fact, event),
            Event::AccountCredited(AccountCredited { note_id, number, amount, issued_on, .. }) => {
                let document = Some(number.to_string());
                self.credit(fact, CreditId::CreditNote(*note_id), document.clone(), *amount, *issued_on);
                self.spend(
                    Movement { document, ..Movement::of(fact, Cause::CreditNote, *issued_on) },
                    CreditId::CreditNote(*note_id),
                    *amount,
                    1,
                );
            }
            Event::CompensationCredited(CompensationCredited { disconnection_id, amount, on }) => {
                let id = CreditId::Compensation(*disconnection_id);
                self.credit(fact, id, None, *amount, *on);
                self.spend(Movement::of(fact, Cause::Compensation, *on), id, *amount, 1);
            }
            Event::SubsidyCredited(SubsidyCredited { subsidy_id, scheme, authority, amount, on, .. }) => {
                let change = SubsidyChange { credited: amount.minor, ..SubsidyChange::default() };
                self.subsidy(fact, authority, amount.currency, *on, change);
                let (id, document) = (CreditId::Subsidy(*subsidy_id), Some(scheme.to_string()));
                self.credit(fact, id, document.clone(), *amount, *on);
                self.spend(Movement { document, ..Movement::of(fact, Cause::Subsidy, *on) }, id, *amount, 1);
            }
            Event::SubsidyTakenBack(event) => self.subsidy_taken_back(fact, event),
            Event::PaymentReceived(PaymentReceived { payment_id, external_reference, amount, value_on, .. }) => {
                let document = Some(external_reference.to_string());
                self.credit(fact, CreditId::Payment(*payment_id), document.clone(), *amount, *value_on);
                self.spend(
                    Movement { document, ..Movement::of(fact, Cause::Payment, *value_on) },
                    CreditId::Payment(*payment_id),
                    *amount,
                    1,
                );
            }
            Event::PaymentReversed(PaymentReversed { payment_id, amount, written_off, on, .. }) => {
                let taken_back = Money::new(amount.minor - written_off.minor, amount.currency);
                self.spend(Movement::of(fact, Cause::PaymentReversed, *on), CreditId::Payment(*payment_id), taken_back, -1);
            }
            Event::CreditAllocated(CreditAllocated { credit, item, amount, effective_on, plan, .. }) => {
                if let Some(plan_id) = plan {
                    self.change_plan(fact, (*plan_id).into(), |plan| plan.paid += amount.minor);
                }
                let movement = Movement { under_plan: plan.is_some(), ..Movement::of(fact, Cause::Allocation, *effective_on) };
                self.pay(movement, *item, Some(*credit), *amount, -1);
            }
            Event::AllocationFreed(AllocationFreed { credit, item, amount, effective_on, .. }) => {
                self.pay(Movement::of(fact, Cause::AllocationFreed, *effective_on), *item, Some(*credit), *amount, 1);
            }
            Event::CreditRefunded(CreditRefunded { credit, amount, on, .. }) => {
                self.spend(Movement::of(fact, Cause::Refund, *on), *credit, *amount, -1);
            }
            Event::RefundReturned(RefundReturned { credit, amount, on, .. }) => {
                self.spend(Movement::of(fact, Cause::RefundReturned, *on), *credit, *amount, 1);
            }
            Event::DepositTaken(DepositTaken { amount, on, .. }) => {
                self.moved(
                    Movement::of(fact, Cause::DepositTaken, *on),
                    amount.currency,
                    Change { deposit: amount.minor, ..Change::default() },
                );
            }
            Event::DepositReleased(event) => self.deposit_released(fact, event),
            Event::DepositReturned(DepositReturned { amount, on, .. }) => {
                let change = Change { deposit: -amount.minor, ..Change::default() };
                self.moved(Movement::of(fact, Cause::DepositReturned, *on), amount.currency, change);
            }
            Event::DebtWrittenOff(DebtWrittenOff { item, amount, vat, on, .. }) => {
                self.change_item(fact, *item, |item| {
                    item.written_off += amount.minor;
                    item.written_off_vat += vat.minor;
                    item.given_up_on = item.given_up_on.max(Some(*on));
                });
                self.pay(Movement::of(fact, Cause::DebtWrittenOff, *on), *item, None, *amount, -1);
            }
            Event::DebtRecovered(DebtRecovered { item, amount, vat, relief, on }) => {
                self.change_item(fact, *item, |item| {
                    item.written_off -= amount.minor;
                    item.written_off_vat -= vat.minor;
                    item.relieved -= relief.map_or(0, |relief| relief.minor);
                });
                self.pay(Movement::of(fact, Cause::DebtRecovered, *on), *item, None, *amount, 1);
            }
            Event::VatReliefClaimed(VatReliefClaimed { item, vat, .. }) => {
                self.change_item(fact, *item, |item| item.relieved += vat.minor);
            }
            Event::CreditWrittenOff(CreditWrittenOff { credit, amount, on }) => {
                self.spend(Movement::of(fact, Cause::CreditWrittenOff, *on), *credit, *amount, -1);
            }
            Event::ItemDisputed(ItemDisputed { item, on, reason }) => self.dispute(fact, *item, true, *on, reason),
            Event::DisputeResolved(DisputeResolved { item, on, reason }) => self.dispute(fact, *item, false, *on, reason),
            Event::PlanAgreed(event) => self.plan_agreed(fact, event),
            Event::InstalmentMissed(InstalmentMissed { plan_id, on, .. }) => {
                self.change_plan(fact, (*plan_id).into(), |plan| plan.warned_on = Some(*on));
            }
            Event::PlanBroken(PlanBroken { plan_id, cause, open, on, effective_on, .. }) => {
                let why = match cause {
                    BreakCause::InstalmentMissed { .. } => PlanEnd::InstalmentMissed,
                    BreakCause::PaymentReversed => PlanEnd::PaymentReversed,
                };
                self.change_plan(fact, (*plan_id).into(), |plan| plan.ended(PlanState::Broken, *on, Some(why)));
                self.plan(fact, Cause::PlanEnded, open, -1, *effective_on);
            }
            Event::PlanCancelled(PlanCancelled { plan_id, cause, open, on, effective_on, .. }) => {
                let (why, reason) = match cause {
                    CancelCause::Asked { reason } => (PlanEnd::Asked, Some(reason.to_string())),
                    CancelCause::Rebill => (PlanEnd::Rebill, None),
                    CancelCause::OpeningReversed => (PlanEnd::OpeningReversed, None),
                };
                self.change_plan(fact, (*plan_id).into(), |plan| {
                    plan.ended(PlanState::Cancelled, *on, Some(why));
                    plan.reason = reason;
                });
                self.plan(fact, Cause::PlanEnded, open, -1, *effective_on);
            }
            Event::PlanCompleted(PlanCompleted { plan_id, on }) => {
                self.change_plan(fact, (*plan_id).into(), |plan| plan.ended(PlanState::Completed, *on, None));
            }
            // None of these is owed by a customer: a late fee is when its invoice is.
            Event::AccountOpened(_)
            | Event::AccountReclassified(_)
            | Event::HolderRenamed(_)
            | Event::IdentityRecorded(_)
            | Event::LanguageChosen(_)
            | Event::AllocationPolicyChosen(_)
            | Event::CurrencyChosen(_)
            | Event::ContactAdded(_)
            | Event::ContactChanged(_)
            | Event::ContactRemoved(_)
            | Event::AddressAdded(_)
            | Event::AddressChanged(_)
            | Event::AddressRemoved(_)
            | Event::VatStatusSet(_)
            | Event::LinkedToLedger(_)
            | Event::SubsidyGranted(_)
            | Event::SubsidyEnded(_)
            | Event::ServiceBegun(_)
            | Event::ServiceEnded(_)
            | Event::MeterFitted(_)
            | Event::MeterTakenOff(_)
            | Event::ConnectionCleared(_)
            | Event::ConnectionWithdrawn(_)
            | Event::AccountSuspended(_)
            | Event::AccountResumed(_)
            | Event::AccountClosed(_)
            | Event::LateFeeAssessed(_)
            | Event::LateFeeWaived(_)
            | Event::RebillBegun(_)
            | Event::RebillEnded(_)
            | Event::ChequeCleared(_) => {}
        }
    }

    fn opened(&mut self, fact: &Recorded<BillingEvent>, event: &OpeningBalanceImported) {
        let OpeningBalanceImported { batch_id, row, as_of, items, unapplied_credit, deposit, .. } = event;
        let movement = |line, document| Movement { line, document, ..Movement::of(fact, Cause::Opening, *as_of) };
        for (number, item) in (0..).zip(items) {
            let id = ItemId::Opening { batch_id: *batch_id, row: *row, item: number };
            let document = item.document.to_string();
            self.items.insert(ItemRow {
                account_id: fact.stream.id(),
                item_id: item_id(id),
                reference: reference(&id),
                document: document.clone(),
                kind: to_name(&account::ChargeKind::Supply),
                invoice_id: None,
                currency: to_name(&item.amount.currency),
                amount: item.amount.minor,
                vat: 0,
                open: 0,
                planned: 0,
                issued_on: item.issued_on,
                due_on: item.due_on,
                disputed: false,
                written_off: 0,
                written_off_vat: 0,
                relieved: 0,
                given_up_on: None,
                position: position(fact),
            });
            self.pay(movement(i32::try_from(number).unwrap_or(i32::MAX), Some(document)), id, None, item.amount, 1);
        }
        if !unapplied_credit.is_zero() {
            let id = CreditId::Opening { batch_id: *batch_id, row: *row };
            self.credit(fact, id, None, *unapplied_credit, *as_of);
            self.spend(movement(AFTER_ITEMS, None), id, *unapplied_credit, 1);
        }
        let change = Change { deposit: deposit.minor, ..Change::default() };
        self.moved(movement(AFTER_CREDIT, None), deposit.currency, change);
    }

    /// Everything that the import brought is open again by now, and goes as it came.
    fn opening_reversed(&mut self, fact: &Recorded<BillingEvent>, event: &OpeningBalanceReversed) {
        let OpeningBalanceReversed { batch_id, row, balance, unapplied_credit, deposit, .. } = event;
        let on = fact.metadata.recorded_at.date_naive();
        let movement = |line| Movement { line, ..Movement::of(fact, Cause::OpeningReversed, on) };
        let mut owed = balance.minor + unapplied_credit.minor;
        for number in 0.. {
            let id = ItemId::Opening { batch_id: *batch_id, row: *row, item: number };
            let open = self.items.get(&(fact.stream.id(), item_id(id))).map(|item| Money::new(item.open, balance.currency));
            let Some(open) = open.filter(|_| owed > 0) else { break };
            owed -= open.minor;
            self.pay(movement(i32::try_from(number).unwrap_or(i32::MAX)), id, None, open, -1);
        }
        if !unapplied_credit.is_zero() {
            self.spend(movement(AFTER_ITEMS), CreditId::Opening { batch_id: *batch_id, row: *row }, *unapplied_credit, -1);
        }
        let change = Change { deposit: -deposit.minor, ..Change::default() };
        self.moved(movement(AFTER_CREDIT), deposit.currency, change);
    }

    fn charged(&mut self, fact: &Recorded<BillingEvent>, event: &AccountCharged) {
        let AccountCharged { invoice_id, debit_note_id: _, number, kind, amount, vat, supply: _, issued_on, due_on } = event;
        let (id, document) = (event.item(), number.to_string());
        self.items.insert(ItemRow {
            account_id: fact.stream.id(),
            item_id: item_id(id),
            reference: reference(&id),
            document: document.clone(),
            kind: to_name(kind),
            invoice_id: Some((*invoice_id).into()),
            currency: to_name(&amount.currency),
            amount: amount.minor,
            vat: vat.minor,
            open: 0,
            planned: 0,
            issued_on: *issued_on,
            due_on: *due_on,
            disputed: false,
            written_off: 0,
            written_off_vat: 0,
            relieved: 0,
            given_up_on: None,
            position: position(fact),
        });
        let movement = Movement { document: Some(document), ..Movement::of(fact, Cause::Charge, *issued_on) };
        self.pay(movement, id, None, *amount, 1);
    }

    /// A deposit is money of the customer's once it is released, and may be so in parts.
    fn deposit_released(&mut self, fact: &Recorded<BillingEvent>, event: &DepositReleased) {
        let DepositReleased { deposit_id, amount, on } = event;
        let id = CreditId::Deposit(*deposit_id);
        if self.credits.get(&(fact.stream.id(), credit_id(id))).is_none() {
            self.credit(fact, id, None, Money::zero(amount.currency), *on);
        }
        let movement = Movement { credit_id: Some(credit_id(id)), ..Movement::of(fact, Cause::DepositReleased, *on) };
        self.moved(movement, amount.currency, Change { unapplied: amount.minor, deposit: -amount.minor, ..Change::default() });
        if let Some(credit) = self.credits.get_mut(&(fact.stream.id(), credit_id(id))) {
            credit.amount += amount.minor;
            credit.unspent += amount.minor;
            credit.value_on = *on;
        }
    }

    /// A note that pays in its place pays what it no longer does.
    fn subsidy_taken_back(&mut self, fact: &Recorded<BillingEvent>, event: &SubsidyTakenBack) {
        let SubsidyTakenBack { subsidy_id, invoice_id, scheme, authority, amount, replaced_by, on } = event;
        let change = SubsidyChange { taken_back: amount.minor, ..SubsidyChange::default() };
        self.subsidy(fact, authority, amount.currency, *on, change);
        let (id, item) = (CreditId::Subsidy(*subsidy_id), ItemId::Invoice(*invoice_id));
        let movement = |line, cause| Movement { line, ..Movement::of(fact, cause, *on) };
        if let Some(note_id) = replaced_by {
            self.pay(movement(1, Cause::AllocationFreed), item, Some(id), *amount, 1);
            self.pay(movement(2, Cause::Allocation), item, Some(CreditId::CreditNote(*note_id)), *amount, -1);
        }
        self.spend(Movement { document: Some(scheme.to_string()), ..movement(0, Cause::SubsidyTakenBack) }, id, *amount, -1);
    }

    fn subsidy(
        &mut self,
        fact: &Recorded<BillingEvent>,
        authority: &Code,
        currency: Currency,
        effective_on: NaiveDate,
        change: SubsidyChange,
    ) {
        let (authority, currency, SubsidyChange { credited, taken_back, settled }) = (authority.to_string(), to_name(&currency), change);
        match self.subsidy_days.get_mut(&(authority.clone(), currency.clone(), effective_on)) {
            Some(day) => {
                day.credited += credited;
                day.taken_back += taken_back;
                day.settled += settled;
                day.position = position(fact);
            }
            None => self.subsidy_days.put(SubsidyDayRow {
                authority: authority.clone(),
                currency: currency.clone(),
                effective_on,
                credited,
                taken_back,
                settled,
                position: position(fact),
            }),
        }
        self.subsidies.add(SubsidyRow { position: position(fact), authority, currency, credited, taken_back, settled, effective_on });
    }

    fn credit(&mut self, fact: &Recorded<BillingEvent>, id: CreditId, document: Option<String>, amount: Money, value_on: NaiveDate) {
        self.credits.put(CreditRow {
            account_id: fact.stream.id(),
            credit_id: credit_id(id),
            reference: reference(&id),
            kind: to_name(&CreditKind::of(id)),
            document,
            currency: to_name(&amount.currency),
            amount: amount.minor,
            unspent: 0,
            value_on,
            position: position(fact),
        });
    }

    /// What an item is open by, and with it what is left of a credit if one pays or is freed.
    fn pay(&mut self, movement: Movement, item: ItemId, credit: Option<CreditId>, amount: Money, sign: i64) {
        let change = sign * amount.minor;
        let Some(item) = self.items.get_mut(&(movement.account_id, item_id(item))) else { return };
        item.open += change;
        let planned = if movement.under_plan { change } else { 0 };
        item.planned += planned;
        let movement = Movement { item_id: Some(item.item_id), due_on: Some(item.due_on), ..movement };
        let key = (month(item.issued_on), item.due_on, item.currency.clone());
        self.add_to_cohort(key, movement.position, |cohort| match (movement.cause, credit) {
            (Cause::Opening | Cause::OpeningReversed | Cause::Charge, _) => cohort.charged += change,
            (Cause::DebtWrittenOff | Cause::DebtRecovered, _) => cohort.written_off -= change,
            (_, Some(CreditId::CreditNote(_) | CreditId::Compensation(_))) => cohort.credited -= change,
            (_, _) => cohort.paid -= change,
        });
        match credit {
            Some(credit) => {
                self.change_credit(movement.account_id, credit, change);
                let movement = Movement { credit_id: Some(credit_id(credit)), ..movement };
                self.moved(movement, amount.currency, Change { owed: change, planned, unapplied: change, deposit: 0 });
            }
            None => self.moved(movement, amount.currency, Change { owed: change, ..Change::default() }),
        }
    }

    fn change_item(&mut self, fact: &Recorded<BillingEvent>, id: ItemId, change: impl FnOnce(&mut ItemRow)) {
        if let Some(item) = self.items.get_mut(&(fact.stream.id(), item_id(id))) {
            change(item);
        }
    }

    fn add_to_cohort(&mut self, key: (NaiveDate, NaiveDate, String), position: i64, add: impl FnOnce(&mut CohortRow)) {
        match self.cohorts.get_mut(&key) {
            Some(cohort) => {
                add(cohort);
                cohort.position = position;
            }
            None => {
                let (issued_in, due_on, currency) = key;
                let mut cohort = CohortRow { issued_in, due_on, currency, charged: 0, paid: 0, credited: 0, written_off: 0, position };
                add(&mut cohort);
                self.cohorts.put(cohort);
            }
        }
    }

    fn plan_agreed(&mut self, fact: &Recorded<BillingEvent>, event: &PlanAgreed) {
        let PlanAgreed { plan_id, covered, total, down_payment, instalments, grace_days: _, on, effective_on } = event;
        let (account_id, plan_id, position) = (fact.stream.id(), (*plan_id).into(), position(fact));
        self.plans.insert(PlanRow {
            account_id,
            plan_id,
            currency: to_name(&total.currency),
            total: total.minor,
            paid: 0,
            down_payment_id: down_payment.map(|DownPayment { payment_id, .. }| payment_id.into()),
            down_payment: down_payment.map(|DownPayment { amount, .. }| amount.minor),
            agreed_on: *on,
            state: to_name(&PlanState::Running),
            warned_on: None,
            ended_on: None,
            ended_because: None,
            reason: None,
            position,
        });
        for (number, instalment) in (1..).zip(instalments) {
            let (due_on, amount) = (instalment.due_on, instalment.amount.minor);
            self.instalments.add(InstalmentRow { account_id, plan_id, number, due_on, amount, position });
        }
        self.plan(fact, Cause::PlanAgreed, covered, 1, *effective_on);
    }

    fn change_plan(&mut self, fact: &Recorded<BillingEvent>, plan_id: Uuid, change: impl FnOnce(&mut PlanRow)) {
        if let Some(plan) = self.plans.get_mut(&(fact.stream.id(), plan_id)) {
            change(plan);
            plan.position = position(fact);
        }
    }

    /// What comes under a plan, or is no longer: an item a line, and nothing of it owed more or less.
    fn plan(&mut self, fact: &Recorded<BillingEvent>, cause: Cause, items: &[Covered], sign: i64, effective_on: NaiveDate) {
        for (line, Covered { item, amount }) in (0..).zip(items) {
            let movement = Movement { line, ..Movement::of(fact, cause, effective_on) };
            let planned = sign * amount.minor;
            let Some(item) = self.items.get_mut(&(movement.account_id, item_id(*item))) else { continue };
            item.planned += planned;
            let movement = Movement { item_id: Some(item.item_id), due_on: Some(item.due_on), ..movement };
            self.moved(movement, amount.currency, Change { planned, ..Change::default() });
        }
    }

    /// What is left of a credit, by itself.
    fn spend(&mut self, movement: Movement, credit: CreditId, amount: Money, sign: i64) {
        let change = sign * amount.minor;
        self.change_credit(movement.account_id, credit, change);
        let movement = Movement { credit_id: Some(credit_id(credit)), ..movement };
        self.moved(movement, amount.currency, Change { unapplied: change, ..Change::default() });
    }

    fn change_credit(&mut self, account_id: Uuid, credit: CreditId, change: i64) {
        if let Some(credit) = self.credits.get_mut(&(account_id, credit_id(credit))) {
            credit.unspent += change;
        }
    }

    fn moved(&mut self, movement: Movement, currency: Currency, change: Change) {
        let Movement { position, line, account_id, cause, document, item_id, credit_id, due_on, effective_on, under_plan: _ } = movement;
        let (cause, currency, Change { owed, planned, unapplied, deposit }) = (to_name(&cause), to_name(&currency), change);
        if (owed, planned, unapplied, deposit) != (0, 0, 0, 0) {
            let row = MovementRow {
                position,
                line,
                account_id,
                cause,
                document,
                item_id,
                credit_id,
                currency,
                owed,
                planned,
                unapplied,
                deposit,
                due_on,
                effective_on,
            };
            self.movements.add(row);
        }
    }

    fn dispute(&mut self, fact: &Recorded<BillingEvent>, item: ItemId, disputed: bool, effective_on: NaiveDate, reason: &Reason) {
        let (account_id, position, item_id) = (fact.stream.id(), position(fact), item_id(item));
        self.disputes.add(DisputeRow { account_id, item_id, disputed, reason: reason.to_string(), effective_on, position });
        if let Some(item) = self.items.get_mut(&(account_id, item_id)) {
            item.disputed = disputed;
        }
    }
}

/// A movement but for its amounts.
struct Movement {
    position: i64,
    line: i32,
    account_id: Uuid,
    cause: Cause,
    document: Option<String>,
    item_id: Option<Uuid>,
    credit_id: Option<Uuid>,
    due_on: Option<NaiveDate>,
    effective_on: NaiveDate,
    /// Its item is.
    under_plan: bool,
}

impl PlanRow {
    fn ended(&mut self, state: PlanState, on: NaiveDate, because: Option<PlanEnd>) {
        self.state = to_name(&state);
        self.ended_on = Some(on);
        self.ended_because = because.map(|because| to_name(&because));
    }
}

impl Movement {
    fn of(fact: &Recorded<BillingEvent>, cause: Cause, effective_on: NaiveDate) -> Self {
        let (position, account_id) = (position(fact), fact.stream.id());
        let (document, item_id, credit_id, due_on) = (None, None, None, None);
        Self { position, line: 0, account_id, cause, document, item_id, credit_id, due_on, effective_on, under_plan: false }
    }
}

/// Where an opening balance has more lines than items: none has as many.
const AFTER_ITEMS: i32 = i32::MAX - 1;
const AFTER_CREDIT: i32 = i32::MAX;

/// Documents have ids of their own; an opening item gets one from where it stands in its file.
fn item_id(id: ItemId) -> Uuid {
    match id {
        ItemId::Opening { batch_id, row, item } => Uuid::new_v5(&batch_id.into(), format!("{row}/{item}").as_bytes()),
        ItemId::Invoice(invoice_id) => invoice_id.into(),
        ItemId::DebitNote(note_id) => note_id.into(),
    }
}

fn credit_id(id: CreditId) -> Uuid {
    match id {
        CreditId::Opening { batch_id, row } => Uuid::new_v5(&batch_id.into(), row.to_string().as_bytes()),
        CreditId::Payment(payment_id) => payment_id.into(),
        CreditId::CreditNote(note_id) => note_id.into(),
        CreditId::Deposit(deposit_id) => deposit_id.into(),
        CreditId::Compensation(disconnection_id) => disconnection_id.into(),
        CreditId::Subsidy(subsidy_id) => subsidy_id.into(),
    }
}

/// As events write it.
fn reference<T: Serialize>(id: &T) -> String {
    String::from_utf8_lossy(&daftar_domain::write(id)).into_owned()
}
