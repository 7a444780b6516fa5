//! What is left to credit of an invoice and the debit notes to it: per line, per tax treatment, and of the rounding.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{CreditLine, DocumentError, DocumentLine, LineRef, TaxDocument, Unit, VatTotal, VatTreatment, document::taxable_totals};
use crate::{Currency, Money, VatCategory, ids::NoteId, share::proportion, tariff::Quantity};

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CreditError {
    #[error("line {} is not on the invoice", .0.line)]
    NoSuchLine(LineRef),
    #[error("line {} is credited twice in one note", .0.line)]
    LineTwice(LineRef),
    #[error("only {left} of line {} is left to credit", .line.line)]
    MoreThanLine { line: LineRef, left: Money },
    #[error("only {left} taxed as {category:?} is left to credit")]
    MoreThanCategory { category: VatCategory, left: Money },
}

/// A reserve: what an approved note takes is gone, so that no two notes can promise the same halala.
#[derive(Clone, Debug, Default)]
pub struct Left {
    lines: BTreeMap<LineRef, LineLeft>,
    /// The VAT of each treatment, by what of its lines was credited.
    vat: BTreeMap<VatTreatment, Shared>,
    /// The rounding, by what of net and VAT was credited.
    rounding: Shared,
}

#[derive(Clone, Debug)]
struct LineLeft {
    line: DocumentLine,
    credited: i64,
}

/// An amount that is credited in proportion to a base, in minor units. What was credited of it follows the base all the way, so that every note is
/// within one of its share and the last takes what remains.
#[derive(Clone, Copy, Debug, Default)]
struct Shared {
    base: i64,
    amount: i64,
    base_credited: i64,
    amount_credited: i64,
}

/// What a credit note comes to before it is a document.
pub(super) struct Credit {
    pub lines: Vec<DocumentLine>,
    pub vat_totals: Vec<VatTotal>,
    pub rounding: Money,
}

impl Shared {
    fn add(&mut self, base: i64, amount: i64) {
        self.base = self.base.saturating_add(base);
        self.amount = self.amount.saturating_add(amount);
    }

    fn take(&mut self, base: i64, amount: i64) {
        self.base_credited = self.base_credited.saturating_add(base);
        self.amount_credited = self.amount_credited.saturating_add(amount);
    }

    fn base_left(&self) -> i64 {
        self.base.saturating_sub(self.base_credited)
    }

    /// The amount that goes with so much more of the base. A debit note in between may have moved the proportion by a hair: never below `least`.
    fn next(&self, base: i64, least: i64, currency: Currency) -> Money {
        let credited = self.base_credited.saturating_add(base);
        let [part, whole] = [credited, self.base].map(|base| u64::try_from(base).unwrap_or(0));
        let share = proportion(Money::new(self.amount, currency), part, whole);
        Money::new(share.minor.saturating_sub(self.amount_credited).max(least), currency)
    }
}

impl LineLeft {
    fn left(&self) -> Money {
        Money::new(self.line.net.minor.saturating_sub(self.credited), self.line.net.currency)
    }

    /// The line of a credit note for so much of this one: itself if it goes whole, otherwise a piece at that price.
    fn credit(&self, line: LineRef, net: Money) -> DocumentLine {
        let whole = DocumentLine { credits: Some(line), ..self.line.clone() };
        if net == self.line.net {
            return whole;
        }
        DocumentLine { quantity: Quantity::ONE, unit: Unit::Piece, price: net.to_decimal(), net, ..whole }
    }
}

impl Left {
    /// What is left of net and VAT.
    pub fn gross(&self) -> i64 {
        self.rounding.base_left()
    }

    pub fn is_untouched(&self) -> bool {
        self.lines.values().all(|line| line.credited == 0)
    }

    /// All that is left: each line that was not credited away.
    pub fn everything(&self) -> Vec<CreditLine> {
        let left = self.lines.iter().filter(|(_, line)| line.credited == 0 || !line.left().is_zero());
        left.map(|(line, left)| CreditLine { line: *line, net: left.left() }).collect()
    }

    pub(super) fn credit(&self, wanted: &[CreditLine], currency: Currency) -> Result<Credit, super::Rejection> {
        let mut seen = BTreeSet::new();
        let mut lines = Vec::with_capacity(wanted.len());
        for CreditLine { line, net } in wanted {
            let kept = self.lines.get(line).ok_or(CreditError::NoSuchLine(*line))?;
            if !seen.insert(*line) {
                return Err(CreditError::LineTwice(*line).into());
            }
            let left = kept.left();
            if net.currency != currency
                || net.minor.signum() * left.minor.signum() < 0
                || net.minor.unsigned_abs() > left.minor.unsigned_abs()
            {
                return Err(CreditError::MoreThanLine { line: *line, left }.into());
            }
            lines.push(kept.credit(*line, *net));
        }
        let mut vat_totals = taxable_totals(currency, &lines)?;
        for total in &mut vat_totals {
            let category = total.vat.category;
            if total.taxable.minor < 0 {
                return Err(DocumentError::BelowZero(category).into());
            }
            let kept = self.vat.get(&total.vat).copied().unwrap_or_default();
            if total.taxable.minor > kept.base_left() {
                return Err(CreditError::MoreThanCategory { category, left: Money::new(kept.base_left(), currency) }.into());
            }
            total.amount = kept.next(total.taxable.minor, 0, currency);
        }
        let gross = vat_totals.iter().flat_map(|total| [total.taxable, total.amount]);
        let gross = Money::sum(currency, gross).map_err(|_| DocumentError::TooLarge)?.minor;
        let rounding = self.rounding.next(gross, -gross, currency);
        Ok(Credit { lines, vat_totals, rounding })
    }

    /// A document's lines become creditable.
    pub(super) fn add(&mut self, debit_note: Option<NoteId>, document: &TaxDocument) {
        for (line, number) in document.lines.iter().zip(1..) {
            self.lines.insert(LineRef { debit_note, line: number }, LineLeft { line: line.clone(), credited: 0 });
        }
        for total in &document.vat_totals {
            self.vat.entry(total.vat.clone()).or_default().add(total.taxable.minor, total.amount.minor);
        }
        self.rounding.add(document.total.minor.saturating_sub(document.rounding.minor), document.rounding.minor);
    }

    pub(super) fn take(&mut self, note: &TaxDocument) {
        for line in &note.lines {
            if let Some(kept) = line.credits.and_then(|line| self.lines.get_mut(&line)) {
                kept.credited = kept.credited.saturating_add(line.net.minor);
            }
        }
        for total in &note.vat_totals {
            self.vat.entry(total.vat.clone()).or_default().take(total.taxable.minor, total.amount.minor);
        }
        self.rounding.take(note.total.minor.saturating_sub(note.rounding.minor), note.rounding.minor);
    }
}
