//! What authorities pay of a part, reckoned when its lines are known.
//!
//! A subsidy that is granted on some of a part's days is the same share of what it would be if it were granted on all of them: just what
//! dividing the part at the grant's first and last day would come to, with usage by days, but without more lines on the bill.

use rust_decimal::Decimal;

use super::{
    Line, RatingError, Subsidised,
    charges::PartRating,
    rounding::{Exact, RoundingMode, divide},
};
use crate::{
    Money, SubsidyGrants,
    tariff::{Entitled, Figure, Quantity, Subsidy, SubsidyKind},
};

impl PartRating<'_> {
    /// Never more in all than the part's charge: no bill is below zero. Where nothing was used there is nothing to subsidise.
    pub fn subsidise(&self, lines: &[Line], grants: &SubsidyGrants, subsidised: &mut Vec<Subsidised>) -> Result<(), RatingError> {
        if self.tariff.subsidies.is_empty() || self.part.usage.is_zero() {
            return Ok(());
        }
        let mut left = Money::sum(self.tariff.currency, lines.iter().map(|line| line.amount)).map_err(|_| RatingError::TooLarge)?;
        for subsidy in &self.tariff.subsidies {
            let granted_days = match subsidy.entitled {
                Entitled::All => self.part.days(),
                Entitled::Granted => grants.days(&subsidy.code, self.part.period),
            };
            let units = subsidy.quota.map_or(self.used(), |quota| self.used().min(self.border(quota)));
            let cap = subsidy.cap.map(|cap| self.prorated(cap, granted_days)).transpose()?;
            let amount = self.subsidy(subsidy, units, granted_days)?;
            let amount = Money::new(amount.minor.min(cap.map_or(i64::MAX, |cap| cap.minor)).min(left.minor), left.currency);
            if amount.is_zero() {
                continue;
            }
            left.minor -= amount.minor;
            let days = i128::from(self.part.days());
            let units = divide(units * i128::from(granted_days), self.denominator() * days, RoundingMode::HalfUp);
            subsidised.push(Subsidised {
                part: self.index,
                subsidy: subsidy.clone(),
                granted_days: (granted_days < self.part.days()).then_some(granted_days),
                units: Quantity::from_micro(units).ok_or(RatingError::TooLarge)?,
                amount,
            });
        }
        Ok(())
    }

    fn subsidy(&self, subsidy: &Subsidy, units: i128, granted_days: i64) -> Result<Money, RatingError> {
        let whole = match &subsidy.kind {
            SubsidyKind::PriceDifference { price } => Exact::of(self.charged(units, |normal| (normal - price.get()).max(Decimal::ZERO))?),
            SubsidyKind::PercentOfUsage(percent) => {
                let usage = Exact::of(self.charged(units, |price| price)?);
                usage.times_decimal(percent.get() / Decimal::ONE_HUNDRED).ok_or(RatingError::TooLarge)?
            }
            SubsidyKind::Amount(amount) => return self.prorated(*amount, granted_days),
        };
        self.round(whole.times(granted_days.into(), self.part.days().into()))
    }

    /// What so many units cost, the first ones first: each slab rounded as its line is, so that all of them cost what the lines say.
    fn charged(&self, units: i128, price: impl Fn(Decimal) -> Decimal) -> Result<Money, RatingError> {
        let (_, bracket) = self.bracket();
        let mut sum = Money::zero(self.tariff.currency);
        let mut above = Quantity::ZERO;
        for segment in &bracket.segments {
            let lower = self.border(above);
            if units <= lower {
                break;
            }
            let end = segment.width.and_then(|width| above.checked_add(width));
            let reached = end.map_or(units, |end| units.min(self.border(end)));
            let slab = Exact::new(reached - lower, self.denominator() * i128::from(Quantity::SCALE));
            let amount = self.round(slab.times_decimal(price(segment.price.get())))?;
            sum = sum.checked_add(amount).map_err(|_| RatingError::TooLarge)?;
            above = end.unwrap_or(above);
        }
        Ok(sum)
    }

    /// A figure for a normal period, by the part's days on which it holds.
    fn prorated(&self, figure: Figure, granted_days: i64) -> Result<Money, RatingError> {
        let factor = Exact::new(self.part.factor.numerator().into(), self.denominator());
        self.round(factor.times(granted_days.into(), self.part.days().into()).and_then(|share| share.times_decimal(figure.get())))
    }
}
