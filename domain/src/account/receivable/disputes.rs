//! Items in dispute: nothing pays them unless the customer says so, and no fee is charged for their lateness.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Event, ItemId, Posting, Receivable, Rejection};
use crate::Reason;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DisputeItem {
    pub item: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// Whatever the finding: if the item was wrong, a credit note has said so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolveDispute {
    pub item: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemDisputed {
    pub item: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisputeResolved {
    pub item: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

impl Posting for ItemDisputed {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.disputed = true);
    }
}

impl Posting for DisputeResolved {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.disputed = false);
    }
}

impl Account {
    pub(in crate::account) fn dispute(&self, wish: DisputeItem) -> Result<Vec<Event>, Rejection> {
        let DisputeItem { item, on, reason } = wish;
        let disputed = self.item(item)?;
        if disputed.disputed {
            return Ok(vec![]);
        }
        disputed.is_on_no_plan()?;
        Ok(vec![ItemDisputed { item, on, reason }.into()])
    }

    /// Credit that had to pass the item by pays it now.
    pub(in crate::account) fn resolve_dispute(&self, wish: ResolveDispute) -> Result<Vec<Event>, Rejection> {
        let ResolveDispute { item, on, reason } = wish;
        if !self.item(item)?.disputed {
            return Ok(vec![]);
        }
        let mut draft = self.draft();
        draft.record(DisputeResolved { item, on, reason });
        draft.use_credit(on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{RecordPayment, example::*},
        spec::given,
    };

    fn dispute(n: u128) -> DisputeItem {
        DisputeItem { item: invoice(n), on: day("2024-04-01"), reason: reason("never used so much") }
    }

    fn disputed(n: u128) -> Event {
        ItemDisputed { item: invoice(n), on: day("2024-04-01"), reason: reason("never used so much") }.into()
    }

    #[test]
    fn nothing_pays_a_disputed_item_unless_the_customer_says_so() {
        let facts = || [opened(), charged(ChargeOf::default())];
        given::<Account>(facts()).when(dispute(1).into()).then([disputed(1)]);
        given::<Account>(facts()).when(dispute(2).into()).then_rejected(Rejection::NoSuchItem);
        let in_dispute = || facts().into_iter().chain([disputed(1)]);
        given::<Account>(in_dispute()).when(record_payment(1, 500).into()).then([payment_received(1, 500)]);
        let directed = RecordPayment { directed: vec![invoice(1)], ..record_payment(1, 500) };
        let account = account(in_dispute().skip(1));
        assert_eq!(allocations(&decided(&account, directed)), [(invoice(1), 500)]);
    }

    #[test]
    fn credit_that_passed_the_item_by_pays_it_when_the_dispute_is_over() {
        let wish = ResolveDispute { item: invoice(1), on: day("2024-05-01"), reason: reason("the meter is right") };
        let resolved = DisputeResolved { item: invoice(1), on: day("2024-05-01"), reason: reason("the meter is right") };
        let account = account([charged(ChargeOf::default()), disputed(1), payment_received(1, 500)]);
        let events = decided(&account, wish.clone());
        assert_eq!(events[0], resolved.into());
        assert_eq!(allocations(&events), [(invoice(1), 500)]);
        given::<Account>([opened(), charged(ChargeOf::default())]).when(wish.into()).then_nothing();
    }
}
