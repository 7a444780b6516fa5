//! What the account owes: today its opening balance; charges, payments and their allocation join it here.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Event, Rejection};
use crate::{Code, Currency, Money, Reason, ids::ImportBatchId};

/// One row of a file of balances from another system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportOpeningBalance {
    pub batch_id: ImportBatchId,
    pub row: u32,
    /// The digest of the file, so that the row can be found again.
    pub source_hash: Code,
    pub as_of: NaiveDate,
    pub items: Vec<OpeningItem>,
    /// Paid to us and not yet used.
    pub unapplied_credit: Money,
    pub deposit: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReverseOpeningBalance {
    pub batch_id: ImportBatchId,
    pub row: u32,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningBalanceImported {
    pub batch_id: ImportBatchId,
    pub row: u32,
    pub source_hash: Code,
    pub as_of: NaiveDate,
    pub items: Vec<OpeningItem>,
    pub unapplied_credit: Money,
    pub deposit: Money,
    /// Items less unapplied credit: what the customer owes, or is owed if negative.
    pub balance: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningBalanceReversed {
    pub batch_id: ImportBatchId,
    pub row: u32,
    /// What the import added, and this takes away.
    pub balance: Money,
    pub deposit: Money,
    pub reason: Reason,
}

/// An unpaid document of the other system. Its dates stay, so that its age does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningItem {
    pub document: Code,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub amount: Money,
}

/// Every import ever, by batch and row; at most one stands.
#[derive(Clone, Debug, Default)]
pub struct Receivable {
    opening: BTreeMap<(ImportBatchId, u32), Opening>,
}

#[derive(Clone, Debug)]
struct Opening {
    imported: OpeningBalanceImported,
    reversed: bool,
}

impl Receivable {
    /// What the customer owes, or is owed if negative.
    pub fn balance(&self, currency: Currency) -> Money {
        self.standing().map_or(Money::zero(currency), |opening| opening.balance)
    }

    /// Nothing is open on either side. Not the same as a zero balance: a debt and a credit of the same size are two open things.
    pub fn is_settled(&self) -> bool {
        self.standing().is_none_or(|opening| opening.items.is_empty() && opening.unapplied_credit.is_zero() && opening.deposit.is_zero())
    }

    /// Nothing was ever posted.
    pub(super) fn is_untouched(&self) -> bool {
        self.opening.is_empty()
    }

    pub(super) fn opening_imported(&mut self, fact: &OpeningBalanceImported) {
        self.opening.insert((fact.batch_id, fact.row), Opening { imported: fact.clone(), reversed: false });
    }

    pub(super) fn opening_reversed(&mut self, fact: &OpeningBalanceReversed) {
        if let Some(opening) = self.opening.get_mut(&(fact.batch_id, fact.row)) {
            opening.reversed = true;
        }
    }

    fn standing(&self) -> Option<&OpeningBalanceImported> {
        self.opening.values().find(|opening| !opening.reversed).map(|opening| &opening.imported)
    }
}

impl Account {
    pub(super) fn import_opening_balance(&self, wish: ImportOpeningBalance) -> Result<Vec<Event>, Rejection> {
        let holder = self.changeable()?;
        let ImportOpeningBalance { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit } = wish;
        let currency = holder.currency;
        let amounts = || items.iter().map(|item| item.amount);
        if let Some(other) = amounts().chain([unapplied_credit, deposit]).find(|amount| amount.currency != currency) {
            return Err(Rejection::OtherCurrency { expected: currency, found: other.currency });
        }
        if amounts().any(|amount| amount.minor <= 0) || unapplied_credit.minor < 0 || deposit.minor < 0 {
            return Err(Rejection::AmountNotPositive);
        }
        let balance = Money::sum(currency, amounts()).and_then(|owed| owed.checked_sub(unapplied_credit));
        let balance = balance.map_err(|_| Rejection::AmountTooLarge)?;
        let imported = OpeningBalanceImported { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit, balance };
        match self.receivable.opening.get(&(batch_id, row)) {
            Some(already) if already.imported != imported => Err(Rejection::OpeningBalanceReused),
            Some(already) if already.reversed => Err(Rejection::OpeningBalanceWasReversed),
            Some(_) => Ok(vec![]),
            None if self.receivable.standing().is_some() => Err(Rejection::OpeningBalanceStands),
            None => Ok(vec![imported.into()]),
        }
    }

    pub(super) fn reverse_opening_balance(&self, wish: ReverseOpeningBalance) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let ReverseOpeningBalance { batch_id, row, reason } = wish;
        let opening = self.receivable.opening.get(&(batch_id, row)).ok_or(Rejection::NoSuchOpeningBalance)?;
        if opening.reversed {
            return Ok(vec![]);
        }
        let OpeningBalanceImported { balance, deposit, .. } = opening.imported;
        Ok(vec![OpeningBalanceReversed { batch_id, row, balance, deposit, reason }.into()])
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        account::{Command, example},
        spec::given,
    };

    fn after<const N: usize>(facts: [Event; N]) -> crate::spec::Given<Account> {
        given::<Account>([example::opened()].into_iter().chain(facts))
    }

    fn import() -> ImportOpeningBalance {
        example::import_opening_balance()
    }

    fn sar(minor: i64) -> Money {
        Money::new(minor, Currency::SAR)
    }

    #[test]
    fn an_opening_balance_is_imported_once_and_can_be_taken_back() {
        let wish = Command::ImportOpeningBalance(import());
        after([]).when(wish.clone()).then([example::opening_balance()]);
        let reverse = Command::ReverseOpeningBalance(ReverseOpeningBalance {
            batch_id: import().batch_id,
            row: import().row,
            reason: Reason::new("wrong file").unwrap(),
        });
        after([]).when(reverse.clone()).then_rejected(Rejection::NoSuchOpeningBalance);
        after([example::opening_balance()]).when(reverse).then([example::opening_balance_reversed()]);
        let reversed = [example::opening_balance(), example::opening_balance_reversed()];
        after(reversed.clone()).when(wish).then_rejected(Rejection::OpeningBalanceWasReversed);
        let corrected = ImportOpeningBalance { batch_id: ImportBatchId::new(Uuid::from_u128(99)), ..import() };
        let account = example::account(reversed);
        assert_eq!(account.receivable().balance(Currency::SAR), sar(0));
        use crate::Decider;
        assert_eq!(account.decide(Command::ImportOpeningBalance(corrected)).map(|events| events.len()), Ok(1));
    }

    #[test]
    fn imports_that_are_refused() {
        let OpeningItem { document, issued_on, due_on, .. } = import().items.remove(0);
        let item = |amount| OpeningItem { document: document.clone(), issued_on, due_on, amount };
        for (wish, rejection) in [
            (ImportOpeningBalance { items: vec![item(sar(0))], ..import() }, Rejection::AmountNotPositive),
            (ImportOpeningBalance { unapplied_credit: sar(-1), ..import() }, Rejection::AmountNotPositive),
            (ImportOpeningBalance { deposit: sar(-1), ..import() }, Rejection::AmountNotPositive),
            (
                ImportOpeningBalance { deposit: Money::new(1, Currency::EGP), ..import() },
                Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::EGP },
            ),
            (ImportOpeningBalance { items: vec![item(sar(i64::MAX)), item(sar(1))], ..import() }, Rejection::AmountTooLarge),
        ] {
            after([]).when(Command::ImportOpeningBalance(wish)).then_rejected(rejection);
        }
        let changed = ImportOpeningBalance { deposit: sar(1), ..import() };
        after([example::opening_balance()]).when(Command::ImportOpeningBalance(changed)).then_rejected(Rejection::OpeningBalanceReused);
        let second = ImportOpeningBalance { row: 9, ..import() };
        after([example::opening_balance()]).when(Command::ImportOpeningBalance(second)).then_rejected(Rejection::OpeningBalanceStands);
    }

    #[test]
    fn a_debt_and_a_credit_of_one_size_are_not_settled() {
        for (items, credit, deposit, settled) in
            [(vec![], 0, 0, true), (vec![1], 0, 0, false), (vec![5], 5, 0, false), (vec![], 1, 0, false), (vec![], 0, 1, false)]
        {
            let OpeningItem { document, issued_on, due_on, .. } = import().items.remove(0);
            let items = items.into_iter().map(|minor| OpeningItem { document: document.clone(), issued_on, due_on, amount: sar(minor) });
            let wish = ImportOpeningBalance { items: items.collect(), unapplied_credit: sar(credit), deposit: sar(deposit), ..import() };
            use crate::Decider;
            let account = example::account([]);
            let events = account.decide(Command::ImportOpeningBalance(wish)).unwrap();
            let account = events.iter().fold(account, Account::evolve);
            assert_eq!(account.receivable().is_settled(), settled);
        }
    }
}
