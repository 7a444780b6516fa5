//! Refunds: credit that goes back to the customer, to where it came from, when somebody has approved it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, CreditId, Event, Posting, Receivable, Rejection, Tender};
use crate::{Actor, Money, Reason, ids::RefundId};

/// Of a payment, a credit note, a compensation or a deposit that was released. A gateway's payment is in the account only when it is completed, so a pending one
/// cannot be refunded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefundCredit {
    pub refund_id: RefundId,
    pub credit: CreditId,
    pub amount: Money,
    pub tender: Tender,
    pub approved_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// It did not arrive: the money is the customer's credit again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReturnRefund {
    pub refund_id: RefundId,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditRefunded {
    pub refund_id: RefundId,
    pub credit: CreditId,
    pub amount: Money,
    pub tender: Tender,
    pub approved_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefundReturned {
    pub refund_id: RefundId,
    pub credit: CreditId,
    pub amount: Money,
    pub tender: Tender,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Refund {
    credit: CreditId,
    amount: Money,
    tender: Tender,
    returned: bool,
}

impl Posting for CreditRefunded {
    fn post(&self, receivable: &mut Receivable) {
        let Self { refund_id, credit, amount, tender, .. } = *self;
        receivable.refunds.insert(refund_id, Refund { credit, amount, tender, returned: false });
        receivable.change_credit(credit, |credit| credit.left.minor -= amount.minor);
        receivable.change_refunded(credit, amount.minor);
    }
}

impl Posting for RefundReturned {
    fn post(&self, receivable: &mut Receivable) {
        let Self { refund_id, credit, amount, .. } = *self;
        if let Some(refund) = receivable.refunds.get_mut(&refund_id) {
            refund.returned = true;
        }
        receivable.change_credit(credit, |credit| credit.left.minor += amount.minor);
        receivable.change_refunded(credit, -amount.minor);
    }
}

impl Receivable {
    fn change_refunded(&mut self, credit: CreditId, minor: i64) {
        if let CreditId::Payment(payment_id) = credit
            && let Some(payment) = self.payments.get_mut(&payment_id)
        {
            payment.refunded.minor += minor;
        }
    }
}

impl Account {
    pub(in crate::account) fn refund(&self, wish: RefundCredit) -> Result<Vec<Event>, Rejection> {
        let RefundCredit { refund_id, credit: credit_id, amount, tender, approved_by, on, reason } = wish;
        self.positive(amount)?;
        if let Some(already) = self.receivable.refunds.get(&refund_id) {
            let same = (already.credit, already.amount, already.tender) == (credit_id, amount, tender);
            return if same { Ok(vec![]) } else { Err(Rejection::RefundIdReused) };
        }
        let credit = self.receivable.credits.get(&credit_id).ok_or(Rejection::NoSuchCredit)?;
        if credit.subsidy {
            return Err(Rejection::SubsidyNotRefunded);
        }
        if let CreditId::Payment(payment_id) = credit_id
            && let Some(payment) = self.receivable.payments.get(&payment_id)
        {
            if payment.reversed {
                return Err(Rejection::PaymentWasReversed);
            }
            if payment.tender.goes_back_as() != tender {
                return Err(Rejection::OtherTender { paid_by: payment.tender });
            }
        }
        if !credit.held_for.is_empty() {
            return Err(Rejection::CreditHeld);
        }
        if credit.left.minor < amount.minor {
            return Err(Rejection::RefundTooLarge { left: credit.left });
        }
        Ok(vec![CreditRefunded { refund_id, credit: credit_id, amount, tender, approved_by, on, reason }.into()])
    }

    pub(in crate::account) fn return_refund(&self, wish: ReturnRefund) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let ReturnRefund { refund_id, on, reason } = wish;
        let Refund { credit, amount, tender, returned } = *self.receivable.refunds.get(&refund_id).ok_or(Rejection::NoSuchRefund)?;
        if returned {
            return Ok(vec![]);
        }
        let mut draft = self.draft();
        draft.record(RefundReturned { refund_id, credit, amount, tender, on, reason });
        draft.use_credit(on);
        Ok(draft.facts)
    }
}

impl Tender {
    /// Money goes back as it came, so that nobody launders it through us; a cheque is answered by a transfer.
    pub(super) fn goes_back_as(self) -> Self {
        match self {
            Self::Cheque => Self::Transfer,
            Self::Cash | Self::Transfer | Self::Pos | Self::Card | Self::Wallet => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{RecordPayment, example::*},
        invoice::Surplus,
        spec::given,
    };

    #[test]
    fn credit_is_refunded_up_to_what_is_left() {
        let facts = || [opened(), payment_received(1, 500)];
        given::<Account>(facts()).when(refund(payment(1), 1, 300).into()).then([credit_refunded(payment(1), 1, 300)]);
        let rest = || facts().into_iter().chain([credit_refunded(payment(1), 1, 300)]);
        given::<Account>(rest()).when(refund(payment(1), 2, 201).into()).then_rejected(Rejection::RefundTooLarge { left: sar(200) });
        given::<Account>(rest()).when(refund(payment(1), 2, 200).into()).then([credit_refunded(payment(1), 2, 200)]);
        given::<Account>(rest()).when(refund(payment(1), 1, 301).into()).then_rejected(Rejection::RefundIdReused);
    }

    #[test]
    fn what_has_paid_an_item_is_not_refunded() {
        let paid = decided(&account([charged(ChargeOf::default())]), record_payment(1, 11_600));
        given::<Account>([opened(), charged(ChargeOf::default())].into_iter().chain(paid))
            .when(refund(payment(1), 1, 101).into())
            .then_rejected(Rejection::RefundTooLarge { left: sar(100) });
    }

    #[test]
    fn money_goes_back_as_it_came() {
        for (paid_by, tender, ok) in [
            (Tender::Cash, Tender::Cash, true),
            (Tender::Cash, Tender::Transfer, false),
            (Tender::Cheque, Tender::Transfer, true),
            (Tender::Cheque, Tender::Cheque, false),
            (Tender::Card, Tender::Card, true),
        ] {
            let paid = decided(&account([]), RecordPayment { tender: paid_by, ..record_payment(1, 500) });
            let wish = RefundCredit { tender, ..refund(payment(1), 1, 100) };
            let outcome = crate::Decider::decide(&account(paid), wish.into());
            assert_eq!(outcome.map(|events| events.len()), if ok { Ok(1) } else { Err(Rejection::OtherTender { paid_by }) }, "{tender:?}");
        }
    }

    #[test]
    fn a_credit_note_kept_for_its_refund_can_be_refunded() {
        let credited = account_credited(1, 1, 2_300, Surplus::Refund);
        let events = [credit_refunded(credit_note(1), 1, 2_300)];
        given::<Account>([opened(), credited]).when(refund(credit_note(1), 1, 2_300).into()).then(events);
    }

    #[test]
    fn a_refund_that_did_not_arrive_is_credit_again() {
        let wish = ReturnRefund { refund_id: refund_id(1), on: day("2024-05-09"), reason: reason("account unknown") };
        given::<Account>([opened()]).when(wish.clone().into()).then_rejected(Rejection::NoSuchRefund);
        let facts = [payment_received(1, 500), credit_refunded(payment(1), 1, 300), charged(ChargeOf::default())];
        let events = decided(&account(facts.clone()), wish);
        let returned = RefundReturned {
            refund_id: refund_id(1),
            credit: payment(1),
            amount: sar(300),
            tender: Tender::Cash,
            on: day("2024-05-09"),
            reason: reason("account unknown"),
        };
        // The two hundred that were left are money of the customer's as well.
        assert_eq!(events[0], returned.into());
        assert_eq!(allocations(&events), [(invoice(1), 500)]);
        // Nothing of the payment is with the customer any more, so it can bounce.
        let facts = facts.into_iter().chain(events);
        assert!(crate::Decider::decide(&account(facts), reverse_payment(1).into()).is_ok());
    }

    #[test]
    fn refunds_that_are_refused() {
        given::<Account>([opened()]).when(refund(payment(1), 1, 1).into()).then_rejected(Rejection::NoSuchCredit);
        given::<Account>([opened(), payment_received(1, 5)])
            .when(refund(payment(1), 1, 0).into())
            .then_rejected(Rejection::AmountNotPositive);
        let reversed = decided(&account([payment_received(1, 500)]), reverse_payment(1));
        given::<Account>([opened(), payment_received(1, 500)].into_iter().chain(reversed))
            .when(refund(payment(1), 1, 1).into())
            .then_rejected(Rejection::PaymentWasReversed);
    }
}
