//! What a run comes to.

use serde::{Deserialize, Serialize};

use super::{Listed, Outcome};
use crate::{Money, invoice::TaxDocument};

/// How many accounts were looked at, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub billed: u64,
    pub held: u64,
    pub failed: u64,
}

/// The sums of issued invoices in one currency, and the ends between which they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub invoices: u64,
    pub net: Money,
    pub vat: Money,
    pub rounding: Money,
    pub total: Money,
    pub smallest: Money,
    pub largest: Money,
}

impl Tally {
    pub fn accounts(self) -> u64 {
        self.billed + self.held + self.failed
    }

    pub(super) fn add(&mut self, accounts: &[Listed]) {
        for listed in accounts {
            match listed.outcome {
                Outcome::Billed(_) => self.billed += 1,
                Outcome::Held => self.held += 1,
                Outcome::Failed(_) => self.failed += 1,
            }
        }
    }
}

impl Totals {
    pub fn of(document: &TaxDocument) -> Self {
        let TaxDocument { net, vat, rounding, total, .. } = *document;
        Self { invoices: 1, net, vat, rounding, total, smallest: total, largest: total }
    }

    pub fn add(&mut self, other: &Self) {
        self.invoices += other.invoices;
        for (sum, more) in
            [(&mut self.net, other.net), (&mut self.vat, other.vat), (&mut self.rounding, other.rounding), (&mut self.total, other.total)]
        {
            sum.minor = sum.minor.saturating_add(more.minor);
        }
        self.smallest.minor = self.smallest.minor.min(other.smallest.minor);
        self.largest.minor = self.largest.minor.max(other.largest.minor);
    }
}
