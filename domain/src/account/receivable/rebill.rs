//! An item that was wrong and is billed anew: what had paid it waits, and pays what replaces it.
//!
//! Between the two nothing else may pay the item, which is about to be cancelled, nor take the money, which is meant for what replaces it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, CancelCause, Event, FreeCause, ItemId, Posting, Rebill, Receivable, Rejection};
use crate::Reason;

/// Before an item is cancelled: opens again whatever paid it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FreeAllocations {
    pub item: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// After the item was replaced: what waited pays what is open, and counts as paid when it first was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReapplyCredit {
    pub item: ItemId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RebillBegun {
    pub item: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RebillEnded {
    pub item: ItemId,
    pub on: NaiveDate,
}

impl Posting for RebillBegun {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.rebill = Rebill::Underway);
    }
}

impl Posting for RebillEnded {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.rebill = Rebill::Done);
        for credit in receivable.credits.values_mut() {
            credit.held_for.remove(&self.item);
        }
    }
}

impl Account {
    pub(in crate::account) fn free_allocations(&self, wish: FreeAllocations) -> Result<Vec<Event>, Rejection> {
        let FreeAllocations { item: item_id, on, reason } = wish;
        match self.item(item_id)?.rebill {
            Rebill::Underway | Rebill::Done => return Ok(vec![]),
            Rebill::No => {}
        }
        let mut draft = self.draft();
        draft.stop_plan_over(|item| item == item_id, &CancelCause::Rebill, on);
        draft.record(RebillBegun { item: item_id, on, reason });
        draft.free(|item, _| item == item_id, FreeCause::Rebill, on);
        Ok(draft.facts)
    }

    pub(in crate::account) fn reapply_credit(&self, wish: ReapplyCredit) -> Result<Vec<Event>, Rejection> {
        let ReapplyCredit { item, on } = wish;
        match self.item(item)?.rebill {
            Rebill::No | Rebill::Done => return Ok(vec![]),
            Rebill::Underway => {}
        }
        let mut draft = self.draft();
        draft.record(RebillEnded { item, on });
        draft.subsidise_again(item, on);
        draft.use_credit(on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Currency, Decider,
        account::{Command, example::*},
        invoice::Surplus,
        spec::given,
    };

    fn free(n: u128) -> FreeAllocations {
        FreeAllocations { item: invoice(n), on: day("2024-06-01"), reason: reason("wrong tariff") }
    }

    fn reapply(n: u128) -> ReapplyCredit {
        ReapplyCredit { item: invoice(n), on: day("2024-06-02") }
    }

    fn after(account: Account, command: impl Into<Command>) -> (Account, Vec<Event>) {
        let events = decided(&account, command);
        (events.iter().fold(account, Account::evolve), events)
    }

    /// Three bills, each paid by its own payment.
    fn three_paid() -> Account {
        (1..).zip(["2024-03-16", "2024-04-15", "2024-05-15"]).fold(account([]), |account, (n, due)| {
            let (account, _) = after(account, charge(ChargeOf { n: n.into(), due, ..ChargeOf::default() }));
            after(account, record_payment(n, 11_500)).0
        })
    }

    #[test]
    fn the_middle_bill_of_three_is_replaced_and_its_own_payment_pays_the_new_one() {
        let (account, events) = after(three_paid(), free(2));
        assert_eq!(events.len(), 2, "{events:?}");
        // A payment that comes in between pays neither the bill that is about to go nor is the freed one taken for another.
        let (account, events) = after(account, record_payment(9, 400));
        assert_eq!(allocations(&events), []);
        let (account, events) = after(account, credit_account(1, 2, 11_500, Surplus::AccountCredit));
        assert_eq!(allocations(&events), [(invoice(2), 11_500)]);
        let (account, events) = after(
            account,
            charge(ChargeOf { n: 4, minor: 12_000, vat: 1_565, issued: "2024-06-01", due: "2024-04-15", ..ChargeOf::default() }),
        );
        assert_eq!(allocations(&events), [(invoice(4), 400)], "other money is not kept waiting");
        let (account, events) = after(account, reapply(2));
        assert_eq!(allocations(&events), [(invoice(4), 11_500)]);
        let Event::CreditAllocated(fact) = &events[1] else { panic!("{events:?}") };
        assert_eq!((fact.credit, fact.paid_on, fact.effective_on), (payment(2), day("2024-04-02"), day("2024-06-02")));
        assert_eq!(account.receivable().due(Currency::SAR), sar(100));
        assert_eq!(account.receivable().unapplied(Currency::SAR), sar(0));
    }

    #[test]
    fn steps_told_twice_change_nothing() {
        let begun = RebillBegun { item: invoice(1), on: day("2024-06-01"), reason: reason("wrong tariff") };
        let ended = RebillEnded { item: invoice(1), on: day("2024-06-02") };
        let facts = || [opened(), charged(ChargeOf::default())];
        given::<Account>(facts()).when(free(1).into()).then([begun.clone().into()]);
        given::<Account>(facts()).when(reapply(1).into()).then_nothing();
        let both = || facts().into_iter().chain([begun.clone().into()]);
        given::<Account>(both()).when(reapply(1).into()).then([ended.clone().into()]);
        given::<Account>(both().chain([ended.into()])).when(free(1).into()).then_nothing();
        given::<Account>(facts()).when(free(2).into()).then_rejected(Rejection::NoSuchItem);
    }

    #[test]
    fn freed_credit_is_not_refunded_while_it_waits() {
        let (account, _) = after(three_paid(), free(2));
        assert_eq!(account.decide(refund(payment(2), 1, 100).into()), Err(Rejection::CreditHeld));
    }
}
