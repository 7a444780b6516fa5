//! A bill that explains itself: the parts of its period, a line for each thing charged, and what they come to.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Rounding, rounding::gcd};
use crate::{
    BillingPeriod, Code, Currency, Money, Overestimate,
    ids::ReadingId,
    premises::PremisesFacts,
    tariff::{Quantity, Subsidy, Unit, Vat, When},
};

/// Σ lines = net; net + VAT + rounding = total; none of them is ever negative but the rounding. What others pay of it is told beside it, and
/// is never more than the net: a subsidy changes who pays, not what was sold, nor the VAT on that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    pub period: BillingPeriod,
    pub currency: Currency,
    /// What was asked of the premises and how figures were rounded, so that the bill can be recomputed from itself.
    pub premises: PremisesFacts,
    pub rounding_policy: Rounding,
    pub parts: Vec<Part>,
    /// Usage that is not billed, as estimates before billed it already.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub given_back: Quantity,
    /// What there was no usage to give back in. The next bill brings it; where there is none, the estimated days are billed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Overestimate>,
    pub lines: Vec<Line>,
    pub vat_lines: Vec<VatLine>,
    /// In the order in which they were reckoned, part by part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subsidies: Vec<Subsidised>,
    /// Before VAT, with fees, fixed charges, surcharges and reductions.
    pub net: Money,
    pub vat: Money,
    /// What the total is above or below net and VAT, where cash has no smaller coin.
    pub rounding: Money,
    pub total: Money,
}

/// Days that were billed by one tariff version and one VAT rate: what its lines have in common, and why they are what they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub tariff: Code,
    pub period: BillingPeriod,
    /// What widths, limits and fees of the tariff are multiplied by.
    pub factor: Factor,
    /// What widths and bracket limits are multiplied by besides: the dwellings behind the meter where the tariff counts them, otherwise 1.
    pub dwellings: u32,
    pub vat: Vat,
    /// What is billed.
    pub usage: Quantity,
    /// Whether any of its usage rests on an estimate: the bill must say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    pub readings: Vec<ReadingId>,
}

/// Quantity × price, scaled and rounded, is the amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Which of the bill's parts it belongs to.
    pub part: usize,
    pub charge: Charge,
    pub quantity: Quantity,
    pub unit: Unit,
    pub price: Decimal,
    pub amount: Money,
}

/// What an authority pays of a part's charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subsidised {
    /// Which of the bill's parts it belongs to.
    pub part: usize,
    /// As the tariff has it: by what it was reckoned.
    pub subsidy: Subsidy,
    /// On so many of the part's days it was granted, if not on all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_days: Option<i64>,
    /// Which units of usage it is for: as many, from the first one on.
    pub units: Quantity,
    pub amount: Money,
}

/// What a line is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Charge {
    Usage(Slab),
    /// What lacks to the minimum, which is the line's price.
    MinimumTopUp {
        usage_charge: Money,
    },
    BracketFee {
        bracket: usize,
        up_to: Option<Quantity>,
    },
    ZeroUsageFee,
    Fixed {
        code: Code,
        /// The breakers it is for, if not for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<When>,
    },
    Surcharge {
        code: Code,
    },
    Reduction {
        code: Code,
        from: Quantity,
        to: Quantity,
    },
}

/// Which units of usage a price is for: those above one border, up to and with the next, as the tariff prints them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slab {
    /// From 1, as people count.
    pub bracket: usize,
    pub number: usize,
    pub above: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Quantity>,
}

/// The VAT of one category at one rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VatLine {
    pub vat: Vat,
    pub taxable: Money,
    pub amount: Money,
}

impl Bill {
    /// The part that a line belongs to.
    pub fn part(&self, line: &Line) -> &Part {
        &self.parts[line.part]
    }

    /// What others pay of it.
    pub fn subsidised(&self) -> Money {
        Money::new(self.subsidies.iter().map(|subsidised| subsidised.amount.minor).sum(), self.currency)
    }

    /// What is left to the customer. Rounding to coins that exist may have taken more off than there was VAT, so it may be nothing.
    pub fn to_pay(&self) -> Money {
        Money::new((self.total.minor - self.subsidised().minor).max(0), self.currency)
    }
}

impl Part {
    pub fn days(&self) -> i64 {
        self.period.days()
    }
}

impl Charge {
    /// Under which name it stands on bills and in ledgers.
    pub fn code(&self) -> &str {
        match self {
            Charge::Usage(_) => "usage",
            Charge::MinimumTopUp { .. } => "minimum-charge",
            Charge::BracketFee { .. } => "bracket-fee",
            Charge::ZeroUsageFee => "zero-usage-fee",
            Charge::Fixed { code, .. } | Charge::Surcharge { code } | Charge::Reduction { code, .. } => code.as_str(),
        }
    }
}

/// An exact positive fraction in lowest terms, as `18/31` or `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    numerator: u32,
    denominator: u32,
}

impl Factor {
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// Days over days; nothing unless both are positive and fewer than there are days.
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        if numerator < 1 || denominator < 1 {
            return None;
        }
        let divisor = i64::try_from(gcd(numerator.into(), denominator.into())).ok()?;
        Some(Self { numerator: u32::try_from(numerator / divisor).ok()?, denominator: u32::try_from(denominator / divisor).ok()? })
    }

    pub fn numerator(self) -> u32 {
        self.numerator
    }

    pub fn denominator(self) -> u32 {
        self.denominator
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

impl FromStr for Factor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        let factor =
            numerator.parse().ok().zip(denominator.parse().ok()).and_then(|(numerator, denominator)| Self::new(numerator, denominator));
        factor.ok_or_else(|| format!("`{text}` is not a positive fraction"))
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact_and_in_lowest_terms() {
        for ((numerator, denominator), expected) in [
            ((60, 30), Some("2")),
            ((18, 31), Some("18/31")),
            ((20, 30), Some("2/3")),
            ((1, 1), Some("1")),
            ((0, 30), None),
            ((30, 0), None),
            ((-30, -30), None),
            ((i64::MAX, 1), None),
        ] {
            let factor = Factor::new(numerator, denominator);
            assert_eq!(factor.map(|factor| factor.to_string()).as_deref(), expected, "{numerator}/{denominator}");
            if let Some(factor) = factor {
                assert_eq!(factor.to_string().parse(), Ok(factor));
            }
        }
        assert_eq!("1/0".parse::<Factor>().unwrap_err(), "`1/0` is not a positive fraction");
    }
}
