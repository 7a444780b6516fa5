//! What a run comes to, before it is carried out and after.

use std::collections::BTreeMap;

use daftar_domain::{
    Code, Currency, Money, Reason,
    bill_run::{BillRun, Listed, Outcome, Plan, Tally, Totals},
    ids::AccountId,
};

use super::account::{Drafted, Rated};

/// Of a kind of exception, how many accounts are named.
const NAMED: usize = 20;

/// What a run comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub plan: Plan,
    pub tally: Tally,
    pub totals: BTreeMap<Currency, Totals>,
    /// Why accounts could not be billed: of each reason, how many, and the first of them.
    pub exceptions: BTreeMap<Code, Exceptions>,
    /// Bills far above the account's average, the largest first; only in a preview.
    pub outliers: Vec<Outlier>,
    /// The run before, as its own report has it.
    pub before: Option<Before>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exceptions {
    pub count: u64,
    pub first: Vec<(AccountId, Reason)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    pub account_id: AccountId,
    pub total: Money,
    pub average: Money,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    pub name: String,
    pub tally: Tally,
    pub totals: BTreeMap<Currency, Totals>,
}

impl Report {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, tally: Tally::default(), totals: BTreeMap::new(), exceptions: BTreeMap::new(), outliers: vec![], before: None }
    }

    /// An account that would be billed like this.
    pub(super) fn add(&mut self, account_id: AccountId, rated: &Rated) {
        match rated {
            Rated::Nothing => return,
            Rated::Failed(_) => self.tally.failed += 1,
            Rated::Drafted(drafted) => match drafted.held {
                Some(check) => {
                    self.tally.held += 1;
                    self.outliers.push(Outlier { account_id, total: drafted.draft.document.total, average: check.average });
                    self.outliers.sort_by_key(|outlier| std::cmp::Reverse(outlier.total.minor));
                    self.outliers.truncate(NAMED);
                }
                None => {
                    self.tally.billed += 1;
                    self.add_invoice(drafted);
                }
            },
        }
        self.except(rated.listed(account_id).as_ref());
    }

    /// Where the accounts of a list stand that could not be billed.
    pub(super) fn except<'a>(&mut self, listed: impl IntoIterator<Item = &'a Listed>) {
        for Listed { account_id, outcome } in listed {
            match outcome {
                Outcome::Failed(failure) => {
                    let exceptions = self.exceptions.entry(failure.code.clone()).or_default();
                    exceptions.count += 1;
                    if exceptions.first.len() < NAMED {
                        exceptions.first.push((*account_id, failure.why.clone()));
                    }
                }
                Outcome::Billed(_) | Outcome::Held => {}
            }
        }
    }

    /// What the run's own blocks come to.
    pub(super) fn of_run(mut self, run: &BillRun) -> Self {
        self.tally = run.tally();
        self.totals = run.totals().clone();
        self
    }

    fn add_invoice(&mut self, drafted: &Drafted) {
        let of_one = Totals::of(&drafted.draft.document);
        self.totals.entry(drafted.draft.document.currency).and_modify(|sum| sum.add(&of_one)).or_insert(of_one);
    }
}
