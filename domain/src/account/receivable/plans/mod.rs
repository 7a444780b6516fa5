//! Instalment plans: a debt that is due, divided into parts with dates of their own.
//!
//! A plan is a promise about items that stay what they are. It changes in which account of the books they stand, what may be asked for, and which
//! of them a payment reaches first; their dates stay, so that a plan that is broken leaves the debt as old as it is (decision 34).

mod rule;

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

pub use rule::{PlanRule, PlanRuleError, PlanRuleTerms, Remainder};

use super::{Account, Allocated, AllocationPolicy, CreditId, Draft, Event, FreeCause, Item, ItemId, Posting, Receivable, Rejection};
use crate::{
    Currency, Money, Reason,
    ids::{InstalmentPlanId, PaymentId},
};

/// One plan runs at a time. What falls due beside it is asked for as ever.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgreePlan {
    pub plan_id: InstalmentPlanId,
    /// What it covers: if none is named, all that is due on the day and may be paid.
    pub items: Vec<ItemId>,
    /// The payment by which the customer has paid down what the rule asks for: the plan is about the rest.
    pub down_payment: Option<PaymentId>,
    pub instalments: u32,
    /// From here a month lies between one instalment and the next.
    pub first_on: NaiveDate,
    pub rule: PlanRule,
    pub on: NaiveDate,
}

/// Wished at the end of every day: whether an instalment was missed, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReviewPlan {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelPlan {
    pub plan_id: InstalmentPlanId,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// The instalments sum to what is covered, to the last minor unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanAgreed {
    pub plan_id: InstalmentPlanId,
    pub covered: Vec<Covered>,
    pub total: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_payment: Option<DownPayment>,
    pub instalments: Vec<Instalment>,
    /// From the warning about a missed instalment to the end of the plan.
    pub grace_days: u32,
    pub on: NaiveDate,
    /// When the books move.
    pub effective_on: NaiveDate,
}

/// What is open of an item, when a plan begins and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    pub item: ItemId,
    pub amount: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instalment {
    pub due_on: NaiveDate,
    pub amount: Money,
}

/// What of a payment had paid debts when the plan was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownPayment {
    pub payment_id: PaymentId,
    pub amount: Money,
}

/// A warning: the plan is broken if the instalment is not paid within its days of grace. One for each instalment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalmentMissed {
    pub plan_id: InstalmentPlanId,
    pub due_on: NaiveDate,
    /// Of this instalment and those that were due since.
    pub missing: Money,
    pub on: NaiveDate,
}

/// What is left of the debt is due again, on the dates on which it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanBroken {
    pub plan_id: InstalmentPlanId,
    pub cause: BreakCause,
    /// What was open under the plan: nothing, if it had been paid with money that turned out not to have come.
    pub open: Vec<Covered>,
    pub remaining: Money,
    pub on: NaiveDate,
    /// When the books move.
    pub effective_on: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BreakCause {
    InstalmentMissed {
        due_on: NaiveDate,
    },
    /// A payment that had paid of the covered debt, or the down payment.
    PaymentReversed,
}

/// It ends without a reproach; the debt is due on the dates on which it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanCancelled {
    pub plan_id: InstalmentPlanId,
    pub cause: CancelCause,
    pub open: Vec<Covered>,
    pub remaining: Money,
    pub on: NaiveDate,
    /// When the books move.
    pub effective_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CancelCause {
    Asked {
        reason: Reason,
    },
    /// What was covered is billed anew: the plan was about a debt that is another.
    Rebill,
    OpeningReversed,
}

/// All that was covered is paid, in time or early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanCompleted {
    pub plan_id: InstalmentPlanId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug)]
pub struct Plan {
    agreed: PlanAgreed,
    /// Of the total: by money, or by credit notes for what was covered.
    paid: Money,
    warned: Option<Warning>,
    state: PlanState,
}

#[derive(Clone, Copy, Debug)]
struct Warning {
    due_on: NaiveDate,
    on: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    Running,
    Completed,
    Broken { on: NaiveDate },
    Cancelled,
}

impl Plan {
    pub fn agreed(&self) -> &PlanAgreed {
        &self.agreed
    }

    pub fn state(&self) -> PlanState {
        self.state
    }

    pub fn paid(&self) -> Money {
        self.paid
    }

    /// What the first instalments come to, as many as `due` says of their dates.
    fn sum(&self, due: impl Fn(NaiveDate) -> bool) -> i64 {
        self.agreed.instalments.iter().filter(|instalment| due(instalment.due_on)).map(|instalment| instalment.amount.minor).sum()
    }

    /// What a payment on that day pays before other debts: what is due, and the instalment that falls due next.
    fn current(&self, on: NaiveDate) -> i64 {
        let next = self.agreed.instalments.iter().map(|instalment| instalment.due_on).find(|due_on| on <= *due_on);
        self.sum(|due_on| next.is_none_or(|next| due_on <= next)) - self.paid.minor
    }

    /// The first instalment that is not paid in full.
    fn unpaid(&self) -> Option<Instalment> {
        let mut sum = 0;
        self.agreed.instalments.iter().copied().find(|instalment| {
            sum += instalment.amount.minor;
            self.paid.minor < sum
        })
    }
}

impl Posting for PlanAgreed {
    fn post(&self, receivable: &mut Receivable) {
        for Covered { item, .. } in &self.covered {
            receivable.change_item(*item, |item| item.plan = Some(self.plan_id));
        }
        let paid = Money::zero(self.total.currency);
        receivable.plans.insert(self.plan_id, Plan { agreed: self.clone(), paid, warned: None, state: PlanState::Running });
    }
}

impl Posting for InstalmentMissed {
    fn post(&self, receivable: &mut Receivable) {
        if let Some(plan) = receivable.plans.get_mut(&self.plan_id) {
            plan.warned = Some(Warning { due_on: self.due_on, on: self.on });
        }
    }
}

impl Posting for PlanBroken {
    fn post(&self, receivable: &mut Receivable) {
        receivable.end_plan(self.plan_id, PlanState::Broken { on: self.on });
    }
}

impl Posting for PlanCancelled {
    fn post(&self, receivable: &mut Receivable) {
        receivable.end_plan(self.plan_id, PlanState::Cancelled);
    }
}

impl Posting for PlanCompleted {
    fn post(&self, receivable: &mut Receivable) {
        receivable.end_plan(self.plan_id, PlanState::Completed);
    }
}

impl Receivable {
    /// The plan that runs.
    pub fn plan(&self) -> Option<&Plan> {
        self.plans.values().find(|plan| plan.state == PlanState::Running)
    }

    pub(super) fn plan_of(&self, item: &Item) -> Option<&Plan> {
        item.plan.and_then(|plan_id| self.plans.get(&plan_id))
    }

    /// Every plan there ever was, in the order of their ids.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.plans.values()
    }

    /// What is open of items under a plan: part of what is [due](Self::due).
    pub fn planned(&self, currency: Currency) -> Money {
        Money::new(self.items.values().filter(|item| item.plan.is_some()).map(|item| item.open.minor).sum(), currency)
    }

    /// By credit, to whichever plan its item was under.
    pub(super) fn plan_paid(&mut self, plan_id: Option<InstalmentPlanId>, amount: Money) {
        if let Some(plan) = plan_id.and_then(|plan_id| self.plans.get_mut(&plan_id)) {
            plan.paid.minor += amount.minor;
        }
    }

    fn end_plan(&mut self, plan_id: InstalmentPlanId, state: PlanState) {
        if let Some(plan) = self.plans.get_mut(&plan_id) {
            plan.state = state;
        }
        for item in self.items.values_mut().filter(|item| item.plan == Some(plan_id)) {
            item.plan = None;
        }
    }

    fn open_under(&self, plan_id: InstalmentPlanId) -> Vec<Covered> {
        let items = self.items.iter().filter(|(_, item)| item.plan == Some(plan_id) && !item.open.is_zero());
        items.map(|(id, item)| Covered { item: *id, amount: item.open }).collect()
    }

    /// The books do not move back before the last time that they did.
    fn after_allocations(&self, items: impl IntoIterator<Item = ItemId>, on: NaiveDate) -> NaiveDate {
        let of = |id| self.allocations.range((id, CreditId::FIRST)..).take_while(move |((item, _), _)| *item == id);
        items.into_iter().flat_map(of).map(|(_, allocated)| allocated.effective_on).fold(on, NaiveDate::max)
    }

    /// What a plan may cover: nothing in dispute, and nothing of which a part was given up.
    fn may_be_covered(item: &Item, on: NaiveDate) -> bool {
        item.is_payable() && item.plan.is_none() && item.written_off.is_zero() && item.issued_on <= on
    }

    /// What of the payment has paid debts, unless it came before the debt was due or has opened another plan.
    fn paid_down(&self, payment_id: PaymentId, since: NaiveDate, currency: Currency) -> Result<DownPayment, Rejection> {
        let payment = self.payments.get(&payment_id).ok_or(Rejection::NoSuchPayment)?;
        if payment.reversed {
            return Err(Rejection::PaymentWasReversed);
        }
        let credit_id = CreditId::Payment(payment_id);
        let late_enough = self.credits.get(&credit_id).is_some_and(|credit| since <= credit.value_on);
        let used = |plan: &Plan| plan.agreed.down_payment.is_some_and(|before| before.payment_id == payment_id);
        let counts = late_enough && !self.plans.values().any(used);
        let paid = self.allocations.iter().filter(|((_, credit), _)| counts && *credit == credit_id);
        Ok(DownPayment { payment_id, amount: Money::new(paid.map(|(_, paid)| paid.amount.minor).sum(), currency) })
    }
}

impl Item {
    /// What is done to a debt as a whole is not done to one that is being paid in parts.
    pub(super) fn is_on_no_plan(&self) -> Result<(), Rejection> {
        self.plan.map_or(Ok(()), |plan_id| Err(Rejection::OnAPlan(plan_id)))
    }
}

impl Draft {
    /// Pays what the plan covers, up to an amount, the oldest first.
    pub(super) fn pay_plan(&mut self, credit: CreditId, mut up_to: i64, on: NaiveDate) {
        for (id, item) in self.payable(AllocationPolicy::OldestDue).into_iter().filter(|(_, item)| item.plan.is_some()) {
            let left = self.receivable.credits.get(&credit).map_or(0, |credit| credit.left.minor);
            let part = left.min(item.open.minor).min(up_to);
            self.allocate(credit, id, part, on);
            up_to -= part.max(0);
        }
    }

    /// What a payment pays of the plan before anything else.
    pub(super) fn current_instalment(&self, on: NaiveDate) -> i64 {
        self.receivable.plan().map_or(0, |plan| plan.current(on))
    }

    /// After each payment.
    pub(super) fn complete_plan(&mut self, on: NaiveDate) {
        if let Some(plan) = self.receivable.plan()
            && plan.paid == plan.agreed.total
        {
            let plan_id = plan.agreed.plan_id;
            self.record(PlanCompleted { plan_id, on });
        }
    }

    /// Ends a plan before what it covers is opened again, so that what is freed is never under one. A payment that had paid of a plan and is
    /// taken back breaks it, also if nothing was left of it.
    pub(super) fn stop_plans(&mut self, freed: &[((ItemId, CreditId), Allocated)], cause: FreeCause, on: NaiveDate) {
        let plan_of = |id: &ItemId| self.receivable.items.get(id).and_then(|item| item.plan);
        let mut hit: BTreeSet<_> = freed.iter().filter_map(|((item, _), _)| plan_of(item)).collect();
        match cause {
            FreeCause::PaymentReversed => {
                hit.extend(freed.iter().filter_map(|(_, allocated)| allocated.plan));
                let paid_down = |plan: &&Plan| {
                    plan.agreed.down_payment.is_some_and(|down| freed.iter().any(|((_, id), _)| *id == CreditId::Payment(down.payment_id)))
                };
                hit.extend(self.receivable.plans.values().filter(paid_down).map(|plan| plan.agreed.plan_id));
                hit.into_iter().for_each(|plan_id| self.break_plan(plan_id, BreakCause::PaymentReversed, on));
            }
            FreeCause::Rebill => hit.into_iter().for_each(|plan_id| self.cancel_plan(plan_id, CancelCause::Rebill, on)),
            FreeCause::OpeningReversed => hit.into_iter().for_each(|plan_id| self.cancel_plan(plan_id, CancelCause::OpeningReversed, on)),
        }
    }

    /// The same because of an item that is about to go.
    pub(super) fn stop_plan_over(&mut self, items: impl Fn(ItemId) -> bool, cause: &CancelCause, on: NaiveDate) {
        let hit: BTreeSet<_> = self.receivable.items.iter().filter(|(id, _)| items(**id)).filter_map(|(_, item)| item.plan).collect();
        hit.into_iter().for_each(|plan_id| self.cancel_plan(plan_id, cause.clone(), on));
    }

    fn break_plan(&mut self, plan_id: InstalmentPlanId, cause: BreakCause, on: NaiveDate) {
        let Some(plan) = self.receivable.plans.get(&plan_id) else { return };
        match plan.state {
            PlanState::Running | PlanState::Completed => {
                let on = on.max(plan.agreed.on);
                let (open, remaining, effective_on) = self.left_of(plan, on);
                self.record(PlanBroken { plan_id, cause, open, remaining, on, effective_on });
            }
            PlanState::Broken { .. } | PlanState::Cancelled => {}
        }
    }

    fn cancel_plan(&mut self, plan_id: InstalmentPlanId, cause: CancelCause, on: NaiveDate) {
        let Some(plan) = self.receivable.plans.get(&plan_id) else { return };
        match plan.state {
            PlanState::Running => {
                let on = on.max(plan.agreed.on);
                let (open, remaining, effective_on) = self.left_of(plan, on);
                self.record(PlanCancelled { plan_id, cause, open, remaining, on, effective_on });
            }
            PlanState::Completed | PlanState::Broken { .. } | PlanState::Cancelled => {}
        }
    }

    fn left_of(&self, plan: &Plan, on: NaiveDate) -> (Vec<Covered>, Money, NaiveDate) {
        let PlanAgreed { plan_id, covered, total, effective_on, .. } = &plan.agreed;
        let open = self.receivable.open_under(*plan_id);
        let remaining = Money::new(open.iter().map(|covered| covered.amount.minor).sum(), total.currency);
        let items = covered.iter().map(|covered| covered.item);
        (open, remaining, self.receivable.after_allocations(items, on.max(*effective_on)))
    }
}

impl Account {
    pub(in crate::account) fn agree_plan(&self, wish: AgreePlan) -> Result<Vec<Event>, Rejection> {
        let currency = self.holder()?.currency;
        let AgreePlan { plan_id, items, down_payment, instalments, first_on, rule, on } = wish;
        if let Some(already) = self.receivable.plans.get(&plan_id) {
            let before = &already.agreed;
            let same = usize::try_from(instalments) == Ok(before.instalments.len())
                && rule.dates(first_on, instalments).into_iter().eq(before.instalments.iter().map(|instalment| instalment.due_on))
                && (before.on, before.down_payment.map(|before| before.payment_id)) == (on, down_payment)
                && (items.is_empty()
                    || items.iter().collect::<BTreeSet<_>>() == before.covered.iter().map(|covered| &covered.item).collect());
            return if same { Ok(vec![]) } else { Err(Rejection::PlanIdReused) };
        }
        if let Some(running) = self.receivable.plan() {
            return Err(Rejection::PlanRuns(running.agreed.plan_id));
        }
        let broken = self.receivable.plans.values().filter_map(|plan| match plan.state {
            PlanState::Broken { on } => rule.another_from(on),
            PlanState::Running | PlanState::Completed | PlanState::Cancelled => None,
        });
        if let Some(from) = broken.max().filter(|from| on < *from) {
            return Err(Rejection::PlanBrokenBefore { from });
        }
        if instalments == 0 || rule.most_instalments() < instalments {
            return Err(Rejection::TooManyInstalments { most: rule.most_instalments() });
        }
        let last = on.checked_add_days(Days::new(rule.first_within_days().into())).unwrap_or(on);
        if first_on <= on || last < first_on {
            return Err(Rejection::FirstInstalmentTooLate { last });
        }
        let mut draft = self.draft();
        draft.use_credit(on);
        let named: BTreeSet<_> = items.into_iter().collect();
        for id in &named {
            let item = draft.receivable.items.get(id).ok_or(Rejection::NoSuchItem)?;
            if !Receivable::may_be_covered(item, on) {
                return Err(Rejection::NotForAPlan);
            }
        }
        let covered = draft.receivable.items.iter().filter(|(id, item)| match named.is_empty() {
            true => item.due_on <= on && Receivable::may_be_covered(item, on),
            false => named.contains(id),
        });
        let covered: Vec<_> = covered.map(|(id, item)| (Covered { item: *id, amount: item.open }, item.due_on)).collect();
        let total = Money::new(covered.iter().map(|(covered, _)| covered.amount.minor).sum(), currency);
        let since = covered.iter().map(|(_, due_on)| *due_on).min().unwrap_or(on);
        let down_payment = down_payment.map(|payment_id| draft.receivable.paid_down(payment_id, since, currency)).transpose()?;
        let paid_down = down_payment.map_or(0, |down_payment| down_payment.amount.minor);
        let debt = Money::new(total.minor + paid_down, currency);
        if let Some(least) = rule.refuses(debt) {
            return Err(Rejection::DebtTooSmall { least });
        }
        let least = rule.down_payment(debt);
        if paid_down < least.minor {
            return Err(Rejection::DownPaymentTooSmall { least });
        }
        let instalments =
            rule.divide(total, first_on, instalments).ok_or(Rejection::DebtTooSmall { least: Money::new(instalments.into(), currency) })?;
        let covered: Vec<_> = covered.into_iter().map(|(covered, _)| covered).collect();
        let effective_on = draft.receivable.after_allocations(covered.iter().map(|covered| covered.item), on);
        draft.record(PlanAgreed { plan_id, covered, total, down_payment, instalments, grace_days: rule.grace_days(), on, effective_on });
        Ok(draft.facts)
    }

    /// A day that is ended late finds no more than it would have found in time, and an older one nothing.
    pub(in crate::account) fn review_plan(&self, wish: ReviewPlan) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let ReviewPlan { on } = wish;
        let Some(plan) = self.receivable.plan() else { return Ok(vec![]) };
        let (plan_id, mut draft) = (plan.agreed.plan_id, self.draft());
        let Some(missed) = plan.unpaid().filter(|instalment| instalment.due_on < on) else { return Ok(vec![]) };
        let warned_on = match plan.warned.filter(|warned| warned.due_on == missed.due_on) {
            Some(warned) => warned.on,
            None => {
                let missing = Money::new(plan.sum(|due_on| due_on < on) - plan.paid.minor, missed.amount.currency);
                draft.record(InstalmentMissed { plan_id, due_on: missed.due_on, missing, on });
                on
            }
        };
        let patience = warned_on.checked_add_days(Days::new(plan.agreed.grace_days.into()));
        if patience.is_some_and(|patience| patience <= on) {
            draft.break_plan(plan_id, BreakCause::InstalmentMissed { due_on: missed.due_on }, on);
        }
        Ok(draft.facts)
    }

    pub(in crate::account) fn cancel_plan(&self, wish: CancelPlan) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let CancelPlan { plan_id, on, reason } = wish;
        if !self.receivable.plans.contains_key(&plan_id) {
            return Err(Rejection::NoSuchPlan);
        }
        let mut draft = self.draft();
        draft.cancel_plan(plan_id, CancelCause::Asked { reason }, on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests;
