//! Opening balances: what the account owed, had paid and had left with another system. Its items are paid and grow older like any other.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, CancelCause, ChargeKind, Credit, CreditId, Deposit, Event, FreeCause, Item, ItemId, Posting, Receivable, Rejection};
use crate::{
    Code, Money, Reason,
    ids::{ImportBatchId, opening_deposit_id},
};

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

/// What the import added, and this takes away. All that its items and its credit had to do with has been freed before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningBalanceReversed {
    pub batch_id: ImportBatchId,
    pub row: u32,
    /// Items less unapplied credit.
    pub balance: Money,
    pub unapplied_credit: Money,
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

/// The forms that events had before.
pub(in crate::account) mod v1 {
    use super::{Deserialize, ImportBatchId, Money, Reason};

    /// It did not say how much of the balance was credit, and is read as if none was.
    #[derive(Debug, Deserialize)]
    pub struct OpeningBalanceReversed {
        pub batch_id: ImportBatchId,
        pub row: u32,
        pub balance: Money,
        pub deposit: Money,
        pub reason: Reason,
    }

    impl From<OpeningBalanceReversed> for super::OpeningBalanceReversed {
        fn from(old: OpeningBalanceReversed) -> Self {
            let OpeningBalanceReversed { batch_id, row, balance, deposit, reason } = old;
            Self { batch_id, row, balance, unapplied_credit: Money::zero(balance.currency), deposit, reason }
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Opening {
    imported: OpeningBalanceImported,
    reversed: bool,
}

impl OpeningBalanceImported {
    fn items(&self) -> impl Iterator<Item = (ItemId, &OpeningItem)> {
        let id = |item| ItemId::Opening { batch_id: self.batch_id, row: self.row, item };
        (0..).map(id).zip(&self.items)
    }

    fn credit(&self) -> CreditId {
        CreditId::Opening { batch_id: self.batch_id, row: self.row }
    }
}

impl Posting for OpeningBalanceImported {
    fn post(&self, receivable: &mut Receivable) {
        for (id, OpeningItem { amount, issued_on, due_on, .. }) in self.items() {
            let item = Item::new(ChargeKind::Supply, *amount, Money::zero(amount.currency), *issued_on, *due_on);
            receivable.items.insert(id, item);
        }
        if !self.unapplied_credit.is_zero() {
            receivable.credits.insert(self.credit(), Credit::new(self.unapplied_credit, self.as_of));
        }
        if !self.deposit.is_zero() {
            let deposit = Deposit::brought_forward(self.deposit, self.as_of);
            receivable.deposits.insert(opening_deposit_id(self.batch_id, self.row), deposit);
        }
        receivable.opening.insert((self.batch_id, self.row), Opening { imported: self.clone(), reversed: false });
    }
}

impl Posting for OpeningBalanceReversed {
    fn post(&self, receivable: &mut Receivable) {
        let (batch_id, row) = (self.batch_id, self.row);
        receivable.items.retain(|id, _| match id {
            ItemId::Opening { batch_id: other, row: other_row, .. } => (*other, *other_row) != (batch_id, row),
            ItemId::Invoice(_) | ItemId::DebitNote(_) => true,
        });
        receivable.credits.remove(&CreditId::Opening { batch_id, row });
        receivable.deposits.remove(&opening_deposit_id(batch_id, row));
        if let Some(opening) = receivable.opening.get_mut(&(batch_id, row)) {
            opening.reversed = true;
        }
    }
}

impl Receivable {
    fn standing(&self) -> Option<&OpeningBalanceImported> {
        self.opening.values().find(|opening| !opening.reversed).map(|opening| &opening.imported)
    }

    /// Whether all that the import brought is still here once what paid it is freed: nothing written off, refunded or drawn.
    fn is_whole(&self, imported: &OpeningBalanceImported) -> bool {
        let items = imported.items().all(|(id, _)| self.items.get(&id).is_some_and(|item| item.open == item.amount));
        let credit = self.credits.get(&imported.credit()).map_or(0, |credit| credit.left.minor);
        let deposit = self.deposits.get(&opening_deposit_id(imported.batch_id, imported.row)).map_or(0, |deposit| deposit.left.minor);
        items && (credit, deposit) == (imported.unapplied_credit.minor, imported.deposit.minor)
    }
}

impl Account {
    pub(in crate::account) fn import_opening_balance(&self, wish: ImportOpeningBalance) -> Result<Vec<Event>, Rejection> {
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
        self.money(&[balance, unapplied_credit, deposit])?;
        let imported = OpeningBalanceImported { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit, balance };
        match self.receivable.opening.get(&(batch_id, row)) {
            Some(already) if already.imported != imported => Err(Rejection::OpeningBalanceReused),
            Some(already) if already.reversed => Err(Rejection::OpeningBalanceWasReversed),
            Some(_) => Ok(vec![]),
            None if self.receivable.standing().is_some() => Err(Rejection::OpeningBalanceStands),
            None => Ok(vec![imported.into()]),
        }
    }

    pub(in crate::account) fn reverse_opening_balance(&self, wish: ReverseOpeningBalance) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let ReverseOpeningBalance { batch_id, row, reason } = wish;
        let opening = self.receivable.opening.get(&(batch_id, row)).ok_or(Rejection::NoSuchOpeningBalance)?;
        if opening.reversed {
            return Ok(vec![]);
        }
        let OpeningBalanceImported { as_of, unapplied_credit, balance, deposit, .. } = opening.imported;
        let (own_items, own_credit): (BTreeSet<_>, _) = (opening.imported.items().map(|(id, _)| id).collect(), opening.imported.credit());
        let mut draft = self.draft();
        draft.stop_plan_over(|item| own_items.contains(&item), &CancelCause::OpeningReversed, as_of);
        draft.free(|item, credit| own_items.contains(&item) || credit == own_credit, FreeCause::OpeningReversed, as_of);
        if !draft.receivable.is_whole(&opening.imported) {
            return Err(Rejection::OpeningBalanceUsed);
        }
        draft.record(OpeningBalanceReversed { batch_id, row, balance, unapplied_credit, deposit, reason });
        draft.use_credit(as_of);
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        Currency,
        account::{
            Command,
            example::{self, credit_refunded, decided, opening_balance, reason, record_payment, sar},
        },
        spec::given,
    };

    fn after_these<const N: usize>(facts: [Event; N]) -> crate::spec::Given<Account> {
        given::<Account>([example::opened()].into_iter().chain(facts))
    }

    fn import() -> ImportOpeningBalance {
        example::import_opening_balance()
    }

    #[test]
    fn an_opening_balance_is_imported_once_and_can_be_taken_back() {
        let wish = Command::ImportOpeningBalance(import());
        after_these([]).when(wish.clone()).then([example::opening_balance()]);
        let reverse = Command::ReverseOpeningBalance(ReverseOpeningBalance {
            batch_id: import().batch_id,
            row: import().row,
            reason: Reason::new("wrong file").unwrap(),
        });
        after_these([]).when(reverse.clone()).then_rejected(Rejection::NoSuchOpeningBalance);
        after_these([example::opening_balance()]).when(reverse).then([example::opening_balance_reversed()]);
        let reversed = [example::opening_balance(), example::opening_balance_reversed()];
        after_these(reversed.clone()).when(wish).then_rejected(Rejection::OpeningBalanceWasReversed);
        let corrected = ImportOpeningBalance { batch_id: ImportBatchId::new(Uuid::from_u128(99)), ..import() };
        let account = example::account(reversed);
        assert_eq!(account.receivable().balance(Currency::SAR), sar(0));
        use crate::Decider;
        assert_eq!(account.decide(Command::ImportOpeningBalance(corrected)).map(|events| events.len()), Ok(1));
    }

    #[test]
    fn what_was_paid_since_is_freed_before_an_opening_balance_is_taken_back() {
        let reverse = || {
            let ImportOpeningBalance { batch_id, row, .. } = import();
            Command::ReverseOpeningBalance(ReverseOpeningBalance { batch_id, row, reason: reason("wrong file") })
        };
        let paid = decided(&example::account([opening_balance()]), record_payment(1, 12_000));
        let facts = || [opening_balance()].into_iter().chain(paid.clone());
        let events = decided(&example::account(facts()), reverse());
        assert_eq!(events.len(), 3, "the credit and the payment are freed, then the import is reversed: {events:?}");
        let after = example::account(facts().chain(events));
        assert_eq!(after.receivable().balance(Currency::SAR), sar(-12_000));
        let refunded = credit_refunded(CreditId::Opening { batch_id: import().batch_id, row: import().row }, 1, 500);
        after_these([opening_balance(), refunded]).when(reverse()).then_rejected(Rejection::OpeningBalanceUsed);
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
            after_these([]).when(Command::ImportOpeningBalance(wish)).then_rejected(rejection);
        }
        let changed = ImportOpeningBalance { deposit: sar(1), ..import() };
        after_these([example::opening_balance()])
            .when(Command::ImportOpeningBalance(changed))
            .then_rejected(Rejection::OpeningBalanceReused);
        let second = ImportOpeningBalance { row: 9, ..import() };
        after_these([example::opening_balance()])
            .when(Command::ImportOpeningBalance(second))
            .then_rejected(Rejection::OpeningBalanceStands);
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
