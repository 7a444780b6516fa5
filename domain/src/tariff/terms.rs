//! What a tariff says, field by field, as its JSON has it. Only [`Tariff`](super::Tariff) vouches that the fields go together.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Figure, Quantity};
use crate::{Code, Currency, Service, VatCategory, VatStatus, account::CustomerClass};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    pub code: Code,
    /// Which versions follow one another; a tariff that names no series is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Code>,
    /// Where the figures were printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub service: Service,
    pub class: CustomerClass,
    pub currency: Currency,
    #[serde(deserialize_with = "date")]
    pub effective_from: NaiveDate,
    /// The first day it no longer applies; open if there is none.
    #[serde(default, deserialize_with = "optional_date")]
    pub effective_to: Option<NaiveDate>,
    pub period: NormalPeriod,
    pub vat: Vat,
    pub brackets: Vec<Bracket>,
    #[serde(default)]
    pub fixed_charges: Vec<FixedCharge>,
    #[serde(default)]
    pub surcharges: Vec<Surcharge>,
    #[serde(default)]
    pub reductions: Vec<Reduction>,
    /// In the order in which they are reckoned: what one has paid, the next has nothing to pay of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subsidies: Vec<Subsidy>,
    #[serde(default)]
    pub minimum_charge: Option<Figure>,
    /// What is charged in place of the bracket's fee when nothing was used.
    #[serde(default)]
    pub zero_usage_fee: Option<Figure>,
    #[serde(default)]
    pub units_multiplier: Option<UnitsMultiplier>,
    pub mid_period_change: MidPeriodChange,
}

/// The period that the widths and fees are stated for. A bill of nearly that length is billed as if it were that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NormalPeriod {
    pub normal_days: u16,
    pub tolerance_days: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vat {
    pub category: VatCategory,
    /// A fraction: `0.15` is fifteen per cent.
    pub rate: Figure,
    /// The law's own code for why it is not the standard rate: a tax document has to name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
}

/// Usage up to and with `up_to` is billed by these segments and this fee; usage beyond it by the next bracket, from the first unit on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bracket {
    #[serde(deserialize_with = "stated")]
    pub up_to: Option<Quantity>,
    pub fee: Figure,
    pub segments: Vec<Segment>,
}

/// The next `width` units of a bracket, or the rest of them, at a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    #[serde(deserialize_with = "stated")]
    pub width: Option<Quantity>,
    pub price: Figure,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedCharge {
    pub code: Code,
    pub amount: Figure,
    pub per: Per,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Per {
    Period,
}

/// Which premises a charge is for: those whose breaker lies between these, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct When {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_amps_min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_amps_max: Option<u32>,
}

/// A percentage of the charge for usage, such as half the water's for the sewer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Surcharge {
    pub code: Code,
    pub percent_of_usage: Figure,
}

/// An amount off the charge for those who used so much. `from` 51 means more than 50: there is no gap between 200 and 201.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduction {
    pub code: Code,
    pub from: Quantity,
    pub to: Quantity,
    pub amount: Figure,
}

/// What an authority pays of the charge in the customer's place. The charge itself, and the VAT on it, stay what they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subsidy {
    pub code: Code,
    /// Who pays it.
    pub authority: Code,
    #[serde(rename = "for")]
    pub entitled: Entitled,
    /// How many units of a normal period it is for, from the first one on; all, if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quantity>,
    pub kind: SubsidyKind,
    /// The most that it comes to in a normal period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Figure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entitled {
    All,
    /// On the days for which the authority has granted it to the account.
    Granted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SubsidyKind {
    /// The customer pays this for a unit. What costs less costs what it costs.
    PriceDifference { price: Figure },
    /// So much in a hundred of what the units cost.
    PercentOfUsage(Figure),
    /// So much for a normal period in which anything was used.
    Amount(Figure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnitsMultiplier {
    PerDwelling,
}

/// What becomes of a period in the middle of which this version came into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MidPeriodChange {
    /// It is split at the change, usage by days where no reading says better.
    Prorate,
    /// The prices at its end hold for all of it.
    RateAtEnd,
    /// The prices at its start hold for all of it.
    RateAtStart,
    /// It is split at the change, and is not billed without a reading there.
    RequireRead,
}

impl Terms {
    /// Whether each unit has a price of its own, however many are used: then a unit more or less changes the bill by no more than that price.
    pub fn is_marginal(&self) -> bool {
        let whole = |subsidy: &Subsidy| matches!(subsidy.kind, SubsidyKind::Amount(_));
        self.brackets.len() == 1 && self.reductions.is_empty() && self.zero_usage_fee.is_none() && !self.subsidies.iter().any(whole)
    }
}

impl Vat {
    /// The VAT on a supply to a customer. The standard rate is no status of a customer's own: the supply's category holds.
    pub fn for_customer(&self, status: Option<&VatStatus>) -> Self {
        match status {
            Some(VatStatus { category: category @ (VatCategory::Z | VatCategory::E | VatCategory::O), reason, .. }) => {
                Self { category: *category, rate: Figure::ZERO, reason: reason.clone() }
            }
            Some(VatStatus { category: VatCategory::S, .. }) | None => self.clone(),
        }
    }
}

impl When {
    pub fn applies(self, breaker_amps: u32) -> bool {
        let amps_min = self.breaker_amps_min.unwrap_or(0);
        let amps_max = self.breaker_amps_max.unwrap_or(u32::MAX);
        amps_min <= breaker_amps && breaker_amps <= amps_max
    }
}

impl Reduction {
    /// The border, in millionths, above which it holds: one unit before `from`, so that a `from` of 0 takes in no usage at all.
    pub(crate) const fn above_micro(&self) -> i64 {
        self.from.micro() - Quantity::SCALE
    }
}

/// What a line's quantity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    #[serde(rename = "kWh")]
    Kwh,
    #[serde(rename = "m3")]
    M3,
    /// Billing periods, for what is charged once in each.
    #[serde(rename = "period")]
    Period,
    /// Units of currency, for a percentage of a charge.
    #[serde(rename = "currency")]
    Currency,
}

/// `null` means the rest, but it must be said: a width that was forgotten is not the rest.
fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Quantity>, D::Error> {
    Option::deserialize(deserializer)
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse().ok().filter(|day: &NaiveDate| day.to_string() == text);
    day.ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a date: expected YYYY-MM-DD")))
}

fn optional_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    #[derive(Deserialize)]
    struct Date(#[serde(deserialize_with = "date")] NaiveDate);
    Ok(Option::<Date>::deserialize(deserializer)?.map(|Date(day)| day))
}
