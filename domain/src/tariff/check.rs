//! From what a tariff says to a tariff that can be billed: every rule that its fields keep between them, each with the place that breaks it.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Bracket, Figure, FixedCharge, Quantity, Reduction, Subsidy, SubsidyKind, Terms, Vat};
use crate::{Code, VatCategory};

/// A tariff whose terms hold together. There is no other kind: nothing can be billed by terms that were not checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Terms")]
pub struct Tariff(Box<Terms>);

/// Where the terms contradict themselves, and how.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {fault}")]
pub struct Misprint {
    /// As `brackets[0].segments[1].width`.
    pub place: String,
    pub fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    #[error("a tariff ends after the day it begins")]
    EndsBeforeItBegins,
    #[error("a normal period has between 1 and 366 days")]
    NormalDays,
    #[error("the tolerance is less than the normal period")]
    Tolerance,
    #[error("the rate is a fraction not above 1: fifteen per cent is 0.15")]
    VatRateAboveOne,
    #[error("the standard rate is above zero")]
    VatRateMissing,
    #[error("category {0:?} has no rate")]
    VatRateUnexpected(VatCategory),
    #[error("the standard rate needs no reason")]
    VatReasonUnexpected,
    #[error("there is no bracket")]
    NoBracket,
    #[error("there is no segment")]
    NoSegment,
    #[error("the last bracket is for all the rest: `null`")]
    LastBracketBounded,
    #[error("only the last bracket is for all the rest")]
    EarlyBracketUnbounded,
    #[error("brackets ascend: this is not above {0}")]
    BracketNotAbove(Quantity),
    #[error("the last segment is for all the rest: `null`")]
    LastSegmentBounded,
    #[error("only the last segment is for all the rest")]
    EarlySegmentUnbounded,
    #[error("a width is above zero")]
    WidthZero,
    #[error("the widths together are not below a million million")]
    WidthsTooLarge,
    #[error("the bracket ends at {0}: this segment is never reached")]
    SegmentNeverReached(Quantity),
    #[error("the condition can never hold")]
    WhenEmpty,
    #[error("`{0}` would stand on one bill twice")]
    DuplicateCode(Code),
    #[error("a reduction ends where it begins or above")]
    ReductionEndsBeforeItBegins,
    #[error("another reduction, to {0}, meets this one")]
    ReductionsOverlap(Quantity),
    #[error("a subsidy is for more than nothing")]
    SubsidyOfNothing,
    #[error("a percentage is not above 100")]
    PercentAboveHundred,
    #[error("a fixed amount is for no number of units")]
    QuotaOfAmount,
}

impl Tariff {
    /// Which versions it follows and precedes; its own code unless it says otherwise.
    pub fn series(&self) -> &Code {
        self.0.series.as_ref().unwrap_or(&self.0.code)
    }
}

/// A line for people, as the answer to whether a file is sound.
impl fmt::Display for Tariff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { code, service, class, currency, effective_from, effective_to, brackets, .. } = &*self.0;
        let until = effective_to.map(|to| format!(" until {to}")).unwrap_or_default();
        let segments: usize = brackets.iter().map(|bracket| bracket.segments.len()).sum();
        let subject = format!("{service:?} for {class:?}").to_lowercase();
        write!(
            f,
            "{code} of {}: {subject} in {currency}, from {effective_from}{until}; brackets {}, segments {segments}",
            self.series(),
            brackets.len()
        )
    }
}

impl Deref for Tariff {
    type Target = Terms;

    fn deref(&self) -> &Terms {
        &self.0
    }
}

impl TryFrom<Terms> for Tariff {
    type Error = Misprint;

    fn try_from(mut terms: Terms) -> Result<Self, Misprint> {
        if terms.effective_to.is_some_and(|to| to <= terms.effective_from) {
            return Err(Fault::EndsBeforeItBegins.at("effectiveTo"));
        }
        if !(1..=366).contains(&terms.period.normal_days) {
            return Err(Fault::NormalDays.at("period.normalDays"));
        }
        if terms.period.tolerance_days >= terms.period.normal_days {
            return Err(Fault::Tolerance.at("period.toleranceDays"));
        }
        check_vat(&terms.vat)?;
        check_brackets(&terms.brackets)?;
        check_codes(&terms)?;
        check_reductions(&terms.reductions)?;
        check_subsidies(&terms.subsidies)?;
        // Said or left to the default, it is the same series and the same tariff.
        terms.series.get_or_insert_with(|| terms.code.clone());
        Ok(Self(Box::new(terms)))
    }
}

fn check_vat(vat: &Vat) -> Result<(), Misprint> {
    let rate = vat.rate.get();
    let fault = match vat.category {
        VatCategory::S if rate.is_zero() => Fault::VatRateMissing,
        VatCategory::S if rate > rust_decimal::Decimal::ONE => Fault::VatRateAboveOne,
        VatCategory::S if vat.reason.is_some() => return Err(Fault::VatReasonUnexpected.at("vat.reason")),
        VatCategory::S => return Ok(()),
        VatCategory::Z | VatCategory::E | VatCategory::O if rate.is_zero() => return Ok(()),
        VatCategory::Z | VatCategory::E | VatCategory::O => Fault::VatRateUnexpected(vat.category),
    };
    Err(fault.at("vat.rate"))
}

fn check_brackets(brackets: &[Bracket]) -> Result<(), Misprint> {
    let last = brackets.len().checked_sub(1).ok_or_else(|| Fault::NoBracket.at("brackets"))?;
    let mut below = Quantity::ZERO;
    for (index, bracket) in brackets.iter().enumerate() {
        let place = format!("brackets[{index}].upTo");
        match bracket.up_to {
            Some(_) if index == last => return Err(Fault::LastBracketBounded.at(place)),
            Some(up_to) if up_to <= below => return Err(Fault::BracketNotAbove(below).at(place)),
            Some(up_to) => below = up_to,
            None if index < last => return Err(Fault::EarlyBracketUnbounded.at(place)),
            None => {}
        }
        check_segments(index, bracket)?;
    }
    Ok(())
}

fn check_segments(bracket_index: usize, bracket: &Bracket) -> Result<(), Misprint> {
    let place = format!("brackets[{bracket_index}].segments");
    let last = bracket.segments.len().checked_sub(1).ok_or_else(|| Fault::NoSegment.at(place.clone()))?;
    let mut reached = Quantity::ZERO;
    for (index, segment) in bracket.segments.iter().enumerate() {
        let fault = |fault: Fault| Err(fault.at(format!("{place}[{index}].width")));
        match bracket.up_to {
            Some(up_to) if reached >= up_to => return fault(Fault::SegmentNeverReached(up_to)),
            Some(_) | None => {}
        }
        match segment.width {
            Some(_) if index == last => return fault(Fault::LastSegmentBounded),
            Some(width) if width.is_zero() => return fault(Fault::WidthZero),
            Some(width) => match reached.checked_add(width) {
                Some(sum) => reached = sum,
                None => return fault(Fault::WidthsTooLarge),
            },
            None if index < last => return fault(Fault::EarlySegmentUnbounded),
            None => {}
        }
    }
    Ok(())
}

/// A code may return for other premises (one meter fee for each size of breaker), or for other usage; never twice on one bill.
fn check_codes(terms: &Terms) -> Result<(), Misprint> {
    let (fixed, surcharges) = (&terms.fixed_charges, &terms.surcharges);
    for (index, charge) in fixed.iter().enumerate() {
        let (amps_min, amps_max) = charge.amps();
        if amps_min > amps_max {
            return Err(Fault::WhenEmpty.at(format!("fixedCharges[{index}].when")));
        }
        if fixed[..index].iter().any(|earlier| earlier.code == charge.code && earlier.meets(charge)) {
            return Err(Fault::DuplicateCode(charge.code.clone()).at(format!("fixedCharges[{index}].code")));
        }
    }
    let mut taken: Vec<&Code> = fixed.iter().map(|charge| &charge.code).collect();
    for (index, surcharge) in surcharges.iter().enumerate() {
        if taken.contains(&&surcharge.code) {
            return Err(Fault::DuplicateCode(surcharge.code.clone()).at(format!("surcharges[{index}].code")));
        }
        taken.push(&surcharge.code);
    }
    match terms.reductions.iter().enumerate().find(|(_, reduction)| taken.contains(&&reduction.code)) {
        Some((index, reduction)) => Err(Fault::DuplicateCode(reduction.code.clone()).at(format!("reductions[{index}].code"))),
        None => Ok(()),
    }
}

fn check_reductions(reductions: &[Reduction]) -> Result<(), Misprint> {
    for (index, reduction) in reductions.iter().enumerate() {
        if reduction.to < reduction.from {
            return Err(Fault::ReductionEndsBeforeItBegins.at(format!("reductions[{index}].to")));
        }
        let meets = |earlier: &&Reduction| reduction.above_micro() < earlier.to.micro() && earlier.above_micro() < reduction.to.micro();
        if let Some(earlier) = reductions[..index].iter().find(meets) {
            return Err(Fault::ReductionsOverlap(earlier.to).at(format!("reductions[{index}].from")));
        }
    }
    Ok(())
}

fn check_subsidies(subsidies: &[Subsidy]) -> Result<(), Misprint> {
    for (index, Subsidy { code, quota, kind, cap, .. }) in subsidies.iter().enumerate() {
        let fault = |fault: Fault, place: &str| Err(fault.at(format!("subsidies[{index}].{place}")));
        if subsidies[..index].iter().any(|earlier| earlier.code == *code) {
            return fault(Fault::DuplicateCode(code.clone()), "code");
        }
        match kind {
            SubsidyKind::PercentOfUsage(percent) if percent.get() > rust_decimal::Decimal::ONE_HUNDRED => {
                return fault(Fault::PercentAboveHundred, "kind.percentOfUsage");
            }
            SubsidyKind::PercentOfUsage(percent) if percent.get().is_zero() => {
                return fault(Fault::SubsidyOfNothing, "kind.percentOfUsage");
            }
            SubsidyKind::Amount(amount) if amount.get().is_zero() => return fault(Fault::SubsidyOfNothing, "kind.amount"),
            SubsidyKind::Amount(_) if quota.is_some() => return fault(Fault::QuotaOfAmount, "quota"),
            SubsidyKind::PriceDifference { .. } | SubsidyKind::PercentOfUsage(_) | SubsidyKind::Amount(_) => {}
        }
        if quota.is_some_and(|quota| quota.is_zero()) {
            return fault(Fault::SubsidyOfNothing, "quota");
        }
        if cap.is_some_and(|cap| cap == Figure::ZERO) {
            return fault(Fault::SubsidyOfNothing, "cap");
        }
    }
    Ok(())
}

impl FixedCharge {
    /// The smallest and the largest breaker it is for. No condition is for all.
    fn amps(&self) -> (u32, u32) {
        self.when.map_or((0, u32::MAX), |when| (when.breaker_amps_min.unwrap_or(0), when.breaker_amps_max.unwrap_or(u32::MAX)))
    }

    fn meets(&self, other: &Self) -> bool {
        let ((min, max), (other_min, other_max)) = (self.amps(), other.amps());
        min <= other_max && other_min <= max
    }
}

impl Fault {
    fn at(self, place: impl Into<String>) -> Misprint {
        Misprint { place: place.into(), fault: self }
    }
}
