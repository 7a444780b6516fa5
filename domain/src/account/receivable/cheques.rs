//! Cheques: they pay when they are taken, and are in hand until the bank has paid them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, CreditId, Event, Posting, Receivable, Rejection, Tender};
use crate::Money;

/// The bank has paid the cheque that a payment was made with, or a deposit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClearCheque {
    pub cheque: CreditId,
    pub on: NaiveDate,
}

/// From here on the money is in the bank, and would be taken back from there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChequeCleared {
    pub cheque: CreditId,
    pub amount: Money,
    pub on: NaiveDate,
}

impl Posting for ChequeCleared {
    fn post(&self, receivable: &mut Receivable) {
        receivable.cleared.insert(self.cheque);
    }
}

impl Receivable {
    /// Where what was tendered so is by now.
    pub(super) fn held_as(&self, credit: CreditId, tender: Tender) -> Tender {
        if self.cleared.contains(&credit) { Tender::Transfer } else { tender }
    }
}

impl Account {
    pub(in crate::account) fn clear_cheque(&self, wish: ClearCheque) -> Result<Vec<Event>, Rejection> {
        let ClearCheque { cheque, on } = wish;
        self.holder()?;
        let (tender, amount) = match cheque {
            CreditId::Payment(id) => {
                let payment = self.receivable.payments.get(&id).ok_or(Rejection::NoSuchPayment)?;
                if payment.reversed {
                    return Err(Rejection::PaymentWasReversed);
                }
                (Some(payment.tender), payment.amount)
            }
            CreditId::Deposit(id) => {
                let deposit = self.receivable.deposits.get(&id).ok_or(Rejection::NoSuchDeposit)?;
                (deposit.tender, deposit.amount)
            }
            CreditId::Opening { .. } | CreditId::CreditNote(_) | CreditId::Compensation(_) | CreditId::Subsidy(_) => {
                return Err(Rejection::NotACheque);
            }
        };
        if tender != Some(Tender::Cheque) {
            return Err(Rejection::NotACheque);
        }
        let cleared = ChequeCleared { cheque, amount, on };
        Ok(if self.receivable.cleared.contains(&cheque) { vec![] } else { vec![cleared.into()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{PaymentReversed, RecordPayment, TakeDeposit, example::*},
        spec::given,
    };

    fn clear(cheque: CreditId) -> ClearCheque {
        ClearCheque { cheque, on: day("2024-04-20") }
    }

    fn by_cheque(n: u32, minor: i64) -> Vec<Event> {
        decided(&account([]), RecordPayment { tender: Tender::Cheque, ..record_payment(n, minor) })
    }

    #[test]
    fn a_cheque_clears_once_and_bounces_from_where_it_is() {
        let facts = || [opened()].into_iter().chain(by_cheque(1, 500));
        let cleared = || ChequeCleared { cheque: payment(1), amount: sar(500), on: day("2024-04-20") };
        given::<Account>(facts()).when(clear(payment(1)).into()).then([cleared().into()]);
        let from = |facts: Vec<Event>| {
            let events = decided(&account(facts), reverse_payment(1));
            let reversed = events.iter().find_map(|event| if let Event::PaymentReversed(fact) = event { Some(fact) } else { None });
            let PaymentReversed { tender, .. } = reversed.expect("it is reversed").clone();
            tender
        };
        assert_eq!(from(by_cheque(1, 500)), Tender::Cheque);
        assert_eq!(from([by_cheque(1, 500), vec![cleared().into()]].concat()), Tender::Transfer);
    }

    #[test]
    fn a_deposit_by_cheque_clears_too_and_nothing_else_does() {
        let deposit = CreditId::Deposit(deposit_id(1));
        let taken = decided(&account([]), TakeDeposit { tender: Tender::Cheque, ..take_deposit(1, 20_000) });
        let cleared = ChequeCleared { cheque: deposit, amount: sar(20_000), on: day("2024-04-20") };
        given::<Account>([opened()].into_iter().chain(taken)).when(clear(deposit).into()).then([cleared.into()]);
        let reversed = by_cheque(1, 500).into_iter().chain(decided(&account(by_cheque(1, 500)), reverse_payment(1)));
        for (facts, cheque, rejection) in [
            (vec![payment_received(1, 500)], payment(1), Rejection::NotACheque),
            (vec![deposit_taken(1, 500)], deposit, Rejection::NotACheque),
            (vec![], credit_note(1), Rejection::NotACheque),
            (vec![], payment(1), Rejection::NoSuchPayment),
            (vec![], deposit, Rejection::NoSuchDeposit),
            (reversed.collect(), payment(1), Rejection::PaymentWasReversed),
        ] {
            given::<Account>([opened()].into_iter().chain(facts)).when(clear(cheque).into()).then_rejected(rejection);
        }
    }
}
