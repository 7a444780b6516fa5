//! Payments: money that came, and money that turned out not to have.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Account, AllocationPolicy, Credit, CreditId, Event, FreeCause, ItemId, Posting, Receivable, Rejection};
use crate::{
    Code, CommandHash, Currency, Money, Reason,
    ids::{CashSessionId, PaymentId, ReservationId},
    reservation::Unique,
};

/// What a cashier took, or a gateway confirmed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordPayment {
    pub payment_id: PaymentId,
    /// What the outside calls it: a receipt, a bank's reference, a gateway's. Nobody pays twice under one, as far as [`Unique::payment_reference`] says
    /// that it is one.
    pub external_reference: Code,
    pub tender: Tender,
    pub channel: Code,
    /// The cash session it was taken in, if at a till.
    pub session: Option<CashSessionId>,
    pub amount: Money,
    pub received_at: DateTime<Utc>,
    /// From when the money counts as paid.
    pub value_on: NaiveDate,
    /// What the customer said it is for, in that order. A debt that was written off is recovered so, and not otherwise.
    pub directed: Vec<ItemId>,
    /// By the account's own, if it is not said.
    pub policy: Option<AllocationPolicy>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReversePayment {
    pub payment_id: PaymentId,
    pub cause: ReversalCause,
    /// What to bill the customer for the trouble, if anything: the fee is a document of its own.
    pub bounce_fee: Option<Money>,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentReceived {
    pub payment_id: PaymentId,
    pub external_reference: Code,
    pub tender: Tender,
    pub channel: Code,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<CashSessionId>,
    pub amount: Money,
    pub received_at: DateTime<Utc>,
    pub value_on: NaiveDate,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directed: Vec<ItemId>,
}

/// All that the payment had paid has been freed before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentReversed {
    pub payment_id: PaymentId,
    /// Where the money is taken back from: a cheque that has cleared, from the bank.
    pub tender: Tender,
    pub amount: Money,
    /// What of it had been written off as too small to keep, and is taken back there.
    pub written_off: Money,
    pub cause: ReversalCause,
    /// A request for an invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounce_fee: Option<Money>,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tender {
    Cash,
    /// Until it clears it is only in hand.
    Cheque,
    Transfer,
    /// At a till.
    Pos,
    /// Through a gateway.
    Card,
    Wallet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReversalCause {
    Bounced,
    Chargeback,
    Mistake,
}

/// What is remembered of a payment besides its credit.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    /// Of what the outside calls it.
    pub(super) reference: ReservationId,
    content: CommandHash,
    pub(super) tender: Tender,
    pub(super) amount: Money,
    pub(super) reversed: bool,
    pub(super) refunded: Money,
}

impl PaymentReceived {
    fn reference(&self) -> ReservationId {
        Unique::payment_reference(self.tender, &self.channel, &self.external_reference).reservation_id()
    }

    /// Of what was paid, whatever id it was given here: the same receipt reported twice is one payment.
    fn content(&self) -> CommandHash {
        CommandHash::of(&(&self.tender, &self.channel, &self.session, &self.amount, &self.received_at, &self.value_on, &self.directed))
    }
}

impl Posting for PaymentReceived {
    fn post(&self, receivable: &mut Receivable) {
        let (reference, content) = (self.reference(), self.content());
        let refunded = Money::zero(self.amount.currency);
        let payment = Payment { reference, content, tender: self.tender, amount: self.amount, reversed: false, refunded };
        receivable.payments.insert(self.payment_id, payment);
        receivable.credits.insert(CreditId::Payment(self.payment_id), Credit::new(self.amount, self.value_on));
    }
}

impl Posting for PaymentReversed {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_credit(CreditId::Payment(self.payment_id), |credit| {
            credit.left.minor -= self.amount.minor - self.written_off.minor;
            credit.written_off.minor -= self.written_off.minor;
        });
        if let Some(payment) = receivable.payments.get_mut(&self.payment_id) {
            payment.reversed = true;
        }
    }
}

impl Account {
    /// Whether a payment of so much could be recorded, so that nobody is asked to pay what could not.
    pub fn could_receive(&self, amount: Money, directed: &[ItemId]) -> Result<(), Rejection> {
        self.positive(amount)?;
        if directed.iter().all(|id| self.receivable.items.contains_key(id)) { Ok(()) } else { Err(Rejection::NoSuchItem) }
    }

    /// All that a payment for these items could pay, what was given up of them included; all that is open, if none is named.
    pub fn owed(&self, currency: Currency, directed: &[ItemId]) -> Money {
        if directed.is_empty() {
            return self.receivable.due(currency);
        }
        let items: BTreeSet<_> = directed.iter().filter_map(|id| Some((id, self.receivable.items.get(id)?.owed()))).collect();
        Money::new(items.into_iter().map(|(_, minor)| minor).sum(), currency)
    }

    /// Also of a closed account: the money is there.
    pub(in crate::account) fn record_payment(&self, wish: RecordPayment) -> Result<Vec<Event>, Rejection> {
        let RecordPayment { payment_id, external_reference, tender, channel, session, amount, received_at, value_on, directed, policy } =
            wish;
        self.positive(amount)?;
        let received =
            PaymentReceived { payment_id, external_reference, tender, channel, session, amount, received_at, value_on, directed };
        let reference = received.reference();
        if let Some(already) = self.receivable.payments.values().find(|payment| payment.reference == reference) {
            return if already.content == received.content() { Ok(vec![]) } else { Err(Rejection::PaymentReferenceReused) };
        }
        if self.receivable.payments.contains_key(&payment_id) {
            return Err(Rejection::PaymentIdReused);
        }
        self.could_receive(amount, &received.directed)?;
        let (credit, directed) = (CreditId::Payment(payment_id), received.directed.clone());
        let mut draft = self.draft();
        draft.record(received);
        for id in directed {
            draft.recover(credit, id, value_on);
        }
        draft.use_credit_by(policy.unwrap_or(draft.receivable.policy), value_on);
        Ok(draft.facts)
    }

    pub(in crate::account) fn reverse_payment(&self, wish: ReversePayment) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let ReversePayment { payment_id, cause, bounce_fee, on, reason } = wish;
        let payment = self.receivable.payments.get(&payment_id).ok_or(Rejection::NoSuchPayment)?;
        if payment.reversed {
            return Ok(vec![]);
        }
        if let Some(fee) = bounce_fee {
            self.positive(fee)?;
        }
        // What went back to the customer cannot be taken from the credit again: a debit note claims it.
        if !payment.refunded.is_zero() {
            return Err(Rejection::PaymentWasRefunded);
        }
        let credit_id = CreditId::Payment(payment_id);
        let written_off = self.receivable.credits.get(&credit_id).map_or(Money::zero(payment.amount.currency), |credit| credit.written_off);
        let (tender, amount) = (self.receivable.held_as(credit_id, payment.tender), payment.amount);
        let mut draft = self.draft();
        draft.free(|_, credit| credit == credit_id, FreeCause::PaymentReversed, on);
        draft.record(PaymentReversed { payment_id, tender, amount, written_off, cause, bounce_fee, on, reason });
        draft.use_credit(on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Actor,
        account::{AllocationFreed, WriteOff, example::*},
        spec::given,
    };

    fn reverse(n: u32) -> ReversePayment {
        let (cause, bounce_fee) = (ReversalCause::Bounced, Some(sar(5_000)));
        ReversePayment { payment_id: payment_id(n), cause, bounce_fee, on: day("2024-05-01"), reason: reason("no funds") }
    }

    fn reversed(n: u32, minor: i64) -> Event {
        PaymentReversed {
            payment_id: payment_id(n),
            tender: Tender::Cash,
            amount: sar(minor),
            written_off: sar(0),
            cause: ReversalCause::Bounced,
            bounce_fee: Some(sar(5_000)),
            on: day("2024-05-01"),
            reason: reason("no funds"),
        }
        .into()
    }

    #[test]
    fn what_a_payment_could_pay_is_all_that_is_open_or_what_it_is_meant_for() {
        let charges = [(1, 4_000), (2, 600)].map(|(n, minor)| charged(ChargeOf { n, minor, vat: 0, ..ChargeOf::default() }));
        let (approved_by, limit, reason) = (Actor::user("9"), sar(600), reason("gone"));
        let give_up = WriteOff { item: invoice(2), approved_by, limit, on: day("2025-03-01"), reason };
        let given_up = decided(&account(charges.clone()), give_up);
        let account = account(charges.into_iter().chain(given_up));
        for (directed, owed) in [(&[][..], 4_000), (&[1], 4_000), (&[2], 600), (&[2, 1, 2], 4_600)] {
            let items: Vec<_> = directed.iter().map(|n| invoice(*n)).collect();
            assert_eq!(account.owed(Currency::SAR, &items), sar(owed), "{directed:?}");
        }
    }

    #[test]
    fn a_payment_pays_the_oldest_first_and_what_is_over_is_credit() {
        let (older, newer) = (ChargeOf { n: 1, ..ChargeOf::default() }, ChargeOf { n: 2, due: "2024-04-15", ..ChargeOf::default() });
        given::<Account>([opened(), charged(newer), charged(older)]).when(record_payment(1, 12_000).into()).then([
            payment_received(1, 12_000),
            allocated(payment(1), 1, 11_500, 1_500, 0),
            allocated(payment(1), 2, 500, 65, 11_000),
        ]);
        let account = account([[charged(older)].to_vec(), decided(&account([charged(older)]), record_payment(1, 12_000))].concat());
        assert_eq!(account.receivable().balance(Currency::SAR), sar(-500));
    }

    #[test]
    fn what_the_customer_says_goes_first_and_the_rest_by_policy() {
        let charges = (1..=3).map(|n| charged(ChargeOf { n, ..ChargeOf::default() }));
        let wish = RecordPayment { directed: vec![invoice(3), invoice(2)], ..record_payment(1, 30_000) };
        let events = decided(&account(charges), wish);
        assert_eq!(allocations(&events), [(invoice(3), 11_500), (invoice(2), 11_500), (invoice(1), 7_000)]);
        let unknown = RecordPayment { directed: vec![invoice(9)], ..record_payment(1, 500) };
        given::<Account>([opened()]).when(unknown.into()).then_rejected(Rejection::NoSuchItem);
    }

    #[test]
    fn opening_items_are_paid_like_charges() {
        let account = account([charged(ChargeOf::default()), opening_balance()]);
        let events = decided(&account, record_payment(1, 12_600));
        // Its five riyals of credit and the payment: the older item is the one from the other system.
        let paid = allocations(&events);
        assert_eq!(paid, [(opening_item(), 500), (opening_item(), 12_000), (invoice(1), 600)]);
    }

    #[test]
    fn a_receipt_counts_once_under_whatever_id() {
        let facts = || [opened(), payment_received(1, 500)];
        let again = RecordPayment { payment_id: payment_id(2), ..record_payment(1, 500) };
        given::<Account>(facts()).when(again.into()).then_nothing();
        let other = record_payment(1, 501);
        given::<Account>(facts()).when(other.clone().into()).then_rejected(Rejection::PaymentReferenceReused);
        let elsewhere = RecordPayment { external_reference: code("R-2"), ..other };
        given::<Account>(facts()).when(elsewhere.into()).then_rejected(Rejection::PaymentIdReused);
        given::<Account>([opened()]).when(record_payment(1, 0).into()).then_rejected(Rejection::AmountNotPositive);
    }

    #[test]
    fn a_bounced_payment_opens_what_it_paid_and_nothing_else_with_its_old_due_date() {
        let charges = || (1..=2).map(|n| charged(ChargeOf { n, ..ChargeOf::default() }));
        let first = decided(&account(charges()), record_payment(1, 11_500));
        let second = decided(&account(charges().chain(first.clone())), record_payment(2, 11_500));
        let facts = || charges().chain(first.clone()).chain(second.clone());
        let freed = AllocationFreed {
            credit: payment(1),
            item: invoice(1),
            amount: sar(11_500),
            vat: sar(1_500),
            still_due: sar(11_500),
            echo: echo(1, 0),
            cause: FreeCause::PaymentReversed,
            effective_on: day("2024-05-01"),
        };
        given::<Account>([opened()].into_iter().chain(facts())).when(reverse(1).into()).then([freed.clone().into(), reversed(1, 11_500)]);
        let after = account(facts().chain([freed.into(), reversed(1, 11_500)]));
        let open: Vec<_> = after.receivable().open_items().map(|(id, item)| (id, item.open, item.due_on)).collect();
        assert_eq!(open, [(invoice(1), sar(11_500), day("2024-03-16"))]);
    }

    #[test]
    fn credit_of_another_payment_pays_what_a_bounced_one_opened() {
        let first = decided(&account([charged(ChargeOf::default())]), record_payment(1, 11_500));
        let account = account([charged(ChargeOf::default())].into_iter().chain(first).chain([payment_received(2, 700)]));
        assert_eq!(allocations(&decided(&account, reverse(1))), [(invoice(1), 700)]);
    }

    #[test]
    fn reversals_that_are_refused() {
        given::<Account>([opened()]).when(reverse(1).into()).then_rejected(Rejection::NoSuchPayment);
        let no_fee = ReversePayment { bounce_fee: Some(sar(0)), ..reverse(1) };
        given::<Account>([opened(), payment_received(1, 500)]).when(no_fee.into()).then_rejected(Rejection::AmountNotPositive);
        let refunded = [opened(), payment_received(1, 500), credit_refunded(payment(1), 1, 100)];
        given::<Account>(refunded).when(reverse(1).into()).then_rejected(Rejection::PaymentWasRefunded);
    }
}
