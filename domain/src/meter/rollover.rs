//! Whether a figure below the last one means that the dial passed its end, or that something is wrong.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Register;

/// How far a register went from one reading to the next, in units of its dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    Forward(Decimal),
    /// Past its end, once.
    RolledOver(Decimal),
    /// Below the last figure, and not believed to have passed the end. If it had, it would have gone this far.
    Backward {
        candidate: Decimal,
    },
}

/// When a lower figure is taken for a rollover without asking anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloverRule {
    /// The part of its capacity that the dial must have shown before.
    pub near_full: Decimal,
}

impl Default for RolloverRule {
    fn default() -> Self {
        Self { near_full: Decimal::new(9, 1) }
    }
}

impl RolloverRule {
    /// A lower figure is a rollover if the dial was nearly full, or if the usage would then be no more than this account's high limit.
    pub fn judge(self, register: &Register, previous: Decimal, current: Decimal, high_limit: Option<Decimal>) -> Advance {
        let gone = register.turn(previous, current);
        if previous <= current {
            Advance::Forward(gone)
        } else if previous >= self.near_full * register.capacity() || high_limit.is_some_and(|limit| gone * register.multiplier <= limit) {
            Advance::RolledOver(gone)
        } else {
            Advance::Backward { candidate: gone }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Advance::*, *};
    use crate::meter::example;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn rollover() {
        let decimals = Register { decimals: 2, ..example::register() };
        let register = |digits, multiplier: &str| Register { digits, multiplier: dec(multiplier), ..decimals.clone() };
        let gone = |text: &str| RolledOver(dec(text));
        let back = |text: &str| Backward { candidate: dec(text) };
        for (digits, multiplier, previous, current, limit, expected) in [
            (5, "40", "99950", "00020", None, gone("70")),
            (5, "1", "50000", "49900", None, back("99900")),
            (5, "1", "99999", "00000", None, gone("1")),
            (5, "1", "100", "100", None, Forward(dec("0"))),
            (5, "1", "100", "100.01", None, Forward(dec("0.01"))),
            (5, "1", "100", "99.99", None, back("99999.99")),
            // Nearly full is nine tenths, exactly.
            (5, "1", "90000", "0", None, gone("10000")),
            (5, "1", "89999.99", "0", None, back("10000.01")),
            (1, "1", "9", "8", None, gone("9")),
            // Or the usage, after the multiplier, is within the account's high limit, exactly.
            (5, "1", "89999", "0", Some("10001"), gone("10001")),
            (5, "1", "89999", "0", Some("10000.99"), back("10001")),
            (5, "40", "89999", "0", Some("400040"), gone("10001")),
            (5, "40", "89999", "0", Some("400039"), back("10001")),
            (12, "1", "999999999999", "0.5", None, gone("1.5")),
        ] {
            let advance = RolloverRule::default().judge(&register(digits, multiplier), dec(previous), dec(current), limit.map(dec));
            assert_eq!(advance, expected, "{previous} to {current}");
        }
    }

    #[test]
    fn how_nearly_full_is_configured() {
        let rule = RolloverRule { near_full: dec("0.5") };
        assert_eq!(rule.judge(&example::register(), dec("50000"), dec("0"), None), RolledOver(dec("50000")));
        assert_eq!(rule.judge(&example::register(), dec("49999"), dec("0"), None), Backward { candidate: dec("50001") });
    }
}
