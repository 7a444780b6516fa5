//! Whether an order still has its reason: asked whenever something has changed about the account.

use super::{Disconnection, LiftCause, Prohibited, Stage};
use crate::{
    Reason,
    account::Receivable,
    dunning::{HoldGround, Ladder},
};

impl Disconnection {
    /// Why the order is to be lifted now, if it is.
    ///
    /// It is about what was late for supply when it was asked for: what falls due later has its own warnings, and what is in dispute is not
    /// paid. Whatever only forbids a cut stops nobody but who is out, because the guard asks before anybody is sent.
    pub fn cause_to_lift(&self, owed: &Receivable, ladder: &Ladder, held: Option<HoldGround>) -> Option<LiftCause> {
        let order = self.order.as_ref()?;
        let (out, cut) = match order.stage {
            Stage::Requested | Stage::Approved | Stage::Scheduled { .. } | Stage::Failed => (false, false),
            Stage::Dispatched => (true, false),
            Stage::Cut => (false, true),
            Stage::Recalled | Stage::Cancelled | Stage::Restoring { .. } | Stage::Restored => return None,
        };
        let (currency, asked_on) = (order.request.owed.currency, order.request.at.date_naive());
        let left = owed.debt_with_disputed(currency).late_for_supply(asked_on);
        let unopposed = owed.debt(currency).late_for_supply(asked_on);
        let withdrawn = |why: &Prohibited| Some(LiftCause::Withdrawn { reason: Reason::new(why.to_string()).ok()? });
        match held {
            _ if owed.plan().is_some() => return Some(LiftCause::PlanAgreed),
            Some(HoldGround::InstalmentPlan) => return Some(LiftCause::PlanAgreed),
            _ if !ladder.is_worth_asking(left) => return Some(LiftCause::DebtSettled),
            // Nobody knew, or nobody has looked: the supply comes back.
            Some(HoldGround::ProtectedCustomer) => return withdrawn(&Prohibited::CriticalNeed),
            Some(HoldGround::PromiseToPay) if out => return withdrawn(&Prohibited::Promised),
            Some(HoldGround::OpenComplaint) if out => return withdrawn(&Prohibited::ComplaintOpen),
            Some(HoldGround::PromiseToPay | HoldGround::OpenComplaint) | None => {}
        }
        if out && !cut && !ladder.is_worth_asking(unopposed) { withdrawn(&Prohibited::NotFromConsumption) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::example::*, *};
    use crate::{
        Decider,
        account::{
            Account,
            example::{ChargeOf, charged, item_disputed, opened, plan_agreed, record_payment},
        },
        disconnection::{Event, Way},
    };

    fn order(facts: &[Event]) -> Disconnection {
        facts.iter().fold(Disconnection::default(), Disconnection::evolve)
    }

    /// Somebody who owes 500 riyals since April, and 500 that fell due after the order was asked for.
    fn account(facts: impl IntoIterator<Item = crate::account::Event>) -> Account {
        let charged = |n, due| charged(ChargeOf { n, due, minor: 50_000, ..ChargeOf::default() });
        let before = [opened(), charged(1, "2024-04-15"), charged(2, "2024-08-15")];
        before.into_iter().chain(facts).fold(Account::default(), |account, fact| account.evolve(&fact))
    }

    fn paid(minor: i64) -> Account {
        let before = account([]);
        let facts = before.decide(record_payment(1, minor).into()).unwrap();
        facts.iter().fold(before, Account::evolve)
    }

    /// Every stage × what has become of the account.
    #[test]
    fn what_lifts_an_order_at_which_stage() {
        let ladder = crate::dunning::example::ladder();
        let waiting = vec![requested(Way::Crew), approved(), scheduled()];
        let out = [&waiting[..], &[dispatched(Way::Crew, "08:00", 1)]].concat();
        let failed = [&out[..], &[failed("08:10")]].concat();
        let cut = [&out[..], &[executed("08:10", false)]].concat();
        let recalled = [&out[..], &[recalled("08:15")]].concat();
        let restoring = [&cut[..], &[restore("09:00", "11:00", true)]].concat();
        let withdrawn = |why: Prohibited| Some(LiftCause::Withdrawn { reason: reason(&why.to_string()) });
        let situations = [
            (account([]), None),
            (paid(50_000), None),
            (paid(45_001), None),
            (paid(45_000), None),
            (account([item_disputed(1)]), None),
            (account([]), Some(HoldGround::InstalmentPlan)),
            (account([]), Some(HoldGround::ProtectedCustomer)),
            (account([]), Some(HoldGround::PromiseToPay)),
            (account([]), Some(HoldGround::OpenComplaint)),
            // Agreed, and not held yet.
            (account([plan_agreed(1, &[(1, 50_000)], &[]).into()]), None),
        ];
        let (settled, plan) = (Some(LiftCause::DebtSettled), Some(LiftCause::PlanAgreed));
        let need = withdrawn(Prohibited::CriticalNeed);
        let waits = [None, settled.clone(), settled.clone(), None, None, plan.clone(), need.clone(), None, None, plan.clone()];
        let mut is_out = waits.clone();
        is_out[4] = withdrawn(Prohibited::NotFromConsumption);
        (is_out[7], is_out[8]) = (withdrawn(Prohibited::Promised), withdrawn(Prohibited::ComplaintOpen));
        let never = [const { None }; 10];
        for (facts, expected) in
            [(vec![], &never), (waiting, &waits), (out, &is_out), (failed, &waits), (cut, &waits), (recalled, &never), (restoring, &never)]
        {
            let order = order(&facts);
            for ((account, held), expected) in situations.iter().zip(expected) {
                let found = order.cause_to_lift(account.receivable(), &ladder, *held);
                assert_eq!(found, *expected, "{:?} {held:?} {:?}", order.stage(), account.receivable().due(crate::Currency::SAR));
            }
        }
    }
}
