//! Chance that comes out the same for the same seed, on every machine and for ever.

use uuid::Uuid;

/// SplitMix64: small, and written down here so that no library's next version throws otherwise.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one question: what others are asked, and in which order, does not change their answers.
    pub fn of(seed: u64, question: &str) -> Self {
        let name = Uuid::new_v5(&Uuid::from_u64_pair(seed, 0), question.as_bytes());
        Self(name.as_u64_pair().0)
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to and without `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.throw()) * u128::from(end)) >> 64).unwrap_or_default()
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low.saturating_add_unsigned(self.below(high.abs_diff(low).saturating_add(1)))
    }

    /// In so many of a thousand cases.
    pub fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1_000) < of_thousand
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A seed means the same company in every version, or nobody can show another what they saw.
    #[test]
    fn a_throw_never_changes() {
        // The first three of the generator's published example, from the state 1234567.
        let mut dice = Dice(1_234_567);
        assert_eq!(
            [dice.throw(), dice.throw(), dice.throw()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(Dice::of(7, "who").between(-3, 3), Dice::of(7, "who").between(-3, 3));
        assert_ne!(Dice::of(7, "who").throw(), Dice::of(8, "who").throw());
        assert_ne!(Dice::of(7, "who").throw(), Dice::of(7, "where").throw());
    }

    #[test]
    fn a_throw_stays_between_its_ends() {
        let mut dice = Dice::of(7, "ends");
        let thrown: Vec<i64> = (0..1_000).map(|_| dice.between(-2, 2)).collect();
        assert_eq!((thrown.iter().min(), thrown.iter().max()), (Some(&-2), Some(&2)));
        let lucky = (0..10_000).filter(|_| dice.chance(100)).count();
        assert!((800..1_200).contains(&lucky), "{lucky}");
    }
}
