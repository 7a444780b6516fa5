//! Which credit pays which item.
//!
//! After every decision that moves money, what can be used is used: no item that may be paid stands beside a credit that could pay it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Allocated, CreditId, Draft, Event, Item, ItemId, Posting, Receivable, Rejection};
use crate::{
    Money,
    ids::{InstalmentPlanId, InvoiceId},
    share,
};

/// Which items come first when nobody says. Each account has its own, which the company's terms give to its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AllocationPolicy {
    #[default]
    OldestDue,
    /// By what they are for, in the order of [`ChargeKind`](super::ChargeKind): costs before fees before supply. Then the oldest.
    Priority,
    /// All of them, each in proportion to what is open.
    ProRata,
}

/// From now on: what is paid already stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChooseAllocationPolicy {
    pub policy: AllocationPolicy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationPolicyChosen {
    pub policy: AllocationPolicy,
}

/// A credit paid an item, wholly or in part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditAllocated {
    pub credit: CreditId,
    pub item: ItemId,
    pub amount: Money,
    /// The part that paid VAT: in proportion, and the last allocation takes what is left of both.
    pub vat: Money,
    /// Of the item, afterwards.
    pub still_due: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
    /// When the money counts as paid: what lateness is judged by, also where it is allocated anew years later.
    pub paid_on: NaiveDate,
    /// When the books move.
    pub effective_on: NaiveDate,
    /// The plan that the item is under: another account of the books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<InstalmentPlanId>,
}

/// All that a credit had paid of an item is open again, due as it was. A plan that covers the item has ended before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationFreed {
    pub credit: CreditId,
    pub item: ItemId,
    pub amount: Money,
    pub vat: Money,
    /// Of the item, afterwards.
    pub still_due: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
    pub cause: FreeCause,
    pub effective_on: NaiveDate,
}

/// What the invoice is told: how much of it and of its debit notes is paid, or given up, in all. Its own credit notes are not among what
/// pays it: they lower what is to be paid, and what of them pays something else is off what was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    pub invoice_id: InvoiceId,
    pub total: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FreeCause {
    PaymentReversed,
    /// The credit waits for what replaces the item.
    Rebill,
    OpeningReversed,
}

impl Posting for AllocationPolicyChosen {
    fn post(&self, receivable: &mut Receivable) {
        receivable.policy = self.policy;
    }
}

impl Posting for CreditAllocated {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.reduce(self.amount, self.vat));
        receivable.change_credit(self.credit, |credit| credit.left.minor -= self.amount.minor);
        receivable.plan_paid(self.plan, self.amount);
        let none = Allocated {
            amount: Money::zero(self.amount.currency),
            vat: Money::zero(self.vat.currency),
            effective_on: self.effective_on,
            plan: None,
        };
        let allocated = receivable.allocations.entry((self.item, self.credit)).or_insert(none);
        allocated.amount.minor += self.amount.minor;
        allocated.vat.minor += self.vat.minor;
        allocated.effective_on = allocated.effective_on.max(self.effective_on);
        allocated.plan = self.plan.or(allocated.plan);
    }
}

impl Posting for AllocationFreed {
    fn post(&self, receivable: &mut Receivable) {
        receivable.allocations.remove(&(self.item, self.credit));
        receivable.change_item(self.item, |item| item.reopen(self.amount, self.vat));
        receivable.change_credit(self.credit, |credit| {
            credit.left.minor += self.amount.minor;
            match self.cause {
                FreeCause::Rebill => {
                    credit.held_for.insert(self.item);
                }
                FreeCause::PaymentReversed | FreeCause::OpeningReversed => {}
            }
        });
    }
}

impl Account {
    pub(in crate::account) fn choose_allocation_policy(&self, wish: ChooseAllocationPolicy) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let ChooseAllocationPolicy { policy } = wish;
        if self.receivable.policy == policy { Ok(vec![]) } else { Ok(vec![AllocationPolicyChosen { policy }.into()]) }
    }
}

impl Receivable {
    /// What the invoice of an item is told when `change` more is paid of the item by a credit.
    ///
    /// Its own credit notes have lowered what is to be paid. What the account did not need of them has gone elsewhere, and so much of what
    /// others paid is not this invoice's any more: what it has left is what is open here.
    fn echo(&self, item: ItemId, credit: CreditId, change: i64) -> Option<Echo> {
        let invoice_id = self.items.get(&item)?.invoice_id?;
        let own = |credit: CreditId| match credit {
            CreditId::CreditNote(note_id) => self.credit_notes.get(&note_id).is_some_and(|(of, _)| *of == invoice_id),
            CreditId::Opening { .. } | CreditId::Payment(_) | CreditId::Deposit(_) | CreditId::Compensation(_) | CreditId::Subsidy(_) => {
                false
            }
        };
        let credited: i64 = self.credit_notes.values().filter(|(of, _)| *of == invoice_id).map(|(_, amount)| amount.minor).sum();
        let ids = self.items.iter().filter(|(_, item)| item.invoice_id == Some(invoice_id)).map(|(id, _)| *id);
        let paid = ids.flat_map(|id| self.allocations.range((id, CreditId::FIRST)..).take_while(move |((item, _), _)| *item == id));
        let (mut by_own, mut by_others) = (0, 0);
        for (paid_by, minor) in paid.map(|((_, credit), allocated)| (*credit, allocated.amount.minor)).chain([(credit, change)]) {
            *(if own(paid_by) { &mut by_own } else { &mut by_others }) += minor;
        }
        let surplus = credited - by_own;
        Some(Echo { invoice_id, total: Money::new((by_others - surplus).max(0), self.items.get(&item)?.amount.currency) })
    }
}

impl Draft {
    /// Pays with every credit that may be used what may be paid, the oldest money first, in the account's order.
    pub(super) fn use_credit(&mut self, on: NaiveDate) {
        self.use_credit_by(self.receivable.policy, on);
    }

    pub(super) fn use_credit_by(&mut self, policy: AllocationPolicy, on: NaiveDate) {
        let mut usable: Vec<_> =
            self.receivable.credits.iter().filter(|(_, credit)| credit.is_usable()).map(|(id, credit)| (credit.value_on, *id)).collect();
        usable.sort_unstable();
        for (_, credit) in usable {
            self.spend(credit, policy, on);
        }
    }

    /// Pays these items first, one after the other, whatever would otherwise keep them from being paid.
    pub(super) fn direct(&mut self, credit: CreditId, items: &[ItemId], on: NaiveDate) {
        for &id in items {
            let left = self.receivable.credits.get(&credit).map_or(0, |credit| credit.left.minor);
            let open = self.receivable.items.get(&id).map_or(0, |item| item.open.minor);
            self.allocate(credit, id, left.min(open), on);
        }
    }

    /// The plan's current instalment first, then what else is open, and what is left pays the plan early.
    fn spend(&mut self, credit: CreditId, policy: AllocationPolicy, on: NaiveDate) {
        self.pay_plan(credit, self.current_instalment(on), on);
        let payable: Vec<_> = self.payable(policy).into_iter().filter(|(_, item)| item.plan.is_none()).collect();
        let ids: Vec<_> = payable.iter().map(|(id, _)| *id).collect();
        match policy {
            AllocationPolicy::OldestDue | AllocationPolicy::Priority => self.direct(credit, &ids, on),
            AllocationPolicy::ProRata => {
                let Some(left) = self.receivable.credits.get(&credit).map(|credit| credit.left) else { return };
                let open: Vec<_> = payable.iter().map(|(_, item)| item.open).collect();
                for (id, share) in ids.into_iter().zip(shares(left, &open)) {
                    self.allocate(credit, id, share.minor, on);
                }
            }
        }
        self.pay_plan(credit, i64::MAX, on);
    }

    pub(super) fn payable(&self, policy: AllocationPolicy) -> Vec<(ItemId, Item)> {
        let mut payable: Vec<_> =
            self.receivable.items.iter().filter(|(_, item)| item.is_payable()).map(|(id, item)| (*id, *item)).collect();
        payable.sort_by_key(|(id, item)| {
            let rank = match policy {
                AllocationPolicy::Priority => Some(item.kind),
                AllocationPolicy::OldestDue | AllocationPolicy::ProRata => None,
            };
            (rank, item.due_on, item.issued_on, *id)
        });
        payable
    }

    pub(super) fn allocate(&mut self, credit_id: CreditId, item_id: ItemId, minor: i64, on: NaiveDate) {
        let (Some(credit), Some(item)) = (self.receivable.credits.get(&credit_id), self.receivable.items.get(&item_id)) else { return };
        if minor <= 0 {
            return;
        }
        let currency = item.open.currency;
        // Nothing is paid before it is owed, nor under a plan that is not agreed, nor with money that has not come.
        let effective_on = on.max(credit.value_on).max(item.issued_on);
        let effective_on = self.receivable.plan_of(item).map_or(effective_on, |plan| effective_on.max(plan.agreed().effective_on));
        let fact = CreditAllocated {
            credit: credit_id,
            item: item_id,
            amount: Money::new(minor, currency),
            vat: share::proportion(item.open_vat, minor.unsigned_abs(), item.open.minor.unsigned_abs()),
            still_due: Money::new(item.open.minor - minor, currency),
            echo: self.receivable.echo(item_id, credit_id, minor),
            paid_on: credit.value_on,
            effective_on,
            plan: item.plan,
        };
        self.record(fact);
        self.complete_plan(effective_on);
    }

    /// Opens again all that these allocations had paid.
    pub(super) fn free(&mut self, chosen: impl Fn(ItemId, CreditId) -> bool, cause: FreeCause, on: NaiveDate) {
        let allocations: Vec<_> = self
            .receivable
            .allocations
            .iter()
            .filter(|((item, credit), _)| chosen(*item, *credit))
            .map(|(key, paid)| (*key, *paid))
            .collect();
        self.stop_plans(&allocations, cause, on);
        for ((item, credit), Allocated { amount, vat, effective_on, plan: _ }) in allocations {
            let open = self.receivable.items.get(&item).map_or(0, |item| item.open.minor);
            let still_due = Money::new(open + amount.minor, amount.currency);
            let echo = self.receivable.echo(item, credit, -amount.minor);
            self.record(AllocationFreed { credit, item, amount, vat, still_due, echo, cause, effective_on: on.max(effective_on) });
        }
    }
}

/// `left` over what is open, in proportion, to the last minor unit; all of it open if there is enough.
fn shares(left: Money, open: &[Money]) -> Vec<Money> {
    let total: i128 = open.iter().map(|open| i128::from(open.minor)).sum();
    if total <= i128::from(left.minor) {
        return open.to_vec();
    }
    let weights: Vec<u64> = open.iter().map(|open| open.minor.unsigned_abs()).collect();
    share::split(left, &weights).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        account::{Account, Event, RecordPayment, example::*},
        spec::given,
    };

    #[test]
    fn each_policy_has_its_order() {
        use AllocationPolicy::{OldestDue, Priority, ProRata};
        let supply = ChargeOf { n: 1, minor: 10_000, due: "2024-03-15", ..ChargeOf::default() };
        let fee = ChargeOf { n: 2, minor: 5_000, due: "2024-04-15", kind: super::super::ChargeKind::ReconnectFee, ..ChargeOf::default() };
        let repair = ChargeOf { n: 3, minor: 5_000, due: "2024-02-15", kind: super::super::ChargeKind::Repair, ..ChargeOf::default() };
        for (policy, paid) in [
            (OldestDue, &[(3, 5_000), (1, 1_000)][..]),
            (Priority, &[(2, 5_000), (1, 1_000)][..]),
            (ProRata, &[(3, 1_500), (1, 3_000), (2, 1_500)][..]),
        ] {
            let facts = [opened(), charged(supply), charged(fee), charged(repair)];
            let account = account(facts[1..].iter().cloned());
            let wish = RecordPayment { policy: Some(policy), ..record_payment(1, 6_000) };
            let events = decided(&account, wish.clone());
            let expected: Vec<_> = paid.iter().map(|(n, minor)| (invoice(*n), *minor)).collect();
            assert_eq!(allocations(&events), expected, "{policy:?}");
            given::<Account>(facts.clone()).when(wish.into()).then(events.clone());
            // The same without a word, if it is the account's own order.
            let chosen = AllocationPolicyChosen { policy }.into();
            given::<Account>(facts.into_iter().chain([chosen])).when(record_payment(1, 6_000).into()).then(events);
        }
    }

    #[test]
    fn an_order_is_chosen_for_what_comes_and_leaves_what_is_paid() {
        let choose = |policy| ChooseAllocationPolicy { policy };
        let chosen: Event = AllocationPolicyChosen { policy: AllocationPolicy::Priority }.into();
        let facts = [opened(), charged(ChargeOf::default()), payment_received(1, 500), allocated(payment(1), 1, 500, 65, 11_000)];
        given::<Account>(facts.clone()).when(choose(AllocationPolicy::Priority).into()).then([chosen.clone()]);
        given::<Account>(facts.clone()).when(choose(AllocationPolicy::OldestDue).into()).then([]);
        given::<Account>(facts.into_iter().chain([chosen])).when(choose(AllocationPolicy::Priority).into()).then([]);
        given::<Account>([]).when(choose(AllocationPolicy::Priority).into()).then_rejected(Rejection::NotOpen);
    }

    #[test]
    fn the_oldest_is_what_was_due_first_and_of_those_what_was_issued_first() {
        let charges = [("2024-02-01", "2024-03-20"), ("2024-03-01", "2024-03-16"), ("2024-02-20", "2024-03-16")];
        let charges = charges.into_iter().zip(1..).map(|((issued, due), n)| charged(ChargeOf { n, issued, due, ..ChargeOf::default() }));
        let paid = allocations(&decided(&account(charges), record_payment(1, 30_000)));
        assert_eq!(paid.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [invoice(3), invoice(2), invoice(1)]);
    }

    #[test]
    fn the_oldest_money_is_spent_first() {
        // The later payment has the id that would come first.
        let (first, later) = (payment_received(9, 300), payment_received(11, 300));
        let Event::PaymentReceived(later) = later else { panic!("{later:?}") };
        let later = crate::account::PaymentReceived { payment_id: payment_id(1), ..later };
        let events = decided(
            &account([later.into(), first]),
            super::super::ChargeAccount { amount: sar(400), vat: sar(0), ..charge(ChargeOf::default()) },
        );
        let spent: Vec<_> = events
            .iter()
            .filter_map(|event| if let Event::CreditAllocated(fact) = event { Some((fact.credit, fact.amount)) } else { None })
            .collect();
        assert_eq!(spent, [(payment(9), sar(300)), (payment(1), sar(100))]);
    }

    /// What was allocated in the books' future is not freed before it.
    #[test]
    fn the_books_move_on_no_day_before_their_cause() {
        let late = charged(ChargeOf { issued: "2024-09-01", due: "2024-09-16", ..ChargeOf::default() });
        let paid = decided(&account([late.clone()]), record_payment(1, 500));
        let Event::CreditAllocated(allocated) = &paid[1] else { panic!("{paid:?}") };
        assert_eq!((allocated.paid_on, allocated.effective_on), (day("2024-04-01"), day("2024-09-01")));
        let reverse = crate::account::ReversePayment { on: day("2024-04-05"), ..reverse_payment(1) };
        let freed = decided(&account([vec![late], paid].concat()), reverse);
        let Event::AllocationFreed(fact) = &freed[0] else { panic!("{freed:?}") };
        assert_eq!(fact.effective_on, day("2024-09-01"));
    }

    #[test]
    fn vat_is_paid_in_proportion_and_the_last_payment_takes_the_rest() {
        // 115.00 with 15.00 of VAT, paid in thirds that do not divide.
        let mut account = account([charged(ChargeOf { n: 1, minor: 11_500, vat: 1_500, ..ChargeOf::default() })]);
        let mut vat = vec![];
        for (n, minor) in [(1, 3_833), (2, 3_833), (3, 3_834)] {
            for event in decided(&account, record_payment(n, minor)) {
                if let Event::CreditAllocated(fact) = &event {
                    vat.push(fact.vat.minor);
                }
                account = crate::Decider::evolve(account, &event);
            }
        }
        assert_eq!(vat, [500, 500, 500]);
        assert!(account.receivable().is_settled());
    }

    /// 115.00 less a note of 23.00 is 92.00 to pay. The note came too late and paid another invoice; then the payment bounced.
    #[test]
    fn what_an_invoices_own_note_paid_elsewhere_is_still_to_be_paid_of_it() {
        let after = |account: Account, wish: crate::account::Command| {
            let events = crate::Decider::decide(&account, wish).unwrap();
            let echo = events.iter().rev().find_map(|event| {
                if let Event::CreditAllocated(fact) = event {
                    return fact.echo;
                }
                if let Event::AllocationFreed(fact) = event { fact.echo } else { None }
            });
            (
                events.iter().fold(account, <Account as crate::Decider>::evolve),
                echo.map(|Echo { invoice_id, total }| (invoice_id, total.minor)),
            )
        };
        let (account, _) = after(account([charged(ChargeOf::default())]), record_payment(1, 11_500).into());
        let (account, _) = after(account, credit_account(1, 1, 2_300, crate::invoice::Surplus::AccountCredit).into());
        let (account, told) = after(account, charge(ChargeOf { n: 2, minor: 2_300, vat: 300, ..ChargeOf::default() }).into());
        assert_eq!(told, Some((invoice_id(2), 2_300)), "to another invoice the note is money like any other");
        let (account, told) = after(account, reverse_payment(1).into());
        assert_eq!(told, Some((invoice_id(1), 0)));
        let again = RecordPayment { directed: vec![invoice(1)], ..record_payment(2, 10_000) };
        let (account, told) = after(account, again.into());
        assert_eq!(told, Some((invoice_id(1), 7_700)), "15.00 are open, and so 15.00 of the 92.00 are not paid");
        assert_eq!(account.receivable().item(invoice(1)).unwrap().open, sar(1_500));
    }

    #[test]
    fn a_payment_over_seven_items_sums_exactly() {
        let charges = (1..=7).map(|n| charged(ChargeOf { n, minor: 1_001, vat: 131, ..ChargeOf::default() }));
        let account = account(charges);
        let events = decided(&account, RecordPayment { policy: Some(AllocationPolicy::ProRata), ..record_payment(1, 1_000) });
        let shares: Vec<_> = allocations(&events).into_iter().map(|(_, minor)| minor).collect();
        assert_eq!(shares, [143, 143, 143, 143, 143, 143, 142]);
    }

    #[test]
    fn a_credit_that_covers_everything_is_shared_as_what_is_open() {
        let of = |left, open: &[i64]| -> Vec<i64> {
            let open: Vec<_> = open.iter().copied().map(sar).collect();
            shares(sar(left), &open).iter().map(|share| share.minor).collect()
        };
        assert_eq!(of(10, &[3, 7]), [3, 7]);
        assert_eq!(of(11, &[3, 7]), [3, 7]);
        assert_eq!(of(9, &[3, 7]), [3, 6]);
        assert_eq!(of(1, &[5, 5, 5]), [1, 0, 0]);
        assert_eq!(of(7, &[]), [] as [i64; 0]);
    }

    proptest! {
        #[test]
        fn no_item_is_paid_more_than_is_open(left in 0..i64::MAX, open in proptest::collection::vec(1_i64..9_000_000_000_000, 1..12)) {
            let open: Vec<_> = open.into_iter().map(sar).collect();
            let shares = shares(sar(left), &open);
            prop_assert!(shares.iter().zip(&open).all(|(share, open)| 0 <= share.minor && share.minor <= open.minor));
            let total: i64 = open.iter().map(|open| open.minor).sum();
            prop_assert_eq!(shares.iter().map(|share| share.minor).sum::<i64>(), left.min(total));
        }

        /// What is left of the VAT is always within what is left of the item.
        #[test]
        fn vat_in_parts_sums_to_the_vat(vat in 0_i64..1_000_000, net in 0_i64..1_000_000, cuts in proptest::collection::vec(1_i64..400_000, 0..9)) {
            let (mut open, mut open_vat) = (vat + net, vat);
            for cut in cuts.into_iter().chain([i64::MAX]) {
                let amount = cut.min(open);
                let vat = share::proportion(sar(open_vat), amount.unsigned_abs(), open.unsigned_abs()).minor;
                prop_assert!(0 <= vat && vat <= amount && open_vat - vat <= open - amount, "{vat} in {amount} of {open_vat} in {open}");
                (open, open_vat) = (open - amount, open_vat - vat);
            }
            prop_assert_eq!((open, open_vat), (0, 0));
        }
    }
}
