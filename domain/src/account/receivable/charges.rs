//! Charges: what invoices and debit notes put on the account. Credit that waits is used at once.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, ChargedSubsidy, Event, Item, ItemId, Posting, Rebill, Receivable, Rejection};
use crate::{
    BillingPeriod, Money,
    ids::{InvoiceId, NoteId},
    register::DocumentNumber,
};

/// An issued document is to be paid. Its number is assigned by then, so nothing but a document for another account's money is refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChargeAccount {
    pub invoice_id: InvoiceId,
    /// The note that adds to the invoice, if it is not the invoice itself.
    pub debit_note_id: Option<NoteId>,
    pub number: DocumentNumber,
    pub kind: ChargeKind,
    pub amount: Money,
    pub vat: Money,
    pub supply: BillingPeriod,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    /// What authorities pay of it, in the order of their priority. Left out if there is none, so that it is the command that it always was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subsidies: Vec<ChargedSubsidy>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountCharged {
    pub invoice_id: InvoiceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit_note_id: Option<NoteId>,
    pub number: DocumentNumber,
    pub kind: ChargeKind,
    pub amount: Money,
    /// The part of the amount that is VAT.
    pub vat: Money,
    pub supply: BillingPeriod,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
}

/// What a document is for, in the order in which [`AllocationPolicy::Priority`] pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChargeKind {
    ReconnectFee,
    LateFee,
    BouncedPaymentFee,
    ConnectionFee,
    Supply,
    Repair,
}

impl ChargeKind {
    /// A penalty bears no penalty.
    pub(super) const fn bears_late_fee(self) -> bool {
        match self {
            Self::LateFee | Self::BouncedPaymentFee => false,
            Self::ReconnectFee | Self::ConnectionFee | Self::Supply | Self::Repair => true,
        }
    }
}

impl AccountCharged {
    pub fn item(&self) -> ItemId {
        self.debit_note_id.map_or(ItemId::Invoice(self.invoice_id), ItemId::DebitNote)
    }
}

impl Item {
    pub(super) fn new(kind: ChargeKind, amount: Money, vat: Money, issued_on: NaiveDate, due_on: NaiveDate) -> Self {
        let nothing = Money::zero(amount.currency);
        Self {
            invoice_id: None,
            kind,
            amount,
            vat,
            open: amount,
            open_vat: vat,
            issued_on,
            due_on,
            disputed: false,
            written_off: nothing,
            written_off_vat: nothing,
            relieved: nothing,
            given_up_on: None,
            given_up: nothing,
            fee_decided: false,
            fee_waived: false,
            rebill: Rebill::No,
            plan: None,
        }
    }
}

impl Posting for AccountCharged {
    fn post(&self, receivable: &mut Receivable) {
        let Self { kind, amount, vat, issued_on, due_on, .. } = *self;
        let item = Item { invoice_id: Some(self.invoice_id), ..Item::new(kind, amount, vat, issued_on, due_on) };
        receivable.items.insert(self.item(), item);
    }
}

impl Account {
    /// Whether a document of so much could be charged. Asked before it gets its number: after that it is not refused.
    pub fn could_be_charged(&self, amount: Money, vat: Money) -> Result<(), Rejection> {
        self.money(&[amount, vat])?;
        if amount.minor < 0 {
            return Err(Rejection::AmountNotPositive);
        }
        if vat.minor < 0 || amount.minor < vat.minor {
            return Err(Rejection::VatOutsideAmount);
        }
        Ok(())
    }

    /// Also of a closed account: what was issued to it is owed.
    pub(in crate::account) fn charge(&self, wish: ChargeAccount) -> Result<Vec<Event>, Rejection> {
        let ChargeAccount { invoice_id, debit_note_id, number, kind, amount, vat, supply, issued_on, due_on, subsidies } = wish;
        self.could_be_charged(amount, vat)?;
        let charged = AccountCharged { invoice_id, debit_note_id, number, kind, amount, vat, supply, issued_on, due_on };
        if let Some(item) = self.receivable.items.get(&charged.item()) {
            let same = (item.kind, item.amount, item.vat, item.issued_on, item.due_on) == (kind, amount, vat, issued_on, due_on);
            return if same { Ok(vec![]) } else { Err(Rejection::ChargeReused) };
        }
        // The common case of a bill run: nothing to pay it with, so nothing to reckon.
        if subsidies.is_empty() && !self.receivable.credits.values().any(super::Credit::is_usable) {
            return Ok(vec![charged.into()]);
        }
        let mut draft = self.draft();
        draft.record(charged);
        draft.subsidise(invoice_id, subsidies, issued_on);
        draft.use_credit(issued_on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, account::example::*, spec::given};

    #[test]
    fn a_charge_is_owed_once() {
        given::<Account>([opened()]).when(charge(ChargeOf::default()).into()).then([charged(ChargeOf::default())]);
        let note = ChargeAccount { debit_note_id: Some(note_id(1)), ..charge(ChargeOf { minor: 700, vat: 91, ..ChargeOf::default() }) };
        let account = account([charged(ChargeOf::default())]);
        assert_eq!(decided(&account, note).len(), 1, "a debit note is an item beside its invoice");
        let other = charge(ChargeOf { minor: 9_900, ..ChargeOf::default() });
        given::<Account>([opened(), charged(ChargeOf::default())]).when(other.into()).then_rejected(Rejection::ChargeReused);
    }

    #[test]
    fn credit_that_waits_pays_the_next_charge_at_once() {
        let paid = payment_received(1, 3_000);
        given::<Account>([opened(), paid.clone()])
            .when(charge(ChargeOf::default()).into())
            .then([charged(ChargeOf::default()), allocated(payment(1), 1, 3_000, 391, 8_500)]);
        // More than enough: what is over waits for the one after.
        let events = decided(&account([payment_received(1, 20_000)]), charge(ChargeOf::default()));
        assert_eq!(allocations(&events), [(invoice(1), 11_500)]);
        let after = account([[payment_received(1, 20_000)].to_vec(), events].concat());
        assert_eq!(after.receivable().balance(Currency::SAR), sar(-8_500));
    }

    #[test]
    fn what_is_paid_before_it_is_issued_is_paid_on_the_day_of_issue() {
        let events = decided(&account([payment_received(1, 20_000)]), charge(ChargeOf { issued: "2024-09-01", ..ChargeOf::default() }));
        let Event::CreditAllocated(fact) = &events[1] else { panic!("{events:?}") };
        assert_eq!((fact.paid_on, fact.effective_on), (day("2024-04-01"), day("2024-09-01")));
    }

    #[test]
    fn charges_that_are_refused() {
        for (wish, rejection) in [
            (ChargeAccount { amount: sar(-1), vat: sar(0), ..charge(ChargeOf::default()) }, Rejection::AmountNotPositive),
            (ChargeAccount { vat: sar(11_501), ..charge(ChargeOf::default()) }, Rejection::VatOutsideAmount),
            (ChargeAccount { vat: sar(-1), ..charge(ChargeOf::default()) }, Rejection::VatOutsideAmount),
            (ChargeAccount { amount: sar(Money::LARGEST + 1), ..charge(ChargeOf::default()) }, Rejection::AmountTooLarge),
            (
                ChargeAccount { vat: Money::new(1, Currency::EGP), ..charge(ChargeOf::default()) },
                Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::EGP },
            ),
        ] {
            given::<Account>([opened()]).when(wish.into()).then_rejected(rejection);
        }
        given::<Account>([]).when(charge(ChargeOf::default()).into()).then_rejected(Rejection::NotOpen);
    }

    #[test]
    fn what_could_not_be_charged_is_known_before_it_is_issued() {
        let (account, largest) = (account([]), Money::LARGEST);
        assert_eq!(account.could_be_charged(sar(largest), sar(0)), Ok(()));
        assert_eq!(account.could_be_charged(sar(largest + 1), sar(0)), Err(Rejection::AmountTooLarge));
        assert_eq!(account.could_be_charged(sar(100), sar(101)), Err(Rejection::VatOutsideAmount));
        let other = Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::EGP };
        assert_eq!(account.could_be_charged(Money::new(1, Currency::EGP), sar(0)), Err(other));
    }

    #[test]
    fn a_closed_account_owes_what_was_issued_to_it() {
        let closed = crate::account::AccountClosed { closed_on: day("2024-03-01"), reason: reason("moved away") };
        given::<Account>([opened(), closed.into()]).when(charge(ChargeOf::default()).into()).then([charged(ChargeOf::default())]);
    }

    #[test]
    fn a_bill_of_nothing_is_charged_and_owes_nothing() {
        let nothing = ChargeOf { minor: 0, vat: 0, ..ChargeOf::default() };
        given::<Account>([opened()]).when(charge(nothing).into()).then([charged(nothing)]);
        assert!(account([charged(nothing)]).receivable().is_settled());
    }
}
