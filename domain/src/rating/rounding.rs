//! The one place where rating rounds. Until here an amount is an exact fraction of whole numbers.

use std::num::NonZeroU32;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::RatingError;
use crate::{Currency, Money};

/// How the figures of a bill become payable. It is recorded with the bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounding {
    /// For each line, and for the VAT of each category.
    pub mode: RoundingMode,
    /// The total is a multiple of so many minor units, where the smallest coin is larger than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payable_step: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RoundingMode {
    /// Half away from zero.
    #[default]
    HalfUp,
    HalfEven,
    Down,
    Up,
}

impl Rounding {
    pub(crate) fn money(self, amount: Exact, currency: Currency) -> Result<Money, RatingError> {
        let minor = amount.times(10_i128.pow(currency.exponent()), 1).map(|amount| divide(amount.numerator, amount.denominator, self.mode));
        let minor = minor.and_then(|minor| i64::try_from(minor).ok()).ok_or(RatingError::TooLarge)?;
        Ok(Money::new(minor, currency))
    }

    /// What is paid for a sum that is due: the nearest multiple of the step, the higher of two equally near.
    pub(crate) fn payable(self, due: Money) -> Result<Money, RatingError> {
        let Some(step) = self.payable_step else { return Ok(due) };
        let step = i64::from(step.get());
        let steps = divide(due.minor.into(), step.into(), RoundingMode::HalfUp);
        let minor = i64::try_from(steps).ok().and_then(|steps| steps.checked_mul(step)).ok_or(RatingError::TooLarge)?;
        Ok(Money::new(minor, due.currency))
    }
}

/// An amount that is not rounded yet and not negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    pub fn new(numerator: i128, denominator: i128) -> Self {
        debug_assert!(numerator >= 0 && denominator > 0);
        Self { numerator, denominator }
    }

    pub fn of(money: Money) -> Self {
        Self::new(money.minor.into(), 10_i128.pow(money.currency.exponent()))
    }

    /// Times a fraction; nothing if not even the reduced fraction has room. It is never approximated.
    pub fn times(self, numerator: i128, denominator: i128) -> Option<Self> {
        match (self.numerator.checked_mul(numerator), self.denominator.checked_mul(denominator)) {
            (Some(numerator), Some(denominator)) => Some(Self { numerator, denominator }),
            _ => {
                let (a, b) = reduced(self.numerator, self.denominator);
                let (c, d) = reduced(numerator, denominator);
                let ((a, d), (c, b)) = (reduced(a, d), reduced(c, b));
                Some(Self { numerator: a.checked_mul(c)?, denominator: b.checked_mul(d)? })
            }
        }
    }

    pub fn times_decimal(self, figure: Decimal) -> Option<Self> {
        self.times(figure.mantissa(), 10_i128.pow(figure.scale()))
    }
}

/// A quotient of a number that is not negative by a positive one, as a whole number.
pub(crate) fn divide(numerator: i128, denominator: i128, mode: RoundingMode) -> i128 {
    // Nearly every division of a bill fits the processor's own.
    let (quotient, rest) = match (u64::try_from(numerator), u64::try_from(denominator)) {
        (Ok(numerator), Ok(denominator)) => (i128::from(numerator / denominator), i128::from(numerator % denominator)),
        _ => {
            let quotient = numerator / denominator;
            (quotient, numerator - quotient * denominator)
        }
    };
    let up = match mode {
        RoundingMode::HalfUp => rest >= denominator - rest,
        RoundingMode::HalfEven => rest > denominator - rest || rest == denominator - rest && quotient % 2 == 1,
        RoundingMode::Down => false,
        RoundingMode::Up => rest > 0,
    };
    quotient + i128::from(up)
}

fn reduced(numerator: i128, denominator: i128) -> (i128, i128) {
    let divisor = gcd(numerator, denominator);
    (numerator / divisor, denominator / divisor)
}

/// Of two numbers that are not both zero.
pub(super) fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::round_half_up;

    fn rounded(amount: &str, mode: RoundingMode) -> String {
        let rounding = Rounding { mode, payable_step: None };
        let amount = Exact::new(1, 1).times_decimal(amount.parse().unwrap()).unwrap();
        rounding.money(amount, Currency::SAR).map_or_else(|error| error.to_string(), |money| money.to_decimal().to_string())
    }

    #[test]
    fn each_mode_rounds_its_way() {
        for (amount, half_up, half_even, down, up) in [
            ("0", "0.00", "0.00", "0.00", "0.00"),
            ("0.004", "0.00", "0.00", "0.00", "0.01"),
            ("0.005", "0.01", "0.00", "0.00", "0.01"),
            ("0.015", "0.02", "0.02", "0.01", "0.02"),
            ("0.006", "0.01", "0.01", "0.00", "0.01"),
            ("0.0149999999", "0.01", "0.01", "0.01", "0.02"),
            ("163.725", "163.73", "163.72", "163.72", "163.73"),
            ("3.685", "3.69", "3.68", "3.68", "3.69"),
            ("12", "12.00", "12.00", "12.00", "12.00"),
            ("92233720368547758.07", "92233720368547758.07", "92233720368547758.07", "92233720368547758.07", "92233720368547758.07"),
        ] {
            let modes = [RoundingMode::HalfUp, RoundingMode::HalfEven, RoundingMode::Down, RoundingMode::Up];
            assert_eq!(modes.map(|mode| rounded(amount, mode)), [half_up, half_even, down, up], "{amount}");
        }
        assert_eq!(rounded("92233720368547758.08", RoundingMode::Down), "the amounts are too large to bill");
    }

    #[test]
    fn a_total_is_paid_in_coins_that_exist() {
        let rounding = Rounding { payable_step: NonZeroU32::new(5), ..Rounding::default() };
        for (due, payable) in [(0, 0), (2, 0), (3, 5), (5, 5), (1007, 1005), (1008, 1010)] {
            assert_eq!(rounding.payable(Money::new(due, Currency::SAR)), Ok(Money::new(payable, Currency::SAR)), "{due}");
        }
        let even = Rounding { payable_step: NonZeroU32::new(10), ..Rounding::default() };
        assert_eq!(even.payable(Money::new(15, Currency::SAR)), Ok(Money::new(20, Currency::SAR)));
        assert_eq!(even.payable(Money::new(i64::MAX, Currency::SAR)), Err(RatingError::TooLarge));
        assert_eq!(Rounding::default().payable(Money::new(7, Currency::SAR)), Ok(Money::new(7, Currency::SAR)));
    }

    #[test]
    fn what_has_no_room_is_reduced_first_and_never_approximated() {
        let large = Exact::new(i128::MAX / 3 * 3, 3);
        let same = large.times(3, i128::MAX / 3 * 3).unwrap();
        assert_eq!((same.numerator, same.denominator), (1, 1));
        assert!(large.times(i128::MAX - 1, 1).is_none());
        assert!(Exact::new(1, i128::MAX).times(1, 2).is_none());
    }

    proptest! {
        #[test]
        fn whole_numbers_round_as_decimals_do(mantissa in 0..i64::MAX, scale in 0_u32..12) {
            let amount = Decimal::new(mantissa, scale);
            let exact = Exact::new(1, 1).times_decimal(amount).unwrap();
            prop_assume!(round_half_up(amount, 2) < Decimal::from(i64::MAX / 100));
            prop_assert_eq!(Rounding::default().money(exact, Currency::SAR).unwrap().to_decimal(), round_half_up(amount, 2));
        }
    }
}
