//! From what a table says to a table that can be priced by: every rule that its fields keep, each with the place that breaks it.

use std::{fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Charge, Price, PriceTerms, Step};
use crate::{
    Code, Service, VatCategory,
    invoice::VatTreatment,
    tariff::{BadTariff, Figure, Quantity, read_checked},
};

/// A table whose terms hold together: whatever is asked of it, each of its charges has one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PriceTerms")]
pub struct Prices(Box<PriceTerms>);

/// Where the terms contradict themselves, and how.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {fault}")]
pub struct Misprint {
    /// As `charges[0].cases[1].when`.
    pub place: String,
    pub fault: PriceFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PriceFault {
    #[error("there is no charge")]
    NoCharge,
    #[error("`{0}` would stand on one quote twice")]
    DuplicateCode(Code),
    #[error("a quote is good for a day at least")]
    NeverValid,
    #[error("the last case is for everybody who is left: it has no `when`")]
    SomeLeftOut,
    #[error("an earlier case holds wherever this one does: it is never reached")]
    NeverReached,
    #[error("there is no step")]
    NoStep,
    #[error("the last step is for all the rest: `null`")]
    LastStepBounded,
    #[error("only the last step is for all the rest")]
    EarlyStepUnbounded,
    #[error("steps ascend: this is not above {0}")]
    StepNotAbove(Quantity),
    #[error("water has no load")]
    LoadOfWater,
    #[error("electricity has no diameter")]
    DiameterOfElectricity,
    #[error("the standard category has a rate above zero and not above 1, and the others have none")]
    VatRate,
    #[error("a category other than the standard needs the law's code for why")]
    VatReasonMissing,
}

impl PriceFault {
    fn at(self, place: impl Into<String>) -> Misprint {
        Misprint { place: place.into(), fault: self }
    }
}

impl Deref for Prices {
    type Target = PriceTerms;

    fn deref(&self) -> &PriceTerms {
        &self.0
    }
}

impl FromStr for Prices {
    type Err = BadTariff;

    fn from_str(text: &str) -> Result<Self, BadTariff> {
        read_checked(text, |terms: PriceTerms| Self::try_from(terms).map_err(|misprint| (misprint.place, misprint.fault.to_string())))
    }
}

/// A line for people, as the answer to whether a file is sound.
impl fmt::Display for Prices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PriceTerms { code, service, currency, effective_from, charges, .. } = &*self.0;
        let service = format!("{service:?}").to_lowercase();
        write!(f, "{code}: connections to {service} in {currency}, from {effective_from}; charges {}", charges.len())
    }
}

impl TryFrom<PriceTerms> for Prices {
    type Error = Misprint;

    fn try_from(terms: PriceTerms) -> Result<Self, Misprint> {
        if terms.valid_days == 0 {
            return Err(PriceFault::NeverValid.at("validDays"));
        }
        check_vat(&terms.vat)?;
        if terms.charges.is_empty() {
            return Err(PriceFault::NoCharge.at("charges"));
        }
        for (n, charge) in terms.charges.iter().enumerate() {
            if terms.charges[..n].iter().any(|before| before.code == charge.code) {
                return Err(PriceFault::DuplicateCode(charge.code.clone()).at(format!("charges[{n}].code")));
            }
            check_cases(&format!("charges[{n}]"), charge, terms.service)?;
        }
        Ok(Self(Box::new(terms)))
    }
}

fn check_vat(vat: &VatTreatment) -> Result<(), Misprint> {
    match vat.category {
        VatCategory::S if vat.rate == Figure::ZERO || vat.rate.get() > rust_decimal::Decimal::ONE => {
            Err(PriceFault::VatRate.at("vat.rate"))
        }
        VatCategory::S => Ok(()),
        VatCategory::Z | VatCategory::E | VatCategory::O if vat.rate != Figure::ZERO => Err(PriceFault::VatRate.at("vat.rate")),
        VatCategory::Z | VatCategory::E | VatCategory::O if vat.reason.is_none() => Err(PriceFault::VatReasonMissing.at("vat")),
        VatCategory::Z | VatCategory::E | VatCategory::O => Ok(()),
    }
}

fn check_cases(place: &str, charge: &Charge, service: Service) -> Result<(), Misprint> {
    for (n, case) in charge.cases.iter().enumerate() {
        let place = format!("{place}.cases[{n}]");
        if charge.cases[..n].iter().any(|before| before.when.covers(&case.when)) {
            return Err(PriceFault::NeverReached.at(format!("{place}.when")));
        }
        let (loaded, round) = (case.when.load_kva_up_to.is_some() || !case.when.phases.is_empty(), !case.when.diameters_mm.is_empty());
        match service {
            Service::Electricity if round => return Err(PriceFault::DiameterOfElectricity.at(format!("{place}.when"))),
            Service::Water if loaded => return Err(PriceFault::LoadOfWater.at(format!("{place}.when"))),
            Service::Electricity | Service::Water => {}
        }
        match &case.price {
            Price::Fixed(_) => {}
            Price::PerKva(_) if service == Service::Water => return Err(PriceFault::LoadOfWater.at(format!("{place}.price"))),
            Price::PerKva(steps) => check_steps(&format!("{place}.price.perKva"), steps)?,
            Price::PerMetre(steps) => check_steps(&format!("{place}.price.perMetre"), steps)?,
        }
    }
    match charge.cases.last() {
        Some(last) if last.when.is_always() => Ok(()),
        Some(_) | None => Err(PriceFault::SomeLeftOut.at(format!("{place}.cases"))),
    }
}

fn check_steps(place: &str, steps: &[Step]) -> Result<(), Misprint> {
    let last = steps.len().checked_sub(1).ok_or_else(|| PriceFault::NoStep.at(place))?;
    let mut below = Quantity::ZERO;
    for (n, Step { up_to, .. }) in steps.iter().enumerate() {
        let place = format!("{place}[{n}].upTo");
        match *up_to {
            Some(_) if n == last => return Err(PriceFault::LastStepBounded.at(place)),
            Some(up_to) if up_to <= below => return Err(PriceFault::StepNotAbove(below).at(place)),
            Some(up_to) => below = up_to,
            None if n < last => return Err(PriceFault::EarlyStepUnbounded.at(place)),
            None => {}
        }
    }
    Ok(())
}
