//! The trial balance: what every ledger account stands at, once some journals are posted.

use std::collections::BTreeMap;

use super::{Journal, LedgerAccount};
use crate::{Currency, Digest};

/// Debits less credits, in minor units. There is room for more than any account can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance(BTreeMap<(LedgerAccount, Currency), i128>);

impl TrialBalance {
    pub fn post(&mut self, journal: &Journal) {
        for entry in journal.entries() {
            *self.0.entry((entry.account, entry.amount.currency)).or_default() += entry.signed();
        }
    }

    pub fn balance(&self, account: LedgerAccount, currency: Currency) -> i128 {
        self.0.get(&(account, currency)).copied().unwrap_or(0)
    }

    /// What the two sides differ by; nothing, unless the books are broken.
    pub fn difference(&self, currency: Currency) -> i128 {
        self.0.iter().filter(|((_, of), _)| *of == currency).map(|(_, balance)| balance).sum()
    }

    /// By number, then currency, and only what is not zero.
    pub fn balances(&self) -> impl Iterator<Item = (LedgerAccount, Currency, i128)> {
        self.0.iter().filter(|(_, balance)| **balance != 0).map(|((account, currency), balance)| (*account, *currency, *balance))
    }

    /// The same for the same balances for ever, so that a closed period can be checked by whoever has the log.
    pub fn digest(&self) -> Digest {
        let lines: Vec<_> =
            self.balances().map(|(account, currency, balance)| (account.number(), currency.code(), balance.to_string())).collect();
        Digest::of(&lines)
    }
}

/// As it was read from somewhere that had added it up.
impl FromIterator<(LedgerAccount, Currency, i128)> for TrialBalance {
    fn from_iter<T: IntoIterator<Item = (LedgerAccount, Currency, i128)>>(balances: T) -> Self {
        Self(balances.into_iter().map(|(account, currency, balance)| ((account, currency), balance)).collect())
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use expect_test::expect;
    use uuid::Uuid;

    use super::{super::journal::Entries, *};
    use crate::{Money, Position};

    fn balance(amounts: &[i64]) -> TrialBalance {
        let mut balance = TrialBalance::default();
        for &minor in amounts {
            let amount = Money::new(minor, Currency::SAR);
            let entries = Entries::default().debit(LedgerAccount::Bank, None, amount).credit(LedgerAccount::Receivable, None, amount);
            balance.post(&Journal::new(Uuid::nil(), Position::single(1), NaiveDate::MIN, entries).unwrap().unwrap());
        }
        balance
    }

    #[test]
    fn the_digest_is_of_the_balances_and_not_of_how_they_came_about() {
        assert_eq!(balance(&[3, 4]).digest(), balance(&[7]).digest());
        assert_eq!(balance(&[3, -3]).digest(), TrialBalance::default().digest());
        assert_ne!(balance(&[7]).digest(), balance(&[8]).digest());
        assert_eq!(balance(&[3, 4]).balances().collect::<TrialBalance>(), balance(&[7]));
        assert_eq!(balance(&[3, 4]).difference(Currency::SAR), 0);
        assert_eq!(balance(&[3, 4]).balance(LedgerAccount::Bank, Currency::SAR), 7);
    }

    /// It stands in closed periods: a change here would make every one of them look forged.
    #[test]
    fn the_digest_never_changes() {
        expect!["1f23d963aa899d42930e8f45229257f7b8772b238e74c4ceb777cfe886c1c792"].assert_eq(&balance(&[7]).digest().to_string());
    }
}
