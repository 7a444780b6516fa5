//! Bills in words and in JSON: each line with everything that made it what it is.

use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::{Bill, Charge, Factor, Line, Part, Subsidised};
use crate::{
    Code, Currency, Overestimate,
    ids::ReadingId,
    tariff::{Quantity, Subsidy, SubsidyKind, Unit, Vat, When},
};

impl Bill {
    /// What `daftar rate --json` prints: amounts are decimal strings, so that no reader makes floats of them.
    pub fn to_json(&self) -> Vec<u8> {
        let lines = self.lines.iter().map(|line| line.explained(self.part(line))).collect();
        let vat_lines = self.vat_lines.iter().map(|group| ExplainedVat {
            vat: &group.vat,
            taxable: group.taxable.to_decimal(),
            amount: group.amount.to_decimal(),
        });
        crate::write(&ExplainedBill {
            from: self.period.from(),
            to: self.period.to(),
            lines,
            given_back: self.given_back,
            carried: self.carried.as_ref().map(|carried| carried.quantity).unwrap_or_default(),
            vat_lines: vat_lines.collect(),
            subsidies: self.subsidies.iter().map(|subsidised| subsidised.explained(&self.parts[subsidised.part])).collect(),
            net: self.net.to_decimal(),
            vat: self.vat.to_decimal(),
            rounding: self.rounding.to_decimal(),
            total: self.total.to_decimal(),
            to_pay: (!self.subsidies.is_empty()).then(|| self.to_pay().to_decimal()),
            currency: self.currency,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedBill<'a> {
    from: NaiveDate,
    to: NaiveDate,
    lines: Vec<ExplainedLine<'a>>,
    #[serde(skip_serializing_if = "Quantity::is_zero")]
    given_back: Quantity,
    #[serde(skip_serializing_if = "Quantity::is_zero")]
    carried: Quantity,
    vat_lines: Vec<ExplainedVat<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subsidies: Vec<ExplainedSubsidy<'a>>,
    net: Decimal,
    vat: Decimal,
    rounding: Decimal,
    total: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_pay: Option<Decimal>,
    currency: Currency,
}

/// A line with what it shares with its part, so that it can be read alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedLine<'a> {
    code: &'a str,
    quantity: Quantity,
    unit: Unit,
    price: Decimal,
    /// The first day.
    from: NaiveDate,
    /// The day after the last.
    to: NaiveDate,
    days: i64,
    factor: Factor,
    dwellings: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    slab: Option<ExplainedSlab>,
    reason: String,
    tariff: &'a Code,
    vat: &'a Vat,
    estimated: bool,
    readings: &'a [ReadingId],
    amount: Decimal,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedSlab {
    bracket: usize,
    number: usize,
    above: Quantity,
    up_to: Option<Quantity>,
}

#[derive(Serialize)]
struct ExplainedVat<'a> {
    #[serde(flatten)]
    vat: &'a Vat,
    taxable: Decimal,
    amount: Decimal,
}

/// What another pays, with what it shares with its part.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedSubsidy<'a> {
    code: &'a Code,
    authority: &'a Code,
    units: Quantity,
    from: NaiveDate,
    to: NaiveDate,
    reason: String,
    tariff: &'a Code,
    amount: Decimal,
}

impl Line {
    fn explained<'a>(&'a self, part: &'a Part) -> ExplainedLine<'a> {
        let slab = match &self.charge {
            Charge::Usage(slab) => Some(ExplainedSlab { bracket: slab.bracket, number: slab.number, above: slab.above, up_to: slab.up_to }),
            Charge::MinimumTopUp { .. }
            | Charge::BracketFee { .. }
            | Charge::ZeroUsageFee
            | Charge::Fixed { .. }
            | Charge::Surcharge { .. }
            | Charge::Reduction { .. } => None,
        };
        ExplainedLine {
            code: self.charge.code(),
            quantity: self.quantity,
            unit: self.unit,
            price: self.price,
            from: part.period.from(),
            to: part.period.to(),
            days: part.days(),
            factor: part.factor,
            dwellings: part.dwellings,
            slab,
            reason: self.reason(part),
            tariff: &part.tariff,
            vat: &part.vat,
            estimated: part.estimated,
            readings: &part.readings,
            amount: self.amount.to_decimal(),
        }
    }

    /// Why the line is there and how its amount came about, in a sentence without its end.
    pub fn reason(&self, part: &Part) -> String {
        let Self { quantity, price, .. } = self;
        let times = if part.factor == Factor::ONE { String::new() } else { format!(" × {}", part.factor) };
        let limits = match part.dwellings {
            1 if times.is_empty() => String::new(),
            1 => format!(", limits{times}"),
            dwellings => format!(", limits{times} × {dwellings} dwellings"),
        };
        match &self.charge {
            Charge::Usage(slab) => {
                let up_to = slab.up_to.map(|up_to| format!(" up to {up_to}")).unwrap_or_default();
                format!("{quantity} {} at {price}, slab {}: above {}{up_to}{limits}", self.unit, slab.number, slab.above)
            }
            Charge::MinimumTopUp { usage_charge } => {
                format!("minimum {price}{times} less the charge for usage {}", usage_charge.to_decimal())
            }
            Charge::BracketFee { bracket, up_to } => {
                let up_to = up_to.map(|up_to| format!(": usage up to {up_to}{limits}")).unwrap_or_default();
                format!("fee {price}{times} of bracket {bracket}{up_to}")
            }
            Charge::ZeroUsageFee => format!("fee {price}{times} as nothing was used"),
            Charge::Fixed { when, .. } => {
                let breakers = when.map(|when| format!(", for breakers {when}")).unwrap_or_default();
                format!("{price} a period{times}{breakers}")
            }
            Charge::Surcharge { .. } => format!("{} % of the charge for usage {quantity}", (*price * Decimal::ONE_HUNDRED).normalize()),
            Charge::Reduction { from, to, .. } => {
                format!("{}{times} off for usage from {from} to {to}{times}, at most the charge itself", -*price)
            }
        }
    }
}

impl Line {
    /// The same in Arabic.
    pub fn reason_in_arabic(&self, part: &Part) -> String {
        let Self { quantity, price, .. } = self;
        let times = if part.factor == Factor::ONE { String::new() } else { format!(" × {}", part.factor) };
        let limits = match part.dwellings {
            1 if times.is_empty() => String::new(),
            1 => format!("، والحدود{times}"),
            dwellings => format!("، والحدود{times} × {dwellings} وحدات سكنية"),
        };
        match &self.charge {
            Charge::Usage(slab) => {
                let up_to = slab.up_to.map(|up_to| format!(" حتى {up_to}")).unwrap_or_default();
                let unit = arabic(self.unit);
                format!("{quantity} {unit} بسعر {price}، الشريحة {}: فوق {}{up_to}{limits}", slab.number, slab.above)
            }
            Charge::MinimumTopUp { usage_charge } => {
                format!("الحد الأدنى {price}{times} ناقص قيمة الاستهلاك {}", usage_charge.to_decimal())
            }
            Charge::BracketFee { bracket, up_to } => {
                let up_to = up_to.map(|up_to| format!(": استهلاك حتى {up_to}{limits}")).unwrap_or_default();
                format!("رسم {price}{times} للفئة {bracket}{up_to}")
            }
            Charge::ZeroUsageFee => format!("رسم {price}{times} لعدم وجود استهلاك"),
            Charge::Fixed { when, .. } => {
                let breakers = when.map(|when| format!("، للقواطع {}", breakers_in_arabic(when))).unwrap_or_default();
                format!("{price} عن الفترة{times}{breakers}")
            }
            Charge::Surcharge { .. } => format!("{} % من قيمة الاستهلاك {quantity}", (*price * Decimal::ONE_HUNDRED).normalize()),
            Charge::Reduction { from, to, .. } => {
                format!("خصم {}{times} للاستهلاك من {from} إلى {to}{times}، بما لا يتجاوز قيمته", -*price)
            }
        }
    }
}

impl Subsidised {
    fn explained<'a>(&'a self, part: &'a Part) -> ExplainedSubsidy<'a> {
        let Subsidy { code, authority, .. } = &self.subsidy;
        ExplainedSubsidy {
            code,
            authority,
            units: self.units,
            from: part.period.from(),
            to: part.period.to(),
            reason: self.reason(part),
            tariff: &part.tariff,
            amount: self.amount.to_decimal(),
        }
    }

    /// How its amount came about, in a sentence without its end.
    pub fn reason(&self, part: &Part) -> String {
        let Self { subsidy: Subsidy { quota, kind, cap, .. }, granted_days, units, .. } = self;
        let times = if part.factor == Factor::ONE { String::new() } else { format!(" × {}", part.factor) };
        let dwellings = if part.dwellings == 1 { String::new() } else { format!(" × {} dwellings", part.dwellings) };
        let quota = quota.map(|quota| format!(", of the first {quota}{times}{dwellings}")).unwrap_or_default();
        let what = match kind {
            SubsidyKind::PriceDifference { price } => format!("{units} units brought down to {}{quota}", price.get()),
            SubsidyKind::PercentOfUsage(percent) => format!("{} % of the charge for {units} units{quota}", percent.get()),
            SubsidyKind::Amount(amount) => format!("{} a period{times}", amount.get()),
        };
        let cap = cap.map(|cap| format!(", at most {}{times}", cap.get())).unwrap_or_default();
        let granted = granted_days.map(|days| format!(", granted on {days} of {} days", part.days())).unwrap_or_default();
        format!("{what}{cap}{granted}, at most the charge itself")
    }

    /// The same in Arabic.
    pub fn reason_in_arabic(&self, part: &Part) -> String {
        let Self { subsidy: Subsidy { quota, kind, cap, .. }, granted_days, units, .. } = self;
        let times = if part.factor == Factor::ONE { String::new() } else { format!(" × {}", part.factor) };
        let dwellings = if part.dwellings == 1 { String::new() } else { format!(" × {} وحدات سكنية", part.dwellings) };
        let quota = quota.map(|quota| format!("، من أول {quota}{times}{dwellings}")).unwrap_or_default();
        let what = match kind {
            SubsidyKind::PriceDifference { price } => format!("{units} وحدة بسعر مدعوم {}{quota}", price.get()),
            SubsidyKind::PercentOfUsage(percent) => format!("{} % من قيمة {units} وحدة{quota}", percent.get()),
            SubsidyKind::Amount(amount) => format!("{} عن الفترة{times}", amount.get()),
        };
        let cap = cap.map(|cap| format!("، بحد أقصى {}{times}", cap.get())).unwrap_or_default();
        let granted = granted_days.map(|days| format!("، ممنوح في {days} من {} يومًا", part.days())).unwrap_or_default();
        format!("{what}{cap}{granted}، بما لا يتجاوز القيمة نفسها")
    }
}

fn arabic(unit: Unit) -> &'static str {
    match unit {
        Unit::Kwh => "كيلوواط ساعة",
        Unit::M3 => "متر مكعب",
        Unit::Period => "فترة",
        Unit::Currency => "وحدة عملة",
    }
}

fn breakers_in_arabic(when: When) -> String {
    match (when.breaker_amps_min, when.breaker_amps_max) {
        (Some(min), Some(max)) => format!("من {min} إلى {max} أمبير"),
        (Some(min), None) => format!("من {min} أمبير"),
        (None, Some(max)) => format!("حتى {max} أمبير"),
        (None, None) => "المعروفة".to_owned(),
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.breaker_amps_min, self.breaker_amps_max) {
            (Some(min), Some(max)) => write!(f, "from {min} to {max} A"),
            (Some(min), None) => write!(f, "from {min} A"),
            (None, Some(max)) => write!(f, "to {max} A"),
            (None, None) => f.write_str("that are known"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Kwh => "kWh",
            Unit::M3 => "m3",
            Unit::Period => "period",
            Unit::Currency => "currency",
        })
    }
}

/// For people: amounts stand in one column.
impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            let Part { tariff, period, factor, usage, .. } = part;
            let estimated = if part.estimated { " (estimated)" } else { "" };
            writeln!(f, "{tariff}, {period}: {} days, factor {factor}, usage {usage}{estimated}", part.days())?;
            for line in self.lines.iter().filter(|line| line.part == index) {
                let what = format!("{}: {}", line.charge.code(), line.reason(part));
                writeln!(f, "  {what:<90} {:>18}", line.amount.to_decimal())?;
            }
        }
        if !self.given_back.is_zero() {
            writeln!(f, "not billed, as estimates billed it already: usage {}", self.given_back)?;
        }
        if let Some(Overestimate { quantity, .. }) = &self.carried {
            writeln!(f, "to be given back by the next bill: usage {quantity}")?;
        }
        writeln!(f, "{:<92} {:>18}", "net", self.net.to_decimal())?;
        for group in &self.vat_lines {
            let percent = (group.vat.rate.get() * Decimal::ONE_HUNDRED).normalize();
            let reason = group.vat.reason.as_ref().map(|reason| format!(" by {reason}")).unwrap_or_default();
            let what = format!("VAT {:?} {percent} % of {}{reason}", group.vat.category, group.taxable.to_decimal());
            writeln!(f, "{what:<92} {:>18}", group.amount.to_decimal())?;
        }
        if !self.rounding.is_zero() {
            writeln!(f, "{:<92} {:>18}", "rounding", self.rounding.to_decimal())?;
        }
        write!(f, "{:<92} {:>18}", format!("total {}", self.currency), self.total.to_decimal())?;
        if self.subsidies.is_empty() {
            return Ok(());
        }
        for subsidised in &self.subsidies {
            let Subsidy { code, authority, .. } = &subsidised.subsidy;
            write!(f, "\n{:<92} {:>18}", format!("{code}, paid by {authority}"), subsidised.amount.to_decimal())?;
            write!(f, "\n  {}", subsidised.reason(&self.parts[subsidised.part]))?;
        }
        write!(f, "\n{:<92} {:>18}", "left to pay", self.to_pay().to_decimal())
    }
}
