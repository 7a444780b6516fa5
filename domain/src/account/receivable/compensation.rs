//! Compensation for a standard that we missed: money of the customer's like any other. Nothing was sold, so there is no document and no VAT.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Credit, CreditId, Event, Posting, Receivable, Rejection};
use crate::{Money, ids::DisconnectionId};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreditCompensation {
    /// Whose reconnection fell late. An order has one clock, so there is one compensation for it.
    pub disconnection_id: DisconnectionId,
    pub amount: Money,
    /// When it fell late.
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompensationCredited {
    pub disconnection_id: DisconnectionId,
    pub amount: Money,
    pub on: NaiveDate,
}

impl Posting for CompensationCredited {
    fn post(&self, receivable: &mut Receivable) {
        let Self { disconnection_id, amount, on } = *self;
        receivable.credits.insert(CreditId::Compensation(disconnection_id), Credit::new(amount, on));
        receivable.compensations.insert(disconnection_id, amount);
    }
}

impl Account {
    /// It is owed whatever has become of the account since: closed or suspended, what nothing needs goes back to the customer.
    pub(in crate::account) fn credit_compensation(&self, wish: CreditCompensation) -> Result<Vec<Event>, Rejection> {
        let CreditCompensation { disconnection_id, amount, on } = wish;
        self.positive(amount)?;
        if let Some(already) = self.receivable.compensations.get(&disconnection_id) {
            return if *already == amount { Ok(vec![]) } else { Err(Rejection::CompensationReused) };
        }
        let mut draft = self.draft();
        draft.record(CompensationCredited { disconnection_id, amount, on });
        draft.use_credit(on);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Currency,
        account::{AccountClosed, Tender, example::*},
        spec::given,
    };

    fn of(n: u128) -> CreditId {
        CreditId::Compensation(disconnection_id(n))
    }

    #[test]
    fn it_pays_the_oldest_debt_and_what_is_over_the_next_bill() {
        let charges = || {
            [(1, "2024-03-16"), (2, "2024-02-16")]
                .map(|(n, due)| charged(ChargeOf { n, minor: 1_150, vat: 150, due, ..ChargeOf::default() }))
        };
        let [first, second] = charges();
        given::<Account>([opened(), first, second]).when(credit_compensation(1, 1_300).into()).then([
            compensation_credited(1, 1_300),
            allocated(of(1), 2, 1_150, 150, 0),
            allocated(of(1), 1, 150, 20, 1_000),
        ]);
        let after = account(charges().into_iter().chain(decided(&account(charges()), credit_compensation(1, 3_000))));
        assert_eq!(after.receivable().balance(Currency::SAR), sar(-700));
        let next = decided(&after, charge(ChargeOf { n: 3, ..ChargeOf::default() }));
        assert_eq!(allocations(&next), [(invoice(3), 700)]);
    }

    #[test]
    fn it_is_credited_once_for_an_order() {
        let credited = || [opened(), compensation_credited(1, 7_500)];
        given::<Account>(credited()).when(credit_compensation(1, 7_500).into()).then_nothing();
        given::<Account>(credited()).when(credit_compensation(1, 7_501).into()).then_rejected(Rejection::CompensationReused);
        given::<Account>(credited()).when(credit_compensation(2, 7_500).into()).then([compensation_credited(2, 7_500)]);
    }

    #[test]
    fn compensations_that_are_refused() {
        for minor in [0, -1] {
            given::<Account>([opened()]).when(credit_compensation(1, minor).into()).then_rejected(Rejection::AmountNotPositive);
        }
        given::<Account>([]).when(credit_compensation(1, 7_500).into()).then_rejected(Rejection::NotOpen);
        let dollars = CreditCompensation { amount: Money::new(7_500, Currency::USD), ..credit_compensation(1, 0) };
        let other = Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::USD };
        given::<Account>([opened()]).when(dollars.into()).then_rejected(other);
    }

    #[test]
    fn whoever_has_left_is_owed_it_as_well_and_gets_it_back() {
        let closed = AccountClosed { closed_on: day("2024-03-01"), reason: reason("moved away") };
        let facts = || [opened(), closed.clone().into()];
        given::<Account>(facts()).when(credit_compensation(1, 7_500).into()).then([compensation_credited(1, 7_500)]);
        let refund = super::super::RefundCredit { tender: Tender::Transfer, ..refund(of(1), 1, 7_500) };
        let credited = facts().into_iter().chain([compensation_credited(1, 7_500)]);
        assert_eq!(decided(&account(credited.skip(1)), refund).len(), 1);
    }
}
