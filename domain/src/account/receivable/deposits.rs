//! Deposits: money of the customer's that we keep against debts. It bears no interest and is not part of the balance.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Credit, CreditId, Event, ItemId, Posting, Receivable, Rejection, Tender};
use crate::{
    Actor, Code, Money, Reason,
    ids::{CashSessionId, DepositId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TakeDeposit {
    pub deposit_id: DepositId,
    pub amount: Money,
    pub tender: Tender,
    pub channel: Code,
    /// The cash session it was taken in, if at a till.
    pub session: Option<CashSessionId>,
    pub on: NaiveDate,
}

/// Pays an item with the deposit, as far as it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApplyDeposit {
    pub deposit_id: DepositId,
    pub item: ItemId,
    pub on: NaiveDate,
}

/// Gives back what is left of the deposit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReturnDeposit {
    pub deposit_id: DepositId,
    pub tender: Tender,
    pub approved_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepositTaken {
    pub deposit_id: DepositId,
    pub amount: Money,
    pub tender: Tender,
    pub channel: Code,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<CashSessionId>,
    pub on: NaiveDate,
}

/// What was held became credit, which pays an item in the fact that follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepositReleased {
    pub deposit_id: DepositId,
    pub amount: Money,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepositReturned {
    pub deposit_id: DepositId,
    pub amount: Money,
    pub tender: Tender,
    pub approved_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Deposit {
    pub(super) amount: Money,
    pub(super) left: Money,
    on: NaiveDate,
    pub(super) tender: Option<Tender>,
}

impl Deposit {
    pub(super) fn brought_forward(amount: Money, on: NaiveDate) -> Self {
        Self { amount, left: amount, on, tender: None }
    }
}

impl Posting for DepositTaken {
    fn post(&self, receivable: &mut Receivable) {
        let Self { deposit_id, amount, tender, on, .. } = *self;
        receivable.deposits.insert(deposit_id, Deposit { amount, left: amount, on, tender: Some(tender) });
    }
}

impl Posting for DepositReleased {
    fn post(&self, receivable: &mut Receivable) {
        let Self { deposit_id, amount, on } = *self;
        receivable.lower_deposit(deposit_id, amount);
        let credit = receivable.credits.entry(CreditId::Deposit(deposit_id)).or_insert(Credit::new(Money::zero(amount.currency), on));
        credit.left.minor += amount.minor;
        credit.value_on = on;
    }
}

impl Posting for DepositReturned {
    fn post(&self, receivable: &mut Receivable) {
        receivable.lower_deposit(self.deposit_id, self.amount);
    }
}

impl Receivable {
    fn lower_deposit(&mut self, id: DepositId, amount: Money) {
        if let Some(deposit) = self.deposits.get_mut(&id) {
            deposit.left.minor -= amount.minor;
        }
    }
}

impl Account {
    pub(in crate::account) fn take_deposit(&self, wish: TakeDeposit) -> Result<Vec<Event>, Rejection> {
        let TakeDeposit { deposit_id, amount, tender, channel, session, on } = wish;
        self.positive(amount)?;
        match self.receivable.deposits.get(&deposit_id) {
            Some(already) if (already.amount, already.on, already.tender) == (amount, on, Some(tender)) => Ok(vec![]),
            Some(_) => Err(Rejection::DepositIdReused),
            None => Ok(vec![DepositTaken { deposit_id, amount, tender, channel, session, on }.into()]),
        }
    }

    pub(in crate::account) fn apply_deposit(&self, wish: ApplyDeposit) -> Result<Vec<Event>, Rejection> {
        let ApplyDeposit { deposit_id, item: item_id, on } = wish;
        let open = self.item(item_id)?.open;
        let left = self.receivable.deposits.get(&deposit_id).ok_or(Rejection::NoSuchDeposit)?.left;
        let amount = Money::new(open.minor.min(left.minor), left.currency);
        if amount.is_zero() {
            return Ok(vec![]);
        }
        let mut draft = self.draft();
        draft.record(DepositReleased { deposit_id, amount, on });
        draft.direct(CreditId::Deposit(deposit_id), &[item_id], on);
        Ok(draft.facts)
    }

    pub(in crate::account) fn return_deposit(&self, wish: ReturnDeposit) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let ReturnDeposit { deposit_id, tender, approved_by, on, reason } = wish;
        let amount = self.receivable.deposits.get(&deposit_id).ok_or(Rejection::NoSuchDeposit)?.left;
        if amount.is_zero() {
            return Ok(vec![]);
        }
        Ok(vec![DepositReturned { deposit_id, amount, tender, approved_by, on, reason }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, account::example::*, spec::given};

    fn apply(item: ItemId) -> ApplyDeposit {
        ApplyDeposit { deposit_id: deposit_id(1), item, on: day("2024-09-01") }
    }

    #[test]
    fn a_deposit_is_taken_once_and_owed_beside_the_balance() {
        given::<Account>([opened()]).when(take_deposit(1, 20_000).into()).then([deposit_taken(1, 20_000)]);
        given::<Account>([opened(), deposit_taken(1, 20_000)]).when(take_deposit(1, 1).into()).then_rejected(Rejection::DepositIdReused);
        given::<Account>([opened()]).when(take_deposit(1, 0).into()).then_rejected(Rejection::AmountNotPositive);
        let account = account([deposit_taken(1, 20_000)]);
        let receivable = account.receivable();
        assert_eq!((receivable.balance(Currency::SAR), receivable.deposits(Currency::SAR)), (sar(0), sar(20_000)));
        assert!(!receivable.is_settled());
    }

    #[test]
    fn it_pays_an_item_as_far_as_it_goes_and_the_rest_is_returned() {
        let facts = || [opened(), charged(ChargeOf::default()), deposit_taken(1, 20_000)];
        let released = DepositReleased { deposit_id: deposit_id(1), amount: sar(11_500), on: day("2024-09-01") };
        let paid = || [released.clone().into(), allocated_on(CreditId::Deposit(deposit_id(1)), 1, (11_500, 1_500, 0), "2024-09-01")];
        given::<Account>(facts()).when(apply(invoice(1)).into()).then(paid());
        let after = || facts().into_iter().chain(paid());
        given::<Account>(after()).when(return_deposit(1).into()).then([deposit_returned(1, 8_500)]);
        let account = account(after().skip(1).chain([deposit_returned(1, 8_500)]));
        assert!(account.receivable().is_settled());
        let small = [charged(ChargeOf::default()), deposit_taken(1, 500)];
        assert_eq!(allocations(&decided(&crate::account::example::account(small), apply(invoice(1)))), [(invoice(1), 500)]);
    }

    #[test]
    fn deposits_that_are_not_there() {
        given::<Account>([opened()]).when(apply(invoice(1)).into()).then_rejected(Rejection::NoSuchItem);
        given::<Account>([opened(), charged(ChargeOf::default())]).when(apply(invoice(1)).into()).then_rejected(Rejection::NoSuchDeposit);
        given::<Account>([opened()]).when(return_deposit(1).into()).then_rejected(Rejection::NoSuchDeposit);
    }
}
