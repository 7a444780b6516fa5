//! The rules of the day. They travel in the command, so that a replay judges as was judged then.

use daftar_domain::{
    Currency, Money,
    meter::{EstimationRules, ReadingContext, TrueUpRules, ValidationRules},
};

use super::Wish;

pub fn readings(wish: &Wish<'_>) -> ReadingContext {
    // Whether all estimated days lay in one slab is known to their bills alone. Without them they are billed again, which is always right.
    ReadingContext { received_at: wish.context.now, validation: ValidationRules::default(), true_up: TrueUpRules::for_tariff(false) }
}

pub fn estimation() -> EstimationRules {
    EstimationRules::default()
}

/// Of whole coins, the most that one person may write off at once.
const WRITE_OFF: i64 = 10_000;

pub fn write_off_limit(currency: Currency) -> Money {
    Money::new(WRITE_OFF * 10_i64.pow(currency.exponent()), currency)
}
