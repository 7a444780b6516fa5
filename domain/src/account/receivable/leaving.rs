//! A customer who has left: the deposit pays what is open, what is left of it and of other credit goes back, and the account is closed once
//! nothing is owed either way. All of it in facts that its parts have too.

use chrono::NaiveDate;
use serde::Serialize;

use super::{Account, CreditId, CreditRefunded, DepositReleased, DepositReturned, Draft, Event, Item, Rejection, Tender};
use crate::{
    Actor, Money, Reason,
    account::AccountClosed,
    ids::{RefundId, created_id},
};

/// Asked when the last bill is charged. While something stays open, such as what the deposit did not cover or what is disputed, nothing goes
/// back and the account stays; it is asked again when that is paid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettleFinally {
    /// The refunds' ids follow from it.
    pub refund_id: RefundId,
    /// How money goes back that did not come in as a payment.
    pub tender: Tender,
    pub approved_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

impl Account {
    pub(in crate::account) fn settle_finally(&self, wish: SettleFinally) -> Result<Vec<Event>, Rejection> {
        if self.is_closed() {
            return Ok(vec![]);
        }
        let currency = self.holder()?.currency;
        self.has_left(wish.on)?;
        let mut draft = self.draft();
        draft.pay_from_deposits(&wish);
        if draft.receivable.due(currency).is_zero() {
            draft.give_back(&wish);
        }
        if draft.receivable.is_settled() {
            draft.facts.push(AccountClosed { closed_on: wish.on, reason: wish.reason }.into());
        }
        Ok(draft.facts)
    }
}

impl Draft {
    /// No more of a deposit is released than pays something.
    fn pay_from_deposits(&mut self, wish: &SettleFinally) {
        let deposits: Vec<_> = self.receivable.deposits.iter().map(|(id, deposit)| (*id, deposit.left)).collect();
        for (deposit_id, left) in deposits {
            let payable: i64 = self.receivable.items.values().filter(|item| Item::is_payable(item)).map(|item| item.open.minor).sum();
            let amount = Money::new(left.minor.min(payable), left.currency);
            if !amount.is_zero() {
                self.record(DepositReleased { deposit_id, amount, on: wish.on });
                self.use_credit(wish.on);
            }
        }
    }

    /// Money goes back as it came.
    fn give_back(&mut self, wish: &SettleFinally) {
        let SettleFinally { refund_id, tender, on, ref approved_by, ref reason, .. } = *wish;
        let deposits: Vec<_> = self.receivable.deposits.iter().map(|(id, deposit)| (*id, deposit.left, deposit.tender)).collect();
        for (deposit_id, amount, came_as) in deposits.into_iter().filter(|(_, left, _)| !left.is_zero()) {
            let tender = came_as.map_or(tender, Tender::goes_back_as);
            let (approved_by, reason) = (approved_by.clone(), reason.clone());
            self.record(DepositReturned { deposit_id, amount, tender, approved_by, on, reason });
        }
        let credits =
            self.receivable.credits.iter().filter(|(_, credit)| !credit.left.is_zero() && !credit.subsidy && credit.held_for.is_empty());
        let credits: Vec<_> = credits.map(|(id, credit)| (*id, credit.left)).collect();
        for (n, (credit, amount)) in credits.into_iter().enumerate() {
            let tender = match credit {
                CreditId::Payment(payment_id) => {
                    self.receivable.payments.get(&payment_id).map_or(tender, |payment| payment.tender.goes_back_as())
                }
                CreditId::Deposit(_)
                | CreditId::CreditNote(_)
                | CreditId::Compensation(_)
                | CreditId::Subsidy(_)
                | CreditId::Opening { .. } => tender,
            };
            let refund_id = RefundId::new(created_id(refund_id.into(), &n.to_string()));
            let (approved_by, reason) = (approved_by.clone(), reason.clone());
            self.record(CreditRefunded { refund_id, credit, amount, tender, approved_by, on, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Command, example::*},
        invoice::Surplus,
        spec::given,
    };

    fn settle() -> Command {
        let (approved_by, on) = (Actor::user("9"), day("2024-10-01"));
        SettleFinally { refund_id: refund_id(7), tender: Tender::Transfer, approved_by, on, reason: reason("moved away") }.into()
    }

    fn closed() -> Event {
        AccountClosed { closed_on: day("2024-10-01"), reason: reason("moved away") }.into()
    }

    fn refunded(n: u128, credit: CreditId, minor: i64, tender: Tender) -> Event {
        let refund_id = RefundId::new(created_id(refund_id(7).into(), &n.to_string()));
        let (approved_by, on) = (Actor::user("9"), day("2024-10-01"));
        CreditRefunded { refund_id, credit, amount: sar(minor), tender, approved_by, on, reason: reason("moved away") }.into()
    }

    fn returned(minor: i64) -> Event {
        let (approved_by, on) = (Actor::user("9"), day("2024-10-01"));
        DepositReturned {
            deposit_id: deposit_id(1),
            amount: sar(minor),
            tender: Tender::Pos,
            approved_by,
            on,
            reason: reason("moved away"),
        }
        .into()
    }

    fn from_deposit(minor: i64, vat: i64, left: i64) -> [Event; 2] {
        let released = DepositReleased { deposit_id: deposit_id(1), amount: sar(minor), on: day("2024-10-01") };
        [released.into(), allocated_on(CreditId::Deposit(deposit_id(1)), 1, (minor, vat, left), "2024-10-01")]
    }

    #[test]
    fn the_deposit_pays_the_final_bill_and_the_rest_goes_back_as_it_came() {
        let [released, allocated] = from_deposit(11_500, 1_500, 0);
        given::<Account>([opened(), charged(ChargeOf::default()), deposit_taken(1, 20_000)]).when(settle()).then([
            released,
            allocated,
            returned(8_500),
            closed(),
        ]);
        given::<Account>([opened()]).when(settle()).then([closed()]);
        given::<Account>([opened(), closed()]).when(settle()).then_nothing();
        given::<Account>([]).when(settle()).then_rejected(Rejection::NotOpen);
    }

    #[test]
    fn credit_that_is_left_goes_back_and_a_cheque_by_transfer() {
        let note = account_credited(1, 1, 700, Surplus::Refund);
        given::<Account>([opened(), payment_received(1, 300), note]).when(settle()).then([
            refunded(0, payment(1), 300, Tender::Cash),
            refunded(1, credit_note(1), 700, Tender::Transfer),
            closed(),
        ]);
        assert_eq!(Tender::Cheque.goes_back_as(), Tender::Transfer);
        for tender in [Tender::Cash, Tender::Transfer, Tender::Pos, Tender::Card, Tender::Wallet] {
            assert_eq!(tender.goes_back_as(), tender);
        }
    }

    #[test]
    fn what_the_deposit_does_not_cover_stays_owed_until_it_is_paid() {
        let facts = || [opened(), charged(ChargeOf::default()), deposit_taken(1, 5_000)];
        given::<Account>(facts()).when(settle()).then(from_deposit(5_000, 652, 6_500));
        let later = account(facts().into_iter().skip(1).chain(from_deposit(5_000, 652, 6_500)));
        assert_eq!(decided(&later, settle()), []);
        let paid = decided(&later, record_payment(1, 6_600));
        let later = paid.iter().fold(later, <Account as crate::Decider>::evolve);
        assert_eq!(decided(&later, settle()), [refunded(0, payment(1), 100, Tender::Cash), closed()]);
    }

    #[test]
    fn nothing_goes_back_while_something_is_disputed() {
        let facts = [opened(), charged(ChargeOf::default()), item_disputed(1), deposit_taken(1, 20_000), payment_received(1, 300)];
        given::<Account>(facts).when(settle()).then_nothing();
    }

    #[test]
    fn who_is_still_served_has_not_left() {
        let agreement_id = crate::ids::AgreementId::new(uuid::Uuid::from_u128(31));
        let served = crate::account::ServiceBegun { agreement_id, from: day("2024-03-01") };
        given::<Account>([opened(), served.into(), deposit_taken(1, 20_000)])
            .when(settle())
            .then_rejected(Rejection::StillServed(agreement_id));
    }
}
