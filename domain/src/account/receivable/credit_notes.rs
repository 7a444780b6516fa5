//! Credit notes: they pay the document they correct, as far as it is open or was given up; the rest is the customer's money.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Credit, CreditId, Event, ItemId, Posting, Receivable, Rejection};
use crate::{
    Money,
    ids::{InvoiceId, NoteId},
    invoice::Surplus,
    register::DocumentNumber,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreditAccount {
    pub note_id: NoteId,
    pub invoice_id: InvoiceId,
    pub number: DocumentNumber,
    pub amount: Money,
    pub vat: Money,
    pub issued_on: NaiveDate,
    /// What becomes of what the invoice does not need: it pays what else is open, now or next, or waits for its refund.
    pub surplus: Surplus,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountCredited {
    pub note_id: NoteId,
    pub invoice_id: InvoiceId,
    pub number: DocumentNumber,
    pub amount: Money,
    pub vat: Money,
    pub issued_on: NaiveDate,
    pub surplus: Surplus,
}

impl Posting for AccountCredited {
    fn post(&self, receivable: &mut Receivable) {
        let for_refund = self.surplus == Surplus::Refund;
        let credit = Credit { for_refund, ..Credit::new(self.amount, self.issued_on) };
        receivable.credits.insert(CreditId::CreditNote(self.note_id), credit);
        receivable.credit_notes.insert(self.note_id, (self.invoice_id, self.amount));
    }
}

impl Account {
    /// The note is issued by then, so it is not refused: not even where its invoice has yet to be charged.
    pub(in crate::account) fn credit_account(&self, wish: CreditAccount) -> Result<Vec<Event>, Rejection> {
        let CreditAccount { note_id, invoice_id, number, amount, vat, issued_on, surplus } = wish;
        self.money(&[amount, vat])?;
        if amount.minor < 0 {
            return Err(Rejection::AmountNotPositive);
        }
        if vat.minor < 0 || amount.minor < vat.minor {
            return Err(Rejection::VatOutsideAmount);
        }
        if let Some(already) = self.receivable.credit_notes.get(&note_id) {
            return if *already == (invoice_id, amount) { Ok(vec![]) } else { Err(Rejection::CreditNoteReused) };
        }
        let mut draft = self.draft();
        draft.record(AccountCredited { note_id, invoice_id, number, amount, vat, issued_on, surplus });
        draft.take_back(invoice_id, note_id, issued_on);
        draft.recover(CreditId::CreditNote(note_id), ItemId::Invoice(invoice_id), issued_on);
        draft.use_credit(issued_on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, account::example::*, spec::given};

    #[test]
    fn a_credit_note_lowers_what_is_due_on_its_invoice() {
        let wish = credit_account(1, 1, 2_300, Surplus::AccountCredit);
        given::<Account>([opened(), charged(ChargeOf::default())])
            .when(wish.into())
            .then([account_credited(1, 1, 2_300, Surplus::AccountCredit), allocated(credit_note(1), 1, 2_300, 300, 9_200)]);
    }

    #[test]
    fn of_a_paid_invoice_it_is_credit_or_a_refund_as_was_chosen() {
        let paid = || {
            let charge = charged(ChargeOf::default());
            [charge.clone()].into_iter().chain(decided(&account([charge]), record_payment(1, 11_500)))
        };
        for (surplus, used) in [(Surplus::AccountCredit, vec![(invoice(2), 2_300)]), (Surplus::Refund, vec![])] {
            let events = decided(&account(paid()), credit_account(1, 1, 2_300, surplus));
            assert_eq!(events, [account_credited(1, 1, 2_300, surplus)]);
            let after = account(paid().chain(events));
            assert_eq!(after.receivable().balance(Currency::SAR), sar(-2_300));
            let next = decided(&after, charge(ChargeOf { n: 2, ..ChargeOf::default() }));
            assert_eq!(allocations(&next), used, "{surplus:?}");
        }
    }

    #[test]
    fn what_is_over_pays_what_else_is_open() {
        let charges = (1..=2).map(|n| charged(ChargeOf { n, minor: 1_000, vat: 130, ..ChargeOf::default() }));
        let events = decided(&account(charges), credit_account(1, 2, 1_500, Surplus::AccountCredit));
        assert_eq!(allocations(&events), [(invoice(2), 1_000), (invoice(1), 500)]);
    }

    #[test]
    fn a_note_that_overtakes_its_invoice_waits_for_it() {
        let early = decided(&account([]), credit_account(1, 1, 2_300, Surplus::AccountCredit));
        assert_eq!(allocations(&decided(&account(early), charge(ChargeOf::default()))), [(invoice(1), 2_300)]);
    }

    #[test]
    fn notes_that_are_refused() {
        let credited = account_credited(1, 1, 2_300, Surplus::AccountCredit);
        for (wish, rejection) in [
            (credit_account(1, 2, 2_300, Surplus::AccountCredit), Rejection::CreditNoteReused),
            (credit_account(1, 1, 2_301, Surplus::AccountCredit), Rejection::CreditNoteReused),
            (credit_account(2, 1, -1, Surplus::AccountCredit), Rejection::AmountNotPositive),
            (CreditAccount { vat: sar(2_301), ..credit_account(2, 1, 2_300, Surplus::AccountCredit) }, Rejection::VatOutsideAmount),
        ] {
            given::<Account>([opened(), credited.clone()]).when(wish.into()).then_rejected(rejection);
        }
    }
}
