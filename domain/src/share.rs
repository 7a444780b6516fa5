//! Shares of an amount that is already rounded. What is divided comes back whole: nothing is lost between the parts, nothing made.

use crate::{
    Money,
    rating::{RoundingMode, divide},
};

/// What of an amount goes with `part` of `whole`, rounded half away from zero: all of it with the whole, none with nothing.
pub fn proportion(amount: Money, part: u64, whole: u64) -> Money {
    if part >= whole {
        return if part == 0 { Money::zero(amount.currency) } else { amount };
    }
    let share = divide(i128::from(amount.minor.unsigned_abs()) * i128::from(part), whole.into(), RoundingMode::HalfUp);
    signed(amount, share)
}

/// An amount over parts by their weights: each its share rounded down, and what remains one by one to those that lost most, the first of
/// equals first. Nothing if no part has a weight.
pub fn split(amount: Money, weights: &[u64]) -> Option<Vec<Money>> {
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if whole == 0 {
        return None;
    }
    let magnitude = u128::from(amount.minor.unsigned_abs());
    let mut shares: Vec<u128> = weights.iter().map(|weight| magnitude * u128::from(*weight) / whole).collect();
    let missing = magnitude - shares.iter().sum::<u128>();
    let mut by_loss: Vec<usize> = (0..weights.len()).collect();
    by_loss.sort_by_key(|index| std::cmp::Reverse(magnitude * u128::from(weights[*index]) % whole));
    for (index, _) in by_loss.into_iter().zip(0..missing) {
        shares[index] += 1;
    }
    Some(shares.into_iter().map(|share| signed(amount, share.cast_signed())).collect())
}

/// A share of an amount's size, with the amount's sign.
fn signed(amount: Money, share: i128) -> Money {
    let minor = if amount.minor < 0 { -share } else { share };
    // A share is never larger than the amount it is of, which fits.
    Money::new(i64::try_from(minor).unwrap_or(amount.minor), amount.currency)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::Currency;

    fn sar(minor: i64) -> Money {
        Money::new(minor, Currency::SAR)
    }

    /// Published by Lago: prorated credits of 20000 and 16000 at 25 %, and of 2999 at 23.33 %.
    #[test]
    fn a_prorated_credit_takes_its_share_of_the_vat() {
        for (net, vat, part, whole, credited, vat_credited, total) in [
            (20_000, 5_000, 29, 30, 19_333, 4_833, 24_166),
            (16_000, 4_000, 29, 30, 15_467, 3_867, 19_334),
            (2_999, 700, 6, 7, 2_571, 600, 3_171),
        ] {
            let share = proportion(sar(net), part, whole);
            let vat_share = proportion(sar(vat), share.minor.unsigned_abs(), net.unsigned_abs());
            assert_eq!((share, vat_share), (sar(credited), sar(vat_credited)));
            assert_eq!(share.checked_add(vat_share), Ok(sar(total)));
        }
    }

    #[test]
    fn shares_round_half_away_from_zero_and_never_exceed_the_amount() {
        for (amount, part, whole, share) in
            [(1, 1, 2, 1), (-1, 1, 2, -1), (1, 1, 3, 0), (5, 3, 2, 5), (5, 0, 0, 0), (5, 1, 0, 5), (i64::MIN, 2, 2, i64::MIN)]
        {
            assert_eq!(proportion(sar(amount), part, whole), sar(share), "{amount} × {part}/{whole}");
        }
    }

    #[test]
    fn what_remains_goes_to_those_who_lost_most() {
        for (amount, weights, shares) in [
            (100, &[1, 1, 1][..], Some(vec![34, 33, 33])),
            (-100, &[1, 1, 1], Some(vec![-34, -33, -33])),
            (10, &[0, 1, 0, 2], Some(vec![0, 3, 0, 7])),
            (2, &[1, 1, 1, 1, 1, 1, 1], Some(vec![1, 1, 0, 0, 0, 0, 0])),
            (100_001, &[17, 29, 3, 41, 5, 2, 3], Some(vec![17_000, 29_000, 3_000, 41_001, 5_000, 2_000, 3_000])),
            (0, &[1, 2], Some(vec![0, 0])),
            (5, &[0, 0], None),
            (5, &[], None),
        ] {
            let shares = shares.map(|shares| shares.into_iter().map(sar).collect());
            assert_eq!(split(sar(amount), weights), shares, "{amount} over {weights:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_each_is_within_one_of_its_share(amount: i64, weights in vec(any::<u64>(), 1..12)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let parts = split(sar(amount), &weights).unwrap();
            prop_assert_eq!(parts.iter().map(|part| i128::from(part.minor)).sum::<i128>(), i128::from(amount));
            let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let floor = u128::from(amount.unsigned_abs()) * u128::from(*weight) / whole;
                let size = u128::from(part.minor.unsigned_abs());
                prop_assert!(size == floor || size == floor + 1 && *weight > 0, "{part:?} by {weight}");
            }
        }

        #[test]
        fn a_larger_part_never_takes_less(amount in 0..i64::MAX, parts in vec(any::<u64>(), 2..3), whole in 1_u64..) {
            let (small, large) = (parts[0].min(parts[1]), parts[0].max(parts[1]));
            prop_assert!(proportion(sar(amount), small, whole).minor <= proportion(sar(amount), large, whole).minor);
        }
    }
}
