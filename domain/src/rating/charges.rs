//! The lines of one part, in whole numbers: a border scaled by a fraction is compared with usage times the fraction's denominator, so
//! nothing is rounded before the amount.

use rust_decimal::Decimal;

use super::{
    Charge, Line, Part, RatingError, Slab,
    rounding::{Exact, Rounding, RoundingMode, divide},
};
use crate::{
    Money,
    premises::PremisesFacts,
    tariff::{Bracket, Figure, FixedCharge, Quantity, Tariff, Unit},
};

pub(super) struct PartRating<'a> {
    pub tariff: &'a Tariff,
    pub part: &'a Part,
    /// The part's place in the bill.
    pub index: usize,
    pub premises: &'a PremisesFacts,
    pub nothing_used: bool,
    pub rounding: Rounding,
}

impl PartRating<'_> {
    pub fn charge(&self, lines: &mut Vec<Line>) -> Result<(), RatingError> {
        let (bracket_index, bracket) = self.bracket();
        let usage = self.usage(bracket_index, bracket, lines)?;
        let top_up = self.minimum(usage, lines)?;
        self.fees(bracket_index, bracket, lines)?;
        for surcharge in &self.tariff.surcharges {
            let price = surcharge.percent_of_usage.get() / Decimal::ONE_HUNDRED;
            let amount = Exact::of(usage).times_decimal(price);
            let base = Quantity::new(usage.to_decimal()).map_err(|_| RatingError::TooLarge)?;
            let charge = Charge::Surcharge { code: surcharge.code.clone() };
            self.push_unless_zero(lines, charge, base, Unit::Currency, price, self.round(amount)?);
        }
        self.reduction(add(usage, top_up)?, lines)
    }

    /// The first that usage does not exceed; the last has no limit.
    pub(super) fn bracket(&self) -> (usize, &Bracket) {
        let brackets = &self.tariff.brackets;
        let within = |bracket: &Bracket| bracket.up_to.is_some_and(|up_to| self.used() <= self.border(up_to));
        let index = brackets.iter().position(within).unwrap_or(brackets.len() - 1);
        (index, &brackets[index])
    }

    /// A line for each slab that usage reaches; for no usage, the first slab's with nothing in it, so that the readings are on the bill.
    fn usage(&self, bracket_index: usize, bracket: &Bracket, lines: &mut Vec<Line>) -> Result<Money, RatingError> {
        let (used, denominator) = (self.used(), self.denominator());
        let unit = self.tariff.service.unit();
        let mut sum = Money::zero(self.tariff.currency);
        let mut above = Quantity::ZERO;
        for (index, segment) in bracket.segments.iter().enumerate() {
            let lower = self.border(above);
            if index > 0 && used <= lower {
                break;
            }
            let end = segment.width.and_then(|width| above.checked_add(width));
            let reached = end.map_or(used, |end| used.min(self.border(end)));
            let price = segment.price.get();
            let amount = Exact::new(reached - lower, denominator * i128::from(Quantity::SCALE)).times_decimal(price);
            let amount = self.round(amount)?;
            // Rounded as differences of borders, so that the slabs' quantities sum to the usage exactly.
            let whole = |scaled| divide(scaled, denominator, RoundingMode::HalfUp);
            let quantity = Quantity::from_micro(whole(reached) - whole(lower)).ok_or(RatingError::TooLarge)?;
            let slab = Slab { bracket: bracket_index + 1, number: index + 1, above, up_to: end.or(bracket.up_to) };
            lines.push(Line { part: self.index, charge: Charge::Usage(slab), quantity, unit, price, amount });
            sum = add(sum, amount)?;
            above = end.unwrap_or(above);
        }
        Ok(sum)
    }

    /// What the charge for usage lacks to the minimum is a line of its own, so that revenue by kind stays right.
    fn minimum(&self, usage_charge: Money, lines: &mut Vec<Line>) -> Result<Money, RatingError> {
        let zero = Money::zero(self.tariff.currency);
        let Some(minimum) = self.tariff.minimum_charge else { return Ok(zero) };
        let lacking = self.scaled(minimum)?.minor - usage_charge.minor;
        let top_up = Money::new(lacking.max(0), self.tariff.currency);
        self.push_unless_zero(lines, Charge::MinimumTopUp { usage_charge }, Quantity::ONE, Unit::Period, minimum.get(), top_up);
        Ok(top_up)
    }

    fn fees(&self, bracket_index: usize, bracket: &Bracket, lines: &mut Vec<Line>) -> Result<(), RatingError> {
        let (charge, fee) = match self.tariff.zero_usage_fee {
            Some(fee) if self.nothing_used => (Charge::ZeroUsageFee, fee),
            Some(_) | None => (Charge::BracketFee { bracket: bracket_index + 1, up_to: bracket.up_to }, bracket.fee),
        };
        self.push_unless_zero(lines, charge, Quantity::ONE, Unit::Period, fee.get(), self.scaled(fee)?);
        for fixed in &self.tariff.fixed_charges {
            if self.is_due(fixed)? {
                let charge = Charge::Fixed { code: fixed.code.clone(), when: fixed.when };
                self.push_unless_zero(lines, charge, Quantity::ONE, Unit::Period, fixed.amount.get(), self.scaled(fixed.amount)?);
            }
        }
        Ok(())
    }

    /// A charge that may or may not be due is neither made nor dropped: the bill waits until the breaker is known.
    fn is_due(&self, fixed: &FixedCharge) -> Result<bool, RatingError> {
        let Some(when) = fixed.when else { return Ok(true) };
        let amps = self.premises.breaker_amps.ok_or_else(|| RatingError::BreakerUnknown { charge: fixed.code.clone() })?;
        Ok(when.applies(amps))
    }

    /// Never more than the charge it reduces: no bill is negative.
    fn reduction(&self, charge: Money, lines: &mut Vec<Line>) -> Result<(), RatingError> {
        let used = self.used();
        let limit = |micro: i64| i128::from(micro) * i128::from(self.part.factor.numerator());
        let Some(reduction) = self.tariff.reductions.iter().find(|reduction| {
            let (above, to) = (limit(reduction.above_micro()), limit(reduction.to.micro()));
            above < used && used <= to
        }) else {
            return Ok(());
        };
        let amount = self.scaled(reduction.amount)?.minor.min(charge.minor);
        let (code, from, to) = (reduction.code.clone(), reduction.from, reduction.to);
        let amount = Money::new(-amount, self.tariff.currency);
        let charge = Charge::Reduction { code, from, to };
        self.push_unless_zero(lines, charge, Quantity::ONE, Unit::Period, -reduction.amount.get(), amount);
        Ok(())
    }

    fn push_unless_zero(&self, lines: &mut Vec<Line>, charge: Charge, quantity: Quantity, unit: Unit, price: Decimal, amount: Money) {
        if !amount.is_zero() {
            lines.push(Line { part: self.index, charge, quantity, unit, price, amount });
        }
    }

    /// Usage in millionths, times the factor's denominator.
    pub(super) fn used(&self) -> i128 {
        i128::from(self.part.usage.micro()) * self.denominator()
    }

    /// A width or limit in the same measure: in millionths, times the factor's numerator and the dwellings.
    pub(super) fn border(&self, quantity: Quantity) -> i128 {
        i128::from(quantity.micro()) * i128::from(self.part.factor.numerator()) * i128::from(self.part.dwellings)
    }

    pub(super) fn denominator(&self) -> i128 {
        self.part.factor.denominator().into()
    }

    pub(super) fn scaled(&self, figure: Figure) -> Result<Money, RatingError> {
        let factor = Exact::new(self.part.factor.numerator().into(), self.denominator());
        self.round(factor.times_decimal(figure.get()))
    }

    pub(super) fn round(&self, amount: Option<Exact>) -> Result<Money, RatingError> {
        self.rounding.money(amount.ok_or(RatingError::TooLarge)?, self.tariff.currency)
    }
}

fn add(sum: Money, amount: Money) -> Result<Money, RatingError> {
    sum.checked_add(amount).map_err(|_| RatingError::TooLarge)
}
