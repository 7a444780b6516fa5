//! VAT on debts that were given up: the state has had it and the customer never paid it, so it is claimed back.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Account, Event, Item, ItemId, Posting, Receivable, Rejection};
use crate::{Actor, Money};

/// Claims all that can be claimed for an item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimVatRelief {
    pub item: ItemId,
    /// So many months after the date on the document, as the law says.
    pub after_months: u32,
    pub on: NaiveDate,
    pub claimed_by: Actor,
}

/// What we owe the state is less by as much, until the debt is paid after all: see [`DebtRecovered`](super::DebtRecovered).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VatReliefClaimed {
    pub item: ItemId,
    pub vat: Money,
    pub on: NaiveDate,
    pub claimed_by: Actor,
}

impl Posting for VatReliefClaimed {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.relieved.minor += self.vat.minor);
    }
}

impl Item {
    /// The first day on which relief for it may be claimed; none, if nothing of it is given up.
    fn relief_from(&self, after_months: u32) -> Option<NaiveDate> {
        let lawful = self.issued_on.checked_add_months(Months::new(after_months)).unwrap_or(NaiveDate::MAX);
        self.given_up_on.map(|given_up_on| lawful.max(given_up_on))
    }
}

impl Account {
    pub(in crate::account) fn claim_vat_relief(&self, wish: ClaimVatRelief) -> Result<Vec<Event>, Rejection> {
        let ClaimVatRelief { item: item_id, after_months, on, claimed_by } = wish;
        let item = self.item(item_id)?;
        let from = item.relief_from(after_months).filter(|_| !item.written_off_vat.is_zero()).ok_or(Rejection::NoVatGivenUp)?;
        let vat = Money::new(item.written_off_vat.minor - item.relieved.minor, item.vat.currency);
        if vat.is_zero() {
            return Ok(vec![]);
        }
        if on < from {
            return Err(Rejection::ReliefTooEarly { from });
        }
        Ok(vec![VatReliefClaimed { item: item_id, vat, on, claimed_by }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Decider,
        account::{Command, DebtRecovered, RecordPayment, WriteOff, example::*},
        invoice::Surplus,
        spec::given,
    };

    /// What is given up a year and a day after its bill.
    fn given_up() -> Vec<Event> {
        let charged = charged(ChargeOf::default());
        let account = account([charged.clone()]);
        let wish =
            WriteOff { item: invoice(1), approved_by: Actor::user("9"), limit: sar(11_500), on: day("2025-03-02"), reason: reason("gone") };
        [charged].into_iter().chain(decided(&account, wish)).collect()
    }

    fn facts(then: impl IntoIterator<Item = Event>) -> impl Iterator<Item = Event> {
        [opened()].into_iter().chain(given_up()).chain(then)
    }

    fn recovered(minor: i64, vat: i64, relief: Option<i64>) -> Event {
        DebtRecovered { item: invoice(1), amount: sar(minor), vat: sar(vat), relief: relief.map(sar), on: day("2024-04-01") }.into()
    }

    #[test]
    fn the_vat_of_a_debt_that_was_given_up_is_claimed_once() {
        given::<Account>(facts([])).when(claim_vat_relief(1).into()).then([vat_relief_claimed(1, 1_500)]);
        given::<Account>(facts([vat_relief_claimed(1, 1_500)])).when(claim_vat_relief(1).into()).then_nothing();
        given::<Account>([opened(), charged(ChargeOf::default())]).when(claim_vat_relief(1).into()).then_rejected(Rejection::NoVatGivenUp);
        given::<Account>([opened()]).when(claim_vat_relief(1).into()).then_rejected(Rejection::NoSuchItem);
    }

    #[test]
    fn it_waits_for_the_law_and_for_the_write_off() {
        for (after_months, day_before, from) in [(12, "2025-03-01", "2025-03-02"), (14, "2025-04-30", "2025-05-01")] {
            let wish = |on| ClaimVatRelief { after_months, on: day(on), ..claim_vat_relief(1) };
            given::<Account>(facts([])).when(wish(day_before).into()).then_rejected(Rejection::ReliefTooEarly { from: day(from) });
            let claimed = VatReliefClaimed { item: invoice(1), vat: sar(1_500), on: day(from), claimed_by: Actor::user("9") };
            given::<Account>(facts([])).when(wish(from).into()).then([claimed.into()]);
        }
    }

    #[test]
    fn it_goes_back_as_far_as_the_debt_is_paid_after_all_and_to_the_last_halala() {
        let mut account = account(given_up().into_iter().chain([vat_relief_claimed(1, 1_500)]));
        for (n, minor, vat) in [(1, 3_333, 435), (2, 3_333, 435), (3, 4_834, 630)] {
            let meant = RecordPayment {
                payment_id: payment_id(n),
                external_reference: code(&format!("R-{n}")),
                directed: vec![invoice(1)],
                ..record_payment(1, minor)
            };
            let events = decided(&account, meant);
            assert_eq!(events[1], recovered(minor, vat, Some(vat)));
            account = events.iter().fold(account, Account::evolve);
        }
        assert_eq!(account.decide(claim_vat_relief(1).into()), Err(Rejection::NoVatGivenUp));
    }

    #[test]
    fn what_was_not_claimed_does_not_go_back() {
        let meant = RecordPayment { directed: vec![invoice(1)], ..record_payment(1, 4_600) };
        assert_eq!(decided(&account(given_up()), meant)[1], recovered(4_600, 600, None));
    }

    #[test]
    fn a_payment_that_bounces_leaves_a_debt_whose_vat_is_claimed_when_it_is_given_up_again() {
        let before = given_up().into_iter().chain([vat_relief_claimed(1, 1_500)]);
        let mut account = account(before);
        let again =
            WriteOff { item: invoice(1), approved_by: Actor::user("9"), limit: sar(11_500), on: day("2025-06-01"), reason: reason("gone") };
        let meant = RecordPayment { directed: vec![invoice(1)], ..record_payment(1, 4_600) };
        for wish in [Command::from(meant), reverse_payment(1).into(), again.into()] {
            let events = account.decide(wish).unwrap();
            account = events.iter().fold(account, Account::evolve);
        }
        let claimed = VatReliefClaimed { item: invoice(1), vat: sar(600), on: day("2025-06-01"), claimed_by: Actor::user("9") };
        let wish = ClaimVatRelief { on: day("2025-06-01"), ..claim_vat_relief(1) };
        assert_eq!(account.decide(wish.into()), Ok(vec![claimed.into()]));
    }

    /// The note takes its VAT off what we owe the state itself.
    #[test]
    fn a_credit_note_for_a_debt_that_was_given_up_ends_its_relief() {
        let account = account(given_up().into_iter().chain([vat_relief_claimed(1, 1_500)]));
        let events = decided(&account, credit_account(1, 1, 2_300, Surplus::AccountCredit));
        assert_eq!(
            events,
            [
                account_credited(1, 1, 2_300, Surplus::AccountCredit),
                recovered(2_300, 300, Some(300)),
                allocated(credit_note(1), 1, 2_300, 300, 0),
            ]
        );
    }
}
